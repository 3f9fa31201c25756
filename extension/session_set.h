/*
 * extension/session_set.h
 *     What the SQL functions share that return rows of the sessions of a state.
 *
 * Such a function is a table of two functions: one reads the arguments, the
 * other makes one row after the other. What its call site needs hangs on
 * fn_extra as a struct that begins with a SessionSet.
 */
#ifndef CLICKSTREAM_SESSION_SET_H
#define CLICKSTREAM_SESSION_SET_H

#include "access/tupdesc.h"
#include "fmgr.h"

#include "compat.h"
#include "core_bridge.h"
#include "session_read.h"

#define SESSION_SET_MAX_COLUMNS 16

typedef struct SessionSet SessionSet;

typedef struct SessionSetMethods
{
    size_t size; /* of the call site's struct */
    int num_columns;

    /* Read the arguments; called in, and with set->env on, memory that lasts until the last row. */
    void (*start)(SessionSet *set, FunctionCallInfo fcinfo);

    /* Make a row, in memory that lasts as long as it does; false behind the last one. nulls are
       false at the start. */
    bool (*next)(SessionSet *set, Datum *values, bool *nulls);
} SessionSetMethods;

struct SessionSet
{
    const SessionSetMethods *methods;
    TupleDesc tuple_desc;
    MemoryContext row_context;
    Datum no_ids; /* an empty bigint[] */

    /* The map decoded last: a query gives the same one for every state */
    MemoryContext map_context;
    cs_env map_env;
    cs_slice map_bytes; /* a copy; data is NULL before the first map */
    cs_map map;

    /* The state being read */
    MemoryContext context; /* reset between states */
    cs_env env;
    bool active;
    cs_slice state;
    bool has_map;
    bool map_ready; /* the map decoded last is this one */
    Datum map_argument;
};

/* The body of the SQL function; its first argument is the state. */
Datum session_set_return(FunctionCallInfo fcinfo, const SessionSetMethods *methods);

/* In start: take the map's argument, which may be NULL. It is decoded when it is asked for. */
void session_set_take_map(SessionSet *set, FunctionCallInfo fcinfo, int argument);

/* The map that was taken, decoded; not NULL. */
const cs_map *session_set_map(SessionSet *set);

/* The columns that session_rows and session_details share. */
#define SESSION_COLUMNS 6
void session_set_columns(SessionSet *set, const cs_session *session, Datum *values, bool *nulls);

#endif
