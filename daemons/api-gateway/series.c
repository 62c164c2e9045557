#include "api-gateway/series.h"

#include "runtime/json.h"
#include "runtime/schema/rows.h"
#include "runtime/schema/schema.h"

#define CHUNK_WINDOWS 2000
#define AHEAD_MS INT64_C(600000) /* Clocks of meters may run ahead. */
#define DAY_MS INT64_C(86400000)

/* $1 first window, $2 end, $3 partition, $4 meter: each window start is one seek of the primary key. CROSS JOIN keeps
 * SQLite from turning the join around. */
#define WINDOWS(width_)                                                                            \
    "WITH RECURSIVE w(t) AS (SELECT $1 UNION ALL SELECT t + " #width_ " FROM w WHERE t + " #width_ \
    " < $2)"
#define SEEK(table_)                                                                               \
    " FROM w CROSS JOIN " #table_ " a ON a.window_start_ms = w.t AND a.partition = $3"             \
    " AND a.meter_key = $4"

#define RAW_COLUMNS                                                                                \
    "ts_ms, power_micro_kw, energy_micro_kwh, register_micro_kwh, voltage_milli_v,"                \
    " current_milli_a, power_factor_micro, frequency_milli_hz, temperature_milli_degc, seq,"       \
    " status, reading_id, window_start_ms + slot * 1000"
#define RAW_AT 12

static const char minutes_sql[] =
    WINDOWS(60000) " SELECT " ROW_COLUMNS
                   ", revision" SEEK(aggregates_1m) " ORDER BY a.window_start_ms";
static const char quarters_sql[] =
    WINDOWS(900000) " SELECT " ROW_COLUMNS
                    ", revision" SEEK(aggregates_15m) " ORDER BY a.window_start_ms";
static const char raw_sql[] = WINDOWS(60000) " SELECT " RAW_COLUMNS SEEK(
    raw_readings) " AND a.window_start_ms + a.slot * 1000 >= $5"
                  " AND a.window_start_ms + a.slot * 1000 < $6"
                  " ORDER BY a.window_start_ms, a.slot";
static const char latest_sql[] = WINDOWS(60000) " SELECT " RAW_COLUMNS SEEK(
    raw_readings) " ORDER BY a.window_start_ms DESC, a.slot DESC LIMIT 1";

int64_t series_floor(int64_t ts_ms, int64_t width_ms)
{
    return ts_ms - (ts_ms % width_ms + width_ms) % width_ms;
}

static void range_params(const struct meter *meter, int64_t from_ms, int64_t to_ms,
                         struct rt_db_value params[4])
{
    params[0] = RT_DB_I(from_ms);
    params[1] = RT_DB_I(to_ms);
    params[2] = RT_DB_I(meter->partition);
    params[3] = RT_DB_I(meter->key);
}

/* The first multiple of width_ms at or after ts_ms. */
static int64_t ceiling(int64_t ts_ms, int64_t width_ms)
{
    return series_floor(ts_ms + width_ms - 1, width_ms);
}

static int visit_minutes(struct rt_db_rows *rows, series_minute_fn *fn, void *user,
                         struct segs_error *reterr)
{
    struct segs_window_row row;
    struct row_key key;
    int r;

    while ((r = rt_db_next(rows, reterr)) > 0) {
        row_from_rows(rows, &key, &row);
        r = fn(&row, user);
        if (r != 0)
            return r;
    }
    return r;
}

int series_minutes(struct rt_db_conn *conn, const struct meter *meter, int64_t from_ms,
                   int64_t to_ms, series_minute_fn *fn, void *user, struct segs_error *reterr)
{
    int64_t at_ms = ceiling(from_ms, RT_MINUTE_MS);
    int r = 0;

    for (; r == 0 && at_ms < to_ms; at_ms += CHUNK_WINDOWS * RT_MINUTE_MS) {
        int64_t end_ms = at_ms + CHUNK_WINDOWS * RT_MINUTE_MS;
        struct rt_db_value params[4];
        struct rt_db_rows *rows = NULL;

        range_params(meter, at_ms, end_ms < to_ms ? end_ms : to_ms, params);
        r = rt_db_query(conn, minutes_sql, params, 4, &rows, reterr);
        if (r == 0)
            r = visit_minutes(rows, fn, user, reterr);
        rt_db_rows_free(rows);
    }
    return r < 0 ? r : 0;
}

static int visit_quarters(struct rt_db_rows *rows, series_quarter_fn *fn, void *user,
                          struct segs_error *reterr)
{
    struct segs_rollup_row row;
    struct row_key key;
    int r;

    while ((r = rt_db_next(rows, reterr)) > 0) {
        rollup_from_rows(rows, &key, &row);
        r = fn(&row, user);
        if (r != 0)
            return r;
    }
    return r;
}

