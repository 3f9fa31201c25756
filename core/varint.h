/*
 * core/varint.h
 *     Variable-length integers: seven bits a byte, least significant first,
 *     zigzag for signed values. The encoding of Avro, used by our states too.
 */
#ifndef CS_VARINT_H
#define CS_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CS_VARINT_MAX_BYTES 10 /* ceil(64 / 7) */

/* Map signed to unsigned so that small magnitudes stay small. */
static inline uint64_t
cs_zigzag(int64_t value)
{
    return ((uint64_t) value << 1) ^ (uint64_t) (value >> 63);
}

/* Undo cs_zigzag. */
static inline int64_t
cs_unzigzag(uint64_t value)
{
    return (int64_t) (value >> 1) ^ -(int64_t) (value & 1);
}

/* Write value at out, which has room for CS_VARINT_MAX_BYTES; return the end. */
static inline uint8_t *
cs_varint_put(uint8_t *out, uint64_t value)
{
    while (value >= 0x80)
    {
        *out++ = (uint8_t) (value | 0x80);
        value >>= 7;
    }
    *out++ = (uint8_t) value;
    return out;
}

/*
 * Read a value from [in, end). Return the position behind it, or NULL when the
 * bytes run out or do not fit 64 bits. Padding with zero groups is accepted,
 * as Avro accepts it.
 */
static inline const uint8_t *
cs_varint_get(const uint8_t *in, const uint8_t *end, uint64_t *value)
{
    uint64_t result = 0;

    for (int shift = 0; shift < 70 && in < end; shift += 7)
    {
        uint8_t byte = *in++;

        if (shift == 63 && byte > 1)
            return NULL;
        result |= (uint64_t) (byte & 0x7f) << shift;
        if (byte < 0x80)
        {
            *value = result;
            return in;
        }
    }
    return NULL;
}

#endif
