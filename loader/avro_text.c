/*
 * loader/avro_text.c
 *     Avro records as JSON.
 */
#include "avro_text.h"

#include "json_text.h"

#include <math.h>

/* A number; JSON has none for infinities and NaN. */
static json_t *
real_value(double value)
{
    if (isfinite(value))
        return json_real(value);
    return json_string(isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
}

/* An instant, as text in UTC. */
static json_t *
time_value(cs_time time)
{
    char text[CS_TIME_TEXT_SIZE];

    cs_time_format(time, text);
    return json_string(text);
}

/* One value. */
static json_t *
field_value(const cs_value *value, bool *exact)
{
    json_t *string;
    bool valid;

    switch (value->kind)
    {
        case CS_VALUE_NULL:
            return json_null();
        case CS_VALUE_BOOL:
            return json_boolean(value->as.boolean);
        case CS_VALUE_INTEGER:
            return json_integer(value->as.integer);
        case CS_VALUE_FLOAT:
            return real_value(value->as.real);
        case CS_VALUE_DOUBLE:
            return real_value(value->as.dbl);
        case CS_VALUE_BYTES:
            return json_base64(value->as.bytes);
        case CS_VALUE_STRING:
            string = json_text(value->as.bytes, &valid);
            *exact = *exact && valid;
            return string;
        case CS_VALUE_TIME:
            return time_value(value->as.time);
    }
    return NULL;
}

cs_code
avro_record_text(const cs_avro_schema *schema, const cs_value *values, cs_buffer *text, bool *exact,
                 cs_error *err)
{
    json_t *object = json_object();
    int failed = 0;

    *exact = true;
    for (size_t i = 0; i < schema->num_fields; i++)
        failed |=
            json_object_set_new(object, schema->fields[i].name, field_value(&values[i], exact));
    if (failed != 0)
    {
        json_decref(object);
        object = NULL;
    }
    return json_append(text, object, err);
}
