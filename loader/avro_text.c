/*
 * loader/avro_text.c
 *     Avro records as JSON.
 */
#include "avro_text.h"

#include "json_text.h"

/* One value; text that is not UTF-8 as well as it can be shown. */
static cs_code
field_json(const cs_avro_plan *plan, const cs_value *value, json_t **json, bool *exact,
           cs_error *err)
{
    bool valid;
    cs_code code;

    if (value->kind == CS_VALUE_STRING)
    {
        *json = json_text(value->as.bytes, &valid);
        *exact = *exact && valid;
        return CS_OK;
    }
    code = cs_avro_value_json_nul(plan, value, json, err);
    if (code != CS_ERR_RANGE)
        return code;
    *json = json_null(); /* what is refused inside a nested value is among the record's bytes */
    *exact = false;
    return CS_OK;
}

cs_code
avro_record_text(const cs_avro_schema *schema, const cs_avro_plan *plan, const cs_value *values,
                 cs_buffer *text, bool *exact, cs_error *err)
{
    json_t *object = json_object();
    cs_code code = CS_OK;

    *exact = true;
    for (size_t i = 0; i < schema->num_fields && code == CS_OK; i++)
    {
        json_t *json;

        code = field_json(plan, &values[i], &json, exact, err);
        if (code == CS_OK && json_object_set_new(object, schema->fields[i].name, json) != 0)
            code = cs_fail(err, CS_ERR_MEMORY, "out of memory: no JSON value");
    }
    if (code == CS_OK)
        return json_append(text, object, err);
    json_decref(object);
    return code;
}
