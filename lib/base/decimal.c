#include <segs/fixed.h>

#include "base/base_internal.h"
#include "base/fixed_internal.h"

/* Beyond this an exponent says no more than "huge" or "tiny" next to any text that fits in memory,
 * and sums of it with lengths stay far from the ends of int64_t. */
#define EXPONENT_LIMIT (INT64_MAX / 100)

/* The parts of a JSON number: digits d0 d1 d2 ... whose point stands behind the first `point` of
 * them. The digits lie in one or two runs of the text. */
struct decimal {
    bool negative;
    const char *integer;
    size_t n_integer;
    const char *fraction;
    size_t n_fraction;
    int64_t exponent;
};

static int malformed(const char *text, size_t len, size_t pos, const char *expected,
                     struct segs_error *reterr)
{
    char found[SEGS__FOUND_BYTES];

    return segs__fail(reterr, SEGS_ESYNTAX, NULL, (int64_t)pos, "expected %s, found %s", expected,
                      segs__found(found, text, len, pos));
}

static size_t digits_end(const char *text, size_t len, size_t pos)
{
    while (pos < len && segs__is_digit(text[pos]))
        pos++;
    return pos;
}

/* Reads the digits behind 'e' or 'E' and its sign, of which there must be one or more. */
static int64_t exponent_value(const char *text, size_t begin, size_t end, bool negative)
{
    int64_t value = 0;

    for (size_t i = begin; i < end && value < EXPONENT_LIMIT; i++)
        value = value * 10 + (text[i] - '0');
    return negative ? -value : value;
}

static int scan_exponent(const char *text, size_t len, size_t *pos, struct decimal *d,
                         struct segs_error *reterr)
{
    size_t begin = *pos + 1;
    bool negative = false;

    d->exponent = 0;
    if (*pos >= len || (text[*pos] != 'e' && text[*pos] != 'E'))
        return 0;
    if (begin < len && (text[begin] == '+' || text[begin] == '-')) {
        negative = text[begin] == '-';
        begin++;
    }
    *pos = digits_end(text, len, begin);
    if (*pos == begin)
        return malformed(text, len, begin, "a digit of the exponent", reterr);
    d->exponent = exponent_value(text, begin, *pos, negative);
    return 0;
}

static int scan_decimal(const char *text, size_t len, struct decimal *d, struct segs_error *reterr)
{
    size_t begin;
    size_t pos;
    int r;

    d->negative = len > 0 && text[0] == '-';
    begin = d->negative ? 1 : 0;
    pos = digits_end(text, len, begin);
    d->integer = text + begin;
    d->n_integer = pos - begin;
    if (d->n_integer == 0)
        return malformed(text, len, pos, "a digit", reterr);
    if (d->n_integer > 1 && text[begin] == '0')
        return segs__fail(reterr, SEGS_ESYNTAX, NULL, (int64_t)begin,
                          "expected no zero before other digits");

    d->fraction = text + pos;
    d->n_fraction = 0;
    if (pos < len && text[pos] == '.') {
        begin = pos + 1;
        pos = digits_end(text, len, begin);
        d->fraction = text + begin;
        d->n_fraction = pos - begin;
        if (d->n_fraction == 0)
            return malformed(text, len, pos, "a digit after the point", reterr);
    }
    r = scan_exponent(text, len, &pos, d, reterr);
    if (r < 0)
        return r;
    return pos == len ? 0 : malformed(text, len, pos, "end of text", reterr);
}

static unsigned digit_at(const struct decimal *d, size_t i)
{
    char c = i < d->n_integer ? d->integer[i] : d->fraction[i - d->n_integer];

    return (unsigned)(c - '0');
}

static bool is_zero_from(const struct decimal *d, size_t i)
{
    for (; i < d->n_integer + d->n_fraction; i++) {
        if (digit_at(d, i) != 0)
            return false;
    }
    return true;
}

