/*
 * loader/rejects.h
 *     What is refused is kept: with its place, the reason and the thing itself.
 */
#ifndef LOADER_REJECTS_H
#define LOADER_REJECTS_H

#include "file_sink.h"

#include <stdatomic.h>

/* One refused line or record. */
typedef struct reject
{
    const char *file;
    int64_t line;         /* from 1; 0 if it has none */
    int64_t block;        /* from 0; -1 if it has none */
    int64_t record;       /* from 1; 0 if it has none */
    const char *column;   /* NULL if no column is to blame */
    const char *sqlstate; /* NULL if there is none */
    const char *reason;
    cs_slice text;  /* the line or record */
    cs_slice bytes; /* its exact bytes where the text does not show them; else no data */
    bool cut;       /* text is only the beginning of it */
} reject;

/* How many rejects a command may have, and has had. */
typedef struct reject_budget
{
    int64_t limit;
    const char *format_option; /* that tells the format of logs which are read as plain; or NULL */
    atomic_llong count;        /* by several threads */
} reject_budget;

/* The file that rejects are written to, as JSON lines. */
typedef struct reject_file
{
    const char *name; /* borrowed; NULL: rejects are not written */
    bool replace;     /* may replace an existing file */
    bool is_open;
    int64_t count; /* rejects in the file */
    file_sink sink;
    cs_buffer line;
} reject_file;

/* Set up; unless on demand the file is created now. */
exit_status reject_file_open(reject_file *file, const char *name, bool on_demand, bool replace);

/* Write a reject. */
exit_status reject_file_add(reject_file *file, const reject *item);

/* Append a reject as a line of JSON, and write such a line. */
cs_code reject_append_json(cs_buffer *out, const reject *item, cs_error *err);
exit_status reject_file_add_line(reject_file *file, const char *line, size_t len);

/* Publish the file if keep, else remove it. Returns status, or a failure of its own. */
exit_status reject_file_close(reject_file *file, bool keep, exit_status status);

/* Say how one goes on past rejects. */
void reject_hint_limit(void);

/*
 * Count a reject. Beyond the limit: report it, with what can be done, and
 * return STATUS_REFUSED.
 */
exit_status reject_budget_spend(reject_budget *budget, const reject *item);

#endif
