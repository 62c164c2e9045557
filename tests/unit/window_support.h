/* Readings, hashes and drained results for the window tests. */
#ifndef SEGS_TESTS_WINDOW_SUPPORT_H
#define SEGS_TESTS_WINDOW_SUPPORT_H

#include <check.h>
#include <stdint.h>
#include <string.h>

#include <segs/window.h>

/* 2023-11-14T22:13:00Z, a full minute: 28333333 x 60000. */
#define MINUTE INT64_C(1699999980000)
/* 2023-11-14T22:00:00Z, a full quarter of an hour: 1888888 x 900000. */
#define QUARTER INT64_C(1699999200000)

static inline uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static inline uint64_t next_random(uint64_t *state)
{
    return mix((*state)++);
}

static inline struct segs_fingerprint hash_of(uint64_t n)
{
    struct segs_fingerprint h = { { (uint32_t)mix(n), (uint32_t)(mix(n) >> 32),
                                    (uint32_t)mix(n + 77), (uint32_t)(mix(n + 77) >> 32) } };

    return h;
}

static inline struct segs_reading power_at(int64_t ts_ms, int64_t power_micro_kw)
{
    struct segs_reading reading;

    memset(&reading, 0, sizeof reading);
    reading.ts_ms = ts_ms;
    reading.power_micro_kw = power_micro_kw;
    reading.present = SEGS_HAS_POWER;
    return reading;
}

/* Adds a power reading whose hash is made of its values, as two readings of the same values have
 * the same hash. */
static inline int add_power(struct segs_window *window, uint32_t meter, int64_t ts_ms,
                            int64_t power_micro_kw, int64_t now_ms)
{
    struct segs_reading reading = power_at(ts_ms, power_micro_kw);
    struct segs_fingerprint hash =
        hash_of((uint64_t)ts_ms * 31 + (uint64_t)power_micro_kw * 1000003 + meter);

    return segs_window_add(window, meter, &reading, &hash, now_ms);
}

static inline struct segs_window *window_with(struct segs_window_options options)
{
    struct segs_window *window = NULL;
    struct segs_error err;

    memset(&err, 0, sizeof err);
    ck_assert_msg(segs_window_new(&options, &window, &err) == 0, "%s: %s", err.field, err.message);
    return window;
}

static inline struct segs_window *window_in_mode(int mode)
{
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;

    options.mode = mode;
    return window_with(options);
}

/* Asserts that there is exactly one closed row left and returns it. */
static inline struct segs_window_row the_closed_row(struct segs_window *window)
{
    struct segs_window_row row;
    struct segs_window_row more;

    ck_assert_int_eq(segs_window_next_closed(window, &row), 1);
    ck_assert_int_eq(segs_window_next_closed(window, &more), 0);
    return row;
}

static inline void assert_no_closed_row(struct segs_window *window)
{
    struct segs_window_row row;

    ck_assert_int_eq(segs_window_next_closed(window, &row), 0);
}

/* Takes every delta and commits; returns their number and puts at most `max` into `rows`. */
static inline size_t take_deltas(struct segs_window *window, struct segs_window_row *rows,
                                 size_t max)
{
    struct segs_window_row row;
    size_t n = 0;

    ck_assert_int_ge(segs_window_deltas_begin(window), 0);
    while (segs_window_next_delta(window, &row) == 1) {
        if (n < max)
            rows[n] = row;
        n++;
    }
    ck_assert_int_eq(segs_window_deltas_commit(window), 0);
    return n;
}

#endif
