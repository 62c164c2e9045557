/* Compact JSON Web Signatures (RFC 7515 3.1, 5). */
#include <string.h>

#include <segs/jwt.h>

#include "auth/auth_internal.h"
#include "base/base_internal.h"

#define PAYLOAD_MAX_BYTES ((size_t)1 << 30)

/* Room for a header of our own: name and type are short, each byte of a kid may become six. */
#define OWN_HEADER_MAX_BYTES (256 + 6 * SEGS_JWK_KID_MAX_BYTES)

int segs__jws_split(const char *token, size_t len, struct segs__jws *ret)
{
    const char *end = token + len;
    const char *first = len ? memchr(token, '.', len) : NULL;
    const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;

    if (!second || first == token || second + 1 == end ||
        memchr(second + 1, '.', (size_t)(end - second - 1)))
        return SEGS_ESYNTAX;
    ret->header = token;
    ret->header_len = (size_t)(first - token);
    ret->payload = first + 1;
    ret->payload_len = (size_t)(second - first - 1);
    ret->signature = second + 1;
    ret->signature_len = (size_t)(end - second - 1);
    ret->signed_len = (size_t)(second - token);
    return 0;
}

/* Parameters that change what is signed or where the key comes from. None is ever needed here, and
 * each has let forged tokens through somewhere (RFC 8725 2.8, 3.10). */
static bool has_refused_parameter(const struct segs__json *json)
{
    static const char *const refused[] = { "crit", "zip", "jku", "x5u", "x5c", "jwk", "b64" };

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (segs__json_member(json, json->nodes, refused[i]))
            return true;
    }
    return false;
}

int segs__jws_parse_header(struct segs__jws_header *header, size_t len, const char **ret_reason)
{
    const struct segs__json_node *alg, *kid, *typ;
    struct segs__json json;

    *ret_reason = "header is not a strict JSON object";
    if (segs__json_parse(header->text, len, header->nodes, SEGS__HEADER_MAX_NODES, &json, NULL) <
            0 ||
        json.nodes->type != SEGS__JSON_OBJECT)
        return SEGS_ESYNTAX;
    *ret_reason = "header has a refused parameter";
    if (has_refused_parameter(&json))
        return SEGS_ESYNTAX;
    alg = segs__json_member(&json, json.nodes, "alg");
    kid = segs__json_member(&json, json.nodes, "kid");
    typ = segs__json_member(&json, json.nodes, "typ");
    *ret_reason = "alg, kid or typ of the header is not a text";
    if (!alg || alg->type != SEGS__JSON_STRING || (kid && kid->type != SEGS__JSON_STRING) ||
        (typ && typ->type != SEGS__JSON_STRING))
        return SEGS_ESYNTAX;
    if (segs_alg_parse(json.text + alg->text, alg->len, &header->alg) < 0)
        header->alg = 0;
    header->kid = kid ? json.text + kid->text : NULL;
    header->kid_len = kid ? kid->len : 0;
    header->typ = typ ? json.text + typ->text : NULL;
    return 0;
}

int segs__jws_read_header(const struct segs__jws *jws, size_t max_bytes,
                          struct segs__jws_header *ret, const char **ret_reason)
{
    size_t len = segs__b64_data_len(jws->header_len);

    *ret_reason = "header is too long";
    if (len > max_bytes || len >= sizeof ret->text)
        return SEGS_ESYNTAX;
    *ret_reason = "header is not strict base64url";
    if (segs__b64_decode(jws->header, jws->header_len, ret->text) < 0)
        return SEGS_ESYNTAX;
    return segs__jws_parse_header(ret, len, ret_reason);
}

int segs__jws_check_signature(const struct segs_jwk *key, const struct segs__jws *jws)
{
    unsigned char signature[SEGS__SIGNATURE_MAX_BYTES];
    size_t len = segs__b64_data_len(jws->signature_len);

    if (len > sizeof signature ||
        segs__b64_decode(jws->signature, jws->signature_len, signature) < 0)
        return SEGS_EDENIED;
    return segs__jwk_verify(key, jws->header, jws->signed_len, signature, len);
}

void segs__jws_put_header(struct segs__out *out, const struct segs_jwk *key, const char *typ)
{
    segs__put_text(out, "{\"alg\":\"");
    segs__put_text(out, segs_alg_name(key->alg));
    segs__put_text(out, "\"");
    if (typ) {
        segs__put_text(out, ",\"typ\":");
        segs__put_json_string(out, typ, strlen(typ));
    }
    if (key->kid) {
        segs__put_text(out, ",\"kid\":");
        segs__put_json_string(out, key->kid, key->kid_len);
    }
    segs__put_text(out, "}");
}

size_t segs__jws_len(const struct segs_jwk *key, size_t header_len, size_t payload_len)
{
    return segs__b64_text_len(header_len) + 1 + segs__b64_text_len(payload_len) + 1 +
           segs__b64_text_len(segs__jwk_signature_bytes(key));
}

