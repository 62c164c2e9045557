#include "stream-processor/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/buf.h"
#include "runtime/bus/bus.h"
#include "runtime/db/db.h"
#include "runtime/metrics.h"
#include "runtime/schema/rows.h"
#include "runtime/schema/schema.h"
#include "stream-processor/events.h"

#define RECORDS_PER_PRODUCE 2000
#define PRODUCE_TIMEOUT_MS 10000
#define ROWS_PER_PIECE 2000

/* clang-format off */
#define NAMES ", (SELECT meter_id FROM meters m WHERE m.meter_key = a.meter_key)," \
              " (SELECT name FROM regions g WHERE g.region_key = a.region_key)"
static const char rows_1m_sql[] =
    "SELECT " ROW_COLUMNS ", revision" NAMES " FROM aggregates_1m a"
    " WHERE window_start_ms = $1 AND partition = $2 AND meter_key > $3 ORDER BY meter_key LIMIT $4";
static const char rows_15m_sql[] =
    "SELECT " ROW_COLUMNS ", revision" NAMES " FROM aggregates_15m a"
    " WHERE window_start_ms = $1 AND partition = $2 AND meter_key > $3 ORDER BY meter_key LIMIT $4";
static const char regions_sql[] =
    "SELECT " REGION_COLUMNS ", capacity_micro_kw, revision, region_key,"
    " (SELECT name FROM regions g WHERE g.region_key = a.region_key) FROM regional_aggregates a"
    " WHERE window_start_ms = $1 AND width_ms = $2 AND region_key > $3 ORDER BY region_key LIMIT $4";
/* clang-format on */
#define ROW_METER_ID 24
#define ROW_REGION 25
#define REGION_CAPACITY (REGION_N_COLUMNS)
#define REGION_REVISION (REGION_N_COLUMNS + 1)
#define REGION_KEY (REGION_N_COLUMNS + 2)
#define REGION_NAME (REGION_N_COLUMNS + 3)

struct publisher {
    const struct rt_app *app;
    struct rt_counter *published;
    bool (*should_stop)(void *user);
    void *user;
    struct rt_bus_record *records; /* Until sending, key and value are offsets into bytes. */
    size_t *starts;                /* Two per record: key, value. */
    struct rt_buf bytes;
    struct rt_buf event;
    int64_t interval_ms;
    size_t n;
    char topic[64];
};

int publisher_new(const struct rt_app *app, int64_t interval_ms, struct rt_counter *published,
                  bool (*should_stop)(void *user), void *user, struct publisher **ret)
{
    struct publisher *publisher = calloc(1, sizeof *publisher);

    if (!publisher)
        return SEGS_ENOMEM;
    publisher->app = app;
    publisher->interval_ms = interval_ms;
    publisher->published = published;
    publisher->should_stop = should_stop;
    publisher->user = user;
    publisher->records = calloc(RECORDS_PER_PRODUCE, sizeof *publisher->records);
    publisher->starts = calloc(RECORDS_PER_PRODUCE, 2 * sizeof *publisher->starts);
    if (!publisher->records || !publisher->starts) {
        publisher_free(publisher);
        return SEGS_ENOMEM;
    }
    *ret = publisher;
    return 0;
}

void publisher_free(struct publisher *publisher)
{
    if (!publisher)
        return;
    rt_buf_free(&publisher->bytes);
    rt_buf_free(&publisher->event);
    free(publisher->records);
    free(publisher->starts);
    free(publisher);
}

void publish_drop(struct publisher *publisher)
{
    rt_buf_clear(&publisher->bytes);
    publisher->n = 0;
}

int publish_flush(struct publisher *publisher, struct segs_error *reterr)
{
    int r;

    if (publisher->n == 0)
        return 0;
    if (rt_buf_status(&publisher->bytes) < 0)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for events");
    for (size_t i = 0; i < publisher->n; i++) {
        publisher->records[i].key = publisher->bytes.data + publisher->starts[2 * i];
        publisher->records[i].value = publisher->bytes.data + publisher->starts[2 * i + 1];
    }
    r = rt_bus_produce(publisher->app->bus, publisher->topic, publisher->records, publisher->n,
                       PRODUCE_TIMEOUT_MS, reterr);
    if (r == 0)
        rt_counter_add(publisher->published, publisher->n);
    publish_drop(publisher);
    return r;
}

static int add(struct publisher *publisher, const char *topic, const char *key, const char *value,
               size_t value_len, struct segs_error *reterr)
{
    struct rt_bus_record *record;
    int r = 0;

    if (publisher->n == RECORDS_PER_PRODUCE ||
        (publisher->n > 0 && strcmp(publisher->topic, topic) != 0))
        r = publish_flush(publisher, reterr);
    if (r < 0)
        return r;
    (void)snprintf(publisher->topic, sizeof publisher->topic, "%s", topic);
    record = &publisher->records[publisher->n];
    memset(record, 0, sizeof *record);
    record->partition = -1;
    record->key_len = strlen(key);
    record->value_len = value_len;
    publisher->starts[2 * publisher->n] = publisher->bytes.len;
    rt_buf_append(&publisher->bytes, key, record->key_len);
    publisher->starts[2 * publisher->n + 1] = publisher->bytes.len;
    rt_buf_append(&publisher->bytes, value, value_len);
    publisher->n++;
    return 0;
}

