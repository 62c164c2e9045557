#include "pipeline_support.h"

#include <check.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <segs/encode.h>

#include "runtime/buf.h"
#include "runtime/bus/bus.h"
#include "runtime/db/db.h"
#include "runtime/log.h"
#include "runtime/schema/schema.h"
#include "stream-processor/service.h"

static int64_t test_clock(void *user)
{
    return ((struct pipeline *)user)->now_ms;
}

static void must(int r, const struct segs_error *err, const char *what)
{
    if (r < 0)
        ck_abort_msg("%s: %s (%s: %s)", what, rt_strerror(r), err->field, err->message);
}

static void start(struct pipeline *p, const char *const *settings)
{
    static char *const no_environment[] = { NULL };
    static const char *const base[] = {
        "STREAM_PORT", "0",     "RAW_PARTITIONS", "2", "CHECKPOINT_INTERVAL", "10ms",
        "LOG_LEVEL",   "error", "IDLE_TIMEOUT",   "0", "RAW_RETENTION",       "0",
        NULL
    };
    struct segs_error err = { 0 };
    const struct rt_service *service = &segs_stream_processor_service;

    must(rt_config_new(&p->config), &err, "config");
    must(rt_config_add_table(p->config, "common", rt_common_config, rt_n_common_config), &err,
         "config");
    must(rt_config_add_table(p->config, service->name, service->config, service->n_config), &err,
         "config");
    must(rt_config_load(p->config, NULL, no_environment, &err), &err, "config");
    for (size_t i = 0; base[i]; i += 2)
        must(rt_config_set(p->config, base[i], base[i + 1], &err), &err, base[i]);
    for (size_t i = 0; settings && settings[i]; i += 2)
        must(rt_config_set(p->config, settings[i], settings[i + 1], &err), &err, settings[i]);
    rt_log_setup(RT_LOG_ERROR, "text", "test");
    must(rt_app_open(p->config, p->dir, true, &p->app, &err), &err, "ports");
    p->app.clock.now_ms = test_clock;
    p->app.clock.user = p;
    must(service->start(&p->app, &p->stream, &err), &err, "stream processor");
}

static void stop(struct pipeline *p)
{
    segs_stream_processor_service.drain(p->stream);
    segs_stream_processor_service.stop(p->stream);
    rt_app_close(&p->app);
    rt_config_free(p->config);
}

