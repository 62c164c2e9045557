#include <segs/encode.h>
#include <segs/reading.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode_cases.h"

static const uint8_t key[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static struct segs_fingerprint fingerprint_of(const struct segs_reading *reading)
{
    struct segs_fingerprint ret;

    ck_assert_int_eq(segs_reading_hash(reading, key, &ret), 0);
    return ret;
}

/* Expected lanes: the documented bytes written by hand and given to
 * `openssl mac -macopt hexkey:000102030405060708090a0b0c0d0e0f -macopt size:16 SIPHASH`. */
START_TEST(the_hash_is_siphash_of_the_documented_bytes)
{
    struct segs_reading full = decode_ok(FULL_READING);
    struct segs_reading small = decode_ok(GOOD);
    struct segs_fingerprint f = fingerprint_of(&full);

    ck_assert_uint_eq(f.lane[0], 0x60aecb4au);
    ck_assert_uint_eq(f.lane[1], 0x45b625c1u);
    ck_assert_uint_eq(f.lane[2], 0x5044efc8u);
    ck_assert_uint_eq(f.lane[3], 0xb9b6c97eu);

    f = fingerprint_of(&small);
    ck_assert_uint_eq(f.lane[0], 0xd84d6057u);
    ck_assert_uint_eq(f.lane[1], 0x8bb34d21u);
    ck_assert_uint_eq(f.lane[2], 0xd9df8300u);
    ck_assert_uint_eq(f.lane[3], 0xf0c92b0fu);
}
END_TEST

/* The lines of tests/vectors/telemetry, which bindings and SQL are held to as well. */
START_TEST(the_vectors_decode_encode_and_hash_as_written)
{
    FILE *readings = fopen(SEGS_TEST_SOURCE_DIR "/vectors/telemetry/canonical.ndjson", "r");
    FILE *digests = fopen(SEGS_TEST_SOURCE_DIR "/vectors/telemetry/fingerprints.txt", "r");
    char line[1024];
    char digest[64];
    char text[64];
    char back[SEGS_READING_JSON_MAX_BYTES + 1];
    int n = 0;

    ck_assert_ptr_nonnull(readings);
    ck_assert_ptr_nonnull(digests);
    for (; fgets(line, sizeof line, readings); n++) {
        struct segs_reading reading;
        struct segs_fingerprint f;
        size_t len;
        char *p = text;

        line[strcspn(line, "\n")] = '\0';
        reading = decode_ok(line);
        ck_assert_int_eq(segs_reading_encode(&reading, back, sizeof back - 1, &len), 0);
        back[len] = '\0';
        ck_assert_str_eq(back, line);

        f = fingerprint_of(&reading);
        for (unsigned i = 0; i < 16; i++)
            p += sprintf(p, "%02x", (unsigned)(f.lane[i / 4] >> (8 * (i % 4)) & 0xFF));
        ck_assert_ptr_nonnull(fgets(digest, sizeof digest, digests));
        digest[strcspn(digest, "\n")] = '\0';
        ck_assert_str_eq(text, digest);
    }
    ck_assert_int_eq(n, 14);
    (void)fclose(digests);
    (void)fclose(readings);
}
END_TEST

START_TEST(labels_do_not_change_the_hash)
{
    struct segs_reading one = decode_ok(READING_WITH("\"seq\":1,\"reading_id\":\"a\""));
    struct segs_reading again = decode_ok(READING_WITH("\"seq\":2,\"reading_id\":\"b\""));
    struct segs_reading bare = decode_ok(GOOD);
    struct segs_fingerprint a = fingerprint_of(&one);
    struct segs_fingerprint b = fingerprint_of(&again);
    struct segs_fingerprint c = fingerprint_of(&bare);

    ck_assert_int_eq(segs_fingerprint_is_equal(&a, &b), 1);
    ck_assert_int_eq(segs_fingerprint_is_equal(&a, &c), 1);
}
END_TEST

START_TEST(every_part_of_the_payload_changes_the_hash)
{
    static const char *const others[] = {
        READING_OF("\"power_kw\":2"),
        READING_OF("\"energy_kwh\":1"),
        READING_OF("\"register_kwh\":1"),
        READING_WITH("\"energy_kwh\":0"),
        READING_WITH("\"voltage\":0"),
        READING_WITH("\"current\":0"),
        READING_WITH("\"power_factor\":0"),
        READING_WITH("\"frequency\":0"),
        READING_WITH("\"temperature\":0"),
        READING_WITH("\"region\":\"r\""),
        READING_WITH("\"status\":\"OK\""),
        READING_WITH("\"status\":\"ERROR\""),
        "{\"meter_id\":\"B\",\"timestamp\":\"2026-01-15T14:30:00Z\",\"power_kw\":1}",
        "{\"meter_id\":\"A\",\"timestamp\":\"2026-01-15T14:30:00.001Z\",\"power_kw\":1}",
    };
    struct segs_fingerprint seen[1 + sizeof others / sizeof others[0]];
    struct segs_reading reading = decode_ok(GOOD);

    seen[0] = fingerprint_of(&reading);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        reading = decode_ok(others[i]);
        seen[i + 1] = fingerprint_of(&reading);
        for (size_t k = 0; k <= i; k++)
            ck_assert_int_eq(segs_fingerprint_is_equal(&seen[i + 1], &seen[k]), 0);
    }
}
END_TEST

