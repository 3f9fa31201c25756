/*
 * core/recommend_input.c
 *     Interactions of users and items: dictionaries, then compressed rows.
 */
#include "recommend_input.h"

#include <stdlib.h>

#define MIN_SLOTS 64

void
cs_interactions_init(cs_interactions *input, const cs_env *env)
{
    *input = (cs_interactions){.env = env};
    cs_buffer_init(&input->names, env);
}

/* Free what only adding needs. */
static void
free_pairs(cs_interactions *input)
{
    cs_release(input->env, input->pairs);
    cs_release(input->env, input->item_slots);
    input->pairs = NULL;
    input->item_slots = NULL;
    input->pair_capacity = input->num_item_slots = 0;
}

void
cs_interactions_free(cs_interactions *input)
{
    free_pairs(input);
    cs_buffer_free(&input->names);
    cs_release(input->env, input->name_ends);
    cs_release(input->env, input->user_slots);
    cs_release(input->env, input->items);
    cs_release(input->env, input->starts);
    cs_release(input->env, input->links);
    cs_release(input->env, input->item_users);
    cs_interactions_init(input, input->env);
}

cs_slice
cs_interactions_user_id(const cs_interactions *input, size_t user)
{
    size_t start = user > 0 ? input->name_ends[user - 1] : 0;

    return (cs_slice){(const char *) input->names.data + start, input->name_ends[user] - start};
}

/* Hash the bytes of an id: eight at a time, each time spread. */
static uint64_t
hash_name(cs_slice name)
{
    uint64_t hash = name.len;
    size_t at = 0;

    for (; at < name.len; at += sizeof(uint64_t))
    {
        uint64_t word = 0;
        size_t left = name.len - at;

        memcpy(&word, name.data + at, left < sizeof(word) ? left : sizeof(word));
        hash = cs_hash_id((int64_t) (hash * UINT64_C(0x9e3779b97f4a7c15) ^ word));
    }
    return hash;
}

/* The slot of a user, or the free one where it belongs. */
static uint32_t *
user_slot(const cs_interactions *input, cs_slice name)
{
    size_t mask = input->num_user_slots - 1;
    size_t slot = hash_name(name) & mask;

    while (input->user_slots[slot] != 0)
    {
        cs_slice known = cs_interactions_user_id(input, input->user_slots[slot] - 1);

        if (known.len == name.len && memcmp(known.data, name.data, name.len) == 0)
            break;
        slot = (slot + 1) & mask;
    }
    return &input->user_slots[slot];
}

/* The slot of an item, or the free one where it belongs. */
static uint32_t *
item_slot(const cs_interactions *input, int64_t item)
{
    size_t mask = input->num_item_slots - 1;
    size_t slot = cs_hash_id(item) & mask;

    while (input->item_slots[slot] != 0 && input->items[input->item_slots[slot] - 1] != item)
        slot = (slot + 1) & mask;
    return &input->item_slots[slot];
}

/* Make an empty table of slots for so many entries and one more, unless there is room. */
static cs_code
renew_slots(const cs_env *env, uint32_t **slots, size_t *num_slots, size_t entries, bool *renewed,
            cs_error *err)
{
    size_t wanted = *num_slots > 0 ? *num_slots * 2 : MIN_SLOTS;

    *renewed = entries + 1 > *num_slots / 2;
    if (!*renewed)
        return CS_OK;
    CS_TRY(cs_grow_array(env, (void **) slots, num_slots, wanted, sizeof(uint32_t), err));
    memset(*slots, 0, *num_slots * sizeof(uint32_t));
    return CS_OK;
}

