/*
 * extension/nearest_name.h
 *     The name among many that is nearest to a misspelt one, for hints.
 */
#ifndef CLICKSTREAM_NEAREST_NAME_H
#define CLICKSTREAM_NEAREST_NAME_H

#include "compat.h"

typedef struct NearestName
{
    const char *name;  /* what was given */
    const char *match; /* NULL where none is near */
    int distance;      /* of match */
} NearestName;

void nearest_name_init(NearestName *nearest, const char *name);
void nearest_name_offer(NearestName *nearest, const char *candidate);

#endif
