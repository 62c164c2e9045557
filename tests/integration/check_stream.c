/* The stream processor as a whole: what it promises about rows, closing, corrections, quarantine and restarts. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline_support.h"
#include "runtime/schema/schema.h"

/* 2026-01-15T14:00:00Z, the start of a quarter of an hour (1768485600 s, `date -u -d 2026-01-15T14:00Z +%s`). */
#define T0 INT64_C(1768485600000)
#define MIN INT64_C(60000)
#define KW INT64_C(1000000)

static struct pipeline p;

static void setup(void)
{
    pipeline_open(&p, T0, NULL);
}

static void teardown(void)
{
    pipeline_close(&p);
}

/* Six readings of one meter, every 10 s of the minute that starts at `start`. */
static void send_minute(const char *meter_id, const char *region, int64_t start, int64_t power)
{
    struct segs_reading readings[6];

    for (int i = 0; i < 6; i++)
        readings[i] = pipeline_reading(meter_id, region, start + i * 10000, power);
    if (p.now_ms < start + 50000)
        p.now_ms = start + 50000;
    pipeline_send(&p, readings, 6);
}

/* Something in each partition that moves its watermark beyond `until`. MTR-1 and MTR-3 lie in different ones (tested below). */
static void pass(int64_t until)
{
    struct segs_reading readings[2] = { pipeline_reading("MTR-1", "North", until + 10000, 1 * KW),
                                        pipeline_reading("MTR-3", "South", until + 10000, 1 * KW) };

    p.now_ms = until + 11000;
    pipeline_send(&p, readings, 2);
    pipeline_drain(&p);
}

START_TEST(the_two_meters_of_these_tests_lie_in_different_partitions)
{
    pass(T0);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(DISTINCT partition) FROM aggregates_1m"), 2);
}
END_TEST

START_TEST(readings_of_a_minute_become_one_exact_row)
{
    struct segs_reading readings[3] = { pipeline_reading("MTR-1", "North", T0 + 1000, 3600000),
                                        pipeline_reading("MTR-1", "North", T0 + 11000, 7200000),
                                        pipeline_reading("MTR-1", "North", T0 + 59999, 1800000) };

    p.now_ms = T0 + MIN;
    pipeline_send(&p, readings, 3);
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count FROM aggregates_1m"), 3);
    ck_assert_int_eq(pipeline_int(&p, "SELECT power_sum_micro_kw FROM aggregates_1m"), 12600000);
    ck_assert_int_eq(pipeline_int(&p, "SELECT power_min_micro_kw FROM aggregates_1m"), 1800000);
    ck_assert_int_eq(pipeline_int(&p, "SELECT power_max_micro_kw FROM aggregates_1m"), 7200000);
    ck_assert_int_eq(pipeline_int(&p, "SELECT energy_sum_micro_kwh FROM aggregates_1m"),
                     10000 + 20000 + 5000);
    ck_assert_int_eq(pipeline_int(&p, "SELECT voltage_sum_milli_v FROM aggregates_1m"), 690000);
    ck_assert_int_eq(pipeline_int(&p, "SELECT slots FROM aggregates_1m"),
                     (INT64_C(1) << 1) | (INT64_C(1) << 11) | (INT64_C(1) << 59));
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM raw_readings"), 3);
}
END_TEST

START_TEST(rows_grow_over_many_checkpoints_without_losing_or_doubling)
{
    for (int i = 0; i < 60; i++) {
        struct segs_reading reading =
            pipeline_reading("MTR-1", "North", T0 + i * 1000, (i + 1) * KW);

        p.now_ms = T0 + i * 1000;
        pipeline_send(&p, &reading, 1);
        if (i % 7 == 0)
            pipeline_drain(&p);
    }
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count FROM aggregates_1m"), 60);
    ck_assert_int_eq(pipeline_int(&p, "SELECT power_sum_micro_kw FROM aggregates_1m"),
                     1830 * KW); /* 60 * 61 / 2 */
    ck_assert_int_eq(pipeline_int(&p, "SELECT power_min_micro_kw FROM aggregates_1m"), 1 * KW);
    ck_assert_int_eq(pipeline_int(&p, "SELECT power_max_micro_kw FROM aggregates_1m"), 60 * KW);
    ck_assert_int_eq(pipeline_int(&p, "SELECT slots FROM aggregates_1m"), (INT64_C(1) << 60) - 1);
}
END_TEST

