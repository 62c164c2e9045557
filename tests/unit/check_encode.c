#include <segs/encode.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode_cases.h"

static size_t encode_ok(const struct segs_reading *reading,
                        char buf[SEGS_READING_JSON_MAX_BYTES + 1])
{
    size_t len = 0;

    ck_assert_int_eq(segs_reading_encode(reading, buf, SEGS_READING_JSON_MAX_BYTES, &len), 0);
    buf[len] = '\0';
    return len;
}

static void check_round_trip(const struct segs_reading *reading)
{
    char first[SEGS_READING_JSON_MAX_BYTES + 1];
    char second[SEGS_READING_JSON_MAX_BYTES + 1];
    struct segs_reading back;

    (void)encode_ok(reading, first);
    back = decode_ok(first);
    ck_assert_msg(memcmp(&back, reading, sizeof back) == 0, "%s", first);
    (void)encode_ok(&back, second);
    ck_assert_str_eq(first, second);
}

/* The longest text of every member. */
static struct segs_reading longest_reading(void)
{
    struct segs_reading r;

    memset(&r, 0, sizeof r);
    r.ts_ms = INT64_C(253402300799999);
    r.power_micro_kw = INT64_MIN;
    r.energy_micro_kwh = INT64_MIN;
    r.register_micro_kwh = INT64_MIN;
    r.seq = INT64_C(9007199254740992);
    r.voltage_milli_v = INT32_MIN;
    r.current_milli_a = INT32_MIN;
    r.frequency_milli_hz = INT32_MIN;
    r.power_factor_micro = INT32_MIN;
    r.temperature_milli_degc = INT32_MIN;
    r.present = SEGS_HAS_ALL;
    r.status = SEGS_STATUS_ERROR;
    memset(r.meter_id, 'm', 63);
    memset(r.region, 'r', 63);
    memset(r.reading_id, 'i', 63);
    return r;
}

START_TEST(the_canonical_form_is_this_text)
{
    struct segs_reading reading = decode_ok(FULL_READING);
    char buf[SEGS_READING_JSON_MAX_BYTES + 1];

    (void)encode_ok(&reading, buf);
    ck_assert_str_eq(buf, FULL_READING);
}
END_TEST

START_TEST(absent_members_are_left_out_and_zero_is_written)
{
    struct segs_reading reading = decode_ok(READING_OF("\"energyKwh\":-0.0,\"voltage\":1.50e2"));
    char buf[SEGS_READING_JSON_MAX_BYTES + 1];

    (void)encode_ok(&reading, buf);
    ck_assert_str_eq(buf, "{\"meter_id\":\"A\",\"timestamp\":\"2026-01-15T14:30:00.000Z\","
                          "\"energy_kwh\":0,\"voltage\":150}");
}
END_TEST

START_TEST(the_longest_reading_has_exactly_the_maximum)
{
    struct segs_reading reading = longest_reading();
    char buf[SEGS_READING_JSON_MAX_BYTES + 1];

    ck_assert_uint_eq(encode_ok(&reading, buf), SEGS_READING_JSON_MAX_BYTES);
    check_round_trip(&reading);
}
END_TEST

/* xorshift with a fixed seed: the same readings each time. */
static uint64_t random_state = UINT64_C(0x9E3779B97F4A7C15);

static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static int64_t random_wide(void)
{
    return (int64_t)(random_bits() >> (random_bits() % 64)) * (random_bits() % 2 ? 1 : -1);
}

static int32_t random_narrow(void)
{
    return (int32_t)((int64_t)(random_bits() >> (33 + random_bits() % 31)) *
                     (random_bits() % 2 ? 1 : -1));
}

static void random_text(char text[SEGS_ID_BYTES], const char *alphabet)
{
    size_t len = 1 + random_bits() % 63;

    for (size_t i = 0; i < len; i++)
        text[i] = alphabet[random_bits() % strlen(alphabet)];
}

START_TEST(decoding_gives_back_what_was_encoded)
{
    static const char ids[] = "ABCXYZabcxyz0189._:-";

    for (int i = 0; i < 20000; i++) {
        struct segs_reading r;

        memset(&r, 0, sizeof r);
        r.present = (uint32_t)(random_bits() & SEGS_HAS_ALL) | 1u << (random_bits() % 3);
        r.ts_ms = (int64_t)(random_bits() % UINT64_C(253402300800000));
        random_text(r.meter_id, ids);
        if (r.present & SEGS_HAS_POWER)
            r.power_micro_kw = random_wide();
        if (r.present & SEGS_HAS_ENERGY)
            r.energy_micro_kwh = random_wide();
        if (r.present & SEGS_HAS_REGISTER)
            r.register_micro_kwh = random_wide();
        if (r.present & SEGS_HAS_VOLTAGE)
            r.voltage_milli_v = random_narrow();
        if (r.present & SEGS_HAS_CURRENT)
            r.current_milli_a = random_narrow();
        if (r.present & SEGS_HAS_POWER_FACTOR)
            r.power_factor_micro = random_narrow();
        if (r.present & SEGS_HAS_FREQUENCY)
            r.frequency_milli_hz = random_narrow();
        if (r.present & SEGS_HAS_TEMPERATURE)
            r.temperature_milli_degc = random_narrow();
        if (r.present & SEGS_HAS_SEQ)
            r.seq = (int64_t)(random_bits() % UINT64_C(9007199254740993));
        if (r.present & SEGS_HAS_STATUS)
            r.status = (int32_t)(random_bits() % 2);
        if (r.present & SEGS_HAS_REGION)
            random_text(r.region, "Mumbai North/+._:-09");
        if (r.present & SEGS_HAS_READING_ID)
            random_text(r.reading_id, ids);
        check_round_trip(&r);
    }
}
END_TEST

