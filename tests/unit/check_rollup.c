#include <segs/rollup.h>

#include <stdlib.h>

#include "window_support.h"

#define QUARTER_MS INT64_C(900000)
#define MINUTE_MS INT64_C(60000)

/* A row of one reading in each given slot, all of the same power. */
static struct segs_window_row row_of(uint32_t meter, int64_t start_ms, uint64_t slots,
                                     int64_t power)
{
    struct segs_window_row row;

    memset(&row, 0, sizeof row);
    row.window_start_ms = start_ms;
    row.meter_slot = meter;
    row.slots[0] = slots;
    row.count = (uint32_t)__builtin_popcountll(slots);
    row.power_count = row.count;
    row.power_sum_micro_kw = power * row.count;
    row.power_min_micro_kw = power;
    row.power_max_micro_kw = power;
    row.first_ts_ms = start_ms + 1000 * __builtin_ctzll(slots);
    row.last_ts_ms = start_ms + 1000 * (63 - __builtin_clzll(slots));
    row.quality = SEGS_QUALITY_NO_ENERGY;
    row.fingerprint = hash_of(slots ^ (uint64_t)power);
    return row;
}

/* ---- rows ---- */

START_TEST(merging_rows_adds_extends_and_unites)
{
    struct segs_window_row a = row_of(1, MINUTE, 0x6, 10);
    struct segs_window_row b = row_of(1, MINUTE, 0x9, -4);
    struct segs_window_row sum = a;

    b.revision = 3;
    b.quality = SEGS_QUALITY_LATE;
    ck_assert_int_eq(segs_row_merge(&sum, &b), 0);
    ck_assert_uint_eq(sum.count, 4);
    ck_assert_int_eq(sum.power_sum_micro_kw, 12);
    ck_assert_int_eq(sum.power_min_micro_kw, -4);
    ck_assert_int_eq(sum.power_max_micro_kw, 10);
    ck_assert_int_eq(sum.first_ts_ms, MINUTE);
    ck_assert_int_eq(sum.last_ts_ms, MINUTE + 3000);
    ck_assert_uint_eq(sum.slots[0], 0xF);
    ck_assert_uint_eq(sum.quality, SEGS_QUALITY_LATE | SEGS_QUALITY_NO_ENERGY);
    ck_assert_uint_eq(sum.revision, 3);
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(sum.fingerprint.lane[i],
                          (uint32_t)(a.fingerprint.lane[i] + b.fingerprint.lane[i]));
}
END_TEST

START_TEST(a_row_without_readings_is_neutral)
{
    struct segs_window_row row = row_of(1, MINUTE, 0x6, 10);
    struct segs_window_row same = row;
    struct segs_window_row empty;

    memset(&empty, 0, sizeof empty);
    ck_assert_int_eq(segs_row_merge(&same, &empty), 0);
    ck_assert_mem_eq(&same, &row, sizeof row);
    ck_assert_int_eq(segs_row_merge(&empty, &row), 0);
    ck_assert_mem_eq(&empty, &row, sizeof row);
}
END_TEST

START_TEST(a_row_without_power_does_not_touch_minimum_and_maximum)
{
    struct segs_window_row with = row_of(1, MINUTE, 0x1, 10);
    struct segs_window_row without = row_of(1, MINUTE, 0x2, 0);
    struct segs_window_row sum = with;

    without.power_count = 0;
    ck_assert_int_eq(segs_row_merge(&sum, &without), 0);
    ck_assert_int_eq(sum.power_min_micro_kw, 10);
    sum = without;
    ck_assert_int_eq(segs_row_merge(&sum, &with), 0);
    ck_assert_int_eq(sum.power_min_micro_kw, 10);
    ck_assert_int_eq(sum.power_max_micro_kw, 10);
}
END_TEST

