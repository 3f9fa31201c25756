/*
 * loader/file_source.c
 *     Reading files.
 */
#include "file_source.h"

#include "log.h"
#include "stop.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Learn what was opened. */
static cs_code
inspect(file_source *source, cs_error *err)
{
    struct stat info;

    if (fstat(source->fd, &info) != 0)
        return cs_fail(err, CS_ERR_DATA, "could not examine \"%s\": %s", source->name,
                       strerror(errno));
    if (S_ISDIR(info.st_mode))
        return cs_fail(err, CS_ERR_DATA, "could not read \"%s\": it is a directory", source->name);
    source->size = S_ISREG(info.st_mode) ? (int64_t) info.st_size : -1;
    if (source->size > 0)
        posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return CS_OK;
}

cs_code
file_source_try_open(file_source *source, const char *name, cs_error *err)
{
    cs_code code;

    memset(source, 0, sizeof(*source));
    source->name = name;
    source->fd = strcmp(name, "-") == 0 ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0 && stop_requested())
        return cs_fail(err, CS_ERR_STOPPED, "interrupted");
    if (source->fd < 0)
        return cs_fail(err, CS_ERR_DATA, "could not open \"%s\": %s", name, strerror(errno));
    code = inspect(source, err);
    if (code != CS_OK)
        file_source_close(source);
    return code;
}

exit_status
file_source_open(file_source *source, const char *name)
{
    cs_error err;

    return file_source_try_open(source, name, &err) == CS_OK ? STATUS_OK : file_source_report(&err);
}

/* Close the file; closing twice is fine. */
void
file_source_close(file_source *source)
{
    if (source->fd >= 0)
        close(source->fd);
    source->fd = -1;
    inflate_close(source->inflate);
    source->inflate = NULL;
}

/* Read the file's own bytes. */
static int64_t
read_own(file_source *source, void *data, size_t len)
{
    ssize_t got;

    do
    {
        if (source->size < 0 && wait_for(source->fd, POLLIN, -1) == WAIT_STOPPED)
            errno = EINTR;
        got = stop_requested() ? -1 : read(source->fd, data, len);
    } while (got < 0 && (errno == EINTR || errno == EAGAIN) && !stop_requested());
    if (got < 0 && stop_requested())
        errno = EINTR;
    if (got > 0)
    {
        source->offset += (uint64_t) got;
        if (source->hash != NULL)
            hash_add(source->hash, data, (size_t) got);
    }
    return got;
}

/* The same, beginning with what was read ahead. */
static int64_t
read_from_head(void *ctx, void *data, size_t len)
{
    file_source *source = ctx;
    size_t ahead = source->head_end - source->head_start;

    if (ahead == 0)
        return read_own(source, data, len);
    if (ahead > len)
        ahead = len;
    memcpy(data, source->head + source->head_start, ahead);
    source->head_start += ahead;
    return (int64_t) ahead;
}

cs_code
file_source_try_decompress(file_source *source, cs_error *err)
{
    file_compression compression;
    int64_t got = 1;

    while (source->head_end < sizeof(source->head) && got > 0)
    {
        got = read_own(source, source->head + source->head_end,
                       sizeof(source->head) - source->head_end);
        if (got < 0)
            return file_source_error(source, err);
        source->head_end += (size_t) got;
    }
    compression = inflate_detect(source->head, source->head_end);
    if (compression == COMPRESSION_NONE)
        return CS_OK;
    if (compression == COMPRESSION_FOREIGN)
        return cs_fail(err, CS_ERR_DATA,
                       "could not read \"%s\": it is compressed with bzip2 or xz; only "
                       "gzip and zstandard are decompressed",
                       source->name);
    source->inflate = inflate_open(compression, read_from_head, source);
    return source->inflate != NULL ? CS_OK : cs_fail_memory(err, READ_BUFFER_BYTES);
}

exit_status
file_source_decompress(file_source *source)
{
    cs_error err;

    return file_source_try_decompress(source, &err) == CS_OK ? STATUS_OK : file_source_report(&err);
}

int64_t
file_source_read(file_source *source, void *data, size_t len)
{
    if (source->inflate != NULL)
        return inflate_next(source->inflate, data, len);
    return read_from_head(source, data, len);
}