START_TEST(D_113_a_repeated_reading_is_counted_once_also_across_checkpoints)
{
    struct segs_reading reading = pipeline_reading("MTR-1", "North", T0 + 5000, 2 * KW);
    struct segs_reading relabelled = reading;

    p.now_ms = T0 + 6000;
    pipeline_send(&p, &reading, 1);
    pipeline_drain(&p);
    relabelled.seq = 99;
    relabelled.present |= SEGS_HAS_SEQ;
    pipeline_send(&p, &reading, 1);
    pipeline_send(&p, &relabelled, 1);
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count FROM aggregates_1m"), 1);
    ck_assert_int_eq(pipeline_int(&p, "SELECT power_sum_micro_kw FROM aggregates_1m"), 2 * KW);
    ck_assert_int_eq(pipeline_int(&p, "SELECT sum(n_duplicate) FROM stream_offsets"), 2);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM quarantine"), 0);
}
END_TEST

START_TEST(another_reading_of_the_same_second_goes_to_quarantine_and_the_first_stays)
{
    struct segs_reading first = pipeline_reading("MTR-1", "North", T0 + 5000, 2 * KW);
    struct segs_reading second = pipeline_reading("MTR-1", "North", T0 + 5500, 9 * KW);
    struct segs_reading third = pipeline_reading("MTR-1", "North", T0 + 7000, 4 * KW);

    p.now_ms = T0 + 8000;
    pipeline_send(&p, &first, 1);
    pipeline_drain(&p);
    pipeline_send(&p, &second, 1); /* Meets the stored row together with a good one. */
    pipeline_send(&p, &third, 1);
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count FROM aggregates_1m"), 2);
    ck_assert_int_eq(pipeline_int(&p, "SELECT power_sum_micro_kw FROM aggregates_1m"), 6 * KW);
    ck_assert_int_eq(
        pipeline_int(
            &p, "SELECT count(*) FROM quarantine WHERE rule = 'CONFLICT' AND meter_id = 'MTR-1'"),
        1);
    ck_assert_int_eq(pipeline_int(&p, "SELECT sum(n_read) - sum(n_counted) - sum(n_duplicate) - "
                                      "sum(n_quarantined) FROM stream_offsets"),
                     0);
}
END_TEST

START_TEST(D_20_a_reading_of_zero_is_data)
{
    send_minute("MTR-1", "North", T0, 0);
    pass(T0 + MIN);
    ck_assert_int_eq(
        pipeline_int(&p, "SELECT count FROM aggregates_1m WHERE window_start_ms = 1768485600000"),
        6);
    ck_assert_int_eq(
        pipeline_int(&p,
                     "SELECT power_count FROM aggregates_1m WHERE window_start_ms = 1768485600000"),
        6);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM quarantine"), 0);
}
END_TEST

START_TEST(D_11_a_voltage_of_zero_stops_nobody)
{
    struct segs_reading reading = pipeline_reading("MTR-1", "North", T0, 0);

    reading.voltage_milli_v = 0;
    pipeline_send(&p, &reading, 1);
    send_minute("MTR-3", "South", T0, 1 * KW);
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM aggregates_1m"), 2);
    ck_assert_int_eq(
        pipeline_int(&p, "SELECT voltage_sum_milli_v FROM aggregates_1m WHERE count = 1"), 0);
}
END_TEST

START_TEST(windows_close_when_the_watermark_passes_and_are_published_once)
{
    send_minute("MTR-1", "North", T0, 1 * KW);
    send_minute("MTR-3", "South", T0, 2 * KW);
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM regional_aggregates"), 0);
    pass(T0 + MIN);
    pipeline_await(&p, "SELECT count(*) FROM regional_aggregates WHERE width_ms = 60000", 2);
    ck_assert_int_eq(pipeline_int(&p, "SELECT min(closed_1m_ms) FROM stream_offsets"), T0 + MIN);
    ck_assert_uint_eq(pipeline_count_events(&p, RT_TOPIC_1M, "\"correction\":false"), 2);
    ck_assert_uint_eq(pipeline_count_events(&p, RT_TOPIC_REGIONAL, "\"region\":\"South\""), 1);
    ck_assert_int_eq(
        pipeline_int(
            &p, "SELECT load_micro_kw FROM regional_aggregates a JOIN regions g USING (region_key)"
                " WHERE g.name = 'South' AND window_start_ms = 1768485600000"),
        2 * KW);
}
END_TEST

