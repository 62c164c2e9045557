/* The audit log: who did what to whom, from where. */
#ifndef API_GATEWAY_AUDIT_H
#define API_GATEWAY_AUDIT_H

#include "api-gateway/gateway.h"

/* Within the caller's transaction. `actor` NULL: nobody yet. Texts never hold a secret. */
int audit_write(struct rt_db_conn *conn, const struct gateway *gateway,
                const struct rt_http_exchange *x, const char *actor, const char *action,
                const char *subject, const char *detail, struct segs_error *reterr);

#endif
