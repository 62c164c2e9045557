/* Zones while memory runs out: every failing allocation is SEGS_ENOMEM and leaks nothing. */
#include <segs/zone.h>

#include <check.h>
#include <stdlib.h>

#include "failalloc.h"
#include "zone_files.h"

static uint8_t tzif[SEGS_ZONE_TZIF_MAX_BYTES];

static int make_and_use(const struct segs_allocator *allocator, void *user)
{
    struct segs_zone_options options = SEGS_ZONE_OPTIONS_INIT;
    struct segs_zone *zone = NULL;
    struct segs_zone_period period;
    size_t size = *(const size_t *)user;
    int r;

    options.allocator = allocator;
    r = segs_zone_new(tzif, size, &options, &zone, NULL);
    if (r == 0)
        r = segs_zone_period_at(zone, 0, &period);
    segs_zone_free(zone);
    return r;
}

START_TEST(a_zone_of_a_file_survives_every_failing_allocation)
{
    size_t size = read_zone_file("Europe_Berlin", tzif);

    /* The zone, its transitions, their types, the types, and room in the latter three for those of
     * the rule. */
    ck_assert_uint_eq(failalloc_sweep(make_and_use, &size), 7);
}
END_TEST

static int make_fixed(const struct segs_allocator *allocator, void *user)
{
    struct segs_zone_options options = SEGS_ZONE_OPTIONS_INIT;
    struct segs_zone *zone = NULL;
    int r;

    (void)user;
    options.allocator = allocator;
    r = segs_zone_new_fixed(60, &options, &zone, NULL);
    segs_zone_free(zone);
    return r;
}

START_TEST(a_fixed_zone_survives_every_failing_allocation)
{
    ck_assert_uint_eq(failalloc_sweep(make_fixed, NULL), 1);
}
END_TEST

START_TEST(a_refused_zone_leaks_nothing)
{
    size_t size = read_zone_file("Europe_Berlin", tzif);
    struct segs_zone_options options = SEGS_ZONE_OPTIONS_INIT;
    struct failalloc f;

    failalloc_init(&f, 0, false);
    options.allocator = &f.allocator;
    for (size_t n = 0; n < size; n++) {
        struct segs_zone *zone = NULL;

        ck_assert_int_lt(segs_zone_new(tzif, n, &options, &zone, NULL), 0);
        ck_assert_uint_eq(f.n_live, 0);
    }
    ck_assert_uint_gt(f.n_calls, size);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("oom_base");
    TCase *tc = tcase_create("oom_base");
    SRunner *runner;
    int n_failed;

    tcase_add_test(tc, a_zone_of_a_file_survives_every_failing_allocation);
    tcase_add_test(tc, a_fixed_zone_survives_every_failing_allocation);
    tcase_add_test(tc, a_refused_zone_leaks_nothing);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
