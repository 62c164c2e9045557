/* Sum readings up to rows of 15 minutes, without a database: reads lines "meter,timestamp,energy_kwh" from standard input and
 * prints each row when its window has closed, and again, as a correction with the difference, when a late reading changed it.
 *
 *     echo 'MTR-1,2026-01-15T14:00:00Z,0.004' | windows
 *
 * What to change: width and delays in main(). Live data instead of a file: give segs_window_add() your clock, and call
 * segs_window_advance() with it while nothing arrives. JSON instead of lines: segs/decode.h. */
#include <stdio.h>
#include <string.h>

#include <segs/fixed.h>
#include <segs/intern.h>
#include <segs/reading.h>
#include <segs/time.h>
#include <segs/window.h>

/* The key of the fingerprints: equal keys make fingerprints comparable. */
static const uint8_t hash_key[16];

/* What became of a line, by SEGS_WINDOW_*. */
static const char *const outcomes[] = { "counted", "counted late", "seen before",
                                        "its second is taken", "its window is forgotten" };

/* Cut the next field off a line, in place. */
static const char *next_field(char **line)
{
    char *field = *line;

    *line += strcspn(*line, ",\r\n");
    if (**line)
        *(*line)++ = '\0';
    return field;
}

static int parse(char *line, struct segs_reading *ret, struct segs_error *err)
{
    const char *meter = next_field(&line);
    const char *ts = next_field(&line);
    const char *energy = next_field(&line);
    int r = segs_id_check(meter, strlen(meter), err);

    memset(ret, 0, sizeof *ret); /* Equal readings are equal byte for byte. */
    ret->present = SEGS_HAS_ENERGY;
    if (r == 0)
        r = segs_time_parse(ts, strlen(ts), &ret->ts_ms, err);
    if (r < 0)
        return r;
    memcpy(ret->meter_id, meter, strlen(meter));
    return segs_decimal_parse(energy, strlen(energy), SEGS_MICRO_DIGITS, SEGS_ROUND_HALF_EVEN,
                              &ret->energy_micro_kwh, err);
}

/* What became of the reading: SEGS_WINDOW_*, or a failure. */
static int add(struct segs_window *window, struct segs_intern *meters,
               const struct segs_reading *reading)
{
    struct segs_fingerprint hash;
    uint32_t slot = 0;
    int r = segs_intern_add(meters, reading->meter_id, strlen(reading->meter_id), &slot);

    if (r < 0)
        return r;
    (void)segs_reading_hash(reading, hash_key, &hash);
    /* A file is the past: seen from the end of time no reading is ahead of the clock. */
    return segs_window_add(window, slot, reading, &hash, SEGS_TS_MAX_MS);
}

static void print_row(const struct segs_intern *meters, const struct segs_window_row *row,
                      const struct segs_window_row *difference)
{
    char start[SEGS_TIME_BYTES], energy[SEGS_DECIMAL_BYTES], more[SEGS_DECIMAL_BYTES] = "";

    (void)segs_time_format(row->window_start_ms, start, sizeof start);
    (void)segs_decimal_format(row->energy_sum_micro_kwh, 6, 0, energy, sizeof energy);
    if (difference)
        (void)segs_decimal_format(difference->energy_sum_micro_kwh, 6, 0, more, sizeof more);
    (void)printf("%s %s revision %u: readings %u, energy %s kWh%s%s\n",
                 segs_intern_id(meters, row->meter_slot, NULL), start, row->revision, row->count,
                 energy, difference ? ", corrected by " : "", more);
}

static void print_news(struct segs_window *window, const struct segs_intern *meters)
{
    struct segs_window_row row, difference;

    while (segs_window_next_closed(window, &row) > 0)
        print_row(meters, &row, NULL);
    while (segs_window_next_correction(window, &row, &difference) > 0)
        print_row(meters, &row, &difference);
}

int main(void)
{
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;
    struct segs_window *window = NULL;
    struct segs_intern *meters = NULL;
    struct segs_error err = { 0 };
    struct segs_reading reading;
    char line[256];
    int r;

    options.mode = SEGS_WINDOW_CLOSES_ONLY;
    options.width_ms = 900000;
    options.allowed_lateness_ms = 60000; /* A window closes a minute of event time after its end, */
    options.retain_ms = 3600000;         /* and can be corrected for one more hour. */
    r = segs_window_new(&options, &window, &err);
    if (r == 0)
        r = segs_intern_new(NULL, &meters);
    for (int n = 1; r >= 0 && fgets(line, sizeof line, stdin); n++) {
        if (parse(line, &reading, &err) < 0) {
            (void)printf("# line %d refused: %s\n", n, err.message);
            continue;
        }
        r = add(window, meters, &reading);
        if (r > SEGS_WINDOW_ADDED)
            (void)printf("# line %d: %s\n", n, outcomes[r]);
        print_news(window, meters);
    }
    if (r >= 0 && segs_window_advance(window, SEGS_TS_MAX_MS) == 0) /* The end closes all. */
        print_news(window, meters);
    if (r < 0)
        (void)fprintf(stderr, "windows: %s %s\n", segs_strerror(r), err.message);
    segs_intern_free(meters);
    segs_window_free(window);
    return r < 0 ? 2 : 0;
}
