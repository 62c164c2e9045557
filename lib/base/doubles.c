#include <segs/fixed.h>

#include <float.h>
#include <math.h>

#include "base/base_internal.h"
#include "base/fixed_internal.h"

_Static_assert(FLT_RADIX == 2 && DBL_MANT_DIG == 53, "doubles are IEEE 754 binary64");

/* What a right shift by n_bits drops of a value above zero and below 2^95; n_bits is at least 1. */
static enum segs__cut cut_of_shift(segs__u128 value, unsigned n_bits)
{
    segs__u128 half;
    segs__u128 dropped;

    if (n_bits >= 128)
        return SEGS__CUT_BELOW_HALF;
    half = (segs__u128)1 << (n_bits - 1);
    dropped = value & (half | (half - 1));
    if (dropped == 0)
        return SEGS__CUT_NOTHING;
    if (dropped == half)
        return SEGS__CUT_HALF;
    return dropped < half ? SEGS__CUT_BELOW_HALF : SEGS__CUT_ABOVE_HALF;
}

/* value * 10^s = mantissa * 5^s * 2^(exponent + s): the product of the first two has at most
 * 53 + 42 bits, so it is exact in 128, and the rest is a shift. */
static int from_double(double value, unsigned scale_digits, uint64_t power_of_five, int rounding,
                       int64_t *ret)
{
    bool negative = value < 0;
    segs__u128 product;
    int exponent;
    int shift;

    if (!isfinite(value))
        return SEGS_ERANGE;
    if (value == 0) {
        *ret = 0;
        return 0;
    }
    product = (segs__u128)(uint64_t)ldexp(frexp(fabs(value), &exponent), 53) * power_of_five;
    shift = exponent - 53 + (int)scale_digits;
    if (shift >= 0) {
        /* A normalised mantissa has its top bit set: shifted by 11 or more it is past 2^63. */
        if (shift > 11)
            return SEGS_EOVERFLOW;
        return segs__round_magnitude(product << shift, SEGS__CUT_NOTHING, negative, rounding, ret);
    }
    return segs__round_magnitude(-shift >= 128 ? 0 : product >> -shift,
                                 cut_of_shift(product, (unsigned)-shift), negative, rounding, ret);
}

static int fail_at_value(struct segs_error *reterr, int code, size_t i, double value)
{
    const char *message = !isfinite(value)         ? "expected a finite number"
                          : code == SEGS_EOVERFLOW ? "number too large"
                                                   : "number needs rounding, but exact was asked";

    (void)segs__fail(reterr, code, NULL, -1, "%s", message);
    if (reterr)
        reterr->index = (int64_t)i;
    return code;
}

int segs_fixed_from_doubles(const double *values, size_t n, unsigned scale_digits, int rounding,
                            int64_t *ret, struct segs_error *reterr)
{
    uint64_t power_of_five;
    int64_t unused;

    if (n > 0 && (!values || !ret))
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "values or result is NULL");
    if (scale_digits > SEGS_SCALE_MAX || !segs__is_rounding(rounding))
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "unknown scale or rounding");

    power_of_five = segs__power_of_ten(scale_digits) >> scale_digits;
    for (size_t i = 0; i < n; i++) {
        int r = from_double(values[i], scale_digits, power_of_five, rounding, &unused);

        if (r < 0)
            return fail_at_value(reterr, r, i, values[i]);
    }
    for (size_t i = 0; i < n; i++)
        (void)from_double(values[i], scale_digits, power_of_five, rounding, &ret[i]);
    return 0;
}

int segs_fixed_to_doubles(const int64_t *values, size_t n, unsigned scale_digits, double *ret)
{
    double divisor;

    if ((n > 0 && (!values || !ret)) || scale_digits > SEGS_SCALE_MAX)
        return SEGS_EINVAL;
    divisor = (double)segs__power_of_ten(scale_digits);
    for (size_t i = 0; i < n; i++)
        ret[i] = (double)values[i] / divisor;
    return 0;
}
