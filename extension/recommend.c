/*
 * extension/recommend.c
 *     SQL: what to offer next, from a model that recommender_fit made.
 *
 * Everything is read as the caller and by the snapshot of the query, so that an answer
 * comes from one model, also while that is being replaced.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "recommend.h"
#include "sql_array.h"

PG_FUNCTION_INFO_V1(recommend_text);
PG_FUNCTION_INFO_V1(recommend_bigint);
PG_FUNCTION_INFO_V1(recommend_for);
PG_FUNCTION_INFO_V1(similar_items);

#define OFFER_COLUMNS 4
#define SIMILAR_COLUMNS 3

/* What an answer is made of. */
typedef struct Offer
{
    FunctionCallInfo fcinfo;
    RecommendModel model;
    const int32_t *known; /* positions of the items that someone has, ascending */
    size_t num_known;
    cs_env env;
    cs_scores scores;
} Offer;

/* Take the number of rows that are asked for. */
static size_t
take_limit(FunctionCallInfo fcinfo, int argument)
{
    int32 n;

    recommend_require(fcinfo, argument, "n");
    n = PG_GETARG_INT32(argument);
    if (n < 0)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("n must not be negative, but is %d", n)));
    return (size_t) n;
}

/* Begin: find the model. */
static void
start_offer(Offer *offer, FunctionCallInfo fcinfo)
{
    cs_error err;

    *offer = (Offer){.fcinfo = fcinfo, .env = bridge_env(CurrentMemoryContext)};
    recommend_find_model(fcinfo, PG_GETARG_TEXT_PP(0), &offer->model);
    bridge_check(cs_scores_init(&offer->scores, &offer->env, offer->model.num_items, &err), &err);
}

/* The position of an item, -1 if the model does not have it. */
static int64_t
position_of(const Offer *offer, int64 item)
{
    return cs_item_position(offer->model.item_ids, offer->model.num_items, item);
}

/* Find what a user had in the fit. */
static void
find_known(Offer *offer, text *user)
{
    Datum values[] = {Int64GetDatum(offer->model.model_id), PointerGetDatum(user)};
    bool is_null;

    recommend_run(offer->fcinfo, RECOMMEND_FIND_USER, values, true);
    if (SPI_processed == 0)
        return;
    offer->known =
        sql_array_read(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null),
                       INT4OID, &offer->num_known);
    for (size_t i = 0; i < offer->num_known; i++)
        if ((uint32_t) offer->known[i] >= offer->model.num_items)
            ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                            errmsg("damaged model: item %d of %zu", offer->known[i],
                                   offer->model.num_items)));
}

/* The order of positions. */
static int
compare_positions(const void *left, const void *right)
{
    int32_t a = *(const int32_t *) left, b = *(const int32_t *) right;

    return (a > b) - (a < b);
}

/* The positions of the items of an array that the model has, ascending, each once. */
static int32_t *
take_positions(const Offer *offer, ArrayType *items, size_t *count)
{
    size_t kept = 0;
    int num_values;
    int32_t *positions;
    Datum *values;
    bool *nulls;

    deconstruct_array(items, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values,
                      &nulls, &num_values);
    positions = palloc(((size_t) num_values + 1) * sizeof(int32_t));
    *count = 0;
    for (int i = 0; i < num_values; i++)
    {
        int64_t position = nulls[i] ? -1 : position_of(offer, DatumGetInt64(values[i]));

        if (position >= 0)
            positions[(*count)++] = (int32_t) position;
    }
    qsort(positions, *count, sizeof(int32_t), compare_positions);
    for (size_t i = 0; i < *count; i++)
        if (i == 0 || positions[i] != positions[i - 1])
            positions[kept++] = positions[i];
    *count = kept;
    return positions;
}

/* A receiver of rows (item_id, neighbours, weights), which are used where they lie. */
typedef struct RowReceiver
{
    DestReceiver base;
    Offer *offer;
    cs_reasons *reasons;   /* NULL: add up scores */
    MemoryContext context; /* of one row, should it be stored elsewhere */
} RowReceiver;

