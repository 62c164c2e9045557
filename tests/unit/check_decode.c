/* What the members of a reading become. */
#include <segs/decode.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode_cases.h"
#include "telemetry/telemetry_internal.h"

START_TEST(every_member_is_decoded_into_its_unit)
{
    struct segs_reading r = decode_ok(FULL_READING);

    ck_assert_str_eq(r.meter_id, "MTR-00000001");
    ck_assert_int_eq(r.ts_ms, FULL_READING_TS_MS);
    ck_assert_int_eq(r.power_micro_kw, 2350000);
    ck_assert_int_eq(r.energy_micro_kwh, 6528);
    ck_assert_int_eq(r.register_micro_kwh, INT64_C(10234118000));
    ck_assert_int_eq(r.voltage_milli_v, 230500);
    ck_assert_int_eq(r.current_milli_a, 10200);
    ck_assert_int_eq(r.power_factor_micro, 980000);
    ck_assert_int_eq(r.frequency_milli_hz, 50000);
    ck_assert_int_eq(r.temperature_milli_degc, 31500);
    ck_assert_str_eq(r.region, "Mumbai-North");
    ck_assert_int_eq(r.seq, 17);
    ck_assert_int_eq(r.status, SEGS_STATUS_OK);
    ck_assert_str_eq(r.reading_id, "0190a5b2-1c3d-7e4f-8a5b-6c7d8e9f0a1b");
    ck_assert_uint_eq(r.present, SEGS_HAS_ALL);
    ck_assert_uint_eq(r.reserved, 0);
}
END_TEST

START_TEST(camel_case_aliases_mean_the_same)
{
    struct segs_reading canonical =
        decode_ok("{\"meter_id\":\"A\",\"timestamp\":\"2026-01-15T14:30:00Z\",\"power_kw\":1,"
                  "\"energy_kwh\":2,\"power_factor\":0.5,\"reading_id\":\"R\",\"register_kwh\":3}");
    struct segs_reading camel =
        decode_ok("{\"meterId\":\"A\",\"timestamp\":\"2026-01-15T14:30:00Z\",\"powerKw\":1,"
                  "\"energyKwh\":2,\"powerFactor\":0.5,\"readingId\":\"R\",\"registerKwh\":3}");

    ck_assert_mem_eq(&canonical, &camel, sizeof camel);
}
END_TEST

START_TEST(every_name_is_found_and_no_other)
{
    for (unsigned i = 0; i < SEGS__N_MEMBERS; i++) {
        const struct segs__member_info *info = &segs__members[i];

        ck_assert_int_eq(segs__member_find(info->name, strlen(info->name)), (int)i);
        ck_assert_int_eq(segs__member_find(info->alias, strlen(info->alias)), (int)i);
    }
    ck_assert_int_eq(segs__member_find("power", 5), -1);
    ck_assert_int_eq(segs__member_find("Power_kw", 8), -1);
    ck_assert_int_eq(segs__member_find("power_kw ", 9), -1);
    ck_assert_int_eq(segs__member_find("", 0), -1);
}
END_TEST

START_TEST(order_of_members_does_not_matter)
{
    struct segs_reading one = decode_ok(
        "{\"power_kw\":1.5,\"timestamp\":\"2026-01-15T14:30:00Z\",\"seq\":4,\"meter_id\":\"A\"}");
    struct segs_reading other = decode_ok(
        "{\"meter_id\":\"A\",\"seq\":4,\"power_kw\":1.5,\"timestamp\":\"2026-01-15T14:30:00Z\"}");

    ck_assert_mem_eq(&one, &other, sizeof one);
}
END_TEST

START_TEST(whitespace_may_stand_between_all_tokens)
{
    struct segs_reading tight = decode_ok(GOOD);
    struct segs_reading loose =
        decode_ok(" \t\r\n{ \"meter_id\" :\t\"A\" ,\n\n \"timestamp\"\r:\r\"2026-01-15T14:30:00Z\" "
                  ",\"power_kw\"                                        :  1\n}\n ");

    ck_assert_mem_eq(&tight, &loose, sizeof tight);
}
END_TEST

START_TEST(zero_is_data_and_absence_is_not)
{
    struct segs_reading r = decode_ok(READING_OF("\"power_kw\":0,\"voltage\":0.0"));

    ck_assert_uint_eq(r.present, SEGS_HAS_POWER | SEGS_HAS_VOLTAGE);
    ck_assert_int_eq(r.power_micro_kw, 0);
}
END_TEST

