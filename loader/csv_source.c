/*
 * loader/csv_source.c
 *     The records of a CSV file as rows (RFC 4180).
 *
 * The first record names the columns. Fields are separated by commas and
 * records end with LF or CR LF. A field in double quotes may hold any of these
 * characters, and a double quote doubled. An empty field without quotes is
 * NULL. Memory holds one record, of at most CSV_MAX_RECORD_BYTES.
 *
 * A record is found first, then split: its end is the first line feed outside
 * quotes. Quotes are taken for what they are only at a field's start, so that a
 * stray one does not swallow the rest of the file.
 */
#include "row_source.h"

#include "log.h"
#include "stop.h"

#include <stdlib.h>
#include <unistd.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define BYTE_ORDER_MARK_BYTES 3

#define MAX_COLUMNS 1600 /* of a table, in the server */

typedef struct csv_source
{
    row_source base;
    cs_buffer buffer;    /* what was read and not yet passed */
    size_t start;        /* of the current record in the buffer */
    size_t end;          /* of the current record, its line's end not counted */
    size_t next;         /* where the next one starts */
    bool at_end;         /* the file has no more */
    int64_t next_line;   /* the number of the line at next */
    cs_buffer header;    /* the names, each terminated */
    cs_buffer unescaped; /* fields of the record whose quotes were undone */
} csv_source;

/* Where the scan for a record's end stands. */
typedef struct scan_state
{
    size_t at;        /* from the record's start */
    bool in_quotes;   /* within a quoted field */
    bool closed;      /* the character before closed a quoted field */
    bool field_start; /* the next character is a field's first */
    int64_t feeds;    /* line feeds within quotes */
} scan_state;

/* Read more behind what is in the buffer; CS_END if there is no more. */
static cs_code
fill(csv_source *source, cs_error *err)
{
    int64_t got;

    if (source->at_end)
        return CS_END;
    if (source->start > 0)
    {
        source->buffer.len -= source->start;
        memmove(source->buffer.data, source->buffer.data + source->start, source->buffer.len);
        source->start = 0;
    }
    CS_TRY(cs_buffer_reserve(&source->buffer, READ_BUFFER_BYTES, err));
    got = file_source_read(source->base.file, source->buffer.data + source->buffer.len,
                           READ_BUFFER_BYTES);
    if (got < 0 && stop_requested())
        return cs_fail(err, CS_ERR_STOPPED, "interrupted");
    if (got < 0)
        return cs_fail(err, CS_ERR_IO, "could not read: %m");
    source->buffer.len += (size_t) got;
    source->at_end = got == 0;
    return got == 0 ? CS_END : CS_OK;
}

/*
 * Look on for the end of the record in the bytes that are there; true if found,
 * scan->at then being that of its line feed.
 */
static bool
scan_on(const csv_source *source, scan_state *scan)
{
    const char *record = (const char *) source->buffer.data + source->start;
    size_t len = source->buffer.len - source->start;

    for (; scan->at < len; scan->at++)
    {
        char c = record[scan->at];

        if (scan->in_quotes)
        {
            scan->closed = c == '"';
            scan->in_quotes = c != '"';
            scan->feeds += c == '\n';
        }
        else if (c == '\n')
            return true;
        else
        {
            /* a doubled quote closes and opens again */
            scan->in_quotes = c == '"' && (scan->field_start || scan->closed);
            scan->field_start = c == ',';
            scan->closed = false;
        }
    }
    return false;
}

/* Find the next record; CS_END behind the last one. */
static cs_code
find_record(csv_source *source, cs_error *err)
{
    scan_state scan = {.field_start = true};
    cs_code code = CS_OK;
    size_t len;

    source->start = source->next;
    source->base.line = source->next_line;
    while (code == CS_OK && !scan_on(source, &scan))
    {
        if (scan.at > CSV_MAX_RECORD_BYTES)
            return cs_fail(err, CS_ERR_LIMIT,
                           "line %lld: record is longer than %d bytes: is a quote left open?",
                           (long long) source->base.line, CSV_MAX_RECORD_BYTES);
        code = fill(source, err);
    }
    len = source->buffer.len - source->start;
    if (code != CS_OK && (code != CS_END || len == 0))
        return code;
    if (code == CS_END && scan.in_quotes)
        return cs_fail(err, CS_ERR_DATA, "line %lld: a quote is left open to the end of the file",
                       (long long) source->base.line);
    source->end = source->start + scan.at;
    source->next = source->end + (code == CS_OK);
    if (scan.at > 0 && source->buffer.data[source->end - 1] == '\r')
        source->end--;
    source->next_line += scan.feeds + 1;
    source->base.raw =
        (cs_slice){(const char *) source->buffer.data + source->start, source->end - source->start};
    return CS_OK;
}

