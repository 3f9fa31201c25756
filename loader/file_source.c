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
static exit_status
inspect(file_source *source)
{
    struct stat info;

    if (fstat(source->fd, &info) != 0)
    {
        log_error("could not examine \"%s\": %s", source->name, strerror(errno));
        return STATUS_REFUSED;
    }
    if (S_ISDIR(info.st_mode))
    {
        log_error("could not read \"%s\": it is a directory", source->name);
        return STATUS_REFUSED;
    }
    source->size = S_ISREG(info.st_mode) ? (int64_t) info.st_size : -1;
    if (source->size > 0)
        posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return STATUS_OK;
}

exit_status
file_source_open(file_source *source, const char *name)
{
    exit_status status;

    memset(source, 0, sizeof(*source));
    source->name = name;
    source->fd = strcmp(name, "-") == 0 ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0 && stop_requested())
        return STATUS_INTERRUPTED;
    if (source->fd < 0)
    {
        log_error("could not open \"%s\": %s", name, strerror(errno));
        return STATUS_REFUSED;
    }
    status = inspect(source);
    if (status != STATUS_OK)
        file_source_close(source);
    return status;
}

/* Close the file; closing twice is fine. */
void
file_source_close(file_source *source)
{
    if (source->fd >= 0)
        close(source->fd);
    source->fd = -1;
}

int64_t
file_source_read(file_source *source, void *data, size_t len)
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

exit_status
file_source_fail(const file_source *source)
{
    if (errno == EINTR)
        return STATUS_INTERRUPTED;
    log_error("could not read \"%s\": %s", source->name, strerror(errno));
    return STATUS_REFUSED;
}

bool
file_source_rewind(file_source *source)
{
    if (lseek(source->fd, 0, SEEK_SET) != 0)
        return false;
    source->offset = 0;
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
