/* Meters as a partition meets them: their keys, and whose word on the region counts. */
#include "stream-processor/meters.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ports_rig.h"
#include "runtime/schema/schema.h"

static struct rt_db *db;
static struct rt_db_conn *conn;
static struct meters meters;

static void setup(void)
{
    struct rt_db_options options = { .data_dir = rig_folder };
    struct segs_error err = { 0 };

    rig_folder_make();
    rig_ok(rt_db_open(&options, &db, &err));
    rig_ok(rt_schema_migrate(db, &err));
    rig_ok(rt_db_acquire(db, RT_DB_WRITE, 5000, &conn, &err));
    rig_ok(meters_init(&meters, 5, &err));
}

static void teardown(void)
{
    meters_free(&meters);
    rt_db_release(conn);
    rt_db_close(db);
    rig_folder_remove();
}

static void run(const char *sql)
{
    struct segs_error err = { 0 };

    rig_ok(rt_db_begin(conn, &err));
    rig_ok(rt_db_exec(conn, sql, NULL, 0, NULL, &err));
    rig_ok(rt_db_commit(conn, &err));
}

static int try_see(const char *meter_id, const char *region, uint32_t *ret_slot)
{
    struct segs_reading reading;

    memset(&reading, 0, sizeof reading);
    (void)snprintf(reading.meter_id, sizeof reading.meter_id, "%s", meter_id);
    (void)snprintf(reading.region, sizeof reading.region, "%s", region);
    reading.present = region[0] ? SEGS_HAS_REGION : 0;
    return meters_see(&meters, &reading, ret_slot);
}

static uint32_t see(const char *meter_id, const char *region)
{
    uint32_t slot = UINT32_MAX;

    ck_assert_int_eq(try_see(meter_id, region, &slot), 0);
    return slot;
}

static int try_resolve(void)
{
    struct segs_error err = { 0 };

    return meters_resolve(&meters, conn, 1000, &err);
}

static void resolve(void)
{
    ck_assert_int_eq(try_resolve(), 0);
}

/* The name of the region the meter's key stands for; "" when there is none. */
static const char *region_of(uint32_t slot)
{
    static char name[SEGS_ID_BYTES];
    struct rt_db_value key = RT_DB_I(meters_get(&meters, slot)->region_key);
    struct rt_db_rows *rows = NULL;
    struct segs_error err = { 0 };

    name[0] = '\0';
    rig_ok(
        rt_db_query(conn, "SELECT name FROM regions WHERE region_key = $1", &key, 1, &rows, &err));
    if (rt_db_next(rows, &err) > 0)
        (void)snprintf(name, sizeof name, "%s", rt_db_str(rows, 0, NULL));
    rt_db_rows_free(rows);
    return name;
}

static int64_t count(const char *sql)
{
    struct segs_error err = { 0 };
    int64_t n = -1;

    rig_ok(rt_db_query_int(conn, sql, NULL, 0, &n, &err));
    return n;
}

START_TEST(a_meter_is_entered_once_with_the_region_it_names)
{
    uint32_t a = see("A", "North");
    uint32_t b = see("B", "North");

    ck_assert_uint_eq(see("A", "North"), a);
    resolve();
    ck_assert_int_gt(meters_get(&meters, a)->meter_key, 0);
    ck_assert_int_ne(meters_get(&meters, a)->meter_key, meters_get(&meters, b)->meter_key);
    ck_assert_str_eq(region_of(a), "North");
    ck_assert_int_eq(meters_get(&meters, a)->region_key, meters_get(&meters, b)->region_key);
    ck_assert_int_eq(count("SELECT count(*) FROM meters"), 2);
    (void)see("A", "North");
    ck_assert_uint_eq(meters.n_newcomers, 0);
}
END_TEST

START_TEST(a_region_named_later_settles_an_unassigned_meter)
{
    uint32_t a = see("A", "");

    resolve();
    ck_assert_str_eq(region_of(a), "unassigned");
    (void)see("A", "");
    ck_assert_uint_eq(meters.n_newcomers, 0);
    (void)see("A", "South");
    resolve();
    ck_assert_str_eq(region_of(a), "South");
    (void)see("A", "North");
    resolve();
    ck_assert_str_eq(region_of(a), "South");
}
END_TEST

