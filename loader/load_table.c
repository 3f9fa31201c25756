/*
 * loader/load_table.c
 *     Looking up a table and matching its columns.
 */
#include "load_table.h"

#include "log.h"
#include "resources.h"
#include "stop.h"

#include <stdlib.h>
#include <strings.h>

#define LOAD_ID_COLUMN "load_id"
#define USER_COLUMN "user_id"

/* The fields of a row of table_columns.sql. */
enum column_field
{
    COLUMN_NAME,
    COLUMN_OID,
    COLUMN_TYPE,
    COLUMN_NOT_NULL,
    COLUMN_GENERATED
};

/* Report that there is no such table, or no ledger for it. */
static exit_status
report_missing(const char *name, const char *schema, bool found)
{
    if (found)
        log_error("the tables load_batch and load_reject do not exist");
    else if (schema != NULL)
        log_error("table \"%s\" does not exist in schema \"%s\"", name, schema);
    else
        log_error("table \"%s\" does not exist", name);
    log_hint("\"%s init\" creates them; \"--schema\" names the schema they are in.", PROGRAM_NAME);
    return STATUS_SERVER;
}

/* Copy what table_find.sql found. */
static exit_status
keep_table(load_table *table, const PGresult *result)
{
    char **members[] = {&table->oid, &table->schema, &table->name, &table->qualified,
                        &table->ledger_schema};

    for (int i = 0; i < 5; i++)
    {
        *members[i] = strdup(PQgetvalue(result, 0, i));
        if (*members[i] == NULL)
            return log_out_of_memory();
    }
    return STATUS_OK;
}

exit_status
load_table_find(load_table *table, connection *server, const char *name, const char *schema)
{
    const char *params[] = {name, schema, server->search_path};
    exit_status status;
    PGresult *result;

    memset(table, 0, sizeof(*table));
    STATUS_TRY(connection_query(server, resource_table_find_sql, 3, params, &result));
    if (PQntuples(result) == 0 || PQgetisnull(result, 0, 4))
        status = report_missing(name, schema, PQntuples(result) > 0);
    else
        status = keep_table(table, result);
    PQclear(result);
    STATUS_TRY(status);
    params[0] = table->ledger_schema;
    STATUS_TRY(connection_run(
        server, "SELECT set_config('search_path', quote_ident($1) || ', pg_temp', true)", 1,
        params));
    params[0] = table->oid;
    return connection_query(server, resource_table_columns_sql, 1, params, &table->columns);
}

/* Free the description. */
void
load_table_free(load_table *table)
{
    free(table->oid);
    free(table->schema);
    free(table->name);
    free(table->qualified);
    free(table->ledger_schema);
    PQclear(table->columns);
    memset(table, 0, sizeof(*table));
}

/* The name of a column. */
static const char *
column_name(const load_table *table, int column)
{
    return PQgetvalue(table->columns, column, COLUMN_NAME);
}

/* True if a yes-or-no field of a column says yes. */
static bool
column_is(const load_table *table, int column, int field)
{
    return strcmp(PQgetvalue(table->columns, column, field), "t") == 0;
}

/* Refuse a field, with a list of the columns that there are. */
static exit_status
refuse_field(const load_table *table, const row_source *source, const char *field,
             const char *problem)
{
    cs_buffer list;
    cs_error err;

    log_error("%s: field \"%s\" %s of table %s", source->file->name, field, problem,
              table->qualified);
    cs_buffer_init(&list, loader_env());
    for (int i = 0; i < PQntuples(table->columns); i++)
        if (!column_is(table, i, COLUMN_GENERATED) &&
            (cs_buffer_append(&list, ", ", list.len > 0 ? 2 : 0, &err) != CS_OK ||
             cs_buffer_append(&list, column_name(table, i), strlen(column_name(table, i)), &err) !=
                 CS_OK))
            break;
    log_detail("The table has the columns %.*s.", (int) list.len, (const char *) list.data);
    cs_buffer_free(&list);
    return STATUS_REFUSED;
}

/* The column of this name, else the one that differs in case only; -1: none, -2: several. */
static int
find_column(const load_table *table, const char *name)
{
    int found = -1;

    for (int i = 0; i < PQntuples(table->columns); i++)
        if (strcmp(column_name(table, i), name) == 0)
            return i;
    for (int i = 0; i < PQntuples(table->columns); i++)
        if (strcasecmp(column_name(table, i), name) == 0)
            found = found == -1 ? i : -2;
    return found;
}

