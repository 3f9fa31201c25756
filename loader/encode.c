/*
 * loader/encode.c
 *     The command encode: which logs go into which Avro file.
 */
#include "encode.h"

#include "commands.h"
#include "file_source.h"
#include "log.h"
#include "redshift.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct encode_settings
{
    const char *output;
    int codec; /* index into codec_names */
    const char *schema;
    const char *rejects;
    int64_t max_rejects;
    bool force;
    int target; /* index into target_names */
} encode_settings;

static const char *const target_names[] = {"any", "redshift", NULL};

static const char *const codec_names[] = {"deflate", "null", "snappy", "zstandard",
                                          "bzip2",   "xz",   NULL};

static const option_spec options[] = {
    {"output", 'o', OPTION_TEXT, offsetof(encode_settings, output), "FILE|DIR",
     "write all logs to this Avro file, or one file\nfor each log to this directory", NULL},
    {"codec", 0, OPTION_CHOICE, offsetof(encode_settings, codec), "CODEC",
     "compression: deflate (default), null, snappy,\nzstandard, bzip2 or xz", codec_names},
    {"schema", 0, OPTION_TEXT, offsetof(encode_settings, schema), "FILE",
     "Avro schema to encode by, instead of the\nproject's own schemas/http_log.avsc", NULL},
    {"rejects", 0, OPTION_TEXT, offsetof(encode_settings, rejects), "FILE",
     "write refused lines to this file as JSON lines;\nan existing file is replaced (default: the\n"
     "Avro file's name with .rejects.jsonl behind it)",
     NULL},
    {"max-rejects", 0, OPTION_COUNT, offsetof(encode_settings, max_rejects), "N",
     "stop when more than N lines are refused\n(default: 0)", NULL},
    {"force", 0, OPTION_FLAG, offsetof(encode_settings, force), NULL, "replace existing files",
     NULL},
    {"target", 0, OPTION_CHOICE, offsetof(encode_settings, target), "TARGET",
     "redshift: write only what Redshift loads (codec,\nunit of time, names)", target_names},
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL},
};

/* The jobs of a run, and the list they are kept in. */
typedef struct job_list
{
    encode_job *jobs;
    int count;
} job_list;

/* True if the name means a directory: it is one, or ends with a slash. */
static bool
names_directory(const char *name)
{
    struct stat info;
    size_t len = strlen(name);

    return (len > 0 && name[len - 1] == '/') || (stat(name, &info) == 0 && S_ISDIR(info.st_mode));
}

/* The name of a log's own Avro file, in directory or beside the log; NULL without memory. */
static char *
output_name(const char *log, const char *directory)
{
    const char *slash = strrchr(log, '/');
    const char *base = slash != NULL ? slash + 1 : log;
    const char *dot = strrchr(base, '.');
    const char *end = dot != NULL && dot > base ? dot : log + strlen(log);
    char *name;
    int len;

    if (directory == NULL)
        len = asprintf(&name, "%.*s%s", (int) (end - log), log, AVRO_SUFFIX);
    else
        len = asprintf(&name, "%s%s%.*s%s", directory,
                       directory[strlen(directory) - 1] == '/' ? "" : "/", (int) (end - base), base,
                       AVRO_SUFFIX);
    return len >= 0 ? name : NULL;
}

/* Free the list. */
static void
free_jobs(job_list *list)
{
    for (int i = 0; i < list->count; i++)
        encode_free_job(&list->jobs[i]);
    free(list->jobs);
}

/* Decide which logs go where. */
static exit_status
plan_jobs(const encode_settings *settings, const operand_list *logs, job_list *list)
{
    bool together = settings->output != NULL && !names_directory(settings->output);
    int count = together ? 1 : logs->count;

    list->jobs = calloc((size_t) count, sizeof(encode_job));
    if (list->jobs == NULL)
        return log_out_of_memory();
    for (; list->count < count; list->count++)
    {
        encode_job *job = &list->jobs[list->count];

        job->logs = logs->items + list->count;
        job->num_logs = together ? logs->count : 1;
        job->output =
            together ? strdup(settings->output) : output_name(job->logs[0], settings->output);
        if (job->output == NULL)
            return log_out_of_memory();
    }
    return STATUS_OK;
}

/* The files that a run reads and writes. */
typedef struct file_list
{
    file_identity *files;
    int num_inputs;  /* the first ones */
    int num_outputs; /* behind them */
} file_list;

/* List the files; false without memory. */
static bool
list_files(file_list *list, const encode_settings *settings, const operand_list *logs,
           const job_list *jobs)
{
    int count = 0;

    list->files = calloc((size_t) logs->count + (size_t) jobs->count + 2, sizeof(file_identity));
    if (list->files == NULL)
        return false;
    for (int i = 0; i < logs->count; i++)
        list->files[count++] = file_identify(logs->items[i]);
    if (settings->schema != NULL)
        list->files[count++] = file_identify(settings->schema);
    list->num_inputs = count;
    for (int i = 0; i < jobs->count; i++)
        list->files[count++] = file_identify(jobs->jobs[i].output);
    if (settings->rejects != NULL)
        list->files[count++] = file_identify(settings->rejects);
    list->num_outputs = count - list->num_inputs;
    return true;
}

