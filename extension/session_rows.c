/*
 * extension/session_rows.c
 *     SQL: the sessions of a state, one row each.
 */
#include "postgres.h"

#include "compat.h"
#include "session_set.h"

PG_FUNCTION_INFO_V1(session_rows);

typedef struct SessionRows
{
    SessionSet set;
    cs_session_reader reader;
} SessionRows;

static void
start_rows(SessionSet *set, FunctionCallInfo fcinfo)
{
    SessionRows *rows = (SessionRows *) set;
    cs_error err;

    if (PG_NARGS() > 1)
        session_set_take_map(set, fcinfo, 1);
    bridge_check(cs_sessions_open(&set->env, set->state, &rows->reader, &err), &err);
}

static bool
next_session(SessionSet *set, Datum *values, bool *nulls)
{
    SessionRows *rows = (SessionRows *) set;
    cs_error err;
    cs_code code = cs_sessions_next(&rows->reader, &err);

    if (code == CS_END)
        return false;
    bridge_check(code, &err);
    session_set_columns(set, &rows->reader.session, values, nulls);
    return true;
}

/* session_rows(sessionset [, reward_map]): one row a session. */
Datum
session_rows(PG_FUNCTION_ARGS)
{
    static const SessionSetMethods methods = {
        .size = sizeof(SessionRows),
        .num_columns = SESSION_COLUMNS,
        .start = start_rows,
        .next = next_session,
    };

    return session_set_return(fcinfo, &methods);
}
