/*
 * test/unit/avro_value_test.c
 *     Decimals, UUIDs and the text of values.
 */
#include "avro_case.h"

#include <inttypes.h>
#include <stdlib.h>

/* A decimal's bytes and scale, and its text. */
typedef struct decimal_case
{
    cs_slice bytes;
    int scale;
    const char *text;
} decimal_case;

static const decimal_case decimal_cases[] = {
    {BYTES("\x00"), 0, "0"},
    {BYTES("\x00"), 2, "0.00"},
    {BYTES("\x01"), 0, "1"},
    {BYTES("\x01"), 1, "0.1"},
    {BYTES("\x01"), 5, "0.00001"},
    {BYTES("\x7f"), 0, "127"},
    {BYTES("\x7f"), 3, "0.127"},
    {BYTES("\x7f"), 2, "1.27"},
    {BYTES("\x80"), 0, "-128"},
    {BYTES("\x80"), 2, "-1.28"},
    {BYTES("\xff"), 0, "-1"},
    {BYTES("\xff"), 3, "-0.001"},
    {BYTES("\x00\x80"), 0, "128"},
    {BYTES("\xff\x7f"), 0, "-129"},
    {BYTES("\x04\xd2"), 2, "12.34"},
    {BYTES("\xfb\x2e"), 2, "-12.34"},
    {BYTES("\x3b\x9a\xca\x00"), 0, "1000000000"},
    {BYTES("\x3b\x9a\xca\x00"), 9, "1.000000000"},
    {BYTES("\x00\xff\xff\xff\xff\xff\xff\xff\xff"), 0, "18446744073709551615"},
    {BYTES("\x7f\xff\xff\xff\xff\xff\xff\xff"), 4, "922337203685477.5807"},
    {BYTES("\x80\x00\x00\x00\x00\x00\x00\x00"), 0, "-9223372036854775808"},
    {BYTES("\x01\x00\x00\x00\x00\x00\x00\x00\x00"), 18, "18.446744073709551616"},
};

/* A decimal as text; the scale 0 and more. */
static cs_code
format_decimal(cs_slice bytes, int scale, cs_buffer *text, cs_error *err)
{
    cs_slice copy = test_exact_copy(bytes);
    cs_value value = {.kind = CS_VALUE_DECIMAL};
    cs_code code;

    value.as.decimal.data = (const uint8_t *) copy.data;
    value.as.decimal.len = (uint32_t) copy.len;
    value.as.decimal.scale = scale;
    code = cs_decimal_format(&value, text, err);
    test_exact_free(copy);
    return code;
}

/* Fail unless bytes are this text. */
static void
check_format(cs_slice bytes, int scale, const char *expected)
{
    cs_buffer text;
    cs_error err;

    cs_buffer_init(&text, cs_malloc_env());
    assert_ok(format_decimal(bytes, scale, &text, &err), &err);
    assert_same_bytes(slice_of_buffer(&text), cs_slice_of(expected));
    cs_buffer_free(&text);
}

/* Fail unless text is these bytes. */
static void
check_parse(const char *text, int scale, cs_slice expected)
{
    cs_slice copy = test_exact_copy(cs_slice_of(text));
    cs_buffer bytes;
    cs_error err;

    cs_buffer_init(&bytes, cs_malloc_env());
    assert_outcome(cs_decimal_parse(copy, scale, &bytes, &err), CS_OK, &err, NULL, text);
    assert_same_bytes(slice_of_buffer(&bytes), expected);
    cs_buffer_free(&bytes);
    test_exact_free(copy);
}

static void
test_decimals(void **state)
{
    (void) state;
    for (size_t i = 0; i < LENGTH(decimal_cases); i++)
    {
        const decimal_case *c = &decimal_cases[i];

        check_format(c->bytes, c->scale, c->text);
        check_parse(c->text, c->scale, c->bytes);
    }
    /* Bytes that only repeat the sign, and none at all */
    check_format(BYTES(""), 0, "0");
    check_format(BYTES(""), 2, "0.00");
    check_format(BYTES("\x00\x00\x00\x01"), 0, "1");
    check_format(BYTES("\xff\xff\xff\xff"), 0, "-1");
    check_format(BYTES("\xff\xff\x7f"), 0, "-129");
}

