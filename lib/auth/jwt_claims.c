/* The payload of a token that is authentic (RFC 7519 4). */
#include <string.h>

#include <segs/jwt.h>
#include <segs/role.h>

#include "auth/auth_internal.h"
#include "base/base_internal.h"

struct segs_jwt_claims {
    const struct segs_allocator *allocator;
    struct segs__json json;
    struct segs__json_node *nodes;
    int64_t exp_s;
    int64_t iat_s;
    int64_t nbf_s;
    char text[]; /* the decoded payload, and a NUL */
};

void segs_jwt_claims_free(struct segs_jwt_claims *claims)
{
    if (!claims)
        return;
    segs__release(claims->allocator, claims->nodes);
    segs__release(claims->allocator, claims);
}

static const struct segs__json_node *find(const struct segs_jwt_claims *claims, const char *name)
{
    const struct segs__json_node *node = segs__json_member(&claims->json, claims->json.nodes, name);

    return node && node->type != SEGS__JSON_NULL ? node : NULL;
}

static const char *text_of(const struct segs_jwt_claims *claims, const struct segs__json_node *node)
{
    return claims->json.text + node->text;
}

/* Decode and parse the payload. */
static int fill(struct segs_jwt_claims *claims, const char *payload, size_t payload_len,
                const char **ret_reason)
{
    size_t len = segs__b64_data_len(payload_len);
    size_t n_nodes;

    *ret_reason = "payload is not strict base64url";
    if (segs__b64_decode(payload, payload_len, claims->text) < 0)
        return SEGS_EDENIED;
    n_nodes = segs__json_node_bound(claims->text, len);
    claims->nodes = segs__alloc_array(claims->allocator, n_nodes, sizeof claims->nodes[0]);
    if (!claims->nodes)
        return SEGS_ENOMEM;
    *ret_reason = "payload is not a strict JSON object";
    if (segs__json_parse(claims->text, len, claims->nodes, n_nodes, &claims->json, NULL) < 0 ||
        claims->nodes->type != SEGS__JSON_OBJECT)
        return SEGS_EDENIED;
    return 0;
}

/* A NumericDate (RFC 7519 2) as the first whole second not before it. 0 or SEGS_ESYNTAX. */
static int read_date(const struct segs_jwt_claims *claims, const char *name, int64_t *ret)
{
    const struct segs__json_node *node = segs__json_member(&claims->json, claims->json.nodes, name);
    const char *text;
    int64_t seconds = 0;
    bool has_fraction = false;
    uint32_t i = 0;

    if (!node)
        return 0;
    if (node->type != SEGS__JSON_NUMBER)
        return SEGS_ESYNTAX;
    text = text_of(claims, node);
    for (; i < node->len && segs__is_digit(text[i]); i++) {
        seconds = seconds * 10 + (text[i] - '0');
        if (seconds > SEGS_JWT_TIME_MAX_S)
            return SEGS_ESYNTAX;
    }
    if (i == 0)
        return SEGS_ESYNTAX; /* a minus sign */
    if (i < node->len && text[i] == '.')
        i++;
    for (; i < node->len && segs__is_digit(text[i]); i++)
        has_fraction = has_fraction || text[i] != '0';
    if (i < node->len)
        return SEGS_ESYNTAX; /* an exponent */
    *ret = seconds + has_fraction;
    return 0;
}

static bool is_text_or_absent(const struct segs_jwt_claims *claims, const char *name)
{
    const struct segs__json_node *node = segs__json_member(&claims->json, claims->json.nodes, name);

    return !node || node->type == SEGS__JSON_STRING;
}

/* Registered claims must be of their type also when nobody asked for them. */
static int check_types(struct segs_jwt_claims *claims, const char **ret_reason)
{
    static const char *const texts[] = { "iss", "sub", "jti", "sid" };

    claims->exp_s = -1;
    claims->iat_s = -1;
    claims->nbf_s = -1;
    *ret_reason = "exp, nbf or iat is not a plain number of seconds";
    if (read_date(claims, "exp", &claims->exp_s) < 0 ||
        read_date(claims, "nbf", &claims->nbf_s) < 0 ||
        read_date(claims, "iat", &claims->iat_s) < 0)
        return SEGS_EDENIED;
    *ret_reason = "exp is missing";
    if (claims->exp_s < 0)
        return SEGS_EDENIED;
    *ret_reason = "iss, sub, jti or sid is not a text";
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!is_text_or_absent(claims, texts[i]))
            return SEGS_EDENIED;
    }
    return 0;
}

int segs__claims_new(const char *payload, size_t payload_len,
                     const struct segs_allocator *allocator, struct segs_jwt_claims **ret,
                     const char **ret_reason)
{
    struct segs_jwt_claims *claims =
        segs__alloc_zero(allocator, sizeof *claims + segs__b64_data_len(payload_len) + 1);
    int r;

    if (!claims)
        return SEGS_ENOMEM;
    claims->allocator = allocator;
    r = fill(claims, payload, payload_len, ret_reason);
    if (r == 0)
        r = check_types(claims, ret_reason);
    if (r < 0) {
        segs_jwt_claims_free(claims);
        return r;
    }
    *ret = claims;
    return 0;
}

bool segs__claims_issuer_is(const struct segs_jwt_claims *claims, const char *issuer)
{
    return segs__json_is_text(&claims->json, find(claims, "iss"), issuer);
}

