#include <segs/jwt.h>

#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <segs/role.h>

#include "auth_forge.h"

#define H "{\"alg\":\"HS256\"}"
#define HT "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define NOW INT64_C(1700000000)
#define LIVE "{\"exp\":1700000900}"

/* Computed with Python's hmac and base64 modules over FORGE_SECRET:
 * {"alg":"HS256","typ":"JWT"} . {"sub":"u1","exp":2000000000} */
static const char known_token[] =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1MSIsImV4cCI6MjAwMDAwMDAwMH0."
    "6VuHwXBz5lHPWOWcKTLJDu-0j_i-LDRI15GqkDfItUo";

static struct segs_jwk *key;
static struct segs_jwt_verifier *verifier;

static struct segs_jwk *secret_key(const char *kid)
{
    struct segs_jwk_options o = SEGS_JWK_OPTIONS_INIT;
    struct segs_jwk *k;

    o.alg = SEGS_ALG_HS256;
    o.kid = kid;
    ck_assert_int_eq(segs_jwk_from_secret(FORGE_SECRET, 32, &o, &k, NULL), 0);
    return k;
}

static struct segs_jwk *generated(int64_t alg, const char *kid)
{
    struct segs_jwk_options o = SEGS_JWK_OPTIONS_INIT;
    struct segs_jwk *k;

    o.alg = alg;
    o.kid = kid;
    ck_assert_int_eq(segs_jwk_generate(&o, &k, NULL), 0);
    return k;
}

static struct segs_jwt_verifier *verifier_of(const struct segs_jwk *k,
                                             const struct segs_jwt_verifier_options *o)
{
    struct segs_jwt_verifier *v;

    ck_assert_int_eq(segs_jwt_verifier_new(k, o, &v, NULL), 0);
    return v;
}

static void setup(void)
{
    key = secret_key(NULL);
    verifier = verifier_of(key, NULL);
}

static void teardown(void)
{
    segs_jwt_verifier_free(verifier);
    segs_jwk_free(key);
}

static int verify_len(const struct segs_jwt_verifier *v, const char *token, size_t len,
                      int64_t now_s)
{
    struct segs_jwt_claims *claims = NULL;
    int r = segs_jwt_verify(v, token, len, now_s, &claims, NULL);

    ck_assert((r == 0) == (claims != NULL));
    segs_jwt_claims_free(claims);
    return r;
}

static int verify_with(const struct segs_jwt_verifier *v, const char *token)
{
    return verify_len(v, token, strlen(token), NOW);
}

static int verify(const char *token)
{
    return verify_with(verifier, token);
}

/* Result for a verifier with these options and no other. */
static int verify_under(const struct segs_jwt_verifier_options *o, const char *token, int64_t now_s)
{
    struct segs_jwt_verifier *v = verifier_of(key, o);
    int r = verify_len(v, token, strlen(token), now_s);

    segs_jwt_verifier_free(v);
    return r;
}

static struct segs_jwt_claims *claims_of(const char *payload)
{
    struct segs_jwt_claims *claims = NULL;
    const char *token = forge(H, payload);

    ck_assert_int_eq(segs_jwt_verify(verifier, token, strlen(token), NOW, &claims, NULL), 0);
    return claims;
}

/* ---- RFC 8725, item by item ---- */

START_TEST(rfc8725_3_1_the_key_decides_the_algorithm)
{
    static const char *const algs[] = { "HS384", "HS512", "RS256",  "ES256", "EdDSA",
                                        "PS256", "hs256", "HS256 ", "" };
    char header[64];

    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
        (void)snprintf(header, sizeof header, "{\"alg\":\"%s\"}", algs[i]);
        ck_assert_int_eq(verify(forge(header, LIVE)), SEGS_EDENIED);
    }
    ck_assert_int_eq(verify(forge(H, LIVE)), 0);
}
END_TEST

START_TEST(rfc8725_3_2_none_is_never_an_algorithm)
{
    static const char *const names[] = { "none", "None", "NONE", "nOnE" };
    char token[256];
    char header[32];
    char payload[64];
    char text[64];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(text, sizeof text, "{\"alg\":\"%s\"}", names[i]);
        ck_assert_int_eq(verify(forge(text, LIVE)), SEGS_EDENIED);
        (void)forge_b64(text, strlen(text), header);
        (void)forge_b64(LIVE, strlen(LIVE), payload);
        (void)snprintf(token, sizeof token, "%s.%s.", header, payload);
        ck_assert_int_eq(verify(token), SEGS_EDENIED);
        (void)snprintf(token, sizeof token, "%s.%s", header, payload);
        ck_assert_int_eq(verify(token), SEGS_EDENIED);
    }
}
END_TEST

START_TEST(rfc8725_3_1_a_public_key_is_no_hmac_secret)
{
    static const int64_t algs[] = { SEGS_ALG_RS256, SEGS_ALG_ES256, SEGS_ALG_EDDSA };

    for (size_t i = 0; i < 3; i++) {
        struct segs_jwk *pair = generated(algs[i], "k");
        struct segs_jwt_verifier *v = verifier_of(pair, NULL);
        char jwk[2048];
        char token[4096];
        size_t n;

        ck_assert_int_eq(segs_jwk_dump_public(pair, jwk, sizeof jwk, NULL), 0);
        n = forge_b64(HT, strlen(HT), token);
        token[n++] = '.';
        (void)forge_b64(LIVE, strlen(LIVE), token + n);
        forge_append_hmac(token, EVP_sha256(), jwk, strlen(jwk));
        ck_assert_int_eq(verify_with(v, token), SEGS_EDENIED);
        segs_jwt_verifier_free(v);
        segs_jwk_free(pair);
    }
}
END_TEST

START_TEST(rfc8725_3_3_every_signature_of_another_key_is_refused)
{
    static const int64_t algs[] = { SEGS_ALG_HS256, SEGS_ALG_HS384, SEGS_ALG_HS512,
                                    SEGS_ALG_RS256, SEGS_ALG_ES256, SEGS_ALG_EDDSA };
    struct segs_jwk *one = generated(algs[_i], NULL);
    struct segs_jwk *other = generated(algs[_i], NULL);
    struct segs_jwt_builder *b;
    struct segs_jwt_verifier *v;
    char token[2048];
    size_t len;

    ck_assert_int_eq(segs_jwt_builder_new(NULL, &b), 0);
    ck_assert_int_eq(segs_jwt_builder_add_int(b, "exp", NOW + 1), 0);
    ck_assert_int_eq(segs_jwt_sign(one, b, token, sizeof token, &len), 0);
    ck_assert_uint_eq(strlen(token), len);
    v = verifier_of(one, NULL);
    ck_assert_int_eq(verify_with(v, token), 0);
    segs_jwt_verifier_free(v);
    v = verifier_of(other, NULL);
    ck_assert_int_eq(verify_with(v, token), SEGS_EDENIED);
    segs_jwt_verifier_free(v);
    segs_jwt_builder_free(b);
    segs_jwk_free(one);
    segs_jwk_free(other);
}
END_TEST

START_TEST(rfc8725_3_4_an_es256_signature_with_r_or_s_out_of_range_is_refused)
{
    /* n of P-256, FIPS 186-4 D.1.2.3 */
    static const unsigned char n[32] = {
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17,
        0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
    };
    struct segs_jwk *pair = generated(SEGS_ALG_ES256, NULL);
    char jws[256];
    unsigned char zero[64] = { 0 };
    unsigned char order[64];
    unsigned char ones[64];
    const unsigned char *forged[3] = { zero, order, ones };
    char payload[16];
    size_t dot;

    memcpy(order, n, 32);
    memcpy(order + 32, n, 32);
    memset(ones, 0xFF, sizeof ones);
    ck_assert_int_eq(segs_jws_sign(pair, NULL, 0, "x", 1, jws, sizeof jws, NULL), 0);
    ck_assert_int_eq(segs_jws_verify(pair, jws, strlen(jws), payload, sizeof payload, NULL), 0);
    dot = (size_t)(strrchr(jws, '.') - jws) + 1;
    for (size_t i = 0; i < 3; i++) {
        (void)forge_b64(forged[i], 64, jws + dot);
        ck_assert_int_eq(segs_jws_verify(pair, jws, strlen(jws), payload, sizeof payload, NULL),
                         SEGS_EDENIED);
    }
    segs_jwk_free(pair);
}
END_TEST

