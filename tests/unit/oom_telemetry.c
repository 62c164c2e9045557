/* Decoder and policy when memory runs out. */
#include <segs/decode.h>
#include <segs/validate.h>

#include <check.h>
#include <stdlib.h>

#include "failalloc.h"

static int use_decoder(const struct segs_allocator *allocator, void *user)
{
    struct segs_decoder_options options = SEGS_DECODER_OPTIONS_INIT;
    struct segs_decoder *decoder = NULL;
    struct segs_reading reading;
    int r;

    (void)user;
    options.allocator = allocator;
    r = segs_decoder_new(&options, &decoder);
    if (r < 0) {
        ck_assert_ptr_null(decoder);
        return r;
    }
    ck_assert_int_eq(segs_decoder_begin(decoder, "[{},{}]", 7), 0);
    ck_assert_int_lt(segs_decoder_next(decoder, &reading, NULL), 0);
    segs_decoder_free(decoder);
    return 0;
}

START_TEST(a_decoder_allocates_once_and_fails_cleanly)
{
    ck_assert_uint_eq(failalloc_sweep(use_decoder, NULL), 1);
}
END_TEST

static int use_policy(const struct segs_allocator *allocator, void *user)
{
    struct segs_policy_options options = SEGS_POLICY_OPTIONS_INIT;
    struct segs_policy *policy = NULL;
    int r;

    (void)user;
    options.allocator = allocator;
    r = segs_policy_new(&options, &policy, NULL);
    if (r < 0)
        ck_assert_ptr_null(policy);
    segs_policy_free(policy);
    return r;
}

START_TEST(a_policy_allocates_once_and_fails_cleanly)
{
    ck_assert_uint_eq(failalloc_sweep(use_policy, NULL), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("oom_telemetry");
    TCase *tc = tcase_create("oom");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, a_decoder_allocates_once_and_fails_cleanly);
    tcase_add_test(tc, a_policy_allocates_once_and_fails_cleanly);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
