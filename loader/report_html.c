/*
 * loader/report_html.c
 *     Writing the report's page.
 */
#include "report_html.h"

#include "html_text.h"
#include "resources.h"

#include <inttypes.h>
#include <stdio.h>

#define AXIS_LABELS 4 /* on a chart over time, at most */
#define BAR_WIDTH 1000
#define BAR_HEIGHT 10

/* Append a name as the page shows it. */
static cs_code
append_name(cs_buffer *out, const page_name *name, cs_error *err)
{
    CS_TRY(cs_buffer_printf(out, err, "<bdi>"));
    CS_TRY(html_append(out, (cs_slice){name->text, name->len}, err));
    return cs_buffer_printf(out, err, name->is_cut ? "\u2026</bdi>" : "</bdi>");
}

/* Append a number, then text that is the program's own. */
static cs_code
append_count(cs_buffer *out, int64_t number, const char *behind, cs_error *err)
{
    CS_TRY(html_append_number(out, number, err));
    return cs_buffer_printf(out, err, "%s", behind);
}

/* Append a bar that is part of whole long; a picture of a number that stands beside it. */
static cs_code
append_bar(cs_buffer *out, const char *class, int64_t part, int64_t whole, cs_error *err)
{
    double width = whole > 0 ? (double) BAR_WIDTH * (double) part / (double) whole : 0;

    return cs_buffer_printf(out, err,
                            "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" "
                            "aria-hidden=\"true\"><rect class=\"t\" width=\"%d\" height=\"%d\"/>"
                            "<rect class=\"%s\" width=\"%.1f\" height=\"%d\"/></svg>\n",
                            BAR_WIDTH, BAR_HEIGHT, BAR_WIDTH, BAR_HEIGHT, class, width, BAR_HEIGHT);
}

/* Writes a field of the skeleton. */
typedef cs_code (*field_function)(cs_buffer *out, const report_page *page,
                                  const report_question *question, cs_error *err);

/* The style sheet. */
static cs_code
append_style(cs_buffer *out, const report_page *page, const report_question *question,
             cs_error *err)
{
    (void) page;
    (void) question;
    return cs_buffer_append(out, resource_report_css, strlen(resource_report_css), err);
}

/* Append a local day. */
static cs_code
append_day(cs_buffer *out, int64_t day, cs_error *err)
{
    timeline_bin bin = {0, 0};
    report_timeline timeline = {
        .unit = TIMELINE_DAY, .years = 1, .first = day, .bins = &bin, .count = 1};
    char label[TIMELINE_LABEL_SIZE];

    timeline_label(&timeline, 0, label);
    return cs_buffer_printf(out, err, "%s", label);
}

/* Append what the user asked for, if it was asked. */
static cs_code
append_asked(cs_buffer *out, const char *before, const char *text, cs_error *err)
{
    if (text == NULL)
        return CS_OK;
    CS_TRY(cs_buffer_printf(out, err, "%s<bdi>", before));
    CS_TRY(html_append(out, cs_slice_of(text), err));
    return cs_buffer_printf(out, err, "</bdi>");
}

/* What the report is about. */
static cs_code
append_summary(cs_buffer *out, const report_page *page, const report_question *question,
               cs_error *err)
{
    if (page->sessions == 0)
        CS_TRY(cs_buffer_printf(out, err, "No session was found"));
    else
    {
        bool is_one = page->first_day == page->last_day;

        CS_TRY(cs_buffer_printf(out, err, "Sessions that started %s ", is_one ? "on" : "from"));
        CS_TRY(append_day(out, page->first_day, err));
        CS_TRY(cs_buffer_printf(out, err, is_one ? "" : " to "));
        if (!is_one)
            CS_TRY(append_day(out, page->last_day, err));
    }
    CS_TRY(append_asked(out, ". Time zone: ", question->timezone, err));
    CS_TRY(append_asked(out, ". A session ends with a pause of ",
                        question->gap != NULL ? question->gap : "5 min", err));
    CS_TRY(append_asked(out, ". Asked for: from ", question->since, err));
    CS_TRY(append_asked(out, question->since != NULL ? " before " : ". Asked for: before ",
                        question->until, err));
    return cs_buffer_printf(out, err, "%s.",
                            question->overlap ? ". Any activity in that time counts" : "");
}

