#include "runtime/authz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <segs/jwt.h>
#include <segs/role.h>

#include "runtime/authz_key.h"
#include "runtime/cache/cache.h"
#include "runtime/db/db.h"
#include "runtime/log.h"

#define SCHEME "Bearer "
#define DB_TIMEOUT_MS 2000
#define RETRY_AFTER_S 2

struct rt_authz {
    const struct rt_app *app;
    struct segs_jwk *key;
    struct segs_jwt_verifier *verifier;
    int64_t ttl_ms;
};

/* ---- Life ---- */

static int make_verifier(struct rt_authz *authz, struct segs_error *reterr)
{
    static const char *const required[] = { "sub", "sid", "jti", "iat", "ver" };
    struct segs_jwt_verifier_options options = SEGS_JWT_VERIFIER_OPTIONS_INIT;

    options.issuer = rt_config_string(authz->app->config, "JWT_ISSUER");
    options.audience = rt_config_string(authz->app->config, "JWT_AUDIENCE");
    options.typ = RT_AUTHZ_TYP;
    options.required_claims = required;
    options.n_required_claims = (int64_t)(sizeof required / sizeof required[0]);
    return segs_jwt_verifier_new(authz->key, &options, &authz->verifier, reterr);
}

int rt_authz_new(const struct rt_app *app, struct rt_authz **ret, struct segs_error *reterr)
{
    struct rt_authz *authz = calloc(1, sizeof *authz);
    int r;

    if (!authz)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for checking tokens");
    authz->app = app;
    authz->ttl_ms = rt_config_int(app->config, "AUTH_CACHE_TTL");
    r = rt_authz_key_load(app, &authz->key, reterr);
    if (r == 0)
        r = make_verifier(authz, reterr);
    if (r < 0) {
        rt_authz_free(authz);
        return r;
    }
    *ret = authz;
    return 0;
}

void rt_authz_free(struct rt_authz *authz)
{
    if (!authz)
        return;
    segs_jwt_verifier_free(authz->verifier);
    segs_jwk_free(authz->key);
    free(authz);
}

const struct segs_jwk *rt_authz_key(const struct rt_authz *authz)
{
    return authz->key;
}

bool rt_principal_sees(const struct rt_principal *principal, const char *region)
{
    size_t len = strlen(region);

    if (principal->regions[0] == '\0')
        return true;
    for (const char *at = principal->regions; *at;) {
        size_t n = strcspn(at, ",");

        if (n == len && strncmp(at, region, n) == 0)
            return true;
        at += n;
        at += *at == ',';
    }
    return false;
}

/* ---- What the database says of a login ---- */

static void cache_key(const char *login_id, char key[64])
{
    (void)snprintf(key, 64, "authz:login:%.40s", login_id);
}

static bool copy_text(char *to, size_t size, const char *from)
{
    size_t len = from ? strlen(from) : 0;

    if (len >= size)
        return false;
    memcpy(to, from ? from : "", len);
    return true;
}

/* A text that does not fit would be a list of regions cut short, or a login that is not the one asked for. */
static int from_rows(const struct rt_db_rows *rows, struct rt_principal *ret)
{
    bool fits = copy_text(ret->login_id, sizeof ret->login_id, rt_db_str(rows, 0, NULL)) &&
                copy_text(ret->user_id, sizeof ret->user_id, rt_db_str(rows, 1, NULL)) &&
                copy_text(ret->regions, sizeof ret->regions, rt_db_str(rows, 2, NULL)) &&
                copy_text(ret->timezone, sizeof ret->timezone, rt_db_str(rows, 3, NULL));

    ret->role = (int32_t)rt_db_int(rows, 4);
    ret->token_version = rt_db_int(rows, 5);
    ret->expires_at_ms = rt_db_int(rows, 6);
    return fits ? 0 : SEGS_ERANGE;
}

/* SEGS_ENOTFOUND: no live login of that id. */
static int query(struct rt_db_conn *conn, const char *login_id, struct rt_principal *ret,
                 struct segs_error *reterr)
{
    struct rt_db_value id = rt_db_text(login_id);
    struct rt_db_rows *rows = NULL;
    int r =
        rt_db_query(conn,
                    "SELECT l.login_id, u.user_id, u.regions, u.timezone, u.role,"
                    " u.token_version, l.expires_at_ms"
                    " FROM logins l JOIN users u ON u.user_id = l.user_id"
                    " WHERE l.login_id = $1 AND l.revoked_at_ms IS NULL AND u.status = 'ACTIVE'",
                    &id, 1, &rows, reterr);

    if (r == 0)
        r = rt_db_next(rows, reterr);
    if (r > 0)
        r = from_rows(rows, ret);
    else if (r == 0)
        r = SEGS_ENOTFOUND;
    rt_db_rows_free(rows);
    return r;
}

