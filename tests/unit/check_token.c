#include <segs/token.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(digest_is_sha_256)
{
    /* FIPS 180-4 example "abc", and the digest of the empty text (both as `sha256sum` prints them). */
    static const uint8_t of_abc[32] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                        0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                        0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                        0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
    static const uint8_t of_nothing[4] = { 0xe3, 0xb0, 0xc4, 0x42 };
    uint8_t digest[SEGS_TOKEN_DIGEST_BYTES];

    ck_assert_int_eq(segs_token_digest("abc", 3, digest), 0);
    ck_assert_mem_eq(digest, of_abc, sizeof of_abc);
    ck_assert_int_eq(segs_token_digest(NULL, 0, digest), 0);
    ck_assert_mem_eq(digest, of_nothing, sizeof of_nothing);
}
END_TEST

START_TEST(digest_refuses_nothing_to_read_or_write)
{
    uint8_t digest[SEGS_TOKEN_DIGEST_BYTES];

    ck_assert_int_eq(segs_token_digest(NULL, 1, digest), SEGS_EINVAL);
    ck_assert_int_eq(segs_token_digest("abc", 3, NULL), SEGS_EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token");
    TCase *tc = tcase_create("token");
    SRunner *runner;
    int n_failed;

    tcase_add_test(tc, digest_is_sha_256);
    tcase_add_test(tc, digest_refuses_nothing_to_read_or_write);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
