/*
 * test/unit/recommend_trial_test.c
 *     A trial of a tuning, against the same steps done plainly.
 */
#include "recommend_build.h"
#include "recommend_trial.h"

#include <math.h>
#include <stdio.h>

#define UNKNOWN_ITEM INT64_C(777)

/* What is learnt and what is held out, as matrices and as interactions. */
typedef struct test_split
{
    test_matrix train;
    test_matrix held;
    cs_interactions train_input;
    cs_interactions held_input;
} test_split;

/* Split random data; user 0 is held out as a whole, user 1 has an item that nobody learnt. */
static void
make_split(test_split *split, test_random *random)
{
    cs_error err;

    test_matrix_fill(&split->train, random, 2 + test_random_below(random, 30),
                     2 + test_random_below(random, MAX_TEST_ITEMS - 2));
    split->held = split->train;
    for (size_t user = 0; user < split->train.num_users; user++)
        for (size_t item = 0; item < split->train.num_items; item++)
        {
            bool out = user == 0 || test_random_below(random, 4) == 0;

            split->train.has[user][item] = split->train.has[user][item] && !out;
            split->held.has[user][item] = split->held.has[user][item] && out;
        }
    split->train.has[1][0] = true; /* something is learnt */
    cs_interactions_init(&split->train_input, cs_malloc_env());
    cs_interactions_init(&split->held_input, cs_malloc_env());
    assert_ok(test_matrix_add(&split->train, random, &split->train_input, &err), &err);
    assert_ok(test_matrix_add(&split->held, random, &split->held_input, &err), &err);
    assert_ok(cs_interactions_add(&split->held_input, cs_slice_of("user 7919"), UNKNOWN_ITEM, &err),
              &err);
    assert_ok(cs_interactions_finish(&split->train_input, 1, &err), &err);
    assert_ok(cs_interactions_finish(&split->held_input, 1, &err), &err);
}

/* The score of an item, by its position in the fit, for a user of the matrix. */
static float
plain_score(const test_split *split, const cs_fit *fit, size_t user, size_t target)
{
    double sum = 0, known = 0;

    for (size_t item = 0; item < split->train.num_items; item++)
        if (split->train.has[user][item])
        {
            int64_t source =
                cs_item_position(split->train_input.items, fit->num_items, test_item_id(item));

            sum += cs_fit_weight(fit, (size_t) source, target);
            known++;
        }
    return (float) (sum + (known > 0 ? 2 / (10 + known) : 1) * fit->popular[target]);
}

/* Recall and NDCG of one user, added up; false where nothing is relevant. */
static bool
plain_user(const test_split *split, const cs_fit *fit, size_t user, size_t k, cs_quality *sums)
{
    bool taken[MAX_TEST_ITEMS] = {false}, relevant[MAX_TEST_ITEMS] = {false};
    double num_relevant = user == 1, hits = 0, gain = 0, ideal = 0;

    for (size_t item = 0; item < split->train.num_items; item++)
    {
        int64_t at = cs_item_position(split->train_input.items, fit->num_items, test_item_id(item));

        if (at >= 0)
            taken[at] = split->train.has[user][item];
        if (!split->held.has[user][item] || split->train.has[user][item])
            continue;
        num_relevant++;
        if (at >= 0)
            relevant[at] = true;
    }
    if (num_relevant == 0)
        return false;
    for (size_t place = 0; place < k; place++)
    {
        int best = -1;

        for (size_t i = 0; i < fit->num_items; i++)
            if (!taken[i] && (best < 0 || plain_score(split, fit, user, i) >
                                              plain_score(split, fit, user, (size_t) best)))
                best = (int) i;
        if ((double) place < num_relevant)
            ideal += 1 / log2((double) place + 2);
        if (best < 0)
            continue;
        taken[best] = true;
        hits += relevant[best];
        gain += relevant[best] / log2((double) place + 2);
    }
    sums->users++;
    sums->recall += hits / num_relevant;
    sums->ndcg += gain / ideal;
    sums->hit_rate += hits > 0;
    return true;
}

