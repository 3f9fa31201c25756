/*
 * test/fuzz/fuzz.h
 *     What the fuzzing targets share: input in parts, an environment that stops, files in
 *     memory, and checks.
 *
 * A target has one function, LLVMFuzzerTestOneInput: it hands the bytes to the code and
 * checks what must hold whatever they are. What it finds wrong ends the program, as
 * what the sanitizers find does.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "avro_container.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* End the program unless a condition holds; the text says what does not. */
#define fuzz_check(condition, ...)                                      \
    do                                                                  \
    {                                                                   \
        if (!(condition))                                               \
            fuzz_fail(__FILE__, __LINE__, #condition, " " __VA_ARGS__); \
    } while (0)

_Noreturn void fuzz_fail(const char *file, int line, const char *condition, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* What is left of an input. */
typedef struct fuzz_input
{
    const uint8_t *at;
    const uint8_t *end;
} fuzz_input;

/* Take a byte, 0 behind the end. */
uint8_t fuzz_take_byte(fuzz_input *input);

/*
 * Take what stands before the next NUL, or all that is left; the NUL is passed over. It is
 * a copy of exactly its size, so that a step behind its end is seen.
 */
cs_slice fuzz_take_part(fuzz_input *input);

/* Take all that is left, as such a copy. */
cs_slice fuzz_take_rest(fuzz_input *input);

/* The same with a NUL behind it; what stands behind a NUL of its own is then out of reach. */
char *fuzz_take_text(fuzz_input *input);

/* Free a copy that was taken. */
static inline void
fuzz_free(cs_slice copy)
{
    free((char *) copy.data);
}

/* An environment on malloc whose should_stop says yes after very many polls of one input. */
const cs_env *fuzz_env(void);

/* Check that code, which is not CS_OK, is one that bad input has, and that err says why. */
void fuzz_check_error(cs_code code, const cs_error *err);

/* Check that a call that must succeed did. */
void fuzz_check_ok(cs_code code, const cs_error *err, const char *what);

/* Check that two runs of bytes are the same. */
void fuzz_check_same(cs_slice a, cs_slice b, const char *what);

static inline cs_slice
fuzz_slice(const cs_buffer *buffer)
{
    return (cs_slice){(const char *) buffer->data, buffer->len};
}

/* Bytes as a source of core: of known size, or like a pipe; few at a time where max_read says so.
 */
typedef struct fuzz_file
{
    cs_slice bytes;
    size_t max_read; /* of one read; 0: any number */
} fuzz_file;

#define FUZZ_FILE_NAME "fuzzed"

cs_source fuzz_source(fuzz_file *file, bool sized);

/* A buffer as a sink of core. */
cs_sink fuzz_sink(cs_buffer *buffer);

/*
 * A file descriptor that reads these bytes from their start: of one file in memory, which
 * the next call fills anew. Not to be closed.
 */
int fuzz_descriptor(cs_slice bytes);

#endif
