/* Sum energy up by the local civil day: reads lines "interval start,kWh" (RFC 3339, any offset) from standard input and prints
 * each day of the zone with its length in hours, its quarters of an hour, the intervals seen and the sum. A day on which clocks
 * change has 23 or 25 hours; nothing falls through the gap and nothing counts twice.
 *
 *     local_day /usr/share/zoneinfo/Europe/Berlin < intervals.csv
 *
 * What to change: the width of the intervals, and the source of the zone: the library takes the bytes of a TZif file from wherever
 * you keep them, because which release of the tz database bills are made with is your decision. Intervals named by their end
 * instead of their start: look the day up at the end minus one millisecond. Lines must be in order of time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <segs/fixed.h>
#include <segs/time.h>
#include <segs/zone.h>

#define WIDTH_MINUTES 15

struct day {
    int64_t energy_micro_kwh;
    int64_t n;
    int32_t number; /* Days since 1970-01-01, a date and not an instant. */
};

static int load_zone(const char *path, struct segs_zone **ret, struct segs_error *err)
{
    FILE *file = fopen(path, "rb");
    void *bytes = malloc(SEGS_ZONE_TZIF_MAX_BYTES);
    int r = SEGS_ENOTFOUND;

    if (file && bytes)
        r = segs_zone_new(bytes, fread(bytes, 1, SEGS_ZONE_TZIF_MAX_BYTES, file), NULL, ret, err);
    if (file)
        (void)fclose(file);
    free(bytes);
    return r;
}

static void print_day(const struct segs_zone *zone, const struct day *day)
{
    char date[SEGS_DATE_BYTES], energy[SEGS_DECIMAL_BYTES];
    int64_t start_ms = 0, end_ms = 0;

    if (day->n == 0)
        return;
    (void)segs_date_format(day->number, date, sizeof date);
    (void)segs_zone_day(zone, day->number, &start_ms, &end_ms);
    (void)segs_decimal_format(day->energy_micro_kwh, 6, 0, energy, sizeof energy);
    (void)printf("%s: %lld minutes, %d quarters, %lld intervals seen, %s kWh\n", date,
                 (long long)(end_ms - start_ms) / 60000,
                 segs_zone_day_slots(zone, day->number, WIDTH_MINUTES), (long long)day->n, energy);
}

/* Add one line to its day; a line of the next day prints the day before. */
static int add_line(const struct segs_zone *zone, const char *line, struct day *day,
                    struct segs_error *err)
{
    size_t comma = strcspn(line, ",");
    const char *energy = line + comma + (line[comma] == ',');
    int64_t ts_ms = 0, energy_micro_kwh = 0;
    int32_t number = 0;
    int r = segs_time_parse(line, comma, &ts_ms, err);

    if (r == 0)
        r = segs_decimal_parse(energy, strcspn(energy, "\r\n"), SEGS_MICRO_DIGITS,
                               SEGS_ROUND_HALF_EVEN, &energy_micro_kwh, err);
    if (r == 0)
        r = segs_zone_day_of(zone, ts_ms, &number);
    if (r < 0)
        return r;
    if (number != day->number) {
        print_day(zone, day);
        memset(day, 0, sizeof *day);
        day->number = number;
    }
    day->n++;
    return segs_fixed_add(day->energy_micro_kwh, energy_micro_kwh, &day->energy_micro_kwh);
}

int main(int argc, char **argv)
{
    struct segs_zone *zone = NULL;
    struct segs_error err = { 0 };
    struct day day = { 0, 0, 0 };
    char line[128];
    int n = 0;
    int r = argc == 2 ? load_zone(argv[1], &zone, &err) : SEGS_EINVAL;

    while (r == 0 && fgets(line, sizeof line, stdin)) {
        n++;
        r = add_line(zone, line, &day, &err);
    }
    if (r == 0)
        print_day(zone, &day);
    else
        (void)fprintf(stderr, "local_day: line %d: %s %s\nUsage: local_day TZIF-FILE < LINES\n", n,
                      segs_strerror(r), err.message);
    segs_zone_free(zone);
    return r == 0 ? 0 : 2;
}
