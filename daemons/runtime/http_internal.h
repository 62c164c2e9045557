/* Shared by the http_*.c files only: the request as a backend hands it over, what a backend offers,
 * and the exchange that handlers see as opaque. */
#ifndef RT_HTTP_INTERNAL_H
#define RT_HTTP_INTERNAL_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http.h"
#include "http_conn.h"
#include "http_router.h"
#include "http_target.h"
#include "metrics.h"

#define HTTP_MAX_HEADERS 64
#define HTTP_MAX_HEAD_BYTES 16384 /* Request line and headers together; ours. */
#define HTTP_SMALL_BUFFER                                                                          \
    (256 * 1024) /* A worker keeps buffers up to this size between requests. */
#define HTTP_ID_BYTES 65
#define HTTP_TRACEPARENT_BYTES 56

/* ---- The head of a request, as parsed ---- */

struct http_header {
    const char *name;
    const char *value;
};

struct http_head {
    const char *method;
    const char *uri;     /* As sent, without the query. */
    const char *path;    /* Raw path of the target. */
    const char *query;   /* Raw, or NULL. */
    const char *version; /* "1.1". */
    size_t n_headers;
    struct http_header headers[HTTP_MAX_HEADERS];
};

/* How the body is framed, found by http_head_check. */
struct http_framing {
    int64_t content_length; /* -1 when chunked. */
    bool expect_continue;
    bool keep_alive;
};

/* The rules of RFC 9112 that the parser underneath does not enforce and that keep two readers of one
 * byte stream from disagreeing. Returns 0 or the status to refuse with, then `*why` says what is
 * wrong. `limit` is the first byte that must not be read. */
int http_head_check(const struct http_head *head, const char *limit, struct http_framing *ret,
                    const char **why);
const char *http_head_get(const struct http_head *head, const char *name);
size_t http_head_count(const struct http_head *head, const char *name);

/* ---- A worker: one thread of the server with the connection it serves ---- */

struct rt_http_exchange {
    struct rt_http_server *server;
    struct http_worker *worker;
    void *backend; /* The backend's connection. */
    const struct http_head *head;
    const struct http_route *route; /* NULL until matched. */
    struct http_framing framing;
    struct http_target target;
    int64_t started_us;

    char request_id[HTTP_ID_BYTES];
    char traceparent[HTTP_TRACEPARENT_BYTES];
    char trace_id[33];
    char span_id[17];

    struct rt_buf *body;
    bool body_begun; /* Reading started, so an awaited 100 was sent. */
    bool body_done;  /* Everything the framing promised was read. */
    bool body_failed;
    uint64_t body_received;
    int64_t body_until_ms;
    struct rt_json *json;

    void *principal;
    void (*release_principal)(void *);

    int status; /* 0: no answer yet. */
    bool close; /* The connection ends with this answer. */
    bool head_only;
    bool aborted;
    bool streaming; /* The head is out; the answer's pieces follow. */
    char content_type[96];
    bool has_cache_control;
    struct rt_buf *headers; /* Further header lines. */
    struct rt_buf *out;     /* Body of the answer. */
    struct rt_buf *faults;  /* Entries of errors[], comma-separated. */
};

struct http_random {
    unsigned char bytes[512];
    size_t left;
};

struct http_worker {
    struct http_conn conn;
    struct http_random random;
    struct rt_http_server *server;
    struct http_head head;
    struct rt_buf body;
    struct rt_buf headers;
    struct rt_buf out;
    struct rt_buf faults;
    struct rt_buf wire;
    struct rt_http_exchange exchange;
    const void *backend_info; /* Of the backend. */
};

/* ---- The server ---- */

/* Only a thread that has parsed a request knows where the addresses of its next connections will
 * be. So the server sends itself one request per thread before it says that it has started; each
 * waits until all have arrived, so that no thread gets two. */
#define HTTP_WARM_PATH "/-/thread"

struct http_warming {
    pthread_mutex_t lock;
    pthread_cond_t all;
    int32_t expected;
    int32_t arrived;
    atomic_bool on;
};

struct http_ready_cache {
    pthread_mutex_t lock;
    int64_t valid_until_ms;
    bool ok;
    struct rt_buf text; /* "[+]name ok" lines. */
    struct rt_buf json; /* Elements of checks[]. */
};

struct http_metrics {
    struct rt_metrics *registry;
    struct rt_gauge *in_flight;
    struct rt_counter *request_bytes;
};

struct rt_http_server {
    const char *service;
    rt_http_authorise_fn *authorise;
    void *user;
    const struct rt_service *readiness_of;
    void *readiness_state;
    int64_t body_timeout_ms;
    int64_t head_timeout_ms;
    int32_t n_threads;
    int32_t port;
    struct http_router *router;
    struct http_conns conns;
    struct http_metrics metrics;
    struct http_ready_cache ready;
    struct http_warming warming;
    struct in_addr address; /* Where to reach ourselves. */
    void *backend;
    atomic_bool draining;
    atomic_long in_flight; /* Exchanges that were admitted. */
    pthread_mutex_t idle_lock;
    pthread_cond_t idle;
};

/* ---- What a backend offers (http_civetweb.c) ---- */

int http_backend_start(struct rt_http_server *server, const char *bind, int32_t port,
                       struct segs_error *reterr);
void http_backend_stop(struct rt_http_server *server);
/* Up to `cap` bytes of the body, without framing. 0: the body is complete; -1: broken. */
int http_backend_read(void *backend, void *buf, size_t cap);
int http_backend_write(void *backend, const void *data, size_t len); /* 0 or -1. */

/* ---- What it calls ---- */

struct http_worker *http_worker_new(struct rt_http_server *server);
void http_worker_free(struct http_worker *worker);
/* Serve the request in worker->head. Returns the status answered. */
int http_serve(struct http_worker *worker, void *backend);
/* Refuse what could not be parsed; the connection is closed afterwards. */
void http_refuse(struct http_worker *worker, void *backend, int status, const char *detail);

/* ---- Between the parts ---- */

void http_exchange_begin(struct rt_http_exchange *x, struct http_worker *worker, void *backend);
void http_exchange_end(struct rt_http_exchange *x);
void http_identify(struct rt_http_exchange *x); /* Request id and trace context, taken or made. */

void http_body_discard(struct rt_http_exchange *x);
int http_body_admit(struct rt_http_exchange *x); /* 0, or answered. */
void http_send(struct rt_http_exchange *x);
void http_put_head(struct rt_buf *wire, const struct rt_http_exchange *x);
void http_stream_end(struct rt_http_exchange *x);
void http_write_deadline(struct rt_http_exchange *x);
void http_problem_body(struct rt_buf *out, const struct rt_http_exchange *x, int status,
                       const char *code, const char *detail);
const char *http_reason(int status);

void http_warm_up(struct rt_http_server *server);
void http_warm_arrive(struct rt_http_server *server);

extern const struct rt_http_route http_builtin_routes[];

void http_metrics_open(struct rt_http_server *server, struct rt_metrics *registry);
void http_metrics_count(struct rt_http_exchange *x);
void http_metrics_in_flight(struct rt_http_server *server);

#endif
