#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stddef.h>

#include "runtime/clock.h"
#include "runtime/http_internal.h"
#include "runtime/log.h"
#include "runtime/service.h"

#define DEFAULT_THREADS 64
#define MAX_THREADS 4096
#define DEFAULT_TIMEOUT_MS 10000
#define WRITE_FACTOR 3 /* Writing may take this many times as long as reading a head. */
#define REPEAT_AFTER_S 2

/* ---- Workers ---- */

struct http_worker *http_worker_new(struct rt_http_server *server)
{
    struct http_worker *worker = calloc(1, sizeof *worker);

    if (!worker)
        return NULL;
    worker->server = server;
    http_conns_add(&server->conns, &worker->conn);
    return worker;
}

void http_worker_free(struct http_worker *worker)
{
    if (!worker)
        return;
    http_conns_remove(&worker->server->conns, &worker->conn);
    rt_buf_free(&worker->body);
    rt_buf_free(&worker->headers);
    rt_buf_free(&worker->out);
    rt_buf_free(&worker->faults);
    rt_buf_free(&worker->wire);
    free(worker);
}

static void reuse(struct rt_buf *buf)
{
    if (buf->cap > HTTP_SMALL_BUFFER)
        rt_buf_free(buf);
    else
        rt_buf_clear(buf);
}

/* ---- One exchange ---- */

void http_exchange_begin(struct rt_http_exchange *x, struct http_worker *worker, void *backend)
{
    struct http_framing framing = x->framing;
    size_t target_at = offsetof(struct rt_http_exchange, target);
    size_t after = target_at + sizeof x->target;

    /* The texts of the target are large and written before they are read. */
    memset(x, 0, target_at);
    memset((char *)x + after, 0, sizeof *x - after);
    x->target.n_segments = 0;
    x->target.n_pairs = 0;
    x->server = worker->server;
    x->worker = worker;
    x->backend = backend;
    x->head = &worker->head;
    x->framing = framing;
    x->body = &worker->body;
    x->headers = &worker->headers;
    x->out = &worker->out;
    x->faults = &worker->faults;
    x->route = &worker->server->router->unmatched;
    x->started_us = rt_monotonic_us();
}

void http_exchange_end(struct rt_http_exchange *x)
{
    if (x->release_principal)
        x->release_principal(x->principal);
    rt_json_free(x->json);
    rt_log_thread_trace(NULL, NULL, NULL);
    reuse(x->body);
    reuse(x->headers);
    reuse(x->out);
    reuse(x->faults);
    reuse(&x->worker->wire);
    x->json = NULL;
    x->principal = NULL;
    x->release_principal = NULL;
}

static void refuse_target(struct rt_http_exchange *x, int status, const char *why)
{
    rt_http_problem(x, status, status == 414 ? "uri_too_long" : "malformed_target", why);
}

static void refuse_method(struct rt_http_exchange *x, int status)
{
    struct rt_buf allow = RT_BUF_INIT;

    if (status == 404) {
        rt_http_problem(x, 404, "not_found", "There is nothing at this path.");
        return;
    }
    (void)http_router_allow(x->server->router, &x->target, &allow);
    if (allow.data)
        rt_http_set_header(x, "Allow", allow.data);
    if (strcmp(x->head->method, "OPTIONS") == 0)
        rt_http_respond(x, 204, NULL, NULL, 0);
    else
        rt_http_problem(x, 405, "method_not_allowed", "The path exists, but not for this method.");
    rt_buf_free(&allow);
}

static void refuse_parameter(struct rt_http_exchange *x, const char *name, const char *code,
                             const char *text)
{
    char pointer[80];
    char message[256];
    char nearest[64];

    (void)snprintf(pointer, sizeof pointer, "?%.64s", name);
    (void)snprintf(message, sizeof message, "%s: \"%.64s\".", text, name);
    if (strcmp(code, "unknown_parameter") == 0 &&
        http_name_nearest(x->route->spec->query, name, nearest, sizeof nearest))
        (void)snprintf(message, sizeof message, "%s: \"%.64s\"; the nearest known is \"%s\".", text,
                       name, nearest);
    rt_http_fault(x, pointer, code, message);
    rt_http_problem(x, 400, code, message);
}

static bool check_parameters(struct rt_http_exchange *x)
{
    const struct http_target *target = &x->target;

    for (size_t i = 0; i < target->n_pairs; i++) {
        const char *name = target->pairs[i].name;

        if (!http_name_allowed(x->route->spec->query, name)) {
            refuse_parameter(x, name, "unknown_parameter", "Unknown query parameter");
            return false;
        }
        if (http_target_get(target, name) != target->pairs[i].value) {
            refuse_parameter(x, name, "repeated_parameter", "Query parameter given twice");
            return false;
        }
    }
    return true;
}

