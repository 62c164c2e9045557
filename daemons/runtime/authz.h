/* Who asks, and may they: access tokens of the gateway, checked the same way by every service. A
 * request passes when its token verifies and the database still knows its login, its user and the
 * version of the user's rights; what the database said is remembered for AUTH_CACHE_TTL. When it
 * cannot be asked, nobody passes.
 *
 * Thread rule: thread-safe. */
#ifndef RT_AUTHZ_H
#define RT_AUTHZ_H

#include <stdbool.h>
#include <stdint.h>

#include <segs/jwk.h>

#include "http.h"
#include "random.h"
#include "service.h"

struct rt_authz;

#define RT_AUTHZ_TYP "at+jwt"
#define RT_AUTHZ_REGIONS_BYTES 1024
#define RT_AUTHZ_ZONE_BYTES 64

/* The principal of an exchange that was let in. Plain data, zero-filled. */
struct rt_principal {
    char user_id[RT_UUID_BYTES];
    char login_id[RT_UUID_BYTES];
    char timezone[RT_AUTHZ_ZONE_BYTES];
    char regions[RT_AUTHZ_REGIONS_BYTES]; /* Comma-separated; empty: all. */
    int64_t token_version;
    int64_t expires_at_ms; /* Of the login. */
    int32_t role;
    int32_t reserved;
};

/* JWT_KEY_FILE, JWT_SECRET, JWT_ISSUER, JWT_AUDIENCE, AUTH_CACHE_TTL: part of the table of each
 * service that checks tokens. */
#define RT_AUTHZ_CONFIG                                                                            \
    { .name = "JWT_KEY_FILE",                                                                      \
      .type = RT_CONFIG_STRING,                                                                    \
      .help = "File with the private JWK (or PEM) that signs access tokens; only its owner may "   \
              "read it." },                                                                        \
        { .name = "JWT_SECRET",                                                                    \
          .type = RT_CONFIG_STRING,                                                                \
          .max = SEGS_JWK_SECRET_MAX_BYTES,                                                        \
          .secret = true,                                                                          \
          .help = "Secret of at least 32 random bytes that signs access tokens (HS256), instead "  \
                  "of JWT_KEY_FILE." },                                                            \
        { .name = "JWT_ISSUER",                                                                    \
          .type = RT_CONFIG_STRING,                                                                \
          .fallback = "segs",                                                                      \
          .min = 1,                                                                                \
          .max = 255,                                                                              \
          .help = "Issuer of access tokens (iss)." },                                              \
        { .name = "JWT_AUDIENCE",                                                                  \
          .type = RT_CONFIG_STRING,                                                                \
          .fallback = "segs-api",                                                                  \
          .min = 1,                                                                                \
          .max = 255,                                                                              \
          .help = "Audience of access tokens (aud)." },                                            \
    {                                                                                              \
        .name = "AUTH_CACHE_TTL", .type = RT_CONFIG_DURATION, .fallback = "5s", .unit = "s",       \
        .min = 0, .max = 10000,                                                                    \
        .help = "How long another process may still accept a token after its login ended; 0 asks " \
                "the database every time."                                                         \
    }

/* Reads the key as configured. In `segs dev` without one, <data_dir>/jwt-key.json is made once and
 * used. SEGS_EDENIED: a weak secret, a key file that others may read, or no key at all. */
int rt_authz_new(const struct rt_app *app, struct rt_authz **ret, struct segs_error *reterr);
void rt_authz_free(struct rt_authz *authz);

/* For the authorise hook: 0 and the exchange has its rt_principal; otherwise it is answered (401,
 * 403, 503). `permission` is SEGS_PERMISSION_*. */
int rt_authz_admit(struct rt_authz *authz, struct rt_http_exchange *x, int32_t permission);

/* Forget what is remembered of a login that ended or whose user changed; other processes forget by
 * AUTH_CACHE_TTL. */
void rt_authz_forget(struct rt_authz *authz, const char *login_id);

/* The key that signs, borrowed. */
const struct segs_jwk *rt_authz_key(const struct rt_authz *authz);

/* Whether the principal may see the region. */
bool rt_principal_sees(const struct rt_principal *principal, const char *region);

#endif
