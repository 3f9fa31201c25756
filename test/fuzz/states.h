/*
 * test/fuzz/states.h
 *     What must hold of every stored state that is accepted, and of any two.
 */
#ifndef STATES_H
#define STATES_H

#include "fuzz.h"

/* Check a state that was accepted: read in every way it gives what is right. */
void states_check(cs_slice state);

/* Check that merging two such states commutes, and keeps all events. */
void states_check_merge(cs_slice a, cs_slice b);

#endif
