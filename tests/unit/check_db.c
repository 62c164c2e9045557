#include "ports_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "runtime/clock.h"
#include "runtime/db/sqlite_util.h"

static struct segs_error err;

static const struct rt_db_migration migration = {
    .version = 1, .name = "t", .sqlite = "CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB);"
};

static struct rt_db *open_with(bool read_only, int32_t n_readers)
{
    const struct rt_db_options with = { .data_dir = rig_folder,
                                        .read_only = read_only,
                                        .n_readers = n_readers };
    struct rt_db *db = NULL;

    rig_ok(rt_db_open(&with, &db, &err));
    return db;
}

static struct rt_db *open_embedded(void)
{
    return open_with(false, 0);
}

static const struct db_rig embedded = { .name = "contract, SQLite",
                                        .setup = rig_folder_make,
                                        .teardown = rig_folder_remove,
                                        .open = open_embedded };

static struct rt_db *open_migrated(void)
{
    struct rt_db *db = open_embedded();

    rig_ok(rt_db_migrate(db, &migration, 1, &err));
    return db;
}

static struct rt_db_conn *take(struct rt_db *db, enum rt_db_mode mode)
{
    struct rt_db_conn *conn = NULL;

    rig_ok(rt_db_acquire(db, mode, 5000, &conn, &err));
    return conn;
}

START_TEST(an_address_without_an_adapter_is_said_to_be_unsupported)
{
    const struct rt_db_options with = { .url = "postgres://localhost/segs" };
    struct rt_db *db = NULL;

    ck_assert_int_eq(rt_db_open(&with, &db, &err), SEGS_ENOTSUP);
    ck_assert_str_eq(err.field, "url");
    ck_assert_ptr_null(db);
}
END_TEST

START_TEST(a_file_that_is_no_database_is_refused)
{
    const struct rt_db_options with = { .data_dir = rig_folder };
    struct rt_db *db = NULL;
    char path[128];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/segs.db", rig_folder);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < 100; i++)
        (void)fputs("this is not a database, whatever its name says\n", file);
    (void)fclose(file);
    ck_assert_int_eq(rt_db_open(&with, &db, &err), SEGS_EINTERNAL);
    ck_assert_ptr_nonnull(strstr(err.message, "not a database"));
    ck_assert_ptr_null(db);
}
END_TEST

START_TEST(there_is_one_writer_at_a_time)
{
    struct rt_db *db = open_migrated();
    struct rt_db_conn *first = take(db, RT_DB_WRITE);
    struct rt_db_conn *second = NULL;
    int64_t start_ms = rt_monotonic_ms();

    ck_assert_int_eq(rt_db_acquire(db, RT_DB_WRITE, 60, &second, &err), RT_ETIMEOUT);
    ck_assert_int_ge(rt_monotonic_ms() - start_ms, 59);
    ck_assert_ptr_null(second);
    rt_db_release(first);
    second = take(db, RT_DB_WRITE);
    rt_db_release(second);
    rt_db_close(db);
}
END_TEST

START_TEST(readers_are_as_many_as_asked_for)
{
    struct rt_db *db = open_with(false, 2);
    struct rt_db_conn *a = take(db, RT_DB_READ);
    struct rt_db_conn *b = take(db, RT_DB_READ);
    struct rt_db_conn *c = NULL;

    ck_assert_int_eq(rt_db_acquire(db, RT_DB_READ, 20, &c, &err), RT_ETIMEOUT);
    rt_db_release(a);
    c = take(db, RT_DB_READ);
    rt_db_release(b);
    rt_db_release(c);
    rt_db_close(db);
}
END_TEST

START_TEST(a_reading_connection_cannot_write)
{
    struct rt_db *db = open_migrated();
    struct rt_db_conn *conn = take(db, RT_DB_READ);

    ck_assert_int_eq(rt_db_exec(conn, "INSERT INTO t (id) VALUES (1)", NULL, 0, NULL, &err),
                     SEGS_EINTERNAL);
    rt_db_release(conn);
    rt_db_close(db);
}
END_TEST

