#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/bus/embedded_internal.h"
#include "runtime/metrics.h"

static void find_metrics(struct rt_metrics *metrics, struct emb_topic *topic)
{
    const char *messages = "segs_bus_messages_total";
    const char *messages_help = "Messages appended to (in) and fetched from (out) a topic.";
    const char *bytes = "segs_bus_bytes_total";
    const char *bytes_help = "Bytes of keys and values appended to (in) and fetched from (out).";

    if (!metrics)
        return;
    topic->messages_in = rt_counter(metrics, messages, messages_help,
                                    RT_LABELS("topic", topic->name, "direction", "in"));
    topic->messages_out = rt_counter(metrics, messages, messages_help,
                                     RT_LABELS("topic", topic->name, "direction", "out"));
    topic->bytes_in =
        rt_counter(metrics, bytes, bytes_help, RT_LABELS("topic", topic->name, "direction", "in"));
    topic->bytes_out =
        rt_counter(metrics, bytes, bytes_help, RT_LABELS("topic", topic->name, "direction", "out"));
}

struct emb_topic *emb_topic_new(struct emb_bus *bus, const char *name, int32_t n)
{
    struct emb_topic *topic = calloc(1, sizeof *topic);
    size_t len = strlen(name) + 1;

    if (!topic)
        return NULL;
    topic->name = malloc(len);
    topic->partitions = calloc((size_t)n, sizeof *topic->partitions);
    if (!topic->name || !topic->partitions) {
        free(topic->name);
        free(topic->partitions);
        free(topic);
        return NULL;
    }
    memcpy(topic->name, name, len);
    topic->n = n;
    for (int32_t i = 0; i < n; i++) {
        topic->partitions[i].topic = topic;
        topic->partitions[i].index = i;
        rt_cond_init(&topic->partitions[i].appended);
    }
    find_metrics(bus->metrics, topic);
    return topic;
}

void emb_topic_free(struct emb_topic *topic)
{
    if (!topic)
        return;
    for (int32_t i = 0; i < topic->n; i++) {
        (void)sqlite3_finalize(topic->partitions[i].insert);
        (void)sqlite3_finalize(topic->partitions[i].insert_many);
        (void)pthread_cond_destroy(&topic->partitions[i].appended);
    }
    free(topic->partitions);
    free(topic->name);
    free(topic);
}

/* ---- What the file says ---- */

static void adopt(struct emb_partition *partition, sqlite3_stmt *row)
{
    partition->id = sqlite3_column_int64(row, 5);
    partition->first = partition->w_first = sqlite3_column_int64(row, 7);
    partition->next = partition->w_next = sqlite3_column_int64(row, 8);
    partition->w_bytes = sqlite3_column_int64(row, 9);
}

static int take_row(struct emb_bus *bus, sqlite3_stmt *row, struct segs_error *reterr)
{
    const char *name = (const char *)sqlite3_column_text(row, 1);
    int32_t n = sqlite3_column_int(row, 2);
    int32_t index = sqlite3_column_int(row, 6);
    struct emb_topic *topic;

    if (!name || n < 1 || index < 0 || index >= n)
        return rt_fail(reterr, SEGS_EINTERNAL, NULL, "bus.db lists an impossible topic partition");
    topic = emb_topic_find(bus, name);
    if (!topic) {
        topic = emb_topic_new(bus, name, n);
        if (!topic)
            return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for topic %s", name);
        topic->id = sqlite3_column_int64(row, 0);
        topic->next = bus->topics;
        bus->topics = topic;
    }
    topic->retention_ms = sqlite3_column_int64(row, 3);
    topic->retention_bytes = sqlite3_column_int64(row, 4);
    adopt(&topic->partitions[index], row);
    if (bus->next_topic_id <= topic->id)
        bus->next_topic_id = topic->id + 1;
    if (bus->next_partition_id <= topic->partitions[index].id)
        bus->next_partition_id = topic->partitions[index].id + 1;
    return 0;
}

int emb_topics_load(struct emb_bus *bus, sqlite3 *db, struct segs_error *reterr)
{
    static const char sql[] =
        "SELECT t.id, t.name, t.n_partitions, t.retention_ms, t.retention_bytes, p.id, p.partition,"
        " p.first_offset, p.next_offset, p.bytes"
        " FROM topic t JOIN topic_partition p ON p.topic_id = t.id";
    sqlite3_stmt *row = NULL;
    int r = rt_sqlite_prepare(db, sql, &row, reterr);
    int rc = SQLITE_DONE;

    if (r < 0)
        return r;
    (void)pthread_mutex_lock(&bus->lock);
    while (r == 0 && (rc = sqlite3_step(row)) == SQLITE_ROW)
        r = take_row(bus, row, reterr);
    (void)pthread_mutex_unlock(&bus->lock);
    if (r == 0 && rc != SQLITE_DONE)
        r = rt_sqlite_fail(db, rc, "reading the list of topics", reterr);
    (void)sqlite3_finalize(row);
    return r;
}

