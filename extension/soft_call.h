/*
 * extension/soft_call.h
 *     Calling functions whose refusal of a value must not end the query.
 */
#ifndef CLICKSTREAM_SOFT_CALL_H
#define CLICKSTREAM_SOFT_CALL_H

#include "fmgr.h"

#include "compat.h"

#define SOFT_CALL_ARGUMENTS 3

/*
 * Call a function; false if it raised a data exception. Only those of the server
 * itself are caught, which hold nothing but memory while they look at a value;
 * what others raise goes on.
 */
bool soft_call(FmgrInfo *function, Datum arguments[SOFT_CALL_ARGUMENTS], Datum *result);

/* The same for the input function of a type. */
bool soft_input(FmgrInfo *function, char *text, Oid io_param, int32 typmod, Datum *result);

/* The same for the constraints of a domain. */
bool soft_domain_check(Datum value, bool is_null, Oid type, void **extra, MemoryContext context);

#endif
