/* What every adapter of the bus does. */
#include "ports_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include "runtime/clock.h"

static const struct bus_rig *rig;
static struct rt_bus *bus;
static struct segs_error err;

static void setup(void)
{
    rig->setup();
    bus = rig->open();
}

static void teardown(void)
{
    rt_bus_close(bus);
    rig->teardown();
}

static void reopen(void)
{
    rt_bus_close(bus);
    bus = rig->open();
}

static void make_topic(const char *name, int32_t n)
{
    struct rt_bus_topic topic = { .name = name, .n_partitions = n };

    rig_ok(rt_bus_topic_ensure(bus, &topic, &err));
}

/* Append `n` messages with the texts <from>, <from + 1>, ... to one partition. */
static void append(const char *topic, int32_t partition, int from, int n)
{
    for (int i = from; i < from + n; i++) {
        char text[32];
        int len = snprintf(text, sizeof text, "%d", i);
        struct rt_bus_record record = { .key = "k",
                                        .key_len = 1,
                                        .value = text,
                                        .value_len = (size_t)len,
                                        .partition = partition };

        rig_ok(rt_bus_produce(bus, topic, &record, 1, 10000, &err));
        ck_assert_int_eq(record.outcome, RT_BUS_DURABLE);
    }
}

/* ---- Consumers that note what they are told ---- */

struct member {
    struct rt_bus_consumer *consumer;
    bool has[16];
    int n_assigned;
    int n_revoked;
};

static void on_assigned(const char *topic, int32_t partition, void *user)
{
    struct member *member = user;

    (void)topic;
    member->has[partition] = true;
    member->n_assigned++;
}

static void on_revoked(const char *topic, int32_t partition, void *user)
{
    struct member *member = user;

    (void)topic;
    member->has[partition] = false;
    member->n_revoked++;
}

static void join(struct member *member, const char *group, const char *topic)
{
    const char *topics[] = { topic };
    struct rt_bus_consumer_options options = { .group = group,
                                               .topics = topics,
                                               .n_topics = 1,
                                               .on_assigned = on_assigned,
                                               .on_revoked = on_revoked,
                                               .user = member };

    memset(member, 0, sizeof *member);
    rig_ok(rt_bus_consumer_open(bus, &options, &member->consumer, &err));
}

static int count(const struct member *member)
{
    int n = 0;

    for (size_t i = 0; i < 16; i++)
        n += member->has[i];
    return n;
}

/* Poll in turn until both together hold `n` partitions, `a` of them the first. */
static void settle(struct member *a, struct member *b, int n_a, int n_b)
{
    int64_t deadline_ms = rt_monotonic_ms() + 10000;

    while (rt_monotonic_ms() < deadline_ms) {
        rig_ok(rt_bus_consumer_poll(a->consumer, 10, &err));
        if (b)
            rig_ok(rt_bus_consumer_poll(b->consumer, 10, &err));
        if (count(a) == n_a && (!b || count(b) == n_b))
            return;
    }
    ck_abort_msg("members hold %d and %d partitions", count(a), b ? count(b) : 0);
}

static void join_alone(struct member *member, const char *topic, int32_t n)
{
    join(member, "g", topic);
    settle(member, NULL, n, 0);
}

/* Fetch until `n` messages of the partition came; they must be the texts <from>, <from + 1>, ... at
 * the offsets first, first + 1, ... */
static void expect(const struct member *member, const char *topic, int32_t partition, int64_t first,
                   int from, int n)
{
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    int seen = 0;

    while (seen < n) {
        rig_ok(rt_bus_fetch(member->consumer, topic, partition, (size_t)(n - seen), 5000, &batch,
                            &err));
        ck_assert_uint_gt(batch.n, 0);
        for (size_t i = 0; i < batch.n; i++, seen++) {
            char text[32];

            (void)snprintf(text, sizeof text, "%d", from + seen);
            ck_assert_str_eq(batch.messages[i].value, text);
            ck_assert_int_eq(batch.messages[i].offset, first + seen);
        }
    }
    rt_bus_batch_free(&batch);
}

/* ---- Topics ---- */