/* Find the route and check what the table says about it; false when answered. */
static bool route(struct rt_http_exchange *x)
{
    const char *why = "";
    struct http_route *found;
    int status = http_target_path(&x->target, x->head->path, &why);

    if (status == 0)
        status = http_target_query(&x->target, x->head->query, &why);
    if (status != 0) {
        refuse_target(x, status, why);
        return false;
    }
    status = http_router_match(x->server->router, x->head->method, &x->target, &found);
    if (status != 0) {
        refuse_method(x, status);
        return false;
    }
    x->route = found;
    return true;
}

static bool authorise(struct rt_http_exchange *x)
{
    if (x->route->spec->access == 0)
        return true;
    if (x->server->authorise(x, x->route->spec, x->server->user) == 0)
        return true;
    if (x->status == 0)
        rt_http_problem(x, 403, "forbidden", "Not allowed.");
    return false;
}

static void run_handler(struct rt_http_exchange *x)
{
    x->route->spec->handler(x, x->route->builtin ? (void *)x->server : x->server->user);
    if (x->status != 0)
        return;
    rt_log(RT_LOG_ERROR, "handler gave no answer", RT_STR("route", x->route->label));
    rt_http_problem(x, 500, "internal", "The request could not be completed.");
}

static void answer(struct rt_http_exchange *x)
{
    if (!route(x))
        return;
    if (atomic_load(&x->server->draining) && !x->route->builtin) {
        x->close = true;
        rt_http_unavailable(x, REPEAT_AFTER_S, "shutting_down", "The service is shutting down.");
        return;
    }
    if (check_parameters(x) && authorise(x) && http_body_admit(x) == 0)
        run_handler(x);
}

static void leave(struct rt_http_server *server)
{
    if (atomic_fetch_sub(&server->in_flight, 1) != 1)
        return;
    (void)pthread_mutex_lock(&server->idle_lock);
    (void)pthread_cond_broadcast(&server->idle);
    (void)pthread_mutex_unlock(&server->idle_lock);
}

/* What comes after the drain began is answered, but stopping does not wait for it. */
static bool enter(struct rt_http_server *server)
{
    (void)atomic_fetch_add(&server->in_flight, 1);
    if (!atomic_load(&server->draining))
        return true;
    leave(server);
    return false;
}

void http_write_deadline(struct rt_http_exchange *x)
{
    http_conn_phase(&x->worker->conn, HTTP_PHASE_WRITE,
                    rt_monotonic_ms() + WRITE_FACTOR * x->server->head_timeout_ms);
}

static void send_answer(struct rt_http_exchange *x)
{
    struct http_worker *worker = x->worker;

    if (x->streaming)
        http_stream_end(x);
    else {
        http_body_discard(x);
        http_write_deadline(x);
        http_send(x);
    }
    http_conn_phase(&worker->conn, HTTP_PHASE_HANDLE, 0);
    http_metrics_count(x);
    if (x->close)
        http_conn_finish(&worker->conn, !x->body_done);
}

int http_serve(struct http_worker *worker, void *backend)
{
    struct rt_http_exchange *x = &worker->exchange;
    struct rt_http_server *server = worker->server;
    bool counted = enter(server);
    int status;

    http_exchange_begin(x, worker, backend);
    x->head_only = strcmp(worker->head.method, "HEAD") == 0;
    x->close = !x->framing.keep_alive;
    x->body_done = x->framing.content_length == 0;
    http_identify(x);
    http_metrics_in_flight(server);
    answer(x);
    if (atomic_load(&server->draining))
        x->close = true;
    send_answer(x);
    status = x->status;
    http_exchange_end(x);
    if (counted)
        leave(server);
    http_metrics_in_flight(server);
    return status;
}

void http_refuse(struct http_worker *worker, void *backend, int status, const char *detail)
{
    struct rt_http_exchange *x = &worker->exchange;
    static const struct {
        int status;
        const char *code;
    } codes[] = { { 408, "timeout" },
                  { 417, "expectation_failed" },
                  { 431, "headers_too_large" },
                  { 503, "too_many_connections" } };
    const char *code = "malformed_request";

    worker->head.n_headers = 0; /* Nothing of a refused head is believed. */
    worker->head.path = NULL;
    worker->head.method = "other";
    x->framing = (struct http_framing){ 0 };
    http_exchange_begin(x, worker, backend);
    http_identify(x);
    x->close = true;
    x->body_done = false;
    x->body_failed = true;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].status == status)
            code = codes[i].code;
    }
    if (status == 503)
        rt_http_unavailable(x, REPEAT_AFTER_S, code, detail);
    else
        rt_http_problem(x, status, code, detail);
    send_answer(x);
    http_exchange_end(x);
}

