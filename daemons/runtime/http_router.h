/* Routes: a table of templates matched against decoded segments; a literal segment beats {name}.
 * The most literal template that fits owns the path: it decides between the method and 405. */
#ifndef RT_HTTP_ROUTER_H
#define RT_HTTP_ROUTER_H

#include <stdatomic.h>

#include "http.h"
#include "http_target.h"

#define HTTP_STATUS_SLOTS 512

struct rt_counter;
struct rt_histogram;

struct http_route {
    const struct rt_http_route *spec; /* NULL: the entry of what matches nothing. */
    const char *label;                /* Template, or "unmatched". */
    size_t n_segments;
    char *text;
    const char *segments[HTTP_MAX_SEGMENTS]; /* Literal, or the parameter's name. */
    bool is_param[HTTP_MAX_SEGMENTS];
    bool builtin;
    struct rt_histogram *duration;
    /* Children of the request counter by status minus 100, looked up on first use. */
    _Atomic(struct rt_counter *) by_status[HTTP_STATUS_SLOTS];
};

struct http_router {
    size_t n_routes;
    struct http_route *routes;
    struct http_route unmatched;
};

/* `builtin` comes first; a service's table that repeats one of its routes is refused. */
int http_router_new(const struct rt_http_route *builtin, const struct rt_http_route *routes,
                    struct http_router **ret, struct segs_error *reterr);
void http_router_free(struct http_router *router);

/* 0 with the route; 404; or 405. HEAD is answered by GET. */
int http_router_match(struct http_router *router, const char *method,
                      const struct http_target *target, struct http_route **ret);
/* Methods of the path's template: "GET, HEAD, OPTIONS". False when the path has no route. */
bool http_router_allow(const struct http_router *router, const struct http_target *target,
                       struct rt_buf *out);
const char *http_route_param(const struct http_route *route, const struct http_target *target,
                             const char *name);

#endif
