/* A meter's past, page by page: user/history and operator/meter/{meter_id}/history. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api-gateway/meters.h"
#include "api-gateway/query.h"
#include "api-gateway/routes.h"
#include "api-gateway/sums.h"
#include "runtime/json.h"
#include "runtime/schema/rows_json.h"
#include "runtime/schema/schema.h"

#define DAY_MS INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)
#define DAY_MINUTES 1440
#define HOUR_MINUTES 60

enum resolution { RAW = 0, MINUTES = 1, QUARTERS = 2, HOURS = 3, DAYS = 4 };
static const char *const names[] = { "raw", "1m", "15m", "1h", "1d", NULL };
/* The longest range of one request, and the one that is meant when start_time is not given. */
static const int64_t range_max_ms[] = { DAY_MS, 31 * DAY_MS, 400 * DAY_MS, 400 * DAY_MS,
                                        1100 * DAY_MS };
static const int64_t range_default_ms[] = { HOUR_MS, HOUR_MS, DAY_MS, 4 * DAY_MS, 90 * DAY_MS };

struct history {
    struct gateway *gateway;
    const struct segs_zone *zone;
    struct meter meter;
    int64_t resolution;
    int64_t from_ms;
    int64_t to_ms;
    int64_t limit;
    int64_t now_ms;
    int64_t n;
    int64_t next_ms; /* Where the next page begins. */
    bool has_more;
    struct rt_json_out out;
    struct rt_buf data;
};

/* ---- The request ---- */

static bool read_cursor(struct rt_http_exchange *x, struct history *history)
{
    const char *text = rt_http_query(x, "cursor");
    int64_t kind = -1;
    int64_t position = 0;
    int64_t end = 0;

    if (!text)
        return true;
    if (!query_cursor_read(text, &kind, &position, &end) || kind != history->resolution)
        return query_refuse(x, "cursor", "expected the next_cursor of a page of the same history");
    if ((rt_http_query(x, "end_time") && history->to_ms != end) || position > end ||
        (rt_http_query(x, "start_time") && history->from_ms > position))
        return query_refuse(x, "cursor", "it belongs to another range of time");
    history->from_ms = position;
    history->to_ms = end;
    return true;
}

static bool read_range(struct rt_http_exchange *x, struct history *history)
{
    history->to_ms = history->now_ms + 1;
    history->from_ms = -1;
    if (!query_time(x, "start_time", &history->from_ms) ||
        !query_time(x, "end_time", &history->to_ms))
        return false;
    if (history->from_ms < 0) {
        history->from_ms = history->to_ms - range_default_ms[history->resolution];
        history->from_ms = history->from_ms < 0 ? 0 : history->from_ms;
    }
    if (!read_cursor(x, history))
        return false;
    if (history->from_ms > history->to_ms)
        return query_refuse(x, "start_time", "expected a time before end_time");
    if (history->to_ms - history->from_ms > range_max_ms[history->resolution])
        return query_refuse(x, "start_time", "the range is too long for this resolution");
    return true;
}

static bool read_request(struct rt_http_exchange *x, struct history *history)
{
    history->resolution = QUARTERS;
    history->limit = 100;
    return query_choice(x, "resolution", names, &history->resolution) &&
           query_int(x, "limit", 1, 1000, &history->limit) && read_range(x, history);
}

/* ---- Rows ---- */

/* True: the page is full, and what begins at at_ms is the first of the next one. */
static bool is_full(struct history *history, int64_t at_ms)
{
    if (history->n < history->limit) {
        history->n++;
        return false;
    }
    history->has_more = true;
    history->next_ms = at_ms;
    return true;
}

static int put_reading(const struct rt_db_rows *rows, int64_t at_ms, void *user)
{
    struct history *history = user;

    if (is_full(history, at_ms))
        return 1;
    rt_json_object(&history->out, NULL);
    series_put_raw(&history->out, rows);
    rt_json_end_object(&history->out);
    return 0;
}

static int put_minute(const struct segs_window_row *row, void *user)
{
    struct history *history = user;

    if (is_full(history, row->window_start_ms))
        return 1;
    rt_json_object(&history->out, NULL);
    row_put_json(&history->out, row, RT_MINUTE_MS, history->meter.interval_ms);
    rt_json_end_object(&history->out);
    return 0;
}

static int put_quarter(const struct segs_rollup_row *row, void *user)
{
    struct history *history = user;

    if (is_full(history, row->window_start_ms))
        return 1;
    rt_json_object(&history->out, NULL);
    rollup_put_json(&history->out, row, RT_QUARTER_MS, history->meter.interval_ms);
    rt_json_end_object(&history->out);
    return 0;
}

/* ---- Hours and days of the asker's zone, made of quarters ---- */

static int bucket_of(const struct history *history, int64_t ts_ms, int64_t *ret_start_ms,
                     int64_t *ret_end_ms)
{
    int32_t day = 0;
    int32_t slot = 0;
    int r =
        segs_zone_slot_of(history->zone, ts_ms,
                          history->resolution == DAYS ? DAY_MINUTES : HOUR_MINUTES, &day, &slot);

    if (r == 0)
        r = segs_zone_day(history->zone, day < 0 ? 0 : day, ret_start_ms, ret_end_ms);
    if (r == 0 && history->resolution == HOURS) {
        int64_t day_end_ms = *ret_end_ms;

        *ret_start_ms += slot * HOUR_MS;
        *ret_end_ms = *ret_start_ms + HOUR_MS < day_end_ms ? *ret_start_ms + HOUR_MS : day_end_ms;
    }
    return r;
}

