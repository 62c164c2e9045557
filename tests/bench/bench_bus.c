/* Throughput and latency of the bus: callers that append batches, threads that fetch, and the time
 * from the call of produce to the fetch of the message.
 *
 * usage: bench_bus [-c callers] [-p partitions] [-b batch] [-z bytes] [-s seconds] [-d folder] */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/bus/bus.h"
#include "runtime/clock.h"

enum { MAX_CALLERS = 64, MAX_BATCH = 10000, N_LATENCIES = 1000 };

struct bench {
    struct rt_bus *bus;
    struct rt_bus_consumer *consumer;
    char *value;
    atomic_llong produced;
    atomic_llong calls;
    atomic_llong worst_us;
    atomic_bool stop;
    atomic_llong fetched;
    atomic_bool producing;
    int64_t cpu_us; /* Of all threads while producing. */
    int callers;
    int partitions;
    size_t batch;
    size_t bytes;
    int seconds;
};

struct role {
    struct bench *bench;
    int number;
};

static void fail(const char *what, const struct segs_error *err)
{
    (void)fprintf(stderr, "%s: %s\n", what, err->message);
    exit(EXIT_FAILURE);
}

static void *produce(void *arg)
{
    const struct role *role = arg;
    struct bench *bench = role->bench;
    struct rt_bus_record *records = calloc(bench->batch, sizeof *records);
    char(*keys)[16] = calloc(bench->batch, sizeof *keys);
    struct segs_error err;

    if (!records || !keys)
        exit(EXIT_FAILURE);
    for (int64_t round = 0; !atomic_load(&bench->stop); round++) {
        int64_t start_us = rt_monotonic_us();

        for (size_t i = 0; i < bench->batch; i++) {
            int len =
                snprintf(keys[i], sizeof keys[i], "m%07u",
                         (unsigned)((round * 7919 + (int64_t)i * 31 + role->number) % 100000));

            records[i] = (struct rt_bus_record){ .key = keys[i],
                                                 .key_len = (size_t)len,
                                                 .value = bench->value,
                                                 .value_len = bench->bytes,
                                                 .partition = -1 };
        }
        if (rt_bus_produce(bench->bus, "raw", records, bench->batch, 30000, &err) < 0)
            fail("produce", &err);
        start_us = rt_monotonic_us() - start_us;
        if (start_us > atomic_load(&bench->worst_us))
            atomic_store(&bench->worst_us, start_us);
        atomic_fetch_add(&bench->produced, (long long)bench->batch);
        atomic_fetch_add(&bench->calls, 1);
    }
    free(keys);
    free(records);
    return NULL;
}

static void *fetch(void *arg)
{
    const struct role *role = arg;
    struct bench *bench = role->bench;
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    struct segs_error err;

    for (;;) {
        int64_t n = 0;

        for (int p = role->number; p < bench->partitions; p += 2) {
            bool idle = !atomic_load(&bench->producing);

            if (rt_bus_fetch(bench->consumer, "raw", p, 5000, 0, &batch, &err) < 0)
                fail("fetch", &err);
            n += (int64_t)batch.n;
            if (batch.n == 0 && !idle)
                rt_sleep_ms(1);
        }
        atomic_fetch_add(&bench->fetched, n);
        if (n == 0 && !atomic_load(&bench->producing))
            break;
    }
    rt_bus_batch_free(&batch);
    return NULL;
}

