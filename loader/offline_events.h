/*
 * loader/offline_events.h
 *     From chunks of files to events on piles: what one thread does.
 */
#ifndef LOADER_OFFLINE_EVENTS_H
#define LOADER_OFFLINE_EVENTS_H

#include "line_format.h"
#include "offline_input.h"
#include "offline_piles.h"

/* How lines and requests are understood. */
typedef struct event_reading
{
    line_format format;
    cs_slice prefix; /* of the paths of views and issues */
} event_reading;

/* Read chunks until there are no more, or something failed. */
exit_status events_read(input_reader *reader, const event_reading *reading, pile_set *piles);

#endif
