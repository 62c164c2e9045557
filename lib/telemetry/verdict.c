#include <segs/fixed.h>
#include <segs/time.h>
#include <segs/validate.h>

#include <stdio.h>
#include <string.h>

#include "base/base_internal.h"
#include "telemetry/policy_internal.h"

#define MS_PER_HOUR 3600000
#define MILLIONTHS 1000000

/* The findings so far: counted all, kept as far as there is room. */
struct findings {
    struct segs_verdict *verdicts;
    size_t max;
    int n;
};

static void copy_text(char *dst, size_t size, const char *text)
{
    size_t len = strlen(text);

    if (len > size - 1)
        len = size - 1;
    memset(dst, 0, size);
    memcpy(dst, text, len);
}

static void find(struct findings *f, int rule, int severity, const char *field,
                 const char *expected, const char *found)
{
    struct segs_verdict *verdict;

    f->n++;
    if ((size_t)f->n > f->max)
        return;
    verdict = &f->verdicts[f->n - 1];
    verdict->rule = rule;
    verdict->severity = severity;
    copy_text(verdict->field, sizeof verdict->field, field);
    copy_text(verdict->expected, sizeof verdict->expected, expected);
    copy_text(verdict->found, sizeof verdict->found, found);
}

static int64_t value_of(const struct segs_reading *reading, unsigned member)
{
    switch (member) {
    case SEGS__POWER:
        return reading->power_micro_kw;
    case SEGS__ENERGY:
        return reading->energy_micro_kwh;
    case SEGS__REGISTER:
        return reading->register_micro_kwh;
    case SEGS__VOLTAGE:
        return reading->voltage_milli_v;
    case SEGS__CURRENT:
        return reading->current_milli_a;
    case SEGS__POWER_FACTOR:
        return reading->power_factor_micro;
    case SEGS__FREQUENCY:
        return reading->frequency_milli_hz;
    default:
        return reading->temperature_milli_degc;
    }
}

static void find_range(struct findings *f, const struct segs_policy *policy,
                       const struct segs_reading *reading, unsigned member)
{
    const struct segs_value_range *range = &policy->ranges[member];
    const struct segs__member_info *info = &segs__members[member];
    int64_t value = value_of(reading, member);
    char min[SEGS_DECIMAL_BYTES];
    char max[SEGS_DECIMAL_BYTES];
    char found[SEGS_DECIMAL_BYTES];
    char expected[64];

    if (value == 0 && (range->flags & SEGS_RANGE_OR_ZERO) != 0)
        return;
    (void)segs_decimal_format(range->min, info->scale, 0, min, sizeof min);
    (void)segs_decimal_format(range->max, info->scale, 0, max, sizeof max);
    (void)segs_decimal_format(value, info->scale, 0, found, sizeof found);
    (void)snprintf(expected, sizeof expected, "%s..%s%s", min, max,
                   (range->flags & SEGS_RANGE_OR_ZERO) != 0 ? " or 0" : "");
    find(f, SEGS_RULE_RANGE, SEGS_SEVERITY_ERROR, info->name, expected, found);
}

/* The bits of the values outside their range; a value that may be zero besides is judged later. */
static uint32_t outside(const struct segs_policy *policy, const struct segs_reading *reading)
{
    uint32_t mask = 0;

    for (unsigned i = 0; i < SEGS__N_RANGES; i++) {
        uint64_t above_min = (uint64_t)value_of(reading, i) - (uint64_t)policy->ranges[i].min;

        mask |= (uint32_t)(above_min > policy->spans[i]) << i;
    }
    return mask & reading->present;
}

static void check_ranges(struct findings *f, const struct segs_policy *policy,
                         const struct segs_reading *reading)
{
    uint32_t mask = outside(policy, reading);

    for (unsigned i = 0; mask != 0; i++, mask >>= 1) {
        if (mask & 1u)
            find_range(f, policy, reading, i);
    }
}

static void check_sign(struct findings *f, const struct segs_reading *reading,
                       const struct segs_meter_context *meter)
{
    static const uint8_t members[] = { SEGS__POWER, SEGS__ENERGY };
    char found[SEGS_DECIMAL_BYTES];

    if ((reading->power_micro_kw | reading->energy_micro_kwh) >= 0 ||
        (meter && (meter->flags & SEGS_METER_MAY_EXPORT) != 0))
        return;
    for (size_t i = 0; i < sizeof members; i++) {
        int64_t value = value_of(reading, members[i]);

        if (value >= 0)
            continue;
        (void)segs_decimal_format(value, 6, 0, found, sizeof found);
        find(f, SEGS_RULE_NEGATIVE, meter ? SEGS_SEVERITY_ERROR : SEGS_SEVERITY_WARN,
             segs__members[members[i]].name,
             meter ? "at least 0 on an import meter" : "at least 0 unless the meter may export",
             found);
    }
}

static segs__i128 magnitude(segs__i128 value)
{
    return value < 0 ? -value : value;
}

/* |energy - power * interval| in kWh x 3600000, so that nothing is divided. With an interval of at
 * most 31 days no product reaches 2^127. */
