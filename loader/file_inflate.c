/*
 * loader/file_inflate.c
 *     Decompressing a file while it is read, by zlib or libzstd.
 *
 * A file must end behind a whole member or frame, and hold nothing else. The
 * memory is the library's window and one buffer, whatever the file says.
 */
#include "file_inflate.h"

#include "defaults.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define GZIP_MAGIC "\x1f\x8b"
#define ZSTANDARD_MAGIC "\x28\xb5\x2f\xfd"
#define SKIPPABLE_MAGIC "\x2a\x4d\x18" /* behind a byte from 0x50 to 0x5f */
#define BZIP2_MAGIC "BZh"
#define XZ_MAGIC \
    "\xfd"       \
    "7zXZ"

/* zlib: the largest window, and a gzip header in front. */
#define GZIP_WINDOW_BITS (15 + 16)

/* zstandard: windows up to 32 MiB, which is what its level 20 makes. */
#define ZSTANDARD_WINDOW_BITS 25

struct file_inflate
{
    file_compression compression;
    inflate_read read;
    void *ctx;
    uint8_t *buffer; /* READ_BUFFER_BYTES of the file's own */
    size_t start;    /* of those not yet used */
    size_t end;
    uint64_t offset; /* in the file, of the byte at start */
    bool at_end;     /* the file has no more bytes */
    bool between;    /* at a border: before a member or frame, or behind the last */
    z_stream gzip;
    ZSTD_DCtx *zstandard;
    cs_error err; /* CS_OK while nothing is wrong */
};

/* True if the bytes begin with this text. */
static bool
begins_with(const uint8_t *bytes, size_t len, const char *text)
{
    return len >= strlen(text) && memcmp(bytes, text, strlen(text)) == 0;
}

file_compression
inflate_detect(const uint8_t *magic, size_t len)
{
    if (begins_with(magic, len, GZIP_MAGIC))
        return COMPRESSION_GZIP;
    if (begins_with(magic, len, ZSTANDARD_MAGIC) ||
        (len > 0 && (magic[0] & 0xf0) == 0x50 && begins_with(magic + 1, len - 1, SKIPPABLE_MAGIC)))
        return COMPRESSION_ZSTANDARD;
    if (begins_with(magic, len, BZIP2_MAGIC) || begins_with(magic, len, XZ_MAGIC))
        return COMPRESSION_FOREIGN;
    return COMPRESSION_NONE;
}

/* Make the library's state; false without memory. */
static bool
start(file_inflate *file)
{
    if (file->compression == COMPRESSION_GZIP)
        return inflateInit2(&file->gzip, GZIP_WINDOW_BITS) == Z_OK;
    file->zstandard = ZSTD_createDCtx();
    return file->zstandard != NULL &&
           !ZSTD_isError(
               ZSTD_DCtx_setParameter(file->zstandard, ZSTD_d_windowLogMax, ZSTANDARD_WINDOW_BITS));
}

file_inflate *
inflate_open(file_compression compression, inflate_read read, void *ctx)
{
    file_inflate *file = calloc(1, sizeof(file_inflate));

    if (file == NULL)
        return NULL;
    file->compression = compression;
    file->read = read;
    file->ctx = ctx;
    file->between = true;
    file->buffer = malloc(READ_BUFFER_BYTES);
    if (file->buffer != NULL && start(file))
        return file;
    inflate_close(file);
    return NULL;
}

void
inflate_rewind(file_inflate *file)
{
    file->start = file->end = 0;
    file->offset = 0;
    file->at_end = false;
    file->between = true;
    if (file->compression == COMPRESSION_GZIP)
        inflateReset(&file->gzip);
    else
        ZSTD_DCtx_reset(file->zstandard, ZSTD_reset_session_only);
}

/* Note what is wrong with the file. */
static int64_t
fail(file_inflate *file, const char *problem, const char *why)
{
    cs_fail(&file->err, CS_ERR_DATA, "%s%s%s", problem, why != NULL ? ": " : "",
            why != NULL ? why : "");
    file->err.offset = (int64_t) file->offset;
    errno = EBADMSG;
    return -1;
}

/* Have bytes of the file to work on, unless it is at its end; false if it cannot be read. */
static bool
fill(file_inflate *file)
{
    int64_t got;

    if (file->start < file->end || file->at_end)
        return true;
    got = file->read(file->ctx, file->buffer, READ_BUFFER_BYTES);
    if (got < 0)
        return false;
    file->at_end = got == 0;
    file->start = 0;
    file->end = (size_t) got;
    return true;
}

/* Note that count bytes of the file are used up. */
static void
use_bytes(file_inflate *file, size_t count)
{
    file->start += count;
    file->offset += count;
}

/* Decompress gzip: the number of bytes that came out, -1 if the file is damaged. */
static int64_t
step_gzip(file_inflate *file, void *data, size_t len)
{
    z_stream *gzip = &file->gzip;
    size_t given = file->end - file->start;
    size_t room = len < UINT32_MAX ? len : UINT32_MAX;
    int result;

    if (file->between)
        inflateReset(gzip);
    gzip->next_in = file->buffer + file->start;
    gzip->avail_in = (uInt) given;
    gzip->next_out = data;
    gzip->avail_out = (uInt) room;
    result = inflate(gzip, Z_NO_FLUSH);
    use_bytes(file, given - gzip->avail_in);
    file->between = result == Z_STREAM_END;
    if (result == Z_MEM_ERROR)
    {
        errno = ENOMEM;
        return -1;
    }
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return fail(file, "gzip data is damaged", gzip->msg);
    return (int64_t) (room - gzip->avail_out);
}

/* Decompress zstandard, likewise. */
static int64_t
step_zstandard(file_inflate *file, void *data, size_t len)
{
    ZSTD_inBuffer in = {file->buffer, file->end, file->start};
    ZSTD_outBuffer out = {data, len, 0};
    size_t result = ZSTD_decompressStream(file->zstandard, &out, &in);

    use_bytes(file, in.pos - file->start);
    file->between = result == 0;
    if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge)
        return fail(file, "zstandard data needs a window of more than 32 MiB",
                    "decompress it with \"zstd -dc --long=31\" and read standard input");
    if (ZSTD_isError(result))
        return fail(file, "zstandard data is damaged", ZSTD_getErrorName(result));
    return (int64_t) out.pos;
}

int64_t
inflate_next(file_inflate *file, void *data, size_t len)
{
    int64_t got = 0;

    while (got == 0 && len > 0)
    {
        bool at_end;

        if (file->err.code != CS_OK)
        {
            errno = EBADMSG;
            return -1;
        }
        if (!fill(file))
            return -1;
        at_end = file->start == file->end;
        if (at_end && file->between)
            return 0;
        got = file->compression == COMPRESSION_GZIP ? step_gzip(file, data, len)
                                                    : step_zstandard(file, data, len);
        if (got == 0 && at_end && !file->between)
            return fail(file, "file ends inside its compressed data", NULL);
    }
    return got;
}

const cs_error *
inflate_error(const file_inflate *file)
{
    return file->err.code != CS_OK ? &file->err : NULL;
}

void
inflate_close(file_inflate *file)
{
    if (file == NULL)
        return;
    if (file->compression == COMPRESSION_GZIP)
        inflateEnd(&file->gzip);
    ZSTD_freeDCtx(file->zstandard);
    free(file->buffer);
    free(file);
}
