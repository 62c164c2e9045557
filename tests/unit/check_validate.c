#include <segs/validate.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode_cases.h"

#define NOW_MS FULL_READING_TS_MS
#define MAX 16

static struct segs_policy *new_policy(const struct segs_policy_options *options)
{
    struct segs_policy *policy = NULL;
    struct segs_error err;
    int r = segs_policy_new(options, &policy, &err);

    ck_assert_msg(r == 0, "%s", r == 0 ? "" : err.message);
    return policy;
}

/* Judge a text by the default policy, or one with the options given. */
static int judge(const char *text, const struct segs_policy_options *options,
                 const struct segs_meter_context *meter, int64_t now_ms,
                 struct segs_verdict verdicts[MAX])
{
    struct segs_reading reading = decode_ok(text);
    struct segs_policy *policy = new_policy(options);
    int n = segs_policy_check(policy, &reading, meter, now_ms, verdicts, MAX);

    segs_policy_free(policy);
    return n;
}

static void check_one(const struct segs_verdict *verdict, int rule, int severity, const char *field,
                      const char *expected, const char *found)
{
    ck_assert_int_eq(verdict->rule, rule);
    ck_assert_int_eq(verdict->severity, severity);
    ck_assert_str_eq(verdict->field, field);
    ck_assert_str_eq(verdict->expected, expected);
    ck_assert_str_eq(verdict->found, found);
}

START_TEST(a_usual_reading_passes)
{
    struct segs_verdict v[MAX];

    ck_assert_int_eq(judge(FULL_READING, NULL, NULL, NOW_MS, v), 0);
}
END_TEST

START_TEST(zero_passes_everywhere)
{
    struct segs_verdict v[MAX];

    ck_assert_int_eq(judge(READING_OF("\"power_kw\":0,\"energy_kwh\":0,\"register_kwh\":0,"
                                      "\"voltage\":0,\"current\":0,\"power_factor\":0,"
                                      "\"frequency\":0,\"temperature\":0"),
                           NULL, NULL, NOW_MS, v),
                     0);
}
END_TEST

struct range_case {
    const char *inside_low;
    const char *inside_high;
    const char *below;
    const char *above;
    const char *field;
    const char *expected;
};

/* The limits of the table in validate.h, and the next value outside. "" where there is none. */
static const struct range_case ranges[] = {
    { "\"power_kw\":0", "\"power_kw\":1000000", "", "\"power_kw\":1000000.000001", "power_kw",
      "-1000000..1000000" },
    { "\"energy_kwh\":0", "\"energy_kwh\":1e6", "", "\"energy_kwh\":1000000.000001", "energy_kwh",
      "-1000000..1000000" },
    { "\"register_kwh\":0", "\"register_kwh\":1e10", "\"register_kwh\":-0.000001",
      "\"register_kwh\":10000000000.000001", "register_kwh", "0..10000000000" },
    { "\"power_kw\":1,\"voltage\":0", "\"power_kw\":1,\"voltage\":1e6",
      "\"power_kw\":1,\"voltage\":-0.001", "\"power_kw\":1,\"voltage\":1000000.001", "voltage",
      "0..1000000" },
    { "\"power_kw\":1,\"current\":-100000", "\"power_kw\":1,\"current\":100000",
      "\"power_kw\":1,\"current\":-100000.001", "\"power_kw\":1,\"current\":100000.001", "current",
      "-100000..100000" },
    { "\"power_kw\":1,\"power_factor\":-1", "\"power_kw\":1,\"power_factor\":1",
      "\"power_kw\":1,\"power_factor\":-1.000001", "\"power_kw\":1,\"power_factor\":1.000001",
      "power_factor", "-1..1" },
    { "\"power_kw\":1,\"frequency\":40", "\"power_kw\":1,\"frequency\":70",
      "\"power_kw\":1,\"frequency\":39.999", "\"power_kw\":1,\"frequency\":70.001", "frequency",
      "40..70 or 0" },
    { "\"power_kw\":1,\"temperature\":-90", "\"power_kw\":1,\"temperature\":90",
      "\"power_kw\":1,\"temperature\":-90.001", "\"power_kw\":1,\"temperature\":90.001",
      "temperature", "-90..90" },
};