START_TEST(a_topic_keeps_its_number_of_partitions)
{
    struct rt_bus_topic other = { .name = "t", .n_partitions = 7 };
    int32_t n = 0;

    make_topic("t", 6);
    make_topic("t", 6);
    rig_ok(rt_bus_topic_partitions(bus, "t", &n, &err));
    ck_assert_int_eq(n, 6);
    ck_assert_int_eq(rt_bus_topic_ensure(bus, &other, &err), SEGS_ECONFLICT);
    ck_assert_str_eq(err.field, "n_partitions");
    other.n_partitions = 5;
    ck_assert_int_eq(rt_bus_topic_ensure(bus, &other, &err), SEGS_ECONFLICT);
}
END_TEST

START_TEST(a_topic_that_nobody_made_is_not_found)
{
    struct rt_bus_record record = { .value = "x", .value_len = 1, .partition = 0 };
    int64_t first;
    int64_t end;
    int32_t n;

    ck_assert_int_eq(rt_bus_topic_partitions(bus, "nope", &n, &err), SEGS_ENOTFOUND);
    ck_assert_int_eq(rt_bus_produce(bus, "nope", &record, 1, 1000, &err), SEGS_ENOTFOUND);
    ck_assert_int_eq(record.outcome, RT_BUS_NOT_PERSISTED);
    ck_assert_int_eq(rt_bus_offsets(bus, "nope", 0, &first, &end, &err), SEGS_ENOTFOUND);
}
END_TEST

START_TEST(impossible_topics_are_refused)
{
    static const struct rt_bus_topic topics[] = {
        { .name = "", .n_partitions = 1 },
        { .name = "with space", .n_partitions = 1 },
        { .name = "t", .n_partitions = 0 },
        { .name = "t", .n_partitions = -1 },
        { .name = "t", .n_partitions = 1, .retention_ms = -1 },
    };

    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        ck_assert_int_lt(rt_bus_topic_ensure(bus, &topics[i], &err), 0);
}
END_TEST

/* ---- Producing and fetching ---- */

START_TEST(messages_come_back_in_order_with_offsets_from_zero)
{
    struct member member;

    make_topic("t", 2);
    append("t", 1, 0, 50);
    join_alone(&member, "t", 2);
    expect(&member, "t", 1, 0, 0, 50);
    rt_bus_consumer_close(member.consumer);
}
END_TEST

START_TEST(every_part_of_a_message_comes_back)
{
    struct rt_bus_record records[] = {
        { .key = "m\0 1",
          .key_len = 4,
          .value = "{}\0x",
          .value_len = 4,
          .ts_ms = 1234567890123,
          .content_type = "application/x-packed",
          .traceparent = "00-ab-cd-01" },
        { .value = "", .value_len = 0, .content_type = "application/json" },
        { .key = "only a key", .key_len = 10 },
    };
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    struct member member;

    make_topic("t", 1);
    rig_ok(rt_bus_produce(bus, "t", records, 3, 10000, &err));
    join_alone(&member, "t", 1);
    rig_ok(rt_bus_fetch(member.consumer, "t", 0, 10, 5000, &batch, &err));
    ck_assert_uint_eq(batch.n, 3);
    ck_assert_uint_eq(batch.messages[0].key_len, 4);
    ck_assert_mem_eq(batch.messages[0].key, "m\0 1", 5);
    ck_assert_uint_eq(batch.messages[0].value_len, 4);
    ck_assert_mem_eq(batch.messages[0].value, "{}\0x", 5);
    ck_assert_int_eq(batch.messages[0].ts_ms, 1234567890123);
    ck_assert_str_eq(batch.messages[0].content_type, "application/x-packed");
    ck_assert_str_eq(batch.messages[0].traceparent, "00-ab-cd-01");
    ck_assert_ptr_null(batch.messages[1].key);
    ck_assert_str_eq(batch.messages[1].value, "");
    ck_assert_str_eq(batch.messages[1].content_type, "application/json");
    ck_assert_ptr_null(batch.messages[1].traceparent);
    ck_assert_int_gt(batch.messages[1].ts_ms, 0);
    ck_assert_ptr_null(batch.messages[2].value);
    ck_assert_str_eq(batch.messages[2].content_type, "application/json");
    rt_bus_batch_free(&batch);
    rt_bus_consumer_close(member.consumer);
}
END_TEST

