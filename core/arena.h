/*
 * core/arena.h
 *     Many small pieces of memory that live and die together.
 */
#ifndef CS_ARENA_H
#define CS_ARENA_H

#include "base.h"

typedef struct cs_arena
{
    const cs_env *env;
    struct cs_arena_chunk *chunks; /* the newest first */
} cs_arena;

/* Start empty; nothing is allocated yet. */
void cs_arena_init(cs_arena *arena, const cs_env *env);
void cs_arena_free(cs_arena *arena);

/* Zeroed memory, aligned to 8 bytes; valid until the arena is freed. */
cs_code cs_arena_take(cs_arena *arena, size_t size, void *memory, cs_error *err);

/* Zeroed memory for count items. */
cs_code cs_arena_take_array(cs_arena *arena, size_t count, size_t item_size, void *memory,
                            cs_error *err);

/* A terminated copy of len bytes. */
cs_code cs_arena_copy(cs_arena *arena, const void *data, size_t len, const char **copy,
                      cs_error *err);

#endif
