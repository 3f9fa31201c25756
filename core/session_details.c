/*
 * core/session_details.c
 *     A session's name, and whether it might be longer than was loaded.
 */
#include "session_details.h"

#include <inttypes.h>

bool
cs_session_may_continue_before(const cs_session_reader *reader, cs_time loaded_from)
{
    const cs_session *session = &reader->session;
    cs_time edge = loaded_from < session->start ? loaded_from : session->start;

    if (loaded_from == CS_LOADED_SINCE_EVER || session->cut_before ||
        !cs_gap_spans(reader->gap, edge, session->start))
        return false;
    return reader->cuts == NULL || !cs_cut_by_day(reader->cuts, edge - 1, session->start);
}

bool
cs_session_may_continue_after(const cs_session_reader *reader, cs_time loaded_until)
{
    const cs_session *session = &reader->session;
    cs_time edge = loaded_until > session->end ? loaded_until : session->end;

    if (loaded_until == CS_LOADED_FOR_EVER || session->cut_after ||
        !cs_gap_spans(reader->gap, session->end, edge))
        return false;
    return reader->cuts == NULL || (!cs_cut_by_length(reader->cuts, session->start, edge) &&
                                    !cs_cut_by_day(reader->cuts, session->end, edge));
}

cs_code
cs_session_id(const cs_session *session, cs_slice user, cs_buffer *out, cs_error *err)
{
    char start[CS_TIME_TEXT_SIZE];
    size_t len = cs_time_format(session->start, start);

    CS_TRY(cs_buffer_reserve(out, user.len + 1 + len, err));
    CS_TRY(cs_buffer_append(out, user.data, user.len, err));
    CS_TRY(cs_buffer_append(out, "@", 1, err));
    CS_TRY(cs_buffer_append(out, start, len, err));
    if (session->same_start > 0)
        CS_TRY(cs_buffer_printf(out, err, "#%" PRId64, session->same_start + 1));
    return CS_OK;
}
