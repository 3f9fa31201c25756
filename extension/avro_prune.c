/*
 * extension/avro_prune.c
 *     Files that can hold no row of the query.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "compat.h"

#include "avro_prune.h"
#include "avro_value.h"

/* What planning puts in the place of a file's columns. */
typedef struct Replacement
{
    const AvroTable *table;
    const AvroTableFile *file;
    Index varno;
} Replacement;

Bitmapset *
avro_attnums(Node *expression, Index varno)
{
    Bitmapset *offset = NULL;
    Bitmapset *attnums = NULL;
    int member = -1;

    pull_varattnos(expression, varno, &offset);
    while ((member = bms_next_member(offset, member)) >= 0)
    {
        int attnum = member + FirstLowInvalidHeapAttributeNumber;

        if (attnum >= 0)
            attnums = bms_add_member(attnums, attnum);
    }
    bms_free(offset);
    return attnums;
}

/* Find a column of the table. */
static const AvroColumn *
find_column(const AvroTable *table, AttrNumber attnum)
{
    for (int i = 0; i < table->num_columns; i++)
        if (table->columns[i].attnum == attnum)
            return &table->columns[i];
    return NULL;
}

/* True if all columns of a set are fixed for a file, and there is one. */
static bool
all_fixed(const AvroTable *table, const AvroTableFile *file, Bitmapset *attnums)
{
    int attnum = -1;

    if (bms_is_empty(attnums))
        return false;
    while ((attnum = bms_next_member(attnums, attnum)) >= 0)
    {
        const AvroColumn *column = find_column(table, (AttrNumber) attnum);

        if (column == NULL || !avro_table_fixed(column, file))
            return false;
    }
    return true;
}

/* True if an expression may be evaluated once instead of for each row. */
static bool
evaluates_once(Node *expression)
{
    return !contain_volatile_functions(expression) && !contain_subplans(expression);
}

bool
avro_prune_decides(const AvroTable *table, Node *clause, Index varno)
{
    Bitmapset *attnums;

    if (!evaluates_once(clause))
        return false;
    attnums = avro_attnums(clause, varno);
    for (int i = 0; i < table->num_files; i++)
        if (table->files[i].pruned == AVRO_KEPT && !all_fixed(table, &table->files[i], attnums))
            return false;
    return true;
}

/* The family of operators by which times are ordered. */
static Oid
time_family(void)
{
    return lookup_type_cache(TIMESTAMPTZOID, TYPECACHE_BTREE_OPFAMILY)->btree_opf;
}

/* The operator that must hold between a file's smallest or largest time and a bound. */
static bool
set_test(FmgrInfo *test, Oid right_type, int strategy)
{
    Oid opno = get_opfamily_member(time_family(), TIMESTAMPTZOID, right_type, (int16) strategy);

    if (!OidIsValid(opno))
        return false;
    fmgr_info(get_opcode(opno), test);
    return true;
}

/* Set the tests for a strategy. */
static bool
set_tests(AvroTimeClause *clause, Oid right_type, int strategy)
{
    clause->has_min = strategy <= BTEqualStrategyNumber;
    clause->has_max = strategy >= BTEqualStrategyNumber;
    if (clause->has_min &&
        !set_test(&clause->min_test, right_type,
                  strategy == BTEqualStrategyNumber ? BTLessEqualStrategyNumber : strategy))
        return false;
    return !clause->has_max ||
           set_test(&clause->max_test, right_type,
                    strategy == BTEqualStrategyNumber ? BTGreaterEqualStrategyNumber : strategy);
}

/* Take apart "timestamptz column operator expression", or the same the other way round. */
static bool
match_time_clause(AvroTimeClause *clause, Node *node, Index varno)
{
    OpExpr *operation = (OpExpr *) node;
    Node *column;
    Node *bound;
    Oid opno;
    Oid left_type;
    Oid right_type;
    int strategy;

    if (!IsA(node, OpExpr) || list_length(operation->args) != 2)
        return false;
    column = linitial(operation->args);
    bound = lsecond(operation->args);
    opno = operation->opno;
    if (!IsA(column, Var))
    {
        opno = get_commutator(opno);
        column = lsecond(operation->args);
        bound = linitial(operation->args);
    }
    if (!OidIsValid(opno) || !IsA(column, Var) || ((Var *) column)->varno != (int) varno ||
        ((Var *) column)->varlevelsup != 0 || contain_var_clause(bound) || !evaluates_once(bound))
        return false;
    strategy = get_op_opfamily_strategy(opno, time_family());
    op_input_types(opno, &left_type, &right_type);
    if (strategy == 0 || left_type != TIMESTAMPTZOID || exprType(column) != TIMESTAMPTZOID)
        return false;
    *clause = (AvroTimeClause){
        .attnum = ((Var *) column)->varattno,
        .bound = (Expr *) bound,
        .collation = operation->inputcollid,
    };
    return set_tests(clause, right_type, strategy);
}

