/* A process that appends to the log is killed at a random moment, again and again, on the same log.
 * Whatever it was told to be durable must be there, once, in order, without a gap in the offsets;
 * of a call that got no answer, all of its messages or none. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/ports_rig.h"
#include "runtime/clock.h"

enum { ROUNDS = 20, CALLERS = 3, PER_CALL = 20, PARTITIONS = 3, MAX_CALLS = 200000 };

/* One call of one caller in one round; its messages carry it. */
struct call {
    int32_t round;
    int32_t caller;
    int32_t number;
};

static struct segs_error err;
static struct call *confirmed;
static size_t n_confirmed;

/* ---- The victim ---- */

struct victim {
    struct rt_bus *bus;
    int pipe;
    int round;
    int caller;
};

static void *append_for_ever(void *arg)
{
    const struct victim *victim = arg;
    struct rt_bus_record records[PER_CALL];
    char texts[PER_CALL][64];

    for (int number = 0;; number++) {
        struct call call = { victim->round, victim->caller, number };

        memset(records, 0, sizeof records);
        for (int i = 0; i < PER_CALL; i++) {
            int len = snprintf(texts[i], sizeof texts[i], "%d %d %d %d", call.round, call.caller,
                               call.number, i);

            records[i].value = texts[i];
            records[i].value_len = (size_t)len;
            records[i].partition = (number + i) % PARTITIONS;
        }
        if (rt_bus_produce(victim->bus, "t", records, PER_CALL, 60000, NULL) < 0)
            _exit(3);
        if (write(victim->pipe, &call, sizeof call) != (ssize_t)sizeof call)
            _exit(4);
    }
}

static struct rt_bus *open_bus(void)
{
    struct rt_bus_options options = { .data_dir = rig_folder };
    struct rt_bus_topic topic = { .name = "t", .n_partitions = PARTITIONS };
    struct rt_bus *bus = NULL;

    rig_ok(rt_bus_open(&options, &bus, &err));
    rig_ok(rt_bus_topic_ensure(bus, &topic, &err));
    return bus;
}

static void be_the_victim(int pipe, int round)
{
    struct rt_bus *bus = open_bus();
    struct victim victims[CALLERS];
    pthread_t thread;

    for (int i = 0; i < CALLERS; i++) {
        victims[i] = (struct victim){ .bus = bus, .pipe = pipe, .round = round, .caller = i };
        if (pthread_create(&thread, NULL, append_for_ever, &victims[i]) != 0)
            _exit(5);
    }
    for (;;)
        (void)pause();
}

/* ---- The witness ---- */

static void note_confirmed(int pipe)
{
    struct call call;

    while (read(pipe, &call, sizeof call) == (ssize_t)sizeof call) {
        ck_assert_uint_lt(n_confirmed, MAX_CALLS);
        confirmed[n_confirmed++] = call;
    }
}

static void run_and_kill(int round)
{
    int fds[2];
    int status = 0;
    pid_t pid;

    ck_assert_int_eq(pipe(fds), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)close(fds[0]);
        be_the_victim(fds[1], round);
    }
    (void)close(fds[1]);
    rt_sleep_ms(20 + rand() % 230);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    ck_assert_msg(WIFSIGNALED(status), "the appending process ended by itself: %d", status);
    note_confirmed(fds[0]);
    (void)close(fds[0]);
}

/* How many messages of a call were found; and per partition and caller the last one seen. */
struct found {
    unsigned char *messages; /* By round, caller, number. */
    int64_t last[PARTITIONS][CALLERS];
};

static size_t place_of(int round, int caller, int number)
{
    ck_assert_int_lt(number, MAX_CALLS / 4);
    return ((size_t)round * CALLERS + (size_t)caller) * (MAX_CALLS / 4) + (size_t)number;
}

static void note_found(struct found *found, int32_t partition, const struct rt_bus_message *message)
{
    int at[4] = { -1, -1, -1, -1 };
    int64_t order;

    ck_assert_int_eq(sscanf(message->value, "%d %d %d %d", &at[0], &at[1], &at[2], &at[3]), 4);
    order = ((int64_t)at[0] * MAX_CALLS + at[2]) * PER_CALL + at[3];
    ck_assert_int_lt(found->last[partition][at[1]], order);
    found->last[partition][at[1]] = order;
    found->messages[place_of(at[0], at[1], at[2])]++;
}

static void read_partition(struct rt_bus_consumer *consumer, int32_t partition, struct found *found)
{
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    int64_t next = 0;

    for (;;) {
        rig_ok(rt_bus_fetch(consumer, "t", partition, 1000, 0, &batch, &err));
        if (batch.n == 0)
            break;
        for (size_t i = 0; i < batch.n; i++) {
            ck_assert_int_eq(batch.messages[i].offset, next++);
            note_found(found, partition, &batch.messages[i]);
        }
    }
    rt_bus_batch_free(&batch);
}

static void read_log(struct found *found)
{
    const char *topics[] = { "t" };
    struct rt_bus_consumer_options options = { .group = "g", .topics = topics, .n_topics = 1 };
    struct rt_bus_consumer *consumer = NULL;
    struct rt_bus *bus = open_bus();

    rig_ok(rt_bus_consumer_open(bus, &options, &consumer, &err));
    rig_ok(rt_bus_consumer_poll(consumer, 0, &err));
    for (int32_t p = 0; p < PARTITIONS; p++)
        read_partition(consumer, p, found);
    rt_bus_consumer_close(consumer);
    rt_bus_close(bus);
}

START_TEST(what_was_confirmed_survives_kill)
{
    size_t n_places = (size_t)ROUNDS * CALLERS * (MAX_CALLS / 4);
    const char *chosen = getenv("SEGS_TEST_SEED");
    unsigned seed = chosen ? (unsigned)strtoul(chosen, NULL, 10) : (unsigned)rt_monotonic_us();
    struct found found = { .messages = calloc(1, n_places) };
    size_t torn = 0;

    (void)printf("SEGS_TEST_SEED=%u\n", seed);
    srand(seed);
    confirmed = calloc(MAX_CALLS, sizeof *confirmed);
    ck_assert_ptr_nonnull(confirmed);
    ck_assert_ptr_nonnull(found.messages);
    for (int round = 0; round < ROUNDS; round++)
        run_and_kill(round);

    memset(found.last, 0xff, sizeof found.last);
    read_log(&found);
    /* An assertion per place would take most of the test's time. */
    for (size_t i = 0; i < n_places; i++)
        torn += found.messages[i] != 0 && found.messages[i] != PER_CALL;
    ck_assert_uint_eq(torn, 0);
    for (size_t i = 0; i < n_confirmed; i++)
        ck_assert_int_eq(
            found.messages[place_of(confirmed[i].round, confirmed[i].caller, confirmed[i].number)],
            PER_CALL);
    (void)printf("%zu calls of %d messages were confirmed before %d kills\n", n_confirmed, PER_CALL,
                 ROUNDS);
    ck_assert_uint_gt(n_confirmed, 0);
    free(found.messages);
    free(confirmed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kill_bus");
    TCase *tcase = tcase_create("kill");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, rig_folder_make, rig_folder_remove);
    tcase_add_test(tcase, what_was_confirmed_survives_kill);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
