#include "api-gateway/gateway.h"

#include <assert.h>

#include "runtime/log.h"

#define RETRY_AFTER_S 2

int64_t gateway_now_ms(const struct gateway *gateway)
{
    return rt_clock_now_ms(&gateway->app->clock);
}

const struct rt_principal *gateway_principal(const struct rt_http_exchange *x)
{
    const struct rt_principal *principal = rt_http_principal(x);

    assert(principal);
    return principal;
}

void gateway_fail(struct rt_http_exchange *x, const char *doing, int r,
                  const struct segs_error *err)
{
    rt_log_failure(RT_LOG_ERROR, doing, r, err);
    if (r == SEGS_ENOMEM)
        rt_http_unavailable(x, RETRY_AFTER_S, "out_of_memory", "The service is short of memory.");
    else if (r < -100) /* The ports' own codes: the engine is away, busy or full. */
        rt_http_unavailable(x, RETRY_AFTER_S, "database_unavailable",
                            "The data cannot be reached at the moment.");
    else
        rt_http_problem(x, 500, "internal", "Something went wrong on our side.");
}

void gateway_answer(struct rt_http_exchange *x, const char *message, struct rt_buf *data,
                    struct rt_buf *page)
{
    rt_http_set_header(x, "Cache-Control", "no-store");
    if (rt_buf_status(data) < 0 || (page && rt_buf_status(page) < 0))
        gateway_fail(x, "an answer could not be written", SEGS_ENOMEM, NULL);
    else
        rt_http_success(x, 200, message, data, page);
    rt_buf_free(data);
    if (page)
        rt_buf_free(page);
}
