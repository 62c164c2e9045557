/**
 * @file
 * From rows to wider windows and to regions: 1-minute rows into 15-minute rows (or any multiple up
 * to 64), rows of many meters into one row per region. Exact integers; the order of adding never
 * matters.
 *
 * Plain data and pure functions. Start with a zeroed struct; a struct without readings adopts the
 * key of the first one it is given.
 *
 * Thread rule: pure functions.
 */
#ifndef SEGS_ROLLUP_H
#define SEGS_ROLLUP_H

#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>
#include <segs/export.h>
#include <segs/reading.h>
#include <segs/window.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Child windows of a roll-up at most: one bit each. */
#define SEGS_ROLLUP_CHILDREN_MAX 64

/** Some child window is missing. Set by segs_rollup_finish(), beside the children's own bits. */
#define SEGS_QUALITY_PARTIAL 0x20u

/** Minimum and maximum are bounds, not values: see segs_region_replace(). */
#define SEGS_QUALITY_BOUNDS 0x40u

/**
 * One meter in one wide window. 128 bytes, no padding; the layout is part of the ABI. The same
 * children give the same bytes. Fields as in struct segs_window_row.
 */
struct segs_rollup_row {
    int64_t window_start_ms;
    int64_t power_sum_micro_kw;
    int64_t power_min_micro_kw;
    int64_t power_max_micro_kw;
    int64_t energy_sum_micro_kwh;
    int64_t voltage_sum_milli_v;
    int64_t current_sum_milli_a;
    int64_t first_ts_ms;
    int64_t last_ts_ms;
    uint64_t children; /**< Bit c: the child window that starts c child widths after the start. */
    struct segs_fingerprint fingerprint;
    uint32_t meter_slot;
    uint32_t count;
    uint32_t power_count;
    uint32_t energy_count;
    uint32_t voltage_count;
    uint32_t current_count;
    uint32_t quality;  /**< SEGS_QUALITY_* bits of the children. */
    uint32_t revision; /**< Number of corrections applied; the caller's to number otherwise. */
};

/**
 * Add the closed row of one child window that is not in the roll-up yet.
 *
 * @param into  Zeroed, or of the same meter and wide window. Unchanged on failure.
 * @param child  A whole row (not a delta), count at least 1. Borrowed.
 * @param width_ms  Of the roll-up: 1 to 64 times child_width_ms, an exact multiple.
 * @param child_width_ms  Of the row's window, at least 1.
 * @return 0, or
 *         SEGS_EINVAL    a NULL, another meter or another wide window, or child has no readings;
 *         SEGS_ERANGE    the widths do not fit each other, or the child does not start at a
 *                        multiple of child_width_ms at or after 1970;
 *         SEGS_ECONFLICT this child window is in the roll-up; see segs_rollup_correct();
 *         SEGS_EOVERFLOW a sum or count does not fit.
 * @since 0.1
 */
SEGS_API int segs_rollup_add(struct segs_rollup_row *into, const struct segs_window_row *child,
                             int64_t width_ms, int64_t child_width_ms);

/**
 * Add a difference: readings that came to a child window after its row was added (the second row of
 * segs_window_next_correction(), or a delta), and count `revision` up by one. The result differs
 * from adding the corrected row in the first place only in `revision`. The child window may be new.
 *
 * @return as segs_rollup_add(), never SEGS_ECONFLICT.
 * @since 0.1
 */
SEGS_API int segs_rollup_correct(struct segs_rollup_row *into,
                                 const struct segs_window_row *difference, int64_t width_ms,
                                 int64_t child_width_ms);

/**
 * Unite two roll-ups of the same meter and window with different children. Associative and
 * commutative; one with count 0 is neutral. The larger revision stays.
 *
 * @return 0, or
 *         SEGS_EINVAL    a NULL, or both have readings and their keys differ;
 *         SEGS_ECONFLICT a child window is in both;
 *         SEGS_EOVERFLOW a sum or count does not fit.
 * @since 0.1
 */
SEGS_API int segs_rollup_merge(struct segs_rollup_row *into, const struct segs_rollup_row *from);

/**
 * Set SEGS_QUALITY_PARTIAL when fewer than `n_children` child windows are there, else clear it.
 *
 * @param n_children  Children of a whole window, 1..64.
 * @return the number of missing children, or
 *         SEGS_EINVAL  row is NULL;
 *         SEGS_ERANGE  n_children outside 1..64, or the row has a child beyond it.
 * @since 0.1
 */
SEGS_API int segs_rollup_finish(struct segs_rollup_row *row, int n_children);

/** Get an average of a roll-up; as segs_row_average_power() and its siblings. @since 0.1 */
SEGS_API int segs_rollup_average_power(const struct segs_rollup_row *row, int64_t *ret_micro_kw);
SEGS_API int segs_rollup_average_voltage(const struct segs_rollup_row *row, int64_t *ret_milli_v);
SEGS_API int segs_rollup_average_current(const struct segs_rollup_row *row, int64_t *ret_milli_a);