static const struct
{
    const char *text;
    int scale;
    cs_slice bytes;
} decimal_text_taken[] = {
    {"+1", 0, BYTES("\x01")},          {"007", 0, BYTES("\x07")},
    {"-0", 0, BYTES("\x00")},          {"-0.00", 2, BYTES("\x00")},
    {".5", 1, BYTES("\x05")},          {"5.", 1, BYTES("\x32")},
    {"1.50", 1, BYTES("\x0f")}, /* nothing is lost */
    {"1e2", 0, BYTES("\x64")},         {"1E+2", 0, BYTES("\x64")},
    {"100e-2", 0, BYTES("\x01")},      {"1.5e1", 0, BYTES("\x0f")},
    {"1e-2", 2, BYTES("\x01")},        {"-12.5e-1", 2, BYTES("\x83")},
    {"0e999999999", 0, BYTES("\x00")}, {"0e-999999999", 0, BYTES("\x00")},
};

static const struct
{
    cs_slice text;
    int scale;
    const char *message;
} decimal_text_refused[] = {
    {BYTES(""), 0, "\"\" is not a decimal number"},
    {BYTES("-"), 0, "is not a decimal number"},
    {BYTES("."), 0, "is not a decimal number"},
    {BYTES("e1"), 0, "is not a decimal number"},
    {BYTES("1e"), 0, "is not a decimal number"},
    {BYTES("1e+"), 0, "is not a decimal number"},
    {BYTES("1e 2"), 0, "is not a decimal number"},
    {BYTES("1e2 "), 0, "is not a decimal number"},
    {BYTES("1e2x"), 0, "is not a decimal number"},
    {BYTES("1e1.5"), 0, "is not a decimal number"},
    {BYTES("1e2\0"), 0, "is not a decimal number"},
    {BYTES("1e9999999999999999999"), 0, "is not a decimal number"},
    {BYTES("1\0"), 0, "is not a decimal number"},
    {BYTES("1.2.3"), 1, "is not a decimal number"},
    {BYTES("--1"), 0, "is not a decimal number"},
    {BYTES(" 1"), 0, "is not a decimal number"},
    {BYTES("1,5"), 1, "is not a decimal number"},
    {BYTES("NaN"), 0, "\"NaN\" is not a decimal number"},
    {BYTES("0x10"), 0, "is not a decimal number"},
    {BYTES("1.5"), 0, "1.5 has more than 0 digits behind the point"},
    {BYTES("0.001"), 2, "has more than 2 digits behind the point"},
    {BYTES("1e-3"), 2, "has more than 2 digits behind the point"},
    {BYTES("1e-999999999"), 2, "has more than 2 digits behind the point"},
    {BYTES("1e999999999"), 0, "decimal has more than"},
};

static void
test_decimal_text(void **state)
{
    (void) state;
    for (size_t i = 0; i < LENGTH(decimal_text_taken); i++)
        check_parse(decimal_text_taken[i].text, decimal_text_taken[i].scale,
                    decimal_text_taken[i].bytes);
    for (size_t i = 0; i < LENGTH(decimal_text_refused); i++)
    {
        cs_slice copy = test_exact_copy(decimal_text_refused[i].text);
        cs_buffer bytes;
        cs_error err;

        cs_buffer_init(&bytes, cs_malloc_env());
        assert_outcome(cs_decimal_parse(copy, decimal_text_refused[i].scale, &bytes, &err),
                       CS_ERR_RANGE, &err, decimal_text_refused[i].message,
                       decimal_text_refused[i].text.data);
        assert_int_equal(bytes.len, 0);
        cs_buffer_free(&bytes);
        test_exact_free(copy);
    }
}

