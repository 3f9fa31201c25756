/*
 * loader/verify_redshift.c
 *     The limits and habits of Amazon Redshift's COPY ... FORMAT AS AVRO.
 *
 * They stand in its developer guide; nothing here has been tried on a real
 * cluster. An error is what Redshift would refuse, a warning what would load,
 * but as something else.
 */
#include "verify.h"

#include "log.h"
#include "redshift_limits.h"

#include <inttypes.h>
#include <stdio.h>

/* What becomes of a column. */
typedef struct load_habit
{
    const char *effect;
    const char *remedy;
} load_habit;

static const load_habit as_day_number = {"loads as a number of days, which no DATE column takes",
                                         "Write dates as strings: 2024-03-10."};
static const load_habit as_number = {"loads as a number, which no TIME column takes",
                                     "Write times of day as strings: 08:00:00."};
static const load_habit as_milliseconds = {
    "loads as a number; a TIMESTAMP column takes it only with TIMEFORMAT 'epochmillisecs'",
    "Add TIMEFORMAT 'epochmillisecs' to the COPY. It holds for all timestamp columns."};
static const load_habit as_wrong_time = {
    "loads as a number, which TIMEFORMAT 'epochmillisecs' would take for milliseconds: far in the "
    "future, without an error",
    "Write timestamp-millis, or load the number into a BIGINT column."};
static const load_habit as_raw_bytes = {"loads as the text of its bytes, not as a number",
                                        "Write decimals as strings: 12.30."};
static const load_habit as_byte_text = {
    "loads as JSON text; a VARBYTE column takes nothing from Avro",
    "Write hexadecimal digits as a string, and convert with FROM_HEX."};
static const load_habit as_json = {
    "loads as JSON text",
    "Load it into a VARCHAR column and use JSON_PARSE, or choose parts with a JSONPaths file."};
static const load_habit as_unknown = {
    "is a union of several types, of which Redshift's documentation does not speak",
    "Write one type, or null and one type."};
static const load_habit as_null = {
    "loads as NULL: COPY compares names with lower-case column names",
    "Load with FORMAT AS AVRO 'auto ignorecase', or write the name in lower case."};

/* Report what Redshift would refuse. */
static void
refuse(redshift_lint *lint, const char *problem, const char *remedy)
{
    lint->errors++;
    log_error("%s: Redshift would refuse this file: %s", lint->name, problem);
    log_hint("%s", remedy);
}

/* What becomes of a type with this logical type; NULL: what its base type says. */
static const load_habit *
habit_of_logical(cs_avro_logical logical)
{
    switch (logical)
    {
        case CS_LOGICAL_DATE:
            return &as_day_number;
        case CS_LOGICAL_TIME_MILLIS:
        case CS_LOGICAL_TIME_MICROS:
            return &as_number;
        case CS_LOGICAL_TIMESTAMP_MILLIS:
        case CS_LOGICAL_LOCAL_TIMESTAMP_MILLIS:
            return &as_milliseconds;
        case CS_LOGICAL_TIMESTAMP_MICROS:
        case CS_LOGICAL_TIMESTAMP_NANOS:
        case CS_LOGICAL_LOCAL_TIMESTAMP_MICROS:
        case CS_LOGICAL_LOCAL_TIMESTAMP_NANOS:
            return &as_wrong_time;
        case CS_LOGICAL_DECIMAL:
            return &as_raw_bytes;
        case CS_LOGICAL_NONE:
        case CS_LOGICAL_UUID:
        case CS_LOGICAL_DURATION:
            break;
    }
    return NULL;
}

/* What becomes of values of a type; NULL: themselves. */
static const load_habit *
habit_of(const cs_avro_node *type)
{
    const load_habit *habit;

    type = redshift_only_type(type);
    if (type == NULL)
        return &as_unknown;
    habit = habit_of_logical(type->logical);
    if (habit != NULL)
        return habit;
    switch (type->type)
    {
        case CS_AVRO_BYTES:
        case CS_AVRO_FIXED:
            return &as_byte_text;
        case CS_AVRO_ARRAY:
        case CS_AVRO_MAP:
        case CS_AVRO_RECORD:
            return &as_json;
        default:
            return NULL;
    }
}

