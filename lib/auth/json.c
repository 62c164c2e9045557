#include <string.h>

#include "auth/auth_internal.h"
#include "base/base_internal.h"

struct parser {
    char *text;
    size_t len;
    size_t at;
    struct segs__json_node *nodes;
    size_t capacity;
    size_t n_nodes;
    size_t stack[SEGS__JSON_MAX_DEPTH]; /* open containers, outermost first */
    size_t depth;
    struct segs_error *reterr;
};

static int fault(const struct parser *p, const char *expected)
{
    char found[SEGS__FOUND_BYTES];

    return segs__fail(p->reterr, SEGS_ESYNTAX, NULL, (int64_t)p->at, "expected %s, found %s",
                      expected, segs__found(found, p->text, p->len, p->at));
}

static void skip_space(struct parser *p)
{
    while (p->at < p->len && (p->text[p->at] == ' ' || p->text[p->at] == '\t' ||
                              p->text[p->at] == '\n' || p->text[p->at] == '\r'))
        p->at++;
}

static bool accept(struct parser *p, char c)
{
    if (p->at >= p->len || p->text[p->at] != c)
        return false;
    p->at++;
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Four hexadecimal digits at `at`, or -1. */
static int32_t hex4(const struct parser *p, size_t at)
{
    int32_t value = 0;

    if (p->len - at < 4)
        return -1;
    for (size_t i = at; i < at + 4; i++) {
        int digit = hex_value(p->text[i]);

        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static size_t write_utf8(char *ret, uint32_t c)
{
    if (c < 0x80) {
        ret[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        ret[0] = (char)(0xC0 | c >> 6);
        ret[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        ret[0] = (char)(0xE0 | c >> 12);
        ret[1] = (char)(0x80 | (c >> 6 & 63));
        ret[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    ret[0] = (char)(0xF0 | c >> 18);
    ret[1] = (char)(0x80 | (c >> 12 & 63));
    ret[2] = (char)(0x80 | (c >> 6 & 63));
    ret[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* After "\u": the character, in one escape or a pair of surrogates, to `out`. */
static int unescape_unicode(struct parser *p, size_t *out)
{
    int32_t high = hex4(p, p->at);
    int32_t low;

    if (high <= 0 || (high >= 0xDC00 && high <= 0xDFFF))
        return fault(p, "a character other than U+0000 in four hexadecimal digits");
    p->at += 4;
    if (high >= 0xD800 && high <= 0xDBFF) {
        if (!accept(p, '\\') || !accept(p, 'u'))
            return fault(p, "the second half of a surrogate pair");
        low = hex4(p, p->at);
        if (low < 0xDC00 || low > 0xDFFF)
            return fault(p, "the second half of a surrogate pair");
        p->at += 4;
        high = 0x10000 + (high - 0xD800) * 0x400 + (low - 0xDC00);
    }
    *out += write_utf8(p->text + *out, (uint32_t)high);
    return 0;
}

static int unescape(struct parser *p, size_t *out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (accept(p, 'u'))
        return unescape_unicode(p, out);
    if (p->at >= p->len || p->text[p->at] == '\0' || !(found = strchr(from, p->text[p->at])))
        return fault(p, "an escape of JSON");
    p->at++;
    p->text[(*out)++] = to[found - from];
    return 0;
}

/* Length of the character at the current position, 0 when no string may hold it as it is. */
static size_t string_char_len(const struct parser *p)
{
    unsigned char c = p->at < p->len ? (unsigned char)p->text[p->at] : 0;

    if (c < 0x20)
        return 0;
    return c < 0x80 ? 1 : segs__utf8_char_len(p->text + p->at, p->len - p->at);
}

/* A string from its opening quote on. Unescapes in place, which never needs more room than the text
 * has, and puts a NUL where the closing quote or something before it was. */
static int parse_string(struct parser *p, uint32_t *ret, uint32_t *ret_len)
{
    size_t start = p->at + 1;
    size_t out = start;
    size_t n;
    int r;

    if (!accept(p, '"'))
        return fault(p, "a string");
    while (!accept(p, '"')) {
        if (accept(p, '\\')) {
            r = unescape(p, &out);
            if (r < 0)
                return r;
            continue;
        }
        n = string_char_len(p);
        if (n == 0)
            return fault(p, "a character of a string in UTF-8");
        if (out != p->at)
            memmove(p->text + out, p->text + p->at, n);
        out += n;
        p->at += n;
    }
    p->text[out] = '\0';
    *ret = (uint32_t)start;
    *ret_len = (uint32_t)(out - start);
    return 0;
}

static size_t skip_digits(struct parser *p)
{
    size_t start = p->at;

    while (p->at < p->len && segs__is_digit(p->text[p->at]))
        p->at++;
    return p->at - start;
}

static int parse_number(struct parser *p, struct segs__json_node *node)
{
    size_t start = p->at;

    (void)accept(p, '-');
    if (!accept(p, '0') && skip_digits(p) == 0)
        return fault(p, "a digit");
    if (accept(p, '.') && skip_digits(p) == 0)
        return fault(p, "a digit");
    if (accept(p, 'e') || accept(p, 'E')) {
        if (!accept(p, '+'))
            (void)accept(p, '-');
        if (skip_digits(p) == 0)
            return fault(p, "a digit");
    }
    node->type = SEGS__JSON_NUMBER;
    node->text = (uint32_t)start;
    node->len = (uint32_t)(p->at - start);
    return 0;
}

static int parse_word(struct parser *p, struct segs__json_node *node)
{
    static const struct {
        const char *word;
        uint32_t type;
    } words[] = { { "null", SEGS__JSON_NULL },
                  { "false", SEGS__JSON_FALSE },
                  { "true", SEGS__JSON_TRUE } };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t n = strlen(words[i].word);

        if (p->len - p->at >= n && memcmp(p->text + p->at, words[i].word, n) == 0) {
            p->at += n;
            node->type = words[i].type;
            return 0;
        }
    }
    return fault(p, "a value");
}

static int open_container(struct parser *p, struct segs__json_node *node)
{
    if (p->depth == SEGS__JSON_MAX_DEPTH)
        return fault(p, "less nesting");
    node->type = p->text[p->at] == '{' ? SEGS__JSON_OBJECT : SEGS__JSON_ARRAY;
    p->stack[p->depth++] = (size_t)(node - p->nodes);
    p->at++;
    return 0;
}

/* The value at the current position; a container is only opened. */
static int parse_value(struct parser *p, const struct segs__json_node *name)
{
    struct segs__json_node *node;
    char c;

    skip_space(p);
    if (p->at >= p->len)
        return fault(p, "a value");
    if (p->n_nodes == p->capacity)
        return segs__fail(p->reterr, SEGS_EFULL, NULL, (int64_t)p->at, "more values than allowed");
    node = &p->nodes[p->n_nodes++];
    *node = *name;
    node->next = (uint32_t)p->n_nodes;
    c = p->text[p->at];
    if (c == '{' || c == '[')
        return open_container(p, node);
    if (c == '"') {
        node->type = SEGS__JSON_STRING;
        return parse_string(p, &node->text, &node->len);
    }
    if (c == '-' || segs__is_digit(c))
        return parse_number(p, node);
    return parse_word(p, node);
}

static bool has_member(const struct parser *p, size_t object, const struct segs__json_node *name)
{
    size_t child = object + 1;

    for (uint32_t i = 0; i < p->nodes[object].n_children; i++) {
        const struct segs__json_node *node = &p->nodes[child];

        if (node->name_len == name->name_len &&
            memcmp(p->text + node->name, p->text + name->name, name->name_len) == 0)
            return true;
        child = node->next;
    }
    return false;
}

static int parse_name(struct parser *p, size_t object, struct segs__json_node *name)
{
    size_t start;
    int r;

    skip_space(p);
    start = p->at;
    r = parse_string(p, &name->name, &name->name_len);
    if (r < 0)
        return r;
    if (has_member(p, object, name))
        return segs__fail(p->reterr, SEGS_ESYNTAX, p->text + name->name, (int64_t)start,
                          "expected each member once, found a duplicate");
    if (p->nodes[object].n_children == SEGS__JSON_MAX_MEMBERS)
        return segs__fail(p->reterr, SEGS_ESYNTAX, NULL, (int64_t)start,
                          "expected at most %d members", SEGS__JSON_MAX_MEMBERS);
    skip_space(p);
    return accept(p, ':') ? 0 : fault(p, "':'");
}

/* Close the innermost container or take its next value. */
static int parse_next(struct parser *p)
{
    size_t top = p->stack[p->depth - 1];
    struct segs__json_node *container = &p->nodes[top];
    bool is_object = container->type == SEGS__JSON_OBJECT;
    struct segs__json_node name = { 0 };
    int r;

    skip_space(p);
    if (accept(p, is_object ? '}' : ']')) {
        container->next = (uint32_t)p->n_nodes;
        p->depth--;
        return 0;
    }
    if (container->n_children > 0 && !accept(p, ','))
        return fault(p, is_object ? "',' or '}'" : "',' or ']'");
    if (is_object) {
        r = parse_name(p, top, &name);
        if (r < 0)
            return r;
    }
    r = parse_value(p, &name);
    if (r == 0)
        container->n_children++;
    return r;
}

size_t segs__json_node_bound(const char *text, size_t len)
{
    size_t bound = 1;

    for (size_t i = 0; i < len; i++)
        bound += text[i] == ',' || text[i] == '[' || text[i] == '{';
    return bound;
}

int segs__json_parse(char *text, size_t len, struct segs__json_node *nodes, size_t capacity,
                     struct segs__json *ret, struct segs_error *reterr)
{
    static const struct segs__json_node no_name = { 0 };
    struct parser p = {
        .text = text, .len = len, .nodes = nodes, .capacity = capacity, .reterr = reterr
    };
    int r;

    r = parse_value(&p, &no_name);
    while (r == 0 && p.depth > 0)
        r = parse_next(&p);
    if (r < 0)
        return r;
    skip_space(&p);
    if (p.at != len)
        return fault(&p, "end of text");
    ret->text = text;
    ret->nodes = nodes;
    return 0;
}

const struct segs__json_node *segs__json_member(const struct segs__json *json,
                                                const struct segs__json_node *object,
                                                const char *name)
{
    const struct segs__json_node *node = object + 1;
    size_t len = strlen(name);

    if (object->type != SEGS__JSON_OBJECT)
        return NULL;
    for (uint32_t i = 0; i < object->n_children; i++) {
        if (node->name_len == len && memcmp(json->text + node->name, name, len) == 0)
            return node;
        node = json->nodes + node->next;
    }
    return NULL;
}

const struct segs__json_node *segs__json_element(const struct segs__json *json,
                                                 const struct segs__json_node *array, int64_t index)
{
    const struct segs__json_node *node = array + 1;

    if (array->type != SEGS__JSON_ARRAY || index < 0 || index >= (int64_t)array->n_children)
        return NULL;
    for (int64_t i = 0; i < index; i++)
        node = json->nodes + node->next;
    return node;
}

bool segs__json_is_text(const struct segs__json *json, const struct segs__json_node *node,
                        const char *text)
{
    size_t len = strlen(text);

    return node && node->type == SEGS__JSON_STRING && node->len == len &&
           memcmp(json->text + node->text, text, len) == 0;
}

int segs__json_int(const struct segs__json *json, const struct segs__json_node *node, int64_t *ret)
{
    const char *digits = json->text + node->text;
    bool is_negative;
    int64_t value = 0;

    if (node->type != SEGS__JSON_NUMBER)
        return SEGS_ESYNTAX;
    is_negative = digits[0] == '-';
    for (uint32_t i = is_negative; i < node->len; i++) {
        int64_t digit = digits[i] - '0';

        if (!segs__is_digit(digits[i]))
            return SEGS_ESYNTAX;
        /* Counts down, because only the negative side reaches INT64_MIN. */
        if (value < (INT64_MIN + digit) / 10)
            return SEGS_EOVERFLOW;
        value = value * 10 - digit;
    }
    if (!is_negative && value == INT64_MIN)
        return SEGS_EOVERFLOW;
    *ret = is_negative ? value : -value;
    return 0;
}
