#include <segs/intern.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "window/intern_internal.h"

static struct segs_intern *table_of(uint32_t max_ids)
{
    struct segs_intern_options options = SEGS_INTERN_OPTIONS_INIT;
    struct segs_intern *intern = NULL;

    options.max_ids = max_ids;
    options.key[0] = 0x0123456789abcdef;
    ck_assert_int_eq(segs_intern_new(&options, &intern), 0);
    return intern;
}

START_TEST(ids_get_slots_in_order_of_appearance)
{
    struct segs_intern *intern = table_of(0);
    uint32_t slot = 99;

    ck_assert_int_eq(segs_intern_add(intern, "b", 1, &slot), 1);
    ck_assert_uint_eq(slot, 0);
    ck_assert_int_eq(segs_intern_add(intern, "a", 1, &slot), 1);
    ck_assert_uint_eq(slot, 1);
    ck_assert_int_eq(segs_intern_add(intern, "b", 1, &slot), 0);
    ck_assert_uint_eq(slot, 0);
    ck_assert_uint_eq(segs_intern_count(intern), 2);
    segs_intern_free(intern);
}
END_TEST

START_TEST(every_length_is_kept_and_found)
{
    /* Prefixes of one text: they differ in length alone. */
    const char *text = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.";
    struct segs_intern *intern = table_of(0);
    uint32_t slot;
    size_t len;

    for (size_t n = 1; n <= 63; n++) {
        ck_assert_int_eq(segs_intern_add(intern, text, n, &slot), 1);
        ck_assert_uint_eq(slot, n - 1);
    }
    for (size_t n = 1; n <= 63; n++) {
        ck_assert_int_eq(segs_intern_find(intern, text, n, &slot), 0);
        ck_assert_uint_eq(slot, n - 1);
        ck_assert_mem_eq(segs_intern_id(intern, slot, &len), text, n);
        ck_assert_uint_eq(len, n);
        ck_assert_uint_eq(strlen(segs_intern_id(intern, slot, NULL)), n);
    }
    segs_intern_free(intern);
}
END_TEST

START_TEST(ids_that_differ_in_one_byte_are_different)
{
    struct segs_intern *intern = table_of(0);
    char id[40];
    uint32_t slot;

    memset(id, 'x', sizeof id);
    for (size_t len = 1; len <= sizeof id; len++) {
        uint32_t before = segs_intern_count(intern);

        ck_assert_int_eq(segs_intern_add(intern, id, len, &slot), 1);
        for (size_t i = 0; i < len; i++) {
            id[i] = 'y';
            ck_assert_int_eq(segs_intern_add(intern, id, len, &slot), 1);
            id[i] = 'x';
        }
        ck_assert_uint_eq(segs_intern_count(intern), before + 1 + len);
    }
    segs_intern_free(intern);
}
END_TEST

START_TEST(impossible_ids_are_refused)
{
    struct segs_intern *intern = table_of(0);
    char id[64];
    uint32_t slot = 7;

    memset(id, 'x', sizeof id);
    ck_assert_int_eq(segs_intern_add(intern, id, 0, &slot), SEGS_ERANGE);
    ck_assert_int_eq(segs_intern_add(intern, id, 64, &slot), SEGS_ERANGE);
    ck_assert_int_eq(segs_intern_add(intern, "a\0b", 3, &slot), SEGS_ERANGE);
    ck_assert_int_eq(segs_intern_find(intern, id, 0, &slot), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_intern_find(intern, id, 64, &slot), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_intern_find(intern, "never", 5, &slot), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_intern_add(NULL, id, 1, &slot), SEGS_EINVAL);
    ck_assert_int_eq(segs_intern_add(intern, NULL, 1, &slot), SEGS_EINVAL);
    ck_assert_int_eq(segs_intern_add(intern, id, 1, NULL), SEGS_EINVAL);
    ck_assert_uint_eq(slot, 7);
    ck_assert_ptr_null(segs_intern_id(intern, 0, NULL));
    ck_assert_ptr_null(segs_intern_id(NULL, 0, NULL));
    ck_assert_uint_eq(segs_intern_count(NULL), 0);
    segs_intern_free(intern);
    segs_intern_free(NULL);
}
END_TEST

