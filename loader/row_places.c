/*
 * loader/row_places.c
 *     Runs of rows.
 */
#include "row_places.h"

#include "stop.h"

/* How many runs are kept: with their 32 bytes they stay within 2 MB. */
#define PLACE_RUNS (64 * 1024)

/* Free the runs. */
void
row_places_free(row_places *places)
{
    cs_release(loader_env(), places->runs);
}

/* The place of a row, counted on from the beginning of its run. */
static row_place
place_in_run(const place_run *run, int64_t row)
{
    row_place place = run->place;

    place.record += row - run->row;
    if (place.line > 0)
        place.line += row - run->row;
    return place;
}

/* True if both are the same place. */
static bool
same_place(const row_place *a, const row_place *b)
{
    return a->record == b->record && a->line == b->line && a->block == b->block;
}

cs_code
row_places_add(row_places *places, const row_place *place, cs_error *err)
{
    int64_t row = ++places->rows;

    if (places->count > 0)
    {
        row_place next = place_in_run(&places->runs[(places->count - 1) % PLACE_RUNS], row);

        if (same_place(&next, place))
            return CS_OK;
    }
    if (places->count < PLACE_RUNS)
        CS_TRY(cs_grow_array(loader_env(), (void **) &places->runs, &places->capacity,
                             places->count + 1, sizeof(place_run), err));
    places->runs[places->count++ % PLACE_RUNS] = (place_run){row, *place};
    return CS_OK;
}

bool
row_places_find(const row_places *places, int64_t row, row_place *place)
{
    size_t oldest = places->count > PLACE_RUNS ? places->count - PLACE_RUNS : 0;

    for (size_t i = places->count; i > oldest; i--)
    {
        const place_run *run = &places->runs[(i - 1) % PLACE_RUNS];

        if (run->row <= row)
        {
            *place = place_in_run(run, row);
            return true;
        }
    }
    return false;
}
