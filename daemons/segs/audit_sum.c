#include "segs/audit_sum.h"

#include <stddef.h>

#include <segs/fixed.h>
#include <segs/rollup.h>
#include <segs/window.h>

#define MINUTE_MS 60000
#define SECOND_MS 1000
#define HOUR_MS 3600000
#define MINUTES_OF_QUARTER 15

const char *const audit_column_names[AUDIT_N_COLUMNS] = { "count",
                                                          "power_count",
                                                          "power_sum_micro_kw",
                                                          "power_min_micro_kw",
                                                          "power_max_micro_kw",
                                                          "energy_count",
                                                          "energy_sum_micro_kwh",
                                                          "voltage_count",
                                                          "voltage_sum_milli_v",
                                                          "current_count",
                                                          "current_sum_milli_a",
                                                          "first_ts_ms",
                                                          "last_ts_ms",
                                                          "slots",
                                                          "fp0",
                                                          "fp1",
                                                          "fp2",
                                                          "fp3",
                                                          "quality" };

const char *const audit_region_column_names[AUDIT_N_REGION_COLUMNS] = { "meter_count",
                                                                        "load_count",
                                                                        "energy_count",
                                                                        "count",
                                                                        "load_micro_kw",
                                                                        "load_min_micro_kw",
                                                                        "load_max_micro_kw",
                                                                        "energy_micro_kwh",
                                                                        "fp0",
                                                                        "fp1",
                                                                        "fp2",
                                                                        "fp3",
                                                                        "quality" };

int64_t audit_average(int64_t sum, int64_t n)
{
    int64_t quotient = sum / n;
    int64_t rest = sum % n < 0 ? -(sum % n) : sum % n;

    if (2 * rest > n || (2 * rest == n && quotient % 2 != 0))
        quotient += sum < 0 ? -1 : 1;
    return quotient;
}

static int64_t derived_energy(int64_t power_micro_kw, int64_t interval_ms)
{
    int64_t energy = 0;

    (void)segs_mul_div(power_micro_kw, interval_ms, HOUR_MS, SEGS_ROUND_HALF_EVEN, &energy);
    return energy;
}

/* Minimum and maximum of two columns that hold nothing while their count is 0. */
static void extend(int64_t *min, int64_t *max, bool was_empty, int64_t low, int64_t high)
{
    if (was_empty || low < *min)
        *min = low;
    if (was_empty || high > *max)
        *max = high;
}

static void add_fingerprint(int64_t *lanes, const int64_t *from)
{
    for (int i = 0; i < 4; i++)
        lanes[i] = (lanes[i] + from[i]) & 0xffffffff;
}

static void add_energy(struct audit_sum *sum, const struct audit_record *record,
                       const int64_t *intervals_ms, int n_intervals)
{
    int64_t *c = sum->column;
    bool has_energy = (record->present & SEGS_HAS_ENERGY) != 0;

    if (!has_energy && !(record->present & SEGS_HAS_POWER)) {
        c[AUDIT_QUALITY] |= SEGS_QUALITY_NO_ENERGY;
        return;
    }
    if (!has_energy)
        c[AUDIT_QUALITY] |= SEGS_QUALITY_ESTIMATED_ENERGY;
    c[AUDIT_ENERGY_COUNT]++;
    for (int i = 0; i < n_intervals; i++)
        sum->energy_by[i] += has_energy ? record->energy_micro_kwh
                                        : derived_energy(record->power_micro_kw, intervals_ms[i]);
    c[AUDIT_ENERGY_SUM] = sum->energy_by[0];
}

void audit_sum_add(struct audit_sum *sum, const struct audit_record *record,
                   const int64_t *intervals_ms, int n_intervals)
{
    int64_t *c = sum->column;
    const int64_t lanes[4] = { record->hash.lane[0], record->hash.lane[1], record->hash.lane[2],
                               record->hash.lane[3] };

    extend(&c[AUDIT_FIRST_TS], &c[AUDIT_LAST_TS], c[AUDIT_COUNT] == 0, record->ts_ms,
           record->ts_ms);
    c[AUDIT_COUNT]++;
    if (record->present & SEGS_HAS_POWER) {
        extend(&c[AUDIT_POWER_MIN], &c[AUDIT_POWER_MAX], c[AUDIT_POWER_COUNT] == 0,
               record->power_micro_kw, record->power_micro_kw);
        c[AUDIT_POWER_COUNT]++;
        c[AUDIT_POWER_SUM] += record->power_micro_kw;
    } else {
        c[AUDIT_QUALITY] |= SEGS_QUALITY_NO_POWER;
    }
    add_energy(sum, record, intervals_ms, n_intervals);
    if (record->present & SEGS_HAS_VOLTAGE) {
        c[AUDIT_VOLTAGE_COUNT]++;
        c[AUDIT_VOLTAGE_SUM] += record->voltage_milli_v;
    }
    if (record->present & SEGS_HAS_CURRENT) {
        c[AUDIT_CURRENT_COUNT]++;
        c[AUDIT_CURRENT_SUM] += record->current_milli_a;
    }
    if (record->status == SEGS_STATUS_ERROR)
        c[AUDIT_QUALITY] |= SEGS_QUALITY_STATUS_ERROR;
    c[AUDIT_SLOTS] |= INT64_C(1) << (record->ts_ms % MINUTE_MS / SECOND_MS);
    add_fingerprint(&c[AUDIT_FP0], lanes);
}

