/* Randomness from the kernel. Thread-safe. Each returns 0 or SEGS_EINTERNAL when the kernel has
 * none to give; then nothing was made that could be guessed: the outputs are empty. */
#ifndef RT_RANDOM_H
#define RT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

int rt_random_bytes(void *ret, size_t len);

/* n random bytes, 1..RT_RANDOM_MAX_BYTES, as text: 2 * n lowercase hex digits, or base64url
 * without padding (RFC 4648 5). `buf` has room for RT_RANDOM_TEXT_BYTES. SEGS_EINVAL: n is outside
 * its range. */
#define RT_RANDOM_MAX_BYTES 64
#define RT_RANDOM_TEXT_BYTES (2 * RT_RANDOM_MAX_BYTES + 1)
int rt_random_hex(size_t n, char buf[RT_RANDOM_TEXT_BYTES]);
int rt_random_base64url(size_t n, char buf[RT_RANDOM_TEXT_BYTES]);

/* A UUID of version 7 (RFC 9562 5.7): sorts by `now_ms`, UTC milliseconds of 0..2^48-1
 * (SEGS_ERANGE). */
#define RT_UUID_BYTES 37
int rt_uuid7(int64_t now_ms, char buf[RT_UUID_BYTES]);

#endif
