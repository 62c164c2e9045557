#include "stream-processor/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <segs/encode.h>
#include <segs/rollup.h>

#include "runtime/schema/rows.h"
#include "runtime/schema/schema.h"
#include "stream-processor/events.h"

/* Rows written by one batch call: bounds the memory of parameters. */
#define BATCH_ROWS 512

/* clang-format off */
/* Additive, and only where no slot is in both: a row that is left alone needs resolving reading by reading. */
static const char add_delta_sql[] =
    "INSERT INTO aggregates_1m AS a (" ROW_COLUMNS ") VALUES (" ROW_PLACES ")"
    " ON CONFLICT (window_start_ms, partition, meter_key) DO UPDATE SET"
    " count = a.count + excluded.count,"
    " power_count = a.power_count + excluded.power_count,"
    " power_sum_micro_kw = a.power_sum_micro_kw + excluded.power_sum_micro_kw,"
    " power_min_micro_kw = CASE WHEN a.power_count = 0 THEN excluded.power_min_micro_kw"
        " WHEN excluded.power_count = 0 OR a.power_min_micro_kw <= excluded.power_min_micro_kw"
        " THEN a.power_min_micro_kw ELSE excluded.power_min_micro_kw END,"
    " power_max_micro_kw = CASE WHEN a.power_count = 0 THEN excluded.power_max_micro_kw"
        " WHEN excluded.power_count = 0 OR a.power_max_micro_kw >= excluded.power_max_micro_kw"
        " THEN a.power_max_micro_kw ELSE excluded.power_max_micro_kw END,"
    " energy_count = a.energy_count + excluded.energy_count,"
    " energy_sum_micro_kwh = a.energy_sum_micro_kwh + excluded.energy_sum_micro_kwh,"
    " voltage_count = a.voltage_count + excluded.voltage_count,"
    " voltage_sum_milli_v = a.voltage_sum_milli_v + excluded.voltage_sum_milli_v,"
    " current_count = a.current_count + excluded.current_count,"
    " current_sum_milli_a = a.current_sum_milli_a + excluded.current_sum_milli_a,"
    " first_ts_ms = CASE WHEN excluded.first_ts_ms < a.first_ts_ms"
        " THEN excluded.first_ts_ms ELSE a.first_ts_ms END,"
    " last_ts_ms = CASE WHEN excluded.last_ts_ms > a.last_ts_ms"
        " THEN excluded.last_ts_ms ELSE a.last_ts_ms END,"
    " slots = a.slots | excluded.slots,"
    " fp0 = (a.fp0 + excluded.fp0) & 4294967295,"
    " fp1 = (a.fp1 + excluded.fp1) & 4294967295,"
    " fp2 = (a.fp2 + excluded.fp2) & 4294967295,"
    " fp3 = (a.fp3 + excluded.fp3) & 4294967295,"
    " quality = a.quality | excluded.quality"
    " WHERE (a.slots & excluded.slots) = 0";

static const char get_row_sql[] =
    "SELECT " ROW_COLUMNS ", revision FROM aggregates_1m"
    " WHERE window_start_ms = $1 AND partition = $2 AND meter_key = $3";
static const char get_rollup_sql[] =
    "SELECT " ROW_COLUMNS ", revision FROM aggregates_15m"
    " WHERE window_start_ms = $1 AND partition = $2 AND meter_key = $3";

#define HISTORY_COLUMNS "window_start_ms, partition, meter_key, revision, region_key, count, power_count," \
    " power_sum_micro_kw, power_min_micro_kw, power_max_micro_kw, energy_count, energy_sum_micro_kwh," \
    " voltage_count, voltage_sum_milli_v, current_count, current_sum_milli_a, first_ts_ms, last_ts_ms," \
    " slots, fp0, fp1, fp2, fp3, quality"
static const char keep_row_sql[] =
    "INSERT INTO aggregates_history (width_ms, superseded_at_ms, " HISTORY_COLUMNS ")"
    " SELECT 60000, $4, " HISTORY_COLUMNS " FROM aggregates_1m"
    " WHERE window_start_ms = $1 AND partition = $2 AND meter_key = $3";
