/*
 * extension/avro_convert.c
 *     Avro values as values of a column's SQL type.
 *
 * The table of conversions says which pairs of shape and type have a function of
 * their own. Beside them, anything becomes text, json or jsonb; a string becomes
 * any type by that type's input function; arrays are in avro_array.c. A time
 * does not become a number: whether that counts milliseconds or microseconds
 * would differ from file to file.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "compat.h"

#include "avro_array.h"
#include "avro_convert.h"
#include "avro_file.h"
#include "avro_jsonb.h"
#include "avro_type.h"
#include "core_bridge.h"
#include "soft_call.h"

#define ROW_BUFFER_BYTES (32 * 1024) /* stays in the nearest cache */

/* A shape and a type with a function of their own. */
typedef struct Conversion
{
    cs_value_kind kind;
    Oid type;
    AvroConvertFunction function;
} Conversion;

void
avro_row_init(AvroRow *row, MemoryContext context, bool soft)
{
    *row = (AvroRow){.context = context, .soft = soft};
    row->env = bridge_env(row->context);
    row->buffer = palloc(ROW_BUFFER_BYTES);
    row->at = row->buffer;
    row->end = row->buffer + ROW_BUFFER_BYTES;
}

/* Memory for a value of the row. */
static inline char *
row_take(AvroRow *row, size_t size)
{
    char *memory = row->at;

    size = MAXALIGN(size);
    if (unlikely(size > (size_t) (row->end - memory)))
        return MemoryContextAlloc(row->context, size);
    row->at += size;
    return memory;
}

/* Refuse a value: false for a soft row, else raised. */
static pg_attribute_printf(3, 4) bool refuse(const AvroConvert *convert, int sqlstate,
                                             const char *format, ...)
{
    StringInfoData message;
    va_list arguments;
    int needed;

    if (convert->row->soft)
        return false;
    initStringInfo(&message);
    do
    {
        va_start(arguments, format);
        needed = appendStringInfoVA(&message, format, arguments);
        va_end(arguments);
        if (needed > 0)
            enlargeStringInfo(&message, needed);
    } while (needed > 0);
    ereport(ERROR, (errcode(sqlstate), errmsg_internal("%s", message.data)));
}

bool
avro_refuse_core(const AvroConvert *convert, cs_error *err)
{
    AvroRow *row = convert->row;
    const cs_avro_block *block = row->block;

    if (row->soft && err->code != CS_ERR_STOPPED && err->code != CS_ERR_MEMORY)
        return false;
    if (err->record == 0)
        err->record = row->record;
    row->block = NULL; /* avro_raise says where */
    row->record = 0;
    row->column = NULL;
    avro_raise(row->path, block, convert->column, err);
}

/* A whole number lies outside its type. */
static bool
refuse_integer(AvroConvert *convert, int64 value)
{
    return refuse(convert, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                  "value %lld is out of range for type %s", (long long) value,
                  format_type_be(convert->type));
}

static bool
bool_to_bool(AvroConvert *convert, const cs_value *value, Datum *result)
{
    *result = BoolGetDatum(value->as.boolean);
    return true;
}

static bool
integer_to_int8(AvroConvert *convert, const cs_value *value, Datum *result)
{
    *result = Int64GetDatum(value->as.integer);
    return true;
}

static bool
integer_to_int4(AvroConvert *convert, const cs_value *value, Datum *result)
{
    if (unlikely(value->as.integer != (int32) value->as.integer))
        return refuse_integer(convert, value->as.integer);
    *result = Int32GetDatum((int32) value->as.integer);
    return true;
}

static bool
integer_to_int2(AvroConvert *convert, const cs_value *value, Datum *result)
{
    if (unlikely(value->as.integer != (int16) value->as.integer))
        return refuse_integer(convert, value->as.integer);
    *result = Int16GetDatum((int16) value->as.integer);
    return true;
}

static bool
integer_to_numeric(AvroConvert *convert, const cs_value *value, Datum *result)
{
    *result = NumericGetDatum(int64_to_numeric(value->as.integer));
    return true;
}

static bool
integer_to_float8(AvroConvert *convert, const cs_value *value, Datum *result)
{
    *result = Float8GetDatum((float8) value->as.integer);
    return true;
}

