/* One checkpoint of one partition: the transaction that moves the fence and makes everything before it true. Its steps stand in
 * merge.c (deltas into rows), close.c (windows that ended) and regional.c (all partitions together); they share this context. */
#ifndef STREAM_CHECKPOINT_H
#define STREAM_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include <segs/rollup.h>
#include <segs/window.h>

#include "runtime/db/db.h"
#include "stream-processor/meters.h"
#include "stream-processor/pending.h"

/* Not closed any window yet. */
#define NOT_CLOSED INT64_MIN

/* Windows closed in one transaction at most, so that catching up never makes a long one. */
#define CLOSES_PER_CHECKPOINT 60

/* A silent stretch longer than this gets no empty regional rows; closing goes on at the next row. */
#define SILENCE_MAX_MS INT64_C(86400000)

/* What stream_offsets holds of a partition. */
struct progress {
    int64_t next_offset;
    int64_t watermark_ms;  /* SEGS_WINDOW_NO_WATERMARK: none. */
    int64_t closed_1m_ms;  /* End of the last closed minute, or NOT_CLOSED. */
    int64_t closed_15m_ms; /* End of the last closed quarter of an hour, or NOT_CLOSED. */
    int64_t n_read;
    int64_t n_counted;
    int64_t n_duplicate;
    int64_t n_quarantined;
    int64_t n_skipped;
};

struct dirty_window {
    int64_t width_ms;
    int64_t window_start_ms;
    bool rebuild; /* Its partials must be summed anew from the rows. */
};

struct checkpoint {
    struct rt_db_conn *conn;
    const struct meters *meters;
    struct pending *pending;
    struct segs_window *scratch; /* Makes rows of single readings. */
    struct progress progress;    /* As it will stand after the commit. */
    struct dirty_window *dirty;  /* Closed windows whose regional sums a late reading changed. */
    size_t n_dirty;
    size_t cap_dirty;
    int64_t now_ms;
    int64_t interval_ms; /* Reporting interval, for the expected count of events. */
    int32_t partition;
    int32_t n_partitions;
    int64_t n_corrections;
    int64_t n_closed;
};

/* ---- merge.c ---- */

/* Take the window's deltas into aggregates_1m; resolve slots the rows hold already; correct what is closed. */
int merge_deltas(struct checkpoint *ck, struct segs_window *window, struct segs_error *reterr);
/* Append the readings that were counted to raw_readings and what was not to quarantine. */
int append_readings(struct checkpoint *ck, struct segs_error *reterr);
int append_rejects(struct checkpoint *ck, struct segs_error *reterr);

/* ---- close.c ---- */

/* Close the minutes, and the quarters that end with them, up to `until_ms`, at most CLOSES_PER_CHECKPOINT of them. */
int close_windows(struct checkpoint *ck, int64_t until_ms, struct segs_error *reterr);
/* Compute this partition's share of a window of the regions again, from its rows. */
int rebuild_partials(struct checkpoint *ck, int64_t width_ms, int64_t window_start_ms,
                     struct segs_error *reterr);
int put_partial(struct checkpoint *ck, int64_t width_ms, int64_t window_start_ms,
                int64_t region_key, const struct segs_region_row *row, struct segs_error *reterr);

/* ---- regional.c ---- */

/* Close the regional windows that every partition has closed. */
int close_regional(struct checkpoint *ck, int64_t width_ms, struct segs_error *reterr);
/* A meter's part in a closed window of its region has changed: `old_part` (meter_count 0: it is new) becomes `new_part`. Moves this
 * partition's partial by the difference and marks the window dirty. */
int replace_in_region(struct checkpoint *ck, int64_t width_ms, int64_t region_key,
                      const struct segs_region_row *old_part,
                      const struct segs_region_row *new_part, struct segs_error *reterr);
/* Carry the dirty windows into the regional rows, where those are closed. */
int correct_regional(struct checkpoint *ck, struct segs_error *reterr);

/* ---- events.c ---- */

int outbox_put_close(struct checkpoint *ck, const char *topic, int64_t width_ms,
                     int64_t window_start_ms, int32_t partition, struct segs_error *reterr);
int outbox_put_row(struct checkpoint *ck, const char *topic, const char *key, const char *payload,
                   struct segs_error *reterr);

static inline int64_t floor_to(int64_t ts_ms, int64_t width_ms)
{
    return ts_ms - ts_ms % width_ms;
}

#endif
