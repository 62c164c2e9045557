#include <segs/rollup.h>

#include "window/window_internal.h"

_Static_assert(sizeof(struct segs_region_row) == 96, "the row has no padding");
_Static_assert(offsetof(struct segs_region_row, reserved) == 92, "the row has no padding");

static void set_load(struct segs_region_row *region, int64_t power_sum, uint32_t power_count)
{
    if (power_count == 0)
        return;
    region->load_micro_kw = segs__average(power_sum, power_count);
    region->load_min_micro_kw = region->load_micro_kw;
    region->load_max_micro_kw = region->load_micro_kw;
    region->load_count = 1;
}

int segs_region_from_row(const struct segs_window_row *row, struct segs_region_row *ret)
{
    struct segs_region_row region = { 0 };

    if (!row || !ret || row->count == 0)
        return SEGS_EINVAL;
    region.window_start_ms = row->window_start_ms;
    region.energy_micro_kwh = row->energy_sum_micro_kwh;
    region.count = row->count;
    region.fingerprint = row->fingerprint;
    region.meter_count = 1;
    region.energy_count = row->energy_count != 0;
    region.quality = row->quality;
    set_load(&region, row->power_sum_micro_kw, row->power_count);
    *ret = region;
    return 0;
}

int segs_region_from_rollup(const struct segs_rollup_row *row, struct segs_region_row *ret)
{
    struct segs_region_row region = { 0 };

    if (!row || !ret || row->count == 0)
        return SEGS_EINVAL;
    region.window_start_ms = row->window_start_ms;
    region.energy_micro_kwh = row->energy_sum_micro_kwh;
    region.count = row->count;
    region.fingerprint = row->fingerprint;
    region.meter_count = 1;
    region.energy_count = row->energy_count != 0;
    region.quality = row->quality;
    set_load(&region, row->power_sum_micro_kw, row->power_count);
    *ret = region;
    return 0;
}

static int add_parts(struct segs_region_row *sum, const struct segs_region_row *part)
{
    bool overflow = false;

    overflow |=
        __builtin_add_overflow(sum->load_micro_kw, part->load_micro_kw, &sum->load_micro_kw);
    overflow |= __builtin_add_overflow(sum->energy_micro_kwh, part->energy_micro_kwh,
                                       &sum->energy_micro_kwh);
    overflow |= __builtin_add_overflow(sum->count, part->count, &sum->count);
    overflow |= __builtin_add_overflow(sum->meter_count, part->meter_count, &sum->meter_count);
    overflow |= __builtin_add_overflow(sum->load_count, part->load_count, &sum->load_count);
    overflow |= __builtin_add_overflow(sum->energy_count, part->energy_count, &sum->energy_count);
    if (overflow)
        return SEGS_EOVERFLOW;

    for (int i = 0; i < 4; i++)
        sum->fingerprint.lane[i] += part->fingerprint.lane[i];
    sum->quality |= part->quality;
    return 0;
}

static int subtract_parts(struct segs_region_row *rest, const struct segs_region_row *part)
{
    bool overflow = false;

    if (part->meter_count > rest->meter_count || part->load_count > rest->load_count ||
        part->energy_count > rest->energy_count || part->count > rest->count)
        return SEGS_ECONFLICT;
    overflow |=
        __builtin_sub_overflow(rest->load_micro_kw, part->load_micro_kw, &rest->load_micro_kw);
    overflow |= __builtin_sub_overflow(rest->energy_micro_kwh, part->energy_micro_kwh,
                                       &rest->energy_micro_kwh);
    if (overflow)
        return SEGS_EOVERFLOW;

    rest->count -= part->count;
    rest->meter_count -= part->meter_count;
    rest->load_count -= part->load_count;
    rest->energy_count -= part->energy_count;
    for (int i = 0; i < 4; i++)
        rest->fingerprint.lane[i] -= part->fingerprint.lane[i];
    return 0;
}

/* `sum` holds the sums already and the bounds of what was there before; `n_loads_before` says
 * whether those mean anything. */