static void check_consistency(struct findings *f, const struct segs_policy *policy,
                              const struct segs_reading *reading,
                              const struct segs_meter_context *meter)
{
    const uint32_t both = SEGS_HAS_POWER | SEGS_HAS_ENERGY;
    segs__i128 wanted = (segs__i128)reading->power_micro_kw * meter->interval_ms;
    segs__i128 difference = magnitude((segs__i128)reading->energy_micro_kwh * MS_PER_HOUR - wanted);
    segs__i128 floor = (segs__i128)policy->consistency_floor_micro_kwh * MS_PER_HOUR;
    char found[SEGS_DECIMAL_BYTES];
    char expected[64];
    char energy[SEGS_DECIMAL_BYTES] = "";
    int64_t energy_micro_kwh;

    if (meter->interval_ms == 0 || (reading->present & both) != both || difference <= floor ||
        difference * MILLIONTHS <= magnitude(wanted) * policy->consistency_micro_ratio)
        return;
    if (segs_mul_div(reading->power_micro_kw, meter->interval_ms, MS_PER_HOUR, SEGS_ROUND_HALF_EVEN,
                     &energy_micro_kwh) == 0)
        (void)segs_decimal_format(energy_micro_kwh, 6, 0, energy, sizeof energy);
    (void)snprintf(expected, sizeof expected, "about %s, power_kw times the interval", energy);
    (void)segs_decimal_format(reading->energy_micro_kwh, 6, 0, found, sizeof found);
    find(f, SEGS_RULE_CONSISTENCY, SEGS_SEVERITY_WARN, "energy_kwh", expected, found);
}

static void check_capacity(struct findings *f, const struct segs_policy *policy,
                           const struct segs_reading *reading,
                           const struct segs_meter_context *meter)
{
    segs__i128 limit = (segs__i128)meter->capacity_micro_kw * policy->capacity_micro_ratio;
    char found[SEGS_DECIMAL_BYTES];
    char capacity[SEGS_DECIMAL_BYTES];
    char ratio[SEGS_DECIMAL_BYTES];
    char expected[64];

    if (meter->capacity_micro_kw == 0 || !(reading->present & SEGS_HAS_POWER) ||
        magnitude(reading->power_micro_kw) * MILLIONTHS <= limit)
        return;
    (void)segs_decimal_format(meter->capacity_micro_kw, 6, 0, capacity, sizeof capacity);
    (void)segs_decimal_format(policy->capacity_micro_ratio, 6, 0, ratio, sizeof ratio);
    (void)snprintf(expected, sizeof expected, "within %s times %s", capacity, ratio);
    (void)segs_decimal_format(reading->power_micro_kw, 6, 0, found, sizeof found);
    find(f, SEGS_RULE_CAPACITY, SEGS_SEVERITY_WARN, "power_kw", expected, found);
}

static void check_meter(struct findings *f, const struct segs_policy *policy,
                        const struct segs_reading *reading, const struct segs_meter_context *meter)
{
    check_consistency(f, policy, reading, meter);
    check_capacity(f, policy, reading, meter);
    if (meter->meter_id && strncmp(meter->meter_id, reading->meter_id, SEGS_ID_BYTES) != 0)
        find(f, SEGS_RULE_METER_ID, SEGS_SEVERITY_ERROR, "meter_id", meter->meter_id,
             reading->meter_id);
}

static void put_instant(char text[32], segs__i128 ts_ms)
{
    if (ts_ms < SEGS_TS_MIN_MS)
        copy_text(text, 32, "before 1970");
    else if (ts_ms > SEGS_TS_MAX_MS)
        copy_text(text, 32, "after 9999");
    else
        (void)segs_time_format((int64_t)ts_ms, text, 32);
}

static void find_time(struct findings *f, int rule, const char *word, segs__i128 limit_ms,
                      int64_t ts_ms)
{
    char limit[32];
    char found[32];
    char expected[64];

    put_instant(limit, limit_ms);
    put_instant(found, ts_ms);
    (void)snprintf(expected, sizeof expected, "%s %s", word, limit);
    find(f, rule, SEGS_SEVERITY_ERROR, "timestamp", expected, found);
}

static void check_time(struct findings *f, const struct segs_policy *policy,
                       const struct segs_reading *reading, int64_t now_ms)
{
    segs__i128 latest_ms = (segs__i128)now_ms + policy->max_future_skew_ms;
    segs__i128 earliest_ms = (segs__i128)now_ms - policy->max_age_ms;

    if (reading->ts_ms > latest_ms && !(policy->flags & SEGS_POLICY_ANY_FUTURE))
        find_time(f, SEGS_RULE_FUTURE, "at most", latest_ms, reading->ts_ms);
    if (reading->ts_ms < earliest_ms && !(policy->flags & SEGS_POLICY_ANY_AGE))
        find_time(f, SEGS_RULE_TOO_OLD, "at least", earliest_ms, reading->ts_ms);
}

/* The caller's context, whatever version of the struct it has. */
static int take_meter(struct segs_meter_context *dst, const struct segs_meter_context *src)
{
    int r = segs__options_copy(dst, sizeof *dst, src);

    if (r < 0)
        return r;
    if (dst->interval_ms < 0 || dst->interval_ms > SEGS_METER_INTERVAL_MAX_MS ||
        dst->capacity_micro_kw < 0 || (dst->flags & ~SEGS_METER_MAY_EXPORT) != 0 ||
        dst->reserved != 0)
        return SEGS_ERANGE;
    return 0;
}

int segs_policy_check(const struct segs_policy *policy, const struct segs_reading *reading,
                      const struct segs_meter_context *meter, int64_t now_ms,
                      struct segs_verdict *verdicts, size_t max)
{
    struct findings f = { verdicts, max, 0 };
    struct segs_meter_context known;
    int r;

    if (!policy || !reading || (!verdicts && max > 0))
        return SEGS_EINVAL;
    if (meter) {
        r = take_meter(&known, meter);
        if (r < 0)
            return r;
        meter = &known;
    }

    if (policy->checks & SEGS_CHECK_CONTENT) {
        check_ranges(&f, policy, reading);
        check_sign(&f, reading, meter);
        if (meter)
            check_meter(&f, policy, reading, meter);
    }
    if (policy->checks & SEGS_CHECK_TIME)
        check_time(&f, policy, reading, now_ms);
    return f.n;
}
