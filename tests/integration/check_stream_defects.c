/* What an earlier system got wrong between log, tables and events, each as a fact that holds here (docs/defects.md). */
#include <check.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline_support.h"
#include "runtime/buf.h"
#include "runtime/bus/bus.h"
#include "runtime/db/db.h"
#include "runtime/log.h"
#include "runtime/metrics.h"
#include "runtime/schema/schema.h"
#include "stream-processor/service.h"

/* 2026-01-15T14:00:00Z, the start of a quarter of an hour (1768485600 s, `date -u -d 2026-01-15T14:00Z +%s`). */
#define T0 INT64_C(1768485600000)
#define MIN INT64_C(60000)
#define DAY INT64_C(86400000)
#define KW INT64_C(1000000)

static struct pipeline p;

static void setup(void)
{
    pipeline_open(&p, T0, NULL);
    rt_log_set_fd(-1); /* Failures are caused on purpose here. */
}

static void teardown(void)
{
    pipeline_close(&p);
}

static void send_one(const char *meter_id, const char *region, int64_t ts_ms, int64_t power)
{
    struct segs_reading reading = pipeline_reading(meter_id, region, ts_ms, power);

    if (p.now_ms < ts_ms)
        p.now_ms = ts_ms;
    pipeline_send(&p, &reading, 1);
}

/* Something in each partition that moves its watermark beyond `until`: MTR-1 and MTR-3 lie in different ones. */
static void pass(int64_t until)
{
    send_one("MTR-1", "North", until + 11000, 1 * KW);
    send_one("MTR-3", "South", until + 11000, 1 * KW);
    pipeline_drain(&p);
}

static const char closed_regions[] =
    "SELECT count(*) FROM regional_aggregates WHERE width_ms = 60000 AND meter_count > 0";

/* ---- Events as they lie on the bus ---- */

typedef void(event_fn)(const char *topic, const char *event, size_t len);

static void each_in_partition(struct rt_bus_consumer *consumer, const char *topic,
                              int32_t partition, event_fn *look)
{
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    struct segs_error err = { 0 };

    ck_assert_int_eq(rt_bus_seek(consumer, topic, partition, 0, &err), 0);
    do {
        ck_assert_int_eq(rt_bus_fetch(consumer, topic, partition, 1000, 100, &batch, &err), 0);
        for (size_t i = 0; i < batch.n; i++) {
            char *event = strndup(batch.messages[i].value, batch.messages[i].value_len);

            ck_assert_ptr_nonnull(event);
            look(topic, event, batch.messages[i].value_len);
            free(event);
        }
    } while (batch.n > 0);
    rt_bus_batch_free(&batch);
}

static void each_event(const char *topic, event_fn *look)
{
    struct rt_bus_consumer_options options = { .group = "look", .topics = &topic, .n_topics = 1 };
    struct rt_bus_consumer *consumer = NULL;
    struct segs_error err = { 0 };
    int32_t n = 0;

    pipeline_await(&p, "SELECT count(*) FROM outbox", 0);
    ck_assert_int_eq(rt_bus_topic_partitions(p.app.bus, topic, &n, &err), 0);
    ck_assert_int_eq(rt_bus_consumer_open(p.app.bus, &options, &consumer, &err), 0);
    ck_assert_int_ge(rt_bus_consumer_poll(consumer, 100, &err), 0);
    for (int32_t i = 0; i < n; i++)
        each_in_partition(consumer, topic, i, look);
    rt_bus_consumer_close(consumer);
}

/* ---- Closing ---- */

START_TEST(D_17_readings_that_arrive_while_windows_close_are_not_lost)
{
    const int64_t n_minutes = 40;

    /* Each minute gets a reading in time, and one more at the moment it closes. */
    for (int64_t i = 0; i < n_minutes; i++) {
        send_one("MTR-1", "North", T0 + i * MIN + 30000, 1 * KW);
        if (i > 0)
            send_one("MTR-1", "North", T0 + (i - 1) * MIN + 59000, 1 * KW);
    }
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT sum(count) FROM aggregates_1m"), 2 * n_minutes - 1);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM raw_readings"), 2 * n_minutes - 1);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM aggregates_1m WHERE count = 2"),
                     n_minutes - 1);
}
END_TEST

