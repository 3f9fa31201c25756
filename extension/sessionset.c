/*
 * extension/sessionset.c
 *     SQL: the type sessionset, its operators and accessors.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "datatype/timestamp.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "core_bridge.h"
#include "session_read.h"
#include "session_text.h"

PG_FUNCTION_INFO_V1(sessionset_in);
PG_FUNCTION_INFO_V1(sessionset_out);
PG_FUNCTION_INFO_V1(sessionset_recv);
PG_FUNCTION_INFO_V1(sessionset_send);
PG_FUNCTION_INFO_V1(sessionset_eq);
PG_FUNCTION_INFO_V1(sessionset_ne);
PG_FUNCTION_INFO_V1(sessionset_lt);
PG_FUNCTION_INFO_V1(sessionset_le);
PG_FUNCTION_INFO_V1(sessionset_ge);
PG_FUNCTION_INFO_V1(sessionset_gt);
PG_FUNCTION_INFO_V1(sessionset_cmp);
PG_FUNCTION_INFO_V1(sessionset_hash);
PG_FUNCTION_INFO_V1(sessionset_hash_extended);
PG_FUNCTION_INFO_V1(sessionset_add);
PG_FUNCTION_INFO_V1(sessionset_num_sessions);
PG_FUNCTION_INFO_V1(sessionset_num_events);
PG_FUNCTION_INFO_V1(sessionset_gap);
PG_FUNCTION_INFO_V1(sessionset_with_gap);
PG_FUNCTION_INFO_V1(sessions_between);
PG_FUNCTION_INFO_V1(sessions_overlapping);

/* The sessionset argument's bytes. */
static cs_slice
state_slice(FunctionCallInfo fcinfo, int argument)
{
    return bridge_slice(PG_GETARG_VARLENA_PP(argument));
}

/* Encode a history as a value. */
static struct varlena *
encode_history(cs_history *history)
{
    cs_buffer buffer;
    cs_error err;

    bridge_varlena_begin(&buffer, history->env);
    bridge_check(cs_history_encode(history, &buffer, &err), &err);
    return bridge_varlena_end(&buffer, "sessionset");
}

Datum
sessionset_in(PG_FUNCTION_ARGS)
{
    cs_env env = bridge_env(CurrentMemoryContext);
    cs_history history;
    cs_error err;
    cs_code code;

    cs_history_init(&history, &env, CS_DEFAULT_GAP);
    code = cs_history_from_json(&history, cs_slice_of(PG_GETARG_CSTRING(0)), &err);
    if (code == CS_ERR_DATA || code == CS_ERR_ARGUMENT)
        ereturn(fcinfo->context, (Datum) 0,
                (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
                 errmsg("invalid input syntax for type %s", "sessionset"),
                 errdetail("%s.", err.message)));
    bridge_check(code, &err);
    PG_RETURN_POINTER(encode_history(&history));
}

Datum
sessionset_out(PG_FUNCTION_ARGS)
{
    cs_env env = bridge_env(CurrentMemoryContext);
    cs_buffer text;
    cs_error err;

    cs_buffer_init(&text, &env);
    bridge_check(cs_state_to_json(&env, state_slice(fcinfo, 0), &text, &err), &err);
    bridge_check(cs_buffer_append(&text, "", 1, &err), &err);
    PG_RETURN_CSTRING((char *) text.data);
}

Datum
sessionset_recv(PG_FUNCTION_ARGS)
{
    StringInfo message = (StringInfo) PG_GETARG_POINTER(0);

    PG_RETURN_POINTER(bridge_recv(message, "sessionset", cs_state_check));
}

Datum
sessionset_send(PG_FUNCTION_ARGS)
{
    PG_RETURN_BYTEA_P(bridge_send(PG_GETARG_VARLENA_PP(0)));
}

Datum
sessionset_eq(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(bridge_compare_bytes(fcinfo) == 0);
}

Datum
sessionset_ne(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(bridge_compare_bytes(fcinfo) != 0);
}

Datum
sessionset_lt(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(bridge_compare_bytes(fcinfo) < 0);
}

Datum
sessionset_le(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(bridge_compare_bytes(fcinfo) <= 0);
}

Datum
sessionset_ge(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(bridge_compare_bytes(fcinfo) >= 0);
}

Datum
sessionset_gt(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(bridge_compare_bytes(fcinfo) > 0);
}

Datum
sessionset_cmp(PG_FUNCTION_ARGS)
{
    PG_RETURN_INT32(bridge_compare_bytes(fcinfo));
}

