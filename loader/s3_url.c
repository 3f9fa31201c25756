/*
 * loader/s3_url.c
 *     Where a bucket is, and how its keys are written in requests.
 */
#include "s3.h"

#include "log.h"

#include <curl/curl.h>
#include <libxml/parser.h>
#include <stdlib.h>

#define SCHEME "s3://"
#define MIN_BUCKET_LEN 3
#define MAX_BUCKET_LEN 63
#define MAX_PREFIX_LEN 800 /* a key has 1,024 bytes at most, and names come behind it */

#define DEFAULT_ATTEMPTS 8
#define MAX_ATTEMPTS 100
#define DEFAULT_TIMEOUT 60

/* True if the text can be a bucket's name. */
static bool
is_bucket(const char *text, size_t len)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"; /* old ones have capitals */

    return len >= MIN_BUCKET_LEN && len <= MAX_BUCKET_LEN && strspn(text, allowed) >= len;
}

/* True if the text can begin keys that every program involved writes in the same way. */
static bool
is_prefix(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if ((unsigned char) *at < ' ' || *at == '\\' || *at == '\'' || *at == 0x7f)
            return false;
    return strlen(text) <= MAX_PREFIX_LEN && cs_utf8_valid(text, strlen(text)) &&
           strstr(text, "//") == NULL && strstr(text, "/../") == NULL && strcmp(text, "..") != 0 &&
           strncmp(text, "../", 3) != 0;
}

exit_status
s3_location_parse(s3_location *location, const char *url)
{
    const char *bucket = url + strlen(SCHEME);
    size_t len, key_len;

    memset(location, 0, sizeof(*location));
    if (strncmp(url, SCHEME, strlen(SCHEME)) == 0)
    {
        len = strcspn(bucket, "/");
        if (is_bucket(bucket, len) && is_prefix(bucket + len))
        {
            location->bucket = strndup(bucket, len);
            location->key = strdup(bucket + len + strspn(bucket + len, "/"));
            if (location->bucket == NULL || location->key == NULL)
                return log_out_of_memory();
            key_len = strlen(location->key);
            if (key_len > 0 && location->key[key_len - 1] == '/')
                location->key[key_len - 1] = '\0';
            return STATUS_OK;
        }
    }
    log_error("\"%s\" is no place in S3", url);
    log_hint("It is written s3://bucket/prefix.");
    return STATUS_USAGE;
}

/* Free the names; a zeroed one is fine. */
void
s3_location_free(s3_location *location)
{
    free(location->bucket);
    free(location->key);
    memset(location, 0, sizeof(*location));
}

