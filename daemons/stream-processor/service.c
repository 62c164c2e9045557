#include "stream-processor/service.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <segs/fixed.h>

#include "runtime/bus/bus.h"
#include "runtime/http.h"
#include "runtime/json.h"
#include "runtime/log.h"
#include "runtime/metrics.h"
#include "runtime/schema/schema.h"
#include "stream-processor/relay.h"
#include "stream-processor/task.h"

#define GROUP "stream-processor"
#define DAY_MS INT64_C(86400000)
#define PARTITIONS_MAX 256
#define RETRY_MS 500

static const struct rt_config_entry config_table[] = {
    { .name = "STREAM_PORT",
      .alias = "PORT",
      .fallback = "3002",
      .type = RT_CONFIG_INT,
      .min = 0,
      .max = 65535,
      .help = "Port for health, metrics and /partitions; 0 takes a free one." },
    { .name = "CHECKPOINT_INTERVAL",
      .fallback = "1s",
      .unit = "s",
      .type = RT_CONFIG_DURATION,
      .min = 10,
      .max = 60000,
      .help = "Longest time between two checkpoints of a partition: what a crash costs in "
              "re-reading." },
    { .name = "CHECKPOINT_READINGS",
      .fallback = "50000",
      .unit = "readings",
      .type = RT_CONFIG_INT,
      .min = 100,
      .max = 1000000,
      .help = "Readings after which a checkpoint is due at once; twice as many are kept in memory "
              "at most." },
    { .name = "ALLOWED_LATENESS",
      .fallback = "10s",
      .unit = "s",
      .type = RT_CONFIG_DURATION,
      .min = 0,
      .max = DAY_MS,
      .help = "How long a window stays open for late readings after its end." },
    { .name = "MAX_FUTURE_SKEW",
      .fallback = "120s",
      .unit = "s",
      .type = RT_CONFIG_DURATION,
      .min = 1,
      .max = DAY_MS,
      .help = "Readings further ahead of the clock go to quarantine." },
    { .name = "MAX_AGE",
      .fallback = "7d",
      .unit = "s",
      .type = RT_CONFIG_DURATION,
      .min = 0,
      .max = 36500 * DAY_MS,
      .help = "Readings older than this go to quarantine; 0 takes any age." },
    { .name = "IDLE_TIMEOUT",
      .fallback = "15s",
      .unit = "s",
      .type = RT_CONFIG_DURATION,
      .min = 0,
      .max = DAY_MS,
      .help = "A partition read to its end and without news this long closes windows by the clock; "
              "0 never does." },
    { .name = "HOLD_WINDOWS",
      .fallback = "false",
      .type = RT_CONFIG_BOOL,
      .help = "Keep all windows open until the input is declared complete, so that its order does "
              "not matter: for replays." },
    { .name = "METER_INTERVAL",
      .fallback = "10s",
      .unit = "s",
      .type = RT_CONFIG_DURATION,
      .min = 1000,
      .max = 3600000,
      .help = "Reporting interval of the meters: expected readings, and energy of readings that "
              "carry power alone." },
    { .name = "MAX_METERS_PER_PARTITION",
      .fallback = "1048576",
      .unit = "meters",
      .type = RT_CONFIG_INT,
      .min = 1,
      .max = 67108864,
      .help = "Meters one partition keeps apart." },
    { .name = "REGION_CAPACITIES",
      .type = RT_CONFIG_LIST,
      .unit = "kW",
      .help = "Capacity of regions for their load share: Name=kW, comma-separated." },
};

struct stream {
    struct rt_app *app;
    struct stream_settings settings;
    struct rt_bus_consumer *consumer;
    struct relay *relay;
    struct rt_http_server *http;
    pthread_t thread;
    pthread_mutex_t lock; /* Guards tasks and refused. */
    struct task *tasks[PARTITIONS_MAX];
    int64_t complete_until_ms;   /* What a task is told when it starts, under the lock. */
    int refused[PARTITIONS_MAX]; /* Why an assigned partition could not be taken up; tried again. */
    int64_t retry_at_ms;
    atomic_bool stopping;
    bool is_polling;
};

/* ---- Partitions come and go ---- */

static void note_task(struct stream *stream, int32_t partition, struct task *task, int refused)
{
    (void)pthread_mutex_lock(&stream->lock);
    stream->tasks[partition] = task;
    if (task)
        task_complete(task, stream->complete_until_ms);
    stream->refused[partition] = refused;
    (void)pthread_mutex_unlock(&stream->lock);
}

