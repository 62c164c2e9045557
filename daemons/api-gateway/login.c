/* POST /auth/login and /auth/refresh. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <segs/password.h>

#include "api-gateway/audit.h"
#include "api-gateway/logins.h"
#include "api-gateway/routes.h"
#include "api-gateway/throttle.h"
#include "api-gateway/tokens.h"
#include "runtime/json.h"
#include "runtime/log.h"

#define EMAIL_BYTES 255

struct login {
    struct gateway *gateway;
    struct rt_http_exchange *x;
    const char *password;
    char email[EMAIL_BYTES];
    char hash[SEGS_PASSWORD_HASH_BYTES];  /* Empty: no such user. */
    char fresh[SEGS_PASSWORD_HASH_BYTES]; /* To be stored instead; empty: none. */
    bool is_active;
    struct token_user user;
    char login_id[RT_UUID_BYTES];
    char access[ACCESS_TOKEN_BYTES];
    char refresh[RT_RANDOM_TEXT_BYTES];
    int64_t wait_ms;
};

/* ---- Before the password is looked at ---- */

static int find_user(struct rt_db_conn *conn, struct login *login, struct segs_error *reterr)
{
    struct rt_db_value email = rt_db_text(login->email);
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(conn,
                        "SELECT user_id, full_name, role, token_version, password_hash, status"
                        " FROM users WHERE email = $1",
                        &email, 1, &rows, reterr);

    if (r == 0)
        r = rt_db_next(rows, reterr);
    if (r > 0) {
        struct token_user *user = &login->user;

        (void)snprintf(user->user_id, sizeof user->user_id, "%s", rt_db_str(rows, 0, NULL));
        (void)snprintf(user->email, sizeof user->email, "%s", login->email);
        (void)snprintf(user->full_name, sizeof user->full_name, "%s", rt_db_str(rows, 1, NULL));
        user->role = (int32_t)rt_db_int(rows, 2);
        user->token_version = rt_db_int(rows, 3);
        (void)snprintf(login->hash, sizeof login->hash, "%s", rt_db_str(rows, 4, NULL));
        login->is_active = strcmp(rt_db_str(rows, 5, NULL), "ACTIVE") == 0;
    }
    rt_db_rows_free(rows);
    return r < 0 ? r : 0;
}

static int count_and_find(struct login *login, struct segs_error *reterr)
{
    struct rt_db_conn *conn = NULL;
    int r = rt_db_acquire(login->gateway->app->db, RT_DB_WRITE, DB_TIMEOUT_MS, &conn, reterr);

    if (r == 0)
        r = rt_db_begin(conn, reterr);
    if (r == 0)
        r = throttle_attempt(conn, login->gateway, login->email, rt_http_peer(login->x),
                             &login->wait_ms, reterr);
    if (r == 0)
        r = find_user(conn, login, reterr);
    if (r == 0 || r == SEGS_EFULL) {
        int committed = rt_db_commit(conn, reterr); /* The peer's count stays, too. */

        r = committed < 0 ? committed : r;
    }
    rt_db_release(conn);
    return r;
}

/* ---- After it ---- */

static int store_success(struct rt_db_conn *conn, struct login *login, struct segs_error *reterr)
{
    struct gateway *gateway = login->gateway;
    int r = throttle_succeeded(conn, login->email, rt_http_peer(login->x), reterr);

    if (r == 0 && login->fresh[0] != '\0') {
        struct rt_db_value params[3] = { rt_db_text(login->user.user_id), rt_db_text(login->hash),
                                         rt_db_text(login->fresh) };

        r = rt_db_exec(conn,
                       "UPDATE users SET password_hash = $3 WHERE user_id = $1"
                       " AND password_hash = $2",
                       params, 3, NULL, reterr);
    }
    if (r == 0)
        r = tokens_login(conn, gateway, login->x, login->user.user_id, login->login_id, reterr);
    if (r == 0)
        r = tokens_refresh_new(conn, gateway, login->login_id, login->refresh, reterr);
    if (r == 0)
        r = audit_write(conn, gateway, login->x, login->user.user_id, "login", login->login_id, "",
                        reterr);
    return r;
}