cs_code
s3_encode(cs_buffer *out, const char *text, bool path, cs_error *err)
{
    static const char unreserved[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789-._~";

    for (; *text != '\0'; text++)
    {
        if (strchr(unreserved, *text) != NULL || (path && *text == '/'))
            CS_TRY(cs_buffer_append(out, text, 1, err));
        else
            CS_TRY(cs_buffer_printf(out, err, "%%%02X", (unsigned char) *text));
    }
    return CS_OK;
}

/* The region that requests are signed for. */
static exit_status
choose_region(s3_client *client, const char *given)
{
    const char *region = given;

    if (region == NULL)
        region = s3_environment("AWS_REGION");
    if (region == NULL)
        region = s3_environment("AWS_DEFAULT_REGION");
    if (region == NULL)
        region = client->credentials.region;
    if (region == NULL || region[strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0')
    {
        if (region == NULL)
            log_error("the region of bucket \"%s\" is not known", client->location.bucket);
        else
            log_error("\"%s\" is no name of a region", region);
        log_hint("Name it with \"--region\", AWS_REGION or the profile's setting \"region\".");
        return STATUS_USAGE;
    }
    client->region = strdup(region);
    return client->region != NULL ? STATUS_OK : log_out_of_memory();
}

/* The address of the bucket at an endpoint of the user's: its path or its host gets the name. */
static exit_status
address_of(s3_client *client, const char *endpoint, bool virtual)
{
    size_t len = strlen(endpoint);
    const char *host = strstr(endpoint, "://");
    int printed;

    while (len > 0 && endpoint[len - 1] == '/')
        len--;
    if (host == NULL || (strncmp(endpoint, "http:", 5) != 0 && strncmp(endpoint, "https:", 6) != 0))
    {
        log_error("\"%s\" is no address of an S3 endpoint", endpoint);
        log_hint("It is written https://host:port.");
        return STATUS_USAGE;
    }
    host += 3;
    if (virtual)
        printed = asprintf(&client->base, "%.*s%s.%.*s", (int) (host - endpoint), endpoint,
                           client->location.bucket, (int) (len - (size_t) (host - endpoint)), host);
    else
        printed = asprintf(&client->base, "%.*s/%s", (int) len, endpoint, client->location.bucket);
    if (printed < 0)
        client->base = NULL;
    return printed < 0 ? log_out_of_memory() : STATUS_OK;
}

/* Decide on the address of the bucket. */
static exit_status
choose_address(s3_client *client, s3_addressing addressing)
{
    const char *given = s3_environment("AWS_ENDPOINT_URL_S3");
    const char *bucket = client->location.bucket;
    exit_status status;
    char *own;

    if (given == NULL)
        given = s3_environment("AWS_ENDPOINT_URL");
    if (given == NULL)
        given = client->credentials.endpoint;
    if (given != NULL)
        return address_of(client, given, addressing == S3_ADDRESSING_VIRTUAL);
    if (asprintf(&own, "https://s3.%s.amazonaws.com%s", client->region,
                 strncmp(client->region, "cn-", 3) == 0 ? ".cn" : "") < 0)
        return log_out_of_memory();
    /* a certificate for *.s3... holds for no name with dots in it */
    status = address_of(client, own,
                        addressing == S3_ADDRESSING_VIRTUAL ||
                            (addressing == S3_ADDRESSING_AUTO && strchr(bucket, '.') == NULL));
    free(own);
    return status;
}

/* How often a request is tried. */
static int
choose_attempts(void)
{
    const char *text = s3_environment("AWS_MAX_ATTEMPTS");
    long attempts = text != NULL ? strtol(text, NULL, 10) : 0;

    return attempts >= 1 && attempts <= MAX_ATTEMPTS ? (int) attempts : DEFAULT_ATTEMPTS;
}

exit_status
s3_open(s3_client *client, s3_location *location, const s3_settings *settings)
{
    exit_status status;

    memset(client, 0, sizeof(*client));
    client->location = *location;
    memset(location, 0, sizeof(*location));
    client->attempts = choose_attempts();
    client->timeout = settings->timeout > 0 ? (long) settings->timeout : DEFAULT_TIMEOUT;
    xmlInitParser(); /* here, where there is one thread */
    status = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? STATUS_OK : log_out_of_memory();
    if (status == STATUS_OK)
        status = s3_credentials_find(&client->credentials);
    if (status == STATUS_OK)
        status = choose_region(client, settings->region);
    if (status == STATUS_OK)
        status = choose_address(client, settings->addressing);
    if (status == STATUS_OK && (client->curl = curl_easy_init()) == NULL)
        status = log_out_of_memory();
    if (status != STATUS_OK)
        s3_close(client);
    return status;
}

exit_status
s3_clone(s3_client *client, const s3_client *of)
{
    memset(client, 0, sizeof(*client));
    client->attempts = of->attempts;
    client->timeout = of->timeout;
    client->location.bucket = strdup(of->location.bucket);
    client->location.key = strdup(of->location.key);
    client->base = strdup(of->base);
    client->region = strdup(of->region);
    client->curl = curl_easy_init();
    if (s3_credentials_copy(&client->credentials, &of->credentials) && client->curl != NULL &&
        client->location.bucket != NULL && client->location.key != NULL && client->base != NULL &&
        client->region != NULL)
        return STATUS_OK;
    s3_close(client);
    return log_out_of_memory();
}

/* Close; a zeroed client is fine. */
void
s3_close(s3_client *client)
{
    if (client->curl != NULL)
        curl_easy_cleanup(client->curl);
    s3_credentials_free(&client->credentials);
    s3_location_free(&client->location);
    free(client->base);
    free(client->region);
    memset(client, 0, sizeof(*client));
}
