/* Every allocation of windows and interning fails once: an error, nothing leaked, nothing lost. */
#include <segs/intern.h>
#include <segs/window.h>

#include <stdio.h>
#include <stdlib.h>

#include "failalloc.h"
#include "window_support.h"

#define N_METERS 40u

static int64_t sum_of_deltas(struct segs_window *window)
{
    struct segs_window_row row;
    int64_t sum = 0;

    while (segs_window_next_delta(window, &row) == 1)
        sum += row.power_sum_micro_kw;
    return sum;
}

/* Adds one reading of power 1 to each meter; what fails for lack of memory must succeed later, as
 * if it had never been tried. Returns the first error. */
static int add_round(struct segs_window *window, int64_t ts_ms)
{
    int r = 0;

    for (uint32_t i = 0; i < N_METERS && r >= 0; i++)
        r = add_power(window, i * i * 37 % 5000, ts_ms, 1, ts_ms);
    return r < 0 ? r : 0;
}

static int run_deltas(const struct segs_allocator *allocator, void *user)
{
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;
    struct segs_window *window = NULL;
    int r;

    options.mode = *(int *)user;
    options.allocator = allocator;
    r = segs_window_new(&options, &window, NULL);
    if (r == 0)
        r = add_round(window, MINUTE);
    if (r == 0)
        r = add_round(window, MINUTE + 1000);
    if (r == 0)
        r = segs_window_deltas_begin(window);
    if (r >= 0)
        r = add_round(window, MINUTE + 2000);
    if (r == 0)
        r = add_round(window, MINUTE + 3000);
    if (r == 0)
        r = segs_window_deltas_abort(window);
    if (r == 0) {
        r = segs_window_deltas_begin(window); /* merges two generations */
        if (r == SEGS_ENOMEM) {
            /* Nothing is lost by a merge that failed half-way, nor by one that is tried again. */
            int again = segs_window_deltas_begin(window);

            if (again == 1)
                ck_assert_int_eq(sum_of_deltas(window), 4 * (int64_t)N_METERS);
            else
                ck_assert_int_eq(again, SEGS_ENOMEM);
        } else {
            ck_assert_int_eq(r, 1);
            ck_assert_int_eq(sum_of_deltas(window), 4 * (int64_t)N_METERS);
            r = segs_window_deltas_commit(window);
        }
    }
    segs_window_free(window);
    return r;
}

START_TEST(deltas_survive_every_failing_allocation)
{
    int mode = _i;

    ck_assert_uint_gt(failalloc_sweep(run_deltas, &mode), 20);
}
END_TEST

static int run_closes(const struct segs_allocator *allocator, void *user)
{
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;
    struct segs_window *window = NULL;
    struct segs_window_row row;
    int r;

    (void)user;
    options.allocator = allocator;
    r = segs_window_new(&options, &window, NULL);
    if (r == 0)
        r = add_round(window, MINUTE);
    if (r == 0)
        r = segs_window_advance(window, MINUTE + 70000);
    while (r == 0 && segs_window_next_closed(window, &row) == 1)
        ck_assert_int_eq(row.power_sum_micro_kw, 1);
    if (r == 0)
        r = add_round(window, MINUTE + 1000);
    while (r == 0 && segs_window_next_correction(window, &row, NULL) == 1)
        ck_assert_int_eq(row.power_sum_micro_kw, 2);
    segs_window_free(window);
    return r;
}

START_TEST(corrections_survive_every_failing_allocation)
{
    ck_assert_uint_gt(failalloc_sweep(run_closes, NULL), 20);
}
END_TEST

static int run_columns(const struct segs_allocator *allocator, void *user)
{
    enum { N = 200 };
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;
    struct segs_window_columns columns = SEGS_WINDOW_COLUMNS_INIT;
    struct segs_window *window = NULL;
    uint32_t meter[N];
    int64_t ts_ms[N];
    struct segs_fingerprint hash[N];
    uint8_t state[N];
    size_t done = 0;
    int r;

    (void)user;
    options.allocator = allocator;
    for (uint32_t i = 0; i < N; i++) {
        meter[i] = i % 50 * 100;
        ts_ms[i] = MINUTE + i / 50 * 1000;
        hash[i] = hash_of(i);
    }
    columns.meter_slot = meter;
    columns.ts_ms = ts_ms;
    columns.hash = hash;
    r = segs_window_new(&options, &window, NULL);
    if (r < 0)
        return r;
    r = segs_window_add_columns(window, &columns, N, MINUTE, state);
    if (r == SEGS_ENOMEM) {
        while (done < N && state[done] == SEGS_WINDOW_ADDED)
            done++;
        ck_assert_uint_lt(done, N);
        for (size_t i = done; i < N; i++)
            ck_assert_uint_eq(state[i], SEGS_WINDOW_UNTRIED);
        columns.meter_slot += done;
        columns.ts_ms += done;
        columns.hash += done;
        /* With memory back the rest goes in as if nothing had happened. */
        if (segs_window_add_columns(window, &columns, N - done, MINUTE, state) >= 0) {
            for (size_t i = 0; i < N - done; i++)
                ck_assert_uint_eq(state[i], SEGS_WINDOW_ADDED);
        }
    } else {
        ck_assert_int_eq(r, N);
    }
    segs_window_free(window);
    return r;
}

START_TEST(a_batch_without_memory_says_where_to_go_on)
{
    ck_assert_uint_gt(failalloc_sweep(run_columns, NULL), 10);
}
END_TEST

static int run_intern(const struct segs_allocator *allocator, void *user)
{
    struct segs_intern_options options = SEGS_INTERN_OPTIONS_INIT;
    struct segs_intern *intern = NULL;
    char ids[100][8];
    uint32_t slots[100];
    int r;

    (void)user;
    options.allocator = allocator;
    for (int i = 0; i < 100; i++)
        (void)snprintf(ids[i], sizeof ids[i], "m%d", i);
    r = segs_intern_new(&options, &intern);
    if (r == 0)
        r = segs_intern_many(intern, ids[0], 8, 8, 100, slots);
    for (uint32_t i = 0; r == 0 && i < 100; i++)
        ck_assert_uint_eq(slots[i], i);
    if (intern && r < 0) {
        uint32_t n = segs_intern_count(intern);

        for (uint32_t i = 0; i < 100; i++)
            ck_assert_uint_eq(slots[i], i < n ? i : SEGS_INTERN_NONE);
    }
    segs_intern_free(intern);
    return r;
}

START_TEST(interning_survives_every_failing_allocation)
{
    ck_assert_uint_gt(failalloc_sweep(run_intern, NULL), 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("window without memory");
    TCase *tc = tcase_create("oom");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, deltas_survive_every_failing_allocation, SEGS_WINDOW_FULL,
                        SEGS_WINDOW_DELTAS_ONLY + 1);
    tcase_add_test(tc, corrections_survive_every_failing_allocation);
    tcase_add_test(tc, a_batch_without_memory_says_where_to_go_on);
    tcase_add_test(tc, interning_survives_every_failing_allocation);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
