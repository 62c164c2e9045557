#include "runtime/schema/rows_json.h"

#include <stdio.h>

static const struct {
    uint32_t bit;
    const char *name;
} quality_names[] = {
    { SEGS_QUALITY_ESTIMATED_ENERGY, "ESTIMATED_ENERGY" },
    { SEGS_QUALITY_NO_ENERGY, "NO_ENERGY" },
    { SEGS_QUALITY_NO_POWER, "NO_POWER" },
    { SEGS_QUALITY_STATUS_ERROR, "STATUS_ERROR" },
    { SEGS_QUALITY_LATE, "LATE" },
    { SEGS_QUALITY_PARTIAL, "PARTIAL" },
    { SEGS_QUALITY_BOUNDS, "BOUNDS" },
};

void quality_put_json(struct rt_json_out *out, uint32_t quality)
{
    rt_json_array(out, "quality");
    for (size_t i = 0; i < sizeof quality_names / sizeof quality_names[0]; i++) {
        if (quality & quality_names[i].bit)
            rt_json_put_string(out, NULL, quality_names[i].name);
    }
    rt_json_end_array(out);
}

static void put_window(struct rt_json_out *out, int64_t start_ms, int64_t width_ms,
                       uint32_t revision)
{
    rt_json_put_time(out, "window_start", start_ms);
    rt_json_put_time(out, "window_end", start_ms + width_ms);
    rt_json_put_int(out, "revision", revision);
}

static void put_fixed_or_null(struct rt_json_out *out, const char *name, bool there, int64_t value,
                              unsigned scale)
{
    if (there)
        rt_json_put_fixed(out, name, value, scale);
    else
        rt_json_put_null(out, name);
}

static void put_fingerprint(struct rt_json_out *out, const struct segs_fingerprint *fp)
{
    char text[33];

    (void)snprintf(text, sizeof text, "%08x%08x%08x%08x", fp->lane[0], fp->lane[1], fp->lane[2],
                   fp->lane[3]);
    rt_json_put_string(out, "fingerprint", text);
}

/* What the two kinds of row share by name, their averages and expected count given. */
struct averages {
    int64_t power;
    int64_t voltage;
    int64_t current;
    int64_t expected;
};

#define PUT_VALUES(out_, row_, avg_)                                                               \
    do {                                                                                           \
        rt_json_put_int((out_), "count", (row_)->count);                                           \
        rt_json_put_int((out_), "expected_count", (avg_).expected);                                \
        put_fixed_or_null((out_), "power_avg_kw", (row_)->power_count > 0, (avg_).power, 6);       \
        put_fixed_or_null((out_), "power_min_kw", (row_)->power_count > 0,                         \
                          (row_)->power_min_micro_kw, 6);                                          \
        put_fixed_or_null((out_), "power_max_kw", (row_)->power_count > 0,                         \
                          (row_)->power_max_micro_kw, 6);                                          \
        put_fixed_or_null((out_), "energy_kwh", (row_)->energy_count > 0,                          \
                          (row_)->energy_sum_micro_kwh, 6);                                        \
        put_fixed_or_null((out_), "voltage_avg", (row_)->voltage_count > 0, (avg_).voltage, 3);    \
        put_fixed_or_null((out_), "current_avg", (row_)->current_count > 0, (avg_).current, 3);    \
        rt_json_put_time((out_), "first_reading", (row_)->first_ts_ms);                            \
        rt_json_put_time((out_), "last_reading", (row_)->last_ts_ms);                              \
        quality_put_json((out_), (row_)->quality);                                                 \
        put_fingerprint((out_), &(row_)->fingerprint);                                             \
    } while (0)

void row_put_json(struct rt_json_out *out, const struct segs_window_row *row, int64_t width_ms,
                  int64_t interval_ms)
{
    struct averages avg = { 0, 0, 0, 0 };
    int64_t present = 0;

    /* The averages fail only where no reading has the value, and then they are not printed. */
    (void)segs_row_average_power(row, &avg.power);
    (void)segs_row_average_voltage(row, &avg.voltage);
    (void)segs_row_average_current(row, &avg.current);
    (void)segs_row_completeness(row, width_ms, interval_ms, &present, &avg.expected);
    put_window(out, row->window_start_ms, width_ms, row->revision);
    PUT_VALUES(out, row, avg);
}

void rollup_put_json(struct rt_json_out *out, const struct segs_rollup_row *row, int64_t width_ms,
                     int64_t interval_ms)
{
    struct averages avg = { 0, 0, 0, 0 };
    int64_t present = 0;

    (void)segs_rollup_average_power(row, &avg.power);
    (void)segs_rollup_average_voltage(row, &avg.voltage);
    (void)segs_rollup_average_current(row, &avg.current);
    (void)segs_rollup_completeness(row, width_ms, interval_ms, &present, &avg.expected);
    put_window(out, row->window_start_ms, width_ms, row->revision);
    PUT_VALUES(out, row, avg);
}

void region_put_json(struct rt_json_out *out, const struct segs_region_row *row, int64_t width_ms)
{
    int64_t share_micro = 0;
    bool has_share = segs_region_load_share(row, &share_micro) == 0;
    bool has_load = row->load_count > 0;

    put_window(out, row->window_start_ms, width_ms, row->revision);
    rt_json_put_int(out, "meter_count", row->meter_count);
    rt_json_put_int(out, "count", row->count);
    put_fixed_or_null(out, "load_kw", has_load, row->load_micro_kw, 6);
    put_fixed_or_null(out, "load_min_kw", has_load, row->load_min_micro_kw, 6);
    put_fixed_or_null(out, "load_max_kw", has_load, row->load_max_micro_kw, 6);
    put_fixed_or_null(out, "energy_kwh", row->energy_count > 0, row->energy_micro_kwh, 6);
    put_fixed_or_null(out, "capacity_kw", row->capacity_micro_kw > 0, row->capacity_micro_kw, 6);
    /* Millionths of the capacity are ten-thousandths of a percent. */
    put_fixed_or_null(out, "load_percentage", has_share, share_micro, 4);
    quality_put_json(out, row->quality);
    put_fingerprint(out, &row->fingerprint);
}
