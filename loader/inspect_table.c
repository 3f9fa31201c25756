/*
 * loader/inspect_table.c
 *     What inspect found, as lines for people.
 */
#include "inspect.h"

#include "screen.h"

#include <inttypes.h>

#define LABEL_WIDTH 14

/* Append a label, and spaces up to where values stand. */
static cs_code
append_label(cs_buffer *out, const char *label, cs_error *err)
{
    return cs_buffer_printf(out, err, "  %-*s", LABEL_WIDTH, label);
}

/* Append a line of label and text from the file. */
static cs_code
append_line(cs_buffer *out, const char *label, const char *text, cs_error *err)
{
    CS_TRY(append_label(out, label, err));
    CS_TRY(screen_append(out, cs_slice_of(text), err));
    return cs_buffer_append(out, "\n", 1, err);
}

/* Append a line with a number of bytes. */
static cs_code
append_bytes(cs_buffer *out, const char *label, uint64_t bytes, cs_error *err)
{
    CS_TRY(append_label(out, label, err));
    return cs_buffer_printf(out, err, "%" PRIu64 " bytes\n", bytes);
}

/* Append what the blocks hold. */
static cs_code
append_totals(const inspect_facts *facts, cs_buffer *out, cs_error *err)
{
    const cs_avro_totals *totals = &facts->totals;
    const char *rest = facts->complete ? "" : " before the damage";

    CS_TRY(append_label(out, "records", err));
    CS_TRY(cs_buffer_printf(out, err, "%" PRId64 "%s\n", totals->records, rest));
    CS_TRY(append_label(out, "blocks", err));
    CS_TRY(cs_buffer_printf(out, err, "%" PRId64 "%s", totals->blocks, rest));
    if (totals->empty_blocks > 0)
        CS_TRY(cs_buffer_printf(out, err, ", and %" PRId64 " empty", totals->empty_blocks));
    if (facts->size >= 0)
        CS_TRY(cs_buffer_printf(out, err, ", %" PRIu64 " bytes", totals->bytes));
    CS_TRY(cs_buffer_append(out, "\n", 1, err));
    if (facts->complete)
        return CS_OK;
    CS_TRY(append_label(out, "damage", err));
    return cs_buffer_printf(out, err, "%s (byte %" PRId64 ")\n", facts->err.message,
                            facts->err.offset);
}

/* Append a time from the metadata, if there is one. */
static cs_code
append_time(cs_buffer *out, const char *label, const inspect_time *time, cs_error *err)
{
    char text[CS_TIME_TEXT_SIZE];

    if (!time->known)
        return CS_OK;
    cs_time_format(time->time, text);
    return append_line(out, label, text, err);
}

/* The width of the widest name, a label's at least. */
static int
name_width(const inspect_facts *facts)
{
    size_t widest = LABEL_WIDTH - 2;

    for (size_t i = 0; i < facts->schema->num_fields; i++)
        if (strlen(facts->schema->fields[i].name) > widest)
            widest = strlen(facts->schema->fields[i].name);
    return (int) widest;
}

/* Append the columns. */
static cs_code
append_columns(const inspect_facts *facts, cs_buffer *out, cs_error *err)
{
    int width = name_width(facts);

    CS_TRY(cs_buffer_printf(out, err, "  columns\n"));
    for (size_t i = 0; i < facts->schema->num_fields; i++)
    {
        const cs_avro_field *field = &facts->schema->fields[i];

        CS_TRY(cs_buffer_printf(out, err, "    %-*s ", width, field->name));
        CS_TRY(cs_avro_type_describe(field->type, out, err));
        CS_TRY(cs_buffer_printf(out, err, "%s\n",
                                cs_avro_shape_of(field->type).nullable ? ", nullable" : ""));
    }
    return CS_OK;
}

/*
 * Append a key or a value of the metadata: as text, without the blanks that pad it,
 * or its length where it is none.
 */
static cs_code
append_text(cs_slice text, cs_buffer *out, cs_error *err)
{
    while (text.len > 0 && text.data[text.len - 1] == ' ')
        text.len--;
    if (cs_utf8_valid(text.data, text.len))
        return screen_append(out, text, err);
    return cs_buffer_printf(out, err, "%zu bytes that are not text", text.len);
}

/* Append the metadata, without schema and codec. */
static cs_code
append_meta(const inspect_facts *facts, cs_buffer *out, cs_error *err)
{
    size_t count;
    const cs_avro_meta *entries = cs_avro_reader_meta(facts->reader, &count);
    bool first = true;

    for (size_t i = 0; i < count; i++)
    {
        if (!inspect_is_extra(&entries[i]))
            continue;
        CS_TRY(cs_buffer_printf(out, err, "%s    ", first ? "  metadata\n" : ""));
        CS_TRY(append_text(cs_slice_of(entries[i].key), out, err));
        CS_TRY(cs_buffer_append(out, " = ", 3, err));
        CS_TRY(append_text((cs_slice){(const char *) entries[i].value, entries[i].len}, out, err));
        CS_TRY(cs_buffer_append(out, "\n", 1, err));
        first = false;
    }
    return CS_OK;
}

cs_code
inspect_table(const inspect_facts *facts, cs_buffer *out, cs_error *err)
{
    char sync[INSPECT_SYNC_SIZE];

    inspect_sync(facts, sync);
    CS_TRY(screen_append(out, cs_slice_of(facts->name), err));
    CS_TRY(cs_buffer_append(out, "\n", 1, err));
    if (facts->size >= 0)
        CS_TRY(append_bytes(out, "size", (uint64_t) facts->size, err));
    CS_TRY(append_bytes(out, "header", cs_avro_reader_header(facts->reader).len, err));
    CS_TRY(append_line(out, "codec", cs_avro_codec_name(cs_avro_reader_codec(facts->reader)), err));
    CS_TRY(append_totals(facts, out, err));
    CS_TRY(append_time(out, "min timestamp", &facts->min_timestamp, err));
    CS_TRY(append_time(out, "max timestamp", &facts->max_timestamp, err));
    CS_TRY(append_line(out, "sync marker", sync, err));
    CS_TRY(append_label(out, "type", err));
    CS_TRY(cs_avro_type_describe(facts->schema->root, out, err));
    CS_TRY(cs_buffer_append(out, "\n", 1, err));
    CS_TRY(append_columns(facts, out, err));
    return append_meta(facts, out, err);
}
