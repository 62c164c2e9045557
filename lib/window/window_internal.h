/* The window object, for lib/window/ only. */
#ifndef SEGS_WINDOW_INTERNAL_H
#define SEGS_WINDOW_INTERNAL_H

#include <segs/fixed.h>
#include <segs/window.h>

#include "base/base_internal.h"
#include "window/rowset.h"

#define SEGS__TIME_MAX_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

enum segs__take {
    SEGS__TAKE_NONE,     /* `taken` is empty */
    SEGS__TAKE_OPEN,     /* begun; `taken` is being read */
    SEGS__TAKE_RETURNED, /* aborted; `taken` belongs to the next take */
};

struct segs_window {
    struct segs__row_limits limits;
    int64_t lateness_ms;
    int64_t interval_ms;
    int64_t max_future_ms;
    int64_t retain_ms;
    int64_t watermark_ms;
    uint32_t slot_ms;
    uint32_t max_meters;
    int32_t mode;
    enum segs__take take;

    struct segs__rowset rows;  /* whole rows; empty in DELTAS_ONLY mode */
    struct segs__rowset fresh; /* deltas since the last begin */
    struct segs__rowset taken; /* deltas of the take in progress, or of an aborted one */
    struct segs__row_cursor take_cursor;

    /* What came to rows already handed out: differences being handed out now (a handed-out one has
     * revision 1) and those of the round after. */
    struct segs__rowset late_out;
    struct segs__rowset late_fresh;
    struct segs__row_cursor late_cursor;

    struct segs__row_cursor close_cursor; /* no unpublished row of a closed window lies before it */
};

static inline bool segs__window_is_closed(const struct segs_window *window, int64_t start_ms,
                                          int64_t watermark_ms)
{
    return start_ms + window->limits.width_ms <= watermark_ms;
}

/* Release whole rows that are beyond retain_ms and owe nobody anything. */
void segs__window_forget(struct segs_window *window);

/* sum / count for a positive count, ties to even. */
static inline int64_t segs__average(int64_t sum, uint32_t count)
{
    int64_t result = 0;
    /* A quotient by a positive integer always fits. */
    (void)segs_mul_div(sum, 1, (int64_t)count, SEGS_ROUND_HALF_EVEN, &result);
    return result;
}

#endif
