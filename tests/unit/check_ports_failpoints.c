/* What bus and database say and keep when the storage fails at an exact place. Needs a build with
 * SEGS_FAILPOINTS. */
#include "ports_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef SEGS_FAILPOINTS

int main(void)
{
    (void)puts("SKIPPED: fail points are not compiled in (SEGS_FAILPOINTS=ON)");
    return 77;
}

#else

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/clock.h"

static struct segs_error err;

/* Each test is a process of its own and has visited no fail point yet. The creation of the topic is
 * the first group the bus writes, hence the first visit of each of its points. */
static void fail_at(const char *points)
{
    ck_assert_int_eq(setenv("SEGS_FAILPOINTS", points, 1), 0);
}

static struct rt_bus *open_bus(int64_t max_queue_bytes)
{
    struct rt_bus_options options = { .data_dir = rig_folder, .max_queue_bytes = max_queue_bytes };
    struct rt_bus_topic topic = { .name = "t", .n_partitions = 1 };
    struct rt_bus *bus = NULL;

    rig_ok(rt_bus_open(&options, &bus, &err));
    rig_ok(rt_bus_topic_ensure(bus, &topic, &err));
    return bus;
}

static int append(struct rt_bus *bus, int64_t timeout_ms, enum rt_bus_outcome *ret_outcome)
{
    struct rt_bus_record record = { .value = "x", .value_len = 1 };
    int r = rt_bus_produce(bus, "t", &record, 1, timeout_ms, &err);

    *ret_outcome = record.outcome;
    return r;
}

static int64_t end_offset(struct rt_bus *bus)
{
    int64_t first = -1;
    int64_t end = -1;

    rig_ok(rt_bus_offsets(bus, "t", 0, &first, &end, &err));
    return end;
}

static void expect_working(struct rt_bus *bus, int64_t end)
{
    enum rt_bus_outcome outcome;

    ck_assert_int_eq(append(bus, 10000, &outcome), 0);
    ck_assert_int_eq(outcome, RT_BUS_DURABLE);
    ck_assert_int_eq(end_offset(bus), end);
}

START_TEST(a_failed_commit_that_did_not_happen_is_not_persisted)
{
    enum rt_bus_outcome outcome;
    struct rt_bus *bus;

    fail_at("bus.before_commit:error@2");
    bus = open_bus(0);
    ck_assert_int_eq(append(bus, 10000, &outcome), RT_ESTORAGE);
    ck_assert_int_eq(outcome, RT_BUS_NOT_PERSISTED);
    ck_assert_int_eq(end_offset(bus), 0);
    expect_working(bus, 1);
    rt_bus_close(bus);
}
END_TEST

START_TEST(a_failed_commit_that_did_happen_is_durable)
{
    enum rt_bus_outcome outcome;
    struct rt_bus *bus;

    fail_at("bus.after_commit:error@2");
    bus = open_bus(0);
    ck_assert_int_eq(append(bus, 10000, &outcome), 0);
    ck_assert_int_eq(outcome, RT_BUS_DURABLE);
    ck_assert_int_eq(end_offset(bus), 1);
    expect_working(bus, 2);
    rt_bus_close(bus);
}
END_TEST

START_TEST(a_topic_whose_commit_failed_after_it_happened_is_there)
{
    struct rt_bus *bus;

    fail_at("bus.after_commit:error@1");
    bus = open_bus(0);
    expect_working(bus, 1);
    rt_bus_close(bus);
}
END_TEST

START_TEST(a_failed_commit_that_cannot_be_settled_is_unknown)
{
    enum rt_bus_outcome outcome;
    struct rt_bus *bus;

    fail_at("bus.before_commit:error@2,bus.enospc:enospc@3");
    bus = open_bus(0);
    ck_assert_int_eq(append(bus, 10000, &outcome), RT_ESTORAGE);
    ck_assert_int_eq(outcome, RT_BUS_UNKNOWN);
    expect_working(bus, 1);
    rt_bus_close(bus);
}
END_TEST

