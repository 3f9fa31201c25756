/*
 * core/http_event.c
 *     From method and path to view, issue or other.
 */
#include "http_event.h"

/* If slice starts with text, cut it off. */
static bool
cut_prefix(cs_slice *slice, cs_slice text)
{
    if (slice->len < text.len || (text.len > 0 && memcmp(slice->data, text.data, text.len) != 0))
        return false;
    slice->data += text.len;
    slice->len -= text.len;
    return true;
}

/* Cut decimal digits that fit 64 bits off the front of slice. */
static bool
cut_id(cs_slice *slice, int64_t *id)
{
    int64_t value = 0;
    size_t count = 0;

    for (; count < slice->len && slice->data[count] >= '0' && slice->data[count] <= '9'; count++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, slice->data[count] - '0', &value))
            return false;
    slice->data += count;
    slice->len -= count;
    *id = value;
    return count > 0;
}

/* True if nothing of the path follows but one slash, a query or a fragment. */
static bool
is_path_end(cs_slice rest)
{
    if (rest.len > 0 && rest.data[0] == '/')
    {
        rest.data++;
        rest.len--;
    }
    return rest.len == 0 || rest.data[0] == '?' || rest.data[0] == '#';
}

cs_kind
cs_http_event(cs_slice method, cs_slice path, cs_slice prefix, int64_t *id)
{
    cs_kind kind = CS_OTHER;

    *id = 0;
    if (!cut_prefix(&path, prefix))
        return CS_OTHER;
    if (cs_slice_is(method, "GET") && cut_prefix(&path, cs_slice_of("/campaigns/")))
        kind = CS_VIEW;
    else if (cs_slice_is(method, "POST") && cut_prefix(&path, cs_slice_of("/rewards/")))
        kind = CS_ISSUE;
    if (kind == CS_OTHER || !cut_id(&path, id) || !is_path_end(path))
    {
        *id = 0;
        return CS_OTHER;
    }
    return kind;
}
