/*
 * loader/load.c
 *     The command load: Avro and CSV files into a table.
 */
#include "load.h"

#include "argument.h"
#include "commands.h"
#include "file_source.h"
#include "load_follow.h"
#include "log.h"
#include "redshift.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_BATCH_ROWS 500000
#define DEFAULT_RETRIES 8

typedef struct load_settings
{
    connection_settings connection;
    const char *table;
    const char *schema;
    const char *rejects;
    int64_t max_rejects;
    int64_t jobs;
    int64_t batch;
    int64_t retries;
    int format;
    int on_conflict;
    bool truncate;
    bool freeze;
    bool dry_run;
    bool again;
    int target; /* index into target_names */
    redshift_settings redshift;
    mapping_request mapping;
    row_format csv; /* its kind is not used */
    load_follow_settings follow;
} load_settings;

static const load_settings defaults = {
    .jobs = 1, .retries = DEFAULT_RETRIES, .follow.follow.seconds = FOLLOW_SEGMENT_SECONDS};

static const char *const target_names[] = {"postgres", "redshift", NULL};

/* By source_format. */
static const char *const format_names[] = {"auto", "movielens", NULL};

/* By conflict_action. */
static const char *const conflict_names[] = {"fail", "nothing", "update", NULL};

static const option_spec options[] = {
    {"table", 't', OPTION_TEXT, offsetof(load_settings, table), "TABLE",
     "table to load into (default: " DEFAULT_TABLE ")", NULL},
    {"schema", 0, OPTION_TEXT, offsetof(load_settings, schema), "SCHEMA",
     "schema of the table and of the ledger (default:\nby the search path)", NULL},
    {"format", 0, OPTION_CHOICE, offsetof(load_settings, format), "FORMAT",
     "auto: Avro or CSV, as the file says (default);\n"
     "movielens: ratings and movies of MovieLens, into\nthe tables interaction and item",
     format_names},
    {"map", 0, OPTION_LIST, offsetof(load_settings, mapping.map), "FIELD=COLUMN",
     "the column that a field of the file goes to\n(default: the one of its name); may be repeated",
     NULL},
    {"columns", 0, OPTION_TEXT, offsetof(load_settings, mapping.columns), "NAME,...",
     "load only these columns of the table, and leave\nthe fields of others out", NULL},
    {"encoding", 0, OPTION_TEXT, offsetof(load_settings, csv.encoding), "NAME",
     "encoding of CSV, by a name that iconv knows\n(default: UTF-8, or by its byte order mark)",
     NULL},
    {"delimiter", 0, OPTION_TEXT, offsetof(load_settings, csv.delimiter), "C",
     "what separates the fields of CSV; \\t is a tab\n(default: a comma)", NULL},
    {"null", 0, OPTION_TEXT, offsetof(load_settings, csv.null_text), "TEXT",
     "what NULL is in CSV, where it stands without\nquotes (default: nothing)", NULL},
    {"jobs", 'j', OPTION_COUNT, offsetof(load_settings, jobs), "N",
     "load over N connections at once, up to 64\n(default: 1); Redshift: upload N objects at once",
     NULL},
    {"batch", 0, OPTION_COUNT, offsetof(load_settings, batch), "ROWS",
     "commit an Avro file in batches of about so many\n"
     "rows (default: all of a file at once; with\nseveral jobs 500000)",
     NULL},
    {"rejects", 0, OPTION_TEXT, offsetof(load_settings, rejects), "FILE",
     "write refused records to this file too, as\nJSON lines; an existing file is replaced", NULL},
    {"max-rejects", 0, OPTION_COUNT, offsetof(load_settings, max_rejects), "N",
     "stop when more than N records are refused\n(default: 0)", NULL},
    {"on-conflict", 0, OPTION_CHOICE, offsetof(load_settings, on_conflict), "ACTION",
     "what to do with a row whose key is there: fail\n(default), nothing or update; one job",
     conflict_names},
    {"truncate", 0, OPTION_FLAG, offsetof(load_settings, truncate), NULL,
     "empty the table first, once", NULL},
    {"freeze", 0, OPTION_FLAG, offsetof(load_settings, freeze), NULL,
     "write rows that vacuum need not visit; needs\n--truncate, one file, job and batch", NULL},
    {"dry-run", 0, OPTION_FLAG, offsetof(load_settings, dry_run), NULL,
     "do all of it, then take it back", NULL},
    {"retries", 0, OPTION_COUNT, offsetof(load_settings, retries), "N",
     "try again so often in a row when the connection\nis lost (default: 8)", NULL},
    {"again", 0, OPTION_FLAG, offsetof(load_settings, again), NULL,
     "load a file although another one, made from the\nsame log, was loaded before", NULL},
    {"target", 0, OPTION_CHOICE, offsetof(load_settings, target), "TARGET",
     "postgres (default), or redshift: by way of S3", target_names},
    {"stage", 0, OPTION_TEXT, offsetof(load_settings, redshift.stage), "S3-URL",
     "Redshift: where files wait for COPY:\ns3://bucket/prefix", NULL},
    {"iam-role", 0, OPTION_TEXT, offsetof(load_settings, redshift.iam_role), "ARN",
     "Redshift: the role by which the cluster reads the\nbucket, or \"default\"", NULL},
    {"region", 0, OPTION_TEXT, offsetof(load_settings, redshift.region), "REGION",
     "Redshift: region of the bucket (default:\nAWS_REGION, or the profile's)", NULL},
    {"slices", 0, OPTION_COUNT, offsetof(load_settings, redshift.slices), "K",
     "Redshift: slices of the cluster: a large file is\nstaged as a multiple of K (default: 4)",
     NULL},
    {"s3-addressing", 0, OPTION_CHOICE, offsetof(load_settings, redshift.addressing), "HOW",
     "Redshift: how requests name the bucket: auto\n(default), path or virtual (in the host)",
     redshift_addressing_names},
    {"s3-timeout", 0, OPTION_COUNT, offsetof(load_settings, redshift.timeout), "SECONDS",
     "Redshift: try a request again that moves nothing\nfor so long (default: 60)", NULL},
    {"keep-staged", 0, OPTION_FLAG, offsetof(load_settings, redshift.keep_staged), NULL,
     "Redshift: leave the staged files in S3", NULL},
    {"follow", 0, OPTION_FLAG, offsetof(load_settings, follow.follow.follow), NULL,
     "load a log as it grows and is rotated: its lines\ngo to segments in the directory named by "
     "-o,\n"
     "and these into the table",
     NULL},
    {"output", 'o', OPTION_TEXT, offsetof(load_settings, follow.directory), "DIR",
     "with --follow: the directory of the segments", NULL},
    {"input-format", 0, OPTION_CHOICE, offsetof(load_settings, follow.format.kind), "FORMAT",
     "with --follow: of the log: plain (default),\ncombined (Apache, nginx; common, too), or json: "
     "one\nobject a line",
     line_format_names},
    {"user-field", 0, OPTION_CHOICE, offsetof(load_settings, follow.format.user), "FIELD",
     LINE_USER_HELP, line_user_names},
    {"field", 0, OPTION_LIST, offsetof(load_settings, follow.format.fields), "NAME=KEY",
     LINE_FIELD_HELP, NULL},
    {"segment-time", 0, OPTION_COUNT, offsetof(load_settings, follow.follow.seconds), "SECONDS",
     FOLLOW_TIME_HELP, NULL},
    {"segment-size", 0, OPTION_TEXT, offsetof(load_settings, follow.follow.size), "SIZE",
     FOLLOW_SIZE_HELP, NULL},
    {"remove-segments", 0, OPTION_FLAG, offsetof(load_settings, follow.remove), NULL,
     "with --follow: remove each segment that is\nloaded, but the last one", NULL},
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL},
};

