/* The audit: clean when log and tables agree, and able to name each kind of difference that is put into them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline_support.h"
#include "runtime/schema/schema.h"
#include "segs/audit.h"
#include "stream-processor/service.h"

/* 2026-01-15T14:00:00Z, the start of a quarter of an hour (`date -u -d 2026-01-15T14:00Z +%s`). */
#define T0 INT64_C(1768485600000)
#define MIN INT64_C(60000)
#define KW INT64_C(1000000)

static struct pipeline p;
static struct audit_result result;

/* Differences as "what field subject", each followed by a newline. */
static char found[65536];

static void note(const struct audit_difference *d, void *user)
{
    size_t len = strlen(found);

    (void)user;
    (void)snprintf(found + len, sizeof found - len, "%s %s %s\n", d->what, d->field, d->meter);
}

static void run_audit_with(size_t max_readings)
{
    struct audit_options options = { .intervals_ms = { 10000 },
                                     .n_intervals = 1,
                                     .max_future_skew_ms = 120000,
                                     .max_readings = max_readings };
    struct segs_error err = { 0 };
    int r;

    found[0] = '\0';
    r = audit_run(p.app.bus, p.app.db, &options, note, NULL, &result, &err);
    ck_assert_msg(r == 0, "audit: %d %s", r, err.message);
}

static void run_audit(void)
{
    run_audit_with(0);
}

static bool has(const char *line)
{
    return strstr(found, line) != NULL;
}

/* Twenty minutes of two meters in different partitions, one reading every 10 s; the first quarter of an hour and the minutes up to the
 * 18th are closed then. */
static void send_twenty_minutes(void)
{
    struct segs_reading readings[240];
    size_t n = 0;

    for (int i = 0; i < 120; i++) {
        readings[n++] = pipeline_reading("MTR-1", "North", T0 + i * 10000, 1 * KW + i);
        readings[n++] = pipeline_reading("MTR-3", "South", T0 + i * 10000, 2 * KW + i);
    }
    p.now_ms = T0 + 20 * MIN;
    pipeline_send(&p, readings, n);
    pipeline_drain(&p);
    pipeline_await(&p, "SELECT count(*) FROM regional_closed WHERE closed_ms >= 1768486500000", 2);
}

static void setup(void)
{
    pipeline_open(&p, T0, NULL);
    send_twenty_minutes();
}

static void teardown(void)
{
    pipeline_close(&p);
}

START_TEST(whole_data_is_clean)
{
    run_audit();
    ck_assert_str_eq(found, "");
    ck_assert_int_eq(result.n_differences, 0);
}
END_TEST

START_TEST(the_result_counts_what_was_compared)
{
    run_audit();
    ck_assert_int_eq(result.n_messages, 240);
    ck_assert_int_eq(result.n_readings, 240);
    ck_assert_int_eq(result.n_rows, 40); /* 2 meters x 20 minutes. */
    ck_assert_int_eq(result.n_quarters, 2);
    ck_assert_int_eq(result.n_left_out, 0);
}
END_TEST

START_TEST(energy_is_the_sum_of_the_readings)
{
    int64_t sum = 0;

    for (int i = 0; i < 120; i++) /* As pipeline_reading() has it: power / 360, cut off. */
        sum += (1 * KW + i) / 360 + (2 * KW + i) / 360;
    run_audit();
    ck_assert_int_eq(result.energy_micro_kwh, sum);
}
END_TEST

START_TEST(duplicates_conflicts_late_and_broken_messages_leave_it_clean)
{
    struct segs_reading again = pipeline_reading("MTR-1", "North", T0 + 1190000, 1 * KW + 119);
    struct segs_reading other = pipeline_reading("MTR-1", "North", T0 + 1190000, 9 * KW);
    struct segs_reading late = pipeline_reading("MTR-1", "North", T0 + 5000, 3 * KW);

    pipeline_send(&p, &again, 1);
    pipeline_send(&p, &other, 1);
    pipeline_send(&p, &late, 1);
    pipeline_send_text(&p, "MTR-1", "{\"meter_id\":");
    pipeline_drain(&p);
    run_audit();
    ck_assert_str_eq(found, "");
    ck_assert_int_eq(result.n_duplicates, 1);
    ck_assert_int_eq(result.n_quarantined, 2);
    ck_assert_int_eq(result.n_readings, 241);
}
END_TEST

