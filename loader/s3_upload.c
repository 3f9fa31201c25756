/*
 * loader/s3_upload.c
 *     Bringing one object to S3, in parts where it is large.
 *
 * Nothing is sent that is there already. An object is known by its size and the
 * SHA-256 that we wrote into its metadata; a part by its size and the SHA-256 that S3
 * checked when it came. An upload that ended at any moment is found by its key and
 * goes on. Where another program ends it meanwhile, the object is there, or all
 * begins anew.
 */
#include "s3.h"

#include "hash.h"
#include "log.h"
#include "progress.h"
#include "stop.h"

#include <errno.h>
#include <libxml/tree.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SHA256_BYTES 32
#define BASE64_SIZE 48 /* of a SHA-256, terminated */
#define MAX_PARTS 10000
#define RESTARTS 3

/* A part: what it must be, and what S3 has. */
typedef struct object_part
{
    char sha256[BASE64_SIZE];
    char etag[S3_VALUE_SIZE]; /* empty: not there yet */
} object_part;

typedef struct upload
{
    s3_client *client;
    const char *key;
    const s3_content *content;
    const char *sum;
    s3_traffic *traffic;
    uint64_t size;
    uint8_t *buffer; /* of S3_PART_BYTES */
    char id[S3_UPLOAD_ID_SIZE];
    object_part *parts;
    int num_parts;
} upload;

/* Read content from a position on: len bytes, all of which are there. */
static exit_status
read_content(const s3_content *content, uint64_t at, uint8_t *out, size_t len)
{
    while (len > 0)
    {
        ssize_t got;

        if (at < content->head.len)
        {
            got = (ssize_t) (content->head.len - at < len ? content->head.len - at : len);
            memcpy(out, content->head.data + at, (size_t) got);
        }
        else
            got =
                pread(content->fd, out, len, (off_t) (content->offset + (at - content->head.len)));
        if (got < 0 && errno == EINTR && !stop_requested())
            continue;
        if (got < 0 && stop_requested())
            return STATUS_INTERRUPTED;
        if (got <= 0)
        {
            log_error("could not read \"%s\": %s", content->name,
                      got < 0 ? strerror(errno) : "it became shorter");
            return STATUS_REFUSED;
        }
        out += got;
        at += (uint64_t) got;
        len -= (size_t) got;
    }
    return STATUS_OK;
}

exit_status
s3_content_hash(const s3_content *content, char sum[HASH_TEXT_SIZE])
{
    uint64_t size = content->head.len + content->len;
    uint8_t *buffer = malloc(READ_BUFFER_BYTES);
    hash_stream hash = {NULL, false};
    exit_status status = buffer != NULL ? STATUS_OK : log_out_of_memory();

    hash_start(&hash);
    for (uint64_t at = 0; status == STATUS_OK && at < size; at += READ_BUFFER_BYTES)
    {
        size_t len = size - at < READ_BUFFER_BYTES ? (size_t) (size - at) : READ_BUFFER_BYTES;

        status = stop_requested() ? STATUS_INTERRUPTED : read_content(content, at, buffer, len);
        if (status == STATUS_OK)
            hash_add(&hash, buffer, len);
    }
    if (status == STATUS_OK && !hash_finish(&hash, sum))
        status = log_out_of_memory();
    hash_free(&hash);
    free(buffer);
    return status;
}

/* The SHA-256 of bytes in base64, as S3 writes it. */
static exit_status
base64_hash(const uint8_t *data, size_t len, char text[BASE64_SIZE])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int sum_len = 0;

    if (EVP_Digest(data, len, sum, &sum_len, EVP_sha256(), NULL) != 1 || sum_len != SHA256_BYTES)
        return log_out_of_memory();
    EVP_EncodeBlock((unsigned char *) text, sum, SHA256_BYTES);
    return STATUS_OK;
}

/* Count bytes that are done. */
static void
count_bytes(const upload *state, uint64_t bytes, bool sent)
{
    *(sent ? &state->traffic->sent : &state->traffic->reused) += (int64_t) bytes;
    progress_add(0, (int64_t) bytes);
}

