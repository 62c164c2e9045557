#include "api-gateway/tokens.h"

#include <stdio.h>
#include <string.h>

#include <segs/jwt.h>
#include <segs/role.h>
#include <segs/token.h>

#include "runtime/random.h"

#define USER_AGENT_BYTES 200

static int build(struct segs_jwt_builder *builder, const struct gateway *gateway,
                 const struct token_user *user, const char *login_id)
{
    const struct rt_config *config = gateway->app->config;
    int64_t now_ms = gateway_now_ms(gateway);
    const char *role = segs_role_name(user->role);
    char jti[RT_RANDOM_TEXT_BYTES];
    int r = rt_random_base64url(16, jti);

    if (r == 0)
        r = segs_jwt_builder_add_string(builder, "iss", rt_config_string(config, "JWT_ISSUER"));
    if (r == 0)
        r = segs_jwt_builder_add_string(builder, "aud", rt_config_string(config, "JWT_AUDIENCE"));
    if (r == 0)
        r = segs_jwt_builder_add_string(builder, "sub", user->user_id);
    if (r == 0)
        r = segs_jwt_builder_add_string(builder, "sid", login_id);
    if (r == 0)
        r = segs_jwt_builder_add_string(builder, "jti", jti);
    if (r == 0)
        r = segs_jwt_builder_add_string(builder, "role", role ? role : "");
    if (r == 0)
        r = segs_jwt_builder_add_int(builder, "ver", user->token_version);
    if (r == 0)
        r = segs_jwt_builder_add_int(builder, "iat", now_ms / 1000);
    if (r == 0)
        r = segs_jwt_builder_add_int(builder, "exp", (now_ms + gateway->access_ms) / 1000);
    return r;
}

int tokens_sign(const struct gateway *gateway, const struct token_user *user, const char *login_id,
                char ret[ACCESS_TOKEN_BYTES], struct segs_error *reterr)
{
    struct segs_jwt_builder_options options = SEGS_JWT_BUILDER_OPTIONS_INIT;
    struct segs_jwt_builder *builder = NULL;
    int r;

    options.typ = RT_AUTHZ_TYP;
    r = segs_jwt_builder_new(&options, &builder);
    if (r == 0)
        r = build(builder, gateway, user, login_id);
    if (r == 0)
        r = segs_jwt_sign(rt_authz_key(gateway->authz), builder, ret, ACCESS_TOKEN_BYTES, NULL);
    segs_jwt_builder_free(builder);
    return r < 0 ? rt_fail(reterr, r, NULL, "an access token could not be signed") : 0;
}

int tokens_login(struct rt_db_conn *conn, const struct gateway *gateway,
                 const struct rt_http_exchange *x, const char *user_id,
                 char ret_login_id[RT_UUID_BYTES], struct segs_error *reterr)
{
    const char *agent = rt_http_header(x, "User-Agent");
    int64_t now_ms = gateway_now_ms(gateway);
    struct rt_db_value params[6];
    char cut[USER_AGENT_BYTES];
    int r = rt_uuid7(now_ms, ret_login_id);

    if (r < 0)
        return rt_fail(reterr, r, NULL, "no randomness for a login");
    /* Header values may hold any byte; what is stored is shown again. */
    (void)snprintf(cut, sizeof cut, "%s", agent ? agent : "");
    for (char *c = cut; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7E)
            *c = '?';
    params[0] = rt_db_text(ret_login_id);
    params[1] = rt_db_text(user_id);
    params[2] = RT_DB_I(now_ms);
    params[3] = RT_DB_I(now_ms + gateway->login_ms);
    params[4] = rt_db_text(rt_http_peer(x));
    params[5] = rt_db_text(cut);
    return rt_db_exec(conn,
                      "INSERT INTO logins (login_id, user_id, created_at_ms, last_used_at_ms,"
                      " expires_at_ms, peer, user_agent) VALUES ($1, $2, $3, $3, $4, $5, $6)",
                      params, 6, NULL, reterr);
}

int tokens_refresh_new(struct rt_db_conn *conn, const struct gateway *gateway, const char *login_id,
                       char ret[RT_RANDOM_TEXT_BYTES], struct segs_error *reterr)
{
    uint8_t digest[SEGS_TOKEN_DIGEST_BYTES];
    int64_t now_ms = gateway_now_ms(gateway);
    struct rt_db_value params[4];
    int r = rt_random_base64url(REFRESH_TOKEN_RANDOM_BYTES, ret);

    if (r == 0)
        r = segs_token_digest(ret, strlen(ret), digest);
    if (r < 0)
        return rt_fail(reterr, r, NULL, "no refresh token could be made");
    params[0] = rt_db_blob(digest, sizeof digest);
    params[1] = rt_db_text(login_id);
    params[2] = RT_DB_I(now_ms);
    params[3] = RT_DB_I(now_ms + gateway->refresh_ms);
    return rt_db_exec(
        conn,
        "INSERT INTO refresh_tokens (token_hash, login_id, created_at_ms, expires_at_ms)"
        " VALUES ($1, $2, $3, $4)",
        params, 4, NULL, reterr);
}

