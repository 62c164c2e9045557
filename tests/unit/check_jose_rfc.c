/* The published examples of RFC 7515, 7517, 7520, 7797 and 8037, from the folder of outside test
 * data. Where that is missing the program says so and exits with 77, which CTest shows as skipped. */
#include <segs/jwk.h>
#include <segs/jwt.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "auth_forge.h"

#define FOLDER SEGS_TESTDATA_DIR "/jose-rfc/"
#define PAYLOAD_BYTES 4096

static cJSON *read_json(const char *name)
{
    static char text[200000];
    char path[1024];
    FILE *file;
    cJSON *json;
    size_t n;

    (void)snprintf(path, sizeof path, FOLDER "%s", name);
    file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    n = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[n] = '\0';
    json = cJSON_Parse(text);
    ck_assert_msg(json != NULL, "%s is not JSON", path);
    return json;
}

static const char *text_at(const cJSON *json, const char *one, const char *two)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, one);

    if (two)
        item = cJSON_GetObjectItemCaseSensitive(item, two);
    return cJSON_GetStringValue(item);
}

static int key_of(const cJSON *jwk, int64_t alg, struct segs_jwk **ret)
{
    struct segs_jwk_options o = SEGS_JWK_OPTIONS_INIT;
    char *text = cJSON_PrintUnformatted(jwk);
    int r;

    o.alg = alg;
    r = segs_jwk_from_json(text, strlen(text), &o, ret, NULL);
    cJSON_free(text);
    return r;
}

static int verify(const struct segs_jwk *key, const char *jws, size_t len)
{
    char payload[PAYLOAD_BYTES];

    return segs_jws_verify(key, jws, len, payload, sizeof payload, NULL);
}

static void refuses_every_flip_and_truncation(const struct segs_jwk *key, const char *jws)
{
    static char changed[PAYLOAD_BYTES * 2];
    size_t len = strlen(jws);

    ck_assert_uint_lt(len, sizeof changed);
    for (size_t i = 0; i < len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            memcpy(changed, jws, len);
            changed[i] = (char)(changed[i] ^ (1 << bit));
            ck_assert_msg(verify(key, changed, len) == SEGS_EDENIED, "byte %zu bit %d", i, bit);
        }
        ck_assert_int_eq(verify(key, jws, i), SEGS_EDENIED);
    }
}

/* The JWS verifies to the payload, nothing near it does, and where the algorithm leaves no choice,
 * signing gives the same text again. */
static void check_valid(const struct segs_jwk *key, const char *jws, const char *payload)
{
    char found[PAYLOAD_BYTES];
    size_t len = 0;

    ck_assert_int_eq(segs_jws_verify(key, jws, strlen(jws), found, sizeof found, &len), 0);
    ck_assert_uint_eq(len, strlen(payload));
    ck_assert_mem_eq(found, payload, len);
    refuses_every_flip_and_truncation(key, jws);
}

static void check_reproducible(const struct segs_jwk *key, const char *jws, const char *header,
                               const char *payload)
{
    char made[PAYLOAD_BYTES * 2];

    ck_assert_int_eq(segs_jws_sign(key, header, strlen(header), payload, strlen(payload), made,
                                   sizeof made, NULL),
                     0);
    ck_assert_str_eq(made, jws);
}

/* ---- RFC 7515 appendix A and E ---- */

static const cJSON *appendix(cJSON *all, const char *id)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, all)
    {
        if (strcmp(text_at(item, "id", NULL), id) == 0)
            return item;
    }
    ck_abort_msg("%s is missing", id);
    return NULL;
}

