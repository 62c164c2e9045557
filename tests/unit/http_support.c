#include "http_support.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/clock.h"

/* ---- Routes ---- */

static void text(struct rt_http_exchange *x, const char *body)
{
    rt_http_respond(x, 200, "text/plain", body, strlen(body));
}

static void ran(void *user)
{
    struct fixture *f = user;

    (void)atomic_fetch_add(&f->handled, 1);
}

static void get_item(struct rt_http_exchange *x, void *user)
{
    ran(user);
    text(x, rt_http_param(x, "id"));
}

static void get_latest(struct rt_http_exchange *x, void *user)
{
    ran(user);
    text(x, "the latest");
}

static void get_list(struct rt_http_exchange *x, void *user)
{
    const char *from = rt_http_query(x, "from");

    ran(user);
    text(x, from ? from : "(none)");
}

static void post_echo(struct rt_http_exchange *x, void *user)
{
    const char *data;
    size_t len;

    ran(user);
    if (rt_http_body(x, &data, &len) == 0)
        rt_http_respond(x, 200, "application/octet-stream", data, len);
}

static void post_json(struct rt_http_exchange *x, void *user)
{
    static const struct rt_json_member members[] = {
        { .name = "email", .type = RT_JSON_STRING, .required = true, .min_len = 3, .max_len = 64 },
        { .name = "days", .type = RT_JSON_INT, .min = 1, .max = 30 },
        { .name = NULL },
    };
    const struct rt_json *json;
    struct rt_buf data = RT_BUF_INIT;

    ran(user);
    if (rt_http_json_body(x, members, &json) != 0)
        return;
    rt_buf_text(&data, "[1]");
    rt_http_success(x, 201, "made", &data, NULL);
    rt_buf_free(&data);
}

static void post_ignore(struct rt_http_exchange *x, void *user)
{
    ran(user);
    rt_http_problem(x, 409, "conflict", "Already there.");
}

static void get_silent(struct rt_http_exchange *x, void *user)
{
    (void)x;
    ran(user);
}

static void get_hold(struct rt_http_exchange *x, void *user)
{
    struct fixture *f = user;

    ran(user);
    while (atomic_load(&f->hold))
        rt_sleep_ms(5);
    (void)atomic_fetch_add(&f->completed, 1);
    text(x, "released");
}

static void get_large(struct rt_http_exchange *x, void *user)
{
    size_t len = 4 * 1024 * 1024;
    char *body = calloc(1, len);

    ran(user);
    rt_http_respond(x, 200, "application/octet-stream", body, len);
    free(body);
}

static void get_split(struct rt_http_exchange *x, void *user)
{
    ran(user);
    rt_http_set_header(x, "X-Good", "yes");
    rt_http_set_header(x, "X-Bad", "a\r\nSet-Cookie: stolen");
    text(x, "ok");
}

static void get_whoami(struct rt_http_exchange *x, void *user)
{
    ran(user);
    text(x, rt_http_principal(x));
}

static void get_stream(struct rt_http_exchange *x, void *user)
{
    struct fixture *f = user;

    ran(user);
    rt_http_set_header(x, "X-Accel-Buffering", "no");
    if (rt_http_stream_begin(x, 200, "text/event-stream") != 0)
        return;
    for (int i = 0; i < 3 && rt_http_stream_write(x, "data: 1\n\n", 9) == 0; i++)
        rt_sleep_ms(1);
    if (rt_http_query(x, "fail"))
        rt_http_stream_abort(x);
    while (atomic_load(&f->hold) && !rt_http_stream_ended(x))
        rt_sleep_ms(5);
    (void)atomic_fetch_add(&f->completed, 1);
}

static int authorise(struct rt_http_exchange *x, const struct rt_http_route *route, void *user)
{
    const char *token = rt_http_header(x, "Authorization");
    char *name;

    (void)route;
    (void)user;
    if (!token || strcmp(token, "Bearer alice") != 0) {
        rt_http_problem(x, 401, "unauthenticated", "Log in first.");
        return -1;
    }
    name = malloc(6);
    memcpy(name, "alice", 6);
    rt_http_set_principal(x, name, free);
    return 0;
}

static const struct rt_http_route routes[] = {
    { .method = "GET", .path = "/v1/items/{id}", .handler = get_item },
    { .method = "GET", .path = "/v1/items/latest", .handler = get_latest },
    { .method = "GET", .path = "/v1/list", .handler = get_list, .query = "from,to,limit" },
    { .method = "POST", .path = "/v1/echo", .handler = post_echo, .max_body = ECHO_LIMIT },
    { .method = "POST", .path = "/v1/json", .handler = post_json, .max_body = 4096 },
    { .method = "POST", .path = "/v1/ignore", .handler = post_ignore, .max_body = 1 << 20 },
    { .method = "GET", .path = "/v1/silent", .handler = get_silent },
    { .method = "GET", .path = "/v1/hold", .handler = get_hold },
    { .method = "GET", .path = "/v1/large", .handler = get_large },
    { .method = "GET", .path = "/v1/stream", .handler = get_stream, .query = "fail" },
    { .method = "GET", .path = "/v1/split", .handler = get_split },
    { .method = "GET", .path = "/v1/whoami", .handler = get_whoami, .access = 1 },
    { .method = NULL },
};

