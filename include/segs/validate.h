/**
 * @file
 * Is a well-formed reading believable? A policy holds the limits, a verdict names one finding.
 *
 * The rules come in two groups. SEGS_CHECK_CONTENT (ranges, sign, consistency, capacity, meter id)
 * needs the reading and what is known of its meter; ingestion applies it. SEGS_CHECK_TIME (future,
 * too old) compares the timestamp with a clock that the caller names: the stream processor uses the
 * time of the message, so that a replay judges as the first run did.
 *
 * Zero is data: 0 kW, 0 kWh and 0 V (an outage looks like that) pass. Nothing is corrected or
 * clamped.
 *
 * Thread rule: a policy is immutable once made and may be shared by any number of threads;
 * everything else is plain data.
 */
#ifndef SEGS_VALIDATE_H
#define SEGS_VALIDATE_H

#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>
#include <segs/export.h>
#include <segs/memory.h>
#include <segs/reading.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Rules by number. Values are stable and stored. 1..31 judge a reading's content, 32..63 its time;
 * 64..191 are kept for the interval rules of validation, editing and estimation (GAP, SPIKE, SUM,
 * STUCK and their kind), which need history.
 */
enum segs_rule {
    SEGS_RULE_NONE = 0,        /**< "NONE". */
    SEGS_RULE_RANGE = 1,       /**< "RANGE": a value outside its physical limits. */
    SEGS_RULE_NEGATIVE = 2,    /**< "NEGATIVE": export on a meter that is not known to export. */
    SEGS_RULE_CONSISTENCY = 3, /**< "CONSISTENCY": energy is not power times interval. */
    SEGS_RULE_CAPACITY = 4,    /**< "CAPACITY": power beyond the connection's. */
    SEGS_RULE_METER_ID = 5,    /**< "METER_ID": another meter than the registry's. */
    SEGS_RULE_FUTURE = 32,     /**< "FUTURE": timestamp ahead of the clock beyond the skew. */
    SEGS_RULE_TOO_OLD = 33     /**< "TOO_OLD": timestamp further back than the maximum age. */
};

/** What a finding asks for. */
enum segs_severity {
    SEGS_SEVERITY_NONE = 0,
    SEGS_SEVERITY_WARN = 1, /**< Keep the reading and mark it. */
    SEGS_SEVERITY_ERROR = 2 /**< Do not count the reading: reject or quarantine it. */
};

/** Groups of rules, for segs_policy_options.checks. */
#define SEGS_CHECK_CONTENT 0x1u
#define SEGS_CHECK_TIME 0x2u

/** Flags of segs_policy_options. */
#define SEGS_POLICY_ANY_FUTURE 0x1u /**< No FUTURE rule. */
#define SEGS_POLICY_ANY_AGE 0x2u    /**< No TOO_OLD rule. */

/** Flags of segs_value_range. */
#define SEGS_RANGE_OR_ZERO 0x1u /**< Exactly zero passes as well. */

/** Limits of one value, both inclusive, in the unit of its field. */
struct segs_value_range {
    int64_t min;
    int64_t max;
    uint32_t value; /**< One SEGS_HAS_* bit, SEGS_HAS_POWER to SEGS_HAS_TEMPERATURE. */
    uint32_t flags; /**< SEGS_RANGE_*. */
};

/**
 * Options of segs_policy_new(). A zero field means its default. Append-only.
 *
 * Default ranges, all ours, wide enough for any real meter and narrow enough for a wrong unit:
 * | value | min | max | why |
 * |---|---|---|---|
 * | power | -1e6 kW | 1e6 kW | 1 GW, a power station behind one meter |
 * | energy | -1e6 kWh | 1e6 kWh | one hour of that |
 * | register | 0 kWh | 1e10 kWh | ten digits of dials |
 * | voltage | 0 V | 1e6 V | 1 MV lines; 0 V is an outage |
 * | current | -1e5 A | 1e5 A | sign is the direction |
 * | power factor | -1 | 1 | by definition |
 * | frequency | 40 Hz | 70 Hz | 50 and 60 Hz grids with room; or 0 when there is no supply |
 * | temperature | -90 degC | 90 degC | -89.2 degC is the coldest air measured (WMO) |
 */
struct segs_policy_options {
    size_t size;                            /**< Set by SEGS_POLICY_OPTIONS_INIT. */
    const struct segs_allocator *allocator; /**< Borrowed, outlives the policy. NULL: malloc. */
    /** Ranges that replace the default of their value; copied. A limit of zero is written as zero.
     * NULL: the defaults. A value named twice is SEGS_ECONFLICT. */
    const struct segs_value_range *ranges;
    size_t n_ranges;
    /** FUTURE beyond now + this. 1..2^53. Default 120000 (120 s; the table of validation rules that
     * meters are read by). "No skew at all" is 1; no limit is SEGS_POLICY_ANY_FUTURE. */
    int64_t max_future_skew_ms;
    /** TOO_OLD before now - this. 1..2^53. Default 604800000 (7 days, ours). No limit is
     * SEGS_POLICY_ANY_AGE. */
    int64_t max_age_ms;
    /** CONSISTENCY when |energy - power * interval| exceeds both this share of |power * interval|,
     * in millionths, and the floor below. 1..10^9. Default 100000 (10 %, ours: power is the mean of
     * the interval or a sample of it). */
    int64_t consistency_micro_ratio;
    /** See above; 1..10^15. Default 1000 (1 Wh, ours: the usual resolution of a register). */
    int64_t consistency_floor_micro_kwh;
    /** CAPACITY when |power| exceeds this many millionths of the meter's capacity; 1..10^9. Default
     * 1200000 (x 1.2, as mako does). */
    int64_t capacity_micro_ratio;
    uint32_t checks; /**< SEGS_CHECK_*. Default: both groups. */
    uint32_t flags;  /**< SEGS_POLICY_*. */
};
#define SEGS_POLICY_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(struct segs_policy_options), NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0                     \
    }

