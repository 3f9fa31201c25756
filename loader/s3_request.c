/*
 * loader/s3_request.c
 *     One request to S3: signing, sending, trying again.
 *
 * libcurl signs (version 4) what it is given: so paths and queries are encoded
 * before, the query is sorted, and the hash of the body is a header of ours. Every
 * try is signed anew, for its own time.
 */
#include "s3.h"

#include "hash.h"
#include "log.h"
#include "stop.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

#define CONNECT_SECONDS 10L
#define LOW_SPEED_BYTES 1024L
#define MAX_ANSWER_BYTES (16 * 1024 * 1024)

#define FIRST_WAIT_MILLISECONDS 100
#define LAST_WAIT_MILLISECONDS 20000

/* What one try reads and writes. */
typedef struct exchange
{
    const s3_request *request;
    s3_answer *answer;
    size_t sent; /* of the body */
    bool headed; /* the answer's head came to its end */
} exchange;

void
s3_answer_init(s3_answer *answer)
{
    memset(answer, 0, sizeof(*answer));
    cs_buffer_init(&answer->body, loader_env());
    answer->length = -1;
}

void
s3_answer_free(s3_answer *answer)
{
    cs_buffer_free(&answer->body);
}

/* Forget what an answer held. */
static void
clear_answer(s3_answer *answer)
{
    cs_buffer body = answer->body;

    memset(answer, 0, sizeof(*answer));
    answer->body = body;
    answer->body.len = 0;
    answer->length = -1;
}

/* CURLOPT_READFUNCTION: send on the body. */
static size_t
give_bytes(char *data, size_t size, size_t count, void *ctx)
{
    exchange *state = ctx;
    size_t left = state->request->body.len - state->sent;
    size_t len = size * count < left ? size * count : left;

    if (len > 0)
        memcpy(data, state->request->body.data + state->sent, len);
    state->sent += len;
    return len;
}

/* CURLOPT_SEEKFUNCTION: go to a place of the body. */
static int
seek_bytes(void *ctx, curl_off_t offset, int origin)
{
    exchange *state = ctx;

    if (origin != SEEK_SET || offset < 0 || (size_t) offset > state->request->body.len)
        return CURL_SEEKFUNC_FAIL;
    state->sent = (size_t) offset;
    return CURL_SEEKFUNC_OK;
}

/* CURLOPT_WRITEFUNCTION: keep the answer. */
static size_t
take_bytes(char *data, size_t size, size_t count, void *ctx)
{
    cs_buffer *body = &((exchange *) ctx)->answer->body;
    cs_error err;

    if (body->len + size * count > MAX_ANSWER_BYTES ||
        cs_buffer_append(body, data, size * count, &err) != CS_OK)
        return 0;
    return size * count;
}

/* Copy a header's value where the line has that name. */
static void
take_value(const char *line, size_t len, const char *name, char value[S3_VALUE_SIZE])
{
    size_t name_len = strlen(name);

    if (len <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
        return;
    line += name_len + 1;
    len -= name_len + 1;
    while (len > 0 && (*line == ' ' || *line == '\t'))
    {
        line++;
        len--;
    }
    while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL)
        len--;
    snprintf(value, S3_VALUE_SIZE, "%.*s", (int) len, line);
}

/* CURLOPT_HEADERFUNCTION: keep what somebody looks at. */
static size_t
take_header(char *line, size_t size, size_t count, void *ctx)
{
    exchange *state = ctx;
    s3_answer *answer = state->answer;
    char length[S3_VALUE_SIZE] = "";

    state->headed = size * count == 2 && memcmp(line, "\r\n", 2) == 0;
    take_value(line, size * count, "etag", answer->etag);
    take_value(line, size * count, "x-amz-meta-sha256", answer->sha256);
    take_value(line, size * count, "x-amz-bucket-region", answer->region);
    take_value(line, size * count, "content-length", length);
    if (length[0] != '\0')
        answer->length = strtoll(length, NULL, 10);
    return size * count;
}

/* CURLOPT_XFERINFOFUNCTION: end the transfer on a signal. */
static int
look_for_stop(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void) ctx, (void) a, (void) b, (void) c, (void) d;
    return stop_requested();
}

/* The address of a request; NULL without memory. */
static char *
make_url(const s3_client *client, const s3_request *request)
{
    cs_buffer url;
    cs_error err;
    cs_code code;
    char *text;

    cs_buffer_init(&url, loader_env());
    code = cs_buffer_printf(&url, &err, "%s/", client->base);
    if (code == CS_OK && request->key != NULL)
        code = s3_encode(&url, request->key, true, &err);
    if (code == CS_OK && request->query != NULL)
        code = cs_buffer_printf(&url, &err, "?%s", request->query);
    text = code == CS_OK ? strndup((const char *) url.data, url.len) : NULL;
    cs_buffer_free(&url);
    return text;
}

