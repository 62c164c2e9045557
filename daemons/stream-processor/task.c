#include "stream-processor/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/failpoint.h"
#include "runtime/log.h"
#include "runtime/metrics.h"
#include "runtime/schema/schema.h"

#define FETCH_MAX 4096
#define FETCH_WAIT_MS 250
#define RETRY_MIN_US 100000
#define RETRY_MAX_US 5000000
/* Bytes of a refused message that quarantine keeps. */
#define PAYLOAD_MAX 16384

/* The fingerprint key is fixed and public: fingerprints find accidents, and everyone who holds log and rows can recompute them. */
static const uint8_t fingerprint_key[16];

/* ---- Messages into the window ---- */

static char *copy_payload(const char *value, size_t len)
{
    size_t kept = len < PAYLOAD_MAX ? len : PAYLOAD_MAX;
    char *copy = malloc(kept + 1);

    if (!copy)
        return NULL;
    for (size_t i = 0; i < kept; i++) /* Text columns end at a NUL, so none may be inside. */
        copy[i] = value[i] ? value[i] : ' ';
    copy[kept] = '\0';
    return copy;
}

static struct pending_reject *reject(struct task *task, const struct rt_bus_message *message)
{
    struct pending_reject *entry = pending_next_reject(&task->pending);

    if (!entry)
        return NULL;
    entry->payload = copy_payload(message->value, message->value_len);
    if (!entry->payload)
        return NULL;
    entry->offset = message->offset;
    entry->received_at_ms = message->ts_ms;
    task->pending.n_rejects++;
    return entry;
}

static int reject_undecodable(struct task *task, const struct rt_bus_message *message,
                              const struct segs_error *err)
{
    struct pending_reject *entry = reject(task, message);

    if (!entry)
        return SEGS_ENOMEM;
    (void)snprintf(entry->rule, sizeof entry->rule, "FORMAT");
    (void)snprintf(entry->field, sizeof entry->field, "%s", err->field);
    (void)snprintf(entry->expected, sizeof entry->expected, "a reading in JSON");
    (void)snprintf(entry->found, sizeof entry->found, "%s", err->message);
    return 0;
}

static int reject_reading(struct task *task, const struct rt_bus_message *message,
                          const struct segs_reading *reading, const char *rule, const char *field,
                          const char *expected, const char *found)
{
    struct pending_reject *entry = reject(task, message);

    if (!entry)
        return SEGS_ENOMEM;
    entry->ts_ms = reading->ts_ms;
    memcpy(entry->meter_id, reading->meter_id, sizeof entry->meter_id);
    (void)snprintf(entry->rule, sizeof entry->rule, "%s", rule);
    (void)snprintf(entry->field, sizeof entry->field, "%s", field);
    (void)snprintf(entry->expected, sizeof entry->expected, "%s", expected);
    (void)snprintf(entry->found, sizeof entry->found, "%s", found);
    return 0;
}

/* 1 when the policy refuses the reading, which then stands in quarantine; warnings pass. */
static int refuse_by_policy(struct task *task, const struct rt_bus_message *message,
                            const struct segs_reading *reading, int64_t now_ms)
{
    struct segs_verdict verdicts[16];
    int n = segs_policy_check(task->policy, reading, NULL, now_ms, verdicts, 16);
    int r;

    for (int i = 0; i < n && i < 16; i++) {
        if (verdicts[i].severity != SEGS_SEVERITY_ERROR)
            continue;
        r = reject_reading(task, message, reading, segs_rule_name(verdicts[i].rule),
                           verdicts[i].field, verdicts[i].expected, verdicts[i].found);
        return r < 0 ? r : 1;
    }
    return n < 0 ? n : 0;
}

