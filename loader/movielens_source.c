/*
 * loader/movielens_source.c
 *     The files of MovieLens as rows: ratings and movies.
 *
 * The older form has "::" between fields and no header: user, movie, rating and time, or
 * movie, title and genres. A title may hold "::" itself, and is ISO-8859-1 where it is
 * not valid UTF-8. The newer form is CSV with a header, read by csv_source. Times are
 * seconds since 1970. Genres have no column and are left out.
 */
#include "row_source.h"

#include "line_reader.h"
#include "log.h"
#include "stop.h"
#include "text_value.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define SEPARATOR "::"
#define SEPARATOR_BYTES 2
#define PROBE_BYTES 4096
#define MAX_FIELDS 4 /* of a row, and of a line */

/* A kind of file: its fields, and the table they go to. */
typedef struct movielens_kind
{
    const char *table;
    size_t num_fields;
    row_field fields[MAX_FIELDS];
    size_t num_columns; /* of a line in the older form */
} movielens_kind;

static const movielens_kind ratings = {"interaction",
                                       4,
                                       {{"user_id", CS_VALUE_STRING},
                                        {"item_id", CS_VALUE_STRING},
                                        {"rating", CS_VALUE_STRING},
                                        {"rated_at", CS_VALUE_TIME}},
                                       4};
static const movielens_kind movies = {
    "item", 2, {{"item_id", CS_VALUE_STRING}, {"title", CS_VALUE_STRING}}, 3};

/* What the columns of the CSV form are called there and here; NULL: left out. */
static const struct
{
    const char *given;
    const char *field;
} csv_names[] = {
    {"userId", "user_id"},   {"user_id", "user_id"},    {"movieId", "item_id"},
    {"movie_id", "item_id"}, {"item_id", "item_id"},    {"rating", "rating"},
    {"title", "title"},      {"timestamp", "rated_at"}, {"genres", NULL},
};

typedef struct movielens_source
{
    row_source base;
    const movielens_kind *kind;
    row_source *csv;      /* the newer form, else NULL */
    int *places;          /* of its columns among our fields, -1 if left out */
    cs_value *csv_values; /* of its row */
    line_reader lines;    /* the older form */
    text_line line;
    cs_buffer text; /* of the line, in UTF-8, where it was not */
} movielens_source;

/* Turn seconds since 1970 into a time. */
static cs_code
take_time(cs_value *value, refusal *why)
{
    int64_t seconds;
    cs_time time;

    if (value->kind == CS_VALUE_NULL)
        return CS_OK;
    CS_TRY(text_to_integer(value->as.bytes, &seconds, why));
    if (__builtin_mul_overflow(seconds, CS_SECOND, &time) ||
        __builtin_sub_overflow(time, CS_UNIX_OFFSET, &time) || !cs_time_valid(time))
        return refuse(why, SQLSTATE_TIME_RANGE, "time is out of range");
    *value = (cs_value){.kind = CS_VALUE_TIME, .as.time = time};
    return CS_OK;
}

/* Turn the values that are not text into what they are. */
static cs_code
take_values(const movielens_source *source, cs_value *values, refusal *why)
{
    for (size_t i = 0; i < source->base.num_fields; i++)
        if (source->base.fields[i].kind == CS_VALUE_TIME)
        {
            cs_code code = take_time(&values[i], why);

            if (code == CS_ERR_RANGE)
                why->column = source->base.fields[i].name;
            CS_TRY(code);
        }
    return CS_OK;
}

/* Make UTF-8 of text that is not, in memory that has room for all of the line's. */
static cs_code
take_text(movielens_source *source, cs_slice *text, refusal *why)
{
    size_t start = source->text.len;

    if (cs_utf8_valid(text->data, text->len))
        return CS_OK;
    for (size_t i = 0; i < text->len; i++)
    {
        uint8_t byte = (uint8_t) text->data[i];
        uint8_t pair[] = {0xc0 | byte >> 6, 0x80 | (byte & 0x3f)};

        CS_TRY(byte < 0x80 ? cs_buffer_append(&source->text, &byte, 1, &why->err)
                           : cs_buffer_append(&source->text, pair, 2, &why->err));
    }
    *text = (cs_slice){(const char *) source->text.data + start, source->text.len - start};
    return CS_OK;
}

