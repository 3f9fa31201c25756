/*
 * extension/avro_functions.c
 *     SQL: what is in Avro files, without a table over them.
 */
#include "postgres.h"

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "avro_file.h"
#include "avro_jsonb.h"
#include "avro_type.h"
#include "avro_union.h"
#include "compat.h"
#include "core_bridge.h"

PG_FUNCTION_INFO_V1(avro_schema);
PG_FUNCTION_INFO_V1(avro_metadata);
PG_FUNCTION_INFO_V1(avro_columns);
PG_FUNCTION_INFO_V1(avro_files);
PG_FUNCTION_INFO_V1(avro_to_jsonb);

/* The schema that avro_to_jsonb saw last, ready for the next datum; kept in fn_extra. */
typedef struct DatumDecoder
{
    MemoryContext context; /* owns all of this */
    cs_env env;
    Jsonb *given; /* the argument that it was made from */
    const cs_avro_schema *schema;
    cs_avro_plan *plan;
    cs_value *values;
} DatumDecoder;

/* The path argument, of someone who may read files. */
static char *
path_argument(FunctionCallInfo fcinfo)
{
    avro_check_may_read();
    return text_to_cstring(PG_GETARG_TEXT_PP(0));
}

/* The header of the one file that the path argument names. */
static AvroFileInfo *
file_argument(FunctionCallInfo fcinfo)
{
    char *path = path_argument(fcinfo);

    (void) avro_filename_kind(path);
    return avro_file_info(path, NULL);
}

/* UTF-8 of a file as text. */
static Datum
utf8_text(const char *text, size_t len)
{
    return CStringGetTextDatum(avro_server_text(text, len));
}

/* avro_schema(path text) -> jsonb */
Datum
avro_schema(PG_FUNCTION_ARGS)
{
    AvroFileInfo *info = file_argument(fcinfo);
    char *json = avro_server_text(info->schema, info->schema_len);

    PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
}

