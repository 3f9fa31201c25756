/*
 * core/session_text.c
 *     States and maps as JSON text.
 */
#include "session_text.h"
#include "json_text.h"

#include <inttypes.h>
#include <jansson.h>

#define MAX_GAP_HOUR_DIGITS 10

/* Append a gap as hours, minutes and seconds. */
static cs_code
append_gap(cs_buffer *out, int64_t gap, cs_error *err)
{
    int64_t micros = gap % CS_SECOND;

    CS_TRY(cs_buffer_printf(out, err, "%02" PRId64 ":%02d:%02d", gap / CS_HOUR,
                            (int) (gap / CS_MINUTE % 60), (int) (gap / CS_SECOND % 60)));
    return micros != 0 ? cs_buffer_printf(out, err, ".%06d", (int) micros) : CS_OK;
}

/* Append one event. */
static cs_code
append_event(cs_buffer *out, const cs_event *event, cs_error *err)
{
    char time[CS_TIME_TEXT_SIZE];

    cs_time_format(event->time, time);
    CS_TRY(cs_buffer_printf(out, err, "{\"time\": \"%s\"", time));
    if (event->kind != CS_OTHER)
        CS_TRY(
            cs_buffer_printf(out, err, ", \"%s\": %" PRId64, cs_kind_name(event->kind), event->id));
    return cs_buffer_append(out, "}", 1, err);
}

cs_code
cs_state_to_json(const cs_env *env, cs_slice state, cs_buffer *out, cs_error *err)
{
    cs_state_reader reader;
    cs_event event;
    cs_code code;
    const char *separator = "";

    CS_TRY(cs_state_open(state, &reader, err));
    CS_TRY(cs_buffer_printf(out, err, "{\"version\": %d, \"gap\": \"", CS_STATE_VERSION));
    CS_TRY(append_gap(out, reader.gap, err));
    CS_TRY(cs_buffer_printf(out, err, "\", \"events\": ["));
    while ((code = cs_state_next(&reader, &event, err)) == CS_OK)
    {
        if (reader.left % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(env, err));
        CS_TRY(cs_buffer_append(out, separator, strlen(separator), err));
        CS_TRY(append_event(out, &event, err));
        separator = ", ";
    }
    return code == CS_END ? cs_buffer_append(out, "]}", 2, err) : code;
}

/* Read a number of one to max_digits digits; *at goes behind them, *digits is how many. */
static bool
take_number(const char **at, size_t max_digits, int64_t *value, size_t *digits)
{
    *value = 0;
    for (*digits = 0; **at >= '0' && **at <= '9'; (*digits)++, (*at)++)
    {
        if (*digits == max_digits)
            return false;
        *value = *value * 10 + (**at - '0');
    }
    return *digits > 0;
}

/* Read what append_gap writes. */
static bool
parse_gap(const char *text, int64_t *gap)
{
    int64_t hours, minutes, seconds, micros = 0;
    size_t digits;

    if (!take_number(&text, MAX_GAP_HOUR_DIGITS, &hours, &digits) || *text++ != ':' ||
        !take_number(&text, 2, &minutes, &digits) || digits != 2 || *text++ != ':' ||
        !take_number(&text, 2, &seconds, &digits) || digits != 2)
        return false;
    if (*text == '.')
    {
        text++;
        if (!take_number(&text, 6, &micros, &digits))
            return false;
        for (; digits < 6; digits++)
            micros *= 10;
    }
    if (*text != '\0' || minutes > 59 || seconds > 59)
        return false;
    return !__builtin_mul_overflow(hours, CS_HOUR, gap) &&
           !__builtin_add_overflow(*gap, minutes * CS_MINUTE + seconds * CS_SECOND + micros, gap);
}

/* Parse JSON into an object of the given version with as many keys as wanted. */
static cs_code
load_object(cs_slice json, const char *type, int version, size_t num_keys, json_t **root,
            cs_error *err)
{
    const json_t *stated;
    cs_code code = cs_json_parse(json, JSON_REJECT_DUPLICATES, root, err);

    if (code == CS_ERR_DATA)
        return cs_fail_within(err, code, "%s is not valid JSON", type);
    if (code != CS_OK)
        return code;
    stated = json_object_get(*root, "version");
    if (!json_is_integer(stated))
        return cs_fail(err, CS_ERR_DATA, "%s has no version", type);
    if (json_integer_value(stated) != version)
        return cs_fail(err, CS_ERR_DATA,
                       "%s of version %" JSON_INTEGER_FORMAT ", this build reads version %d", type,
                       json_integer_value(stated), version);
    if (json_object_size(*root) != num_keys)
        return cs_fail(err, CS_ERR_DATA, "%s has missing or unknown keys", type);
    return CS_OK;
}

