/* The tables' side of the audit: one pass in the order of the keys, all tables side by side. */
#include "segs/audit_internal.h"

#include <stdlib.h>
#include <string.h>

#include <segs/fixed.h>

#include "runtime/schema/rows.h"
#include "runtime/schema/schema.h"

/* clang-format off */
static const char raw_sql[] =
    "SELECT window_start_ms, partition, meter_key, slot, ts_ms, present, power_micro_kw, energy_micro_kwh,"
    " voltage_milli_v, current_milli_a, status, hash_hi, hash_lo FROM raw_readings"
    " ORDER BY window_start_ms, partition, meter_key, slot";
static const char minutes_sql[] =
    "SELECT " ROW_COLUMNS " FROM aggregates_1m ORDER BY window_start_ms, partition, meter_key";
static const char quarters_sql[] =
    "SELECT " ROW_COLUMNS " FROM aggregates_15m ORDER BY window_start_ms, partition, meter_key";
static const char regions_1m_sql[] =
    "SELECT window_start_ms, region_key, 0, " REGION_COLUMNS ", capacity_micro_kw, load_share_micro"
    " FROM regional_aggregates WHERE width_ms = 60000 ORDER BY window_start_ms, region_key";
static const char regions_15m_sql[] =
    "SELECT window_start_ms, region_key, 0, " REGION_COLUMNS ", capacity_micro_kw, load_share_micro"
    " FROM regional_aggregates WHERE width_ms = 900000 ORDER BY window_start_ms, region_key";
static const char regional_closed_sql[] = "SELECT closed_ms FROM regional_closed WHERE width_ms = $1";
/* clang-format on */

#define FIRST_ROW_COLUMN 4
#define FIRST_REGION_COLUMN 3
#define CAPACITY_COLUMN (FIRST_REGION_COLUMN + REGION_N_COLUMNS)

/* Where a row of three tables and of the log stands. */
struct key {
    int64_t window_start_ms;
    int64_t partition;
    int64_t meter_key;
};

struct cursor {
    struct rt_db_rows *rows;
    struct key key;
    bool has_row;
};

/* One meter's quarter, made of its minutes. */
struct quarter {
    struct audit_sum sum;
    int64_t window_start_ms; /* -1: none yet. */
    int64_t partition;
};

/* The regions' windows of one width. */
struct regions {
    struct cursor cursor;
    struct audit_region *by_key;
    int64_t width_ms;
    int64_t window_start_ms; /* The window that by_key is about; -1: none yet. */
    int64_t closed_ms;
};

struct audit_pass {
    struct audit *audit;
    struct cursor raw;
    struct cursor minutes;
    struct cursor quarters;
    struct regions regions_1m;
    struct regions regions_15m;
    struct quarter *by_meter;
    uint32_t *touched; /* Meters of the current quarter. */
    size_t n_touched;
    size_t next_record;
    int64_t quarter_ms; /* -1: none yet. */
};

static int compare_keys(const struct key *a, const struct key *b)
{
    if (a->window_start_ms != b->window_start_ms)
        return a->window_start_ms < b->window_start_ms ? -1 : 1;
    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    return a->meter_key < b->meter_key ? -1 : a->meter_key > b->meter_key;
}

static bool is_at(const struct cursor *cursor, const struct key *key)
{
    return cursor->has_row && compare_keys(&cursor->key, key) == 0;
}

static int cursor_next(struct cursor *cursor, struct segs_error *reterr)
{
    int r = rt_db_next(cursor->rows, reterr);

    cursor->has_row = r > 0;
    if (r > 0) {
        cursor->key.window_start_ms = rt_db_int(cursor->rows, 0);
        cursor->key.partition = rt_db_int(cursor->rows, 1);
        cursor->key.meter_key = rt_db_int(cursor->rows, 2);
    }
    return r < 0 ? r : 0;
}

static int cursor_open(struct cursor *cursor, struct rt_db_conn *conn, const char *sql,
                       struct segs_error *reterr)
{
    int r = rt_db_query(conn, sql, NULL, 0, &cursor->rows, reterr);

    return r < 0 ? r : cursor_next(cursor, reterr);
}

/* ---- Reporting ---- */

static void report(struct audit_pass *pass, const char *what, const char *field,
                   const struct key *key, int64_t expected, int64_t found)
{
    char meter[64];
    struct audit_difference difference = { .what = what,
                                           .field = field,
                                           .meter = meter,
                                           .window_start_ms = key->window_start_ms,
                                           .expected = expected,
                                           .found = found,
                                           .offset = -1,
                                           .partition = (int32_t)key->partition };

    audit_meter_name(pass->audit, key->meter_key, meter, sizeof meter);
    audit_difference(pass->audit, &difference);
}