START_TEST(too_small_a_buffer_is_told_the_size)
{
    struct segs_reading reading = decode_ok(FULL_READING);
    char buf[sizeof FULL_READING] = "untouched";
    size_t len = 0;

    ck_assert_int_eq(segs_reading_encode(&reading, NULL, 0, &len), SEGS_ENOSPC);
    ck_assert_uint_eq(len, strlen(FULL_READING));
    ck_assert_int_eq(segs_reading_encode(&reading, buf, len - 1, &len), SEGS_ENOSPC);
    ck_assert_str_eq(buf, "untouched");
    ck_assert_int_eq(segs_reading_encode(&reading, buf, len, &len), 0);
}
END_TEST

START_TEST(a_reading_that_breaks_its_promises_is_refused)
{
    struct segs_reading reading = decode_ok(GOOD);
    char buf[SEGS_READING_JSON_MAX_BYTES];
    size_t len = 7;

    reading.meter_id[0] = '"';
    ck_assert_int_eq(segs_reading_encode(&reading, buf, sizeof buf, &len), SEGS_ERANGE);
    ck_assert_uint_eq(len, 7);
    ck_assert_int_eq(segs_reading_encode(NULL, buf, sizeof buf, &len), SEGS_EINVAL);
}
END_TEST

struct batch_case {
    int format;
    size_t n;
    const char *text;
};

#define CANONICAL "{\"meter_id\":\"A\",\"timestamp\":\"2026-01-15T14:30:00.000Z\",\"power_kw\":1}"

static const struct batch_case batches[] = {
    { SEGS_FORMAT_ARRAY, 0, "[]" },
    { SEGS_FORMAT_ARRAY, 1, "[" CANONICAL "]" },
    { SEGS_FORMAT_ARRAY, 2, "[" CANONICAL "," CANONICAL "]" },
    { SEGS_FORMAT_NDJSON, 0, "" },
    { SEGS_FORMAT_NDJSON, 2, CANONICAL "\n" CANONICAL "\n" },
    { SEGS_FORMAT_SINGLE, 1, CANONICAL },
};

START_TEST(batches_are_written_in_each_format)
{
    const struct batch_case *c = &batches[_i];
    struct segs_reading readings[2] = { decode_ok(GOOD), decode_ok(GOOD) };
    char buf[512];
    size_t len;
    size_t whole = strlen(c->text);

    ck_assert_int_eq(segs_readings_encode(readings, c->n, c->format, buf, sizeof buf, &len, NULL),
                     0);
    ck_assert_uint_eq(len, whole);
    ck_assert_mem_eq(buf, c->text, len);
    for (size_t size = 0; size < whole; size++) {
        ck_assert_int_eq(segs_readings_encode(readings, c->n, c->format, size > 0 ? buf : NULL,
                                              size, &len, NULL),
                         SEGS_ENOSPC);
        ck_assert_uint_eq(len, whole);
    }
    ck_assert_int_eq(segs_readings_encode(readings, c->n, c->format, buf, whole, &len, NULL), 0);
}
END_TEST

START_TEST(a_bad_reading_of_a_batch_is_named)
{
    struct segs_reading readings[2] = { decode_ok(GOOD), decode_ok(GOOD) };
    struct segs_error err;
    char buf[512];
    size_t len;

    readings[1].present = 0;
    readings[1].power_micro_kw = 0;
    ck_assert_int_eq(
        segs_readings_encode(readings, 2, SEGS_FORMAT_ARRAY, buf, sizeof buf, &len, &err),
        SEGS_ERANGE);
    ck_assert_int_eq(err.index, 1);
    ck_assert_str_eq(err.field, "power_kw");
    ck_assert_int_eq(
        segs_readings_encode(readings, 2, SEGS_FORMAT_SINGLE, buf, sizeof buf, &len, &err),
        SEGS_EINVAL);
    ck_assert_int_eq(
        segs_readings_encode(readings, 2, SEGS_FORMAT_AUTO, buf, sizeof buf, &len, &err),
        SEGS_EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("encode");
    TCase *tc = tcase_create("encode");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, the_canonical_form_is_this_text);
    tcase_add_test(tc, absent_members_are_left_out_and_zero_is_written);
    tcase_add_test(tc, the_longest_reading_has_exactly_the_maximum);
    tcase_add_test(tc, decoding_gives_back_what_was_encoded);
    tcase_add_test(tc, too_small_a_buffer_is_told_the_size);
    tcase_add_test(tc, a_reading_that_breaks_its_promises_is_refused);
    tcase_add_loop_test(tc, batches_are_written_in_each_format, 0,
                        sizeof batches / sizeof batches[0]);
    tcase_add_test(tc, a_bad_reading_of_a_batch_is_named);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
