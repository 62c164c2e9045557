/* The relay publishes the outbox: events in the order they were written, each removed once the bus has it durably. A crash in between
 * publishes again; consumers go by key and revision. One thread of its own. */
#ifndef STREAM_RELAY_H
#define STREAM_RELAY_H

#include "runtime/service.h"

struct relay;

int relay_start(const struct rt_app *app, int64_t interval_ms, struct relay **ret,
                struct segs_error *reterr);
/* There may be something to publish. `user` is the relay. Any thread. */
void relay_wake(void *user);
void relay_stop(struct relay *relay);

#endif
