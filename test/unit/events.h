/*
 * test/unit/events.h
 *     Random events, and states made from events, for the tests of sessions.
 */
#ifndef TEST_EVENTS_H
#define TEST_EVENTS_H

#include "session_history.h"
#include "support.h"

/* The most events of a random set. */
#define MAX_RANDOM_EVENTS 500

/*
 * Fill events with a random set and return how many: ties, duplicates, one or
 * several units of time, any ids, and now and then the first and last instants.
 */
size_t random_events(test_random *random, cs_event events[MAX_RANDOM_EVENTS]);

/*
 * Fill events with a small set a few gaps long, in order: many ties, exact gaps
 * and near misses, ids of 0 to 3. Return how many there are.
 */
size_t random_walk(test_random *random, cs_event *events, size_t max_events, int64_t gap);

/* A gap of one microsecond to days, in any unit. */
int64_t random_gap(test_random *random);

/* Bring the events into a random order, or into the order of a state. */
void shuffle_events(test_random *random, cs_event *events, size_t count);
void sort_events(cs_event *events, size_t count);

/* Append the state of events that are in order, without a history. */
void encode_sorted(const cs_event *events, size_t count, int64_t gap, cs_buffer *out);

/* Read the next event of a folded history; false behind the last one. */
bool next_event(cs_state_reader *reader, cs_event *event);

/* Replace the contents of out by the state of these events, given in any order. */
void encode_events(const cs_event *events, size_t count, int64_t gap, cs_buffer *out);

#endif
