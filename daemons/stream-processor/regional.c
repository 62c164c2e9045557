#include "stream-processor/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include <segs/rollup.h>

#include "runtime/schema/rows.h"
#include "runtime/schema/schema.h"
#include "stream-processor/events.h"

/* clang-format off */
/* The end of what all partitions have closed; NULL while one of them has closed nothing yet. */
static const char closed_by_all_1m_sql[] =
    "SELECT CASE WHEN count(closed_1m_ms) = $2 THEN min(closed_1m_ms) END FROM stream_offsets WHERE topic = $1";
static const char closed_by_all_15m_sql[] =
    "SELECT CASE WHEN count(closed_15m_ms) = $2 THEN min(closed_15m_ms) END FROM stream_offsets WHERE topic = $1";
static const char closed_sql[] = "SELECT closed_ms FROM regional_closed WHERE width_ms = $1";
static const char first_partial_sql[] =
    "SELECT min(window_start_ms) FROM regional_partials WHERE width_ms = $1 AND window_start_ms >= $2";
static const char begin_closed_sql[] =
    "INSERT INTO regional_closed (width_ms, closed_ms) VALUES ($1, $2) ON CONFLICT (width_ms) DO NOTHING";
static const char move_closed_sql[] =
    "UPDATE regional_closed SET closed_ms = $3 WHERE width_ms = $1 AND closed_ms = $2";
static const char one_partial_sql[] =
    "SELECT " REGION_COLUMNS " FROM regional_partials"
    " WHERE width_ms = $1 AND window_start_ms = $2 AND partition = $3 AND region_key = $4";
static const char partials_sql[] =
    "SELECT g.region_key, g.capacity_micro_kw, p.meter_count, p.load_count, p.energy_count, p.count,"
    " p.load_micro_kw, p.load_min_micro_kw, p.load_max_micro_kw, p.energy_micro_kwh,"
    " p.fp0, p.fp1, p.fp2, p.fp3, p.quality"
    " FROM regions g LEFT JOIN regional_partials p ON p.region_key = g.region_key"
    " AND p.width_ms = $1 AND p.window_start_ms = $2 ORDER BY g.region_key";
static const char put_region_sql[] =
    "INSERT INTO regional_aggregates (width_ms, window_start_ms, region_key, " REGION_COLUMNS ","
    " capacity_micro_kw, load_share_micro, revision)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
#define REGION_N_PARAMS (3 + REGION_N_COLUMNS + 3)
static const char revision_sql[] =
    "SELECT revision FROM regional_aggregates WHERE width_ms = $1 AND window_start_ms = $2 AND region_key = $3";
static const char same_region_sql[] =
    "SELECT count(*) FROM regional_aggregates WHERE width_ms = $1 AND window_start_ms = $2 AND region_key = $3"
    " AND count = $4 AND fp0 = $5 AND fp1 = $6 AND fp2 = $7 AND fp3 = $8";
#define KEPT_COLUMNS "width_ms, window_start_ms, region_key, revision, " REGION_COLUMNS \
    ", capacity_micro_kw, load_share_micro"
static const char keep_region_sql[] =
    "INSERT INTO regional_history (superseded_at_ms, " KEPT_COLUMNS ") SELECT $4, " KEPT_COLUMNS
    " FROM regional_aggregates WHERE width_ms = $1 AND window_start_ms = $2 AND region_key = $3";
static const char drop_region_sql[] =
    "DELETE FROM regional_aggregates WHERE width_ms = $1 AND window_start_ms = $2 AND region_key = $3";
/* clang-format on */

struct region_window {
    int64_t region_key;
    struct segs_region_row row;
};

struct region_windows {
    struct region_window *items;
    size_t n;
    size_t cap;
};

static struct region_window *add_region(struct region_windows *all, int64_t region_key)
{
    if (all->n == all->cap) {
        size_t cap = all->cap ? all->cap * 2 : 16;
        struct region_window *grown = realloc(all->items, cap * sizeof *grown);

        if (!grown)
            return NULL;
        all->items = grown;
        all->cap = cap;
    }
    memset(&all->items[all->n], 0, sizeof all->items[0]);
    all->items[all->n].region_key = region_key;
    return &all->items[all->n++];
}