/* Find or make the number of a user. */
static cs_code
number_user(cs_interactions *input, cs_slice name, uint32_t *number, cs_error *err)
{
    bool renewed;
    uint32_t *slot;

    CS_TRY(renew_slots(input->env, &input->user_slots, &input->num_user_slots, input->num_users,
                       &renewed, err));
    for (size_t i = 0; renewed && i < input->num_users; i++)
        *user_slot(input, cs_interactions_user_id(input, i)) = (uint32_t) i + 1;
    slot = user_slot(input, name);
    if (*slot == 0)
    {
        if (input->num_users >= CS_NO_USER - 1)
            return cs_fail(err, CS_ERR_LIMIT, "there are more than %u users", CS_NO_USER - 1);
        CS_TRY(cs_grow_array(input->env, (void **) &input->name_ends, &input->name_capacity,
                             input->num_users + 1, sizeof(size_t), err));
        CS_TRY(cs_buffer_append(&input->names, name.data, name.len, err));
        input->name_ends[input->num_users++] = input->names.len;
        *slot = (uint32_t) input->num_users;
    }
    *number = *slot - 1;
    return CS_OK;
}

/* Find or make the number of an item. */
static cs_code
number_item(cs_interactions *input, int64_t item, uint32_t *number, cs_error *err)
{
    bool renewed;
    uint32_t *slot;

    CS_TRY(renew_slots(input->env, &input->item_slots, &input->num_item_slots, input->num_items,
                       &renewed, err));
    for (size_t i = 0; renewed && i < input->num_items; i++)
        *item_slot(input, input->items[i]) = (uint32_t) i + 1;
    slot = item_slot(input, item);
    if (*slot == 0)
    {
        if (input->num_items >= INT32_MAX)
            return cs_fail(err, CS_ERR_LIMIT, "there are more than %d items", INT32_MAX);
        CS_TRY(cs_grow_array(input->env, (void **) &input->items, &input->item_capacity,
                             input->num_items + 1, sizeof(int64_t), err));
        input->items[input->num_items++] = item;
        *slot = (uint32_t) input->num_items;
    }
    *number = *slot - 1;
    return CS_OK;
}

cs_code
cs_interactions_add(cs_interactions *input, cs_slice user, int64_t item, cs_error *err)
{
    cs_pair_link pair;

    if (input->num_pairs % CS_POLL_ITEMS == 0)
        CS_TRY(cs_poll(input->env, err));
    CS_TRY(number_user(input, user, &pair.user, err));
    CS_TRY(number_item(input, item, &pair.item, err));
    CS_TRY(cs_grow_array(input->env, (void **) &input->pairs, &input->pair_capacity,
                         input->num_pairs + 1, sizeof(cs_pair_link), err));
    input->pairs[input->num_pairs++] = pair;
    return CS_OK;
}

uint32_t
cs_interactions_user(const cs_interactions *input, cs_slice user)
{
    uint32_t slot = input->num_users > 0 ? *user_slot(input, user) : 0;

    return slot == 0 ? CS_NO_USER : slot - 1;
}

/* Allocate an array of zeroed numbers. */
static cs_code
allocate_zeroed(const cs_env *env, void **array, size_t count, size_t item_size, cs_error *err)
{
    size_t capacity = 0;

    CS_TRY(cs_grow_array(env, array, &capacity, count > 0 ? count : 1, item_size, err));
    memset(*array, 0, capacity * item_size);
    return CS_OK;
}

/* An item's id with the number it had. */
typedef struct item_rank
{
    int64_t id;
    uint32_t number;
} item_rank;

/* The order of item ids. */
static int
compare_items(const void *left, const void *right)
{
    int64_t a = ((const item_rank *) left)->id, b = ((const item_rank *) right)->id;

    return (a > b) - (a < b);
}

/* The order of positions. */
static int
compare_links(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *) left, b = *(const uint32_t *) right;

    return (a > b) - (a < b);
}

/* Put the items into the order of their ids, the pairs following. */
static cs_code
order_items(cs_interactions *input, cs_error *err)
{
    size_t capacity = 0;
    item_rank *ranks = NULL;
    uint32_t *positions;

    CS_TRY(cs_grow_array(input->env, (void **) &ranks, &capacity, input->num_items + 1,
                         sizeof(item_rank), err));
    for (size_t i = 0; i < input->num_items; i++)
        ranks[i] = (item_rank){input->items[i], (uint32_t) i};
    qsort(ranks, input->num_items, sizeof(item_rank), compare_items);
    positions = cs_allocate(input->env, input->num_items * sizeof(uint32_t));
    if (positions != NULL)
    {
        for (size_t i = 0; i < input->num_items; i++)
        {
            input->items[i] = ranks[i].id;
            positions[ranks[i].number] = (uint32_t) i;
        }
        for (size_t i = 0; i < input->num_pairs; i++)
            input->pairs[i].item = positions[input->pairs[i].item];
        cs_release(input->env, positions);
    }
    cs_release(input->env, ranks);
    return positions != NULL ? CS_OK : cs_fail_memory(err, input->num_items * sizeof(uint32_t));
}

