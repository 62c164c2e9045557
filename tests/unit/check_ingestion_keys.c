/* Who may send, and what is known of the meters: both read from the database. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <segs/token.h>

#include "ingestion/keys.h"
#include "ingestion/registry.h"
#include "ports_rig.h"
#include "runtime/schema/schema.h"

static struct rt_db *db;

static void setup(void)
{
    struct rt_db_options options = { .data_dir = rig_folder };
    struct segs_error err = { 0 };

    rig_folder_make();
    rig_ok(rt_db_open(&options, &db, &err));
    rig_ok(rt_schema_migrate(db, &err));
}

static void teardown(void)
{
    rt_db_close(db);
    rig_folder_remove();
}

static void run_with(const char *sql, const struct rt_db_value *params, size_t n)
{
    struct rt_db_conn *conn = NULL;
    struct segs_error err = { 0 };

    rig_ok(rt_db_acquire(db, RT_DB_WRITE, 5000, &conn, &err));
    rig_ok(rt_db_begin(conn, &err));
    rig_ok(rt_db_exec(conn, sql, params, n, NULL, &err));
    rig_ok(rt_db_commit(conn, &err));
    rt_db_release(conn);
}

static void run(const char *sql)
{
    run_with(sql, NULL, 0);
}

/* ---- Keys ---- */

static void add_key(const char *key, const char *prefix)
{
    uint8_t digest[SEGS_TOKEN_DIGEST_BYTES];
    struct rt_db_value params[2];

    ck_assert_int_eq(segs_token_digest(key, strlen(key), digest), 0);
    params[0] = rt_db_blob(digest, sizeof digest);
    params[1] = rt_db_text(prefix);
    run_with("INSERT INTO ingest_keys (key_hash, name, meter_prefix, created_at_ms)"
             " VALUES ($1, 'test', $2, 0)",
             params, 2);
}

static int authorise(const char *authorization, char prefix[SEGS_ID_BYTES])
{
    struct segs_error err = { 0 };

    return keys_authorise(db, authorization, prefix, &err);
}

START_TEST(D_06_a_key_opens_the_intake_for_its_prefix)
{
    char prefix[SEGS_ID_BYTES] = "?";

    add_key("north-secret", "NORTH-");
    add_key("all-secret", "");
    ck_assert_int_eq(authorise("Bearer north-secret", prefix), 0);
    ck_assert_str_eq(prefix, "NORTH-");
    ck_assert_int_eq(authorise("bearer all-secret", prefix), 0);
    ck_assert_str_eq(prefix, "");
}
END_TEST

START_TEST(D_06_without_a_live_key_nobody_is_let_in)
{
    char too_long[300] = "Bearer ";
    char prefix[SEGS_ID_BYTES] = "untouched";
    static const char *const refused[] = { NULL,
                                           "",
                                           "Bearer",
                                           "Bearer ",
                                           "secret",
                                           "Basic secret",
                                           "Bearer Secret",
                                           "Bearer secret ",
                                           "Bearer secre" };

    memset(too_long + 7, 'x', sizeof too_long - 8);
    too_long[sizeof too_long - 1] = '\0';
    add_key("secret", "");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        ck_assert_int_eq(authorise(refused[i], prefix), SEGS_EDENIED);
    ck_assert_int_eq(authorise(too_long, prefix), SEGS_EDENIED);
    run("UPDATE ingest_keys SET revoked_at_ms = 1");
    ck_assert_int_eq(authorise("Bearer secret", prefix), SEGS_EDENIED);
    ck_assert_str_eq(prefix, "untouched");
}
END_TEST

START_TEST(D_06_a_key_is_not_stored_as_it_is)
{
    struct rt_db_conn *conn = NULL;
    struct segs_error err = { 0 };
    int64_t n = -1;

    add_key("secret", "");
    rig_ok(rt_db_acquire(db, RT_DB_READ, 5000, &conn, &err));
    rig_ok(rt_db_query_int(conn,
                           "SELECT count(*) FROM ingest_keys WHERE instr(key_hash, 'secret') > 0",
                           NULL, 0, &n, &err));
    rt_db_release(conn);
    ck_assert_int_eq(n, 0);
}
END_TEST

