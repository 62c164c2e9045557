#include "window/rowset.h"

#include <assert.h>
#include <string.h>

#include <segs/error.h>

#include "base/base_internal.h"

#define PAGE_ALIGN 64u

_Static_assert(sizeof(struct segs__cell) == 128, "a row is two cache lines");
_Static_assert(offsetof(struct segs__cell, value_count) % 8 == 0, "added to as one word");
_Static_assert(sizeof(struct segs__log_entry) == 24, "documented in segs/window.h");

/* The allocator promises no more than the alignment of any basic type; rows want cache lines. The
 * byte before the page says how far it was moved. */
static unsigned char *page_new(const struct segs_allocator *a, size_t bytes)
{
    unsigned char *raw = segs__alloc(a, bytes + PAGE_ALIGN);
    size_t shift;

    if (!raw)
        return NULL;
    shift = PAGE_ALIGN - (uintptr_t)raw % PAGE_ALIGN;
    raw[shift - 1] = (unsigned char)shift;
    return raw + shift;
}

static void page_free(const struct segs_allocator *a, unsigned char *page)
{
    if (page)
        segs__release(a, page - page[-1]);
}

static bool spare_put(struct segs__spare_pages *spare, unsigned char *page)
{
    if (spare->n >= SEGS__SPARE_PAGES_MAX)
        return false;
    memcpy(page, &spare->first, sizeof spare->first);
    spare->first = page;
    spare->n++;
    return true;
}

static unsigned char *spare_get(struct segs__spare_pages *spare)
{
    unsigned char *page = spare->first;

    if (page) {
        memcpy(&spare->first, page, sizeof spare->first);
        spare->n--;
    }
    return page;
}

static void spare_release(struct segs__spare_pages *spare, const struct segs_allocator *a)
{
    unsigned char *page;

    while ((page = spare_get(spare)) != NULL)
        page_free(a, page);
}

void segs__row_limits_release_spares(struct segs__row_limits *limits)
{
    spare_release(&limits->spare_cells, limits->allocator);
    spare_release(&limits->spare_log, limits->allocator);
}

static int pages_grow_first(struct segs__pages *pages, const struct segs_allocator *a,
                            uint32_t item_bytes)
{
    uint32_t capacity = pages->capacity * 4;
    unsigned char *page = page_new(a, (size_t)capacity * item_bytes);

    if (!page)
        return SEGS_ENOMEM;
    memcpy(page, pages->page[0], (size_t)pages->count * item_bytes);
    page_free(a, pages->page[0]);
    pages->page[0] = page;
    pages->capacity = capacity;
    return 0;
}

static int pages_grow_table(struct segs__pages *pages, const struct segs_allocator *a)
{
    uint32_t cap = pages->cap_pages == 0 ? 1 : pages->cap_pages * 2;
    unsigned char **table = segs__resize_array(a, pages->page, cap, sizeof *table);

    if (!table)
        return SEGS_ENOMEM;
    pages->page = table;
    pages->cap_pages = cap;
    return 0;
}

static int pages_grow(struct segs__pages *pages, const struct segs_allocator *a,
                      struct segs__spare_pages *spare, uint32_t item_bytes)
{
    uint32_t capacity = pages->n_pages == 0 ? 4 : SEGS__PAGE_ITEMS;
    unsigned char *page = NULL;

    if (pages->n_pages == 1 && pages->capacity < SEGS__PAGE_ITEMS)
        return pages_grow_first(pages, a, item_bytes);
    if (pages->n_pages == pages->cap_pages && pages_grow_table(pages, a) < 0)
        return SEGS_ENOMEM;

    if (capacity == SEGS__PAGE_ITEMS)
        page = spare_get(spare);
    if (!page)
        page = page_new(a, (size_t)capacity * item_bytes);
    if (!page)
        return SEGS_ENOMEM;
    pages->page[pages->n_pages++] = page;
    pages->capacity += capacity;
    return 0;
}

