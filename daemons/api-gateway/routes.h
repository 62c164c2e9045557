/* Every operation of the gateway: one table; adding an operation touches it, one file of handlers and openapi.yaml. */
#ifndef API_GATEWAY_ROUTES_H
#define API_GATEWAY_ROUTES_H

#include "runtime/http.h"

/* Ends with method NULL. `access` is a SEGS_PERMISSION_*; 0 only where there is no token yet. */
extern const struct rt_http_route gateway_routes[];

/* login.c */
void post_login(struct rt_http_exchange *x, void *user);
void post_refresh(struct rt_http_exchange *x, void *user);
/* sessions.c */
void post_logout(struct rt_http_exchange *x, void *user);
void post_logout_all(struct rt_http_exchange *x, void *user);
void post_change_password(struct rt_http_exchange *x, void *user);
void get_logins(struct rt_http_exchange *x, void *user);
void delete_login(struct rt_http_exchange *x, void *user);
void get_jwks(struct rt_http_exchange *x, void *user);
/* profile.c */
void get_profile(struct rt_http_exchange *x, void *user);
void put_profile(struct rt_http_exchange *x, void *user);
/* meters.c */
void get_my_meter(struct rt_http_exchange *x, void *user);
void get_any_meter(struct rt_http_exchange *x, void *user);
/* history.c */
void get_my_history(struct rt_http_exchange *x, void *user);
void get_any_history(struct rt_http_exchange *x, void *user);
/* regions.c */
void get_region_stats(struct rt_http_exchange *x, void *user);

#endif
