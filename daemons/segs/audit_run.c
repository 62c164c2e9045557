/* The audit as a whole: snapshot, slices, counters. */
#include "segs/audit_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/schema/schema.h"

#define RECORDS_DEFAULT ((size_t)4 << 20)
#define METERS_MAX (UINT32_C(1) << 26)

/* clang-format off */
static const char partitions_sql[] =
    "SELECT partition, next_offset, closed_1m_ms, closed_15m_ms, n_read, n_counted, n_duplicate, n_quarantined,"
    " n_skipped FROM stream_offsets WHERE topic = $1";
static const char meters_sql[] = "SELECT meter_id, meter_key FROM meters ORDER BY meter_key";
static const char max_region_sql[] = "SELECT max(region_key) FROM regions";
static const char max_meter_sql[] = "SELECT max(meter_key) FROM meters";
static const char meter_name_sql[] = "SELECT meter_id FROM meters WHERE meter_key = $1";
static const char region_name_sql[] = "SELECT name FROM regions WHERE region_key = $1";
/* clang-format on */

/* ---- Reports ---- */

void audit_difference(struct audit *audit, const struct audit_difference *difference)
{
    audit->result->n_differences++;
    audit->report(difference, audit->user);
}

static void name_of(struct audit *audit, const char *sql, int64_t key, char *buf, size_t size)
{
    struct rt_db_value param = RT_DB_I(key);
    struct rt_db_rows *rows = NULL;

    (void)snprintf(buf, size, "#%lld", (long long)key);
    if (rt_db_query(audit->conn, sql, &param, 1, &rows, NULL) == 0 && rt_db_next(rows, NULL) > 0)
        (void)snprintf(buf, size, "%s", rt_db_str(rows, 0, NULL));
    rt_db_rows_free(rows);
}

void audit_meter_name(struct audit *audit, int64_t meter_key, char *buf, size_t size)
{
    name_of(audit, meter_name_sql, meter_key, buf, size);
}

void audit_region_name(struct audit *audit, int64_t region_key, char *buf, size_t size)
{
    name_of(audit, region_name_sql, region_key, buf, size);
}

/* ---- Snapshot ---- */

static int64_t or_none(const struct rt_db_rows *rows, int column)
{
    return rt_db_is_null(rows, column) ? INT64_MIN : rt_db_int(rows, column);
}

static int load_partitions(struct audit *audit, struct segs_error *reterr)
{
    struct rt_db_value topic = rt_db_text(RT_TOPIC_RAW);
    struct rt_db_rows *rows = NULL;
    int r = rt_bus_topic_partitions(audit->bus, RT_TOPIC_RAW, &audit->n_partitions, reterr);

    if (r < 0)
        return r;
    audit->partitions = calloc((size_t)audit->n_partitions, sizeof *audit->partitions);
    if (!audit->partitions)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the partitions");
    for (int32_t i = 0; i < audit->n_partitions; i++) {
        audit->partitions[i].closed_1m_ms = INT64_MIN;
        audit->partitions[i].closed_15m_ms = INT64_MIN;
        audit->partitions[i].covered_from_ms = INT64_MIN;
    }
    r = rt_db_query(audit->conn, partitions_sql, &topic, 1, &rows, reterr);
    while (r >= 0 && (r = rt_db_next(rows, reterr)) > 0) {
        int64_t number = rt_db_int(rows, 0);
        struct audit_partition *p;

        if (number < 0 || number >= audit->n_partitions) {
            r = rt_fail(reterr, SEGS_ECONFLICT, "partition",
                        "progress of partition %lld, but the log has %d partitions",
                        (long long)number, audit->n_partitions);
            break;
        }
        p = &audit->partitions[number];
        p->fence = rt_db_int(rows, 1);
        p->closed_1m_ms = or_none(rows, 2);
        p->closed_15m_ms = or_none(rows, 3);
        p->n_read = rt_db_int(rows, 4);
        p->n_counted = rt_db_int(rows, 5);
        p->n_duplicate = rt_db_int(rows, 6);
        p->n_quarantined = rt_db_int(rows, 7);
        p->n_skipped = rt_db_int(rows, 8);
    }
    rt_db_rows_free(rows);
    return r < 0 ? r : 0;
}

static int add_meter(struct audit *audit, const char *id, size_t len, int64_t key, size_t *cap)
{
    uint32_t slot = 0;
    int r = segs_intern_add(audit->meters, id, len, &slot);

    if (r < 0)
        return r;
    if (slot >= *cap) {
        size_t grown_cap = *cap ? *cap * 2 : 1024;
        int64_t *grown = realloc(audit->keys, grown_cap * sizeof *grown);

        if (!grown)
            return SEGS_ENOMEM;
        audit->keys = grown;
        *cap = grown_cap;
    }
    audit->keys[slot] = key;
    return 0;
}