START_TEST(rfc8725_3_4_an_es256_signature_in_der_is_refused)
{
    struct segs_jwk *pair = generated(SEGS_ALG_ES256, NULL);
    char jws[512];
    unsigned char der[72] = { 0x30, 0x44, 0x02, 0x20 };
    char payload[16];

    ck_assert_int_eq(segs_jws_sign(pair, NULL, 0, "x", 1, jws, sizeof jws, NULL), 0);
    (void)forge_b64(der, 70, strrchr(jws, '.') + 1);
    ck_assert_int_eq(segs_jws_verify(pair, jws, strlen(jws), payload, sizeof payload, NULL),
                     SEGS_EDENIED);
    segs_jwk_free(pair);
}
END_TEST

START_TEST(rfc8725_3_6_compression_is_refused)
{
    ck_assert_int_eq(verify(forge("{\"alg\":\"HS256\",\"zip\":\"DEF\"}", LIVE)), SEGS_EDENIED);
}
END_TEST

START_TEST(rfc8725_3_7_only_utf8_is_accepted)
{
    static const char latin1[] = "{\"exp\":1700000900,\"name\":\"M\xFCller\"}";
    static const char utf16[] = "{\0\"\0e\0x\0p\0\"\0:\0001\0007\0000\0}\0";
    static const char bom[] = "\xEF\xBB\xBF" LIVE;
    static const char overlong[] = "{\"exp\":1700000900,\"a\":\"\xC0\xAF\"}";
    static const char surrogate[] = "{\"exp\":1700000900,\"a\":\"\xED\xA0\x80\"}";
    static const char escaped[] = "{\"exp\":1700000900,\"a\":\"\\uD800\"}";
    static const char nul[] = "{\"exp\":1700000900,\"a\":\"x\\u0000y\"}";

    ck_assert_int_eq(verify(forge(H, latin1)), SEGS_EDENIED);
    ck_assert_int_eq(verify(forge_bytes(H, strlen(H), utf16, sizeof utf16 - 1)), SEGS_EDENIED);
    ck_assert_int_eq(verify(forge(H, bom)), SEGS_EDENIED);
    ck_assert_int_eq(verify(forge(H, overlong)), SEGS_EDENIED);
    ck_assert_int_eq(verify(forge(H, surrogate)), SEGS_EDENIED);
    ck_assert_int_eq(verify(forge(H, escaped)), SEGS_EDENIED);
    ck_assert_int_eq(verify(forge(H, nul)), SEGS_EDENIED);
    ck_assert_int_eq(verify(forge(H, "{\"exp\":1700000900,\"name\":\"M\xC3\xBCller\"}")), 0);
}
END_TEST

START_TEST(rfc8725_3_8_the_issuer_must_be_the_expected_one)
{
    struct segs_jwt_verifier_options o = SEGS_JWT_VERIFIER_OPTIONS_INIT;
    struct segs_jwt_verifier *v;

    o.issuer = "https://segs.example";
    v = verifier_of(key, &o);
    ck_assert_int_eq(
        verify_with(v, forge(H, "{\"exp\":1700000900,\"iss\":\"https://segs.example\"}")), 0);
    ck_assert_int_eq(
        verify_with(v, forge(H, "{\"exp\":1700000900,\"iss\":\"https://segs.example/\"}")),
        SEGS_EDENIED);
    ck_assert_int_eq(
        verify_with(v, forge(H, "{\"exp\":1700000900,\"iss\":\"HTTPS://segs.example\"}")),
        SEGS_EDENIED);
    ck_assert_int_eq(
        verify_with(v, forge(H, "{\"exp\":1700000900,\"iss\":[\"https://segs.example\"]}")),
        SEGS_EDENIED);
    ck_assert_int_eq(verify_with(v, forge(H, LIVE)), SEGS_EDENIED);
    segs_jwt_verifier_free(v);
}
END_TEST

START_TEST(rfc8725_3_9_the_audience_must_name_us)
{
    struct segs_jwt_verifier_options o = SEGS_JWT_VERIFIER_OPTIONS_INIT;
    struct segs_jwt_verifier *v;

    o.audience = "segs";
    v = verifier_of(key, &o);
    ck_assert_int_eq(verify_with(v, forge(H, "{\"exp\":1700000900,\"aud\":\"segs\"}")), 0);
    ck_assert_int_eq(verify_with(v, forge(H, "{\"exp\":1700000900,\"aud\":[\"a\",\"segs\"]}")), 0);
    ck_assert_int_eq(verify_with(v, forge(H, "{\"exp\":1700000900,\"aud\":\"segs2\"}")),
                     SEGS_EDENIED);
    ck_assert_int_eq(verify_with(v, forge(H, "{\"exp\":1700000900,\"aud\":[]}")), SEGS_EDENIED);
    ck_assert_int_eq(verify_with(v, forge(H, "{\"exp\":1700000900,\"aud\":[\"segs\",1]}")),
                     SEGS_EDENIED);
    ck_assert_int_eq(verify_with(v, forge(H, "{\"exp\":1700000900,\"aud\":{\"segs\":1}}")),
                     SEGS_EDENIED);
    ck_assert_int_eq(verify_with(v, forge(H, LIVE)), SEGS_EDENIED);
    segs_jwt_verifier_free(v);
}
END_TEST

START_TEST(rfc8725_3_9_a_token_for_somebody_is_refused_by_a_verifier_without_audience)
{
    ck_assert_int_eq(verify(forge(H, "{\"exp\":1700000900,\"aud\":\"segs\"}")), SEGS_EDENIED);
    ck_assert_int_eq(verify(forge(H, "{\"exp\":1700000900,\"aud\":null}")), SEGS_EDENIED);
}
END_TEST

START_TEST(rfc8725_3_10_keys_and_addresses_in_the_header_are_refused)
{
    static const char *const headers[] = {
        "{\"alg\":\"HS256\",\"jku\":\"https://evil.example/jwks\"}",
        "{\"alg\":\"HS256\",\"x5u\":\"https://evil.example/cert\"}",
        "{\"alg\":\"HS256\",\"x5c\":[\"MIIB\"]}",
        "{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"QEFCQ0RFRkdISUpLTE1OT1BR\"}}",
        "{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}",
        "{\"alg\":\"HS256\",\"crit\":[]}",
        "{\"alg\":\"HS256\",\"b64\":false}",
        "{\"alg\":\"HS256\",\"b64\":true}",
    };

    ck_assert_int_eq(verify(forge(headers[_i], LIVE)), SEGS_EDENIED);
}
END_TEST

START_TEST(rfc8725_3_10_kid_is_only_a_name_in_our_table)
{
    static const char *const kids[] = {
        "../../../../etc/passwd",
        "/dev/null",
        "k1\\u0000",
        "k1' OR '1'='1",
        "file:///k1",
        "K1",
        "",
        "k1 ",
        "k",
        "k12",
        "https://evil.example/k1",
        "%6b1",
        "|ls",
    };
    struct segs_jwk *named = secret_key("k1");
    struct segs_jwk_set *set;
    struct segs_jwt_verifier *v;
    char header[256];

    ck_assert_int_eq(segs_jwk_set_new(NULL, &set), 0);
    ck_assert_int_eq(segs_jwk_set_add(set, named), 0);
    ck_assert_int_eq(segs_jwt_verifier_new_set(set, NULL, &v, NULL), 0);
    ck_assert_int_eq(verify_with(v, forge("{\"alg\":\"HS256\",\"kid\":\"k1\"}", LIVE)), 0);
    for (size_t i = 0; i < sizeof kids / sizeof kids[0]; i++) {
        (void)snprintf(header, sizeof header, "{\"alg\":\"HS256\",\"kid\":\"%s\"}", kids[i]);
        ck_assert_int_eq(verify_with(v, forge(header, LIVE)), SEGS_EDENIED);
    }
    ck_assert_int_eq(verify_with(v, forge("{\"alg\":\"HS256\",\"kid\":1}", LIVE)), SEGS_EDENIED);
    ck_assert_int_eq(verify_with(v, forge("{\"alg\":\"HS256\",\"kid\":null}", LIVE)), SEGS_EDENIED);
    segs_jwt_verifier_free(v);
    segs_jwk_set_free(set);
    segs_jwk_free(named);
}
END_TEST

