/*
 * core/avro_plan.c
 *     Compile a decode plan.
 *
 * The schemas are resolved as a whole. Then each field of the file's record
 * becomes a step, in file order; neighbours of fixed size become one step, be
 * they wanted or not. A column that only the reader has is a constant.
 */
#include "avro_plan.h"

#define MAX_BRANCHES INT16_MAX /* a parsed value notes its branch in 15 bits, */
#define MAX_COLUMNS UINT16_MAX /* and its column in 16 */

typedef struct compiler
{
    cs_avro_plan *plan;
    const cs_avro_schema *reader;
    int *targets; /* of each of the reader's columns, -1 if it is not wanted */
} compiler;

/* The step that reads a scalar. */
static cs_step_op
scalar_op(const cs_avro_reading *reading)
{
    if (reading->writer->type == CS_AVRO_STRING && reading->finish == CS_FINISH_TEXT)
        return CS_STEP_TEXT;
    if (reading->writer->type == CS_AVRO_LONG && reading->finish == CS_FINISH_NONE)
        return CS_STEP_LONG;
    if (reading->writer->type == CS_AVRO_LONG && reading->finish == CS_FINISH_TIME)
        return CS_STEP_TIME;
    return CS_STEP_SCALAR;
}

/* The step that reads a union of scalars: of null and one other, which is what most are, it
   reads that one. */
static void
choose_union_op(const cs_avro_reading *reading, cs_plan_step *step)
{
    const cs_avro_node *type = reading->writer;
    int null_branch = -1;

    step->op = CS_STEP_UNION;
    for (size_t i = 0; i < type->num_branches; i++)
        if (type->branches[i]->type == CS_AVRO_NULL)
            null_branch = (int) i;
    if (type->num_branches != 2 || null_branch < 0 ||
        reading->branches[null_branch]->finish == CS_FINISH_MISMATCH ||
        reading->branches[1 - null_branch]->finish == CS_FINISH_MISMATCH)
        return;
    step->null_branch = null_branch;
    step->reading = reading->branches[1 - null_branch];
    step->op = scalar_op(step->reading);
}

/* The step of one field; its target is -1 if it is not wanted. */
static cs_code
compile_step(compiler *c, const cs_avro_field *field, const cs_avro_reading *reading, int target,
             cs_plan_step *step, cs_error *err)
{
    *step = (cs_plan_step){.op = CS_STEP_SKIP,
                           .target = target,
                           .null_branch = CS_NOT_NULLABLE,
                           .reading = reading,
                           .type = field->type,
                           .field = field};
    if (target < 0)
        return CS_OK;
    if (field->type->num_branches > MAX_BRANCHES)
        return cs_fail(err, CS_ERR_LIMIT, "field \"%.60s\": a union of more than %d types",
                       field->name, MAX_BRANCHES);
    c->plan->columns[target].reading = reading;
    if (c->plan->columns[target].shape.kind == CS_VALUE_NESTED)
        step->op = CS_STEP_NESTED;
    else if (field->type->type == CS_AVRO_UNION)
        choose_union_op(reading, step);
    else
        step->op = scalar_op(reading);
    c->plan->columns[target].op = step->op;
    c->plan->columns[target].quick = step->reading;
    return CS_OK;
}

/* The fields from first on that are of fixed size: how many. */
static size_t
run_length(const cs_plan_step *steps, size_t first, size_t count)
{
    size_t i = first;

    while (i < count && steps[i].type->fixed_bytes != CS_AVRO_VARIABLE &&
           steps[i].type->fixed_bytes <= CS_AVRO_MAX_BLOCK_BYTES)
        i++;
    return i - first;
}