int publish_event(struct publisher *publisher, const char *topic, const char *key,
                  const char *value, struct segs_error *reterr)
{
    return add(publisher, topic, key, value, strlen(value), reterr);
}

/* ---- Closed windows ---- */

struct window_name {
    const char *topic;
    int64_t width_ms;
    int64_t window_start_ms;
    int64_t partition; /* Of regional windows: unused. */
    bool is_regional;
};

static int parse_name(const char *topic, const char *payload, struct window_name *ret,
                      struct segs_error *reterr)
{
    char *end = NULL;

    ret->topic = topic;
    ret->is_regional = strcmp(topic, RT_TOPIC_REGIONAL) == 0;
    ret->width_ms = strtoll(payload, &end, 10);
    ret->window_start_ms = strtoll(end, &end, 10);
    ret->partition = strtoll(end, &end, 10);
    if (*end != '\0' || ret->width_ms <= 0)
        return rt_fail(reterr, SEGS_EINTERNAL, NULL, "an entry of the outbox names no window");
    return 0;
}

static int add_event(struct publisher *publisher, const char *topic, const char *key,
                     struct segs_error *reterr)
{
    if (rt_buf_status(&publisher->event) < 0)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for an event");
    return add(publisher, topic, key, publisher->event.data, publisher->event.len, reterr);
}

static int add_row(struct publisher *publisher, const struct window_name *name,
                   const struct rt_db_rows *rows, int64_t *ret_key, struct segs_error *reterr)
{
    const char *meter_id = rt_db_str(rows, ROW_METER_ID, NULL);
    const char *region = rt_db_str(rows, ROW_REGION, NULL);
    struct row_key key;

    if (name->width_ms == RT_MINUTE_MS) {
        struct segs_window_row row;

        row_from_rows(rows, &key, &row);
        event_row_json(&publisher->event, meter_id, region, &row, NULL, publisher->interval_ms);
    } else {
        struct segs_rollup_row row;

        rollup_from_rows(rows, &key, &row);
        event_rollup_json(&publisher->event, meter_id, region, &row, NULL, publisher->interval_ms);
    }
    *ret_key = key.meter_key;
    return add_event(publisher, name->topic, meter_id, reterr);
}

static int add_region(struct publisher *publisher, const struct window_name *name,
                      const struct rt_db_rows *rows, int64_t *ret_key, struct segs_error *reterr)
{
    const char *region = rt_db_str(rows, REGION_NAME, NULL);
    struct segs_region_row row;

    region_from_rows(rows, 0, &row);
    row.window_start_ms = name->window_start_ms;
    row.capacity_micro_kw = rt_db_int(rows, REGION_CAPACITY);
    row.revision = (uint32_t)rt_db_int(rows, REGION_REVISION);
    event_region_json(&publisher->event, region, &row, name->width_ms, false);
    *ret_key = rt_db_int(rows, REGION_KEY);
    return add_event(publisher, name->topic, region, reterr);
}

/* Gather the next rows after *key, which moves on to the last of them. Returns their number. */
static int gather_piece(struct publisher *publisher, const struct window_name *name, int64_t *key,
                        struct segs_error *reterr)
{
    const char *sql = name->is_regional                ? regions_sql
                      : name->width_ms == RT_MINUTE_MS ? rows_1m_sql
                                                       : rows_15m_sql;
    struct rt_db_value params[4] = { RT_DB_I(name->window_start_ms),
                                     RT_DB_I(name->is_regional ? name->width_ms : name->partition),
                                     RT_DB_I(*key), RT_DB_I(ROWS_PER_PIECE) };
    struct rt_db_conn *conn = NULL;
    struct rt_db_rows *rows = NULL;
    int n = 0;
    int r = rt_db_acquire(publisher->app->db, RT_DB_READ, 5000, &conn, reterr);

    if (r == 0)
        r = rt_db_query(conn, sql, params, 4, &rows, reterr);
    while (r >= 0 && (r = rt_db_next(rows, reterr)) > 0) {
        r = name->is_regional ? add_region(publisher, name, rows, key, reterr)
                              : add_row(publisher, name, rows, key, reterr);
        n++;
    }
    rt_db_rows_free(rows);
    rt_db_release(conn);
    return r < 0 ? r : n;
}

int publish_window(struct publisher *publisher, const char *topic, const char *payload,
                   struct segs_error *reterr)
{
    struct window_name name;
    int64_t key = 0;
    int n = ROWS_PER_PIECE;
    int r = parse_name(topic, payload, &name, reterr);

    /* An empty batch before each piece, so that gathering it never waits for the bus. */
    if (r == 0)
        r = publish_flush(publisher, reterr);
    while (r == 0 && n == ROWS_PER_PIECE) {
        if (publisher->should_stop(publisher->user))
            return rt_fail(reterr, RT_ESTOPPING, NULL, "stopped while publishing a window");
        n = gather_piece(publisher, &name, &key, reterr);
        r = n < 0 ? n : publish_flush(publisher, reterr);
    }
    return r;
}
