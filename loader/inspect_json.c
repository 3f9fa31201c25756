/*
 * loader/inspect_json.c
 *     What inspect found, as one JSON object.
 */
#include "inspect.h"

#include "json_text.h"

/* Set a member; false without memory. The value is let go of. */
static bool
set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new_nocheck(object, key, value) == 0;
}

/* Let go of a value that could not be completed. */
static json_t *
discard(json_t *value)
{
    json_decref(value);
    return NULL;
}

/* The schema as JSON; as text where the parser does not take it as it stands. */
static json_t *
schema_json(const cs_avro_schema *schema)
{
    json_t *json = json_loadb(schema->json, schema->json_len, JSON_DECODE_ANY, NULL);

    return json != NULL ? json : json_text((cs_slice){schema->json, schema->json_len}, NULL);
}

/* A value of the metadata: as text, or {"base64": ...} where it is none. */
static json_t *
meta_value(const cs_avro_meta *entry)
{
    cs_slice value = {(const char *) entry->value, entry->len};
    json_t *object;

    if (cs_utf8_valid(value.data, value.len))
        return json_text(value, NULL);
    object = json_object();
    return set(object, "base64", json_base64(value)) ? object : discard(object);
}

/* The metadata, without what has members of its own. */
static json_t *
meta_json(const inspect_facts *facts)
{
    json_t *object = json_object();
    size_t count;
    const cs_avro_meta *entries = cs_avro_reader_meta(facts->reader, &count);
    bool done = true;

    for (size_t i = 0; done && i < count; i++)
    {
        json_t *key;

        if (!inspect_is_extra(&entries[i]))
            continue;
        key = json_text(cs_slice_of(entries[i].key), NULL);
        done = key != NULL && set(object, json_string_value(key), meta_value(&entries[i]));
        json_decref(key);
    }
    return done ? object : discard(object);
}

/* One column: name, type, whether it may be null. */
static json_t *
column_json(const cs_avro_field *field, cs_buffer *scratch)
{
    json_t *object = json_object();
    cs_error err;
    bool done;

    scratch->len = 0;
    done = cs_avro_type_describe(field->type, scratch, &err) == CS_OK &&
           set(object, "name", json_text(cs_slice_of(field->name), NULL)) &&
           set(object, "type",
               json_text((cs_slice){(const char *) scratch->data, scratch->len}, NULL)) &&
           set(object, "nullable", json_boolean(cs_avro_shape_of(field->type).nullable));
    return done ? object : discard(object);
}

/* All columns. */
static json_t *
columns_json(const inspect_facts *facts, cs_buffer *scratch)
{
    json_t *array = json_array();

    for (size_t i = 0; array != NULL && i < facts->schema->num_fields; i++)
        if (json_array_append_new(array, column_json(&facts->schema->fields[i], scratch)) != 0)
            return discard(array);
    return array;
}

/* A time; null where its unit is not known. */
static json_t *
time_json(const inspect_time *time)
{
    char text[CS_TIME_TEXT_SIZE];

    if (!time->known)
        return json_null();
    cs_time_format(time->time, text);
    return json_string(text);
}

/* What the blocks hold. */
static bool
set_totals(json_t *object, const inspect_facts *facts)
{
    bool done =
        set(object, "records", json_integer(facts->totals.records)) &&
        set(object, "blocks", json_integer(facts->totals.blocks)) &&
        set(object, "empty_blocks", json_integer(facts->totals.empty_blocks)) &&
        set(object, "block_bytes",
            facts->size >= 0 ? json_integer((json_int_t) facts->totals.bytes) : json_null());

    if (!facts->complete)
        done = done && set(object, "error", json_text(cs_slice_of(facts->err.message), NULL)) &&
               set(object, "error_offset", json_integer(facts->err.offset));
    return done;
}

/* Fill in the object. */
static bool
set_all(json_t *object, const inspect_facts *facts, cs_buffer *scratch)
{
    cs_slice header = cs_avro_reader_header(facts->reader);
    const char *codec = cs_avro_codec_name(cs_avro_reader_codec(facts->reader));
    char sync[INSPECT_SYNC_SIZE];

    inspect_sync(facts, sync);
    return set(object, "file", json_text(cs_slice_of(facts->name), NULL)) &&
           set(object, "size", facts->size >= 0 ? json_integer(facts->size) : json_null()) &&
           set(object, "complete", json_boolean(facts->complete)) &&
           set(object, "codec", json_string(codec)) && set_totals(object, facts) &&
           set(object, "header_bytes", json_integer((json_int_t) header.len)) &&
           set(object, "sync", json_string(sync)) &&
           set(object, "min_timestamp", time_json(&facts->min_timestamp)) &&
           set(object, "max_timestamp", time_json(&facts->max_timestamp)) &&
           set(object, "metadata", meta_json(facts)) &&
           set(object, "columns", columns_json(facts, scratch)) &&
           set(object, "schema", schema_json(facts->schema));
}

cs_code
inspect_json(const inspect_facts *facts, cs_buffer *out, cs_error *err)
{
    json_t *object = json_object();
    cs_buffer scratch;

    cs_buffer_init(&scratch, out->env);
    if (!set_all(object, facts, &scratch))
        object = discard(object);
    cs_buffer_free(&scratch);
    CS_TRY(json_append(out, object, err));
    return cs_buffer_append(out, "\n", 1, err);
}
