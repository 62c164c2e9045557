/* Where batches go: the intake over HTTP, or the log itself. Each sending thread has one.
 *
 * Thread rule: one thread per target. */
#ifndef SIMULATOR_TARGET_H
#define SIMULATOR_TARGET_H

#include "runtime/bus/bus.h"
#include "simulator/sender.h"

/* `url` and `key` (NULL: none is sent) are borrowed. */
int sim_target_http_new(const char *url, const char *key, struct sim_target **ret,
                        struct segs_error *reterr);
int sim_target_bus_new(struct rt_bus *bus, struct sim_target **ret, struct segs_error *reterr);

/* Read the intake's answer to a batch: counts, and which elements were rejected. False: it is none,
 * and *ret is untouched. */
bool sim_answer_read(const char *body, size_t len, struct sim_batch *batch, struct sim_answer *ret);

#endif
