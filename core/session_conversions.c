/*
 * core/session_conversions.c
 *     Which views led to which issues.
 *
 * For each campaign of a session either its mapped rewards are looked up in the
 * session, or the session's rewards in the mapping, whichever are fewer. A
 * reward whose first issue is not behind the view is searched for the first one
 * that is, in the times of its issues: they are brought together by a counting
 * sort, once a session, and only where that happens. So a session costs about
 * its events plus the pairs that are found, however many it holds.
 */
#include "session_conversions.h"

#include <stdlib.h>

void
cs_conversions_init(cs_conversion_reader *reader, const cs_env *env)
{
    *reader = (cs_conversion_reader){.env = env};
}

void
cs_conversions_free(cs_conversion_reader *reader)
{
    cs_release(reader->env, reader->found);
    cs_release(reader->env, reader->times);
    cs_release(reader->env, reader->ends);
    cs_conversions_init(reader, reader->env);
}

void
cs_conversions_start(cs_conversion_reader *reader, const cs_session *session, const cs_map *map)
{
    reader->session = session;
    reader->map = map;
    reader->campaign = 0;
    reader->num_found = reader->next = 0;
    reader->has_index = false;
}

/* Poll should_stop now and then. */
static cs_code
poll_items(cs_conversion_reader *reader, cs_error *err)
{
    return ++reader->looked_at % CS_POLL_ITEMS == 0 ? cs_poll(reader->env, err) : CS_OK;
}

/* The position of an issue's reward in the session's list. */
static size_t
reward_position(const cs_session *session, const cs_issue *issue)
{
    return (size_t) (cs_seen_find(&session->rewards, issue->reward) - session->rewards.items);
}

/* Bring the times of each reward's issues together. */
static cs_code
make_index(cs_conversion_reader *reader, cs_error *err)
{
    const cs_session *session = reader->session;
    size_t sum = 0;

    CS_TRY(cs_grow_array(reader->env, (void **) &reader->ends, &reader->ends_capacity,
                         session->rewards.count, sizeof(size_t), err));
    CS_TRY(cs_grow_array(reader->env, (void **) &reader->times, &reader->times_capacity,
                         session->num_issues, sizeof(cs_time), err));
    memset(reader->ends, 0, session->rewards.count * sizeof(size_t));
    for (size_t i = 0; i < session->num_issues; i++)
    {
        CS_TRY(poll_items(reader, err));
        reader->ends[reward_position(session, &session->issues[i])]++;
    }
    for (size_t i = 0; i < session->rewards.count; i++) /* counts to starts */
    {
        size_t count = reader->ends[i];

        reader->ends[i] = sum;
        sum += count;
    }
    for (size_t i = 0; i < session->num_issues; i++) /* starts to ends */
    {
        CS_TRY(poll_items(reader, err));
        reader->times[reader->ends[reward_position(session, &session->issues[i])]++] =
            session->issues[i].time;
    }
    reader->has_index = true;
    return CS_OK;
}

/* Find the first issue of a reward after viewed; there is one. */
static cs_code
find_issue(cs_conversion_reader *reader, const cs_seen *reward, cs_time viewed, cs_time *issued,
           cs_error *err)
{
    size_t position = (size_t) (reward - reader->session->rewards.items);
    size_t start, end;

    if (viewed < reward->first)
    {
        *issued = reward->first;
        return CS_OK;
    }
    if (!reader->has_index)
        CS_TRY(make_index(reader, err));
    start = position > 0 ? reader->ends[position - 1] : 0;
    end = reader->ends[position];
    while (start < end)
    {
        size_t middle = start + (end - start) / 2;

        if (reader->times[middle] <= viewed)
            start = middle + 1;
        else
            end = middle;
    }
    *issued = reader->times[start];
    return CS_OK;
}

/* Note that the campaign led to a reward that it holds, if it did. */
static cs_code
note_reward(cs_conversion_reader *reader, const cs_seen *campaign, const cs_seen *reward,
            cs_error *err)
{
    cs_issue issue = {.reward = reward->id};

    if (campaign->first >= reward->last)
        return CS_OK;
    CS_TRY(find_issue(reader, reward, campaign->first, &issue.time, err));
    CS_TRY(cs_grow_array(reader->env, (void **) &reader->found, &reader->found_capacity,
                         reader->num_found + 1, sizeof(cs_issue), err));
    reader->found[reader->num_found++] = issue;
    return CS_OK;
}

/* The order of a campaign's conversions: time, then reward. */
static int
compare_issues(const void *left, const void *right)
{
    const cs_issue *a = left;
    const cs_issue *b = right;

    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return (a->reward > b->reward) - (a->reward < b->reward);
}

/* Find all rewards that the campaign led to. */
static cs_code
find_rewards(cs_conversion_reader *reader, const cs_seen *campaign, cs_error *err)
{
    const cs_seen_list *rewards = &reader->session->rewards;
    const cs_map *map = reader->map;
    size_t start, end;

    reader->num_found = reader->next = 0;
    cs_map_range(map, campaign->id, &start, &end);
    if (end - start < rewards->count)
        for (size_t i = start; i < end; i++)
        {
            const cs_seen *reward = cs_seen_find(rewards, map->pairs[i].reward);

            CS_TRY(poll_items(reader, err));
            if (reward != NULL)
                CS_TRY(note_reward(reader, campaign, reward, err));
        }
    else
        for (size_t i = 0; i < rewards->count; i++)
        {
            CS_TRY(poll_items(reader, err));
            if (cs_map_holds(map, start, end, rewards->items[i].id))
                CS_TRY(note_reward(reader, campaign, &rewards->items[i], err));
        }
    if (reader->num_found > 1)
        qsort(reader->found, reader->num_found, sizeof(cs_issue), compare_issues);
    return CS_OK;
}

cs_code
cs_conversions_next(cs_conversion_reader *reader, cs_conversion *conversion, cs_error *err)
{
    const cs_session *session = reader->session;
    const cs_seen *campaign;

    if (session == NULL || session->rewards.count == 0)
        return CS_END;
    while (reader->next == reader->num_found)
    {
        if (reader->campaign == session->campaigns.count)
            return CS_END;
        CS_TRY(poll_items(reader, err));
        CS_TRY(find_rewards(reader, &session->campaigns.items[reader->campaign++], err));
    }
    campaign = &session->campaigns.items[reader->campaign - 1];
    *conversion = (cs_conversion){campaign->id, campaign->first, reader->found[reader->next].reward,
                                  reader->found[reader->next].time};
    reader->next++;
    return CS_OK;
}