START_TEST(a_database_that_cannot_be_asked_lets_nobody_in_and_is_no_refusal)
{
    char prefix[SEGS_ID_BYTES];
    int r;

    add_key("secret", "");
    ck_assert(keys_can_be_asked(db));
    run("ALTER TABLE ingest_keys RENAME TO elsewhere");
    ck_assert(!keys_can_be_asked(db));
    r = authorise("Bearer secret", prefix);
    ck_assert_int_lt(r, 0);
    ck_assert_int_ne(r, SEGS_EDENIED);
    run("ALTER TABLE elsewhere RENAME TO ingest_keys");
    ck_assert(keys_can_be_asked(db));
    ck_assert_int_eq(authorise("Bearer secret", prefix), 0);
}
END_TEST

/* ---- Registry ---- */

static void add_meters(void)
{
    run("INSERT INTO regions (region_key, name) VALUES (1, 'North')");
    run("INSERT INTO meters (meter_id, region_key, registered, may_export, interval_ms,"
        " capacity_micro_kw, created_at_ms) VALUES"
        " ('M2', 1, 1, 1, 10000, 5000000, 0), ('M10', 1, 1, 0, 60000, 0, 0),"
        " ('SEEN', 1, 0, 1, 10000, 0, 0)");
}

START_TEST(registered_meters_are_found_with_what_is_known_of_them)
{
    struct segs_meter_context context = SEGS_METER_CONTEXT_INIT;
    struct registry *registry = NULL;
    struct segs_error err = { 0 };

    add_meters();
    rig_ok(registry_new(db, &registry, &err));
    ck_assert_uint_eq(registry_count(registry), 2);
    ck_assert(registry_find(registry, "M2", &context));
    ck_assert_int_eq(context.interval_ms, 10000);
    ck_assert_int_eq(context.capacity_micro_kw, 5000000);
    ck_assert_uint_eq(context.flags, SEGS_METER_MAY_EXPORT);
    ck_assert(registry_find(registry, "M10", &context));
    ck_assert_uint_eq(context.flags, 0);
    ck_assert(!registry_find(registry, "SEEN", &context));
    ck_assert(!registry_find(registry, "M", &context));
    ck_assert(!registry_find(registry, "M100", &context));
    registry_free(registry);
}
END_TEST

START_TEST(an_empty_registry_knows_nobody)
{
    struct segs_meter_context context = SEGS_METER_CONTEXT_INIT;
    struct registry *registry = NULL;
    struct segs_error err = { 0 };

    rig_ok(registry_new(db, &registry, &err));
    ck_assert_uint_eq(registry_count(registry), 0);
    ck_assert(!registry_find(registry, "M1", &context));
    registry_free(registry);
}
END_TEST

START_TEST(a_refresh_brings_what_changed_and_a_failed_one_leaves_what_was)
{
    struct segs_meter_context context = SEGS_METER_CONTEXT_INIT;
    struct registry *registry = NULL;
    struct segs_error err = { 0 };

    add_meters();
    rig_ok(registry_new(db, &registry, &err));
    run("UPDATE meters SET registered = 1 - registered WHERE meter_id IN ('M2', 'SEEN')");
    ck_assert(registry_find(registry, "M2", &context));
    rig_ok(registry_refresh(registry, &err));
    ck_assert(!registry_find(registry, "M2", &context));
    ck_assert(registry_find(registry, "SEEN", &context));
    run("ALTER TABLE meters RENAME TO elsewhere");
    ck_assert_int_lt(registry_refresh(registry, &err), 0);
    ck_assert(registry_find(registry, "SEEN", &context));
    ck_assert_uint_eq(registry_count(registry), 2);
    registry_free(registry);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ingestion_keys");
    TCase *tc = tcase_create("keys");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, D_06_a_key_opens_the_intake_for_its_prefix);
    tcase_add_test(tc, D_06_without_a_live_key_nobody_is_let_in);
    tcase_add_test(tc, D_06_a_key_is_not_stored_as_it_is);
    tcase_add_test(tc, a_database_that_cannot_be_asked_lets_nobody_in_and_is_no_refusal);
    tcase_add_test(tc, registered_meters_are_found_with_what_is_known_of_them);
    tcase_add_test(tc, an_empty_registry_knows_nobody);
    tcase_add_test(tc, a_refresh_brings_what_changed_and_a_failed_one_leaves_what_was);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
