/*
 * test/unit/http_event_test.c
 *     What a method and a path mean.
 */
#include "http_event.h"
#include "support.h"

/* A request and its meaning. */
typedef struct request
{
    const char *method;
    const char *path;
    const char *prefix;
    cs_kind kind;
    int64_t id;
} request;

/* Check every request, its texts in memory of exactly their size. */
static void
check_requests(const request *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
    {
        cs_slice method = test_exact_copy(cs_slice_of(cases[i].method));
        cs_slice path = test_exact_copy(cs_slice_of(cases[i].path));
        cs_slice prefix = test_exact_copy(cs_slice_of(cases[i].prefix));
        int64_t id = -1;
        cs_kind kind = cs_http_event(method, path, prefix, &id);

        if (kind != cases[i].kind || id != cases[i].id)
            fail_msg("%s %s (prefix \"%s\"): kind %d, id %lld", cases[i].method, cases[i].path,
                     cases[i].prefix, (int) kind, (long long) id);
        test_exact_free(method);
        test_exact_free(path);
        test_exact_free(prefix);
    }
}

static void
test_views_and_issues(void **state)
{
    static const request cases[] = {
        {"GET", "/campaigns/12", "", CS_VIEW, 12},
        {"POST", "/rewards/7", "", CS_ISSUE, 7},
        {"GET", "/campaigns/0", "", CS_VIEW, 0},
        {"GET", "/campaigns/007", "", CS_VIEW, 7},
        {"GET", "/campaigns/000", "", CS_VIEW, 0},
        {"GET", "/campaigns/0000000000000000000000000000000000000012", "", CS_VIEW, 12},
        {"GET", "/campaigns/9223372036854775807", "", CS_VIEW, INT64_MAX},
        {"POST", "/rewards/9223372036854775807", "", CS_ISSUE, INT64_MAX},
        {"GET", "/campaigns/0009223372036854775807", "", CS_VIEW, INT64_MAX},
        {"GET", "/campaigns/12/", "", CS_VIEW, 12},
        {"POST", "/rewards/7/", "", CS_ISSUE, 7},
        {"GET", "/campaigns/12?", "", CS_VIEW, 12},
        {"GET", "/campaigns/12?page=2&x=/campaigns/3", "", CS_VIEW, 12},
        {"GET", "/campaigns/12/?page=2", "", CS_VIEW, 12},
        {"GET", "/campaigns/12#", "", CS_VIEW, 12},
        {"GET", "/campaigns/12#top", "", CS_VIEW, 12},
        {"GET", "/campaigns/12/#top", "", CS_VIEW, 12},
        {"GET", "/campaigns/12?x#top", "", CS_VIEW, 12},
        {"GET", "/campaigns/12#top?x", "", CS_VIEW, 12},
        {"POST", "/rewards/7?user=\xc3\xa9 x", "", CS_ISSUE, 7},
        {"GET", "/v4/campaigns/12", "/v4", CS_VIEW, 12},
        {"POST", "/v4/rewards/7/", "/v4", CS_ISSUE, 7},
        {"GET", "/api/v4/campaigns/12", "/api/v4", CS_VIEW, 12},
    };

    (void) state;
    check_requests(cases, LENGTH(cases));
}