/* True if an expression holds a parameter. */
static bool
has_parameter(Node *node, void *context)
{
    if (node == NULL)
        return false;
    return IsA(node, Param) || expression_tree_walker(node, has_parameter, context);
}

AvroPrune *
avro_prune_make(AvroTable *table, List *quals, ScanState *scan, Index varno)
{
    AvroPrune *prune = palloc0_object(AvroPrune);
    ListCell *cell;

    prune->table = table;
    prune->slot =
        MakeSingleTupleTableSlot(scan->ss_ScanTupleSlot->tts_tupleDescriptor, &TTSOpsVirtual);
    prune->paths = palloc0_array(AvroPathClause, list_length(quals) + 1);
    prune->times = palloc0_array(AvroTimeClause, list_length(quals) + 1);
    foreach (cell, quals)
    {
        Node *clause = lfirst(cell);
        AvroTimeClause *time = &prune->times[prune->num_times];

        if (!evaluates_once(clause))
            continue;
        prune->paths[prune->num_paths++] = (AvroPathClause){
            ExecInitQual(list_make1(clause), &scan->ps), avro_attnums(clause, varno)};
        if (match_time_clause(time, clause, varno))
        {
            time->state = ExecInitExpr(time->bound, &scan->ps);
            prune->num_times++;
        }
        prune->varies |= has_parameter(clause, NULL);
    }
    return prune;
}

/* Put the fixed columns of a file into the slot. */
static void
fill_slot(AvroPrune *prune, const AvroTableFile *file)
{
    TupleTableSlot *slot = prune->slot;

    ExecClearTuple(slot);
    memset(slot->tts_isnull, true, sizeof(bool) * slot->tts_tupleDescriptor->natts);
    for (int i = 0; i < prune->table->num_columns; i++)
    {
        const AvroColumn *column = &prune->table->columns[i];

        if (avro_table_fixed(column, file))
            slot->tts_values[column->attnum - 1] =
                avro_table_fixed_value(column, file, &slot->tts_isnull[column->attnum - 1]);
    }
    ExecStoreVirtualTuple(slot);
}

/* True if the fixed columns of a file fail a clause. */
static bool
path_fails(AvroPrune *prune, const AvroTableFile *file, ExprContext *econtext)
{
    TupleTableSlot *scan_slot = econtext->ecxt_scantuple;
    bool filled = false;
    bool fails = false;

    for (int i = 0; i < prune->num_paths && !fails; i++)
    {
        if (!all_fixed(prune->table, file, prune->paths[i].attnums))
            continue;
        if (!filled)
        {
            MemoryContext old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);

            fill_slot(prune, file);
            MemoryContextSwitchTo(old);
            filled = true;
        }
        econtext->ecxt_scantuple = prune->slot;
        fails = !ExecQual(prune->paths[i].state, econtext);
        econtext->ecxt_scantuple = scan_slot;
    }
    ExecClearTuple(prune->slot);
    ResetExprContext(econtext);
    return fails;
}

/* True if a column shows the time field: of whatever unit, it is read as the same instant. */
static bool
shows_time_field(const AvroTable *table, const AvroTableFile *file, const AvroColumn *column)
{
    const cs_avro_field *field;
    cs_avro_shape shape;

    if (column == NULL || column->source != AVRO_SOURCE_FIELD || column->field < 0 ||
        avro_table_fixed(column, file))
        return false;
    field = &table->schema->fields[column->field];
    shape = cs_avro_shape_of(field->type);
    return strcmp(field->name, AVRO_TIME_FIELD) == 0 && shape.kind == CS_VALUE_TIME;
}

/* True if no time of a range can satisfy a clause. */
static bool
range_fails(AvroTimeClause *clause, const AvroTimeRange *range, Datum bound, bool is_null)
{
    if (is_null)
        return true;
    if (clause->has_min && !DatumGetBool(FunctionCall2Coll(&clause->min_test, clause->collation,
                                                           TimestampTzGetDatum(range->min), bound)))
        return true;
    return clause->has_max &&
           !DatumGetBool(FunctionCall2Coll(&clause->max_test, clause->collation,
                                           TimestampTzGetDatum(range->max), bound));
}

/* Prune the kept files whose fixed columns fail a clause. */
static void
prune_paths(AvroPrune *prune, ExprContext *econtext)
{
    for (int i = 0; i < prune->table->num_files; i++)
    {
        AvroTableFile *file = &prune->table->files[i];

        CHECK_FOR_INTERRUPTS();
        if (file->pruned == AVRO_KEPT && path_fails(prune, file, econtext))
            file->pruned = AVRO_PRUNED_BY_PATH;
    }
}

