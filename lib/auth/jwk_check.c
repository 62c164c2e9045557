/* Is a key that libcrypto holds fit for use? Sizes, parameters, points. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "auth/auth_internal.h"
#include "base/base_internal.h"

#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 8192
#define ED25519_BYTES 32

/* y of the points of order 4 and 8 on Ed25519. A public key of small order verifies signatures that
 * nobody made. The points of order 1 and 2, y = 1 and -1, fail is_square_on_curve(). */
static const unsigned char ed25519_small_order[3][ED25519_BYTES] = {
    { 0 },
    { 0xC7, 0x17, 0x6A, 0x70, 0x3D, 0x4D, 0xD8, 0x4F, 0xBA, 0x3C, 0x0B,
      0x76, 0x0D, 0x10, 0x67, 0x0F, 0x2A, 0x20, 0x53, 0xFA, 0x2C, 0x39,
      0xCC, 0xC6, 0x4E, 0xC7, 0xFD, 0x77, 0x92, 0xAC, 0x03, 0x7A },
    { 0x26, 0xE8, 0x95, 0x8F, 0xC2, 0xB2, 0x27, 0xB0, 0x45, 0xC3, 0xF4,
      0x89, 0xF2, 0xEF, 0x98, 0xF0, 0xD5, 0xDF, 0xAC, 0x05, 0xD3, 0xC6,
      0x33, 0x39, 0xB1, 0x38, 0x02, 0x88, 0x6D, 0x53, 0xFC, 0x05 },
};

/* The constant d of the curve -x^2 + y^2 = 1 + d x^2 y^2 (RFC 8032 5.1). */
static const char ed25519_d[] = "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3";

int64_t segs__pkey_alg(const EVP_PKEY *pkey)
{
    char group[32];

    if (EVP_PKEY_is_a(pkey, "RSA"))
        return SEGS_ALG_RS256;
    if (EVP_PKEY_is_a(pkey, "ED25519"))
        return SEGS_ALG_EDDSA;
    if (EVP_PKEY_is_a(pkey, "EC") &&
        EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
        strcmp(group, "prime256v1") == 0)
        return SEGS_ALG_ES256;
    return 0;
}

static int check_rsa(EVP_PKEY *pkey, struct segs_error *reterr)
{
    int bits = EVP_PKEY_get_bits(pkey);
    BIGNUM *e = NULL;
    BIGNUM *third = NULL;
    bool ok;

    /* A JWK of ours has no place for more than two primes, so such a key could not be written. */
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR3, &third) == 1) {
        BN_clear_free(third);
        return segs__fail(reterr, SEGS_ENOTSUP, NULL, -1, "expected an RSA key of two primes");
    }
    if (bits < RSA_MIN_BITS || bits > RSA_MAX_BITS)
        return segs__fail(reterr, SEGS_ERANGE, "n", -1,
                          "expected an RSA modulus of %d to %d bits, found %d", RSA_MIN_BITS,
                          RSA_MAX_BITS, bits);
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
        return segs__fail(reterr, segs__crypto_failure(SEGS_EINTERNAL), "e", -1,
                          "cannot read the RSA exponent");
    ok = BN_is_odd(e) && BN_num_bits(e) > 16 && BN_num_bits(e) <= 64;
    BN_free(e);
    if (!ok)
        return segs__fail(reterr, SEGS_ERANGE, "e", -1,
                          "expected an odd RSA exponent from 65537 to 2^64");
    return 0;
}

/* Has x^2 = (y^2 - 1) / (d y^2 + 1) a solution x other than 0 modulo p = 2^255 - 19? By Euler's
 * criterion for the product of both sides of the fraction, which is a square exactly when the
 * quotient is. 1, 0, or negative when libcrypto fails. */
static int is_square_on_curve(const BIGNUM *y, BN_CTX *ctx)
{
    BIGNUM *p = BN_CTX_get(ctx), *d = BN_CTX_get(ctx), *u = BN_CTX_get(ctx);
    BIGNUM *v = BN_CTX_get(ctx), *exponent = BN_CTX_get(ctx);

    if (!exponent || !BN_set_bit(p, 255) || !BN_sub_word(p, 19) || !BN_hex2bn(&d, ed25519_d))
        return -1;
    if (BN_cmp(y, p) >= 0)
        return 0; /* not the canonical encoding */
    if (!BN_mod_sqr(u, y, p, ctx) || !BN_mod_mul(v, d, u, p, ctx) || !BN_sub_word(u, 1) ||
        !BN_add_word(v, 1) || !BN_mod_mul(u, u, v, p, ctx) ||
        !BN_sub(exponent, p, BN_value_one()) || !BN_rshift1(exponent, exponent) ||
        !BN_mod_exp(v, u, exponent, p, ctx))
        return -1;
    return BN_is_one(v);
}

static int ed25519_is_on_curve(const unsigned char *y_bytes)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *y = BN_lebin2bn(y_bytes, ED25519_BYTES, NULL);
    int r = -1;

    if (ctx && y) {
        BN_CTX_start(ctx);
        r = is_square_on_curve(y, ctx);
        BN_CTX_end(ctx);
    }
    BN_free(y);
    BN_CTX_free(ctx);
    return r;
}

static int check_ed25519(EVP_PKEY *pkey, struct segs_error *reterr)
{
    unsigned char y[ED25519_BYTES];
    size_t len = sizeof y;
    int r;

    if (EVP_PKEY_get_raw_public_key(pkey, y, &len) != 1 || len != sizeof y)
        return segs__fail(reterr, segs__crypto_failure(SEGS_EINTERNAL), "x", -1,
                          "cannot read the Ed25519 public key");
    y[ED25519_BYTES - 1] &= 0x7F; /* the top bit is the sign of x */
    r = ed25519_is_on_curve(y);
    if (r < 0)
        return segs__fail(reterr, segs__crypto_failure(SEGS_EINTERNAL), "x", -1,
                          "cannot check the Ed25519 public key");
    for (size_t i = 0; i < sizeof ed25519_small_order / sizeof ed25519_small_order[0]; i++) {
        if (memcmp(y, ed25519_small_order[i], sizeof y) == 0)
            r = 0;
    }
    if (r == 0)
        return segs__fail(reterr, SEGS_ERANGE, "x", -1,
                          "expected a point of the Ed25519 group, found another value");
    return 0;
}

/* libcrypto's own checks: point on the curve, modulus without small factors, both halves belong
 * together. */
static bool libcrypto_accepts(EVP_PKEY *pkey, bool is_private)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool ok = ctx && EVP_PKEY_public_check(ctx) == 1 &&
              (!is_private || EVP_PKEY_pairwise_check(ctx) == 1);

    EVP_PKEY_CTX_free(ctx);
    return ok;
}

int segs__pkey_check(EVP_PKEY *pkey, int64_t alg, bool is_private, struct segs_error *reterr)
{
    int r = 0;

    if (alg == SEGS_ALG_RS256)
        r = check_rsa(pkey, reterr);
    else if (alg == SEGS_ALG_EDDSA)
        r = check_ed25519(pkey, reterr);
    if (r < 0)
        return r;
    if (!libcrypto_accepts(pkey, is_private))
        return segs__fail(reterr, segs__crypto_failure(SEGS_ERANGE), NULL, -1,
                          "expected a consistent key, found parts that do not belong together or a "
                          "point off the curve");
    return 0;
}
