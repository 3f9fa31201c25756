/*
 * loader/redshift_sql.c
 *     Making statements for Redshift: simple queries, everything quoted here.
 */
#include "redshift.h"

#include "stop.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

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

cs_code
redshift_sql_list(cs_buffer *sql, const connection *server, cs_error *err, const char *format,
                  va_list args)
{
    cs_code code = CS_OK;

    while (code == CS_OK && *format != '\0')
    {
        size_t plain = strcspn(format, "%");
        const char *text;

        code = cs_buffer_append(sql, format, plain, err);
        format += plain;
        if (code != CS_OK || *format == '\0')
            break;
        switch (format[1])
        {
            case 'n':
                code = append_name(sql, server, va_arg(args, const char *), err);
                break;
            case 't':
                text = va_arg(args, const char *);
                code = text != NULL ? append_literal(sql, server, text, err)
                                    : cs_buffer_append(sql, "NULL", 4, err);
                break;
            case 'd':
                code = cs_buffer_printf(sql, err, "%" PRId64, va_arg(args, int64_t));
                break;
            default:
                code = cs_buffer_append(sql, "%", 1, err);
        }
        format += 2;
    }
    return code;
}

cs_code
redshift_sql(cs_buffer *sql, const connection *server, cs_error *err, const char *format, ...)
{
    va_list args;
    cs_code code;

    va_start(args, format);
    code = redshift_sql_list(sql, server, err, format, args);
    va_end(args);
    return code;
}
