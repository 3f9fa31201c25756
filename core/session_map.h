/*
 * core/session_map.h
 *     Which rewards belong to which campaigns.
 *
 * The stored form, version 1, canonical: a byte of version (1), a varint
 * with the number of pairs, then the distinct pairs in order of campaign and
 * reward, each as two zigzag varints: the campaign minus the campaign before,
 * and the reward minus the reward before (both minus 0 at the start; modulo
 * 2^64).
 */
#ifndef CS_SESSION_MAP_H
#define CS_SESSION_MAP_H

#include "base.h"

#define CS_MAP_VERSION 1

typedef struct cs_pair
{
    int64_t campaign;
    int64_t reward;
} cs_pair;

/* Positions of a campaign's pairs; none are an empty slot. */
typedef struct cs_map_slot
{
    uint32_t start;
    uint32_t end;
} cs_map_slot;

/* A set of pairs; sorted and distinct after cs_map_sort. */
typedef struct cs_map
{
    const cs_env *env;
    cs_pair *pairs;
    size_t count;
    size_t capacity;
    cs_map_slot *slots; /* hash table of campaigns, made by cs_map_index */
    size_t num_slots;   /* a power of two, or 0 */
} cs_map;

void cs_map_init(cs_map *map, const cs_env *env);
void cs_map_free(cs_map *map);
cs_code cs_map_add(cs_map *map, int64_t campaign, int64_t reward, cs_error *err);

/* Sort the pairs and drop duplicates. */
void cs_map_sort(cs_map *map);

/* Append the stored form of a sorted map. */
cs_code cs_map_encode(const cs_map *map, cs_buffer *out, cs_error *err);

/* Read a stored map into an empty one. CS_ERR_DATA if it is damaged. */
cs_code cs_map_decode(cs_map *map, cs_slice stored, cs_error *err);

/* CS_ERR_DATA unless the bytes are a map in its canonical form. */
cs_code cs_map_check(const cs_env *env, cs_slice stored, cs_error *err);

/* Make cs_map_range of a sorted map fast, for a map that is asked often. */
cs_code cs_map_index(cs_map *map, cs_error *err);

/* The pairs of a campaign: positions [*start, *end) of a sorted map. */
void cs_map_range(const cs_map *map, int64_t campaign, size_t *start, size_t *end);

/* True if one of the pairs [start, end), all of one campaign, has this reward. */
bool cs_map_holds(const cs_map *map, size_t start, size_t end, int64_t reward);

/* The same, and the position of the pair. */
bool cs_map_find(const cs_map *map, size_t start, size_t end, int64_t reward, size_t *position);

#endif
