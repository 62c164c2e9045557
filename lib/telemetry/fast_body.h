/* The quick decoder of one object, included once per instruction set, behind the primitives that
 * differ between them:
 *   same_literal(p, step)       do the step's bytes stand at p
 *   name_length(p)              bytes before the next quote, or more than SEGS__NAME_MAX_BYTES
 *   same_name(p, slot)          do the slot's name and its closing quote stand at p
 *   digit_mask(p)               which of the 16 bytes at p are digits
 *   split_digits(p, n, m, &w, &f)  the 1..8 digits at p, and the 1..8 behind the point as if they
 *                               were eight
 *   copy_text(dst, p, wanted)   copy the text at p, up to its closing quote, to the 64 zeroed bytes
 *                               at dst, and return its length; 0 unless it has 1 to 63 bytes of the
 *                               wanted class and nothing else
 * It knows nothing of errors: whatever is not as usual is left to the plain decoder. */

#include <segs/fixed.h>
#include <segs/time.h>

#include <string.h>

#include "telemetry/fast_words.h"
#include "telemetry/telemetry_internal.h"

/* Whitespace is followed for this many bytes at one place; pretty printers need fewer. */
#define SPACE_MAX_BYTES 16

/* Numbers with more digits than a register holds. */
static const char *long_number(const char *p, const char *limit, unsigned scale, int rounding,
                               int64_t *ret)
{
    struct segs__json j = { p, limit, NULL };

    if (p >= limit || segs__json_number(&j) < 0 || j.p == limit ||
        segs_decimal_parse(p, (size_t)(j.p - p), scale, rounding, ret, NULL) < 0)
        return NULL;
    return j.p;
}

/* A fraction of eight digits in units of 10^-scale; `divisor` is 10^(8 - scale). */
static inline uint64_t round_fraction(uint64_t fraction, uint64_t divisor)
{
    uint64_t units = fraction / divisor;
    uint64_t rest = fraction % divisor;

    return units + (rest + (units & 1) > divisor / 2); /* to nearest, ties to even */
}

/* A number of up to 8 digits on each side of the point, as a multiple of 10^-scale. What follows it
 * is not looked at: an exponent, like anything else that does not belong there, is found by whoever
 * expects a comma next. `divisor` is 10^(8 - scale). */
static inline const char *decimal(const char *p, const char *limit, unsigned scale,
                                  uint64_t divisor, int64_t *ret)
{
    const char *start = p;
    uint32_t others;
    unsigned n_whole;
    unsigned n_fraction;
    uint64_t whole;
    uint64_t fraction;

    if (*p == '-')
        p++;
    others = ~digit_mask(p); /* sixteen bytes are looked at, so bit 16 and above are set */
    n_whole = low_bit(others);
    if (n_whole - 1 > 7)
        return long_number(start, limit, scale, SEGS_ROUND_HALF_EVEN, ret);
    if (*p == '0' && n_whole > 1)
        return NULL;
    if (p[n_whole] != '.') {
        whole = whole_digits(p, n_whole) * (100000000 / divisor);
        *ret = p == start ? (int64_t)whole : -(int64_t)whole;
        return p + n_whole;
    }

    n_fraction = low_bit(others & (others - 1)) - n_whole - 1;
    if (n_fraction - 1 > 7 || n_whole + n_fraction > 14)
        return long_number(start, limit, scale, SEGS_ROUND_HALF_EVEN, ret);
    split_digits(p, n_whole, n_fraction, &whole, &fraction);
    fraction = n_fraction > scale ? round_fraction(fraction, divisor) : fraction / divisor;
    whole = whole * (100000000 / divisor) + fraction;
    *ret = p == start ? (int64_t)whole : -(int64_t)whole;
    return p + n_whole + 1 + n_fraction;
}

static inline const char *decimal64(const char *p, const char *limit, void *ret)
{
    int64_t value;

    p = decimal(p, limit, 6, 100, &value);
    if (p)
        memcpy(ret, &value, sizeof value);
    return p;
}

static inline const char *narrow(const char *p, int64_t value, void *ret)
{
    int32_t field = (int32_t)value;

    if (field != value)
        return NULL;
    memcpy(ret, &field, sizeof field);
    return p;
}

static inline const char *decimal32_micro(const char *p, const char *limit, void *ret)
{
    int64_t value;

    p = decimal(p, limit, 6, 100, &value);
    return p ? narrow(p, value, ret) : NULL;
}

