/*
 * core/avro_reading.h
 *     How values of a writer's type are read as values of a reader's: what
 *     schema resolution comes to. Made once for a plan, by avro_resolve.c.
 */
#ifndef CS_AVRO_READING_H
#define CS_AVRO_READING_H

#include "avro_decode.h"
#include "avro_bytes.h"

/* What is done with a scalar after its form was read. */
typedef enum cs_finish
{
    CS_FINISH_NONE,
    CS_FINISH_TEXT,        /* check UTF-8 */
    CS_FINISH_BYTES,       /* a string read as bytes */
    CS_FINISH_SYMBOL,      /* number to symbol */
    CS_FINISH_FLOAT,       /* an integer read as float */
    CS_FINISH_DOUBLE,      /* a number read as double */
    CS_FINISH_TIME,        /* units since 1970, to an instant */
    CS_FINISH_LOCAL_TIME,  /* the same without a zone */
    CS_FINISH_DATE,        /* days since 1970 */
    CS_FINISH_TIME_OF_DAY, /* units since midnight */
    CS_FINISH_DECIMAL,     /* bytes */
    CS_FINISH_UUID_TEXT,   /* a string */
    CS_FINISH_UUID_BYTES,  /* a fixed */
    CS_FINISH_DURATION,    /* a fixed */
    CS_FINISH_MISMATCH     /* the types do not resolve: a value is refused; any type */
} cs_finish;

typedef struct cs_avro_reading cs_avro_reading;

/* A field of the writer's record. */
typedef struct cs_field_reading
{
    const cs_avro_reading *reading;
    const cs_avro_field *target; /* the reader's field; NULL: passed over */
} cs_field_reading;

/* A field that only the reader has. */
typedef struct cs_default_reading
{
    const cs_avro_reading *reading; /* of default_bytes */
    const cs_avro_field *target;
} cs_default_reading;

/* Only the members that the writer's type needs are set. */
struct cs_avro_reading
{
    const cs_avro_node *writer;
    const cs_avro_node *reader;
    cs_finish finish;        /* scalars */
    int32_t unit;            /* times: units in a second */
    int32_t scale;           /* decimals */
    const cs_slice *symbols; /* enums: the reader's for each of the writer's; data NULL: none */
    const cs_avro_reading *items;
    const cs_avro_reading **branches; /* unions of the writer */
    cs_field_reading *fields;         /* records, in the writer's order */
    cs_default_reading *defaults;
    size_t num_defaults;
};

/*
 * Resolve the writer's type to the reader's. CS_ERR_ARGUMENT, saying where and
 * why, if no value of the one can be read as the other. A reading may still hold
 * readings that are refused (CS_FINISH_MISMATCH), of any type.
 */
cs_code cs_avro_resolve(cs_arena *arena, const cs_avro_node *writer, const cs_avro_node *reader,
                        const cs_avro_reading **reading, cs_error *err);

/* Read a scalar's form into a value that is to be finished. CS_ERR_DATA comes without a message. */
cs_code cs_reading_parse(const cs_avro_reading *reading, cs_avro_bytes *in, cs_value *value);

/* Check and convert a value. CS_ERR_RANGE if it is refused: a reason without a place. */
cs_code cs_reading_finish(const cs_avro_reading *reading, cs_value *value, cs_error *err);

/* Check text: CS_ERR_RANGE for NUL and for what is not UTF-8. */
cs_code cs_reading_check_text(cs_value *value, cs_error *err);

#endif
