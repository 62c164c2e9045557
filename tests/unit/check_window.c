#include <segs/window.h>

#include <stdlib.h>

#include "window_support.h"

/* ---- the row ---- */

START_TEST(a_row_holds_the_exact_sums_of_its_readings)
{
    /* Worked out by hand: 1.5 - 0.5 + 0.250001 kW = 1.250001 kW; slots 1, 11 and 59 are
     * 2^1 + 2^11 + 2^59. */
    static const struct {
        int64_t offset_ms, power, energy;
        int32_t voltage, current;
    } given[] = { { 1000, 1500000, 4167, 230100, 6520 },
                  { 11000, -500000, -1389, 229900, 2170 },
                  { 59999, 250001, 694, 230000, 1090 } };
    struct segs_window *window = window_in_mode(SEGS_WINDOW_FULL);
    struct segs_window_row row;

    for (int i = 0; i < 3; i++) {
        struct segs_reading reading = power_at(MINUTE + given[i].offset_ms, given[i].power);
        struct segs_fingerprint hash = { { 0xFFFFFFFFu, 1, (uint32_t)i, 0x80000000u } };

        reading.energy_micro_kwh = given[i].energy;
        reading.voltage_milli_v = given[i].voltage;
        reading.current_milli_a = given[i].current;
        reading.present |= SEGS_HAS_ENERGY | SEGS_HAS_VOLTAGE | SEGS_HAS_CURRENT;
        ck_assert_int_eq(segs_window_add(window, 42, &reading, &hash, MINUTE + 60000),
                         SEGS_WINDOW_ADDED);
    }
    ck_assert_int_eq(segs_window_advance(window, MINUTE + 70000), 0);
    row = the_closed_row(window);
    ck_assert_int_eq(row.window_start_ms, MINUTE);
    ck_assert_uint_eq(row.meter_slot, 42);
    ck_assert_int_eq(row.power_sum_micro_kw, 1250001);
    ck_assert_int_eq(row.power_min_micro_kw, -500000);
    ck_assert_int_eq(row.power_max_micro_kw, 1500000);
    ck_assert_int_eq(row.energy_sum_micro_kwh, 3472);
    ck_assert_int_eq(row.voltage_sum_milli_v, 690000);
    ck_assert_int_eq(row.current_sum_milli_a, 9780);
    ck_assert_int_eq(row.first_ts_ms, MINUTE + 1000);
    ck_assert_int_eq(row.last_ts_ms, MINUTE + 59999);
    ck_assert_uint_eq(row.slots[0], UINT64_C(0x0800000000000802));
    for (int i = 1; i < SEGS_WINDOW_SLOT_WORDS; i++)
        ck_assert_uint_eq(row.slots[i], 0);
    ck_assert_uint_eq(row.fingerprint.lane[0], 0xFFFFFFFDu); /* 3 x (2^32 - 1) mod 2^32 */
    ck_assert_uint_eq(row.fingerprint.lane[1], 3);
    ck_assert_uint_eq(row.fingerprint.lane[2], 3);
    ck_assert_uint_eq(row.fingerprint.lane[3], 0x80000000u);
    ck_assert_uint_eq(row.count, 3);
    ck_assert_uint_eq(row.power_count, 3);
    ck_assert_uint_eq(row.energy_count, 3);
    ck_assert_uint_eq(row.voltage_count, 3);
    ck_assert_uint_eq(row.current_count, 3);
    ck_assert_uint_eq(row.quality, 0);
    ck_assert_uint_eq(row.revision, 1);
    segs_window_free(window);
}
END_TEST

START_TEST(zero_is_data)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_CLOSES_ONLY);
    struct segs_window_row row;

    ck_assert_int_eq(add_power(window, 0, MINUTE, 0, MINUTE), SEGS_WINDOW_ADDED);
    ck_assert_int_eq(add_power(window, 0, MINUTE + 1000, 5, MINUTE + 1000), SEGS_WINDOW_ADDED);
    (void)segs_window_advance(window, MINUTE + 70000);
    row = the_closed_row(window);
    ck_assert_uint_eq(row.power_count, 2);
    ck_assert_int_eq(row.power_min_micro_kw, 0);
    ck_assert_int_eq(row.power_max_micro_kw, 5);
    segs_window_free(window);
}
END_TEST

START_TEST(negative_power_alone_has_a_negative_maximum)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_CLOSES_ONLY);
    struct segs_window_row row;

    (void)add_power(window, 0, MINUTE, -7, MINUTE);
    (void)add_power(window, 0, MINUTE + 1000, -3, MINUTE + 1000);
    (void)segs_window_advance(window, MINUTE + 70000);
    row = the_closed_row(window);
    ck_assert_int_eq(row.power_min_micro_kw, -7);
    ck_assert_int_eq(row.power_max_micro_kw, -3);
    ck_assert_int_eq(row.power_sum_micro_kw, -10);
    segs_window_free(window);
}
END_TEST

START_TEST(an_absent_value_is_not_counted_and_is_flagged)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_CLOSES_ONLY);
    struct segs_reading reading = power_at(MINUTE, 12345);
    struct segs_fingerprint hash = hash_of(1);
    struct segs_window_row row;

    reading.present = SEGS_HAS_VOLTAGE | SEGS_HAS_STATUS;
    reading.voltage_milli_v = 231000;
    reading.status = SEGS_STATUS_ERROR;
    ck_assert_int_eq(segs_window_add(window, 0, &reading, &hash, MINUTE), SEGS_WINDOW_ADDED);
    (void)segs_window_advance(window, MINUTE + 70000);
    row = the_closed_row(window);
    ck_assert_uint_eq(row.count, 1);
    ck_assert_uint_eq(row.power_count, 0);
    ck_assert_uint_eq(row.energy_count, 0);
    ck_assert_uint_eq(row.voltage_count, 1);
    ck_assert_int_eq(row.power_sum_micro_kw, 0);
    ck_assert_int_eq(row.power_min_micro_kw, 0);
    ck_assert_int_eq(row.power_max_micro_kw, 0);
    ck_assert_uint_eq(row.quality,
                      SEGS_QUALITY_NO_POWER | SEGS_QUALITY_NO_ENERGY | SEGS_QUALITY_STATUS_ERROR);
    segs_window_free(window);
}
END_TEST

