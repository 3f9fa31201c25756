/*
 * loader/offline_sessions.c
 *     Making sessions and their rows.
 */
#include "offline_sessions.h"

#include "log.h"
#include "stop.h"

#include <stdlib.h>

/* What an event of a pile takes, in both arrays of the group, and a share of its user. */
#define EVENT_BYTES (sizeof(cs_group_event) + sizeof(cs_event) + 8)

/* Rows of one user are handed on when so many bytes have gathered. */
#define ROWS_BYTES ((size_t) 512 * 1024)

/* A session that was not rendered: this, then the lists. */
typedef struct packed_session
{
    int64_t start;
    int64_t end;
    uint64_t num_campaigns;
    uint64_t num_rewards;
    uint64_t driven;
} packed_session;

void
session_maker_init(session_maker *maker, const session_question *question, uint64_t seed,
                   size_t memory, size_t row_memory)
{
    memset(maker, 0, sizeof(*maker));
    maker->question = question;
    maker->memory = memory;
    cs_group_init(&maker->group, loader_env(), seed);
    cs_session_init(&maker->session, loader_env());
    report_renderer_init(&maker->renderer, &question->zone);
    cs_buffer_init(&maker->scratch, loader_env());
    cs_buffer_init(&maker->rows, loader_env());
    lines_store_init(&maker->store, row_memory);
}

/* Free what making sessions took, the rows included. */
void
session_maker_free(session_maker *maker)
{
    cs_group_free(&maker->group);
    cs_session_free(&maker->session);
    report_renderer_free(&maker->renderer);
    cs_buffer_free(&maker->scratch);
    cs_buffer_free(&maker->rows);
    free(maker->ids);
    free(maker->pairs);
    lines_store_free(&maker->store);
}

/* True if one of a session's events, which are in order, lies in the frame. */
static bool
has_event_in_frame(const session_question *question, const cs_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (events[i].time >= question->since)
            return events[i].time < question->until;
    return false;
}

/* True if the session of these events is asked for. */
static bool
is_wanted(const session_question *question, const cs_event *events, size_t count)
{
    bool ever = question->until == INT64_MAX; /* infinity, which no event reaches */

    if (question->overlap && !ever)
        return has_event_in_frame(question, events, count);
    if (question->overlap)
        return events[count - 1].time >= question->since;
    return events[0].time >= question->since && (ever || events[0].time < question->until);
}

/* Append a session that is not to be rendered now. */
static cs_code
pack(const report_session *session, cs_buffer *out, cs_error *err)
{
    packed_session packed = {session->start, session->end, session->num_campaigns,
                             session->num_rewards, session->driven};

    CS_TRY(cs_buffer_append(out, &packed, sizeof(packed), err));
    CS_TRY(
        cs_buffer_append(out, session->campaigns, session->num_campaigns * sizeof(int64_t), err));
    return cs_buffer_append(out, session->rewards, session->num_rewards * sizeof(int64_t), err);
}

cs_code
session_unpack(cs_slice *rows, report_session *session, int64_t **ids, size_t *capacity,
               cs_error *err)
{
    packed_session packed;
    size_t count, bytes;

    memcpy(&packed, rows->data, sizeof(packed));
    count = packed.num_campaigns + packed.num_rewards;
    bytes = count * sizeof(int64_t);
    CS_TRY(cs_grow_array(loader_env(), (void **) ids, capacity, count + 1, sizeof(int64_t), err));
    memcpy(*ids, rows->data + sizeof(packed), bytes);
    session->start = packed.start;
    session->end = packed.end;
    session->campaigns = *ids;
    session->num_campaigns = packed.num_campaigns;
    session->rewards = *ids + packed.num_campaigns;
    session->num_rewards = packed.num_rewards;
    session->driven = packed.driven != 0;
    rows->data += sizeof(packed) + bytes;
    rows->len -= sizeof(packed) + bytes;
    return CS_OK;
}

/* Copy the ids of a list. */
static void
copy_ids(const cs_seen_list *list, int64_t *ids)
{
    for (size_t i = 0; i < list->count; i++)
        ids[i] = list->items[i].id;
}

