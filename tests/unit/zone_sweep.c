/* Prints what libsegs says about the zones whose TZif files are named on the standard input, one
 * path a line, for zone_sweep.py to compare with an independent implementation:
 *
 *   zone PATH
 *   refused CODE                                     instead of everything else
 *   period FROM_S OFFSET_S IS_DST ABBREVIATION       every stretch from 1970 to 2105
 *   local SECONDS N EARLIER_S LATER_S                wall clock times around transitions
 *   day DAY START_S                                  civil days around transitions
 */
#include <segs/error.h>
#include <segs/time.h>
#include <segs/zone.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNTIL_S INT64_C(4260211200) /* 2105-01-01 */
/* Between these, rules repeat what is compared before and after. */
#define HISTORY_UNTIL_S INT64_C(2145916800) /* 2038-01-01 */
#define RULES_FROM_S INT64_C(4039372800)    /* 2098-01-01 */
#define SAMPLE_STEP_S INT64_C(864000)

static int die(const char *what)
{
    (void)fprintf(stderr, "zone_sweep: %s\n", what);
    exit(EXIT_FAILURE);
}

static void fill_local(int64_t seconds, struct segs_local_time *local)
{
    int64_t day = seconds / 86400 - (seconds % 86400 < 0);
    struct segs_civil_date date;

    if (segs_civil_from_day((int32_t)day, &date) < 0)
        die("no such day");
    memset(local, 0, sizeof *local);
    local->year = date.year;
    local->month = date.month;
    local->day = date.day;
    local->hour = (int32_t)(seconds - day * 86400) / 3600;
    local->minute = (int32_t)(seconds - day * 86400) / 60 % 60;
    local->second = (int32_t)(seconds - day * 86400) % 60;
}

static void print_local(const struct segs_zone *zone, int64_t seconds)
{
    struct segs_local_time local;
    int64_t rejected_ms = 0;
    int64_t earlier_ms = 0;
    int64_t later_ms = 0;
    int r;

    fill_local(seconds, &local);
    if (segs_zone_from_local(zone, &local, SEGS_LOCAL_EARLIER, &earlier_ms, NULL) < 0 ||
        segs_zone_from_local(zone, &local, SEGS_LOCAL_LATER, &later_ms, NULL) < 0)
        die("a local time has no instant");
    r = segs_zone_from_local(zone, &local, SEGS_LOCAL_REJECT, &rejected_ms, NULL);
    (void)printf("local %lld %d %lld %lld\n", (long long)seconds,
                 r == SEGS_ENOTFOUND   ? 0
                 : r == SEGS_ECONFLICT ? 2
                                       : 1,
                 (long long)(earlier_ms / 1000), (long long)(later_ms / 1000));
}

static void print_transition(const struct segs_zone *zone, int64_t at, int32_t before,
                             int32_t after)
{
    static const int64_t deltas[] = { -1, 0, 1799 };
    int32_t day = (int32_t)((at + before) / 86400);

    for (size_t i = 0; i < sizeof deltas / sizeof deltas[0]; i++) {
        print_local(zone, at + before + deltas[i]);
        print_local(zone, at + after + deltas[i]);
    }
    for (int32_t d = day - 1; d <= day + 2; d++) {
        int64_t start_ms;
        int64_t end_ms;

        if (segs_zone_day(zone, d, &start_ms, &end_ms) < 0)
            die("a day has no start");
        (void)printf("day %d %lld\n", (int)d, (long long)(start_ms / 1000));
    }
}

/* The stretches are found by walking from end to end; asking for single instants in between must
 * give the same. */
static void check_samples(const struct segs_zone *zone, const struct segs_zone_period *period)
{
    int64_t from_s = period->from_ms / 1000;
    int64_t until_s = period->until_ms / 1000 < UNTIL_S ? period->until_ms / 1000 : UNTIL_S;

    for (int64_t t = from_s; t < until_s; t += SAMPLE_STEP_S) {
        struct segs_local_time local;

        if (segs_zone_to_local(zone, t * 1000, &local) < 0 || local.offset_s != period->offset_s ||
            local.is_dst != period->is_dst || strcmp(local.abbreviation, period->abbreviation) != 0)
            die("a single instant contradicts its period");
    }
}

static void print_zone(const struct segs_zone *zone)
{
    struct segs_zone_period period;
    int32_t offset_before = 0;

    for (int64_t t = 0; t < UNTIL_S; t = period.until_ms / 1000) {
        if (segs_zone_period_at(zone, t * 1000, &period) < 0)
            die("an instant has no period");
        (void)printf("period %lld %d %d %s\n", (long long)t, (int)period.offset_s,
                     (int)period.is_dst, period.abbreviation);
        check_samples(zone, &period);
        if (t > 86400 * 3 && (t < HISTORY_UNTIL_S || t >= RULES_FROM_S))
            print_transition(zone, t, offset_before, period.offset_s);
        offset_before = period.offset_s;
    }
}

int main(void)
{
    static unsigned char tzif[SEGS_ZONE_TZIF_MAX_BYTES];
    char path[4096];

    while (fgets(path, sizeof path, stdin)) {
        struct segs_zone *zone = NULL;
        size_t size;
        FILE *file;
        int r;

        path[strcspn(path, "\n")] = '\0';
        file = fopen(path, "rb");
        if (!file)
            return die("cannot open a zone file");
        size = fread(tzif, 1, sizeof tzif, file);
        (void)fclose(file);

        (void)printf("zone %s\n", path);
        r = segs_zone_new(tzif, size, NULL, &zone, NULL);
        if (r < 0)
            (void)printf("refused %s\n", segs_error_name(r));
        else
            print_zone(zone);
        segs_zone_free(zone);
    }
    return EXIT_SUCCESS;
}
