/* The meters one partition has met: id -> dense slot (segs_intern), slot -> keys of the database. A meter's keys are looked up, and
 * the meter and its region are entered on first sight, before the checkpoint that first needs them. One thread. */
#ifndef STREAM_METERS_H
#define STREAM_METERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <segs/intern.h>
#include <segs/reading.h>

#include "runtime/db/db.h"

struct meter {
    int64_t meter_key; /* 0: not resolved yet. */
    int64_t region_key;
    bool unassigned; /* Its region is not known: the first reading that names one settles it. */
    bool is_listed;  /* Has been put among the newcomers, also if their resolution failed since. */
};

struct newcomer {
    uint32_t slot;
    char region[SEGS_ID_BYTES];
};

struct meters {
    struct segs_intern *intern;
    struct meter *by_slot;
    size_t cap;
    struct newcomer *newcomers; /* Seen, but their keys or region are still to be looked up. */
    size_t n_newcomers;
    size_t cap_newcomers;
};

int meters_init(struct meters *meters, uint32_t max_meters, struct segs_error *reterr);
void meters_free(struct meters *meters);

/* The slot of the reading's meter. SEGS_EFULL beyond max_meters, SEGS_ENOMEM. */
int meters_see(struct meters *meters, const struct segs_reading *reading, uint32_t *ret_slot);

/* Resolve all newcomers in a transaction of its own; harmless to repeat. */
int meters_resolve(struct meters *meters, struct rt_db_conn *conn, int64_t now_ms,
                   struct segs_error *reterr);

const struct meter *meters_get(const struct meters *meters, uint32_t slot);

/* The key of a region, entered if it is new. Inside a transaction. */
int region_ensure(struct rt_db_conn *conn, const char *name, int64_t *ret_key,
                  struct segs_error *reterr);

#endif
