/*
 * extension/recommend_read.c
 *     The pairs of user and item of a table or view, read as the caller.
 *
 * The rows are not collected: a receiver takes each as the executor makes it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "recommend.h"

/* A receiver of rows (user text, item bigint [, time double precision]). */
typedef struct PairReceiver
{
    DestReceiver base;
    RecommendTakePair take;
    void *state;
    bool has_time;
    int64 left_out;        /* rows with a NULL */
    MemoryContext context; /* of one row */
} PairReceiver;

/* DestReceiver.rStartup: there is nothing to do. */
static void
receiver_start(DestReceiver *self, int operation, TupleDesc desc)
{
}

/* DestReceiver.rShutdown and rDestroy: neither is there. */
static void
receiver_end(DestReceiver *self)
{
}

/* SPI asks for a destination that counts as one, so that it says that a query was run. */
DestReceiver
recommend_receiver(bool (*take)(TupleTableSlot *slot, DestReceiver *self))
{
    return (DestReceiver){.receiveSlot = take,
                          .rStartup = receiver_start,
                          .rShutdown = receiver_end,
                          .rDestroy = receiver_end,
                          .mydest = DestTuplestore};
}

/* DestReceiver.receiveSlot */
static bool
pairs_receive(TupleTableSlot *slot, DestReceiver *self)
{
    PairReceiver *receiver = (PairReceiver *) self;
    MemoryContext caller;
    text *user;
    double time = 0;

    slot_getallattrs(slot);
    if (slot->tts_isnull[0] || slot->tts_isnull[1] || (receiver->has_time && slot->tts_isnull[2]))
    {
        receiver->left_out++;
        return true;
    }
    caller = MemoryContextSwitchTo(receiver->context);
    user = DatumGetTextPP(slot->tts_values[0]);
    if (receiver->has_time)
        time = DatumGetFloat8(slot->tts_values[2]);
    receiver->take(receiver->state, bridge_slice((struct varlena *) user),
                   DatumGetInt64(slot->tts_values[1]), time);
    MemoryContextSwitchTo(caller);
    if ((Pointer) user != DatumGetPointer(slot->tts_values[0]))
        MemoryContextReset(receiver->context);
    return true;
}

/* The type of a column, below any domain; an error if there is none of this name. */
static Oid
column_type(Oid relation, const char *column)
{
    AttrNumber number = get_attnum(relation, column);

    if (number == InvalidAttrNumber)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                        errmsg("column \"%s\" of relation \"%s\" does not exist", column,
                               get_rel_name(relation))));
    return getBaseType(get_atttype(relation, number));
}

/* An error unless the items are whole numbers. */
static void
check_item_type(const RecommendSource *source)
{
    Oid type = column_type(source->relation, source->item_column);

    if (type != INT2OID && type != INT4OID && type != INT8OID)
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("column \"%s\" must be of type bigint, integer or smallint, not %s",
                               source->item_column, format_type_be(type)),
                        errhint("Use a view that turns the items into numbers.")));
}

/* The SQL of the time column as a number. */
static char *
time_expression(const RecommendSource *source)
{
    const char *column = quote_identifier(source->time_column);
    Oid type = column_type(source->relation, source->time_column);
    char category;
    bool preferred;

    get_type_category_preferred(type, &category, &preferred);
    if (category == TYPCATEGORY_DATETIME)
        return psprintf(", pg_catalog.date_part('epoch', %s)", column);
    if (category == TYPCATEGORY_NUMERIC)
        return psprintf(", %s::pg_catalog.float8", column);
    ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                    errmsg("column \"%s\" must be a time or a number, not of type %s",
                           source->time_column, format_type_be(type))));
}

/* The query that gives the pairs. */
static char *
make_query(const RecommendSource *source)
{
    char *name = get_rel_name(source->relation), *schema;

    if (name == NULL)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                        errmsg("relation with OID %u does not exist", source->relation)));
    schema = get_namespace_name(get_rel_namespace(source->relation));
    column_type(source->relation, source->user_column);
    check_item_type(source);
    return psprintf("SELECT %s::pg_catalog.text, %s::pg_catalog.int8%s FROM %s",
                    quote_identifier(source->user_column), quote_identifier(source->item_column),
                    source->time_column != NULL ? time_expression(source) : "",
                    quote_qualified_identifier(schema, name));
}

RecommendSource
recommend_source(FunctionCallInfo fcinfo, int argument)
{
    recommend_require(fcinfo, argument, "table");
    recommend_require(fcinfo, argument + 1, "user_column");
    recommend_require(fcinfo, argument + 2, "item_column");
    return (RecommendSource){.relation = PG_GETARG_OID(argument),
                             .user_column = NameStr(*PG_GETARG_NAME(argument + 1)),
                             .item_column = NameStr(*PG_GETARG_NAME(argument + 2))};
}

int64
recommend_read(const RecommendSource *source, bool read_only, RecommendTakePair take, void *state)
{
    PairReceiver receiver = {
        .base = recommend_receiver(pairs_receive),
        .take = take,
        .state = state,
        .has_time = source->time_column != NULL,
        .context = AllocSetContextCreate(CurrentMemoryContext, "pair", ALLOCSET_SMALL_SIZES)};
    SPIExecuteOptions options = {.read_only = read_only, .dest = &receiver.base};
    int result = SPI_execute_extended(make_query(source), &options);

    if (result != SPI_OK_SELECT)
        elog(ERROR, "could not read pairs: %s", SPI_result_code_string(result));
    MemoryContextDelete(receiver.context);
    return receiver.left_out;
}

void
recommend_take_pair(void *state, cs_slice user, int64_t item, double time)
{
    cs_error err;

    bridge_check(cs_interactions_add(state, user, item, &err), &err);
}
