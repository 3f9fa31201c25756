/*
 * extension/session_rows.c
 *     SQL: the sessions of a state, one row each.
 *
 * What a call site needs hangs on fn_extra: the result's row type, the map
 * given last, decoded (a query gives the same one for every user), and, while
 * rows are handed out one by one, the reader of the current state in a context
 * of its own.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "core_bridge.h"
#include "session_read.h"

PG_FUNCTION_INFO_V1(session_rows);

#define NUM_COLUMNS 6

typedef struct SessionRows
{
    TupleDesc tuple_desc;

    /* The map given last */
    MemoryContext map_context;
    cs_env map_env;
    cs_slice map_bytes; /* a copy; data is NULL before the first map */
    cs_map map;

    /* The state being read */
    MemoryContext context; /* reset between states */
    cs_env env;
    bool active;
    bool has_map;
    cs_session_reader reader;
} SessionRows;

/* Forget the current state: its rows are through, or nobody wants more of them. */
static void
stop_reading(Datum arg)
{
    SessionRows *rows = (SessionRows *) DatumGetPointer(arg);

    rows->active = false;
    MemoryContextReset(rows->context);
}

/* Set up what the call site needs. */
static SessionRows *
make_rows(FunctionCallInfo fcinfo)
{
    MemoryContext parent = fcinfo->flinfo->fn_mcxt;
    SessionRows *rows = MemoryContextAllocZero(parent, sizeof(SessionRows));
    MemoryContext caller = MemoryContextSwitchTo(parent);

    if (get_call_result_type(fcinfo, NULL, &rows->tuple_desc) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
    rows->tuple_desc = BlessTupleDesc(rows->tuple_desc);
    MemoryContextSwitchTo(caller);
    rows->context = AllocSetContextCreate(parent, "session_rows state", ALLOCSET_SMALL_SIZES);
    rows->map_context = AllocSetContextCreate(parent, "session_rows map", ALLOCSET_SMALL_SIZES);
    rows->env = bridge_env(rows->context);
    rows->map_env = bridge_env(rows->map_context);
    fcinfo->flinfo->fn_extra = rows;
    return rows;
}

/* Decode the map unless it is the one given last. */
static void
use_map(SessionRows *rows, cs_slice bytes)
{
    char *copy;
    cs_error err;

    if (rows->map_bytes.data != NULL && rows->map_bytes.len == bytes.len &&
        memcmp(rows->map_bytes.data, bytes.data, bytes.len) == 0)
        return;
    rows->map_bytes.data = NULL;
    MemoryContextReset(rows->map_context);
    cs_map_init(&rows->map, &rows->map_env);
    bridge_check(cs_map_decode(&rows->map, bytes, &err), &err);
    copy = MemoryContextAlloc(rows->map_context, bytes.len);
    memcpy(copy, bytes.data, bytes.len);
    rows->map_bytes = (cs_slice){copy, bytes.len};
}

/* Open the state, copied if need be into the memory that lasts until its last row. */
static void
start_reading(SessionRows *rows, FunctionCallInfo fcinfo, ReturnSetInfo *result)
{
    MemoryContext caller = MemoryContextSwitchTo(rows->context);
    struct varlena *state = (struct varlena *) PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0));
    cs_error err;

    MemoryContextSwitchTo(caller);
    rows->has_map = PG_NARGS() > 1 && !PG_ARGISNULL(1);
    if (rows->has_map)
        use_map(rows, bridge_slice(PG_GETARG_VARLENA_PP(1)));
    bridge_check(cs_sessions_open(&rows->env, bridge_slice(state), &rows->reader, &err), &err);
    rows->active = true;
    RegisterExprContextCallback(result->econtext, stop_reading, PointerGetDatum(rows));
}

/* The ids of a list as a bigint array. */
static Datum
ids_array(const cs_seen_list *list)
{
    Datum *ids = palloc(Max(list->count, 1) * sizeof(Datum));

    for (size_t i = 0; i < list->count; i++)
        ids[i] = Int64GetDatum(list->items[i].id);
    return PointerGetDatum(construct_array(ids, (int) list->count, INT8OID, sizeof(int64),
                                           FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* The current session as a row. */
static Datum
session_tuple(const SessionRows *rows)
{
    const cs_session *session = &rows->reader.session;
    Datum values[NUM_COLUMNS];
    bool nulls[NUM_COLUMNS] = {false};

    values[0] = TimestampTzGetDatum(session->start);
    values[1] = TimestampTzGetDatum(session->end);
    values[2] = Int64GetDatum(session->events);
    values[3] = ids_array(&session->campaigns);
    values[4] = ids_array(&session->rewards);
    nulls[5] = !rows->has_map;
    values[5] = BoolGetDatum(rows->has_map && cs_session_driven(session, &rows->map));
    return HeapTupleGetDatum(heap_form_tuple(rows->tuple_desc, values, nulls));
}

/* End the set. */
static Datum
finish(FunctionCallInfo fcinfo, ReturnSetInfo *result)
{
    result->isDone = ExprEndResult;
    PG_RETURN_NULL();
}

/* session_rows(sessionset [, reward_map]): one row a session, value per call. */
Datum
session_rows(PG_FUNCTION_ARGS)
{
    ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
    SessionRows *rows = fcinfo->flinfo->fn_extra;
    cs_error err;
    cs_code code;

    if (result == NULL || !IsA(result, ReturnSetInfo) ||
        (result->allowedModes & SFRM_ValuePerCall) == 0)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("set-valued function called in context that cannot accept a set")));
    if (rows == NULL)
        rows = make_rows(fcinfo);
    if (!rows->active)
    {
        if (PG_ARGISNULL(0))
            return finish(fcinfo, result);
        start_reading(rows, fcinfo, result);
    }
    code = cs_sessions_next(&rows->reader, &err);
    if (code == CS_END)
    {
        UnregisterExprContextCallback(result->econtext, stop_reading, PointerGetDatum(rows));
        stop_reading(PointerGetDatum(rows));
        return finish(fcinfo, result);
    }
    bridge_check(code, &err);
    result->isDone = ExprMultipleResult;
    return session_tuple(rows);
}
