/*
 * loader/report_page.h
 *     What the report's page shows, counted as rows and pairs go by.
 *
 * Memory does not follow the number of rows: the longest lists are those of the best
 * users and campaigns, and the chart over time is kept short (report_timeline.h).
 */
#ifndef LOADER_REPORT_PAGE_H
#define LOADER_REPORT_PAGE_H

#include "report_format.h"
#include "report_timeline.h"

#define PAGE_TOP 10        /* users, campaigns */
#define PAGE_TOP_REWARDS 5 /* of a campaign */
#define PAGE_NAME_SIZE 120 /* more of a name is not shown */
#define DAY_HOURS 24

/* A user's or campaign's name, cut if it is long. */
typedef struct page_name
{
    char text[PAGE_NAME_SIZE];
    size_t len;
    bool is_known;
    bool is_cut;
} page_name;

typedef struct page_user
{
    page_name name;
    int64_t sessions;
    int64_t driven;
} page_user;

typedef struct page_reward
{
    int64_t id;
    int64_t sessions;
} page_reward;

typedef struct page_campaign
{
    int64_t id;
    page_name name;
    int64_t driven;      /* sum of the sessions of all its rewards */
    int64_t num_rewards; /* that it has driven at all */
    page_reward top[PAGE_TOP_REWARDS];
} page_campaign;

struct report_page
{
    /* Sessions */
    int64_t sessions;
    int64_t with_view;
    int64_t with_issue;
    int64_t with_both;
    int64_t driven;
    timeline_bin hours[DAY_HOURS];
    report_timeline timeline;
    int64_t first_day; /* that a session starts on, local */
    int64_t last_day;

    /* Users */
    int64_t users;
    cs_buffer user_id; /* of the row before */
    page_user user;    /* who is being counted */
    page_user top_users[PAGE_TOP];
    int num_users;

    /* Campaigns */
    int64_t campaigns; /* that have driven a reward */
    int64_t driven_rewards;
    page_campaign campaign; /* which is being counted */
    page_campaign top_campaigns[PAGE_TOP];
    int num_campaigns;
};

/* NULL is nothing to free. */
void report_page_free(report_page *page);

#endif
