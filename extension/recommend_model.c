/*
 * extension/recommend_model.c
 *     Statements on the tables that hold models, run as the current user.
 *
 * The tables lie in the schema of the extension, which is that of the called function.
 * Plans are kept, and made anew where the extension has moved. Every name in them is
 * qualified, so that the caller's search path has no say.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/params.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "recommend.h"
#include "sql_array.h"

#define MAX_ARGUMENTS 8

/* A statement; %s is the schema. */
typedef struct Statement
{
    const char *sql;
    int num_arguments;
    Oid types[MAX_ARGUMENTS];
} Statement;

static const Statement statements[NUM_RECOMMEND_STATEMENTS] = {
    [RECOMMEND_FIND_MODEL] = {"SELECT model_id, item_ids, popular FROM %s.recommender_model"
                              " WHERE model OPERATOR(pg_catalog.=) $1",
                              1,
                              {TEXTOID}},
    [RECOMMEND_FIND_USER] = {"SELECT items FROM %s.recommender_user"
                             " WHERE model_id OPERATOR(pg_catalog.=) $1"
                             " AND pg_catalog.hashtextextended(user_id, 0) OPERATOR(pg_catalog.=)"
                             " pg_catalog.hashtextextended($2 COLLATE pg_catalog.\"C\", 0)"
                             " AND user_id OPERATOR(pg_catalog.=) $2 COLLATE pg_catalog.\"C\"",
                             2,
                             {INT8OID, TEXTOID}},
    [RECOMMEND_FIND_ROWS] = {"SELECT item_id, neighbours, weights FROM %s.recommender_item"
                             " WHERE model_id OPERATOR(pg_catalog.=) $1"
                             " AND item_id OPERATOR(pg_catalog.=) ANY ($2)",
                             2,
                             {INT8OID, INT8ARRAYOID}},
    [RECOMMEND_ALL_ROWS] = {"SELECT item_id, neighbours, weights FROM %s.recommender_item"
                            " WHERE model_id OPERATOR(pg_catalog.=) $1",
                            1,
                            {INT8OID}},
    [RECOMMEND_ALL_USERS] = {"SELECT user_id, items FROM %s.recommender_user"
                             " WHERE model_id OPERATOR(pg_catalog.=) $1 AND user_id IS NOT NULL",
                             1,
                             {INT8OID}},
    [RECOMMEND_FIND_OWNER] = {"SELECT owner::pg_catalog.oid FROM %s.recommender_model"
                              " WHERE model OPERATOR(pg_catalog.=) $1",
                              1,
                              {TEXTOID}},
    [RECOMMEND_DELETE_MODEL] = {"DELETE FROM %s.recommender_model"
                                " WHERE model OPERATOR(pg_catalog.=) $1",
                                1,
                                {TEXTOID}},
    [RECOMMEND_DELETE_ROWS] = {"DELETE FROM %s.recommender_item"
                               " WHERE model_id OPERATOR(pg_catalog.=) $1",
                               1,
                               {INT8OID}},
    [RECOMMEND_DELETE_USERS] = {"DELETE FROM %s.recommender_user"
                                " WHERE model_id OPERATOR(pg_catalog.=) $1",
                                1,
                                {INT8OID}},
    [RECOMMEND_CLEAR_ROWS] = {"DELETE FROM %s.recommender_item", 0, {InvalidOid}},
    [RECOMMEND_CLEAR_USERS] = {"DELETE FROM %s.recommender_user", 0, {InvalidOid}},
    [RECOMMEND_INSERT_MODEL] = {"INSERT INTO %s.recommender_model (model, owner, options, users,"
                                " items, interactions, item_ids, popular)"
                                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING model_id",
                                8,
                                {TEXTOID, REGROLEOID, JSONBOID, INT8OID, INT8OID, INT8OID,
                                 INT8ARRAYOID, FLOAT4ARRAYOID}},
    [RECOMMEND_INSERT_ROW] = {"INSERT INTO %s.recommender_item (model_id, item_id, neighbours,"
                              " weights) VALUES ($1, $2, $3, $4)",
                              4,
                              {INT8OID, INT8OID, INT4ARRAYOID, FLOAT4ARRAYOID}},
    [RECOMMEND_INSERT_USER] = {"INSERT INTO %s.recommender_user (model_id, user_id, items)"
                               " VALUES ($1, $2, $3)",
                               3,
                               {INT8OID, TEXTOID, INT4ARRAYOID}},
};

/* The columns that we read and write, and what we take them for. */
static const struct
{
    const char *table;
    const char *column;
    Oid type;
} columns[] = {
    {"recommender_model", "model_id", INT8OID},
    {"recommender_model", "model", TEXTOID},
    {"recommender_model", "owner", REGROLEOID},
    {"recommender_model", "item_ids", INT8ARRAYOID},
    {"recommender_model", "popular", FLOAT4ARRAYOID},
    {"recommender_item", "model_id", INT8OID},
    {"recommender_item", "item_id", INT8OID},
    {"recommender_item", "neighbours", INT4ARRAYOID},
    {"recommender_item", "weights", FLOAT4ARRAYOID},
    {"recommender_user", "model_id", INT8OID},
    {"recommender_user", "user_id", TEXTOID},
    {"recommender_user", "items", INT4ARRAYOID},
};

/* The plans made so far, for the tables in this schema. */
static struct
{
    char schema[NAMEDATALEN];
    SPIPlanPtr plans[NUM_RECOMMEND_STATEMENTS];
} kept;

