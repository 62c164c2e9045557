#include <segs/jwk.h>

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "auth/auth_internal.h"
#include "base/base_internal.h"

#define GENERATED_RSA_BITS 3072 /* 128 bits of strength: NIST SP 800-57 part 1, table 2 */

_Static_assert(offsetof(struct segs_jwk_options, alg) == 24, "no implicit padding");
_Static_assert(sizeof(struct segs_jwk_options) == 32, "no implicit padding");

static const char *const alg_names[] = {
    [SEGS_ALG_HS256] = "HS256", [SEGS_ALG_HS384] = "HS384", [SEGS_ALG_HS512] = "HS512",
    [SEGS_ALG_RS256] = "RS256", [SEGS_ALG_ES256] = "ES256", [SEGS_ALG_EDDSA] = "EdDSA",
};

const char *segs_alg_name(int64_t alg)
{
    return alg >= SEGS_ALG_HS256 && alg <= SEGS_ALG_EDDSA ? alg_names[alg] : NULL;
}

int segs_alg_parse(const char *name, size_t len, int64_t *ret)
{
    if (!name || !ret)
        return SEGS_EINVAL;
    for (int64_t alg = SEGS_ALG_HS256; alg <= SEGS_ALG_EDDSA; alg++) {
        if (strlen(alg_names[alg]) == len && memcmp(alg_names[alg], name, len) == 0) {
            *ret = alg;
            return 0;
        }
    }
    return SEGS_ENOTFOUND;
}

bool segs__alg_is_hmac(int64_t alg)
{
    return alg >= SEGS_ALG_HS256 && alg <= SEGS_ALG_HS512;
}

static size_t hmac_min_bytes(int64_t alg)
{
    return alg == SEGS_ALG_HS256 ? 32 : alg == SEGS_ALG_HS384 ? 48 : 64;
}

bool segs__kid_is_valid(const char *kid, size_t len)
{
    if (len == 0 || len > SEGS_JWK_KID_MAX_BYTES || !segs__utf8_is_valid(kid, len))
        return false;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)kid[i] < 0x20 || kid[i] == 0x7F)
            return false;
    }
    return true;
}

int segs__jwk_options_read(struct segs_jwk_options *dst, const struct segs_jwk_options *src,
                           struct segs_error *reterr)
{
    int r = segs__options_copy(dst, sizeof *dst, src);

    if (r < 0)
        return segs__fail(reterr, r, "options", -1, "expected options of this version");
    if (dst->alg != 0 && !segs_alg_name(dst->alg))
        return segs__fail(reterr, SEGS_EINVAL, "alg", -1, "expected a SEGS_ALG_* value");
    if (dst->kid && !segs__kid_is_valid(dst->kid, strlen(dst->kid)))
        return segs__fail(reterr, SEGS_EINVAL, "kid", -1,
                          "expected 1..%d bytes of UTF-8 without control characters",
                          SEGS_JWK_KID_MAX_BYTES);
    return 0;
}

void segs_jwk_free(struct segs_jwk *key)
{
    const struct segs_allocator *a;

    if (!key)
        return;
    a = key->allocator;
    EVP_MD_CTX_free(key->verify);
    EVP_MD_CTX_free(key->sign);
    EVP_PKEY_free(key->pkey);
    if (key->secret)
        OPENSSL_cleanse(key->secret, key->secret_len);
    segs__release(a, key->secret);
    segs__release(a, key->kid);
    segs__release(a, key);
}

static int copy_texts(struct segs_jwk *key, const struct segs__jwk_material *material)
{
    if (material->kid) {
        key->kid = segs__alloc(key->allocator, material->kid_len + 1);
        if (!key->kid)
            return SEGS_ENOMEM;
        memcpy(key->kid, material->kid, material->kid_len);
        key->kid[material->kid_len] = '\0';
        key->kid_len = material->kid_len;
    }
    if (material->secret) {
        key->secret = segs__alloc(key->allocator, material->secret_len);
        if (!key->secret)
            return SEGS_ENOMEM;
        memcpy(key->secret, material->secret, material->secret_len);
        key->secret_len = material->secret_len;
    }
    return 0;
}

