/*
 * core/avro_from_json.c
 *     JSON to Avro: field defaults, and values as people write them.
 *
 * A union takes the first branch that the value fits, found by trying. The
 * tries are counted, so that nested unions of a hostile schema cannot multiply
 * them without end.
 */
#include "avro_encode.h"
#include "avro_json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_STEPS 10000000 /* values encoded for one JSON value, tries included */
#define MAX_TIME_TEXT 48

typedef struct encoding
{
    cs_avro_json_style style;
    cs_buffer *out;
    int64_t steps;
    bool exact; /* take just what we print for the type */
} encoding;

static cs_code encode_json(encoding *e, const cs_avro_node *type, const json_t *json,
                           cs_error *err);

/* Refuse a JSON value for a type. A large one is not quoted: it may be tried for many types. */
static cs_code
fail_type(const encoding *e, const cs_avro_node *type, const json_t *json, cs_error *err)
{
    const char *name = type->logical != CS_LOGICAL_NONE ? cs_avro_logical_name(type->logical)
                                                        : cs_avro_type_name(type->type);
    cs_buffer text;
    cs_code code;

    if (json_is_array(json) || json_is_object(json))
        return cs_fail(err, CS_ERR_RANGE, "%s is not a value of type %s",
                       json_is_array(json) ? "an array" : "an object", name);
    if (json_is_string(json))
        return cs_fail(err, CS_ERR_RANGE, "\"%.80s\" is not a value of type %s",
                       json_string_value(json), name);
    cs_buffer_init(&text, e->out->env);
    code = cs_json_text(json, &text, err);
    if (code == CS_OK)
        code = cs_fail(err, CS_ERR_RANGE, "%.*s is not a value of type %s", (int) text.len,
                       (const char *) text.data, name);
    cs_buffer_free(&text);
    return code;
}

/* Encode a finished value, or say that the JSON value does not fit. */
static cs_code
encode_scalar(encoding *e, const cs_avro_node *type, const json_t *json, const cs_value *value,
              cs_error *err)
{
    if (cs_avro_shape_of(type).kind != value->kind)
        return fail_type(e, type, json, err);
    return cs_avro_encode_value(type, value, e->out, err);
}

/* A number, or its name where JSON has none. */
static bool
read_real(const json_t *json, double *number)
{
    const char *name = json_string_value(json);

    if (json_is_number(json))
        *number = json_number_value(json);
    else if (name != NULL && strcmp(name, "NaN") == 0)
        *number = NAN;
    else if (name != NULL && strcmp(name, "Infinity") == 0)
        *number = INFINITY;
    else if (name != NULL && strcmp(name, "-Infinity") == 0)
        *number = -INFINITY;
    else
        return false;
    return true;
}

/* True if we print a number so: never without a point, with no more digits than it has. */
static bool
is_printed_so(const cs_avro_node *type, const json_t *json, double number)
{
    return !json_is_integer(json) &&
           (isnan(number) || type->type == CS_AVRO_DOUBLE || (double) (float) number == number);
}

/* Encode a float or a double. */
static cs_code
encode_real(encoding *e, const cs_avro_node *type, const json_t *json, cs_error *err)
{
    cs_value value = {.kind = type->type == CS_AVRO_FLOAT ? CS_VALUE_FLOAT : CS_VALUE_DOUBLE};
    double number;

    if (!read_real(json, &number) || (e->exact && !is_printed_so(type, json, number)))
        return fail_type(e, type, json, err);
    if (type->type == CS_AVRO_FLOAT)
        value.as.real = (float) number;
    else
        value.as.dbl = number;
    return encode_scalar(e, type, json, &value, err);
}

