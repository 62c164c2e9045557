/**
 * @file
 * Keys for signing and verifying (JSON Web Keys, RFC 7517, 7518, 8037) and fixed tables of them.
 *
 * One key serves one algorithm, fixed when the key is made (RFC 8725 3.1): no later input, least of
 * all a token, can use it for another. A key that exists is usable: sizes, points and parameters
 * were checked. Nothing here fetches anything; a key set is a table that its owner filled.
 *
 * Thread rule: keys are immutable and may be used by any number of threads at once. A key set may
 * be used by any number of threads once nobody adds to it.
 */
#ifndef SEGS_JWK_H
#define SEGS_JWK_H

#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>
#include <segs/export.h>
#include <segs/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Algorithms (RFC 7518 3.1, RFC 8037 3.1). There is no "none". Values are stable. */
#define SEGS_ALG_HS256 1 /**< HMAC with SHA-256, key >= 32 bytes. */
#define SEGS_ALG_HS384 2 /**< HMAC with SHA-384, key >= 48 bytes. */
#define SEGS_ALG_HS512 3 /**< HMAC with SHA-512, key >= 64 bytes. */
#define SEGS_ALG_RS256 4 /**< RSASSA-PKCS1-v1_5 with SHA-256, modulus 2048..8192 bits. */
#define SEGS_ALG_ES256 5 /**< ECDSA on P-256 with SHA-256. */
#define SEGS_ALG_EDDSA 6 /**< Ed25519. */

#define SEGS_JWK_KID_MAX_BYTES 256         /**< Longest key id (limit: ours). */
#define SEGS_JWK_SECRET_MAX_BYTES 1024     /**< Longest HMAC key (limit: ours). */
#define SEGS_JWK_TEXT_MAX_BYTES 65536      /**< Longest JWK or PEM text (limit: ours). */
#define SEGS_JWK_SET_MAX_KEYS 64           /**< Keys in one set (limit: ours). */
#define SEGS_JWK_SET_TEXT_MAX_BYTES 262144 /**< Longest JWKS text (limit: ours). */
#define SEGS_JWK_THUMBPRINT_BYTES 44       /**< Room for a thumbprint and its NUL. */

/** One key. */
struct segs_jwk;
/** A table of keys by key id. */
struct segs_jwk_set;

/** Options for making a key or loading a set. A zero field means its default. Append-only. */
struct segs_jwk_options {
    size_t size;                            /**< Set by SEGS_JWK_OPTIONS_INIT. */
    const struct segs_allocator *allocator; /**< Borrowed, outlives the key; called by each
 thread that signs with it. NULL: malloc. */
    const char *kid; /**< Key id, NUL-terminated, 1..256 bytes of UTF-8 without control characters;
                        copied. NULL: the one in the JWK, if any. Must agree with the JWK's. Not for
                        sets. */
    int64_t alg;     /**< SEGS_ALG_*. 0: the JWK's, or the only one its kind of key has here (RSA:
                RS256, P-256: ES256, Ed25519: EdDSA). Must agree with the JWK's. Not for sets. */
};
#define SEGS_JWK_OPTIONS_INIT                                                                      \
    {                                                                                              \
        .size = sizeof(struct segs_jwk_options)                                                    \
    }

/**
 * Get the name of an algorithm as it stands in "alg" ("ES256").
 *
 * @return a static string, or NULL for a value this version does not know.
 * @since 0.1
 */
SEGS_API const char *segs_alg_name(int64_t alg);

/**
 * Get the algorithm of a name; case matters (RFC 7515 4.1.1).
 *
 * @param name  Borrowed; `len` bytes, need not be NUL-terminated.
 * @param ret   Receives the SEGS_ALG_* value. Untouched on failure.
 * @return 0, or
 *         SEGS_EINVAL     a NULL;
 *         SEGS_ENOTFOUND  not one of the algorithms above ("none" is not).
 * @since 0.1
 */
