#include "stream-processor/relay.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/buf.h"
#include "runtime/bus/bus.h"
#include "runtime/db/db.h"
#include "runtime/failpoint.h"
#include "runtime/log.h"
#include "runtime/metrics.h"
#include "runtime/schema/rows.h"
#include "runtime/schema/schema.h"
#include "stream-processor/events.h"

#define ENTRIES_PER_ROUND 64
#define RECORDS_PER_PRODUCE 1000
#define PRODUCE_TIMEOUT_MS 10000
#define IDLE_WAIT_MS 1000
#define RETRY_WAIT_MS 500

/* clang-format off */
static const char entries_sql[] =
    "SELECT id, kind, topic, event_key, payload FROM outbox ORDER BY id LIMIT $1";
static const char waiting_sql[] = "SELECT count(*) FROM outbox";
static const char remove_sql[] = "DELETE FROM outbox WHERE id <= $1";
#define NAMES ", (SELECT meter_id FROM meters m WHERE m.meter_key = a.meter_key)," \
              " (SELECT name FROM regions g WHERE g.region_key = a.region_key)"
static const char rows_1m_sql[] =
    "SELECT " ROW_COLUMNS ", revision" NAMES " FROM aggregates_1m a"
    " WHERE window_start_ms = $1 AND partition = $2";
static const char rows_15m_sql[] =
    "SELECT " ROW_COLUMNS ", revision" NAMES " FROM aggregates_15m a"
    " WHERE window_start_ms = $1 AND partition = $2";
static const char regions_sql[] =
    "SELECT " REGION_COLUMNS ", capacity_micro_kw, revision,"
    " (SELECT name FROM regions g WHERE g.region_key = a.region_key) FROM regional_aggregates a"
    " WHERE width_ms = $1 AND window_start_ms = $2";
/* clang-format on */
#define ROW_METER_ID 24
#define ROW_REGION 25

struct relay {
    const struct rt_app *app;
    struct rt_counter *published;
    struct rt_gauge *waiting_gauge;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int64_t interval_ms;
    atomic_llong waiting;
    bool is_woken;
    bool stopping;
};

/* ---- A batch of records whose bytes grow while it is filled ---- */

struct outgoing {
    struct rt_buf bytes;
    struct rt_bus_record *records; /* Until sending, key and value are offsets into bytes. */
    size_t *starts;                /* Two per record: key, value. */
    size_t n;
    char topic[64];
};

static int outgoing_init(struct outgoing *out)
{
    memset(out, 0, sizeof *out);
    out->records = calloc(RECORDS_PER_PRODUCE, sizeof *out->records);
    out->starts = calloc(RECORDS_PER_PRODUCE, 2 * sizeof *out->starts);
    return out->records && out->starts ? 0 : SEGS_ENOMEM;
}

static void outgoing_free(struct outgoing *out)
{
    rt_buf_free(&out->bytes);
    free(out->records);
    free(out->starts);
}

static int outgoing_send(struct relay *relay, struct outgoing *out, struct segs_error *reterr)
{
    int r;

    if (out->n == 0)
        return 0;
    if (rt_buf_status(&out->bytes) < 0)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for events");
    for (size_t i = 0; i < out->n; i++) {
        out->records[i].key = out->bytes.data + out->starts[2 * i];
        out->records[i].value = out->bytes.data + out->starts[2 * i + 1];
    }
    r = rt_bus_produce(relay->app->bus, out->topic, out->records, out->n, PRODUCE_TIMEOUT_MS,
                       reterr);
    if (r == 0)
        rt_counter_add(relay->published, out->n);
    rt_buf_clear(&out->bytes);
    out->n = 0;
    return r;
}

static int outgoing_add(struct relay *relay, struct outgoing *out, const char *topic,
                        const char *key, const char *value, size_t value_len,
                        struct segs_error *reterr)
{
    struct rt_bus_record *record;
    int r = 0;

    if (out->n == RECORDS_PER_PRODUCE || (out->n > 0 && strcmp(out->topic, topic) != 0))
        r = outgoing_send(relay, out, reterr);
    if (r < 0)
        return r;
    (void)snprintf(out->topic, sizeof out->topic, "%s", topic);
    record = &out->records[out->n];
    memset(record, 0, sizeof *record);
    record->partition = -1;
    record->key_len = strlen(key);
    record->value_len = value_len;
    out->starts[2 * out->n] = out->bytes.len;
    rt_buf_append(&out->bytes, key, record->key_len);
    out->starts[2 * out->n + 1] = out->bytes.len;
    rt_buf_append(&out->bytes, value, value_len);
    out->n++;
    return 0;
}

/* ---- Closed windows ---- */