/* Warn of a column that would become something else. */
static void
check_column(const redshift_lint *lint, const cs_avro_field *field)
{
    const load_habit *habit = habit_of(field->type);

    if (redshift_misses_name(field->name))
    {
        log_warning("%s: column \"%s\" %s", lint->name, field->name, as_null.effect);
        log_hint("%s", as_null.remedy);
    }
    if (habit != NULL)
    {
        log_warning("%s: column \"%s\" %s", lint->name, field->name, habit->effect);
        log_hint("%s", habit->remedy);
    }
}

void
redshift_check_header(redshift_lint *lint, const record_file *input)
{
    const cs_avro_schema *schema = cs_avro_reader_schema(input->reader);
    cs_avro_codec codec = cs_avro_reader_codec(input->reader);
    size_t header = cs_avro_reader_header(input->reader).len;
    char problem[160];

    if (!redshift_knows_codec(codec))
    {
        snprintf(problem, sizeof(problem), "its codec is %s", cs_avro_codec_name(codec));
        refuse(lint, problem, "Write it with codec null, deflate or snappy.");
    }
    if (header > REDSHIFT_MAX_HEADER_BYTES)
    {
        snprintf(problem, sizeof(problem), "its header has %zu bytes, more than %d", header,
                 REDSHIFT_MAX_HEADER_BYTES);
        refuse(lint, problem, "Leave out metadata, and documentation in the schema.");
    }
    if (schema->root->type != CS_AVRO_RECORD)
    {
        snprintf(problem, sizeof(problem), "its type is %s, not record",
                 cs_avro_type_name(schema->root->type));
        refuse(lint, problem, "Write records.");
        return;
    }
    for (size_t i = 0; i < schema->num_fields; i++)
        check_column(lint, &schema->fields[i]);
}

/* Look at the block of a record that is its first. */
static void
check_block(redshift_lint *lint, const record_file *input)
{
    lint->blocks = input->blocks;
    if (!redshift_takes_block(&input->block) && lint->large_blocks++ == 0)
        lint->large_block_offset = input->block.offset;
}

void
redshift_check_record(redshift_lint *lint, const record_file *input, const cs_value *values)
{
    const cs_avro_schema *schema = cs_avro_reader_schema(input->reader);

    lint->records++;
    if (lint->blocks != input->blocks)
        check_block(lint, input);
    if (input->cursor.at - input->record > REDSHIFT_MAX_ROW_BYTES && lint->large_rows++ == 0)
        lint->large_row_record = input->records;
    for (size_t i = 0; i < schema->num_fields; i++)
        if (values[i].kind == CS_VALUE_STRING && values[i].as.bytes.len > REDSHIFT_MAX_TEXT_BYTES &&
            lint->long_texts++ == 0)
        {
            lint->long_text_record = input->records;
            lint->long_text_column = schema->fields[i].name;
        }
}

void
redshift_finish(redshift_lint *lint)
{
    char problem[320];

    if (lint->records == 0)
        refuse(lint, "it has no records (\"Unexpected end of AVRO file\")",
               "Leave the file out of the manifest.");
    if (lint->large_blocks > 0)
    {
        snprintf(problem, sizeof(problem),
                 "blocks larger than %d bytes: %" PRId64 ", the first at byte %" PRIu64,
                 REDSHIFT_MAX_BLOCK_BYTES, lint->large_blocks, lint->large_block_offset);
        refuse(lint, problem, "Write smaller blocks.");
    }
    if (lint->large_rows > 0)
    {
        snprintf(problem, sizeof(problem),
                 "rows larger than %d bytes: %" PRId64 ", the first is record %" PRId64,
                 REDSHIFT_MAX_ROW_BYTES, lint->large_rows, lint->large_row_record);
        refuse(lint, problem, "Leave out or split what makes the rows so large.");
    }
    if (lint->long_texts > 0)
    {
        snprintf(problem, sizeof(problem),
                 "strings longer than the %d bytes of a VARCHAR: %" PRId64
                 ", the first in record %" PRId64 ", column \"%.80s\"",
                 REDSHIFT_MAX_TEXT_BYTES, lint->long_texts, lint->long_text_record,
                 lint->long_text_column);
        refuse(lint, problem, "Load with TRUNCATECOLUMNS, or leave the column out.");
    }
}