/* Look whether the object is there already. */
static exit_status
find_object(const upload *state, bool *found)
{
    s3_request request = {.method = "HEAD", .key = state->key};
    exit_status status;
    s3_answer answer;

    s3_answer_init(&answer);
    status = s3_send(state->client, &request, &answer);
    *found = status == STATUS_OK && answer.http == 200 && answer.length == (int64_t) state->size &&
             strcmp(answer.sha256, state->sum) == 0;
    if (status == STATUS_OK && answer.http != 200 && answer.http != 404)
    {
        /* the answer to HEAD has no body to say why: one to GET has */
        request.method = "GET";
        request.headers[request.num_headers++] = "range: bytes=0-0";
        status = s3_send(state->client, &request, &answer);
        if (status == STATUS_OK && answer.http >= 300 && answer.http != 404)
            status = s3_fail(state->client, &request, &answer);
    }
    s3_answer_free(&answer);
    return status;
}

/* s3_request.is_moot: another program has brought the object meanwhile. */
static bool
is_there(const void *ctx)
{
    bool found;

    return find_object(ctx, &found) == STATUS_OK && found;
}

/* Send the whole object in one request. */
static exit_status
put_object(const upload *state)
{
    char meta[HASH_TEXT_SIZE + 32];
    s3_request request = {.method = "PUT",
                          .key = state->key,
                          .body = {(const char *) state->buffer, (size_t) state->size},
                          .headers = {meta},
                          .num_headers = 1};
    exit_status status;
    s3_answer answer;

    snprintf(meta, sizeof(meta), "x-amz-meta-sha256: %s", state->sum);
    STATUS_TRY(read_content(state->content, 0, state->buffer, (size_t) state->size));
    s3_answer_init(&answer);
    status = s3_call(state->client, &request, &answer);
    s3_answer_free(&answer);
    if (status == STATUS_OK)
        count_bytes(state, state->size, true);
    return status;
}

/* The bytes of a part. */
static size_t
part_len(const upload *state, int part)
{
    uint64_t begin = (uint64_t) part * S3_PART_BYTES;

    return state->size - begin < S3_PART_BYTES ? (size_t) (state->size - begin) : S3_PART_BYTES;
}

/* Begin an upload. */
static exit_status
begin_upload(upload *state)
{
    char meta[HASH_TEXT_SIZE + 32];
    s3_request request = {.method = "POST",
                          .key = state->key,
                          .query = "uploads=",
                          .headers = {"x-amz-checksum-algorithm: SHA256", meta},
                          .num_headers = 2};
    exit_status status;
    s3_answer answer;
    char *id;

    snprintf(meta, sizeof(meta), "x-amz-meta-sha256: %s", state->sum);
    s3_answer_init(&answer);
    status = s3_call(state->client, &request, &answer);
    if (status == STATUS_OK)
    {
        id = s3_answer_text(&answer, "UploadId");
        snprintf(state->id, sizeof(state->id), "%s", id != NULL ? id : "");
        free(id);
        if (state->id[0] == '\0')
        {
            log_error("could not begin an upload of s3://%s/%s: the answer names none",
                      state->client->location.bucket, state->key);
            status = STATUS_SERVER;
        }
    }
    s3_answer_free(&answer);
    return status;
}

/* A query about the upload, with a part's number or another beginning; NULL without memory. */
static char *
upload_query(const upload *state, const char *beginning)
{
    cs_buffer query;
    cs_error err;
    char *text = NULL;

    cs_buffer_init(&query, loader_env());
    if (cs_buffer_printf(&query, &err, "%suploadId=", beginning) == CS_OK &&
        s3_encode(&query, state->id, false, &err) == CS_OK)
        text = strndup((const char *) query.data, query.len);
    cs_buffer_free(&query);
    return text;
}

/* Take note of a part that S3 has, where it is as it must be. */
static bool
visit_part(void *ctx, const s3_item *item)
{
    upload *state = ctx;
    char number[24], size[24], sha256[S3_VALUE_SIZE], etag[S3_VALUE_SIZE];
    long part;

    s3_item_text(item, "PartNumber", number, sizeof(number));
    s3_item_text(item, "Size", size, sizeof(size));
    s3_item_text(item, "ChecksumSHA256", sha256, sizeof(sha256));
    s3_item_text(item, "ETag", etag, sizeof(etag));
    part = strtol(number, NULL, 10) - 1;
    if (part < 0 || part >= state->num_parts || etag[0] == '\0' ||
        strtoll(size, NULL, 10) != (long long) part_len(state, (int) part))
        return true;
    if (strcmp(sha256, state->parts[part].sha256) == 0)
        snprintf(state->parts[part].etag, S3_VALUE_SIZE, "%s", etag);
    return true;
}

