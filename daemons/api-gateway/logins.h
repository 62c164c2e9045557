/* Ending logins. Each ends in the caller's transaction and is forgotten by the cache once that is committed. */
#ifndef API_GATEWAY_LOGINS_H
#define API_GATEWAY_LOGINS_H

#include "api-gateway/gateway.h"

/* Ids of ended logins, NUL-terminated, RT_UUID_BYTES each. */
struct ended_logins {
    struct rt_buf ids;
};

/* End live logins of the user: all (login_id NULL), one, or, with `others`, all but that one. Adds to `ended`. */
int logins_end(struct rt_db_conn *conn, const struct gateway *gateway, const char *user_id,
               const char *login_id, bool others, const char *reason, struct ended_logins *ended,
               struct segs_error *reterr);
size_t logins_n_ended(const struct ended_logins *ended);
/* After the commit: forget and free. */
void logins_forget(const struct gateway *gateway, struct ended_logins *ended);

#endif
