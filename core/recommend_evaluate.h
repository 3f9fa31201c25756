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

/* A whole model in memory. */
typedef struct cs_model
{
    size_t num_items;
    const int64_t *item_ids;  /* ascending */
    const float *popular;     /* the scores for someone of whom nothing is known */
    const cs_model_row *rows; /* by item */
} cs_model;

/* Positions of items, ascending. */
typedef struct cs_positions
{
    const uint32_t *at;
    size_t count;
} cs_positions;

typedef struct cs_evaluation
{
    const cs_env *env;
    size_t k;
    size_t num_items;
    int32_t *held;     /* room for the positions of the current user's held-out items */
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

/* The items of a user as positions, none for CS_NO_USER. */
cs_positions cs_positions_of(const cs_interactions *input, uint32_t user);

/*
 * Count a user: held are the positions of the items held out, unknown the number of
 * others that the model does not have. Those that scores skips, because the user has
 * them already, do not count. Ranks the scores; a user without a relevant item is
 * left out.
 */
void cs_evaluation_add(cs_evaluation *evaluation, cs_scores *scores, const int32_t *held,
                       size_t num_held, size_t num_unknown);

/*
 * Score a user with these known items of the model, and count how well that foretells
 * the user's items in holdout.
 */
cs_code cs_evaluation_user(cs_evaluation *evaluation, cs_scores *scores, const cs_model *model,
                           cs_positions known, const cs_interactions *holdout, size_t user,
                           cs_error *err);

cs_quality cs_evaluation_result(const cs_evaluation *evaluation);

#endif
