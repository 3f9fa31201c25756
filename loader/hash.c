/*
 * loader/hash.c
 *     SHA-256, by libcrypto.
 */
#include "hash.h"

#include <openssl/evp.h>
#include <stdio.h>

void
hash_start(hash_stream *hash)
{
    if (hash->context == NULL)
        hash->context = EVP_MD_CTX_new();
    hash->failed =
        hash->context == NULL || EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1;
}

/* Add bytes. */
void
hash_add(hash_stream *hash, const void *data, size_t len)
{
    if (!hash->failed)
        hash->failed = EVP_DigestUpdate(hash->context, data, len) != 1;
}

bool
hash_finish(hash_stream *hash, char text[HASH_TEXT_SIZE])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int len = 0;

    if (hash->failed || EVP_DigestFinal_ex(hash->context, sum, &len) != 1)
        return false;
    for (unsigned int i = 0; i < len && 2 * i + 2 < HASH_TEXT_SIZE; i++)
        snprintf(text + (size_t) 2 * i, 3, "%02x", sum[i]);
    return true;
}

/* Free the context. */
void
hash_free(hash_stream *hash)
{
    EVP_MD_CTX_free(hash->context);
    hash->context = NULL;
}

bool
hash_bytes(cs_slice bytes, char text[HASH_TEXT_SIZE])
{
    hash_stream hash = {NULL, false};
    bool done;

    hash_start(&hash);
    hash_add(&hash, bytes.data, bytes.len);
    done = hash_finish(&hash, text);
    hash_free(&hash);
    return done;
}
