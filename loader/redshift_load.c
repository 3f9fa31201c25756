/*
 * loader/redshift_load.c
 *     Loading files into Redshift, one after the other.
 *
 * Look at file, table and ledger; check and prepare; upload; copy; clean up. What is
 * uploaded stays there when the load is ended in between, and the next run uses it.
 */
#include "redshift.h"

#include <inttypes.h>
#include <stdlib.h>

#define MAX_SLICES 10000

const char *const redshift_addressing_names[] = {"auto", "path", "virtual", NULL};

/* One file on its way. */
typedef struct file_load
{
    const redshift_request *request;
    s3_client *client;
    const char *prefix; /* of keys */
    redshift_file file;
    redshift_table table;
    redshift_mapping mapping;
    redshift_stage stage;
    redshift_copy copy;
    redshift_batch batch;
} file_load;

/* Look the table up, and the file in its ledger. */
static exit_status
ask_server(file_load *load, connection *server)
{
    const redshift_request *request = load->request;
    const char *table = request->table != NULL ? request->table : DEFAULT_TABLE;

    STATUS_TRY(redshift_table_find(&load->table, server, table, request->schema));
    return redshift_ledger_check(&load->copy, server, &load->batch);
}

/* Learn what is to be done. */
static exit_status
look(file_load *load)
{
    connection server;
    exit_status status;

    load->copy = (redshift_copy){.request = load->request,
                                 .table = &load->table,
                                 .mapping = &load->mapping,
                                 .file = &load->file,
                                 .stage = &load->stage,
                                 .region = load->client->region};
    STATUS_TRY(redshift_file_open(&load->file, load->file.name));
    /* closed before the upload, which may take hours */
    STATUS_TRY(connection_open_redshift(&server, load->request->connection));
    status = ask_server(load, &server);
    connection_close(&server);
    STATUS_TRY(status);
    return redshift_stage_open(&load->stage, load->client, load->prefix, &load->file, &load->table);
}

/* Say what was done. */
static void
print_summary(const file_load *load)
{
    const char *name = load->file.name;

    if (load->batch.before)
        log_summary("%s: already loaded into %s (load %" PRId64 ", %" PRId64
                    " rows): nothing to do",
                    name, load->table.qualified, load->batch.load_id, load->batch.rows);
    else
        log_summary("%s: read %" PRId64 " %s = %" PRId64
                    " loaded + 0 rejected into %s (load %" PRId64 ")",
                    name, load->file.records, load->file.records == 1 ? "record" : "records",
                    load->batch.rows, load->table.qualified, load->batch.load_id);
}

/* Check, upload and copy. */
static exit_status
bring_over(file_load *load)
{
    const redshift_settings *settings = load->request->settings;
    int64_t slices = settings->slices > 0 ? settings->slices : REDSHIFT_DEFAULT_SLICES;

    STATUS_TRY(redshift_mapping_make(&load->mapping, &load->table,
                                     cs_avro_reader_schema(load->file.reader), load->file.name));
    STATUS_TRY(redshift_file_prepare(&load->file, &load->mapping));
    if (load->file.records == 0)
    {
        log_warning("%s: file has no records: Redshift would refuse it (\"Unexpected end of AVRO "
                    "file\"), so nothing is uploaded",
                    load->file.name);
        log_summary("%s: read 0 records = 0 loaded + 0 rejected", load->file.name);
        return STATUS_OK;
    }
    STATUS_TRY(redshift_stage_upload(&load->stage, slices, load->request->jobs));
    return redshift_copy_run(&load->copy, &load->batch);
}

/* Load a file. */
static exit_status
run_load(file_load *load)
{
    bool keep = load->request->settings->keep_staged;
    exit_status status = look(load);
    bool staged;

    if (status == STATUS_OK && !load->batch.done)
        status = bring_over(load);
    staged = load->stage.num_parts > 0;
    if (status == STATUS_OK && load->batch.done)
    {
        print_summary(load);
        if (staged || !keep)
            redshift_stage_clean(&load->stage, keep);
    }
    else if (status == STATUS_REFUSED && !staged)
        log_detail("Nothing of %s was uploaded.", load->file.name);
    else if (status == STATUS_REFUSED)
        redshift_stage_clean(&load->stage, false);
    else if (staged && status != STATUS_OK)
        log_hint("Run the same command again: what was uploaded is not sent again, and nothing is "
                 "loaded twice.");
    return status;
}

/* Load a file, and free what that took. */
static exit_status
load_file_to_redshift(const redshift_request *request, s3_client *client, const char *prefix,
                      const char *name)
{
    file_load load = {.request = request, .client = client, .prefix = prefix};
    exit_status status;

    load.file.name = name;
    load.file.source.fd = -1;
    status = run_load(&load);
    redshift_stage_free(&load.stage);
    redshift_mapping_free(&load.mapping);
    redshift_table_free(&load.table);
    redshift_file_close(&load.file);
    return status;
}

/* Check what the command line asks for. */
static exit_status
check_settings(const redshift_settings *settings, const operand_list *files)
{
    const char *role = settings->iam_role;

    if (settings->stage == NULL)
    {
        log_error("loading into Redshift needs a place in S3");
        log_hint("Name one with \"--stage s3://bucket/prefix\".");
    }
    else if (role == NULL)
    {
        log_error("loading into Redshift needs a role by which the cluster reads S3");
        log_hint("Name it with \"--iam-role\": its ARN, or \"default\".");
    }
    else if (strncmp(role, "arn:aws", 7) != 0 && strcmp(role, "default") != 0)
        log_error("the argument of \"--iam-role\" is no ARN of a role"); /* may be a secret */
    else if (settings->slices > MAX_SLICES)
        log_error("invalid argument of option \"--slices\": more than %d", MAX_SLICES);
    else
    {
        for (int i = 0; i < files->count; i++)
            if (!cs_utf8_valid(files->items[i], strlen(files->items[i])))
            {
                log_error("%s: the file's name is not valid UTF-8", files->items[i]);
                return STATUS_USAGE;
            }
        return STATUS_OK;
    }
    return STATUS_USAGE;
}

/* Say how far the run came. */
static void
report_files(const operand_list *files, int done)
{
    if (files->count == 1)
        return;
    log_detail("%d of %d files are loaded.", done, files->count);
    log_hint("Run the same command again when the cause is removed: a file that is loaded is not "
             "loaded twice.");
}

exit_status
redshift_load(const redshift_request *request, const operand_list *files)
{
    const redshift_settings *settings = request->settings;
    const s3_settings s3 = {.region = settings->region,
                            .addressing = (s3_addressing) settings->addressing,
                            .timeout = settings->timeout};
    exit_status status;
    s3_location place;
    s3_client client;
    char *prefix;

    STATUS_TRY(check_settings(settings, files));
    STATUS_TRY(s3_location_parse(&place, settings->stage));
    prefix = strdup(place.key);
    status = prefix != NULL ? s3_open(&client, &place, &s3) : log_out_of_memory();
    if (status == STATUS_OK)
    {
        for (int i = 0; status == STATUS_OK && i < files->count; i++)
        {
            status = load_file_to_redshift(request, &client, prefix, files->items[i]);
            if (status != STATUS_OK)
                report_files(files, i);
        }
        s3_close(&client);
    }
    free(prefix);
    s3_location_free(&place);
    return status;
}
