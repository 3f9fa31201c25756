/*
 * loader/load.h
 *     What the parts of load share.
 */
#ifndef LOADER_LOAD_H
#define LOADER_LOAD_H

#include "connection.h"
#include "rejects.h"
#include "row_sender.h"

/* What all files of a run share. */
typedef struct load_context
{
    connection *server;
    const char *table;  /* as the user called it; NULL: by the file */
    const char *schema; /* NULL: not given */
    bool again;
    source_format format;
    conflict_action on_conflict;
    reject_budget *budget;
    reject_file *rejects;
} load_context;

/* Load one file, in one transaction. */
exit_status load_file(const load_context *context, const char *name);

#endif
