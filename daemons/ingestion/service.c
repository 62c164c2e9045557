#include "ingestion/service.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ingestion/batch.h"
#include "ingestion/keys.h"
#include "ingestion/registry.h"
#include "runtime/bus/bus.h"
#include "runtime/http.h"
#include "runtime/json.h"
#include "runtime/log.h"
#include "runtime/metrics.h"
#include "runtime/schema/schema.h"

#define SINGLE_MAX_BYTES 16384
#define RETRY_AFTER_S 1
#define IDLE_BATCHES_MAX 64

static const struct rt_config_entry config_table[] = {
    { .name = "INGESTION_PORT",
      .alias = "PORT",
      .fallback = "3001",
      .type = RT_CONFIG_INT,
      .min = 0,
      .max = 65535,
      .help = "Port of the intake; 0 takes a free one." },
    { .name = "INGEST_AUTH",
      .fallback = "key",
      .choices = "key|none",
      .type = RT_CONFIG_CHOICE,
      .help = "Who may send: holders of an ingest key, or anyone on this machine (`none`, only in "
              "`segs dev`)." },
    { .name = "INGEST_MAX_BODY",
      .fallback = "16MiB",
      .unit = "bytes",
      .type = RT_CONFIG_SIZE,
      .min = 1024,
      .max = INT64_C(1) << 30,
      .help = "Largest batch body, after decompression." },
    { .name = "INGEST_MAX_READINGS",
      .fallback = "10000",
      .unit = "readings",
      .type = RT_CONFIG_INT,
      .min = 1,
      .max = 100000,
      .help = "Most readings in one batch." },
    { .name = "INGEST_TIMEOUT",
      .fallback = "10s",
      .unit = "s",
      .type = RT_CONFIG_DURATION,
      .min = 100,
      .max = 60000,
      .help = "How long a request waits for the log before it is answered 503." },
    { .name = "INGEST_UNREGISTERED_EXPORT",
      .fallback = "false",
      .type = RT_CONFIG_BOOL,
      .help = "Whether meters that are not registered may send negative power and energy." },
    { .name = "REGISTRY_REFRESH",
      .fallback = "30s",
      .unit = "s",
      .type = RT_CONFIG_DURATION,
      .min = 1000,
      .max = 3600000,
      .help = "How often the registry of meters is read again." },
};

#define N_ROUTES 3 /* With the end mark. */
#define ROUTE_BATCH 1

struct ingestion {
    struct rt_app *app;
    struct rt_http_route routes[N_ROUTES]; /* As the table below, with the configured body limit. */
    struct intake intake;
    struct rt_http_server *http;
    struct rt_counter *accepted;
    struct rt_counter *rejected;
    struct rt_counter *duplicates;
    struct rt_counter *unavailable;
    pthread_t refresher;
    pthread_mutex_t lock;                 /* Guards idle. */
    struct batch *idle[IDLE_BATCHES_MAX]; /* Memory of requests that are over, for those to come. */
    size_t n_idle;
    int64_t timeout_ms;
    int64_t refresh_ms;
    atomic_bool stopping;
    bool is_open; /* INGEST_AUTH=none. */
    bool is_refreshing;
};

/* ---- Memory of requests ---- */

static struct batch *take_batch(struct ingestion *ingestion)
{
    struct batch *batch = NULL;

    (void)pthread_mutex_lock(&ingestion->lock);
    if (ingestion->n_idle > 0)
        batch = ingestion->idle[--ingestion->n_idle];
    (void)pthread_mutex_unlock(&ingestion->lock);
    if (!batch && batch_new(&ingestion->intake, &batch) < 0)
        return NULL;
    return batch;
}

static void give_batch(struct ingestion *ingestion, struct batch *batch)
{
    (void)pthread_mutex_lock(&ingestion->lock);
    if (ingestion->n_idle < IDLE_BATCHES_MAX) {
        ingestion->idle[ingestion->n_idle++] = batch;
        batch = NULL;
    }
    (void)pthread_mutex_unlock(&ingestion->lock);
    batch_free(batch);
}

