/* One request's readings: what is taken, what is refused and what is a repeat. */
#include "ingestion/batch.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ports_rig.h"
#include "runtime/schema/schema.h"

#define MAX_READINGS 32

static struct intake intake;
static struct batch *batch;
static struct rt_db *db;

static void setup(void)
{
    struct segs_policy_options options = SEGS_POLICY_OPTIONS_INIT;
    struct rt_db_options db_options = { .data_dir = rig_folder };
    struct segs_error err = { 0 };

    rig_folder_make();
    rig_ok(rt_db_open(&db_options, &db, &err));
    rig_ok(rt_schema_migrate(db, &err));
    memset(&intake, 0, sizeof intake);
    options.checks = SEGS_CHECK_CONTENT;
    intake.max_readings = MAX_READINGS;
    rig_ok(segs_policy_new(&options, &intake.policy, &err));
    rig_ok(registry_new(db, &intake.registry, &err));
    rig_ok(batch_new(&intake, &batch));
}

static void teardown(void)
{
    batch_free(batch);
    registry_free(intake.registry);
    segs_policy_free(intake.policy);
    rt_db_close(db);
    rig_folder_remove();
}

static void read_text(const char *body, const char *prefix)
{
    ck_assert_int_eq(batch_read(batch, &intake, body, strlen(body), prefix), 0);
}

static void read_body(const char *body)
{
    read_text(body, "");
}

static bool has_error(const char *text)
{
    return batch->errors.data && strstr(batch->errors.data, text) != NULL;
}

#define AT "\"timestamp\":\"2026-01-15T14:00:00Z\""
#define READING(id_, power_) "{\"meter_id\":\"" id_ "\"," AT ",\"power_kw\":" power_ "}"

START_TEST(D_05_good_readings_are_taken_beside_bad_ones)
{
    read_body("[" READING("A", "1") "," READING("B", "\"much\"") "," READING("C", "2") "]");
    ck_assert_uint_eq(batch->n, 2);
    ck_assert_int_eq(batch->n_rejected, 1);
    ck_assert(has_error("\"index\":1"));
    ck_assert(has_error("\"field\":\"power_kw\""));
    ck_assert(!batch->has_json_error);
}
END_TEST

START_TEST(a_reading_repeated_in_one_request_is_taken_once)
{
    read_body("[" READING("A", "1") "," READING("A", "1.0") "," READING("A", "10e-1") "]");
    ck_assert_uint_eq(batch->n, 1);
    ck_assert_int_eq(batch->n_duplicates, 2);
    ck_assert_int_eq(batch->n_rejected, 0);
}
END_TEST

START_TEST(a_new_label_does_not_make_another_measurement)
{
    read_body("[{\"meter_id\":\"A\"," AT ",\"power_kw\":1,\"seq\":1},"
              "{\"meter_id\":\"A\"," AT ",\"power_kw\":1,\"seq\":2,\"reading_id\":\"x\"}]");
    ck_assert_uint_eq(batch->n, 1);
    ck_assert_int_eq(batch->n_duplicates, 1);
}
END_TEST

START_TEST(other_values_meters_and_instants_are_other_readings)
{
    read_body("[" READING("A", "1") "," READING("A", "2") "," READING(
        "B", "1") ","
                  "{\"meter_id\":\"A\",\"timestamp\":\"2026-01-15T14:00:01Z\",\"power_kw\":1}]");
    ck_assert_uint_eq(batch->n, 4);
    ck_assert_int_eq(batch->n_duplicates, 0);
}
END_TEST

START_TEST(D_06_a_key_speaks_only_for_meters_of_its_prefix)
{
    read_text("[" READING("NORTH-1", "1") "," READING("SOUTH-1", "1") "," READING("NORTH", "1") "]",
              "NORTH-");
    ck_assert_uint_eq(batch->n, 1);
    ck_assert_int_eq(batch->n_rejected, 2);
    ck_assert(has_error("\"index\":1"));
    ck_assert(has_error("\"index\":2"));
    ck_assert(has_error("FORBIDDEN_METER"));
}
END_TEST

START_TEST(D_04_a_power_of_a_gigawatt_passes_and_more_does_not)
{
    /* The bound is 10^6 kW. */
    read_body("[" READING("A", "1000000") "," READING("B", "1000000.000001") "]");
    ck_assert_uint_eq(batch->n, 1);
    ck_assert(has_error("\"index\":1"));
    ck_assert(has_error("\"code\":\"RANGE\""));
    ck_assert(has_error("1000000.000001"));
}
END_TEST

START_TEST(negative_power_needs_a_meter_that_may_export)
{
    read_body("[" READING("A", "-1") "]");
    ck_assert_uint_eq(batch->n, 0);
    ck_assert(has_error("NEGATIVE"));
    intake.unregistered_flags = SEGS_METER_MAY_EXPORT;
    read_body("[" READING("A", "-1") "]");
    ck_assert_uint_eq(batch->n, 1);
}
END_TEST

START_TEST(what_stands_before_a_tear_is_taken)
{
    read_body("[" READING("A", "1") "," READING("B", "1") ",{\"meter_id\":\"C\",\"time");
    ck_assert_uint_eq(batch->n, 2);
    ck_assert_int_eq(batch->n_rejected, 1);
    ck_assert(batch->has_json_error);
}
END_TEST

