/* A partition task: one thread that reads one partition, keeps what it read since the last checkpoint, and writes checkpoints. Tasks share
 * nothing but the ports. */
#ifndef STREAM_TASK_H
#define STREAM_TASK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <segs/decode.h>
#include <segs/validate.h>
#include <segs/window.h>

#include "runtime/bus/bus.h"
#include "runtime/service.h"
#include "stream-processor/checkpoint.h"
#include "stream-processor/meters.h"
#include "stream-processor/pending.h"

struct rt_counter;
struct rt_gauge;
struct rt_histogram;

/* Settings, the same for all tasks. */
struct stream_settings {
    int64_t checkpoint_interval_ms;
    int64_t checkpoint_readings;
    int64_t allowed_lateness_ms;
    int64_t max_future_skew_ms;
    int64_t max_age_ms;      /* 0: no limit. */
    int64_t idle_timeout_ms; /* 0: an idle partition waits for data. */
    int64_t interval_ms;
    uint32_t max_meters;
    int32_t n_partitions;
    bool hold_windows; /* Close nothing until task_complete() says that the input is. */
};

/* Of task.complete_until_ms: the input may still grow. */
#define NOT_COMPLETE INT64_MIN

/* What a task tells others; guarded by the task's lock. */
struct task_status {
    struct progress progress; /* As committed. */
    int64_t end_offset;       /* Of the log now. */
    int64_t checkpoint_at_ms; /* Of the last successful checkpoint. */
    int64_t checkpoint_ms;    /* How long it took. */
    int64_t n_meters;
    int last_failure; /* 0, or the code that keeps checkpoints from succeeding. */
    char last_failure_text[256];
};

struct task_metrics {
    struct rt_counter *counted;
    struct rt_counter *duplicate;
    struct rt_counter *quarantined;
    struct rt_counter *corrections;
    struct rt_counter *closed;
    struct rt_counter *checkpoints;
    struct rt_counter *checkpoint_failures;
    struct rt_counter *fenced;
    struct rt_counter *skipped;
    struct rt_histogram *checkpoint_seconds;
    struct rt_gauge *lag;
    struct rt_gauge *watermark;
};

struct task {
    const struct rt_app *app;
    const struct stream_settings *settings;
    struct rt_bus_consumer *consumer;
    void (*on_outbox)(void *user); /* Told after a commit that wrote events. */
    void *on_outbox_user;
    struct segs_window *window;
    struct segs_window *scratch;
    struct segs_policy *policy;
    struct meters meters;
    struct pending pending;
    struct progress progress; /* As committed. */
    struct task_metrics metrics;
    int64_t next_offset; /* Of the first message not read yet. */
    int64_t last_checkpoint_us;
    int64_t last_message_us;
    int64_t last_received_ms;
    int64_t retry_at_us;
    int64_t retry_delay_us;
    int32_t partition;
    bool is_fenced;
    atomic_bool stopping;
    atomic_bool abandoned;          /* Stop without a last checkpoint. */
    atomic_llong complete_until_ms; /* Event time up to which there is no more to come. */
    pthread_t thread;
    pthread_mutex_t lock;
    struct task_status status;
};

/* Read the fence; the caller seeks to task->progress.next_offset and then starts the thread. */
int task_new(const struct rt_app *app, const struct stream_settings *settings,
             struct rt_bus_consumer *consumer, int32_t partition, struct task **ret,
             struct segs_error *reterr);
int task_start(struct task *task, struct segs_error *reterr);
void task_free(struct task *task); /* One that was not started. */
/* With a last checkpoint, or without (`abandon`: the partition may belong to another already). Frees the task. */
void task_stop(struct task *task, bool abandon);
/* Asks the log where it ends, so that the lag is that of this moment. */
void task_get_status(struct task *task, struct task_status *ret);
/* Set the gauges of lag and watermark, which are only true at the moment they are asked for. */
void task_show_metrics(struct task *task);

/* Everything before `until_ms` of event time is in the log: once it is read to its end, windows close up to there. From any thread. */
void task_complete(struct task *task, int64_t until_ms);
/* Windows are to stay open, and so does the watermark. */
bool task_is_held(const struct task *task);

/* Take over what a checkpoint has committed: progress, figures, an empty buffer. */
void task_committed(struct task *task, const struct checkpoint *ck);

/* ---- checkpoint.c ---- */

/* Write one checkpoint. RT_EFENCED: give the partition up. Any other failure: nothing changed, try again later. */
int checkpoint_write(struct task *task, struct segs_error *reterr);
/* Close the regional windows that all partitions have closed, however many. A checkpoint closes a limited number, which the next one
 * makes good; this is for when there is no next one. */
int checkpoint_close_regions(const struct rt_app *app, const struct stream_settings *settings,
                             struct segs_error *reterr);
/* Read what stream_offsets holds, entering the partition if it is new. */
int checkpoint_load(struct rt_db *db, int32_t partition, int64_t now_ms, struct progress *ret,
                    struct segs_error *reterr);

#endif
