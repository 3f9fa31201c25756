/*
 * core/word.h
 *     Eight bytes of text at a time.
 */
#ifndef CS_WORD_H
#define CS_WORD_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* A word whose bytes are all the same, and the highest bit of each byte. */
#define CS_EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))
#define CS_HIGH_BITS CS_EACH_BYTE(0x80)

/* Eight bytes of text, in the machine's order. */
static inline uint64_t
cs_load_word(const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof(word));
    return word;
}

/* Eight bytes of text, the first one lowest. */
static inline uint64_t
cs_load_ordered(const char *text)
{
    return le64toh(cs_load_word(text));
}

#endif
