/*
 * core/session_details.h
 *     What can be said of a session beside its lists: a name, and whether
 *     events that were not loaded might lengthen it.
 */
#ifndef CS_SESSION_DETAILS_H
#define CS_SESSION_DETAILS_H

#include "session_read.h"

/* Loaded from, or until, beyond any event: nothing is missing on that side. */
#define CS_LOADED_SINCE_EVER INT64_MIN
#define CS_LOADED_FOR_EVER INT64_MAX

/*
 * True if events before loaded_from, which were not loaded, might belong to the
 * session that was read last.
 */
bool cs_session_may_continue_before(const cs_session_reader *reader, cs_time loaded_from);

/* The same of events at or after loaded_until. */
bool cs_session_may_continue_after(const cs_session_reader *reader, cs_time loaded_until);

/*
 * Append user@start, the same whenever the session is read. Where cuts make a
 * user's sessions start in the same instant, the second ends in #2, and so on.
 */
cs_code cs_session_id(const cs_session *session, cs_slice user, cs_buffer *out, cs_error *err);

#endif
