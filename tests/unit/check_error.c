#include <segs/error.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_internal.h"

START_TEST(every_code_has_its_own_name_and_text)
{
    for (int code = 0; code >= SEGS_EINTERNAL; code--) {
        ck_assert_str_ne(segs_error_name(code), "SEGS_E?");
        ck_assert_str_ne(segs_strerror(code), "unknown error");
        for (int other = code - 1; other >= SEGS_EINTERNAL; other--) {
            ck_assert_str_ne(segs_error_name(code), segs_error_name(other));
            ck_assert_str_ne(segs_strerror(code), segs_strerror(other));
        }
    }
}
END_TEST

START_TEST(an_unknown_code_is_said_to_be_unknown)
{
    ck_assert_str_eq(segs_strerror(-9999), "unknown error");
    ck_assert_str_eq(segs_strerror(1), "unknown error");
    ck_assert_str_eq(segs_error_name(-9999), "SEGS_E?");
}
END_TEST

START_TEST(fail_fills_the_detail_and_returns_the_code)
{
    struct segs_error err;

    memset(&err, 0xAA, sizeof err);
    ck_assert_int_eq(
        segs__fail(&err, SEGS_ERANGE, "power_kw", 17, "expected at most %d, found %d", 5, 6),
        SEGS_ERANGE);
    ck_assert_int_eq(err.code, SEGS_ERANGE);
    ck_assert_int_eq(err.offset, 17);
    ck_assert_int_eq(err.index, -1);
    ck_assert_int_eq(err.line, 0);
    ck_assert_str_eq(err.field, "power_kw");
    ck_assert_str_eq(err.message, "expected at most 5, found 6");
    ck_assert_int_eq(segs__fail(NULL, SEGS_ENOMEM, NULL, -1, "nobody reads this"), SEGS_ENOMEM);
}
END_TEST

START_TEST(texts_are_cut_at_a_character_boundary)
{
    struct segs_error err;
    char field[SEGS_ERROR_FIELD_BYTES + 8];

    /* 94 bytes of 'a', then U+20AC in three bytes: only its first byte would fit into the 95 there
     * are. */
    memset(field, 'a', 94);
    memcpy(field + 94, "\xE2\x82\xAC", 4);
    (void)segs__fail(&err, SEGS_ESYNTAX, field, -1, "x");
    ck_assert_uint_eq(strlen(err.field), 94);

    /* The same character fits when it starts two bytes earlier. */
    memcpy(field + 92, "\xE2\x82\xAC", 4);
    (void)segs__fail(&err, SEGS_ESYNTAX, field, -1, "x");
    ck_assert_uint_eq(strlen(err.field), 95);
}
END_TEST

struct options_v1 {
    size_t size;
    int64_t a;
};
struct options_v2 {
    size_t size;
    int64_t a;
    int64_t b;
};

START_TEST(options_of_an_older_caller_read_as_defaults)
{
    struct options_v1 older = { sizeof older, 7 };
    struct options_v2 dst;

    ck_assert_int_eq(segs__options_copy(&dst, sizeof dst, &older), 0);
    ck_assert_int_eq(dst.a, 7);
    ck_assert_int_eq(dst.b, 0);
}
END_TEST

START_TEST(options_of_a_newer_caller_are_taken_only_when_unknown_bytes_are_zero)
{
    struct options_v2 newer = { sizeof newer, 7, 0 };
    struct options_v1 dst;

    ck_assert_int_eq(segs__options_copy(&dst, sizeof dst, &newer), 0);
    ck_assert_int_eq(dst.a, 7);
    newer.b = 1;
    ck_assert_int_eq(segs__options_copy(&dst, sizeof dst, &newer), SEGS_ENOTSUP);
}
END_TEST

START_TEST(options_without_a_believable_size_are_refused)
{
    struct options_v1 dst;
    size_t size = sizeof size - 1;

    ck_assert_int_eq(segs__options_copy(&dst, sizeof dst, &size), SEGS_EINVAL);
    size = SEGS__OPTIONS_MAX_BYTES + 1;
    ck_assert_int_eq(segs__options_copy(&dst, sizeof dst, &size), SEGS_EINVAL);
    ck_assert_int_eq(segs__options_copy(&dst, sizeof dst, NULL), 0);
    ck_assert_int_eq(dst.a, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *tc = tcase_create("error");
    SRunner *runner;
    int n_failed;

    tcase_add_test(tc, every_code_has_its_own_name_and_text);
    tcase_add_test(tc, an_unknown_code_is_said_to_be_unknown);
    tcase_add_test(tc, fail_fills_the_detail_and_returns_the_code);
    tcase_add_test(tc, texts_are_cut_at_a_character_boundary);
    tcase_add_test(tc, options_of_an_older_caller_read_as_defaults);
    tcase_add_test(tc, options_of_a_newer_caller_are_taken_only_when_unknown_bytes_are_zero);
    tcase_add_test(tc, options_without_a_believable_size_are_refused);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
