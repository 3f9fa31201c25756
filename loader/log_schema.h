/*
 * loader/log_schema.h
 *     The Avro schema that a log is encoded by.
 */
#ifndef LOADER_LOG_SCHEMA_H
#define LOADER_LOG_SCHEMA_H

#include "avro_value.h"
#include "avro_schema.h"
#include "defaults.h"
#include "http_log.h"

#define LOG_FIELDS 4

typedef struct log_schema
{
    cs_avro_schema *avro;
    int timestamp; /* the fields' places in the schema */
    int http_method;
    int http_path;
    int user_id;
    int64_t microseconds; /* in one unit of the timestamp */
} log_schema;

/* Load the schema of a file, or the program's own if file is NULL, and check that it fits a log. */
exit_status log_schema_load(log_schema *schema, const char *file);
void log_schema_free(log_schema *schema);

/* Put a line's fields where the schema wants them. */
void log_schema_values(const log_schema *schema, const cs_log_line *line,
                       cs_value values[LOG_FIELDS]);

/* An instant in the schema's unit since the Unix epoch. */
int64_t log_schema_time(const log_schema *schema, cs_time time);

#endif
