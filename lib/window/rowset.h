/* Rows of many meters in a few windows: the store under every generation that a window object
 * keeps (the rows themselves, deltas, corrections). For lib/window/ only.
 *
 * A bucket holds one window. Its rows are cells in pages, in order of appearance; a directory maps
 * the meter slot to the cell. The directory is an array over all meter slots when enough of them
 * are there, else a hash table, so that a backfill of one meter over thousands of windows does not
 * pay for all meters in each. */
#ifndef SEGS_WINDOW_ROWSET_H
#define SEGS_WINDOW_ROWSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <segs/memory.h>
#include <segs/window.h>

#define SEGS__PAGE_SHIFT 10
#define SEGS__PAGE_ITEMS (1u << SEGS__PAGE_SHIFT)

/* One row while it accumulates: two cache lines. Windows of more than 64 slots keep their bitmap
 * behind the cell and leave `slots` alone. Sums cannot overflow: SEGS_WINDOW_VALUE_MAX times
 * SEGS_WINDOW_SLOTS_MAX fits. */
struct segs__cell {
    uint64_t slots;
    int64_t power_sum;
    int64_t power_min; /* INT64_MAX while no reading has power */
    int64_t power_max; /* INT64_MIN while no reading has power */
    int64_t energy_sum;
    struct segs_fingerprint fingerprint;
    uint32_t first_offset_ms; /* from the window's start; UINT32_MAX while count is 0 */
    uint32_t last_offset_ms;
    int64_t voltage_sum;
    int64_t current_sum;
    uint32_t meter_slot;
    uint32_t revision;
    uint32_t log_head; /* 1 + newest entry of the row in the bucket's log, 0 for none */
    uint16_t count;
    uint16_t quality;
    uint16_t value_count[4]; /* SEGS__POWER .. SEGS__CURRENT; as one word to the hot path */
    uint64_t reserved[3];
};

/* Places in value_count. */
#define SEGS__POWER 0
#define SEGS__ENERGY 1
#define SEGS__VOLTAGE 2
#define SEGS__CURRENT 3

/* The hash of one reading, to tell a duplicate from a conflict. The row's first reading has no
 * entry: its hash is the row's fingerprint less all entries, so a meter with one reading per window
 * costs nothing here. */
struct segs__log_entry {
    struct segs_fingerprint hash;
    uint32_t prev; /* 1 + index of the row's entry before, 0 for none */
    uint32_t slot;
};

/* Growing array of fixed-size items whose full pages never move. The first page starts small. */
struct segs__pages {
    unsigned char **page;
    uint32_t n_pages;
    uint32_t cap_pages;
    uint32_t count;
    uint32_t capacity;
};

struct segs__bucket {
    int64_t start_ms;
    struct segs__pages cells;
    struct segs__pages log;
    uint32_t *dense;  /* by meter slot: 1 + cell, 0 for none; NULL when `sparse` is used */
    uint64_t *sparse; /* open addressing: meter slot << 32 | 1 + cell, 0 for empty */
    uint64_t *order;  /* with `sparse`: the same entries, sorted when `is_sorted` */
    uint32_t dense_cap;
    uint32_t sparse_cap; /* power of two */
    uint32_t max_meter;
    uint32_t n_unpublished; /* rows with readings and revision 0, kept by the window object */
    bool is_sorted;
    bool is_logged; /* de-duplicates by itself */
};

/* Full pages that were given back, for the next window: the memory of a minute that ends is what
 * the next one needs, and asking the system for it anew costs a page fault per 4 KiB. */
struct segs__spare_pages {
    unsigned char *first; /* each holds the address of the next */
    uint32_t n;
};
#define SEGS__SPARE_PAGES_MAX 256u

/* What all row sets of one window object share. */
struct segs__row_limits {
    const struct segs_allocator *allocator;
    int64_t width_ms;
    int64_t max_rows;
    int64_t n_rows;
    int64_t max_windows;
    int64_t n_windows;
    uint32_t cell_bytes;
    uint32_t n_words; /* of the slot bitmap */
    struct segs__spare_pages spare_cells;
    struct segs__spare_pages spare_log;
};

/* Buckets in order of start. */
struct segs__rowset {
    struct segs__bucket **bucket;
    size_t n;
    size_t cap;
    struct segs__bucket *recent[2]; /* the last two found; batches rarely need more */
};

/* A place in a row set, stable while rows are added. */
struct segs__row_cursor {
    int64_t start_ms;
    uint64_t meter_slot; /* next to look at; may be one past the last possible */
};