/* The trial must give what the plain steps give. */
static void
test_random_trials(void **state)
{
    static test_split split;
    test_random random;
    size_t judged = 0;

    (void) state;
    test_random_start(&random, "recommend_trial");
    for (size_t round = 0; round < test_rounds(30); round++)
    {
        cs_fit_options options = cs_fit_defaults();
        cs_quality quality, sums = {.users = 0};
        size_t k = 1 + test_random_below(&random, 12);
        cs_error err;
        cs_fit fit;

        make_split(&split, &random);
        assert_ok(cs_trial_run(&split.train_input, &split.held_input, &options, k, cs_blas_invert,
                               &quality, &err),
                  &err);
        assert_ok(cs_fit_run(&fit, &split.train_input, &options, cs_blas_invert, &err), &err);
        for (size_t user = 0; user < split.train.num_users; user++)
            judged += plain_user(&split, &fit, user, k, &sums);
        assert_int_equal(quality.users, sums.users);
        assert_float_equal(quality.recall, sums.recall / (double) sums.users, 1e-9);
        assert_float_equal(quality.ndcg, sums.ndcg / (double) sums.users, 1e-9);
        assert_float_equal(quality.hit_rate, sums.hit_rate / (double) sums.users, 1e-9);
        cs_fit_free(&fit);
        cs_interactions_free(&split.train_input);
        cs_interactions_free(&split.held_input);
    }
    assert_true(judged > 100);
}

/* Whatever allocation fails, and whenever it is told to stop: the right error, nothing left. */
static void
test_failures(void **state)
{
    static test_split split;
    cs_fit_options options = cs_fit_defaults();
    test_random random;
    test_env counted;
    cs_quality quality;
    cs_error err;
    size_t allocations, polls;

    (void) state;
    test_random_start(&random, "recommend_trial_failures");
    make_split(&split, &random);
    test_env_start(&counted, 0, 0);
    split.train_input.env = &counted.env;
    assert_ok(cs_trial_run(&split.train_input, &split.held_input, &options, 5, cs_blas_invert,
                           &quality, &err),
              &err);
    allocations = counted.allocations;
    polls = counted.polls;
    assert_true(allocations > 15 && polls > 10);
    assert_int_equal(counted.live, 0);
    for (size_t i = 1; i <= allocations + polls; i++)
    {
        test_env_start(&counted, i <= allocations ? i : 0, i <= allocations ? 0 : i - allocations);
        assert_code(cs_trial_run(&split.train_input, &split.held_input, &options, 5, cs_blas_invert,
                                 &quality, &err),
                    i <= allocations ? CS_ERR_MEMORY : CS_ERR_STOPPED, &err);
        assert_int_equal(counted.live, 0);
    }
    split.train_input.env = cs_malloc_env();
    cs_interactions_free(&split.train_input);
    cs_interactions_free(&split.held_input);
}

/* A draw is in [0, 1), spread evenly, and depends on each of its arguments. */
static void
test_draws(void **state)
{
    double sum = 0;

    (void) state;
    for (int64_t i = 0; i < 10000; i++)
    {
        double draw = cs_trial_draw(7, (uint64_t) i / 100, i % 100);

        assert_true(draw >= 0 && draw < 1);
        assert_true(draw == cs_trial_draw(7, (uint64_t) i / 100, i % 100));
        assert_true(draw != cs_trial_draw(8, (uint64_t) i / 100, i % 100));
        assert_true(draw != cs_trial_draw(7, (uint64_t) i / 100 + 1, i % 100));
        assert_true(draw != cs_trial_draw(7, (uint64_t) i / 100, i % 100 + 1));
        sum += draw;
    }
    assert_float_equal(sum / 10000, 0.5, 0.02);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_trials),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_draws),
    };

    return cmocka_run_group_tests_name("recommend_trial", tests, NULL, NULL);
}