START_TEST(rfc8725_3_11_typ_must_be_the_expected_one)
{
    struct segs_jwt_verifier_options o = SEGS_JWT_VERIFIER_OPTIONS_INIT;
    static const struct {
        const char *typ;
        int r;
    } rows[] = {
        { "at+jwt", 0 },
        { "AT+JWT", 0 },
        { "application/at+jwt", 0 },
        { "Application/AT+jwt", 0 },
        { "JWT", SEGS_EDENIED },
        { "at+jwt2", SEGS_EDENIED },
        { "at+jw", SEGS_EDENIED },
        { "text/at+jwt", SEGS_EDENIED },
        { "", SEGS_EDENIED },
        { "application/", SEGS_EDENIED },
    };
    struct segs_jwt_verifier *v;
    char header[128];

    o.typ = "at+jwt";
    v = verifier_of(key, &o);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(header, sizeof header, "{\"alg\":\"HS256\",\"typ\":\"%s\"}", rows[i].typ);
        ck_assert_int_eq(verify_with(v, forge(header, LIVE)), rows[i].r);
    }
    ck_assert_int_eq(verify_with(v, forge(H, LIVE)), SEGS_EDENIED);
    ck_assert_int_eq(verify_with(v, forge("{\"alg\":\"HS256\",\"typ\":[\"at+jwt\"]}", LIVE)),
                     SEGS_EDENIED);
    segs_jwt_verifier_free(v);
}
END_TEST

START_TEST(rfc8725_3_12_a_token_of_a_kind_is_refused_where_no_kind_is_expected)
{
    ck_assert_int_eq(verify(forge("{\"alg\":\"HS256\",\"typ\":\"reset+jwt\"}", LIVE)),
                     SEGS_EDENIED);
    ck_assert_int_eq(verify(forge(HT, LIVE)), 0);
    ck_assert_int_eq(verify(forge(H, LIVE)), 0);
}
END_TEST

/* ---- form ---- */

START_TEST(a_token_made_elsewhere_is_accepted)
{
    ck_assert_int_eq(verify(known_token), 0);
}
END_TEST

START_TEST(every_one_bit_flip_is_refused)
{
    char token[sizeof known_token];

    for (size_t i = 0; i < sizeof known_token - 1; i++) {
        for (int bit = 0; bit < 8; bit++) {
            memcpy(token, known_token, sizeof token);
            token[i] = (char)(token[i] ^ (1 << bit));
            ck_assert_msg(verify_len(verifier, token, sizeof token - 1, NOW) == SEGS_EDENIED,
                          "byte %zu bit %d", i, bit);
        }
    }
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    for (size_t len = 0; len < sizeof known_token - 1; len++) {
        ck_assert_int_eq(verify_len(verifier, known_token, len, NOW), SEGS_EDENIED);
        ck_assert_int_eq(verify_len(verifier, known_token + sizeof known_token - 1 - len, len, NOW),
                         SEGS_EDENIED);
    }
}
END_TEST

START_TEST(every_text_around_or_inside_is_refused)
{
    static const char extra[] = " \t\r\n=.+/%\"\\A";
    char token[sizeof known_token + 1];
    size_t len = sizeof known_token - 1;

    for (const char *c = extra; *c; c++) {
        for (size_t at = 0; at <= len; at++) {
            memcpy(token, known_token, at);
            token[at] = *c;
            memcpy(token + at + 1, known_token + at, len - at);
            ck_assert_int_eq(verify_len(verifier, token, len + 1, NOW), SEGS_EDENIED);
        }
    }
}
END_TEST

START_TEST(loose_bits_at_the_end_of_base64url_are_refused)
{
    /* 32 bytes are 43 characters, the last with two unused bits: "o" is 40, so p, q, r name the same
     * bytes to a lenient decoder. */
    static const char same[] = "pqr";
    char token[sizeof known_token];

    ck_assert_int_eq(known_token[sizeof known_token - 2], 'o');
    for (size_t i = 0; i < 3; i++) {
        memcpy(token, known_token, sizeof token);
        token[sizeof token - 2] = same[i];
        ck_assert_int_eq(verify(token), SEGS_EDENIED);
    }
}
END_TEST

START_TEST(a_malformed_payload_under_a_good_signature_is_refused)
{
    static const char *const payloads[] = {
        "",
        "[]",
        "\"x\"",
        "null",
        "{\"exp\":1700000900}x",
        "{\"exp\":1700000900",
        "{\"exp\":1700000900,}",
        "{exp:1700000900}",
        "{\"exp\":01700000900}",
        "{\"exp\":+1700000900}",
        "{\"exp\":1700000900,\"a\":.5}",
        "{\"exp\":1700000900,\"a\":1.}",
        "{\"exp\":1700000900,\"a\":'x'}",
        "{\"exp\":1700000900,\"a\":tru}",
        "{\"exp\":1700000900,\"a\":\"\t\"}",
        "{\"exp\":1700000900,\"a\":\"\\x\"}",
        "{\"exp\":1700000900}{}",
        "{\"exp\":1700000900,\"a\":NaN}",
        "{\"exp\":1700000900/**/}",
        "{\"exp\":1700000900,\"a\":[1,]}",
        "{\"exp\":1700000900,\"a\":[}",
        "{\"exp\":1700000900 \"a\":1}",
    };

    ck_assert_int_eq(verify(forge(H, payloads[_i])), SEGS_EDENIED);
}
END_TEST

START_TEST(a_payload_that_is_not_base64url_is_refused_under_a_good_signature)
{
    char token[256] = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDA5MDB9=";

    forge_append_hmac(token, EVP_sha256(), FORGE_SECRET, 32);
    ck_assert_int_eq(verify(token), SEGS_EDENIED);
}
END_TEST

START_TEST(duplicate_members_are_refused_at_every_level)
{
    ck_assert_int_eq(verify(forge("{\"alg\":\"HS256\",\"alg\":\"HS256\"}", LIVE)), SEGS_EDENIED);
    ck_assert_int_eq(verify(forge("{\"alg\":\"HS256\",\"x\":{\"y\":1,\"y\":1}}", LIVE)),
                     SEGS_EDENIED);
    ck_assert_int_eq(verify(forge("{\"alg\":\"HS256\",\"\\u0061lg\":\"HS256\"}", LIVE)),
                     SEGS_EDENIED);
    ck_assert_int_eq(verify(forge(H, "{\"exp\":1700000900,\"exp\":1700000900}")), SEGS_EDENIED);
    ck_assert_int_eq(verify(forge(H, "{\"exp\":1700000900,\"a\":[{\"b\":1,\"b\":2}]}")),
                     SEGS_EDENIED);
    ck_assert_int_eq(verify(forge(H, "{\"exp\":1700000900,\"a\":[{\"b\":1},{\"b\":2}]}")), 0);
    ck_assert_int_eq(verify(forge(H, "{\"exp\":1700000900,\"Exp\":1}")), 0);
}
END_TEST

START_TEST(nesting_is_bounded)
{
    char payload[512] = "{\"exp\":1700000900,\"a\":";
    size_t start = strlen(payload);

    /* The object itself is one level. */
    memset(payload + start, '[', 15);
    memset(payload + start + 15, ']', 15);
    memcpy(payload + start + 30, "}", 2);
    ck_assert_int_eq(verify(forge(H, payload)), 0);
    memset(payload + start, '[', 16);
    memset(payload + start + 16, ']', 16);
    memcpy(payload + start + 32, "}", 2);
    ck_assert_int_eq(verify(forge(H, payload)), SEGS_EDENIED);
}
END_TEST

