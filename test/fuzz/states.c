/*
 * test/fuzz/states.c
 *     What must hold of every stored state that is accepted.
 *
 * A state of very many sessions is read by some of the ways only up to a limit: what is
 * sought are wrong answers and crashes, and these do not take large states.
 */
#include "states.h"

#include "session_conversions.h"
#include "session_details.h"
#include "session_funnel.h"
#include "session_read.h"
#include "session_text.h"

#define MAX_CONVERSIONS 1000
#define MAX_SINGLE_EVENTS 500 /* of a state whose events are added one by one */

/* The day that an instant lies in, where the day begins at an odd hour. */
static int64_t
local_day(void *ctx, cs_time time)
{
    int64_t shifted = time + *(int64_t *) ctx;

    return shifted / CS_DAY - (shifted % CS_DAY < 0);
}

/* Fill a map with pairs of what the state holds, so that some of them match. */
static void
fill_map(cs_map *map, cs_slice state)
{
    cs_state_reader reader;
    int64_t campaign = 0;
    cs_event event;
    cs_error err;

    fuzz_check_ok(cs_state_open(state, &reader, &err), &err, "opening");
    for (int i = 0; i < 100 && cs_state_next(&reader, &event, &err) == CS_OK; i++)
    {
        if (event.kind == CS_VIEW)
            campaign = event.id;
        else if (event.kind == CS_ISSUE)
            fuzz_check_ok(cs_map_add(map, campaign, event.id, &err), &err, "a pair");
    }
    cs_map_sort(map);
    fuzz_check_ok(cs_map_index(map, &err), &err, "the index");
}

/* Read the events: in order, and as many as the head says. */
static int64_t
check_events(cs_slice state)
{
    cs_state_reader reader;
    cs_event event, last;
    int64_t count = 0;
    cs_error err;
    cs_code code;

    fuzz_check_ok(cs_state_open(state, &reader, &err), &err, "opening");
    while ((code = cs_state_next(&reader, &event, &err)) == CS_OK)
    {
        fuzz_check(cs_time_valid(event.time) && event.kind <= CS_ISSUE);
        fuzz_check(event.kind != CS_OTHER || event.id == 0);
        fuzz_check(count == 0 || cs_event_compare(&last, &event) <= 0);
        last = event;
        count++;
    }
    fuzz_check(code == CS_END && count == reader.count && count > 0);
    return count;
}

/* Read the conversions of a session: of its pairs, and in time. */
static void
check_conversions(cs_conversion_reader *reader, const cs_session *session, const cs_map *map)
{
    cs_conversion conversion;
    bool any = false;
    cs_error err;
    cs_code code = CS_OK;

    cs_conversions_start(reader, session, map);
    for (int i = 0; i < MAX_CONVERSIONS && code == CS_OK; i++)
    {
        code = cs_conversions_next(reader, &conversion, &err);
        fuzz_check(code == CS_OK || code == CS_END);
        if (code != CS_OK)
            break;
        fuzz_check(conversion.viewed < conversion.issued);
        fuzz_check(conversion.viewed >= session->start && conversion.issued <= session->end);
        any = true;
    }
    fuzz_check(any == cs_session_driven(session, map));
}

/* Read the sessions under some rules: all events are in them, and they do not overlap. */
static void
check_sessions(cs_slice state, int64_t events, const cs_cuts *cuts, const cs_map *map)
{
    cs_conversion_reader conversions;
    cs_session_reader reader;
    int64_t sessions = 0, expected;
    cs_time end = INT64_MIN;
    cs_buffer id;
    cs_error err;
    cs_code code;

    fuzz_check_ok(cs_sessions_open(fuzz_env(), state, &reader, &err), &err, "opening");
    reader.cuts = cuts;
    reader.keep_issues = true;
    cs_conversions_init(&conversions, fuzz_env());
    cs_buffer_init(&id, fuzz_env());
    while ((code = cs_sessions_next(&reader, &err)) == CS_OK)
    {
        const cs_session *session = &reader.session;

        fuzz_check(session->start <= session->end && session->events > 0);
        fuzz_check(session->start >= end);
        fuzz_check(session->start == session->entry.time && session->end == session->exit.time);
        end = session->end;
        events -= session->events;
        sessions++;
        check_conversions(&conversions, session, map);
        cs_session_may_continue_before(&reader, session->start);
        cs_session_may_continue_after(&reader, session->end);
        id.len = 0;
        fuzz_check_ok(cs_session_id(session, cs_slice_of("u"), &id, &err), &err, "an id");
    }
    fuzz_check(code == CS_END && events == 0);
    fuzz_check_ok(cs_sessions_count(state, &expected, &err), &err, "counting");
    fuzz_check(cuts != NULL ? sessions >= expected : sessions == expected);
    cs_buffer_free(&id);
    cs_conversions_free(&conversions);
    cs_sessions_close(&reader);
}