START_TEST(rows_that_cannot_be_merged_stay_as_they_are)
{
    struct segs_window_row row = row_of(1, MINUTE, 0x6, 10);
    struct segs_window_row kept = row;
    struct segs_window_row overlap = row_of(1, MINUTE, 0x4, 10);
    struct segs_window_row elsewhere = row_of(2, MINUTE, 0x8, 10);
    struct segs_window_row later = row_of(1, MINUTE + MINUTE_MS, 0x8, 10);
    struct segs_window_row huge = row_of(1, MINUTE, 0x8, INT64_MAX);

    ck_assert_int_eq(segs_row_merge(&row, &overlap), SEGS_ECONFLICT);
    ck_assert_int_eq(segs_row_merge(&row, &elsewhere), SEGS_EINVAL);
    ck_assert_int_eq(segs_row_merge(&row, &later), SEGS_EINVAL);
    ck_assert_int_eq(segs_row_merge(&row, &huge), SEGS_EOVERFLOW);
    huge.power_sum_micro_kw = INT64_MIN;
    row.power_sum_micro_kw = -1;
    ck_assert_int_eq(segs_row_merge(&row, &huge), SEGS_EOVERFLOW);
    row.power_sum_micro_kw = kept.power_sum_micro_kw;
    ck_assert_int_eq(segs_row_merge(&row, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_row_merge(NULL, &row), SEGS_EINVAL);
    ck_assert_mem_eq(&row, &kept, sizeof row);
}
END_TEST

START_TEST(subtracting_a_part_and_merging_it_back_gives_the_row)
{
    struct segs_window_row part = row_of(1, MINUTE, 0x9, -4);
    struct segs_window_row rest = row_of(1, MINUTE, 0x6, 10);
    struct segs_window_row whole = rest;
    struct segs_window_row again;

    (void)segs_row_merge(&whole, &part);
    again = whole;
    ck_assert_int_eq(segs_row_subtract(&again, &part), 0);
    ck_assert_uint_eq(again.count, 2);
    ck_assert_uint_eq(again.slots[0], 0x6);
    ck_assert_int_eq(again.power_sum_micro_kw, 20);
    ck_assert_int_eq(again.power_min_micro_kw, -4); /* a bound that cannot be undone */
    ck_assert_mem_eq(&again.fingerprint, &rest.fingerprint, sizeof rest.fingerprint);
    ck_assert_int_eq(segs_row_merge(&again, &part), 0);
    ck_assert_mem_eq(&again, &whole, sizeof whole);
}
END_TEST

START_TEST(subtracting_everything_leaves_the_key)
{
    struct segs_window_row row = row_of(7, MINUTE, 0x6, 10);
    struct segs_window_row same = row;
    struct segs_window_row key;

    memset(&key, 0, sizeof key);
    key.window_start_ms = MINUTE;
    key.meter_slot = 7;
    ck_assert_int_eq(segs_row_subtract(&row, &same), 0);
    ck_assert_mem_eq(&row, &key, sizeof key);
}
END_TEST

START_TEST(what_a_row_does_not_hold_cannot_be_subtracted)
{
    struct segs_window_row row = row_of(1, MINUTE, 0x6, 10);
    struct segs_window_row kept = row;
    struct segs_window_row foreign = row_of(1, MINUTE, 0x8, 10);
    struct segs_window_row other = row_of(2, MINUTE, 0x2, 10);

    ck_assert_int_eq(segs_row_subtract(&row, &foreign), SEGS_ECONFLICT);
    ck_assert_int_eq(segs_row_subtract(&row, &other), SEGS_EINVAL);
    foreign = row_of(1, MINUTE, 0x2, INT64_MIN);
    ck_assert_int_eq(segs_row_subtract(&row, &foreign), SEGS_EOVERFLOW);
    ck_assert_mem_eq(&row, &kept, sizeof row);
}
END_TEST

static const struct {
    int64_t sum;
    uint32_t count;
    int64_t average;
} averages[] = {
    { 5, 2, 2 },
    { 7, 2, 4 },
    { -5, 2, -2 },
    { -7, 2, -4 },
    { 1, 3, 0 },
    { 2, 3, 1 },
    { -2, 3, -1 },
    { 0, 9, 0 },
    { INT64_MAX, 1, INT64_MAX },
    { INT64_MIN, 2, INT64_MIN / 2 },
    { 10, 4, 2 },
    { 14, 4, 4 },
};

START_TEST(averages_round_half_to_even)
{
    struct segs_window_row row = row_of(0, MINUTE, 1, 0);
    struct segs_rollup_row rollup;
    int64_t average = 0;

    row.power_sum_micro_kw = row.voltage_sum_milli_v = row.current_sum_milli_a = averages[_i].sum;
    row.power_count = row.voltage_count = row.current_count = averages[_i].count;
    ck_assert_int_eq(segs_row_average_power(&row, &average), 0);
    ck_assert_int_eq(average, averages[_i].average);
    ck_assert_int_eq(segs_row_average_voltage(&row, &average), 0);
    ck_assert_int_eq(average, averages[_i].average);
    ck_assert_int_eq(segs_row_average_current(&row, &average), 0);
    ck_assert_int_eq(average, averages[_i].average);

    memset(&rollup, 0, sizeof rollup);
    ck_assert_int_eq(segs_rollup_add(&rollup, &row, QUARTER_MS, MINUTE_MS), 0);
    ck_assert_int_eq(segs_rollup_average_power(&rollup, &average), 0);
    ck_assert_int_eq(average, averages[_i].average);
    ck_assert_int_eq(segs_rollup_average_voltage(&rollup, &average), 0);
    ck_assert_int_eq(average, averages[_i].average);
    ck_assert_int_eq(segs_rollup_average_current(&rollup, &average), 0);
    ck_assert_int_eq(average, averages[_i].average);
}
END_TEST

START_TEST(nothing_has_no_average)
{
    struct segs_window_row row = row_of(0, MINUTE, 1, 0);
    int64_t average = 7;

    row.power_count = 0;
    ck_assert_int_eq(segs_row_average_power(&row, &average), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_row_average_voltage(&row, &average), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_row_average_current(&row, &average), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_row_average_power(NULL, &average), SEGS_EINVAL);
    ck_assert_int_eq(average, 7);
}
END_TEST

static const struct {
    int64_t width_ms, interval_ms, expected;
} completeness[] = {
    { 60000, 10000, 6 },  { 60000, 7000, 8 },    { 60000, 60000, 1 },
    { 60000, 900000, 1 }, { 900000, 1000, 900 },
};

START_TEST(completeness_counts_the_readings_expected)
{
    struct segs_window_row row = row_of(0, MINUTE, 0x1F, 1);
    int64_t present = 0;
    int64_t expected = 0;

    ck_assert_int_eq(segs_row_completeness(&row, completeness[_i].width_ms,
                                           completeness[_i].interval_ms, &present, &expected),
                     0);
    ck_assert_int_eq(present, 5);
    ck_assert_int_eq(expected, completeness[_i].expected);
    ck_assert_int_eq(segs_row_completeness(&row, 0, 1, &present, &expected), SEGS_ERANGE);
    ck_assert_int_eq(segs_row_completeness(&row, 1, 0, &present, &expected), SEGS_ERANGE);
}
END_TEST

/* ---- roll-ups ---- */

START_TEST(fifteen_minutes_make_a_quarter_in_any_order)
{
    /* Minute i has one reading of i kW in each of the slots 0 and 30: the sum is 2 x 105 kW. */
    struct segs_rollup_row forward;
    struct segs_rollup_row scattered;
    int64_t present = 0;
    int64_t expected = 0;

    memset(&forward, 0, sizeof forward);
    memset(&scattered, 0, sizeof scattered);
    for (int i = 0; i < 15; i++) {
        int j = i * 4 % 15; /* 4 and 15 have no common divisor */
        struct segs_window_row a =
            row_of(5, QUARTER + i * MINUTE_MS, UINT64_C(0x40000001), i * INT64_C(1000000));
        struct segs_window_row b =
            row_of(5, QUARTER + j * MINUTE_MS, UINT64_C(0x40000001), j * INT64_C(1000000));

        ck_assert_int_eq(segs_rollup_add(&forward, &a, QUARTER_MS, MINUTE_MS), 0);
        ck_assert_int_eq(segs_rollup_add(&scattered, &b, QUARTER_MS, MINUTE_MS), 0);
    }
    ck_assert_mem_eq(&forward, &scattered, sizeof forward);
    ck_assert_int_eq(forward.window_start_ms, QUARTER);
    ck_assert_uint_eq(forward.meter_slot, 5);
    ck_assert_uint_eq(forward.children, 0x7FFF);
    ck_assert_uint_eq(forward.count, 30);
    ck_assert_int_eq(forward.power_sum_micro_kw, INT64_C(210000000));
    ck_assert_int_eq(forward.power_min_micro_kw, 0);
    ck_assert_int_eq(forward.power_max_micro_kw, INT64_C(14000000));
    ck_assert_int_eq(forward.first_ts_ms, QUARTER);
    ck_assert_int_eq(forward.last_ts_ms, QUARTER + 14 * MINUTE_MS + 30000);
    ck_assert_int_eq(segs_rollup_finish(&forward, 15), 0);
    ck_assert_uint_eq(forward.quality, SEGS_QUALITY_NO_ENERGY);
    ck_assert_int_eq(segs_rollup_completeness(&forward, QUARTER_MS, 30000, &present, &expected), 0);
    ck_assert_int_eq(present, 30);
    ck_assert_int_eq(expected, 30);
}
END_TEST

START_TEST(missing_children_are_counted_and_flagged)
{
    struct segs_rollup_row rollup;
    struct segs_window_row row = row_of(5, QUARTER + 14 * MINUTE_MS, 1, 1);

    memset(&rollup, 0, sizeof rollup);
    (void)segs_rollup_add(&rollup, &row, QUARTER_MS, MINUTE_MS);
    ck_assert_uint_eq(rollup.children, 1u << 14);
    ck_assert_int_eq(segs_rollup_finish(&rollup, 15), 14);
    ck_assert_uint_eq(rollup.quality, SEGS_QUALITY_NO_ENERGY | SEGS_QUALITY_PARTIAL);
    ck_assert_int_eq(segs_rollup_finish(&rollup, 14), SEGS_ERANGE);
    ck_assert_int_eq(segs_rollup_finish(&rollup, 0), SEGS_ERANGE);
    ck_assert_int_eq(segs_rollup_finish(&rollup, 65), SEGS_ERANGE);
    ck_assert_int_eq(segs_rollup_finish(&rollup, 64), 63);
}
END_TEST

START_TEST(a_child_is_added_once)
{
    struct segs_rollup_row rollup;
    struct segs_rollup_row kept;
    struct segs_window_row row = row_of(5, QUARTER, 1, 1);

    memset(&rollup, 0, sizeof rollup);
    (void)segs_rollup_add(&rollup, &row, QUARTER_MS, MINUTE_MS);
    kept = rollup;
    ck_assert_int_eq(segs_rollup_add(&rollup, &row, QUARTER_MS, MINUTE_MS), SEGS_ECONFLICT);
    ck_assert_int_eq(segs_rollup_merge(&rollup, &kept), SEGS_ECONFLICT);
    row = row_of(6, QUARTER + MINUTE_MS, 1, 1);
    ck_assert_int_eq(segs_rollup_add(&rollup, &row, QUARTER_MS, MINUTE_MS), SEGS_EINVAL);
    row = row_of(5, QUARTER + QUARTER_MS, 1, 1);
    ck_assert_int_eq(segs_rollup_add(&rollup, &row, QUARTER_MS, MINUTE_MS), SEGS_EINVAL);
    row = row_of(5, QUARTER + MINUTE_MS, 1, 1);
    ck_assert_int_eq(segs_rollup_add(&rollup, &row, QUARTER_MS, 7000), SEGS_ERANGE);
    ck_assert_int_eq(segs_rollup_add(&rollup, &row, 65 * MINUTE_MS, MINUTE_MS), SEGS_ERANGE);
    row.power_sum_micro_kw = INT64_MAX;
    ck_assert_int_eq(segs_rollup_add(&rollup, &row, QUARTER_MS, MINUTE_MS), SEGS_EOVERFLOW);
    row.window_start_ms++;
    ck_assert_int_eq(segs_rollup_add(&rollup, &row, QUARTER_MS, MINUTE_MS), SEGS_ERANGE);
    row.count = 0;
    ck_assert_int_eq(segs_rollup_add(&rollup, &row, QUARTER_MS, MINUTE_MS), SEGS_EINVAL);
    ck_assert_mem_eq(&rollup, &kept, sizeof kept);
}
END_TEST

START_TEST(a_corrected_roll_up_is_the_one_of_the_corrected_row)
{
    struct segs_window_row first = row_of(5, QUARTER, 0x3, 10);
    struct segs_window_row difference = row_of(5, QUARTER, 0x4, 30);
    struct segs_window_row corrected = first;
    struct segs_rollup_row rollup;
    struct segs_rollup_row expected;

    memset(&rollup, 0, sizeof rollup);
    memset(&expected, 0, sizeof expected);
    (void)segs_row_merge(&corrected, &difference);
    (void)segs_rollup_add(&rollup, &first, QUARTER_MS, MINUTE_MS);
    (void)segs_rollup_add(&expected, &corrected, QUARTER_MS, MINUTE_MS);
    ck_assert_int_eq(segs_rollup_correct(&rollup, &difference, QUARTER_MS, MINUTE_MS), 0);
    ck_assert_uint_eq(rollup.revision, 1);
    rollup.revision = 0;
    ck_assert_mem_eq(&rollup, &expected, sizeof expected);
}
END_TEST

/* ---- regions ---- */

START_TEST(a_region_sums_the_average_of_each_meter_once)
{
    /* Averages of 10 / 4 = 2.5 -> 2 and 15 / 2 = 7.5 -> 8 and -3: load 7, not the average of all
     * readings. */
    struct segs_window_row a = row_of(1, MINUTE, 0xF, 0);
    struct segs_window_row b = row_of(2, MINUTE, 0x3, 0);
    struct segs_window_row c = row_of(3, MINUTE, 0x1, -3);
    const struct segs_window_row *rows[] = { &a, &b, &c };
    struct segs_region_row region;
    struct segs_region_row backward;
    struct segs_region_row one;

    a.power_sum_micro_kw = 10;
    b.power_sum_micro_kw = 15;
    a.energy_count = 1;
    a.energy_sum_micro_kwh = 100;
    memset(&region, 0, sizeof region);
    memset(&backward, 0, sizeof backward);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(segs_region_from_row(rows[i], &one), 0);
        ck_assert_int_eq(segs_region_merge(&region, &one), 0);
        ck_assert_int_eq(segs_region_from_row(rows[2 - i], &one), 0);
        ck_assert_int_eq(segs_region_merge(&backward, &one), 0);
    }
    ck_assert_mem_eq(&region, &backward, sizeof region);
    ck_assert_int_eq(region.window_start_ms, MINUTE);
    ck_assert_int_eq(region.load_micro_kw, 7);
    ck_assert_int_eq(region.load_min_micro_kw, -3);
    ck_assert_int_eq(region.load_max_micro_kw, 8);
    ck_assert_uint_eq(region.meter_count, 3);
    ck_assert_uint_eq(region.load_count, 3);
    ck_assert_uint_eq(region.energy_count, 1);
    ck_assert_int_eq(region.energy_micro_kwh, 100);
    ck_assert_int_eq(region.count, 7);
}
END_TEST