static void report_region(struct audit_pass *pass, const char *field, int64_t window_start_ms,
                          int64_t region_key, int64_t expected, int64_t found)
{
    char region[64];
    struct audit_difference difference = { .what = "regional_aggregates",
                                           .field = field,
                                           .meter = region,
                                           .window_start_ms = window_start_ms,
                                           .expected = expected,
                                           .found = found,
                                           .offset = -1,
                                           .partition = -1 };

    audit_region_name(pass->audit, region_key, region, sizeof region);
    audit_difference(pass->audit, &difference);
}

static void report_columns(struct audit_pass *pass, const char *what, const struct key *key,
                           const struct audit_sum *expected, const struct audit_sum *found,
                           int n_intervals)
{
    int i = -1;

    while ((i = audit_sum_differs(expected, found, i + 1, n_intervals)) >= 0)
        report(pass, what, audit_column_names[i], key, expected->column[i], found->column[i]);
}

/* ---- Regions ---- */

static void regions_add(struct audit_pass *pass, struct regions *regions, int64_t region_key,
                        const struct audit_sum *row)
{
    if (region_key >= 0 && region_key <= pass->audit->max_region_key)
        audit_region_add(&regions->by_key[region_key], row);
}

static void check_share(struct audit_pass *pass, const struct regions *regions,
                        const struct audit_region *found)
{
    const struct rt_db_rows *rows = regions->cursor.rows;
    int64_t capacity = rt_db_int(rows, CAPACITY_COLUMN);
    int64_t share = -1;

    if (found->column[AUDIT_LOAD_COUNT] > 0 && capacity > 0)
        (void)segs_mul_div(found->column[AUDIT_LOAD], 1000000, capacity, SEGS_ROUND_HALF_EVEN,
                           &share);
    else if (rt_db_is_null(rows, CAPACITY_COLUMN + 1))
        return;
    if (rt_db_is_null(rows, CAPACITY_COLUMN + 1) || rt_db_int(rows, CAPACITY_COLUMN + 1) != share)
        report_region(pass, "load_share_micro", regions->cursor.key.window_start_ms,
                      regions->cursor.key.partition, share, rt_db_int(rows, CAPACITY_COLUMN + 1));
}

/* The row the cursor stands at, against what its meters' rows give. */
static void compare_region(struct audit_pass *pass, struct regions *regions,
                           const struct audit_region *expected)
{
    struct audit_region found;
    const struct key *key = &regions->cursor.key;
    int i = -1;

    for (int c = 0; c < AUDIT_N_REGION_COLUMNS; c++)
        found.column[c] = rt_db_int(regions->cursor.rows, FIRST_REGION_COLUMN + c);
    while ((i = audit_region_differs(expected, &found, i + 1)) >= 0)
        report_region(pass, audit_region_column_names[i], key->window_start_ms, key->partition,
                      expected->column[i], found.column[i]);
    check_share(pass, regions, &found);
    if (key->window_start_ms + regions->width_ms > regions->closed_ms)
        report_region(pass, "row", key->window_start_ms, key->partition, 0, 1);
    pass->audit->result->n_regional++;
}

/* Compare the regions' rows before `until_ms`; those of the current window have meters, earlier ones have none. */
static int regions_flush(struct audit_pass *pass, struct regions *regions, int64_t until_ms,
                         struct segs_error *reterr)
{
    static const struct audit_region nothing;
    struct audit *audit = pass->audit;
    int64_t current_ms = regions->window_start_ms;
    int r = 0;

    while (r == 0 && regions->cursor.has_row && regions->cursor.key.window_start_ms < until_ms) {
        const struct key *key = &regions->cursor.key;
        bool is_current = key->window_start_ms == current_ms && key->partition >= 0 &&
                          key->partition <= audit->max_region_key;
        struct audit_region *sum = is_current ? &regions->by_key[key->partition] : NULL;

        compare_region(pass, regions, sum ? sum : &nothing);
        if (sum)
            memset(sum, 0, sizeof *sum);
        r = cursor_next(&regions->cursor, reterr);
    }
    /* Whoever is left has no row. */
    for (int64_t i = 0; r == 0 && current_ms >= 0 && i <= audit->max_region_key; i++) {
        if (regions->by_key[i].column[AUDIT_METER_COUNT] > 0 &&
            current_ms + regions->width_ms <= regions->closed_ms)
            report_region(pass, "row", current_ms, i, 1, 0);
        memset(&regions->by_key[i], 0, sizeof regions->by_key[i]);
    }
    return r;
}

