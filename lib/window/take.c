/* What comes out of a window object: deltas, closed rows, corrections. */
#include <segs/window.h>

#include "window/window_internal.h"

static const struct segs__row_cursor at_the_beginning = { INT64_MIN, 0 };

static bool has_deltas(const struct segs_window *window)
{
    return window->mode != SEGS_WINDOW_CLOSES_ONLY;
}

static bool has_closes(const struct segs_window *window)
{
    return window->mode != SEGS_WINDOW_DELTAS_ONLY;
}

static void swap_sets(struct segs__rowset *a, struct segs__rowset *b)
{
    struct segs__rowset keep = *a;

    *a = *b;
    *b = keep;
}

int segs_window_deltas_begin(struct segs_window *window)
{
    struct segs__row_cursor cursor = at_the_beginning;
    struct segs__bucket *bucket;

    if (!window)
        return SEGS_EINVAL;
    if (!has_deltas(window))
        return SEGS_ENOTSUP;
    if (window->take == SEGS__TAKE_OPEN)
        return SEGS_ECONFLICT;

    if (window->take == SEGS__TAKE_NONE) {
        swap_sets(&window->fresh, &window->taken);
    } else if (window->fresh.n > 0) {
        int r = segs__rowset_absorb(&window->taken, &window->fresh, &window->limits);

        if (r < 0)
            return r;
    }
    window->take = SEGS__TAKE_OPEN;
    window->take_cursor = at_the_beginning;
    return segs__rowset_next(&window->taken, &window->limits, &cursor, &bucket) ? 1 : 0;
}

int segs_window_next_delta(struct segs_window *window, struct segs_window_row *ret)
{
    struct segs__bucket *bucket;
    struct segs__cell *cell;

    if (!window || !ret)
        return SEGS_EINVAL;
    if (window->take != SEGS__TAKE_OPEN)
        return SEGS_ECONFLICT;

    cell = segs__rowset_next(&window->taken, &window->limits, &window->take_cursor, &bucket);
    if (!cell)
        return 0;
    segs__cell_to_row(&window->limits, bucket, cell, ret);
    return 1;
}

int segs_window_deltas_commit(struct segs_window *window)
{
    if (!window)
        return SEGS_EINVAL;
    if (window->take != SEGS__TAKE_OPEN)
        return SEGS_ECONFLICT;

    segs__rowset_clear(&window->taken, &window->limits);
    window->take = SEGS__TAKE_NONE;
    segs__window_forget(window);
    return 0;
}

int segs_window_deltas_abort(struct segs_window *window)
{
    if (!window)
        return SEGS_EINVAL;
    if (window->take != SEGS__TAKE_OPEN)
        return SEGS_ECONFLICT;

    window->take = SEGS__TAKE_RETURNED;
    if (window->fresh.n == 0) {
        swap_sets(&window->fresh, &window->taken);
        window->take = SEGS__TAKE_NONE;
    }
    return 0;
}

/* The next row of a closed bucket that nobody has seen, from the cursor on. */
static struct segs__cell *next_unpublished(struct segs_window *window, struct segs__bucket *bucket)
{
    struct segs__row_cursor *cursor = &window->close_cursor;
    uint32_t next;

    while (bucket->n_unpublished > 0 &&
           (next = segs__bucket_next(bucket, &window->limits, cursor->meter_slot)) != 0) {
        struct segs__cell *cell = segs__cell_at(&window->limits, bucket, next - 1);

        cursor->meter_slot = (uint64_t)cell->meter_slot + 1;
        if (cell->count != 0 && cell->revision == 0)
            return cell;
    }
    return NULL;
}

int segs_window_next_closed(struct segs_window *window, struct segs_window_row *ret)
{
    if (!window || !ret)
        return SEGS_EINVAL;
    if (!has_closes(window))
        return SEGS_ENOTSUP;

    for (size_t i = segs__rowset_lower_bound(&window->rows, window->close_cursor.start_ms);
         i < window->rows.n; i++) {
        struct segs__bucket *bucket = window->rows.bucket[i];
        struct segs__cell *cell;

        if (!segs__window_is_closed(window, bucket->start_ms, window->watermark_ms))
            break;
        if (window->close_cursor.start_ms != bucket->start_ms) {
            window->close_cursor.start_ms = bucket->start_ms;
            window->close_cursor.meter_slot = 0;
        }
        cell = next_unpublished(window, bucket);
        if (cell) {
            bucket->n_unpublished--;
            cell->revision = 1;
            segs__cell_to_row(&window->limits, bucket, cell, ret);
            return 1;
        }
    }
    segs__window_forget(window);
    return 0;
}

int segs_window_next_correction(struct segs_window *window, struct segs_window_row *ret_row,
                                struct segs_window_row *ret_difference)
{
    struct segs__bucket *bucket;
    struct segs__bucket *whole_bucket;
    struct segs__cell *whole;
    struct segs__cell *cell;

    if (!window || !ret_row)
        return SEGS_EINVAL;
    if (!has_closes(window))
        return SEGS_ENOTSUP;

    cell = segs__rowset_next(&window->late_out, &window->limits, &window->late_cursor, &bucket);
    if (!cell) {
        segs__rowset_clear(&window->late_out, &window->limits);
        swap_sets(&window->late_out, &window->late_fresh);
        window->late_cursor = at_the_beginning;
        cell = segs__rowset_next(&window->late_out, &window->limits, &window->late_cursor, &bucket);
    }
    if (!cell) {
        segs__rowset_clear(&window->late_out, &window->limits);
        segs__window_forget(window);
        return 0;
    }

    /* A bucket with a difference is never forgotten, so the whole row is there. */
    whole_bucket = segs__rowset_find(&window->rows, bucket->start_ms);
    whole = segs__cell_at(&window->limits, whole_bucket,
                          segs__bucket_find(whole_bucket, cell->meter_slot) - 1);
    whole->revision++;
    segs__cell_to_row(&window->limits, whole_bucket, whole, ret_row);
    if (ret_difference)
        segs__cell_to_row(&window->limits, bucket, cell, ret_difference);
    cell->revision = 1;
    return 1;
}

static bool is_owed(struct segs_window *window, const struct segs__bucket *bucket)
{
    return bucket->n_unpublished > 0 || segs__rowset_find(&window->fresh, bucket->start_ms) ||
           segs__rowset_find(&window->taken, bucket->start_ms) ||
           segs__rowset_find(&window->late_out, bucket->start_ms) ||
           segs__rowset_find(&window->late_fresh, bucket->start_ms);
}

void segs__window_forget(struct segs_window *window)
{
    size_t i = 0;

    while (i < window->rows.n) {
        struct segs__bucket *bucket = window->rows.bucket[i];

        if (!segs__window_is_closed(window, bucket->start_ms + window->retain_ms,
                                    window->watermark_ms))
            return;
        if (is_owed(window, bucket))
            i++;
        else
            segs__rowset_remove(&window->rows, &window->limits, i);
    }
}