/* 10 s are 1/360 of an hour: 180 micro kW x 10 s = 0.5 micro kWh, and so on. */
static const struct {
    int64_t power;
    int64_t energy;
} derived[] = {
    { 1000000, 2778 },                                  /* 2777.78 */
    { 180, 0 },                                         /* 0.5 to even */
    { 540, 2 },                                         /* 1.5 to even */
    { -180, 0 },                                        /* -0.5 to even */
    { -540, -2 },                                       /* -1.5 to even */
    { -181, -1 },                                       /* -0.503 */
    { 179, 0 },                                         /* 0.497 */
    { 0, 0 },                                           /* zero is a value */
    { SEGS_WINDOW_VALUE_MAX, INT64_C(12509998964918) }, /* 4503599627370496 / 360 = ...917.9 */
};

START_TEST(missing_energy_is_derived_from_power_and_flagged)
{
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;
    struct segs_window *window;
    struct segs_window_row row;

    options.mode = SEGS_WINDOW_CLOSES_ONLY;
    options.interval_ms = 10000;
    window = window_with(options);
    ck_assert_int_eq(add_power(window, 0, MINUTE, derived[_i].power, MINUTE), SEGS_WINDOW_ADDED);
    (void)segs_window_advance(window, MINUTE + 70000);
    row = the_closed_row(window);
    ck_assert_int_eq(row.energy_sum_micro_kwh, derived[_i].energy);
    ck_assert_uint_eq(row.energy_count, 1);
    ck_assert_uint_eq(row.quality, SEGS_QUALITY_ESTIMATED_ENERGY);
    segs_window_free(window);
}
END_TEST

START_TEST(energy_derived_beyond_64_bits_in_between_is_exact)
{
    /* 2^52 micro kW for an hour is 2^52 micro kWh; the product needs 74 bits. */
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;
    struct segs_window *window;

    options.mode = SEGS_WINDOW_CLOSES_ONLY;
    options.interval_ms = 3600000;
    window = window_with(options);
    (void)add_power(window, 0, MINUTE, -SEGS_WINDOW_VALUE_MAX, MINUTE);
    (void)segs_window_advance(window, MINUTE + 70000);
    ck_assert_int_eq(the_closed_row(window).energy_sum_micro_kwh, -SEGS_WINDOW_VALUE_MAX);
    segs_window_free(window);
}
END_TEST

START_TEST(a_row_full_of_the_largest_values_does_not_overflow)
{
    /* 1024 x 2^52 = 2^62. */
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;
    struct segs_window *window;
    struct segs_window_row row;

    options.mode = SEGS_WINDOW_CLOSES_ONLY;
    options.width_ms = 1024;
    options.slot_ms = 1;
    window = window_with(options);
    for (int64_t i = 0; i < 1024; i++)
        ck_assert_int_eq(add_power(window, 0, 1024000 + i, -SEGS_WINDOW_VALUE_MAX, 1024000 + i),
                         SEGS_WINDOW_ADDED);
    (void)segs_window_advance(window, 2048000);
    row = the_closed_row(window);
    ck_assert_int_eq(row.power_sum_micro_kw, -(INT64_C(1) << 62));
    ck_assert_uint_eq(row.count, 1024);
    for (int i = 0; i < SEGS_WINDOW_SLOT_WORDS; i++)
        ck_assert_uint_eq(row.slots[i], UINT64_MAX);
    segs_window_free(window);
}
END_TEST

START_TEST(a_value_beyond_the_limit_is_refused_and_changes_nothing)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_CLOSES_ONLY);

    ck_assert_int_eq(add_power(window, 0, MINUTE, SEGS_WINDOW_VALUE_MAX + 1, MINUTE), SEGS_ERANGE);
    ck_assert_int_eq(add_power(window, 0, MINUTE, -SEGS_WINDOW_VALUE_MAX - 1, MINUTE), SEGS_ERANGE);
    ck_assert_int_eq(add_power(window, 0, MINUTE, INT64_MIN, MINUTE), SEGS_ERANGE);
    ck_assert_int_eq(add_power(window, 0, MINUTE, INT64_MAX, MINUTE), SEGS_ERANGE);
    ck_assert_int_eq(segs_window_row_count(window), 0);
    ck_assert(segs_window_watermark(window) == SEGS_WINDOW_NO_WATERMARK);
    segs_window_free(window);
}
END_TEST

/* ---- widths and slots ---- */

static const struct {
    int64_t width_ms, slot_ms, offset_ms;
    int word;
    uint64_t bits;
} shapes[] = {
    { 60000, 1000, 59999, 0, UINT64_C(1) << 59 },
    { 60000, 10000, 59999, 0, UINT64_C(1) << 5 },
    { 60000, 60000, 59999, 0, 1 },
    { 64000, 1000, 63000, 0, UINT64_C(1) << 63 },
    { 65000, 1000, 64000, 1, 1 },
    { 900000, 1000, 899999, 14, UINT64_C(1) << 3 },       /* slot 899 = 14 x 64 + 3 */
    { 86400000, 300000, 86399999, 4, UINT64_C(1) << 31 }, /* slot 287 = 4 x 64 + 31 */
    { 1024000, 1000, 1023000, 15, UINT64_C(1) << 63 },
};

START_TEST(a_reading_sets_the_bit_of_its_slot)
{
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;
    int64_t start_ms = shapes[_i].width_ms * 20000;
    struct segs_window *window;
    struct segs_window_row row;

    options.mode = SEGS_WINDOW_CLOSES_ONLY;
    options.width_ms = shapes[_i].width_ms;
    options.slot_ms = shapes[_i].slot_ms;
    window = window_with(options);
    ck_assert_int_eq(
        add_power(window, 0, start_ms + shapes[_i].offset_ms, 1, start_ms + shapes[_i].offset_ms),
        SEGS_WINDOW_ADDED);
    (void)segs_window_advance(window, start_ms + shapes[_i].width_ms + 10000);
    row = the_closed_row(window);
    ck_assert_int_eq(row.window_start_ms, start_ms);
    for (int i = 0; i < SEGS_WINDOW_SLOT_WORDS; i++)
        ck_assert_uint_eq(row.slots[i], i == shapes[_i].word ? shapes[_i].bits : 0);
    segs_window_free(window);
}
END_TEST