START_TEST(rfc7515_a_1_to_a_3_verify_and_nothing_near_them_does)
{
    static const struct {
        const char *id;
        int64_t alg;
    } rows[] = { { "RFC7515-A.1", SEGS_ALG_HS256 },
                 { "RFC7515-A.2", SEGS_ALG_RS256 },
                 { "RFC7515-A.3", SEGS_ALG_ES256 } };
    cJSON *all = read_json("rfc7515-appendix-a.json");
    const cJSON *item = appendix(all, rows[_i].id);
    struct segs_jwk *key = NULL;

    ck_assert_int_eq(key_of(cJSON_GetObjectItemCaseSensitive(item, "jwk"), rows[_i].alg, &key), 0);
    check_valid(key, text_at(item, "jws", NULL), text_at(item, "payload", NULL));
    if (rows[_i].alg == SEGS_ALG_HS256)
        check_reproducible(key, text_at(item, "jws", NULL), text_at(item, "header", NULL),
                           text_at(item, "payload", NULL));
    segs_jwk_free(key);
    cJSON_Delete(all);
}
END_TEST

START_TEST(rfc7515_a_1_is_a_token_until_its_time)
{
    cJSON *all = read_json("rfc7515-appendix-a.json");
    const cJSON *item = appendix(all, "RFC7515-A.1");
    const char *jws = text_at(item, "jws", NULL);
    struct segs_jwt_verifier_options o = SEGS_JWT_VERIFIER_OPTIONS_INIT;
    struct segs_jwk *key = NULL;
    struct segs_jwt_verifier *v;
    struct segs_jwt_claims *claims = NULL;
    int flag = 0;

    o.issuer = "joe";
    ck_assert_int_eq(key_of(cJSON_GetObjectItemCaseSensitive(item, "jwk"), SEGS_ALG_HS256, &key),
                     0);
    ck_assert_int_eq(segs_jwt_verifier_new(key, &o, &v, NULL), 0);
    ck_assert_int_eq(segs_jwt_verify(v, jws, strlen(jws), 1300819380, &claims, NULL),
                     SEGS_EEXPIRED);
    ck_assert_int_eq(segs_jwt_verify(v, jws, strlen(jws), 1300819379, &claims, NULL), 0);
    ck_assert_int_eq(segs_jwt_claims_get_bool(claims, "http://example.com/is_root", &flag), 0);
    ck_assert_int_eq(flag, 1);
    segs_jwt_claims_free(claims);
    segs_jwt_verifier_free(v);
    segs_jwk_free(key);
    cJSON_Delete(all);
}
END_TEST

START_TEST(rfc7515_a_4_es512_is_not_supported)
{
    cJSON *all = read_json("rfc7515-appendix-a.json");
    const cJSON *item = appendix(all, "RFC7515-A.4");
    struct segs_jwk *key = NULL;

    ck_assert_int_eq(key_of(cJSON_GetObjectItemCaseSensitive(item, "jwk"), 0, &key), SEGS_ENOTSUP);
    cJSON_Delete(all);
}
END_TEST

START_TEST(rfc7515_a_5_and_e_are_refused_by_every_key)
{
    static const char *const ids[] = { "RFC7515-A.5", "RFC7515-App.E" };
    static const char *const keys[] = { "RFC7515-A.1", "RFC7515-A.2", "RFC7515-A.3" };
    static const int64_t algs[] = { SEGS_ALG_HS256, SEGS_ALG_RS256, SEGS_ALG_ES256 };
    cJSON *all = read_json("rfc7515-appendix-a.json");

    for (size_t k = 0; k < 3; k++) {
        const cJSON *jwk = cJSON_GetObjectItemCaseSensitive(appendix(all, keys[k]), "jwk");
        struct segs_jwk *key = NULL;

        ck_assert_int_eq(key_of(jwk, algs[k], &key), 0);
        for (size_t i = 0; i < 2; i++) {
            const char *jws = text_at(appendix(all, ids[i]), "jws", NULL);

            ck_assert_int_eq(verify(key, jws, strlen(jws)), SEGS_EDENIED);
        }
        segs_jwk_free(key);
    }
    cJSON_Delete(all);
}
END_TEST

