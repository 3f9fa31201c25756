/*
 * extension/avro_text.c
 *     Avro values to and from JSON text, by way of jansson.
 */
#include "avro_json.h"

#include "avro_text.h"

cs_code
avro_scalar_text(const cs_avro_plan *plan, const cs_value *value, char text[AVRO_TEXT_SIZE],
                 cs_error *err)
{
    json_t *json;
    size_t len;

    CS_TRY(cs_avro_value_json(plan, value, &json, err));
    len = json_string_length(json);
    if (len >= AVRO_TEXT_SIZE)
        len = AVRO_TEXT_SIZE - 1;
    if (len > 0)
        memcpy(text, json_string_value(json), len);
    text[len] = '\0';
    json_decref(json);
    return CS_OK;
}

cs_code
avro_encode_json_text(const cs_avro_node *type, cs_slice json, cs_buffer *buffer, cs_error *err)
{
    json_error_t json_err;
    json_t *tree = json_loadb(json.data, json.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &json_err);
    cs_code code;

    if (tree == NULL)
        return cs_fail(err, CS_ERR_RANGE, "cannot be read as JSON: %s", json_err.text);
    code = cs_avro_encode_json(type, tree, CS_JSON_PLAIN, buffer, err);
    json_decref(tree);
    return code;
}