START_TEST(the_end_of_a_window_belongs_to_the_next)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_DELTAS_ONLY);
    struct segs_window_row rows[3];

    (void)add_power(window, 0, MINUTE + 59999, 1, MINUTE + 60000);
    (void)add_power(window, 0, MINUTE + 60000, 2, MINUTE + 60000);
    ck_assert_uint_eq(take_deltas(window, rows, 3), 2);
    ck_assert_int_eq(rows[0].power_sum_micro_kw, 1);
    ck_assert_int_eq(rows[1].window_start_ms, MINUTE + 60000);
    ck_assert_int_eq(rows[1].power_sum_micro_kw, 2);
    segs_window_free(window);
}
END_TEST

/* ---- identity ---- */

START_TEST(the_same_reading_again_counts_once)
{
    struct segs_window *window = window_in_mode(_i);

    /* First, middle and last reading of the row: their hashes are kept in different ways. */
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(add_power(window, 9, MINUTE + i * 1000, i, MINUTE + 5000), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(add_power(window, 9, MINUTE + i * 1000, i, MINUTE + 5000),
                         SEGS_WINDOW_DUPLICATE);
    segs_window_free(window);
}
END_TEST

START_TEST(another_reading_in_the_same_slot_is_a_conflict_and_the_first_stays)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_FULL);
    struct segs_window_row row;

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(add_power(window, 9, MINUTE + i * 1000, i, MINUTE + 5000), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(add_power(window, 9, MINUTE + i * 1000 + 500, 100, MINUTE + 5000),
                         SEGS_WINDOW_CONFLICT);
    (void)segs_window_advance(window, MINUTE + 70000);
    row = the_closed_row(window);
    ck_assert_uint_eq(row.count, 3);
    ck_assert_int_eq(row.power_sum_micro_kw, 3);
    segs_window_free(window);
}
END_TEST

START_TEST(hashes_that_differ_in_one_lane_only_are_a_conflict)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_CLOSES_ONLY);
    struct segs_reading reading = power_at(MINUTE, 1);
    struct segs_fingerprint hash = { { 1, 2, 3, 4 } };

    (void)segs_window_add(window, 0, &reading, &hash, MINUTE);
    for (int lane = 0; lane < 4; lane++) {
        struct segs_fingerprint other = hash;

        other.lane[lane] ^= 0x80000000u;
        ck_assert_int_eq(segs_window_add(window, 0, &reading, &other, MINUTE),
                         SEGS_WINDOW_CONFLICT);
    }
    segs_window_free(window);
}
END_TEST

START_TEST(the_same_values_from_another_meter_are_another_reading)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_DELTAS_ONLY);
    struct segs_reading reading = power_at(MINUTE, 1);
    struct segs_fingerprint hash = hash_of(1);

    ck_assert_int_eq(segs_window_add(window, 0, &reading, &hash, MINUTE), SEGS_WINDOW_ADDED);
    ck_assert_int_eq(segs_window_add(window, 1, &reading, &hash, MINUTE), SEGS_WINDOW_ADDED);
    segs_window_free(window);
}
END_TEST

START_TEST(full_mode_knows_duplicates_across_takes)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_FULL);
    struct segs_window_row rows[2];

    (void)add_power(window, 0, MINUTE, 1, MINUTE);
    ck_assert_uint_eq(take_deltas(window, rows, 2), 1);
    ck_assert_int_eq(add_power(window, 0, MINUTE, 1, MINUTE), SEGS_WINDOW_DUPLICATE);
    ck_assert_int_eq(add_power(window, 0, MINUTE, 2, MINUTE), SEGS_WINDOW_CONFLICT);
    ck_assert_uint_eq(take_deltas(window, rows, 2), 0);
    segs_window_free(window);
}
END_TEST

START_TEST(deltas_only_knows_duplicates_until_the_commit)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_DELTAS_ONLY);

    (void)add_power(window, 0, MINUTE, 1, MINUTE);
    (void)add_power(window, 0, MINUTE + 1000, 1, MINUTE);
    ck_assert_int_eq(segs_window_deltas_begin(window), 1);
    ck_assert_int_eq(add_power(window, 0, MINUTE, 1, MINUTE), SEGS_WINDOW_DUPLICATE);
    ck_assert_int_eq(add_power(window, 0, MINUTE + 1000, 2, MINUTE), SEGS_WINDOW_CONFLICT);
    ck_assert_int_eq(add_power(window, 0, MINUTE + 2000, 3, MINUTE), SEGS_WINDOW_ADDED);
    ck_assert_int_eq(segs_window_deltas_abort(window), 0);
    ck_assert_int_eq(add_power(window, 0, MINUTE, 1, MINUTE), SEGS_WINDOW_DUPLICATE);
    ck_assert_int_eq(segs_window_deltas_begin(window), 1);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(add_power(window, 0, MINUTE + i * 1000, 1, MINUTE), SEGS_WINDOW_DUPLICATE);
        ck_assert_int_eq(add_power(window, 0, MINUTE + i * 1000, 7, MINUTE), SEGS_WINDOW_CONFLICT);
    }
    ck_assert_int_eq(add_power(window, 0, MINUTE + 2000, 3, MINUTE), SEGS_WINDOW_DUPLICATE);
    ck_assert_int_eq(segs_window_deltas_commit(window), 0);
    ck_assert_int_eq(segs_window_row_count(window), 0);
    ck_assert_int_eq(add_power(window, 0, MINUTE, 1, MINUTE), SEGS_WINDOW_ADDED);
    segs_window_free(window);
}
END_TEST

