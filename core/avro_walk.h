/*
 * core/avro_walk.h
 *     The inside of a nested value, as a sequence of events.
 *
 * An array is begin, values, end; a map and a record are begin, pairs of key
 * and value, end; a union is the value of its branch. A value is a scalar or
 * again begin to end. Fields of a record come in the order of the file, then
 * those that the reader's schema fills in by default.
 */
#ifndef CS_AVRO_WALK_H
#define CS_AVRO_WALK_H

#include "avro_decode.h"

/* What is called for each event; anything but CS_OK ends the walk with that code. */
typedef struct cs_avro_visitor
{
    void *ctx;
    cs_code (*begin)(void *ctx, cs_avro_type type, cs_error *err); /* ARRAY, MAP or RECORD */
    cs_code (*key)(void *ctx, cs_slice key, cs_error *err);
    cs_code (*scalar)(void *ctx, const cs_value *value, cs_error *err); /* finished; NULL too */
    cs_code (*end)(void *ctx, cs_avro_type type, cs_error *err);
} cs_avro_visitor;

/*
 * Walk a value of any kind; a scalar is one event. CS_ERR_RANGE where a value
 * inside is refused, CS_ERR_DATA where it is damaged (an enum or a boolean out of
 * range, say), CS_ERR_LIMIT where it holds too much of nothing. Then err->field is
 * the value's column; the record is still where it was, and the next can be read.
 */
cs_code cs_avro_walk(const cs_avro_plan *plan, const cs_value *value,
                     const cs_avro_visitor *visitor, cs_error *err);

/*
 * Judges a string or key that is no text (not UTF-8, or with a NUL character), with the
 * visitor's ctx and the error that says so: CS_OK, and it is visited as it stands, or what
 * the walk ends with.
 */
typedef cs_code (*cs_avro_text_judge)(void *ctx, cs_slice text, cs_error *err);

/* The same, with a judge of the strings that would be refused. */
cs_code cs_avro_walk_judged(const cs_avro_plan *plan, const cs_value *value,
                            const cs_avro_visitor *visitor, cs_avro_text_judge judge,
                            cs_error *err);

#endif
