/*
 * loader/ledger_scope.h
 *     Which part of the ledger status and unload are about: a table, loads, files.
 */
#ifndef LOADER_LEDGER_SCOPE_H
#define LOADER_LEDGER_SCOPE_H

#include "connection.h"
#include "hash.h"

typedef struct ledger_scope
{
    char *schema; /* of the ledger */
    char *table;  /* as the ledger calls it; NULL: all */
} ledger_scope;

/*
 * Find the ledger: in schema, else by the table, else by the search path (NULL: not
 * given). From then on the session's search path is at the ledger's schema.
 */
exit_status ledger_scope_find(ledger_scope *scope, connection *server, const char *table,
                              const char *schema);
void ledger_scope_free(ledger_scope *scope);

/* What a FILE|LOAD_ID on the command line is. */
typedef struct ledger_operand
{
    const char *text;
    bool is_load;                 /* digits only: the number of a load */
    char file_id[HASH_TEXT_SIZE]; /* of a file that can be read; else empty */
} ledger_operand;

exit_status ledger_operand_read(ledger_operand *operand, const char *text);

/* The same of a file, whatever its name, that can be read. */
exit_status ledger_file_read(ledger_operand *operand, const char *name);

/* Fill in parameters $2 to $4 of a query: the load, the file's identity, the file's name. */
void ledger_operand_params(const ledger_operand *operand, const char *params[3]);

#endif