START_TEST(a_read_only_database_reads_and_never_writes)
{
    const struct rt_db_migration newer[] = { migration, { 2, "u", "CREATE TABLE u (x)", NULL } };
    struct rt_db_conn *conn = NULL;
    struct rt_db *db;
    int64_t n = -1;

    rt_db_close(open_migrated());
    db = open_with(true, 0);
    rig_ok(rt_db_migrate(db, &migration, 1, &err));
    ck_assert_int_eq(rt_db_migrate(db, newer, 2, &err), SEGS_ECONFLICT);
    ck_assert_int_eq(rt_db_migrate(db, NULL, 0, &err), SEGS_ECONFLICT);
    ck_assert_int_eq(rt_db_acquire(db, RT_DB_WRITE, 10, &conn, &err), SEGS_ENOTSUP);
    conn = take(db, RT_DB_READ);
    rig_ok(rt_db_query_int(conn, "SELECT count(*) FROM t", NULL, 0, &n, &err));
    ck_assert_int_eq(n, 0);
    rt_db_release(conn);
    rt_db_close(db);
}
END_TEST

START_TEST(a_read_only_database_has_to_exist)
{
    const struct rt_db_options with = { .data_dir = rig_folder, .read_only = true };
    struct rt_db *db = NULL;

    ck_assert_int_eq(rt_db_open(&with, &db, &err), RT_ESTORAGE);
    ck_assert_ptr_null(db);
}
END_TEST

/* A connection of another process, as the engine sees it. */
START_TEST(another_process_holding_the_lock_is_busy)
{
    struct rt_db *db = open_migrated();
    struct rt_db *other = open_embedded();
    struct rt_db_conn *mine = take(db, RT_DB_WRITE);
    struct rt_db_conn *theirs = take(other, RT_DB_WRITE);
    int64_t start_ms = rt_monotonic_ms();

    rig_ok(rt_db_begin(theirs, &err));
    ck_assert_int_eq(rt_db_begin(mine, &err), RT_EBUSY);
    ck_assert_int_ge(rt_monotonic_ms() - start_ms, 4000);
    rt_db_rollback(theirs);
    rig_ok(rt_db_begin(mine, &err));
    rt_db_release(mine);
    rt_db_release(theirs);
    rt_db_close(other);
    rt_db_close(db);
}
END_TEST

START_TEST(a_statement_at_an_address_used_before_is_not_mixed_up)
{
    struct rt_db *db = open_migrated();
    struct rt_db_conn *conn = take(db, RT_DB_READ);
    char sql[64] = "SELECT 1";
    int64_t n = 0;

    rig_ok(rt_db_query_int(conn, sql, NULL, 0, &n, &err));
    ck_assert_int_eq(n, 1);
    (void)snprintf(sql, sizeof sql, "SELECT 2");
    rig_ok(rt_db_query_int(conn, sql, NULL, 0, &n, &err));
    ck_assert_int_eq(n, 2);
    rt_db_release(conn);
    rt_db_close(db);
}
END_TEST

START_TEST(more_statements_than_are_kept_still_work)
{
    enum { TEXTS = 2000, LEN = 32 };
    char(*texts)[LEN] = calloc(TEXTS, sizeof *texts);
    struct rt_db *db = open_migrated();
    struct rt_db_conn *conn = take(db, RT_DB_READ);
    int64_t n = -1;

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < TEXTS; i++) {
            (void)snprintf(texts[i], sizeof texts[i], "SELECT %d", i);
            rig_ok(rt_db_query_int(conn, texts[i], NULL, 0, &n, &err));
            ck_assert_int_eq(n, i);
        }
    }
    rt_db_release(conn);
    rt_db_close(db);
    free(texts);
}
END_TEST

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int insert_mebibyte(struct rt_db_conn *conn, int64_t id)
{
    static char bytes[1 << 20];
    const struct rt_db_value params[] = { RT_DB_I(id), rt_db_blob(bytes, sizeof bytes) };

    return rt_db_exec(conn, "INSERT INTO t (id, x) VALUES ($1, $2)", params, 2, NULL, &err);
}

