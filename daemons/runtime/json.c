/* Reading. cJSON takes bytes after the end, invalid UTF-8, repeated members, \u0000 and infinite
 * numbers, and keeps numbers as doubles; so the text is checked before, the tree after, and
 * numbers are read from their own text. */
#include "runtime/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <segs/decode.h>
#include <segs/fixed.h>

#include "runtime/errors.h"
#include "runtime/text.h"

#define MAX_DEPTH 64
#define MICRO_DIGITS 6
#define MAX_SUGGESTIONS 8 /* Looking for them costs more than all the rest. */

/* The text of one value inside the document. */
struct span {
    const char *text;
    size_t len;
};

struct rt_json {
    char *text; /* Our copy of the document. */
    cJSON *root;
    struct span
        *values; /* Of the root's members or elements, in their order, as cJSON keeps them. */
    size_t n_values;
};

/* ---- The text: what segs_json_check leaves to us ---- */

/* cJSON ends a string at U+0000, so "admin\u0000x" would become "admin". In checked text a
 * backslash stands in strings alone. */
static int check_no_nul(const char *text, size_t len, struct segs_error *reterr)
{
    for (size_t i = 0; i + 1 < len; i++) {
        if (text[i] != '\\')
            continue;
        if (len - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0) {
            int r = rt_fail(reterr, SEGS_ESYNTAX, NULL, "found \\u0000, which no text may hold");

            if (reterr)
                reterr->offset = (int64_t)i;
            return r;
        }
        i++;
    }
    return 0;
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

static const char *skip_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++) {
        if (*p == '\\')
            p++;
    }
    return p < end ? p + 1 : end;
}

/* Behind the value at p. The text is known to be JSON. */
static const char *skip_value(const char *p, const char *end)
{
    int depth = 0;

    do {
        if (*p == '"') {
            p = skip_string(p, end);
        } else if (*p == '{' || *p == '[') {
            depth++;
            p++;
        } else if (*p == '}' || *p == ']') {
            depth--;
            p++;
        } else if (depth > 0) {
            p++;
        } else {
            while (p < end && !strchr(",]} \t\r\n", *p))
                p++;
        }
    } while (p < end && depth > 0);
    return p;
}

static int add_value(struct rt_json *json, size_t *cap, const char *text, size_t len)
{
    if (json->n_values == *cap) {
        size_t more = *cap ? *cap * 2 : 16;
        struct span *values = realloc(json->values, more * sizeof *values);

        if (!values)
            return SEGS_ENOMEM;
        json->values = values;
        *cap = more;
    }
    json->values[json->n_values++] = (struct span){ text, len };
    return 0;
}

/* Find where the values of the root object or array stand. */
static int index_values(struct rt_json *json, size_t len)
{
    const char *end = json->text + len;
    const char *p = skip_space(json->text, end);
    bool is_object = *p == '{';
    size_t cap = 0;

    if (*p != '{' && *p != '[')
        return 0;
    p = skip_space(p + 1, end);
    while (p < end && *p != '}' && *p != ']') {
        const char *start;

        if (is_object) {
            p = skip_space(skip_string(p, end), end);
            p = skip_space(p + 1, end); /* The colon. */
        }
        start = p;
        p = skip_value(p, end);
        if (add_value(json, &cap, start, (size_t)(p - start)) < 0)
            return SEGS_ENOMEM;
        p = skip_space(p, end);
        if (p < end && *p == ',')
            p = skip_space(p + 1, end);
    }
    return 0;
}

/* ---- The tree ---- */

/* Path of the value being looked at, cut where it would not fit. */
struct path {
    char text[SEGS_ERROR_FIELD_BYTES];
    size_t len;
};

static void path_put(struct path *path, char c)
{
    if (path->len + 1 < sizeof path->text)
        path->text[path->len++] = c;
    path->text[path->len] = '\0';
}

/* RFC 6901: "~" and "/" of a name become "~0" and "~1". */
static void path_push(struct path *path, const char *name)
{
    path_put(path, '/');
    for (; *name; name++) {
        if (*name == '~' || *name == '/')
            path_put(path, '~');
        path_put(path, *name == '~' ? '0' : *name == '/' ? '1' : *name);
    }
}

