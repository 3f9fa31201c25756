/*
 * extension/avro_insert.c
 *     INSERT and COPY into Avro tables: FDW callbacks.
 *
 * A statement's rows go into a new file of the table's directory, which appears
 * when the transaction commits (avro_output.c); statements of one transaction
 * share it. Rows are encoded one by one: batches were measured, and gain nothing. The
 * schema is the table's option "schema", or made from its columns (avro_derive.c).
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "executor/executor.h"
#include "foreign/fdwapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parsetree.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "avro_derive.h"
#include "avro_encode.h"
#include "avro_file.h"
#include "avro_insert.h"
#include "avro_option.h"
#include "avro_output.h"
#include "avro_store.h"
#include "avro_table.h"
#include "avro_union.h"
#include "compat.h"
#include "core_bridge.h"

#define NO_COLUMN (-1)

/* How one statement writes into one table. */
typedef struct AvroInsert
{
    Relation relation;
    AvroOptions *options;
    AvroOutputSpec spec;
    cs_avro_schema *schema;    /* for encoding; each file has a copy of its own */
    MemoryContext row_context; /* reset after each row */
    cs_env row_env;
    AvroColumn *columns;
    int num_columns;
    AvroStore **stores;     /* by column; NULL for one that is not stored */
    int *field_columns;     /* by field: the index of its column, or NO_COLUMN */
    int time_column;        /* the column of the field "timestamp", or NO_COLUMN */
    AvroOutput *output;     /* NULL before the first row */
    SubTransactionId level; /* that output belongs to */
} AvroInsert;

int
avroIsForeignRelUpdatable(Relation relation)
{
    AvroOptions *options = avro_options_get(RelationGetRelid(relation));

    return avro_filename_kind(options->filename) == AVRO_FILENAME_FILE ? 0 : 1 << CMD_INSERT;
}

/* Say early, and why, that a table takes no new file: the server would say only the former. */
List *
avroPlanForeignModify(PlannerInfo *root, ModifyTable *plan, Index result_relation,
                      int subplan_index)
{
    RangeTblEntry *entry = planner_rt_fetch(result_relation, root);
    char *directory, *name;

    if (plan->operation == CMD_INSERT)
        avro_output_name(avro_options_get(entry->relid)->filename, &directory, &name);
    return NIL;
}

/* Raise unless the user whose permissions count may write files. */
static void
check_may_write(Oid user)
{
    if (!OidIsValid(user))
        user = GetUserId();
    if (!has_privs_of_role(user, ROLE_PG_WRITE_SERVER_FILES))
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("permission denied to write Avro files on the server"),
                        errdetail("Only roles with privileges of the \"%s\" role may insert into "
                                  "an Avro table.",
                                  "pg_write_server_files")));
}

/* Raise that directories "name=value" are not written. */
pg_noreturn static void
refuse_keys(const AvroInsert *insert, const char *path, const char *key)
{
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("cannot insert into Avro table \"%s\": its rows lie in directories \"%s=...\"",
                    RelationGetRelationName(insert->relation), key),
             errdetail("The path is \"%s\".", path),
             errhint("Insert into a table over one of these directories that has no column "
                     "\"%s\".",
                     key)));
}

/* True if the table has a column of this name. */
static bool
has_column(const AvroInsert *insert, const char *name)
{
    for (int i = 0; i < insert->num_columns; i++)
        if (strcmp(insert->columns[i].name, name) == 0)
            return true;
    return false;
}

/*
 * Refuse a table some of whose rows take columns from the directories of their
 * files: a new file would have to be put into the right one.
 */
static void
check_no_keys(const AvroInsert *insert)
{
    AvroPath own = {psprintf("%s/", insert->options->filename)};
    AvroPaths *paths = avro_paths_or_none(insert->options->filename);

    avro_path_parse_keys(&own);
    for (int i = 0; i < own.num_keys; i++)
        if (has_column(insert, own.keys[i].name))
            refuse_keys(insert, insert->options->filename, own.keys[i].name);
    for (int i = 0; i < paths->count; i++)
    {
        const AvroPath *path = &paths->items[i];
        const char *value;

        for (int k = 0; k < path->num_keys; k++)
            if (!avro_path_key(&own, path->keys[k].name, &value))
                refuse_keys(insert, path->path, path->keys[k].name);
    }
}

