/*
 * test/unit/recommend_input_test.c
 *     Interactions: dictionaries, order, repeats, items left out.
 */
#include "recommend_build.h"

#include <stdio.h>
#include <stdlib.h>

/* The number of users who have an item. */
static size_t
users_of(const test_matrix *matrix, size_t item)
{
    size_t count = 0;

    for (size_t user = 0; user < matrix->num_users; user++)
        count += matrix->has[user][item];
    return count;
}

/* The rows must be those of the matrix, without the items of fewer users than min_users. */
static void
check_rows(const test_matrix *matrix, const cs_interactions *input, size_t min_users)
{
    size_t kept = 0, active = 0;

    for (size_t item = 0; item < matrix->num_items; item++)
    {
        int64_t position = cs_item_position(input->items, input->num_items, test_item_id(item));

        if (users_of(matrix, item) < min_users)
        {
            assert_int_equal(position, -1);
            continue;
        }
        assert_int_equal(position, kept++);
        assert_int_equal(input->item_users[position], users_of(matrix, item));
    }
    assert_int_equal(input->num_items, kept);
    for (size_t user = 0; user < matrix->num_users; user++)
    {
        char name[32];
        size_t count, found = 0;
        uint32_t number;
        const uint32_t *items;

        snprintf(name, sizeof(name), "user %zu", user * 7919);
        number = cs_interactions_user(input, cs_slice_of(name));
        assert_true(number != CS_NO_USER);
        assert_same_bytes(cs_interactions_user_id(input, number), cs_slice_of(name));
        items = cs_interactions_of(input, number, &count);
        for (size_t item = 0; item < matrix->num_items; item++)
            if (matrix->has[user][item] && users_of(matrix, item) >= min_users)
            {
                assert_true(found < count);
                assert_int_equal(input->items[items[found++]], test_item_id(item));
            }
        assert_int_equal(found, count);
        active += count > 0;
    }
    assert_int_equal(input->active_users, active);
}

/* Any order, with repeats, gives the rows of the matrix. */
static void
test_random_matrices(void **state)
{
    test_random random;

    (void) state;
    test_random_start(&random, "recommend_input");
    for (size_t round = 0; round < test_rounds(200); round++)
    {
        test_matrix matrix;
        cs_interactions input;
        cs_error err;
        size_t min_users = test_random_below(&random, 8);

        test_matrix_fill(&matrix, &random, 1 + test_random_below(&random, MAX_TEST_USERS),
                         1 + test_random_below(&random, MAX_TEST_ITEMS));
        cs_interactions_init(&input, cs_malloc_env());
        assert_ok(test_matrix_add(&matrix, &random, &input, &err), &err);
        assert_ok(cs_interactions_finish(&input, min_users, &err), &err);
        check_rows(&matrix, &input, min_users);
        cs_interactions_free(&input);
    }
}

/* Ids of users are bytes: empty, long, with what else there may be. */
static void
test_names(void **state)
{
    static char lengthy[10240];
    const cs_slice names[] = {{"", 0},
                              {"a", 1},
                              {"a\0", 2},
                              {"a\0b", 3},
                              {"12345678", 8},
                              {"123456789", 9},
                              {"1234567", 7},
                              {"\xf0\x9f\x8e\xac", 4},
                              {"o'brien \"x\"; --", 16},
                              {lengthy, sizeof(lengthy)},
                              {lengthy, sizeof(lengthy) - 1}};
    cs_interactions input;
    cs_error err;

    (void) state;
    memset(lengthy, 'x', sizeof(lengthy));
    cs_interactions_init(&input, cs_malloc_env());
    assert_true(cs_interactions_user(&input, names[0]) == CS_NO_USER);
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i < LENGTH(names); i++)
            assert_ok(cs_interactions_add(&input, names[i], (int64_t) i, &err), &err);
    assert_int_equal(input.num_users, LENGTH(names));
    assert_ok(cs_interactions_finish(&input, 1, &err), &err);
    for (size_t i = 0; i < LENGTH(names); i++)
    {
        uint32_t user = cs_interactions_user(&input, names[i]);
        size_t count;

        assert_int_equal(user, i);
        assert_same_bytes(cs_interactions_user_id(&input, user), names[i]);
        assert_int_equal(*cs_interactions_of(&input, user, &count), i);
        assert_int_equal(count, 1);
    }
    assert_true(cs_interactions_user(&input, cs_slice_of("b")) == CS_NO_USER);
    cs_interactions_free(&input);
}

/* The smallest and largest ids of items, and those that are not there. */
static void
test_item_ids(void **state)
{
    const int64_t ids[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    cs_interactions input;
    cs_error err;

    (void) state;
    cs_interactions_init(&input, cs_malloc_env());
    for (size_t i = LENGTH(ids); i-- > 0;)
        assert_ok(cs_interactions_add(&input, cs_slice_of("u"), ids[i], &err), &err);
    assert_ok(cs_interactions_finish(&input, 1, &err), &err);
    for (size_t i = 0; i < LENGTH(ids); i++)
        assert_int_equal(cs_item_position(input.items, input.num_items, ids[i]), i);
    assert_int_equal(cs_item_position(input.items, input.num_items, 2), -1);
    assert_int_equal(cs_item_position(input.items, input.num_items, INT64_MIN + 1), -1);
    assert_int_equal(cs_item_position(NULL, 0, 2), -1);
    cs_interactions_free(&input);
}

/* Nothing at all can be finished, too. */
static void
test_empty(void **state)
{
    cs_interactions input;
    cs_error err;

    (void) state;
    cs_interactions_init(&input, cs_malloc_env());
    assert_ok(cs_interactions_finish(&input, 5, &err), &err);
    assert_int_equal(input.num_items, 0);
    assert_int_equal(input.active_users, 0);
    cs_interactions_free(&input);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_matrices),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_item_ids),
        cmocka_unit_test(test_empty),
    };

    return cmocka_run_group_tests_name("recommend_input", tests, NULL, NULL);
}