START_TEST(one_of_the_three_measurements_is_enough)
{
    ck_assert_uint_eq(decode_ok(READING_OF("\"power_kw\":1")).present, SEGS_HAS_POWER);
    ck_assert_uint_eq(decode_ok(READING_OF("\"energy_kwh\":1")).present, SEGS_HAS_ENERGY);
    ck_assert_uint_eq(decode_ok(READING_OF("\"register_kwh\":1")).present, SEGS_HAS_REGISTER);
}
END_TEST

START_TEST(escapes_are_decoded_before_the_alphabet_is_checked)
{
    struct segs_reading r = decode_ok(
        "{\"\\u006deter_id\":\"\\u004dTR-1\",\"timestamp\":\"2026-01-15T14\\u003a30:00Z\","
        "\"power_kw\":1,\"region\":\"a\\/b\",\"status\":\"\\u004fK\"}");

    ck_assert_str_eq(r.meter_id, "MTR-1");
    ck_assert_str_eq(r.region, "a/b");
    ck_assert_int_eq(r.ts_ms, FULL_READING_TS_MS);
    ck_assert_uint_eq(r.present, SEGS_HAS_POWER | SEGS_HAS_REGION | SEGS_HAS_STATUS);
}
END_TEST

START_TEST(regions_may_hold_space_slash_and_plus)
{
    ck_assert_str_eq(decode_ok(READING_WITH("\"region\":\"Zone 1/North+South_x.y:z-w\"")).region,
                     "Zone 1/North+South_x.y:z-w");
}
END_TEST

