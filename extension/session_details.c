/*
 * extension/session_details.c
 *     SQL: the sessions of a state with all that can be said of them, cut
 *     further if the caller wishes.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "local_day.h"
#include "session_details.h"
#include "session_set.h"

PG_FUNCTION_INFO_V1(session_details);

/* The arguments behind the state */
enum
{
    ARG_MAP = 1,
    ARG_USER_ID,
    ARG_MAX_LENGTH,
    ARG_MIDNIGHT,
    ARG_CUT_ON_CAMPAIGN,
    ARG_LOADED_FROM,
    ARG_LOADED_UNTIL
};

/* The columns behind those of session_rows */
enum
{
    COL_SESSION_ID = SESSION_COLUMNS,
    COL_DURATION,
    COL_ENTRY_KIND,
    COL_ENTRY_ID,
    COL_EXIT_KIND,
    COL_EXIT_ID,
    COL_BOUNCE,
    COL_MAY_CONTINUE_BEFORE,
    COL_MAY_CONTINUE_AFTER,
    NUM_COLUMNS
};

/* An instant that may be NULL. */
typedef struct Edge
{
    bool given;
    cs_time time;
} Edge;

typedef struct SessionDetails
{
    SessionSet set;
    LocalDay local_day; /* kept from state to state */
    cs_cuts cuts;
    cs_session_reader reader;
    bool has_user;
    cs_slice user;
    Edge loaded_from;
    Edge loaded_until;
    Datum kind_names[CS_ISSUE + 1];
} SessionDetails;

/* A timestamptz argument. -infinity and infinity are what core takes them for. */
static Edge
edge_argument(FunctionCallInfo fcinfo, int argument)
{
    if (PG_ARGISNULL(argument))
        return (Edge){.given = false};
    StaticAssertStmt(DT_NOBEGIN == CS_LOADED_SINCE_EVER && DT_NOEND == CS_LOADED_FOR_EVER,
                     "infinite timestamps are the ends of int64");
    return (Edge){true, PG_GETARG_TIMESTAMPTZ(argument)};
}

/* Take the rules that cut sessions. */
static void
take_cuts(SessionDetails *details, FunctionCallInfo fcinfo)
{
    cs_cuts *cuts = &details->cuts;

    *cuts = (cs_cuts){.ctx = &details->local_day};
    if (!PG_ARGISNULL(ARG_MAX_LENGTH))
        cuts->max_length = bridge_interval(fcinfo, ARG_MAX_LENGTH, "max_length");
    if (!PG_ARGISNULL(ARG_MIDNIGHT))
    {
        local_day_use_zone(&details->local_day, PG_GETARG_TEXT_PP(ARG_MIDNIGHT));
        cuts->local_day = local_day_of;
    }
    cuts->on_campaign = !PG_ARGISNULL(ARG_CUT_ON_CAMPAIGN) && PG_GETARG_BOOL(ARG_CUT_ON_CAMPAIGN);
}

static void
start_details(SessionSet *set, FunctionCallInfo fcinfo)
{
    SessionDetails *details = (SessionDetails *) set;
    cs_error err;

    session_set_take_map(set, fcinfo, ARG_MAP);
    details->has_user = !PG_ARGISNULL(ARG_USER_ID);
    if (details->has_user)
        details->user = bridge_slice(PG_GETARG_VARLENA_PP(ARG_USER_ID));
    details->loaded_from = edge_argument(fcinfo, ARG_LOADED_FROM);
    details->loaded_until = edge_argument(fcinfo, ARG_LOADED_UNTIL);
    take_cuts(details, fcinfo);
    for (int kind = CS_OTHER; kind <= CS_ISSUE; kind++)
        details->kind_names[kind] = CStringGetTextDatum(cs_kind_name((cs_kind) kind));
    bridge_check(cs_sessions_open(&set->env, set->state, &details->reader, &err), &err);
    details->reader.cuts = &details->cuts;
}

/* The session's name. */
static Datum
session_id(const SessionDetails *details)
{
    cs_env env = bridge_env(CurrentMemoryContext);
    cs_buffer buffer;
    cs_error err;

    bridge_varlena_begin(&buffer, &env);
    bridge_check(cs_session_id(&details->reader.session, details->user, &buffer, &err), &err);
    return PointerGetDatum(bridge_varlena_end(&buffer, "session_id"));
}

/* The session's length in hours and smaller units, as gap() has it. */
static Datum
session_duration(const cs_session *session)
{
    Interval *duration = palloc0(sizeof(Interval));

    if (__builtin_sub_overflow(session->end, session->start, &duration->time))
        ereport(ERROR,
                (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("duration is out of range")));
    return IntervalPGetDatum(duration);
}

/* The kind of an event and its id, NULL for other activity. */
static void
event_columns(const SessionDetails *details, const cs_event *event, int column, Datum *values,
              bool *nulls)
{
    values[column] = details->kind_names[event->kind];
    values[column + 1] = Int64GetDatum(event->id);
    nulls[column + 1] = event->kind == CS_OTHER;
}

/* Whether events that were not loaded might belong to the session. */
static void
edge_columns(const SessionDetails *details, Datum *values, bool *nulls)
{
    const cs_session_reader *reader = &details->reader;
    Edge from = details->loaded_from;
    Edge until = details->loaded_until;

    nulls[COL_MAY_CONTINUE_BEFORE] = !from.given;
    values[COL_MAY_CONTINUE_BEFORE] =
        BoolGetDatum(from.given && cs_session_may_continue_before(reader, from.time));
    nulls[COL_MAY_CONTINUE_AFTER] = !until.given;
    values[COL_MAY_CONTINUE_AFTER] =
        BoolGetDatum(until.given && cs_session_may_continue_after(reader, until.time));
}

static bool
next_details(SessionSet *set, Datum *values, bool *nulls)
{
    SessionDetails *details = (SessionDetails *) set;
    const cs_session *session = &details->reader.session;
    cs_error err;
    cs_code code = cs_sessions_next(&details->reader, &err);

    if (code == CS_END)
        return false;
    bridge_check(code, &err);
    session_set_columns(set, session, values, nulls);
    nulls[COL_SESSION_ID] = !details->has_user;
    values[COL_SESSION_ID] = details->has_user ? session_id(details) : (Datum) 0;
    values[COL_DURATION] = session_duration(session);
    event_columns(details, &session->entry, COL_ENTRY_KIND, values, nulls);
    event_columns(details, &session->exit, COL_EXIT_KIND, values, nulls);
    values[COL_BOUNCE] = BoolGetDatum(session->events == 1);
    edge_columns(details, values, nulls);
    return true;
}

/* session_details(sessionset, reward_map, user_id, cuts, loaded range): one row a session. */
Datum
session_details(PG_FUNCTION_ARGS)
{
    static const SessionSetMethods methods = {
        .size = sizeof(SessionDetails),
        .num_columns = NUM_COLUMNS,
        .start = start_details,
        .next = next_details,
    };

    StaticAssertStmt(NUM_COLUMNS <= SESSION_SET_MAX_COLUMNS, "too many columns");
    return session_set_return(fcinfo, &methods);
}
