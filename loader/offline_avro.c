/*
 * loader/offline_avro.c
 *     Opening an Avro file for a report: the columns of the log in it.
 */
#include "offline_input.h"

#include "column_type.h"
#include "log.h"
#include "stop.h"

const char *const log_column_names[LOG_COLUMNS] = {"timestamp", "http_method", "http_path",
                                                   "user_id"};

/* cs_source.read_at: first what was taken off already. */
static int64_t
read_at(void *ctx, uint64_t offset, void *data, size_t len)
{
    avro_file *avro = ctx;
    cs_source source = file_source_as_core(avro->file);

    if (avro->ahead.len > 0)
    {
        size_t part = avro->ahead.len < len ? avro->ahead.len : len;

        memcpy(data, avro->ahead.data, part);
        avro->ahead.data += part;
        avro->ahead.len -= part;
        return (int64_t) part;
    }
    return source.read_at(source.ctx, offset, data, len);
}

/* Find the columns in the schema, each of a type that the log's table takes. */
static exit_status
find_columns(const avro_file *avro, int wanted[LOG_COLUMNS])
{
    const cs_avro_schema *schema = cs_avro_reader_schema(avro->reader);

    for (int i = 0; i < LOG_COLUMNS; i++)
    {
        unsigned int accepts = column_type_find(TEXTOID)->accepts & ~(1u << CS_VALUE_BYTES);
        cs_value_kind kind;

        if (i == COLUMN_TIME)
            accepts = 1u << CS_VALUE_TIME | 1u << CS_VALUE_STRING;
        wanted[i] = cs_avro_schema_find(schema, log_column_names[i]);
        if (wanted[i] < 0)
        {
            log_error("%s: file has no field \"%s\"", avro->file->name, log_column_names[i]);
            log_hint("A report needs the fields timestamp, http_method, http_path and user_id.");
            return STATUS_REFUSED;
        }
        kind = cs_avro_shape_of(schema->fields[wanted[i]].type).kind;
        if (kind == CS_VALUE_NULL || (accepts & 1u << kind) != 0)
            continue;
        log_error("%s: field \"%s\" is of type %s: it holds no %s", avro->file->name,
                  log_column_names[i], value_kind_name(kind),
                  i == COLUMN_TIME ? "timestamp" : "text");
        return STATUS_REFUSED;
    }
    return STATUS_OK;
}

exit_status
avro_file_open(avro_file *avro, file_source *file, cs_slice ahead)
{
    int wanted[LOG_COLUMNS];
    exit_status status = STATUS_OK;
    cs_error err;

    *avro = (avro_file){.file = file, .ahead = ahead};
    avro->source = (cs_source){avro, file->name, file->size, read_at};
    if (cs_avro_reader_open(loader_env(), &avro->source, NULL, &avro->reader, &err) != CS_OK)
        return log_core_error(&err, file->name);
    status = find_columns(avro, wanted);
    if (status == STATUS_OK &&
        cs_avro_plan_make(loader_env(), cs_avro_reader_schema(avro->reader), NULL, wanted,
                          LOG_COLUMNS, NULL, &avro->plan, &err) != CS_OK)
        status = log_core_error(&err, file->name);
    if (status != STATUS_OK)
        avro_file_close(avro);
    return status;
}

/* Free the reader; the file is the caller's to close. Closing twice is fine. */
void
avro_file_close(avro_file *avro)
{
    cs_avro_plan_free(avro->plan);
    if (avro->reader != NULL)
        cs_avro_reader_close(avro->reader);
    avro->plan = NULL;
    avro->reader = NULL;
}
