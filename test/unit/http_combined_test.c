/*
 * test/unit/http_combined_test.c
 *     The grammar of a web server's log line.
 */
#include "http_combined.h"
#include "support.h"

#include <stdlib.h>

#define TIME "10/Mar/2024:08:00:00 +0800"
#define HEAD "192.0.2.7 - frank [" TIME "] "
#define TAIL " 200 2326"
#define REQUEST "\"GET /campaigns/12 HTTP/1.1\""
#define AGENT " \"http://example.com/\" \"Mozilla/5.0 (X11)\""
#define GOOD HEAD REQUEST TAIL

/* A line and what is in it. */
typedef struct good_line
{
    const char *line;
    const char *method;
    const char *path;
    const char *user; /* NULL: nobody */
    const char *host;
} good_line;

/* A line and what is wrong with it. */
typedef struct bad_line
{
    const char *line;
    const char *message;
} bad_line;

static char room[CS_LOG_LINE_MAX_BYTES];

/* Parse a copy of the line that ends where its memory ends; the fields stay in it. */
static cs_code
parse(cs_slice copy, cs_combined_user who, cs_log_line *fields, cs_error *err)
{
    return cs_combined_parse(copy, who, room, fields, err);
}

/* Fail unless a field holds this text. */
static void
check_text(cs_slice field, const char *expected, const char *line)
{
    if (expected == NULL ? field.data != NULL : !cs_slice_is(field, expected))
        fail_msg("\"%.*s\" in: %s", (int) field.len, field.data, line);
}

