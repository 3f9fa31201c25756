/*
 * extension/avro_import.c
 *     IMPORT FOREIGN SCHEMA from Avro files.
 *
 * One path, directory or glob makes one table: the fields of the union of the
 * files' schemas, then the file columns if asked for, then the keys of the
 * directories "name=value". NOT NULL is never declared, although a file may
 * have no null in a field: the next file of the table may lack the field.
 */
#include "postgres.h"

#include "catalog/heap.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/scansup.h"
#include "utils/builtins.h"

#include "avro_bind.h"
#include "avro_import.h"
#include "avro_option.h"
#include "avro_type.h"
#include "avro_union.h"
#include "compat.h"
#include "nearest_name.h"

/* The longest name that a column or table can have. */
#define MAX_NAME (NAMEDATALEN - 1)

/* A column's name, cut, gets this number of bytes for a number that makes it unique. */
#define NAME_SUFFIX_BYTES 8

/* What an IMPORT asks for. */
typedef struct ImportRequest
{
    const char *filename;
    const char *table_name; /* NULL: by the record's name */
    bool file_columns;
} ImportRequest;

/* A column of the table. */
typedef struct ImportColumn
{
    const char *name;
    const char *type;
    const char *field; /* the option of this name; NULL where the name says it */
} ImportColumn;

/* The columns being made. */
typedef struct ImportColumns
{
    ImportColumn *items;
    int count;
} ImportColumns;

/* Read the option filename. */
static void
take_filename(ImportRequest *request, DefElem *option)
{
    request->filename = defGetString(option);
}

/* Read the option table_name. */
static void
take_table_name(ImportRequest *request, DefElem *option)
{
    request->table_name = defGetString(option);
    if (request->table_name[0] == '\0' || strlen(request->table_name) > MAX_NAME)
        ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
                        errmsg("invalid value for option \"%s\": \"%s\"", option->defname,
                               request->table_name),
                        errhint("The name of a table has from 1 to %d bytes.", MAX_NAME)));
}

/* Read the option file_columns. */
static void
take_file_columns(ImportRequest *request, DefElem *option)
{
    request->file_columns = defGetBoolean(option);
}

static const struct
{
    const char *name;
    void (*take)(ImportRequest *request, DefElem *option);
} import_options[] = {
    {"filename", take_filename},
    {"table_name", take_table_name},
    {"file_columns", take_file_columns},
};

/* Read one option. */
static void
take_option(ImportRequest *request, DefElem *option)
{
    NearestName nearest;

    nearest_name_init(&nearest, option->defname);
    for (int i = 0; i < lengthof(import_options); i++)
    {
        if (strcmp(import_options[i].name, option->defname) == 0)
        {
            import_options[i].take(request, option);
            return;
        }
        nearest_name_offer(&nearest, import_options[i].name);
    }
    ereport(ERROR,
            (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
             errmsg("invalid option \"%s\"", option->defname),
             nearest.match != NULL
                 ? errhint("Perhaps you meant the option \"%s\".", nearest.match)
                 : errhint("Options of IMPORT FOREIGN SCHEMA are \"filename\", \"table_name\" "
                           "and \"file_columns\".")));
}

/* Read what the statement asks for. */
static ImportRequest
read_request(ImportForeignSchemaStmt *statement)
{
    ImportRequest request = {0};
    ListCell *cell;

    foreach (cell, statement->options)
        take_option(&request, lfirst_node(DefElem, cell));
    if (request.filename != NULL)
        return request;
    request.filename = statement->remote_schema;
    if (strlen(request.filename) >= MAX_NAME)
        ereport(ERROR,
                (errcode(ERRCODE_NAME_TOO_LONG),
                 errmsg("path \"%s\" is too long for the name of a schema: it may have been cut",
                        request.filename),
                 errhint("Give the path as the option \"filename\".")));
    return request;
}

/* True if a column has this name. */
static bool
is_taken(const ImportColumns *columns, const char *name)
{
    for (int i = 0; i < columns->count; i++)
        if (strcmp(columns->items[i].name, name) == 0)
            return true;
    return false;
}

/* Add a column; an error if its name is taken. */
static void
add_column(ImportColumns *columns, const char *name, const char *type, const char *field)
{
    if (is_taken(columns, name))
        ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
                        errmsg("the files have a field \"%s\", and a column of this name would be "
                               "added",
                               name),
                        errhint("Import without the option \"file_columns\".")));
    columns->items[columns->count++] = (ImportColumn){name, type, field};
}

/* True if the name of any field is this one. */
static bool
is_field(const cs_avro_schema *schema, const char *name)
{
    return cs_avro_schema_find(schema, name) >= 0;
}

