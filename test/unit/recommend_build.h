/*
 * test/unit/recommend_build.h
 *     Random interactions for the tests of the recommender.
 */
#ifndef TEST_RECOMMEND_BUILD_H
#define TEST_RECOMMEND_BUILD_H

#include "recommend_input.h"
#include "support.h"

#define MAX_TEST_USERS 60
#define MAX_TEST_ITEMS 40

/* A matrix of users and items, and the ids that its items have. */
typedef struct test_matrix
{
    size_t num_users;
    size_t num_items;
    bool has[MAX_TEST_USERS][MAX_TEST_ITEMS];
} test_matrix;

/* The id of the item in this column; ascending, some below zero. */
int64_t test_item_id(size_t item);

/* Fill a matrix; every row and every column has an entry. */
void test_matrix_fill(test_matrix *matrix, test_random *random, size_t num_users, size_t num_items);

/* Add the matrix's pairs in random order, some of them twice. Stops at the first failure. */
cs_code test_matrix_add(const test_matrix *matrix, test_random *random, cs_interactions *input,
                        cs_error *err);

#endif