SEGS_API int segs_alg_parse(const char *name, size_t len, int64_t *ret);

/**
 * Make a key from the JSON text of one JWK, private or public.
 *
 * Kinds: "oct"; "RSA" with two primes or public; "EC" with crv "P-256"; "OKP" with crv "Ed25519".
 * Duplicate members, base64url with padding or loose bits, coordinates of a wrong length and points
 * off the curve are refused; private and public parts must belong together. RSA has 2048..8192 bits
 * and an odd exponent of 65537..2^64 (FIPS 186-5 5.1 and ours). A "use" other than "sig" and a
 * "key_ops" without sign or verify are refused. Unknown members are ignored (RFC 7517 4).
 *
 * @param json     Borrowed; `len` bytes, need not be NUL-terminated.
 * @param options  NULL: every default. "oct" has no default algorithm: JWK or options must name it.
 * @param ret      Receives the key; released with segs_jwk_free(). Untouched on failure.
 * @param reterr   Names the member and why; quotes at most one character of the text.
 * @return 0, or
 *         SEGS_EINVAL    a NULL, or an unusable option;
 *         SEGS_ESYNTAX   not JSON, a duplicate, missing or malformed member, bad base64url;
 *         SEGS_ERANGE    text too long, RSA or HMAC key of a refused size, point not on the curve,
 *                        parts that do not belong together;
 *         SEGS_ENOTSUP   a kind of key, curve, algorithm or use that libsegs does not have;
 *         SEGS_ECONFLICT algorithm or key id differ between JWK and options, or do not fit kty;
 *         SEGS_ENOMEM    no memory;
 *         SEGS_EINTERNAL libcrypto failed.
 * @since 0.1
 */
SEGS_API int segs_jwk_from_json(const char *json, size_t len,
                                const struct segs_jwk_options *options, struct segs_jwk **ret,
                                struct segs_error *reterr);

/**
 * Make an HMAC key from raw bytes. Quality is a separate question: segs_secret_is_weak().
 *
 * @param bytes    Borrowed; copied, and wiped when the key is freed.
 * @param len      At least the hash size of options->alg, at most SEGS_JWK_SECRET_MAX_BYTES.
 * @param options  alg must be SEGS_ALG_HS256, HS384 or HS512.
 * @param ret      Receives the key; released with segs_jwk_free(). Untouched on failure.
 * @return 0, or SEGS_EINVAL, SEGS_ERANGE, SEGS_ENOTSUP, SEGS_ENOMEM, SEGS_EINTERNAL as
 *         segs_jwk_from_json().
 * @since 0.1
 */
SEGS_API int segs_jwk_from_secret(const void *bytes, size_t len,
                                  const struct segs_jwk_options *options, struct segs_jwk **ret,
                                  struct segs_error *reterr);

/**
 * Make a key from PEM text: a private key (PKCS#8 "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE
 * KEY") or a public one ("PUBLIC KEY", "RSA PUBLIC KEY"). Encrypted keys are refused; no passphrase
 * is ever asked for. The same checks apply as for a JWK. The first key in the text is taken.
 *
 * @param pem  Borrowed; `len` bytes.
 * @return 0, or as segs_jwk_from_json(); SEGS_ESYNTAX when there is no readable key.
 * @since 0.1
 */
SEGS_API int segs_jwk_from_pem(const char *pem, size_t len, const struct segs_jwk_options *options,
                               struct segs_jwk **ret, struct segs_error *reterr);

/**
 * Make a new random key: 32, 48 or 64 bytes for HMAC, RSA of 3072 bits, P-256, or Ed25519. The
 * randomness is libcrypto's, the one place where libsegs draws its own. Without options->kid an
 * asymmetric key gets its thumbprint as key id, an HMAC key none.
 *
 * @param options  alg must be set.
 * @return 0, or SEGS_EINVAL, SEGS_ENOTSUP, SEGS_ENOMEM, SEGS_EINTERNAL as segs_jwk_from_json().
 * @since 0.1
 */
