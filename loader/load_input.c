/*
 * loader/load_input.c
 *     Opening what is loaded.
 */
#include "load_input.h"

#include "log.h"

/* Open the file and its source. */
static exit_status
open_input(load_input *input, const char *name, const row_format *format, const block_range *range)
{
    exit_status status;

    memset(input, 0, sizeof(*input));
    STATUS_TRY(file_source_open(&input->file, name));
    hash_start(&input->hash);
    input->file.hash = &input->hash;
    if (range != NULL)
    {
        input->file.offset = range->start_offset;
        input->file.hash_end = range->end_offset;
    }
    status = row_source_open(&input->source, &input->file, format);
    if (status != STATUS_OK)
        load_input_close(input);
    return status;
}

exit_status
load_input_open(load_input *input, const char *name, const row_format *format)
{
    return open_input(input, name, format, NULL);
}

exit_status
load_input_open_range(load_input *input, const char *name, const block_range *range)
{
    STATUS_TRY(open_input(input, name, &(row_format){.kind = SOURCE_AUTO}, range));
    if (row_source_seek(input->source, &range->position, range->end_block))
        return STATUS_OK;
    log_error("%s: file was replaced by another while it was loaded", name);
    load_input_close(input);
    return STATUS_REFUSED;
}

void
load_input_close(load_input *input)
{
    if (input->source == NULL && input->hash.context == NULL)
        return;
    row_source_close(input->source);
    file_source_close(&input->file);
    hash_free(&input->hash);
    memset(input, 0, sizeof(*input));
}

exit_status
load_input_refuse_changed(const char *name, const char *table, const char *load_id,
                          const char *loaded_at)
{
    log_error("%s: file was loaded into %s before (load %s, %s), but its bytes have changed", name,
              table, load_id, loaded_at);
    log_detail("An Avro file is known by its header and sync marker, which are the same.");
    log_hint(
        "Of a file that was overwritten, unload load %s first. Another file that was made with "
        "the same marker needs one of its own: have \"%s encode\" or another writer of Avro "
        "write it anew.",
        load_id, PROGRAM_NAME);
    return STATUS_REFUSED;
}
