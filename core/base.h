/*
 * core/base.h
 *     What every part of core shares: environment, status, errors, buffers.
 *
 * Core never prints, exits or throws. A function that can fail returns a
 * cs_code; when that is not CS_OK (or CS_END, the regular end of a sequence)
 * the cs_error passed in says why and where. Memory comes from the caller's
 * cs_env, whose functions return NULL on failure.
 */
#ifndef CS_BASE_H
#define CS_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum cs_code
{
    CS_OK = 0,
    CS_END,             /* no further item; not an error */
    CS_ERR_MEMORY,      /* the allocator returned NULL */
    CS_ERR_STOPPED,     /* should_stop said so */
    CS_ERR_IO,          /* reading or writing failed: sys_errno is set */
    CS_ERR_DATA,        /* the input breaks its format */
    CS_ERR_UNSUPPORTED, /* legal input that this version does not handle */
    CS_ERR_RANGE,       /* a value lies outside what its type can hold */
    CS_ERR_LIMIT,       /* a named limit would be passed */
    CS_ERR_ARGUMENT     /* the caller asked for something impossible */
} cs_code;

#define CS_ERROR_MESSAGE_SIZE 320

/* Why and where something failed. Lower case, no full stop. */
typedef struct cs_error
{
    cs_code code;
    char message[CS_ERROR_MESSAGE_SIZE];
    const char *file; /* borrowed from the source's name; NULL if none */
    int64_t offset;   /* byte position in the file, -1 if unknown */
    int64_t record;   /* record number from 1 (a log's line number), 0 if unknown */
    int field;        /* index of the schema field at fault, -1 if unknown */
    int sys_errno;    /* for CS_ERR_IO */
} cs_error;

/* Where memory comes from and how a long job learns that it should stop. */
typedef struct cs_env
{
    void *(*resize)(void *ctx, void *old, size_t old_size, size_t size); /* old may be NULL */
    void (*release)(void *ctx, void *memory); /* free: never called with NULL */
    bool (*should_stop)(void *ctx);           /* polled now and then; may be NULL */
    void *ctx;
} cs_env;

/* A borrowed run of bytes; not terminated. */
typedef struct cs_slice
{
    const char *data;
    size_t len;
} cs_slice;

/* A growing run of bytes. */
typedef struct cs_buffer
{
    const cs_env *env;
    uint8_t *data;
    size_t len;
    size_t capacity;
} cs_buffer;

/* The number of items between two polls of should_stop. */
#define CS_POLL_ITEMS 4096

/* Fill in err and return code, so that a caller can write `return cs_fail(...)`. */
cs_code cs_fail(cs_error *err, cs_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
cs_code cs_fail_memory(cs_error *err, size_t size);

/* Report what err says already, with the place where that happened before it. */
cs_code cs_fail_within(cs_error *err, cs_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

cs_code cs_poll(const cs_env *env, cs_error *err);
void cs_error_clear(cs_error *err);

/* An environment on malloc that never stops. */
const cs_env *cs_malloc_env(void);

void *cs_allocate(const cs_env *env, size_t size);
void cs_release(const cs_env *env, void *memory);
cs_code cs_grow_array(const cs_env *env, void **array, size_t *capacity, size_t needed,
                      size_t item_size, cs_error *err);

void cs_buffer_init(cs_buffer *buffer, const cs_env *env);
void cs_buffer_free(cs_buffer *buffer);
cs_code cs_buffer_reserve(cs_buffer *buffer, size_t more, cs_error *err);
cs_code cs_buffer_append(cs_buffer *buffer, const void *data, size_t len, cs_error *err);
cs_code cs_buffer_printf(cs_buffer *buffer, cs_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

bool cs_utf8_valid(const char *data, size_t len);

/* A C string literal or a terminated string as a slice. */
static inline cs_slice
cs_slice_of(const char *text)
{
    return (cs_slice){text, strlen(text)};
}

/* True if the slice holds exactly this text. */
static inline bool
cs_slice_is(cs_slice slice, const char *text)
{
    return slice.len == strlen(text) && memcmp(slice.data, text, slice.len) == 0;
}

/* The value of a hexadecimal digit, -1 if it is none. */
static inline int
cs_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Spread the bits of an id, for a hash table (the finaliser of MurmurHash3). */
static inline uint64_t
cs_hash_id(int64_t id)
{
    uint64_t hash = (uint64_t) id;

    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 33;
    hash *= UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ hash >> 33;
}

#define CS_TRY(call)                  \
    do                                \
    {                                 \
        cs_code cs_try_code = (call); \
        if (cs_try_code != CS_OK)     \
            return cs_try_code;       \
    } while (0)

#endif