static const char keep_rollup_sql[] =
    "INSERT INTO aggregates_history (width_ms, superseded_at_ms, " HISTORY_COLUMNS ")"
    " SELECT 900000, $4, " HISTORY_COLUMNS " FROM aggregates_15m"
    " WHERE window_start_ms = $1 AND partition = $2 AND meter_key = $3";
static const char drop_rollup_sql[] =
    "DELETE FROM aggregates_15m WHERE window_start_ms = $1 AND partition = $2 AND meter_key = $3";
static const char put_rollup_sql[] =
    "INSERT INTO aggregates_15m (" ROW_COLUMNS ", revision) VALUES (" ROW_PLACES ", $24)";
static const char raise_revision_sql[] =
    "UPDATE aggregates_1m SET revision = revision + 1"
    " WHERE window_start_ms = $1 AND partition = $2 AND meter_key = $3";

static const char add_raw_sql[] =
    "INSERT INTO raw_readings (window_start_ms, partition, meter_key, slot, ts_ms, present, power_micro_kw,"
    " energy_micro_kwh, register_micro_kwh, voltage_milli_v, current_milli_a, frequency_milli_hz,"
    " power_factor_micro, temperature_milli_degc, seq, status, reading_id, hash_hi, hash_lo)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
#define RAW_N_PARAMS 19
static const char add_reject_sql[] =
    "INSERT INTO quarantine (topic, partition, msg_offset, received_at_ms, meter_id, ts_ms, rule, field,"
    " expected, found, payload) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
#define REJECT_N_PARAMS 11
/* clang-format on */

static struct row_key key_of(const struct checkpoint *ck, int64_t window_start_ms,
                             uint32_t meter_slot)
{
    const struct meter *meter = meters_get(ck->meters, meter_slot);

    return (struct row_key){ .window_start_ms = window_start_ms,
                             .partition = ck->partition,
                             .meter_key = meter->meter_key,
                             .region_key = meter->region_key };
}

static void key_params(const struct row_key *key, struct rt_db_value *params)
{
    params[0] = RT_DB_I(key->window_start_ms);
    params[1] = RT_DB_I(key->partition);
    params[2] = RT_DB_I(key->meter_key);
}

static void hash_to_sql(const struct segs_fingerprint *hash, int64_t *hi, int64_t *lo)
{
    uint64_t bits_hi = (uint64_t)hash->lane[0] << 32 | hash->lane[1];
    uint64_t bits_lo = (uint64_t)hash->lane[2] << 32 | hash->lane[3];

    memcpy(hi, &bits_hi, sizeof *hi);
    memcpy(lo, &bits_lo, sizeof *lo);
}

static int64_t slot_of(const struct pending_reading *p)
{
    return (p->reading.ts_ms - p->window_start_ms) / RT_SLOT_MS;
}

/* ---- Resolving a row that holds some of the delta's slots already ---- */

enum stored { STORED_FREE, STORED_SAME, STORED_OTHER };

/* What the store holds in the reading's slot. */
static int look_at_slot(struct checkpoint *ck, const struct row_key *key,
                        const struct pending_reading *p, enum stored *ret,
                        struct segs_error *reterr)
{
    struct rt_db_value params[4];
    struct rt_db_rows *rows = NULL;
    int64_t hi;
    int64_t lo;
    int r;

    key_params(key, params);
    params[3] = RT_DB_I(slot_of(p));
    r = rt_db_query(ck->conn,
                    "SELECT hash_hi, hash_lo FROM raw_readings WHERE window_start_ms = $1"
                    " AND partition = $2 AND meter_key = $3 AND slot = $4",
                    params, 4, &rows, reterr);
    if (r < 0)
        return r;
    r = rt_db_next(rows, reterr);
    if (r > 0) {
        hash_to_sql(&p->hash, &hi, &lo);
        *ret = rt_db_int(rows, 0) == hi && rt_db_int(rows, 1) == lo ? STORED_SAME : STORED_OTHER;
        r = 0;
    } else if (r == 0) {
        /* The row says the slot is taken, but its reading is no longer kept: it cannot be shown to be the same. */
        *ret = STORED_OTHER;
    }
    rt_db_rows_free(rows);
    return r;
}

static int quarantine_conflict(struct checkpoint *ck, const struct pending_reading *p,
                               struct segs_error *reterr)
{
    struct pending_reject *reject = pending_next_reject(ck->pending);
    char payload[SEGS_READING_JSON_MAX_BYTES + 1];
    size_t len = 0;

