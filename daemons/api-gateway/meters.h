/* Finding the meter a request speaks of. */
#ifndef API_GATEWAY_METERS_H
#define API_GATEWAY_METERS_H

#include "api-gateway/series.h"

/* The user's own meter, or, for operators, the meter named in the path if it lies in a region they may see. Not there and not
 * theirs are the same: SEGS_ENOTFOUND. */
int meters_own(struct rt_db_conn *conn, const struct gateway *gateway, const char *user_id,
               struct meter *ret, struct segs_error *reterr);
int meters_any(struct rt_db_conn *conn, const struct gateway *gateway,
               const struct rt_principal *principal, const char *meter_id, struct meter *ret,
               struct segs_error *reterr);

/* Answer what finding or reading a meter failed with: 404, 500 or 503. */
void meters_fail(struct rt_http_exchange *x, int r, const struct segs_error *err);

/* From columns meter_key, meter_id, region, interval_ms, user_id. */
#define METER_COLUMNS "m.meter_key, m.meter_id, r.name, m.interval_ms, m.user_id"
void meters_from_rows(const struct gateway *gateway, const struct rt_db_rows *rows,
                      struct meter *ret);

#endif
