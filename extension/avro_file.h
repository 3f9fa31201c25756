/*
 * extension/avro_file.h
 *     Avro files on the server: which ones, opening them, and what went wrong.
 */
#ifndef CLICKSTREAM_AVRO_FILE_H
#define CLICKSTREAM_AVRO_FILE_H

#include "storage/fd.h"
#include "utils/memutils.h"

#include "compat.h"

#include "avro_container.h"

/* The names that only files being written have; no file name of ours matches them. */
#define AVRO_TEMPORARY_PREFIX ".clickstream-"

/* One read or write takes this many bytes at most: before PostgreSQL 16 the count is an int. */
#define AVRO_MAX_IO_BYTES (1024 * 1024 * 1024)

/* What a file name given by a user stands for. */
typedef enum AvroFilename
{
    AVRO_FILENAME_FILE,
    AVRO_FILENAME_DIRECTORY, /* every *.avro below it */
    AVRO_FILENAME_GLOB       /* what matches; a directory that does: every *.avro below it */
} AvroFilename;

/* A directory "name=value" on a file's path. */
typedef struct AvroPathKey
{
    const char *name;  /* decoded */
    const char *value; /* decoded; NULL for __HIVE_DEFAULT_PARTITION__ */
} AvroPathKey;

/* One file. */
typedef struct AvroPath
{
    const char *path;
    const AvroPathKey *keys; /* by the order of the path; a name appears once */
    int num_keys;
} AvroPath;

/* The files of a file name, sorted by the bytes of their paths. */
typedef struct AvroPaths
{
    AvroPath *items;
    int count;
} AvroPaths;

/*
 * What a file name stands for: a path that exists is itself, whatever its
 * characters; any other with '*', '?' or '[' is a glob. An error if the path is
 * not absolute; a path that does not exist is a FILE.
 */
AvroFilename avro_filename_kind(const char *filename);

/*
 * List the files, in the current memory context. An error (58P01) if the file
 * does not exist or nothing matches the glob; a directory may be empty. Names
 * with a leading '.' or '_' below a directory are passed over, as Hive and
 * Spark do, unless they hold a '='.
 */
AvroPaths *avro_paths(const char *filename);

/* The same, where no match of a glob is no error. */
AvroPaths *avro_paths_or_none(const char *filename);

/* The keys on one path. */
void avro_path_parse_keys(AvroPath *path);

/* The value of a key; false if the path has none of that name. */
bool avro_path_key(const AvroPath *path, const char *name, const char **value);

/*
 * An open file. It lives in a memory context of its own, a child of the one that
 * was current; reset or deletion of that closes it, as avro_file_close does.
 */
typedef struct AvroFile
{
    MemoryContext context; /* owns all of this */
    const char *path;
    File vfd; /* not bound to the transaction */
    cs_env env;
    cs_source source; /* source.size: the file's size when it was opened */
    cs_avro_reader *reader;
    MemoryContextCallback on_reset;
} AvroFile;

/* Open a file and read its header; limits may be NULL. Raises what goes wrong. */
AvroFile *avro_file_open(const char *path, const cs_avro_limits *limits);
void avro_file_close(AvroFile *file);

/* What a file's header says, kept without the file: in the current memory context. */
typedef struct AvroFileInfo
{
    const char *path;
    const char *schema; /* the JSON text */
    size_t schema_len;
    const cs_avro_meta *meta;
    size_t num_meta;
} AvroFileInfo;

AvroFileInfo *avro_file_info(const char *path, const cs_avro_limits *limits);

/* The value of a metadata key as terminated text, NULL if absent. */
const char *avro_file_info_meta(const AvroFileInfo *info, const char *key);

/*
 * Raise what core reported of a file: message with the file's name, detail with
 * byte, block, record and column as far as they are known, a hint at the option
 * for a limit. err->field is not looked at. A damaged file is
 * ERRCODE_DATA_CORRUPTED.
 */
pg_noreturn void avro_raise(const char *path, const cs_avro_block *block, const char *column,
                            const cs_error *err);

/* What core says, as text that the client can take whatever the file held. */
char *avro_message(const cs_error *err);

/* UTF-8 that core has verified as terminated text in the server's encoding; a copy. */
char *avro_server_text(const char *utf8, size_t len);

/* The SQLSTATE of an error in a file. */
int avro_sqlstate(const cs_error *err);

/* Raise 42501 unless the current user is a member of pg_read_server_files. */
void avro_check_may_read(void);

#endif