    if (!reject)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a quarantine entry");
    if (segs_reading_encode(&p->reading, payload, sizeof payload - 1, &len) < 0)
        return rt_fail(reterr, SEGS_EINTERNAL, NULL, "a counted reading cannot be encoded");
    payload[len] = '\0';
    reject->payload = strdup(payload);
    if (!reject->payload)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a quarantine entry");
    reject->offset = p->offset;
    reject->received_at_ms = p->received_at_ms;
    reject->ts_ms = p->reading.ts_ms;
    memcpy(reject->meter_id, p->reading.meter_id, sizeof reject->meter_id);
    (void)snprintf(reject->rule, sizeof reject->rule, "CONFLICT");
    (void)snprintf(reject->field, sizeof reject->field, "timestamp");
    (void)snprintf(reject->expected, sizeof reject->expected, "one reading a second");
    (void)snprintf(reject->found, sizeof reject->found,
                   "another reading of this second with other values");
    ck->pending->n_rejects++;
    return 0;
}

static bool is_slot_set(const struct segs_window_row *row, int64_t slot)
{
    return (row->slots[0] >> slot & 1u) != 0;
}

/* Drop what the stored row holds already from the group, and make `delta` the row of what is left. */
static int resolve(struct checkpoint *ck, const struct segs_window_row *stored,
                   const struct row_key *key, struct segs_window_row *delta, size_t *cursor,
                   struct segs_error *reterr)
{
    size_t first = 0;
    size_t n =
        pending_group(ck->pending, delta->window_start_ms, delta->meter_slot, cursor, &first);
    struct segs_window_row rest;
    int r = 0;

    memset(&rest, 0, sizeof rest);
    rest.window_start_ms = delta->window_start_ms;
    rest.meter_slot = delta->meter_slot;
    for (size_t i = first; r >= 0 && i < first + n; i++) {
        struct pending_reading *p = &ck->pending->readings[ck->pending->order[i]];
        enum stored what = STORED_FREE;

        if (is_slot_set(stored, slot_of(p)))
            r = look_at_slot(ck, key, p, &what, reterr);
        if (r < 0)
            break;
        p->dropped = what != STORED_FREE;
        if (what == STORED_SAME)
            ck->progress.n_duplicate++;
        else if (what == STORED_OTHER)
            r = quarantine_conflict(ck, p, reterr);
        else
            r = segs_window_add(ck->scratch, p->meter_slot, &p->reading, &p->hash,
                                p->reading.ts_ms);
    }
    if (r >= 0)
        r = segs_window_deltas_begin(ck->scratch);
    if (r > 0)
        r = segs_window_next_delta(ck->scratch, &rest);
    (void)segs_window_deltas_commit(ck->scratch);
    if (r < 0)
        return r;
    *delta = rest;
    return 0;
}

/* ---- Corrections of closed rows ---- */

static int correct_quarter(struct checkpoint *ck, const struct row_key *minute_key,
                           const struct segs_window_row *difference, uint32_t meter_slot,
                           struct segs_error *reterr)
{
    struct row_key key = *minute_key;
    struct rt_db_value params[ROW_N_PARAMS + 1];
    struct segs_rollup_row rollup;
    struct segs_region_row old_part;
    struct segs_region_row new_part;
    struct rt_db_rows *rows = NULL;
    uint32_t revision = 1;
    int r;

