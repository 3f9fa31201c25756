/*
 * loader/record_json.h
 *     Records as lines of JSON, in the style of people (core/avro_json.h), written by
 *     yajl as they are met: no tree is built.
 */
#ifndef LOADER_RECORD_JSON_H
#define LOADER_RECORD_JSON_H

#include "avro_walk.h"

typedef struct json_lines
{
    cs_buffer *out;
    cs_error *err;           /* of the append that failed */
    struct yajl_gen_t *json; /* the generator */
    bool plain_numbers;      /* decimals are numbers, and whole floats have no point */
} json_lines;

/* Write to a buffer. False without memory. */
bool json_lines_init(json_lines *lines, cs_buffer *out);
void json_lines_free(json_lines *lines);

/* Begin and end an object; its keys come before their values. */
cs_code json_lines_begin(json_lines *lines, cs_error *err);
cs_code json_lines_key(json_lines *lines, const char *key, cs_error *err);
cs_code json_lines_end(json_lines *lines, cs_error *err);

/* Append a finished value of any kind. After a failure part of it may have been appended. */
cs_code json_lines_value(json_lines *lines, const cs_avro_plan *plan, const cs_value *value,
                         cs_error *err);

/* What a walk calls to append a value's parts. */
cs_avro_visitor json_lines_visitor(json_lines *lines);

/* End the line, or leave it unfinished: start anew. */
cs_code json_lines_finish(json_lines *lines, cs_error *err);
void json_lines_abandon(json_lines *lines);

#endif
