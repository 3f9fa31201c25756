/*
 * loader/row_screen.c
 *     Rows are looked at before they are copied: many that the server will refuse are found
 *     at once.
 *
 * Each row that a COPY is refused for costs another COPY or two, which is much where
 * the rows are many and a COPY of good ones is fast. So once some were refused for what
 * they are, the rows of a chunk first go through a COPY into a temporary table, in which no
 * row stays: its condition, put together by screen_plan.sql, holds the table's and the
 * domains' constraints, and where a row fails them it calls a function that inserts the row into
 * the table itself, under a savepoint, keeps what the server says, and undoes it. These rows are
 * set aside with what was said if it lies in the row alone. The others are copied as ever, and
 * row_cut.c has what happens if some of these are refused: so it does not matter what the
 * condition misses, or suspects for nothing.
 *
 * A row that is looked at costs about half of a copied one. That is spent only where it pays,
 * and where the user may create what it takes.
 */
#include "row_sender_parts.h"

#include "log.h"
#include "resources.h"

#include <stdio.h>
#include <stdlib.h>

#define SCREEN_NAME "clickstream_screen"
#define SCREEN_MAKE \
    SAVEPOINT_START "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true); "

/* Emptied outside of the savepoint, as in row_stage.c. */
#define SCREEN_START                                       \
    "TRUNCATE pg_temp.clickstream_tried; " SAVEPOINT_START \
    "SELECT pg_catalog.setval('pg_temp.clickstream_number', 1, false); "
#define SCREEN_END                                                                           \
    "; SELECT number, sqlstate, column_name, message, detail FROM pg_temp.clickstream_tried" \
    " ORDER BY number" SAVEPOINT_END

/* The fields of the row of screen_plan.sql. */
enum plan_field
{
    PLAN_CREATE,
    PLAN_CONDITION,
    PLAN_DROP
};

/* The fields of a row that was tried. */
enum tried_field
{
    TRIED_NUMBER,
    TRIED_SQLSTATE,
    TRIED_COLUMN,
    TRIED_MESSAGE,
    TRIED_DETAIL
};

/* Free the statements. */
void
row_screen_free(row_screen *screen)
{
    free(screen->start);
    free(screen->start_again);
    free(screen->drop);
}

void
sender_screen_note(row_sender *sender, const row_failure *failure)
{
    row_screen *screen = &sender->screen;

    if (screen->on || screen->useless || sender->staged || !row_failure_lies_in_row(failure))
        return;
    screen->refused++;
    if (screen->refused < SCREEN_AFTER || sender->spread > SCREEN_SPREAD)
        return;
    screen->on = true;
    screen->refused = 0;
    sender->spread = INT64_MAX; /* of the rows that it does not find we know nothing yet */
    sender->limit = CHUNK_MAX_ROWS;
}

/* Look at no more rows: for good, or until more are refused. */
static void
turn_off(row_screen *screen, bool for_good)
{
    screen->on = false;
    screen->looked = 0;
    screen->useless = screen->useless || for_good;
}

/* Put the statements together. */
static bool
make_statements(row_sender *sender, const PGresult *plan)
{
    load_table table = {.schema = "pg_temp", .name = SCREEN_NAME};
    char *copy = load_mapping_copy(sender->mapping, &table, sender->server);
    const char *condition = PQgetvalue(plan, 0, PLAN_CONDITION);
    row_screen *screen = &sender->screen;
    int made = -1;

    screen->drop = strdup(PQgetvalue(plan, 0, PLAN_DROP));
    if (copy != NULL && screen->drop != NULL &&
        asprintf(&screen->start, SCREEN_START "%s WHERE %s" SCREEN_END, copy, condition) >= 0)
        made = asprintf(&screen->start_again,
                        SAVEPOINT_UNDO "; " SCREEN_START "%s WHERE %s" SCREEN_END, copy, condition);
    free(copy);
    return made >= 0 || sender_stop(sender, log_out_of_memory());
}

