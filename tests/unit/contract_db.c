/* What every adapter of the database does. */
#include "ports_rig.h"

#include <math.h>
#include <string.h>

#include <pthread.h>

#include "runtime/clock.h"

static const struct db_rig *rig;
static struct rt_db *db;
static struct segs_error err;

static const struct rt_db_migration migrations[] = {
    { .version = 1,
      .name = "meter",
      .sqlite =
          "CREATE TABLE meter (id BIGINT PRIMARY KEY, name TEXT UNIQUE, score REAL, key BLOB);"
          "CREATE TABLE reading (meter_id BIGINT NOT NULL REFERENCES meter (id),"
          " ts_ms BIGINT NOT NULL, PRIMARY KEY (meter_id, ts_ms));" },
    { .version = 2, .name = "note", .sqlite = "ALTER TABLE meter ADD COLUMN note TEXT;" },
};

static void setup(void)
{
    rig->setup();
    db = rig->open();
    rig_ok(rt_db_migrate(db, migrations, 2, &err));
}

static void teardown(void)
{
    rt_db_close(db);
    rig->teardown();
}

static struct rt_db_conn *take(enum rt_db_mode mode)
{
    struct rt_db_conn *conn = NULL;

    rig_ok(rt_db_acquire(db, mode, 5000, &conn, &err));
    return conn;
}

static const char insert_meter[] = "INSERT INTO meter (id, name) VALUES ($1, $2)";
static const char count_meters[] = "SELECT count(*) FROM meter";

static int insert(struct rt_db_conn *conn, int64_t id, const char *name)
{
    const struct rt_db_value params[] = { RT_DB_I(id), rt_db_text(name) };

    return rt_db_exec(conn, insert_meter, params, 2, NULL, &err);
}

static int64_t count(void)
{
    struct rt_db_conn *conn = take(RT_DB_READ);
    int64_t n = -1;

    rig_ok(rt_db_query_int(conn, count_meters, NULL, 0, &n, &err));
    rt_db_release(conn);
    return n;
}

/* ---- Values ---- */

START_TEST(integers_come_back_exactly)
{
    static const int64_t values[] = { 0, -1, INT64_MAX, INT64_MIN };
    const struct rt_db_value params[] = { RT_DB_I(values[_i]), rt_db_text("n") };
    struct rt_db_conn *conn = take(RT_DB_WRITE);
    int64_t found = 7;

    rig_ok(rt_db_exec(conn, insert_meter, params, 2, NULL, &err));
    rig_ok(rt_db_query_int(conn, "SELECT id FROM meter", NULL, 0, &found, &err));
    ck_assert_int_eq(found, values[_i]);
    rt_db_release(conn);
}
END_TEST

START_TEST(texts_blobs_and_doubles_come_back_byte_for_byte)
{
    const struct rt_db_value params[] = { RT_DB_I(1), rt_db_text("Zürich \xE2\x82\xAC"),
                                          RT_DB_D(0.1), rt_db_blob("a\0b", 3) };
    struct rt_db_conn *conn = take(RT_DB_WRITE);
    struct rt_db_rows *rows = NULL;
    size_t len = 0;

    rig_ok(rt_db_exec(conn, "INSERT INTO meter (id, name, score, key) VALUES ($1, $2, $3, $4)",
                      params, 4, NULL, &err));
    rig_ok(rt_db_query(conn, "SELECT name, score, key FROM meter WHERE id = $1", params, 1, &rows,
                       &err));
    ck_assert_int_eq(rt_db_next(rows, &err), 1);
    ck_assert_str_eq(rt_db_str(rows, 0, &len), "Zürich \xE2\x82\xAC");
    ck_assert_uint_eq(len, 11);
    ck_assert_double_eq(rt_db_double(rows, 1), 0.1);
    ck_assert_mem_eq(rt_db_bytes(rows, 2, &len), "a\0b", 3);
    ck_assert_uint_eq(len, 3);
    ck_assert_int_eq(rt_db_next(rows, &err), 0);
    ck_assert_int_eq(rt_db_next(rows, &err), 0);
    rt_db_rows_free(rows);
    rt_db_release(conn);
}
END_TEST

