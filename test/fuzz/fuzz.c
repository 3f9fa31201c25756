/*
 * test/fuzz/fuzz.c
 *     What the fuzzing targets share.
 */
#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_POLLS 20000 /* of one input; each stands for a block, or some thousand items */

static int messages = STDERR_FILENO; /* libFuzzer may close standard error, to silence the loader */
static size_t polls;

/* libFuzzer calls this once, at first. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void) argc;
    (void) argv;
    messages = dup(STDERR_FILENO);
    return 0;
}

void
fuzz_fail(const char *file, int line, const char *condition, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    dprintf(messages, "%s:%d: does not hold: %s", file, line, condition);
    vdprintf(messages, format, args);
    dprintf(messages, "\n");
    va_end(args);
    abort();
}

uint8_t
fuzz_take_byte(fuzz_input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

/* Copy bytes into memory of exactly so many, or with a NUL behind them. */
static cs_slice
copy_bytes(const uint8_t *from, size_t len, bool terminated)
{
    char *copy = malloc(len + terminated > 0 ? len + terminated : 1);

    fuzz_check(copy != NULL, "(out of memory)");
    if (len > 0)
        memcpy(copy, from, len);
    if (terminated)
        copy[len] = '\0';
    return (cs_slice){copy, len};
}

/* Take what stands before the next NUL. */
static cs_slice
take_part(fuzz_input *input, bool terminated)
{
    size_t left = (size_t) (input->end - input->at);
    const uint8_t *nul = left > 0 ? memchr(input->at, '\0', left) : NULL;
    size_t len = nul != NULL ? (size_t) (nul - input->at) : left;
    cs_slice part = copy_bytes(input->at, len, terminated);

    input->at += len + (nul != NULL);
    return part;
}

cs_slice
fuzz_take_part(fuzz_input *input)
{
    return take_part(input, false);
}

char *
fuzz_take_text(fuzz_input *input)
{
    return (char *) take_part(input, true).data;
}

cs_slice
fuzz_take_rest(fuzz_input *input)
{
    cs_slice rest = copy_bytes(input->at, (size_t) (input->end - input->at), false);

    input->at = input->end;
    return rest;
}

/* What never ends is seen here, and not by the clock. */
static bool
should_stop(void *ctx)
{
    (void) ctx;
    fuzz_check(++polls < MAX_POLLS, "(it does not end)");
    return false;
}

const cs_env *
fuzz_env(void)
{
    static cs_env env;

    polls = 0;
    env = *cs_malloc_env();
    env.should_stop = should_stop;
    return &env;
}

void
fuzz_check_error(cs_code code, const cs_error *err)
{
    fuzz_check(code == CS_ERR_DATA || code == CS_ERR_LIMIT || code == CS_ERR_RANGE ||
                   code == CS_ERR_UNSUPPORTED || code == CS_ERR_ARGUMENT,
               "(code %d: %s)", code, err->message);
    fuzz_check(err->code == code, "(%d, not %d: %s)", err->code, code, err->message);
    fuzz_check(memchr(err->message, '\0', sizeof(err->message)) != NULL);
    fuzz_check(err->message[0] != '\0');
    fuzz_check(cs_utf8_valid(err->message, strlen(err->message)), "(%s)", err->message);
}

void
fuzz_check_ok(cs_code code, const cs_error *err, const char *what)
{
    fuzz_check(code == CS_OK, "(%s: code %d: %s)", what, code, code != CS_END ? err->message : "");
}

void
fuzz_check_same(cs_slice a, cs_slice b, const char *what)
{
    fuzz_check(a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0),
               "(%s: %zu bytes \"%.*s\" and %zu bytes \"%.*s\")", what, a.len,
               (int) (a.len < 1000 ? a.len : 1000), a.data, b.len,
               (int) (b.len < 1000 ? b.len : 1000), b.data);
}

/* cs_source.read_at */
static int64_t
read_file(void *ctx, uint64_t offset, void *data, size_t len)
{
    fuzz_file *file = ctx;

    if (offset >= file->bytes.len)
        return 0;
    if (len > file->bytes.len - offset)
        len = file->bytes.len - offset;
    if (file->max_read > 0 && len > file->max_read)
        len = file->max_read;
    memcpy(data, file->bytes.data + offset, len);
    return (int64_t) len;
}

cs_source
fuzz_source(fuzz_file *file, bool sized)
{
    return (cs_source){file, FUZZ_FILE_NAME, sized ? (int64_t) file->bytes.len : -1, read_file};
}

/* cs_sink.write_at; a hole is filled with zeros. */
static bool
write_file(void *ctx, uint64_t offset, const void *data, size_t len)
{
    cs_buffer *buffer = ctx;
    cs_error err;

    if (offset + len > buffer->len)
    {
        size_t more = offset + len - buffer->len;

        fuzz_check_ok(cs_buffer_reserve(buffer, more, &err), &err, "a sink");
        memset(buffer->data + buffer->len, 0, more);
        buffer->len += more;
    }
    if (len > 0)
        memcpy(buffer->data + offset, data, len);
    return true;
}

cs_sink
fuzz_sink(cs_buffer *buffer)
{
    return (cs_sink){buffer, FUZZ_FILE_NAME, write_file};
}

int
fuzz_descriptor(cs_slice bytes)
{
    static int fd = -1;

    if (fd < 0)
        fd = memfd_create(FUZZ_FILE_NAME, MFD_CLOEXEC);
    fuzz_check(fd >= 0 && ftruncate(fd, 0) == 0 &&
               pwrite(fd, bytes.data, bytes.len, 0) == (ssize_t) bytes.len &&
               lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}
