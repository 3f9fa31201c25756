/*
 * loader/offline_events.c
 *     Reading events from records and lines.
 */
#include "offline_events.h"

#include "column_type.h"
#include "http_event.h"
#include "http_log.h"
#include "line_reader.h"
#include "stop.h"
#include "text_value.h"

/* What reading a chunk needs. */
typedef struct event_reader
{
    input_reader *reader;
    const event_reading *reading;
    line_parser parser;
    pile_set *piles;
    cs_buffer texts[LOG_COLUMNS]; /* of values that are not text */
} event_reader;

/* Put an event on its pile. */
static inline exit_status
add_event(event_reader *events, cs_time time, cs_slice method, cs_slice path, cs_slice user)
{
    cs_event event = {.time = time};

    event.kind = cs_http_event(method, path, events->reading->prefix, &event.id);
    events->reader->counts.events++;
    return pile_set_add(events->piles, user, &event);
}

/* A value as text, as the log's table would have it; NULL is empty. */
static inline cs_code
take_text(event_reader *events, log_column column, const cs_value *value, cs_slice *text,
          refusal *why)
{
    cs_buffer *buffer = &events->texts[column];

    if (value->kind == CS_VALUE_STRING)
        *text = value->as.bytes;
    else if (value->kind == CS_VALUE_NULL)
        *text = (cs_slice){"", 0};
    else
    {
        buffer->len = 0;
        CS_TRY(column_type_find(TEXTOID)->append(value, buffer, why));
        *text = (cs_slice){(const char *) buffer->data, buffer->len};
    }
    return CS_OK;
}

/* Take the values of a record; CS_ERR_RANGE if the record is refused. */
static inline cs_code
take_record(event_reader *events, const cs_value *values, exit_status *status, refusal *why)
{
    const cs_value *at = &values[COLUMN_TIME];
    cs_slice method, path, user;
    cs_time time = at->as.time;

    if (at->kind == CS_VALUE_NULL)
    {
        events->reader->counts.without_time++;
        return CS_OK;
    }
    if (at->kind == CS_VALUE_STRING)
        CS_TRY(text_to_time(at->as.bytes, &time, why));
    if (values[COLUMN_USER].kind == CS_VALUE_NULL)
    {
        events->reader->counts.without_user++;
        return CS_OK;
    }
    CS_TRY(take_text(events, COLUMN_METHOD, &values[COLUMN_METHOD], &method, why));
    CS_TRY(take_text(events, COLUMN_PATH, &values[COLUMN_PATH], &path, why));
    CS_TRY(take_text(events, COLUMN_USER, &values[COLUMN_USER], &user, why));
    *status = add_event(events, time, method, path, user);
    return CS_OK;
}

/* Refuse the record that was read last; it begins at start. */
static exit_status
refuse_record(event_reader *events, const cs_avro_cursor *cursor, const uint8_t *start,
              const cs_error *err)
{
    const char *column = err->field >= 0 ? log_column_names[err->field] : NULL;
    size_t size = (size_t) (cursor->at - start);
    cs_avro_cursor before = *cursor;

    before.at = start;
    before.done--;
    return input_reject_record(events->reader, &before, size, err->message, column);
}

/* Read the records of a block. */
static exit_status
read_block(event_reader *events)
{
    const cs_avro_plan *plan;
    cs_value values[LOG_COLUMNS];
    exit_status status = STATUS_OK;
    cs_avro_cursor cursor;
    cs_avro_block block;
    refusal why;

    STATUS_TRY(input_load_block(events->reader, &block, &plan));
    cs_avro_cursor_init(&cursor, plan, &block);
    while (status == STATUS_OK)
    {
        const uint8_t *start = cursor.at;
        cs_code code = cs_avro_cursor_next(&cursor, values, &why.err);

        if (code == CS_END)
            return STATUS_OK;
        if (code == CS_OK)
            code = take_record(events, values, &status, &why);
        if (code == CS_ERR_RANGE)
            status = refuse_record(events, &cursor, start, &why.err);
        else if (code != CS_OK)
            return input_report(events->reader, &why.err);
    }
    return status;
}

/* Refuse a line; of one that is too long the beginning is kept. */
static exit_status
refuse_line(event_reader *events, int64_t number, cs_slice line, const char *reason)
{
    reject item = {.line = number, .block = -1, .reason = reason, .text = line};

    item.cut = text_is_too_long(line);
    if (item.cut)
        item.text = text_beginning(line);
    else if (line.len > 0 && line.data[line.len - 1] == '\r')
        item.text.len--;
    return input_reject(events->reader, &item);
}

/* Read one line. */
static exit_status
read_line(event_reader *events, int64_t number, cs_slice line)
{
    cs_log_line fields;
    cs_error err;
    cs_code code;

    if (text_is_too_long(line))
        code = cs_fail(&err, CS_ERR_DATA, "line is longer than %d bytes", CS_LOG_LINE_MAX_BYTES);
    else
        code = line_parser_read(&events->parser, line, &fields, &err);
    if (code == CS_OK && fields.user_id.data == NULL)
    {
        events->reader->counts.without_user++;
        return STATUS_OK;
    }
    if (code == CS_OK)
        return add_event(events, fields.time, fields.method, fields.path, fields.user_id);
    return refuse_line(events, number, line, err.message);
}

/* Read the lines of a chunk. */
static exit_status
read_lines(event_reader *events)
{
    const input_chunk *chunk = &events->reader->chunk;
    const char *at = chunk->text.data;
    const char *end = at + chunk->text.len;
    int64_t number = chunk->first_line;

    while (at < end)
    {
        const char *feed = memchr(at, '\n', (size_t) (end - at));
        const char *stop = feed != NULL ? feed : end;

        STATUS_TRY(read_line(events, number++, (cs_slice){at, (size_t) (stop - at)}));
        at = stop + 1;
    }
    return STATUS_OK;
}

/* Read chunk after chunk. */
static exit_status
read_chunks(event_reader *events)
{
    bool end;

    for (;;)
    {
        STATUS_TRY(input_next(events->reader, &end));
        if (end)
            return STATUS_OK;
        STATUS_TRY(events->reader->chunk.is_text ? read_lines(events) : read_block(events));
    }
}

exit_status
events_read(input_reader *reader, const event_reading *reading, pile_set *piles)
{
    event_reader events = {.reader = reader, .reading = reading, .piles = piles};
    exit_status status;

    for (int i = 0; i < LOG_COLUMNS; i++)
        cs_buffer_init(&events.texts[i], loader_env());
    status = line_parser_open(&events.parser, &reading->format);
    if (status == STATUS_OK)
        status = read_chunks(&events);
    if (status != STATUS_OK)
        input_fail(reader, status);
    line_parser_close(&events.parser);
    for (int i = 0; i < LOG_COLUMNS; i++)
        cs_buffer_free(&events.texts[i]);
    return status;
}
