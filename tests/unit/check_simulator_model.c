/* The load model: what meters report, when, and in which mode. */
#include "simulator/model.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <segs/fixed.h>
#include <segs/time.h>
#include <segs/validate.h>

#include "runtime/service.h"
#include "simulator/scenario.h"
#include "simulator/service.h"
#include "simulator/settings.h"

#define REGIONS "Mumbai-North,Delhi-North,Bangalore-East,Pune-West"

static struct sim_model *model_of(uint64_t seed, int64_t n_meters)
{
    const struct sim_model_options options = { .seed = seed,
                                               .n_meters = n_meters,
                                               .interval_ms = 10000,
                                               .utc_offset_min = 330,
                                               .regions = REGIONS };
    struct sim_model *model = NULL;

    ck_assert_int_eq(sim_model_new(&options, &model, NULL), 0);
    return model;
}

static int64_t at(const char *text)
{
    int64_t ts_ms = 0;

    ck_assert_int_eq(segs_time_parse(text, strlen(text), &ts_ms, NULL), 0);
    return ts_ms;
}

/* Thursday, 15 January 2026, in India. */
#define NIGHT "2026-01-15T03:00:00+05:30"
#define NOON "2026-01-15T12:00:00+05:30"
#define EVENING "2026-01-15T20:00:00+05:30"
#define SATURDAY_NOON "2026-01-17T12:00:00+05:30"

/* ---- Numbers ---- */

START_TEST(meter_ids_have_eight_digits_and_start_at_one)
{
    char id[SIM_ID_BYTES];

    sim_meter_id(0, id);
    ck_assert_str_eq(id, "MTR-00000001");
    sim_meter_id(4999, id);
    ck_assert_str_eq(id, "MTR-00005000");
    sim_meter_id(SIM_METERS_MAX - 1, id);
    ck_assert_str_eq(id, "MTR-99999999");
}
END_TEST

START_TEST(energy_is_power_times_interval_rounded_half_to_even)
{
    ck_assert_int_eq(sim_energy_micro_kwh(1800000, 10000), 5000); /* 1.8 kW for 10 s: 5 Wh. */
    ck_assert_int_eq(sim_energy_micro_kwh(1000000, 7200000), 2000000);
    ck_assert_int_eq(sim_energy_micro_kwh(180, 10000), 0); /* 0.5 */
    ck_assert_int_eq(sim_energy_micro_kwh(540, 10000), 2); /* 1.5 */
    ck_assert_int_eq(sim_energy_micro_kwh(900, 10000), 2); /* 2.5 */
    ck_assert_int_eq(sim_energy_micro_kwh(901, 10000), 3); /* 2.502... */
    ck_assert_int_eq(sim_energy_micro_kwh(0, 10000), 0);
}
END_TEST

/* ---- Reproducibility ---- */

START_TEST(the_same_seed_gives_the_same_bytes_in_any_order)
{
    struct sim_model *one = model_of(7, 1000);
    struct sim_model *other = model_of(7, 1000);
    struct segs_reading *forward = calloc(1000, sizeof *forward);

    for (int64_t i = 0; i < 1000; i++)
        ck_assert(sim_model_reading(one, SIM_NORMAL, i, at(NOON) + i * 10, &forward[i]));
    for (int64_t i = 999; i >= 0; i--) {
        struct segs_reading again;

        ck_assert(sim_model_reading(other, SIM_NORMAL, i, at(NOON) + i * 10, &again));
        ck_assert_mem_eq(&again, &forward[i], sizeof again);
    }
    free(forward);
    sim_model_free(one);
    sim_model_free(other);
}
END_TEST