static int judge_member(const char *member, struct segs_verdict v[MAX])
{
    char text[256];

    (void)snprintf(text, sizeof text, READING_OF("%s"), member);
    return judge(text, NULL, NULL, NOW_MS, v);
}

START_TEST(ranges_include_their_limits)
{
    const struct range_case *c = &ranges[_i];
    struct segs_verdict v[MAX];

    ck_assert_int_eq(judge_member(c->inside_low, v), 0);
    ck_assert_int_eq(judge_member(c->inside_high, v), 0);
}
END_TEST

START_TEST(the_next_value_outside_a_range_is_found)
{
    const struct range_case *c = &ranges[_i];
    const char *const outside[] = { c->below, c->above };

    for (size_t i = 0; i < 2; i++) {
        struct segs_verdict v[MAX];

        if (outside[i][0] == '\0')
            continue;
        ck_assert_int_eq(judge_member(outside[i], v), 1);
        check_one(&v[0], SEGS_RULE_RANGE, SEGS_SEVERITY_ERROR, c->field, c->expected,
                  strrchr(outside[i], ':') + 1);
    }
}
END_TEST

START_TEST(negative_is_a_warning_for_an_unknown_meter)
{
    struct segs_verdict v[MAX];

    ck_assert_int_eq(
        judge(READING_OF("\"power_kw\":-2.5,\"energy_kwh\":-1"), NULL, NULL, NOW_MS, v), 2);
    check_one(&v[0], SEGS_RULE_NEGATIVE, SEGS_SEVERITY_WARN, "power_kw",
              "at least 0 unless the meter may export", "-2.5");
    check_one(&v[1], SEGS_RULE_NEGATIVE, SEGS_SEVERITY_WARN, "energy_kwh",
              "at least 0 unless the meter may export", "-1");
}
END_TEST

START_TEST(negative_is_an_error_for_an_import_meter_and_data_for_an_exporting_one)
{
    struct segs_meter_context meter = SEGS_METER_CONTEXT_INIT;
    struct segs_verdict v[MAX];

    ck_assert_int_eq(judge(READING_OF("\"power_kw\":-2.5"), NULL, &meter, NOW_MS, v), 1);
    check_one(&v[0], SEGS_RULE_NEGATIVE, SEGS_SEVERITY_ERROR, "power_kw",
              "at least 0 on an import meter", "-2.5");
    meter.flags = SEGS_METER_MAY_EXPORT;
    ck_assert_int_eq(judge(READING_OF("\"power_kw\":-2.5"), NULL, &meter, NOW_MS, v), 0);
}
END_TEST

/* 2.4 kW over 15 minutes are 0.6 kWh; 10 % of it are 0.06. */
START_TEST(energy_must_be_power_times_interval)
{
    struct segs_meter_context meter = SEGS_METER_CONTEXT_INIT;
    struct segs_verdict v[MAX];

    ck_assert_int_eq(
        judge(READING_OF("\"power_kw\":2.4,\"energy_kwh\":5"), NULL, &meter, NOW_MS, v), 0);
    meter.interval_ms = 900000;
    ck_assert_int_eq(
        judge(READING_OF("\"power_kw\":2.4,\"energy_kwh\":0.6"), NULL, &meter, NOW_MS, v), 0);
    ck_assert_int_eq(
        judge(READING_OF("\"power_kw\":2.4,\"energy_kwh\":0.66"), NULL, &meter, NOW_MS, v), 0);
    ck_assert_int_eq(
        judge(READING_OF("\"power_kw\":2.4,\"energy_kwh\":0.660001"), NULL, &meter, NOW_MS, v), 1);
    check_one(&v[0], SEGS_RULE_CONSISTENCY, SEGS_SEVERITY_WARN, "energy_kwh",
              "about 0.6, power_kw times the interval", "0.660001");
    ck_assert_int_eq(judge(READING_OF("\"energy_kwh\":5"), NULL, &meter, NOW_MS, v), 0);
}
END_TEST

