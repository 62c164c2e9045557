/* Readings into windows: the hot path.
 *
 * A batch goes in blocks. The first two passes over a block only look ahead: they find window,
 * bucket and row where these exist, and prefetch. The third pass does the work one reading after
 * the other, so that the outcome never depends on the blocks. */
#include <segs/window.h>

#include <limits.h>
#include <string.h>

#include "window/window_internal.h"

#define BLOCK 32

/* Bits of item.has, in the order of segs__cell.value_count. */
#define HAS_POWER (1u << SEGS__POWER)
#define HAS_ENERGY (1u << SEGS__ENERGY)
#define HAS_VOLTAGE (1u << SEGS__VOLTAGE)
#define HAS_CURRENT (1u << SEGS__CURRENT)
#define PRESENT_ALL (SEGS_HAS_POWER | SEGS_HAS_ENERGY | SEGS_HAS_VOLTAGE | SEGS_HAS_CURRENT)

/* What the look-ahead found; it stays true while readings are added. */
struct hint {
    int64_t start_ms;            /* a window, not necessarily that of the reading */
    struct segs__bucket *bucket; /* of the set that de-duplicates; NULL: not there */
    struct segs__bucket *delta_bucket;
    uint32_t row; /* 1 + cell in `bucket`, 0: not there */
};

/* One reading, decoded from its columns. Absent values are 0. */
struct item {
    int64_t ts_ms;
    int64_t start_ms;
    int64_t power;
    int64_t energy;
    const struct segs_fingerprint *hash;
    uint32_t meter_slot;
    uint32_t offset_ms;
    int32_t voltage;
    int32_t current;
    uint16_t slot;
    uint16_t quality;
    uint8_t has;
    uint8_t state; /* SEGS_WINDOW_ADDED: may be tried; else why it is refused */
};

struct batch {
    struct segs_window *window;
    const struct segs_window_columns *columns;
    int64_t now_ms;
    uint32_t columns_present; /* what the columns can hold at all */
    struct segs__rowset *set; /* where a reading on time is de-duplicated */
    bool is_careful;          /* nothing may go without all checks */
    bool is_plain;            /* readings may take the fast lane */
};

/* power x interval / 3600000, ties to even. Exact in 64 bits up to +-2.5 million kW. */
static int64_t derive_energy(int64_t power_micro_kw, int64_t interval_ms)
{
    const int64_t hour_ms = 3600000;
    int64_t product;
    int64_t quotient;
    int64_t rest;

    if (__builtin_mul_overflow(power_micro_kw, interval_ms, &product)) {
        quotient = 0;
        /* |power| <= 2^52 and interval <= an hour: the quotient fits. */
        (void)segs_mul_div(power_micro_kw, interval_ms, hour_ms, SEGS_ROUND_HALF_EVEN, &quotient);
        return quotient;
    }
    quotient = product / hour_ms;
    rest = product % hour_ms;
    if (rest < 0)
        rest = -rest;
    if (2 * rest > hour_ms || (2 * rest == hour_ms && quotient % 2 != 0))
        quotient += product < 0 ? -1 : 1;
    return quotient;
}

static inline bool value_fits(int64_t value)
{
    return (uint64_t)value + (uint64_t)SEGS_WINDOW_VALUE_MAX <= 2 * (uint64_t)SEGS_WINDOW_VALUE_MAX;
}

static inline void item_values(const struct batch *batch, size_t i, struct item *item)
{
    const struct segs_window_columns *c = batch->columns;
    uint32_t present = batch->columns_present & (c->present ? c->present[i] : UINT32_MAX);

    item->has = 0;
    item->quality = 0;
    item->power = 0;
    item->energy = 0;
    item->voltage = 0;
    item->current = 0;
    if (present & SEGS_HAS_POWER) {
        item->power = c->power_micro_kw[i];
        item->has |= HAS_POWER;
    } else {
        item->quality |= SEGS_QUALITY_NO_POWER;
    }
    if (present & SEGS_HAS_ENERGY) {
        item->energy = c->energy_micro_kwh[i];
        item->has |= HAS_ENERGY;
    }
    if (present & SEGS_HAS_VOLTAGE) {
        item->voltage = c->voltage_milli_v[i];
        item->has |= HAS_VOLTAGE;
    }
    if (present & SEGS_HAS_CURRENT) {
        item->current = c->current_milli_a[i];
        item->has |= HAS_CURRENT;
    }
    if (c->status && c->status[i] == SEGS_STATUS_ERROR)
        item->quality |= SEGS_QUALITY_STATUS_ERROR;
}