/* avro_metadata(path text) -> (key text, value bytea) */
Datum
avro_metadata(PG_FUNCTION_ARGS)
{
    ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
    AvroFileInfo *info = file_argument(fcinfo);

    InitMaterializedSRF(fcinfo, 0);
    for (size_t i = 0; i < info->num_meta; i++)
    {
        const cs_avro_meta *meta = &info->meta[i];
        Datum values[2] = {
            utf8_text(meta->key, strlen(meta->key)),
            PointerGetDatum(cstring_to_text_with_len((const char *) meta->value, (int) meta->len)),
        };
        bool nulls[2] = {false, false};

        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
    return (Datum) 0;
}

/* The name of an Avro type as text. */
static Datum
type_name(const cs_env *env, const cs_avro_node *type)
{
    cs_buffer text;
    cs_error err;
    Datum name;

    cs_buffer_init(&text, env);
    bridge_check(cs_avro_type_describe(type, &text, &err), &err);
    name = utf8_text((const char *) text.data, text.len);
    cs_buffer_free(&text);
    return name;
}

/* avro_columns(path text) -> (name text, avro_type text, sql_type text, nullable boolean) */
Datum
avro_columns(PG_FUNCTION_ARGS)
{
    ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
    AvroUnion *all = avro_union(path_argument(fcinfo));
    cs_env env = bridge_env(CurrentMemoryContext);

    InitMaterializedSRF(fcinfo, 0);
    for (size_t i = 0; i < all->schema->num_fields; i++)
    {
        const cs_avro_field *field = &all->schema->fields[i];
        cs_avro_shape shape = cs_avro_shape_of(field->type);
        AvroSqlType type = avro_sql_type(&shape);
        Datum values[4] = {
            utf8_text(field->name, strlen(field->name)),
            type_name(&env, field->type),
            CStringGetTextDatum(avro_sql_type_text(&type)),
            BoolGetDatum(shape.nullable),
        };
        bool nulls[4] = {false, false, false, false};

        CHECK_FOR_INTERRUPTS();
        if (!avro_union_has_key(all, field->name))
            tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
    for (int i = 0; i < all->num_keys; i++)
    {
        Datum values[4] = {
            CStringGetTextDatum(all->keys[i].name),
            (Datum) 0,
            CStringGetTextDatum(format_type_be(all->keys[i].type)),
            BoolGetDatum(true),
        };
        bool nulls[4] = {false, true, false, false};

        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
    return (Datum) 0;
}

/* avro_files(glob text) -> (filename text, rows bigint, blocks bigint, bytes bigint, codec text) */
Datum
avro_files(PG_FUNCTION_ARGS)
{
    ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
    AvroPaths *paths = avro_paths(path_argument(fcinfo));

    InitMaterializedSRF(fcinfo, 0);
    for (int i = 0; i < paths->count; i++)
    {
        AvroFile *file = avro_file_open(paths->items[i].path, NULL);
        cs_avro_totals totals;
        cs_error err;
        Datum values[5];
        bool nulls[5] = {false, false, false, false, false};

        CHECK_FOR_INTERRUPTS();
        cs_error_clear(&err);
        if (cs_avro_reader_count(file->reader, &totals, &err) != CS_OK)
            avro_raise(file->path, NULL, NULL, &err);
        values[0] = CStringGetTextDatum(file->path);
        values[1] = Int64GetDatum(totals.records);
        values[2] = Int64GetDatum(totals.blocks + totals.empty_blocks);
        values[3] = Int64GetDatum(file->source.size);
        values[4] = CStringGetTextDatum(cs_avro_codec_name(cs_avro_reader_codec(file->reader)));
        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
        avro_file_close(file);
    }
    return (Datum) 0;
}

/* Raise what is wrong with a datum; the message names the field. */
pg_noreturn static void
raise_datum(const cs_error *err)
{
    int sqlstate =
        err->code == CS_ERR_DATA ? ERRCODE_INVALID_BINARY_REPRESENTATION : avro_sqlstate(err);

    if (err->code == CS_ERR_STOPPED || err->code == CS_ERR_MEMORY)
        bridge_raise(err, sqlstate);
    ereport(ERROR, (errcode(sqlstate), errmsg("invalid Avro datum: %s", avro_message(err))));
}

/* Make a decoder for a schema. */
static DatumDecoder *
make_decoder(FunctionCallInfo fcinfo, Jsonb *given)
{
    MemoryContext context =
        AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "Avro datum", ALLOCSET_SMALL_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(context);
    DatumDecoder *decoder = palloc(sizeof(DatumDecoder));
    char *json = JsonbToCString(NULL, &given->root, VARSIZE(given));
    char *utf8 = pg_server_to_any(json, (int) strlen(json), PG_UTF8);
    size_t count;
    int *wanted;
    cs_error err;

    decoder->context = context;
    decoder->env = bridge_env(context);
    decoder->given = palloc(VARSIZE(given));
    memcpy(decoder->given, given, VARSIZE(given));
    decoder->schema = avro_parse_schema(utf8, strlen(utf8), NULL);
    count = decoder->schema->num_fields;
    decoder->values = palloc(Max(count, 1) * sizeof(cs_value));
    wanted = palloc(Max(count, 1) * sizeof(int));
    for (size_t i = 0; i < count; i++)
        wanted[i] = (int) i;
    cs_error_clear(&err);
    if (cs_avro_plan_make(&decoder->env, decoder->schema, NULL, wanted, count, NULL, &decoder->plan,
                          &err) != CS_OK)
        raise_datum(&err);
    MemoryContextSwitchTo(caller);
    return decoder;
}

/* The decoder for a schema: that of the call before, if it is the same. */
static DatumDecoder *
find_decoder(FunctionCallInfo fcinfo, Jsonb *given)
{
    DatumDecoder *decoder = fcinfo->flinfo->fn_extra;

    if (decoder != NULL && VARSIZE(decoder->given) == VARSIZE(given) &&
        memcmp(decoder->given, given, VARSIZE(given)) == 0)
        return decoder;
    if (decoder != NULL)
    {
        fcinfo->flinfo->fn_extra = NULL;
        MemoryContextDelete(decoder->context);
    }
    fcinfo->flinfo->fn_extra = make_decoder(fcinfo, given);
    return fcinfo->flinfo->fn_extra;
}

/* Decode one datum, which the block holds; it must be used up. */
static Jsonb *
decode_datum(DatumDecoder *decoder, const cs_avro_block *block)
{
    const cs_avro_schema *schema = decoder->schema;
    bool whole = schema->root->type != CS_AVRO_RECORD;
    cs_avro_cursor cursor;
    cs_code code;
    cs_error err;
    Jsonb *jsonb;

    cs_error_clear(&err);
    cs_avro_cursor_init(&cursor, decoder->plan, block);
    code = cs_avro_cursor_next(&cursor, decoder->values, &err);
    if (code == CS_OK && cursor.at < block->data + block->len)
        code = cs_fail(&err, CS_ERR_DATA, "bytes left behind it: %zu",
                       (size_t) (block->data + block->len - cursor.at));
    if (code == CS_OK)
        code = whole ? avro_value_jsonb(decoder->plan, &decoder->values[0], &jsonb, &err)
                     : avro_record_jsonb(decoder->plan, schema, decoder->values, &jsonb, &err);
    if (code != CS_OK)
        raise_datum(&err);
    return jsonb;
}

/* avro_to_jsonb(datum bytea, schema jsonb) -> jsonb */
Datum
avro_to_jsonb(PG_FUNCTION_ARGS)
{
    struct varlena *datum = PG_GETARG_VARLENA_PP(0);
    size_t len = VARSIZE_ANY_EXHDR(datum);
    DatumDecoder *decoder = find_decoder(fcinfo, PG_GETARG_JSONB_P(1));
    uint8_t *copy = palloc0(len + CS_AVRO_BLOCK_SLACK);
    cs_avro_block block = {.records = 1, .first_record = 1, .data = copy, .len = len};

    memcpy(copy, VARDATA_ANY(datum), len);
    PG_RETURN_JSONB_P(decode_datum(decoder, &block));
}
