/**
 * @file
 * Fixed-point numbers and money: exact decimal text in and out, checked arithmetic, named rounding.
 *
 * A fixed-point number is an int64_t that counts units of 10^-scale, scale being 0..18 ("scale 6":
 * millionths). Nothing here passes through floating point except the two converters that say so.
 * Nothing wraps around: a result that does not fit is SEGS_EOVERFLOW.
 *
 * Thread rule: pure functions and plain data, callable from any thread.
 */
#ifndef SEGS_FIXED_H
#define SEGS_FIXED_H

#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>
#include <segs/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Largest scale: 10^18 is the largest power of ten below 2^63. */
#define SEGS_SCALE_MAX 18

/** Digits of the scale of money and of measured values: millionths. */
#define SEGS_MICRO_DIGITS 6

/** Bytes that hold every formatted fixed-point number with its NUL. */
#define SEGS_DECIMAL_BYTES 24

/** Rounding modes. Zero is none of them, so that a forgotten one is an error. */
#define SEGS_ROUND_HALF_EVEN 1   /**< To the nearest; a tie to the even neighbour. */
#define SEGS_ROUND_HALF_UP 2     /**< To the nearest; a tie away from zero. */
#define SEGS_ROUND_TOWARD_ZERO 3 /**< Cut off. */
#define SEGS_ROUND_FLOOR 4       /**< Toward negative infinity. */
#define SEGS_ROUND_CEILING 5     /**< Toward positive infinity. */
#define SEGS_ROUND_EXACT 6       /**< Not at all: a result that needs rounding is SEGS_ERANGE. */

/** An amount of money. 16 bytes, no padding; the layout is part of the ABI. */
struct segs_money {
    int64_t amount_micro; /**< Millionths of the currency's major unit. */
    char currency[4];     /**< ISO 4217 code, three letters A-Z and a NUL. */
    uint32_t reserved;    /**< Zero. */
};

/**
 * Read a decimal number as a fixed-point number, rounding once from the exact value.
 *
 * The grammar is that of JSON numbers (RFC 8259 section 6), the whole text and nothing around it:
 * no leading '+', no leading zeros, digits on both sides of the point. Exponents of any length are
 * understood; the time taken depends on `len` alone. "-0" is 0.
 *
 * @param text  `len` bytes, no NUL needed. Borrowed for the call.
 * @param scale_digits  0..SEGS_SCALE_MAX.
 * @param rounding  SEGS_ROUND_*, for digits beyond the scale.
 * @param ret  Receives the number times 10^scale_digits. Untouched on failure.
 * @param reterr  May be NULL. offset is the byte where the grammar breaks.
 * @return 0, or
 *         SEGS_EINVAL    text or ret is NULL, scale_digits or rounding is not one of the above;
 *         SEGS_ESYNTAX   not a JSON number;
 *         SEGS_ERANGE    SEGS_ROUND_EXACT, and a non-zero digit stands beyond the scale;
 *         SEGS_EOVERFLOW the rounded number does not fit.
 * @since 0.1
 */
SEGS_API int segs_decimal_parse(const char *text, size_t len, unsigned scale_digits, int rounding,
                                int64_t *ret, struct segs_error *reterr);

/**
 * Write a fixed-point number as its shortest exact decimal text, which is also a JSON number.
 *
 * @param scale_digits  0..SEGS_SCALE_MAX.
 * @param min_fraction_digits  Digits after the point that are written even when they are zeros;
 *        0..scale_digits. With 0 a whole number has no point.
 * @param buf  Receives the text and a NUL. Untouched on failure.
 * @param size  Bytes at buf; SEGS_DECIMAL_BYTES is always enough.
 * @return the length without the NUL, or
 *         SEGS_EINVAL  buf is NULL, or a digit count is outside its range;
 *         SEGS_ENOSPC  the text does not fit.
 * @since 0.1
 */
SEGS_API int segs_decimal_format(int64_t value, unsigned scale_digits, unsigned min_fraction_digits,
                                 char *buf, size_t size);

/**
 * Add, subtract or multiply without wrapping around. Multiplying adds the scales of the factors; to
 * come back to one scale use segs_mul_div().
 *
 * @param ret  Receives the result; untouched on failure.
 * @return 0, or
 *         SEGS_EINVAL    ret is NULL;
 *         SEGS_EOVERFLOW the result does not fit.
 * @since 0.1
 */
SEGS_API int segs_fixed_add(int64_t a, int64_t b, int64_t *ret);
SEGS_API int segs_fixed_sub(int64_t a, int64_t b, int64_t *ret); /**< a - b */
SEGS_API int segs_fixed_mul(int64_t a, int64_t b, int64_t *ret);

/**
 * Compute a * b / c with an exact 128 bit product and one rounding.
 *
 * Energy in micro kWh times a price in micro per kWh is an amount in micro with c = 1000000.
 *
 * @param c  Any sign, not zero.
 * @param rounding  SEGS_ROUND_*.
 * @param ret  Receives the quotient; untouched on failure.
 * @return 0, or
 *         SEGS_EINVAL    c is zero, ret is NULL or rounding unknown;
 *         SEGS_ERANGE    SEGS_ROUND_EXACT, and the division leaves a remainder;
 *         SEGS_EOVERFLOW the quotient does not fit.
 * @since 0.1
 */
SEGS_API int segs_mul_div(int64_t a, int64_t b, int64_t c, int rounding, int64_t *ret);

