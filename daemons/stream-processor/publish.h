/* Events of the outbox on their way to the bus: gathered into batches, closed windows read row by row in pieces. No read transaction is
 * held while the bus is waited for: one that stays open keeps the database's write-ahead log from being reused. One thread. */
#ifndef STREAM_PUBLISH_H
#define STREAM_PUBLISH_H

#include <stdbool.h>

#include "runtime/service.h"

struct rt_counter;
struct publisher;

/* `should_stop` is asked between pieces; `published` counts events. Both outlive the publisher. */
int publisher_new(const struct rt_app *app, int64_t interval_ms, struct rt_counter *published,
                  bool (*should_stop)(void *user), void *user, struct publisher **ret);
void publisher_free(struct publisher *publisher);

/* One event as it is. */
int publish_event(struct publisher *publisher, const char *topic, const char *key,
                  const char *value, struct segs_error *reterr);
/* Every row of the closed window that `payload` names. RT_ESTOPPING when it was stopped in between: publish it again. */
int publish_window(struct publisher *publisher, const char *topic, const char *payload,
                   struct segs_error *reterr);
/* Wait until everything given so far is durable. */
int publish_flush(struct publisher *publisher, struct segs_error *reterr);
/* Forget what was given since the last flush. */
void publish_drop(struct publisher *publisher);

#endif
