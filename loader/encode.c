/*
 * loader/encode.c
 *     The command encode: which logs go into which Avro file.
 */
#include "encode.h"

#include "argument.h"
#include "commands.h"
#include "follow.h"
#include "log.h"
#include "progress.h"
#include "redshift.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define DEFAULT_MAX_JOBS 4

/* So that a header and a block fit. */
#define MIN_FILE_BYTES (512 * 1024)

typedef struct encode_settings
{
    const char *output;
    int codec;    /* index into codec_names */
    int64_t jobs; /* -1: chosen */
    const char *max_file_size;
    int partition; /* encode_partition */
    line_format_settings format;
    const char *schema;
    const char *rejects;
    int64_t max_rejects;
    bool force;
    follow_settings follow;
    int target; /* index into target_names */
} encode_settings;

static const encode_settings defaults = {.jobs = -1, .follow.seconds = FOLLOW_SEGMENT_SECONDS};

static const char *const target_names[] = {"any", "redshift", NULL};

static const char *const codec_names[] = {"deflate", "null", "snappy", "zstandard",
                                          "bzip2",   "xz",   NULL};

static const char *const partition_names[] = {"none", "day", "hour", NULL};

static const option_spec options[] = {
    {"output", 'o', OPTION_TEXT, offsetof(encode_settings, output), "FILE|DIR",
     "write all logs to this Avro file, or one file\nfor each log to this directory", NULL},
    {"codec", 0, OPTION_CHOICE, offsetof(encode_settings, codec), "CODEC",
     "compression: deflate (default), null, snappy,\nzstandard, bzip2 or xz", codec_names},
    {"jobs", 'j', OPTION_COUNT, offsetof(encode_settings, jobs), "N",
     "use N threads, up to 64 (default: one for each\nprocessor, up to 4); what is written is the "
     "same",
     NULL},
    {"max-file-size", 0, OPTION_TEXT, offsetof(encode_settings, max_file_size), "SIZE",
     "write parts of at most this size (64MB, 1GB):\nNAME-00001.avro and so on", NULL},
    {"partition", 0, OPTION_CHOICE, offsetof(encode_settings, partition), "SPAN",
     "day or hour: write a file for each, by UTC, as\nDIR/date=YYYY-MM-DD/hour=HH/NAME.avro",
     partition_names},
    {"format", 0, OPTION_CHOICE, offsetof(encode_settings, format.kind), "FORMAT",
     "of the logs: plain (default), combined (Apache,\nnginx; common, too), or json: one object a\n"
     "line",
     line_format_names},
    {"user-field", 0, OPTION_CHOICE, offsetof(encode_settings, format.user), "FIELD",
     LINE_USER_HELP, line_user_names},
    {"field", 0, OPTION_LIST, offsetof(encode_settings, format.fields), "NAME=KEY", LINE_FIELD_HELP,
     NULL},
    {"schema", 0, OPTION_TEXT, offsetof(encode_settings, schema), "FILE",
     "Avro schema to encode by, instead of the\nproject's own in schemas/", NULL},
    {"rejects", 0, OPTION_TEXT, offsetof(encode_settings, rejects), "FILE",
     "write refused lines to this file as JSON lines;\nan existing file is replaced (default: the\n"
     "Avro file's name with .rejects.jsonl behind it)",
     NULL},
    {"max-rejects", 0, OPTION_COUNT, offsetof(encode_settings, max_rejects), "N",
     "stop when more than N lines are refused\n(default: 0)", NULL},
    {"force", 0, OPTION_FLAG, offsetof(encode_settings, force), NULL, "replace existing files",
     NULL},
    {"follow", 0, OPTION_FLAG, offsetof(encode_settings, follow.follow), NULL,
     "go on as the log grows and is rotated: write\nsegments to the directory named by -o", NULL},
    {"segment-time", 0, OPTION_COUNT, offsetof(encode_settings, follow.seconds), "SECONDS",
     FOLLOW_TIME_HELP, NULL},
    {"segment-size", 0, OPTION_TEXT, offsetof(encode_settings, follow.size), "SIZE",
     FOLLOW_SIZE_HELP, NULL},
    {"target", 0, OPTION_CHOICE, offsetof(encode_settings, target), "TARGET",
     "redshift: write only what Redshift loads (codec,\nunit of time, names)", target_names},
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL},
};

/* The jobs of a run, and the list they are kept in. */
typedef struct job_list
{
    encode_job *jobs;
    int count;
    int64_t num_bytes; /* of all logs; -1 if unknown */
} job_list;

