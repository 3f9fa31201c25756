/*
 * loader/text_value.c
 *     Parsing the text of single values.
 */
#include "text_value.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <yajl/yajl_parse.h>

#define MAX_NUMBER_CHARACTERS 400 /* more digits than any double needs */
#define MAX_TIME_OF_DAY 15        /* 08:00:00.123456 */
#define MAX_SHOWN 40              /* characters of a bad value in a message */

cs_code
text_refuse(refusal *why, const char *sqlstate, const char *kind, cs_slice text)
{
    bool cut = text.len > MAX_SHOWN;
    size_t len = cut ? MAX_SHOWN : text.len;

    while (cut && len > 0 && ((uint8_t) text.data[len] & 0xc0) == 0x80)
        len--;
    return refuse(why, sqlstate, "\"%.*s%s\" is not a valid %s", (int) len, text.data,
                  cut ? "..." : "", kind);
}

cs_code
text_to_integer(cs_slice text, int64_t *value, refusal *why)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    size_t at = negative || (text.len > 0 && text.data[0] == '+');
    bool overflow = false;
    int64_t result = 0;

    if (at == text.len)
        return text_refuse(why, SQLSTATE_BAD_TEXT, "whole number", text);
    for (; at < text.len; at++)
    {
        int digit = text.data[at] - '0';

        if (digit < 0 || digit > 9)
            return text_refuse(why, SQLSTATE_BAD_TEXT, "whole number", text);
        overflow =
            overflow || __builtin_mul_overflow(result, 10, &result) ||
            __builtin_sub_overflow(result, digit, &result); /* negative: it reaches further */
    }
    if (overflow || (!negative && result == INT64_MIN))
        return refuse(why, SQLSTATE_NUMBER_RANGE, "number is out of range");
    *value = negative ? result : -result;
    return CS_OK;
}

/* True if text is one of the words, whatever their case. */
static bool
is_word(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcasecmp(text, *words) == 0)
            return true;
    return false;
}

cs_code
text_to_double(cs_slice text, double *value, refusal *why)
{
    static const char *const words[] = {"nan", "infinity", "+infinity", "-infinity",
                                        "inf", "+inf",     "-inf",      NULL};
    char copy[MAX_NUMBER_CHARACTERS + 1];
    char *end;

    if (text.len == 0 || text.len > MAX_NUMBER_CHARACTERS)
        return text_refuse(why, SQLSTATE_BAD_TEXT, "number", text);
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (strspn(copy, "0123456789+-.eE") != text.len && !is_word(copy, words))
        return text_refuse(why, SQLSTATE_BAD_TEXT, "number", text);
    errno = 0;
    *value = strtod(copy, &end);
    if (end != copy + text.len)
        return text_refuse(why, SQLSTATE_BAD_TEXT, "number", text);
    if (errno == ERANGE && (*value == 0 || isinf(*value)))
        return refuse(why, SQLSTATE_NUMBER_RANGE, "number is out of range");
    return CS_OK;
}

cs_code
text_to_bool(cs_slice text, bool *value, refusal *why)
{
    static const char *const yes[] = {"t", "true", "y", "yes", "on", "1", NULL};
    static const char *const no[] = {"f", "false", "n", "no", "off", "0", NULL};
    char copy[8] = "";

    if (text.len < sizeof(copy))
        memcpy(copy, text.data, text.len);
    *value = is_word(copy, yes);
    return *value || is_word(copy, no) ? CS_OK
                                       : text_refuse(why, SQLSTATE_BAD_TEXT, "boolean", text);
}

/*
 * What the server says of text that is no time: that a part of it is out of range where
 * another number in that part's place makes it one. The date is at its start.
 */
static const char *
time_sqlstate(cs_slice text, cs_time_style style)
{
    static const char right[] = "2000-01-01 00:00:00"; /* the character in the middle is not used */
    char copy[CS_TIME_TEXT_SIZE];
    const char *states[] = {SQLSTATE_TIME_RANGE, SQLSTATE_OFFSET_RANGE};
    cs_time time;
    cs_error err;

    if (text.len >= sizeof(copy))
        return SQLSTATE_BAD_TIME;
    memcpy(copy, text.data, text.len);
    for (size_t part = 0; part < 2; part++)
    {
        size_t from = part == 0 ? 0 : sizeof(right) - 1;
        size_t to = part == 0 && text.len > sizeof(right) - 1 ? sizeof(right) - 1 : text.len;

        for (size_t i = from; i < to; i++)
            if (copy[i] >= '0' && copy[i] <= '9')
                copy[i] = i < sizeof(right) - 1 ? right[i] : '0';
        if (cs_time_parse((cs_slice){copy, text.len}, style, &time, &err) == CS_OK)
            return states[part];
    }
    return SQLSTATE_BAD_TIME;
}

/* Parse a time, in a style. */
static cs_code
parse_time(cs_slice text, cs_time_style style, cs_time *value, refusal *why)
{
    if (cs_time_parse(text, style, value, &why->err) != CS_OK)
    {
        why->err.code = CS_ERR_RANGE;
        why->sqlstate = time_sqlstate(text, style);
        why->column = NULL;
        return CS_ERR_RANGE;
    }
    return cs_time_valid(*value) ? CS_OK
                                 : refuse(why, SQLSTATE_TIME_RANGE, "timestamp is out of range");
}

cs_code
text_to_time(cs_slice text, cs_time *value, refusal *why)
{
    return parse_time(text, CS_TIME_CSV, value, why);
}