/* Learn which parts are there. *gone: the upload has been ended meanwhile. */
static exit_status
list_parts(upload *state, bool *gone)
{
    char marker[64] = "";
    exit_status status;
    s3_answer answer;

    s3_answer_init(&answer);
    for (;;)
    {
        char *query = upload_query(state, marker);
        s3_request request = {.method = "GET", .key = state->key, .query = query};
        char *next;

        status = query != NULL ? s3_send(state->client, &request, &answer) : log_out_of_memory();
        *gone = status == STATUS_OK && answer.http == 404;
        if (status == STATUS_OK && !*gone && answer.http >= 300)
            status = s3_fail(state->client, &request, &answer);
        free(query);
        if (status != STATUS_OK || *gone || !s3_answer_each(&answer, "Part", visit_part, state))
            break;
        next = s3_answer_text(&answer, "IsTruncated");
        if (next == NULL || strcmp(next, "true") != 0)
        {
            free(next);
            break;
        }
        free(next);
        next = s3_answer_text(&answer, "NextPartNumberMarker");
        snprintf(marker, sizeof(marker), "part-number-marker=%ld&",
                 next != NULL ? strtol(next, NULL, 10) : 0L);
        free(next);
    }
    s3_answer_free(&answer);
    return status;
}

/* Send a part that is not there. *gone: the upload has been ended meanwhile. */
static exit_status
put_part(upload *state, int part, bool *gone)
{
    char beginning[32], checksum[BASE64_SIZE + 32];
    size_t len = part_len(state, part);
    exit_status status;
    s3_answer answer;
    char *query;
    s3_request request = {.method = "PUT",
                          .key = state->key,
                          .body = {(const char *) state->buffer, len},
                          .headers = {checksum},
                          .num_headers = 1,
                          .is_moot = is_there,
                          .ctx = state};

    snprintf(beginning, sizeof(beginning), "partNumber=%d&", part + 1);
    snprintf(checksum, sizeof(checksum), "x-amz-checksum-sha256: %s", state->parts[part].sha256);
    STATUS_TRY(read_content(state->content, (uint64_t) part * S3_PART_BYTES, state->buffer, len));
    query = upload_query(state, beginning);
    if (query == NULL)
        return log_out_of_memory();
    request.query = query;
    s3_answer_init(&answer);
    status = s3_send(state->client, &request, &answer);
    *gone = status == STATUS_OK && (answer.http == 0 || answer.http == 404);
    if (status == STATUS_OK && !*gone && answer.http >= 300)
        status = s3_fail(state->client, &request, &answer);
    if (status == STATUS_OK && !*gone)
    {
        snprintf(state->parts[part].etag, S3_VALUE_SIZE, "%s", answer.etag);
        count_bytes(state, len, true);
    }
    s3_answer_free(&answer);
    free(query);
    return status;
}

/* The list of parts that ends an upload, freed with xmlFree; NULL without memory. */
static xmlChar *
make_part_list(const upload *state, int *len)
{
    xmlDoc *doc = xmlNewDoc(BAD_CAST "1.0");
    xmlNode *root = doc != NULL ? xmlNewNode(NULL, BAD_CAST "CompleteMultipartUpload") : NULL;
    xmlChar *text = NULL;
    bool done = root != NULL;

    if (root != NULL)
        xmlDocSetRootElement(doc, root);
    for (int i = 0; done && i < state->num_parts; i++)
    {
        xmlNode *part = xmlNewChild(root, NULL, BAD_CAST "Part", NULL);
        char number[16];

        snprintf(number, sizeof(number), "%d", i + 1);
        done =
            part != NULL &&
            xmlNewTextChild(part, NULL, BAD_CAST "PartNumber", BAD_CAST number) != NULL &&
            xmlNewTextChild(part, NULL, BAD_CAST "ETag", BAD_CAST state->parts[i].etag) != NULL &&
            xmlNewTextChild(part, NULL, BAD_CAST "ChecksumSHA256",
                            BAD_CAST state->parts[i].sha256) != NULL;
    }
    if (done)
        xmlDocDumpMemory(doc, &text, len);
    xmlFreeDoc(doc);
    return text;
}

