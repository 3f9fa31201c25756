/*
 * loader/redshift_failure.c
 *     Why a COPY failed: what Redshift's tables of load errors say.
 *
 * The error itself only says where to look. A cluster has stl_load_errors, whose texts
 * are padded with blanks; serverless has sys_load_error_detail. Both survive the
 * rollback.
 */
#include "redshift.h"

#include <inttypes.h>
#include <stdlib.h>

#define SHOWN_ERRORS "5"

/* The first errors of the last COPY of our folder: file, line, column, code, reason. */
static const char *const error_queries[] = {
    "SELECT trim(filename), line_number, trim(colname), err_code, trim(err_reason)"
    " FROM stl_load_errors WHERE query = (SELECT max(query) FROM stl_load_errors"
    " WHERE position(%t IN filename) > 0) ORDER BY filename, line_number LIMIT " SHOWN_ERRORS,
    "SELECT trim(file_name), line_number, trim(column_name), error_code, trim(error_message)"
    " FROM sys_load_error_detail WHERE query_id = (SELECT max(query_id) FROM sys_load_error_detail"
    " WHERE position(%t IN file_name) > 0) ORDER BY file_name, line_number LIMIT " SHOWN_ERRORS,
};

/* Ask one of the tables; NULL where it cannot be asked. */
static PGresult *
ask(connection *server, const char *format, const char *folder)
{
    PGresult *rows;

    if (redshift_send(server, &rows, format, folder) != STATUS_OK || !connection_failed(rows))
        return rows;
    PQclear(rows);
    return NULL;
}

/* The number in the source of a staged file's record; 0 if it cannot be told. */
static int64_t
source_record(const redshift_stage *stage, const char *file, const char *line)
{
    int64_t record = strtoll(line, NULL, 10);

    for (size_t i = 0; record > 0 && i < stage->num_parts; i++)
        if (strstr(file, stage->parts[i].key) != NULL)
            return stage->parts[i].first_record + record - 1;
    return 0;
}

/* Show what the tables say. */
static void
show_errors(const redshift_copy *copy, const PGresult *rows)
{
    for (int i = 0; i < PQntuples(rows); i++)
    {
        const char *file = PQgetvalue(rows, i, 0);
        const char *column = PQgetvalue(rows, i, 2);
        int64_t record = source_record(copy->stage, file, PQgetvalue(rows, i, 1));
        char place[64] = "";

        if (record > 0)
            snprintf(place, sizeof(place), "record %" PRId64, record);
        log_error("%s: %s%s%s%s%s%s (Redshift's load error %s)", copy->file->name, place,
                  place[0] != '\0' && column[0] != '\0' ? ", " : "",
                  column[0] != '\0' ? "column \"" : "", column, column[0] != '\0' ? "\": " : "",
                  PQgetvalue(rows, i, 4), PQgetvalue(rows, i, 3));
        log_detail("It stands in line %s of %s.", PQgetvalue(rows, i, 1), file);
    }
}

exit_status
redshift_report_copy(const redshift_copy *copy, connection *server, PGresult *failure)
{
    exit_status status = connection_report(server, failure);
    bool refused = false;

    if (status != STATUS_SERVER || PQstatus(server->pg) == CONNECTION_BAD)
        return status;
    connection_rollback(server);
    for (size_t i = 0; !refused && i < sizeof(error_queries) / sizeof(error_queries[0]); i++)
    {
        PGresult *rows = ask(server, error_queries[i], copy->stage->folder);

        if (rows == NULL)
            continue;
        show_errors(copy, rows);
        refused = PQntuples(rows) > 0;
        PQclear(rows);
    }
    return refused ? STATUS_REFUSED : STATUS_SERVER;
}
