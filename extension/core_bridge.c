/*
 * extension/core_bridge.c
 *     Between core and the server: memory, interrupts, errors, varlena values.
 */
#include "postgres.h"

#include "datatype/timestamp.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "core_bridge.h"

#define VARLENA_FIRST_ROOM 256 /* bytes; most states fit */

/* The environments of one function call site, one for each aggregate context. */
typedef struct AggregateEnv
{
    cs_env env;
    struct AggregateEnv *next;
} AggregateEnv;

/* cs_env.resize on a memory context; NULL where palloc would raise an error. */
static void *
context_resize(void *ctx, void *old, size_t old_size, size_t size)
{
    void *fresh;

    if (size > MaxAllocHugeSize)
        return NULL;
    fresh =
        MemoryContextAllocExtended((MemoryContext) ctx, size, MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
    if (fresh != NULL && old != NULL)
    {
        memcpy(fresh, old, Min(old_size, size));
        pfree(old);
    }
    return fresh;
}

/* cs_env.release on a memory context. */
static void
context_release(void *ctx, void *memory)
{
    pfree(memory);
}

/* cs_env.should_stop: a cancel or a shutdown waits to be served. */
static bool
interrupt_pending(void *ctx)
{
    return QueryCancelPending || ProcDiePending;
}

cs_env
bridge_env(MemoryContext context)
{
    return (cs_env){context_resize, context_release, interrupt_pending, context};
}

const cs_env *
bridge_aggregate_env(FunctionCallInfo fcinfo)
{
    MemoryContext context;
    AggregateEnv *known;

    if (!AggCheckCallContext(fcinfo, &context))
        elog(ERROR, "aggregate function called in non-aggregate context");
    for (known = fcinfo->flinfo->fn_extra; known != NULL; known = known->next)
        if (known->env.ctx == context)
            return &known->env;
    known = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(AggregateEnv));
    known->env = bridge_env(context);
    known->next = fcinfo->flinfo->fn_extra;
    fcinfo->flinfo->fn_extra = known;
    return &known->env;
}

void
bridge_raise(const cs_error *err, int data_errcode)
{
    int sqlstate = ERRCODE_INTERNAL_ERROR;

    switch (err->code)
    {
        case CS_ERR_STOPPED:
            CHECK_FOR_INTERRUPTS();
            sqlstate = ERRCODE_QUERY_CANCELED;
            break;
        case CS_ERR_MEMORY:
            sqlstate = ERRCODE_OUT_OF_MEMORY;
            break;
        case CS_ERR_DATA:
            sqlstate = data_errcode;
            break;
        case CS_ERR_RANGE:
            sqlstate = ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
            break;
        case CS_ERR_LIMIT:
            sqlstate = ERRCODE_PROGRAM_LIMIT_EXCEEDED;
            break;
        case CS_ERR_ARGUMENT:
            sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;
            break;
        default:
            break;
    }
    ereport(ERROR, (errcode(sqlstate), errmsg("%s", err->message)));
}

cs_slice
bridge_slice(const struct varlena *value)
{
    return (cs_slice){VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

void
bridge_varlena_begin(cs_buffer *buffer, const cs_env *env)
{
    cs_error err;

    cs_buffer_init(buffer, env);
    bridge_check(cs_buffer_reserve(buffer, VARLENA_FIRST_ROOM, &err), &err);
    memset(buffer->data, 0, VARHDRSZ);
    buffer->len = VARHDRSZ;
}

struct varlena *
bridge_varlena_end(cs_buffer *buffer, const char *type_name)
{
    if (buffer->len > MaxAllocSize)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("%s of %zu bytes is over the limit of %zu bytes", type_name,
                               buffer->len, (size_t) MaxAllocSize)));
    SET_VARSIZE(buffer->data, buffer->len);
    return (struct varlena *) buffer->data;
}

int64_t
bridge_interval(FunctionCallInfo fcinfo, int argument, const char *name)
{
    Interval *interval;
    int64_t micros;

    if (PG_ARGISNULL(argument))
        ereport(ERROR,
                (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be NULL", name)));
    interval = PG_GETARG_INTERVAL_P(argument);
    if (interval->month != 0)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("%s must not contain months or years", name),
                        errhint("Give the %s in days or smaller units; a day is 24 hours.", name)));
    if (__builtin_mul_overflow((int64_t) interval->day, CS_DAY, &micros) ||
        __builtin_add_overflow(micros, (int64_t) interval->time, &micros))
        ereport(ERROR,
                (errcode(ERRCODE_INTERVAL_FIELD_OVERFLOW), errmsg("%s is out of range", name)));
    if (micros <= 0)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("%s must be longer than zero", name)));
    return micros;
}

int64_t
bridge_gap(FunctionCallInfo fcinfo, int argument)
{
    return bridge_interval(fcinfo, argument, "gap");
}

/* The binary form is the stored form; check refuses what is not canonical. */
struct varlena *
bridge_recv(StringInfo message, const char *type_name,
            cs_code (*check)(const cs_env *env, cs_slice bytes, cs_error *err))
{
    cs_env env = bridge_env(CurrentMemoryContext);
    size_t len = (size_t) (message->len - message->cursor);
    const char *bytes = pq_getmsgbytes(message, (int) len);
    cs_buffer buffer;
    cs_error err;

    if (check(&env, (cs_slice){bytes, len}, &err) != CS_OK)
        bridge_raise(&err, ERRCODE_INVALID_BINARY_REPRESENTATION);
    bridge_varlena_begin(&buffer, &env);
    bridge_check(cs_buffer_append(&buffer, bytes, len, &err), &err);
    return bridge_varlena_end(&buffer, type_name);
}

bytea *
bridge_send(struct varlena *value)
{
    StringInfoData out;

    pq_begintypsend(&out);
    pq_sendbytes(&out, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
    return pq_endtypsend(&out);
}

int
bridge_compare_bytes(FunctionCallInfo fcinfo)
{
    struct varlena *a = PG_GETARG_VARLENA_PP(0);
    struct varlena *b = PG_GETARG_VARLENA_PP(1);
    size_t a_len = VARSIZE_ANY_EXHDR(a);
    size_t b_len = VARSIZE_ANY_EXHDR(b);
    int order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(a_len, b_len));

    if (order == 0)
        order = (a_len > b_len) - (a_len < b_len);
    PG_FREE_IF_COPY(a, 0);
    PG_FREE_IF_COPY(b, 1);
    return order;
}
