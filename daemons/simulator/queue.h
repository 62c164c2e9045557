/* Batches going round: empty ones to the generator, full ones to the senders and back. There is a
 * fixed number of them, so a target that stalls makes the generator wait instead of the process
 * grow.
 *
 * Thread rule: thread-safe. */
#ifndef SIMULATOR_QUEUE_H
#define SIMULATOR_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "simulator/batch.h"

struct sim_queue;

int sim_queue_new(size_t n_batches, size_t batch_cap, struct sim_queue **ret);
void sim_queue_free(struct sim_queue *queue); /* After the last user is gone. */

struct sim_batch *sim_queue_take_empty(struct sim_queue *queue); /* Waits for one. */
void sim_queue_put_full(struct sim_queue *queue, struct sim_batch *batch);
struct sim_batch *
sim_queue_take_full(struct sim_queue *queue); /* Waits; NULL: closed, and all were taken. */
void sim_queue_put_empty(struct sim_queue *queue, struct sim_batch *batch);
void sim_queue_close(struct sim_queue *queue); /* No full one follows. */
/* True: closed, and all batches are back; false: not within timeout_ms. */
bool sim_queue_wait_done(struct sim_queue *queue, int64_t timeout_ms);

#endif
