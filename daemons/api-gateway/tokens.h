/* Access and refresh tokens, and the logins they belong to. */
#ifndef API_GATEWAY_TOKENS_H
#define API_GATEWAY_TOKENS_H

#include "api-gateway/gateway.h"

#define ACCESS_TOKEN_BYTES 2048
#define REFRESH_TOKEN_RANDOM_BYTES 32

struct token_user {
    char user_id[RT_UUID_BYTES];
    char email[256];
    char full_name[256];
    int64_t token_version;
    int32_t role;
    int32_t reserved;
};

/* Sign an access token of this user and login. */
int tokens_sign(const struct gateway *gateway, const struct token_user *user, const char *login_id,
                char ret[ACCESS_TOKEN_BYTES], struct segs_error *reterr);

/* Start a login; *ret_login_id gets its id. */
int tokens_login(struct rt_db_conn *conn, const struct gateway *gateway,
                 const struct rt_http_exchange *x, const char *user_id,
                 char ret_login_id[RT_UUID_BYTES], struct segs_error *reterr);

/* Make a refresh token of the login and store its digest. */
int tokens_refresh_new(struct rt_db_conn *conn, const struct gateway *gateway, const char *login_id,
                       char ret[RT_RANDOM_TEXT_BYTES], struct segs_error *reterr);

/* Spend a refresh token. 0: it was good, *ret_login_id and *ret_user are set. SEGS_EDENIED: it is not; *ret_reused_login is the
 * login that it belonged to when it had been spent before, else empty. */
int tokens_refresh_spend(struct rt_db_conn *conn, const struct gateway *gateway, const char *token,
                         char ret_login_id[RT_UUID_BYTES], struct token_user *ret_user,
                         char ret_reused_login[RT_UUID_BYTES], struct segs_error *reterr);

/* Read what tokens need of a user. SEGS_ENOTFOUND: no active user of that id. */
int tokens_user(struct rt_db_conn *conn, const char *user_id, struct token_user *ret,
                struct segs_error *reterr);

/* The members access_token, refresh_token (unless NULL), token_type, expires_in and user of an open object. */
struct rt_json_out;
void tokens_put(struct rt_json_out *out, const struct gateway *gateway, const char *access,
                const char *refresh, const struct token_user *user);

#endif
