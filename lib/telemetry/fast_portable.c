/* The quick decoder in ISO C, for machines without the instruction sets of the others. */
#include <string.h>

#include "base/base_internal.h"
#include "telemetry/telemetry_internal.h"

static inline bool same_literal(const char *p, const struct segs__fast_step *step)
{
    return step->len != 0 && memcmp(p, step->literal, step->len) == 0;
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
    return memcmp(p, slot->name, slot->len) == 0;
}

static inline void number_masks(const char *p, uint32_t *ret_digits, uint32_t *ret_span)
{
    uint32_t digits = 0;
    uint32_t span = 0;

    for (unsigned i = 0; i < 16; i++) {
        uint32_t is_digit = segs__is_digit(p[i]) ? 1 : 0;

        if (!is_digit && p[i] != '.' && p[i] != '/')
            break;
        digits |= is_digit << i;
        span |= 1u << i;
    }
    *ret_digits = digits;
    *ret_span = span;
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
