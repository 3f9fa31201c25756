/*
 * test/unit/avro_good_schemas.c
 *     The schemas of good files: every type, and how they are read by another.
 */
#include "avro_good.h"

/* The log, and what a later reader makes of it. */
static const char http_log[] = "{\"type\": \"record\", \"name\": \"HttpLog\", \"fields\": ["
                               "{\"name\": \"timestamp\", \"type\": {\"type\": \"long\", "
                               "\"logicalType\": \"timestamp-millis\"}}, "
                               "{\"name\": \"http_method\", \"type\": [\"null\", \"string\"]}, "
                               "{\"name\": \"http_path\", \"type\": [\"null\", \"string\"]}, "
                               "{\"name\": \"user_id\", \"type\": \"string\"}]}";
static const char log_reader[] =
    "{\"type\": \"record\", \"name\": \"HttpLog\", \"fields\": ["
    "{\"name\": \"user\", \"type\": \"bytes\", \"aliases\": [\"user_id\"]}, "
    "{\"name\": \"added\", \"type\": {\"type\": \"array\", \"items\": \"int\"}, "
    "\"default\": [1, 2]}, "
    "{\"name\": \"timestamp\", \"type\": \"double\"}, "
    "{\"name\": \"http_path\", \"type\": [\"string\", \"null\", \"int\"]}]}";

/* Every type that holds no further ones. */
static const char scalars[] =
    "{\"type\": \"record\", \"name\": \"Scalars\", \"fields\": ["
    "{\"name\": \"n\", \"type\": \"null\"}, "
    "{\"name\": \"b\", \"type\": \"boolean\"}, "
    "{\"name\": \"b2\", \"type\": \"boolean\"}, "
    "{\"name\": \"i\", \"type\": \"int\"}, "
    "{\"name\": \"l\", \"type\": \"long\"}, "
    "{\"name\": \"f\", \"type\": \"float\"}, "
    "{\"name\": \"d\", \"type\": \"double\"}, "
    "{\"name\": \"y\", \"type\": \"bytes\"}, "
    "{\"name\": \"s\", \"type\": \"string\"}, "
    "{\"name\": \"x\", \"type\": {\"type\": \"fixed\", \"name\": \"X\", \"size\": 5}}, "
    "{\"name\": \"e\", \"type\": {\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"A\", "
    "\"B\", \"C\"]}}]}";
static const char scalars_reader[] =
    "{\"type\": \"record\", \"name\": \"Scalars\", \"fields\": ["
    "{\"name\": \"e\", \"type\": {\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"C\", "
    "\"D\"], \"default\": \"D\"}}, "
    "{\"name\": \"y\", \"type\": \"string\"}, "
    "{\"name\": \"s\", \"type\": \"bytes\"}, "
    "{\"name\": \"f\", \"type\": \"double\"}, "
    "{\"name\": \"l\", \"type\": \"float\"}, "
    "{\"name\": \"i\", \"type\": [\"null\", \"double\"]}, "
    "{\"name\": \"b2\", \"type\": \"boolean\"}, "
    "{\"name\": \"new\", \"type\": {\"type\": \"map\", \"values\": [\"null\", \"bytes\"]}, "
    "\"default\": {\"k\": null}}]}";

/* Every logical type. */
static const char logicals[] =
    "{\"type\": \"record\", \"name\": \"Logicals\", \"fields\": ["
    "{\"name\": \"da\", \"type\": {\"type\": \"int\", \"logicalType\": \"date\"}}, "
    "{\"name\": \"tm\", \"type\": {\"type\": \"int\", \"logicalType\": \"time-millis\"}}, "
    "{\"name\": \"tu\", \"type\": {\"type\": \"long\", \"logicalType\": \"time-micros\"}}, "
    "{\"name\": \"sm\", \"type\": {\"type\": \"long\", "
    "\"logicalType\": \"timestamp-millis\"}}, "
    "{\"name\": \"su\", \"type\": {\"type\": \"long\", "
    "\"logicalType\": \"timestamp-micros\"}}, "
    "{\"name\": \"sn\", \"type\": {\"type\": \"long\", \"logicalType\": \"timestamp-nanos\"}}, "
    "{\"name\": \"lm\", \"type\": {\"type\": \"long\", "
    "\"logicalType\": \"local-timestamp-millis\"}}, "
    "{\"name\": \"lu\", \"type\": {\"type\": \"long\", "
    "\"logicalType\": \"local-timestamp-micros\"}}, "
    "{\"name\": \"ln\", \"type\": {\"type\": \"long\", "
    "\"logicalType\": \"local-timestamp-nanos\"}}, "
    "{\"name\": \"us\", \"type\": {\"type\": \"string\", \"logicalType\": \"uuid\"}}, "
    "{\"name\": \"ux\", \"type\": {\"type\": \"fixed\", \"name\": \"U\", \"size\": 16, "
    "\"logicalType\": \"uuid\"}}, "
    "{\"name\": \"du\", \"type\": {\"type\": \"fixed\", \"name\": \"D\", \"size\": 12, "
    "\"logicalType\": \"duration\"}}, "
    "{\"name\": \"db\", \"type\": {\"type\": \"bytes\", \"logicalType\": \"decimal\", "
    "\"precision\": 9, \"scale\": 2}}, "
    "{\"name\": \"dx\", \"type\": {\"type\": \"fixed\", \"name\": \"DX\", \"size\": 8, "
    "\"logicalType\": \"decimal\", \"precision\": 18, \"scale\": 4}}]}";

