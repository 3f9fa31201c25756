/*
 * loader/recommend.c
 *     The command recommend: what to offer a user next.
 */
#include "commands.h"
#include "connection.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_COUNT "10"

typedef struct recommend_settings
{
    connection_settings connection;
    const char *model;
    const char *count;
    const char *schema;
    bool titles;
    bool because;
} recommend_settings;

static const option_spec options[] = {
    {"model", 'm', OPTION_TEXT, offsetof(recommend_settings, model), "MODEL",
     "model to ask (default: the only one there is)", NULL},
    {"count", 'n', OPTION_TEXT, offsetof(recommend_settings, count), "N",
     "how many items (default: " DEFAULT_COUNT ")", NULL},
    {"titles", 0, OPTION_FLAG, offsetof(recommend_settings, titles), NULL,
     "print the titles, too, from the table item", NULL},
    {"because", 0, OPTION_FLAG, offsetof(recommend_settings, because), NULL,
     "print the user's items that led to each, too", NULL},
    {"schema", 0, OPTION_TEXT, offsetof(recommend_settings, schema), "SCHEMA",
     "schema of the table item (default: the first of\nthe search path)", NULL},
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL},
};

/* Columns of the result. */
enum
{
    COLUMN_ITEM,
    COLUMN_TITLE,
    COLUMN_BECAUSE,
    COLUMN_IS_POPULAR
};

/* Report a failed query: an argument that the server does not take is a usage error. */
static exit_status
report_failure(connection *server, PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool argument =
        sqlstate != NULL && (strncmp(sqlstate, "22", 2) == 0 || strcmp(sqlstate, "42704") == 0);
    exit_status status = connection_report(server, result);

    return argument && status == STATUS_SERVER ? STATUS_USAGE : status;
}

/* List the models that there are. */
static void
list_models(const PGresult *models)
{
    char list[256] = "";

    for (int i = 0; i < PQntuples(models) && strlen(list) < sizeof(list) - 1; i++)
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s\"%s\"", i > 0 ? ", " : "",
                 PQgetvalue(models, i, 0));
    log_error("there are several models: %s", list);
    log_hint("Name one with \"--model\".");
}

/* The model to ask: the given one, or the only one. Freed by the caller. */
static exit_status
choose_model(connection *server, const char *schema, const char *given, char **model)
{
    exit_status status = STATUS_OK;
    PGresult *models;
    char *sql;

    if (given == NULL)
    {
        if (asprintf(&sql, "SELECT model FROM %s.recommender_model ORDER BY model", schema) < 0)
            return log_out_of_memory();
        status = connection_query(server, sql, 0, NULL, &models);
        free(sql);
        STATUS_TRY(status);
        if (PQntuples(models) == 1)
            *model = strdup(PQgetvalue(models, 0, 0));
        else if (PQntuples(models) == 0)
        {
            log_error("there is no model");
            log_hint("The SQL function recommender_fit makes one.");
            status = STATUS_SERVER;
        }
        else
        {
            list_models(models);
            status = STATUS_USAGE;
        }
        PQclear(models);
    }
    else
        *model = strdup(given);
    return status == STATUS_OK && *model == NULL ? log_out_of_memory() : status;
}

/* Make the query; NULL without memory. */
static char *
make_query(const connection *server, const recommend_settings *settings, const char *extension,
           const char *schema)
{
    char *quoted = connection_quote(server, schema);
    char *sql = NULL;
    int made = -1;

    if (quoted != NULL && settings->titles)
        made = asprintf(
            &sql,
            "SELECT r.item_id, translate(i.title, E'\\t\\n\\r', '   '),"
            " array_to_string(r.because, ','), r.because = '{}'"
            " FROM %s.recommend($1::text, $2::text, $3::integer, true, NULL::bigint[]) AS r"
            " LEFT JOIN %s.item AS i USING (item_id) ORDER BY r.rank",
            extension, quoted);
    else if (quoted != NULL)
        made = asprintf(
            &sql,
            "SELECT r.item_id, NULL, array_to_string(r.because, ','), r.because = '{}'"
            " FROM %s.recommend($1::text, $2::text, $3::integer, true, NULL::bigint[]) AS r"
            " ORDER BY r.rank",
            extension);
    PQfreemem(quoted);
    return made < 0 ? NULL : sql;
}

