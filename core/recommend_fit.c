/*
 * core/recommend_fit.c
 *     The Gram matrix from sparse rows, its inverse, and the weights from that.
 */
#include "recommend_fit.h"

#include <math.h>
#include <stdlib.h>

#define MAX_EXPONENT 10.0
#define MAX_LAMBDA 1e9
#define MAX_THREADS 256

/* The users of each item, and how far each user's row was gone through. */
typedef struct gram_walk
{
    const cs_interactions *input;
    size_t *starts;     /* of each item's users */
    uint32_t *users;    /* ascending within an item */
    size_t *cursors;    /* by user: where in links its next item stands */
    double *user_scale; /* n_u^-a */
    double *row;        /* of the matrix */
} gram_walk;

cs_fit_options
cs_fit_defaults(void)
{
    return (cs_fit_options){.a = CS_FIT_A,
                            .b = CS_FIT_B,
                            .lambda = CS_FIT_LAMBDA,
                            .p = CS_FIT_P,
                            .keep = CS_FIT_KEEP,
                            .max_items = CS_FIT_MAX_ITEMS,
                            .threads = 1};
}

cs_code
cs_fit_check(const cs_fit_options *options, cs_error *err)
{
    if (!(fabs(options->a) <= MAX_EXPONENT))
        return cs_fail(err, CS_ERR_ARGUMENT, "option \"a\" must be from %g to %g", -MAX_EXPONENT,
                       MAX_EXPONENT);
    if (!(fabs(options->b) <= MAX_EXPONENT))
        return cs_fail(err, CS_ERR_ARGUMENT, "option \"b\" must be from %g to %g", -MAX_EXPONENT,
                       MAX_EXPONENT);
    if (!(options->lambda > 0 && options->lambda <= MAX_LAMBDA))
        return cs_fail(err, CS_ERR_ARGUMENT, "option \"lambda\" must be above 0, at most %g",
                       MAX_LAMBDA);
    if (!(options->p >= 0 && options->p < 1))
        return cs_fail(err, CS_ERR_ARGUMENT, "option \"p\" must be at least 0 and below 1");
    if (options->keep < 1)
        return cs_fail(err, CS_ERR_ARGUMENT, "option \"keep\" must be at least 1");
    if (options->threads < 1 || options->threads > MAX_THREADS)
        return cs_fail(err, CS_ERR_ARGUMENT, "option \"threads\" must be from 1 to %d",
                       MAX_THREADS);
    return CS_OK;
}

double
cs_fit_matrix_bytes(size_t num_items)
{
    return (double) num_items * (double) num_items * sizeof(float);
}

void
cs_fit_free(cs_fit *fit)
{
    cs_release(fit->env, fit->inverse);
    cs_release(fit->env, fit->diagonal);
    cs_release(fit->env, fit->scale);
    cs_release(fit->env, fit->popular);
    cs_release(fit->env, fit->row);
    *fit = (cs_fit){.env = fit->env};
}

/* Allocate count items of this size, or say that there is no memory. */
static cs_code
allocate(const cs_env *env, void **array, size_t count, size_t item_size, cs_error *err)
{
    if (count > SIZE_MAX / item_size)
        return cs_fail_memory(err, SIZE_MAX);
    *array = cs_allocate(env, count * item_size);
    return *array != NULL ? CS_OK : cs_fail_memory(err, count * item_size);
}

/* Free what the Gram matrix was made with. */
static void
free_walk(gram_walk *walk)
{
    const cs_env *env = walk->input->env;

    cs_release(env, walk->starts);
    cs_release(env, walk->users);
    cs_release(env, walk->cursors);
    cs_release(env, walk->user_scale);
    cs_release(env, walk->row);
}

/* Allocate what the Gram matrix is made with. */
static cs_code
allocate_walk(gram_walk *walk, cs_error *err)
{
    const cs_interactions *input = walk->input;
    const cs_env *env = input->env;

    CS_TRY(allocate(env, (void **) &walk->starts, input->num_items + 1, sizeof(size_t), err));
    CS_TRY(allocate(env, (void **) &walk->users, input->starts[input->num_users], sizeof(uint32_t),
                    err));
    CS_TRY(allocate(env, (void **) &walk->cursors, input->num_users, sizeof(size_t), err));
    CS_TRY(allocate(env, (void **) &walk->user_scale, input->num_users, sizeof(double), err));
    return allocate(env, (void **) &walk->row, input->num_items, sizeof(double), err);
}

