/*
 * test/unit/recommend_fit_test.c
 *     The fit, against a dense solution in double precision by elimination.
 */
#include "recommend_build.h"
#include "recommend_fit.h"

#include <math.h>
#include <stdlib.h>

#define TOLERANCE 2e-4 /* of single precision, in units of the largest weight */

/* The dense solution. */
typedef struct dense_model
{
    double weights[MAX_TEST_ITEMS][MAX_TEST_ITEMS];
    double popular[MAX_TEST_ITEMS];
    double largest;
} dense_model;

/* Invert by elimination with the largest pivot of each column. */
static void
invert_dense(double matrix[MAX_TEST_ITEMS][MAX_TEST_ITEMS], size_t n)
{
    double work[MAX_TEST_ITEMS][2 * MAX_TEST_ITEMS] = {0};

    for (size_t i = 0; i < n; i++)
    {
        memcpy(work[i], matrix[i], n * sizeof(double));
        work[i][n + i] = 1;
    }
    for (size_t column = 0; column < n; column++)
    {
        size_t pivot = column;

        for (size_t i = column; i < n; i++)
            if (fabs(work[i][column]) > fabs(work[pivot][column]))
                pivot = i;
        for (size_t j = 0; j < 2 * n; j++)
        {
            double kept = work[column][j];

            work[column][j] = work[pivot][j];
            work[pivot][j] = kept;
        }
        for (size_t i = 0; i < n; i++)
        {
            double factor = work[i][column] / work[column][column];

            for (size_t j = 0; j < 2 * n && i != column; j++)
                work[i][j] -= factor * work[column][j];
        }
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            matrix[i][j] = work[i][n + j] / work[i][i];
}

/* The model by its definition. */
static void
solve_dense(const test_matrix *x, const cs_fit_options *options, dense_model *model)
{
    static double p[MAX_TEST_ITEMS][MAX_TEST_ITEMS];
    double scale[MAX_TEST_ITEMS], share[MAX_TEST_ITEMS], mean = 0;
    size_t n = x->num_items;

    memset(p, 0, sizeof(p));
    memset(model, 0, sizeof(*model));
    for (size_t i = 0; i < n; i++)
    {
        double users = 0;

        for (size_t user = 0; user < x->num_users; user++)
            users += x->has[user][i];
        scale[i] = pow(users, -options->b);
        share[i] = users / (double) x->num_users;
    }
    for (size_t user = 0; user < x->num_users; user++)
    {
        double items = 0;

        for (size_t i = 0; i < n; i++)
            items += x->has[user][i];
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                if (x->has[user][i] && x->has[user][j])
                    p[i][j] += scale[i] * scale[j] * pow(items, -options->a);
    }
    for (size_t i = 0; i < n; i++)
        mean += p[i][i] / (double) n;
    for (size_t i = 0; i < n; i++)
        p[i][i] += options->lambda * mean + options->p / (1 - options->p) * p[i][i];
    invert_dense(p, n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
        {
            model->weights[i][j] = i == j ? 0 : -scale[i] * p[i][j] / p[j][j];
            model->popular[j] += share[i] * model->weights[i][j];
            model->largest = fmax(model->largest, fabs(model->weights[i][j]));
        }
}

/* Finished interactions of a matrix. */
static void
make_input(const test_matrix *matrix, test_random *random, cs_interactions *input)
{
    cs_error err;

    cs_interactions_init(input, cs_malloc_env());
    assert_ok(test_matrix_add(matrix, random, input, &err), &err);
    assert_ok(cs_interactions_finish(input, 1, &err), &err);
}

/* A row must hold the largest of the source's weights, in order. */
static void
check_row(const cs_fit *fit, size_t source, size_t keep)
{
    cs_weight weights[MAX_TEST_ITEMS];
    bool kept[MAX_TEST_ITEMS] = {false};
    size_t count = cs_fit_row(fit, source, keep, weights), nonzero = 0;
    float smallest = INFINITY;

    for (size_t i = 0; i < count; i++)
    {
        assert_true(weights[i].target != (int32_t) source && !kept[weights[i].target]);
        kept[weights[i].target] = true;
        assert_true(weights[i].weight == cs_fit_weight(fit, source, (size_t) weights[i].target));
        assert_true(i == 0 || weights[i].weight < weights[i - 1].weight ||
                    (weights[i].weight == weights[i - 1].weight &&
                     weights[i].target > weights[i - 1].target));
        smallest = fminf(smallest, fabsf(weights[i].weight));
    }
    for (size_t j = 0; j < fit->num_items; j++)
    {
        float weight = fabsf(cs_fit_weight(fit, source, j));

        nonzero += weight > 0;
        assert_true(kept[j] || weight == 0 || weight <= smallest);
    }
    assert_int_equal(count, nonzero < keep ? nonzero : keep);
}

/* The fit must be the dense solution, to single precision. */
static void
check_fit(const cs_fit *fit, const dense_model *model)
{
    for (size_t i = 0; i < fit->num_items; i++)
        for (size_t j = 0; j < fit->num_items; j++)
            assert_float_equal(cs_fit_weight(fit, i, j), model->weights[i][j],
                               TOLERANCE * model->largest);
    for (size_t j = 0; j < fit->num_items; j++)
        assert_float_equal(fit->popular[j], model->popular[j], TOLERANCE * model->largest);
}

/* Random data, random options. */
static void
test_against_dense(void **state)
{
    static test_matrix matrix;
    static dense_model model;
    test_random random;

    (void) state;
    test_random_start(&random, "recommend_fit");
    for (size_t round = 0; round < test_rounds(60); round++)
    {
        cs_fit_options options = cs_fit_defaults();
        cs_interactions input;
        cs_error err;
        cs_fit fit;

        test_matrix_fill(&matrix, &random, 1 + test_random_below(&random, MAX_TEST_USERS),
                         1 + test_random_below(&random, MAX_TEST_ITEMS));
        if (round > 0)
        {
            options.a = (double) test_random_below(&random, 200) / 100 - 0.5;
            options.b = (double) test_random_below(&random, 100) / 100;
            options.p = (double) test_random_below(&random, 90) / 100;
            options.lambda = 0.5 + (double) test_random_below(&random, 100) / 5;
            options.threads = 1 + (int) test_random_below(&random, 2);
        }
        make_input(&matrix, &random, &input);
        assert_ok(cs_fit_run(&fit, &input, &options, cs_blas_invert, &err), &err);
        solve_dense(&matrix, &options, &model);
        check_fit(&fit, &model);
        for (size_t i = 0; i < fit.num_items; i++)
            check_row(&fit, i, 1 + test_random_below(&random, matrix.num_items + 3));
        cs_fit_free(&fit);
        cs_interactions_free(&input);
    }
}

/* The inverse of matrices of one, of several and of broken panels, times the matrix, is 1. */
static void
test_inverse(void **state)
{
    const size_t sizes[] = {1, 2, 31, 191, 192, 193, 384, 500};
    test_random random;

    (void) state;
    test_random_start(&random, "inverse");
    for (size_t s = 0; s < LENGTH(sizes); s++)
    {
        size_t n = sizes[s];
        float *matrix = malloc(n * n * sizeof(float)), *inverse = malloc(n * n * sizeof(float));
        cs_error err;

        for (size_t column = 0; column < n; column++)
            for (size_t row = column; row < n; row++)
            {
                float value = (float) test_random_below(&random, 1000) / 1000;

                matrix[column * n + row] = row == column ? value + (float) n : value;
                matrix[row * n + column] = matrix[column * n + row];
                inverse[row * n + column] = NAN; /* not to be read */
                inverse[column * n + row] = matrix[column * n + row];
            }
        assert_ok(cs_blas_invert(cs_malloc_env(), inverse, n, 1 + s % 2, &err), &err);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
            {
                double sum = 0;

                for (size_t k = 0; k < n; k++)
                    sum += (double) matrix[i * n + k] * inverse[k * n + j];
                assert_float_equal(sum, i == j, 1e-4);
                assert_true(inverse[i * n + j] == inverse[j * n + i]);
            }
        free(matrix);
        free(inverse);
    }
}

/* What cannot be fitted, and why. */
static void
test_refused(void **state)
{
    const struct
    {
        cs_fit_options options;
        const char *message;
    } cases[] = {
        {{.a = NAN, .lambda = 5, .keep = 1, .threads = 1}, "\"a\""},
        {{.a = 11, .lambda = 5, .keep = 1, .threads = 1}, "\"a\" must be from -10 to 10"},
        {{.b = -11, .lambda = 5, .keep = 1, .threads = 1}, "\"b\""},
        {{.lambda = 0, .keep = 1, .threads = 1}, "\"lambda\" must be above 0"},
        {{.lambda = INFINITY, .keep = 1, .threads = 1}, "\"lambda\""},
        {{.lambda = 5, .p = 1, .keep = 1, .threads = 1}, "\"p\" must be at least 0 and below 1"},
        {{.lambda = 5, .p = -0.1, .keep = 1, .threads = 1}, "\"p\""},
        {{.lambda = 5, .threads = 1}, "\"keep\""},
        {{.lambda = 5, .keep = 1}, "\"threads\" must be from 1 to 256"},
        {{.lambda = 5, .keep = 1, .threads = 257}, "\"threads\""},
    };
    cs_fit_options options = cs_fit_defaults();
    cs_interactions input;
    cs_error err;
    cs_fit fit;

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        assert_refused(cs_fit_check(&cases[i].options, &err), CS_ERR_ARGUMENT, &err,
                       cases[i].message);
    cs_interactions_init(&input, cs_malloc_env());
    assert_ok(cs_interactions_finish(&input, 1, &err), &err);
    assert_refused(cs_fit_run(&fit, &input, &options, cs_blas_invert, &err), CS_ERR_ARGUMENT, &err,
                   "no item");
    cs_interactions_free(&input);
    cs_interactions_init(&input, cs_malloc_env());
    for (int64_t i = 0; i < 5; i++)
        assert_ok(cs_interactions_add(&input, cs_slice_of("u"), i, &err), &err);
    assert_ok(cs_interactions_finish(&input, 1, &err), &err);
    options.max_items = 4;
    assert_refused(cs_fit_run(&fit, &input, &options, cs_blas_invert, &err), CS_ERR_LIMIT, &err,
                   "5 items are more than the limit of 4");
    cs_interactions_free(&input);
}

/* A matrix that has no Cholesky factor is refused. */
static void
test_not_positive(void **state)
{
    float matrix[] = {1, 2, 2, 1};
    cs_error err;

    (void) state;
    assert_refused(cs_blas_invert(cs_malloc_env(), matrix, 2, 1, &err), CS_ERR_ARGUMENT, &err,
                   "not positive definite");
}

/* Fit in a counted environment. */
static cs_code
fit_counted(const test_matrix *matrix, const cs_env *env, cs_error *err)
{
    cs_fit_options options = cs_fit_defaults();
    test_random random = {1};
    cs_interactions input;
    cs_fit fit;
    cs_code code;

    cs_interactions_init(&input, env);
    code = test_matrix_add(matrix, &random, &input, err);
    if (code == CS_OK)
        code = cs_interactions_finish(&input, 3, err);
    if (code == CS_OK)
        code = cs_fit_run(&fit, &input, &options, cs_blas_invert, err);
    if (code == CS_OK)
        cs_fit_free(&fit);
    cs_interactions_free(&input);
    return code;
}

/* Whatever allocation fails, and whenever it is told to stop: the right error, nothing left. */
static void
test_failures(void **state)
{
    static test_matrix matrix;
    test_random random;
    test_env counted;
    cs_error err;
    size_t allocations, polls;

    (void) state;
    test_random_start(&random, "recommend_failures");
    test_matrix_fill(&matrix, &random, 30, 20);
    test_env_start(&counted, 0, 0);
    assert_ok(fit_counted(&matrix, &counted.env, &err), &err);
    assert_int_equal(counted.live, 0);
    allocations = counted.allocations;
    polls = counted.polls;
    assert_true(allocations > 10 && polls > 20);
    for (size_t i = 1; i <= allocations; i++)
    {
        test_env_start(&counted, i, 0);
        assert_code(fit_counted(&matrix, &counted.env, &err), CS_ERR_MEMORY, &err);
        assert_int_equal(counted.live, 0);
    }
    for (size_t i = 1; i <= polls; i++)
    {
        test_env_start(&counted, 0, i);
        assert_code(fit_counted(&matrix, &counted.env, &err), CS_ERR_STOPPED, &err);
        assert_int_equal(counted.live, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_dense), cmocka_unit_test(test_inverse),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_not_positive),
        cmocka_unit_test(test_failures),
    };

    return cmocka_run_group_tests_name("recommend_fit", tests, NULL, NULL);
}
