#include <stdlib.h>

#include "runtime/httpc.h"
#include "runtime/json.h"
#include "simulator/target.h"

#define TIMEOUT_MS 10000

struct http_target {
    struct sim_target base;
    struct rt_httpc *client;
    struct rt_httpc_response response;
    struct rt_buf authorization;
    const char *url;
};

/* ---- The answer ---- */

static void mark_rejected(const char *text, size_t len, struct sim_batch *batch)
{
    struct rt_json *json = NULL;
    int64_t index;

    if (rt_json_parse(text, len, &json, NULL) < 0)
        return;
    if (rt_json_int(json, "index", &index) && index >= 0 && index < (int64_t)batch->n)
        batch->elements[index].rejected = true;
    rt_json_free(json);
}

static void mark_all_rejected(const struct rt_json *json, struct sim_batch *batch)
{
    struct rt_json *errors = NULL;
    size_t len = 0;
    const char *text = rt_json_raw(json, "errors", &len);

    if (!text || rt_json_parse(text, len, &errors, NULL) < 0)
        return;
    for (size_t i = 0; i < rt_json_n_elements(errors); i++) {
        size_t element_len = 0;
        const char *element = rt_json_raw_at(errors, i, &element_len);

        if (element)
            mark_rejected(element, element_len, batch);
    }
    rt_json_free(errors);
}

bool sim_answer_read(const char *body, size_t len, struct sim_batch *batch, struct sim_answer *ret)
{
    struct rt_json *json = NULL;
    struct sim_answer answer = *ret;
    bool ok;

    if (rt_json_parse(body, len, &json, NULL) < 0)
        return false;
    ok = rt_json_int(json, "accepted", &answer.accepted) &&
         rt_json_int(json, "duplicates", &answer.duplicates) &&
         rt_json_int(json, "rejected", &answer.rejected);
    if (ok) {
        answer.outcome = SIM_ANSWERED;
        *ret = answer;
        for (size_t i = 0; i < batch->n; i++)
            batch->elements[i].rejected = false;
        if (answer.rejected > 0)
            mark_all_rejected(json, batch);
    }
    rt_json_free(json);
    return ok;
}

/* 2xx with counts is the answer; so are 400 and 422 with counts, for a batch without one good
 * reading. What ends in 5xx may have got as far as the log. */
static void read_response(const struct rt_httpc_response *response, struct sim_batch *batch,
                          struct sim_answer *ret, struct segs_error *reterr)
{
    int status = response->status;
    bool may_count = (status >= 200 && status < 300) || status == 400 || status == 422;

    ret->status = status;
    ret->retry_after_ms =
        response->retry_after_s < 0 ? -1 : INT64_C(1000) * response->retry_after_s;
    if (may_count && sim_answer_read(response->body.data, response->body.len, batch, ret))
        return;
    if (status >= 500 || (status >= 200 && status < 300))
        ret->outcome = SIM_AMBIGUOUS;
    else if (status == 408 || status == 429)
        ret->outcome = SIM_UNAVAILABLE;
    else
        ret->outcome = SIM_REFUSED;
    (void)rt_fail(reterr, SEGS_EINVAL, NULL, "answered %d: %.150s", status,
                  response->body.data ? response->body.data : "");
}

/* ---- Sending ---- */

static void send_http(struct sim_target *base, struct sim_batch *batch, struct sim_answer *ret,
                      struct segs_error *reterr)
{
    struct http_target *target = (struct http_target *)(void *)base;
    struct rt_httpc_request request = { .url = target->url,
                                        .content_type = "application/json",
                                        .authorization = target->authorization.data,
                                        .body = batch->body.data,
                                        .body_len = batch->body.len,
                                        .timeout_ms = TIMEOUT_MS };
    int r = rt_httpc_send(target->client, &request, &target->response, reterr);

    ret->status = r;
    if (r == 0)
        read_response(&target->response, batch, ret, reterr);
    else if (r == SEGS_EINVAL || r == SEGS_ENOTSUP)
        ret->outcome = SIM_REFUSED; /* The URL is none. */
    else
        ret->outcome = r == RT_EUNAVAILABLE || r == SEGS_ENOMEM ? SIM_UNAVAILABLE : SIM_AMBIGUOUS;
}

static void free_http(struct sim_target *base)
{
    struct http_target *target = (struct http_target *)(void *)base;

    rt_httpc_free(target->client);
    rt_httpc_response_free(&target->response);
    rt_buf_free(&target->authorization);
    free(target);
}

int sim_target_http_new(const char *url, const char *key, struct sim_target **ret,
                        struct segs_error *reterr)
{
    struct http_target *target = calloc(1, sizeof *target);
    int r;

    if (!target)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a target");
    target->base.send = send_http;
    target->base.free = free_http;
    target->url = url;
    if (key)
        rt_buf_printf(&target->authorization, "Bearer %s", key);
    r = rt_buf_status(&target->authorization);
    if (r == 0)
        r = rt_httpc_new(&target->client, reterr);
    if (r < 0) {
        free_http(&target->base);
        return r;
    }
    *ret = &target->base;
    return 0;
}
