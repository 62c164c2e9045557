#include "runtime/random.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>
#include <unistd.h>

#include <segs/error.h>

static const char hex_digits[] = "0123456789abcdef";

/* For kernels and sandboxes without getrandom. */
static int read_device(unsigned char *to, size_t len)
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return SEGS_EINTERNAL;
    while (len > 0) {
        ssize_t n = read(fd, to, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        to += n;
        len -= (size_t)n;
    }
    (void)close(fd);
    return len == 0 ? 0 : SEGS_EINTERNAL;
}

int rt_random_bytes(void *ret, size_t len)
{
    unsigned char *to = ret;
    size_t left = len;

    while (left > 0) {
        ssize_t n = getrandom(to, left, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        to += n;
        left -= (size_t)n;
    }
    if (left > 0 && read_device(to, left) < 0) {
        memset(ret, 0, len);
        return SEGS_EINTERNAL;
    }
    return 0;
}

static void to_hex(const unsigned char *bytes, size_t n, char *to)
{
    for (size_t i = 0; i < n; i++) {
        *to++ = hex_digits[bytes[i] >> 4];
        *to++ = hex_digits[bytes[i] & 15];
    }
    *to = '\0';
}

int rt_random_hex(size_t n, char buf[RT_RANDOM_TEXT_BYTES])
{
    unsigned char bytes[RT_RANDOM_MAX_BYTES];

    if (n == 0 || n > sizeof bytes)
        return SEGS_EINVAL;
    buf[0] = '\0';
    if (rt_random_bytes(bytes, n) < 0)
        return SEGS_EINTERNAL;
    to_hex(bytes, n, buf);
    return 0;
}

int rt_random_base64url(size_t n, char buf[RT_RANDOM_TEXT_BYTES])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char bytes[RT_RANDOM_MAX_BYTES];
    unsigned pending = 0;
    unsigned n_bits = 0;

    if (n == 0 || n > sizeof bytes)
        return SEGS_EINVAL;
    buf[0] = '\0';
    if (rt_random_bytes(bytes, n) < 0)
        return SEGS_EINTERNAL;
    for (size_t i = 0; i < n; i++) {
        pending = (pending << 8 | bytes[i]) & 0xFFFF;
        n_bits += 8;
        while (n_bits >= 6) {
            n_bits -= 6;
            *buf++ = digits[pending >> n_bits & 63];
        }
    }
    if (n_bits > 0)
        *buf++ = digits[pending << (6 - n_bits) & 63];
    *buf = '\0';
    return 0;
}

int rt_uuid7(int64_t now_ms, char buf[RT_UUID_BYTES])
{
    static const size_t lengths[] = { 4, 2, 2, 2, 6 };
    unsigned char bytes[16];
    size_t at = 0;

    if (now_ms < 0 || now_ms >= INT64_C(1) << 48)
        return SEGS_ERANGE;
    buf[0] = '\0';
    if (rt_random_bytes(bytes, sizeof bytes) < 0)
        return SEGS_EINTERNAL;
    for (size_t i = 0; i < 6; i++)
        bytes[i] = (unsigned char)(now_ms >> (40 - 8 * (int)i) & 0xFF);
    bytes[6] = (unsigned char)(0x70 | (bytes[6] & 0x0F)); /* Version 7. */
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3F)); /* Variant of RFC 9562. */
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if (i > 0)
            *buf++ = '-';
        to_hex(bytes + at, lengths[i], buf);
        buf += 2 * lengths[i];
        at += lengths[i];
    }
    return 0;
}
