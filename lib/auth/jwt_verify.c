/* Verifiers: a policy for one kind of token, and its application. */
#include <string.h>

#include <segs/jwt.h>

#include "auth/auth_internal.h"
#include "base/base_internal.h"

_Static_assert(offsetof(struct segs_jwt_verifier_options, flags) == 80, "no implicit padding");
_Static_assert(sizeof(struct segs_jwt_verifier_options) == 88, "no implicit padding");

#define TOKEN_MIN_BYTES 64
#define HEADER_MIN_BYTES 16

struct slot {
    struct segs_jwk *key;
    /* The encoded header that segs_jwt_sign() writes for this key and type. A token that starts with
     * it needs no parsing of its header; NULL when policy refuses that header. */
    char *pinned;
    size_t pinned_len;
};

struct segs_jwt_verifier {
    const struct segs_allocator *allocator;
    struct slot *slots;
    size_t n_slots;
    char *issuer;
    char *audience;
    char *typ;
    char *required[SEGS_JWT_REQUIRED_MAX];
    size_t n_required;
    int64_t leeway_s;
    size_t max_token_bytes;
    size_t max_header_bytes;
    bool requires_kid;
    bool is_set;
};

static bool in_range(int64_t value, int64_t low, int64_t high)
{
    return value >= low && value <= high;
}

static int check_texts(const struct segs_jwt_verifier_options *o, struct segs_error *reterr)
{
    if ((o->issuer && !*o->issuer) || (o->audience && !*o->audience) || (o->typ && !*o->typ))
        return segs__fail(
            reterr, SEGS_EINVAL, NULL, -1,
            "expected NULL or a text for issuer, audience and typ, found an empty one");
    if (!in_range(o->n_required_claims, 0, SEGS_JWT_REQUIRED_MAX))
        return segs__fail(reterr, SEGS_ERANGE, "n_required_claims", -1, "expected 0..%d",
                          SEGS_JWT_REQUIRED_MAX);
    for (int64_t i = 0; i < o->n_required_claims; i++) {
        if (!o->required_claims || !o->required_claims[i])
            return segs__fail(reterr, SEGS_EINVAL, "required_claims", -1, "expected names");
    }
    return 0;
}

/* Copy the options and put the defaults in. */
static int read_options(const struct segs_jwt_verifier_options *options,
                        struct segs_jwt_verifier_options *o, struct segs_error *reterr)
{
    int r = segs__options_copy(o, sizeof *o, options);

    if (r < 0)
        return segs__fail(reterr, r, "options", -1, "expected options of this version");
    if ((o->flags & ~SEGS_JWT_REQUIRE_KID) != 0 || o->reserved != 0)
        return segs__fail(reterr, SEGS_EINVAL, "flags", -1, "expected only known flags");
    if (o->max_token_bytes == 0)
        o->max_token_bytes = SEGS_JWT_TOKEN_DEFAULT_BYTES;
    if (o->max_header_bytes == 0)
        o->max_header_bytes = SEGS_JWT_HEADER_DEFAULT_BYTES;
    if (!in_range(o->leeway_s, 0, SEGS_JWT_LEEWAY_MAX_S))
        return segs__fail(reterr, SEGS_ERANGE, "leeway_s", -1, "expected 0..%d",
                          SEGS_JWT_LEEWAY_MAX_S);
    if (!in_range(o->max_token_bytes, TOKEN_MIN_BYTES, SEGS_JWT_TOKEN_MAX_BYTES))
        return segs__fail(reterr, SEGS_ERANGE, "max_token_bytes", -1, "expected %d..%d",
                          TOKEN_MIN_BYTES, SEGS_JWT_TOKEN_MAX_BYTES);
    if (!in_range(o->max_header_bytes, HEADER_MIN_BYTES, SEGS_JWT_HEADER_MAX_BYTES))
        return segs__fail(reterr, SEGS_ERANGE, "max_header_bytes", -1, "expected %d..%d",
                          HEADER_MIN_BYTES, SEGS_JWT_HEADER_MAX_BYTES);
    return check_texts(o, reterr);
}

