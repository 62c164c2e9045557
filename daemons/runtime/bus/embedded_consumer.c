#include <stdlib.h>
#include <string.h>

#include "runtime/bus/embedded_internal.h"

/* How often a read-only bus looks for what another process wrote. */
enum { LOOK_AGAIN_MS = 100 };

static struct emb_bus *bus_of(const struct emb_consumer *consumer)
{
    return (struct emb_bus *)consumer->base.bus;
}

static void consumer_free(struct emb_consumer *consumer)
{
    if (!consumer)
        return;
    free(consumer->topics);
    free(consumer);
}

int emb_consumer_open(struct rt_bus *base, const struct rt_bus_consumer_options *options,
                      struct rt_bus_consumer **ret, struct segs_error *reterr)
{
    struct emb_bus *bus = (struct emb_bus *)base;
    struct emb_consumer *consumer = calloc(1, sizeof *consumer);
    int r;

    if (consumer)
        consumer->topics = calloc(options->n_topics, sizeof(struct emb_topic *));
    if (!consumer || !consumer->topics) {
        consumer_free(consumer);
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a consumer");
    }
    consumer->base.bus = base;
    consumer->options = *options;
    consumer->options.topics = NULL;
    consumer->options.group = NULL;
    consumer->n_topics = options->n_topics;
    for (size_t i = 0; i < options->n_topics; i++) {
        const struct emb_partition *first = emb_partition_find(bus, options->topics[i], 0, reterr);

        if (!first) {
            consumer_free(consumer);
            return SEGS_ENOTFOUND;
        }
        consumer->topics[i] = first->topic;
    }
    (void)pthread_mutex_lock(&bus->lock);
    r = emb_group_join(bus, consumer, options->group);
    (void)pthread_mutex_unlock(&bus->lock);
    if (r < 0) {
        consumer_free(consumer);
        return rt_fail(reterr, r, NULL, "no memory for a consumer");
    }
    *ret = &consumer->base;
    return 0;
}

/* ---- Membership ---- */

static int committed_offset(struct emb_bus *bus, const struct emb_consumer *consumer,
                            const struct emb_partition *partition, int64_t *ret,
                            struct segs_error *reterr)
{
    static const char sql[] =
        "SELECT next_offset FROM group_offset WHERE group_name=?1 AND partition_id=?2";
    struct emb_reader *reader = NULL;
    sqlite3_stmt *stmt = NULL;
    int rc;
    int r = emb_reader_take(bus, &reader, reterr);

    if (r < 0)
        return r;
    r = rt_sqlite_prepare(emb_reader_db(reader), sql, &stmt, reterr);
    if (r == 0) {
        (void)sqlite3_bind_text(stmt, 1, consumer->group->name, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(stmt, 2, partition->id);
        rc = sqlite3_step(stmt);
        *ret = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
            r = rt_sqlite_fail(emb_reader_db(reader), rc, "reading a group's offset", reterr);
        (void)sqlite3_finalize(stmt);
    }
    emb_reader_put(bus, reader);
    return r;
}

/* Under the lock, which is let go around the callback. */
static void give_back(struct emb_bus *bus, struct emb_consumer *consumer, struct emb_assignment *a)
{
    if (consumer->options.on_revoked) {
        (void)pthread_mutex_unlock(&bus->lock);
        consumer->options.on_revoked(a->partition->topic->name, a->partition->index,
                                     consumer->options.user);
        (void)pthread_mutex_lock(&bus->lock);
    }
    a->owner = NULL;
    (void)pthread_cond_broadcast(&a->partition->appended);
    (void)pthread_cond_broadcast(&bus->membership);
}

/* As above. Nobody else touches an assignment whose target is this consumer and that nobody owns. */
static int take_over(struct emb_bus *bus, struct emb_consumer *consumer, struct emb_assignment *a,
                     struct segs_error *reterr)
{
    int64_t committed = -1;
    int r;