/* ---- Answers ---- */

static void answer_counts(struct rt_http_exchange *x, const struct batch *batch)
{
    struct rt_buf body = RT_BUF_INIT;
    struct rt_json_out out;
    /* Nothing passed: 400 when it was not even JSON, 422 when it was but held no valid reading. */
    int status = batch->n > 0 || batch->n_duplicates > 0 ? 200 : batch->has_json_error ? 400 : 422;

    rt_json_begin(&out, &body);
    rt_json_object(&out, NULL);
    rt_json_put_bool(&out, "success", status == 200);
    rt_json_put_int(&out, "accepted", (int64_t)batch->n);
    rt_json_put_int(&out, "duplicates", batch->n_duplicates);
    rt_json_put_int(&out, "rejected", batch->n_rejected);
    rt_json_put_raw(&out, "errors", batch->errors.data, batch->errors.len);
    if (status != 200) {
        /* The members of a problem, so that one reader of failures is enough. */
        rt_json_put_string(&out, "type", "about:blank");
        rt_json_put_string(&out, "title", status == 400 ? "Bad Request" : "Unprocessable Content");
        rt_json_put_int(&out, "status", status);
        rt_json_put_string(&out, "code", status == 400 ? "malformed_body" : "no_valid_reading");
        rt_json_put_string(&out, "detail",
                           "No reading of the request was accepted; errors says why.");
        rt_json_put_string(&out, "request_id", rt_http_request_id(x));
    }
    rt_json_end_object(&out);
    if (rt_buf_status(&body) < 0)
        rt_http_unavailable(x, RETRY_AFTER_S, "out_of_memory", "The service is short of memory.");
    else
        rt_http_respond(x, status, status == 200 ? "application/json" : "application/problem+json",
                        body.data, body.len);
    rt_buf_free(&body);
}

static void answer_unavailable(struct rt_http_exchange *x, int r)
{
    if (r == SEGS_EFULL)
        rt_http_unavailable(x, RETRY_AFTER_S, "overloaded",
                            "More is arriving than can be stored; try again shortly.");
    else if (r == RT_ESTORAGE)
        rt_http_unavailable(x, 5, "storage", "The log cannot store anything at the moment.");
    else
        rt_http_unavailable(x, RETRY_AFTER_S, "log_unavailable",
                            "The log could not take the readings; send them again.");
}

/* ---- Operations ---- */

static void ingest(struct ingestion *ingestion, struct rt_http_exchange *x)
{
    const char *prefix = rt_http_principal(x);
    struct batch *batch;
    struct segs_error err = { 0 };
    const char *body = NULL;
    size_t len = 0;
    int r;

    if (rt_http_body(x, &body, &len) < 0)
        return;
    batch = take_batch(ingestion);
    if (!batch) {
        rt_http_unavailable(x, RETRY_AFTER_S, "out_of_memory", "The service is short of memory.");
        return;
    }
    r = batch_read(batch, &ingestion->intake, body, len, prefix ? prefix : "");
    if (r == 0)
        r = batch_send(batch, ingestion->app->bus, rt_http_traceparent(x), ingestion->timeout_ms,
                       &err);
    if (r < 0) {
        rt_counter_add(ingestion->unavailable, batch->n);
        rt_log_failure(RT_LOG_WARN, "readings could not be appended to the log", r, &err);
        answer_unavailable(x, r);
    } else {
        rt_counter_add(ingestion->accepted, batch->n);
        answer_counts(x, batch);
    }
    rt_counter_add(ingestion->duplicates, (uint64_t)batch->n_duplicates);
    rt_counter_add(ingestion->rejected, (uint64_t)batch->n_rejected);
    give_batch(ingestion, batch);
}

static void post_readings(struct rt_http_exchange *x, void *user)
{
    ingest(user, x);
}

#define ACCESS_INGEST 1u