START_TEST(members_of_an_object_are_bounded)
{
    static char payload[8192];

    for (int n_extra = 255; n_extra <= 256; n_extra++) {
        size_t len = (size_t)snprintf(payload, sizeof payload, "{\"exp\":1700000900");

        for (int i = 0; i < n_extra; i++)
            len += (size_t)snprintf(payload + len, sizeof payload - len, ",\"m%d\":0", i);
        (void)snprintf(payload + len, sizeof payload - len, "}");
        ck_assert_int_eq(verify(forge(H, payload)), n_extra == 255 ? 0 : SEGS_EDENIED);
    }
}
END_TEST

START_TEST(token_and_header_lengths_are_bounded)
{
    struct segs_jwt_verifier_options o = SEGS_JWT_VERIFIER_OPTIONS_INIT;
    const char *token = forge(H, LIVE);
    static char header[2048];
    static char payload[8192];

    o.max_token_bytes = (int64_t)strlen(token);
    ck_assert_int_eq(verify_under(&o, token, NOW), 0);
    o.max_token_bytes--;
    ck_assert_int_eq(verify_under(&o, token, NOW), SEGS_EDENIED);

    /* 1024 bytes of header pass by default, 1025 do not. */
    (void)snprintf(header, sizeof header, "{\"alg\":\"HS256\",\"x\":\"%0*d\"}", 1024 - 22, 0);
    ck_assert_uint_eq(strlen(header), 1024);
    ck_assert_int_eq(verify(forge(header, LIVE)), 0);
    (void)snprintf(header, sizeof header, "{\"alg\":\"HS256\",\"x\":\"%0*d\"}", 1025 - 22, 0);
    ck_assert_int_eq(verify(forge(header, LIVE)), SEGS_EDENIED);

    /* The token alone decides about the payload: 20 + 1 + 4/3 of the payload + 1 + 43 <= 8192. */
    (void)snprintf(payload, sizeof payload, "{\"exp\":1700000900,\"x\":\"%0*d\"}", 6000 - 25, 0);
    ck_assert_int_eq(verify(forge(H, payload)), 0);
    (void)snprintf(payload, sizeof payload, "{\"exp\":1700000900,\"x\":\"%0*d\"}", 6200 - 25, 0);
    ck_assert_int_eq(verify(forge(H, payload)), SEGS_EDENIED);
}
END_TEST

/* ---- time ---- */

START_TEST(exp_is_the_first_second_out)
{
    const char *token = forge(H, "{\"exp\":1700000000}");

    ck_assert_int_eq(verify_len(verifier, token, strlen(token), 1699999999), 0);
    ck_assert_int_eq(verify_len(verifier, token, strlen(token), 1700000000), SEGS_EEXPIRED);
}
END_TEST

START_TEST(leeway_moves_exp_and_nbf_by_exactly_itself)
{
    struct segs_jwt_verifier_options o = SEGS_JWT_VERIFIER_OPTIONS_INIT;
    const char *token = forge(H, "{\"nbf\":1600000000,\"iat\":1600000000,\"exp\":1700000000}");

    o.leeway_s = 60;
    ck_assert_int_eq(verify_under(&o, token, 1700000059), 0);
    ck_assert_int_eq(verify_under(&o, token, 1700000060), SEGS_EEXPIRED);
    ck_assert_int_eq(verify_under(&o, token, 1599999940), 0);
    ck_assert_int_eq(verify_under(&o, token, 1599999939), SEGS_EEXPIRED);
}
END_TEST

START_TEST(nbf_and_iat_are_the_first_second_in)
{
    const char *token = forge(H, "{\"nbf\":1700000001,\"exp\":1700000900}");

    ck_assert_int_eq(verify_len(verifier, token, strlen(token), 1700000000), SEGS_EEXPIRED);
    ck_assert_int_eq(verify_len(verifier, token, strlen(token), 1700000001), 0);
    token = forge(H, "{\"iat\":1700000001,\"exp\":1700000900}");
    ck_assert_int_eq(verify_len(verifier, token, strlen(token), 1700000000), SEGS_EEXPIRED);
    ck_assert_int_eq(verify_len(verifier, token, strlen(token), 1700000001), 0);
}
END_TEST

START_TEST(fractions_of_a_second_are_exact)
{
    const char *token = forge(H, "{\"exp\":1700000000.5}");

    ck_assert_int_eq(verify_len(verifier, token, strlen(token), 1700000000), 0);
    ck_assert_int_eq(verify_len(verifier, token, strlen(token), 1700000001), SEGS_EEXPIRED);
    token = forge(H, "{\"exp\":1700000000.000}");
    ck_assert_int_eq(verify_len(verifier, token, strlen(token), 1700000000), SEGS_EEXPIRED);
    token = forge(H, "{\"nbf\":1700000000.25,\"exp\":1700000900}");
    ck_assert_int_eq(verify_len(verifier, token, strlen(token), 1700000000), SEGS_EEXPIRED);
    ck_assert_int_eq(verify_len(verifier, token, strlen(token), 1700000001), 0);
}
END_TEST

START_TEST(exp_must_be_there_and_a_plain_number)
{
    static const char *const payloads[] = {
        "{}",
        "{\"sub\":\"u\"}",
        "{\"exp\":null}",
        "{\"exp\":\"1700000900\"}",
        "{\"exp\":true}",
        "{\"exp\":[1700000900]}",
        "{\"exp\":17e8}",
        "{\"exp\":1.7e9}",
        "{\"exp\":-1}",
        "{\"exp\":-1700000900}",
        "{\"exp\":253402300800}",
        "{\"exp\":99999999999999999999999999}",
        "{\"exp\":1700000900,\"nbf\":\"0\"}",
        "{\"exp\":1700000900,\"iat\":null}",
        "{\"exp\":1700000900,\"sub\":1}",
        "{\"exp\":1700000900,\"jti\":null}",
        "{\"exp\":1700000900,\"sid\":{}}",
    };

    ck_assert_int_eq(verify(forge(H, payloads[_i])), SEGS_EDENIED);
}
END_TEST

START_TEST(the_largest_time_does_not_overflow)
{
    struct segs_jwt_verifier_options o = SEGS_JWT_VERIFIER_OPTIONS_INIT;
    const char *token = forge(H, "{\"exp\":253402300799}");

    o.leeway_s = 60;
    ck_assert_int_eq(verify_under(&o, token, SEGS_JWT_TIME_MAX_S), 0);
    ck_assert_int_eq(verify_len(verifier, token, strlen(token), SEGS_JWT_TIME_MAX_S + 1),
                     SEGS_EINVAL);
    ck_assert_int_eq(verify_len(verifier, token, strlen(token), -1), SEGS_EINVAL);
}
END_TEST

START_TEST(expired_is_said_only_of_tokens_that_are_right_otherwise)
{
    struct segs_jwt_verifier_options o = SEGS_JWT_VERIFIER_OPTIONS_INIT;
    char token[256];

    o.issuer = "a";
    ck_assert_int_eq(verify_under(&o, forge(H, "{\"exp\":1,\"iss\":\"a\"}"), NOW), SEGS_EEXPIRED);
    ck_assert_int_eq(verify_under(&o, forge(H, "{\"exp\":1,\"iss\":\"b\"}"), NOW), SEGS_EDENIED);
    (void)snprintf(token, sizeof token, "%s", forge(H, "{\"exp\":1}"));
    token[strlen(token) - 2] = token[strlen(token) - 2] == 'A' ? 'B' : 'A';
    ck_assert_int_eq(verify(token), SEGS_EDENIED);
}
END_TEST

START_TEST(every_refusal_reads_the_same_to_its_sender)
{
    struct segs_error first;
    struct segs_error second;
    struct segs_jwt_claims *claims = NULL;
    const char *token = forge(H, "{}");

    memset(&first, 0, sizeof first);
    memset(&second, 0, sizeof second);
    ck_assert_int_eq(segs_jwt_verify(verifier, token, strlen(token), NOW, &claims, &first),
                     SEGS_EDENIED);
    ck_assert_int_eq(segs_jwt_verify(verifier, "x", 1, NOW, &claims, &second), SEGS_EDENIED);
    ck_assert_int_eq(memcmp(&first, &second, sizeof first), 0);
    ck_assert_ptr_null(claims);
}
END_TEST