START_TEST(no_space_is_not_persisted_and_the_bus_comes_back_without_a_caller)
{
    enum rt_bus_outcome outcome;
    int64_t deadline_ms;
    struct rt_bus *bus;

    fail_at("bus.enospc:enospc@2");
    bus = open_bus(0);
    ck_assert_int_eq(append(bus, 10000, &outcome), RT_ESTORAGE);
    ck_assert_int_eq(outcome, RT_BUS_NOT_PERSISTED);
    ck_assert(!rt_bus_is_up(bus));
    deadline_ms = rt_monotonic_ms() + 10000;
    while (!rt_bus_is_up(bus) && rt_monotonic_ms() < deadline_ms)
        rt_sleep_ms(20);
    ck_assert(rt_bus_is_up(bus));
    expect_working(bus, 1);
    rt_bus_close(bus);
}
END_TEST

struct caller {
    struct rt_bus *bus;
    pthread_t thread;
    enum rt_bus_outcome outcome;
    int r;
};

static void *append_with_short_patience(void *arg)
{
    struct caller *caller = arg;

    caller->r = append(caller->bus, 100, &caller->outcome);
    return NULL;
}

START_TEST(a_deadline_during_writing_is_unknown_and_before_it_not_persisted)
{
    struct caller writing;
    struct caller waiting;

    fail_at("bus.before_commit:sleep=1000@2");
    writing.bus = waiting.bus = open_bus(0);
    (void)pthread_create(&writing.thread, NULL, append_with_short_patience, &writing);
    rt_sleep_ms(50);
    (void)pthread_create(&waiting.thread, NULL, append_with_short_patience, &waiting);
    (void)pthread_join(writing.thread, NULL);
    (void)pthread_join(waiting.thread, NULL);
    ck_assert_int_eq(writing.r, RT_ETIMEOUT);
    ck_assert_int_eq(writing.outcome, RT_BUS_UNKNOWN);
    ck_assert_int_eq(waiting.r, RT_ETIMEOUT);
    ck_assert_int_eq(waiting.outcome, RT_BUS_NOT_PERSISTED);
    expect_working(writing.bus, 2);
    rt_bus_close(writing.bus);
}
END_TEST

START_TEST(a_full_queue_refuses_at_once)
{
    enum rt_bus_outcome outcome;
    struct caller slow;
    int64_t start_ms;

    fail_at("bus.before_commit:sleep=1000@2");
    slow.bus = open_bus(1000); /* One such message with its bookkeeping, not two. */
    (void)pthread_create(&slow.thread, NULL, append_with_short_patience, &slow);
    rt_sleep_ms(50);
    start_ms = rt_monotonic_ms();
    ck_assert_int_eq(append(slow.bus, 10000, &outcome), SEGS_EFULL);
    ck_assert_int_eq(outcome, RT_BUS_NOT_PERSISTED);
    ck_assert_int_lt(rt_monotonic_ms() - start_ms, 500);
    (void)pthread_join(slow.thread, NULL);
    ck_assert_int_eq(slow.r, RT_ETIMEOUT);
    rt_sleep_ms(1100);
    expect_working(slow.bus, 2);
    rt_bus_close(slow.bus);
}
END_TEST

START_TEST(a_fetch_between_commit_and_confirmation_does_not_run_ahead)
{
    const char *topics[] = { "t" };
    const struct rt_bus_consumer_options options = { .group = "g",
                                                     .topics = topics,
                                                     .n_topics = 1 };
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    struct rt_bus_consumer *consumer = NULL;
    struct caller slow;
    size_t seen = 0;

    fail_at("bus.after_commit:sleep=300@3");
    slow.bus = open_bus(0);
    expect_working(slow.bus, 1);
    rig_ok(rt_bus_consumer_open(slow.bus, &options, &consumer, &err));
    rig_ok(rt_bus_consumer_poll(consumer, 0, &err));
    (void)pthread_create(&slow.thread, NULL, append_with_short_patience, &slow);
    rt_sleep_ms(150);
    while (seen < 2) {
        rig_ok(rt_bus_fetch(consumer, "t", 0, 10, 5000, &batch, &err));
        ck_assert_uint_gt(batch.n, 0);
        ck_assert_int_eq(batch.messages[0].offset, seen);
        seen += batch.n;
    }
    rig_ok(rt_bus_fetch(consumer, "t", 0, 10, 0, &batch, &err));
    ck_assert_uint_eq(batch.n, 0);
    ck_assert_uint_eq(seen, 2);
    (void)pthread_join(slow.thread, NULL);
    rt_bus_batch_free(&batch);
    rt_bus_consumer_close(consumer);
    rt_bus_close(slow.bus);
}
END_TEST

