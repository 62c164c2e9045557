/**
 * @file
 * Stable keyed hashing: SipHash-2-4 (Aumasson and Bernstein 2012) with 64 and 128 bit results.
 *
 * The same key and bytes give the same hash on every machine, byte order and version of libsegs, so
 * results may be stored and compared. With a secret key nobody outside can make inputs collide on
 * purpose; with a public key it is a good checksum and no more. It is not a signature.
 *
 * Thread rule: pure functions, callable from any thread.
 */
#ifndef SEGS_HASH_H
#define SEGS_HASH_H

#include <stddef.h>
#include <stdint.h>

#include <segs/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a key and of a 128 bit hash. */
#define SEGS_HASH_KEY_BYTES 16
#define SEGS_HASH128_BYTES 16

/**
 * Get the SipHash-2-4 of `len` bytes as a number.
 *
 * @param key  Borrowed for the call, never NULL.
 * @param data  `len` bytes; may be NULL when len is 0.
 * @return the hash. Its little-endian bytes are what the reference implementation writes.
 * @since 0.1
 */
SEGS_API uint64_t segs_hash64(const uint8_t key[SEGS_HASH_KEY_BYTES], const void *data, size_t len);

/**
 * Get the SipHash-2-4 of `len` bytes in its 128 bit variant.
 *
 * @param key  Borrowed for the call, never NULL.
 * @param data  `len` bytes; may be NULL when len is 0.
 * @param ret  Receives the 16 bytes in the order of the reference implementation. May be `data`.
 * @since 0.1
 */
SEGS_API void segs_hash128(const uint8_t key[SEGS_HASH_KEY_BYTES], const void *data, size_t len,
                           uint8_t ret[SEGS_HASH128_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
