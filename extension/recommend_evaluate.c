/*
 * extension/recommend_evaluate.c
 *     SQL: recommender_evaluate.
 *
 * The held-out pairs are read first, then the whole model; then the users of the model
 * pass by, and those that something is held out of are ranked for as they come. Last
 * come the users that the model does not know.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "recommend.h"
#include "sql_array.h"

PG_FUNCTION_INFO_V1(recommender_evaluate);

#define QUALITY_COLUMNS 5

/* One evaluation. Its memory ends with the SPI connection. */
typedef struct Evaluation
{
    cs_env env;
    cs_interactions holdout;
    bool *seen; /* by user of holdout: ranked for already */
    RecommendModel stored;
    cs_model model;
    cs_model_row *rows;
    cs_scores scores;
    cs_evaluation evaluation;
    MemoryContext row_context;
} Evaluation;

/* A receiver of rows for the evaluation. */
typedef struct ModelReceiver
{
    DestReceiver base;
    Evaluation *evaluation;
} ModelReceiver;

/* Take a row (item_id, neighbours, weights) into memory. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
    Evaluation *evaluation = ((ModelReceiver *) self)->evaluation;
    int64_t position;
    cs_model_row row;
    size_t size;
    char *copy;

    slot_getallattrs(slot);
    position = cs_item_position(evaluation->model.item_ids, evaluation->model.num_items,
                                DatumGetInt64(slot->tts_values[0]));
    if (position < 0)
        ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                        errmsg("damaged model: item " INT64_FORMAT " is not in it",
                               DatumGetInt64(slot->tts_values[0]))));
    row = recommend_row(slot->tts_values[1], slot->tts_values[2]);
    size = row.count * sizeof(int32_t);
    copy = MemoryContextAlloc((MemoryContext) evaluation->env.ctx, 2 * size + 1);
    memcpy(copy, row.targets, size);
    memcpy(copy + size, row.weights, size);
    evaluation->rows[position] =
        (cs_model_row){(int32_t *) copy, (float *) (copy + size), row.count};
    return true;
}

/* Rank for a user with these known items. */
static void
evaluate_user(Evaluation *evaluation, uint32_t user, cs_positions known)
{
    cs_error err;

    CHECK_FOR_INTERRUPTS();
    evaluation->seen[user] = true;
    bridge_check(cs_evaluation_user(&evaluation->evaluation, &evaluation->scores,
                                    &evaluation->model, known, &evaluation->holdout, user, &err),
                 &err);
}

/* Take a row (user_id, items): rank if something of the user is held out. */
static bool
receive_user(TupleTableSlot *slot, DestReceiver *self)
{
    Evaluation *evaluation = ((ModelReceiver *) self)->evaluation;
    MemoryContext caller = MemoryContextSwitchTo(evaluation->row_context);
    text *name;
    uint32_t user;

    slot_getallattrs(slot);
    name = DatumGetTextPP(slot->tts_values[0]);
    user = cs_interactions_user(&evaluation->holdout, bridge_slice((struct varlena *) name));
    if (user != CS_NO_USER)
    {
        cs_positions known;

        known.at = sql_array_read(slot->tts_values[1], INT4OID, &known.count);
        evaluate_user(evaluation, user, known);
    }
    MemoryContextSwitchTo(caller);
    MemoryContextReset(evaluation->row_context);
    return true;
}

/* Run a query on the model whose rows go to one of the above. */
static void
receive(FunctionCallInfo fcinfo, Evaluation *evaluation, RecommendStatement statement,
        bool (*take)(TupleTableSlot *slot, DestReceiver *self))
{
    ModelReceiver receiver = {.base = recommend_receiver(take), .evaluation = evaluation};
    Datum values[] = {Int64GetDatum(evaluation->stored.model_id)};

    recommend_run_into(fcinfo, statement, values, &receiver.base);
}

/* Read what was held out, as the caller. */
static void
read_holdout(FunctionCallInfo fcinfo, Evaluation *evaluation)
{
    RecommendSource source = recommend_source(fcinfo, 1);
    cs_error err;

    cs_interactions_init(&evaluation->holdout, &evaluation->env);
    recommend_read(&source, true, recommend_take_pair, &evaluation->holdout);
    bridge_check(cs_interactions_finish(&evaluation->holdout, 1, &err), &err);
    evaluation->seen = palloc0((evaluation->holdout.num_users + 1) * sizeof(bool));
}

/* Bring the model into memory. */
static void
read_model(FunctionCallInfo fcinfo, Evaluation *evaluation)
{
    RecommendModel *stored = &evaluation->stored;

    recommend_find_model(fcinfo, PG_GETARG_TEXT_PP(0), stored);
    evaluation->rows = MemoryContextAllocExtended(CurrentMemoryContext,
                                                  (stored->num_items + 1) * sizeof(cs_model_row),
                                                  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
    evaluation->model =
        (cs_model){stored->num_items, stored->item_ids, stored->popular, evaluation->rows};
    receive(fcinfo, evaluation, RECOMMEND_ALL_ROWS, receive_row);
}

/* Rank for all users. */
static void
evaluate(FunctionCallInfo fcinfo, Evaluation *evaluation, size_t k)
{
    size_t num_items = evaluation->model.num_items;
    cs_error err;

    bridge_check(cs_scores_init(&evaluation->scores, &evaluation->env, num_items, &err), &err);
    bridge_check(cs_evaluation_init(&evaluation->evaluation, &evaluation->env, num_items, k, &err),
                 &err);
    receive(fcinfo, evaluation, RECOMMEND_ALL_USERS, receive_user);
    for (size_t user = 0; user < evaluation->holdout.num_users; user++)
        if (!evaluation->seen[user])
            evaluate_user(evaluation, (uint32_t) user, (cs_positions){NULL, 0});
}

/* The result as a row; without any user its shares are NULL. */
static Datum
quality_row(FunctionCallInfo fcinfo, cs_quality quality)
{
    Datum values[QUALITY_COLUMNS] = {Int64GetDatum(quality.users), Float8GetDatum(quality.recall),
                                     Float8GetDatum(quality.ndcg), Float8GetDatum(quality.hit_rate),
                                     Float8GetDatum(quality.coverage)};
    bool nulls[QUALITY_COLUMNS] = {false};
    TupleDesc desc;

    if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
    nulls[1] = nulls[2] = nulls[3] = quality.users == 0;
    return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* recommender_evaluate(model text, holdout regclass, user_column, item_column, k) */
Datum
recommender_evaluate(PG_FUNCTION_ARGS)
{
    Evaluation evaluation = {.seen = NULL};
    cs_quality quality;

    recommend_require(fcinfo, 0, "model");
    recommend_require(fcinfo, 4, "k");
    if (PG_GETARG_INT32(4) < 1)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("k must be at least 1, but is %d", PG_GETARG_INT32(4))));
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "could not connect to SPI");
    evaluation.env = bridge_env(CurrentMemoryContext);
    evaluation.row_context =
        AllocSetContextCreate(CurrentMemoryContext, "recommender user", ALLOCSET_DEFAULT_SIZES);
    read_holdout(fcinfo, &evaluation);
    read_model(fcinfo, &evaluation);
    evaluate(fcinfo, &evaluation, (size_t) PG_GETARG_INT32(4));
    quality = cs_evaluation_result(&evaluation.evaluation);
    SPI_finish();
    return quality_row(fcinfo, quality);
}