static inline const char *decimal32_milli(const char *p, const char *limit, void *ret)
{
    int64_t value;

    p = decimal(p, limit, 3, 100000, &value);
    return p ? narrow(p, value, ret) : NULL;
}

static inline const char *sequence(const char *p, const char *limit, int64_t *ret)
{
    unsigned len = low_bit(~digit_mask(p));

    if (len - 1 > 7 || p[len] == '.') {
        p = long_number(p, limit, 0, SEGS_ROUND_EXACT, ret);
        return p && *ret >= 0 && *ret <= SEGS_SEQ_MAX ? p : NULL;
    }
    if (*p == '0' && len > 1)
        return NULL;
    *ret = (int64_t)whole_digits(p, len);
    return p + len;
}

/* The text between quotes, of any shape that RFC 3339 allows. */
static const char *odd_time(const char *p, int64_t *ret)
{
    const char *end = memchr(p, '"', 48);

    if (!end || segs_time_parse(p, (size_t)(end - p), ret, NULL) < 0)
        return NULL;
    return end + 1;
}

/* Remember midnight of the date at `p`, eleven bytes up to the T. */
static bool learn_date(struct segs__fast *f, const char *p)
{
    char text[20];
    int64_t midnight_ms;

    memcpy(text, p, 11);
    memcpy(text + 11, "00:00:00Z", 9);
    if (segs_time_parse(text, sizeof text, &midnight_ms, NULL) < 0)
        return false;
    memcpy(f->date, p, 11);
    f->date_ms = midnight_ms;
    return true;
}

/* Nibbles of a word whose separators were taken out by exclusive or: are all of them digits? */
static inline bool are_digits(uint64_t word)
{
    return (((word + UINT64_C(0x0606060606060606)) | word) & UINT64_C(0xF0F0F0F0F0F0F0F0)) == 0;
}

/* Behind the opening quote: "2026-01-15T14:30:00.000Z" or the same without the fraction. */
static inline const char *timestamp(struct segs__fast *f, const char *p, int64_t *ret)
{
    uint64_t clock;
    uint64_t pairs;
    uint64_t fraction;
    uint64_t hour;
    uint64_t minute;
    uint64_t second;

    if ((load64(p) != load64(f->date) || load64(p + 3) != load64(f->date + 3)) && !learn_date(f, p))
        return NULL;
    clock = load64(p + 11) ^ UINT64_C(0x30303A30303A3030); /* hh:mm:ss */
    pairs = clock * 10 + (clock >> 8);
    hour = pairs & 0xFF;
    minute = pairs >> 24 & 0xFF;
    second = pairs >> 48 & 0xFF;
    if (!are_digits(clock) || (clock & UINT64_C(0x0000FF0000FF0000)) != 0 || hour > 23 ||
        minute > 59 || second > 59)
        return odd_time(p, ret);

    *ret = f->date_ms + (int64_t)(((hour * 60 + minute) * 60 + second) * 1000);
    if (p[19] == 'Z' && p[20] == '"')
        return p + 21;
    fraction = load32(p + 19) ^ 0x3030302Eu; /* .mmm */
    if (!are_digits(fraction) || (fraction & 0xFF) != 0 || p[23] != 'Z' || p[24] != '"')
        return odd_time(p, ret);
    *ret +=
        (int64_t)((fraction >> 8 & 0xFF) * 100 + (fraction >> 16 & 0xFF) * 10 + (fraction >> 24));
    return p + 25;
}

/* Behind the opening quote. */
static inline const char *status_word(const char *p, int32_t *ret)
{
    if (p[0] == 'O' && p[1] == 'K' && p[2] == '"') {
        *ret = SEGS_STATUS_OK;
        return p + 3;
    }
    if (memcmp(p, "ERROR\"", 6) != 0)
        return NULL;
    *ret = SEGS_STATUS_ERROR;
    return p + 6;
}

static inline const char *space(const struct segs__fast *f, const char *p)
{
    const char *end = p + SPACE_MAX_BYTES;

    if ((unsigned char)*p > ' ')
        return p;
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || (*p == '\n' && f->allow_lf)))
        p++;
    return p;
}

/* Remember what stands between `p` and the value at `q`, when it is short enough. Longer than a step
 * has room for: it is parsed again each time. */
static inline void learn(struct segs__fast_step *step, const char *p, const char *q,
                         unsigned member)
{
    size_t len = (size_t)(q - p);

    if (len > sizeof step->literal)
        return;
    memcpy(step->literal, p, sizeof step->literal);
    step->mask = (uint32_t)((UINT64_C(1) << len) - 1);
    step->len = (uint16_t)len;
    step->member = (uint16_t)member;
}

