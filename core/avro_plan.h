/*
 * core/avro_plan.h
 *     What a decode plan consists of; made by avro_plan.c, run by avro_decode.c.
 */
#ifndef CS_AVRO_PLAN_H
#define CS_AVRO_PLAN_H

#include "avro_reading.h"

/* What a step does with the bytes of one field, or of a run of fields. */
typedef enum cs_step_op
{
    CS_STEP_SKIP,   /* pass over a value */
    CS_STEP_TEXT,   /* read a string that stays one: the commonest field */
    CS_STEP_LONG,   /* read a number that stays one */
    CS_STEP_TIME,   /* read an instant */
    CS_STEP_SCALAR, /* read another scalar */
    CS_STEP_UNION,  /* read a union of scalars */
    CS_STEP_NESTED, /* note where a value lies */
    CS_STEP_RUN     /* take bytes known in advance: some are read, others passed over */
} cs_step_op;

#define CS_NOT_NULLABLE (-1)

/* A field of a run that is wanted. */
typedef struct cs_run_item
{
    size_t offset; /* from the run's first byte */
    int target;
    bool nested;
    const cs_avro_reading *reading;
    const cs_avro_field *field;
} cs_run_item;

typedef struct cs_plan_step
{
    cs_step_op op;
    int target;      /* index into values */
    int null_branch; /* of a union of null and one scalar, which op reads; else CS_NOT_NULLABLE */
    const cs_avro_reading *reading; /* of a nullable scalar, the scalar's */
    const cs_avro_node *type;       /* in the file */
    const cs_avro_field *field;     /* of the file, for messages; of a run the first one */
    size_t run_bytes;
    cs_run_item *items; /* of a run */
    size_t num_items;
} cs_plan_step;

/* A wanted column. */
typedef struct cs_plan_column
{
    const cs_avro_reading *reading;
    const cs_avro_field *field; /* of the reader */
    cs_avro_shape shape;
    cs_step_op op;                /* of its step */
    const cs_avro_reading *quick; /* its step's reading */
    bool constant;                /* not in the file: */
    cs_value value;               /* its default, finished */
} cs_plan_column;

struct cs_avro_plan
{
    const cs_env *env;
    cs_arena arena;
    cs_avro_limits limits;
    cs_plan_step *steps;
    size_t num_steps;
    cs_plan_column *columns;
    size_t num_columns;
    bool has_constants;
};

/* Bytes to be read, with the plan's limits. */
static inline cs_avro_bytes
cs_plan_bytes(const cs_avro_plan *plan, const uint8_t *data, size_t len)
{
    return (cs_avro_bytes){
        .at = data, .end = data + len, .env = plan->env, .limits = &plan->limits};
}

/*
 * Read a value of a column: a scalar, to be finished, or where a nested one lies.
 * CS_ERR_DATA comes without a message.
 */
cs_code cs_plan_read(const cs_plan_step *step, cs_avro_bytes *in, cs_value *value, cs_error *err);

/* Finish a column's value; a reason without a place. */
cs_code cs_plan_finish(const cs_plan_column *column, cs_value *value, cs_error *err);

#endif
