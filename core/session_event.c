/*
 * core/session_event.c
 *     The names of the kinds of events.
 */
#include "session_event.h"

static const char *const kind_names[] = {
    [CS_OTHER] = "other", [CS_VIEW] = "view", [CS_ISSUE] = "issue"};

const char *
cs_kind_name(cs_kind kind)
{
    return kind_names[kind];
}

bool
cs_kind_parse(cs_slice name, cs_kind *kind)
{
    for (int i = CS_OTHER; i <= CS_ISSUE; i++)
        if (cs_slice_is(name, kind_names[i]))
        {
            *kind = (cs_kind) i;
            return true;
        }
    return false;
}