/* Undo the quotes of a field; *at goes behind it. */
static cs_code
take_quoted(csv_source *source, const char **at, const char *end, cs_slice *field, refusal *why)
{
    const char *from = *at + 1;
    size_t start = source->unescaped.len;

    for (;;)
    {
        const char *quote = memchr(from, '"', (size_t) (end - from));

        if (quote == NULL)
            return refuse(why, SQLSTATE_BAD_COPY_FORMAT, "a quote is left open");
        CS_TRY(cs_buffer_append(&source->unescaped, from, (size_t) (quote - from), &why->err));
        from = quote + 1;
        if (from == end || *from != '"')
            break;
        CS_TRY(cs_buffer_append(&source->unescaped, "\"", 1, &why->err));
        from++;
    }
    if (from < end && *from != ',')
        return refuse(why, SQLSTATE_BAD_COPY_FORMAT, "text stands behind a closing quote");
    *field =
        (cs_slice){(const char *) source->unescaped.data + start, source->unescaped.len - start};
    *at = from;
    return CS_OK;
}

/* Take a field without quotes; *at goes behind it. */
static cs_code
take_plain(const char **at, const char *end, cs_slice *field, refusal *why)
{
    const char *comma = memchr(*at, ',', (size_t) (end - *at));
    const char *stop = comma != NULL ? comma : end;

    *field = (cs_slice){*at, (size_t) (stop - *at)};
    if (memchr(field->data, '"', field->len) != NULL)
        return refuse(why, SQLSTATE_BAD_COPY_FORMAT, "a quote stands in a field without quotes");
    if (memchr(field->data, '\r', field->len) != NULL)
        return refuse(why, SQLSTATE_BAD_COPY_FORMAT,
                      "a carriage return stands in a field without quotes");
    *at = stop;
    return CS_OK;
}

/* Check that a field is text that the server can take. */
static cs_code
check_text(cs_slice field, refusal *why)
{
    if (!cs_utf8_valid(field.data, field.len))
        return refuse(why, SQLSTATE_BAD_ENCODING, "text is not valid UTF-8");
    if (memchr(field.data, '\0', field.len) != NULL)
        return refuse(why, SQLSTATE_BAD_ENCODING, "text holds a NUL character");
    return CS_OK;
}

/* Split the record into up to limit values; *count is the number of fields it has. */
static cs_code
split_record(csv_source *source, cs_value *values, size_t limit, size_t *count, refusal *why)
{
    const char *at = (const char *) source->buffer.data + source->start;
    const char *end = (const char *) source->buffer.data + source->end;

    /* room for all of it, so that fields do not move while others are added */
    source->unescaped.len = 0;
    CS_TRY(cs_buffer_reserve(&source->unescaped, (size_t) (end - at), &why->err));
    for (*count = 0;; at++)
    {
        bool quoted = at < end && *at == '"';
        cs_slice field;
        cs_code code;

        CS_TRY(quoted ? take_quoted(source, &at, end, &field, why)
                      : take_plain(&at, end, &field, why));
        if (*count < limit)
        {
            code = check_text(field, why);
            if (code != CS_OK && source->base.fields != NULL)
                why->column = source->base.fields[*count].name;
            CS_TRY(code);
            values[*count].kind = quoted || field.len > 0 ? CS_VALUE_STRING : CS_VALUE_NULL;
            values[*count].as.bytes = field;
        }
        ++*count;
        if (at == end)
            return CS_OK;
    }
}

/* row_source_ops.next */
static cs_code
next(row_source *base, cs_value *values, refusal *why)
{
    csv_source *source = (csv_source *) base;
    size_t count;

    CS_TRY(find_record(source, &why->err));
    base->rows++;
    CS_TRY(split_record(source, values, base->num_fields, &count, why));
    if (count != base->num_fields)
        return refuse(why, SQLSTATE_BAD_COPY_FORMAT, "record has %zu %s, the header has %zu", count,
                      count == 1 ? "field" : "fields", base->num_fields);
    return CS_OK;
}

