/*
 * loader/log_schema.c
 *     The schema of a log.
 */
#include "log_schema.h"

#include "file_source.h"
#include "log.h"
#include "resources.h"
#include "stop.h"

#include <avro.h>

#define OWN_SCHEMA_NAME "schemas/http_log.avsc"

/* Say what a schema has to look like. */
static exit_status
refuse(const char *name, const char *field, const char *problem)
{
    if (field != NULL)
        log_error("%s: field \"%s\" %s", name, field, problem);
    else
        log_error("%s: %s", name, problem);
    log_detail("A log needs a record of exactly four fields, in any order: \"timestamp\" (long, "
               "timestamp-millis or timestamp-micros), \"http_method\", \"http_path\" and "
               "\"user_id\" (string); each may be a union with null.");
    return STATUS_REFUSED;
}

/* Find a string field. */
static exit_status
find_text(const log_schema *schema, const char *name, const char *field, int *place)
{
    *place = cs_avro_schema_find(schema->avro, field);
    if (*place < 0)
        return refuse(name, field, "is missing");
    if (cs_avro_shape_of(schema->avro->fields[*place].type).type->type != CS_AVRO_STRING)
        return refuse(name, field, "is not a string");
    return STATUS_OK;
}

/* Find the fields of a log line in the schema. */
static exit_status
find_fields(log_schema *schema, const char *name)
{
    cs_avro_logical logical;

    schema->timestamp = cs_avro_schema_find(schema->avro, "timestamp");
    if (schema->timestamp < 0)
        return refuse(name, "timestamp", "is missing");
    logical = cs_avro_shape_of(schema->avro->fields[schema->timestamp].type).type->logical;
    if (logical != CS_LOGICAL_TIMESTAMP_MILLIS && logical != CS_LOGICAL_TIMESTAMP_MICROS)
        return refuse(name, "timestamp", "is not a timestamp-millis or timestamp-micros");
    schema->microseconds = logical == CS_LOGICAL_TIMESTAMP_MILLIS ? 1000 : 1;
    STATUS_TRY(find_text(schema, name, "http_method", &schema->http_method));
    STATUS_TRY(find_text(schema, name, "http_path", &schema->http_path));
    STATUS_TRY(find_text(schema, name, "user_id", &schema->user_id));
    if (schema->avro->num_fields != LOG_FIELDS)
        return refuse(name, NULL, "schema has more fields than a log line");
    return STATUS_OK;
}

/* Have avro-c read the schema too: its users shall be able to read what we write. */
static exit_status
check_with_peer(const cs_avro_schema *schema, const char *name)
{
    avro_schema_t peer = NULL;

    if (avro_schema_from_json_length(schema->json, schema->json_len, &peer) != 0)
    {
        log_error("%s: avro-c does not accept this schema: %s", name, avro_strerror());
        return STATUS_REFUSED;
    }
    avro_schema_decref(peer);
    return STATUS_OK;
}

/* Parse and check. */
static exit_status
use_text(log_schema *schema, const char *name, const char *json, size_t len)
{
    cs_error err;

    if (cs_avro_schema_parse(loader_env(), json, len, &schema->avro, &err) != CS_OK)
        return log_core_error(&err, name);
    STATUS_TRY(find_fields(schema, name));
    return check_with_peer(schema->avro, name);
}

exit_status
log_schema_load(log_schema *schema, const char *file)
{
    exit_status status;
    cs_buffer text;

    memset(schema, 0, sizeof(*schema));
    if (file == NULL)
        return use_text(schema, OWN_SCHEMA_NAME, resource_http_log_avsc,
                        strlen(resource_http_log_avsc));
    cs_buffer_init(&text, loader_env());
    status = file_read_all(file, CS_AVRO_MAX_HEADER_BYTES, &text);
    if (status == STATUS_OK)
        status = use_text(schema, file, (const char *) text.data, text.len);
    cs_buffer_free(&text);
    return status;
}

/* Free the schema. */
void
log_schema_free(log_schema *schema)
{
    cs_avro_schema_free(schema->avro);
    schema->avro = NULL;
}

/* A string value. */
static cs_value
text_value(cs_slice text)
{
    return (cs_value){.kind = CS_VALUE_STRING, .as.bytes = text};
}

void
log_schema_values(const log_schema *schema, const cs_log_line *line, cs_value values[LOG_FIELDS])
{
    values[schema->timestamp] = (cs_value){.kind = CS_VALUE_TIME, .as.time = line->time};
    values[schema->http_method] = text_value(line->method);
    values[schema->http_path] = text_value(line->path);
    values[schema->user_id] = text_value(line->user_id);
}

int64_t
log_schema_time(const log_schema *schema, cs_time time)
{
    return (time + CS_UNIX_OFFSET) / schema->microseconds;
}
