#include "api-gateway/throttle.h"

#include <inttypes.h>
#include <stdio.h>

#define SUBJECT_BYTES 400
#define LOCK_MS 30000
#define ACCOUNT_LOCK_MAX_MS INT64_C(86400000)
#define PEER_LOCK_MAX_MS INT64_C(3600000)

struct limit {
    char subject[SUBJECT_BYTES];
    int64_t attempts;
    int64_t lock_max_ms;
    int64_t forget_ms;
};

static void account_subject(char subject[SUBJECT_BYTES], const char *account)
{
    (void)snprintf(subject, SUBJECT_BYTES, "account:%s", account);
}

static void peer_subject(char subject[SUBJECT_BYTES], const char *peer)
{
    (void)snprintf(subject, SUBJECT_BYTES, "peer:%s", peer);
}

/* $1 subject, $2 now, $3 attempts before the lock, $4 longest lock, $5 silence after which all is forgotten. The lock is 30 s
 * doubled per failure beyond the limit; 2^12 x 30 s is beyond the longest. */
static const char count_sql[] =
    "INSERT INTO login_failures (subject, failures, window_start_ms, locked_until_ms)"
    " VALUES ($1, 1, $2, CASE WHEN $3 <= 1 THEN $2 + 30000 ELSE 0 END)"
    " ON CONFLICT (subject) DO UPDATE SET"
    " failures = CASE WHEN login_failures.window_start_ms <= $2 - $5 THEN 1"
    "  ELSE login_failures.failures + 1 END,"
    " locked_until_ms = CASE"
    "  WHEN login_failures.window_start_ms <= $2 - $5 OR login_failures.failures + 1 < $3 THEN 0"
    "  WHEN login_failures.failures + 1 - $3 >= 12"
    "   OR 30000 * (1 << (login_failures.failures + 1 - $3)) > $4 THEN $2 + $4"
    "  ELSE $2 + 30000 * (1 << (login_failures.failures + 1 - $3)) END,"
    " window_start_ms = $2"
    " WHERE login_failures.locked_until_ms <= $2";

static int count(struct rt_db_conn *conn, const struct limit *limit, int64_t now_ms,
                 int64_t *ret_wait_ms, struct segs_error *reterr)
{
    struct rt_db_value params[5] = { rt_db_text(limit->subject), RT_DB_I(now_ms),
                                     RT_DB_I(limit->attempts), RT_DB_I(limit->lock_max_ms),
                                     RT_DB_I(limit->forget_ms) };
    int64_t changed = 0;
    int64_t until_ms = 0;
    int r = rt_db_exec(conn, count_sql, params, 5, &changed, reterr);

    if (r < 0 || changed == 1)
        return r;
    r = rt_db_query_int(conn, "SELECT locked_until_ms FROM login_failures WHERE subject = $1",
                        params, 1, &until_ms, reterr);
    if (r < 0)
        return r;
    *ret_wait_ms = until_ms - now_ms;
    return SEGS_EFULL;
}

int throttle_attempt(struct rt_db_conn *conn, const struct gateway *gateway, const char *account,
                     const char *peer, int64_t *ret_wait_ms, struct segs_error *reterr)
{
    struct limit limit = { .attempts = gateway->peer_attempts,
                           .lock_max_ms = PEER_LOCK_MAX_MS,
                           .forget_ms = THROTTLE_PEER_FORGET_MS };
    int64_t now_ms = gateway_now_ms(gateway);
    int r;

    peer_subject(limit.subject, peer);
    r = count(conn, &limit, now_ms, ret_wait_ms, reterr);
    if (r < 0)
        return r;
    limit.attempts = gateway->account_attempts;
    limit.lock_max_ms = ACCOUNT_LOCK_MAX_MS;
    limit.forget_ms = THROTTLE_ACCOUNT_FORGET_MS;
    account_subject(limit.subject, account);
    return count(conn, &limit, now_ms, ret_wait_ms, reterr);
}

int throttle_succeeded(struct rt_db_conn *conn, const char *account, const char *peer,
                       struct segs_error *reterr)
{
    char subject[SUBJECT_BYTES];
    struct rt_db_value params[1];
    int r;

    account_subject(subject, account);
    params[0] = rt_db_text(subject);
    r = rt_db_exec(conn, "DELETE FROM login_failures WHERE subject = $1", params, 1, NULL, reterr);
    if (r < 0)
        return r;
    peer_subject(subject, peer);
    params[0] = rt_db_text(subject);
    return rt_db_exec(
        conn,
        "UPDATE login_failures SET failures = failures - 1 WHERE subject = $1 AND failures > 0",
        params, 1, NULL, reterr);
}

void throttle_refuse(struct rt_http_exchange *x, const struct gateway *gateway, int64_t wait_ms)
{
    char text[96];
    int64_t wait_s = wait_ms <= 0 ? 1 : (wait_ms + 999) / 1000;

    (void)snprintf(text, sizeof text, "%" PRId64, wait_s);
    rt_http_set_header(x, "Retry-After", text);
    (void)snprintf(text, sizeof text, "\"login\";r=0;t=%" PRId64, wait_s);
    rt_http_set_header(x, "RateLimit", text);
    (void)snprintf(text, sizeof text, "\"login\";q=%" PRId64 ";w=%d", gateway->account_attempts,
                   LOCK_MS / 1000);
    rt_http_set_header(x, "RateLimit-Policy", text);
    rt_http_problem(x, 429, "too_many_attempts", "Too many attempts; try again later.");
}