/* Take the schema: the option's, or one made from the columns. */
static void
find_schema(AvroInsert *insert)
{
    const char *json = insert->options->schema;

    if (json == NULL)
        json = avro_derive_schema(insert->relation, insert->columns, insert->num_columns);
    else
        json = pg_server_to_any(json, (int) strlen(json), PG_UTF8);
    insert->schema = avro_parse_schema(json, strlen(json), NULL);
    insert->spec.schema = json;
}

/* Prepare to store each column in its field. */
static void
bind_columns(AvroInsert *insert)
{
    cs_avro_schema *schema = insert->schema;

    avro_columns_bind(insert->columns, insert->num_columns, schema);
    insert->stores = palloc0_array(AvroStore *, insert->num_columns + 1);
    for (int i = 0; i < insert->num_columns; i++)
    {
        AvroColumn *column = &insert->columns[i];

        if (column->field < 0 && !avro_column_is_file(column))
            avro_field_missing(schema, column);
        if (column->field < 0)
            continue;
        if (insert->field_columns[column->field] != NO_COLUMN)
            ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
                            errmsg("columns \"%s\" and \"%s\" are the same Avro field",
                                   insert->columns[insert->field_columns[column->field]].name,
                                   column->name)));
        insert->field_columns[column->field] = i;
        insert->stores[i] = avro_store_make(column->name, column->type,
                                            schema->fields[column->field].type, &insert->row_env);
        if (strcmp(schema->fields[column->field].name, AVRO_TIME_FIELD) == 0 &&
            avro_store_is_time(insert->stores[i]))
            insert->time_column = i;
    }
}

/* Refuse a schema with a field that nothing can be written to. */
static void
check_fields(const AvroInsert *insert)
{
    for (size_t i = 0; i < insert->schema->num_fields; i++)
    {
        const cs_avro_field *field = &insert->schema->fields[i];

        if (insert->field_columns[i] == NO_COLUMN && !field->has_default &&
            !cs_avro_shape_of(field->type).nullable)
            ereport(ERROR, (errcode(ERRCODE_FDW_INCONSISTENT_DESCRIPTOR_INFORMATION),
                            errmsg("Avro field \"%s\" has no column, no default and cannot be null",
                                   avro_server_text(field->name, strlen(field->name)))));
    }
}

/* Make the state of a statement that inserts. */
static AvroInsert *
make_insert(Relation relation, MemoryContext context)
{
    MemoryContext caller = MemoryContextSwitchTo(context);
    AvroInsert *insert = palloc0_object(AvroInsert);
    cs_avro_codec codec = CS_CODEC_SNAPPY;

    insert->relation = relation;
    insert->options = avro_options_get(RelationGetRelid(relation));
    insert->row_context = AllocSetContextCreate(context, "Avro insert row", ALLOCSET_DEFAULT_SIZES);
    insert->row_env = bridge_env(insert->row_context);
    insert->time_column = NO_COLUMN;
    if (insert->options->codec != NULL &&
        !cs_avro_codec_find(cs_slice_of(insert->options->codec), &codec))
        elog(ERROR, "unknown codec \"%s\"", insert->options->codec);
    insert->spec.relid = RelationGetRelid(relation);
    insert->spec.filename = insert->options->filename;
    insert->spec.codec = codec;
    insert->columns = avro_bind_columns(RelationGetRelid(relation), RelationGetDescr(relation),
                                        bms_make_singleton(0), &insert->num_columns);
    find_schema(insert);
    insert->field_columns = palloc_array(int, insert->schema->num_fields + 1);
    for (size_t i = 0; i < insert->schema->num_fields; i++)
        insert->field_columns[i] = NO_COLUMN;
    bind_columns(insert);
    check_fields(insert);
    MemoryContextSwitchTo(caller);
    return insert;
}

void
avroBeginForeignInsert(ModifyTableState *state, ResultRelInfo *info)
{
    EState *estate = state->ps.state;

    check_may_write(compat_check_as_user(info, estate));
    info->ri_FdwState = make_insert(info->ri_RelationDesc, estate->es_query_cxt);
}

void
avroBeginForeignModify(ModifyTableState *state, ResultRelInfo *info, List *fdw_private,
                       int subplan_index, int eflags)
{
    if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
        avroBeginForeignInsert(state, info);
}

