/*
 * extension/nearest_name.c
 *     The name among many that is nearest to a misspelt one, for hints.
 */
#include "postgres.h"

#include "utils/varlena.h"

#include "compat.h"

#include "nearest_name.h"

#define NEAREST_MAX_LENGTH 255 /* what the Levenshtein distance takes */
#define NEAREST_MAX_DISTANCE 4

void
nearest_name_init(NearestName *nearest, const char *name)
{
    *nearest = (NearestName){name, NULL, NEAREST_MAX_DISTANCE + 1};
}

void
nearest_name_offer(NearestName *nearest, const char *candidate)
{
    int name_len = (int) strlen(nearest->name);
    int candidate_len = (int) strlen(candidate);
    int limit = Min(nearest->distance - 1, Max(name_len, candidate_len) / 2);
    int distance;

    if (pg_strcasecmp(nearest->name, candidate) == 0)
    {
        nearest->match = candidate;
        nearest->distance = 0;
        return;
    }
    if (name_len > NEAREST_MAX_LENGTH || candidate_len > NEAREST_MAX_LENGTH || limit < 0)
        return;
    distance = varstr_levenshtein_less_equal(nearest->name, name_len, candidate, candidate_len, 1,
                                             1, 1, limit, true);
    if (distance > limit)
        return;
    nearest->match = candidate;
    nearest->distance = distance;
}
