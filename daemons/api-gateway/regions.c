/* GET /telemetry/operator/region-stats. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api-gateway/gateway.h"
#include "api-gateway/query.h"
#include "api-gateway/routes.h"
#include "api-gateway/sums.h"
#include "runtime/json.h"
#include "runtime/schema/schema.h"

#define HOUR_MS INT64_C(3600000)
#define REGIONS_MAX 4096

static const char *const periods[] = { "hour", "day", "week", "month", NULL };
static const int64_t period_ms[] = { HOUR_MS, 24 * HOUR_MS, 168 * HOUR_MS, 720 * HOUR_MS };

struct region {
    int64_t key;
    int64_t meters;
    int64_t capacity_micro_kw;
    int64_t energy_micro_kwh;
    int64_t energy_count;
    int64_t peak_micro_kw;
    int64_t peak_at_ms;
    int64_t load_micro_kw; /* Of the newest window. */
    int64_t load_at_ms;
    bool has_load;
    char name[TEXT_ID_BYTES];
};

struct stats {
    struct gateway *gateway;
    const struct rt_principal *principal;
    const char *wanted; /* NULL: all that may be seen. */
    struct region *regions;
    size_t n;
    int64_t period;
    int64_t width_ms;
    int64_t from_ms;
    int64_t to_ms;
};

static int read_regions(struct rt_db_conn *conn, struct stats *stats, struct segs_error *reterr)
{
    struct rt_db_value wanted = rt_db_text(stats->wanted);
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(conn,
                        "SELECT r.region_key, r.name, r.capacity_micro_kw,"
                        " (SELECT COUNT(*) FROM meters m WHERE m.region_key = r.region_key)"
                        " FROM regions r WHERE $1 IS NULL OR r.name = $1 ORDER BY r.name",
                        &wanted, 1, &rows, reterr);

    while (r == 0 && (r = rt_db_next(rows, reterr)) > 0) {
        struct region *region = &stats->regions[stats->n];
        const char *name = rt_db_str(rows, 1, NULL);

        r = 0;
        if (!rt_principal_sees(stats->principal, name) || stats->n == REGIONS_MAX)
            continue;
        memset(region, 0, sizeof *region);
        region->key = rt_db_int(rows, 0);
        (void)snprintf(region->name, sizeof region->name, "%s", name);
        region->capacity_micro_kw = rt_db_int(rows, 2);
        region->meters = rt_db_int(rows, 3);
        stats->n++;
    }
    rt_db_rows_free(rows);
    return r;
}

static struct region *region_of(struct stats *stats, int64_t key)
{
    for (size_t i = 0; i < stats->n; i++) {
        if (stats->regions[i].key == key)
            return &stats->regions[i];
    }
    return NULL;
}

/* Columns window_start_ms, region_key, load_micro_kw, load_count, energy_micro_kwh, energy_count. */
static void take_row(struct stats *stats, const struct rt_db_rows *rows, bool with_peak)
{
    struct region *region = region_of(stats, rt_db_int(rows, 1));
    int64_t at_ms = rt_db_int(rows, 0);
    int64_t load = rt_db_int(rows, 2);

    if (!region)
        return;
    region->energy_micro_kwh += rt_db_int(rows, 4);
    region->energy_count += rt_db_int(rows, 5);
    if (rt_db_int(rows, 3) == 0)
        return;
    if (with_peak && (region->peak_at_ms == 0 || load > region->peak_micro_kw)) {
        region->peak_micro_kw = load;
        region->peak_at_ms = at_ms;
    }
    if (!region->has_load || at_ms >= region->load_at_ms) {
        region->load_micro_kw = load;
        region->load_at_ms = at_ms;
        region->has_load = true;
    }
}

static int read_rows(struct rt_db_conn *conn, struct stats *stats, int64_t width_ms,
                     int64_t from_ms, int64_t to_ms, struct segs_error *reterr)
{
    struct rt_db_value params[3] = { RT_DB_I(width_ms), RT_DB_I(from_ms), RT_DB_I(to_ms) };
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(conn,
                        "SELECT window_start_ms, region_key, load_micro_kw, load_count,"
                        " energy_micro_kwh, energy_count FROM regional_aggregates"
                        " WHERE width_ms = $1 AND window_start_ms >= $2 AND window_start_ms < $3"
                        " ORDER BY window_start_ms",
                        params, 3, &rows, reterr);

    while (r == 0 && (r = rt_db_next(rows, reterr)) > 0) {
        take_row(stats, rows, width_ms == stats->width_ms);
        r = 0;
    }
    rt_db_rows_free(rows);
    return r;
}

