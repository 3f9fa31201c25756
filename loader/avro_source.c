/*
 * loader/avro_source.c
 *     The records of an Avro file as rows.
 */
#include "row_source.h"

#include "avro_decode.h"
#include "avro_text.h"
#include "log.h"
#include "meta_time.h"
#include "record_file.h"
#include "stop.h"

#include <stdlib.h>

typedef struct avro_source
{
    row_source base;
    cs_avro_reader *reader;
    cs_avro_plan *plan;
    cs_avro_block block;
    cs_avro_cursor cursor;
    bool in_block;
    int64_t end_block; /* where to stop reading */
    cs_value *refused; /* of a record that is decoded again, to be shown */
    cs_buffer copy;    /* its bytes, and what a decoder may read behind them */
} avro_source;

/* Say what the decoder refused, as the server would have. */
static void
blame_field(const avro_source *source, const cs_value *values, refusal *why)
{
    const cs_avro_schema *schema = cs_avro_reader_schema(source->reader);
    int field = why->err.field;

    why->column = schema->fields[field].name;
    why->sqlstate =
        values[field].kind == CS_VALUE_STRING ? SQLSTATE_BAD_ENCODING : SQLSTATE_TIME_RANGE;
}

/* Go on to the next block that has records. */
static cs_code
next_block(avro_source *source, cs_error *err)
{
    if (source->base.end_block >= source->end_block)
        return CS_END;
    CS_TRY(cs_avro_reader_next(source->reader, &source->block, err));
    if (source->block.index >= source->end_block)
        return CS_END;
    cs_avro_cursor_init(&source->cursor, source->plan, &source->block);
    source->in_block = true;
    source->base.block = source->block.index;
    source->base.end_block = source->block.index + 1;
    return CS_OK;
}

/* Read a record; of values that nobody looks at only their form. */
static cs_code
read_record(avro_source *source, cs_value *values, cs_error *err)
{
    if (!source->base.leaves_out)
        return cs_avro_cursor_next(&source->cursor, values, err);
    CS_TRY(cs_avro_cursor_parse(&source->cursor, values, err));
    for (size_t i = 0; i < source->base.num_fields; i++)
        if (!source->base.unwanted[i])
            CS_TRY(cs_avro_cursor_finish(&source->cursor, i, &values[i], err));
    return CS_OK;
}

/* row_source_ops.next */
static cs_code
next(row_source *base, cs_value *values, refusal *why)
{
    avro_source *source = (avro_source *) base;

    for (;;)
    {
        const uint8_t *start;
        cs_code code;

        if (!source->in_block)
            CS_TRY(next_block(source, &why->err));
        start = source->cursor.at;
        code = read_record(source, values, &why->err);
        if (code == CS_END)
        {
            source->in_block = false;
            continue;
        }
        if (code != CS_OK && code != CS_ERR_RANGE)
            return code;
        base->rows++;
        base->raw = (cs_slice){(const char *) start, (size_t) (source->cursor.at - start)};
        if (code == CS_ERR_RANGE)
            blame_field(source, values, why);
        return code;
    }
}

/* row_source_ops.row_text */
static cs_code
row_text(row_source *base, cs_slice raw, cs_buffer *text, cs_slice *bytes, cs_error *err)
{
    static const uint8_t slack[CS_AVRO_BLOCK_SLACK];
    avro_source *source = (avro_source *) base;
    cs_avro_block block = {.records = 1, .len = raw.len};
    cs_avro_cursor cursor;
    cs_code code;
    bool exact;

    source->copy.len = 0;
    CS_TRY(cs_buffer_append(&source->copy, raw.data, raw.len, err));
    CS_TRY(cs_buffer_append(&source->copy, slack, sizeof(slack), err));
    block.data = source->copy.data;
    cs_avro_cursor_init(&cursor, source->plan, &block);
    code = cs_avro_cursor_next(&cursor, source->refused, err);
    if (code != CS_OK && code != CS_ERR_RANGE)
        return code;
    CS_TRY(avro_record_text(cs_avro_reader_schema(source->reader), source->plan, source->refused,
                            text, &exact, err));
    if (!exact)
        *bytes = raw;
    return CS_OK;
}

/* row_source_ops.close */
static void
close_source(row_source *base)
{
    avro_source *source = (avro_source *) base;

    cs_avro_plan_free(source->plan);
    cs_avro_reader_close(source->reader);
    cs_buffer_free(&source->copy);
    free(source->refused);
    free(base->unwanted);
    free(base->fields);
    free(source);
}

static const row_source_ops ops = {next, row_text, close_source};

/* Name the fields and compile a plan that decodes all of them. */
static exit_status
make_plan(avro_source *source)
{
    const cs_avro_schema *schema = cs_avro_reader_schema(source->reader);
    size_t count = schema->num_fields;
    int *wanted = record_all_columns(count);
    cs_error err;
    cs_code code;

    source->base.fields = calloc(count + 1, sizeof(row_field));
    source->base.num_fields = count;
    source->base.unwanted = calloc(count + 1, sizeof(bool));
    source->refused = calloc(count + 1, sizeof(cs_value));
    if (wanted == NULL || source->base.fields == NULL || source->base.unwanted == NULL ||
        source->refused == NULL)
    {
        free(wanted);
        return log_out_of_memory();
    }
    for (size_t i = 0; i < count; i++)
        source->base.fields[i] =
            (row_field){schema->fields[i].name, cs_avro_shape_of(schema->fields[i].type).kind};
    code = cs_avro_plan_make(loader_env(), schema, NULL, wanted, count, NULL, &source->plan, &err);
    free(wanted);
    source->base.plan = source->plan;
    return code == CS_OK ? STATUS_OK : log_core_error(&err, source->base.file->name);
}

/* Read the header: schema and identity. */
static exit_status
read_header(avro_source *source)
{
    cs_source file = file_source_as_core(source->base.file);
    cs_error err;

    if (cs_avro_reader_open(loader_env(), &file, NULL, &source->reader, &err) != CS_OK)
        return log_core_error(&err, file.name);
    if (!hash_bytes(cs_avro_reader_header(source->reader), source->base.file_id))
        return log_out_of_memory();
    source->base.source_sha256 = cs_avro_reader_meta_text(source->reader, SOURCE_SUM_KEY);
    return make_plan(source);
}

cs_avro_reader *
row_source_reader(row_source *source)
{
    return source->ops == &ops ? ((avro_source *) source)->reader : NULL;
}

bool
row_source_seek(row_source *base, const cs_avro_position *position, int64_t end_block)
{
    avro_source *source = (avro_source *) base;

    if (base->ops != &ops)
        return false;
    cs_avro_reader_seek(source->reader, position);
    source->end_block = end_block;
    return true;
}

exit_status
avro_source_open(row_source **out, file_source *file)
{
    avro_source *source = calloc(1, sizeof(avro_source));
    exit_status status;

    if (source == NULL)
        return log_out_of_memory();
    source->base.ops = &ops;
    source->base.file = file;
    source->base.block = -1;
    source->end_block = INT64_MAX;
    cs_buffer_init(&source->copy, loader_env());
    status = read_header(source);
    if (status == STATUS_OK)
        *out = &source->base;
    else
        close_source(&source->base);
    return status;
}