/* How many of the sessions with a view were driven. */
static cs_code
append_conversion(cs_buffer *out, const report_page *page, const report_question *question,
                  cs_error *err)
{
    (void) question;
    return html_append_share(out, page->driven, page->with_view, err);
}

/* column_chart.label of a chart over time */
static void
label_bin(const void *ctx, size_t bin, char label[TIMELINE_LABEL_SIZE])
{
    timeline_label(ctx, bin, label);
}

/* column_chart.axis_label of a chart over time */
static void
label_axis(const void *ctx, size_t bin, char label[TIMELINE_LABEL_SIZE])
{
    timeline_axis_label(ctx, bin, label);
}

/* column_chart.label of a chart of the day */
static void
label_hour(const void *ctx, size_t bin, char label[TIMELINE_LABEL_SIZE])
{
    (void) ctx;
    snprintf(label, TIMELINE_LABEL_SIZE, "%02zu:00", bin);
}

/* Make the chart over time; its unit's name is the caller's. Labels with day and hour are long. */
static column_chart
time_chart(const report_timeline *timeline, const char *unit)
{
    bool is_long = timeline->unit == TIMELINE_HOUR && timeline->count > DAY_HOURS;
    size_t labels = is_long ? AXIS_LABELS / 2 : AXIS_LABELS;

    return (column_chart){.id = "time",
                          .unit = unit,
                          .bins = timeline->bins,
                          .count = timeline->count,
                          .label_step = (int) ((timeline->count + labels - 1) / labels),
                          .label = label_bin,
                          .axis_label = label_axis,
                          .ctx = timeline};
}

/* Make the chart of the day. */
static column_chart
hours_chart(const report_page *page)
{
    return (column_chart){.id = "hours",
                          .unit = "hour of the day",
                          .bins = page->hours,
                          .count = DAY_HOURS,
                          .label_step = DAY_HOURS / AXIS_LABELS,
                          .label = label_hour,
                          .axis_label = label_hour};
}

/* What a column over time is. */
static cs_code
append_time_unit(cs_buffer *out, const report_page *page, const report_question *question,
                 cs_error *err)
{
    char unit[TIMELINE_LABEL_SIZE];

    (void) question;
    timeline_unit_name(&page->timeline, unit);
    return cs_buffer_printf(out, err, "%s", unit);
}

/* The chart over time. */
static cs_code
append_time_plot(cs_buffer *out, const report_page *page, const report_question *question,
                 cs_error *err)
{
    char unit[TIMELINE_LABEL_SIZE];
    column_chart chart = time_chart(&page->timeline, unit);

    (void) question;
    timeline_unit_name(&page->timeline, unit);
    return column_chart_append(out, &chart, err);
}

/* The same as rows. */
static cs_code
append_time_rows(cs_buffer *out, const report_page *page, const report_question *question,
                 cs_error *err)
{
    column_chart chart = time_chart(&page->timeline, NULL);

    (void) question;
    return column_chart_append_rows(out, &chart, err);
}

/* The chart of the day. */
static cs_code
append_hours_plot(cs_buffer *out, const report_page *page, const report_question *question,
                  cs_error *err)
{
    column_chart chart = hours_chart(page);

    (void) question;
    return column_chart_append(out, &chart, err);
}

/* The same as rows. */
static cs_code
append_hours_rows(cs_buffer *out, const report_page *page, const report_question *question,
                  cs_error *err)
{
    column_chart chart = hours_chart(page);

    (void) question;
    return column_chart_append_rows(out, &chart, err);
}

/* The steps from a view to a driven reward. */
static cs_code
append_funnel(cs_buffer *out, const report_page *page, const report_question *question,
              cs_error *err)
{
    const struct
    {
        const char *name;
        const char *class;
        int64_t count;
    } steps[] = {
        {"Viewed a campaign", "s", page->with_view},
        {"Viewed and took a reward", "s", page->with_both},
        {"Reward driven by a view", "d", page->driven},
    };

    (void) question;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
    {
        CS_TRY(cs_buffer_printf(out, err, "<li><p><span>%s</span> <span class=\"value\">",
                                steps[i].name));
        CS_TRY(append_count(out, steps[i].count, "</span></p>\n", err));
        CS_TRY(append_bar(out, steps[i].class, steps[i].count, page->with_view, err));
        CS_TRY(cs_buffer_printf(out, err, "<span class=\"note\">"));
        CS_TRY(html_append_share(out, steps[i].count, page->with_view, err));
        CS_TRY(cs_buffer_printf(out, err, " of the sessions with a view</span></li>\n"));
    }
    return CS_OK;
}

