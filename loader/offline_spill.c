/*
 * loader/offline_spill.c
 *     Temporary files without a name.
 */
#include "offline_spill.h"

#include "log.h"
#include "stop.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATTERN "clickstream-report.XXXXXX"

/* Start without a file. */
void
spill_init(spill_file *file)
{
    *file = (spill_file){.fd = -1};
}

/* Let go of the file, which has no name and so is gone. */
void
spill_close(spill_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    spill_init(file);
}

/* The directory for temporary files. */
static const char *
directory(void)
{
    const char *named = getenv(ENV_TEMPORARY);

    return named != NULL && named[0] != '\0' ? named : DEFAULT_TEMPORARY;
}

/* Report that the file could not be made, written or read. */
static exit_status
report_failure(const char *what)
{
    int why = errno;

    if (why == EINTR && stop_requested())
        return STATUS_INTERRUPTED;
    log_error("could not %s a temporary file in \"%s\": %s", what, directory(), strerror(why));
    log_hint("\"" ENV_TEMPORARY "\" names another directory; with more \"--memory\" less goes "
             "there.");
    return STATUS_SERVER;
}

/* Make a file whose name is gone at once. */
static exit_status
create(spill_file *file)
{
    char path[PATH_MAX];

    file->fd = open(directory(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file->fd >= 0)
        return STATUS_OK;
    if (snprintf(path, sizeof(path), "%s/" PATTERN, directory()) >= (int) sizeof(path))
    {
        errno = ENAMETOOLONG;
        return report_failure("create");
    }
    file->fd = mkostemp(path, O_CLOEXEC); /* not every file system has nameless files */
    if (file->fd < 0)
        return report_failure("create");
    unlink(path);
    return STATUS_OK;
}

exit_status
spill_append(spill_file *file, struct iovec *parts, int count)
{
    if (file->fd < 0)
        STATUS_TRY(create(file));
    while (count > 0)
    {
        ssize_t done = stop_requested() ? -1 : pwritev(file->fd, parts, count, (off_t) file->end);

        if (stop_requested())
            return STATUS_INTERRUPTED;
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return report_failure("write");
        file->end += (uint64_t) done;
        for (; count > 0 && (size_t) done >= parts->iov_len; parts++, count--)
            done -= (ssize_t) parts->iov_len;
        if (count > 0)
        {
            parts->iov_base = (char *) parts->iov_base + done;
            parts->iov_len -= (size_t) done;
        }
    }
    return STATUS_OK;
}

exit_status
spill_read(const spill_file *file, uint64_t offset, void *data, size_t len)
{
    char *at = data;

    while (len > 0)
    {
        ssize_t got = stop_requested() ? -1 : pread(file->fd, at, len, (off_t) offset);

        if (stop_requested())
            return STATUS_INTERRUPTED;
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = EIO;
        if (got <= 0)
            return report_failure("read");
        at += got;
        offset += (uint64_t) got;
        len -= (size_t) got;
    }
    return STATUS_OK;
}