/* Append one record. */
static void
append_record(AvroInsert *insert, const TupleTableSlot *slot, cs_buffer *buffer)
{
    const cs_avro_schema *schema = insert->schema;
    cs_error err;

    cs_error_clear(&err);
    for (size_t i = 0; i < schema->num_fields; i++)
    {
        const cs_avro_field *field = &schema->fields[i];
        int c = insert->field_columns[i];
        cs_value null = {.kind = CS_VALUE_NULL};

        if (c != NO_COLUMN)
        {
            int a = insert->columns[c].attnum - 1;

            avro_store_append(insert->stores[c], slot->tts_values[a], slot->tts_isnull[a], buffer);
        }
        else if (field->has_default)
            bridge_check(
                cs_buffer_append(buffer, field->default_bytes.data, field->default_bytes.len, &err),
                &err);
        else
            bridge_check(cs_avro_encode_value(field->type, &null, buffer, &err), &err);
    }
}

/* Refuse values for the columns that say where a row stands, and NULL where it is declared out. */
static void
check_row(const AvroInsert *insert, const TupleTableSlot *slot)
{
    TupleDesc tuple_desc = RelationGetDescr(insert->relation);

    for (int i = 0; i < insert->num_columns; i++)
    {
        const AvroColumn *column = &insert->columns[i];
        bool is_null = slot->tts_isnull[column->attnum - 1];

        if (insert->stores[i] == NULL && !is_null)
            ereport(ERROR,
                    (errcode(ERRCODE_GENERATED_ALWAYS),
                     errmsg("column \"%s\" of an Avro table cannot be written", column->name),
                     errdetail("It says where in the files a row stands.")));
        if (is_null && TupleDescAttr(tuple_desc, column->attnum - 1)->attnotnull)
            ereport(ERROR,
                    (errcode(ERRCODE_NOT_NULL_VIOLATION),
                     errmsg("null value in column \"%s\" of relation \"%s\" violates not-null "
                            "constraint",
                            column->name, RelationGetRelationName(insert->relation)),
                     errtablecol(insert->relation, column->attnum)));
    }
}

/* The file that rows go to now. */
static AvroOutput *
current_output(AvroInsert *insert)
{
    if (insert->output == NULL || insert->level != GetCurrentSubTransactionId())
    {
        insert->output = avro_output_find(&insert->spec);
        if (insert->output == NULL)
        {
            check_no_keys(insert);
            insert->output = avro_output_make(&insert->spec);
        }
        insert->level = GetCurrentSubTransactionId();
    }
    return insert->output;
}

/* Add one row. */
static void
add_row(AvroInsert *insert, TupleTableSlot *slot)
{
    AvroOutput *output = current_output(insert);
    cs_buffer *buffer = avro_output_buffer(output);
    size_t before = buffer->len;
    const cs_time *time = NULL;
    cs_time instant;

    slot_getallattrs(slot);
    check_row(insert, slot);
    append_record(insert, slot, buffer);
    if (buffer->len - before > insert->options->limits.max_block_bytes)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("row of %zu bytes is over the limit of %zu bytes for a block",
                               buffer->len - before, insert->options->limits.max_block_bytes),
                        errhint("Option \"max_block_size\" of the table raises the limit, also for "
                                "reading.")));
    if (insert->time_column != NO_COLUMN)
    {
        int a = insert->columns[insert->time_column].attnum - 1;

        instant = (cs_time) DatumGetInt64(slot->tts_values[a]);
        time = slot->tts_isnull[a] ? NULL : &instant;
    }
    avro_output_add(output, time);
}

TupleTableSlot *
avroExecForeignInsert(EState *estate, ResultRelInfo *info, TupleTableSlot *slot,
                      TupleTableSlot *plan_slot)
{
    AvroInsert *insert = info->ri_FdwState;
    MemoryContext caller = MemoryContextSwitchTo(insert->row_context);

    add_row(insert, slot);
    MemoryContextSwitchTo(caller);
    MemoryContextReset(insert->row_context);
    return slot;
}

/* The file is the transaction's: there is nothing to end. */
void
avroEndForeignModify(EState *estate, ResultRelInfo *info)
{
}

void
avroEndForeignInsert(EState *estate, ResultRelInfo *info)
{
}
