/* The writer: takes everything that waits, writes it as one transaction, commits, and tells each
 * caller the outcome. One fsync serves all who wait, so throughput grows with the load. */
#include <stdlib.h>
#include <string.h>

#include "runtime/bus/embedded_internal.h"
#include "runtime/failpoint.h"
#include "runtime/metrics.h"

/* Ours: a group stays small enough that its last caller does not wait for half a second of writing.
 */
enum { GROUP_BYTES = 8 << 20, HOUSEKEEPING_MS = 1000, ROWS_AT_ONCE = 16 };

/* ---- Inside the transaction ---- */

static int step(sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);

    (void)sqlite3_reset(stmt);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* "INSERT INTO log_7 VALUES (?,?,?,?,?,?),(?,?,?,?,?,?)..." */
static int prepare_insert(struct emb_bus *bus, const struct emb_partition *partition, int n_rows,
                          sqlite3_stmt **stmt)
{
    char sql[64 + ROWS_AT_ONCE * 16];
    int len;

    if (*stmt)
        return SQLITE_OK;
    (void)sqlite3_snprintf((int)sizeof sql, sql, "INSERT INTO log_%lld VALUES",
                           (long long)partition->id);
    len = (int)strlen(sql);
    for (int i = 0; i < n_rows; i++, len += (int)strlen(sql + len))
        (void)sqlite3_snprintf((int)sizeof sql - len, sql + len, "%s(?,?,?,?,?,?)", i ? "," : " ");
    return sqlite3_prepare_v3(bus->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
}

static void bind_item(sqlite3_stmt *stmt, int at, const struct emb_item *item, int64_t offset)
{
    (void)sqlite3_bind_int64(stmt, at + 1, offset);
    (void)sqlite3_bind_int64(stmt, at + 2, item->ts_ms);
    (void)sqlite3_bind_blob(stmt, at + 3, item->key, (int)item->key_len, SQLITE_STATIC);
    (void)sqlite3_bind_blob(stmt, at + 4, item->value, (int)item->value_len, SQLITE_STATIC);
    (void)sqlite3_bind_text(stmt, at + 5, item->content_type, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(stmt, at + 6, item->traceparent, -1, SQLITE_STATIC);
}

/* `n` items of one partition; a statement of many rows costs half of as many statements. */
static int write_run(struct emb_bus *bus, const struct emb_item *items, size_t n)
{
    struct emb_partition *partition = items[0].partition;

    partition->w_touched = true;
    for (size_t i = 0; i < n;) {
        int rows = n - i >= ROWS_AT_ONCE ? ROWS_AT_ONCE : 1;
        sqlite3_stmt **stmt = rows > 1 ? &partition->insert_many : &partition->insert;
        int rc = prepare_insert(bus, partition, rows, stmt);

        if (rc != SQLITE_OK)
            return rc;
        for (int row = 0; row < rows; row++, i++) {
            bind_item(*stmt, row * 6, &items[i], partition->w_next++);
            partition->w_bytes +=
                (int64_t)(items[i].key_len + items[i].value_len) + EMB_MESSAGE_OVERHEAD;
        }
        rc = step(*stmt);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

static int write_messages(struct emb_bus *bus, const struct emb_job *job)
{
    int rc = SQLITE_OK;

    for (size_t i = 0; i < job->n && rc == SQLITE_OK;) {
        size_t end = i + 1;

        while (end < job->n && job->items[end].partition == job->items[i].partition)
            end++;
        rc = write_run(bus, &job->items[i], end - i);
        i = end;
    }
    return rc;
}

static int write_offset(struct emb_bus *bus, const struct emb_job *job)
{
    (void)sqlite3_bind_text(bus->update_group, 1, job->group, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(bus->update_group, 2, job->partition_id);
    (void)sqlite3_bind_int64(bus->update_group, 3, job->next_offset);
    return step(bus->update_group);
}

int emb_partition_save(struct emb_bus *bus, const struct emb_partition *partition)
{
    (void)sqlite3_bind_int64(bus->update_partition, 1, partition->id);
    (void)sqlite3_bind_int64(bus->update_partition, 2, partition->w_first);
    (void)sqlite3_bind_int64(bus->update_partition, 3, partition->w_next);
    (void)sqlite3_bind_int64(bus->update_partition, 4, partition->w_bytes);
    return step(bus->update_partition);
}

static int write_jobs(struct emb_bus *bus, const struct emb_job *jobs)
{
    int rc = SQLITE_OK;

    for (const struct emb_job *job = jobs; job && rc == SQLITE_OK; job = job->next) {
        if (job->kind == EMB_PRODUCE)
            rc = write_messages(bus, job);
        else if (job->kind == EMB_OFFSET)
            rc = write_offset(bus, job);
        else
            rc = emb_topic_write(bus, job);
    }
    for (struct emb_topic *t = bus->topics; t && rc == SQLITE_OK; t = t->next) {
        for (int32_t i = 0; i < t->n && rc == SQLITE_OK; i++) {
            if (t->partitions[i].w_touched)
                rc = emb_partition_save(bus, &t->partitions[i]);
        }
    }
    return rc;
}

/* ---- Around the transaction ---- */

/* A write whose only purpose is to be committed. After a commit that failed it also takes the place
 * of the failed one in the WAL, so that not even a crash can bring that one back. */
static int write_nothing_new(struct emb_bus *bus)
{
    if (rt_failpoint("bus.enospc"))
        return SQLITE_FULL;
    return sqlite3_exec(bus->db, "PRAGMA user_version=1", NULL, NULL, NULL);
}

/* What the file says if the group's transaction is in it, and what it says then. */
static bool evidence(const struct emb_job *jobs, char *sql, int size, int64_t *ret_expected)
{
    for (const struct emb_job *job = jobs; job; job = job->next) {
        if (job->kind == EMB_PRODUCE) {
            (void)sqlite3_snprintf(size, sql,
                                   "SELECT next_offset FROM topic_partition WHERE id=%lld",
                                   (long long)job->items[0].partition->id);
            *ret_expected = job->items[0].partition->w_next;
            return true;
        }
        if (job->kind == EMB_TOPIC && job->is_new) {
            (void)sqlite3_snprintf(size, sql, "SELECT count(*) FROM topic WHERE id=%lld",
                                   (long long)job->topic->id);
            *ret_expected = 1;
            return true;
        }
    }
    return false;
}

/* Whether a commit that reported failure happened, by what the file says now. */
static enum rt_bus_outcome look(struct emb_bus *bus, const struct emb_job *jobs)
{
    int64_t expected = 0;
    int64_t found;
    char sql[96];

    /* A group of offsets alone leaves no trace to look for, and is safe to repeat. */
    if (evidence(jobs, sql, (int)sizeof sql, &expected)) {
        if (rt_sqlite_int(bus->db, sql, -1, &found, NULL) < 0)
            return RT_BUS_UNKNOWN;
        if (found == expected)
            return RT_BUS_DURABLE;
    }
    return write_nothing_new(bus) == SQLITE_OK ? RT_BUS_NOT_PERSISTED : RT_BUS_UNKNOWN;
}

/* Only a failed sync leaves it open whether the commit is on the disk: while frames are still being
 * written, the last of them, which makes the others count, is not there yet. */
static bool is_ambiguous(int rc)
{
    return (rc & 0xff) == SQLITE_IOERR && rc != SQLITE_IOERR_WRITE;
}

static int commit(struct emb_bus *bus)
{
    int rc;

    if (rt_failpoint("bus.before_commit"))
        return SQLITE_IOERR_FSYNC;
    rc = step(bus->commit);
    if (rc == SQLITE_OK && rt_failpoint("bus.after_commit"))
        return SQLITE_IOERR_FSYNC;
    return rc;
}

/* Returns the outcome of all jobs; *ret_rc is the failure to report, SQLITE_OK when durable. */
static enum rt_bus_outcome write_group(struct emb_bus *bus, const struct emb_job *jobs, int *ret_rc)
{
    enum rt_bus_outcome outcome = RT_BUS_NOT_PERSISTED;
    bool committing = false;
    int rc = step(bus->begin);

    if (rc == SQLITE_OK && rt_failpoint("bus.enospc"))
        rc = SQLITE_FULL;
    if (rc == SQLITE_OK)
        rc = write_jobs(bus, jobs);
    if (rc == SQLITE_OK) {
        committing = true;
        rc = commit(bus);
    }
    if (rc != SQLITE_OK) {
        /* A failing statement may have rolled back already. */
        if (!sqlite3_get_autocommit(bus->db))
            (void)step(bus->rollback);
        if (committing && is_ambiguous(rc))
            outcome = look(bus, jobs);
    } else {
        outcome = RT_BUS_DURABLE;
    }
    *ret_rc = outcome == RT_BUS_DURABLE ? SQLITE_OK : rc;
    return outcome;
}

/* ---- Telling the others; under the lock ---- */

static void publish_partition(struct emb_partition *partition, bool keep)
{
    if (!partition->w_touched)
        return;
    partition->w_touched = false;
    if (!keep)
        return;
    partition->first = partition->w_first;
    partition->next = partition->w_next;
    (void)pthread_cond_broadcast(&partition->appended);
}

void emb_publish(struct emb_bus *bus, bool keep)
{
    for (struct emb_topic *topic = bus->topics; topic; topic = topic->next) {
        for (int32_t i = 0; i < topic->n; i++)
            publish_partition(&topic->partitions[i], keep);
    }
}

static void publish_topic(struct emb_bus *bus, const struct emb_job *job)
{
    job->topic->retention_ms = job->retention_ms;
    job->topic->retention_bytes = job->retention_bytes;
    if (job->is_new) {
        job->topic->next = bus->topics;
        bus->topics = job->topic;
    }
}

static void count_in(const struct emb_job *job)
{
    uint64_t bytes = 0;

    if (!job->topic->messages_in)
        return;
    for (size_t i = 0; i < job->n; i++)
        bytes += job->items[i].key_len + job->items[i].value_len;
    rt_counter_add(job->topic->messages_in, job->n);
    rt_counter_add(job->topic->bytes_in, bytes);
}

static void finish_job(struct emb_bus *bus, struct emb_job *job, enum rt_bus_outcome outcome, int r,
                       const struct segs_error *err)
{
    bus->queued_bytes -= job->bytes;
    if (outcome == RT_BUS_DURABLE && job->kind == EMB_TOPIC)
        publish_topic(bus, job);
    if (outcome == RT_BUS_DURABLE && job->kind == EMB_PRODUCE)
        count_in(job);
    if (job->abandoned) {
        emb_job_free(job);
        return;
    }
    job->outcome = outcome;
    job->r = r;
    if (r < 0)
        job->err = *err;
    job->state = EMB_DONE;
    (void)pthread_cond_signal(&job->done);
}

static void finish_group(struct emb_bus *bus, struct emb_job *jobs, enum rt_bus_outcome outcome,
                         int rc)
{
    struct segs_error err = { 0 };
    struct emb_job *next;
    int r = 0;

    if (outcome != RT_BUS_DURABLE) {
        r = rt_sqlite_fail(bus->db, rc, "writing the log", &err);
        bus->reload = true;
    }
    (void)pthread_mutex_lock(&bus->lock);
    bus->up = outcome == RT_BUS_DURABLE;
    emb_publish(bus, outcome == RT_BUS_DURABLE);
    for (struct emb_job *job = jobs; job; job = next) {
        next = job->next;
        finish_job(bus, job, outcome, r, &err);
    }
    (void)pthread_mutex_unlock(&bus->lock);
}

/* ---- The thread ---- */

/* Under the lock. */
static struct emb_job *take_group(struct emb_bus *bus)
{
    struct emb_job *jobs = bus->first_job;
    struct emb_job *last = NULL;
    int64_t bytes = 0;

    while (bus->first_job && (!last || bytes + bus->first_job->bytes <= GROUP_BYTES)) {
        last = bus->first_job;
        last->state = EMB_WRITING;
        bytes += last->bytes;
        bus->first_job = last->next;
    }
    if (!bus->first_job)
        bus->last_job = NULL;
    if (last)
        last->next = NULL;
    return jobs;
}

/* After a failure, what the file says counts. */
static int reload(struct emb_bus *bus)
{
    int r;

    if (!bus->reload)
        return 0;
    r = emb_topics_load(bus, bus->db, NULL);
    bus->reload = r < 0;
    return r;
}

static void serve_group(struct emb_bus *bus, struct emb_job *jobs)
{
    enum rt_bus_outcome outcome = RT_BUS_NOT_PERSISTED;
    int64_t start_us = rt_monotonic_us();
    int rc = SQLITE_IOERR;

    (void)rt_gate_enter(&bus->gate, INT64_MAX);
    if (reload(bus) == 0)
        outcome = write_group(bus, jobs, &rc);
    rt_gate_leave(&bus->gate);
    if (bus->commit_seconds)
        rt_histogram_observe(bus->commit_seconds, (double)(rt_monotonic_us() - start_us) / 1e6);
    finish_group(bus, jobs, outcome, rc);
}

/* Nobody sends to a bus that is down, so it has to find out on its own that space has returned. */
static void try_again(struct emb_bus *bus)
{
    bool ok;

    (void)rt_gate_enter(&bus->gate, INT64_MAX);
    ok = write_nothing_new(bus) == SQLITE_OK && reload(bus) == 0;
    rt_gate_leave(&bus->gate);
    (void)pthread_mutex_lock(&bus->lock);
    bus->up = ok;
    (void)pthread_mutex_unlock(&bus->lock);
}

static void *write_until_stopped(void *arg)
{
    struct emb_bus *bus = arg;
    int64_t housekeeping_ms = rt_deadline_ms(HOUSEKEEPING_MS);

    for (;;) {
        struct emb_job *jobs;
        bool was_up;

        (void)pthread_mutex_lock(&bus->lock);
        while (!bus->first_job && !bus->stop && rt_monotonic_ms() < housekeeping_ms)
            rt_cond_wait_until(&bus->work, &bus->lock, housekeeping_ms);
        if (bus->queue_gauge)
            rt_gauge_set(bus->queue_gauge, (double)bus->queued_bytes);
        jobs = take_group(bus);
        was_up = bus->up;
        if (!jobs && bus->stop) {
            (void)pthread_mutex_unlock(&bus->lock);
            return NULL;
        }
        (void)pthread_mutex_unlock(&bus->lock);

        if (jobs)
            serve_group(bus, jobs);
        if (rt_monotonic_ms() < housekeeping_ms)
            continue;
        if (!was_up)
            try_again(bus);
        /* A piece at a time: while there is more, the next comes after the next group. */
        if (!emb_retention_step(bus))
            housekeeping_ms = rt_deadline_ms(HOUSEKEEPING_MS);
    }
}

int emb_writer_start(struct emb_bus *bus, struct segs_error *reterr)
{
    int r;

    if ((r = rt_sqlite_prepare(bus->db, "BEGIN IMMEDIATE", &bus->begin, reterr)) < 0 ||
        (r = rt_sqlite_prepare(bus->db, "COMMIT", &bus->commit, reterr)) < 0 ||
        (r = rt_sqlite_prepare(bus->db, "ROLLBACK", &bus->rollback, reterr)) < 0 ||
        (r = rt_sqlite_prepare(bus->db,
                               "UPDATE topic_partition SET first_offset=?2, next_offset=?3,"
                               " bytes=?4 WHERE id=?1",
                               &bus->update_partition, reterr)) < 0 ||
        (r = rt_sqlite_prepare(bus->db,
                               "INSERT INTO group_offset VALUES (?1,?2,?3)"
                               " ON CONFLICT DO UPDATE SET next_offset=excluded.next_offset",
                               &bus->update_group, reterr)) < 0)
        return r;
    if (pthread_create(&bus->writer, NULL, write_until_stopped, bus) != 0)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no thread for writing the log");
    bus->writer_runs = true;
    return 0;
}

void emb_writer_stop(struct emb_bus *bus)
{
    if (bus->writer_runs) {
        (void)pthread_mutex_lock(&bus->lock);
        bus->stop = true;
        (void)pthread_cond_signal(&bus->work);
        (void)pthread_mutex_unlock(&bus->lock);
        (void)pthread_join(bus->writer, NULL);
    }
    (void)sqlite3_finalize(bus->begin);
    (void)sqlite3_finalize(bus->commit);
    (void)sqlite3_finalize(bus->rollback);
    (void)sqlite3_finalize(bus->update_partition);
    (void)sqlite3_finalize(bus->update_group);
}
