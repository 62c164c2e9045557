/* The caller's side of the writer: a call becomes one job, which owns a copy of its messages so that
 * a caller whose deadline passes can leave while a slow disk still works on it. */
#include <stdlib.h>
#include <string.h>

#include "runtime/bus/embedded_internal.h"
#include "runtime/metrics.h"

static const char json_type[] = "application/json";

void emb_job_init(struct emb_job *job, enum emb_job_kind kind)
{
    memset(job, 0, sizeof *job);
    job->kind = kind;
    job->outcome = RT_BUS_NOT_PERSISTED;
    rt_cond_init(&job->done);
}

void emb_job_free(struct emb_job *job)
{
    if (!job)
        return;
    (void)pthread_cond_destroy(&job->done);
    free(job);
}

static void enqueue(struct emb_bus *bus, struct emb_job *job)
{
    if (bus->last_job)
        bus->last_job->next = job;
    else
        bus->first_job = job;
    bus->last_job = job;
    bus->queued_bytes += job->bytes;
    (void)pthread_cond_signal(&bus->work);
}

static void dequeue(struct emb_bus *bus, const struct emb_job *job)
{
    struct emb_job *before = NULL;

    for (struct emb_job *j = bus->first_job; j && j != job; j = j->next)
        before = j;
    if (before)
        before->next = job->next;
    else
        bus->first_job = job->next;
    if (bus->last_job == job)
        bus->last_job = before;
    bus->queued_bytes -= job->bytes;
}

/* A job that still waits at the deadline is taken back, and was certainly not written; one that is
 * being written is left to the writer. */
static int give_up(struct emb_bus *bus, struct emb_job *job, int64_t timeout_ms, bool *ret_left,
                   struct segs_error *reterr)
{
    if (job->state == EMB_WAITING) {
        dequeue(bus, job);
        return rt_fail(reterr, RT_ETIMEOUT, NULL, "waited %lld ms for the log without a turn",
                       (long long)timeout_ms);
    }
    job->abandoned = true;
    *ret_left = true;
    return rt_fail(reterr, RT_ETIMEOUT, NULL,
                   "the log did not confirm within %lld ms; it may still happen",
                   (long long)timeout_ms);
}

int emb_submit(struct emb_bus *bus, struct emb_job *job, int64_t timeout_ms, bool *ret_left,
               struct segs_error *reterr)
{
    int64_t deadline_ms = rt_deadline_ms(timeout_ms < 0 ? INT64_MAX : timeout_ms);
    int r;

    (void)pthread_mutex_lock(&bus->lock);
    if (bus->stop) {
        (void)pthread_mutex_unlock(&bus->lock);
        return rt_fail(reterr, RT_ESTOPPING, NULL, "the bus is closing");
    }
    if (job->bytes > bus->max_queue_bytes - bus->queued_bytes) {
        r = rt_fail(reterr, SEGS_EFULL, NULL,
                    "%lld bytes wait for the log already, the limit is %lld",
                    (long long)bus->queued_bytes, (long long)bus->max_queue_bytes);
        (void)pthread_mutex_unlock(&bus->lock);
        return r;
    }
    enqueue(bus, job);
    while (job->state != EMB_DONE && rt_monotonic_ms() < deadline_ms)
        rt_cond_wait_until(&job->done, &bus->lock, deadline_ms);
    if (job->state != EMB_DONE) {
        r = give_up(bus, job, timeout_ms, ret_left, reterr);
    } else {
        r = job->r;
        if (r < 0 && reterr)
            *reterr = job->err;
    }
    (void)pthread_mutex_unlock(&bus->lock);
    return r;
}

/* ---- Building a job ---- */

static bool is_json(const char *content_type)
{
    return !content_type || strcmp(content_type, json_type) == 0;
}

static size_t header_bytes(const struct rt_bus_record *record)
{
    return (is_json(record->content_type) ? 0 : strlen(record->content_type) + 1) +
           (record->traceparent ? strlen(record->traceparent) + 1 : 0);
}

/* The partition of each record, how many go to each partition, and the bytes of all. */
struct plan {
    int32_t *partition; /* n of them. */
    size_t *start;      /* topic->n of them: where each partition's items begin. */
    size_t bytes;
};

