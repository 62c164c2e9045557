/* HTTP client over libcurl: bounded time, no redirects, http and https only. One client per thread;
 * keeps its connections. */
#ifndef RT_HTTPC_H
#define RT_HTTPC_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "errors.h"

struct rt_httpc;

int rt_httpc_new(struct rt_httpc **ret, struct segs_error *reterr);
void rt_httpc_free(struct rt_httpc *client);

struct rt_httpc_request {
    const char *method; /* NULL: GET, or POST with a body. */
    const char *url;
    const char *content_type;
    const char *authorization;  /* Value of the header, or NULL. */
    const char *const *headers; /* More "Name: value" lines, NULL-terminated, or NULL. */
    const void *body;
    size_t body_len;
    int64_t timeout_ms;        /* 0: 30000. */
    size_t max_response_bytes; /* 0: 16 MiB. */
};

struct rt_httpc_response {
    struct rt_buf body;
    int status;
    int retry_after_s; /* -1 when absent. */
};

/* 0 once a complete answer arrived, whatever its status. RT_EUNAVAILABLE: certainly nothing was
 * processed (no connection). RT_EAMBIGUOUS: sent but no complete answer; RT_ETIMEOUT likewise after
 * the deadline; SEGS_EFULL: larger than max_response_bytes; SEGS_EINVAL: not an http(s) URL, or a line
 * break in a header. A request that changes something is never sent twice. The response is cleared
 * first. */
int rt_httpc_send(struct rt_httpc *client, const struct rt_httpc_request *request,
                  struct rt_httpc_response *response, struct segs_error *reterr);
void rt_httpc_response_free(struct rt_httpc_response *response);

#endif
