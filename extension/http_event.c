/*
 * extension/http_event.c
 *     SQL: what a request means.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "compat.h"
#include "core_bridge.h"
#include "sql_event.h"

PG_FUNCTION_INFO_V1(http_event);

/* http_event(http_method text, http_path text, prefix text) -> (kind text, id bigint) */
Datum
http_event(PG_FUNCTION_ARGS)
{
    TupleDesc tuple_desc;
    Datum values[2];
    bool nulls[2] = {false, false};
    int64_t id;
    cs_kind kind = cs_http_event(text_argument(fcinfo, 0), text_argument(fcinfo, 1),
                                 text_argument(fcinfo, 2), &id);

    if (get_call_result_type(fcinfo, NULL, &tuple_desc) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
    values[0] = CStringGetTextDatum(cs_kind_name(kind));
    values[1] = Int64GetDatum(id);
    nulls[1] = kind == CS_OTHER;
    PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(tuple_desc, values, nulls)));
}
