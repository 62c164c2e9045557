/* The books of a run: every reading made is found again under exactly one outcome.
 *
 *   generated + duplicates + corrupt = answered + dropped_* + what is still under way
 *   answered = accepted + duplicates_reported + rejected, unless the target miscounted
 *
 * Thread rule: struct sim_account is thread-safe, struct sim_counts plain data. */
#ifndef SIMULATOR_ACCOUNT_H
#define SIMULATOR_ACCOUNT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/json.h"

/* Numbers of readings unless said otherwise; int64_t alone, so that they add up as an array. */
struct sim_counts {
    /* Made. */
    int64_t generated;    /* Distinct valid readings. */
    int64_t late;         /* Of these, held back 15 s to 2 min. */
    int64_t out_of_order; /* Of these, held back a few seconds. */
    int64_t silent;       /* Not made: the meter says nothing in an outage. */
    int64_t duplicates;   /* Copies on top. */
    int64_t corrupt;      /* Damaged copies on top. */
    int64_t cycles;       /* Intervals begun. */
    int64_t behind;       /* Of these, begun more than a second late. */
    /* Sent: each reading, copy and damaged copy counts once, however often its batch was sent. */
    int64_t sent;
    int64_t answered;            /* In batches that got their counts back. */
    int64_t accepted;            /* As the target answered ... */
    int64_t rejected;            /* ... */
    int64_t duplicates_reported; /* ... */
    int64_t distinct_accepted;   /* Distinct valid readings answered as accepted or duplicate. */
    int64_t valid_rejected;      /* Readings and copies rejected although they are whole. */
    int64_t corrupt_accepted;    /* Damaged copies that were not rejected. */
    int64_t miscounted;          /* Batches whose answer does not add up to their readings. */
    /* Given up. */
    int64_t dropped_refused;     /* The target will not have the batch (401, 404, 413, ...). */
    int64_t dropped_unavailable; /* RETRY_ATTEMPTS used up. */
    int64_t dropped_stopped;     /* The simulator was stopped first. */
    int64_t unresolved;          /* Of all dropped, those that may have arrived. */
    /* Batches and tries. */
    int64_t batches; /* Answered. */
    int64_t retries;
    int64_t ambiguous; /* Tries after which nobody knows whether the readings arrived. */
};

struct sim_account {
    pthread_mutex_t lock;
    struct sim_counts counts;
};

void sim_account_init(struct sim_account *account);
void sim_account_destroy(struct sim_account *account);
void sim_account_add(struct sim_account *account, const struct sim_counts *delta);
void sim_account_get(struct sim_account *account, struct sim_counts *ret);

/* Everything that was generated was accepted, and the target's counts add up. */
bool sim_counts_is_complete(const struct sim_counts *counts);
/* The counts as members of an open object. */
void sim_counts_put_json(struct rt_json_out *out, const struct sim_counts *counts);

#endif