/* ---- Creating and changing ---- */

static int run_bound(sqlite3 *db, const char *sql, const char *text, const int64_t *numbers, int n)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    int at = 1;

    if (rc != SQLITE_OK)
        return rc;
    if (text)
        (void)sqlite3_bind_text(stmt, at++, text, -1, SQLITE_STATIC);
    for (int i = 0; i < n; i++)
        (void)sqlite3_bind_int64(stmt, at++, numbers[i]);
    (void)sqlite3_step(stmt);
    return sqlite3_finalize(stmt);
}

static int create_partition(sqlite3 *db, const struct emb_partition *partition)
{
    const int64_t numbers[] = { partition->id, partition->topic->id, partition->index };
    char sql[256];
    int rc =
        run_bound(db, "INSERT INTO topic_partition VALUES (?1, ?2, ?3, 0, 0, 0)", NULL, numbers, 3);

    if (rc != SQLITE_OK)
        return rc;
    (void)snprintf(sql, sizeof sql,
                   "CREATE TABLE log_%lld (offset INTEGER PRIMARY KEY, ts_ms INTEGER NOT NULL,"
                   " key BLOB, value BLOB, content_type TEXT, traceparent TEXT) STRICT",
                   (long long)partition->id);
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int emb_topic_write(struct emb_bus *bus, const struct emb_job *job)
{
    const struct emb_topic *topic = job->topic;
    const int64_t created[] = { topic->id, topic->n, job->retention_ms, job->retention_bytes };
    const int64_t changed[] = { topic->id, job->retention_ms, job->retention_bytes };
    int rc;

    if (!job->is_new)
        return run_bound(bus->db,
                         "UPDATE topic SET retention_ms = ?2, retention_bytes = ?3 WHERE id = ?1",
                         NULL, changed, 3);
    rc = run_bound(bus->db,
                   "INSERT INTO topic (name, id, n_partitions, retention_ms, retention_bytes)"
                   " VALUES (?1, ?2, ?3, ?4, ?5)",
                   topic->name, created, 4);
    for (int32_t i = 0; rc == SQLITE_OK && i < topic->n; i++)
        rc = create_partition(bus->db, &topic->partitions[i]);
    return rc;
}

/* Numbers are given under topic_lock, and used up only when the topic is in the file. */
static int create(struct emb_bus *bus, struct emb_job *job, const struct rt_bus_topic *wanted,
                  struct segs_error *reterr)
{
    struct emb_topic *topic = emb_topic_new(bus, wanted->name, wanted->n_partitions);
    int r;

    if (!topic)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for topic %s", wanted->name);
    topic->id = bus->next_topic_id;
    for (int32_t i = 0; i < topic->n; i++)
        topic->partitions[i].id = bus->next_partition_id + i;
    job->topic = topic;
    job->is_new = true;
    r = emb_submit(bus, job, -1, NULL, reterr);
    if (r < 0) {
        emb_topic_free(topic);
        return r;
    }
    bus->next_topic_id++;
    bus->next_partition_id += topic->n;
    return 0;
}

static int ensure(struct emb_bus *bus, const struct rt_bus_topic *wanted, struct emb_job *job,
                  struct segs_error *reterr)
{
    int64_t has_ms = 0;
    int64_t has_bytes = 0;

    (void)pthread_mutex_lock(&bus->lock);
    job->topic = emb_topic_find(bus, wanted->name);
    if (job->topic) {
        has_ms = job->topic->retention_ms;
        has_bytes = job->topic->retention_bytes;
    }
    (void)pthread_mutex_unlock(&bus->lock);

    if (job->topic && job->topic->n != wanted->n_partitions)
        return rt_fail(reterr, SEGS_ECONFLICT, "n_partitions",
                       "topic %s has %d partitions, %d were asked for; another count would move "
                       "keys to other partitions",
                       wanted->name, (int)job->topic->n, (int)wanted->n_partitions);
    if (job->topic && has_ms == wanted->retention_ms && has_bytes == wanted->retention_bytes)
        return 0;
    if (bus->read_only)
        return rt_fail(reterr, SEGS_ENOTSUP, NULL, "the bus is open for reading only");
    job->retention_ms = wanted->retention_ms;
    job->retention_bytes = wanted->retention_bytes;
    return job->topic ? emb_submit(bus, job, -1, NULL, reterr) : create(bus, job, wanted, reterr);
}

int emb_topic_ensure(struct rt_bus *base, const struct rt_bus_topic *topic,
                     struct segs_error *reterr)
{
    struct emb_bus *bus = (struct emb_bus *)base;
    struct emb_job job;
    int r;

    emb_job_init(&job, EMB_TOPIC);
    (void)pthread_mutex_lock(&bus->topic_lock);
    r = ensure(bus, topic, &job, reterr);
    (void)pthread_mutex_unlock(&bus->topic_lock);
    (void)pthread_cond_destroy(&job.done);
    return r;
}