START_TEST(another_seed_another_meter_and_another_time_give_other_values)
{
    struct sim_model *one = model_of(1, 2);
    struct sim_model *other = model_of(2, 2);
    struct segs_reading a, b, c, d;

    ck_assert(sim_model_reading(one, SIM_NORMAL, 0, at(NOON), &a));
    ck_assert(sim_model_reading(other, SIM_NORMAL, 0, at(NOON), &b));
    ck_assert(sim_model_reading(one, SIM_NORMAL, 1, at(NOON), &c));
    ck_assert(sim_model_reading(one, SIM_NORMAL, 0, at(NOON) + 10000, &d));
    ck_assert_int_ne(a.power_micro_kw, b.power_micro_kw);
    ck_assert_int_ne(a.power_micro_kw, c.power_micro_kw);
    ck_assert_int_ne(a.power_micro_kw, d.power_micro_kw);
    sim_model_free(one);
    sim_model_free(other);
}
END_TEST

/* ---- Physics ---- */

/* P = U * I * pf, where I was rounded to 10 mA: half of that is the most it may be off. */
static void assert_consistent(const struct segs_reading *r)
{
    double factor = r->voltage_milli_v * 1e-3 * r->power_factor_micro * 1e-6;
    double watts = (double)r->power_micro_kw * 1e-3;

    ck_assert_double_le(fabs(watts - factor * r->current_milli_a * 1e-3), factor * 0.005 + 1e-6);
    ck_assert_int_eq(r->energy_micro_kwh, sim_energy_micro_kwh(r->power_micro_kw, 10000));
    ck_assert_int_gt(r->voltage_milli_v, 207000); /* 230 V - 10 % */
    ck_assert_int_lt(r->voltage_milli_v, 253000); /* 230 V + 10 % */
    ck_assert_int_ge(r->frequency_milli_hz, 49950);
    ck_assert_int_le(r->frequency_milli_hz, 50050);
    ck_assert_int_gt(r->power_micro_kw, 0);
}

START_TEST(values_of_a_reading_agree_with_each_other)
{
    struct sim_model *model = model_of(3, 5000);

    for (int64_t i = 0; i < 5000; i++) {
        struct segs_reading reading;

        ck_assert(sim_model_reading(model, i % 2 ? SIM_PEAK : SIM_NORMAL, i,
                                    at(EVENING) + i * 17321, &reading));
        ck_assert_int_eq(segs_reading_check(&reading, NULL), 0);
        assert_consistent(&reading);
    }
    sim_model_free(model);
}
END_TEST

START_TEST(values_have_the_decimals_of_the_wire)
{
    struct sim_model *model = model_of(3, 200);

    for (int64_t i = 0; i < 200; i++) {
        struct segs_reading r;

        ck_assert(sim_model_reading(model, SIM_NORMAL, i, at(NOON), &r));
        ck_assert_int_eq(r.power_micro_kw % 1000, 0);
        ck_assert_int_eq(r.voltage_milli_v % 100, 0);
        ck_assert_int_eq(r.current_milli_a % 10, 0);
        ck_assert_int_eq(r.power_factor_micro % 1000, 0);
        ck_assert_int_eq(r.temperature_milli_degc % 100, 0);
    }
    sim_model_free(model);
}
END_TEST

START_TEST(readings_pass_the_rules_that_ingestion_applies)
{
    static const enum sim_mode modes[] = { SIM_NORMAL, SIM_PEAK, SIM_OUTAGE };
    struct segs_policy_options options = SEGS_POLICY_OPTIONS_INIT;
    struct segs_meter_context context = SEGS_METER_CONTEXT_INIT;
    struct segs_policy *policy = NULL;
    struct sim_model *model = model_of(3, 3000);

    options.checks = SEGS_CHECK_CONTENT;
    context.interval_ms = 10000;
    ck_assert_int_eq(segs_policy_new(&options, &policy, NULL), 0);
    for (int64_t i = 0; i < 3000; i++) {
        struct segs_reading reading;
        struct segs_verdict verdict;

        if (sim_model_reading(model, modes[i % 3], i, at(NOON), &reading))
            ck_assert_int_eq(segs_policy_check(policy, &reading, &context, 0, &verdict, 1), 0);
    }
    segs_policy_free(policy);
    sim_model_free(model);
}
END_TEST

