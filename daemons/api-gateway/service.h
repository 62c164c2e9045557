/* The API gateway: accounts, logins and everything people read, over HTTP. See docs/api.md. */
#ifndef API_GATEWAY_SERVICE_H
#define API_GATEWAY_SERVICE_H

#include "runtime/buf.h"
#include "runtime/service.h"

extern const struct rt_service segs_api_gateway_service;

/* The accounts that `segs dev` made, [{"role":...,"email":...,"password":...}], appended to
 * ret_json. SEGS_ENOTFOUND: none were made in this folder. */
int gateway_dev_logins(const char *data_dir, struct rt_buf *ret_json);

#endif
