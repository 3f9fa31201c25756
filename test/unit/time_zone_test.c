/*
 * test/unit/time_zone_test.c
 *     Time zones against the C library's, on the files of tzdata, and on damaged ones.
 */
#include "support.h"
#include "time_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define DIRECTORY "/usr/share/zoneinfo/"
#define SECONDS_TO_2000 INT64_C(946684800)
#define MAX_FILE_BYTES (64 * 1024)

static const char *const names[] = {
    "UTC",          "Asia/Singapore",   "America/New_York",    "Europe/Dublin",
    "Asia/Kolkata", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca",
    "Asia/Tehran",  "Africa/Monrovia",  "America/Sao_Paulo",   "Pacific/Apia",
    "America/Nuuk", "Antarctica/Troll", "Europe/Amsterdam",
};

/* Read a zone's file; no data where there is none. */
static cs_slice
read_file(const char *name)
{
    static char bytes[MAX_FILE_BYTES];
    char path[256];
    size_t len;
    FILE *file;

    snprintf(path, sizeof(path), DIRECTORY "%s", name);
    file = fopen(path, "rb");
    if (file == NULL)
        return (cs_slice){NULL, 0};
    len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    return (cs_slice){bytes, len};
}

/* Make the C library use a zone. */
static void
use_zone(const char *name)
{
    char value[256];

    snprintf(value, sizeof(value), ":" DIRECTORY "%s", name);
    assert_int_equal(setenv("TZ", value, 1), 0);
    tzset();
}

/* The C library's offset. */
static long
expected_offset(int64_t seconds)
{
    time_t unix_time = (time_t) (seconds + SECONDS_TO_2000);
    struct tm parts;

    assert_non_null(localtime_r(&unix_time, &parts));
    return parts.tm_gmtoff;
}

/* The offset at an instant, whose span must hold it and have the same one at its ends. */
static int32_t
offset_at(const cs_zone *zone, cs_time time)
{
    cs_zone_span span = cs_zone_at(zone, time);

    assert_true(span.from <= time && time < span.until);
    if (span.from != INT64_MIN)
        assert_int_equal(cs_zone_at(zone, span.from).offset, span.offset);
    if (span.until != INT64_MAX)
        assert_int_equal(cs_zone_at(zone, span.until - 1).offset, span.offset);
    return span.offset;
}

/* Compare offsets at random instants, and to the second around the changes after them. */
static void
check_offsets(test_random *random, const cs_zone *zone, size_t rounds)
{
    for (size_t i = 0; i < rounds; i++)
    {
        /* the years 1850 to 2250 */
        int64_t seconds =
            (int64_t) test_random_below(random, INT64_C(400) * 31556952) - INT64_C(150) * 31556952;
        cs_time until = cs_zone_at(zone, seconds * CS_SECOND).until;

        assert_int_equal(offset_at(zone, seconds * CS_SECOND), expected_offset(seconds));
        if (until == INT64_MAX)
            continue;
        for (int64_t at = until / CS_SECOND - 1; at <= until / CS_SECOND + 1; at++)
            assert_int_equal(offset_at(zone, at * CS_SECOND), expected_offset(at));
    }
}

static void
test_offsets(void **state)
{
    test_random random;
    size_t checked = 0;

    (void) state;
    test_random_start(&random, "offsets");
    for (size_t i = 0; i < LENGTH(names); i++)
    {
        cs_slice file = read_file(names[i]);
        cs_error err;
        cs_zone zone;

        if (file.data == NULL)
            continue;
        assert_ok(cs_zone_parse(cs_malloc_env(), file, &zone, &err), &err);
        use_zone(names[i]);
        check_offsets(&random, &zone, test_rounds(300));
        cs_zone_free(&zone);
        checked++;
    }
    if (checked == 0)
        skip();
}

/* The instant of a local time of New York, as seconds since 2000. */
static int64_t
in_new_york(const cs_zone *zone, int64_t year, int month, int day, int hour, int minute)
{
    cs_time of_day = hour * CS_HOUR + minute * CS_MINUTE;
    cs_time local = cs_days_from_date(year, month, day) * CS_DAY + of_day;

    return (local - cs_zone_to_utc(zone, local)) / CS_SECOND;
}

static void
test_local_times(void **state)
{
    cs_slice file = read_file("America/New_York");
    cs_error err;
    cs_zone zone;

    (void) state;
    if (file.data == NULL)
        skip();
    assert_ok(cs_zone_parse(cs_malloc_env(), file, &zone, &err), &err);
    assert_int_equal(in_new_york(&zone, 2024, 3, 10, 1, 59), -5 * 3600);
    assert_int_equal(in_new_york(&zone, 2024, 3, 10, 2, 30), -5 * 3600); /* there is no such time */
    assert_int_equal(in_new_york(&zone, 2024, 3, 10, 3, 0), -4 * 3600);
    assert_int_equal(in_new_york(&zone, 2024, 11, 3, 0, 59), -4 * 3600);
    assert_int_equal(in_new_york(&zone, 2024, 11, 3, 1, 30), -5 * 3600); /* it comes twice */
    assert_int_equal(in_new_york(&zone, 2024, 11, 3, 2, 0), -5 * 3600);
    assert_int_equal(in_new_york(&zone, 2424, 7, 1, 0, 0), -4 * 3600); /* by the rule */
    assert_int_equal(in_new_york(&zone, 1800, 1, 1, 0, 0), -17762);
    cs_zone_free(&zone);
}

