/* Ending and listing logins, changing the password, the public keys. */
#include <stdio.h>
#include <string.h>

#include <segs/password.h>
#include <segs/token.h>

#include "api-gateway/audit.h"
#include "api-gateway/logins.h"
#include "api-gateway/routes.h"
#include "api-gateway/throttle.h"
#include "api-gateway/tokens.h"
#include "runtime/json.h"

#define LOGINS_MAX 200

static void answer_empty(struct rt_http_exchange *x, const char *message)
{
    struct rt_buf data = RT_BUF_INIT;

    rt_buf_text(&data, "{}");
    gateway_answer(x, message, &data, NULL);
}

/* ---- Logout ---- */

/* The user's login that a refresh token belongs to; empty when it is none of theirs. */
static int login_of_token(struct rt_db_conn *conn, const char *user_id, const char *token,
                          char ret[RT_UUID_BYTES], struct segs_error *reterr)
{
    uint8_t digest[SEGS_TOKEN_DIGEST_BYTES];
    struct rt_db_value params[2];
    struct rt_db_rows *rows = NULL;
    int r = segs_token_digest(token, strlen(token), digest);

    ret[0] = '\0';
    if (r < 0)
        return r;
    params[0] = rt_db_blob(digest, sizeof digest);
    params[1] = rt_db_text(user_id);
    r = rt_db_query(
        conn,
        "SELECT l.login_id FROM refresh_tokens t JOIN logins l ON l.login_id = t.login_id"
        " WHERE t.token_hash = $1 AND l.user_id = $2",
        params, 2, &rows, reterr);
    if (r == 0)
        r = rt_db_next(rows, reterr);
    if (r > 0)
        (void)snprintf(ret, RT_UUID_BYTES, "%s", rt_db_str(rows, 0, NULL));
    rt_db_rows_free(rows);
    return r < 0 ? r : 0;
}

struct ending {
    struct gateway *gateway;
    struct rt_http_exchange *x;
    const struct rt_principal *principal;
    const char *token;    /* Also end the login of this refresh token. */
    const char *login_id; /* NULL: all. */
    const char *action;
    struct ended_logins ended;
};

static int end_in(struct rt_db_conn *conn, struct ending *ending, struct segs_error *reterr)
{
    const char *user_id = ending->principal->user_id;
    char other[RT_UUID_BYTES] = "";
    char count[32];
    int r = logins_end(conn, ending->gateway, user_id, ending->login_id, false, ending->action,
                       &ending->ended, reterr);

    if (r == 0 && ending->token)
        r = login_of_token(conn, user_id, ending->token, other, reterr);
    if (r == 0 && other[0] != '\0')
        r = logins_end(conn, ending->gateway, user_id, other, false, ending->action, &ending->ended,
                       reterr);
    (void)snprintf(count, sizeof count, "%zu logins", logins_n_ended(&ending->ended));
    if (r == 0 && logins_n_ended(&ending->ended) > 0)
        r = audit_write(conn, ending->gateway, ending->x, user_id, ending->action,
                        ending->login_id ? ending->login_id : user_id, count, reterr);
    return r;
}

/* How many ended, or negative when it could not be done and was answered. */
static int end_logins(struct ending *ending)
{
    struct rt_db_conn *conn = NULL;
    struct segs_error err = { 0 };
    int r = rt_db_acquire(ending->gateway->app->db, RT_DB_WRITE, DB_TIMEOUT_MS, &conn, &err);
    int n;

    if (r == 0)
        r = rt_db_begin(conn, &err);
    if (r == 0)
        r = end_in(conn, ending, &err);
    if (r == 0)
        r = rt_db_commit(conn, &err);
    rt_db_release(conn);
    n = (int)logins_n_ended(&ending->ended);
    logins_forget(ending->gateway, &ending->ended);
    if (r < 0)
        gateway_fail(ending->x, "a login could not be ended", r, &err);
    return r < 0 ? r : n;
}

