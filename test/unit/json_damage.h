/*
 * test/unit/json_damage.h
 *     Random changes of JSON values: schemas, records.
 */
#ifndef TEST_JSON_DAMAGE_H
#define TEST_JSON_DAMAGE_H

#include "support.h"

#include <jansson.h>

/* Change one place somewhere inside an array or an object; a scalar stays as it is. */
void damage_json(test_random *random, json_t *json);

#endif