/* Every region's window as the sum of the partitions' partials; a silent region is there with nothing in it. */
static int load_regions(struct checkpoint *ck, int64_t width_ms, int64_t window_start_ms,
                        struct region_windows *all, struct segs_error *reterr)
{
    struct rt_db_value params[2] = { RT_DB_I(width_ms), RT_DB_I(window_start_ms) };
    struct rt_db_rows *rows = NULL;
    struct region_window *region = NULL;
    int r = rt_db_query(ck->conn, partials_sql, params, 2, &rows, reterr);

    while (r >= 0 && (r = rt_db_next(rows, reterr)) > 0) {
        int64_t region_key = rt_db_int(rows, 0);
        struct segs_region_row part;

        if (!region || region->region_key != region_key) {
            region = add_region(all, region_key);
            if (!region) {
                r = rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the regions of a window");
                break;
            }
            region->row.window_start_ms = window_start_ms;
            region->row.capacity_micro_kw = rt_db_int(rows, 1);
        }
        if (rt_db_is_null(rows, 2))
            continue;
        region_from_rows(rows, 2, &part);
        part.window_start_ms = window_start_ms;
        r = segs_region_merge(&region->row, &part);
        if (r < 0)
            (void)rt_fail(reterr, r, NULL, "the partials of a region do not add up");
    }
    rt_db_rows_free(rows);
    return r;
}

static int put_region(struct checkpoint *ck, int64_t width_ms, const struct region_window *region,
                      struct segs_error *reterr)
{
    struct rt_db_value params[REGION_N_PARAMS];
    int64_t share_micro = 0;

    params[0] = RT_DB_I(width_ms);
    params[1] = RT_DB_I(region->row.window_start_ms);
    params[2] = RT_DB_I(region->region_key);
    region_to_params(&region->row, params + 3);
    params[3 + REGION_N_COLUMNS] = RT_DB_I(region->row.capacity_micro_kw);
    params[4 + REGION_N_COLUMNS] =
        segs_region_load_share(&region->row, &share_micro) == 0 ? RT_DB_I(share_micro) : RT_DB_N;
    params[5 + REGION_N_COLUMNS] = RT_DB_I(region->row.revision);
    return rt_db_exec(ck->conn, put_region_sql, params, REGION_N_PARAMS, NULL, reterr);
}

static int close_one(struct checkpoint *ck, int64_t width_ms, int64_t window_start_ms,
                     struct segs_error *reterr)
{
    struct region_windows all = { NULL, 0, 0 };
    int r = load_regions(ck, width_ms, window_start_ms, &all, reterr);

    for (size_t i = 0; r == 0 && i < all.n; i++) {
        all.items[i].row.revision = 1;
        r = put_region(ck, width_ms, &all.items[i], reterr);
    }
    if (r == 0)
        r = outbox_put_close(ck, RT_TOPIC_REGIONAL, width_ms, window_start_ms, -1, reterr);
    free(all.items);
    return r;
}

/* Where regional closing of this width stands; it begins at the first window any partition contributed to. */
static int regional_position(struct checkpoint *ck, int64_t width_ms, int64_t until_ms,
                             int64_t *ret, struct segs_error *reterr)
{
    struct rt_db_value params[2] = { RT_DB_I(width_ms), RT_DB_I(0) };
    int r = rt_db_query_int(ck->conn, closed_sql, params, 1, ret, reterr);

    if (r != SEGS_ENOTFOUND)
        return r;
    r = rt_db_query_int(ck->conn, first_partial_sql, params, 2, ret, reterr);
    if (r == SEGS_ENOTFOUND || (r == 0 && *ret > until_ms)) {
        *ret = until_ms;
        r = 0;
    }
    params[1] = RT_DB_I(*ret);
    return r < 0 ? r : rt_db_exec(ck->conn, begin_closed_sql, params, 2, NULL, reterr);
}

