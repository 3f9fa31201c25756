/*
 * core/base.c
 *     Errors, memory and byte buffers.
 */
#include "base.h"
#include "word.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Forget what an earlier call left in err. */
void
cs_error_clear(cs_error *err)
{
    memset(err, 0, sizeof(*err));
    err->offset = -1;
    err->field = -1;
}

/* The length of the UTF-8 sequence at p (RFC 3629), 0 if it is not one. */
static size_t
utf8_sequence(const uint8_t *p, size_t left)
{
    uint8_t low = 0x80, high = 0xbf;
    size_t len;

    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        len = 2;
    else if (p[0] >= 0xe0 && p[0] <= 0xef)
        len = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        len = 4;
    else
        return 0;
    if (left < len)
        return 0;

    if (p[0] == 0xe0)
        low = 0xa0; /* no overlong forms */
    else if (p[0] == 0xed)
        high = 0x9f; /* no surrogates */
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f; /* nothing above U+10FFFF */
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

/* Replace what is not UTF-8 in a message, which may quote a file or cut a name. */
static void
make_printable(char *message)
{
    size_t len = strlen(message);

    for (size_t i = 0; i < len;)
    {
        size_t step = utf8_sequence((uint8_t *) message + i, len - i);

        if (step == 0 || (uint8_t) message[i] < ' ')
            message[i] = '?';
        i += step > 0 ? step : 1;
    }
}

/* Fill in err and return code. */
cs_code
cs_fail(cs_error *err, cs_code code, const char *format, ...)
{
    va_list args;

    cs_error_clear(err);
    err->code = code;
    va_start(args, format);
    vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    make_printable(err->message);
    return code;
}

cs_code
cs_fail_within(cs_error *err, cs_code code, const char *format, ...)
{
    char place[CS_ERROR_MESSAGE_SIZE], reason[CS_ERROR_MESSAGE_SIZE];
    va_list args;

    memcpy(reason, err->message, sizeof(reason));
    va_start(args, format);
    vsnprintf(place, sizeof(place), format, args);
    va_end(args);
    return cs_fail(err, code, "%s: %s", place, reason);
}

/* Report that size bytes could not be had. */
cs_code
cs_fail_memory(cs_error *err, size_t size)
{
    return cs_fail(err, CS_ERR_MEMORY, "out of memory: %zu bytes could not be allocated", size);
}

/* CS_ERR_STOPPED if the caller wants the job to end. */
cs_code
cs_poll(const cs_env *env, cs_error *err)
{
    if (env->should_stop != NULL && env->should_stop(env->ctx))
        return cs_fail(err, CS_ERR_STOPPED, "interrupted");
    return CS_OK;
}

/* cs_env on realloc. */
static void *
malloc_resize(void *ctx, void *old, size_t old_size, size_t size)
{
    (void) ctx;
    (void) old_size;
    return realloc(old, size);
}

/* cs_env on free. */
static void
malloc_release(void *ctx, void *memory)
{
    (void) ctx;
    free(memory);
}

const cs_env *
cs_malloc_env(void)
{
    static const cs_env env = {malloc_resize, malloc_release, NULL, NULL};

    return &env;
}

/* Allocate size bytes, NULL on failure. A size of 0 gives one byte. */
void *
cs_allocate(const cs_env *env, size_t size)
{
    return env->resize(env->ctx, NULL, 0, size > 0 ? size : 1);
}

/* Free memory; NULL is fine. */
void
cs_release(const cs_env *env, void *memory)
{
    if (memory != NULL)
        env->release(env->ctx, memory);
}

/*
 * Make *array hold at least needed items, at least doubling it so that adding
 * one by one stays linear. The array is left as it was on failure.
 */
cs_code
cs_grow_array(const cs_env *env, void **array, size_t *capacity, size_t needed, size_t item_size,
              cs_error *err)
{
    size_t wanted = *capacity < SIZE_MAX / 2 ? *capacity * 2 : SIZE_MAX;
    void *grown;

    if (needed <= *capacity)
        return CS_OK;
    if (wanted < needed)
        wanted = needed;
    if (wanted > SIZE_MAX / item_size)
        return cs_fail_memory(err, SIZE_MAX);
    grown = env->resize(env->ctx, *array, *capacity * item_size, wanted * item_size);
    if (grown == NULL)
        return cs_fail_memory(err, wanted * item_size);
    *array = grown;
    *capacity = wanted;
    return CS_OK;
}

/* Start an empty buffer; nothing is allocated yet. */
void
cs_buffer_init(cs_buffer *buffer, const cs_env *env)
{
    memset(buffer, 0, sizeof(*buffer));
    buffer->env = env;
}

/* Free the bytes; the buffer may be used again. */
void
cs_buffer_free(cs_buffer *buffer)
{
    cs_release(buffer->env, buffer->data);
    cs_buffer_init(buffer, buffer->env);
}

/* Make room for more bytes behind len. */
cs_code
cs_buffer_reserve(cs_buffer *buffer, size_t more, cs_error *err)
{
    if (more <= buffer->capacity - buffer->len)
        return CS_OK;
    if (more > SIZE_MAX - buffer->len)
        return cs_fail_memory(err, SIZE_MAX);
    return cs_grow_array(buffer->env, (void **) &buffer->data, &buffer->capacity,
                         buffer->len + more, 1, err);
}

/* Add len bytes. */
cs_code
cs_buffer_append(cs_buffer *buffer, const void *data, size_t len, cs_error *err)
{
    CS_TRY(cs_buffer_reserve(buffer, len, err));
    if (len > 0)
        memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
    return CS_OK;
}

/* Add formatted text, without its terminator. */
cs_code
cs_buffer_printf(cs_buffer *buffer, cs_error *err, const char *format, ...)
{
    char text[256];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0 || (size_t) len >= sizeof(text))
        return cs_fail(err, CS_ERR_ARGUMENT, "formatted text is too long");
    return cs_buffer_append(buffer, text, (size_t) len, err);
}

/* True if the bytes are valid UTF-8. */
bool
cs_utf8_valid(const char *data, size_t len)
{
    const uint8_t *p = (const uint8_t *) data;

    for (size_t i = 0; i < len;)
    {
        uint64_t word;
        size_t step;

        if (len - i >= sizeof(word))
        {
            memcpy(&word, p + i, sizeof(word));
            if ((word & CS_HIGH_BITS) == 0)
            {
                i += sizeof(word);
                continue;
            }
        }
        step = utf8_sequence(p + i, len - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}