START_TEST(a_region_of_roll_ups_is_made_the_same_way)
{
    struct segs_window_row row = row_of(1, QUARTER, 0x3, 9);
    struct segs_rollup_row rollup;
    struct segs_region_row from_row;
    struct segs_region_row from_rollup;

    memset(&rollup, 0, sizeof rollup);
    (void)segs_rollup_add(&rollup, &row, QUARTER_MS, MINUTE_MS);
    ck_assert_int_eq(segs_region_from_row(&row, &from_row), 0);
    ck_assert_int_eq(segs_region_from_rollup(&rollup, &from_rollup), 0);
    ck_assert_mem_eq(&from_row, &from_rollup, sizeof from_row);
}
END_TEST

static struct segs_region_row region_of(int64_t load)
{
    struct segs_window_row row = row_of(1, MINUTE, 0x1, load);
    struct segs_region_row region;

    ck_assert_int_eq(segs_region_from_row(&row, &region), 0);
    return region;
}

static struct segs_region_row region_of_three(int64_t a, int64_t b, int64_t c)
{
    struct segs_region_row region = region_of(a);
    struct segs_region_row more = region_of(b);

    ck_assert_int_eq(segs_region_merge(&region, &more), 0);
    more = region_of(c);
    ck_assert_int_eq(segs_region_merge(&region, &more), 0);
    return region;
}

