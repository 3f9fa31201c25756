/*
 * test/unit/recommend_score_test.c
 *     Scores, the best of them, what explains them, and how good they are.
 */
#include "recommend_evaluate.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>

#define MAX_ITEMS 50
#define MAX_ROWS 12

/* Rows of random weights; many are alike, so that there are equal scores. */
typedef struct test_rows
{
    int32_t targets[MAX_ROWS][MAX_ITEMS];
    float weights[MAX_ROWS][MAX_ITEMS];
    cs_model_row rows[MAX_ROWS];
    size_t num_rows;
    size_t num_items;
} test_rows;

/* Fill them. */
static void
fill_rows(test_rows *rows, test_random *random)
{
    *rows = (test_rows){.num_rows = test_random_below(random, MAX_ROWS + 1),
                        .num_items = 1 + test_random_below(random, MAX_ITEMS)};
    for (size_t row = 0; row < rows->num_rows; row++)
    {
        size_t count = 0;
        float weight = (float) test_random_below(random, 9) / 8;

        for (size_t item = 0; item < rows->num_items; item++)
            if (test_random_below(random, 3) == 0)
            {
                weight -= (float) test_random_below(random, 2) / 8;
                rows->targets[row][count] = (int32_t) (rows->num_items - 1 - item);
                rows->weights[row][count++] = weight;
            }
        rows->rows[row] = (cs_model_row){rows->targets[row], rows->weights[row], count};
    }
}

/* The weight of a row for an item. */
static float
weight_of(const test_rows *rows, size_t row, size_t item)
{
    for (size_t i = 0; i < rows->rows[row].count; i++)
        if (rows->targets[row][i] == (int32_t) item)
            return rows->weights[row][i];
    return 0;
}

/* The ranking must be that of a plain search for the best, again and again. */
static void
check_ranking(const cs_scores *scores, size_t n)
{
    bool taken[MAX_ITEMS] = {false};

    for (size_t place = 0; place < n; place++)
    {
        int best = -1;

        for (size_t i = 0; i < scores->num_items; i++)
            if (!taken[i] && !scores->skipped[i] &&
                (best < 0 || (float) scores->sums[i] > (float) scores->sums[best]))
                best = (int) i;
        if (best < 0)
        {
            assert_int_equal(scores->num_ranked, place);
            return;
        }
        taken[best] = true;
        assert_true(place < scores->num_ranked);
        assert_int_equal(scores->ranked[place].item, best);
        assert_true(scores->ranked[place].score == (float) scores->sums[best]);
    }
    assert_int_equal(scores->num_ranked, n);
}

/* The reasons must be the largest positive weights for each ranked item. */
static void
check_reasons(const cs_scores *scores, const test_rows *rows)
{
    cs_reasons reasons;
    cs_error err;

    assert_ok(cs_reasons_init(&reasons, scores, &err), &err);
    for (size_t row = 0; row < rows->num_rows; row++)
        assert_ok(cs_reasons_add(&reasons, (int32_t) row, &rows->rows[row], &err), &err);
    for (size_t place = 0; place < scores->num_ranked; place++)
    {
        size_t item = (size_t) scores->ranked[place].item, positive = 0;
        const cs_ranked *sources;
        size_t count = cs_reasons_of(&reasons, place, &sources);
        bool named[MAX_ROWS] = {false};

        for (size_t i = 0; i < count; i++)
        {
            named[sources[i].item] = true;
            assert_true(sources[i].score == weight_of(rows, (size_t) sources[i].item, item));
            assert_true(i == 0 || sources[i].score < sources[i - 1].score ||
                        (sources[i].score == sources[i - 1].score &&
                         sources[i].item > sources[i - 1].item));
        }
        for (size_t row = 0; row < rows->num_rows; row++)
        {
            positive += weight_of(rows, row, item) > 0;
            assert_true(named[row] || weight_of(rows, row, item) <= 0 ||
                        weight_of(rows, row, item) <= sources[count - 1].score);
        }
        assert_int_equal(count, positive < CS_MAX_REASONS ? positive : CS_MAX_REASONS);
    }
    cs_reasons_free(&reasons);
}

/* Random rows, random items to skip, any n. */
static void
test_random_scores(void **state)
{
    test_random random;

    (void) state;
    test_random_start(&random, "recommend_score");
    for (size_t round = 0; round < test_rounds(500); round++)
    {
        test_rows rows;
        cs_scores scores;
        cs_error err;
        float popular[MAX_ITEMS];
        double k;
        size_t n;

        fill_rows(&rows, &random);
        assert_ok(cs_scores_init(&scores, cs_malloc_env(), rows.num_items, &err), &err);
        for (size_t row = 0; row < rows.num_rows; row++)
            assert_ok(cs_scores_add(&scores, &rows.rows[row], &err), &err);
        k = rows.num_rows == 0 ? 1 : 0.2 * 10 / (10 + (double) rows.num_rows);
        for (size_t i = 0; i < rows.num_items; i++)
        {
            popular[i] = (float) test_random_below(&random, 5) / 4;
            scores.skipped[i] = test_random_below(&random, 4) == 0;
        }
        cs_scores_prior(&scores, popular, rows.num_rows);
        for (size_t i = 0; i < rows.num_items; i++)
        {
            double expected = k * popular[i];

            for (size_t row = 0; row < rows.num_rows; row++)
                expected += weight_of(&rows, row, i);
            assert_float_equal(scores.sums[i], expected, 1e-9);
        }
        n = test_random_below(&random, 4) == 0 ? SIZE_MAX : test_random_below(&random, MAX_ITEMS);
        cs_scores_rank(&scores, n);
        check_ranking(&scores, n < MAX_ITEMS ? n : MAX_ITEMS + 1);
        check_reasons(&scores, &rows);
        cs_scores_free(&scores);
    }
}