    (void)pthread_mutex_unlock(&bus->lock);
    r = committed_offset(bus, consumer, a->partition, &committed, reterr);
    (void)pthread_mutex_lock(&bus->lock);
    if (r < 0)
        return r;
    if (a->target != consumer)
        return 0;
    a->owner = consumer;
    a->position = committed >= 0 ? committed : a->partition->first;
    a->woken = consumer->wakes;
    if (consumer->options.on_assigned) {
        (void)pthread_mutex_unlock(&bus->lock);
        consumer->options.on_assigned(a->partition->topic->name, a->partition->index,
                                      consumer->options.user);
        (void)pthread_mutex_lock(&bus->lock);
    }
    return 0;
}

/* 1 when something changed hands, 0 when there was nothing to do. Assignments are never removed, so
 * the walk survives the callbacks. */
static int serve(struct emb_bus *bus, struct emb_consumer *consumer, struct segs_error *reterr)
{
    int served = 0;

    for (struct emb_assignment *a = consumer->group->assignments; a; a = a->next) {
        if (a->owner == consumer && a->target != consumer) {
            give_back(bus, consumer, a);
            served = 1;
        }
    }
    for (struct emb_assignment *a = consumer->group->assignments; a; a = a->next) {
        if (!a->owner && a->target == consumer) {
            int r = take_over(bus, consumer, a, reterr);

            if (r < 0)
                return r;
            served = 1;
        }
    }
    return served;
}

int emb_poll(struct rt_bus_consumer *base, int64_t timeout_ms, struct segs_error *reterr)
{
    struct emb_consumer *consumer = (struct emb_consumer *)base;
    struct emb_bus *bus = bus_of(consumer);
    int64_t deadline_ms = rt_deadline_ms(timeout_ms);
    int r;

    (void)pthread_mutex_lock(&bus->lock);
    while ((r = serve(bus, consumer, reterr)) == 0 && consumer->poll_woken == consumer->wakes &&
           rt_monotonic_ms() < deadline_ms)
        rt_cond_wait_until(&bus->membership, &bus->lock, deadline_ms);
    consumer->poll_woken = consumer->wakes;
    (void)pthread_mutex_unlock(&bus->lock);
    return r < 0 ? r : 0;
}

void emb_consumer_close(struct rt_bus_consumer *base)
{
    struct emb_consumer *consumer = (struct emb_consumer *)base;
    struct emb_bus *bus = bus_of(consumer);

    (void)pthread_mutex_lock(&bus->lock);
    consumer->closing = true;
    emb_group_rebalance(bus, consumer->group);
    for (struct emb_assignment *a = consumer->group->assignments; a; a = a->next) {
        if (a->owner == consumer)
            give_back(bus, consumer, a);
    }
    emb_group_leave(bus, consumer);
    (void)pthread_mutex_unlock(&bus->lock);
    consumer_free(consumer);
}

void emb_wake(struct rt_bus_consumer *base)
{
    struct emb_consumer *consumer = (struct emb_consumer *)base;
    struct emb_bus *bus = bus_of(consumer);

    (void)pthread_mutex_lock(&bus->lock);
    consumer->wakes++;
    for (struct emb_assignment *a = consumer->group->assignments; a; a = a->next) {
        if (a->owner == consumer)
            (void)pthread_cond_broadcast(&a->partition->appended);
    }
    (void)pthread_cond_broadcast(&bus->membership);
    (void)pthread_mutex_unlock(&bus->lock);
}

/* ---- Reading and progress of an assigned partition ---- */

/* Under the lock. */
static struct emb_assignment *owned(struct emb_consumer *consumer, const char *topic_name,
                                    int32_t partition, struct segs_error *reterr)
{
    const struct emb_topic *topic = emb_topic_find(bus_of(consumer), topic_name);
    struct emb_assignment *a = topic ? emb_group_find(consumer->group, topic, partition) : NULL;

    if (a && a->owner == consumer)
        return a;
    (void)rt_fail(reterr, RT_EFENCED, "partition", "partition %d of %s is not assigned here",
                  (int)partition, topic_name);
    return NULL;
}

static int gap(const struct emb_assignment *a, struct segs_error *reterr)
{
    return rt_fail(reterr, SEGS_ERANGE, "offset",
                   "offset %lld of %s/%d was asked for, the log holds %lld to %lld",
                   (long long)a->position, a->partition->topic->name, (int)a->partition->index,
                   (long long)a->partition->first, (long long)a->partition->next);
}

/* Under the lock: wait for something to read. A read-only bus hears of nothing and has to look. */
static int wait_for_messages(struct emb_bus *bus, struct emb_consumer *consumer,
                             struct emb_assignment *a, int64_t deadline_ms,
                             struct segs_error *reterr)
{
    while (a->owner == consumer && a->woken == consumer->wakes &&
           a->position == a->partition->next && rt_monotonic_ms() < deadline_ms) {
        int64_t until_ms = deadline_ms;

        if (bus->read_only && until_ms > rt_deadline_ms(LOOK_AGAIN_MS))
            until_ms = rt_deadline_ms(LOOK_AGAIN_MS);
        rt_cond_wait_until(&a->partition->appended, &bus->lock, until_ms);
        if (bus->read_only) {
            int r;

            (void)pthread_mutex_unlock(&bus->lock);
            r = emb_refresh(bus, reterr);
            (void)pthread_mutex_lock(&bus->lock);
            if (r < 0)
                return r;
        }
    }
    if (a->owner != consumer)
        return rt_fail(reterr, RT_EFENCED, "partition",
                       "the partition was given to another member");
    a->woken = consumer->wakes;
    if (a->position < a->partition->first || a->position > a->partition->next)
        return gap(a, reterr);
    return 0;
}

/* Under the lock: what was read counts unless the world changed meanwhile. */
static int accept_batch(struct emb_consumer *consumer, struct emb_assignment *a, uint64_t seeks,
                        struct rt_bus_batch *batch, struct segs_error *reterr)
{
    if (a->owner != consumer || a->seeks != seeks || batch->n == 0) {
        batch->n = 0;
        return 0;
    }
    /* Retention may have passed by between looking and reading. */
    if (batch->messages[0].offset != a->position) {
        batch->n = 0;
        return gap(a, reterr);
    }
    a->position = batch->messages[batch->n - 1].offset + 1;
    return 0;
}

int emb_fetch(struct rt_bus_consumer *base, const char *topic, int32_t partition,
              size_t max_messages, int64_t timeout_ms, struct rt_bus_batch *batch,
              struct segs_error *reterr)
{
    struct emb_consumer *consumer = (struct emb_consumer *)base;
    struct emb_bus *bus = bus_of(consumer);
    int64_t deadline_ms = rt_deadline_ms(timeout_ms);
    struct emb_assignment *a;
    int r = RT_EFENCED;

