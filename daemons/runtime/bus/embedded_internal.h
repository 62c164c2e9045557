/* The embedded bus, shared by its own files only.
 *
 * Threads: callers, one writer, one WAL keeper. `lock` guards everything that is not said to belong
 * to the writer. Topics and partitions are never removed while the bus is open, so a pointer to one
 * stays good without the lock. */
#ifndef RT_BUS_EMBEDDED_INTERNAL_H
#define RT_BUS_EMBEDDED_INTERNAL_H

#include <pthread.h>

#include "../clock.h"
#include "../db/gate.h"
#include "../db/sqlite_util.h"
#include "bus_adapter.h"

struct rt_counter;
struct rt_histogram;
struct rt_gauge;
struct emb_topic;
struct emb_job;
struct emb_reader;
struct emb_group;

struct emb_partition {
    struct emb_topic *topic;
    int64_t id; /* Of the table log_<id>. */
    int32_t index;
    /* Committed. */
    int64_t first;
    int64_t next;
    pthread_cond_t appended;
    /* The writer's: what its open transaction makes of the above. */
    sqlite3_stmt *insert;
    sqlite3_stmt *insert_many;
    int64_t w_first;
    int64_t w_next;
    int64_t w_bytes;
    bool w_touched;
};

struct emb_topic {
    struct emb_topic *next;
    char *name;
    struct emb_partition *partitions;
    int64_t id;
    int64_t retention_ms;
    int64_t retention_bytes;
    int32_t n;
    struct rt_counter *messages_in;
    struct rt_counter *messages_out;
    struct rt_counter *bytes_in;
    struct rt_counter *bytes_out;
};

struct emb_bus {
    struct rt_bus base;
    pthread_mutex_t lock;
    pthread_mutex_t topic_lock; /* One topic_ensure at a time; taken before `lock`. */
    char *path;
    int lock_fd; /* Holds the exclusive marker; -1: read-only. */
    bool read_only;
    bool up;
    bool stop;
    struct rt_clock clock;
    struct rt_metrics *metrics;
    struct rt_histogram *commit_seconds;
    struct rt_gauge *queue_gauge;

    struct emb_topic *topics;
    int64_t next_topic_id;
    int64_t next_partition_id;

    struct emb_job *first_job; /* Waiting for the writer. */
    struct emb_job *last_job;
    int64_t queued_bytes; /* Waiting or being written. */
    int64_t max_queue_bytes;
    int64_t spread; /* Next partition of messages without a key. */
    pthread_cond_t work;
    pthread_t writer;
    bool writer_runs;

    struct emb_reader *readers; /* Idle. */
    struct emb_group *groups;
    pthread_cond_t membership; /* Assignments changed, or a poll was woken. */

    /* The writer's. */
    sqlite3 *db;
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    sqlite3_stmt *rollback;
    sqlite3_stmt *update_partition;
    sqlite3_stmt *update_group;
    struct rt_gate gate; /* Held during a write transaction; shared with the keeper. */
    struct rt_wal_keeper *keeper;
    bool reload; /* What the writer believes may differ from the file. */
};

/* ---- Jobs: what the writer does for others, each within a shared transaction ---- */

enum emb_job_kind { EMB_PRODUCE = 1, EMB_OFFSET = 2, EMB_TOPIC = 3 };
enum emb_job_state { EMB_WAITING = 0, EMB_WRITING = 1, EMB_DONE = 2 };

struct emb_item {
    struct emb_partition *partition;
    const char *key;
    const char *value;
    const char *content_type;
    const char *traceparent;
    size_t key_len;
    size_t value_len;
    int64_t ts_ms;
};

struct emb_job {
    struct emb_job *next;
    enum emb_job_kind kind;
    enum emb_job_state state;
    bool abandoned; /* The caller's deadline passed: the writer frees the job. */
    pthread_cond_t done;
    int64_t bytes;
    /* Result. */
    int r;
    enum rt_bus_outcome outcome;
    struct segs_error err;
    /* EMB_PRODUCE: items ordered by partition, their bytes behind them in the same block. */
    struct emb_topic *topic;
    struct emb_item *items;
    size_t n;
    /* EMB_OFFSET. */
    const char *group;
    int64_t partition_id;
    int64_t next_offset;
    /* EMB_TOPIC: `topic`, which is new or whose retention changes to the values here. */
    bool is_new;
    int64_t retention_ms;
    int64_t retention_bytes;
};

/* ---- embedded.c ---- */
struct emb_topic *emb_topic_find(struct emb_bus *bus, const char *name); /* Under the lock. */
struct emb_partition *emb_partition_find(struct emb_bus *bus, const char *name, int32_t partition,
                                         struct segs_error *reterr); /* Takes the lock. */
int emb_refresh(struct emb_bus *bus, struct segs_error *reterr);     /* Read-only: look again. */

