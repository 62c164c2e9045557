/* Eight bytes at a time in a general register, for every quick decoder. */
#ifndef SEGS_FAST_WORDS_H
#define SEGS_FAST_WORDS_H

#include <stdint.h>
#include <string.h>

static inline uint64_t load64(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline uint32_t load32(const char *p)
{
    uint32_t word;

    memcpy(&word, p, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

static inline unsigned low_bit(uint32_t mask)
{
    return (unsigned)__builtin_ctz(mask);
}

/* The number that eight ASCII digits stand for, the first in the lowest byte; a zero byte counts as
 * the digit 0. Pairs, then fours, then all eight are joined by one multiplication each. */
static inline uint64_t eight_digits(uint64_t word)
{
    word = (word & UINT64_C(0x0F0F0F0F0F0F0F0F)) * 2561 >> 8;
    word = (word & UINT64_C(0x00FF00FF00FF00FF)) * 6553601 >> 16;
    return (word & UINT64_C(0x0000FFFF0000FFFF)) * UINT64_C(42949672960001) >> 32;
}

/* The 1..8 digits at `p`. */
static inline uint64_t whole_digits(const char *p, unsigned n)
{
    return eight_digits(load64(p) << (64 - 8 * n));
}

/* The 1..8 digits at `p` as the first of eight. */
static inline uint64_t fraction_digits(const char *p, unsigned n)
{
    return eight_digits(load64(p) & UINT64_MAX >> (64 - 8 * n));
}

#endif