static int publish_row(struct relay *relay, struct outgoing *out, const char *topic,
                       int64_t width_ms, const struct rt_db_rows *rows, struct rt_buf *event,
                       struct segs_error *reterr)
{
    const char *meter_id = rt_db_str(rows, ROW_METER_ID, NULL);
    const char *region = rt_db_str(rows, ROW_REGION, NULL);
    struct row_key key;

    if (width_ms == RT_MINUTE_MS) {
        struct segs_window_row row;

        row_from_rows(rows, &key, &row);
        event_row_json(event, meter_id, region, &row, NULL, relay->interval_ms);
    } else {
        struct segs_rollup_row row;

        rollup_from_rows(rows, &key, &row);
        event_rollup_json(event, meter_id, region, &row, NULL, relay->interval_ms);
    }
    if (rt_buf_status(event) < 0)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for an event");
    return outgoing_add(relay, out, topic, meter_id, event->data, event->len, reterr);
}

static int publish_region(struct relay *relay, struct outgoing *out, const char *topic,
                          int64_t width_ms, int64_t window_start_ms, const struct rt_db_rows *rows,
                          struct rt_buf *event, struct segs_error *reterr)
{
    const char *region = rt_db_str(rows, REGION_N_COLUMNS + 2, NULL);
    struct segs_region_row row;

    region_from_rows(rows, 0, &row);
    row.window_start_ms = window_start_ms;
    row.capacity_micro_kw = rt_db_int(rows, REGION_N_COLUMNS);
    row.revision = (uint32_t)rt_db_int(rows, REGION_N_COLUMNS + 1);
    event_region_json(event, region, &row, width_ms, false);
    if (rt_buf_status(event) < 0)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for an event");
    return outgoing_add(relay, out, topic, region, event->data, event->len, reterr);
}

static int publish_window(struct relay *relay, struct rt_db_conn *conn, struct outgoing *out,
                          const char *topic, const char *payload, struct segs_error *reterr)
{
    struct rt_buf event = RT_BUF_INIT;
    struct rt_db_rows *rows = NULL;
    int64_t width_ms = 0;
    int64_t window_start_ms = 0;
    int32_t partition = 0;
    bool is_regional = strcmp(topic, RT_TOPIC_REGIONAL) == 0;
    struct rt_db_value params[2];
    int r;

    if (sscanf(payload, "%" SCNd64 " %" SCNd64 " %" SCNd32, &width_ms, &window_start_ms,
               &partition) != 3)
        return rt_fail(reterr, SEGS_EINTERNAL, NULL, "an entry of the outbox names no window");
    params[0] = RT_DB_I(is_regional ? width_ms : window_start_ms);
    params[1] = RT_DB_I(is_regional ? window_start_ms : partition);
    r = rt_db_query(conn,
                    is_regional                ? regions_sql
                    : width_ms == RT_MINUTE_MS ? rows_1m_sql
                                               : rows_15m_sql,
                    params, 2, &rows, reterr);
    while (r >= 0 && (r = rt_db_next(rows, reterr)) > 0) {
        if (is_regional)
            r = publish_region(relay, out, topic, width_ms, window_start_ms, rows, &event, reterr);
        else
            r = publish_row(relay, out, topic, width_ms, rows, &event, reterr);
    }
    rt_db_rows_free(rows);
    rt_buf_free(&event);
    return r;
}

/* ---- Rounds ---- */

static int publish_entries(struct relay *relay, struct rt_db_conn *conn, struct outgoing *out,
                           int64_t *ret_last, struct segs_error *reterr)
{
    struct rt_db_value limit = RT_DB_I(ENTRIES_PER_ROUND);
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(conn, entries_sql, &limit, 1, &rows, reterr);
    int n = 0;

    while (r >= 0 && (r = rt_db_next(rows, reterr)) > 0) {
        size_t len = 0;
        const char *topic = rt_db_str(rows, 2, NULL);
        const char *payload = rt_db_str(rows, 4, &len);

        if (strcmp(rt_db_str(rows, 1, NULL), "close") == 0)
            r = publish_window(relay, conn, out, topic, payload, reterr);
        else
            r = outgoing_add(relay, out, topic, rt_db_str(rows, 3, NULL), payload, len, reterr);
        *ret_last = rt_db_int(rows, 0);
        n++;
    }
    rt_db_rows_free(rows);
    if (r == 0)
        r = outgoing_send(relay, out, reterr);
    return r < 0 ? r : n;
}