START_TEST(an_id_may_have_63_bytes)
{
    char text[256];
    struct segs_reading r;

    for (int len = 1; len <= 63; len++) {
        (void)snprintf(
            text, sizeof text,
            "{\"meter_id\":\"%.*s\",\"timestamp\":\"2026-01-15T14:30:00Z\",\"power_kw\":1}", len,
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._");
        r = decode_ok(text);
        ck_assert_uint_eq(strlen(r.meter_id), (size_t)len);
        for (size_t i = (size_t)len; i < SEGS_ID_BYTES; i++)
            ck_assert_int_eq(r.meter_id[i], 0);
    }
}
END_TEST

struct number_case {
    const char *text;
    int64_t micro;
};

/* Worked out by hand; ties go to the even neighbour. */
static const struct number_case power_numbers[] = {
    { "0", 0 },
    { "-0", 0 },
    { "-0.0", 0 },
    { "1", 1000000 },
    { "-1.25", -1250000 },
    { "0.000001", 1 },
    { "0.0000005", 0 }, /* tie, 0 is even */
    { "0.0000015", 2 }, /* tie, 2 is even */
    { "0.0000025", 2 }, /* tie, 2 is even */
    { "-0.0000015", -2 },
    { "0.00000250", 2 },
    { "0.00000251", 3 },
    { "0.000000500000000000000001", 1 }, /* just above the tie */
    { "0.00000149", 1 },
    { "12345678", INT64_C(12345678000000) },
    { "12345678.12345678", INT64_C(12345678123457) },
    { "123456789.123456789", INT64_C(123456789123457) },
    { "1e3", 1000000000 },
    { "1E+3", 1000000000 },
    { "1.5e-3", 1500 },
    { "2.35", 2350000 },
    { "0.1", 100000 },
    { "0.30000000000000004", 300000 }, /* 0.1 + 0.2 as doubles print it */
    { "9223372036854.775807", INT64_MAX },
    { "-9223372036854.775808", INT64_MIN },
    { "1e-400", 0 },
    { "0e999999999", 0 },
    { "100000000000000000000e-20", 1000000 },
};

START_TEST(numbers_become_exact_fixed_point)
{
    char text[256];

    (void)snprintf(text, sizeof text, READING_OF("\"power_kw\":%s"), power_numbers[_i].text);
    ck_assert_int_eq(decode_ok(text).power_micro_kw, power_numbers[_i].micro);
}
END_TEST

START_TEST(thousandths_are_rounded_half_even)
{
    ck_assert_int_eq(decode_ok(READING_WITH("\"voltage\":230.4835")).voltage_milli_v, 230484);
    ck_assert_int_eq(decode_ok(READING_WITH("\"voltage\":230.4825")).voltage_milli_v, 230482);
    ck_assert_int_eq(decode_ok(READING_WITH("\"current\":-10.20051")).current_milli_a, -10201);
    ck_assert_int_eq(decode_ok(READING_WITH("\"frequency\":50.0004999")).frequency_milli_hz, 50000);
    ck_assert_int_eq(decode_ok(READING_WITH("\"temperature\":-0.0005")).temperature_milli_degc, 0);
}
END_TEST

START_TEST(narrow_values_reach_their_limits)
{
    ck_assert_int_eq(decode_ok(READING_WITH("\"voltage\":2147483.647")).voltage_milli_v, INT32_MAX);
    ck_assert_int_eq(decode_ok(READING_WITH("\"voltage\":-2147483.648")).voltage_milli_v,
                     INT32_MIN);
    ck_assert_int_eq(decode_ok(READING_WITH("\"power_factor\":-2147.483648")).power_factor_micro,
                     INT32_MIN);
}
END_TEST

START_TEST(seq_is_any_spelling_of_an_integer_up_to_two_to_the_53)
{
    ck_assert_int_eq(decode_ok(READING_WITH("\"seq\":0")).seq, 0);
    ck_assert_int_eq(decode_ok(READING_WITH("\"seq\":12345678")).seq, 12345678);
    ck_assert_int_eq(decode_ok(READING_WITH("\"seq\":9007199254740992")).seq,
                     INT64_C(9007199254740992));
    ck_assert_int_eq(decode_ok(READING_WITH("\"seq\":17.0")).seq, 17);
    ck_assert_int_eq(decode_ok(READING_WITH("\"seq\":1.7e1")).seq, 17);
    ck_assert_int_eq(decode_ok(READING_WITH("\"seq\":-0")).seq, 0);
}
END_TEST

START_TEST(status_has_two_words)
{
    ck_assert_int_eq(decode_ok(READING_WITH("\"status\":\"OK\"")).status, SEGS_STATUS_OK);
    ck_assert_int_eq(decode_ok(READING_WITH("\"status\":\"ERROR\"")).status, SEGS_STATUS_ERROR);
}
END_TEST

struct time_case {
    const char *text;
    int64_t ts_ms;
};

/* From `date -u -d TEXT +%s`. */
static const struct time_case times[] = {
    { "1970-01-01T00:00:00Z", 0 },
    { "1970-01-01T00:00:00.001Z", 1 },
    { "2026-01-15T14:30:00Z", INT64_C(1768487400000) },
    { "2026-01-15T14:30:00.123Z", INT64_C(1768487400123) },
    { "2026-01-15T14:30:00.1Z", INT64_C(1768487400100) },
    { "2026-01-15T14:30:00.123999999Z", INT64_C(1768487400123) },
    { "2026-01-15t14:30:00z", INT64_C(1768487400000) },
    { "2026-01-15T20:00:00+05:30", INT64_C(1768487400000) },
    { "2026-01-16T04:30:00.500+14:00", INT64_C(1768487400500) },
    { "2016-12-31T23:59:60Z", INT64_C(1483228799999) }, /* leap second */
    { "2024-02-29T00:00:00Z", INT64_C(1709164800000) },
    { "9999-12-31T23:59:59.999Z", INT64_C(253402300799999) },
};

START_TEST(timestamps_become_milliseconds)
{
    char text[256];

    (void)snprintf(text, sizeof text, "{\"meter_id\":\"A\",\"timestamp\":\"%s\",\"power_kw\":1}",
                   times[_i].text);
    ck_assert_int_eq(decode_ok(text).ts_ms, times[_i].ts_ms);
}
END_TEST

TCase *value_cases(void)
{
    TCase *tc = tcase_create("values");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, every_member_is_decoded_into_its_unit);
    tcase_add_test(tc, camel_case_aliases_mean_the_same);
    tcase_add_test(tc, every_name_is_found_and_no_other);
    tcase_add_test(tc, order_of_members_does_not_matter);
    tcase_add_test(tc, whitespace_may_stand_between_all_tokens);
    tcase_add_test(tc, zero_is_data_and_absence_is_not);
    tcase_add_test(tc, one_of_the_three_measurements_is_enough);
    tcase_add_test(tc, escapes_are_decoded_before_the_alphabet_is_checked);
    tcase_add_test(tc, regions_may_hold_space_slash_and_plus);
    tcase_add_test(tc, an_id_may_have_63_bytes);
    tcase_add_loop_test(tc, numbers_become_exact_fixed_point, 0,
                        sizeof power_numbers / sizeof power_numbers[0]);
    tcase_add_test(tc, thousandths_are_rounded_half_even);
    tcase_add_test(tc, narrow_values_reach_their_limits);
    tcase_add_test(tc, seq_is_any_spelling_of_an_integer_up_to_two_to_the_53);
    tcase_add_test(tc, status_has_two_words);
    tcase_add_loop_test(tc, timestamps_become_milliseconds, 0, sizeof times / sizeof times[0]);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("decode");
    SRunner *runner;
    int n_failed;

    suite_add_tcase(suite, value_cases());
    suite_add_tcase(suite, error_cases());
    suite_add_tcase(suite, body_cases());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
