/*
 * loader/cat.c
 *     The command cat: the records of Avro files as JSON lines.
 */
#include "commands.h"
#include "log.h"
#include "output.h"
#include "record_file.h"
#include "record_json.h"
#include "stop.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct cat_settings
{
    const char *columns;
    int64_t limit; /* -1: none */
    const char *schema;
    int64_t max_block_bytes; /* 0: the default */
    bool salvage;
} cat_settings;

static const cat_settings defaults = {.limit = -1};

static const option_spec options[] = {
    {"columns", 0, OPTION_TEXT, offsetof(cat_settings, columns), "NAME,...",
     "print these columns, in this order (default:\nall, in the file's order)", NULL},
    {"limit", 0, OPTION_COUNT, offsetof(cat_settings, limit), "N",
     "stop after N records of all files together", NULL},
    {"schema", 0, OPTION_TEXT, offsetof(cat_settings, schema), "FILE",
     "read the files as this Avro schema says:\nfields are matched by name and alias, types\n"
     "promoted, defaults filled in",
     NULL},
    {"max-block-bytes", 0, OPTION_COUNT, offsetof(cat_settings, max_block_bytes), "N",
     RECORD_BLOCK_HELP, NULL},
    {"salvage", 0, OPTION_FLAG, offsetof(cat_settings, salvage), NULL,
     "go on behind refused records and damaged\nblocks, and say at each file's end what is lost",
     NULL},
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL},
};

/* A run over all files. */
typedef struct cat_run
{
    const cat_settings *settings;
    cs_avro_schema *schema; /* the reader's; NULL: each file's own */
    cs_buffer out;
    json_lines lines; /* into out */
    int64_t printed;
} cat_run;

/* One file. */
typedef struct cat_file
{
    cat_run *run;
    record_file input;
    const cs_avro_schema *schema; /* the reader's, or the file's */
    int *wanted;
    size_t count;
    cs_value *values;
    cs_avro_plan *plan;
    bool parsed;     /* the record at hand is sound, whatever its values are */
    int64_t printed; /* records */
    int64_t refused; /* records */
} cat_file;

/* Report a column that the schema does not have. */
static exit_status
report_unknown_column(const cat_file *file, const char *name)
{
    const cs_avro_schema *schema = file->schema;
    const char **names = calloc(schema->num_fields + 1, sizeof(char *));
    const char *nearest;

    if (names == NULL)
        return log_out_of_memory();
    for (size_t i = 0; i < schema->num_fields; i++)
        names[i] = schema->fields[i].name;
    nearest = nearest_name(name, names);
    log_error("%s: column \"%s\" does not exist",
              file->run->schema != NULL ? file->run->settings->schema : file->input.file.name,
              name);
    if (nearest != NULL)
        log_hint("Perhaps you meant \"%s\".", nearest);
    else
        log_hint("\"%s inspect\" lists the columns.", PROGRAM_NAME);
    free(names);
    return STATUS_USAGE;
}

/* Add one column of the list. */
static exit_status
want_column(cat_file *file, const char *name)
{
    int index = cs_avro_schema_find(file->schema, name);

    if (index < 0)
        return report_unknown_column(file, name);
    for (size_t i = 0; i < file->count; i++)
        if (file->wanted[i] == index)
        {
            log_error("column \"%s\" is listed twice", name);
            return STATUS_USAGE;
        }
    file->wanted[file->count++] = index;
    return STATUS_OK;
}

/* Find the columns of the list in the schema. */
static exit_status
want_listed(cat_file *file)
{
    char *list = strdup(file->run->settings->columns);
    char *rest = list;
    exit_status status = STATUS_OK;
    char *name;

    if (list == NULL)
        return log_out_of_memory();
    while (status == STATUS_OK && (name = strsep(&rest, ",")) != NULL)
        status = want_column(file, name);
    free(list);
    return status;
}

/* Decide which columns are printed. */
static exit_status
choose_columns(cat_file *file)
{
    size_t count = file->schema->num_fields;

    file->wanted = record_all_columns(count);
    file->values = calloc(count + 1, sizeof(cs_value));
    if (file->wanted == NULL || file->values == NULL)
        return log_out_of_memory();
    if (file->run->settings->columns != NULL)
        return want_listed(file);
    file->count = count;
    return STATUS_OK;
}

/* Append a record as an object. */
static cs_code
append_record(cat_file *file, cs_error *err)
{
    json_lines *lines = &file->run->lines;

    CS_TRY(json_lines_begin(lines, err));
    for (size_t i = 0; i < file->count; i++)
    {
        CS_TRY(json_lines_key(lines, file->schema->fields[file->wanted[i]].name, err));
        CS_TRY(cs_avro_cursor_finish(&file->input.cursor, i, &file->values[i], err));
        CS_TRY(json_lines_value(lines, file->plan, &file->values[i], err));
    }
    CS_TRY(json_lines_end(lines, err));
    return json_lines_finish(lines, err);
}

/* Append the value of a file without records at the top. */
static cs_code
append_bare(cat_file *file, cs_error *err)
{
    json_lines *lines = &file->run->lines;

    CS_TRY(cs_avro_cursor_finish(&file->input.cursor, 0, &file->values[0], err));
    CS_TRY(json_lines_value(lines, file->plan, &file->values[0], err));
    return json_lines_finish(lines, err);
}

