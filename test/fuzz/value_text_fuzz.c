/*
 * test/fuzz/value_text_fuzz.c
 *     Single values as text, of which the first byte says which kind: what is accepted is
 *     written and read back equal.
 */
#include "fuzz.h"

#include "avro_value.h"
#include "http_event.h"
#include "numeric_text.h"
#include "text_value.h"
#include "utf8.h"

/* A decimal, at a scale. */
static void
try_decimal(cs_slice text, int scale)
{
    cs_value value = {.kind = CS_VALUE_DECIMAL};
    cs_buffer bytes, again, back;
    cs_error err;
    cs_code code;

    cs_buffer_init(&bytes, fuzz_env());
    cs_buffer_init(&again, fuzz_env());
    cs_buffer_init(&back, fuzz_env());
    code = cs_decimal_parse(text, scale, &bytes, &err);
    if (code != CS_OK)
        fuzz_check_error(code, &err);
    else
    {
        value.as.decimal.data = bytes.data;
        value.as.decimal.len = (uint32_t) bytes.len;
        value.as.decimal.scale = scale;
        fuzz_check(bytes.len > 0);
        fuzz_check_ok(cs_decimal_format(&value, &back, &err), &err, "writing");
        fuzz_check_ok(cs_decimal_parse(fuzz_slice(&back), scale, &again, &err), &err, "reading");
        fuzz_check_same(fuzz_slice(&again), fuzz_slice(&bytes), "a decimal");
    }
    cs_buffer_free(&bytes);
    cs_buffer_free(&again);
    cs_buffer_free(&back);
}

/* Bytes of a decimal, as a file may hold them. */
static void
try_decimal_bytes(cs_slice bytes, int scale)
{
    cs_value value = {.kind = CS_VALUE_DECIMAL};
    cs_buffer text;
    cs_error err;
    cs_code code;

    value.as.decimal.data = (const uint8_t *) bytes.data;
    value.as.decimal.len = (uint32_t) bytes.len;
    value.as.decimal.scale = scale;
    cs_buffer_init(&text, fuzz_env());
    code = cs_decimal_format(&value, &text, &err);
    if (code != CS_OK)
        fuzz_check_error(code, &err);
    else
        try_decimal(fuzz_slice(&text), scale);
    cs_buffer_free(&text);
}

/* An instant, in every style. */
static void
try_time(cs_slice text)
{
    char written[CS_TIME_TEXT_SIZE];
    cs_time time, again;
    cs_error err;

    for (int style = CS_TIME_RFC3339; style <= CS_TIME_CSV + 1; style++)
    {
        cs_code code = style <= CS_TIME_CSV
                           ? cs_time_parse(text, (cs_time_style) style, &time, &err)
                           : cs_time_parse_web(text, &time, &err);

        if (code != CS_OK)
        {
            fuzz_check_error(code, &err);
            continue;
        }
        if (!cs_time_valid(time))
            continue;
        written[0] = '\0';
        fuzz_check(cs_time_format(time, written) == strlen(written));
        fuzz_check_ok(cs_time_parse(cs_slice_of(written), CS_TIME_STATE, &again, &err), &err,
                      written);
        fuzz_check(again == time, "(%s)", written);
    }
}

/* A UUID; bytes in hexadecimal. */
static void
try_hexadecimal(cs_slice text)
{
    uint8_t uuid[CS_UUID_BYTES], again[CS_UUID_BYTES];
    char written[CS_UUID_TEXT_SIZE];
    cs_buffer bytes, back;
    cs_error err;

    if (cs_uuid_parse(text, uuid))
    {
        cs_uuid_format(uuid, written);
        fuzz_check(cs_uuid_parse(cs_slice_of(written), again));
        fuzz_check(memcmp(uuid, again, sizeof(uuid)) == 0);
    }
    cs_buffer_init(&bytes, fuzz_env());
    cs_buffer_init(&back, fuzz_env());
    if (cs_bytes_parse(text, &bytes, &err) == CS_OK)
    {
        cs_value value = {.kind = CS_VALUE_BYTES, .as.bytes = fuzz_slice(&bytes)};

        fuzz_check_ok(cs_value_text(&value, &back, &err), &err, "writing");
        fuzz_check(back.len == text.len);
    }
    else
        fuzz_check_error(err.code, &err);
    cs_buffer_free(&bytes);
    cs_buffer_free(&back);
}