static int store(struct login *login, bool is_right, struct segs_error *reterr)
{
    struct rt_db_conn *conn = NULL;
    int r = rt_db_acquire(login->gateway->app->db, RT_DB_WRITE, DB_TIMEOUT_MS, &conn, reterr);

    if (r == 0)
        r = rt_db_begin(conn, reterr);
    if (r == 0)
        r = is_right ? store_success(conn, login, reterr)
                     : audit_write(conn, login->gateway, login->x, NULL, "login_failed",
                                   login->email, "", reterr);
    if (r == 0)
        r = rt_db_commit(conn, reterr);
    rt_db_release(conn);
    return r;
}

static void answer_tokens(struct rt_http_exchange *x, const struct gateway *gateway,
                          const char *message, const char *access, const char *refresh,
                          const struct token_user *user)
{
    struct rt_buf data = RT_BUF_INIT;
    struct rt_json_out out;

    rt_json_begin(&out, &data);
    rt_json_object(&out, NULL);
    tokens_put(&out, gateway, access, refresh, user);
    rt_json_end_object(&out);
    gateway_answer(x, message, &data, NULL);
}

/* The same answer, after the same work, whatever the reason. */
static void refuse(struct login *login)
{
    rt_http_set_header(login->x, "Cache-Control", "no-store");
    rt_http_problem(login->x, 401, "invalid_credentials", "E-mail or password is wrong.");
}

static void finish(struct login *login, int verdict)
{
    struct segs_error err = { 0 };
    bool is_right = verdict == 0 && login->is_active;
    int r = store(login, is_right, &err);

    if (r == 0 && is_right)
        r = tokens_sign(login->gateway, &login->user, login->login_id, login->access, &err);
    if (r < 0)
        gateway_fail(login->x, "a login could not be stored", r, &err);
    else if (is_right)
        answer_tokens(login->x, login->gateway, "Logged in.", login->access, login->refresh,
                      &login->user);
    else
        refuse(login);
}

/* Within a place of the hashing queue. */
static void attempt(struct login *login)
{
    const struct hashing *hashing = login->gateway->hashing;
    struct segs_error err = { 0 };
    int r = count_and_find(login, &err);

    if (r == SEGS_EFULL) {
        throttle_refuse(login->x, login->gateway, login->wait_ms);
        return;
    }
    if (r < 0) {
        gateway_fail(login->x, "a login could not be looked up", r, &err);
        return;
    }
    r = hashing_verify(hashing, login->password, login->hash[0] ? login->hash : NULL);
    if (r == 0 && hashing_is_outdated(hashing, login->hash) &&
        hashing_make(hashing, login->password, login->fresh, sizeof login->fresh) < 0)
        login->fresh[0] = '\0'; /* The next login tries again. */
    if (r < 0 && r != SEGS_EDENIED)
        gateway_fail(login->x, "a password could not be checked", r, NULL);
    else
        finish(login, r);
}

/* Addresses are compared without regard to case, and stored in lower case. */
static void lower(const char *text, char ret[EMAIL_BYTES])
{
    size_t i = 0;

    for (; text[i] && i < EMAIL_BYTES - 1; i++)
        ret[i] = (char)tolower((unsigned char)text[i]);
    ret[i] = '\0';
}

void post_login(struct rt_http_exchange *x, void *user)
{
    static const struct rt_json_member members[] = {
        { .name = "email",
          .type = RT_JSON_STRING,
          .required = true,
          .min_len = 3,
          .max_len = EMAIL_BYTES - 1 },
        { .name = "password",
          .type = RT_JSON_STRING,
          .required = true,
          .min_len = 1,
          .max_len = SEGS_PASSWORD_MAX_BYTES },
        { .name = NULL },
    };
    const struct rt_json *body = NULL;
    struct gateway *gateway = user;
    struct login *login;

    if (rt_http_json_body(x, members, &body) < 0)
        return;
    if (hashing_enter(gateway->hashing) < 0) {
        rt_http_unavailable(x, 2, "busy", "Too many logins at once; try again shortly.");
        return;
    }
    login = calloc(1, sizeof *login);
    if (login) {
        login->gateway = gateway;
        login->x = x;
        login->password = rt_json_string(body, "password");
        lower(rt_json_string(body, "email"), login->email);
        attempt(login);
    } else {
        gateway_fail(x, "no memory for a login", SEGS_ENOMEM, NULL);
    }
    hashing_leave(gateway->hashing);
    free(login);
}