START_TEST(a_region_named_before_the_first_checkpoint_settles_the_meter_too)
{
    uint32_t a = see("A", "");

    (void)see("A", "South");
    (void)see("A", "North");
    resolve();
    ck_assert_str_eq(region_of(a), "South");
    ck_assert(!meters_get(&meters, a)->unassigned);
}
END_TEST

START_TEST(the_region_of_a_registered_meter_wins)
{
    uint32_t a;

    run("INSERT INTO regions (region_key, name) VALUES (7, 'East'), (8, 'unassigned')");
    run("INSERT INTO meters (meter_id, region_key, registered, created_at_ms)"
        " VALUES ('A', 7, 1, 0), ('B', 8, 1, 0)");
    a = see("A", "North");
    resolve();
    ck_assert_int_eq(meters_get(&meters, a)->region_key, 7);
    /* Also where the registry itself has not assigned it. */
    a = see("B", "");
    resolve();
    (void)see("B", "North");
    resolve();
    ck_assert_int_eq(meters_get(&meters, a)->region_key, 8);
}
END_TEST

START_TEST(the_region_of_an_earlier_run_stays)
{
    uint32_t a = see("A", "North");

    resolve();
    meters_free(&meters);
    ck_assert_int_eq(meters_init(&meters, 5, NULL), 0);
    a = see("A", "South");
    resolve();
    ck_assert_str_eq(region_of(a), "North");
}
END_TEST

START_TEST(a_rolled_back_resolution_leaves_no_keys_and_is_made_up_for)
{
    uint32_t a = see("A", "North");
    uint32_t b = see("B", "South");

    run("CREATE TRIGGER broken BEFORE INSERT ON meters WHEN NEW.meter_id = 'B'"
        " BEGIN SELECT RAISE(ABORT, 'broken'); END");
    ck_assert_int_lt(try_resolve(), 0);
    ck_assert_int_eq(meters_get(&meters, a)->meter_key, 0);
    ck_assert_int_eq(meters_get(&meters, b)->meter_key, 0);
    ck_assert_int_eq(count("SELECT count(*) FROM meters"), 0);
    ck_assert_int_eq(count("SELECT count(*) FROM regions"), 0);
    run("DROP TRIGGER broken");
    (void)see("A", "North");
    resolve();
    ck_assert_int_gt(meters_get(&meters, a)->meter_key, 0);
    ck_assert_str_eq(region_of(b), "South");
}
END_TEST

START_TEST(one_meter_too_many_is_full)
{
    uint32_t slot = 77;
    char meter_id[8];

    for (int i = 0; i < 5; i++) {
        (void)snprintf(meter_id, sizeof meter_id, "M%d", i);
        (void)see(meter_id, "North");
    }
    ck_assert_int_eq(try_see("M5", "North", &slot), SEGS_EFULL);
    ck_assert_uint_eq(slot, 77);
    (void)see("M4", "North");
}
END_TEST

START_TEST(a_region_gets_one_key)
{
    struct segs_error err = { 0 };
    int64_t first = 0;
    int64_t again = 0;

    rig_ok(rt_db_begin(conn, &err));
    rig_ok(region_ensure(conn, "North", &first, &err));
    rig_ok(region_ensure(conn, "North", &again, &err));
    rig_ok(rt_db_commit(conn, &err));
    ck_assert_int_eq(first, again);
    ck_assert_int_eq(count("SELECT count(*) FROM regions"), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stream_meters");
    TCase *tc = tcase_create("meters");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_meter_is_entered_once_with_the_region_it_names);
    tcase_add_test(tc, a_region_named_later_settles_an_unassigned_meter);
    tcase_add_test(tc, a_region_named_before_the_first_checkpoint_settles_the_meter_too);
    tcase_add_test(tc, the_region_of_a_registered_meter_wins);
    tcase_add_test(tc, the_region_of_an_earlier_run_stays);
    tcase_add_test(tc, a_rolled_back_resolution_leaves_no_keys_and_is_made_up_for);
    tcase_add_test(tc, one_meter_too_many_is_full);
    tcase_add_test(tc, a_region_gets_one_key);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