static int regions_open(struct audit_pass *pass, struct regions *regions, int64_t width_ms,
                        const char *sql, struct segs_error *reterr)
{
    struct rt_db_value width = RT_DB_I(width_ms);
    int r;

    regions->width_ms = width_ms;
    regions->window_start_ms = -1;
    regions->closed_ms = INT64_MIN;
    regions->by_key = calloc((size_t)pass->audit->max_region_key + 1, sizeof *regions->by_key);
    if (!regions->by_key)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the sums of regions");
    r = rt_db_query_int(pass->audit->conn, regional_closed_sql, &width, 1, &regions->closed_ms,
                        reterr);
    if (r < 0 && r != SEGS_ENOTFOUND)
        return r;
    return cursor_open(&regions->cursor, pass->audit->conn, sql, reterr);
}

/* ---- Quarters ---- */

static bool is_quarter_closed(const struct audit_pass *pass, int64_t window_start_ms,
                              int64_t partition)
{
    return partition >= 0 && partition < pass->audit->n_partitions &&
           window_start_ms + RT_QUARTER_MS <= pass->audit->partitions[partition].closed_15m_ms;
}

/* The row the cursor stands at. */
static void compare_quarter(struct audit_pass *pass)
{
    const struct key *key = &pass->quarters.key;
    bool is_meter = key->meter_key >= 0 && key->meter_key <= pass->audit->max_meter_key;
    struct quarter *quarter = is_meter ? &pass->by_meter[key->meter_key] : NULL;
    struct audit_sum found = { { 0 }, { 0 } };

    pass->audit->result->n_quarters++;
    for (int c = 0; c < AUDIT_N_COLUMNS; c++)
        found.column[c] = rt_db_int(pass->quarters.rows, FIRST_ROW_COLUMN + c);
    if (!quarter || quarter->window_start_ms != key->window_start_ms ||
        quarter->partition != key->partition ||
        !is_quarter_closed(pass, key->window_start_ms, key->partition))
        report(pass, "aggregates_15m", "row", key, 0, 1);
    else
        report_columns(pass, "aggregates_15m", key, &quarter->sum, &found, 0);
    if (quarter)
        quarter->window_start_ms = -1;
    regions_add(pass, &pass->regions_15m, rt_db_int(pass->quarters.rows, 3), &found);
}

static int quarters_until(struct audit_pass *pass, int64_t until_ms, struct segs_error *reterr)
{
    int r = 0;

    while (r == 0 && pass->quarters.has_row && pass->quarters.key.window_start_ms < until_ms) {
        int64_t window_ms = pass->quarters.key.window_start_ms;

        if (window_ms != pass->regions_15m.window_start_ms) {
            r = regions_flush(pass, &pass->regions_15m, window_ms, reterr);
            pass->regions_15m.window_start_ms = window_ms;
        }
        compare_quarter(pass);
        if (r == 0)
            r = cursor_next(&pass->quarters, reterr);
    }
    return r;
}

/* The current quarter is complete. */
static int flush_quarter(struct audit_pass *pass, struct segs_error *reterr)
{
    int r;

    if (pass->quarter_ms < 0)
        return 0;
    r = quarters_until(pass, pass->quarter_ms + RT_QUARTER_MS, reterr);
    for (size_t i = 0; r == 0 && i < pass->n_touched; i++) {
        struct quarter *quarter = &pass->by_meter[pass->touched[i]];
        struct key key = { quarter->window_start_ms, quarter->partition, pass->touched[i] };

        if (quarter->window_start_ms >= 0 &&
            is_quarter_closed(pass, key.window_start_ms, key.partition))
            report(pass, "aggregates_15m", "row", &key, 1, 0);
        quarter->window_start_ms = -1;
    }
    pass->n_touched = 0;
    return r;
}

