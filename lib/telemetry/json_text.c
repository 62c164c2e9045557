#include <string.h>

#include "base/base_internal.h"
#include "telemetry/telemetry_internal.h"

static int json_fail(struct segs__json *j, const char *at, const char *expected)
{
    j->p = at < j->end ? at : j->end;
    j->expected = expected;
    return SEGS_ESYNTAX;
}

void segs__json_space(struct segs__json *j)
{
    while (j->p < j->end && (*j->p == ' ' || *j->p == '\n' || *j->p == '\r' || *j->p == '\t'))
        j->p++;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Four hexadecimal digits at `p`. */
static int hex_unit(struct segs__json *j, const char *p, uint32_t *ret)
{
    uint32_t unit = 0;

    for (int i = 0; i < 4; i++) {
        int digit = p + i < j->end ? hex_digit(p[i]) : -1;

        if (digit < 0)
            return json_fail(j, p + i, "four hexadecimal digits");
        unit = unit << 4 | (uint32_t)digit;
    }
    *ret = unit;
    return 0;
}

static int utf8_put(uint32_t code_point, unsigned char out[4])
{
    if (code_point < 0x80) {
        out[0] = (unsigned char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (unsigned char)(0xC0 | code_point >> 6);
        out[1] = (unsigned char)(0x80 | (code_point & 0x3F));
        return 2;
    }
    if (code_point < 0x10000) {
        out[0] = (unsigned char)(0xE0 | code_point >> 12);
        out[1] = (unsigned char)(0x80 | (code_point >> 6 & 0x3F));
        out[2] = (unsigned char)(0x80 | (code_point & 0x3F));
        return 3;
    }
    out[0] = (unsigned char)(0xF0 | code_point >> 18);
    out[1] = (unsigned char)(0x80 | (code_point >> 12 & 0x3F));
    out[2] = (unsigned char)(0x80 | (code_point >> 6 & 0x3F));
    out[3] = (unsigned char)(0x80 | (code_point & 0x3F));
    return 4;
}

/* At the 'u' of an escape. A high surrogate must be followed by the escape of a low one: half a
 * character has no UTF-8 form. */
static int unicode_escape(struct segs__json *j, unsigned char out[4])
{
    const char *start = j->p - 1;
    uint32_t unit;
    uint32_t low;

    if (hex_unit(j, j->p + 1, &unit) < 0)
        return SEGS_ESYNTAX;
    j->p += 5;
    if (unit < 0xD800 || unit > 0xDFFF)
        return utf8_put(unit, out);
    if (unit > 0xDBFF)
        return json_fail(j, start, "a high surrogate before a low one");

    if (j->end - j->p < 2 || j->p[0] != '\\' || j->p[1] != 'u')
        return json_fail(j, start, "a low surrogate behind a high one");
    if (hex_unit(j, j->p + 2, &low) < 0)
        return SEGS_ESYNTAX;
    if (low < 0xDC00 || low > 0xDFFF)
        return json_fail(j, start, "a low surrogate behind a high one");
    j->p += 6;
    return utf8_put(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00), out);
}

/* At the byte behind a backslash. */
static int escape(struct segs__json *j, unsigned char out[4])
{
    static const char names[] = "\"\\/bfnrt";
    static const char bytes[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (j->p == j->end)
        return json_fail(j, j->p, "an escape");
    if (*j->p == 'u')
        return unicode_escape(j, out);
    found = memchr(names, *j->p, sizeof names - 1);
    if (!found)
        return json_fail(j, j->p, "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
    out[0] = (unsigned char)bytes[found - names];
    j->p++;
    return 1;
}

/* Well-formed sequences only (Unicode table 3-7): no overlong forms, no surrogates, nothing beyond
 * U+10FFFF. */
static int utf8_char(struct segs__json *j, unsigned char out[4])
{
    const unsigned char *s = (const unsigned char *)j->p;
    size_t left = (size_t)(j->end - j->p);
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    int n;

    if (s[0] >= 0xC2 && s[0] <= 0xDF) {
        n = 2;
    } else if (s[0] >= 0xE0 && s[0] <= 0xEF) {
        n = 3;
        low = s[0] == 0xE0 ? 0xA0 : 0x80;
        high = s[0] == 0xED ? 0x9F : 0xBF;
    } else if (s[0] >= 0xF0 && s[0] <= 0xF4) {
        n = 4;
        low = s[0] == 0xF0 ? 0x90 : 0x80;
        high = s[0] == 0xF4 ? 0x8F : 0xBF;
    } else {
        return json_fail(j, j->p, "UTF-8");
    }

    out[0] = s[0];
    for (int i = 1; i < n; i++) {
        if ((size_t)i >= left || s[i] < low || s[i] > high)
            return json_fail(j, j->p + i, "a UTF-8 continuation byte");
        out[i] = s[i];
        low = 0x80;
        high = 0xBF;
    }
    j->p += n;
    return n;
}

int segs__json_char(struct segs__json *j, unsigned char out[4])
{
    unsigned char c;

    if (j->p == j->end)
        return json_fail(j, j->p, "a closing quote");
    c = (unsigned char)*j->p;
    if (c >= 0x80)
        return utf8_char(j, out);
    if (c < 0x20)
        return json_fail(j, j->p, "control characters to be escaped");
    j->p++;
    if (c == '"')
        return 0;
    if (c == '\\')
        return escape(j, out);
    out[0] = c;
    return 1;
}

int segs__json_string(struct segs__json *j, char *buf, size_t size, size_t *ret_len)
{
    unsigned char bytes[4];
    size_t len = 0;
    int n;

    while ((n = segs__json_char(j, bytes)) > 0) {
        for (int i = 0; i < n; i++, len++) {
            if (buf && len < size)
                buf[len] = (char)bytes[i];
        }
    }
    if (n == 0 && ret_len)
        *ret_len = len;
    return n;
}

static const char *digits_end(const struct segs__json *j, const char *p)
{
    while (p < j->end && segs__is_digit(*p))
        p++;
    return p;
}

int segs__json_number(struct segs__json *j)
{
    const char *p = j->p;
    const char *end;

    if (p < j->end && *p == '-')
        p++;
    end = digits_end(j, p);
    if (end == p)
        return json_fail(j, p, "a digit");
    if (*p == '0' && end - p > 1)
        return json_fail(j, p + 1, "no digit behind a leading zero");
    p = end;
    if (p < j->end && *p == '.') {
        end = digits_end(j, ++p);
        if (end == p)
            return json_fail(j, p, "a digit");
        p = end;
    }
    if (p < j->end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < j->end && (*p == '+' || *p == '-'))
            p++;
        end = digits_end(j, p);
        if (end == p)
            return json_fail(j, p, "a digit");
        p = end;
    }
    j->p = p;
    return 0;
}

int segs__json_word(struct segs__json *j)
{
    static const char *const words[] = { "true", "false", "null" };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t len = strlen(words[i]);

        if ((size_t)(j->end - j->p) >= len && memcmp(j->p, words[i], len) == 0) {
            j->p += len;
            return 0;
        }
    }
    return json_fail(j, j->p, "a value");
}
