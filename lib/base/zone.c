#include <segs/zone.h>

#include <string.h>

#include <segs/time.h>

#include "base/base_internal.h"
#include "base/zone_internal.h"

_Static_assert(sizeof(struct segs_zone_options) == sizeof(size_t) + sizeof(void *),
               "no padding: a caller's padding is garbage");
_Static_assert(sizeof(struct segs_zone_period) == 40, "the layout is part of the ABI");
_Static_assert(sizeof(struct segs_local_time) == 56, "the layout is part of the ABI");

#define MS_PER_SECOND INT64_C(1000)

static int new_empty(const struct segs_zone_options *options, struct segs_zone **ret,
                     struct segs_error *reterr)
{
    struct segs_zone_options known;
    const struct segs_allocator *allocator;
    struct segs_zone *zone;
    int r = segs__options_copy(&known, sizeof known, options);

    if (r < 0)
        return segs__fail(reterr, r, "options", -1, "options of an unknown version");
    allocator = segs__allocator(known.allocator);
    zone = segs__alloc_zero(allocator, sizeof *zone);
    if (!zone)
        return segs__fail(reterr, SEGS_ENOMEM, NULL, -1, "no memory for a zone");
    zone->allocator = allocator;
    *ret = zone;
    return 0;
}

int segs_zone_new(const void *tzif, size_t size, const struct segs_zone_options *options,
                  struct segs_zone **ret, struct segs_error *reterr)
{
    struct segs_zone *zone = NULL;
    int r;

    if (!tzif || !ret)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "tzif or result is NULL");
    if (size > SEGS_ZONE_TZIF_MAX_BYTES)
        return segs__fail(reterr, SEGS_EFULL, NULL, -1, "expected at most %d bytes, found %zu",
                          SEGS_ZONE_TZIF_MAX_BYTES, size);
    r = new_empty(options, &zone, reterr);
    if (r < 0)
        return r;
    r = segs__tzif_load(zone, tzif, size, reterr);
    if (r == 0 && segs__zone_unroll(zone) < 0)
        r = segs__fail(reterr, SEGS_ENOMEM, NULL, -1, "no memory for transitions");
    if (r < 0) {
        segs_zone_free(zone);
        return r;
    }
    *ret = zone;
    return 0;
}

static void name_offset(int offset_minutes, char *abbreviation)
{
    int magnitude = offset_minutes < 0 ? -offset_minutes : offset_minutes;
    int hours = magnitude / 60;
    int minutes = magnitude % 60;

    if (offset_minutes == 0) {
        memcpy(abbreviation, "UTC", 3);
        return;
    }
    abbreviation[0] = offset_minutes < 0 ? '-' : '+';
    abbreviation[1] = (char)('0' + hours / 10);
    abbreviation[2] = (char)('0' + hours % 10);
    if (minutes != 0) {
        abbreviation[3] = (char)('0' + minutes / 10);
        abbreviation[4] = (char)('0' + minutes % 10);
    }
}

int segs_zone_new_fixed(int32_t offset_minutes, const struct segs_zone_options *options,
                        struct segs_zone **ret, struct segs_error *reterr)
{
    struct segs_zone *zone = NULL;
    int r;

    if (!ret)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "result is NULL");
    if (offset_minutes < -1439 || offset_minutes > 1439)
        return segs__fail(reterr, SEGS_ERANGE, "offset_minutes", -1,
                          "expected -1439 to 1439, found %d", (int)offset_minutes);
    r = new_empty(options, &zone, reterr);
    if (r < 0)
        return r;
    zone->has_rule = true;
    zone->rule.standard.offset = offset_minutes * 60;
    name_offset(offset_minutes, zone->rule.standard.abbreviation);
    *ret = zone;
    return 0;
}

void segs_zone_free(struct segs_zone *zone)
{
    const struct segs_allocator *allocator;

    if (!zone)
        return;
    allocator = zone->allocator;
    segs__release(allocator, zone->times);
    segs__release(allocator, zone->type_of);
    segs__release(allocator, zone->types);
    segs__release(allocator, zone);
}

/* The number of transitions at or before t. */
static size_t transitions_until(const struct segs_zone *zone, int64_t t)
{
    size_t low = 0;
    size_t high = zone->n_times;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (zone->times[middle] <= t)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct segs__zone_span segs__zone_span_at(const struct segs_zone *zone, int64_t t)
{
    size_t n = transitions_until(zone, t);
    int64_t begin = n > 0 ? zone->times[n - 1] : INT64_MIN;
    struct segs__zone_span span;

    if (n == zone->n_times && zone->has_rule) {
        span = segs__zone_rule_span(&zone->rule, t);
        span.begin = span.begin > begin ? span.begin : begin;
        return span;
    }
    span.begin = begin;
    span.end = n < zone->n_times ? zone->times[n] : INT64_MAX;
    span.type = &zone->types[n > 0 ? zone->type_of[n - 1] : 0];
    return span;
}

static bool is_instant(int64_t ts_ms)
{
    return ts_ms >= SEGS_TS_MIN_MS && ts_ms <= SEGS_TS_MAX_MS;
}

int segs_zone_period_at(const struct segs_zone *zone, int64_t ts_ms, struct segs_zone_period *ret)
{
    const int64_t last_second = SEGS_TS_MAX_MS / MS_PER_SECOND;
    struct segs__zone_span span;

    if (!zone || !ret)
        return SEGS_EINVAL;
    if (!is_instant(ts_ms))
        return SEGS_ERANGE;
    span = segs__zone_span_at(zone, ts_ms / MS_PER_SECOND);
    ret->from_ms = span.begin > 0 ? span.begin * MS_PER_SECOND : SEGS_TS_MIN_MS;
    ret->until_ms = (span.end <= last_second ? span.end : last_second + 1) * MS_PER_SECOND;
    ret->offset_s = span.type->offset;
    ret->is_dst = span.type->is_dst;
    memcpy(ret->abbreviation, span.type->abbreviation, sizeof ret->abbreviation);
    return 0;
}

int segs_zone_to_local(const struct segs_zone *zone, int64_t ts_ms, struct segs_local_time *ret)
{
    struct segs__zone_span span;
    int64_t local;
    int64_t day;
    int64_t year;
    int second_of_day;
    int month;
    int day_of_month;

    if (!zone || !ret)
        return SEGS_EINVAL;
    if (!is_instant(ts_ms))
        return SEGS_ERANGE;
    span = segs__zone_span_at(zone, ts_ms / MS_PER_SECOND);
    local = ts_ms / MS_PER_SECOND + span.type->offset;
    day = segs__floor_div(local, SEGS__SECONDS_PER_DAY);
    second_of_day = (int)(local - day * SEGS__SECONDS_PER_DAY);
    segs__civil_from_days(day, &year, &month, &day_of_month);

    ret->year = (int32_t)year;
    ret->month = month;
    ret->day = day_of_month;
    ret->hour = second_of_day / 3600;
    ret->minute = second_of_day / 60 % 60;
    ret->second = second_of_day % 60;
    ret->millisecond = (int32_t)(ts_ms % MS_PER_SECOND);
    ret->weekday = segs__weekday(day);
    ret->offset_s = span.type->offset;
    ret->is_dst = span.type->is_dst;
    memcpy(ret->abbreviation, span.type->abbreviation, sizeof ret->abbreviation);
    return 0;
}
