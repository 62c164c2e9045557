/* A server with a few routes, and a client that sends bytes exactly as told. */
#ifndef TESTS_HTTP_SUPPORT_H
#define TESTS_HTTP_SUPPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/http.h"
#include "runtime/metrics.h"
#include "runtime/service.h"

#define ECHO_LIMIT 65536

struct fixture {
    struct rt_http_server *server;
    struct rt_metrics *metrics;
    atomic_int handled;   /* Handlers that ran. */
    atomic_int completed; /* Handlers that ended. */
    atomic_bool hold;     /* /v1/hold waits while set. */
    atomic_bool sick;     /* The service reports that its bus is gone. */
};

void fixture_open(struct fixture *f);
void fixture_open_with(struct fixture *f, struct rt_http_options options);
void fixture_close(struct fixture *f);

/* ---- Raw client ---- */

struct answer {
    int status; /* 0: the connection ended without one. */
    bool chunked;
    char head[8192];
    char *body; /* NUL-terminated; freed by answer_free or the next read into it. */
    size_t len;
};

int dial(const struct fixture *f);
int dial_from(const struct fixture *f, const char *source); /* "127.0.0.2" */
void put(int fd, const char *text);
void put_bytes(int fd, const void *data, size_t len);
bool try_put(int fd, const void *data, size_t len); /* False when the peer is gone. */
/* One answer by its Content-Length; false when none comes within the time. */
bool take(int fd, struct answer *a, int timeout_ms);
bool take_head(int fd, struct answer *a, int timeout_ms); /* Of an answer without a body (HEAD). */
bool is_closed(int fd, int timeout_ms); /* The peer ends the connection within the time. */
bool has_header(const struct answer *a, const char *line); /* "Connection: close" */
const char *header_value(const struct answer *a, const char *name, char *buf, size_t cap);
void answer_free(struct answer *a);

/* One request on its own connection. */
void ask(const struct fixture *f, const char *request, struct answer *a);
int status_of(const struct fixture *f, const char *request);

#endif
