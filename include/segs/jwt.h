/**
 * @file
 * Tokens: signing and verifying JSON Web Tokens (RFC 7519) in compact form (RFC 7515), by the rules
 * of RFC 8725.
 *
 * The key decides the algorithm, the token never does. A verifier is a policy built once: key or
 * key set, issuer, audience, type, required claims; each kind of token (access, reset, meter) has
 * its own verifier and its own "typ", so that one kind never passes for another. Signatures are
 * verified over the received bytes before the payload is looked at.
 *
 * Strictness beyond the RFCs, all of it refused: "crit", "zip", "jku", "x5u", "x5c", "jwk" and
 * "b64" (RFC 7797) in a header; duplicate members at any level of header or claims; base64url with
 * padding, white space or loose bits; invalid UTF-8; U+0000 in any text; JSON nested deeper than
 * 16 levels or with more than 256 members in one object.
 *
 * Times are whole seconds since 1970 UTC, and "now" is always an argument.
 *
 * Thread rule: a verifier is immutable and serves any number of threads at once. Claims are
 * immutable and owned by whoever received them. A builder belongs to one thread at a time.
 */
#ifndef SEGS_JWT_H
#define SEGS_JWT_H

#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>
#include <segs/export.h>
#include <segs/jwk.h>
#include <segs/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGS_JWT_LEEWAY_MAX_S 60 /**< Largest clock difference a verifier may forgive (ours). */
#define SEGS_JWT_TOKEN_DEFAULT_BYTES 8192  /**< Default of max_token_bytes (ours). */
#define SEGS_JWT_TOKEN_MAX_BYTES 65536     /**< Largest max_token_bytes (ours). */
#define SEGS_JWT_HEADER_DEFAULT_BYTES 1024 /**< Default of max_header_bytes (ours). */
#define SEGS_JWT_HEADER_MAX_BYTES 4096     /**< Largest max_header_bytes (ours). */
#define SEGS_JWT_REQUIRED_MAX 16           /**< Most required claims of one verifier (ours). */
#define SEGS_JWT_TIME_MAX_S INT64_C(253402300799) /**< Last second of the year 9999. */

/** Flag of segs_jwt_verifier_options: a token without "kid" is refused also when there is one key. */
#define SEGS_JWT_REQUIRE_KID 0x1u

/** How tokens of one kind are accepted. */
struct segs_jwt_verifier;
/** The claims of a token that was accepted. */
struct segs_jwt_claims;
/** Claims being put together for signing. */
struct segs_jwt_builder;

/** Options of a verifier. A zero field means its default. Append-only. All texts are copied. */
struct segs_jwt_verifier_options {
    size_t size;                            /**< Set by SEGS_JWT_VERIFIER_OPTIONS_INIT. */
    const struct segs_allocator *allocator; /**< Borrowed, outlives the verifier and every claims
                                               object it returned. NULL: malloc. Called by each
                                               thread that verifies. */
    const char *issuer;   /**< "iss" must be there and equal. NULL: not looked at. */
    const char *audience; /**< "aud" must be there and be or contain it. NULL: a token that has
                             "aud" is meant for somebody else and refused (RFC 7519 4.1.3). */
    const char *typ;      /**< Header "typ" must be there and equal, e.g. "at+jwt"; ASCII case and a
                             leading "application/" do not matter (RFC 7515 4.1.9). NULL: "typ" must be
                             absent or "JWT". */
    const char *const *required_claims; /**< Names of claims that must be there and not null. */
    int64_t n_required_claims;          /**< 0..SEGS_JWT_REQUIRED_MAX. "exp" is always required. */
    int64_t leeway_s;         /**< Clock difference forgiven for exp, nbf, iat: 0..60. Default 0. */
    int64_t max_token_bytes;  /**< Longer tokens are refused: 64..65536. Default 8192. */
    int64_t max_header_bytes; /**< Longer decoded headers are refused: 16..4096. Default 1024. */
    uint32_t flags;           /**< SEGS_JWT_REQUIRE_KID. */
    uint32_t reserved;        /**< Zero. */
};
#define SEGS_JWT_VERIFIER_OPTIONS_INIT                                                             \
    {                                                                                              \
        .size = sizeof(struct segs_jwt_verifier_options)                                           \
    }

/**
 * Build a verifier for one key. When both the key and a token have a key id, they must be equal.
 *
 * @param key      Copied; may be freed afterwards.
 * @param options  NULL: every default.
 * @param ret      Receives the verifier; released with segs_jwt_verifier_free(). Untouched on
 *                 failure.
 * @return 0, or
 *         SEGS_EINVAL   a NULL, an empty text, a NULL required claim, an unknown flag;
 *         SEGS_ERANGE   an option outside its range;
 *         SEGS_ENOTSUP  options this version does not know;
 *         SEGS_ENOMEM, SEGS_EINTERNAL.
 * @since 0.1
 */
