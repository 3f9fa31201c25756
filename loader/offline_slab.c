/*
 * loader/offline_slab.c
 *     Slabs of memory, in large pages: touching a page for the first time is what
 *     memory that is written once costs most.
 */
#include "offline_slab.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SLAB_BYTES ((size_t) 2 * 1024 * 1024) /* a large page */
#define ALIGNMENT ((size_t) 8)

struct slab
{
    slab *next;
    size_t used; /* this head included */
    size_t size;
};

/* Put a fresh slab with room for so many bytes in front; false without memory. */
static bool
add_slab(slab **list, size_t bytes, size_t *held)
{
    size_t size = SLAB_BYTES;
    slab *fresh;

    if (bytes > SLAB_BYTES - sizeof(slab))
    {
        if (bytes > SIZE_MAX / 2)
            return false;
        size = (bytes + sizeof(slab) + SLAB_BYTES - 1) / SLAB_BYTES * SLAB_BYTES;
    }
    fresh = aligned_alloc(SLAB_BYTES, size);
    if (fresh == NULL)
        return false;
    madvise(fresh, size, MADV_HUGEPAGE); /* advice: it may be refused */
    *fresh = (slab){*list, sizeof(slab), size};
    *list = fresh;
    *held += size;
    return true;
}

void *
slab_take(slab **list, size_t bytes, size_t *held)
{
    void *memory;

    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if ((*list == NULL || (*list)->size - (*list)->used < bytes) && !add_slab(list, bytes, held))
        return NULL;
    memory = (uint8_t *) *list + (*list)->used;
    (*list)->used += bytes;
    return memory;
}

void
slab_free_all(slab **list)
{
    while (*list != NULL)
    {
        slab *first = *list;

        *list = first->next;
        free(first);
    }
}
