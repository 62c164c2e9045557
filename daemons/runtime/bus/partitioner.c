#include "runtime/bus/bus.h"

/* MurmurHash2, 32 bit, with the seed and the byte order of Apache Kafka's Java client
 * (org.apache.kafka.common.utils.Utils.murmur2); librdkafka calls it murmur2. */
static uint32_t murmur2(const unsigned char *data, size_t len)
{
    const uint32_t m = 0x5bd1e995u;
    uint32_t h = 0x9747b28cu ^ (uint32_t)len;
    size_t rest = len % 4;

    for (size_t i = 0; i + 4 <= len; i += 4) {
        uint32_t k = (uint32_t)data[i] | (uint32_t)data[i + 1] << 8 | (uint32_t)data[i + 2] << 16 |
                     (uint32_t)data[i + 3] << 24;

        k *= m;
        k ^= k >> 24;
        k *= m;
        h *= m;
        h ^= k;
    }

    data += len - rest;
    if (rest == 3)
        h ^= (uint32_t)data[2] << 16;
    if (rest >= 2)
        h ^= (uint32_t)data[1] << 8;
    if (rest >= 1) {
        h ^= (uint32_t)data[0];
        h *= m;
    }

    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return h;
}

int32_t rt_bus_partition_of(const void *key, size_t len, int32_t n_partitions)
{
    if (n_partitions <= 0)
        return -1;
    /* Java masks the sign away before the remainder; an absolute value would differ. */
    return (int32_t)((murmur2(key, len) & 0x7fffffffu) % (uint32_t)n_partitions);
}
