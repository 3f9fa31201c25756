/*
 * loader/line_reader.c
 *     Reading lines.
 */
#include "line_reader.h"

#include "http_log.h"
#include "log.h"
#include "utf8.h"

#include <stdlib.h>

bool
text_piece_init(text_piece *piece)
{
    memset(piece, 0, sizeof(*piece));
    piece->data = malloc(PIECE_BYTES);
    return piece->data != NULL;
}

/* Free the piece. */
void
text_piece_free(text_piece *piece)
{
    free(piece->data);
    piece->data = NULL;
}

piece_walk
text_piece_walk(const text_piece *piece)
{
    piece_walk walk = {.piece = piece};
    const char *feed;

    if (piece->in_tail)
    {
        feed = memchr(piece->data, '\n', piece->len);
        walk.at = feed != NULL ? (size_t) (feed + 1 - piece->data) : piece->len;
    }
    else if (piece->first && piece->len >= UTF8_MARK_BYTES &&
             memcmp(piece->data, UTF8_MARK, UTF8_MARK_BYTES) == 0)
        walk.at = UTF8_MARK_BYTES;
    return walk;
}

bool
text_is_too_long(cs_slice line)
{
    return line.len > CS_LOG_LINE_MAX_BYTES + 1 ||
           (line.len == CS_LOG_LINE_MAX_BYTES + 1 && line.data[line.len - 1] != '\r');
}

cs_slice
text_beginning(cs_slice line)
{
    line.len = CS_LOG_LINE_MAX_BYTES;
    /* do not cut inside a character */
    while (line.len > CS_LOG_LINE_MAX_BYTES - 3 && ((uint8_t) line.data[line.len] & 0xc0) == 0x80)
        line.len--;
    return line;
}

bool
text_piece_next(piece_walk *walk, text_line *line)
{
    const char *from = walk->piece->data + walk->at;
    size_t left = walk->piece->len - walk->at;
    const char *feed;

    if (left == 0)
        return false;
    feed = memchr(from, '\n', left);
    line->text = (cs_slice){from, feed != NULL ? (size_t) (feed - from) : left};
    line->cut = text_is_too_long(line->text);
    line->number = ++walk->lines;
    walk->start = walk->at;
    walk->at += line->text.len + (feed != NULL);
    if (line->cut)
        line->text = text_beginning(line->text);
    return true;
}

cs_code
piece_reader_open(piece_reader *reader, file_source *source, int64_t limit, cs_error *err)
{
    memset(reader, 0, sizeof(*reader));
    reader->source = source;
    reader->left = limit;
    reader->first = true;
    reader->carry = malloc(PIECE_BYTES);
    return reader->carry != NULL ? CS_OK : cs_fail_memory(err, PIECE_BYTES);
}

/* Read until the piece is full; false if reading failed. */
static bool
fill(piece_reader *reader, text_piece *piece)
{
    int64_t got = 1;

    while (got > 0 && piece->len < PIECE_BYTES && reader->left != 0)
    {
        size_t room = PIECE_BYTES - piece->len;

        if (reader->left > 0 && (uint64_t) reader->left < room)
            room = (size_t) reader->left;
        got = file_source_read(reader->source, piece->data + piece->len, room);
        if (got < 0)
            return false;
        piece->len += (size_t) got;
        if (got == 0)
            reader->left = 0;
        if (reader->left > 0)
            reader->left -= got;
    }
    return true;
}

cs_code
piece_reader_next(piece_reader *reader, text_piece *piece)
{
    const char *feed;
    size_t whole;

    memcpy(piece->data, reader->carry, reader->carried);
    piece->len = reader->carried;
    piece->first = reader->first;
    piece->in_tail = reader->in_tail;
    if (!fill(reader, piece))
        return CS_ERR_IO;
    if (piece->len == 0)
        return CS_END;
    feed = memrchr(piece->data, '\n', piece->len);
    whole = feed != NULL && reader->left != 0 ? (size_t) (feed + 1 - piece->data) : piece->len;
    reader->in_tail = feed == NULL;
    reader->carried = piece->len - whole;
    memcpy(reader->carry, piece->data + whole, reader->carried);
    piece->len = whole;
    reader->first = false;
    return CS_OK;
}

void
piece_reader_close(piece_reader *reader)
{
    free(reader->carry);
    reader->carry = NULL;
}

exit_status
line_reader_open(line_reader *reader, file_source *source)
{
    cs_error err;

    memset(reader, 0, sizeof(*reader));
    if (piece_reader_open(&reader->pieces, source, -1, &err) != CS_OK ||
        !text_piece_init(&reader->piece))
        return log_out_of_memory();
    reader->walk = text_piece_walk(&reader->piece);
    return STATUS_OK;
}

cs_code
line_reader_next(line_reader *reader, text_line *line)
{
    while (!text_piece_next(&reader->walk, line))
    {
        reader->lines += reader->walk.lines;
        CS_TRY(piece_reader_next(&reader->pieces, &reader->piece));
        reader->walk = text_piece_walk(&reader->piece);
    }
    line->number += reader->lines;
    return CS_OK;
}

/* Free the buffers; the source is the caller's to close. */
void
line_reader_close(line_reader *reader)
{
    piece_reader_close(&reader->pieces);
    text_piece_free(&reader->piece);
}
