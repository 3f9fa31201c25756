/*
 * loader/meta_time.c
 *     Times in the metadata of Avro files.
 */
#include "meta_time.h"

#include "avro_value.h"

#include <errno.h>
#include <stdlib.h>

/* Take a number of the column's unit for an instant; false if it cannot be one. */
static bool
read_time(const char *text, cs_avro_logical unit, cs_time *time)
{
    char *end;
    int64_t value;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        return false;
    if (unit == CS_LOGICAL_TIMESTAMP_NANOS)
        value = value / 1000 - (value % 1000 < 0);
    else if (unit == CS_LOGICAL_TIMESTAMP_MILLIS &&
             __builtin_mul_overflow(value, CS_MILLISECOND, &value))
        return false;
    else if (unit != CS_LOGICAL_TIMESTAMP_MILLIS && unit != CS_LOGICAL_TIMESTAMP_MICROS)
        return false;
    return !__builtin_sub_overflow(value, CS_UNIX_OFFSET, time) && cs_time_valid(*time);
}

bool
meta_time_find(const cs_avro_reader *reader, const char *key, cs_time *time)
{
    const cs_avro_schema *schema = cs_avro_reader_schema(reader);
    const char *text = cs_avro_reader_meta_text(reader, key);
    int column = cs_avro_schema_find(schema, TIME_COLUMN);
    const cs_avro_node *type = NULL;

    if (text != NULL && column >= 0)
        type = cs_avro_shape_of(schema->fields[column].type).type;
    return type != NULL && read_time(text, type->logical, time);
}
