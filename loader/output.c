/*
 * loader/output.c
 *     Standard output.
 */
#include "output.h"

#include "log.h"

#include <errno.h>
#include <stdio.h>

#define WRITE_BYTES (64 * 1024) /* are enough to be written */

/* Report that a write failed with errno. */
static exit_status
report_failure(void)
{
    if (errno != EPIPE)
        log_error("could not write to standard output: %s", strerror(errno));
    return STATUS_SERVER;
}

exit_status
output_write(cs_buffer *data)
{
    size_t len = data->len;

    data->len = 0;
    if (len == 0)
        return STATUS_OK; /* data->data may be NULL, which fwrite() does not take */
    return fwrite(data->data, 1, len, stdout) == len ? STATUS_OK : report_failure();
}

exit_status
output_pass(cs_buffer *data)
{
    return data->len >= WRITE_BYTES ? output_write(data) : STATUS_OK;
}

exit_status
output_pass_on(cs_buffer *data, cs_code code, const cs_error *err)
{
    return code == CS_OK ? output_pass(data) : log_core_error(err, NULL);
}

exit_status
output_finish(exit_status status)
{
    bool failed = ferror(stdout) != 0;

    errno = EIO; /* in case that an earlier write failed and this one does not */
    if (fclose(stdout) != 0)
        failed = true;
    return failed && status == STATUS_OK ? report_failure() : status;
}