static int copy_text(struct segs_jwt_verifier *v, const char *text, char **ret)
{
    size_t size;

    if (!text)
        return 0;
    size = strlen(text) + 1;
    *ret = segs__alloc(v->allocator, size);
    if (!*ret)
        return SEGS_ENOMEM;
    memcpy(*ret, text, size);
    return 0;
}

static int copy_policy(struct segs_jwt_verifier *v, const struct segs_jwt_verifier_options *o)
{
    int r;

    v->leeway_s = o->leeway_s;
    v->max_token_bytes = (size_t)o->max_token_bytes;
    v->max_header_bytes = (size_t)o->max_header_bytes;
    v->requires_kid = (o->flags & SEGS_JWT_REQUIRE_KID) != 0;
    if ((r = copy_text(v, o->issuer, &v->issuer)) < 0 ||
        (r = copy_text(v, o->audience, &v->audience)) < 0 ||
        (r = copy_text(v, o->typ, &v->typ)) < 0)
        return r;
    for (int64_t i = 0; i < o->n_required_claims; i++) {
        r = copy_text(v, o->required_claims[i], &v->required[i]);
        if (r < 0)
            return r;
        v->n_required++;
    }
    return 0;
}

static int fill_slot(struct segs_jwt_verifier *v, const struct segs_jwk *key)
{
    struct slot *slot = &v->slots[v->n_slots];
    const char *typ = v->typ ? v->typ : "JWT";
    struct segs__out measure = { 0 };
    struct segs__out out = { 0 };
    int r = segs__jwk_copy(key, v->allocator, &slot->key);

    if (r < 0)
        return r;
    v->n_slots++;
    segs__jws_put_header(&measure, key, typ);
    if ((v->requires_kid && !key->kid) || measure.len > v->max_header_bytes)
        return 0;
    out.capacity = measure.len;
    out.text = segs__alloc(v->allocator, measure.len);
    slot->pinned = segs__alloc(v->allocator, segs__b64_text_len(measure.len));
    if (out.text && slot->pinned) {
        segs__jws_put_header(&out, key, typ);
        segs__b64_encode(out.text, out.len, slot->pinned);
        slot->pinned_len = segs__b64_text_len(out.len);
    } else {
        r = SEGS_ENOMEM;
    }
    segs__release(v->allocator, out.text);
    return r;
}

static int fill_slots(struct segs_jwt_verifier *v, const struct segs_jwk *key,
                      const struct segs_jwk_set *set)
{
    int64_t n_keys = set ? segs_jwk_set_count(set) : 1;
    int r = 0;

    v->is_set = set != NULL;
    v->slots = segs__alloc_zero(v->allocator, (size_t)n_keys * sizeof v->slots[0]);
    if (!v->slots)
        return SEGS_ENOMEM;
    for (int64_t i = 0; r == 0 && i < n_keys; i++)
        r = fill_slot(v, set ? segs_jwk_set_get(set, i) : key);
    return r;
}

void segs_jwt_verifier_free(struct segs_jwt_verifier *verifier)
{
    const struct segs_allocator *a;

    if (!verifier)
        return;
    a = verifier->allocator;
    for (size_t i = 0; i < verifier->n_slots; i++) {
        segs_jwk_free(verifier->slots[i].key);
        segs__release(a, verifier->slots[i].pinned);
    }
    segs__release(a, verifier->slots);
    for (size_t i = 0; i < verifier->n_required; i++)
        segs__release(a, verifier->required[i]);
    segs__release(a, verifier->issuer);
    segs__release(a, verifier->audience);
    segs__release(a, verifier->typ);
    segs__release(a, verifier);
}

/* Exactly one of key and set is there. */
static int new_verifier(const struct segs_jwk *key, const struct segs_jwk_set *set,
                        const struct segs_jwt_verifier_options *options,
                        struct segs_jwt_verifier **ret, struct segs_error *reterr)
{
    struct segs_jwt_verifier_options o;
    const struct segs_allocator *allocator;
    struct segs_jwt_verifier *v;
    int r = read_options(options, &o, reterr);