    batch->n = 0;
    (void)pthread_mutex_lock(&bus->lock);
    a = owned(consumer, topic, partition, reterr);
    if (a)
        r = wait_for_messages(bus, consumer, a, deadline_ms, reterr);
    if (r == 0 && a->position < a->partition->next) {
        int64_t position = a->position;
        uint64_t seeks = a->seeks;
        uint64_t there = (uint64_t)(a->partition->next - position);

        /* The file may hold more already, which nobody has been told to be durable yet. */
        if (max_messages > there)
            max_messages = (size_t)there;
        (void)pthread_mutex_unlock(&bus->lock);
        r = emb_read(bus, a->partition, position, max_messages, batch, reterr);
        (void)pthread_mutex_lock(&bus->lock);
        if (r == 0)
            r = accept_batch(consumer, a, seeks, batch, reterr);
    }
    (void)pthread_mutex_unlock(&bus->lock);
    return r;
}

int emb_seek(struct rt_bus_consumer *base, const char *topic, int32_t partition, int64_t offset,
             struct segs_error *reterr)
{
    struct emb_consumer *consumer = (struct emb_consumer *)base;
    struct emb_bus *bus = bus_of(consumer);
    struct emb_assignment *a;

    (void)pthread_mutex_lock(&bus->lock);
    a = owned(consumer, topic, partition, reterr);
    if (a) {
        a->position = offset;
        a->seeks++;
        (void)pthread_cond_broadcast(&a->partition->appended);
    }
    (void)pthread_mutex_unlock(&bus->lock);
    return a ? 0 : RT_EFENCED;
}

int emb_commit(struct rt_bus_consumer *base, const char *topic, int32_t partition,
               int64_t next_offset, struct segs_error *reterr)
{
    struct emb_consumer *consumer = (struct emb_consumer *)base;
    struct emb_bus *bus = bus_of(consumer);
    const struct emb_assignment *a;
    struct emb_job job;
    int r;

    if (bus->read_only)
        return rt_fail(reterr, SEGS_ENOTSUP, NULL, "the bus is open for reading only");
    (void)pthread_mutex_lock(&bus->lock);
    a = owned(consumer, topic, partition, reterr);
    (void)pthread_mutex_unlock(&bus->lock);
    if (!a)
        return RT_EFENCED;
    emb_job_init(&job, EMB_OFFSET);
    job.group = consumer->group->name;
    job.partition_id = a->partition->id;
    job.next_offset = next_offset;
    r = emb_submit(bus, &job, -1, NULL, reterr);
    (void)pthread_cond_destroy(&job.done);
    return r;
}
