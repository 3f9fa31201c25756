/*
 * extension/recommend.h
 *     What the functions of the recommender share.
 */
#ifndef CLICKSTREAM_RECOMMEND_H
#define CLICKSTREAM_RECOMMEND_H

#include "executor/spi.h"
#include "fmgr.h"
#include "tcop/dest.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "core_bridge.h"

#include "recommend_trial.h"

#define RECOMMEND_MAX_NAME 255 /* bytes of a model's name */

/* Options (recommend_options.c) */

typedef struct RecommendOptions
{
    cs_fit_options fit;
    int min_users; /* items of fewer users are left out */

    /* of recommender_tune */
    int k;             /* places of the ranking that count */
    int seed;          /* of the split and of the search */
    int trials;        /* at most */
    double seconds;    /* the budget; the first trial is made in any case */
    double share;      /* of the pairs that are held out */
    char *time_column; /* hold out the latest by it; NULL: random ones */
    bool by_recall;    /* what is best: recall, else NDCG */
} RecommendOptions;

/* Read the options of recommender_fit, or those of recommender_tune. */
void recommend_options_read(RecommendOptions *options, const Jsonb *given, bool tune);

/* The options of a fit as jsonb, for recommender_fit. */
Datum recommend_options_write(const cs_fit_options *fit, int min_users);

/* Interactions of a table or view (recommend_read.c) */

typedef struct RecommendSource
{
    Oid relation;
    const char *user_column;
    const char *item_column;
    const char *time_column; /* NULL if there is no need of one */
} RecommendSource;

/* Take one pair; time is 0 without a time column. */
typedef void (*RecommendTakePair)(void *state, cs_slice user, int64_t item, double time);

/* A receiver of rows that hands each to a function; the start of a larger struct. */
DestReceiver recommend_receiver(bool (*take)(TupleTableSlot *slot, DestReceiver *self));

/* The source that three arguments name, the first of them at this place. */
RecommendSource recommend_source(FunctionCallInfo fcinfo, int argument);

/*
 * Read all pairs as the current user; needs SPI. Rows with a NULL are left out; returns
 * how many those are. read_only: by the snapshot of the query that is running.
 */
int64 recommend_read(const RecommendSource *source, bool read_only, RecommendTakePair take,
                     void *state);

/* Take a pair into cs_interactions, which is the state. */
void recommend_take_pair(void *state, cs_slice user, int64_t item, double time);

/* Stored models (recommend_model.c) */

/* What of a model every function needs; lives in the context that was current. */
typedef struct RecommendModel
{
    int64 model_id;
    size_t num_items;
    const int64_t *item_ids;
    const float *popular;
} RecommendModel;

typedef enum RecommendStatement
{
    RECOMMEND_FIND_MODEL,   /* (model) -> model_id, item_ids, popular */
    RECOMMEND_FIND_USER,    /* (model_id, user_id) -> items */
    RECOMMEND_FIND_ROWS,    /* (model_id, item_ids) -> item_id, neighbours, weights */
    RECOMMEND_ALL_ROWS,     /* (model_id) -> item_id, neighbours, weights */
    RECOMMEND_ALL_USERS,    /* (model_id) -> user_id, items */
    RECOMMEND_FIND_OWNER,   /* (model) -> owner */
    RECOMMEND_DELETE_MODEL, /* (model) */
    RECOMMEND_DELETE_ROWS,  /* (model_id) */
    RECOMMEND_DELETE_USERS, /* (model_id) */
    RECOMMEND_CLEAR_ROWS,   /* () */
    RECOMMEND_CLEAR_USERS,  /* () */
    RECOMMEND_INSERT_MODEL, /* see recommend_fit.c -> model_id */
    RECOMMEND_INSERT_ROW,   /* (model_id, item_id, neighbours, weights) */
    RECOMMEND_INSERT_USER,  /* (model_id, user_id, items) */
    NUM_RECOMMEND_STATEMENTS
} RecommendStatement;

/* Run a statement on the model tables, those of the called function's schema; needs SPI. */
void recommend_run(FunctionCallInfo fcinfo, RecommendStatement statement, Datum *values,
                   bool read_only);

/* The same for a query whose rows go to a receiver. */
void recommend_run_into(FunctionCallInfo fcinfo, RecommendStatement statement, Datum *values,
                        DestReceiver *receiver);

/* The model of this name; an error if there is none. Needs SPI. */
void recommend_find_model(FunctionCallInfo fcinfo, text *name, RecommendModel *model);

/* The row of the model whose columns neighbours and weights are these. */
cs_model_row recommend_row(Datum neighbours, Datum weights);

/* The OID of recommender_model. */
Oid recommend_table(FunctionCallInfo fcinfo);

/* Algebra (recommend_library.c) */

/* The function that inverts; loads its library the first time. */
cs_invert recommend_invert(void);

/* An argument that must not be NULL: raise an error that names it. */
void recommend_require(FunctionCallInfo fcinfo, int argument, const char *name);

#endif
