/* The stream processor in this process, for a replay: windows stay open until all is read, so that the order of the files does not
 * matter, and then close up to the end of the last quarter of an hour that has a reading. */
#ifndef SEGS_REPLAY_PIPELINE_H
#define SEGS_REPLAY_PIPELINE_H

#include <stdbool.h>

#include "runtime/service.h"
#include "stream-processor/service.h"

struct pipeline_totals {
    int64_t n_rows;     /* Of aggregates_1m. */
    int64_t n_quarters; /* Of aggregates_15m. */
    int64_t energy_micro_kwh;
    int64_t n_counted;
    int64_t n_duplicate;
    int64_t n_quarantined;
};

struct replay_pipeline {
    struct rt_app app;
    void *stream;
};

/* SEGS_ECONFLICT: another process works on the data folder. */
int replay_pipeline_open(struct replay_pipeline *pipeline, const struct rt_config *config,
                         const char *data_dir, struct segs_error *reterr);
void replay_pipeline_close(struct replay_pipeline *pipeline);

int replay_pipeline_totals(struct replay_pipeline *pipeline, struct pipeline_totals *ret,
                           struct segs_error *reterr);
/* Wait while the log is far ahead of the processor: retention by size must not overtake it. */
int replay_pipeline_keep_pace(struct replay_pipeline *pipeline, struct segs_error *reterr);
/* Called about every 100 ms while waiting; true ends the wait. */
typedef bool(replay_waiting_fn)(const struct stream_progress *progress, void *user);
/* Wait until everything in the log is processed, and close what ends up to the quarter of `last_ts_ms` (INT64_MIN: close nothing).
 * RT_ESTOPPING: `waiting` ended it. */
int replay_pipeline_finish(struct replay_pipeline *pipeline, int64_t last_ts_ms,
                           replay_waiting_fn *waiting, void *user, struct segs_error *reterr);

#endif