/* Sessions with a reward that nothing led to. */
static cs_code
append_unviewed(cs_buffer *out, const report_page *page, const report_question *question,
                cs_error *err)
{
    (void) question;
    return html_append_number(out, page->with_issue - page->with_both, err);
}

/* Append a campaign's name, or its id where it has none. */
static cs_code
append_campaign_name(cs_buffer *out, const page_campaign *campaign, cs_error *err)
{
    if (!campaign->name.is_known || campaign->name.len == 0)
        return cs_buffer_printf(out, err, "Campaign %" PRId64, campaign->id);
    CS_TRY(append_name(out, &campaign->name, err));
    return cs_buffer_printf(out, err, " (%" PRId64 ")", campaign->id);
}

/* How many of a campaign's rewards are named. */
static int
count_named(const page_campaign *campaign)
{
    return campaign->num_rewards < PAGE_TOP_REWARDS ? (int) campaign->num_rewards
                                                    : PAGE_TOP_REWARDS;
}

/* Append a campaign: its name, a bar, and the rewards it drove. */
static cs_code
append_campaign(cs_buffer *out, const page_campaign *campaign, int64_t most, cs_error *err)
{
    CS_TRY(cs_buffer_printf(out, err, "<li><p><span>"));
    CS_TRY(append_campaign_name(out, campaign, err));
    CS_TRY(cs_buffer_printf(out, err, "</span> <span class=\"value\">"));
    CS_TRY(append_count(out, campaign->driven, "</span></p>\n", err));
    CS_TRY(append_bar(out, "d", campaign->driven, most, err));
    CS_TRY(cs_buffer_printf(out, err, "<span class=\"note\">"));
    for (int i = 0; i < count_named(campaign); i++)
    {
        CS_TRY(cs_buffer_printf(out, err, "%sreward %" PRId64 ": ", i > 0 ? ", " : "",
                                campaign->top[i].id));
        CS_TRY(html_append_number(out, campaign->top[i].sessions, err));
    }
    if (campaign->num_rewards > PAGE_TOP_REWARDS)
    {
        CS_TRY(cs_buffer_printf(out, err, ", and "));
        CS_TRY(append_count(out, campaign->num_rewards - PAGE_TOP_REWARDS, " more", err));
    }
    return cs_buffer_printf(out, err, "</span></li>\n");
}

/* Append the rows of a campaign in the table: one a reward. */
static cs_code
append_campaign_rows(cs_buffer *out, const page_campaign *campaign, cs_error *err)
{
    int64_t others = campaign->driven;

    for (int i = 0; i < count_named(campaign); i++)
    {
        others -= campaign->top[i].sessions;
        CS_TRY(cs_buffer_printf(out, err, "<tr><th scope=\"row\">"));
        CS_TRY(append_campaign_name(out, campaign, err));
        CS_TRY(cs_buffer_printf(out, err, "</th><td>%" PRId64 "</td><td>", campaign->top[i].id));
        CS_TRY(append_count(out, campaign->top[i].sessions, "</td></tr>\n", err));
    }
    if (others == 0)
        return CS_OK;
    CS_TRY(cs_buffer_printf(out, err, "<tr><th scope=\"row\">"));
    CS_TRY(append_campaign_name(out, campaign, err));
    CS_TRY(cs_buffer_printf(out, err, "</th><td>others</td><td>"));
    return append_count(out, others, "</td></tr>\n", err);
}

