/*
 * loader/offline_piles.h
 *     Events on piles by their user's hash, in memory up to a limit, then in a file.
 *
 * Every thread has piles of its own, so nothing is locked. A pile is a list of
 * pieces, each a run of records (session_group.h). When the pieces take more than
 * the limit, all of them go to the file, pile by pile.
 */
#ifndef LOADER_OFFLINE_PILES_H
#define LOADER_OFFLINE_PILES_H

#include "offline_slab.h"
#include "offline_spill.h"
#include "session_group.h"

#define PILE_BITS 8
#define NUM_PILES (1 << PILE_BITS)

/* How often piles may be parted again: each time by further bits of the hash. */
#define PILE_LEVELS 3

/* A run of records. It goes to the file from len on. */
typedef struct pile_piece
{
    struct pile_piece *next;
    size_t size;  /* of data */
    uint64_t len; /* used */
    uint8_t data[];
} pile_piece;

/* Pieces in the file, one behind the other. */
typedef struct pile_extent
{
    uint64_t offset;
    size_t bytes;
} pile_extent;

/* The records of one range of hashes. */
typedef struct event_pile
{
    uint8_t *at; /* where the next record goes, in the last piece; NULL: there is none */
    uint8_t *end;
    cs_time last; /* of the last record in it */
    pile_piece *first;
    pile_piece *open; /* the last piece */
    pile_extent *extents;
    size_t num_extents;
    size_t extents_capacity;
    size_t events;
} event_pile;

typedef struct pile_set
{
    uint64_t seed;
    int shift; /* of the hash, to a pile's number */
    size_t piece_bytes;
    size_t limit;
    size_t held; /* by all slabs */
    slab *slabs;
    pile_piece *spare; /* pieces of the usual size that are not in use */
    event_pile piles[NUM_PILES];
    spill_file file;
} pile_set;

/* Start empty; level 0 parts by the hash's highest bits. The limit is in bytes. */
void pile_set_init(pile_set *set, uint64_t seed, int level, size_t limit);
void pile_set_free(pile_set *set);

/* Make room for a record of a user, in a new piece. */
exit_status pile_extend(pile_set *set, event_pile *pile, size_t need);

/* Add an event. */
static inline exit_status
pile_set_add(pile_set *set, cs_slice user, const cs_event *event)
{
    size_t number = (cs_hash_user(user, set->seed) >> set->shift) & (NUM_PILES - 1);
    event_pile *pile = &set->piles[number];
    size_t need = user.len + CS_RECORD_BYTES;

    if ((size_t) (pile->end - pile->at) < need)
        STATUS_TRY(pile_extend(set, pile, need));
    pile->at = cs_record_put(pile->at, user, event, &pile->last);
    pile->events++;
    return STATUS_OK;
}

/* What gets the pieces of a pile. */
typedef exit_status (*pile_reader)(void *ctx, const uint8_t *data, size_t len);

/*
 * Hand out all pieces of a pile; it is empty then, but its memory is the set's still.
 * Several threads may read different piles of a set. scratch is used for what is in the
 * file.
 */
exit_status pile_read(pile_set *set, size_t number, cs_buffer *scratch, pile_reader reader,
                      void *ctx);

#endif