/* Nobody else writes between these two. */
static struct rt_db_conn *hold_the_database(void)
{
    struct rt_db_conn *conn = NULL;
    struct segs_error err = { 0 };

    ck_assert_int_eq(rt_db_acquire(p.app.db, RT_DB_WRITE, 10000, &conn, &err), 0);
    return conn;
}

START_TEST(D_19_a_slow_database_makes_no_window_published_twice)
{
    struct rt_db_conn *held;

    for (int64_t i = 0; i < 6; i++)
        send_one("MTR-1", "North", T0 + i * 10000, 1 * KW);
    pipeline_drain(&p);
    held = hold_the_database();
    send_one("MTR-1", "North", T0 + MIN + 11000, 1 * KW);
    send_one("MTR-3", "South", T0 + MIN + 11000, 1 * KW);
    rt_sleep_ms(700); /* Many checkpoint intervals of 10 ms. */
    rt_db_release(held);
    pipeline_drain(&p);
    pipeline_await(&p, closed_regions, 1);
    ck_assert_uint_eq(
        pipeline_count_events(&p, RT_TOPIC_1M, "\"window_start\":\"2026-01-15T14:00:00"), 1);
    ck_assert_uint_eq(pipeline_count_events(&p, RT_TOPIC_REGIONAL, "\"meter_count\":1"), 1);
}
END_TEST

START_TEST(D_22_an_event_that_a_stopped_process_left_unpublished_is_published)
{
    pipeline_exec(&p, "INSERT INTO outbox (kind, topic, event_key, payload, created_at_ms)"
                      " VALUES ('row', '" RT_TOPIC_1M "', 'MTR-1', '{\"left\":true}', 0)");
    pipeline_restart(&p, NULL);
    ck_assert_uint_ge(pipeline_count_events(&p, RT_TOPIC_1M, "\"left\":true"), 1);
}
END_TEST

START_TEST(D_22_an_event_that_cannot_be_removed_is_published_again_and_not_lost)
{
    pipeline_exec(&p, "CREATE TRIGGER broken BEFORE DELETE ON outbox"
                      " BEGIN SELECT RAISE(ABORT, 'broken'); END");
    for (int64_t i = 0; i < 6; i++)
        send_one("MTR-1", "North", T0 + i * 10000, 1 * KW);
    pass(T0 + MIN);
    pipeline_await(&p, closed_regions, 1);
    rt_sleep_ms(300);
    ck_assert_int_gt(pipeline_int(&p, "SELECT count(*) FROM outbox"), 0);
    pipeline_exec(&p, "DROP TRIGGER broken");
    ck_assert_uint_ge(
        pipeline_count_events(&p, RT_TOPIC_1M, "\"window_start\":\"2026-01-15T14:00:00"), 1);
    ck_assert_uint_ge(pipeline_count_events(&p, RT_TOPIC_REGIONAL, "\"meter_count\":1"), 1);
}
END_TEST

START_TEST(D_46_meters_of_all_partitions_make_one_row_of_their_region)
{
    send_one("MTR-1", "North", T0, 2 * KW);
    send_one("MTR-3", "North", T0, 3 * KW);
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(DISTINCT partition) FROM aggregates_1m"), 2);
    pass(T0 + MIN);
    pipeline_await(&p, closed_regions, 1);
    ck_assert_int_eq(pipeline_int(&p, "SELECT max(meter_count) FROM regional_aggregates"), 2);
    ck_assert_int_eq(pipeline_int(&p, "SELECT max(load_micro_kw) FROM regional_aggregates"),
                     5 * KW);
    ck_assert_uint_eq(pipeline_count_events(&p, RT_TOPIC_REGIONAL, "\"meter_count\":2"), 1);
    ck_assert_uint_eq(pipeline_count_events(&p, RT_TOPIC_REGIONAL, "\"meter_count\":1"), 0);
}
END_TEST

