/*
 * core/avro_input.c
 *     Reading a source by position.
 */
#include "avro_input.h"
#include "varint.h"

#include <errno.h>

/* What is asked for at a time where the size of the source is not known. */
#define GROW_STEP_BYTES ((size_t) 1024 * 1024)

cs_code
cs_input_open(cs_avro_input *input, const cs_env *env, const cs_source *source, cs_error *err)
{
    memset(input, 0, sizeof(*input));
    input->env = env;
    input->source = *source;
    input->window = cs_allocate(env, CS_INPUT_WINDOW_BYTES);
    return input->window != NULL ? CS_OK : cs_fail_memory(err, CS_INPUT_WINDOW_BYTES);
}

/* Free the window. The source is the caller's to close. */
void
cs_input_close(cs_avro_input *input)
{
    cs_release(input->env, input->window);
    input->window = NULL;
}

cs_code
cs_input_locate(const cs_avro_input *input, uint64_t at, cs_code code, cs_error *err)
{
    err->file = input->source.name;
    if (err->offset < 0)
        err->offset = (int64_t) at;
    return code;
}

cs_code
cs_input_fail_truncated(const cs_avro_input *input, uint64_t at, const char *what, cs_error *err)
{
    cs_fail(err, CS_ERR_DATA, "file is truncated: it ends inside %s", what);
    return cs_input_locate(input, at, CS_ERR_DATA, err);
}

cs_code
cs_input_check_left(const cs_avro_input *input, uint64_t at, uint64_t len, const char *what,
                    cs_error *err)
{
    uint64_t left;

    if (!cs_input_sized(input))
        return CS_OK;
    left = at < (uint64_t) input->source.size ? (uint64_t) input->source.size - at : 0;
    if (len <= left)
        return CS_OK;
    cs_fail(err, CS_ERR_DATA,
            "file is truncated or damaged: %s of %llu bytes, but %llu bytes are left", what,
            (unsigned long long) len, (unsigned long long) left);
    return cs_input_locate(input, at, CS_ERR_DATA, err);
}

/* Read up to len bytes from the source; *got is 0 at its end. */
static cs_code
read_some(cs_avro_input *input, uint64_t at, void *data, size_t len, size_t *got, cs_error *err)
{
    int64_t n = -1;

    if (cs_input_sized(input) || at == input->read_to)
        n = input->source.read_at(input->source.ctx, at, data, len);
    else
        errno = ESPIPE;
    if (n < 0)
    {
        int saved = errno;

        cs_fail(err, CS_ERR_IO, "could not read: %s", strerror(saved));
        err->sys_errno = saved;
        return cs_input_locate(input, at, CS_ERR_IO, err);
    }
    input->read_to = at + (uint64_t) n;
    *got = (size_t) n;
    return CS_OK;
}

/* Let the window begin at a position, keeping what it holds from there on. */
static void
move_window(cs_avro_input *input, uint64_t at)
{
    size_t passed;

    if (at < input->start || at > input->start + input->len)
    {
        input->start = at;
        input->len = 0;
        return;
    }
    passed = (size_t) (at - input->start);
    memmove(input->window, input->window + passed, input->len - passed);
    input->start = at;
    input->len -= passed;
}

/* Read behind what the window holds until there are want bytes, or the file ends. */
static cs_code
fill_window(cs_avro_input *input, size_t want, size_t ahead, cs_error *err)
{
    size_t most = ahead < CS_INPUT_WINDOW_BYTES ? ahead : CS_INPUT_WINDOW_BYTES;

    if (most < want)
        most = want;
    while (input->len < want)
    {
        size_t got;

        CS_TRY(read_some(input, input->start + input->len, input->window + input->len,
                         most - input->len, &got, err));
        if (got == 0)
            break;
        input->len += got;
    }
    return CS_OK;
}

cs_code
cs_input_peek(cs_avro_input *input, uint64_t at, size_t want, size_t ahead, const uint8_t **data,
              size_t *got, cs_error *err)
{
    uint64_t held = input->start + input->len;

    if (cs_input_is_behind(input, at + want))
        want =
            at < (uint64_t) input->source.size ? (size_t) (input->source.size - (int64_t) at) : 0;
    if (at < input->start || at > held || held - at < want)
    {
        move_window(input, at);
        CS_TRY(fill_window(input, want, ahead, err));
        held = input->start + input->len;
    }
    *data = input->window + (at - input->start);
    *got = held - at < want ? (size_t) (held - at) : want;
    return CS_OK;
}

void
cs_input_offer(cs_avro_input *input, uint64_t at, const uint8_t *bytes, size_t len)
{
    if (at >= input->start && at + len <= input->start + input->len)
        return;
    memcpy(input->window, bytes, len);
    input->start = at;
    input->len = len;
}

cs_code
cs_input_long(cs_avro_input *input, uint64_t at, size_t ahead, const char *what, int64_t *value,
              cs_slice *bytes, cs_error *err)
{
    const uint8_t *data, *next;
    uint64_t raw;
    size_t got;

    /* Of a pipe no more is asked for than must be there. */
    for (size_t want = cs_input_sized(input) ? CS_VARINT_MAX_BYTES : 1;; want++)
    {
        CS_TRY(cs_input_peek(input, at, want, ahead, &data, &got, err));
        if (got == 0)
            return CS_END;
        next = cs_varint_get(data, data + got, &raw);
        if (next != NULL || got == CS_VARINT_MAX_BYTES)
            break;
        if (got < want)
            return cs_input_fail_truncated(input, at + got, what, err);
    }
    if (next == NULL)
    {
        cs_fail(err, CS_ERR_DATA, "%s is not a valid number", what);
        return cs_input_locate(input, at, CS_ERR_DATA, err);
    }
    *value = cs_unzigzag(raw);
    *bytes = (cs_slice){(const char *) data, (size_t) (next - data)};
    return CS_OK;
}

/* Append what the window holds from at on, up to len bytes; *taken says how many. */
static cs_code
take_from_window(cs_avro_input *input, uint64_t at, size_t len, cs_buffer *out, size_t *taken,
                 cs_error *err)
{
    *taken = 0;
    if (at < input->start || at >= input->start + input->len)
        return CS_OK;
    *taken = (size_t) (input->start + input->len - at);
    if (*taken > len)
        *taken = len;
    return cs_buffer_append(out, input->window + (at - input->start), *taken, err);
}

cs_code
cs_input_read(cs_avro_input *input, uint64_t at, size_t len, size_t tail, cs_buffer *out,
              const char *what, cs_error *err)
{
    uint64_t end = at + len;
    size_t taken;

    CS_TRY(cs_buffer_reserve(out, len < GROW_STEP_BYTES || cs_input_sized(input) ? len + tail : 0,
                             err));
    CS_TRY(take_from_window(input, at, len, out, &taken, err));
    if (taken == len) /* it may hold more, which stays */
        return CS_OK;
    if (!cs_input_sized(input))
        tail = 0; /* a pipe would have to wait for it */
    for (at += taken; at < end;)
    {
        size_t left = (size_t) (end - at);
        size_t step =
            cs_input_sized(input) || left < GROW_STEP_BYTES ? left + tail : GROW_STEP_BYTES;
        size_t got;

        CS_TRY(cs_buffer_reserve(out, step, err));
        CS_TRY(read_some(input, at, out->data + out->len, step, &got, err));
        if (got == 0)
            return cs_input_fail_truncated(input, at, what, err);
        at += got;
        out->len += got;
    }
    out->len -= (size_t) (at - end);
    input->len = 0;
    cs_input_offer(input, end, out->data + out->len, (size_t) (at - end));
    return CS_OK;
}