START_TEST(D_18_a_region_counts_each_meter_once_however_many_minutes_wait)
{
    /* Two minutes of one 5 kW meter, then both close together. */
    send_minute("MTR-1", "North", T0, 5 * KW);
    send_minute("MTR-1", "North", T0 + MIN, 5 * KW);
    pass(T0 + 2 * MIN);
    pipeline_await(
        &p, "SELECT count(*) FROM regional_aggregates WHERE width_ms = 60000 AND meter_count > 0",
        2);
    ck_assert_int_eq(pipeline_int(&p, "SELECT max(load_micro_kw) FROM regional_aggregates"),
                     5 * KW);
    ck_assert_int_eq(pipeline_int(&p, "SELECT max(meter_count) FROM regional_aggregates"), 1);
}
END_TEST

START_TEST(D_13_a_late_reading_corrects_the_closed_row_and_replaces_nothing)
{
    struct segs_reading late = pipeline_reading("MTR-1", "North", T0 + 35000, 10 * KW);

    send_minute("MTR-1", "North", T0, 4 * KW);
    pass(T0 + MIN);
    pipeline_await(
        &p, "SELECT count(*) FROM regional_aggregates WHERE width_ms = 60000 AND meter_count > 0",
        1);
    pipeline_send(&p, &late, 1);
    pipeline_drain(&p);
    ck_assert_int_eq(
        pipeline_int(&p, "SELECT count FROM aggregates_1m WHERE window_start_ms = 1768485600000"),
        7);
    ck_assert_int_eq(
        pipeline_int(
            &p,
            "SELECT power_sum_micro_kw FROM aggregates_1m WHERE window_start_ms = 1768485600000"),
        34 * KW);
    ck_assert_int_eq(
        pipeline_int(&p,
                     "SELECT revision FROM aggregates_1m WHERE window_start_ms = 1768485600000"),
        2);
    ck_assert_int_eq(
        pipeline_int(&p, "SELECT power_sum_micro_kw FROM aggregates_history WHERE revision = 1"),
        24 * KW);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM aggregates_history"), 1);
    /* 34 kW over 7 readings is 4.857142857..., rounded half-even to 10^-6 kW. */
    ck_assert_int_eq(
        pipeline_int(&p, "SELECT load_micro_kw FROM regional_aggregates WHERE meter_count = 1"),
        4857143);
    ck_assert_int_eq(
        pipeline_int(&p, "SELECT revision FROM regional_aggregates WHERE meter_count = 1"), 2);
    ck_assert_int_eq(pipeline_int(&p, "SELECT load_micro_kw FROM regional_history"), 4 * KW);
    ck_assert_uint_eq(pipeline_count_events(&p, RT_TOPIC_1M, "\"correction\":true"), 1);
    ck_assert_uint_eq(pipeline_count_events(&p, RT_TOPIC_REGIONAL, "\"correction\":true"), 1);
}
END_TEST

START_TEST(a_quarter_is_the_merge_of_its_minutes_and_follows_their_corrections)
{
    struct segs_reading late = pipeline_reading("MTR-1", "North", T0 + 3 * MIN + 5000, 8 * KW);

    for (int i = 0; i < 15; i++)
        send_minute("MTR-1", "North", T0 + i * MIN, (i + 1) * KW);
    pass(T0 + 15 * MIN);
    pipeline_await(&p, "SELECT count(*) FROM aggregates_15m", 1);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count FROM aggregates_15m"), 90);
    ck_assert_int_eq(pipeline_int(&p, "SELECT power_sum_micro_kw FROM aggregates_15m"),
                     6 * 120 * KW); /* 15 * 16 / 2 */
    ck_assert_int_eq(pipeline_int(&p, "SELECT slots FROM aggregates_15m"), 0x7FFF);
    pipeline_send(&p, &late, 1);
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count FROM aggregates_15m"), 91);
    ck_assert_int_eq(pipeline_int(&p, "SELECT power_sum_micro_kw FROM aggregates_15m"), 728 * KW);
    ck_assert_int_eq(pipeline_int(&p, "SELECT revision FROM aggregates_15m"), 2);
    ck_assert_int_eq(
        pipeline_int(&p, "SELECT count(*) FROM aggregates_history WHERE width_ms = 900000"), 1);
    ck_assert_int_eq(
        pipeline_int(
            &p,
            "SELECT count FROM regional_aggregates WHERE width_ms = 900000 AND meter_count > 0"),
        91);
    for (int lane = 0; lane < 4; lane++) {
        char sql[160];

        (void)snprintf(sql, sizeof sql,
                       "SELECT (SELECT sum(fp%d) & 4294967295 FROM aggregates_1m WHERE "
                       "window_start_ms < 1768486500000)"
                       " - (SELECT fp%d FROM aggregates_15m)",
                       lane, lane);
        ck_assert_int_eq(pipeline_int(&p, sql), 0);
    }
}
END_TEST