void post_logout(struct rt_http_exchange *x, void *user)
{
    static const struct rt_json_member members[] = {
        { .name = "refresh_token", .type = RT_JSON_STRING, .min_len = 1, .max_len = 256 },
        { .name = NULL },
    };
    const struct rt_json *body = NULL;
    struct ending ending = {
        .gateway = user, .x = x, .principal = gateway_principal(x), .action = "logout"
    };

    if (rt_http_json_body(x, members, &body) < 0)
        return;
    ending.login_id = ending.principal->login_id;
    ending.token = rt_json_string(body, "refresh_token");
    if (end_logins(&ending) >= 0)
        answer_empty(x, "Logged out.");
}

void post_logout_all(struct rt_http_exchange *x, void *user)
{
    struct ending ending = {
        .gateway = user, .x = x, .principal = gateway_principal(x), .action = "logout_all"
    };
    struct rt_buf data = RT_BUF_INIT;
    int n = end_logins(&ending);

    if (n < 0)
        return;
    rt_buf_printf(&data, "{\"revoked\":%d}", n);
    gateway_answer(x, "Every login has ended.", &data, NULL);
}

void delete_login(struct rt_http_exchange *x, void *user)
{
    struct ending ending = { .gateway = user,
                             .x = x,
                             .principal = gateway_principal(x),
                             .login_id = rt_http_param(x, "login_id"),
                             .action = "login_ended" };
    int n = end_logins(&ending);

    if (n == 0)
        rt_http_problem(x, 404, "not_found", "There is no such login.");
    else if (n > 0)
        answer_empty(x, "The login has ended.");
}

/* ---- Logins ---- */

static int put_logins(struct rt_json_out *out, struct rt_db_conn *conn,
                      const struct gateway *gateway, const struct rt_principal *principal,
                      struct segs_error *reterr)
{
    struct rt_db_value params[3] = { rt_db_text(principal->user_id),
                                     RT_DB_I(gateway_now_ms(gateway)), RT_DB_I(LOGINS_MAX) };
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(conn,
                        "SELECT login_id, created_at_ms, last_used_at_ms, expires_at_ms, peer,"
                        " user_agent FROM logins WHERE user_id = $1 AND revoked_at_ms IS NULL"
                        " AND expires_at_ms > $2 ORDER BY last_used_at_ms DESC, login_id LIMIT $3",
                        params, 3, &rows, reterr);

    while (r == 0 && (r = rt_db_next(rows, reterr)) > 0) {
        const char *id = rt_db_str(rows, 0, NULL);

        rt_json_object(out, NULL);
        rt_json_put_string(out, "login_id", id);
        rt_json_put_time(out, "created_at", rt_db_int(rows, 1));
        rt_json_put_time(out, "last_used_at", rt_db_int(rows, 2));
        rt_json_put_time(out, "expires_at", rt_db_int(rows, 3));
        rt_json_put_string(out, "peer", rt_db_str(rows, 4, NULL));
        rt_json_put_string(out, "user_agent", rt_db_str(rows, 5, NULL));
        rt_json_put_bool(out, "current", strcmp(id, principal->login_id) == 0);
        rt_json_end_object(out);
        r = 0;
    }
    rt_db_rows_free(rows);
    return r;
}

void get_logins(struct rt_http_exchange *x, void *user)
{
    struct gateway *gateway = user;
    struct rt_db_conn *conn = NULL;
    struct segs_error err = { 0 };
    struct rt_buf data = RT_BUF_INIT;
    struct rt_json_out out;
    int r = rt_db_acquire(gateway->app->db, RT_DB_READ, DB_TIMEOUT_MS, &conn, &err);

    rt_json_begin(&out, &data);
    rt_json_array(&out, NULL);
    if (r == 0)
        r = put_logins(&out, conn, gateway, gateway_principal(x), &err);
    rt_json_end_array(&out);
    rt_db_release(conn);
    if (r < 0) {
        rt_buf_free(&data);
        gateway_fail(x, "logins could not be listed", r, &err);
        return;
    }
    gateway_answer(x, "Live logins.", &data, NULL);
}

/* ---- Password ---- */

