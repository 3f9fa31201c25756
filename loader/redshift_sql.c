/*
 * loader/redshift_sql.c
 *     Making statements for Redshift: simple queries, everything quoted here.
 */
#include "redshift.h"

#include "stop.h"

#include <inttypes.h>
#include <stdarg.h>

/* Append a quoted name. */
static cs_code
append_name(cs_buffer *sql, const connection *server, const char *name, cs_error *err)
{
    char *quoted = connection_quote(server, name);
    cs_code code = quoted != NULL ? cs_buffer_append(sql, quoted, strlen(quoted), err)
                                  : cs_fail_memory(err, strlen(name));

    PQfreemem(quoted);
    return code;
}

/*
 * Append a quoted literal. Redshift takes a backslash in a literal for an escape, and says so at
 * the start of the connection; what libpq makes of that is right for both. (PQescapeLiteral would
 * write E'...', of which Redshift's documentation does not speak.)
 */
static cs_code
append_literal(cs_buffer *sql, const connection *server, const char *text, cs_error *err)
{
    size_t len = strlen(text);
    int failed = 0;

    CS_TRY(cs_buffer_reserve(sql, 2 * len + 3, err));
    sql->data[sql->len++] = '\'';
    sql->len += PQescapeStringConn(server->pg, (char *) sql->data + sql->len, text, len, &failed);
    sql->data[sql->len++] = '\'';
    return failed ? cs_fail(err, CS_ERR_DATA, "could not quote: not UTF-8") : CS_OK;
}

/* Append the names of a mapping's columns. */
static cs_code
append_columns(cs_buffer *sql, const connection *server, const redshift_mapping *mapping,
               cs_error *err)
{
    for (size_t i = 0; i < mapping->count; i++)
    {
        if (i > 0)
            CS_TRY(cs_buffer_append(sql, ", ", 2, err));
        CS_TRY(append_name(sql, server, mapping->columns[i]->name, err));
    }
    return CS_OK;
}

/* Append what a letter of a format stands for. */
static cs_code
append_argument(cs_buffer *sql, const connection *server, char letter, va_list *args, cs_error *err)
{
    const char *text;

    switch (letter)
    {
        case 'n':
            return append_name(sql, server, va_arg(*args, const char *), err);
        case 't':
            text = va_arg(*args, const char *);
            return text != NULL ? append_literal(sql, server, text, err)
                                : cs_buffer_append(sql, "NULL", 4, err);
        case 's':
            text = va_arg(*args, const char *);
            return cs_buffer_append(sql, text, strlen(text), err);
        case 'd':
            return cs_buffer_printf(sql, err, "%" PRId64, va_arg(*args, int64_t));
        case 'l':
            return append_columns(sql, server, va_arg(*args, const redshift_mapping *), err);
        default:
            return cs_fail(err, CS_ERR_ARGUMENT, "unknown letter in a statement");
    }
}

/* Append a statement, terminated. */
static cs_code
append_statement(cs_buffer *sql, const connection *server, const char *format, va_list *args,
                 cs_error *err)
{
    for (;;)
    {
        size_t plain = strcspn(format, "%");

        CS_TRY(cs_buffer_append(sql, format, plain, err));
        format += plain;
        if (*format == '\0')
            return cs_buffer_append(sql, "", 1, err);
        CS_TRY(append_argument(sql, server, format[1], args, err));
        format += 2;
    }
}

/* Make a statement and run it. *result may be a failure; it is NULL where none was made. */
static exit_status
send_statement(connection *server, PGresult **result, const char *format, va_list *args)
{
    exit_status status = STATUS_OK;
    cs_buffer sql;
    cs_error err;

    *result = NULL;
    cs_buffer_init(&sql, loader_env());
    if (append_statement(&sql, server, format, args, &err) != CS_OK)
        status = log_core_error(&err, NULL);
    else
    {
        log_verbose("SQL: %s", (const char *) sql.data);
        *result = connection_execute(server, (const char *) sql.data, 0, NULL);
    }
    cs_buffer_free(&sql);
    return status;
}

exit_status
redshift_send(connection *server, PGresult **result, const char *format, ...)
{
    exit_status status;
    va_list args;

    va_start(args, format);
    status = send_statement(server, result, format, &args);
    va_end(args);
    return status;
}

/* The same, but a failure is reported, and leaves no result behind. */
static exit_status
query_statement(connection *server, PGresult **result, const char *format, va_list *args)
{
    PGresult *answer;

    *result = NULL;
    STATUS_TRY(send_statement(server, &answer, format, args));
    if (connection_failed(answer))
        return connection_report(server, answer);
    *result = answer;
    return STATUS_OK;
}

exit_status
redshift_query(connection *server, PGresult **result, const char *format, ...)
{
    exit_status status;
    va_list args;

    va_start(args, format);
    status = query_statement(server, result, format, &args);
    va_end(args);
    return status;
}

exit_status
redshift_run(connection *server, const char *format, ...)
{
    exit_status status;
    PGresult *result;
    va_list args;

    va_start(args, format);
    status = query_statement(server, &result, format, &args);
    va_end(args);
    PQclear(result);
    return status;
}