SEGS_API int segs_jwt_verifier_new(const struct segs_jwk *key,
                                   const struct segs_jwt_verifier_options *options,
                                   struct segs_jwt_verifier **ret, struct segs_error *reterr);

/**
 * Build a verifier for a set of keys. A token's "kid" selects the key; a token without one is
 * refused unless the set has exactly one key and SEGS_JWT_REQUIRE_KID is not set.
 *
 * @param set  Copied as it is now; an empty set is SEGS_EINVAL. To rotate keys, build a new
 *             verifier.
 * @return as segs_jwt_verifier_new().
 * @since 0.1
 */
SEGS_API int segs_jwt_verifier_new_set(const struct segs_jwk_set *set,
                                       const struct segs_jwt_verifier_options *options,
                                       struct segs_jwt_verifier **ret, struct segs_error *reterr);

/** Release a verifier. NULL is allowed. Claims it returned stay valid. @since 0.1 */
SEGS_API void segs_jwt_verifier_free(struct segs_jwt_verifier *verifier);

/**
 * Verify a token and get its claims.
 *
 * exp: valid while now_s < exp + leeway. nbf and iat, if there: now_s >= value - leeway. A fraction
 * of a second (RFC 7519 NumericDate) is rounded up, which is exact against a clock of whole
 * seconds; a value with an exponent, below 0 or after the year 9999 is refused. iss, sub, jti and
 * sid must be texts when they are there.
 *
 * @param token   Borrowed; `len` bytes as received, without "Bearer ".
 * @param now_s   Seconds since 1970 UTC, 0..SEGS_JWT_TIME_MAX_S.
 * @param ret     Receives the claims; released with segs_jwt_claims_free(). Untouched on failure.
 * @param reterr  Receives the same text for every refusal, so it may reach the sender; for the
 *                reason see segs_jwt_explain().
 * @return 0, or
 *         SEGS_EDENIED   the token is not acceptable, for whatever reason;
 *         SEGS_EEXPIRED  all other rules hold, but it is past exp or before nbf or iat;
 *         SEGS_EINVAL    a NULL, or now_s out of range;
 *         SEGS_ENOMEM, SEGS_EINTERNAL  nothing is known of the token: deny, and answer 503.
 *         When libcrypto runs out of memory halfway, it may also be SEGS_EDENIED; never 0.
 * @since 0.1
 */
SEGS_API int segs_jwt_verify(const struct segs_jwt_verifier *verifier, const char *token,
                             size_t len, int64_t now_s, struct segs_jwt_claims **ret,
                             struct segs_error *reterr);

/**
 * Verify a token for an operator who wants to know why it is refused. Never show the answer to
 * whoever sent the token.
 *
 * @param ret_reason  Receives a static text, "accepted" when there is nothing wrong.
 * @return as segs_jwt_verify().
 * @since 0.1
 */
SEGS_API int segs_jwt_explain(const struct segs_jwt_verifier *verifier, const char *token,
                              size_t len, int64_t now_s, const char **ret_reason);

/** Release claims. NULL is allowed. @since 0.1 */
SEGS_API void segs_jwt_claims_free(struct segs_jwt_claims *claims);

/** Get "sub", NULL when absent. Texts of claims are NUL-terminated and borrowed. @since 0.1 */
SEGS_API const char *segs_jwt_claims_subject(const struct segs_jwt_claims *claims);
/** Get "iss", NULL when absent. @since 0.1 */
SEGS_API const char *segs_jwt_claims_issuer(const struct segs_jwt_claims *claims);
/** Get "jti", the token's own id, NULL when absent. @since 0.1 */
SEGS_API const char *segs_jwt_claims_jti(const struct segs_jwt_claims *claims);
/** Get "sid", the session id, NULL when absent. @since 0.1 */
SEGS_API const char *segs_jwt_claims_sid(const struct segs_jwt_claims *claims);
/** Get "exp" in seconds, a fraction rounded up. @since 0.1 */
SEGS_API int64_t segs_jwt_claims_exp_s(const struct segs_jwt_claims *claims);
/** Get "iat" in seconds, a fraction rounded up; -1 when absent. @since 0.1 */
SEGS_API int64_t segs_jwt_claims_iat_s(const struct segs_jwt_claims *claims);
/** Get "nbf" in seconds, a fraction rounded up; -1 when absent. @since 0.1 */
SEGS_API int64_t segs_jwt_claims_nbf_s(const struct segs_jwt_claims *claims);