static void start_task(struct stream *stream, int32_t partition)
{
    struct segs_error err = { 0 };
    struct task *task = NULL;
    int r = task_new(stream->app, &stream->settings, stream->consumer, partition, &task, &err);

    if (r == 0) {
        task->on_outbox = relay_wake;
        task->on_outbox_user = stream->relay;
        r = rt_bus_seek(stream->consumer, RT_TOPIC_RAW, partition, task->progress.next_offset,
                        &err);
        r = r == 0 ? task_start(task, &err) : r;
        if (r < 0)
            task_free(task);
    }
    if (r < 0) {
        rt_log_failure(RT_LOG_ERROR, "a partition could not be taken up, will be tried again", r,
                       &err);
        task = NULL;
    }
    note_task(stream, partition, task, r);
}

/* A partition that could not be taken up stays ours: without another try it would wait for ever. */
static void retry_refused(struct stream *stream)
{
    if (rt_monotonic_ms() < stream->retry_at_ms)
        return;
    stream->retry_at_ms = rt_monotonic_ms() + RETRY_MS;
    for (int32_t i = 0; i < stream->settings.n_partitions; i++) {
        if (stream->refused[i] < 0)
            start_task(stream, i);
    }
}

static void end_task(struct stream *stream, int32_t partition, bool abandon)
{
    struct task *task = stream->tasks[partition];

    note_task(stream, partition, NULL, 0);
    if (task)
        task_stop(task, abandon);
}

static void on_assigned(const char *topic, int32_t partition, void *user)
{
    (void)topic;
    if (partition < PARTITIONS_MAX)
        start_task(user, partition);
}

static void on_revoked(const char *topic, int32_t partition, void *user)
{
    (void)topic;
    if (partition < PARTITIONS_MAX)
        end_task(user, partition, false);
}

static void on_lost(const char *topic, int32_t partition, void *user)
{
    (void)topic;
    if (partition < PARTITIONS_MAX)
        end_task(user, partition, true);
}

static void *poll_group(void *user)
{
    struct stream *stream = user;
    struct segs_error err = { 0 };

    rt_log_thread_service("stream-processor");
    while (!atomic_load(&stream->stopping)) {
        int r = rt_bus_consumer_poll(stream->consumer, 200, &err);

        if (r < 0 && r != RT_ETIMEOUT) {
            rt_log_failure(RT_LOG_ERROR, "membership of the group failed, will be tried again", r,
                           &err);
            rt_sleep_ms(500);
        }
        retry_refused(stream);
    }
    /* Closing revokes what is assigned, and that writes each partition's last checkpoint. */
    rt_bus_consumer_close(stream->consumer);
    return NULL;
}

static void show_metrics(struct rt_metrics *metrics, void *user)
{
    struct stream *stream = user;

    (void)metrics;
    (void)pthread_mutex_lock(&stream->lock);
    for (int32_t i = 0; i < stream->settings.n_partitions; i++) {
        if (stream->tasks[i])
            task_show_metrics(stream->tasks[i]);
    }
    (void)pthread_mutex_unlock(&stream->lock);
}

/* ---- HTTP ---- */

static void put_status(struct rt_json_out *out, int32_t partition, const struct task_status *status)
{
    const struct progress *p = &status->progress;

    rt_json_object(out, NULL);
    rt_json_put_int(out, "partition", partition);
    rt_json_put_int(out, "next_offset", p->next_offset);
    rt_json_put_int(out, "end_offset", status->end_offset);
    rt_json_put_int(out, "lag",
                    status->end_offset > p->next_offset ? status->end_offset - p->next_offset : 0);
    if (p->watermark_ms == SEGS_WINDOW_NO_WATERMARK)
        rt_json_put_null(out, "watermark");
    else
        rt_json_put_time(out, "watermark", p->watermark_ms);
    if (p->closed_1m_ms == NOT_CLOSED)
        rt_json_put_null(out, "closed_until");
    else
        rt_json_put_time(out, "closed_until", p->closed_1m_ms);
    rt_json_put_int(out, "meters", status->n_meters);
    rt_json_put_int(out, "read", p->n_read);
    rt_json_put_int(out, "counted", p->n_counted);
    rt_json_put_int(out, "duplicates", p->n_duplicate);
    rt_json_put_int(out, "quarantined", p->n_quarantined);
    rt_json_put_int(out, "skipped", p->n_skipped);
    rt_json_put_int(out, "checkpoint_ms", status->checkpoint_ms);
    rt_json_put_string(out, "held_back_by",
                       status->last_failure < 0 ? rt_strerror(status->last_failure) : NULL);
    rt_json_end_object(out);
}