static inline void item_energy(const struct segs_window *window, struct item *item)
{
    if (item->has & HAS_ENERGY)
        return;
    if (window->interval_ms == 0 || !(item->has & HAS_POWER)) {
        item->quality |= SEGS_QUALITY_NO_ENERGY;
        return;
    }
    item->energy = derive_energy(item->power, window->interval_ms);
    item->has |= HAS_ENERGY;
    item->quality |= SEGS_QUALITY_ESTIMATED_ENERGY;
}

/* Saves the division for nearly every reading: neighbours mostly share a window. */
static inline int64_t start_of(int64_t ts_ms, int64_t near_start_ms, int64_t width_ms)
{
    if ((uint64_t)ts_ms - (uint64_t)near_start_ms < (uint64_t)width_ms)
        return near_start_ms;
    return ts_ms - ts_ms % width_ms;
}

static inline void item_decode(const struct batch *batch, size_t i, int64_t near_start_ms,
                               struct item *item)
{
    const struct segs_window *window = batch->window;
    const int64_t width_ms = window->limits.width_ms;

    item->ts_ms = batch->columns->ts_ms[i];
    item->meter_slot = batch->columns->meter_slot[i];
    item->hash = &batch->columns->hash[i];
    item->state = SEGS_WINDOW_ADDED;
    item_values(batch, i, item);

    if (item->ts_ms < 0 || item->ts_ms > SEGS__TIME_MAX_MS ||
        item->meter_slot >= window->max_meters || !value_fits(item->power) ||
        !value_fits(item->energy)) {
        item->state = SEGS_WINDOW_OUT_OF_RANGE;
        return;
    }
    if (item->ts_ms - window->max_future_ms > batch->now_ms) {
        item->state = SEGS_WINDOW_FUTURE;
        return;
    }
    item_energy(window, item);

    item->start_ms = start_of(item->ts_ms, near_start_ms, width_ms);
    item->offset_ms = (uint32_t)(item->ts_ms - item->start_ms);
    item->slot = (uint16_t)(window->slot_ms == 1000 ? item->offset_ms / 1000
                                                    : item->offset_ms / window->slot_ms);
}

static inline void cell_add(const struct segs__row_limits *limits, struct segs__cell *cell,
                            const struct item *item)
{
    segs__cell_slots(limits, cell)[item->slot / 64] |= UINT64_C(1) << (item->slot % 64);
    if (item->has & HAS_POWER) {
        cell->power_sum += item->power;
        cell->power_min = item->power < cell->power_min ? item->power : cell->power_min;
        cell->power_max = item->power > cell->power_max ? item->power : cell->power_max;
    }
    cell->energy_sum += item->energy;
    cell->voltage_sum += item->voltage;
    cell->current_sum += item->current;
    cell->fingerprint.lane[0] += item->hash->lane[0];
    cell->fingerprint.lane[1] += item->hash->lane[1];
    cell->fingerprint.lane[2] += item->hash->lane[2];
    cell->fingerprint.lane[3] += item->hash->lane[3];
    if (item->offset_ms < cell->first_offset_ms)
        cell->first_offset_ms = item->offset_ms;
    if (item->offset_ms > cell->last_offset_ms)
        cell->last_offset_ms = item->offset_ms;
    cell->count++;
    for (int i = 0; i < 4; i++)
        cell->value_count[i] = (uint16_t)(cell->value_count[i] + (item->has >> i & 1));
    cell->quality |= item->quality;
}

static inline bool has_slot(const struct segs__row_limits *limits, struct segs__cell *cell,
                            uint16_t slot)
{
    return segs__cell_slots(limits, cell)[slot / 64] >> (slot % 64) & 1;
}

