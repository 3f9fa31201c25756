/*
 * loader/s3_credentials.c
 *     Where credentials come from, in which order, and when they are fetched again.
 */
#include "s3_credentials.h"

#include "log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENV_ACCESS_KEY "AWS_ACCESS_KEY_ID"
#define ENV_SECRET_KEY "AWS_SECRET_ACCESS_KEY"
#define ENV_SESSION_TOKEN "AWS_SESSION_TOKEN"

/* Credentials that expire sooner are fetched anew. */
#define RENEW_SECONDS 300

const char *
s3_environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Take keys of the environment, where both are there. */
static exit_status
read_environment(s3_credentials *credentials)
{
    const char *access_key = s3_environment(ENV_ACCESS_KEY);
    const char *secret_key = s3_environment(ENV_SECRET_KEY);
    const char *token = s3_environment(ENV_SESSION_TOKEN);

    if (access_key == NULL && secret_key == NULL)
        return STATUS_OK;
    if (access_key == NULL || secret_key == NULL)
    {
        log_error("%s is set, but %s is not", access_key != NULL ? ENV_ACCESS_KEY : ENV_SECRET_KEY,
                  access_key != NULL ? ENV_SECRET_KEY : ENV_ACCESS_KEY);
        return STATUS_USAGE;
    }
    credentials->access_key = strdup(access_key);
    credentials->secret_key = strdup(secret_key);
    credentials->session_token = token != NULL ? strdup(token) : NULL;
    if (credentials->access_key == NULL || credentials->secret_key == NULL ||
        (token != NULL && credentials->session_token == NULL))
        return log_out_of_memory();
    return STATUS_OK;
}

exit_status
s3_credentials_find(s3_credentials *credentials)
{
    memset(credentials, 0, sizeof(*credentials));
    STATUS_TRY(read_environment(credentials));
    STATUS_TRY(s3_profile_read(credentials));
    if (credentials->access_key != NULL)
        return STATUS_OK;
    if (s3_container_has_role())
        return s3_container_fetch(credentials);
    log_error("no credentials for S3 were found");
    log_detail("They are looked for in %s and %s, in the profile files ~/.aws/credentials and "
               "~/.aws/config, and in the role of a container.",
               ENV_ACCESS_KEY, ENV_SECRET_KEY);
    return STATUS_USAGE;
}

/* True if an instant in the text form "2024-03-10T08:00:00Z" is near or over. */
static bool
expires_soon(const char *expiration)
{
    struct tm fields = {0};

    if (expiration == NULL || strptime(expiration, "%Y-%m-%dT%H:%M:%S", &fields) == NULL)
        return false;
    return timegm(&fields) - time(NULL) < RENEW_SECONDS;
}

exit_status
s3_credentials_renew(s3_credentials *credentials, bool must)
{
    if (!credentials->of_container || !(must || expires_soon(credentials->expiration)))
        return STATUS_OK;
    return s3_container_fetch(credentials);
}

/* Copy a text, where there is one; false without memory. */
static bool
copy_text(char **to, const char *from)
{
    *to = from != NULL ? strdup(from) : NULL;
    return from == NULL || *to != NULL;
}

bool
s3_credentials_copy(s3_credentials *credentials, const s3_credentials *from)
{
    memset(credentials, 0, sizeof(*credentials));
    credentials->of_container = from->of_container;
    return copy_text(&credentials->access_key, from->access_key) &&
           copy_text(&credentials->secret_key, from->secret_key) &&
           copy_text(&credentials->session_token, from->session_token) &&
           copy_text(&credentials->expiration, from->expiration);
}

/* Overwrite a secret and free it. */
static void
wipe(char **secret)
{
    if (*secret != NULL)
        explicit_bzero(*secret, strlen(*secret));
    free(*secret);
    *secret = NULL;
}

void
s3_credentials_free(s3_credentials *credentials)
{
    wipe(&credentials->access_key);
    wipe(&credentials->secret_key);
    wipe(&credentials->session_token);
    wipe(&credentials->expiration);
    free(credentials->region);
    free(credentials->endpoint);
    memset(credentials, 0, sizeof(*credentials));
}
