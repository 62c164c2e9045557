/* The quick decoder in ISO C, for machines without the instruction sets of the others. */
#include <string.h>

#include "base/base_internal.h"
#include "telemetry/fast_words.h"
#include "telemetry/telemetry_internal.h"

static inline bool same_literal(const char *p, const struct segs__fast_step *step)
{
    return memcmp(p, step->literal, step->len) == 0;
}

static inline unsigned name_length(const char *p)
{
    unsigned len = 0;

    while (len <= SEGS__NAME_MAX_BYTES && p[len] != '"')
        len++;
    return len;
}

static inline bool same_name(const char *p, const struct segs__name_slot *slot)
{
    return memcmp(p, slot->name, (size_t)slot->len + 1) == 0;
}

static inline uint32_t digit_mask(const char *p)
{
    uint32_t digits = 0;

    for (unsigned i = 0; i < 16; i++)
        digits |= (segs__is_digit(p[i]) ? 1u : 0u) << i;
    return digits;
}

static inline void split_digits(const char *p, unsigned n_whole, unsigned n_fraction,
                                uint64_t *ret_whole, uint64_t *ret_fraction)
{
    *ret_whole = whole_digits(p, n_whole);
    *ret_fraction = fraction_digits(p + n_whole + 1, n_fraction);
}

static inline unsigned copy_text(char *dst, const char *p, unsigned wanted)
{
    unsigned len = 0;

    for (; p[len] != '"'; len++) {
        if (len == SEGS_ID_BYTES - 1 || !(segs__text_class((unsigned char)p[len]) & wanted))
            return 0;
    }
    memcpy(dst, p, len);
    return len;
}

#include "telemetry/fast_body.h"

const char *segs__fast_portable(struct segs__fast *f, const char *p, const char *limit,
                                struct segs_reading *ret)
{
    return decode_object(f, p, limit, ret);
}