/**
 * Get the roles: the text "role" and the texts of the array "roles", as SEGS_ROLE_BIT() bits
 * (segs/role.h). Names this version does not know are left out.
 *
 * @since 0.1
 */
SEGS_API uint32_t segs_jwt_claims_roles(const struct segs_jwt_claims *claims);

/**
 * Tell whether a claim is there; null counts as absent.
 *
 * @param name  Exact name of a top-level member, NUL-terminated.
 * @return 1 or 0.
 * @since 0.1
 */
SEGS_API int segs_jwt_claims_has(const struct segs_jwt_claims *claims, const char *name);

/**
 * Get a claim that is a text, a whole number or a truth value.
 *
 * @param name  Exact name of a top-level member, NUL-terminated.
 * @param ret   Receives the value; a text is borrowed from the claims. Untouched on failure.
 * @return 0, or
 *         SEGS_EINVAL     a NULL;
 *         SEGS_ENOTFOUND  absent or null;
 *         SEGS_ESYNTAX    of another type (1.0 and 1e3 are not whole numbers here);
 *         SEGS_EOVERFLOW  a whole number that int64_t cannot hold.
 * @since 0.1
 */
SEGS_API int segs_jwt_claims_get_string(const struct segs_jwt_claims *claims, const char *name,
                                        const char **ret);
/** As segs_jwt_claims_get_string(). @since 0.1 */
SEGS_API int segs_jwt_claims_get_int(const struct segs_jwt_claims *claims, const char *name,
                                     int64_t *ret);
/** As segs_jwt_claims_get_string(); *ret is 0 or 1. @since 0.1 */
SEGS_API int segs_jwt_claims_get_bool(const struct segs_jwt_claims *claims, const char *name,
                                      int *ret);

/**
 * Get one text of a claim that is an array of texts; a single text counts as an array of one.
 *
 * @param index  0-based.
 * @param ret    Receives the text, borrowed from the claims. Untouched on failure.
 * @return 0, or
 *         SEGS_EINVAL     a NULL or a negative index;
 *         SEGS_ENOTFOUND  absent, null, or index past the end;
 *         SEGS_ESYNTAX    the claim or the element is of another type.
 * @since 0.1
 */
SEGS_API int segs_jwt_claims_get_string_at(const struct segs_jwt_claims *claims, const char *name,
                                           int64_t index, const char **ret);

/**
 * Count the elements of a claim that is an array; a single text counts as one.
 *
 * @return the count, or SEGS_EINVAL, SEGS_ENOTFOUND, SEGS_ESYNTAX as segs_jwt_claims_get_string().
 * @since 0.1
 */
SEGS_API int64_t segs_jwt_claims_array_count(const struct segs_jwt_claims *claims,
                                             const char *name);

/** Options of a builder. A zero field means its default. Append-only. */
struct segs_jwt_builder_options {
    size_t size;                            /**< Set by SEGS_JWT_BUILDER_OPTIONS_INIT. */
    const struct segs_allocator *allocator; /**< Borrowed, outlives the builder. NULL: malloc. */
    const char *typ; /**< Header "typ", 1..64 characters of RFC 6838 names. NULL: "JWT". Copied. */
    int64_t max_token_bytes; /**< Refuse to sign longer tokens: 64..65536. Default 8192. */
};
#define SEGS_JWT_BUILDER_OPTIONS_INIT                                                              \
    {                                                                                              \
        .size = sizeof(struct segs_jwt_builder_options)                                            \
    }

/**
 * Make a builder without claims.
 *
 * @param ret  Receives the builder; released with segs_jwt_builder_free(). Untouched on failure.
 * @return 0, or SEGS_EINVAL, SEGS_ERANGE, SEGS_ENOTSUP, SEGS_ENOMEM.
 * @since 0.1
 */
SEGS_API int segs_jwt_builder_new(const struct segs_jwt_builder_options *options,
                                  struct segs_jwt_builder **ret);

/** Release a builder. NULL is allowed. @since 0.1 */
SEGS_API void segs_jwt_builder_free(struct segs_jwt_builder *builder);

/** Forget all claims, keep the options: for signing token after token. @since 0.1 */
SEGS_API void segs_jwt_builder_clear(struct segs_jwt_builder *builder);