START_TEST(explain_names_the_reason)
{
    static const struct {
        const char *header;
        const char *payload;
        const char *reason;
    } rows[] = {
        { H, LIVE, "accepted" },
        { H, "{\"exp\":1}", "past exp" },
        { H, "{}", "exp is missing" },
        { H, "x", "payload is not a strict JSON object" },
        { "{\"alg\":\"HS512\"}", LIVE, "alg is not the key's" },
        { "{\"alg\":\"HS256\",\"typ\":\"x\"}", LIVE, "typ is not the expected one" },
        { "{\"alg\":\"HS256\",\"crit\":[]}", LIVE, "header has a refused parameter" },
        { "{}", LIVE, "alg, kid or typ of the header is not a text" },
    };
    const char *reason;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *token = forge(rows[i].header, rows[i].payload);

        reason = NULL;
        (void)segs_jwt_explain(verifier, token, strlen(token), NOW, &reason);
        ck_assert_str_eq(reason, rows[i].reason);
    }
    ck_assert_int_eq(segs_jwt_explain(verifier, "x", 1, NOW, &reason), SEGS_EDENIED);
    ck_assert_str_eq(reason, "not three parts with dots between");
}
END_TEST

/* ---- verifier ---- */

START_TEST(required_claims_must_be_there_and_not_null)
{
    static const char *const names[] = { "sub", "sid" };
    struct segs_jwt_verifier_options o = SEGS_JWT_VERIFIER_OPTIONS_INIT;

    o.required_claims = names;
    o.n_required_claims = 2;
    ck_assert_int_eq(
        verify_under(&o, forge(H, "{\"exp\":1700000900,\"sub\":\"u\",\"sid\":\"s\"}"), NOW), 0);
    ck_assert_int_eq(verify_under(&o, forge(H, "{\"exp\":1700000900,\"sub\":\"u\"}"), NOW),
                     SEGS_EDENIED);
}
END_TEST

START_TEST(require_kid_refuses_tokens_without_one)
{
    struct segs_jwt_verifier_options o = SEGS_JWT_VERIFIER_OPTIONS_INIT;
    struct segs_jwk *named = secret_key("k1");
    struct segs_jwt_verifier *v = verifier_of(named, &o);

    ck_assert_int_eq(verify_with(v, forge(H, LIVE)), 0);
    segs_jwt_verifier_free(v);
    o.flags = SEGS_JWT_REQUIRE_KID;
    v = verifier_of(named, &o);
    ck_assert_int_eq(verify_with(v, forge(H, LIVE)), SEGS_EDENIED);
    ck_assert_int_eq(verify_with(v, forge(HT, LIVE)), SEGS_EDENIED);
    ck_assert_int_eq(verify_with(v, forge("{\"alg\":\"HS256\",\"kid\":\"k1\"}", LIVE)), 0);
    segs_jwt_verifier_free(v);
    segs_jwk_free(named);
}
END_TEST

START_TEST(a_set_picks_the_key_by_kid_and_needs_one_when_it_has_two)
{
    struct segs_jwk *first = secret_key("old");
    struct segs_jwk *second = generated(SEGS_ALG_HS256, "new");
    struct segs_jwk_set *set;
    struct segs_jwt_verifier *v;
    struct segs_jwt_builder *b;
    char token[512];

    ck_assert_int_eq(segs_jwk_set_new(NULL, &set), 0);
    ck_assert_int_eq(segs_jwk_set_add(set, first), 0);
    ck_assert_int_eq(segs_jwk_set_add(set, second), 0);
    ck_assert_int_eq(segs_jwt_verifier_new_set(set, NULL, &v, NULL), 0);
    ck_assert_int_eq(verify_with(v, forge("{\"alg\":\"HS256\",\"kid\":\"old\"}", LIVE)), 0);
    ck_assert_int_eq(verify_with(v, forge("{\"alg\":\"HS256\",\"kid\":\"new\"}", LIVE)),
                     SEGS_EDENIED);
    ck_assert_int_eq(verify_with(v, forge(H, LIVE)), SEGS_EDENIED);
    ck_assert_int_eq(segs_jwt_builder_new(NULL, &b), 0);
    ck_assert_int_eq(segs_jwt_builder_add_int(b, "exp", NOW + 1), 0);
    ck_assert_int_eq(segs_jwt_sign(second, b, token, sizeof token, NULL), 0);
    ck_assert_int_eq(verify_with(v, token), 0);
    segs_jwt_builder_free(b);
    segs_jwt_verifier_free(v);
    segs_jwk_set_free(set);
    segs_jwk_free(first);
    segs_jwk_free(second);
}
END_TEST

START_TEST(a_single_key_with_a_name_refuses_other_names)
{
    struct segs_jwk *named = secret_key("k1");
    struct segs_jwt_verifier *v = verifier_of(named, NULL);

    ck_assert_int_eq(verify_with(v, forge("{\"alg\":\"HS256\",\"kid\":\"k2\"}", LIVE)),
                     SEGS_EDENIED);
    ck_assert_int_eq(verify_with(v, forge(H, LIVE)), 0);
    ck_assert_int_eq(verify(forge("{\"alg\":\"HS256\",\"kid\":\"any\"}", LIVE)), 0);
    segs_jwt_verifier_free(v);
    segs_jwk_free(named);
}
END_TEST

START_TEST(options_out_of_range_are_refused)
{
    struct segs_jwt_verifier_options good = SEGS_JWT_VERIFIER_OPTIONS_INIT;
    struct segs_jwt_verifier_options o;
    struct segs_jwt_verifier *v = NULL;

    o = good;
    o.leeway_s = 61;
    ck_assert_int_eq(segs_jwt_verifier_new(key, &o, &v, NULL), SEGS_ERANGE);
    o.leeway_s = -1;
    ck_assert_int_eq(segs_jwt_verifier_new(key, &o, &v, NULL), SEGS_ERANGE);
    o = good;
    o.max_token_bytes = 65537;
    ck_assert_int_eq(segs_jwt_verifier_new(key, &o, &v, NULL), SEGS_ERANGE);
    o = good;
    o.max_header_bytes = 4097;
    ck_assert_int_eq(segs_jwt_verifier_new(key, &o, &v, NULL), SEGS_ERANGE);
    o = good;
    o.flags = 2;
    ck_assert_int_eq(segs_jwt_verifier_new(key, &o, &v, NULL), SEGS_EINVAL);
    o = good;
    o.issuer = "";
    ck_assert_int_eq(segs_jwt_verifier_new(key, &o, &v, NULL), SEGS_EINVAL);
    o = good;
    o.n_required_claims = 17;
    ck_assert_int_eq(segs_jwt_verifier_new(key, &o, &v, NULL), SEGS_ERANGE);
    o.n_required_claims = 1;
    ck_assert_int_eq(segs_jwt_verifier_new(key, &o, &v, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_jwt_verifier_new(NULL, &good, &v, NULL), SEGS_EINVAL);
    ck_assert_ptr_null(v);
}
END_TEST

/* One verifier, used by several threads at once. */
struct crowd {
    const struct segs_jwt_verifier *verifier;
    const struct segs_jwk *key;
    char token[2048];
    char forged[2048];
};

static void *verify_in_thread(void *user)
{
    const struct crowd *c = user;
    char jws[1024];
    uintptr_t n_wrong = 0;

    for (int i = 0; i < 60; i++) {
        n_wrong += verify_with(c->verifier, c->token) != 0;
        n_wrong += verify_with(c->verifier, c->forged) != SEGS_EDENIED;
        n_wrong += segs_jws_sign(c->key, NULL, 0, "x", 1, jws, sizeof jws, NULL) != 0;
    }
    return (void *)n_wrong;
}

START_TEST(one_verifier_and_key_serve_many_threads)
{
    struct segs_jwk *pair = generated(_i, "k");
    struct segs_jwt_builder *b;
    struct segs_jwt_verifier *v = verifier_of(pair, NULL);
    struct crowd c = { .verifier = v, .key = pair };
    pthread_t threads[4];
    size_t len = 0;

    ck_assert_int_eq(segs_jwt_builder_new(NULL, &b), 0);
    ck_assert_int_eq(segs_jwt_builder_add_int(b, "exp", NOW + 1), 0);
    ck_assert_int_eq(segs_jwt_sign(pair, b, c.token, sizeof c.token, &len), 0);
    memcpy(c.forged, c.token, sizeof c.forged);
    c.forged[len - 10] = c.forged[len - 10] == 'A' ? 'B' : 'A';
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, verify_in_thread, &c), 0);
    for (size_t i = 0; i < 4; i++) {
        void *n_wrong;

        ck_assert_int_eq(pthread_join(threads[i], &n_wrong), 0);
        ck_assert_ptr_null(n_wrong);
    }
    segs_jwt_builder_free(b);
    segs_jwt_verifier_free(v);
    segs_jwk_free(pair);
}
END_TEST