SEGS_API int segs_jwk_generate(const struct segs_jwk_options *options, struct segs_jwk **ret,
                               struct segs_error *reterr);

/**
 * Make the public counterpart of an asymmetric key, which can verify and not sign.
 *
 * @return 0, or SEGS_EINVAL for a NULL, SEGS_ENOTSUP for an HMAC key, SEGS_ENOMEM, SEGS_EINTERNAL.
 * @since 0.1
 */
SEGS_API int segs_jwk_public(const struct segs_jwk *key, struct segs_jwk **ret);

/** Release a key and wipe its secret parts. NULL is allowed. @since 0.1 */
SEGS_API void segs_jwk_free(struct segs_jwk *key);

/** Get the SEGS_ALG_* of a key, 0 for NULL. @since 0.1 */
SEGS_API int64_t segs_jwk_alg(const struct segs_jwk *key);

/** Get the key id, NULL when the key has none. Borrowed from the key. @since 0.1 */
SEGS_API const char *segs_jwk_kid(const struct segs_jwk *key);

/** Tell whether the key can sign: 1 for HMAC and private keys, 0 for public ones. @since 0.1 */
SEGS_API int segs_jwk_can_sign(const struct segs_jwk *key);

/** Get the size of an RSA modulus, an EC or Ed25519 key, or an HMAC secret in bits, 0 for NULL.
 * @since 0.1 */
SEGS_API int64_t segs_jwk_bits(const struct segs_jwk *key);

/**
 * Write the RFC 7638 thumbprint (SHA-256, base64url, 43 characters) of an asymmetric key.
 *
 * @param ret  At least SEGS_JWK_THUMBPRINT_BYTES; receives NUL-terminated text.
 * @return 0, or SEGS_EINVAL for a NULL, SEGS_ENOTSUP for an HMAC key (a digest of a secret must not
 *         be published), SEGS_EINTERNAL.
 * @since 0.1
 */
SEGS_API int segs_jwk_thumbprint(const struct segs_jwk *key, char *ret);

/**
 * Write the public JWK of an asymmetric key as JSON, with "alg", "use" and, if any, "kid".
 *
 * @param ret       Receives NUL-terminated text; may be NULL when capacity is 0.
 * @param capacity  Bytes at ret.
 * @param ret_len   Receives the length without NUL, also with SEGS_ENOSPC. May be NULL.
 * @return 0, or
 *         SEGS_EINVAL    a NULL key;
 *         SEGS_ENOTSUP   an HMAC key, which has no public part;
 *         SEGS_ENOSPC    capacity is not above *ret_len;
 *         SEGS_ENOMEM, SEGS_EINTERNAL.
 * @since 0.1
 */
SEGS_API int segs_jwk_dump_public(const struct segs_jwk *key, char *ret, size_t capacity,
                                  size_t *ret_len);

/**
 * Write the whole key as JSON, secret parts included: for key generation tools, never for a
 * network.
 *
 * @return as segs_jwk_dump_public(); SEGS_ENOTSUP when the key has no private part.
 * @since 0.1
 */
SEGS_API int segs_jwk_dump_private(const struct segs_jwk *key, char *ret, size_t capacity,
                                   size_t *ret_len);

/**
 * Make an empty set.
 *
 * @param options  Only the allocator is used. NULL: every default.
 * @param ret      Receives the set; released with segs_jwk_set_free(). Untouched on failure.
 * @return 0, or SEGS_EINVAL, SEGS_ENOTSUP, SEGS_ENOMEM.
 * @since 0.1
 */
SEGS_API int segs_jwk_set_new(const struct segs_jwk_options *options, struct segs_jwk_set **ret);

/**
 * Add a copy of a key.
 *
 * @return 0, or
 *         SEGS_EINVAL    a NULL, or a key without key id;
 *         SEGS_ECONFLICT the set has a key of that id;
 *         SEGS_EFULL     the set has SEGS_JWK_SET_MAX_KEYS keys;
 *         SEGS_ENOMEM    no memory. On any error the set is unchanged.
 * @since 0.1
 */
