/*
 * extension/soft_call.c
 *     Calling functions whose refusal of a value must not end the query.
 */
#include "postgres.h"

#include "access/transam.h"
#include "utils/builtins.h"

#include "compat.h"

#include "soft_call.h"

bool
soft_call(FmgrInfo *function, Datum arguments[SOFT_CALL_ARGUMENTS], Datum *result)
{
    MemoryContext context = CurrentMemoryContext;
    volatile bool done = false;

    PG_TRY();
    {
        *result = FunctionCall3(function, arguments[0], arguments[1], arguments[2]);
        done = true;
    }
    PG_CATCH();
    {
        if (function->fn_oid >= FirstNormalObjectId ||
            ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_DATA_EXCEPTION)
            PG_RE_THROW();
        MemoryContextSwitchTo(context);
        FlushErrorState();
    }
    PG_END_TRY();
    return done;
}

bool
soft_input(FmgrInfo *function, char *text, Oid io_param, int32 typmod, Datum *result)
{
    return compat_input_softly(function, text, io_param, typmod, result);
}

bool
soft_domain_check(Datum value, bool is_null, Oid type, void **extra, MemoryContext context)
{
    return compat_domain_softly(value, is_null, type, extra, context);
}
