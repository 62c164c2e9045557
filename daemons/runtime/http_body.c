/* Request bodies: read under one deadline, one size limit, and one ratio when compressed. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "runtime/clock.h"
#include "runtime/http_internal.h"

#define CHUNK (16 * 1024)
#define EXCESS_IDLE_MS 100 /* For each piece, on a connection beyond its peer's share. */
#define DISCARD_MS 1000    /* For a body nobody asked for. */
#define DISCARD_BYTES (64 * 1024)

/* A compressed body may grow to 64 KiB freely and then to a hundred times its size; JSON readings
 * shrink to about a tenth, a bomb to a thousandth. Ours. */
#define RATIO_FREE_BYTES (64 * 1024)
#define MAX_RATIO 100

static int refuse(struct rt_http_exchange *x, int status, const char *code, const char *detail)
{
    x->body_failed = true;
    if (!x->body_done)
        x->close = true;
    rt_http_problem(x, status, code, detail);
    return SEGS_EDENIED;
}

static int too_large(struct rt_http_exchange *x)
{
    char detail[96];

    (void)snprintf(detail, sizeof detail, "The body is larger than %zu bytes.",
                   x->route->spec->max_body);
    return refuse(x, 413, "body_too_large", detail);
}

int http_body_admit(struct rt_http_exchange *x)
{
    size_t max = x->route->spec->max_body;

    if (max == 0 && x->framing.content_length != 0)
        return refuse(x, 400, "body_not_expected", "This operation takes no body.");
    if (x->framing.content_length > 0 && (uint64_t)x->framing.content_length > max)
        return too_large(x);
    return 0;
}

/* ---- Raw bytes ---- */

static void set_deadline(struct rt_http_exchange *x)
{
    struct http_conn *conn = &x->worker->conn;
    int64_t soon_ms = rt_monotonic_ms() + EXCESS_IDLE_MS;
    bool sooner = conn->excess && soon_ms < x->body_until_ms;

    http_conn_phase(conn, HTTP_PHASE_HANDLE, sooner ? soon_ms : x->body_until_ms);
}

static void begin(struct rt_http_exchange *x, int64_t timeout_ms)
{
    x->body_begun = true;
    x->body_until_ms = rt_monotonic_ms() + timeout_ms;
    set_deadline(x);
    if (x->framing.expect_continue) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

        (void)http_backend_write(x->backend, go_on, sizeof go_on - 1);
    }
}

static void finish(struct rt_http_exchange *x)
{
    http_conn_phase(&x->worker->conn, HTTP_PHASE_HANDLE, 0);
}

/* Up to `cap` bytes; 0 at the end; -1 when the rest will not come. */
static int read_some(struct rt_http_exchange *x, char *buf, size_t cap)
{
    int64_t length = x->framing.content_length;
    int n;

    if (x->body_done)
        return 0;
    if (x->worker->conn.excess)
        set_deadline(x);
    if (length >= 0 && (uint64_t)cap > (uint64_t)length - x->body_received)
        cap = (size_t)((uint64_t)length - x->body_received);
    n = http_backend_read(x->backend, buf, cap);
    if (n < 0 || (n == 0 && length >= 0) || http_conn_expired(&x->worker->conn))
        return -1;
    x->body_received += (uint64_t)n;
    if (n == 0 || (length >= 0 && x->body_received == (uint64_t)length))
        x->body_done = true;
    return n;
}

static int refuse_broken(struct rt_http_exchange *x)
{
    if (http_conn_expired(&x->worker->conn))
        return refuse(x, 408, "timeout", "The body did not arrive in time.");
    return refuse(x, 400, "malformed_body", "The body ends early or is framed wrongly.");
}

static int read_plain(struct rt_http_exchange *x)
{
    size_t max = x->route->spec->max_body;

    while (!x->body_done) {
        size_t room = max - x->body->len;
        size_t want = room < CHUNK ? room + 1 : CHUNK; /* One more shows that there is more. */
        char *to = rt_buf_reserve(x->body, want);
        int n;

        if (!to)
            return refuse(x, 503, "out_of_memory", "Too busy for a body of this size.");
        n = read_some(x, to, want);
        if (n < 0)
            return refuse_broken(x);
        if ((size_t)n > room)
            return too_large(x);
        x->body->len += (size_t)n;
        x->body->data[x->body->len] = '\0';
    }
    return 0;
}

/* ---- Compressed bytes ---- */

static bool is_bomb(const struct rt_http_exchange *x)
{
    return x->body->len > RATIO_FREE_BYTES && x->body->len / MAX_RATIO > x->body_received;
}