/* The bytes of a string of code points 0 to 255, which is UTF-8 here; false if it has others. */
static bool
code_points(const json_t *json, cs_buffer *bytes, cs_error *err)
{
    const uint8_t *text = (const uint8_t *) json_string_value(json);
    size_t len = json_string_length(json);

    if (cs_buffer_reserve(bytes, len, err) != CS_OK)
        return false;
    for (size_t i = 0; i < len; i++)
    {
        uint8_t byte = text[i];

        if (byte >= 0xc4) /* above U+00FF */
        {
            cs_error_clear(err);
            return false;
        }
        if (byte >= 0xc2)
            byte = (uint8_t) ((byte & 3) << 6 | (text[++i] & 0x3f));
        bytes->data[bytes->len++] = byte;
    }
    return true;
}

/* The bytes of \x and hexadecimal digits; false if it is not that. */
static bool
hex_bytes(const json_t *json, cs_buffer *bytes, cs_error *err)
{
    const cs_slice text = {json_string_value(json), json_string_length(json)};
    cs_code code = cs_bytes_parse(text, bytes, err);

    if (code == CS_ERR_RANGE) /* the caller says so in its own words */
        cs_error_clear(err);
    return code == CS_OK;
}

/* Encode bytes or a fixed, without its logical type. */
static cs_code
encode_bytes(encoding *e, const cs_avro_node *type, const json_t *json, cs_error *err)
{
    cs_avro_node plain = *type;
    cs_value value = {.kind = CS_VALUE_BYTES};
    cs_buffer bytes;
    cs_code code = CS_ERR_RANGE;

    plain.logical = CS_LOGICAL_NONE;
    cs_buffer_init(&bytes, e->out->env);
    cs_error_clear(err);
    if (json_is_string(json) && (e->style == CS_JSON_DEFAULT ? code_points(json, &bytes, err)
                                                             : hex_bytes(json, &bytes, err)))
    {
        value.as.bytes = (cs_slice){(const char *) bytes.data, bytes.len};
        code = encode_scalar(e, &plain, json, &value, err);
    }
    else if (err->code != CS_OK) /* out of memory */
        code = err->code;
    else
        code = fail_type(e, type, json, err);
    cs_buffer_free(&bytes);
    return code;
}

/* Encode a decimal from its text, or from a number. */
static cs_code
encode_decimal(encoding *e, const cs_avro_node *type, const json_t *json, cs_error *err)
{
    cs_value value = {.kind = CS_VALUE_DECIMAL};
    char number[40];
    cs_slice text = {json_string_value(json), json_string_length(json)};
    cs_buffer bytes;
    cs_code code;

    if (json_is_integer(json))
        snprintf(number, sizeof(number), "%lld", (long long) json_integer_value(json));
    else if (json_is_real(json))
    {
        snprintf(number, sizeof(number), "%.15g", json_real_value(json));
        if (strtod(number, NULL) != json_real_value(json))
            snprintf(number, sizeof(number), "%.17g", json_real_value(json));
    }
    if (json_is_number(json) && !e->exact)
        text = cs_slice_of(number);
    else if (!json_is_string(json))
        return fail_type(e, type, json, err);
    cs_buffer_init(&bytes, e->out->env);
    code = cs_decimal_parse(text, type->scale, &bytes, err);
    value.as.decimal.data = bytes.data;
    value.as.decimal.len = (uint32_t) bytes.len;
    value.as.decimal.scale = type->scale;
    if (code == CS_OK)
        code = encode_scalar(e, type, json, &value, err);
    cs_buffer_free(&bytes);
    return code;
}

/* Cut the digits behind the microseconds out of a time's text. */
static bool
cut_nanos(const char *text, char cut[MAX_TIME_TEXT], int16_t *nanos)
{
    const char *point = strchr(text, '.');
    size_t digits = point != NULL ? strspn(point + 1, "0123456789") : 0;
    char last[4] = "000";
    size_t head;

    *nanos = 0;
    if (strlen(text) >= MAX_TIME_TEXT || digits > 9)
        return false;
    strcpy(cut, text);
    if (digits <= 6)
        return true;
    head = (size_t) (point - text) + 7;
    memcpy(last, text + head, digits - 6);
    *nanos = (int16_t) atoi(last);
    strcpy(cut + head, point + 1 + digits);
    return true;
}