START_TEST(messages_with_the_same_key_share_a_partition)
{
    struct rt_bus_record records[300];
    int64_t total = 0;

    make_topic("t", 6);
    memset(records, 0, sizeof records);
    for (size_t i = 0; i < 300; i++)
        records[i] = (struct rt_bus_record){
            .key = "21", .key_len = 2, .value = "v", .value_len = 1, .partition = -1
        };
    rig_ok(rt_bus_produce(bus, "t", records, 300, 10000, &err));
    for (int32_t p = 0; p < 6; p++) {
        int64_t first;
        int64_t end;

        rig_ok(rt_bus_offsets(bus, "t", p, &first, &end, &err));
        ck_assert(end == 0 || end == 300);
        total += end;
    }
    ck_assert_int_eq(total, 300);
}
END_TEST

START_TEST(one_impossible_record_keeps_all_of_its_call_out)
{
    struct rt_bus_record records[] = {
        { .value = "a", .value_len = 1, .partition = 0 },
        { .value = "b", .value_len = 1, .partition = 2 },
    };
    int64_t first;
    int64_t end;

    make_topic("t", 2);
    ck_assert_int_eq(rt_bus_produce(bus, "t", records, 2, 1000, &err), SEGS_ERANGE);
    ck_assert_int_eq(err.index, 1);
    ck_assert_str_eq(err.field, "partition");
    ck_assert_int_eq(records[0].outcome, RT_BUS_NOT_PERSISTED);
    rig_ok(rt_bus_offsets(bus, "t", 0, &first, &end, &err));
    ck_assert_int_eq(end, 0);
}
END_TEST

START_TEST(a_message_beyond_the_limit_is_refused)
{
    struct rt_bus_record record = { .value_len = RT_BUS_MAX_MESSAGE_BYTES + 1, .partition = 0 };
    void *value = calloc(1, RT_BUS_MAX_MESSAGE_BYTES + 1);

    make_topic("t", 1);
    record.value = value;
    ck_assert_int_eq(rt_bus_produce(bus, "t", &record, 1, 1000, &err), SEGS_ERANGE);
    record.value_len--;
    rig_ok(rt_bus_produce(bus, "t", &record, 1, 10000, &err));
    free(value);
}
END_TEST

START_TEST(offsets_go_on_after_opening_again)
{
    struct member member;
    int64_t first = -1;
    int64_t end = -1;

    make_topic("t", 3);
    append("t", 2, 0, 7);
    reopen();
    rig_ok(rt_bus_offsets(bus, "t", 2, &first, &end, &err));
    ck_assert_int_eq(first, 0);
    ck_assert_int_eq(end, 7);
    append("t", 2, 7, 3);
    join_alone(&member, "t", 3);
    expect(&member, "t", 2, 0, 0, 10);
    rt_bus_consumer_close(member.consumer);
}
END_TEST

/* ---- Several callers at once ---- */

enum { CALLERS = 4, CALLS = 40, PER_CALL = 25 };

struct caller {
    pthread_t thread;
    int number;
    int failures;
};

static void *call_often(void *arg)
{
    struct caller *caller = arg;
    char texts[PER_CALL][32];
    struct rt_bus_record records[PER_CALL];

    for (int call = 0; call < CALLS; call++) {
        memset(records, 0, sizeof records);
        for (int i = 0; i < PER_CALL; i++) {
            int len =
                snprintf(texts[i], sizeof texts[i], "%d %d", caller->number, call * PER_CALL + i);

            records[i].value = texts[i];
            records[i].value_len = (size_t)len;
            records[i].partition = i % 3;
        }
        if (rt_bus_produce(bus, "t", records, PER_CALL, 20000, NULL) < 0)
            caller->failures++;
    }
    return NULL;
}