/* The floor of 1 Wh: at 0 kW a register's last digit may still turn. */
START_TEST(a_watt_hour_beside_zero_power_is_no_finding)
{
    struct segs_meter_context meter = SEGS_METER_CONTEXT_INIT;
    struct segs_verdict v[MAX];

    meter.interval_ms = 900000;
    ck_assert_int_eq(
        judge(READING_OF("\"power_kw\":0,\"energy_kwh\":0.001"), NULL, &meter, NOW_MS, v), 0);
    ck_assert_int_eq(
        judge(READING_OF("\"power_kw\":0,\"energy_kwh\":0.001001"), NULL, &meter, NOW_MS, v), 1);
    ck_assert_int_eq(v[0].rule, SEGS_RULE_CONSISTENCY);
}
END_TEST

START_TEST(extreme_numbers_do_not_overflow_the_consistency_rule)
{
    struct segs_meter_context meter = SEGS_METER_CONTEXT_INIT;
    struct segs_policy_options options = SEGS_POLICY_OPTIONS_INIT;
    struct segs_verdict v[MAX];
    int n;

    meter.interval_ms = SEGS_METER_INTERVAL_MAX_MS;
    meter.flags = SEGS_METER_MAY_EXPORT;
    options.consistency_micro_ratio = 1000000000;
    n = judge(READING_OF("\"power_kw\":-9223372036854.775808,\"energy_kwh\":9223372036854.775807"),
              &options, &meter, NOW_MS, v);
    ck_assert_int_eq(n, 2); /* both ranges; the ratio of 1000 allows anything */
    ck_assert_int_eq(v[0].rule, SEGS_RULE_RANGE);
    ck_assert_int_eq(v[1].rule, SEGS_RULE_RANGE);
}
END_TEST

/* 10 kW x 1.2. */
START_TEST(power_beyond_the_connection_is_found_in_both_directions)
{
    struct segs_meter_context meter = SEGS_METER_CONTEXT_INIT;
    struct segs_verdict v[MAX];

    meter.capacity_micro_kw = 10000000;
    meter.flags = SEGS_METER_MAY_EXPORT;
    ck_assert_int_eq(judge(READING_OF("\"power_kw\":12"), NULL, &meter, NOW_MS, v), 0);
    ck_assert_int_eq(judge(READING_OF("\"power_kw\":12.000001"), NULL, &meter, NOW_MS, v), 1);
    check_one(&v[0], SEGS_RULE_CAPACITY, SEGS_SEVERITY_WARN, "power_kw", "within 10 times 1.2",
              "12.000001");
    ck_assert_int_eq(judge(READING_OF("\"power_kw\":-12.000001"), NULL, &meter, NOW_MS, v), 1);
}
END_TEST

START_TEST(another_meter_than_the_registrys_is_found)
{
    struct segs_meter_context meter = SEGS_METER_CONTEXT_INIT;
    struct segs_verdict v[MAX];

    meter.meter_id = "A";
    ck_assert_int_eq(judge(GOOD, NULL, &meter, NOW_MS, v), 0);
    meter.meter_id = "AB";
    ck_assert_int_eq(judge(GOOD, NULL, &meter, NOW_MS, v), 1);
    check_one(&v[0], SEGS_RULE_METER_ID, SEGS_SEVERITY_ERROR, "meter_id", "AB", "A");
}
END_TEST

START_TEST(two_minutes_ahead_pass_and_a_millisecond_more_does_not)
{
    struct segs_verdict v[MAX];

    ck_assert_int_eq(judge(GOOD, NULL, NULL, NOW_MS - 120000, v), 0);
    ck_assert_int_eq(judge(GOOD, NULL, NULL, NOW_MS - 120001, v), 1);
    check_one(&v[0], SEGS_RULE_FUTURE, SEGS_SEVERITY_ERROR, "timestamp",
              "at most 2026-01-15T14:29:59.999Z", "2026-01-15T14:30:00.000Z");
}
END_TEST