/* ---- embedded_topic.c ---- */
struct emb_topic *emb_topic_new(struct emb_bus *bus, const char *name, int32_t n);
void emb_topic_free(struct emb_topic *topic);
int emb_topics_load(struct emb_bus *bus, sqlite3 *db, struct segs_error *reterr);
int emb_topic_ensure(struct rt_bus *base, const struct rt_bus_topic *topic,
                     struct segs_error *reterr);
int emb_topic_write(struct emb_bus *bus, const struct emb_job *job); /* SQLite code. */

/* ---- embedded_produce.c ---- */
int emb_produce(struct rt_bus *base, const char *topic, struct rt_bus_record *records, size_t n,
                int64_t timeout_ms, struct segs_error *reterr);
/* Hand a job over and wait, for ever when timeout_ms is negative. Afterwards the job is the caller's
 * again, unless *ret_left says that it was left to the writer, which frees it. */
int emb_submit(struct emb_bus *bus, struct emb_job *job, int64_t timeout_ms, bool *ret_left,
               struct segs_error *reterr);
void emb_job_init(struct emb_job *job, enum emb_job_kind kind);
void emb_job_free(struct emb_job *job);

/* ---- embedded_writer.c ---- */
/* What one message costs beyond key and value, as retention_bytes counts it. */
enum { EMB_MESSAGE_OVERHEAD = 16 };
int emb_writer_start(struct emb_bus *bus, struct segs_error *reterr);
void emb_writer_stop(struct emb_bus *bus);
/* On the writer: store what it believes of a partition, within its transaction. */
int emb_partition_save(struct emb_bus *bus, const struct emb_partition *partition); /* SQLite. */
/* On the writer, under the lock: make what it committed visible, or forget it. */
void emb_publish(struct emb_bus *bus, bool keep);

/* ---- embedded_retention.c ---- */
/* Drop a small piece of what is too old or too much; true when more is left to drop. */
bool emb_retention_step(struct emb_bus *bus);

/* ---- embedded_read.c ---- */
int emb_reader_take(struct emb_bus *bus, struct emb_reader **ret, struct segs_error *reterr);
void emb_reader_put(struct emb_bus *bus, struct emb_reader *reader);
void emb_readers_free(struct emb_bus *bus);
sqlite3 *emb_reader_db(struct emb_reader *reader);
/* Messages from `offset` on into the batch; 0 of them is not an error. */
int emb_read(struct emb_bus *bus, struct emb_partition *partition, int64_t offset,
             size_t max_messages, struct rt_bus_batch *batch, struct segs_error *reterr);

/* ---- embedded_group.c, embedded_consumer.c ---- */
struct emb_consumer;
struct emb_assignment {
    struct emb_assignment *next;
    struct emb_partition *partition;
    struct emb_consumer *owner;  /* Who may fetch; NULL between two owners. */
    struct emb_consumer *target; /* Who should. */
    int64_t position;
    uint64_t seeks; /* Counts seeks, so that a fetch under way does not undo one. */
    uint64_t woken; /* Of the owner's wakes, those this fetch has seen. */
};
struct emb_consumer {
    struct rt_bus_consumer base;
    struct emb_consumer *next; /* In its group, in the order of joining. */
    struct emb_group *group;
    struct rt_bus_consumer_options options; /* `topics` and `group` are not kept. */
    struct emb_topic **topics;
    size_t n_topics;
    uint64_t wakes;
    uint64_t poll_woken;
    bool closing;
};
struct emb_group {
    struct emb_group *next;
    char *name;
    struct emb_consumer *members;
    struct emb_assignment *assignments;
};
/* Under the lock. */
int emb_group_join(struct emb_bus *bus, struct emb_consumer *consumer, const char *name);
void emb_group_leave(struct emb_bus *bus, struct emb_consumer *consumer);
void emb_group_rebalance(struct emb_bus *bus, struct emb_group *group);
struct emb_assignment *emb_group_find(struct emb_group *group, const struct emb_topic *topic,
                                      int32_t partition);
void emb_groups_free(struct emb_bus *bus);

int emb_consumer_open(struct rt_bus *base, const struct rt_bus_consumer_options *options,
                      struct rt_bus_consumer **ret, struct segs_error *reterr);
void emb_consumer_close(struct rt_bus_consumer *base);
int emb_poll(struct rt_bus_consumer *base, int64_t timeout_ms, struct segs_error *reterr);
int emb_fetch(struct rt_bus_consumer *base, const char *topic, int32_t partition,
              size_t max_messages, int64_t timeout_ms, struct rt_bus_batch *batch,
              struct segs_error *reterr);
int emb_seek(struct rt_bus_consumer *base, const char *topic, int32_t partition, int64_t offset,
             struct segs_error *reterr);
void emb_wake(struct rt_bus_consumer *base);
int emb_commit(struct rt_bus_consumer *base, const char *topic, int32_t partition,
               int64_t next_offset, struct segs_error *reterr);

#endif
