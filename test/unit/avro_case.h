/*
 * test/unit/avro_case.h
 *     One value written by one schema and read through another, as JSON.
 */
#ifndef TEST_AVRO_CASE_H
#define TEST_AVRO_CASE_H

#include "avro_json.h"
#include "support.h"

#include <jansson.h>

/* A literal as bytes; it may hold NULs. */
#define BYTES(text) ((cs_slice){text, sizeof(text) - 1})

#define CASE_COLUMNS 40

/* Parse a schema that must be good. */
cs_avro_schema *case_schema(const char *json);

/* Parse JSON, any value. */
json_t *case_json(const char *text);

/* Fail the test unless both are equal; what names the case. */
void case_check_json(const json_t *actual, const json_t *expected, const char *what);

/* A plan and one block of records, to be decoded. */
typedef struct avro_case
{
    cs_avro_schema *writer;
    cs_avro_schema *reader; /* NULL: the writer's */
    cs_avro_plan *plan;     /* NULL where there is none */
    size_t count;           /* of columns wanted */
    char *memory;           /* of the block: of exactly its size, slack included */
    cs_avro_block block;
    cs_avro_cursor cursor;
    cs_value values[CASE_COLUMNS];
    cs_error err;
} avro_case;

/* Parse the schemas (reader may be NULL) and plan to read all columns. */
cs_code case_open(avro_case *c, const char *writer, const char *reader,
                  const cs_avro_limits *limits);

/* The same for schemas that are parsed already, which the case then owns. */
cs_code case_open_parsed(avro_case *c, cs_avro_schema *writer, cs_avro_schema *reader,
                         const cs_avro_limits *limits);

/* Plan for other columns. */
cs_code case_want(avro_case *c, const int *wanted, size_t count, const cs_avro_limits *limits);

/* Begin a block at offset 100 whose first record is the 11th. */
void case_load(avro_case *c, int64_t records, cs_slice data);
void case_close(avro_case *c);

/* Decode the next record. */
cs_code case_next(avro_case *c);

/* One column of the record decoded last; on CS_OK a new reference. */
cs_code case_column(avro_case *c, size_t column, json_t **json);

/* Decode the next record as an object of its columns. */
cs_code case_record(avro_case *c, json_t **json);

/*
 * Write a value (in the style of people) by the writer's schema and read it
 * through the reader's, as an object of columns.
 */
cs_code case_read_through(const char *writer, const char *reader, const char *value, json_t **json,
                          cs_error *err);

#endif