/* DestReceiver.receiveSlot */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
    RowReceiver *receiver = (RowReceiver *) self;
    Offer *offer = receiver->offer;
    MemoryContext caller = MemoryContextSwitchTo(receiver->context);
    cs_model_row row;
    cs_error err;
    cs_code code;

    slot_getallattrs(slot);
    row = recommend_row(slot->tts_values[1], slot->tts_values[2]);
    if (receiver->reasons == NULL)
        code = cs_scores_add(&offer->scores, &row, &err);
    else
        code = cs_reasons_add(receiver->reasons,
                              (int32_t) position_of(offer, DatumGetInt64(slot->tts_values[0])),
                              &row, &err);
    bridge_check(code, &err);
    MemoryContextSwitchTo(caller);
    MemoryContextReset(receiver->context);
    return true;
}

/* The arguments of RECOMMEND_FIND_ROWS for these positions. */
static void
rows_arguments(const Offer *offer, const int32_t *positions, size_t count, Datum *values)
{
    void *ids;
    ArrayType *array = sql_array_make(INT8OID, sizeof(int64), count, &ids);

    for (size_t i = 0; i < count; i++)
        ((int64 *) ids)[i] = offer->model.item_ids[positions[i]];
    values[0] = Int64GetDatum(offer->model.model_id);
    values[1] = PointerGetDatum(array);
}

/*
 * Go through the rows of the known items: for the scores, or for the reasons. That is
 * done once for each, as reading them again costs less than keeping a copy of them.
 */
static void
visit_known(Offer *offer, cs_reasons *reasons)
{
    RowReceiver receiver = {
        .base = recommend_receiver(receive_row), .offer = offer, .reasons = reasons};
    Datum values[2];

    if (offer->num_known == 0)
        return;
    receiver.context =
        AllocSetContextCreate(CurrentMemoryContext, "recommender row", ALLOCSET_DEFAULT_SIZES);
    rows_arguments(offer, offer->known, offer->num_known, values);
    recommend_run_into(offer->fcinfo, RECOMMEND_FIND_ROWS, values, &receiver.base);
    MemoryContextDelete(receiver.context);
}

/* Score all items for someone who has those known. */
static void
score(Offer *offer)
{
    visit_known(offer, NULL);
    cs_scores_prior(&offer->scores, offer->model.popular, offer->num_known);
}

/* Offer no item but these. */
static void
skip_others(Offer *offer, ArrayType *among)
{
    size_t count;
    const int32_t *positions = take_positions(offer, among, &count);

    memset(offer->scores.skipped, 1, offer->model.num_items);
    for (size_t i = 0; i < count; i++)
        offer->scores.skipped[positions[i]] = 0;
}

/* Offer no item that is known. */
static void
skip_known(Offer *offer)
{
    for (size_t i = 0; i < offer->num_known; i++)
        offer->scores.skipped[offer->known[i]] = 1;
}

/* The reasons of a place as an array of item ids. */
static Datum
reasons_array(const Offer *offer, const cs_reasons *reasons, size_t place)
{
    const cs_ranked *sources;
    size_t count = cs_reasons_of(reasons, place, &sources);
    void *ids;
    ArrayType *array = sql_array_make(INT8OID, sizeof(int64), count, &ids);

    for (size_t i = 0; i < count; i++)
        ((int64 *) ids)[i] = offer->model.item_ids[sources[i].item];
    return PointerGetDatum(array);
}

/*
 * Return the best n. An empty list of reasons marks someone of whom nothing is known;
 * where something is, but nothing of it adds to a score, that is NULL.
 */
static void
return_best(Offer *offer, size_t n)
{
    ReturnSetInfo *result = (ReturnSetInfo *) offer->fcinfo->resultinfo;
    cs_reasons reasons;
    cs_error err;

    cs_scores_rank(&offer->scores, n);
    bridge_check(cs_reasons_init(&reasons, &offer->scores, &err), &err);
    if (offer->scores.num_ranked > 0)
        visit_known(offer, &reasons);
    for (size_t place = 0; place < offer->scores.num_ranked; place++)
    {
        const cs_ranked *ranked = &offer->scores.ranked[place];
        const cs_ranked *sources;
        Datum values[OFFER_COLUMNS] = {
            Int64GetDatum((int64) place + 1), Int64GetDatum(offer->model.item_ids[ranked->item]),
            Float4GetDatum(ranked->score), reasons_array(offer, &reasons, place)};
        bool nulls[OFFER_COLUMNS] = {false};

        CHECK_FOR_INTERRUPTS();
        nulls[3] = offer->num_known > 0 && cs_reasons_of(&reasons, place, &sources) == 0;
        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
}

/* Everything of recommend(), the user being text. */
static Datum
recommend_user(FunctionCallInfo fcinfo, text *user)
{
    size_t n = take_limit(fcinfo, 2);
    Offer offer;

    recommend_require(fcinfo, 3, "exclude_seen");
    InitMaterializedSRF(fcinfo, 0);
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "could not connect to SPI");
    start_offer(&offer, fcinfo);
    find_known(&offer, user);
    score(&offer);
    if (!PG_ARGISNULL(4))
        skip_others(&offer, PG_GETARG_ARRAYTYPE_P(4));
    if (PG_GETARG_BOOL(3))
        skip_known(&offer);
    return_best(&offer, n);
    SPI_finish();
    return (Datum) 0;
}