Datum
sessionset_hash(PG_FUNCTION_ARGS)
{
    cs_slice state = state_slice(fcinfo, 0);

    return hash_any((const unsigned char *) state.data, (int) state.len);
}

Datum
sessionset_hash_extended(PG_FUNCTION_ARGS)
{
    cs_slice state = state_slice(fcinfo, 0);

    return hash_any_extended((const unsigned char *) state.data, (int) state.len,
                             (uint64) PG_GETARG_INT64(1));
}

/* a + b: merge; NULL adds nothing. */
Datum
sessionset_add(PG_FUNCTION_ARGS)
{
    cs_env env = bridge_env(CurrentMemoryContext);
    cs_state_reader reader;
    cs_history history;
    cs_error err;

    if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
        PG_RETURN_NULL();
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
        PG_RETURN_DATUM(PG_GETARG_DATUM(PG_ARGISNULL(0) ? 1 : 0));
    bridge_check(cs_state_open(state_slice(fcinfo, 0), &reader, &err), &err);
    cs_history_init(&history, &env, reader.gap);
    bridge_check(cs_history_add_state(&history, state_slice(fcinfo, 0), &err), &err);
    bridge_check(cs_history_add_state(&history, state_slice(fcinfo, 1), &err), &err);
    PG_RETURN_POINTER(encode_history(&history));
}

Datum
sessionset_num_sessions(PG_FUNCTION_ARGS)
{
    int64_t count;
    cs_error err;

    bridge_check(cs_sessions_count(state_slice(fcinfo, 0), &count, &err), &err);
    PG_RETURN_INT64(count);
}

Datum
sessionset_num_events(PG_FUNCTION_ARGS)
{
    cs_state_reader reader;
    cs_error err;

    bridge_check(cs_state_open(state_slice(fcinfo, 0), &reader, &err), &err);
    PG_RETURN_INT64(reader.count);
}

/* The gap in hours and smaller units: 24:00:00, never 1 day. */
Datum
sessionset_gap(PG_FUNCTION_ARGS)
{
    Interval *gap = palloc0(sizeof(Interval));
    cs_state_reader reader;
    cs_error err;

    bridge_check(cs_state_open(state_slice(fcinfo, 0), &reader, &err), &err);
    gap->time = reader.gap;
    PG_RETURN_INTERVAL_P(gap);
}

/* The same events under another gap; the argument itself where that is its gap. */
Datum
sessionset_with_gap(PG_FUNCTION_ARGS)
{
    cs_env env = bridge_env(CurrentMemoryContext);
    struct varlena *state;
    cs_state_reader reader;
    cs_buffer buffer;
    cs_error err;
    int64_t gap;

    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    gap = bridge_gap(fcinfo, 1);
    state = PG_GETARG_VARLENA_PP(0);
    bridge_check(cs_state_open(bridge_slice(state), &reader, &err), &err);
    if (reader.gap == gap)
        PG_RETURN_POINTER(state);
    bridge_varlena_begin(&buffer, &env);
    bridge_check(cs_state_with_gap(bridge_slice(state), gap, &buffer, &err), &err);
    PG_RETURN_POINTER(bridge_varlena_end(&buffer, "sessionset"));
}

/* The state of the sessions in a frame, NULL if there are none. */
static Datum
select_sessions(FunctionCallInfo fcinfo, cs_frame frame)
{
    cs_env env = bridge_env(CurrentMemoryContext);
    cs_buffer buffer;
    cs_error err;
    cs_code code;

    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                        errmsg("since and until must not be NULL"),
                        errhint("Use -infinity and infinity for an open frame.")));
    bridge_varlena_begin(&buffer, &env);
    code = cs_sessions_select(&env, state_slice(fcinfo, 0), frame, PG_GETARG_TIMESTAMPTZ(1),
                              PG_GETARG_TIMESTAMPTZ(2), &buffer, &err);
    if (code == CS_END)
        PG_RETURN_NULL();
    bridge_check(code, &err);
    PG_RETURN_POINTER(bridge_varlena_end(&buffer, "sessionset"));
}

Datum
sessions_between(PG_FUNCTION_ARGS)
{
    return select_sessions(fcinfo, CS_FRAME_START);
}

Datum
sessions_overlapping(PG_FUNCTION_ARGS)
{
    return select_sessions(fcinfo, CS_FRAME_OVERLAP);
}
