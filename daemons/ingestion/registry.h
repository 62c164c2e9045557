/* The registered meters as ingestion needs them: may they export, how long is their interval, how large their connection. A snapshot
 * of the database, replaced as a whole every REGISTRY_REFRESH; without the database the last one stays in use. Thread-safe. */
#ifndef INGESTION_REGISTRY_H
#define INGESTION_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>

#include <segs/validate.h>

#include "runtime/db/db.h"

struct registry;

int registry_new(struct rt_db *db, struct registry **ret, struct segs_error *reterr);
void registry_free(struct registry *registry);

/* Read the table again. On failure the snapshot stays. */
int registry_refresh(struct registry *registry, struct segs_error *reterr);

/* What is known of the meter; false when it is not registered. `context->meter_id` is not set. */
bool registry_find(struct registry *registry, const char *meter_id,
                   struct segs_meter_context *context);
size_t registry_count(struct registry *registry);

#endif
