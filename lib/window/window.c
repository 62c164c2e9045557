#include <segs/window.h>

#include <string.h>

#include "window/window_internal.h"

_Static_assert(sizeof(struct segs_window_row) == 248, "the row has no padding");
_Static_assert(offsetof(struct segs_window_row, slots) == 72, "the row has no padding");
_Static_assert(offsetof(struct segs_window_row, revision) == 244, "the row has no padding");
_Static_assert(offsetof(struct segs_window_options, mode) ==
                   sizeof(struct segs_window_options) - sizeof(int32_t),
               "the options have no padding");
_Static_assert(sizeof(void *) != 8 || sizeof(struct segs_window_options) == 88,
               "the options have no padding");

#define DAY_MS INT64_C(86400000)

/* An option's value after its default, or a named complaint. `none` is what -1 stands for, or -1
 * when it stands for nothing. */
struct option_rule {
    const char *name;
    int64_t min;
    int64_t max;
    int64_t fallback;
    bool minus_one_is_zero;
};

static int option_value(const struct option_rule *rule, int64_t given, int64_t *ret,
                        struct segs_error *reterr)
{
    int64_t value = given == 0 ? rule->fallback : given;

    if (given == -1 && rule->minus_one_is_zero)
        value = 0;
    if (value < rule->min || value > rule->max)
        return segs__fail(reterr, SEGS_ERANGE, rule->name, -1, "expected %lld to %lld, found %lld",
                          (long long)rule->min, (long long)rule->max, (long long)given);
    *ret = value;
    return 0;
}

/* Replace zeros by defaults in the copy of the options. */
static int options_resolve(struct segs_window_options *o, struct segs_error *reterr)
{
    const struct {
        struct option_rule rule;
        int64_t *value;
    } rules[] = {
        { { "width_ms", 1, DAY_MS, 60000, false }, &o->width_ms },
        { { "slot_ms", 1, DAY_MS, 1000, false }, &o->slot_ms },
        { { "allowed_lateness_ms", 0, DAY_MS, 10000, true }, &o->allowed_lateness_ms },
        { { "interval_ms", 0, 3600000, 0, false }, &o->interval_ms },
        { { "max_future_ms", 1, DAY_MS, 300000, false }, &o->max_future_ms },
        { { "retain_ms", 0, 31 * DAY_MS, 3600000, true }, &o->retain_ms },
        { { "max_rows", 1, 1 << 30, 4194304, false }, &o->max_rows },
        { { "max_windows", 1, 1 << 20, 65536, false }, &o->max_windows },
    };

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        int r = option_value(&rules[i].rule, *rules[i].value, rules[i].value, reterr);

        if (r < 0)
            return r;
    }
    if (o->max_meters == 0)
        o->max_meters = 1u << 20;
    if (o->max_meters > 1u << 26)
        return segs__fail(reterr, SEGS_ERANGE, "max_meters", -1,
                          "expected 1 to 67108864, found %lu", (unsigned long)o->max_meters);
    if (o->width_ms % o->slot_ms != 0 || o->width_ms / o->slot_ms > SEGS_WINDOW_SLOTS_MAX)
        return segs__fail(reterr, SEGS_ERANGE, "width_ms", -1,
                          "expected 1 to 1024 times slot_ms (%lld), found %lld",
                          (long long)o->slot_ms, (long long)o->width_ms);
    if (o->mode < SEGS_WINDOW_FULL || o->mode > SEGS_WINDOW_CLOSES_ONLY)
        return segs__fail(reterr, SEGS_ENOTSUP, "mode", -1, "expected 0, 1 or 2, found %ld",
                          (long)o->mode);
    return 0;
}

static uint32_t bitmap_words(int64_t n_slots)
{
    return (uint32_t)((n_slots + 63) / 64);
}

/* Whole cache lines, so that a cell never shares one with its neighbour. */
static uint32_t cell_bytes(uint32_t n_words)
{
    uint32_t bitmap = n_words == 1 ? 0 : n_words * (uint32_t)sizeof(uint64_t);

    return ((uint32_t)sizeof(struct segs__cell) + bitmap + 63) / 64 * 64;
}

int segs_window_new(const struct segs_window_options *options, struct segs_window **ret,
                    struct segs_error *reterr)
{
    const struct segs_allocator *allocator;
    struct segs_window_options o;
    struct segs_window *window;
    int r;

    if (!ret)
        return segs__fail(reterr, SEGS_EINVAL, "ret", -1, "expected a pointer, found NULL");
    r = segs__options_copy(&o, sizeof o, options);
    if (r < 0)
        return segs__fail(reterr, r, "size", -1, "options of an unknown version or size");
    r = options_resolve(&o, reterr);
    if (r < 0)
        return r;

    allocator = segs__allocator(o.allocator);
    window = segs__alloc_zero(allocator, sizeof *window);
    if (!window)
        return segs__fail(reterr, SEGS_ENOMEM, "", -1, "out of memory");
    window->limits.allocator = allocator;
    window->limits.width_ms = o.width_ms;
    window->limits.max_rows = o.max_rows;
    window->limits.max_windows = o.max_windows;
    window->limits.n_words = bitmap_words(o.width_ms / o.slot_ms);
    window->limits.cell_bytes = cell_bytes(window->limits.n_words);
    window->lateness_ms = o.allowed_lateness_ms;
    window->interval_ms = o.interval_ms;
    window->max_future_ms = o.max_future_ms;
    window->retain_ms = o.retain_ms;
    window->watermark_ms = SEGS_WINDOW_NO_WATERMARK;
    window->slot_ms = (uint32_t)o.slot_ms;
    window->max_meters = o.max_meters;
    window->mode = o.mode;
    window->close_cursor.start_ms = INT64_MIN;
    *ret = window;
    return 0;
}

void segs_window_free(struct segs_window *window)
{
    if (!window)
        return;
    segs__rowset_release(&window->rows, &window->limits);
    segs__rowset_release(&window->fresh, &window->limits);
    segs__rowset_release(&window->taken, &window->limits);
    segs__rowset_release(&window->late_out, &window->limits);
    segs__rowset_release(&window->late_fresh, &window->limits);
    segs__row_limits_release_spares(&window->limits);
    segs__release(window->limits.allocator, window);
}

int64_t segs_window_watermark(const struct segs_window *window)
{
    return window ? window->watermark_ms : SEGS_WINDOW_NO_WATERMARK;
}

int segs_window_advance(struct segs_window *window, int64_t now_ms)
{
    if (!window)
        return SEGS_EINVAL;
    if (now_ms < 0 || now_ms > SEGS__TIME_MAX_MS)
        return SEGS_ERANGE;

    if (now_ms - window->lateness_ms > window->watermark_ms)
        window->watermark_ms = now_ms - window->lateness_ms;
    segs__window_forget(window);
    return 0;
}

int64_t segs_window_row_count(const struct segs_window *window)
{
    return window ? window->limits.n_rows : 0;
}

static int64_t rows_in(const struct segs__rowset *set)
{
    int64_t n = 0;

    for (size_t i = 0; i < set->n; i++)
        n += set->bucket[i]->cells.count;
    return n;
}

int64_t segs_window_delta_count(const struct segs_window *window)
{
    if (!window)
        return 0;
    return rows_in(&window->fresh) +
           (window->take == SEGS__TAKE_RETURNED ? rows_in(&window->taken) : 0);
}
