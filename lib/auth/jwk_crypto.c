/* Signing and verifying with a key: the only place where message bytes meet libcrypto. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "auth/auth_internal.h"

#define ES256_BYTES 32                         /* one coordinate or scalar of P-256 */
#define ES256_DER_MAX_BYTES (2 + 2 * (2 + 33)) /* SEQUENCE of two INTEGERs */
#define HMAC_BLOCK_MAX_BYTES 128

/* Order of the base point of P-256 (FIPS 186-4 D.1.2.3). */
static const unsigned char p256_order[ES256_BYTES] = {
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
};

int segs__crypto_failure(int code)
{
    return ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE ? SEGS_ENOMEM : code;
}

static const EVP_MD *digest_of(int64_t alg)
{
    switch (alg) {
    case SEGS_ALG_HS384:
        return EVP_sha384();
    case SEGS_ALG_HS512:
        return EVP_sha512();
    case SEGS_ALG_EDDSA:
        return NULL; /* hashes by itself */
    default:
        return EVP_sha256();
    }
}

size_t segs__jwk_signature_bytes(const struct segs_jwk *key)
{
    switch (key->alg) {
    case SEGS_ALG_HS256:
        return 32;
    case SEGS_ALG_HS384:
        return 48;
    case SEGS_ALG_RS256:
        return (size_t)EVP_PKEY_get_size(key->pkey);
    default:
        return 64; /* HS512, ES256, Ed25519 */
    }
}

/* A hash that has taken in the key block xor `pad` (RFC 2104). */
static EVP_MD_CTX *hmac_half(int64_t alg, const unsigned char *block, size_t block_len,
                             unsigned char pad)
{
    unsigned char padded[HMAC_BLOCK_MAX_BYTES];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    for (size_t i = 0; i < block_len; i++)
        padded[i] = block[i] ^ pad;
    if (ctx && (EVP_DigestInit_ex2(ctx, digest_of(alg), NULL) != 1 ||
                EVP_DigestUpdate(ctx, padded, block_len) != 1)) {
        EVP_MD_CTX_free(ctx);
        ctx = NULL;
    }
    OPENSSL_cleanse(padded, sizeof padded);
    return ctx;
}

static int prepare_hmac(struct segs_jwk *key)
{
    const EVP_MD *md = digest_of(key->alg);
    size_t block_len = (size_t)EVP_MD_get_block_size(md);
    unsigned char block[HMAC_BLOCK_MAX_BYTES] = { 0 };
    bool ok = true;

    if (key->secret_len <= block_len)
        memcpy(block, key->secret, key->secret_len);
    else
        ok = EVP_Digest(key->secret, key->secret_len, block, NULL, md, NULL) == 1;
    if (ok) {
        key->verify = hmac_half(key->alg, block, block_len, 0x36);
        key->sign = hmac_half(key->alg, block, block_len, 0x5C);
    }
    OPENSSL_cleanse(block, sizeof block);
    return key->verify && key->sign ? 0 : segs__crypto_failure(SEGS_EINTERNAL);
}

static int prepare_pkey(struct segs_jwk *key)
{
    const EVP_MD *md = digest_of(key->alg);

    key->verify = EVP_MD_CTX_new();
    if (!key->verify || EVP_DigestVerifyInit(key->verify, NULL, md, NULL, key->pkey) != 1)
        return segs__crypto_failure(SEGS_EINTERNAL);
    if (!key->is_private)
        return 0;
    key->sign = EVP_MD_CTX_new();
    if (!key->sign || EVP_DigestSignInit(key->sign, NULL, md, NULL, key->pkey) != 1)
        return segs__crypto_failure(SEGS_EINTERNAL);
    return 0;
}

int segs__jwk_prepare(struct segs_jwk *key)
{
    int r;

    (void)ERR_set_mark();
    r = segs__alg_is_hmac(key->alg) ? prepare_hmac(key) : prepare_pkey(key);
    (void)ERR_pop_to_mark();
    return r;
}

static int hmac(const struct segs_jwk *key, const void *data, size_t len, unsigned char *ret)
{
    unsigned int n = 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_MD_CTX_copy_ex(ctx, key->verify) == 1 &&
              EVP_DigestUpdate(ctx, data, len) == 1 && EVP_DigestFinal_ex(ctx, ret, &n) == 1 &&
              EVP_MD_CTX_copy_ex(ctx, key->sign) == 1 && EVP_DigestUpdate(ctx, ret, n) == 1 &&
              EVP_DigestFinal_ex(ctx, ret, &n) == 1;

    EVP_MD_CTX_free(ctx);
    return ok ? 0 : segs__crypto_failure(SEGS_EINTERNAL);
}

