/* One meter's readings and windows over a range of time. The tables are clustered by window, so a meter's history is one seek per
 * window: each call walks the range in chunks and never scans. */
#ifndef API_GATEWAY_SERIES_H
#define API_GATEWAY_SERIES_H

#include <segs/reading.h>
#include <segs/rollup.h>
#include <segs/window.h>

#include "api-gateway/gateway.h"

#define TEXT_ID_BYTES 256

struct meter {
    char meter_id[TEXT_ID_BYTES];
    char region[TEXT_ID_BYTES];
    char user_id[RT_UUID_BYTES]; /* Empty: assigned to nobody. */
    int64_t key;
    int64_t interval_ms;
    int32_t partition;
    int32_t reserved;
};

/* Return 0 to go on, 1 to stop, negative to fail with it. */
typedef int(series_minute_fn)(const struct segs_window_row *row, void *user);
typedef int(series_quarter_fn)(const struct segs_rollup_row *row, void *user);
typedef int(series_raw_fn)(const struct rt_db_rows *rows, int64_t at_ms, void *user);

/* Ascending, windows that begin in [from_ms, to_ms). */
int series_minutes(struct rt_db_conn *conn, const struct meter *meter, int64_t from_ms,
                   int64_t to_ms, series_minute_fn *fn, void *user, struct segs_error *reterr);
int series_quarters(struct rt_db_conn *conn, const struct meter *meter, int64_t from_ms,
                    int64_t to_ms, series_quarter_fn *fn, void *user, struct segs_error *reterr);
/* Readings whose second lies in [from_ms, to_ms); `rows` is for series_put_raw, at_ms the second. */
int series_raw(struct rt_db_conn *conn, const struct meter *meter, int64_t from_ms, int64_t to_ms,
               series_raw_fn *fn, void *user, struct segs_error *reterr);

/* The meter's newest reading as an object under `name`, null when the last 31 days have none. */
struct rt_json_out;
int series_put_latest(struct rt_json_out *out, const char *name, struct rt_db_conn *conn,
                      const struct meter *meter, int64_t now_ms, struct segs_error *reterr);
/* Members of an open object. */
void series_put_raw(struct rt_json_out *out, const struct rt_db_rows *rows);

int64_t series_floor(int64_t ts_ms, int64_t width_ms);

#endif
