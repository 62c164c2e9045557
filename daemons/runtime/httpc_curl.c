#include "runtime/httpc.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEFAULT_TIMEOUT_MS 30000
#define MAX_CONNECT_MS 5000
#define DEFAULT_MAX_RESPONSE (16 * 1024 * 1024)

struct rt_httpc {
    CURL *curl;
};

/* One transfer, as its callbacks see it. */
struct transfer {
    const char *body;
    size_t left; /* Of the body, not yet handed over. */
    bool started;
    struct rt_httpc_response *response;
    size_t max;
    bool too_large;
};

static void init_curl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

int rt_httpc_new(struct rt_httpc **ret, struct segs_error *reterr)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct rt_httpc *client = calloc(1, sizeof *client);

    (void)pthread_once(&once, init_curl);
    if (client)
        client->curl = curl_easy_init();
    if (!client || !client->curl) {
        free(client);
        return rt_fail(reterr, SEGS_ENOMEM, "", "out of memory");
    }
    *ret = client;
    return 0;
}

void rt_httpc_free(struct rt_httpc *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    free(client);
}

void rt_httpc_response_free(struct rt_httpc_response *response)
{
    rt_buf_free(&response->body);
}

/* ---- Callbacks ---- */

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    struct transfer *t = user;

    if (size * n > t->max - t->response->body.len) {
        t->too_large = true;
        return 0;
    }
    rt_buf_append(&t->response->body, data, size * n);
    return t->response->body.failed ? 0 : size * n;
}

static size_t on_header(char *line, size_t size, size_t n, void *user)
{
    static const char name[] = "Retry-After:";
    struct transfer *t = user;
    size_t len = size * n;
    int seconds = 0;
    size_t i = sizeof name - 1;

    if (len <= i || strncasecmp(line, name, i) != 0)
        return len;
    while (i < len && line[i] == ' ')
        i++;
    if (i == len || line[i] < '0' || line[i] > '9')
        return len; /* A date: nobody who answers us sends one, so waiting falls to the caller. */
    for (; i < len && line[i] >= '0' && line[i] <= '9' && seconds < 1000000; i++)
        seconds = seconds * 10 + (line[i] - '0');
    t->response->retry_after_s = seconds;
    return len;
}

/* Bodies are handed over here, and cannot be rewound: a request that was sent on a kept connection
 * which then broke must not be sent a second time behind the caller's back. */
static size_t on_send(char *to, size_t size, size_t n, void *user)
{
    struct transfer *t = user;
    size_t len = size * n < t->left ? size * n : t->left;

    t->started = true;
    memcpy(to, t->body, len);
    t->body += len;
    t->left -= len;
    return len;
}

/* ---- Setting up ---- */

static bool is_safe(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static bool is_loopback(const char *url)
{
    static const char *const starts[] = {
        "http://127.",  "http://localhost:",  "http://localhost/",
        "https://127.", "https://localhost:", "https://localhost/"
    };

    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        if (strncasecmp(url, starts[i], strlen(starts[i])) == 0)
            return true;
    }
    return false;
}

static bool add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer;

    if (strpbrk(line, "\r\n"))
        return false;
    longer = curl_slist_append(*list, line);
    if (!longer)
        return false;
    *list = longer;
    return true;
}

static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
    struct rt_buf line = RT_BUF_INIT;
    bool ok;

    if (!value)
        return true;
    rt_buf_printf(&line, "%s: %s", name, value);
    ok = !line.failed && add_line(list, line.data);
    rt_buf_free(&line);
    return ok;
}

static bool build_headers(const struct rt_httpc_request *request, struct curl_slist **ret)
{
    const char *type = request->content_type;
    bool ok = add_line(ret, "Expect:"); /* Costs a round trip and helps nobody here. */

    if (!type && request->body)
        type = "application/json";
    ok = ok && add_header(ret, "Content-Type", type);
    ok = ok && add_header(ret, "Authorization", request->authorization);
    for (const char *const *line = request->headers; ok && line && *line; line++)
        ok = add_line(ret, *line);
    return ok;
}

