#include "api-gateway/cleaner.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "api-gateway/throttle.h"
#include "runtime/log.h"

#define FIRST_MS 60000
#define EVERY_MS 3600000
#define POLL_MS 100
/* Ended logins, so that reuse of their tokens still shows. */
#define KEEP_ENDED_MS INT64_C(86400000)

struct cleaner {
    struct gateway *gateway;
    pthread_t thread;
    atomic_bool stopping;
};

/* $1 now, $2 the time before which ended logins go. */
static const char tokens_sql[] =
    "DELETE FROM refresh_tokens WHERE login_id IN (SELECT login_id FROM logins"
    " WHERE expires_at_ms <= $1 OR revoked_at_ms <= $2) OR expires_at_ms <= $2";
static const char logins_sql[] =
    "DELETE FROM logins WHERE expires_at_ms <= $1 OR revoked_at_ms <= $2";

/* $1 now, $2 and $3 the times before which failures of peers and of accounts go. */
static const char failures_sql[] =
    "DELETE FROM login_failures WHERE locked_until_ms <= $1 AND ((subject LIKE 'peer:%'"
    " AND window_start_ms <= $2) OR window_start_ms <= $3)";

int cleaner_run(struct gateway *gateway, struct segs_error *reterr)
{
    int64_t now_ms = gateway_now_ms(gateway);
    const struct rt_db_value logins[2] = { RT_DB_I(now_ms), RT_DB_I(now_ms - KEEP_ENDED_MS) };
    const struct rt_db_value failures[3] = { RT_DB_I(now_ms),
                                             RT_DB_I(now_ms - THROTTLE_PEER_FORGET_MS),
                                             RT_DB_I(now_ms - THROTTLE_ACCOUNT_FORGET_MS) };
    struct rt_db_conn *conn = NULL;
    int r = rt_db_acquire(gateway->app->db, RT_DB_WRITE, DB_TIMEOUT_MS, &conn, reterr);

    if (r == 0)
        r = rt_db_begin(conn, reterr);
    if (r == 0)
        r = rt_db_exec(conn, tokens_sql, logins, 2, NULL, reterr);
    if (r == 0)
        r = rt_db_exec(conn, logins_sql, logins, 2, NULL, reterr);
    if (r == 0)
        r = rt_db_exec(conn, failures_sql, failures, 3, NULL, reterr);
    if (r == 0)
        r = rt_db_commit(conn, reterr);
    rt_db_release(conn);
    return r;
}

static void *run(void *user)
{
    struct cleaner *cleaner = user;
    int64_t next_ms = rt_monotonic_ms() + FIRST_MS;

    rt_log_thread_service("api-gateway");
    while (!atomic_load(&cleaner->stopping)) {
        struct segs_error err = { 0 };
        int r;

        rt_sleep_ms(POLL_MS);
        if (rt_monotonic_ms() < next_ms)
            continue;
        r = cleaner_run(cleaner->gateway, &err);
        if (r < 0)
            rt_log_failure(RT_LOG_WARN, "what has expired could not be deleted", r, &err);
        next_ms = rt_monotonic_ms() + EVERY_MS;
    }
    return NULL;
}

int cleaner_new(struct gateway *gateway, struct cleaner **ret, struct segs_error *reterr)
{
    struct cleaner *cleaner = calloc(1, sizeof *cleaner);

    if (cleaner) {
        cleaner->gateway = gateway;
        if (pthread_create(&cleaner->thread, NULL, run, cleaner) == 0) {
            *ret = cleaner;
            return 0;
        }
    }
    free(cleaner);
    return rt_fail(reterr, SEGS_ENOMEM, NULL, "cannot start a thread");
}

void cleaner_free(struct cleaner *cleaner)
{
    if (!cleaner)
        return;
    atomic_store(&cleaner->stopping, true);
    (void)pthread_join(cleaner->thread, NULL);
    free(cleaner);
}