START_TEST(D_27_a_reading_a_year_ahead_is_quarantined_and_moves_no_watermark)
{
    struct segs_reading ahead =
        pipeline_reading("MTR-1", "North", T0 + INT64_C(31536000000), 1 * KW);
    int64_t watermark;

    send_minute("MTR-1", "North", T0, 1 * KW);
    p.now_ms = T0 + 50000;
    pipeline_drain(&p);
    watermark = pipeline_int(&p, "SELECT max(watermark_ms) FROM stream_offsets");
    pipeline_send(&p, &ahead, 1);
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT max(watermark_ms) FROM stream_offsets"), watermark);
    ck_assert_int_eq(
        pipeline_int(
            &p, "SELECT count(*) FROM quarantine WHERE rule = 'FUTURE' AND field = 'timestamp'"),
        1);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM aggregates_1m"), 1);
}
END_TEST

START_TEST(D_21_a_message_that_is_no_reading_is_kept_in_quarantine_and_stops_nobody)
{
    pipeline_send_text(&p, "MTR-1",
                       "{\"meter_id\":\"MTR-1\",\"timestamp\":\"never\",\"power_kw\":1}");
    pipeline_send_text(&p, "MTR-1", "\xff\xfe not even text");
    pipeline_send_text(&p, "MTR-1", "");
    send_minute("MTR-1", "North", T0, 1 * KW);
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM quarantine WHERE rule = 'FORMAT'"), 3);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM quarantine WHERE field = 'timestamp'"),
                     1);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count FROM aggregates_1m"), 6);
}
END_TEST

START_TEST(D_12_two_minutes_of_seven_thousand_meters_fit_one_checkpoint)
{
    const size_t n = 14000;
    struct segs_reading *readings = calloc(n, sizeof *readings);

    ck_assert_ptr_nonnull(readings);
    for (size_t i = 0; i < n; i++) {
        char meter_id[16];

        (void)snprintf(meter_id, sizeof meter_id, "MTR-%08zu", i % 7000);
        readings[i] = pipeline_reading(meter_id, "North", T0 + (int64_t)(i / 7000) * MIN, 1 * KW);
    }
    p.now_ms = T0 + 2 * MIN;
    pipeline_send(&p, readings, n);
    free(readings);
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM aggregates_1m"), 14000);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM meters"), 7000);
}
END_TEST

START_TEST(D_14_D_15_a_restart_loses_nothing_and_counts_nothing_twice)
{
    for (int i = 0; i < 10; i++) {
        struct segs_reading reading = pipeline_reading("MTR-1", "North", T0 + i * 5000, 1 * KW);

        p.now_ms = T0 + i * 5000;
        pipeline_send(&p, &reading, 1);
        pipeline_restart(&p, NULL);
    }
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count FROM aggregates_1m"), 10);
    ck_assert_int_eq(pipeline_int(&p, "SELECT sum(n_duplicate) FROM stream_offsets"), 0);
    ck_assert_int_eq(pipeline_int(&p, "SELECT sum(n_read) FROM stream_offsets"), 10);
}
END_TEST

START_TEST(D_16_a_task_whose_fence_was_moved_writes_nothing_more)
{
    send_minute("MTR-1", "North", T0, 1 * KW);
    pipeline_drain(&p);
    /* As another owner would: he takes the partitions over and is further than this one knows. */
    pipeline_exec(&p, "UPDATE stream_offsets SET next_offset = next_offset + 1000000");
    send_minute("MTR-1", "North", T0 + MIN, 1 * KW);
    rt_sleep_ms(500);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM aggregates_1m"), 1);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM raw_readings"), 6);
}
END_TEST

START_TEST(a_region_whose_meters_all_fall_silent_still_gets_its_row)
{
    send_minute("MTR-1", "North", T0, 1 * KW);
    send_minute("MTR-3", "South", T0, 1 * KW);
    pass(T0 + 2 * MIN); /* The second minute has no reading of anybody. */
    pipeline_await(&p, "SELECT count(*) FROM regional_aggregates WHERE width_ms = 60000", 4);
    ck_assert_int_eq(
        pipeline_int(&p, "SELECT count(*) FROM regional_aggregates WHERE meter_count = 0"), 2);
}
END_TEST

