/*
 * loader/line_json.c
 *     Reading JSON lines with yajl.
 *
 * Numbers are never converted: a user's number keeps its exact text, and one that is
 * beyond all types in a key that nobody asks for is no reason to refuse a line. One
 * parser reads line after line, and is replaced after an error.
 */
#include "line_json.h"

#include "line_format.h"

#include <stdlib.h>
#include <yajl/yajl_parse.h>

/* What was found under a key. */
typedef enum json_kind
{
    JSON_ABSENT,
    JSON_TEXT,
    JSON_NUMBER,
    JSON_NULL,
    JSON_OTHER /* true, false, an array, an object */
} json_kind;

typedef struct json_value
{
    json_kind kind;
    cs_slice text; /* of text and numbers: in room */
} json_value;

struct line_json
{
    const cs_slice *keys;
    char *room;
    yajl_handle parser; /* NULL after an error */

    /* Of the line being read */
    size_t used;   /* of room */
    int depth;     /* of objects and arrays that are open */
    bool had_one;  /* object at the top */
    bool is_other; /* the line is something else than one object */
    int field;     /* whose value comes next; -1 if it is none of ours */
    int repeated;  /* a field whose key was there twice; -1 if there is none */
    json_value values[LINE_JSON_FIELDS];
};

/* Note a value, of which text is kept. False if it is no part of an object: yajl stops. */
static int
take_value(line_json *json, json_kind kind, const char *text, size_t len)
{
    json_value *value;

    json->is_other |= json->depth == 0;
    if (json->depth != 1 || json->field < 0)
        return !json->is_other;
    value = &json->values[json->field];
    if (value->kind != JSON_ABSENT)
        json->repeated = json->field;
    value->kind = kind;
    if (text != NULL && json->repeated < 0) /* twice might be more than the room holds */
    {
        value->text = (cs_slice){json->room + json->used, len};
        memcpy(json->room + json->used, text, len);
        json->used += len;
    }
    json->field = -1;
    return 1;
}

/* yajl_null */
static int
on_null(void *ctx)
{
    return take_value(ctx, JSON_NULL, NULL, 0);
}

/* yajl_boolean */
static int
on_boolean(void *ctx, int value)
{
    (void) value;
    return take_value(ctx, JSON_OTHER, NULL, 0);
}

/* yajl_number */
static int
on_number(void *ctx, const char *text, size_t len)
{
    return take_value(ctx, JSON_NUMBER, text, len);
}

/* yajl_string */
static int
on_string(void *ctx, const unsigned char *text, size_t len)
{
    return take_value(ctx, JSON_TEXT, (const char *) text, len);
}

/* yajl_start_map */
static int
on_start_map(void *ctx)
{
    line_json *json = ctx;

    if (json->depth > 0)
        take_value(json, JSON_OTHER, NULL, 0);
    else if (json->had_one)
        json->is_other = true;
    json->had_one = true;
    json->depth++;
    return !json->is_other;
}

/* yajl_map_key */
static int
on_key(void *ctx, const unsigned char *key, size_t len)
{
    line_json *json = ctx;

    json->field = -1;
    for (int i = 0; i < LINE_JSON_FIELDS && json->depth == 1; i++)
        if (json->keys[i].len == len && json->keys[i].data != NULL &&
            memcmp(json->keys[i].data, key, len) == 0)
            json->field = i;
    return 1;
}

/* yajl_start_array */
static int
on_start_array(void *ctx)
{
    line_json *json = ctx;
    int go_on = take_value(json, JSON_OTHER, NULL, 0);

    json->depth++;
    return go_on;
}

/* yajl_end_map, yajl_end_array */
static int
on_end(void *ctx)
{
    ((line_json *) ctx)->depth--;
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_start_map,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_start_array,
    .yajl_end_array = on_end,
};

/* Have a parser; false without memory. */
static bool
have_parser(line_json *json)
{
    if (json->parser != NULL)
        return true;
    json->parser = yajl_alloc(&callbacks, NULL, json);
    return json->parser != NULL &&
           yajl_config(json->parser, yajl_allow_multiple_values, 1) != 0 && /* many lines */
           yajl_config(json->parser, yajl_dont_validate_strings, 1) != 0;   /* done before */
}

/* Let go of the parser. */
static void
drop_parser(line_json *json)
{
    if (json->parser != NULL)
        yajl_free(json->parser);
    json->parser = NULL;
}

line_json *
line_json_new(const cs_slice *keys, char *room)
{
    line_json *json = calloc(1, sizeof(line_json));

    if (json == NULL)
        return NULL;
    json->keys = keys;
    json->room = room;
    if (have_parser(json))
        return json;
    line_json_free(json);
    return NULL;
}

/* Free a reader. */
void
line_json_free(line_json *json)
{
    if (json == NULL)
        return;
    drop_parser(json);
    free(json);
}