static bool
integer_to_float4(AvroConvert *convert, const cs_value *value, Datum *result)
{
    *result = Float4GetDatum((float4) value->as.integer);
    return true;
}

static bool
float_to_float4(AvroConvert *convert, const cs_value *value, Datum *result)
{
    *result = Float4GetDatum(value->as.real);
    return true;
}

static bool
float_to_float8(AvroConvert *convert, const cs_value *value, Datum *result)
{
    *result = Float8GetDatum((float8) value->as.real);
    return true;
}

static bool
float_to_numeric(AvroConvert *convert, const cs_value *value, Datum *result)
{
    *result = DirectFunctionCall1(float4_numeric, Float4GetDatum(value->as.real));
    return true;
}

/* A double; in a union of numbers each value has the type of its branch. */
static inline float8
widened(const cs_value *value)
{
    switch (value->kind)
    {
        case CS_VALUE_INTEGER:
            return (float8) value->as.integer;
        case CS_VALUE_FLOAT:
            return (float8) value->as.real;
        default:
            return value->as.dbl;
    }
}

static bool
double_to_float8(AvroConvert *convert, const cs_value *value, Datum *result)
{
    *result = Float8GetDatum(widened(value));
    return true;
}

static bool
double_to_float4(AvroConvert *convert, const cs_value *value, Datum *result)
{
    float8 wide = widened(value);
    float4 narrow = (float4) wide;

    if (unlikely(isinf(narrow) && !isinf(wide)))
        return refuse(convert, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                      "value %g is out of range for type real", wide);
    *result = Float4GetDatum(narrow);
    return true;
}

static bool
double_to_numeric(AvroConvert *convert, const cs_value *value, Datum *result)
{
    *result = DirectFunctionCall1(float8_numeric, Float8GetDatum(widened(value)));
    return true;
}

static bool
decimal_to_numeric(AvroConvert *convert, const cs_value *value, Datum *result)
{
    cs_error err;

    if (avro_decimal_numeric(&convert->row->env, value, result, &err) != CS_OK)
        return avro_refuse_core(convert, &err);
    return true;
}

static bool
decimal_to_float8(AvroConvert *convert, const cs_value *value, Datum *result)
{
    if (!decimal_to_numeric(convert, value, result))
        return false;
    *result = DirectFunctionCall1(numeric_float8_no_overflow, *result);
    return true;
}

/* A varlena value of these bytes. */
static inline Datum
row_varlena(AvroRow *row, const char *data, size_t len)
{
    char *memory = row_take(row, VARHDRSZ + len);

    if (len + VARHDRSZ_SHORT <= VARATT_SHORT_MAX)
    {
        SET_VARSIZE_SHORT(memory, len + VARHDRSZ_SHORT);
        memcpy(memory + VARHDRSZ_SHORT, data, len);
    }
    else
    {
        SET_VARSIZE(memory, len + VARHDRSZ);
        memcpy(memory + VARHDRSZ, data, len);
    }
    return PointerGetDatum(memory);
}

static bool
bytes_to_bytea(AvroConvert *convert, const cs_value *value, Datum *result)
{
    if (unlikely(value->as.bytes.len > MaxAllocSize - VARHDRSZ))
        return refuse(convert, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                      "value of %zu bytes is over the limit of %zu bytes", value->as.bytes.len,
                      (size_t) MaxAllocSize);
    *result = row_varlena(convert->row, value->as.bytes.data, value->as.bytes.len);
    return true;
}

/* UTF-8 text in the server's encoding; false if it cannot be. */
static bool
server_text(AvroConvert *convert, cs_slice utf8, cs_slice *text)
{
    MemoryContext context = CurrentMemoryContext;
    volatile bool done = false;
    char *converted = NULL;

    PG_TRY();
    {
        converted = pg_any_to_server(utf8.data, (int) utf8.len, PG_UTF8);
        done = true;
    }
    PG_CATCH();
    {
        if (!convert->row->soft || ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_DATA_EXCEPTION)
            PG_RE_THROW();
        MemoryContextSwitchTo(context);
        FlushErrorState();
    }
    PG_END_TRY();
    if (!done)
        return false;
    /* What is returned as it is has no terminator. */
    *text = converted == utf8.data ? utf8 : cs_slice_of(converted);
    return true;
}