START_TEST(slices_of_few_readings_come_to_the_same)
{
    struct audit_result whole;

    run_audit();
    whole = result;
    run_audit_with(50);
    ck_assert_str_eq(found, "");
    ck_assert_int_eq(result.n_readings, whole.n_readings);
    ck_assert_int_eq(result.n_rows, whole.n_rows);
    ck_assert_int_eq(result.n_messages, whole.n_messages);
    ck_assert_int_eq(result.energy_micro_kwh, whole.energy_micro_kwh);
}
END_TEST

/* One difference of each kind, put into the tables behind the processor's back. */
static const struct seeded {
    const char *sql;
    const char *line;
} seeded[] = {
    { "UPDATE aggregates_1m SET count = count + 1 WHERE window_start_ms = 1768485660000 AND"
      " meter_key = (SELECT meter_key FROM meters WHERE meter_id = 'MTR-1')",
      "aggregates_1m count MTR-1\n" },
    { "UPDATE aggregates_1m SET energy_sum_micro_kwh = energy_sum_micro_kwh - 1 WHERE"
      " window_start_ms = 1768485660000 AND"
      " meter_key = (SELECT meter_key FROM meters WHERE meter_id = 'MTR-3')",
      "aggregates_1m energy_sum_micro_kwh MTR-3\n" },
    { "UPDATE aggregates_1m SET fp2 = (fp2 + 1) & 4294967295 WHERE"
      " window_start_ms = 1768486740000 AND"
      " meter_key = (SELECT meter_key FROM meters WHERE meter_id = 'MTR-3')",
      "aggregates_1m fp2 MTR-3\n" },
    { "UPDATE aggregates_1m SET quality = quality | 8 WHERE window_start_ms = 1768485600000",
      "aggregates_1m quality MTR-1\n" },
    { "DELETE FROM aggregates_1m WHERE window_start_ms = 1768485660000 AND"
      " meter_key = (SELECT meter_key FROM meters WHERE meter_id = 'MTR-1')",
      "aggregates_1m row MTR-1\n" },
    { "INSERT INTO aggregates_1m SELECT window_start_ms + 6000000, partition, meter_key,"
      " region_key, count, power_count, power_sum_micro_kw, power_min_micro_kw,"
      " power_max_micro_kw, energy_count, energy_sum_micro_kwh, voltage_count,"
      " voltage_sum_milli_v, current_count, current_sum_milli_a, first_ts_ms, last_ts_ms, slots,"
      " fp0, fp1, fp2, fp3, quality, revision FROM aggregates_1m WHERE"
      " window_start_ms = 1768485660000 AND"
      " meter_key = (SELECT meter_key FROM meters WHERE meter_id = 'MTR-3')",
      "aggregates_1m row MTR-3\n" },
    { "DELETE FROM raw_readings WHERE window_start_ms = 1768485660000 AND slot = 20 AND"
      " meter_key = (SELECT meter_key FROM meters WHERE meter_id = 'MTR-1')",
      "raw_readings row MTR-1\n" },
    { "UPDATE raw_readings SET power_micro_kw = 7 WHERE window_start_ms = 1768485660000 AND"
      " slot = 20",
      "raw_readings power_micro_kw MTR-3\n" },
    { "UPDATE raw_readings SET hash_lo = hash_lo + 1 WHERE window_start_ms = 1768486740000 AND"
      " slot = 0",
      "raw_readings hash MTR-1\n" },
    { "UPDATE aggregates_15m SET power_max_micro_kw = power_max_micro_kw + 1",
      "aggregates_15m power_max_micro_kw MTR-1\n" },
    { "DELETE FROM aggregates_15m", "aggregates_15m row MTR-3\n" },
    { "UPDATE regional_aggregates SET load_micro_kw = load_micro_kw + 1 WHERE width_ms = 60000",
      "regional_aggregates load_micro_kw North\n" },
    { "UPDATE regional_aggregates SET energy_micro_kwh = 0 WHERE width_ms = 900000",
      "regional_aggregates energy_micro_kwh South\n" },
    { "DELETE FROM regional_aggregates WHERE width_ms = 900000",
      "regional_aggregates row North\n" },
    { "INSERT INTO quarantine VALUES ('raw_readings', 0, 5, 0, NULL, NULL, 'FORMAT', '', '', '',"
      " '')",
      "raw_readings row MTR-" },
    { "UPDATE stream_offsets SET n_duplicate = n_duplicate + 1", "stream_offsets n_read \n" },
    { "UPDATE stream_offsets SET n_counted = n_counted + 1, n_read = n_read + 1",
      "stream_offsets n_counted \n" },
};