static const char *const idle_settings[] = { "IDLE_TIMEOUT", "50ms", NULL };

START_TEST(an_idle_partition_lets_the_regions_close_by_the_clock)
{
    pipeline_restart(&p, idle_settings);
    p.now_ms = T0 + 55000;
    send_minute("MTR-1", "North", T0, 1 * KW); /* Nothing at all for the other partition. */
    pipeline_drain(&p);
    p.now_ms = T0 + 80000;
    pipeline_await(
        &p, "SELECT count(*) FROM regional_aggregates WHERE width_ms = 60000 AND meter_count = 1",
        1);
}
END_TEST

START_TEST(capacity_gives_regions_their_load_share)
{
    static const char *const settings[] = { "REGION_CAPACITIES", "North=8,South=4.5", NULL };

    pipeline_restart(&p, settings);
    send_minute("MTR-1", "North", T0, 6 * KW);
    pass(T0 + MIN);
    pipeline_await(&p,
                   "SELECT load_share_micro FROM regional_aggregates a JOIN regions g USING "
                   "(region_key) WHERE g.name = 'North'",
                   750000);
}
END_TEST

/* ---- Disorder ---- */

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void shuffle(struct segs_reading *readings, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)(next_random() % i);
        struct segs_reading swap = readings[i - 1];

        readings[i - 1] = readings[j];
        readings[j] = swap;
    }
}

/* Everything of the final rows that must not depend on the order of arrival, by names instead of keys. */
static const char final_1m[] =
    "SELECT window_start_ms || ' ' || m.meter_id || ' ' || count || ' ' || power_sum_micro_kw || ' "
    "' || power_min_micro_kw || ' ' ||"
    " power_max_micro_kw || ' ' || energy_sum_micro_kwh || ' ' || voltage_sum_milli_v || ' ' || "
    "first_ts_ms || ' ' || last_ts_ms || ' '"
    " || slots || ' ' || fp0 || ' ' || fp1 || ' ' || fp2 || ' ' || fp3 || ' ' || quality"
    " FROM aggregates_1m JOIN meters m USING (meter_key) WHERE window_start_ms < 1768492800000 "
    "ORDER BY window_start_ms, m.meter_id";
static const char final_15m[] =
    "SELECT window_start_ms || ' ' || m.meter_id || ' ' || count || ' ' || power_sum_micro_kw || ' "
    "' || power_min_micro_kw || ' ' ||"
    " power_max_micro_kw || ' ' || energy_sum_micro_kwh || ' ' || first_ts_ms || ' ' || last_ts_ms "
    "|| ' '"
    " || slots || ' ' || fp0 || ' ' || fp1 || ' ' || fp2 || ' ' || fp3 || ' ' || quality"
    " FROM aggregates_15m JOIN meters m USING (meter_key) WHERE window_start_ms < 1768492800000 "
    "ORDER BY window_start_ms, m.meter_id";
static const char final_regions[] = "SELECT width_ms || ' ' || window_start_ms || ' ' || g.name || "
                                    "' ' || meter_count || ' ' || load_micro_kw || ' ' ||"
                                    " load_min_micro_kw || ' ' || load_max_micro_kw || ' ' || "
                                    "energy_micro_kwh || ' ' || fp0 || ' ' || fp3 || ' ' || quality"
                                    " FROM regional_aggregates JOIN regions g USING (region_key) "
                                    "WHERE window_start_ms < 1768492800000 AND meter_count > 0"
                                    " ORDER BY width_ms, window_start_ms, g.name";

#define DISORDER_METERS 6
#define DISORDER_MINUTES 120
#define DISORDER_N (DISORDER_METERS * DISORDER_MINUTES * 2)

static void make_two_hours(struct segs_reading *readings)
{
    size_t n = 0;

    for (int minute = 0; minute < DISORDER_MINUTES; minute++) {
        for (int meter = 0; meter < DISORDER_METERS; meter++) {
            for (int i = 0; i < 2; i++) {
                char meter_id[16];

                (void)snprintf(meter_id, sizeof meter_id, "MTR-%d", meter + 1);
                readings[n++] = pipeline_reading(meter_id, meter % 2 ? "South" : "North",
                                                 T0 + minute * MIN + meter * 1000 + i * 30000,
                                                 (meter + 1) * KW + minute * 1000 + i);
            }
        }
    }
}

