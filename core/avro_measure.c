/*
 * core/avro_measure.c
 *     How many bytes the values of a schema's types take.
 *
 * The types are settled by their least size, the smallest first, as Dijkstra's
 * algorithm settles the nodes of a graph (Knuth's generalisation of it): the
 * first branch of a union that is settled is its smallest, and a record is
 * settled by its last field. So each type is looked at once, however the types
 * of a hostile schema refer to one another, and what is never settled contains
 * itself without end.
 */
#include "avro_measure.h"

/* Sizes past this are all the same: no block holds them. */
#define HUGE_BYTES (UINT64_C(1) << 60)

typedef struct measuring
{
    const cs_env *env;
    cs_avro_node *const *nodes;
    size_t count;
    cs_arena arena;
    size_t *first;   /* of each type: where its users begin; one more at the end */
    uint32_t *users; /* the records and unions that hold it, by number */
    size_t *missing; /* of each record: the fields not settled yet */
    bool *reached;   /* of each type: it is in the queue, or was */
    uint32_t *queue; /* a heap of types by least size */
    size_t queue_len;
} measuring;

/* Add up sizes. */
static uint64_t
add_bytes(uint64_t a, uint64_t b)
{
    return a + b < HUGE_BYTES ? a + b : HUGE_BYTES;
}

/* True if the type at one place of the queue is to be settled before the one at another. */
static bool
is_before(const measuring *m, size_t a, size_t b)
{
    return m->nodes[m->queue[a]]->min_bytes < m->nodes[m->queue[b]]->min_bytes;
}

/* Exchange two places of the queue. */
static void
exchange(measuring *m, size_t a, size_t b)
{
    uint32_t kept = m->queue[a];

    m->queue[a] = m->queue[b];
    m->queue[b] = kept;
}

/* Put a type whose size is known into the queue. */
static void
push(measuring *m, uint32_t index)
{
    size_t place = m->queue_len++;

    m->reached[index] = true;
    m->queue[place] = index;
    for (; place > 0 && is_before(m, place, (place - 1) / 2); place = (place - 1) / 2)
        exchange(m, place, (place - 1) / 2);
}

/* Take the smallest type out of the queue. */
static uint32_t
pop(measuring *m)
{
    uint32_t smallest = m->queue[0];
    size_t place = 0;

    m->queue[0] = m->queue[--m->queue_len];
    for (;;)
    {
        size_t child = 2 * place + 1;

        if (child + 1 < m->queue_len && is_before(m, child + 1, child))
            child++;
        if (child >= m->queue_len || !is_before(m, child, place))
            return smallest;
        exchange(m, place, child);
        place = child;
    }
}

/* The type that a record or a union holds at a place; NULL behind the last. */
static const cs_avro_node *
inner_type(const cs_avro_node *node, size_t place)
{
    if (place < node->num_fields)
        return node->fields[place].type;
    return place < node->num_branches ? node->branches[place] : NULL;
}

/* List the users of each type. */
static cs_code
list_users(measuring *m, cs_error *err)
{
    const cs_avro_node *inner;
    size_t total = 0;

    CS_TRY(cs_arena_take_array(&m->arena, m->count + 1, sizeof(size_t), &m->first, err));
    for (size_t i = 0; i < m->count; i++)
        for (size_t j = 0; (inner = inner_type(m->nodes[i], j)) != NULL; j++, total++)
            m->first[inner->index]++;
    CS_TRY(cs_arena_take_array(&m->arena, total, sizeof(uint32_t), &m->users, err));
    for (size_t i = 0; i < m->count; i++)
        m->first[i + 1] += m->first[i];
    for (size_t i = 0; i < m->count; i++) /* each begin goes from its end to its place */
        for (size_t j = 0; (inner = inner_type(m->nodes[i], j)) != NULL; j++)
            m->users[--m->first[inner->index]] = (uint32_t) i;
    return CS_OK;
}

/* Start with what is known of a type for itself. */
static void
start_type(measuring *m, cs_avro_node *node)
{
    static const int64_t sizes[] = {
        [CS_AVRO_NULL] = 0, [CS_AVRO_BOOLEAN] = 1, [CS_AVRO_FLOAT] = 4, [CS_AVRO_DOUBLE] = 8};
    bool simple = node->type == CS_AVRO_NULL || node->type == CS_AVRO_BOOLEAN ||
                  node->type == CS_AVRO_FLOAT || node->type == CS_AVRO_DOUBLE;

    node->fixed_bytes = CS_AVRO_VARIABLE;
    node->min_bytes = 1;
    if (simple)
        node->fixed_bytes = sizes[node->type];
    else if (node->type == CS_AVRO_FIXED)
        node->fixed_bytes = (int64_t) (node->size < HUGE_BYTES ? node->size : HUGE_BYTES);
    else if (node->type == CS_AVRO_RECORD)
        node->fixed_bytes = 0; /* and the sizes of its fields, as they are settled */
    if (node->fixed_bytes != CS_AVRO_VARIABLE)
        node->min_bytes = (uint64_t) node->fixed_bytes;
    m->missing[node->index] = node->num_fields;
    if (node->type != CS_AVRO_UNION && node->num_fields == 0)
        push(m, (uint32_t) node->index);
}

/* Tell a record or a union of the size of a type that it holds. */
static void
tell_user(measuring *m, uint32_t index, const cs_avro_node *inner)
{
    cs_avro_node *user = m->nodes[index];

    if (user->type == CS_AVRO_UNION)
    {
        if (m->reached[index])
            return;
        user->min_bytes = add_bytes(inner->min_bytes, 1);
        push(m, index);
        return;
    }
    user->min_bytes = add_bytes(user->min_bytes, inner->min_bytes);
    if (inner->fixed_bytes == CS_AVRO_VARIABLE || user->min_bytes >= HUGE_BYTES)
        user->fixed_bytes = CS_AVRO_VARIABLE;
    else if (user->fixed_bytes != CS_AVRO_VARIABLE)
        user->fixed_bytes += inner->fixed_bytes;
    if (--m->missing[index] == 0)
        push(m, index);
}

/* Settle all types that can be. */
static cs_code
settle_types(measuring *m, cs_error *err)
{
    CS_TRY(list_users(m, err));
    CS_TRY(cs_arena_take_array(&m->arena, m->count, sizeof(size_t), &m->missing, err));
    CS_TRY(cs_arena_take_array(&m->arena, m->count, sizeof(bool), &m->reached, err));
    CS_TRY(cs_arena_take_array(&m->arena, m->count, sizeof(uint32_t), &m->queue, err));
    for (size_t i = 0; i < m->count; i++)
        start_type(m, m->nodes[i]);
    for (size_t settled = 0; m->queue_len > 0; settled++)
    {
        uint32_t index = pop(m);

        if (settled % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(m->env, err));
        for (size_t i = m->first[index]; i < m->first[index + 1]; i++)
            tell_user(m, m->users[i], m->nodes[index]);
    }
    for (size_t i = 0; i < m->count; i++)
        if (!m->reached[i] && m->nodes[i]->type == CS_AVRO_RECORD)
            return cs_fail(err, CS_ERR_DATA,
                           "schema: record \"%.100s\" contains itself without end",
                           m->nodes[i]->name);
    return CS_OK;
}

cs_code
cs_avro_measure(const cs_env *env, cs_avro_node *const *nodes, size_t count, cs_error *err)
{
    measuring m = {.env = env, .nodes = nodes, .count = count};
    cs_code code;

    cs_arena_init(&m.arena, env);
    code = settle_types(&m, err);
    cs_arena_free(&m.arena);
    return code;
}
