/*
 * core/http_log.c
 *     The grammar of a log line.
 */
#include "http_log.h"

#define NUM_FIELDS 4

/* True if the line holds a control byte. */
static bool
has_control_byte(cs_slice line)
{
    for (size_t i = 0; i < line.len; i++)
    {
        uint8_t byte = (uint8_t) line.data[i];

        if (byte < 0x20 || byte == 0x7f)
            return true;
    }
    return false;
}

/* Split at single spaces into exactly NUM_FIELDS non-empty fields. */
static cs_code
split_fields(cs_slice line, cs_slice fields[NUM_FIELDS], cs_error *err)
{
    const char *at = line.data;
    const char *end = line.data + line.len;
    size_t count = 0;

    for (;;)
    {
        const char *space = memchr(at, ' ', (size_t) (end - at));
        const char *stop = space != NULL ? space : end;

        if (stop == at)
            return cs_fail(err, CS_ERR_DATA, "empty field: fields are separated by one space");
        if (count < NUM_FIELDS)
            fields[count] = (cs_slice){at, (size_t) (stop - at)};
        count++;
        if (space == NULL)
            break;
        at = space + 1;
    }
    if (count != NUM_FIELDS)
        return cs_fail(err, CS_ERR_DATA, "line has %zu %s instead of %d", count,
                       count == 1 ? "field" : "fields", NUM_FIELDS);
    return CS_OK;
}

cs_code
cs_log_line_parse(cs_slice line, cs_log_line *out, cs_error *err)
{
    cs_slice fields[NUM_FIELDS];

    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    if (line.len == 0)
        return cs_fail(err, CS_ERR_DATA, "line is empty");
    if (line.len > CS_LOG_LINE_MAX_BYTES)
        return cs_fail(err, CS_ERR_DATA, "line is longer than %d bytes", CS_LOG_LINE_MAX_BYTES);
    if (has_control_byte(line))
        return cs_fail(err, CS_ERR_DATA, "line holds a control character");
    if (!cs_utf8_valid(line.data, line.len))
        return cs_fail(err, CS_ERR_DATA, "line is not valid UTF-8");
    CS_TRY(split_fields(line, fields, err));
    CS_TRY(cs_time_parse(fields[0], CS_TIME_RFC3339, &out->time, err));
    out->method = fields[1];
    out->path = fields[2];
    out->user_id = fields[3];
    return CS_OK;
}
