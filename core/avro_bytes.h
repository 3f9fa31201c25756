/*
 * core/avro_bytes.h
 *     Reading encoded values from memory: the lowest level of decoding.
 *
 * The bytes read may be hostile: every length is compared with what is left,
 * and what takes no bytes at all is counted.
 */
#ifndef CS_AVRO_BYTES_H
#define CS_AVRO_BYTES_H

#include "avro_container.h"
#include "varint.h"
#include "word.h"

/* A run of encoded bytes and how far it has been read. */
typedef struct cs_avro_bytes
{
    const uint8_t *at;
    const uint8_t *end;
    const cs_env *env;
    const cs_avro_limits *limits;
    int64_t empty_items; /* values of no bytes met so far */
    uint32_t work;       /* counts up to the next poll */
} cs_avro_bytes;

/* The same as cs_is_text, byte by byte. */
bool cs_is_text_slowly(cs_slice text);

/* The bytes left. */
static inline size_t
cs_bytes_left(const cs_avro_bytes *in)
{
    return (size_t) (in->end - in->at);
}

/*
 * The value of a variable-length integer of up to eight bytes that lies in the
 * low bytes of word, its unused ones zero: the groups of seven bits are joined
 * pairwise.
 */
static inline uint64_t
cs_join_groups(uint64_t word)
{
    word &= UINT64_C(0x7f7f7f7f7f7f7f7f);
    word = (word & UINT64_C(0x007f007f007f007f)) | (word & UINT64_C(0x7f007f007f007f00)) >> 1;
    word = (word & UINT64_C(0x00003fff00003fff)) | (word & UINT64_C(0x3fff00003fff0000)) >> 2;
    return (word & UINT64_C(0x000000000fffffff)) | (word & UINT64_C(0x0fffffff00000000)) >> 4;
}

/* Read a long; false if the bytes run out or do not fit. */
static inline bool
cs_bytes_long(cs_avro_bytes *in, int64_t *value)
{
    const uint8_t *at = in->at;
    uint64_t raw;

    if (cs_bytes_left(in) >= sizeof(uint64_t))
    {
        uint64_t word, stops;

        if (*at < 0x80)
        {
            in->at = at + 1;
            *value = cs_unzigzag(*at);
            return true;
        }
        memcpy(&word, at, sizeof(word));
        word = le64toh(word);
        stops = ~word & CS_HIGH_BITS;
        if (stops != 0)
        {
            unsigned bits = (unsigned) __builtin_ctzll(stops); /* of the last byte: its stop bit */

            in->at = at + bits / 8 + 1;
            *value = cs_unzigzag(cs_join_groups(word & (~UINT64_C(0) >> (63 - bits))));
            return true;
        }
    }
    at = cs_varint_get(at, in->end, &raw);
    if (at == NULL)
        return false;
    in->at = at;
    *value = cs_unzigzag(raw);
    return true;
}

/*
 * True if the text holds no NUL and is valid UTF-8. Nearly all text is ASCII: it is
 * looked at eight bytes at a time, where a NUL and a byte from 0x80 on both leave
 * a high bit. room bytes from its first on may be read, len of them at least.
 */
static inline bool
cs_is_text(cs_slice text, size_t room)
{
    const uint64_t ones = CS_EACH_BYTE(1);
    uint64_t word, found = 0;
    size_t i = 0;

    if (text.len >= sizeof(word))
    {
        for (; i + sizeof(word) < text.len; i += sizeof(word))
        {
            memcpy(&word, text.data + i, sizeof(word));
            found |= word | (word - ones);
        }
        memcpy(&word, text.data + text.len - sizeof(word), sizeof(word));
        found |= word | (word - ones);
    }
    else if (room >= sizeof(word))
    {
        uint64_t behind = text.len == 0 ? ~UINT64_C(0) : ~UINT64_C(0) << (8 * text.len);

        memcpy(&word, text.data, sizeof(word));
        word = le64toh(word);
        word = (word & ~behind) | (ones & behind);
        found = word | (word - ones);
    }
    else
        for (; i < text.len; i++)
            found |= (uint64_t) (uint8_t) text.data[i] | ((uint64_t) (uint8_t) text.data[i] - 1);
    return (found & CS_HIGH_BITS) == 0 || cs_is_text_slowly(text);
}

/* Take len bytes; false if fewer are left. */
static inline bool
cs_bytes_take(cs_avro_bytes *in, uint64_t len, const uint8_t **data)
{
    if (len > cs_bytes_left(in))
        return false;
    *data = in->at;
    in->at += len;
    return true;
}

/* Read a length and that many bytes. */
static inline bool
cs_bytes_slice(cs_avro_bytes *in, cs_slice *slice)
{
    int64_t len;

    if (!cs_bytes_long(in, &len) || len < 0 || (uint64_t) len > cs_bytes_left(in))
        return false;
    *slice = (cs_slice){(const char *) in->at, (size_t) len};
    in->at += len;
    return true;
}

/* A group of items of an array or a map. */
typedef struct cs_avro_group
{
    int64_t count;      /* 0: the end */
    const uint8_t *end; /* where the group says that it ends; NULL if it does not say */
} cs_avro_group;

/*
 * Read the head of a group of items of a type. CS_ERR_DATA, without a message,
 * if it is damaged or cannot hold so many; CS_ERR_LIMIT for too many items of
 * no bytes.
 */
cs_code cs_bytes_group(cs_avro_bytes *in, const cs_avro_node *items, bool keyed,
                       cs_avro_group *group, cs_error *err);

/* Count values that take no bytes; CS_ERR_LIMIT past max_empty_items. */
cs_code cs_bytes_empty(cs_avro_bytes *in, int64_t count, cs_error *err);

/*
 * Pass over one value. With whole, groups are read item by item also where they
 * say where they end, so that what is passed over has its right form.
 * CS_ERR_DATA comes without a message.
 */
cs_code cs_bytes_skip(cs_avro_bytes *in, const cs_avro_node *type, bool whole, int depth,
                      cs_error *err);

/* Poll now and then; cheap enough to be called for each item. */
static inline cs_code
cs_bytes_poll(cs_avro_bytes *in, cs_error *err)
{
    return ++in->work % CS_POLL_ITEMS == 0 ? cs_poll(in->env, err) : CS_OK;
}

/* CS_ERR_LIMIT where values are nested deeper than the limit. */
cs_code cs_bytes_too_deep(const cs_avro_bytes *in, cs_error *err);

#endif
