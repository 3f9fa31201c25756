/*
 * loader/file_sink.c
 *     Writing files whole or not at all.
 */
#include "file_sink.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_ATTEMPTS 16

size_t
file_directory_len(const char *name)
{
    const char *slash = strrchr(name, '/');

    return slash != NULL ? (size_t) (slash - name) + 1 : 0;
}

bool
file_sink_may_create(const char *name, bool replace)
{
    struct stat info;

    if (stat(name, &info) != 0)
    {
        if (errno == ENOENT)
            return true;
        log_error("could not create \"%s\": %s", name, strerror(errno));
        return false;
    }
    if (!S_ISREG(info.st_mode))
    {
        log_error("could not create \"%s\": it exists and is not a regular file", name);
        return false;
    }
    if (!replace)
    {
        log_error("could not create \"%s\": file exists", name);
        log_hint("\"--force\" replaces it.");
    }
    return replace;
}

exit_status
file_sink_status(int error)
{
    /* a name that cannot be had is the user's to change; the rest is the disk's fault */
    bool bad_name = error == ENOENT || error == ENOTDIR || error == EACCES || error == EEXIST ||
                    error == ENAMETOOLONG;

    return bad_name ? STATUS_USAGE : STATUS_SERVER;
}

/* Report that writing failed with errno. */
static exit_status
fail(file_sink *sink, const char *what)
{
    exit_status status = file_sink_status(errno);

    log_error("could not %s \"%s\": %s", what, sink->name, strerror(errno));
    sink->failed = true;
    return status;
}

/* Make a temporary name beside the final one. */
static bool
make_temp_name(file_sink *sink)
{
    size_t prefix = file_directory_len(sink->name);
    uint64_t random;

    free(sink->temp_name);
    sink->temp_name = NULL;
    if (getrandom(&random, sizeof(random), 0) != (ssize_t) sizeof(random))
        return false;
    if (asprintf(&sink->temp_name, "%.*s.%.200s.%016llx.tmp", (int) prefix, sink->name,
                 sink->name + prefix, (unsigned long long) random) >= 0)
        return true;
    sink->temp_name = NULL;
    return false;
}

exit_status
file_sink_open(file_sink *sink, const char *name, bool replace)
{
    memset(sink, 0, sizeof(*sink));
    sink->name = name;
    sink->replace = replace;
    sink->fd = -1;
    for (int i = 0; i < TEMP_ATTEMPTS && sink->fd < 0; i++)
    {
        if (!make_temp_name(sink))
            break;
        sink->fd = open(sink->temp_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (sink->fd < 0 && errno != EEXIST)
            break;
    }
    if (sink->fd >= 0)
        return STATUS_OK;
    free(sink->temp_name);
    sink->temp_name = NULL;
    return fail(sink, "create");
}

bool
file_write_all(int fd, const char *data, size_t len, int64_t offset)
{
    while (len > 0)
    {
        ssize_t written = offset < 0 ? write(fd, data, len) : pwrite(fd, data, len, offset);

        if (written < 0 && errno == EINTR)
            continue;
        if (written == 0)
            errno = ENOSPC;
        if (written <= 0)
            return false;
        data += written;
        len -= (size_t) written;
        if (offset >= 0)
            offset += written;
    }
    return true;
}

bool
file_sink_append(file_sink *sink, const void *data, size_t len)
{
    if (!sink->failed && !file_write_all(sink->fd, data, len, -1))
        fail(sink, "write");
    return !sink->failed;
}

/* Write the directory's new entry to disk. */
static bool
sync_directory(const char *name)
{
    size_t len = file_directory_len(name);
    char *directory = len > 0 ? strndup(name, len) : strdup(".");
    int fd = directory != NULL ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool done = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL || errno == EROFS);

    if (fd >= 0)
        close(fd);
    free(directory);
    return done;
}

exit_status
file_sync_entry(const char *name)
{
    if (sync_directory(name))
        return STATUS_OK;
    log_error("could not write the directory entry of \"%s\": %s", name, strerror(errno));
    return STATUS_SERVER;
}

/* Give the temporary file its name; an existing file stays unless it may be replaced. */
static bool
take_name(const file_sink *sink)
{
    if (sink->replace)
        return rename(sink->temp_name, sink->name) == 0;
    if (renameat2(AT_FDCWD, sink->temp_name, AT_FDCWD, sink->name, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    /* The file system does not know how: a hard link does not replace either. */
    return link(sink->temp_name, sink->name) == 0 && unlink(sink->temp_name) == 0;
}

exit_status
file_sink_sleep(file_sink *sink)
{
    int fd = sink->fd;

    sink->fd = -1;
    return close(fd) == 0 ? STATUS_OK : fail(sink, "write");
}

exit_status
file_sink_wake(file_sink *sink)
{
    sink->fd = open(sink->temp_name, O_WRONLY | O_CLOEXEC);
    return sink->fd >= 0 ? STATUS_OK : fail(sink, "open");
}

exit_status
file_sink_finish(file_sink *sink)
{
    int fd = sink->fd;

    if (sink->failed)
        return STATUS_SERVER;
    if (fd < 0)
        return STATUS_OK;
    if (fsync(fd) != 0)
        return fail(sink, "write");
    sink->fd = -1;
    return close(fd) == 0 ? STATUS_OK : fail(sink, "write");
}

exit_status
file_sink_publish(file_sink *sink)
{
    STATUS_TRY(file_sink_finish(sink));
    if (!take_name(sink))
        return fail(sink, "create");
    free(sink->temp_name);
    sink->temp_name = NULL;
    return file_sync_entry(sink->name);
}

void
file_sink_discard(file_sink *sink)
{
    if (sink->temp_name == NULL)
        return;
    if (sink->fd >= 0)
        close(sink->fd);
    unlink(sink->temp_name);
    free(sink->temp_name);
    sink->temp_name = NULL;
}

/* cs_sink on pwrite: the caller reports the failure. */
static bool
write_at(void *ctx, uint64_t offset, const void *data, size_t len)
{
    const file_sink *sink = ctx;

    return file_write_all(sink->fd, data, len, (int64_t) offset);
}

cs_sink
file_sink_as_core(file_sink *sink)
{
    return (cs_sink){sink, sink->name, write_at};
}
