#include "stream-processor/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include <segs/rollup.h>

#include "runtime/schema/rows.h"
#include "runtime/schema/schema.h"

/* clang-format off */
static const char rows_1m_sql[] =
    "SELECT " ROW_COLUMNS ", revision FROM aggregates_1m"
    " WHERE window_start_ms = $1 AND partition = $2 ORDER BY meter_key";
static const char rows_15m_sql[] =
    "SELECT " ROW_COLUMNS ", revision FROM aggregates_15m"
    " WHERE window_start_ms = $1 AND partition = $2 ORDER BY meter_key";
static const char add_rollup_sql[] =
    "INSERT INTO aggregates_15m (" ROW_COLUMNS ") VALUES (" ROW_PLACES ")";
static const char next_row_sql[] =
    "SELECT window_start_ms FROM aggregates_1m WHERE window_start_ms >= $1 AND partition = $2"
    " ORDER BY window_start_ms LIMIT 1";
static const char put_partial_sql[] =
    "INSERT INTO regional_partials (width_ms, window_start_ms, partition, region_key, " REGION_COLUMNS ")"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
    " ON CONFLICT (width_ms, window_start_ms, partition, region_key) DO UPDATE SET"
    " meter_count = excluded.meter_count, load_count = excluded.load_count,"
    " energy_count = excluded.energy_count, count = excluded.count, load_micro_kw = excluded.load_micro_kw,"
    " load_min_micro_kw = excluded.load_min_micro_kw, load_max_micro_kw = excluded.load_max_micro_kw,"
    " energy_micro_kwh = excluded.energy_micro_kwh, fp0 = excluded.fp0, fp1 = excluded.fp1,"
    " fp2 = excluded.fp2, fp3 = excluded.fp3, quality = excluded.quality";
/* clang-format on */

#define BATCH_ROWS 512

/* ---- Sums per region ---- */

struct region_sum {
    int64_t region_key;
    struct segs_region_row row;
};

struct region_sums {
    struct region_sum *items; /* By region key. */
    size_t n;
    size_t cap;
};

/* The region's sum; a new one is put in its place. Rows come by meter, so the same few regions are asked for again and again. */
static struct region_sum *sum_of(struct region_sums *sums, int64_t region_key)
{
    size_t low = 0;
    size_t high = sums->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (sums->items[middle].region_key < region_key)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < sums->n && sums->items[low].region_key == region_key)
        return &sums->items[low];
    if (sums->n == sums->cap) {
        size_t cap = sums->cap ? sums->cap * 2 : 16;
        struct region_sum *grown = realloc(sums->items, cap * sizeof *grown);

        if (!grown)
            return NULL;
        sums->items = grown;
        sums->cap = cap;
    }
    memmove(&sums->items[low + 1], &sums->items[low], (sums->n - low) * sizeof sums->items[0]);
    memset(&sums->items[low], 0, sizeof sums->items[low]);
    sums->items[low].region_key = region_key;
    sums->n++;
    return &sums->items[low];
}

static int add_to_region(struct region_sums *sums, int64_t region_key,
                         const struct segs_region_row *part, struct segs_error *reterr)
{
    struct region_sum *sum = sum_of(sums, region_key);
    int r;

    if (!sum)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the sum of a region");
    r = segs_region_merge(&sum->row, part);
    return r < 0 ? rt_fail(reterr, r, NULL, "a meter does not fit the sum of its region") : 0;
}

static int sum_rows(struct checkpoint *ck, int64_t width_ms, int64_t window_start_ms,
                    struct region_sums *sums, struct segs_error *reterr)
{
    struct rt_db_value params[2] = { RT_DB_I(window_start_ms), RT_DB_I(ck->partition) };
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(ck->conn, width_ms == RT_MINUTE_MS ? rows_1m_sql : rows_15m_sql, params, 2,
                        &rows, reterr);

    while (r >= 0 && (r = rt_db_next(rows, reterr)) > 0) {
        struct row_key key;
        struct segs_region_row part;

        if (width_ms == RT_MINUTE_MS) {
            struct segs_window_row row;

            row_from_rows(rows, &key, &row);
            r = segs_region_from_row(&row, &part);
        } else {
            struct segs_rollup_row row;

            rollup_from_rows(rows, &key, &row);
            r = segs_region_from_rollup(&row, &part);
        }
        r = r < 0 ? rt_fail(reterr, r, NULL, "a stored row is not whole")
                  : add_to_region(sums, key.region_key, &part, reterr);
    }
    rt_db_rows_free(rows);
    return r;
}

