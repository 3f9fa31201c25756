/*
 * loader/load_failure.c
 *     What a failed COPY says: whether the data is to blame, and which row.
 */
#include "load.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* True if the error is about the data: of the classes that a row can cause. */
static bool
blames_data(const PGresult *result)
{
    /* data exception, constraint, raised by a function, check option of a view */
    static const char *const classes[] = {"22", "23", "P0", "44"};
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    for (size_t i = 0; sqlstate != NULL && i < sizeof(classes) / sizeof(classes[0]); i++)
        if (strncmp(sqlstate, classes[i], 2) == 0)
            return true;
    return false;
}

/* True if c can be part of a name. */
static bool
is_name_character(char c)
{
    return isalnum((unsigned char) c) || c == '_' || c == '$' || ((unsigned char) c & 0x80) != 0;
}

/* The position behind the first place where name stands as a word of its own, NULL if none. */
static const char *
find_word(const char *text, const char *end, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = text; at + len <= end; at++)
        if (memcmp(at, name, len) == 0 && (at == text || !is_name_character(at[-1])) &&
            (at + len == end || !is_name_character(at[len])))
            return at + len;
    return NULL;
}

/*
 * The number of the row that the context names: in the last line that has the
 * table's name, the first number behind it. The text around it may be in any
 * language.
 */
static int64_t
row_of_context(const char *context, const char *table)
{
    int64_t row = 0;

    while (*context != '\0')
    {
        const char *end = context + strcspn(context, "\n");
        const char *at = find_word(context, end, table);

        while (at != NULL && at < end && !isdigit((unsigned char) *at))
            at++;
        if (at != NULL && at < end)
            row = strtoll(at, NULL, 10);
        context = *end != '\0' ? end + 1 : end;
    }
    return row;
}

exit_status
load_report_failure(const connection *server, PGresult *result, const char *table, int64_t rows,
                    int64_t *row)
{
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    bool refused = blames_data(result);
    exit_status status;

    *row = refused && context != NULL ? row_of_context(context, table) : 0;
    if (*row < 0 || *row > rows)
        *row = 0;
    status = connection_report(server, result);
    return refused && status == STATUS_SERVER ? STATUS_REFUSED : status;
}
