/*
 * core/recommend_score.h
 *     What to offer next: scores from rows of weights, the best of them, and why.
 *
 * Score = (x + k m) B, x being the items of someone, m the share of the users who have
 * an item, k = 0.2 * 10 / (10 + |x|): a prior that counts where little is known and is
 * lost among many items. For someone without any item the score is m B.
 */
#ifndef CS_RECOMMEND_SCORE_H
#define CS_RECOMMEND_SCORE_H

#include "recommend_fit.h"

#define CS_PRIOR_SHARE 0.2
#define CS_PRIOR_ITEMS 10.0
#define CS_MAX_REASONS 3 /* items that explain a score */

/* A source row of the model, the largest weight first. */
typedef struct cs_model_row
{
    const int32_t *targets;
    const float *weights;
    size_t count;
} cs_model_row;

/* An item and its score. */
typedef struct cs_ranked
{
    int32_t item;
    float score;
} cs_ranked;

/* The scores of all items for one user at a time. */
typedef struct cs_scores
{
    const cs_env *env;
    size_t num_items;
    double *sums;
    uint8_t *skipped;  /* by item: not to be offered */
    cs_ranked *ranked; /* of the last cs_scores_rank, best first */
    size_t num_ranked;
} cs_scores;

/* On failure there is nothing to free. */
cs_code cs_scores_init(cs_scores *scores, const cs_env *env, size_t num_items, cs_error *err);
void cs_scores_free(cs_scores *scores);

/* Begin with another user: all scores are 0, no item is skipped. */
void cs_scores_start(cs_scores *scores);

/* Add a row, that of an item of the user. CS_ERR_DATA if it names items that are not there. */
cs_code cs_scores_add(cs_scores *scores, const cs_model_row *row, cs_error *err);

/* Add the prior for a user with so many items, once all rows are added. */
void cs_scores_prior(cs_scores *scores, const float *popular, size_t num_known);

/* Rank the items that are not skipped and keep the best n; equal scores by position. */
void cs_scores_rank(cs_scores *scores, size_t n);

/* For each ranked item the items that add most to its score. */
typedef struct cs_reasons
{
    const cs_env *env;
    size_t num_items;
    size_t num_ranked;
    int32_t *places;    /* by item: its place in the ranking, -1 if it has none */
    cs_ranked *sources; /* CS_MAX_REASONS a place, the largest first; score 0: none */
} cs_reasons;

/* Begin with the ranking of scores. On failure there is nothing to free. */
cs_code cs_reasons_init(cs_reasons *reasons, const cs_scores *scores, cs_error *err);
void cs_reasons_free(cs_reasons *reasons);

/* Take a row into account, that of a source among the items of the user. */
cs_code cs_reasons_add(cs_reasons *reasons, int32_t source, const cs_model_row *row, cs_error *err);

/* The sources that add most to the item at a place of the ranking; returns their number. */
size_t cs_reasons_of(const cs_reasons *reasons, size_t place, const cs_ranked **sources);

#endif