/* Remember the hash of a reading that is about to be added to a row which has some already. */
static inline int log_hash(struct segs__bucket *bucket, struct segs__row_limits *limits,
                           struct segs__cell *cell, const struct item *item)
{
    struct segs__log_entry *entry;

    if (cell->count == 0 || !bucket->is_logged)
        return 0;
    entry = segs__bucket_log(bucket, limits);
    if (!entry)
        return SEGS_ENOMEM;
    entry->hash = *item->hash;
    entry->slot = item->slot;
    entry->prev = cell->log_head;
    cell->log_head = bucket->log.count;
    return 0;
}

static int same_slot_again(const struct segs__bucket *bucket, const struct segs__cell *cell,
                           const struct item *item)
{
    struct segs_fingerprint first = segs__cell_hash(bucket, cell, item->slot);

    return memcmp(&first, item->hash, sizeof first) == 0 ? SEGS_WINDOW_DUPLICATE
                                                         : SEGS_WINDOW_CONFLICT;
}

/* The row of the item's meter in a bucket that may be NULL at first. 0, SEGS_EFULL, SEGS_ENOMEM. */
static int open_row(struct segs_window *window, struct segs__rowset *set, const struct item *item,
                    bool is_logged, struct segs__bucket **bucket, struct segs__cell **ret)
{
    uint32_t row;
    int r = 0;

    if (!*bucket)
        r = segs__rowset_open(set, &window->limits, item->start_ms, is_logged, bucket);
    if (r < 0)
        return r;
    row = segs__bucket_find(*bucket, item->meter_slot);
    if (row != 0) {
        *ret = segs__cell_at(&window->limits, *bucket, row - 1);
        return 0;
    }
    r = segs__bucket_open(*bucket, &window->limits, item->meter_slot, &row);
    if (r < 0)
        return r;
    *ret = segs__cell_at(&window->limits, *bucket, row);
    return 0;
}

/* A delta of a window whose whole row is not kept: de-duplicated against the deltas themselves. */
static int add_to_deltas(struct segs_window *window, const struct item *item)
{
    struct segs__bucket *bucket = segs__rowset_find(&window->taken, item->start_ms);
    struct segs__cell *cell;
    uint32_t row = bucket ? segs__bucket_find(bucket, item->meter_slot) : 0;
    int r;

    if (row != 0) {
        cell = segs__cell_at(&window->limits, bucket, row - 1);
        if (has_slot(&window->limits, cell, item->slot))
            return same_slot_again(bucket, cell, item);
    }
    bucket = NULL;
    r = open_row(window, &window->fresh, item, true, &bucket, &cell);
    if (r < 0)
        return r;
    if (has_slot(&window->limits, cell, item->slot))
        return same_slot_again(bucket, cell, item);
    r = log_hash(bucket, &window->limits, cell, item);
    if (r < 0)
        return r;
    cell_add(&window->limits, cell, item);
    return 0;
}

/* Where the difference of a handed-out row collects: the one of the running round unless that was
 * handed out too. */
static int open_difference(struct segs_window *window, const struct item *item,
                           struct segs__cell **ret)
{
    struct segs__bucket *bucket = segs__rowset_find(&window->late_out, item->start_ms);
    uint32_t row = bucket ? segs__bucket_find(bucket, item->meter_slot) : 0;

    if (row != 0) {
        *ret = segs__cell_at(&window->limits, bucket, row - 1);
        if ((*ret)->count != 0 && (*ret)->revision == 0)
            return 0;
    }
    bucket = NULL;
    return open_row(window, &window->late_fresh, item, false, &bucket, ret);
}

/* A row that came into being behind the place where closed rows are being read goes out as well. */
static void step_close_cursor_back(struct segs_window *window, const struct item *item)
{
    struct segs__row_cursor *cursor = &window->close_cursor;

    if (item->start_ms < cursor->start_ms ||
        (item->start_ms == cursor->start_ms && item->meter_slot < cursor->meter_slot)) {
        cursor->start_ms = item->start_ms;
        cursor->meter_slot = item->meter_slot;
    }
}

