/* What a partition task has read since its last checkpoint: the counted readings, and the messages to quarantine. Nothing in here is the
 * only copy of anything: a crash costs a second reading of the log. One thread. */
#ifndef STREAM_PENDING_H
#define STREAM_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <segs/reading.h>

struct pending_reading {
    struct segs_reading reading;
    struct segs_fingerprint hash;
    int64_t window_start_ms;
    int64_t offset;
    int64_t received_at_ms;
    uint32_t meter_slot;
    bool
        dropped; /* Set and cleared by a checkpoint: the store already holds a reading of this slot. */
};

struct pending_reject {
    int64_t offset;
    int64_t received_at_ms;
    int64_t ts_ms; /* 0 when the message holds none. */
    char *payload; /* NUL-terminated, owned. */
    char meter_id[SEGS_ID_BYTES];
    char rule[32];
    char field[96];
    char expected[96];
    char found[256];
};

struct pending {
    struct pending_reading *readings;
    size_t n;
    size_t cap;
    uint32_t *order; /* Of readings, by (window, meter slot, time); made by pending_sort(). */
    size_t cap_order;
    struct pending_reject *rejects;
    size_t n_rejects;
    size_t cap_rejects;
    int64_t n_duplicates;
    int64_t n_skipped; /* Messages that retention dropped before they were read. */
};

void pending_free(struct pending *pending);
void pending_clear(struct pending *pending);

/* Room for one more, not counted yet; NULL without memory. The caller fills it and adds one to n / n_rejects. */
struct pending_reading *pending_next(struct pending *pending);
struct pending_reject *pending_next_reject(struct pending *pending);

int pending_sort(struct pending *pending);

/* The readings of one (window, meter): positions [first, first + n) of order. Windows and meters ask in ascending order, so
 * *cursor, which starts at 0, only moves forward. */
size_t pending_group(const struct pending *pending, int64_t window_start_ms, uint32_t meter_slot,
                     size_t *cursor, size_t *ret_first);

#endif
