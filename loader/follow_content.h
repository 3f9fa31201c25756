/*
 * loader/follow_content.h
 *     What is in a file of a log that is followed: its sums, its lines.
 */
#ifndef LOADER_FOLLOW_CONTENT_H
#define LOADER_FOLLOW_CONTENT_H

#include "file_source.h"
#include "follow_state.h"

/* Names are for messages. Where a function fails other than by CS_ERR_DATA nothing is known. */

/* Tell whether an open file is compressed. */
cs_code follow_is_compressed(int fd, const char *name, bool *is_compressed, cs_error *err);

/* Compare the beginning of an open file, compressed or not, with a mark. */
cs_code follow_compare(int fd, const char *name, const follow_mark *mark, bool *same,
                       cs_error *err);

/* Make the mark of an open file's first size bytes; false if it has fewer. */
bool follow_mark_plain(int fd, int64_t size, follow_mark *mark);

/* Make the mark of a file up to a position. */
cs_code follow_mark_to(const follow_file *file, const char *name, int64_t to, follow_mark *mark,
                       cs_error *err);

/* True if the bytes before the position reached are still those that were read. */
bool follow_tail_same(const follow_file *file);

/* What of a file can be put into a segment. */
typedef struct follow_stretch
{
    int64_t from;
    int64_t to;    /* behind the last whole line; from, if there is none */
    int64_t lines; /* between */
} follow_stretch;

/*
 * Find whole lines behind what is done, up to about max bytes; with to_end the last line
 * needs no line feed. A compressed file is always read to its end.
 */
cs_code follow_measure(const follow_file *file, const char *name, int64_t max, bool to_end,
                       follow_stretch *stretch, cs_error *err);

/* Open a file once more, to be read from a position on; closed by file_source_close. */
cs_code follow_open(const follow_file *file, const char *name, int64_t from, file_source *source,
                    cs_error *err);

#endif