/* A name for a column whose field's name cannot be one: cut, and made unique with a number. */
static const char *
other_name(const ImportColumns *columns, const cs_avro_schema *schema, const char *field)
{
    int room = MAX_NAME - NAME_SUFFIX_BYTES;
    int len = pg_mbcliplen(field, (int) strlen(field), room);
    char *name = psprintf("%.*s_", len, field);

    for (int number = 2; is_taken(columns, name) || is_field(schema, name); number++)
        name = psprintf("%.*s_%d", len, field, number);
    ereport(NOTICE, (errmsg("field \"%s\" becomes column \"%s\"", field, name),
                     strlen(field) > MAX_NAME
                         ? errdetail("The name of a column has at most %d bytes.", MAX_NAME)
                         : errdetail("The name is that of a system column.")));
    return name;
}

/* Add the columns of the record's fields; those that the directories say are left out. */
static void
add_fields(ImportColumns *columns, const AvroUnion *all)
{
    for (size_t i = 0; i < all->schema->num_fields; i++)
    {
        const cs_avro_field *field = &all->schema->fields[i];
        const char *name = avro_server_text(field->name, strlen(field->name));
        cs_avro_shape shape = cs_avro_shape_of(field->type);
        AvroSqlType type = avro_sql_type(&shape);
        bool usable = strlen(name) <= MAX_NAME && SystemAttributeByName(name) == NULL;

        CHECK_FOR_INTERRUPTS();
        if (avro_union_has_key(all, name))
            ereport(NOTICE,
                    (errmsg("field \"%s\" is hidden by the directories \"%s=...\"", name, name)));
        else if (usable)
            add_column(columns, name, avro_sql_type_text(&type), NULL);
        else
            add_column(columns, other_name(columns, all->schema, name), avro_sql_type_text(&type),
                       name);
    }
}

/* Add the columns of the directories' keys. */
static void
add_keys(ImportColumns *columns, const AvroUnion *all)
{
    for (int i = 0; i < all->num_keys; i++)
    {
        const char *name = all->keys[i].name;

        if (strlen(name) > MAX_NAME || SystemAttributeByName(name) != NULL)
            ereport(ERROR, (errcode(ERRCODE_INVALID_NAME),
                            errmsg("directory key \"%s\" cannot be the name of a column", name)));
        add_column(columns, name, format_type_be(all->keys[i].type), NULL);
    }
}

/* All columns, in order. */
static ImportColumns
make_columns(const ImportRequest *request, const AvroUnion *all)
{
    ImportColumns columns = {
        .items =
            palloc((all->schema->num_fields + (size_t) all->num_keys + 3) * sizeof(ImportColumn)),
    };

    add_fields(&columns, all);
    if (request->file_columns)
    {
        add_column(&columns, AVRO_FILENAME_COLUMN, "text", NULL);
        add_column(&columns, AVRO_BLOCK_COLUMN, "bigint", NULL);
        add_column(&columns, AVRO_ROW_COLUMN, "bigint", NULL);
    }
    add_keys(&columns, all);
    return columns;
}

/* The name of the table: as asked for, or the record's without its namespace, in lower case. */
static const char *
table_name(const ImportRequest *request, const cs_avro_schema *schema)
{
    const char *name = request->table_name;

    if (name != NULL)
        return name;
    if (schema->root->name == NULL)
        ereport(ERROR, (errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
                        errmsg("the Avro type %s has no name that the table could have",
                               cs_avro_type_name(schema->root->type)),
                        errhint("Give the option \"table_name\".")));
    name = cs_avro_short_name(schema->root->name);
    if (strlen(name) > MAX_NAME)
        ereport(ERROR, (errcode(ERRCODE_NAME_TOO_LONG),
                        errmsg("the record's name \"%s\" is too long for a table", name),
                        errhint("Give the option \"table_name\".")));
    return downcase_identifier(name, (int) strlen(name), false, false);
}

/* The CREATE FOREIGN TABLE command. */
static char *
make_command(const ImportRequest *request, const AvroUnion *all, const char *server)
{
    ImportColumns columns = make_columns(request, all);
    StringInfoData sql;

    initStringInfo(&sql);
    appendStringInfo(&sql, "CREATE FOREIGN TABLE %s (",
                     quote_identifier(table_name(request, all->schema)));
    for (int i = 0; i < columns.count; i++)
    {
        const ImportColumn *column = &columns.items[i];

        appendStringInfo(&sql, "%s\n    %s %s", i > 0 ? "," : "", quote_identifier(column->name),
                         column->type);
        if (column->field != NULL)
            appendStringInfo(&sql, " OPTIONS (field %s)", quote_literal_cstr(column->field));
    }
    appendStringInfo(&sql, "\n) SERVER %s\nOPTIONS (filename %s", quote_identifier(server),
                     quote_literal_cstr(request->filename));
    if (all->differ)
        appendStringInfo(
            &sql, ", schema %s",
            quote_literal_cstr(avro_server_text(all->schema->json, all->schema->json_len)));
    appendStringInfoString(&sql, ");");
    return sql.data;
}

List *
avroImportForeignSchema(ImportForeignSchemaStmt *statement, Oid server)
{
    ImportRequest request = read_request(statement);

    avro_check_may_read();
    return list_make1(
        make_command(&request, avro_union(request.filename), GetForeignServer(server)->servername));
}
