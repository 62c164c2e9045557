/* JSON and thumbprint of keys. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <segs/jwk.h>

#include "auth/auth_internal.h"
#include "base/base_internal.h"

#define COORDINATE_BYTES 32
#define PUBLIC_TEXT_BYTES 2048 /* the public members of RSA with 8192 bits take about 1400 */

/* `,"name":"base64url"` of a number that libcrypto holds, in `width` bytes or, with 0, as few as it
 * takes. */
static int put_number(const struct segs_jwk *key, const char *param, const char *name, size_t width,
                      struct segs__out *out)
{
    unsigned char bytes[SEGS__SIGNATURE_MAX_BYTES];
    BIGNUM *number = NULL;
    int r = SEGS_EINTERNAL;
    int n;

    if (EVP_PKEY_get_bn_param(key->pkey, param, &number) != 1)
        return segs__crypto_failure(SEGS_EINTERNAL);
    n = width ? (int)width : BN_num_bytes(number);
    if (n <= (int)sizeof bytes && BN_bn2binpad(number, bytes, n) == n) {
        segs__put_text(out, name);
        segs__put_b64(out, bytes, (size_t)n);
        segs__put_text(out, "\"");
        r = 0;
    }
    BN_clear_free(number);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return r;
}

static int put_rsa(const struct segs_jwk *key, bool with_private, struct segs__out *out)
{
    static const struct {
        const char *param;
        const char *name;
    } secrets[] = {
        { OSSL_PKEY_PARAM_RSA_D, ",\"d\":\"" },
        { OSSL_PKEY_PARAM_RSA_FACTOR1, ",\"p\":\"" },
        { OSSL_PKEY_PARAM_RSA_FACTOR2, ",\"q\":\"" },
        { OSSL_PKEY_PARAM_RSA_EXPONENT1, ",\"dp\":\"" },
        { OSSL_PKEY_PARAM_RSA_EXPONENT2, ",\"dq\":\"" },
        { OSSL_PKEY_PARAM_RSA_COEFFICIENT1, ",\"qi\":\"" },
    };
    int r = put_number(key, OSSL_PKEY_PARAM_RSA_E, "\"e\":\"", 0, out);

    if (r == 0)
        r = put_number(key, OSSL_PKEY_PARAM_RSA_N, ",\"kty\":\"RSA\",\"n\":\"", 0, out);
    for (size_t i = 0; r == 0 && with_private && i < sizeof secrets / sizeof secrets[0]; i++)
        r = put_number(key, secrets[i].param, secrets[i].name, 0, out);
    return r;
}

static int put_ec(const struct segs_jwk *key, bool with_private, struct segs__out *out)
{
    int r = put_number(key, OSSL_PKEY_PARAM_EC_PUB_X, "\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"",
                       COORDINATE_BYTES, out);

    if (r == 0)
        r = put_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, ",\"y\":\"", COORDINATE_BYTES, out);
    if (r == 0 && with_private)
        r = put_number(key, OSSL_PKEY_PARAM_PRIV_KEY, ",\"d\":\"", COORDINATE_BYTES, out);
    return r;
}

