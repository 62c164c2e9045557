#include <segs/validate.h>

#include <string.h>

#include "base/base_internal.h"
#include "telemetry/policy_internal.h"

_Static_assert(sizeof(struct segs_policy_options) == 2 * sizeof(size_t) + 2 * sizeof(void *) +
                                                         5 * sizeof(int64_t) + 2 * sizeof(uint32_t),
               "segs_policy_options has no padding");
_Static_assert(sizeof(struct segs_value_range) == 24, "segs_value_range has no padding");
_Static_assert(sizeof(struct segs_meter_context) ==
                   sizeof(size_t) + sizeof(void *) + 2 * sizeof(int64_t) + 2 * sizeof(uint32_t),
               "segs_meter_context has no padding");
_Static_assert(sizeof(struct segs_verdict) == 160, "segs_verdict has no padding");

#define MICRO INT64_C(1000000)
#define MILLI INT64_C(1000)

/* The table of validate.h. */
static const struct segs_value_range default_ranges[SEGS__N_RANGES] = {
    { -1000000 * MICRO, 1000000 * MICRO, SEGS_HAS_POWER, 0 },
    { -1000000 * MICRO, 1000000 * MICRO, SEGS_HAS_ENERGY, 0 },
    { 0, 10000000000 * MICRO, SEGS_HAS_REGISTER, 0 },
    { 0, 1000000 * MILLI, SEGS_HAS_VOLTAGE, 0 },
    { -100000 * MILLI, 100000 * MILLI, SEGS_HAS_CURRENT, 0 },
    { -MICRO, MICRO, SEGS_HAS_POWER_FACTOR, 0 },
    { 40 * MILLI, 70 * MILLI, SEGS_HAS_FREQUENCY, SEGS_RANGE_OR_ZERO },
    { -90 * MILLI, 90 * MILLI, SEGS_HAS_TEMPERATURE, 0 },
};

struct limit {
    const char *name;
    int64_t *value;
    int64_t otherwise; /* default */
    int64_t max;
};

static int take_limits(struct segs_policy_options *o, struct segs_error *reterr)
{
    const struct limit limits[] = {
        { "max_future_skew_ms", &o->max_future_skew_ms, 120000, INT64_C(1) << 53 },
        { "max_age_ms", &o->max_age_ms, 604800000, INT64_C(1) << 53 },
        { "consistency_micro_ratio", &o->consistency_micro_ratio, 100000, 1000000000 },
        { "consistency_floor_micro_kwh", &o->consistency_floor_micro_kwh, 1000,
          INT64_C(1000000000000000) },
        { "capacity_micro_ratio", &o->capacity_micro_ratio, 1200000, 1000000000 },
    };

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        if (*limits[i].value == 0)
            *limits[i].value = limits[i].otherwise;
        if (*limits[i].value < 1 || *limits[i].value > limits[i].max)
            return segs__fail(reterr, SEGS_ERANGE, limits[i].name, -1,
                              "expected 1..%lld, found %lld", (long long)limits[i].max,
                              (long long)*limits[i].value);
    }
    return 0;
}

static int take_flags(struct segs_policy_options *o, struct segs_error *reterr)
{
    if (o->checks == 0)
        o->checks = SEGS_CHECK_CONTENT | SEGS_CHECK_TIME;
    if ((o->checks & ~(SEGS_CHECK_CONTENT | SEGS_CHECK_TIME)) != 0)
        return segs__fail(reterr, SEGS_ERANGE, "checks", -1, "expected SEGS_CHECK_*, found 0x%x",
                          (unsigned)o->checks);
    if ((o->flags & ~(SEGS_POLICY_ANY_FUTURE | SEGS_POLICY_ANY_AGE)) != 0)
        return segs__fail(reterr, SEGS_ERANGE, "flags", -1, "expected SEGS_POLICY_*, found 0x%x",
                          (unsigned)o->flags);
    return 0;
}

static int fail_range(struct segs_error *reterr, int code, size_t i, const char *message)
{
    (void)segs__fail(reterr, code, "ranges", -1, "%s", message);
    if (reterr)
        reterr->index = (int64_t)i;
    return code;
}

/* Which of the values with a range the bit stands for; SEGS__N_RANGES for none. */
static unsigned range_of(uint32_t value)
{
    unsigned i = 0;

    while (i < SEGS__N_RANGES && value != 1u << i)
        i++;
    return i;
}

