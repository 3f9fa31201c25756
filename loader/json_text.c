/*
 * loader/json_text.c
 *     JSON made with jansson.
 */
#include "json_text.h"

#include "stop.h"
#include "utf8.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

json_t *
json_text(cs_slice text, bool *exact)
{
    bool valid = cs_utf8_valid(text.data, text.len);
    cs_buffer repaired;
    json_t *string = NULL;
    cs_error err;

    if (exact != NULL)
        *exact = valid;
    if (valid)
        return json_stringn_nocheck(text.len > 0 ? text.data : "", text.len);
    cs_buffer_init(&repaired, loader_env());
    if (utf8_append_repaired(&repaired, text, true, &err) == CS_OK)
        string = json_stringn_nocheck((const char *) repaired.data, repaired.len);
    cs_buffer_free(&repaired);
    return string;
}

json_t *
json_base64(cs_slice bytes)
{
    unsigned char *text;
    json_t *string;
    int len;

    if (bytes.len > INT_MAX / 2)
        return NULL;
    text = malloc((bytes.len + 2) / 3 * 4 + 1);
    if (text == NULL)
        return NULL;
    len = EVP_EncodeBlock(text, (const unsigned char *) bytes.data, (int) bytes.len);
    string = json_stringn_nocheck((const char *) text, (size_t) len);
    free(text);
    return string;
}

/* What append_dump gets for each piece. */
typedef struct dump_target
{
    cs_buffer *out;
    cs_error *err;
} dump_target;

/* json_dump_callback_t into a buffer. */
static int
append_dump(const char *piece, size_t len, void *data)
{
    dump_target *target = data;

    return cs_buffer_append(target->out, piece, len, target->err) == CS_OK ? 0 : -1;
}

cs_code
json_append(cs_buffer *out, json_t *value, cs_error *err)
{
    dump_target target = {out, err};
    int failed;

    cs_error_clear(err);
    failed = value == NULL ||
             json_dump_callback(value, append_dump, &target, JSON_COMPACT | JSON_ENCODE_ANY) != 0;
    json_decref(value);
    return failed ? cs_fail(err, CS_ERR_MEMORY, "out of memory for JSON") : CS_OK;
}