/* Make the key of material that was checked. Takes over material->pkey. */
static int make(const struct segs__jwk_material *material, const struct segs_allocator *allocator,
                struct segs_jwk **ret)
{
    struct segs_jwk *key = segs__alloc_zero(allocator, sizeof *key);
    int r;

    if (!key) {
        EVP_PKEY_free(material->pkey);
        return SEGS_ENOMEM;
    }
    key->allocator = allocator;
    key->alg = material->alg;
    key->pkey = material->pkey;
    key->is_private = material->is_private;
    r = copy_texts(key, material);
    if (r == 0)
        r = segs__jwk_prepare(key);
    if (r < 0) {
        segs_jwk_free(key);
        return r;
    }
    *ret = key;
    return 0;
}

static int check_secret(const struct segs__jwk_material *material, struct segs_error *reterr)
{
    size_t min = hmac_min_bytes(material->alg);

    if (material->secret_len < min || material->secret_len > SEGS_JWK_SECRET_MAX_BYTES)
        return segs__fail(
            reterr, SEGS_ERANGE, "k", -1, "expected %zu to %d bytes for %s, found %zu", min,
            SEGS_JWK_SECRET_MAX_BYTES, segs_alg_name(material->alg), material->secret_len);
    return 0;
}

/* A private key must make signatures that its public half accepts. */
static int check_signs(const struct segs_jwk *key, struct segs_error *reterr)
{
    static const char text[] = "pairwise consistency";
    unsigned char signature[SEGS__SIGNATURE_MAX_BYTES];
    int r;

    if (!key->is_private || !key->pkey)
        return 0;
    r = segs__jwk_sign(key, text, sizeof text, signature);
    if (r == 0)
        r = segs__jwk_verify(key, text, sizeof text, signature, segs__jwk_signature_bytes(key));
    if (r == SEGS_ENOMEM)
        return segs__fail(reterr, r, NULL, -1, "out of memory");
    if (r < 0)
        return segs__fail(reterr, SEGS_ERANGE, NULL, -1,
                          "expected a key pair, found parts that do not belong together");
    return 0;
}

int segs__jwk_assemble(const struct segs__jwk_material *material,
                       const struct segs_allocator *allocator, struct segs_jwk **ret,
                       struct segs_error *reterr)
{
    struct segs_jwk *key;
    int r;

    (void)ERR_set_mark();
    r = material->pkey
            ? segs__pkey_check(material->pkey, material->alg, material->is_private, reterr)
            : check_secret(material, reterr);
    (void)ERR_pop_to_mark();
    if (r < 0) {
        EVP_PKEY_free(material->pkey);
        return r;
    }
    r = make(material, allocator, &key);
    if (r < 0) {
        (void)segs__fail(reterr, r, NULL, -1, "cannot set up the key: %s", segs_strerror(r));
        return r;
    }
    r = check_signs(key, reterr);
    if (r < 0) {
        segs_jwk_free(key);
        return r;
    }
    *ret = key;
    return 0;
}

int segs__jwk_copy(const struct segs_jwk *key, const struct segs_allocator *allocator,
                   struct segs_jwk **ret)
{
    struct segs__jwk_material material = { key->pkey,       key->secret, key->secret_len, key->alg,
                                           key->is_private, key->kid,    key->kid_len };

    if (key->pkey && EVP_PKEY_up_ref(key->pkey) != 1)
        return SEGS_EINTERNAL;
    return make(&material, allocator, ret);
}

int segs_jwk_from_secret(const void *bytes, size_t len, const struct segs_jwk_options *options,
                         struct segs_jwk **ret, struct segs_error *reterr)
{
    struct segs_jwk_options o;
    struct segs__jwk_material material = { 0 };
    int r;

    if (!bytes || !ret)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "expected a secret and a place for a key");
    r = segs__jwk_options_read(&o, options, reterr);
    if (r < 0)
        return r;
    if (!segs__alg_is_hmac(o.alg))
        return segs__fail(reterr, SEGS_EINVAL, "alg", -1, "expected HS256, HS384 or HS512");
    material.alg = o.alg;
    material.secret = bytes;
    material.secret_len = len;
    material.is_private = true;
    material.kid = o.kid;
    material.kid_len = o.kid ? strlen(o.kid) : 0;
    return segs__jwk_assemble(&material, segs__allocator(o.allocator), ret, reterr);
}

