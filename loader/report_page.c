/*
 * loader/report_page.c
 *     The report as a page: counting what it shows.
 */
#include "report_page.h"

#include "log.h"
#include "report_html.h"
#include "report_rows.h"
#include "stop.h"

#include <stdio.h>
#include <stdlib.h>

void
report_page_free(report_page *page)
{
    if (page == NULL)
        return;
    cs_buffer_free(&page->user_id);
    timeline_free(&page->timeline);
    free(page);
}

/* Start to count. */
static exit_status
html_begin(report_writer *writer)
{
    report_page *page = calloc(1, sizeof(report_page));

    if (page == NULL)
        return log_out_of_memory();
    writer->page = page;
    cs_buffer_init(&page->user_id, loader_env());
    timeline_init(&page->timeline, loader_env());
    return STATUS_OK;
}

/* Take a name, or as much of it as is shown; UTF-8 is not cut inside a character. */
static page_name
take_name(cs_slice text)
{
    page_name name = {.len = text.len, .is_known = text.data != NULL};

    if (name.len > PAGE_NAME_SIZE)
    {
        name.is_cut = true;
        name.len = PAGE_NAME_SIZE;
        while (name.len > PAGE_NAME_SIZE - 4 && (text.data[name.len] & 0xc0) == 0x80)
            name.len--;
    }
    if (name.len > 0)
        memcpy(name.text, text.data, name.len);
    return name;
}

/* Make room at a place of a list of the best; false where that lies behind its end. */
static bool
make_room(void *list, size_t item_size, int *count, int at)
{
    char *place = (char *) list + (size_t) at * item_size;

    if (at == PAGE_TOP)
        return false;
    if (*count < PAGE_TOP)
        (*count)++;
    memmove(place + item_size, place, (size_t) (*count - 1 - at) * item_size);
    return true;
}

/* The user's last row went by: is it one of the best? Of equals the first one stays. */
static void
end_user(report_page *page)
{
    int at = page->num_users;

    if (page->user.sessions == 0)
        return;
    while (at > 0 && page->top_users[at - 1].sessions < page->user.sessions)
        at--;
    if (make_room(page->top_users, sizeof(page_user), &page->num_users, at))
        page->top_users[at] = page->user;
}

/* Go on to a user, unless it is that of the row before. */
static cs_code
enter_user(report_page *page, cs_slice user, cs_error *err)
{
    if (page->user.sessions > 0 && page->user_id.len == user.len &&
        (user.len == 0 || memcmp(page->user_id.data, user.data, user.len) == 0))
        return CS_OK;
    end_user(page);
    page->users++;
    page->user_id.len = 0;
    page->user = (page_user){.name = take_name(user)};
    return cs_buffer_append(&page->user_id, user.data, user.len, err);
}

/* Read the local day and hour of a time as the report has it. */
static bool
read_local_hour(cs_slice text, cs_time *local)
{
    char time[REPORT_TIME_SIZE];
    long long year;
    int month, day, hour;

    snprintf(time, sizeof(time), "%.*s", (int) text.len, text.data);
    if (sscanf(time, "%lld-%2d-%2dT%2d", &year, &month, &day, &hour) != 4 || month < 1 ||
        month > 12)
        return false;
    if (strstr(time, " BC") != NULL)
        year = 1 - year;
    *local = cs_days_from_date(year, month, day) * CS_DAY + hour * CS_HOUR;
    return true;
}

/* Count a session where and when it belongs. */
static cs_code
count_row(report_page *page, const report_row *row, cs_time local, cs_error *err)
{
    bool has_view = !cs_slice_is(row->cells[CELL_CAMPAIGNS], "{}");
    bool has_issue = !cs_slice_is(row->cells[CELL_REWARDS], "{}");
    bool driven = cs_slice_is(row->cells[CELL_DRIVEN], "t");
    int64_t day = local / CS_DAY - (local % CS_DAY < 0);
    int hour = (int) ((local - day * CS_DAY) / CS_HOUR);

    if (page->sessions == 0 || day < page->first_day)
        page->first_day = day;
    if (page->sessions == 0 || day > page->last_day)
        page->last_day = day;
    page->sessions++;
    page->with_view += has_view;
    page->with_issue += has_issue;
    page->with_both += has_view && has_issue;
    page->driven += driven;
    page->hours[hour].sessions++;
    page->hours[hour].driven += driven;
    CS_TRY(enter_user(page, row->cells[CELL_USER], err));
    page->user.sessions++;
    page->user.driven += driven;
    return timeline_add(&page->timeline, local, driven, err);
}

/* Count a row. */
static exit_status
html_row(report_writer *writer, const report_row *row)
{
    cs_slice start = row->cells[CELL_START];
    cs_time local;
    cs_error err;

    if (!read_local_hour(start, &local))
    {
        log_error("session_start \"%.*s\" is not a date and time", (int) start.len, start.data);
        return STATUS_SERVER;
    }
    return count_row(writer->page, row, local, &err) == CS_OK ? STATUS_OK
                                                              : log_core_error(&err, NULL);
}

/* The campaign's last pair went by: is it one of the best? Of equals the first one stays. */
static void
end_campaign(report_page *page)
{
    int at = page->num_campaigns;

    if (page->campaign.driven == 0)
        return;
    while (at > 0 && page->top_campaigns[at - 1].driven < page->campaign.driven)
        at--;
    if (make_room(page->top_campaigns, sizeof(page_campaign), &page->num_campaigns, at))
        page->top_campaigns[at] = page->campaign;
}

/* Keep a reward of the campaign if it is one of its best. */
static void
note_reward(page_campaign *campaign, const report_pair *pair)
{
    int at = PAGE_TOP_REWARDS;

    while (at > 0 && campaign->top[at - 1].sessions < pair->sessions)
        at--;
    if (at == PAGE_TOP_REWARDS)
        return;
    memmove(&campaign->top[at + 1], &campaign->top[at],
            (size_t) (PAGE_TOP_REWARDS - 1 - at) * sizeof(page_reward));
    campaign->top[at] = (page_reward){pair->reward, pair->sessions};
}

/* Count a pair. */
static exit_status
html_pair(report_writer *writer, const report_pair *pair)
{
    report_page *page = writer->page;

    if (page->campaign.driven == 0 || page->campaign.id != pair->campaign)
    {
        end_campaign(page);
        page->campaigns++;
        page->campaign = (page_campaign){.id = pair->campaign, .name = take_name(pair->name)};
    }
    page->driven_rewards += pair->sessions;
    page->campaign.driven += pair->sessions;
    page->campaign.num_rewards++;
    note_reward(&page->campaign, pair);
    return STATUS_OK;
}

/* Make the page. */
static exit_status
html_end(report_writer *writer)
{
    report_page *page = writer->page;
    cs_error err;

    end_user(page);
    end_campaign(page);
    timeline_finish(&page->timeline);
    return report_html_append(&writer->out, page, writer->question, &err) == CS_OK
               ? STATUS_OK
               : log_core_error(&err, NULL);
}

const report_ops report_html_ops = {html_begin, html_row, html_pair, html_end, NULL};
