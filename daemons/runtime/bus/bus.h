/* The bus: a durable, partitioned log with producers, consumer groups and offsets. One header, two
 * adapters: embedded.c (SQLite, in this process) and, in a deployment, Apache Kafka. Callers cannot
 * tell which one they have.
 *
 * Thread rule: struct rt_bus is thread-safe. A consumer's poll, seek, commit and close belong to
 * one thread; rt_bus_fetch of one partition belongs to one thread, and different partitions may be
 * fetched by different threads. */
#ifndef RT_BUS_H
#define RT_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../errors.h"

struct rt_bus;
struct rt_bus_consumer;
struct rt_metrics;

struct rt_bus_options {
    const char *brokers;        /* NULL: embedded. */
    const char *data_dir;       /* Embedded: folder of bus.db. */
    struct rt_metrics *metrics; /* May be NULL. */
    int64_t (*now_ms)(
        void *user); /* Embedded: time stamped on appended messages; NULL: the system's clock. */
    void *user;
    int64_t max_queue_bytes; /* Embedded: bytes that may wait to be written; 0: 64 MiB. */
    bool read_only; /* Embedded: look at the log, even while another process writes it; whatever
                       would change it is SEGS_ENOTSUP. */
};

/* Opening. SEGS_ENOTSUP: `brokers` is set and this build has no adapter for it. Embedded: the
 * folder must exist; SEGS_ECONFLICT: another process (or another rt_bus here) writes this log, or a
 * newer version made it; RT_ESTORAGE: it cannot be opened. Close after the last call and the last
 * consumer; what was accepted before is written first. */

int rt_bus_open(const struct rt_bus_options *options, struct rt_bus **ret,
                struct segs_error *reterr);
void rt_bus_close(struct rt_bus *bus);
bool rt_bus_is_up(struct rt_bus *bus); /* For readiness; does not block. */

/* Create the topic unless it exists. An existing one keeps its partitions: fewer or more than
 * wanted is SEGS_ECONFLICT, because another count would move meters to other partitions. Retention:
 * what is older or beyond is dropped; 0: unlimited. */
struct rt_bus_topic {
    const char *name;
    int32_t n_partitions;
    int64_t retention_ms;
    int64_t retention_bytes; /* Per partition. */
};
int rt_bus_topic_ensure(struct rt_bus *bus, const struct rt_bus_topic *topic,
                        struct segs_error *reterr);
int rt_bus_topic_partitions(struct rt_bus *bus, const char *topic, int32_t *ret_n,
                            struct segs_error *reterr);

/* The partition of a key: murmur2 as Java and JavaScript producers compute it. */
int32_t rt_bus_partition_of(const void *key, size_t len, int32_t n_partitions);

/* ---- Producing ---- */

enum rt_bus_outcome {
    RT_BUS_DURABLE = 0,       /* In the log, survives kill -9 and power loss as configured. */
    RT_BUS_NOT_PERSISTED = 1, /* Certainly not in the log: may be sent again without a duplicate. */
    RT_BUS_UNKNOWN = 2        /* May be in the log: sending again may duplicate. */
};

struct rt_bus_record {
    const void *key;
    const void *value;
    const char *content_type; /* Header "content-type", NULL: application/json. */
    const char *traceparent;  /* Header "traceparent", or NULL. */
    size_t key_len;
    size_t value_len;
    int64_t ts_ms;               /* 0: the time of appending. */
    int32_t partition;           /* -1: by key. */
    enum rt_bus_outcome outcome; /* Out: set for each record whatever is returned. */
};

/* Append all records and wait until each is durable or has failed, at most timeout_ms. Records of
 * one partition keep their order. Concurrent callers share commits. Returns 0 when all are durable;
 * RT_EUNAVAILABLE, RT_ESTORAGE, RT_ETIMEOUT or SEGS_EFULL (bounded queue: back-pressure) when at
 * least one is not. SEGS_ENOTFOUND: no such topic. SEGS_ERANGE: a partition outside the topic or a
 * message beyond RT_BUS_MAX_MESSAGE_BYTES, reterr->index says which; then none was appended. */
