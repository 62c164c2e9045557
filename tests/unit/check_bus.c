#include "ports_rig.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/metrics.h"

static struct segs_error err;
static atomic_llong now_ms;

static int64_t told_time(void *user)
{
    (void)user;
    return atomic_load(&now_ms);
}

static struct rt_bus_options options(void)
{
    return (struct rt_bus_options){ .data_dir = rig_folder };
}

static struct rt_bus *open_with(const struct rt_bus_options *with)
{
    struct rt_bus *bus = NULL;

    rig_ok(rt_bus_open(with, &bus, &err));
    return bus;
}

static struct rt_bus *open_embedded(void)
{
    struct rt_bus_options plain = options();

    return open_with(&plain);
}

static const struct bus_rig embedded = { .name = "contract, embedded",
                                         .setup = rig_folder_make,
                                         .teardown = rig_folder_remove,
                                         .open = open_embedded };

static void make_topic(struct rt_bus *bus, const struct rt_bus_topic *topic)
{
    rig_ok(rt_bus_topic_ensure(bus, topic, &err));
}

static int append(struct rt_bus *bus, size_t n, size_t bytes)
{
    struct rt_bus_record *records = calloc(n, sizeof *records);
    char *value = calloc(1, bytes);
    int r;

    for (size_t i = 0; i < n; i++)
        records[i] = (struct rt_bus_record){ .value = value, .value_len = bytes };
    r = rt_bus_produce(bus, "t", records, n, 20000, &err);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(records[i].outcome, r == 0 ? RT_BUS_DURABLE : RT_BUS_NOT_PERSISTED);
    free(value);
    free(records);
    return r;
}

static struct rt_bus_consumer *join(struct rt_bus *bus)
{
    const char *topics[] = { "t" };
    struct rt_bus_consumer_options with = { .group = "g", .topics = topics, .n_topics = 1 };
    struct rt_bus_consumer *consumer = NULL;

    rig_ok(rt_bus_consumer_open(bus, &with, &consumer, &err));
    rig_ok(rt_bus_consumer_poll(consumer, 0, &err));
    return consumer;
}

static int64_t first_offset(struct rt_bus *bus)
{
    int64_t first = -1;
    int64_t end = -1;

    rig_ok(rt_bus_offsets(bus, "t", 0, &first, &end, &err));
    return first;
}

static int64_t end_offset(struct rt_bus *bus)
{
    int64_t first = -1;
    int64_t end = -1;

    rig_ok(rt_bus_offsets(bus, "t", 0, &first, &end, &err));
    return end;
}

static void wait_for_first(struct rt_bus *bus, int64_t wanted)
{
    int64_t deadline_ms = rt_monotonic_ms() + 20000;

    while (first_offset(bus) != wanted && rt_monotonic_ms() < deadline_ms)
        rt_sleep_ms(20);
    ck_assert_int_eq(first_offset(bus), wanted);
}

/* ---- The partitioner ---- */

/* The values of murmur2 are those of the unit test of Apache Kafka's Java client
 * (UtilsTest.testMurmur2), with the sign masked away by hand: value + 2^31 when negative. With
 * 2^31 - 1 partitions the partition is that number itself. */
static const struct {
    const char *key;
    int32_t positive;
} murmur[] = {
    { "21", 1173551340 },
    { "foobar", 1357151166 },
    { "a-little-bit-long-string", 1161502112 },
    { "a-little-bit-longer-string", 661178819 },
    { "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", 2088585677 },
    { "abc", 479470107 },
};

START_TEST(keys_go_where_java_clients_send_them)
{
    ck_assert_int_eq(rt_bus_partition_of(murmur[_i].key, strlen(murmur[_i].key), INT32_MAX),
                     murmur[_i].positive);
    ck_assert_int_eq(rt_bus_partition_of(murmur[_i].key, strlen(murmur[_i].key), 6),
                     murmur[_i].positive % 6);
}
END_TEST

START_TEST(an_impossible_number_of_partitions_has_no_partition)
{
    ck_assert_int_eq(rt_bus_partition_of("a", 1, 0), -1);
    ck_assert_int_eq(rt_bus_partition_of("a", 1, -4), -1);
}
END_TEST

