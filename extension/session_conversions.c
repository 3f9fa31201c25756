/*
 * extension/session_conversions.c
 *     SQL: which views led to which issues, one row for each pair of a session.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "session_conversions.h"
#include "session_set.h"

PG_FUNCTION_INFO_V1(session_conversions);

#define NUM_COLUMNS 5

typedef struct SessionConversions
{
    SessionSet set;
    cs_session_reader reader;
    cs_conversion_reader conversions;
} SessionConversions;

static void
start_conversions(SessionSet *set, FunctionCallInfo fcinfo)
{
    SessionConversions *site = (SessionConversions *) set;
    cs_error err;

    session_set_take_map(set, fcinfo, 1);
    bridge_check(cs_sessions_open(&set->env, set->state, &site->reader, &err), &err);
    site->reader.keep_issues = true;
    cs_conversions_init(&site->conversions, &set->env);
}

/* Go on to the next session with views and issues; false behind the last one. */
static bool
next_session(SessionConversions *site)
{
    const cs_session *session = &site->reader.session;
    cs_error err;
    cs_code code;

    do
    {
        CHECK_FOR_INTERRUPTS();
        code = cs_sessions_next(&site->reader, &err);
        if (code == CS_END)
            return false;
        bridge_check(code, &err);
    } while (session->campaigns.count == 0 || session->rewards.count == 0);
    cs_conversions_start(&site->conversions, session, session_set_map(&site->set));
    return true;
}

static bool
next_conversion(SessionSet *set, Datum *values, bool *nulls)
{
    SessionConversions *site = (SessionConversions *) set;
    cs_conversion conversion;
    cs_error err;
    cs_code code;

    while ((code = cs_conversions_next(&site->conversions, &conversion, &err)) == CS_END)
        if (!next_session(site))
            return false;
    bridge_check(code, &err);
    values[0] = TimestampTzGetDatum(site->reader.session.start);
    values[1] = Int64GetDatum(conversion.campaign);
    values[2] = TimestampTzGetDatum(conversion.viewed);
    values[3] = Int64GetDatum(conversion.reward);
    values[4] = TimestampTzGetDatum(conversion.issued);
    return true;
}

/* session_conversions(sessionset, reward_map): one row a pair. */
Datum
session_conversions(PG_FUNCTION_ARGS)
{
    static const SessionSetMethods methods = {
        .size = sizeof(SessionConversions),
        .num_columns = NUM_COLUMNS,
        .start = start_conversions,
        .next = next_conversion,
    };

    return session_set_return(fcinfo, &methods);
}