/* Split a line at separators; the last field but one takes those that are too many. */
static size_t
split_line(cs_slice line, size_t wanted, cs_slice *fields)
{
    size_t count = 0;
    const char *last = line.data;

    for (const char *at = line.data; at + SEPARATOR_BYTES <= line.data + line.len; at++)
        if (memcmp(at, SEPARATOR, SEPARATOR_BYTES) == 0)
        {
            if (count + 1 < wanted)
                fields[count++] = (cs_slice){last, (size_t) (at - last)};
            at += SEPARATOR_BYTES - 1;
            last = at + 1;
        }
    if (count + 1 == wanted)
        fields[wanted - 2].len = (size_t) (last - SEPARATOR_BYTES - fields[wanted - 2].data);
    fields[count++] = (cs_slice){last, (size_t) (line.data + line.len - last)};
    return count;
}

/* The next line of the older form. */
static cs_code
next_line(movielens_source *source, cs_value *values, refusal *why)
{
    cs_slice fields[MAX_FIELDS], text;
    cs_code code = line_reader_next(&source->lines, &source->line);

    if (code == CS_ERR_IO && stop_requested())
        return cs_fail(&why->err, CS_ERR_STOPPED, "interrupted");
    if (code == CS_ERR_IO)
        return cs_fail(&why->err, CS_ERR_IO, "could not read: %s", strerror(errno));
    CS_TRY(code);
    source->base.rows++;
    source->base.line = source->line.number;
    source->base.raw = source->line.text;
    text = source->line.text;
    if (text.len > 0 && text.data[text.len - 1] == '\r')
        text.len--;
    if (source->line.cut)
        return refuse(why, SQLSTATE_BAD_COPY_FORMAT, "line is too long");
    if (split_line(text, source->kind->num_columns, fields) != source->kind->num_columns)
        return refuse(why, SQLSTATE_BAD_COPY_FORMAT, "line has not %zu fields separated by \"%s\"",
                      source->kind->num_columns, SEPARATOR);
    source->text.len = 0;
    CS_TRY(cs_buffer_reserve(&source->text, 2 * text.len, &why->err));
    for (size_t i = 0; i < source->base.num_fields; i++)
    {
        CS_TRY(take_text(source, &fields[i], why));
        if (memchr(fields[i].data, '\0', fields[i].len) != NULL)
            return refuse(why, SQLSTATE_BAD_ENCODING, "text holds a NUL character");
        values[i] = (cs_value){.kind = CS_VALUE_STRING, .as.bytes = fields[i]};
    }
    return take_values(source, values, why);
}

/* The next record of the CSV form. */
static cs_code
next_record(movielens_source *source, cs_value *values, refusal *why)
{
    cs_code code = source->csv->ops->next(source->csv, source->csv_values, why);

    source->base.rows = source->csv->rows;
    source->base.line = source->csv->line;
    source->base.raw = source->csv->raw;
    CS_TRY(code);
    for (size_t i = 0; i < source->csv->num_fields; i++)
        if (source->places[i] >= 0)
            values[source->places[i]] = source->csv_values[i];
    return take_values(source, values, why);
}

/* row_source_ops.next */
static cs_code
next(row_source *base, cs_value *values, refusal *why)
{
    movielens_source *source = (movielens_source *) base;

    return source->csv != NULL ? next_record(source, values, why) : next_line(source, values, why);
}

/* row_source_ops.close */
static void
close_source(row_source *base)
{
    movielens_source *source = (movielens_source *) base;

    row_source_close(source->csv);
    line_reader_close(&source->lines);
    cs_buffer_free(&source->text);
    free(source->places);
    free(source->csv_values);
    free(base->fields);
    free(source);
}

static const row_source_ops ops = {next, row_source_text, close_source};

/* Refuse a file that is not of MovieLens. */
static exit_status
refuse_file(const file_source *file, const char *problem)
{
    log_error("%s: %s", file->name, problem);
    log_detail("A file of MovieLens has lines \"user::movie::rating::time\" or"
               " \"movie::title::genres\", or is CSV with the columns userId, movieId, rating and"
               " timestamp, or movieId, title and genres.");
    return STATUS_REFUSED;
}

