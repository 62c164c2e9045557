/* The quick decoder 32 bytes at a time. The build gives this file alone the flags for AVX2, BMI and BMI2;
 * whether the machine has them is asked when it runs. */
#include "telemetry/fast_words.h"
#include "telemetry/telemetry_internal.h"

#if defined(__AVX2__) && defined(__BMI2__)

#include <immintrin.h>

static inline __m128i load16(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline __m256i load32_bytes(const char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static inline uint32_t mask16(__m128i bytes)
{
    return (uint32_t)_mm_movemask_epi8(bytes);
}

static inline uint32_t mask32(__m256i bytes)
{
    return (uint32_t)_mm256_movemask_epi8(bytes);
}

static inline __m128i in_range(__m128i bytes, char first, char last)
{
    __m128i shifted = _mm_sub_epi8(bytes, _mm_set1_epi8(first));

    return _mm_cmpeq_epi8(_mm_min_epu8(shifted, _mm_set1_epi8((char)(last - first))), shifted);
}

static inline bool same_literal(const char *p, const struct segs__fast_step *step)
{
    uint32_t same = mask32(_mm256_cmpeq_epi8(load32_bytes(p), load32_bytes(step->literal)));

    return (~same & step->mask) == 0;
}

static inline unsigned name_length(const char *p)
{
    return (unsigned)__builtin_ctz(mask16(_mm_cmpeq_epi8(load16(p), _mm_set1_epi8('"'))) |
                                   0x10000u);
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

/* Both sides of the point at once: digits are joined to pairs, fours and eights in both halves of one
 * register. */
static inline void split_digits(const char *p, unsigned n_whole, unsigned n_fraction,
                                uint64_t *ret_whole, uint64_t *ret_fraction)
{
    uint64_t whole = load64(p) << (64 - 8 * n_whole);
    uint64_t fraction = _bzhi_u64(load64(p + n_whole + 1), 8 * n_fraction);
    __m128i digits =
        _mm_and_si128(_mm_set_epi64x((int64_t)fraction, (int64_t)whole), _mm_set1_epi8(0x0F));
    __m128i pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010A));
    __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00010064));
    __m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(0x00012710));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);

    *ret_whole = both & UINT32_MAX;
    *ret_fraction = both >> 32;
}

/* Which bytes are of the class: each row of the ASCII table (high nibble) has a bit, and each column
 * (low nibble) names the rows in which it is allowed. Row 2 has two bits: 0x01 holds what ids may
 * have of it (- .), 0x02 what regions may (space + - . /). */
static inline uint32_t class_mask(__m256i bytes, unsigned wanted)
{
    const char row2 = wanted == SEGS__REGION_BYTE ? 0x02 : 0x01;
    const __m256i columns =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0x36, 0x3C, 0x3C, 0x3C, 0x3C, 0x3C, 0x3C, 0x3C,
                                                  0x3C, 0x3C, 0x3C, 0x0A, 0x08, 0x0B, 0x0B, 0x1A));
    const __m256i rows = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 0, row2, 0x04, 0x08, 0x10, 0x08, 0x20, 0, 0, 0, 0, 0, 0, 0, 0));
    const __m256i nibble = _mm256_set1_epi8(0x0F);
    __m256i column = _mm256_shuffle_epi8(columns, _mm256_and_si256(bytes, nibble));
    __m256i row = _mm256_shuffle_epi8(rows, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble));
    __m256i bad = _mm256_cmpeq_epi8(_mm256_and_si256(column, row), _mm256_setzero_si256());

    return ~mask32(bad);
}

/* Thirty-two bytes of ones and as many of zeros: read from 32 - n on, n bytes are kept. */
static const unsigned char keep_mask[64] = { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                             0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                             0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                             0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF };

static inline unsigned copy_text(char *dst, const char *p, unsigned wanted)
{
    for (unsigned done = 0; done < SEGS_ID_BYTES; done += 32) {
        __m256i bytes = load32_bytes(p + done);
        uint32_t quotes = mask32(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"')));
        uint32_t before = quotes == 0 ? UINT32_MAX : (quotes & (0u - quotes)) - 1;
        unsigned n = quotes == 0 ? 32 : (unsigned)__builtin_ctz(quotes);
        __m256i keep = load32_bytes((const char *)keep_mask + 32 - n);

        if ((~class_mask(bytes, wanted) & before) != 0)
            return 0;
        _mm256_storeu_si256((__m256i *)(void *)(dst + done), _mm256_and_si256(bytes, keep));
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

segs__fast_fn *segs__fast_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                   __builtin_cpu_supports("bmi2")
               ? decode
               : NULL;
}

#else

segs__fast_fn *segs__fast_avx2(void)
{
    return NULL;
}

#endif