/* Sort the pairs into the rows of their users, by counting. */
static cs_code
fill_rows(cs_interactions *input, cs_error *err)
{
    size_t *starts;

    CS_TRY(allocate_zeroed(input->env, (void **) &input->starts, input->num_users + 2,
                           sizeof(size_t), err));
    CS_TRY(allocate_zeroed(input->env, (void **) &input->links, input->num_pairs, sizeof(uint32_t),
                           err));
    starts = input->starts;
    for (size_t i = 0; i < input->num_pairs; i++)
        starts[input->pairs[i].user + 2]++;
    for (size_t user = 0; user < input->num_users; user++)
        starts[user + 2] += starts[user + 1];
    for (size_t i = 0; i < input->num_pairs; i++)
        input->links[starts[input->pairs[i].user + 1]++] = input->pairs[i].item;
    return CS_OK;
}

/* Within each user sort the items, count each once, and count their users. */
static cs_code
sort_rows(cs_interactions *input, cs_error *err)
{
    size_t kept = 0, start = 0;

    for (size_t user = 0; user < input->num_users; user++)
    {
        size_t end = input->starts[user + 1];

        if (user % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(input->env, err));
        qsort(input->links + start, end - start, sizeof(uint32_t), compare_links);
        input->starts[user] = kept;
        for (size_t i = start; i < end; i++)
            if (i == start || input->links[i] != input->links[i - 1])
            {
                input->item_users[input->links[i]]++;
                input->links[kept++] = input->links[i];
            }
        start = end;
    }
    input->starts[input->num_users] = kept;
    return CS_OK;
}

/* Leave items of fewer users out; positions[] says where the others go. */
static void
drop_items(cs_interactions *input, size_t min_users, uint32_t *positions)
{
    size_t kept = 0, links = 0, start = 0;

    for (size_t i = 0; i < input->num_items; i++)
    {
        positions[i] = UINT32_MAX;
        if (input->item_users[i] < min_users)
            continue;
        input->items[kept] = input->items[i];
        input->item_users[kept] = input->item_users[i];
        positions[i] = (uint32_t) kept++;
    }
    input->num_items = kept;
    for (size_t user = 0; user < input->num_users; user++)
    {
        size_t end = input->starts[user + 1];

        input->starts[user] = links;
        for (size_t i = start; i < end; i++)
            if (positions[input->links[i]] != UINT32_MAX)
                input->links[links++] = positions[input->links[i]];
        start = end;
    }
    input->starts[input->num_users] = links;
}

cs_code
cs_interactions_finish(cs_interactions *input, size_t min_users, cs_error *err)
{
    CS_TRY(order_items(input, err));
    CS_TRY(fill_rows(input, err));
    free_pairs(input);
    CS_TRY(allocate_zeroed(input->env, (void **) &input->item_users, input->num_items,
                           sizeof(uint32_t), err));
    CS_TRY(sort_rows(input, err));
    if (min_users > 1)
    {
        size_t size = input->num_items * sizeof(uint32_t);
        uint32_t *positions = cs_allocate(input->env, size);

        if (positions == NULL)
            return cs_fail_memory(err, size);
        drop_items(input, min_users, positions);
        cs_release(input->env, positions);
    }
    for (size_t user = 0; user < input->num_users; user++)
        input->active_users += input->starts[user + 1] > input->starts[user];
    return CS_OK;
}

int64_t
cs_item_position(const int64_t *items, size_t num, int64_t item)
{
    size_t start = 0, end = num;

    while (start < end)
    {
        size_t middle = start + (end - start) / 2;

        if (items[middle] < item)
            start = middle + 1;
        else
            end = middle;
    }
    return start < num && items[start] == item ? (int64_t) start : -1;
}