bool segs__claims_audience_has(const struct segs_jwt_claims *claims, const char *audience)
{
    const struct segs__json_node *aud = find(claims, "aud");
    const struct segs__json_node *node;
    bool found = false;

    if (!aud || aud->type != SEGS__JSON_ARRAY)
        return segs__json_is_text(&claims->json, aud, audience);
    node = aud + 1;
    for (uint32_t i = 0; i < aud->n_children; i++) {
        if (node->type != SEGS__JSON_STRING)
            return false;
        found = found || segs__json_is_text(&claims->json, node, audience);
        node = claims->json.nodes + node->next;
    }
    return found;
}

bool segs__claims_has_audience(const struct segs_jwt_claims *claims)
{
    return segs__json_member(&claims->json, claims->json.nodes, "aud") != NULL;
}

static const char *text_claim(const struct segs_jwt_claims *claims, const char *name)
{
    const char *text;

    return segs_jwt_claims_get_string(claims, name, &text) == 0 ? text : NULL;
}

const char *segs_jwt_claims_subject(const struct segs_jwt_claims *claims)
{
    return text_claim(claims, "sub");
}

const char *segs_jwt_claims_issuer(const struct segs_jwt_claims *claims)
{
    return text_claim(claims, "iss");
}

const char *segs_jwt_claims_jti(const struct segs_jwt_claims *claims)
{
    return text_claim(claims, "jti");
}

const char *segs_jwt_claims_sid(const struct segs_jwt_claims *claims)
{
    return text_claim(claims, "sid");
}

int64_t segs_jwt_claims_exp_s(const struct segs_jwt_claims *claims)
{
    return claims ? claims->exp_s : -1;
}

int64_t segs_jwt_claims_iat_s(const struct segs_jwt_claims *claims)
{
    return claims ? claims->iat_s : -1;
}

int64_t segs_jwt_claims_nbf_s(const struct segs_jwt_claims *claims)
{
    return claims ? claims->nbf_s : -1;
}

static uint32_t role_bit(const struct segs_jwt_claims *claims, const struct segs__json_node *node)
{
    int32_t role;

    if (node->type != SEGS__JSON_STRING ||
        segs_role_parse(text_of(claims, node), node->len, &role) < 0)
        return 0;
    return SEGS_ROLE_BIT(role);
}

uint32_t segs_jwt_claims_roles(const struct segs_jwt_claims *claims)
{
    const struct segs__json_node *role, *roles, *node;
    uint32_t bits = 0;

    if (!claims)
        return 0;
    role = find(claims, "role");
    roles = find(claims, "roles");
    if (role)
        bits |= role_bit(claims, role);
    if (!roles || roles->type != SEGS__JSON_ARRAY)
        return bits;
    node = roles + 1;
    for (uint32_t i = 0; i < roles->n_children; i++) {
        bits |= role_bit(claims, node);
        node = claims->json.nodes + node->next;
    }
    return bits;
}

int segs_jwt_claims_has(const struct segs_jwt_claims *claims, const char *name)
{
    return claims && name && find(claims, name) != NULL;
}

int segs_jwt_claims_get_string(const struct segs_jwt_claims *claims, const char *name,
                               const char **ret)
{
    const struct segs__json_node *node;

    if (!claims || !name || !ret)
        return SEGS_EINVAL;
    node = find(claims, name);
    if (!node)
        return SEGS_ENOTFOUND;
    if (node->type != SEGS__JSON_STRING)
        return SEGS_ESYNTAX;
    *ret = text_of(claims, node);
    return 0;
}

int segs_jwt_claims_get_int(const struct segs_jwt_claims *claims, const char *name, int64_t *ret)
{
    const struct segs__json_node *node;

    if (!claims || !name || !ret)
        return SEGS_EINVAL;
    node = find(claims, name);
    return node ? segs__json_int(&claims->json, node, ret) : SEGS_ENOTFOUND;
}

int segs_jwt_claims_get_bool(const struct segs_jwt_claims *claims, const char *name, int *ret)
{
    const struct segs__json_node *node;

    if (!claims || !name || !ret)
        return SEGS_EINVAL;
    node = find(claims, name);
    if (!node)
        return SEGS_ENOTFOUND;
    if (node->type != SEGS__JSON_TRUE && node->type != SEGS__JSON_FALSE)
        return SEGS_ESYNTAX;
    *ret = node->type == SEGS__JSON_TRUE;
    return 0;
}

int segs_jwt_claims_get_string_at(const struct segs_jwt_claims *claims, const char *name,
                                  int64_t index, const char **ret)
{
    const struct segs__json_node *node;

    if (!claims || !name || index < 0 || !ret)
        return SEGS_EINVAL;
    node = find(claims, name);
    if (node && node->type == SEGS__JSON_ARRAY)
        node = segs__json_element(&claims->json, node, index);
    else if (node && node->type == SEGS__JSON_STRING && index > 0)
        node = NULL;
    if (!node)
        return SEGS_ENOTFOUND;
    if (node->type != SEGS__JSON_STRING)
        return SEGS_ESYNTAX;
    *ret = text_of(claims, node);
    return 0;
}

int64_t segs_jwt_claims_array_count(const struct segs_jwt_claims *claims, const char *name)
{
    const struct segs__json_node *node;

    if (!claims || !name)
        return SEGS_EINVAL;
    node = find(claims, name);
    if (!node)
        return SEGS_ENOTFOUND;
    if (node->type == SEGS__JSON_STRING)
        return 1;
    return node->type == SEGS__JSON_ARRAY ? (int64_t)node->n_children : SEGS_ESYNTAX;
}
