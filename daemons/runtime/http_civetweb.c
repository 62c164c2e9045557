/* The only file that knows the server library. It uses civetweb for sockets, threads and the parsing
 * of heads, and nothing else of it: no files, no routing, no decoding, no error pages. */
#include <civetweb.h>
#include <pthread.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/http_internal.h"
#include "runtime/log.h"

#define IDLE_TIMEOUT_MS 500 /* Of a kept connection. A waiting thread serves nobody else. */

/* civetweb itself answers 411 to a length that is no number and 413 to a head that is too long. */
static int status_of(int status, bool expired)
{
    if (status == 411)
        return 400;
    if (status == 413)
        return 431;
    return status == 400 && expired ? 408 : status;
}

static struct http_worker *worker_of(const struct mg_connection *c)
{
    return mg_get_thread_pointer(c);
}

static void bind_connection(struct http_worker *worker, const struct mg_request_info *info)
{
    http_conn_bind(&worker->server->conns, &worker->conn, info->remote_addr, info->remote_port,
                   info->server_port);
}

/* The parsed request lives in the same place for the life of a thread, and its addresses are there
 * before a connection begins; but the library hands the place out only once there is a request. */
static void learn(struct http_worker *worker, const struct mg_connection *c)
{
    if (!worker->backend_info)
        worker->backend_info = mg_get_request_info(c);
    if (worker->backend_info && worker->conn.fd < 0 && !worker->conn.dead)
        bind_connection(worker, worker->backend_info);
}

static int64_t head_deadline(const struct http_worker *worker)
{
    return rt_monotonic_ms() + worker->server->head_timeout_ms;
}

static int on_connection(const struct mg_connection *c, void **conn_data)
{
    struct http_worker *worker = worker_of(c);
    int status = 0;

    *conn_data = NULL;
    if (!worker)
        return 0;
    worker->conn.dead = false;
    worker->conn.start = NULL;
    if (!worker->backend_info)
        return 0;
    bind_connection(worker, worker->backend_info);
    if (worker->conn.fd < 0)
        return 0;
    http_conn_phase(&worker->conn, HTTP_PHASE_HEAD, head_deadline(worker));
    if (http_conn_accept(&worker->conn, worker->server->head_timeout_ms, &status))
        return 0;
    if (status != 0)
        http_refuse(worker, (void *)(uintptr_t)c, status,
                    status == 503 ? "Too many connections from this address."
                                  : "A request line is expected.");
    else
        http_conn_finish(&worker->conn, false);
    return 0;
}

static void on_close(const struct mg_connection *c)
{
    struct http_worker *worker = worker_of(c);

    if (worker)
        http_conn_unbind(&worker->server->conns, &worker->conn);
}

/* Where request lines begin is one address per connection. A line that begins elsewhere followed
 * bytes that the library skipped without counting them, and everything after would be misread. */
static bool starts_in_place(struct http_conn *conn, const char *method)
{
    if (!conn->start)
        conn->start = method;
    return conn->start == method && (uintptr_t)method % alignof(max_align_t) == 0;
}

static void copy_head(struct http_head *head, const struct mg_request_info *info)
{
    head->method = info->request_method;
    head->uri = info->request_uri;
    head->path = info->local_uri_raw;
    head->query = info->query_string;
    head->version = info->http_version;
    head->n_headers = (size_t)info->num_headers;
    for (size_t i = 0; i < head->n_headers; i++) {
        head->headers[i].name = info->http_headers[i].name;
        head->headers[i].value = info->http_headers[i].value;
    }
}

/* True when the request was our own, sent to wake this thread up. */
static bool is_warming(struct http_worker *worker, struct mg_connection *c,
                       const struct mg_request_info *info)
{
    static const char done[] = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";

    if (!atomic_load(&worker->server->warming.on) || !info->local_uri_raw ||
        strcmp(info->local_uri_raw, HTTP_WARM_PATH) != 0)
        return false;
    http_warm_arrive(worker->server);
    (void)http_backend_write(c, done, sizeof done - 1);
    http_conn_finish(&worker->conn, false);
    return true;
}

static int on_request(struct mg_connection *c)
{
    struct http_worker *worker = worker_of(c);
    const struct mg_request_info *info = mg_get_request_info(c);
    const char *why = NULL;
    int status;

    if (!worker || !info || worker->conn.dead)
        return 400;
    learn(worker, c);
    http_conn_phase(&worker->conn, HTTP_PHASE_HANDLE, 0);
    if (is_warming(worker, c, info))
        return 204;
    copy_head(&worker->head, info);
    worker->exchange.framing = (struct http_framing){ 0 };
    if (!starts_in_place(&worker->conn, info->request_method)) {
        status = 400;
        why = "A request line is expected.";
    } else
        status = http_head_check(&worker->head, info->request_method + HTTP_MAX_HEAD_BYTES,
                                 &worker->exchange.framing, &why);
    if (status != 0) {
        http_refuse(worker, c, status, why);
        return status;
    }
    return http_serve(worker, c);
}