/* ---- time ---- */

START_TEST(the_watermark_trails_the_highest_event_time)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_DELTAS_ONLY);

    ck_assert(segs_window_watermark(window) == SEGS_WINDOW_NO_WATERMARK);
    (void)add_power(window, 0, MINUTE + 5000, 1, MINUTE + 9000);
    ck_assert_int_eq(segs_window_watermark(window), MINUTE - 5000);
    (void)add_power(window, 0, MINUTE + 2000, 1, MINUTE + 9000);
    ck_assert_int_eq(segs_window_watermark(window), MINUTE - 5000);
    ck_assert_int_eq(segs_window_advance(window, MINUTE), 0); /* the clock stepped back */
    ck_assert_int_eq(segs_window_watermark(window), MINUTE - 5000);
    segs_window_free(window);
}
END_TEST

START_TEST(a_clock_that_is_fast_moves_the_watermark_no_further_than_ours)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_DELTAS_ONLY);

    ck_assert_int_eq(add_power(window, 0, MINUTE + 290000, 1, MINUTE), SEGS_WINDOW_ADDED);
    ck_assert_int_eq(segs_window_watermark(window), MINUTE - 10000);
    segs_window_free(window);
}
END_TEST

START_TEST(a_reading_a_year_ahead_touches_nobody)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_FULL);

    (void)add_power(window, 0, MINUTE, 1, MINUTE);
    ck_assert_int_eq(add_power(window, 1, MINUTE + INT64_C(31536000000), 1, MINUTE), SEGS_ERANGE);
    ck_assert_int_eq(add_power(window, 1, MINUTE + 300001, 1, MINUTE), SEGS_ERANGE);
    ck_assert_int_eq(add_power(window, 1, MINUTE + 300000, 1, MINUTE), SEGS_WINDOW_ADDED);
    ck_assert_int_eq(segs_window_watermark(window), MINUTE - 10000);
    assert_no_closed_row(window);
    ck_assert_int_eq(add_power(window, 0, MINUTE + 1000, 1, MINUTE + 1000), SEGS_WINDOW_ADDED);
    segs_window_free(window);
}
END_TEST

START_TEST(a_meter_that_stops_does_not_hold_back_the_others)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_FULL);
    struct segs_window_row row;

    (void)add_power(window, 0, MINUTE, 1, MINUTE);
    (void)add_power(window, 1, MINUTE, 1, MINUTE);
    (void)add_power(window, 1, MINUTE + 70000, 1, MINUTE + 70000);
    ck_assert_int_eq(segs_window_next_closed(window, &row), 1);
    ck_assert_uint_eq(row.meter_slot, 0);
    ck_assert_int_eq(segs_window_next_closed(window, &row), 1);
    ck_assert_uint_eq(row.meter_slot, 1);
    ck_assert_int_eq(row.window_start_ms, MINUTE);
    assert_no_closed_row(window);
    segs_window_free(window);
}
END_TEST

START_TEST(an_idle_source_closes_its_windows_by_the_clock)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_FULL);

    (void)add_power(window, 0, MINUTE + 30000, 1, MINUTE + 30000);
    (void)segs_window_advance(window, MINUTE + 69999);
    assert_no_closed_row(window);
    (void)segs_window_advance(window, MINUTE + 70000);
    ck_assert_uint_eq(the_closed_row(window).count, 1);
    segs_window_free(window);
}
END_TEST

START_TEST(times_outside_1970_to_9999_are_refused)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_FULL);

    ck_assert_int_eq(add_power(window, 0, -1, 1, MINUTE), SEGS_ERANGE);
    ck_assert_int_eq(add_power(window, 0, INT64_MIN, 1, MINUTE), SEGS_ERANGE);
    ck_assert_int_eq(add_power(window, 0, INT64_MAX, 1, MINUTE), SEGS_ERANGE);
    ck_assert_int_eq(add_power(window, 0, MINUTE, 1, -1), SEGS_ERANGE);
    ck_assert_int_eq(add_power(window, 0, MINUTE, 1, INT64_C(253402300800000)), SEGS_ERANGE);
    ck_assert_int_eq(segs_window_advance(window, -1), SEGS_ERANGE);
    ck_assert_int_eq(add_power(window, 0, 0, 1, 0), SEGS_WINDOW_ADDED);
    segs_window_free(window);
}
END_TEST

/* ---- closed rows and corrections ---- */

START_TEST(a_late_reading_makes_the_total_of_the_ordered_stream)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_FULL);
    struct segs_window *ordered = window_in_mode(SEGS_WINDOW_FULL);
    struct segs_window_row row;
    struct segs_window_row difference;
    struct segs_window_row expected;

    for (int i = 0; i < 6; i++)
        (void)add_power(ordered, 3, MINUTE + i * 10000, 100 - i * 30, MINUTE + 60000);
    (void)segs_window_advance(ordered, MINUTE + 70000);
    expected = the_closed_row(ordered);

    for (int i = 0; i < 5; i++)
        (void)add_power(window, 3, MINUTE + i * 10000, 100 - i * 30, MINUTE + 60000);
    (void)segs_window_advance(window, MINUTE + 70000);
    (void)the_closed_row(window);
    ck_assert_int_eq(add_power(window, 3, MINUTE + 50000, -50, MINUTE + 80000), SEGS_WINDOW_LATE);
    ck_assert_int_eq(segs_window_next_correction(window, &row, &difference), 1);
    ck_assert_uint_eq(row.revision, 2);
    ck_assert_uint_eq(row.quality, SEGS_QUALITY_NO_ENERGY | SEGS_QUALITY_LATE);
    row.revision = expected.revision;
    row.quality = expected.quality;
    ck_assert_mem_eq(&row, &expected, sizeof row);

    ck_assert_uint_eq(difference.count, 1);
    ck_assert_int_eq(difference.power_sum_micro_kw, -50);
    ck_assert_int_eq(difference.power_min_micro_kw, -50);
    ck_assert_int_eq(difference.power_max_micro_kw, -50);
    ck_assert_uint_eq(difference.revision, 0);
    ck_assert_uint_eq(difference.slots[0], UINT64_C(1) << 50);
    ck_assert_int_eq(segs_window_next_correction(window, &row, &difference), 0);
    assert_no_closed_row(window);
    segs_window_free(window);
    segs_window_free(ordered);
}
END_TEST

