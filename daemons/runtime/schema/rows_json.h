/* Window rows as JSON, the same in events and in answers of the API. */
#ifndef RT_SCHEMA_ROWS_JSON_H
#define RT_SCHEMA_ROWS_JSON_H

#include <segs/rollup.h>
#include <segs/window.h>

#include "../json.h"

/* Members of an open object: window_start, window_end, revision, count, expected_count, power_avg_kw, power_min_kw, power_max_kw,
 * energy_kwh, voltage_avg, current_avg, first_reading, last_reading, quality, fingerprint. What no reading has is null. */
void row_put_json(struct rt_json_out *out, const struct segs_window_row *row, int64_t width_ms,
                  int64_t interval_ms);
void rollup_put_json(struct rt_json_out *out, const struct segs_rollup_row *row, int64_t width_ms,
                     int64_t interval_ms);
/* window_start, window_end, revision, meter_count, count, load_kw, load_min_kw, load_max_kw, energy_kwh, capacity_kw, load_percentage, quality. */
void region_put_json(struct rt_json_out *out, const struct segs_region_row *row, int64_t width_ms);

/* An array of the names of the SEGS_QUALITY_* bits. */
void quality_put_json(struct rt_json_out *out, uint32_t quality);

#endif
