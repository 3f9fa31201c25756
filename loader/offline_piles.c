/*
 * loader/offline_piles.c
 *     Piles of events, and their way to a file and back.
 */
#include "offline_piles.h"

#include "log.h"
#include "stop.h"

#include <stdlib.h>

#define PIECE_BYTES_MAX ((size_t) 32 * 1024)
#define PIECE_BYTES_MIN ((size_t) 1024)
#define PIECES_IN_LIMIT (4 * NUM_PILES) /* so that most pieces are full when they are written */
#define EXTENT_PIECES 64                /* written at once */

void
pile_set_init(pile_set *set, uint64_t seed, int level, size_t limit)
{
    size_t bytes = limit / PIECES_IN_LIMIT;

    memset(set, 0, sizeof(*set));
    set->seed = seed;
    set->shift = 64 - PILE_BITS * (level + 1);
    set->limit = limit;
    set->piece_bytes = bytes > PIECE_BYTES_MAX   ? PIECE_BYTES_MAX
                       : bytes < PIECE_BYTES_MIN ? PIECE_BYTES_MIN
                                                 : bytes;
    spill_init(&set->file);
}

/* Free a set's memory, and let go of its file. */
void
pile_set_free(pile_set *set)
{
    for (size_t i = 0; i < NUM_PILES; i++)
        free(set->piles[i].extents);
    slab_free_all(&set->slabs);
    spill_close(&set->file);
}

/* Note how far the last piece is used. */
static void
close_piece(event_pile *pile)
{
    if (pile->open != NULL)
        pile->open->len = (uint64_t) (pile->at - pile->open->data);
}

/* Take all pieces off a pile. */
static pile_piece *
take_pieces(event_pile *pile)
{
    pile_piece *first = pile->first;

    close_piece(pile);
    pile->first = pile->open = NULL;
    pile->at = pile->end = NULL;
    return first;
}

/* Put a piece aside for later use; one of another size is of none. */
static void
recycle(pile_set *set, pile_piece *piece)
{
    if (piece->size != set->piece_bytes)
        return;
    piece->next = set->spare;
    set->spare = piece;
}

/* Write the first of a list of pieces, up to a number; *list goes behind them. */
static exit_status
write_extent(pile_set *set, event_pile *pile, pile_piece **list)
{
    struct iovec parts[EXTENT_PIECES];
    pile_extent extent = {set->file.end, 0};
    pile_piece *piece = *list;
    int count = 0;
    exit_status status;
    cs_error err;

    for (; piece != NULL && count < EXTENT_PIECES; piece = piece->next)
    {
        parts[count].iov_base = &piece->len;
        parts[count].iov_len = sizeof(piece->len) + piece->len;
        extent.bytes += parts[count++].iov_len;
    }
    if (cs_grow_array(loader_env(), (void **) &pile->extents, &pile->extents_capacity,
                      pile->num_extents + 1, sizeof(pile_extent), &err) != CS_OK)
        return log_core_error(&err, NULL);
    status = spill_append(&set->file, parts, count);
    while (*list != piece)
    {
        pile_piece *done = *list;

        *list = done->next;
        recycle(set, done);
    }
    if (status == STATUS_OK)
        pile->extents[pile->num_extents++] = extent;
    return status;
}

/* Write all pieces to the file. */
static exit_status
write_all(pile_set *set)
{
    exit_status status = STATUS_OK;

    for (size_t i = 0; i < NUM_PILES; i++)
    {
        pile_piece *list = take_pieces(&set->piles[i]);

        while (list != NULL && status == STATUS_OK)
            status = write_extent(set, &set->piles[i], &list);
        STATUS_TRY(status);
    }
    return STATUS_OK;
}

/* True if there is no piece left but by taking more memory than the limit. */
static bool
is_full(const pile_set *set, size_t size)
{
    if (size == set->piece_bytes && set->spare != NULL)
        return false;
    return set->held >= set->limit && set->slabs != NULL;
}

/* Take a piece that was put aside, or a new one; NULL without memory. */
static pile_piece *
new_piece(pile_set *set, size_t size)
{
    pile_piece *piece = set->spare;

    if (size == set->piece_bytes && piece != NULL)
        set->spare = piece->next;
    else
        piece = slab_take(&set->slabs, sizeof(pile_piece) + size, &set->held);
    if (piece == NULL)
        return NULL;
    piece->next = NULL;
    piece->size = size;
    return piece;
}

/* Write all pieces to the file. Pieces of unusual sizes are given back, then all are. */
static exit_status
make_room(pile_set *set, size_t size)
{
    STATUS_TRY(write_all(set));
    if (size != set->piece_bytes || set->spare == NULL)
    {
        slab_free_all(&set->slabs);
        set->spare = NULL;
        set->held = 0;
    }
    return STATUS_OK;
}

exit_status
pile_extend(pile_set *set, event_pile *pile, size_t need)
{
    size_t size = need > set->piece_bytes ? need : set->piece_bytes;
    pile_piece *piece;

    close_piece(pile);
    if (is_full(set, size))
        STATUS_TRY(make_room(set, size));
    piece = new_piece(set, size);
    if (piece == NULL)
        return log_out_of_memory();
    if (pile->open != NULL)
        pile->open->next = piece;
    else
        pile->first = piece;
    pile->open = piece;
    pile->at = piece->data;
    pile->end = piece->data + size;
    pile->last = 0;
    return STATUS_OK;
}

/* Hand out the pieces of an extent. */
static exit_status
read_extent(const pile_set *set, const pile_extent *extent, cs_buffer *scratch, pile_reader reader,
            void *ctx)
{
    cs_error err;

    scratch->len = 0;
    if (cs_buffer_reserve(scratch, extent->bytes, &err) != CS_OK)
        return log_core_error(&err, NULL);
    STATUS_TRY(spill_read(&set->file, extent->offset, scratch->data, extent->bytes));
    for (size_t at = 0; at < extent->bytes;)
    {
        uint64_t len;

        memcpy(&len, scratch->data + at, sizeof(len));
        STATUS_TRY(reader(ctx, scratch->data + at + sizeof(len), len));
        at += sizeof(len) + len;
    }
    return STATUS_OK;
}

exit_status
pile_read(pile_set *set, size_t number, cs_buffer *scratch, pile_reader reader, void *ctx)
{
    event_pile *pile = &set->piles[number];
    pile_piece *list = take_pieces(pile);
    exit_status status = STATUS_OK;

    for (size_t i = 0; i < pile->num_extents && status == STATUS_OK; i++)
        status = read_extent(set, &pile->extents[i], scratch, reader, ctx);
    for (pile_piece *piece = list; piece != NULL && status == STATUS_OK; piece = piece->next)
        status = reader(ctx, piece->data, piece->len);
    free(pile->extents);
    pile->extents = NULL;
    pile->num_extents = pile->extents_capacity = 0;
    return status;
}