/* One table for any size limit: the body limit of the batch route is set from the configuration at start. */
static const struct rt_http_route route_table[N_ROUTES] = {
    { .method = "POST",
      .path = "/telemetry",
      .handler = post_readings,
      .max_body = SINGLE_MAX_BYTES,
      .access = ACCESS_INGEST },
    { .method = "POST",
      .path = "/telemetry/batch",
      .handler = post_readings,
      .access = ACCESS_INGEST },
    { .method = NULL },
};

static int authorise(struct rt_http_exchange *x, const struct rt_http_route *route, void *user)
{
    struct ingestion *ingestion = user;
    struct segs_error err = { 0 };
    char *prefix;
    int r;

    (void)route;
    if (ingestion->is_open)
        return 0;
    prefix = calloc(1, SEGS_ID_BYTES);
    r = prefix
            ? keys_authorise(ingestion->app->db, rt_http_header(x, "Authorization"), prefix, &err)
            : SEGS_ENOMEM;
    if (r == 0) {
        rt_http_set_principal(x, prefix, free);
        return 0;
    }
    free(prefix);
    if (r == SEGS_EDENIED) {
        rt_http_set_header(x, "WWW-Authenticate", "Bearer");
        rt_http_problem(x, 401, "unauthorized", "A valid ingest key is needed.");
    } else {
        rt_log_failure(RT_LOG_ERROR, "ingest keys could not be looked up", r, &err);
        rt_http_unavailable(x, RETRY_AFTER_S, "authorisation_unavailable",
                            "Ingest keys cannot be checked at the moment.");
    }
    return SEGS_EDENIED;
}

/* ---- Life ---- */

static void *refresh(void *user)
{
    struct ingestion *ingestion = user;
    int64_t next_ms = rt_monotonic_ms() + ingestion->refresh_ms;

    rt_log_thread_service("ingestion");
    while (!atomic_load(&ingestion->stopping)) {
        struct segs_error err = { 0 };
        int r;

        rt_sleep_ms(100);
        if (rt_monotonic_ms() < next_ms)
            continue;
        r = registry_refresh(ingestion->intake.registry, &err);
        if (r < 0)
            rt_log_failure(RT_LOG_WARN,
                           "the registry of meters could not be read, the last one stays in use", r,
                           &err);
        next_ms = rt_monotonic_ms() + ingestion->refresh_ms;
    }
    return NULL;
}

static int check_auth(struct ingestion *ingestion, struct segs_error *reterr)
{
    ingestion->is_open =
        strcmp(rt_config_string(ingestion->app->config, "INGEST_AUTH"), "none") == 0;
    if (ingestion->is_open &&
        (!ingestion->app->dev ||
         strcmp(rt_config_string(ingestion->app->config, "BIND_ADDRESS"), "127.0.0.1") != 0))
        return rt_fail(
            reterr, SEGS_EDENIED, "INGEST_AUTH",
            "expected key, found none: only `segs dev` on 127.0.0.1 may take readings from anyone");
    return 0;
}

static int start_http(struct ingestion *ingestion, struct segs_error *reterr)
{
    struct rt_http_options options = {
        .service = "ingestion",
        .bind = rt_config_string(ingestion->app->config, "BIND_ADDRESS"),
        .port = (int32_t)rt_config_int(ingestion->app->config, "INGESTION_PORT"),
        .routes = ingestion->routes,
        .authorise = authorise,
        .user = ingestion,
        .metrics = ingestion->app->metrics,
        .readiness_of = &segs_ingestion_service,
        .readiness_state = ingestion,
    };

    return rt_http_start(&options, &ingestion->http, reterr);
}

static void make_metrics(struct ingestion *ingestion)
{
    struct rt_metrics *m = ingestion->app->metrics;
    const char *help = "Readings received, by what became of them.";

    ingestion->accepted =
        rt_counter(m, "segs_ingest_readings_total", help, RT_LABELS("result", "accepted"));
    ingestion->rejected =
        rt_counter(m, "segs_ingest_readings_total", help, RT_LABELS("result", "rejected"));
    ingestion->duplicates =
        rt_counter(m, "segs_ingest_readings_total", help, RT_LABELS("result", "duplicate"));
    ingestion->unavailable =
        rt_counter(m, "segs_ingest_readings_total", help, RT_LABELS("result", "unavailable"));
}

