/* Shared by audit*.c. */
#ifndef SEGS_AUDIT_INTERNAL_H
#define SEGS_AUDIT_INTERNAL_H

#include <stdbool.h>

#include <segs/intern.h>

#include "runtime/bus/bus.h"
#include "runtime/db/db.h"
#include "segs/audit.h"

/* All of event time. */
#define AUDIT_BEGINNING INT64_MIN
#define AUDIT_END INT64_MAX

/* What the snapshot says of a partition, and what was found in its log. */
struct audit_partition {
    int64_t fence; /* First message that is not processed. */
    int64_t closed_1m_ms;
    int64_t closed_15m_ms;
    int64_t n_read;
    int64_t n_counted;
    int64_t n_duplicate;
    int64_t n_quarantined;
    int64_t n_skipped;
    int64_t covered_from_ms; /* Windows from here on have all their readings in the log. */
    int64_t log_first;
    int64_t log_end;
    int64_t found_quarantined;
    int64_t found_duplicates;
    int64_t found_counted; /* Rows of raw_readings. */
};

struct audit {
    struct rt_bus *bus;
    struct rt_db_conn *conn;
    const struct audit_options *options;
    audit_report_fn *report;
    void *user;
    struct audit_result *result;
    struct audit_partition *partitions;
    int32_t n_partitions;
    struct rt_bus_consumer *consumer;
    struct segs_intern *meters; /* Slot i: the meter of keys[i]. */
    int64_t *keys;
    int64_t max_meter_key;
    int64_t max_region_key;
    /* The slice: readings with from_ms <= ts_ms < until_ms, by (window, partition, meter, slot, offset). */
    struct audit_record *records;
    size_t n_records;
    size_t cap_records;
    size_t max_records;
    int64_t from_ms;
    int64_t until_ms;
};

/* Report one difference; `difference` is complete but for being counted. */
void audit_difference(struct audit *audit, const struct audit_difference *difference);
/* Id of a meter or name of a region, for a report; "" when there is none. */
void audit_meter_name(struct audit *audit, int64_t meter_key, char *buf, size_t size);
void audit_region_name(struct audit *audit, int64_t region_key, char *buf, size_t size);

/* ---- audit_log.c ---- */

/* Read the log from the beginning of event time audit->from_ms, and as far as memory allows: audit->until_ms says where the slice ends.
 * The first call also counts and checks what is not about single windows. */
int audit_read_slice(struct audit *audit, struct segs_error *reterr);

/* ---- audit_rows.c ---- */

struct audit_pass;
int audit_pass_new(struct audit *audit, struct audit_pass **ret, struct segs_error *reterr);
/* Compare all windows of the slice with the tables. Slices come in the order of time, without gaps. */
int audit_pass_slice(struct audit_pass *pass, struct segs_error *reterr);
/* Compare what is left behind the last slice. */
int audit_pass_end(struct audit_pass *pass, struct segs_error *reterr);
void audit_pass_free(struct audit_pass *pass);

static inline int64_t audit_floor(int64_t ts_ms, int64_t width_ms)
{
    return ts_ms - ts_ms % width_ms;
}

#endif
