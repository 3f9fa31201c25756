/*
 * loader/report_render.h
 *     Rows of the report from sessions, without a server: as cells, or as the
 *     lines of a format at once.
 */
#ifndef LOADER_REPORT_RENDER_H
#define LOADER_REPORT_RENDER_H

#include "report_format.h"
#include "report_time.h"

/* One session. The lists are borrowed. */
typedef struct report_session
{
    cs_slice user;
    cs_time start;
    cs_time end;
    const int64_t *campaigns;
    size_t num_campaigns;
    const int64_t *rewards;
    size_t num_rewards;
    bool driven;
} report_session;

/* Renders the sessions of one user after the other. */
typedef struct report_renderer
{
    report_clock clock;
    cs_buffer user; /* as the format writes it, made once a user */
} report_renderer;

/* How a format renders; each appends one line for a session. */
typedef struct report_render_ops
{
    cs_code (*user)(report_renderer *renderer, cs_slice user, cs_error *err);
    cs_code (*session)(report_renderer *renderer, const report_session *session, cs_buffer *out,
                       cs_error *err);
} report_render_ops;

extern const report_render_ops report_render_csv;
extern const report_render_ops report_render_json;

void report_renderer_init(report_renderer *renderer, const cs_zone *zone);
void report_renderer_free(report_renderer *renderer);

/* Make the cells of a row; scratch, emptied before, holds what they point to. */
cs_code report_row_render(report_clock *clock, const report_session *session, cs_buffer *scratch,
                          report_row *row, cs_error *err);

#endif
