/*
 * core/session_read.c
 *     Cutting a state's events into sessions.
 *
 * Two events are in one session while they are less than the gap apart and no
 * rule of session_cut.h parts them. As the events come in order of time, kind
 * and id, ids meet their list in order of first occurrence and, within one
 * instant, by id.
 */
#include "session_read.h"

#define FIRST_ITEMS 8    /* room in a list at first */
#define LIST_SCAN_MAX 16 /* longer lists are searched by hash */

/* The slot that holds id, or the free one where it belongs. */
static size_t
find_slot(const cs_seen_list *list, int64_t id)
{
    size_t mask = list->num_slots - 1;
    size_t slot = cs_hash_id(id) & mask;

    while (list->slots[slot] != 0 && list->items[list->slots[slot] - 1].id != id)
        slot = (slot + 1) & mask;
    return slot;
}

/* As cs_seen_find, to change what is found. */
static inline cs_seen *
find_seen(const cs_seen_list *list, int64_t id)
{
    if (list->count > LIST_SCAN_MAX)
    {
        uint32_t position = list->slots[find_slot(list, id)];

        return position != 0 ? &list->items[position - 1] : NULL;
    }
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].id == id)
            return &list->items[i];
    return NULL;
}

const cs_seen *
cs_seen_find(const cs_seen_list *list, int64_t id)
{
    return find_seen(list, id);
}

/* Make the hash table hold all items, twice over. */
static cs_code
rebuild_slots(cs_seen_list *list, cs_error *err)
{
    size_t wanted = list->num_slots > 0 ? list->num_slots : 4 * LIST_SCAN_MAX;

    while (wanted < list->count * 2)
        wanted *= 2;
    if (list->count >= UINT32_MAX)
        return cs_fail(err, CS_ERR_LIMIT, "a session holds more than %u distinct ids", UINT32_MAX);
    CS_TRY(cs_grow_array(list->env, (void **) &list->slots, &list->num_slots, wanted,
                         sizeof(uint32_t), err));
    memset(list->slots, 0, list->num_slots * sizeof(uint32_t));
    for (size_t i = 0; i < list->count; i++)
        list->slots[find_slot(list, list->items[i].id)] = (uint32_t) i + 1;
    return CS_OK;
}

/* Note that id was seen at time; times come in order. */
static cs_code
note_seen(cs_seen_list *list, int64_t id, cs_time time, cs_error *err)
{
    cs_seen *seen = find_seen(list, id);

    if (seen != NULL)
    {
        seen->last = time;
        return CS_OK;
    }
    if (list->count == list->capacity)
        CS_TRY(cs_grow_array(list->env, (void **) &list->items, &list->capacity,
                             list->count > 0 ? list->count + 1 : FIRST_ITEMS, sizeof(cs_seen),
                             err));
    list->items[list->count++] = (cs_seen){id, time, time};
    if (list->count <= LIST_SCAN_MAX)
        return CS_OK;
    if (list->count == LIST_SCAN_MAX + 1 || list->count * 2 > list->num_slots)
        return rebuild_slots(list, err);
    list->slots[find_slot(list, id)] = (uint32_t) list->count;
    return CS_OK;
}

/* Free a list's memory. */
static void
free_seen(cs_seen_list *list)
{
    cs_release(list->env, list->items);
    cs_release(list->env, list->slots);
}

cs_code
cs_sessions_open(const cs_env *env, cs_slice state, cs_session_reader *reader, cs_error *err)
{
    memset(reader, 0, sizeof(*reader));
    reader->session.campaigns.env = reader->session.rewards.env = env;
    CS_TRY(cs_state_open(state, &reader->state, err));
    reader->gap = reader->state.gap;
    CS_TRY(cs_state_next(&reader->state, &reader->events[reader->ahead], err));
    reader->has_ahead = true;
    return CS_OK;
}

/* Free a session's lists. */
void
cs_session_free(cs_session *session)
{
    cs_release(session->campaigns.env, session->issues);
    free_seen(&session->campaigns);
    free_seen(&session->rewards);
}

void
cs_sessions_close(cs_session_reader *reader)
{
    cs_session_free(&reader->session);
}

/* Keep an issue of the session. */
static cs_code
keep_issue(cs_session *session, const cs_event *event, cs_error *err)
{
    CS_TRY(cs_grow_array(session->rewards.env, (void **) &session->issues,
                         &session->issues_capacity, session->num_issues + 1, sizeof(cs_issue),
                         err));
    session->issues[session->num_issues++] = (cs_issue){event->id, event->time};
    return CS_OK;
}