static void extend_bounds(struct segs_region_row *sum, uint32_t n_loads_before,
                          const struct segs_region_row *part)
{
    if (part->load_count == 0)
        return;
    if (n_loads_before == 0 || part->load_min_micro_kw < sum->load_min_micro_kw)
        sum->load_min_micro_kw = part->load_min_micro_kw;
    if (n_loads_before == 0 || part->load_max_micro_kw > sum->load_max_micro_kw)
        sum->load_max_micro_kw = part->load_max_micro_kw;
}

int segs_region_merge(struct segs_region_row *into, const struct segs_region_row *from)
{
    struct segs_region_row sum;
    int r;

    if (!into || !from)
        return SEGS_EINVAL;
    if (into->meter_count != 0 && from->meter_count != 0 &&
        into->window_start_ms != from->window_start_ms)
        return SEGS_EINVAL;
    if (into->capacity_micro_kw != 0 && from->capacity_micro_kw != 0 &&
        into->capacity_micro_kw != from->capacity_micro_kw)
        return SEGS_ECONFLICT;

    sum = *into;
    if (from->meter_count != 0) {
        r = add_parts(&sum, from);
        if (r < 0)
            return r;
        extend_bounds(&sum, into->load_count, from);
        sum.window_start_ms = from->window_start_ms;
    }
    if (from->capacity_micro_kw != 0)
        sum.capacity_micro_kw = from->capacity_micro_kw;
    if (from->revision > sum.revision)
        sum.revision = from->revision;
    *into = sum;
    return 0;
}

/* Whether taking `old_part` out and putting `new_part` in leaves a bound of the region unknown. */
static bool loses_bound(const struct segs_region_row *region,
                        const struct segs_region_row *old_part,
                        const struct segs_region_row *new_part)
{
    bool lost_min;
    bool lost_max;

    if (old_part->load_count == 0 || old_part->load_count == region->load_count)
        return false;
    lost_min =
        old_part->load_min_micro_kw <= region->load_min_micro_kw &&
        (new_part->load_count == 0 || new_part->load_min_micro_kw > region->load_min_micro_kw);
    lost_max =
        old_part->load_max_micro_kw >= region->load_max_micro_kw &&
        (new_part->load_count == 0 || new_part->load_max_micro_kw < region->load_max_micro_kw);
    return lost_min || lost_max;
}

int segs_region_replace(struct segs_region_row *region, const struct segs_region_row *old_part,
                        const struct segs_region_row *new_part)
{
    struct segs_region_row sum;
    uint32_t n_loads_left;
    bool is_lost;
    int r;

    if (!region || !old_part || !new_part)
        return SEGS_EINVAL;
    if ((old_part->meter_count != 0 && region->window_start_ms != old_part->window_start_ms) ||
        (new_part->meter_count != 0 && region->meter_count != 0 &&
         region->window_start_ms != new_part->window_start_ms))
        return SEGS_EINVAL;
    if (region->revision == UINT32_MAX)
        return SEGS_EOVERFLOW;

    sum = *region;
    r = subtract_parts(&sum, old_part);
    if (r < 0)
        return r;
    n_loads_left = sum.load_count;
    if (n_loads_left == 0) {
        sum.load_min_micro_kw = 0;
        sum.load_max_micro_kw = 0;
    }
    r = add_parts(&sum, new_part);
    if (r < 0)
        return r;
    extend_bounds(&sum, n_loads_left, new_part);
    if (new_part->meter_count != 0)
        sum.window_start_ms = new_part->window_start_ms;
    is_lost = loses_bound(region, old_part, new_part);
    if (is_lost)
        sum.quality |= SEGS_QUALITY_BOUNDS;
    sum.revision++;
    *region = sum;
    return is_lost ? 1 : 0;
}

int segs_region_load_share(const struct segs_region_row *region, int64_t *ret_share_micro)
{
    if (!region || !ret_share_micro)
        return SEGS_EINVAL;
    if (region->capacity_micro_kw < 0)
        return SEGS_ERANGE;
    if (region->capacity_micro_kw == 0 || region->load_count == 0)
        return SEGS_ENOTFOUND;
    return segs_mul_div(region->load_micro_kw, 1000000, region->capacity_micro_kw,
                        SEGS_ROUND_HALF_EVEN, ret_share_micro);
}
