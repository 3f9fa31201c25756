/*
 * loader/line_reader.h
 *     The lines of a text file, in constant memory: in pieces of whole lines,
 *     which several threads can work on, or one by one.
 */
#ifndef LOADER_LINE_READER_H
#define LOADER_LINE_READER_H

#include "file_source.h"

#define PIECE_BYTES READ_BUFFER_BYTES

typedef struct text_line
{
    cs_slice text;  /* without its line feed */
    int64_t number; /* from 1; of the file, or in a piece of the piece */
    bool cut;       /* longer than a log line may be: text is its beginning */
} text_line;

/* True if a line, without its feed, has more bytes than a log line may have, a final CR aside. */
bool text_is_too_long(cs_slice line);

/* The beginning that is kept of such a line. */
cs_slice text_beginning(cs_slice line);

/*
 * A run of a text's bytes that ends behind a line feed, or at the text's end, or
 * where there is none in it, inside a line that is too long. Which bytes belong to
 * which piece depends on the text alone, not on how it was read.
 */
typedef struct text_piece
{
    char *data; /* PIECE_BYTES */
    size_t len;
    bool first;   /* the text begins here: a byte order mark is passed over */
    bool in_tail; /* it begins within a line of which the beginning was in an earlier piece */
} text_piece;

/* Make an empty piece; false without memory. */
bool text_piece_init(text_piece *piece);
void text_piece_free(text_piece *piece);

/* Where in a piece a walk through its lines stands; zero but for the piece at first. */
typedef struct piece_walk
{
    const text_piece *piece;
    size_t at;     /* behind the line handed out last */
    size_t start;  /* of that line */
    int64_t lines; /* handed out */
} piece_walk;

/* Begin with the first line that starts in the piece. */
piece_walk text_piece_walk(const text_piece *piece);

/* The next line, valid as long as the piece; false if there is none. */
bool text_piece_next(piece_walk *walk, text_line *line);

/* Reads a text in pieces. */
typedef struct piece_reader
{
    file_source *source;
    int64_t left; /* bytes to be read yet; -1: all that there are */
    char *carry;  /* what was read beyond the last piece's end */
    size_t carried;
    bool first; /* as of the next piece */
    bool in_tail;
} piece_reader;

/* Begin to read; limit is the number of bytes to take of the source, -1 for all. */
cs_code piece_reader_open(piece_reader *reader, file_source *source, int64_t limit, cs_error *err);

/* Fill a piece: CS_OK, CS_END, or CS_ERR_IO: see file_source_error. */
cs_code piece_reader_next(piece_reader *reader, text_piece *piece);

/* Free what the reader holds; the source is the caller's to close. */
void piece_reader_close(piece_reader *reader);

/* Reads a text line by line. */
typedef struct line_reader
{
    piece_reader pieces;
    text_piece piece;
    piece_walk walk;
    int64_t lines; /* of the pieces before this */
} line_reader;

/* Begin to read; a byte order mark is passed over. */
exit_status line_reader_open(line_reader *reader, file_source *source);

/* CS_OK, a line valid until the next call; CS_END, or CS_ERR_IO: see file_source_fail. */
cs_code line_reader_next(line_reader *reader, text_line *line);
void line_reader_close(line_reader *reader);

#endif
