/*
 * loader/redshift_table.c
 *     The table in Redshift, and which field of a file goes to which of its columns.
 *
 * COPY would leave out a field without a column, load NULL where names differ in case,
 * and take any number for milliseconds, all without a word. So what it would make of
 * each field is decided here, before anything is sent.
 */
#include "redshift.h"

#include "redshift_limits.h"

#include <ctype.h>
#include <stdlib.h>

#define LOAD_ID "load_id"

/* Why a field cannot go to a column, and what to do. */
typedef struct field_problem
{
    const char *effect;
    const char *remedy;
} field_problem;

static const field_problem several_types = {
    "is a union of several types, of which Redshift's documentation does not speak",
    "Write one type, or null and one type."};
static const field_problem wrong_unit = {
    "is in micro- or nanoseconds: Redshift would take them for milliseconds and load the year "
    "56,000 or so, without an error",
    "Encode with a schema of timestamp-millis, or load into a BIGINT column."};
static const field_problem plain_number = {
    "is a number without a unit: Redshift would take it for milliseconds, whatever it is",
    "Mark it as timestamp-millis in the schema where it is milliseconds."};
static const field_problem day_number = {
    "is a number of days, which no column of dates or times takes: Redshift would refuse it",
    "Write dates as strings, 2024-03-10, or load into an INTEGER column."};
static const field_problem day_time_number = {
    "is a number, which no column of dates or times takes: Redshift would refuse it",
    "Write times of day as strings: 08:00:00."};
static const field_problem raw_decimal = {
    "is a decimal: Redshift would load the text of its bytes, not the number",
    "Write decimals as strings: 12.30."};
static const field_problem raw_bytes = {
    "holds bytes: Redshift would load a JSON text of them, and VARBYTE takes nothing from Avro",
    "Write hexadecimal digits as a string, and convert with FROM_HEX."};
static const field_problem json_text = {
    "is nested: Redshift would load JSON text, which only a VARCHAR column is sure to take",
    "Load it into a VARCHAR column and use JSON_PARSE."};
static const field_problem capital_name = {
    "has capitals in its name: Redshift would load NULL, as COPY compares with lower-case names",
    "Write the name in lower case."};
static const field_problem other_kind = {"does not fit: Redshift would refuse the values",
                                         "Load into a column of another type."};

/* Copy a field of a result; NULL without memory. */
static char *
copy_value(const PGresult *result, int row, int column)
{
    return strdup(PQgetvalue(result, row, column));
}

/* What a column of this type takes. */
static redshift_kind
kind_of(const char *type)
{
    static const struct
    {
        const char *prefix;
        redshift_kind kind;
    } known[] = {{"timestamp", REDSHIFT_TIMESTAMP}, {"date", REDSHIFT_DATE},
                 {"time", REDSHIFT_TIME},           {"smallint", REDSHIFT_INTEGER},
                 {"integer", REDSHIFT_INTEGER},     {"bigint", REDSHIFT_INTEGER},
                 {"numeric", REDSHIFT_NUMERIC},     {"real", REDSHIFT_NUMERIC},
                 {"double", REDSHIFT_NUMERIC},      {"boolean", REDSHIFT_BOOLEAN},
                 {"character", REDSHIFT_TEXT},      {"text", REDSHIFT_TEXT}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strncmp(type, known[i].prefix, strlen(known[i].prefix)) == 0)
            return known[i].kind;
    return REDSHIFT_OTHER;
}

/* Fill in a column from a row of the list. */
static bool
read_column(redshift_column *column, const PGresult *rows, int row)
{
    const char *bracket;

    column->name = copy_value(rows, row, 0);
    column->type = copy_value(rows, row, 1);
    if (column->name == NULL || column->type == NULL)
        return false;
    column->not_null = strcmp(PQgetvalue(rows, row, 2), "t") == 0;
    column->has_default = strcmp(PQgetvalue(rows, row, 3), "t") == 0;
    column->kind = kind_of(column->type);
    if (column->kind == REDSHIFT_TEXT)
    {
        bracket = strchr(column->type, '(');
        column->max_bytes =
            bracket != NULL ? strtoll(bracket + 1, NULL, 10) : REDSHIFT_MAX_TEXT_BYTES;
    }
    return true;
}