int segs__jws_write(const struct segs_jwk *key, const char *header, size_t header_len,
                    const void *payload, size_t payload_len, const struct segs_allocator *allocator,
                    char *ret)
{
    unsigned char signature[SEGS__SIGNATURE_MAX_BYTES];
    size_t signature_len = segs__jwk_signature_bytes(key);
    size_t header_text_len = segs__b64_text_len(header_len);
    size_t signed_len = header_text_len + 1 + segs__b64_text_len(payload_len);
    char *text = segs__alloc(allocator, signed_len);
    int r;

    if (!text)
        return SEGS_ENOMEM;
    segs__b64_encode(header, header_len, text);
    text[header_text_len] = '.';
    segs__b64_encode(payload, payload_len, text + header_text_len + 1);
    r = segs__jwk_sign(key, text, signed_len, signature);
    if (r == 0) {
        memcpy(ret, text, signed_len);
        ret[signed_len] = '.';
        segs__b64_encode(signature, signature_len, ret + signed_len + 1);
        ret[signed_len + 1 + segs__b64_text_len(signature_len)] = '\0';
    }
    segs__release(allocator, text);
    return r;
}

/* A header that the caller brought must say what the key says. */
static int check_own_header(const struct segs_jwk *key, const char *header, size_t len)
{
    struct segs__jws_header parsed;
    const char *reason;

    if (len > SEGS_JWT_HEADER_MAX_BYTES)
        return SEGS_ERANGE;
    memcpy(parsed.text, header, len);
    if (segs__jws_parse_header(&parsed, len, &reason) < 0)
        return SEGS_ESYNTAX;
    if (parsed.alg != key->alg)
        return SEGS_ECONFLICT;
    if (parsed.kid && key->kid &&
        (parsed.kid_len != key->kid_len || memcmp(parsed.kid, key->kid, key->kid_len) != 0))
        return SEGS_ECONFLICT;
    return 0;
}

int segs_jws_sign(const struct segs_jwk *key, const char *header, size_t header_len,
                  const void *payload, size_t payload_len, char *ret, size_t capacity,
                  size_t *ret_len)
{
    char own[OWN_HEADER_MAX_BYTES];
    struct segs__out out = { own, sizeof own, 0 };
    size_t len;
    int r;

    if (!key || !key->is_private || (!payload && payload_len > 0) || (!ret && capacity > 0))
        return SEGS_EINVAL;
    if (payload_len > PAYLOAD_MAX_BYTES)
        return SEGS_ERANGE;
    if (header) {
        r = check_own_header(key, header, header_len);
        if (r < 0)
            return r;
    } else {
        segs__jws_put_header(&out, key, NULL);
        header = own;
        header_len = out.len;
    }
    len = segs__jws_len(key, header_len, payload_len);
    r = len < capacity ? segs__jws_write(key, header, header_len, payload ? payload : "",
                                         payload_len, key->allocator, ret)
                       : SEGS_ENOSPC;
    if (ret_len && (r == 0 || r == SEGS_ENOSPC))
        *ret_len = len;
    return r;
}

/* Everything about a JWS but its payload. */
static int check_jws(const struct segs_jwk *key, const struct segs__jws *jws)
{
    struct segs__jws_header header;
    const char *reason;

    if (segs__jws_read_header(jws, SEGS_JWT_HEADER_MAX_BYTES, &header, &reason) < 0 ||
        header.alg != key->alg)
        return SEGS_EDENIED;
    if (header.kid && key->kid &&
        (header.kid_len != key->kid_len || memcmp(header.kid, key->kid, key->kid_len) != 0))
        return SEGS_EDENIED;
    return segs__jws_check_signature(key, jws);
}

int segs_jws_verify(const struct segs_jwk *key, const char *jws, size_t len, void *ret,
                    size_t capacity, size_t *ret_len)
{
    struct segs__jws parts;
    size_t payload_len;
    char *payload;
    int r;

    if (!key || !jws || (!ret && capacity > 0))
        return SEGS_EINVAL;
    if (segs__jws_split(jws, len, &parts) < 0)
        return SEGS_EDENIED;
    r = check_jws(key, &parts);
    if (r < 0)
        return r;
    payload_len = segs__b64_data_len(parts.payload_len);
    payload = segs__alloc(key->allocator, payload_len);
    if (!payload)
        return SEGS_ENOMEM;
    if (segs__b64_decode(parts.payload, parts.payload_len, payload) < 0)
        r = SEGS_EDENIED;
    else if (payload_len > capacity)
        r = SEGS_ENOSPC;
    else if (payload_len > 0)
        memcpy(ret, payload, payload_len);
    if (ret_len && (r == 0 || r == SEGS_ENOSPC))
        *ret_len = payload_len;
    segs__release(key->allocator, payload);
    return r;
}
