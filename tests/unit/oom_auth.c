/* Every allocation that auth makes through an allocator fails once, and once with all later ones. What
 * libcrypto and libcrypt allocate for themselves is outside: the last test makes libcrypto's own
 * allocations fail and asks only that nothing is accepted or leaked and that the code is documented. */
#include <segs/jwk.h>
#include <segs/jwt.h>
#include <segs/password.h>

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "failalloc.h"

#define SECRET "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_"
/* RFC 8037 A.1 */
#define ED_PAIR                                                                                    \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"ed\","                                         \
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\","                                       \
    "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}"
#define OCT                                                                                        \
    "{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"hs\",\"k\":"                                     \
    "\"QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8\"}"

struct fixture {
    struct segs_jwk *key;
    struct segs_jwk_set *set;
    struct segs_jwt_verifier *verifier;
    struct segs_jwt_builder *builder;
    struct segs_jwt_claims *claims;
    char token[1024];
};

static void fixture_free(struct fixture *f)
{
    segs_jwt_claims_free(f->claims);
    segs_jwt_builder_free(f->builder);
    segs_jwt_verifier_free(f->verifier);
    segs_jwk_set_free(f->set);
    segs_jwk_free(f->key);
}

static int build(struct fixture *f, const struct segs_allocator *a)
{
    static const char *const required[] = { "sub", "sid" };
    struct segs_jwk_options ko = SEGS_JWK_OPTIONS_INIT;
    struct segs_jwt_verifier_options vo = SEGS_JWT_VERIFIER_OPTIONS_INIT;
    struct segs_jwt_builder_options bo = SEGS_JWT_BUILDER_OPTIONS_INIT;
    int r;

    ko.allocator = a;
    bo.allocator = a;
    vo.allocator = a;
    vo.issuer = "i";
    vo.audience = "a";
    vo.typ = "at+jwt";
    vo.required_claims = required;
    vo.n_required_claims = 2;
    if ((r = segs_jwk_from_json(ED_PAIR, strlen(ED_PAIR), &ko, &f->key, NULL)) < 0 ||
        (r = segs_jwk_set_load("{\"keys\":[" OCT "]}", strlen("{\"keys\":[" OCT "]}"), &ko, &f->set,
                               NULL)) < 0 ||
        (r = segs_jwk_set_add(f->set, f->key)) < 0 ||
        (r = segs_jwt_verifier_new_set(f->set, &vo, &f->verifier, NULL)) < 0)
        return r;
    bo.typ = "at+jwt";
    return segs_jwt_builder_new(&bo, &f->builder);
}

static int use(struct fixture *f)
{
    static const char *const roles[] = { "USER", "ADMIN" };
    char long_text[600];
    int r;

    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    if ((r = segs_jwt_builder_add_string(f->builder, "iss", "i")) < 0 ||
        (r = segs_jwt_builder_add_string(f->builder, "aud", "a")) < 0 ||
        (r = segs_jwt_builder_add_string(f->builder, "sub", "u")) < 0 ||
        (r = segs_jwt_builder_add_string(f->builder, "sid", "s")) < 0 ||
        (r = segs_jwt_builder_add_strings(f->builder, "roles", roles, 2)) < 0 ||
        (r = segs_jwt_builder_add_int(f->builder, "exp", 1000)) < 0)
        return r;
    if ((r = segs_jwt_sign(f->key, f->builder, f->token, sizeof f->token, NULL)) < 0 ||
        (r = segs_jwt_verify(f->verifier, f->token, strlen(f->token), 1, &f->claims, NULL)) < 0)
        return r;
    return segs_jwt_builder_add_string(f->builder, "long", long_text);
}

static int tokens(const struct segs_allocator *a, void *user)
{
    struct fixture f;
    int r;

    (void)user;
    memset(&f, 0, sizeof f);
    r = build(&f, a);
    if (r == 0)
        r = use(&f);
    fixture_free(&f);
    return r;
}

START_TEST(keys_sets_verifiers_builders_and_tokens)
{
    ck_assert_uint_gt(failalloc_sweep(tokens, NULL), 30);
}
END_TEST

