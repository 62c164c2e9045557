#include <segs/hash.h>
#include <segs/reading.h>

#include <string.h>

#include "telemetry/telemetry_internal.h"

#define PAYLOAD_VERSION 1
#define PAYLOAD_MAX_BYTES (8 + 4 * 8 + 5 * 4 + 2 * SEGS_ID_BYTES)

static unsigned char *put_le(unsigned char *p, uint64_t value, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        p[i] = (unsigned char)(value >> (8 * i));
    return p + n;
}

static unsigned char *put_text(unsigned char *p, const char *text, size_t len)
{
    memcpy(p, text, len);
    return p + len;
}

static unsigned char *put_value(unsigned char *p, const struct segs_reading *reading,
                                unsigned member)
{
    const struct segs__member_info *info = &segs__members[member];
    const char *field = (const char *)reading + info->offset;
    int64_t wide;
    int32_t narrow;

    if (info->width == 8) {
        memcpy(&wide, field, sizeof wide);
        return put_le(p, (uint64_t)wide, 8);
    }
    memcpy(&narrow, field, sizeof narrow);
    return put_le(p, (uint32_t)narrow, 4);
}

int segs_reading_hash(const struct segs_reading *reading, const uint8_t key[16],
                      struct segs_fingerprint *ret)
{
    unsigned char payload[PAYLOAD_MAX_BYTES];
    uint8_t digest[SEGS_HASH128_BYTES];
    unsigned char *p = payload;
    const char *id_end;
    const char *region_end;
    uint32_t present;

    if (!reading || !key || !ret)
        return SEGS_EINVAL;
    id_end = memchr(reading->meter_id, '\0', SEGS_ID_BYTES);
    region_end = memchr(reading->region, '\0', SEGS_ID_BYTES);
    if (!id_end || !region_end)
        return SEGS_EINVAL;

    present = reading->present & SEGS_HAS_PAYLOAD;
    p = put_le(p, present, 4);
    *p++ = (unsigned char)(id_end - reading->meter_id);
    *p++ = (unsigned char)(region_end - reading->region);
    *p++ = (unsigned char)reading->status;
    *p++ = PAYLOAD_VERSION;
    p = put_le(p, (uint64_t)reading->ts_ms, 8);
    for (unsigned member = SEGS__POWER; member <= SEGS__TEMPERATURE; member++) {
        if (present >> member & 1u)
            p = put_value(p, reading, member);
    }
    p = put_text(p, reading->meter_id, (size_t)(id_end - reading->meter_id));
    p = put_text(p, reading->region, (size_t)(region_end - reading->region));

    segs_hash128(key, payload, (size_t)(p - payload), digest);
    for (unsigned lane = 0; lane < 4; lane++)
        ret->lane[lane] = (uint32_t)digest[4 * lane] | (uint32_t)digest[4 * lane + 1] << 8 |
                          (uint32_t)digest[4 * lane + 2] << 16 |
                          (uint32_t)digest[4 * lane + 3] << 24;
    return 0;
}

void segs_fingerprint_add(struct segs_fingerprint *sum, const struct segs_fingerprint *other)
{
    for (unsigned lane = 0; lane < 4; lane++)
        sum->lane[lane] += other->lane[lane];
}

void segs_fingerprint_sub(struct segs_fingerprint *sum, const struct segs_fingerprint *other)
{
    for (unsigned lane = 0; lane < 4; lane++)
        sum->lane[lane] -= other->lane[lane];
}

int segs_fingerprint_is_equal(const struct segs_fingerprint *a, const struct segs_fingerprint *b)
{
    return memcmp(a->lane, b->lane, sizeof a->lane) == 0 ? 1 : 0;
}
