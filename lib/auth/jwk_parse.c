/* Key from the JSON of a JWK (RFC 7517 4, RFC 7518 6, RFC 8037 2). */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "auth/auth_internal.h"
#include "base/base_internal.h"

#define COORDINATE_BYTES 32 /* P-256 and Ed25519 alike */
#define RSA_MEMBERS 8
#define RSA_PUBLIC_MEMBERS 2

struct source {
    const struct segs__json *json;
    const struct segs__json_node *object;
    struct segs_error *reterr;
};

static const struct {
    const char *member;
    const char *param;
} rsa_members[RSA_MEMBERS] = {
    { "n", OSSL_PKEY_PARAM_RSA_N },          { "e", OSSL_PKEY_PARAM_RSA_E },
    { "d", OSSL_PKEY_PARAM_RSA_D },          { "p", OSSL_PKEY_PARAM_RSA_FACTOR1 },
    { "q", OSSL_PKEY_PARAM_RSA_FACTOR2 },    { "dp", OSSL_PKEY_PARAM_RSA_EXPONENT1 },
    { "dq", OSSL_PKEY_PARAM_RSA_EXPONENT2 }, { "qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
};

static const struct segs__json_node *member(const struct source *s, const char *name)
{
    return segs__json_member(s->json, s->object, name);
}

/* 1 and the text, 0 when absent, SEGS_ESYNTAX when not a text. */
static int get_text(const struct source *s, const char *name, const char **ret, size_t *ret_len)
{
    const struct segs__json_node *node = member(s, name);

    if (!node)
        return 0;
    if (node->type != SEGS__JSON_STRING) {
        (void)segs__fail(s->reterr, SEGS_ESYNTAX, name, -1, "expected a text");
        return SEGS_ESYNTAX;
    }
    *ret = s->json->text + node->text;
    *ret_len = node->len;
    return 1;
}

/* The bytes of a base64url member, decoded in place. The member must be there. */
static int get_bytes(const struct source *s, const char *name, const unsigned char **ret,
                     size_t *ret_len)
{
    const struct segs__json_node *node = member(s, name);
    char *text;

    if (!node || node->type != SEGS__JSON_STRING)
        return segs__fail(s->reterr, SEGS_ESYNTAX, name, -1, "expected a text in base64url");
    text = s->json->text + node->text;
    if (segs__b64_decode(text, node->len, text) < 0)
        return segs__fail(s->reterr, SEGS_ESYNTAX, name, -1,
                          "expected base64url without padding, white space or loose bits");
    *ret = (const unsigned char *)text;
    *ret_len = segs__b64_data_len(node->len);
    return 0;
}

static int get_coordinate(const struct source *s, const char *name, const unsigned char **ret)
{
    size_t len = 0;
    int r = get_bytes(s, name, ret, &len);

    if (r < 0)
        return r;
    if (len != COORDINATE_BYTES)
        return segs__fail(s->reterr, SEGS_ESYNTAX, name, -1, "expected %d bytes, found %zu",
                          COORDINATE_BYTES, len);
    return 0;
}

static int check_curve(const struct source *s, const char *curve)
{
    const struct segs__json_node *node = member(s, "crv");

    if (!node || node->type != SEGS__JSON_STRING)
        return segs__fail(s->reterr, SEGS_ESYNTAX, "crv", -1, "expected a text");
    if (!segs__json_is_text(s->json, node, curve))
        return segs__fail(s->reterr, SEGS_ENOTSUP, "crv", -1, "expected %s", curve);
    return 0;
}

static int crypto_failed(const struct source *s)
{
    return segs__fail(s->reterr, segs__crypto_failure(SEGS_ERANGE), NULL, -1,
                      "expected a usable key, libcrypto refused it");
}

static EVP_PKEY *pkey_from_params(const char *type, OSSL_PARAM_BLD *builder, bool is_private)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1)
        (void)EVP_PKEY_fromdata(ctx, &pkey, is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                                params);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

static int get_number(const struct source *s, const char *name, BIGNUM **ret)
{
    const unsigned char *bytes = NULL;
    size_t len = 0;
    int r = get_bytes(s, name, &bytes, &len);

    if (r < 0)
        return r;
    if (len == 0 || bytes[0] == 0 || len > SEGS__SIGNATURE_MAX_BYTES)
        return segs__fail(s->reterr, SEGS_ESYNTAX, name, -1,
                          "expected a positive number of at most %d bytes without leading zero",
                          SEGS__SIGNATURE_MAX_BYTES);
    *ret = BN_bin2bn(bytes, (int)len, NULL);
    return *ret ? 0 : crypto_failed(s);
}

static int rsa_pkey(const struct source *s, bool is_private, EVP_PKEY **ret)
{
    size_t n_members = is_private ? RSA_MEMBERS : RSA_PUBLIC_MEMBERS;
    BIGNUM *numbers[RSA_MEMBERS] = { NULL };
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    int r = builder ? 0 : crypto_failed(s);

    for (size_t i = 0; r == 0 && i < n_members; i++) {
        r = get_number(s, rsa_members[i].member, &numbers[i]);
        if (r == 0 && OSSL_PARAM_BLD_push_BN(builder, rsa_members[i].param, numbers[i]) != 1)
            r = crypto_failed(s);
    }
    if (r == 0) {
        *ret = pkey_from_params("RSA", builder, is_private);
        r = *ret ? 0 : crypto_failed(s);
    }
    for (size_t i = 0; i < n_members; i++)
        BN_clear_free(numbers[i]);
    OSSL_PARAM_BLD_free(builder);
    return r;
}

