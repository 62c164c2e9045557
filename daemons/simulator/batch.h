/* Readings that travel together: encoded as one JSON array, with what is needed to keep the books
 * beside each element.
 *
 * Thread rule: one thread at a time; copies of one reading in different batches are settled
 * safely. */
#ifndef SIMULATOR_BATCH_H
#define SIMULATOR_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <segs/reading.h>

#include "runtime/buf.h"
#include "simulator/account.h"

enum sim_kind { SIM_FIRST = 0, SIM_COPY = 1, SIM_CORRUPT = 2 };

/* A reading and its copy may travel in different batches, and either may be what arrives: whichever
 * is accepted first counts the reading. */
struct sim_pair;
struct sim_pair *sim_pair_new(void); /* One reference; NULL: no memory. */
struct sim_pair *sim_pair_ref(struct sim_pair *pair);
void sim_pair_unref(struct sim_pair *pair);

struct sim_element {
    struct sim_pair *pair; /* Owned reference, or NULL. */
    int64_t meter;
    uint32_t offset; /* Of its text in the body. */
    uint32_t len;
    uint8_t kind;  /* enum sim_kind */
    bool rejected; /* Set by the target for each element it named as bad. */
    bool stored;   /* The target has it for certain; it need not be sent again. */
};

struct sim_batch {
    struct rt_buf body;
    struct sim_element *elements;
    size_t n;
    size_t cap;
    int64_t due_ms; /* When its last reading is due, on the readings' own time scale. */
};

int sim_batch_new(size_t cap, struct sim_batch **ret);
void sim_batch_free(struct sim_batch *batch);

void sim_batch_begin(struct sim_batch *batch); /* Empty it, keep its memory. */
/* SEGS_EFULL: `cap` elements are in there; SEGS_ENOMEM. The pair stays the caller's; the batch takes
 * a reference of its own. */
int sim_batch_add(struct sim_batch *batch, enum sim_kind kind, int64_t meter,
                  const struct segs_reading *reading, struct sim_pair *pair);
int sim_batch_add_corrupt(struct sim_batch *batch, int64_t meter,
                          const struct segs_reading *reading, uint32_t corruption);
int sim_batch_end(struct sim_batch *batch); /* 0 or SEGS_ENOMEM. */

/* The batch was answered: add what that means to *counts. */
void sim_batch_settle(struct sim_batch *batch, struct sim_counts *counts);
/* It is given up, but some of it is stored: add these alone. Returns how many there are. */
int64_t sim_batch_settle_stored(struct sim_batch *batch, struct sim_counts *counts);

#endif
