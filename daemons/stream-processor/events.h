/* Events about windows. A correction is written whole into the outbox; a close only names the window, and the relay publishes its rows
 * as they stand when it gets there: consumers go by (key, revision), so seeing a newer revision first changes nothing. */
#ifndef STREAM_EVENTS_H
#define STREAM_EVENTS_H

#include <segs/rollup.h>

#include "runtime/buf.h"
#include "stream-processor/checkpoint.h"

int event_correction_1m(struct checkpoint *ck, const char *meter_id, int64_t region_key,
                        const struct segs_window_row *row, const struct segs_window_row *difference,
                        struct segs_error *reterr);
int event_correction_15m(struct checkpoint *ck, const char *meter_id, int64_t region_key,
                         const struct segs_rollup_row *row,
                         const struct segs_window_row *difference, struct segs_error *reterr);
int event_correction_region(struct checkpoint *ck, int64_t region_key, int64_t width_ms,
                            const struct segs_region_row *row, struct segs_error *reterr);

/* The text of one published event. `difference` is NULL unless it is a correction. */
void event_row_json(struct rt_buf *buf, const char *meter_id, const char *region,
                    const struct segs_window_row *row, const struct segs_window_row *difference,
                    int64_t interval_ms);
void event_rollup_json(struct rt_buf *buf, const char *meter_id, const char *region,
                       const struct segs_rollup_row *row, const struct segs_window_row *difference,
                       int64_t interval_ms);
void event_region_json(struct rt_buf *buf, const char *region, const struct segs_region_row *row,
                       int64_t width_ms, bool correction);

#endif