START_TEST(null_is_not_empty)
{
    const struct rt_db_value nulls[] = { RT_DB_I(1), rt_db_text(NULL), RT_DB_N };
    const struct rt_db_value empty[] = { RT_DB_I(2), rt_db_text(""), rt_db_blob(NULL, 0) };
    const char *sql = "INSERT INTO meter (id, name, key) VALUES ($1, $2, $3)";
    struct rt_db_conn *conn = take(RT_DB_WRITE);
    struct rt_db_rows *rows = NULL;
    size_t len = 9;

    rig_ok(rt_db_exec(conn, sql, nulls, 3, NULL, &err));
    rig_ok(rt_db_exec(conn, sql, empty, 3, NULL, &err));
    rig_ok(rt_db_query(conn, "SELECT name, key FROM meter ORDER BY id", NULL, 0, &rows, &err));
    ck_assert_int_eq(rt_db_next(rows, &err), 1);
    ck_assert(rt_db_is_null(rows, 0));
    ck_assert_ptr_null(rt_db_str(rows, 0, &len));
    ck_assert_uint_eq(len, 0);
    ck_assert_ptr_null(rt_db_bytes(rows, 1, NULL));
    ck_assert_int_eq(rt_db_next(rows, &err), 1);
    ck_assert(!rt_db_is_null(rows, 0));
    ck_assert_str_eq(rt_db_str(rows, 0, NULL), "");
    ck_assert(!rt_db_is_null(rows, 1));
    ck_assert_ptr_nonnull(rt_db_bytes(rows, 1, &len));
    ck_assert_uint_eq(len, 0);
    rt_db_rows_free(rows);
    rt_db_release(conn);
}
END_TEST

START_TEST(parameters_go_by_their_number_not_by_their_place)
{
    const struct rt_db_value params[] = { rt_db_text("b"), RT_DB_I(5) };
    struct rt_db_conn *conn = take(RT_DB_WRITE);
    int64_t found = 0;

    rig_ok(rt_db_exec(conn, "INSERT INTO meter (id, name, note) VALUES ($2, $1, $1)", params, 2,
                      NULL, &err));
    rig_ok(rt_db_query_int(conn, "SELECT id FROM meter WHERE note = $1", params, 1, &found, &err));
    ck_assert_int_eq(found, 5);
    rt_db_release(conn);
}
END_TEST

START_TEST(parameters_of_a_query_may_go_before_its_rows)
{
    char name[] = "a";
    struct rt_db_value param = rt_db_text(name);
    struct rt_db_conn *conn = take(RT_DB_WRITE);
    struct rt_db_rows *rows = NULL;

    rig_ok(insert(conn, 1, "a"));
    rig_ok(insert(conn, 2, "b"));
    rig_ok(rt_db_query(conn, "SELECT id FROM meter WHERE name >= $1 ORDER BY id", &param, 1, &rows,
                       &err));
    name[0] = 'z';
    ck_assert_int_eq(rt_db_next(rows, &err), 1);
    ck_assert_int_eq(rt_db_next(rows, &err), 1);
    ck_assert_int_eq(rt_db_int(rows, 0), 2);
    ck_assert_int_eq(rt_db_next(rows, &err), 0);
    rt_db_rows_free(rows);
    rt_db_release(conn);
}
END_TEST

/* ---- Statements ---- */

START_TEST(changed_counts_the_rows_touched)
{
    const struct rt_db_value limit = RT_DB_I(2);
    struct rt_db_conn *conn = take(RT_DB_WRITE);
    int64_t changed = -1;

    rig_ok(insert(conn, 1, "a"));
    rig_ok(insert(conn, 2, "b"));
    rig_ok(insert(conn, 3, "c"));
    rig_ok(
        rt_db_exec(conn, "UPDATE meter SET note = 'x' WHERE id <= $1", &limit, 1, &changed, &err));
    ck_assert_int_eq(changed, 2);
    rig_ok(rt_db_exec(conn, "UPDATE meter SET note = 'x' WHERE id > 99", NULL, 0, &changed, &err));
    ck_assert_int_eq(changed, 0);
    rig_ok(rt_db_exec(conn, "CREATE TABLE other (x BIGINT)", NULL, 0, &changed, &err));
    ck_assert_int_eq(changed, 0);
    rt_db_release(conn);
}
END_TEST

