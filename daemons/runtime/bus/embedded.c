/* The embedded bus: one SQLite file, bus.db. Each partition is a table of its own, so that an
 * append always lands at the right edge of a B-tree: pages fill completely and no page is split. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <sys/file.h>
#include <unistd.h>

#include "runtime/bus/embedded_internal.h"
#include "runtime/metrics.h"

enum { SCHEMA_VERSION = 1, DEFAULT_QUEUE_BYTES = 64 << 20 };

static const struct rt_sqlite_tuning tuning = {
    .page_bytes = 8192, .cache_kib = 32768, .busy_ms = 5000, .foreign_keys = false
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS topic (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " n_partitions INTEGER NOT NULL, retention_ms INTEGER NOT NULL,"
    " retention_bytes INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS topic_partition (id INTEGER PRIMARY KEY,"
    " topic_id INTEGER NOT NULL REFERENCES topic (id), partition INTEGER NOT NULL,"
    " first_offset INTEGER NOT NULL, next_offset INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " UNIQUE (topic_id, partition)) STRICT;"
    "CREATE TABLE IF NOT EXISTS group_offset (group_name TEXT NOT NULL,"
    " partition_id INTEGER NOT NULL, next_offset INTEGER NOT NULL,"
    " PRIMARY KEY (group_name, partition_id)) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version=1;";

struct emb_topic *emb_topic_find(struct emb_bus *bus, const char *name)
{
    for (struct emb_topic *topic = bus->topics; topic; topic = topic->next) {
        if (strcmp(topic->name, name) == 0)
            return topic;
    }
    return NULL;
}

struct emb_partition *emb_partition_find(struct emb_bus *bus, const char *name, int32_t partition,
                                         struct segs_error *reterr)
{
    struct emb_topic *topic;

    (void)pthread_mutex_lock(&bus->lock);
    topic = emb_topic_find(bus, name);
    (void)pthread_mutex_unlock(&bus->lock);
    if (!topic) {
        (void)rt_fail(reterr, SEGS_ENOTFOUND, "topic", "there is no topic %s", name);
        return NULL;
    }
    if (partition < 0 || partition >= topic->n) {
        (void)rt_fail(reterr, SEGS_ENOTFOUND, "partition", "topic %s has partitions 0 to %d", name,
                      (int)topic->n - 1);
        return NULL;
    }
    return &topic->partitions[partition];
}

/* Two writers of one log would each count offsets on their own. The marker is tied to an open file,
 * so a killed process leaves none behind. */
