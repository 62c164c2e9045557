/* What a partition task keeps between two checkpoints: order, groups, and nothing left after clearing. */
#include "stream-processor/pending.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct pending pending;

static void setup(void)
{
    memset(&pending, 0, sizeof pending);
}

static void teardown(void)
{
    pending_free(&pending);
}

static void add(int64_t window_start_ms, uint32_t meter_slot, int64_t ts_ms, int64_t offset)
{
    struct pending_reading *p = pending_next(&pending);

    ck_assert_ptr_nonnull(p);
    p->window_start_ms = window_start_ms;
    p->meter_slot = meter_slot;
    p->reading.ts_ms = ts_ms;
    p->offset = offset;
    pending.n++;
}

START_TEST(readings_are_ordered_by_window_meter_time_and_arrival)
{
    /* Offsets tell what the order should be. */
    add(60000, 0, 60001, 5);
    add(0, 2, 100, 3);
    add(0, 1, 900, 1);
    add(60000, 0, 60001, 6);
    add(0, 1, 100, 0);
    add(60000, 0, 60000, 4);
    add(0, 1, 900, 2);
    ck_assert_int_eq(pending_sort(&pending), 0);
    for (size_t i = 0; i < pending.n; i++)
        ck_assert_int_eq(pending.readings[pending.order[i]].offset, (int64_t)i);
}
END_TEST

START_TEST(groups_are_found_with_a_cursor_that_only_moves_forward)
{
    size_t cursor = 0;
    size_t first = 99;

    add(60000, 0, 60000, 0);
    add(0, 3, 0, 0);
    add(0, 1, 0, 0);
    add(0, 1, 1000, 0);
    ck_assert_int_eq(pending_sort(&pending), 0);
    ck_assert_uint_eq(pending_group(&pending, 0, 0, &cursor, &first), 0);
    ck_assert_uint_eq(pending_group(&pending, 0, 1, &cursor, &first), 2);
    ck_assert_uint_eq(first, 0);
    ck_assert_uint_eq(pending_group(&pending, 0, 1, &cursor, &first), 2);
    ck_assert_uint_eq(pending_group(&pending, 0, 2, &cursor, &first), 0);
    ck_assert_uint_eq(pending_group(&pending, 0, 3, &cursor, &first), 1);
    ck_assert_uint_eq(first, 2);
    ck_assert_uint_eq(pending_group(&pending, 60000, 0, &cursor, &first), 1);
    ck_assert_uint_eq(first, 3);
    ck_assert_uint_eq(pending_group(&pending, 60000, 1, &cursor, &first), 0);
    ck_assert_uint_eq(pending_group(&pending, 120000, 0, &cursor, &first), 0);
}
END_TEST

START_TEST(what_was_kept_stays_when_room_is_made_for_more)
{
    for (int64_t i = 0; i < 5000; i++)
        add(0, 0, 4999 - i, i);
    ck_assert_int_eq(pending_sort(&pending), 0);
    for (size_t i = 0; i < 5000; i++)
        ck_assert_int_eq(pending.readings[pending.order[i]].offset, (int64_t)(4999 - i));
    for (int64_t i = 5000; i < 9000; i++)
        add(0, 0, 0, i);
    ck_assert_int_eq(pending_sort(&pending), 0);
    ck_assert_int_eq(pending.readings[pending.order[0]].offset, 4999);
    ck_assert_int_eq(pending.readings[pending.order[8999]].offset, 0);
}
END_TEST

START_TEST(sorting_nothing_is_nothing)
{
    size_t cursor = 0;
    size_t first = 0;

    ck_assert_int_eq(pending_sort(&pending), 0);
    ck_assert_uint_eq(pending_group(&pending, 0, 0, &cursor, &first), 0);
}
END_TEST

START_TEST(clearing_leaves_no_reading_reject_or_figure)
{
    struct pending_reject *reject = pending_next_reject(&pending);

    ck_assert_ptr_nonnull(reject);
    reject->payload = strdup("{}");
    memcpy(reject->rule, "FORMAT", 7);
    pending.n_rejects++;
    add(0, 0, 0, 0);
    pending.n_duplicates = 3;
    pending.n_skipped = 4;
    pending_clear(&pending);
    ck_assert_uint_eq(pending.n, 0);
    ck_assert_uint_eq(pending.n_rejects, 0);
    ck_assert_int_eq(pending.n_duplicates, 0);
    ck_assert_int_eq(pending.n_skipped, 0);
    reject = pending_next_reject(&pending);
    ck_assert_ptr_null(reject->payload);
    ck_assert_str_eq(reject->rule, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stream_pending");
    TCase *tc = tcase_create("pending");
    SRunner *runner;
    int n_failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, readings_are_ordered_by_window_meter_time_and_arrival);
    tcase_add_test(tc, groups_are_found_with_a_cursor_that_only_moves_forward);
    tcase_add_test(tc, what_was_kept_stays_when_room_is_made_for_more);
    tcase_add_test(tc, sorting_nothing_is_nothing);
    tcase_add_test(tc, clearing_leaves_no_reading_reject_or_figure);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
