/*
 * loader/offline_slab.h
 *     Memory in slabs that are filled from front to back and freed together.
 */
#ifndef LOADER_OFFLINE_SLAB_H
#define LOADER_OFFLINE_SLAB_H

#include <stddef.h>

/* A list of slabs, the newest first; NULL is an empty one. */
typedef struct slab slab;

/*
 * Take so many bytes, aligned to 8; NULL if there is no memory. Where a slab was
 * added, *held grows by its bytes.
 */
void *slab_take(slab **list, size_t bytes, size_t *held);

/* Free all slabs. */
void slab_free_all(slab **list);

#endif