/* Append the row of the session just read. */
static cs_code
append_row(session_maker *maker, cs_slice user, cs_error *err)
{
    const cs_session *from = &maker->session;
    size_t count = from->campaigns.count + from->rewards.count;
    report_session session = {.user = user,
                              .start = from->start,
                              .end = from->end,
                              .num_campaigns = from->campaigns.count,
                              .num_rewards = from->rewards.count};

    CS_TRY(cs_grow_array(loader_env(), (void **) &maker->ids, &maker->ids_capacity, count + 1,
                         sizeof(int64_t), err));
    session.campaigns = maker->ids;
    session.rewards = maker->ids + from->campaigns.count;
    copy_ids(&from->campaigns, maker->ids);
    copy_ids(&from->rewards, maker->ids + from->campaigns.count);
    session.driven = maker->pairs != NULL
                         ? cs_session_count_driven(from, &maker->question->map, maker->pairs)
                         : cs_session_driven(from, &maker->question->map);
    if (maker->question->render == NULL)
        return pack(&session, &maker->rows, err);
    return maker->question->render->session(&maker->renderer, &session, &maker->rows, err);
}

/* Keep the rows that have gathered. */
static exit_status
hand_on(session_maker *maker, cs_slice user)
{
    cs_slice rows = {(const char *) maker->rows.data, maker->rows.len};

    maker->rows.len = 0;
    return rows.len > 0 ? lines_store_add(&maker->store, user, rows) : STATUS_OK;
}

/* Make all sessions of a user. */
static exit_status
make_user(session_maker *maker, const cs_group_user *user)
{
    const session_question *question = maker->question;
    const cs_event *events = &maker->group.events[user->start];
    size_t left = user->count;
    size_t taken;
    cs_error err;

    if (question->render != NULL &&
        question->render->user(&maker->renderer, user->name, &err) != CS_OK)
        return log_core_error(&err, NULL);
    for (; left > 0; events += taken, left -= taken)
    {
        cs_code code = cs_session_take(&maker->session, events, left, question->gap, &taken, &err);

        if (code == CS_OK && is_wanted(question, events, taken))
            code = append_row(maker, user->name, &err);
        if (code != CS_OK)
            return log_core_error(&err, NULL);
        if (maker->rows.len >= ROWS_BYTES)
            STATUS_TRY(hand_on(maker, user->name));
    }
    return hand_on(maker, user->name);
}

/* pile_reader: add the records of a piece to the group. */
static exit_status
add_piece(void *ctx, const uint8_t *data, size_t len)
{
    session_maker *maker = ctx;
    cs_error err;

    return cs_group_add(&maker->group, data, len, &err) == CS_OK ? STATUS_OK
                                                                 : log_core_error(&err, NULL);
}

/* pile_reader: put the records of a piece on the piles of another set. */
static exit_status
part_piece(void *ctx, const uint8_t *data, size_t len)
{
    pile_set *set = ctx;
    const uint8_t *at = data;
    cs_time last = 0;

    while (at < data + len)
    {
        cs_slice user;
        cs_event event;

        cs_record_get(&at, &user, &event, &last);
        STATUS_TRY(pile_set_add(set, user, &event));
    }
    return stop_requested() ? STATUS_INTERRUPTED : STATUS_OK;
}

/* Part a pile that is too large for memory by further bits of the hash; then make its sessions. */
static exit_status
part_again(session_maker *maker, pile_set **sets, int count, size_t number, int level)
{
    pile_set *set = malloc(sizeof(pile_set));
    exit_status status = STATUS_OK;
    size_t events = 0;

    if (set == NULL)
        return log_out_of_memory();
    pile_set_init(set, sets[0]->seed, level + 1, maker->memory / 2);
    for (int i = 0; i < count && status == STATUS_OK; i++)
    {
        events += sets[i]->piles[number].events;
        status = pile_read(sets[i], number, &maker->scratch, part_piece, set);
    }
    for (size_t i = 0; i < NUM_PILES && status == STATUS_OK; i++)
        /* what stays together is one user's, most likely: parting it again is no use */
        status = sessions_make(maker, &set, 1, i,
                               set->piles[i].events == events ? PILE_LEVELS : level + 1);
    pile_set_free(set);
    free(set);
    return status;
}

exit_status
sessions_make(session_maker *maker, pile_set **sets, int count, size_t number, int level)
{
    cs_group *group = &maker->group;
    size_t events = 0;
    cs_error err;

    for (int i = 0; i < count; i++)
        events += sets[i]->piles[number].events;
    if (events > maker->memory / EVENT_BYTES && level + 1 < PILE_LEVELS)
        return part_again(maker, sets, count, number, level);
    cs_group_reset(group);
    for (int i = 0; i < count; i++)
        STATUS_TRY(pile_read(sets[i], number, &maker->scratch, add_piece, maker));
    if (cs_group_sort(group, &err) != CS_OK)
        return log_core_error(&err, NULL);
    for (size_t i = 0; i < group->num_users; i++)
    {
        STATUS_TRY(make_user(maker, &group->users[i]));
        if (stop_requested())
            return STATUS_INTERRUPTED;
    }
    return STATUS_OK;
}
