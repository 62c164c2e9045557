#include "runtime/http_router.h"

#include <stdlib.h>
#include <string.h>

static bool compile_segment(struct http_route *route, char *text)
{
    size_t len = strlen(text);
    size_t i = route->n_segments;

    if (len == 0 || i == HTTP_MAX_SEGMENTS)
        return false;
    route->is_param[i] = text[0] == '{';
    if (route->is_param[i]) {
        if (len < 3 || text[len - 1] != '}')
            return false;
        text[len - 1] = '\0';
        text++;
    }
    route->segments[i] = text;
    route->n_segments++;
    return true;
}

static int compile(struct http_route *route, const struct rt_http_route *spec,
                   struct segs_error *reterr)
{
    char *at;

    route->spec = spec;
    route->label = spec->path;
    route->text = malloc(strlen(spec->path) + 1);
    if (!route->text)
        return rt_fail(reterr, SEGS_ENOMEM, spec->path, "out of memory");
    memcpy(route->text, spec->path, strlen(spec->path) + 1);
    if (route->text[0] != '/' || !spec->handler)
        return rt_fail(reterr, SEGS_EINVAL, spec->path, "expected a path from / and a handler");
    for (at = route->text[1] ? route->text : NULL; at;) {
        char *next = strchr(at + 1, '/');

        *at = '\0';
        if (next)
            *next = '\0';
        if (!compile_segment(route, at + 1))
            return rt_fail(reterr, SEGS_EINVAL, spec->path, "not a route template");
        at = next;
    }
    return 0;
}

/* Equal but for the names of parameters: both would claim the same paths. */
static bool same_template(const struct http_route *a, const struct http_route *b)
{
    if (a->n_segments != b->n_segments)
        return false;
    for (size_t i = 0; i < a->n_segments; i++) {
        if (a->is_param[i] != b->is_param[i] ||
            (!a->is_param[i] && strcmp(a->segments[i], b->segments[i]) != 0))
            return false;
    }
    return true;
}

static int check_unique(const struct http_router *router, struct segs_error *reterr)
{
    for (size_t i = 0; i < router->n_routes; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct http_route *a = &router->routes[i];
            const struct http_route *b = &router->routes[k];

            if (same_template(a, b) && strcmp(a->spec->method, b->spec->method) == 0)
                return rt_fail(reterr, SEGS_ECONFLICT, a->spec->path, "%s %s is routed twice",
                               a->spec->method, a->spec->path);
        }
    }
    return 0;
}

static size_t count(const struct rt_http_route *routes)
{
    size_t n = 0;

    while (routes && routes[n].method)
        n++;
    return n;
}

int http_router_new(const struct rt_http_route *builtin, const struct rt_http_route *routes,
                    struct http_router **ret, struct segs_error *reterr)
{
    struct http_router *router = calloc(1, sizeof *router);
    size_t n_builtin = count(builtin);
    size_t n = n_builtin + count(routes);
    int r = 0;

    if (router)
        router->routes = calloc(n + 1, sizeof *router->routes);
    if (!router || !router->routes) {
        free(router);
        return rt_fail(reterr, SEGS_ENOMEM, "", "out of memory");
    }
    router->unmatched.label = "unmatched";
    for (size_t i = 0; i < n && r == 0; i++) {
        router->n_routes++;
        router->routes[i].builtin = i < n_builtin;
        r = compile(&router->routes[i], i < n_builtin ? &builtin[i] : &routes[i - n_builtin],
                    reterr);
    }
    if (r == 0)
        r = check_unique(router, reterr);
    if (r != 0) {
        http_router_free(router);
        return r;
    }
    *ret = router;
    return 0;
}

void http_router_free(struct http_router *router)
{
    if (!router)
        return;
    for (size_t i = 0; i < router->n_routes; i++)
        free(router->routes[i].text);
    free(router->routes);
    free(router);
}

static bool fits(const struct http_route *route, const struct http_target *target)
{
    if (route->n_segments != target->n_segments)
        return false;
    for (size_t i = 0; i < route->n_segments; i++) {
        if (!route->is_param[i] && strcmp(route->segments[i], target->segments[i]) != 0)
            return false;
    }
    return true;
}

/* At the first segment where they differ, the literal one wins. */
static bool more_literal(const struct http_route *a, const struct http_route *b)
{
    for (size_t i = 0; i < a->n_segments; i++) {
        if (a->is_param[i] != b->is_param[i])
            return b->is_param[i];
    }
    return false;
}

static struct http_route *best(const struct http_router *router, const struct http_target *target)
{
    struct http_route *found = NULL;

    for (size_t i = 0; i < router->n_routes; i++) {
        struct http_route *route = &router->routes[i];

        if (fits(route, target) && (!found || more_literal(route, found)))
            found = route;
    }
    return found;
}

int http_router_match(struct http_router *router, const char *method,
                      const struct http_target *target, struct http_route **ret)
{
    const struct http_route *owner = best(router, target);

    *ret = &router->unmatched;
    if (!owner)
        return 404;
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (size_t i = 0; i < router->n_routes; i++) {
        if (strcmp(router->routes[i].spec->method, method) == 0 &&
            same_template(&router->routes[i], owner)) {
            *ret = &router->routes[i];
            return 0;
        }
    }
    return 405;
}

bool http_router_allow(const struct http_router *router, const struct http_target *target,
                       struct rt_buf *out)
{
    const struct http_route *owner = best(router, target);

    if (!owner)
        return false;
    for (size_t i = 0; i < router->n_routes; i++) {
        if (!same_template(&router->routes[i], owner))
            continue;
        rt_buf_printf(out, "%s, ", router->routes[i].spec->method);
        if (strcmp(router->routes[i].spec->method, "GET") == 0)
            rt_buf_text(out, "HEAD, ");
    }
    rt_buf_text(out, "OPTIONS");
    return true;
}

const char *http_route_param(const struct http_route *route, const struct http_target *target,
                             const char *name)
{
    for (size_t i = 0; i < route->n_segments; i++) {
        if (route->is_param[i] && strcmp(route->segments[i], name) == 0)
            return target->segments[i];
    }
    return NULL;
}
