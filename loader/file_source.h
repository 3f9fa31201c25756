/*
 * loader/file_source.h
 *     Reading a file, or standard input as "-": forward, or by position for core.
 */
#ifndef LOADER_FILE_SOURCE_H
#define LOADER_FILE_SOURCE_H

#include "avro_container.h"
#include "defaults.h"
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
} file_source;

/* Open for reading. A directory is refused. */
exit_status file_source_open(file_source *source, const char *name);
void file_source_close(file_source *source);

/* Read on, up to len bytes: the number read, 0 at the end, -1 with errno (EINTR: should stop). */
int64_t file_source_read(file_source *source, void *data, size_t len);

/* Report that file_source_read failed. */
exit_status file_source_fail(const file_source *source);

/* Read from the start again; false if the file is not one that can. */
bool file_source_rewind(file_source *source);

/* The source as core reads it. */
cs_source file_source_as_core(file_source *source);

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

/* Read a whole small file into a buffer. */
exit_status file_read_all(const char *name, size_t limit, cs_buffer *content);

#endif