/* JOSE wants r and s as 32 bytes each (RFC 7518 3.4), libcrypto gives them as DER. */
static int es256_from_der(const unsigned char *der, size_t len, unsigned char *ret)
{
    const unsigned char *at = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    bool ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, ES256_BYTES) == ES256_BYTES &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + ES256_BYTES, ES256_BYTES) == ES256_BYTES;

    ECDSA_SIG_free(sig);
    return ok ? 0 : segs__crypto_failure(SEGS_EINTERNAL);
}

/* A DER INTEGER of 32 big-endian bytes; returns its length. */
static size_t put_der_integer(const unsigned char *value, unsigned char *ret)
{
    size_t skip = 0;
    size_t n;

    while (skip < ES256_BYTES - 1 && value[skip] == 0)
        skip++;
    n = ES256_BYTES - skip;
    ret[0] = 0x02;
    if (value[skip] & 0x80) { /* keep it positive */
        ret[1] = (unsigned char)(n + 1);
        ret[2] = 0;
        memcpy(ret + 3, value + skip, n);
        return n + 3;
    }
    ret[1] = (unsigned char)n;
    memcpy(ret + 2, value + skip, n);
    return n + 2;
}

/* 1 <= value < n. Signatures are public, so nothing here needs constant time. */
static bool is_p256_scalar(const unsigned char *value)
{
    static const unsigned char zero[ES256_BYTES];

    return memcmp(value, zero, sizeof zero) != 0 &&
           memcmp(value, p256_order, sizeof p256_order) < 0;
}

static size_t es256_to_der(const unsigned char *raw, unsigned char *ret)
{
    size_t n = put_der_integer(raw, ret + 2);

    n += put_der_integer(raw + ES256_BYTES, ret + 2 + n);
    ret[0] = 0x30;
    ret[1] = (unsigned char)n;
    return n + 2;
}

static int pkey_sign(const struct segs_jwk *key, const void *data, size_t len, unsigned char *ret)
{
    unsigned char der[ES256_DER_MAX_BYTES + 2];
    bool is_ec = key->alg == SEGS_ALG_ES256;
    size_t n = is_ec ? sizeof der : segs__jwk_signature_bytes(key);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_MD_CTX_copy_ex(ctx, key->sign) == 1 &&
              EVP_DigestSign(ctx, is_ec ? der : ret, &n, data, len) == 1;
    int r = ok ? 0 : segs__crypto_failure(SEGS_EINTERNAL);

    EVP_MD_CTX_free(ctx);
    if (r == 0 && is_ec)
        r = es256_from_der(der, n, ret);
    return r;
}

static int pkey_verify(const struct segs_jwk *key, const void *data, size_t len,
                       const unsigned char *signature, size_t signature_len)
{
    unsigned char der[ES256_DER_MAX_BYTES];
    EVP_MD_CTX *ctx;
    int r;

    if (key->alg == SEGS_ALG_ES256) {
        if (!is_p256_scalar(signature) || !is_p256_scalar(signature + ES256_BYTES))
            return SEGS_EDENIED;
        signature_len = es256_to_der(signature, der);
        signature = der;
    }
    ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_MD_CTX_copy_ex(ctx, key->verify) != 1)
        r = segs__crypto_failure(SEGS_EINTERNAL);
    else if (EVP_DigestVerify(ctx, signature, signature_len, data, len) != 1)
        r = segs__crypto_failure(SEGS_EDENIED);
    else
        r = 0;
    EVP_MD_CTX_free(ctx);
    return r;
}

int segs__jwk_sign(const struct segs_jwk *key, const void *data, size_t len, unsigned char *ret)
{
    int r;

    /* What libcrypto says about failures is for us alone: left in the thread's error queue it would
     * confuse the next user of libcrypto on this thread, such as a TLS connection. */
    (void)ERR_set_mark();
    r = segs__alg_is_hmac(key->alg) ? hmac(key, data, len, ret) : pkey_sign(key, data, len, ret);
    (void)ERR_pop_to_mark();
    return r;
}

int segs__jwk_verify(const struct segs_jwk *key, const void *data, size_t len,
                     const unsigned char *signature, size_t signature_len)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    int r;

    if (signature_len != segs__jwk_signature_bytes(key))
        return SEGS_EDENIED;
    (void)ERR_set_mark();
    if (segs__alg_is_hmac(key->alg)) {
        r = hmac(key, data, len, mac);
        if (r == 0 && CRYPTO_memcmp(mac, signature, signature_len) != 0)
            r = SEGS_EDENIED;
        OPENSSL_cleanse(mac, sizeof mac);
    } else {
        r = pkey_verify(key, data, len, signature, signature_len);
    }
    (void)ERR_pop_to_mark();
    return r;
}
