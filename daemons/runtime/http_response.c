#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "runtime/http_internal.h"
#include "runtime/log.h"

#define ONE_WRITE (64 * 1024) /* Answers up to this size leave in one piece with their head. */

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        { 200, "OK" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 207, "Multi-Status" },
        { 301, "Moved Permanently" },
        { 302, "Found" },
        { 303, "See Other" },
        { 304, "Not Modified" },
        { 307, "Temporary Redirect" },
        { 308, "Permanent Redirect" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 406, "Not Acceptable" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 410, "Gone" },
        { 412, "Precondition Failed" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 415, "Unsupported Media Type" },
        { 417, "Expectation Failed" },
        { 422, "Unprocessable Content" },
        { 428, "Precondition Required" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
    };

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status)
            return reasons[i].text;
    }
    return status < 400 ? "OK" : "Error";
}

void rt_http_respond(struct rt_http_exchange *x, int status, const char *content_type,
                     const void *body, size_t len)
{
    x->status = status;
    (void)snprintf(x->content_type, sizeof x->content_type, "%s", content_type ? content_type : "");
    rt_buf_clear(x->out);
    if (len > 0)
        rt_buf_append(x->out, body, len);
}

/* A line break in a value would start a header, or a body, of the client's choosing. */
static bool is_header_text(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    }
    return true;
}

void rt_http_set_header(struct rt_http_exchange *x, const char *name, const char *value)
{
    if (!is_header_text(name) || !is_header_text(value)) {
        rt_log(RT_LOG_ERROR, "answer header left out: control character", RT_STR("header", name));
        return;
    }
    if (strcasecmp(name, "Cache-Control") == 0)
        x->has_cache_control = true;
    rt_buf_printf(x->headers, "%s: %s\r\n", name, value);
}

void rt_http_success(struct rt_http_exchange *x, int status, const char *message,
                     const struct rt_buf *data, const struct rt_buf *page)
{
    struct rt_json_out json;

    x->status = status;
    (void)snprintf(x->content_type, sizeof x->content_type, "application/json");
    rt_buf_clear(x->out);
    rt_json_begin(&json, x->out);
    rt_json_object(&json, NULL);
    rt_json_put_bool(&json, "success", true);
    rt_json_put_string(&json, "message", message);
    if (data && data->len > 0)
        rt_json_put_raw(&json, "data", data->data, data->len);
    else
        rt_json_put_null(&json, "data");
    if (page && page->len > 0)
        rt_json_put_raw(&json, "page", page->data, page->len);
    rt_json_end_object(&json);
    if ((data && data->failed) || (page && page->failed))
        x->out->failed = true;
}

/* ---- On the wire ---- */

static void put_date(struct rt_buf *wire)
{
    static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t now = time(NULL);
    struct tm tm;

    if (!gmtime_r(&now, &tm))
        return;
    rt_buf_printf(wire, "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday], tm.tm_mday,
                  months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static bool is_chunked(const struct rt_http_exchange *x)
{
    return strcmp(x->head->version, "1.1") == 0;
}

void http_put_head(struct rt_buf *wire, const struct rt_http_exchange *x)
{
    rt_buf_printf(wire, "HTTP/1.1 %d %s\r\n", x->status, http_reason(x->status));
    put_date(wire);
    if (x->content_type[0])
        rt_buf_printf(wire, "Content-Type: %s\r\n", x->content_type);
    if (x->streaming)
        rt_buf_text(wire, is_chunked(x) ? "Transfer-Encoding: chunked\r\n" : "");
    else if (x->status != 204 && x->status != 304)
        rt_buf_printf(wire, "Content-Length: %zu\r\n", x->out->len);
    if (!x->has_cache_control)
        rt_buf_text(wire, "Cache-Control: no-store\r\n");
    rt_buf_printf(wire,
                  "X-Content-Type-Options: nosniff\r\nX-Request-Id: %s\r\ntraceparent: %s\r\n"
                  "Connection: %s\r\n",
                  x->request_id, x->traceparent, x->close ? "close" : "keep-alive");
    rt_buf_append(wire, x->headers->data, x->headers->len);
    rt_buf_text(wire, "\r\n");
}

void http_send(struct rt_http_exchange *x)
{
    struct rt_buf *wire = &x->worker->wire;
    bool has_body = !x->head_only && x->status != 204 && x->status != 304;
    int r;

    if (x->out->failed || x->headers->failed) {
        rt_buf_clear(x->headers);
        rt_http_problem(x, 500, "internal", "The request could not be completed.");
    }
    rt_buf_clear(wire);
    http_put_head(wire, x);
    if (has_body && x->out->len <= ONE_WRITE)
        rt_buf_append(wire, x->out->data, x->out->len);
    if (wire->failed || x->out->failed) { /* Not even an error fits into memory. */
        x->close = true;
        return;
    }
    r = http_backend_write(x->backend, wire->data, wire->len);
    if (r == 0 && has_body && x->out->len > ONE_WRITE)
        r = http_backend_write(x->backend, x->out->data, x->out->len);
    if (r != 0)
        x->close = true;
}

/* ---- Piece by piece ---- */

int rt_http_stream_begin(struct rt_http_exchange *x, int status, const char *content_type)
{
    struct rt_buf *wire = &x->worker->wire;

    x->status = status;
    x->streaming = true;
    x->close = true;
    (void)snprintf(x->content_type, sizeof x->content_type, "%s", content_type);
    rt_buf_clear(wire);
    http_put_head(wire, x);
    if (wire->failed)
        return SEGS_ENOMEM;
    http_write_deadline(x);
    return http_backend_write(x->backend, wire->data, wire->len) == 0 ? 0 : RT_EUNAVAILABLE;
}

int rt_http_stream_write(struct rt_http_exchange *x, const void *data, size_t len)
{
    struct rt_buf *wire = &x->worker->wire;

    if (len == 0 || x->head_only)
        return 0;
    rt_buf_clear(wire);
    if (is_chunked(x))
        rt_buf_printf(wire, "%zx\r\n", len);
    rt_buf_append(wire, data, len);
    if (is_chunked(x))
        rt_buf_text(wire, "\r\n");
    if (wire->failed)
        return SEGS_ENOMEM;
    http_write_deadline(x);
    if (http_backend_write(x->backend, wire->data, wire->len) != 0)
        return RT_EUNAVAILABLE;
    http_conn_phase(&x->worker->conn, HTTP_PHASE_HANDLE, 0);
    return 0;
}

void rt_http_stream_abort(struct rt_http_exchange *x)
{
    x->aborted = true;
}

bool rt_http_stream_ended(const struct rt_http_exchange *x)
{
    return atomic_load(&x->server->draining) || http_conn_is_gone(&x->worker->conn);
}

/* Without the last chunk a client knows that the answer is not whole. */
void http_stream_end(struct rt_http_exchange *x)
{
    static const char last[] = "0\r\n\r\n";

    if (is_chunked(x) && !x->head_only && !x->aborted) {
        http_write_deadline(x);
        (void)http_backend_write(x->backend, last, sizeof last - 1);
    }
}
