/*
 * core/recommend_evaluate.c
 *     Recall, NDCG, hit rate and coverage, one user at a time.
 */
#include "recommend_evaluate.h"

#include <math.h>

void
cs_evaluation_free(cs_evaluation *evaluation)
{
    cs_release(evaluation->env, evaluation->relevant);
    cs_release(evaluation->env, evaluation->covered);
    *evaluation = (cs_evaluation){.env = evaluation->env};
}

cs_code
cs_evaluation_init(cs_evaluation *evaluation, const cs_env *env, size_t num_items, size_t k,
                   cs_error *err)
{
    *evaluation = (cs_evaluation){.env = env, .k = k, .num_items = num_items};
    evaluation->relevant = cs_allocate(env, num_items);
    evaluation->covered = cs_allocate(env, num_items);
    if (evaluation->relevant == NULL || evaluation->covered == NULL)
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