START_TEST(a_full_table_refuses_new_ids_and_knows_the_old_ones)
{
    struct segs_intern *intern = table_of(2);
    uint32_t slot = 7;

    (void)segs_intern_add(intern, "a", 1, &slot);
    (void)segs_intern_add(intern, "b", 1, &slot);
    ck_assert_int_eq(segs_intern_add(intern, "c", 1, &slot), SEGS_EFULL);
    ck_assert_int_eq(segs_intern_add(intern, "a", 1, &slot), 0);
    ck_assert_uint_eq(slot, 0);
    segs_intern_free(intern);
}
END_TEST

START_TEST(options_outside_their_range_are_refused)
{
    struct segs_intern_options options = SEGS_INTERN_OPTIONS_INIT;
    struct segs_intern *intern = NULL;

    options.max_ids = (1u << 26) + 1;
    ck_assert_int_eq(segs_intern_new(&options, &intern), SEGS_ERANGE);
    options.max_ids = 0;
    options.reserved = 1;
    ck_assert_int_eq(segs_intern_new(&options, &intern), SEGS_ENOTSUP);
    options.size = 1;
    ck_assert_int_eq(segs_intern_new(&options, &intern), SEGS_EINVAL);
    ck_assert_int_eq(segs_intern_new(NULL, NULL), SEGS_EINVAL);
    ck_assert_ptr_null(intern);
    ck_assert_int_eq(segs_intern_new(NULL, &intern), 0);
    segs_intern_free(intern);
}
END_TEST

START_TEST(a_batch_gives_what_one_by_one_gives)
{
    enum { N = 5000 };
    struct segs_intern *one = table_of(0);
    struct segs_intern *many = table_of(0);
    char(*ids)[24] = calloc(N, sizeof *ids);
    uint32_t *slots = calloc(N, sizeof *slots);

    ck_assert(ids && slots);
    for (int i = 0; i < N; i++)
        (void)snprintf(ids[i], sizeof ids[i], "%s%d", i % 3 ? "meter-" : "", i * 7 % 1999);
    ck_assert_int_eq(segs_intern_many(many, ids[0], 20, sizeof ids[0], N, slots), 0);
    for (int i = 0; i < N; i++) {
        uint32_t slot;

        (void)segs_intern_add(one, ids[i], strlen(ids[i]), &slot);
        ck_assert_uint_eq(slots[i], slot);
        ck_assert_str_eq(segs_intern_id(many, slot, NULL), ids[i]);
    }
    free(ids);
    free(slots);
    segs_intern_free(one);
    segs_intern_free(many);
}
END_TEST

START_TEST(a_batch_takes_fields_without_a_nul)
{
    struct segs_intern *intern = table_of(0);
    /* Exactly sized on the heap, so that a sanitizer sees a read beyond the last field. */
    char *ids = malloc(9);
    uint32_t slots[3];

    ck_assert_ptr_nonnull(ids);
    memcpy(ids, "abcab\0abc", 9);
    ck_assert_int_eq(segs_intern_many(intern, ids, 3, 3, 3, slots), 0);
    ck_assert_uint_eq(slots[0], 0);
    ck_assert_uint_eq(slots[1], 1);
    ck_assert_uint_eq(slots[2], 0);
    ck_assert_str_eq(segs_intern_id(intern, 1, NULL), "ab");
    free(ids);
    segs_intern_free(intern);
}
END_TEST

START_TEST(a_bad_id_costs_the_others_of_its_batch_nothing)
{
    struct segs_intern *intern = table_of(2);
    char ids[5][SEGS_ID_BYTES] = { "a", "", "b", "c", "a" };
    uint32_t slots[5];

    ck_assert_int_eq(segs_intern_many(intern, ids[0], SEGS_ID_BYTES, SEGS_ID_BYTES, 5, slots),
                     SEGS_ERANGE);
    ck_assert_uint_eq(slots[0], 0);
    ck_assert_uint_eq(slots[1], SEGS_INTERN_NONE);
    ck_assert_uint_eq(slots[2], 1);
    ck_assert_uint_eq(slots[3], SEGS_INTERN_NONE); /* full */
    ck_assert_uint_eq(slots[4], 0);
    memset(ids[0], 'x', SEGS_ID_BYTES); /* 64 bytes without a NUL */
    ck_assert_int_eq(segs_intern_many(intern, ids[0], SEGS_ID_BYTES, SEGS_ID_BYTES, 1, slots),
                     SEGS_ERANGE);
    ck_assert_uint_eq(slots[0], SEGS_INTERN_NONE);
    segs_intern_free(intern);
}
END_TEST