cs_code
file_source_error(const file_source *source, cs_error *err)
{
    int saved = errno;
    const cs_error *damage =
        source->inflate != NULL && saved == EBADMSG ? inflate_error(source->inflate) : NULL;

    if (damage != NULL)
    {
        *err = *damage;
        err->file = source->name;
        return err->code;
    }
    if (saved == EINTR)
        return cs_fail(err, CS_ERR_STOPPED, "interrupted");
    cs_fail(err, CS_ERR_IO, "could not read \"%s\": %s", source->name, strerror(saved));
    err->sys_errno = saved;
    return err->code;
}

exit_status
file_source_report(const cs_error *err)
{
    exit_status status = log_core_error(err, NULL);

    /* what cannot be read is refused: the disk that fails us is the one we write to */
    return err->code == CS_ERR_IO ? STATUS_REFUSED : status;
}

exit_status
file_source_fail(const file_source *source)
{
    cs_error err;

    file_source_error(source, &err);
    return file_source_report(&err);
}

bool
file_source_rewind(file_source *source)
{
    if (lseek(source->fd, 0, SEEK_SET) != 0)
        return false;
    source->offset = 0;
    source->head_start = source->head_end = 0;
    if (source->inflate != NULL)
        inflate_rewind(source->inflate);
    return true;
}

/*
 * Count and hash bytes read at a position. What was seen before is not seen again:
 * core reads the heads of blocks twice. It leaves no byte out either. What was read
 * ahead of the hash's end does not count.
 */
static void
note_read(file_source *source, uint64_t at, const char *data, size_t len)
{
    size_t seen = at < source->offset ? (size_t) (source->offset - at) : 0;

    if (source->hash_end > 0 && at + len > source->hash_end)
        len = at < source->hash_end ? (size_t) (source->hash_end - at) : 0;
    if (seen >= len)
        return;
    source->offset = at + len;
    if (source->hash != NULL)
        hash_add(source->hash, data + seen, len - seen);
}

/* cs_source on a pipe, read forward, or on a file, read at any position. */
static int64_t
read_at(void *ctx, uint64_t offset, void *data, size_t len)
{
    file_source *source = ctx;
    ssize_t got;

    if (source->size < 0)
        return file_source_read(source, data, len);
    do
        got = stop_requested() ? -1 : pread(source->fd, data, len, (off_t) offset);
    while (got < 0 && errno == EINTR && !stop_requested());
    if (got < 0 && stop_requested())
        errno = EINTR;
    if (got > 0)
        note_read(source, offset, data, (size_t) got);
    return got;
}

cs_source
file_source_as_core(file_source *source)
{
    return (cs_source){source, source->name, source->size, read_at};
}

int64_t
file_total_bytes(char *const *names, int count)
{
    struct stat info;
    int64_t total = 0;

    for (int i = 0; i < count; i++)
    {
        if (stat(names[i], &info) != 0 || !S_ISREG(info.st_mode))
            return -1;
        total += info.st_size;
    }
    return total;
}

file_identity
file_identify(const char *name)
{
    struct stat info;

    if (stat(name, &info) != 0)
        return (file_identity){.name = name};
    return (file_identity){name, true, info.st_dev, info.st_ino};
}

bool
file_identity_same(const file_identity *a, const file_identity *b)
{
    if (a->exists && b->exists)
        return a->device == b->device && a->inode == b->inode;
    return strcmp(a->name, b->name) == 0;
}

bool
file_is_avro(int fd)
{
    char magic[CS_AVRO_MAGIC_BYTES];

    return pread(fd, magic, sizeof(magic), 0) == (ssize_t) sizeof(magic) &&
           memcmp(magic, CS_AVRO_MAGIC, sizeof(magic)) == 0;
}

/* Append the rest of a source, up to limit bytes, to content. */
static exit_status
read_rest(file_source *source, size_t limit, cs_buffer *content)
{
    cs_error err;

    for (;;)
    {
        int64_t got;

        if (cs_buffer_reserve(content, READ_BUFFER_BYTES, &err) != CS_OK)
            return log_core_error(&err, source->name);
        got = file_source_read(source, content->data + content->len, READ_BUFFER_BYTES);
        if (got < 0)
            return file_source_fail(source);
        if (got == 0)
            return STATUS_OK;
        content->len += (size_t) got;
        if (content->len > limit)
        {
            log_error("%s: file is larger than %zu bytes", source->name, limit);
            return STATUS_REFUSED;
        }
    }
}

exit_status
file_read_all(const char *name, size_t limit, cs_buffer *content)
{
    file_source source;
    exit_status status;

    STATUS_TRY(file_source_open(&source, name));
    status = read_rest(&source, limit, content);
    file_source_close(&source);
    return status;
}
