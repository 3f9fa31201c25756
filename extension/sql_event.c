/*
 * extension/sql_event.c
 *     SQL arguments as requests and events.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "compat.h"
#include "core_bridge.h"
#include "sql_event.h"

cs_slice
text_argument(FunctionCallInfo fcinfo, int argument)
{
    if (PG_ARGISNULL(argument))
        return (cs_slice){"", 0};
    return bridge_slice((struct varlena *) PG_GETARG_TEXT_PP(argument));
}

cs_kind
kind_of_name(cs_slice name)
{
    cs_kind kind;

    if (!cs_kind_parse(name, &kind))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("kind of event \"%.*s\" is not known",
                               pg_mbcliplen(name.data, (int) name.len, NAMEDATALEN), name.data),
                        errhint("The kinds are \"view\", \"issue\" and \"other\".")));
    return kind;
}
