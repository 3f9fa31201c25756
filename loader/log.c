/*
 * loader/log.c
 *     Messages to standard error.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* Print one message behind a label. */
static void
print(const char *label, const char *format, va_list args)
{
    flockfile(stderr);
    fputs(label, stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    funlockfile(stderr);
}

/* Print an error. */
void
log_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print(PROGRAM_NAME ": error: ", format, args);
    va_end(args);
}

/* Print a warning. */
void
log_warning(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print(PROGRAM_NAME ": warning: ", format, args);
    va_end(args);
}

/* Say more about the message just printed. */
void
log_detail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print(PROGRAM_NAME ": detail: ", format, args);
    va_end(args);
}

/* Say what can be done about the message just printed. */
void
log_hint(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print(PROGRAM_NAME ": hint: ", format, args);
    va_end(args);
}

/* Print text under a label of its own. */
void
log_line(const char *label, const char *text)
{
    fprintf(stderr, PROGRAM_NAME ": %s: %s\n", label, text);
}

/* Print what was done. */
void
log_summary(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print("", format, args);
    va_end(args);
}

/* The exit code for a failure of core. */
static exit_status
status_of_code(cs_code code)
{
    switch (code)
    {
        case CS_OK:
        case CS_END:
            return STATUS_OK;
        case CS_ERR_STOPPED:
            return STATUS_INTERRUPTED;
        case CS_ERR_MEMORY:
        case CS_ERR_IO:
            return STATUS_SERVER;
        case CS_ERR_DATA:
        case CS_ERR_UNSUPPORTED:
        case CS_ERR_RANGE:
        case CS_ERR_LIMIT:
        case CS_ERR_ARGUMENT:
            break;
    }
    return STATUS_REFUSED;
}

/* Append one part of a place, unless it is below the first that there can be. */
static void
add_place(char *place, size_t size, const char *name, int64_t number, int64_t first)
{
    size_t len = strlen(place);

    if (number >= first)
        snprintf(place + len, size - len, "%s%s %lld", len == 0 ? " (" : ", ", name,
                 (long long) number);
}

exit_status
log_block_error(const cs_error *err, const char *file, int64_t block)
{
    const char *name = err->file != NULL ? err->file : file;
    char place[128] = "";

    if (err->code == CS_ERR_STOPPED || (err->code == CS_ERR_IO && err->sys_errno == EINTR))
        return STATUS_INTERRUPTED; /* main says so, once */
    add_place(place, sizeof(place), "byte", err->offset, 0);
    add_place(place, sizeof(place), "block", block, 0);
    add_place(place, sizeof(place), "record", err->record, 1);
    log_error("%s%s%s%s%s", name != NULL ? name : "", name != NULL ? ": " : "", err->message, place,
              place[0] != '\0' ? ")" : "");
    return status_of_code(err->code);
}

exit_status
log_core_error(const cs_error *err, const char *file)
{
    return log_block_error(err, file, -1);
}

exit_status
log_out_of_memory(void)
{
    log_error("out of memory");
    return STATUS_SERVER;
}
