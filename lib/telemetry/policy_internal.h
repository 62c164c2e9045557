/* Shared by the files of the validation policy. */
#ifndef SEGS_POLICY_INTERNAL_H
#define SEGS_POLICY_INTERNAL_H

#include <segs/validate.h>

#include "telemetry/telemetry_internal.h"

/* Values with a range: SEGS__POWER to SEGS__TEMPERATURE. */
#define SEGS__N_RANGES 8

struct segs_policy {
    const struct segs_allocator *allocator;
    struct segs_value_range ranges[SEGS__N_RANGES];
    uint64_t spans[SEGS__N_RANGES]; /* max - min: one unsigned comparison judges a value */
    int64_t max_future_skew_ms;
    int64_t max_age_ms;
    int64_t consistency_micro_ratio;
    int64_t consistency_floor_micro_kwh;
    int64_t capacity_micro_ratio;
    uint32_t checks;
    uint32_t flags;
};

#endif
