/*
 * test/unit/recommend_build.c
 *     Random interactions for the tests of the recommender.
 */
#include "recommend_build.h"

#include <stdio.h>

int64_t
test_item_id(size_t item)
{
    return (int64_t) item * 1000003 - 5000000;
}

void
test_matrix_fill(test_matrix *matrix, test_random *random, size_t num_users, size_t num_items)
{
    *matrix = (test_matrix){.num_users = num_users, .num_items = num_items};
    for (size_t user = 0; user < num_users; user++)
    {
        for (size_t item = 0; item < num_items; item++)
            matrix->has[user][item] = test_random_below(random, num_items) > 2 * item / 3 + 5;
        matrix->has[user][test_random_below(random, num_items)] = true;
    }
    for (size_t item = 0; item < num_items; item++)
        matrix->has[test_random_below(random, num_users)][item] = true;
}

cs_code
test_matrix_add(const test_matrix *matrix, test_random *random, cs_interactions *input,
                cs_error *err)
{
    uint16_t cells[MAX_TEST_USERS * MAX_TEST_ITEMS];
    size_t count = matrix->num_users * matrix->num_items;

    for (size_t i = 0; i < count; i++)
    {
        size_t other = test_random_below(random, i + 1);

        cells[i] = cells[other];
        cells[other] = (uint16_t) i;
    }
    for (size_t i = 0; i < count; i++)
    {
        size_t user = cells[i] / matrix->num_items, item = cells[i] % matrix->num_items;
        size_t times = matrix->has[user][item] ? 1 + test_random_below(random, 4) / 3 : 0;
        char name[32];

        snprintf(name, sizeof(name), "user %zu", user * 7919);
        while (times-- > 0)
            CS_TRY(cs_interactions_add(input, cs_slice_of(name), test_item_id(item), err));
    }
    return CS_OK;
}
