#include <segs/fixed.h>

#include <string.h>

#include "base/base_internal.h"
#include "base/fixed_internal.h"

bool segs__is_rounding(int rounding)
{
    return rounding >= SEGS_ROUND_HALF_EVEN && rounding <= SEGS_ROUND_EXACT;
}

uint64_t segs__power_of_ten(unsigned digits)
{
    uint64_t power = 1;

    while (digits-- > 0)
        power *= 10;
    return power;
}

static bool rounds_away_from_zero(bool odd, enum segs__cut cut, bool negative, int rounding)
{
    switch (rounding) {
    case SEGS_ROUND_HALF_EVEN:
        return cut == SEGS__CUT_ABOVE_HALF || (cut == SEGS__CUT_HALF && odd);
    case SEGS_ROUND_HALF_UP:
        return cut >= SEGS__CUT_HALF;
    case SEGS_ROUND_FLOOR:
        return negative && cut != SEGS__CUT_NOTHING;
    case SEGS_ROUND_CEILING:
        return !negative && cut != SEGS__CUT_NOTHING;
    default:
        return false;
    }
}

int segs__round_magnitude(segs__u128 magnitude, enum segs__cut cut, bool negative, int rounding,
                          int64_t *ret)
{
    segs__u128 limit = (segs__u128)INT64_MAX + negative;

    if (rounding == SEGS_ROUND_EXACT && cut != SEGS__CUT_NOTHING)
        return SEGS_ERANGE;
    if (magnitude > limit)
        return SEGS_EOVERFLOW;
    if (rounds_away_from_zero((magnitude & 1) != 0, cut, negative, rounding))
        magnitude++;
    if (magnitude > limit)
        return SEGS_EOVERFLOW;

    /* -(INT64_MAX + 1) has no positive twin: negate one less, then take the one away. */
    if (negative && magnitude > 0)
        *ret = -(int64_t)(magnitude - 1) - 1;
    else
        *ret = (int64_t)magnitude;
    return 0;
}

int segs_fixed_add(int64_t a, int64_t b, int64_t *ret)
{
    int64_t result;

    if (!ret)
        return SEGS_EINVAL;
    if (__builtin_add_overflow(a, b, &result))
        return SEGS_EOVERFLOW;
    *ret = result;
    return 0;
}

int segs_fixed_sub(int64_t a, int64_t b, int64_t *ret)
{
    int64_t result;

    if (!ret)
        return SEGS_EINVAL;
    if (__builtin_sub_overflow(a, b, &result))
        return SEGS_EOVERFLOW;
    *ret = result;
    return 0;
}

int segs_fixed_mul(int64_t a, int64_t b, int64_t *ret)
{
    int64_t result;

    if (!ret)
        return SEGS_EINVAL;
    if (__builtin_mul_overflow(a, b, &result))
        return SEGS_EOVERFLOW;
    *ret = result;
    return 0;
}

static segs__u128 magnitude_of(segs__i128 x)
{
    return x < 0 ? -(segs__u128)x : (segs__u128)x;
}

static enum segs__cut cut_of_remainder(segs__u128 remainder, segs__u128 divisor)
{
    if (remainder == 0)
        return SEGS__CUT_NOTHING;
    if (remainder < divisor - remainder)
        return SEGS__CUT_BELOW_HALF;
    return remainder == divisor - remainder ? SEGS__CUT_HALF : SEGS__CUT_ABOVE_HALF;
}

int segs_mul_div(int64_t a, int64_t b, int64_t c, int rounding, int64_t *ret)
{
    segs__u128 product = magnitude_of((segs__i128)a * b);
    segs__u128 divisor = magnitude_of(c);
    bool negative = ((a < 0) != (b < 0)) != (c < 0);

    if (!ret || c == 0 || !segs__is_rounding(rounding))
        return SEGS_EINVAL;
    return segs__round_magnitude(product / divisor, cut_of_remainder(product % divisor, divisor),
                                 negative, rounding, ret);
}

int segs_fixed_rescale(int64_t value, unsigned from_digits, unsigned to_digits, int rounding,
                       int64_t *ret)
{
    if (from_digits > SEGS_SCALE_MAX || to_digits > SEGS_SCALE_MAX)
        return SEGS_EINVAL;
    return segs_mul_div(value, (int64_t)segs__power_of_ten(to_digits),
                        (int64_t)segs__power_of_ten(from_digits), rounding, ret);
}

int segs_money_make(int64_t amount_micro, const char *currency, struct segs_money *ret)
{
    if (!currency || !ret)
        return SEGS_EINVAL;
    for (size_t i = 0; i < 3; i++) {
        if (currency[i] < 'A' || currency[i] > 'Z')
            return SEGS_ESYNTAX;
    }
    if (currency[3] != '\0')
        return SEGS_ESYNTAX;

    memset(ret, 0, sizeof *ret);
    ret->amount_micro = amount_micro;
    memcpy(ret->currency, currency, sizeof ret->currency);
    return 0;
}

static int combine(const struct segs_money *a, const struct segs_money *b, struct segs_money *ret,
                   int (*operation)(int64_t, int64_t, int64_t *))
{
    struct segs_money result;
    int r;

    if (!a || !b || !ret)
        return SEGS_EINVAL;
    if (memcmp(a->currency, b->currency, sizeof a->currency) != 0)
        return SEGS_ECONFLICT;
    result = *a;
    r = operation(a->amount_micro, b->amount_micro, &result.amount_micro);
    if (r < 0)
        return r;
    *ret = result;
    return 0;
}

int segs_money_add(const struct segs_money *a, const struct segs_money *b, struct segs_money *ret)
{
    return combine(a, b, ret, segs_fixed_add);
}

int segs_money_sub(const struct segs_money *a, const struct segs_money *b, struct segs_money *ret)
{
    return combine(a, b, ret, segs_fixed_sub);
}

int segs_money_round(const struct segs_money *money, unsigned digits, int rounding,
                     struct segs_money *ret)
{
    struct segs_money result;
    int64_t unit_micro;
    int r;

    if (!money || !ret || digits > SEGS_MICRO_DIGITS)
        return SEGS_EINVAL;
    result = *money;
    unit_micro = (int64_t)segs__power_of_ten(SEGS_MICRO_DIGITS - digits);
    if ((r = segs_mul_div(money->amount_micro, 1, unit_micro, rounding, &result.amount_micro)) <
            0 ||
        (r = segs_fixed_mul(result.amount_micro, unit_micro, &result.amount_micro)) < 0)
        return r;
    *ret = result;
    return 0;
}
