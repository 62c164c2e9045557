#include "api-gateway/logins.h"

#include <stdio.h>
#include <string.h>

/* $1 user, $2 a login or NULL, $3 1: all but $2. */
#define CHOICE                                                                                     \
    " user_id = $1 AND revoked_at_ms IS NULL AND ($2 IS NULL OR"                                   \
    " (CASE WHEN $3 = 1 THEN login_id <> $2 ELSE login_id = $2 END))"

static int collect(struct rt_db_conn *conn, const struct rt_db_value *params,
                   struct ended_logins *ended, struct segs_error *reterr)
{
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(conn, "SELECT login_id FROM logins WHERE" CHOICE, params, 3, &rows, reterr);

    if (r < 0)
        return r;
    while ((r = rt_db_next(rows, reterr)) > 0) {
        char id[RT_UUID_BYTES] = { 0 };

        (void)snprintf(id, sizeof id, "%s", rt_db_str(rows, 0, NULL));
        rt_buf_append(&ended->ids, id, sizeof id);
    }
    rt_db_rows_free(rows);
    return r < 0 ? r : rt_buf_status(&ended->ids);
}

int logins_end(struct rt_db_conn *conn, const struct gateway *gateway, const char *user_id,
               const char *login_id, bool others, const char *reason, struct ended_logins *ended,
               struct segs_error *reterr)
{
    struct rt_db_value params[5] = { rt_db_text(user_id), rt_db_text(login_id),
                                     RT_DB_I(others ? 1 : 0), RT_DB_I(gateway_now_ms(gateway)),
                                     rt_db_text(reason) };
    int r = collect(conn, params, ended, reterr);

    return r < 0
               ? r
               : rt_db_exec(
                     conn, "UPDATE logins SET revoked_at_ms = $4, revoked_reason = $5 WHERE" CHOICE,
                     params, 5, NULL, reterr);
}

size_t logins_n_ended(const struct ended_logins *ended)
{
    return ended->ids.len / RT_UUID_BYTES;
}

void logins_forget(const struct gateway *gateway, struct ended_logins *ended)
{
    for (size_t i = 0; i < logins_n_ended(ended); i++)
        rt_authz_forget(gateway->authz, ended->ids.data + i * RT_UUID_BYTES);
    rt_buf_free(&ended->ids);
}
