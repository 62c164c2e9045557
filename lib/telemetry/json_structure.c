#include <segs/decode.h>

#include <string.h>

#include "base/base_internal.h"
#include "telemetry/telemetry_internal.h"

/* The kinds of the open brackets, one bit each: whole texts are checked without recursion. */
struct nesting {
    uint8_t is_object[SEGS_JSON_MAX_DEPTH / 8];
    int depth;
    int max_depth;
};

static int nest(struct nesting *nesting, struct segs__json *j, bool is_object)
{
    unsigned bit;

    if (nesting->depth == nesting->max_depth) {
        j->expected = "less nesting";
        return SEGS_EFULL;
    }
    bit = 1u << (nesting->depth % 8);
    if (is_object)
        nesting->is_object[nesting->depth / 8] |= (uint8_t)bit;
    else
        nesting->is_object[nesting->depth / 8] &= (uint8_t)~bit;
    nesting->depth++;
    return 0;
}

static bool in_object(const struct nesting *nesting)
{
    int top = nesting->depth - 1;

    return top >= 0 && (nesting->is_object[top / 8] >> (top % 8) & 1) != 0;
}

static int syntax(struct segs__json *j, const char *expected)
{
    j->expected = expected;
    return SEGS_ESYNTAX;
}

/* A member's name and the colon behind it. */
static int member_name(struct segs__json *j)
{
    segs__json_space(j);
    if (j->p == j->end || *j->p != '"')
        return syntax(j, "a member name in quotes");
    j->p++;
    if (segs__json_string(j, NULL, 0, NULL) < 0)
        return SEGS_ESYNTAX;
    segs__json_space(j);
    if (j->p == j->end || *j->p != ':')
        return syntax(j, "':'");
    j->p++;
    return 0;
}

static int scalar(struct segs__json *j)
{
    if (*j->p == '"') {
        j->p++;
        return segs__json_string(j, NULL, 0, NULL);
    }
    if (*j->p == '-' || segs__is_digit(*j->p))
        return segs__json_number(j);
    return segs__json_word(j);
}

/* Read up to the next place where a value has ended: 1 when a value ended, 0 when a bracket opened
 * and a value must follow. */
static int value_start(struct segs__json *j, struct nesting *nesting)
{
    bool is_object;
    int r;

    segs__json_space(j);
    if (j->p == j->end)
        return syntax(j, "a value");
    is_object = *j->p == '{';
    if (!is_object && *j->p != '[') {
        r = scalar(j);
        return r < 0 ? r : 1;
    }

    r = nest(nesting, j, is_object);
    if (r < 0)
        return r;
    j->p++;
    segs__json_space(j);
    if (j->p < j->end && *j->p == (is_object ? '}' : ']')) {
        j->p++;
        nesting->depth--;
        return 1;
    }
    return is_object ? member_name(j) : 0;
}

/* Behind a value inside a bracket: 1 when the bracket closed, 0 when a value must follow. */
static int value_end(struct segs__json *j, struct nesting *nesting)
{
    bool is_object = in_object(nesting);

    segs__json_space(j);
    if (j->p < j->end && *j->p == ',') {
        j->p++;
        return is_object ? member_name(j) : 0;
    }
    if (j->p < j->end && *j->p == (is_object ? '}' : ']')) {
        j->p++;
        nesting->depth--;
        return 1;
    }
    return syntax(j, is_object ? "',' or '}'" : "',' or ']'");
}

int segs__json_value(struct segs__json *j, int max_depth)
{
    struct nesting nesting;
    int r;

    nesting.depth = 0;
    nesting.max_depth = max_depth;
    do {
        r = value_start(j, &nesting);
        while (r > 0 && nesting.depth > 0)
            r = value_end(j, &nesting);
    } while (r == 0);
    return r < 0 ? r : 0;
}

/* Behind an opening quote, to behind the closing one. */
static int skip_string(struct segs__json *j)
{
    while (j->p < j->end) {
        char c = *j->p++;

        if (c == '"')
            return 0;
        if (c == '\\' && j->p < j->end)
            j->p++;
    }
    return syntax(j, "a closing quote");
}

static int skip_bracket(struct segs__json *j, struct nesting *nesting)
{
    char c = *j->p;
    int r;

    if (c == '{' || c == '[') {
        r = nest(nesting, j, c == '{');
        if (r < 0)
            return r;
    } else {
        if (in_object(nesting) != (c == '}'))
            return syntax(j, "brackets that match");
        nesting->depth--;
    }
    j->p++;
    return 0;
}

int segs__json_skip(struct segs__json *j, int max_depth)
{
    struct nesting nesting;
    bool is_bracket = j->p < j->end && (*j->p == '{' || *j->p == '[');
    int r = 0;

    nesting.depth = 0;
    nesting.max_depth = max_depth;
    while (r == 0 && j->p < j->end) {
        char c = *j->p;

        if (nesting.depth == 0 && (c == ',' || c == ']'))
            return 0;
        if (c == '"') {
            j->p++;
            r = skip_string(j);
        } else if (c == '{' || c == '[' || c == '}' || c == ']') {
            r = skip_bracket(j, &nesting);
            if (r == 0 && is_bracket && nesting.depth == 0)
                return 0;
        } else {
            j->p++;
        }
    }
    return r < 0 ? r : syntax(j, nesting.depth > 0 ? "a closing bracket" : "',' or ']'");
}

/* 1-based line of a place in the text. */
static int64_t line_of(const char *data, const char *at)
{
    int64_t line = 1;

    for (const char *p = data; p < at && (p = memchr(p, '\n', (size_t)(at - p))) != NULL; p++)
        line++;
    return line;
}

int segs_json_check(const char *data, size_t len, int max_depth, struct segs_error *reterr)
{
    const char *text = data ? data : "";
    struct segs__json j = { text, text + (data ? len : 0), NULL };
    char found[SEGS__FOUND_BYTES];
    int64_t offset;
    int r;

    if ((!data && len > 0) || max_depth < 1 || max_depth > SEGS_JSON_MAX_DEPTH)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "expected a text and a depth of 1..%d",
                          SEGS_JSON_MAX_DEPTH);

    r = segs__json_value(&j, max_depth);
    if (r == 0) {
        segs__json_space(&j);
        if (j.p == j.end)
            return 0;
        r = syntax(&j, "nothing behind the value");
    }
    offset = j.p - text;
    if (r == SEGS_EFULL)
        (void)segs__fail(reterr, r, NULL, offset, "expected at most %d levels of nesting",
                         max_depth);
    else
        (void)segs__fail(reterr, r, NULL, offset, "expected %s, found %s", j.expected,
                         segs__found(found, text, len, (size_t)offset));
    if (reterr)
        reterr->line = line_of(text, j.p);
    return r;
}