static void path_pop(struct path *path, size_t len)
{
    path->len = len;
    path->text[len] = '\0';
}

static int by_name(const void *a, const void *b)
{
    const char *const *name_a = a;
    const char *const *name_b = b;

    return strcmp(*name_a, *name_b);
}

/* Sorted, so that an object of many members costs no more than reading it did. */
static int check_names(const cJSON *object, struct path *path, struct segs_error *reterr)
{
    size_t n = (size_t)cJSON_GetArraySize(object);
    const char **names;
    size_t i = 0;
    int r = 0;

    if (n < 2)
        return 0;
    names = malloc(n * sizeof *names);
    if (!names)
        return rt_fail(reterr, SEGS_ENOMEM, path->text, "no memory for %zu members", n);
    for (const cJSON *item = object->child; item; item = item->next)
        names[i++] = item->string;
    qsort(names, n, sizeof *names, by_name);
    for (i = 1; i < n && r == 0; i++) {
        if (strcmp(names[i - 1], names[i]) == 0) {
            path_push(path, names[i]);
            r = rt_fail(reterr, SEGS_ECONFLICT, path->text, "expected each member once, found two");
        }
    }
    free(names);
    return r;
}

static int check_tree(const cJSON *item, struct path *path, struct segs_error *reterr)
{
    size_t len = path->len;
    size_t i = 0;
    int r = 0;

    if (cJSON_IsNumber(item) && !isfinite(item->valuedouble))
        return rt_fail(reterr, SEGS_ERANGE, path->text, "expected a number below 1.8e308 in size");
    if (cJSON_IsObject(item))
        r = check_names(item, path, reterr);
    for (const cJSON *child = item->child; child && r == 0; child = child->next) {
        char index[24];

        (void)snprintf(index, sizeof index, "%zu", i++);
        path_push(path, child->string ? child->string : index);
        r = check_tree(child, path, reterr);
        path_pop(path, len);
    }
    return r;
}

int rt_json_parse(const char *data, size_t len, struct rt_json **ret, struct segs_error *reterr)
{
    struct path path = { "", 0 };
    struct rt_json *json;
    int r;

    r = segs_json_check(data, len, MAX_DEPTH, reterr);
    if (r == 0)
        r = check_no_nul(data, len, reterr);
    if (r < 0)
        return r;

    json = calloc(1, sizeof *json);
    if (json)
        json->text = malloc(len + 1);
    if (!json || !json->text) {
        rt_json_free(json);
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a document of %zu bytes", len);
    }
    memcpy(json->text, data, len);
    json->text[len] = '\0';

    json->root = cJSON_ParseWithLengthOpts(json->text, len + 1, NULL, 1);
    if (!json->root)
        r = rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a document of %zu bytes", len);
    if (r == 0)
        r = check_tree(json->root, &path, reterr);
    if (r == 0 && index_values(json, len) < 0)
        r = rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a document of %zu bytes", len);
    if (r < 0) {
        rt_json_free(json);
        return r;
    }
    *ret = json;
    return 0;
}

void rt_json_free(struct rt_json *json)
{
    if (!json)
        return;
    cJSON_Delete(json->root);
    free(json->values);
    free(json->text);
    free(json);
}

/* ---- Values ---- */

/* The member and, when ret_span is not NULL, its text. NULL when absent or the document is no
 * object. */
static const cJSON *find(const struct rt_json *json, const char *name, struct span *ret_span)
{
    size_t i = 0;

    if (!cJSON_IsObject(json->root))
        return NULL;
    for (const cJSON *item = json->root->child; item; item = item->next, i++) {
        if (strcmp(item->string, name) == 0) {
            if (ret_span)
                *ret_span = json->values[i];
            return item;
        }
    }
    return NULL;
}

static int number(const struct rt_json *json, const char *name, unsigned digits, int64_t *ret)
{
    struct span span = { NULL, 0 };
    const cJSON *item = find(json, name, &span);

    if (!cJSON_IsNumber(item))
        return SEGS_ENOTFOUND;
    return segs_decimal_parse(span.text, span.len, digits, SEGS_ROUND_EXACT, ret, NULL);
}

const char *rt_json_string(const struct rt_json *json, const char *name)
{
    const cJSON *item = find(json, name, NULL);

    return cJSON_IsString(item) ? item->valuestring : NULL;
}