/* All targets first, then the change: an error leaves every row as it was. */
static int add_to_rows(struct segs_window *window, const struct item *item)
{
    struct segs__bucket *bucket = NULL;
    struct segs__bucket *delta_bucket = NULL;
    struct segs__cell *cell;
    struct segs__cell *delta = NULL;
    struct segs__cell *difference = NULL;
    int r = open_row(window, &window->rows, item, true, &bucket, &cell);

    if (r < 0)
        return r;
    if (has_slot(&window->limits, cell, item->slot))
        return same_slot_again(bucket, cell, item);
    if (window->mode == SEGS_WINDOW_FULL)
        r = open_row(window, &window->fresh, item, false, &delta_bucket, &delta);
    if (r == 0 && cell->revision > 0)
        r = open_difference(window, item, &difference);
    if (r == 0)
        r = log_hash(bucket, &window->limits, cell, item);
    if (r < 0)
        return r;

    if (cell->count == 0) {
        bucket->n_unpublished++;
        step_close_cursor_back(window, item);
    }
    cell_add(&window->limits, cell, item);
    if (delta)
        cell_add(&window->limits, delta, item);
    if (difference)
        cell_add(&window->limits, difference, item);
    return 0;
}

/* Every case, without the look-ahead. */
static int add_carefully(struct segs_window *window, struct item *item, bool is_late)
{
    bool is_kept = window->mode != SEGS_WINDOW_DELTAS_ONLY;
    int r;

    if (is_late)
        item->quality |= SEGS_QUALITY_LATE;
    /* Past retention a row that is still there takes the reading, but none is made. */
    if (is_kept && is_late && !segs__rowset_find(&window->rows, item->start_ms) &&
        segs__window_is_closed(window, item->start_ms + window->retain_ms, window->watermark_ms)) {
        if (window->mode == SEGS_WINDOW_CLOSES_ONLY)
            return SEGS_WINDOW_EXPIRED;
        is_kept = false;
    }
    r = is_kept ? add_to_rows(window, item) : add_to_deltas(window, item);
    return r == 0 && is_late ? SEGS_WINDOW_LATE : r;
}

/* A reading on time: its row was never handed out, and one set de-duplicates it. */
static inline int add_on_time(const struct batch *batch, struct hint *hint, const struct item *item)
{
    struct segs_window *window = batch->window;
    struct segs__cell *delta = NULL;
    struct segs__cell *cell;
    int r;

    if (hint->row != 0) {
        cell = segs__cell_at(&window->limits, hint->bucket, hint->row - 1);
    } else {
        r = open_row(window, batch->set, item, true, &hint->bucket, &cell);
        if (r < 0)
            return r;
    }
    if (has_slot(&window->limits, cell, item->slot))
        return same_slot_again(hint->bucket, cell, item);
    if (window->mode == SEGS_WINDOW_FULL) {
        r = open_row(window, &window->fresh, item, false, &hint->delta_bucket, &delta);
        if (r < 0)
            return r;
    }
    r = log_hash(hint->bucket, &window->limits, cell, item);
    if (r < 0)
        return r;

    hint->bucket->n_unpublished += cell->count == 0;
    cell_add(&window->limits, cell, item);
    if (delta)
        cell_add(&window->limits, delta, item);
    return SEGS_WINDOW_ADDED;
}

/* One reading, after its look-ahead. A state SEGS_WINDOW_*, SEGS_EFULL or SEGS_ENOMEM. */
static inline int add_item(const struct batch *batch, size_t i, struct hint *hint)
{
    struct segs_window *window = batch->window;
    const int64_t before_ms = window->watermark_ms;
    struct item item;
    int64_t seen_ms;
    bool is_late;
    int r;

    item_decode(batch, i, hint->start_ms, &item);
    if (item.state != SEGS_WINDOW_ADDED)
        return item.state;

    seen_ms = item.ts_ms < batch->now_ms ? item.ts_ms : batch->now_ms;
    if (seen_ms - window->lateness_ms > window->watermark_ms)
        window->watermark_ms = seen_ms - window->lateness_ms;
    is_late = segs__window_is_closed(window, item.start_ms, window->watermark_ms);
    if (is_late || batch->is_careful)
        r = add_carefully(window, &item, is_late);
    else
        r = add_on_time(batch, hint, &item);
    if (r < 0)
        window->watermark_ms = before_ms;
    return r;
}

