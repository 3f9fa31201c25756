/*
 * loader/offline_events.h
 *     From chunks of files to events on piles: what one thread does.
 */
#ifndef LOADER_OFFLINE_EVENTS_H
#define LOADER_OFFLINE_EVENTS_H

#include "offline_input.h"
#include "offline_piles.h"

/* Read chunks until there are no more, or something failed. */
exit_status events_read(input_reader *reader, pile_set *piles);

#endif
