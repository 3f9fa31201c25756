/*
 * loader/s3_profile.c
 *     The profile files of AWS programs, ~/.aws/credentials and ~/.aws/config.
 *
 * They look like INI files, but an indented line belongs to the setting above it,
 * lines have any length (session tokens do), and a section of the second file is
 * called "profile NAME": libinih and others read them wrongly.
 */
#include "s3_credentials.h"

#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PROFILE "default"
#define BLANKS " \t\r\n"

/* What is collected from both files. */
typedef struct profile
{
    const char *name;
    bool named;          /* by the user */
    bool found;          /* a section of it was seen */
    const char *way;     /* by which it gets keys, that we do not know; NULL: none */
    s3_credentials keys; /* and its region and endpoint */
} profile;

/* Cut blanks off both ends, in place. */
static char *
trim(char *text)
{
    size_t len;

    text += strspn(text, BLANKS);
    len = strlen(text);
    while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
        text[--len] = '\0';
    return text;
}

/* True if a section's head, without brackets, is the profile's. */
static bool
names_profile(char *head, const char *name)
{
    static const char prefix[] = "profile";
    size_t len = strlen(prefix);

    if (strncmp(head, prefix, len) == 0 && (head[len] == ' ' || head[len] == '\t'))
        head = trim(head + len);
    return strcmp(head, name) == 0;
}

/* Cut a comment off a value: it begins with a blank and a mark. */
static void
cut_comment(char *value)
{
    for (char *at = value; *at != '\0'; at++)
        if ((*at == ' ' || *at == '\t') && (at[1] == '#' || at[1] == ';'))
        {
            *at = '\0';
            return;
        }
}

/* Keep a setting that we know; the first file to have it counts. False without memory. */
static bool
keep_setting(profile *into, const char *key, const char *value)
{
    static const char *const ways[] = {"role_arn", "credential_process", "sso_session",
                                       "sso_start_url", "web_identity_token_file"};
    const struct
    {
        const char *key;
        char **place;
    } known[] = {{"aws_access_key_id", &into->keys.access_key},
                 {"aws_secret_access_key", &into->keys.secret_key},
                 {"aws_session_token", &into->keys.session_token},
                 {"region", &into->keys.region},
                 {"endpoint_url", &into->keys.endpoint}};

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (strcmp(key, ways[i]) == 0)
            into->way = ways[i];
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(key, known[i].key) == 0 && *known[i].place == NULL && value[0] != '\0')
            return (*known[i].place = strdup(value)) != NULL;
    return true;
}

/* Read one line; *ours says whether it stands in the profile's section. False without memory. */
static bool
read_line(profile *into, char *line, bool *ours)
{
    bool indented = line[0] == ' ' || line[0] == '\t';
    char *text = trim(line);
    char *equals;

    if (text[0] == '[')
    {
        text[strcspn(text, "]")] = '\0';
        *ours = names_profile(trim(text + 1), into->name);
        into->found |= *ours;
        return true;
    }
    equals = strchr(text, '=');
    if (indented || !*ours || text[0] == '#' || text[0] == ';' || equals == NULL)
        return true;
    *equals = '\0';
    cut_comment(equals + 1);
    return keep_setting(into, trim(text), trim(equals + 1));
}

/* Read a file; it need not exist. */
static exit_status
read_file(profile *into, const char *name)
{
    FILE *file = fopen(name, "re");
    size_t capacity = 0;
    char *line = NULL;
    bool done = true, ours = false;

    if (file == NULL && (errno == ENOENT || errno == ENOTDIR))
        return STATUS_OK;
    if (file == NULL)
    {
        log_error("could not open \"%s\": %s", name, strerror(errno));
        return STATUS_USAGE;
    }
    while (done && getline(&line, &capacity, file) >= 0)
        done = read_line(into, line, &ours);
    if (line != NULL)
        explicit_bzero(line, capacity);
    free(line);
    fclose(file);
    return done ? STATUS_OK : log_out_of_memory();
}

/* Read the file that a variable names, else one in the home directory. */
static exit_status
read_file_of(profile *into, const char *variable, const char *base)
{
    const char *given = s3_environment(variable);
    const char *home = s3_environment("HOME");
    exit_status status;
    char *name;

    if (given != NULL)
        return read_file(into, given);
    if (home == NULL)
        return STATUS_OK;
    if (asprintf(&name, "%s/.aws/%s", home, base) < 0)
        return log_out_of_memory();
    status = read_file(into, name);
    free(name);
    return status;
}

/* Check what was found. */
static exit_status
check_profile(const profile *found, bool needs_keys)
{
    const s3_credentials *keys = &found->keys;

    if (found->named && !found->found)
        log_error("profile \"%s\" was not found in the profile files", found->name);
    else if (!needs_keys)
        return STATUS_OK;
    else if ((keys->access_key == NULL) != (keys->secret_key == NULL))
        log_error("profile \"%s\" has only one of aws_access_key_id and aws_secret_access_key",
                  found->name);
    else if (keys->access_key == NULL && found->way != NULL)
    {
        log_error("profile \"%s\" gets its keys by %s, which %s does not know", found->name,
                  found->way, PROGRAM_NAME);
        log_hint("\"aws configure export-credentials --format env\" turns it into environment "
                 "variables.");
    }
    else
        return STATUS_OK;
    return STATUS_USAGE;
}

/* Move what a profile has to where nothing is yet. */
static void
take_over(s3_credentials *credentials, s3_credentials *from, bool needs_keys)
{
    if (needs_keys)
    {
        credentials->access_key = from->access_key;
        credentials->secret_key = from->secret_key;
        credentials->session_token = from->session_token;
        from->access_key = from->secret_key = from->session_token = NULL;
    }
    credentials->region = from->region;
    credentials->endpoint = from->endpoint;
    from->region = from->endpoint = NULL;
}

exit_status
s3_profile_read(s3_credentials *credentials)
{
    bool needs_keys = credentials->access_key == NULL;
    profile found = {.name = s3_environment("AWS_PROFILE")};
    exit_status status;

    if (found.name == NULL)
        found.name = s3_environment("AWS_DEFAULT_PROFILE");
    found.named = found.name != NULL;
    if (!found.named)
        found.name = DEFAULT_PROFILE;
    status = read_file_of(&found, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
    if (status == STATUS_OK)
        status = read_file_of(&found, "AWS_CONFIG_FILE", "config");
    if (status == STATUS_OK)
        status = check_profile(&found, needs_keys);
    if (status == STATUS_OK)
        take_over(credentials, &found.keys, needs_keys);
    s3_credentials_free(&found.keys);
    return status;
}