/* Read text between two others as an instant. */
static bool
read_time_between(const char *before, const char *text, const char *after, cs_time *time)
{
    char whole[2 * MAX_TIME_TEXT];
    cs_error ignored;

    return strlen(text) < MAX_TIME_TEXT &&
           snprintf(whole, sizeof(whole), "%s%s%s", before, text, after) > 0 &&
           cs_time_parse(cs_slice_of(whole), CS_TIME_STATE, time, &ignored) == CS_OK;
}

/* Read an instant in the form that we print, with or without a zone, or in that of CSV files. */
static bool
read_time(const char *text, cs_value *value)
{
    char cut[MAX_TIME_TEXT];
    cs_error ignored;

    return cut_nanos(text, cut, &value->nanos) &&
           (read_time_between("", cut, "", &value->as.time) ||
            read_time_between("", cut, "Z", &value->as.time) ||
            cs_time_parse(cs_slice_of(cut), CS_TIME_CSV, &value->as.time, &ignored) == CS_OK);
}

/* Read a date as we print it: 2024-03-10, with a sign where the year has not four digits. */
static bool
read_date(const char *text, int32_t *date)
{
    char *end;
    int64_t days, years, year = strtoll(text, &end, 10);
    size_t digits = strspn(text + (text[0] == '-' || text[0] == '+'), "0123456789");
    int given[2], month, day;

    if (digits < 4 || digits > 7 || (digits > 4 && text[0] != '-' && text[0] != '+') ||
        strlen(end) != 6 || strspn(end + 1, "0123456789") != 2 ||
        strspn(end + 4, "0123456789") != 2 || sscanf(end, "-%d-%d", &given[0], &given[1]) != 2 ||
        given[0] < 1 || given[0] > 12)
        return false;
    days = cs_days_from_date(year, given[0], given[1]);
    cs_date_from_days(days, &years, &month, &day);
    *date = (int32_t) days;
    return years == year && month == given[0] && day == given[1] && days >= CS_DATE_MIN &&
           days < CS_DATE_END;
}

/* Read a number with its letter, if that is what comes next. */
static void
read_part(const char **at, char letter, uint32_t *part)
{
    char *end;
    unsigned long long number;

    if (**at < '0' || **at > '9')
        return;
    number = strtoull(*at, &end, 10);
    if (*end != letter || number > UINT32_MAX)
        return;
    *part = (uint32_t) number;
    *at = end + 1;
}

/* Read a duration as we print it: P1M2DT3.004S. */
static bool
read_duration(const char *text, cs_value *value)
{
    const char *at = text + 1;
    uint32_t seconds = 0;
    char fraction[5] = "000";
    char *end;
    unsigned long long millis;

    if (text[0] != 'P')
        return false;
    value->as.duration.months = value->as.duration.days = 0;
    read_part(&at, 'M', &value->as.duration.months);
    read_part(&at, 'D', &value->as.duration.days);
    if (*at != 'T' || at[1] < '0' || at[1] > '9')
        return false;
    millis = strtoull(at + 1, &end, 10);
    at = end;
    if (*at == '.')
    {
        size_t digits = strspn(++at, "0123456789");

        if (digits < 1 || digits > 3)
            return false;
        memcpy(fraction, at, digits);
        at += digits;
    }
    seconds = (uint32_t) atoi(fraction);
    if (strcmp(at, "S") != 0 || millis > UINT32_MAX / 1000 || millis * 1000 + seconds > UINT32_MAX)
        return false;
    value->as.duration.millis = (uint32_t) (millis * 1000 + seconds);
    return true;
}