void audit_sum_add_minute(struct audit_sum *quarter, const struct audit_sum *minute, int child)
{
    static const enum audit_column added[] = { AUDIT_ENERGY_COUNT,  AUDIT_ENERGY_SUM,
                                               AUDIT_VOLTAGE_COUNT, AUDIT_VOLTAGE_SUM,
                                               AUDIT_CURRENT_COUNT, AUDIT_CURRENT_SUM };
    int64_t *c = quarter->column;
    const int64_t *m = minute->column;

    extend(&c[AUDIT_FIRST_TS], &c[AUDIT_LAST_TS], c[AUDIT_COUNT] == 0, m[AUDIT_FIRST_TS],
           m[AUDIT_LAST_TS]);
    c[AUDIT_COUNT] += m[AUDIT_COUNT];
    if (m[AUDIT_POWER_COUNT] > 0)
        extend(&c[AUDIT_POWER_MIN], &c[AUDIT_POWER_MAX], c[AUDIT_POWER_COUNT] == 0,
               m[AUDIT_POWER_MIN], m[AUDIT_POWER_MAX]);
    c[AUDIT_POWER_COUNT] += m[AUDIT_POWER_COUNT];
    c[AUDIT_POWER_SUM] += m[AUDIT_POWER_SUM];
    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++)
        c[added[i]] += m[added[i]];
    c[AUDIT_SLOTS] |= INT64_C(1) << child;
    add_fingerprint(&c[AUDIT_FP0], &m[AUDIT_FP0]);
    c[AUDIT_QUALITY] |= m[AUDIT_QUALITY];
    /* A quarter is partial until its last minute is there. */
    if (c[AUDIT_SLOTS] == (INT64_C(1) << MINUTES_OF_QUARTER) - 1)
        c[AUDIT_QUALITY] &= ~(int64_t)SEGS_QUALITY_PARTIAL;
    else
        c[AUDIT_QUALITY] |= SEGS_QUALITY_PARTIAL;
}

void audit_region_add(struct audit_region *region, const struct audit_sum *row)
{
    int64_t *c = region->column;
    const int64_t *m = row->column;

    c[AUDIT_METER_COUNT]++;
    if (m[AUDIT_POWER_COUNT] > 0) {
        int64_t average = audit_average(m[AUDIT_POWER_SUM], m[AUDIT_POWER_COUNT]);

        extend(&c[AUDIT_LOAD_MIN], &c[AUDIT_LOAD_MAX], c[AUDIT_LOAD_COUNT] == 0, average, average);
        c[AUDIT_LOAD_COUNT]++;
        c[AUDIT_LOAD] += average;
    }
    if (m[AUDIT_ENERGY_COUNT] > 0)
        c[AUDIT_REGION_ENERGY_COUNT]++;
    c[AUDIT_REGION_ENERGY] += m[AUDIT_ENERGY_SUM];
    c[AUDIT_REGION_COUNT] += m[AUDIT_COUNT];
    add_fingerprint(&c[AUDIT_REGION_FP0], &m[AUDIT_FP0]);
    c[AUDIT_REGION_QUALITY] |= m[AUDIT_QUALITY];
}

static bool is_energy_of_some_interval(const struct audit_sum *expected, int64_t found,
                                       int n_intervals)
{
    for (int i = 0; i < n_intervals; i++) {
        if (expected->energy_by[i] == found)
            return true;
    }
    return false;
}

int audit_sum_differs(const struct audit_sum *expected, const struct audit_sum *found, int from,
                      int n_intervals)
{
    for (int i = from; i < AUDIT_N_COLUMNS; i++) {
        if (expected->column[i] == found->column[i])
            continue;
        if (i == AUDIT_ENERGY_SUM &&
            is_energy_of_some_interval(expected, found->column[i], n_intervals))
            continue;
        return i;
    }
    return -1;
}

int audit_region_differs(const struct audit_region *expected, const struct audit_region *found,
                         int from)
{
    for (int i = from; i < AUDIT_N_REGION_COLUMNS; i++) {
        if (expected->column[i] != found->column[i])
            return i;
    }
    return -1;
}
