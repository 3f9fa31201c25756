/*
 * loader/log_schema.h
 *     The Avro schema that a log is encoded by.
 */
#ifndef LOADER_LOG_SCHEMA_H
#define LOADER_LOG_SCHEMA_H

#include "avro_value.h"
#include "avro_schema.h"
#include "defaults.h"
#include "line_format.h"

#define LOG_FIELDS 4

/* A field of the schema. */
typedef struct log_field
{
    enum
    {
        LOG_TIMESTAMP,
        LOG_METHOD,
        LOG_PATH,
        LOG_USER_ID
    } what;
    int branch;      /* of its union; -1 if it is none */
    int null_branch; /* of its union; -1 if it cannot be null */
} log_field;

typedef struct log_schema
{
    cs_avro_schema *avro;
    log_field fields[LOG_FIELDS]; /* in the schema's order */
    bool millis;                  /* the timestamp's unit; false: microseconds */
} log_schema;

/*
 * Load the schema of a file, or the program's own for logs of this kind if file is NULL,
 * and check that it fits a log.
 */
exit_status log_schema_load(log_schema *schema, const char *file, line_format_kind kind);
void log_schema_free(log_schema *schema);

/*
 * Append a line as a record. CS_ERR_RANGE if its timestamp is finer than the schema's, or
 * it names no user where the schema wants one; the buffer is then left as it was.
 */
cs_code log_schema_encode(const log_schema *schema, const cs_log_line *line, cs_buffer *record,
                          cs_error *err);

/* An instant in the schema's unit since the Unix epoch. */
int64_t log_schema_time(const log_schema *schema, cs_time time);

#endif