static int generate_secret(const struct segs_jwk_options *o, struct segs_jwk **ret,
                           struct segs_error *reterr)
{
    unsigned char secret[64];
    size_t len = hmac_min_bytes(o->alg);
    int r;

    if (RAND_priv_bytes(secret, (int)len) != 1)
        return segs__fail(reterr, SEGS_EINTERNAL, NULL, -1, "libcrypto has no random bytes");
    r = segs_jwk_from_secret(secret, len, o, ret, reterr);
    OPENSSL_cleanse(secret, sizeof secret);
    return r;
}

static EVP_PKEY *generate_pkey(int64_t alg)
{
    EVP_PKEY *pkey;

    (void)ERR_set_mark();
    if (alg == SEGS_ALG_RS256)
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)GENERATED_RSA_BITS);
    else if (alg == SEGS_ALG_ES256)
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    else
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    (void)ERR_pop_to_mark();
    return pkey;
}

/* The key id of a key that was given none. */
static int name_by_thumbprint(struct segs_jwk *key)
{
    char *kid = segs__alloc(key->allocator, SEGS_JWK_THUMBPRINT_BYTES);
    int r;

    if (!kid)
        return SEGS_ENOMEM;
    r = segs_jwk_thumbprint(key, kid);
    if (r < 0) {
        segs__release(key->allocator, kid);
        return r;
    }
    key->kid = kid;
    key->kid_len = SEGS_JWK_THUMBPRINT_BYTES - 1;
    return 0;
}

int segs_jwk_generate(const struct segs_jwk_options *options, struct segs_jwk **ret,
                      struct segs_error *reterr)
{
    struct segs_jwk_options o;
    struct segs__jwk_material material = { 0 };
    struct segs_jwk *key;
    int r;

    if (!ret)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "expected a place for a key");
    r = segs__jwk_options_read(&o, options, reterr);
    if (r < 0)
        return r;
    if (o.alg == 0)
        return segs__fail(reterr, SEGS_EINVAL, "alg", -1, "expected an algorithm");
    if (segs__alg_is_hmac(o.alg))
        return generate_secret(&o, ret, reterr);

    material.alg = o.alg;
    material.is_private = true;
    material.kid = o.kid;
    material.kid_len = o.kid ? strlen(o.kid) : 0;
    material.pkey = generate_pkey(o.alg);
    if (!material.pkey)
        return segs__fail(reterr, SEGS_EINTERNAL, NULL, -1, "libcrypto cannot make a key");
    r = segs__jwk_assemble(&material, segs__allocator(o.allocator), &key, reterr);
    if (r < 0)
        return r;
    r = key->kid ? 0 : name_by_thumbprint(key);
    if (r < 0) {
        segs_jwk_free(key);
        return segs__fail(reterr, r, NULL, -1, "cannot name the key: %s", segs_strerror(r));
    }
    *ret = key;
    return 0;
}

int segs_jwk_public(const struct segs_jwk *key, struct segs_jwk **ret)
{
    struct segs__jwk_material material = { 0 };

    if (!key || !ret)
        return SEGS_EINVAL;
    if (!key->pkey)
        return SEGS_ENOTSUP;
    material.pkey = segs__pkey_public(key->pkey);
    if (!material.pkey)
        return SEGS_EINTERNAL;
    material.alg = key->alg;
    material.kid = key->kid;
    material.kid_len = key->kid_len;
    return make(&material, key->allocator, ret);
}

int64_t segs_jwk_alg(const struct segs_jwk *key)
{
    return key ? key->alg : 0;
}

const char *segs_jwk_kid(const struct segs_jwk *key)
{
    return key ? key->kid : NULL;
}

int segs_jwk_can_sign(const struct segs_jwk *key)
{
    return key && key->is_private;
}

int64_t segs_jwk_bits(const struct segs_jwk *key)
{
    if (!key)
        return 0;
    if (key->alg == SEGS_ALG_EDDSA)
        return 256; /* libcrypto counts the 253 bits of the group's order */
    return key->pkey ? EVP_PKEY_get_bits(key->pkey) : (int64_t)key->secret_len * 8;
}