/* The text of a number of 128 bits, made without core. */
static void
print_wide(__int128 number, int scale, char *text)
{
    unsigned __int128 rest = number < 0 ? -(unsigned __int128) number : (unsigned __int128) number;
    char digits[64];
    int count = 0;

    for (; rest > 0 || count <= scale; rest /= 10)
        digits[count++] = (char) ('0' + (int) (rest % 10));
    if (number < 0)
        *text++ = '-';
    while (count-- > 0)
    {
        *text++ = digits[count];
        if (count == scale && scale > 0)
            *text++ = '.';
    }
    *text = '\0';
}

/* Against arithmetic of the compiler. */
static void
test_random_decimals(void **state)
{
    test_random random;

    (void) state;
    test_random_start(&random, "decimals of 128 bits");
    for (size_t i = 0; i < test_rounds(5000); i++)
    {
        unsigned __int128 bits =
            (unsigned __int128) test_random_next(&random) << 64 | test_random_next(&random);
        __int128 number = (__int128) bits >> test_random_below(&random, 128);
        int scale = (int) test_random_below(&random, 45);
        uint8_t bytes[16];
        char text[64];
        size_t first = 0;

        for (int j = 0; j < 16; j++)
            bytes[j] = (uint8_t) (number >> (8 * (15 - j)));
        print_wide(number, scale, text);
        check_format((cs_slice){(char *) bytes, 16}, scale, text);
        while (first < 15 && ((bytes[first] == 0 && bytes[first + 1] < 0x80) ||
                              (bytes[first] == 0xff && bytes[first + 1] >= 0x80)))
            first++;
        check_parse(text, scale, (cs_slice){(char *) bytes + first, 16 - first});
    }
}

/* Long ones, by going there and back; up to the limit and one byte more. */
static void
test_long_decimals(void **state)
{
    static uint8_t bytes[CS_AVRO_MAX_DECIMAL_BYTES + 1];
    test_random random;

    (void) state;
    test_random_start(&random, "long decimals");
    for (size_t i = 0; i < test_rounds(30); i++)
    {
        size_t len = i < 4
                         ? CS_AVRO_MAX_DECIMAL_BYTES
                         : 20 + (size_t) test_random_below(&random, CS_AVRO_MAX_DECIMAL_BYTES - 20);
        int scale = (int) test_random_below(&random, 200);
        cs_buffer text, back;
        cs_error err;

        for (size_t j = 0; j < len; j++)
            bytes[j] = i < 2 ? 0xff : (uint8_t) test_random_next(&random);
        bytes[0] = i % 2 == 0 ? 0x7f : 0x80;
        cs_buffer_init(&text, cs_malloc_env());
        cs_buffer_init(&back, cs_malloc_env());
        assert_ok(format_decimal((cs_slice){(char *) bytes, len}, scale, &text, &err), &err);
        assert_ok(cs_decimal_parse(slice_of_buffer(&text), scale, &back, &err), &err);
        assert_same_bytes(slice_of_buffer(&back), ((cs_slice){(char *) bytes, len}));
        cs_buffer_free(&text);
        cs_buffer_free(&back);
    }
}