/* Collections of collections, unions of them. */
static const char nested[] =
    "{\"type\": \"record\", \"name\": \"Nested\", \"fields\": ["
    "{\"name\": \"aa\", \"type\": {\"type\": \"array\", \"items\": {\"type\": \"array\", "
    "\"items\": \"int\"}}}, "
    "{\"name\": \"m\", \"type\": {\"type\": \"map\", \"values\": {\"type\": \"record\", "
    "\"name\": \"Inner\", \"fields\": [{\"name\": \"k\", \"type\": {\"type\": \"enum\", "
    "\"name\": \"E\", \"symbols\": [\"A\", \"B\", \"C\"]}}, {\"name\": \"v\", "
    "\"type\": {\"type\": \"array\", \"items\": [\"null\", \"string\"]}}]}}}, "
    "{\"name\": \"u\", \"type\": [\"null\", \"boolean\", \"int\", \"string\", \"Inner\", "
    "{\"type\": \"array\", \"items\": \"Inner\"}, {\"type\": \"map\", "
    "\"values\": \"double\"}]}, "
    "{\"name\": \"w\", \"type\": [\"int\", \"long\", \"null\", \"float\"]}, "
    "{\"name\": \"last\", \"type\": \"int\"}]}";
static const char nested_reader[] =
    "{\"type\": \"record\", \"name\": \"Nested\", \"fields\": ["
    "{\"name\": \"u\", \"type\": [\"string\", \"long\", {\"type\": \"record\", "
    "\"name\": \"Inner\", \"fields\": [{\"name\": \"z\", \"type\": \"int\", \"default\": 7}, "
    "{\"name\": \"v\", \"type\": {\"type\": \"array\", \"items\": [\"bytes\", \"null\"]}}]}, "
    "{\"type\": \"array\", \"items\": \"Inner\"}, {\"type\": \"map\", \"values\": \"double\"}, "
    "\"null\", \"boolean\"]}, "
    "{\"name\": \"m\", \"type\": {\"type\": \"map\", \"values\": \"Inner\"}}, "
    "{\"name\": \"w\", \"type\": [\"null\", \"double\"]}]}";

/* A type that contains itself. */
static const char recursive[] =
    "{\"type\": \"record\", \"name\": \"Node\", \"fields\": ["
    "{\"name\": \"value\", \"type\": \"long\"}, "
    "{\"name\": \"next\", \"type\": [\"null\", \"Node\"]}, "
    "{\"name\": \"children\", \"type\": {\"type\": \"array\", \"items\": \"Node\"}}, "
    "{\"name\": \"named\", \"type\": {\"type\": \"map\", \"values\": [\"null\", \"Node\"]}}]}";

/* Values of no bytes. */
static const char empty[] =
    "{\"type\": \"record\", \"name\": \"Empty\", \"fields\": ["
    "{\"name\": \"nulls\", \"type\": {\"type\": \"array\", \"items\": \"null\"}}, "
    "{\"name\": \"records\", \"type\": {\"type\": \"array\", \"items\": {\"type\": \"record\", "
    "\"name\": \"Nothing\", \"fields\": []}}}, "
    "{\"name\": \"nothing\", \"type\": \"Nothing\"}, "
    "{\"name\": \"both\", \"type\": [\"Nothing\", \"null\"]}]}";

const good_schema good_schemas[] = {
    {"log", http_log, log_reader},
    {"scalars", scalars, scalars_reader},
    {"logicals", logicals, NULL},
    {"nested", nested, nested_reader},
    {"recursive", recursive, NULL},
    {"empty", empty, NULL},
    {"no record",
     "{\"type\": \"array\", \"items\": [\"null\", {\"type\": \"map\", \"values\": \"bytes\"}]}",
     NULL},
    {"null", "\"null\"", NULL},
};
const size_t num_good_schemas = LENGTH(good_schemas);
