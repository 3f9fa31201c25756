/*
 * loader/follow_content.c
 *     What is in a file of a log: its sums, its lines.
 *
 * All reading is by descriptor: while a name is looked at, it may become another file's.
 */
#include "follow_content.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The positions that the sums of a file are about. */
typedef struct mark_ranges
{
    int64_t head_end;
    int64_t tail_start;
    int64_t done;
} mark_ranges;

/* For a file of which so much is done. */
static mark_ranges
ranges_of(int64_t done)
{
    return (mark_ranges){done < FOLLOW_MARK_BYTES ? done : FOLLOW_MARK_BYTES,
                         done < FOLLOW_MARK_BYTES ? 0 : done - FOLLOW_MARK_BYTES, done};
}

/* Keep as much of a sum as a mark has. */
static void
keep_sum(const char text[HASH_TEXT_SIZE], char sum[FOLLOW_SUM_SIZE])
{
    snprintf(sum, FOLLOW_SUM_SIZE, "%.*s", FOLLOW_SUM_SIZE - 1, text);
}

/* Finish a sum; false if the library failed. */
static bool
finish_sum(hash_stream *hash, char sum[FOLLOW_SUM_SIZE])
{
    char text[HASH_TEXT_SIZE];
    bool good = hash_finish(hash, text);

    if (good)
        keep_sum(text, sum);
    hash_free(hash);
    return good;
}

/* The sum of a range of an open file; false if it cannot be read. */
static bool
sum_range(int fd, int64_t from, int64_t to, char sum[FOLLOW_SUM_SIZE])
{
    char bytes[FOLLOW_MARK_BYTES], text[HASH_TEXT_SIZE];
    size_t len = (size_t) (to - from);

    if (len > sizeof(bytes) || pread(fd, bytes, len, (off_t) from) != (ssize_t) len ||
        !hash_bytes((cs_slice){bytes, len}, text))
        return false;
    keep_sum(text, sum);
    return true;
}

/* Add to a sum what of len bytes at a position lies in a range. */
static void
add_overlap(hash_stream *hash, const char *bytes, int64_t at, int64_t len, int64_t from, int64_t to)
{
    int64_t start = at > from ? at : from;
    int64_t end = at + len < to ? at + len : to;

    if (start < end)
        hash_add(hash, bytes + (start - at), (size_t) (end - start));
}

/* Open a file again by its descriptor, at its beginning. */
static cs_code
open_again(int fd, const char *name, file_source *source, cs_error *err)
{
    *source = (file_source){.name = name, .fd = dup(fd)};
    if (source->fd < 0 || lseek(source->fd, 0, SEEK_SET) != 0)
        file_source_error(source, err);
    else if (file_source_try_decompress(source, err) == CS_OK)
        return CS_OK;
    file_source_close(source);
    return err->code;
}

cs_code
follow_is_compressed(int fd, const char *name, bool *is_compressed, cs_error *err)
{
    file_source source;

    CS_TRY(open_again(fd, name, &source, err));
    *is_compressed = source.inflate != NULL;
    file_source_close(&source);
    return CS_OK;
}

/* Pass over the first bytes of a source. */
static cs_code
pass_bytes(file_source *source, int64_t count, cs_error *err)
{
    char buffer[4096];

    while (count > 0)
    {
        size_t len = count < (int64_t) sizeof(buffer) ? (size_t) count : sizeof(buffer);
        int64_t got = file_source_read(source, buffer, len);

        if (got < 0)
            return file_source_error(source, err);
        if (got == 0)
            return cs_fail(err, CS_ERR_DATA, "%s: file is shorter than it was", source->name);
        count -= got;
    }
    return CS_OK;
}

cs_code
follow_open(const follow_file *file, const char *name, int64_t from, file_source *source,
            cs_error *err)
{
    CS_TRY(open_again(file->fd, name, source, err));
    if (!file->is_compressed)
    {
        source->head_start = source->head_end; /* read by position instead */
        if (lseek(source->fd, (off_t) from, SEEK_SET) == (off_t) from)
            return CS_OK;
        file_source_error(source, err);
    }
    else if (pass_bytes(source, from, err) == CS_OK)
        return CS_OK;
    file_source_close(source);
    return err->code;
}

/* What is found in a compressed file. */
typedef struct stream_facts
{
    int64_t total;
    int64_t lines; /* line feeds behind what is done */
    bool feed_last;
    char head[FOLLOW_SUM_SIZE];
    char tail[FOLLOW_SUM_SIZE];
} stream_facts;

/* Read all of an open compressed file. */
static cs_code
read_stream(file_source *source, int64_t done, stream_facts *facts, char *buffer, cs_error *err)
{
    mark_ranges marks = ranges_of(done);
    hash_stream head = {NULL, false}, tail = {NULL, false};
    int64_t got;
    bool summed;

    *facts = (stream_facts){.feed_last = true};
    hash_start(&head);
    hash_start(&tail);
    while ((got = file_source_read(source, buffer, READ_BUFFER_BYTES)) > 0)
    {
        add_overlap(&head, buffer, facts->total, got, 0, marks.head_end);
        add_overlap(&tail, buffer, facts->total, got, marks.tail_start, done);
        for (int64_t i = done > facts->total ? done - facts->total : 0; i < got; i++)
            facts->lines += buffer[i] == '\n';
        facts->total += got;
        facts->feed_last = buffer[got - 1] == '\n';
    }
    summed = finish_sum(&head, facts->head);
    summed &= finish_sum(&tail, facts->tail);
    if (got < 0)
        return file_source_error(source, err);
    return summed ? CS_OK : cs_fail(err, CS_ERR_MEMORY, "out of memory");
}

