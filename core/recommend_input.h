/*
 * core/recommend_input.h
 *     Who had to do with what: interactions of users and items, sparse.
 *
 * Pairs are added in any order; the same pair may come more than once and counts
 * once. After cs_interactions_finish an item is known by its position in the
 * order of item ids, and the items of each user lie in that order.
 */
#ifndef CS_RECOMMEND_INPUT_H
#define CS_RECOMMEND_INPUT_H

#include "base.h"

#define CS_NO_USER UINT32_MAX

/* A pair: numbers of a user and an item, in the order in which they first came. */
typedef struct cs_pair_link
{
    uint32_t user;
    uint32_t item;
} cs_pair_link;

typedef struct cs_interactions
{
    const cs_env *env;

    /* users by number */
    cs_buffer names;       /* their ids, one behind the other */
    size_t *name_ends;     /* where each id ends */
    size_t name_capacity;  /* of name_ends */
    size_t num_users;      /* distinct ids that came */
    uint32_t *user_slots;  /* hash table: number of a user + 1, 0 if free */
    size_t num_user_slots; /* a power of two, or 0 */

    /* items by number, after the finish by position */
    int64_t *items;        /* their ids */
    size_t item_capacity;  /* of items */
    size_t num_items;      /* distinct ids that came; after the finish, those kept */
    uint32_t *item_slots;  /* hash table: number of an item + 1, 0 if free */
    size_t num_item_slots; /* a power of two, or 0 */

    /* pairs as they came; gone after the finish */
    cs_pair_link *pairs;
    size_t num_pairs;
    size_t pair_capacity;

    /* after the finish */
    size_t *starts;       /* of each user's items in links; one more for the end */
    uint32_t *links;      /* positions of items, ascending within a user */
    uint32_t *item_users; /* number of users of each item */
    size_t active_users;  /* users with an item */
} cs_interactions;

void cs_interactions_init(cs_interactions *input, const cs_env *env);
void cs_interactions_free(cs_interactions *input);

/* Add a pair. */
cs_code cs_interactions_add(cs_interactions *input, cs_slice user, int64_t item, cs_error *err);

/*
 * Order and count what was added; no pair can be added after that. Items with fewer
 * users than min_users are left out, and with them users who have no other.
 */
cs_code cs_interactions_finish(cs_interactions *input, size_t min_users, cs_error *err);

/* The number of a user, CS_NO_USER if the id never came. */
uint32_t cs_interactions_user(const cs_interactions *input, cs_slice user);

/* The id of a user. */
cs_slice cs_interactions_user_id(const cs_interactions *input, size_t user);

/* The position of an item in num ascending ids, -1 if it is not among them. */
int64_t cs_item_position(const int64_t *items, size_t num, int64_t item);

/* The items of a user after the finish: positions, *count of them. */
static inline const uint32_t *
cs_interactions_of(const cs_interactions *input, size_t user, size_t *count)
{
    *count = input->starts[user + 1] - input->starts[user];
    return input->links + input->starts[user];
}

#endif