/** Get readings present and expected; as segs_row_completeness(). @since 0.1 */
SEGS_API int segs_rollup_completeness(const struct segs_rollup_row *row, int64_t width_ms,
                                      int64_t interval_ms, int64_t *ret_present,
                                      int64_t *ret_expected);

/**
 * One region in one window: what its meters say together. 96 bytes, no padding; the layout is part
 * of the ABI. It knows nothing of names; the caller keeps one per (region, window).
 */
struct segs_region_row {
    int64_t window_start_ms;
    int64_t load_micro_kw;     /**< Sum over meters of each meter's average power (half-even). */
    int64_t energy_micro_kwh;  /**< Sum over meters. */
    int64_t load_min_micro_kw; /**< Smallest meter average; 0 when load_count is 0. */
    int64_t load_max_micro_kw; /**< Largest meter average; 0 when load_count is 0. */
    int64_t capacity_micro_kw; /**< Set by the caller, 0 unknown; merging keeps it. */
    int64_t count;             /**< Readings. */
    struct segs_fingerprint fingerprint; /**< Of all readings of all meters. */
    uint32_t meter_count;                /**< Meters with readings. */
    uint32_t load_count;                 /**< Meters among them with power. */
    uint32_t energy_count;               /**< Meters among them with energy. */
    uint32_t quality;                    /**< SEGS_QUALITY_* bits of the meters. */
    uint32_t revision; /**< Number of replacements applied; the caller's to number otherwise. */
    uint32_t reserved; /**< Zero. */
};

/**
 * Make the region row of one meter alone, out of its whole row of the window. Merge them to get the
 * region. One meter has one bucket per window: its parts must be merged as rows first, because an
 * average of averages is not the average.
 *
 * @param row  count at least 1. Borrowed.
 * @param ret  Receives a region row with meter_count 1, capacity 0 and revision 0.
 * @return 0, or
 *         SEGS_EINVAL  a NULL, or the row has no readings.
 * @since 0.1
 */
SEGS_API int segs_region_from_row(const struct segs_window_row *row, struct segs_region_row *ret);
SEGS_API int segs_region_from_rollup(const struct segs_rollup_row *row,
                                     struct segs_region_row *ret);

/**
 * Add the meters of one region row to another of the same window; the sets of meters must be
 * disjoint, which is the caller's to see to. Associative and commutative; a row with meter_count 0
 * is neutral except for its capacity. The larger revision stays.
 *
 * @return 0, or
 *         SEGS_EINVAL    a NULL, or both have meters and their windows differ;
 *         SEGS_ECONFLICT two different capacities, neither of them 0;
 *         SEGS_EOVERFLOW a sum or count does not fit.
 * @since 0.1
 */
SEGS_API int segs_region_merge(struct segs_region_row *into, const struct segs_region_row *from);

/**
 * Change the contribution of a meter (or of any part of the region) from `old_part` to `new_part`,
 * and count `revision` up by one: a correction of one meter moves the region by the difference.
 * Sums, counts and fingerprint are exactly those of a region built anew. Quality bits only
 * accumulate. Minimum and maximum are exact too unless the old part held one of them and the new
 * part does not reach it: then the old value stays as a bound that still holds and
 * SEGS_QUALITY_BOUNDS is set; build the region anew from its meters to get the value.
 *
 * @param old_part  What was merged before; meter_count 0 when it is new. Borrowed.
 * @param new_part  What stands now; meter_count 0 to take the meter out. Borrowed.
 * @return 0 minimum and maximum are as exact as before, 1 they have become bounds, or
 *         SEGS_EINVAL    a NULL, or windows differ;
 *         SEGS_ECONFLICT old_part has more meters or readings than the region;
 *         SEGS_EOVERFLOW a sum or count does not fit.
 * @since 0.1
 */
SEGS_API int segs_region_replace(struct segs_region_row *region,
                                 const struct segs_region_row *old_part,
                                 const struct segs_region_row *new_part);

/**
 * Get the load as a share of the capacity in millionths, rounded to the nearest, ties to even.
 * Negative when the region exports; above 1000000 when it is overloaded.
 *
 * @return 0, or
 *         SEGS_EINVAL    a NULL;
 *         SEGS_ENOTFOUND no meter has power, or the capacity is 0;
 *         SEGS_ERANGE    the capacity is negative;
 *         SEGS_EOVERFLOW the share does not fit.
 * @since 0.1
 */
SEGS_API int segs_region_load_share(const struct segs_region_row *region, int64_t *ret_share_micro);

#ifdef __cplusplus
}
#endif

#endif