/* ---- Energy ---- */

static void send_power_alone(const char *meter_id, int64_t power, int n)
{
    for (int i = 0; i < n; i++) {
        struct segs_reading reading = pipeline_reading(meter_id, "North", T0 + i * 10000, power);

        reading.present &= ~SEGS_HAS_ENERGY;
        reading.energy_micro_kwh = 0;
        p.now_ms = reading.ts_ms;
        pipeline_send(&p, &reading, 1);
    }
}

START_TEST(D_23_energy_of_meters_that_send_power_alone_is_estimated_and_says_so)
{
    send_power_alone("MTR-1", 3600000, 6);
    send_one("MTR-3", "South", T0, 3600000);
    pipeline_drain(&p);
    /* 3.6 kW for 10 s are 10 Wh. */
    ck_assert_int_eq(
        pipeline_int(&p, "SELECT energy_sum_micro_kwh FROM aggregates_1m WHERE count = 6"), 60000);
    ck_assert_int_eq(pipeline_int(&p, "SELECT quality & 1 FROM aggregates_1m WHERE count = 6"), 1);
    ck_assert_int_eq(pipeline_int(&p, "SELECT quality & 1 FROM aggregates_1m WHERE count = 1"), 0);
    pass(T0 + MIN);
    pipeline_await(&p, closed_regions, 2);
    ck_assert_uint_eq(pipeline_count_events(&p, RT_TOPIC_1M, "ESTIMATED_ENERGY"), 1);
}
END_TEST

START_TEST(D_110_energy_is_power_times_the_time_between_readings)
{
    /* 7.2 kW for a minute are 120 Wh. */
    send_power_alone("MTR-1", 7200000, 6);
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT energy_sum_micro_kwh FROM aggregates_1m"), 120000);
}
END_TEST

START_TEST(D_83_missing_readings_are_told_in_the_event)
{
    send_one("MTR-1", "North", T0, 1 * KW);
    send_one("MTR-1", "North", T0 + 10000, 1 * KW);
    pass(T0 + MIN);
    pipeline_await(&p, closed_regions, 1);
    ck_assert_uint_eq(pipeline_count_events(&p, RT_TOPIC_1M, "\"count\":2,\"expected_count\":6"),
                      1);
}
END_TEST

/* ---- Metrics and health ---- */

static void note(const char *what, bool ok, const char *detail, void *user)
{
    (void)what;
    (void)detail;
    *(bool *)user = *(bool *)user && ok;
}

static void await_ready(bool want)
{
    bool got = !want;

    for (int i = 0; i < 2000 && got != want; i++) {
        rt_sleep_ms(5);
        got = true;
        segs_stream_processor_service.ready(p.stream, note, &got);
    }
    ck_assert_int_eq(got, want);
}

static char *render(void)
{
    struct rt_buf text = RT_BUF_INIT;

    ck_assert_int_eq(rt_metrics_render(p.app.metrics, &text), 0);
    ck_assert_ptr_nonnull(text.data);
    rt_buf_append(&text, "", 1);
    return text.data;
}

START_TEST(D_28_metrics_answer_also_when_nothing_is_open)
{
    char *text;

    await_ready(true);
    text = render();
    ck_assert_ptr_nonnull(strstr(text, "segs_stream_readings_total{result=\"counted\"} 0\n"));
    ck_assert_ptr_null(strstr(text, "NaN"));
    ck_assert_ptr_null(strstr(text, "undefined"));
    free(text);
}
END_TEST

/* Sum over the partitions, as rendered. */
static int lag(void)
{
    char *text = render();
    int sum = 0;

    for (const char *at = text; (at = strstr(at, "\nsegs_stream_lag_messages{")) != NULL; at++) {
        const char *value = strchr(at + 1, ' ');

        ck_assert_ptr_nonnull(value);
        sum += atoi(value);
    }
    free(text);
    return sum;
}