static int add_reading(struct task *task, const struct rt_bus_message *message,
                       const struct segs_reading *reading, int64_t now_ms)
{
    struct pending_reading *p = pending_next(&task->pending);
    struct segs_fingerprint hash;
    uint32_t slot = 0;
    int r;

    if (!p)
        return SEGS_ENOMEM;
    r = meters_see(&task->meters, reading, &slot);
    if (r < 0)
        return r;
    (void)segs_reading_hash(reading, fingerprint_key, &hash);
    r = segs_window_add(task->window, slot, reading, &hash, now_ms);
    switch (r) {
    case SEGS_WINDOW_ADDED:
    case SEGS_WINDOW_LATE:
        p->reading = *reading;
        p->hash = hash;
        p->window_start_ms = floor_to(reading->ts_ms, RT_MINUTE_MS);
        p->offset = message->offset;
        p->received_at_ms = message->ts_ms;
        p->meter_slot = slot;
        task->pending.n++;
        return 0;
    case SEGS_WINDOW_DUPLICATE:
        task->pending.n_duplicates++;
        return 0;
    case SEGS_WINDOW_CONFLICT:
        return reject_reading(task, message, reading, "CONFLICT", "timestamp",
                              "one reading a second",
                              "another reading of this second with other values");
    case SEGS_ERANGE:
        return reject_reading(task, message, reading, "RANGE", "", "values that windows can hold",
                              "a time or value beyond what windows can hold");
    default:
        return r;
    }
}

/* The clock that judges a message: when it was appended, so that a second reading of the log judges as the first did, but never ahead of
 * our own clock, so that a producer whose clock is wrong cannot vouch for its own readings. */
static int64_t judging_clock(const struct task *task, const struct rt_bus_message *message)
{
    int64_t now_ms = rt_clock_now_ms(&task->app->clock);

    return message->ts_ms < now_ms ? message->ts_ms : now_ms;
}

/* 0: dealt with. SEGS_EFULL: the window needs a checkpoint first. Other failures leave the message unread. */
static int take_message(struct task *task, const struct rt_bus_message *message)
{
    struct segs_reading reading;
    struct segs_error err = { 0 };
    int64_t now_ms = judging_clock(task, message);
    int r = segs_reading_decode(message->value, message->value_len, &reading, &err);

    if (r == SEGS_ENOMEM)
        return r;
    if (r < 0)
        return reject_undecodable(task, message, &err);
    r = refuse_by_policy(task, message, &reading, now_ms);
    if (r != 0)
        return r < 0 ? r : 0;
    return add_reading(task, message, &reading, now_ms);
}

static int take_batch(struct task *task, const struct rt_bus_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        int r = take_message(task, &batch->messages[i]);

        if (r < 0)
            return r;
        task->next_offset = batch->messages[i].offset + 1;
        task->last_received_ms = batch->messages[i].ts_ms;
    }
    return 0;
}

/* ---- When to write ---- */

static bool has_news(const struct task *task)
{
    return task->next_offset != task->progress.next_offset;
}

static bool has_closable(const struct task *task)
{
    int64_t watermark_ms = segs_window_watermark(task->window);

    if (watermark_ms == SEGS_WINDOW_NO_WATERMARK || task_is_held(task))
        return false;
    return task->progress.closed_1m_ms == NOT_CLOSED ||
           floor_to(watermark_ms, RT_MINUTE_MS) > task->progress.closed_1m_ms;
}

static bool is_due(const struct task *task, int64_t now_us)
{
    bool interval_over =
        now_us - task->last_checkpoint_us >= task->settings->checkpoint_interval_ms * 1000;

    if (now_us < task->retry_at_us)
        return false;
    return has_closable(task) ||
           (has_news(task) &&
            (interval_over || (int64_t)(task->pending.n + task->pending.n_rejects) >=
                                  task->settings->checkpoint_readings));
}

/* Failing checkpoints must not let the buffer grow: reading stops until one succeeds. */
static bool is_full(const struct task *task)
{
    return (int64_t)(task->pending.n + task->pending.n_rejects) >=
           2 * task->settings->checkpoint_readings;
}

void task_committed(struct task *task, const struct checkpoint *ck)
{
    const struct progress *old = &task->progress;
    const struct progress *new = &ck->progress;
    bool wrote_events =
        ck->n_closed > 0 || ck->n_corrections > 0 || old->closed_1m_ms != new->closed_1m_ms;

    rt_counter_add(task->metrics.counted, (uint64_t)(new->n_counted - old->n_counted));
    rt_counter_add(task->metrics.duplicate, (uint64_t)(new->n_duplicate - old->n_duplicate));
    rt_counter_add(task->metrics.quarantined, (uint64_t)(new->n_quarantined - old->n_quarantined));
    rt_counter_add(task->metrics.skipped, (uint64_t)(new->n_skipped - old->n_skipped));
    rt_counter_add(task->metrics.corrections, (uint64_t)ck->n_corrections);
    rt_counter_add(task->metrics.closed, (uint64_t)ck->n_closed);
    task->progress = *new;
    pending_clear(&task->pending);
    if (wrote_events)
        task->on_outbox(task->on_outbox_user);
}

