#include "runtime/http_target.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "runtime/text.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool is_text(const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = rt_text_utf8(text + i, len - i);

        if (n == 0 || (n == 1 && ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)))
            return false;
        i += n;
    }
    return true;
}

/* Decode `len` raw bytes once into `out`; the decoded length, or -1 for a broken or forbidden
 * escape. */
static ptrdiff_t decode(const char *raw, size_t len, bool query, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char c = raw[i];

        if (c == '%') {
            int high = i + 2 < len ? hex(raw[i + 1]) : -1;
            int low = i + 2 < len ? hex(raw[i + 2]) : -1;

            if (high < 0 || low < 0)
                return -1;
            c = (char)(high * 16 + low);
            i += 2;
            if (c == '\0' || (!query && (c == '/' || c == '\\')))
                return -1;
        } else if (query && c == '+')
            c = ' ';
        out[n++] = c;
    }
    return is_text(out, n) ? (ptrdiff_t)n : -1;
}

static bool is_dots(const char *text)
{
    return strcmp(text, ".") == 0 || strcmp(text, "..") == 0;
}

static int refuse(const char **why, int status, const char *text)
{
    *why = text;
    return status;
}

int http_target_path(struct http_target *target, const char *raw, const char **why)
{
    char *out = target->path_text;

    target->n_segments = 0;
    if (strlen(raw) > HTTP_MAX_PATH)
        return refuse(why, 414, "The path is longer than 2048 bytes.");
    if (raw[0] != '/')
        return refuse(why, 400, "The path does not start with a slash.");
    if (raw[1] == '\0')
        return 0;
    while (*raw == '/') {
        size_t len = strcspn(raw + 1, "/");
        ptrdiff_t n = decode(raw + 1, len, false, out);

        if (n < 0)
            return refuse(why, 400, "A path segment has a forbidden or broken escape.");
        if (n == 0)
            return refuse(why, 400, "The path has an empty segment.");
        out[n] = '\0';
        if (is_dots(out) || memchr(raw + 1, ';', len) || memchr(raw + 1, '#', len) ||
            memchr(raw + 1, '\\', len))
            return refuse(why, 400, "A path segment is not a plain name.");
        if (target->n_segments == HTTP_MAX_SEGMENTS)
            return refuse(why, 414, "The path has more than 16 segments.");
        target->segments[target->n_segments++] = out;
        out += n + 1;
        raw += 1 + len;
    }
    return 0;
}

static int add_pair(struct http_target *target, const char *raw, size_t len, char **out,
                    const char **why)
{
    const char *equals = memchr(raw, '=', len);
    size_t name_len = equals ? (size_t)(equals - raw) : len;
    size_t value_len = equals ? len - name_len - 1 : 0;
    struct http_pair *pair = &target->pairs[target->n_pairs];
    ptrdiff_t n;

    if (target->n_pairs == HTTP_MAX_PAIRS)
        return refuse(why, 400, "The query has more than 32 parameters.");
    pair->name = *out;
    n = decode(raw, name_len, true, *out);
    if (n <= 0)
        return refuse(why, 400, "A query parameter has no name or a broken escape in it.");
    (*out)[n] = '\0';
    *out += n + 1;
    pair->value = *out;
    n = value_len > 0 ? decode(equals + 1, value_len, true, *out) : 0;
    if (n < 0)
        return refuse(why, 400, "A query parameter's value has a forbidden or broken escape.");
    (*out)[n] = '\0';
    *out += n + 1;
    target->n_pairs++;
    return 0;
}

int http_target_query(struct http_target *target, const char *raw, const char **why)
{
    char *out = target->query_text;

    target->n_pairs = 0;
    if (!raw || !*raw)
        return 0;
    if (strlen(raw) > HTTP_MAX_QUERY)
        return refuse(why, 414, "The query is longer than 4096 bytes.");
    for (;;) {
        size_t len = strcspn(raw, "&");
        int status = add_pair(target, raw, len, &out, why);

        if (status != 0)
            return status;
        if (raw[len] == '\0')
            return 0;
        raw += len + 1;
    }
}

const char *http_target_get(const struct http_target *target, const char *name)
{
    for (size_t i = 0; i < target->n_pairs; i++) {
        if (strcmp(target->pairs[i].name, name) == 0)
            return target->pairs[i].value;
    }
    return NULL;
}

bool http_name_allowed(const char *allowed, const char *name)
{
    size_t len = strlen(name);

    while (allowed && *allowed) {
        size_t n = strcspn(allowed, ",");

        if (n == len && memcmp(allowed, name, n) == 0)
            return true;
        allowed += n + (allowed[n] == ',');
    }
    return false;
}

bool http_name_nearest(const char *allowed, const char *name, char *buf, size_t cap)
{
    struct rt_text_nearest nearest = { 0 };
    char names[512];
    char *at = names;

    if (!allowed || strlen(allowed) >= sizeof names)
        return false;
    memcpy(names, allowed, strlen(allowed) + 1);
    while (at) {
        char *next = strchr(at, ',');

        if (next)
            *next++ = '\0';
        rt_text_nearest(&nearest, name, at);
        at = next;
    }
    if (!nearest.best)
        return false;
    (void)snprintf(buf, cap, "%s", nearest.best);
    return true;
}
