/* Sums as the audit makes them: plain arrays in the order of the tables' columns, so that comparing is a loop. Pure functions. */
#ifndef SEGS_AUDIT_SUM_H
#define SEGS_AUDIT_SUM_H

#include <stdbool.h>
#include <stdint.h>

#include <segs/reading.h>

/* Intervals tried for readings without energy: the folder may have been filled under several settings. */
#define AUDIT_INTERVALS_MAX 4

/* Columns of aggregates_1m and aggregates_15m behind the key, in their order. */
enum audit_column {
    AUDIT_COUNT,
    AUDIT_POWER_COUNT,
    AUDIT_POWER_SUM,
    AUDIT_POWER_MIN,
    AUDIT_POWER_MAX,
    AUDIT_ENERGY_COUNT,
    AUDIT_ENERGY_SUM,
    AUDIT_VOLTAGE_COUNT,
    AUDIT_VOLTAGE_SUM,
    AUDIT_CURRENT_COUNT,
    AUDIT_CURRENT_SUM,
    AUDIT_FIRST_TS,
    AUDIT_LAST_TS,
    AUDIT_SLOTS,
    AUDIT_FP0,
    AUDIT_FP1,
    AUDIT_FP2,
    AUDIT_FP3,
    AUDIT_QUALITY,
    AUDIT_N_COLUMNS
};
extern const char *const audit_column_names[AUDIT_N_COLUMNS];

/* Columns of regional_aggregates behind the key. */
enum audit_region_column {
    AUDIT_METER_COUNT,
    AUDIT_LOAD_COUNT,
    AUDIT_REGION_ENERGY_COUNT,
    AUDIT_REGION_COUNT,
    AUDIT_LOAD,
    AUDIT_LOAD_MIN,
    AUDIT_LOAD_MAX,
    AUDIT_REGION_ENERGY,
    AUDIT_REGION_FP0,
    AUDIT_REGION_FP1,
    AUDIT_REGION_FP2,
    AUDIT_REGION_FP3,
    AUDIT_REGION_QUALITY,
    AUDIT_N_REGION_COLUMNS
};
extern const char *const audit_region_column_names[AUDIT_N_REGION_COLUMNS];

/* What of a reading goes into a row. 64 bytes, because millions of them are sorted. */
struct audit_record {
    int64_t ts_ms;
    int64_t offset; /* Of the message. */
    int64_t power_micro_kw;
    int64_t energy_micro_kwh;
    int32_t voltage_milli_v;
    int32_t current_milli_a;
    uint32_t meter_key;
    uint16_t partition;
    uint8_t present; /* The low byte of segs_reading.present. */
    uint8_t status;
    struct segs_fingerprint hash;
};

struct audit_sum {
    int64_t column[AUDIT_N_COLUMNS];
    int64_t energy_by[AUDIT_INTERVALS_MAX]; /* The energy sum under each interval. */
};

struct audit_region {
    int64_t column[AUDIT_N_REGION_COLUMNS];
};

/* Add one reading to its minute. */
void audit_sum_add(struct audit_sum *sum, const struct audit_record *record,
                   const int64_t *intervals_ms, int n_intervals);
/* Add a minute to its quarter; `child` is the minute's number in it, 0..14. */
void audit_sum_add_minute(struct audit_sum *quarter, const struct audit_sum *minute, int child);
/* Add a meter's row to its region. */
void audit_region_add(struct audit_region *region, const struct audit_sum *row);

/* The first column at or behind `from` in which they differ, or -1. */
int audit_sum_differs(const struct audit_sum *expected, const struct audit_sum *found, int from,
                      int n_intervals);
int audit_region_differs(const struct audit_region *expected, const struct audit_region *found,
                         int from);

/* sum / n, ties to even; n at least 1. */
int64_t audit_average(int64_t sum, int64_t n);

#endif