static int claim(struct emb_bus *bus, const char *data_dir, struct segs_error *reterr)
{
    char *path = rt_sqlite_path(data_dir, "bus.lock");

    if (!path)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the bus");
    bus->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (bus->lock_fd < 0) {
        int r =
            rt_fail(reterr, RT_ESTORAGE, "data_dir", "cannot open %s: %s", path, strerror(errno));

        free(path);
        return r;
    }
    free(path);
    if (flock(bus->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return rt_fail(reterr, SEGS_ECONFLICT, "data_dir",
                       "another process already writes the log in %s", data_dir);
    return 0;
}

static int check_version(sqlite3 *db, int64_t *ret_version, struct segs_error *reterr)
{
    int r = rt_sqlite_int(db, "PRAGMA user_version", 0, ret_version, reterr);

    if (r == 0 && *ret_version > SCHEMA_VERSION)
        return rt_fail(reterr, SEGS_ECONFLICT, "data_dir",
                       "bus.db has format %lld, this version knows formats up to %d",
                       (long long)*ret_version, SCHEMA_VERSION);
    return r;
}

static int open_writer(struct emb_bus *bus, const char *data_dir, struct segs_error *reterr)
{
    int64_t version;
    int r;

    if ((r = claim(bus, data_dir, reterr)) < 0 ||
        (r = rt_sqlite_open(bus->path, &tuning, &bus->db, reterr)) < 0 ||
        (r = check_version(bus->db, &version, reterr)) < 0)
        return r;
    if (version < SCHEMA_VERSION && (r = rt_sqlite_run(bus->db, schema, reterr)) < 0)
        return r;
    if ((r = rt_wal_keeper_start(bus->path, &tuning, &bus->gate, &bus->keeper, reterr)) < 0)
        return r;
    rt_wal_keeper_watch(bus->keeper, bus->db);
    if ((r = emb_topics_load(bus, bus->db, reterr)) < 0)
        return r;
    return emb_writer_start(bus, reterr);
}

int emb_refresh(struct emb_bus *bus, struct segs_error *reterr)
{
    struct emb_reader *reader = NULL;
    int64_t version;
    int r = emb_reader_take(bus, &reader, reterr);

    if (r < 0)
        return r;
    r = check_version(emb_reader_db(reader), &version, reterr);
    if (r == 0)
        r = emb_topics_load(bus, emb_reader_db(reader), reterr);
    emb_reader_put(bus, reader);
    return r;
}

static void emb_close(struct rt_bus *base)
{
    struct emb_bus *bus = (struct emb_bus *)base;
    struct emb_topic *next;

    emb_writer_stop(bus);
    rt_wal_keeper_stop(bus->keeper);
    emb_groups_free(bus);
    emb_readers_free(bus);
    for (struct emb_topic *topic = bus->topics; topic; topic = next) {
        next = topic->next;
        emb_topic_free(topic);
    }
    (void)sqlite3_close(bus->db);
    if (bus->lock_fd >= 0)
        (void)close(bus->lock_fd);
    rt_gate_destroy(&bus->gate);
    (void)pthread_cond_destroy(&bus->work);
    (void)pthread_cond_destroy(&bus->membership);
    (void)pthread_mutex_destroy(&bus->topic_lock);
    (void)pthread_mutex_destroy(&bus->lock);
    free(bus->path);
    free(bus);
}

static bool emb_is_up(struct rt_bus *base)
{
    struct emb_bus *bus = (struct emb_bus *)base;
    bool up;

    (void)pthread_mutex_lock(&bus->lock);
    up = bus->up && !bus->stop;
    (void)pthread_mutex_unlock(&bus->lock);
    return up;
}

static int emb_topic_partitions(struct rt_bus *base, const char *name, int32_t *ret_n,
                                struct segs_error *reterr)
{
    struct emb_bus *bus = (struct emb_bus *)base;
    const struct emb_partition *partition = emb_partition_find(bus, name, 0, reterr);

    if (!partition)
        return SEGS_ENOTFOUND;
    *ret_n = partition->topic->n;
    return 0;
}

static int emb_offsets(struct rt_bus *base, const char *name, int32_t index, int64_t *ret_first,
                       int64_t *ret_end, struct segs_error *reterr)
{
    struct emb_bus *bus = (struct emb_bus *)base;
    const struct emb_partition *partition;
    int r;

    if (bus->read_only && (r = emb_refresh(bus, reterr)) < 0)
        return r;
    partition = emb_partition_find(bus, name, index, reterr);
    if (!partition)
        return SEGS_ENOTFOUND;
    (void)pthread_mutex_lock(&bus->lock);
    *ret_first = partition->first;
    *ret_end = partition->next;
    (void)pthread_mutex_unlock(&bus->lock);
    return 0;
}

static const struct rt_bus_adapter embedded = {
    .close = emb_close,
    .is_up = emb_is_up,
    .topic_ensure = emb_topic_ensure,
    .topic_partitions = emb_topic_partitions,
    .produce = emb_produce,
    .offsets = emb_offsets,
    .consumer_open = emb_consumer_open,
    .consumer_close = emb_consumer_close,
    .poll = emb_poll,
    .fetch = emb_fetch,
    .seek = emb_seek,
    .wake = emb_wake,
    .commit = emb_commit,
};

static struct emb_bus *bus_new(const struct rt_bus_options *options)
{
    struct emb_bus *bus = calloc(1, sizeof *bus);

    if (!bus)
        return NULL;
    bus->base.adapter = &embedded;
    bus->lock_fd = -1;
    bus->read_only = options->read_only;
    bus->up = true;
    bus->clock = (struct rt_clock){ .now_ms = options->now_ms, .user = options->user };
    bus->metrics = options->metrics;
    bus->max_queue_bytes =
        options->max_queue_bytes ? options->max_queue_bytes : DEFAULT_QUEUE_BYTES;
    bus->next_topic_id = 1;
    bus->next_partition_id = 1;
    (void)pthread_mutex_init(&bus->lock, NULL);
    (void)pthread_mutex_init(&bus->topic_lock, NULL);
    rt_cond_init(&bus->work);
    rt_cond_init(&bus->membership);
    rt_gate_init(&bus->gate, 1);
    bus->path = rt_sqlite_path(options->data_dir, "bus.db");
    if (bus->path)
        return bus;
    emb_close(&bus->base);
    return NULL;
}

static void find_metrics(struct emb_bus *bus)
{
    static const double bounds[] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                     0.1,    0.25,  0.5,    1,     2.5,  5 };

    if (!bus->metrics || bus->read_only)
        return;
    bus->commit_seconds = rt_histogram(bus->metrics, "segs_bus_commit_duration_seconds",
                                       "Time to write one group of messages durably.", NULL, bounds,
                                       sizeof bounds / sizeof bounds[0]);
    bus->queue_gauge = rt_gauge(bus->metrics, "segs_bus_queue_bytes",
                                "Bytes of messages that wait to be written.", NULL);
}

int rt_bus_embedded_open(const struct rt_bus_options *options, struct rt_bus **ret,
                         struct segs_error *reterr)
{
    struct emb_bus *bus = bus_new(options);
    int r;

    if (!bus)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the bus");
    find_metrics(bus);
    r = bus->read_only ? emb_refresh(bus, reterr) : open_writer(bus, options->data_dir, reterr);
    if (r < 0) {
        emb_close(&bus->base);
        return r;
    }
    *ret = &bus->base;
    return 0;
}