/* What stands at and behind digit `i` when the digits before it are kept. */
static enum segs__cut cut_at(const struct decimal *d, size_t i)
{
    bool rest_is_zero;
    unsigned first;

    if (i >= d->n_integer + d->n_fraction)
        return SEGS__CUT_NOTHING;
    first = digit_at(d, i);
    rest_is_zero = is_zero_from(d, i + 1);
    if (first == 0 && rest_is_zero)
        return SEGS__CUT_NOTHING;
    if (first < 5)
        return SEGS__CUT_BELOW_HALF;
    return first == 5 && rest_is_zero ? SEGS__CUT_HALF : SEGS__CUT_ABOVE_HALF;
}

/* The first `n_kept` digits as a number, zeros standing for those the text does not have. Stops
 * once it is past every int64_t, so that neither it nor the time grows with the exponent. */
static segs__u128 leading_digits(const struct decimal *d, int64_t n_kept)
{
    int64_t n_digits = (int64_t)(d->n_integer + d->n_fraction);
    segs__u128 value = 0;

    for (int64_t i = 0; i < n_kept && value <= (segs__u128)INT64_MAX + 1; i++)
        value = value * 10 + (i < n_digits ? digit_at(d, (size_t)i) : 0);
    return value;
}

static int scale_decimal(const struct decimal *d, unsigned scale_digits, int rounding, int64_t *ret)
{
    int64_t n_kept = (int64_t)d->n_integer + d->exponent + (int64_t)scale_digits;

    if (is_zero_from(d, 0)) {
        *ret = 0;
        return 0;
    }
    /* Below a tenth of the last place the first digit cut off is a zero the text does not have. */
    if (n_kept < 0)
        return segs__round_magnitude(0, SEGS__CUT_BELOW_HALF, d->negative, rounding, ret);
    return segs__round_magnitude(leading_digits(d, n_kept), cut_at(d, (size_t)n_kept), d->negative,
                                 rounding, ret);
}

int segs_decimal_parse(const char *text, size_t len, unsigned scale_digits, int rounding,
                       int64_t *ret, struct segs_error *reterr)
{
    struct decimal d = { 0 };
    int r;

    if (!text || !ret)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "text or result is NULL");
    if (scale_digits > SEGS_SCALE_MAX || !segs__is_rounding(rounding))
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "unknown scale or rounding");
    r = scan_decimal(text, len, &d, reterr);
    if (r < 0)
        return r;

    r = scale_decimal(&d, scale_digits, rounding, ret);
    if (r == SEGS_ERANGE)
        return segs__fail(reterr, r, NULL, 0, "too precise: expected at most %u decimals",
                          scale_digits);
    if (r == SEGS_EOVERFLOW)
        return segs__fail(reterr, r, NULL, 0, "too large for a number with %u decimals",
                          scale_digits);
    return r;
}

int segs_decimal_format(int64_t value, unsigned scale_digits, unsigned min_fraction_digits,
                        char *buf, size_t size)
{
    char reversed[SEGS_DECIMAL_BYTES];
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    unsigned n_fraction = scale_digits;
    size_t n = 0;

    if (!buf || scale_digits > SEGS_SCALE_MAX || min_fraction_digits > scale_digits)
        return SEGS_EINVAL;
    for (; n_fraction > min_fraction_digits && magnitude % 10 == 0; n_fraction--)
        magnitude /= 10;

    for (unsigned i = 0; i < n_fraction; i++, magnitude /= 10)
        reversed[n++] = (char)('0' + magnitude % 10);
    if (n_fraction > 0)
        reversed[n++] = '.';
    do {
        reversed[n++] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude > 0);
    if (value < 0)
        reversed[n++] = '-';

    if (size <= n)
        return SEGS_ENOSPC;
    for (size_t i = 0; i < n; i++)
        buf[i] = reversed[n - 1 - i];
    buf[n] = '\0';
    return (int)n;
}