/* Append a header; false without memory. */
static bool
add_header(struct curl_slist **headers, const char *name, const char *value)
{
    struct curl_slist *longer;
    char *line = NULL;

    if (asprintf(&line, "%s%s%s", name, value[0] != '\0' ? ": " : "", value) < 0)
        return false;
    longer = curl_slist_append(*headers, line);
    explicit_bzero(line, strlen(line)); /* it may be the session token */
    free(line);
    if (longer != NULL)
        *headers = longer;
    return longer != NULL;
}

/* Free headers, which hold a session token. */
static void
free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *item = headers; item != NULL; item = item->next)
        explicit_bzero(item->data, strlen(item->data));
    curl_slist_free_all(headers);
}

/* The headers that are signed with the request; NULL without memory. */
static struct curl_slist *
make_headers(const s3_client *client, const s3_request *request)
{
    struct curl_slist *headers = NULL;
    char sum[HASH_TEXT_SIZE];
    bool done = hash_bytes(request->body, sum) && add_header(&headers, "x-amz-content-sha256", sum);

    if (done && client->credentials.session_token != NULL)
        done = add_header(&headers, "x-amz-security-token", client->credentials.session_token);
    for (int i = 0; done && i < request->num_headers; i++)
        done = add_header(&headers, request->headers[i], "");
    if (done)
        return headers;
    free_headers(headers);
    return NULL;
}

/* Tell libcurl about the method and the body. */
static void
set_method(CURL *curl, const s3_request *request)
{
    if (strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else if (strcmp(request->method, "GET") != 0)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    if (request->body.len > 0 || strcmp(request->method, "PUT") == 0)
    {
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t) request->body.len);
    }
}

/* Tell libcurl what does not change from request to request. */
static void
set_manners(const s3_client *client, exchange *state, const char *signature)
{
    CURL *curl = client->curl;
    const char *authorities = s3_environment("AWS_CA_BUNDLE");

    if (authorities != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, authorities);
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, signature);
    curl_easy_setopt(curl, CURLOPT_USERNAME, client->credentials.access_key);
    curl_easy_setopt(curl, CURLOPT_PASSWORD, client->credentials.secret_key);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, client->timeout);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_bytes);
    curl_easy_setopt(curl, CURLOPT_READDATA, state);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, seek_bytes);
    curl_easy_setopt(curl, CURLOPT_SEEKDATA, state);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, state);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, state);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_for_stop);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

/* Send a request once. */
static CURLcode
send_once(const s3_client *client, const s3_request *request, s3_answer *answer)
{
    exchange state = {request, answer, 0, false};
    CURL *curl = client->curl;
    char *url = make_url(client, request);
    struct curl_slist *headers = make_headers(client, request);
    char *signature = NULL;
    CURLcode code = CURLE_OUT_OF_MEMORY;

    clear_answer(answer);
    if (asprintf(&signature, "aws:amz:%s:s3", client->region) < 0)
        signature = NULL;
    if (url != NULL && headers != NULL && signature != NULL)
    {
        curl_easy_reset(curl); /* keeps the connection */
        set_manners(client, &state, signature);
        set_method(curl, request);
        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        code = curl_easy_perform(curl);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
        if (code == CURLE_OK && !state.headed)
            code = CURLE_PARTIAL_FILE; /* which libcurl takes for an answer */
    }
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->http);
    if (code == CURLE_OK && answer->http >= 300)
        s3_answer_read_error(answer);
    free_headers(headers);
    free(signature);
    free(url);
    return code;
}

/* True if a transfer may go well another time. */
static bool
failure_passes(CURLcode code)
{
    switch (code)
    {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_CONNECT:
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_PARTIAL_FILE:
        case CURLE_OPERATION_TIMEDOUT:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_GOT_NOTHING:
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_SEND_FAIL_REWIND:
        case CURLE_HTTP2:
        case CURLE_HTTP2_STREAM:
            return true;
        default:
            return false;
    }
}

bool
s3_answer_passes(const s3_answer *answer)
{
    static const char *const codes[] = {"InternalError",  "SlowDown",   "ServiceUnavailable",
                                        "RequestTimeout", "Throttling", "ThrottlingException"};

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strcmp(answer->code, codes[i]) == 0)
            return true;
    return answer->http == 408 || answer->http == 429 || answer->http == 500 ||
           (answer->http >= 502 && answer->http <= 504);
}

/* True if the keys were good once. */
static bool
has_expired(const s3_answer *answer)
{
    return strcmp(answer->code, "ExpiredToken") == 0 ||
           strcmp(answer->code, "TokenRefreshRequired") == 0;
}

