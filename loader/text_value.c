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
    static const char *const words[] = {"nan", "infinity", "+infinity", "-infinity", NULL};
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

/* Parse a time, in a style. */
static cs_code
parse_time(cs_slice text, cs_time_style style, cs_time *value, refusal *why)
{
    if (cs_time_parse(text, style, value, &why->err) != CS_OK)
    {
        why->err.code = CS_ERR_RANGE;
        why->sqlstate = SQLSTATE_BAD_TIME;
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

cs_code
text_to_time_of_day(cs_slice text, int64_t *value, refusal *why)
{
    static const char day[] = "2000-01-01T";
    char copy[sizeof(day) + MAX_TIME_OF_DAY + 1];
    cs_time time;

    if (text.len > MAX_TIME_OF_DAY)
        return text_refuse(why, SQLSTATE_BAD_TIME, "time of the form HH:MM:SS", text);
    snprintf(copy, sizeof(copy), "%s%.*sZ", day, (int) text.len, text.data);
    if (parse_time(cs_slice_of(copy), CS_TIME_RFC3339, &time, why) != CS_OK)
        return text_refuse(why, SQLSTATE_BAD_TIME, "time of the form HH:MM:SS", text);
    *value = time; /* that day is the first one */
    return CS_OK;
}

cs_code
text_to_date(cs_slice text, int32_t *value, refusal *why)
{
    static const char midnight[] = "T00:00:00Z";
    char copy[10 + sizeof(midnight)];
    cs_time time;

    if (text.len != 10)
        return text_refuse(why, SQLSTATE_BAD_TIME, "date of the form YYYY-MM-DD", text);
    memcpy(copy, text.data, 10);
    memcpy(copy + 10, midnight, sizeof(midnight));
    if (parse_time(cs_slice_of(copy), CS_TIME_RFC3339, &time, why) != CS_OK)
        return text_refuse(why, SQLSTATE_BAD_TIME, "date of the form YYYY-MM-DD", text);
    *value = (int32_t) (time / CS_DAY); /* exact: it is midnight */
    return CS_OK;
}

cs_code
text_to_bytes(cs_slice text, cs_buffer *out, refusal *why)
{
    cs_code code = cs_bytes_parse(text, out, &why->err);

    if (code == CS_ERR_RANGE)
        return text_refuse(why, SQLSTATE_BAD_TEXT, "\\x and hexadecimal digits", text);
    return code;
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
