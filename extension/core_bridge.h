/*
 * extension/core_bridge.h
 *     Between core and the server: memory, interrupts, errors, varlena values.
 */
#ifndef CLICKSTREAM_CORE_BRIDGE_H
#define CLICKSTREAM_CORE_BRIDGE_H

#include "fmgr.h"
#include "lib/stringinfo.h"

#include "compat.h"

#include "base.h"
#include "session_event.h"

/* An environment whose memory is the given context's; lives as long as its caller keeps it. */
cs_env bridge_env(MemoryContext context);

/*
 * The environment of the aggregate context of this call, kept in fn_extra. An
 * error if the function is not called as part of an aggregate.
 */
const cs_env *bridge_aggregate_env(FunctionCallInfo fcinfo);

/* Raise what core reported; data_errcode is the SQLSTATE for CS_ERR_DATA. */
pg_noreturn void bridge_raise(const cs_error *err, int data_errcode);

/* Raise unless the code is CS_OK; CS_ERR_DATA means that a stored value is damaged. */
static inline void
bridge_check(cs_code code, const cs_error *err)
{
    if (code != CS_OK)
        bridge_raise(err, ERRCODE_DATA_CORRUPTED);
}

/* The bytes of a varlena value. */
cs_slice bridge_slice(const struct varlena *value);

/* Start a buffer that will become a varlena value: room for its header first. */
void bridge_varlena_begin(cs_buffer *buffer, const cs_env *env);

/* Put the header in place and hand the value over. */
struct varlena *bridge_varlena_end(cs_buffer *buffer, const char *type_name);

/* An interval in microseconds; an error, which names it, unless it is longer than zero, of days
   and smaller units. */
int64_t bridge_interval(FunctionCallInfo fcinfo, int argument, const char *name);

/* The same of a gap. */
int64_t bridge_gap(FunctionCallInfo fcinfo, int argument);

/* Shared bodies of the receive and send functions, and of comparison by bytes. */
struct varlena *bridge_recv(StringInfo message, const char *type_name,
                            cs_code (*check)(const cs_env *env, cs_slice bytes, cs_error *err));
bytea *bridge_send(struct varlena *value);
int bridge_compare_bytes(FunctionCallInfo fcinfo);

#endif
