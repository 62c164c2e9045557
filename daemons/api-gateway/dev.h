/* Demo accounts of `segs dev`: passwords are random, made once and kept in the data folder. */
#ifndef API_GATEWAY_DEV_H
#define API_GATEWAY_DEV_H

#include "api-gateway/gateway.h"

#define DEV_METER "MTR-00000001"
#define DEV_REGION "Mumbai-North"

/* Make sure that user@, operator@ and admin@segs.local exist, and that the first has a meter. */
int dev_accounts(struct gateway *gateway, struct segs_error *reterr);

#endif
