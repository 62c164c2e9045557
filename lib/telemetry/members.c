#include <stdio.h>
#include <string.h>

#include "telemetry/telemetry_internal.h"

#define OFFSET(field) ((uint32_t)offsetof(struct segs_reading, field))

const struct segs__member_info segs__members[SEGS__N_MEMBERS] = {
    [SEGS__POWER] = { "power_kw", "powerKw", SEGS__DECIMAL, 6, 8, 0, OFFSET(power_micro_kw) },
    [SEGS__ENERGY] = { "energy_kwh", "energyKwh", SEGS__DECIMAL, 6, 8, 0,
                       OFFSET(energy_micro_kwh) },
    [SEGS__REGISTER] = { "register_kwh", "registerKwh", SEGS__DECIMAL, 6, 8, 0,
                         OFFSET(register_micro_kwh) },
    [SEGS__VOLTAGE] = { "voltage", "voltage", SEGS__DECIMAL, 3, 4, 0, OFFSET(voltage_milli_v) },
    [SEGS__CURRENT] = { "current", "current", SEGS__DECIMAL, 3, 4, 0, OFFSET(current_milli_a) },
    [SEGS__POWER_FACTOR] = { "power_factor", "powerFactor", SEGS__DECIMAL, 6, 4, 0,
                             OFFSET(power_factor_micro) },
    [SEGS__FREQUENCY] = { "frequency", "frequency", SEGS__DECIMAL, 3, 4, 0,
                          OFFSET(frequency_milli_hz) },
    [SEGS__TEMPERATURE] = { "temperature", "temperature", SEGS__DECIMAL, 3, 4, 0,
                            OFFSET(temperature_milli_degc) },
    [SEGS__SEQ] = { "seq", "seq", SEGS__INTEGER, 0, 8, 0, OFFSET(seq) },
    [SEGS__REGION] = { "region", "region", SEGS__REGION_TEXT, 0, 64, 0, OFFSET(region) },
    [SEGS__STATUS] = { "status", "status", SEGS__WORD, 0, 4, 0, OFFSET(status) },
    [SEGS__READING_ID] = { "reading_id", "readingId", SEGS__ID, 0, 64, 0, OFFSET(reading_id) },
    [SEGS__METER_ID] = { "meter_id", "meterId", SEGS__ID, 0, 64, 0, OFFSET(meter_id) },
    [SEGS__TIMESTAMP] = { "timestamp", "timestamp", SEGS__TIME, 0, 8, 0, OFFSET(ts_ms) },
};

#define SLOT(name, member)                                                                         \
    {                                                                                              \
        name "\"", (1u << sizeof(name)) - 1, sizeof(name) - 1, member                              \
    }
/* A quote comes first: no name has that. */
#define EMPTY                                                                                      \
    {                                                                                              \
        "\"", 1u, 0, 0                                                                             \
    }

const struct segs__name_slot segs__name_slots[SEGS__NAME_SLOTS] = {
    SLOT("power_kw", SEGS__POWER),
    SLOT("voltage", SEGS__VOLTAGE),
    SLOT("status", SEGS__STATUS),
    SLOT("energy_kwh", SEGS__ENERGY),
    EMPTY,
    EMPTY,
    SLOT("timestamp", SEGS__TIMESTAMP),
    EMPTY,
    SLOT("reading_id", SEGS__READING_ID),
    EMPTY,
    SLOT("register_kwh", SEGS__REGISTER),
    SLOT("meterId", SEGS__METER_ID),
    SLOT("power_factor", SEGS__POWER_FACTOR),
    SLOT("powerKw", SEGS__POWER),
    SLOT("seq", SEGS__SEQ),
    EMPTY,
    SLOT("energyKwh", SEGS__ENERGY),
    EMPTY,
    EMPTY,
    EMPTY,
    SLOT("frequency", SEGS__FREQUENCY),
    SLOT("readingId", SEGS__READING_ID),
    EMPTY,
    SLOT("registerKwh", SEGS__REGISTER),
    SLOT("region", SEGS__REGION),
    SLOT("powerFactor", SEGS__POWER_FACTOR),
    EMPTY,
    SLOT("current", SEGS__CURRENT),
    SLOT("temperature", SEGS__TEMPERATURE),
    EMPTY,
    SLOT("meter_id", SEGS__METER_ID),
    EMPTY,
};

int segs__member_find(const char *name, size_t len)
{
    const struct segs__name_slot *slot;
    uint32_t first_three;

    if (len < SEGS__NAME_MIN_BYTES || len > SEGS__NAME_MAX_BYTES)
        return -1;
    first_three = (uint32_t)(unsigned char)name[0] | (uint32_t)(unsigned char)name[1] << 8 |
                  (uint32_t)(unsigned char)name[2] << 16;
    slot = &segs__name_slots[segs__name_hash(first_three, (unsigned)len)];
    return slot->len == len && memcmp(slot->name, name, len) == 0 ? slot->member : -1;
}

/* Longest name that is compared with the known ones; a longer one is near to none of them. */
#define NEAREST_MAX_BYTES 24

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Edits (insert, drop, replace one byte) that turn one name into the other: Levenshtein's distance,
 * one row at a time. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[NEAREST_MAX_BYTES + 1];

    for (size_t i = 0; i <= a_len; i++)
        row[i] = i;
    for (size_t j = 1; j <= b_len; j++) {
        size_t diagonal = row[0];

        row[0] = j;
        for (size_t i = 1; i <= a_len; i++) {
            size_t above = row[i];

            row[i] = min3(above + 1, row[i - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
            diagonal = above;
        }
    }
    return row[a_len];
}

const char *segs__member_nearest(const char *name, size_t len)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;

    if (len == 0 || len > NEAREST_MAX_BYTES)
        return NULL;
    for (size_t i = 0; i < SEGS__N_MEMBERS; i++) {
        const struct segs__member_info *info = &segs__members[i];
        size_t d = distance(name, len, info->name, strlen(info->name));
        size_t d_alias = distance(name, len, info->alias, strlen(info->alias));

        if (d_alias < d)
            d = d_alias;
        if (d < least) {
            least = d;
            nearest = info->name;
        }
    }
    /* Beyond half of the name it is another word, not a slip. */
    return least <= (len + 1) / 2 ? nearest : NULL;
}

/* A-Z a-z 0-9 . _ : - in ids; regions have space / + as well. */
const uint8_t segs__text_classes[256] = {
    [0x20] = 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 3, 2,
    [0x30] = 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0, 0,
    [0x40] = 0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
    [0x50] = 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0, 3,
    [0x60] = 0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
    [0x70] = 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0, 0,
};

const char *segs__snippet(char buf[SEGS__SNIPPET_BYTES], const char *text, size_t len)
{
    size_t n = len < SEGS__SNIPPET_BYTES - 4 ? len : SEGS__SNIPPET_BYTES - 4;

    for (size_t i = 0; i < n; i++)
        buf[i] = text[i];
    for (size_t i = 0; i < n; i++) {
        if (text[i] < ' ' || text[i] > '~')
            buf[i] = '?';
    }
    memcpy(buf + n, n < len ? "..." : "", n < len ? 4 : 1);
    return buf;
}