/* Make one step of a run of steps, and store it in place of the first. */
static cs_code
merge_run(compiler *c, cs_plan_step *steps, size_t count, cs_plan_step *merged, cs_error *err)
{
    cs_plan_step run = steps[0];

    run.op = CS_STEP_RUN;
    CS_TRY(cs_arena_take_array(&c->plan->arena, count, sizeof(cs_run_item), &run.items, err));
    for (size_t i = 0; i < count; i++)
    {
        if (steps[i].target >= 0)
            run.items[run.num_items++] =
                (cs_run_item){run.run_bytes, steps[i].target, steps[i].op == CS_STEP_NESTED,
                              steps[i].reading, steps[i].field};
        run.run_bytes += (size_t) steps[i].type->fixed_bytes;
    }
    *merged = run;
    return CS_OK;
}

/* Merge all runs of the plan's steps. A single wanted field stays as it is. */
static cs_code
merge_runs(compiler *c, cs_error *err)
{
    cs_plan_step *steps = c->plan->steps;
    size_t count = c->plan->num_steps, kept = 0;

    for (size_t i = 0; i < count;)
    {
        size_t len = run_length(steps, i, count);

        if (len > 1 || (len == 1 && steps[i].target < 0))
            CS_TRY(merge_run(c, &steps[i], len, &steps[kept], err));
        else
        {
            steps[kept] = steps[i];
            len = 1;
        }
        kept++;
        i += len;
    }
    c->plan->num_steps = kept;
    return CS_OK;
}

/* Say whose default it is that cannot be read. */
static cs_code
blame_default(const cs_avro_field *field, cs_code code, cs_error *err)
{
    if (code == CS_ERR_DATA) /* it came without a message, and does not happen */
        return cs_fail(err, CS_ERR_ARGUMENT, "field \"%.60s\": its default cannot be read",
                       field->name);
    if (code != CS_ERR_RANGE && code != CS_ERR_LIMIT)
        return code;
    return cs_fail_within(err, code == CS_ERR_RANGE ? CS_ERR_ARGUMENT : code,
                          "field \"%.60s\": its default cannot be read", field->name);
}

/* Decode a default once: the column's value in every record. */
static cs_code
compile_default(compiler *c, const cs_default_reading *filled, int target, cs_error *err)
{
    cs_plan_column *column = &c->plan->columns[target];
    const cs_slice bytes = filled->target->default_bytes;
    cs_avro_bytes in = cs_plan_bytes(c->plan, (const uint8_t *) bytes.data, bytes.len);
    cs_plan_step step;
    cs_code code;

    CS_TRY(compile_step(c, filled->target, filled->reading, target, &step, err));
    code = cs_plan_read(&step, &in, &column->value, err);
    if (code == CS_OK)
        code = cs_plan_finish(column, &column->value, err);
    column->constant = true;
    c->plan->has_constants = true;
    return code == CS_OK ? CS_OK : blame_default(filled->target, code, err);
}

/* The steps of a record's fields. */
static cs_code
compile_record(compiler *c, const cs_avro_reading *root, cs_error *err)
{
    const cs_avro_node *record = root->writer;

    CS_TRY(cs_arena_take_array(&c->plan->arena, record->num_fields, sizeof(cs_plan_step),
                               &c->plan->steps, err));
    c->plan->num_steps = record->num_fields;
    for (size_t i = 0; i < record->num_fields; i++)
    {
        const cs_avro_field *target = root->fields[i].target;

        CS_TRY(compile_step(c, &record->fields[i], root->fields[i].reading,
                            target != NULL ? c->targets[target - c->reader->fields] : -1,
                            &c->plan->steps[i], err));
    }
    for (size_t i = 0; i < root->num_defaults; i++)
    {
        int target = c->targets[root->defaults[i].target - c->reader->fields];

        if (target >= 0)
            CS_TRY(compile_default(c, &root->defaults[i], target, err));
    }
    return merge_runs(c, err);
}