START_TEST(a_reading_after_the_close_but_before_the_row_was_read_needs_no_correction)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_CLOSES_ONLY);
    struct segs_window_row row;

    (void)add_power(window, 0, MINUTE, 1, MINUTE);
    (void)segs_window_advance(window, MINUTE + 70000);
    ck_assert_int_eq(add_power(window, 0, MINUTE + 1000, 2, MINUTE + 70000), SEGS_WINDOW_LATE);
    row = the_closed_row(window);
    ck_assert_uint_eq(row.count, 2);
    ck_assert_uint_eq(row.quality & SEGS_QUALITY_LATE, SEGS_QUALITY_LATE);
    ck_assert_int_eq(segs_window_next_correction(window, &row, NULL), 0);
    segs_window_free(window);
}
END_TEST

START_TEST(corrections_number_their_revisions_and_hold_each_difference_once)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_CLOSES_ONLY);
    struct segs_window_row row;
    struct segs_window_row difference;

    for (uint32_t meter = 0; meter < 2; meter++)
        (void)add_power(window, meter, MINUTE, 1, MINUTE);
    (void)segs_window_advance(window, MINUTE + 70000);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(segs_window_next_closed(window, &row), 1);

    /* Meter 0 is handed out, then both get more: meter 1's is part of this round, meter 0's of the
     * next. */
    (void)add_power(window, 1, MINUTE + 1000, 10, MINUTE + 70000);
    (void)add_power(window, 0, MINUTE + 1000, 20, MINUTE + 70000);
    ck_assert_int_eq(segs_window_next_correction(window, &row, &difference), 1);
    ck_assert_uint_eq(row.meter_slot, 0);
    (void)add_power(window, 0, MINUTE + 2000, 30, MINUTE + 70000);
    (void)add_power(window, 1, MINUTE + 2000, 40, MINUTE + 70000);
    ck_assert_int_eq(segs_window_next_correction(window, &row, &difference), 1);
    ck_assert_uint_eq(row.meter_slot, 1);
    ck_assert_uint_eq(row.revision, 2);
    ck_assert_int_eq(row.power_sum_micro_kw, 51);
    ck_assert_int_eq(difference.power_sum_micro_kw, 50);
    ck_assert_int_eq(segs_window_next_correction(window, &row, &difference), 1);
    ck_assert_uint_eq(row.meter_slot, 0);
    ck_assert_uint_eq(row.revision, 3);
    ck_assert_int_eq(row.power_sum_micro_kw, 51);
    ck_assert_int_eq(difference.power_sum_micro_kw, 30);
    ck_assert_int_eq(segs_window_next_correction(window, &row, &difference), 0);
    segs_window_free(window);
}
END_TEST

START_TEST(a_row_first_heard_of_late_is_closed_with_revision_one)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_FULL);
    struct segs_window_row row;

    (void)add_power(window, 5, MINUTE, 1, MINUTE);
    (void)segs_window_advance(window, MINUTE + 70000);
    (void)the_closed_row(window);
    ck_assert_int_eq(add_power(window, 4, MINUTE, 1, MINUTE + 70000), SEGS_WINDOW_LATE);
    row = the_closed_row(window);
    ck_assert_uint_eq(row.meter_slot, 4);
    ck_assert_uint_eq(row.revision, 1);
    ck_assert_uint_eq(row.quality & SEGS_QUALITY_LATE, SEGS_QUALITY_LATE);
    segs_window_free(window);
}
END_TEST

START_TEST(rows_come_in_order_of_window_and_meter)
{
    /* Thinly and densely populated windows; meters arrive in falling order. */
    struct segs_window *window = window_in_mode(SEGS_WINDOW_FULL);
    struct segs_window_row row;
    int64_t last = -1;
    int n = 0;

    for (uint32_t i = 0; i < 300; i++) {
        (void)add_power(window, (299 - i) * 1000, MINUTE + 60000, 1, MINUTE + 60000);
        (void)add_power(window, 299 - i, MINUTE, 1, MINUTE + 60000);
    }
    ck_assert_int_eq(segs_window_deltas_begin(window), 1);
    while (segs_window_next_delta(window, &row) == 1) {
        int64_t key = (row.window_start_ms - MINUTE) * 1000000 + row.meter_slot;

        ck_assert_int_gt(key, last);
        last = key;
        n++;
    }
    ck_assert_int_eq(n, 600);
    (void)segs_window_advance(window, MINUTE + 130000);
    for (last = -1, n = 0; segs_window_next_closed(window, &row) == 1; n++) {
        int64_t key = (row.window_start_ms - MINUTE) * 1000000 + row.meter_slot;

        ck_assert_int_gt(key, last);
        last = key;
    }
    ck_assert_int_eq(n, 600);
    segs_window_free(window);
}
END_TEST

START_TEST(a_forgotten_row_takes_a_late_reading_as_a_flagged_delta)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_FULL);
    struct segs_window_row rows[2];
    int64_t later = MINUTE + 70000 + 3600000;

    (void)add_power(window, 0, MINUTE, 1, MINUTE);
    ck_assert_uint_eq(take_deltas(window, rows, 2), 1);
    (void)segs_window_advance(window, MINUTE + 70000);
    (void)the_closed_row(window);
    (void)segs_window_advance(window, later - 1);
    ck_assert_int_eq(segs_window_row_count(window), 1);
    (void)segs_window_advance(window, later);
    ck_assert_int_eq(segs_window_row_count(window), 0);

    ck_assert_int_eq(add_power(window, 0, MINUTE + 1000, 2, later), SEGS_WINDOW_LATE);
    ck_assert_int_eq(add_power(window, 0, MINUTE + 1000, 2, later), SEGS_WINDOW_DUPLICATE);
    ck_assert_int_eq(add_power(window, 0, MINUTE + 1000, 3, later), SEGS_WINDOW_CONFLICT);
    assert_no_closed_row(window);
    ck_assert_uint_eq(take_deltas(window, rows, 2), 1);
    ck_assert_uint_eq(rows[0].count, 1);
    ck_assert_uint_eq(rows[0].quality & SEGS_QUALITY_LATE, SEGS_QUALITY_LATE);
    segs_window_free(window);
}
END_TEST