static int put_okp(const struct segs_jwk *key, bool with_private, struct segs__out *out)
{
    unsigned char bytes[COORDINATE_BYTES];
    size_t len = sizeof bytes;

    if (EVP_PKEY_get_raw_public_key(key->pkey, bytes, &len) != 1)
        return segs__crypto_failure(SEGS_EINTERNAL);
    segs__put_text(out, "\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"");
    segs__put_b64(out, bytes, len);
    segs__put_text(out, "\"");
    if (!with_private)
        return 0;
    len = sizeof bytes;
    if (EVP_PKEY_get_raw_private_key(key->pkey, bytes, &len) != 1)
        return segs__crypto_failure(SEGS_EINTERNAL);
    segs__put_text(out, ",\"d\":\"");
    segs__put_b64(out, bytes, len);
    segs__put_text(out, "\"");
    OPENSSL_cleanse(bytes, sizeof bytes);
    return 0;
}

static int put_oct(const struct segs_jwk *key, bool with_private, struct segs__out *out)
{
    if (!with_private)
        return SEGS_ENOTSUP;
    segs__put_text(out, "\"k\":\"");
    segs__put_b64(out, key->secret, key->secret_len);
    segs__put_text(out, "\",\"kty\":\"oct\"");
    return 0;
}

/* The public members come first and in the order of their names: what RFC 7638 hashes. */
int segs__jwk_put(const struct segs_jwk *key, bool with_private, struct segs__out *out)
{
    int r;

    if (with_private && !key->is_private)
        return SEGS_ENOTSUP;
    (void)ERR_set_mark();
    switch (key->alg) {
    case SEGS_ALG_RS256:
        r = put_rsa(key, with_private, out);
        break;
    case SEGS_ALG_ES256:
        r = put_ec(key, with_private, out);
        break;
    case SEGS_ALG_EDDSA:
        r = put_okp(key, with_private, out);
        break;
    default:
        r = put_oct(key, with_private, out);
        break;
    }
    (void)ERR_pop_to_mark();
    return r;
}

int segs_jwk_thumbprint(const struct segs_jwk *key, char *ret)
{
    char text[PUBLIC_TEXT_BYTES];
    struct segs__out out = { text, sizeof text, 0 };
    unsigned char digest[32];
    int r;

    if (!key || !ret)
        return SEGS_EINVAL;
    segs__put_text(&out, "{");
    r = segs__jwk_put(key, false, &out);
    segs__put_text(&out, "}");
    if (r < 0)
        return r;
    if (out.len > sizeof text || EVP_Digest(text, out.len, digest, NULL, EVP_sha256(), NULL) != 1)
        return SEGS_EINTERNAL;
    segs__b64_encode(digest, sizeof digest, ret);
    ret[SEGS_JWK_THUMBPRINT_BYTES - 1] = '\0';
    return 0;
}

static int put_key(const struct segs_jwk *key, bool with_private, struct segs__out *out)
{
    int r;

    segs__put_text(out, "{");
    r = segs__jwk_put(key, with_private, out);
    if (r < 0)
        return r;
    segs__put_text(out, ",\"alg\":\"");
    segs__put_text(out, segs_alg_name(key->alg));
    segs__put_text(out, "\",\"use\":\"sig\"");
    if (key->kid) {
        segs__put_text(out, ",\"kid\":");
        segs__put_json_string(out, key->kid, key->kid_len);
    }
    segs__put_text(out, "}");
    return 0;
}

static int put_set(const struct segs_jwk_set *set, struct segs__out *out)
{
    bool is_first = true;
    int r = 0;

    segs__put_text(out, "{\"keys\":[");
    for (int64_t i = 0; r == 0 && i < segs_jwk_set_count(set); i++) {
        const struct segs_jwk *key = segs_jwk_set_get(set, i);

        if (!key->pkey)
            continue;
        if (!is_first)
            segs__put_text(out, ",");
        is_first = false;
        r = put_key(key, false, out);
    }
    segs__put_text(out, "]}");
    return r;
}

/* One of the two is there. */
static int put_any(const struct segs_jwk *key, const struct segs_jwk_set *set, bool with_private,
                   struct segs__out *out)
{
    return key ? put_key(key, with_private, out) : put_set(set, out);
}

/* Measure first, then write: a buffer that is too small stays untouched. */
static int dump(const struct segs_jwk *key, const struct segs_jwk_set *set, bool with_private,
                char *ret, size_t capacity, size_t *ret_len)
{
    struct segs__out measure = { 0 };
    struct segs__out out = { ret, capacity, 0 };
    int r = put_any(key, set, with_private, &measure);

    if (r < 0)
        return r;
    if (measure.len < capacity) {
        r = put_any(key, set, with_private, &out);
        if (r < 0)
            return r;
        ret[out.len] = '\0';
    }
    if (ret_len)
        *ret_len = measure.len;
    return measure.len < capacity ? 0 : SEGS_ENOSPC;
}

int segs_jwk_dump_public(const struct segs_jwk *key, char *ret, size_t capacity, size_t *ret_len)
{
    if (!key || (!ret && capacity > 0))
        return SEGS_EINVAL;
    return dump(key, NULL, false, ret, capacity, ret_len);
}

int segs_jwk_dump_private(const struct segs_jwk *key, char *ret, size_t capacity, size_t *ret_len)
{
    if (!key || (!ret && capacity > 0))
        return SEGS_EINVAL;
    return dump(key, NULL, true, ret, capacity, ret_len);
}

int segs_jwk_set_dump_public(const struct segs_jwk_set *set, char *ret, size_t capacity,
                             size_t *ret_len)
{
    if (!set || (!ret && capacity > 0))
        return SEGS_EINVAL;
    return dump(NULL, set, false, ret, capacity, ret_len);
}
