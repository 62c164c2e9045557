#include <segs/window.h>

#include <string.h>

#include "window/window_internal.h"

static bool same_key(const struct segs_window_row *a, const struct segs_window_row *b)
{
    return a->window_start_ms == b->window_start_ms && a->meter_slot == b->meter_slot;
}

static bool shares_slot(const struct segs_window_row *a, const struct segs_window_row *b)
{
    uint64_t common = 0;

    for (int i = 0; i < SEGS_WINDOW_SLOT_WORDS; i++)
        common |= a->slots[i] & b->slots[i];
    return common != 0;
}

static bool contains(const struct segs_window_row *whole, const struct segs_window_row *part)
{
    uint64_t foreign = 0;

    for (int i = 0; i < SEGS_WINDOW_SLOT_WORDS; i++)
        foreign |= part->slots[i] & ~whole->slots[i];
    return foreign == 0 && part->count <= whole->count && part->power_count <= whole->power_count &&
           part->energy_count <= whole->energy_count &&
           part->voltage_count <= whole->voltage_count &&
           part->current_count <= whole->current_count;
}

static void extend_bounds(struct segs_window_row *sum, const struct segs_window_row *a,
                          const struct segs_window_row *b)
{
    if (a->power_count == 0 ||
        (b->power_count != 0 && b->power_min_micro_kw < a->power_min_micro_kw))
        sum->power_min_micro_kw = b->power_min_micro_kw;
    if (a->power_count == 0 ||
        (b->power_count != 0 && b->power_max_micro_kw > a->power_max_micro_kw))
        sum->power_max_micro_kw = b->power_max_micro_kw;
    if (b->first_ts_ms < a->first_ts_ms)
        sum->first_ts_ms = b->first_ts_ms;
    if (b->last_ts_ms > a->last_ts_ms)
        sum->last_ts_ms = b->last_ts_ms;
}

static bool add_sums(struct segs_window_row *sum, const struct segs_window_row *from)
{
    bool overflow = false;

    overflow |= __builtin_add_overflow(sum->power_sum_micro_kw, from->power_sum_micro_kw,
                                       &sum->power_sum_micro_kw);
    overflow |= __builtin_add_overflow(sum->energy_sum_micro_kwh, from->energy_sum_micro_kwh,
                                       &sum->energy_sum_micro_kwh);
    overflow |= __builtin_add_overflow(sum->voltage_sum_milli_v, from->voltage_sum_milli_v,
                                       &sum->voltage_sum_milli_v);
    overflow |= __builtin_add_overflow(sum->current_sum_milli_a, from->current_sum_milli_a,
                                       &sum->current_sum_milli_a);
    overflow |= __builtin_add_overflow(sum->count, from->count, &sum->count);
    overflow |= __builtin_add_overflow(sum->power_count, from->power_count, &sum->power_count);
    overflow |= __builtin_add_overflow(sum->energy_count, from->energy_count, &sum->energy_count);
    overflow |=
        __builtin_add_overflow(sum->voltage_count, from->voltage_count, &sum->voltage_count);
    overflow |=
        __builtin_add_overflow(sum->current_count, from->current_count, &sum->current_count);
    return !overflow;
}

int segs_row_merge(struct segs_window_row *into, const struct segs_window_row *from)
{
    struct segs_window_row sum;

    if (!into || !from)
        return SEGS_EINVAL;
    if (from->count == 0)
        return 0;
    if (into->count == 0) {
        *into = *from;
        return 0;
    }
    if (!same_key(into, from))
        return SEGS_EINVAL;
    if (shares_slot(into, from))
        return SEGS_ECONFLICT;

    sum = *into;
    if (!add_sums(&sum, from))
        return SEGS_EOVERFLOW;
    extend_bounds(&sum, into, from);
    for (int i = 0; i < SEGS_WINDOW_SLOT_WORDS; i++)
        sum.slots[i] |= from->slots[i];
    for (int i = 0; i < 4; i++)
        sum.fingerprint.lane[i] += from->fingerprint.lane[i];
    sum.quality |= from->quality;
    if (from->revision > sum.revision)
        sum.revision = from->revision;
    *into = sum;
    return 0;
}

