/*
 * core/avro_salvage.c
 *     Going on behind a damaged block.
 *
 * Where a block's own numbers lead to a marker, or to a good block behind a
 * damaged marker, they are believed. Else every place where the marker stands,
 * from the block's first byte on, is tried: it counts as a border only if the file
 * ends there, or if a block follows that ends with the marker at the place which
 * its own size says. So a marker inside data does not count, unless somebody has
 * put a whole block with it there.
 */
#include "avro_reader.h"

/* The part of the file that is searched at a time. */
#define SEARCH_BYTES ((size_t) 256 * 1024)

/* A search for the next border. */
typedef struct border_search
{
    uint64_t at;     /* the next byte to be looked at */
    uint64_t border; /* found */
    int64_t markers; /* found up to the border, its own included; overlapping ones are one */
    uint64_t marker_end;
} border_search;

/*
 * Decide whether a block may begin at border, and where it then ends. Only failures
 * to read are errors.
 */
static cs_code
is_border(cs_avro_reader *reader, uint64_t border, bool *is, uint64_t *block_end, cs_error *err)
{
    uint64_t file_size = (uint64_t) reader->input.source.size;
    cs_avro_head head = {.offset = border};
    int64_t size;
    cs_code code;

    *block_end = border;
    *is = border == file_size;
    if (border >= file_size)
        return CS_OK;
    code = cs_reader_read_head(reader, HEAD_AHEAD_BYTES, &head, &size, err);
    if (code == CS_ERR_DATA)
        return CS_OK;
    if (code != CS_OK)
        return code;
    if (head.records < 0 || size < 0 || head.data_offset + CS_AVRO_SYNC_BYTES > file_size ||
        (uint64_t) size > file_size - head.data_offset - CS_AVRO_SYNC_BYTES)
        return CS_OK;
    *block_end = head.data_offset + (uint64_t) size + CS_AVRO_SYNC_BYTES;
    return cs_reader_find_marker(reader, *block_end, is, err);
}

/* Try every marker that lies whole in the bytes read; search->at moves behind what was tried. */
static cs_code
try_markers(cs_avro_reader *reader, border_search *search, bool *found, cs_error *err)
{
    const uint8_t *data = reader->stored.data;
    size_t len = reader->stored.len;
    uint64_t start = search->at;
    uint64_t block_end;
    size_t from = 0;

    while (!*found)
    {
        const uint8_t *marker = memmem(data + from, len - from, reader->sync, CS_AVRO_SYNC_BYTES);

        if (marker == NULL)
            break;
        CS_TRY(cs_poll(reader->env, err));
        from = (size_t) (marker - data) + CS_AVRO_SYNC_BYTES;
        search->border = start + from;
        if (search->border >= search->marker_end + CS_AVRO_SYNC_BYTES)
        {
            search->markers++;
            search->marker_end = search->border;
        }
        CS_TRY(is_border(reader, search->border, found, &block_end, err));
        if (!*found)
            from -= CS_AVRO_SYNC_BYTES - 1; /* another may overlap it */
    }
    if (from < len - (CS_AVRO_SYNC_BYTES - 1))
        from = len - (CS_AVRO_SYNC_BYTES - 1); /* one may be cut at the end */
    search->at = start + from;
    return CS_OK;
}

/* Search for a border from search->at on; at worst it is the end of the file. */
static cs_code
find_border(cs_avro_reader *reader, border_search *search, cs_error *err)
{
    uint64_t file_size = (uint64_t) reader->input.source.size;
    bool found = false;

    while (!found && file_size - search->at >= CS_AVRO_SYNC_BYTES)
    {
        uint64_t left = file_size - search->at;

        CS_TRY(cs_poll(reader->env, err));
        reader->stored.len = 0;
        CS_TRY(cs_input_read(&reader->input, search->at,
                             left < SEARCH_BYTES ? (size_t) left : SEARCH_BYTES, 0, &reader->stored,
                             "the bytes searched", err));
        CS_TRY(try_markers(reader, search, &found, err));
    }
    if (!found)
        search->border = file_size;
    return CS_OK;
}