static void add_to_quarter(struct audit_pass *pass, const struct key *key,
                           const struct audit_sum *minute)
{
    struct quarter *quarter;
    int child = (int)(key->window_start_ms % RT_QUARTER_MS / RT_MINUTE_MS);

    if (key->meter_key < 0 || key->meter_key > pass->audit->max_meter_key)
        return;
    quarter = &pass->by_meter[key->meter_key];
    if (quarter->window_start_ms < 0) {
        memset(quarter, 0, sizeof *quarter);
        quarter->window_start_ms = pass->quarter_ms;
        quarter->partition = key->partition;
        pass->touched[pass->n_touched++] = (uint32_t)key->meter_key;
    }
    audit_sum_add_minute(&quarter->sum, minute, child);
}

/* ---- Minutes ---- */

static struct key record_key(const struct audit_record *record)
{
    return (struct key){ .window_start_ms = audit_floor(record->ts_ms, RT_MINUTE_MS),
                         .partition = record->partition,
                         .meter_key = record->meter_key };
}

/* The smallest key of log, readings and rows before `until_ms`; false when there is none. */
static bool next_key(const struct audit_pass *pass, int64_t until_ms, struct key *ret)
{
    const struct cursor *cursors[2] = { &pass->raw, &pass->minutes };
    bool found = false;

    if (pass->next_record < pass->audit->n_records) {
        *ret = record_key(&pass->audit->records[pass->next_record]);
        found = true;
    }
    for (int i = 0; i < 2; i++) {
        if (cursors[i]->has_row && (!found || compare_keys(&cursors[i]->key, ret) < 0)) {
            *ret = cursors[i]->key;
            found = true;
        }
    }
    return found && ret->window_start_ms < until_ms;
}

static struct segs_fingerprint hash_from_sql(int64_t hi, int64_t lo)
{
    uint64_t h = (uint64_t)hi;
    uint64_t l = (uint64_t)lo;

    return (struct segs_fingerprint){ .lane = { (uint32_t)(h >> 32), (uint32_t)h,
                                                (uint32_t)(l >> 32), (uint32_t)l } };
}

static struct audit_record raw_record(const struct rt_db_rows *rows)
{
    struct audit_record record = { .ts_ms = rt_db_int(rows, 4),
                                   .offset = -1,
                                   .power_micro_kw = rt_db_int(rows, 6),
                                   .energy_micro_kwh = rt_db_int(rows, 7),
                                   .voltage_milli_v = (int32_t)rt_db_int(rows, 8),
                                   .current_milli_a = (int32_t)rt_db_int(rows, 9),
                                   .present = (uint8_t)(rt_db_int(rows, 5) & 0xff),
                                   .status = (uint8_t)rt_db_int(rows, 10) };

    record.hash = hash_from_sql(rt_db_int(rows, 11), rt_db_int(rows, 12));
    return record;
}

static void report_reading(struct audit_pass *pass, const char *field, const struct key *key,
                           const struct audit_record *record, int64_t expected, int64_t found)
{
    char meter[64];
    struct audit_difference difference = { .what = "raw_readings",
                                           .field = field,
                                           .meter = meter,
                                           .window_start_ms = key->window_start_ms,
                                           .expected = expected,
                                           .found = found,
                                           .offset = record->offset,
                                           .partition = (int32_t)key->partition };

    audit_meter_name(pass->audit, key->meter_key, meter, sizeof meter);
    audit_difference(pass->audit, &difference);
}

/* The row's readings in the log, one a slot: the first one counts, equal ones are duplicates, others should be in quarantine. */
struct slots {
    const struct audit_record *record[60]; /* NULL: none. */
};

static bool take_from_log(struct audit_pass *pass, const struct key *key, struct slots *slots,
                          struct audit_sum *sum)
{
    const struct audit *audit = pass->audit;
    bool found = false;

    memset(slots, 0, sizeof *slots);
    memset(sum, 0, sizeof *sum);
    for (; pass->next_record < audit->n_records; pass->next_record++) {
        const struct audit_record *record = &audit->records[pass->next_record];
        struct key at = record_key(record);
        int64_t slot = (record->ts_ms - key->window_start_ms) / RT_SLOT_MS;

        if (compare_keys(&at, key) != 0)
            break;
        found = true;
        if (!slots->record[slot]) {
            slots->record[slot] = record;
            audit_sum_add(sum, record, audit->options->intervals_ms, audit->options->n_intervals);
        } else if (segs_fingerprint_is_equal(&slots->record[slot]->hash, &record->hash)) {
            audit->partitions[record->partition].found_duplicates++;
        } else {
            report_reading(pass, "conflict that is not in quarantine", key, record, 0, 1);
        }
    }
    return found;
}

