/*
 * loader/redshift_stage.c
 *     A file's blocks in S3: a few objects of about equal size, and a manifest.
 *
 * All that belongs to a file and a table lies in one folder, named by the file's
 * identity. An object's name ends with a part of its SHA-256, so that a name always
 * means the same bytes, whoever uploads them and however often. The manifest lists
 * what COPY reads, each object once, and all of them mandatory.
 */
#include "redshift.h"

#include "progress.h"
#include "stop.h"

#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>

/* What COPY likes files to be. */
#define MIN_PART_BYTES (1024 * 1024)
#define MAX_PART_BYTES (1024 * 1024 * 1024)

#define SHORT_HASH 16 /* digits of a hash in a name */

exit_status
redshift_stage_open(redshift_stage *stage, s3_client *client, const char *prefix,
                    const redshift_file *file, const redshift_table *table)
{
    char sum[HASH_TEXT_SIZE];

    memset(stage, 0, sizeof(*stage));
    stage->client = client;
    stage->file = file;
    if (hash_bytes(cs_slice_of(table->qualified), sum) &&
        asprintf(&stage->folder, "%s%s%s-%.*s/", prefix, prefix[0] != '\0' ? "/" : "",
                 file->file_id, SHORT_HASH, sum) >= 0)
        return STATUS_OK;
    stage->folder = NULL;
    return log_out_of_memory();
}

void
redshift_stage_free(redshift_stage *stage)
{
    for (size_t i = 0; i < stage->num_parts; i++)
        free(stage->parts[i].key);
    free(stage->parts);
    free(stage->folder);
    free(stage->manifest);
    free(stage->url);
    memset(stage, 0, sizeof(*stage));
}

/* The number of objects: a multiple of the slices, each of 1 MiB to 1 GiB where that is possible.
 */
static uint64_t
count_parts(uint64_t bytes, uint64_t slices, uint64_t blocks)
{
    uint64_t rounds = bytes / slices / MAX_PART_BYTES + 1;
    uint64_t count = slices * rounds;

    if (bytes / count < MIN_PART_BYTES)
        count = bytes / MIN_PART_BYTES;
    if (count > blocks)
        count = blocks;
    return count > 0 ? count : 1;
}

/* Deal the blocks out, in their order, so that each part ends where its share of the bytes does. */
static exit_status
plan_parts(redshift_stage *stage, int64_t slices)
{
    const redshift_file *file = stage->file;
    uint64_t total = 0, dealt = 0, count;
    int64_t record = 1;
    size_t block = 0;

    for (size_t i = 0; i < file->num_blocks; i++)
        total += file->blocks[i].len;
    count = count_parts(total, (uint64_t) slices, file->num_blocks);
    stage->parts = calloc(count, sizeof(staged_part));
    if (stage->parts == NULL)
        return log_out_of_memory();
    for (; stage->num_parts < count; stage->num_parts++)
    {
        staged_part *part = &stage->parts[stage->num_parts];
        uint64_t parts_left = count - stage->num_parts;
        uint64_t share = (total - dealt) / parts_left;

        *part = (staged_part){.offset = file->blocks[block].offset, .first_record = record};
        do
        {
            part->len += file->blocks[block].len;
            part->num_blocks++;
            record += file->blocks[block++].records;
        } while (block < file->num_blocks && file->num_blocks - block >= parts_left &&
                 (parts_left == 1 || part->len + file->blocks[block].len / 2 < share));
        dealt += part->len;
    }
    return STATUS_OK;
}

/* The bytes of a part. */
static s3_content
content_of(const redshift_stage *stage, const staged_part *part)
{
    const redshift_file *file = stage->file;

    return (s3_content){.head = {(const char *) file->header.data, file->header.len},
                        .fd = file->spool != NULL ? fileno(file->spool) : file->source.fd,
                        .offset = part->offset,
                        .len = part->len,
                        .name = file->name};
}