static void pages_release(struct segs__pages *pages, const struct segs_allocator *a,
                          struct segs__spare_pages *spare)
{
    bool is_full = pages->capacity >= SEGS__PAGE_ITEMS;

    for (uint32_t i = 0; i < pages->n_pages; i++) {
        if (!is_full || !spare_put(spare, pages->page[i]))
            page_free(a, pages->page[i]);
    }
    segs__release(a, pages->page);
}

static uint32_t sparse_home(const struct segs__bucket *bucket, uint32_t meter_slot)
{
    return (uint32_t)((meter_slot * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (bucket->sparse_cap - 1);
}

uint32_t segs__bucket_find_sparse(const struct segs__bucket *bucket, uint32_t meter_slot)
{
    if (!bucket->sparse)
        return 0;
    for (uint32_t i = sparse_home(bucket, meter_slot);; i = (i + 1) & (bucket->sparse_cap - 1)) {
        if (bucket->sparse[i] == 0)
            return 0;
        if (bucket->sparse[i] >> 32 == meter_slot)
            return (uint32_t)bucket->sparse[i];
    }
}

static void sparse_insert(struct segs__bucket *bucket, uint64_t entry, uint32_t n_before)
{
    uint32_t i = sparse_home(bucket, (uint32_t)(entry >> 32));

    while (bucket->sparse[i] != 0)
        i = (i + 1) & (bucket->sparse_cap - 1);
    bucket->sparse[i] = entry;
    if (n_before > 0 && bucket->order[n_before - 1] > entry)
        bucket->is_sorted = false;
    bucket->order[n_before] = entry;
}

static uint64_t sparse_entry(const struct segs__row_limits *limits,
                             const struct segs__bucket *bucket, uint32_t cell)
{
    return (uint64_t)segs__cell_at(limits, bucket, cell)->meter_slot << 32 | (cell + 1);
}

static int directory_make_sparse(struct segs__bucket *bucket, const struct segs__row_limits *limits)
{
    uint32_t cap = 4;
    uint64_t *table;

    while (cap < 4 * (uint64_t)(bucket->cells.count + 1) && cap < (1u << 31))
        cap *= 2;
    /* Half as many rows as places at most; the order stands behind the table. */
    table = segs__alloc_array(limits->allocator, cap + cap / 2, sizeof *table);
    if (!table)
        return SEGS_ENOMEM;
    memset(table, 0, cap * sizeof *table);

    segs__release(limits->allocator, bucket->sparse);
    segs__release(limits->allocator, bucket->dense);
    bucket->dense = NULL;
    bucket->dense_cap = 0;
    bucket->sparse = table;
    bucket->sparse_cap = cap;
    bucket->order = table + cap;
    bucket->is_sorted = true;
    for (uint32_t i = 0; i < bucket->cells.count; i++)
        sparse_insert(bucket, sparse_entry(limits, bucket, i), i);
    return 0;
}

static int directory_make_dense(struct segs__bucket *bucket, const struct segs__row_limits *limits,
                                uint32_t max_meter)
{
    uint32_t cap = bucket->dense_cap + bucket->dense_cap / 4;
    uint32_t *dense;

    if (cap <= max_meter)
        cap = max_meter + 1;
    cap = (cap + 63) / 64 * 64;
    dense = segs__resize_array(limits->allocator, bucket->dense, cap, sizeof *dense);
    if (!dense)
        return SEGS_ENOMEM;
    memset(dense + bucket->dense_cap, 0, (cap - bucket->dense_cap) * sizeof *dense);
    bucket->dense = dense;
    bucket->dense_cap = cap;
    if (bucket->sparse) {
        for (uint32_t i = 0; i < bucket->cells.count; i++)
            dense[segs__cell_at(limits, bucket, i)->meter_slot] = i + 1;
        segs__release(limits->allocator, bucket->sparse);
        bucket->sparse = NULL;
        bucket->order = NULL;
        bucket->sparse_cap = 0;
    }
    return 0;
}

/* Make room in the directory for one more row. Dense from one meter in eight upwards; once dense,
 * it stays so down to one in sixteen, so that it does not swing to and fro. */
static int directory_fit(struct segs__bucket *bucket, const struct segs__row_limits *limits,
                         uint32_t meter_slot)
{
    uint32_t max = meter_slot > bucket->max_meter ? meter_slot : bucket->max_meter;
    uint64_t n_rows = (uint64_t)bucket->cells.count + 1;

    if (max < 64 || n_rows * (bucket->dense ? 16 : 8) > max)
        return bucket->dense && max < bucket->dense_cap ? 0
                                                        : directory_make_dense(bucket, limits, max);
    if (bucket->sparse && n_rows * 2 <= bucket->sparse_cap)
        return 0;
    return directory_make_sparse(bucket, limits);
}

static void cell_init(struct segs__cell *cell, uint32_t bytes, uint32_t meter_slot)
{
    memset(cell, 0, bytes);
    cell->power_min = INT64_MAX;
    cell->power_max = INT64_MIN;
    cell->first_offset_ms = UINT32_MAX;
    cell->meter_slot = meter_slot;
}

int segs__bucket_open(struct segs__bucket *bucket, struct segs__row_limits *limits,
                      uint32_t meter_slot, uint32_t *ret_cell)
{
    uint32_t index = bucket->cells.count;

    if (limits->n_rows >= limits->max_rows)
        return SEGS_EFULL;
    if (directory_fit(bucket, limits, meter_slot) < 0)
        return SEGS_ENOMEM;
    if (index == bucket->cells.capacity &&
        pages_grow(&bucket->cells, limits->allocator, &limits->spare_cells, limits->cell_bytes) < 0)
        return SEGS_ENOMEM;

    bucket->cells.count++;
    cell_init(segs__cell_at(limits, bucket, index), limits->cell_bytes, meter_slot);
    if (bucket->dense)
        bucket->dense[meter_slot] = index + 1;
    else
        sparse_insert(bucket, (uint64_t)meter_slot << 32 | (index + 1), index);
    if (meter_slot > bucket->max_meter)
        bucket->max_meter = meter_slot;
    limits->n_rows++;
    *ret_cell = index;
    return 0;
}

int segs__bucket_reserve_log(struct segs__bucket *bucket, struct segs__row_limits *limits,
                             uint32_t n)
{
    while (bucket->log.capacity - bucket->log.count < n) {
        if (pages_grow(&bucket->log, limits->allocator, &limits->spare_log,
                       (uint32_t)sizeof(struct segs__log_entry)) < 0)
            return SEGS_ENOMEM;
    }
    return 0;
}

struct segs_fingerprint segs__cell_hash(const struct segs__bucket *bucket,
                                        const struct segs__cell *cell, uint32_t slot)
{
    struct segs_fingerprint rest = cell->fingerprint;
    uint32_t next = cell->log_head;

    assert(bucket->is_logged);
    while (next != 0) {
        const struct segs__log_entry *entry =
            segs__pages_at(&bucket->log, next - 1, (uint32_t)sizeof *entry);

        if (entry->slot == slot)
            return entry->hash;
        for (int i = 0; i < 4; i++)
            rest.lane[i] -= entry->hash.lane[i];
        next = entry->prev;
    }
    return rest;
}

static void sift_down(uint64_t *a, size_t root, size_t n)
{
    for (;;) {
        size_t child = 2 * root + 1;
        uint64_t value = a[root];

        if (child >= n)
            return;
        if (child + 1 < n && a[child + 1] > a[child])
            child++;
        if (a[child] <= value)
            return;
        a[root] = a[child];
        a[child] = value;
        root = child;
    }
}

/* Heapsort: in place, so that reading results out can never run out of memory. */
static void sort_u64(uint64_t *a, size_t n)
{
    for (size_t i = n / 2; i > 0; i--)
        sift_down(a, i - 1, n);
    for (size_t i = n; i > 1; i--) {
        uint64_t top = a[0];

        a[0] = a[i - 1];
        a[i - 1] = top;
        sift_down(a, 0, i - 1);
    }
}

static uint32_t next_sparse(struct segs__bucket *bucket, uint64_t from_meter_slot)
{
    size_t low = 0;
    size_t high = bucket->cells.count;

    if (!bucket->sparse)
        return 0;
    if (!bucket->is_sorted) {
        sort_u64(bucket->order, bucket->cells.count);
        bucket->is_sorted = true;
    }
    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (bucket->order[mid] >> 32 < from_meter_slot)
            low = mid + 1;
        else
            high = mid;
    }
    return low < bucket->cells.count ? (uint32_t)bucket->order[low] : 0;
}

/* Rows are read in order of meter but lie in order of arrival. */
static void prefetch_dense(const struct segs__bucket *bucket, const struct segs__row_limits *limits,
                           uint64_t meter_slot)
{
    const struct segs__cell *cell;

    if (meter_slot >= bucket->dense_cap || bucket->dense[meter_slot] == 0)
        return;
    cell = segs__cell_at(limits, bucket, bucket->dense[meter_slot] - 1);
    __builtin_prefetch(cell, 1);
    __builtin_prefetch((const unsigned char *)cell + 64, 1);
}

uint32_t segs__bucket_next(struct segs__bucket *bucket, const struct segs__row_limits *limits,
                           uint64_t from_meter_slot)
{
    if (!bucket->dense)
        return next_sparse(bucket, from_meter_slot);
    for (uint64_t i = from_meter_slot; i < bucket->dense_cap; i++) {
        prefetch_dense(bucket, limits, i + 16);
        if (bucket->dense[i] != 0)
            return bucket->dense[i];
    }
    return 0;
}

size_t segs__rowset_lower_bound(const struct segs__rowset *set, int64_t start_ms)
{
    size_t low = 0;
    size_t high = set->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (set->bucket[mid]->start_ms < start_ms)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct segs__bucket *segs__rowset_find(struct segs__rowset *set, int64_t start_ms)
{
    size_t i;

    for (i = 0; i < 2; i++) {
        if (set->recent[i] && set->recent[i]->start_ms == start_ms)
            return set->recent[i];
    }
    i = segs__rowset_lower_bound(set, start_ms);
    if (i == set->n || set->bucket[i]->start_ms != start_ms)
        return NULL;
    set->recent[1] = set->recent[0];
    set->recent[0] = set->bucket[i];
    return set->bucket[i];
}

int segs__rowset_open(struct segs__rowset *set, struct segs__row_limits *limits, int64_t start_ms,
                      bool is_logged, struct segs__bucket **ret)
{
    struct segs__bucket *bucket = segs__rowset_find(set, start_ms);
    size_t at;

    if (bucket) {
        *ret = bucket;
        return 0;
    }
    if (limits->n_windows >= limits->max_windows)
        return SEGS_EFULL;
    if (set->n == set->cap) {
        size_t cap = set->cap == 0 ? 8 : set->cap * 2;
        struct segs__bucket **table =
            segs__resize_array(limits->allocator, set->bucket, cap, sizeof(*table));

        if (!table)
            return SEGS_ENOMEM;
        set->bucket = table;
        set->cap = cap;
    }
    bucket = segs__alloc_zero(limits->allocator, sizeof *bucket);
    if (!bucket)
        return SEGS_ENOMEM;

    bucket->start_ms = start_ms;
    bucket->is_logged = is_logged;
    at = segs__rowset_lower_bound(set, start_ms);
    memmove(set->bucket + at + 1, set->bucket + at, (set->n - at) * sizeof(*set->bucket));
    set->bucket[at] = bucket;
    set->n++;
    limits->n_windows++;
    *ret = bucket;
    return 0;
}

static void bucket_free(struct segs__bucket *bucket, struct segs__row_limits *limits)
{
    limits->n_rows -= bucket->cells.count;
    limits->n_windows--;
    pages_release(&bucket->cells, limits->allocator, &limits->spare_cells);
    pages_release(&bucket->log, limits->allocator, &limits->spare_log);
    segs__release(limits->allocator, bucket->dense);
    segs__release(limits->allocator, bucket->sparse);
    segs__release(limits->allocator, bucket);
}

void segs__rowset_remove(struct segs__rowset *set, struct segs__row_limits *limits, size_t index)
{
    bucket_free(set->bucket[index], limits);
    memmove(set->bucket + index, set->bucket + index + 1,
            (set->n - index - 1) * sizeof(*set->bucket));
    set->n--;
    set->recent[0] = NULL;
    set->recent[1] = NULL;
}

void segs__rowset_clear(struct segs__rowset *set, struct segs__row_limits *limits)
{
    for (size_t i = 0; i < set->n; i++)
        bucket_free(set->bucket[i], limits);
    set->n = 0;
    set->recent[0] = NULL;
    set->recent[1] = NULL;
}

void segs__rowset_release(struct segs__rowset *set, struct segs__row_limits *limits)
{
    segs__rowset_clear(set, limits);
    segs__release(limits->allocator, set->bucket);
    set->bucket = NULL;
    set->cap = 0;
}

struct segs__cell *segs__rowset_next(struct segs__rowset *set,
                                     const struct segs__row_limits *limits,
                                     struct segs__row_cursor *cursor,
                                     struct segs__bucket **ret_bucket)
{
    for (size_t i = segs__rowset_lower_bound(set, cursor->start_ms); i < set->n; i++) {
        struct segs__bucket *bucket = set->bucket[i];
        uint32_t next;

        if (bucket->start_ms != cursor->start_ms) {
            cursor->start_ms = bucket->start_ms;
            cursor->meter_slot = 0;
        }
        while ((next = segs__bucket_next(bucket, limits, cursor->meter_slot)) != 0) {
            struct segs__cell *cell = segs__cell_at(limits, bucket, next - 1);

            cursor->meter_slot = (uint64_t)cell->meter_slot + 1;
            if (cell->count != 0) {
                *ret_bucket = bucket;
                return cell;
            }
        }
    }
    return NULL;
}

void segs__cell_to_row(const struct segs__row_limits *limits, const struct segs__bucket *bucket,
                       struct segs__cell *cell, struct segs_window_row *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->window_start_ms = bucket->start_ms;
    ret->power_sum_micro_kw = cell->power_sum;
    if (cell->value_count[SEGS__POWER] != 0) {
        ret->power_min_micro_kw = cell->power_min;
        ret->power_max_micro_kw = cell->power_max;
    }
    ret->energy_sum_micro_kwh = cell->energy_sum;
    ret->voltage_sum_milli_v = cell->voltage_sum;
    ret->current_sum_milli_a = cell->current_sum;
    ret->first_ts_ms = bucket->start_ms + cell->first_offset_ms;
    ret->last_ts_ms = bucket->start_ms + cell->last_offset_ms;
    memcpy(ret->slots, segs__cell_slots(limits, cell), limits->n_words * sizeof ret->slots[0]);
    ret->fingerprint = cell->fingerprint;
    ret->meter_slot = cell->meter_slot;
    ret->count = cell->count;
    ret->power_count = cell->value_count[SEGS__POWER];
    ret->energy_count = cell->value_count[SEGS__ENERGY];
    ret->voltage_count = cell->value_count[SEGS__VOLTAGE];
    ret->current_count = cell->value_count[SEGS__CURRENT];
    ret->quality = cell->quality;
    ret->revision = cell->revision;
}