/* ---- claims ---- */

START_TEST(claims_are_read_by_name_and_type)
{
    struct segs_jwt_claims *c = claims_of(
        "{\"sub\":\"u-1\",\"iss\":\"i\",\"jti\":\"t\",\"sid\":\"s\",\"exp\":1700000900,"
        "\"nbf\":5,\"ver\":7,\"big\":9223372036854775807,\"low\":-9223372036854775808,"
        "\"ok\":true,\"no\":false,\"nil\":null,\"name\":\"J\\u00fcrgen \\ud83d\\ude00\\n\","
        "\"list\":[\"a\",\"b\"],\"mixed\":[\"a\",1],\"over\":9223372036854775808}");
    const char *text = NULL;
    int64_t number = 0;
    int flag = -1;

    ck_assert_str_eq(segs_jwt_claims_subject(c), "u-1");
    ck_assert_str_eq(segs_jwt_claims_issuer(c), "i");
    ck_assert_str_eq(segs_jwt_claims_jti(c), "t");
    ck_assert_str_eq(segs_jwt_claims_sid(c), "s");
    ck_assert_int_eq(segs_jwt_claims_exp_s(c), 1700000900);
    ck_assert_int_eq(segs_jwt_claims_nbf_s(c), 5);
    ck_assert_int_eq(segs_jwt_claims_iat_s(c), -1);
    ck_assert_int_eq(segs_jwt_claims_get_int(c, "ver", &number), 0);
    ck_assert_int_eq(number, 7);
    ck_assert_int_eq(segs_jwt_claims_get_int(c, "big", &number), 0);
    ck_assert(number == INT64_MAX);
    ck_assert_int_eq(segs_jwt_claims_get_int(c, "low", &number), 0);
    ck_assert(number == INT64_MIN);
    ck_assert_int_eq(segs_jwt_claims_get_int(c, "over", &number), SEGS_EOVERFLOW);
    ck_assert_int_eq(segs_jwt_claims_get_int(c, "sub", &number), SEGS_ESYNTAX);
    ck_assert_int_eq(segs_jwt_claims_get_bool(c, "ok", &flag), 0);
    ck_assert_int_eq(flag, 1);
    ck_assert_int_eq(segs_jwt_claims_get_bool(c, "no", &flag), 0);
    ck_assert_int_eq(flag, 0);
    ck_assert_int_eq(segs_jwt_claims_get_bool(c, "ver", &flag), SEGS_ESYNTAX);
    ck_assert_int_eq(segs_jwt_claims_get_string(c, "name", &text), 0);
    ck_assert_str_eq(text, "J\xC3\xBCrgen \xF0\x9F\x98\x80\n");
    ck_assert_int_eq(segs_jwt_claims_get_string(c, "nil", &text), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_jwt_claims_has(c, "nil"), 0);
    ck_assert_int_eq(segs_jwt_claims_has(c, "ver"), 1);
    ck_assert_int_eq(segs_jwt_claims_array_count(c, "list"), 2);
    ck_assert_int_eq(segs_jwt_claims_get_string_at(c, "list", 1, &text), 0);
    ck_assert_str_eq(text, "b");
    ck_assert_int_eq(segs_jwt_claims_get_string_at(c, "list", 2, &text), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_jwt_claims_get_string_at(c, "mixed", 1, &text), SEGS_ESYNTAX);
    ck_assert_int_eq(segs_jwt_claims_array_count(c, "sub"), 1);
    ck_assert_int_eq(segs_jwt_claims_get_string_at(c, "sub", 0, &text), 0);
    ck_assert_str_eq(text, "u-1");
    ck_assert_int_eq(segs_jwt_claims_get_string_at(c, "sub", 1, &text), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_jwt_claims_array_count(c, "ver"), SEGS_ESYNTAX);
    segs_jwt_claims_free(c);
}
END_TEST