static int read_rsa(const struct source *s, struct segs__jwk_material *material)
{
    bool is_private = member(s, "d") != NULL;

    if (member(s, "oth"))
        return segs__fail(s->reterr, SEGS_ENOTSUP, "oth", -1, "expected an RSA key of two primes");
    for (size_t i = RSA_PUBLIC_MEMBERS; !is_private && i < RSA_MEMBERS; i++) {
        if (member(s, rsa_members[i].member))
            return segs__fail(s->reterr, SEGS_ESYNTAX, "d", -1,
                              "expected it together with the other private members");
    }
    material->is_private = is_private;
    return rsa_pkey(s, is_private, &material->pkey);
}

static int ec_pkey(const struct source *s, const unsigned char *x, const unsigned char *y,
                   const unsigned char *d, EVP_PKEY **ret)
{
    unsigned char point[1 + 2 * COORDINATE_BYTES] = { 0x04 }; /* uncompressed */
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *scalar = d ? BN_bin2bn(d, COORDINATE_BYTES, NULL) : NULL;
    bool ok;

    memcpy(point + 1, x, COORDINATE_BYTES);
    memcpy(point + 1 + COORDINATE_BYTES, y, COORDINATE_BYTES);
    ok = builder && (!d || scalar) &&
         OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) ==
             1 &&
         OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) ==
             1 &&
         (!d || OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1);
    if (ok)
        *ret = pkey_from_params("EC", builder, d != NULL);
    OSSL_PARAM_BLD_free(builder);
    BN_clear_free(scalar);
    return *ret ? 0 : crypto_failed(s);
}

static int read_ec(const struct source *s, struct segs__jwk_material *material)
{
    const unsigned char *x, *y, *d = NULL;
    int r;

    if ((r = check_curve(s, "P-256")) < 0 || (r = get_coordinate(s, "x", &x)) < 0 ||
        (r = get_coordinate(s, "y", &y)) < 0)
        return r;
    material->is_private = member(s, "d") != NULL;
    if (material->is_private && (r = get_coordinate(s, "d", &d)) < 0)
        return r;
    return ec_pkey(s, x, y, d, &material->pkey);
}

static int read_okp(const struct source *s, struct segs__jwk_material *material)
{
    unsigned char derived[COORDINATE_BYTES];
    size_t len = sizeof derived;
    const unsigned char *x, *d;
    int r;

    if ((r = check_curve(s, "Ed25519")) < 0 || (r = get_coordinate(s, "x", &x)) < 0)
        return r;
    material->is_private = member(s, "d") != NULL;
    if (!material->is_private) {
        material->pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, x, COORDINATE_BYTES);
        return material->pkey ? 0 : crypto_failed(s);
    }
    if ((r = get_coordinate(s, "d", &d)) < 0)
        return r;
    material->pkey = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, d, COORDINATE_BYTES);
    if (!material->pkey || EVP_PKEY_get_raw_public_key(material->pkey, derived, &len) != 1)
        return crypto_failed(s);
    if (memcmp(derived, x, sizeof derived) != 0)
        return segs__fail(s->reterr, SEGS_ERANGE, "x", -1, "expected the public half of d");
    return 0;
}

static int read_oct(const struct source *s, struct segs__jwk_material *material)
{
    material->is_private = true;
    return get_bytes(s, "k", &material->secret, &material->secret_len);
}

static const struct {
    const char *kty;
    int (*read)(const struct source *s, struct segs__jwk_material *material);
    int64_t alg; /* the only one of this kind; 0: must be named */
} kinds[] = {
    { "oct", read_oct, 0 },
    { "RSA", read_rsa, SEGS_ALG_RS256 },
    { "EC", read_ec, SEGS_ALG_ES256 },
    { "OKP", read_okp, SEGS_ALG_EDDSA },
};

/* "use" must be "sig" and "key_ops" name signing or verifying, where they are there. */
static int check_use(const struct source *s)
{
    const struct segs__json_node *use = member(s, "use");
    const struct segs__json_node *ops = member(s, "key_ops");

    if (use && use->type != SEGS__JSON_STRING)
        return segs__fail(s->reterr, SEGS_ESYNTAX, "use", -1, "expected a text");
    if (use && !segs__json_is_text(s->json, use, "sig"))
        return segs__fail(s->reterr, SEGS_ENOTSUP, "use", -1, "expected sig");
    if (!ops)
        return 0;
    if (ops->type != SEGS__JSON_ARRAY)
        return segs__fail(s->reterr, SEGS_ESYNTAX, "key_ops", -1, "expected an array of texts");
    for (int64_t i = 0; i < (int64_t)ops->n_children; i++) {
        const struct segs__json_node *op = segs__json_element(s->json, ops, i);

        if (segs__json_is_text(s->json, op, "sign") || segs__json_is_text(s->json, op, "verify"))
            return 0;
    }
    return segs__fail(s->reterr, SEGS_ENOTSUP, "key_ops", -1, "expected sign or verify");
}

