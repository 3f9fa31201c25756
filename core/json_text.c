/*
 * core/json_text.c
 *     JSON as text and as jansson's trees.
 */
#include "json_text.h"

#include <jansson.h>
#include <math.h>

cs_code
cs_fail_json_memory(cs_error *err)
{
    return cs_fail(err, CS_ERR_MEMORY, "out of memory: no JSON value");
}

cs_code
cs_json_parse(cs_slice text, size_t flags, json_t **json, cs_error *err)
{
    json_error_t reason;

    *json = json_loadb(text.data, text.len, flags, &reason);
    if (*json != NULL)
        return CS_OK;
    /* Some failures to get memory come without a word. */
    if (reason.text[0] == '\0' || json_error_code(&reason) == json_error_out_of_memory)
        return cs_fail_json_memory(err);
    return cs_fail(err, CS_ERR_DATA, "%s at line %d, column %d", reason.text, reason.line,
                   reason.column);
}

/* For json_dump_callback: append to a buffer. */
static int
append_text(const char *text, size_t len, void *buffer)
{
    cs_error ignored;

    return cs_buffer_append(buffer, text, len, &ignored) == CS_OK ? 0 : -1;
}

cs_code
cs_json_text(const json_t *json, cs_buffer *text, cs_error *err)
{
    if (json_dump_callback(json, append_text, text, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        return cs_fail(err, CS_ERR_MEMORY, "out of memory: no JSON text");
    return CS_OK;
}

json_t *
cs_json_real(double value)
{
    if (isfinite(value))
        return json_real(value);
    return json_string(isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
}