/* A row with an item that the model does not have is damage. */
static void
test_damaged_row(void **state)
{
    const int32_t bad[] = {-1, 3, INT32_MAX, INT32_MIN};
    const float weight = 1;
    cs_scores scores;
    cs_reasons reasons;
    cs_error err;

    (void) state;
    assert_ok(cs_scores_init(&scores, cs_malloc_env(), 3, &err), &err);
    assert_ok(cs_reasons_init(&reasons, &scores, &err), &err);
    for (size_t i = 0; i < LENGTH(bad); i++)
    {
        cs_model_row row = {&bad[i], &weight, 1};

        assert_refused(cs_scores_add(&scores, &row, &err), CS_ERR_DATA, &err, "damaged model");
        assert_refused(cs_reasons_add(&reasons, 0, &row, &err), CS_ERR_DATA, &err, "damaged model");
    }
    cs_reasons_free(&reasons);
    cs_scores_free(&scores);
}

/* Put scores in place, those of the items 0, 1, 2, ... falling. */
static void
set_falling(cs_scores *scores)
{
    cs_scores_start(scores);
    for (size_t i = 0; i < scores->num_items; i++)
        scores->sums[i] = 1 - 0.1 * (double) i;
}

/* Three users worked out by hand: ranking 0 1 2 3 4, k 3. */
static void
test_evaluation(void **state)
{
    cs_evaluation evaluation;
    cs_quality quality;
    cs_scores scores;
    cs_error err;
    double gain = 1 + 1 / log2(3), second;

    (void) state;
    assert_ok(cs_scores_init(&scores, cs_malloc_env(), 6, &err), &err);
    assert_ok(cs_evaluation_init(&evaluation, cs_malloc_env(), 6, 3, &err), &err);
    assert_true(isnan(cs_evaluation_result(&evaluation).recall));

    /* hits at 1 and 3; 5 is not in the first three; two more that nobody knows */
    set_falling(&scores);
    cs_evaluation_add(&evaluation, &scores, (const int32_t[]){0, 2, 5}, 3, 2);
    /* 0 and 1 are the user's: the ranking is 2 3 4, a hit at 2; 1 does not count */
    set_falling(&scores);
    scores.skipped[0] = scores.skipped[1] = 1;
    cs_evaluation_add(&evaluation, &scores, (const int32_t[]){3, 1}, 2, 0);
    /* nothing relevant is left */
    set_falling(&scores);
    scores.skipped[4] = 1;
    cs_evaluation_add(&evaluation, &scores, (const int32_t[]){4}, 1, 0);
    /* only what nobody knows */
    set_falling(&scores);
    cs_evaluation_add(&evaluation, &scores, NULL, 0, 1);

    quality = cs_evaluation_result(&evaluation);
    second = 1 / log2(3);
    assert_int_equal(quality.users, 3);
    assert_float_equal(quality.recall, (2.0 / 5 + 1) / 3, 1e-12);
    assert_float_equal(quality.ndcg, (1.5 / (gain + 0.5) + second) / 3, 1e-12);
    assert_float_equal(quality.hit_rate, 2.0 / 3, 1e-12);
    assert_float_equal(quality.coverage, 5.0 / 6, 1e-12);
    cs_evaluation_free(&evaluation);
    cs_scores_free(&scores);
}

/* Score and explain in a counted environment. */
static cs_code
score_counted(const cs_env *env, cs_error *err)
{
    cs_scores scores;
    cs_reasons reasons;
    cs_evaluation evaluation;
    cs_code code = cs_scores_init(&scores, env, 5, err);

    CS_TRY(code);
    cs_scores_rank(&scores, 3);
    code = cs_reasons_init(&reasons, &scores, err);
    if (code == CS_OK)
        cs_reasons_free(&reasons);
    if (code == CS_OK)
        code = cs_evaluation_init(&evaluation, env, 5, 3, err);
    if (code == CS_OK)
        cs_evaluation_free(&evaluation);
    cs_scores_free(&scores);
    return code;
}

/* Whatever allocation fails: the right error, nothing left. */
static void
test_failures(void **state)
{
    test_env counted;
    cs_error err;
    size_t allocations;

    (void) state;
    test_env_start(&counted, 0, 0);
    assert_ok(score_counted(&counted.env, &err), &err);
    allocations = counted.allocations;
    assert_true(allocations >= 7);
    for (size_t i = 1; i <= allocations; i++)
    {
        test_env_start(&counted, i, 0);
        assert_code(score_counted(&counted.env, &err), CS_ERR_MEMORY, &err);
        assert_int_equal(counted.live, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_scores),
        cmocka_unit_test(test_damaged_row),
        cmocka_unit_test(test_evaluation),
        cmocka_unit_test(test_failures),
    };

    return cmocka_run_group_tests_name("recommend_score", tests, NULL, NULL);
}