/* A thread that uploads parts. */
typedef struct uploader
{
    redshift_stage *stage;
    s3_client client;
    s3_traffic traffic;
    exit_status status;
    pthread_t thread;
    bool started;
} uploader;

/* Upload one part. */
static exit_status
upload_part(uploader *self, size_t number)
{
    const redshift_stage *stage = self->stage;
    staged_part *part = &stage->parts[number];
    s3_content content = content_of(stage, part);
    char sum[HASH_TEXT_SIZE];

    STATUS_TRY(s3_content_hash(&content, sum));
    if (asprintf(&part->key, "%spart-%04zu-of-%04zu-%.*s.avro", stage->folder, number + 1,
                 stage->num_parts, SHORT_HASH, sum) < 0)
    {
        part->key = NULL;
        return log_out_of_memory();
    }
    return s3_upload(&self->client, part->key, &content, sum, &self->traffic);
}

/* Upload parts as long as there are some that nobody has taken; a thread's body. */
static void *
upload_some(void *ctx)
{
    uploader *self = ctx;
    size_t number;

    while (self->status == STATUS_OK && !atomic_load(&self->stage->failed) &&
           (number = atomic_fetch_add(&self->stage->next_part, 1)) < self->stage->num_parts)
        self->status = upload_part(self, number);
    if (self->status != STATUS_OK)
        atomic_store(&self->stage->failed, true);
    return NULL;
}

/* Upload all parts, the first uploader in this thread. */
static exit_status
run_uploaders(redshift_stage *stage, uploader *uploaders, size_t count)
{
    exit_status status = STATUS_OK;

    for (size_t i = 0; i < count; i++)
    {
        uploaders[i].stage = stage;
        STATUS_TRY(s3_clone(&uploaders[i].client, stage->client));
    }
    for (size_t i = 1; i < count; i++)
        uploaders[i].started =
            pthread_create(&uploaders[i].thread, NULL, upload_some, &uploaders[i]) == 0;
    upload_some(&uploaders[0]);
    for (size_t i = 0; i < count; i++)
    {
        if (uploaders[i].started)
            pthread_join(uploaders[i].thread, NULL);
        stage->traffic.sent += uploaders[i].traffic.sent;
        stage->traffic.reused += uploaders[i].traffic.reused;
        if (uploaders[i].status != STATUS_OK)
            status = uploaders[i].status;
    }
    return status;
}

/* Upload all parts, some at the same time. */
static exit_status
upload_parts(redshift_stage *stage, size_t jobs)
{
    size_t count = jobs < stage->num_parts ? jobs : stage->num_parts;
    uploader *uploaders = calloc(count, sizeof(uploader));
    int64_t total = 0;
    exit_status status;

    if (uploaders == NULL)
        return log_out_of_memory();
    for (size_t i = 0; i < stage->num_parts; i++)
        total += (int64_t) (stage->parts[i].len + stage->file->header.len);
    progress_begin("uploading", total);
    status = run_uploaders(stage, uploaders, count);
    progress_end();
    for (size_t i = 0; i < count; i++)
        s3_close(&uploaders[i].client);
    free(uploaders);
    return status;
}

/* The manifest's text; NULL without memory. */
static char *
make_manifest(const redshift_stage *stage)
{
    json_t *entries = json_array();
    json_t *root = json_pack("{s:o}", "entries", entries);
    char *text = NULL;
    bool done = root != NULL;

    for (size_t i = 0; done && i < stage->num_parts; i++)
    {
        json_t *url =
            json_sprintf("s3://%s/%s", stage->client->location.bucket, stage->parts[i].key);

        done = url != NULL && json_array_append_new(
                                  entries, json_pack("{s:o,s:b}", "url", url, "mandatory", 1)) == 0;
    }
    if (done)
        text = json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    json_decref(root);
    return text;
}