/* ---- Opening ---- */

START_TEST(brokers_without_an_adapter_are_said_to_be_unsupported)
{
    struct rt_bus_options with = options();
    struct rt_bus *bus = NULL;

    with.brokers = "localhost:9092";
    ck_assert_int_eq(rt_bus_open(&with, &bus, &err), SEGS_ENOTSUP);
    ck_assert_str_eq(err.field, "brokers");
    ck_assert_ptr_null(bus);
}
END_TEST

START_TEST(a_missing_folder_is_a_storage_failure)
{
    struct rt_bus_options with = { .data_dir = "/nonexistent/segs" };
    struct rt_bus *bus = NULL;

    ck_assert_int_eq(rt_bus_open(&with, &bus, &err), RT_ESTORAGE);
    ck_assert_ptr_null(bus);
}
END_TEST

START_TEST(a_second_writer_of_one_log_is_refused)
{
    struct rt_bus_options with = options();
    struct rt_bus *bus = open_embedded();
    struct rt_bus *second = NULL;

    ck_assert_int_eq(rt_bus_open(&with, &second, &err), SEGS_ECONFLICT);
    ck_assert_ptr_null(second);
    rt_bus_close(bus);
    rt_bus_close(open_embedded());
}
END_TEST

START_TEST(a_reader_follows_what_another_bus_writes_and_changes_nothing)
{
    struct rt_bus_topic topic = { .name = "t", .n_partitions = 1 };
    struct rt_bus_record record = { .value = "x", .value_len = 1 };
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    struct rt_bus_options with = options();
    struct rt_bus *writer = open_embedded();
    struct rt_bus_consumer *consumer;
    struct rt_bus *reader;

    make_topic(writer, &topic);
    ck_assert_int_eq(append(writer, 3, 10), 0);
    with.read_only = true;
    reader = open_with(&with);
    ck_assert_int_eq(end_offset(reader), 3);
    consumer = join(reader);
    rig_ok(rt_bus_fetch(consumer, "t", 0, 10, 0, &batch, &err));
    ck_assert_uint_eq(batch.n, 3);
    ck_assert_int_eq(append(writer, 2, 10), 0);
    rig_ok(rt_bus_fetch(consumer, "t", 0, 10, 5000, &batch, &err));
    ck_assert_uint_eq(batch.n, 2);

    ck_assert_int_eq(rt_bus_produce(reader, "t", &record, 1, 100, &err), SEGS_ENOTSUP);
    ck_assert_int_eq(rt_bus_commit(consumer, "t", 0, 1, &err), SEGS_ENOTSUP);
    topic.name = "new";
    ck_assert_int_eq(rt_bus_topic_ensure(reader, &topic, &err), SEGS_ENOTSUP);
    rt_bus_batch_free(&batch);
    rt_bus_consumer_close(consumer);
    rt_bus_close(reader);
    rt_bus_close(writer);
}
END_TEST

START_TEST(a_reader_opens_a_log_that_nobody_has_open)
{
    struct rt_bus_topic topic = { .name = "t", .n_partitions = 1 };
    struct rt_bus_options with = options();
    struct rt_bus *bus = open_embedded();

    make_topic(bus, &topic);
    ck_assert_int_eq(append(bus, 3, 10), 0);
    rt_bus_close(bus);
    with.read_only = true;
    bus = open_with(&with);
    ck_assert_int_eq(end_offset(bus), 3);
    rt_bus_close(bus);
}
END_TEST

/* ---- Retention ---- */