static void die_at(const char *points)
{
    enum rt_bus_outcome outcome;
    int status = 0;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)setenv("SEGS_FAILPOINTS", points, 1);
        (void)append(open_bus(0), 10000, &outcome);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

START_TEST(killed_before_the_commit_the_message_is_not_there)
{
    struct rt_bus *bus;

    die_at("bus.before_commit:kill@2");
    bus = open_bus(0);
    ck_assert_int_eq(end_offset(bus), 0);
    rt_bus_close(bus);
}
END_TEST

START_TEST(killed_after_the_commit_the_message_is_there)
{
    struct rt_bus *bus;

    die_at("bus.after_commit:kill@2");
    bus = open_bus(0);
    ck_assert_int_eq(end_offset(bus), 1);
    rt_bus_close(bus);
}
END_TEST

/* ---- The database ---- */

static const struct rt_db_migration migration = {
    .version = 1, .name = "t", .sqlite = "CREATE TABLE t (id INTEGER PRIMARY KEY)"
};

static struct rt_db *open_db(void)
{
    const struct rt_db_options options = { .data_dir = rig_folder };
    struct rt_db *db = NULL;

    rig_ok(rt_db_open(&options, &db, &err));
    rig_ok(rt_db_migrate(db, &migration, 1, &err));
    return db;
}

static int insert_and_commit(struct rt_db *db)
{
    struct rt_db_conn *conn = NULL;
    int r;

    rig_ok(rt_db_acquire(db, RT_DB_WRITE, 1000, &conn, &err));
    rig_ok(rt_db_begin(conn, &err));
    r = rt_db_exec(conn, "INSERT INTO t DEFAULT VALUES", NULL, 0, NULL, &err);
    if (r == 0)
        r = rt_db_commit(conn, &err);
    rt_db_release(conn);
    return r;
}

static int64_t count(struct rt_db *db)
{
    struct rt_db_conn *conn = NULL;
    int64_t n = -1;

    rig_ok(rt_db_acquire(db, RT_DB_READ, 1000, &conn, &err));
    rig_ok(rt_db_query_int(conn, "SELECT count(*) FROM t", NULL, 0, &n, &err));
    rt_db_release(conn);
    return n;
}

static const struct {
    const char *points;
    int r;
    int64_t n_after;
} commits[] = {
    { "db.before_commit:error@1", RT_EAMBIGUOUS, 0 },
    { "db.after_commit:error@1", RT_EAMBIGUOUS, 1 },
    { "db.enospc:enospc@1", RT_ESTORAGE, 0 }, /* Visited by the statement. */
    { "db.enospc:enospc@2", RT_ESTORAGE, 0 }, /* Visited by the commit. */
};

START_TEST(a_failing_commit_says_what_the_caller_has_to_do)
{
    struct rt_db *db;

    fail_at(commits[_i].points);
    db = open_db();
    ck_assert_int_eq(insert_and_commit(db), commits[_i].r);
    ck_assert_int_eq(count(db), commits[_i].n_after);
    ck_assert_int_eq(insert_and_commit(db), 0);
    ck_assert_int_eq(count(db), commits[_i].n_after + 1);
    rt_db_close(db);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ports at fail points");
    TCase *tcase = tcase_create("fail points");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, rig_folder_make, rig_folder_remove);
    tcase_add_test(tcase, a_failed_commit_that_did_not_happen_is_not_persisted);
    tcase_add_test(tcase, a_failed_commit_that_did_happen_is_durable);
    tcase_add_test(tcase, a_topic_whose_commit_failed_after_it_happened_is_there);
    tcase_add_test(tcase, a_failed_commit_that_cannot_be_settled_is_unknown);
    tcase_add_test(tcase, no_space_is_not_persisted_and_the_bus_comes_back_without_a_caller);
    tcase_add_test(tcase, a_deadline_during_writing_is_unknown_and_before_it_not_persisted);
    tcase_add_test(tcase, a_full_queue_refuses_at_once);
    tcase_add_test(tcase, a_fetch_between_commit_and_confirmation_does_not_run_ahead);
    tcase_add_test(tcase, killed_before_the_commit_the_message_is_not_there);
    tcase_add_test(tcase, killed_after_the_commit_the_message_is_there);
    tcase_add_loop_test(tcase, a_failing_commit_says_what_the_caller_has_to_do, 0,
                        (int)(sizeof commits / sizeof commits[0]));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
