/* Deletes what has expired: refresh tokens, logins and counts of failures. The audit log stays. */
#ifndef API_GATEWAY_CLEANER_H
#define API_GATEWAY_CLEANER_H

#include "api-gateway/gateway.h"

struct cleaner;

/* Runs every hour on a thread of its own, first after a minute. */
int cleaner_new(struct gateway *gateway, struct cleaner **ret, struct segs_error *reterr);
void cleaner_free(struct cleaner *cleaner);

/* Once, now. */
int cleaner_run(struct gateway *gateway, struct segs_error *reterr);

#endif
