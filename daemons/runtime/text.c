#include "runtime/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer names are nobody's typing mistake of one of ours. */
#define NEAREST_MAX_BYTES 64

static int is_continuation(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

size_t rt_text_utf8(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t need;

    if (len == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 0;
    need = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (len < need)
        return 0;
    for (size_t i = 1; i < need; i++) {
        if (!is_continuation(p[i]))
            return 0;
    }
    /* Overlong forms, surrogates, beyond U+10FFFF: all show in the second byte. */
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return need;
}

static void escape_control(struct rt_buf *buf, unsigned char c)
{
    switch (c) {
    case '"':
        rt_buf_append(buf, "\\\"", 2);
        break;
    case '\\':
        rt_buf_append(buf, "\\\\", 2);
        break;
    case '\n':
        rt_buf_append(buf, "\\n", 2);
        break;
    case '\r':
        rt_buf_append(buf, "\\r", 2);
        break;
    case '\t':
        rt_buf_append(buf, "\\t", 2);
        break;
    default:
        rt_buf_printf(buf, "\\u%04x", (unsigned)c);
        break;
    }
}

static int is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

void rt_text_escape(struct rt_buf *buf, const char *text, size_t len)
{
    size_t i = 0;

    while (i < len) {
        size_t run = i;
        size_t n;

        while (run < len && is_plain((unsigned char)text[run]))
            run++;
        rt_buf_append(buf, text + i, run - i);
        i = run;
        if (i == len)
            break;
        n = rt_text_utf8(text + i, len - i);
        if (n == 0) {
            rt_buf_append(buf, "\\ufffd", 6);
            n = 1;
        } else if (n == 1) {
            escape_control(buf, (unsigned char)text[i]);
        } else if (n == 2 && (unsigned char)text[i] == 0xC2 && (unsigned char)text[i + 1] < 0xA0) {
            rt_buf_printf(buf, "\\u%04x", (unsigned)(unsigned char)text[i + 1]);
        } else {
            rt_buf_append(buf, text + i, n);
        }
        i += n;
    }
}

void rt_text_double(double value, char buf[RT_TEXT_DOUBLE_BYTES])
{
    if (!isfinite(value)) {
        (void)snprintf(buf, RT_TEXT_DOUBLE_BYTES, "%s",
                       isnan(value)  ? "NaN"
                       : value > 0.0 ? "+Inf"
                                     : "-Inf");
        return;
    }
    /* 17 digits always read back; most numbers need 15. */
    for (int digits = 15; digits <= 17; digits++) {
        double back;

        (void)snprintf(buf, RT_TEXT_DOUBLE_BYTES, "%.*g", digits, value);
        back = strtod(buf, NULL);
        if (back <= value && back >= value)
            return;
    }
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Levenshtein distance, row by row. Both lengths are at most NEAREST_MAX_BYTES. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[NEAREST_MAX_BYTES + 1];

    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t above = row[j];
            size_t change = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));

            row[j] = min3(above + 1, row[j - 1] + 1, change);
            diagonal = above;
        }
    }
    return row[b_len];
}

void rt_text_nearest(struct rt_text_nearest *nearest, const char *wanted, const char *candidate)
{
    size_t wanted_len = strlen(wanted);
    size_t len = strlen(candidate);
    size_t longest = wanted_len > len ? wanted_len : len;
    size_t distance;

    if (wanted_len > NEAREST_MAX_BYTES || len > NEAREST_MAX_BYTES)
        return;
    distance = edit_distance(wanted, wanted_len, candidate, len);
    if (distance > (longest + 2) / 3)
        return;
    if (!nearest->best || distance < nearest->distance) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}
