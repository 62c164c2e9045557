/* What verifying a token costs on top of its signature: segs_jwt_verify() beside libcrypto alone, in
 * turns in the same run, best of several rounds. Usage: bench_jwt [milliseconds per round] */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <segs/jwt.h>

#define ROUNDS 5
#define NOW INT64_C(1700000000)

struct subject {
    const char *name;
    int64_t alg;
    struct segs_jwk *key;
    struct segs_jwt_verifier *verifier;
    char token[2048];
    size_t len;
    /* The same key and signature for libcrypto alone, over the same bytes. */
    EVP_PKEY *pkey;
    size_t signed_len;
    unsigned char signature[512];
    size_t signature_len;
};

static const char secret[] = "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_";

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must(int ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "bench_jwt: %s failed\n", what);
        exit(EXIT_FAILURE);
    }
}

static void make_token(struct subject *s)
{
    struct segs_jwt_builder_options o = SEGS_JWT_BUILDER_OPTIONS_INIT;
    struct segs_jwt_builder *b = NULL;

    o.typ = "at+jwt";
    must(segs_jwt_builder_new(&o, &b) == 0 &&
             segs_jwt_builder_add_string(b, "iss", "https://segs.example") == 0 &&
             segs_jwt_builder_add_string(b, "aud", "segs") == 0 &&
             segs_jwt_builder_add_string(b, "sub", "0190a5d2-7c1e-7e3a-9f00-1f2e3d4c5b6a") == 0 &&
             segs_jwt_builder_add_string(b, "sid", "0190a5d2-7c1e-7e3a-9f00-000000000001") == 0 &&
             segs_jwt_builder_add_string(b, "jti", "0190a5d2-7c1e-7e3a-9f00-000000000002") == 0 &&
             segs_jwt_builder_add_string(b, "role", "OPERATOR") == 0 &&
             segs_jwt_builder_add_int(b, "ver", 3) == 0 &&
             segs_jwt_builder_add_int(b, "iat", NOW) == 0 &&
             segs_jwt_builder_add_int(b, "exp", NOW + 900) == 0 &&
             segs_jwt_sign(s->key, b, s->token, sizeof s->token, &s->len) == 0,
         "signing");
    segs_jwt_builder_free(b);
}

static void make_verifier(struct subject *s)
{
    static const char *const required[] = { "sub", "sid", "jti" };
    struct segs_jwt_verifier_options o = SEGS_JWT_VERIFIER_OPTIONS_INIT;

    o.issuer = "https://segs.example";
    o.audience = "segs";
    o.typ = "at+jwt";
    o.required_claims = required;
    o.n_required_claims = 3;
    must(segs_jwt_verifier_new(s->key, &o, &s->verifier, NULL) == 0, "building the verifier");
}

static EVP_PKEY *make_pkey(int64_t alg)
{
    if (alg == SEGS_ALG_RS256)
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    if (alg == SEGS_ALG_ES256)
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static const EVP_MD *digest_of(int64_t alg)
{
    return alg == SEGS_ALG_EDDSA ? NULL : EVP_sha256();
}

static void sign_raw(struct subject *s)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    s->signature_len = sizeof s->signature;
    must(ctx && EVP_DigestSignInit(ctx, NULL, digest_of(s->alg), NULL, s->pkey) == 1 &&
             EVP_DigestSign(ctx, s->signature, &s->signature_len, (unsigned char *)s->token,
                            s->signed_len) == 1,
         "signing with libcrypto");
    EVP_MD_CTX_free(ctx);
}

/* The key for both sides. */
static void make_key(struct subject *s)
{
    struct segs_jwk_options o = SEGS_JWK_OPTIONS_INIT;
    BIO *bio;
    char *pem;
    long len;

    o.alg = s->alg;
    o.kid = "2026-01";
    if (s->alg == SEGS_ALG_HS256) {
        must(segs_jwk_from_secret(secret, 32, &o, &s->key, NULL) == 0, "making the key");
        return;
    }
    s->pkey = make_pkey(s->alg);
    bio = BIO_new(BIO_s_mem());
    must(s->pkey && bio && PEM_write_bio_PrivateKey(bio, s->pkey, NULL, NULL, 0, NULL, NULL) == 1,
         "making the key of libcrypto");
    len = BIO_get_mem_data(bio, &pem);
    must(segs_jwk_from_pem(pem, (size_t)len, &o, &s->key, NULL) == 0, "reading the key");
    BIO_free(bio);
}

static void open_subject(struct subject *s)
{
    make_key(s);
    make_token(s);
    make_verifier(s);
    s->signed_len = (size_t)(strrchr(s->token, '.') - s->token);
    if (s->pkey)
        sign_raw(s);
}

static void verify_segs(const struct subject *s)
{
    struct segs_jwt_claims *claims = NULL;

    must(segs_jwt_verify(s->verifier, s->token, s->len, NOW, &claims, NULL) == 0, "verifying");
    segs_jwt_claims_free(claims);
}

/* As libcrypto's manual has it: one context, one init, one verification. */
static void verify_raw(const struct subject *s)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int mac_len = 0;
    EVP_MD_CTX *ctx;

    if (s->alg == SEGS_ALG_HS256) {
        must(HMAC(EVP_sha256(), secret, 32, (const unsigned char *)s->token, s->signed_len, mac,
                  &mac_len) != NULL,
             "HMAC");
        return;
    }
    ctx = EVP_MD_CTX_new();
    must(ctx && EVP_DigestVerifyInit(ctx, NULL, digest_of(s->alg), NULL, s->pkey) == 1 &&
             EVP_DigestVerify(ctx, s->signature, s->signature_len, (const unsigned char *)s->token,
                              s->signed_len) == 1,
         "verifying with libcrypto");
    EVP_MD_CTX_free(ctx);
}

static double time_one(const struct subject *s, void (*verify)(const struct subject *),
                       double round_s)
{
    double start = now_s();
    double end = start;
    uint64_t n = 0;

    while (end - start < round_s) {
        for (int i = 0; i < 16; i++)
            verify(s);
        n += 16;
        end = now_s();
    }
    return (end - start) / (double)n * 1e6;
}

static void measure(struct subject *s, double round_s)
{
    double segs = 1e9;
    double raw = 1e9;

    open_subject(s);
    for (int i = 0; i < ROUNDS; i++) {
        double t = time_one(s, verify_raw, round_s);

        raw = t < raw ? t : raw;
        t = time_one(s, verify_segs, round_s);
        segs = t < segs ? t : segs;
    }
    (void)printf("%-6s  token %4zu B  segs %8.2f us (%8.0f/s)  libcrypto %8.2f us  ratio %.2f\n",
                 s->name, s->len, segs, 1e6 / segs, raw, segs / raw);
    segs_jwt_verifier_free(s->verifier);
    segs_jwk_free(s->key);
    EVP_PKEY_free(s->pkey);
}

int main(int argc, char **argv)
{
    struct subject subjects[] = { { .name = "HS256", .alg = SEGS_ALG_HS256 },
                                  { .name = "RS256", .alg = SEGS_ALG_RS256 },
                                  { .name = "ES256", .alg = SEGS_ALG_ES256 },
                                  { .name = "EdDSA", .alg = SEGS_ALG_EDDSA } };
    long round_ms = argc > 1 ? strtol(argv[1], NULL, 10) : 200;

    must(round_ms > 0 && round_ms <= 60000, "reading the milliseconds per round");
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
        measure(&subjects[i], (double)round_ms / 1000);
    return EXIT_SUCCESS;
}