START_TEST(fingerprints_add_in_any_order_and_subtract)
{
    struct segs_fingerprint a = { { UINT32_MAX, 1, 2, 3 } };
    struct segs_fingerprint b = { { 2, UINT32_MAX, 5, 6 } };
    struct segs_fingerprint ab = a;
    struct segs_fingerprint ba = b;

    segs_fingerprint_add(&ab, &b);
    segs_fingerprint_add(&ba, &a);
    ck_assert_uint_eq(ab.lane[0], 1);
    ck_assert_uint_eq(ab.lane[1], 0);
    ck_assert_uint_eq(ab.lane[2], 7);
    ck_assert_uint_eq(ab.lane[3], 9);
    ck_assert_int_eq(segs_fingerprint_is_equal(&ab, &ba), 1);
    segs_fingerprint_sub(&ab, &b);
    ck_assert_int_eq(segs_fingerprint_is_equal(&ab, &a), 1);
    segs_fingerprint_sub(&ab, &ab);
    ck_assert_uint_eq(ab.lane[0] | ab.lane[1] | ab.lane[2] | ab.lane[3], 0);
}
END_TEST

START_TEST(hashing_refuses_what_is_no_reading)
{
    struct segs_reading reading = decode_ok(GOOD);
    struct segs_fingerprint f;

    ck_assert_int_eq(segs_reading_hash(NULL, key, &f), SEGS_EINVAL);
    ck_assert_int_eq(segs_reading_hash(&reading, NULL, &f), SEGS_EINVAL);
    ck_assert_int_eq(segs_reading_hash(&reading, key, NULL), SEGS_EINVAL);
    memset(reading.meter_id, 'A', sizeof reading.meter_id);
    ck_assert_int_eq(segs_reading_hash(&reading, key, &f), SEGS_EINVAL);
}
END_TEST

START_TEST(ids_have_their_alphabet_and_length)
{
    struct segs_error err;
    char text[65];

    memset(text, 'x', sizeof text);
    ck_assert_int_eq(segs_id_check("AZaz09._:-", 10, &err), 0);
    ck_assert_int_eq(segs_id_check(text, 63, &err), 0);
    ck_assert_int_eq(segs_id_check(text, 64, &err), SEGS_ERANGE);
    ck_assert_int_eq(segs_id_check("", 0, &err), SEGS_ERANGE);
    ck_assert_int_eq(segs_id_check(NULL, 0, &err), SEGS_EINVAL);
    ck_assert_int_eq(segs_id_check("ab/c", 4, &err), SEGS_ERANGE);
    ck_assert_int_eq(err.offset, 2);
    ck_assert_str_eq(err.message, "expected only A-Z a-z 0-9 . _ : -, found '/' at byte 2");
    ck_assert_int_eq(segs_region_check("ab/c +d", 7, &err), 0);
    ck_assert_int_eq(segs_region_check("a,b", 3, &err), SEGS_ERANGE);
    ck_assert_int_eq(segs_region_check(NULL, 0, &err), SEGS_EINVAL);
}
END_TEST