static int load_meters(struct audit *audit, struct segs_error *reterr)
{
    struct segs_intern_options options = SEGS_INTERN_OPTIONS_INIT;
    struct rt_db_rows *rows = NULL;
    size_t cap = 0;
    int r;

    options.max_ids = METERS_MAX;
    r = segs_intern_new(&options, &audit->meters);
    if (r == 0)
        r = rt_db_query(audit->conn, meters_sql, NULL, 0, &rows, reterr);
    while (r >= 0 && (r = rt_db_next(rows, reterr)) > 0) {
        size_t len = 0;
        const char *id = rt_db_str(rows, 0, &len);

        r = add_meter(audit, id, len, rt_db_int(rows, 1), &cap);
        if (r < 0)
            (void)rt_fail(reterr, r, "meter_id", "cannot take up meter %s", id);
    }
    rt_db_rows_free(rows);
    return r;
}

/* The largest key of a table, 0 when it is empty. */
static int largest(struct audit *audit, const char *sql, int64_t *ret, struct segs_error *reterr)
{
    int r = rt_db_query_int(audit->conn, sql, NULL, 0, ret, reterr);

    if (r == SEGS_ENOTFOUND) {
        *ret = 0;
        r = 0;
    }
    return r;
}

static int open_consumer(struct audit *audit, struct segs_error *reterr)
{
    static const char *const topics[] = { RT_TOPIC_RAW };
    struct rt_bus_consumer_options options = { .group = "audit", .topics = topics, .n_topics = 1 };
    int r = rt_bus_consumer_open(audit->bus, &options, &audit->consumer, reterr);

    return r < 0 ? r : rt_bus_consumer_poll(audit->consumer, 0, reterr);
}

static int open_snapshot(struct audit *audit, struct rt_db *db, struct segs_error *reterr)
{
    int r = rt_db_acquire(db, RT_DB_READ, 30000, &audit->conn, reterr);

    if (r == 0)
        r = rt_db_begin(audit->conn, reterr);
    if (r == 0)
        r = load_partitions(audit, reterr);
    if (r == 0)
        r = load_meters(audit, reterr);
    if (r == 0)
        r = largest(audit, max_meter_sql, &audit->max_meter_key, reterr);
    if (r == 0)
        r = largest(audit, max_region_sql, &audit->max_region_key, reterr);
    if (r == 0)
        r = open_consumer(audit, reterr);
    return r;
}

/* ---- Counters ---- */

static void check_counter(struct audit *audit, int32_t partition, const char *field,
                          int64_t expected, int64_t found)
{
    struct audit_difference difference = { .what = "stream_offsets",
                                           .field = field,
                                           .meter = "",
                                           .window_start_ms = -1,
                                           .expected = expected,
                                           .found = found,
                                           .offset = -1,
                                           .partition = partition };

    if (expected != found)
        audit_difference(audit, &difference);
}

static void check_counters(struct audit *audit)
{
    struct audit_result *result = audit->result;

    for (int32_t i = 0; i < audit->n_partitions; i++) {
        const struct audit_partition *p = &audit->partitions[i];
        bool is_whole = p->log_first == 0;

        check_counter(audit, i, "n_read", p->n_counted + p->n_duplicate + p->n_quarantined,
                      p->n_read);
        check_counter(audit, i, "next_offset", p->n_read + p->n_skipped, p->fence);
        check_counter(audit, i, "n_counted", p->found_counted, p->n_counted);
        if (is_whole)
            check_counter(audit, i, "n_quarantined", p->found_quarantined, p->n_quarantined);
        if (is_whole)
            check_counter(audit, i, "n_duplicate", p->found_duplicates, p->n_duplicate);
        result->n_duplicates += p->found_duplicates;
        result->n_quarantined += p->found_quarantined;
        result->n_dropped += p->log_first;
        result->n_skipped += p->n_skipped;
        result->n_pending += p->log_end > p->fence ? p->log_end - p->fence : 0;
    }
}

/* ---- Running ---- */

static int compare_all(struct audit *audit, struct segs_error *reterr)
{
    struct audit_pass *pass = NULL;
    int r = audit_pass_new(audit, &pass, reterr);

    audit->from_ms = AUDIT_BEGINNING;
    audit->until_ms = AUDIT_BEGINNING;
    while (r == 0 && audit->until_ms != AUDIT_END) {
        audit->from_ms = audit->until_ms;
        r = audit_read_slice(audit, reterr);
        if (r == 0)
            r = audit_pass_slice(pass, reterr);
    }
    if (r == 0)
        r = audit_pass_end(pass, reterr);
    audit_pass_free(pass);
    return r;
}

int audit_run(struct rt_bus *bus, struct rt_db *db, const struct audit_options *options,
              audit_report_fn *report, void *user, struct audit_result *ret,
              struct segs_error *reterr)
{
    struct audit audit = { .bus = bus,
                           .options = options,
                           .report = report,
                           .user = user,
                           .result = ret,
                           .max_records =
                               options->max_readings ? options->max_readings : RECORDS_DEFAULT };
    int r;

    memset(ret, 0, sizeof *ret);
    r = open_snapshot(&audit, db, reterr);
    if (r == 0)
        r = compare_all(&audit, reterr);
    if (r == 0)
        check_counters(&audit);
    if (audit.consumer)
        rt_bus_consumer_close(audit.consumer);
    rt_db_release(audit.conn);
    segs_intern_free(audit.meters);
    free(audit.keys);
    free(audit.records);
    free(audit.partitions);
    return r;
}