struct change {
    struct gateway *gateway;
    struct rt_http_exchange *x;
    const struct rt_principal *principal;
    struct token_user user;
    char old_hash[SEGS_PASSWORD_HASH_BYTES];
    char new_hash[SEGS_PASSWORD_HASH_BYTES];
    struct ended_logins ended;
    int64_t wait_ms;
};

static int read_user(struct rt_db_conn *conn, struct change *change, struct segs_error *reterr)
{
    struct rt_db_value id = rt_db_text(change->principal->user_id);
    struct rt_db_rows *rows = NULL;
    int r = tokens_user(conn, change->principal->user_id, &change->user, reterr);

    if (r == 0)
        r = rt_db_query(conn, "SELECT password_hash FROM users WHERE user_id = $1", &id, 1, &rows,
                        reterr);
    if (r == 0)
        r = rt_db_next(rows, reterr);
    if (r > 0) {
        (void)snprintf(change->old_hash, sizeof change->old_hash, "%s", rt_db_str(rows, 0, NULL));
        r = 0;
    } else if (r == 0) {
        r = SEGS_ENOTFOUND;
    }
    rt_db_rows_free(rows);
    return r;
}

/* Whoever holds a stolen token must not guess the password here either. */
static int count_change(struct change *change, struct segs_error *reterr)
{
    struct rt_db_conn *conn = NULL;
    int r = rt_db_acquire(change->gateway->app->db, RT_DB_WRITE, DB_TIMEOUT_MS, &conn, reterr);

    if (r == 0)
        r = rt_db_begin(conn, reterr);
    if (r == 0)
        r = read_user(conn, change, reterr);
    if (r == 0)
        r = throttle_attempt(conn, change->gateway, change->user.email, rt_http_peer(change->x),
                             &change->wait_ms, reterr);
    if (r == 0 || r == SEGS_EFULL) {
        int committed = rt_db_commit(conn, reterr);

        r = committed < 0 ? committed : r;
    }
    rt_db_release(conn);
    return r;
}

static int write_change(struct rt_db_conn *conn, struct change *change, struct segs_error *reterr)
{
    const struct rt_principal *principal = change->principal;
    struct rt_db_value params[4] = { rt_db_text(principal->user_id), rt_db_text(change->old_hash),
                                     rt_db_text(change->new_hash),
                                     RT_DB_I(gateway_now_ms(change->gateway)) };
    int64_t changed = 0;
    int r = rt_db_exec(conn,
                       "UPDATE users SET password_hash = $3, token_version = token_version + 1,"
                       " updated_at_ms = $4 WHERE user_id = $1 AND password_hash = $2",
                       params, 4, &changed, reterr);

    if (r == 0 && changed != 1)
        r = SEGS_ECONFLICT; /* Changed by another request meanwhile. */
    if (r == 0)
        r = logins_end(conn, change->gateway, principal->user_id, principal->login_id, true,
                       "password_change", &change->ended, reterr);
    if (r == 0)
        r = throttle_succeeded(conn, change->user.email, rt_http_peer(change->x), reterr);
    if (r == 0)
        r = audit_write(conn, change->gateway, change->x, principal->user_id, "password_change",
                        principal->user_id, "", reterr);
    if (r == 0)
        r = tokens_user(conn, principal->user_id, &change->user, reterr);
    return r;
}

static int store_change(struct change *change, struct segs_error *reterr)
{
    struct rt_db_conn *conn = NULL;
    int r = rt_db_acquire(change->gateway->app->db, RT_DB_WRITE, DB_TIMEOUT_MS, &conn, reterr);

    if (r == 0)
        r = rt_db_begin(conn, reterr);
    if (r == 0)
        r = write_change(conn, change, reterr);
    if (r == 0)
        r = rt_db_commit(conn, reterr);
    rt_db_release(conn);
    rt_authz_forget(change->gateway->authz, change->principal->login_id);
    logins_forget(change->gateway, &change->ended);
    return r;
}

