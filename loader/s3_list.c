/*
 * loader/s3_list.c
 *     What lies in a bucket below a prefix: objects, and uploads that were begun.
 */
#include "s3.h"

#include "log.h"
#include "stop.h"

#include <stdio.h>
#include <stdlib.h>

/* Make a query of pieces, each a name with "=", and values that are encoded. NULL without memory.
 */
static char *
make_query(const char *const *pieces, int count)
{
    cs_buffer query;
    cs_error err;
    cs_code code = CS_OK;
    char *text;

    cs_buffer_init(&query, loader_env());
    for (int i = 0; code == CS_OK && i < count; i += 2)
    {
        code = cs_buffer_printf(&query, &err, "%s%s=", i > 0 ? "&" : "", pieces[i]);
        if (code == CS_OK)
            code = s3_encode(&query, pieces[i + 1], false, &err);
    }
    text = code == CS_OK ? strndup((const char *) query.data, query.len) : NULL;
    cs_buffer_free(&query);
    return text;
}

/* Ask the bucket. */
static exit_status
ask(s3_client *client, const char *const *pieces, int count, s3_answer *answer)
{
    char *query = make_query(pieces, count);
    s3_request request = {.method = "GET", .query = query};
    exit_status status;

    if (query == NULL)
        return log_out_of_memory();
    status = s3_call(client, &request, answer);
    free(query);
    return status;
}

/* Report an answer that cannot be read. */
static exit_status
report_nonsense(const s3_client *client)
{
    log_error("the list of s3://%s cannot be understood", client->location.bucket);
    return STATUS_SERVER;
}

exit_status
s3_delete(s3_client *client, const char *key)
{
    s3_request request = {.method = "DELETE", .key = key};
    exit_status status;
    s3_answer answer;

    s3_answer_init(&answer);
    status = s3_send(client, &request, &answer);
    if (status == STATUS_OK && answer.http != 404 && answer.http >= 300)
        status = s3_fail(client, &request, &answer);
    s3_answer_free(&answer);
    return status;
}

/* A visit of objects, and how it goes. */
typedef struct object_visit
{
    exit_status (*visit)(void *ctx, const char *key);
    void *ctx;
    exit_status status;
} object_visit;

/* Pass one object on. */
static bool
visit_object(void *ctx, const s3_item *item)
{
    object_visit *state = ctx;
    char key[S3_KEY_SIZE];

    if (s3_item_text(item, "Key", key, sizeof(key)))
        state->status = state->visit(state->ctx, key);
    return state->status == STATUS_OK;
}

/* The token of the next page, NULL behind the last. */
static char *
next_page(const s3_answer *answer)
{
    char *truncated = s3_answer_text(answer, "IsTruncated");
    bool more = truncated != NULL && strcmp(truncated, "true") == 0;

    free(truncated);
    return more ? s3_answer_text(answer, "NextContinuationToken") : NULL;
}

exit_status
s3_list(s3_client *client, const char *prefix, exit_status (*visit)(void *ctx, const char *key),
        void *ctx)
{
    object_visit state = {visit, ctx, STATUS_OK};
    exit_status status;
    char *token = NULL;
    s3_answer answer;

    s3_answer_init(&answer);
    do
    {
        const char *const pieces[] = {
            "continuation-token", token, "list-type", "2", "prefix", prefix};
        int skip = token == NULL ? 2 : 0;

        status = ask(client, pieces + skip, 6 - skip, &answer);
        free(token);
        token = NULL;
        if (status != STATUS_OK)
            break;
        if (!s3_answer_each(&answer, "Contents", visit_object, &state))
            status = state.status != STATUS_OK ? state.status : report_nonsense(client);
        else
            token = next_page(&answer);
    } while (status == STATUS_OK && token != NULL);
    free(token);
    s3_answer_free(&answer);
    return status;
}

/* An upload that was begun. */
typedef struct open_upload
{
    char key[S3_KEY_SIZE];
    char id[S3_UPLOAD_ID_SIZE];
    char begun[32];
} open_upload;

/* The uploads of an answer. */
typedef struct upload_list
{
    open_upload *items;
    size_t capacity;
    size_t count;
} upload_list;

/* Keep one upload. */
static bool
visit_upload(void *ctx, const s3_item *item)
{
    upload_list *list = ctx;
    cs_error err;

    if (cs_grow_array(loader_env(), (void **) &list->items, &list->capacity, list->count + 1,
                      sizeof(open_upload), &err) != CS_OK)
        return false;
    if (s3_item_text(item, "Key", list->items[list->count].key, S3_KEY_SIZE) &&
        s3_item_text(item, "UploadId", list->items[list->count].id, S3_UPLOAD_ID_SIZE))
    {
        s3_item_text(item, "Initiated", list->items[list->count].begun,
                     sizeof(list->items[list->count].begun));
        list->count++;
    }
    return true;
}

/*
 * List uploads that were begun, up to a thousand: the rest is found by later runs. Keys
 * that may not list them have none; then nothing is used again.
 */
static exit_status
list_uploads(s3_client *client, const char *prefix, upload_list *list)
{
    char *query = make_query((const char *const[]){"prefix", prefix, "uploads", ""}, 4);
    s3_request request = {.method = "GET", .query = query};
    exit_status status;
    s3_answer answer;

    memset(list, 0, sizeof(*list));
    if (query == NULL)
        return log_out_of_memory();
    s3_answer_init(&answer);
    status = s3_send(client, &request, &answer);
    if (status == STATUS_OK && answer.http >= 300 && strcmp(answer.code, "AccessDenied") != 0)
        status = s3_fail(client, &request, &answer);
    else if (status == STATUS_OK && answer.http < 300 &&
             !s3_answer_each(&answer, "Upload", visit_upload, list))
        status = report_nonsense(client);
    s3_answer_free(&answer);
    free(query);
    return status;
}

exit_status
s3_find_upload(s3_client *client, const char *key, char id[S3_UPLOAD_ID_SIZE])
{
    const open_upload *newest = NULL;
    upload_list list;
    exit_status status = list_uploads(client, key, &list);

    for (size_t i = 0; status == STATUS_OK && i < list.count; i++)
        if (strcmp(list.items[i].key, key) == 0 &&
            (newest == NULL || strcmp(list.items[i].begun, newest->begun) > 0))
            newest = &list.items[i];
    snprintf(id, S3_UPLOAD_ID_SIZE, "%s", newest != NULL ? newest->id : "");
    free(list.items);
    return status;
}

/* End one upload; one that is not there is fine. */
static exit_status
abort_upload(s3_client *client, const open_upload *upload)
{
    char *query = make_query((const char *const[]){"uploadId", upload->id}, 2);
    s3_request request = {.method = "DELETE", .key = upload->key, .query = query};
    exit_status status;
    s3_answer answer;

    if (query == NULL)
        return log_out_of_memory();
    s3_answer_init(&answer);
    status = s3_send(client, &request, &answer);
    if (status == STATUS_OK && answer.http != 404 && answer.http >= 300)
        status = s3_fail(client, &request, &answer);
    s3_answer_free(&answer);
    free(query);
    return status;
}

exit_status
s3_abort_uploads(s3_client *client, const char *prefix)
{
    upload_list list;
    exit_status status = list_uploads(client, prefix, &list);

    for (size_t i = 0; status == STATUS_OK && i < list.count; i++)
        status = abort_upload(client, &list.items[i]);
    free(list.items);
    return status;
}