static const char *method_of(const struct rt_httpc_request *request)
{
    if (request->method)
        return request->method;
    return request->body ? "POST" : "GET";
}

static void set_body(CURL *curl, const struct rt_httpc_request *request, struct transfer *t)
{
    const char *method = method_of(request);

    if (strcmp(method, "HEAD") == 0)
        (void)curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    if (request->body) {
        (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        (void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_send);
        (void)curl_easy_setopt(curl, CURLOPT_READDATA, t);
    } else if (!is_safe(method)) /* Without a body nothing keeps libcurl from sending it twice. */
        (void)curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

static int set_up(CURL *curl, const struct rt_httpc_request *request, struct transfer *t,
                  struct curl_slist *headers, struct segs_error *reterr)
{
    long timeout_ms = (long)(request->timeout_ms > 0 ? request->timeout_ms : DEFAULT_TIMEOUT_MS);

    curl_easy_reset(curl); /* Keeps the connections. */
    if (curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_URL, request->url) != CURLE_OK)
        return rt_fail(reterr, SEGS_ENOTSUP, "url", "cannot be set");
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                           timeout_ms < MAX_CONNECT_MS ? timeout_ms : (long)MAX_CONNECT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "segs");
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (is_loopback(request->url))
        (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    set_body(curl, request, t);
    return 0;
}

/* ---- Outcome ---- */

static int outcome(CURL *curl, CURLcode code, const struct transfer *t, struct segs_error *reterr)
{
    curl_off_t request_bytes = 0;
    long sent = 0;

    switch (code) {
    case CURLE_OK:
        return 0;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return rt_fail(reterr, SEGS_EINVAL, "url", "expected an http or https URL");
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
        return rt_fail(reterr, RT_EUNAVAILABLE, "url", "cannot connect: %s",
                       curl_easy_strerror(code));
    case CURLE_OUT_OF_MEMORY:
        return rt_fail(reterr, SEGS_ENOMEM, "", "out of memory");
    default:
        break;
    }
    if (t->too_large)
        return rt_fail(reterr, SEGS_EFULL, "", "the answer is larger than %zu bytes", t->max);
    (void)curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &sent);
    (void)curl_easy_getinfo(curl, CURLINFO_SIZE_UPLOAD_T, &request_bytes);
    if (sent == 0 && request_bytes == 0 && !t->started)
        return rt_fail(reterr, RT_EUNAVAILABLE, "url", "nothing was sent: %s",
                       curl_easy_strerror(code));
    if (code == CURLE_OPERATION_TIMEDOUT)
        return rt_fail(reterr, RT_ETIMEOUT, "", "no complete answer within the deadline");
    return rt_fail(reterr, RT_EAMBIGUOUS, "", "no complete answer: %s", curl_easy_strerror(code));
}

int rt_httpc_send(struct rt_httpc *client, const struct rt_httpc_request *request,
                  struct rt_httpc_response *response, struct segs_error *reterr)
{
    struct curl_slist *headers = NULL;
    struct transfer t = { .body = request->body,
                          .left = request->body_len,
                          .response = response,
                          .max = request->max_response_bytes ? request->max_response_bytes
                                                             : DEFAULT_MAX_RESPONSE };
    long status = 0;
    int r;

    rt_buf_clear(&response->body);
    response->status = 0;
    response->retry_after_s = -1;
    if (!build_headers(request, &headers)) {
        curl_slist_free_all(headers);
        return rt_fail(reterr, SEGS_EINVAL, "headers", "a line break, or out of memory");
    }
    r = set_up(client->curl, request, &t, headers, reterr);
    if (r == 0) {
        CURLcode code = curl_easy_perform(client->curl);

        r = outcome(client->curl, code, &t, reterr);
    }
    if (r == 0 && curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
        response->status = (int)status;
    curl_slist_free_all(headers);
    return r;
}
