/*
 * test/unit/http_log_test.c
 *     The grammar of a log line.
 */
#include "http_log.h"
#include "support.h"

#include <stdlib.h>

#define TIME "2024-03-10T08:00:00Z"
#define GOOD TIME " GET /campaigns/12 u1"

/* A line and what is wrong with it. */
typedef struct bad_line
{
    cs_slice line;
    const char *message;
} bad_line;

/* A literal as a slice; it may hold NULs. */
#define LINE(text) ((cs_slice){text, sizeof(text) - 1})

/* Parse a copy of the line that ends where its memory ends. */
static cs_code
parse(cs_slice line, cs_error *err)
{
    cs_slice copy = test_exact_copy(line);
    cs_log_line fields;
    cs_code code = cs_log_line_parse(copy, &fields, err);

    test_exact_free(copy);
    return code;
}

static void
test_fields(void **state)
{
    cs_slice line = LINE("2024-03-10T08:00:00.25+08:00 POST /rewards/7?x=1 user-\xc3\xa9");
    cs_log_line fields;
    cs_error err;

    (void) state;
    assert_ok(cs_log_line_parse(line, &fields, &err), &err);
    assert_int_equal(fields.time, (cs_days_from_date(2024, 3, 10) * CS_DAY) + CS_SECOND / 4);
    assert_true(cs_slice_is(fields.method, "POST"));
    assert_true(cs_slice_is(fields.path, "/rewards/7?x=1"));
    assert_true(cs_slice_is(fields.user_id, "user-\xc3\xa9"));
    assert_ptr_equal(fields.user_id.data + fields.user_id.len, line.data + line.len);
}

static void
test_carriage_return_at_end_is_cut(void **state)
{
    cs_slice line = LINE(GOOD "\r");
    cs_log_line fields;
    cs_error err;

    (void) state;
    assert_ok(cs_log_line_parse(line, &fields, &err), &err);
    assert_true(cs_slice_is(fields.user_id, "u1"));
}

