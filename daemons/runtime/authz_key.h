/* The key of access tokens, from where the configuration says. */
#ifndef RT_AUTHZ_KEY_H
#define RT_AUTHZ_KEY_H

#include <segs/jwk.h>

#include "service.h"

/* As rt_authz_new; *ret is freed with segs_jwk_free. */
int rt_authz_key_load(const struct rt_app *app, struct segs_jwk **ret, struct segs_error *reterr);

#endif
