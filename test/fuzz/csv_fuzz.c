/*
 * test/fuzz/csv_fuzz.c
 *     A file of CSV, or of MovieLens, behind a byte that says which, its delimiter and its
 *     encoding: what is read is text, and written as CSV it reads the same.
 */
#include "fuzz.h"

#include "row_source.h"

#include <unistd.h>

#define MAX_COLUMNS 1600

/* The formats that the first byte chooses from. */
static const row_format formats[] = {
    {.kind = SOURCE_AUTO},
    {.delimiter = "\\t", .null_text = "\\N"},
    {.delimiter = ";", .null_text = "NULL"},
    {.encoding = "UTF-16LE"},
    {.encoding = "ISO-8859-1"},
    {.kind = SOURCE_MOVIELENS},
    {.encoding = "SHIFT_JIS"},
};

#define NUM_FORMATS (sizeof(formats) / sizeof(formats[0]))

/* Append text. */
static void
put(cs_buffer *out, const char *text, size_t len)
{
    cs_error err;

    fuzz_check_ok(cs_buffer_append(out, text, len, &err), &err, "writing");
}

/* Append a field of CSV: NULL without quotes, all else with them. */
static void
put_field(cs_buffer *out, const cs_value *value)
{
    if (value->kind == CS_VALUE_NULL)
        return;
    put(out, "\"", 1);
    for (size_t i = 0; i < value->as.bytes.len; i++)
        put(out, value->as.bytes.data[i] == '"' ? "\"\"" : value->as.bytes.data + i,
            value->as.bytes.data[i] == '"' ? 2 : 1);
    put(out, "\"", 1);
}

/* Check a row, and write it. */
static void
take_row(const row_source *source, const cs_value *values, cs_buffer *out)
{
    for (size_t i = 0; i < source->num_fields; i++)
    {
        fuzz_check(values[i].kind == CS_VALUE_NULL || values[i].kind == source->fields[i].kind);
        put(out, ",", i > 0);
        if (values[i].kind == CS_VALUE_STRING)
        {
            cs_slice text = values[i].as.bytes;

            fuzz_check(cs_utf8_valid(text.data, text.len));
            fuzz_check(text.len == 0 || memchr(text.data, '\0', text.len) == NULL);
        }
        else if (values[i].kind == CS_VALUE_TIME)
            fuzz_check(cs_time_valid(values[i].as.time));
        if (values[i].kind != CS_VALUE_TIME)
            put_field(out, &values[i]);
    }
    put(out, "\n", 1);
}

/* Check why a row is refused, and show it. */
static void
take_refusal(row_source *source, const refusal *why)
{
    cs_buffer text;
    cs_slice bytes;
    cs_error err;

    fuzz_check_error(why->err.code, &why->err);
    fuzz_check(strlen(why->sqlstate) == 5);
    cs_buffer_init(&text, fuzz_env());
    fuzz_check_ok(source->ops->row_text(source, source->raw, &text, &bytes, &err), &err, "a row");
    fuzz_check_same(fuzz_slice(&text), source->raw, "the row"); /* who shows it repairs it */
    cs_buffer_free(&text);
}

/* Read the rows of a file; what is read is written. The number of rows refused, -1 where it ends
 * badly. */
static int64_t
read_rows(row_source *source, cs_buffer *out)
{
    cs_value *values = calloc(source->num_fields + 1, sizeof(cs_value));
    int64_t refused = 0, rows = 0, line = 0;
    refusal why;
    cs_code code;

    fuzz_check(values != NULL);
    while ((code = source->ops->next(source, values, &why)) == CS_OK || code == CS_ERR_RANGE)
    {
        fuzz_check(source->rows == ++rows && source->line > line);
        line = source->line;
        if (code == CS_OK)
            take_row(source, values, out);
        else
        {
            take_refusal(source, &why);
            refused++;
        }
    }
    if (code != CS_END)
        fuzz_check_error(code, &why.err);
    free(values);
    return code == CS_END ? refused : -1;
}

/* Write the names and rows of a source; as read_rows. */
static int64_t
read_source(row_source *source, cs_buffer *out)
{
    int64_t refused;

    fuzz_check(source->num_fields > 0 && source->num_fields <= MAX_COLUMNS);
    for (size_t i = 0; i < source->num_fields; i++)
    {
        cs_value name = {.kind = CS_VALUE_STRING, .as.bytes = cs_slice_of(source->fields[i].name)};

        put(out, ",", i > 0);
        put_field(out, &name);
    }
    put(out, "\n", 1);
    refused = read_rows(source, out);
    row_source_close(source);
    return refused;
}

/* Read a file by a format, and write its names and rows; -1 where it is refused. */
static int64_t
read_file(cs_slice bytes, const row_format *format, cs_buffer *out)
{
    hash_stream hash = {NULL, false};
    file_source file = {.name = FUZZ_FILE_NAME,
                        .fd = dup(fuzz_descriptor(bytes)),
                        .size = (int64_t) bytes.len,
                        .hash = &hash};
    int64_t refused = -1;
    row_source *source;
    exit_status status;

    hash_start(&hash);
    status = format->kind == SOURCE_MOVIELENS ? movielens_source_open(&source, &file)
                                              : csv_source_open(&source, &file, format);
    if (status == STATUS_OK)
        refused = read_source(source, out);
    file_source_close(&file);
    hash_free(&hash);
    return refused;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    const row_format *format = &formats[fuzz_take_byte(&input) % NUM_FORMATS];
    cs_slice bytes = fuzz_take_rest(&input);
    cs_buffer once, twice;

    cs_buffer_init(&once, fuzz_env());
    cs_buffer_init(&twice, fuzz_env());
    if (read_file(bytes, format, &once) >= 0)
    {
        fuzz_check(read_file(fuzz_slice(&once), &formats[0], &twice) == 0);
        fuzz_check_same(fuzz_slice(&twice), fuzz_slice(&once), "written and read");
    }
    cs_buffer_free(&once);
    cs_buffer_free(&twice);
    fuzz_free(bytes);
    return 0;
}
