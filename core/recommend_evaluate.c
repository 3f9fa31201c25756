/*
 * core/recommend_evaluate.c
 *     Recall, NDCG, hit rate and coverage, one user at a time.
 */
#include "recommend_evaluate.h"

#include <math.h>

void
cs_evaluation_free(cs_evaluation *evaluation)
{
    cs_release(evaluation->env, evaluation->held);
    cs_release(evaluation->env, evaluation->relevant);
    cs_release(evaluation->env, evaluation->covered);
    *evaluation = (cs_evaluation){.env = evaluation->env};
}

cs_code
cs_evaluation_init(cs_evaluation *evaluation, const cs_env *env, size_t num_items, size_t k,
                   cs_error *err)
{
    *evaluation = (cs_evaluation){.env = env, .k = k, .num_items = num_items};
    evaluation->held = cs_allocate(env, num_items * sizeof(int32_t));
    evaluation->relevant = cs_allocate(env, num_items);
    evaluation->covered = cs_allocate(env, num_items);
    if (evaluation->held == NULL || evaluation->relevant == NULL || evaluation->covered == NULL)
    {
        cs_evaluation_free(evaluation);
        return cs_fail_memory(err, num_items);
    }
    memset(evaluation->relevant, 0, num_items);
    memset(evaluation->covered, 0, num_items);
    return CS_OK;
}

/* What a hit at this place, from 0, adds to the gain. */
static double
discount(size_t place)
{
    return 1 / log2((double) place + 2);
}

/* Compare the ranking with the relevant items, of which there are so many. */
static void
count_ranking(cs_evaluation *evaluation, const cs_scores *scores, size_t num_relevant)
{
    double gain = 0, ideal = 0;
    size_t hits = 0;

    for (size_t place = 0; place < scores->num_ranked; place++)
    {
        int32_t item = scores->ranked[place].item;

        evaluation->covered[item] = 1;
        if (!evaluation->relevant[item])
            continue;
        hits++;
        gain += discount(place);
    }
    for (size_t place = 0; place < num_relevant && place < evaluation->k; place++)
        ideal += discount(place);
    evaluation->users++;
    evaluation->recall += (double) hits / (double) num_relevant;
    evaluation->ndcg += gain / ideal;
    evaluation->hit_users += hits > 0;
}

void
cs_evaluation_add(cs_evaluation *evaluation, cs_scores *scores, const int32_t *held,
                  size_t num_held, size_t num_unknown)
{
    size_t num_relevant = num_unknown;

    for (size_t i = 0; i < num_held; i++)
        if (!scores->skipped[held[i]])
        {
            evaluation->relevant[held[i]] = 1;
            num_relevant++;
        }
    if (num_relevant > 0)
    {
        cs_scores_rank(scores, evaluation->k);
        count_ranking(evaluation, scores, num_relevant);
    }
    for (size_t i = 0; i < num_held; i++)
        evaluation->relevant[held[i]] = 0;
}

cs_positions
cs_positions_of(const cs_interactions *input, uint32_t user)
{
    cs_positions positions = {NULL, 0};

    if (user != CS_NO_USER)
        positions.at = cs_interactions_of(input, user, &positions.count);
    return positions;
}

/* Score the items for someone who has those known. */
static cs_code
score_known(cs_scores *scores, const cs_model *model, cs_positions known, cs_error *err)
{
    cs_scores_start(scores);
    for (size_t i = 0; i < known.count; i++)
    {
        if (known.at[i] >= model->num_items)
            return cs_fail(err, CS_ERR_DATA, "damaged model: item %u of %zu", known.at[i],
                           model->num_items);
        CS_TRY(cs_scores_add(scores, &model->rows[known.at[i]], err));
        scores->skipped[known.at[i]] = 1;
    }
    cs_scores_prior(scores, model->popular, known.count);
    return CS_OK;
}

cs_code
cs_evaluation_user(cs_evaluation *evaluation, cs_scores *scores, const cs_model *model,
                   cs_positions known, const cs_interactions *holdout, size_t user, cs_error *err)
{
    size_t count, num_held = 0;
    const uint32_t *items = cs_interactions_of(holdout, user, &count);

    CS_TRY(score_known(scores, model, known, err));
    for (size_t i = 0; i < count; i++)
    {
        int64_t position =
            cs_item_position(model->item_ids, model->num_items, holdout->items[items[i]]);

        if (position >= 0)
            evaluation->held[num_held++] = (int32_t) position;
    }
    cs_evaluation_add(evaluation, scores, evaluation->held, num_held, count - num_held);
    return CS_OK;
}

cs_quality
cs_evaluation_result(const cs_evaluation *evaluation)
{
    double users = (double) evaluation->users;
    size_t covered = 0;

    for (size_t i = 0; i < evaluation->num_items; i++)
        covered += evaluation->covered[i];
    return (cs_quality){.users = (int64_t) evaluation->users,
                        .recall = evaluation->recall / users,
                        .ndcg = evaluation->ndcg / users,
                        .hit_rate = evaluation->hit_users / users,
                        .coverage = (double) covered / (double) evaluation->num_items};
}