START_TEST(seven_days_back_pass_and_a_millisecond_more_does_not)
{
    struct segs_verdict v[MAX];

    ck_assert_int_eq(judge(GOOD, NULL, NULL, NOW_MS + 604800000, v), 0);
    ck_assert_int_eq(judge(GOOD, NULL, NULL, NOW_MS + 604800001, v), 1);
    check_one(&v[0], SEGS_RULE_TOO_OLD, SEGS_SEVERITY_ERROR, "timestamp",
              "at least 2026-01-15T14:30:00.001Z", "2026-01-15T14:30:00.000Z");
}
END_TEST

START_TEST(time_limits_can_be_switched_off)
{
    struct segs_policy_options options = SEGS_POLICY_OPTIONS_INIT;
    struct segs_verdict v[MAX];

    options.flags = SEGS_POLICY_ANY_AGE;
    ck_assert_int_eq(judge(GOOD, &options, NULL, INT64_MAX, v), 0);
    ck_assert_int_eq(judge(GOOD, &options, NULL, INT64_MIN, v), 1);
    ck_assert_str_eq(v[0].expected, "at most before 1970");
    options.flags = SEGS_POLICY_ANY_FUTURE;
    ck_assert_int_eq(judge(GOOD, &options, NULL, INT64_MIN, v), 0);
}
END_TEST

START_TEST(groups_of_rules_can_be_chosen)
{
    struct segs_policy_options options = SEGS_POLICY_OPTIONS_INIT;
    const char *text = READING_OF("\"power_kw\":1,\"voltage\":-1");
    struct segs_verdict v[MAX];

    ck_assert_int_eq(judge(text, &options, NULL, 0, v), 2);
    ck_assert_int_eq(v[0].rule, SEGS_RULE_RANGE);
    ck_assert_int_eq(v[1].rule, SEGS_RULE_FUTURE);
    options.checks = SEGS_CHECK_CONTENT;
    ck_assert_int_eq(judge(text, &options, NULL, 0, v), 1);
    ck_assert_int_eq(v[0].rule, SEGS_RULE_RANGE);
    options.checks = SEGS_CHECK_TIME;
    ck_assert_int_eq(judge(text, &options, NULL, 0, v), 1);
    ck_assert_int_eq(v[0].rule, SEGS_RULE_FUTURE);
}
END_TEST

START_TEST(a_range_of_ones_own_replaces_the_default)
{
    const struct segs_value_range mine[] = {
        { 0, 0, SEGS_HAS_VOLTAGE, 0 },
        { 49000, 51000, SEGS_HAS_FREQUENCY, 0 },
        { INT64_MIN, INT64_MAX, SEGS_HAS_POWER, 0 },
    };
    struct segs_policy_options options = SEGS_POLICY_OPTIONS_INIT;
    struct segs_verdict v[MAX];

    options.ranges = mine;
    options.n_ranges = 3;
    ck_assert_int_eq(judge(READING_OF("\"power_kw\":9e9,\"voltage\":0.001,\"frequency\":0"),
                           &options, NULL, NOW_MS, v),
                     2);
    check_one(&v[0], SEGS_RULE_RANGE, SEGS_SEVERITY_ERROR, "voltage", "0..0", "0.001");
    check_one(&v[1], SEGS_RULE_RANGE, SEGS_SEVERITY_ERROR, "frequency", "49..51", "0");
    ck_assert_int_eq(judge(GOOD, &options, NULL, NOW_MS, v), 0);
}
END_TEST

