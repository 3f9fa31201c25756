/*
 * loader/copy_encoder.h
 *     Rows in the binary form of COPY, or as its text, handed on in pieces.
 */
#ifndef LOADER_COPY_ENCODER_H
#define LOADER_COPY_ENCODER_H

#include "column_type.h"
#include "nested_value.h"

#include <stdio.h>

/* The next stage: where the bytes go. */
typedef struct byte_sink byte_sink;

typedef struct byte_sink_ops
{
    /* Take the bytes; false, unreported, if that is not possible or a signal asks to stop. */
    bool (*put)(byte_sink *sink, const void *data, size_t len);
} byte_sink_ops;

struct byte_sink
{
    const byte_sink_ops *ops;
};

/* A temporary file, written now and read later. */
typedef struct file_spool
{
    byte_sink base;
    FILE *file;
} file_spool;

void file_spool_init(file_spool *spool, FILE *file);

/* How rows are written. */
typedef enum copy_form
{
    COPY_BINARY,
    COPY_TEXT /* one line a row, for types whose binary form is not known */
} copy_form;

typedef struct copy_encoder
{
    byte_sink *next;
    copy_form form;
    cs_buffer out;
    bool broken; /* the next stage took no more */
    nested_writer nested;
    cs_buffer field; /* text: a field's binary form, */
    cs_buffer text;  /* and its text, not yet escaped */
} copy_encoder;

void copy_encoder_init(copy_encoder *encoder, byte_sink *next);
void copy_encoder_free(copy_encoder *encoder);

/* What COPY expects before the first row and behind the last. */
cs_code copy_encoder_begin(copy_encoder *encoder, copy_form form, cs_error *err);
cs_code copy_encoder_end(copy_encoder *encoder, cs_error *err);

/*
 * Encode a row. CS_ERR_RANGE: it is refused, and nothing of it goes on. CS_ERR_IO:
 * the next stage does not take more.
 */
cs_code copy_encoder_row(copy_encoder *encoder, const load_column *columns, size_t count,
                         const cs_value *values, refusal *why);

#endif
