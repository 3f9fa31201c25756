/*
 * loader/row_source.h
 *     Where rows come from: an Avro file, or CSV.
 */
#ifndef LOADER_ROW_SOURCE_H
#define LOADER_ROW_SOURCE_H

#include "avro_decode.h"
#include "defaults.h"
#include "file_source.h"

/* Why a row is refused. */
typedef struct refusal
{
    cs_error err;         /* with the reason as its message */
    const char *sqlstate; /* as the server would have said it */
    const char *column;   /* NULL if no column is to blame; borrowed */
} refusal;

/* Fill in why and return CS_ERR_RANGE. */
cs_code refuse(refusal *why, const char *sqlstate, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define SQLSTATE_BAD_ENCODING "22021"
#define SQLSTATE_BAD_COPY_FORMAT "22P04"
#define SQLSTATE_BAD_TEXT "22P02"
#define SQLSTATE_BAD_TIME "22007"
#define SQLSTATE_TIME_RANGE "22008"
#define SQLSTATE_OFFSET_RANGE "22009"
#define SQLSTATE_NUMBER_RANGE "22003"
#define SQLSTATE_NOT_NULL "23502"
#define SQLSTATE_TOO_LONG "22001"
#define SQLSTATE_BAD_CHARACTER "22P05"
#define SQLSTATE_BAD_BINARY "22P03"
#define SQLSTATE_BAD_DATA "22000"
#define SQLSTATE_BAD_PARAMETER "22023"
#define SQLSTATE_LIMIT "54000"
#define SQLSTATE_WRONG_TYPE "42804"

/* A field of the file; each has a value in every row. */
typedef struct row_field
{
    const char *name;
    cs_value_kind kind; /* of its values, where they are not NULL */
} row_field;

typedef struct row_source row_source;

typedef struct row_source_ops
{
    /*
     * Read the next row, valid until the next call. CS_END behind the last one;
     * CS_ERR_RANGE: this row is refused, and the caller may go on; any other
     * error, in why->err, ends the file.
     */
    cs_code (*next)(row_source *source, cs_value *values, refusal *why);

    /*
     * Append a row that was read once, given as its bytes in the file, as text for people.
     * *bytes is set to these bytes where the text does not show them exactly. What next
     * does is not disturbed.
     */
    cs_code (*row_text)(row_source *source, cs_slice raw, cs_buffer *text, cs_slice *bytes,
                        cs_error *err);

    void (*close)(row_source *source);
} row_source_ops;

/* The base of every source. */
struct row_source
{
    const row_source_ops *ops;
    file_source *file;
    const char *table; /* that such a file goes to; NULL: not known */
    row_field *fields;
    size_t num_fields;
    const cs_avro_plan *plan; /* that reads nested values; NULL: there are none */
    bool *unwanted;           /* by field: its values are not looked at; NULL: all are */
    bool leaves_out;          /* some are not */
    char file_id[HASH_TEXT_SIZE];
    const char *source_sha256; /* of the log that the file was made from; NULL if unknown */

    /* The row just read */
    int64_t rows;      /* read so far: its number in the file */
    int64_t line;      /* CSV: where it starts, from 1; else 0 */
    int64_t block;     /* Avro: from 0; else -1 */
    int64_t end_block; /* the block after the last one seen */
    cs_slice raw;      /* its bytes in the file */
};

/* What a file is. */
typedef enum source_format
{
    SOURCE_AUTO, /* Avro or CSV, as its content says */
    SOURCE_MOVIELENS
} source_format;

/* How a file is to be read; all zero: by what its content says. */
typedef struct row_format
{
    source_format kind;

    /* CSV */
    const char *encoding;  /* by the name that iconv has for it; NULL: UTF-8, or by its mark */
    const char *delimiter; /* one character, or "\\t"; NULL: a comma */
    const char *null_text; /* what NULL is without quotes; NULL: nothing */
} row_format;

/* Open a source of an open file. The file's hash gets all its bytes. */
exit_status row_source_open(row_source **source, file_source *file, const row_format *format);
void row_source_close(row_source *source);

/*
 * The reader of a source that has blocks, to find where they lie; NULL of others. Only
 * the blocks' heads may be read with it, and not while rows are.
 */
cs_avro_reader *row_source_reader(row_source *source);

/* Read from one border between blocks to another; false if the source has no blocks. */
bool row_source_seek(row_source *source, const cs_avro_position *position, int64_t end_block);

/* The two kinds that a file's content tells, and one that it does not. */
exit_status avro_source_open(row_source **source, file_source *file);
exit_status csv_source_open(row_source **source, file_source *file, const row_format *format);
exit_status movielens_source_open(row_source **source, file_source *file);

/* Fill in what all sources that read a text have in common. */
void row_source_init_text(row_source *source, const row_source_ops *ops, file_source *file);

/* row_source_ops.row_text of a source whose rows are text: they are what is shown. */
cs_code row_source_text(row_source *source, cs_slice raw, cs_buffer *text, cs_slice *bytes,
                        cs_error *err);

/* Fill in file_id for a file that has no identity but all of its bytes. */
exit_status row_source_identify(row_source *source);

#endif
