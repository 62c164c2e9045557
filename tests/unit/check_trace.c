#include "runtime/trace.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <segs/error.h>

#include "runtime/random.h"
#include "runtime/text.h"

/* The example of the W3C recommendation, section 3.2.3. */
#define EXAMPLE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

START_TEST(a_traceparent_is_read_and_written_back)
{
    struct rt_trace trace;
    char text[RT_TRACEPARENT_BYTES];

    ck_assert_int_eq(rt_trace_parse(EXAMPLE, &trace), 0);
    ck_assert_str_eq(trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    ck_assert_str_eq(trace.span_id, "00f067aa0ba902b7");
    ck_assert_uint_eq(trace.flags, 1);
    rt_trace_format(&trace, text);
    ck_assert_str_eq(text, EXAMPLE);
}
END_TEST

START_TEST(a_later_version_is_read_by_its_beginning)
{
    struct rt_trace trace;

    ck_assert_int_eq(
        rt_trace_parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what", &trace), 0);
    ck_assert_str_eq(trace.span_id, "00f067aa0ba902b7");
    ck_assert_int_eq(
        rt_trace_parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", &trace), 0);
}
END_TEST

static const char *const bad[] = {
    "",
    "00",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what",
    "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what",
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "0G-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
    " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
};

START_TEST(a_malformed_traceparent_is_refused)
{
    struct rt_trace trace = { "untouched", "", 7 };

    ck_assert_int_eq(rt_trace_parse(bad[_i], &trace), SEGS_ESYNTAX);
    ck_assert_str_eq(trace.trace_id, "untouched");
}
END_TEST

START_TEST(a_child_keeps_the_trace_and_has_a_span_of_its_own)
{
    struct rt_trace parent;
    struct rt_trace child;

    ck_assert_int_eq(rt_trace_parse(EXAMPLE, &parent), 0);
    ck_assert_int_eq(rt_trace_child(&parent, &child), 0);
    ck_assert_str_eq(child.trace_id, parent.trace_id);
    ck_assert_str_ne(child.span_id, parent.span_id);
    ck_assert_uint_eq(child.flags, 1);
}
END_TEST

START_TEST(a_new_trace_is_well_formed)
{
    struct rt_trace root;
    struct rt_trace again;
    char text[RT_TRACEPARENT_BYTES];

    ck_assert_int_eq(rt_trace_child(NULL, &root), 0);
    rt_trace_format(&root, text);
    ck_assert_int_eq(rt_trace_parse(text, &again), 0);
    ck_assert_str_eq(again.trace_id, root.trace_id);
}
END_TEST

START_TEST(a_request_id_is_taken_when_it_is_harmless)
{
    char longest[66];
    char id[RT_REQUEST_ID_BYTES];

    memset(longest, 'a', 65);
    longest[65] = '\0';
    ck_assert(rt_request_id_is_valid("Req_1.2-3"));
    ck_assert(rt_request_id_is_valid(longest + 1));
    ck_assert(!rt_request_id_is_valid(longest));
    ck_assert(!rt_request_id_is_valid(""));
    ck_assert(!rt_request_id_is_valid(NULL));
    ck_assert(!rt_request_id_is_valid("a b"));
    ck_assert(!rt_request_id_is_valid("a\nb"));
    ck_assert(!rt_request_id_is_valid("\xC3\xA9"));
    ck_assert_int_eq(rt_request_id("mine", id), 0);
    ck_assert_str_eq(id, "mine");
    ck_assert_int_eq(rt_request_id("not mine", id), 0);
    ck_assert_uint_eq(strlen(id), 36);
    ck_assert(rt_request_id_is_valid(id));
}
END_TEST

START_TEST(a_uuid_begins_with_its_time_and_names_its_version)
{
    char id[RT_UUID_BYTES];

    /* RFC 9562 appendix A.6: 0x017F22E279B0 is 2022-02-22T19:22:22Z. */
    ck_assert_int_eq(rt_uuid7(INT64_C(0x017F22E279B0), id), 0);
    ck_assert_uint_eq(strlen(id), 36);
    ck_assert_int_eq(strncmp(id, "017f22e2-79b0-7", 15), 0);
    ck_assert_ptr_nonnull(strchr("89ab", id[19]));
    ck_assert(id[18] == '-' && id[23] == '-');
    ck_assert_int_eq(rt_uuid7(-1, id), SEGS_ERANGE);
    ck_assert_int_eq(rt_uuid7(INT64_C(1) << 48, id), SEGS_ERANGE);
}
END_TEST

START_TEST(random_texts_have_their_length_and_alphabet)
{
    char text[RT_RANDOM_TEXT_BYTES];
    char other[RT_RANDOM_TEXT_BYTES];

    ck_assert_int_eq(rt_random_hex(16, text), 0);
    ck_assert_uint_eq(strspn(text, "0123456789abcdef"), 32);
    ck_assert_uint_eq(strlen(text), 32);
    ck_assert_int_eq(rt_random_hex(16, other), 0);
    ck_assert_str_ne(text, other);
    /* RFC 4648: 32 bytes are 43 digits without padding, 1 byte is 2, 64 bytes are 86. */
    ck_assert_int_eq(rt_random_base64url(32, text), 0);
    ck_assert_uint_eq(strlen(text), 43);
    ck_assert_uint_eq(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789-_"),
                      43);
    ck_assert_int_eq(rt_random_base64url(1, text), 0);
    ck_assert_uint_eq(strlen(text), 2);
    ck_assert_int_eq(rt_random_base64url(64, text), 0);
    ck_assert_uint_eq(strlen(text), 86);
    ck_assert_int_eq(rt_random_hex(65, text), SEGS_EINVAL);
    ck_assert_int_eq(rt_random_base64url(0, text), SEGS_EINVAL);
}
END_TEST

START_TEST(a_double_is_written_as_short_as_reads_back)
{
    char text[RT_TEXT_DOUBLE_BYTES];

    rt_text_double(0.1, text);
    ck_assert_str_eq(text, "0.1");
    rt_text_double(0.1 + 0.2, text); /* Needs all 17 digits. */
    ck_assert_str_eq(text, "0.30000000000000004");
    rt_text_double(1e300, text);
    ck_assert_str_eq(text, "1e+300");
}
END_TEST

START_TEST(the_nearest_name_is_found_only_when_it_is_near)
{
    struct rt_text_nearest nearest = { NULL, 0 };

    rt_text_nearest(&nearest, "emial", "email"); /* Two changes of five. */
    ck_assert_str_eq(nearest.best, "email");
    rt_text_nearest(&nearest, "emial", "emiaal"); /* One is nearer. */
    ck_assert_str_eq(nearest.best, "emiaal");
    nearest.best = NULL;
    rt_text_nearest(&nearest, "zone", "email");
    ck_assert_ptr_null(nearest.best);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace");
    TCase *tc = tcase_create("trace");
    SRunner *runner;
    int n_failed;

    tcase_add_test(tc, a_traceparent_is_read_and_written_back);
    tcase_add_test(tc, a_later_version_is_read_by_its_beginning);
    tcase_add_loop_test(tc, a_malformed_traceparent_is_refused, 0,
                        (int)(sizeof bad / sizeof bad[0]));
    tcase_add_test(tc, a_child_keeps_the_trace_and_has_a_span_of_its_own);
    tcase_add_test(tc, a_new_trace_is_well_formed);
    tcase_add_test(tc, a_request_id_is_taken_when_it_is_harmless);
    tcase_add_test(tc, a_uuid_begins_with_its_time_and_names_its_version);
    tcase_add_test(tc, random_texts_have_their_length_and_alphabet);
    tcase_add_test(tc, a_double_is_written_as_short_as_reads_back);
    tcase_add_test(tc, the_nearest_name_is_found_only_when_it_is_near);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
