/*
 * loader/encode_piece.c
 *     From lines to records: what the threads of encode do side by side.
 */
#include "encode_piece.h"

#include "log.h"
#include "stop.h"

#include <stdlib.h>

bool
encode_piece_init(encode_piece *piece)
{
    memset(piece, 0, sizeof(*piece));
    cs_buffer_init(&piece->records, loader_env());
    for (int i = 0; i < PIECE_BLOCKS; i++)
        cs_buffer_init(&piece->blocks[i], loader_env());
    return text_piece_init(&piece->text);
}

/* Free the piece. */
void
encode_piece_free(encode_piece *piece)
{
    if (piece->text.data == NULL)
        return;
    text_piece_free(&piece->text);
    cs_buffer_free(&piece->records);
    for (int i = 0; i < PIECE_BLOCKS; i++)
        cs_buffer_free(&piece->blocks[i]);
    free(piece->runs);
    free(piece->rejects);
}

exit_status
encode_worker_init(encode_worker *worker, const encode_context *context)
{
    cs_error err;

    worker->context = context;
    if (cs_avro_packer_open(loader_env(), context->codec, 0, &worker->packer, &err) != CS_OK)
        return log_core_error(&err, NULL);
    return line_parser_open(&worker->parser, context->format);
}

/* Free what the worker holds. */
void
encode_worker_free(encode_worker *worker)
{
    cs_avro_packer_free(worker->packer);
    worker->packer = NULL;
    line_parser_close(&worker->parser);
}

cs_code
encode_line(encode_worker *worker, const text_line *line, cs_buffer *records, cs_time *time,
            cs_error *err)
{
    cs_log_line fields;

    if (line->cut)
        return cs_fail(err, CS_ERR_DATA, "line is longer than %d bytes", CS_LOG_LINE_MAX_BYTES);
    CS_TRY(line_parser_read(&worker->parser, line->text, &fields, err));
    *time = fields.time;
    return log_schema_encode(worker->context->schema, &fields, records, err);
}

/* Add a run. */
static cs_code
add_run(encode_piece *piece, int64_t partition, size_t text_start)
{
    if (piece->num_runs == piece->runs_room)
        CS_TRY(cs_grow_array(loader_env(), (void **) &piece->runs, &piece->runs_room,
                             piece->num_runs + 1, sizeof(piece_run), &piece->err));
    piece->runs[piece->num_runs++] = (piece_run){.partition = partition,
                                                 .text_start = text_start,
                                                 .record_start = piece->records.len,
                                                 .block = -1};
    return CS_OK;
}

/* Note a line that was refused. */
static cs_code
add_reject(encode_piece *piece, const piece_walk *walk)
{
    if (piece->num_rejects == piece->rejects_room)
        CS_TRY(cs_grow_array(loader_env(), (void **) &piece->rejects, &piece->rejects_room,
                             piece->num_rejects + 1, sizeof(piece_reject), &piece->err));
    piece->rejects[piece->num_rejects++] = (piece_reject){.line = (uint32_t) walk->lines,
                                                          .start = (uint32_t) walk->start,
                                                          .end = (uint32_t) walk->at};
    return CS_OK;
}

/* Count a record, which stands behind all others, in the run it belongs to. */
static cs_code
count_record(const encode_worker *worker, encode_piece *piece, const piece_walk *walk,
             size_t record_start, cs_time time)
{
    piece_run *run = piece->num_runs > 0 ? &piece->runs[piece->num_runs - 1] : NULL;
    encode_partition partition = worker->context->partition;
    int64_t number = partition != PARTITION_NONE ? encode_partition_of(partition, time) : 0;

    if (run == NULL || run->partition != number)
    {
        CS_TRY(add_run(piece, number, walk->start));
        run = &piece->runs[piece->num_runs - 1];
        run->record_start = record_start;
    }
    if (run->count == 0 || time < run->min_time)
        run->min_time = time;
    if (run->count == 0 || time > run->max_time)
        run->max_time = time;
    run->count++;
    run->record_end = piece->records.len;
    run->text_end = walk->at;
    return CS_OK;
}

/* Turn all lines into records. */
static cs_code
work_on_lines(encode_worker *worker, encode_piece *piece)
{
    piece_walk walk = text_piece_walk(&piece->text);
    text_line line;

    while (text_piece_next(&walk, &line))
    {
        size_t start = piece->records.len;
        cs_time time;
        cs_code code = encode_line(worker, &line, &piece->records, &time, &piece->err);

        if (code == CS_OK)
            CS_TRY(count_record(worker, piece, &walk, start, time));
        else if (code == CS_ERR_DATA || code == CS_ERR_RANGE)
            CS_TRY(add_reject(piece, &walk));
        else
            return code;
    }
    piece->lines = walk.lines;
    return CS_OK;
}

/* Make blocks of the runs that are long enough. */
static cs_code
pack_runs(encode_worker *worker, encode_piece *piece)
{
    for (size_t i = 0; i < piece->num_runs && piece->num_blocks < PIECE_BLOCKS; i++)
    {
        piece_run *run = &piece->runs[i];
        cs_slice records = {(const char *) piece->records.data + run->record_start,
                            run->record_end - run->record_start};

        if (records.len < PACK_MIN_BYTES)
            continue;
        run->block = piece->num_blocks++;
        CS_TRY(cs_avro_pack(worker->packer, records, run->count, &piece->blocks[run->block],
                            &piece->err));
    }
    return CS_OK;
}

/* Start with a piece that was just read. */
static cs_code
start(const encode_worker *worker, encode_piece *piece)
{
    piece->records.len = 0;
    piece->num_blocks = 0;
    piece->num_runs = 0;
    piece->num_rejects = 0;
    piece->lines = 0;
    cs_error_clear(&piece->err);
    if (worker->context->partition != PARTITION_NONE)
        return CS_OK;
    return add_run(piece, 0, 0);
}

void
encode_piece_work(encode_worker *worker, encode_piece *piece)
{
    cs_code code = start(worker, piece);

    if (code == CS_OK)
        code = work_on_lines(worker, piece);
    if (code == CS_OK && worker->context->partition == PARTITION_NONE)
        piece->runs[0].text_end = piece->text.len; /* of refused lines, too */
    if (code == CS_OK)
        code = pack_runs(worker, piece);
    if (code == CS_OK)
        cs_error_clear(&piece->err); /* of the lines that were refused */
}
