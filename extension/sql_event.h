/*
 * extension/sql_event.h
 *     SQL arguments as requests and events.
 */
#ifndef CLICKSTREAM_SQL_EVENT_H
#define CLICKSTREAM_SQL_EVENT_H

#include "fmgr.h"

#include "http_event.h"

/* The text argument as a slice, empty if it is NULL. */
cs_slice text_argument(FunctionCallInfo fcinfo, int argument);

/* The kind of an event by its name; an error (22023) for a name that is none. */
cs_kind kind_of_name(cs_slice name);

#endif
