/*
 * extension/recommend_fit.c
 *     SQL: recommender_fit.
 *
 * First everything that may fail early: options, the lock on the name, whose model it
 * is. Then the pairs are read as the caller, and the model is fitted. Only then, for the
 * writes, the current user becomes the owner of the model tables, in a restricted
 * operation with a search path of its own; an error on the way ends that with the
 * transaction. Readers see the old model until the commit, and wait for nothing. A
 * second fit of the same name does not wait either: it is refused.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "recommend.h"
#include "sql_array.h"

PG_FUNCTION_INFO_V1(recommender_fit);

/* One fit. */
typedef struct Fit
{
    FunctionCallInfo fcinfo;
    text *name;
    RecommendOptions options;
    MemoryContext context; /* of all that core allocates */
    cs_env inner;          /* on it */
    cs_env env;            /* the same, watched */
    Size peak;             /* bytes in context */
    cs_interactions input;
    cs_fit fit;
    int64 left_out;
    Oid caller;
    int security; /* context to go back to */
    int nest;     /* of settings */
} Fit;

/* cs_env.resize */
static void *
watched_resize(void *ctx, void *old, size_t old_size, size_t size)
{
    Fit *fit = ctx;
    void *memory = fit->inner.resize(fit->inner.ctx, old, old_size, size);

    fit->peak = Max(fit->peak, MemoryContextMemAllocated(fit->context, true));
    return memory;
}

/* cs_env.release */
static void
watched_release(void *ctx, void *memory)
{
    Fit *fit = ctx;

    fit->inner.release(fit->inner.ctx, memory);
}

/* cs_env.should_stop */
static bool
watched_stop(void *ctx)
{
    Fit *fit = ctx;

    return fit->inner.should_stop(fit->inner.ctx);
}

/* Take the arguments. */
static void
start_fit(Fit *fit, FunctionCallInfo fcinfo)
{
    static const char *const names[] = {"model", "interactions", "user_column", "item_column",
                                        "options"};

    for (int i = 0; i < lengthof(names); i++)
        recommend_require(fcinfo, i, names[i]);
    fit->fcinfo = fcinfo;
    fit->name = PG_GETARG_TEXT_PP(0);
    if (VARSIZE_ANY_EXHDR(fit->name) == 0 || VARSIZE_ANY_EXHDR(fit->name) > RECOMMEND_MAX_NAME)
        ereport(ERROR, (errcode(ERRCODE_INVALID_NAME),
                        errmsg("the name of a model must be of 1 to %d bytes, not %zu",
                               RECOMMEND_MAX_NAME, (size_t) VARSIZE_ANY_EXHDR(fit->name))));
    recommend_options_read(&fit->options, PG_GETARG_JSONB_P(4), false);
    fit->context =
        AllocSetContextCreate(CurrentMemoryContext, "recommender fit", ALLOCSET_DEFAULT_SIZES);
    fit->inner = bridge_env(fit->context);
    fit->env = (cs_env){watched_resize, watched_release, watched_stop, fit};
}

/* Keep others from fitting a model of this name until the transaction ends. */
static void
lock_name(const Fit *fit)
{
    LOCKTAG tag;
    uint32 hash = hash_bytes((const unsigned char *) VARDATA_ANY(fit->name),
                             (int) VARSIZE_ANY_EXHDR(fit->name));

    SET_LOCKTAG_OBJECT(tag, MyDatabaseId, recommend_table(fit->fcinfo), hash, 0);
    if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
        ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
                        errmsg("model \"%s\" is being fitted by another transaction",
                               text_to_cstring(fit->name)),
                        errhint("Try again when that has ended.")));
}

/* The owner of a table. */
static Oid
table_owner(Oid table)
{
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
    Oid owner;

    if (!HeapTupleIsValid(tuple))
        elog(ERROR, "cache lookup failed for relation %u", table);
    owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
    ReleaseSysCache(tuple);
    return owner;
}