START_TEST(without_deltas_a_reading_for_a_forgotten_row_is_expired)
{
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;
    struct segs_window *window;

    options.mode = SEGS_WINDOW_CLOSES_ONLY;
    options.retain_ms = -1;
    window = window_with(options);
    (void)add_power(window, 0, MINUTE, 1, MINUTE);
    (void)segs_window_advance(window, MINUTE + 70000);
    ck_assert_int_eq(add_power(window, 0, MINUTE + 1000, 2, MINUTE + 70000), SEGS_WINDOW_LATE);
    ck_assert_uint_eq(the_closed_row(window).count, 2);
    ck_assert_int_eq(add_power(window, 0, MINUTE + 2000, 2, MINUTE + 70000), SEGS_WINDOW_EXPIRED);
    ck_assert_int_eq(segs_window_row_count(window), 0);
    segs_window_free(window);
}
END_TEST

START_TEST(nothing_is_forgotten_that_is_still_owed)
{
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;
    struct segs_window *window;
    struct segs_window_row rows[2];

    options.retain_ms = -1;
    window = window_with(options);
    (void)add_power(window, 0, MINUTE, 1, MINUTE);
    (void)segs_window_advance(window, MINUTE + 700000);
    ck_assert_int_eq(segs_window_row_count(window), 2); /* the row and its delta */
    (void)the_closed_row(window);
    ck_assert_int_eq(segs_window_row_count(window), 2);
    ck_assert_int_eq(add_power(window, 0, MINUTE, 1, MINUTE), SEGS_WINDOW_DUPLICATE);
    ck_assert_uint_eq(take_deltas(window, rows, 2), 1);
    ck_assert_int_eq(segs_window_row_count(window), 0);
    segs_window_free(window);
}
END_TEST

/* ---- deltas ---- */

START_TEST(a_delta_holds_only_what_was_added_since_the_last_take)
{
    struct segs_window *window = window_in_mode(_i);
    struct segs_window_row rows[3];

    (void)add_power(window, 0, MINUTE, 10, MINUTE);
    (void)add_power(window, 1, MINUTE, 20, MINUTE);
    ck_assert_int_eq(segs_window_delta_count(window), 2);
    ck_assert_uint_eq(take_deltas(window, rows, 3), 2);
    (void)add_power(window, 1, MINUTE + 1000, 5, MINUTE);
    ck_assert_uint_eq(take_deltas(window, rows, 3), 1);
    ck_assert_uint_eq(rows[0].meter_slot, 1);
    ck_assert_uint_eq(rows[0].count, 1);
    ck_assert_int_eq(rows[0].power_sum_micro_kw, 5);
    ck_assert_int_eq(rows[0].power_max_micro_kw, 5);
    ck_assert_uint_eq(rows[0].slots[0], 2);
    ck_assert_uint_eq(rows[0].revision, 0);
    ck_assert_uint_eq(take_deltas(window, rows, 3), 0);
    segs_window_free(window);
}
END_TEST

START_TEST(an_aborted_take_comes_again_merged_with_newer_readings)
{
    struct segs_window *window = window_in_mode(_i);
    struct segs_window_row rows[3];

    (void)add_power(window, 0, MINUTE, 10, MINUTE);
    (void)add_power(window, 1, MINUTE, 20, MINUTE);
    ck_assert_int_eq(segs_window_deltas_begin(window), 1);
    ck_assert_int_eq(segs_window_next_delta(window, rows), 1);
    (void)add_power(window, 0, MINUTE + 1000, -4, MINUTE);
    ck_assert_int_eq(segs_window_deltas_abort(window), 0);
    (void)add_power(window, 2, MINUTE + 1000, 1, MINUTE);
    ck_assert_uint_eq(take_deltas(window, rows, 3), 3);
    ck_assert_int_eq(rows[0].power_sum_micro_kw, 6);
    ck_assert_int_eq(rows[0].power_min_micro_kw, -4);
    ck_assert_int_eq(rows[0].power_max_micro_kw, 10);
    ck_assert_uint_eq(rows[0].slots[0], 3);
    ck_assert_int_eq(rows[1].power_sum_micro_kw, 20);
    ck_assert_int_eq(rows[2].power_sum_micro_kw, 1);
    ck_assert_uint_eq(take_deltas(window, rows, 3), 0);
    segs_window_free(window);
}
END_TEST

START_TEST(takes_do_not_nest_and_need_a_begin)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_DELTAS_ONLY);
    struct segs_window_row row;

    ck_assert_int_eq(segs_window_next_delta(window, &row), SEGS_ECONFLICT);
    ck_assert_int_eq(segs_window_deltas_commit(window), SEGS_ECONFLICT);
    ck_assert_int_eq(segs_window_deltas_abort(window), SEGS_ECONFLICT);
    ck_assert_int_eq(segs_window_deltas_begin(window), 0);
    ck_assert_int_eq(segs_window_deltas_begin(window), SEGS_ECONFLICT);
    ck_assert_int_eq(segs_window_next_delta(window, &row), 0);
    ck_assert_int_eq(segs_window_deltas_commit(window), 0);
    segs_window_free(window);
}
END_TEST

START_TEST(each_mode_refuses_what_it_does_not_have)
{
    struct segs_window *deltas = window_in_mode(SEGS_WINDOW_DELTAS_ONLY);
    struct segs_window *closes = window_in_mode(SEGS_WINDOW_CLOSES_ONLY);
    struct segs_window_row row;

    ck_assert_int_eq(segs_window_next_closed(deltas, &row), SEGS_ENOTSUP);
    ck_assert_int_eq(segs_window_next_correction(deltas, &row, NULL), SEGS_ENOTSUP);
    ck_assert_int_eq(segs_window_deltas_begin(closes), SEGS_ENOTSUP);
    segs_window_free(deltas);
    segs_window_free(closes);
}
END_TEST

