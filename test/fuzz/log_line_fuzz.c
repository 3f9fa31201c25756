/*
 * test/fuzz/log_line_fuzz.c
 *     Lines of a log, the format told by a first byte: what is accepted is encoded and
 *     read back equal, and written in the plain format it is the same line.
 */
#include "fuzz.h"

#include "avro_decode.h"
#include "line_format.h"
#include "log_schema.h"

#define NUM_FORMATS 5
#define NUM_SCHEMAS 2 /* a log's, and a web server's */

/* What does not change from input to input. */
static line_format formats[NUM_FORMATS];
static line_parser parsers[NUM_FORMATS];
static log_schema schemas[NUM_SCHEMAS];
static cs_avro_plan *plans[NUM_SCHEMAS];

/* Make the formats, a parser of each, and the schemas that lines are encoded by. */
static void
prepare(void)
{
    static const char *request[] = {"request=r", "timestamp=t", "user_id=u"};
    const line_format_settings settings[NUM_FORMATS] = {
        {LINE_PLAIN, CS_COMBINED_USER, {NULL, 0}},
        {LINE_COMBINED, CS_COMBINED_USER, {NULL, 0}},
        {LINE_COMBINED, CS_COMBINED_HOST, {NULL, 0}},
        {LINE_JSON, CS_COMBINED_USER, {NULL, 0}},
        {LINE_JSON, CS_COMBINED_USER, {request, 3}}};
    const int wanted[LOG_FIELDS] = {0, 1, 2, 3};
    cs_error err;

    for (int i = 0; i < NUM_FORMATS; i++)
    {
        fuzz_check(line_format_choose(&formats[i], &settings[i], "format") == STATUS_OK);
        fuzz_check(line_parser_open(&parsers[i], &formats[i]) == STATUS_OK);
    }
    for (int i = 0; i < NUM_SCHEMAS; i++)
    {
        fuzz_check(log_schema_load(&schemas[i], NULL, i == 0 ? LINE_PLAIN : LINE_COMBINED) ==
                   STATUS_OK);
        fuzz_check(schemas[i].avro->num_fields == LOG_FIELDS);
        fuzz_check_ok(cs_avro_plan_make(cs_malloc_env(), schemas[i].avro, NULL, wanted, LOG_FIELDS,
                                        NULL, &plans[i], &err),
                      &err, "a plan");
    }
}

/* Check a field of text that was accepted. */
static void
check_text(cs_slice text)
{
    cs_error err;

    fuzz_check(text.len > 0 && cs_utf8_valid(text.data, text.len));
    fuzz_check_ok(cs_log_text_check(text, "text", &err), &err, "accepted text");
}

/* Encode the line, decode it, and compare. */
static void
check_encoded(const log_schema *schema, const cs_avro_plan *plan, const cs_log_line *line)
{
    cs_value values[LOG_FIELDS];
    cs_avro_cursor cursor;
    cs_avro_block block;
    cs_buffer record;
    cs_error err;
    cs_code code;

    cs_buffer_init(&record, fuzz_env());
    code = log_schema_encode(schema, line, &record, &err);
    if (code != CS_OK)
    {
        fuzz_check_error(code, &err);
        fuzz_check(code == CS_ERR_RANGE && record.len == 0);
    }
    else
    {
        block = (cs_avro_block){.records = 1, .first_record = 1, .len = record.len};
        fuzz_check_ok(cs_buffer_append(&record, "0123456789abcdef", CS_AVRO_BLOCK_SLACK, &err),
                      &err, "slack");
        block.data = record.data;
        cs_avro_cursor_init(&cursor, plan, &block);
        fuzz_check_ok(cs_avro_cursor_next(&cursor, values, &err), &err, "decoding");
        fuzz_check(values[0].kind == CS_VALUE_TIME && values[0].as.time == line->time);
        fuzz_check_same(values[1].as.bytes, line->method, "the method");
        fuzz_check_same(values[2].as.bytes, line->path, "the path");
        fuzz_check((values[3].kind == CS_VALUE_NULL) == (line->user_id.data == NULL));
        if (line->user_id.data != NULL)
            fuzz_check_same(values[3].as.bytes, line->user_id, "the user");
        fuzz_check(cs_avro_cursor_next(&cursor, values, &err) == CS_END);
    }
    cs_buffer_free(&record);
}

/* True if the plain format can hold the text. */
static bool
is_plain(cs_slice text)
{
    return text.data != NULL && memchr(text.data, ' ', text.len) == NULL;
}

/* Write the line in the plain format, and read it. */
static void
check_rewritten(const cs_log_line *line)
{
    char time[CS_TIME_TEXT_SIZE];
    cs_slice parts[4] = {{time, 0}, line->method, line->path, line->user_id};
    cs_log_line again;
    cs_buffer text;
    cs_error err;

    if (!is_plain(line->method) || !is_plain(line->path) || !is_plain(line->user_id) ||
        line->method.len + line->path.len + line->user_id.len > CS_LOG_LINE_MAX_BYTES / 2)
        return;
    parts[0].len = cs_time_format(line->time, time);
    cs_buffer_init(&text, fuzz_env());
    for (int i = 0; i < 4; i++)
        fuzz_check_ok(cs_buffer_append(&text, i > 0 ? " " : "", i > 0, &err) == CS_OK
                          ? cs_buffer_append(&text, parts[i].data, parts[i].len, &err)
                          : CS_ERR_MEMORY,
                      &err, "a line");
    fuzz_check_ok(cs_log_line_parse(fuzz_slice(&text), &again, &err), &err, "reading again");
    fuzz_check(again.time == line->time);
    fuzz_check_same(again.method, line->method, "the method");
    fuzz_check_same(again.path, line->path, "the path");
    fuzz_check_same(again.user_id, line->user_id, "the user");
    cs_buffer_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    int format = fuzz_take_byte(&input) % NUM_FORMATS;
    cs_slice text = fuzz_take_rest(&input);
    cs_log_line line;
    cs_error err;
    cs_code code;

    if (plans[0] == NULL)
        prepare();
    code = line_parser_read(&parsers[format], text, &line, &err);
    if (code != CS_OK)
    {
        fuzz_check_error(code, &err);
        fuzz_check(code == CS_ERR_DATA, "(%s)", err.message);
    }
    else
    {
        fuzz_check(cs_time_valid(line.time));
        check_text(line.method);
        check_text(line.path);
        if (line.user_id.data != NULL)
            check_text(line.user_id);
        for (int i = 0; i < NUM_SCHEMAS; i++)
            check_encoded(&schemas[i], plans[i], &line);
        check_rewritten(&line);
    }
    fuzz_free(text);
    return 0;
}
