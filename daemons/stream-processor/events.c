#include "stream-processor/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/json.h"
#include "runtime/schema/rows_json.h"
#include "runtime/schema/schema.h"

/* Name of the message format; a change that old readers cannot take gets the next number. */
#define SCHEMA_METER "segs.aggregate/1"
#define SCHEMA_REGION "segs.regional-aggregate/1"

static void begin_event(struct rt_json_out *out, struct rt_buf *buf, const char *schema,
                        const char *meter_id, const char *region, bool correction)
{
    rt_buf_clear(buf);
    rt_json_begin(out, buf);
    rt_json_object(out, NULL);
    rt_json_put_string(out, "schema", schema);
    if (meter_id)
        rt_json_put_string(out, "meter_id", meter_id);
    rt_json_put_string(out, "region", region);
    rt_json_put_bool(out, "correction", correction);
}

static void put_difference(struct rt_json_out *out, const struct segs_window_row *difference,
                           int64_t interval_ms)
{
    rt_json_object(out, "difference");
    row_put_json(out, difference, RT_MINUTE_MS, interval_ms);
    rt_json_end_object(out);
}

void event_row_json(struct rt_buf *buf, const char *meter_id, const char *region,
                    const struct segs_window_row *row, const struct segs_window_row *difference,
                    int64_t interval_ms)
{
    struct rt_json_out out;

    begin_event(&out, buf, SCHEMA_METER, meter_id, region, difference != NULL);
    row_put_json(&out, row, RT_MINUTE_MS, interval_ms);
    if (difference)
        put_difference(&out, difference, interval_ms);
    rt_json_end_object(&out);
}

void event_rollup_json(struct rt_buf *buf, const char *meter_id, const char *region,
                       const struct segs_rollup_row *row, const struct segs_window_row *difference,
                       int64_t interval_ms)
{
    struct rt_json_out out;

    begin_event(&out, buf, SCHEMA_METER, meter_id, region, difference != NULL);
    rollup_put_json(&out, row, RT_QUARTER_MS, interval_ms);
    if (difference)
        put_difference(&out, difference, interval_ms);
    rt_json_end_object(&out);
}

void event_region_json(struct rt_buf *buf, const char *region, const struct segs_region_row *row,
                       int64_t width_ms, bool correction)
{
    struct rt_json_out out;

    begin_event(&out, buf, SCHEMA_REGION, NULL, region, correction);
    region_put_json(&out, row, width_ms);
    rt_json_end_object(&out);
}

/* ---- Into the outbox ---- */

static const char put_sql[] = "INSERT INTO outbox (kind, topic, event_key, payload, created_at_ms)"
                              " VALUES ($1, $2, $3, $4, $5)";

static int put(struct checkpoint *ck, const char *kind, const char *topic, const char *key,
               const char *payload, struct segs_error *reterr)
{
    struct rt_db_value params[5];

    params[0] = rt_db_text(kind);
    params[1] = rt_db_text(topic);
    params[2] = rt_db_text(key);
    params[3] = rt_db_text(payload);
    params[4] = RT_DB_I(ck->now_ms);
    return rt_db_exec(ck->conn, put_sql, params, 5, NULL, reterr);
}

int outbox_put_row(struct checkpoint *ck, const char *topic, const char *key, const char *payload,
                   struct segs_error *reterr)
{
    return put(ck, "row", topic, key, payload, reterr);
}

int outbox_put_close(struct checkpoint *ck, const char *topic, int64_t width_ms,
                     int64_t window_start_ms, int32_t partition, struct segs_error *reterr)
{
    char payload[96];

    (void)snprintf(payload, sizeof payload, "%" PRId64 " %" PRId64 " %" PRId32, width_ms,
                   window_start_ms, partition);
    return put(ck, "close", topic, "", payload, reterr);
}

/* The region's name; *ret is NUL-terminated. */
static int region_name(struct checkpoint *ck, int64_t region_key, char ret[SEGS_ID_BYTES],
                       struct segs_error *reterr)
{
    struct rt_db_value key = RT_DB_I(region_key);
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(ck->conn, "SELECT name FROM regions WHERE region_key = $1", &key, 1, &rows,
                        reterr);

    if (r == 0)
        r = rt_db_next(rows, reterr);
    if (r > 0)
        (void)snprintf(ret, SEGS_ID_BYTES, "%s", rt_db_str(rows, 0, NULL));
    else if (r == 0)
        r = rt_fail(reterr, SEGS_EINTERNAL, NULL, "region %" PRId64 " is not there", region_key);
    rt_db_rows_free(rows);
    return r < 0 ? r : 0;
}

static int put_event(struct checkpoint *ck, const char *topic, const char *key,
                     struct rt_buf *event, struct segs_error *reterr)
{
    int r = rt_buf_status(event);

    r = r < 0 ? rt_fail(reterr, r, NULL, "no memory for an event")
              : outbox_put_row(ck, topic, key, event->data, reterr);
    rt_buf_free(event);
    return r;
}

int event_correction_1m(struct checkpoint *ck, const char *meter_id, int64_t region_key,
                        const struct segs_window_row *row, const struct segs_window_row *difference,
                        struct segs_error *reterr)
{
    struct rt_buf event = RT_BUF_INIT;
    char region[SEGS_ID_BYTES];
    int r = region_name(ck, region_key, region, reterr);

    if (r < 0)
        return r;
    event_row_json(&event, meter_id, region, row, difference, ck->interval_ms);
    return put_event(ck, RT_TOPIC_1M, meter_id, &event, reterr);
}

int event_correction_15m(struct checkpoint *ck, const char *meter_id, int64_t region_key,
                         const struct segs_rollup_row *row,
                         const struct segs_window_row *difference, struct segs_error *reterr)
{
    struct rt_buf event = RT_BUF_INIT;
    char region[SEGS_ID_BYTES];
    int r = region_name(ck, region_key, region, reterr);

    if (r < 0)
        return r;
    event_rollup_json(&event, meter_id, region, row, difference, ck->interval_ms);
    return put_event(ck, RT_TOPIC_15M, meter_id, &event, reterr);
}

int event_correction_region(struct checkpoint *ck, int64_t region_key, int64_t width_ms,
                            const struct segs_region_row *row, struct segs_error *reterr)
{
    struct rt_buf event = RT_BUF_INIT;
    char region[SEGS_ID_BYTES];
    int r = region_name(ck, region_key, region, reterr);

    if (r < 0)
        return r;
    event_region_json(&event, region, row, width_ms, true);
    return put_event(ck, RT_TOPIC_REGIONAL, region, &event, reterr);
}