/* How many campaigns have driven how many rewards. */
static cs_code
append_campaigns_note(cs_buffer *out, const report_page *page, const report_question *question,
                      cs_error *err)
{
    (void) question;
    if (page->num_campaigns == 0)
        return cs_buffer_printf(out, err, "No view has driven a reward.");
    CS_TRY(append_count(out, page->driven_rewards,
                        page->driven_rewards == 1 ? " driven reward of " : " driven rewards of ",
                        err));
    CS_TRY(
        append_count(out, page->campaigns, page->campaigns == 1 ? " campaign" : " campaigns", err));
    return page->campaigns > PAGE_TOP ? cs_buffer_printf(out, err, ", the top %d here", PAGE_TOP)
                                      : CS_OK;
}

/* The best campaigns. */
static cs_code
append_campaigns(cs_buffer *out, const report_page *page, const report_question *question,
                 cs_error *err)
{
    (void) question;
    for (int i = 0; i < page->num_campaigns; i++)
        CS_TRY(append_campaign(out, &page->top_campaigns[i], page->top_campaigns[0].driven, err));
    return CS_OK;
}

/* The same as rows. */
static cs_code
append_all_campaign_rows(cs_buffer *out, const report_page *page, const report_question *question,
                         cs_error *err)
{
    (void) question;
    for (int i = 0; i < page->num_campaigns; i++)
        CS_TRY(append_campaign_rows(out, &page->top_campaigns[i], err));
    return CS_OK;
}

/* The best users. */
static cs_code
append_people(cs_buffer *out, const report_page *page, const report_question *question,
              cs_error *err)
{
    (void) question;
    for (int i = 0; i < page->num_users; i++)
    {
        const page_user *user = &page->top_users[i];

        CS_TRY(cs_buffer_printf(out, err, "<tr><th scope=\"row\">"));
        if (user->name.len == 0)
            CS_TRY(cs_buffer_printf(out, err, "<em>empty id</em>"));
        else
            CS_TRY(append_name(out, &user->name, err));
        CS_TRY(cs_buffer_printf(out, err, "</th><td>"));
        CS_TRY(append_count(out, user->sessions, "</td><td>", err));
        CS_TRY(append_count(out, user->driven, "</td></tr>\n", err));
    }
    return CS_OK;
}

/* A field of the skeleton is a count of the page's, or what a function writes. */
typedef struct page_field
{
    const char *name;
    field_function append; /* NULL: the count */
    size_t count;          /* its offset in report_page */
} page_field;

static const page_field fields[] = {
    {"style", append_style, 0},
    {"summary", append_summary, 0},
    {"sessions", NULL, offsetof(report_page, sessions)},
    {"users", NULL, offsetof(report_page, users)},
    {"both", NULL, offsetof(report_page, with_both)},
    {"driven", NULL, offsetof(report_page, driven)},
    {"conversion", append_conversion, 0},
    {"time_unit", append_time_unit, 0},
    {"time_plot", append_time_plot, 0},
    {"time_rows", append_time_rows, 0},
    {"hours_plot", append_hours_plot, 0},
    {"hours_rows", append_hours_rows, 0},
    {"funnel", append_funnel, 0},
    {"unviewed", append_unviewed, 0},
    {"campaigns_note", append_campaigns_note, 0},
    {"campaigns", append_campaigns, 0},
    {"campaign_rows", append_all_campaign_rows, 0},
    {"people", append_people, 0},
};

/* Find a field by its name; NULL if there is none. */
static const page_field *
find_field(cs_slice name)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (cs_slice_is(name, fields[i].name))
            return &fields[i];
    return NULL;
}

cs_code
report_html_append(cs_buffer *out, const report_page *page, const report_question *question,
                   cs_error *err)
{
    const char *at = resource_report_html;

    for (const char *open; (open = strstr(at, "{{")) != NULL;)
    {
        size_t len = strcspn(open, "}");
        const page_field *field = find_field((cs_slice){open + 2, len - 2});

        if (field == NULL)
            return cs_fail(err, CS_ERR_ARGUMENT, "the page's skeleton has an unknown field");
        CS_TRY(cs_buffer_append(out, at, (size_t) (open - at), err));
        if (field->append != NULL)
            CS_TRY(field->append(out, page, question, err));
        else
            CS_TRY(html_append_number(out, *(const int64_t *) ((const char *) page + field->count),
                                      err));
        at = open + len + 2;
    }
    return cs_buffer_append(out, at, strlen(at), err);
}
