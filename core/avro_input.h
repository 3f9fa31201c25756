/*
 * core/avro_input.h
 *     The bytes of a source by their position, through one small window.
 *
 * A source of known size is read wherever one asks. One of unknown size is read
 * forward only: positions must not go back behind what the window still holds.
 */
#ifndef CS_AVRO_INPUT_H
#define CS_AVRO_INPUT_H

#include "avro_container.h"

#define CS_INPUT_WINDOW_BYTES ((size_t) 64 * 1024)

typedef struct cs_avro_input
{
    const cs_env *env;
    cs_source source;
    uint8_t *window;  /* CS_INPUT_WINDOW_BYTES */
    uint64_t start;   /* the position of its first byte */
    size_t len;       /* the bytes in it */
    uint64_t read_to; /* where the next read of a source of unknown size begins */
} cs_avro_input;

cs_code cs_input_open(cs_avro_input *input, const cs_env *env, const cs_source *source,
                      cs_error *err);
void cs_input_close(cs_avro_input *input);

/* True if the source's size is known: it may be read anywhere. */
static inline bool
cs_input_sized(const cs_avro_input *input)
{
    return input->source.size >= 0;
}

/* True if the source's size is known and the end lies behind it. */
static inline bool
cs_input_is_behind(const cs_avro_input *input, uint64_t end)
{
    return cs_input_sized(input) && end > (uint64_t) input->source.size;
}

/*
 * Show want bytes (at most the window's size) from a position on: *got is fewer
 * only where the file ends. They are valid until the next call. What must be read
 * for it is read in one go with what follows, up to ahead bytes in all.
 */
cs_code cs_input_peek(cs_avro_input *input, uint64_t at, size_t want, size_t ahead,
                      const uint8_t **data, size_t *got, cs_error *err);

/* Put bytes that are known to stand at a position into the window, unless it holds them. */
void cs_input_offer(cs_avro_input *input, uint64_t at, const uint8_t *bytes, size_t len);

/*
 * Read a long, what it is called in an error, from a position on; *bytes is where
 * it stands in the window. CS_END if the file ends before it.
 */
cs_code cs_input_long(cs_avro_input *input, uint64_t at, size_t ahead, const char *what,
                      int64_t *value, cs_slice *bytes, cs_error *err);

/*
 * Append exactly len bytes to out, taking memory only as bytes arrive where the
 * size is not known. The next tail bytes are read too, into the window.
 */
cs_code cs_input_read(cs_avro_input *input, uint64_t at, size_t len, size_t tail, cs_buffer *out,
                      const char *what, cs_error *err);

/* Say where err happened, unless a deeper place said so already. */
cs_code cs_input_locate(const cs_avro_input *input, uint64_t at, cs_code code, cs_error *err);

/* Report that the file ends inside what. */
cs_code cs_input_fail_truncated(const cs_avro_input *input, uint64_t at, const char *what,
                                cs_error *err);

/* Check a length at a position against the bytes left in the file. */
cs_code cs_input_check_left(const cs_avro_input *input, uint64_t at, uint64_t len, const char *what,
                            cs_error *err);

#endif