/* Read the text of a value of a logical type. */
static bool
read_logical(const char *text, cs_value_kind kind, cs_value *value)
{
    *value = (cs_value){.kind = kind};
    switch (kind)
    {
        case CS_VALUE_TIME:
        case CS_VALUE_LOCAL_TIME:
            return read_time(text, value);
        case CS_VALUE_DATE:
            return read_date(text, &value->as.days);
        case CS_VALUE_TIME_OF_DAY:
            if (!read_time_between("2000-01-01T", text, "Z", &value->as.time_of_day))
                return false;
            return value->as.time_of_day < CS_DAY;
        case CS_VALUE_UUID:
            return cs_uuid_parse(cs_slice_of(text), value->as.uuid);
        case CS_VALUE_DURATION:
            return read_duration(text, value);
        default:
            return false;
    }
}

/* Encode a value of a logical type as people write it. */
static cs_code
encode_logical(encoding *e, const cs_avro_node *type, const json_t *json, cs_error *err)
{
    const char *text = json_string_value(json);
    cs_value value;

    if (type->logical == CS_LOGICAL_DECIMAL)
        return encode_decimal(e, type, json, err);
    if (text == NULL || strlen(text) != json_string_length(json) ||
        !read_logical(text, cs_avro_shape_of(type).kind, &value))
        return fail_type(e, type, json, err);
    return encode_scalar(e, type, json, &value, err);
}

/* Encode a scalar by its base type. */
static cs_code
encode_base(encoding *e, const cs_avro_node *type, const json_t *json, cs_error *err)
{
    cs_avro_node plain = *type;
    cs_value value = {.kind = CS_VALUE_NULL};

    plain.logical = CS_LOGICAL_NONE;
    if (type->type == CS_AVRO_FLOAT || type->type == CS_AVRO_DOUBLE)
        return encode_real(e, &plain, json, err);
    if (type->type == CS_AVRO_BYTES || type->type == CS_AVRO_FIXED)
        return encode_bytes(e, type, json, err);
    if (json_is_boolean(json))
        value = (cs_value){.kind = CS_VALUE_BOOL, .as.boolean = json_is_true(json)};
    else if (json_is_integer(json))
        value = (cs_value){.kind = CS_VALUE_INTEGER, .as.integer = json_integer_value(json)};
    else if (json_is_string(json))
        value = (cs_value){.kind = CS_VALUE_STRING,
                           .as.bytes = {json_string_value(json), json_string_length(json)}};
    else if (!json_is_null(json))
        return fail_type(e, type, json, err);
    return encode_scalar(e, &plain, json, &value, err);
}

/* Say where inside a value it does not fit. */
static cs_code
blame(const char *place, cs_code code, cs_error *err)
{
    return code == CS_ERR_RANGE ? cs_fail_within(err, code, "%.60s", place) : code;
}

/* Encode an array. */
static cs_code
encode_array(encoding *e, const cs_avro_node *type, const json_t *json, cs_error *err)
{
    size_t count = json_array_size(json);

    if (!json_is_array(json))
        return fail_type(e, type, json, err);
    if (count > 0)
        CS_TRY(cs_avro_encode_long((int64_t) count, e->out, err));
    for (size_t i = 0; i < count; i++)
        CS_TRY(encode_json(e, type->items, json_array_get(json, i), err));
    return cs_avro_encode_long(0, e->out, err);
}

/* Encode a map. */
static cs_code
encode_map(encoding *e, const cs_avro_node *type, json_t *json, cs_error *err)
{
    const char *key;
    json_t *item;
    size_t key_len;

    if (!json_is_object(json))
        return fail_type(e, type, json, err);
    if (json_object_size(json) > 0)
        CS_TRY(cs_avro_encode_long((int64_t) json_object_size(json), e->out, err));
    json_object_keylen_foreach(json, key, key_len, item)
    {
        CS_TRY(cs_avro_encode_bytes((cs_slice){key, key_len}, e->out, err));
        CS_TRY(blame(key, encode_json(e, type->items, item, err), err));
    }
    return cs_avro_encode_long(0, e->out, err);
}