/* What a request means: method, path and prefix with spaces between. */
static void
try_request(cs_slice text)
{
    const char *space = memchr(text.data, ' ', text.len);
    cs_slice method = {text.data, space != NULL ? (size_t) (space - text.data) : text.len};
    cs_slice path = {text.data + method.len, text.len - method.len};
    int64_t id;
    cs_kind kind = cs_http_event(method, path, (cs_slice){" ", space != NULL}, &id), named;

    fuzz_check(kind <= CS_ISSUE && id >= 0 && (kind != CS_OTHER || id == 0));
    if (cs_kind_parse(text, &named))
        fuzz_check_same(text, cs_slice_of(cs_kind_name(named)), "a kind");
}

/* Check the reason for a value's refusal. */
static void
check_refusal(cs_code code, const refusal *why)
{
    fuzz_check_error(code, &why->err);
    fuzz_check(code != CS_ERR_RANGE || strlen(why->sqlstate) == 5);
}

/* A number in the server's form. */
static void
try_numeric(cs_slice text)
{
    cs_buffer binary, again, back;
    refusal why;
    cs_error err;
    cs_code code;

    cs_buffer_init(&binary, fuzz_env());
    cs_buffer_init(&again, fuzz_env());
    cs_buffer_init(&back, fuzz_env());
    code = numeric_from_text(text, &binary, &why);
    if (code != CS_OK)
        check_refusal(code, &why);
    else
    {
        fuzz_check_ok(numeric_to_text(binary.data, binary.len, &back, &err), &err, "writing");
        fuzz_check_ok(numeric_from_text(fuzz_slice(&back), &again, &why), &why.err, "reading");
        fuzz_check_same(fuzz_slice(&again), fuzz_slice(&binary), "a numeric");
    }
    cs_buffer_free(&binary);
    cs_buffer_free(&again);
    cs_buffer_free(&back);
}

/* What CSV fields can be. */
static void
try_fields(cs_slice text)
{
    int64_t integer, time_of_day;
    cs_buffer bytes;
    int32_t date;
    cs_time time;
    double real;
    bool truth;
    refusal why;
    cs_code code;

    if ((code = text_to_integer(text, &integer, &why)) != CS_OK)
        check_refusal(code, &why);
    if ((code = text_to_double(text, &real, &why)) != CS_OK)
        check_refusal(code, &why);
    if ((code = text_to_bool(text, &truth, &why)) != CS_OK)
        check_refusal(code, &why);
    if ((code = text_to_time(text, &time, &why)) != CS_OK)
        check_refusal(code, &why);
    else
        fuzz_check(cs_time_valid(time));
    if ((code = text_to_time_of_day(text, &time_of_day, &why)) != CS_OK)
        check_refusal(code, &why);
    else
        fuzz_check(time_of_day >= 0 && time_of_day <= CS_DAY);
    if ((code = text_to_date(text, &date, &why)) != CS_OK)
        check_refusal(code, &why);
    cs_buffer_init(&bytes, fuzz_env());
    if ((code = text_to_bytes(text, &bytes, &why)) != CS_OK)
        check_refusal(code, &why);
    cs_buffer_free(&bytes);
    for (int nul = 0; nul < 2; nul++)
        if ((code = text_check_json(text, nul != 0, &why)) != CS_OK)
            check_refusal(code, &why);
}

/* Text of any bytes, repaired. */
static void
try_repair(cs_slice text)
{
    cs_buffer out;
    cs_error err;

    for (int nul = 0; nul < 2; nul++)
    {
        cs_buffer_init(&out, fuzz_env());
        fuzz_check_ok(utf8_append_repaired(&out, text, nul != 0, &err), &err, "repairing");
        fuzz_check(cs_utf8_valid((const char *) out.data, out.len));
        if (cs_utf8_valid(text.data, text.len) &&
            (nul != 0 || memchr(text.data, '\0', text.len) == NULL))
            fuzz_check_same(fuzz_slice(&out), text, "what needs no repair");
        cs_buffer_free(&out);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    uint8_t kind = fuzz_take_byte(&input);
    cs_slice text = fuzz_take_rest(&input);
    /* fields of CSV are text by the time they are looked at */
    bool is_text = cs_utf8_valid(text.data, text.len) && memchr(text.data, '\0', text.len) == NULL;

    if (kind == 't')
        try_time(text);
    else if (kind == 'x')
        try_hexadecimal(text);
    else if (kind == 'r')
        try_request(text);
    else if (kind == 'n' && is_text)
        try_numeric(text);
    else if (kind == 'f' && is_text)
        try_fields(text);
    else if (kind == 'u')
        try_repair(text);
    else if (kind < 32)
        try_decimal_bytes(text, kind);
    else
        try_decimal(text, kind % 40);
    fuzz_free(text);
    return 0;
}
