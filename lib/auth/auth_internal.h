/* Shared inside lib/auth only. */
#ifndef SEGS_AUTH_INTERNAL_H
#define SEGS_AUTH_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <segs/error.h>
#include <segs/jwk.h>
#include <segs/jwt.h>
#include <segs/memory.h>

/* ---- base64url without padding (RFC 7515 2), strict ---- */

/* Characters of the text of `len` bytes. */
size_t segs__b64_text_len(size_t len);
/* Bytes of a well-formed text of `len` characters. */
size_t segs__b64_data_len(size_t len);
/* Writes segs__b64_text_len(len) characters, no NUL. */
void segs__b64_encode(const void *data, size_t len, char *ret);
/* Writes segs__b64_data_len(len) bytes; 0 or SEGS_ESYNTAX, then `ret` is garbage. `ret` may be `text`
 * itself. Refuses every text but the one that the encoder makes: a second text for the same bytes
 * would be a second token with the same signature. */
int segs__b64_decode(const char *text, size_t len, void *ret);

/* ---- UTF-8 ---- */

/* Length 1..4 of the well-formed character at the start of `text`, 0 when there is none (RFC 3629: no
 * overlong forms, no surrogates, nothing above U+10FFFF). */
size_t segs__utf8_char_len(const char *text, size_t len);
bool segs__utf8_is_valid(const char *text, size_t len);

/* ---- text of known size: counts everything, writes what fits ---- */

struct segs__out {
    char *text; /* may be NULL while capacity is 0 */
    size_t capacity;
    size_t len; /* as if there had been room for all */
};

void segs__put(struct segs__out *out, const char *text, size_t len);
void segs__put_text(struct segs__out *out, const char *text);
void segs__put_int(struct segs__out *out, int64_t value);
/* A JSON string with its quotes; `text` is valid UTF-8. */
void segs__put_json_string(struct segs__out *out, const char *text, size_t len);
void segs__put_b64(struct segs__out *out, const unsigned char *data, size_t len);

/* ---- strict JSON into a flat tree ---- */

#define SEGS__JSON_MAX_DEPTH 16
#define SEGS__JSON_MAX_MEMBERS 256 /* of one object: bounds the search for duplicates */

enum segs__json_type {
    SEGS__JSON_NULL,
    SEGS__JSON_FALSE,
    SEGS__JSON_TRUE,
    SEGS__JSON_NUMBER,
    SEGS__JSON_STRING,
    SEGS__JSON_ARRAY,
    SEGS__JSON_OBJECT,
};

/* Nodes lie in document order: the first child of node i is i + 1, its next sibling is `next` of the
 * child. Offsets point into the text, which parsing rewrites in place: strings and names are unescaped
 * there and end with a NUL. */
struct segs__json_node {
    uint32_t type;
    uint32_t next; /* first node after this one and all below it */
    uint32_t n_children;
    uint32_t text; /* string: unescaped; number: as written, no NUL */
    uint32_t len;
    uint32_t name; /* of a member of an object */
    uint32_t name_len;
};

struct segs__json {
    char *text; /* changed after parsing only where a key takes its bytes out of it */
    const struct segs__json_node *nodes;
};

/* Upper bound of the nodes in a text. */
size_t segs__json_node_bound(const char *text, size_t len);
/* 0, SEGS_ESYNTAX, or SEGS_EFULL when `capacity` nodes are not enough. RFC 8259 and stricter: UTF-8,
 * no BOM, no U+0000, no lone surrogates, no duplicate names, bounded depth and members. The text may
 * be changed also on failure. `reterr` may be NULL. */
int segs__json_parse(char *text, size_t len, struct segs__json_node *nodes, size_t capacity,
                     struct segs__json *ret, struct segs_error *reterr);
/* The member of an object, or NULL. */
const struct segs__json_node *segs__json_member(const struct segs__json *json,
                                                const struct segs__json_node *object,
                                                const char *name);