static void note_outcome(struct task *task, int r, const struct segs_error *err, int64_t began_us)
{
    int64_t end_us = rt_monotonic_us();

    (void)pthread_mutex_lock(&task->lock);
    task->status.last_failure = r;
    (void)snprintf(task->status.last_failure_text, sizeof task->status.last_failure_text, "%s",
                   r < 0 ? err->message : "");
    if (r == 0) {
        task->status.progress = task->progress;
        task->status.checkpoint_at_ms = rt_clock_now_ms(&task->app->clock);
        task->status.checkpoint_ms = (end_us - began_us) / 1000;
        task->status.n_meters = segs_intern_count(task->meters.intern);
    }
    (void)pthread_mutex_unlock(&task->lock);
}

static void checkpoint(struct task *task)
{
    struct segs_error err = { 0 };
    int64_t began_us = rt_monotonic_us();
    int r = checkpoint_write(task, &err);

    note_outcome(task, r, &err, began_us);
    if (r == 0) {
        rt_counter_add(task->metrics.checkpoints, 1);
        rt_histogram_observe(task->metrics.checkpoint_seconds,
                             (double)(rt_monotonic_us() - began_us) / 1e6);
        task->last_checkpoint_us = began_us;
        task->retry_delay_us = 0;
        (void)rt_bus_commit(task->consumer, RT_TOPIC_RAW, task->partition,
                            task->progress.next_offset, NULL);
        return;
    }
    rt_counter_add(task->metrics.checkpoint_failures, 1);
    if (r == RT_EFENCED) {
        rt_counter_add(task->metrics.fenced, 1);
        task->is_fenced = true;
    }
    task->retry_delay_us = task->retry_delay_us == 0 ? RETRY_MIN_US : task->retry_delay_us * 2;
    if (task->retry_delay_us > RETRY_MAX_US)
        task->retry_delay_us = RETRY_MAX_US;
    task->retry_at_us = rt_monotonic_us() + task->retry_delay_us;
    rt_log_failure(RT_LOG_ERROR, "checkpoint failed, will be tried again", r, &err);
}

/* ---- Reading ---- */

/* Retention dropped what was to be read next: go on at what is left, and count what is missing. */
static int step_over_gap(struct task *task, struct segs_error *reterr)
{
    int64_t first = 0;
    int64_t end = 0;
    int r = rt_bus_offsets(task->app->bus, RT_TOPIC_RAW, task->partition, &first, &end, reterr);

    if (r == 0 && first > task->next_offset)
        r = rt_bus_seek(task->consumer, RT_TOPIC_RAW, task->partition, first, reterr);
    if (r == 0 && first > task->next_offset) {
        rt_log(RT_LOG_ERROR, "messages were dropped by retention before they were processed",
               RT_INT("partition", task->partition), RT_INT("messages", first - task->next_offset));
        task->pending.n_skipped += first - task->next_offset;
        task->next_offset = first;
    }
    return r;
}

static bool is_read_to_the_end(const struct task *task)
{
    int64_t first = 0;
    int64_t end = 0;

    return rt_bus_offsets(task->app->bus, RT_TOPIC_RAW, task->partition, &first, &end, NULL) == 0 &&
           task->next_offset >= end;
}

/* A partition that is read to its end and gets nothing lets its windows close by the clock. */
static void advance_when_idle(struct task *task, int64_t now_us)
{
    int64_t idle_us = task->settings->idle_timeout_ms * 1000;

    if (idle_us == 0 || now_us - task->last_message_us < idle_us || !is_read_to_the_end(task))
        return;
    (void)segs_window_advance(task->window,
                              rt_clock_now_ms(&task->app->clock) - task->settings->idle_timeout_ms);
}

/* What was declared complete closes once it is read; advancing again changes nothing. */
static void advance_when_complete(struct task *task)
{
    int64_t until_ms = atomic_load(&task->complete_until_ms);

    if (until_ms == NOT_COMPLETE || !is_read_to_the_end(task))
        return;
    (void)segs_window_advance(task->window, until_ms + task->settings->allowed_lateness_ms);
}