/* Become the owner of the model tables. */
static void
become_owner(Fit *fit)
{
    GetUserIdAndSecContext(&fit->caller, &fit->security);
    SetUserIdAndSecContext(table_owner(recommend_table(fit->fcinfo)),
                           fit->security | SECURITY_LOCAL_USERID_CHANGE |
                               SECURITY_RESTRICTED_OPERATION);
    fit->nest = NewGUCNestLevel();
    (void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
                             GUC_ACTION_SAVE, true, 0, false);
}

/* Become the caller again. */
static void
become_caller(const Fit *fit)
{
    AtEOXact_GUC(false, fit->nest);
    SetUserIdAndSecContext(fit->caller, fit->security);
}

/* Find who owns the model that is to be replaced, and raise an error unless the caller may. */
static Oid
check_owner(Fit *fit)
{
    Datum values[] = {PointerGetDatum(fit->name)};
    Oid owner = GetUserId();
    bool is_null;

    become_owner(fit);
    recommend_run(fit->fcinfo, RECOMMEND_FIND_OWNER, values, false);
    if (SPI_processed > 0)
        owner = DatumGetObjectId(
            SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
    become_caller(fit);
    if (!has_privs_of_role(fit->caller, owner))
        ereport(ERROR,
                (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                 errmsg("must be a member of the owner of model \"%s\" to replace it",
                        text_to_cstring(fit->name)),
                 errhint("Use another name, or ask role \"%s\".",
                         GetUserNameFromId(owner, true) != NULL ? GetUserNameFromId(owner, true)
                                                                : "postgres")));
    return owner;
}

/* Read the pairs as the caller. */
static void
read_pairs(Fit *fit)
{
    RecommendSource source = recommend_source(fit->fcinfo, 1);
    cs_error err;

    cs_interactions_init(&fit->input, &fit->env);
    fit->left_out = recommend_read(&source, false, recommend_take_pair, &fit->input);
    bridge_check(cs_interactions_finish(&fit->input, (size_t) fit->options.min_users, &err), &err);
    if (fit->input.num_items == 0)
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                 errmsg("there is nothing to learn from in \"%s\"", get_rel_name(source.relation)),
                 errdetail("It has no row with a user and an item%s.",
                           fit->options.min_users > 1 ? " of enough users" : "")));
}

/* Fit the model. */
static void
run_fit(Fit *fit)
{
    cs_error err;

    if (fit->input.num_items > fit->options.fit.max_items)
        ereport(ERROR,
                (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                 errmsg("%zu items are more than the limit of %zu", fit->input.num_items,
                        fit->options.fit.max_items),
                 errdetail("The fit would need %.1f GB for a matrix of items by items.",
                           cs_fit_matrix_bytes(fit->input.num_items) / 1e9),
                 errhint("Leave out rare items with the option \"min_users\", or, where there is"
                         " the memory, raise the option \"max_items\".")));
    bridge_check(cs_fit_run(&fit->fit, &fit->input, &fit->options.fit, recommend_invert(), &err),
                 &err);
}

/* A copy of numbers as an array. */
static Datum
copy_array(Oid type, size_t element_size, size_t count, const void *from)
{
    void *data;
    ArrayType *array = sql_array_make(type, element_size, count, &data);

    memcpy(data, from, count * element_size);
    return PointerGetDatum(array);
}

/* Replace the row of the model; returns its new number. */
static int64
write_model(Fit *fit, Oid owner)
{
    const cs_interactions *input = &fit->input;
    size_t n = input->num_items;
    Datum values[] = {PointerGetDatum(fit->name),
                      ObjectIdGetDatum(owner),
                      recommend_options_write(&fit->options.fit, fit->options.min_users),
                      Int64GetDatum((int64) input->active_users),
                      Int64GetDatum((int64) n),
                      Int64GetDatum((int64) input->starts[input->num_users]),
                      copy_array(INT8OID, sizeof(int64), n, input->items),
                      copy_array(FLOAT4OID, sizeof(float), n, fit->fit.popular)};
    bool is_null;

    recommend_run(fit->fcinfo, RECOMMEND_DELETE_MODEL, values, false);
    recommend_run(fit->fcinfo, RECOMMEND_INSERT_MODEL, values, false);
    return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
}