static void put_refused(struct rt_json_out *out, int32_t partition, int refused)
{
    rt_json_object(out, NULL);
    rt_json_put_int(out, "partition", partition);
    rt_json_put_string(out, "held_back_by", rt_strerror(refused));
    rt_json_end_object(out);
}

static void get_partitions(struct rt_http_exchange *x, void *user)
{
    struct stream *stream = user;
    struct rt_buf data = RT_BUF_INIT;
    struct rt_json_out out;

    rt_json_begin(&out, &data);
    rt_json_array(&out, NULL);
    (void)pthread_mutex_lock(&stream->lock);
    for (int32_t i = 0; i < stream->settings.n_partitions; i++) {
        struct task_status status;

        if (stream->refused[i] < 0)
            put_refused(&out, i, stream->refused[i]);
        if (!stream->tasks[i])
            continue;
        task_get_status(stream->tasks[i], &status);
        put_status(&out, i, &status);
    }
    (void)pthread_mutex_unlock(&stream->lock);
    rt_json_end_array(&out);
    rt_http_success(x, 200, "Partitions of " RT_TOPIC_RAW, &data, NULL);
    rt_buf_free(&data);
}

#define ACCESS_INTERNAL 1u

static const struct rt_http_route routes[] = {
    { .method = "GET",
      .path = "/partitions",
      .handler = get_partitions,
      .access = ACCESS_INTERNAL },
    { .method = NULL },
};

/* Internal figures: open to this machine in `segs dev`, to nobody otherwise until service tokens are configured. */
static int authorise(struct rt_http_exchange *x, const struct rt_http_route *route, void *user)
{
    const struct stream *stream = user;
    const char *peer = rt_http_peer(x);

    (void)route;
    if (stream->app->dev && (strcmp(peer, "127.0.0.1") == 0 || strcmp(peer, "::1") == 0))
        return 0;
    rt_http_problem(x, 403, "forbidden",
                    "This operation is for the machine SEGS runs on in development mode.");
    return SEGS_EDENIED;
}

/* ---- Regions ---- */

static int put_capacity(struct rt_db_conn *conn, const char *name, size_t name_len,
                        int64_t capacity_micro_kw, struct segs_error *reterr)
{
    char text[SEGS_ID_BYTES];
    struct rt_db_value params[2];

    if (segs_region_check(name, name_len, reterr) < 0)
        return rt_fail(reterr, SEGS_ERANGE, "REGION_CAPACITIES", "not the name of a region: %.*s",
                       (int)name_len, name);
    memcpy(text, name, name_len);
    text[name_len] = '\0';
    params[0] = rt_db_text(text);
    params[1] = RT_DB_I(capacity_micro_kw);
    return rt_db_exec(
        conn,
        "INSERT INTO regions (name, capacity_micro_kw) VALUES ($1, $2)"
        " ON CONFLICT (name) DO UPDATE SET capacity_micro_kw = excluded.capacity_micro_kw",
        params, 2, NULL, reterr);
}

static int put_capacities(struct rt_db_conn *conn, const char *list, struct segs_error *reterr)
{
    int r = 0;

    while (r == 0 && *list) {
        size_t len = strcspn(list, ",");
        const char *equals = memchr(list, '=', len);
        int64_t capacity = 0;

        if (!equals ||
            segs_decimal_parse(equals + 1, len - (size_t)(equals + 1 - list), 6,
                               SEGS_ROUND_HALF_EVEN, &capacity, NULL) < 0 ||
            capacity < 0)
            return rt_fail(reterr, SEGS_ERANGE, "REGION_CAPACITIES", "expected Name=kW, found %.*s",
                           (int)len, list);
        r = put_capacity(conn, list, (size_t)(equals - list), capacity, reterr);
        list += len + (list[len] == ',');
    }
    return r;
}

static int seed_regions(struct rt_app *app, struct segs_error *reterr)
{
    const char *list = rt_config_string(app->config, "REGION_CAPACITIES");
    struct rt_db_conn *conn = NULL;
    int r;

    if (!list)
        return 0;
    r = rt_db_acquire(app->db, RT_DB_WRITE, 30000, &conn, reterr);
    if (r == 0)
        r = rt_db_begin(conn, reterr);
    if (r == 0)
        r = put_capacities(conn, list, reterr);
    if (r == 0)
        r = rt_db_commit(conn, reterr);
    rt_db_release(conn);
    return r;
}

/* ---- Life ---- */

