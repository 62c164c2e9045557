/* Two generations of deltas become one, when a take was aborted and readings came in meanwhile. */
#include "window/rowset.h"

#include <assert.h>
#include <string.h>

#include "base/base_internal.h"

/* The one slot of the row that has no log entry. */
static uint32_t unlogged_slot(const struct segs__row_limits *limits,
                              const struct segs__bucket *bucket, struct segs__cell *cell)
{
    uint64_t left[SEGS_WINDOW_SLOT_WORDS] = { 0 };
    uint32_t next = cell->log_head;
    uint32_t word = 0;

    memcpy(left, segs__cell_slots(limits, cell), limits->n_words * sizeof left[0]);
    while (next != 0) {
        const struct segs__log_entry *entry =
            segs__pages_at(&bucket->log, next - 1, (uint32_t)sizeof *entry);

        left[entry->slot / 64] &= ~(UINT64_C(1) << (entry->slot % 64));
        next = entry->prev;
    }
    /* A row with readings has exactly one without an entry. */
    while (left[word] == 0)
        word++;
    assert(word < limits->n_words);
    return word * 64 + (uint32_t)__builtin_ctzll(left[word]);
}

/* Room was reserved, so this cannot fail. */
static void append_log(struct segs__bucket *into, struct segs__row_limits *limits,
                       struct segs__cell *cell, struct segs_fingerprint hash, uint32_t slot)
{
    struct segs__log_entry *entry = segs__bucket_log(into, limits);

    assert(entry);
    entry->hash = hash;
    entry->slot = slot;
    entry->prev = cell->log_head;
    cell->log_head = into->log.count;
}

static void absorb_log(struct segs__bucket *into, struct segs__cell *to, struct segs__bucket *from,
                       struct segs__cell *cell, struct segs__row_limits *limits)
{
    uint32_t next = cell->log_head;

    if (to->count != 0) {
        uint32_t slot = unlogged_slot(limits, from, cell);

        append_log(into, limits, to, segs__cell_hash(from, cell, slot), slot);
    }
    while (next != 0) {
        const struct segs__log_entry *entry =
            segs__pages_at(&from->log, next - 1, (uint32_t)sizeof *entry);

        append_log(into, limits, to, entry->hash, entry->slot);
        next = entry->prev;
    }
}

static void absorb_cell(struct segs__cell *to, struct segs__cell *cell,
                        const struct segs__row_limits *limits)
{
    uint64_t *slots = segs__cell_slots(limits, to);
    const uint64_t *more = segs__cell_slots(limits, cell);

    for (uint32_t i = 0; i < limits->n_words; i++)
        slots[i] |= more[i];
    to->power_sum += cell->power_sum;
    if (cell->power_min < to->power_min)
        to->power_min = cell->power_min;
    if (cell->power_max > to->power_max)
        to->power_max = cell->power_max;
    to->energy_sum += cell->energy_sum;
    to->voltage_sum += cell->voltage_sum;
    to->current_sum += cell->current_sum;
    for (int i = 0; i < 4; i++)
        to->fingerprint.lane[i] += cell->fingerprint.lane[i];
    if (cell->first_offset_ms < to->first_offset_ms)
        to->first_offset_ms = cell->first_offset_ms;
    if (cell->last_offset_ms > to->last_offset_ms)
        to->last_offset_ms = cell->last_offset_ms;
    to->count = (uint16_t)(to->count + cell->count);
    for (int i = 0; i < 4; i++)
        to->value_count[i] = (uint16_t)(to->value_count[i] + cell->value_count[i]);
    to->quality |= cell->quality;
}

/* Every row of `from` gets its place in `into`; what is made here has no readings yet and so shows
 * nowhere when a later step fails. */
static int reserve(struct segs__rowset *into, struct segs__rowset *from,
                   struct segs__row_limits *limits)
{
    struct segs__row_cursor cursor = { INT64_MIN, 0 };
    struct segs__bucket *bucket;
    struct segs__bucket *to = NULL;
    struct segs__cell *cell;
    uint32_t index;

    while ((cell = segs__rowset_next(from, limits, &cursor, &bucket)) != NULL) {
        if (!to || to->start_ms != bucket->start_ms) {
            if (segs__rowset_open(into, limits, bucket->start_ms, bucket->is_logged, &to) < 0)
                return SEGS_ENOMEM;
            assert(to->is_logged == bucket->is_logged);
            /* A row's readings are its entries and one more. */
            if (bucket->is_logged &&
                segs__bucket_reserve_log(to, limits, bucket->log.count + bucket->cells.count) < 0)
                return SEGS_ENOMEM;
        }
        if (segs__bucket_find(to, cell->meter_slot) == 0 &&
            segs__bucket_open(to, limits, cell->meter_slot, &index) < 0)
            return SEGS_ENOMEM;
    }
    return 0;
}

int segs__rowset_absorb(struct segs__rowset *into, struct segs__rowset *from,
                        struct segs__row_limits *limits)
{
    struct segs__row_cursor cursor = { INT64_MIN, 0 };
    const int64_t max_rows = limits->max_rows;
    const int64_t max_windows = limits->max_windows;
    struct segs__bucket *bucket;
    struct segs__cell *cell;
    int r;

    /* Both copies exist for a moment; what was accepted once must not fail at a limit. */
    limits->max_rows = INT64_MAX;
    limits->max_windows = INT64_MAX;
    r = reserve(into, from, limits);
    limits->max_rows = max_rows;
    limits->max_windows = max_windows;
    if (r < 0)
        return r;

    while ((cell = segs__rowset_next(from, limits, &cursor, &bucket)) != NULL) {
        struct segs__bucket *to = segs__rowset_find(into, bucket->start_ms);
        struct segs__cell *target =
            segs__cell_at(limits, to, segs__bucket_find(to, cell->meter_slot) - 1);

        if (bucket->is_logged)
            absorb_log(to, target, bucket, cell, limits);
        absorb_cell(target, cell, limits);
    }
    segs__rowset_clear(from, limits);
    return 0;
}