/* Put the sessions through a funnel of steps that the state has. */
static void
check_funnel(cs_slice state)
{
    cs_step steps[3] = {{CS_OTHER, true, 0}, {CS_VIEW, true, 0}, {CS_ISSUE, true, 0}};
    cs_funnel_reader reader;
    cs_state_reader events;
    cs_event event;
    cs_error err;
    cs_code code;

    fuzz_check_ok(cs_state_open(state, &events, &err), &err, "opening");
    for (int i = 0; i < 3 && cs_state_next(&events, &event, &err) == CS_OK; i++)
        steps[i] = (cs_step){event.kind, event.kind == CS_OTHER, event.id};
    fuzz_check_ok(cs_funnel_open(fuzz_env(), state, steps, 3, &reader, &err), &err, "a funnel");
    while ((code = cs_funnel_next(&reader, &err)) == CS_OK)
    {
        fuzz_check(reader.num_reached <= 3);
        for (size_t i = 0; i < reader.num_reached; i++)
            fuzz_check(reader.reached[i] >= reader.start &&
                       (i == 0 || reader.reached[i] > reader.reached[i - 1]));
    }
    fuzz_check(code == CS_END);
    cs_funnel_close(&reader);
}

/* Check a state that a function made: it is one. Return the number of its events. */
static int64_t
check_made(const cs_buffer *made, const char *what)
{
    cs_error err;

    fuzz_check_ok(cs_state_check(fuzz_env(), fuzz_slice(made), &err), &err, what);
    return check_events(fuzz_slice(made));
}

/* Cut the state into two frames, and give it other gaps. */
static void
check_parts(cs_slice state, int64_t events)
{
    cs_buffer parts[2], whole;
    cs_session_reader reader;
    int64_t found = 0;
    cs_time middle;
    cs_error err;

    fuzz_check_ok(cs_sessions_open(fuzz_env(), state, &reader, &err), &err, "opening");
    fuzz_check_ok(cs_sessions_next(&reader, &err), &err, "the first session");
    middle = reader.session.end;
    cs_sessions_close(&reader);
    for (int i = 0; i < 2; i++)
    {
        cs_code code;

        cs_buffer_init(&parts[i], fuzz_env());
        code = cs_sessions_select(fuzz_env(), state, CS_FRAME_START, i == 0 ? INT64_MIN : middle,
                                  i == 0 ? middle : INT64_MAX, &parts[i], &err);
        fuzz_check(code == CS_OK || code == CS_END, "(%s)", err.message);
        if (code == CS_OK)
            found += check_made(&parts[i], "a part");
        cs_buffer_free(&parts[i]);
    }
    fuzz_check(found == events);
    for (int64_t gap = 1; gap > 0 && gap < INT64_MAX / 1000; gap *= 999)
    {
        cs_buffer_init(&whole, fuzz_env());
        fuzz_check_ok(cs_state_with_gap(state, gap, &whole, &err), &err, "with_gap");
        fuzz_check(check_made(&whole, "another gap") == events);
        cs_buffer_free(&whole);
        fuzz_check(cs_sessions_select(fuzz_env(), state, CS_FRAME_OVERLAP, middle - gap % CS_DAY,
                                      middle + 1, &whole, &err) == CS_OK);
        check_made(&whole, "an overlapping part");
        cs_buffer_free(&whole);
    }
}

/* Add the events of a state by its text. */
static void
add_as_text(cs_history *history, cs_slice state)
{
    cs_buffer text;
    cs_error err;

    cs_buffer_init(&text, fuzz_env());
    fuzz_check_ok(cs_state_to_json(fuzz_env(), state, &text, &err), &err, "as text");
    fuzz_check_ok(cs_history_from_json(history, fuzz_slice(&text), &err), &err, "from text");
    cs_buffer_free(&text);
}

/* Add the events of a state one by one, from both ends in turn. */
static void
add_out_of_order(cs_history *history, cs_slice state)
{
    cs_event events[MAX_SINGLE_EVENTS];
    cs_state_reader reader;
    size_t count = 0;
    cs_error err;

    fuzz_check_ok(cs_state_open(state, &reader, &err), &err, "opening");
    while (count < MAX_SINGLE_EVENTS && cs_state_next(&reader, &events[count], &err) == CS_OK)
        count++;
    for (size_t i = 0; i < count; i++)
        fuzz_check_ok(cs_history_add(history, events[i % 2 == 0 ? count - 1 - i / 2 : i / 2], &err),
                      &err, "an event");
}