START_TEST(an_example_never_verifies_with_the_key_of_another)
{
    static const char *const ids[] = { "RFC7515-A.1", "RFC7515-A.2", "RFC7515-A.3" };
    static const int64_t algs[] = { SEGS_ALG_HS256, SEGS_ALG_RS256, SEGS_ALG_ES256 };
    cJSON *all = read_json("rfc7515-appendix-a.json");

    for (size_t k = 0; k < 3; k++) {
        const cJSON *jwk = cJSON_GetObjectItemCaseSensitive(appendix(all, ids[k]), "jwk");
        struct segs_jwk *key = NULL;

        ck_assert_int_eq(key_of(jwk, algs[k], &key), 0);
        for (size_t i = 0; i < 3; i++) {
            const char *jws = text_at(appendix(all, ids[i]), "jws", NULL);

            ck_assert_int_eq(verify(key, jws, strlen(jws)), i == k ? 0 : SEGS_EDENIED);
        }
        segs_jwk_free(key);
    }
    cJSON_Delete(all);
}
END_TEST

/* ---- RFC 7520 4 and RFC 8037 A: compact examples of algorithms that libsegs has ---- */

static const struct {
    const char *file;
    int64_t alg;
} compact[] = {
    { "cookbook/jws/4_1.rsa_v15_signature.json", SEGS_ALG_RS256 },
    { "cookbook/jws/4_4.hmac-sha2_integrity_protection.json", SEGS_ALG_HS256 },
    { "cookbook/curve25519/jws.json", SEGS_ALG_EDDSA },
};

