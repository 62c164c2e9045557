#include "stream-processor/meters.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/schema/schema.h"

int meters_init(struct meters *meters, uint32_t max_meters, struct segs_error *reterr)
{
    struct segs_intern_options options = SEGS_INTERN_OPTIONS_INIT;

    memset(meters, 0, sizeof *meters);
    options.max_ids = max_meters;
    if (segs_intern_new(&options, &meters->intern) < 0)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the table of meters");
    return 0;
}

void meters_free(struct meters *meters)
{
    segs_intern_free(meters->intern);
    free(meters->by_slot);
    free(meters->newcomers);
    memset(meters, 0, sizeof *meters);
}

const struct meter *meters_get(const struct meters *meters, uint32_t slot)
{
    return &meters->by_slot[slot];
}

static int grow(struct meters *meters, uint32_t slot)
{
    size_t cap = meters->cap ? meters->cap : 1024;
    struct meter *grown;

    while (cap <= slot)
        cap *= 2;
    if (cap == meters->cap)
        return 0;
    grown = realloc(meters->by_slot, cap * sizeof *grown);
    if (!grown)
        return SEGS_ENOMEM;
    memset(grown + meters->cap, 0, (cap - meters->cap) * sizeof *grown);
    meters->by_slot = grown;
    meters->cap = cap;
    return 0;
}

static int add_newcomer(struct meters *meters, uint32_t slot, const char *region)
{
    struct newcomer *newcomer;

    if (meters->n_newcomers == meters->cap_newcomers) {
        size_t cap = meters->cap_newcomers ? meters->cap_newcomers * 2 : 256;
        struct newcomer *grown = realloc(meters->newcomers, cap * sizeof *grown);

        if (!grown)
            return SEGS_ENOMEM;
        meters->newcomers = grown;
        meters->cap_newcomers = cap;
    }
    newcomer = &meters->newcomers[meters->n_newcomers++];
    newcomer->slot = slot;
    memcpy(newcomer->region, region, sizeof newcomer->region);
    return 0;
}

int meters_see(struct meters *meters, const struct segs_reading *reading, uint32_t *ret_slot)
{
    uint32_t slot = 0;
    bool has_region = (reading->present & SEGS_HAS_REGION) != 0;
    struct meter *meter;
    int r = segs_intern_add(meters->intern, reading->meter_id, strlen(reading->meter_id), &slot);

    if (r < 0)
        return r;
    if (slot >= meters->cap && grow(meters, slot) < 0)
        return SEGS_ENOMEM;
    meter = &meters->by_slot[slot];
    if (!meter->is_listed || (meter->unassigned && has_region)) {
        /* Also when the region comes before the first resolution: that enters the meter, then settles where it is. */
        if (add_newcomer(meters, slot, reading->region) < 0)
            return SEGS_ENOMEM;
        meter->is_listed = true;
        meter->unassigned = !has_region;
    }
    *ret_slot = slot;
    return 0;
}

int region_ensure(struct rt_db_conn *conn, const char *name, int64_t *ret_key,
                  struct segs_error *reterr)
{
    struct rt_db_value name_value = rt_db_text(name);
    int r = rt_db_query_int(conn, "SELECT region_key FROM regions WHERE name = $1", &name_value, 1,
                            ret_key, reterr);

    if (r != SEGS_ENOTFOUND)
        return r;
    r = rt_db_exec(conn, "INSERT INTO regions (name) VALUES ($1) ON CONFLICT (name) DO NOTHING",
                   &name_value, 1, NULL, reterr);
    if (r < 0)
        return r;
    return rt_db_query_int(conn, "SELECT region_key FROM regions WHERE name = $1", &name_value, 1,
                           ret_key, reterr);
}

/* The meter's keys as the database has them now. A registered meter keeps the registry's region. */
static int look_up(struct rt_db_conn *conn, const char *meter_id, struct meter *ret,
                   struct segs_error *reterr)
{
    struct rt_db_value id = rt_db_text(meter_id);
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(conn,
                        "SELECT m.meter_key, m.region_key, m.registered, r.name FROM meters m"
                        " JOIN regions r ON r.region_key = m.region_key WHERE m.meter_id = $1",
                        &id, 1, &rows, reterr);

