/* Readings in the order in which they are delivered, cut into batches. It reads no clock: each
 * batch says when it is due, and whoever sends it keeps time.
 *
 * Thread rule: one thread. */
#ifndef SIMULATOR_GENERATOR_H
#define SIMULATOR_GENERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "simulator/batch.h"
#include "simulator/faults.h"
#include "simulator/model.h"
#include "simulator/scenario.h"

/* When who reports. Cycle k begins at start + k * interval, whatever the cycles before it took;
 * spread, meter i reports at the same offset of each. */
struct sim_plan {
    int64_t start_ms;
    int64_t interval_ms;
    int64_t n_meters;
    int64_t iterations; /* 0: endless. */
    bool spread;
};
int64_t sim_plan_slot_ms(const struct sim_plan *plan, int64_t cycle, int64_t meter);

/* A batch that is not full waits no longer than this for more, so that few meters are not late.
 * Ours: short beside the lateness windows allow. */
#define SIM_LINGER_MS 250

struct sim_held; /* A reading or copy that is delivered later. */

struct sim_generator {
    struct sim_plan plan;
    const struct sim_model *model; /* Borrowed. */
    struct sim_fault_rates rates;
    struct sim_scenarios scenarios; /* In force for the next batch; the caller may change it. */
    struct sim_counts made;         /* Since the caller last cleared it. */
    int64_t cycle;
    int64_t meter;
    int64_t now_ms;        /* Delivery time reached. */
    struct sim_held *held; /* A heap, the next to be delivered first. */
    size_t n_held;
    size_t cap_held;
    bool ending; /* Make no more readings, hand out what is held. */
};

void sim_generator_init(struct sim_generator *generator, const struct sim_plan *plan,
                        const struct sim_model *model, const struct sim_fault_rates *rates);
void sim_generator_destroy(struct sim_generator *generator);
/* No new readings from here on; what is held back is delivered at once. */
void sim_generator_end(struct sim_generator *generator);

/* 1: *batch is the next one, possibly empty (all its meters are silent); 0: everything was handed
 * out; SEGS_ENOMEM. Batches need room for SIM_BATCH_MIN elements. */
#define SIM_BATCH_MIN 4
int sim_generator_next(struct sim_generator *generator, struct sim_batch *batch);

#endif
