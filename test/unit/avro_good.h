/*
 * test/unit/avro_good.h
 *     Good Avro files of which every length, count, tag and marker is known, so
 *     that each can be replaced.
 */
#ifndef TEST_AVRO_GOOD_H
#define TEST_AVRO_GOOD_H

#include "avro_build.h"

/* What a piece of a file is. Other bytes (text, floats) are no pieces. */
typedef enum piece_kind
{
    PIECE_NUMBER,  /* an int or a long */
    PIECE_LENGTH,  /* of bytes, a string or a key; the bytes follow */
    PIECE_COUNT,   /* of items, of metadata entries, of a block's records; a size */
    PIECE_TAG,     /* a union's branch, an enum's symbol */
    PIECE_BOOLEAN, /* one byte */
    PIECE_MARKER   /* fixed bytes: magic, sync marker */
} piece_kind;

typedef struct good_piece
{
    piece_kind kind;
    size_t offset;
    size_t len;
    int64_t value; /* of a number */
} good_piece;

/* Bytes, and the pieces in them. */
typedef struct good_pieces
{
    cs_buffer bytes;
    good_piece *items;
    size_t count;
    size_t capacity;
} good_pieces;

void pieces_start(good_pieces *pieces);
void pieces_free(good_pieces *pieces);

/* Append a number. */
void pieces_add_long(good_pieces *pieces, piece_kind kind, int64_t value);

/* Append a random value of a type. */
void pieces_add_value(good_pieces *pieces, test_random *random, const cs_avro_node *type,
                      int depth);

/* A schema to make files by, and one to read them by (NULL: the same). */
typedef struct good_schema
{
    const char *name;
    const char *json;
    const char *reader;
} good_schema;

extern const good_schema good_schemas[];
extern const size_t num_good_schemas;

#define GOOD_BLOCKS 3

/* A file in parts. */
typedef struct good_file
{
    const good_schema *source;
    cs_avro_schema *schema;
    cs_avro_schema *reader; /* NULL: the same */
    cs_avro_codec codec;
    good_pieces header;
    good_pieces blocks[GOOD_BLOCKS]; /* the data, not compressed */
    int64_t records[GOOD_BLOCKS];
} good_file;

/* Make a file; blocks of few records, the second of them empty. */
void good_file_make(good_file *file, test_random *random, const good_schema *source,
                    cs_avro_codec codec);
void good_file_free(good_file *file);

/* Which part of a file is changed. */
typedef enum change_part
{
    CHANGE_NOTHING,
    CHANGE_HEADER,  /* a piece of the header */
    CHANGE_DATA,    /* a piece of a block's data, before it is compressed */
    CHANGE_RECORDS, /* a block's number of records */
    CHANGE_SIZE,    /* a block's size */
    CHANGE_SYNC     /* a block's sync marker */
} change_part;

typedef struct good_change
{
    change_part part;
    size_t block;
    size_t piece;         /* of the header or the data */
    cs_slice replacement; /* what stands there instead */
} good_change;

/* The bytes of the file with this change; sizes are made to fit it. */
void good_file_render(const good_file *file, const good_change *change, cs_buffer *out);

/*
 * What to replace a piece by: the number-th of its kind's extremes; false behind
 * the last. The text is appended to out.
 */
bool piece_extreme(const good_piece *piece, size_t number, cs_buffer *out);

#endif