void
s3_wait(int attempt)
{
    uint32_t limit = LAST_WAIT_MILLISECONDS;
    uint32_t random = 0;

    if (attempt < 16 && (FIRST_WAIT_MILLISECONDS << attempt) < LAST_WAIT_MILLISECONDS)
        limit = FIRST_WAIT_MILLISECONDS << attempt;
    if (getrandom(&random, sizeof(random), 0) != (ssize_t) sizeof(random))
        random = limit;
    wait_for(-1, 0, (int) (random % limit) + 1); /* poll ignores a negative descriptor */
}

/* Say with --verbose how a try ended. */
static void
note_try(const s3_client *client, const s3_request *request, const s3_answer *answer, CURLcode code)
{
    const char *key = request->key != NULL ? request->key : "";
    const char *what = request->query != NULL ? request->query : "";
    int shown = (int) strcspn(what, "&="); /* of the query, what it is about */

    if (code != CURLE_OK)
        log_verbose("%s s3://%s/%s%s%.*s: %s", request->method, client->location.bucket, key,
                    shown > 0 ? "?" : "", shown, what, curl_easy_strerror(code));
    else
        log_verbose("%s s3://%s/%s%s%.*s: HTTP %ld%s%s, %zu bytes sent", request->method,
                    client->location.bucket, key, shown > 0 ? "?" : "", shown, what, answer->http,
                    answer->code[0] != '\0' ? " " : "", answer->code, request->body.len);
}

/* Report that there was no answer. */
static exit_status
report_failure(const s3_client *client, const s3_request *request, CURLcode code, int tries)
{
    if (code == CURLE_ABORTED_BY_CALLBACK || stop_requested())
        return STATUS_INTERRUPTED;
    if (code == CURLE_OUT_OF_MEMORY)
        return log_out_of_memory();
    log_error("could not %s s3://%s/%s: %s", request->method, client->location.bucket,
              request->key != NULL ? request->key : "", curl_easy_strerror(code));
    if (tries > 1)
        log_detail("It was tried %d times.", tries);
    return STATUS_SERVER;
}

exit_status
s3_send(s3_client *client, const s3_request *request, s3_answer *answer)
{
    for (int attempt = 0;; attempt++)
    {
        bool last = attempt + 1 >= client->attempts;
        bool again;
        CURLcode code;

        if (stop_requested())
            return STATUS_INTERRUPTED;
        STATUS_TRY(s3_credentials_renew(&client->credentials, false));
        code = send_once(client, request, answer);
        note_try(client, request, answer, code);
        if (code == CURLE_OK && attempt == 0 && has_expired(answer) &&
            client->credentials.of_container)
        {
            STATUS_TRY(s3_credentials_renew(&client->credentials, true));
            continue;
        }
        again = code == CURLE_OK ? s3_answer_passes(answer) : failure_passes(code);
        if (code == CURLE_OK && (!again || last))
            return STATUS_OK;
        if (!again || last)
            return report_failure(client, request, code, attempt + 1);
        if (request->is_moot != NULL && request->is_moot(request->ctx))
        {
            clear_answer(answer);
            return STATUS_OK;
        }
        s3_wait(attempt);
    }
}

/* What can be done about an error; NULL: nothing that we know of. */
static const char *
hint_of(const s3_answer *answer)
{
    static const struct
    {
        const char *code;
        const char *hint;
    } known[] = {
        {"SignatureDoesNotMatch", "The secret key is not that of the access key."},
        {"InvalidAccessKeyId", "The access key does not exist, or not at this endpoint."},
        {"ExpiredToken", "Get new temporary keys and run the same command again."},
        {"RequestTimeTooSkewed", "Set this machine's clock."},
        {"NoSuchBucket", "Create the bucket, or name another with \"--stage\"."},
        {"AccessDenied",
         "The keys need the rights s3:PutObject, s3:GetObject, s3:DeleteObject, s3:ListBucket, "
         "s3:ListBucketMultipartUploads, s3:ListMultipartUploadParts and s3:AbortMultipartUpload."},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(answer->code, known[i].code) == 0)
            return known[i].hint;
    return answer->http == 403 ? known[5].hint : NULL;
}

exit_status
s3_fail(const s3_client *client, const s3_request *request, const s3_answer *answer)
{
    const char *hint = hint_of(answer);

    log_error("could not %s s3://%s/%s: %s%s%s (HTTP %ld)", request->method,
              client->location.bucket, request->key != NULL ? request->key : "",
              answer->code[0] != '\0' ? answer->code : "refused",
              answer->message[0] != '\0' ? ": " : "", answer->message, answer->http);
    if (answer->region[0] != '\0' && strcmp(answer->region, client->region) != 0)
        log_hint("The bucket is in region %s: name it with \"--region\".", answer->region);
    else if (hint != NULL)
        log_hint("%s", hint);
    return STATUS_SERVER;
}

exit_status
s3_call(s3_client *client, const s3_request *request, s3_answer *answer)
{
    STATUS_TRY(s3_send(client, request, answer));
    if (answer->http >= 200 && answer->http < 300)
        return STATUS_OK;
    return s3_fail(client, request, answer);
}
