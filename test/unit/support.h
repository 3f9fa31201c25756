/*
 * test/unit/support.h
 *     What the unit tests share: random numbers, an environment and files that
 *     fail when told to, assertions on the outcome of a call.
 */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "avro_container.h"
#include "base.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* A stream of random numbers, the same for the same seed. */
typedef struct test_random
{
    uint64_t state;
} test_random;

/*
 * Start a stream and print its seed: CLICKSTREAM_SEED where set, else 1, else
 * the clock in a soak run.
 */
void test_random_start(test_random *random, const char *name);
uint64_t test_random_next(test_random *random);

/* A number in [0, limit). */
uint64_t test_random_below(test_random *random, uint64_t limit);

/* How often to repeat a randomised test: 100 times as often if CLICKSTREAM_SOAK=1. */
size_t test_rounds(size_t rounds);

/*
 * An environment that counts what it is asked for. A block handed out lies in
 * memory of its own, so that the sanitizers see a step beside it.
 */
typedef struct test_env
{
    cs_env env;
    size_t allocations; /* asked for so far */
    size_t fail_at;     /* the allocation that fails, from 1; 0 for none */
    size_t live;        /* blocks not yet released */
    size_t bytes;       /* in these blocks */
    size_t peak;        /* the most bytes there were */
    size_t polls;       /* of should_stop so far */
    size_t stop_at;     /* the poll that stops, from 1; 0 for none */
} test_env;

void test_env_start(test_env *env, size_t fail_at, size_t stop_at);

/* A file in memory, to be read or written. */
typedef struct test_file
{
    cs_buffer bytes;
    size_t max_read;    /* the bytes that one read gives at most; 0 for no limit */
    size_t calls;       /* reads and writes so far */
    size_t fail_at;     /* the call that fails, from 1; 0 for none; only that one */
    uint64_t failed_at; /* the offset of that call */
} test_file;

#define TEST_FILE_NAME "memory.avro"

void test_file_start(test_file *file);
void test_file_free(test_file *file);

/* The file as a source of known size, and as a sink; reads fail with EIO, writes with ENOSPC. */
cs_source test_file_source(test_file *file);
cs_sink test_file_sink(test_file *file);

/* A copy in memory of exactly its size, so that the sanitizers see a read behind its end. */
cs_slice test_exact_copy(cs_slice bytes);
void test_exact_free(cs_slice copy);

/* Fail the test unless code is expected and, where given, part is in the message. */
void test_check_code(cs_code code, cs_code expected, const cs_error *err, const char *part,
                     const char *subject, const char *file, int line);

#define assert_code(code, expected, err) \
    test_check_code(code, expected, err, NULL, NULL, __FILE__, __LINE__)
#define assert_ok(code, err) assert_code(code, CS_OK, err)
#define assert_refused(code, expected, err, part) \
    test_check_code(code, expected, err, part, NULL, __FILE__, __LINE__)
/* With the table's entry that is being tested, for the message. */
#define assert_outcome(code, expected, err, part, subject) \
    test_check_code(code, expected, err, part, subject, __FILE__, __LINE__)

/* Fail the test unless both hold the same bytes. */
void test_check_bytes(cs_slice actual, cs_slice expected, const char *file, int line);

#define assert_same_bytes(actual, expected) test_check_bytes(actual, expected, __FILE__, __LINE__)

/* A buffer's bytes as a slice. */
static inline cs_slice
slice_of_buffer(const cs_buffer *buffer)
{
    return (cs_slice){(const char *) buffer->data, buffer->len};
}

#endif