static int step_over_silence(struct checkpoint *ck, int64_t width_ms, int64_t until_ms,
                             int64_t *position, struct segs_error *reterr)
{
    struct rt_db_value params[2] = { RT_DB_I(width_ms), RT_DB_I(*position) };
    int64_t next_ms = until_ms;
    int r = rt_db_query_int(ck->conn, first_partial_sql, params, 2, &next_ms, reterr);

    if (r < 0 && r != SEGS_ENOTFOUND)
        return r;
    if (r == SEGS_ENOTFOUND || next_ms > until_ms)
        next_ms = until_ms;
    if (next_ms - *position > SILENCE_MAX_MS)
        *position = floor_to(next_ms, width_ms);
    return 0;
}

int close_regional(struct checkpoint *ck, int64_t width_ms, struct segs_error *reterr)
{
    struct rt_db_value params[3] = { rt_db_text(RT_TOPIC_RAW), RT_DB_I(ck->n_partitions) };
    int64_t until_ms = 0;
    int64_t start_ms = 0;
    int64_t position;
    int64_t changed = 0;
    int r = rt_db_query_int(ck->conn,
                            width_ms == RT_MINUTE_MS ? closed_by_all_1m_sql : closed_by_all_15m_sql,
                            params, 2, &until_ms, reterr);

    if (r == SEGS_ENOTFOUND)
        return 0;
    if (r == 0)
        r = regional_position(ck, width_ms, until_ms, &start_ms, reterr);
    position = start_ms;
    for (int n = 0; r == 0 && n < CLOSES_PER_CHECKPOINT && position < until_ms; n++) {
        if (until_ms - position > SILENCE_MAX_MS)
            r = step_over_silence(ck, width_ms, until_ms, &position, reterr);
        if (r == 0 && position < until_ms) {
            r = close_one(ck, width_ms, position, reterr);
            position += width_ms;
        }
    }
    if (r < 0 || position == start_ms)
        return r;
    params[0] = RT_DB_I(width_ms);
    params[1] = RT_DB_I(start_ms);
    params[2] = RT_DB_I(position);
    r = rt_db_exec(ck->conn, move_closed_sql, params, 3, &changed, reterr);
    /* Another instance closed these windows meanwhile: this transaction must not close them again. */
    return r == 0 && changed != 1
               ? rt_fail(reterr, RT_EBUSY, NULL, "regional windows were closed by another instance")
               : r;
}

/* ---- Corrections ---- */

static int mark_dirty(struct checkpoint *ck, int64_t width_ms, int64_t window_start_ms,
                      bool rebuild)
{
    for (size_t i = 0; i < ck->n_dirty; i++) {
        if (ck->dirty[i].window_start_ms == window_start_ms && ck->dirty[i].width_ms == width_ms) {
            ck->dirty[i].rebuild = ck->dirty[i].rebuild || rebuild;
            return 0;
        }
    }
    if (ck->n_dirty == ck->cap_dirty) {
        size_t cap = ck->cap_dirty ? ck->cap_dirty * 2 : 16;
        struct dirty_window *grown = realloc(ck->dirty, cap * sizeof *grown);

        if (!grown)
            return SEGS_ENOMEM;
        ck->dirty = grown;
        ck->cap_dirty = cap;
    }
    ck->dirty[ck->n_dirty++] = (struct dirty_window){ width_ms, window_start_ms, rebuild };
    return 0;
}

static int load_partial(struct checkpoint *ck, int64_t width_ms, int64_t window_start_ms,
                        int64_t region_key, struct segs_region_row *ret, struct segs_error *reterr)
{
    struct rt_db_value params[4] = { RT_DB_I(width_ms), RT_DB_I(window_start_ms),
                                     RT_DB_I(ck->partition), RT_DB_I(region_key) };
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(ck->conn, one_partial_sql, params, 4, &rows, reterr);

    memset(ret, 0, sizeof *ret);
    if (r == 0)
        r = rt_db_next(rows, reterr);
    if (r > 0)
        region_from_rows(rows, 0, ret);
    rt_db_rows_free(rows);
    ret->window_start_ms = window_start_ms;
    return r < 0 ? r : 0;
}