void pipeline_open(struct pipeline *p, int64_t now_ms, const char *const *settings)
{
    memset(p, 0, sizeof *p);
    p->now_ms = now_ms;
    (void)snprintf(p->dir, sizeof p->dir, "/tmp/segs-pipeline-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(p->dir));
    start(p, settings);
}

void pipeline_restart(struct pipeline *p, const char *const *settings)
{
    stop(p);
    start(p, settings);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void pipeline_close(struct pipeline *p)
{
    stop(p);
    (void)nftw(p->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

struct segs_reading pipeline_reading(const char *meter_id, const char *region, int64_t ts_ms,
                                     int64_t power_micro_kw)
{
    struct segs_reading reading;

    memset(&reading, 0, sizeof reading);
    (void)snprintf(reading.meter_id, sizeof reading.meter_id, "%s", meter_id);
    (void)snprintf(reading.region, sizeof reading.region, "%s", region);
    reading.ts_ms = ts_ms;
    reading.power_micro_kw = power_micro_kw;
    reading.energy_micro_kwh = power_micro_kw / 360;
    reading.voltage_milli_v = 230000;
    reading.present = SEGS_HAS_POWER | SEGS_HAS_ENERGY | SEGS_HAS_VOLTAGE | SEGS_HAS_REGION;
    return reading;
}

static void produce(struct pipeline *p, struct rt_bus_record *records, size_t n)
{
    struct segs_error err = { 0 };

    must(rt_bus_produce(p->app.bus, RT_TOPIC_RAW, records, n, 30000, &err), &err, "produce");
}

void pipeline_send(struct pipeline *p, const struct segs_reading *readings, size_t n)
{
    struct rt_bus_record *records = calloc(n, sizeof *records);
    char *texts = malloc(n * SEGS_READING_JSON_MAX_BYTES);

    ck_assert_ptr_nonnull(records);
    ck_assert_ptr_nonnull(texts);
    for (size_t i = 0; i < n; i++) {
        char *text = texts + i * SEGS_READING_JSON_MAX_BYTES;

        ck_assert_int_eq(segs_reading_encode(&readings[i], text, SEGS_READING_JSON_MAX_BYTES,
                                             &records[i].value_len),
                         0);
        records[i].key = readings[i].meter_id;
        records[i].key_len = strlen(readings[i].meter_id);
        records[i].value = text;
        records[i].partition = -1;
        records[i].ts_ms = p->now_ms;
    }
    produce(p, records, n);
    free(texts);
    free(records);
}

void pipeline_send_text(struct pipeline *p, const char *meter_id, const char *value)
{
    struct rt_bus_record record = { .key = meter_id,
                                    .key_len = strlen(meter_id),
                                    .value = value,
                                    .value_len = strlen(value),
                                    .partition = -1,
                                    .ts_ms = p->now_ms };

    produce(p, &record, 1);
}

static int64_t end_of_log(struct pipeline *p)
{
    int32_t n = 0;
    int64_t sum = 0;

    ck_assert_int_eq(rt_bus_topic_partitions(p->app.bus, RT_TOPIC_RAW, &n, NULL), 0);
    for (int32_t i = 0; i < n; i++) {
        int64_t first = 0;
        int64_t end = 0;

        ck_assert_int_eq(rt_bus_offsets(p->app.bus, RT_TOPIC_RAW, i, &first, &end, NULL), 0);
        sum += end;
    }
    return sum;
}

void pipeline_drain(struct pipeline *p)
{
    pipeline_await(p, "SELECT sum(next_offset) FROM stream_offsets", end_of_log(p));
}

void pipeline_await(struct pipeline *p, const char *sql, int64_t want)
{
    int64_t got = INT64_MIN;

    for (int i = 0; i < 2000; i++) {
        got = pipeline_int(p, sql);
        if (got == want)
            return;
        rt_sleep_ms(5);
    }
    ck_abort_msg("%s: expected %" PRId64 ", found %" PRId64, sql, want, got);
}

int64_t pipeline_int(struct pipeline *p, const char *sql)
{
    struct segs_error err = { 0 };
    struct rt_db_conn *conn = NULL;
    int64_t value = INT64_MIN;
    int r;

    must(rt_db_acquire(p->app.db, RT_DB_READ, 10000, &conn, &err), &err, "connection");
    r = rt_db_query_int(conn, sql, NULL, 0, &value, &err);
    rt_db_release(conn);
    if (r != SEGS_ENOTFOUND)
        must(r, &err, sql);
    return value;
}

void pipeline_exec(struct pipeline *p, const char *sql)
{
    struct segs_error err = { 0 };
    struct rt_db_conn *conn = NULL;

    must(rt_db_acquire(p->app.db, RT_DB_WRITE, 10000, &conn, &err), &err, "connection");
    must(rt_db_begin(conn, &err), &err, "begin");
    must(rt_db_exec(conn, sql, NULL, 0, NULL, &err), &err, sql);
    must(rt_db_commit(conn, &err), &err, "commit");
    rt_db_release(conn);
}

char *pipeline_dump(struct pipeline *p, const char *sql)
{
    struct segs_error err = { 0 };
    struct rt_buf text = RT_BUF_INIT;
    struct rt_db_conn *conn = NULL;
    struct rt_db_rows *rows = NULL;
    int r;

    must(rt_db_acquire(p->app.db, RT_DB_READ, 10000, &conn, &err), &err, "connection");
    must(rt_db_query(conn, sql, NULL, 0, &rows, &err), &err, sql);
    while ((r = rt_db_next(rows, &err)) > 0) {
        const char *value = rt_db_str(rows, 0, NULL);

        rt_buf_text(&text, value ? value : "NULL");
        rt_buf_text(&text, "\n");
    }
    must(r, &err, sql);
    rt_db_rows_free(rows);
    rt_db_release(conn);
    return text.data;
}

static size_t count_in_partition(struct pipeline *p, struct rt_bus_consumer *consumer,
                                 const char *topic, int32_t partition, const char *text)
{
    struct rt_bus_batch batch = { NULL, 0, NULL };
    struct segs_error err = { 0 };
    size_t n = 0;

    (void)p;
    must(rt_bus_seek(consumer, topic, partition, 0, &err), &err, "seek");
    do {
        must(rt_bus_fetch(consumer, topic, partition, 1000, 100, &batch, &err), &err, "fetch");
        for (size_t i = 0; i < batch.n; i++) {
            char *value = strndup(batch.messages[i].value, batch.messages[i].value_len);

            ck_assert_ptr_nonnull(value);
            n += strstr(value, text) != NULL;
            free(value);
        }
    } while (batch.n > 0);
    rt_bus_batch_free(&batch);
    return n;
}

static void ignore(const char *topic, int32_t partition, void *user)
{
    (void)topic;
    (void)partition;
    (void)user;
}

size_t pipeline_count_events(struct pipeline *p, const char *topic, const char *text)
{
    struct rt_bus_consumer_options options = { .group = "test",
                                               .topics = &topic,
                                               .n_topics = 1,
                                               .on_assigned = ignore,
                                               .on_revoked = ignore,
                                               .on_lost = ignore };
    struct segs_error err = { 0 };
    struct rt_bus_consumer *consumer = NULL;
    int32_t n_partitions = 0;
    size_t n = 0;

    pipeline_await(p, "SELECT count(*) FROM outbox", 0);
    must(rt_bus_topic_partitions(p->app.bus, topic, &n_partitions, &err), &err, topic);
    must(rt_bus_consumer_open(p->app.bus, &options, &consumer, &err), &err, "consumer");
    must(rt_bus_consumer_poll(consumer, 100, &err), &err, "poll");
    for (int32_t i = 0; i < n_partitions; i++)
        n += count_in_partition(p, consumer, topic, i, text);
    rt_bus_consumer_close(consumer);
    return n;
}