static void read_settings(const struct rt_config *config, struct stream_settings *s)
{
    s->checkpoint_interval_ms = rt_config_int(config, "CHECKPOINT_INTERVAL");
    s->checkpoint_readings = rt_config_int(config, "CHECKPOINT_READINGS");
    s->allowed_lateness_ms = rt_config_int(config, "ALLOWED_LATENESS");
    s->max_future_skew_ms = rt_config_int(config, "MAX_FUTURE_SKEW");
    s->max_age_ms = rt_config_int(config, "MAX_AGE");
    s->idle_timeout_ms = rt_config_int(config, "IDLE_TIMEOUT");
    s->interval_ms = rt_config_int(config, "METER_INTERVAL");
    s->hold_windows = rt_config_bool(config, "HOLD_WINDOWS");
    s->max_meters = (uint32_t)rt_config_int(config, "MAX_METERS_PER_PARTITION");
}

static int ensure_topics(struct stream *stream, struct segs_error *reterr)
{
    struct rt_bus_topic topics[] = {
        { RT_TOPIC_1M, (int32_t)rt_config_int(stream->app->config, "RAW_PARTITIONS"), 7 * DAY_MS,
          INT64_C(1) << 30 },
        { RT_TOPIC_15M, (int32_t)rt_config_int(stream->app->config, "RAW_PARTITIONS"), 7 * DAY_MS,
          INT64_C(1) << 30 },
        { RT_TOPIC_REGIONAL, 1, 7 * DAY_MS, INT64_C(1) << 30 },
    };
    int r = rt_topic_raw_ensure(stream->app, reterr);

    for (size_t i = 0; r == 0 && i < sizeof topics / sizeof topics[0]; i++)
        r = rt_bus_topic_ensure(stream->app->bus, &topics[i], reterr);
    if (r == 0)
        r = rt_bus_topic_partitions(stream->app->bus, RT_TOPIC_RAW, &stream->settings.n_partitions,
                                    reterr);
    if (r == 0 && stream->settings.n_partitions > PARTITIONS_MAX)
        r = rt_fail(reterr, SEGS_ENOTSUP, "RAW_PARTITIONS",
                    "expected at most %d partitions, found %d", PARTITIONS_MAX,
                    stream->settings.n_partitions);
    return r;
}

static int start_http(struct stream *stream, struct segs_error *reterr)
{
    struct rt_http_options options = {
        .service = "stream-processor",
        .bind = rt_config_string(stream->app->config, "BIND_ADDRESS"),
        .port = (int32_t)rt_config_int(stream->app->config, "STREAM_PORT"),
        .n_threads = 8,
        .routes = routes,
        .authorise = authorise,
        .user = stream,
        .metrics = stream->app->metrics,
        .readiness_of = &segs_stream_processor_service,
        .readiness_state = stream,
    };

    return rt_http_start(&options, &stream->http, reterr);
}

static int join_group(struct stream *stream, struct segs_error *reterr)
{
    static const char *const topics[] = { RT_TOPIC_RAW };
    struct rt_bus_consumer_options options = { .group = GROUP,
                                               .topics = topics,
                                               .n_topics = 1,
                                               .on_assigned = on_assigned,
                                               .on_revoked = on_revoked,
                                               .on_lost = on_lost,
                                               .user = stream };
    int r = rt_bus_consumer_open(stream->app->bus, &options, &stream->consumer, reterr);

    if (r < 0)
        return r;
    if (pthread_create(&stream->thread, NULL, poll_group, stream) != 0) {
        rt_bus_consumer_close(stream->consumer);
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "cannot start the group's thread");
    }
    stream->is_polling = true;
    return 0;
}

static void stop(void *state)
{
    struct stream *stream = state;

    if (!stream)
        return;
    if (stream->is_polling) {
        atomic_store(&stream->stopping, true);
        rt_bus_wake(stream->consumer);
        (void)pthread_join(stream->thread, NULL);
    }
    rt_http_stop(stream->http);
    rt_metrics_off_render(stream->app->metrics, show_metrics, stream);
    relay_stop(stream->relay);
    (void)pthread_mutex_destroy(&stream->lock);
    free(stream);
}

