/*
 * loader/report_render.c
 *     Rendering sessions. What is written must be, byte for byte, what
 *     report_format.c makes of the server's rows.
 */
#include "report_render.h"

#include "json_text.h"
#include "stop.h"

#define ID_BYTES 21 /* of a list: the longest id and what separates it */

/* The most bytes of a line beside its user and lists: two times, and names and quotes. */
#define LINE_BYTES (2 * REPORT_TIME_SIZE + 192)

void
report_renderer_init(report_renderer *renderer, const cs_zone *zone)
{
    report_clock_init(&renderer->clock, zone);
    cs_buffer_init(&renderer->user, loader_env());
}

/* Free a renderer's memory. */
void
report_renderer_free(report_renderer *renderer)
{
    cs_buffer_free(&renderer->user);
}

/* Write an id at at; return its end. Most have few digits. */
static char *
put_id(char *at, int64_t id)
{
    char digits[ID_BYTES];
    char *first = digits + sizeof(digits);
    uint64_t value = id < 0 ? -(uint64_t) id : (uint64_t) id;
    size_t len;

    do
        *--first = (char) ('0' + value % 10);
    while ((value /= 10) != 0);
    if (id < 0)
        *--first = '-';
    len = (size_t) (digits + sizeof(digits) - first);
    memcpy(at, first, len);
    return at + len;
}

/* Write ids between two brackets; return the end. */
static char *
put_list(char *at, const int64_t *ids, size_t count, const char brackets[2])
{
    *at++ = brackets[0];
    for (size_t i = 0; i < count; i++)
    {
        if (i > 0)
            *at++ = ',';
        at = put_id(at, ids[i]);
    }
    *at++ = brackets[1];
    return at;
}

/* Make room for a line; NULL with err filled in if there is none. */
static char *
reserve_line(cs_buffer *out, const report_renderer *renderer, const report_session *session,
             cs_error *err)
{
    size_t size = renderer->user.len + LINE_BYTES +
                  ID_BYTES * (session->num_campaigns + session->num_rewards);

    if (cs_buffer_reserve(out, size, err) != CS_OK)
        return NULL;
    return (char *) out->data + out->len;
}

/* Write text that is no variable. */
static char *
put_text(char *at, const char *text)
{
    size_t len = strlen(text);

    memcpy(at, text, len);
    return at + len;
}

/* Keep the user as a cell of CSV. */
static cs_code
csv_user(report_renderer *renderer, cs_slice user, cs_error *err)
{
    renderer->user.len = 0;
    return report_append_csv(&renderer->user, user, err);
}

/* Write a list as a cell of CSV: a comma in it means quotes around it. */
static char *
put_csv_list(char *at, const int64_t *ids, size_t count)
{
    *at++ = ',';
    if (count > 1)
        *at++ = '"';
    at = put_list(at, ids, count, "{}");
    if (count > 1)
        *at++ = '"';
    return at;
}

/* A line of CSV. */
static cs_code
csv_session(report_renderer *renderer, const report_session *session, cs_buffer *out, cs_error *err)
{
    char *at = reserve_line(out, renderer, session, err);

    if (at == NULL)
        return err->code;
    memcpy(at, renderer->user.data, renderer->user.len);
    at += renderer->user.len;
    *at++ = ',';
    at += report_clock_write(&renderer->clock, session->start, at);
    *at++ = ',';
    at += report_clock_write(&renderer->clock, session->end, at);
    at = put_csv_list(at, session->campaigns, session->num_campaigns);
    at = put_csv_list(at, session->rewards, session->num_rewards);
    *at++ = ',';
    *at++ = session->driven ? 't' : 'f';
    *at++ = '\n';
    out->len = (size_t) (at - (char *) out->data);
    return CS_OK;
}

const report_render_ops report_render_csv = {csv_user, csv_session};

/* Keep the user as a JSON string. */
static cs_code
json_user(report_renderer *renderer, cs_slice user, cs_error *err)
{
    renderer->user.len = 0;
    return json_append(&renderer->user, json_text(user, NULL), err);
}

/* A line of JSON: an object with the columns in their order. */
static cs_code
json_session(report_renderer *renderer, const report_session *session, cs_buffer *out,
             cs_error *err)
{
    char *at = reserve_line(out, renderer, session, err);

    if (at == NULL)
        return err->code;
    at = put_text(at, "{\"user_id\":");
    memcpy(at, renderer->user.data, renderer->user.len);
    at = put_text(at + renderer->user.len, ",\"session_start\":\"");
    at += report_clock_write(&renderer->clock, session->start, at);
    at = put_text(at, "\",\"session_end\":\"");
    at += report_clock_write(&renderer->clock, session->end, at);
    at = put_text(at, "\",\"campaigns\":");
    at = put_list(at, session->campaigns, session->num_campaigns, "[]");
    at = put_text(at, ",\"rewards_issued\":");
    at = put_list(at, session->rewards, session->num_rewards, "[]");
    at = put_text(at, ",\"reward_driven_by_campaign_view\":");
    at = put_text(at, session->driven ? "true}\n" : "false}\n");
    out->len = (size_t) (at - (char *) out->data);
    return CS_OK;
}

const report_render_ops report_render_json = {json_user, json_session};

/* Make the cell of a time. */
static void
render_time(report_clock *clock, cs_time time, report_row *row, report_cell cell)
{
    char *text = row->times[cell];

    row->cells[cell] = (cs_slice){text, report_clock_write(clock, time, text)};
}

cs_code
report_row_render(report_clock *clock, const report_session *session, cs_buffer *scratch,
                  report_row *row, cs_error *err)
{
    size_t size = 4 + ID_BYTES * (session->num_campaigns + session->num_rewards);
    char *at, *end;

    scratch->len = 0;
    CS_TRY(cs_buffer_reserve(scratch, size, err));
    row->cells[CELL_USER] = session->user;
    render_time(clock, session->start, row, CELL_START);
    render_time(clock, session->end, row, CELL_END);
    at = (char *) scratch->data;
    end = put_list(at, session->campaigns, session->num_campaigns, "{}");
    row->cells[CELL_CAMPAIGNS] = (cs_slice){at, (size_t) (end - at)};
    at = put_list(end, session->rewards, session->num_rewards, "{}");
    row->cells[CELL_REWARDS] = (cs_slice){end, (size_t) (at - end)};
    row->cells[CELL_DRIVEN] = cs_slice_of(session->driven ? "t" : "f");
    return CS_OK;
}