/* What the step did not foresee: parse the bytes between two values. Returns the place of the value,
 * or behind the closing brace. */
static inline const char *between_values(const struct segs__fast *f, struct segs__fast_step *step,
                                         const char *p, bool is_first, unsigned *ret_member)
{
    const struct segs__name_slot *slot;
    const char *q = space(f, p);
    unsigned len;

    if (*q == '}' && !is_first) {
        *ret_member = SEGS__N_MEMBERS;
        learn(step, p, q + 1, SEGS__N_MEMBERS);
        return q + 1;
    }
    if (*q != (is_first ? '{' : ','))
        return NULL;
    q = space(f, q + 1);
    if (*q++ != '"')
        return NULL;

    len = name_length(q);
    if (len - SEGS__NAME_MIN_BYTES > SEGS__NAME_MAX_BYTES - SEGS__NAME_MIN_BYTES)
        return NULL;
    slot = &segs__name_slots[segs__name_hash(load32(q) & 0xFFFFFF, len)];
    if (!same_name(q, slot))
        return NULL;
    q = space(f, q + len + 1);
    if (*q++ != ':')
        return NULL;
    q = space(f, q);
    *ret_member = slot->member;
    learn(step, p, q, slot->member);
    return q;
}

static inline const char *text(char *dst, const char *p, unsigned wanted)
{
    unsigned len;

    if (*p++ != '"')
        return NULL;
    len = copy_text(dst, p, wanted);
    return len == 0 ? NULL : p + len + 1;
}

static inline const char *value(struct segs__fast *f, const char *p, const char *limit,
                                unsigned member, struct segs_reading *ret)
{
    switch (member) {
    case SEGS__POWER:
        return decimal64(p, limit, &ret->power_micro_kw);
    case SEGS__ENERGY:
        return decimal64(p, limit, &ret->energy_micro_kwh);
    case SEGS__REGISTER:
        return decimal64(p, limit, &ret->register_micro_kwh);
    case SEGS__VOLTAGE:
        return decimal32_milli(p, limit, &ret->voltage_milli_v);
    case SEGS__CURRENT:
        return decimal32_milli(p, limit, &ret->current_milli_a);
    case SEGS__POWER_FACTOR:
        return decimal32_micro(p, limit, &ret->power_factor_micro);
    case SEGS__FREQUENCY:
        return decimal32_milli(p, limit, &ret->frequency_milli_hz);
    case SEGS__TEMPERATURE:
        return decimal32_milli(p, limit, &ret->temperature_milli_degc);
    case SEGS__SEQ:
        return sequence(p, limit, &ret->seq);
    case SEGS__REGION:
        return text(ret->region, p, SEGS__REGION_BYTE);
    case SEGS__STATUS:
        return *p == '"' ? status_word(p + 1, &ret->status) : NULL;
    case SEGS__READING_ID:
        return text(ret->reading_id, p, SEGS__ID_BYTE);
    case SEGS__METER_ID:
        return text(ret->meter_id, p, SEGS__ID_BYTE);
    default:
        return *p == '"' ? timestamp(f, p + 1, &ret->ts_ms) : NULL;
    }
}

/* At the closing brace: is everything there that must be? */
static inline bool complete(struct segs_reading *ret, uint32_t seen)
{
    const uint32_t required = 1u << SEGS__METER_ID | 1u << SEGS__TIMESTAMP;

    ret->present = seen & SEGS_HAS_ALL;
    return (seen & required) == required && (seen & SEGS_HAS_MEASUREMENT) != 0;
}

static inline const char *decode_object(struct segs__fast *f, const char *p, const char *limit,
                                        struct segs_reading *ret)
{
    uint32_t seen = 0;

    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < SEGS__FAST_STEPS; i++) {
        struct segs__fast_step *step = &f->steps[i];
        unsigned member;

        if (p >= limit)
            return NULL;
        if (same_literal(p, step)) {
            member = step->member;
            p += step->len;
        } else {
            p = between_values(f, step, p, i == 0, &member);
            if (!p)
                return NULL;
        }
        if (member == SEGS__N_MEMBERS)
            return complete(ret, seen) ? p : NULL;
        if (seen >> member & 1u)
            return NULL;
        seen |= 1u << member;
        p = value(f, p, limit, member, ret);
        if (!p)
            return NULL;
    }
    return NULL;
}
