/*
 * loader/inspect.c
 *     The command inspect: what Avro files are, without decoding their records.
 */
#include "inspect.h"

#include "commands.h"
#include "log.h"
#include "meta_time.h"
#include "output.h"
#include "stop.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct inspect_settings
{
    int format;
    bool schema;
    int64_t max_block_bytes; /* 0: the default */
} inspect_settings;

static const char *const format_names[] = {"table", "json", NULL};

static const option_spec options[] = {
    {"format", 0, OPTION_CHOICE, offsetof(inspect_settings, format), "FORMAT",
     "table (default), or json: one object a file", format_names},
    {"schema", 0, OPTION_FLAG, offsetof(inspect_settings, schema), NULL,
     "print the schema alone, as it stands in the file", NULL},
    {"max-block-bytes", 0, OPTION_COUNT, offsetof(inspect_settings, max_block_bytes), "N",
     RECORD_BLOCK_HELP, NULL},
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL},
};

void
inspect_sync(const inspect_facts *facts, char text[INSPECT_SYNC_SIZE])
{
    cs_slice header = cs_avro_reader_header(facts->reader);
    const uint8_t *sync = (const uint8_t *) header.data + header.len - CS_AVRO_SYNC_BYTES;

    for (int i = 0; i < CS_AVRO_SYNC_BYTES; i++)
        snprintf(text + (size_t) i * 2, 3, "%02x", sync[i]);
}

bool
inspect_is_extra(const cs_avro_meta *entry)
{
    return strcmp(entry->key, "avro.schema") != 0 && strcmp(entry->key, "avro.codec") != 0;
}

/* Find a time in the metadata. */
static inspect_time
find_time(const inspect_facts *facts, const char *key)
{
    inspect_time found = {.raw = cs_avro_reader_meta_text(facts->reader, key)};

    found.known = meta_time_find(facts->reader, key, &found.time);
    return found;
}

/* Count block by block, decompressing each: for what can be read only forward. */
static cs_code
count_forward(cs_avro_reader *reader, cs_avro_totals *totals, cs_error *err)
{
    cs_avro_block block;
    cs_avro_position position;
    cs_code code;

    while ((code = cs_avro_reader_next(reader, &block, err)) == CS_OK)
    {
        totals->records += block.records;
        totals->blocks++;
    }
    cs_avro_reader_tell(reader, &position);
    totals->empty_blocks = position.index - totals->blocks;
    return code;
}

/* Count what is in the file. A failure in the middle is a fact, too. */
static exit_status
count_blocks(const record_file *input, inspect_facts *facts)
{
    cs_code code = record_file_seekable(input)
                       ? cs_avro_reader_count(input->reader, &facts->totals, &facts->err)
                       : count_forward(input->reader, &facts->totals, &facts->err);

    facts->complete = code == CS_OK || code == CS_END;
    return facts->complete ? STATUS_OK : record_file_fail(input, &facts->err);
}

/* Print the schema as it stands in the file. */
static exit_status
print_schema(const record_file *input, cs_buffer *out)
{
    const cs_avro_schema *schema = cs_avro_reader_schema(input->reader);
    bool ended = schema->json_len > 0 && schema->json[schema->json_len - 1] == '\n';
    cs_error err;

    if (cs_buffer_append(out, schema->json, schema->json_len, &err) != CS_OK ||
        cs_buffer_append(out, "\n", ended ? 0 : 1, &err) != CS_OK)
        return log_core_error(&err, input->file.name);
    return output_write(out);
}

/* Print all there is to say about a file whose header could be read. */
static exit_status
print_facts(const record_file *input, int format, cs_buffer *out)
{
    inspect_facts facts = {
        .name = input->file.name,
        .size = input->file.size,
        .reader = input->reader,
        .schema = cs_avro_reader_schema(input->reader),
    };
    exit_status status = count_blocks(input, &facts);
    cs_error err;
    cs_code code;

    if (status != STATUS_OK && status != STATUS_REFUSED)
        return status;
    facts.min_timestamp = find_time(&facts, MIN_TIME_KEY);
    facts.max_timestamp = find_time(&facts, MAX_TIME_KEY);
    code = format == 0 ? inspect_table(&facts, out, &err) : inspect_json(&facts, out, &err);
    if (code != CS_OK)
        return log_core_error(&err, input->file.name);
    STATUS_TRY(output_write(out));
    return status;
}

/* One file. */
static exit_status
inspect_one(const inspect_settings *settings, const char *name, cs_buffer *out)
{
    record_file input;
    exit_status status = record_file_open(&input, name, settings->max_block_bytes);

    if (status == STATUS_OK)
        status = settings->schema ? print_schema(&input, out)
                                  : print_facts(&input, settings->format, out);
    record_file_close(&input);
    return status;
}

/* The command: all files, also those behind one that is refused. */
static exit_status
run(const void *given, const operand_list *files)
{
    const inspect_settings *settings = given;
    exit_status worst = STATUS_OK;
    exit_status status = STATUS_OK;
    cs_buffer out;

    cs_buffer_init(&out, loader_env());
    for (int i = 0; i < files->count && (status == STATUS_OK || status == STATUS_REFUSED); i++)
    {
        status = inspect_one(settings, files->items[i], &out);
        worst = status != STATUS_OK ? status : worst;
    }
    cs_buffer_free(&out);
    return worst;
}

const command_spec inspect_command = {
    .name = "inspect",
    .arguments = "FILE...",
    .summary = "show what Avro files hold",
    .description =
        "Schema, codec, numbers of records and blocks, sync marker, metadata, and the\n"
        "time range that \"" PROGRAM_NAME " encode\" noted. Only the header and the heads of\n"
        "the blocks are read, no records. Of a damaged file the part before the damage is\n"
        "shown, and the exit status is 2. - is standard input.",
    .examples = "clickstream inspect http_log.avro\n"
                "clickstream inspect --schema http_log.avro",
    .options = options,
    .takes_operands = true,
    .settings_size = sizeof(inspect_settings),
    .run = run,
};
