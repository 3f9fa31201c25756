/*
 * loader/offline_report.h
 *     The rows of the session report straight from files, without a server.
 */
#ifndef LOADER_OFFLINE_REPORT_H
#define LOADER_OFFLINE_REPORT_H

#include "line_format.h"
#include "options.h"
#include "report_rows.h"

#define OFFLINE_JOBS_CHOSEN (-1) /* one for each processor, as far as the memory reaches */

/* What a report from files takes beside the question. */
typedef struct offline_settings
{
    const operand_list *files;
    const line_format_settings *format; /* of those that are logs */
    const char *prefix;                 /* of the paths of views and issues; NULL: none */
    const char *mapping;                /* NULL: none, nothing is driven */
    int64_t jobs;                       /* or OFFLINE_JOBS_CHOSEN */
    const char *memory;                 /* NULL: the default */
    int64_t max_rejects;
    const char *rejects; /* NULL: they are counted, not kept */
} offline_settings;

/* Read the files and make the rows; what was read is said on standard error. */
exit_status offline_report_open(const offline_settings *settings, const report_question *question,
                                const report_ops *format, report_rows **rows);

#endif
