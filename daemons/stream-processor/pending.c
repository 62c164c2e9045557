#include "stream-processor/pending.h"

#include <stdlib.h>
#include <string.h>

#include <segs/error.h>

void pending_clear(struct pending *pending)
{
    for (size_t i = 0; i < pending->n_rejects; i++)
        free(pending->rejects[i].payload);
    pending->n = 0;
    pending->n_rejects = 0;
    pending->n_duplicates = 0;
    pending->n_skipped = 0;
}

void pending_free(struct pending *pending)
{
    pending_clear(pending);
    free(pending->readings);
    free(pending->order);
    free(pending->rejects);
    memset(pending, 0, sizeof *pending);
}

/* Room for one more element of `size` bytes behind the first n; NULL without memory. */
static void *room_for_one(void **items, size_t n, size_t *cap, size_t size)
{
    if (n == *cap) {
        size_t grown_cap = *cap ? *cap * 2 : 1024;
        void *grown = realloc(*items, grown_cap * size);

        if (!grown)
            return NULL;
        *items = grown;
        *cap = grown_cap;
    }
    memset((char *)*items + n * size, 0, size);
    return (char *)*items + n * size;
}

struct pending_reading *pending_next(struct pending *pending)
{
    void *items = pending->readings;
    struct pending_reading *next = room_for_one(&items, pending->n, &pending->cap, sizeof *next);

    pending->readings = items;
    return next;
}

struct pending_reject *pending_next_reject(struct pending *pending)
{
    void *items = pending->rejects;
    struct pending_reject *next =
        room_for_one(&items, pending->n_rejects, &pending->cap_rejects, sizeof *next);

    pending->rejects = items;
    return next;
}

struct sort_key {
    int64_t window_start_ms;
    int64_t ts_ms;
    uint32_t meter_slot;
    uint32_t index;
};

static int by_window_meter_time(const void *left, const void *right)
{
    const struct sort_key *a = left;
    const struct sort_key *b = right;

    if (a->window_start_ms != b->window_start_ms)
        return a->window_start_ms < b->window_start_ms ? -1 : 1;
    if (a->meter_slot != b->meter_slot)
        return a->meter_slot < b->meter_slot ? -1 : 1;
    if (a->ts_ms != b->ts_ms)
        return a->ts_ms < b->ts_ms ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

int pending_sort(struct pending *pending)
{
    struct sort_key *keys;

    if (pending->n == 0)
        return 0;
    if (pending->n > pending->cap_order) {
        uint32_t *grown = realloc(pending->order, pending->cap * sizeof *grown);

        if (!grown)
            return SEGS_ENOMEM;
        pending->order = grown;
        pending->cap_order = pending->cap;
    }
    keys = malloc(pending->n * sizeof *keys);
    if (!keys)
        return SEGS_ENOMEM;
    for (size_t i = 0; i < pending->n; i++) {
        keys[i].window_start_ms = pending->readings[i].window_start_ms;
        keys[i].ts_ms = pending->readings[i].reading.ts_ms;
        keys[i].meter_slot = pending->readings[i].meter_slot;
        keys[i].index = (uint32_t)i;
    }
    qsort(keys, pending->n, sizeof *keys, by_window_meter_time);
    for (size_t i = 0; i < pending->n; i++)
        pending->order[i] = keys[i].index;
    free(keys);
    return 0;
}

size_t pending_group(const struct pending *pending, int64_t window_start_ms, uint32_t meter_slot,
                     size_t *cursor, size_t *ret_first)
{
    size_t i = *cursor;
    size_t first;

    while (i < pending->n) {
        const struct pending_reading *p = &pending->readings[pending->order[i]];

        if (p->window_start_ms > window_start_ms ||
            (p->window_start_ms == window_start_ms && p->meter_slot >= meter_slot))
            break;
        i++;
    }
    first = i;
    while (i < pending->n) {
        const struct pending_reading *p = &pending->readings[pending->order[i]];

        if (p->window_start_ms != window_start_ms || p->meter_slot != meter_slot)
            break;
        i++;
    }
    *cursor = first;
    *ret_first = first;
    return i - first;
}