/* Encode anew: the same bytes, whichever way the events came. */
static void
check_canonical(cs_slice state, int64_t events)
{
    static const char *const ways[] = {"encoded anew", "through text", "out of order"};
    cs_state_reader reader;
    cs_history history;
    cs_buffer again;
    cs_error err;

    fuzz_check_ok(cs_state_check(fuzz_env(), state, &err), &err, "checking again");
    fuzz_check_ok(cs_state_open(state, &reader, &err), &err, "opening");
    for (int way = 0; way < (events <= MAX_SINGLE_EVENTS ? 3 : 2); way++)
    {
        cs_buffer_init(&again, fuzz_env());
        cs_history_init(&history, fuzz_env(), reader.gap);
        if (way == 0)
            fuzz_check_ok(cs_history_add_state(&history, state, &err), &err, "adding");
        else if (way == 1)
            add_as_text(&history, state);
        else
            add_out_of_order(&history, state);
        fuzz_check_ok(cs_history_encode(&history, &again, &err), &err, "encoding");
        fuzz_check_same(fuzz_slice(&again), state, ways[way]);
        cs_history_free(&history);
        cs_buffer_free(&again);
    }
}

void
states_check(cs_slice state)
{
    int64_t shift = 3 * CS_HOUR;
    const cs_cuts all = {.max_length = CS_HOUR, .on_campaign = true, local_day, &shift};
    int64_t events = check_events(state);
    cs_map map;

    check_canonical(state, events);
    cs_map_init(&map, cs_malloc_env());
    fill_map(&map, state);
    check_sessions(state, events, NULL, &map);
    check_sessions(state, events, &all, &map);
    cs_map_free(&map);
    check_funnel(state);
    check_parts(state, events);
}

/* The state of all events of two, the one added first; through the form in which they travel. */
static void
merge(cs_slice first, cs_slice second, bool packed, cs_buffer *out)
{
    cs_history histories[2], view;
    cs_state_reader reader;
    cs_buffer bytes;
    cs_error err;

    fuzz_check_ok(cs_state_open(first, &reader, &err), &err, "opening");
    for (int i = 0; i < 2; i++)
    {
        cs_history_init(&histories[i], fuzz_env(), reader.gap);
        fuzz_check_ok(cs_history_add_state(&histories[i], i == 0 ? first : second, &err), &err,
                      "adding");
    }
    cs_buffer_init(&bytes, fuzz_env());
    if (packed)
    {
        cs_history_init(&view, fuzz_env(), reader.gap);
        fuzz_check_ok(cs_history_pack(&histories[1], &bytes, &err), &err, "packing");
        fuzz_check_ok(cs_history_unpack(&view, fuzz_slice(&bytes), &err), &err, "unpacking");
    }
    fuzz_check_ok(cs_history_merge(&histories[0], packed ? &view : &histories[1], &err), &err,
                  "merging");
    fuzz_check_ok(cs_history_encode(&histories[0], out, &err), &err, "encoding");
    cs_buffer_free(&bytes);
    cs_history_free(&histories[0]);
    cs_history_free(&histories[1]);
}

void
states_check_merge(cs_slice a, cs_slice b)
{
    cs_buffer same_gap, ab, ba;
    cs_state_reader readers[2];
    cs_error err;

    fuzz_check_ok(cs_state_open(a, &readers[0], &err), &err, "opening");
    fuzz_check_ok(cs_state_open(b, &readers[1], &err), &err, "opening");
    cs_buffer_init(&same_gap, fuzz_env());
    cs_buffer_init(&ab, fuzz_env());
    cs_buffer_init(&ba, fuzz_env());
    fuzz_check_ok(cs_state_with_gap(b, readers[0].gap, &same_gap, &err), &err, "with_gap");
    merge(a, fuzz_slice(&same_gap), true, &ab);
    merge(fuzz_slice(&same_gap), a, false, &ba);
    fuzz_check_same(fuzz_slice(&ab), fuzz_slice(&ba), "merging commutes");
    fuzz_check(check_made(&ab, "a merged state") == readers[0].count + readers[1].count);
    cs_buffer_free(&same_gap);
    cs_buffer_free(&ab);
    cs_buffer_free(&ba);
}