const struct segs__json_node *segs__json_element(const struct segs__json *json,
                                                 const struct segs__json_node *array,
                                                 int64_t index);
bool segs__json_is_text(const struct segs__json *json, const struct segs__json_node *node,
                        const char *text);
/* 0, SEGS_ESYNTAX when not a number without fraction and exponent, SEGS_EOVERFLOW. */
int segs__json_int(const struct segs__json *json, const struct segs__json_node *node, int64_t *ret);

/* A parsed copy of somebody's text, wiped when closed: it may hold keys. */
struct segs__document {
    const struct segs_allocator *allocator;
    struct segs__json json;
    struct segs__json_node *nodes;
    size_t len;
};

/* 0, SEGS_ESYNTAX or SEGS_ENOMEM. Closing is due also after a failure. */
int segs__document_open(struct segs__document *document, const char *text, size_t len,
                        const struct segs_allocator *allocator, struct segs_error *reterr);
void segs__document_close(struct segs__document *document);

/* ---- keys ---- */

#define SEGS__SIGNATURE_MAX_BYTES 1024 /* RSA of 8192 bits */

struct segs_jwk {
    const struct segs_allocator *allocator;
    int64_t alg;
    EVP_PKEY *pkey; /* NULL for HMAC */
    /* Contexts made ready once and copied for each use. Copying only reads them, so that any number
     * of threads may do it. HMAC: the hash after the inner and the outer key block. Others: after
     * DigestVerifyInit and DigestSignInit; `sign` is NULL for a public key. */
    EVP_MD_CTX *verify;
    EVP_MD_CTX *sign;
    unsigned char *secret; /* HMAC */
    size_t secret_len;
    char *kid; /* NULL when there is none */
    size_t kid_len;
    bool is_private;
};

bool segs__alg_is_hmac(int64_t alg);
bool segs__kid_is_valid(const char *kid, size_t len);
/* Bytes of a signature of the key. */
size_t segs__jwk_signature_bytes(const struct segs_jwk *key);
/* `ret` has room for segs__jwk_signature_bytes(). 0, SEGS_ENOMEM or SEGS_EINTERNAL. */
int segs__jwk_sign(const struct segs_jwk *key, const void *data, size_t len, unsigned char *ret);
/* 0, SEGS_EDENIED, SEGS_ENOMEM or SEGS_EINTERNAL. */
int segs__jwk_verify(const struct segs_jwk *key, const void *data, size_t len,
                     const unsigned char *signature, size_t signature_len);
int segs__jwk_copy(const struct segs_jwk *key, const struct segs_allocator *allocator,
                   struct segs_jwk **ret);

/* What a key is made of, whatever form it came in. `pkey` is taken over also on failure. */
struct segs__jwk_material {
    EVP_PKEY *pkey;
    const unsigned char *secret; /* borrowed */
    size_t secret_len;
    int64_t alg;
    bool is_private;
    const char *kid; /* borrowed; NULL for none */
    size_t kid_len;
};

/* Fill the ready-made contexts of a key whose other members are set. On failure the key holds what
 * it got so far, for segs_jwk_free(). 0, SEGS_ENOMEM or SEGS_EINTERNAL. */
int segs__jwk_prepare(struct segs_jwk *key);
/* Check the options of a key being made. */
int segs__jwk_options_read(struct segs_jwk_options *dst, const struct segs_jwk_options *src,
                           struct segs_error *reterr);
/* Check the material and make the key. */
int segs__jwk_assemble(const struct segs__jwk_material *material,
                       const struct segs_allocator *allocator, struct segs_jwk **ret,
                       struct segs_error *reterr);
/* Key of the JSON object `object`. */
int segs__jwk_from_node(const struct segs__json *json, const struct segs__json_node *object,
                        const struct segs_jwk_options *options, struct segs_jwk **ret,
                        struct segs_error *reterr);
