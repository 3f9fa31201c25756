/*
 * extension/avro_paths.c
 *     Which Avro files a file name stands for, and what their directories say.
 *
 * A directory is walked by our own loop; a glob is left to glob(3), whose
 * memory hangs on a memory context. A walk that fails anywhere fails as a
 * whole: a table must not lose rows because a directory cannot be read.
 */
#include "postgres.h"

#include <glob.h>
#include <sys/stat.h>

#include "common/file_utils.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "avro_file.h"
#include "compat.h"

#define AVRO_SUFFIX ".avro"
#define HIVE_NULL "__HIVE_DEFAULT_PARTITION__"

#define FIRST_PATHS 16

/* A list of files being made. */
typedef struct PathList
{
    AvroPaths *paths;
    int room;
} PathList;

/* The directories from the start of a walk down to the one being read. */
typedef struct WalkLevel
{
    const struct WalkLevel *above;
    dev_t device;
    ino_t inode;
} WalkLevel;

/* A glob_t whose memory is freed with the context. */
typedef struct Glob
{
    glob_t result;
    MemoryContextCallback on_reset;
} Glob;

/* Where glob(3) failed; its callback has no argument of ours. */
static struct
{
    int error;
    char *path;
} glob_failure;

/* The part of a path behind its last slash. */
static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* True if a name ends with .avro. */
static bool
has_suffix(const char *name)
{
    size_t len = strlen(name);
    size_t suffix = strlen(AVRO_SUFFIX);

    return len > suffix && strcmp(name + len - suffix, AVRO_SUFFIX) == 0;
}

/*
 * Copy len bytes, %XX decoded; what is no escape, and %00, stands for itself. The
 * result is UTF-8, which Hive and Spark write, or else of the server's encoding.
 */
static char *
decode_part(const char *path, const char *part, size_t len)
{
    char *text = palloc(len + 1);
    size_t out = 0;

    for (size_t i = 0; i < len; i++)
    {
        int high = part[i] == '%' && i + 2 < len ? cs_hex_digit(part[i + 1]) : -1;
        int low = high >= 0 ? cs_hex_digit(part[i + 2]) : -1;

        if (low >= 0 && high * 16 + low != 0)
        {
            text[out++] = (char) (high * 16 + low);
            i += 2;
        }
        else
            text[out++] = part[i];
    }
    text[out] = '\0';
    if (cs_utf8_valid(text, out))
        return pg_any_to_server(text, (int) out, PG_UTF8);
    if (!pg_verifymbstr(text, (int) out, true))
        ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
                        errmsg("path \"%s\" has a directory name that is not valid text", path),
                        errdetail("Directories of the form \"name=value\" are columns.")));
    return text;
}

/* Add the key of one directory name. */
static void
add_key(AvroPath *path, AvroPathKey **keys, const char *part, size_t len)
{
    const char *equals = memchr(part, '=', len);
    AvroPathKey key;
    const char *known;

    if (equals == NULL || equals == part)
        return;
    key.name = decode_part(path->path, part, (size_t) (equals - part));
    key.value = decode_part(path->path, equals + 1, (size_t) (part + len - equals - 1));
    if (strcmp(key.value, HIVE_NULL) == 0)
        key.value = NULL;
    path->keys = *keys;
    if (avro_path_key(path, key.name, &known))
        ereport(ERROR,
                (errcode(ERRCODE_DUPLICATE_COLUMN),
                 errmsg("path \"%s\" has the directory key \"%s\" twice", path->path, key.name)));
    *keys = *keys == NULL ? palloc(sizeof(AvroPathKey))
                          : repalloc(*keys, (path->num_keys + 1) * sizeof(AvroPathKey));
    (*keys)[path->num_keys++] = key;
    path->keys = *keys;
}

void
avro_path_parse_keys(AvroPath *path)
{
    AvroPathKey *keys = NULL;
    const char *part = path->path;

    path->keys = NULL;
    path->num_keys = 0;
    for (const char *slash; (slash = strchr(part, '/')) != NULL; part = slash + 1)
        add_key(path, &keys, part, (size_t) (slash - part));
}

bool
avro_path_key(const AvroPath *path, const char *name, const char **value)
{
    for (int i = 0; i < path->num_keys; i++)
        if (strcmp(path->keys[i].name, name) == 0)
        {
            *value = path->keys[i].value;
            return true;
        }
    return false;
}

/* Add one file; the path is copied. */
static void
add_path(PathList *list, const char *path)
{
    AvroPaths *paths = list->paths;

    if (paths->count == list->room)
    {
        list->room = list->room > 0 ? list->room * 2 : FIRST_PATHS;
        paths->items = paths->items == NULL
                           ? palloc(list->room * sizeof(AvroPath))
                           : repalloc_huge(paths->items, (Size) list->room * sizeof(AvroPath));
    }
    paths->items[paths->count].path = pstrdup(path);
    avro_path_parse_keys(&paths->items[paths->count]);
    paths->count++;
}

/* stat, or raise. */
static struct stat
check_stat(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        ereport(ERROR,
                (errcode_for_file_access(), errmsg("could not access file \"%s\": %m", path)));
    return status;
}

/* True for a name that a walk passes over: hidden, as Hive and Spark see it. */
static bool
is_hidden(const char *name)
{
    return name[0] == '.' || (name[0] == '_' && strchr(name, '=') == NULL);
}

/*
 * True for an entry that leads nowhere and would be no Avro file either: a link "latest" whose
 * target was removed. Behind a name of ours, rows are missing, which is an error.
 */