/* Keep the list of columns. */
static exit_status
read_columns(redshift_table *table, const PGresult *rows)
{
    int count = PQntuples(rows);

    table->columns = calloc((size_t) count + 1, sizeof(redshift_column));
    if (table->columns == NULL)
        return log_out_of_memory();
    for (int i = 0; i < count; i++)
    {
        table->num_columns++;
        if (!read_column(&table->columns[i], rows, i))
            return log_out_of_memory();
        if (strcmp(table->columns[i].name, LOAD_ID) == 0)
            table->has_load_id = true;
    }
    return STATUS_OK;
}

/* Ask for the table: its columns, and its name. No row where there is no such table. */
static exit_status
ask_columns(const redshift_table *table, connection *server, PGresult **rows)
{
    return redshift_query(server, rows,
                          "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,"
                          " a.atthasdef, quote_ident(n.nspname) || '.' || quote_ident(c.relname)"
                          " FROM pg_class c"
                          " JOIN pg_namespace n ON n.oid = c.relnamespace"
                          " JOIN pg_attribute a ON a.attrelid = c.oid"
                          " WHERE n.nspname = %t AND c.relname = %t AND c.relkind = 'r'"
                          " AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
                          table->schema, table->name);
}

/* Split the name that the user gave into schema and table. */
static exit_status
split_name(redshift_table *table, const connection *server, const char *name, const char *schema)
{
    const char *dot = schema == NULL ? strchr(name, '.') : NULL;

    if (dot != NULL)
        table->schema = strndup(name, (size_t) (dot - name));
    else
    {
        STATUS_TRY(connection_schema(server, schema, &schema));
        table->schema = strdup(schema);
    }
    table->name = strdup(dot != NULL ? dot + 1 : name);
    return table->schema != NULL && table->name != NULL ? STATUS_OK : log_out_of_memory();
}

/* Check that there is a ledger in the table's schema. */
static exit_status
check_ledger(const redshift_table *table, connection *server)
{
    redshift_table ledger = {.schema = table->schema, .name = (char *) "load_batch"};
    PGresult *rows;
    int count;

    STATUS_TRY(ask_columns(&ledger, server, &rows));
    count = PQntuples(rows);
    PQclear(rows);
    if (count > 0)
        return STATUS_OK;
    log_error("schema \"%s\" has no table \"load_batch\", in which loads are recorded",
              table->schema);
    log_hint("\"%s init --target redshift --schema %s\" makes it.", PROGRAM_NAME, table->schema);
    return STATUS_USAGE;
}

exit_status
redshift_table_find(redshift_table *table, connection *server, const char *name, const char *schema)
{
    exit_status status;
    PGresult *rows;

    memset(table, 0, sizeof(*table));
    STATUS_TRY(split_name(table, server, name, schema));
    STATUS_TRY(ask_columns(table, server, &rows));
    if (PQntuples(rows) == 0)
    {
        PQclear(rows);
        log_error("table \"%s\" does not exist in schema \"%s\"", table->name, table->schema);
        log_hint("\"%s init --target redshift\" makes the table of the log.", PROGRAM_NAME);
        return STATUS_USAGE;
    }
    table->qualified = copy_value(rows, 0, 4);
    status = table->qualified != NULL ? read_columns(table, rows) : log_out_of_memory();
    PQclear(rows);
    STATUS_TRY(status);
    return check_ledger(table, server);
}

void
redshift_table_free(redshift_table *table)
{
    for (size_t i = 0; i < table->num_columns; i++)
    {
        free(table->columns[i].name);
        free(table->columns[i].type);
    }
    free(table->columns);
    free(table->schema);
    free(table->name);
    free(table->qualified);
    memset(table, 0, sizeof(*table));
}

/* True if a name is a column's, but for capitals. */
static bool
names_column(const char *field, const char *column)
{
    for (; *field != '\0' && *column != '\0'; field++, column++)
        if (*field != *column && tolower((unsigned char) *field) != *column)
            return false;
    return *field == *column;
}