START_TEST(concurrent_callers_each_keep_their_order_and_offsets_have_no_gap)
{
    struct caller callers[CALLERS];
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    struct member member;
    int total = 0;

    make_topic("t", 3);
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){ .number = i };
        (void)pthread_create(&callers[i].thread, NULL, call_often, &callers[i]);
    }
    for (int i = 0; i < CALLERS; i++) {
        (void)pthread_join(callers[i].thread, NULL);
        ck_assert_int_eq(callers[i].failures, 0);
    }

    join_alone(&member, "t", 3);
    for (int32_t p = 0; p < 3; p++) {
        int last[CALLERS] = { -1, -1, -1, -1 };
        int64_t next = 0;

        for (;;) {
            rig_ok(rt_bus_fetch(member.consumer, "t", p, 77, 0, &batch, &err));
            if (batch.n == 0)
                break;
            for (size_t i = 0; i < batch.n; i++) {
                int number = atoi(batch.messages[i].value);
                int sequence = atoi(strchr(batch.messages[i].value, ' '));

                ck_assert_int_eq(batch.messages[i].offset, next++);
                ck_assert_int_lt(last[number], sequence);
                last[number] = sequence;
                total++;
            }
        }
    }
    ck_assert_int_eq(total, CALLERS * CALLS * PER_CALL);
    rt_bus_batch_free(&batch);
    rt_bus_consumer_close(member.consumer);
}
END_TEST

/* ---- Waiting ---- */

struct late {
    pthread_t thread;
    int64_t delay_ms;
    struct rt_bus_consumer *wake; /* NULL: append. */
    int64_t done_ms;
};

static void *do_later(void *arg)
{
    struct late *late = arg;
    struct rt_bus_record record = { .value = "0", .value_len = 1, .partition = 0 };

    rt_sleep_ms(late->delay_ms);
    if (late->wake)
        rt_bus_wake(late->wake);
    else
        (void)rt_bus_produce(bus, "t", &record, 1, 10000, NULL);
    late->done_ms = rt_monotonic_ms();
    return NULL;
}

START_TEST(a_waiting_fetch_gets_a_new_message_at_once)
{
    struct late late = { .delay_ms = 100 };
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    struct member member;
    int64_t got_ms;

    make_topic("t", 1);
    join_alone(&member, "t", 1);
    (void)pthread_create(&late.thread, NULL, do_later, &late);
    rig_ok(rt_bus_fetch(member.consumer, "t", 0, 1, 10000, &batch, &err));
    got_ms = rt_monotonic_ms();
    (void)pthread_join(late.thread, NULL);
    ck_assert_uint_eq(batch.n, 1);
    ck_assert_int_lt(got_ms - late.done_ms, 1000);
    rt_bus_batch_free(&batch);
    rt_bus_consumer_close(member.consumer);
}
END_TEST

START_TEST(a_waiting_fetch_can_be_woken)
{
    struct late late = { .delay_ms = 50 };
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    struct member member;
    int64_t start_ms = rt_monotonic_ms();

    make_topic("t", 1);
    join_alone(&member, "t", 1);
    late.wake = member.consumer;
    (void)pthread_create(&late.thread, NULL, do_later, &late);
    rig_ok(rt_bus_fetch(member.consumer, "t", 0, 1, 20000, &batch, &err));
    ck_assert_uint_eq(batch.n, 0);
    ck_assert_int_lt(rt_monotonic_ms() - start_ms, 10000);
    (void)pthread_join(late.thread, NULL);
    rt_bus_batch_free(&batch);
    rt_bus_consumer_close(member.consumer);
}
END_TEST

START_TEST(a_fetch_without_news_ends_at_its_timeout)
{
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    struct member member;
    int64_t start_ms;

    make_topic("t", 1);
    join_alone(&member, "t", 1);
    start_ms = rt_monotonic_ms();
    rig_ok(rt_bus_fetch(member.consumer, "t", 0, 1, 80, &batch, &err));
    ck_assert_uint_eq(batch.n, 0);
    ck_assert_int_ge(rt_monotonic_ms() - start_ms, 79);
    rt_bus_batch_free(&batch);
    rt_bus_consumer_close(member.consumer);
}
END_TEST

