/*
 * loader/log.h
 *     Messages to standard error. Data goes to standard output, never here.
 *
 * Each message is one write, so those of several threads do not mix; and one line
 * of progress may stand below them all, where standard error is a terminal.
 */
#ifndef LOADER_LOG_H
#define LOADER_LOG_H

#include "base.h"
#include "defaults.h"

typedef enum log_format
{
    LOG_TEXT,
    LOG_JSON, /* every message is an object on a line of its own */
} log_format;

/* Of which command messages are: a name that stays. */
void log_set_command(const char *command);
void log_set_format(log_format format);
void log_set_verbose(bool verbose);

log_format log_get_format(void);

/* `clickstream: error: ...`, and the lines that may follow one. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_line(const char *label, const char *text);

/* A line about work done, without the program's name. */
void log_summary(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line about work being done: printed only with --verbose. */
void log_verbose(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool log_is_verbose(void);

/*
 * As JSON an error or a warning is held back for what is said about it. This
 * prints the one of the calling thread, if there is one; so does its next message,
 * a wait for the server, and the end of the thread.
 */
void log_flush(void);

/* Say that the program was interrupted, from a signal handler that ends it. */
void log_interrupted_at_once(void);

/* Show a line of text below all messages, in place of the last one; NULL: none. */
void log_show_status(const char *text);

/* Print a line that is ready, its line feed included. */
void log_raw(const char *line, size_t len);

/* Report a failure of core, naming file where the error does not; return what it means for us. */
exit_status log_core_error(const cs_error *err, const char *file);

/* The same of a failure in a block of an Avro file; -1 if unknown. */
exit_status log_block_error(const cs_error *err, const char *file, int64_t block);

/* Say that a signal ended the work; what is said a second time is not printed. */
void log_interrupted(void);

/* Report that memory ran out. */
exit_status log_out_of_memory(void);

#endif
