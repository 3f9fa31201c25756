/*
 * core/recommend_trial.c
 *     Fit, keep the rows in memory, rank for every user held out.
 */
#include "recommend_trial.h"

/* The rows of a model as the fit makes them. */
typedef struct trial_rows
{
    cs_model model;
    cs_model_row *rows;
    int32_t *targets; /* of all rows, room for keep in each */
    float *weights;
    cs_weight *row;
} trial_rows;

/* Free them. */
static void
free_rows(trial_rows *rows, const cs_env *env)
{
    cs_release(env, rows->rows);
    cs_release(env, rows->targets);
    cs_release(env, rows->weights);
    cs_release(env, rows->row);
}

/* Allocate them; keep is at most the number of items. */
static cs_code
allocate_rows(trial_rows *rows, const cs_fit *fit, size_t keep, cs_error *err)
{
    size_t n = fit->num_items, size = n * keep * sizeof(float);

    rows->rows = cs_allocate(fit->env, n * sizeof(cs_model_row));
    rows->targets = cs_allocate(fit->env, n * keep * sizeof(int32_t));
    rows->weights = cs_allocate(fit->env, size);
    rows->row = cs_allocate(fit->env, n * sizeof(cs_weight));
    if (rows->rows == NULL || rows->targets == NULL || rows->weights == NULL || rows->row == NULL)
        return cs_fail_memory(err, size);
    return CS_OK;
}

/* Take the rows out of the fit. */
static cs_code
take_rows(trial_rows *rows, const cs_fit *fit, size_t keep, cs_error *err)
{
    for (size_t i = 0; i < fit->num_items; i++)
    {
        int32_t *targets = rows->targets + i * keep;
        float *weights = rows->weights + i * keep;
        size_t count = cs_fit_row(fit, i, keep, rows->row);

        CS_TRY(cs_poll(fit->env, err));
        for (size_t j = 0; j < count; j++)
        {
            targets[j] = rows->row[j].target;
            weights[j] = rows->row[j].weight;
        }
        rows->rows[i] = (cs_model_row){targets, weights, count};
    }
    return CS_OK;
}

/* Rank for every user held out. */
static cs_code
evaluate_users(const cs_model *model, const cs_interactions *train, const cs_interactions *holdout,
               cs_scores *scores, cs_evaluation *evaluation, cs_error *err)
{
    for (size_t user = 0; user < holdout->num_users; user++)
    {
        cs_slice id = cs_interactions_user_id(holdout, user);
        cs_positions known = cs_positions_of(train, cs_interactions_user(train, id));

        CS_TRY(cs_poll(evaluation->env, err));
        CS_TRY(cs_evaluation_user(evaluation, scores, model, known, holdout, user, err));
    }
    return CS_OK;
}

/* Evaluate a model. */
static cs_code
evaluate(const cs_model *model, const cs_interactions *train, const cs_interactions *holdout,
         size_t k, cs_quality *quality, cs_error *err)
{
    cs_scores scores;
    cs_evaluation evaluation;
    cs_code code;

    CS_TRY(cs_scores_init(&scores, train->env, model->num_items, err));
    code = cs_evaluation_init(&evaluation, train->env, model->num_items, k, err);
    if (code == CS_OK)
    {
        code = evaluate_users(model, train, holdout, &scores, &evaluation, err);
        *quality = cs_evaluation_result(&evaluation);
        cs_evaluation_free(&evaluation);
    }
    cs_scores_free(&scores);
    return code;
}

cs_code
cs_trial_run(const cs_interactions *train, const cs_interactions *holdout,
             const cs_fit_options *options, size_t k, cs_invert invert, cs_quality *quality,
             cs_error *err)
{
    size_t keep = options->keep < train->num_items ? options->keep : train->num_items;
    trial_rows rows = {.rows = NULL};
    cs_fit fit;
    cs_code code;

    CS_TRY(cs_fit_run(&fit, train, options, invert, err));
    code = allocate_rows(&rows, &fit, keep, err);
    if (code == CS_OK)
        code = take_rows(&rows, &fit, keep, err);
    rows.model = (cs_model){fit.num_items, train->items, fit.popular, rows.rows};
    if (code == CS_OK)
        code = evaluate(&rows.model, train, holdout, k, quality, err);
    free_rows(&rows, train->env);
    cs_fit_free(&fit);
    return code;
}

double
cs_trial_draw(uint64_t seed, uint64_t user, int64_t item)
{
    uint64_t hash = cs_hash_id((int64_t) (seed * UINT64_C(0x9e3779b97f4a7c15) + 1));

    hash = cs_hash_id((int64_t) (hash ^ user));
    hash = cs_hash_id((int64_t) (hash + (uint64_t) item));
    return (double) (hash >> 11) / 9007199254740992.0; /* 2^53 */
}