START_TEST(an_upsert_changes_what_is_there)
{
    const char *sql = "INSERT INTO meter (id, name) VALUES ($1, $2)"
                      " ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING id";
    const struct rt_db_value params[] = { RT_DB_I(1), rt_db_text("new") };
    struct rt_db_conn *conn = take(RT_DB_WRITE);
    int64_t id = 0;

    rig_ok(insert(conn, 1, "old"));
    rig_ok(rt_db_query_int(conn, sql, params, 2, &id, &err));
    ck_assert_int_eq(id, 1);
    rig_ok(
        rt_db_query_int(conn, "SELECT count(*) FROM meter WHERE name = 'new'", NULL, 0, &id, &err));
    ck_assert_int_eq(id, 1);
    rt_db_release(conn);
}
END_TEST

START_TEST(a_repeated_unique_value_is_a_conflict)
{
    struct rt_db_conn *conn = take(RT_DB_WRITE);

    rig_ok(insert(conn, 1, "a"));
    ck_assert_int_eq(insert(conn, 1, "b"), SEGS_ECONFLICT);
    ck_assert_int_eq(insert(conn, 2, "a"), SEGS_ECONFLICT);
    ck_assert_int_eq(err.code, SEGS_ECONFLICT);
    rt_db_release(conn);
}
END_TEST

START_TEST(a_reference_to_nothing_is_a_conflict)
{
    struct rt_db_conn *conn = take(RT_DB_WRITE);

    ck_assert_int_eq(rt_db_exec(conn, "INSERT INTO reading (meter_id, ts_ms) VALUES (77, 1)", NULL,
                                0, NULL, &err),
                     SEGS_ECONFLICT);
    rt_db_release(conn);
}
END_TEST

START_TEST(wrong_sql_is_an_internal_failure)
{
    struct rt_db_conn *conn = take(RT_DB_WRITE);
    struct rt_db_rows *rows = NULL;
    const struct rt_db_value param = RT_DB_I(1);

    ck_assert_int_eq(rt_db_exec(conn, "INSERT INTO nowhere VALUES (1)", NULL, 0, NULL, &err),
                     SEGS_EINTERNAL);
    ck_assert_ptr_nonnull(strstr(err.message, "nowhere"));
    ck_assert_int_eq(rt_db_query(conn, "SELECT * FORM meter", NULL, 0, &rows, &err),
                     SEGS_EINTERNAL);
    ck_assert_ptr_null(rows);
    ck_assert_int_eq(rt_db_exec(conn, insert_meter, &param, 1, NULL, &err), SEGS_EINTERNAL);
    rt_db_release(conn);
}
END_TEST

START_TEST(a_query_of_one_integer_finds_one_or_says_so)
{
    struct rt_db_conn *conn = take(RT_DB_READ);
    int64_t n = 42;

    ck_assert_int_eq(rt_db_query_int(conn, "SELECT id FROM meter", NULL, 0, &n, &err),
                     SEGS_ENOTFOUND);
    ck_assert_int_eq(rt_db_query_int(conn, "SELECT max(id) FROM meter", NULL, 0, &n, &err),
                     SEGS_ENOTFOUND);
    ck_assert_int_eq(n, 42);
    rt_db_release(conn);
}
END_TEST

