/*
 * core/session_text.h
 *     States and maps as JSON text.
 *
 *     {"version": 1, "gap": "00:05:00", "events": [
 *       {"time": "2024-03-10T08:00:00Z", "view": 12}, {"time": "2024-03-10T08:00:01.5Z"}]}
 *     {"version": 1, "pairs": [[1, 10], [1, 11]]}
 *
 * Written in canonical order and in UTC; read in any order.
 */
#ifndef CS_SESSION_TEXT_H
#define CS_SESSION_TEXT_H

#include "session_history.h"
#include "session_map.h"

/* Append the JSON text of a stored state. */
cs_code cs_state_to_json(const cs_env *env, cs_slice state, cs_buffer *out, cs_error *err);

/* Read JSON text into an empty history, its gap included. CS_ERR_DATA says what is wrong. */
cs_code cs_history_from_json(cs_history *history, cs_slice json, cs_error *err);

/* Append the JSON text of a sorted map. */
cs_code cs_map_to_json(const cs_map *map, cs_buffer *out, cs_error *err);

/* Read JSON text into an empty map, and sort it. CS_ERR_DATA says what is wrong. */
cs_code cs_map_from_json(cs_map *map, cs_slice json, cs_error *err);

#endif
