/*
 * test/fuzz/s3_profile_fuzz.c
 *     The name of a profile, a NUL, and a file of AWS programs, read as both of theirs.
 */
#include "fuzz.h"

#include "s3_credentials.h"

#include <stdarg.h>
#include <stdio.h>

/* Check a value: one line, without blanks around it. */
static void
check_value(const char *value)
{
    if (value == NULL)
        return;
    fuzz_check(value[0] != '\0' && strchr(value, '\n') == NULL);
    fuzz_check(strchr(" \t\r", value[0]) == NULL &&
               strchr(" \t\r", value[strlen(value) - 1]) == NULL);
}

/* Set a variable of the environment, which setenv would keep each value of for ever. */
static void
set_variable(char *room, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(room, size, format, arguments);
    va_end(arguments);
    putenv(room);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char keys[64], config[64], profile[8192];
    fuzz_input input = {data, data + size};
    char *name = fuzz_take_text(&input);
    cs_slice file = fuzz_take_rest(&input);
    s3_credentials credentials = {.access_key = NULL};
    int fd = fuzz_descriptor(file);

    set_variable(keys, sizeof(keys), "AWS_SHARED_CREDENTIALS_FILE=/proc/self/fd/%d", fd);
    set_variable(config, sizeof(config), "AWS_CONFIG_FILE=/proc/self/fd/%d", fd);
    set_variable(profile, sizeof(profile), "AWS_PROFILE=%s", name);
    if (s3_profile_read(&credentials) == STATUS_OK)
    {
        fuzz_check((credentials.access_key == NULL) == (credentials.secret_key == NULL));
        check_value(credentials.access_key);
        check_value(credentials.secret_key);
        check_value(credentials.session_token);
        check_value(credentials.region);
        check_value(credentials.endpoint);
    }
    s3_credentials_free(&credentials);
    free(name);
    fuzz_free(file);
    return 0;
}