/* The schema of the called function. */
static char *
function_schema(FunctionCallInfo fcinfo)
{
    char *schema = get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid));

    if (schema == NULL)
        elog(ERROR, "function %u has no schema", fcinfo->flinfo->fn_oid);
    return schema;
}

Oid
recommend_table(FunctionCallInfo fcinfo)
{
    Oid table = get_relname_relid("recommender_model", get_func_namespace(fcinfo->flinfo->fn_oid));

    if (!OidIsValid(table))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                        errmsg("table \"recommender_model\" of the extension is missing")));
    return table;
}

/*
 * The tables belong to whoever created the extension, who need not be a superuser. Were they
 * views, or their columns of other types, then reading them would run functions of the owner's as
 * the caller, or take any bytes for an array. The locks keep them as they are seen here.
 */
static void
check_tables(FunctionCallInfo fcinfo)
{
    Oid schema = get_func_namespace(fcinfo->flinfo->fn_oid);

    for (int i = 0; i < lengthof(columns); i++)
    {
        Oid table = get_relname_relid(columns[i].table, schema);

        if (OidIsValid(table))
            LockRelationOid(table, AccessShareLock);
        if (!OidIsValid(table) || get_rel_relkind(table) != RELKIND_RELATION ||
            get_atttype(table, get_attnum(table, columns[i].column)) != columns[i].type)
            ereport(ERROR,
                    (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                     errmsg("column \"%s\" of table \"%s\" is not as the extension made it",
                            columns[i].column, columns[i].table),
                     errhint("Undo the change of the table, or create the extension anew.")));
    }
}

/* Forget all plans if they are for another schema. */
static void
check_schema(const char *schema)
{
    if (strcmp(kept.schema, schema) == 0)
        return;
    for (int i = 0; i < NUM_RECOMMEND_STATEMENTS; i++)
    {
        if (kept.plans[i] != NULL)
            SPI_freeplan(kept.plans[i]);
        kept.plans[i] = NULL;
    }
    strlcpy(kept.schema, schema, NAMEDATALEN);
}

/* The plan of a statement. */
static SPIPlanPtr
find_plan(FunctionCallInfo fcinfo, RecommendStatement statement)
{
    const Statement *known = &statements[statement];
    char *schema = function_schema(fcinfo);
    SPIPlanPtr plan;

    check_tables(fcinfo);
    check_schema(schema);
    if (kept.plans[statement] != NULL)
        return kept.plans[statement];
    plan =
        SPI_prepare_cursor(psprintf(known->sql, quote_identifier(schema)), known->num_arguments,
                           (Oid *) known->types, CURSOR_OPT_GENERIC_PLAN | CURSOR_OPT_PARALLEL_OK);
    if (plan == NULL || SPI_keepplan(plan) != 0)
        elog(ERROR, "could not prepare a statement: %s", SPI_result_code_string(SPI_result));
    kept.plans[statement] = plan;
    return plan;
}

void
recommend_run(FunctionCallInfo fcinfo, RecommendStatement statement, Datum *values, bool read_only)
{
    int result = SPI_execute_plan(find_plan(fcinfo, statement), values, NULL, read_only, 0);

    if (result < 0)
        elog(ERROR, "could not run a statement: %s", SPI_result_code_string(result));
}

void
recommend_run_into(FunctionCallInfo fcinfo, RecommendStatement statement, Datum *values,
                   DestReceiver *receiver)
{
    const Statement *known = &statements[statement];
    SPIExecuteOptions options = {.read_only = true, .dest = receiver};
    int result;

    options.params = makeParamList(known->num_arguments);
    for (int i = 0; i < known->num_arguments; i++)
        options.params->params[i] = (ParamExternData){
            .value = values[i], .pflags = PARAM_FLAG_CONST, .ptype = known->types[i]};
    result = SPI_execute_plan_extended(find_plan(fcinfo, statement), &options);
    if (result < 0)
        elog(ERROR, "could not run a statement: %s", SPI_result_code_string(result));
}

void
recommend_find_model(FunctionCallInfo fcinfo, text *name, RecommendModel *model)
{
    Datum values[] = {PointerGetDatum(name)};
    HeapTuple tuple;
    TupleDesc desc;
    bool is_null;
    size_t num_popular;

    recommend_run(fcinfo, RECOMMEND_FIND_MODEL, values, true);
    if (SPI_processed == 0)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                        errmsg("model \"%s\" does not exist", text_to_cstring(name)),
                        errhint("Use recommender_fit to make it.")));
    tuple = SPI_tuptable->vals[0];
    desc = SPI_tuptable->tupdesc;
    model->model_id = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &is_null));
    model->item_ids =
        sql_array_read(SPI_getbinval(tuple, desc, 2, &is_null), INT8OID, &model->num_items);
    model->popular =
        sql_array_read(SPI_getbinval(tuple, desc, 3, &is_null), FLOAT4OID, &num_popular);
    if (num_popular != model->num_items)
        ereport(ERROR,
                (errcode(ERRCODE_DATA_CORRUPTED),
                 errmsg("damaged model: %zu items, %zu scores", model->num_items, num_popular)));
}

cs_model_row
recommend_row(Datum neighbours, Datum weights)
{
    cs_model_row row;
    size_t num_weights;

    row.targets = sql_array_read(neighbours, INT4OID, &row.count);
    row.weights = sql_array_read(weights, FLOAT4OID, &num_weights);
    if (num_weights != row.count)
        ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                        errmsg("damaged model: %zu items, %zu weights", row.count, num_weights)));
    return row;
}

void
recommend_require(FunctionCallInfo fcinfo, int argument, const char *name)
{
    if (PG_ARGISNULL(argument))
        ereport(ERROR,
                (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be NULL", name)));
}
