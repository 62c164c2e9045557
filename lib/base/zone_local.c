#include <segs/zone.h>

#include <segs/time.h>

#include "base/base_internal.h"
#include "base/zone_internal.h"

/* The instants at which one wall clock time is shown. When there are none, `earlier` and `later`
 * are what it means by the offsets after and before the gap that skipped it. */
struct matches {
    int n;
    int64_t earlier;
    int64_t later;
};

static void take_match(struct matches *m, int64_t t)
{
    if (m->n == 0)
        m->earlier = t;
    m->later = t;
    m->n++;
}

/* `local` counts seconds as if the wall clock were UTC. */
static struct matches find_matches(const struct segs_zone *zone, int64_t local)
{
    struct segs__zone_span span = segs__zone_span_at(zone, local - SEGS__OFFSET_BOUND);
    struct matches m = { 0, 0, 0 };
    bool found_gap = false;

    for (;;) {
        int64_t t = local - span.type->offset;
        struct segs__zone_span next;

        if (t >= span.begin && t < span.end)
            take_match(&m, t);
        if (span.end > local + SEGS__OFFSET_BOUND)
            return m;

        next = segs__zone_span_at(zone, span.end);
        if (m.n == 0 && !found_gap && t >= span.end && local - next.type->offset < next.begin) {
            found_gap = true;
            m.earlier = local - next.type->offset;
            m.later = t;
        }
        span = next;
    }
}

static int fail_range(struct segs_error *reterr, const char *field, int value)
{
    return segs__fail(reterr, SEGS_ERANGE, field, -1, "%s out of range: %d", field, value);
}

static int check_local(const struct segs_local_time *local, struct segs_error *reterr)
{
    if (local->year < 1969 || local->year > 10000)
        return fail_range(reterr, "year", local->year);
    if (local->month < 1 || local->month > 12)
        return fail_range(reterr, "month", local->month);
    if (local->day < 1 || local->day > segs__month_length(local->year, local->month))
        return fail_range(reterr, "day", local->day);
    if (local->hour < 0 || local->hour > 23)
        return fail_range(reterr, "hour", local->hour);
    if (local->minute < 0 || local->minute > 59)
        return fail_range(reterr, "minute", local->minute);
    if (local->second < 0 || local->second > 59)
        return fail_range(reterr, "second", local->second);
    if (local->millisecond < 0 || local->millisecond > 999)
        return fail_range(reterr, "millisecond", local->millisecond);
    return 0;
}

static int64_t local_seconds(const struct segs_local_time *local)
{
    return segs__days_from_civil(local->year, local->month, local->day) * SEGS__SECONDS_PER_DAY +
           local->hour * 3600 + local->minute * 60 + local->second;
}

int segs_zone_from_local(const struct segs_zone *zone, const struct segs_local_time *local,
                         int disambiguation, int64_t *ret_ts_ms, struct segs_error *reterr)
{
    struct matches m;
    int64_t ts_ms;
    int r;

    if (!zone || !local || !ret_ts_ms)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "zone, local time or result is NULL");
    if (disambiguation < SEGS_LOCAL_REJECT || disambiguation > SEGS_LOCAL_LATER)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "unknown disambiguation %d",
                          disambiguation);
    r = check_local(local, reterr);
    if (r < 0)
        return r;

    m = find_matches(zone, local_seconds(local));
    if (disambiguation == SEGS_LOCAL_REJECT && m.n == 0)
        return segs__fail(reterr, SEGS_ENOTFOUND, NULL, -1, "the zone skipped this local time");
    if (disambiguation == SEGS_LOCAL_REJECT && m.n > 1)
        return segs__fail(reterr, SEGS_ECONFLICT, NULL, -1, "the zone repeated this local time");
    ts_ms = (disambiguation == SEGS_LOCAL_LATER ? m.later : m.earlier) * 1000 + local->millisecond;
    if (ts_ms < SEGS_TS_MIN_MS || ts_ms > SEGS_TS_MAX_MS)
        return segs__fail(reterr, SEGS_ERANGE, "year", -1,
                          "expected an instant in 1970 to 9999 UTC");
    *ret_ts_ms = ts_ms;
    return 0;
}