/* What a part of a time is called where it has not its form, or names nothing. */
typedef struct time_part
{
    const char *form;
    const char *thing;
} time_part;

/* Parse text that copy makes a whole time of. */
static cs_code
parse_part(const char *copy, const time_part *part, cs_slice text, cs_time *value, refusal *why)
{
    if (parse_time(cs_slice_of(copy), CS_TIME_RFC3339, value, why) == CS_OK)
        return CS_OK;
    if (strcmp(why->sqlstate, SQLSTATE_TIME_RANGE) == 0)
        return refuse(why, SQLSTATE_TIME_RANGE, "\"%.*s\" names a %s that does not exist",
                      (int) text.len, text.data, part->thing);
    return text_refuse(why, SQLSTATE_BAD_TIME, part->form, text);
}

/* True for 24:00:00, with zeros behind a point or without. */
static bool
is_end_of_day(cs_slice text)
{
    static const char end[] = "24:00:00.000000";

    return text.len <= sizeof(end) - 1 && (text.len == 8 || text.len > 9) &&
           memcmp(text.data, end, text.len) == 0;
}

cs_code
text_to_time_of_day(cs_slice text, int64_t *value, refusal *why)
{
    static const time_part part = {"time of the form HH:MM:SS", "time of day"};
    static const char day[] = "2000-01-01T";
    char copy[sizeof(day) + MAX_TIME_OF_DAY + 1];
    cs_time time;

    if (text.len > MAX_TIME_OF_DAY)
        return text_refuse(why, SQLSTATE_BAD_TIME, part.form, text);
    *value = CS_DAY;
    if (is_end_of_day(text))
        return CS_OK;
    snprintf(copy, sizeof(copy), "%s%.*s%sZ", day, (int) text.len, text.data,
             text.len == 5 ? ":00" : "");
    CS_TRY(parse_part(copy, &part, text, &time, why));
    *value = time; /* that day is the first one */
    return CS_OK;
}

cs_code
text_to_date(cs_slice text, int32_t *value, refusal *why)
{
    static const time_part part = {"date of the form YYYY-MM-DD", "day"};
    static const char midnight[] = "T00:00:00Z";
    char copy[10 + sizeof(midnight)];
    cs_time time;

    if (text.len != 10)
        return text_refuse(why, SQLSTATE_BAD_TIME, part.form, text);
    memcpy(copy, text.data, 10);
    memcpy(copy + 10, midnight, sizeof(midnight));
    CS_TRY(parse_part(copy, &part, text, &time, why));
    *value = (int32_t) (time / CS_DAY); /* exact: it is midnight */
    return CS_OK;
}

cs_code
text_to_bytes(cs_slice text, cs_buffer *out, refusal *why)
{
    cs_code code = cs_bytes_parse(text, out, &why->err);
    bool is_hex = text.len >= 2 && memcmp(text.data, "\\x", 2) == 0;

    if (code == CS_ERR_RANGE)
        return text_refuse(why, is_hex ? SQLSTATE_BAD_PARAMETER : SQLSTATE_BAD_TEXT,
                           "\\x and hexadecimal digits", text);
    return code;
}

bool
text_to_infinity(cs_slice text, int *sign)
{
    static const char word[] = "-infinity";
    size_t skipped = text.len > 0 && text.data[0] == '-' ? 0 : 1;

    *sign = skipped == 0 ? -1 : 1;
    return text.len == sizeof(word) - 1 - skipped &&
           strncasecmp(text.data, word + skipped, text.len) == 0;
}

bool
text_to_uuid(cs_slice text, uint8_t uuid[CS_UUID_BYTES])
{
    if (text.len > 2 && text.data[0] == '{' && text.data[text.len - 1] == '}')
        text = (cs_slice){text.data + 1, text.len - 2};
    return cs_uuid_parse(text, uuid);
}

/* What a JSON text holds that jsonb does not take. */
typedef struct json_check
{
    bool nul; /* U+0000 in a string */
} json_check;

/* yajl_callbacks.yajl_string and yajl_map_key */
static int
check_string(void *ctx, const unsigned char *text, size_t len)
{
    json_check *check = ctx;

    check->nul = check->nul || memchr(text, 0, len) != NULL;
    return 1;
}

/* yajl_callbacks.yajl_number: whatever it is, so that yajl does not convert it */
static int
check_number(void *ctx, const char *text, size_t len)
{
    (void) ctx;
    (void) text;
    (void) len;
    return 1;
}

cs_code
text_check_json(cs_slice text, bool nul_allowed, refusal *why)
{
    static const yajl_callbacks callbacks = {
        .yajl_number = check_number, .yajl_string = check_string, .yajl_map_key = check_string};
    json_check check = {false};
    yajl_handle json = yajl_alloc(&callbacks, NULL, &check);
    bool valid;

    if (json == NULL)
        return cs_fail_memory(&why->err, 0);
    valid = yajl_parse(json, (const unsigned char *) text.data, text.len) == yajl_status_ok &&
            yajl_complete_parse(json) == yajl_status_ok;
    yajl_free(json);
    if (!valid)
        return text_refuse(why, SQLSTATE_BAD_TEXT, "JSON value", text);
    if (check.nul && !nul_allowed)
        return refuse(why, SQLSTATE_BAD_CHARACTER, "JSON text holds \\u0000, which jsonb cannot");
    return CS_OK;
}
