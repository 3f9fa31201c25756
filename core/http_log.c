/*
 * core/http_log.c
 *     The grammar of a log line.
 */
#include "http_log.h"

#include "word.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define NUM_FIELDS 4
#define CHUNK_BYTES 64 /* as many as a mask has bits */

/* What one pass over a line finds. */
typedef struct line_scan
{
    uint64_t controls;  /* not 0: there is a control byte */
    uint64_t non_ascii; /* not 0: there is a byte from 0x80 on */
    size_t num_spaces;
    size_t spaces[NUM_FIELDS]; /* where the first ones are */
} line_scan;

#ifdef __SSE2__
#define UNIT_BYTES 16

/* Look at UNIT_BYTES; return a mask of the spaces. */
static inline uint64_t
scan_unit(const char *data, line_scan *scan)
{
    __m128i unit = _mm_loadu_si128((const __m128i *) data);
    int negative = _mm_movemask_epi8(unit);
    int below = _mm_movemask_epi8(_mm_cmplt_epi8(unit, _mm_set1_epi8(' ')));
    int deletes = _mm_movemask_epi8(_mm_cmpeq_epi8(unit, _mm_set1_epi8(0x7f)));

    scan->non_ascii |= (unsigned) negative;
    scan->controls |= (unsigned) ((below & ~negative) | deletes);
    return (unsigned) _mm_movemask_epi8(_mm_cmpeq_epi8(unit, _mm_set1_epi8(' ')));
}
#else
#define UNIT_BYTES 8

/* Look at UNIT_BYTES; return a mask of the spaces. */
static inline uint64_t
scan_unit(const char *data, line_scan *scan)
{
    uint64_t word = cs_load_ordered(data);
    uint64_t low = word & ~CS_HIGH_BITS;
    uint64_t other = word ^ CS_EACH_BYTE(' ');
    uint64_t from_space = low + CS_EACH_BYTE(0x80 - 0x20); /* high bit: 0x20 and more */
    uint64_t deletes = low + CS_EACH_BYTE(1);              /* high bit: 0x7f */
    uint64_t not_spaces = ((other & ~CS_HIGH_BITS) + ~CS_HIGH_BITS) | other;

    scan->non_ascii |= word & CS_HIGH_BITS;
    scan->controls |= (~from_space | deletes) & ~word & CS_HIGH_BITS;
    /* The product gathers the lowest bit of each byte in the highest byte. */
    return ((~not_spaces & CS_HIGH_BITS) >> 7) * UINT64_C(0x0102040810204080) >> 56;
}
#endif

/*
 * Look at up to CHUNK_BYTES from a place in the text on; return a mask of the spaces. The
 * last unit may overlap the one before.
 */
static inline uint64_t
scan_chunk(cs_slice text, size_t place, line_scan *scan)
{
    const char *data = text.data + place;
    size_t left = text.len - place, len = left < CHUNK_BYTES ? left : CHUNK_BYTES;
    char unit[UNIT_BYTES];
    uint64_t spaces = 0;

    if (len < UNIT_BYTES && place > 0)
        return scan_unit(data + len - UNIT_BYTES, scan) >> (UNIT_BYTES - len);
    if (len < UNIT_BYTES)
    {
        memset(unit, 'x', UNIT_BYTES);
        memcpy(unit, data, len);
        return scan_unit(unit, scan);
    }
    for (size_t i = 0; i < len - UNIT_BYTES; i += UNIT_BYTES)
        spaces |= scan_unit(data + i, scan) << i;
    return spaces | scan_unit(data + len - UNIT_BYTES, scan) << (len - UNIT_BYTES);
}

/* Look at a whole line. */
static void
scan_line(cs_slice line, line_scan *scan)
{
    scan->controls = scan->non_ascii = 0;
    scan->num_spaces = 0;
    for (size_t place = 0; place < line.len; place += CHUNK_BYTES)
    {
        uint64_t spaces = scan_chunk(line, place, scan);

        for (; spaces != 0; spaces &= spaces - 1)
        {
            if (scan->num_spaces < NUM_FIELDS)
                scan->spaces[scan->num_spaces] = place + (size_t) __builtin_ctzll(spaces);
            scan->num_spaces++;
        }
    }
}

/* Report what is wrong with the number of fields. */
static cs_code
fail_fields(cs_slice line, size_t num_spaces, cs_error *err)
{
    bool empty = line.data[0] == ' ' || line.data[line.len - 1] == ' ' ||
                 memmem(line.data, line.len, "  ", 2) != NULL;
    size_t count = num_spaces + 1;

    if (empty)
        return cs_fail(err, CS_ERR_DATA, "empty field: fields are separated by one space");
    return cs_fail(err, CS_ERR_DATA, "line has %zu %s instead of %d", count,
                   count == 1 ? "field" : "fields", NUM_FIELDS);
}

/* Split at single spaces into exactly NUM_FIELDS non-empty fields. */
static cs_code
split_fields(cs_slice line, const line_scan *scan, cs_slice fields[NUM_FIELDS], cs_error *err)
{
    size_t start = 0;
    bool good = scan->num_spaces == NUM_FIELDS - 1;

    for (size_t i = 0; good && i < NUM_FIELDS; i++)
    {
        size_t end = i < NUM_FIELDS - 1 ? scan->spaces[i] : line.len;

        fields[i] = (cs_slice){line.data + start, end - start};
        good = end > start;
        start = end + 1;
    }
    return good ? CS_OK : fail_fields(line, scan->num_spaces, err);
}

cs_code
cs_log_line_trim(cs_slice *line, cs_error *err)
{
    if (line->len > 0 && line->data[line->len - 1] == '\r')
        line->len--;
    if (line->len == 0)
        return cs_fail(err, CS_ERR_DATA, "line is empty");
    if (line->len > CS_LOG_LINE_MAX_BYTES)
        return cs_fail(err, CS_ERR_DATA, "line is longer than %d bytes", CS_LOG_LINE_MAX_BYTES);
    return CS_OK;
}

/* Refuse what a scan has found. */
static inline cs_code
judge_scan(cs_slice text, const line_scan *scan, const char *what, cs_error *err)
{
    if (scan->controls != 0)
        return cs_fail(err, CS_ERR_DATA, "%s holds a control character", what);
    if (scan->non_ascii != 0 && !cs_utf8_valid(text.data, text.len))
        return cs_fail(err, CS_ERR_DATA, "%s is not valid UTF-8", what);
    return CS_OK;
}

cs_code
cs_log_text_check(cs_slice text, const char *what, cs_error *err)
{
    line_scan scan = {.num_spaces = 0};

    for (size_t place = 0; place < text.len; place += CHUNK_BYTES)
        scan_chunk(text, place, &scan);
    return judge_scan(text, &scan, what, err);
}

cs_code
cs_log_line_parse(cs_slice line, cs_log_line *out, cs_error *err)
{
    cs_slice fields[NUM_FIELDS];
    line_scan scan;

    CS_TRY(cs_log_line_trim(&line, err));
    scan_line(line, &scan);
    CS_TRY(judge_scan(line, &scan, "line", err));
    CS_TRY(split_fields(line, &scan, fields, err));
    CS_TRY(cs_time_parse(fields[0], CS_TIME_RFC3339, &out->time, err));
    out->method = fields[1];
    out->path = fields[2];
    out->user_id = fields[3];
    return CS_OK;
}