START_TEST(a_body_that_is_no_json_is_told_from_one_that_is_no_reading)
{
    read_body("{}");
    ck_assert(!batch->has_json_error);
    ck_assert_int_eq(batch->n_rejected, 1);
    read_body("hello");
    ck_assert(batch->has_json_error);
    ck_assert_int_eq(batch->n_rejected, 1);
}
END_TEST

/* `n` readings of different meters. */
static char *many(int n)
{
    char *body = malloc((size_t)n * 96 + 3);
    size_t len = 0;

    ck_assert_ptr_nonnull(body);
    for (int i = 0; i < n; i++)
        len += (size_t)sprintf(body + len, "%c{\"meter_id\":\"M%d\"," AT ",\"power_kw\":1}",
                               i ? ',' : '[', i);
    (void)sprintf(body + len, "]");
    return body;
}

START_TEST(as_many_readings_as_allowed_are_all_taken)
{
    char *body = many(MAX_READINGS);

    read_body(body);
    ck_assert_uint_eq(batch->n, MAX_READINGS);
    ck_assert_int_eq(batch->n_rejected, 0);
    free(body);
}
END_TEST

START_TEST(readings_beyond_the_limit_are_refused_by_name)
{
    char *body = many(MAX_READINGS + 5);

    read_body(body);
    ck_assert_uint_eq(batch->n, MAX_READINGS);
    ck_assert_int_ge(batch->n_rejected, 1);
    ck_assert(has_error("LIMIT"));
    free(body);
}
END_TEST

START_TEST(nothing_of_one_request_is_left_in_the_next)
{
    read_body("[" READING("A", "1") "," READING("A", "1") ",{},[");
    read_body("[" READING("A", "1") "]");
    ck_assert_uint_eq(batch->n, 1);
    ck_assert_int_eq(batch->n_duplicates, 0);
    ck_assert_int_eq(batch->n_rejected, 0);
    ck_assert(!batch->has_json_error);
    ck_assert_str_eq(batch->errors.data, "[]");
}
END_TEST

START_TEST(the_log_holds_the_readings_under_their_meters)
{
    struct rt_bus_options options = { .data_dir = rig_folder };
    struct rt_bus_topic topic = { RT_TOPIC_RAW, 1, 0, 0 };
    static const char *const topics[] = { RT_TOPIC_RAW };
    struct rt_bus_consumer_options group = { .group = "test", .topics = topics, .n_topics = 1 };
    struct rt_bus_batch got = RT_BUS_BATCH_INIT;
    struct rt_bus_consumer *consumer = NULL;
    struct rt_bus *bus = NULL;
    struct segs_error err = { 0 };

    rig_ok(rt_bus_open(&options, &bus, &err));
    rig_ok(rt_bus_topic_ensure(bus, &topic, &err));
    read_body("[" READING("A", "1.5") "," READING("B", "2") "]");
    rig_ok(batch_send(batch, bus, NULL, 5000, &err));
    rig_ok(rt_bus_consumer_open(bus, &group, &consumer, &err));
    rig_ok(rt_bus_consumer_poll(consumer, 100, &err));
    rig_ok(rt_bus_fetch(consumer, RT_TOPIC_RAW, 0, 10, 1000, &got, &err));
    ck_assert_uint_eq(got.n, 2);
    ck_assert_mem_eq(got.messages[0].key, "A", 1);
    ck_assert_mem_eq(got.messages[1].key, "B", 1);
    for (size_t i = 0; i < 2; i++) {
        struct segs_reading reading;

        rig_ok(
            segs_reading_decode(got.messages[i].value, got.messages[i].value_len, &reading, &err));
        ck_assert_int_eq(reading.power_micro_kw, i ? 2000000 : 1500000);
        ck_assert_int_eq(reading.ts_ms, INT64_C(1768485600000));
    }
    rt_bus_batch_free(&got);
    rt_bus_consumer_close(consumer);
    rt_bus_close(bus);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ingestion_batch");
    TCase *tc = tcase_create("batch");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, D_05_good_readings_are_taken_beside_bad_ones);
    tcase_add_test(tc, a_reading_repeated_in_one_request_is_taken_once);
    tcase_add_test(tc, a_new_label_does_not_make_another_measurement);
    tcase_add_test(tc, other_values_meters_and_instants_are_other_readings);
    tcase_add_test(tc, D_06_a_key_speaks_only_for_meters_of_its_prefix);
    tcase_add_test(tc, D_04_a_power_of_a_gigawatt_passes_and_more_does_not);
    tcase_add_test(tc, negative_power_needs_a_meter_that_may_export);
    tcase_add_test(tc, what_stands_before_a_tear_is_taken);
    tcase_add_test(tc, a_body_that_is_no_json_is_told_from_one_that_is_no_reading);
    tcase_add_test(tc, as_many_readings_as_allowed_are_all_taken);
    tcase_add_test(tc, readings_beyond_the_limit_are_refused_by_name);
    tcase_add_test(tc, nothing_of_one_request_is_left_in_the_next);
    tcase_add_test(tc, the_log_holds_the_readings_under_their_meters);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