static void answer_change(struct change *change)
{
    char access[ACCESS_TOKEN_BYTES];
    struct segs_error err = { 0 };
    struct rt_buf data = RT_BUF_INIT;
    struct rt_json_out out;
    int r = tokens_sign(change->gateway, &change->user, change->principal->login_id, access, &err);

    if (r < 0) {
        gateway_fail(change->x, "a token could not be signed", r, &err);
        return;
    }
    rt_json_begin(&out, &data);
    rt_json_object(&out, NULL);
    tokens_put(&out, change->gateway, access, NULL, &change->user);
    rt_json_end_object(&out);
    gateway_answer(change->x, "The password is changed; the other logins have ended.", &data, NULL);
}

static int check_new(struct change *change, const char *password)
{
    const char *words[2] = { change->user.email, change->user.full_name };
    struct segs_password_policy policy = SEGS_PASSWORD_POLICY_INIT;
    struct segs_error err = { 0 };
    int r;

    policy.context_words = words;
    policy.n_context_words = 2;
    r = segs_password_check(password, strlen(password), &policy, &err);
    if (r < 0) {
        rt_http_fault(change->x, "/new_password", "weak_password", err.message);
        rt_http_problem(change->x, 422, "weak_password", "The new password is not accepted.");
    }
    return r;
}

static void change_password(struct change *change, const char *current, const char *wanted)
{
    const struct hashing *hashing = change->gateway->hashing;
    struct segs_error err = { 0 };
    int r = count_change(change, &err);

    if (r == SEGS_EFULL) {
        throttle_refuse(change->x, change->gateway, change->wait_ms);
        return;
    }
    if (r == 0)
        r = hashing_verify(hashing, current, change->old_hash);
    if (r == SEGS_EDENIED) {
        rt_http_problem(change->x, 403, "wrong_password", "The current password is wrong.");
        return;
    }
    if (r == 0 && check_new(change, wanted) < 0)
        return;
    if (r == 0)
        r = hashing_make(hashing, wanted, change->new_hash, sizeof change->new_hash);
    if (r == 0)
        r = store_change(change, &err);
    if (r == SEGS_ECONFLICT)
        rt_http_problem(change->x, 409, "conflict", "The password was changed meanwhile.");
    else if (r < 0)
        gateway_fail(change->x, "a password could not be changed", r, &err);
    else
        answer_change(change);
}

void post_change_password(struct rt_http_exchange *x, void *user)
{
    static const struct rt_json_member members[] = {
        { .name = "current_password",
          .type = RT_JSON_STRING,
          .required = true,
          .min_len = 1,
          .max_len = SEGS_PASSWORD_MAX_BYTES },
        { .name = "new_password",
          .type = RT_JSON_STRING,
          .required = true,
          .min_len = 1,
          .max_len = SEGS_PASSWORD_MAX_BYTES },
        { .name = NULL },
    };
    const struct rt_json *body = NULL;
    struct change change = { .gateway = user, .x = x, .principal = gateway_principal(x) };

    if (rt_http_json_body(x, members, &body) < 0)
        return;
    if (hashing_enter(change.gateway->hashing) < 0) {
        rt_http_unavailable(x, 2, "busy", "Too many logins at once; try again shortly.");
        return;
    }
    change_password(&change, rt_json_string(body, "current_password"),
                    rt_json_string(body, "new_password"));
    hashing_leave(change.gateway->hashing);
}

/* ---- Keys ---- */

void get_jwks(struct rt_http_exchange *x, void *user)
{
    struct gateway *gateway = user;
    const struct segs_jwk *key = rt_authz_key(gateway->authz);
    char text[4096];
    char set[4200];
    size_t len = 0;
    int r = segs_jwk_dump_public(key, text, sizeof text, &len);
    int n;

    /* An HMAC key has no public part: the set is then empty. */
    if (r == SEGS_ENOTSUP)
        len = 0;
    else if (r < 0) {
        gateway_fail(x, "public keys could not be written", r, NULL);
        return;
    }
    n = snprintf(set, sizeof set, "{\"keys\":[%.*s]}", (int)len, text);
    rt_http_set_header(x, "Cache-Control", "public, max-age=300");
    rt_http_respond(x, 200, "application/jwk-set+json", set, (size_t)n);
}
