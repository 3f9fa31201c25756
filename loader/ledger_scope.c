/*
 * loader/ledger_scope.c
 *     Finding the ledger, and what of it is meant.
 */
#include "ledger_scope.h"

#include "load_table.h"
#include "log.h"
#include "resources.h"
#include "row_source.h"

#include <stdlib.h>
#include <unistd.h>

/* Find table and ledger, in a transaction. */
static exit_status
find_by_table(ledger_scope *scope, connection *server, const char *name, const char *schema)
{
    load_table table;
    exit_status status = load_table_find(&table, server, name, schema);

    if (status == STATUS_OK)
    {
        scope->schema = strdup(table.ledger_schema);
        scope->table = strdup(table.qualified);
        if (scope->schema == NULL || scope->table == NULL)
            status = log_out_of_memory();
    }
    load_table_free(&table);
    return status;
}

/* Find the ledger without a table, in a transaction. */
static exit_status
find_by_path(ledger_scope *scope, connection *server, const char *schema)
{
    const char *params[] = {schema, server->search_path};
    PGresult *found;

    STATUS_TRY(connection_query(server, resource_ledger_find_sql, 2, params, &found));
    if (PQntuples(found) > 0)
        scope->schema = strdup(PQgetvalue(found, 0, 0));
    PQclear(found);
    if (scope->schema != NULL)
        return STATUS_OK;
    log_error("the tables load_batch and load_reject do not exist");
    log_hint("\"%s init\" creates them; \"--schema\" names the schema they are in.", PROGRAM_NAME);
    return STATUS_SERVER;
}

exit_status
ledger_scope_find(ledger_scope *scope, connection *server, const char *table, const char *schema)
{
    exit_status status;

    memset(scope, 0, sizeof(*scope));
    STATUS_TRY(connection_run(server, "BEGIN", 0, NULL));
    status = table != NULL ? find_by_table(scope, server, table, schema)
                           : find_by_path(scope, server, schema);
    connection_rollback(server);
    STATUS_TRY(status);
    return connection_use_schema(server, scope->schema, false);
}

/* Free what was found. */
void
ledger_scope_free(ledger_scope *scope)
{
    free(scope->schema);
    free(scope->table);
    memset(scope, 0, sizeof(*scope));
}

/* Fill in the identity of an open file, as row_source_open would, whatever its text means. */
static exit_status
identify(file_source *file, char file_id[HASH_TEXT_SIZE])
{
    const row_format format = {.kind = SOURCE_AUTO};
    row_source text = {.file = file};
    row_source *source = NULL;
    exit_status status;

    if (!file_is_avro(file->fd))
    {
        STATUS_TRY(file_source_decompress(file));
        STATUS_TRY(row_source_identify(&text));
        memcpy(file_id, text.file_id, HASH_TEXT_SIZE);
        return STATUS_OK;
    }
    status = row_source_open(&source, file, &format);
    if (status == STATUS_OK)
        memcpy(file_id, source->file_id, HASH_TEXT_SIZE);
    row_source_close(source);
    return status;
}

exit_status
ledger_file_read(ledger_operand *operand, const char *name)
{
    hash_stream hash = {NULL, false};
    file_source file;
    exit_status status;

    *operand = (ledger_operand){.text = name};
    STATUS_TRY(file_source_open(&file, name));
    hash_start(&hash);
    file.hash = &hash;
    status = identify(&file, operand->file_id);
    file_source_close(&file);
    hash_free(&hash);
    return status;
}

exit_status
ledger_operand_read(ledger_operand *operand, const char *text)
{
    *operand = (ledger_operand){.text = text};
    if (!cs_utf8_valid(text, strlen(text)))
    {
        log_error("%s: the file's name is not valid UTF-8", text);
        return STATUS_USAGE;
    }
    operand->is_load = text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
    if (operand->is_load && strlen(text) > 18)
    {
        log_error("there is no load %s", text);
        return STATUS_USAGE;
    }
    if (operand->is_load || access(text, R_OK) != 0)
        return STATUS_OK;
    return ledger_file_read(operand, text);
}

void
ledger_operand_params(const ledger_operand *operand, const char *params[3])
{
    params[0] = operand->is_load ? operand->text : NULL;
    params[1] = operand->file_id[0] != '\0' ? operand->file_id : NULL;
    params[2] = operand->is_load ? NULL : operand->text;
}