static int user_from(struct rt_db_conn *conn, const char *sql, const struct rt_db_value *key,
                     struct token_user *ret, char ret_login_id[RT_UUID_BYTES],
                     struct segs_error *reterr)
{
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(conn, sql, key, 1, &rows, reterr);

    if (r == 0)
        r = rt_db_next(rows, reterr);
    if (r > 0) {
        memset(ret, 0, sizeof *ret);
        (void)snprintf(ret->user_id, sizeof ret->user_id, "%s", rt_db_str(rows, 0, NULL));
        (void)snprintf(ret->email, sizeof ret->email, "%s", rt_db_str(rows, 1, NULL));
        (void)snprintf(ret->full_name, sizeof ret->full_name, "%s", rt_db_str(rows, 2, NULL));
        ret->role = (int32_t)rt_db_int(rows, 3);
        ret->token_version = rt_db_int(rows, 4);
        if (ret_login_id)
            (void)snprintf(ret_login_id, RT_UUID_BYTES, "%s", rt_db_str(rows, 5, NULL));
        r = 0;
    } else if (r == 0) {
        r = SEGS_ENOTFOUND;
    }
    rt_db_rows_free(rows);
    return r;
}

int tokens_user(struct rt_db_conn *conn, const char *user_id, struct token_user *ret,
                struct segs_error *reterr)
{
    struct rt_db_value key = rt_db_text(user_id);

    return user_from(conn,
                     "SELECT user_id, email, full_name, role, token_version FROM users"
                     " WHERE user_id = $1 AND status = 'ACTIVE'",
                     &key, ret, NULL, reterr);
}

/* The login whose spent token this is; empty when it is no token of ours, or only too old. */
static int find_reused(struct rt_db_conn *conn, const struct rt_db_value *digest,
                       char ret[RT_UUID_BYTES], struct segs_error *reterr)
{
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(conn,
                        "SELECT login_id FROM refresh_tokens"
                        " WHERE token_hash = $1 AND used_at_ms IS NOT NULL",
                        digest, 1, &rows, reterr);

    ret[0] = '\0';
    if (r == 0)
        r = rt_db_next(rows, reterr);
    if (r > 0)
        (void)snprintf(ret, RT_UUID_BYTES, "%s", rt_db_str(rows, 0, NULL));
    rt_db_rows_free(rows);
    return r < 0 ? r : SEGS_EDENIED;
}

int tokens_refresh_spend(struct rt_db_conn *conn, const struct gateway *gateway, const char *token,
                         char ret_login_id[RT_UUID_BYTES], struct token_user *ret_user,
                         char ret_reused_login[RT_UUID_BYTES], struct segs_error *reterr)
{
    uint8_t digest[SEGS_TOKEN_DIGEST_BYTES];
    struct rt_db_value params[2];
    int64_t changed = 0;
    int r = segs_token_digest(token, strlen(token), digest);

    ret_reused_login[0] = '\0';
    if (r < 0)
        return rt_fail(reterr, r, NULL, "a token could not be digested");
    params[0] = rt_db_blob(digest, sizeof digest);
    params[1] = RT_DB_I(gateway_now_ms(gateway));
    /* One statement: of two at once exactly one changes the row. */
    r = rt_db_exec(conn,
                   "UPDATE refresh_tokens SET used_at_ms = $2 WHERE token_hash = $1"
                   " AND used_at_ms IS NULL AND expires_at_ms > $2 AND EXISTS ("
                   "  SELECT 1 FROM logins l JOIN users u ON u.user_id = l.user_id"
                   "  WHERE l.login_id = refresh_tokens.login_id AND l.revoked_at_ms IS NULL"
                   "  AND l.expires_at_ms > $2 AND u.status = 'ACTIVE')",
                   params, 2, &changed, reterr);
    if (r < 0)
        return r;
    if (changed != 1)
        return find_reused(conn, params, ret_reused_login, reterr);
    return user_from(conn,
                     "SELECT u.user_id, u.email, u.full_name, u.role, u.token_version, l.login_id"
                     " FROM refresh_tokens t JOIN logins l ON l.login_id = t.login_id"
                     " JOIN users u ON u.user_id = l.user_id WHERE t.token_hash = $1",
                     params, ret_user, ret_login_id, reterr);
}

void tokens_put(struct rt_json_out *out, const struct gateway *gateway, const char *access,
                const char *refresh, const struct token_user *user)
{
    rt_json_put_string(out, "access_token", access);
    if (refresh)
        rt_json_put_string(out, "refresh_token", refresh);
    rt_json_put_string(out, "token_type", "Bearer");
    rt_json_put_int(out, "expires_in", gateway->access_ms / 1000);
    rt_json_object(out, "user");
    rt_json_put_string(out, "user_id", user->user_id);
    rt_json_put_string(out, "email", user->email);
    rt_json_put_string(out, "full_name", user->full_name);
    rt_json_put_string(out, "role", segs_role_name(user->role));
    rt_json_end_object(out);
}