/* Comparable between runs even when others use the machine too. */
static int64_t cpu_us(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static double run_producers(struct bench *bench)
{
    pthread_t threads[MAX_CALLERS];
    struct role roles[MAX_CALLERS];
    int64_t start_us = rt_monotonic_us();

    bench->cpu_us = cpu_us();
    atomic_store(&bench->stop, false);
    for (int i = 0; i < bench->callers; i++) {
        roles[i] = (struct role){ bench, i };
        (void)pthread_create(&threads[i], NULL, produce, &roles[i]);
    }
    rt_sleep_ms(bench->seconds * 1000);
    atomic_store(&bench->stop, true);
    for (int i = 0; i < bench->callers; i++)
        (void)pthread_join(threads[i], NULL);
    bench->cpu_us = cpu_us() - bench->cpu_us;
    return (double)(rt_monotonic_us() - start_us) / 1e6;
}

static double run_fetchers(struct bench *bench, pthread_t threads[2], struct role roles[2])
{
    int64_t start_us = rt_monotonic_us();

    for (int i = 0; i < 2; i++) {
        roles[i] = (struct role){ bench, i };
        (void)pthread_create(&threads[i], NULL, fetch, &roles[i]);
    }
    if (atomic_load(&bench->producing))
        return 0;
    for (int i = 0; i < 2; i++)
        (void)pthread_join(threads[i], NULL);
    return (double)(rt_monotonic_us() - start_us) / 1e6;
}

static void open_consumer(struct bench *bench, const char *group)
{
    const char *topics[] = { "raw" };
    struct rt_bus_consumer_options options = { .group = group, .topics = topics, .n_topics = 1 };
    struct segs_error err;

    if (rt_bus_consumer_open(bench->bus, &options, &bench->consumer, &err) < 0 ||
        rt_bus_consumer_poll(bench->consumer, 0, &err) < 0)
        fail("consumer", &err);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

struct latency {
    struct bench *bench;
    int64_t fetched_us[N_LATENCIES];
};

static void *follow(void *arg)
{
    struct latency *latency = arg;
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    struct segs_error err;

    for (size_t n = 0; n < N_LATENCIES;) {
        if (rt_bus_fetch(latency->bench->consumer, "raw", 0, 10, 5000, &batch, &err) < 0)
            fail("fetch", &err);
        for (size_t i = 0; i < batch.n; i++)
            latency->fetched_us[n++] = rt_monotonic_us();
    }
    rt_bus_batch_free(&batch);
    return NULL;
}

/* One message at a time from produce to the fetch that waits for it. */
static void measure_latency(struct bench *bench)
{
    struct latency *latency = calloc(1, sizeof *latency);
    int64_t *taken_us = calloc(N_LATENCIES, sizeof *taken_us);
    int64_t end;
    int64_t first;
    struct segs_error err;
    pthread_t thread;

    if (!latency || !taken_us || rt_bus_offsets(bench->bus, "raw", 0, &first, &end, &err) < 0 ||
        rt_bus_seek(bench->consumer, "raw", 0, end, &err) < 0)
        exit(EXIT_FAILURE);
    latency->bench = bench;
    (void)pthread_create(&thread, NULL, follow, latency);
    for (size_t i = 0; i < N_LATENCIES; i++) {
        struct rt_bus_record record = { .value = bench->value, .value_len = bench->bytes };

        taken_us[i] = rt_monotonic_us();
        if (rt_bus_produce(bench->bus, "raw", &record, 1, 5000, &err) < 0)
            fail("produce", &err);
        rt_sleep_ms(1);
    }
    (void)pthread_join(thread, NULL);
    for (size_t i = 0; i < N_LATENCIES; i++)
        taken_us[i] = latency->fetched_us[i] - taken_us[i];
    qsort(taken_us, N_LATENCIES, sizeof *taken_us, compare);
    (void)printf("produce to fetch: median %lld us, 99th percentile %lld us\n",
                 (long long)taken_us[N_LATENCIES / 2], (long long)taken_us[N_LATENCIES * 99 / 100]);
    free(taken_us);
    free(latency);
}

static void report_files(const char *folder)
{
    static const char *const names[] = { "bus.db", "bus.db-wal" };
    struct rusage usage;

    for (size_t i = 0; i < 2; i++) {
        char path[4096];
        struct stat st;

        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (stat(path, &st) == 0)
            (void)printf("%s: %.1f MB\n", names[i], (double)st.st_size / 1e6);
    }
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("peak memory: %.1f MB\n", (double)usage.ru_maxrss / 1e3);
}

static void report_producing(struct bench *bench, double seconds)
{
    (void)printf("produced %lld in %.2f s: %.0f messages/s; calls %lld, mean %.2f ms, worst %.2f "
                 "ms; CPU %.2f us per message\n",
                 (long long)bench->produced, seconds, (double)bench->produced / seconds,
                 (long long)bench->calls, seconds * 1e3 * bench->callers / (double)bench->calls,
                 (double)bench->worst_us / 1e3, (double)bench->cpu_us / (double)bench->produced);
}

static void measure(struct bench *bench, const char *folder)
{
    pthread_t threads[2];
    struct role roles[2];
    double seconds = run_producers(bench);

    report_producing(bench, seconds);
    report_files(folder);

    open_consumer(bench, "reader");
    seconds = run_fetchers(bench, threads, roles);
    (void)printf("fetched %lld in %.2f s: %.0f messages/s\n", (long long)bench->fetched, seconds,
                 (double)bench->fetched / seconds);
    measure_latency(bench);

    bench->produced = bench->calls = bench->worst_us = bench->fetched = 0;
    for (int p = 0; p < bench->partitions; p++) {
        int64_t first;
        int64_t end;

        if (rt_bus_offsets(bench->bus, "raw", p, &first, &end, NULL) == 0)
            (void)rt_bus_seek(bench->consumer, "raw", p, end, NULL);
    }
    atomic_store(&bench->producing, true);
    (void)run_fetchers(bench, threads, roles);
    seconds = run_producers(bench);
    atomic_store(&bench->producing, false);
    for (int i = 0; i < 2; i++)
        (void)pthread_join(threads[i], NULL);
    (void)printf("with two threads fetching at the same time (%lld fetched): ",
                 (long long)bench->fetched);
    report_producing(bench, seconds);
    report_files(folder);
    rt_bus_consumer_close(bench->consumer);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/segs-bench-bus-XXXXXX";
    const char *chosen = NULL;
    struct bench bench = {
        .callers = 4, .partitions = 6, .batch = 500, .bytes = 242, .seconds = 5
    };
    struct rt_bus_topic topic = { .name = "raw" };
    struct rt_bus_options options = { .brokers = NULL };
    struct segs_error err;
    int option;

    while ((option = getopt(argc, argv, "c:p:b:z:s:d:")) != -1) {
        int value = option == 'd' ? 0 : atoi(optarg);

        switch (option) {
        case 'c':
            bench.callers = value;
            break;
        case 'p':
            bench.partitions = value;
            break;
        case 'b':
            bench.batch = (size_t)value;
            break;
        case 'z':
            bench.bytes = (size_t)value;
            break;
        case 's':
            bench.seconds = value;
            break;
        case 'd':
            chosen = optarg;
            break;
        default:
            return EXIT_FAILURE;
        }
    }
    if (bench.callers < 1 || bench.callers > MAX_CALLERS || bench.batch < 1 ||
        bench.batch > MAX_BATCH || (!chosen && !mkdtemp(folder)))
        return EXIT_FAILURE;
    options.data_dir = chosen ? chosen : folder;
    topic.n_partitions = bench.partitions;
    bench.value = calloc(1, bench.bytes + 1);
    if (!bench.value)
        return EXIT_FAILURE;
    memset(bench.value, 'x', bench.bytes);
    if (rt_bus_open(&options, &bench.bus, &err) < 0 ||
        rt_bus_topic_ensure(bench.bus, &topic, &err) < 0)
        fail("open", &err);
    measure(&bench, options.data_dir);
    rt_bus_close(bench.bus);
    free(bench.value);
    (void)printf("files are left in %s\n", options.data_dir);
    return EXIT_SUCCESS;
}
