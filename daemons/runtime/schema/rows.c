#include "runtime/schema/rows.h"

#include <string.h>

static struct rt_db_value integer(int64_t value)
{
    return RT_DB_I(value);
}

/* SQL has no unsigned 64-bit integers: the bits travel as the signed number with the same pattern. */
static int64_t bits_to_sql(uint64_t bits)
{
    int64_t value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t bits_from_sql(int64_t value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void key_to_params(const struct row_key *key, struct rt_db_value *params)
{
    params[0] = integer(key->window_start_ms);
    params[1] = integer(key->partition);
    params[2] = integer(key->meter_key);
    params[3] = integer(key->region_key);
}

static void fingerprint_to_params(const struct segs_fingerprint *fp, struct rt_db_value *params)
{
    for (int i = 0; i < 4; i++)
        params[i] = integer(fp->lane[i]);
}

static void fingerprint_from_rows(const struct rt_db_rows *rows, int first,
                                  struct segs_fingerprint *fp)
{
    for (int i = 0; i < 4; i++)
        fp->lane[i] = (uint32_t)rt_db_int(rows, first + i);
}

/* The two kinds of row have the same values under the same names, in structs of their own. */
#define VALUES_TO_PARAMS(row_, bits_, params_)                                                     \
    do {                                                                                           \
        (params_)[4] = integer((row_)->count);                                                     \
        (params_)[5] = integer((row_)->power_count);                                               \
        (params_)[6] = integer((row_)->power_sum_micro_kw);                                        \
        (params_)[7] = integer((row_)->power_min_micro_kw);                                        \
        (params_)[8] = integer((row_)->power_max_micro_kw);                                        \
        (params_)[9] = integer((row_)->energy_count);                                              \
        (params_)[10] = integer((row_)->energy_sum_micro_kwh);                                     \
        (params_)[11] = integer((row_)->voltage_count);                                            \
        (params_)[12] = integer((row_)->voltage_sum_milli_v);                                      \
        (params_)[13] = integer((row_)->current_count);                                            \
        (params_)[14] = integer((row_)->current_sum_milli_a);                                      \
        (params_)[15] = integer((row_)->first_ts_ms);                                              \
        (params_)[16] = integer((row_)->last_ts_ms);                                               \
        (params_)[17] = integer(bits_to_sql(bits_));                                               \
        fingerprint_to_params(&(row_)->fingerprint, (params_) + 18);                               \
        (params_)[22] = integer((row_)->quality & ~SEGS_QUALITY_LATE);                             \
    } while (0)

#define VALUES_FROM_ROWS(rows_, row_)                                                              \
    do {                                                                                           \
        (row_)->window_start_ms = rt_db_int((rows_), 0);                                           \
        (row_)->meter_slot = (uint32_t)rt_db_int((rows_), 2);                                      \
        (row_)->count = (uint32_t)rt_db_int((rows_), 4);                                           \
        (row_)->power_count = (uint32_t)rt_db_int((rows_), 5);                                     \
        (row_)->power_sum_micro_kw = rt_db_int((rows_), 6);                                        \
        (row_)->power_min_micro_kw = rt_db_int((rows_), 7);                                        \
        (row_)->power_max_micro_kw = rt_db_int((rows_), 8);                                        \
        (row_)->energy_count = (uint32_t)rt_db_int((rows_), 9);                                    \
        (row_)->energy_sum_micro_kwh = rt_db_int((rows_), 10);                                     \
        (row_)->voltage_count = (uint32_t)rt_db_int((rows_), 11);                                  \
        (row_)->voltage_sum_milli_v = rt_db_int((rows_), 12);                                      \
        (row_)->current_count = (uint32_t)rt_db_int((rows_), 13);                                  \
        (row_)->current_sum_milli_a = rt_db_int((rows_), 14);                                      \
        (row_)->first_ts_ms = rt_db_int((rows_), 15);                                              \
        (row_)->last_ts_ms = rt_db_int((rows_), 16);                                               \
        fingerprint_from_rows((rows_), 18, &(row_)->fingerprint);                                  \
        (row_)->quality = (uint32_t)rt_db_int((rows_), 22);                                        \
        (row_)->revision = (uint32_t)rt_db_int((rows_), 23);                                       \
    } while (0)

static void key_from_rows(const struct rt_db_rows *rows, struct row_key *key)
{
    memset(key, 0, sizeof *key);
    key->window_start_ms = rt_db_int(rows, 0);
    key->partition = (int32_t)rt_db_int(rows, 1);
    key->meter_key = rt_db_int(rows, 2);
    key->region_key = rt_db_int(rows, 3);
}

void row_to_params(const struct row_key *key, const struct segs_window_row *row,
                   struct rt_db_value *params)
{
    key_to_params(key, params);
    VALUES_TO_PARAMS(row, row->slots[0], params);
}

void rollup_to_params(const struct row_key *key, const struct segs_rollup_row *row,
                      struct rt_db_value *params)
{
    key_to_params(key, params);
    VALUES_TO_PARAMS(row, row->children, params);
}

void row_from_rows(const struct rt_db_rows *rows, struct row_key *key, struct segs_window_row *row)
{
    key_from_rows(rows, key);
    memset(row, 0, sizeof *row);
    VALUES_FROM_ROWS(rows, row);
    row->slots[0] = bits_from_sql(rt_db_int(rows, 17));
}

void rollup_from_rows(const struct rt_db_rows *rows, struct row_key *key,
                      struct segs_rollup_row *row)
{
    key_from_rows(rows, key);
    memset(row, 0, sizeof *row);
    VALUES_FROM_ROWS(rows, row);
    row->children = bits_from_sql(rt_db_int(rows, 17));
}

void region_to_params(const struct segs_region_row *region, struct rt_db_value *params)
{
    params[0] = integer(region->meter_count);
    params[1] = integer(region->load_count);
    params[2] = integer(region->energy_count);
    params[3] = integer(region->count);
    params[4] = integer(region->load_micro_kw);
    params[5] = integer(region->load_min_micro_kw);
    params[6] = integer(region->load_max_micro_kw);
    params[7] = integer(region->energy_micro_kwh);
    fingerprint_to_params(&region->fingerprint, params + 8);
    params[12] = integer(region->quality & ~SEGS_QUALITY_LATE);
}

void region_from_rows(const struct rt_db_rows *rows, int first, struct segs_region_row *region)
{
    memset(region, 0, sizeof *region);
    region->meter_count = (uint32_t)rt_db_int(rows, first);
    region->load_count = (uint32_t)rt_db_int(rows, first + 1);
    region->energy_count = (uint32_t)rt_db_int(rows, first + 2);
    region->count = rt_db_int(rows, first + 3);
    region->load_micro_kw = rt_db_int(rows, first + 4);
    region->load_min_micro_kw = rt_db_int(rows, first + 5);
    region->load_max_micro_kw = rt_db_int(rows, first + 6);
    region->energy_micro_kwh = rt_db_int(rows, first + 7);
    fingerprint_from_rows(rows, first + 8, &region->fingerprint);
    region->quality = (uint32_t)rt_db_int(rows, first + 12);
}