int replace_in_region(struct checkpoint *ck, int64_t width_ms, int64_t region_key,
                      const struct segs_region_row *old_part,
                      const struct segs_region_row *new_part, struct segs_error *reterr)
{
    int64_t window_start_ms = new_part->window_start_ms;
    struct segs_region_row partial;
    bool rebuild;
    int bounds;
    int r = load_partial(ck, width_ms, window_start_ms, region_key, &partial, reterr);

    if (r < 0)
        return r;
    bounds = segs_region_replace(&partial, old_part, new_part);
    if (bounds < 0)
        return rt_fail(reterr, bounds, NULL, "a correction does not fit the sum of its region");
    r = put_partial(ck, width_ms, window_start_ms, region_key, &partial, reterr);
    /* The meter held the region's minimum or maximum, or had a quality that it has no more (a quarter that was
     * partial): only the rows tell what the region has now. */
    rebuild = bounds > 0 || (old_part->quality & ~new_part->quality) != 0;
    return r < 0 ? r : mark_dirty(ck, width_ms, window_start_ms, rebuild);
}

/* The stored row holds these very readings already: this region had no part in the correction. */
static int is_unchanged(struct checkpoint *ck, int64_t width_ms, const struct region_window *region,
                        bool *ret, struct segs_error *reterr)
{
    struct rt_db_value params[8] = { RT_DB_I(width_ms), RT_DB_I(region->row.window_start_ms),
                                     RT_DB_I(region->region_key), RT_DB_I(region->row.count) };
    int64_t n = 0;
    int r;

    for (int i = 0; i < 4; i++)
        params[4 + i] = RT_DB_I(region->row.fingerprint.lane[i]);
    r = rt_db_query_int(ck->conn, same_region_sql, params, 8, &n, reterr);
    *ret = n > 0;
    return r;
}

static int correct_one(struct checkpoint *ck, int64_t width_ms, struct region_window *region,
                       struct segs_error *reterr)
{
    struct rt_db_value params[4] = { RT_DB_I(width_ms), RT_DB_I(region->row.window_start_ms),
                                     RT_DB_I(region->region_key), RT_DB_I(ck->now_ms) };
    int64_t revision = 0;
    bool unchanged = false;
    int r = is_unchanged(ck, width_ms, region, &unchanged, reterr);

    if (r < 0 || unchanged)
        return r;
    r = rt_db_query_int(ck->conn, revision_sql, params, 3, &revision, reterr);
    if (r < 0 && r != SEGS_ENOTFOUND)
        return r;
    region->row.revision = (uint32_t)(revision + 1);
    r = rt_db_exec(ck->conn, keep_region_sql, params, 4, NULL, reterr);
    if (r == 0)
        r = rt_db_exec(ck->conn, drop_region_sql, params, 3, NULL, reterr);
    if (r == 0)
        r = put_region(ck, width_ms, region, reterr);
    if (r == 0)
        r = event_correction_region(ck, region->region_key, width_ms, &region->row, reterr);
    return r;
}

static int correct_window(struct checkpoint *ck, const struct dirty_window *dirty,
                          struct segs_error *reterr)
{
    struct rt_db_value width = RT_DB_I(dirty->width_ms);
    struct region_windows all = { NULL, 0, 0 };
    int64_t closed_ms = 0;
    int r = 0;

    if (dirty->rebuild)
        r = rebuild_partials(ck, dirty->width_ms, dirty->window_start_ms, reterr);
    if (r == 0)
        r = rt_db_query_int(ck->conn, closed_sql, &width, 1, &closed_ms, reterr);
    if (r == SEGS_ENOTFOUND || (r == 0 && dirty->window_start_ms >= closed_ms))
        return 0; /* The regional row is still to come and will be made of the new partials. */
    if (r == 0)
        r = load_regions(ck, dirty->width_ms, dirty->window_start_ms, &all, reterr);
    for (size_t i = 0; r == 0 && i < all.n; i++) {
        /* A window from before regional closing began has no rows for regions without readings, and needs none. */
        if (all.items[i].row.meter_count > 0)
            r = correct_one(ck, dirty->width_ms, &all.items[i], reterr);
    }
    free(all.items);
    return r;
}

int correct_regional(struct checkpoint *ck, struct segs_error *reterr)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < ck->n_dirty; i++)
        r = correct_window(ck, &ck->dirty[i], reterr);
    return r;
}