START_TEST(one_grid_has_one_frequency)
{
    struct sim_model *model = model_of(3, 100);
    struct segs_reading first;

    ck_assert(sim_model_reading(model, SIM_NORMAL, 0, at(NOON), &first));
    for (int64_t i = 1; i < 100; i++) {
        struct segs_reading reading;

        ck_assert(sim_model_reading(model, SIM_NORMAL, i, at(NOON) + 9 * i, &reading));
        ck_assert_int_eq(reading.frequency_milli_hz, first.frequency_milli_hz);
    }
    sim_model_free(model);
}
END_TEST

/* ---- People ---- */

static double class_kw(const struct sim_model *model, enum sim_class c, const char *time)
{
    double sum = 0;

    for (int64_t i = 0; i < model->options.n_meters; i++) {
        struct segs_reading reading;

        if (model->meters[i].customer_class != (uint8_t)c)
            continue;
        ck_assert(sim_model_reading(model, SIM_NORMAL, i, at(time), &reading));
        sum += (double)reading.power_micro_kw * 1e-6;
    }
    return sum;
}

START_TEST(homes_peak_in_the_evening_and_businesses_by_day)
{
    struct sim_model *model = model_of(4, 4000);

    ck_assert_double_gt(class_kw(model, SIM_RESIDENTIAL, EVENING),
                        1.5 * class_kw(model, SIM_RESIDENTIAL, NOON));
    ck_assert_double_gt(class_kw(model, SIM_RESIDENTIAL, NOON),
                        1.5 * class_kw(model, SIM_RESIDENTIAL, NIGHT));
    ck_assert_double_gt(class_kw(model, SIM_COMMERCIAL, NOON),
                        1.5 * class_kw(model, SIM_COMMERCIAL, EVENING));
    ck_assert_double_gt(class_kw(model, SIM_INDUSTRIAL, NOON),
                        1.5 * class_kw(model, SIM_INDUSTRIAL, EVENING));
    sim_model_free(model);
}
END_TEST

START_TEST(weekends_are_quiet_at_work_and_busy_at_home)
{
    struct sim_model *model = model_of(4, 4000);

    ck_assert_double_lt(class_kw(model, SIM_COMMERCIAL, SATURDAY_NOON),
                        0.7 * class_kw(model, SIM_COMMERCIAL, NOON));
    ck_assert_double_lt(class_kw(model, SIM_INDUSTRIAL, SATURDAY_NOON),
                        0.7 * class_kw(model, SIM_INDUSTRIAL, NOON));
    ck_assert_double_gt(class_kw(model, SIM_RESIDENTIAL, SATURDAY_NOON),
                        1.2 * class_kw(model, SIM_RESIDENTIAL, NOON));
    sim_model_free(model);
}
END_TEST

START_TEST(afternoons_are_warmer_than_nights)
{
    struct sim_model *model = model_of(4, 1);
    struct segs_reading night, noon;

    ck_assert(sim_model_reading(model, SIM_NORMAL, 0, at(NIGHT), &night));
    ck_assert(sim_model_reading(model, SIM_NORMAL, 0, at(NOON), &noon));
    ck_assert_int_gt(noon.temperature_milli_degc, night.temperature_milli_degc + 8000);
    sim_model_free(model);
}
END_TEST

/* Four standard deviations of a binomial count: exact for a seed, and wide enough for any. */
static void assert_share(int64_t count, int64_t n, double share)
{
    double limit = 4 * sqrt((double)n * share * (1 - share));

    ck_assert_double_le(fabs((double)count - (double)n * share), limit);
}