/* Find the users of each item, and weigh the users. */
static void
start_walk(gram_walk *walk, double a)
{
    const cs_interactions *input = walk->input;
    size_t end = 0;

    for (size_t i = 0; i < input->num_items; i++)
    {
        walk->starts[i] = end;
        end += input->item_users[i];
    }
    for (size_t user = 0; user < input->num_users; user++)
    {
        size_t count;
        const uint32_t *items = cs_interactions_of(input, user, &count);

        walk->cursors[user] = input->starts[user];
        walk->user_scale[user] = count > 0 ? pow((double) count, -a) : 0;
        for (size_t i = 0; i < count; i++)
            walk->users[walk->starts[items[i]]++] = (uint32_t) user;
    }
    /* each start went on to the next one's place */
    for (size_t i = input->num_items; i > 0; i--)
        walk->starts[i] = walk->starts[i - 1];
    walk->starts[0] = 0;
}

/*
 * Add up one row of X' W X from its diagonal on. Rows come in order, so a user's
 * cursor stands at this item wherever the user has it.
 */
static void
add_row(gram_walk *walk, size_t item)
{
    const cs_interactions *input = walk->input;

    memset(walk->row + item, 0, (input->num_items - item) * sizeof(double));
    for (size_t i = walk->starts[item]; i < walk->starts[item + 1]; i++)
    {
        uint32_t user = walk->users[i];
        double scale = walk->user_scale[user];
        const uint32_t *at = input->links + walk->cursors[user]++;
        const uint32_t *end = input->links + input->starts[user + 1];

        for (; at < end; at++)
            walk->row[*at] += scale;
    }
}

/* Fill the lower triangle of A; its rows are the columns of add_row. */
static cs_code
fill_matrix(cs_fit *fit, gram_walk *walk, const cs_fit_options *options, cs_error *err)
{
    size_t n = fit->num_items;
    double dropout = options->p / (1 - options->p), trace = 0;

    for (size_t i = 0; i < n; i++)
    {
        float *out = fit->inverse + i * n;
        double scale = fit->scale[i];

        CS_TRY(cs_poll(fit->env, err));
        add_row(walk, i);
        for (size_t j = i; j < n; j++)
            out[j] = (float) (scale * fit->scale[j] * walk->row[j]);
        trace += scale * scale * walk->row[i];
        out[i] = (float) (scale * scale * walk->row[i] * (1 + dropout));
    }
    for (size_t i = 0; i < n; i++)
        fit->inverse[i * n + i] += (float) (options->lambda * trace / (double) n);
    return CS_OK;
}

/* Make the matrix A. */
static cs_code
make_matrix(cs_fit *fit, const cs_interactions *input, const cs_fit_options *options, cs_error *err)
{
    gram_walk walk = {.input = input};
    cs_code code = allocate_walk(&walk, err);

    if (code == CS_OK)
    {
        start_walk(&walk, options->a);
        code = fill_matrix(fit, &walk, options, err);
    }
    free_walk(&walk);
    return code;
}

float
cs_fit_weight(const cs_fit *fit, size_t source, size_t target)
{
    size_t n = fit->num_items;

    if (source == target)
        return 0;
    return -fit->scale[source] * fit->inverse[source * n + target] / fit->diagonal[target];
}

/* m B, with m the share of the users who have an item. */
static cs_code
add_popular(cs_fit *fit, const cs_interactions *input, cs_error *err)
{
    size_t n = fit->num_items;
    bool finite = true;
    double *sums;

    CS_TRY(allocate(fit->env, (void **) &sums, n, sizeof(double), err));
    memset(sums, 0, n * sizeof(double));
    for (size_t i = 0; i < n; i++)
    {
        const float *row = fit->inverse + i * n;
        double share = (double) input->item_users[i] / (double) input->active_users;
        double factor = share * fit->scale[i];

        for (size_t j = 0; j < n; j++)
            sums[j] -= factor * row[j];
        sums[i] += factor * row[i];
    }
    for (size_t j = 0; j < n; j++)
    {
        fit->popular[j] = (float) (sums[j] / fit->diagonal[j]);
        finite = finite && isfinite(fit->popular[j]);
    }
    cs_release(fit->env, sums);
    return finite ? CS_OK
                  : cs_fail(err, CS_ERR_ARGUMENT,
                            "the weights are not finite numbers: lambda is too small");
}