/* Read all of a compressed file. */
static cs_code
survey_stream(int fd, const char *name, int64_t done, stream_facts *facts, cs_error *err)
{
    char *buffer = malloc(READ_BUFFER_BYTES);
    file_source source;
    cs_code code;

    if (buffer == NULL)
        return cs_fail_memory(err, READ_BUFFER_BYTES);
    code = open_again(fd, name, &source, err);
    if (code == CS_OK)
    {
        code = read_stream(&source, done, facts, buffer, err);
        file_source_close(&source);
    }
    free(buffer);
    return code;
}

/* The sums of an open file's first size bytes. False if it has fewer. */
static bool
sum_plain(int fd, int64_t size, char head[FOLLOW_SUM_SIZE], char tail[FOLLOW_SUM_SIZE])
{
    mark_ranges marks = ranges_of(size);

    return sum_range(fd, 0, marks.head_end, head) && sum_range(fd, marks.tail_start, size, tail);
}

cs_code
follow_compare(int fd, const char *name, const follow_mark *mark, bool *same, cs_error *err)
{
    char head[FOLLOW_SUM_SIZE], tail[FOLLOW_SUM_SIZE];
    stream_facts facts;
    bool is_compressed;

    *same = false;
    CS_TRY(follow_is_compressed(fd, name, &is_compressed, err));
    if (!is_compressed)
        *same = sum_plain(fd, mark->done, head, tail) && strcmp(head, mark->head) == 0 &&
                strcmp(tail, mark->tail) == 0;
    else
    {
        CS_TRY(survey_stream(fd, name, mark->done, &facts, err));
        *same = facts.total >= mark->done && strcmp(facts.head, mark->head) == 0 &&
                strcmp(facts.tail, mark->tail) == 0;
    }
    return CS_OK;
}

bool
follow_mark_plain(int fd, int64_t size, follow_mark *mark)
{
    mark->done = size;
    return sum_plain(fd, size, mark->head, mark->tail);
}

bool
follow_tail_same(const follow_file *file)
{
    char sum[FOLLOW_SUM_SIZE];

    if (file->mark.done == 0 || file->is_compressed)
        return true;
    return sum_range(file->fd, ranges_of(file->mark.done).tail_start, file->mark.done, sum) &&
           strcmp(sum, file->mark.tail) == 0;
}

/* Find whole lines in an open file up to its size. */
static cs_code
measure_plain(const follow_file *file, const char *name, int64_t max, follow_stretch *stretch,
              char *buffer, cs_error *err)
{
    int64_t at = stretch->from, seen = 0;

    while (stretch->to == stretch->from || at - stretch->from < max)
    {
        ssize_t got = pread(file->fd, buffer, READ_BUFFER_BYTES, (off_t) at);

        if (got < 0)
            return cs_fail(err, CS_ERR_IO, "could not read \"%s\": %s", name, strerror(errno));
        if (got == 0)
            break;
        for (ssize_t i = 0; i < got; i++)
            if (buffer[i] == '\n')
            {
                seen++;
                stretch->to = at + i + 1;
            }
        stretch->lines = seen;
        at += got;
    }
    return CS_OK;
}

/* Take a last line without its line feed. */
static void
take_last_line(const follow_file *file, follow_stretch *stretch)
{
    struct stat info;

    if (fstat(file->fd, &info) != 0 || info.st_size <= stretch->from || stretch->to > stretch->from)
        return;
    stretch->to = (int64_t) info.st_size;
    stretch->lines = 1;
}

/* All of a compressed file that is not done. */
static cs_code
measure_compressed(const follow_file *file, const char *name, follow_stretch *stretch,
                   cs_error *err)
{
    stream_facts facts;

    CS_TRY(survey_stream(file->fd, name, stretch->from, &facts, err));
    if (facts.total <= stretch->from)
        return CS_OK;
    stretch->to = facts.total;
    stretch->lines = facts.lines + !facts.feed_last;
    return CS_OK;
}

cs_code
follow_measure(const follow_file *file, const char *name, int64_t max, bool to_end,
               follow_stretch *stretch, cs_error *err)
{
    char *buffer;
    cs_code code;

    *stretch = (follow_stretch){file->mark.done, file->mark.done, 0};
    if (file->is_compressed)
        return measure_compressed(file, name, stretch, err);
    buffer = malloc(READ_BUFFER_BYTES);
    if (buffer == NULL)
        return cs_fail_memory(err, READ_BUFFER_BYTES);
    code = measure_plain(file, name, max, stretch, buffer, err);
    free(buffer);
    if (code == CS_OK && to_end)
        take_last_line(file, stretch);
    return code;
}

cs_code
follow_mark_to(const follow_file *file, const char *name, int64_t to, follow_mark *mark,
               cs_error *err)
{
    stream_facts facts;

    if (!file->is_compressed)
        return follow_mark_plain(file->fd, to, mark)
                   ? CS_OK
                   : cs_fail(err, CS_ERR_DATA, "%s: file changed while it was read", name);
    CS_TRY(survey_stream(file->fd, name, to, &facts, err));
    mark->done = to;
    memcpy(mark->head, facts.head, sizeof(facts.head));
    memcpy(mark->tail, facts.tail, sizeof(facts.tail));
    return CS_OK;
}
