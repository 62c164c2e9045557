/* What handlers ask of a request. */
#include "runtime/http_internal.h"

const char *rt_http_method(const struct rt_http_exchange *x)
{
    return x->head->method;
}

const char *rt_http_route_path(const struct rt_http_exchange *x)
{
    return x->route->label;
}

const char *rt_http_param(const struct rt_http_exchange *x, const char *name)
{
    return http_route_param(x->route, &x->target, name);
}

const char *rt_http_query(const struct rt_http_exchange *x, const char *name)
{
    return http_target_get(&x->target, name);
}

const char *rt_http_header(const struct rt_http_exchange *x, const char *name)
{
    return http_head_get(x->head, name);
}

const char *rt_http_peer(const struct rt_http_exchange *x)
{
    return x->worker->conn.peer;
}

const char *rt_http_request_id(const struct rt_http_exchange *x)
{
    return x->request_id;
}

const char *rt_http_traceparent(const struct rt_http_exchange *x)
{
    return x->traceparent;
}

void rt_http_set_principal(struct rt_http_exchange *x, void *principal, void (*release)(void *))
{
    if (x->release_principal)
        x->release_principal(x->principal);
    x->principal = principal;
    x->release_principal = release;
}

void *rt_http_principal(const struct rt_http_exchange *x)
{
    return x->principal;
}
