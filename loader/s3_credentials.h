/*
 * loader/s3_credentials.h
 *     Who asks S3: keys from the environment, a profile file or a container's role.
 *
 * They are looked for in this order, as other AWS programs do, and nothing here or
 * elsewhere prints them.
 */
#ifndef LOADER_S3_CREDENTIALS_H
#define LOADER_S3_CREDENTIALS_H

#include "defaults.h"

#include <stdbool.h>
#include <time.h>

typedef struct s3_credentials
{
    char *access_key;
    char *secret_key;
    char *session_token; /* NULL: none */
    char *expiration;    /* RFC 3339 in UTC; NULL: never, or unknown */
    bool of_container;   /* may be fetched again */

    /* What a profile says beside the keys; NULL: nothing */
    char *region;
    char *endpoint;
} s3_credentials;

/* Find credentials, and the profile's settings. */
exit_status s3_credentials_find(s3_credentials *credentials);

/* Fetch a container's credentials anew where they are about to expire, or must be. */
exit_status s3_credentials_renew(s3_credentials *credentials, bool must);

/* Copy the keys; false without memory. */
bool s3_credentials_copy(s3_credentials *credentials, const s3_credentials *from);

/* Wipe and free; zeroed ones are fine. */
void s3_credentials_free(s3_credentials *credentials);

/* The value of an environment variable, NULL where it is unset or empty. */
const char *s3_environment(const char *name);

/* Read the profile that the environment names: its settings, and its keys unless there are some. */
exit_status s3_profile_read(s3_credentials *credentials);

/* True if the environment names a container's credentials. */
bool s3_container_has_role(void);

/* Fetch them. */
exit_status s3_container_fetch(s3_credentials *credentials);

#endif
