/*
 * loader/secret.c
 *     Keeping passwords out of what others may see: messages, and the list of processes.
 */
#include "secret.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n"
#define KEYWORD "password"

/* Mask len bytes. */
static void
mask(char *text, size_t len)
{
    memset(text, '*', len);
}

/* Mask the password of what stands behind "://". */
static void
mask_authority(char *authority)
{
    size_t len = strcspn(authority, "/" BLANKS);
    char *at = memchr(authority, '@', len);
    char *colon = at != NULL ? memchr(authority, ':', (size_t) (at - authority)) : NULL;

    if (colon != NULL)
        mask(colon + 1, (size_t) (at - colon - 1));
}

/* Mask the value of what stands behind "password", if that is a setting. */
static void
mask_setting(char *rest)
{
    char *value = rest + strspn(rest, BLANKS);
    size_t len;

    if (*value != '=')
        return;
    value++;
    value += strspn(value, BLANKS);
    len = strcspn(value, BLANKS);
    if (*value == '\'')
        for (len = 1; value[len] != '\0' && value[len] != '\''; len++)
            if (value[len] == '\\' && value[len + 1] != '\0')
                len++;
    mask(value, len);
}

void
secret_mask(char *text)
{
    for (char *at = text; (at = strstr(at, "://")) != NULL; at++)
        mask_authority(at + strlen("://"));
    for (char *at = text; (at = strstr(at, KEYWORD)) != NULL; at++)
        mask_setting(at + strlen(KEYWORD));
}

void
secret_mask_quoted(char *text)
{
    for (char *at = text; (at = strchr(at, '"')) != NULL; at++)
    {
        char *end = strchr(at + 1, '"');
        size_t len = end != NULL ? (size_t) (end - at - 1) : strlen(at + 1);

        mask(at + 1, len);
        at += len + (end != NULL);
    }
}

char **
secret_take_arguments(int argc, char **argv)
{
    char **copies = calloc((size_t) argc + 1, sizeof(char *));

    for (int i = 0; copies != NULL && i < argc; i++)
    {
        copies[i] = strdup(argv[i]);
        if (copies[i] == NULL)
            return NULL;
        secret_mask(argv[i]);
    }
    return copies;
}

void
secret_free_arguments(char **arguments)
{
    for (char **one = arguments; *one != NULL; one++)
        free(*one);
    free(arguments);
}