/* Create what it takes; where the server does not let us, it is not to be tried again. */
static bool
create_objects(row_sender *sender, const PGresult *plan)
{
    const char *path = sender->server->search_path;
    PGresult *result;
    char *sql;

    if (asprintf(&sql, SCREEN_MAKE "%s", PQgetvalue(plan, 0, PLAN_CREATE)) < 0)
        return sender_stop(sender, log_out_of_memory());
    result = connection_execute(sender->server, sql, 0, NULL);
    free(sql);
    sender->failed = connection_failed(result);
    if (sender->failed)
    {
        turn_off(&sender->screen, true);
        log_verbose("rows are not looked at before they are copied: %s",
                    PQresultErrorMessage(result));
        PQclear(result);
        return true;
    }
    PQclear(result);
    result = connection_execute(sender->server,
                                "SELECT pg_catalog.set_config('search_path', $1, true)", 1, &path);
    if (connection_failed(result))
        return sender_fail(sender, result);
    PQclear(result);
    return sender_run(sender, "RELEASE SAVEPOINT " ROW_SAVEPOINT) && make_statements(sender, plan);
}

bool
sender_screen_ready(row_sender *sender)
{
    PGresult *plan;
    exit_status status;
    bool done = true;

    if (!sender->screen.on || sender->screen.start != NULL)
        return true;
    if (sender->failed && !sender_end_savepoint(sender))
        return false;
    status = sender_plan(sender, resource_screen_plan_sql, NULL, &plan);
    if (status != STATUS_OK)
        return sender_stop(sender, status);
    if (PQntuples(plan) == 0)
        turn_off(&sender->screen, true);
    else
        done = create_objects(sender, plan);
    PQclear(plan);
    return done;
}

/* Keep why a row was refused that was tried: NULL if it was not, or for another reason. */
static bool
keep_tried(row_sender *sender, const PGresult *tried, int at, row_failure **failure)
{
    *failure =
        row_failure_make(PQgetvalue(tried, at, TRIED_SQLSTATE), PQgetvalue(tried, at, TRIED_COLUMN),
                         PQgetvalue(tried, at, TRIED_MESSAGE), PQgetvalue(tried, at, TRIED_DETAIL));
    if (*failure == NULL)
        return sender_stop(sender, log_out_of_memory());
    if (!row_failure_lies_in_row(*failure))
    {
        free(*failure);
        *failure = NULL;
    }
    return true;
}

/* Set the rows before row end aside that were tried and refused; *found is set to their number. */
static bool
set_tried_aside(row_sender *sender, size_t end, const PGresult *tried, int *found)
{
    row_chunk *chunk = &sender->chunk;
    int64_t rows = (int64_t) row_chunk_live(chunk, end);
    size_t row = chunk->first;
    int64_t number = 1; /* of the row, in the COPY */

    *found = 0;
    for (int i = 0; i < PQntuples(tried); i++)
    {
        int64_t wanted = strtoll(PQgetvalue(tried, i, TRIED_NUMBER), NULL, 10);
        row_failure *failure;

        if (wanted < number || wanted > rows)
            break;
        for (row = row_chunk_next(chunk, row); number < wanted; number++)
            row = row_chunk_next(chunk, row + 1);
        if (!keep_tried(sender, tried, i, &failure))
            return false;
        chunk->rows[row].failure = failure;
        *found += failure != NULL;
        row++;
        number++;
    }
    return true;
}

/*
 * Go on looking at rows only while it pays. That few rows hold none to be found says nothing:
 * refused ones may lie far from each other.
 */
static void
judge(row_sender *sender, int64_t rows, int tried, int found)
{
    row_screen *screen = &sender->screen;
    bool suspicious = tried > 2 * found;

    sender->refused_at = sender->settled;
    screen->looked = found > 0 ? 0 : screen->looked + rows;
    if (found > 0)
        screen->fruitless = 0;
    else if (screen->looked >= SCREEN_SPREAD)
        screen->fruitless++;
    if (suspicious || screen->looked >= SCREEN_SPREAD)
        turn_off(screen,
                 tried > 2 * found + SCREEN_MIN_ROWS || screen->fruitless == SCREEN_MAX_FRUITLESS);
}

bool
sender_screen_hear(row_sender *sender, size_t end)
{
    PGresult *tried = connection_copy_result(sender->server);
    int64_t rows = (int64_t) row_chunk_live(&sender->chunk, end);
    bool done = true;
    int found = 0;

    sender->closed = false;
    sender->screen.running = false;
    sender->chunk.screened = end;
    sender->failed = connection_failed(tried);
    if (sender->failed) /* if that is worse than a value that cannot be read, COPY will say so */
        judge(sender, SCREEN_SPREAD, 0, 0);
    else
    {
        done = set_tried_aside(sender, end, tried, &found);
        judge(sender, rows, PQntuples(tried), found);
    }
    PQclear(tried);
    return done;
}
