/* Makes tokens that the library itself would refuse to make, with libcrypto's own HMAC and base64,
 * so that tests of verification share no code with what they test. */
#ifndef SEGS_TESTS_AUTH_FORGE_H
#define SEGS_TESTS_AUTH_FORGE_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define FORGE_BYTES 100000

/* 32 bytes 0x40..0x5F. */
#define FORGE_SECRET "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_"

static inline size_t forge_b64(const void *data, size_t len, char *ret)
{
    int n = EVP_EncodeBlock((unsigned char *)ret, data, (int)len);

    while (n > 0 && ret[n - 1] == '=')
        n--;
    ret[n] = '\0';
    for (int i = 0; i < n; i++) {
        if (ret[i] == '+')
            ret[i] = '-';
        else if (ret[i] == '/')
            ret[i] = '_';
    }
    return (size_t)n;
}

/* Appends ".signature" to the signing input in `token`. */
static inline void forge_append_hmac(char *token, const EVP_MD *md, const void *secret,
                                     size_t secret_len)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int mac_len = 0;
    size_t len = strlen(token);

    ck_assert_ptr_nonnull(
        HMAC(md, secret, (int)secret_len, (const unsigned char *)token, len, mac, &mac_len));
    token[len] = '.';
    (void)forge_b64(mac, mac_len, token + len + 1);
}

/* A token of any header and payload bytes, signed with HS256 and FORGE_SECRET. */
static inline const char *forge_bytes(const void *header, size_t header_len, const void *payload,
                                      size_t payload_len)
{
    static char token[FORGE_BYTES];
    size_t n;

    ck_assert_uint_lt((header_len + payload_len) / 3 * 4 + 100, sizeof token);
    n = forge_b64(header, header_len, token);
    token[n++] = '.';
    (void)forge_b64(payload, payload_len, token + n);
    forge_append_hmac(token, EVP_sha256(), FORGE_SECRET, 32);
    return token;
}

static inline const char *forge(const char *header, const char *payload)
{
    return forge_bytes(header, strlen(header), payload, strlen(payload));
}

#endif
