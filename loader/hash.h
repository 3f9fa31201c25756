/*
 * loader/hash.h
 *     SHA-256 of a stream of bytes.
 */
#ifndef LOADER_HASH_H
#define LOADER_HASH_H

#include "base.h"

#define HASH_TEXT_SIZE 65 /* hexadecimal, terminated */

typedef struct hash_stream
{
    struct evp_md_ctx_st *context;
    bool failed; /* remembered, so that only the end needs a check */
} hash_stream;

/* Start, also again; a zeroed struct may be started and freed. */
void hash_start(hash_stream *hash);
void hash_add(hash_stream *hash, const void *data, size_t len);

/* The sum in hexadecimal; false if the library failed. */
bool hash_finish(hash_stream *hash, char text[HASH_TEXT_SIZE]);
void hash_free(hash_stream *hash);

/* The sum of some bytes; false if the library failed. */
bool hash_bytes(cs_slice bytes, char text[HASH_TEXT_SIZE]);

#endif
