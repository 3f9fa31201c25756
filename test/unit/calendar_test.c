/*
 * test/unit/calendar_test.c
 *     Instants as text and back, against the C library's calendar.
 */
#include "calendar.h"
#include "support.h"

#include <stdio.h>
#include <time.h>

#define SECONDS_TO_2000 INT64_C(946684800)

/* A text and the instant it means. */
typedef struct good_text
{
    const char *text;
    const char *utc; /* as cs_time_format writes it */
} good_text;

/* A text that is not an instant, and a part of the message that says why. */
typedef struct bad_text
{
    const char *text;
    const char *message;
} bad_text;

/* Parse every good text and compare what comes out. */
static void
check_good(const good_text *cases, size_t count, cs_time_style style)
{
    for (size_t i = 0; i < count; i++)
    {
        char text[CS_TIME_TEXT_SIZE];
        cs_error err;
        cs_time time;
        size_t len;

        assert_outcome(cs_time_parse(cs_slice_of(cases[i].text), style, &time, &err), CS_OK, &err,
                       NULL, cases[i].text);
        len = cs_time_format(time, text);
        assert_int_equal(len, strlen(text));
        assert_string_equal(text, cases[i].utc);
    }
}

/* Parse every bad text. */
static void
check_bad(const bad_text *cases, size_t count, cs_time_style style)
{
    for (size_t i = 0; i < count; i++)
    {
        cs_error err;
        cs_time time;

        assert_outcome(cs_time_parse(cs_slice_of(cases[i].text), style, &time, &err), CS_ERR_DATA,
                       &err, cases[i].message, cases[i].text);
    }
}