/* row_source_ops.row_text */
static cs_code
row_text(row_source *base, cs_slice raw, cs_buffer *text, cs_slice *bytes, cs_error *err)
{
    (void) base;
    (void) bytes;
    return cs_buffer_append(text, raw.data, raw.len, err);
}

/* row_source_ops.close */
static void
close_source(row_source *base)
{
    csv_source *source = (csv_source *) base;

    cs_buffer_free(&source->buffer);
    cs_buffer_free(&source->header);
    cs_buffer_free(&source->unescaped);
    free(base->fields);
    free(source);
}

static const row_source_ops ops = {next, row_text, close_source};

/* Refuse the file for its header. */
static exit_status
refuse_header(const csv_source *source, const char *problem)
{
    log_error("%s: %s", source->base.file->name, problem);
    log_detail("A file is Avro, or CSV in UTF-8 whose first line names the columns.");
    return STATUS_REFUSED;
}

/* Keep the names of the header; values are its fields. */
static exit_status
keep_names(csv_source *source, const cs_value *values, size_t count)
{
    cs_error err;
    const char *name;

    for (size_t i = 0; i < count; i++)
    {
        cs_slice text = values[i].as.bytes;

        if (text.len == 0)
            return refuse_header(source, "a name is missing in the header line");
        if (cs_buffer_append(&source->header, text.data, text.len, &err) != CS_OK ||
            cs_buffer_append(&source->header, "", 1, &err) != CS_OK)
            return log_core_error(&err, NULL);
    }
    source->base.fields = calloc(count, sizeof(row_field));
    if (source->base.fields == NULL)
        return log_out_of_memory();
    source->base.num_fields = count;
    name = (const char *) source->header.data;
    for (size_t i = 0; i < count; i++)
    {
        source->base.fields[i] = (row_field){name, CS_VALUE_STRING};
        name += strlen(name) + 1;
    }
    return STATUS_OK;
}

/* Pass over a byte order mark. */
static cs_code
skip_mark(csv_source *source, cs_error *err)
{
    cs_code code = CS_OK;

    while (code == CS_OK && source->buffer.len < BYTE_ORDER_MARK_BYTES)
        code = fill(source, err);
    if (source->buffer.len >= BYTE_ORDER_MARK_BYTES &&
        memcmp(source->buffer.data, BYTE_ORDER_MARK, BYTE_ORDER_MARK_BYTES) == 0)
        source->next = BYTE_ORDER_MARK_BYTES;
    return code == CS_END ? CS_OK : code;
}

/* Find and split the header line, and keep its names. */
static exit_status
use_header(csv_source *source, cs_value *values)
{
    size_t count;
    refusal why;
    cs_code code = skip_mark(source, &why.err);

    if (code == CS_OK)
        code = find_record(source, &why.err);
    if (code == CS_END)
        return refuse_header(source, "file holds no header line");
    if (code != CS_OK)
        return log_core_error(&why.err, source->base.file->name);
    code = split_record(source, values, MAX_COLUMNS, &count, &why);
    if (code == CS_ERR_RANGE)
        return refuse_header(source, why.err.message);
    if (code != CS_OK)
        return log_core_error(&why.err, source->base.file->name);
    if (count > MAX_COLUMNS)
        return refuse_header(source, "the header line has more names than a table has columns");
    return keep_names(source, values, count);
}

/* Read the header line. */
static exit_status
read_header(csv_source *source)
{
    cs_value *values = calloc(MAX_COLUMNS, sizeof(cs_value));
    exit_status status = values != NULL ? use_header(source, values) : log_out_of_memory();

    free(values);
    return status;
}

exit_status
csv_source_open(row_source **out, file_source *file)
{
    csv_source *source = calloc(1, sizeof(csv_source));
    exit_status status;

    if (source == NULL)
        return log_out_of_memory();
    row_source_init_text(&source->base, &ops, file);
    source->next_line = 1;
    cs_buffer_init(&source->buffer, loader_env());
    cs_buffer_init(&source->header, loader_env());
    cs_buffer_init(&source->unescaped, loader_env());
    status = row_source_identify(&source->base);
    if (status == STATUS_OK)
        status = read_header(source);
    if (status == STATUS_OK)
        *out = &source->base;
    else
        close_source(&source->base);
    return status;
}