static bool
string_to_text(AvroConvert *convert, const cs_value *value, Datum *result)
{
    if (unlikely(value->as.bytes.len > MaxAllocSize - VARHDRSZ))
        return bytes_to_bytea(convert, value, result);
    *result = row_varlena(convert->row, value->as.bytes.data, value->as.bytes.len);
    return true;
}

/* The same where the server's encoding is not UTF-8. */
static bool
string_to_other_text(AvroConvert *convert, const cs_value *value, Datum *result)
{
    cs_slice text;

    if (value->as.bytes.len > MaxAllocSize / MAX_CONVERSION_GROWTH)
        return bytes_to_bytea(convert, value, result);
    if (!server_text(convert, value->as.bytes, &text))
        return false;
    *result = row_varlena(convert->row, text.data, text.len);
    return true;
}

/* By the type's input function. */
static bool
string_to_any(AvroConvert *convert, const cs_value *value, Datum *result)
{
    cs_slice text = value->as.bytes;
    char *copy;

    if (text.len > MaxAllocSize / MAX_CONVERSION_GROWTH)
        return bytes_to_bytea(convert, value, result);
    if (GetDatabaseEncoding() != PG_UTF8 && !server_text(convert, value->as.bytes, &text))
        return false;
    copy = row_take(convert->row, text.len + 1);
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (convert->row->soft)
        return soft_input(&convert->input, copy, convert->io_param, convert->typmod, result);
    *result = InputFunctionCall(&convert->input, copy, convert->io_param, convert->typmod);
    return true;
}

static bool
string_to_uuid(AvroConvert *convert, const cs_value *value, Datum *result)
{
    pg_uuid_t *uuid = (pg_uuid_t *) row_take(convert->row, sizeof(pg_uuid_t));

    if (!cs_uuid_parse(value->as.bytes, uuid->data))
        return string_to_any(convert, value, result);
    *result = UUIDPGetDatum(uuid);
    return true;
}

static bool
uuid_to_uuid(AvroConvert *convert, const cs_value *value, Datum *result)
{
    pg_uuid_t *uuid = (pg_uuid_t *) row_take(convert->row, sizeof(pg_uuid_t));

    memcpy(uuid->data, value->as.uuid, UUID_LEN);
    *result = UUIDPGetDatum(uuid);
    return true;
}

static bool
time_to_timestamp(AvroConvert *convert, const cs_value *value, Datum *result)
{
    *result = TimestampGetDatum(value->as.time);
    return true;
}

static bool
date_to_date(AvroConvert *convert, const cs_value *value, Datum *result)
{
    *result = DateADTGetDatum(value->as.days);
    return true;
}

static bool
time_of_day_to_time(AvroConvert *convert, const cs_value *value, Datum *result)
{
    *result = TimeADTGetDatum(value->as.time_of_day);
    return true;
}

static bool
duration_to_interval(AvroConvert *convert, const cs_value *value, Datum *result)
{
    Interval *interval = (Interval *) row_take(convert->row, sizeof(Interval));

    if (value->as.duration.months > PG_INT32_MAX || value->as.duration.days > PG_INT32_MAX)
        return refuse(convert, ERRCODE_INTERVAL_FIELD_OVERFLOW,
                      "duration of %u months and %u days is out of range for type interval",
                      value->as.duration.months, value->as.duration.days);
    interval->month = (int32) value->as.duration.months;
    interval->day = (int32) value->as.duration.days;
    interval->time = (TimeOffset) value->as.duration.millis * 1000;
    *result = IntervalPGetDatum(interval);
    return true;
}

static bool
any_to_jsonb(AvroConvert *convert, const cs_value *value, Datum *result)
{
    Jsonb *jsonb;
    cs_error err;

    if (avro_value_jsonb(convert->plan, value, &jsonb, &err) != CS_OK)
        return avro_refuse_core(convert, &err);
    *result = JsonbPGetDatum(jsonb);
    return true;
}