static void ready(void *state, rt_ready_fn *report, void *user)
{
    struct fixture *f = state;

    report("db", true, NULL, user);
    report("bus", !atomic_load(&f->sick), atomic_load(&f->sick) ? "no broker answers" : NULL, user);
}

static const struct rt_service service = { .name = "sample", .ready = ready };

/* ---- Fixture ---- */

void fixture_open_with(struct fixture *f, struct rt_http_options options)
{
    struct segs_error err = { 0 };

    memset(f, 0, sizeof *f);
    f->metrics = rt_metrics_new();
    options.service = "sample";
    options.bind = "127.0.0.1";
    options.routes = routes;
    options.authorise = authorise;
    options.user = f;
    options.metrics = f->metrics;
    options.readiness_of = &service;
    options.readiness_state = f;
    ck_assert_msg(rt_http_start(&options, &f->server, &err) == 0, "%s", err.message);
}

void fixture_open(struct fixture *f)
{
    struct rt_http_options options = { .n_threads = 8 };

    fixture_open_with(f, options);
}

void fixture_close(struct fixture *f)
{
    atomic_store(&f->hold, false);
    rt_http_stop(f->server);
    rt_metrics_free(f->metrics);
}

/* ---- Raw client ---- */

int dial_from(const struct fixture *f, const char *source)
{
    struct sockaddr_in to = { .sin_family = AF_INET };
    struct sockaddr_in from = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(inet_pton(AF_INET, source, &from.sin_addr), 1);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)rt_http_port(f->server));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

int dial(const struct fixture *f)
{
    return dial_from(f, "127.0.0.1");
}

bool try_put(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

void put_bytes(int fd, const void *data, size_t len)
{
    ck_assert(try_put(fd, data, len));
}

void put(int fd, const char *request)
{
    put_bytes(fd, request, strlen(request));
}

static ssize_t receive(int fd, char *to, size_t len, int64_t until_ms)
{
    struct pollfd pfd = { .fd = fd, .events = POLLIN };
    int64_t left_ms = until_ms - rt_monotonic_ms();

    if (left_ms < 0 || poll(&pfd, 1, (int)left_ms) <= 0)
        return -1;
    return recv(fd, to, len, 0);
}

bool take_head(int fd, struct answer *a, int timeout_ms)
{
    int64_t until_ms = rt_monotonic_ms() + timeout_ms;
    size_t n = 0;

    a->status = 0;
    while (n + 1 < sizeof a->head) {
        if (receive(fd, a->head + n, 1, until_ms) != 1)
            return false;
        a->head[++n] = '\0';
        if (n >= 4 && strcmp(a->head + n - 4, "\r\n\r\n") == 0) {
            ck_assert_int_eq(strncmp(a->head, "HTTP/1.1 ", 9), 0);
            a->status = atoi(a->head + 9);
            return true;
        }
    }
    return false;
}

const char *header_value(const struct answer *a, const char *name, char *buf, size_t cap)
{
    size_t len = strlen(name);

    for (const char *at = strstr(a->head, "\r\n"); at; at = strstr(at + 2, "\r\n")) {
        if (strncasecmp(at + 2, name, len) == 0 && strncmp(at + 2 + len, ": ", 2) == 0) {
            const char *value = at + 4 + len;

            (void)snprintf(buf, cap, "%.*s", (int)strcspn(value, "\r\n"), value);
            return buf;
        }
    }
    return NULL;
}

bool take(int fd, struct answer *a, int timeout_ms)
{
    int64_t until_ms = rt_monotonic_ms() + timeout_ms;
    char value[64];
    size_t n = 0;

    answer_free(a);
    if (!take_head(fd, a, timeout_ms))
        return false;
    a->len = header_value(a, "Content-Length", value, sizeof value) ? strtoul(value, NULL, 10) : 0;
    a->body = calloc(1, a->len + 1);
    while (n < a->len) {
        ssize_t got = receive(fd, a->body + n, a->len - n, until_ms);

        if (got <= 0)
            return false;
        n += (size_t)got;
    }
    return true;
}

bool is_closed(int fd, int timeout_ms)
{
    int64_t until_ms = rt_monotonic_ms() + timeout_ms;
    char waste[4096];
    ssize_t n;

    do {
        n = receive(fd, waste, sizeof waste, until_ms);
    } while (n > 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

bool has_header(const struct answer *a, const char *line)
{
    char wanted[256];

    (void)snprintf(wanted, sizeof wanted, "\r\n%s\r\n", line);
    return strstr(a->head, wanted) != NULL;
}

void answer_free(struct answer *a)
{
    free(a->body);
    a->body = NULL;
    a->len = 0;
}

void ask(const struct fixture *f, const char *request, struct answer *a)
{
    int fd = dial(f);

    put(fd, request);
    ck_assert_msg(take(fd, a, 5000), "no answer to %s", request);
    (void)close(fd);
}

int status_of(const struct fixture *f, const char *request)
{
    struct answer a = { 0 };
    int status;

    ask(f, request, &a);
    status = a.status;
    answer_free(&a);
    return status;
}
