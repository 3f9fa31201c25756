/*
 * extension/avro_convert.h
 *     Avro values as values of a column's SQL type.
 *
 * What a column does is found once per file, by its type and the shape of its
 * values, and is then one short function.
 */
#ifndef CLICKSTREAM_AVRO_CONVERT_H
#define CLICKSTREAM_AVRO_CONVERT_H

#include "fmgr.h"

#include "compat.h"

#include "avro_bind.h"
#include "avro_decode.h"

/*
 * The row being made. Its values lie in a buffer that each row uses again; what
 * does not fit, and what the server's functions allocate, in a memory context
 * that the caller resets from row to row, and that is current while values are
 * converted.
 */
typedef struct AvroRow
{
    MemoryContext context;
    cs_env env; /* on that context */
    char *buffer;
    char *at; /* the next free byte */
    char *end;
    bool soft; /* a refused value refuses the row, not the query */

    /* Where the row stands, for messages */
    const char *path;
    const cs_avro_block *block; /* NULL: between blocks */
    const char *column;         /* the one being made; NULL: none */
    int64 record;               /* 0: none */
} AvroRow;

/* Start with a context, and a buffer in the current one. */
void avro_row_init(AvroRow *row, MemoryContext context, bool soft);

typedef struct AvroConvert AvroConvert;

/* Make a value that is not NULL; false if it is refused, which only a soft row sees. */
typedef bool (*AvroConvertFunction)(AvroConvert *convert, const cs_value *value, Datum *result);

/* How one column's values are made. */
struct AvroConvert
{
    AvroConvertFunction function;
    AvroRow *row;
    const char *column;       /* its name */
    const cs_avro_plan *plan; /* what values are read by */
    cs_avro_shape shape;
    Oid type; /* that of the column, or what its domain is made of */
    int32 typmod;

    /* What is done with a value that function made */
    AvroConvertFunction bare;
    FmgrInfo length; /* applies typmod */
    bool has_length;
    Oid domain; /* InvalidOid: none */
    void *domain_state;
    MemoryContext context; /* lives as long as this */

    /* By way of text */
    FmgrInfo input;
    Oid io_param;

    /* Of an array */
    AvroConvert *item;
    int16 item_length;
    bool item_by_value;
    char item_align;
};

/*
 * Compile a column's conversion, in the current memory context, for values read
 * by a plan. An error that says what would fit, if its type cannot hold them.
 */
void avro_convert_compile(AvroConvert *convert, AvroRow *row, const AvroColumn *column,
                          const cs_avro_shape *shape, const cs_avro_plan *plan);

/* True if values of a kind fit a type, which is no domain. */
bool avro_convert_fits(cs_value_kind kind, Oid type);

/* True unless the column's domain refuses NULL. */
bool avro_convert_null(AvroConvert *convert);

/* Refuse what core refused: false for a soft row, else raised. */
bool avro_refuse_core(const AvroConvert *convert, cs_error *err);

/* Text of a type's values, for the columns that directories name; NULL is NULL. */
Datum avro_text_datum(const AvroColumn *column, const char *text, bool *is_null);

#endif
