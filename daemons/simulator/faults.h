/* What goes wrong on the way from a meter: readings that come twice, late, out of order or damaged.
 * Drawn from seed, meter and time like the readings themselves, so that a run can be repeated.
 *
 * Thread rule: pure functions. */
#ifndef SIMULATOR_FAULTS_H
#define SIMULATOR_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <segs/reading.h>

#include "runtime/buf.h"

/* Rates in millionths of all readings. */
struct sim_fault_rates {
    uint64_t seed;
    int64_t duplicate;
    int64_t late;
    int64_t out_of_order;
    int64_t corrupt;
};

#define SIM_LATE_MIN_MS 15000
#define SIM_LATE_MAX_MS 120000
#define SIM_OUT_OF_ORDER_MIN_MS 500
#define SIM_OUT_OF_ORDER_MAX_MS 5000

struct sim_faults {
    int64_t delay_ms;           /* From its time to its delivery; 0: none. */
    int64_t duplicate_delay_ms; /* From the first delivery; 0: in the same batch. */
    uint32_t corruption;        /* For sim_corrupt_append. */
    bool duplicate;
    bool late; /* Late and out of order exclude each other; late wins. */
    bool out_of_order;
    bool corrupt; /* A damaged copy goes with it; the reading itself stays whole. */
};

void sim_faults_draw(const struct sim_fault_rates *rates, int64_t meter, int64_t ts_ms,
                     struct sim_faults *ret);

/* Append JSON that looks like the reading and is none: a text for a number, no meter, a meter id
 * that cannot be one, a timestamp that is none. */
#define SIM_N_CORRUPTIONS 4
void sim_corrupt_append(const struct segs_reading *reading, uint32_t corruption,
                        struct rt_buf *out);

#endif