/* Windows of the period's width, then the minutes behind the last closed one. */
static int read_windows(struct rt_db_conn *conn, struct stats *stats, struct segs_error *reterr)
{
    struct rt_db_value width = RT_DB_I(stats->width_ms);
    int64_t closed_ms = 0;
    int r = rt_db_query_int(conn, "SELECT closed_ms FROM regional_closed WHERE width_ms = $1",
                            &width, 1, &closed_ms, reterr);

    if (r < 0 && r != SEGS_ENOTFOUND)
        return r;
    r = read_rows(conn, stats, stats->width_ms, stats->from_ms, stats->to_ms, reterr);
    if (r == 0 && stats->width_ms != RT_MINUTE_MS && closed_ms > stats->from_ms)
        r = read_rows(conn, stats, RT_MINUTE_MS, closed_ms, stats->to_ms, reterr);
    return r;
}

static void put_share(struct rt_json_out *out, const char *name, int64_t capacity, bool there,
                      int64_t load)
{
    struct segs_region_row row = { .load_count = there ? 1 : 0,
                                   .load_micro_kw = load,
                                   .capacity_micro_kw = capacity };
    int64_t share_micro = 0;

    if (segs_region_load_share(&row, &share_micro) == 0)
        rt_json_put_fixed(out, name, share_micro,
                          4); /* Millionths are ten-thousandths of a percent. */
    else
        rt_json_put_null(out, name);
}

static void put_region(struct rt_json_out *out, const struct region *region)
{
    bool has_peak = region->peak_at_ms > 0;

    rt_json_object(out, NULL);
    rt_json_put_string(out, "region", region->name);
    rt_json_put_int(out, "total_meters", region->meters);
    sums_put(out, "total_consumption", region->energy_count > 0, region->energy_micro_kwh);
    sums_put(out, "average_consumption", region->energy_count > 0 && region->meters > 0,
             region->meters > 0 ? region->energy_micro_kwh / region->meters : 0);
    sums_put(out, "peak_demand", has_peak, region->peak_micro_kw);
    if (has_peak)
        rt_json_put_time(out, "peak_at", region->peak_at_ms);
    else
        rt_json_put_null(out, "peak_at");
    sums_put(out, "current_load", region->has_load, region->load_micro_kw);
    sums_put(out, "capacity", region->capacity_micro_kw > 0, region->capacity_micro_kw);
    put_share(out, "load_percentage", region->capacity_micro_kw, region->has_load,
              region->load_micro_kw);
    put_share(out, "peak_percentage", region->capacity_micro_kw, has_peak, region->peak_micro_kw);
    rt_json_end_object(out);
}

static int read_stats(struct stats *stats, struct segs_error *reterr)
{
    struct rt_db_conn *conn = NULL;
    int r = rt_db_acquire(stats->gateway->app->db, RT_DB_READ, DB_TIMEOUT_MS, &conn, reterr);

    if (r == 0)
        r = rt_db_begin(conn, reterr);
    if (r == 0)
        r = read_regions(conn, stats, reterr);
    if (r == 0 && stats->wanted && stats->n == 0)
        r = SEGS_ENOTFOUND;
    if (r == 0)
        r = read_windows(conn, stats, reterr);
    rt_db_release(conn);
    return r;
}

static void answer(struct rt_http_exchange *x, const struct stats *stats)
{
    struct rt_buf data = RT_BUF_INIT;
    struct rt_json_out out;

    rt_json_begin(&out, &data);
    rt_json_object(&out, NULL);
    rt_json_put_string(&out, "period", periods[stats->period]);
    rt_json_put_time(&out, "from", stats->from_ms);
    rt_json_put_time(&out, "to", stats->to_ms);
    rt_json_array(&out, "regions");
    for (size_t i = 0; i < stats->n; i++)
        put_region(&out, &stats->regions[i]);
    rt_json_end_array(&out);
    rt_json_end_object(&out);
    gateway_answer(x, "Statistics by region.", &data, NULL);
}

void get_region_stats(struct rt_http_exchange *x, void *user)
{
    struct stats stats = { .gateway = user,
                           .principal = gateway_principal(x),
                           .wanted = rt_http_query(x, "region"),
                           .period = 1 };
    struct segs_error err = { 0 };
    int r;

    if (!query_choice(x, "period", periods, &stats.period))
        return;
    stats.width_ms = stats.period == 0 ? RT_MINUTE_MS : RT_QUARTER_MS;
    stats.to_ms = gateway_now_ms(stats.gateway);
    stats.from_ms = series_floor(stats.to_ms - period_ms[stats.period], stats.width_ms);
    stats.regions = malloc(REGIONS_MAX * sizeof *stats.regions);
    r = stats.regions ? read_stats(&stats, &err) : SEGS_ENOMEM;
    if (r == SEGS_ENOTFOUND)
        rt_http_problem(x, 404, "not_found", "There is no such region.");
    else if (r < 0)
        gateway_fail(x, "region statistics could not be read", r, &err);
    else
        answer(x, &stats);
    free(stats.regions);
}
