#include "telemetry/telemetry_internal.h"

#define STEP(member, text)                                                                         \
    {                                                                                              \
        text, (UINT32_C(1) << (sizeof(text) - 1)) - 1, sizeof(text) - 1, member                    \
    }

/* What is expected before anything was learned: the canonical form. */
static const struct segs__fast canonical = {
    .steps = {
        STEP(SEGS__METER_ID, "{\"meter_id\":"),
        STEP(SEGS__TIMESTAMP, ",\"timestamp\":"),
        STEP(SEGS__POWER, ",\"power_kw\":"),
        STEP(SEGS__ENERGY, ",\"energy_kwh\":"),
        STEP(SEGS__VOLTAGE, ",\"voltage\":"),
        STEP(SEGS__CURRENT, ",\"current\":"),
        STEP(SEGS__POWER_FACTOR, ",\"power_factor\":"),
        STEP(SEGS__FREQUENCY, ",\"frequency\":"),
        STEP(SEGS__TEMPERATURE, ",\"temperature\":"),
        STEP(SEGS__REGION, ",\"region\":"),
        STEP(SEGS__SEQ, ",\"seq\":"),
        STEP(SEGS__STATUS, ",\"status\":"),
        STEP(SEGS__READING_ID, ",\"reading_id\":"),
        STEP(SEGS__REGISTER, ",\"register_kwh\":"),
        STEP(SEGS__N_MEMBERS, "}"),
    },
    /* A true date from the start: zeros would make bytes of zero a date. */
    .date = "1970-01-01T",
    .date_ms = 0,
};

void segs__fast_init(struct segs__fast *f, bool allow_lf)
{
    *f = canonical;
    f->allow_lf = allow_lf;
}

segs__fast_fn *segs__fast_get(int level)
{
    switch (level) {
    case SEGS__FAST_PORTABLE:
        return segs__fast_portable;
    case SEGS__FAST_SSE2:
        return segs__fast_sse2();
    case SEGS__FAST_AVX2:
        return segs__fast_avx2();
    default:
        return NULL;
    }
}

segs__fast_fn *segs__fast_best(void)
{
    segs__fast_fn *fast = segs__fast_avx2();

    if (!fast)
        fast = segs__fast_sse2();
    return fast ? fast : segs__fast_portable;
}
