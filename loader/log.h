/*
 * loader/log.h
 *     Messages to standard error. Data goes to standard output, never here.
 */
#ifndef LOADER_LOG_H
#define LOADER_LOG_H

#include "base.h"
#include "defaults.h"

/* `clickstream: error: ...`, and the lines that may follow one. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_line(const char *label, const char *text);

/* A line about work done, without the program's name. */
void log_summary(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Report a failure of core, naming file where the error does not; return what it means for us. */
exit_status log_core_error(const cs_error *err, const char *file);

/* The same of a failure in a block of an Avro file; -1 if unknown. */
exit_status log_block_error(const cs_error *err, const char *file, int64_t block);

/* Report that memory ran out. */
exit_status log_out_of_memory(void);

#endif
