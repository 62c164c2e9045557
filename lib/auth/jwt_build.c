/* Claims being put together, and signing them. */
#include <string.h>

#include <segs/jwt.h>

#include "auth/auth_internal.h"
#include "base/base_internal.h"

_Static_assert(offsetof(struct segs_jwt_builder_options, max_token_bytes) == 24,
               "no implicit padding");
_Static_assert(sizeof(struct segs_jwt_builder_options) == 32, "no implicit padding");

#define CLAIMS_MAX 64
#define NAME_MAX_BYTES 64
#define TYP_MAX_BYTES 64
#define TOKEN_MIN_BYTES 64
#define HEADER_MAX_BYTES (128 + TYP_MAX_BYTES + 6 * SEGS_JWK_KID_MAX_BYTES)

struct segs_jwt_builder {
    const struct segs_allocator *allocator;
    char *text; /* always a complete JSON object */
    size_t len;
    size_t capacity;
    size_t max_token_bytes;
    size_t n_claims;
    char names[CLAIMS_MAX][NAME_MAX_BYTES + 1];
    char typ[TYP_MAX_BYTES + 1];
};

enum kind { TEXT, INTEGER, BOOLEAN, TEXTS };

/* A value of one of the kinds. */
struct value {
    enum kind kind;
    const char *text;
    int64_t number; /* of INTEGER and BOOLEAN; how many TEXTS */
    const char *const *texts;
};

/* Characters of a media type (RFC 6838 4.2), and the slash between its halves. */
static bool is_typ(const char *typ)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&-^_.+/";
    size_t len = strlen(typ);

    return len > 0 && len <= TYP_MAX_BYTES && strspn(typ, allowed) == len;
}

int segs_jwt_builder_new(const struct segs_jwt_builder_options *options,
                         struct segs_jwt_builder **ret)
{
    struct segs_jwt_builder_options o;
    const struct segs_allocator *allocator;
    struct segs_jwt_builder *builder;
    int r;

    if (!ret)
        return SEGS_EINVAL;
    r = segs__options_copy(&o, sizeof o, options);
    if (r < 0)
        return r;
    if (o.max_token_bytes == 0)
        o.max_token_bytes = SEGS_JWT_TOKEN_DEFAULT_BYTES;
    if (o.max_token_bytes < TOKEN_MIN_BYTES || o.max_token_bytes > SEGS_JWT_TOKEN_MAX_BYTES)
        return SEGS_ERANGE;
    if (o.typ && !is_typ(o.typ))
        return SEGS_EINVAL;
    allocator = segs__allocator(o.allocator);
    builder = segs__alloc_zero(allocator, sizeof *builder);
    if (!builder)
        return SEGS_ENOMEM;
    builder->allocator = allocator;
    builder->max_token_bytes = (size_t)o.max_token_bytes;
    memcpy(builder->typ, o.typ ? o.typ : "JWT", strlen(o.typ ? o.typ : "JWT") + 1);
    *ret = builder;
    return 0;
}

void segs_jwt_builder_free(struct segs_jwt_builder *builder)
{
    if (!builder)
        return;
    segs__release(builder->allocator, builder->text);
    segs__release(builder->allocator, builder);
}

void segs_jwt_builder_clear(struct segs_jwt_builder *builder)
{
    if (!builder)
        return;
    builder->len = 0;
    builder->n_claims = 0;
}

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

/* Registered claims keep their types (RFC 7519 4.1). */
static int check_registered(const char *name, const struct value *value)
{
    static const char *const texts[] = { "iss", "sub", "jti", "sid" };
    static const char *const times[] = { "exp", "nbf", "iat" };

    if (is_one_of(name, texts, 4))
        return value->kind == TEXT ? 0 : SEGS_EINVAL;
    if (strcmp(name, "aud") == 0)
        return value->kind == TEXT || value->kind == TEXTS ? 0 : SEGS_EINVAL;
    if (!is_one_of(name, times, 3))
        return 0;
    if (value->kind != INTEGER)
        return SEGS_EINVAL;
    return value->number >= 0 && value->number <= SEGS_JWT_TIME_MAX_S ? 0 : SEGS_ERANGE;
}

static int check_value(const struct value *value)
{
    if (value->kind == TEXT) {
        if (!value->text)
            return SEGS_EINVAL;
        return segs__utf8_is_valid(value->text, strlen(value->text)) ? 0 : SEGS_ESYNTAX;
    }
    if (value->kind != TEXTS)
        return 0;
    if (value->number < 0 || (!value->texts && value->number > 0))
        return SEGS_EINVAL;
    for (int64_t i = 0; i < value->number; i++) {
        if (!value->texts[i])
            return SEGS_EINVAL;
        if (!segs__utf8_is_valid(value->texts[i], strlen(value->texts[i])))
            return SEGS_ESYNTAX;
    }
    return 0;
}