    if (r < 0)
        return r;
    r = rt_db_next(rows, reterr);
    if (r > 0) {
        ret->meter_key = rt_db_int(rows, 0);
        ret->region_key = rt_db_int(rows, 1);
        ret->unassigned =
            rt_db_int(rows, 2) == 0 && strcmp(rt_db_str(rows, 3, NULL), RT_REGION_UNASSIGNED) == 0;
    }
    rt_db_rows_free(rows);
    return r;
}

static int enter(struct rt_db_conn *conn, const char *meter_id, const char *region, int64_t now_ms,
                 struct segs_error *reterr)
{
    struct rt_db_value params[3];
    int64_t region_key = 0;
    int r = region_ensure(conn, region[0] ? region : RT_REGION_UNASSIGNED, &region_key, reterr);

    if (r < 0)
        return r;
    params[0] = rt_db_text(meter_id);
    params[1] = RT_DB_I(region_key);
    params[2] = RT_DB_I(now_ms);
    return rt_db_exec(conn,
                      "INSERT INTO meters (meter_id, region_key, created_at_ms) VALUES ($1, $2, $3)"
                      " ON CONFLICT (meter_id) DO NOTHING",
                      params, 3, NULL, reterr);
}

static int assign_region(struct rt_db_conn *conn, const char *meter_id, const char *region,
                         struct segs_error *reterr)
{
    struct rt_db_value params[3];
    int64_t region_key = 0;
    int r = region_ensure(conn, region, &region_key, reterr);

    if (r < 0)
        return r;
    params[0] = RT_DB_I(region_key);
    params[1] = rt_db_text(meter_id);
    params[2] = rt_db_text(RT_REGION_UNASSIGNED);
    return rt_db_exec(conn,
                      "UPDATE meters SET region_key = $1 WHERE meter_id = $2 AND registered = 0"
                      " AND region_key = (SELECT region_key FROM regions WHERE name = $3)",
                      params, 3, NULL, reterr);
}

static int resolve_one(struct meters *meters, const struct newcomer *newcomer,
                       struct rt_db_conn *conn, int64_t now_ms, struct meter *ret,
                       struct segs_error *reterr)
{
    const char *meter_id = segs_intern_id(meters->intern, newcomer->slot, NULL);
    int r = look_up(conn, meter_id, ret, reterr);

    if (r == 0) {
        r = enter(conn, meter_id, newcomer->region, now_ms, reterr);
        if (r == 0)
            r = look_up(conn, meter_id, ret, reterr);
    } else if (r > 0 && ret->unassigned && newcomer->region[0]) {
        r = assign_region(conn, meter_id, newcomer->region, reterr);
        if (r == 0)
            r = look_up(conn, meter_id, ret, reterr);
    }
    if (r < 0)
        return r;
    return r > 0 ? 0
                 : rt_fail(reterr, SEGS_EINTERNAL, "meter_id",
                           "meter %s is not there after entering it", meter_id);
}

int meters_resolve(struct meters *meters, struct rt_db_conn *conn, int64_t now_ms,
                   struct segs_error *reterr)
{
    struct meter *resolved;
    int r;

    if (meters->n_newcomers == 0)
        return 0;
    resolved = calloc(meters->n_newcomers, sizeof *resolved);
    if (!resolved)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory to look up %zu meters",
                       meters->n_newcomers);

    r = rt_db_begin(conn, reterr);
    for (size_t i = 0; r == 0 && i < meters->n_newcomers; i++)
        r = resolve_one(meters, &meters->newcomers[i], conn, now_ms, &resolved[i], reterr);
    if (r == 0)
        r = rt_db_commit(conn, reterr);
    if (r < 0) {
        rt_db_rollback(conn);
    } else {
        /* Only what is committed is remembered: a key of a rolled-back transaction may go to another meter. */
        for (size_t i = 0; i < meters->n_newcomers; i++) {
            resolved[i].is_listed = true;
            meters->by_slot[meters->newcomers[i].slot] = resolved[i];
        }
        meters->n_newcomers = 0;
    }
    free(resolved);
    return r;
}
