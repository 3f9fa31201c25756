/*
 * core/session_map.c
 *     The mapping of campaigns to rewards as one sorted array.
 */
#include "session_map.h"
#include "varint.h"

#include <stdlib.h>

void
cs_map_init(cs_map *map, const cs_env *env)
{
    *map = (cs_map){.env = env};
}

void
cs_map_free(cs_map *map)
{
    cs_release(map->env, map->pairs);
    cs_release(map->env, map->slots);
    cs_map_init(map, map->env);
}

cs_code
cs_map_add(cs_map *map, int64_t campaign, int64_t reward, cs_error *err)
{
    CS_TRY(cs_grow_array(map->env, (void **) &map->pairs, &map->capacity, map->count + 1,
                         sizeof(cs_pair), err));
    map->pairs[map->count++] = (cs_pair){campaign, reward};
    return CS_OK;
}

/* The order of pairs: campaign, then reward. */
static int
compare_pairs(const void *left, const void *right)
{
    const cs_pair *a = left;
    const cs_pair *b = right;

    if (a->campaign != b->campaign)
        return a->campaign < b->campaign ? -1 : 1;
    return (a->reward > b->reward) - (a->reward < b->reward);
}

void
cs_map_sort(cs_map *map)
{
    size_t kept = 0;

    if (map->count == 0)
        return;
    qsort(map->pairs, map->count, sizeof(cs_pair), compare_pairs);
    for (size_t i = 1; i < map->count; i++)
        if (compare_pairs(&map->pairs[kept], &map->pairs[i]) != 0)
            map->pairs[++kept] = map->pairs[i];
    map->count = kept + 1;
}

/* a - b modulo 2^64. */
static int64_t
wrapping_sub(int64_t a, int64_t b)
{
    return (int64_t) ((uint64_t) a - (uint64_t) b);
}

/* a + b modulo 2^64. */
static int64_t
wrapping_add(int64_t a, int64_t b)
{
    return (int64_t) ((uint64_t) a + (uint64_t) b);
}

cs_code
cs_map_encode(const cs_map *map, cs_buffer *out, cs_error *err)
{
    cs_pair before = {0, 0};
    uint8_t bytes[1 + CS_VARINT_MAX_BYTES] = {CS_MAP_VERSION};

    CS_TRY(
        cs_buffer_append(out, bytes, (size_t) (cs_varint_put(bytes + 1, map->count) - bytes), err));
    CS_TRY(cs_buffer_reserve(out, map->count * 2, err));
    for (size_t i = 0; i < map->count; i++)
    {
        const cs_pair *pair = &map->pairs[i];
        uint8_t *at;

        CS_TRY(cs_buffer_reserve(out, 2 * CS_VARINT_MAX_BYTES, err));
        at = out->data + out->len;
        at = cs_varint_put(at, cs_zigzag(wrapping_sub(pair->campaign, before.campaign)));
        at = cs_varint_put(at, cs_zigzag(wrapping_sub(pair->reward, before.reward)));
        out->len = (size_t) (at - out->data);
        before = *pair;
    }
    return CS_OK;
}

/* Report damage. */
static cs_code
fail_damaged(const char *what, cs_error *err)
{
    return cs_fail(err, CS_ERR_DATA, "damaged reward_map: %s", what);
}

/* Read the pairs between at and end. */
static cs_code
decode_pairs(cs_map *map, const uint8_t *at, const uint8_t *end, uint64_t count, cs_error *err)
{
    cs_pair before = {0, 0};

    for (uint64_t i = 0; i < count; i++)
    {
        uint64_t campaign = 0, reward = 0;
        cs_pair pair;

        at = cs_varint_get(at, end, &campaign);
        if (at != NULL)
            at = cs_varint_get(at, end, &reward);
        if (at == NULL)
            return fail_damaged("it ends before its last pair", err);
        pair.campaign = wrapping_add(before.campaign, cs_unzigzag(campaign));
        pair.reward = wrapping_add(before.reward, cs_unzigzag(reward));
        if (i > 0 && compare_pairs(&before, &pair) >= 0)
            return fail_damaged("its pairs are not in order", err);
        CS_TRY(cs_map_add(map, pair.campaign, pair.reward, err));
        before = pair;
    }
    return at == end ? CS_OK : fail_damaged("bytes follow its end", err);
}

