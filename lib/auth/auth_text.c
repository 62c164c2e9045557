#include <string.h>

#include "auth/auth_internal.h"

/* Bounds of the second byte after each lead byte that restricts it (Unicode table 3-7). */
static void second_byte_bounds(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xBF;
    if (lead == 0xE0)
        *low = 0xA0;
    else if (lead == 0xED)
        *high = 0x9F;
    else if (lead == 0xF0)
        *low = 0x90;
    else if (lead == 0xF4)
        *high = 0x8F;
}

size_t segs__utf8_char_len(const char *text, size_t len)
{
    const unsigned char *in = (const unsigned char *)text;
    unsigned char low, high;
    size_t n;

    if (len == 0)
        return 0;
    if (in[0] < 0x80)
        return 1;
    if (in[0] < 0xC2 || in[0] > 0xF4)
        return 0;
    n = in[0] < 0xE0 ? 2 : in[0] < 0xF0 ? 3 : 4;
    if (len < n)
        return 0;
    second_byte_bounds(in[0], &low, &high);
    if (in[1] < low || in[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++) {
        if ((in[i] & 0xC0) != 0x80)
            return 0;
    }
    return n;
}

bool segs__utf8_is_valid(const char *text, size_t len)
{
    size_t n;

    for (size_t i = 0; i < len; i += n) {
        n = segs__utf8_char_len(text + i, len - i);
        if (n == 0)
            return false;
    }
    return true;
}

void segs__put(struct segs__out *out, const char *text, size_t len)
{
    if (len != 0 && out->len <= out->capacity && len <= out->capacity - out->len)
        memcpy(out->text + out->len, text, len);
    out->len += len;
}

void segs__put_text(struct segs__out *out, const char *text)
{
    segs__put(out, text, strlen(text));
}

void segs__put_int(struct segs__out *out, int64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0)
        segs__put(out, "-", 1);
    segs__put(out, digits + at, sizeof digits - at);
}

static void put_escaped(struct segs__out *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char escape[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

    if (c == '"' || c == '\\') {
        escape[1] = (char)c;
        segs__put(out, escape, 2);
    } else {
        segs__put(out, escape, sizeof escape);
    }
}

void segs__put_json_string(struct segs__out *out, const char *text, size_t len)
{
    size_t plain = 0;

    segs__put(out, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F)
            continue;
        segs__put(out, text + plain, i - plain);
        put_escaped(out, c);
        plain = i + 1;
    }
    segs__put(out, text + plain, len - plain);
    segs__put(out, "\"", 1);
}

void segs__put_b64(struct segs__out *out, const unsigned char *data, size_t len)
{
    size_t text_len = segs__b64_text_len(len);

    if (out->len <= out->capacity && text_len <= out->capacity - out->len && text_len != 0)
        segs__b64_encode(data, len, out->text + out->len);
    out->len += text_len;
}
