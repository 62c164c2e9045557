/* Two ways through the verifier. The first byte chooses:
 *   even  the rest is a whole token, as an attacker sends it;
 *   odd   the rest is "header|payload", signed here with the right key, so that what lies behind the
 *         signature is reached as well.
 * What is accepted must keep its promises; nothing unsigned may be accepted. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <segs/jwt.h>

#define SECRET "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_"
#define NOW INT64_C(1700000000)
#define INPUT_MAX 6000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition)
        abort();
}

static struct segs_jwt_verifier *make_verifier(void)
{
    struct segs_jwk_options o = SEGS_JWK_OPTIONS_INIT;
    struct segs_jwk *key = NULL;
    struct segs_jwt_verifier *verifier = NULL;

    o.alg = SEGS_ALG_HS256;
    must(segs_jwk_from_secret(SECRET, 32, &o, &key, NULL) == 0);
    must(segs_jwt_verifier_new(key, NULL, &verifier, NULL) == 0);
    segs_jwk_free(key);
    return verifier;
}

static size_t put_b64(const uint8_t *data, size_t len, char *ret)
{
    int n = EVP_EncodeBlock((unsigned char *)ret, data, (int)len);

    while (n > 0 && ret[n - 1] == '=')
        n--;
    for (int i = 0; i < n; i++)
        ret[i] = ret[i] == '+' ? '-' : ret[i] == '/' ? '_' : ret[i];
    return (size_t)n;
}

/* "header|payload" to a signed token. */
static size_t sign(const uint8_t *data, size_t size, char *ret)
{
    const uint8_t *bar = size ? memchr(data, '|', size) : NULL;
    size_t header_len = bar ? (size_t)(bar - data) : size;
    const uint8_t *payload = data + header_len + (bar ? 1 : 0);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int mac_len = 0;
    size_t n = put_b64(data, header_len, ret);

    ret[n++] = '.';
    n += put_b64(payload, size - (size_t)(payload - data), ret + n);
    must(HMAC(EVP_sha256(), SECRET, 32, (const unsigned char *)ret, n, mac, &mac_len) != NULL);
    ret[n++] = '.';
    return n + put_b64(mac, mac_len, ret + n);
}

static void read_claims(const struct segs_jwt_claims *claims)
{
    static const char *const names[] = { "sub", "aud", "roles", "a", "exp", "" };
    const char *text;
    int64_t number;
    int flag;

    must(segs_jwt_claims_exp_s(claims) > NOW);
    must(segs_jwt_claims_nbf_s(claims) <= NOW && segs_jwt_claims_iat_s(claims) <= NOW);
    must((segs_jwt_claims_roles(claims) & ~UINT32_C(14)) == 0);
    must(!segs_jwt_claims_has(claims, "aud"));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int64_t n = segs_jwt_claims_array_count(claims, names[i]);

        if (segs_jwt_claims_get_string(claims, names[i], &text) == 0)
            must(n == 1 && strlen(text) <= INPUT_MAX);
        for (int64_t k = 0; k <= n; k++)
            (void)segs_jwt_claims_get_string_at(claims, names[i], k, &text);
        (void)segs_jwt_claims_get_int(claims, names[i], &number);
        (void)segs_jwt_claims_get_bool(claims, names[i], &flag);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct segs_jwt_verifier *verifier;
    static char token[INPUT_MAX * 2];
    struct segs_jwt_claims *claims = NULL;
    const char *reason = NULL;
    size_t len;
    int r;

    if (!verifier)
        verifier = make_verifier();
    if (size < 1 || size > INPUT_MAX)
        return 0;
    if (data[0] & 1) {
        len = sign(data + 1, size - 1, token);
    } else {
        len = size - 1;
        memcpy(token, data + 1, len);
    }
    r = segs_jwt_verify(verifier, token, len, NOW, &claims, NULL);
    must((r == 0) == (claims != NULL));
    must(r == 0 || r == SEGS_EDENIED || r == SEGS_EEXPIRED);
    must(segs_jwt_explain(verifier, token, len, NOW, &reason) == r && reason != NULL);
    if (claims)
        read_claims(claims);
    segs_jwt_claims_free(claims);
    return 0;
}