START_TEST(findings_beyond_the_room_are_counted_only)
{
    struct segs_reading reading = decode_ok(
        READING_OF("\"power_kw\":-9e9,\"voltage\":-1,\"frequency\":1,\"temperature\":99"));
    struct segs_policy *policy = new_policy(NULL);
    struct segs_verdict v[3];
    struct segs_verdict untouched;

    memset(v, 0x5A, sizeof v);
    memset(&untouched, 0x5A, sizeof untouched);
    ck_assert_int_eq(segs_policy_check(policy, &reading, NULL, 0, v, 2), 6);
    ck_assert_int_eq(v[1].rule, SEGS_RULE_RANGE);
    ck_assert_mem_eq(&v[2], &untouched, sizeof untouched);
    ck_assert_int_eq(segs_policy_check(policy, &reading, NULL, 0, NULL, 0), 6);
    segs_policy_free(policy);
}
END_TEST

static void check_option(const struct segs_policy_options *options, int code, const char *field)
{
    struct segs_policy *policy = NULL;
    struct segs_error err;

    ck_assert_int_eq(segs_policy_new(options, &policy, &err), code);
    ck_assert_str_eq(err.field, field);
    ck_assert_ptr_null(policy);
}

START_TEST(options_outside_their_range_are_named)
{
    const struct segs_policy_options fresh = SEGS_POLICY_OPTIONS_INIT;
    struct segs_policy_options o;

    o = fresh;
    o.max_future_skew_ms = -1;
    check_option(&o, SEGS_ERANGE, "max_future_skew_ms");
    o = fresh;
    o.max_age_ms = INT64_MAX;
    check_option(&o, SEGS_ERANGE, "max_age_ms");
    o = fresh;
    o.consistency_micro_ratio = 1000000001;
    check_option(&o, SEGS_ERANGE, "consistency_micro_ratio");
    o = fresh;
    o.checks = 4;
    check_option(&o, SEGS_ERANGE, "checks");
    o = fresh;
    o.flags = 4;
    check_option(&o, SEGS_ERANGE, "flags");
    o = fresh;
    o.n_ranges = 1;
    check_option(&o, SEGS_EINVAL, "ranges");
    o = fresh;
    o.size = 3;
    check_option(&o, SEGS_EINVAL, "size");
}
END_TEST

