/*
 * extension/session_funnel.c
 *     SQL: how far each session of a state went through a row of steps.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "session_funnel.h"
#include "session_set.h"
#include "sql_event.h"

PG_FUNCTION_INFO_V1(session_funnel);

#define NUM_COLUMNS 3

typedef struct SessionFunnel
{
    SessionSet set;
    cs_funnel_reader reader;
} SessionFunnel;

/* The elements of an array argument, which must be a plain list. */
static int
list_argument(FunctionCallInfo fcinfo, int argument, const char *name, Datum **values, bool **nulls)
{
    ArrayType *array = PG_GETARG_ARRAYTYPE_P(argument);
    int count;

    if (ARR_NDIM(array) > 1)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("%s must have one dimension, not %d", name, ARR_NDIM(array))));
    if (ARR_ELEMTYPE(array) == INT8OID)
        deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, values,
                          nulls, &count);
    else
        deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, values, nulls, &count);
    return count;
}

/* The kind that a step asks for. */
static cs_kind
step_kind(Datum kind, bool is_null)
{
    if (is_null)
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                        errmsg("kind of a step must not be NULL")));
    return kind_of_name(bridge_slice((struct varlena *) DatumGetPointer(kind)));
}

/* Turn the arguments into steps. */
static size_t
take_steps(FunctionCallInfo fcinfo, cs_step **steps)
{
    Datum *kinds, *ids;
    bool *kind_nulls, *id_nulls;
    int num_kinds = list_argument(fcinfo, 1, "kinds", &kinds, &kind_nulls);
    int num_ids = list_argument(fcinfo, 2, "ids", &ids, &id_nulls);

    if (num_kinds != num_ids)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("kinds and ids must have the same number of elements"),
                        errdetail("The number of kinds is %d, that of ids %d.", num_kinds, num_ids),
                        errhint("Give a NULL id for a step that any id takes.")));
    if (num_kinds == 0)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("a funnel needs at least one step")));
    *steps = palloc(sizeof(cs_step) * (size_t) num_kinds);
    for (int i = 0; i < num_kinds; i++)
    {
        cs_kind kind = step_kind(kinds[i], kind_nulls[i]);

        (*steps)[i] = (cs_step){.kind = kind,
                                .any_id = kind == CS_OTHER || id_nulls[i],
                                .id = id_nulls[i] ? 0 : DatumGetInt64(ids[i])};
    }
    return (size_t) num_kinds;
}

static void
start_funnel(SessionSet *set, FunctionCallInfo fcinfo)
{
    SessionFunnel *funnel = (SessionFunnel *) set;
    cs_step *steps;
    size_t num_steps = take_steps(fcinfo, &steps);
    cs_error err;

    bridge_check(cs_funnel_open(&set->env, set->state, steps, num_steps, &funnel->reader, &err),
                 &err);
}

/* When the steps were taken, as an array. */
static Datum
reached_array(const cs_funnel_reader *reader)
{
    Datum *times = palloc(Max(reader->num_reached, 1) * sizeof(Datum));

    for (size_t i = 0; i < reader->num_reached; i++)
        times[i] = TimestampTzGetDatum(reader->reached[i]);
    return PointerGetDatum(construct_array(times, (int) reader->num_reached, TIMESTAMPTZOID,
                                           sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static bool
next_funnel(SessionSet *set, Datum *values, bool *nulls)
{
    SessionFunnel *funnel = (SessionFunnel *) set;
    cs_error err;
    cs_code code = cs_funnel_next(&funnel->reader, &err);

    if (code == CS_END)
        return false;
    bridge_check(code, &err);
    values[0] = TimestampTzGetDatum(funnel->reader.start);
    values[1] = Int32GetDatum((int32) funnel->reader.num_reached);
    values[2] = reached_array(&funnel->reader);
    return true;
}

/* session_funnel(sessionset, kinds, ids): one row a session. */
Datum
session_funnel(PG_FUNCTION_ARGS)
{
    static const SessionSetMethods methods = {
        .size = sizeof(SessionFunnel),
        .num_columns = NUM_COLUMNS,
        .start = start_funnel,
        .next = next_funnel,
    };

    return session_set_return(fcinfo, &methods);
}