int put_partial(struct checkpoint *ck, int64_t width_ms, int64_t window_start_ms,
                int64_t region_key, const struct segs_region_row *row, struct segs_error *reterr)
{
    struct rt_db_value params[4 + REGION_N_COLUMNS];

    params[0] = RT_DB_I(width_ms);
    params[1] = RT_DB_I(window_start_ms);
    params[2] = RT_DB_I(ck->partition);
    params[3] = RT_DB_I(region_key);
    region_to_params(row, params + 4);
    return rt_db_exec(ck->conn, put_partial_sql, params, 4 + REGION_N_COLUMNS, NULL, reterr);
}

int rebuild_partials(struct checkpoint *ck, int64_t width_ms, int64_t window_start_ms,
                     struct segs_error *reterr)
{
    struct region_sums sums = { NULL, 0, 0 };
    int r = sum_rows(ck, width_ms, window_start_ms, &sums, reterr);

    for (size_t i = 0; r == 0 && i < sums.n; i++)
        r = put_partial(ck, width_ms, window_start_ms, sums.items[i].region_key, &sums.items[i].row,
                        reterr);
    free(sums.items);
    return r;
}

/* ---- Quarters ---- */

/* The quarter's rows under construction. Meter keys are dense small numbers, so an array finds a meter's row. */
struct quarter {
    struct segs_rollup_row *rows;
    int64_t *region_keys;
    size_t n;
    size_t cap;
    uint32_t *index_of; /* By meter key: index + 1, or 0. */
    size_t n_index;
};

static void quarter_free(struct quarter *quarter)
{
    free(quarter->rows);
    free(quarter->region_keys);
    free(quarter->index_of);
}

static int quarter_grow_index(struct quarter *quarter, size_t meter_key)
{
    size_t n = quarter->n_index ? quarter->n_index : 4096;
    uint32_t *grown;

    while (n <= meter_key)
        n *= 2;
    grown = realloc(quarter->index_of, n * sizeof *grown);
    if (!grown)
        return SEGS_ENOMEM;
    memset(grown + quarter->n_index, 0, (n - quarter->n_index) * sizeof *grown);
    quarter->index_of = grown;
    quarter->n_index = n;
    return 0;
}

static int quarter_grow(struct quarter *quarter)
{
    size_t cap = quarter->cap ? quarter->cap * 2 : 1024;
    struct segs_rollup_row *rows = realloc(quarter->rows, cap * sizeof *rows);
    int64_t *keys;

    if (!rows)
        return SEGS_ENOMEM;
    quarter->rows = rows;
    keys = realloc(quarter->region_keys, cap * sizeof *keys);
    if (!keys)
        return SEGS_ENOMEM;
    quarter->region_keys = keys;
    quarter->cap = cap;
    return 0;
}

static struct segs_rollup_row *quarter_row(struct quarter *quarter, const struct row_key *key)
{
    size_t meter_key = (size_t)key->meter_key;

    if (meter_key >= quarter->n_index && quarter_grow_index(quarter, meter_key) < 0)
        return NULL;
    if (quarter->index_of[meter_key] == 0) {
        if (quarter->n == quarter->cap && quarter_grow(quarter) < 0)
            return NULL;
        memset(&quarter->rows[quarter->n], 0, sizeof quarter->rows[0]);
        quarter->region_keys[quarter->n] = key->region_key;
        quarter->index_of[meter_key] = (uint32_t)++quarter->n;
    }
    return &quarter->rows[quarter->index_of[meter_key] - 1];
}

static int add_minute(struct checkpoint *ck, struct quarter *quarter, int64_t minute_ms,
                      struct segs_error *reterr)
{
    struct rt_db_value params[2] = { RT_DB_I(minute_ms), RT_DB_I(ck->partition) };
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(ck->conn, rows_1m_sql, params, 2, &rows, reterr);

    while (r >= 0 && (r = rt_db_next(rows, reterr)) > 0) {
        struct row_key key;
        struct segs_window_row row;
        struct segs_rollup_row *rollup;

        row_from_rows(rows, &key, &row);
        rollup = quarter_row(quarter, &key);
        if (!rollup) {
            r = rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the rows of a quarter");
            break;
        }
        r = segs_rollup_add(rollup, &row, RT_QUARTER_MS, RT_MINUTE_MS);
        if (r < 0)
            (void)rt_fail(reterr, r, NULL, "a minute does not fit its quarter");
    }
    rt_db_rows_free(rows);
    return r;
}