START_TEST(old_messages_go_and_the_gap_is_reported)
{
    struct rt_bus_topic topic = { .name = "t", .n_partitions = 1, .retention_ms = 60000 };
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    struct rt_bus_options with = options();
    struct rt_bus_consumer *consumer;
    struct rt_bus *bus;

    atomic_store(&now_ms, 1000000);
    with.now_ms = told_time;
    bus = open_with(&with);
    make_topic(bus, &topic);
    ck_assert_int_eq(append(bus, 10, 10), 0);
    atomic_store(&now_ms, 1050000);
    ck_assert_int_eq(append(bus, 5, 10), 0);
    atomic_store(&now_ms, 1060001);
    wait_for_first(bus, 10);
    ck_assert_int_eq(end_offset(bus), 15);

    consumer = join(bus);
    rig_ok(rt_bus_fetch(consumer, "t", 0, 100, 0, &batch, &err));
    ck_assert_uint_eq(batch.n, 5);
    rig_ok(rt_bus_seek(consumer, "t", 0, 4, &err));
    ck_assert_int_eq(rt_bus_fetch(consumer, "t", 0, 100, 0, &batch, &err), SEGS_ERANGE);
    rig_ok(rt_bus_seek(consumer, "t", 0, 10, &err));
    rig_ok(rt_bus_fetch(consumer, "t", 0, 100, 0, &batch, &err));
    ck_assert_int_eq(batch.messages[0].offset, 10);
    rt_bus_batch_free(&batch);
    rt_bus_consumer_close(consumer);
    rt_bus_close(bus);
}
END_TEST

START_TEST(offsets_go_on_when_retention_removed_everything)
{
    struct rt_bus_topic topic = { .name = "t", .n_partitions = 1, .retention_ms = 1000 };
    struct rt_bus_options with = options();
    struct rt_bus *bus;

    atomic_store(&now_ms, 1000000);
    with.now_ms = told_time;
    bus = open_with(&with);
    make_topic(bus, &topic);
    ck_assert_int_eq(append(bus, 10, 10), 0);
    atomic_store(&now_ms, 2000000);
    wait_for_first(bus, 10);
    rt_bus_close(bus);
    bus = open_with(&with);
    ck_assert_int_eq(first_offset(bus), 10);
    ck_assert_int_eq(end_offset(bus), 10);
    ck_assert_int_eq(append(bus, 1, 10), 0);
    ck_assert_int_eq(end_offset(bus), 11);
    rt_bus_close(bus);
}
END_TEST

START_TEST(the_oldest_go_when_a_partition_outgrows_its_bytes)
{
    /* 100 messages of 984 + 16 bytes are 100,000; 30 of them may stay. */
    struct rt_bus_topic topic = { .name = "t", .n_partitions = 1, .retention_bytes = 30000 };
    struct rt_bus *bus = open_embedded();

    make_topic(bus, &topic);
    ck_assert_int_eq(append(bus, 100, 984), 0);
    wait_for_first(bus, 70);
    rt_bus_close(bus);
}
END_TEST

START_TEST(retention_of_a_topic_can_be_changed)
{
    struct rt_bus_topic topic = { .name = "t", .n_partitions = 1 };
    struct rt_bus *bus = open_embedded();

    make_topic(bus, &topic);
    ck_assert_int_eq(append(bus, 100, 984), 0);
    topic.retention_bytes = 10000;
    make_topic(bus, &topic);
    wait_for_first(bus, 90);
    rt_bus_close(bus);
}
END_TEST

/* ---- Limits and failures ---- */

