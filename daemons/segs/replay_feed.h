/* Readings in batches to where they go: into the log of this process, or over HTTP to a running SEGS. Each reading is judged as ingestion
 * judges it. One thread. */
#ifndef SEGS_REPLAY_FEED_H
#define SEGS_REPLAY_FEED_H

#include <stddef.h>
#include <stdint.h>

#include <segs/reading.h>
#include <segs/validate.h>

#include "ingestion/registry.h"
#include "runtime/buf.h"
#include "runtime/bus/bus.h"
#include "runtime/httpc.h"

#define FEED_BATCH 4096

/* A row that was refused after it had been taken: by the running SEGS. */
typedef void(feed_refused_fn)(int64_t line, const char *field, const char *message, void *user);

struct feed {
    struct rt_bus *bus; /* Into the log, or NULL. */
    char url[512];      /* Of the intake, without bus. */
    char authorization[320];
    struct rt_httpc *http;
    struct rt_httpc_response response;
    struct segs_policy *policy;
    struct registry *registry; /* NULL over HTTP: the intake knows. */
    uint32_t unregistered_flags;
    struct rt_buf bytes;
    struct rt_bus_record *records;
    size_t *starts; /* Two per record: key, value. */
    int64_t *lines;
    size_t n;
    int64_t n_taken;
    int64_t n_refused;
    int64_t n_duplicates; /* Found by the intake within one batch. */
    int64_t max_ts_ms;    /* Of all readings taken; INT64_MIN: none. */
    feed_refused_fn *on_refused;
    void *user;
};

/* `bus` with `db` (for the registry of meters), or `url` of the intake ("http://127.0.0.1:3001") with an ingest key or NULL. */
int feed_open_bus(struct feed *feed, struct rt_bus *bus, struct rt_db *db,
                  uint32_t unregistered_flags, struct segs_error *reterr);
int feed_open_url(struct feed *feed, const char *url, const char *key, struct segs_error *reterr);
void feed_close(struct feed *feed);

/* 0 taken, 1 refused (reterr says by which rule), or a failure. Sends when a batch is full. */
int feed_add(struct feed *feed, const struct segs_reading *reading, int64_t line,
             struct segs_error *reterr);
/* Send what is left; when it returns 0 everything is durable where it went. */
int feed_flush(struct feed *feed, struct segs_error *reterr);

#endif
