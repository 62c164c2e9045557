#include <segs/hash.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t key[SEGS_HASH_KEY_BYTES] = { 0, 1, 2,  3,  4,  5,  6,  7,
                                                  8, 9, 10, 11, 12, 13, 14, 15 };

static void fill(uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)i;
}

static void to_hex(const uint8_t *bytes, size_t n, char *hex)
{
    for (size_t i = 0; i < n; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

START_TEST(hash64_of_the_paper_s_example)
{
    uint8_t data[15];

    /* Aumasson and Bernstein, SipHash, appendix A. */
    fill(data, sizeof data);
    ck_assert(segs_hash64(key, data, sizeof data) == UINT64_C(0xa129ca6149be45e5));
}
END_TEST

START_TEST(hashes_of_0_to_63_bytes_are_those_of_openssl)
{
    FILE *file = fopen(SEGS_TEST_SOURCE_DIR "/vectors/base/siphash-2-4.txt", "r");
    char line[256];
    uint8_t data[64];
    int n_lines = 0;

    ck_assert_ptr_nonnull(file);
    fill(data, sizeof data);
    while (fgets(line, sizeof line, file)) {
        char expected64[17], expected128[33], hex64[17], hex128[33];
        uint8_t bytes64[8], bytes128[16];
        size_t len;

        if (line[0] == '#')
            continue;
        ck_assert_int_eq(sscanf(line, "%zu %16s %32s", &len, expected64, expected128), 3);
        ck_assert_uint_le(len, sizeof data);

        uint64_t hash = segs_hash64(key, data, len);
        for (int i = 0; i < 8; i++)
            bytes64[i] = (uint8_t)(hash >> (8 * i));
        to_hex(bytes64, sizeof bytes64, hex64);
        ck_assert_str_eq(hex64, expected64);

        segs_hash128(key, data, len, bytes128);
        to_hex(bytes128, sizeof bytes128, hex128);
        ck_assert_str_eq(hex128, expected128);
        n_lines++;
    }
    (void)fclose(file);
    ck_assert_int_eq(n_lines, 64);
}
END_TEST

START_TEST(data_need_no_alignment)
{
    uint8_t data[48];
    uint8_t shifted[49];

    fill(data, sizeof data);
    memcpy(shifted + 1, data, sizeof data);
    ck_assert(segs_hash64(key, shifted + 1, 48) == segs_hash64(key, data, 48));
}
END_TEST

START_TEST(nothing_hashes_without_data)
{
    uint8_t hash[SEGS_HASH128_BYTES];
    char hex[33];

    /* First line of the vectors. */
    segs_hash128(key, NULL, 0, hash);
    to_hex(hash, sizeof hash, hex);
    ck_assert_str_eq(hex, "a3817f04ba25a8e66df67214c7550293");
}
END_TEST

START_TEST(hash128_may_overwrite_its_input)
{
    uint8_t data[16];
    uint8_t hash[SEGS_HASH128_BYTES];

    fill(data, sizeof data);
    segs_hash128(key, data, sizeof data, hash);
    segs_hash128(key, data, sizeof data, data);
    ck_assert_mem_eq(data, hash, sizeof hash);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hash");
    TCase *tc = tcase_create("hash");
    SRunner *runner;
    int n_failed;

    tcase_add_test(tc, hash64_of_the_paper_s_example);
    tcase_add_test(tc, hashes_of_0_to_63_bytes_are_those_of_openssl);
    tcase_add_test(tc, data_need_no_alignment);
    tcase_add_test(tc, nothing_hashes_without_data);
    tcase_add_test(tc, hash128_may_overwrite_its_input);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
