/* Key texts. The first byte chooses: 0 mod 3 a JWK, 1 a JWKS, 2 PEM. What is taken must come out again
 * as the same key, and a public form must hold no secret. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <segs/jwk.h>

#define DUMP_BYTES 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition)
        abort();
}

static void check_key(const struct segs_jwk *key)
{
    static char first[DUMP_BYTES];
    static char second[DUMP_BYTES];
    struct segs_jwk *back = NULL;
    size_t len = 0;
    int is_hmac = segs_jwk_alg(key) <= SEGS_ALG_HS512;
    int r;

    must(segs_alg_name(segs_jwk_alg(key)) != NULL);
    r = segs_jwk_dump_public(key, first, sizeof first, &len);
    must(r == (is_hmac ? SEGS_ENOTSUP : 0));
    if (segs_jwk_can_sign(key))
        must(segs_jwk_dump_private(key, first, sizeof first, &len) == 0);
    must(segs_jwk_from_json(first, len, NULL, &back, NULL) == 0);
    if (segs_jwk_can_sign(key))
        must(segs_jwk_dump_private(back, second, sizeof second, NULL) == 0);
    else
        must(segs_jwk_dump_public(back, second, sizeof second, NULL) == 0);
    must(strcmp(first, second) == 0);
    segs_jwk_free(back);
}

static void check_set(const struct segs_jwk_set *set)
{
    static char text[DUMP_BYTES * 4];

    must(segs_jwk_set_count(set) <= SEGS_JWK_SET_MAX_KEYS);
    for (int64_t i = 0; i < segs_jwk_set_count(set); i++) {
        const struct segs_jwk *key = segs_jwk_set_get(set, i);

        must(segs_jwk_set_find(set, segs_jwk_kid(key), strlen(segs_jwk_kid(key))) == key);
        check_key(key);
    }
    must(segs_jwk_set_dump_public(set, text, sizeof text, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segs_jwk *key = NULL;
    struct segs_jwk_set *set = NULL;
    struct segs_error err;
    const char *text;

    if (size < 1 || size > 8192)
        return 0;
    text = (const char *)data + 1;
    (void)segs_secret_is_weak(text, size - 1);
    if (data[0] % 3 == 1) {
        if (segs_jwk_set_load(text, size - 1, NULL, &set, &err) == 0)
            check_set(set);
    } else if ((data[0] % 3 == 0 ? segs_jwk_from_json(text, size - 1, NULL, &key, &err)
                                 : segs_jwk_from_pem(text, size - 1, NULL, &key, &err)) == 0) {
        check_key(key);
    }
    segs_jwk_free(key);
    segs_jwk_set_free(set);
    return 0;
}
