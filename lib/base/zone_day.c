#include <segs/zone.h>

#include <segs/time.h>

#include "base/base_internal.h"
#include "base/zone_internal.h"

#define MINUTES_PER_DAY 1440
#define MS_PER_MINUTE INT64_C(60000)

/* The first instant, in ms, whose local date is `day` or later. No local date reaches the day
 * before the walk begins, so the first stretch that contains such an instant has the first one. */
static int64_t boundary_ms(const struct segs_zone *zone, int64_t day)
{
    int64_t midnight = day * SEGS__SECONDS_PER_DAY;
    struct segs__zone_span span = segs__zone_span_at(zone, midnight - SEGS__OFFSET_BOUND);
    int64_t t;

    for (;;) {
        t = midnight - span.type->offset;
        if (t < span.begin)
            t = span.begin;
        if (t < span.end)
            return t * 1000;
        span = segs__zone_span_at(zone, span.end);
    }
}

static bool is_day(int32_t day)
{
    return day >= 0 && day <= SEGS_DAY_MAX;
}

static bool is_width(int32_t width_minutes)
{
    return width_minutes > 0 && MINUTES_PER_DAY % width_minutes == 0;
}

int segs_zone_day(const struct segs_zone *zone, int32_t day, int64_t *ret_start_ms,
                  int64_t *ret_end_ms)
{
    if (!zone || !ret_start_ms || !ret_end_ms)
        return SEGS_EINVAL;
    if (!is_day(day))
        return SEGS_ERANGE;
    *ret_start_ms = boundary_ms(zone, day);
    *ret_end_ms = boundary_ms(zone, (int64_t)day + 1);
    return 0;
}

int segs_zone_month(const struct segs_zone *zone, int32_t year, int32_t month,
                    int64_t *ret_start_ms, int64_t *ret_end_ms)
{
    int64_t first;

    if (!zone || !ret_start_ms || !ret_end_ms)
        return SEGS_EINVAL;
    if (year < 1970 || year > 9999 || month < 1 || month > 12)
        return SEGS_ERANGE;
    first = segs__days_from_civil(year, month, 1);
    *ret_start_ms = boundary_ms(zone, first);
    *ret_end_ms = boundary_ms(zone, first + segs__month_length(year, month));
    return 0;
}

/* The local date is never later than the day: only where clocks went back across midnight has the
 * next day begun already. */
static int64_t day_of(const struct segs_zone *zone, int64_t ts_ms)
{
    int64_t t = ts_ms / 1000;
    int64_t day =
        segs__floor_div(t + segs__zone_span_at(zone, t).type->offset, SEGS__SECONDS_PER_DAY);

    while (ts_ms >= boundary_ms(zone, day + 1))
        day++;
    return day;
}

int segs_zone_day_of(const struct segs_zone *zone, int64_t ts_ms, int32_t *ret_day)
{
    if (!zone || !ret_day)
        return SEGS_EINVAL;
    if (ts_ms < SEGS_TS_MIN_MS || ts_ms > SEGS_TS_MAX_MS)
        return SEGS_ERANGE;
    *ret_day = (int32_t)day_of(zone, ts_ms);
    return 0;
}

int segs_zone_day_slots(const struct segs_zone *zone, int32_t day, int32_t width_minutes)
{
    int64_t width_ms = width_minutes * MS_PER_MINUTE;
    int64_t start_ms;
    int64_t end_ms;
    int r;

    if (!zone)
        return SEGS_EINVAL;
    if (!is_width(width_minutes))
        return SEGS_ERANGE;
    r = segs_zone_day(zone, day, &start_ms, &end_ms);
    if (r < 0)
        return r;
    return (int)((end_ms - start_ms + width_ms - 1) / width_ms);
}

int segs_zone_slot_of(const struct segs_zone *zone, int64_t ts_ms, int32_t width_minutes,
                      int32_t *ret_day, int32_t *ret_slot)
{
    int64_t day;

    if (!zone || !ret_day || !ret_slot)
        return SEGS_EINVAL;
    if (!is_width(width_minutes) || ts_ms < SEGS_TS_MIN_MS || ts_ms > SEGS_TS_MAX_MS)
        return SEGS_ERANGE;
    day = day_of(zone, ts_ms);
    *ret_slot = (int32_t)((ts_ms - boundary_ms(zone, day)) / (width_minutes * MS_PER_MINUTE));
    *ret_day = (int32_t)day;
    return 0;
}