/* Refuse a column of a type that this field does not go into. */
static exit_status
refuse_type(const load_table *table, const row_source *source, int column, const row_field *field)
{
    log_error("%s: field \"%s\" of kind %s cannot be loaded into column \"%s\" of type %s",
              source->file->name, field->name, value_kind_name(field->kind),
              column_name(table, column), PQgetvalue(table->columns, column, COLUMN_TYPE));
    return STATUS_REFUSED;
}

/* Match one field. */
static exit_status
match_field(load_mapping *mapping, const load_table *table, const row_source *source, int index)
{
    const row_field *field = &source->fields[index];
    int column = find_column(table, field->name);
    load_column *entry = &mapping->columns[mapping->count];

    if (column == -1)
        return refuse_field(table, source, field->name, "matches no column");
    if (column == -2)
        return refuse_field(table, source, field->name, "matches several columns");
    if (column_is(table, column, COLUMN_GENERATED))
        return refuse_field(table, source, field->name, "matches a generated column");
    entry->name = column_name(table, column);
    entry->field = index;
    entry->not_null = column_is(table, column, COLUMN_NOT_NULL);
    entry->type = column_type_find(
        (uint32_t) strtoul(PQgetvalue(table->columns, column, COLUMN_OID), NULL, 10));
    if (entry->type == NULL || !column_type_accepts(entry->type, field->kind))
        return refuse_type(table, source, column, field);
    for (size_t i = 0; i < mapping->count; i++)
        if (mapping->columns[i].name == entry->name)
        {
            log_error("%s: fields \"%s\" and \"%s\" match the same column of table %s",
                      source->file->name, source->fields[mapping->columns[i].field].name,
                      field->name, table->qualified);
            return STATUS_REFUSED;
        }
    if (strcmp(entry->name, USER_COLUMN) == 0)
        mapping->user_field = index;
    mapping->count++;
    return STATUS_OK;
}

/* Have the load's id filled in, if the table has a column for it and the file does not. */
static exit_status
add_load_id(load_mapping *mapping, const load_table *table, const row_source *source)
{
    int column = find_column(table, LOAD_ID_COLUMN);

    if (column < 0 || column_is(table, column, COLUMN_GENERATED) ||
        strtoul(PQgetvalue(table->columns, column, COLUMN_OID), NULL, 10) != INT8OID)
        return STATUS_OK;
    for (size_t i = 0; i < mapping->count; i++)
        if (mapping->columns[i].name == column_name(table, column))
            return refuse_field(table, source, column_name(table, column),
                                "is filled in by the load, as the column");
    mapping->columns[mapping->count++] = (load_column){
        column_name(table, column), column_type_find(INT8OID), (int) source->num_fields, false};
    mapping->add_load_id = true;
    mapping->num_values++;
    return STATUS_OK;
}

exit_status
load_mapping_make(load_mapping *mapping, const load_table *table, const row_source *source)
{
    memset(mapping, 0, sizeof(*mapping));
    mapping->user_field = -1;
    mapping->num_values = source->num_fields;
    mapping->columns = calloc(source->num_fields + 1, sizeof(load_column));
    if (mapping->columns == NULL)
        return log_out_of_memory();
    for (size_t i = 0; i < source->num_fields; i++)
        STATUS_TRY(match_field(mapping, table, source, (int) i));
    return add_load_id(mapping, table, source);
}

/* Free the mapping. */
void
load_mapping_free(load_mapping *mapping)
{
    free(mapping->columns);
    memset(mapping, 0, sizeof(*mapping));
}

/* Append a quoted name. */
static bool
append_name(cs_buffer *sql, const connection *server, const char *name)
{
    char *quoted = connection_quote(server, name);
    cs_error err;
    bool done = quoted != NULL && cs_buffer_append(sql, quoted, strlen(quoted), &err) == CS_OK;

    PQfreemem(quoted);
    return done;
}

char *
load_mapping_copy(const load_mapping *mapping, const load_table *table, const connection *server)
{
    bool done;
    cs_buffer sql;
    cs_error err;

    cs_buffer_init(&sql, loader_env());
    done = cs_buffer_printf(&sql, &err, "COPY ") == CS_OK &&
           append_name(&sql, server, table->schema) &&
           cs_buffer_append(&sql, ".", 1, &err) == CS_OK && append_name(&sql, server, table->name);
    for (size_t i = 0; i < mapping->count; i++)
        done = done && cs_buffer_printf(&sql, &err, i == 0 ? " (" : ", ") == CS_OK &&
               append_name(&sql, server, mapping->columns[i].name);
    done = done && cs_buffer_printf(&sql, &err, ") FROM STDIN (FORMAT binary)") == CS_OK &&
           cs_buffer_append(&sql, "", 1, &err) == CS_OK;
    if (done)
        return (char *) sql.data;
    cs_buffer_free(&sql);
    return NULL;
}