static void put_bucket(struct history *history, int64_t start_ms, int64_t end_ms,
                       const struct sums *sums)
{
    struct rt_json_out *out = &history->out;
    int64_t expected = sums_expected(&history->meter, start_ms, end_ms, history->now_ms);

    rt_json_object(out, NULL);
    rt_json_put_time(out, "window_start", start_ms);
    rt_json_put_time(out, "window_end", end_ms);
    rt_json_put_int(out, "count", sums->count);
    rt_json_put_int(out, "expected_count", expected);
    sums_put(out, "power_avg_kw", sums->power_count > 0, sums_average_power(sums));
    sums_put(out, "power_min_kw", sums->power_count > 0, sums->power_min_micro_kw);
    sums_put(out, "power_max_kw", sums->power_count > 0, sums->power_max_micro_kw);
    sums_put(out, "energy_kwh", sums->energy_count > 0, sums->energy_sum_micro_kwh);
    rt_json_put_fixed(out, "completeness", sums_completeness(sums, expected), 6);
    quality_put_json(out, sums->quality);
    rt_json_end_object(out);
}

/* Buckets that begin in the range; those without a reading are left out, as windows are. */
static int put_buckets(struct rt_db_conn *conn, struct history *history, struct segs_error *reterr)
{
    int64_t at_ms = history->from_ms;
    int r = 0;

    while (r == 0 && at_ms < history->to_ms) {
        struct sums sums = { 0 };
        int64_t start_ms = 0;
        int64_t end_ms = 0;

        r = bucket_of(history, at_ms, &start_ms, &end_ms);
        if (r == 0 && start_ms >= history->from_ms)
            r = sums_of_range(conn, &history->meter, start_ms, end_ms, &sums, reterr);
        if (r == 0 && sums.count > 0) {
            if (is_full(history, start_ms))
                break;
            put_bucket(history, start_ms, end_ms, &sums);
        }
        at_ms = end_ms > at_ms ? end_ms : at_ms + RT_QUARTER_MS;
    }
    return r;
}

static int put_rows(struct rt_db_conn *conn, struct history *history, struct segs_error *reterr)
{
    const struct meter *meter = &history->meter;

    switch (history->resolution) {
    case RAW:
        return series_raw(conn, meter, history->from_ms, history->to_ms, put_reading, history,
                          reterr);
    case MINUTES:
        return series_minutes(conn, meter, history->from_ms, history->to_ms, put_minute, history,
                              reterr);
    case QUARTERS:
        return series_quarters(conn, meter, history->from_ms, history->to_ms, put_quarter, history,
                               reterr);
    default:
        return put_buckets(conn, history, reterr);
    }
}

/* ---- The answer ---- */

static void answer_page(struct rt_http_exchange *x, struct history *history)
{
    char cursor[QUERY_CURSOR_BYTES] = "";
    struct rt_buf page = RT_BUF_INIT;
    struct rt_json_out out;

    if (history->has_more)
        query_cursor_write(history->resolution, history->next_ms, history->to_ms, cursor);
    rt_json_begin(&out, &page);
    rt_json_object(&out, NULL);
    rt_json_put_int(&out, "limit", history->limit);
    rt_json_put_string(&out, "next_cursor", history->has_more ? cursor : NULL);
    rt_json_put_bool(&out, "has_more", history->has_more);
    rt_json_end_object(&out);
    if (history->has_more) {
        char link[400];

        (void)snprintf(link, sizeof link,
                       "<?resolution=%s&limit=%" PRId64 "&cursor=%s>; rel=\"next\"",
                       names[history->resolution], history->limit, cursor);
        rt_http_set_header(x, "Link", link);
    }
    gateway_answer(x, "Readings in order of time.", &history->data, &page);
}

static int read_history(struct rt_http_exchange *x, struct history *history, const char *meter_id,
                        struct segs_error *reterr)
{
    const struct rt_principal *principal = gateway_principal(x);
    struct gateway *gateway = history->gateway;
    struct rt_db_conn *conn = NULL;
    int r = rt_db_acquire(gateway->app->db, RT_DB_READ, DB_TIMEOUT_MS, &conn, reterr);

    if (r == 0)
        r = rt_db_begin(conn, reterr); /* One snapshot for all chunks. */
    if (r == 0)
        r = meter_id ? meters_any(conn, gateway, principal, meter_id, &history->meter, reterr)
                     : meters_own(conn, gateway, principal->user_id, &history->meter, reterr);
    if (r == 0) {
        rt_json_object(&history->out, NULL);
        rt_json_put_string(&history->out, "meter_id", history->meter.meter_id);
        rt_json_put_string(&history->out, "resolution", names[history->resolution]);
        rt_json_array(&history->out, "readings");
        r = put_rows(conn, history, reterr);
        rt_json_end_array(&history->out);
        rt_json_put_int(&history->out, "count", history->n);
        rt_json_end_object(&history->out);
    }
    rt_db_release(conn);
    return r;
}

static void answer(struct rt_http_exchange *x, struct gateway *gateway, const char *meter_id)
{
    struct history history = { .gateway = gateway, .now_ms = gateway_now_ms(gateway) };
    struct segs_error err = { 0 };
    int r;

    if (!read_request(x, &history))
        return;
    r = rt_zoneinfo_get(gateway->zones, gateway_principal(x)->timezone, &history.zone, &err);
    rt_json_begin(&history.out, &history.data);
    if (r == 0)
        r = read_history(x, &history, meter_id, &err);
    else
        r = SEGS_EINTERNAL; /* A zone that was stored and cannot be read is no missing meter. */
    if (r < 0) {
        rt_buf_free(&history.data);
        meters_fail(x, r, &err);
        return;
    }
    answer_page(x, &history);
}

void get_my_history(struct rt_http_exchange *x, void *user)
{
    answer(x, user, NULL);
}

void get_any_history(struct rt_http_exchange *x, void *user)
{
    answer(x, user, rt_http_param(x, "meter_id"));
}