/* True if the name means a directory: it is one, or ends with a slash. */
static bool
names_directory(const char *name)
{
    struct stat info;
    size_t len = strlen(name);

    return (len > 0 && name[len - 1] == '/') || (stat(name, &info) == 0 && S_ISDIR(info.st_mode));
}

/* The length of a log's name without the ending that says how it is compressed. */
static size_t
plain_len(const char *log)
{
    static const char *const endings[] = {".gz", ".zst", NULL};
    size_t len = strlen(log);

    for (size_t i = 0; endings[i] != NULL; i++)
    {
        size_t ending = strlen(endings[i]);

        if (len > ending && log[len - ending - 1] != '/' &&
            strcasecmp(log + len - ending, endings[i]) == 0)
            return len - ending;
    }
    return len;
}

/* The name of a log's own Avro file, in directory or beside the log; NULL without memory. */
static char *
output_name(const char *log, const char *directory)
{
    const char *slash = strrchr(log, '/');
    const char *base = slash != NULL ? slash + 1 : log;
    size_t len = plain_len(log) - (size_t) (base - log);
    const char *dot = memrchr(base, '.', len);
    int stem = (int) (dot != NULL && dot > base ? (size_t) (dot - base) : len);
    char *name;

    if (directory == NULL)
        stem = asprintf(&name, "%.*s%.*s%s", (int) (base - log), log, stem, base, AVRO_SUFFIX);
    else
        stem =
            asprintf(&name, "%s%s%.*s%s", directory,
                     directory[strlen(directory) - 1] == '/' ? "" : "/", stem, base, AVRO_SUFFIX);
    return stem >= 0 ? name : NULL;
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

    list->num_bytes = file_total_bytes(logs->items, logs->count);
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

/* Check what there is to be read. */
static exit_status
check_logs(const encode_settings *settings, const operand_list *logs)
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

/* Check what there is to be written. */
static exit_status
check_outcome(const encode_settings *settings)
{
    if (settings->jobs != defaults.jobs)
        STATUS_TRY(check_jobs_argument(settings->jobs));
    if (settings->output != NULL && strcmp(settings->output, "-") == 0)
        log_error("Avro is not written to standard output: name a file (\"./-\" is one)");
    else if (settings->partition != PARTITION_NONE && settings->output == NULL)
        log_error("--partition needs a directory to write to: \"-o DIR\"");
    else if (settings->partition != PARTITION_NONE && !names_directory(settings->output))
        log_error("--partition needs a directory, and \"%s\" is none", settings->output);
    else
        return STATUS_OK;
    return STATUS_USAGE;
}

/* Read the limit of a file's size; 0 where there is none. */
static exit_status
read_limit(const encode_settings *settings, uint64_t *limit)
{
    size_t size;

    *limit = 0;
    if (settings->max_file_size == NULL)
        return STATUS_OK;
    STATUS_TRY(parse_size_argument("max-file-size", settings->max_file_size, &size));
    if (size < MIN_FILE_BYTES)
    {
        log_error("invalid argument \"%s\" of option \"--max-file-size\": less than %d kB",
                  settings->max_file_size, MIN_FILE_BYTES / 1024);
        return STATUS_USAGE;
    }
    *limit = size;
    return STATUS_OK;
}

/* The number of threads. */
static int
choose_threads(int64_t jobs)
{
    cpu_set_t processors;

    if (jobs > 0)
        return (int) jobs;
    if (sched_getaffinity(0, sizeof(processors), &processors) != 0)
        return 1;
    return CPU_COUNT(&processors) < DEFAULT_MAX_JOBS ? CPU_COUNT(&processors) : DEFAULT_MAX_JOBS;
}

/* Write all files, then give them their names: where one fails, none appears. */
static exit_status
write_and_publish(const encode_context *context, const job_list *list)
{
    progress_begin("encoding", list->num_bytes);
    for (int i = 0; i < list->count; i++)
    {
        exit_status status = encode_write_job(context, &list->jobs[i]);

        if (status != STATUS_OK && list->count > 1)
            log_detail("None of the %d Avro files was written.", list->count);
        STATUS_TRY(status);
    }
    progress_end();
    for (int i = 0; i < list->count; i++)
        STATUS_TRY(encode_check_job(&list->jobs[i]));
    for (int i = 0; i < list->count; i++)
    {
        STATUS_TRY(encode_publish_job(&list->jobs[i]));
        encode_print_job(&list->jobs[i]);
    }
    return STATUS_OK;
}

/* Check what goes with --follow only, and what does not go with it. */
static exit_status
check_follow(const encode_settings *settings, const operand_list *logs)
{
    bool has_time = settings->follow.seconds != defaults.follow.seconds;

    if (!settings->follow.follow && !has_time && settings->follow.size == NULL)
        return STATUS_OK;
    if (!settings->follow.follow)
        log_error("option \"--%s\" goes with \"--follow\" only",
                  has_time ? "segment-time" : "segment-size");
    else if (settings->output == NULL)
        log_error("--follow needs a directory to write segments to: \"-o DIR\"");
    else if (logs->count != 1 || strcmp(logs->items[0], "-") == 0)
        log_error("--follow takes one log, which has a name");
    else if (settings->max_file_size != NULL || settings->partition != PARTITION_NONE ||
             settings->rejects != NULL || settings->force)
        log_error("--follow goes with none of --max-file-size, --partition, --rejects, --force");
    else
        return STATUS_OK;
    return STATUS_USAGE;
}

/* Follow a log. */
static exit_status
follow(encode_context *context, const encode_settings *settings, const operand_list *logs)
{
    follow_request request = {.settings = &settings->follow,
                              .log = logs->items[0],
                              .directory = settings->output,
                              .context = context};

    return follow_run(&request);
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
    context->rejects = NULL;
    return reject_file_close(&rejects, status == STATUS_OK || status == STATUS_REFUSED, status);
}

/* Load the schema and encode. */
static exit_status
encode(const encode_settings *settings, const operand_list *logs, const job_list *list)
{
    reject_budget budget = {.limit = settings->max_rejects,
                            .format_option = settings->format.kind == LINE_PLAIN ? "format" : NULL};
    encode_context context = {.budget = &budget,
                              .replace = settings->force,
                              .threads = choose_threads(settings->jobs),
                              .partition = (encode_partition) settings->partition};
    exit_status status;
    line_format format;
    log_schema schema;

    cs_avro_codec_find(cs_slice_of(codec_names[settings->codec]), &context.codec);
    STATUS_TRY(read_limit(settings, &context.max_file_bytes));
    STATUS_TRY(line_format_choose(&format, &settings->format, "format"));
    context.format = &format;
    context.schema = &schema;
    status = log_schema_load(&schema, settings->schema, format.kind);
    if (status == STATUS_OK && strcmp(target_names[settings->target], "redshift") == 0)
        status = redshift_check_encoding(settings->schema != NULL ? settings->schema : "schema",
                                         schema.avro, context.codec);
    if (status == STATUS_OK)
        status = settings->follow.follow ? follow(&context, settings, logs)
                                         : run_jobs(&context, settings, list);
    else if (status == STATUS_INTERRUPTED && settings->follow.follow)
        status = STATUS_OK; /* a signal ends it as well before it has begun */
    log_schema_free(&schema);
    return status;
}

/* The command. */
static exit_status
run(const void *settings, const operand_list *logs)
{
    job_list list = {NULL, 0, -1};
    exit_status status;

    STATUS_TRY(check_outcome(settings));
    STATUS_TRY(check_follow(settings, logs));
    if (((const encode_settings *) settings)->follow.follow)
        return encode(settings, logs, NULL);
    STATUS_TRY(check_logs(settings, logs));
    status = plan_jobs(settings, logs, &list);
    if (status == STATUS_OK)
        status = check_outputs(settings, logs, &list);
    if (status == STATUS_OK)
        status = encode(settings, logs, &list);
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
        "an offset (Z, +hh:mm, +hhmm or +hh). --format takes other logs. A line that\n"
        "cannot be read is refused and kept with file, line and reason. \"-\" is standard\n"
        "input. Without -o a log's Avro file has the log's name with the extension\n"
        ".avro, and lies beside it. Files appear under their names when all of them are\n"
        "whole.\n\n"
        "With --follow it goes on as the log grows and is renamed, until a signal ends\n"
        "it: each line goes once into one of the segments LOG-00000001.avro and so on,\n"
        "whenever it was killed and started again with the same command. --max-rejects\n"
        "is about each segment then.",
    .examples = "clickstream encode -o http_log.avro data/http_log.txt\n"
                "clickstream encode --format combined --max-rejects 10 access.log\n"
                "clickstream encode --codec snappy --partition day -o lake \\\n"
                "    data/http_log.txt\n"
                "clickstream encode --follow -o segments access.log",
    .options = options,
    .takes_operands = true,
    .settings_size = sizeof(encode_settings),
    .defaults = &defaults,
    .run = run,
};
