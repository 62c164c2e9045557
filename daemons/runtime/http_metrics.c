/* Labels come from the route table and from fixed lists, so that no client can add a series. */
#include <stdio.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/http_internal.h"

#define REQUESTS "segs_http_requests_total"
#define REQUESTS_HELP "Requests answered, by route template and status."

static const double bounds_s[] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                   0.25,  0.5,    1.0,   2.5,  5.0,   10.0 };

static void open_route(struct http_metrics *metrics, const char *service, struct http_route *route)
{
    route->duration = rt_histogram(metrics->registry, "segs_http_request_duration_seconds",
                                   "Time from the request's head to the answer's last byte.",
                                   RT_LABELS("service", service, "route", route->label), bounds_s,
                                   sizeof bounds_s / sizeof bounds_s[0]);
}

void http_metrics_open(struct rt_http_server *server, struct rt_metrics *registry)
{
    struct http_metrics *metrics = &server->metrics;

    metrics->registry = registry;
    if (!registry)
        return;
    metrics->in_flight = rt_gauge(registry, "segs_http_requests_in_flight",
                                  "Requests being handled.", RT_LABELS("service", server->service));
    metrics->request_bytes = rt_counter(registry, "segs_http_request_bytes_total",
                                        "Bytes of request bodies received, before decompression.",
                                        RT_LABELS("service", server->service));
    for (size_t i = 0; i < server->router->n_routes; i++)
        open_route(metrics, server->service, &server->router->routes[i]);
    open_route(metrics, server->service, &server->router->unmatched);
}

static const char *method_label(const struct rt_http_exchange *x)
{
    static const char *const known[] = {
        "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"
    };

    if (x->route->spec)
        return x->route->spec->method;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(x->head->method, known[i]) == 0)
            return known[i];
    }
    return "other";
}

static struct rt_counter *request_counter(const struct rt_http_exchange *x)
{
    char status[8];

    (void)snprintf(status, sizeof status, "%d", x->status);
    return rt_counter(x->server->metrics.registry, REQUESTS, REQUESTS_HELP,
                      RT_LABELS("service", x->server->service, "route", x->route->label, "method",
                                method_label(x), "status", status));
}

void http_metrics_count(struct rt_http_exchange *x)
{
    struct http_metrics *metrics = &x->server->metrics;
    struct http_route *route = (struct http_route *)(uintptr_t)x->route;
    size_t slot = (size_t)(x->status - 100);
    struct rt_counter *counter = NULL;

    if (!metrics->registry)
        return;
    /* The entry of what matches nothing has several methods, so its children are not kept. */
    if (route->spec && slot < HTTP_STATUS_SLOTS)
        counter = atomic_load_explicit(&route->by_status[slot], memory_order_acquire);
    if (!counter) {
        counter = request_counter(x);
        if (route->spec && slot < HTTP_STATUS_SLOTS)
            atomic_store_explicit(&route->by_status[slot], counter, memory_order_release);
    }
    rt_counter_add(counter, 1);
    rt_counter_add(metrics->request_bytes, x->body_received);
    rt_histogram_observe(route->duration, (double)(rt_monotonic_us() - x->started_us) / 1e6);
}

void http_metrics_in_flight(struct rt_http_server *server)
{
    if (server->metrics.in_flight)
        rt_gauge_set(server->metrics.in_flight, (double)atomic_load(&server->in_flight));
}
