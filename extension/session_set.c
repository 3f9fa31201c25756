/*
 * extension/session_set.c
 *     What the SQL functions share that return rows of the sessions of a state.
 *
 * In FROM the rows go straight into the tuple store that the server reads them
 * from; in a SELECT list they are handed out one by one, and no more are made
 * than are asked for. There the state is read in a context of its own, which a
 * callback resets where the server wants no more rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "session_set.h"
#include "sql_array.h"

/* Forget the current state: its rows are through, or nobody wants more of them. */
static void
stop_reading(Datum arg)
{
    SessionSet *set = (SessionSet *) DatumGetPointer(arg);

    set->active = false;
    MemoryContextReset(set->context);
}

/* Set up what the call site needs. */
static SessionSet *
make_set(FunctionCallInfo fcinfo, const SessionSetMethods *methods)
{
    MemoryContext parent = fcinfo->flinfo->fn_mcxt;
    SessionSet *set = MemoryContextAllocZero(parent, methods->size);
    MemoryContext caller = MemoryContextSwitchTo(parent);

    set->methods = methods;
    if (get_call_result_type(fcinfo, NULL, &set->tuple_desc) != TYPEFUNC_COMPOSITE ||
        set->tuple_desc->natts != methods->num_columns)
        elog(ERROR, "return type must be a row of %d columns", methods->num_columns);
    set->tuple_desc = BlessTupleDesc(set->tuple_desc);
    set->no_ids = PointerGetDatum(construct_empty_array(INT8OID));
    MemoryContextSwitchTo(caller);
    set->context = AllocSetContextCreate(parent, "sessions of a state", ALLOCSET_SMALL_SIZES);
    set->row_context = AllocSetContextCreate(parent, "session row", ALLOCSET_SMALL_SIZES);
    set->map_context = AllocSetContextCreate(parent, "session map", ALLOCSET_SMALL_SIZES);
    set->env = bridge_env(set->context);
    set->map_env = bridge_env(set->map_context);
    fcinfo->flinfo->fn_extra = set;
    return set;
}

void
session_set_take_map(SessionSet *set, FunctionCallInfo fcinfo, int argument)
{
    set->has_map = !PG_ARGISNULL(argument);
    set->map_argument = PG_GETARG_DATUM(argument);
}

/* Decode a map unless it is the one decoded last. */
static void
decode_map(SessionSet *set, cs_slice bytes)
{
    char *copy;
    cs_error err;

    if (set->map_bytes.data != NULL && set->map_bytes.len == bytes.len &&
        memcmp(set->map_bytes.data, bytes.data, bytes.len) == 0)
        return;
    set->map_bytes.data = NULL;
    MemoryContextReset(set->map_context);
    cs_map_init(&set->map, &set->map_env);
    bridge_check(cs_map_decode(&set->map, bytes, &err), &err);
    bridge_check(cs_map_index(&set->map, &err), &err);
    copy = MemoryContextAlloc(set->map_context, bytes.len);
    memcpy(copy, bytes.data, bytes.len);
    set->map_bytes = (cs_slice){copy, bytes.len};
}

const cs_map *
session_set_map(SessionSet *set)
{
    if (!set->map_ready)
        decode_map(set, bridge_slice(PG_DETOAST_DATUM_PACKED(set->map_argument)));
    set->map_ready = true;
    return &set->map;
}

/* The ids of a list as a bigint array. */
static Datum
ids_array(const SessionSet *set, const cs_seen_list *list)
{
    ArrayType *array;
    void *ids;

    if (list->count == 0)
        return set->no_ids;
    array = sql_array_make(INT8OID, sizeof(int64), list->count, &ids);
    for (size_t i = 0; i < list->count; i++)
        ((int64 *) ids)[i] = list->items[i].id;
    return PointerGetDatum(array);
}

/* True if a view led to an issue. The map is looked at only where there are both. */
static bool
is_driven(SessionSet *set, const cs_session *session)
{
    return session->campaigns.count > 0 && session->rewards.count > 0 &&
           cs_session_driven(session, session_set_map(set));
}