    memset(&rollup, 0, sizeof rollup);
    memset(&old_part, 0, sizeof old_part);
    key.window_start_ms = floor_to(minute_key->window_start_ms, RT_QUARTER_MS);
    key_params(&key, params);
    params[3] = RT_DB_I(ck->now_ms);
    r = rt_db_query(ck->conn, get_rollup_sql, params, 3, &rows, reterr);
    if (r == 0)
        r = rt_db_next(rows, reterr);
    if (r > 0) {
        rollup_from_rows(rows, &key, &rollup);
        revision = rollup.revision + 1;
        (void)segs_region_from_rollup(&rollup, &old_part);
    }
    rt_db_rows_free(rows);
    if (r > 0)
        r = rt_db_exec(ck->conn, keep_rollup_sql, params, 4, NULL, reterr);
    if (r == 0)
        r = rt_db_exec(ck->conn, drop_rollup_sql, params, 3, NULL, reterr);
    if (r == 0)
        r = segs_rollup_correct(&rollup, difference, RT_QUARTER_MS, RT_MINUTE_MS);
    if (r < 0)
        return r;
    (void)segs_rollup_finish(&rollup, RT_QUARTER_MS / RT_MINUTE_MS);
    rollup.revision = revision;
    rollup_to_params(&key, &rollup, params);
    params[ROW_N_PARAMS] = RT_DB_I(revision);
    r = rt_db_exec(ck->conn, put_rollup_sql, params, ROW_N_PARAMS + 1, NULL, reterr);
    if (r == 0)
        r = event_correction_15m(ck, segs_intern_id(ck->meters->intern, meter_slot, NULL),
                                 key.region_key, &rollup, difference, reterr);
    if (r == 0)
        r = segs_region_from_rollup(&rollup, &new_part);
    old_part.window_start_ms = new_part.window_start_ms;
    return r < 0
               ? r
               : replace_in_region(ck, RT_QUARTER_MS, key.region_key, &old_part, &new_part, reterr);
}

/* A delta to a closed minute: the row before is kept in the history, the row gets the next revision, the quarter follows when it
 * is closed too, and each is published as a correction with its difference. */
static int correct_row(struct checkpoint *ck, struct segs_window_row *delta, size_t *cursor,
                       struct segs_error *reterr)
{
    uint32_t meter_slot = delta->meter_slot;
    struct row_key key = key_of(ck, delta->window_start_ms, meter_slot);
    struct row_key stored_key = key;
    struct rt_db_value params[ROW_N_PARAMS];
    struct segs_window_row row;
    struct segs_region_row old_part;
    struct segs_region_row new_part;
    struct rt_db_rows *rows = NULL;
    bool is_new;
    int r;

    memset(&row, 0, sizeof row);
    memset(&old_part, 0, sizeof old_part);
    key_params(&key, params);
    params[3] = RT_DB_I(ck->now_ms);
    r = rt_db_query(ck->conn, get_row_sql, params, 3, &rows, reterr);
    if (r == 0)
        r = rt_db_next(rows, reterr);
    is_new = r == 0;
    if (r > 0)
        row_from_rows(rows, &stored_key, &row);
    rt_db_rows_free(rows);
    if (r < 0)
        return r;

    r = 0;
    if ((row.slots[0] & delta->slots[0]) != 0)
        r = resolve(ck, &row, &key, delta, cursor, reterr);
    if (r < 0 || delta->count == 0)
        return r;
    if (!is_new) {
        key.region_key = stored_key.region_key;
        r = rt_db_exec(ck->conn, keep_row_sql, params, 4, NULL, reterr);
        if (r == 0)
            r = rt_db_exec(ck->conn, raise_revision_sql, params, 3, NULL, reterr);
    }
    if (r == 0) {
        row_to_params(&key, delta, params);
        r = rt_db_exec(ck->conn, add_delta_sql, params, ROW_N_PARAMS, NULL, reterr);
    }
    if (r < 0)
        return r;

    /* From here on rows go by the database's key, which is what the stored row carries. */
    delta->meter_slot = (uint32_t)key.meter_key;
    delta->quality &= ~SEGS_QUALITY_LATE;
    if (!is_new)
        (void)segs_region_from_row(&row, &old_part);
    r = segs_row_merge(&row, delta);
    if (r == 0)
        r = segs_region_from_row(&row, &new_part);
    if (r < 0)
        return rt_fail(reterr, r, NULL, "a correction does not fit its row");
    old_part.window_start_ms = new_part.window_start_ms;
    row.revision = is_new ? 1 : row.revision + 1;
    ck->n_corrections++;
    r = event_correction_1m(ck, segs_intern_id(ck->meters->intern, meter_slot, NULL),
                            key.region_key, &row, delta, reterr);
    if (r == 0)
        r = replace_in_region(ck, RT_MINUTE_MS, key.region_key, &old_part, &new_part, reterr);
    if (r == 0 && ck->progress.closed_15m_ms != NOT_CLOSED &&
        floor_to(key.window_start_ms, RT_QUARTER_MS) + RT_QUARTER_MS <= ck->progress.closed_15m_ms)
        r = correct_quarter(ck, &key, delta, meter_slot, reterr);
    return r;
}