/* Write the weights of an item. */
static void
write_row(Fit *fit, int64 model_id, size_t item, cs_weight *weights)
{
    size_t count = cs_fit_row(&fit->fit, item, fit->options.fit.keep, weights);
    void *neighbours, *numbers;
    ArrayType *neighbours_array = sql_array_make(INT4OID, sizeof(int32), count, &neighbours);
    ArrayType *numbers_array = sql_array_make(FLOAT4OID, sizeof(float), count, &numbers);
    Datum values[] = {Int64GetDatum(model_id), Int64GetDatum(fit->input.items[item]),
                      PointerGetDatum(neighbours_array), PointerGetDatum(numbers_array)};

    for (size_t i = 0; i < count; i++)
    {
        ((int32 *) neighbours)[i] = weights[i].target;
        ((float *) numbers)[i] = weights[i].weight;
    }
    recommend_run(fit->fcinfo, RECOMMEND_INSERT_ROW, values, false);
}

/* Write the items of a user. */
static void
write_user(Fit *fit, int64 model_id, size_t user)
{
    size_t count;
    const uint32_t *items = cs_interactions_of(&fit->input, user, &count);
    cs_slice name = cs_interactions_user_id(&fit->input, user);
    Datum values[] = {Int64GetDatum(model_id),
                      PointerGetDatum(cstring_to_text_with_len(name.data, (int) name.len)),
                      copy_array(INT4OID, sizeof(int32), count, items)};

    if (count > 0)
        recommend_run(fit->fcinfo, RECOMMEND_INSERT_USER, values, false);
}

/* Write all of the model. */
static void
write_tables(Fit *fit, Oid owner)
{
    MemoryContext row_context =
        AllocSetContextCreate(CurrentMemoryContext, "recommender row", ALLOCSET_DEFAULT_SIZES);
    cs_weight *weights = MemoryContextAlloc(fit->context, fit->input.num_items * sizeof(cs_weight));
    int64 model_id = write_model(fit, owner);
    MemoryContext caller = MemoryContextSwitchTo(row_context);

    for (size_t item = 0; item < fit->input.num_items; item++)
    {
        CHECK_FOR_INTERRUPTS();
        write_row(fit, model_id, item, weights);
        MemoryContextReset(row_context);
    }
    for (size_t user = 0; user < fit->input.num_users; user++)
    {
        CHECK_FOR_INTERRUPTS();
        write_user(fit, model_id, user);
        MemoryContextReset(row_context);
    }
    MemoryContextSwitchTo(caller);
}

/* What was done, as jsonb. */
static Datum
summary_jsonb(const Fit *fit, instr_time start)
{
    StringInfoData text;
    instr_time time;

    INSTR_TIME_SET_CURRENT(time);
    INSTR_TIME_SUBTRACT(time, start);
    initStringInfo(&text);
    appendStringInfoString(&text, "{\"model\":");
    escape_json(&text, text_to_cstring(fit->name));
    appendStringInfo(&text,
                     ",\"users\":%zu,\"items\":%zu,\"interactions\":%zu,\"left_out\":" INT64_FORMAT
                     ",\"seconds\":%.3f,\"memory\":%zu}",
                     fit->input.active_users, fit->input.num_items,
                     fit->input.starts[fit->input.num_users], fit->left_out,
                     INSTR_TIME_GET_DOUBLE(time), (size_t) fit->peak);
    return DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data));
}

/* recommender_fit(model text, interactions regclass, user_column, item_column, options jsonb) */
Datum
recommender_fit(PG_FUNCTION_ARGS)
{
    MemoryContext caller = CurrentMemoryContext;
    Fit fit = {.fcinfo = NULL};
    instr_time start;
    Oid owner;
    Datum result;

    INSTR_TIME_SET_CURRENT(start);
    PreventCommandIfReadOnly("recommender_fit()");
    start_fit(&fit, fcinfo);
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "could not connect to SPI");
    lock_name(&fit);
    owner = check_owner(&fit);
    read_pairs(&fit);
    run_fit(&fit);
    become_owner(&fit);
    write_tables(&fit, owner);
    become_caller(&fit);
    MemoryContextSwitchTo(caller);
    result = summary_jsonb(&fit, start);
    SPI_finish();
    MemoryContextDelete(fit.context);
    return result;
}
