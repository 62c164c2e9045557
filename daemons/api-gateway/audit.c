#include "api-gateway/audit.h"

int audit_write(struct rt_db_conn *conn, const struct gateway *gateway,
                const struct rt_http_exchange *x, const char *actor, const char *action,
                const char *subject, const char *detail, struct segs_error *reterr)
{
    struct rt_db_value params[7] = { RT_DB_I(gateway_now_ms(gateway)),
                                     rt_db_text(actor),
                                     rt_db_text(action),
                                     rt_db_text(subject),
                                     rt_db_text(detail),
                                     rt_db_text(rt_http_peer(x)),
                                     rt_db_text(rt_http_request_id(x)) };

    return rt_db_exec(
        conn,
        "INSERT INTO audit_log (at_ms, actor, action, subject, detail, peer, request_id)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params, 7, NULL, reterr);
}