START_TEST(each_kind_of_difference_is_found)
{
    const struct seeded *seed = &seeded[_i];

    pipeline_exec(&p, seed->sql);
    run_audit();
    ck_assert_msg(has(seed->line), "expected \"%s\" after %s, found:\n%s", seed->line, seed->sql,
                  found);
}
END_TEST

START_TEST(a_wrong_row_is_found_once_and_nothing_else_with_it)
{
    /* A minute of the second quarter, which is not closed: nothing is made of it yet but its region's row, which the count is part of. */
    pipeline_exec(&p, "UPDATE aggregates_1m SET voltage_count = 0 WHERE window_start_ms ="
                      " 1768486740000 AND meter_key = (SELECT meter_key FROM meters WHERE"
                      " meter_id = 'MTR-1')");
    run_audit();
    ck_assert_str_eq(found, "aggregates_1m voltage_count MTR-1\n");
}
END_TEST

START_TEST(messages_behind_the_fence_are_left_out_and_counted)
{
    pipeline_exec(&p, "DELETE FROM raw_readings WHERE window_start_ms > 0");
    pipeline_exec(&p, "DELETE FROM aggregates_1m");
    pipeline_exec(&p, "DELETE FROM aggregates_15m");
    pipeline_exec(&p, "DELETE FROM regional_aggregates");
    pipeline_exec(&p, "UPDATE stream_offsets SET next_offset = 0, n_read = 0, n_counted = 0,"
                      " n_duplicate = 0, n_quarantined = 0, closed_1m_ms = NULL,"
                      " closed_15m_ms = NULL");
    run_audit();
    ck_assert_str_eq(found, "");
    ck_assert_int_eq(result.n_pending, 240);
    ck_assert_int_eq(result.n_messages, 0);
}
END_TEST

/* The readings are of January, so a retention of a day drops all of them at once. */
START_TEST(windows_whose_part_of_the_log_was_dropped_are_compared_with_the_readings_alone)
{
    static const char *const settings[] = { "RAW_RETENTION", "24h", NULL };

    pipeline_restart(&p, settings);
    for (int i = 0; i < 1000 && result.n_dropped < 240; i++) {
        rt_sleep_ms(10);
        run_audit();
    }
    ck_assert_int_eq(result.n_dropped, 240);
    ck_assert_str_eq(found, "");
    ck_assert_int_eq(result.n_left_out, 40);
    pipeline_exec(&p, "UPDATE aggregates_1m SET count = 7 WHERE window_start_ms = 1768486740000 AND"
                      " meter_key = (SELECT meter_key FROM meters WHERE meter_id = 'MTR-1')");
    run_audit();
    ck_assert_str_eq(found, "aggregates_1m count MTR-1\n");
}
END_TEST

START_TEST(energy_of_readings_without_it_may_come_from_any_noted_interval)
{
    struct audit_options options = { .intervals_ms = { 1000, 10000 },
                                     .n_intervals = 2,
                                     .max_future_skew_ms = 120000 };
    struct segs_reading reading = pipeline_reading("MTR-1", "North", T0 + 20 * MIN, 36 * KW);
    struct segs_error err = { 0 };

    /* METER_INTERVAL is 10 s: 36 kW make 0.1 kWh. */
    reading.present &= ~SEGS_HAS_ENERGY;
    reading.energy_micro_kwh = 0;
    pipeline_send(&p, &reading, 1);
    pipeline_drain(&p);
    found[0] = '\0';
    ck_assert_int_eq(audit_run(p.app.bus, p.app.db, &options, note, NULL, &result, &err), 0);
    ck_assert_str_eq(found, "");
    options.n_intervals = 1;
    ck_assert_int_eq(audit_run(p.app.bus, p.app.db, &options, note, NULL, &result, &err), 0);
    ck_assert(has("aggregates_1m energy_sum_micro_kwh MTR-1\n"));
}
END_TEST

/* ---- A replay's processor: windows are held until the input is complete ---- */

static const char *const held[] = { "HOLD_WINDOWS", "true", NULL };

static void setup_held(void)
{
    pipeline_open(&p, T0 + 60 * MIN, held);
}

/* One meter after the other, each from its last minute to its first: the worst order there is. */
static void send_backwards(void)
{
    static const char *const meters[] = { "MTR-1", "MTR-3" };

    for (size_t m = 0; m < 2; m++) {
        for (int i = 19; i >= 0; i--) {
            struct segs_reading reading = pipeline_reading(meters[m], "North", T0 + i * MIN, KW);

            pipeline_send(&p, &reading, 1);
        }
        pipeline_drain(&p);
    }
}