/* ---- Merging ---- */

struct merge_batch {
    struct rt_db_value *params;
    struct segs_window_row *deltas;
    int64_t *changed;
    size_t n;
};

static int resolve_untouched(struct checkpoint *ck, struct segs_window_row *delta, size_t *cursor,
                             struct segs_error *reterr)
{
    struct row_key key = key_of(ck, delta->window_start_ms, delta->meter_slot);
    struct row_key stored_key;
    struct rt_db_value params[ROW_N_PARAMS];
    struct segs_window_row row;
    struct rt_db_rows *rows = NULL;
    int64_t changed = 0;
    int r;

    key_params(&key, params);
    r = rt_db_query(ck->conn, get_row_sql, params, 3, &rows, reterr);
    if (r == 0)
        r = rt_db_next(rows, reterr);
    if (r > 0)
        row_from_rows(rows, &stored_key, &row);
    rt_db_rows_free(rows);
    if (r <= 0)
        return r < 0 ? r
                     : rt_fail(reterr, SEGS_EINTERNAL, NULL,
                               "a row in the way of a delta is not there");

    r = resolve(ck, &row, &key, delta, cursor, reterr);
    if (r < 0 || delta->count == 0)
        return r;
    row_to_params(&key, delta, params);
    r = rt_db_exec(ck->conn, add_delta_sql, params, ROW_N_PARAMS, &changed, reterr);
    if (r == 0 && changed != 1)
        r = rt_fail(reterr, SEGS_EINTERNAL, NULL, "a resolved delta still meets taken slots");
    return r;
}

static int flush_batch(struct checkpoint *ck, struct merge_batch *batch, size_t *cursor,
                       struct segs_error *reterr)
{
    int r = rt_db_exec_batch(ck->conn, add_delta_sql, batch->params, ROW_N_PARAMS, batch->n,
                             batch->changed, reterr);

    for (size_t i = 0; r == 0 && i < batch->n; i++) {
        if (batch->changed[i] == 0)
            r = resolve_untouched(ck, &batch->deltas[i], cursor, reterr);
    }
    batch->n = 0;
    return r;
}

static bool is_closed(const struct checkpoint *ck, int64_t window_start_ms)
{
    return ck->progress.closed_1m_ms != NOT_CLOSED &&
           window_start_ms + RT_MINUTE_MS <= ck->progress.closed_1m_ms;
}

static int merge_all(struct checkpoint *ck, struct segs_window *window, struct merge_batch *batch,
                     struct segs_error *reterr)
{
    struct segs_window_row delta;
    size_t cursor = 0;
    int r;

    while ((r = segs_window_next_delta(window, &delta)) > 0) {
        if (is_closed(ck, delta.window_start_ms)) {
            r = correct_row(ck, &delta, &cursor, reterr);
        } else {
            struct row_key key = key_of(ck, delta.window_start_ms, delta.meter_slot);

            row_to_params(&key, &delta, batch->params + batch->n * ROW_N_PARAMS);
            batch->deltas[batch->n++] = delta;
            r = batch->n == BATCH_ROWS ? flush_batch(ck, batch, &cursor, reterr) : 0;
        }
        if (r < 0)
            return r;
    }
    return r < 0 || batch->n == 0 ? r : flush_batch(ck, batch, &cursor, reterr);
}

int merge_deltas(struct checkpoint *ck, struct segs_window *window, struct segs_error *reterr)
{
    struct merge_batch batch = { NULL, NULL, NULL, 0 };
    int r;

    for (size_t i = 0; i < ck->pending->n; i++)
        ck->pending->readings[i].dropped = false;
    if (pending_sort(ck->pending) < 0)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory to sort %zu readings", ck->pending->n);
    batch.params = malloc(BATCH_ROWS * ROW_N_PARAMS * sizeof *batch.params);
    batch.deltas = malloc(BATCH_ROWS * sizeof *batch.deltas);
    batch.changed = malloc(BATCH_ROWS * sizeof *batch.changed);
    if (batch.params && batch.deltas && batch.changed)
        r = merge_all(ck, window, &batch, reterr);
    else
        r = rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a batch of rows");
    free(batch.params);
    free(batch.deltas);
    free(batch.changed);
    return r;
}

