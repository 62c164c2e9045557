/* The stream processor on the embedded engines in a folder of its own, fed by the test and judged by what the tables hold. The clock is
 * the test's. */
#ifndef PIPELINE_SUPPORT_H
#define PIPELINE_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <segs/reading.h>

#include "runtime/service.h"

struct pipeline {
    struct rt_config *config;
    struct rt_app app;
    void *stream;
    _Atomic int64_t now_ms; /* Set by the test while threads read it. */
    char dir[64];
};

/* `settings`: name, value, ..., NULL; on top of two partitions and quick checkpoints. Fails the test when it cannot. */
void pipeline_open(struct pipeline *p, int64_t now_ms, const char *const *settings);
void pipeline_close(struct pipeline *p); /* And remove the folder. */
/* Stop and start again on the same folder. */
void pipeline_restart(struct pipeline *p, const char *const *settings);

/* A reading of power, its energy over 10 s, and 230 V. */
struct segs_reading pipeline_reading(const char *meter_id, const char *region, int64_t ts_ms,
                                     int64_t power_micro_kw);

void pipeline_send(struct pipeline *p, const struct segs_reading *readings, size_t n);
void pipeline_send_text(struct pipeline *p, const char *meter_id, const char *value);

/* Wait until everything in the log has been processed. */
void pipeline_drain(struct pipeline *p);
/* Wait until the query gives `want`, at most 10 s; fails the test otherwise. */
void pipeline_await(struct pipeline *p, const char *sql, int64_t want);

int64_t pipeline_int(struct pipeline *p, const char *sql); /* NULL and no row: INT64_MIN. */
/* Every row of the query as text, to compare or print; freed by the caller. */
char *pipeline_dump(struct pipeline *p, const char *sql);
void pipeline_exec(struct pipeline *p, const char *sql);

/* Number of messages in a topic whose value contains the text. */
size_t pipeline_count_events(struct pipeline *p, const char *topic, const char *text);

#endif