/* 0, SEGS_ERANGE, SEGS_ENOTSUP, SEGS_ENOMEM or SEGS_EINTERNAL. */
int segs__pkey_check(EVP_PKEY *pkey, int64_t alg, bool is_private, struct segs_error *reterr);
/* Algorithm that a libcrypto key has here, 0 for none. */
int64_t segs__pkey_alg(const EVP_PKEY *pkey);
/* The public key on its own; NULL when libcrypto fails. */
EVP_PKEY *segs__pkey_public(EVP_PKEY *pkey);
/* Writes the members of the key, without the kid. 0, SEGS_ENOTSUP, SEGS_ENOMEM, SEGS_EINTERNAL. */
int segs__jwk_put(const struct segs_jwk *key, bool with_private, struct segs__out *out);

/* `code`, unless libcrypto says that it ran out of memory. */
int segs__crypto_failure(int code);

/* ---- compact JWS ---- */

#define SEGS__HEADER_MAX_NODES 64

struct segs__jws {
    const char *header; /* base64url */
    size_t header_len;
    const char *payload; /* base64url */
    size_t payload_len;
    const char *signature; /* base64url */
    size_t signature_len;
    size_t signed_len; /* bytes from the start of the header that are signed */
};

/* The protected header, decoded. Self-contained: texts point into `text`. */
struct segs__jws_header {
    int64_t alg;     /* 0 for one that libsegs does not have */
    const char *kid; /* NULL for none */
    size_t kid_len;
    const char *typ; /* NULL for none */
    char text[SEGS_JWT_HEADER_MAX_BYTES + 1];
    struct segs__json_node nodes[SEGS__HEADER_MAX_NODES];
};

/* 0 or SEGS_ESYNTAX. */
int segs__jws_split(const char *token, size_t len, struct segs__jws *ret);
/* Decode and check a header. 0 or SEGS_ESYNTAX; `ret_reason` then says why. */
int segs__jws_read_header(const struct segs__jws *jws, size_t max_bytes,
                          struct segs__jws_header *ret, const char **ret_reason);
/* Same for a header that is not encoded yet: `header->text` holds `len` bytes. */
int segs__jws_parse_header(struct segs__jws_header *header, size_t len, const char **ret_reason);
/* Does the signature fit the key? 0, SEGS_EDENIED, SEGS_ENOMEM, SEGS_EINTERNAL. */
int segs__jws_check_signature(const struct segs_jwk *key, const struct segs__jws *jws);
/* {"alg":...,"typ":...,"kid":...}; typ may be NULL. */
void segs__jws_put_header(struct segs__out *out, const struct segs_jwk *key, const char *typ);
/* Length of the compact form. */
size_t segs__jws_len(const struct segs_jwk *key, size_t header_len, size_t payload_len);
/* Writes the compact form and a NUL: `ret` has room. 0, SEGS_ENOMEM or SEGS_EINTERNAL. */
int segs__jws_write(const struct segs_jwk *key, const char *header, size_t header_len,
                    const void *payload, size_t payload_len, const struct segs_allocator *allocator,
                    char *ret);

/* ---- claims ---- */

/* Take the base64url payload of an authentic token apart. 0, SEGS_EDENIED with a reason, or
 * SEGS_ENOMEM. */
int segs__claims_new(const char *payload, size_t payload_len,
                     const struct segs_allocator *allocator, struct segs_jwt_claims **ret,
                     const char **ret_reason);
bool segs__claims_issuer_is(const struct segs_jwt_claims *claims, const char *issuer);
bool segs__claims_has_audience(const struct segs_jwt_claims *claims);
/* False also when "aud" is neither a text nor an array of texts. */
bool segs__claims_audience_has(const struct segs_jwt_claims *claims, const char *audience);

/* ---- common passwords ---- */

/* Is the word, in lower case letters only, one of the list? */
bool segs__word_is_common(const char *word, size_t len);
/* Longest word of the list. */
#define SEGS__WORD_MAX_BYTES 16

#endif