/* ---- Appending ---- */

static struct rt_db_value optional(const struct segs_reading *reading, uint32_t bit, int64_t value)
{
    return reading->present & bit ? RT_DB_I(value) : RT_DB_N;
}

static void raw_to_params(const struct checkpoint *ck, const struct pending_reading *p,
                          struct rt_db_value *params)
{
    const struct segs_reading *reading = &p->reading;
    int64_t hi;
    int64_t lo;

    hash_to_sql(&p->hash, &hi, &lo);
    params[0] = RT_DB_I(p->window_start_ms);
    params[1] = RT_DB_I(ck->partition);
    params[2] = RT_DB_I(meters_get(ck->meters, p->meter_slot)->meter_key);
    params[3] = RT_DB_I(slot_of(p));
    params[4] = RT_DB_I(reading->ts_ms);
    params[5] = RT_DB_I(reading->present);
    params[6] = optional(reading, SEGS_HAS_POWER, reading->power_micro_kw);
    params[7] = optional(reading, SEGS_HAS_ENERGY, reading->energy_micro_kwh);
    params[8] = optional(reading, SEGS_HAS_REGISTER, reading->register_micro_kwh);
    params[9] = optional(reading, SEGS_HAS_VOLTAGE, reading->voltage_milli_v);
    params[10] = optional(reading, SEGS_HAS_CURRENT, reading->current_milli_a);
    params[11] = optional(reading, SEGS_HAS_FREQUENCY, reading->frequency_milli_hz);
    params[12] = optional(reading, SEGS_HAS_POWER_FACTOR, reading->power_factor_micro);
    params[13] = optional(reading, SEGS_HAS_TEMPERATURE, reading->temperature_milli_degc);
    params[14] = optional(reading, SEGS_HAS_SEQ, reading->seq);
    params[15] = RT_DB_I(reading->status);
    params[16] = reading->present & SEGS_HAS_READING_ID ? rt_db_text(reading->reading_id) : RT_DB_N;
    params[17] = RT_DB_I(hi);
    params[18] = RT_DB_I(lo);
}

int append_readings(struct checkpoint *ck, struct segs_error *reterr)
{
    struct rt_db_value *params = malloc(BATCH_ROWS * RAW_N_PARAMS * sizeof *params);
    size_t n = 0;
    int r = 0;

    if (!params)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a batch of readings");
    for (size_t i = 0; r == 0 && i < ck->pending->n; i++) {
        const struct pending_reading *p = &ck->pending->readings[ck->pending->order[i]];

        if (p->dropped)
            continue;
        raw_to_params(ck, p, params + n * RAW_N_PARAMS);
        ck->progress.n_counted++;
        if (++n == BATCH_ROWS) {
            r = rt_db_exec_batch(ck->conn, add_raw_sql, params, RAW_N_PARAMS, n, NULL, reterr);
            n = 0;
        }
    }
    if (r == 0 && n > 0)
        r = rt_db_exec_batch(ck->conn, add_raw_sql, params, RAW_N_PARAMS, n, NULL, reterr);
    free(params);
    return r;
}

int append_rejects(struct checkpoint *ck, struct segs_error *reterr)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < ck->pending->n_rejects; i++) {
        const struct pending_reject *reject = &ck->pending->rejects[i];
        struct rt_db_value params[REJECT_N_PARAMS];

        params[0] = rt_db_text(RT_TOPIC_RAW);
        params[1] = RT_DB_I(ck->partition);
        params[2] = RT_DB_I(reject->offset);
        params[3] = RT_DB_I(reject->received_at_ms);
        params[4] = reject->meter_id[0] ? rt_db_text(reject->meter_id) : RT_DB_N;
        params[5] = reject->ts_ms ? RT_DB_I(reject->ts_ms) : RT_DB_N;
        params[6] = rt_db_text(reject->rule);
        params[7] = rt_db_text(reject->field);
        params[8] = rt_db_text(reject->expected);
        params[9] = rt_db_text(reject->found);
        params[10] = rt_db_text(reject->payload);
        ck->progress.n_quarantined++;
        r = rt_db_exec(ck->conn, add_reject_sql, params, REJECT_N_PARAMS, NULL, reterr);
    }
    return r;
}