/**
 * Add a claim. Texts are escaped, so no value can change the structure of the token.
 *
 * iss, sub, jti and sid must be texts; aud a text or texts; exp, nbf and iat seconds in
 * 0..SEGS_JWT_TIME_MAX_S.
 *
 * @param name   1..64 bytes of UTF-8, NUL-terminated; copied.
 * @param value  Copied. Texts are NUL-terminated UTF-8.
 * @return 0, or
 *         SEGS_EINVAL    a NULL, or a registered claim of a wrong type;
 *         SEGS_ERANGE    name too long or empty, or a time out of range;
 *         SEGS_ESYNTAX   a name or text that is not UTF-8;
 *         SEGS_ECONFLICT the claim was added already;
 *         SEGS_EFULL     the claims outgrow max_token_bytes, or are more than 64;
 *         SEGS_ENOMEM    no memory. On any error the builder is unchanged.
 * @since 0.1
 */
SEGS_API int segs_jwt_builder_add_string(struct segs_jwt_builder *builder, const char *name,
                                         const char *value);
/** As segs_jwt_builder_add_string(). @since 0.1 */
SEGS_API int segs_jwt_builder_add_int(struct segs_jwt_builder *builder, const char *name,
                                      int64_t value);
/** As segs_jwt_builder_add_string(); any non-zero value is true. @since 0.1 */
SEGS_API int segs_jwt_builder_add_bool(struct segs_jwt_builder *builder, const char *name,
                                       int value);
/** As segs_jwt_builder_add_string(): an array of texts, n >= 0. @since 0.1 */
SEGS_API int segs_jwt_builder_add_strings(struct segs_jwt_builder *builder, const char *name,
                                          const char *const *values, int64_t n);

/**
 * Sign the claims. The header is {"alg":...,"typ":...} and the key's id, if it has one. The builder
 * is unchanged and may sign again.
 *
 * @param key       Must be able to sign.
 * @param ret       Receives the NUL-terminated token. Untouched on failure.
 * @param capacity  Bytes at ret.
 * @param ret_len   Receives the length without NUL, also with SEGS_ENOSPC. May be NULL.
 * @return 0, or
 *         SEGS_EINVAL    a NULL, a key that cannot sign, or no exp was added;
 *         SEGS_EFULL     the token is longer than max_token_bytes;
 *         SEGS_ENOSPC    capacity is not above *ret_len;
 *         SEGS_ENOMEM, SEGS_EINTERNAL.
 * @since 0.1
 */
SEGS_API int segs_jwt_sign(const struct segs_jwk *key, const struct segs_jwt_builder *builder,
                           char *ret, size_t capacity, size_t *ret_len);

/**
 * Sign any payload as a compact JWS.
 *
 * @param header    JSON object of `header_len` bytes, used as it is: its "alg" must be the key's,
 *                  none of the refused parameters may stand in it. NULL: {"alg":...} and the key's
 *                  id.
 * @param payload   Borrowed; `payload_len` bytes of anything; NULL only when 0.
 * @param ret       Receives the NUL-terminated JWS. Untouched on failure.
 * @param capacity  Bytes at ret.
 * @param ret_len   Receives the length without NUL, also with SEGS_ENOSPC. May be NULL.
 * @return 0, or
 *         SEGS_EINVAL    a NULL, or a key that cannot sign;
 *         SEGS_ESYNTAX   header is not a strict JSON object or has a refused parameter;
 *         SEGS_ECONFLICT "alg" or "kid" of the header is not the key's;
 *         SEGS_ERANGE    header longer than SEGS_JWT_HEADER_MAX_BYTES, or payload than 2^30 bytes;
 *         SEGS_ENOSPC    capacity is not above *ret_len;
 *         SEGS_ENOMEM, SEGS_EINTERNAL.
 * @since 0.1
 */
SEGS_API int segs_jws_sign(const struct segs_jwk *key, const char *header, size_t header_len,
                           const void *payload, size_t payload_len, char *ret, size_t capacity,
                           size_t *ret_len);

/**
 * Verify a compact JWS and get its payload, whatever it is. For tokens use segs_jwt_verify(), which
 * also checks what the payload says.
 *
 * @param ret       Receives the payload, without NUL. Untouched on failure.
 * @param capacity  Bytes at ret.
 * @param ret_len   Receives the payload's length, also with SEGS_ENOSPC. May be NULL.
 * @return 0, or
 *         SEGS_EDENIED   not acceptable, for whatever reason;
 *         SEGS_ENOSPC    authentic, but capacity is below *ret_len;
 *         SEGS_EINVAL    a NULL;
 *         SEGS_ENOMEM, SEGS_EINTERNAL.
 * @since 0.1
 */
SEGS_API int segs_jws_verify(const struct segs_jwk *key, const char *jws, size_t len, void *ret,
                             size_t capacity, size_t *ret_len);

#ifdef __cplusplus
}
#endif

#endif
