/* The quick decoder 16 bytes at a time. SSE2 is part of every x86-64. */
#include "telemetry/fast_words.h"
#include "telemetry/telemetry_internal.h"

#if defined(__SSE2__)

#include <emmintrin.h>

static inline __m128i load16(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline uint32_t mask16(__m128i bytes)
{
    return (uint32_t)_mm_movemask_epi8(bytes);
}

/* Bytes from `first` to `last`, unsigned. */
static inline __m128i in_range(__m128i bytes, char first, char last)
{
    __m128i shifted = _mm_sub_epi8(bytes, _mm_set1_epi8(first));

    return _mm_cmpeq_epi8(_mm_min_epu8(shifted, _mm_set1_epi8((char)(last - first))), shifted);
}

static inline __m128i equal_to(__m128i bytes, char c)
{
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}

static inline bool same_literal(const char *p, const struct segs__fast_step *step)
{
    __m128i low = _mm_cmpeq_epi8(load16(p), load16(step->literal));
    __m128i high = _mm_cmpeq_epi8(load16(p + 16), load16(step->literal + 16));
    uint32_t same = mask16(low) | mask16(high) << 16;

    return (~same & step->mask) == 0;
}

static inline unsigned name_length(const char *p)
{
    return (unsigned)__builtin_ctz(mask16(equal_to(load16(p), '"')) | 0x10000u);
}

static inline bool same_name(const char *p, const struct segs__name_slot *slot)
{
    uint32_t same = mask16(_mm_cmpeq_epi8(load16(p), load16(slot->name)));

    return (~same & slot->mask) == 0;
}

static inline uint32_t digit_mask(const char *p)
{
    return mask16(in_range(load16(p), '0', '9'));
}

static inline void split_digits(const char *p, unsigned n_whole, unsigned n_fraction,
                                uint64_t *ret_whole, uint64_t *ret_fraction)
{
    *ret_whole = whole_digits(p, n_whole);
    *ret_fraction = fraction_digits(p + n_whole + 1, n_fraction);
}

static inline uint32_t class_mask(__m128i bytes, unsigned wanted)
{
    __m128i letters = in_range(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
    __m128i good = _mm_or_si128(letters, in_range(bytes, '0', ':'));

    good = _mm_or_si128(good, _mm_or_si128(equal_to(bytes, '_'), in_range(bytes, '-', '.')));
    if (wanted == SEGS__REGION_BYTE)
        good = _mm_or_si128(good,
                            _mm_or_si128(_mm_or_si128(equal_to(bytes, ' '), equal_to(bytes, '+')),
                                         equal_to(bytes, '/')));
    return mask16(good);
}

/* Sixteen bytes of ones and sixteen of zeros: read from 16 - n on, n bytes are kept. */
static const unsigned char keep_mask[32] = { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                             0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF };

static inline unsigned copy_text(char *dst, const char *p, unsigned wanted)
{
    for (unsigned done = 0; done < SEGS_ID_BYTES; done += 16) {
        __m128i bytes = load16(p + done);
        uint32_t quotes = mask16(equal_to(bytes, '"'));
        uint32_t good = class_mask(bytes, wanted);
        unsigned n = (unsigned)__builtin_ctz(quotes | 0x10000u);
        __m128i keep = load16((const char *)keep_mask + 16 - n);

        if ((~good & ((1u << n) - 1)) != 0)
            return 0;
        _mm_storeu_si128((__m128i *)(void *)(dst + done), _mm_and_si128(bytes, keep));
        if (quotes != 0)
            return done + n;
    }
    return 0;
}

#include "telemetry/fast_body.h"

static const char *decode(struct segs__fast *f, const char *p, const char *limit,
                          struct segs_reading *ret)
{
    return decode_object(f, p, limit, ret);
}

segs__fast_fn *segs__fast_sse2(void)
{
    return decode;
}

#else

segs__fast_fn *segs__fast_sse2(void)
{
    return NULL;
}

#endif
