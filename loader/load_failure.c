/*
 * loader/load_failure.c
 *     What a failed COPY says: whether the data is to blame, and which row.
 *
 * The row stands in the context. The COPY's own line of it holds the word COPY, the
 * table's name as it is, and behind that the number, in any language; binary COPY shows
 * no value there:
 *
 *     PL/pgSQL function t2_check_5() line 3 at RAISE
 *     COPY t2, line 17, column c3
 *
 * Other lines are of functions and their statements, and come before it. Text COPY may
 * show a value at the end, of several lines: what looks like a COPY's line may then be
 * part of it. So a row is certain only where no value is shown, or it is the only line.
 *
 * Behind the number stands the column whose value could not be read, if it was that, and
 * then a colon and the value. It is taken if one of the loaded columns alone can be meant.
 */
#include "load_failure.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN_SQLSTATE "XX000"
#define SQLSTATE_CHECK "23514"
#define SQLSTATE_SIZE sizeof(UNKNOWN_SQLSTATE)
#define CLASS_DATA "22"

/* True if a function of the user's has raised an SQLSTATE that is none of the server's classes. */
static bool
is_own_class(const char *sqlstate)
{
    static const char classes[] = "00 01 02 03 08 09 0A 0B 0F 0L 0P 0Z 20 21 22 23 24 25 26 27 28 "
                                  "2B 2D 2F 34 38 39 3B 3D 3F 40 42 44 53 54 55 57 58 72 F0 HV P0 "
                                  "XX";

    for (const char *at = classes; at < classes + sizeof(classes); at += 3)
        if (strncmp(sqlstate, at, 2) == 0)
            return false;
    return true;
}

bool
failure_blames_data(const PGresult *result)
{
    /* data exception, constraint, raised by a function, check option of a view, row too long */
    static const char *const kinds[] = {"22", "23", "P0", "44", "54000"};
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    for (size_t i = 0; sqlstate != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strncmp(sqlstate, kinds[i], strlen(kinds[i])) == 0)
            return true;
    return sqlstate != NULL && is_own_class(sqlstate);
}

/* True if c can be part of a name; beyond ASCII it may as well be the language's own text. */
static bool
is_name_character(char c)
{
    return isalnum((unsigned char) c) || c == '_' || c == '$';
}

/* The position behind the first place where word stands by itself, NULL if none. */
static const char *
find_word(const char *text, const char *end, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = text; at + len <= end; at++)
        if (memcmp(at, word, len) == 0 && (at == text || !is_name_character(at[-1])) &&
            (at + len == end || !is_name_character(at[len])))
            return at + len;
    return NULL;
}

/* True if a text ends in a name that stands by itself. */
static bool
ends_in(const char *text, const char *end, const char *name)
{
    size_t len = strlen(name);

    while (end > text && end[-1] == ' ')
        end--;
    return (size_t) (end - text) > len && memcmp(end - len, name, len) == 0 && end[-len - 1] == ' ';
}

/* The column that the rest of a line names, NULL if it is not certain. */
static const char *
column_of_rest(const char *rest, const char *end, const load_mapping *mapping)
{
    const char *colon = memchr(rest, ':', (size_t) (end - rest));
    const char *found = NULL;

    for (size_t i = 0; i < mapping->count; i++)
    {
        const char *name = mapping->columns[i].name;

        if (colon != NULL && strchr(name, ':') != NULL)
            return NULL;
        if (!ends_in(rest, end, name) && (colon == NULL || !ends_in(rest, colon, name)))
            continue;
        if (found != NULL)
            return NULL;
        found = name;
    }
    return found;
}

/* The row that a line of the context names; it is certain where no value follows. */
static named_row
row_of_line(const char *line, const char *end, const failed_copy *copy)
{
    const char *at = find_word(line, end, copy->table);
    char *behind;
    int64_t number;

    while (at != NULL && at < end && !isdigit((unsigned char) *at))
        at++;
    if (at == NULL || at == end || find_word(line, end, "COPY") == NULL)
        return (named_row){0, false, NULL};
    number = strtoll(at, &behind, 10);
    return (named_row){number, memchr(behind, ':', (size_t) (end - behind)) == NULL,
                       column_of_rest(behind, end, copy->mapping)};
}

named_row
failure_row(const PGresult *result, const failed_copy *copy)
{
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    named_row row = {0, false, NULL};
    bool only_line = context != NULL && strchr(context, '\n') == NULL;

    while (context != NULL && *context != '\0')
    {
        const char *end = context + strcspn(context, "\n");
        named_row found = row_of_line(context, end, copy);

        if (found.number >= 1 && found.number <= copy->rows)
            row = found;
        else
            row.certain = false; /* it would be the last line */
        context = *end != '\0' ? end + 1 : end;
    }
    row.certain = row.number > 0 && (row.certain || only_line);
    if (!row.certain)
        row.column = NULL;
    return row;
}

/* True if there is something in a text. */
static bool
says_something(const char *text)
{
    return text != NULL && text[0] != '\0';
}

row_failure *
row_failure_make(const char *sqlstate, const char *column, const char *message, const char *detail)
{
    size_t column_size = says_something(column) ? strlen(column) + 1 : 0;
    row_failure *failure = malloc(sizeof(row_failure) + SQLSTATE_SIZE + column_size);
    char *texts = (char *) (failure + 1);

    if (failure == NULL)
        return NULL;
    snprintf(texts, SQLSTATE_SIZE, "%s", says_something(sqlstate) ? sqlstate : UNKNOWN_SQLSTATE);
    failure->sqlstate = texts;
    failure->column = column_size > 0 ? memcpy(texts + SQLSTATE_SIZE, column, column_size) : NULL;
    snprintf(failure->reason, sizeof(failure->reason), "%s%s%s",
             says_something(message) ? message : "refused by the server",
             says_something(detail) ? ": " : "", says_something(detail) ? detail : "");
    for (char *at = failure->reason; *at != '\0'; at++)
        if (isspace((unsigned char) *at))
            *at = ' ';
    return failure;
}

row_failure *
row_failure_of(const PGresult *result, const char *column)
{
    const char *said = PQresultErrorField(result, PG_DIAG_COLUMN_NAME);

    return row_failure_make(PQresultErrorField(result, PG_DIAG_SQLSTATE),
                            says_something(said) ? said : column,
                            PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY),
                            PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
}

bool
row_failure_lies_in_row(const row_failure *failure)
{
    return strncmp(failure->sqlstate, CLASS_DATA, strlen(CLASS_DATA)) == 0 ||
           strcmp(failure->sqlstate, SQLSTATE_NOT_NULL) == 0 ||
           strcmp(failure->sqlstate, SQLSTATE_CHECK) == 0;
}

exit_status
load_report_failure(connection *server, PGresult *result)
{
    bool refused = failure_blames_data(result);
    exit_status status = connection_report(server, result);

    return refused && status == STATUS_SERVER ? STATUS_REFUSED : status;
}
