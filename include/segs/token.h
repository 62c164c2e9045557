/**
 * @file
 * Digests of opaque tokens (refresh tokens, ingest keys), so that a store holds nothing that opens a door.
 *
 * A token of at least 128 random bits needs no slow, salted hash: there is nothing to guess. Passwords do; see
 * password.h.
 *
 * Thread rule: pure functions.
 */
#ifndef SEGS_TOKEN_H
#define SEGS_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>
#include <segs/export.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGS_TOKEN_DIGEST_BYTES 32

/**
 * Digest a token with SHA-256 (FIPS 180-4).
 *
 * @param token  `len` bytes. Borrowed.
 * @param ret    Receives the digest. Untouched on failure.
 * @return 0, or
 *         SEGS_EINVAL    ret is NULL, or token is NULL and len is not 0;
 *         SEGS_EINTERNAL the cryptographic library failed.
 * @since 0.1
 */
SEGS_API int segs_token_digest(const char *token, size_t len, uint8_t ret[SEGS_TOKEN_DIGEST_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