/* Print the items, and say on standard error where the user is not known. */
static void
print_items(const PGresult *result, const recommend_settings *settings, const char *model)
{
    int count = PQntuples(result);

    if (count > 0 && strcmp(PQgetvalue(result, 0, COLUMN_IS_POPULAR), "t") == 0)
        log_summary("user is not in model \"%s\": these items are popular", model);
    for (int i = 0; i < count; i++)
    {
        printf("%s", PQgetvalue(result, i, COLUMN_ITEM));
        if (settings->titles)
            printf("\t%s", PQgetvalue(result, i, COLUMN_TITLE));
        if (settings->because)
            printf("\t%s", PQgetvalue(result, i, COLUMN_BECAUSE));
        printf("\n");
    }
}

/* Ask the model and print what it says. */
static exit_status
ask_model(connection *server, const recommend_settings *settings, const char *sql,
          const char *model, const char *user)
{
    const char *count = settings->count != NULL ? settings->count : DEFAULT_COUNT;
    PGresult *result =
        connection_execute(server, sql, 3, (const char *const[]){model, user, count});

    if (connection_failed(result))
        return report_failure(server, result);
    print_items(result, settings, model);
    PQclear(result);
    return STATUS_OK;
}

/* Everything on the connection. */
static exit_status
recommend(connection *server, const recommend_settings *settings, const char *user)
{
    char *extension, *model = NULL, *sql = NULL;
    const char *schema;
    exit_status status;

    STATUS_TRY(connection_schema(server, settings->schema, &schema));
    STATUS_TRY(connection_extension(server, &extension));
    status = choose_model(server, extension, settings->model, &model);
    if (status == STATUS_OK)
    {
        sql = make_query(server, settings, extension, schema);
        status = sql != NULL ? ask_model(server, settings, sql, model, user) : log_out_of_memory();
    }
    free(sql);
    free(model);
    PQfreemem(extension);
    return status;
}

/* The command. */
static exit_status
run(const void *given, const operand_list *operands)
{
    const recommend_settings *settings = given;
    const char *user = operands->items[0];
    exit_status status;
    connection server;

    if (operands->count == 0)
    {
        log_error("no user was given");
        log_hint("Name one behind the options: \"%s recommend USER_ID\".", PROGRAM_NAME);
        return STATUS_USAGE;
    }
    if (operands->count > 1)
    {
        log_error("one user is asked for at a time, not %d", operands->count);
        return STATUS_USAGE;
    }
    if (!cs_utf8_valid(user, strlen(user)))
    {
        log_error("the user's id is not valid UTF-8");
        return STATUS_USAGE;
    }
    STATUS_TRY(connection_open(&server, &settings->connection));
    status = recommend(&server, settings, user);
    connection_close(&server);
    return status;
}

const command_spec recommend_command = {
    .name = "recommend",
    .arguments = "USER_ID",
    .summary = "print what to offer a user next",
    .description =
        "Prints the ids of items, best first, one a line; what the user had when the\n"
        "model was fitted is left out. Titles and the items that led to each follow\n"
        "behind tabs. For a user whom the model does not know these are popular items,\n"
        "which is said on standard error. The SQL function recommender_fit makes a model.",
    .examples = "clickstream recommend -d shop -m rewards user-7\n"
                "clickstream recommend -d shop -m films -n 3 --titles --because 42",
    .options = options,
    .connects = true,
    .may_have_operands = true,
    .settings_size = sizeof(recommend_settings),
    .run = run,
};
