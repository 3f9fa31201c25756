/*
 * core/recommend_trial.h
 *     One trial of a tuning: fit a part of the interactions, foretell the rest.
 */
#ifndef CS_RECOMMEND_TRIAL_H
#define CS_RECOMMEND_TRIAL_H

#include "recommend_evaluate.h"

/*
 * Fit the finished interactions of train, and evaluate the first k of the rankings of
 * all users in holdout, which is finished, too.
 */
cs_code cs_trial_run(const cs_interactions *train, const cs_interactions *holdout,
                     const cs_fit_options *options, size_t k, cs_invert invert, cs_quality *quality,
                     cs_error *err);

/* A number in [0, 1) for a pair, the same for the same seed: below the share it is held out. */
double cs_trial_draw(uint64_t seed, uint64_t user, int64_t item);

#endif