/* ---- Progress ---- */

START_TEST(seek_goes_anywhere_in_the_log)
{
    struct member member;

    make_topic("t", 1);
    append("t", 0, 0, 20);
    join_alone(&member, "t", 1);
    expect(&member, "t", 0, 0, 0, 20);
    rig_ok(rt_bus_seek(member.consumer, "t", 0, 13, &err));
    expect(&member, "t", 0, 13, 13, 7);
    rig_ok(rt_bus_seek(member.consumer, "t", 0, 0, &err));
    expect(&member, "t", 0, 0, 0, 20);
    ck_assert_int_eq(rt_bus_seek(member.consumer, "t", 0, -1, &err), SEGS_ERANGE);
    rt_bus_consumer_close(member.consumer);
}
END_TEST

START_TEST(a_group_goes_on_at_its_committed_offset)
{
    struct member member;

    make_topic("t", 1);
    append("t", 0, 0, 10);
    join_alone(&member, "t", 1);
    expect(&member, "t", 0, 0, 0, 8);
    rig_ok(rt_bus_commit(member.consumer, "t", 0, 5, &err));
    rt_bus_consumer_close(member.consumer);
    reopen();
    join_alone(&member, "t", 1);
    expect(&member, "t", 0, 5, 5, 5);
    rt_bus_consumer_close(member.consumer);
}
END_TEST

START_TEST(a_new_group_starts_at_the_first_message)
{
    struct member member;

    make_topic("t", 1);
    append("t", 0, 0, 4);
    join(&member, "another", "t");
    settle(&member, NULL, 1, 0);
    expect(&member, "t", 0, 0, 0, 4);
    rt_bus_consumer_close(member.consumer);
}
END_TEST

START_TEST(groups_do_not_take_messages_from_each_other)
{
    struct member a;
    struct member b;

    make_topic("t", 1);
    append("t", 0, 0, 4);
    join(&a, "a", "t");
    join(&b, "b", "t");
    settle(&a, &b, 1, 1);
    expect(&a, "t", 0, 0, 0, 4);
    expect(&b, "t", 0, 0, 0, 4);
    rt_bus_consumer_close(a.consumer);
    rt_bus_consumer_close(b.consumer);
}
END_TEST

/* ---- Membership ---- */

START_TEST(two_members_share_six_partitions_three_and_three)
{
    struct member a;
    struct member b;

    make_topic("t", 6);
    join(&a, "g", "t");
    settle(&a, NULL, 6, 0);
    join(&b, "g", "t");
    settle(&a, &b, 3, 3);
    for (int p = 0; p < 6; p++)
        ck_assert_int_ne(a.has[p], b.has[p]);
    rt_bus_consumer_close(a.consumer);
    settle(&b, NULL, 6, 0);
    rt_bus_consumer_close(b.consumer);
}
END_TEST

START_TEST(closing_gives_back_everything_first)
{
    struct member member;

    make_topic("t", 4);
    join_alone(&member, "t", 4);
    rt_bus_consumer_close(member.consumer);
    ck_assert_int_eq(member.n_revoked, 4);
    ck_assert_int_eq(count(&member), 0);
}
END_TEST

START_TEST(a_partition_of_another_member_cannot_be_touched)
{
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    struct member a;
    struct member b;
    int32_t foreign;

    make_topic("t", 2);
    join(&a, "g", "t");
    join(&b, "g", "t");
    settle(&a, &b, 1, 1);
    foreign = a.has[0] ? 1 : 0;
    ck_assert_int_eq(rt_bus_fetch(a.consumer, "t", foreign, 1, 0, &batch, &err), RT_EFENCED);
    ck_assert_int_eq(rt_bus_seek(a.consumer, "t", foreign, 0, &err), RT_EFENCED);
    ck_assert_int_eq(rt_bus_commit(a.consumer, "t", foreign, 1, &err), RT_EFENCED);
    rt_bus_consumer_close(a.consumer);
    rt_bus_consumer_close(b.consumer);
    rt_bus_batch_free(&batch);
}
END_TEST