/* The rule of a zone with summer time goes on to the last instants, whose next change lies
   behind all that there are. */
static void
test_last_instants(void **state)
{
    cs_slice file = read_file("America/New_York");
    cs_error err;
    cs_zone zone;

    (void) state;
    if (file.data == NULL)
        skip();
    assert_ok(cs_zone_parse(cs_malloc_env(), file, &zone, &err), &err);
    assert_int_equal(offset_at(&zone, CS_TIME_END - 1), -5 * 3600);
    assert_int_equal(offset_at(&zone, CS_TIME_END - 180 * CS_DAY), -4 * 3600);
    assert_int_equal(cs_zone_to_utc(&zone, CS_TIME_END - 6 * CS_HOUR), CS_TIME_END - CS_HOUR);
    assert_int_equal(offset_at(&zone, CS_TIME_MIN), -17762);
    cs_zone_free(&zone);
}

static void
test_fixed(void **state)
{
    cs_error err;
    cs_zone zone;

    (void) state;
    assert_ok(cs_zone_fixed(cs_malloc_env(), -12600, &zone, &err), &err);
    assert_int_equal(offset_at(&zone, CS_TIME_MIN), -12600);
    assert_int_equal(offset_at(&zone, CS_TIME_END), -12600);
    assert_int_equal(cs_zone_to_utc(&zone, 0), 12600 * CS_SECOND);
    cs_zone_free(&zone);
}

/* Parse bytes, and ask the zone if they are one. */
static void
try_bytes(cs_slice bytes, test_random *random)
{
    cs_slice copy = test_exact_copy(bytes);
    cs_error err;
    cs_zone zone;

    if (cs_zone_parse(cs_malloc_env(), copy, &zone, &err) == CS_OK)
    {
        for (int i = 0; i < 20; i++)
            cs_zone_at(&zone, (cs_time) (test_random_next(random) % (uint64_t) CS_TIME_END));
        cs_zone_free(&zone);
    }
    else
        assert_int_equal(err.code, CS_ERR_DATA);
    test_exact_free(copy);
}

/* A damaged file is refused, or is a zone; it never does harm. */
static void
test_damage(void **state)
{
    cs_slice file = read_file("Australia/Lord_Howe");
    test_random random;

    (void) state;
    if (file.data == NULL)
        skip();
    test_random_start(&random, "damage");
    for (size_t len = 0; len < file.len; len++)
        try_bytes((cs_slice){file.data, len}, &random);
    for (size_t i = 0; i < test_rounds(2000); i++)
    {
        char *at = (char *) file.data + test_random_below(&random, file.len);
        char before = *at;

        *at = (char) test_random_next(&random);
        try_bytes(file, &random);
        *at = before;
    }
}

/* A file of one type, UTC, without changes, and a rule. */
static cs_code
parse_with_rule(const char *rule, cs_zone *zone, cs_error *err)
{
    /* a header of 44 bytes, the type, its name; twice: for old readers, for new ones */
    static const char part[] = "TZif2"
                               "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                               "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                               "\0\0\0\1"
                               "\0\0\0\4"
                               "\0\0\0\0\0\0"
                               "UTC";
    char bytes[2 * sizeof(part) + 100];
    size_t len = 2 * sizeof(part);

    memcpy(bytes, part, sizeof(part));
    memcpy(bytes + sizeof(part), part, sizeof(part));
    len += (size_t) snprintf(bytes + len, sizeof(bytes) - len, "\n%s\n", rule);
    return cs_zone_parse(cs_malloc_env(), (cs_slice){bytes, len}, zone, err);
}

/* A rule reaches no farther from UTC than the types of a file. */
static void
test_rule_offsets(void **state)
{
    static const char *const bad[] = {
        "A-26:00:01",          "A27", "A167", "A26:00:01B,M3.2.0,M11.1.0", "A0B-27,M3.2.0,M11.1.0",
        "A-26B,M3.2.0,M11.1.0"};
    cs_error err;
    cs_zone zone;

    (void) state;
    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_outcome(parse_with_rule(bad[i], &zone, &err), CS_ERR_DATA, &err, NULL, bad[i]);
    assert_ok(parse_with_rule("A-26", &zone, &err), &err);
    assert_int_equal(offset_at(&zone, 0), 26 * 3600);
    cs_zone_free(&zone);
}

static void
test_no_memory(void **state)
{
    cs_slice file = read_file("Asia/Singapore");
    test_env env;
    cs_error err;
    cs_zone zone;

    (void) state;
    if (file.data == NULL)
        skip();
    test_env_start(&env, 1, 0);
    assert_code(cs_zone_parse(&env.env, file, &zone, &err), CS_ERR_MEMORY, &err);
    assert_int_equal(env.live, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets),       cmocka_unit_test(test_local_times),
        cmocka_unit_test(test_last_instants), cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_damage),        cmocka_unit_test(test_rule_offsets),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests_name("time_zone", tests, NULL, NULL);
}