START_TEST(D_34_lag_is_the_number_of_messages_not_processed_yet)
{
    struct rt_db_conn *held;

    send_one("MTR-1", "North", T0, 1 * KW);
    pipeline_drain(&p);
    rt_sleep_ms(50);
    ck_assert_int_eq(lag(), 0);
    held = hold_the_database();
    for (int64_t i = 1; i <= 7; i++)
        send_one("MTR-1", "North", T0 + i * 1000, 1 * KW);
    ck_assert_int_eq(lag(), 7);
    rt_db_release(held);
    pipeline_drain(&p);
    rt_sleep_ms(50);
    ck_assert_int_eq(lag(), 0);
}
END_TEST

START_TEST(D_30_health_turns_bad_when_rows_cannot_be_written_and_good_again)
{
    await_ready(true);
    pipeline_exec(&p, "CREATE TRIGGER broken BEFORE INSERT ON aggregates_1m"
                      " BEGIN SELECT RAISE(ABORT, 'broken'); END");
    send_one("MTR-1", "North", T0, 1 * KW);
    await_ready(false);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM aggregates_1m"), 0);
    pipeline_exec(&p, "DROP TRIGGER broken");
    await_ready(true);
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT sum(count) FROM aggregates_1m"), 1);
}
END_TEST

START_TEST(D_21_a_failure_that_passes_costs_no_reading)
{
    pipeline_exec(&p, "CREATE TRIGGER broken BEFORE INSERT ON raw_readings"
                      " BEGIN SELECT RAISE(ABORT, 'broken'); END");
    for (int64_t i = 0; i < 6; i++)
        send_one("MTR-1", "North", T0 + i * 1000, 1 * KW);
    /* Two readings of one second: the refusal must stand in quarantine once, however often it is tried. */
    send_one("MTR-1", "North", T0 + 500, 9 * KW);
    await_ready(false);
    rt_sleep_ms(300);
    pipeline_exec(&p, "DROP TRIGGER broken");
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT sum(count) FROM aggregates_1m"), 6);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM quarantine"), 1);
    ck_assert_int_eq(pipeline_int(&p, "SELECT sum(n_read) FROM stream_offsets"), 7);
    ck_assert_int_eq(pipeline_int(&p, "SELECT sum(n_counted) + sum(n_quarantined) FROM"
                                      " stream_offsets"),
                     7);
}
END_TEST

/* ---- Messages of others ---- */

START_TEST(D_114_what_others_put_on_the_bus_is_checked_like_everything_else)
{
    static const char *const bad[] = {
        "{\"meter_id\":\"MTR-1\",\"timestamp\":\"2026-01-15T14:00:01Z\",\"power_kw\":\"1\"}",
        "{\"meter_id\":\"MTR-1\",\"timestamp\":\"2026-01-15T14:00:02Z\",\"power_kw\":1e9}",
        "{\"meter_id\":\"MTR-1\",\"timestamp\":\"2026-01-15T14:00:03Z\"}",
        "{\"meter_id\":\"\",\"timestamp\":\"2026-01-15T14:00:04Z\",\"power_kw\":1}",
        "{\"timestamp\":\"2026-01-15T14:00:05Z\",\"power_kw\":1}",
    };
    static const char good[] =
        "{\"meter_id\":\"MTR-1\",\"timestamp\":\"2026-01-15T14:00:09Z\",\"power_kw\":2}";

    p.now_ms = T0 + 10000;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        pipeline_send_text(&p, "MTR-1", bad[i]);
    for (int i = 0; i < 3; i++)
        pipeline_send_text(&p, "MTR-1", good);
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM quarantine"), 5);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count(*) FROM quarantine WHERE rule = 'RANGE' AND"
                                      " field = 'power_kw'"),
                     1);
    ck_assert_int_eq(pipeline_int(&p, "SELECT count FROM aggregates_1m"), 1);
    ck_assert_int_eq(pipeline_int(&p, "SELECT sum(n_duplicate) FROM stream_offsets"), 2);
}
END_TEST

