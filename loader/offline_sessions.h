/*
 * loader/offline_sessions.h
 *     From events on piles to the rows of the report: what one thread does.
 */
#ifndef LOADER_OFFLINE_SESSIONS_H
#define LOADER_OFFLINE_SESSIONS_H

#include "offline_lines.h"
#include "offline_piles.h"
#include "report_render.h"
#include "session_read.h"

/* Which sessions are wanted, and how. */
typedef struct session_question
{
    int64_t gap;
    bool overlap;
    cs_time since; /* INT64_MIN: open */
    cs_time until; /* INT64_MAX: open */
    cs_map map;
    cs_zone zone;
    bool pairs;                      /* driven pairs are to be counted */
    const report_render_ops *render; /* NULL: rows are kept in the form that session_unpack reads */
} session_question;

/* Makes the sessions of one pile after the other. */
typedef struct session_maker
{
    const session_question *question;
    size_t memory; /* for the events of a pile */
    cs_group group;
    cs_session session;
    report_renderer renderer;
    cs_buffer scratch;
    cs_buffer rows; /* of the user */
    int64_t *ids;
    size_t ids_capacity;
    lines_store store; /* all rows made */
    int64_t *pairs;    /* of the map: how many sessions made have driven each; NULL: not counted */
} session_maker;

/* Memory in bytes: for the events of a pile, and for rows. */
void session_maker_init(session_maker *maker, const session_question *question, uint64_t seed,
                        size_t memory, size_t row_memory);
void session_maker_free(session_maker *maker);

/* Make the sessions of the piles of a number in sets of one level; they are empty then. */
exit_status sessions_make(session_maker *maker, pile_set **sets, int count, size_t number,
                          int level);

/*
 * Take a session off the front of rows that were not rendered. Its lists are in
 * maker's, or the caller's, array of ids, which grows.
 */
cs_code session_unpack(cs_slice *rows, report_session *session, int64_t **ids, size_t *capacity,
                       cs_error *err);

#endif