/* Everything in an order that needs no more than one matrix. */
static cs_code
run(cs_fit *fit, const cs_interactions *input, const cs_fit_options *options, cs_invert invert,
    cs_error *err)
{
    size_t n = fit->num_items;

    if (n > 0 && n > SIZE_MAX / sizeof(float) / n)
        return cs_fail_memory(err, SIZE_MAX);
    CS_TRY(allocate(fit->env, (void **) &fit->inverse, n * n, sizeof(float), err));
    CS_TRY(allocate(fit->env, (void **) &fit->diagonal, n, sizeof(float), err));
    CS_TRY(allocate(fit->env, (void **) &fit->scale, n, sizeof(float), err));
    CS_TRY(allocate(fit->env, (void **) &fit->popular, n, sizeof(float), err));
    CS_TRY(allocate(fit->env, (void **) &fit->row, n, sizeof(float), err));
    for (size_t i = 0; i < n; i++)
        fit->scale[i] = (float) pow(input->item_users[i], -options->b);
    CS_TRY(make_matrix(fit, input, options, err));
    CS_TRY(invert(fit->env, fit->inverse, n, options->threads, err));
    for (size_t i = 0; i < n; i++)
        fit->diagonal[i] = fit->inverse[i * n + i];
    return add_popular(fit, input, err);
}

cs_code
cs_fit_run(cs_fit *fit, const cs_interactions *input, const cs_fit_options *options,
           cs_invert invert, cs_error *err)
{
    cs_code code;

    *fit = (cs_fit){.env = input->env, .num_items = input->num_items};
    CS_TRY(cs_fit_check(options, err));
    if (input->num_items == 0)
        return cs_fail(err, CS_ERR_ARGUMENT, "there is no item to learn from");
    if (input->num_items > options->max_items)
        return cs_fail(err, CS_ERR_LIMIT,
                       "%zu items are more than the limit of %zu: their matrix would take %.1f GB",
                       input->num_items, options->max_items,
                       cs_fit_matrix_bytes(input->num_items) / 1e9);
    code = run(fit, input, options, invert, err);
    if (code != CS_OK)
        cs_fit_free(fit);
    return code;
}

/* The value that stands at place k when values[] is sorted downwards; reorders them. */
static float
select_largest(float *values, size_t count, size_t k)
{
    int64_t start = 0, end = (int64_t) count - 1, place = (int64_t) k;

    while (start < end)
    {
        float pivot = values[start + (end - start) / 2];
        int64_t left = start, right = end;

        while (left <= right)
        {
            while (values[left] > pivot)
                left++;
            while (values[right] < pivot)
                right--;
            if (left <= right)
            {
                float kept = values[left];

                values[left++] = values[right];
                values[right--] = kept;
            }
        }
        /* up to right none is smaller than the pivot, from left on none is larger */
        if (place <= right)
            end = right;
        else if (place >= left)
            start = left;
        else
            break;
    }
    return values[k];
}

/* The order of weights in a row: the largest first, then by target. */
static int
compare_weights(const void *left, const void *right)
{
    const cs_weight *a = left, *b = right;

    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return (a->target > b->target) - (a->target < b->target);
}

size_t
cs_fit_row(const cs_fit *fit, size_t source, size_t keep, cs_weight *weights)
{
    size_t n = fit->num_items, above = 0, equal, count = 0;
    float limit;

    for (size_t j = 0; j < n; j++)
        fit->row[j] = fabsf(cs_fit_weight(fit, source, j));
    limit = keep < n ? select_largest(fit->row, n, keep - 1) : 0;
    for (size_t j = 0; j < n; j++)
        above += fit->row[j] > limit;
    equal = keep < n ? keep - above : 0;
    for (size_t j = 0; j < n; j++)
    {
        float weight = cs_fit_weight(fit, source, j);
        float magnitude = fabsf(weight);

        if (magnitude > limit || (magnitude > 0 && magnitude == limit && equal > 0))
        {
            equal -= magnitude == limit;
            weights[count++] = (cs_weight){(int32_t) j, weight};
        }
    }
    qsort(weights, count, sizeof(cs_weight), compare_weights);
    return count;
}
