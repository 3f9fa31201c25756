/*
 * extension/recommend_tune.c
 *     SQL: recommender_tune.
 *
 * A share of the pairs is held out: random ones by the seed, or the latest ones. The
 * first trial has the defaults, each further one options drawn at random by the seed;
 * the best on the held-out pairs is returned. Nothing is written.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "recommend.h"

PG_FUNCTION_INFO_V1(recommender_tune);

#define NUM_DRAWN 4 /* options that are drawn */

/* A pair with its time, kept until it is known which are the latest. */
typedef struct TimedPair
{
    uint32_t user;
    double time;
    int64_t item;
} TimedPair;

/* One tuning. Its memory ends with the SPI connection. */
typedef struct Tuning
{
    RecommendOptions options;
    cs_env env;
    cs_interactions train;
    cs_interactions holdout;
    cs_interactions all; /* only its users, with a time column */
    TimedPair *pairs;
    size_t num_pairs;
    size_t pair_capacity;
} Tuning;

/* Put a pair into one of the parts. */
static void
put_pair(Tuning *tuning, bool held, cs_slice user, int64_t item)
{
    cs_error err;

    bridge_check(cs_interactions_add(held ? &tuning->holdout : &tuning->train, user, item, &err),
                 &err);
}

/* Take a pair, held out by chance. */
static void
take_random(void *state, cs_slice user, int64_t item, double time)
{
    Tuning *tuning = state;
    uint64_t hash = user.len;

    for (size_t i = 0; i < user.len; i++)
        hash = hash * UINT64_C(0x100000001b3) ^ (uint8_t) user.data[i];
    put_pair(tuning,
             cs_trial_draw((uint64_t) tuning->options.seed, hash, item) < tuning->options.share,
             user, item);
}

/* Keep a pair with its time. */
static void
take_timed(void *state, cs_slice user, int64_t item, double time)
{
    Tuning *tuning = state;
    cs_error err;

    if (isnan(time))
        ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
                        errmsg("column \"%s\" holds NaN", tuning->options.time_column)));
    bridge_check(cs_interactions_add(&tuning->all, user, 0, &err), &err);
    bridge_check(cs_grow_array(&tuning->env, (void **) &tuning->pairs, &tuning->pair_capacity,
                               tuning->num_pairs + 1, sizeof(TimedPair), &err),
                 &err);
    tuning->pairs[tuning->num_pairs++] =
        (TimedPair){cs_interactions_user(&tuning->all, user), time, item};
}

/* The order of times. */
static int
compare_times(const void *left, const void *right)
{
    const TimedPair *a = left, *b = right;

    return (a->time > b->time) - (a->time < b->time);
}

/* Hold out the latest pairs; those of one time stay together. */
static void
split_by_time(Tuning *tuning)
{
    size_t first = (size_t) ((1 - tuning->options.share) * (double) tuning->num_pairs);
    double limit;

    if (tuning->num_pairs == 0)
        return;
    qsort(tuning->pairs, tuning->num_pairs, sizeof(TimedPair), compare_times);
    limit = tuning->pairs[Min(first, tuning->num_pairs - 1)].time;
    for (size_t i = 0; i < tuning->num_pairs; i++)
    {
        const TimedPair *pair = &tuning->pairs[i];

        put_pair(tuning, pair->time >= limit, cs_interactions_user_id(&tuning->all, pair->user),
                 pair->item);
    }
}

/* Read the pairs and split them. */
static void
split_pairs(FunctionCallInfo fcinfo, Tuning *tuning)
{
    RecommendSource source = recommend_source(fcinfo, 0);
    cs_error err;

    source.time_column = tuning->options.time_column;
    cs_interactions_init(&tuning->train, &tuning->env);
    cs_interactions_init(&tuning->holdout, &tuning->env);
    cs_interactions_init(&tuning->all, &tuning->env);
    recommend_read(&source, false, source.time_column != NULL ? take_timed : take_random, tuning);
    if (source.time_column != NULL)
        split_by_time(tuning);
    cs_interactions_free(&tuning->all);
    cs_release(&tuning->env, tuning->pairs);
    bridge_check(cs_interactions_finish(&tuning->train, (size_t) tuning->options.min_users, &err),
                 &err);
    bridge_check(cs_interactions_finish(&tuning->holdout, 1, &err), &err);
    if (tuning->train.num_items == 0 || tuning->holdout.num_items == 0)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("\"%s\" has too few pairs to hold some out",
                               get_rel_name(source.relation))));
}

/* Draw the options of a trial. */
static cs_fit_options
draw_options(const RecommendOptions *base, int trial)
{
    cs_fit_options options = base->fit;
    double draws[NUM_DRAWN];

    for (int i = 0; i < NUM_DRAWN; i++)
        draws[i] = cs_trial_draw((uint64_t) base->seed, (uint64_t) trial, i);
    options.a = round(100 * (-0.5 + 1.7 * draws[0])) / 100;
    options.b = round(100 * 0.6 * draws[1]) / 100;
    options.lambda = round(100 * exp(log(0.5) + log(100) * draws[2])) / 100;
    options.p = round(100 * 0.9 * draws[3]) / 100;
    return options;
}

/* Seconds since start. */
static double
elapsed(instr_time start)
{
    instr_time now;

    INSTR_TIME_SET_CURRENT(now);
    INSTR_TIME_SUBTRACT(now, start);
    return INSTR_TIME_GET_DOUBLE(now);
}

/* Try options until the time or the number of trials is up; return the best. */
static cs_fit_options
search(Tuning *tuning)
{
    const RecommendOptions *options = &tuning->options;
    cs_fit_options best = options->fit;
    double best_score = -1, first_score = 0;
    int trial = 0;
    instr_time start;

    INSTR_TIME_SET_CURRENT(start);
    for (; trial < options->trials && (trial == 0 || elapsed(start) < options->seconds); trial++)
    {
        cs_fit_options drawn = trial == 0 ? options->fit : draw_options(options, trial);
        cs_quality quality;
        cs_error err;
        double score;

        bridge_check(cs_trial_run(&tuning->train, &tuning->holdout, &drawn, (size_t) options->k,
                                  recommend_invert(), &quality, &err),
                     &err);
        score = quality.users == 0 ? 0 : options->by_recall ? quality.recall : quality.ndcg;
        if (trial == 0)
            first_score = score;
        if (score > best_score)
        {
            best_score = score;
            best = drawn;
        }
    }
    ereport(NOTICE, (errmsg_plural("best %s@%d after %d trial: %.5f, by default %.5f",
                                   "best %s@%d after %d trials: %.5f, by default %.5f", trial,
                                   options->by_recall ? "recall" : "ndcg", options->k, trial,
                                   best_score, first_score)));
    return best;
}

/* recommender_tune(interactions regclass, user_column, item_column, options jsonb) */
Datum
recommender_tune(PG_FUNCTION_ARGS)
{
    MemoryContext caller = CurrentMemoryContext;
    Tuning tuning = {.pairs = NULL};
    cs_fit_options best;

    recommend_require(fcinfo, 3, "options");
    recommend_options_read(&tuning.options, PG_GETARG_JSONB_P(3), true);
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "could not connect to SPI");
    tuning.env = bridge_env(CurrentMemoryContext);
    split_pairs(fcinfo, &tuning);
    best = search(&tuning);
    MemoryContextSwitchTo(caller);
    SPI_finish();
    return recommend_options_write(&best, tuning.options.min_users);
}