START_TEST(compact_examples_verify_and_are_reproduced)
{
    cJSON *json = read_json(compact[_i].file);
    const cJSON *input = cJSON_GetObjectItemCaseSensitive(json, "input");
    const char *jws = text_at(json, "output", "compact");
    const char *payload = text_at(input, "payload", NULL);
    struct segs_jwk *key = NULL;
    char header[1024];
    char text[1024];
    size_t n = strcspn(jws, ".");

    ck_assert_int_eq(key_of(cJSON_GetObjectItemCaseSensitive(input, "key"), 0, &key), 0);
    ck_assert_int_eq(segs_jwk_alg(key), compact[_i].alg);
    check_valid(key, jws, payload);

    /* The header as it was signed, decoded with libcrypto. */
    memset(text, '=', sizeof text);
    memcpy(text, jws, n);
    for (size_t i = 0; i < n; i++)
        text[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    ck_assert_int_gt(
        EVP_DecodeBlock((unsigned char *)header, (unsigned char *)text, (int)((n + 3) / 4 * 4)), 0);
    header[n / 4 * 3 + (n % 4 ? n % 4 - 1 : 0)] = '\0';
    check_reproducible(key, jws, header, payload);
    segs_jwk_free(key);
    cJSON_Delete(json);
}
END_TEST

START_TEST(rfc7520_4_5_detached_content_verifies_when_put_back)
{
    cJSON *json = read_json("cookbook/jws/4_5.signature_with_detached_content.json");
    const cJSON *input = cJSON_GetObjectItemCaseSensitive(json, "input");
    const char *jws = text_at(json, "output", "compact");
    const char *payload = text_at(input, "payload", NULL);
    const char *dots = strstr(jws, "..");
    struct segs_jwk *key = NULL;
    char whole[2048];
    size_t n = (size_t)(dots - jws) + 1;

    ck_assert_int_eq(key_of(cJSON_GetObjectItemCaseSensitive(input, "key"), 0, &key), 0);
    ck_assert_int_eq(verify(key, jws, strlen(jws)), SEGS_EDENIED);
    memcpy(whole, jws, n);
    n += forge_b64(payload, strlen(payload), whole + n);
    memcpy(whole + n, dots + 1, strlen(dots + 1) + 1);
    check_valid(key, whole, payload);
    segs_jwk_free(key);
    cJSON_Delete(json);
}
END_TEST

/* A flattened or general JSON signature put into compact form. */
static void to_compact(const char *protected_header, const char *payload, const char *signature,
                       char *ret, size_t capacity)
{
    char text[1024];

    (void)forge_b64(payload, strlen(payload), text);
    (void)snprintf(ret, capacity, "%s.%s.%s", protected_header, text, signature);
}

START_TEST(rfc7520_4_6_verifies_and_4_7_without_a_protected_alg_does_not)
{
    static const char *const files[] = { "cookbook/jws/4_6.protecting_specific_header_fields.json",
                                         "cookbook/jws/4_7.protecting_content_only.json" };
    cJSON *json = read_json(files[_i]);
    const cJSON *input = cJSON_GetObjectItemCaseSensitive(json, "input");
    const char *header = text_at(json, "signing", "protected_b64u");
    struct segs_jwk *key = NULL;
    char jws[2048];

    ck_assert_int_eq(key_of(cJSON_GetObjectItemCaseSensitive(input, "key"), 0, &key), 0);
    to_compact(header ? header : "", text_at(input, "payload", NULL),
               text_at(json, "signing", "sig"), jws, sizeof jws);
    /* 4.6 protects "alg" and leaves "kid" outside, so it is a good compact JWS; 4.7 protects nothing. */
    ck_assert_int_eq(verify(key, jws, strlen(jws)), _i == 0 ? 0 : SEGS_EDENIED);
    segs_jwk_free(key);
    cJSON_Delete(json);
}
END_TEST

START_TEST(rfc7520_4_8_signatures_of_ours_verify_one_by_one)
{
    cJSON *json = read_json("cookbook/jws/4_8.multiple_signatures.json");
    const cJSON *input = cJSON_GetObjectItemCaseSensitive(json, "input");
    const cJSON *keys = cJSON_GetObjectItemCaseSensitive(input, "key");
    const cJSON *signings = cJSON_GetObjectItemCaseSensitive(json, "signing");
    int n_valid = 0;
    int n_unsupported = 0;

    for (int i = 0; i < cJSON_GetArraySize(signings); i++) {
        const cJSON *signing = cJSON_GetArrayItem(signings, i);
        const char *header = text_at(signing, "protected_b64u", NULL);
        struct segs_jwk *key = NULL;
        char jws[2048];
        int r = key_of(cJSON_GetArrayItem(keys, i), 0, &key);

        if (r < 0) {
            ck_assert_int_eq(r, SEGS_ENOTSUP); /* ES512 */
            n_unsupported++;
            continue;
        }
        to_compact(header ? header : "", text_at(input, "payload", NULL),
                   text_at(signing, "sig", NULL), jws, sizeof jws);
        ck_assert_int_eq(verify(key, jws, strlen(jws)), 0);
        n_valid++;
        segs_jwk_free(key);
    }
    /* RS256, ES512, HS256 */
    ck_assert_int_eq(n_valid, 2);
    ck_assert_int_eq(n_unsupported, 1);
    cJSON_Delete(json);
}
END_TEST

START_TEST(rfc7520_algorithms_we_do_not_have_are_refused)
{
    cJSON *json = read_json("cookbook/jws/4_2.rsa-pss_signature.json");
    const cJSON *input = cJSON_GetObjectItemCaseSensitive(json, "input");
    const char *jws = text_at(json, "output", "compact");
    struct segs_jwk *key = NULL;

    /* PS384, with a key that serves RS256 here. */
    ck_assert_int_eq(key_of(cJSON_GetObjectItemCaseSensitive(input, "key"), 0, &key), 0);
    ck_assert_int_eq(verify(key, jws, strlen(jws)), SEGS_EDENIED);
    segs_jwk_free(key);
    cJSON_Delete(json);

    json = read_json("cookbook/jws/4_3.ecdsa_signature.json"); /* ES512 */
    input = cJSON_GetObjectItemCaseSensitive(json, "input");
    ck_assert_int_eq(key_of(cJSON_GetObjectItemCaseSensitive(input, "key"), 0, &key), SEGS_ENOTSUP);
    cJSON_Delete(json);
}
END_TEST

START_TEST(rfc7797_unencoded_payloads_are_refused)
{
    static const char *const files[] = { "cookbook/rfc7797/hmac-sha2_b64_false.json",
                                         "cookbook/rfc7797/4.2.hmac-sha2_b64_false.json" };
    cJSON *json = read_json(files[_i]);
    const cJSON *input = cJSON_GetObjectItemCaseSensitive(json, "input");
    const cJSON *flat = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(json, "output"), "json_flat");
    const char *jws = text_at(json, "output", "compact");
    struct segs_jwk *key = NULL;
    char made[1024];

    ck_assert_int_eq(key_of(cJSON_GetObjectItemCaseSensitive(input, "key"), 0, &key), 0);
    if (!jws) {
        (void)snprintf(made, sizeof made, "%s.%s.%s", text_at(flat, "protected", NULL),
                       text_at(flat, "payload", NULL), text_at(flat, "signature", NULL));
        jws = made;
    }
    ck_assert_int_eq(verify(key, jws, strlen(jws)), SEGS_EDENIED);
    segs_jwk_free(key);
    cJSON_Delete(json);
}
END_TEST