START_TEST(customers_are_70_22_and_8_percent)
{
    struct sim_model *model = model_of(5, 100000);
    int64_t counts[SIM_N_CLASSES] = { 0 };

    for (int64_t i = 0; i < 100000; i++)
        counts[model->meters[i].customer_class]++;
    assert_share(counts[SIM_RESIDENTIAL], 100000, 0.70);
    assert_share(counts[SIM_COMMERCIAL], 100000, 0.22);
    assert_share(counts[SIM_INDUSTRIAL], 100000, 0.08);
    sim_model_free(model);
}
END_TEST

/* ---- Modes ---- */

START_TEST(peak_mode_multiplies_each_meter_by_1_5_to_2)
{
    struct sim_model *model = model_of(6, 2000);

    for (int64_t i = 0; i < 2000; i++) {
        struct segs_reading normal, peak;

        ck_assert(sim_model_reading(model, SIM_NORMAL, i, at(EVENING), &normal));
        ck_assert(sim_model_reading(model, SIM_PEAK, i, at(EVENING), &peak));
        /* Both are rounded to a watt. */
        ck_assert_int_ge(peak.power_micro_kw, normal.power_micro_kw * 3 / 2 - 2000);
        ck_assert_int_le(peak.power_micro_kw, normal.power_micro_kw * 2 + 2000);
    }
    sim_model_free(model);
}
END_TEST

START_TEST(in_an_outage_70_percent_report_zero_and_10_percent_nothing)
{
    struct sim_model *model = model_of(6, 20000);
    int64_t n_dead = 0;
    int64_t n_silent = 0;

    for (int64_t i = 0; i < 20000; i++) {
        struct segs_reading reading;

        if (!sim_model_reading(model, SIM_OUTAGE, i, at(NOON), &reading)) {
            n_silent++;
        } else if (reading.status == SEGS_STATUS_ERROR) {
            n_dead++;
            ck_assert_int_eq(reading.power_micro_kw, 0);
            ck_assert_int_eq(reading.voltage_milli_v, 0);
            ck_assert_uint_ne(reading.present & SEGS_HAS_POWER, 0);
            ck_assert_int_eq(segs_reading_check(&reading, NULL), 0);
        }
    }
    assert_share(n_dead, 20000, 0.70);
    assert_share(n_silent, 20000, 0.10);
    sim_model_free(model);
}
END_TEST

START_TEST(the_scenario_on_top_wins_where_and_while_it_holds)
{
    const struct sim_scenarios scenarios = {
        .base = { .mode = SIM_OUTAGE, .regions = 0x1, .until_ms = INT64_MAX },
        .top = { .mode = SIM_PEAK, .regions = 0x3, .from_ms = 1000, .until_ms = 2000 },
        .has_top = true,
    };

    ck_assert_int_eq(sim_scenarios_mode(&scenarios, 0, 999), SIM_OUTAGE);
    ck_assert_int_eq(sim_scenarios_mode(&scenarios, 0, 1000), SIM_PEAK);
    ck_assert_int_eq(sim_scenarios_mode(&scenarios, 1, 1999), SIM_PEAK);
    ck_assert_int_eq(sim_scenarios_mode(&scenarios, 2, 1500), SIM_NORMAL);
    ck_assert_int_eq(sim_scenarios_mode(&scenarios, 0, 2000), SIM_OUTAGE);
    ck_assert_int_eq(sim_scenarios_mode(&scenarios, 1, 2000), SIM_NORMAL);
}
END_TEST

START_TEST(mixed_mode_takes_each_region_through_all_modes)
{
    const struct sim_scenarios scenarios = {
        .base = { .mode = SIM_MIXED, .regions = UINT64_MAX, .until_ms = INT64_MAX },
    };
    static const enum sim_mode turns[] = { SIM_NORMAL, SIM_PEAK, SIM_NORMAL, SIM_OUTAGE };

    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(sim_scenarios_mode(&scenarios, 0, i * 600000), turns[i % 4]);
        ck_assert_int_eq(sim_scenarios_mode(&scenarios, 1, i * 600000), turns[(i + 1) % 4]);
    }
}
END_TEST

