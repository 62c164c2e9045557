#include <segs/reading.h>
#include <segs/time.h>

#include <string.h>

#include "base/base_internal.h"
#include "telemetry/telemetry_internal.h"

/* The layout is part of the ABI and shared with ctypes and NumPy. */
_Static_assert(sizeof(struct segs_reading) == 264, "segs_reading has no padding");
_Static_assert(offsetof(struct segs_reading, meter_id) == 72, "segs_reading keeps its layout");

static int check_text(const char *text, size_t len, unsigned wanted, const char *field,
                      struct segs_error *reterr)
{
    if (len == 0 || len > SEGS_ID_BYTES - 1)
        return segs__fail(reterr, SEGS_ERANGE, field, len == 0 ? 0 : SEGS_ID_BYTES - 1,
                          "expected 1 to %d bytes, found %lu", SEGS_ID_BYTES - 1,
                          (unsigned long)len);
    for (size_t i = 0; i < len; i++) {
        char found[SEGS__FOUND_BYTES];

        if (!(segs__text_class((unsigned char)text[i]) & wanted))
            return segs__fail(reterr, SEGS_ERANGE, field, (int64_t)i,
                              "expected only A-Z a-z 0-9 . _ : -%s, found %s at byte %lu",
                              wanted == SEGS__REGION_BYTE ? " / + and space" : "",
                              segs__found(found, text, len, i), (unsigned long)i);
    }
    return 0;
}

int segs_id_check(const char *text, size_t len, struct segs_error *reterr)
{
    if (!text)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "expected a text, found NULL");
    return check_text(text, len, SEGS__ID_BYTE, NULL, reterr);
}

int segs_region_check(const char *text, size_t len, struct segs_error *reterr)
{
    if (!text)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "expected a text, found NULL");
    return check_text(text, len, SEGS__REGION_BYTE, NULL, reterr);
}

/* At most SEGS_ID_BYTES. */
static bool is_zero(const void *bytes, size_t n)
{
    static const unsigned char zeros[SEGS_ID_BYTES] = { 0 };

    return memcmp(bytes, zeros, n) == 0;
}

/* A text field in its array: terminated, zero-filled, of its alphabet. */
static int check_text_field(const char field[SEGS_ID_BYTES], unsigned wanted, const char *name,
                            struct segs_error *reterr)
{
    const char *nul = memchr(field, '\0', SEGS_ID_BYTES);
    size_t len = nul ? (size_t)(nul - field) : SEGS_ID_BYTES;
    int r = check_text(field, len, wanted, name, reterr);

    if (r < 0 || !nul)
        return r;
    if (!is_zero(nul, SEGS_ID_BYTES - len))
        return segs__fail(reterr, SEGS_ERANGE, name, -1,
                          "expected zeros behind the text, found other bytes");
    return 0;
}

static int check_member(const struct segs_reading *reading, unsigned member,
                        struct segs_error *reterr)
{
    const struct segs__member_info *info = &segs__members[member];
    const char *field = (const char *)reading + info->offset;

    if (!(reading->present >> member & 1u)) {
        if (!is_zero(field, info->width))
            return segs__fail(reterr, SEGS_ERANGE, info->name, -1,
                              "expected zero where the value is absent, found another");
        return 0;
    }
    if (info->kind == SEGS__ID || info->kind == SEGS__REGION_TEXT)
        return check_text_field(field, info->kind == SEGS__ID ? SEGS__ID_BYTE : SEGS__REGION_BYTE,
                                info->name, reterr);
    return 0;
}

static int check_fixed_fields(const struct segs_reading *reading, struct segs_error *reterr)
{
    if ((reading->present & ~SEGS_HAS_ALL) != 0 || reading->reserved != 0)
        return segs__fail(reterr, SEGS_ERANGE, "present", -1,
                          "expected known bits and zero in reserved, found 0x%x and 0x%x",
                          (unsigned)reading->present, (unsigned)reading->reserved);
    if (reading->ts_ms < SEGS_TS_MIN_MS || reading->ts_ms > SEGS_TS_MAX_MS)
        return segs__fail(reterr, SEGS_ERANGE, "timestamp", -1,
                          "expected an instant of 1970 to 9999, found %lld ms",
                          (long long)reading->ts_ms);
    if (!(reading->present & SEGS_HAS_MEASUREMENT))
        return segs__fail(reterr, SEGS_ERANGE, "power_kw", -1,
                          "expected one of power_kw, energy_kwh, register_kwh, found none");
    if (reading->seq < 0 || reading->seq > SEGS_SEQ_MAX)
        return segs__fail(reterr, SEGS_ERANGE, "seq", -1,
                          "expected 0..9007199254740992, found %lld", (long long)reading->seq);
    if (reading->status != SEGS_STATUS_OK && reading->status != SEGS_STATUS_ERROR)
        return segs__fail(reterr, SEGS_ERANGE, "status", -1, "expected 0 or 1, found %d",
                          (int)reading->status);
    return 0;
}

int segs_reading_check(const struct segs_reading *reading, struct segs_error *reterr)
{
    int r;

    if (!reading)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "expected a reading, found NULL");
    r = check_text_field(reading->meter_id, SEGS__ID_BYTE, "meter_id", reterr);
    if (r == 0)
        r = check_fixed_fields(reading, reterr);
    for (unsigned member = 0; r == 0 && member <= SEGS__READING_ID; member++)
        r = check_member(reading, member, reterr);
    return r;
}