/* The one algorithm of the key, from the JWK, the caller and the kind, all of which must agree. */
static int read_alg(const struct source *s, int64_t asked, int64_t of_kind, int64_t *ret)
{
    const char *name = NULL;
    size_t len = 0;
    int64_t alg = asked ? asked : of_kind;
    int64_t named;
    int r = get_text(s, "alg", &name, &len);

    if (r < 0)
        return r;
    if (r > 0) {
        if (segs_alg_parse(name, len, &named) < 0)
            return segs__fail(s->reterr, SEGS_ENOTSUP, "alg", -1, "unknown algorithm");
        if (asked && asked != named)
            return segs__fail(s->reterr, SEGS_ECONFLICT, "alg", -1, "expected %s, found %s",
                              segs_alg_name(asked), segs_alg_name(named));
        alg = named;
    }
    if (alg == 0)
        return segs__fail(s->reterr, SEGS_ESYNTAX, "alg", -1, "expected HS256, HS384 or HS512");
    if (of_kind ? alg != of_kind : !segs__alg_is_hmac(alg))
        return segs__fail(s->reterr, SEGS_ECONFLICT, "alg", -1,
                          "expected an algorithm of this kty, found %s", segs_alg_name(alg));
    *ret = alg;
    return 0;
}

static int read_kid(const struct source *s, const char *asked, struct segs__jwk_material *material)
{
    int r = get_text(s, "kid", &material->kid, &material->kid_len);

    if (r < 0)
        return r;
    if (r > 0 && !segs__kid_is_valid(material->kid, material->kid_len))
        return segs__fail(s->reterr, SEGS_ESYNTAX, "kid", -1,
                          "expected 1..%d bytes without control characters",
                          SEGS_JWK_KID_MAX_BYTES);
    if (!asked)
        return 0;
    if (r > 0 && strcmp(asked, material->kid) != 0)
        return segs__fail(s->reterr, SEGS_ECONFLICT, "kid", -1, "expected %s, found %s", asked,
                          material->kid);
    material->kid = asked;
    material->kid_len = strlen(asked);
    return 0;
}

static int read_material(const struct source *s, const struct segs_jwk_options *options,
                         struct segs__jwk_material *material)
{
    const struct segs__json_node *kty = member(s, "kty");
    size_t kind = 0;
    int r;

    if (!kty || kty->type != SEGS__JSON_STRING)
        return segs__fail(s->reterr, SEGS_ESYNTAX, "kty", -1, "expected a text");
    while (kind < sizeof kinds / sizeof kinds[0] &&
           !segs__json_is_text(s->json, kty, kinds[kind].kty))
        kind++;
    if (kind == sizeof kinds / sizeof kinds[0])
        return segs__fail(s->reterr, SEGS_ENOTSUP, "kty", -1, "expected oct, RSA, EC or OKP");
    if ((r = check_use(s)) < 0 ||
        (r = read_alg(s, options->alg, kinds[kind].alg, &material->alg)) < 0 ||
        (r = read_kid(s, options->kid, material)) < 0)
        return r;
    return kinds[kind].read(s, material);
}

int segs__jwk_from_node(const struct segs__json *json, const struct segs__json_node *object,
                        const struct segs_jwk_options *options, struct segs_jwk **ret,
                        struct segs_error *reterr)
{
    struct source s = { json, object, reterr };
    struct segs__jwk_material material = { 0 };
    int r;

    if (object->type != SEGS__JSON_OBJECT)
        return segs__fail(reterr, SEGS_ESYNTAX, NULL, -1, "expected a JSON object");
    (void)ERR_set_mark();
    r = read_material(&s, options, &material);
    (void)ERR_pop_to_mark();
    if (r < 0) {
        EVP_PKEY_free(material.pkey);
        return r;
    }
    return segs__jwk_assemble(&material, segs__allocator(options->allocator), ret, reterr);
}

int segs_jwk_from_json(const char *json, size_t len, const struct segs_jwk_options *options,
                       struct segs_jwk **ret, struct segs_error *reterr)
{
    struct segs_jwk_options o;
    struct segs__document document;
    int r;

    if (!json || !ret)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "expected a text and a place for a key");
    r = segs__jwk_options_read(&o, options, reterr);
    if (r < 0)
        return r;
    if (len > SEGS_JWK_TEXT_MAX_BYTES)
        return segs__fail(reterr, SEGS_ERANGE, NULL, -1, "expected at most %d bytes, found %zu",
                          SEGS_JWK_TEXT_MAX_BYTES, len);
    r = segs__document_open(&document, json, len, segs__allocator(o.allocator), reterr);
    if (r == 0)
        r = segs__jwk_from_node(&document.json, document.json.nodes, &o, ret, reterr);
    segs__document_close(&document);
    return r;
}