/** Flags of segs_meter_context. */
#define SEGS_METER_MAY_EXPORT 0x1u /**< Net or export channel: negative values are data. */

/** Longest interval one energy value may cover: 31 days (ours: a monthly reading). */
#define SEGS_METER_INTERVAL_MAX_MS 2678400000

/** What is known of the meter a reading claims to be from. A zero field is "not known".
 * Append-only.
 */
struct segs_meter_context {
    size_t size;               /**< Set by SEGS_METER_CONTEXT_INIT. */
    const char *meter_id;      /**< The registry's id; NULL: METER_ID is not checked. Borrowed. */
    int64_t interval_ms;       /**< Interval that energy covers, 0..SEGS_METER_INTERVAL_MAX_MS; 0:
                                  CONSISTENCY is not checked. */
    int64_t capacity_micro_kw; /**< Fuse or contract, >= 0; 0: CAPACITY is not checked. */
    uint32_t flags;            /**< SEGS_METER_*. */
    uint32_t reserved;         /**< Zero. */
};
#define SEGS_METER_CONTEXT_INIT                                                                    \
    {                                                                                              \
        sizeof(struct segs_meter_context), NULL, 0, 0, 0, 0                                        \
    }

/** One finding. Frozen. The texts are NUL-terminated and free of control characters. */
struct segs_verdict {
    int32_t rule;      /**< enum segs_rule. */
    int32_t severity;  /**< enum segs_severity. */
    char field[24];    /**< Canonical JSON member, "power_kw". */
    char expected[64]; /**< "-1000000..1000000". */
    char found[64];    /**< "2500000". */
};

/** Limits and groups of rules; immutable. */
struct segs_policy;

/**
 * Make a policy.
 *
 * @param options  NULL: every default. Not needed afterwards, its allocator excepted.
 * @param ret      Receives the policy; release it with segs_policy_free().
 * @param reterr   Names the option that is refused; may be NULL.
 * @return 0, or
 *         SEGS_EINVAL    ret is NULL, options are not of a believable size, or ranges is NULL and
 *                        n_ranges is not 0;
 *         SEGS_ERANGE    an option outside its range, min above max, a flag or value unknown;
 *         SEGS_ECONFLICT two ranges for one value;
 *         SEGS_ENOTSUP   options of a newer version that this one cannot honour;
 *         SEGS_ENOMEM    no memory.
 * @since 0.1
 */
SEGS_API int segs_policy_new(const struct segs_policy_options *options, struct segs_policy **ret,
                             struct segs_error *reterr);

/** Release a policy; NULL is allowed. @since 0.1 */
SEGS_API void segs_policy_free(struct segs_policy *policy);

/**
 * Judge one reading. NEGATIVE is a warning when `meter` is NULL (nobody knows whether it may
 * export) and an error when `meter` lacks SEGS_METER_MAY_EXPORT. CONSISTENCY and CAPACITY are
 * warnings, the other rules errors.
 *
 * @param meter     NULL: nothing is known of the meter.
 * @param now_ms    The clock that SEGS_CHECK_TIME compares with; otherwise unused.
 * @param verdicts  Room for `max` findings, in the order of their rules and fields; may be NULL
 * when max is 0. Entries beyond the returned count are untouched.
 * @return the number of findings, 0 when there is nothing to say. It may be larger than max: the
 * rest was counted but not written; 16 always suffice. Or SEGS_EINVAL   policy or reading is NULL,
 * or verdicts is NULL and max is not 0, or meter is not of a believable size; SEGS_ENOTSUP  a meter
 * context of a newer version that this one cannot honour.
 * @since 0.1
 */
SEGS_API int segs_policy_check(const struct segs_policy *policy, const struct segs_reading *reading,
                               const struct segs_meter_context *meter, int64_t now_ms,
                               struct segs_verdict *verdicts, size_t max);

/**
 * Get the stable name of a rule ("RANGE").
 *
 * @return a static string; "?" for a number this version does not know, never NULL.
 * @since 0.1
 */
SEGS_API const char *segs_rule_name(int rule);

/**
 * Get the stable name of a severity ("WARN").
 *
 * @return a static string; "?" for a number this version does not know, never NULL.
 * @since 0.1
 */
SEGS_API const char *segs_severity_name(int severity);

#ifdef __cplusplus
}
#endif

#endif