static bool
is_nothing(const char *path, const char *name)
{
    struct stat status;

    return !has_suffix(name) && stat(path, &status) != 0 && errno == ENOENT;
}

/* Add every file below a directory. */
static void
walk_directory(PathList *list, const char *directory, const WalkLevel *above)
{
    struct stat status = check_stat(directory);
    WalkLevel level = {above, status.st_dev, status.st_ino};
    DIR *entries;
    struct dirent *entry;

    check_stack_depth();
    for (; above != NULL; above = above->above)
        if (above->device == level.device && above->inode == level.inode)
            ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                            errmsg("directory \"%s\" contains itself", directory)));
    entries = AllocateDir(directory);
    while ((entry = ReadDir(entries, directory)) != NULL)
    {
        char *path;

        CHECK_FOR_INTERRUPTS();
        if (is_hidden(entry->d_name))
            continue;
        path = psprintf("%s%s%s", directory, directory[strlen(directory) - 1] == '/' ? "" : "/",
                        entry->d_name);
        if (is_nothing(path, entry->d_name))
            continue;
        if (get_dirent_type(path, entry, true, ERROR) == PGFILETYPE_DIR)
            walk_directory(list, path, &level);
        else if (has_suffix(entry->d_name))
            add_path(list, path);
        pfree(path);
    }
    FreeDir(entries);
}

/* Memory context callback: free what glob(3) allocated. */
static void
free_glob(void *arg)
{
    globfree(&((Glob *) arg)->result);
}

/* Note the first directory that glob(3) cannot read, and end it. */
static int
note_glob_failure(const char *path, int error)
{
    glob_failure.error = error;
    glob_failure.path = strdup(path);
    return 1;
}

/* Raise what ended glob(3). */
pg_noreturn static void
raise_glob(const char *pattern, int status)
{
    char *path = glob_failure.path != NULL ? pstrdup(glob_failure.path) : NULL;

    free(glob_failure.path);
    glob_failure.path = NULL;
    if (status == GLOB_NOSPACE || path == NULL)
        ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
                        errdetail("Failed while looking for files of \"%s\".", pattern)));
    errno = glob_failure.error;
    ereport(ERROR, (errcode_for_file_access(), errmsg("could not read directory \"%s\": %m", path),
                    errdetail("Failed while looking for files of \"%s\".", pattern)));
}

/* Add what matches a glob, if anything; scratch holds what glob(3) allocates. */
static void
match_glob(PathList *list, const char *pattern, MemoryContext scratch)
{
    Glob *match = MemoryContextAllocZero(scratch, sizeof(Glob));
    int status;

    match->on_reset.func = free_glob;
    match->on_reset.arg = match;
    MemoryContextRegisterResetCallback(scratch, &match->on_reset);
    status = glob(pattern, GLOB_ERR | GLOB_NOSORT, note_glob_failure, &match->result);
    if (status == GLOB_NOMATCH)
        return;
    if (status != 0)
        raise_glob(pattern, status);
    for (size_t i = 0; i < match->result.gl_pathc; i++)
    {
        const char *path = match->result.gl_pathv[i];

        CHECK_FOR_INTERRUPTS();
        if (strncmp(base_name(path), AVRO_TEMPORARY_PREFIX, strlen(AVRO_TEMPORARY_PREFIX)) == 0)
            continue;
        if (!S_ISDIR(check_stat(path).st_mode))
            add_path(list, path);
        else if (!is_hidden(base_name(path)))
            walk_directory(list, path, NULL);
    }
}

/* Order files by the bytes of their paths. */
static int
compare_paths(const void *a, const void *b)
{
    return strcmp(((const AvroPath *) a)->path, ((const AvroPath *) b)->path);
}

AvroFilename
avro_filename_kind(const char *filename)
{
    struct stat status;

    if (!is_absolute_path(filename))
        ereport(ERROR, (errcode(ERRCODE_INVALID_NAME),
                        errmsg("relative path not allowed for Avro files: \"%s\"", filename),
                        errhint("Give the path on the server from its root directory.")));
    if (stat(filename, &status) == 0)
        return S_ISDIR(status.st_mode) ? AVRO_FILENAME_DIRECTORY : AVRO_FILENAME_FILE;
    return strpbrk(filename, "*?[") != NULL ? AVRO_FILENAME_GLOB : AVRO_FILENAME_FILE;
}

AvroPaths *
avro_paths_or_none(const char *filename)
{
    AvroPaths *paths = palloc0(sizeof(AvroPaths));
    PathList list = {paths, 0};
    MemoryContext scratch;

    switch (avro_filename_kind(filename))
    {
        case AVRO_FILENAME_FILE:
            check_stat(filename);
            add_path(&list, filename);
            break;
        case AVRO_FILENAME_DIRECTORY:
            walk_directory(&list, filename, NULL);
            break;
        case AVRO_FILENAME_GLOB:
            scratch =
                AllocSetContextCreate(CurrentMemoryContext, "Avro glob", ALLOCSET_SMALL_SIZES);
            match_glob(&list, filename, scratch);
            MemoryContextDelete(scratch);
            break;
    }
    if (paths->count > 0)
        qsort(paths->items, paths->count, sizeof(AvroPath), compare_paths);
    return paths;
}

AvroPaths *
avro_paths(const char *filename)
{
    AvroPaths *paths = avro_paths_or_none(filename);

    if (paths->count == 0 && avro_filename_kind(filename) == AVRO_FILENAME_GLOB)
        ereport(ERROR,
                (errcode(ERRCODE_UNDEFINED_FILE), errmsg("no file matches \"%s\"", filename)));
    return paths;
}
