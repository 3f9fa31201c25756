/*
 * extension/avro_json_text.c
 *     JSON text to Avro, by way of jansson.
 */
#include "avro_json_text.h"

#include <jansson.h>

#include "avro_json.h"

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
