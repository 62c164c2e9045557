#include <segs/hash.h>

#include <string.h>

/* SipHash-2-4: two rounds per eight bytes, four to finish. The 128 bit variant differs in two
 * constants, so that its halves are unrelated to the 64 bit result. */
struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t to_little_endian(uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap64(x);
#else
    return x;
#endif
}

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof x);
    return to_little_endian(x);
}

static inline void store64(uint8_t *p, uint64_t x)
{
    x = to_little_endian(x);
    memcpy(p, &x, sizeof x);
}

static inline uint64_t rotl(uint64_t x, unsigned n)
{
    return (x << n) | (x >> (64 - n));
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v2 = rotl(s->v2, 32);
}

static inline struct sip sip_start(const uint8_t *key)
{
    uint64_t k0 = load64(key);
    uint64_t k1 = load64(key + 8);
    struct sip s = {
        k0 ^ UINT64_C(0x736f6d6570736575),
        k1 ^ UINT64_C(0x646f72616e646f6d),
        k0 ^ UINT64_C(0x6c7967656e657261),
        k1 ^ UINT64_C(0x7465646279746573),
    };

    return s;
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    sip_round(s);
    s->v0 ^= word;
}

static inline void sip_bytes(struct sip *s, const uint8_t *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t last = (uint64_t)len << 56;

    for (size_t n = len / 8; n > 0; n--, p += 8)
        sip_word(s, load64(p));
    for (size_t i = 0; i < len % 8; i++)
        last |= (uint64_t)p[i] << (8 * i);
    sip_word(s, last);
}

static inline uint64_t sip_finish(struct sip *s)
{
    for (int i = 0; i < 4; i++)
        sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t segs_hash64(const uint8_t key[SEGS_HASH_KEY_BYTES], const void *data, size_t len)
{
    struct sip s = sip_start(key);

    sip_bytes(&s, data, len);
    s.v2 ^= 0xff;
    return sip_finish(&s);
}

void segs_hash128(const uint8_t key[SEGS_HASH_KEY_BYTES], const void *data, size_t len,
                  uint8_t ret[SEGS_HASH128_BYTES])
{
    struct sip s = sip_start(key);

    s.v1 ^= 0xee;
    sip_bytes(&s, data, len);
    s.v2 ^= 0xee;
    store64(ret, sip_finish(&s));
    s.v1 ^= 0xdd;
    store64(ret + 8, sip_finish(&s));
}