/* Add the event to the session. */
static inline cs_code
note_event(cs_session *session, const cs_event *event, bool keep_issues, cs_error *err)
{
    session->events++;
    if (event->kind == CS_VIEW)
        return note_seen(&session->campaigns, event->id, event->time, err);
    if (event->kind == CS_ISSUE)
    {
        if (keep_issues)
            CS_TRY(keep_issue(session, event, err));
        return note_seen(&session->rewards, event->id, event->time, err);
    }
    return CS_OK;
}

/* Start a session with the event. */
static void
start_session(cs_session *session, const cs_event *event)
{
    session->same_start =
        session->cut_after && session->start == event->time ? session->same_start + 1 : 0;
    session->cut_before = session->cut_after;
    session->cut_after = false;
    session->entry = *event;
    session->start = event->time;
    session->events = 0;
    session->campaigns.count = session->rewards.count = session->num_issues = 0;
}

/* True if a rule cuts the event ahead off the session, whose last event is given. */
static bool
is_cut(cs_session_reader *reader, const cs_event *last, const cs_event *ahead)
{
    const cs_cuts *cuts = reader->cuts;
    const cs_session *session = &reader->session;

    if (last->kind == CS_VIEW)
        reader->last_campaign = last->id;
    return cs_cut_by_length(cuts, session->start, ahead->time) ||
           cs_cut_by_day(cuts, last->time, ahead->time) ||
           (cuts->on_campaign && ahead->kind == CS_VIEW && session->campaigns.count > 0 &&
            ahead->id != reader->last_campaign);
}

/* True if the event ahead belongs to the session; notes where a rule cuts it off. */
static inline bool
continues(cs_session_reader *reader, const cs_event *last, const cs_event *ahead)
{
    if (!cs_gap_spans(reader->gap, last->time, ahead->time))
        return false;
    if (reader->cuts == NULL)
        return true;
    reader->session.cut_after = is_cut(reader, last, ahead);
    return !reader->session.cut_after;
}

cs_code
cs_sessions_next(cs_session_reader *reader, cs_error *err)
{
    cs_session *session = &reader->session;
    cs_event *ahead = &reader->events[reader->ahead];
    cs_event *last = &reader->events[1 - reader->ahead];
    cs_code code;

    if (!reader->has_ahead)
        return CS_END;
    start_session(session, ahead);
    do
    {
        cs_event *spare = last;

        last = ahead;
        ahead = spare; /* copying the event would wait for its parts to be written */
        CS_TRY(note_event(session, last, reader->keep_issues, err));
        if (session->events % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(session->campaigns.env, err));
        code = cs_state_next(&reader->state, ahead, err);
    } while (code == CS_OK && continues(reader, last, ahead));
    if (code != CS_OK && code != CS_END)
        return code;
    reader->has_ahead = code == CS_OK;
    reader->ahead = ahead == &reader->events[1];
    session->exit = *last;
    session->end = last->time;
    return CS_OK;
}

void
cs_session_init(cs_session *session, const cs_env *env)
{
    *session = (cs_session){.campaigns.env = env, .rewards.env = env};
}

cs_code
cs_session_take(cs_session *session, const cs_event *events, size_t count, int64_t gap,
                size_t *taken, cs_error *err)
{
    const cs_event *event = events;

    start_session(session, event);
    do
    {
        CS_TRY(note_event(session, event, false, err));
        if (session->events % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(session->campaigns.env, err));
        event++;
    } while (event < events + count && cs_gap_spans(gap, event[-1].time, event->time));
    session->exit = event[-1];
    session->end = event[-1].time;
    *taken = (size_t) (event - events);
    return CS_OK;
}

/*
 * True if a reward of the campaign was issued after the campaign's first view. With
 * counts all such rewards are looked for, and counted at their pair's position.
 */
static bool
campaign_drove(const cs_seen *campaign, const cs_seen_list *rewards, const cs_map *map,
               int64_t *counts)
{
    size_t start, end, tries;
    bool drove = false;

    cs_map_range(map, campaign->id, &start, &end);
    tries = end - start < rewards->count ? end - start : rewards->count;
    for (size_t i = 0; i < tries && (!drove || counts != NULL); i++)
    {
        size_t position = start + i;
        const cs_seen *reward = &rewards->items[i];

        if (tries == end - start)
            reward = find_seen(rewards, map->pairs[position].reward);
        else if (!cs_map_find(map, start, end, reward->id, &position))
            reward = NULL;
        if (reward == NULL || campaign->first >= reward->last)
            continue;
        drove = true;
        if (counts != NULL)
            counts[position]++;
    }
    return drove;
}

