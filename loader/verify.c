/*
 * loader/verify.c
 *     The command verify: is a file all that the specification demands?
 *
 * Core checks the rules as it reads: header and schema, the length, marker and
 * codec of every block, the form of every record. Here every value is finished
 * and every nested one walked through, and reading goes on behind a problem, so
 * that one run finds them all.
 */
#include "verify.h"

#include "avro_walk.h"
#include "commands.h"
#include "log.h"
#include "output.h"
#include "progress.h"
#include "stop.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct verify_settings
{
    int64_t max_errors;      /* 0: no limit */
    int64_t max_block_bytes; /* 0: the default */
    bool reference;
    int target;
} verify_settings;

enum
{
    TARGET_POSTGRES,
    TARGET_REDSHIFT
};

static const verify_settings defaults = {.max_errors = 20};
static const char *const target_names[] = {"postgres", "redshift", NULL};

static const option_spec options[] = {
    {"max-errors", 0, OPTION_COUNT, offsetof(verify_settings, max_errors), "N",
     "stop reading a file at its Nth problem\n(default: 20; 0: read it to its end)", NULL},
    {"max-block-bytes", 0, OPTION_COUNT, offsetof(verify_settings, max_block_bytes), "N",
     RECORD_BLOCK_HELP, NULL},
    {"reference", 0, OPTION_FLAG, offsetof(verify_settings, reference), NULL,
     "read each sound file a second time with avro-c,\nin a process of its own, and compare all "
     "values",
     NULL},
    {"target", 0, OPTION_CHOICE, offsetof(verify_settings, target), "TARGET",
     "postgres (default: no further rules), or\nredshift: check the limits of its COPY, too",
     target_names},
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL},
};

/* A file that is being verified. */
typedef struct verify_file
{
    const verify_settings *settings;
    record_file input;
    cs_avro_plan *plan;
    cs_value *values;
    size_t count;     /* of the columns */
    int64_t problems; /* found so far */
    int64_t refused;  /* records that hold a value that is refused */
    bool cut_short;   /* not read to its end */
    redshift_lint lint;
} verify_file;

/* Report a problem and count it. */
static exit_status
note_problem(verify_file *file, cs_error *err)
{
    exit_status status = record_file_fail(&file->input, err);

    if (status != STATUS_REFUSED)
        return status;
    file->problems++;
    return STATUS_OK;
}

/* True once there are as many problems as are wanted. */
static bool
has_enough(const verify_file *file)
{
    return file->settings->max_errors > 0 && file->problems >= file->settings->max_errors;
}

/* cs_avro_visitor.begin and end: the walk itself is the check. */
static cs_code
pass_border(void *ctx, cs_avro_type type, cs_error *err)
{
    (void) ctx, (void) type, (void) err;
    return CS_OK;
}

/* cs_avro_visitor.key */
static cs_code
pass_key(void *ctx, cs_slice key, cs_error *err)
{
    (void) ctx, (void) key, (void) err;
    return CS_OK;
}

/* cs_avro_visitor.scalar */
static cs_code
pass_scalar(void *ctx, const cs_value *value, cs_error *err)
{
    (void) ctx, (void) value, (void) err;
    return CS_OK;
}

/* Finish one value, with all that is inside it. */
static cs_code
check_value(verify_file *file, size_t column, cs_error *err)
{
    static const cs_avro_visitor visitor = {NULL, pass_border, pass_key, pass_scalar, pass_border};
    cs_value *value = &file->values[column];

    CS_TRY(cs_avro_cursor_finish(&file->input.cursor, column, value, err));
    return value->kind == CS_VALUE_NESTED ? cs_avro_walk(file->plan, value, &visitor, err) : CS_OK;
}

/* Check all values of the record just parsed. */
static exit_status
check_record(verify_file *file)
{
    bool refused = false;

    for (size_t i = 0; i < file->count; i++)
    {
        cs_error err;

        if (check_value(file, i, &err) == CS_OK)
            continue;
        STATUS_TRY(note_problem(file, &err));
        refused = true;
        if (has_enough(file))
            break;
    }
    file->refused += refused;
    if (file->settings->target == TARGET_REDSHIFT)
        redshift_check_record(&file->lint, &file->input, file->values);
    return STATUS_OK;
}

/* Check the records, going on behind damage as long as that is possible and wanted. */
static exit_status
check_records(verify_file *file)
{
    while (!has_enough(file))
    {
        cs_error err;
        cs_code code = record_file_next(&file->input, file->values, &err);

        if (code == CS_END)
            return STATUS_OK;
        if (code == CS_OK)
        {
            STATUS_TRY(check_record(file));
            continue;
        }
        STATUS_TRY(note_problem(file, &err));
        if (!record_file_can_salvage(code) || has_enough(file))
            break;
        code = record_file_salvage(&file->input, &err);
        if (code == CS_ERR_UNSUPPORTED)
            break; /* a pipe that has lost its way: the problem is known */
        if (code != CS_OK)
            return record_file_fail(&file->input, &err);
    }
    file->cut_short = true;
    return STATUS_OK;
}