bool rt_json_int(const struct rt_json *json, const char *name, int64_t *ret)
{
    return number(json, name, 0, ret) == 0;
}

bool rt_json_micro(const struct rt_json *json, const char *name, int64_t *ret)
{
    return number(json, name, MICRO_DIGITS, ret) == 0;
}

bool rt_json_bool(const struct rt_json *json, const char *name, bool *ret)
{
    const cJSON *item = find(json, name, NULL);

    if (!cJSON_IsBool(item))
        return false;
    *ret = cJSON_IsTrue(item);
    return true;
}

bool rt_json_has(const struct rt_json *json, const char *name)
{
    return find(json, name, NULL) != NULL;
}

size_t rt_json_n_strings(const struct rt_json *json, const char *name)
{
    const cJSON *item = find(json, name, NULL);

    return cJSON_IsArray(item) ? (size_t)cJSON_GetArraySize(item) : 0;
}

const char *rt_json_string_at(const struct rt_json *json, const char *name, size_t i)
{
    const cJSON *item = find(json, name, NULL);

    if (!cJSON_IsArray(item))
        return NULL;
    item = item->child;
    while (item && i > 0) {
        item = item->next;
        i--;
    }
    return item && cJSON_IsString(item) ? item->valuestring : NULL;
}

const char *rt_json_raw(const struct rt_json *json, const char *name, size_t *ret_len)
{
    struct span span = { NULL, 0 };

    if (!find(json, name, &span))
        return NULL;
    *ret_len = span.len;
    return span.text;
}

size_t rt_json_n_elements(const struct rt_json *json)
{
    return cJSON_IsArray(json->root) ? json->n_values : 0;
}

const char *rt_json_raw_at(const struct rt_json *json, size_t i, size_t *ret_len)
{
    if (i >= rt_json_n_elements(json))
        return NULL;
    *ret_len = json->values[i].len;
    return json->values[i].text;
}

/* ---- Checking against a table ---- */

struct check {
    const struct rt_json *json;
    rt_json_fault_fn *on_fault;
    void *user;
    struct path path; /* Of the value being checked. */
    int n_unknown;
    bool failed;
};

static void fault(struct check *check, const char *code, const char *message)
{
    check->failed = true;
    if (check->on_fault)
        check->on_fault(check->path.text, code, message, check->user);
}

static const char *type_of(const cJSON *item)
{
    if (cJSON_IsObject(item))
        return "an object";
    if (cJSON_IsArray(item))
        return "an array";
    if (cJSON_IsString(item))
        return "a string";
    if (cJSON_IsNumber(item))
        return "a number";
    return cJSON_IsBool(item) ? "true or false" : "null";
}

static void type_fault(struct check *check, const char *expected, const cJSON *found)
{
    char message[128];

    (void)snprintf(message, sizeof message, "expected %s, found %s", expected, type_of(found));
    fault(check, "type", message);
}

static void check_string(struct check *check, const struct rt_json_member *member,
                         const cJSON *item)
{
    char message[160];
    size_t len;

    if (!cJSON_IsString(item)) {
        type_fault(check, "a string", item);
        return;
    }
    len = strlen(item->valuestring);
    if (len < member->min_len) {
        (void)snprintf(message, sizeof message, "expected at least %zu bytes, found %zu",
                       member->min_len, len);
        fault(check, "length", message);
    } else if (member->max_len != 0 && len > member->max_len) {
        (void)snprintf(message, sizeof message, "expected at most %zu bytes, found %zu",
                       member->max_len, len);
        fault(check, "length", message);
    }
}

static bool is_limited(const struct rt_json_member *member)
{
    return member->min != 0 || member->max != 0;
}

/* A limit as people write it. */
static void limit_text(int64_t value, unsigned digits, char buf[SEGS_DECIMAL_BYTES])
{
    if (segs_decimal_format(value, digits, 0, buf, SEGS_DECIMAL_BYTES) < 0)
        buf[0] = '\0';
}