START_TEST(a_correction_of_one_meter_moves_the_region_by_the_difference)
{
    struct segs_region_row region = region_of_three(10, 20, 30);
    struct segs_region_row expected = region_of_three(10, 25, 30);
    struct segs_region_row before = region_of(20);
    struct segs_region_row after = region_of(25);

    ck_assert_int_eq(segs_region_replace(&region, &before, &after), 0);
    ck_assert_uint_eq(region.revision, 1);
    region.revision = 0;
    ck_assert_mem_eq(&region, &expected, sizeof expected);
}
END_TEST

START_TEST(an_extreme_that_moves_outward_stays_exact)
{
    struct segs_region_row region = region_of_three(10, 20, 30);
    struct segs_region_row before = region_of(30);
    struct segs_region_row after = region_of(40);

    ck_assert_int_eq(segs_region_replace(&region, &before, &after), 0);
    ck_assert_int_eq(region.load_max_micro_kw, 40);
    ck_assert_int_eq(region.load_min_micro_kw, 10);
    ck_assert_uint_eq(region.quality & SEGS_QUALITY_BOUNDS, 0);
}
END_TEST

START_TEST(an_extreme_that_moves_inward_becomes_a_bound)
{
    struct segs_region_row region = region_of_three(10, 20, 30);
    struct segs_region_row before = region_of(30);
    struct segs_region_row after = region_of(5);

    ck_assert_int_eq(segs_region_replace(&region, &before, &after), 1);
    ck_assert_int_eq(region.load_max_micro_kw, 30);
    ck_assert_int_eq(region.load_min_micro_kw, 5);
    ck_assert_int_eq(region.load_micro_kw, 35);
    ck_assert_uint_eq(region.quality & SEGS_QUALITY_BOUNDS, SEGS_QUALITY_BOUNDS);
}
END_TEST

