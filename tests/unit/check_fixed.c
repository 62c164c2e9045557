#include <segs/fixed.h>

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Expected values by Python's decimal module. */
static const struct {
    const char *text;
    unsigned scale;
    int rounding;
    int64_t value;
} parsed[] = {
    { "0", 6, SEGS_ROUND_EXACT, 0 },
    { "-0", 6, SEGS_ROUND_EXACT, 0 },
    { "-0.0e5", 6, SEGS_ROUND_EXACT, 0 },
    { "0e999999999999999999999999", 6, SEGS_ROUND_EXACT, 0 },
    { "12.345", 6, SEGS_ROUND_EXACT, 12345000 },
    { "-12.345", 6, SEGS_ROUND_EXACT, -12345000 },
    { "7", 0, SEGS_ROUND_EXACT, 7 },
    { "1.50", 1, SEGS_ROUND_EXACT, 15 },
    { "1E+3", 0, SEGS_ROUND_EXACT, 1000 },
    { "1200e-2", 0, SEGS_ROUND_EXACT, 12 },
    { "0.00012e5", 0, SEGS_ROUND_EXACT, 12 },
    { "1e0000000000000000000000000000003", 0, SEGS_ROUND_EXACT, 1000 },
    { "9223372036854775807", 0, SEGS_ROUND_EXACT, INT64_MAX },
    { "-9223372036854775808", 0, SEGS_ROUND_EXACT, INT64_MIN },
    { "9.223372036854775807", 18, SEGS_ROUND_EXACT, INT64_MAX },
    { "9223372036854.775807", 6, SEGS_ROUND_EXACT, INT64_MAX },
    { "-9223372036854.775808", 6, SEGS_ROUND_EXACT, INT64_MIN },
    { "9223372036854.7758074999", 6, SEGS_ROUND_HALF_EVEN, INT64_MAX },
    { "9223372036854.7758079", 6, SEGS_ROUND_FLOOR, INT64_MAX },
    { "-9223372036854.7758085", 6, SEGS_ROUND_HALF_EVEN, INT64_MIN },
    { "0.0000005", 6, SEGS_ROUND_HALF_EVEN, 0 },
    { "0.0000015", 6, SEGS_ROUND_HALF_EVEN, 2 },
    { "0.0000025", 6, SEGS_ROUND_HALF_EVEN, 2 },
    { "0.00000250000000000000000000000000000000000000001", 6, SEGS_ROUND_HALF_EVEN, 3 },
    { "0.0000005", 6, SEGS_ROUND_HALF_UP, 1 },
    { "-0.0000005", 6, SEGS_ROUND_HALF_UP, -1 },
    { "0.0000004999999999999999999999", 6, SEGS_ROUND_HALF_UP, 0 },
    { "-0.0000009", 6, SEGS_ROUND_TOWARD_ZERO, 0 },
    { "1.9999999", 6, SEGS_ROUND_TOWARD_ZERO, 1999999 },
    { "-0.0000001", 6, SEGS_ROUND_FLOOR, -1 },
    { "0.0000009", 6, SEGS_ROUND_FLOOR, 0 },
    { "0.0000001", 6, SEGS_ROUND_CEILING, 1 },
    { "-0.0000009", 6, SEGS_ROUND_CEILING, 0 },
    { "5e-7", 6, SEGS_ROUND_HALF_EVEN, 0 },
    { "6e-7", 6, SEGS_ROUND_HALF_EVEN, 1 },
    { "9e-8", 6, SEGS_ROUND_HALF_UP, 0 },
    { "9e-8", 6, SEGS_ROUND_CEILING, 1 },
    { "1e-999999999999999999999", 6, SEGS_ROUND_HALF_EVEN, 0 },
    { "-1e-999999999999999999999", 6, SEGS_ROUND_FLOOR, -1 },
    { "999999.9999995", 6, SEGS_ROUND_HALF_EVEN, 1000000000000 },
};