/* What the fast lane needs of batch and window, copied: the compiler must not believe that adding
 * to a row could change any of it. */
struct lane {
    const int64_t *ts_ms;
    const struct segs_fingerprint *hash;
    const int64_t *power_micro_kw;
    const int64_t *energy_micro_kwh;
    const int32_t *voltage_milli_v;
    const int32_t *current_milli_a;
    const uint32_t *present;
    const int32_t *status;
    int64_t width_ms;
    int64_t now_ms;
    int64_t latest_ms; /* event time that is just not refused */
    int64_t lateness_ms;
    int64_t watermark_ms;
    uint32_t slot_ms;
    uint32_t cell_bytes;
};

static inline struct lane lane_of(const struct batch *batch)
{
    const struct segs_window_columns *c = batch->columns;
    const struct segs_window *window = batch->window;

    return (struct lane){ c->ts_ms,
                          c->hash,
                          c->power_micro_kw,
                          c->energy_micro_kwh,
                          c->voltage_milli_v,
                          c->current_milli_a,
                          c->present,
                          c->status,
                          window->limits.width_ms,
                          batch->now_ms,
                          batch->now_ms + window->max_future_ms,
                          window->lateness_ms,
                          window->watermark_ms,
                          window->slot_ms,
                          window->limits.cell_bytes };
}

/* What the fast lane adds to a row that has readings. False when the slot is taken or the log's
 * page is full; nothing has changed then. */
static inline bool add_plain(const struct lane *lane, size_t i, struct segs__bucket *bucket,
                             struct segs__cell *cell, uint32_t offset_ms, uint32_t slot)
{
    const struct segs_fingerprint hash = lane->hash[i];
    const int64_t power = lane->power_micro_kw[i];
    const uint64_t bit = UINT64_C(1) << slot;
    const uint32_t entry_index = bucket->log.count;
    struct segs__log_entry *entry;
    uint64_t counts;

    if ((cell->slots & bit) != 0 || cell->count == 0 || entry_index == bucket->log.capacity)
        return false;

    entry = segs__pages_at(&bucket->log, entry_index, (uint32_t)sizeof *entry);
    bucket->log.count = entry_index + 1;
    entry->hash = hash;
    entry->slot = slot;
    entry->prev = cell->log_head;
    cell->log_head = entry_index + 1;
    cell->slots |= bit;
    cell->power_sum += power;
    cell->power_min = power < cell->power_min ? power : cell->power_min;
    cell->power_max = power > cell->power_max ? power : cell->power_max;
    cell->energy_sum += lane->energy_micro_kwh[i];
    for (int word = 0; word < 4; word++)
        cell->fingerprint.lane[word] += hash.lane[word];
    cell->first_offset_ms = offset_ms < cell->first_offset_ms ? offset_ms : cell->first_offset_ms;
    cell->last_offset_ms = offset_ms > cell->last_offset_ms ? offset_ms : cell->last_offset_ms;
    cell->voltage_sum += lane->voltage_milli_v[i];
    cell->current_sum += lane->current_milli_a[i];
    cell->count++;
    /* Four counters of at most SEGS_WINDOW_SLOTS_MAX in one word: no carry between them. */
    memcpy(&counts, cell->value_count, sizeof counts);
    counts += UINT64_C(0x0001000100010001);
    memcpy(cell->value_count, &counts, sizeof counts);
    return true;
}

/* The fast lane: an OK reading with all values, on time, for a row that has readings already, in a
 * window of at most 64 slots. False for anything else, which is then left to add_item(). */