#define RT_BUS_MAX_MESSAGE_BYTES (8 << 20) /* Key, value and headers together. Ours. */
int rt_bus_produce(struct rt_bus *bus, const char *topic, struct rt_bus_record *records, size_t n,
                   int64_t timeout_ms, struct segs_error *reterr);

/* ---- Consuming ---- */

struct rt_bus_message {
    const char *key;
    const char *value;
    const char *content_type; /* Never NULL. */
    const char *traceparent;  /* NULL when there was none. */
    size_t key_len;
    size_t value_len;
    int64_t offset;
    int64_t ts_ms;
};

/* Messages of one partition in offset order; they and their bytes live until the next fetch into
 * the batch. Start with RT_BUS_BATCH_INIT, reuse it for every fetch of one thread, free it at the
 * end. Keys, values and headers are NUL-terminated beyond their length; a NULL key or value was
 * produced as NULL. */
struct rt_bus_batch {
    struct rt_bus_message *messages;
    size_t n;
    void *owner; /* The adapter's memory. */
};
#define RT_BUS_BATCH_INIT                                                                          \
    {                                                                                              \
        NULL, 0, NULL                                                                              \
    }
void rt_bus_batch_free(struct rt_bus_batch *batch);

struct rt_bus_consumer_options {
    const char *group;
    const char *const *topics;
    size_t n_topics;
    /* Rebalances, called from rt_bus_consumer_poll on its thread. In on_assigned the caller seeks
     * each partition to where its own store says (else it starts at the committed offset, else at
     * the first message: a backlog is never skipped). on_revoked: finish and commit, then return.
     * on_lost: another member may own it already; drop the work, write nothing (never embedded: its
     * members live in one process and hand over in person). Each may be NULL; none may call
     * rt_bus_consumer_poll or _close. */
    void (*on_assigned)(const char *topic, int32_t partition, void *user);
    void (*on_revoked)(const char *topic, int32_t partition, void *user);
    void (*on_lost)(const char *topic, int32_t partition, void *user);
    void *user;
};

int rt_bus_consumer_open(struct rt_bus *bus, const struct rt_bus_consumer_options *options,
                         struct rt_bus_consumer **ret, struct segs_error *reterr);
void rt_bus_consumer_close(struct rt_bus_consumer *consumer); /* Revokes what is assigned first. */
/* Serve membership; call at least every few seconds. Returns after serving something, on
 * rt_bus_wake, or after timeout_ms; always 0 unless the bus fails. */
int rt_bus_consumer_poll(struct rt_bus_consumer *consumer, int64_t timeout_ms,
                         struct segs_error *reterr);

/* Next messages of an assigned partition: waits up to timeout_ms for the first. 0 with batch->n ==
 * 0: nothing new. SEGS_ERANGE: the wanted offset was already dropped by retention; *ret of
 * rt_bus_offsets tells the gap; seek to go on. RT_EFENCED: the partition is not assigned to this
 * consumer (any more); also from seek and commit. A fetch returns about 8 MiB at most. */
int rt_bus_fetch(struct rt_bus_consumer *consumer, const char *topic, int32_t partition,
                 size_t max_messages, int64_t timeout_ms, struct rt_bus_batch *batch,
                 struct segs_error *reterr);
int rt_bus_seek(struct rt_bus_consumer *consumer, const char *topic, int32_t partition,
                int64_t offset, struct segs_error *reterr);
/* Wake the poll and every fetch of this consumer that waits, from any thread (shutdown). One that
 * does not wait returns at once the next time it would. */
void rt_bus_wake(struct rt_bus_consumer *consumer);
/* The group's own record of progress: only a hint where the caller keeps its own. */
int rt_bus_commit(struct rt_bus_consumer *consumer, const char *topic, int32_t partition,
                  int64_t next_offset, struct segs_error *reterr);

/* First offset still in the log and the offset the next message will get. */
int rt_bus_offsets(struct rt_bus *bus, const char *topic, int32_t partition, int64_t *ret_first,
                   int64_t *ret_end, struct segs_error *reterr);

#endif