START_TEST(the_same_query_can_run_inside_itself)
{
    static const char sql[] = "SELECT id FROM meter ORDER BY id";
    struct rt_db_conn *conn = take(RT_DB_WRITE);
    struct rt_db_rows *outer = NULL;
    struct rt_db_rows *inner = NULL;

    rig_ok(insert(conn, 1, "a"));
    rig_ok(insert(conn, 2, "b"));
    rig_ok(rt_db_query(conn, sql, NULL, 0, &outer, &err));
    ck_assert_int_eq(rt_db_next(outer, &err), 1);
    rig_ok(rt_db_query(conn, sql, NULL, 0, &inner, &err));
    ck_assert_int_eq(rt_db_next(inner, &err), 1);
    ck_assert_int_eq(rt_db_next(inner, &err), 1);
    ck_assert_int_eq(rt_db_next(inner, &err), 0);
    ck_assert_int_eq(rt_db_next(outer, &err), 1);
    ck_assert_int_eq(rt_db_int(outer, 0), 2);
    rt_db_rows_free(inner);
    rt_db_rows_free(outer);
    rt_db_release(conn);
}
END_TEST

/* ---- Batches ---- */

START_TEST(a_batch_runs_once_per_row)
{
    const struct rt_db_value params[] = { RT_DB_I(1),      rt_db_text("a"), RT_DB_I(2),
                                          rt_db_text("b"), RT_DB_I(3),      rt_db_text(NULL) };
    int64_t changed[3] = { -1, -1, -1 };
    struct rt_db_conn *conn = take(RT_DB_WRITE);

    rig_ok(rt_db_begin(conn, &err));
    rig_ok(rt_db_exec_batch(conn, insert_meter, params, 2, 3, changed, &err));
    rig_ok(rt_db_commit(conn, &err));
    rt_db_release(conn);
    ck_assert_int_eq(changed[0] + changed[1] + changed[2], 3);
    ck_assert_int_eq(count(), 3);
}
END_TEST

START_TEST(a_batch_stops_at_the_failing_row_and_names_it)
{
    const struct rt_db_value params[] = { RT_DB_I(1),      rt_db_text("a"), RT_DB_I(1),
                                          rt_db_text("b"), RT_DB_I(3),      rt_db_text("c") };
    struct rt_db_conn *conn = take(RT_DB_WRITE);

    rig_ok(rt_db_begin(conn, &err));
    ck_assert_int_eq(rt_db_exec_batch(conn, insert_meter, params, 2, 3, NULL, &err),
                     SEGS_ECONFLICT);
    ck_assert_int_eq(err.index, 1);
    rt_db_rollback(conn);
    rt_db_release(conn);
    ck_assert_int_eq(count(), 0);
}
END_TEST

START_TEST(an_empty_batch_does_nothing)
{
    struct rt_db_conn *conn = take(RT_DB_WRITE);

    rig_ok(rt_db_exec_batch(conn, insert_meter, NULL, 2, 0, NULL, &err));
    rt_db_release(conn);
}
END_TEST

/* ---- Transactions ---- */

START_TEST(a_commit_is_there_for_others_and_after_opening_again)
{
    struct rt_db_conn *conn = take(RT_DB_WRITE);

    rig_ok(rt_db_begin(conn, &err));
    rig_ok(insert(conn, 1, "a"));
    ck_assert_int_eq(count(), 0);
    rig_ok(rt_db_commit(conn, &err));
    ck_assert_int_eq(count(), 1);
    rt_db_release(conn);
    rt_db_close(db);
    db = rig->open();
    ck_assert_int_eq(count(), 1);
}
END_TEST

START_TEST(release_rolls_an_open_transaction_back)
{
    struct rt_db_conn *conn = take(RT_DB_WRITE);

    rig_ok(rt_db_begin(conn, &err));
    rig_ok(insert(conn, 1, "a"));
    rt_db_release(conn);
    ck_assert_int_eq(count(), 0);
    conn = take(RT_DB_WRITE);
    rig_ok(insert(conn, 1, "a"));
    rt_db_release(conn);
    ck_assert_int_eq(count(), 1);
}
END_TEST

START_TEST(a_reading_transaction_sees_one_moment)
{
    struct rt_db_conn *reader = take(RT_DB_READ);
    struct rt_db_conn *writer = take(RT_DB_WRITE);
    int64_t n = -1;

    rig_ok(rt_db_begin(reader, &err));
    rig_ok(rt_db_query_int(reader, count_meters, NULL, 0, &n, &err));
    rig_ok(insert(writer, 1, "a"));
    rig_ok(rt_db_query_int(reader, count_meters, NULL, 0, &n, &err));
    ck_assert_int_eq(n, 0);
    rig_ok(rt_db_commit(reader, &err));
    rig_ok(rt_db_query_int(reader, count_meters, NULL, 0, &n, &err));
    ck_assert_int_eq(n, 1);
    rt_db_release(writer);
    rt_db_release(reader);
}
END_TEST