/* Check the files that the command line names. */
static exit_status
check_files(const load_settings *settings, const operand_list *files)
{
    const char *rejects = settings->rejects != NULL ? settings->rejects : "";
    file_identity output = file_identify(rejects);

    for (int i = 0; i < files->count; i++)
    {
        file_identity input = file_identify(files->items[i]);

        if (strcmp(files->items[i], "-") == 0)
        {
            log_error("standard input cannot be loaded");
            log_hint("A load reads a file twice, to know it again: put the data into a file "
                     "first.");
            return STATUS_USAGE;
        }
        if (file_identity_same(&input, &output))
        {
            log_error("\"%s\" is to be read and written", settings->rejects);
            return STATUS_USAGE;
        }
    }
    return STATUS_OK;
}

/* True if an option of loads into PostgreSQL goes with Redshift as well. */
static bool
goes_with_both(const char *name)
{
    static const char *const names[] = {"table", "schema", "jobs", "retries", "again", "target"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Check that no option is given that is only for the other target. */
static exit_status
check_target(const load_settings *settings, bool redshift)
{
    size_t start = offsetof(load_settings, redshift);

    for (const option_spec *option = options; option->name != NULL; option++)
    {
        bool theirs = option->offset >= start && option->offset < start + sizeof(redshift_settings);

        if ((redshift ? theirs || goes_with_both(option->name) : !theirs) ||
            !option_is_set(option, settings, &defaults))
            continue;
        if (redshift)
            log_error("option \"--%s\" does not go with \"--target redshift\"", option->name);
        else
            log_error("option \"--%s\" goes with \"--target redshift\" only", option->name);
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

/* Load into Redshift. */
static exit_status
load_to_redshift(const load_settings *settings, const operand_list *files)
{
    const redshift_request request = {.connection = &settings->connection,
                                      .settings = &settings->redshift,
                                      .table = settings->table,
                                      .schema = settings->schema,
                                      .retries = settings->retries,
                                      .jobs = settings->jobs,
                                      .again = settings->again};

    return redshift_load(&request, files);
}

/* True if the file of rejects can be written, as far as that can be told before the load. */
static bool
can_write(const char *rejects)
{
    file_sink trial = {NULL};
    bool can = rejects == NULL || (file_sink_may_create(rejects, true) &&
                                   file_sink_open(&trial, rejects, true) == STATUS_OK);

    file_sink_discard(&trial);
    return can;
}

/* Check that no option is given that is only for following a log. */
static exit_status
check_follow(const load_settings *settings)
{
    size_t start = offsetof(load_settings, follow);

    if (settings->follow.follow.follow)
        return STATUS_OK;
    for (const option_spec *option = options; option->name != NULL; option++)
    {
        if (option->offset < start || option->offset >= start + sizeof(load_follow_settings) ||
            !option_is_set(option, settings, &defaults))
            continue;
        log_error("option \"--%s\" goes with \"--follow\" only", option->name);
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

/* Check that the options go together. */
static exit_status
check_options(const load_settings *settings, const operand_list *files)
{
    bool upsert = settings->on_conflict != CONFLICT_FAIL;

    STATUS_TRY(check_jobs_argument(settings->jobs));
    if (upsert && settings->jobs > 1)
        log_error("\"--on-conflict\" needs the order of the file: it goes with one job only");
    else if (settings->freeze && !settings->truncate)
        log_error("\"--freeze\" needs \"--truncate\"");
    else if (settings->freeze && (settings->jobs > 1 || settings->batch > 0 || files->count > 1))
        log_error("\"--freeze\" goes with one file, one job and no batches only");
    else if (settings->freeze && upsert)
        log_error("\"--freeze\" and \"--on-conflict\" exclude each other");
    else
        return STATUS_OK;
    return STATUS_USAGE;
}

/* The command. */
static exit_status
run(const void *given, const operand_list *files)
{
    const load_settings *settings = given;
    bool redshift = strcmp(target_names[settings->target], "redshift") == 0;
    load_request request = {
        .connection = &settings->connection,
        .table = settings->table,
        .schema = settings->schema,
        .format = {(source_format) settings->format, settings->csv.encoding,
                   settings->csv.delimiter, settings->csv.null_text},
        .mapping = settings->mapping,
        .rejects = settings->rejects,
        .max_rejects = settings->max_rejects,
        .jobs = settings->jobs,
        .batch_rows = settings->batch,
        .retries = settings->retries,
        .on_conflict = (conflict_action) settings->on_conflict,
        .again = settings->again,
        .truncate = settings->truncate,
        .freeze = settings->freeze,
        .dry_run = settings->dry_run,
    };

    STATUS_TRY(check_files(settings, files));
    STATUS_TRY(check_target(settings, redshift));
    STATUS_TRY(check_follow(settings));
    STATUS_TRY(check_options(settings, files));
    if (redshift)
        return load_to_redshift(settings, files);
    if (!can_write(settings->rejects))
        return STATUS_USAGE;
    if (request.batch_rows == 0 && request.jobs > 1)
        request.batch_rows = DEFAULT_BATCH_ROWS;
    if (settings->follow.follow.follow)
        return load_follow(&settings->follow, &request, files);
    return load_files(&request, files);
}

const command_spec load_command = {
    .name = "load",
    .arguments = "FILE...",
    .summary = "load Avro or CSV files into a table",
    .description =
        "A file's content tells what it is: Avro, or CSV whose first line names the\n"
        "columns, also compressed with gzip or zstandard. Fields go to the columns of the\n"
        "same name, whatever the case; each field needs one, unless --columns says which\n"
        "to load, and columns without a field get their default. Each file is\n"
        "one transaction, and is recorded in the table load_batch: loading it again does\n"
        "nothing. A record that does not fit is refused and kept in load_reject. In CSV\n"
        "an empty field without quotes is NULL, and a time without an offset is UTC.\n\n"
        "With --follow the FILE is a log: each of its lines goes once into the table, as\n"
        "it is written, until a signal ends it; the same command goes on, also after a\n"
        "kill. While the server is away segments are written, and loaded later.",
    .examples = "clickstream load -d shop http_log.avro\n"
                "clickstream load -d shop -t campaign_reward_mapping mapping.csv\n"
                "clickstream load -d shop --jobs 2 --max-rejects 100 --rejects bad.jsonl \\\n"
                "    *.avro\n"
                "clickstream load -d shop --follow -o segments access.log",
    .options = options,
    .connects = true,
    .takes_operands = true,
    .settings_size = sizeof(load_settings),
    .defaults = &defaults,
    .run = run,
};