static void complete(int64_t until_ms)
{
    struct stream_progress progress;
    struct segs_error err = { 0 };

    segs_stream_processor_complete(p.stream, until_ms);
    do {
        rt_sleep_ms(5);
        segs_stream_processor_progress(p.stream, &progress);
        ck_assert_int_eq(progress.failure, 0);
    } while (progress.closed_until_ms < until_ms);
    ck_assert_int_eq(segs_stream_processor_close_regions(p.stream, &err), 0);
}

START_TEST(held_windows_stay_open)
{
    send_backwards();
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM aggregates_1m"), 40);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(closed_1m_ms) FROM stream_offsets"), 0);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM aggregates_15m"), 0);
    run_audit();
    ck_assert_str_eq(found, "");
}
END_TEST

START_TEST(a_complete_input_closes_in_order_without_corrections)
{
    send_backwards();
    complete(T0 + 30 * MIN);
    ck_assert_int_eq(pipeline_int(&p, "SELECT max(revision) FROM aggregates_1m"), 1);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM aggregates_history"), 0);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM aggregates_15m"), 4);
    /* Thirty minutes and two quarters of one region. */
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM regional_aggregates"), 32);
    ck_assert_int_eq(pipeline_int(&p, "SELECT sum(count) FROM regional_aggregates WHERE"
                                      " width_ms = 900000"),
                     40);
    run_audit();
    ck_assert_str_eq(found, "");
}
END_TEST

START_TEST(held_windows_survive_a_restart)
{
    send_backwards();
    pipeline_restart(&p, held);
    complete(T0 + 30 * MIN);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM aggregates_15m"), 4);
    run_audit();
    ck_assert_str_eq(found, "");
}
END_TEST

/* ---- Sums ---- */

START_TEST(an_average_rounds_ties_to_even)
{
    ck_assert_int_eq(audit_average(5, 2), 2);
    ck_assert_int_eq(audit_average(7, 2), 4);
    ck_assert_int_eq(audit_average(-5, 2), -2);
    ck_assert_int_eq(audit_average(-7, 2), -4);
    ck_assert_int_eq(audit_average(8, 3), 3);
    ck_assert_int_eq(audit_average(-8, 3), -3);
}
END_TEST

START_TEST(a_reading_without_values_is_marked)
{
    const int64_t interval = 10000;
    struct audit_record record = { .ts_ms = 61000, .present = SEGS_HAS_REGISTER };
    struct audit_sum sum = { { 0 }, { 0 } };

    audit_sum_add(&sum, &record, &interval, 1);
    ck_assert_int_eq(sum.column[AUDIT_COUNT], 1);
    ck_assert_int_eq(sum.column[AUDIT_SLOTS], 2);
    ck_assert_int_eq(sum.column[AUDIT_QUALITY], 0x02 | 0x04); /* No energy, no power. */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("segs audit");
    TCase *whole = tcase_create("data");
    TCase *replayed = tcase_create("held windows");
    TCase *sums = tcase_create("sums");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(whole, setup, teardown);
    tcase_set_timeout(whole, 60);
    tcase_add_test(whole, whole_data_is_clean);
    tcase_add_test(whole, the_result_counts_what_was_compared);
    tcase_add_test(whole, energy_is_the_sum_of_the_readings);
    tcase_add_test(whole, duplicates_conflicts_late_and_broken_messages_leave_it_clean);
    tcase_add_test(whole, slices_of_few_readings_come_to_the_same);
    tcase_add_loop_test(whole, each_kind_of_difference_is_found, 0,
                        (int)(sizeof seeded / sizeof seeded[0]));
    tcase_add_test(whole, a_wrong_row_is_found_once_and_nothing_else_with_it);
    tcase_add_test(whole, messages_behind_the_fence_are_left_out_and_counted);
    tcase_add_test(whole,
                   windows_whose_part_of_the_log_was_dropped_are_compared_with_the_readings_alone);
    tcase_add_test(whole, energy_of_readings_without_it_may_come_from_any_noted_interval);
    suite_add_tcase(suite, whole);
    tcase_add_checked_fixture(replayed, setup_held, teardown);
    tcase_set_timeout(replayed, 60);
    tcase_add_test(replayed, held_windows_stay_open);
    tcase_add_test(replayed, a_complete_input_closes_in_order_without_corrections);
    tcase_add_test(replayed, held_windows_survive_a_restart);
    suite_add_tcase(suite, replayed);
    tcase_add_test(sums, an_average_rounds_ties_to_even);
    tcase_add_test(sums, a_reading_without_values_is_marked);
    suite_add_tcase(suite, sums);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