static void
test_good_lines(void **state)
{
    static const good_line cases[] = {
        {GOOD, "GET", "/campaigns/12", "frank", "192.0.2.7"},
        {GOOD "\r", "GET", "/campaigns/12", "frank", "192.0.2.7"},
        {GOOD AGENT, "GET", "/campaigns/12", "frank", "192.0.2.7"},
        {GOOD " \"-\" \"-\"", "GET", "/campaigns/12", "frank", "192.0.2.7"},
        {GOOD " \"\" \"\"", "GET", "/campaigns/12", "frank", "192.0.2.7"},
        {GOOD AGENT " \"10.0.0.1\" rt=0.003", "GET", "/campaigns/12", "frank", "192.0.2.7"},
        {GOOD " \"-\" \"say \\\"hi\\\" \\\\\"", "GET", "/campaigns/12", "frank", "192.0.2.7"},
        {HEAD REQUEST " 304 -", "GET", "/campaigns/12", "frank", "192.0.2.7"},
        {HEAD REQUEST " - -", "GET", "/campaigns/12", "frank", "192.0.2.7"},
        {"2001:db8::1 - u [" TIME "] \"POST /r HTTP/2.0\"" TAIL, "POST", "/r", "u", "2001:db8::1"},
        {"host.example ident u [" TIME "] " REQUEST TAIL, "GET", "/campaigns/12", "u",
         "host.example"},
        {"h - Frank Lee [" TIME "] " REQUEST TAIL, "GET", "/campaigns/12", "Frank Lee", "h"},
        {"h - -a - [" TIME "] " REQUEST TAIL, "GET", "/campaigns/12", "-a -", "h"},
        {"h - a [b] c [" TIME "] " REQUEST TAIL, "GET", "/campaigns/12", "a [b] c", "h"},
        {"h -  [" TIME "] [" TIME "] " REQUEST TAIL, "GET", "/campaigns/12", " [" TIME "]", "h"},
        {"h - \\\"q\\\" [" TIME "] " REQUEST TAIL, "GET", "/campaigns/12", "\"q\"", "h"},
        {"h - \\\\ [" TIME "] " REQUEST TAIL, "GET", "/campaigns/12", "\\", "h"},
        {"h - \\x22q\\x22 [" TIME "] " REQUEST TAIL, "GET", "/campaigns/12", "\"q\"", "h"},
        {"h - \\xC3\\xa9 [" TIME "] " REQUEST TAIL, "GET", "/campaigns/12", "\xc3\xa9", "h"},
        {"h - \xc3\xa9 [" TIME "] " REQUEST TAIL, "GET", "/campaigns/12", "\xc3\xa9", "h"},
        {"h - - [" TIME "] " REQUEST TAIL, "GET", "/campaigns/12", NULL, "h"},
        {"h - \"\" [" TIME "] " REQUEST TAIL, "GET", "/campaigns/12", NULL, "h"},
        {"- - u [" TIME "] " REQUEST TAIL, "GET", "/campaigns/12", "u", NULL},
        {HEAD "\"GET /a?q=\\\"x\\\" HTTP/1.1\"" TAIL, "GET", "/a?q=\"x\"", "frank", "192.0.2.7"},
        {HEAD "\"GET /a\\\\ HTTP/1.1\"" TAIL, "GET", "/a\\", "frank", "192.0.2.7"},
        {HEAD "\"GET /\\x5c\\x22 HTTP/1.1\"" TAIL, "GET", "/\\\"", "frank", "192.0.2.7"},
        {HEAD "\"OPTIONS * HTTP/1.0\"" TAIL, "OPTIONS", "*", "frank", "192.0.2.7"},
        {HEAD "\"PRI * HTTP/2.0\"" TAIL, "PRI", "*", "frank", "192.0.2.7"},
        {HEAD "\"GET http://a/b HTTP/1.1\"" TAIL, "GET", "http://a/b", "frank", "192.0.2.7"},
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
    {
        cs_slice copy = test_exact_copy(cs_slice_of(cases[i].line));
        cs_log_line fields;
        cs_error err;
        cs_code code = parse(copy, CS_COMBINED_USER, &fields, &err);

        assert_outcome(code, CS_OK, &err, NULL, cases[i].line);
        assert_int_equal(fields.time, cs_days_from_date(2024, 3, 10) * CS_DAY);
        check_text(fields.method, cases[i].method, cases[i].line);
        check_text(fields.path, cases[i].path, cases[i].line);
        check_text(fields.user_id, cases[i].user, cases[i].line);
        assert_ok(parse(copy, CS_COMBINED_HOST, &fields, &err), &err);
        check_text(fields.user_id, cases[i].host, cases[i].line);
        test_exact_free(copy);
    }
}

static void
test_bad_lines(void **state)
{
    static const bad_line cases[] = {
        {"", "empty"},
        {"\r", "empty"},
        {"\t", "control character"},
        {GOOD " \"\xff\" \"-\"", "not valid UTF-8"},
        {"2024-03-10T08:00:00Z GET /campaigns/12 u1", "not of the form host"},
        {"h", "not of the form host"},
        {"h -", "not of the form host"},
        {"h - u", "not of the form host"},
        {" h - u [" TIME "] " REQUEST TAIL, "not of the form host"},
        {"h  u [" TIME "] " REQUEST TAIL, "not of the form host"},
        {"h - [" TIME "] " REQUEST TAIL, "not of the form host"},
        {"h - u " TIME " " REQUEST TAIL, "not of the form host"},
        {"h - u[" TIME "] " REQUEST TAIL, "not of the form host"},
        {"h - u [" TIME "]" REQUEST TAIL, "not of the form host"},
        {"h - u\"v [" TIME "] " REQUEST TAIL, "not of the form host"},
        {HEAD "GET /campaigns/12 HTTP/1.1" TAIL, "not of the form host"},
        {HEAD "\"GET /campaigns/12 HTTP/1.1" TAIL, "not of the form host"},
        {HEAD "\"GET /campaigns/12 HTTP/1.1\\\"" TAIL, "not of the form host"},
        {HEAD REQUEST, "not of the form host"},
        {HEAD REQUEST " 200", "not of the form host"},
        {HEAD REQUEST " 200 ", "not of the form host"},
        {HEAD REQUEST " 2000 12", "not of the form host"},
        {HEAD REQUEST " OK 12", "not of the form host"},
        {HEAD REQUEST " 200 12k", "not of the form host"},
        {HEAD REQUEST " 200 123456789012345678901", "not of the form host"},
        {GOOD " ", "not of the form host"},
        {GOOD " \"-\"", "not of the form host"},
        {GOOD " \"-\" -", "not of the form host"},
        {GOOD " \"-\" \"cut", "not of the form host"},
        {GOOD " \"-\" \"-\"x", "not of the form host"},
        {"www.example:80 192.0.2.7 - - [" TIME "] " REQUEST TAIL AGENT, "virtual host"},
        {"www.example:80 192.0.2.7 - frank [" TIME "] " REQUEST TAIL AGENT, "cut -d' ' -f2-"},
        {"www.example:80 192.0.2.7 - Frank Lee [" TIME "] " REQUEST TAIL, "virtual host"},
        {"www.example:80 192.0.2.7 - \"\" [" TIME "] " REQUEST TAIL, "virtual host"},
        {"h - - [x] [" TIME "] " REQUEST TAIL, "virtual host"},
        {"h - - \"\"\" [" TIME "] " REQUEST TAIL, "not of the form host"},
        {"h - u [10/Mrz/2024:08:00:00 +0800] " REQUEST TAIL, "not of the form DD/Mon"},
        {"h - u [10/mar/2024:08:00:00 +0800] " REQUEST TAIL, "not of the form DD/Mon"},
        {"h - u [2024-03-10T08:00:00+08:00] " REQUEST TAIL, "not of the form DD/Mon"},
        {"h - u [] " REQUEST TAIL, "not of the form DD/Mon"},
        {"h - u [10/Mar/2024:08:00:00] " REQUEST TAIL, "malformed offset"},
        {"h - u [10/Mar/2024:08:00:00 +08000] " REQUEST TAIL, "malformed offset"},
        {"h - u [30/Feb/2024:08:00:00 +0800] " REQUEST TAIL, "day that does not exist"},
        {"h - u [00/Mar/2024:08:00:00 +0800] " REQUEST TAIL, "day that does not exist"},
        {"h - u [10/Mar/0000:08:00:00 +0800] " REQUEST TAIL, "day that does not exist"},
        {"h - u [10/Mar/2024:08:00:60 +0800] " REQUEST TAIL, "time of day"},
        {HEAD "\"-\" 408 -", "request is empty"},
        {HEAD "\"\" 400 -", "request is empty"},
        {HEAD "\"\\x16\\x03\\x01\" 400 226", "request is not of the form"},
        {HEAD "\"\\x16\\x03 /x HTTP/1.1\" 400 226", "request is not of the form"},
        {HEAD "\"GET /campaigns/12\"" TAIL, "request is not of the form"},
        {HEAD "\"GET  HTTP/1.1\"" TAIL, "request is not of the form"},
        {HEAD "\"GET / x HTTP/1.1\"" TAIL, "request is not of the form"},
        {HEAD "\" /x HTTP/1.1\"" TAIL, "request is not of the form"},
        {HEAD "\"GET /x HTTP/\"" TAIL, "request is not of the form"},
        {HEAD "\"GET /x ICY/1.0\"" TAIL, "request is not of the form"},
        {HEAD "\"GET /x HTTP/1.1 \"" TAIL, "request is not of the form"},
        {HEAD "\"GET /\\x0a HTTP/1.1\"" TAIL, "path holds a control character"},
        {HEAD "\"GET /\\n HTTP/1.1\"" TAIL, "path holds a control character"},
        {HEAD "\"GET /\\x00 HTTP/1.1\"" TAIL, "path holds a control character"},
        {HEAD "\"GET /\\xe9 HTTP/1.1\"" TAIL, "path is not valid UTF-8"},
        {HEAD "\"GET /\\q HTTP/1.1\"" TAIL, "path has an escape"},
        {HEAD "\"GET /\\xg0 HTTP/1.1\"" TAIL, "path has an escape"},
        {HEAD "\"GET /\\x0 HTTP/1.1\"" TAIL, "path has an escape"},
        {HEAD "\"GET /\\x HTTP/1.1\"" TAIL, "path has an escape"},
        {"h - \\xff [" TIME "] " REQUEST TAIL, "user is not valid UTF-8"},
        {"h - \\ [" TIME "] " REQUEST TAIL, "user has an escape"},
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
    {
        cs_slice copy = test_exact_copy(cs_slice_of(cases[i].line));
        cs_log_line fields;
        cs_error err;

        assert_outcome(parse(copy, CS_COMBINED_USER, &fields, &err), CS_ERR_DATA, &err,
                       cases[i].message, cases[i].line);
        assert_int_equal(parse(copy, CS_COMBINED_HOST, &fields, &err) == CS_OK,
                         strncmp(cases[i].message, "user ", strlen("user ")) == 0);
        test_exact_free(copy);
    }
}

static void
test_times(void **state)
{
    static const struct
    {
        const char *text;
        const char *utc;
    } cases[] = {
        {"10/Mar/2024:08:00:00 +0800", "2024-03-10T00:00:00Z"},
        {"01/Jan/1970:00:00:00 +0000", "1970-01-01T00:00:00Z"},
        {"29/Feb/2024:23:59:59 -0330", "2024-03-01T03:29:59Z"},
        {"31/Dec/9999:23:59:59.25 +0000", "9999-12-31T23:59:59.250000Z"},
        {"05/Apr/2024:01:02:03 Z", "2024-04-05T01:02:03Z"},
        {"05/May/2024:01:02:03 +08:00", "2024-05-04T17:02:03Z"},
    };
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
    {
        char text[CS_TIME_TEXT_SIZE];
        cs_time time;
        cs_error err;

        assert_outcome(cs_time_parse_web(cs_slice_of(cases[i].text), &time, &err), CS_OK, &err,
                       NULL, cases[i].text);
        cs_time_format(time, text);
        assert_string_equal(text, cases[i].utc);
    }
    for (int month = 1; month <= 12; month++)
    {
        char text[] = "07/xxx/2023:00:00:00 +0000";
        cs_time time;
        cs_error err;

        memcpy(text + 3, months + (ptrdiff_t) 3 * (month - 1), 3);
        assert_ok(cs_time_parse_web(cs_slice_of(text), &time, &err), &err);
        assert_int_equal(time, cs_days_from_date(2023, month, 7) * CS_DAY);
    }
}

static void
test_length_limit(void **state)
{
    const char *end = " \"-\" \"";
    size_t head = strlen(GOOD) + strlen(end);
    char *line = malloc(CS_LOG_LINE_MAX_BYTES + 2);
    cs_log_line fields;
    cs_error err;

    (void) state;
    assert_non_null(line);
    memset(line, 'x', CS_LOG_LINE_MAX_BYTES + 2);
    memcpy(line, GOOD, strlen(GOOD));
    memcpy(line + strlen(GOOD), end, strlen(end));
    assert_true(head < CS_LOG_LINE_MAX_BYTES);
    line[CS_LOG_LINE_MAX_BYTES - 1] = '"';
    assert_ok(parse((cs_slice){line, CS_LOG_LINE_MAX_BYTES}, CS_COMBINED_USER, &fields, &err),
              &err);
    assert_refused(
        parse((cs_slice){line, CS_LOG_LINE_MAX_BYTES + 1}, CS_COMBINED_USER, &fields, &err),
        CS_ERR_DATA, &err, "longer than");
    free(line);
}

/* Fail unless a field lies in the line or in the room. */
static void
check_place(cs_slice field, cs_slice line)
{
    bool in_line = field.data >= line.data && field.data + field.len <= line.data + line.len;
    bool in_room = field.data >= room && field.data + field.len <= room + sizeof(room);

    assert_true(field.len > 0 && (in_line || in_room));
    assert_true(cs_utf8_valid(field.data, field.len));
}

/* A line changed by chance: bytes replaced, pieces doubled or cut out. */
static size_t
mutate(test_random *random, const char *from, char *to, size_t limit)
{
    static const char bytes[] = "\" \\[]-x0\xc3\xa9\r\t:/+";
    size_t len = strlen(from);

    memcpy(to, from, len);
    for (uint64_t changes = 1 + test_random_below(random, 4); changes > 0 && len > 1; changes--)
    {
        size_t place = test_random_below(random, len);
        size_t count = 1 + test_random_below(random, len - place);

        switch (test_random_below(random, 4))
        {
            case 0:
                to[place] = (char) test_random_next(random);
                break;
            case 1:
                to[place] = bytes[test_random_below(random, sizeof(bytes) - 1)];
                break;
            case 2: /* cut out */
                memmove(to + place, to + place + count, len - place - count);
                len -= count;
                break;
            default: /* double */
                if (len + count > limit)
                    break;
                memmove(to + place + count, to + place, len - place);
                len += count;
        }
    }
    return len;
}

static void
test_mutations(void **state)
{
    static const char *const seeds[] = {GOOD,
                                        GOOD AGENT,
                                        HEAD "\"GET /a?q=\\\"x\\\"\\x41 HTTP/1.1\"" TAIL,
                                        "v h - - [" TIME "] " REQUEST TAIL,
                                        "h - \"\" [" TIME "] " REQUEST TAIL,
                                        "h - Fr\\xc3\\xa9d [x] [" TIME "] " REQUEST TAIL};
    size_t counts[2] = {0, 0}; /* refused, taken */
    test_random random;
    char text[1024];

    (void) state;
    test_random_start(&random, "http_combined");
    for (size_t i = 0; i < test_rounds(20000); i++)
    {
        size_t len = mutate(&random, seeds[i % LENGTH(seeds)], text, sizeof(text));
        cs_slice copy = test_exact_copy((cs_slice){text, len});
        cs_log_line fields;
        cs_error err;
        cs_code code = parse(copy, i % 2 == 0 ? CS_COMBINED_USER : CS_COMBINED_HOST, &fields, &err);

        assert_true(code == CS_OK || code == CS_ERR_DATA);
        counts[code == CS_OK]++;
        if (code == CS_OK)
        {
            check_place(fields.method, copy);
            check_place(fields.path, copy);
            if (fields.user_id.data != NULL)
                check_place(fields.user_id, copy);
        }
        test_exact_free(copy);
    }
    assert_true(counts[0] > 0 && counts[1] > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_lines), cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_times),      cmocka_unit_test(test_length_limit),
        cmocka_unit_test(test_mutations),
    };

    return cmocka_run_group_tests_name("http_combined", tests, NULL, NULL);
}