START_TEST(ranges_that_make_no_sense_are_named)
{
    const struct segs_value_range good = { 0, 1, SEGS_HAS_POWER, 0 };
    struct segs_value_range two[] = { good, good };
    struct segs_policy_options o = SEGS_POLICY_OPTIONS_INIT;

    o.ranges = two;
    o.n_ranges = 2;
    check_option(&o, SEGS_ECONFLICT, "ranges");
    two[1].value = SEGS_HAS_SEQ;
    check_option(&o, SEGS_ERANGE, "ranges");
    two[1].value = SEGS_HAS_POWER | SEGS_HAS_ENERGY;
    check_option(&o, SEGS_ERANGE, "ranges");
    two[1].value = SEGS_HAS_ENERGY;
    two[1].min = 2;
    check_option(&o, SEGS_ERANGE, "ranges");
    two[1].min = 0;
    two[1].flags = 2;
    check_option(&o, SEGS_ERANGE, "ranges");
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    struct segs_reading reading = decode_ok(GOOD);
    struct segs_policy *policy = new_policy(NULL);
    struct segs_meter_context meter = SEGS_METER_CONTEXT_INIT;

    ck_assert_int_eq(segs_policy_new(NULL, NULL, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_policy_check(NULL, &reading, NULL, 0, NULL, 0), SEGS_EINVAL);
    ck_assert_int_eq(segs_policy_check(policy, NULL, NULL, 0, NULL, 0), SEGS_EINVAL);
    ck_assert_int_eq(segs_policy_check(policy, &reading, NULL, 0, NULL, 1), SEGS_EINVAL);
    meter.size = 1;
    ck_assert_int_eq(segs_policy_check(policy, &reading, &meter, 0, NULL, 0), SEGS_EINVAL);
    meter.size = sizeof meter;
    meter.interval_ms = SEGS_METER_INTERVAL_MAX_MS + 1;
    ck_assert_int_eq(segs_policy_check(policy, &reading, &meter, 0, NULL, 0), SEGS_ERANGE);
    meter.interval_ms = 0;
    meter.capacity_micro_kw = -1;
    ck_assert_int_eq(segs_policy_check(policy, &reading, &meter, 0, NULL, 0), SEGS_ERANGE);
    segs_policy_free(policy);
    segs_policy_free(NULL);
}
END_TEST

START_TEST(rules_and_severities_have_their_names)
{
    ck_assert_str_eq(segs_rule_name(SEGS_RULE_NONE), "NONE");
    ck_assert_str_eq(segs_rule_name(SEGS_RULE_RANGE), "RANGE");
    ck_assert_str_eq(segs_rule_name(SEGS_RULE_NEGATIVE), "NEGATIVE");
    ck_assert_str_eq(segs_rule_name(SEGS_RULE_CONSISTENCY), "CONSISTENCY");
    ck_assert_str_eq(segs_rule_name(SEGS_RULE_CAPACITY), "CAPACITY");
    ck_assert_str_eq(segs_rule_name(SEGS_RULE_METER_ID), "METER_ID");
    ck_assert_str_eq(segs_rule_name(SEGS_RULE_FUTURE), "FUTURE");
    ck_assert_str_eq(segs_rule_name(SEGS_RULE_TOO_OLD), "TOO_OLD");
    ck_assert_str_eq(segs_rule_name(64), "?");
    ck_assert_str_eq(segs_severity_name(SEGS_SEVERITY_NONE), "NONE");
    ck_assert_str_eq(segs_severity_name(SEGS_SEVERITY_WARN), "WARN");
    ck_assert_str_eq(segs_severity_name(SEGS_SEVERITY_ERROR), "ERROR");
    ck_assert_str_eq(segs_severity_name(3), "?");
}
END_TEST

static TCase *content_cases(void)
{
    TCase *tc = tcase_create("content");
    int n = (int)(sizeof ranges / sizeof ranges[0]);

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, a_usual_reading_passes);
    tcase_add_test(tc, zero_passes_everywhere);
    tcase_add_loop_test(tc, ranges_include_their_limits, 0, n);
    tcase_add_loop_test(tc, the_next_value_outside_a_range_is_found, 0, n);
    tcase_add_test(tc, negative_is_a_warning_for_an_unknown_meter);
    tcase_add_test(tc, negative_is_an_error_for_an_import_meter_and_data_for_an_exporting_one);
    tcase_add_test(tc, energy_must_be_power_times_interval);
    tcase_add_test(tc, a_watt_hour_beside_zero_power_is_no_finding);
    tcase_add_test(tc, extreme_numbers_do_not_overflow_the_consistency_rule);
    tcase_add_test(tc, power_beyond_the_connection_is_found_in_both_directions);
    tcase_add_test(tc, another_meter_than_the_registrys_is_found);
    return tc;
}

static TCase *policy_cases(void)
{
    TCase *tc = tcase_create("policy");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, two_minutes_ahead_pass_and_a_millisecond_more_does_not);
    tcase_add_test(tc, seven_days_back_pass_and_a_millisecond_more_does_not);
    tcase_add_test(tc, time_limits_can_be_switched_off);
    tcase_add_test(tc, groups_of_rules_can_be_chosen);
    tcase_add_test(tc, a_range_of_ones_own_replaces_the_default);
    tcase_add_test(tc, findings_beyond_the_room_are_counted_only);
    tcase_add_test(tc, options_outside_their_range_are_named);
    tcase_add_test(tc, ranges_that_make_no_sense_are_named);
    tcase_add_test(tc, bad_arguments_are_refused);
    tcase_add_test(tc, rules_and_severities_have_their_names);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("validate");
    SRunner *runner;
    int n_failed;

    suite_add_tcase(suite, content_cases());
    suite_add_tcase(suite, policy_cases());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