static bool has_name(const struct segs_jwt_builder *builder, const char *name)
{
    for (size_t i = 0; i < builder->n_claims; i++) {
        if (strcmp(builder->names[i], name) == 0)
            return true;
    }
    return false;
}

static int check_name(const struct segs_jwt_builder *builder, const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > NAME_MAX_BYTES)
        return SEGS_ERANGE;
    if (!segs__utf8_is_valid(name, len))
        return SEGS_ESYNTAX;
    if (has_name(builder, name))
        return SEGS_ECONFLICT;
    return builder->n_claims == CLAIMS_MAX ? SEGS_EFULL : 0;
}

static void put_value(struct segs__out *out, const struct value *value)
{
    switch (value->kind) {
    case TEXT:
        segs__put_json_string(out, value->text, strlen(value->text));
        break;
    case INTEGER:
        segs__put_int(out, value->number);
        break;
    case BOOLEAN:
        segs__put_text(out, value->number ? "true" : "false");
        break;
    case TEXTS:
        segs__put_text(out, "[");
        for (int64_t i = 0; i < value->number; i++) {
            if (i > 0)
                segs__put_text(out, ",");
            segs__put_json_string(out, value->texts[i], strlen(value->texts[i]));
        }
        segs__put_text(out, "]");
        break;
    }
}

/* The object with one more member; the closing brace of what was there is overwritten. */
static void put_object(struct segs__out *out, const struct segs_jwt_builder *builder,
                       const char *name, const struct value *value)
{
    if (builder->n_claims == 0) {
        segs__put_text(out, "{");
    } else {
        out->len = builder->len - 1;
        segs__put_text(out, ",");
    }
    segs__put_json_string(out, name, strlen(name));
    segs__put_text(out, ":");
    put_value(out, value);
    segs__put_text(out, "}");
}

static int make_room(struct segs_jwt_builder *builder, size_t size)
{
    size_t capacity = builder->capacity ? builder->capacity : 256;
    char *text;

    if (size > builder->max_token_bytes)
        return SEGS_EFULL;
    if (size <= builder->capacity)
        return 0;
    while (capacity < size)
        capacity *= 2;
    text = segs__resize_array(builder->allocator, builder->text, capacity, 1);
    if (!text)
        return SEGS_ENOMEM;
    builder->text = text;
    builder->capacity = capacity;
    return 0;
}

static int add(struct segs_jwt_builder *builder, const char *name, const struct value *value)
{
    struct segs__out measure = { 0 };
    struct segs__out out = { 0 };
    int r;

    if (!builder || !name)
        return SEGS_EINVAL;
    if ((r = check_name(builder, name)) < 0 || (r = check_value(value)) < 0 ||
        (r = check_registered(name, value)) < 0)
        return r;
    put_object(&measure, builder, name, value);
    r = make_room(builder, measure.len);
    if (r < 0)
        return r;
    out.text = builder->text;
    out.capacity = builder->capacity;
    put_object(&out, builder, name, value);
    builder->len = out.len;
    memcpy(builder->names[builder->n_claims++], name, strlen(name) + 1);
    return 0;
}

int segs_jwt_builder_add_string(struct segs_jwt_builder *builder, const char *name,
                                const char *value)
{
    struct value v = { TEXT, value, 0, NULL };

    return add(builder, name, &v);
}

int segs_jwt_builder_add_int(struct segs_jwt_builder *builder, const char *name, int64_t value)
{
    struct value v = { INTEGER, NULL, value, NULL };

    return add(builder, name, &v);
}

int segs_jwt_builder_add_bool(struct segs_jwt_builder *builder, const char *name, int value)
{
    struct value v = { BOOLEAN, NULL, value != 0, NULL };

    return add(builder, name, &v);
}

int segs_jwt_builder_add_strings(struct segs_jwt_builder *builder, const char *name,
                                 const char *const *values, int64_t n)
{
    struct value v = { TEXTS, NULL, n, values };

    return add(builder, name, &v);
}

int segs_jwt_sign(const struct segs_jwk *key, const struct segs_jwt_builder *builder, char *ret,
                  size_t capacity, size_t *ret_len)
{
    char header[HEADER_MAX_BYTES];
    struct segs__out out = { header, sizeof header, 0 };
    size_t len;
    int r;

    if (!key || !key->is_private || !builder || !has_name(builder, "exp") || (!ret && capacity > 0))
        return SEGS_EINVAL;
    segs__jws_put_header(&out, key, builder->typ);
    len = segs__jws_len(key, out.len, builder->len);
    if (len > builder->max_token_bytes)
        return SEGS_EFULL;
    r = len < capacity ? segs__jws_write(key, header, out.len, builder->text, builder->len,
                                         builder->allocator, ret)
                       : SEGS_ENOSPC;
    if (ret_len && (r == 0 || r == SEGS_ENOSPC))
        *ret_len = len;
    return r;
}
