/*
 * loader/row_source.c
 *     Telling Avro from CSV.
 */
#include "row_source.h"

#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

cs_code
refuse(refusal *why, const char *sqlstate, const char *format, ...)
{
    va_list args;

    cs_error_clear(&why->err);
    why->err.code = CS_ERR_RANGE;
    why->sqlstate = sqlstate;
    why->column = NULL;
    va_start(args, format);
    vsnprintf(why->err.message, sizeof(why->err.message), format, args);
    va_end(args);
    return CS_ERR_RANGE;
}

exit_status
row_source_open(row_source **source, file_source *file, const row_format *format)
{
    char first;
    ssize_t got;

    if (file->size < 0)
    {
        log_error("could not load \"%s\": it is not a regular file", file->name);
        log_hint("A load reads a file twice, to know it again: put the data into a file first.");
        return STATUS_REFUSED;
    }
    if (format->kind == SOURCE_MOVIELENS)
        return movielens_source_open(source, file);
    got = pread(file->fd, &first, 1, 0);
    if (got < 0)
        return file_source_fail(file);
    if (got == 0)
    {
        log_error("%s: file is empty: neither Avro nor CSV with a header line", file->name);
        return STATUS_REFUSED;
    }
    if (file_is_avro(file->fd))
        return avro_source_open(source, file);
    return csv_source_open(source, file, format);
}

/* A text has one block and no identity but its bytes. */
void
row_source_init_text(row_source *source, const row_source_ops *ops, file_source *file)
{
    source->ops = ops;
    source->file = file;
    source->block = -1;
    source->end_block = 1;
}

cs_code
row_source_text(row_source *source, cs_slice raw, cs_buffer *text, cs_slice *bytes, cs_error *err)
{
    (void) source;
    (void) bytes;
    return cs_buffer_append(text, raw.data, raw.len, err);
}

/* Hash the whole file, and go back to its start. */
exit_status
row_source_identify(row_source *source)
{
    file_source *file = source->file;
    hash_stream *hash = file->hash;
    void *buffer = malloc(READ_BUFFER_BYTES);
    int64_t got;

    if (buffer == NULL)
        return log_out_of_memory();
    do
        got = file_source_read(file, buffer, READ_BUFFER_BYTES);
    while (got > 0);
    free(buffer);
    if (got < 0)
        return file_source_fail(file);
    if (!hash_finish(hash, source->file_id))
        return log_out_of_memory();
    hash_start(hash);
    return file_source_rewind(file) ? STATUS_OK : file_source_fail(file);
}

/* Close; NULL is fine. The file is the caller's to close. */
void
row_source_close(row_source *source)
{
    if (source != NULL)
        source->ops->close(source);
}