static int write_quarter(struct checkpoint *ck, struct quarter *quarter, struct segs_error *reterr)
{
    struct rt_db_value *params = malloc(BATCH_ROWS * ROW_N_PARAMS * sizeof *params);
    size_t n = 0;
    int r = 0;

    if (!params)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a batch of rows");
    /* By meter key, which is the order of the table. */
    for (size_t k = 0; r == 0 && k < quarter->n_index; k++) {
        struct row_key key = { .meter_key = (int64_t)k, .partition = ck->partition };
        struct segs_rollup_row *row;

        if (quarter->index_of[k] == 0)
            continue;
        row = &quarter->rows[quarter->index_of[k] - 1];
        (void)segs_rollup_finish(row, RT_QUARTER_MS / RT_MINUTE_MS);
        key.window_start_ms = row->window_start_ms;
        key.region_key = quarter->region_keys[quarter->index_of[k] - 1];
        rollup_to_params(&key, row, params + n * ROW_N_PARAMS);
        if (++n == BATCH_ROWS) {
            r = rt_db_exec_batch(ck->conn, add_rollup_sql, params, ROW_N_PARAMS, n, NULL, reterr);
            n = 0;
        }
    }
    if (r == 0 && n > 0)
        r = rt_db_exec_batch(ck->conn, add_rollup_sql, params, ROW_N_PARAMS, n, NULL, reterr);
    free(params);
    return r;
}

static int close_quarter(struct checkpoint *ck, int64_t start_ms, struct segs_error *reterr)
{
    struct quarter quarter = { NULL, NULL, 0, 0, NULL, 0 };
    int r = 0;

    for (int64_t minute = start_ms; r == 0 && minute < start_ms + RT_QUARTER_MS;
         minute += RT_MINUTE_MS)
        r = add_minute(ck, &quarter, minute, reterr);
    if (r == 0)
        r = write_quarter(ck, &quarter, reterr);
    if (r == 0)
        r = rebuild_partials(ck, RT_QUARTER_MS, start_ms, reterr);
    if (r == 0 && quarter.n > 0)
        r = outbox_put_close(ck, RT_TOPIC_15M, RT_QUARTER_MS, start_ms, ck->partition, reterr);
    ck->n_closed += (int64_t)quarter.n;
    quarter_free(&quarter);
    ck->progress.closed_15m_ms = start_ms + RT_QUARTER_MS;
    return r;
}

/* ---- Minutes ---- */

static int close_minute(struct checkpoint *ck, int64_t start_ms, struct segs_error *reterr)
{
    int r = rebuild_partials(ck, RT_MINUTE_MS, start_ms, reterr);

    if (r == 0)
        r = outbox_put_close(ck, RT_TOPIC_1M, RT_MINUTE_MS, start_ms, ck->partition, reterr);
    ck->progress.closed_1m_ms = start_ms + RT_MINUTE_MS;
    if (r == 0 && ck->progress.closed_1m_ms % RT_QUARTER_MS == 0)
        r = close_quarter(ck, ck->progress.closed_1m_ms - RT_QUARTER_MS, reterr);
    return r;
}

/* At the start of a quarter: where closing goes on. A stretch without rows beyond SILENCE_MAX_MS is stepped over. */
static int skip_silence(struct checkpoint *ck, int64_t until_ms, struct segs_error *reterr)
{
    struct rt_db_value params[2] = { RT_DB_I(ck->progress.closed_1m_ms), RT_DB_I(ck->partition) };
    int64_t next_ms = until_ms;
    int r = rt_db_query_int(ck->conn, next_row_sql, params, 2, &next_ms, reterr);

    if (r == SEGS_ENOTFOUND || next_ms > until_ms)
        next_ms = until_ms;
    else if (r < 0)
        return r;
    if (next_ms - ck->progress.closed_1m_ms > SILENCE_MAX_MS) {
        ck->progress.closed_1m_ms = floor_to(next_ms, RT_QUARTER_MS);
        ck->progress.closed_15m_ms = ck->progress.closed_1m_ms;
    }
    return 0;
}

int close_windows(struct checkpoint *ck, int64_t until_ms, struct segs_error *reterr)
{
    int64_t until = floor_to(until_ms, RT_MINUTE_MS);
    int r = 0;

    for (int n = 0; r == 0 && n < CLOSES_PER_CHECKPOINT && ck->progress.closed_1m_ms < until; n++) {
        if (ck->progress.closed_1m_ms % RT_QUARTER_MS == 0 &&
            until - ck->progress.closed_1m_ms > SILENCE_MAX_MS)
            r = skip_silence(ck, until, reterr);
        if (r == 0 && ck->progress.closed_1m_ms < until)
            r = close_minute(ck, ck->progress.closed_1m_ms, reterr);
    }
    return r;
}