static inline void *segs__pages_at(const struct segs__pages *pages, uint32_t index, uint32_t bytes)
{
    return pages->page[index >> SEGS__PAGE_SHIFT] +
           (size_t)(index & (SEGS__PAGE_ITEMS - 1)) * bytes;
}

static inline struct segs__cell *segs__cell_at(const struct segs__row_limits *limits,
                                               const struct segs__bucket *bucket, uint32_t index)
{
    return segs__pages_at(&bucket->cells, index, limits->cell_bytes);
}

static inline uint64_t *segs__cell_slots(const struct segs__row_limits *limits,
                                         struct segs__cell *cell)
{
    return limits->n_words == 1 ? &cell->slots : (uint64_t *)(void *)(cell + 1);
}

/* NULL when there is none. */
struct segs__bucket *segs__rowset_find(struct segs__rowset *set, int64_t start_ms);

static inline struct segs__bucket *segs__rowset_find_near(struct segs__rowset *set,
                                                          int64_t start_ms)
{
    if (set->recent[0] && set->recent[0]->start_ms == start_ms)
        return set->recent[0];
    return segs__rowset_find(set, start_ms);
}

/* Index of the first bucket that starts at or after start_ms; set->n when there is none. */
size_t segs__rowset_lower_bound(const struct segs__rowset *set, int64_t start_ms);

/* Find or make a bucket. 0, SEGS_EFULL or SEGS_ENOMEM. A new one is logged as told. */
int segs__rowset_open(struct segs__rowset *set, struct segs__row_limits *limits, int64_t start_ms,
                      bool is_logged, struct segs__bucket **ret);

void segs__rowset_remove(struct segs__rowset *set, struct segs__row_limits *limits, size_t index);
void segs__rowset_clear(struct segs__rowset *set, struct segs__row_limits *limits);
void segs__row_limits_release_spares(struct segs__row_limits *limits);
/* Clear, and release the array of buckets too. */
void segs__rowset_release(struct segs__rowset *set, struct segs__row_limits *limits);

/* 1 + cell of the meter, 0 for none, through the hash table. */
uint32_t segs__bucket_find_sparse(const struct segs__bucket *bucket, uint32_t meter_slot);

static inline uint32_t segs__bucket_find(const struct segs__bucket *bucket, uint32_t meter_slot)
{
    if (bucket->dense)
        return meter_slot < bucket->dense_cap ? bucket->dense[meter_slot] : 0;
    return segs__bucket_find_sparse(bucket, meter_slot);
}

/* Make the row of a meter that has none. 0, SEGS_EFULL or SEGS_ENOMEM, then nothing has changed. */
int segs__bucket_open(struct segs__bucket *bucket, struct segs__row_limits *limits,
                      uint32_t meter_slot, uint32_t *ret_cell);

/* Make room for n more log entries. 0 or SEGS_ENOMEM. */
int segs__bucket_reserve_log(struct segs__bucket *bucket, struct segs__row_limits *limits,
                             uint32_t n);

/* Append to the log. NULL when memory is out; the log is unchanged then. */
static inline struct segs__log_entry *segs__bucket_log(struct segs__bucket *bucket,
                                                       struct segs__row_limits *limits)
{
    if (bucket->log.count == bucket->log.capacity &&
        segs__bucket_reserve_log(bucket, limits, 1) < 0)
        return NULL;
    return segs__pages_at(&bucket->log, bucket->log.count++,
                          (uint32_t)sizeof(struct segs__log_entry));
}

/* 1 + cell of the lowest meter slot >= from, 0 for none. */
uint32_t segs__bucket_next(struct segs__bucket *bucket, const struct segs__row_limits *limits,
                           uint64_t from_meter_slot);

/* Next row with readings at or after the cursor, in order; moves the cursor behind it. NULL at the
 * end. */
struct segs__cell *segs__rowset_next(struct segs__rowset *set,
                                     const struct segs__row_limits *limits,
                                     struct segs__row_cursor *cursor,
                                     struct segs__bucket **ret_bucket);

/* The hash of the row's reading in `slot`, which it has. The bucket is logged. */
struct segs_fingerprint segs__cell_hash(const struct segs__bucket *bucket,
                                        const struct segs__cell *cell, uint32_t slot);

/* Move every row of `from` into `into`, whose rows have other slots, and clear `from`. 0 or
 * SEGS_ENOMEM, never SEGS_EFULL; on failure both still hold what they held. */
int segs__rowset_absorb(struct segs__rowset *into, struct segs__rowset *from,
                        struct segs__row_limits *limits);

/* The row as the caller sees it. */
void segs__cell_to_row(const struct segs__row_limits *limits, const struct segs__bucket *bucket,
                       struct segs__cell *cell, struct segs_window_row *ret);

#endif