START_TEST(nothing_is_missed_or_repeated_when_a_committed_partition_moves)
{
    struct member a;
    struct member b;
    int32_t moved;

    make_topic("t", 2);
    append("t", 0, 0, 10);
    append("t", 1, 0, 10);
    join_alone(&a, "t", 2);
    for (int32_t p = 0; p < 2; p++) {
        expect(&a, "t", p, 0, 0, 6);
        rig_ok(rt_bus_commit(a.consumer, "t", p, 6, &err));
    }
    join(&b, "g", "t");
    settle(&a, &b, 1, 1);
    moved = b.has[0] ? 0 : 1;
    expect(&b, "t", moved, 6, 6, 4);
    expect(&a, "t", 1 - moved, 6, 6, 4);
    rt_bus_consumer_close(a.consumer);
    rt_bus_consumer_close(b.consumer);
}
END_TEST

START_TEST(more_members_than_partitions_leave_some_without)
{
    struct member a;
    struct member b;

    make_topic("t", 1);
    join(&a, "g", "t");
    settle(&a, NULL, 1, 0);
    join(&b, "g", "t");
    rig_ok(rt_bus_consumer_poll(a.consumer, 50, &err));
    rig_ok(rt_bus_consumer_poll(b.consumer, 50, &err));
    ck_assert_int_eq(count(&a) + count(&b), 1);
    rt_bus_consumer_close(a.consumer);
    rt_bus_consumer_close(b.consumer);
}
END_TEST

START_TEST(a_consumer_of_an_unknown_topic_is_refused)
{
    const char *topics[] = { "nope" };
    struct rt_bus_consumer_options options = { .group = "g", .topics = topics, .n_topics = 1 };
    struct rt_bus_consumer *consumer = NULL;

    ck_assert_int_eq(rt_bus_consumer_open(bus, &options, &consumer, &err), SEGS_ENOTFOUND);
    ck_assert_ptr_null(consumer);
}
END_TEST

void bus_contract_add(Suite *suite, const struct bus_rig *the_rig)
{
    TCase *tcase = tcase_create(the_rig->name);

    rig = the_rig;
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_topic_keeps_its_number_of_partitions);
    tcase_add_test(tcase, a_topic_that_nobody_made_is_not_found);
    tcase_add_test(tcase, impossible_topics_are_refused);
    tcase_add_test(tcase, messages_come_back_in_order_with_offsets_from_zero);
    tcase_add_test(tcase, every_part_of_a_message_comes_back);
    tcase_add_test(tcase, messages_with_the_same_key_share_a_partition);
    tcase_add_test(tcase, one_impossible_record_keeps_all_of_its_call_out);
    tcase_add_test(tcase, a_message_beyond_the_limit_is_refused);
    tcase_add_test(tcase, offsets_go_on_after_opening_again);
    tcase_add_test(tcase, concurrent_callers_each_keep_their_order_and_offsets_have_no_gap);
    tcase_add_test(tcase, a_waiting_fetch_gets_a_new_message_at_once);
    tcase_add_test(tcase, a_waiting_fetch_can_be_woken);
    tcase_add_test(tcase, a_fetch_without_news_ends_at_its_timeout);
    tcase_add_test(tcase, seek_goes_anywhere_in_the_log);
    tcase_add_test(tcase, a_group_goes_on_at_its_committed_offset);
    tcase_add_test(tcase, a_new_group_starts_at_the_first_message);
    tcase_add_test(tcase, groups_do_not_take_messages_from_each_other);
    tcase_add_test(tcase, two_members_share_six_partitions_three_and_three);
    tcase_add_test(tcase, closing_gives_back_everything_first);
    tcase_add_test(tcase, a_partition_of_another_member_cannot_be_touched);
    tcase_add_test(tcase, nothing_is_missed_or_repeated_when_a_committed_partition_moves);
    tcase_add_test(tcase, more_members_than_partitions_leave_some_without);
    tcase_add_test(tcase, a_consumer_of_an_unknown_topic_is_refused);
    suite_add_tcase(suite, tcase);
}
