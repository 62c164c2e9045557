#include "stream-processor/relay.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/db/db.h"
#include "runtime/failpoint.h"
#include "runtime/log.h"
#include "runtime/metrics.h"
#include "stream-processor/publish.h"

#define ENTRIES_PER_ROUND 64
#define IDLE_WAIT_MS 1000
#define RETRY_WAIT_MS 500

static const char entries_sql[] =
    "SELECT id, kind, topic, event_key, payload FROM outbox ORDER BY id LIMIT $1";
static const char waiting_sql[] = "SELECT count(*) FROM outbox";
static const char remove_sql[] = "DELETE FROM outbox WHERE id <= $1";

struct relay {
    const struct rt_app *app;
    struct rt_counter *published;
    struct rt_gauge *waiting_gauge;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int64_t interval_ms;
    bool is_woken;
    bool stopping;
};

/* ---- Entries, copied so that no transaction stays open while they are published ---- */

struct entry {
    int64_t id;
    char *topic;
    char *key;
    char *payload;
    bool is_close;
};

struct entries {
    struct entry items[ENTRIES_PER_ROUND];
    size_t n;
};

static void entries_free(struct entries *entries)
{
    for (size_t i = 0; i < entries->n; i++) {
        free(entries->items[i].topic);
        free(entries->items[i].key);
        free(entries->items[i].payload);
    }
    entries->n = 0;
}

static int copy_entry(const struct rt_db_rows *rows, struct entries *entries,
                      struct segs_error *reterr)
{
    struct entry *entry = &entries->items[entries->n++];

    entry->id = rt_db_int(rows, 0);
    entry->is_close = strcmp(rt_db_str(rows, 1, NULL), "close") == 0;
    entry->topic = strdup(rt_db_str(rows, 2, NULL));
    entry->key = strdup(rt_db_str(rows, 3, NULL));
    entry->payload = strdup(rt_db_str(rows, 4, NULL));
    if (!entry->topic || !entry->key || !entry->payload)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for an entry of the outbox");
    return 0;
}

static int load_entries(struct relay *relay, struct entries *entries, struct segs_error *reterr)
{
    struct rt_db_value limit = RT_DB_I(ENTRIES_PER_ROUND);
    struct rt_db_conn *conn = NULL;
    struct rt_db_rows *rows = NULL;
    int64_t waiting = 0;
    int r = rt_db_acquire(relay->app->db, RT_DB_READ, 5000, &conn, reterr);

    if (r == 0)
        r = rt_db_query(conn, entries_sql, &limit, 1, &rows, reterr);
    while (r >= 0 && (r = rt_db_next(rows, reterr)) > 0)
        r = copy_entry(rows, entries, reterr);
    rt_db_rows_free(rows);
    if (r == 0)
        r = rt_db_query_int(conn, waiting_sql, NULL, 0, &waiting, reterr);
    rt_db_release(conn);
    if (r == 0)
        rt_gauge_set(relay->waiting_gauge, (double)waiting);
    return r;
}

/* ---- Rounds ---- */

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

static int publish_entry(struct publisher *publisher, const struct entry *entry,
                         struct segs_error *reterr)
{
    return entry->is_close
               ? publish_window(publisher, entry->topic, entry->payload, reterr)
               : publish_event(publisher, entry->topic, entry->key, entry->payload, reterr);
}

/* Number of entries dealt with. What was published stays in the outbox only when it cannot be removed; then it comes again. */
static int publish_round(struct relay *relay, struct publisher *publisher,
                         struct segs_error *reterr)
{
    struct entries entries = { .n = 0 };
    size_t n = 0;
    int r = load_entries(relay, &entries, reterr);

    while (r == 0 && n < entries.n) {
        r = publish_entry(publisher, &entries.items[n], reterr);
        n += r == 0;
    }
    if (r == RT_ESTOPPING)
        r = 0;
    if (r == 0)
        r = publish_flush(publisher, reterr);
    (void)rt_failpoint("relay.after_publish");
    if (r == 0 && n > 0)
        r = remove_entries(relay, entries.items[n - 1].id, reterr);
    publish_drop(publisher);
    entries_free(&entries);
    return r < 0 ? r : (int)n;
}

static bool is_stopping(void *user)
{
    struct relay *relay = user;
    bool stopping;

    (void)pthread_mutex_lock(&relay->lock);
    stopping = relay->stopping;
    (void)pthread_mutex_unlock(&relay->lock);
    return stopping;
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
    struct publisher *publisher = NULL;
    bool go_on = true;

    rt_log_thread_service("stream-processor");
    if (publisher_new(relay->app, relay->interval_ms, relay->published, is_stopping, relay,
                      &publisher) < 0) {
        rt_log_plain(RT_LOG_ERROR, "no memory for the relay: events stay in the outbox");
        return NULL;
    }
    while (go_on) {
        struct segs_error err = { 0 };
        int n = publish_round(relay, publisher, &err);

        if (n < 0)
            rt_log_failure(RT_LOG_WARN, "publishing events failed, will be tried again", n, &err);
        go_on = n > 0 ? !is_stopping(relay)
                      : wait_for_work(relay, n < 0 ? RETRY_WAIT_MS : IDLE_WAIT_MS);
    }
    publisher_free(publisher);
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