/* Find the first marker that stands whole in [from, end); *behind it, or 0 if there is none. */
static cs_code
find_first_marker(cs_avro_reader *reader, uint64_t from, uint64_t end, uint64_t *behind,
                  cs_error *err)
{
    *behind = 0;
    while (end - from >= CS_AVRO_SYNC_BYTES)
    {
        size_t len = end - from < SEARCH_BYTES ? (size_t) (end - from) : SEARCH_BYTES;
        const uint8_t *marker;

        CS_TRY(cs_poll(reader->env, err));
        reader->stored.len = 0;
        CS_TRY(cs_input_read(&reader->input, from, len, 0, &reader->stored, "the bytes searched",
                             err));
        marker = memmem(reader->stored.data, len, reader->sync, CS_AVRO_SYNC_BYTES);
        if (marker != NULL)
        {
            *behind = from + (uint64_t) (marker - reader->stored.data) + CS_AVRO_SYNC_BYTES;
            return CS_OK;
        }
        from += len - (CS_AVRO_SYNC_BYTES - 1);
    }
    return CS_OK;
}

/*
 * Decide whether a good block, or the end of the file, is behind the place where the
 * marker of the block touched should stand but does not. A marker elsewhere in the
 * two blocks tells that it is not so: the size is wrong, or bytes were put in or lost.
 */
static cs_code
is_good_behind(cs_avro_reader *reader, bool *is, cs_error *err)
{
    const cs_avro_head *head = &reader->touched;
    uint64_t block_end = head->end_offset;
    uint64_t behind;

    CS_TRY(is_border(reader, head->end_offset, is, &block_end, err));
    if (!*is)
        return CS_OK;
    CS_TRY(find_first_marker(reader, head->data_offset, block_end, &behind, err));
    *is = behind == (block_end > head->end_offset ? block_end : 0);
    return CS_OK;
}

/*
 * Find the border behind the block touched, where its numbers are known and lead
 * to one. *known: nothing tells that other blocks lie before it.
 */
static cs_code
trust_head(cs_avro_reader *reader, bool *found, bool *known, cs_error *err)
{
    uint64_t end = reader->touched.end_offset;
    uint64_t behind;

    *found = reader->state == CS_BLOCK_SOUND;
    *known = true;
    if (*found && !cs_input_sized(&reader->input))
        return CS_OK;
    if (reader->state < CS_BLOCK_HEAD || cs_input_is_behind(&reader->input, end))
        return CS_OK;
    CS_TRY(cs_reader_find_marker(reader, end, found, err));
    if (!*found)
        return is_good_behind(reader, found, err);
    /* A wrong size may lead to the end of a later block: then this one's marker comes first. */
    CS_TRY(find_first_marker(reader, reader->touched.data_offset, end, &behind, err));
    *known = behind == end;
    return CS_OK;
}

/* Find the border behind the block touched; fill in all of loss but the block's own counts. */
static cs_code
find_next(cs_avro_reader *reader, cs_avro_loss *loss, border_search *search, cs_error *err)
{
    const cs_avro_head *head = &reader->touched;
    bool found;

    if (reader->state != CS_BLOCK_SOUND && !cs_input_sized(&reader->input))
        return cs_fail(err, CS_ERR_UNSUPPORTED,
                       "the next good block can be searched for only in a regular file");
    CS_TRY(trust_head(reader, &found, &loss->records_known, err));
    if (found)
        search->border = head->end_offset;
    else
    {
        CS_TRY(find_border(reader, search, err));
        /* The head is believed only where the file was cut in its block. */
        loss->records_known = reader->state == CS_BLOCK_HEAD && search->markers == 0 &&
                              head->end_offset > search->border;
    }
    loss->offset = head->offset;
    loss->bytes = search->border - head->offset;
    return CS_OK;
}

cs_code
cs_avro_reader_resync(cs_avro_reader *reader, cs_avro_loss *loss, cs_error *err)
{
    const cs_avro_head *head = &reader->touched;
    border_search search = {.at = head->offset};
    cs_code code;

    memset(loss, 0, sizeof(*loss));
    if (reader->state == CS_BLOCK_NONE)
        return cs_fail(err, CS_ERR_ARGUMENT, "there is no block to go on behind");
    code = find_next(reader, loss, &search, err);
    if (code != CS_OK)
        return cs_input_locate(&reader->input, head->offset, code, err);
    if (reader->state >= CS_BLOCK_HEAD)
    {
        loss->blocks = 1;
        loss->records = head->records;
    }
    reader->position =
        (cs_avro_position){.offset = search.border,
                           .index = head->index + (search.markers > 0 ? search.markers : 1),
                           .record = head->first_record + loss->records};
    reader->state = CS_BLOCK_NONE;
    return CS_OK;
}