static inline bool add_quickly(struct lane *lane, size_t i, const struct hint *hint)
{
    const int64_t ts_ms = lane->ts_ms[i];
    const uint64_t offset_ms = (uint64_t)ts_ms - (uint64_t)hint->start_ms;
    const int64_t seen_ms = ts_ms < lane->now_ms ? ts_ms : lane->now_ms;
    int64_t watermark_ms = lane->watermark_ms;
    struct segs__cell *cell;
    uint32_t slot;

    /* A row that is there has a window and a meter in range, so the time is in range with it. */
    if (hint->row == 0 || offset_ms >= (uint64_t)lane->width_ms || ts_ms > lane->latest_ms ||
        !value_fits(lane->power_micro_kw[i]) || !value_fits(lane->energy_micro_kwh[i]) ||
        (lane->present && (lane->present[i] & PRESENT_ALL) != PRESENT_ALL) ||
        (lane->status && lane->status[i] == SEGS_STATUS_ERROR))
        return false;
    if (seen_ms - lane->lateness_ms > watermark_ms)
        watermark_ms = seen_ms - lane->lateness_ms;
    if (hint->start_ms + lane->width_ms <= watermark_ms)
        return false;

    cell = segs__pages_at(&hint->bucket->cells, hint->row - 1, lane->cell_bytes);
    slot = lane->slot_ms == 1000 ? (uint32_t)offset_ms / 1000 : (uint32_t)offset_ms / lane->slot_ms;
    if (!add_plain(lane, i, hint->bucket, cell, (uint32_t)offset_ms, slot))
        return false;
    lane->watermark_ms = watermark_ms;
    return true;
}

static inline void prefetch_cell(const void *cell)
{
    __builtin_prefetch(cell, 1);
    __builtin_prefetch((const unsigned char *)cell + 64, 1);
}

static inline struct segs__bucket *look_up_bucket(struct segs__rowset *set, int64_t start_ms,
                                                  uint32_t meter_slot)
{
    struct segs__bucket *bucket = segs__rowset_find_near(set, start_ms);

    if (bucket && bucket->dense && meter_slot < bucket->dense_cap)
        __builtin_prefetch(&bucket->dense[meter_slot], 0);
    return bucket;
}

static inline uint32_t look_up_row(const struct segs_window *window,
                                   const struct segs__bucket *bucket, uint32_t meter_slot)
{
    uint32_t row = bucket ? segs__bucket_find(bucket, meter_slot) : 0;

    if (row != 0)
        prefetch_cell(segs__cell_at(&window->limits, bucket, row - 1));
    return row;
}

static inline void look_ahead(const struct batch *batch, size_t first, size_t n, struct hint *hints)
{
    struct segs_window *window = batch->window;
    const int64_t *ts_ms = batch->columns->ts_ms + first;
    const uint32_t *meter_slot = batch->columns->meter_slot + first;
    const int64_t width_ms = window->limits.width_ms;
    const bool has_both = window->mode == SEGS_WINDOW_FULL;
    int64_t start_ms = INT64_MIN;

    for (size_t i = 0; i < n; i++) {
        start_ms = start_of(ts_ms[i], start_ms, width_ms);
        hints[i].start_ms = start_ms;
        hints[i].bucket = look_up_bucket(batch->set, start_ms, meter_slot[i]);
        hints[i].delta_bucket =
            has_both ? look_up_bucket(&window->fresh, start_ms, meter_slot[i]) : NULL;
    }
    for (size_t i = 0; i < n; i++) {
        hints[i].row = look_up_row(window, hints[i].bucket, meter_slot[i]);
        if (has_both)
            (void)look_up_row(window, hints[i].delta_bucket, meter_slot[i]);
    }
}

static void batch_init(struct batch *batch, struct segs_window *window,
                       const struct segs_window_columns *columns, int64_t now_ms)
{
    batch->window = window;
    batch->columns = columns;
    batch->now_ms = now_ms;
    batch->columns_present = (columns->power_micro_kw ? SEGS_HAS_POWER : 0) |
                             (columns->energy_micro_kwh ? SEGS_HAS_ENERGY : 0) |
                             (columns->voltage_milli_v ? SEGS_HAS_VOLTAGE : 0) |
                             (columns->current_milli_a ? SEGS_HAS_CURRENT : 0);
    batch->set = window->mode == SEGS_WINDOW_DELTAS_ONLY ? &window->fresh : &window->rows;
    /* Deltas in flight or returned de-duplicate too. */
    batch->is_careful = window->mode == SEGS_WINDOW_DELTAS_ONLY && window->taken.n > 0;
    batch->is_plain = !batch->is_careful && window->mode != SEGS_WINDOW_FULL &&
                      window->limits.n_words == 1 && batch->columns_present == PRESENT_ALL;
}