START_TEST(a_call_beyond_the_queue_is_refused_whole)
{
    struct rt_bus_topic topic = { .name = "t", .n_partitions = 1 };
    struct rt_bus_options with = options();
    struct rt_bus *bus;

    with.max_queue_bytes = 10000;
    bus = open_with(&with);
    make_topic(bus, &topic);
    ck_assert_int_eq(append(bus, 20, 1000), SEGS_EFULL);
    ck_assert_int_eq(end_offset(bus), 0);
    ck_assert_int_eq(append(bus, 5, 1000), 0);
    ck_assert(rt_bus_is_up(bus));
    rt_bus_close(bus);
}
END_TEST

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_full_disk_loses_nothing_and_the_bus_recovers_by_itself)
{
    struct rt_bus_topic topic = { .name = "t", .n_partitions = 1 };
    struct rt_bus *bus = open_embedded();
    int64_t deadline_ms;
    int64_t written = 0;
    int r = 0;

    (void)signal(SIGXFSZ, SIG_IGN);
    make_topic(bus, &topic);
    limit_files(2 << 20);
    for (int i = 0; i < 200 && r == 0; i++) {
        r = append(bus, 50, 1000);
        written += r == 0 ? 50 : 0;
    }
    ck_assert_int_eq(r, RT_ESTORAGE);
    ck_assert_int_gt(written, 0);
    ck_assert_int_eq(end_offset(bus), written);

    limit_files(RLIM_INFINITY);
    deadline_ms = rt_monotonic_ms() + 10000;
    while (!rt_bus_is_up(bus) && rt_monotonic_ms() < deadline_ms)
        rt_sleep_ms(50);
    ck_assert(rt_bus_is_up(bus));
    ck_assert_int_eq(append(bus, 50, 1000), 0);
    ck_assert_int_eq(end_offset(bus), written + 50);
    rt_bus_close(bus);
    bus = open_embedded();
    ck_assert_int_eq(end_offset(bus), written + 50);
    rt_bus_close(bus);
}
END_TEST

START_TEST(what_goes_in_and_out_is_counted)
{
    struct rt_bus_topic topic = { .name = "t", .n_partitions = 1 };
    struct rt_metrics *metrics = rt_metrics_new();
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    struct rt_bus_options with = options();
    struct rt_bus_consumer *consumer;
    struct rt_bus *bus;

    with.metrics = metrics;
    bus = open_with(&with);
    make_topic(bus, &topic);
    ck_assert_int_eq(append(bus, 7, 100), 0);
    consumer = join(bus);
    rig_ok(rt_bus_fetch(consumer, "t", 0, 5, 0, &batch, &err));
    ck_assert_uint_eq(rt_counter_value(rt_counter(metrics, "segs_bus_messages_total", "",
                                                  RT_LABELS("topic", "t", "direction", "in"))),
                      7);
    ck_assert_uint_eq(rt_counter_value(rt_counter(metrics, "segs_bus_messages_total", "",
                                                  RT_LABELS("topic", "t", "direction", "out"))),
                      5);
    ck_assert_uint_eq(rt_counter_value(rt_counter(metrics, "segs_bus_bytes_total", "",
                                                  RT_LABELS("topic", "t", "direction", "in"))),
                      700);
    rt_bus_batch_free(&batch);
    rt_bus_consumer_close(consumer);
    rt_bus_close(bus);
    rt_metrics_free(metrics);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus");
    TCase *partitioner = tcase_create("partitioner");
    TCase *own = tcase_create("embedded");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(partitioner, keys_go_where_java_clients_send_them, 0,
                        (int)(sizeof murmur / sizeof murmur[0]));
    tcase_add_test(partitioner, an_impossible_number_of_partitions_has_no_partition);
    suite_add_tcase(suite, partitioner);

    tcase_set_timeout(own, 60);
    tcase_add_checked_fixture(own, rig_folder_make, rig_folder_remove);
    tcase_add_test(own, brokers_without_an_adapter_are_said_to_be_unsupported);
    tcase_add_test(own, a_missing_folder_is_a_storage_failure);
    tcase_add_test(own, a_second_writer_of_one_log_is_refused);
    tcase_add_test(own, a_reader_follows_what_another_bus_writes_and_changes_nothing);
    tcase_add_test(own, a_reader_opens_a_log_that_nobody_has_open);
    tcase_add_test(own, old_messages_go_and_the_gap_is_reported);
    tcase_add_test(own, offsets_go_on_when_retention_removed_everything);
    tcase_add_test(own, the_oldest_go_when_a_partition_outgrows_its_bytes);
    tcase_add_test(own, retention_of_a_topic_can_be_changed);
    tcase_add_test(own, a_call_beyond_the_queue_is_refused_whole);
    tcase_add_test(own, a_full_disk_loses_nothing_and_the_bus_recovers_by_itself);
    tcase_add_test(own, what_goes_in_and_out_is_counted);
    suite_add_tcase(suite, own);
    bus_contract_add(suite, &embedded);

    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