static int remove_entries(struct relay *relay, int64_t last, struct segs_error *reterr)
{
    struct rt_db_value id = RT_DB_I(last);
    struct rt_db_conn *conn = NULL;
    int r = rt_db_acquire(relay->app->db, RT_DB_WRITE, 30000, &conn, reterr);

    if (r == 0)
        r = rt_db_begin(conn, reterr);
    if (r == 0)
        r = rt_db_exec(conn, remove_sql, &id, 1, NULL, reterr);
    if (r == 0)
        r = rt_db_commit(conn, reterr);
    rt_db_release(conn);
    return r;
}

/* Number of entries dealt with. */
static int publish_round(struct relay *relay, struct outgoing *out, struct segs_error *reterr)
{
    struct rt_db_conn *conn = NULL;
    int64_t last = 0;
    int64_t waiting = 0;
    int n = 0;
    int r = rt_db_acquire(relay->app->db, RT_DB_READ, 5000, &conn, reterr);

    if (r == 0) {
        n = publish_entries(relay, conn, out, &last, reterr);
        if (rt_db_query_int(conn, waiting_sql, NULL, 0, &waiting, NULL) == 0) {
            atomic_store(&relay->waiting, waiting - (n > 0 ? n : 0));
            rt_gauge_set(relay->waiting_gauge, (double)waiting);
        }
    }
    rt_db_release(conn);
    (void)rt_failpoint("relay.after_publish");
    if (r < 0 || n <= 0)
        return r < 0 ? r : n;
    r = remove_entries(relay, last, reterr);
    return r < 0 ? r : n;
}

/* False when the relay is to stop. */
static bool wait_for_work(struct relay *relay, int64_t ms)
{
    struct timespec until;
    bool go_on;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&relay->lock);
    while (!relay->is_woken && !relay->stopping) {
        if (pthread_cond_timedwait(&relay->wake, &relay->lock, &until) != 0)
            break;
    }
    relay->is_woken = false;
    go_on = !relay->stopping;
    (void)pthread_mutex_unlock(&relay->lock);
    return go_on;
}

static void *run(void *user)
{
    struct relay *relay = user;
    struct outgoing out;
    struct segs_error err = { 0 };
    bool go_on = true;

    rt_log_thread_service("stream-processor");
    if (outgoing_init(&out) < 0) {
        outgoing_free(&out);
        rt_log_plain(RT_LOG_ERROR, "no memory for the relay: events stay in the outbox");
        return NULL;
    }
    while (go_on) {
        int n = publish_round(relay, &out, &err);

        if (n < 0) {
            rt_log_failure(RT_LOG_WARN, "publishing events failed, will be tried again", n, &err);
            out.n = 0;
            rt_buf_clear(&out.bytes);
        }
        if (n == 0)
            go_on = wait_for_work(relay, IDLE_WAIT_MS);
        else if (n < 0)
            go_on = wait_for_work(relay, RETRY_WAIT_MS);
        else {
            (void)pthread_mutex_lock(&relay->lock);
            go_on = !relay->stopping;
            (void)pthread_mutex_unlock(&relay->lock);
        }
    }
    outgoing_free(&out);
    return NULL;
}

int relay_start(const struct rt_app *app, int64_t interval_ms, struct relay **ret,
                struct segs_error *reterr)
{
    struct relay *relay = calloc(1, sizeof *relay);

    if (!relay)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the relay");
    relay->app = app;
    relay->interval_ms = interval_ms;
    relay->published = rt_counter(app->metrics, "segs_stream_events_published_total",
                                  "Events of the outbox given to the bus.", NULL);
    relay->waiting_gauge = rt_gauge(app->metrics, "segs_stream_outbox_entries",
                                    "Entries of the outbox not published yet.", NULL);
    (void)pthread_mutex_init(&relay->lock, NULL);
    (void)pthread_cond_init(&relay->wake, NULL);
    if (pthread_create(&relay->thread, NULL, run, relay) != 0) {
        free(relay);
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "cannot start the relay's thread");
    }
    *ret = relay;
    return 0;
}

void relay_wake(void *user)
{
    struct relay *relay = user;

    (void)pthread_mutex_lock(&relay->lock);
    relay->is_woken = true;
    (void)pthread_cond_signal(&relay->wake);
    (void)pthread_mutex_unlock(&relay->lock);
}

void relay_stop(struct relay *relay)
{
    if (!relay)
        return;
    (void)pthread_mutex_lock(&relay->lock);
    relay->stopping = true;
    (void)pthread_cond_signal(&relay->wake);
    (void)pthread_mutex_unlock(&relay->lock);
    (void)pthread_join(relay->thread, NULL);
    (void)pthread_cond_destroy(&relay->wake);
    (void)pthread_mutex_destroy(&relay->lock);
    free(relay);
}

int64_t relay_waiting(struct relay *relay)
{
    return atomic_load(&relay->waiting);
}