/* Returns how many of the block's readings were handled; fewer than n when memory ran out. */
static size_t add_block(const struct batch *batch, size_t first, size_t n, uint8_t *state,
                        int *n_counted)
{
    struct segs_window *window = batch->window;
    struct lane lane = lane_of(batch);
    struct hint hints[BLOCK];
    int n_added = 0;
    size_t i;

    look_ahead(batch, first, n, hints);
    for (i = 0; i < n; i++) {
        int r;

        if (batch->is_plain && add_quickly(&lane, first + i, &hints[i])) {
            state[i] = SEGS_WINDOW_ADDED;
            n_added++;
            continue;
        }
        window->watermark_ms = lane.watermark_ms;
        r = add_item(batch, first + i, &hints[i]);
        lane.watermark_ms = window->watermark_ms;
        if (r == SEGS_ENOMEM)
            break;
        state[i] = (uint8_t)(r == SEGS_EFULL ? SEGS_WINDOW_NO_ROOM : r);
        n_added += r >= 0 && r <= SEGS_WINDOW_LATE;
    }
    window->watermark_ms = lane.watermark_ms;
    *n_counted += n_added;
    return i;
}

int segs_window_add_columns(struct segs_window *window, const struct segs_window_columns *columns,
                            size_t n, int64_t now_ms, uint8_t *ret_state)
{
    struct segs_window_columns c;
    struct batch batch;
    int n_counted = 0;
    int r;

    if (!window || !columns || n > INT_MAX)
        return SEGS_EINVAL;
    r = segs__options_copy(&c, sizeof c, columns);
    if (r < 0)
        return r;
    if (n > 0 && (!c.meter_slot || !c.ts_ms || !c.hash || !ret_state))
        return SEGS_EINVAL;
    if (now_ms < 0 || now_ms > SEGS__TIME_MAX_MS)
        return SEGS_ERANGE;

    batch_init(&batch, window, &c, now_ms);
    for (size_t first = 0; first < n; first += BLOCK) {
        const size_t n_block = n - first < BLOCK ? n - first : BLOCK;
        uint8_t state[BLOCK];
        size_t n_done = add_block(&batch, first, n_block, state, &n_counted);

        memcpy(ret_state + first, state, n_done);
        if (n_done < n_block) {
            memset(ret_state + first + n_done, SEGS_WINDOW_UNTRIED, n - first - n_done);
            return SEGS_ENOMEM;
        }
    }
    return n_counted;
}

int segs_window_add(struct segs_window *window, uint32_t meter_slot,
                    const struct segs_reading *reading, const struct segs_fingerprint *hash,
                    int64_t now_ms)
{
    struct segs_window_columns c = SEGS_WINDOW_COLUMNS_INIT;
    struct hint hint = { INT64_MIN, NULL, NULL, 0 };
    struct batch batch;
    int r;

    if (!window || !reading || !hash)
        return SEGS_EINVAL;
    if (now_ms < 0 || now_ms > SEGS__TIME_MAX_MS)
        return SEGS_ERANGE;

    c.meter_slot = &meter_slot;
    c.ts_ms = &reading->ts_ms;
    c.hash = hash;
    c.power_micro_kw = &reading->power_micro_kw;
    c.energy_micro_kwh = &reading->energy_micro_kwh;
    c.voltage_milli_v = &reading->voltage_milli_v;
    c.current_milli_a = &reading->current_milli_a;
    c.present = &reading->present;
    c.status = reading->present & SEGS_HAS_STATUS ? &reading->status : NULL;
    batch_init(&batch, window, &c, now_ms);
    r = add_item(&batch, 0, &hint);
    return r == SEGS_WINDOW_FUTURE || r == SEGS_WINDOW_OUT_OF_RANGE ? SEGS_ERANGE : r;
}
