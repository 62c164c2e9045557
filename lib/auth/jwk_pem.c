/* Key from PEM, and what else needs libcrypto's decoders. */
#include <string.h>

#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <segs/jwk.h>

#include "auth/auth_internal.h"
#include "base/base_internal.h"

/* Without this, libcrypto would ask for the passphrase of an encrypted key on the terminal. */
static int no_passphrase(char *pass, size_t pass_size, size_t *pass_len, const OSSL_PARAM params[],
                         void *arg)
{
    (void)params;
    (void)arg;
    if (pass_size > 0)
        pass[0] = '\0';
    *pass_len = 0;
    return 0;
}

static EVP_PKEY *decode(const char *pem, size_t len, int selection)
{
    EVP_PKEY *pkey = NULL;
    const unsigned char *at = (const unsigned char *)pem;
    OSSL_DECODER_CTX *ctx =
        OSSL_DECODER_CTX_new_for_pkey(&pkey, "PEM", NULL, NULL, selection, NULL, NULL);

    if (ctx && OSSL_DECODER_CTX_set_passphrase_cb(ctx, no_passphrase, NULL) == 1)
        (void)OSSL_DECODER_from_data(ctx, &at, &len);
    OSSL_DECODER_CTX_free(ctx);
    return pkey;
}

EVP_PKEY *segs__pkey_public(EVP_PKEY *pkey)
{
    OSSL_PARAM *params = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    EVP_PKEY *public_key = NULL;

    (void)ERR_set_mark();
    if (ctx && EVP_PKEY_todata(pkey, EVP_PKEY_PUBLIC_KEY, &params) == 1 &&
        EVP_PKEY_fromdata_init(ctx) == 1)
        (void)EVP_PKEY_fromdata(ctx, &public_key, EVP_PKEY_PUBLIC_KEY, params);
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    (void)ERR_pop_to_mark();
    return public_key;
}

static int read_pem(const char *pem, size_t len, struct segs__jwk_material *material,
                    struct segs_error *reterr)
{
    material->pkey = decode(pem, len, EVP_PKEY_KEYPAIR);
    material->is_private = material->pkey != NULL;
    if (!material->pkey)
        material->pkey = decode(pem, len, EVP_PKEY_PUBLIC_KEY);
    if (!material->pkey)
        return segs__fail(reterr, segs__crypto_failure(SEGS_ESYNTAX), NULL, -1,
                          "expected an unencrypted private or public key in PEM");
    return 0;
}

int segs_jwk_from_pem(const char *pem, size_t len, const struct segs_jwk_options *options,
                      struct segs_jwk **ret, struct segs_error *reterr)
{
    struct segs_jwk_options o;
    struct segs__jwk_material material = { 0 };
    int r;

    if (!pem || !ret)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "expected a text and a place for a key");
    r = segs__jwk_options_read(&o, options, reterr);
    if (r < 0)
        return r;
    if (len > SEGS_JWK_TEXT_MAX_BYTES)
        return segs__fail(reterr, SEGS_ERANGE, NULL, -1, "expected at most %d bytes, found %zu",
                          SEGS_JWK_TEXT_MAX_BYTES, len);
    (void)ERR_set_mark();
    r = read_pem(pem, len, &material, reterr);
    (void)ERR_pop_to_mark();
    if (r < 0)
        return r;

    material.alg = segs__pkey_alg(material.pkey);
    material.kid = o.kid;
    material.kid_len = o.kid ? strlen(o.kid) : 0;
    if (material.alg == 0)
        r = segs__fail(reterr, SEGS_ENOTSUP, NULL, -1, "expected an RSA, P-256 or Ed25519 key");
    else if (o.alg != 0 && o.alg != material.alg)
        r = segs__fail(reterr, SEGS_ECONFLICT, "alg", -1, "expected a key for %s, found one for %s",
                       segs_alg_name(o.alg), segs_alg_name(material.alg));
    if (r < 0) {
        EVP_PKEY_free(material.pkey);
        return r;
    }
    return segs__jwk_assemble(&material, segs__allocator(o.allocator), ret, reterr);
}
