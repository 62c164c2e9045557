#include "auth/auth_internal.h"

/* Value of each character, 64 for one that is not in the alphabet. */
static const unsigned char values[256] = {
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 62, 64, 64,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64, 64, 64, 0,  1,  2,  3,  4,  5,  6,
    7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 63,
    64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,
    49, 50, 51, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t segs__b64_text_len(size_t len)
{
    return len / 3 * 4 + (len % 3 == 0 ? 0 : len % 3 + 1);
}

size_t segs__b64_data_len(size_t len)
{
    return len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1);
}

void segs__b64_encode(const void *data, size_t len, char *ret)
{
    const unsigned char *in = data;
    size_t i = 0;

    for (; len - i >= 3; i += 3) {
        uint32_t bits = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];

        *ret++ = alphabet[bits >> 18];
        *ret++ = alphabet[bits >> 12 & 63];
        *ret++ = alphabet[bits >> 6 & 63];
        *ret++ = alphabet[bits & 63];
    }
    if (len - i == 1) {
        *ret++ = alphabet[in[i] >> 2];
        *ret++ = alphabet[(in[i] & 3) << 4];
    } else if (len - i == 2) {
        *ret++ = alphabet[in[i] >> 2];
        *ret++ = alphabet[(in[i] & 3) << 4 | in[i + 1] >> 4];
        *ret++ = alphabet[(in[i + 1] & 15) << 2];
    }
}

/* The last two or three characters; their unused low bits must be zero. */
static int decode_rest(const unsigned char *in, size_t n, unsigned char *out)
{
    uint32_t a, b, c;

    if (n == 0)
        return 0;
    if (n == 1)
        return SEGS_ESYNTAX;
    a = values[in[0]];
    b = values[in[1]];
    c = n == 3 ? values[in[2]] : 0;
    if ((a | b | c) > 63)
        return SEGS_ESYNTAX;
    if (n == 2 ? (b & 15) != 0 : (c & 3) != 0)
        return SEGS_ESYNTAX;
    out[0] = (unsigned char)(a << 2 | b >> 4);
    if (n == 3)
        out[1] = (unsigned char)((b & 15) << 4 | c >> 2);
    return 0;
}

int segs__b64_decode(const char *text, size_t len, void *ret)
{
    const unsigned char *in = (const unsigned char *)text;
    unsigned char *out = ret;
    size_t i = 0;

    for (; len - i >= 4; i += 4) {
        uint32_t a = values[in[i]], b = values[in[i + 1]];
        uint32_t c = values[in[i + 2]], d = values[in[i + 3]];

        if ((a | b | c | d) > 63)
            return SEGS_ESYNTAX;
        *out++ = (unsigned char)(a << 2 | b >> 4);
        *out++ = (unsigned char)((b & 15) << 4 | c >> 2);
        *out++ = (unsigned char)((c & 3) << 6 | d);
    }
    return decode_rest(in + i, len - i, out);
}