static int take_ranges(struct segs_policy *policy, const struct segs_policy_options *o,
                       struct segs_error *reterr)
{
    uint32_t seen = 0;

    memcpy(policy->ranges, default_ranges, sizeof default_ranges);
    for (size_t i = 0; i < o->n_ranges; i++) {
        const struct segs_value_range *range = &o->ranges[i];
        unsigned value = range_of(range->value);

        if (value == SEGS__N_RANGES)
            return fail_range(reterr, SEGS_ERANGE, i, "expected one bit of a value with a range");
        if (range->min > range->max)
            return fail_range(reterr, SEGS_ERANGE, i, "expected min <= max");
        if ((range->flags & ~SEGS_RANGE_OR_ZERO) != 0)
            return fail_range(reterr, SEGS_ERANGE, i, "expected SEGS_RANGE_* in flags");
        if ((seen & range->value) != 0)
            return fail_range(reterr, SEGS_ECONFLICT, i, "expected one range for a value");
        seen |= range->value;
        policy->ranges[value] = *range;
    }
    for (unsigned i = 0; i < SEGS__N_RANGES; i++)
        policy->spans[i] = (uint64_t)policy->ranges[i].max - (uint64_t)policy->ranges[i].min;
    return 0;
}

static int fill_policy(struct segs_policy *policy, struct segs_policy_options *o,
                       struct segs_error *reterr)
{
    int r = take_limits(o, reterr);

    if (r == 0)
        r = take_flags(o, reterr);
    if (r == 0)
        r = take_ranges(policy, o, reterr);
    if (r < 0)
        return r;

    policy->max_future_skew_ms = o->max_future_skew_ms;
    policy->max_age_ms = o->max_age_ms;
    policy->consistency_micro_ratio = o->consistency_micro_ratio;
    policy->consistency_floor_micro_kwh = o->consistency_floor_micro_kwh;
    policy->capacity_micro_ratio = o->capacity_micro_ratio;
    policy->checks = o->checks;
    policy->flags = o->flags;
    return 0;
}

int segs_policy_new(const struct segs_policy_options *options, struct segs_policy **ret,
                    struct segs_error *reterr)
{
    struct segs_policy_options o;
    const struct segs_allocator *allocator;
    struct segs_policy filled;
    struct segs_policy *policy;
    int r;

    if (!ret)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "expected a place for the policy");
    r = segs__options_copy(&o, sizeof o, options);
    if (r < 0)
        return segs__fail(reterr, r, "size", -1, "expected options of a version known here");
    if (!o.ranges && o.n_ranges > 0)
        return segs__fail(reterr, SEGS_EINVAL, "ranges", -1, "expected ranges, found NULL");

    memset(&filled, 0, sizeof filled);
    r = fill_policy(&filled, &o, reterr);
    if (r < 0)
        return r;
    allocator = segs__allocator(o.allocator);
    policy = segs__alloc(allocator, sizeof *policy);
    if (!policy)
        return segs__fail(reterr, SEGS_ENOMEM, NULL, -1, "no memory for the policy");
    *policy = filled;
    policy->allocator = allocator;
    *ret = policy;
    return 0;
}

void segs_policy_free(struct segs_policy *policy)
{
    if (policy)
        segs__release(policy->allocator, policy);
}

const char *segs_rule_name(int rule)
{
    switch (rule) {
    case SEGS_RULE_NONE:
        return "NONE";
    case SEGS_RULE_RANGE:
        return "RANGE";
    case SEGS_RULE_NEGATIVE:
        return "NEGATIVE";
    case SEGS_RULE_CONSISTENCY:
        return "CONSISTENCY";
    case SEGS_RULE_CAPACITY:
        return "CAPACITY";
    case SEGS_RULE_METER_ID:
        return "METER_ID";
    case SEGS_RULE_FUTURE:
        return "FUTURE";
    case SEGS_RULE_TOO_OLD:
        return "TOO_OLD";
    default:
        return "?";
    }
}

const char *segs_severity_name(int severity)
{
    switch (severity) {
    case SEGS_SEVERITY_NONE:
        return "NONE";
    case SEGS_SEVERITY_WARN:
        return "WARN";
    case SEGS_SEVERITY_ERROR:
        return "ERROR";
    default:
        return "?";
    }
}
