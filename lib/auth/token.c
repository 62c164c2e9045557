#include <segs/token.h>

#include <string.h>

#include <openssl/evp.h>

int segs_token_digest(const char *token, size_t len, uint8_t ret[SEGS_TOKEN_DIGEST_BYTES])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0;

    if (!ret || (!token && len != 0))
        return SEGS_EINVAL;
    if (EVP_Digest(token ? token : "", len, digest, &digest_len, EVP_sha256(), NULL) != 1 ||
        digest_len != SEGS_TOKEN_DIGEST_BYTES)
        return SEGS_EINTERNAL;
    memcpy(ret, digest, SEGS_TOKEN_DIGEST_BYTES);
    return 0;
}