/* recommend(model text, user_id text, n, exclude_seen, among) */
Datum
recommend_text(PG_FUNCTION_ARGS)
{
    recommend_require(fcinfo, 0, "model");
    recommend_require(fcinfo, 1, "user_id");
    return recommend_user(fcinfo, PG_GETARG_TEXT_PP(1));
}

/* recommend(model text, user_id bigint, n, exclude_seen, among) */
Datum
recommend_bigint(PG_FUNCTION_ARGS)
{
    recommend_require(fcinfo, 0, "model");
    recommend_require(fcinfo, 1, "user_id");
    return recommend_user(fcinfo, cstring_to_text(psprintf(INT64_FORMAT, PG_GETARG_INT64(1))));
}

/* recommend_for(model text, items bigint[], n): someone who is not in the model. */
Datum
recommend_for(PG_FUNCTION_ARGS)
{
    size_t n;
    Offer offer;

    recommend_require(fcinfo, 0, "model");
    recommend_require(fcinfo, 1, "items");
    n = take_limit(fcinfo, 2);
    InitMaterializedSRF(fcinfo, 0);
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "could not connect to SPI");
    start_offer(&offer, fcinfo);
    offer.known = take_positions(&offer, PG_GETARG_ARRAYTYPE_P(1), &offer.num_known);
    score(&offer);
    skip_known(&offer);
    return_best(&offer, n);
    SPI_finish();
    return (Datum) 0;
}

/* Return the first n of the row of an item, as far as they are above 0. */
static void
return_similar(const Offer *offer, int32_t position, size_t n)
{
    ReturnSetInfo *result = (ReturnSetInfo *) offer->fcinfo->resultinfo;
    Datum arguments[2];
    cs_model_row row = {.count = 0};
    bool is_null;

    rows_arguments(offer, &position, 1, arguments);
    recommend_run(offer->fcinfo, RECOMMEND_FIND_ROWS, arguments, true);
    if (SPI_processed > 0)
        row =
            recommend_row(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &is_null),
                          SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3, &is_null));
    for (size_t i = 0; i < row.count && i < n && row.weights[i] > 0; i++)
    {
        int32_t target = row.targets[i];
        Datum values[SIMILAR_COLUMNS];
        bool nulls[SIMILAR_COLUMNS] = {false};

        if ((uint32_t) target >= offer->model.num_items)
            ereport(ERROR,
                    (errcode(ERRCODE_DATA_CORRUPTED),
                     errmsg("damaged model: item %d of %zu", target, offer->model.num_items)));
        values[0] = Int64GetDatum((int64) i + 1);
        values[1] = Int64GetDatum(offer->model.item_ids[target]);
        values[2] = Float4GetDatum(row.weights[i]);
        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
}

/* similar_items(model text, item_id bigint, n): none for an item that the model does not have. */
Datum
similar_items(PG_FUNCTION_ARGS)
{
    size_t n;
    int32_t position;
    Offer offer;

    recommend_require(fcinfo, 0, "model");
    recommend_require(fcinfo, 1, "item_id");
    n = take_limit(fcinfo, 2);
    InitMaterializedSRF(fcinfo, 0);
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "could not connect to SPI");
    start_offer(&offer, fcinfo);
    position = (int32_t) position_of(&offer, PG_GETARG_INT64(1));
    if (position >= 0)
        return_similar(&offer, position, n);
    SPI_finish();
    return (Datum) 0;
}