void
session_set_columns(SessionSet *set, const cs_session *session, Datum *values, bool *nulls)
{
    values[0] = TimestampTzGetDatum(session->start);
    values[1] = TimestampTzGetDatum(session->end);
    values[2] = Int64GetDatum(session->events);
    values[3] = ids_array(set, &session->campaigns);
    values[4] = ids_array(set, &session->rewards);
    nulls[5] = !set->has_map;
    values[5] = BoolGetDatum(set->has_map && is_driven(set, session));
}

/* Take the arguments, which the server keeps until the last row; a copy only where they are
   compressed or stored elsewhere. */
static void
start_reading(SessionSet *set, FunctionCallInfo fcinfo)
{
    MemoryContext caller = MemoryContextSwitchTo(set->context);

    set->state = bridge_slice(PG_GETARG_VARLENA_PP(0));
    set->has_map = set->map_ready = false;
    set->methods->start(set, fcinfo);
    MemoryContextSwitchTo(caller);
}

/* Make the next row; false behind the last one. */
static bool
next_row(SessionSet *set, Datum *values, bool *nulls)
{
    memset(nulls, 0, (size_t) set->methods->num_columns * sizeof(bool));
    return set->methods->next(set, values, nulls);
}

/* Put all rows into a tuple store. */
static Datum
return_all(SessionSet *set, FunctionCallInfo fcinfo, ReturnSetInfo *result)
{
    MemoryContext caller = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
    bool random = (result->allowedModes & SFRM_Materialize_Random) != 0;
    Datum values[SESSION_SET_MAX_COLUMNS];
    bool nulls[SESSION_SET_MAX_COLUMNS];

    result->returnMode = SFRM_Materialize;
    result->setResult = tuplestore_begin_heap(random, false, work_mem);
    MemoryContextReset(set->context);
    start_reading(set, fcinfo);
    MemoryContextSwitchTo(set->row_context);
    while (next_row(set, values, nulls))
    {
        CHECK_FOR_INTERRUPTS();
        tuplestore_putvalues(result->setResult, set->tuple_desc, values, nulls);
        MemoryContextReset(set->row_context);
    }
    MemoryContextReset(set->row_context);
    MemoryContextSwitchTo(caller);
    MemoryContextReset(set->context);
    PG_RETURN_NULL();
}

/* End the set. */
static Datum
finish(FunctionCallInfo fcinfo, ReturnSetInfo *result)
{
    result->isDone = ExprEndResult;
    PG_RETURN_NULL();
}

/* Return one row at each call. */
static Datum
return_next(SessionSet *set, FunctionCallInfo fcinfo, ReturnSetInfo *result)
{
    Datum values[SESSION_SET_MAX_COLUMNS];
    bool nulls[SESSION_SET_MAX_COLUMNS];

    if (!set->active)
    {
        if (PG_ARGISNULL(0))
            return finish(fcinfo, result);
        start_reading(set, fcinfo);
        set->active = true;
        RegisterExprContextCallback(result->econtext, stop_reading, PointerGetDatum(set));
    }
    if (!next_row(set, values, nulls))
    {
        UnregisterExprContextCallback(result->econtext, stop_reading, PointerGetDatum(set));
        stop_reading(PointerGetDatum(set));
        return finish(fcinfo, result);
    }
    result->isDone = ExprMultipleResult;
    return HeapTupleGetDatum(heap_form_tuple(set->tuple_desc, values, nulls));
}

Datum
session_set_return(FunctionCallInfo fcinfo, const SessionSetMethods *methods)
{
    ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
    SessionSet *set = fcinfo->flinfo->fn_extra;

    if (result == NULL || !IsA(result, ReturnSetInfo) ||
        (result->allowedModes & SFRM_ValuePerCall) == 0)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("set-valued function called in context that cannot accept a set")));
    if (set == NULL)
        set = make_set(fcinfo, methods);
    if ((result->allowedModes & SFRM_Materialize_Preferred) == 0)
        return return_next(set, fcinfo, result);
    return PG_ARGISNULL(0) ? finish(fcinfo, result) : return_all(set, fcinfo, result);
}