/* ---- Refresh ---- */

struct refreshed {
    struct token_user user;
    char login_id[RT_UUID_BYTES];
    char reused[RT_UUID_BYTES];
    char access[ACCESS_TOKEN_BYTES];
    char refresh[RT_RANDOM_TEXT_BYTES];
};

/* Somebody has a copy of a spent token: whoever it is, the whole family ends. */
static int end_family(struct rt_db_conn *conn, struct gateway *gateway, struct rt_http_exchange *x,
                      const char *login_id, struct segs_error *reterr)
{
    struct rt_db_value params[2] = { rt_db_text(login_id), RT_DB_I(gateway_now_ms(gateway)) };
    int r = rt_db_exec(conn,
                       "UPDATE logins SET revoked_at_ms = $2, revoked_reason = 'refresh_reuse'"
                       " WHERE login_id = $1 AND revoked_at_ms IS NULL",
                       params, 2, NULL, reterr);

    return r < 0 ? r : audit_write(conn, gateway, x, NULL, "refresh_reuse", login_id, "", reterr);
}

static int rotate(struct rt_db_conn *conn, struct gateway *gateway, struct rt_http_exchange *x,
                  const char *token, struct refreshed *ret, struct segs_error *reterr)
{
    struct rt_db_value params[2];
    int r =
        tokens_refresh_spend(conn, gateway, token, ret->login_id, &ret->user, ret->reused, reterr);

    if (r == SEGS_EDENIED && ret->reused[0] != '\0') {
        int ended = end_family(conn, gateway, x, ret->reused, reterr);

        return ended < 0 ? ended : r;
    }
    if (r < 0)
        return r;
    params[0] = rt_db_text(ret->login_id);
    params[1] = RT_DB_I(gateway_now_ms(gateway));
    r = rt_db_exec(conn, "UPDATE logins SET last_used_at_ms = $2 WHERE login_id = $1", params, 2,
                   NULL, reterr);
    if (r == 0)
        r = tokens_refresh_new(conn, gateway, ret->login_id, ret->refresh, reterr);
    return r;
}

static int refresh(struct gateway *gateway, struct rt_http_exchange *x, const char *token,
                   struct refreshed *ret, struct segs_error *reterr)
{
    struct rt_db_conn *conn = NULL;
    int r = rt_db_acquire(gateway->app->db, RT_DB_WRITE, DB_TIMEOUT_MS, &conn, reterr);

    if (r == 0)
        r = rt_db_begin(conn, reterr);
    if (r == 0)
        r = rotate(conn, gateway, x, token, ret, reterr);
    if (r == 0 || r == SEGS_EDENIED) {
        int committed = rt_db_commit(conn, reterr);

        r = committed < 0 ? committed : r;
    }
    rt_db_release(conn);
    if (ret->reused[0] != '\0')
        rt_authz_forget(gateway->authz, ret->reused);
    return r < 0 ? r : tokens_sign(gateway, &ret->user, ret->login_id, ret->access, reterr);
}

void post_refresh(struct rt_http_exchange *x, void *user)
{
    static const struct rt_json_member members[] = {
        { .name = "refresh_token",
          .type = RT_JSON_STRING,
          .required = true,
          .min_len = 1,
          .max_len = 256 },
        { .name = NULL },
    };
    const struct rt_json *body = NULL;
    struct segs_error err = { 0 };
    struct refreshed done = { 0 };
    int r;

    if (rt_http_json_body(x, members, &body) < 0)
        return;
    r = refresh(user, x, rt_json_string(body, "refresh_token"), &done, &err);
    if (r == SEGS_EDENIED) {
        if (done.reused[0] != '\0')
            rt_log(RT_LOG_WARN, "a spent refresh token was used again, its login is ended",
                   RT_STR("login_id", done.reused));
        rt_http_problem(x, 401, "invalid_refresh_token", "The refresh token is not valid.");
    } else if (r < 0) {
        gateway_fail(x, "a token could not be refreshed", r, &err);
    } else {
        answer_tokens(x, user, "Refreshed.", done.access, done.refresh, &done.user);
    }
}