/* Upload a manifest. */
static exit_status
upload_manifest(redshift_stage *stage, const char *text)
{
    s3_content content = {.head = cs_slice_of(text), .fd = -1, .name = "manifest"};
    char sum[HASH_TEXT_SIZE];

    STATUS_TRY(s3_content_hash(&content, sum));
    if (asprintf(&stage->manifest, "%smanifest-%.*s.json", stage->folder, SHORT_HASH, sum) < 0)
    {
        stage->manifest = NULL;
        return log_out_of_memory();
    }
    if (asprintf(&stage->url, "s3://%s/%s", stage->client->location.bucket, stage->manifest) < 0)
    {
        stage->url = NULL;
        return log_out_of_memory();
    }
    return s3_upload(stage->client, stage->manifest, &content, sum, &stage->traffic);
}

exit_status
redshift_stage_upload(redshift_stage *stage, int64_t slices, int64_t jobs)
{
    exit_status status;
    char *manifest;

    STATUS_TRY(plan_parts(stage, slices));
    STATUS_TRY(upload_parts(stage, (size_t) jobs));
    if (!redshift_file_unchanged(stage->file))
    {
        log_error("%s: file was changed while it was uploaded", stage->file->name);
        return STATUS_REFUSED;
    }
    manifest = make_manifest(stage);
    status = manifest != NULL ? upload_manifest(stage, manifest) : log_out_of_memory();
    free(manifest);
    STATUS_TRY(status);
    log_verbose("%s: staged as %zu files: %" PRId64 " bytes sent, %" PRId64
                " bytes were there already",
                stage->file->name, stage->num_parts, stage->traffic.sent, stage->traffic.reused);
    return STATUS_OK;
}

/* A cleaning, and what it does not touch. */
typedef struct cleaning
{
    redshift_stage *stage;
    bool keep;
    char **keys; /* found, to be deleted when the list is complete */
    size_t capacity;
    size_t count;
} cleaning;

/* True if an object belongs to what was staged now. */
static bool
is_current(const redshift_stage *stage, const char *key)
{
    for (size_t i = 0; i < stage->num_parts; i++)
        if (stage->parts[i].key != NULL && strcmp(stage->parts[i].key, key) == 0)
            return true;
    return stage->manifest != NULL && strcmp(stage->manifest, key) == 0;
}

/* Note an object that is to go. */
static exit_status
note_object(void *ctx, const char *key)
{
    cleaning *state = ctx;
    cs_error err;

    if (state->keep && is_current(state->stage, key))
        return STATUS_OK;
    if (cs_grow_array(loader_env(), (void **) &state->keys, &state->capacity, state->count + 1,
                      sizeof(char *), &err) != CS_OK ||
        (state->keys[state->count] = strdup(key)) == NULL)
        return log_out_of_memory();
    state->count++;
    return STATUS_OK;
}

/* Delete what was noted. */
static exit_status
delete_objects(const cleaning *state)
{
    for (size_t i = 0; i < state->count; i++)
        STATUS_TRY(s3_delete(state->stage->client, state->keys[i]));
    return STATUS_OK;
}

void
redshift_stage_clean(redshift_stage *stage, bool keep)
{
    cleaning state = {.stage = stage, .keep = keep};
    s3_client *client = stage->client;
    exit_status status = s3_list(client, stage->folder, note_object, &state);

    if (status == STATUS_OK)
        status = delete_objects(&state);
    if (status == STATUS_OK)
        status = s3_abort_uploads(client, stage->folder);
    if (status != STATUS_OK)
    {
        log_warning("staged files are left in s3://%s/%s", client->location.bucket, stage->folder);
        log_hint("Running the same command again removes them: nothing is loaded twice.");
    }
    else if (state.count > 0)
        log_verbose("%s: %zu staged files removed", stage->file->name, state.count);
    for (size_t i = 0; i < state.count; i++)
        free(state.keys[i]);
    free(state.keys);
}