/* A nested value, or any for a json column. */
static bool
any_to_json(AvroConvert *convert, const cs_value *value, Datum *result)
{
    Jsonb *jsonb;
    char *text;

    if (!any_to_jsonb(convert, value, result))
        return false;
    jsonb = DatumGetJsonbP(*result);
    text = JsonbToCString(NULL, &jsonb->root, (int) VARSIZE(jsonb));
    *result = CStringGetTextDatum(text);
    return true;
}

/* As in JSON, without the quotes of a text. */
static bool
any_to_text(AvroConvert *convert, const cs_value *value, Datum *result)
{
    JsonbValue scalar;

    if (!any_to_jsonb(convert, value, result))
        return false;
    if (JsonbExtractScalar(&DatumGetJsonbP(*result)->root, &scalar) && scalar.type == jbvString)
    {
        *result = row_varlena(convert->row, scalar.val.string.val, scalar.val.string.len);
        return true;
    }
    return any_to_json(convert, value, result);
}

static bool
null_to_any(AvroConvert *convert, const cs_value *value, Datum *result)
{
    elog(ERROR, "a field of type null has a value");
}

static const Conversion conversions[] = {
    {CS_VALUE_BOOL, BOOLOID, bool_to_bool},
    {CS_VALUE_INTEGER, INT8OID, integer_to_int8},
    {CS_VALUE_INTEGER, INT4OID, integer_to_int4},
    {CS_VALUE_INTEGER, INT2OID, integer_to_int2},
    {CS_VALUE_INTEGER, NUMERICOID, integer_to_numeric},
    {CS_VALUE_INTEGER, FLOAT8OID, integer_to_float8},
    {CS_VALUE_INTEGER, FLOAT4OID, integer_to_float4},
    {CS_VALUE_FLOAT, FLOAT4OID, float_to_float4},
    {CS_VALUE_FLOAT, FLOAT8OID, float_to_float8},
    {CS_VALUE_FLOAT, NUMERICOID, float_to_numeric},
    {CS_VALUE_DOUBLE, FLOAT8OID, double_to_float8},
    {CS_VALUE_DOUBLE, FLOAT4OID, double_to_float4},
    {CS_VALUE_DOUBLE, NUMERICOID, double_to_numeric},
    {CS_VALUE_BYTES, BYTEAOID, bytes_to_bytea},
    {CS_VALUE_STRING, TEXTOID, string_to_text},
    {CS_VALUE_STRING, VARCHAROID, string_to_text},
    {CS_VALUE_STRING, UUIDOID, string_to_uuid},
    {CS_VALUE_TIME, TIMESTAMPTZOID, time_to_timestamp},
    {CS_VALUE_LOCAL_TIME, TIMESTAMPOID, time_to_timestamp},
    {CS_VALUE_DATE, DATEOID, date_to_date},
    {CS_VALUE_TIME_OF_DAY, TIMEOID, time_of_day_to_time},
    {CS_VALUE_DECIMAL, NUMERICOID, decimal_to_numeric},
    {CS_VALUE_DECIMAL, FLOAT8OID, decimal_to_float8},
    {CS_VALUE_UUID, UUIDOID, uuid_to_uuid},
    {CS_VALUE_DURATION, INTERVALOID, duration_to_interval},
};

/* The function for a shape and a type; NULL if it has none. */
static AvroConvertFunction
find_function(cs_value_kind kind, Oid type)
{
    if (kind == CS_VALUE_NULL)
        return null_to_any;
    for (int i = 0; i < lengthof(conversions); i++)
        if (conversions[i].kind == kind && conversions[i].type == type)
            return conversions[i].function == string_to_text && GetDatabaseEncoding() != PG_UTF8
                       ? string_to_other_text
                       : conversions[i].function;
    if (kind == CS_VALUE_STRING)
        return get_typtype(type) != TYPTYPE_PSEUDO ? string_to_any : NULL;
    switch (type)
    {
        case JSONBOID:
            return any_to_jsonb;
        case JSONOID:
            return any_to_json;
        case TEXTOID:
        case VARCHAROID:
        case BPCHAROID:
            return any_to_text;
        default:
            return NULL;
    }
}