/* The four digits of an escape \uXXXX at a place in the line, -1 if there is none. */
static int
unit_at(cs_slice line, size_t place)
{
    int unit = 0;

    if (line.len - place < 6 || line.data[place] != '\\' || line.data[place + 1] != 'u')
        return -1;
    for (size_t i = place + 2; i < place + 6; i++)
    {
        int digit = cs_hex_digit(line.data[i]);

        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* Refuse halves of characters, which yajl would turn into question marks. */
static cs_code
check_escapes(cs_slice line, cs_error *err)
{
    const char *end = line.data + line.len;
    const char *at = line.data;

    while ((at = memchr(at, '\\', (size_t) (end - at))) != NULL)
    {
        size_t place = (size_t) (at - line.data);
        int unit = unit_at(line, place);
        bool is_high = unit >= 0xd800 && unit <= 0xdbff;
        int next = is_high ? unit_at(line, place + 6) : 0;

        if ((is_high && (next < 0xdc00 || next > 0xdfff)) || (unit >= 0xdc00 && unit <= 0xdfff))
            return cs_fail(err, CS_ERR_DATA, "line has an escape \\u%04x that is half a character",
                           (unsigned) unit);
        at += is_high ? 12 : 2;
        if (at >= end)
            break;
    }
    return CS_OK;
}

/* Report that yajl refused the line. */
static cs_code
fail_syntax(line_json *json, cs_error *err)
{
    unsigned char *text;
    int len;

    if (json->is_other)
        return cs_fail(err, CS_ERR_DATA, "line is not one JSON object");
    text = yajl_get_error(json->parser, 0, NULL, 0);
    len = text != NULL ? (int) strcspn((const char *) text, "\n") : 0;
    if (len > 0 && text[len - 1] == '.')
        len--;
    cs_fail(err, CS_ERR_DATA, "line is not JSON: %.*s", len, text != NULL ? (char *) text : "");
    if (text != NULL)
        yajl_free_error(json->parser, text);
    return CS_ERR_DATA;
}

/* Find the values. */
static cs_code
parse(line_json *json, cs_slice line, cs_error *err)
{
    const unsigned char *text = (const unsigned char *) line.data;
    cs_code code = CS_OK;

    json->used = 0;
    json->depth = 0;
    json->had_one = json->is_other = false;
    json->field = json->repeated = -1;
    memset(json->values, 0, sizeof(json->values));
    if (!have_parser(json))
        return cs_fail(err, CS_ERR_MEMORY, "out of memory");
    /* the line feed ends what may still be open, like a number */
    if (yajl_parse(json->parser, text, line.len) != yajl_status_ok ||
        yajl_parse(json->parser, (const unsigned char *) "\n", 1) != yajl_status_ok)
        code = fail_syntax(json, err);
    else if (json->depth > 0)
        code = cs_fail(err, CS_ERR_DATA, "line is not JSON: it ends in the middle");
    else if (!json->had_one)
        code = cs_fail(err, CS_ERR_DATA, "line is not one JSON object");
    if (code != CS_OK)
        drop_parser(json);
    return code;
}

/* Take text of a field that must have some. */
static cs_code
take_text(const line_json *json, line_json_field field, cs_slice *text, cs_error *err)
{
    const json_value *value = &json->values[field];
    const char *key = json->keys[field].data;

    if (value->kind == JSON_ABSENT)
        return cs_fail(err, CS_ERR_DATA, "line has no key \"%s\"", key);
    if (value->kind != JSON_TEXT)
        return cs_fail(err, CS_ERR_DATA, "value of \"%s\" is not a string", key);
    if (value->text.len == 0)
        return cs_fail(err, CS_ERR_DATA, "value of \"%s\" is empty", key);
    *text = value->text;
    return cs_log_text_check(*text, line_json_names[field], err);
}

/* Take the user: a string or a number; null, nothing and a dash mean nobody. */
static cs_code
take_user(const line_json *json, cs_slice *user, cs_error *err)
{
    const json_value *value = &json->values[LINE_JSON_USER_ID];
    const char *key = json->keys[LINE_JSON_USER_ID].data;

    *user = (cs_slice){NULL, 0};
    if (value->kind == JSON_ABSENT)
        return cs_fail(err, CS_ERR_DATA, "line has no key \"%s\"", key);
    if (value->kind == JSON_OTHER)
        return cs_fail(err, CS_ERR_DATA, "value of \"%s\" is neither a string nor a number", key);
    if (value->kind == JSON_NULL || value->text.len == 0 || cs_slice_is(value->text, "-"))
        return CS_OK;
    *user = value->text;
    return cs_log_text_check(*user, line_json_names[LINE_JSON_USER_ID], err);
}

/* Take the time, of either form. */
static cs_code
take_time(const line_json *json, cs_time *time, cs_error *err)
{
    cs_slice text;

    CS_TRY(take_text(json, LINE_JSON_TIMESTAMP, &text, err));
    return text.len > 2 && text.data[2] == '/' ? cs_time_parse_web(text, time, err)
                                               : cs_time_parse(text, CS_TIME_RFC3339, time, err);
}

/* Take what was asked for. */
static cs_code
take_request(const line_json *json, cs_log_line *fields, cs_error *err)
{
    cs_slice request;

    if (json->keys[LINE_JSON_REQUEST].data == NULL)
    {
        CS_TRY(take_text(json, LINE_JSON_METHOD, &fields->method, err));
        return take_text(json, LINE_JSON_PATH, &fields->path, err);
    }
    CS_TRY(take_text(json, LINE_JSON_REQUEST, &request, err));
    return cs_http_request_split(request, &fields->method, &fields->path, err);
}

cs_code
line_json_read(line_json *json, cs_slice line, cs_log_line *fields, cs_error *err)
{
    CS_TRY(cs_log_line_trim(&line, err));
    if (!cs_utf8_valid(line.data, line.len))
        return cs_fail(err, CS_ERR_DATA, "line is not valid UTF-8");
    CS_TRY(check_escapes(line, err));
    CS_TRY(parse(json, line, err));
    if (json->repeated >= 0)
        return cs_fail(err, CS_ERR_DATA, "line has the key \"%s\" twice",
                       json->keys[json->repeated].data);
    CS_TRY(take_time(json, &fields->time, err));
    CS_TRY(take_request(json, fields, err));
    return take_user(json, &fields->user_id, err);
}