static void
test_bad_lines(void **state)
{
    static const bad_line cases[] = {
        {LINE(""), "empty"},
        {LINE("\r"), "empty"},
        {LINE(" "), "empty field"},
        {LINE(" " GOOD), "empty field"},
        {LINE(GOOD " "), "empty field"},
        {LINE(GOOD " \r"), "empty field"},
        {LINE(TIME "  GET /campaigns/12 u1"), "empty field"},
        {LINE(TIME " GET  /campaigns/12 u1"), "empty field"},
        {LINE(TIME " GET /campaigns/12  u1"), "empty field"},
        {LINE(TIME " GET /campaigns/12"), "3 fields instead of 4"},
        {LINE(TIME), "1 field instead of 4"},
        {LINE(TIME " GET /campaigns/12 u1 x"), "5 fields instead of 4"},
        {LINE(TIME " GET /a b c d e f u1"), "9 fields instead of 4"},
        {LINE(GOOD "\r\r"), "control"},
        {LINE(TIME " GET /campaigns/12\r u1"), "control"},
        {LINE(TIME "\tGET\t/campaigns/12\tu1"), "control"},
        {LINE(GOOD "\n"), "control"},
        {LINE("2024-02-30T08:00:00Z GET /campaigns/12 u1"), "day that does not exist"},
        {LINE("2024-03-10T08:00:00 GET /campaigns/12 u1"), "no offset"},
        {LINE("2024-03-10 08:00:00Z GET /campaigns/12 u1"), "5 fields"},
        {LINE("yesterday GET /campaigns/12 u1"), "not of the form"},
        {LINE("\xef\xbb\xbf" GOOD), "not of the form"}, /* a BOM is the reader's to cut */
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
    {
        cs_error err;

        assert_outcome(parse(cases[i].line, &err), CS_ERR_DATA, &err, cases[i].message,
                       cases[i].line.data);
    }
}

/* Any byte may stand anywhere but the control bytes, and those that break UTF-8. */
static void
test_every_byte(void **state)
{
    (void) state;
    for (int byte = 0; byte < 256; byte++)
    {
        char line[] = TIME " GET /campaigns/12?x=_&y u1";
        bool is_control = byte < 0x20 || byte == 0x7f;
        cs_error err;
        cs_code code;

        *strchr(line, '_') = (char) byte;
        code = parse((cs_slice){line, sizeof(line) - 1}, &err);
        if (is_control)
            assert_refused(code, CS_ERR_DATA, &err, "control character");
        else if (byte == ' ')
            assert_refused(code, CS_ERR_DATA, &err, "5 fields");
        else if (byte >= 0x80)
            assert_refused(code, CS_ERR_DATA, &err, "not valid UTF-8");
        else
            assert_ok(code, &err);
    }
}

/*
 * A byte at a place behind the timestamp of a line of every length: what is between
 * the spaces comes out, whatever words the line is looked at in.
 */
static void
check_byte_at_every_place(char byte, cs_code expected)
{
    const size_t head = strlen(TIME " ");
    char line[200];

    for (size_t len = head + 7; len < sizeof(line); len++)
        for (size_t place = head; place < len; place++)
        {
            size_t method_end = head + (len - head) / 3;
            size_t path_end = method_end + (len - head) / 3;
            cs_log_line fields;
            cs_error err;
            cs_code code;

            memset(line, 'm', len);
            memcpy(line, TIME " ", head);
            line[method_end] = line[path_end] = ' ';
            if (line[place] == ' ')
                continue;
            line[place] = byte;
            code = parse((cs_slice){line, len}, &err);
            assert_code(code, expected, &err);
            if (code != CS_OK)
                continue;
            assert_ok(cs_log_line_parse((cs_slice){line, len}, &fields, &err), &err);
            assert_ptr_equal(fields.method.data, line + head);
            assert_int_equal(fields.method.len, method_end - head);
            assert_ptr_equal(fields.path.data, line + method_end + 1);
            assert_int_equal(fields.path.len, path_end - method_end - 1);
            assert_ptr_equal(fields.user_id.data, line + path_end + 1);
            assert_int_equal(fields.user_id.len, len - path_end - 1);
        }
}

static void
test_every_place(void **state)
{
    (void) state;
    check_byte_at_every_place('~', CS_OK); /* the neighbours of what is refused */
    check_byte_at_every_place('!', CS_OK);
    check_byte_at_every_place('\x1f', CS_ERR_DATA);
    check_byte_at_every_place('\x7f', CS_ERR_DATA);
    check_byte_at_every_place('\0', CS_ERR_DATA);
    check_byte_at_every_place('\x80', CS_ERR_DATA);
    check_byte_at_every_place(' ', CS_ERR_DATA);
}

/* Parse a line whose path is padded to len bytes, followed by end. */
static cs_code
parse_long(size_t len, const char *end, cs_error *err)
{
    const char *head = TIME " GET /";
    const char *tail = " u1";
    char *line = malloc(len + 2);
    cs_code code;

    assert_non_null(line);
    memset(line, 'x', len);
    memcpy(line, head, strlen(head));
    memcpy(line + len - strlen(tail), tail, strlen(tail));
    memcpy(line + len, end, strlen(end));
    code = parse((cs_slice){line, len + strlen(end)}, err);
    free(line);
    return code;
}

static void
test_length_limit(void **state)
{
    cs_error err;

    (void) state;
    assert_int_equal(CS_LOG_LINE_MAX_BYTES, 65536);
    assert_ok(parse_long(65536, "", &err), &err);
    assert_ok(parse_long(65536, "\r", &err), &err);
    assert_refused(parse_long(65537, "", &err), CS_ERR_DATA, &err, "longer than 65536 bytes");
    assert_refused(parse_long(65537, "\r", &err), CS_ERR_DATA, &err, "longer than 65536 bytes");
}

/* RFC 3629, section 4. */
static void
test_utf8_valid(void **state)
{
    static const char *const cases[] = {
        "",
        "plain, of more than eight bytes",
        "\xc2\x80",         /* U+0080, the first of two bytes */
        "\xdf\xbf",         /* U+07FF, the last of two */
        "\xe0\xa0\x80",     /* U+0800, the first of three */
        "\xed\x9f\xbf",     /* U+D7FF, before the surrogates */
        "\xee\x80\x80",     /* U+E000, behind them */
        "\xef\xbf\xbf",     /* U+FFFF, the last of three */
        "\xf0\x90\x80\x80", /* U+10000, the first of four */
        "\xf4\x8f\xbf\xbf", /* U+10FFFF, the last */
        "seven..\xc3\xa9 and \xe2\x82\xac",
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
    {
        cs_slice copy = test_exact_copy(cs_slice_of(cases[i]));

        assert_true(cs_utf8_valid(copy.data, copy.len));
        test_exact_free(copy);
    }
}

static void
test_utf8_invalid(void **state)
{
    static const char *const cases[] = {
        "\x80",             /* a continuation alone */
        "\xbf",             /* the same */
        "\xc0\x80",         /* overlong NUL */
        "\xc0\xaf",         /* overlong slash */
        "\xc1\xbf",         /* overlong */
        "\xe0\x80\x80",     /* overlong */
        "\xe0\x9f\xbf",     /* overlong */
        "\xf0\x80\x80\x80", /* overlong */
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xed\xa0\x80",     /* U+D800, a surrogate */
        "\xed\xbf\xbf",     /* U+DFFF, a surrogate */
        "\xf4\x90\x80\x80", /* U+110000 */
        "\xf5\x80\x80\x80", /* beyond */
        "\xff",             /* never */
        "\xfe",             /* never */
        "\xf8\x88\x80\x80\x80",
        "\xc3",             /* truncated */
        "\xe2\x82",         /* truncated */
        "\xf0\x9f\x98",     /* truncated */
        "\xc3(",            /* no continuation */
        "\xe2\x28\xa1",     /* no continuation in the second place */
        "\xe2\x82\x28",     /* in the third */
        "\xf0\x9f\x98\x28", /* in the fourth */
        "eight...\xc3\xa9 and then\xc3",
        "sevenx.\xc3",
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
    {
        cs_slice copy = test_exact_copy(cs_slice_of(cases[i]));
        char line[64] = GOOD;
        cs_error err;

        assert_false(cs_utf8_valid(copy.data, copy.len));
        strcat(line, cases[i]);
        assert_refused(parse(cs_slice_of(line), &err), CS_ERR_DATA, &err, "UTF-8");
        test_exact_free(copy);
    }
}

/* Encode a code point as UTF-8 encodes it, surrogates too. */
static size_t
put_code_point(uint32_t point, char out[4])
{
    if (point < 0x80)
    {
        out[0] = (char) point;
        return 1;
    }
    if (point < 0x800)
    {
        out[0] = (char) (0xc0 | point >> 6);
        out[1] = (char) (0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000)
    {
        out[0] = (char) (0xe0 | point >> 12);
        out[1] = (char) (0x80 | (point >> 6 & 0x3f));
        out[2] = (char) (0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (char) (0xf0 | point >> 18);
    out[1] = (char) (0x80 | (point >> 12 & 0x3f));
    out[2] = (char) (0x80 | (point >> 6 & 0x3f));
    out[3] = (char) (0x80 | (point & 0x3f));
    return 4;
}

/* Every code point is valid but the surrogates and what lies above U+10FFFF. */
static void
test_utf8_every_code_point(void **state)
{
    (void) state;
    for (uint32_t point = 0; point < 0x1fffff; point++)
    {
        char text[4];
        size_t len = put_code_point(point, text);
        bool valid = point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);

        if (cs_utf8_valid(text, len) != valid)
            fail_msg("U+%04X", point);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_carriage_return_at_end_is_cut),
        cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_every_place),
        cmocka_unit_test(test_length_limit),
        cmocka_unit_test(test_utf8_valid),
        cmocka_unit_test(test_utf8_invalid),
        cmocka_unit_test(test_utf8_every_code_point),
    };

    return cmocka_run_group_tests_name("http_log", tests, NULL, NULL);
}