START_TEST(parse_reads_the_number)
{
    int64_t value = 4711;

    ck_assert_int_eq(segs_decimal_parse(parsed[_i].text, strlen(parsed[_i].text), parsed[_i].scale,
                                        parsed[_i].rounding, &value, NULL),
                     0);
    ck_assert_int_eq(value, parsed[_i].value);
}
END_TEST

static const struct {
    const char *text;
    int code;
    int64_t offset;
} unreadable[] = {
    { "", SEGS_ESYNTAX, 0 },
    { "-", SEGS_ESYNTAX, 1 },
    { "+1", SEGS_ESYNTAX, 0 },
    { ".5", SEGS_ESYNTAX, 0 },
    { "5.", SEGS_ESYNTAX, 2 },
    { "5.e1", SEGS_ESYNTAX, 2 },
    { "01", SEGS_ESYNTAX, 0 },
    { "-01", SEGS_ESYNTAX, 1 },
    { "00", SEGS_ESYNTAX, 0 },
    { "1e", SEGS_ESYNTAX, 2 },
    { "1e+", SEGS_ESYNTAX, 3 },
    { "1e1.5", SEGS_ESYNTAX, 3 },
    { "1 ", SEGS_ESYNTAX, 1 },
    { " 1", SEGS_ESYNTAX, 0 },
    { "1,5", SEGS_ESYNTAX, 1 },
    { "0x10", SEGS_ESYNTAX, 1 },
    { "NaN", SEGS_ESYNTAX, 0 },
    { "Infinity", SEGS_ESYNTAX, 0 },
    { "-Infinity", SEGS_ESYNTAX, 1 },
    { "9223372036854.775808", SEGS_EOVERFLOW, 0 },
    { "-9223372036854.775809", SEGS_EOVERFLOW, 0 },
    { "9223372036855", SEGS_EOVERFLOW, 0 },
    { "1e13", SEGS_EOVERFLOW, 0 },
    { "1e999999999", SEGS_EOVERFLOW, 0 },
    { "-1e99999999999999999999999999999999999", SEGS_EOVERFLOW, 0 },
    { "1.0000001", SEGS_ERANGE, 0 },
    { "1e-7", SEGS_ERANGE, 0 },
    { "1e-999999999", SEGS_ERANGE, 0 },
};

START_TEST(parse_names_what_is_wrong_and_where)
{
    struct segs_error err;
    int64_t value = 4711;

    ck_assert_int_eq(segs_decimal_parse(unreadable[_i].text, strlen(unreadable[_i].text), 6,
                                        SEGS_ROUND_EXACT, &value, &err),
                     unreadable[_i].code);
    ck_assert_int_eq(err.offset, unreadable[_i].offset);
    ck_assert_int_eq(value, 4711);
}
END_TEST

START_TEST(rounding_up_past_the_largest_number_overflows)
{
    int64_t value = 4711;

    ck_assert_int_eq(
        segs_decimal_parse("9223372036854.7758075", 21, 6, SEGS_ROUND_HALF_EVEN, &value, NULL),
        SEGS_EOVERFLOW);
    ck_assert_int_eq(value, 4711);
}
END_TEST

START_TEST(a_million_digits_are_read_in_one_pass)
{
    size_t len = 1000002;
    char *text = malloc(len);
    int64_t value = 0;

    ck_assert_ptr_nonnull(text);
    memset(text, '0', len);
    text[1] = '.';
    text[len - 1] = '1';
    ck_assert_int_eq(segs_decimal_parse(text, len, 6, SEGS_ROUND_CEILING, &value, NULL), 0);
    ck_assert_int_eq(value, 1);
    memset(text, '9', len);
    ck_assert_int_eq(segs_decimal_parse(text, len, 6, SEGS_ROUND_CEILING, &value, NULL),
                     SEGS_EOVERFLOW);
    free(text);
}
END_TEST

