/*
 * test/fuzz/inflate_fuzz.c
 *     A compressed log: all of it at once and few bytes at a time give the same, and so
 *     does reading it again.
 */
#include "fuzz.h"

#include "file_inflate.h"

#include <errno.h>

#define MAX_BYTES ((size_t) 1 << 20) /* of what comes out; more is not read */

/* What is compressed, and how far it is read. */
typedef struct stream
{
    cs_slice bytes;
    size_t at;
    size_t step; /* of one read; 0: any number */
} stream;

/* inflate_read */
static int64_t
read_bytes(void *ctx, void *data, size_t len)
{
    stream *in = ctx;
    size_t left = in->bytes.len - in->at;

    if (len > left)
        len = left;
    if (in->step > 0 && len > in->step)
        len = in->step;
    memcpy(data, in->bytes.data + in->at, len);
    in->at += len;
    return (int64_t) len;
}

/* Read all there is, so many bytes at once; false where it is damaged. */
static bool
read_all(file_inflate *inflate, size_t step, cs_buffer *out)
{
    cs_error err;
    int64_t got;

    do
    {
        fuzz_check_ok(cs_buffer_reserve(out, step, &err), &err, "room");
        got = inflate_next(inflate, out->data + out->len, step);
        fuzz_check(got <= (int64_t) step);
        out->len += got > 0 ? (size_t) got : 0;
    } while (got > 0 && out->len < MAX_BYTES);
    fuzz_check((got < 0) == (inflate_error(inflate) != NULL));
    if (got < 0)
        fuzz_check_error(inflate_error(inflate)->code, inflate_error(inflate));
    return got >= 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    file_compression compression =
        inflate_detect(data, size < INFLATE_MAGIC_BYTES ? size : INFLATE_MAGIC_BYTES);
    stream in = {.bytes = {(const char *) data, size}};
    cs_buffer whole, pieces;
    file_inflate *inflate;
    bool good;

    if (compression != COMPRESSION_GZIP && compression != COMPRESSION_ZSTANDARD)
        return 0;
    inflate = inflate_open(compression, read_bytes, &in);
    fuzz_check(inflate != NULL);
    cs_buffer_init(&whole, fuzz_env());
    cs_buffer_init(&pieces, fuzz_env());
    good = read_all(inflate, 1 << 16, &whole);
    in.at = 0;
    in.step = 3;
    inflate_rewind(inflate);
    fuzz_check(read_all(inflate, 7, &pieces) == good || whole.len >= MAX_BYTES);
    if (good && whole.len < MAX_BYTES)
        fuzz_check_same(fuzz_slice(&whole), fuzz_slice(&pieces), "both readings");
    inflate_close(inflate);
    cs_buffer_free(&whole);
    cs_buffer_free(&pieces);
    return 0;
}
