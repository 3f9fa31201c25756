/*
 * loader/csv_source.c
 *     The records of a CSV file as rows (RFC 4180).
 *
 * The first record names the columns. Fields are separated by commas, or by what
 * the format says, and records end with LF or CR LF. A field in double quotes may
 * hold any of these characters, and a double quote doubled. An empty field without
 * quotes is NULL. Empty lines at the end are no records. Memory holds one record,
 * of at most CSV_MAX_RECORD_BYTES. Text of another encoding becomes UTF-8 before
 * anything else is looked at.
 *
 * A record is found first, then split: its end is the first line feed outside
 * quotes. Quotes are taken for what they are only at a field's start, so that a
 * stray one does not swallow the rest of the file.
 */
#include "row_source.h"

#include "line_format.h"
#include "log.h"
#include "stop.h"
#include "text_decoder.h"
#include "utf8.h"

#include <stdlib.h>

#define MAX_COLUMNS 1600 /* of a table, in the server */

typedef struct csv_source
{
    row_source base;
    char delimiter;
    cs_slice null_text;
    text_decoder decoder;
    cs_buffer encoded;   /* what was read and not yet decoded */
    cs_buffer buffer;    /* what was read and not yet passed */
    size_t start;        /* of the current record in the buffer */
    size_t end;          /* of the current record, its line's end not counted */
    size_t next;         /* where the next one starts */
    bool at_end;         /* the file has no more */
    int64_t next_line;   /* the number of the line at next */
    cs_buffer header;    /* the names, each terminated */
    cs_buffer unescaped; /* fields of the record whose quotes were undone */

    /* A record that is found, but lies behind empty lines that come first */
    bool found;
    int64_t found_line;
    int64_t blanks; /* empty lines that are still to be refused */
    int64_t blank_line;
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

/* Read more to the end of a buffer, up to len bytes. */
static cs_code
read_more(csv_source *source, cs_buffer *buffer, size_t len, cs_error *err)
{
    int64_t got;

    CS_TRY(cs_buffer_reserve(buffer, len, err));
    got = file_source_read(source->base.file, buffer->data + buffer->len, len);
    if (got < 0)
        return file_source_error(source->base.file, err);
    buffer->len += (size_t) got;
    source->at_end = got == 0;
    return CS_OK;
}

/* Read more behind what is in the buffer; CS_END if there is no more. */
static cs_code
fill(csv_source *source, cs_error *err)
{
    if (source->at_end)
        return CS_END;
    if (source->start > 0)
    {
        source->buffer.len -= source->start;
        memmove(source->buffer.data, source->buffer.data + source->start, source->buffer.len);
        source->start = 0;
    }
    if (!text_decoder_is_active(&source->decoder))
    {
        CS_TRY(read_more(source, &source->buffer, READ_BUFFER_BYTES, err));
        return source->at_end ? CS_END : CS_OK;
    }
    CS_TRY(read_more(source, &source->encoded, READ_BUFFER_BYTES, err));
    return text_decoder_run(&source->decoder, &source->encoded, source->at_end, &source->buffer,
                            err);
}

/*
 * Look on for the end of the record in the bytes that are there; true if found,
 * scan->at then being that of its line feed.
 */
static bool
scan_on(const csv_source *source, scan_state *scan)
{
    const uint8_t *bytes = source->buffer.data; /* NULL before the first ones */
    size_t start = source->start, len = source->buffer.len - start;

    for (; scan->at < len; scan->at++)
    {
        char c = (char) bytes[start + scan->at];

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
            scan->field_start = c == source->delimiter;
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
    if (from < end && *from != source->delimiter)
        return refuse(why, SQLSTATE_BAD_COPY_FORMAT, "text stands behind a closing quote");
    *field =
        (cs_slice){(const char *) source->unescaped.data + start, source->unescaped.len - start};
    *at = from;
    return CS_OK;
}

/* Take a field without quotes; *at goes behind it. */
static cs_code
take_plain(const csv_source *source, const char **at, const char *end, cs_slice *field,
           refusal *why)
{
    const char *delimiter = memchr(*at, source->delimiter, (size_t) (end - *at));
    const char *stop = delimiter != NULL ? delimiter : end;

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
check_text(const csv_source *source, cs_slice field, refusal *why)
{
    if (!cs_utf8_valid(field.data, field.len))
        return refuse(why, SQLSTATE_BAD_ENCODING, "text is not valid %s",
                      text_decoder_is_active(&source->decoder) ? source->decoder.encoding
                                                               : "UTF-8");
    if (memchr(field.data, '\0', field.len) != NULL)
        return refuse(why, SQLSTATE_BAD_ENCODING, "text holds a NUL character");
    return CS_OK;
}

/* True if a field without quotes stands for NULL. */
static bool
is_null_text(const csv_source *source, cs_slice field)
{
    return field.len == source->null_text.len &&
           memcmp(field.data, source->null_text.data, field.len) == 0;
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
                      : take_plain(source, &at, end, &field, why));
        if (*count < limit)
        {
            code = check_text(source, field, why);
            if (code != CS_OK && source->base.fields != NULL)
                why->column = source->base.fields[*count].name;
            CS_TRY(code);
            values[*count].kind =
                quoted || !is_null_text(source, field) ? CS_VALUE_STRING : CS_VALUE_NULL;
            values[*count].as.bytes = field;
        }
        ++*count;
        if (at == end)
            return CS_OK;
    }
}

/*
 * Find the record that is to be read next, counting empty lines before it; at the end
 * of the file they do not count. In a file of one column an empty line is a record.
 */
static cs_code
find_next(csv_source *source, cs_error *err)
{
    if (source->found)
        return CS_OK;
    source->blank_line = source->next_line;
    for (source->blanks = 0;; source->blanks++)
    {
        CS_TRY(find_record(source, err));
        if (source->end > source->start || source->base.num_fields == 1)
            break;
    }
    source->found = true;
    source->found_line = source->base.line;
    return CS_OK;
}

/* Refuse a record for its number of fields. */
static cs_code
refuse_count(const csv_source *source, size_t count, refusal *why)
{
    return refuse(why, SQLSTATE_BAD_COPY_FORMAT, "record has %zu %s, the header has %zu", count,
                  count == 1 ? "field" : "fields", source->base.num_fields);
}

/* row_source_ops.next */
static cs_code
next(row_source *base, cs_value *values, refusal *why)
{
    csv_source *source = (csv_source *) base;
    size_t count;

    CS_TRY(find_next(source, &why->err));
    base->rows++;
    if (source->blanks > 0)
    {
        source->blanks--;
        base->line = source->blank_line++;
        base->raw = (cs_slice){"", 0};
        return refuse_count(source, 1, why);
    }
    source->found = false;
    base->line = source->found_line;
    base->raw =
        (cs_slice){(const char *) source->buffer.data + source->start, source->end - source->start};
    CS_TRY(split_record(source, values, base->num_fields, &count, why));
    return count == base->num_fields ? CS_OK : refuse_count(source, count, why);
}

/* row_source_ops.close */
static void
close_source(row_source *base)
{
    csv_source *source = (csv_source *) base;

    text_decoder_close(&source->decoder);
    cs_buffer_free(&source->encoded);
    cs_buffer_free(&source->buffer);
    cs_buffer_free(&source->header);
    cs_buffer_free(&source->unescaped);
    free(base->fields);
    free(source);
}

static const row_source_ops ops = {next, row_source_text, close_source};

/* Refuse the file for its header. */
static exit_status
refuse_header(const csv_source *source, const char *problem)
{
    log_error("%s: %s", source->base.file->name, problem);
    log_detail("A file is Avro, or CSV whose first line names the columns, in UTF-8 unless "
               "\"--encoding\" says otherwise.");
    return STATUS_REFUSED;
}

/* Refuse a log, which is for encode, by its first line. */
static exit_status
check_no_log(const csv_source *source)
{
    cs_slice line = {(const char *) source->buffer.data + source->start,
                     source->end - source->start};
    const char *format = line_format_guess(line);
    bool is_json = line.len >= 2 && memcmp(line.data, "{\"", 2) == 0; /* which no CSV begins with */
    cs_log_line fields;
    cs_error err;

    if (cs_log_line_parse(line, &fields, &err) == CS_OK)
        format = line_format_names[LINE_PLAIN];
    if (format == NULL || (format == line_format_names[LINE_JSON] && !is_json))
        return STATUS_OK;
    log_error("%s: file is neither Avro nor CSV, but looks like a log of the format %s",
              source->base.file->name, format);
    log_hint("\"%s encode --format %s\" turns a log into Avro, which can be loaded.", PROGRAM_NAME,
             format);
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

    while (code == CS_OK && source->buffer.len < UTF8_MARK_BYTES)
        code = fill(source, err);
    if (source->buffer.len >= UTF8_MARK_BYTES &&
        memcmp(source->buffer.data, UTF8_MARK, UTF8_MARK_BYTES) == 0)
        source->next = UTF8_MARK_BYTES;
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
    STATUS_TRY(check_no_log(source));
    code = split_record(source, values, MAX_COLUMNS, &count, &why);
    if (code == CS_ERR_RANGE)
        return refuse_header(source, why.err.message);
    if (code != CS_OK)
        return log_core_error(&why.err, source->base.file->name);
    if (count > MAX_COLUMNS)
        return refuse_header(source, "the header line has more names than a table has columns");
    return keep_names(source, values, count);
}

/* Use the delimiter and what NULL is. */
static exit_status
use_format(csv_source *source, const row_format *format)
{
    const char *delimiter = format->delimiter != NULL ? format->delimiter : ",";

    if (strcmp(delimiter, "\\t") == 0)
        delimiter = "\t";
    source->delimiter = delimiter[0];
    source->null_text = cs_slice_of(format->null_text != NULL ? format->null_text : "");
    if (strlen(delimiter) == 1 && (uint8_t) delimiter[0] < 0x80 &&
        strchr("\"\r\n", delimiter[0]) == NULL)
        return STATUS_OK;
    log_error("invalid delimiter \"%s\"", format->delimiter);
    log_hint("It is one character of ASCII, but no quote and no line's end; \"\\t\" is a tab.");
    return STATUS_USAGE;
}

/* Start to read: choose the decoder, by the file's first bytes where no encoding is given. */
static exit_status
start_reading(csv_source *source, const char *encoding)
{
    cs_buffer *encoded = &source->encoded;
    cs_code code = CS_OK;
    cs_error err;

    while (code == CS_OK && !source->at_end && encoded->len < ENCODING_MARK_BYTES)
        code = read_more(source, encoded, ENCODING_MARK_BYTES - encoded->len, &err);
    if (code != CS_OK)
        return log_core_error(&err, source->base.file->name);
    STATUS_TRY(text_decoder_open(
        &source->decoder,
        encoding != NULL ? encoding : text_encoding_of_mark(encoded->data, encoded->len)));
    if (text_decoder_is_active(&source->decoder))
        return STATUS_OK;
    if (cs_buffer_append(&source->buffer, encoded->data, encoded->len, &err) != CS_OK)
        return log_core_error(&err, source->base.file->name);
    return STATUS_OK;
}

/* Refuse Avro within a compressed file. */
static exit_status
check_content(const csv_source *source)
{
    if (source->encoded.len < CS_AVRO_MAGIC_BYTES ||
        memcmp(source->encoded.data, CS_AVRO_MAGIC, CS_AVRO_MAGIC_BYTES) != 0)
        return STATUS_OK;
    log_error("%s: file is Avro in a compressed file", source->base.file->name);
    log_hint("Decompress it first: Avro compresses its own blocks.");
    return STATUS_REFUSED;
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

/* Open the file within the file, and read its header. */
static exit_status
open_content(csv_source *source, const row_format *format)
{
    STATUS_TRY(use_format(source, format));
    STATUS_TRY(file_source_decompress(source->base.file));
    STATUS_TRY(row_source_identify(&source->base));
    STATUS_TRY(start_reading(source, format->encoding));
    STATUS_TRY(check_content(source));
    return read_header(source);
}

exit_status
csv_source_open(row_source **out, file_source *file, const row_format *format)
{
    csv_source *source = calloc(1, sizeof(csv_source));
    exit_status status;

    if (source == NULL)
        return log_out_of_memory();
    row_source_init_text(&source->base, &ops, file);
    source->next_line = 1;
    cs_buffer_init(&source->encoded, loader_env());
    cs_buffer_init(&source->buffer, loader_env());
    cs_buffer_init(&source->header, loader_env());
    cs_buffer_init(&source->unescaped, loader_env());
    status = open_content(source, format);
    if (status == STATUS_OK)
        *out = &source->base;
    else
        close_source(&source->base);
    return status;
}