START_TEST(deltas_only_flags_late_readings)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_DELTAS_ONLY);
    struct segs_window_row rows[2];

    (void)segs_window_advance(window, MINUTE + 70000);
    ck_assert_int_eq(add_power(window, 0, MINUTE, 1, MINUTE + 70000), SEGS_WINDOW_LATE);
    ck_assert_int_eq(add_power(window, 0, MINUTE, 1, MINUTE + 70000), SEGS_WINDOW_DUPLICATE);
    ck_assert_uint_eq(take_deltas(window, rows, 2), 1);
    ck_assert_uint_eq(rows[0].quality & SEGS_QUALITY_LATE, SEGS_QUALITY_LATE);
    segs_window_free(window);
}
END_TEST

/* ---- limits ---- */

START_TEST(a_full_window_object_refuses_new_rows_and_takes_old_ones)
{
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;
    struct segs_window *window;
    struct segs_window_row rows[4];

    options.mode = SEGS_WINDOW_DELTAS_ONLY;
    options.max_rows = 2;
    options.max_windows = 2;
    window = window_with(options);
    ck_assert_int_eq(add_power(window, 0, MINUTE, 1, MINUTE), SEGS_WINDOW_ADDED);
    ck_assert_int_eq(add_power(window, 1, MINUTE, 1, MINUTE), SEGS_WINDOW_ADDED);
    ck_assert_int_eq(add_power(window, 2, MINUTE + 20000, 1, MINUTE + 20000), SEGS_EFULL);
    ck_assert_int_eq(segs_window_watermark(window), MINUTE - 10000);
    ck_assert_int_eq(add_power(window, 1, MINUTE + 1000, 1, MINUTE), SEGS_WINDOW_ADDED);
    ck_assert_uint_eq(take_deltas(window, rows, 4), 2);
    ck_assert_int_eq(add_power(window, 2, MINUTE + 20000, 1, MINUTE + 20000), SEGS_WINDOW_ADDED);
    ck_assert_int_eq(add_power(window, 2, MINUTE + 60000, 1, MINUTE + 60000), SEGS_WINDOW_ADDED);
    ck_assert_uint_eq(take_deltas(window, rows, 4), 2);
    ck_assert_int_eq(add_power(window, 0, MINUTE, 1, MINUTE + 60000), SEGS_WINDOW_ADDED);
    ck_assert_int_eq(add_power(window, 0, MINUTE + 60000, 1, MINUTE + 60000), SEGS_WINDOW_ADDED);
    ck_assert_int_eq(add_power(window, 0, MINUTE + 120000, 1, MINUTE + 60000), SEGS_EFULL);
    segs_window_free(window);
}
END_TEST

START_TEST(a_meter_slot_beyond_the_limit_is_refused)
{
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;
    struct segs_window *window;

    options.max_meters = 10;
    window = window_with(options);
    ck_assert_int_eq(add_power(window, 9, MINUTE, 1, MINUTE), SEGS_WINDOW_ADDED);
    ck_assert_int_eq(add_power(window, 10, MINUTE, 1, MINUTE), SEGS_ERANGE);
    ck_assert_int_eq(add_power(window, UINT32_MAX, MINUTE, 1, MINUTE), SEGS_ERANGE);
    segs_window_free(window);
}
END_TEST

struct bad_option {
    const char *field;
    size_t offset;
    int64_t value;
};
#define BAD(member, value)                                                                         \
    {                                                                                              \
#member, offsetof(struct segs_window_options, member), value                               \
    }
static const struct bad_option bad_options[] = {
    BAD(width_ms, -1),        BAD(width_ms, 60001),      BAD(width_ms, 1025000),
    BAD(width_ms, 86401000),  BAD(slot_ms, -1),          BAD(allowed_lateness_ms, -2),
    BAD(interval_ms, -1),     BAD(interval_ms, 3600001), BAD(max_future_ms, -1),
    BAD(retain_ms, -2),       BAD(max_rows, -1),         BAD(max_windows, 1048577),
    BAD(max_rows, INT64_MIN),
};

START_TEST(a_bad_option_is_named)
{
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;
    struct segs_window *window = NULL;
    struct segs_error err;

    memcpy((char *)&options + bad_options[_i].offset, &bad_options[_i].value, sizeof(int64_t));
    ck_assert_int_eq(segs_window_new(&options, &window, &err), SEGS_ERANGE);
    ck_assert_str_eq(err.field, bad_options[_i].field);
    ck_assert_ptr_null(window);
}
END_TEST

START_TEST(an_unknown_mode_is_not_supported)
{
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;
    struct segs_window *window = NULL;

    options.mode = 3;
    ck_assert_int_eq(segs_window_new(&options, &window, NULL), SEGS_ENOTSUP);
    options.mode = 0;
    options.max_meters = (1u << 26) + 1;
    ck_assert_int_eq(segs_window_new(&options, &window, NULL), SEGS_ERANGE);
    options.size = 3;
    ck_assert_int_eq(segs_window_new(&options, &window, NULL), SEGS_EINVAL);
    ck_assert_ptr_null(window);
}
END_TEST

