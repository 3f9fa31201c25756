/*
 * extension/avro_bind.c
 *     Where each column of an Avro table takes its values from.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "compat.h"

#include "avro_bind.h"
#include "avro_option.h"
#include "nearest_name.h"

/* A file column: its name, its type and its meaning. */
typedef struct FileColumn
{
    const char *name;
    Oid type;
    AvroSource source;
} FileColumn;

static const FileColumn file_columns[] = {
    {AVRO_FILENAME_COLUMN, TEXTOID, AVRO_SOURCE_FILENAME},
    {AVRO_BLOCK_COLUMN, INT8OID, AVRO_SOURCE_BLOCK},
    {AVRO_ROW_COLUMN, INT8OID, AVRO_SOURCE_ROW},
};

/*
 * The index of the field of this name: of exactly this one, else, unless exact,
 * of the only one that differs in case alone; else -1.
 */
static int
find_field(const cs_avro_schema *schema, const char *name, bool exact)
{
    int found = cs_avro_schema_find(schema, name);

    if (found >= 0 || exact)
        return found;
    for (size_t i = 0; i < schema->num_fields; i++)
    {
        if (pg_strcasecmp(schema->fields[i].name, name) != 0)
            continue;
        if (found >= 0)
            return -1;
        found = (int) i;
    }
    return found;
}

const char *
avro_column_field(const AvroColumn *column)
{
    return column->field_option != NULL ? column->field_option : column->name;
}

AvroColumn *
avro_bind_columns(Oid relid, TupleDesc tuple_desc, const Bitmapset *attnums, int *num_columns)
{
    AvroColumn *columns = palloc0_array(AvroColumn, tuple_desc->natts + 1);

    *num_columns = 0;
    for (int i = 0; i < tuple_desc->natts; i++)
    {
        Form_pg_attribute attribute = TupleDescAttr(tuple_desc, i);

        if (attribute->attisdropped || compat_is_virtual(attribute) ||
            !(bms_is_member(0, attnums) || bms_is_member(attribute->attnum, attnums)))
            continue;
        columns[(*num_columns)++] = (AvroColumn){
            .attnum = attribute->attnum,
            .name = pstrdup(NameStr(attribute->attname)),
            .field_option = avro_option_field(relid, attribute->attnum),
            .type = attribute->atttypid,
            .typmod = attribute->atttypmod,
            .collation = attribute->attcollation,
            .field = -1,
        };
    }
    return columns;
}

/* The file column that a column is by its name and type; NULL if it is none. */
static const FileColumn *
find_file_column(const AvroColumn *column)
{
    for (int i = 0; i < lengthof(file_columns); i++)
        if (strcmp(file_columns[i].name, column->name) == 0 && file_columns[i].type == column->type)
            return &file_columns[i];
    return NULL;
}

/* Raise that a column with the name of a file column, and without a field, has another type. */
static void
check_file_column(const AvroColumn *column)
{
    for (int i = 0; i < lengthof(file_columns); i++)
        if (strcmp(file_columns[i].name, column->name) == 0 && file_columns[i].type != column->type)
            ereport(
                ERROR,
                (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
                 errmsg("column \"%s\" must be of type %s, not %s", column->name,
                        format_type_be(file_columns[i].type), format_type_be(column->type)),
                 errdetail("The Avro schema has no field of this name, so the column says where "
                           "a row stands.")));
}

void
avro_field_missing(const cs_avro_schema *schema, const AvroColumn *column)
{
    const char *field = avro_column_field(column);
    NearestName nearest;

    if (column->field_option == NULL)
        check_file_column(column);
    nearest_name_init(&nearest, field);
    for (size_t i = 0; i < schema->num_fields; i++)
        nearest_name_offer(&nearest, schema->fields[i].name);
    ereport(ERROR,
            (errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
             errmsg("column \"%s\" has no field \"%s\" in the Avro schema", column->name, field),
             nearest.match != NULL ? errhint("Perhaps you meant the field \"%s\": the option "
                                             "\"field\" of a column names its field.",
                                             nearest.match)
                                   : errhint("The option \"field\" of a column names its field.")));
}

bool
avro_column_is_file(const AvroColumn *column)
{
    return column->field_option == NULL && find_file_column(column) != NULL;
}

void
avro_columns_bind(AvroColumn *columns, int num_columns, const cs_avro_schema *schema)
{
    for (int i = 0; i < num_columns; i++)
    {
        AvroColumn *column = &columns[i];

        column->source = AVRO_SOURCE_FIELD;
        column->field = find_field(schema, avro_column_field(column), column->field_option != NULL);
        if (column->field < 0 && avro_column_is_file(column))
            column->source = find_file_column(column)->source;
    }
}