START_TEST(a_region_of_one_meter_follows_it_exactly)
{
    struct segs_region_row region = region_of(30);
    struct segs_region_row before = region;
    struct segs_region_row after = region_of(5);

    ck_assert_int_eq(segs_region_replace(&region, &before, &after), 0);
    ck_assert_int_eq(region.load_min_micro_kw, 5);
    ck_assert_int_eq(region.load_max_micro_kw, 5);
    ck_assert_uint_eq(region.quality & SEGS_QUALITY_BOUNDS, 0);
}
END_TEST

START_TEST(a_meter_can_join_and_leave_a_region)
{
    struct segs_region_row region = region_of_three(10, 20, 30);
    struct segs_region_row nothing;
    struct segs_region_row meter = region_of(15);

    memset(&nothing, 0, sizeof nothing);
    ck_assert_int_eq(segs_region_replace(&region, &nothing, &meter), 0);
    ck_assert_uint_eq(region.meter_count, 4);
    ck_assert_int_eq(region.load_micro_kw, 75);
    ck_assert_int_eq(segs_region_replace(&region, &meter, &nothing), 0);
    ck_assert_uint_eq(region.meter_count, 3);
    ck_assert_int_eq(region.load_micro_kw, 60);
    ck_assert_int_eq(region.load_min_micro_kw, 10);
}
END_TEST

