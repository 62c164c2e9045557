#include <string.h>

#include <segs/jwk.h>

#include "auth/auth_internal.h"
#include "base/base_internal.h"

struct segs_jwk_set {
    const struct segs_allocator *allocator;
    struct segs_jwk *keys[SEGS_JWK_SET_MAX_KEYS];
    int64_t n_keys;
    int64_t n_skipped;
};

static int new_set(const struct segs_allocator *allocator, struct segs_jwk_set **ret)
{
    struct segs_jwk_set *set = segs__alloc_zero(allocator, sizeof *set);

    if (!set)
        return SEGS_ENOMEM;
    set->allocator = allocator;
    *ret = set;
    return 0;
}

int segs_jwk_set_new(const struct segs_jwk_options *options, struct segs_jwk_set **ret)
{
    struct segs_jwk_options o;
    int r;

    if (!ret)
        return SEGS_EINVAL;
    r = segs__jwk_options_read(&o, options, NULL);
    if (r < 0)
        return r;
    if (o.kid || o.alg)
        return SEGS_EINVAL;
    return new_set(segs__allocator(o.allocator), ret);
}

void segs_jwk_set_free(struct segs_jwk_set *set)
{
    if (!set)
        return;
    for (int64_t i = 0; i < set->n_keys; i++)
        segs_jwk_free(set->keys[i]);
    segs__release(set->allocator, set);
}

/* May the set take a key of this id? */
static int check_room(const struct segs_jwk_set *set, const struct segs_jwk *key)
{
    if (!key->kid)
        return SEGS_EINVAL;
    if (segs_jwk_set_find(set, key->kid, key->kid_len))
        return SEGS_ECONFLICT;
    return set->n_keys == SEGS_JWK_SET_MAX_KEYS ? SEGS_EFULL : 0;
}

int segs_jwk_set_add(struct segs_jwk_set *set, const struct segs_jwk *key)
{
    struct segs_jwk *copy;
    int r;

    if (!set || !key)
        return SEGS_EINVAL;
    r = check_room(set, key);
    if (r == 0)
        r = segs__jwk_copy(key, set->allocator, &copy);
    if (r < 0)
        return r;
    set->keys[set->n_keys++] = copy;
    return 0;
}

static int load_key(struct segs_jwk_set *set, const struct segs__json *json,
                    const struct segs__json_node *node, const struct segs_jwk_options *options,
                    struct segs_error *reterr)
{
    struct segs_jwk *key;
    int r = segs__jwk_from_node(json, node, options, &key, reterr);

    if (r < 0)
        return r;
    r = check_room(set, key);
    if (r < 0) {
        segs_jwk_free(key);
        return segs__fail(reterr, r == SEGS_EINVAL ? SEGS_ESYNTAX : r, "kid", -1,
                          r == SEGS_EFULL ? "expected fewer keys"
                                          : "expected a key id of its own for each key");
    }
    set->keys[set->n_keys++] = key;
    return 0;
}

static int load_keys(struct segs_jwk_set *set, const struct segs__json *json,
                     const struct segs_jwk_options *options, struct segs_error *reterr)
{
    const struct segs__json_node *keys = segs__json_member(json, json->nodes, "keys");
    const struct segs__json_node *node;
    struct segs_error err;
    int r;

    if (!keys || keys->type != SEGS__JSON_ARRAY)
        return segs__fail(reterr, SEGS_ESYNTAX, "keys", -1, "expected an array of keys");
    node = keys + 1;
    for (int64_t i = 0; i < (int64_t)keys->n_children; i++) {
        r = load_key(set, json, node, options, &err);
        if (r == SEGS_ENOTSUP) { /* RFC 7517 5: ignore what is not understood */
            set->n_skipped++;
        } else if (r < 0) {
            err.index = i;
            if (reterr)
                *reterr = err;
            return r;
        }
        node = json->nodes + node->next;
    }
    return 0;
}

int segs_jwk_set_load(const char *json, size_t len, const struct segs_jwk_options *options,
                      struct segs_jwk_set **ret, struct segs_error *reterr)
{
    struct segs_jwk_options o;
    struct segs__document document;
    struct segs_jwk_set *set = NULL;
    int r;

    if (!json || !ret)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "expected a text and a place for a set");
    r = segs__jwk_options_read(&o, options, reterr);
    if (r < 0)
        return r;
    if (o.kid || o.alg)
        return segs__fail(reterr, SEGS_EINVAL, o.kid ? "kid" : "alg", -1,
                          "expected none for a whole set");
    if (len > SEGS_JWK_SET_TEXT_MAX_BYTES)
        return segs__fail(reterr, SEGS_ERANGE, NULL, -1, "expected at most %d bytes, found %zu",
                          SEGS_JWK_SET_TEXT_MAX_BYTES, len);

    r = segs__document_open(&document, json, len, segs__allocator(o.allocator), reterr);
    if (r == 0 && (r = new_set(document.allocator, &set)) < 0)
        (void)segs__fail(reterr, r, NULL, -1, "out of memory");
    if (r == 0)
        r = load_keys(set, &document.json, &o, reterr);
    segs__document_close(&document);
    if (r < 0) {
        segs_jwk_set_free(set);
        return r;
    }
    *ret = set;
    return 0;
}

int64_t segs_jwk_set_count(const struct segs_jwk_set *set)
{
    return set ? set->n_keys : 0;
}

int64_t segs_jwk_set_skipped(const struct segs_jwk_set *set)
{
    return set ? set->n_skipped : 0;
}

const struct segs_jwk *segs_jwk_set_get(const struct segs_jwk_set *set, int64_t index)
{
    return set && index >= 0 && index < set->n_keys ? set->keys[index] : NULL;
}

const struct segs_jwk *segs_jwk_set_find(const struct segs_jwk_set *set, const char *kid,
                                         size_t len)
{
    if (!set || !kid)
        return NULL;
    for (int64_t i = 0; i < set->n_keys; i++) {
        const struct segs_jwk *key = set->keys[i];

        if (key->kid_len == len && memcmp(key->kid, kid, len) == 0)
            return key;
    }
    return NULL;
}