/* Prune the kept files whose range of times fails a clause. */
static void
prune_times(AvroPrune *prune, AvroTimeClause *clause, ExprContext *econtext)
{
    AvroTable *table = prune->table;
    const AvroColumn *column = find_column(table, clause->attnum);
    bool is_null;
    Datum bound = ExecEvalExprSwitchContext(clause->state, econtext, &is_null);

    for (int i = 0; i < table->num_files; i++)
    {
        AvroTableFile *file = &table->files[i];

        if (file->pruned != AVRO_KEPT)
            continue;
        avro_table_info(table, file);
        if (file->range.known && shows_time_field(table, file, column) &&
            range_fails(clause, &file->range, bound, is_null))
            file->pruned = AVRO_PRUNED_BY_TIME;
    }
    ResetExprContext(econtext);
}

void
avro_prune_run(AvroPrune *prune, ExprContext *econtext)
{
    AvroTable *table = prune->table;

    avro_table_list(table);
    for (int i = 0; i < table->num_files; i++)
        table->files[i].pruned = AVRO_KEPT;
    prune_paths(prune, econtext);
    avro_table_bind(table);
    prune_paths(prune, econtext); /* again: now it is known what "_filename" is */
    for (int i = 0; i < prune->num_times && table->schema != NULL; i++)
        prune_times(prune, &prune->times[i], econtext);
}

/* Replace the columns of a clause by their values in a file. */
static Node *
replace_columns(Node *node, void *context)
{
    Replacement *replacement = context;
    const AvroColumn *column;
    Datum value;
    bool is_null;
    int16 length;
    bool by_value;

    if (node == NULL || !IsA(node, Var) || ((Var *) node)->varno != (int) replacement->varno)
        return expression_tree_mutator(node, replace_columns, context);
    column = find_column(replacement->table, ((Var *) node)->varattno);
    value = avro_table_fixed_value(column, replacement->file, &is_null);
    get_typlenbyval(column->type, &length, &by_value);
    return (Node *) makeConst(column->type, column->typmod, column->collation, length, value,
                              is_null, by_value);
}

/* True if an expression is known, at planning, not to be true. */
static bool
known_to_fail(Node *expression)
{
    return IsA(expression, Const) && (((Const *) expression)->constisnull ||
                                      !DatumGetBool(((Const *) expression)->constvalue));
}

/* Prune by one clause at planning. */
static void
plan_clause(PlannerInfo *root, AvroTable *table, Node *node, Index varno)
{
    Bitmapset *attnums = avro_attnums(node, varno);
    AvroTimeClause time;
    bool is_time = match_time_clause(&time, node, varno);
    Const *bound = NULL;

    if (is_time)
        bound = (Const *) estimate_expression_value(root, (Node *) time.bound);
    for (int i = 0; i < table->num_files; i++)
    {
        AvroTableFile *file = &table->files[i];
        Replacement replacement = {table, file, varno};

        if (file->pruned != AVRO_KEPT)
            continue;
        if (evaluates_once(node) && all_fixed(table, file, attnums))
        {
            if (known_to_fail(estimate_expression_value(root, replace_columns(node, &replacement))))
                file->pruned = AVRO_PRUNED_BY_PATH;
        }
        else if (is_time && IsA(bound, Const) && file->info != NULL && file->range.known &&
                 table->schema != NULL &&
                 shows_time_field(table, file, find_column(table, time.attnum)) &&
                 range_fails(&time, &file->range, bound->constvalue, bound->constisnull))
            file->pruned = AVRO_PRUNED_BY_TIME;
    }
}

bool
avro_prune_has_times(List *clauses, Index varno)
{
    ListCell *cell;
    AvroTimeClause time;

    foreach (cell, clauses)
        if (match_time_clause(&time, (Node *) lfirst_node(RestrictInfo, cell)->clause, varno))
            return true;
    return false;
}

bool
avro_prune_allowed(const RelOptInfo *rel, const RestrictInfo *restriction)
{
    return restriction->leakproof || restriction->security_level <= rel->baserestrict_min_security;
}

void
avro_prune_plan(PlannerInfo *root, RelOptInfo *rel, AvroTable *table)
{
    ListCell *cell;

    foreach (cell, rel->baserestrictinfo)
    {
        RestrictInfo *restriction = lfirst_node(RestrictInfo, cell);

        if (avro_prune_allowed(rel, restriction))
            plan_clause(root, table, (Node *) restriction->clause, rel->relid);
    }
}
