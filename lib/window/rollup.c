#include <segs/rollup.h>

#include "window/window_internal.h"

_Static_assert(sizeof(struct segs_rollup_row) == 128, "the row has no padding");
_Static_assert(offsetof(struct segs_rollup_row, revision) == 124, "the row has no padding");

/* A child row in the roll-up's own terms, so that there is one way to add. */
static inline int from_child(const struct segs_window_row *child, int64_t width_ms,
                             int64_t child_width_ms, struct segs_rollup_row *ret)
{
    int64_t offset_ms;

    if (child->count == 0)
        return SEGS_EINVAL;
    if (child_width_ms < 1 || width_ms < child_width_ms || width_ms % child_width_ms != 0 ||
        width_ms / child_width_ms > SEGS_ROLLUP_CHILDREN_MAX || child->window_start_ms < 0 ||
        child->window_start_ms % child_width_ms != 0)
        return SEGS_ERANGE;

    offset_ms = child->window_start_ms % width_ms;
    *ret = (struct segs_rollup_row){
        .window_start_ms = child->window_start_ms - offset_ms,
        .power_sum_micro_kw = child->power_sum_micro_kw,
        .power_min_micro_kw = child->power_min_micro_kw,
        .power_max_micro_kw = child->power_max_micro_kw,
        .energy_sum_micro_kwh = child->energy_sum_micro_kwh,
        .voltage_sum_milli_v = child->voltage_sum_milli_v,
        .current_sum_milli_a = child->current_sum_milli_a,
        .first_ts_ms = child->first_ts_ms,
        .last_ts_ms = child->last_ts_ms,
        .children = UINT64_C(1) << (offset_ms / child_width_ms),
        .fingerprint = child->fingerprint,
        .meter_slot = child->meter_slot,
        .count = child->count,
        .power_count = child->power_count,
        .energy_count = child->energy_count,
        .voltage_count = child->voltage_count,
        .current_count = child->current_count,
        .quality = child->quality,
    };
    return 0;
}

/* The sums of two rows, before either is touched. */
struct sums {
    int64_t power, energy, voltage, current;
    uint32_t count, power_count, energy_count, voltage_count, current_count;
};

static inline bool add_sums(const struct segs_rollup_row *a, const struct segs_rollup_row *b,
                            struct sums *ret)
{
    bool overflow = false;

    overflow |= __builtin_add_overflow(a->power_sum_micro_kw, b->power_sum_micro_kw, &ret->power);
    overflow |=
        __builtin_add_overflow(a->energy_sum_micro_kwh, b->energy_sum_micro_kwh, &ret->energy);
    overflow |=
        __builtin_add_overflow(a->voltage_sum_milli_v, b->voltage_sum_milli_v, &ret->voltage);
    overflow |=
        __builtin_add_overflow(a->current_sum_milli_a, b->current_sum_milli_a, &ret->current);
    overflow |= __builtin_add_overflow(a->count, b->count, &ret->count);
    overflow |= __builtin_add_overflow(a->power_count, b->power_count, &ret->power_count);
    overflow |= __builtin_add_overflow(a->energy_count, b->energy_count, &ret->energy_count);
    overflow |= __builtin_add_overflow(a->voltage_count, b->voltage_count, &ret->voltage_count);
    overflow |= __builtin_add_overflow(a->current_count, b->current_count, &ret->current_count);
    return !overflow;
}

/* Before the counts of `into` change. */
static inline void extend_bounds(struct segs_rollup_row *into, const struct segs_rollup_row *from)
{
    if (from->first_ts_ms < into->first_ts_ms)
        into->first_ts_ms = from->first_ts_ms;
    if (from->last_ts_ms > into->last_ts_ms)
        into->last_ts_ms = from->last_ts_ms;
    if (from->power_count == 0)
        return;
    if (into->power_count == 0 || from->power_min_micro_kw < into->power_min_micro_kw)
        into->power_min_micro_kw = from->power_min_micro_kw;
    if (into->power_count == 0 || from->power_max_micro_kw > into->power_max_micro_kw)
        into->power_max_micro_kw = from->power_max_micro_kw;
}

