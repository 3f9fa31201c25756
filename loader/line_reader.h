/*
 * loader/line_reader.h
 *     The lines of a text file, in constant memory.
 */
#ifndef LOADER_LINE_READER_H
#define LOADER_LINE_READER_H

#include "file_source.h"

typedef struct text_line
{
    cs_slice text;  /* without its line feed; valid until the next call */
    int64_t number; /* from 1 */
    bool cut;       /* longer than a log line may be: text is its beginning */
} text_line;

typedef struct line_reader
{
    file_source *source;
    char *buffer; /* READ_BUFFER_BYTES */
    size_t start; /* of the bytes not yet handed out */
    size_t end;
    bool at_end;  /* the source has no more */
    bool in_tail; /* in what was cut off from the line before */
    int64_t lines;
} line_reader;

/* Begin to read; a byte order mark is passed over. */
exit_status line_reader_open(line_reader *reader, file_source *source);

/* CS_OK, CS_END, or CS_ERR_IO: see file_source_fail. */
cs_code line_reader_next(line_reader *reader, text_line *line);
void line_reader_close(line_reader *reader);

#endif
