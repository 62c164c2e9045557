/* The stream processor: readings from the log into closed windows. See docs/architecture.md. */
#ifndef STREAM_SERVICE_H
#define STREAM_SERVICE_H

#include "runtime/service.h"

extern const struct rt_service segs_stream_processor_service;

/* ---- For programs that start the service themselves and feed the log (segs replay) ----
 *
 * `state` is what the service's start returned. Thread-safe between start and stop. */

/* Sums over the partitions, as committed. */
struct stream_progress {
    int64_t lag; /* Messages in the log that are not processed yet. */
    int64_t n_counted;
    int64_t n_duplicate;
    int64_t n_quarantined;
    int64_t n_skipped;
    int64_t
        closed_until_ms; /* Every partition has closed its minutes up to here; INT64_MIN: not yet. */
    int32_t n_partitions;
    int32_t n_tasks; /* Partitions that are being processed. */
    int failure;     /* 0, or the code that keeps a partition's checkpoints from succeeding. */
    char failure_text[256];
};
void segs_stream_processor_progress(void *state, struct stream_progress *ret);

/* The log holds everything before `until_ms` of event time: every partition, also one that got nothing, closes its windows up to
 * there as soon as it has read the log to its end. Ends HOLD_WINDOWS. */
void segs_stream_processor_complete(void *state, int64_t until_ms);

/* Close the regional windows that all partitions have closed; to be called once closed_until_ms is what was asked for. */
int segs_stream_processor_close_regions(void *state, struct segs_error *reterr);

#endif