START_TEST(regions_that_do_not_fit_stay_as_they_are)
{
    struct segs_region_row region = region_of(1);
    struct segs_region_row kept;
    struct segs_region_row other = region_of(2);
    struct segs_region_row two = region_of_three(1, 2, 3);

    region.capacity_micro_kw = 5;
    kept = region;
    other.capacity_micro_kw = 6;
    ck_assert_int_eq(segs_region_merge(&region, &other), SEGS_ECONFLICT);
    other.capacity_micro_kw = 5;
    other.window_start_ms++;
    ck_assert_int_eq(segs_region_merge(&region, &other), SEGS_EINVAL);
    other.window_start_ms--;
    other.load_micro_kw = INT64_MAX;
    ck_assert_int_eq(segs_region_merge(&region, &other), SEGS_EOVERFLOW);
    ck_assert_int_eq(segs_region_replace(&region, &two, &other), SEGS_ECONFLICT);
    ck_assert_mem_eq(&region, &kept, sizeof kept);
}
END_TEST

START_TEST(the_load_share_is_in_millionths_half_even)
{
    struct segs_region_row region = region_of(1);
    int64_t share = 7;

    ck_assert_int_eq(segs_region_load_share(&region, &share), SEGS_ENOTFOUND);
    region.capacity_micro_kw = 2000000; /* 1 / 2,000,000 = 0.5 millionths */
    ck_assert_int_eq(segs_region_load_share(&region, &share), 0);
    ck_assert_int_eq(share, 0);
    region.load_micro_kw = 3; /* 1.5 millionths */
    ck_assert_int_eq(segs_region_load_share(&region, &share), 0);
    ck_assert_int_eq(share, 2);
    region.load_micro_kw = -500000;
    ck_assert_int_eq(segs_region_load_share(&region, &share), 0);
    ck_assert_int_eq(share, -250000);
    region.load_micro_kw = INT64_MAX; /* the product needs 83 bits, the share 64 and more */
    ck_assert_int_eq(segs_region_load_share(&region, &share), 0);
    ck_assert_int_eq(share, INT64_C(4611686018427387904)); /* ...903.5 */
    region.capacity_micro_kw = 1;
    ck_assert_int_eq(segs_region_load_share(&region, &share), SEGS_EOVERFLOW);
    region.capacity_micro_kw = -1;
    ck_assert_int_eq(segs_region_load_share(&region, &share), SEGS_ERANGE);
}
END_TEST

