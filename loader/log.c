/*
 * loader/log.c
 *     Messages to standard error.
 */
#include "log.h"

#include "calendar.h"
#include "json_text.h"
#include "secret.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define CLEAR_LINE "\r\033[K"
#define STATUS_SIZE 256

/* What the options ask for; set before there are threads. */
static const char *log_command;
static log_format format_in_use;
static bool is_verbose;

/* Standard error: who writes to it holds the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char status_line[STATUS_SIZE]; /* on the screen now; empty: none */

/* The message of each thread that waits for its detail and hint: a json_t. */
static pthread_key_t waiting_key;
static pthread_once_t waiting_once = PTHREAD_ONCE_INIT;

/* Write all of a text, as far as standard error takes it. */
static void
write_fully(const char *text, size_t len)
{
    while (len > 0)
    {
        ssize_t written = write(STDERR_FILENO, text, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return; /* nobody left to tell */
        text += written;
        len -= (size_t) written;
    }
}

void
log_raw(const char *line, size_t len)
{
    char *all = NULL;
    int all_len = -1;

    pthread_mutex_lock(&lock);
    if (status_line[0] != '\0')
        all_len = asprintf(&all, CLEAR_LINE "%.*s%s", (int) len, line, status_line);
    if (all_len >= 0)
        write_fully(all, (size_t) all_len);
    else
        write_fully(line, len);
    pthread_mutex_unlock(&lock);
    free(all);
}

void
log_show_status(const char *text)
{
    char drawn[STATUS_SIZE + sizeof(CLEAR_LINE)];
    int len;

    pthread_mutex_lock(&lock);
    if (text != NULL || status_line[0] != '\0')
    {
        snprintf(status_line, sizeof(status_line), "%s", text != NULL ? text : "");
        len = snprintf(drawn, sizeof(drawn), CLEAR_LINE "%s", status_line);
        write_fully(drawn, (size_t) len);
    }
    pthread_mutex_unlock(&lock);
}

/* Now, as JSON messages show it. */
static void
format_now(char text[CS_TIME_TEXT_SIZE])
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    cs_time_format(now.tv_sec * CS_SECOND + now.tv_nsec / 1000 - CS_UNIX_OFFSET, text);
}

/* Print a message that is complete, and let go of it. */
static void
print_object(void *message)
{
    cs_buffer line;
    cs_error err;

    cs_buffer_init(&line, cs_malloc_env());
    if (json_append(&line, message, &err) == CS_OK &&
        cs_buffer_append(&line, "\n", 1, &err) == CS_OK)
        log_raw((const char *) line.data, line.len);
    cs_buffer_free(&line);
}

/* Make the place for each thread's message. */
static void
make_waiting_key(void)
{
    pthread_key_create(&waiting_key, print_object);
}

/* The calling thread's message that waits; it waits no longer. */
static json_t *
take_waiting(void)
{
    json_t *message;

    pthread_once(&waiting_once, make_waiting_key);
    message = pthread_getspecific(waiting_key);
    if (message != NULL)
        pthread_setspecific(waiting_key, NULL);
    return message;
}

void
log_flush(void)
{
    json_t *message;

    if (format_in_use != LOG_JSON)
        return;
    message = take_waiting();
    if (message != NULL)
        print_object(message);
}

/* A new message; NULL without memory. */
static json_t *
new_object(const char *level, const char *text)
{
    char now[CS_TIME_TEXT_SIZE];
    json_t *message = json_object();

    format_now(now);
    json_object_set_new(message, "time", json_string(now));
    json_object_set_new(message, "level", json_string(level));
    if (log_command != NULL)
        json_object_set_new(message, "command", json_string(log_command));
    json_object_set_new(message, "message", json_text(cs_slice_of(text), NULL));
    return message;
}

/* Say more about a message, in a line of its own where something has been said already. */
static void
add_to_object(json_t *message, const char *label, const char *text)
{
    const char *before = json_string_value(json_object_get(message, label));
    char *both = NULL;

    if (before != NULL && asprintf(&both, "%s\n%s", before, text) < 0)
        both = NULL;
    json_object_set_new(message, label, json_text(cs_slice_of(both != NULL ? both : text), NULL));
    free(both);
}