/* Check that the files to be written are different from each other and from the inputs. */
static exit_status
check_files(const file_list *list)
{
    for (int i = list->num_inputs; i < list->num_inputs + list->num_outputs; i++)
        for (int j = 0; j < i; j++)
        {
            if (!file_identity_same(&list->files[i], &list->files[j]))
                continue;
            log_error("\"%s\" is to be %s", list->files[i].name,
                      j < list->num_inputs ? "read and written" : "written twice");
            log_hint("Name another output with \"-o\".");
            return STATUS_USAGE;
        }
    return STATUS_OK;
}

/* Check the files of a run. */
static exit_status
check_outputs(const encode_settings *settings, const operand_list *logs, const job_list *jobs)
{
    file_list list;
    exit_status status;

    if (!list_files(&list, settings, logs, jobs))
        return log_out_of_memory();
    status = check_files(&list);
    free(list.files);
    return status;
}

/* Check what the command line asks for. */
static exit_status
check_settings(const encode_settings *settings, const operand_list *logs)
{
    int inputs = 0;

    for (int i = 0; i < logs->count; i++)
        inputs += strcmp(logs->items[i], "-") == 0;
    if (inputs > 1)
        log_error("standard input can be read only once");
    else if (inputs > 0 && (settings->output == NULL || names_directory(settings->output)))
        log_error("standard input has no name to make a file name from: \"-o FILE\" is needed");
    else
        return STATUS_OK;
    return STATUS_USAGE;
}

/* Write all files, then give them their names: where one fails, none appears. */
static exit_status
write_and_publish(const encode_context *context, const job_list *list)
{
    for (int i = 0; i < list->count; i++)
    {
        exit_status status = encode_write_job(context, &list->jobs[i]);

        if (status != STATUS_OK && list->count > 1)
            log_detail("None of the %d Avro files was written.", list->count);
        STATUS_TRY(status);
    }
    for (int i = 0; i < list->count; i++)
        STATUS_TRY(encode_publish_job(&list->jobs[i]));
    return STATUS_OK;
}

/* Run the jobs, with the rejects file that was named. */
static exit_status
run_jobs(encode_context *context, const encode_settings *settings, const job_list *list)
{
    exit_status status;
    reject_file rejects;

    STATUS_TRY(reject_file_open(&rejects, settings->rejects, false, true));
    if (settings->rejects != NULL)
        context->rejects = &rejects;
    status = write_and_publish(context, list);
    return reject_file_close(&rejects, status == STATUS_OK || status == STATUS_REFUSED, status);
}

/* Load the schema and encode. */
static exit_status
encode(const encode_settings *settings, const job_list *list)
{
    reject_budget budget = {.limit = settings->max_rejects};
    encode_context context = {.budget = &budget, .replace = settings->force};
    exit_status status;
    log_schema schema;

    cs_avro_codec_find(cs_slice_of(codec_names[settings->codec]), &context.codec);
    context.schema = &schema;
    status = log_schema_load(&schema, settings->schema);
    if (status == STATUS_OK && strcmp(target_names[settings->target], "redshift") == 0)
        status = redshift_check_encoding(settings->schema != NULL ? settings->schema : "schema",
                                         schema.avro, context.codec);
    if (status == STATUS_OK)
        status = run_jobs(&context, settings, list);
    log_schema_free(&schema);
    return status;
}

/* The command. */
static exit_status
run(const void *settings, const operand_list *logs)
{
    job_list list = {NULL, 0};
    exit_status status;

    STATUS_TRY(check_settings(settings, logs));
    status = plan_jobs(settings, logs, &list);
    if (status == STATUS_OK)
        status = check_outputs(settings, logs, &list);
    if (status == STATUS_OK)
        status = encode(settings, &list);
    free_jobs(&list);
    return status;
}

const command_spec encode_command = {
    .name = "encode",
    .arguments = "LOG...",
    .summary = "turn text logs into Avro files",
    .description =
        "Each line of a log is \"timestamp http_method http_path user_id\", one space\n"
        "between, the timestamp by RFC 3339 with \"T\", up to six digits of fraction and\n"
        "an offset (Z, +hh:mm, +hhmm or +hh). A line that is not is refused and kept\n"
        "with file, line and reason. \"-\" is standard input. Without -o a log's Avro\n"
        "file has the log's name with the extension .avro, and lies beside it. Files\n"
        "appear under their names when all of them are whole.",
    .options = options,
    .takes_operands = true,
    .settings_size = sizeof(encode_settings),
    .run = run,
};