START_TEST(roles_are_the_known_names_only)
{
    static const struct {
        const char *payload;
        uint32_t roles;
    } rows[] = {
        { "{\"exp\":1700000900}", 0 },
        { "{\"exp\":1700000900,\"role\":\"OPERATOR\"}", 4 },
        { "{\"exp\":1700000900,\"role\":\"admin\"}", 8 },
        { "{\"exp\":1700000900,\"role\":\"root\"}", 0 },
        { "{\"exp\":1700000900,\"role\":3}", 0 },
        { "{\"exp\":1700000900,\"roles\":[\"USER\",\"ADMIN\",\"x\",1,[\"OPERATOR\"]]}", 10 },
        { "{\"exp\":1700000900,\"roles\":\"ADMIN\"}", 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct segs_jwt_claims *c = claims_of(rows[i].payload);

        ck_assert_uint_eq(segs_jwt_claims_roles(c), rows[i].roles);
        segs_jwt_claims_free(c);
    }
}
END_TEST

START_TEST(accessors_take_null)
{
    ck_assert_ptr_null(segs_jwt_claims_subject(NULL));
    ck_assert_uint_eq(segs_jwt_claims_roles(NULL), 0);
    ck_assert_int_eq(segs_jwt_claims_exp_s(NULL), -1);
    ck_assert_int_eq(segs_jwt_claims_has(NULL, "x"), 0);
    segs_jwt_claims_free(NULL);
    segs_jwt_verifier_free(NULL);
    segs_jwt_builder_free(NULL);
}
END_TEST

/* ---- builder ---- */

START_TEST(signing_gives_the_known_token)
{
    struct segs_jwt_builder *b;
    char token[256];
    size_t len = 0;

    ck_assert_int_eq(segs_jwt_builder_new(NULL, &b), 0);
    ck_assert_int_eq(segs_jwt_builder_add_string(b, "sub", "u1"), 0);
    ck_assert_int_eq(segs_jwt_builder_add_int(b, "exp", 2000000000), 0);
    ck_assert_int_eq(segs_jwt_sign(key, b, token, sizeof token, &len), 0);
    ck_assert_str_eq(token, known_token);
    ck_assert_uint_eq(len, sizeof known_token - 1);
    segs_jwt_builder_free(b);
}
END_TEST

START_TEST(a_small_buffer_stays_untouched_and_learns_the_size)
{
    struct segs_jwt_builder *b;
    char token[sizeof known_token];
    size_t len = 0;

    ck_assert_int_eq(segs_jwt_builder_new(NULL, &b), 0);
    ck_assert_int_eq(segs_jwt_builder_add_string(b, "sub", "u1"), 0);
    ck_assert_int_eq(segs_jwt_builder_add_int(b, "exp", 2000000000), 0);
    memset(token, 'x', sizeof token);
    ck_assert_int_eq(segs_jwt_sign(key, b, token, sizeof token - 1, &len), SEGS_ENOSPC);
    ck_assert_uint_eq(len, sizeof known_token - 1);
    for (size_t i = 0; i < sizeof token; i++)
        ck_assert_int_eq(token[i], 'x');
    ck_assert_int_eq(segs_jwt_sign(key, b, NULL, 0, &len), SEGS_ENOSPC);
    ck_assert_int_eq(segs_jwt_sign(key, b, token, sizeof token, &len), 0);
    segs_jwt_builder_free(b);
}
END_TEST

START_TEST(texts_cannot_change_the_structure)
{
    static const char evil[] = "x\",\"role\":\"ADMIN\",\"y\":\"\\\x01\x7F\n";
    static const char *const list[] = { "a\"]", "b" };
    struct segs_jwt_builder *b;
    struct segs_jwt_claims *c = NULL;
    const char *text = NULL;
    char token[1024];

    ck_assert_int_eq(segs_jwt_builder_new(NULL, &b), 0);
    ck_assert_int_eq(segs_jwt_builder_add_int(b, "exp", NOW + 1), 0);
    ck_assert_int_eq(segs_jwt_builder_add_string(b, "sub", evil), 0);
    ck_assert_int_eq(segs_jwt_builder_add_string(b, "n\",\"role\":\"ADMIN", "v"), 0);
    ck_assert_int_eq(segs_jwt_builder_add_strings(b, "list", list, 2), 0);
    ck_assert_int_eq(segs_jwt_builder_add_strings(b, "none", NULL, 0), 0);
    ck_assert_int_eq(segs_jwt_builder_add_bool(b, "ok", 5), 0);
    ck_assert_int_eq(segs_jwt_sign(key, b, token, sizeof token, NULL), 0);
    ck_assert_int_eq(segs_jwt_verify(verifier, token, strlen(token), NOW, &c, NULL), 0);
    ck_assert_str_eq(segs_jwt_claims_subject(c), evil);
    ck_assert_uint_eq(segs_jwt_claims_roles(c), 0);
    ck_assert_int_eq(segs_jwt_claims_get_string_at(c, "list", 0, &text), 0);
    ck_assert_str_eq(text, "a\"]");
    ck_assert_int_eq(segs_jwt_claims_array_count(c, "none"), 0);
    segs_jwt_claims_free(c);
    segs_jwt_builder_free(b);
}
END_TEST

START_TEST(a_builder_refuses_what_a_verifier_would)
{
    struct segs_jwt_builder *b;
    static const char *const bad[] = { "ok", "\xFF" };
    static const char *const hole[] = { "ok", NULL };
    char name[66];
    char token[8];

    ck_assert_int_eq(segs_jwt_builder_new(NULL, &b), 0);
    ck_assert_int_eq(segs_jwt_sign(key, b, token, sizeof token, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_jwt_builder_add_string(b, "exp", "1"), SEGS_EINVAL);
    ck_assert_int_eq(segs_jwt_builder_add_int(b, "exp", -1), SEGS_ERANGE);
    ck_assert_int_eq(segs_jwt_builder_add_int(b, "nbf", SEGS_JWT_TIME_MAX_S + 1), SEGS_ERANGE);
    ck_assert_int_eq(segs_jwt_builder_add_int(b, "sub", 1), SEGS_EINVAL);
    ck_assert_int_eq(segs_jwt_builder_add_int(b, "aud", 1), SEGS_EINVAL);
    ck_assert_int_eq(segs_jwt_builder_add_strings(b, "iss", bad, 1), SEGS_EINVAL);
    ck_assert_int_eq(segs_jwt_builder_add_string(b, "x", "\xC3"), SEGS_ESYNTAX);
    ck_assert_int_eq(segs_jwt_builder_add_strings(b, "x", bad, 2), SEGS_ESYNTAX);
    ck_assert_int_eq(segs_jwt_builder_add_strings(b, "x", hole, 2), SEGS_EINVAL);
    ck_assert_int_eq(segs_jwt_builder_add_string(b, "x", NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_jwt_builder_add_string(b, "", "x"), SEGS_ERANGE);
    memset(name, 'n', 65);
    name[65] = '\0';
    ck_assert_int_eq(segs_jwt_builder_add_string(b, name, "x"), SEGS_ERANGE);
    ck_assert_int_eq(segs_jwt_builder_add_string(b, "x", "1"), 0);
    ck_assert_int_eq(segs_jwt_builder_add_int(b, "x", 1), SEGS_ECONFLICT);
    segs_jwt_builder_clear(b);
    ck_assert_int_eq(segs_jwt_builder_add_int(b, "x", 1), 0);
    segs_jwt_builder_free(b);
}
END_TEST

START_TEST(a_builder_is_bounded)
{
    struct segs_jwt_builder_options o = SEGS_JWT_BUILDER_OPTIONS_INIT;
    struct segs_jwt_builder *b = NULL;
    char text[128];
    char token[512];

    o.max_token_bytes = 128;
    ck_assert_int_eq(segs_jwt_builder_new(&o, &b), 0);
    memset(text, 't', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(segs_jwt_builder_add_string(b, "x", text), SEGS_EFULL);
    text[80] = '\0';
    ck_assert_int_eq(segs_jwt_builder_add_string(b, "x", text), 0);
    ck_assert_int_eq(segs_jwt_builder_add_int(b, "exp", 1), 0);
    ck_assert_int_eq(segs_jwt_sign(key, b, token, sizeof token, NULL), SEGS_EFULL);
    segs_jwt_builder_free(b);
    b = NULL;
    o.max_token_bytes = 65537;
    ck_assert_int_eq(segs_jwt_builder_new(&o, &b), SEGS_ERANGE);
    o.max_token_bytes = 0;
    o.typ = "a b";
    ck_assert_int_eq(segs_jwt_builder_new(&o, &b), SEGS_EINVAL);
    ck_assert_ptr_null(b);
}
END_TEST

START_TEST(a_public_key_does_not_sign)
{
    struct segs_jwk *pair = generated(SEGS_ALG_EDDSA, NULL);
    struct segs_jwk *pub;
    struct segs_jwt_builder *b;
    char token[512];

    ck_assert_int_eq(segs_jwk_public(pair, &pub), 0);
    ck_assert_int_eq(segs_jwt_builder_new(NULL, &b), 0);
    ck_assert_int_eq(segs_jwt_builder_add_int(b, "exp", 1), 0);
    ck_assert_int_eq(segs_jwt_sign(pub, b, token, sizeof token, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_jws_sign(pub, NULL, 0, "x", 1, token, sizeof token, NULL), SEGS_EINVAL);
    segs_jwt_builder_free(b);
    segs_jwk_free(pub);
    segs_jwk_free(pair);
}
END_TEST

START_TEST(typ_of_the_builder_is_what_the_verifier_expects)
{
    struct segs_jwt_builder_options bo = SEGS_JWT_BUILDER_OPTIONS_INIT;
    struct segs_jwt_verifier_options vo = SEGS_JWT_VERIFIER_OPTIONS_INIT;
    struct segs_jwt_builder *b;
    char token[512];

    bo.typ = "at+jwt";
    vo.typ = "at+jwt";
    ck_assert_int_eq(segs_jwt_builder_new(&bo, &b), 0);
    ck_assert_int_eq(segs_jwt_builder_add_int(b, "exp", NOW + 1), 0);
    ck_assert_int_eq(segs_jwt_sign(key, b, token, sizeof token, NULL), 0);
    ck_assert_int_eq(verify_under(&vo, token, NOW), 0);
    ck_assert_int_eq(verify(token), SEGS_EDENIED);
    segs_jwt_builder_free(b);
}
END_TEST

/* ---- HMAC key sizes; JWS ---- */

START_TEST(hmac_of_every_hash_and_key_length_matches_python)
{
    /* Python: hmac.new(key, b64(header) + "." + b64('{"exp":1}'), hash); keys are bytes counting up
     * from `first`, modulo 251. Key lengths: the hash, the block and above the block. */
    static const struct {
        int64_t alg;
        unsigned first;
        size_t len;
        const char *token;
    } rows[] = {
        { SEGS_ALG_HS384, 0x30, 48,
          "eyJhbGciOiJIUzM4NCJ9.eyJleHAiOjF9.nWu3PqvojX5S9hi_VSIgOxNdCAwKU5dfYSn-"
          "9Hps6L4AwCj8V4Q0m0Ih"
          "2ZvOeaER" },
        { SEGS_ALG_HS512, 0x20, 64,
          "eyJhbGciOiJIUzUxMiJ9.eyJleHAiOjF9.ZK4jnEPF0NxktexIJcGCqPFekux1MGpmDHwvkItG3Qy_wra-"
          "Vja6z1JX"
          "nu40vqsSK2U63USxJZ7jY6i8-1cXlw" },
        { SEGS_ALG_HS512, 0, 200,
          "eyJhbGciOiJIUzUxMiJ9.eyJleHAiOjF9.ANPirX7copDeUefGynisM4HkFy-"
          "9Ej9mPKzxUs4f7N2LXhlmbLAW1yR7"
          "aan_5Wv6-y3CXHW5sfvM3TZzdXVsYQ" },
        { SEGS_ALG_HS256, 0, 200,
          "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.9TfwZl8Rkd_6rNoDS4D3LkiDXjotu-4GrMUhcoTUNWY" },
    };
    unsigned char secret[200];
    struct segs_jwk_options o = SEGS_JWK_OPTIONS_INIT;
    struct segs_jwk *k;
    char jws[256];

    for (size_t i = 0; i < rows[_i].len; i++)
        secret[i] = (unsigned char)((rows[_i].first + i) % 251);
    o.alg = rows[_i].alg;
    ck_assert_int_eq(segs_jwk_from_secret(secret, rows[_i].len, &o, &k, NULL), 0);
    ck_assert_int_eq(segs_jws_sign(k, NULL, 0, "{\"exp\":1}", 9, jws, sizeof jws, NULL), 0);
    ck_assert_str_eq(jws, rows[_i].token);
    segs_jwk_free(k);
}
END_TEST

START_TEST(jws_carries_any_payload)
{
    static const unsigned char bytes[] = { 0, 255, 0, '.', '"' };
    unsigned char back[sizeof bytes];
    char jws[256];
    size_t len = 0;

    ck_assert_int_eq(segs_jws_sign(key, NULL, 0, bytes, sizeof bytes, jws, sizeof jws, NULL), 0);
    ck_assert_int_eq(segs_jws_verify(key, jws, strlen(jws), back, sizeof back, &len), 0);
    ck_assert_uint_eq(len, sizeof bytes);
    ck_assert_mem_eq(back, bytes, sizeof bytes);
    ck_assert_int_eq(segs_jws_verify(key, jws, strlen(jws), back, sizeof back - 1, &len),
                     SEGS_ENOSPC);
    ck_assert_uint_eq(len, sizeof bytes);
    ck_assert_int_eq(segs_jws_sign(key, NULL, 0, NULL, 0, jws, sizeof jws, NULL), 0);
    ck_assert_int_eq(segs_jws_verify(key, jws, strlen(jws), NULL, 0, &len), 0);
    ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(jws_refuses_to_sign_a_bad_header)
{
    static const struct {
        const char *header;
        int r;
    } rows[] = {
        { "{\"alg\":\"HS512\"}", SEGS_ECONFLICT },
        { "{\"alg\":\"none\"}", SEGS_ECONFLICT },
        { "{}", SEGS_ESYNTAX },
        { "[]", SEGS_ESYNTAX },
        { "{\"alg\":\"HS256\"", SEGS_ESYNTAX },
        { "{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", SEGS_ESYNTAX },
        { "{\"alg\":\"HS256\",\"cty\":\"x\"}", 0 },
    };
    char jws[256];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_int_eq(segs_jws_sign(key, rows[i].header, strlen(rows[i].header), "x", 1, jws,
                                       sizeof jws, NULL),
                         rows[i].r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jwt");
    TCase *tc = tcase_create("jwt");
    SRunner *runner;
    int n_failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, rfc8725_3_1_the_key_decides_the_algorithm);
    tcase_add_test(tc, rfc8725_3_2_none_is_never_an_algorithm);
    tcase_add_test(tc, rfc8725_3_1_a_public_key_is_no_hmac_secret);
    tcase_add_loop_test(tc, rfc8725_3_3_every_signature_of_another_key_is_refused, 0, 6);
    tcase_add_test(tc, rfc8725_3_4_an_es256_signature_with_r_or_s_out_of_range_is_refused);
    tcase_add_test(tc, rfc8725_3_4_an_es256_signature_in_der_is_refused);
    tcase_add_test(tc, rfc8725_3_6_compression_is_refused);
    tcase_add_test(tc, rfc8725_3_7_only_utf8_is_accepted);
    tcase_add_test(tc, rfc8725_3_8_the_issuer_must_be_the_expected_one);
    tcase_add_test(tc, rfc8725_3_9_the_audience_must_name_us);
    tcase_add_test(tc, rfc8725_3_9_a_token_for_somebody_is_refused_by_a_verifier_without_audience);
    tcase_add_loop_test(tc, rfc8725_3_10_keys_and_addresses_in_the_header_are_refused, 0, 8);
    tcase_add_test(tc, rfc8725_3_10_kid_is_only_a_name_in_our_table);
    tcase_add_test(tc, rfc8725_3_11_typ_must_be_the_expected_one);
    tcase_add_test(tc, rfc8725_3_12_a_token_of_a_kind_is_refused_where_no_kind_is_expected);
    tcase_add_test(tc, a_token_made_elsewhere_is_accepted);
    tcase_add_test(tc, every_one_bit_flip_is_refused);
    tcase_add_test(tc, every_truncation_is_refused);
    tcase_add_test(tc, every_text_around_or_inside_is_refused);
    tcase_add_test(tc, loose_bits_at_the_end_of_base64url_are_refused);
    tcase_add_loop_test(tc, a_malformed_payload_under_a_good_signature_is_refused, 0, 22);
    tcase_add_test(tc, a_payload_that_is_not_base64url_is_refused_under_a_good_signature);
    tcase_add_test(tc, duplicate_members_are_refused_at_every_level);
    tcase_add_test(tc, nesting_is_bounded);
    tcase_add_test(tc, members_of_an_object_are_bounded);
    tcase_add_test(tc, token_and_header_lengths_are_bounded);
    tcase_add_test(tc, exp_is_the_first_second_out);
    tcase_add_test(tc, leeway_moves_exp_and_nbf_by_exactly_itself);
    tcase_add_test(tc, nbf_and_iat_are_the_first_second_in);
    tcase_add_test(tc, fractions_of_a_second_are_exact);
    tcase_add_loop_test(tc, exp_must_be_there_and_a_plain_number, 0, 17);
    tcase_add_test(tc, the_largest_time_does_not_overflow);
    tcase_add_test(tc, expired_is_said_only_of_tokens_that_are_right_otherwise);
    tcase_add_test(tc, every_refusal_reads_the_same_to_its_sender);
    tcase_add_test(tc, explain_names_the_reason);
    tcase_add_test(tc, required_claims_must_be_there_and_not_null);
    tcase_add_test(tc, require_kid_refuses_tokens_without_one);
    tcase_add_test(tc, a_set_picks_the_key_by_kid_and_needs_one_when_it_has_two);
    tcase_add_test(tc, a_single_key_with_a_name_refuses_other_names);
    tcase_add_test(tc, options_out_of_range_are_refused);
    tcase_add_loop_test(tc, one_verifier_and_key_serve_many_threads, SEGS_ALG_HS256,
                        SEGS_ALG_EDDSA + 1);
    tcase_add_test(tc, claims_are_read_by_name_and_type);
    tcase_add_test(tc, roles_are_the_known_names_only);
    tcase_add_test(tc, accessors_take_null);
    tcase_add_test(tc, signing_gives_the_known_token);
    tcase_add_test(tc, a_small_buffer_stays_untouched_and_learns_the_size);
    tcase_add_test(tc, texts_cannot_change_the_structure);
    tcase_add_test(tc, a_builder_refuses_what_a_verifier_would);
    tcase_add_test(tc, a_builder_is_bounded);
    tcase_add_test(tc, a_public_key_does_not_sign);
    tcase_add_test(tc, typ_of_the_builder_is_what_the_verifier_expects);
    tcase_add_loop_test(tc, hmac_of_every_hash_and_key_length_matches_python, 0, 4);
    tcase_add_test(tc, jws_carries_any_payload);
    tcase_add_test(tc, jws_refuses_to_sign_a_bad_header);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
