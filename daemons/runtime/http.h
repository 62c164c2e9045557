/* HTTP server: routes as a table, one listener per service, problem+json for every failure, limits,
 * trace context, drain. Handlers never see the server library behind it.
 *
 * What every server enforces: the head whole within head_timeout_ms and below 16 KiB and 64 lines, the
 * body whole within body_timeout_ms, a kept connection idle for at most 500 ms, and an answer taken
 * within three times head_timeout_ms. A connection occupies one thread. One peer address may hold
 * three quarters of the threads; its further connections are served only when their request is
 * already there, and refused with 503 otherwise. Behind a proxy, all clients are one peer.
 *
 * Each server also answers /health, /livez, /readyz (?verbose) and /metrics.
 *
 * Thread rule: handlers run concurrently on the server's threads; an exchange belongs to its
 * handler's thread. */
#ifndef RT_HTTP_H
#define RT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "errors.h"
#include "json.h"

struct rt_app;
struct rt_http_server;
struct rt_http_exchange;
struct rt_metrics;
struct rt_service;

typedef void(rt_http_handler_fn)(struct rt_http_exchange *x, void *user);

/* One operation. Tables end with method NULL. HEAD follows from GET; OPTIONS answers Allow. */
struct rt_http_route {
    const char *method;
    const char
        *path; /* "/api/v1/telemetry/operator/meter/{meter_id}": literal segments and {name}. */
    rt_http_handler_fn *handler;
    const char
        *query; /* Allowed query parameters, comma-separated; anything else is 400. NULL: none. */
    size_t max_body; /* Bytes after decompression; 0: the operation takes no body. */
    uint32_t access; /* Handed to the server's authorise hook; 0: public. */
};

/* Decides before the handler runs, on route->access != 0: 0 lets it through; otherwise the hook has
 * answered (401, 403, 503). Deny by default: a server with such routes and no hook does not start.
 */
typedef int(rt_http_authorise_fn)(struct rt_http_exchange *x, const struct rt_http_route *route,
                                  void *user);

struct rt_http_options {
    const char *service; /* Metric label. */
    const char *bind;    /* "127.0.0.1"; IPv4 only. */
    int32_t port;        /* 0: a free one; rt_http_port tells. */
    int32_t n_threads;   /* 0: 64. */
    const struct rt_http_route *routes;
    rt_http_authorise_fn *authorise;
    void *user;                 /* For handlers and hook. */
    struct rt_metrics *metrics; /* segs_http_* families; served at /metrics. */
    int64_t body_timeout_ms;    /* Whole body; 0: 10000. */
    int64_t head_timeout_ms;    /* Request line and headers; 0: 10000. Three times as long
                                 * for the whole answer. */
    /* /health, /livez, /readyz: asks the service; NULL: always ready. */
    const struct rt_service *readiness_of;
    void *readiness_state;
};

int rt_http_start(const struct rt_http_options *options, struct rt_http_server **ret,
                  struct segs_error *reterr);
int32_t rt_http_port(const struct rt_http_server *server);
void rt_http_drain(
    struct rt_http_server *server); /* /readyz says no, open requests finish, new ones get 503. */
void rt_http_stop(struct rt_http_server *server); /* Returns when no handler runs any more. */

/* ---- The request ---- */
const char *rt_http_method(const struct rt_http_exchange *x);
const char *rt_http_route_path(const struct rt_http_exchange *x); /* Template. */
const char *rt_http_param(const struct rt_http_exchange *x,
                          const char *name); /* Decoded {name} segment. */
const char *rt_http_query(const struct rt_http_exchange *x,
                          const char *name); /* Decoded; NULL when absent. A repeated one is 400. */
const char *rt_http_header(const struct rt_http_exchange *x,
                           const char *name);               /* NULL when absent. */
const char *rt_http_peer(const struct rt_http_exchange *x); /* Address of the TCP peer. */
const char *rt_http_request_id(const struct rt_http_exchange *x);
const char *
rt_http_traceparent(const struct rt_http_exchange *x); /* Of this hop, valid W3C text. */

/* The whole body, gunzipped when Content-Encoding says gzip. On failure the answer is already set
 * (400, 408, 413, 415) and the handler just returns. The bytes live until the handler returns. */
int rt_http_body(struct rt_http_exchange *x, const char **ret, size_t *ret_len);
/* rt_http_body + content type check + rt_json_parse + rt_json_check: 400 malformed, 422 invalid,
 * each fault named. *ret is freed with the exchange. */
int rt_http_json_body(struct rt_http_exchange *x, const struct rt_json_member *members,
                      const struct rt_json **ret);

/* Who asks; set by the authorise hook, freed with the exchange through `release`. */
void rt_http_set_principal(struct rt_http_exchange *x, void *principal, void (*release)(void *));
void *rt_http_principal(const struct rt_http_exchange *x);

/* ---- The answer: set status and body once; sent when the handler returns ---- */
void rt_http_respond(struct rt_http_exchange *x, int status, const char *content_type,
                     const void *body, size_t len);
void rt_http_set_header(struct rt_http_exchange *x, const char *name, const char *value);
/* {"success":true,"message":...,"data":<data>} ; `page` is NULL or the raw JSON of the page member.
 */
void rt_http_success(struct rt_http_exchange *x, int status, const char *message,
                     const struct rt_buf *data, const struct rt_buf *page);
/* application/problem+json; `code` is the stable name ("not_found"), detail is for people and holds
 * no internals. */
void rt_http_problem(struct rt_http_exchange *x, int status, const char *code, const char *detail);
/* Add one entry to errors[] of the problem that follows. */
void rt_http_fault(struct rt_http_exchange *x, const char *pointer, const char *code,
                   const char *message);
/* 503 with Retry-After. */
void rt_http_unavailable(struct rt_http_exchange *x, int retry_after_s, const char *code,
                         const char *detail);

/* ---- A long answer, written piece by piece: exports and event streams ----
 *
 * A stream holds its thread, so event streams belong on a server of their own with n_threads = the
 * most subscribers. The handler asks rt_http_stream_ended at least once a second and returns when
 * it says so; rt_http_stop waits for it. */

/* Send the head; rt_http_set_header comes before. On failure the peer is gone: just return. */
int rt_http_stream_begin(struct rt_http_exchange *x, int status, const char *content_type);
/* Waits while the peer is slow, within the time for an answer. Negative when it is gone. */
int rt_http_stream_write(struct rt_http_exchange *x, const void *data, size_t len);
/* The source failed midway: leave the end off, so that the peer sees the answer is not whole. */
void rt_http_stream_abort(struct rt_http_exchange *x);
/* The peer has left or the server is draining. */
bool rt_http_stream_ended(const struct rt_http_exchange *x);

#endif
