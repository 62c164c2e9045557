/* The audit: the log against the tables. Recomputes every row from the readings in the log with simple code of its own, so that a mistake
 * of the stream processor cannot excuse itself.
 *
 * What is compared, all of it in one snapshot of the database and up to the offset each partition had committed in it:
 *   log against raw_readings   each counted reading is there once, with its values and fingerprint, and none besides
 *   log against aggregates_1m  every column of every row
 *   raw_readings against aggregates_1m  the same, also for windows whose part of the log is gone
 *   aggregates_1m against aggregates_15m and regional_aggregates, closed windows only
 *   counters of stream_offsets against what was found
 *
 * Readings are sorted in slices of event time, so that memory stays bounded whatever the log holds. One thread. */
#ifndef SEGS_AUDIT_H
#define SEGS_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include "segs/audit_sum.h"

struct rt_bus;
struct rt_db;

struct audit_options {
    /* Reporting intervals that readings without energy may have been multiplied with. */
    int64_t intervals_ms[AUDIT_INTERVALS_MAX];
    int n_intervals;
    int64_t max_future_skew_ms; /* How far ahead of its arrival a reading may have been. */
    size_t max_readings;        /* Readings in memory at once; 0: 4 million, that is 256 MiB. */
};

/* One thing that is not as it should be. */
struct audit_difference {
    const char *
        what; /* "raw_readings", "aggregates_1m", "aggregates_15m", "regional_aggregates", "stream_offsets", "log". */
    const char
        *field; /* Column or counter, or "row" when the whole row is missing or superfluous. */
    const char *meter;       /* Meter id or region, "" when there is none. */
    int64_t window_start_ms; /* -1: none. */
    int64_t expected;        /* What the log (or the narrower table) says. */
    int64_t found;           /* What the table says. */
    int64_t offset;          /* Message of the log, -1: none. */
    int32_t partition;       /* -1: all. */
};
typedef void(audit_report_fn)(const struct audit_difference *difference, void *user);

struct audit_result {
    int64_t n_messages;    /* Of the log that were processed and are still there. */
    int64_t n_readings;    /* Counted ones: rows of raw_readings. */
    int64_t n_duplicates;  /* Found in the log. */
    int64_t n_quarantined; /* Found in the log. */
    int64_t n_rows;        /* Rows of aggregates_1m. */
    int64_t n_quarters;    /* Rows of aggregates_15m. */
    int64_t n_regional;    /* Rows of regional_aggregates. */
    int64_t
        n_left_out;    /* Rows of aggregates_1m whose part of the log retention may have dropped. */
    int64_t n_dropped; /* Messages that retention dropped. */
    int64_t n_skipped; /* Messages among them that were never processed. */
    int64_t n_pending; /* Messages of the log that are not processed yet. */
    int64_t energy_micro_kwh;
    int64_t n_differences;
};

/* 0 when everything could be compared, however it came out; otherwise why not. Works on a read-only bus and database. */
int audit_run(struct rt_bus *bus, struct rt_db *db, const struct audit_options *options,
              audit_report_fn *report, void *user, struct audit_result *ret,
              struct segs_error *reterr);

#endif