/* Read one event. */
static cs_code
read_event(const json_t *json, cs_event *event, cs_error *err)
{
    const json_t *time = json_object_get(json, "time");
    size_t num_keys = 1;

    if (!json_is_string(time))
        return cs_fail(err, CS_ERR_DATA, "event has no time");
    CS_TRY(cs_time_parse((cs_slice){json_string_value(time), json_string_length(time)},
                         CS_TIME_STATE, &event->time, err));
    if (!cs_time_valid(event->time))
        return cs_fail(err, CS_ERR_DATA, "time is out of range");
    event->kind = CS_OTHER;
    event->id = 0;
    for (int kind = CS_VIEW; kind <= CS_ISSUE; kind++)
    {
        const json_t *id = json_object_get(json, cs_kind_name((cs_kind) kind));

        if (id == NULL)
            continue;
        if (!json_is_integer(id))
            return cs_fail(err, CS_ERR_DATA, "id of a %s is not an integer",
                           cs_kind_name((cs_kind) kind));
        event->kind = (cs_kind) kind;
        event->id = json_integer_value(id);
        num_keys++;
    }
    if (num_keys > 2 || json_object_size(json) != num_keys)
        return cs_fail(err, CS_ERR_DATA, "event has keys beside time and one of view and issue");
    return CS_OK;
}

/* Read the gap and the events. */
static cs_code
read_history(cs_history *history, const json_t *root, cs_error *err)
{
    const char *gap = json_string_value(json_object_get(root, "gap"));
    const json_t *events = json_object_get(root, "events");

    if (gap == NULL || !parse_gap(gap, &history->gap))
        return cs_fail(err, CS_ERR_DATA, "sessionset has no gap of the form hh:mm:ss");
    CS_TRY(cs_gap_check(history->gap, err));
    if (json_array_size(events) == 0)
        return cs_fail(err, CS_ERR_DATA, "sessionset has no events");
    for (size_t i = 0; i < json_array_size(events); i++)
    {
        cs_event event;
        cs_code code;

        if (i % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(history->env, err));
        code = read_event(json_array_get(events, i), &event, err);
        if (code != CS_OK)
            return cs_fail_within(err, code, "sessionset, item %zu", i + 1);
        CS_TRY(cs_history_add(history, event, err));
    }
    return CS_OK;
}

cs_code
cs_history_from_json(cs_history *history, cs_slice json, cs_error *err)
{
    json_t *root;
    cs_code code = load_object(json, "sessionset", CS_STATE_VERSION, 3, &root, err);

    if (code == CS_OK)
        code = read_history(history, root, err);
    json_decref(root);
    return code;
}

cs_code
cs_map_to_json(const cs_map *map, cs_buffer *out, cs_error *err)
{
    CS_TRY(cs_buffer_printf(out, err, "{\"version\": %d, \"pairs\": [", CS_MAP_VERSION));
    for (size_t i = 0; i < map->count; i++)
        CS_TRY(cs_buffer_printf(out, err, "%s[%" PRId64 ", %" PRId64 "]", i > 0 ? ", " : "",
                                map->pairs[i].campaign, map->pairs[i].reward));
    return cs_buffer_append(out, "]}", 2, err);
}

/* Read the pairs. */
static cs_code
read_map(cs_map *map, const json_t *root, cs_error *err)
{
    const json_t *pairs = json_object_get(root, "pairs");

    if (!json_is_array(pairs))
        return cs_fail(err, CS_ERR_DATA, "reward_map has no pairs");
    for (size_t i = 0; i < json_array_size(pairs); i++)
    {
        const json_t *pair = json_array_get(pairs, i);
        const json_t *campaign = json_array_get(pair, 0);
        const json_t *reward = json_array_get(pair, 1);

        if (json_array_size(pair) != 2 || !json_is_integer(campaign) || !json_is_integer(reward))
            return cs_fail(err, CS_ERR_DATA, "reward_map, item %zu: not a pair of integers", i + 1);
        CS_TRY(cs_map_add(map, json_integer_value(campaign), json_integer_value(reward), err));
    }
    cs_map_sort(map);
    return CS_OK;
}

cs_code
cs_map_from_json(cs_map *map, cs_slice json, cs_error *err)
{
    json_t *root;
    cs_code code = load_object(json, "reward_map", CS_MAP_VERSION, 2, &root, err);

    if (code == CS_OK)
        code = read_map(map, root, err);
    json_decref(root);
    return code;
}