START_TEST(D_33_a_new_group_starts_at_the_first_message)
{
    static const char *const topics[] = { RT_TOPIC_RAW };
    struct rt_bus_consumer_options options = { .group = "late", .topics = topics, .n_topics = 1 };
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    struct rt_bus_consumer *consumer = NULL;
    struct segs_error err = { 0 };
    size_t n = 0;

    for (int64_t i = 0; i < 5; i++) {
        send_one("MTR-1", "North", T0 + i * 1000, 1 * KW);
        send_one("MTR-3", "South", T0 + i * 1000, 1 * KW);
    }
    pipeline_drain(&p);
    ck_assert_int_eq(rt_bus_consumer_open(p.app.bus, &options, &consumer, &err), 0);
    ck_assert_int_ge(rt_bus_consumer_poll(consumer, 1000, &err), 0);
    for (int32_t partition = 0; partition < 2; partition++) {
        ck_assert_int_eq(rt_bus_fetch(consumer, RT_TOPIC_RAW, partition, 100, 1000, &batch, &err),
                         0);
        ck_assert_uint_gt(batch.n, 0);
        ck_assert_int_eq(batch.messages[0].offset, 0);
        n += batch.n;
    }
    ck_assert_uint_eq(n, 10);
    rt_bus_batch_free(&batch);
    rt_bus_consumer_close(consumer);
}
END_TEST

/* ---- Events ---- */

static size_t longest;

static void measure(const char *topic, const char *event, size_t len)
{
    (void)topic;
    if (strstr(event, "\"region\":\"North\"") && len > longest)
        longest = len;
}

/* Length of the longest event of a region of `n` meters. */
static size_t regional_event_bytes(size_t n)
{
    struct segs_reading *readings = calloc(n, sizeof *readings);

    ck_assert_ptr_nonnull(readings);
    for (size_t i = 0; i < n; i++) {
        char meter_id[24];

        (void)snprintf(meter_id, sizeof meter_id, "REGIONAL-METER-%06zu", i);
        readings[i] = pipeline_reading(meter_id, "North", T0 + 1000, 1 * KW);
    }
    p.now_ms = T0 + 1000;
    pipeline_send(&p, readings, n);
    free(readings);
    pass(T0 + MIN);
    pipeline_await(&p, closed_regions, 1);
    longest = 0;
    each_event(RT_TOPIC_REGIONAL, measure);
    return longest;
}

START_TEST(D_31_an_event_of_a_region_does_not_grow_with_its_meters)
{
    size_t of_ten = regional_event_bytes(10);
    size_t of_thousands;

    pipeline_close(&p);
    setup();
    of_thousands = regional_event_bytes(5000);
    ck_assert_uint_gt(of_ten, 0);
    /* Digits of counts and sums alone. */
    ck_assert_uint_lt(of_thousands, of_ten + 64);
    ck_assert_uint_lt(of_thousands, 1024);
}
END_TEST

START_TEST(D_116_rows_and_events_carry_the_time_of_the_measurement)
{
    /* Three days late, from a meter that stored and forwards. */
    p.now_ms = T0 + 3 * DAY;
    send_one("MTR-1", "North", T0 + 1000, 1 * KW);
    pipeline_drain(&p);
    ck_assert_int_eq(pipeline_int(&p, "SELECT window_start_ms FROM aggregates_1m"), T0);
    ck_assert_int_eq(pipeline_int(&p, "SELECT first_ts_ms FROM aggregates_1m"), T0 + 1000);
    ck_assert_int_eq(pipeline_int(&p, "SELECT ts_ms FROM raw_readings"), T0 + 1000);
    pass(T0 + MIN);
    pipeline_await(&p, closed_regions, 1);
    /* One of North and one of South, where there was nobody. */
    ck_assert_uint_eq(
        pipeline_count_events(&p, RT_TOPIC_REGIONAL, "\"window_start\":\"2026-01-15T14:00:00"), 2);
    ck_assert_uint_eq(pipeline_count_events(&p, RT_TOPIC_REGIONAL, "2026-01-18"), 0);
    ck_assert_uint_eq(pipeline_count_events(&p, RT_TOPIC_1M, "2026-01-18"), 0);
}
END_TEST