static void on_request_end(const struct mg_connection *c, int status)
{
    struct http_worker *worker = worker_of(c);

    (void)status;
    if (worker)
        http_conn_phase(&worker->conn, HTTP_PHASE_HEAD, head_deadline(worker));
}

static int on_error(struct mg_connection *c, int status, const char *message)
{
    struct http_worker *worker = worker_of(c);
    bool expired;

    (void)message;
    if (!worker || worker->conn.dead)
        return 0;
    learn(worker, c);
    expired = http_conn_expired(&worker->conn);
    http_refuse(worker, c, status_of(status, expired),
                expired ? "The request line and headers did not arrive in time."
                        : "The request could not be understood.");
    return 0;
}

static int on_message(const struct mg_connection *c, const char *message)
{
    (void)c;
    rt_log(RT_LOG_DEBUG, "http server library", RT_STR("text", message));
    return 1;
}

static void *on_thread(const struct mg_context *ctx, int type)
{
    struct rt_http_server *server = mg_get_user_data(ctx);

    if (type != 1)
        return NULL;
    rt_log_thread_service(server->service);
    return http_worker_new(server);
}

static void on_thread_end(const struct mg_context *ctx, int type, void *pointer)
{
    (void)ctx;
    (void)type;
    http_worker_free(pointer);
}

int http_backend_read(void *backend, void *buf, size_t cap)
{
    return mg_read(backend, buf, cap);
}

int http_backend_write(void *backend, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        int n = mg_write(backend, at, len < (1U << 20) ? len : (1U << 20));

        if (n <= 0)
            return -1;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

static void init_library(void)
{
    (void)mg_init_library(MG_FEATURES_DEFAULT);
}

static const struct mg_callbacks callbacks = {
    .begin_request = on_request,
    .end_request = on_request_end,
    .log_message = on_message,
    .connection_close = on_close,
    .http_error = on_error,
    .init_thread = on_thread,
    .exit_thread = on_thread_end,
    .init_connection = on_connection,
};

int http_backend_start(struct rt_http_server *server, const char *bind, int32_t port,
                       struct segs_error *reterr)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char listen_on[64];
    char threads[16];
    char timeout[16];
    char idle[16];
    char head_bytes[16];
    struct mg_server_port opened = { 0 };
    /* No document_root: without it the library has no files to serve. */
    const char *options[] = { "listening_ports",
                              listen_on,
                              "num_threads",
                              threads,
                              "request_timeout_ms",
                              timeout,
                              "keep_alive_timeout_ms",
                              idle,
                              "max_request_size",
                              head_bytes,
                              "enable_keep_alive",
                              "yes",
                              "tcp_nodelay",
                              "1",
                              "listen_backlog",
                              "1024",
                              "connection_queue",
                              "64",
                              "decode_url",
                              "no",
                              "decode_query_string",
                              "no",
                              "enable_directory_listing",
                              "no",
                              "enable_auth_domain_check",
                              "no",
                              "access_control_allow_origin",
                              "",
                              "access_control_allow_methods",
                              "",
                              "access_control_allow_headers",
                              "",
                              NULL };
    struct mg_context *ctx;

    (void)snprintf(listen_on, sizeof listen_on, "%s:%d", bind, (int)port);
    (void)snprintf(threads, sizeof threads, "%d", (int)server->n_threads);
    /* Ours comes first, because the library cannot tell late from malformed. */
    (void)snprintf(timeout, sizeof timeout, "%lld", 2 * (long long)server->head_timeout_ms);
    (void)snprintf(idle, sizeof idle, "%d", IDLE_TIMEOUT_MS);
    (void)snprintf(head_bytes, sizeof head_bytes, "%d", HTTP_MAX_HEAD_BYTES);
    (void)pthread_once(&once, init_library);
    ctx = mg_start(&callbacks, server, options);
    if (!ctx)
        return rt_fail(reterr, RT_EUNAVAILABLE, server->service,
                       "cannot listen on %s: address in use, not of this host, or not permitted",
                       listen_on);
    (void)mg_get_server_ports(ctx, 1, &opened);
    server->port = opened.port;
    server->backend = ctx;
    return 0;
}

void http_backend_stop(struct rt_http_server *server)
{
    mg_stop(server->backend);
    server->backend = NULL;
}