static void stop(void *state)
{
    struct ingestion *ingestion = state;

    if (!ingestion)
        return;
    rt_http_stop(ingestion->http);
    if (ingestion->is_refreshing) {
        atomic_store(&ingestion->stopping, true);
        (void)pthread_join(ingestion->refresher, NULL);
    }
    while (ingestion->n_idle > 0)
        batch_free(ingestion->idle[--ingestion->n_idle]);
    registry_free(ingestion->intake.registry);
    segs_policy_free(ingestion->intake.policy);
    (void)pthread_mutex_destroy(&ingestion->lock);
    free(ingestion);
}

static int prepare(struct ingestion *ingestion, struct segs_error *reterr)
{
    const struct rt_config *config = ingestion->app->config;
    struct segs_policy_options options = SEGS_POLICY_OPTIONS_INIT;
    int r = check_auth(ingestion, reterr);

    /* Time is judged by the stream processor against the log's clock, so that quarantine keeps what is refused. */
    options.checks = SEGS_CHECK_CONTENT;
    ingestion->intake.max_readings = rt_config_int(config, "INGEST_MAX_READINGS");
    ingestion->intake.unregistered_flags =
        rt_config_bool(config, "INGEST_UNREGISTERED_EXPORT") ? SEGS_METER_MAY_EXPORT : 0;
    ingestion->timeout_ms = rt_config_int(config, "INGEST_TIMEOUT");
    ingestion->refresh_ms = rt_config_int(config, "REGISTRY_REFRESH");
    memcpy(ingestion->routes, route_table, sizeof route_table);
    ingestion->routes[ROUTE_BATCH].max_body = (size_t)rt_config_int(config, "INGEST_MAX_BODY");
    if (r == 0)
        r = rt_schema_migrate(ingestion->app->db, reterr);
    if (r == 0)
        r = rt_topic_raw_ensure(ingestion->app, reterr);
    if (r == 0)
        r = segs_policy_new(&options, &ingestion->intake.policy, reterr);
    if (r == 0)
        r = registry_new(ingestion->app->db, &ingestion->intake.registry, reterr);
    return r;
}

static int start(struct rt_app *app, void **ret_state, struct segs_error *reterr)
{
    struct ingestion *ingestion = calloc(1, sizeof *ingestion);
    int r;

    if (!ingestion)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for ingestion");
    ingestion->app = app;
    (void)pthread_mutex_init(&ingestion->lock, NULL);
    make_metrics(ingestion);
    r = prepare(ingestion, reterr);
    if (r == 0 && pthread_create(&ingestion->refresher, NULL, refresh, ingestion) != 0)
        r = rt_fail(reterr, SEGS_ENOMEM, NULL, "cannot start a thread");
    ingestion->is_refreshing = r == 0;
    if (r == 0)
        r = start_http(ingestion, reterr);
    if (r < 0) {
        stop(ingestion);
        return r;
    }
    *ret_state = ingestion;
    return 0;
}

static void ready(void *state, rt_ready_fn *report, void *user)
{
    struct ingestion *ingestion = state;
    bool is_up = rt_bus_is_up(ingestion->app->bus);

    report("bus", is_up, is_up ? "takes readings" : "cannot take readings", user);
    /* Without keys nobody is let in. The registry only refines the checks, and its last state stays in use. */
    if (!ingestion->is_open) {
        bool can_ask = keys_can_be_asked(ingestion->app->db);

        report("keys", can_ask, can_ask ? "can be checked" : "cannot be checked", user);
    }
}

static void drain(void *state)
{
    struct ingestion *ingestion = state;

    rt_http_drain(ingestion->http);
}

const struct rt_service segs_ingestion_service = {
    .name = "ingestion",
    .config = config_table,
    .n_config = sizeof config_table / sizeof config_table[0],
    .port_key = "INGESTION_PORT",
    .start = start,
    .ready = ready,
    .drain = drain,
    .stop = stop,
};