int series_quarters(struct rt_db_conn *conn, const struct meter *meter, int64_t from_ms,
                    int64_t to_ms, series_quarter_fn *fn, void *user, struct segs_error *reterr)
{
    int64_t at_ms = ceiling(from_ms, RT_QUARTER_MS);
    int r = 0;

    for (; r == 0 && at_ms < to_ms; at_ms += CHUNK_WINDOWS * RT_QUARTER_MS) {
        int64_t end_ms = at_ms + CHUNK_WINDOWS * RT_QUARTER_MS;
        struct rt_db_value params[4];
        struct rt_db_rows *rows = NULL;

        range_params(meter, at_ms, end_ms < to_ms ? end_ms : to_ms, params);
        r = rt_db_query(conn, quarters_sql, params, 4, &rows, reterr);
        if (r == 0)
            r = visit_quarters(rows, fn, user, reterr);
        rt_db_rows_free(rows);
    }
    return r < 0 ? r : 0;
}

static int visit_raw(struct rt_db_rows *rows, series_raw_fn *fn, void *user,
                     struct segs_error *reterr)
{
    int r;

    while ((r = rt_db_next(rows, reterr)) > 0) {
        r = fn(rows, rt_db_int(rows, RAW_AT), user);
        if (r != 0)
            return r;
    }
    return r;
}

int series_raw(struct rt_db_conn *conn, const struct meter *meter, int64_t from_ms, int64_t to_ms,
               series_raw_fn *fn, void *user, struct segs_error *reterr)
{
    int64_t at_ms = series_floor(from_ms, RT_MINUTE_MS);
    int r = 0;

    for (; r == 0 && at_ms < to_ms; at_ms += CHUNK_WINDOWS * RT_MINUTE_MS) {
        int64_t end_ms = at_ms + CHUNK_WINDOWS * RT_MINUTE_MS;
        struct rt_db_value params[6];
        struct rt_db_rows *rows = NULL;

        range_params(meter, at_ms, end_ms < to_ms ? end_ms : to_ms, params);
        params[4] = RT_DB_I(from_ms);
        params[5] = RT_DB_I(to_ms);
        r = rt_db_query(conn, raw_sql, params, 6, &rows, reterr);
        if (r == 0)
            r = visit_raw(rows, fn, user, reterr);
        rt_db_rows_free(rows);
    }
    return r < 0 ? r : 0;
}

/* ---- Newest reading ---- */

static int put_latest_in(struct rt_json_out *out, const char *name, struct rt_db_conn *conn,
                         const struct meter *meter, int64_t from_ms, int64_t to_ms,
                         struct segs_error *reterr)
{
    struct rt_db_value params[4];
    struct rt_db_rows *rows = NULL;
    int r;

    range_params(meter, series_floor(from_ms, RT_MINUTE_MS), to_ms, params);
    r = rt_db_query(conn, latest_sql, params, 4, &rows, reterr);
    if (r == 0)
        r = rt_db_next(rows, reterr);
    if (r > 0) {
        rt_json_object(out, name);
        series_put_raw(out, rows);
        rt_json_end_object(out);
    }
    rt_db_rows_free(rows);
    return r;
}

static int keep_last(const struct segs_rollup_row *row, void *user)
{
    int64_t *last_ms = user;

    *last_ms = row->last_ts_ms;
    return 0;
}

int series_put_latest(struct rt_json_out *out, const char *name, struct rt_db_conn *conn,
                      const struct meter *meter, int64_t now_ms, struct segs_error *reterr)
{
    int64_t last_ms = -1;
    int r = put_latest_in(out, name, conn, meter, now_ms - 2 * RT_QUARTER_MS, now_ms + AHEAD_MS,
                          reterr);

    if (r == 0)
        r = put_latest_in(out, name, conn, meter, now_ms - DAY_MS, now_ms, reterr);
    if (r == 0) {
        r = series_quarters(conn, meter, now_ms - 31 * DAY_MS, now_ms, keep_last, &last_ms, reterr);
        if (r == 0 && last_ms >= 0)
            r = put_latest_in(out, name, conn, meter, last_ms, last_ms + 1, reterr);
    }
    if (r == 0)
        rt_json_put_null(out, name);
    return r < 0 ? r : 0;
}

static void put_column(struct rt_json_out *out, const char *name, const struct rt_db_rows *rows,
                       int column, unsigned scale_digits)
{
    if (rt_db_is_null(rows, column))
        rt_json_put_null(out, name);
    else
        rt_json_put_fixed(out, name, rt_db_int(rows, column), scale_digits);
}

void series_put_raw(struct rt_json_out *out, const struct rt_db_rows *rows)
{
    rt_json_put_time(out, "timestamp", rt_db_int(rows, 0));
    put_column(out, "power_kw", rows, 1, 6);
    put_column(out, "energy_kwh", rows, 2, 6);
    put_column(out, "register_kwh", rows, 3, 6);
    put_column(out, "voltage", rows, 4, 3);
    put_column(out, "current", rows, 5, 3);
    put_column(out, "power_factor", rows, 6, 6);
    put_column(out, "frequency", rows, 7, 3);
    put_column(out, "temperature", rows, 8, 3);
    put_column(out, "seq", rows, 9, 0);
    rt_json_put_string(out, "status", rt_db_int(rows, 10) == SEGS_STATUS_ERROR ? "ERROR" : "OK");
    rt_json_put_string(out, "reading_id", rt_db_str(rows, 11, NULL));
}