static int plan_record(const struct emb_topic *topic, const struct rt_bus_record *record, size_t i,
                       int64_t spread, struct plan *plan, struct segs_error *reterr)
{
    size_t headers = header_bytes(record);
    int r = 0;

    if (record->key_len > RT_BUS_MAX_MESSAGE_BYTES || headers > RT_BUS_MAX_MESSAGE_BYTES ||
        record->value_len > RT_BUS_MAX_MESSAGE_BYTES - record->key_len ||
        headers > RT_BUS_MAX_MESSAGE_BYTES - record->key_len - record->value_len)
        r = rt_fail(reterr, SEGS_ERANGE, "value", "a message has at most %d bytes",
                    RT_BUS_MAX_MESSAGE_BYTES);
    else if ((record->key_len && !record->key) || (record->value_len && !record->value))
        r = rt_fail(reterr, SEGS_EINVAL, "value", "a length without bytes");
    else if (record->partition < -1 || record->partition >= topic->n)
        r = rt_fail(reterr, SEGS_ERANGE, "partition", "topic %s has partitions 0 to %d, found %d",
                    topic->name, (int)topic->n - 1, (int)record->partition);
    if (r < 0) {
        if (reterr)
            reterr->index = (int64_t)i;
        return r;
    }
    if (record->partition >= 0)
        plan->partition[i] = record->partition;
    else if (record->key)
        plan->partition[i] = rt_bus_partition_of(record->key, record->key_len, topic->n);
    else
        plan->partition[i] = (int32_t)(spread % topic->n);
    plan->start[plan->partition[i]]++;
    plan->bytes += record->key_len + record->value_len + headers;
    return 0;
}

static char *keep(char **at, const void *data, size_t len)
{
    char *kept = *at;

    memcpy(kept, data, len);
    *at += len;
    return kept;
}

static void copy_record(struct emb_item *item, const struct rt_bus_record *record, int64_t now_ms,
                        char **at)
{
    item->key_len = record->key_len;
    item->value_len = record->value_len;
    item->ts_ms = record->ts_ms ? record->ts_ms : now_ms;
    item->key = record->key ? keep(at, record->key, record->key_len) : NULL;
    item->value = record->value ? keep(at, record->value, record->value_len) : NULL;
    item->content_type = is_json(record->content_type)
                             ? NULL
                             : keep(at, record->content_type, strlen(record->content_type) + 1);
    item->traceparent =
        record->traceparent ? keep(at, record->traceparent, strlen(record->traceparent) + 1) : NULL;
}

/* Items in partition order: the writer then stays within one table for as long as it can. */
static struct emb_job *job_from_plan(struct emb_bus *bus, struct emb_topic *topic,
                                     const struct rt_bus_record *records, size_t n,
                                     struct plan *plan)
{
    size_t head = sizeof(struct emb_job) + n * sizeof(struct emb_item);
    int64_t now_ms = rt_clock_now_ms(&bus->clock);
    struct emb_job *job = malloc(head + plan->bytes);
    size_t start = 0;
    char *at;

    if (!job)
        return NULL;
    emb_job_init(job, EMB_PRODUCE);
    job->topic = topic;
    job->items = (struct emb_item *)(job + 1);
    job->n = n;
    job->bytes = (int64_t)(head + plan->bytes);
    at = (char *)(job->items + n);
    for (int32_t p = 0; p < topic->n; p++) {
        size_t count = plan->start[p];

        plan->start[p] = start;
        start += count;
    }
    for (size_t i = 0; i < n; i++) {
        struct emb_item *item = &job->items[plan->start[plan->partition[i]]++];

        item->partition = &topic->partitions[plan->partition[i]];
        copy_record(item, &records[i], now_ms, &at);
    }
    return job;
}

static int job_new(struct emb_bus *bus, struct emb_topic *topic,
                   const struct rt_bus_record *records, size_t n, int64_t spread,
                   struct emb_job **ret, struct segs_error *reterr)
{
    struct plan plan = { .partition = malloc(n * sizeof *plan.partition),
                         .start = calloc((size_t)topic->n, sizeof *plan.start) };
    int r = 0;

    if (!plan.partition || !plan.start)
        r = rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for %zu messages", n);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = plan_record(topic, &records[i], i, spread, &plan, reterr);
    if (r == 0) {
        *ret = job_from_plan(bus, topic, records, n, &plan);
        if (!*ret)
            r = rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for %zu messages", n);
    }
    free(plan.partition);
    free(plan.start);
    return r;
}

int emb_produce(struct rt_bus *base, const char *topic_name, struct rt_bus_record *records,
                size_t n, int64_t timeout_ms, struct segs_error *reterr)
{
    struct emb_bus *bus = (struct emb_bus *)base;
    enum rt_bus_outcome outcome = RT_BUS_UNKNOWN;
    bool left = false;
    struct emb_topic *topic;
    struct emb_job *job;
    int64_t spread;
    int r;

    if (bus->read_only)
        return rt_fail(reterr, SEGS_ENOTSUP, NULL, "the bus is open for reading only");
    (void)pthread_mutex_lock(&bus->lock);
    topic = emb_topic_find(bus, topic_name);
    spread = bus->spread;
    bus->spread = (spread + 1) & INT32_MAX;
    (void)pthread_mutex_unlock(&bus->lock);
    if (!topic)
        return rt_fail(reterr, SEGS_ENOTFOUND, "topic", "there is no topic %s", topic_name);

    r = job_new(bus, topic, records, n, spread, &job, reterr);
    if (r < 0)
        return r;
    r = emb_submit(bus, job, timeout_ms < 0 ? 0 : timeout_ms, &left, reterr);
    if (!left) {
        outcome = job->outcome;
        emb_job_free(job);
    }
    for (size_t i = 0; i < n; i++)
        records[i].outcome = outcome;
    return r;
}
