/* One batch to its end: sent until the target answers, and written into the books.
 *
 * A batch whose fate is unknown is sent again with the same readings: the system counts a reading
 * once however often it arrives, so repeating is safe and giving up is not.
 *
 * Thread rule: several threads may deliver different batches; each has its target to itself. */
#ifndef SIMULATOR_SENDER_H
#define SIMULATOR_SENDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "simulator/account.h"
#include "simulator/batch.h"

enum sim_outcome {
    SIM_ANSWERED = 1,    /* Counts are there; rejected elements are marked. */
    SIM_UNAVAILABLE = 2, /* Certainly nothing was taken: send again. */
    SIM_AMBIGUOUS = 3,   /* All, some or none may have been taken: send again. */
    SIM_REFUSED = 4      /* The target will not have this batch; sending again is of no use. */
};

struct sim_answer {
    int64_t accepted;
    int64_t duplicates;
    int64_t rejected;
    int64_t retry_after_ms; /* -1: the target does not say. */
    enum sim_outcome outcome;
    int status; /* HTTP status or return code, for the log. */
};

struct sim_target {
    /* Send the batch once and wait for the answer. */
    void (*send)(struct sim_target *target, struct sim_batch *batch, struct sim_answer *ret,
                 struct segs_error *reterr);
    void (*free)(struct sim_target *target);
};

struct sim_delivery {
    struct sim_account *account;
    const atomic_bool *give_up; /* Set: nothing is sent any more. */
    int64_t retry_attempts;     /* 0: until answered. */
    int64_t retry_delay_ms;
};

#define SIM_RETRY_MAX_MS 5000

/* Returns when the batch is accounted for: answered, refused, or given up. */
void sim_deliver(const struct sim_delivery *delivery, struct sim_target *target,
                 struct sim_batch *batch);

/* Wait before try `attempt` (1 is the first repeat): exponential from base_ms to SIM_RETRY_MAX_MS,
 * between half and all of it by `random`, never less than the target asked for. */
int64_t sim_retry_delay_ms(int64_t base_ms, int64_t attempt, int64_t retry_after_ms,
                           uint64_t random);

#endif
