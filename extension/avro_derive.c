/*
 * extension/avro_derive.c
 *     The Avro schema of files that INSERT makes, from a table's columns.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "avro_derive.h"
#include "compat.h"

/* What a numeric's typmod says: numeric(precision, scale). */
#define TYPMOD_PRECISION(typmod) (((typmod) - (int32) VARHDRSZ) >> 16 & 0xffff)
#define TYPMOD_SCALE(typmod) (((((typmod) - (int32) VARHDRSZ) & 0x7ff) ^ 1024) - 1024)

/* A type with a fixed spelling. */
static const struct
{
    Oid type;
    const char *json;
} type_spellings[] = {
    {BOOLOID, "\"boolean\""},
    {INT2OID, "\"int\""},
    {INT4OID, "\"int\""},
    {INT8OID, "\"long\""},
    {FLOAT4OID, "\"float\""},
    {FLOAT8OID, "\"double\""},
    {BYTEAOID, "\"bytes\""},
    {DATEOID, "{\"type\": \"int\", \"logicalType\": \"date\"}"},
    {TIMEOID, "{\"type\": \"long\", \"logicalType\": \"time-micros\"}"},
    {TIMESTAMPTZOID, "{\"type\": \"long\", \"logicalType\": \"timestamp-micros\"}"},
    {TIMESTAMPOID, "{\"type\": \"long\", \"logicalType\": \"local-timestamp-micros\"}"},
    {UUIDOID, "{\"type\": \"string\", \"logicalType\": \"uuid\"}"},
};

/* The name of the record: the table's, with '_' for what a name cannot have. */
static char *
record_name(const char *table)
{
    char *name = psprintf("%s%s", table[0] >= '0' && table[0] <= '9' ? "_" : "", table);

    for (char *at = name; *at != '\0'; at++)
        if ((*at < '0' || *at > '9') && !cs_avro_is_name((cs_slice){at, 1}))
            *at = '_';
    return name;
}

/* Append decimal: a scale below zero has its digits before the point. */
static void
append_decimal(StringInfo json, const AvroColumn *column, int32 typmod)
{
    int precision, scale;

    if (typmod < (int32) VARHDRSZ)
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("column \"%s\" of type numeric cannot be written to an Avro file",
                        column->name),
                 errhint("Declare it as numeric(precision, scale): Avro's decimal has both.")));
    precision = TYPMOD_PRECISION(typmod);
    scale = TYPMOD_SCALE(typmod);
    if (scale < 0)
    {
        precision -= scale;
        scale = 0;
    }
    appendStringInfo(json,
                     "{\"type\": \"bytes\", \"logicalType\": \"decimal\", \"precision\": %d, "
                     "\"scale\": %d}",
                     Max(precision, scale), scale);
}

/* Append the type of scalars; what Avro has nothing for is text. */
static void
append_scalar(StringInfo json, const AvroColumn *column, const char *record, Oid type, int32 typmod)
{
    for (int i = 0; i < lengthof(type_spellings); i++)
        if (type_spellings[i].type == type)
        {
            appendStringInfoString(json, type_spellings[i].json);
            return;
        }
    if (type == NUMERICOID)
        append_decimal(json, column, typmod);
    else if (type == INTERVALOID)
        appendStringInfo(json,
                         "{\"type\": \"fixed\", \"name\": \"%s_%s_duration\", \"size\": 12, "
                         "\"logicalType\": \"duration\"}",
                         record, avro_column_field(column));
    else
        appendStringInfoString(json, "\"string\"");
}

/* Append the type of a column. */
static void
append_type(StringInfo json, const AvroColumn *column, const char *record)
{
    int32 typmod = column->typmod;
    Oid type = getBaseTypeAndTypmod(column->type, &typmod);
    Oid item = get_element_type(type);

    if (item != InvalidOid)
    {
        item = getBaseTypeAndTypmod(item, &typmod);
        appendStringInfoString(json, "{\"type\": \"array\", \"items\": [\"null\", ");
        append_scalar(json, column, record, item, typmod);
        appendStringInfoString(json, "]}");
    }
    else
        append_scalar(json, column, record, type, typmod);
}

/* Append the field of a column. */
static void
append_field(StringInfo json, const AvroColumn *column, const char *record, bool not_null)
{
    const char *field = avro_column_field(column);

    if (!cs_avro_is_name(cs_slice_of(field)))
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_NAME),
                 errmsg("column \"%s\" cannot be written to an Avro file: \"%s\" is not a name "
                        "for a field",
                        column->name, field),
                 errdetail("A name has letters without accents, digits and \"_\", and does not "
                           "begin with a digit."),
                 errhint("Give the column the option \"field\".")));
    appendStringInfo(json, "{\"name\": \"%s\", \"type\": ", field);
    if (!not_null)
        appendStringInfoString(json, "[\"null\", ");
    append_type(json, column, record);
    appendStringInfoString(json, not_null ? "}" : "], \"default\": null}");
}

char *
avro_derive_schema(Relation relation, const AvroColumn *columns, int num_columns)
{
    TupleDesc tuple_desc = RelationGetDescr(relation);
    const char *record = record_name(RelationGetRelationName(relation));
    const char *comma = "";
    StringInfoData json;

    initStringInfo(&json);
    appendStringInfo(&json, "{\"type\": \"record\", \"name\": \"%s\", \"fields\": [", record);
    for (int i = 0; i < num_columns; i++)
    {
        if (avro_column_is_file(&columns[i]))
            continue;
        appendStringInfoString(&json, comma);
        append_field(&json, &columns[i], record,
                     TupleDescAttr(tuple_desc, columns[i].attnum - 1)->attnotnull);
        comma = ", ";
    }
    appendStringInfoString(&json, "]}");
    return json.data;
}
