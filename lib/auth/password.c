#include <segs/password.h>

#include <crypt.h>
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "auth/auth_internal.h"
#include "base/base_internal.h"

_Static_assert(offsetof(struct segs_password_options, cost) == 16, "no implicit padding");
_Static_assert(sizeof(struct segs_password_options) == 24, "no implicit padding");
_Static_assert(SEGS_PASSWORD_HASH_BYTES == CRYPT_OUTPUT_SIZE, "room for any hash");

#define PHRASE_MAX_BYTES (CRYPT_MAX_PASSPHRASE_SIZE - 1)
#define SHA512_BYTES 64
#define BCRYPT_LEN 60
#define BCRYPT_MAX_COST 16

/* Parameters that crypt_gensalt_rn("$y$", cost) writes, by cost. */
static const char *const yescrypt_params[SEGS_PASSWORD_COST_MAX + 1] = {
    NULL, "j75", "j85", "j7T", "j8T", "j9T", "jAT", "jBT", "jCT", "jDT", "jET", "jFT",
};

/* 32 kB of libcrypt's and a copy of the password: on the heap, and wiped. */
struct work {
    struct crypt_data data;
    char phrase[PHRASE_MAX_BYTES + 1];
};

static int read_options(const struct segs_password_options *options,
                        struct segs_password_options *o)
{
    int r = segs__options_copy(o, sizeof *o, options);

    if (r < 0)
        return r;
    if (o->cost == 0)
        o->cost = SEGS_PASSWORD_COST_DEFAULT;
    return o->cost >= SEGS_PASSWORD_COST_MIN && o->cost <= SEGS_PASSWORD_COST_MAX ? 0 : SEGS_ERANGE;
}

/* What libcrypt hashes for the password. */
static int write_phrase(const char *password, size_t len, char *ret)
{
    unsigned char digest[SHA512_BYTES];
    size_t text_len = segs__b64_text_len(sizeof digest);
    bool ok;

    if (len <= PHRASE_MAX_BYTES) {
        memcpy(ret, password, len);
        ret[len] = '\0';
        return 0;
    }
    ok = EVP_Digest(password, len, digest, NULL, EVP_sha512(), NULL) == 1;
    segs__b64_encode(digest, sizeof digest, ret);
    ret[text_len] = '\0';
    OPENSSL_cleanse(digest, sizeof digest);
    return ok ? 0 : SEGS_EINTERNAL;
}

/* Hash with the parameters and salt of `setting`. `*ret` points into `work`. */
static int hash_into(struct work *work, const char *password, size_t len, const char *setting,
                     const char **ret)
{
    int r = write_phrase(password, len, work->phrase);

    if (r < 0)
        return r;
    errno = 0;
    *ret = crypt_rn(work->phrase, setting, &work->data, (int)sizeof work->data);
    if (*ret)
        return 0;
    return errno == ENOMEM ? SEGS_ENOMEM : SEGS_EINTERNAL;
}

static void wipe_and_release(const struct segs_allocator *a, struct work *work)
{
    OPENSSL_cleanse(work, sizeof *work);
    segs__release(a, work);
}

static bool is_hashable(const char *password, size_t len)
{
    return len > 0 && len <= SEGS_PASSWORD_MAX_BYTES && !memchr(password, '\0', len);
}

static int write_setting(int64_t cost, const void *salt, char setting[CRYPT_GENSALT_OUTPUT_SIZE])
{
    if (!crypt_gensalt_rn("$y$", (unsigned long)cost, salt, SEGS_PASSWORD_SALT_BYTES, setting,
                          CRYPT_GENSALT_OUTPUT_SIZE))
        return SEGS_EINTERNAL;
    return 0;
}

/* Hash a password that is_hashable(). */
static int hash(const char *password, size_t len, const void *salt,
                const struct segs_password_options *o, char *ret)
{
    const struct segs_allocator *a = segs__allocator(o->allocator);
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    const char *text;
    struct work *work;
    int r = write_setting(o->cost, salt, setting);

    if (r < 0)
        return r;
    work = segs__alloc_zero(a, sizeof *work);
    if (!work)
        return SEGS_ENOMEM;
    r = hash_into(work, password, len, setting, &text);
    if (r == 0)
        memcpy(ret, text, strlen(text) + 1);
    wipe_and_release(a, work);
    return r;
}