/* Decode everything. */
static exit_status
prepare(verify_file *file)
{
    int *wanted;
    exit_status status;

    file->count = cs_avro_reader_schema(file->input.reader)->num_fields;
    file->values = calloc(file->count + 1, sizeof(cs_value));
    wanted = record_all_columns(file->count);
    if (file->values == NULL || wanted == NULL)
        status = log_out_of_memory();
    else
        status = record_file_plan(&file->input, NULL, wanted, file->count, &file->plan);
    file->input.plan = file->plan;
    free(wanted);
    return status;
}

/* Append what was found in a file without problems. */
static cs_code
append_praise(const verify_file *file, cs_buffer *out, cs_error *err)
{
    const record_file *input = &file->input;

    return cs_buffer_printf(out, err, "OK, %" PRId64 " record%s in %" PRId64 " block%s%s\n",
                            input->records, input->records == 1 ? "" : "s", input->blocks,
                            input->blocks == 1 ? "" : "s",
                            file->lint.errors > 0 ? ", but not for Redshift" : "");
}

/* Append what was found in a file with problems. */
static cs_code
append_blame(const verify_file *file, cs_buffer *out, cs_error *err)
{
    const record_file *input = &file->input;
    const record_loss *loss = &input->loss;
    int64_t sound = input->records - file->refused;

    CS_TRY(cs_buffer_printf(out, err, "%s%" PRId64 " problem%s; %" PRId64 " record%s sound, ",
                            file->cut_short ? "stopped at " : "", file->problems,
                            file->problems == 1 ? "" : "s", sound, sound == 1 ? "" : "s"));
    CS_TRY(cs_buffer_printf(
        out, err, "%" PRId64 " refused, %s%" PRId64 " lost with %" PRIu64 " bytes", file->refused,
        loss->records_known && !file->cut_short ? "" : "at least ", loss->records, loss->bytes));
    return cs_buffer_printf(out, err, "%s\n", file->cut_short ? ", the rest was not read" : "");
}

/* Append the verdict on a file. */
static cs_code
append_verdict(const verify_file *file, cs_buffer *out, cs_error *err)
{
    CS_TRY(cs_buffer_printf(out, err, "%s: ", file->input.file.name));
    return file->problems == 0 ? append_praise(file, out, err) : append_blame(file, out, err);
}

/* Print the verdict. */
static exit_status
print_verdict(const verify_file *file)
{
    exit_status status;
    cs_buffer out;
    cs_error err;

    cs_buffer_init(&out, loader_env());
    status =
        append_verdict(file, &out, &err) == CS_OK ? output_write(&out) : log_core_error(&err, NULL);
    cs_buffer_free(&out);
    return status;
}

/* Everything about a file whose header could be read. */
static exit_status
verify_open_file(verify_file *file)
{
    bool lint = file->settings->target == TARGET_REDSHIFT;

    file->lint.name = file->input.file.name;
    if (lint)
        redshift_check_header(&file->lint, &file->input);
    STATUS_TRY(prepare(file));
    progress_begin("verifying", file->input.file.size);
    STATUS_TRY(check_records(file));
    progress_end();
    if (lint)
        redshift_finish(&file->lint);
    STATUS_TRY(print_verdict(file));
    if (file->problems == 0 && file->settings->reference)
        STATUS_TRY(verify_reference(&file->input));
    return file->problems > 0 || file->lint.errors > 0 ? STATUS_REFUSED : STATUS_OK;
}

/* One file. */
static exit_status
verify_one(const verify_settings *settings, const char *name)
{
    verify_file file = {.settings = settings};
    exit_status status = record_file_open(&file.input, name, settings->max_block_bytes);

    if (status == STATUS_OK)
        status = verify_open_file(&file);
    cs_avro_plan_free(file.plan);
    free(file.values);
    record_file_close(&file.input);
    return status;
}

/* The command: all files, also those behind one with problems. */
static exit_status
run(const void *given, const operand_list *files)
{
    const verify_settings *settings = given;
    exit_status worst = STATUS_OK;

    for (int i = 0; i < files->count && settings->reference; i++)
        if (strcmp(files->items[i], "-") == 0)
        {
            log_error("standard input cannot be read a second time, as \"--reference\" does");
            log_hint("Put the data into a file first.");
            return STATUS_USAGE;
        }
    for (int i = 0; i < files->count; i++)
    {
        exit_status status = verify_one(settings, files->items[i]);

        if (status != STATUS_OK && status != STATUS_REFUSED)
            return status;
        worst = status != STATUS_OK ? status : worst;
    }
    return worst;
}

const command_spec verify_command = {
    .name = "verify",
    .arguments = "FILE...",
    .summary = "check Avro files for damage",
    .description =
        "Reads each file whole: header, schema, the length, marker and checksum of every\n"
        "block, every value of every record, and that the file ends with a block. A sound\n"
        "file is reported as OK; otherwise each problem is, with its place, then what is\n"
        "lost, and the exit status is 2. \"--target redshift\" reports as errors what\n"
        "Amazon Redshift would refuse (exit status 2), as warnings what it would load as\n"
        "something else (exit status 0), by its documentation. With \"--reference\" a\n"
        "difference from what avro-c reads, or its crash, gives exit status 2; files that\n"
        "avro-c is known not to read are passed over with a warning. - is standard input.",
    .examples = "clickstream verify http_log.avro\n"
                "clickstream verify --reference --target redshift http_log.avro",
    .options = options,
    .takes_operands = true,
    .settings_size = sizeof(verify_settings),
    .defaults = &defaults,
    .run = run,
};