/* Make the parts one object. *gone: the upload has been ended meanwhile. */
static exit_status
complete_upload(const upload *state, bool *gone)
{
    int len = 0;
    xmlChar *body = make_part_list(state, &len);
    char *query = upload_query(state, "");
    s3_request request = {.method = "POST",
                          .key = state->key,
                          .query = query,
                          .body = {(const char *) body, (size_t) len},
                          .is_moot = is_there,
                          .ctx = state};
    exit_status status;
    s3_answer answer;

    s3_answer_init(&answer);
    if (body == NULL || query == NULL)
        status = log_out_of_memory();
    else
        for (int attempt = 0;; attempt++)
        {
            status = s3_send(state->client, &request, &answer);
            if (status != STATUS_OK || answer.http < 200 || answer.http >= 300)
                break;
            s3_answer_read_error(&answer); /* S3 may say 200 first, and then that it failed */
            if (!s3_answer_passes(&answer) || attempt + 1 >= state->client->attempts)
                break;
            s3_wait(attempt);
        }
    *gone = status == STATUS_OK &&
            (answer.http == 0 || answer.http == 404 || strcmp(answer.code, "NoSuchUpload") == 0);
    if (status == STATUS_OK && !*gone && (answer.http >= 300 || answer.code[0] != '\0'))
        status = s3_fail(state->client, &request, &answer);
    s3_answer_free(&answer);
    xmlFree(body);
    free(query);
    return status;
}

/* Send the parts that are not there, and end the upload. */
static exit_status
send_parts(upload *state, bool *gone)
{
    *gone = false;
    STATUS_TRY(s3_find_upload(state->client, state->key, state->id));
    if (state->id[0] == '\0')
        STATUS_TRY(begin_upload(state));
    else
        STATUS_TRY(list_parts(state, gone));
    for (int i = 0; !*gone && i < state->num_parts; i++)
    {
        if (state->parts[i].etag[0] != '\0')
            count_bytes(state, part_len(state, i), false);
        else
            STATUS_TRY(put_part(state, i, gone));
    }
    return *gone ? STATUS_OK : complete_upload(state, gone);
}

/* Cut the object into parts, and learn their hashes. */
static exit_status
plan_parts(upload *state)
{
    uint64_t count = (state->size + S3_PART_BYTES - 1) / S3_PART_BYTES;

    if (count > MAX_PARTS)
    {
        log_error("s3://%s/%s would have more than %d parts", state->client->location.bucket,
                  state->key, MAX_PARTS);
        return STATUS_REFUSED;
    }
    state->parts = calloc((size_t) count, sizeof(object_part));
    if (state->parts == NULL)
        return log_out_of_memory();
    state->num_parts = (int) count;
    for (int i = 0; i < state->num_parts; i++)
    {
        STATUS_TRY(read_content(state->content, (uint64_t) i * S3_PART_BYTES, state->buffer,
                                part_len(state, i)));
        STATUS_TRY(base64_hash(state->buffer, part_len(state, i), state->parts[i].sha256));
    }
    return STATUS_OK;
}

/* Send a large object. Where the upload was ended meanwhile, look again, and begin again. */
static exit_status
put_parts(upload *state)
{
    STATUS_TRY(plan_parts(state));
    for (int i = 0; i < RESTARTS; i++)
    {
        bool gone, found;

        STATUS_TRY(send_parts(state, &gone));
        if (!gone)
            return STATUS_OK;
        STATUS_TRY(find_object(state, &found));
        if (found)
            return STATUS_OK;
        for (int part = 0; part < state->num_parts; part++)
            state->parts[part].etag[0] = '\0';
    }
    log_error("could not upload s3://%s/%s: somebody ends the upload again and again",
              state->client->location.bucket, state->key);
    return STATUS_SERVER;
}

exit_status
s3_upload(s3_client *client, const char *key, const s3_content *content, const char *sum,
          s3_traffic *traffic)
{
    upload state = {.client = client,
                    .key = key,
                    .content = content,
                    .sum = sum,
                    .traffic = traffic,
                    .size = content->head.len + content->len};
    exit_status status;
    bool found;

    STATUS_TRY(find_object(&state, &found));
    if (found)
    {
        count_bytes(&state, state.size, false);
        return STATUS_OK;
    }
    state.buffer = malloc(S3_PART_BYTES);
    if (state.buffer == NULL)
        return log_out_of_memory();
    status = state.size <= S3_PART_BYTES ? put_object(&state) : put_parts(&state);
    free(state.buffer);
    free(state.parts);
    return status;
}