START_TEST(parse_refuses_unknown_arguments)
{
    int64_t value;

    ck_assert_int_eq(segs_decimal_parse(NULL, 0, 6, SEGS_ROUND_EXACT, &value, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_decimal_parse("1", 1, 6, SEGS_ROUND_EXACT, NULL, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_decimal_parse("1", 1, 19, SEGS_ROUND_EXACT, &value, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_decimal_parse("1", 1, 6, 0, &value, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_decimal_parse("1", 1, 6, 7, &value, NULL), SEGS_EINVAL);
}
END_TEST

static const struct {
    int64_t value;
    unsigned scale;
    unsigned min_fraction;
    const char *text;
} formatted[] = {
    { 0, 6, 0, "0" },
    { 0, 6, 2, "0.00" },
    { 12345000, 6, 0, "12.345" },
    { 12000000, 6, 0, "12" },
    { 12000000, 6, 2, "12.00" },
    { 12345678, 6, 2, "12.345678" },
    { -1, 6, 0, "-0.000001" },
    { -500000, 6, 0, "-0.5" },
    { 100, 0, 0, "100" },
    { INT64_MAX, 0, 0, "9223372036854775807" },
    { INT64_MIN, 0, 0, "-9223372036854775808" },
    { INT64_MIN, 6, 0, "-9223372036854.775808" },
    { INT64_MIN, 18, 18, "-9.223372036854775808" },
    { 1, 18, 18, "0.000000000000000001" },
};

START_TEST(format_writes_the_shortest_exact_text)
{
    char buf[SEGS_DECIMAL_BYTES];

    ck_assert_int_eq(segs_decimal_format(formatted[_i].value, formatted[_i].scale,
                                         formatted[_i].min_fraction, buf, sizeof buf),
                     (int)strlen(formatted[_i].text));
    ck_assert_str_eq(buf, formatted[_i].text);
}
END_TEST

START_TEST(format_needs_room_for_the_nul)
{
    char buf[SEGS_DECIMAL_BYTES] = "as before";

    ck_assert_int_eq(segs_decimal_format(12345000, 6, 0, buf, 6), SEGS_ENOSPC);
    ck_assert_int_eq(segs_decimal_format(1, 19, 0, buf, sizeof buf), SEGS_EINVAL);
    ck_assert_int_eq(segs_decimal_format(1, 6, 7, buf, sizeof buf), SEGS_EINVAL);
    ck_assert_int_eq(segs_decimal_format(1, 6, 0, NULL, sizeof buf), SEGS_EINVAL);
    ck_assert_str_eq(buf, "as before");
    ck_assert_int_eq(segs_decimal_format(12345000, 6, 0, buf, 7), 6);
}
END_TEST

START_TEST(arithmetic_never_wraps_around)
{
    int64_t value = 4711;

    ck_assert_int_eq(segs_fixed_add(INT64_MAX, 1, &value), SEGS_EOVERFLOW);
    ck_assert_int_eq(segs_fixed_sub(INT64_MIN, 1, &value), SEGS_EOVERFLOW);
    ck_assert_int_eq(segs_fixed_sub(0, INT64_MIN, &value), SEGS_EOVERFLOW);
    ck_assert_int_eq(segs_fixed_mul(INT64_MIN, -1, &value), SEGS_EOVERFLOW);
    ck_assert_int_eq(value, 4711);
    ck_assert_int_eq(segs_fixed_add(INT64_MAX, INT64_MIN, &value), 0);
    ck_assert_int_eq(value, -1);
    ck_assert_int_eq(segs_fixed_sub(2, 5, &value), 0);
    ck_assert_int_eq(value, -3);
    ck_assert_int_eq(segs_fixed_mul(-3, 7, &value), 0);
    ck_assert_int_eq(value, -21);
    ck_assert_int_eq(segs_fixed_add(1, 1, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_fixed_sub(1, 1, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_fixed_mul(1, 1, NULL), SEGS_EINVAL);
}
END_TEST

/* 7/2, -7/2, 5/2 and 10/3 in every mode, by hand. */
static const struct {
    int64_t a, b, c;
    int rounding;
    int64_t value;
} quotients[] = {
    { 7, 1, 2, SEGS_ROUND_HALF_EVEN, 4 },
    { 7, 1, 2, SEGS_ROUND_HALF_UP, 4 },
    { 7, 1, 2, SEGS_ROUND_TOWARD_ZERO, 3 },
    { 7, 1, 2, SEGS_ROUND_FLOOR, 3 },
    { 7, 1, 2, SEGS_ROUND_CEILING, 4 },
    { -7, 1, 2, SEGS_ROUND_HALF_EVEN, -4 },
    { 7, -1, 2, SEGS_ROUND_HALF_UP, -4 },
    { 7, 1, -2, SEGS_ROUND_TOWARD_ZERO, -3 },
    { -7, 1, 2, SEGS_ROUND_FLOOR, -4 },
    { -7, -1, -2, SEGS_ROUND_CEILING, -3 },
    { 5, 1, 2, SEGS_ROUND_HALF_EVEN, 2 },
    { 5, 1, 2, SEGS_ROUND_HALF_UP, 3 },
    { -5, 1, 2, SEGS_ROUND_HALF_UP, -3 },
    { 10, 1, 3, SEGS_ROUND_HALF_EVEN, 3 },
    { 10, 1, 3, SEGS_ROUND_CEILING, 4 },
    { 20, 1, 3, SEGS_ROUND_HALF_UP, 7 },
    { 6, 7, 2, SEGS_ROUND_EXACT, 21 },
    { 0, 5, -3, SEGS_ROUND_FLOOR, 0 },
    { INT64_MIN, INT64_MIN, INT64_MIN, SEGS_ROUND_EXACT, INT64_MIN },
    { INT64_MAX, INT64_MAX, INT64_MAX, SEGS_ROUND_EXACT, INT64_MAX },
    { INT64_MIN, 1, 1, SEGS_ROUND_EXACT, INT64_MIN },
    /* 123.456789 kWh at 0.273 per kWh: 33.703703397 */
    { 123456789, 273000, 1000000, SEGS_ROUND_HALF_EVEN, 33703703 },
};

START_TEST(mul_div_rounds_once)
{
    int64_t value = 4711;

    ck_assert_int_eq(segs_mul_div(quotients[_i].a, quotients[_i].b, quotients[_i].c,
                                  quotients[_i].rounding, &value),
                     0);
    ck_assert_int_eq(value, quotients[_i].value);
}
END_TEST

START_TEST(mul_div_names_what_it_cannot_do)
{
    int64_t value = 4711;

    ck_assert_int_eq(segs_mul_div(1, 1, 0, SEGS_ROUND_FLOOR, &value), SEGS_EINVAL);
    ck_assert_int_eq(segs_mul_div(1, 1, 1, 0, &value), SEGS_EINVAL);
    ck_assert_int_eq(segs_mul_div(1, 1, 1, SEGS_ROUND_FLOOR, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_mul_div(1, 1, 3, SEGS_ROUND_EXACT, &value), SEGS_ERANGE);
    ck_assert_int_eq(segs_mul_div(INT64_MAX, 2, 1, SEGS_ROUND_FLOOR, &value), SEGS_EOVERFLOW);
    ck_assert_int_eq(segs_mul_div(INT64_MIN, -1, 1, SEGS_ROUND_FLOOR, &value), SEGS_EOVERFLOW);
    ck_assert_int_eq(value, 4711);
}
END_TEST

START_TEST(rescale_moves_the_point)
{
    int64_t value = 4711;

    ck_assert_int_eq(segs_fixed_rescale(12345, 3, 6, SEGS_ROUND_EXACT, &value), 0);
    ck_assert_int_eq(value, 12345000);
    ck_assert_int_eq(segs_fixed_rescale(12345678, 6, 2, SEGS_ROUND_HALF_EVEN, &value), 0);
    ck_assert_int_eq(value, 1235);
    ck_assert_int_eq(segs_fixed_rescale(1, 6, 2, SEGS_ROUND_EXACT, &value), SEGS_ERANGE);
    ck_assert_int_eq(segs_fixed_rescale(INT64_MAX, 0, 1, SEGS_ROUND_EXACT, &value), SEGS_EOVERFLOW);
    ck_assert_int_eq(segs_fixed_rescale(1, 19, 2, SEGS_ROUND_EXACT, &value), SEGS_EINVAL);
    ck_assert_int_eq(segs_fixed_rescale(1, 2, 19, SEGS_ROUND_EXACT, &value), SEGS_EINVAL);
    ck_assert_int_eq(value, 1235);
}
END_TEST

static void split(int64_t total, const int64_t *weights, size_t n, const int64_t *expected)
{
    int64_t shares[8];

    ck_assert_int_eq(segs_split_largest_remainder(total, weights, n, shares, NULL), 0);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(shares[i], expected[i]);
}

START_TEST(split_gives_the_rest_to_the_largest_remainders)
{
    /* 100 * 1/3 each: 33.3, the rest to the lowest index. */
    split(100, (int64_t[]){ 1, 1, 1 }, 3, (int64_t[]){ 34, 33, 33 });
    split(101, (int64_t[]){ 1, 1, 1 }, 3, (int64_t[]){ 34, 34, 33 });
    /* 10 * {1,2,3,4}/10 divides evenly. */
    split(10, (int64_t[]){ 1, 2, 3, 4 }, 4, (int64_t[]){ 1, 2, 3, 4 });
    /* 7 * {5,3,2}/10 = 3.5, 2.1, 1.4: one unit is left, for .5. */
    split(7, (int64_t[]){ 5, 3, 2 }, 3, (int64_t[]){ 4, 2, 1 });
    /* 1 * {1,3}/4 = .25, .75. */
    split(1, (int64_t[]){ 1, 3 }, 2, (int64_t[]){ 0, 1 });
    /* A weight of zero gets nothing. */
    split(5, (int64_t[]){ 0, 1, 0, 1 }, 4, (int64_t[]){ 0, 3, 0, 2 });
    split(0, (int64_t[]){ 2, 1 }, 2, (int64_t[]){ 0, 0 });
    split(INT64_MAX, (int64_t[]){ INT64_MAX }, 1, (int64_t[]){ INT64_MAX });
}
END_TEST

START_TEST(splitting_a_refund_mirrors_the_charge)
{
    split(-100, (int64_t[]){ 1, 1, 1 }, 3, (int64_t[]){ -34, -33, -33 });
    split(-7, (int64_t[]){ 5, 3, 2 }, 3, (int64_t[]){ -4, -2, -1 });
    split(INT64_MIN, (int64_t[]){ 1, 1 }, 2, (int64_t[]){ INT64_MIN / 2, INT64_MIN / 2 });
    split(INT64_MIN, (int64_t[]){ 3 }, 1, (int64_t[]){ INT64_MIN });
}
END_TEST

START_TEST(shares_add_up_and_are_within_one_unit)
{
    uint64_t state = 88172645463325252u; /* xorshift64, fixed seed */

    for (int round = 0; round < 2000; round++) {
        int64_t weights[50];
        int64_t shares[50];
        size_t n = (size_t)(round % 50) + 1;
        int64_t sum = 0;
        int64_t total;
        int64_t added = 0;

        for (size_t i = 0; i < n; i++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            weights[i] = (int64_t)(state % 1000);
            sum += weights[i];
        }
        if (sum == 0)
            continue;
        total = (int64_t)(state >> 24) - (INT64_C(1) << 39);
        ck_assert_int_eq(segs_split_largest_remainder(total, weights, n, shares, NULL), 0);
        for (size_t i = 0; i < n; i++) {
            int64_t floor_of_share;

            added += shares[i];
            ck_assert_int_eq(
                segs_mul_div(total, weights[i], sum, SEGS_ROUND_FLOOR, &floor_of_share), 0);
            ck_assert_int_ge(shares[i], floor_of_share);
            ck_assert_int_le(shares[i], floor_of_share + 1);
        }
        ck_assert_int_eq(added, total);
    }
}
END_TEST

START_TEST(split_names_the_weight_that_is_wrong)
{
    int64_t shares[3] = { 9, 9, 9 };
    struct segs_error err;

    ck_assert_int_eq(segs_split_largest_remainder(1, (int64_t[]){ 1, -1, 1 }, 3, shares, &err),
                     SEGS_ERANGE);
    ck_assert_int_eq(err.index, 1);
    ck_assert_int_eq(
        segs_split_largest_remainder(1, (int64_t[]){ 1, INT64_MAX, 1 }, 3, shares, &err),
        SEGS_EOVERFLOW);
    ck_assert_int_eq(err.index, 1);
    ck_assert_int_eq(segs_split_largest_remainder(1, (int64_t[]){ 0, 0, 0 }, 3, shares, &err),
                     SEGS_ERANGE);
    ck_assert_int_eq(segs_split_largest_remainder(1, shares, 0, shares, &err), SEGS_EINVAL);
    ck_assert_int_eq(segs_split_largest_remainder(1, NULL, 1, shares, &err), SEGS_EINVAL);
    ck_assert_int_eq(shares[0] + shares[1] + shares[2], 27);
}
END_TEST

/* Expected values by Python's decimal module, which shows the exact value of a double. */
static const struct {
    double value;
    unsigned scale;
    int rounding;
    int64_t fixed;
} doubles[] = {
    { 0.0, 6, SEGS_ROUND_EXACT, 0 },
    { -0.0, 6, SEGS_ROUND_EXACT, 0 },
    { 0.1, 6, SEGS_ROUND_HALF_EVEN, 100000 },
    { 0.1, 6, SEGS_ROUND_CEILING, 100001 },
    { 0.1, 6, SEGS_ROUND_FLOOR, 100000 },
    { -0.1, 6, SEGS_ROUND_FLOOR, -100001 },
    { 2.675, 2, SEGS_ROUND_HALF_UP, 267 }, /* stored as 2.67499999999999982... */
    { 0.5, 0, SEGS_ROUND_HALF_EVEN, 0 },
    { 1.5, 0, SEGS_ROUND_HALF_EVEN, 2 },
    { 2.5, 0, SEGS_ROUND_HALF_UP, 3 },
    { -2.5, 0, SEGS_ROUND_TOWARD_ZERO, -2 },
    { 0.125, 3, SEGS_ROUND_EXACT, 125 },
    { 5e-324, 18, SEGS_ROUND_CEILING, 1 },
    { 5e-324, 18, SEGS_ROUND_HALF_EVEN, 0 },
    { -9223372036854775808.0, 0, SEGS_ROUND_EXACT, INT64_MIN },
    { 9223372036854774784.0, 0, SEGS_ROUND_EXACT, INT64_C(9223372036854774784) },
    { 1e12, 6, SEGS_ROUND_EXACT, INT64_C(1000000000000000000) },
    { 123456.789, 6, SEGS_ROUND_HALF_EVEN, INT64_C(123456789000) },
};

START_TEST(a_double_is_rounded_once_from_its_exact_value)
{
    int64_t fixed = 4711;

    ck_assert_int_eq(segs_fixed_from_doubles(&doubles[_i].value, 1, doubles[_i].scale,
                                             doubles[_i].rounding, &fixed, NULL),
                     0);
    ck_assert_int_eq(fixed, doubles[_i].fixed);
}
END_TEST

static const struct {
    double value;
    int code;
} unfit_doubles[] = {
    { NAN, SEGS_ERANGE },
    { INFINITY, SEGS_ERANGE },
    { -INFINITY, SEGS_ERANGE },
    { 0.1, SEGS_ERANGE },
    { 9223372036855.0, SEGS_EOVERFLOW },
    { 1e300, SEGS_EOVERFLOW },
    { -1.7976931348623157e308, SEGS_EOVERFLOW },
};

START_TEST(an_unfit_double_is_named_by_index_and_nothing_is_written)
{
    double values[3] = { 1, 2, unfit_doubles[_i].value };
    int64_t fixed[3] = { 7, 8, 9 };
    struct segs_error err;

    ck_assert_int_eq(segs_fixed_from_doubles(values, 3, 6, SEGS_ROUND_EXACT, fixed, &err),
                     unfit_doubles[_i].code);
    ck_assert_int_eq(err.index, 2);
    ck_assert_int_eq(fixed[0], 7);
    ck_assert_int_eq(fixed[1], 8);
}
END_TEST

START_TEST(columns_may_be_empty_but_not_null)
{
    double value = 1;
    int64_t fixed;

    ck_assert_int_eq(segs_fixed_from_doubles(NULL, 0, 6, SEGS_ROUND_FLOOR, NULL, NULL), 0);
    ck_assert_int_eq(segs_fixed_from_doubles(NULL, 1, 6, SEGS_ROUND_FLOOR, &fixed, NULL),
                     SEGS_EINVAL);
    ck_assert_int_eq(segs_fixed_from_doubles(&value, 1, 6, SEGS_ROUND_FLOOR, NULL, NULL),
                     SEGS_EINVAL);
    ck_assert_int_eq(segs_fixed_from_doubles(&value, 1, 19, SEGS_ROUND_FLOOR, &fixed, NULL),
                     SEGS_EINVAL);
    ck_assert_int_eq(segs_fixed_from_doubles(&value, 1, 6, 0, &fixed, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_fixed_to_doubles(NULL, 0, 6, NULL), 0);
    ck_assert_int_eq(segs_fixed_to_doubles(NULL, 1, 6, &value), SEGS_EINVAL);
    ck_assert_int_eq(segs_fixed_to_doubles(&fixed, 0, 19, &value), SEGS_EINVAL);
}
END_TEST

START_TEST(numbers_up_to_2_53_survive_the_way_through_doubles)
{
    uint64_t state = 88172645463325252u; /* xorshift64, fixed seed */

    for (int i = 0; i < 100000; i++) {
        int64_t value, again = 0;
        double as_double;

        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        value = (int64_t)(state >> 11) - (INT64_C(1) << 52);
        if (segs_fixed_to_doubles(&value, 1, 6, &as_double) != 0 ||
            segs_fixed_from_doubles(&as_double, 1, 6, SEGS_ROUND_HALF_EVEN, &again, NULL) != 0 ||
            again != value)
            ck_abort_msg("%lld came back as %lld", (long long)value, (long long)again);
    }
}
END_TEST

START_TEST(to_doubles_gives_the_nearest_double)
{
    const int64_t values[] = { 100000, -2675000, 1, 0 };
    double as_doubles[4];

    ck_assert_int_eq(segs_fixed_to_doubles(values, 4, 6, as_doubles), 0);
    ck_assert(as_doubles[0] == 0.1 && as_doubles[1] == -2.675);
    ck_assert(as_doubles[2] == 1e-6 && as_doubles[3] == 0);
}
END_TEST

START_TEST(money_of_one_currency_adds_up)
{
    struct segs_money a, b, sum;

    ck_assert_int_eq(segs_money_make(1500000, "EUR", &a), 0);
    ck_assert_int_eq(segs_money_make(-250000, "EUR", &b), 0);
    ck_assert_int_eq(segs_money_add(&a, &b, &sum), 0);
    ck_assert_int_eq(sum.amount_micro, 1250000);
    ck_assert_str_eq(sum.currency, "EUR");
    ck_assert_int_eq(segs_money_sub(&a, &b, &a), 0);
    ck_assert_int_eq(a.amount_micro, 1750000);
}
END_TEST

START_TEST(money_of_two_currencies_does_not)
{
    struct segs_money a, b, sum;

    memset(&sum, 0x55, sizeof sum);
    (void)segs_money_make(0, "EUR", &a);
    (void)segs_money_make(0, "USD", &b);
    ck_assert_int_eq(segs_money_add(&a, &b, &sum), SEGS_ECONFLICT);
    (void)segs_money_make(INT64_MIN, "EUR", &b);
    ck_assert_int_eq(segs_money_sub(&a, &b, &sum), SEGS_EOVERFLOW);
    ck_assert_int_eq(segs_money_add(&a, NULL, &sum), SEGS_EINVAL);
    ck_assert_int_eq(sum.amount_micro, 0x5555555555555555);
}
END_TEST

START_TEST(a_currency_is_three_capital_letters)
{
    static const char *const wrong[] = { "", "EU", "EURO", "eur", "E1R", "E\xC3\x84" };
    struct segs_money money;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_int_eq(segs_money_make(1, wrong[i], &money), SEGS_ESYNTAX);
    ck_assert_int_eq(segs_money_make(1, NULL, &money), SEGS_EINVAL);
    ck_assert_int_eq(segs_money_make(1, "EUR", NULL), SEGS_EINVAL);
}
END_TEST

START_TEST(money_rounds_to_its_decimals)
{
    struct segs_money money, rounded;

    (void)segs_money_make(12345678, "EUR", &money);
    ck_assert_int_eq(segs_money_round(&money, 2, SEGS_ROUND_HALF_EVEN, &rounded), 0);
    ck_assert_int_eq(rounded.amount_micro, 12350000);
    ck_assert_int_eq(segs_money_round(&money, 0, SEGS_ROUND_HALF_EVEN, &rounded), 0);
    ck_assert_int_eq(rounded.amount_micro, 12000000);
    ck_assert_int_eq(segs_money_round(&money, 6, SEGS_ROUND_EXACT, &rounded), 0);
    ck_assert_int_eq(rounded.amount_micro, 12345678);
    ck_assert_int_eq(segs_money_round(&money, 2, SEGS_ROUND_EXACT, &rounded), SEGS_ERANGE);
    ck_assert_int_eq(segs_money_round(&money, 7, SEGS_ROUND_FLOOR, &rounded), SEGS_EINVAL);
    (void)segs_money_make(INT64_MAX, "EUR", &money);
    ck_assert_int_eq(segs_money_round(&money, 0, SEGS_ROUND_CEILING, &rounded), SEGS_EOVERFLOW);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fixed");
    TCase *tc = tcase_create("fixed");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, parse_reads_the_number, 0, N(parsed));
    tcase_add_loop_test(tc, parse_names_what_is_wrong_and_where, 0, N(unreadable));
    tcase_add_test(tc, rounding_up_past_the_largest_number_overflows);
    tcase_add_test(tc, a_million_digits_are_read_in_one_pass);
    tcase_add_test(tc, parse_refuses_unknown_arguments);
    tcase_add_loop_test(tc, format_writes_the_shortest_exact_text, 0, N(formatted));
    tcase_add_test(tc, format_needs_room_for_the_nul);
    tcase_add_test(tc, arithmetic_never_wraps_around);
    tcase_add_loop_test(tc, mul_div_rounds_once, 0, N(quotients));
    tcase_add_test(tc, mul_div_names_what_it_cannot_do);
    tcase_add_test(tc, rescale_moves_the_point);
    tcase_add_test(tc, split_gives_the_rest_to_the_largest_remainders);
    tcase_add_test(tc, splitting_a_refund_mirrors_the_charge);
    tcase_add_test(tc, shares_add_up_and_are_within_one_unit);
    tcase_add_test(tc, split_names_the_weight_that_is_wrong);
    tcase_add_loop_test(tc, a_double_is_rounded_once_from_its_exact_value, 0, N(doubles));
    tcase_add_loop_test(tc, an_unfit_double_is_named_by_index_and_nothing_is_written, 0,
                        N(unfit_doubles));
    tcase_add_test(tc, columns_may_be_empty_but_not_null);
    tcase_add_test(tc, numbers_up_to_2_53_survive_the_way_through_doubles);
    tcase_add_test(tc, to_doubles_gives_the_nearest_double);
    tcase_add_test(tc, money_of_one_currency_adds_up);
    tcase_add_test(tc, money_of_two_currencies_does_not);
    tcase_add_test(tc, a_currency_is_three_capital_letters);
    tcase_add_test(tc, money_rounds_to_its_decimals);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
