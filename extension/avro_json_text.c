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
    json_t *tree;
    cs_code code = cs_json_parse(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, &tree, err);

    if (code == CS_ERR_DATA)
        return cs_fail_within(err, CS_ERR_RANGE, "it cannot be read as JSON");
    if (code != CS_OK)
        return code;
    code = cs_avro_encode_json(type, tree, CS_JSON_PLAIN, buffer, err);
    json_decref(tree);
    return code;
}
