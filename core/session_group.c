/*
 * core/session_group.c
 *     Telling the events of many users apart.
 */
#include "session_group.h"

#define FIRST_SLOTS 1024

void
cs_group_init(cs_group *group, const cs_env *env, uint64_t seed)
{
    *group = (cs_group){.env = env, .seed = seed};
    cs_arena_init(&group->names, env);
}

/* Free a group's memory. */
void
cs_group_free(cs_group *group)
{
    cs_release(group->env, group->users);
    cs_release(group->env, group->slots);
    cs_release(group->env, group->arrived);
    cs_release(group->env, group->events);
    cs_release(group->env, group->spare);
    cs_arena_free(&group->names);
}

void
cs_group_reset(cs_group *group)
{
    if (group->num_slots > 0)
        memset(group->slots, 0, group->num_slots * sizeof(uint64_t));
    group->num_users = 0;
    group->num_events = 0;
    cs_arena_free(&group->names);
}

/* Put a user into the first free slot behind its hash. */
static void
fill_slot(cs_group *group, uint64_t hash, size_t position)
{
    size_t mask = group->num_slots - 1;
    size_t slot = hash & mask;

    while (group->slots[slot] != 0)
        slot = (slot + 1) & mask;
    group->slots[slot] = (hash >> 32) << 32 | (position + 1);
}

/* Make room in the table for twice as many users as there are. */
static cs_code
grow_slots(cs_group *group, cs_error *err)
{
    size_t wanted = group->num_slots > 0 ? 2 * group->num_slots : FIRST_SLOTS;

    CS_TRY(cs_grow_array(group->env, (void **) &group->slots, &group->num_slots, wanted,
                         sizeof(uint64_t), err));
    memset(group->slots, 0, group->num_slots * sizeof(uint64_t));
    for (size_t i = 0; i < group->num_users; i++)
        fill_slot(group, cs_hash_user(group->users[i].name, group->seed), i);
    return CS_OK;
}

/* Add a user who is not there yet. */
static cs_code
add_user(cs_group *group, cs_slice name, uint64_t hash, cs_error *err)
{
    cs_group_user *user;
    const char *copy;

    if (group->num_users == UINT32_MAX - 1)
        return cs_fail(err, CS_ERR_LIMIT, "there are more than %u users", UINT32_MAX - 1);
    if (2 * (group->num_users + 1) > group->num_slots)
        CS_TRY(grow_slots(group, err));
    CS_TRY(cs_grow_array(group->env, (void **) &group->users, &group->users_capacity,
                         group->num_users + 1, sizeof(cs_group_user), err));
    CS_TRY(cs_arena_copy(&group->names, name.data, name.len, &copy, err));
    fill_slot(group, hash, group->num_users);
    user = &group->users[group->num_users++];
    *user = (cs_group_user){.name = {copy, name.len}};
    return CS_OK;
}

/* Find a user's position, or add the user. */
static inline cs_code
find_user(cs_group *group, cs_slice name, uint32_t *position, cs_error *err)
{
    uint64_t hash = cs_hash_user(name, group->seed);
    size_t mask = group->num_slots - 1;

    for (size_t slot = hash & mask; group->num_slots > 0; slot = (slot + 1) & mask)
    {
        uint64_t entry = group->slots[slot];
        const cs_group_user *user;

        if (entry == 0)
            break;
        if (entry >> 32 != hash >> 32)
            continue;
        user = &group->users[(uint32_t) entry - 1];
        if (cs_same_text(user->name, name))
        {
            *position = (uint32_t) entry - 1;
            return CS_OK;
        }
    }
    CS_TRY(add_user(group, name, hash, err));
    *position = (uint32_t) group->num_users - 1;
    return CS_OK;
}

cs_code
cs_group_add(cs_group *group, const uint8_t *piece, size_t len, cs_error *err)
{
    const uint8_t *at = piece;
    cs_time last = 0;

    while (at < piece + len)
    {
        cs_group_event *arrived;
        cs_slice name;
        cs_event event;
        uint32_t position;

        if (group->num_events == group->arrived_capacity)
            CS_TRY(cs_grow_array(group->env, (void **) &group->arrived, &group->arrived_capacity,
                                 group->num_events + 1024, sizeof(cs_group_event), err));
        cs_record_get(&at, &name, &event, &last);
        CS_TRY(find_user(group, name, &position, err));
        if (group->users[position].count == UINT32_MAX)
            return cs_fail(err, CS_ERR_LIMIT, "a user has more than %u events", UINT32_MAX);
        group->users[position].count++;
        arrived = &group->arrived[group->num_events++];
        *arrived = (cs_group_event){event.time, event.id, event.kind, position};
        if (group->num_events % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(group->env, err));
    }
    return CS_OK;
}

cs_code
cs_group_sort(cs_group *group, cs_error *err)
{
    size_t start = 0, most = 0;

    CS_TRY(cs_grow_array(group->env, (void **) &group->events, &group->events_capacity,
                         group->num_events, sizeof(cs_event), err));
    for (size_t i = 0; i < group->num_users; i++)
    {
        group->users[i].start = start;
        start += group->users[i].count;
        if (group->users[i].count > most)
            most = group->users[i].count;
    }
    CS_TRY(cs_grow_array(group->env, (void **) &group->spare, &group->spare_capacity, most,
                         sizeof(cs_event), err));
    for (size_t i = 0; i < group->num_events; i++)
    {
        const cs_group_event *arrived = &group->arrived[i];

        group->events[group->users[arrived->user].start++] =
            (cs_event){arrived->time, arrived->id, (cs_kind) arrived->kind};
    }
    for (size_t i = 0; i < group->num_users; i++)
    {
        cs_group_user *user = &group->users[i];
        cs_event *events, *sorted;

        user->start -= user->count;
        events = &group->events[user->start];
        CS_TRY(cs_poll(group->env, err));
        CS_TRY(cs_events_sort(group->env, events, group->spare, user->count, &sorted, err));
        if (sorted != events)
            memcpy(events, sorted, user->count * sizeof(cs_event));
    }
    return CS_OK;
}