    if (r < 0)
        return r;
    allocator = segs__allocator(o.allocator);
    v = segs__alloc_zero(allocator, sizeof *v);
    if (!v)
        return segs__fail(reterr, SEGS_ENOMEM, NULL, -1, "out of memory");
    v->allocator = allocator;
    r = copy_policy(v, &o);
    if (r == 0)
        r = fill_slots(v, key, set);
    if (r < 0) {
        segs_jwt_verifier_free(v);
        return segs__fail(reterr, r, NULL, -1, "cannot build the verifier: %s", segs_strerror(r));
    }
    *ret = v;
    return 0;
}

int segs_jwt_verifier_new(const struct segs_jwk *key,
                          const struct segs_jwt_verifier_options *options,
                          struct segs_jwt_verifier **ret, struct segs_error *reterr)
{
    if (!key || !ret)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "expected a key and a place");
    return new_verifier(key, NULL, options, ret, reterr);
}

int segs_jwt_verifier_new_set(const struct segs_jwk_set *set,
                              const struct segs_jwt_verifier_options *options,
                              struct segs_jwt_verifier **ret, struct segs_error *reterr)
{
    if (!set || segs_jwk_set_count(set) == 0 || !ret)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "expected a set with keys and a place");
    return new_verifier(NULL, set, options, ret, reterr);
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool starts_with_fold(const char *text, const char *prefix)
{
    while (*prefix && to_lower(*text) == to_lower(*prefix)) {
        text++;
        prefix++;
    }
    return !*prefix;
}

static const char *without_application(const char *typ)
{
    static const char prefix[] = "application/";

    return starts_with_fold(typ, prefix) ? typ + sizeof prefix - 1 : typ;
}

/* Media types without their optional "application/", ASCII case aside (RFC 7515 4.1.9). */
static bool typ_matches(const struct segs_jwt_verifier *v, const char *typ)
{
    const char *expected = without_application(v->typ ? v->typ : "JWT");

    if (!typ)
        return v->typ == NULL;
    typ = without_application(typ);
    return strlen(typ) == strlen(expected) && starts_with_fold(typ, expected);
}

static const struct slot *pinned_slot(const struct segs_jwt_verifier *v,
                                      const struct segs__jws *jws)
{
    for (size_t i = 0; i < v->n_slots; i++) {
        const struct slot *slot = &v->slots[i];

        if (slot->pinned && slot->pinned_len == jws->header_len &&
            memcmp(slot->pinned, jws->header, jws->header_len) == 0)
            return slot;
    }
    return NULL;
}

/* The key of a header; the token can only name one of ours, never bring one. */
static const struct slot *slot_for(const struct segs_jwt_verifier *v,
                                   const struct segs__jws_header *header)
{
    if (!header->kid)
        return v->n_slots == 1 && !v->requires_kid ? &v->slots[0] : NULL;
    for (size_t i = 0; i < v->n_slots; i++) {
        const struct segs_jwk *key = v->slots[i].key;

        if (!key->kid) /* a single key that has no name of its own */
            return &v->slots[i];
        if (key->kid_len == header->kid_len && memcmp(key->kid, header->kid, key->kid_len) == 0)
            return &v->slots[i];
    }
    return NULL;
}

static const struct slot *slot_by_parsing(const struct segs_jwt_verifier *v,
                                          const struct segs__jws *jws, const char **ret_reason)
{
    struct segs__jws_header header;
    const struct slot *slot;

    if (segs__jws_read_header(jws, v->max_header_bytes, &header, ret_reason) < 0)
        return NULL;
    *ret_reason = "typ is not the expected one";
    if (!typ_matches(v, header.typ))
        return NULL;
    *ret_reason = "kid names no key";
    slot = slot_for(v, &header);
    if (!slot)
        return NULL;
    *ret_reason = "alg is not the key's";
    return header.alg == slot->key->alg ? slot : NULL;
}

/* Everything up to and including the signature. */
static int authenticate(const struct segs_jwt_verifier *v, const char *token, size_t len,
                        struct segs__jws *jws, const char **ret_reason)
{
    const struct slot *slot;
    int r;

