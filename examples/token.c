/* Make a key, sign a token with it and verify it, once as it should be and three times as it should not.
 *
 * What to change: keep the key (segs_jwk_dump_private() into a file that only the service can read, segs_jwk_from_json() back) and
 * give verifiers its public half alone; issuer, audience and type to names of your own. Kinds of token are kept apart by their
 * type: each kind has its own verifier. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <segs/jwk.h>
#include <segs/jwt.h>
#include <segs/role.h>

#define ISSUER "https://segs.example"
#define AUDIENCE "segs-api"
#define TYPE "at+jwt" /* An access token, RFC 9068. */
#define LIFETIME_S 900

static int make_key(struct segs_jwk **ret, struct segs_error *err)
{
    struct segs_jwk_options options = SEGS_JWK_OPTIONS_INIT;

    options.alg = SEGS_ALG_EDDSA;
    return segs_jwk_generate(&options, ret, err);
}

static int sign(const struct segs_jwk *key, int64_t now_s, char *token, size_t size)
{
    static const char *const roles[] = { "OPERATOR" };
    struct segs_jwt_builder_options options = SEGS_JWT_BUILDER_OPTIONS_INIT;
    struct segs_jwt_builder *builder = NULL;
    int r;

    options.typ = TYPE;
    r = segs_jwt_builder_new(&options, &builder);
    if (r == 0)
        r = segs_jwt_builder_add_string(builder, "iss", ISSUER);
    if (r == 0)
        r = segs_jwt_builder_add_string(builder, "aud", AUDIENCE);
    if (r == 0)
        r = segs_jwt_builder_add_string(builder, "sub", "user-42");
    if (r == 0)
        r = segs_jwt_builder_add_strings(builder, "roles", roles, 1);
    if (r == 0)
        r = segs_jwt_builder_add_int(builder, "iat", now_s);
    if (r == 0)
        r = segs_jwt_builder_add_int(builder, "exp", now_s + LIFETIME_S);
    if (r == 0)
        r = segs_jwt_sign(key, builder, token, size, NULL);
    segs_jwt_builder_free(builder);
    return r;
}

static int make_verifier(const struct segs_jwk *key, const char *typ,
                         struct segs_jwt_verifier **ret, struct segs_error *err)
{
    struct segs_jwt_verifier_options options = SEGS_JWT_VERIFIER_OPTIONS_INIT;

    options.issuer = ISSUER;
    options.audience = AUDIENCE;
    options.typ = typ;
    return segs_jwt_verifier_new(key, &options, ret, err);
}

static void try_token(const char *what, const struct segs_jwt_verifier *verifier, const char *token,
                      int64_t now_s)
{
    struct segs_jwt_claims *claims = NULL;
    int r = segs_jwt_verify(verifier, token, strlen(token), now_s, &claims, NULL);

    (void)printf("%s: %s\n", what, r == 0 ? "accepted" : segs_error_name(r));
    if (r == 0) {
        uint32_t roles = segs_jwt_claims_roles(claims);

        (void)printf("  subject %s, expires in %lld s\n", segs_jwt_claims_subject(claims),
                     (long long)(segs_jwt_claims_exp_s(claims) - now_s));
        (void)printf("  may read every meter: %d, may manage users: %d\n",
                     segs_roles_permit(roles, SEGS_PERMISSION_TELEMETRY_READ_ANY),
                     segs_roles_permit(roles, SEGS_PERMISSION_USERS_MANAGE));
    }
    segs_jwt_claims_free(claims);
}

int main(void)
{
    struct segs_jwk *key = NULL, *public_key = NULL;
    struct segs_jwt_verifier *access = NULL, *reset = NULL;
    struct segs_error err = { 0 };
    int64_t now_s = (int64_t)time(NULL);
    char token[1024];
    int r = make_key(&key, &err);

    if (r == 0)
        r = segs_jwk_public(key, &public_key);
    if (r == 0)
        r = make_verifier(public_key, TYPE, &access, &err);
    if (r == 0)
        r = make_verifier(public_key, "reset+jwt", &reset, &err);
    if (r == 0)
        r = sign(key, now_s, token, sizeof token);
    if (r == 0) {
        try_token("as signed", access, token, now_s);
        try_token("when it has expired", access, token, now_s + LIFETIME_S);
        try_token("as another kind of token", reset, token, now_s);
        token[strlen(token) / 2] ^= 1;
        try_token("with one bit changed", access, token, now_s);
    } else {
        (void)fprintf(stderr, "token: %s %s\n", segs_strerror(r), err.message);
    }
    segs_jwt_verifier_free(reset);
    segs_jwt_verifier_free(access);
    segs_jwk_free(public_key);
    segs_jwk_free(key);
    return r == 0 ? 0 : 2;
}