START_TEST(a_region_that_is_not_there_is_named)
{
    struct sim_model *model = model_of(1, 10);
    struct segs_error err = { 0 };
    uint64_t bits = 0;

    ck_assert_int_eq(sim_regions_parse(model, "Delhi-North, Pune-West", &bits, &err), 0);
    ck_assert_uint_eq(bits, 0xA);
    ck_assert_int_eq(sim_regions_parse(model, "Delhi-North,Poona", &bits, &err), SEGS_ENOTFOUND);
    ck_assert_ptr_nonnull(strstr(err.message, "Poona"));
    ck_assert_int_eq(sim_regions_parse(model, NULL, &bits, &err), 0);
    ck_assert_uint_eq(bits, UINT64_MAX);
    sim_model_free(model);
}
END_TEST

START_TEST(malformed_regions_are_refused_by_name)
{
    static const char *const lists[] = { "A,,B", "A,A", "Caf\xC3\xA9", "" };
    struct sim_model *model = NULL;

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const struct sim_model_options options = { .n_meters = 1,
                                                   .interval_ms = 10000,
                                                   .regions = lists[i] };
        struct segs_error err = { 0 };

        ck_assert_int_eq(sim_model_new(&options, &model, &err), SEGS_ERANGE);
        ck_assert_str_eq(err.field, "REGIONS");
        ck_assert_ptr_null(model);
    }
}
END_TEST

/* ---- Capacity (D-32) ---- */

static double region_load_kw(const struct sim_model *model, size_t region, enum sim_mode mode,
                             int64_t ts_ms)
{
    int64_t sum = 0;

    for (int64_t i = (int64_t)region; i < model->options.n_meters; i += 4) {
        struct segs_reading reading;

        if (sim_model_reading(model, mode, i, ts_ms, &reading))
            sum += reading.power_micro_kw;
    }
    return (double)sum * 1e-6;
}

START_TEST(d32_a_normal_day_goes_through_all_bands_up_to_80_percent)
{
    struct sim_model *model = model_of(1, 5000);
    int64_t start_ms = at("2026-01-15T00:00:00+05:30");

    for (size_t region = 0; region < 4; region++) {
        double capacity = sim_model_region_capacity_kw(model, region);
        int quarters[4] = { 0 };
        double highest = 0;

        for (int64_t q = 0; q < 96; q++) {
            double share =
                region_load_kw(model, region, SIM_NORMAL, start_ms + q * 900000) / capacity;

            ck_assert_double_lt(share, 0.9);
            quarters[(int)(share * 4)]++;
            highest = share > highest ? share : highest;
        }
        for (int band = 0; band < 4; band++)
            ck_assert_int_gt(quarters[band], 0);
        ck_assert_double_gt(highest, 0.78);
        ck_assert_double_lt(highest, 0.82);
    }
    sim_model_free(model);
}
END_TEST

START_TEST(d32_peak_mode_overloads_every_region_in_the_evening)
{
    struct sim_model *model = model_of(1, 5000);

    for (size_t region = 0; region < 4; region++)
        ck_assert_double_gt(region_load_kw(model, region, SIM_PEAK, at(EVENING)),
                            1.0 * sim_model_region_capacity_kw(model, region));
    sim_model_free(model);
}
END_TEST

START_TEST(d32_the_expected_load_is_the_mean_of_the_readings)
{
    struct sim_model *model = model_of(1, 5000);
    double expected = sim_model_region_kw(model, 2, at(NOON));

    ck_assert_double_lt(fabs(region_load_kw(model, 2, SIM_NORMAL, at(NOON)) / expected - 1), 0.01);
    sim_model_free(model);
}
END_TEST

static struct rt_config *config_of(const char *meters)
{
    static char *const no_environment[] = { NULL };
    struct rt_config *config = NULL;

