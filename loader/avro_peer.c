/*
 * loader/avro_peer.c
 *     A value that core has read, and the same value as avro-c has read it.
 *
 * Core's value is walked through event by event; avro-c's is followed beside it.
 */
#include "avro_peer.h"

#include "avro_walk.h"
#include "record_json.h"
#include "stop.h"

#define SHOWN_BYTES 60 /* of a value, in a message */

/* A value of avro-c's that is being walked through. */
typedef struct peer_frame
{
    avro_value_t value;
    size_t next; /* the child to come */
    size_t count;
} peer_frame;

/* Where the walk is. */
typedef struct peer_walk
{
    const cs_avro_plan *plan;
    avro_value_t peer;
    int depth;
    peer_frame frames[CS_AVRO_MAX_DEPTH + 2];
} peer_walk;

/* Follow unions to the value of their branch. */
static void
follow_unions(avro_value_t *value)
{
    avro_value_t branch;

    while (avro_value_get_type(value) == AVRO_UNION &&
           avro_value_get_current_branch(value, &branch) == 0)
        *value = branch;
}

/* Take a value of avro-c's that is not nested; false if it is. */
static bool
take_scalar(const avro_value_t *value, cs_value *out)
{
    const void *data = "";
    const char *text = "";
    size_t size = 0;
    int32_t integer = 0;
    int flag = 0;

    memset(out, 0, sizeof(*out));
    switch (avro_value_get_type(value))
    {
        case AVRO_NULL:
            out->kind = CS_VALUE_NULL;
            return true;
        case AVRO_BOOLEAN:
            out->kind = CS_VALUE_BOOL;
            avro_value_get_boolean(value, &flag);
            out->as.boolean = flag != 0;
            return true;
        case AVRO_INT32:
            out->kind = CS_VALUE_INTEGER;
            avro_value_get_int(value, &integer);
            out->as.integer = integer;
            return true;
        case AVRO_INT64:
            out->kind = CS_VALUE_INTEGER;
            return avro_value_get_long(value, &out->as.integer) == 0;
        case AVRO_FLOAT:
            out->kind = CS_VALUE_FLOAT;
            return avro_value_get_float(value, &out->as.real) == 0;
        case AVRO_DOUBLE:
            out->kind = CS_VALUE_DOUBLE;
            return avro_value_get_double(value, &out->as.dbl) == 0;
        case AVRO_BYTES:
        case AVRO_FIXED:
            out->kind = CS_VALUE_BYTES;
            if (avro_value_get_type(value) == AVRO_BYTES)
                avro_value_get_bytes(value, &data, &size);
            else
                avro_value_get_fixed(value, &data, &size);
            out->as.bytes = (cs_slice){data, size};
            return true;
        case AVRO_STRING:
            out->kind = CS_VALUE_STRING;
            avro_value_get_string(value, &text, &size);
            out->as.bytes = (cs_slice){text, size > 0 ? size - 1 : 0}; /* a NUL ends it */
            return true;
        case AVRO_ENUM:
            out->kind = CS_VALUE_STRING;
            avro_value_get_enum(value, &flag);
            out->as.bytes = cs_slice_of(avro_schema_enum_get(avro_value_get_schema(value), flag));
            return true;
        default:
            return false;
    }
}

/* A number as a double. */
static double
as_double(const cs_value *value)
{
    return value->kind == CS_VALUE_INTEGER ? (double) value->as.integer
           : value->kind == CS_VALUE_FLOAT ? (double) value->as.real
                                           : value->as.dbl;
}

/* True if avro-c's value is ours; ours may have been widened, in a union of numbers. */
static bool
is_same(const cs_value *own, const cs_value *peer)
{
    double a, b;

    if (own->kind == CS_VALUE_DOUBLE &&
        (peer->kind == CS_VALUE_INTEGER || peer->kind == CS_VALUE_FLOAT ||
         peer->kind == CS_VALUE_DOUBLE))
    {
        a = as_double(own);
        b = as_double(peer);
        return memcmp(&a, &b, sizeof(a)) == 0;
    }
    if (own->kind != peer->kind)
        return false;
    switch (own->kind)
    {
        case CS_VALUE_NULL:
            return true;
        case CS_VALUE_BOOL:
            return own->as.boolean == peer->as.boolean;
        case CS_VALUE_INTEGER:
            return own->as.integer == peer->as.integer;
        case CS_VALUE_FLOAT:
            return memcmp(&own->as.real, &peer->as.real, sizeof(float)) == 0;
        default:
            return own->as.bytes.len == peer->as.bytes.len &&
                   memcmp(own->as.bytes.data, peer->as.bytes.data, own->as.bytes.len) == 0;
    }
}