static void compare_reading(struct audit_pass *pass, const struct key *key,
                            const struct audit_record *log, const struct audit_record *raw)
{
    if (log->ts_ms != raw->ts_ms)
        report_reading(pass, "ts_ms", key, log, log->ts_ms, raw->ts_ms);
    if (log->present != raw->present)
        report_reading(pass, "present", key, log, log->present, raw->present);
    if (log->power_micro_kw != raw->power_micro_kw)
        report_reading(pass, "power_micro_kw", key, log, log->power_micro_kw, raw->power_micro_kw);
    if (log->energy_micro_kwh != raw->energy_micro_kwh)
        report_reading(pass, "energy_micro_kwh", key, log, log->energy_micro_kwh,
                       raw->energy_micro_kwh);
    if (log->voltage_milli_v != raw->voltage_milli_v)
        report_reading(pass, "voltage_milli_v", key, log, log->voltage_milli_v,
                       raw->voltage_milli_v);
    if (log->current_milli_a != raw->current_milli_a)
        report_reading(pass, "current_milli_a", key, log, log->current_milli_a,
                       raw->current_milli_a);
    if (!segs_fingerprint_is_equal(&log->hash, &raw->hash))
        report_reading(pass, "hash", key, log, log->hash.lane[0], raw->hash.lane[0]);
}

/* The row's stored readings; those of the log that were met are taken out of `slots`. */
static int take_from_raw(struct audit_pass *pass, const struct key *key, bool is_covered,
                         struct slots *slots, struct audit_sum *sum, struct segs_error *reterr)
{
    struct audit *audit = pass->audit;
    int r = 0;

    memset(sum, 0, sizeof *sum);
    while (r == 0 && is_at(&pass->raw, key)) {
        struct audit_record record = raw_record(pass->raw.rows);
        int64_t slot = rt_db_int(pass->raw.rows, 3);

        audit->result->n_readings++;
        audit->partitions[key->partition].found_counted++;
        audit_sum_add(sum, &record, audit->options->intervals_ms, audit->options->n_intervals);
        if (is_covered && (slot < 0 || slot >= 60 || !slots->record[slot])) {
            report_reading(pass, "row", key, &record, 0, 1);
        } else if (is_covered) {
            compare_reading(pass, key, slots->record[slot], &record);
            slots->record[slot] = NULL;
        }
        r = cursor_next(&pass->raw, reterr);
    }
    for (size_t i = 0; r == 0 && i < 60; i++) {
        if (slots->record[i])
            report_reading(pass, "row", key, slots->record[i], 1, 0);
    }
    return r;
}

/* The stored row against log and readings; one side's differences are enough to tell. */
static void compare_minute(struct audit_pass *pass, const struct key *key, bool is_covered,
                           const struct audit_sum *log, const struct audit_sum *raw,
                           const struct audit_sum *found)
{
    int n_intervals = pass->audit->options->n_intervals;

    if (is_covered && audit_sum_differs(log, found, 0, n_intervals) >= 0)
        report_columns(pass, "aggregates_1m", key, log, found, n_intervals);
    else if (audit_sum_differs(raw, found, 0, n_intervals) >= 0)
        report_columns(pass, "aggregates_1m", key, raw, found, n_intervals);
}

static int take_minute(struct audit_pass *pass, const struct key *key, bool is_covered,
                       const struct audit_sum *log, const struct audit_sum *raw,
                       struct segs_error *reterr)
{
    struct audit_sum found = { { 0 }, { 0 } };
    bool has_readings = log->column[AUDIT_COUNT] > 0 || raw->column[AUDIT_COUNT] > 0;

    if (!is_at(&pass->minutes, key)) {
        if (has_readings)
            report(pass, "aggregates_1m", "row", key, 1, 0);
        return 0;
    }
    for (int c = 0; c < AUDIT_N_COLUMNS; c++)
        found.column[c] = rt_db_int(pass->minutes.rows, FIRST_ROW_COLUMN + c);
    if (has_readings)
        compare_minute(pass, key, is_covered, log, raw, &found);
    else
        report(pass, "aggregates_1m", "row", key, 0, 1);
    pass->audit->result->n_rows++;
    pass->audit->result->n_left_out += !is_covered;
    pass->audit->result->energy_micro_kwh += found.column[AUDIT_ENERGY_SUM];
    regions_add(pass, &pass->regions_1m, rt_db_int(pass->minutes.rows, 3), &found);
    add_to_quarter(pass, key, &found);
    return cursor_next(&pass->minutes, reterr);
}

