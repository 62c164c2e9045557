/* What the operations of the gateway share. */
#ifndef API_GATEWAY_GATEWAY_H
#define API_GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "api-gateway/hashing.h"
#include "runtime/authz.h"
#include "runtime/db/db.h"
#include "runtime/http.h"
#include "runtime/service.h"
#include "runtime/zoneinfo.h"

#define API "/api/v1"
#define DB_TIMEOUT_MS 5000

struct gateway {
    struct rt_app *app;
    struct rt_authz *authz;
    struct rt_zoneinfo *zones;
    struct hashing *hashing;
    struct rt_http_server *http;
    struct cleaner *cleaner;
    int64_t access_ms;  /* Life of an access token. */
    int64_t refresh_ms; /* Of a refresh token that is not used. */
    int64_t login_ms;   /* Of a login, whatever is used. */
    int64_t account_attempts;
    int64_t peer_attempts;
    int64_t password_cost;
    int64_t interval_ms; /* Of meters that say none. */
    int32_t n_partitions;
};

int64_t gateway_now_ms(const struct gateway *gateway);

/* Who asks; never NULL behind the authorise hook. */
const struct rt_principal *gateway_principal(const struct rt_http_exchange *x);

/* Answer a failure of the database or of ourselves: 503 when waiting helps, else 500. Logged. */
void gateway_fail(struct rt_http_exchange *x, const char *doing, int r,
                  const struct segs_error *err);
/* 200 with the buffer as data, which is freed; `page` may be NULL. */
void gateway_answer(struct rt_http_exchange *x, const char *message, struct rt_buf *data,
                    struct rt_buf *page);

#endif
