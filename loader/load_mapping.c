/*
 * loader/load_mapping.c
 *     Which field of a file goes to which column of a table.
 *
 * A field goes where --map says, else to the column of its name. With --columns the
 * fields of other columns are left out; without it, each field needs a column.
 */
#include "load_table.h"

#include "log.h"
#include "meta_time.h"
#include "stop.h"

#include <stdlib.h>
#include <strings.h>

#define LOAD_ID_COLUMN "load_id"
#define USER_COLUMN "user_id"

/* What find_column returns for no column. */
#define NO_COLUMN (-1)
#define SEVERAL_COLUMNS (-2)

/* One mapping while it is made. */
typedef struct matching
{
    load_mapping *mapping;
    const load_table *table;
    const row_source *source;
    const mapping_request *request;
    size_t capacity; /* of the mapping's columns */
    bool *listed;    /* by table column: named by --columns; NULL: no list is given */
} matching;

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

/* Suggest another delimiter where the only name in a CSV's header holds one. */
static void
hint_delimiter(const row_source *source, const char *field)
{
    const char *found = strpbrk(field, ";\t|");

    if (source->num_fields == 1 && found != NULL)
        log_hint("If this is what separates the fields: \"--delimiter '%s'\".",
                 found[0] == '\t'  ? "\\t"
                 : found[0] == ';' ? ";"
                                   : "|");
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
    hint_delimiter(source, field);
    cs_buffer_free(&list);
    return STATUS_REFUSED;
}

/* The column of this name, else the one that differs in case only. */
static int
find_column(const load_table *table, const char *name)
{
    int found = NO_COLUMN;

    for (int i = 0; i < PQntuples(table->columns); i++)
        if (strcmp(column_name(table, i), name) == 0)
            return i;
    for (int i = 0; i < PQntuples(table->columns); i++)
        if (strcasecmp(column_name(table, i), name) == 0)
            found = found == NO_COLUMN ? i : SEVERAL_COLUMNS;
    return found;
}