/* Inflate what `z` holds into the body. Returns 0, or answered. `*ended` when a member is complete. */
static int inflate_some(struct rt_http_exchange *x, z_stream *z, bool *ended)
{
    size_t max = x->route->spec->max_body;

    while (z->avail_in > 0) {
        size_t room = max - x->body->len + 1;
        char *to;
        int r;

        if (*ended && inflateReset(z) != Z_OK) /* RFC 1952 2.2: members may follow each other. */
            return refuse(x, 400, "malformed_body", "The body is not valid gzip.");
        *ended = false;
        if (room > CHUNK)
            room = CHUNK;
        to = rt_buf_reserve(x->body, room);
        if (!to)
            return refuse(x, 503, "out_of_memory", "Too busy for a body of this size.");
        z->next_out = (unsigned char *)to;
        z->avail_out = (unsigned)room;
        r = inflate(z, Z_NO_FLUSH);
        if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
            return refuse(x, 400, "malformed_body", "The body is not valid gzip.");
        *ended = r == Z_STREAM_END;
        x->body->len += room - z->avail_out;
        x->body->data[x->body->len] = '\0';
        if (x->body->len > max || is_bomb(x))
            return too_large(x);
    }
    return 0;
}

static int read_gzip(struct rt_http_exchange *x)
{
    size_t max = x->route->spec->max_body;
    char in[CHUNK];
    z_stream z = { 0 };
    bool ended = false;
    int r = 0;

    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) /* 16: gzip and nothing else. */
        return refuse(x, 503, "out_of_memory", "Too busy for a body of this size.");
    while (r == 0 && !x->body_done) {
        int n = read_some(x, in, sizeof in);

        if (n < 0)
            r = refuse_broken(x);
        else if (x->body_received > max)
            r = too_large(x);
        else if (n > 0) {
            z.next_in = (unsigned char *)in;
            z.avail_in = (unsigned)n;
            r = inflate_some(x, &z, &ended);
        }
    }
    (void)inflateEnd(&z);
    if (r == 0 && !ended)
        r = refuse(x, 400, "malformed_body", "The gzip body ends early.");
    return r;
}

int rt_http_body(struct rt_http_exchange *x, const char **ret, size_t *ret_len)
{
    const char *encoding = http_head_get(x->head, "Content-Encoding");
    size_t n_encodings = http_head_count(x->head, "Content-Encoding");
    bool gzip = encoding && strcasecmp(encoding, "gzip") == 0;
    int r;

    if (x->body_failed)
        return SEGS_EDENIED;
    if (n_encodings > 1 || (encoding && !gzip && strcasecmp(encoding, "identity") != 0)) {
        rt_http_set_header(x, "Accept-Encoding", "gzip");
        return refuse(x, 415, "unsupported_encoding", "The only content encoding here is gzip.");
    }
    if (!x->body_begun) {
        begin(x, x->server->body_timeout_ms);
        r = gzip ? read_gzip(x) : read_plain(x);
        finish(x);
        if (r != 0)
            return r;
    }
    *ret = x->body->data ? x->body->data : "";
    *ret_len = x->body->len;
    return 0;
}

/* A body that the handler left unread: a short one is read away to keep the connection. */
void http_body_discard(struct rt_http_exchange *x)
{
    char waste[4096];

    if (x->body_done || x->close)
        return;
    if (x->body_begun || x->framing.expect_continue || x->framing.content_length < 0 ||
        x->framing.content_length > DISCARD_BYTES) {
        x->close = true;
        return;
    }
    begin(x, DISCARD_MS);
    while (!x->body_done) {
        if (read_some(x, waste, sizeof waste) < 0) {
            x->close = true;
            break;
        }
    }
    finish(x);
}

/* ---- JSON ---- */

static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    size_t n = sizeof json - 1;

    return type && strncasecmp(type, json, n) == 0 &&
           (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

static void on_fault(const char *pointer, const char *code, const char *message, void *user)
{
    rt_http_fault(user, pointer, code, message);
}

int rt_http_json_body(struct rt_http_exchange *x, const struct rt_json_member *members,
                      const struct rt_json **ret)
{
    struct segs_error err = { 0 };
    const char *data;
    size_t len;
    int r;

    if (!is_json(http_head_get(x->head, "Content-Type")))
        return refuse(x, 415, "unsupported_media_type", "The body must be application/json.");
    r = rt_http_body(x, &data, &len);
    if (r != 0)
        return r;
    rt_json_free(x->json);
    x->json = NULL;
    r = rt_json_parse(data, len, &x->json, &err);
    if (r == SEGS_ENOMEM) {
        rt_http_problem(x, 503, "out_of_memory", "Too busy for a body of this size.");
        return r;
    }
    if (r != 0) {
        rt_http_fault(x, err.field, "malformed_json", err.message);
        rt_http_problem(x, 400, "malformed_json",
                        "The body is not the JSON that is expected here.");
        return r;
    }
    r = rt_json_check(x->json, members, on_fault, x);
    if (r != 0) {
        rt_http_problem(x, 422, "invalid_body", "Some members of the body are not valid.");
        return r;
    }
    *ret = x->json;
    return 0;
}