static size_t n_events;

/* Every member is lower case with underscores, and the schema is named with its version. */
static void judge_form(const char *topic, const char *event, size_t len)
{
    const char *schema = strcmp(topic, RT_TOPIC_REGIONAL) == 0
                             ? "{\"schema\":\"segs.regional-aggregate/1\""
                             : "{\"schema\":\"segs.aggregate/1\"";

    (void)len;
    ck_assert_msg(strncmp(event, schema, strlen(schema)) == 0, "%s: %s", topic, event);
    for (const char *colon = event; (colon = strstr(colon, "\":")) != NULL; colon++) {
        for (const char *c = colon - 1; c > event && *c != '"'; c--)
            ck_assert_msg(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_',
                          "%s: %s", topic, event);
    }
    n_events++;
}

START_TEST(D_118_every_event_names_its_schema_and_is_snake_case)
{
    static const char *const topics[] = { RT_TOPIC_1M, RT_TOPIC_15M, RT_TOPIC_REGIONAL };

    send_one("MTR-1", "North", T0, 1 * KW);
    pass(T0 + 15 * MIN);
    pipeline_await(&p, "SELECT count(*) FROM aggregates_15m", 1);
    /* And a correction of each kind. */
    send_one("MTR-1", "North", T0 + 20000, 4 * KW);
    pipeline_drain(&p);
    for (size_t i = 0; i < 3; i++) {
        n_events = 0;
        each_event(topics[i], judge_form);
        ck_assert_uint_ge(n_events, 2);
        ck_assert_uint_eq(pipeline_count_events(&p, topics[i], "\"correction\":true"),
                          strcmp(topics[i], RT_TOPIC_REGIONAL) == 0 ? 2 : 1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stream_defects");
    TCase *tc = tcase_create("defects");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, D_17_readings_that_arrive_while_windows_close_are_not_lost);
    tcase_add_test(tc, D_19_a_slow_database_makes_no_window_published_twice);
    tcase_add_test(tc, D_21_a_failure_that_passes_costs_no_reading);
    tcase_add_test(tc, D_22_an_event_that_a_stopped_process_left_unpublished_is_published);
    tcase_add_test(tc, D_22_an_event_that_cannot_be_removed_is_published_again_and_not_lost);
    tcase_add_test(tc, D_23_energy_of_meters_that_send_power_alone_is_estimated_and_says_so);
    tcase_add_test(tc, D_28_metrics_answer_also_when_nothing_is_open);
    tcase_add_test(tc, D_30_health_turns_bad_when_rows_cannot_be_written_and_good_again);
    tcase_add_test(tc, D_31_an_event_of_a_region_does_not_grow_with_its_meters);
    tcase_add_test(tc, D_33_a_new_group_starts_at_the_first_message);
    tcase_add_test(tc, D_34_lag_is_the_number_of_messages_not_processed_yet);
    tcase_add_test(tc, D_46_meters_of_all_partitions_make_one_row_of_their_region);
    tcase_add_test(tc, D_83_missing_readings_are_told_in_the_event);
    tcase_add_test(tc, D_110_energy_is_power_times_the_time_between_readings);
    tcase_add_test(tc, D_114_what_others_put_on_the_bus_is_checked_like_everything_else);
    tcase_add_test(tc, D_116_rows_and_events_carry_the_time_of_the_measurement);
    tcase_add_test(tc, D_118_every_event_names_its_schema_and_is_snake_case);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
