/* Any bytes as a zone: what is accepted answers every question, its days follow each other, and
 * local times lead back to their instants. */
#include <segs/zone.h>

#include <stdlib.h>

#include <segs/time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_instant(const struct segs_zone *zone, int64_t ts_ms)
{
    struct segs_zone_period period;
    struct segs_local_time local;
    int64_t earlier_ms;
    int64_t later_ms;
    int32_t day;
    int32_t slot;

    if (segs_zone_period_at(zone, ts_ms, &period) != 0 || period.from_ms > ts_ms ||
        period.until_ms <= ts_ms)
        abort();
    if (segs_zone_to_local(zone, ts_ms, &local) != 0 || local.offset_s != period.offset_s)
        abort();
    if (segs_zone_slot_of(zone, ts_ms, 15, &day, &slot) != 0 || slot < 0)
        abort();

    /* Near the ends of the range the other reading of a repeated time may lie outside it. */
    if (segs_zone_from_local(zone, &local, SEGS_LOCAL_EARLIER, &earlier_ms, NULL) == 0 &&
        earlier_ms > ts_ms)
        abort();
    if (segs_zone_from_local(zone, &local, SEGS_LOCAL_LATER, &later_ms, NULL) == 0 &&
        later_ms < ts_ms)
        abort();
}

static void check_day(const struct segs_zone *zone, int32_t day)
{
    int64_t start_ms;
    int64_t end_ms;
    int64_t next_start_ms;
    int64_t next_end_ms;
    int32_t found;

    if (segs_zone_day(zone, day, &start_ms, &end_ms) != 0 ||
        segs_zone_day(zone, day + 1, &next_start_ms, &next_end_ms) != 0 || end_ms < start_ms ||
        end_ms != next_start_ms)
        abort();
    if (end_ms > start_ms && start_ms >= 0 &&
        (segs_zone_day_of(zone, start_ms, &found) != 0 || found != day))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segs_zone *zone = NULL;
    struct segs_zone_period period;
    struct segs_error err;

    if (segs_zone_new(data, size, NULL, &zone, &err) < 0) {
        if (zone || err.message[0] == '\0')
            abort();
        return 0;
    }
    period.until_ms = 0;
    for (int i = 0; i < 64 && period.until_ms <= SEGS_TS_MAX_MS; i++) {
        int64_t from_ms = period.until_ms;

        check_instant(zone, from_ms);
        if (segs_zone_period_at(zone, from_ms, &period) != 0)
            abort();
        check_instant(zone, period.until_ms - 1);
        check_day(zone, (int32_t)(from_ms / 86400000));
    }
    check_instant(zone, SEGS_TS_MAX_MS);
    check_day(zone, SEGS_DAY_MAX - 1);
    segs_zone_free(zone);
    return 0;
}