static void run_and_dump(const struct segs_reading *readings, size_t n, size_t step, char *ret[3])
{
    for (size_t i = 0; i < n; i += step) {
        pipeline_send(&p, readings + i, n - i < step ? n - i : step);
        if (i % (5 * step) == 0)
            pipeline_drain(&p);
    }
    pass(T0 + DISORDER_MINUTES * MIN);
    pipeline_await(&p, "SELECT max(closed_ms) FROM regional_closed WHERE width_ms = 900000",
                   T0 + DISORDER_MINUTES * MIN);
    ret[0] = pipeline_dump(&p, final_1m);
    ret[1] = pipeline_dump(&p, final_15m);
    ret[2] = pipeline_dump(&p, final_regions);
}

START_TEST(shuffled_doubled_and_late_readings_give_the_same_final_rows)
{
    struct segs_reading *ordered = calloc(DISORDER_N, sizeof *ordered);
    struct segs_reading *disordered = calloc(2 * DISORDER_N, sizeof *disordered);
    char *want[3];
    char *got[3];

    ck_assert_ptr_nonnull(ordered);
    ck_assert_ptr_nonnull(disordered);
    make_two_hours(ordered);
    p.now_ms = T0 + DISORDER_MINUTES * MIN;
    run_and_dump(ordered, DISORDER_N, 12, want);
    ck_assert_int_eq(
        pipeline_int(&p,
                     "SELECT sum(count) FROM aggregates_1m WHERE window_start_ms < 1768492800000"),
        DISORDER_N);

    random_state = UINT64_C(88172645463325252) + (uint64_t)_i;
    (void)printf("seed %" PRIu64 "\n", random_state);
    for (int copy = 0; copy < 2; copy++)
        memcpy(disordered + copy * DISORDER_N, ordered, DISORDER_N * sizeof *ordered);
    shuffle(disordered, 2 * DISORDER_N);
    pipeline_close(&p);
    pipeline_open(&p, T0 + DISORDER_MINUTES * MIN, NULL);
    run_and_dump(disordered, 2 * DISORDER_N, 97, got);

    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(got[i], want[i]);
        free(got[i]);
        free(want[i]);
    }
    ck_assert_int_eq(pipeline_int(&p, "SELECT sum(n_duplicate) FROM stream_offsets"), DISORDER_N);
    ck_assert_uint_gt(pipeline_count_events(&p, RT_TOPIC_1M, "\"correction\":true"), 0);
    free(ordered);
    free(disordered);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stream");
    TCase *tc = tcase_create("stream");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_two_meters_of_these_tests_lie_in_different_partitions);
    tcase_add_test(tc, readings_of_a_minute_become_one_exact_row);
    tcase_add_test(tc, rows_grow_over_many_checkpoints_without_losing_or_doubling);
    tcase_add_test(tc, D_113_a_repeated_reading_is_counted_once_also_across_checkpoints);
    tcase_add_test(tc, another_reading_of_the_same_second_goes_to_quarantine_and_the_first_stays);
    tcase_add_test(tc, D_20_a_reading_of_zero_is_data);
    tcase_add_test(tc, D_11_a_voltage_of_zero_stops_nobody);
    tcase_add_test(tc, windows_close_when_the_watermark_passes_and_are_published_once);
    tcase_add_test(tc, D_18_a_region_counts_each_meter_once_however_many_minutes_wait);
    tcase_add_test(tc, D_13_a_late_reading_corrects_the_closed_row_and_replaces_nothing);
    tcase_add_test(tc, a_quarter_is_the_merge_of_its_minutes_and_follows_their_corrections);
    tcase_add_test(tc, D_27_a_reading_a_year_ahead_is_quarantined_and_moves_no_watermark);
    tcase_add_test(tc, D_21_a_message_that_is_no_reading_is_kept_in_quarantine_and_stops_nobody);
    tcase_add_test(tc, D_12_two_minutes_of_seven_thousand_meters_fit_one_checkpoint);
    tcase_add_test(tc, D_14_D_15_a_restart_loses_nothing_and_counts_nothing_twice);
    tcase_add_test(tc, D_16_a_task_whose_fence_was_moved_writes_nothing_more);
    tcase_add_test(tc, a_region_whose_meters_all_fall_silent_still_gets_its_row);
    tcase_add_test(tc, an_idle_partition_lets_the_regions_close_by_the_clock);
    tcase_add_test(tc, capacity_gives_regions_their_load_share);
    tcase_add_loop_test(tc, shuffled_doubled_and_late_readings_give_the_same_final_rows, 0, 3);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