/* True if a label is that of more about the message before. */
static bool
is_addition(const char *label)
{
    return strcmp(label, "detail") == 0 || strcmp(label, "hint") == 0 ||
           strcmp(label, "context") == 0;
}

/* Print a text of several lines, or more about the last one, as JSON. */
static void
print_json(const char *label, const char *text)
{
    json_t *message = take_waiting();

    if (message != NULL && !is_addition(label))
    {
        print_object(message);
        message = NULL;
    }
    if (message != NULL)
        add_to_object(message, label, text);
    else
        message = new_object(is_addition(label) ? "info" : label, text);
    if (strcmp(label, "info") == 0 || strcmp(label, "verbose") == 0)
        print_object(message); /* nothing is said about these */
    else if (pthread_setspecific(waiting_key, message) != 0)
        print_object(message);
}

/* Print a message as text. */
static void
print_text(const char *label, const char *text)
{
    bool labelled = strcmp(label, "info") != 0 && strcmp(label, "verbose") != 0;
    char *line;
    int len = asprintf(&line, "%s%s%s%s\n", strcmp(label, "info") != 0 ? PROGRAM_NAME ": " : "",
                       labelled ? label : "", labelled ? ": " : "", text);

    if (len < 0)
    {
        log_raw(text, strlen(text));
        log_raw("\n", 1);
        return;
    }
    log_raw(line, (size_t) len);
    free(line);
}

void
log_line(const char *label, const char *text)
{
    char *shown = strdup(text);

    if (shown != NULL)
        secret_mask(shown);
    if (format_in_use == LOG_JSON)
        print_json(label, shown != NULL ? shown : "out of memory");
    else
        print_text(label, shown != NULL ? shown : "out of memory");
    free(shown);
}

/* Print one message behind a label. */
static void
print(const char *label, const char *format, va_list args)
{
    char *text;

    if (vasprintf(&text, format, args) < 0)
    {
        log_line(label, format); /* better than nothing */
        return;
    }
    log_line(label, text);
    free(text);
}

void
log_set_command(const char *command)
{
    log_command = command;
}

void
log_set_format(log_format format)
{
    format_in_use = format;
}

log_format
log_get_format(void)
{
    return format_in_use;
}

void
log_set_verbose(bool verbose)
{
    is_verbose = verbose;
}

bool
log_is_verbose(void)
{
    return is_verbose;
}

/* Print an error. */
void
log_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print("error", format, args);
    va_end(args);
}

/* Print a warning. */
void
log_warning(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print("warning", format, args);
    va_end(args);
}

/* Say more about the message just printed. */
void
log_detail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print("detail", format, args);
    va_end(args);
}

/* Say what can be done about the message just printed. */
void
log_hint(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print("hint", format, args);
    va_end(args);
}

/* Print what was done. */
void
log_summary(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print("info", format, args);
    va_end(args);
}

/* Print what is being done, if that was asked for. */
void
log_verbose(const char *format, ...)
{
    va_list args;

    if (!is_verbose)
        return;
    va_start(args, format);
    print("verbose", format, args);
    va_end(args);
}

/* Add a text to what a signal handler writes. */
static char *
put_text(char *at, const char *text)
{
    while (*text != '\0')
        *at++ = *text++;
    return at;
}

/* Only what a signal handler may call: no lock, no stdio, no memory. */
void
log_interrupted_at_once(void)
{
    char message[256];
    char now[CS_TIME_TEXT_SIZE];
    char *at = message;

    if (format_in_use == LOG_JSON)
    {
        format_now(now);
        at = put_text(at, "{\"time\":\"");
        at = put_text(at, now);
        at = put_text(at, "\",\"level\":\"error\",\"command\":\"");
        at = put_text(at, log_command != NULL ? log_command : "");
        at = put_text(at, "\",\"message\":\"interrupted\"}\n");
    }
    else
        at = put_text(at, PROGRAM_NAME ": error: interrupted\n");
    write_fully(message, (size_t) (at - message));
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

void
log_interrupted(void)
{
    static bool said;

    if (!said)
        log_error("interrupted");
    said = true;
}

exit_status
log_out_of_memory(void)
{
    log_error("out of memory");
    return STATUS_SERVER;
}