/* Report a name that is not among those of the table's columns or the file's fields. */
static exit_status
report_name(const matching *m, const char *name, const char *option, bool is_column)
{
    size_t count = is_column ? (size_t) PQntuples(m->table->columns) : m->source->num_fields;
    const char **names = calloc(count + 1, sizeof(char *));
    const char *nearest;

    if (names == NULL)
        return log_out_of_memory();
    for (size_t i = 0; i < count; i++)
        names[i] = is_column ? column_name(m->table, (int) i) : m->source->fields[i].name;
    nearest = nearest_name(name, names);
    if (is_column)
        log_error("column \"%s\" of option \"--%s\" does not exist in table %s", name, option,
                  m->table->qualified);
    else
        log_error("%s: field \"%s\" of option \"--%s\" does not exist", m->source->file->name, name,
                  option);
    if (nearest != NULL)
        log_hint("Perhaps you meant \"%s\".", nearest);
    free(names);
    return STATUS_USAGE;
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

/* True if values of a field can go into a type. */
static bool
type_takes_field(const column_type *type, const row_source *source, int index)
{
    cs_value_kind kind = source->fields[index].kind;

    if (kind == CS_VALUE_NESTED)
        return column_type_accepts_nested(
            type, cs_avro_plan_shape(source->plan, (size_t) index).type->type == CS_AVRO_UNION);
    return type->class == TYPE_JSON || column_type_accepts(type, kind);
}

/* Choose how a field's values go into a column; false if they do not. */
static bool
choose_type(load_column *entry, const matching *m, int column, int index)
{
    const PGresult *columns = m->table->columns;
    bool is_array = !PQgetisnull(columns, column, COLUMN_DELIMITER);
    cs_value_kind kind = m->source->fields[index].kind;

    entry->type =
        column_type_find((uint32_t) strtoul(PQgetvalue(columns, column, COLUMN_OID), NULL, 10));
    /* text goes into any type, by the server's own input */
    if (entry->type == NULL ||
        (kind == CS_VALUE_STRING && !type_takes_field(entry->type, m->source, index)))
        entry->type = column_type_other(is_array);
    if (entry->type->oid == TIMESTAMPTZOID && strcmp(entry->name, TIME_COLUMN) == 0 &&
        load_table_is_log(m->table))
        entry->type = column_type_event_time();
    if (!type_takes_field(entry->type, m->source, index))
        return false;
    entry->is_indirect =
        kind == CS_VALUE_NESTED || (entry->type->class == TYPE_JSON && kind != CS_VALUE_STRING);
    entry->delimiter = is_array ? PQgetvalue(columns, column, COLUMN_DELIMITER)[0] : 0;
    entry->plan = m->source->plan;
    return true;
}

/* Refuse a field whose column has another one already. */
static exit_status
refuse_second(const matching *m, const load_column *first, const char *second)
{
    log_error("%s: fields \"%s\" and \"%s\" match the same column of table %s",
              m->source->file->name, m->source->fields[first->field].name, second,
              m->table->qualified);
    return STATUS_REFUSED;
}

/* Have a field go to a column. */
static exit_status
add_entry(matching *m, int column, int index)
{
    load_mapping *mapping = m->mapping;
    const row_field *field = &m->source->fields[index];
    load_column entry = {.name = column_name(m->table, column),
                         .field = index,
                         .not_null = column_is(m->table, column, COLUMN_NOT_NULL)};
    cs_error err;

    for (size_t i = 0; i < mapping->count; i++)
        if (mapping->columns[i].name == entry.name)
            return refuse_second(m, &mapping->columns[i], field->name);
    if (!choose_type(&entry, m, column, index))
        return refuse_type(m->table, m->source, column, field);
    if (cs_grow_array(loader_env(), (void **) &mapping->columns, &m->capacity, mapping->count + 1,
                      sizeof(load_column), &err) != CS_OK)
        return log_out_of_memory();
    mapping->columns[mapping->count++] = entry;
    if (entry.type->oid == 0 && mapping->form == COPY_BINARY)
    {
        mapping->form = COPY_TEXT;
        mapping->text_column = column;
    }
    if (strcmp(entry.name, USER_COLUMN) == 0)
        mapping->user_field = index;
    return STATUS_OK;
}

/* Match one field by its name. */
static exit_status
match_field(matching *m, int index)
{
    const char *name = m->source->fields[index].name;
    int column = find_column(m->table, name);

    if (m->listed != NULL && (column == NO_COLUMN || (column >= 0 && !m->listed[column])))
        return STATUS_OK;
    if (column == NO_COLUMN)
        return refuse_field(m->table, m->source, name, "matches no column");
    if (column == SEVERAL_COLUMNS)
        return refuse_field(m->table, m->source, name, "matches several columns");
    if (!column_is(m->table, column, COLUMN_GENERATED))
        return add_entry(m, column, index);
    if (m->listed != NULL)
        return refuse_field(m->table, m->source, name, "matches a generated column");
    if (!m->request->quiet)
        log_warning("%s: field \"%s\" is left out: the column is generated", m->source->file->name,
                    name);
    return STATUS_OK;
}

/* The "=" of an argument of --map; NULL, reported, if it is not of that form. */
static const char *
find_equals(const char *argument)
{
    const char *equals = strchr(argument, '=');

    if (equals != NULL && equals > argument && equals[1] != '\0')
        return equals;
    log_error("invalid argument \"%s\" of option \"--map\": not of the form FIELD=COLUMN",
              argument);
    return NULL;
}

/* True if an argument of --map is about a field. */
static bool
maps_field(const char *argument, const char *field)
{
    size_t len = strlen(field);

    return strncmp(argument, field, len) == 0 && argument[len] == '=';
}

/* Match what an argument of --map names. */
static exit_status
match_mapped(matching *m, const char *argument)
{
    const char *equals = find_equals(argument);
    size_t index = 0;
    int column;

    if (equals == NULL)
        return STATUS_USAGE;
    column = find_column(m->table, equals + 1);
    if (column < 0)
        return report_name(m, equals + 1, "map", true);
    if (m->listed != NULL && !m->listed[column])
    {
        log_error("column \"%s\" of option \"--map\" is not among those of \"--columns\"",
                  equals + 1);
        return STATUS_USAGE;
    }
    while (index < m->source->num_fields && !maps_field(argument, m->source->fields[index].name))
        index++;
    if (index == m->source->num_fields)
    {
        char name[256];

        snprintf(name, sizeof(name), "%.*s", (int) (equals - argument), argument);
        return report_name(m, name, "map", false);
    }
    if (column_is(m->table, column, COLUMN_GENERATED))
        return refuse_field(m->table, m->source, m->source->fields[index].name,
                            "is mapped to a generated column");
    return add_entry(m, column, (int) index);
}

/* True if an argument of --map is about this field. */
static bool
is_mapped(const mapping_request *request, const char *field)
{
    for (int i = 0; i < request->map.count; i++)
        if (maps_field(request->map.items[i], field))
            return true;
    return false;
}

/* Mark a column of --columns. */
static exit_status
list_column(matching *m, const char *name)
{
    int column = find_column(m->table, name);

    if (column < 0)
        return report_name(m, name, "columns", true);
    if (m->listed[column])
    {
        log_error("column \"%s\" is listed twice", name);
        return STATUS_USAGE;
    }
    m->listed[column] = true;
    return STATUS_OK;
}

/* Mark the columns of --columns. */
static exit_status
list_columns(matching *m)
{
    char *list = strdup(m->request->columns);
    char *rest = list;
    exit_status status = STATUS_OK;
    char *name;

    m->listed = calloc((size_t) PQntuples(m->table->columns) + 1, sizeof(bool));
    if (list == NULL || m->listed == NULL)
        status = log_out_of_memory();
    while (status == STATUS_OK && (name = strsep(&rest, ",")) != NULL)
        status = list_column(m, name);
    free(list);
    return status;
}

/* The mapping's entry of a column; NULL if there is none. */
static const load_column *
find_entry(const load_mapping *mapping, const char *name)
{
    for (size_t i = 0; i < mapping->count; i++)
        if (mapping->columns[i].name == name)
            return &mapping->columns[i];
    return NULL;
}

/* The column that the load's id goes to, -1 if there is none. */
static int
find_load_id(const load_table *table)
{
    int column = find_column(table, LOAD_ID_COLUMN);

    if (column < 0 || column_is(table, column, COLUMN_GENERATED) ||
        strtoul(PQgetvalue(table->columns, column, COLUMN_OID), NULL, 10) != INT8OID)
        return -1;
    return column;
}

bool
load_table_knows_loads(const load_table *table)
{
    return find_load_id(table) >= 0;
}

/* Have the load's id filled in, if the table has a column for it and the file does not. */
static exit_status
add_load_id(matching *m)
{
    const load_table *table = m->table;
    load_mapping *mapping = m->mapping;
    int column = find_load_id(table);
    cs_error err;

    if (column < 0)
        return STATUS_OK;
    if (find_entry(mapping, column_name(table, column)) != NULL)
        return refuse_field(table, m->source, column_name(table, column),
                            "is filled in by the load, as the column");
    if (cs_grow_array(loader_env(), (void **) &mapping->columns, &m->capacity, mapping->count + 1,
                      sizeof(load_column), &err) != CS_OK)
        return log_out_of_memory();
    mapping->columns[mapping->count++] = (load_column){.name = column_name(table, column),
                                                       .type = column_type_find(INT8OID),
                                                       .field = (int) m->source->num_fields};
    mapping->add_load_id = true;
    mapping->num_values++;
    return STATUS_OK;
}

/* Check that each column of --columns has a field, and that there is something to load. */
static exit_status
check_listed(const matching *m)
{
    for (int i = 0; m->listed != NULL && i < PQntuples(m->table->columns); i++)
        if (m->listed[i] && find_entry(m->mapping, column_name(m->table, i)) == NULL)
        {
            log_error("%s: no field goes to column \"%s\"", m->source->file->name,
                      column_name(m->table, i));
            log_hint("Leave it out of \"--columns\", or name its field: \"--map FIELD=%s\".",
                     column_name(m->table, i));
            return STATUS_REFUSED;
        }
    if (m->mapping->count > 0)
        return STATUS_OK;
    log_error("%s: no field goes to a column of table %s", m->source->file->name,
              m->table->qualified);
    return STATUS_REFUSED;
}

/* Match all fields. */
static exit_status
match_fields(matching *m)
{
    const mapping_request *request = m->request;

    if (request->columns != NULL)
        STATUS_TRY(list_columns(m));
    for (int i = 0; i < request->map.count; i++)
        STATUS_TRY(match_mapped(m, request->map.items[i]));
    for (size_t i = 0; i < m->source->num_fields; i++)
        if (!is_mapped(request, m->source->fields[i].name))
            STATUS_TRY(match_field(m, (int) i));
    STATUS_TRY(add_load_id(m));
    return check_listed(m);
}

/* True if a field goes to a column. */
static bool
goes_somewhere(const load_mapping *mapping, int field)
{
    for (size_t i = 0; i < mapping->count; i++)
        if (mapping->columns[i].field == field)
            return true;
    return false;
}

/* Say which field goes where, and how, with --verbose. */
static void
describe(const load_mapping *mapping, const load_table *table, const row_source *source)
{
    for (size_t i = 0; i < mapping->count && log_is_verbose(); i++)
    {
        const load_column *entry = &mapping->columns[i];

        if (entry->field < (int) source->num_fields)
            log_verbose("%s: field \"%s\" (%s) goes to column \"%s\" (%s)", source->file->name,
                        source->fields[entry->field].name,
                        value_kind_name(source->fields[entry->field].kind), entry->name,
                        PQgetvalue(table->columns, find_column(table, entry->name), COLUMN_TYPE));
    }
    if (mapping->form == COPY_TEXT)
        log_verbose("%s: rows are sent as text, for column \"%s\" of type %s", source->file->name,
                    column_name(table, mapping->text_column),
                    PQgetvalue(table->columns, mapping->text_column, COLUMN_TYPE));
}

exit_status
load_mapping_make(load_mapping *mapping, const load_table *table, row_source *source,
                  const mapping_request *request)
{
    matching m = {.mapping = mapping, .table = table, .source = source, .request = request};
    exit_status status;

    *mapping =
        (load_mapping){.num_values = source->num_fields, .user_field = -1, .text_column = -1};
    status = match_fields(&m);
    free(m.listed);
    STATUS_TRY(status);
    for (size_t i = 0; source->unwanted != NULL && i < source->num_fields; i++)
    {
        source->unwanted[i] = !goes_somewhere(mapping, (int) i);
        source->leaves_out = source->leaves_out || source->unwanted[i];
    }
    if (!request->quiet)
        describe(mapping, table, source);
    return STATUS_OK;
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
    done = done &&
           cs_buffer_printf(&sql, &err, ") FROM STDIN (FORMAT %s)",
                            mapping->form == COPY_TEXT ? "text" : "binary") == CS_OK &&
           cs_buffer_append(&sql, "", 1, &err) == CS_OK;
    if (done)
        return (char *) sql.data;
    cs_buffer_free(&sql);
    return NULL;
}
