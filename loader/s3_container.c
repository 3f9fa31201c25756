/*
 * loader/s3_container.c
 *     The role of a container: its credentials from the service that hands them out.
 */
#include "s3_credentials.h"

#include "file_source.h"
#include "log.h"
#include "stop.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define ENV_RELATIVE "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define ENV_FULL "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define ENV_TOKEN "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define ENV_TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
#define RELATIVE_HOST "http://169.254.170.2"

#define MAX_ANSWER_BYTES (64 * 1024)
#define MAX_TOKEN_BYTES (16 * 1024)
#define TIMEOUT_SECONDS 5L
#define ATTEMPTS 3

bool
s3_container_has_role(void)
{
    return s3_environment(ENV_RELATIVE) != NULL || s3_environment(ENV_FULL) != NULL;
}

/* True if keys may come from this address: encrypted, or without leaving the machine. */
static bool
is_safe(const char *url)
{
    static const char *const hosts[] = {"127.",          "localhost",      "[::1]",
                                        "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL;
    bool safe = false;

    if (parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK)
    {
        safe = strcmp(scheme, "https") == 0;
        for (size_t i = 0;
             !safe && strcmp(scheme, "http") == 0 && i < sizeof(hosts) / sizeof(hosts[0]); i++)
            safe = i == 0 ? strncmp(host, hosts[i], strlen(hosts[i])) == 0 &&
                                strspn(host, "0123456789.") == strlen(host)
                          : strcmp(host, hosts[i]) == 0;
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    return safe;
}

/* The address to ask, to be freed by the caller. */
static exit_status
make_url(char **url)
{
    const char *relative = s3_environment(ENV_RELATIVE);
    const char *full = s3_environment(ENV_FULL);

    if (asprintf(url, "%s%s", relative != NULL ? RELATIVE_HOST : "",
                 relative != NULL ? relative : full) < 0)
    {
        *url = NULL;
        return log_out_of_memory();
    }
    if (is_safe(*url))
        return STATUS_OK;
    log_error("%s names a host from which credentials may not be fetched without https",
              relative != NULL ? ENV_RELATIVE : ENV_FULL);
    return STATUS_USAGE;
}

/* Append the token that the service wants; nothing where it wants none. */
static exit_status
read_token(cs_buffer *token)
{
    const char *file = s3_environment(ENV_TOKEN_FILE);
    const char *text = s3_environment(ENV_TOKEN);
    cs_error err;

    if (file != NULL)
        STATUS_TRY(file_read_all(file, MAX_TOKEN_BYTES, token));
    else if (text != NULL && cs_buffer_append(token, text, strlen(text), &err) != CS_OK)
        return log_out_of_memory();
    return STATUS_OK;
}

/* Add the header with the token, where there is one. */
static exit_status
add_token(struct curl_slist **headers)
{
    exit_status status;
    char *header = NULL;
    cs_buffer token;

    cs_buffer_init(&token, loader_env());
    status = read_token(&token);
    while (token.len > 0 &&
           (token.data[token.len - 1] == '\n' || token.data[token.len - 1] == '\r'))
        token.len--;
    if (status == STATUS_OK && token.len > 0)
    {
        if (asprintf(&header, "Authorization: %.*s", (int) token.len, (const char *) token.data) <
            0)
            header = NULL;
        *headers = header != NULL ? curl_slist_append(NULL, header) : NULL;
        status = *headers != NULL ? STATUS_OK : log_out_of_memory();
    }
    free(header);
    cs_buffer_free(&token);
    return status;
}

/* CURLOPT_WRITEFUNCTION: keep the answer, up to a limit. */
static size_t
take_bytes(char *data, size_t size, size_t count, void *ctx)
{
    cs_buffer *answer = ctx;
    cs_error err;

    if (answer->len + size * count > MAX_ANSWER_BYTES ||
        cs_buffer_append(answer, data, size * count, &err) != CS_OK)
        return 0;
    return size * count;
}

/* Ask once; the HTTP status, 0 where there was no answer, for which *why then is the reason. */
static long
ask(const char *url, struct curl_slist *headers, cs_buffer *answer, const char **why)
{
    CURL *curl = curl_easy_init();
    CURLcode code;
    long status = 0;

    *why = "out of memory";
    if (curl == NULL)
        return 0;
    answer->len = 0;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    *why = curl_easy_strerror(code);
    curl_easy_cleanup(curl);
    return status;
}

/* Copy a member of the answer; false where it is missing. */
static bool
take_member(const json_t *answer, const char *name, char **place)
{
    const char *value = json_string_value(json_object_get(answer, name));

    *place = value != NULL ? strdup(value) : NULL;
    return *place != NULL;
}

/* Put the answer's keys in the place of those that are there. */
static exit_status
take_keys(s3_credentials *credentials, const cs_buffer *answer)
{
    json_t *root = json_loadb((const char *) answer->data, answer->len, 0, NULL);
    s3_credentials fresh = {.of_container = true};
    bool done = take_member(root, "AccessKeyId", &fresh.access_key) &&
                take_member(root, "SecretAccessKey", &fresh.secret_key);

    if (done)
    {
        take_member(root, "Token", &fresh.session_token);
        take_member(root, "Expiration", &fresh.expiration);
        fresh.region = credentials->region;
        fresh.endpoint = credentials->endpoint;
        credentials->region = credentials->endpoint = NULL;
        s3_credentials_free(credentials);
        *credentials = fresh;
    }
    else
    {
        s3_credentials_free(&fresh);
        log_error("the container's credentials service answered without keys");
    }
    json_decref(root);
    return done ? STATUS_OK : STATUS_SERVER;
}

/* Ask until there is an answer. */
static exit_status
fetch(s3_credentials *credentials, const char *url, struct curl_slist *headers)
{
    const char *why = "";
    exit_status status;
    cs_buffer answer;
    long http = 0;

    cs_buffer_init(&answer, loader_env());
    stop_immediately(true); /* seconds at most, and nothing to clean up */
    for (int i = 0; i < ATTEMPTS && (http == 0 || http >= 500); i++)
        http = ask(url, headers, &answer, &why);
    stop_immediately(false);
    if (http == 200)
        status = take_keys(credentials, &answer);
    else
    {
        if (http == 0)
            log_error("could not fetch the container's credentials: %s", why);
        else
            log_error("could not fetch the container's credentials: HTTP %ld", http);
        status = STATUS_SERVER;
    }
    if (answer.data != NULL)
        explicit_bzero(answer.data, answer.capacity);
    cs_buffer_free(&answer);
    return status;
}

exit_status
s3_container_fetch(s3_credentials *credentials)
{
    struct curl_slist *headers = NULL;
    char *url = NULL;
    exit_status status = make_url(&url);

    if (status == STATUS_OK)
        status = add_token(&headers);
    if (status == STATUS_OK)
        status = fetch(credentials, url, headers);
    curl_slist_free_all(headers);
    free(url);
    return status;
}
