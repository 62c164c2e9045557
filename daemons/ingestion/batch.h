/* One request's readings on their way to the log: decoded, validated and encoded one by one, so that a bad one never costs a good one,
 * then appended with one wait. Reused from request to request. */
#ifndef INGESTION_BATCH_H
#define INGESTION_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include <segs/decode.h>
#include <segs/reading.h>
#include <segs/validate.h>

#include "ingestion/registry.h"
#include "runtime/buf.h"
#include "runtime/bus/bus.h"
#include "runtime/json.h"

/* What is the same for all requests. */
struct intake {
    struct segs_policy *policy;
    struct registry *registry;
    int64_t max_readings;
    uint32_t unregistered_flags; /* SEGS_METER_* of meters the registry does not know. */
};

struct batch {
    struct segs_decoder *decoder;
    struct rt_buf bytes; /* Keys and values of the records, by offset until sending. */
    struct rt_bus_record *records;
    size_t *starts; /* Two per record: key, value. */
    struct segs_fingerprint
        *seen;            /* Open addressing over the payload's fingerprint; all zero: free. */
    size_t n_seen;        /* Size of that table, a power of two. */
    struct rt_buf errors; /* Members of the errors array. */
    struct rt_json_out errors_out;
    size_t n;
    size_t cap;
    int64_t n_duplicates;
    int64_t n_rejected;
    bool
        has_json_error; /* An element that is not JSON at all, as opposed to JSON that is no reading. */
};

int batch_new(const struct intake *intake, struct batch **ret);
void batch_free(struct batch *batch);

/* Take a whole body. `meter_prefix`: only meters whose id begins with it may be in there. 0, or SEGS_ENOMEM. */
int batch_read(struct batch *batch, const struct intake *intake, const char *body, size_t len,
               const char *meter_prefix);

/* Append what was taken to the log; as rt_bus_produce. */
int batch_send(struct batch *batch, struct rt_bus *bus, const char *traceparent, int64_t timeout_ms,
               struct segs_error *reterr);

#endif