    *ret_reason = "token is too long";
    if (len > v->max_token_bytes)
        return SEGS_EDENIED;
    *ret_reason = "not three parts with dots between";
    if (segs__jws_split(token, len, jws) < 0)
        return SEGS_EDENIED;
    slot = pinned_slot(v, jws);
    if (!slot)
        slot = slot_by_parsing(v, jws, ret_reason);
    if (!slot)
        return SEGS_EDENIED;
    r = segs__jws_check_signature(slot->key, jws);
    if (r == SEGS_EDENIED)
        *ret_reason = "signature does not fit";
    return r;
}

static int check_policy(const struct segs_jwt_verifier *v, const struct segs_jwt_claims *claims,
                        const char **ret_reason)
{
    *ret_reason = "iss is not the expected one";
    if (v->issuer && !segs__claims_issuer_is(claims, v->issuer))
        return SEGS_EDENIED;
    *ret_reason = "aud does not name this audience";
    if (v->audience ? !segs__claims_audience_has(claims, v->audience)
                    : segs__claims_has_audience(claims))
        return SEGS_EDENIED;
    *ret_reason = "a required claim is missing";
    for (size_t i = 0; i < v->n_required; i++) {
        if (!segs_jwt_claims_has(claims, v->required[i]))
            return SEGS_EDENIED;
    }
    return 0;
}

/* Last of all, so that "expired" says that everything else was right. No sum can overflow: times are
 * below 2^38. */
static int check_times(const struct segs_jwt_verifier *v, const struct segs_jwt_claims *claims,
                       int64_t now_s, const char **ret_reason)
{
    *ret_reason = "past exp";
    if (now_s >= segs_jwt_claims_exp_s(claims) + v->leeway_s)
        return SEGS_EEXPIRED;
    *ret_reason = "before nbf or iat";
    if (now_s < segs_jwt_claims_nbf_s(claims) - v->leeway_s ||
        now_s < segs_jwt_claims_iat_s(claims) - v->leeway_s)
        return SEGS_EEXPIRED;
    return 0;
}

static int verify(const struct segs_jwt_verifier *v, const char *token, size_t len, int64_t now_s,
                  struct segs_jwt_claims **ret, const char **ret_reason)
{
    struct segs__jws jws;
    struct segs_jwt_claims *claims;
    int r = authenticate(v, token, len, &jws, ret_reason);

    if (r == 0)
        r = segs__claims_new(jws.payload, jws.payload_len, v->allocator, &claims, ret_reason);
    if (r < 0)
        return r;
    r = check_policy(v, claims, ret_reason);
    if (r == 0)
        r = check_times(v, claims, now_s, ret_reason);
    if (r < 0) {
        segs_jwt_claims_free(claims);
        return r;
    }
    *ret = claims;
    return 0;
}

int segs_jwt_verify(const struct segs_jwt_verifier *verifier, const char *token, size_t len,
                    int64_t now_s, struct segs_jwt_claims **ret, struct segs_error *reterr)
{
    const char *reason;
    int r;

    if (!verifier || !token || !ret || !in_range(now_s, 0, SEGS_JWT_TIME_MAX_S))
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1,
                          "expected a verifier, a token, a place and a time up to the year 9999");
    r = verify(verifier, token, len, now_s, ret, &reason);
    return r < 0 ? segs__fail(reterr, r, NULL, -1, "token refused: %s", segs_strerror(r)) : 0;
}

int segs_jwt_explain(const struct segs_jwt_verifier *verifier, const char *token, size_t len,
                     int64_t now_s, const char **ret_reason)
{
    struct segs_jwt_claims *claims = NULL;
    const char *reason = "";
    int r;

    if (!verifier || !token || !ret_reason || !in_range(now_s, 0, SEGS_JWT_TIME_MAX_S))
        return SEGS_EINVAL;
    r = verify(verifier, token, len, now_s, &claims, &reason);
    segs_jwt_claims_free(claims);
    if (r == 0)
        reason = "accepted";
    else if (r == SEGS_ENOMEM || r == SEGS_EINTERNAL)
        reason = segs_strerror(r);
    *ret_reason = reason;
    return r;
}
