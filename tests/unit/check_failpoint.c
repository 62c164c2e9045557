/* Built with SEGS_FAILPOINTS whatever the build says. Each test runs in a process of its own,
 * because fail points are read once. */
#include "runtime/failpoint.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "runtime/clock.h"

static void choose(const char *text)
{
    ck_assert_int_eq(setenv("SEGS_FAILPOINTS", text, 1), 0);
}

START_TEST(without_a_choice_nothing_happens)
{
    ck_assert_int_eq(unsetenv("SEGS_FAILPOINTS"), 0);
    ck_assert(!rt_failpoint("bus.commit"));
}
END_TEST

START_TEST(error_and_enospc_fail_every_visit_of_their_name)
{
    choose("bus.commit:error,db.write:enospc");
    ck_assert(rt_failpoint("bus.commit"));
    ck_assert(rt_failpoint("bus.commit"));
    ck_assert(rt_failpoint("db.write"));
    ck_assert(!rt_failpoint("bus.commi"));
}
END_TEST

START_TEST(a_number_chooses_one_visit)
{
    choose("bus.commit:error@2");
    ck_assert(!rt_failpoint("bus.commit"));
    ck_assert(rt_failpoint("bus.commit"));
    ck_assert(!rt_failpoint("bus.commit"));
}
END_TEST

START_TEST(sleep_delays_and_lets_pass)
{
    int64_t begun_ms = rt_monotonic_ms();

    choose("bus.commit:sleep=50");
    ck_assert(!rt_failpoint("bus.commit"));
    ck_assert_int_ge(rt_monotonic_ms() - begun_ms, 50);
}
END_TEST

START_TEST(kill_ends_the_process_at_its_visit)
{
    choose("bus.commit:kill@3");
    (void)rt_failpoint("bus.commit");
    (void)rt_failpoint("bus.commit");
    (void)rt_failpoint("bus.commit");
    ck_abort_msg("still alive");
}
END_TEST

START_TEST(a_misspelt_choice_aborts)
{
    static const char *const bad[] = { "bus.commit", "bus.commit:boom", ":error",
                                       "a:error@0",  "a:sleep=",        "a:error@x" };

    choose(bad[_i]);
    (void)rt_failpoint("a");
    ck_abort_msg("accepted");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failpoint");
    TCase *tc = tcase_create("failpoint");
    SRunner *runner;
    int n_failed;

    tcase_add_test(tc, without_a_choice_nothing_happens);
    tcase_add_test(tc, error_and_enospc_fail_every_visit_of_their_name);
    tcase_add_test(tc, a_number_chooses_one_visit);
    tcase_add_test(tc, sleep_delays_and_lets_pass);
    tcase_add_test_raise_signal(tc, kill_ends_the_process_at_its_visit, SIGKILL);
    tcase_add_loop_test_raise_signal(tc, a_misspelt_choice_aborts, SIGABRT, 0, 6);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