SEGS_API int segs_jwk_set_add(struct segs_jwk_set *set, const struct segs_jwk *key);

/**
 * Make a set from the text of a JWKS (RFC 7517 5).
 *
 * Keys of a kind, curve, algorithm or use that libsegs does not have are skipped and counted, as
 * the RFC asks. Any other fault in any key refuses the whole set: a typing error in a key file must
 * not silently remove a key. Every key taken must have a "kid" of its own.
 *
 * @param json     Borrowed; `len` bytes.
 * @param options  Only the allocator is used. NULL: every default.
 * @param ret      Receives the set; released with segs_jwk_set_free(). Untouched on failure.
 * @param reterr   index is the position in "keys".
 * @return 0, or as segs_jwk_from_json() and segs_jwk_set_add().
 * @since 0.1
 */
SEGS_API int segs_jwk_set_load(const char *json, size_t len, const struct segs_jwk_options *options,
                               struct segs_jwk_set **ret, struct segs_error *reterr);

/**
 * Write the public keys of a set as a JWKS; HMAC keys are left out.
 *
 * @return as segs_jwk_dump_public(), except that there is no SEGS_ENOTSUP.
 * @since 0.1
 */
SEGS_API int segs_jwk_set_dump_public(const struct segs_jwk_set *set, char *ret, size_t capacity,
                                      size_t *ret_len);

/** Release a set and its keys. NULL is allowed. @since 0.1 */
SEGS_API void segs_jwk_set_free(struct segs_jwk_set *set);

/** Get how many keys the set has. @since 0.1 */
SEGS_API int64_t segs_jwk_set_count(const struct segs_jwk_set *set);

/** Get how many keys of the loaded text were skipped. @since 0.1 */
SEGS_API int64_t segs_jwk_set_skipped(const struct segs_jwk_set *set);

/** Get a key by position, 0..count-1, in the order added; NULL outside. Borrowed. @since 0.1 */
SEGS_API const struct segs_jwk *segs_jwk_set_get(const struct segs_jwk_set *set, int64_t index);

/**
 * Find a key by id: exact bytes, in this table and nowhere else.
 *
 * @param kid  Borrowed; `len` bytes, need not be NUL-terminated.
 * @return the key, borrowed from the set, or NULL when there is none.
 * @since 0.1
 */
SEGS_API const struct segs_jwk *segs_jwk_set_find(const struct segs_jwk_set *set, const char *kid,
                                                  size_t len);

/** Answers of segs_secret_is_weak() other than 0. */
#define SEGS_WEAK_SHORT 1    /**< Fewer than 32 bytes. */
#define SEGS_WEAK_REPEATED 2 /**< A shorter piece repeated, or a run such as "abcdef...". */
#define SEGS_WEAK_POOR 3     /**< Too few different bytes to be random. */
#define SEGS_WEAK_KNOWN 4    /**< Made of the words of sample secrets ("your-secret-key-here"). */

/**
 * Tell whether a shared secret must not be used: too short, repeated, poor, or a phrase that
 * tutorials and sample configurations use. A service refuses to start with such a secret.
 *
 * Thresholds are ours: 32 bytes (RFC 7518 3.2 for HS256); at least 8 different bytes and two random
 * positions equal in at most one of six cases, which random hexadecimal text passes with a failure
 * chance below one in a million; "known" is when dropping the words of a list of ours from the
 * secret, in lower case and with digits-for-letters undone, leaves fewer than 16 letters and
 * digits. It is a net for mistakes: it cannot prove that a secret is good.
 *
 * @param bytes  Borrowed; NULL is weak.
 * @return 0 when none of the rules applies, else the first SEGS_WEAK_* that does.
 * @since 0.1
 */
SEGS_API int segs_secret_is_weak(const void *bytes, size_t len);

#ifdef __cplusplus
}
#endif

#endif