/* ---- Migrations ---- */

START_TEST(migrations_run_once)
{
    struct rt_db_conn *conn;
    int64_t n = 0;

    rig_ok(rt_db_migrate(db, migrations, 2, &err));
    conn = take(RT_DB_READ);
    rig_ok(rt_db_query_int(conn, "SELECT count(*) FROM schema_migrations", NULL, 0, &n, &err));
    ck_assert_int_eq(n, 2);
    rt_db_release(conn);
}
END_TEST

START_TEST(a_newer_database_is_refused)
{
    ck_assert_int_eq(rt_db_migrate(db, migrations, 1, &err), SEGS_ECONFLICT);
    ck_assert_str_eq(err.field, "version");
}
END_TEST

START_TEST(a_failing_migration_leaves_nothing_of_itself)
{
    const struct rt_db_migration list[] = {
        migrations[0],
        migrations[1],
        { .version = 3, .name = "bad", .sqlite = "CREATE TABLE half (x BIGINT); SELECT nonsense;" },
    };
    struct rt_db_conn *conn;
    int64_t n = 0;

    ck_assert_int_lt(rt_db_migrate(db, list, 3, &err), 0);
    conn = take(RT_DB_READ);
    rig_ok(rt_db_query_int(conn, "SELECT max(version) FROM schema_migrations", NULL, 0, &n, &err));
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(rt_db_query_int(conn, "SELECT count(*) FROM half", NULL, 0, &n, &err),
                     SEGS_EINTERNAL);
    rt_db_release(conn);
}
END_TEST

START_TEST(migrations_that_do_not_count_from_one_are_refused)
{
    ck_assert_int_eq(rt_db_migrate(db, &migrations[1], 1, &err), SEGS_EINVAL);
}
END_TEST

void db_contract_add(Suite *suite, const struct db_rig *the_rig)
{
    TCase *tcase = tcase_create(the_rig->name);

    rig = the_rig;
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, integers_come_back_exactly, 0, 4);
    tcase_add_test(tcase, texts_blobs_and_doubles_come_back_byte_for_byte);
    tcase_add_test(tcase, null_is_not_empty);
    tcase_add_test(tcase, parameters_go_by_their_number_not_by_their_place);
    tcase_add_test(tcase, parameters_of_a_query_may_go_before_its_rows);
    tcase_add_test(tcase, changed_counts_the_rows_touched);
    tcase_add_test(tcase, an_upsert_changes_what_is_there);
    tcase_add_test(tcase, a_repeated_unique_value_is_a_conflict);
    tcase_add_test(tcase, a_reference_to_nothing_is_a_conflict);
    tcase_add_test(tcase, wrong_sql_is_an_internal_failure);
    tcase_add_test(tcase, a_query_of_one_integer_finds_one_or_says_so);
    tcase_add_test(tcase, the_same_query_can_run_inside_itself);
    tcase_add_test(tcase, a_batch_runs_once_per_row);
    tcase_add_test(tcase, a_batch_stops_at_the_failing_row_and_names_it);
    tcase_add_test(tcase, an_empty_batch_does_nothing);
    tcase_add_test(tcase, a_commit_is_there_for_others_and_after_opening_again);
    tcase_add_test(tcase, release_rolls_an_open_transaction_back);
    tcase_add_test(tcase, a_reading_transaction_sees_one_moment);
    tcase_add_test(tcase, migrations_run_once);
    tcase_add_test(tcase, a_newer_database_is_refused);
    tcase_add_test(tcase, a_failing_migration_leaves_nothing_of_itself);
    tcase_add_test(tcase, migrations_that_do_not_count_from_one_are_refused);
    suite_add_tcase(suite, tcase);
}