static void
test_decimal_limits(void **state)
{
    static char bytes[CS_AVRO_MAX_DECIMAL_BYTES + 1], digits[40000];
    cs_buffer out;
    cs_error err;

    (void) state;
    cs_buffer_init(&out, cs_malloc_env());
    memset(bytes, 0x7f, sizeof(bytes));
    assert_refused(format_decimal((cs_slice){bytes, sizeof(bytes)}, 0, &out, &err), CS_ERR_LIMIT,
                   &err, "a decimal of 4097 bytes is over the limit of 4096 bytes");
    memset(bytes, 0, sizeof(bytes) - 1); /* the sign alone does not count */
    assert_ok(format_decimal((cs_slice){bytes, sizeof(bytes)}, 0, &out, &err), &err);
    /* A scale that no number needs, with and without a number */
    assert_refused(format_decimal(BYTES("\x01"), 1000000000, &out, &err), CS_ERR_LIMIT, &err,
                   "a decimal of scale 1000000000 is over the limit");
    assert_refused(format_decimal(BYTES(""), 1000000000, &out, &err), CS_ERR_LIMIT, &err,
                   "a decimal of scale 1000000000 is over the limit");
    memset(digits, '9', sizeof(digits));
    out.len = 0;
    for (size_t len = 9860; len < 9900; len++) /* 256^4096 has 9865 digits */
    {
        cs_code code = cs_decimal_parse((cs_slice){digits, len}, 0, &out, &err);

        if (code == CS_OK)
            assert_true(out.len <= CS_AVRO_MAX_DECIMAL_BYTES && len <= 9864);
        else
            assert_refused(code, CS_ERR_RANGE, &err, "takes more than 4096 bytes");
        out.len = 0;
    }
    assert_refused(cs_decimal_parse((cs_slice){digits, sizeof(digits)}, 0, &out, &err),
                   CS_ERR_RANGE, &err, "more than");
    cs_buffer_free(&out);
}

static void
test_uuids(void **state)
{
    static const char *const good[] = {"00000000-0000-0000-0000-000000000000",
                                       "0123abcd-ef01-2345-6789-abcdefABCDEF"};
    static const char *const bad[] = {
        "",
        "0123abcdef0123456789abcdefabcdef",
        "0123abcd-ef01-2345-6789-abcdefabcde",
        "0123abcd-ef01-2345-6789-abcdefabcdeff",
        "0123abcd-ef01-2345-6789-abcdefabcdeg",
        "0123abcdef-01-2345-6789-abcdefabcdef",
        "0123abcd-ef01-2345-67890abcdefabcdef",
        "-0123abc-ef01-2345-6789-abcdefabcdef",
        "{123abcd-ef01-2345-6789-abcdefabcde}",
    };
    uint8_t uuid[CS_UUID_BYTES];

    (void) state;
    for (size_t i = 0; i < LENGTH(good); i++)
    {
        char text[CS_UUID_TEXT_SIZE];
        cs_slice copy = test_exact_copy(cs_slice_of(good[i]));

        assert_true(cs_uuid_parse(copy, uuid));
        cs_uuid_format(uuid, text);
        assert_int_equal(strlen(text), CS_UUID_TEXT_SIZE - 1);
        assert_int_equal(strcasecmp(text, good[i]), 0);
        test_exact_free(copy);
    }
    assert_memory_equal(uuid, "\x01\x23\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef\xab\xcd\xef",
                        16);
    for (size_t i = 0; i < LENGTH(bad); i++)
    {
        cs_slice copy = test_exact_copy(cs_slice_of(bad[i]));

        if (cs_uuid_parse(copy, uuid))
            fail_msg("%s was taken", bad[i]);
        test_exact_free(copy);
    }
}

