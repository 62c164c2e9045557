/* Rows of libsegs as rows of SQL: the columns of aggregates_1m, aggregates_15m and the regional tables in one order, and the way
 * between them and struct segs_window_row, segs_rollup_row and segs_region_row. */
#ifndef RT_SCHEMA_ROWS_H
#define RT_SCHEMA_ROWS_H

#include <segs/rollup.h>
#include <segs/window.h>

#include "../db/db.h"

/* Key (window_start, partition, meter_key, region_key), then the values, then revision. */
#define ROW_N_PARAMS 23
#define ROW_COLUMNS                                                                                \
    "window_start_ms, partition, meter_key, region_key, count, power_count, power_sum_micro_kw, "  \
    "power_min_micro_kw, power_max_micro_kw, energy_count, energy_sum_micro_kwh, voltage_count, "  \
    "voltage_sum_milli_v, current_count, current_sum_milli_a, first_ts_ms, last_ts_ms, slots, "    \
    "fp0, fp1, fp2, fp3, quality"
#define ROW_PLACES                                                                                 \
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, "  \
    "$21, $22, $23"

struct row_key {
    int64_t window_start_ms;
    int64_t meter_key;
    int64_t region_key;
    int32_t partition;
    int32_t reserved;
};

/* Fill ROW_N_PARAMS values. The bit SEGS_QUALITY_LATE is not stored: that a row was corrected is told by its revision,
 * and stored rows must not depend on when their readings arrived. */
void row_to_params(const struct row_key *key, const struct segs_window_row *row,
                   struct rt_db_value *params);
void rollup_to_params(const struct row_key *key, const struct segs_rollup_row *row,
                      struct rt_db_value *params);

/* From a query that selects ROW_COLUMNS, revision. */
void row_from_rows(const struct rt_db_rows *rows, struct row_key *key, struct segs_window_row *row);
void rollup_from_rows(const struct rt_db_rows *rows, struct row_key *key,
                      struct segs_rollup_row *row);

/* Regions: width, window_start, then whatever the table adds to the key, then these. */
#define REGION_COLUMNS                                                                             \
    "meter_count, load_count, energy_count, count, load_micro_kw, load_min_micro_kw, "             \
    "load_max_micro_kw, energy_micro_kwh, fp0, fp1, fp2, fp3, quality"
#define REGION_N_COLUMNS 13
void region_to_params(const struct segs_region_row *region, struct rt_db_value *params);
/* `first` is the number of the first region column in the query. */
void region_from_rows(const struct rt_db_rows *rows, int first, struct segs_region_row *region);

#endif