/* Take the fields of a kind, of which the file has those that are wanted. */
static exit_status
set_kind(movielens_source *source, const movielens_kind *kind)
{
    source->kind = kind;
    source->base.table = kind->table;
    source->base.fields = calloc(kind->num_fields, sizeof(row_field));
    if (source->base.fields == NULL)
        return log_out_of_memory();
    memcpy(source->base.fields, kind->fields, kind->num_fields * sizeof(row_field));
    source->base.num_fields = kind->num_fields;
    return STATUS_OK;
}

/* The field of our kind that a column of the CSV form goes to; -1: left out, -2: unknown. */
static int
find_field(const movielens_source *source, const char *column)
{
    for (size_t i = 0; i < sizeof(csv_names) / sizeof(csv_names[0]); i++)
    {
        if (strcasecmp(csv_names[i].given, column) != 0)
            continue;
        for (size_t f = 0; f < source->kind->num_fields; f++)
            if (csv_names[i].field != NULL &&
                strcmp(csv_names[i].field, source->kind->fields[f].name) == 0)
                return (int) f;
        return csv_names[i].field == NULL ? -1 : -2;
    }
    return -2;
}

/* Find the place of each column; our fields become those that the file has, in its order. */
static exit_status
place_columns(movielens_source *source)
{
    const row_source *csv = source->csv;
    bool taken[MAX_FIELDS] = {false};

    source->base.num_fields = 0;
    for (size_t i = 0; i < csv->num_fields; i++)
    {
        int field = find_field(source, csv->fields[i].name);

        if (field == -2)
            return refuse_file(csv->file, "the header has a column that such a file has not");
        source->places[i] = -1;
        if (field < 0)
            continue;
        if (taken[field])
            return refuse_file(csv->file, "the header names a column twice");
        taken[field] = true;
        source->places[i] = (int) source->base.num_fields;
        source->base.fields[source->base.num_fields++] = source->kind->fields[field];
    }
    if (source->base.num_fields == 0)
        return refuse_file(csv->file, "the header names no column that is loaded");
    return STATUS_OK;
}

/* Open the CSV form. */
static exit_status
open_csv(movielens_source *source)
{
    bool has_title = false;

    STATUS_TRY(
        csv_source_open(&source->csv, source->base.file, &(row_format){.kind = SOURCE_MOVIELENS}));
    for (size_t i = 0; i < source->csv->num_fields; i++)
        has_title = has_title || strcasecmp(source->csv->fields[i].name, "title") == 0;
    STATUS_TRY(set_kind(source, has_title ? &movies : &ratings));
    source->places = calloc(source->csv->num_fields, sizeof(int));
    source->csv_values = calloc(source->csv->num_fields, sizeof(cs_value));
    if (source->places == NULL || source->csv_values == NULL)
        return log_out_of_memory();
    memcpy(source->base.file_id, source->csv->file_id, sizeof(source->base.file_id));
    return place_columns(source);
}

/* Open the older form, whose first line has so many separators. */
static exit_status
open_lines(movielens_source *source, size_t separators)
{
    STATUS_TRY(set_kind(source, separators + 1 == ratings.num_columns ? &ratings : &movies));
    STATUS_TRY(row_source_identify(&source->base));
    return line_reader_open(&source->lines, source->base.file);
}

/* Count the separators in the first line of a file. */
static exit_status
count_separators(const file_source *file, size_t *count)
{
    char text[PROBE_BYTES];
    ssize_t got = pread(file->fd, text, sizeof(text), 0);

    *count = 0;
    if (got < 0)
        return file_source_fail(file);
    for (ssize_t i = 0; i + SEPARATOR_BYTES <= got && text[i] != '\n'; i++)
        if (memcmp(text + i, SEPARATOR, SEPARATOR_BYTES) == 0)
        {
            ++*count;
            i += SEPARATOR_BYTES - 1;
        }
    return got == 0 ? refuse_file(file, "file is empty") : STATUS_OK;
}

exit_status
movielens_source_open(row_source **out, file_source *file)
{
    movielens_source *source = calloc(1, sizeof(movielens_source));
    exit_status status;
    size_t separators;

    if (source == NULL)
        return log_out_of_memory();
    row_source_init_text(&source->base, &ops, file);
    cs_buffer_init(&source->text, loader_env());
    status = count_separators(file, &separators);
    if (status == STATUS_OK)
        status = separators >= 2 ? open_lines(source, separators) : open_csv(source);
    if (status == STATUS_OK)
        *out = &source->base;
    else
        close_source(&source->base);
    return status;
}