static const struct
{
    cs_value value;
    const char *text;
} text_cases[] = {
    {{.kind = CS_VALUE_BOOL, .as.boolean = true}, "true"},
    {{.kind = CS_VALUE_BOOL}, "false"},
    {{.kind = CS_VALUE_INTEGER, .as.integer = INT64_MIN}, "-9223372036854775808"},
    {{.kind = CS_VALUE_STRING, .as.bytes = {"ab", 2}}, "ab"},
    {{.kind = CS_VALUE_STRING}, ""},
    {{.kind = CS_VALUE_BYTES, .as.bytes = {"\x00\xff\x0a", 3}}, "\\x00ff0a"},
    {{.kind = CS_VALUE_BYTES}, "\\x"},
    {{.kind = CS_VALUE_TIME, .as.time = 0}, "2000-01-01T00:00:00Z"},
    {{.kind = CS_VALUE_TIME, .as.time = -1}, "1999-12-31T23:59:59.999999Z"},
    {{.kind = CS_VALUE_TIME, .nanos = 1, .as.time = -1}, "1999-12-31T23:59:59.999999001Z"},
    {{.kind = CS_VALUE_TIME, .nanos = 20, .as.time = 0}, "2000-01-01T00:00:00.000000020Z"},
    {{.kind = CS_VALUE_TIME, .as.time = CS_TIME_MIN}, "-4713-11-24T00:00:00Z"},
    {{.kind = CS_VALUE_TIME, .as.time = CS_TIME_END - 1}, "+294276-12-31T23:59:59.999999Z"},
    {{.kind = CS_VALUE_LOCAL_TIME, .as.time = 1}, "2000-01-01T00:00:00.000001"},
    {{.kind = CS_VALUE_LOCAL_TIME, .nanos = 300, .as.time = 1}, "2000-01-01T00:00:00.000001300"},
    {{.kind = CS_VALUE_DATE, .as.days = 0}, "2000-01-01"},
    {{.kind = CS_VALUE_DATE, .as.days = -1}, "1999-12-31"},
    {{.kind = CS_VALUE_DATE, .as.days = (int32_t) CS_DATE_MIN}, "-4713-11-24"},
    {{.kind = CS_VALUE_DATE, .as.days = (int32_t) CS_DATE_END - 1}, "+5874897-12-31"},
    {{.kind = CS_VALUE_DATE, .as.days = -730500}, "-0001-12-17"},
    {{.kind = CS_VALUE_TIME_OF_DAY, .as.time_of_day = 0}, "00:00:00"},
    {{.kind = CS_VALUE_TIME_OF_DAY, .as.time_of_day = CS_DAY - 1}, "23:59:59.999999"},
    {{.kind = CS_VALUE_DECIMAL, .as.decimal = {(const uint8_t *) "\xfb\x2e", 2, 2}}, "-12.34"},
    {{.kind = CS_VALUE_DURATION}, "P0M0DT0S"},
    {{.kind = CS_VALUE_DURATION, .as.duration = {1, 2, 3004}}, "P1M2DT3.004S"},
    {{.kind = CS_VALUE_DURATION, .as.duration = {UINT32_MAX, UINT32_MAX, UINT32_MAX}},
     "P4294967295M4294967295DT4294967.295S"},
};

static void
test_text(void **state)
{
    static const uint8_t uuid[CS_UUID_BYTES] = "\x01\x23\xab\xcd";
    static const cs_value_kind without[] = {CS_VALUE_NULL, CS_VALUE_FLOAT, CS_VALUE_DOUBLE,
                                            CS_VALUE_NESTED};
    cs_value value = {.kind = CS_VALUE_UUID};
    cs_buffer text;
    cs_error err;

    (void) state;
    cs_buffer_init(&text, cs_malloc_env());
    for (size_t i = 0; i < LENGTH(text_cases); i++)
    {
        text.len = 0;
        assert_outcome(cs_value_text(&text_cases[i].value, &text, &err), CS_OK, &err, NULL,
                       text_cases[i].text);
        assert_same_bytes(slice_of_buffer(&text), cs_slice_of(text_cases[i].text));
    }
    text.len = 0;
    memcpy(value.as.uuid, uuid, sizeof(uuid));
    assert_ok(cs_value_text(&value, &text, &err), &err);
    assert_same_bytes(slice_of_buffer(&text), cs_slice_of("0123abcd-0000-0000-0000-000000000000"));
    for (size_t i = 0; i < LENGTH(without); i++)
    {
        value.kind = without[i];
        assert_refused(cs_value_text(&value, &text, &err), CS_ERR_ARGUMENT, &err, "no text");
    }
    cs_buffer_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_decimal_text),
        cmocka_unit_test(test_random_decimals),
        cmocka_unit_test(test_long_decimals),
        cmocka_unit_test(test_decimal_limits),
        cmocka_unit_test(test_uuids),
        cmocka_unit_test(test_text),
    };

    return cmocka_run_group_tests_name("avro_value", tests, NULL, NULL);
}