/* The one step of a file, or of a reader's schema, whose top is no record. */
static cs_code
compile_value(compiler *c, const cs_avro_reading *root, cs_error *err)
{
    cs_avro_field *field;

    CS_TRY(cs_arena_take(&c->plan->arena, sizeof(cs_avro_field), &field, err));
    CS_TRY(cs_arena_take(&c->plan->arena, sizeof(cs_plan_step), &c->plan->steps, err));
    *field = (cs_avro_field){.name = c->reader->fields[0].name, .type = root->writer};
    c->plan->num_steps = 1;
    CS_TRY(compile_step(c, field, root, c->targets[0], &c->plan->steps[0], err));
    return merge_runs(c, err);
}

/* Note which columns are wanted, and their shapes. */
static cs_code
choose_columns(compiler *c, const int *wanted, size_t count, cs_error *err)
{
    cs_arena *arena = &c->plan->arena;

    if (count > MAX_COLUMNS)
        return cs_fail(err, CS_ERR_LIMIT, "%zu columns are over the limit of %d", count,
                       MAX_COLUMNS);
    CS_TRY(cs_arena_take_array(arena, count, sizeof(cs_plan_column), &c->plan->columns, err));
    CS_TRY(cs_arena_take_array(arena, c->reader->num_fields, sizeof(int), &c->targets, err));
    c->plan->num_columns = count;
    for (size_t i = 0; i < c->reader->num_fields; i++)
        c->targets[i] = -1;
    for (size_t i = 0; i < count; i++)
    {
        const cs_avro_field *field = &c->reader->fields[wanted[i]];

        if (c->targets[wanted[i]] >= 0)
            return cs_fail(err, CS_ERR_ARGUMENT, "field \"%.60s\" is wanted twice", field->name);
        c->targets[wanted[i]] = (int) i;
        c->plan->columns[i].field = field;
        c->plan->columns[i].shape = cs_avro_shape_of(field->type);
    }
    return CS_OK;
}

/* Fill in an empty plan. */
static cs_code
compile(compiler *c, const cs_avro_schema *writer, const int *wanted, size_t count, cs_error *err)
{
    const cs_avro_reading *root;

    CS_TRY(choose_columns(c, wanted, count, err));
    CS_TRY(cs_avro_resolve(&c->plan->arena, writer->root, c->reader->root, &root, err));
    if (c->reader->root->type != CS_AVRO_RECORD)
        return compile_value(c, root, err);
    if (writer->root->type != CS_AVRO_RECORD)
        return cs_fail(err, CS_ERR_ARGUMENT,
                       "a file of type %s has no fields to be read as columns",
                       cs_avro_type_name(writer->root->type));
    return compile_record(c, root, err);
}

cs_code
cs_avro_plan_make(const cs_env *env, const cs_avro_schema *writer, const cs_avro_schema *reader,
                  const int *wanted, size_t count, const cs_avro_limits *limits, cs_avro_plan **out,
                  cs_error *err)
{
    cs_avro_plan *plan = cs_allocate(env, sizeof(cs_avro_plan));
    compiler c = {plan, reader != NULL ? reader : writer, NULL};
    cs_code code;

    *out = NULL;
    if (plan == NULL)
        return cs_fail_memory(err, sizeof(cs_avro_plan));
    memset(plan, 0, sizeof(*plan));
    plan->env = env;
    plan->limits = limits != NULL ? *limits : cs_avro_default_limits;
    cs_arena_init(&plan->arena, env);
    code = compile(&c, writer, wanted, count, err);
    if (code != CS_OK)
    {
        cs_avro_plan_free(plan);
        return code;
    }
    *out = plan;
    return CS_OK;
}

/* Free the plan; NULL is fine. */
void
cs_avro_plan_free(cs_avro_plan *plan)
{
    if (plan == NULL)
        return;
    cs_arena_free(&plan->arena);
    cs_release(plan->env, plan);
}

cs_avro_shape
cs_avro_plan_shape(const cs_avro_plan *plan, size_t column)
{
    return plan->columns[column].shape;
}

const cs_env *
cs_avro_plan_env(const cs_avro_plan *plan)
{
    return plan->env;
}