cs_code
cs_map_decode(cs_map *map, cs_slice stored, cs_error *err)
{
    const uint8_t *at = (const uint8_t *) stored.data;
    const uint8_t *end = at + stored.len;
    uint64_t count;

    if (stored.len < 2)
        return fail_damaged("it is too short", err);
    if (*at != CS_MAP_VERSION)
        return cs_fail(err, CS_ERR_DATA, "reward_map of version %d, this build reads version %d",
                       *at, CS_MAP_VERSION);
    at = cs_varint_get(at + 1, end, &count);
    if (at == NULL || count > (uint64_t) (end - at) / 2) /* a pair takes at least two bytes */
        return fail_damaged("number of pairs is out of range", err);
    return decode_pairs(map, at, end, count, err);
}

/* Compare a stored map with the encoding of the pairs read from it. */
static cs_code
check_canonical(cs_map *map, cs_slice stored, cs_buffer *again, cs_error *err)
{
    CS_TRY(cs_map_decode(map, stored, err));
    CS_TRY(cs_map_encode(map, again, err));
    if (again->len != stored.len || memcmp(again->data, stored.data, stored.len) != 0)
        return fail_damaged("it is not in canonical form", err);
    return CS_OK;
}

cs_code
cs_map_check(const cs_env *env, cs_slice stored, cs_error *err)
{
    cs_map map;
    cs_buffer again;
    cs_code code;

    cs_map_init(&map, env);
    cs_buffer_init(&again, env);
    code = check_canonical(&map, stored, &again, err);
    cs_buffer_free(&again);
    cs_map_free(&map);
    return code;
}

/* The first of [start, end) whose pair is not before the given one. */
static size_t
lower_bound(const cs_map *map, size_t start, size_t end, cs_pair pair)
{
    while (start < end)
    {
        size_t middle = start + (end - start) / 2;

        if (compare_pairs(&map->pairs[middle], &pair) < 0)
            start = middle + 1;
        else
            end = middle;
    }
    return start;
}

/* The slot that holds a campaign, or the free one where it belongs. */
static cs_map_slot *
find_slot(const cs_map *map, int64_t campaign)
{
    size_t mask = map->num_slots - 1;
    size_t slot = cs_hash_id(campaign) & mask;

    while (map->slots[slot].end > 0 && map->pairs[map->slots[slot].start].campaign != campaign)
        slot = (slot + 1) & mask;
    return &map->slots[slot];
}

cs_code
cs_map_index(cs_map *map, cs_error *err)
{
    size_t wanted = 1;

    if (map->count >= UINT32_MAX)
        return cs_fail(err, CS_ERR_LIMIT, "a map holds more than %u pairs", UINT32_MAX);
    while (wanted < 2 * map->count + 1)
        wanted *= 2;
    CS_TRY(cs_grow_array(map->env, (void **) &map->slots, &map->num_slots, wanted,
                         sizeof(cs_map_slot), err));
    memset(map->slots, 0, map->num_slots * sizeof(cs_map_slot));
    for (size_t i = 0; i < map->count; i++)
    {
        cs_map_slot *slot = find_slot(map, map->pairs[i].campaign);

        if (slot->end == 0)
            slot->start = (uint32_t) i;
        slot->end = (uint32_t) i + 1;
    }
    return CS_OK;
}

void
cs_map_range(const cs_map *map, int64_t campaign, size_t *start, size_t *end)
{
    if (map->num_slots > 0)
    {
        const cs_map_slot *slot = find_slot(map, campaign);

        *start = slot->start;
        *end = slot->end;
        return;
    }
    *start = lower_bound(map, 0, map->count, (cs_pair){campaign, INT64_MIN});
    *end = campaign < INT64_MAX
               ? lower_bound(map, *start, map->count, (cs_pair){campaign + 1, INT64_MIN})
               : map->count;
}

bool
cs_map_find(const cs_map *map, size_t start, size_t end, int64_t reward, size_t *position)
{
    if (start == end)
        return false;
    *position = lower_bound(map, start, end, (cs_pair){map->pairs[start].campaign, reward});
    return *position < end && map->pairs[*position].reward == reward;
}

bool
cs_map_holds(const cs_map *map, size_t start, size_t end, int64_t reward)
{
    size_t position;

    return cs_map_find(map, start, end, reward, &position);
}
