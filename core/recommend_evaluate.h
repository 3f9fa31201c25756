/*
 * core/recommend_evaluate.h
 *     How good rankings are, against items held out.
 *
 * Recall@k is hits / relevant items; NDCG@k is binary, its ideal over min(k, relevant);
 * the hit rate is the share of users with a hit; coverage the distinct items in the
 * first k of all rankings, as a share of the items there are. Users are averaged over.
 */
#ifndef CS_RECOMMEND_EVALUATE_H
#define CS_RECOMMEND_EVALUATE_H

#include "recommend_score.h"

typedef struct cs_evaluation
{
    const cs_env *env;
    size_t k;
    size_t num_items;
    uint8_t *relevant; /* by item: of the current user */
    uint8_t *covered;  /* by item: in the first k of some user */
    size_t users;
    double recall; /* sums over the users */
    double ndcg;
    double hit_users;
} cs_evaluation;

/* The result, averaged; without any user the shares are not numbers. */
typedef struct cs_quality
{
    int64_t users;
    double recall;
    double ndcg;
    double hit_rate;
    double coverage;
} cs_quality;

/* On failure there is nothing to free. */
cs_code cs_evaluation_init(cs_evaluation *evaluation, const cs_env *env, size_t num_items, size_t k,
                           cs_error *err);
void cs_evaluation_free(cs_evaluation *evaluation);

/*
 * Count a user: held are the positions of the items held out, unknown the number of
 * others that the model does not have. Those that scores skips, because the user has
 * them already, do not count. Ranks the scores; a user without a relevant item is
 * left out.
 */
void cs_evaluation_add(cs_evaluation *evaluation, cs_scores *scores, const int32_t *held,
                       size_t num_held, size_t num_unknown);

cs_quality cs_evaluation_result(const cs_evaluation *evaluation);

#endif