START_TEST(an_impossible_batch_is_refused)
{
    struct segs_intern *intern = table_of(0);
    uint32_t slot = 7;

    ck_assert_int_eq(segs_intern_many(intern, "a", 0, 1, 1, &slot), SEGS_EINVAL);
    ck_assert_int_eq(segs_intern_many(intern, "a", 65, 65, 1, &slot), SEGS_EINVAL);
    ck_assert_int_eq(segs_intern_many(intern, "a", 2, 1, 1, &slot), SEGS_EINVAL);
    ck_assert_int_eq(segs_intern_many(intern, NULL, 1, 1, 1, &slot), SEGS_EINVAL);
    ck_assert_int_eq(segs_intern_many(intern, "a", 1, 1, 1, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_intern_many(NULL, "a", 1, 1, 1, &slot), SEGS_EINVAL);
    ck_assert_int_eq(segs_intern_many(intern, NULL, 1, 1, 0, NULL), 0);
    ck_assert_uint_eq(slot, 7);
    segs_intern_free(intern);
}
END_TEST

START_TEST(a_hundred_thousand_ids_keep_their_slots_and_texts)
{
    struct segs_intern *intern = table_of(0);
    char id[32];
    uint32_t slot;

    for (uint32_t i = 0; i < 100000; i++) {
        (void)snprintf(id, sizeof id, "DE-%u-meter", i);
        ck_assert_int_eq(segs_intern_add(intern, id, strlen(id), &slot), 1);
        ck_assert_uint_eq(slot, i);
    }
    for (uint32_t i = 0; i < 100000; i++) {
        (void)snprintf(id, sizeof id, "DE-%u-meter", i);
        ck_assert_str_eq(segs_intern_id(intern, i, NULL), id);
        ck_assert_int_eq(segs_intern_find(intern, id, strlen(id), &slot), 0);
        ck_assert_uint_eq(slot, i);
    }
    segs_intern_free(intern);
}
END_TEST

START_TEST(ids_made_to_collide_make_the_table_change_its_hash)
{
    /* 400 ids whose hashes share their ten lowest bits: one chain in every table of up to 1024
     * places, which is what 400 ids have. */
    enum { N = 400 };
    struct segs_intern *intern = table_of(0);
    char(*ids)[16] = calloc(N, sizeof *ids);
    uint32_t slot;
    int n = 0;

    ck_assert_ptr_nonnull(ids);
    for (uint32_t i = 0; n < N; i++) {
        int len = snprintf(ids[n], sizeof ids[n], "x%u", i);

        n += segs__intern_hash(intern, ids[n], (size_t)len) % 1024 == 0;
    }
    ck_assert(!segs__intern_is_sip(intern));
    for (uint32_t i = 0; i < N; i++) {
        ck_assert_int_eq(segs_intern_add(intern, ids[i], strlen(ids[i]), &slot), 1);
        ck_assert_uint_eq(slot, i);
    }
    ck_assert(segs__intern_is_sip(intern));
    for (uint32_t i = 0; i < N; i++) {
        ck_assert_int_eq(segs_intern_find(intern, ids[i], strlen(ids[i]), &slot), 0);
        ck_assert_uint_eq(slot, i);
    }
    free(ids);
    segs_intern_free(intern);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("intern");
    TCase *tc = tcase_create("intern");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 60); /* sanitizers */
    tcase_add_test(tc, ids_get_slots_in_order_of_appearance);
    tcase_add_test(tc, every_length_is_kept_and_found);
    tcase_add_test(tc, ids_that_differ_in_one_byte_are_different);
    tcase_add_test(tc, impossible_ids_are_refused);
    tcase_add_test(tc, a_full_table_refuses_new_ids_and_knows_the_old_ones);
    tcase_add_test(tc, options_outside_their_range_are_refused);
    tcase_add_test(tc, a_batch_gives_what_one_by_one_gives);
    tcase_add_test(tc, a_batch_takes_fields_without_a_nul);
    tcase_add_test(tc, a_bad_id_costs_the_others_of_its_batch_nothing);
    tcase_add_test(tc, an_impossible_batch_is_refused);
    tcase_add_test(tc, a_hundred_thousand_ids_keep_their_slots_and_texts);
    tcase_add_test(tc, ids_made_to_collide_make_the_table_change_its_hash);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