static void read_some(struct task *task, struct rt_bus_batch *batch)
{
    struct segs_error err = { 0 };
    int64_t wait_ms = task->settings->checkpoint_interval_ms < FETCH_WAIT_MS
                          ? task->settings->checkpoint_interval_ms
                          : FETCH_WAIT_MS;
    int r;

    /* A checkpoint closes a limited number of windows: the next ones must not wait for messages. */
    if (is_due(task, rt_monotonic_us()))
        wait_ms = 0;
    r = rt_bus_fetch(task->consumer, RT_TOPIC_RAW, task->partition, FETCH_MAX, wait_ms, batch,
                     &err);
    if (r == SEGS_ERANGE)
        r = step_over_gap(task, &err);
    else if (r == 0 && batch->n > 0) {
        task->last_message_us = rt_monotonic_us();
        r = take_batch(task, batch);
        if (r < 0) {
            /* What was not taken is fetched again; a full window is emptied by the checkpoint before that. */
            task->retry_at_us = 0;
            checkpoint(task);
            r = rt_bus_seek(task->consumer, RT_TOPIC_RAW, task->partition, task->next_offset, &err);
        }
    }
    if (r < 0 && r != RT_ETIMEOUT) {
        rt_log_failure(RT_LOG_ERROR, "reading the log failed, will be tried again", r, &err);
        rt_sleep_ms(200);
    }
}

static void *run(void *user)
{
    struct task *task = user;
    struct rt_bus_batch batch = { NULL, 0, NULL };

    rt_log_thread_service("stream-processor");
    task->last_message_us = rt_monotonic_us();
    while (!atomic_load(&task->stopping) && !task->is_fenced) {
        if (is_full(task))
            rt_sleep_ms(20);
        else
            read_some(task, &batch);
        advance_when_idle(task, rt_monotonic_us());
        advance_when_complete(task);
        if (is_due(task, rt_monotonic_us()))
            checkpoint(task);
    }
    if (!atomic_load(&task->abandoned) && !task->is_fenced && has_news(task))
        checkpoint(task);
    rt_bus_batch_free(&batch);
    return NULL;
}

/* ---- Life ---- */

static int make_windows(struct task *task, struct segs_error *reterr)
{
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;
    int r;

    options.mode = SEGS_WINDOW_DELTAS_ONLY;
    options.allowed_lateness_ms =
        task->settings->allowed_lateness_ms > 0 ? task->settings->allowed_lateness_ms : -1;
    options.interval_ms = task->settings->interval_ms;
    options.max_future_ms = task->settings->max_future_skew_ms;
    options.max_meters = task->settings->max_meters;
    r = segs_window_new(&options, &task->window, reterr);
    if (r == 0)
        r = segs_window_new(&options, &task->scratch, reterr);
    /* After a restart the watermark goes on where it was. */
    if (r == 0 && task->progress.watermark_ms != SEGS_WINDOW_NO_WATERMARK)
        r = segs_window_advance(task->window,
                                task->progress.watermark_ms + task->settings->allowed_lateness_ms);
    return r;
}

static int make_policy(struct task *task, struct segs_error *reterr)
{
    struct segs_policy_options options = SEGS_POLICY_OPTIONS_INIT;

    options.checks = SEGS_CHECK_CONTENT | SEGS_CHECK_TIME;
    options.max_future_skew_ms = task->settings->max_future_skew_ms;
    options.max_age_ms = task->settings->max_age_ms;
    if (task->settings->max_age_ms == 0)
        options.flags |= SEGS_POLICY_ANY_AGE;
    return segs_policy_new(&options, &task->policy, reterr);
}

