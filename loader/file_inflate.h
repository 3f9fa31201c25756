/*
 * loader/file_inflate.h
 *     What a compressed file holds: gzip of any number of members, zstandard of
 *     any number of frames, told by the first bytes.
 */
#ifndef LOADER_FILE_INFLATE_H
#define LOADER_FILE_INFLATE_H

#include "base.h"

#include <stdbool.h>

/* So many bytes are enough to tell a compression. */
#define INFLATE_MAGIC_BYTES 6

typedef enum file_compression
{
    COMPRESSION_NONE,
    COMPRESSION_GZIP,
    COMPRESSION_ZSTANDARD,
    COMPRESSION_FOREIGN /* one that is known, but not read: bzip2 or xz */
} file_compression;

/* The compression that the first bytes of a file say. */
file_compression inflate_detect(const uint8_t *magic, size_t len);

/* Reads the file's own bytes, as file_source_read does. */
typedef int64_t (*inflate_read)(void *ctx, void *data, size_t len);

typedef struct file_inflate file_inflate;

/* Start to decompress; NULL without memory. */
file_inflate *inflate_open(file_compression compression, inflate_read read, void *ctx);

/* Start again, the file being read from its start again. */
void inflate_rewind(file_inflate *inflate);

/*
 * Read on, up to len bytes: the number read, 0 at the end of the last member or
 * frame. -1 if the file could not be read (errno says why), or is damaged or ends
 * too early (errno is EBADMSG, and inflate_error says why and where).
 */
int64_t inflate_next(file_inflate *inflate, void *data, size_t len);

/* What is wrong with the file; NULL if nothing is. */
const cs_error *inflate_error(const file_inflate *inflate);

/* Free; NULL is fine. */
void inflate_close(file_inflate *inflate);

#endif
