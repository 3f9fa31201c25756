/*
 * extension/reward_map.c
 *     SQL: the type reward_map and the aggregate of the same name.
 */
#include "postgres.h"

#include "compat.h"
#include "core_bridge.h"
#include "session_map.h"
#include "session_text.h"

PG_FUNCTION_INFO_V1(reward_map_in);
PG_FUNCTION_INFO_V1(reward_map_out);
PG_FUNCTION_INFO_V1(reward_map_recv);
PG_FUNCTION_INFO_V1(reward_map_send);
PG_FUNCTION_INFO_V1(reward_map_transfn);
PG_FUNCTION_INFO_V1(reward_map_combinefn);
PG_FUNCTION_INFO_V1(reward_map_serialfn);
PG_FUNCTION_INFO_V1(reward_map_deserialfn);
PG_FUNCTION_INFO_V1(reward_map_finalfn);

/* The map in its stored form, in the caller's memory. */
static struct varlena *
store_map(cs_map *map)
{
    cs_env env = bridge_env(CurrentMemoryContext);
    cs_buffer buffer;
    cs_error err;

    cs_map_sort(map);
    bridge_varlena_begin(&buffer, &env);
    bridge_check(cs_map_encode(map, &buffer, &err), &err);
    return bridge_varlena_end(&buffer, "reward_map");
}

/* A new map in the environment's memory. */
static cs_map *
make_map(const cs_env *env)
{
    cs_map *map = MemoryContextAlloc((MemoryContext) env->ctx, sizeof(cs_map));

    cs_map_init(map, env);
    return map;
}

Datum
reward_map_in(PG_FUNCTION_ARGS)
{
    cs_env env = bridge_env(CurrentMemoryContext);
    cs_map map;
    cs_error err;
    cs_code code;

    cs_map_init(&map, &env);
    code = cs_map_from_json(&map, cs_slice_of(PG_GETARG_CSTRING(0)), &err);
    if (code == CS_ERR_DATA)
        ereturn(fcinfo->context, (Datum) 0,
                (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
                 errmsg("invalid input syntax for type %s", "reward_map"),
                 errdetail("%s.", err.message)));
    bridge_check(code, &err);
    PG_RETURN_POINTER(store_map(&map));
}

Datum
reward_map_out(PG_FUNCTION_ARGS)
{
    cs_env env = bridge_env(CurrentMemoryContext);
    cs_map map;
    cs_buffer text;
    cs_error err;

    cs_map_init(&map, &env);
    cs_buffer_init(&text, &env);
    bridge_check(cs_map_decode(&map, bridge_slice(PG_GETARG_VARLENA_PP(0)), &err), &err);
    bridge_check(cs_map_to_json(&map, &text, &err), &err);
    bridge_check(cs_buffer_append(&text, "", 1, &err), &err);
    PG_RETURN_CSTRING((char *) text.data);
}

Datum
reward_map_recv(PG_FUNCTION_ARGS)
{
    StringInfo message = (StringInfo) PG_GETARG_POINTER(0);

    PG_RETURN_POINTER(bridge_recv(message, "reward_map", cs_map_check));
}

Datum
reward_map_send(PG_FUNCTION_ARGS)
{
    PG_RETURN_BYTEA_P(bridge_send(PG_GETARG_VARLENA_PP(0)));
}

/* (state, campaign_id, reward_id); a pair with a NULL is ignored. */
Datum
reward_map_transfn(PG_FUNCTION_ARGS)
{
    const cs_env *env = bridge_aggregate_env(fcinfo);
    cs_map *map = PG_ARGISNULL(0) ? make_map(env) : (cs_map *) PG_GETARG_POINTER(0);
    cs_error err;

    if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
        bridge_check(cs_map_add(map, PG_GETARG_INT64(1), PG_GETARG_INT64(2), &err), &err);
    PG_RETURN_POINTER(map);
}

/* (state, state); the first one lives on, the second one may not. */
Datum
reward_map_combinefn(PG_FUNCTION_ARGS)
{
    const cs_env *env = bridge_aggregate_env(fcinfo);
    cs_map *into = PG_ARGISNULL(0) ? make_map(env) : (cs_map *) PG_GETARG_POINTER(0);
    cs_error err;

    if (!PG_ARGISNULL(1))
    {
        const cs_map *from = (cs_map *) PG_GETARG_POINTER(1);

        for (size_t i = 0; i < from->count; i++)
            bridge_check(cs_map_add(into, from->pairs[i].campaign, from->pairs[i].reward, &err),
                         &err);
    }
    PG_RETURN_POINTER(into);
}

Datum
reward_map_serialfn(PG_FUNCTION_ARGS)
{
    bridge_aggregate_env(fcinfo);
    PG_RETURN_BYTEA_P(store_map((cs_map *) PG_GETARG_POINTER(0)));
}

/* The result lives only until it is combined: not in the aggregate context. */
Datum
reward_map_deserialfn(PG_FUNCTION_ARGS)
{
    cs_env *env = palloc(sizeof(cs_env));
    cs_map *map;
    cs_error err;

    bridge_aggregate_env(fcinfo);
    *env = bridge_env(CurrentMemoryContext);
    map = make_map(env);
    bridge_check(cs_map_decode(map, bridge_slice(PG_GETARG_VARLENA_PP(0)), &err), &err);
    PG_RETURN_POINTER(map);
}

/* An empty map, not NULL, where there was no row. */
Datum
reward_map_finalfn(PG_FUNCTION_ARGS)
{
    const cs_env *env = bridge_aggregate_env(fcinfo);
    cs_map *map = PG_ARGISNULL(0) ? make_map(env) : (cs_map *) PG_GETARG_POINTER(0);

    PG_RETURN_POINTER(store_map(map));
}