static void make_metrics(struct task *task)
{
    static const double bounds[] = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5 };
    struct rt_metrics *m = task->app->metrics;
    struct task_metrics *t = &task->metrics;
    char partition[12];
    const char *result = "Readings taken from the log, by what became of them.";

    (void)snprintf(partition, sizeof partition, "%d", task->partition);
    t->counted =
        rt_counter(m, "segs_stream_readings_total", result, RT_LABELS("result", "counted"));
    t->duplicate =
        rt_counter(m, "segs_stream_readings_total", result, RT_LABELS("result", "duplicate"));
    t->quarantined =
        rt_counter(m, "segs_stream_readings_total", result, RT_LABELS("result", "quarantined"));
    t->skipped = rt_counter(m, "segs_stream_skipped_messages_total",
                            "Messages that retention dropped before they were processed.", NULL);
    t->corrections = rt_counter(m, "segs_stream_corrections_total",
                                "Closed rows that a late reading corrected.", NULL);
    t->closed = rt_counter(m, "segs_stream_closed_quarter_rows_total",
                           "Rows of 15 minutes that were closed.", NULL);
    t->checkpoints = rt_counter(m, "segs_stream_checkpoints_total", "Checkpoints committed.", NULL);
    t->checkpoint_failures = rt_counter(m, "segs_stream_checkpoint_failures_total",
                                        "Checkpoints that failed and were retried.", NULL);
    t->fenced = rt_counter(m, "segs_stream_fenced_total",
                           "Partitions given up because another owner had moved them.", NULL);
    t->checkpoint_seconds =
        rt_histogram(m, "segs_stream_checkpoint_duration_seconds", "Duration of a checkpoint.",
                     NULL, bounds, sizeof bounds / sizeof bounds[0]);
    t->lag = rt_gauge(m, "segs_stream_lag_messages", "Messages of the partition not processed yet.",
                      RT_LABELS("partition", partition));
    t->watermark = rt_gauge(m, "segs_stream_watermark_timestamp_seconds",
                            "Event time up to which the partition is complete.",
                            RT_LABELS("partition", partition));
}

void task_free(struct task *task)
{
    segs_window_free(task->window);
    segs_window_free(task->scratch);
    segs_policy_free(task->policy);
    meters_free(&task->meters);
    pending_free(&task->pending);
    (void)pthread_mutex_destroy(&task->lock);
    free(task);
}

int task_new(const struct rt_app *app, const struct stream_settings *settings,
             struct rt_bus_consumer *consumer, int32_t partition, struct task **ret,
             struct segs_error *reterr)
{
    struct task *task = calloc(1, sizeof *task);
    int r;

    if (!task)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a partition task");
    (void)pthread_mutex_init(&task->lock, NULL);
    task->app = app;
    task->settings = settings;
    task->consumer = consumer;
    task->partition = partition;
    atomic_store(&task->complete_until_ms, NOT_COMPLETE);
    r = checkpoint_load(app->db, partition, rt_clock_now_ms(&app->clock), &task->progress, reterr);
    if (r == 0)
        r = make_windows(task, reterr);
    if (r == 0)
        r = make_policy(task, reterr);
    if (r == 0)
        r = meters_init(&task->meters, settings->max_meters, reterr);
    if (r < 0) {
        task_free(task);
        return r;
    }
    make_metrics(task);
    task->next_offset = task->progress.next_offset;
    task->status.progress = task->progress;
    *ret = task;
    return 0;
}

int task_start(struct task *task, struct segs_error *reterr)
{
    if (pthread_create(&task->thread, NULL, run, task) != 0)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "cannot start a thread for a partition");
    return 0;
}

void task_stop(struct task *task, bool abandon)
{
    atomic_store(&task->abandoned, abandon);
    atomic_store(&task->stopping, true);
    (void)pthread_join(task->thread, NULL);
    task_free(task);
}

void task_get_status(struct task *task, struct task_status *ret)
{
    int64_t first = 0;

    (void)pthread_mutex_lock(&task->lock);
    *ret = task->status;
    (void)pthread_mutex_unlock(&task->lock);
    ret->end_offset = ret->progress.next_offset;
    (void)rt_bus_offsets(task->app->bus, RT_TOPIC_RAW, task->partition, &first, &ret->end_offset,
                         NULL);
}

void task_show_metrics(struct task *task)
{
    struct task_status status;

    task_get_status(task, &status);
    rt_gauge_set(task->metrics.lag, (double)(status.end_offset - status.progress.next_offset));
    if (status.progress.watermark_ms != SEGS_WINDOW_NO_WATERMARK)
        rt_gauge_set(task->metrics.watermark, (double)status.progress.watermark_ms / 1000.0);
}

void task_complete(struct task *task, int64_t until_ms)
{
    atomic_store(&task->complete_until_ms, until_ms);
}

bool task_is_held(const struct task *task)
{
    return task->settings->hold_windows && atomic_load(&task->complete_until_ms) == NOT_COMPLETE;
}