START_TEST(null_is_named_a_bug)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_FULL);
    struct segs_reading reading = power_at(MINUTE, 1);
    struct segs_fingerprint hash = hash_of(1);
    struct segs_window_columns columns = SEGS_WINDOW_COLUMNS_INIT;
    struct segs_window_row row;
    uint8_t state;

    ck_assert_int_eq(segs_window_new(NULL, NULL, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_window_add(NULL, 0, &reading, &hash, 0), SEGS_EINVAL);
    ck_assert_int_eq(segs_window_add(window, 0, NULL, &hash, 0), SEGS_EINVAL);
    ck_assert_int_eq(segs_window_add(window, 0, &reading, NULL, 0), SEGS_EINVAL);
    ck_assert_int_eq(segs_window_add_columns(window, NULL, 0, 0, &state), SEGS_EINVAL);
    ck_assert_int_eq(segs_window_add_columns(window, &columns, 1, 0, &state), SEGS_EINVAL);
    ck_assert_int_eq(segs_window_add_columns(window, &columns, 0, 0, NULL), 0);
    ck_assert_int_eq(segs_window_next_closed(window, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_window_next_correction(window, NULL, &row), SEGS_EINVAL);
    ck_assert_int_eq(segs_window_next_delta(NULL, &row), SEGS_EINVAL);
    ck_assert_int_eq(segs_window_advance(NULL, 0), SEGS_EINVAL);
    ck_assert_int_eq(segs_window_row_count(NULL), 0);
    ck_assert_int_eq(segs_window_delta_count(NULL), 0);
    ck_assert(segs_window_watermark(NULL) == SEGS_WINDOW_NO_WATERMARK);
    segs_window_free(NULL);
    segs_window_free(window);
}
END_TEST

static TCase *row_cases(void)
{
    TCase *tc = tcase_create("row");

    tcase_add_test(tc, a_row_holds_the_exact_sums_of_its_readings);
    tcase_add_test(tc, zero_is_data);
    tcase_add_test(tc, negative_power_alone_has_a_negative_maximum);
    tcase_add_test(tc, an_absent_value_is_not_counted_and_is_flagged);
    tcase_add_loop_test(tc, missing_energy_is_derived_from_power_and_flagged, 0,
                        sizeof derived / sizeof derived[0]);
    tcase_add_test(tc, energy_derived_beyond_64_bits_in_between_is_exact);
    tcase_add_test(tc, a_row_full_of_the_largest_values_does_not_overflow);
    tcase_add_test(tc, a_value_beyond_the_limit_is_refused_and_changes_nothing);
    tcase_add_loop_test(tc, a_reading_sets_the_bit_of_its_slot, 0,
                        sizeof shapes / sizeof shapes[0]);
    tcase_add_test(tc, the_end_of_a_window_belongs_to_the_next);
    return tc;
}

static TCase *identity_cases(void)
{
    TCase *tc = tcase_create("identity");

    tcase_add_loop_test(tc, the_same_reading_again_counts_once, SEGS_WINDOW_FULL,
                        SEGS_WINDOW_CLOSES_ONLY + 1);
    tcase_add_test(tc, another_reading_in_the_same_slot_is_a_conflict_and_the_first_stays);
    tcase_add_test(tc, hashes_that_differ_in_one_lane_only_are_a_conflict);
    tcase_add_test(tc, the_same_values_from_another_meter_are_another_reading);
    tcase_add_test(tc, full_mode_knows_duplicates_across_takes);
    tcase_add_test(tc, deltas_only_knows_duplicates_until_the_commit);
    return tc;
}

static TCase *time_cases(void)
{
    TCase *tc = tcase_create("time");

    tcase_add_test(tc, the_watermark_trails_the_highest_event_time);
    tcase_add_test(tc, a_clock_that_is_fast_moves_the_watermark_no_further_than_ours);
    tcase_add_test(tc, a_reading_a_year_ahead_touches_nobody);
    tcase_add_test(tc, a_meter_that_stops_does_not_hold_back_the_others);
    tcase_add_test(tc, an_idle_source_closes_its_windows_by_the_clock);
    tcase_add_test(tc, times_outside_1970_to_9999_are_refused);
    return tc;
}

static TCase *close_cases(void)
{
    TCase *tc = tcase_create("close");

    tcase_add_test(tc, a_late_reading_makes_the_total_of_the_ordered_stream);
    tcase_add_test(tc, a_reading_after_the_close_but_before_the_row_was_read_needs_no_correction);
    tcase_add_test(tc, corrections_number_their_revisions_and_hold_each_difference_once);
    tcase_add_test(tc, a_row_first_heard_of_late_is_closed_with_revision_one);
    tcase_add_test(tc, rows_come_in_order_of_window_and_meter);
    tcase_add_test(tc, a_forgotten_row_takes_a_late_reading_as_a_flagged_delta);
    tcase_add_test(tc, without_deltas_a_reading_for_a_forgotten_row_is_expired);
    tcase_add_test(tc, nothing_is_forgotten_that_is_still_owed);
    return tc;
}

static TCase *delta_cases(void)
{
    TCase *tc = tcase_create("delta");

    tcase_add_loop_test(tc, a_delta_holds_only_what_was_added_since_the_last_take, SEGS_WINDOW_FULL,
                        SEGS_WINDOW_DELTAS_ONLY + 1);
    tcase_add_loop_test(tc, an_aborted_take_comes_again_merged_with_newer_readings,
                        SEGS_WINDOW_FULL, SEGS_WINDOW_DELTAS_ONLY + 1);
    tcase_add_test(tc, takes_do_not_nest_and_need_a_begin);
    tcase_add_test(tc, each_mode_refuses_what_it_does_not_have);
    tcase_add_test(tc, deltas_only_flags_late_readings);
    return tc;
}

static TCase *limit_cases(void)
{
    TCase *tc = tcase_create("limit");

    tcase_add_test(tc, a_full_window_object_refuses_new_rows_and_takes_old_ones);
    tcase_add_test(tc, a_meter_slot_beyond_the_limit_is_refused);
    tcase_add_loop_test(tc, a_bad_option_is_named, 0, sizeof bad_options / sizeof bad_options[0]);
    tcase_add_test(tc, an_unknown_mode_is_not_supported);
    tcase_add_test(tc, null_is_named_a_bug);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("window");
    SRunner *runner;
    int n_failed;

    suite_add_tcase(suite, row_cases());
    suite_add_tcase(suite, identity_cases());
    suite_add_tcase(suite, time_cases());
    suite_add_tcase(suite, close_cases());
    suite_add_tcase(suite, delta_cases());
    suite_add_tcase(suite, limit_cases());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