/* Encode a field that a record's JSON lacks: its default. */
static cs_code
encode_missing(encoding *e, const cs_avro_field *field, cs_error *err)
{
    if (field->default_bytes.data == NULL || e->exact)
        return cs_fail(err, CS_ERR_RANGE, "field \"%.100s\" is missing and has no default",
                       field->name);
    return cs_buffer_append(e->out, field->default_bytes.data, field->default_bytes.len, err);
}

/* Encode a record. */
static cs_code
encode_record(encoding *e, const cs_avro_node *type, const json_t *json, cs_error *err)
{
    size_t found = 0;

    if (!json_is_object(json))
        return fail_type(e, type, json, err);
    for (size_t i = 0; i < type->num_fields; i++)
    {
        const cs_avro_field *field = &type->fields[i];
        const json_t *item = json_object_get(json, field->name);

        found += item != NULL;
        if (item == NULL)
            CS_TRY(encode_missing(e, field, err));
        else
            CS_TRY(blame(field->name, encode_json(e, field->type, item, err), err));
    }
    if (found < json_object_size(json))
        return cs_fail(err, CS_ERR_RANGE, "the object has members that record \"%.100s\" lacks",
                       cs_avro_short_name(type->name));
    return CS_OK;
}

/* Encode into the first branch that takes the value; CS_ERR_RANGE if none does. */
static cs_code
try_branches(encoding *e, const cs_avro_node *type, const json_t *json, cs_error *err)
{
    size_t start = e->out->len;
    cs_code code = CS_ERR_RANGE;

    for (size_t i = 0; i < type->num_branches && code == CS_ERR_RANGE; i++)
    {
        e->out->len = start;
        CS_TRY(cs_avro_encode_long((int64_t) i, e->out, err));
        code = encode_json(e, type->branches[i], json, err);
    }
    return code;
}

/*
 * Encode into a union. A default belongs to the first branch that takes it; what
 * people write rather to a later one than that digits or the kind of number are lost.
 */
static cs_code
encode_union(encoding *e, const cs_avro_node *type, const json_t *json, cs_error *err)
{
    size_t start = e->out->len;
    bool outer = e->exact;
    cs_code code;

    e->exact = e->style == CS_JSON_PLAIN;
    code = try_branches(e, type, json, err);
    if (code == CS_ERR_RANGE && e->exact && !outer)
    {
        e->exact = false;
        e->out->len = start;
        code = try_branches(e, type, json, err);
    }
    e->exact = outer;
    if (code != CS_ERR_RANGE || type->num_branches == 1)
        return code;
    return fail_type(e, type, json, err);
}

/* Encode any value. */
static cs_code
encode_json(encoding *e, const cs_avro_node *type, const json_t *json, cs_error *err)
{
    if (++e->steps > MAX_STEPS)
        return cs_fail(err, CS_ERR_LIMIT, "a JSON value takes more than %d steps to encode",
                       MAX_STEPS);
    if (e->steps % CS_POLL_ITEMS == 0)
        CS_TRY(cs_poll(e->out->env, err));
    switch (type->type)
    {
        case CS_AVRO_ARRAY:
            return encode_array(e, type, json, err);
        case CS_AVRO_MAP:
            return encode_map(e, type, (json_t *) json, err);
        case CS_AVRO_RECORD:
            return encode_record(e, type, json, err);
        case CS_AVRO_UNION:
            return encode_union(e, type, json, err);
        default:
            if (type->logical != CS_LOGICAL_NONE && e->style == CS_JSON_PLAIN)
                return encode_logical(e, type, json, err);
            return encode_base(e, type, json, err);
    }
}

cs_code
cs_avro_encode_json(const cs_avro_node *type, const json_t *json, cs_avro_json_style style,
                    cs_buffer *buffer, cs_error *err)
{
    encoding e = {.style = style, .out = buffer};
    size_t start = buffer->len;
    cs_code code = encode_json(&e, type, json, err);

    if (code != CS_OK)
        buffer->len = start;
    return code;
}