/* ---- RFC 7520 3: keys ---- */

START_TEST(rfc7520_keys_are_read_or_refused_by_kind)
{
    static const struct {
        const char *file;
        int r;
        int can_sign;
    } rows[] = {
        { "cookbook/jwk/3_1.ec_public_key.json", SEGS_ENOTSUP, 0 },  /* P-521 */
        { "cookbook/jwk/3_2.ec_private_key.json", SEGS_ENOTSUP, 0 }, /* P-521 */
        { "cookbook/jwk/3_3.rsa_public_key.json", 0, 0 },
        { "cookbook/jwk/3_4.rsa_private_key.json", 0, 1 },
        { "cookbook/jwk/3_5.symmetric_key_mac_computation.json", 0, 1 },
        { "cookbook/jwk/3_6.symmetric_key_encryption.json", SEGS_ENOTSUP, 0 }, /* use: enc */
    };
    cJSON *json = read_json(rows[_i].file);
    struct segs_jwk *key = NULL;

    ck_assert_int_eq(key_of(json, 0, &key), rows[_i].r);
    if (rows[_i].r == 0) {
        ck_assert_int_eq(segs_jwk_can_sign(key), rows[_i].can_sign);
        ck_assert_str_eq(segs_jwk_kid(key), text_at(json, "kid", NULL));
    }
    segs_jwk_free(key);
    cJSON_Delete(json);
}
END_TEST

static int run(void)
{
    Suite *suite = suite_create("jose_rfc");
    TCase *tc = tcase_create("jose_rfc");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, rfc7515_a_1_to_a_3_verify_and_nothing_near_them_does, 0, 3);
    tcase_add_test(tc, rfc7515_a_1_is_a_token_until_its_time);
    tcase_add_test(tc, rfc7515_a_4_es512_is_not_supported);
    tcase_add_test(tc, rfc7515_a_5_and_e_are_refused_by_every_key);
    tcase_add_test(tc, an_example_never_verifies_with_the_key_of_another);
    tcase_add_loop_test(tc, compact_examples_verify_and_are_reproduced, 0, 3);
    tcase_add_test(tc, rfc7520_4_5_detached_content_verifies_when_put_back);
    tcase_add_loop_test(tc, rfc7520_4_6_verifies_and_4_7_without_a_protected_alg_does_not, 0, 2);
    tcase_add_test(tc, rfc7520_4_8_signatures_of_ours_verify_one_by_one);
    tcase_add_test(tc, rfc7520_algorithms_we_do_not_have_are_refused);
    tcase_add_loop_test(tc, rfc7797_unencoded_payloads_are_refused, 0, 2);
    tcase_add_loop_test(tc, rfc7520_keys_are_read_or_refused_by_kind, 0, 6);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(void)
{
    FILE *probe = fopen(FOLDER "rfc7515-appendix-a.json", "rb");

    if (!probe) {
        (void)fprintf(stderr, "SKIPPED: no outside test data at %s\n", FOLDER);
        return 77;
    }
    (void)fclose(probe);
    return run();
}
