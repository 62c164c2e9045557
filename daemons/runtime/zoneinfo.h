/* Time zones by name, from the folder of the system (ZONEINFO_DIR), each read once. Thread-safe. */
#ifndef RT_ZONEINFO_H
#define RT_ZONEINFO_H

#include <stdbool.h>

#include <segs/zone.h>

#include "errors.h"

struct rt_zoneinfo;

#define RT_ZONE_NAME_BYTES 64

int rt_zoneinfo_new(const char *dir, struct rt_zoneinfo **ret, struct segs_error *reterr);
void rt_zoneinfo_free(struct rt_zoneinfo *zones);

/* Borrowed until rt_zoneinfo_free. SEGS_ESYNTAX: no name of a zone ("../x"); SEGS_ENOTFOUND: there
 * is no such zone; SEGS_EFULL: more zones than RT_ZONES_MAX are in use. */
#define RT_ZONES_MAX 1024
int rt_zoneinfo_get(struct rt_zoneinfo *zones, const char *name, const struct segs_zone **ret,
                    struct segs_error *reterr);

/* Parts of letters, digits, '_', '+' and '-', joined by '/'. */
bool rt_zone_name_is_valid(const char *name);

#endif
