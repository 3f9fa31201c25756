/*
 * loader/encode_piece.h
 *     A piece of a log, and the records that its lines become.
 */
#ifndef LOADER_ENCODE_PIECE_H
#define LOADER_ENCODE_PIECE_H

#include "encode.h"
#include "line_reader.h"

/* Records of fewer bytes are put into a block together with what follows. */
#define PACK_MIN_BYTES (CS_AVRO_BLOCK_BYTES / 2)

/* A piece has at most so many runs of PACK_MIN_BYTES: a record is shorter than its line. */
#define PIECE_BLOCKS (PIECE_BYTES / PACK_MIN_BYTES)

/* Lines that stand together and belong to the same partition. */
typedef struct piece_run
{
    int64_t partition; /* see encode_partition_of */
    size_t text_start; /* in the piece; refused lines among them */
    size_t text_end;
    size_t record_start; /* in the piece's records */
    size_t record_end;
    int64_t count; /* of records; the rest is meaningful if there is one */
    cs_time min_time;
    cs_time max_time;
    int block; /* its records in a block; -1: not packed */
} piece_run;

/* A line that was refused. Why, is found out again when that is to be written. */
typedef struct piece_reject
{
    uint32_t line; /* of the piece, from 1 */
    uint32_t start;
    uint32_t end; /* behind its line feed */
} piece_reject;

typedef struct encode_piece
{
    text_piece text;
    int log; /* which of the job's */
    int64_t lines;
    cs_buffer records;
    cs_buffer blocks[PIECE_BLOCKS];
    int num_blocks;
    piece_run *runs; /* without partitions one, of the whole piece */
    size_t num_runs;
    size_t runs_room;
    piece_reject *rejects;
    size_t num_rejects;
    size_t rejects_room;
    cs_error err; /* CS_OK, or why the work was not finished */
} encode_piece;

/* What a thread needs to work on pieces. */
typedef struct encode_worker
{
    const encode_context *context;
    cs_avro_packer *packer;
    line_parser parser;
} encode_worker;

/* Make an empty piece; false without memory. Zeroed pieces and workers may be freed. */
bool encode_piece_init(encode_piece *piece);
void encode_piece_free(encode_piece *piece);

exit_status encode_worker_init(encode_worker *worker, const encode_context *context);
void encode_worker_free(encode_worker *worker);

/* Turn the text of a piece into records. */
void encode_piece_work(encode_worker *worker, encode_piece *piece);

/*
 * Append a line as a record, its time being the result. CS_ERR_DATA and CS_ERR_RANGE
 * mean that the line is refused.
 */
cs_code encode_line(encode_worker *worker, const text_line *line, cs_buffer *records, cs_time *time,
                    cs_error *err);

#endif
