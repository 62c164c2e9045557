/* /health, /livez, /readyz and /metrics of every server. */
#include <string.h>

#include "runtime/clock.h"
#include "runtime/http_internal.h"
#include "runtime/service.h"

#define READY_CACHE_MS 1000

/* ---- What the service says ---- */

static void put_plain(struct rt_buf *out, const char *text)
{
    for (; text && *text; text++) {
        char c = (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text;

        rt_buf_append(out, &c, 1);
    }
}

static void report(const char *what, bool ok, const char *detail, void *user)
{
    struct http_ready_cache *cache = user;
    struct rt_json_out json;

    cache->ok = cache->ok && ok;
    rt_buf_text(&cache->text, ok ? "[+]" : "[-]");
    put_plain(&cache->text, what);
    rt_buf_text(&cache->text, ok ? " ok" : " failed");
    if (detail && *detail) {
        rt_buf_text(&cache->text, ": ");
        put_plain(&cache->text, detail);
    }
    rt_buf_text(&cache->text, "\n");
    if (cache->json.len > 0)
        rt_buf_text(&cache->json, ",");
    rt_json_begin(&json, &cache->json);
    rt_json_object(&json, NULL);
    rt_json_put_string(&json, "name", what);
    rt_json_put_bool(&json, "ok", ok);
    if (detail && *detail)
        rt_json_put_string(&json, "detail", detail);
    rt_json_end_object(&json);
}

/* Asked at most once a second, so that probes cost the same however many there are. */
static void refresh(struct rt_http_server *server)
{
    struct http_ready_cache *cache = &server->ready;
    int64_t now_ms = rt_monotonic_ms();

    if (now_ms < cache->valid_until_ms)
        return;
    cache->ok = true;
    rt_buf_clear(&cache->text);
    rt_buf_clear(&cache->json);
    if (server->readiness_of && server->readiness_of->ready)
        server->readiness_of->ready(server->readiness_state, report, cache);
    if (cache->text.failed || cache->json.failed)
        cache->ok = false;
    cache->valid_until_ms = now_ms + READY_CACHE_MS;
}

/* ---- Routes ---- */

static void livez(struct rt_http_exchange *x, void *user)
{
    (void)user;
    rt_http_respond(x, 200, "text/plain; charset=utf-8", "ok\n", 3);
}

static void readyz(struct rt_http_exchange *x, void *user)
{
    struct rt_http_server *server = user;
    bool draining = atomic_load(&server->draining);
    struct rt_buf text = RT_BUF_INIT;
    bool ok;

    (void)pthread_mutex_lock(&server->ready.lock);
    refresh(server);
    ok = server->ready.ok && !draining;
    if (rt_http_query(x, "verbose")) {
        rt_buf_append(&text, server->ready.text.data, server->ready.text.len);
        if (draining)
            rt_buf_text(&text, "[-]shutdown failed: draining\n");
    }
    (void)pthread_mutex_unlock(&server->ready.lock);
    rt_buf_text(&text, ok ? "ready\n" : "not ready\n");
    rt_http_respond(x, ok ? 200 : 503, "text/plain; charset=utf-8", text.data, text.len);
    rt_buf_free(&text);
}

static void health(struct rt_http_exchange *x, void *user)
{
    struct rt_http_server *server = user;
    bool draining = atomic_load(&server->draining);
    struct rt_buf body = RT_BUF_INIT;
    struct rt_json_out json;
    bool ok;

    (void)pthread_mutex_lock(&server->ready.lock);
    refresh(server);
    ok = server->ready.ok && !draining;
    rt_json_begin(&json, &body);
    rt_json_object(&json, NULL);
    rt_json_put_string(&json, "status", ok ? "ok" : draining ? "draining" : "unavailable");
    rt_json_put_string(&json, "service", server->service);
    rt_json_array(&json, "checks");
    rt_buf_append(&body, server->ready.json.data, server->ready.json.len);
    rt_json_end_array(&json);
    rt_json_end_object(&json);
    (void)pthread_mutex_unlock(&server->ready.lock);
    rt_http_respond(x, ok ? 200 : 503, "application/json", body.data, body.len);
    rt_buf_free(&body);
}

static void metrics(struct rt_http_exchange *x, void *user)
{
    struct rt_http_server *server = user;
    struct rt_buf text = RT_BUF_INIT;

    http_metrics_in_flight(server);
    if (!server->metrics.registry)
        rt_http_problem(x, 404, "not_found", "This server keeps no metrics.");
    else if (rt_metrics_render(server->metrics.registry, &text) == 0)
        rt_http_respond(x, 200, "text/plain; version=0.0.4; charset=utf-8", text.data, text.len);
    rt_buf_free(&text);
}

const struct rt_http_route http_builtin_routes[] = {
    { .method = "GET", .path = "/health", .handler = health, .query = "verbose" },
    { .method = "GET", .path = "/livez", .handler = livez, .query = "verbose" },
    { .method = "GET", .path = "/readyz", .handler = readyz, .query = "verbose" },
    { .method = "GET", .path = "/metrics", .handler = metrics },
    { .method = NULL },
};