/* ---- Start and stop ---- */

static int check_options(const struct rt_http_options *options, struct segs_error *reterr)
{
    struct in_addr address;

    if (!options->service || !options->bind || !options->bind[0])
        return rt_fail(reterr, SEGS_EINVAL, "bind", "a service name and an address are expected");
    if (inet_pton(AF_INET, options->bind, &address) != 1)
        return rt_fail(reterr, SEGS_ENOTSUP, "bind", "expected an IPv4 address, found \"%s\"",
                       options->bind);
    if (options->port < 0 || options->port > 65535)
        return rt_fail(reterr, SEGS_ERANGE, "port", "expected 0..65535, found %d",
                       (int)options->port);
    if (options->n_threads < 0 || options->n_threads > MAX_THREADS)
        return rt_fail(reterr, SEGS_ERANGE, "n_threads", "expected 0..%d, found %d", MAX_THREADS,
                       (int)options->n_threads);
    for (const struct rt_http_route *r = options->routes; r && r->method; r++) {
        if (r->access != 0 && !options->authorise)
            return rt_fail(reterr, SEGS_EINVAL, r->path, "needs authorisation, but there is none");
    }
    return 0;
}

static void fill(struct rt_http_server *server, const struct rt_http_options *options)
{
    (void)inet_pton(AF_INET, options->bind, &server->address);
    if (server->address.s_addr == htonl(INADDR_ANY))
        server->address.s_addr = htonl(INADDR_LOOPBACK);
    server->service = options->service;
    server->authorise = options->authorise;
    server->user = options->user;
    server->readiness_of = options->readiness_of;
    server->readiness_state = options->readiness_state;
    server->n_threads = options->n_threads ? options->n_threads : DEFAULT_THREADS;
    server->body_timeout_ms =
        options->body_timeout_ms ? options->body_timeout_ms : DEFAULT_TIMEOUT_MS;
    server->head_timeout_ms =
        options->head_timeout_ms ? options->head_timeout_ms : DEFAULT_TIMEOUT_MS;
}

static void release(struct rt_http_server *server)
{
    http_conns_close(&server->conns);
    http_router_free(server->router);
    rt_buf_free(&server->ready.text);
    rt_buf_free(&server->ready.json);
    (void)pthread_mutex_destroy(&server->ready.lock);
    (void)pthread_mutex_destroy(&server->warming.lock);
    (void)pthread_cond_destroy(&server->warming.all);
    (void)pthread_cond_destroy(&server->idle);
    (void)pthread_mutex_destroy(&server->idle_lock);
    free(server);
}

int rt_http_start(const struct rt_http_options *options, struct rt_http_server **ret,
                  struct segs_error *reterr)
{
    struct rt_http_server *server;
    int32_t spare;
    int r = check_options(options, reterr);

    if (r != 0)
        return r;
    server = calloc(1, sizeof *server);
    if (!server)
        return rt_fail(reterr, SEGS_ENOMEM, options->service, "out of memory");
    fill(server, options);
    (void)pthread_mutex_init(&server->ready.lock, NULL);
    (void)pthread_mutex_init(&server->idle_lock, NULL);
    (void)pthread_cond_init(&server->idle, NULL);
    (void)pthread_mutex_init(&server->warming.lock, NULL);
    (void)pthread_cond_init(&server->warming.all, NULL);
    r = http_router_new(http_builtin_routes, options->routes, &server->router, reterr);
    if (r == 0)
        http_metrics_open(server, options->metrics);
    /* Three quarters of the threads, so that one peer cannot hold them all. */
    spare = server->n_threads / 4;
    if (r == 0 && http_conns_open(&server->conns, server->n_threads - spare) != 0)
        r = rt_fail(reterr, SEGS_EINTERNAL, options->service, "cannot start a thread");
    if (r == 0)
        r = http_backend_start(server, options->bind, options->port, reterr);
    if (r != 0) {
        release(server);
        return r;
    }
    http_warm_up(server);
    *ret = server;
    return 0;
}

int32_t rt_http_port(const struct rt_http_server *server)
{
    return server->port;
}

void rt_http_drain(struct rt_http_server *server)
{
    if (server)
        atomic_store(&server->draining, true);
}

void rt_http_stop(struct rt_http_server *server)
{
    if (!server)
        return;
    rt_http_drain(server);
    (void)pthread_mutex_lock(&server->idle_lock);
    while (atomic_load(&server->in_flight) > 0)
        (void)pthread_cond_wait(&server->idle, &server->idle_lock);
    (void)pthread_mutex_unlock(&server->idle_lock);
    http_conns_wake_waiting(&server->conns);
    http_conns_unblock(&server->conns, server->address, server->port);
    http_backend_stop(server);
    release(server);
}