static TCase *row_cases(void)
{
    TCase *tc = tcase_create("row");

    tcase_add_test(tc, merging_rows_adds_extends_and_unites);
    tcase_add_test(tc, a_row_without_readings_is_neutral);
    tcase_add_test(tc, a_row_without_power_does_not_touch_minimum_and_maximum);
    tcase_add_test(tc, rows_that_cannot_be_merged_stay_as_they_are);
    tcase_add_test(tc, subtracting_a_part_and_merging_it_back_gives_the_row);
    tcase_add_test(tc, subtracting_everything_leaves_the_key);
    tcase_add_test(tc, what_a_row_does_not_hold_cannot_be_subtracted);
    tcase_add_loop_test(tc, averages_round_half_to_even, 0, sizeof averages / sizeof averages[0]);
    tcase_add_test(tc, nothing_has_no_average);
    tcase_add_loop_test(tc, completeness_counts_the_readings_expected, 0,
                        sizeof completeness / sizeof completeness[0]);
    return tc;
}

static TCase *rollup_cases(void)
{
    TCase *tc = tcase_create("rollup");

    tcase_add_test(tc, fifteen_minutes_make_a_quarter_in_any_order);
    tcase_add_test(tc, missing_children_are_counted_and_flagged);
    tcase_add_test(tc, a_child_is_added_once);
    tcase_add_test(tc, a_corrected_roll_up_is_the_one_of_the_corrected_row);
    return tc;
}

static TCase *region_cases(void)
{
    TCase *tc = tcase_create("region");

    tcase_add_test(tc, a_region_sums_the_average_of_each_meter_once);
    tcase_add_test(tc, a_region_of_roll_ups_is_made_the_same_way);
    tcase_add_test(tc, a_correction_of_one_meter_moves_the_region_by_the_difference);
    tcase_add_test(tc, an_extreme_that_moves_outward_stays_exact);
    tcase_add_test(tc, an_extreme_that_moves_inward_becomes_a_bound);
    tcase_add_test(tc, a_region_of_one_meter_follows_it_exactly);
    tcase_add_test(tc, a_meter_can_join_and_leave_a_region);
    tcase_add_test(tc, regions_that_do_not_fit_stay_as_they_are);
    tcase_add_test(tc, the_load_share_is_in_millionths_half_even);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("rollup");
    SRunner *runner;
    int n_failed;

    suite_add_tcase(suite, row_cases());
    suite_add_tcase(suite, rollup_cases());
    suite_add_tcase(suite, region_cases());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