/* What stands against a field of a logical type in a column of this kind; NULL: nothing. */
static const field_problem *
logical_problem(cs_avro_logical logical, redshift_kind kind)
{
    bool time = kind == REDSHIFT_TIMESTAMP || kind == REDSHIFT_DATE || kind == REDSHIFT_TIME;
    bool number = kind == REDSHIFT_INTEGER || kind == REDSHIFT_NUMERIC || kind == REDSHIFT_TEXT;

    switch (logical)
    {
        case CS_LOGICAL_DATE:
            return time ? &day_number : number ? NULL : &other_kind;
        case CS_LOGICAL_TIME_MILLIS:
        case CS_LOGICAL_TIME_MICROS:
            return time ? &day_time_number : number ? NULL : &other_kind;
        case CS_LOGICAL_TIMESTAMP_MILLIS:
        case CS_LOGICAL_LOCAL_TIMESTAMP_MILLIS:
            return number || kind == REDSHIFT_TIMESTAMP ? NULL : &other_kind;
        case CS_LOGICAL_TIMESTAMP_MICROS:
        case CS_LOGICAL_TIMESTAMP_NANOS:
        case CS_LOGICAL_LOCAL_TIMESTAMP_MICROS:
        case CS_LOGICAL_LOCAL_TIMESTAMP_NANOS:
            return kind == REDSHIFT_TIMESTAMP ? &wrong_unit : number ? NULL : &other_kind;
        case CS_LOGICAL_DECIMAL:
            return &raw_decimal;
        default:
            return NULL;
    }
}

/* What stands against a field in a column; NULL: nothing. */
static const field_problem *
field_problem_of(const cs_avro_node *type, redshift_kind kind)
{
    type = redshift_only_type(type);
    if (type == NULL)
        return &several_types;
    if (type->logical != CS_LOGICAL_NONE && type->logical != CS_LOGICAL_UUID &&
        type->logical != CS_LOGICAL_DURATION)
        return logical_problem(type->logical, kind);
    switch (type->type)
    {
        case CS_AVRO_INT:
        case CS_AVRO_LONG:
            if (kind == REDSHIFT_TIMESTAMP)
                return &plain_number;
            return kind == REDSHIFT_INTEGER || kind == REDSHIFT_NUMERIC || kind == REDSHIFT_TEXT
                       ? NULL
                       : &other_kind;
        case CS_AVRO_FLOAT:
        case CS_AVRO_DOUBLE:
            return kind == REDSHIFT_NUMERIC || kind == REDSHIFT_TEXT ? NULL : &other_kind;
        case CS_AVRO_BOOLEAN:
            return kind == REDSHIFT_BOOLEAN || kind == REDSHIFT_TEXT ? NULL : &other_kind;
        case CS_AVRO_BYTES:
        case CS_AVRO_FIXED:
            return &raw_bytes;
        case CS_AVRO_ARRAY:
        case CS_AVRO_MAP:
        case CS_AVRO_RECORD:
            return kind == REDSHIFT_TEXT ? NULL : &json_text;
        default:
            return NULL; /* null, and text that the server reads as it can */
    }
}

/* True if the field's values are numbers that TIMEFORMAT 'epochmillisecs' is for. */
static bool
is_epoch(const cs_avro_node *type)
{
    type = redshift_only_type(type);
    return type != NULL && (type->logical == CS_LOGICAL_TIMESTAMP_MILLIS ||
                            type->logical == CS_LOGICAL_LOCAL_TIMESTAMP_MILLIS);
}

/* Find a field's column, and check that it takes the field. */
static exit_status
map_field(redshift_mapping *mapping, const redshift_table *table, const cs_avro_field *field,
          size_t index, const char *file)
{
    const field_problem *problem;
    const redshift_column *column = NULL;

    for (size_t i = 0; i < table->num_columns; i++)
        if (names_column(field->name, table->columns[i].name))
            column = &table->columns[i];
    if (column == NULL)
    {
        log_error("%s: field \"%s\" has no column in %s: Redshift would leave it out", file,
                  field->name, table->qualified);
        log_hint("Add the column, or encode without the field.");
        return STATUS_REFUSED;
    }
    for (size_t i = 0; i < index; i++)
        if (mapping->columns[i] == column)
        {
            log_error("%s: two fields go to column \"%s\"", file, column->name);
            return STATUS_REFUSED;
        }
    problem = field_problem_of(field->type, column->kind);
    if (problem != NULL)
    {
        log_error("%s: field \"%s\", for column \"%s\" (%s), %s", file, field->name, column->name,
                  column->type, problem->effect);
        log_hint("%s", problem->remedy);
        return STATUS_REFUSED;
    }
    mapping->columns[index] = column;
    mapping->add_load_id &= strcmp(column->name, LOAD_ID) != 0;
    mapping->renames |= strcmp(field->name, column->name) != 0;
    mapping->epochs |= column->kind == REDSHIFT_TIMESTAMP && is_epoch(field->type);
    return STATUS_OK;
}

