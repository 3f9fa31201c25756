/*
 * core/arena.c
 *     Many small pieces of memory that live and die together.
 */
#include "arena.h"

#define CHUNK_BYTES 4000 /* with the allocator's own header, one page */
#define ALIGNMENT 8      /* what an allocator must give, and enough for all we keep */

typedef struct cs_arena_chunk
{
    struct cs_arena_chunk *next;
    size_t used;
    size_t size; /* of data */
    uint64_t data[];
} cs_arena_chunk;

void
cs_arena_init(cs_arena *arena, const cs_env *env)
{
    *arena = (cs_arena){env, NULL};
}

void
cs_arena_free(cs_arena *arena)
{
    while (arena->chunks != NULL)
    {
        cs_arena_chunk *chunk = arena->chunks;

        arena->chunks = chunk->next;
        cs_release(arena->env, chunk);
    }
}

/* Put a fresh chunk with room for at least size bytes in front. */
static cs_code
add_chunk(cs_arena *arena, size_t size, cs_error *err)
{
    size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    cs_arena_chunk *chunk = NULL;

    if (size <= SIZE_MAX / 2)
        chunk = cs_allocate(arena->env, sizeof(cs_arena_chunk) + room);
    if (chunk == NULL)
        return cs_fail_memory(err, size);
    *chunk = (cs_arena_chunk){arena->chunks, 0, room};
    arena->chunks = chunk;
    return CS_OK;
}

cs_code
cs_arena_take(cs_arena *arena, size_t size, void *memory, cs_error *err)
{
    cs_arena_chunk *chunk;

    if (size > SIZE_MAX / 2)
        return cs_fail_memory(err, size);
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (arena->chunks == NULL || arena->chunks->size - arena->chunks->used < size)
        CS_TRY(add_chunk(arena, size, err));
    chunk = arena->chunks;
    *(void **) memory = memset((uint8_t *) chunk->data + chunk->used, 0, size);
    chunk->used += size;
    return CS_OK;
}

cs_code
cs_arena_take_array(cs_arena *arena, size_t count, size_t item_size, void *memory, cs_error *err)
{
    size_t size;

    if (__builtin_mul_overflow(count, item_size, &size))
        return cs_fail_memory(err, SIZE_MAX);
    return cs_arena_take(arena, size, memory, err);
}

cs_code
cs_arena_copy(cs_arena *arena, const void *data, size_t len, const char **copy, cs_error *err)
{
    void *memory;

    if (len == SIZE_MAX)
        return cs_fail_memory(err, len);
    CS_TRY(cs_arena_take(arena, len + 1, &memory, err));
    if (len > 0)
        memcpy(memory, data, len);
    *copy = memory;
    return CS_OK;
}
