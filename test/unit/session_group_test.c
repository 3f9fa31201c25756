/*
 * test/unit/session_group_test.c
 *     Events of many users, through pieces and groups and back.
 */
#include "events.h"
#include "session_group.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_USERS 40
#define SEED UINT64_C(0x1234567890abcdef)

/* A user and all the events that were added for it. */
typedef struct test_user
{
    char name[400];
    size_t len;
    cs_event events[MAX_RANDOM_EVENTS];
    size_t count;
} test_user;

/* Give a user a name of its own, from none to hundreds of bytes. */
static void
name_user(test_random *random, test_user *user, size_t number)
{
    static const size_t lengths[] = {0, 1, 3, 7, 8, 9, 12, 15, 16, 17, 31, 255, 256, 399};

    user->len = number == 0 ? 0 : lengths[1 + test_random_below(random, LENGTH(lengths) - 1)];
    memset(user->name, 'x', sizeof(user->name));
    if (user->len > 0)
        user->name[user->len - 1] = (char) ('!' + number);
}

/* Find the user of a name. */
static const test_user *
find_user(const test_user *users, size_t count, cs_slice name)
{
    for (size_t i = 0; i < count; i++)
        if (users[i].len == name.len && memcmp(users[i].name, name.data, name.len) == 0)
            return &users[i];
    return NULL;
}

/* Add events of random users to pieces of their own, all added to the group. */
static cs_code
add_pieces(test_random *random, test_user *users, size_t num_users, cs_group *group, cs_error *err)
{
    size_t next[MAX_USERS] = {0};
    size_t left = 0;
    cs_code code = CS_OK;

    for (size_t i = 0; i < num_users; i++)
        left += users[i].count;
    while (left > 0 && code == CS_OK)
    {
        size_t wanted = 1 + (size_t) test_random_below(random, left);
        uint8_t *piece = malloc(wanted * (CS_RECORD_BYTES + sizeof(users->name)));
        uint8_t *at = piece;
        cs_time last = 0;
        cs_slice exact;

        assert_non_null(piece);
        for (left -= wanted; wanted > 0; wanted--)
        {
            size_t i = (size_t) test_random_below(random, num_users);

            while (next[i] == users[i].count)
                i = (i + 1) % num_users;
            at = cs_record_put(at, (cs_slice){users[i].name, users[i].len},
                               &users[i].events[next[i]++], &last);
        }
        exact = test_exact_copy((cs_slice){(char *) piece, (size_t) (at - piece)});
        code = cs_group_add(group, (const uint8_t *) exact.data, exact.len, err);
        test_exact_free(exact);
        free(piece);
    }
    return code;
}

/* Compare a sorted group with the users. */
static void
check_group(const cs_group *group, test_user *users, size_t num_users)
{
    assert_int_equal(group->num_users, num_users);
    for (size_t i = 0; i < num_users; i++)
    {
        const cs_group_user *got = &group->users[i];
        const test_user *user = find_user(users, num_users, got->name);

        assert_non_null(user);
        assert_int_equal(got->count, user->count);
        sort_events(users[user - users].events, user->count);
        for (size_t j = 0; j < user->count; j++)
            assert_int_equal(cs_event_compare(&group->events[got->start + j], &user->events[j]), 0);
    }
}

/* Make random users with events. */
static size_t
make_users(test_random *random, test_user *users)
{
    size_t count = 1 + (size_t) test_random_below(random, MAX_USERS);

    for (size_t i = 0; i < count; i++)
    {
        name_user(random, &users[i], i);
        users[i].count = random_events(random, users[i].events);
    }
    return count;
}

/* Whatever is put into pieces comes out, by user and in order; also when a group is used again. */
static void
test_groups(void **state)
{
    test_user *users = calloc(MAX_USERS, sizeof(test_user));
    test_random random;
    cs_group group;
    cs_error err;

    (void) state;
    assert_non_null(users);
    test_random_start(&random, "groups");
    cs_group_init(&group, cs_malloc_env(), SEED);
    for (size_t i = 0; i < test_rounds(30); i++)
    {
        size_t count = make_users(&random, users);

        cs_group_reset(&group);
        assert_ok(add_pieces(&random, users, count, &group, &err), &err);
        assert_ok(cs_group_sort(&group, &err), &err);
        check_group(&group, users, count);
    }
    cs_group_free(&group);
    free(users);
}

/* More users than the table first has room for. */
static void
test_many_users(void **state)
{
    enum
    {
        COUNT = 20000
    };
    cs_group group;
    cs_error err;

    (void) state;
    cs_group_init(&group, cs_malloc_env(), SEED);
    for (int i = 0; i < 2 * COUNT; i++)
    {
        uint8_t piece[CS_RECORD_BYTES + 16];
        cs_event event = {.time = -i, .kind = CS_VIEW, .id = i};
        cs_time last = 0;
        char name[16];
        int len = snprintf(name, sizeof(name), "%d", i % COUNT);
        uint8_t *end = cs_record_put(piece, (cs_slice){name, (size_t) len}, &event, &last);

        assert_ok(cs_group_add(&group, piece, (size_t) (end - piece), &err), &err);
    }
    assert_ok(cs_group_sort(&group, &err), &err);
    assert_int_equal(group.num_users, COUNT);
    for (size_t i = 0; i < COUNT; i++)
    {
        assert_int_equal(group.users[i].count, 2);
        assert_int_equal(group.events[group.users[i].start].id, i + COUNT);
    }
    cs_group_free(&group);
}

/* Sorting takes runs of any length, ties too. */
static void
test_sort(void **state)
{
    cs_event events[MAX_RANDOM_EVENTS], expected[MAX_RANDOM_EVENTS], spare[MAX_RANDOM_EVENTS];
    cs_event *sorted;
    cs_error err;
    test_random random;

    (void) state;
    test_random_start(&random, "sort");
    for (size_t i = 0; i < test_rounds(300); i++)
    {
        size_t count = random_events(&random, events);
        size_t half = (size_t) test_random_below(&random, count + 1);

        if (i % 3 > 0)
        {
            sort_events(events, half);
            sort_events(events + half, i % 3 == 1 ? count - half : 0);
        }
        memcpy(expected, events, count * sizeof(cs_event));
        sort_events(expected, count);
        assert_ok(cs_events_sort(cs_malloc_env(), events, spare, count, &sorted, &err), &err);
        for (size_t j = 0; j < count; j++)
            assert_int_equal(cs_event_compare(&sorted[j], &expected[j]), 0);
    }
}

/* Every allocation fails in turn, and every poll stops: nothing is lost, all is said. */
static void
test_failures(void **state)
{
    test_user *users = calloc(MAX_USERS, sizeof(test_user));
    size_t allocations = 1;

    (void) state;
    assert_non_null(users);
    for (size_t fail_at = 1; fail_at <= allocations; fail_at++)
    {
        test_random random = {1};
        test_env env;
        cs_group group;
        cs_error err;
        size_t count = make_users(&random, users);
        cs_code code;

        test_env_start(&env, fail_at, 0);
        cs_group_init(&group, &env.env, SEED);
        code = add_pieces(&random, users, count, &group, &err);
        if (code == CS_OK)
            code = cs_group_sort(&group, &err);
        if (code != CS_OK)
            assert_int_equal(code, CS_ERR_MEMORY);
        allocations = code == CS_OK ? 0 : fail_at + 1;
        cs_group_free(&group);
        assert_int_equal(env.live, 0);
    }
    free(users);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_many_users),
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_failures),
    };

    return cmocka_run_group_tests_name("session_group", tests, NULL, NULL);
}