    ck_assert_int_eq(rt_config_new(&config), 0);
    ck_assert_int_eq(rt_config_add_table(config, "common", rt_common_config, rt_n_common_config),
                     0);
    ck_assert_int_eq(rt_config_add_table(config, "simulator", sim_config, SIM_N_CONFIG), 0);
    ck_assert_int_eq(rt_config_load(config, NULL, no_environment, NULL), 0);
    ck_assert_int_eq(rt_config_set(config, "METERS", meters, NULL), 0);
    return config;
}

START_TEST(d32_capacities_come_as_the_text_that_region_capacities_takes)
{
    struct rt_config *config = config_of("400");
    struct sim_model *model = model_of(1, 400);
    struct rt_buf one = RT_BUF_INIT;
    struct rt_buf two = RT_BUF_INIT;
    const char *text;

    simulator_region_capacities(config, &one);
    simulator_region_capacities(config, &two);
    ck_assert_int_eq(rt_buf_status(&one), 0);
    ck_assert_str_eq(one.data, two.data);
    text = one.data;
    for (size_t i = 0; i < 4; i++) {
        size_t name_len = strlen(model->regions[i]);
        size_t len = strcspn(text, ",");
        int64_t micro_kw = 0;

        ck_assert_int_eq(strncmp(text, model->regions[i], name_len), 0);
        ck_assert_int_eq(text[name_len], '=');
        ck_assert_int_eq(segs_decimal_parse(text + name_len + 1, len - name_len - 1, 6,
                                            SEGS_ROUND_HALF_EVEN, &micro_kw, NULL),
                         0);
        ck_assert_double_le(fabs((double)micro_kw * 1e-6 - sim_model_region_capacity_kw(model, i)),
                            0.00051);
        text += len + (text[len] == ',');
    }
    ck_assert_str_eq(text, "");
    rt_buf_free(&one);
    rt_buf_free(&two);
    sim_model_free(model);
    rt_config_free(config);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulator model");
    TCase *tc = tcase_create("model");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, meter_ids_have_eight_digits_and_start_at_one);
    tcase_add_test(tc, energy_is_power_times_interval_rounded_half_to_even);
    tcase_add_test(tc, the_same_seed_gives_the_same_bytes_in_any_order);
    tcase_add_test(tc, another_seed_another_meter_and_another_time_give_other_values);
    tcase_add_test(tc, values_of_a_reading_agree_with_each_other);
    tcase_add_test(tc, values_have_the_decimals_of_the_wire);
    tcase_add_test(tc, readings_pass_the_rules_that_ingestion_applies);
    tcase_add_test(tc, one_grid_has_one_frequency);
    tcase_add_test(tc, homes_peak_in_the_evening_and_businesses_by_day);
    tcase_add_test(tc, weekends_are_quiet_at_work_and_busy_at_home);
    tcase_add_test(tc, afternoons_are_warmer_than_nights);
    tcase_add_test(tc, customers_are_70_22_and_8_percent);
    tcase_add_test(tc, peak_mode_multiplies_each_meter_by_1_5_to_2);
    tcase_add_test(tc, in_an_outage_70_percent_report_zero_and_10_percent_nothing);
    tcase_add_test(tc, the_scenario_on_top_wins_where_and_while_it_holds);
    tcase_add_test(tc, mixed_mode_takes_each_region_through_all_modes);
    tcase_add_test(tc, a_region_that_is_not_there_is_named);
    tcase_add_test(tc, malformed_regions_are_refused_by_name);
    tcase_add_test(tc, d32_a_normal_day_goes_through_all_bands_up_to_80_percent);
    tcase_add_test(tc, d32_peak_mode_overloads_every_region_in_the_evening);
    tcase_add_test(tc, d32_the_expected_load_is_the_mean_of_the_readings);
    tcase_add_test(tc, d32_capacities_come_as_the_text_that_region_capacities_takes);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