/* Finish what ends before the window at `window_ms`. */
static int enter_window(struct audit_pass *pass, int64_t window_ms, struct segs_error *reterr)
{
    int64_t quarter_ms = audit_floor(window_ms, RT_QUARTER_MS);
    int r = 0;

    if (window_ms != pass->regions_1m.window_start_ms) {
        r = regions_flush(pass, &pass->regions_1m, window_ms, reterr);
        pass->regions_1m.window_start_ms = window_ms;
    }
    if (r == 0 && quarter_ms != pass->quarter_ms) {
        r = flush_quarter(pass, reterr);
        pass->quarter_ms = quarter_ms;
        if (r == 0)
            r = quarters_until(pass, quarter_ms, reterr);
    }
    return r;
}

static int take_key(struct audit_pass *pass, const struct key *key, struct segs_error *reterr)
{
    struct audit *audit = pass->audit;
    struct slots slots;
    struct audit_sum log;
    struct audit_sum raw;
    bool is_covered;
    int r;

    if (key->partition < 0 || key->partition >= audit->n_partitions)
        return rt_fail(reterr, SEGS_ECONFLICT, "partition",
                       "a row of partition %lld, but the log has %d partitions",
                       (long long)key->partition, audit->n_partitions);
    is_covered = key->window_start_ms >= audit->partitions[key->partition].covered_from_ms;
    r = enter_window(pass, key->window_start_ms, reterr);
    (void)take_from_log(pass, key, &slots, &log);
    if (r == 0)
        r = take_from_raw(pass, key, is_covered, &slots, &raw, reterr);
    return r < 0 ? r : take_minute(pass, key, is_covered, &log, &raw, reterr);
}

/* ---- The pass ---- */

int audit_pass_new(struct audit *audit, struct audit_pass **ret, struct segs_error *reterr)
{
    struct audit_pass *pass = calloc(1, sizeof *pass);
    size_t n_meters = (size_t)audit->max_meter_key + 1;
    int r = 0;

    if (!pass)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the audit");
    pass->audit = audit;
    pass->quarter_ms = -1;
    pass->by_meter = calloc(n_meters, sizeof *pass->by_meter);
    pass->touched = calloc(n_meters, sizeof *pass->touched);
    if (!pass->by_meter || !pass->touched)
        r = rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the quarters of %zu meters",
                    n_meters);
    for (size_t i = 0; r == 0 && i < n_meters; i++)
        pass->by_meter[i].window_start_ms = -1;
    if (r == 0)
        r = cursor_open(&pass->raw, audit->conn, raw_sql, reterr);
    if (r == 0)
        r = cursor_open(&pass->minutes, audit->conn, minutes_sql, reterr);
    if (r == 0)
        r = cursor_open(&pass->quarters, audit->conn, quarters_sql, reterr);
    if (r == 0)
        r = regions_open(pass, &pass->regions_1m, RT_MINUTE_MS, regions_1m_sql, reterr);
    if (r == 0)
        r = regions_open(pass, &pass->regions_15m, RT_QUARTER_MS, regions_15m_sql, reterr);
    if (r < 0) {
        audit_pass_free(pass);
        return r;
    }
    *ret = pass;
    return 0;
}

void audit_pass_free(struct audit_pass *pass)
{
    if (!pass)
        return;
    rt_db_rows_free(pass->raw.rows);
    rt_db_rows_free(pass->minutes.rows);
    rt_db_rows_free(pass->quarters.rows);
    rt_db_rows_free(pass->regions_1m.cursor.rows);
    rt_db_rows_free(pass->regions_15m.cursor.rows);
    free(pass->regions_1m.by_key);
    free(pass->regions_15m.by_key);
    free(pass->by_meter);
    free(pass->touched);
    free(pass);
}

int audit_pass_slice(struct audit_pass *pass, struct segs_error *reterr)
{
    struct key key;
    int r = 0;

    pass->next_record = 0;
    while (r == 0 && next_key(pass, pass->audit->until_ms, &key))
        r = take_key(pass, &key, reterr);
    return r;
}

int audit_pass_end(struct audit_pass *pass, struct segs_error *reterr)
{
    int r = regions_flush(pass, &pass->regions_1m, INT64_MAX, reterr);

    if (r == 0)
        r = flush_quarter(pass, reterr);
    if (r == 0)
        r = quarters_until(pass, INT64_MAX, reterr);
    if (r == 0)
        r = regions_flush(pass, &pass->regions_15m, INT64_MAX, reterr);
    return r;
}
