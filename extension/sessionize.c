/*
 * extension/sessionize.c
 *     The aggregates sessionize, sessionize_events and rollup.
 *
 * They share their state, a cs_history in the aggregate context, and all
 * support functions but the transition. A partial state travels between
 * processes as its bytes in memory (cs_history_pack).
 */
#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "core_bridge.h"
#include "session_history.h"
#include "sql_event.h"

PG_FUNCTION_INFO_V1(sessionize_transfn);
PG_FUNCTION_INFO_V1(sessionize_events_transfn);
PG_FUNCTION_INFO_V1(rollup_transfn);
PG_FUNCTION_INFO_V1(sessionize_combinefn);
PG_FUNCTION_INFO_V1(sessionize_serialfn);
PG_FUNCTION_INFO_V1(sessionize_deserialfn);
PG_FUNCTION_INFO_V1(sessionize_finalfn);

/* The state argument, NULL at the first row of a group. */
static cs_history *
state_argument(FunctionCallInfo fcinfo, int argument)
{
    return PG_ARGISNULL(argument) ? NULL : (cs_history *) PG_GETARG_POINTER(argument);
}

/* A new state in the environment's memory. */
static cs_history *
make_state(const cs_env *env, int64_t gap)
{
    cs_history *state = MemoryContextAlloc((MemoryContext) env->ctx, sizeof(cs_history));

    cs_history_init(state, env, gap);
    return state;
}

/* Refuse a gap that is not the group's. */
static void
check_group_gap(int64_t group_gap, int64_t gap)
{
    if (gap != group_gap)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("gap must not vary inside a group"),
                        errdetail("It was " INT64_FORMAT " microseconds and is " INT64_FORMAT ".",
                                  group_gap, gap)));
}

/*
 * Add an event to the group's state, made at the first one. gap_argument is the
 * number of the gap's argument; without it the gap is the default.
 */
static Datum
add_event(FunctionCallInfo fcinfo, TimestampTz time, cs_kind kind, int64_t id, int gap_argument)
{
    const cs_env *env = bridge_aggregate_env(fcinfo);
    cs_history *state = state_argument(fcinfo, 0);
    int64_t gap = PG_NARGS() > gap_argument ? bridge_gap(fcinfo, gap_argument) : CS_DEFAULT_GAP;
    cs_error err;

    if (TIMESTAMP_NOT_FINITE(time))
        ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
                        errmsg("timestamp of an event must not be infinite")));
    if (state == NULL)
        state = make_state(env, gap);
    check_group_gap(state->gap, gap);
    bridge_check(cs_history_add(state, (cs_event){time, id, kind}, &err), &err);
    PG_RETURN_POINTER(state);
}

/* Leave the state as it is. */
static Datum
keep_state(FunctionCallInfo fcinfo)
{
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* (state, ts [, gap]) and (state, ts, http_method, http_path [, gap]) */
Datum
sessionize_transfn(PG_FUNCTION_ARGS)
{
    bool has_request = PG_NARGS() >= 4;
    cs_kind kind = CS_OTHER;
    int64_t id = 0;

    if (PG_ARGISNULL(1))
        return keep_state(fcinfo);
    if (has_request)
        kind = cs_http_event(text_argument(fcinfo, 2), text_argument(fcinfo, 3), (cs_slice){"", 0},
                             &id);
    return add_event(fcinfo, PG_GETARG_TIMESTAMPTZ(1), kind, id, has_request ? 4 : 2);
}

/* (state, ts, kind, id [, gap]) */
Datum
sessionize_events_transfn(PG_FUNCTION_ARGS)
{
    cs_kind kind;
    int64_t id = 0;

    if (PG_ARGISNULL(1))
        return keep_state(fcinfo);
    kind = PG_ARGISNULL(2) ? CS_OTHER : kind_of_name(text_argument(fcinfo, 2));
    if (PG_ARGISNULL(3))
        kind = CS_OTHER;
    else if (kind != CS_OTHER)
        id = PG_GETARG_INT64(3);
    return add_event(fcinfo, PG_GETARG_TIMESTAMPTZ(1), kind, id, 4);
}

/* Add a stored state to one in memory, made from it where there is none yet. */
static cs_history *
add_stored(const cs_env *env, cs_history *state, cs_slice stored)
{
    cs_state_reader reader;
    cs_error err;

    bridge_check(cs_state_open(stored, &reader, &err), &err);
    if (state == NULL)
        state = make_state(env, reader.gap);
    bridge_check(cs_history_add_state(state, stored, &err), &err);
    return state;
}

/* (state, sessionset) */
Datum
rollup_transfn(PG_FUNCTION_ARGS)
{
    const cs_env *env = bridge_aggregate_env(fcinfo);
    struct varlena *stored;

    if (PG_ARGISNULL(1))
        return keep_state(fcinfo);
    stored = PG_GETARG_VARLENA_PP(1);
    PG_RETURN_POINTER(add_stored(env, state_argument(fcinfo, 0), bridge_slice(stored)));
}

/* (state, state); the first one lives on, the second one may not. */
Datum
sessionize_combinefn(PG_FUNCTION_ARGS)
{
    const cs_env *env = bridge_aggregate_env(fcinfo);
    cs_history *into = state_argument(fcinfo, 0);
    const cs_history *from = state_argument(fcinfo, 1);
    cs_error err;

    if (from == NULL)
        return keep_state(fcinfo);
    if (into == NULL)
        into = make_state(env, from->gap);
    bridge_check(cs_history_merge(into, from, &err), &err);
    PG_RETURN_POINTER(into);
}

/* The state as a value in the caller's memory, as encode writes it. */
static struct varlena *
store_state(cs_history *state, cs_code (*encode)(cs_history *, cs_buffer *, cs_error *))
{
    cs_env env = bridge_env(CurrentMemoryContext);
    cs_buffer buffer;
    cs_error err;

    bridge_varlena_begin(&buffer, &env);
    bridge_check(encode(state, &buffer, &err), &err);
    return bridge_varlena_end(&buffer, "sessionset");
}

Datum
sessionize_serialfn(PG_FUNCTION_ARGS)
{
    bridge_aggregate_env(fcinfo);
    PG_RETURN_BYTEA_P(store_state((cs_history *) PG_GETARG_POINTER(0), cs_history_pack));
}

/* A view of the argument's bytes: it is combined at once, while they are there. */
Datum
sessionize_deserialfn(PG_FUNCTION_ARGS)
{
    cs_history *view = palloc0(sizeof(cs_history));
    cs_error err;

    bridge_aggregate_env(fcinfo);
    bridge_check(cs_history_unpack(view, bridge_slice(PG_GETARG_VARLENA_PP(0)), &err), &err);
    PG_RETURN_POINTER(view);
}

Datum
sessionize_finalfn(PG_FUNCTION_ARGS)
{
    bridge_aggregate_env(fcinfo);
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    PG_RETURN_POINTER(store_state((cs_history *) PG_GETARG_POINTER(0), cs_history_encode));
}
