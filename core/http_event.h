/*
 * core/http_event.h
 *     What a request means: a campaign viewed, a reward issued, or other activity.
 */
#ifndef CS_HTTP_EVENT_H
#define CS_HTTP_EVENT_H

#include "session_event.h"

/*
 * View: `GET {prefix}/campaigns/{id}`. Issue: `POST {prefix}/rewards/{id}`. The
 * id is decimal digits that fit 64 bits; one trailing slash, a query string and
 * a fragment may follow. All else is CS_OTHER with id 0. A missing method or
 * path is an empty slice.
 */
cs_kind cs_http_event(cs_slice method, cs_slice path, cs_slice prefix, int64_t *id);

#endif