bool
avro_convert_fits(cs_value_kind kind, Oid type)
{
    return find_function(kind, type) != NULL;
}

/* Say which types would fit. */
static void
refuse_type(const AvroConvert *convert, const AvroColumn *column)
{
    AvroSqlType natural = avro_sql_type(&convert->shape);
    cs_buffer text;
    cs_error err;

    cs_buffer_init(&text, &convert->row->env);
    if (cs_avro_type_describe(convert->shape.type, &text, &err) != CS_OK ||
        cs_buffer_append(&text, "", 1, &err) != CS_OK)
        avro_raise(convert->row->path, NULL, column->name, &err);
    ereport(ERROR,
            (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
             errmsg("column \"%s\" of type %s cannot hold values of Avro type %s", column->name,
                    format_type_with_typemod(column->type, column->typmod), (char *) text.data),
             errhint("Declare the column as %s, or as text.", avro_sql_type_text(&natural))));
}

/* Length and domain are applied to what the bare function made. */
static bool
checked(AvroConvert *convert, const cs_value *value, Datum *result)
{
    if (!convert->bare(convert, value, result))
        return false;
    if (convert->has_length)
    {
        Datum arguments[SOFT_CALL_ARGUMENTS] = {*result, Int32GetDatum(convert->typmod),
                                                BoolGetDatum(false)};

        if (!convert->row->soft)
            *result = FunctionCall3(&convert->length, arguments[0], arguments[1], arguments[2]);
        else if (!soft_call(&convert->length, arguments, result))
            return false;
    }
    if (!OidIsValid(convert->domain))
        return true;
    if (convert->row->soft)
        return soft_domain_check(*result, false, convert->domain, &convert->domain_state,
                                 convert->context);
    domain_check(*result, false, convert->domain, &convert->domain_state, convert->context);
    return true;
}

bool
avro_convert_null(AvroConvert *convert)
{
    if (!OidIsValid(convert->domain))
        return true;
    if (convert->row->soft)
        return soft_domain_check((Datum) 0, true, convert->domain, &convert->domain_state,
                                 convert->context);
    domain_check((Datum) 0, true, convert->domain, &convert->domain_state, convert->context);
    return true;
}

/* Find what applies a type's modifier to a value; the input function does it by itself. */
static void
find_length(AvroConvert *convert)
{
    Oid function;

    if (convert->typmod < 0 || convert->function == string_to_any || convert->item != NULL ||
        find_typmod_coercion_function(convert->type, &function) != COERCION_PATH_FUNC)
        return;
    fmgr_info(function, &convert->length);
    convert->has_length = true;
}

void
avro_convert_compile(AvroConvert *convert, AvroRow *row, const AvroColumn *column,
                     const cs_avro_shape *shape, const cs_avro_plan *plan)
{
    *convert = (AvroConvert){
        .row = row,
        .column = column->name,
        .plan = plan,
        .shape = *shape,
        .typmod = column->typmod,
        .context = CurrentMemoryContext,
    };
    convert->type = getBaseTypeAndTypmod(column->type, &convert->typmod);
    if (convert->type != column->type)
        convert->domain = column->type;
    if (avro_array_compile(convert, column))
        convert->function = avro_array_convert;
    else
        convert->function = find_function(shape->kind, convert->type);
    if (convert->function == NULL)
        refuse_type(convert, column);
    if (shape->kind == CS_VALUE_STRING &&
        (convert->function == string_to_any || convert->function == string_to_uuid))
    {
        Oid input;

        getTypeInputInfo(convert->type, &input, &convert->io_param);
        fmgr_info(input, &convert->input);
    }
    find_length(convert);
    if (convert->has_length || OidIsValid(convert->domain))
    {
        convert->bare = convert->function;
        convert->function = checked;
    }
}

Datum
avro_text_datum(const AvroColumn *column, const char *text, bool *is_null)
{
    Oid input;
    Oid io_param;

    /* A NULL is given to the input function too: a domain may refuse it. */
    *is_null = text == NULL;
    getTypeInputInfo(column->type, &input, &io_param);
    return OidInputFunctionCall(input, text != NULL ? pstrdup(text) : NULL, io_param,
                                column->typmod);
}