/* Children may overlap here. Works in place: copying the row to and fro costs more than adding. */
static inline int unite(struct segs_rollup_row *into, const struct segs_rollup_row *from)
{
    uint32_t revision = into->revision > from->revision ? into->revision : from->revision;
    struct sums sums;

    if (into->count == 0) {
        *into = *from;
        into->revision = revision;
        return 0;
    }
    if (into->window_start_ms != from->window_start_ms || into->meter_slot != from->meter_slot)
        return SEGS_EINVAL;
    if (!add_sums(into, from, &sums))
        return SEGS_EOVERFLOW;

    extend_bounds(into, from);
    into->power_sum_micro_kw = sums.power;
    into->energy_sum_micro_kwh = sums.energy;
    into->voltage_sum_milli_v = sums.voltage;
    into->current_sum_milli_a = sums.current;
    into->count = sums.count;
    into->power_count = sums.power_count;
    into->energy_count = sums.energy_count;
    into->voltage_count = sums.voltage_count;
    into->current_count = sums.current_count;
    for (int i = 0; i < 4; i++)
        into->fingerprint.lane[i] += from->fingerprint.lane[i];
    into->children |= from->children;
    into->quality |= from->quality;
    into->revision = revision;
    return 0;
}

/* Whether both are about the same meter and window and have a child in common. */
static inline bool shares_child(const struct segs_rollup_row *a, const struct segs_rollup_row *b)
{
    return a->count != 0 && a->window_start_ms == b->window_start_ms &&
           a->meter_slot == b->meter_slot && (a->children & b->children) != 0;
}

int segs_rollup_merge(struct segs_rollup_row *into, const struct segs_rollup_row *from)
{
    if (!into || !from)
        return SEGS_EINVAL;
    if (from->count == 0)
        return 0;
    if (shares_child(into, from))
        return SEGS_ECONFLICT;
    return unite(into, from);
}

int segs_rollup_add(struct segs_rollup_row *into, const struct segs_window_row *child,
                    int64_t width_ms, int64_t child_width_ms)
{
    struct segs_rollup_row one;
    int r;

    if (!into || !child)
        return SEGS_EINVAL;
    r = from_child(child, width_ms, child_width_ms, &one);
    if (r < 0)
        return r;
    return shares_child(into, &one) ? SEGS_ECONFLICT : unite(into, &one);
}

int segs_rollup_correct(struct segs_rollup_row *into, const struct segs_window_row *difference,
                        int64_t width_ms, int64_t child_width_ms)
{
    struct segs_rollup_row one;
    int r;

    if (!into || !difference)
        return SEGS_EINVAL;
    if (into->revision == UINT32_MAX)
        return SEGS_EOVERFLOW;
    r = from_child(difference, width_ms, child_width_ms, &one);
    if (r == 0)
        r = unite(into, &one);
    if (r == 0)
        into->revision++;
    return r;
}

int segs_rollup_finish(struct segs_rollup_row *row, int n_children)
{
    uint64_t all;
    int n_missing;

    if (!row)
        return SEGS_EINVAL;
    if (n_children < 1 || n_children > SEGS_ROLLUP_CHILDREN_MAX)
        return SEGS_ERANGE;
    all = UINT64_MAX >> (64 - n_children);
    if ((row->children & ~all) != 0)
        return SEGS_ERANGE;

    n_missing = n_children - __builtin_popcountll(row->children);
    if (n_missing > 0)
        row->quality |= SEGS_QUALITY_PARTIAL;
    else
        row->quality &= ~SEGS_QUALITY_PARTIAL;
    return n_missing;
}

static int average(int64_t sum, uint32_t count, int64_t *ret)
{
    if (count == 0)
        return SEGS_ENOTFOUND;
    *ret = segs__average(sum, count);
    return 0;
}

int segs_rollup_average_power(const struct segs_rollup_row *row, int64_t *ret_micro_kw)
{
    if (!row || !ret_micro_kw)
        return SEGS_EINVAL;
    return average(row->power_sum_micro_kw, row->power_count, ret_micro_kw);
}

int segs_rollup_average_voltage(const struct segs_rollup_row *row, int64_t *ret_milli_v)
{
    if (!row || !ret_milli_v)
        return SEGS_EINVAL;
    return average(row->voltage_sum_milli_v, row->voltage_count, ret_milli_v);
}

int segs_rollup_average_current(const struct segs_rollup_row *row, int64_t *ret_milli_a)
{
    if (!row || !ret_milli_a)
        return SEGS_EINVAL;
    return average(row->current_sum_milli_a, row->current_count, ret_milli_a);
}

int segs_rollup_completeness(const struct segs_rollup_row *row, int64_t width_ms,
                             int64_t interval_ms, int64_t *ret_present, int64_t *ret_expected)
{
    if (!row || !ret_present || !ret_expected)
        return SEGS_EINVAL;
    if (width_ms < 1 || interval_ms < 1)
        return SEGS_ERANGE;
    *ret_present = row->count;
    *ret_expected = width_ms < interval_ms ? 1 : width_ms / interval_ms;
    return 0;
}