/* One TIMEFORMAT holds for all timestamps: they must be of one form. */
static exit_status
check_times(const redshift_mapping *mapping, const cs_avro_schema *schema, const char *file)
{
    for (size_t i = 0; mapping->epochs && i < mapping->count; i++)
        if (mapping->columns[i]->kind == REDSHIFT_TIMESTAMP && !is_epoch(schema->fields[i].type))
        {
            log_error("%s: field \"%s\" is a time as text beside others as milliseconds: Redshift "
                      "reads all timestamps of a COPY in one form",
                      file, schema->fields[i].name);
            log_hint("Write all of them as timestamp-millis, or all as text.");
            return STATUS_REFUSED;
        }
    return STATUS_OK;
}

/* Columns that must have a value, and get none. */
static exit_status
check_columns(const redshift_mapping *mapping, const redshift_table *table, const char *file)
{
    for (size_t i = 0; i < table->num_columns; i++)
    {
        const redshift_column *column = &table->columns[i];
        bool found = strcmp(column->name, LOAD_ID) == 0;

        for (size_t j = 0; j < mapping->count; j++)
            found |= mapping->columns[j] == column;
        if (found || !column->not_null || column->has_default)
            continue;
        log_error("%s: column \"%s\" of %s must not be NULL, but no field goes to it", file,
                  column->name, table->qualified);
        return STATUS_REFUSED;
    }
    return STATUS_OK;
}

exit_status
redshift_mapping_make(redshift_mapping *mapping, const redshift_table *table,
                      const cs_avro_schema *schema, const char *file)
{
    memset(mapping, 0, sizeof(*mapping));
    if (schema->root->type != CS_AVRO_RECORD || schema->num_fields == 0)
    {
        log_error("%s: its type is %s%s: Redshift would refuse the file", file,
                  cs_avro_type_name(schema->root->type),
                  schema->root->type == CS_AVRO_RECORD ? " without fields" : ", not record");
        return STATUS_REFUSED;
    }
    mapping->columns = calloc(schema->num_fields, sizeof(redshift_column *));
    if (mapping->columns == NULL)
        return log_out_of_memory();
    mapping->count = schema->num_fields;
    mapping->add_load_id = table->has_load_id;
    for (size_t i = 0; i < mapping->count; i++)
        STATUS_TRY(map_field(mapping, table, &schema->fields[i], i, file));
    STATUS_TRY(check_times(mapping, schema, file));
    return check_columns(mapping, table, file);
}

void
redshift_mapping_free(redshift_mapping *mapping)
{
    free(mapping->columns);
    memset(mapping, 0, sizeof(*mapping));
}

exit_status
redshift_check_encoding(const char *name, const cs_avro_schema *schema, cs_avro_codec codec)
{
    if (!redshift_knows_codec(codec))
    {
        log_error("codec %s is not one that Redshift reads", cs_avro_codec_name(codec));
        log_hint("Choose deflate, snappy or null with \"--codec\".");
        return STATUS_USAGE;
    }
    for (size_t i = 0; i < schema->num_fields; i++)
    {
        const cs_avro_field *field = &schema->fields[i];
        const cs_avro_node *type = redshift_only_type(field->type);
        const field_problem *problem =
            type == NULL ? &several_types : logical_problem(type->logical, REDSHIFT_TIMESTAMP);

        if (problem == NULL && redshift_misses_name(field->name))
            problem = &capital_name;
        if (problem == NULL)
            continue;
        log_error("%s: field \"%s\" %s", name, field->name, problem->effect);
        log_hint("%s", problem->remedy);
        return STATUS_USAGE;
    }
    return STATUS_OK;
}