/* Worked out from the ASCII table: 62 letters and digits, four marks; regions three more. */
START_TEST(exactly_66_bytes_may_stand_in_an_id_and_69_in_a_region)
{
    int n_id = 0;
    int n_region = 0;

    for (int c = 0; c < 256; c++) {
        char text = (char)c;

        n_id += segs_id_check(&text, 1, NULL) == 0;
        n_region += segs_region_check(&text, 1, NULL) == 0;
    }
    ck_assert_int_eq(n_id, 66);
    ck_assert_int_eq(n_region, 69);
}
END_TEST

static void check_refused(const struct segs_reading *reading, const char *field)
{
    struct segs_error err;

    ck_assert_int_eq(segs_reading_check(reading, &err), SEGS_ERANGE);
    ck_assert_str_eq(err.field, field);
}

START_TEST(a_decoded_reading_keeps_its_promises)
{
    struct segs_reading reading = decode_ok(FULL_READING);

    ck_assert_int_eq(segs_reading_check(&reading, NULL), 0);
    ck_assert_int_eq(segs_reading_check(NULL, NULL), SEGS_EINVAL);
}
END_TEST

START_TEST(each_broken_promise_is_named)
{
    const struct segs_reading good = decode_ok(FULL_READING);
    struct segs_reading r;

#define BREAK(change, field)                                                                       \
    r = good;                                                                                      \
    change;                                                                                        \
    check_refused(&r, field)

    BREAK(memset(r.meter_id, 0, 64), "meter_id");
    BREAK(memset(r.meter_id, 'A', 64), "meter_id");
    BREAK(r.meter_id[2] = ' ', "meter_id");
    BREAK(r.meter_id[63] = 'x', "meter_id");
    BREAK(r.region[63] = 'x', "region");
    BREAK(r.region[0] = '\0', "region");
    BREAK(r.reading_id[0] = '/', "reading_id");
    BREAK(r.ts_ms = -1, "timestamp");
    BREAK(r.ts_ms = INT64_C(253402300800000), "timestamp");
    BREAK(r.present |= 0x1000, "present");
    BREAK(r.reserved = 1, "present");
    BREAK(r.seq = -1, "seq");
    BREAK(r.seq = INT64_C(9007199254740993), "seq");
    BREAK(r.status = 2, "status");
    BREAK(r.present &= ~SEGS_HAS_MEASUREMENT, "power_kw");
    BREAK(r.present &= ~SEGS_HAS_VOLTAGE, "voltage");
    BREAK(r.present &= ~SEGS_HAS_REGION, "region");
    BREAK(r.present &= ~SEGS_HAS_SEQ, "seq");
#undef BREAK
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reading");
    TCase *tc = tcase_create("reading");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, the_hash_is_siphash_of_the_documented_bytes);
    tcase_add_test(tc, the_vectors_decode_encode_and_hash_as_written);
    tcase_add_test(tc, labels_do_not_change_the_hash);
    tcase_add_test(tc, every_part_of_the_payload_changes_the_hash);
    tcase_add_test(tc, fingerprints_add_in_any_order_and_subtract);
    tcase_add_test(tc, hashing_refuses_what_is_no_reading);
    tcase_add_test(tc, ids_have_their_alphabet_and_length);
    tcase_add_test(tc, exactly_66_bytes_may_stand_in_an_id_and_69_in_a_region);
    tcase_add_test(tc, a_decoded_reading_keeps_its_promises);
    tcase_add_test(tc, each_broken_promise_is_named);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