/* cs_session_driven without counts, cs_session_count_driven with them. */
static inline bool
find_driven(const cs_session *session, const cs_map *map, int64_t *counts)
{
    const cs_seen_list *campaigns = &session->campaigns;
    bool driven = false;
    cs_time last_issue;

    if (session->rewards.count == 0 || map->count == 0)
        return false;
    last_issue = session->rewards.items[0].last;
    for (size_t i = 1; i < session->rewards.count; i++)
        if (session->rewards.items[i].last > last_issue)
            last_issue = session->rewards.items[i].last;
    /* campaigns are in order of their first view: behind the last issue none drove anything */
    for (size_t i = 0; i < campaigns->count && campaigns->items[i].first < last_issue &&
                       (!driven || counts != NULL);
         i++)
        if (campaign_drove(&campaigns->items[i], &session->rewards, map, counts))
            driven = true;
    return driven;
}

bool
cs_session_driven(const cs_session *session, const cs_map *map)
{
    return find_driven(session, map, NULL);
}

bool
cs_session_count_driven(const cs_session *session, const cs_map *map, int64_t *counts)
{
    return find_driven(session, map, counts);
}

cs_code
cs_sessions_count(cs_slice state, int64_t *count, cs_error *err)
{
    cs_state_reader reader;
    cs_event event;
    cs_time before = 0;
    cs_code code;

    *count = 0;
    CS_TRY(cs_state_open(state, &reader, err));
    while ((code = cs_state_next(&reader, &event, err)) == CS_OK)
    {
        if (*count == 0 || !cs_gap_spans(reader.gap, before, event.time))
            (*count)++;
        before = event.time;
    }
    return code == CS_END ? CS_OK : code;
}

/* Chooses the sessions of a frame. */
typedef struct selection
{
    const cs_env *env;
    cs_frame frame;
    cs_time since;
    cs_time until;
    cs_event *events; /* of the session being read */
    size_t count;
    size_t capacity;
    cs_run chosen;
} selection;

/* True if the session that has been read is in the frame. */
static bool
in_frame(const selection *select)
{
    size_t looked_at = select->frame == CS_FRAME_START ? 1 : select->count;

    for (size_t i = 0; i < looked_at; i++)
        if (select->events[i].time >= select->since && select->events[i].time < select->until)
            return true;
    return false;
}

/* Keep the session that has been read if it is in the frame, and start another. */
static cs_code
end_session(selection *select, cs_error *err)
{
    if (select->count > 0 && in_frame(select))
        for (size_t i = 0; i < select->count; i++)
            CS_TRY(cs_run_append(select->env, &select->chosen, &select->events[i], err));
    select->count = 0;
    return CS_OK;
}

/* Read all events, session by session. */
static cs_code
select_events(selection *select, cs_state_reader *reader, cs_error *err)
{
    cs_event event;
    cs_code code;

    while ((code = cs_state_next(reader, &event, err)) == CS_OK)
    {
        if (reader->left % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(select->env, err));
        if (select->count > 0 &&
            !cs_gap_spans(reader->gap, select->events[select->count - 1].time, event.time))
            CS_TRY(end_session(select, err));
        CS_TRY(cs_grow_array(select->env, (void **) &select->events, &select->capacity,
                             select->count + 1, sizeof(cs_event), err));
        select->events[select->count++] = event;
    }
    return code == CS_END ? end_session(select, err) : code;
}

cs_code
cs_sessions_select(const cs_env *env, cs_slice state, cs_frame frame, cs_time since, cs_time until,
                   cs_buffer *out, cs_error *err)
{
    selection select = {.env = env, .frame = frame, .since = since, .until = until};
    cs_state_reader reader;
    cs_code code;

    CS_TRY(cs_state_open(state, &reader, err));
    code = select_events(&select, &reader, err);
    if (code == CS_OK)
        code =
            select.chosen.count == 0 ? CS_END : cs_run_store(&select.chosen, reader.gap, out, err);
    cs_run_free(env, &select.chosen);
    cs_release(env, select.events);
    return code;
}