START_TEST(a_full_disk_is_a_storage_failure_and_passes)
{
    struct rt_db *db = open_migrated();
    struct rt_db_conn *conn = take(db, RT_DB_WRITE);
    int64_t written = 0;
    int64_t n = -1;
    int r = 0;

    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files(8 << 20);
    for (int i = 0; i < 20 && r == 0; i++) {
        r = insert_mebibyte(conn, i);
        written += r == 0 ? 1 : 0;
    }
    ck_assert_int_eq(r, RT_ESTORAGE);
    limit_files(RLIM_INFINITY);
    rig_ok(rt_db_query_int(conn, "SELECT count(*) FROM t", NULL, 0, &n, &err));
    ck_assert_int_eq(n, written);
    rig_ok(insert_mebibyte(conn, 100));
    rt_db_release(conn);
    rt_db_close(db);
}
END_TEST

/* 200 MiB in 200 transactions: without the keeper the WAL would be as large. */
START_TEST(the_wal_stays_short_under_constant_writing)
{
    struct rt_db *db = open_migrated();
    struct rt_db_conn *conn;
    struct stat st;
    char path[128];
    off_t largest = 0;

    (void)snprintf(path, sizeof path, "%s/segs.db-wal", rig_folder);
    for (int i = 0; i < 200; i++) {
        conn = take(db, RT_DB_WRITE);
        rig_ok(insert_mebibyte(conn, i));
        rt_db_release(conn);
        ck_assert_int_eq(stat(path, &st), 0);
        largest = st.st_size > largest ? st.st_size : largest;
    }
    ck_assert_int_lt(largest, 128 << 20);
    rt_db_close(db);
}
END_TEST

/* ---- Waiting in turn ---- */

struct turn {
    struct rt_gate *gate;
    pthread_t thread;
    int *order;
    int *n;
    int number;
};

static void *take_a_turn(void *arg)
{
    struct turn *turn = arg;

    ck_assert_int_eq(rt_gate_enter(turn->gate, 10000), 0);
    turn->order[(*turn->n)++] = turn->number;
    rt_gate_leave(turn->gate);
    return NULL;
}

START_TEST(the_gate_serves_in_the_order_of_asking)
{
    struct turn turns[5];
    struct rt_gate gate;
    int order[5] = { 0 };
    int n = 0;

    rt_gate_init(&gate, 1);
    ck_assert_int_eq(rt_gate_enter(&gate, 0), 0);
    for (int i = 0; i < 5; i++) {
        turns[i] = (struct turn){ .gate = &gate, .order = order, .n = &n, .number = i };
        (void)pthread_create(&turns[i].thread, NULL, take_a_turn, &turns[i]);
        rt_sleep_ms(20);
    }
    ck_assert_int_eq(rt_gate_enter(&gate, 10), RT_ETIMEOUT);
    rt_gate_leave(&gate);
    for (int i = 0; i < 5; i++)
        (void)pthread_join(turns[i].thread, NULL);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(order[i], i);
    rt_gate_destroy(&gate);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("db");
    TCase *own = tcase_create("SQLite");
    SRunner *runner;
    int failed;

    tcase_set_timeout(own, 120);
    tcase_add_checked_fixture(own, rig_folder_make, rig_folder_remove);
    tcase_add_test(own, an_address_without_an_adapter_is_said_to_be_unsupported);
    tcase_add_test(own, a_file_that_is_no_database_is_refused);
    tcase_add_test(own, there_is_one_writer_at_a_time);
    tcase_add_test(own, readers_are_as_many_as_asked_for);
    tcase_add_test(own, a_reading_connection_cannot_write);
    tcase_add_test(own, a_read_only_database_reads_and_never_writes);
    tcase_add_test(own, a_read_only_database_has_to_exist);
    tcase_add_test(own, another_process_holding_the_lock_is_busy);
    tcase_add_test(own, a_statement_at_an_address_used_before_is_not_mixed_up);
    tcase_add_test(own, more_statements_than_are_kept_still_work);
    tcase_add_test(own, a_full_disk_is_a_storage_failure_and_passes);
    tcase_add_test(own, the_wal_stays_short_under_constant_writing);
    tcase_add_test(own, the_gate_serves_in_the_order_of_asking);
    suite_add_tcase(suite, own);
    db_contract_add(suite, &embedded);

    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