static bool recall(struct rt_authz *authz, const char *key, struct rt_principal *ret)
{
    struct rt_buf value = RT_BUF_INIT;
    bool found = authz->ttl_ms > 0 && rt_cache_get(authz->app->cache, key, &value) == 0 &&
                 rt_buf_status(&value) == 0 && value.len == sizeof *ret;

    if (found)
        memcpy(ret, value.data, sizeof *ret);
    rt_buf_free(&value);
    return found;
}

static int find_login(struct rt_authz *authz, const char *login_id, struct rt_principal *ret,
                      struct segs_error *reterr)
{
    struct rt_db_conn *conn = NULL;
    char key[64];
    int r;

    cache_key(login_id, key);
    if (recall(authz, key, ret))
        return 0;
    r = rt_db_acquire(authz->app->db, RT_DB_READ, DB_TIMEOUT_MS, &conn, reterr);
    if (r == 0)
        r = query(conn, login_id, ret, reterr);
    rt_db_release(conn);
    if (r == 0 && authz->ttl_ms > 0) /* Without the cache the next request asks again. */
        (void)rt_cache_put(authz->app->cache, key, ret, sizeof *ret, authz->ttl_ms);
    return r;
}

void rt_authz_forget(struct rt_authz *authz, const char *login_id)
{
    char key[64];

    cache_key(login_id, key);
    (void)rt_cache_remove(authz->app->cache, key);
}

/* ---- One request ---- */

static int deny(struct rt_http_exchange *x, const char *code, const char *detail)
{
    rt_http_set_header(x, "WWW-Authenticate", "Bearer realm=\"segs\"");
    rt_http_problem(x, 401, code, detail);
    return SEGS_EDENIED;
}

static int unavailable(struct rt_http_exchange *x, int r, const struct segs_error *err)
{
    rt_log_failure(RT_LOG_ERROR, "a token could not be checked", r, err);
    rt_http_unavailable(x, RETRY_AFTER_S, "authorisation_unavailable",
                        "Access cannot be checked at the moment.");
    return SEGS_EDENIED;
}

/* The login behind verified claims; SEGS_ENOTFOUND when it is over. */
static int live_login(struct rt_authz *authz, const struct segs_jwt_claims *claims, int64_t now_ms,
                      struct rt_principal *ret, struct segs_error *reterr)
{
    const char *login_id = segs_jwt_claims_sid(claims);
    const char *user_id = segs_jwt_claims_subject(claims);
    int64_t version = 0;
    int r;

    if (!login_id || !user_id || strlen(login_id) >= RT_UUID_BYTES ||
        segs_jwt_claims_get_int(claims, "ver", &version) < 0)
        return SEGS_ENOTFOUND;
    r = find_login(authz, login_id, ret, reterr);
    if (r == 0 && (strcmp(ret->user_id, user_id) != 0 || ret->token_version != version ||
                   ret->expires_at_ms <= now_ms))
        r = SEGS_ENOTFOUND;
    return r;
}

static int permit(struct rt_http_exchange *x, const struct rt_principal *found, int32_t permission)
{
    struct rt_principal *principal;

    if (!segs_role_permits(found->role, permission)) {
        rt_http_problem(x, 403, "forbidden", "Your role does not permit this.");
        return SEGS_EDENIED;
    }
    principal = malloc(sizeof *principal);
    if (!principal)
        return unavailable(x, SEGS_ENOMEM, NULL);
    *principal = *found;
    rt_http_set_principal(x, principal, free);
    return 0;
}

int rt_authz_admit(struct rt_authz *authz, struct rt_http_exchange *x, int32_t permission)
{
    const char *header = rt_http_header(x, "Authorization");
    int64_t now_ms = rt_clock_now_ms(&authz->app->clock);
    struct segs_jwt_claims *claims = NULL;
    struct rt_principal found;
    struct segs_error err = { 0 };
    int r;

    if (!header || strncasecmp(header, SCHEME, strlen(SCHEME)) != 0)
        return deny(x, "unauthorized", "An access token is needed.");
    header += strlen(SCHEME);
    memset(&found, 0, sizeof found);
    r = segs_jwt_verify(authz->verifier, header, strlen(header), now_ms / 1000, &claims, &err);
    if (r == 0)
        r = live_login(authz, claims, now_ms, &found, &err);
    segs_jwt_claims_free(claims);
    if (r == SEGS_EEXPIRED)
        return deny(x, "token_expired", "The access token has expired.");
    if (r == SEGS_EDENIED || r == SEGS_ENOTFOUND)
        return deny(x, "invalid_token", "The access token is not valid.");
    if (r < 0)
        return unavailable(x, r, &err);
    return permit(x, &found, permission);
}