static int other_keys(const struct segs_allocator *a, void *user)
{
    struct segs_jwk_options o = SEGS_JWK_OPTIONS_INIT;
    struct segs_jwk *key = NULL;
    struct segs_jwk *pub = NULL;
    char jws[512];
    char payload[8];
    int r;

    (void)user;
    o.allocator = a;
    o.alg = SEGS_ALG_ES256;
    if ((r = segs_jwk_generate(&o, &key, NULL)) == 0 && (r = segs_jwk_public(key, &pub)) == 0 &&
        (r = segs_jws_sign(key, NULL, 0, "x", 1, jws, sizeof jws, NULL)) == 0)
        r = segs_jws_verify(pub, jws, strlen(jws), payload, sizeof payload, NULL);
    segs_jwk_free(key);
    segs_jwk_free(pub);
    key = NULL;
    if (r < 0)
        return r;
    o.alg = SEGS_ALG_HS256;
    o.kid = "k";
    r = segs_jwk_from_secret(SECRET, 32, &o, &key, NULL);
    segs_jwk_free(key);
    return r;
}

START_TEST(generated_and_public_keys)
{
    ck_assert_uint_gt(failalloc_sweep(other_keys, NULL), 6);
}
END_TEST

static int passwords(const struct segs_allocator *a, void *user)
{
    struct segs_password_options o = SEGS_PASSWORD_OPTIONS_INIT;
    char hash[SEGS_PASSWORD_HASH_BYTES];
    int r;

    (void)user;
    o.allocator = a;
    o.cost = 1;
    r = segs_password_hash("correct horse", 13, "0123456789abcdef", &o, hash, sizeof hash);
    if (r == 0)
        r = segs_password_verify("correct horse", 13, hash, &o);
    if (r == 0) {
        r = segs_password_verify_dummy("correct horse", 13, &o);
        r = r == SEGS_EDENIED ? 0 : r;
    }
    return r;
}

START_TEST(password_hashes)
{
    ck_assert_uint_eq(failalloc_sweep(passwords, NULL), 3);
}
END_TEST

/* ---- libcrypto's own memory ---- */

static size_t crypto_calls;
static size_t crypto_fail_at;

static void *crypto_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    crypto_calls++;
    return crypto_fail_at != 0 && crypto_calls >= crypto_fail_at ? NULL : malloc(size);
}

static void *crypto_realloc(void *ptr, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    crypto_calls++;
    return crypto_fail_at != 0 && crypto_calls >= crypto_fail_at ? NULL : realloc(ptr, size);
}

static void crypto_free(void *ptr, const char *file, int line)
{
    (void)file;
    (void)line;
    free(ptr);
}

/* Failing from call `fail_at` on: verification of a good token must answer no, never yes. */
static int verify_while_failing(struct fixture *f, size_t fail_at)
{
    struct segs_jwt_claims *claims = NULL;
    int r;

    crypto_calls = 0;
    crypto_fail_at = fail_at;
    r = segs_jwt_verify(f->verifier, f->token, strlen(f->token), 1, &claims, NULL);
    crypto_fail_at = 0;
    ck_assert((r == 0) == (claims != NULL));
    segs_jwt_claims_free(claims);
    return r;
}

START_TEST(libcrypto_without_memory_never_accepts_a_token)
{
    struct fixture f;
    size_t n = 0;
    int r;

    memset(&f, 0, sizeof f);
    ck_assert_int_eq(build(&f, NULL), 0);
    ck_assert_int_eq(use(&f), 0);
    do {
        r = verify_while_failing(&f, ++n);
        ck_assert(r == 0 || r == SEGS_ENOMEM || r == SEGS_EINTERNAL || r == SEGS_EDENIED);
        if (r == 0)
            ck_assert_uint_lt(crypto_calls, n);
    } while (r != 0);
    ck_assert_uint_gt(n, 2);
    fixture_free(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("oom_auth");
    TCase *tc = tcase_create("oom_auth");
    SRunner *runner;
    int n_failed;

    /* Only possible before libcrypto's first allocation. */
    if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1) {
        (void)fprintf(stderr, "libcrypto does not take memory functions any more\n");
        return EXIT_FAILURE;
    }
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, keys_sets_verifiers_builders_and_tokens);
    tcase_add_test(tc, generated_and_public_keys);
    tcase_add_test(tc, password_hashes);
    tcase_add_test(tc, libcrypto_without_memory_never_accepts_a_token);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
