/* Failures as RFC 9457 problem details, with the members that clients of the older contract read. */
#include <stdio.h>

#include "runtime/http_internal.h"

#define MAX_FAULTS_BYTES (64 * 1024)

void http_problem_body(struct rt_buf *out, const struct rt_http_exchange *x, int status,
                       const char *code, const char *detail)
{
    struct rt_json_out json;
    char type[96];

    (void)snprintf(type, sizeof type, "urn:segs:problem:%s", code);
    rt_json_begin(&json, out);
    rt_json_object(&json, NULL);
    rt_json_put_string(&json, "type", type);
    rt_json_put_string(&json, "title", http_reason(status));
    rt_json_put_int(&json, "status", status);
    rt_json_put_string(&json, "detail", detail);
    if (x->head->path)
        rt_json_put_string(&json, "instance", x->head->path);
    rt_json_put_string(&json, "code", code);
    rt_json_put_string(&json, "request_id", x->request_id);
    rt_json_array(&json, "errors");
    if (x->faults->len > 0)
        rt_buf_append(out, x->faults->data, x->faults->len);
    rt_json_end_array(&json);
    rt_json_put_bool(&json, "success", false);
    rt_json_put_string(&json, "message", detail);
    rt_json_put_string(&json, "error", code);
    rt_json_end_object(&json);
}

void rt_http_problem(struct rt_http_exchange *x, int status, const char *code, const char *detail)
{
    x->status = status;
    (void)snprintf(x->content_type, sizeof x->content_type, "application/problem+json");
    rt_buf_clear(x->out);
    http_problem_body(x->out, x, status, code, detail);
}

void rt_http_fault(struct rt_http_exchange *x, const char *pointer, const char *code,
                   const char *message)
{
    struct rt_json_out json;

    if (x->faults->len > MAX_FAULTS_BYTES)
        return;
    if (x->faults->len > 0)
        rt_buf_text(x->faults, ",");
    rt_json_begin(&json, x->faults);
    rt_json_object(&json, NULL);
    rt_json_put_string(&json, "pointer", pointer);
    rt_json_put_string(&json, "code", code);
    rt_json_put_string(&json, "message", message);
    rt_json_end_object(&json);
}

void rt_http_unavailable(struct rt_http_exchange *x, int retry_after_s, const char *code,
                         const char *detail)
{
    char seconds[16];

    (void)snprintf(seconds, sizeof seconds, "%d", retry_after_s);
    rt_http_set_header(x, "Retry-After", seconds);
    rt_http_problem(x, 503, code, detail);
}