static void check_number(struct check *check, const struct rt_json_member *member,
                         const cJSON *item, struct span span)
{
    bool is_int = member->type == RT_JSON_INT;
    unsigned digits = is_int ? 0 : MICRO_DIGITS;
    char low[SEGS_DECIMAL_BYTES];
    char high[SEGS_DECIMAL_BYTES];
    char message[192];
    int64_t value = 0;
    int r;

    if (!cJSON_IsNumber(item)) {
        type_fault(check, is_int ? "an integer" : "a number", item);
        return;
    }
    limit_text(is_limited(member) ? member->min : INT64_MIN, digits, low);
    limit_text(is_limited(member) ? member->max : INT64_MAX, digits, high);
    r = segs_decimal_parse(span.text, span.len, digits, SEGS_ROUND_EXACT, &value, NULL);
    if (r == SEGS_ERANGE) {
        (void)snprintf(message, sizeof message, "expected %s, found %.*s",
                       is_int ? "an integer" : "a number of at most 6 decimals",
                       (int)(span.len < 40 ? span.len : 40), span.text);
        fault(check, is_int ? "type" : "range", message);
    } else if (r < 0 || (is_limited(member) && (value < member->min || value > member->max))) {
        (void)snprintf(message, sizeof message, "expected %s to %s, found %.*s", low, high,
                       (int)(span.len < 40 ? span.len : 40), span.text);
        fault(check, "range", message);
    }
}

static void check_strings(struct check *check, const struct rt_json_member *member,
                          const cJSON *item)
{
    size_t len = check->path.len;
    char message[128];
    int64_t n = 0;

    if (!cJSON_IsArray(item)) {
        type_fault(check, "an array of strings", item);
        return;
    }
    for (const cJSON *child = item->child; child; child = child->next) {
        char index[24];

        (void)snprintf(index, sizeof index, "%lld", (long long)n++);
        path_push(&check->path, index);
        check_string(check, member, child);
        path_pop(&check->path, len);
    }
    if (is_limited(member) && (n < member->min || n > member->max)) {
        (void)snprintf(message, sizeof message, "expected %lld to %lld items, found %lld",
                       (long long)member->min, (long long)member->max, (long long)n);
        fault(check, "range", message);
    }
}

static void check_member(struct check *check, const struct rt_json_member *member)
{
    struct span span = { NULL, 0 };
    const cJSON *item = find(check->json, member->name, &span);

    path_push(&check->path, member->name);
    if (!item) {
        if (member->required)
            fault(check, "required", "is required");
    } else {
        switch (member->type) {
        case RT_JSON_STRING:
            check_string(check, member, item);
            break;
        case RT_JSON_INT:
        case RT_JSON_DECIMAL:
            check_number(check, member, item, span);
            break;
        case RT_JSON_BOOL:
            if (!cJSON_IsBool(item))
                type_fault(check, "true or false", item);
            break;
        case RT_JSON_STRINGS:
            check_strings(check, member, item);
            break;
        case RT_JSON_ANY:
            break;
        }
    }
    path_pop(&check->path, 0);
}

static void check_known(struct check *check, const struct rt_json_member *members,
                        const cJSON *item)
{
    struct rt_text_nearest nearest = { NULL, 0 };
    char message[160];

    for (const struct rt_json_member *m = members; m->name; m++) {
        if (strcmp(m->name, item->string) == 0)
            return;
    }
    if (check->n_unknown++ < MAX_SUGGESTIONS) {
        for (const struct rt_json_member *m = members; m->name; m++)
            rt_text_nearest(&nearest, item->string, m->name);
    }
    path_push(&check->path, item->string);
    if (nearest.best)
        (void)snprintf(message, sizeof message, "is not known; nearest: %s", nearest.best);
    else
        (void)snprintf(message, sizeof message, "is not known");
    fault(check, "unknown", message);
    path_pop(&check->path, 0);
}

int rt_json_check(const struct rt_json *json, const struct rt_json_member *members,
                  rt_json_fault_fn *on_fault, void *user)
{
    struct check check = { .json = json, .on_fault = on_fault, .user = user };

    if (!cJSON_IsObject(json->root)) {
        type_fault(&check, "an object", json->root);
        return SEGS_ERANGE;
    }
    for (const struct rt_json_member *m = members; m->name; m++)
        check_member(&check, m);
    for (const cJSON *item = json->root->child; item; item = item->next)
        check_known(&check, members, item);
    return check.failed ? SEGS_ERANGE : 0;
}