/**
 * Convert a fixed-point number from one scale to another, rounding once.
 *
 * @param from_digits  0..SEGS_SCALE_MAX.
 * @param to_digits  0..SEGS_SCALE_MAX.
 * @return 0, or
 *         SEGS_EINVAL    ret is NULL, a scale or rounding is not one of the above;
 *         SEGS_ERANGE    SEGS_ROUND_EXACT, and a non-zero digit would be lost;
 *         SEGS_EOVERFLOW the result does not fit.
 * @since 0.1
 */
SEGS_API int segs_fixed_rescale(int64_t value, unsigned from_digits, unsigned to_digits,
                                int rounding, int64_t *ret);

/**
 * Split a total in proportion to weights, so that the shares add up to it exactly.
 *
 * Largest remainder method: each share is the proportional part rounded toward zero; the units left
 * over go one each to the largest remainders, equal remainders in order of index. A negative total
 * is split like its absolute value and every share negated, so a refund mirrors its charge. Needs
 * no memory; the time is proportional to n.
 *
 * @param weights  n weights, none negative, with a sum of 1..INT64_MAX.
 * @param n  At least 1.
 * @param shares  Receives n shares; must not overlap weights. Untouched on failure.
 * @param reterr  May be NULL. index is the first offending weight.
 * @return 0, or
 *         SEGS_EINVAL    weights or shares is NULL, or n is 0;
 *         SEGS_ERANGE    a negative weight, or all weights zero;
 *         SEGS_EOVERFLOW the sum of the weights does not fit.
 * @since 0.1
 */
SEGS_API int segs_split_largest_remainder(int64_t total, const int64_t *weights, size_t n,
                                          int64_t *shares, struct segs_error *reterr);

/**
 * Convert a column of doubles to fixed point.
 *
 * Each double stands for its exact binary value; that value times 10^scale_digits is computed
 * exactly and rounded once. So 0.1 at scale 6 is 100000 in every mode that rounds to the nearest,
 * but SEGS_ROUND_CEILING makes it 100001 (0.1 is stored slightly above) and SEGS_ROUND_EXACT
 * refuses it.
 *
 * @param values  n doubles; may be NULL when n is 0.
 * @param ret  Receives n numbers; may be NULL when n is 0; must not overlap values. Untouched on
 *             failure, also by the values before the offending one.
 * @param reterr  May be NULL. index is the first offending value.
 * @return 0, or
 *         SEGS_EINVAL    a NULL, scale_digits or rounding is not one of the above;
 *         SEGS_ERANGE    a value is NaN or infinite, or SEGS_ROUND_EXACT and it needs rounding;
 *         SEGS_EOVERFLOW a value does not fit.
 * @since 0.1
 */
SEGS_API int segs_fixed_from_doubles(const double *values, size_t n, unsigned scale_digits,
                                     int rounding, int64_t *ret, struct segs_error *reterr);

/**
 * Convert a column of fixed-point numbers to doubles.
 *
 * Up to 2^53 in absolute value the result is the double nearest to the exact number, which
 * segs_fixed_from_doubles() converts back unchanged when rounding to the nearest. Beyond, the
 * number is first rounded to 53 bits.
 *
 * @param values  n numbers; may be NULL when n is 0.
 * @param ret  Receives n doubles; may be NULL when n is 0; must not overlap values.
 * @return 0, or
 *         SEGS_EINVAL  a NULL, or scale_digits is above SEGS_SCALE_MAX.
 * @since 0.1
 */
SEGS_API int segs_fixed_to_doubles(const int64_t *values, size_t n, unsigned scale_digits,
                                   double *ret);

/**
 * Make an amount of money.
 *
 * @param currency  Three capital letters and a NUL. That the code is assigned is not checked.
 * @return 0, or
 *         SEGS_EINVAL  a NULL;
 *         SEGS_ESYNTAX currency is not three letters A-Z.
 * @since 0.1
 */
SEGS_API int segs_money_make(int64_t amount_micro, const char *currency, struct segs_money *ret);

/**
 * Add or subtract two amounts of one currency. `ret` may be `a` or `b`.
 *
 * @return 0, or
 *         SEGS_EINVAL    a NULL;
 *         SEGS_ECONFLICT the currencies differ: no conversion is guessed, not even of zero;
 *         SEGS_EOVERFLOW the result does not fit.
 * @since 0.1
 */
SEGS_API int segs_money_add(const struct segs_money *a, const struct segs_money *b,
                            struct segs_money *ret);
SEGS_API int segs_money_sub(const struct segs_money *a, const struct segs_money *b,
                            struct segs_money *ret); /**< a - b */

/**
 * Round an amount to a number of decimals, for instance to the cents of an invoice line.
 *
 * @param digits  Decimals that remain, 0..6. ISO 4217 gives 2 for EUR and USD, 0 for JPY, 3 for
 *                KWD; the caller says.
 * @param ret  May be `money`. Untouched on failure.
 * @return 0, or
 *         SEGS_EINVAL    a NULL, digits above 6, or rounding unknown;
 *         SEGS_ERANGE    SEGS_ROUND_EXACT, and a non-zero digit would be lost;
 *         SEGS_EOVERFLOW the result does not fit.
 * @since 0.1
 */
SEGS_API int segs_money_round(const struct segs_money *money, unsigned digits, int rounding,
                              struct segs_money *ret);

#ifdef __cplusplus
}
#endif

#endif
