/* Meters and their newest reading: my-meter and operator/meter/{meter_id}. */
#include "api-gateway/meters.h"

#include <stdio.h>
#include <string.h>

#include "api-gateway/routes.h"
#include "runtime/bus/bus.h"
#include "runtime/json.h"

void meters_from_rows(const struct gateway *gateway, const struct rt_db_rows *rows,
                      struct meter *ret)
{
    const char *user_id = rt_db_str(rows, 4, NULL);

    memset(ret, 0, sizeof *ret);
    ret->key = rt_db_int(rows, 0);
    (void)snprintf(ret->meter_id, sizeof ret->meter_id, "%s", rt_db_str(rows, 1, NULL));
    (void)snprintf(ret->region, sizeof ret->region, "%s", rt_db_str(rows, 2, NULL));
    ret->interval_ms = rt_db_int(rows, 3) > 0 ? rt_db_int(rows, 3) : gateway->interval_ms;
    (void)snprintf(ret->user_id, sizeof ret->user_id, "%s", user_id ? user_id : "");
    ret->partition =
        rt_bus_partition_of(ret->meter_id, strlen(ret->meter_id), gateway->n_partitions);
}

static int find(struct rt_db_conn *conn, const struct gateway *gateway, const char *sql,
                const char *key, struct meter *ret, struct segs_error *reterr)
{
    struct rt_db_value param = rt_db_text(key);
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(conn, sql, &param, 1, &rows, reterr);

    if (r == 0)
        r = rt_db_next(rows, reterr);
    if (r > 0) {
        meters_from_rows(gateway, rows, ret);
        r = 0;
    } else if (r == 0) {
        r = SEGS_ENOTFOUND;
    }
    rt_db_rows_free(rows);
    return r;
}

int meters_own(struct rt_db_conn *conn, const struct gateway *gateway, const char *user_id,
               struct meter *ret, struct segs_error *reterr)
{
    return find(conn, gateway,
                "SELECT " METER_COLUMNS " FROM meters m"
                " JOIN regions r ON r.region_key = m.region_key"
                " WHERE m.user_id = $1 ORDER BY m.meter_key LIMIT 1",
                user_id, ret, reterr);
}

int meters_any(struct rt_db_conn *conn, const struct gateway *gateway,
               const struct rt_principal *principal, const char *meter_id, struct meter *ret,
               struct segs_error *reterr)
{
    int r = find(conn, gateway,
                 "SELECT " METER_COLUMNS " FROM meters m"
                 " JOIN regions r ON r.region_key = m.region_key WHERE m.meter_id = $1",
                 meter_id, ret, reterr);

    return r == 0 && !rt_principal_sees(principal, ret->region) ? SEGS_ENOTFOUND : r;
}

void meters_fail(struct rt_http_exchange *x, int r, const struct segs_error *err)
{
    if (r == SEGS_ENOTFOUND)
        rt_http_problem(x, 404, "not_found", "There is no such meter.");
    else
        gateway_fail(x, "a meter could not be read", r, err);
}

static int put_meter(struct rt_json_out *out, struct rt_db_conn *conn, struct gateway *gateway,
                     const struct meter *meter, struct segs_error *reterr)
{
    int r;

    rt_json_object(out, NULL);
    rt_json_put_string(out, "meter_id", meter->meter_id);
    rt_json_put_string(out, "region", meter->region);
    rt_json_put_string(out, "user_id", meter->user_id[0] ? meter->user_id : NULL);
    r = series_put_latest(out, "latest_reading", conn, meter, gateway_now_ms(gateway), reterr);
    rt_json_end_object(out);
    return r;
}

/* meter_id NULL: the user's own. */
static void answer(struct rt_http_exchange *x, struct gateway *gateway, const char *meter_id)
{
    const struct rt_principal *principal = gateway_principal(x);
    struct rt_db_conn *conn = NULL;
    struct segs_error err = { 0 };
    struct rt_buf data = RT_BUF_INIT;
    struct rt_json_out out;
    struct meter meter;
    int r = rt_db_acquire(gateway->app->db, RT_DB_READ, DB_TIMEOUT_MS, &conn, &err);

    rt_json_begin(&out, &data);
    if (r == 0)
        r = meter_id ? meters_any(conn, gateway, principal, meter_id, &meter, &err)
                     : meters_own(conn, gateway, principal->user_id, &meter, &err);
    if (r == 0)
        r = put_meter(&out, conn, gateway, &meter, &err);
    rt_db_release(conn);
    if (r < 0) {
        rt_buf_free(&data);
        meters_fail(x, r, &err);
        return;
    }
    gateway_answer(x, "The meter and its newest reading.", &data, NULL);
}

void get_my_meter(struct rt_http_exchange *x, void *user)
{
    answer(x, user, NULL);
}

void get_any_meter(struct rt_http_exchange *x, void *user)
{
    answer(x, user, rt_http_param(x, "meter_id"));
}