static void
test_other_activity(void **state)
{
    static const request cases[] = {
        /* Paths */
        {"GET", "", "", CS_OTHER, 0},
        {"GET", "/", "", CS_OTHER, 0},
        {"GET", "/campaigns", "", CS_OTHER, 0},
        {"GET", "/campaigns/", "", CS_OTHER, 0},
        {"GET", "/campaigns//", "", CS_OTHER, 0},
        {"GET", "/campaigns/?12", "", CS_OTHER, 0},
        {"GET", "/campaigns/#12", "", CS_OTHER, 0},
        {"GET", "/campaigns//12", "", CS_OTHER, 0},
        {"GET", "//campaigns/12", "", CS_OTHER, 0},
        {"GET", "campaigns/12", "", CS_OTHER, 0},
        {"GET", "/campaigns/12//", "", CS_OTHER, 0},
        {"GET", "/campaigns/12//?x", "", CS_OTHER, 0},
        {"GET", "/campaigns/12/x", "", CS_OTHER, 0},
        {"GET", "/campaigns/12/rewards", "", CS_OTHER, 0},
        {"GET", "/campaigns/12x", "", CS_OTHER, 0},
        {"GET", "/campaigns/x12", "", CS_OTHER, 0},
        {"GET", "/campaigns/12.5", "", CS_OTHER, 0},
        {"GET", "/campaigns/12,13", "", CS_OTHER, 0},
        {"GET", "/campaigns/12&x", "", CS_OTHER, 0},
        {"GET", "/campaigns/12;x", "", CS_OTHER, 0},
        {"GET", "/campaigns/1e3", "", CS_OTHER, 0},
        {"GET", "/campaigns/0x1f", "", CS_OTHER, 0},
        {"GET", "/campaigns/%31", "", CS_OTHER, 0},
        {"GET", "/campaigns/1%32", "", CS_OTHER, 0},
        {"GET", "/campaigns/ 12", "", CS_OTHER, 0},
        {"GET", "/campaigns/12 ", "", CS_OTHER, 0},
        {"GET", " /campaigns/12", "", CS_OTHER, 0},
        {"GET", "/campaigns/\xd9\xa1", "", CS_OTHER, 0}, /* an Arabic digit */
        {"GET", "/Campaigns/12", "", CS_OTHER, 0},
        {"GET", "/CAMPAIGNS/12", "", CS_OTHER, 0},
        {"GET", "/campaign/12", "", CS_OTHER, 0},
        {"GET", "/campaignsx/12", "", CS_OTHER, 0},
        {"POST", "/reward/7", "", CS_OTHER, 0},
        {"GET", "http://host/campaigns/12", "", CS_OTHER, 0},
        /* Numbers */
        {"GET", "/campaigns/-12", "", CS_OTHER, 0},
        {"GET", "/campaigns/+12", "", CS_OTHER, 0},
        {"GET", "/campaigns/-0", "", CS_OTHER, 0},
        {"GET", "/campaigns/9223372036854775808", "", CS_OTHER, 0},
        {"GET", "/campaigns/18446744073709551616", "", CS_OTHER, 0},
        {"GET", "/campaigns/92233720368547758070", "", CS_OTHER, 0},
        {"POST", "/rewards/9223372036854775808", "", CS_OTHER, 0},
        {"POST", "/rewards/99999999999999999999999999999999999999999", "", CS_OTHER, 0},
        /* Methods */
        {"", "/campaigns/12", "", CS_OTHER, 0},
        {"get", "/campaigns/12", "", CS_OTHER, 0},
        {"Get", "/campaigns/12", "", CS_OTHER, 0},
        {"post", "/rewards/7", "", CS_OTHER, 0},
        {"GE", "/campaigns/12", "", CS_OTHER, 0},
        {"GETS", "/campaigns/12", "", CS_OTHER, 0},
        {" GET", "/campaigns/12", "", CS_OTHER, 0},
        {"HEAD", "/campaigns/12", "", CS_OTHER, 0},
        {"PUT", "/rewards/7", "", CS_OTHER, 0},
        {"POST", "/campaigns/12", "", CS_OTHER, 0},
        {"GET", "/rewards/7", "", CS_OTHER, 0},
        {"DELETE", "/rewards/7", "", CS_OTHER, 0},
        /* Prefixes */
        {"GET", "/v4/campaigns/12", "", CS_OTHER, 0},
        {"GET", "/campaigns/12", "/v4", CS_OTHER, 0},
        {"GET", "/v5/campaigns/12", "/v4", CS_OTHER, 0},
        {"GET", "/V4/campaigns/12", "/v4", CS_OTHER, 0},
        {"GET", "/v4/campaigns/12", "/v4/", CS_OTHER, 0},
        {"GET", "/v44/campaigns/12", "/v4", CS_OTHER, 0},
        {"GET", "/v4", "/v4", CS_OTHER, 0},
        {"GET", "/v", "/v4", CS_OTHER, 0},
    };

    (void) state;
    check_requests(cases, LENGTH(cases));
}

/* A method or path that is NULL is an empty slice. */
static void
test_missing(void **state)
{
    const cs_slice none = {NULL, 0};
    int64_t id = -1;

    (void) state;
    assert_int_equal(cs_http_event(none, none, none, &id), CS_OTHER);
    assert_int_equal(id, 0);
    assert_int_equal(cs_http_event(cs_slice_of("GET"), none, none, &id), CS_OTHER);
    assert_int_equal(cs_http_event(none, cs_slice_of("/campaigns/1"), none, &id), CS_OTHER);
    assert_int_equal(cs_http_event(cs_slice_of("GET"), cs_slice_of("/campaigns/1"), none, &id),
                     CS_VIEW);
    assert_int_equal(id, 1);
}

/* A NUL byte ends neither method nor path. */
static void
test_embedded_nul(void **state)
{
    const cs_slice path = {"/campaigns/12\0", 14};
    int64_t id = -1;

    (void) state;
    assert_int_equal(cs_http_event(cs_slice_of("GET"), path, cs_slice_of(""), &id), CS_OTHER);
    assert_int_equal(id, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_views_and_issues),
        cmocka_unit_test(test_other_activity),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_embedded_nul),
    };

    return cmocka_run_group_tests_name("http_event", tests, NULL, NULL);
}