static bool subtract_sums(struct segs_window_row *rest, const struct segs_window_row *from)
{
    bool overflow = false;

    overflow |= __builtin_sub_overflow(rest->power_sum_micro_kw, from->power_sum_micro_kw,
                                       &rest->power_sum_micro_kw);
    overflow |= __builtin_sub_overflow(rest->energy_sum_micro_kwh, from->energy_sum_micro_kwh,
                                       &rest->energy_sum_micro_kwh);
    overflow |= __builtin_sub_overflow(rest->voltage_sum_milli_v, from->voltage_sum_milli_v,
                                       &rest->voltage_sum_milli_v);
    overflow |= __builtin_sub_overflow(rest->current_sum_milli_a, from->current_sum_milli_a,
                                       &rest->current_sum_milli_a);
    rest->count -= from->count;
    rest->power_count -= from->power_count;
    rest->energy_count -= from->energy_count;
    rest->voltage_count -= from->voltage_count;
    rest->current_count -= from->current_count;
    return !overflow;
}

int segs_row_subtract(struct segs_window_row *into, const struct segs_window_row *from)
{
    struct segs_window_row rest;

    if (!into || !from)
        return SEGS_EINVAL;
    if (from->count == 0)
        return 0;
    if (!same_key(into, from))
        return SEGS_EINVAL;
    if (!contains(into, from))
        return SEGS_ECONFLICT;

    rest = *into;
    if (!subtract_sums(&rest, from))
        return SEGS_EOVERFLOW;
    for (int i = 0; i < SEGS_WINDOW_SLOT_WORDS; i++)
        rest.slots[i] &= ~from->slots[i];
    for (int i = 0; i < 4; i++)
        rest.fingerprint.lane[i] -= from->fingerprint.lane[i];
    if (rest.power_count == 0) {
        rest.power_min_micro_kw = 0;
        rest.power_max_micro_kw = 0;
    }
    if (rest.count == 0) {
        memset(&rest, 0, sizeof rest);
        rest.window_start_ms = into->window_start_ms;
        rest.meter_slot = into->meter_slot;
    }
    *into = rest;
    return 0;
}

static int average(int64_t sum, uint32_t count, int64_t *ret)
{
    if (count == 0)
        return SEGS_ENOTFOUND;
    *ret = segs__average(sum, count);
    return 0;
}

int segs_row_average_power(const struct segs_window_row *row, int64_t *ret_micro_kw)
{
    if (!row || !ret_micro_kw)
        return SEGS_EINVAL;
    return average(row->power_sum_micro_kw, row->power_count, ret_micro_kw);
}

int segs_row_average_voltage(const struct segs_window_row *row, int64_t *ret_milli_v)
{
    if (!row || !ret_milli_v)
        return SEGS_EINVAL;
    return average(row->voltage_sum_milli_v, row->voltage_count, ret_milli_v);
}

int segs_row_average_current(const struct segs_window_row *row, int64_t *ret_milli_a)
{
    if (!row || !ret_milli_a)
        return SEGS_EINVAL;
    return average(row->current_sum_milli_a, row->current_count, ret_milli_a);
}

int segs_row_completeness(const struct segs_window_row *row, int64_t width_ms, int64_t interval_ms,
                          int64_t *ret_present, int64_t *ret_expected)
{
    if (!row || !ret_present || !ret_expected)
        return SEGS_EINVAL;
    if (width_ms < 1 || interval_ms < 1)
        return SEGS_ERANGE;
    *ret_present = row->count;
    *ret_expected = width_ms < interval_ms ? 1 : width_ms / interval_ms;
    return 0;
}
