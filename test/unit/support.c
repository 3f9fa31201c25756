/*
 * test/unit/support.c
 *     What the unit tests share.
 */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BLOCK_HEAD_BYTES 16 /* before a tracked block: its size, and alignment */
#define SOAK_FACTOR 100

/* True in a soak run. */
static bool
is_soak(void)
{
    const char *soak = getenv("CLICKSTREAM_SOAK");

    return soak != NULL && strcmp(soak, "1") == 0;
}

void
test_random_start(test_random *random, const char *name)
{
    const char *seed = getenv("CLICKSTREAM_SEED");

    random->state = is_soak() ? (uint64_t) time(NULL) : 1;
    if (seed != NULL && *seed != '\0')
        random->state = strtoull(seed, NULL, 10);
    fprintf(stderr, "%s: CLICKSTREAM_SEED=%llu\n", name, (unsigned long long) random->state);
}

/* SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
uint64_t
test_random_next(test_random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t
test_random_below(test_random *random, uint64_t limit)
{
    return test_random_next(random) % limit;
}

size_t
test_rounds(size_t rounds)
{
    return is_soak() ? rounds * SOAK_FACTOR : rounds;
}

/* The recorded size of a tracked block. */
static size_t
block_size(const void *memory)
{
    size_t size;

    memcpy(&size, (const char *) memory - BLOCK_HEAD_BYTES, sizeof(size));
    return size;
}

/* Count an allocation; true if it is the one to fail. */
static bool
fails_now(test_env *env)
{
    return ++env->allocations == env->fail_at;
}

/* Release a tracked block. */
static void
tracked_release(void *ctx, void *memory)
{
    test_env *env = ctx;

    assert_non_null(memory);
    env->live--;
    env->bytes -= block_size(memory);
    free((char *) memory - BLOCK_HEAD_BYTES);
}

/* Move a block to new memory: the caller must not know more of the old one than there is. */
static void *
tracked_resize(void *ctx, void *old, size_t old_size, size_t size)
{
    test_env *env = ctx;
    char *memory;

    if (old != NULL)
        assert_true(old_size <= block_size(old));
    if (fails_now(env))
        return NULL;
    memory = malloc(BLOCK_HEAD_BYTES + size);
    assert_non_null(memory);
    memcpy(memory, &size, sizeof(size));
    memory += BLOCK_HEAD_BYTES;
    env->live++;
    env->bytes += size;
    if (env->peak < env->bytes)
        env->peak = env->bytes;
    if (old != NULL)
    {
        memcpy(memory, old, old_size < size ? old_size : size);
        tracked_release(ctx, old);
    }
    return memory;
}

/* Count a poll; true if it is the one to stop at, or a later one. */
static bool
tracked_should_stop(void *ctx)
{
    test_env *env = ctx;

    env->polls++;
    return env->stop_at > 0 && env->polls >= env->stop_at;
}

void
test_env_start(test_env *env, size_t fail_at, size_t stop_at)
{
    *env = (test_env){.fail_at = fail_at, .stop_at = stop_at};
    env->env = (cs_env){tracked_resize, tracked_release, tracked_should_stop, env};
}

void
test_file_start(test_file *file)
{
    *file = (test_file){.max_read = 0};
    cs_buffer_init(&file->bytes, cs_malloc_env());
}

void
test_file_free(test_file *file)
{
    cs_buffer_free(&file->bytes);
}

/* Read from the file. */
static int64_t
read_file(void *ctx, uint64_t offset, void *data, size_t len)
{
    test_file *file = ctx;

    if (++file->calls == file->fail_at)
    {
        file->failed_at = offset;
        errno = EIO;
        return -1;
    }
    if (offset >= file->bytes.len)
        return 0;
    if (len > file->bytes.len - offset)
        len = file->bytes.len - offset;
    if (file->max_read > 0 && len > file->max_read)
        len = file->max_read;
    memcpy(data, file->bytes.data + offset, len);
    return (int64_t) len;
}

/* Write into the file; a hole is filled with zeros. */
static bool
write_file(void *ctx, uint64_t offset, const void *data, size_t len)
{
    test_file *file = ctx;
    cs_error err;

    if (++file->calls == file->fail_at)
    {
        file->failed_at = offset;
        errno = ENOSPC;
        return false;
    }
    if (offset + len > file->bytes.len)
    {
        size_t more = offset + len - file->bytes.len;

        assert_int_equal(cs_buffer_reserve(&file->bytes, more, &err), CS_OK);
        memset(file->bytes.data + file->bytes.len, 0, more);
        file->bytes.len += more;
    }
    memcpy(file->bytes.data + offset, data, len);
    return true;
}

cs_source
test_file_source(test_file *file)
{
    return (cs_source){file, TEST_FILE_NAME, (int64_t) file->bytes.len, read_file};
}

cs_sink
test_file_sink(test_file *file)
{
    return (cs_sink){file, TEST_FILE_NAME, write_file};
}

cs_slice
test_exact_copy(cs_slice bytes)
{
    char *copy = malloc(bytes.len > 0 ? bytes.len : 1);

    assert_non_null(copy);
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    return (cs_slice){copy, bytes.len};
}

void
test_exact_free(cs_slice copy)
{
    free((char *) copy.data);
}

void
test_check_code(cs_code code, cs_code expected, const cs_error *err, const char *part,
                const char *subject, const char *file, int line)
{
    bool is_error = code != CS_OK && code != CS_END;
    const char *message = is_error ? err->message : "";

    if (code == expected && (!is_error || err->code == code) &&
        (part == NULL || strstr(message, part) != NULL))
        return;
    print_error("%s%scode %d instead of %d: \"%s\", expected \"%s\"\n",
                subject != NULL ? subject : "", subject != NULL ? ": " : "", code, expected,
                message, part != NULL ? part : "");
    _fail(file, line);
}

/* Print bytes in hexadecimal, the first ones of many. */
static void
print_bytes(const char *name, cs_slice bytes)
{
    print_error("%s, %zu bytes:", name, bytes.len);
    for (size_t i = 0; i < bytes.len && i < 64; i++)
        print_error(" %02x", (uint8_t) bytes.data[i]);
    print_error("\n");
}

void
test_check_bytes(cs_slice actual, cs_slice expected, const char *file, int line)
{
    if (actual.len == expected.len &&
        (actual.len == 0 || memcmp(actual.data, expected.data, actual.len) == 0))
        return;
    print_bytes("actual", actual);
    print_bytes("expected", expected);
    _fail(file, line);
}