int segs_password_hash(const char *password, size_t len, const void *salt,
                       const struct segs_password_options *options, char *ret, size_t capacity)
{
    struct segs_password_options o;
    int r;

    if (!password || !salt || !ret || capacity < SEGS_PASSWORD_HASH_BYTES)
        return SEGS_EINVAL;
    r = read_options(options, &o);
    if (r < 0)
        return r;
    if (len == 0 || len > SEGS_PASSWORD_MAX_BYTES)
        return SEGS_ERANGE;
    if (!is_hashable(password, len))
        return SEGS_ESYNTAX;
    return hash(password, len, salt, &o, ret);
}

/* yescrypt's cost, 0 when it is not yescrypt as we make it. */
static int64_t yescrypt_cost(const char *hash)
{
    if (strncmp(hash, "$y$", 3) != 0)
        return 0;
    for (int64_t cost = SEGS_PASSWORD_COST_MIN; cost <= SEGS_PASSWORD_COST_MAX; cost++) {
        size_t len = strlen(yescrypt_params[cost]);

        if (strncmp(hash + 3, yescrypt_params[cost], len) == 0 && hash[3 + len] == '$')
            return cost;
    }
    return 0;
}

static bool is_bcrypt(const char *hash)
{
    int cost;

    if (strlen(hash) != BCRYPT_LEN || hash[0] != '$' || hash[1] != '2' || !strchr("aby", hash[2]) ||
        hash[3] != '$' || !segs__is_digit(hash[4]) || !segs__is_digit(hash[5]) || hash[6] != '$')
        return false;
    cost = (hash[4] - '0') * 10 + (hash[5] - '0');
    return cost >= 4 && cost <= BCRYPT_MAX_COST;
}

int segs_password_verify(const char *password, size_t len, const char *hash,
                         const struct segs_password_options *options)
{
    struct segs_password_options o;
    const struct segs_allocator *a;
    const char *text;
    struct work *work;
    size_t hash_len;
    int r;

    if (!password || !hash)
        return SEGS_EINVAL;
    r = read_options(options, &o);
    if (r < 0)
        return r;
    hash_len = strlen(hash);
    if (hash_len >= SEGS_PASSWORD_HASH_BYTES || (yescrypt_cost(hash) == 0 && !is_bcrypt(hash)))
        return SEGS_ENOTSUP;
    if (!is_hashable(password, len))
        return SEGS_EDENIED;
    a = segs__allocator(o.allocator);
    work = segs__alloc_zero(a, sizeof *work);
    if (!work)
        return SEGS_ENOMEM;
    r = hash_into(work, password, len, hash, &text);
    if (r == SEGS_EINTERNAL)
        r = SEGS_ENOTSUP; /* the setting is what libcrypt did not like: a damaged hash */
    if (r == 0 && (strlen(text) != hash_len || CRYPTO_memcmp(text, hash, hash_len) != 0))
        r = SEGS_EDENIED;
    wipe_and_release(a, work);
    return r;
}

int segs_password_verify_dummy(const char *password, size_t len,
                               const struct segs_password_options *options)
{
    static const unsigned char salt[SEGS_PASSWORD_SALT_BYTES];
    char text[SEGS_PASSWORD_HASH_BYTES];
    struct segs_password_options o;
    int r;

    if (!password)
        return SEGS_EINVAL;
    r = read_options(options, &o);
    if (r < 0)
        return r;
    if (!is_hashable(password, len))
        return SEGS_EDENIED;
    r = hash(password, len, salt, &o, text);
    OPENSSL_cleanse(text, sizeof text);
    return r < 0 ? r : SEGS_EDENIED;
}

int segs_password_needs_rehash(const char *hash, const struct segs_password_options *options)
{
    struct segs_password_options o;
    int r;

    if (!hash)
        return SEGS_EINVAL;
    r = read_options(options, &o);
    return r < 0 ? r : yescrypt_cost(hash) < o.cost;
}