/* Fail with walk values. */
static cs_code
fail_different(const peer_walk *walk, const cs_value *own, const cs_value *peer, cs_error *err)
{
    cs_value shown = *peer;
    cs_buffer texts[2];
    cs_error ignored;

    if (peer->kind == CS_VALUE_STRING && !cs_utf8_valid(peer->as.bytes.data, peer->as.bytes.len))
        shown.kind = CS_VALUE_BYTES;
    for (int i = 0; i < 2; i++)
    {
        json_lines lines;

        cs_buffer_init(&texts[i], loader_env());
        if (json_lines_init(&lines, &texts[i]))
            json_lines_value(&lines, walk->plan, i == 0 ? own : &shown, &ignored);
        json_lines_free(&lines);
        if (texts[i].len > SHOWN_BYTES)
            texts[i].len = SHOWN_BYTES;
    }
    cs_fail(err, CS_ERR_DATA, "we read %.*s where avro-c reads %.*s", (int) texts[0].len,
            (char *) texts[0].data, (int) texts[1].len, (char *) texts[1].data);
    cs_buffer_free(&texts[0]);
    cs_buffer_free(&texts[1]);
    return CS_ERR_DATA;
}

/* Take the next value of avro-c's; false if it has no more where we have one. */
static bool
next_peer(peer_walk *walk, avro_value_t *value)
{
    peer_frame *frame;

    if (walk->depth == 0)
        *value = walk->peer;
    else
    {
        frame = &walk->frames[walk->depth - 1];
        if (frame->next >= frame->count ||
            avro_value_get_by_index(&frame->value, frame->next++, value, NULL) != 0)
            return false;
    }
    follow_unions(value);
    return true;
}

/* cs_avro_visitor.begin */
static cs_code
compare_begin(void *ctx, cs_avro_type type, cs_error *err)
{
    peer_walk *walk = ctx;
    peer_frame *frame = &walk->frames[walk->depth];
    avro_type_t wanted = type == CS_AVRO_ARRAY ? AVRO_ARRAY
                         : type == CS_AVRO_MAP ? AVRO_MAP
                                               : AVRO_RECORD;

    if (walk->depth == (int) (sizeof(walk->frames) / sizeof(walk->frames[0])))
        return cs_fail(err, CS_ERR_LIMIT, "values are nested too deeply to be compared");
    if (!next_peer(walk, &frame->value) || avro_value_get_type(&frame->value) != wanted ||
        avro_value_get_size(&frame->value, &frame->count) != 0)
        return cs_fail(err, CS_ERR_DATA, "we read a value of type %s where avro-c reads none",
                       cs_avro_type_name(type));
    frame->next = 0;
    walk->depth++;
    return CS_OK;
}

/* cs_avro_visitor.key */
static cs_code
compare_key(void *ctx, cs_slice key, cs_error *err)
{
    peer_walk *walk = ctx;
    peer_frame *frame = &walk->frames[walk->depth - 1];
    const char *name = NULL;
    avro_value_t value;

    if (frame->next < frame->count &&
        avro_value_get_by_index(&frame->value, frame->next, &value, &name) == 0 && name != NULL &&
        cs_slice_is(key, name))
        return CS_OK;
    return cs_fail(err, CS_ERR_DATA, "we read key \"%.*s\" where avro-c reads %s%.60s%s",
                   (int) (key.len < SHOWN_BYTES ? key.len : SHOWN_BYTES), key.data,
                   name != NULL ? "\"" : "", name != NULL ? name : "none",
                   name != NULL ? "\"" : "");
}

/* cs_avro_visitor.scalar */
static cs_code
compare_scalar(void *ctx, const cs_value *own, cs_error *err)
{
    peer_walk *walk = ctx;
    avro_value_t value;
    cs_value peer;

    if (!next_peer(walk, &value) || !take_scalar(&value, &peer))
        return cs_fail(err, CS_ERR_DATA,
                       "we read a value where avro-c reads none, or a nested one");
    return is_same(own, &peer) ? CS_OK : fail_different(walk, own, &peer, err);
}

/* cs_avro_visitor.end */
static cs_code
compare_end(void *ctx, cs_avro_type type, cs_error *err)
{
    peer_walk *walk = ctx;
    const peer_frame *frame = &walk->frames[--walk->depth];

    return frame->next == frame->count
               ? CS_OK
               : cs_fail(err, CS_ERR_DATA, "avro-c reads %zu items of a value of type %s, we %zu",
                         frame->count, cs_avro_type_name(type), frame->next);
}

cs_code
avro_peer_compare(const cs_avro_plan *plan, const cs_value *own, const avro_value_t *peer,
                  cs_error *err)
{
    peer_walk walk; /* its frames are filled in as they are entered */
    const cs_avro_visitor visitor = {&walk, compare_begin, compare_key, compare_scalar,
                                     compare_end};

    walk.plan = plan;
    walk.peer = *peer;
    walk.depth = 0;
    return cs_avro_walk(plan, own, &visitor, err);
}