static void
test_rfc3339_good(void **state)
{
    static const good_text cases[] = {
        {"2024-03-10T08:00:00Z", "2024-03-10T08:00:00Z"},
        {"2024-03-10T08:00:00+08:00", "2024-03-10T00:00:00Z"},
        {"2024-03-10T08:00:00+0800", "2024-03-10T00:00:00Z"},
        {"2024-03-10T08:00:00+08", "2024-03-10T00:00:00Z"},
        {"2024-03-10T08:00:00-05:30", "2024-03-10T13:30:00Z"},
        {"2024-03-10T08:00:00-0530", "2024-03-10T13:30:00Z"},
        {"2024-03-10T08:00:00-05", "2024-03-10T13:00:00Z"},
        {"2024-03-10T08:00:00-00:00", "2024-03-10T08:00:00Z"},
        {"2024-03-10T08:00:00+23:59", "2024-03-09T08:01:00Z"},
        {"2023-12-31T23:00:00-01:00", "2024-01-01T00:00:00Z"},
        {"2024-03-10T08:00:00.1Z", "2024-03-10T08:00:00.100000Z"},
        {"2024-03-10T08:00:00.12Z", "2024-03-10T08:00:00.120000Z"},
        {"2024-03-10T08:00:00.123Z", "2024-03-10T08:00:00.123000Z"},
        {"2024-03-10T08:00:00.1234Z", "2024-03-10T08:00:00.123400Z"},
        {"2024-03-10T08:00:00.12345Z", "2024-03-10T08:00:00.123450Z"},
        {"2024-03-10T08:00:00.123456+00:00", "2024-03-10T08:00:00.123456Z"},
        {"2024-03-10T08:00:00.000000Z", "2024-03-10T08:00:00Z"},
        {"1999-12-31T23:59:59.999999Z", "1999-12-31T23:59:59.999999Z"},
        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
        {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
        {"2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
        {"0001-01-01T00:00:00+23:59", "0000-12-31T00:01:00Z"},
        {"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
        {"9999-12-31T23:59:59-00:01", "+10000-01-01T00:00:59Z"},
    };

    (void) state;
    check_good(cases, LENGTH(cases), CS_TIME_RFC3339);
}

static void
test_rfc3339_bad(void **state)
{
    static const bad_text cases[] = {
        {"", "not of the form"},
        {"2024", "not of the form"},
        {"2024-03-10", "not of the form"},
        {"2024-03-10T08:00", "not of the form"},
        {"2024-03-10T08:00Z", "not of the form"},
        {"2024-03-10 08:00:00Z", "not of the form"},
        {"2024-03-10t08:00:00Z", "not of the form"},
        {"2024-3-10T08:00:00Z", "not of the form"},
        {"24-03-10T08:00:00Z", "not of the form"},
        {"20240310T080000Z", "not of the form"},
        {"2024/03/10T08:00:00Z", "not of the form"},
        {"+2024-03-10T08:00:00Z", "not of the form"},
        {"-2024-03-10T08:00:00Z", "not of the form"},
        {"12024-03-10T08:00:00Z", "not of the form"},
        {" 2024-03-10T08:00:00Z", "not of the form"},
        {"1710057600", "not of the form"},
        {"2024-03-10T08:00:00", "no offset"},
        {"2024-03-10T08:00:00.5", "no offset"},
        {"2024-03-10T08:00:00z", "offset"},
        {"2024-03-10T08:00:00UTC", "offset"},
        {"2024-03-10T08:00:00 Z", "offset"},
        {"2024-03-10T08:00:00Z ", "offset"},
        {"2024-03-10T08:00:00ZZ", "offset"},
        {"2024-03-10T08:00:00+8", "offset"},
        {"2024-03-10T08:00:00+", "offset"},
        {"2024-03-10T08:00:00+08:", "offset"},
        {"2024-03-10T08:00:00+08:0", "offset"},
        {"2024-03-10T08:00:00+080", "offset"},
        {"2024-03-10T08:00:00+08:000", "offset"},
        {"2024-03-10T08:00:00+08:00:00", "offset"},
        {"2024-03-10T08:00:00+24:00", "offset"},
        {"2024-03-10T08:00:00+08:60", "offset"},
        {"2024-03-10T08:00:00.Z", "no digits"},
        {"2024-03-10T08:00:00.", "no digits"},
        {"2024-03-10T08:00:00,5Z", "offset"},
        {"2024-03-10T08:00:00.1234567Z", "finer than microseconds"},
        {"2024-03-10T08:00:00.1234560Z", "finer than microseconds"},
        {"2024-03-10T08:00:60Z", "time of day"},
        {"2016-12-31T23:59:60Z", "time of day"},
        {"2024-03-10T08:60:00Z", "time of day"},
        {"2024-03-10T24:00:00Z", "time of day"},
        {"2024-03-10T25:00:00Z", "time of day"},
        {"2024-02-30T08:00:00Z", "day that does not exist"},
        {"2023-02-29T08:00:00Z", "day that does not exist"},
        {"1900-02-29T08:00:00Z", "day that does not exist"},
        {"2100-02-29T08:00:00Z", "day that does not exist"},
        {"2024-04-31T08:00:00Z", "day that does not exist"},
        {"2024-01-32T08:00:00Z", "day that does not exist"},
        {"2024-01-00T08:00:00Z", "day that does not exist"},
        {"2024-00-01T08:00:00Z", "day that does not exist"},
        {"2024-13-01T08:00:00Z", "day that does not exist"},
        {"0000-01-01T08:00:00Z", "day that does not exist"},
    };

    (void) state;
    check_bad(cases, LENGTH(cases), CS_TIME_RFC3339);
}

static void
test_csv_good(void **state)
{
    static const good_text cases[] = {
        {"2019-08-18 11:04:10.041 UTC", "2019-08-18T11:04:10.041000Z"},
        {"2019-08-18 11:04:10 UTC", "2019-08-18T11:04:10Z"},
        {"2019-08-18 11:04:10", "2019-08-18T11:04:10Z"},
        {"2019-08-18 11:04:10.041", "2019-08-18T11:04:10.041000Z"},
        {"2019-08-18 11:04:10+08", "2019-08-18T03:04:10Z"},
        {"2019-08-18 11:04:10 +08:00", "2019-08-18T03:04:10Z"},
        {"2019-08-18 11:04:10-0330", "2019-08-18T14:34:10Z"},
        {"2019-08-18 11:04:10Z", "2019-08-18T11:04:10Z"},
        {"2019-08-18T11:04:10Z", "2019-08-18T11:04:10Z"},
        {"2019-08-18T11:04:10", "2019-08-18T11:04:10Z"},
    };

    (void) state;
    check_good(cases, LENGTH(cases), CS_TIME_CSV);
}

static void
test_csv_bad(void **state)
{
    static const bad_text cases[] = {
        {"2019-08-18", "not of the form"},
        {"2019-08-18 11:04", "not of the form"},
        {"2019-08-18  11:04:10", "not of the form"},
        {"18-08-2019 11:04:10", "not of the form"},
        {"2019-08-18 11:04:10 ", "offset"},
        {"2019-08-18 11:04:10  UTC", "offset"},
        {"2019-08-18 11:04:10 utc", "offset"},
        {"2019-08-18 11:04:10 UTC+8", "offset"},
        {"2019-08-18 11:04:10 SGT", "offset"},
        {"2019-08-18 11:04:10 Asia/Singapore", "offset"},
        {"2019-08-18 11:04:10.0414141 UTC", "finer"},
        {"2019-08-18 11:04:60 UTC", "time of day"},
        {"2019-02-29 11:04:10 UTC", "day that does not exist"},
        {"0000-08-18 11:04:10 UTC", "day that does not exist"},
    };

    (void) state;
    check_bad(cases, LENGTH(cases), CS_TIME_CSV);
}

static void
test_state_good(void **state)
{
    static const good_text cases[] = {
        {"2024-03-10T08:00:00Z", "2024-03-10T08:00:00Z"},
        {"0000-02-29T00:00:00Z", "0000-02-29T00:00:00Z"},
        {"-0001-12-31T00:00:00Z", "-0001-12-31T00:00:00Z"},
        {"-4713-11-24T00:00:00Z", "-4713-11-24T00:00:00Z"},
        {"-0004-02-29T00:00:00Z", "-0004-02-29T00:00:00Z"},
        {"+10000-01-01T00:00:00Z", "+10000-01-01T00:00:00Z"},
        {"+294276-12-31T23:59:59.999999Z", "+294276-12-31T23:59:59.999999Z"},
    };

    (void) state;
    check_good(cases, LENGTH(cases), CS_TIME_STATE);
}

static void
test_state_bad(void **state)
{
    static const bad_text cases[] = {
        {"2024-03-10 08:00:00Z", "not of the form"},
        {"12024-03-10T08:00:00Z", "not of the form"},
        {"+024-03-10T08:00:00Z", "not of the form"},
        {"+1000000-03-10T08:00:00Z", "not of the form"},
        {"+999999-03-10T08:00:00Z", "not of the form"},
        {"2024-03-10T08:00:00+00", "offset"},
        {"2024-03-10T08:00:00", "offset"},
        {"2024-03-10T08:00:00UTC", "offset"},
        {"-0001-02-29T08:00:00Z", "day that does not exist"},
    };

    (void) state;
    check_bad(cases, LENGTH(cases), CS_TIME_STATE);
}

/* The limits are what the header says, and what PostgreSQL's documentation says. */
static void
test_limits(void **state)
{
    char text[CS_TIME_TEXT_SIZE];

    (void) state;
    assert_true(cs_time_valid(CS_TIME_MIN));
    assert_false(cs_time_valid(CS_TIME_MIN - 1));
    assert_true(cs_time_valid(CS_TIME_END - 1));
    assert_false(cs_time_valid(CS_TIME_END));
    cs_time_format(CS_TIME_MIN, text);
    assert_string_equal(text, "-4713-11-24T00:00:00Z"); /* 4714 BC: there is a year 0 here */
    cs_time_format(CS_TIME_END - 1, text);
    assert_string_equal(text, "+294276-12-31T23:59:59.999999Z");
    cs_time_format(0, text);
    assert_string_equal(text, "2000-01-01T00:00:00Z");
    cs_time_format(-CS_UNIX_OFFSET, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
}

/* True if a text is like the shape, in which 0 stands for a digit, and names an instant. */
static bool
is_instant(const char *text, const char *shape)
{
    struct tm tm = {.tm_isdst = 0}, back;
    time_t seconds;

    for (size_t i = 0; shape[i] != '\0'; i++)
        if (shape[i] == '0' ? !(text[i] >= '0' && text[i] <= '9') : text[i] != shape[i])
            return false;
    sscanf(text, "%d-%d-%dT%d:%d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
           &tm.tm_sec);
    tm.tm_year -= 1900;
    tm.tm_mon--;
    back = tm;
    seconds = timegm(&back);
    return tm.tm_year > -1900 && seconds != -1 && back.tm_mon == tm.tm_mon &&
           back.tm_mday == tm.tm_mday && back.tm_hour == tm.tm_hour && back.tm_min == tm.tm_min &&
           back.tm_sec == tm.tm_sec;
}

/* Put every byte into every place, and every pair of digits into two places. */
static void
test_every_byte(void **state)
{
    const char *good = "2024-03-10T12:34:56Z", *shape = "0000-00-00T00:00:00Z";
    char text[32];
    cs_error err;
    cs_time time;

    (void) state;
    for (size_t place = 0; place < strlen(good); place++)
        for (int byte = 0; byte < 256 * 11; byte++)
        {
            cs_code code;

            strcpy(text, good);
            text[place] = (char) (byte / 11);
            if (byte % 11 < 10 && place + 1 < strlen(good))
                text[place + 1] = (char) ('0' + byte % 11);
            code = cs_time_parse((cs_slice){text, strlen(good)}, CS_TIME_RFC3339, &time, &err);
            if ((code == CS_OK) != is_instant(text, shape))
                fail_msg("\"%s\": %d", text, code);
        }
}

/* Compare both directions of the day arithmetic with the C library. */
static void
check_day(int64_t days)
{
    time_t seconds = (time_t) (days * 86400 + SECONDS_TO_2000);
    struct tm tm;
    int64_t year;
    int month, day;

    assert_non_null(gmtime_r(&seconds, &tm));
    cs_date_from_days(days, &year, &month, &day);
    assert_int_equal(year, tm.tm_year + 1900);
    assert_int_equal(month, tm.tm_mon + 1);
    assert_int_equal(day, tm.tm_mday);
    assert_int_equal(cs_days_from_date(year, month, day), days);
}

/* Instants that 64 bits do not hold are none either, and do not become others. */
static void
test_beyond_limits(void **state)
{
    static const char *const texts[] = {
        "+294277-01-01T00:00:00Z", "+294277-01-10T00:00:00Z", "+294277-12-31T23:59:59.999999Z",
        "-294277-01-01T00:00:00Z", "-292278-12-31T00:00:00Z", "-4713-11-23T23:59:59.999999Z"};
    cs_error err;
    cs_time time;

    (void) state;
    for (size_t i = 0; i < LENGTH(texts); i++)
    {
        assert_ok(cs_time_parse(cs_slice_of(texts[i]), CS_TIME_STATE, &time, &err), &err);
        if (cs_time_valid(time))
            fail_msg("%s is %lld", texts[i], (long long) time);
    }
}

static void
test_days(void **state)
{
    const int64_t first = CS_TIME_MIN / CS_DAY;
    const int64_t last = CS_TIME_END / CS_DAY;

    (void) state;
    for (int64_t day = -150 * 366; day < 450 * 366; day++)
        check_day(day);
    for (int64_t day = first; day <= last; day += 997)
        check_day(day);
    check_day(first);
    check_day(last);
}

/* Compare a formatted instant with what the C library makes of it. */
static void
check_format(cs_time time, const char *text)
{
    int64_t micros = ((time % CS_SECOND) + CS_SECOND) % CS_SECOND;
    time_t seconds = (time_t) ((time - micros) / CS_SECOND + SECONDS_TO_2000);
    char expected[2 * CS_TIME_TEXT_SIZE], fraction[16] = "";
    struct tm tm;

    assert_non_null(gmtime_r(&seconds, &tm));
    if (micros != 0)
        snprintf(fraction, sizeof(fraction), ".%06d", (int) micros);
    snprintf(expected, sizeof(expected),
             tm.tm_year + 1900 < 0 || tm.tm_year + 1900 > 9999 ? "%+05d-%02d-%02dT%02d:%02d:%02d%sZ"
                                                               : "%04d-%02d-%02dT%02d:%02d:%02d%sZ",
             tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
             fraction);
    assert_string_equal(text, expected);
}

/* Format an instant and read it back, in the grammar of a log too where its year has four digits.
 */
static void
check_round_trip(cs_time time)
{
    char text[CS_TIME_TEXT_SIZE];
    cs_slice slice = {text, cs_time_format(time, text)};
    cs_time again;
    cs_error err;

    check_format(time, text);
    assert_ok(cs_time_parse(slice, CS_TIME_STATE, &again, &err), &err);
    assert_int_equal(again, time);
    if (text[0] == '+' || text[0] == '-' || strncmp(text, "0000", 4) == 0)
        return;
    assert_ok(cs_time_parse(slice, CS_TIME_RFC3339, &again, &err), &err);
    assert_int_equal(again, time);
    assert_ok(cs_time_parse(slice, CS_TIME_CSV, &again, &err), &err);
    assert_int_equal(again, time);
}

static void
test_round_trip(void **state)
{
    const uint64_t all = (uint64_t) CS_TIME_END - (uint64_t) CS_TIME_MIN;
    test_random random;

    (void) state;
    test_random_start(&random, "calendar round trip");
    check_round_trip(CS_TIME_MIN);
    check_round_trip(CS_TIME_END - 1);
    for (size_t i = 0; i < test_rounds(20000); i++)
    {
        uint64_t near = test_random_below(&random, 6000 * (uint64_t) (365 * CS_DAY));

        check_round_trip((cs_time) ((uint64_t) CS_TIME_MIN + test_random_below(&random, all)));
        check_round_trip((cs_time) near - 2500 * 365 * CS_DAY);
        check_round_trip((cs_time) (near / CS_SECOND) * CS_SECOND - 2500 * 365 * CS_DAY);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc3339_good), cmocka_unit_test(test_rfc3339_bad),
        cmocka_unit_test(test_csv_good),     cmocka_unit_test(test_csv_bad),
        cmocka_unit_test(test_state_good),   cmocka_unit_test(test_state_bad),
        cmocka_unit_test(test_limits),       cmocka_unit_test(test_beyond_limits),
        cmocka_unit_test(test_days),         cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_byte),
    };

    return cmocka_run_group_tests_name("calendar", tests, NULL, NULL);
}
