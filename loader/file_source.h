/*
 * loader/file_source.h
 *     Reading a file, or standard input as "-": forward, or by position for core.
 *
 * A compressed file can be read as what it holds. Its size, the offset and the
 * hash are about its own bytes all the same.
 */
#ifndef LOADER_FILE_SOURCE_H
#define LOADER_FILE_SOURCE_H

#include "avro_container.h"
#include "defaults.h"
#include "file_inflate.h"
#include "hash.h"

#include <sys/types.h>

typedef struct file_source
{
    const char *name;  /* borrowed; as the user wrote it */
    int fd;            /* -1 if closed */
    int64_t size;      /* -1 if unknown: a pipe, a terminal */
    uint64_t offset;   /* bytes read so far, up to the farthest */
    hash_stream *hash; /* gets every byte read; NULL for none */
    uint64_t hash_end; /* where the hash ends; 0: with the file */

    /* Set by file_source_decompress */
    file_inflate *inflate;             /* NULL: the bytes are handed out as they are */
    uint8_t head[INFLATE_MAGIC_BYTES]; /* bytes read to tell the compression */
    size_t head_start;                 /* of those not yet handed out */
    size_t head_end;
} file_source;

/* Open for reading. A directory is refused. */
exit_status file_source_open(file_source *source, const char *name);

/* The same without a report: the error says it all. */
cs_code file_source_try_open(file_source *source, const char *name, cs_error *err);
void file_source_close(file_source *source);

/*
 * To be called before the first read: where the file begins as gzip or zstandard
 * does, file_source_read gives what it holds from now on. A file compressed in
 * another way is refused. The source must not move in memory afterwards.
 */
exit_status file_source_decompress(file_source *source);

/* The same without a report. */
cs_code file_source_try_decompress(file_source *source, cs_error *err);

/* Read on, up to len bytes: the number read, 0 at the end, -1 with errno (EINTR: should stop). */
int64_t file_source_read(file_source *source, void *data, size_t len);

/* Report that file_source_read failed. */
exit_status file_source_fail(const file_source *source);

/* The same as an error of core's, whose code is returned; and reporting that, or one of try_. */
cs_code file_source_error(const file_source *source, cs_error *err);
exit_status file_source_report(const cs_error *err);

/* Read from the start again; false if the file is not one that can. */
bool file_source_rewind(file_source *source);

/* The source as core reads it. */
cs_source file_source_as_core(file_source *source);

/* The bytes of several files; -1 where one is a pipe, or not there. */
int64_t file_total_bytes(char *const *names, int count);

/* Which file a name leads to. */
typedef struct file_identity
{
    const char *name; /* borrowed */
    bool exists;
    dev_t device;
    ino_t inode;
} file_identity;

file_identity file_identify(const char *name);

/* True if both names are the same, or lead to the same existing file. */
bool file_identity_same(const file_identity *a, const file_identity *b);

/* True if an open file that can be read at any place begins as an Avro file does. */
bool file_is_avro(int fd);

/* Read a whole small file into a buffer. */
exit_status file_read_all(const char *name, size_t limit, cs_buffer *content);

#endif