static int start(struct rt_app *app, void **ret_state, struct segs_error *reterr)
{
    struct stream *stream = calloc(1, sizeof *stream);
    int r;

    if (!stream)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the stream processor");
    (void)pthread_mutex_init(&stream->lock, NULL);
    stream->app = app;
    stream->complete_until_ms = NOT_COMPLETE;
    read_settings(app->config, &stream->settings);
    r = rt_schema_migrate(app->db, reterr);
    if (r == 0)
        r = seed_regions(app, reterr);
    if (r == 0)
        r = ensure_topics(stream, reterr);
    if (r == 0)
        r = relay_start(app, stream->settings.interval_ms, &stream->relay, reterr);
    if (r == 0)
        r = rt_metrics_on_render(app->metrics, show_metrics, stream);
    if (r == 0)
        r = start_http(stream, reterr);
    if (r == 0)
        r = join_group(stream, reterr);
    if (r < 0) {
        stop(stream);
        return r;
    }
    *ret_state = stream;
    return 0;
}

static void ready(void *state, rt_ready_fn *report, void *user)
{
    struct stream *stream = state;
    int32_t n_tasks = 0;
    int32_t n_failing = 0;
    char detail[96];

    (void)pthread_mutex_lock(&stream->lock);
    for (int32_t i = 0; i < stream->settings.n_partitions; i++) {
        struct task_status status;

        n_failing += stream->refused[i] < 0;
        if (!stream->tasks[i])
            continue;
        n_tasks++;
        task_get_status(stream->tasks[i], &status);
        n_failing += status.last_failure < 0;
    }
    (void)pthread_mutex_unlock(&stream->lock);
    (void)snprintf(detail, sizeof detail, "%d of %d partitions", n_tasks,
                   stream->settings.n_partitions);
    report("partitions", n_tasks > 0, detail, user);
    (void)snprintf(detail, sizeof detail, "%d partitions cannot write", n_failing);
    report("checkpoints", n_failing == 0, n_failing ? detail : "written", user);
    report("bus", rt_bus_is_up(stream->app->bus), "log", user);
}

/* Intake is the log: nothing to refuse. What was read is written by the last checkpoints in stop. */
static void drain(void *state)
{
    struct stream *stream = state;

    rt_http_drain(stream->http);
}

const struct rt_service segs_stream_processor_service = {
    .name = "stream-processor",
    .config = config_table,
    .n_config = sizeof config_table / sizeof config_table[0],
    .port_key = "STREAM_PORT",
    .start = start,
    .ready = ready,
    .drain = drain,
    .stop = stop,
};

/* ---- For programs that feed the log themselves ---- */

static void add_progress(struct stream *stream, int32_t partition, struct stream_progress *ret)
{
    struct task_status status;
    int64_t first = 0;
    int64_t end = 0;

    task_get_status(stream->tasks[partition], &status);
    (void)rt_bus_offsets(stream->app->bus, RT_TOPIC_RAW, partition, &first, &end, NULL);
    ret->n_tasks++;
    ret->lag += end - status.progress.next_offset;
    ret->n_counted += status.progress.n_counted;
    ret->n_duplicate += status.progress.n_duplicate;
    ret->n_quarantined += status.progress.n_quarantined;
    ret->n_skipped += status.progress.n_skipped;
    if (status.progress.closed_1m_ms < ret->closed_until_ms)
        ret->closed_until_ms = status.progress.closed_1m_ms;
    if (status.last_failure < 0 && ret->failure == 0) {
        ret->failure = status.last_failure;
        (void)snprintf(ret->failure_text, sizeof ret->failure_text, "%s", status.last_failure_text);
    }
}

void segs_stream_processor_progress(void *state, struct stream_progress *ret)
{
    struct stream *stream = state;

    memset(ret, 0, sizeof *ret);
    ret->closed_until_ms = INT64_MAX;
    ret->n_partitions = stream->settings.n_partitions;
    (void)pthread_mutex_lock(&stream->lock);
    for (int32_t i = 0; i < stream->settings.n_partitions; i++) {
        if (stream->tasks[i])
            add_progress(stream, i, ret);
    }
    (void)pthread_mutex_unlock(&stream->lock);
    if (ret->n_tasks < ret->n_partitions)
        ret->closed_until_ms = NOT_CLOSED;
}

void segs_stream_processor_complete(void *state, int64_t until_ms)
{
    struct stream *stream = state;

    (void)pthread_mutex_lock(&stream->lock);
    stream->complete_until_ms = until_ms;
    for (int32_t i = 0; i < stream->settings.n_partitions; i++) {
        if (stream->tasks[i])
            task_complete(stream->tasks[i], until_ms);
    }
    (void)pthread_mutex_unlock(&stream->lock);
}

int segs_stream_processor_close_regions(void *state, struct segs_error *reterr)
{
    struct stream *stream = state;

    return checkpoint_close_regions(stream->app, &stream->settings, reterr);
}