/* Read the next record and append it; nothing is appended where that fails. */
static cs_code
print_record(cat_file *file, cs_error *err)
{
    cs_buffer *out = &file->run->out;
    size_t start = out->len;
    cs_code code;

    file->parsed = false;
    CS_TRY(record_file_next(&file->input, file->values, err));
    file->parsed = true;
    code = file->schema->root->type == CS_AVRO_RECORD ? append_record(file, err)
                                                      : append_bare(file, err);
    if (code != CS_OK)
    {
        json_lines_abandon(&file->run->lines);
        out->len = start;
    }
    file->printed += code == CS_OK;
    return code;
}

/* Report a failure, and go on behind it if that is asked for. */
static exit_status
handle_failure(cat_file *file, cs_code code, cs_error *err)
{
    bool refused = file->parsed && (code == CS_ERR_RANGE || code == CS_ERR_LIMIT);
    exit_status status = record_file_fail(&file->input, err);

    if (!refused && !record_file_can_salvage(code))
        return status;
    if (!file->run->settings->salvage)
    {
        log_hint("\"--salvage\" goes on behind it, and says what is lost.");
        return status;
    }
    if (refused)
        file->refused++;
    else if (record_file_salvage(&file->input, err) != CS_OK)
        return record_file_fail(&file->input, err);
    return STATUS_OK;
}

/* True once as many records are printed as are wanted. */
static bool
has_enough(const cat_file *file)
{
    int64_t limit = file->run->settings->limit;

    return limit >= 0 && file->run->printed + file->printed >= limit;
}

/* Print the records, up to the limit. */
static exit_status
print_records(cat_file *file)
{
    cs_buffer *out = &file->run->out;

    while (!has_enough(file))
    {
        cs_error err;
        cs_code code = print_record(file, &err);

        if (code == CS_END)
            break;
        if (code != CS_OK)
            STATUS_TRY(handle_failure(file, code, &err));
        STATUS_TRY(output_pass(out));
    }
    return STATUS_OK;
}

/* Print what a file has. */
static exit_status
print_file(cat_file *file, const char *name)
{
    STATUS_TRY(record_file_open(&file->input, name, file->run->settings->max_block_bytes));
    file->schema =
        file->run->schema != NULL ? file->run->schema : cs_avro_reader_schema(file->input.reader);
    STATUS_TRY(choose_columns(file));
    STATUS_TRY(
        record_file_plan(&file->input, file->run->schema, file->wanted, file->count, &file->plan));
    file->input.plan = file->plan;
    return print_records(file);
}

/* Say what a salvaged file has lost. */
static exit_status
report_loss(const cat_file *file)
{
    const record_loss *loss = &file->input.loss;

    log_summary("%s: %" PRId64 " records printed, %" PRId64 " refused, %s%" PRId64
                " declared records lost in damaged blocks, %" PRIu64 " bytes passed over",
                file->input.file.name, file->printed, file->refused,
                loss->records_known ? "" : "at least ", loss->records, loss->bytes);
    return file->refused > 0 || loss->records > 0 || loss->bytes > 0 ? STATUS_REFUSED : STATUS_OK;
}

/* One file, from its opening to its account. */
static exit_status
cat_one(cat_run *run, const char *name)
{
    cat_file file = {.run = run};
    exit_status status, lost;

    status = print_file(&file, name);
    if (run->out.len > 0)
    {
        exit_status written = output_write(&run->out);

        status = status == STATUS_OK ? written : status;
    }
    if (run->settings->salvage && file.plan != NULL &&
        (status == STATUS_OK || status == STATUS_REFUSED))
    {
        lost = report_loss(&file);
        status = status == STATUS_OK ? lost : status;
    }
    run->printed += file.printed;
    cs_avro_plan_free(file.plan);
    free(file.values);
    free(file.wanted);
    record_file_close(&file.input);
    return status;
}

/* All files; with --salvage also those behind one that is refused. */
static exit_status
cat_all(cat_run *run, const operand_list *files)
{
    exit_status worst = STATUS_OK;

    for (int i = 0; i < files->count; i++)
    {
        exit_status status = cat_one(run, files->items[i]);

        if (status == STATUS_REFUSED && run->settings->salvage)
            worst = status;
        else if (status != STATUS_OK)
            return status;
        if (run->settings->limit >= 0 && run->printed >= run->settings->limit)
            break;
    }
    return worst;
}

/* The command. */
static exit_status
run(const void *given, const operand_list *files)
{
    const cat_settings *settings = given;
    cat_run all = {.settings = settings};
    exit_status status = STATUS_OK;

    cs_buffer_init(&all.out, loader_env());
    if (!json_lines_init(&all.lines, &all.out))
        status = log_out_of_memory();
    if (status == STATUS_OK && settings->schema != NULL)
        status = schema_load(settings->schema, &all.schema);
    if (status == STATUS_OK)
        status = cat_all(&all, files);
    cs_avro_schema_free(all.schema);
    json_lines_free(&all.lines);
    cs_buffer_free(&all.out);
    return status;
}

const command_spec cat_command = {
    .name = "cat",
    .arguments = "FILE...",
    .summary = "print the records of Avro files as JSON lines",
    .description =
        "One JSON object a record, as people write things: times as text in UTC, decimals\n"
        "as text, bytes as \\x and hexadecimal digits, unions as the bare value. A file\n"
        "that holds no records but values of another type gives one value a line. The\n"
        "files may have different schemas; - is standard input. A record that is damaged\n"
        "or holds a value that databases refuse (text that is not UTF-8 or holds a NUL\n"
        "character, a time out of range) ends the command with exit status 2.",
    .examples = "clickstream cat --limit 10 http_log.avro\n"
                "clickstream cat --columns user_id,timestamp --salvage damaged.avro",
    .options = options,
    .takes_operands = true,
    .settings_size = sizeof(cat_settings),
    .defaults = &defaults,
    .run = run,
};
