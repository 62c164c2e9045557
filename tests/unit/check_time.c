#include <segs/time.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Instants by Python's datetime. */
static const struct {
    const char *text;
    int64_t ts_ms;
} accepted[] = {
    { "2026-01-15T14:30:00Z", 1768487400000 },
    { "2026-01-15t14:30:00z", 1768487400000 },
    { "2026-01-15T14:30:00+00:00", 1768487400000 },
    { "2026-01-15T14:30:00-00:00", 1768487400000 },
    { "2026-01-15T14:30:00.5Z", 1768487400500 },
    { "2026-01-15T14:30:00.05Z", 1768487400050 },
    { "2026-01-15T14:30:00.123Z", 1768487400123 },
    { "2024-02-29T12:00:00+05:30", 1709188200000 },
    { "2026-01-15T00:00:00-08:00", 1768464000000 },
    { "2000-02-29T23:59:59Z", 951868799000 },
    { "1970-01-01T00:00:00Z", 0 },
    { "1969-12-31T23:30:00-00:30", 0 },
    { "9999-12-31T23:59:59.999Z", 253402300799999 },
    { "2026-01-15T23:59:00+23:59", 1768435200000 },
};

START_TEST(parse_reads_the_instant)
{
    int64_t ts_ms = -7;

    ck_assert_int_eq(segs_time_parse(accepted[_i].text, strlen(accepted[_i].text), &ts_ms, NULL),
                     0);
    ck_assert_int_eq(ts_ms, accepted[_i].ts_ms);
}
END_TEST

START_TEST(digits_beyond_milliseconds_are_cut_off_toward_the_past)
{
    int64_t ts_ms = 0;

    ck_assert_int_eq(segs_time_parse("2026-01-15T14:29:59.999999999Z", 30, &ts_ms, NULL), 0);
    ck_assert_int_eq(ts_ms, 1768487399999);
    ck_assert_int_eq(segs_time_parse("2026-01-15T14:29:59.0009Z", 25, &ts_ms, NULL), 0);
    ck_assert_int_eq(ts_ms, 1768487399000);
}
END_TEST

static const struct {
    const char *text;
    int64_t ts_ms;
} leap_seconds[] = {
    { "2016-12-31T23:59:60Z", 1483228799999 },      { "2016-12-31T23:59:60.25Z", 1483228799999 },
    { "2015-06-30T23:59:60Z", 1435708799999 },      { "2017-01-01T05:29:60+05:30", 1483228799999 },
    { "2015-06-30T16:59:60-07:00", 1435708799999 }, { "9999-12-31T23:59:60Z", 253402300799999 },
};

START_TEST(a_leap_second_reads_as_the_last_millisecond_before_it)
{
    int64_t ts_ms = 0;

    ck_assert_int_eq(
        segs_time_parse(leap_seconds[_i].text, strlen(leap_seconds[_i].text), &ts_ms, NULL), 0);
    ck_assert_int_eq(ts_ms, leap_seconds[_i].ts_ms);
}
END_TEST

static const struct {
    const char *text;
    int code;
    const char *field;
    int64_t offset;
} refused[] = {
    { "", SEGS_ESYNTAX, "year", 0 },
    { "2026", SEGS_ESYNTAX, "date", 4 },
    { "2026-01-15", SEGS_ESYNTAX, "time", 10 },
    { "2026-01-15 14:30:00Z", SEGS_ESYNTAX, "time", 10 },
    { "2026-01-15T14:30Z", SEGS_ESYNTAX, "time", 16 },
    { "2026-01-15T14:30:00", SEGS_ESYNTAX, "offset", 19 },
    { "2026-01-15T14:30:00.Z", SEGS_ESYNTAX, "fraction", 20 },
    { "2026-01-15T14:30:00,5Z", SEGS_ESYNTAX, "offset", 19 },
    { "2026-01-15T14:30:00.1234567890Z", SEGS_ESYNTAX, "fraction", 20 },
    { "2026-01-15T14:30:00+0530", SEGS_ESYNTAX, "offset", 22 },
    { "2026-01-15T14:30:00+05", SEGS_ESYNTAX, "offset", 22 },
    { "2026-01-15T14:30:00Z ", SEGS_ESYNTAX, "", 20 },
    { " 2026-01-15T14:30:00Z", SEGS_ESYNTAX, "year", 0 },
    { "+026-01-15T14:30:00Z", SEGS_ESYNTAX, "year", 0 },
    { "2026-1-15T14:30:00Z", SEGS_ESYNTAX, "month", 6 },
    { "20260115T143000Z", SEGS_ESYNTAX, "date", 4 },
    { "1768487400000", SEGS_ESYNTAX, "date", 4 },
    { "2026-00-15T14:30:00Z", SEGS_ERANGE, "month", 5 },
    { "2026-13-15T14:30:00Z", SEGS_ERANGE, "month", 5 },
    { "2026-01-00T14:30:00Z", SEGS_ERANGE, "day", 8 },
    { "2026-04-31T14:30:00Z", SEGS_ERANGE, "day", 8 },
    { "2025-02-29T14:30:00Z", SEGS_ERANGE, "day", 8 },
    { "2100-02-29T14:30:00Z", SEGS_ERANGE, "day", 8 },
    { "2026-01-15T24:00:00Z", SEGS_ERANGE, "hour", 11 },
    { "2026-01-15T14:60:00Z", SEGS_ERANGE, "minute", 14 },
    { "2026-01-15T14:30:61Z", SEGS_ERANGE, "second", 17 },
    { "2026-01-15T14:30:00+24:00", SEGS_ERANGE, "offset", 20 },
    { "2026-01-15T14:30:00+05:60", SEGS_ERANGE, "offset", 23 },
    { "1969-12-31T23:59:59Z", SEGS_ERANGE, "year", 0 },
    { "1969-12-31T23:59:60Z", SEGS_ERANGE, "year", 0 },
    { "1970-01-01T00:00:00+00:01", SEGS_ERANGE, "year", 0 },
    { "9999-12-31T23:59:59-00:01", SEGS_ERANGE, "year", 0 },
    { "0000-01-01T00:00:00Z", SEGS_ERANGE, "year", 0 },
    /* Second 60 where no leap second can stand: not midnight UTC, or not the end of a half-year. */
    { "2016-12-31T12:59:60Z", SEGS_ERANGE, "second", 17 },
    { "2016-12-31T23:58:60Z", SEGS_ERANGE, "second", 17 },
    { "2016-11-30T23:59:60Z", SEGS_ERANGE, "second", 17 },
    { "2016-12-31T23:59:60+01:00", SEGS_ERANGE, "second", 17 },
};

START_TEST(parse_names_what_is_wrong_and_where)
{
    struct segs_error err;
    int64_t ts_ms = -7;

    ck_assert_int_eq(segs_time_parse(refused[_i].text, strlen(refused[_i].text), &ts_ms, &err),
                     refused[_i].code);
    ck_assert_str_eq(err.field, refused[_i].field);
    ck_assert_int_eq(err.offset, refused[_i].offset);
    ck_assert_int_eq(ts_ms, -7);
}
END_TEST

START_TEST(a_message_says_expected_and_found)
{
    struct segs_error err;
    int64_t ts_ms;

    (void)segs_time_parse("2026-01-15x", 11, &ts_ms, &err);
    ck_assert_str_eq(err.message, "expected 'T', found 'x'");
    (void)segs_time_parse("2026-01\x07", 8, &ts_ms, &err);
    ck_assert_str_eq(err.message, "expected '-', found byte 0x07");
    (void)segs_time_parse("2026-01", 7, &ts_ms, &err);
    ck_assert_str_eq(err.message, "expected '-', found end of text");
    (void)segs_time_parse("2026-13-01T00:00:00Z", 20, &ts_ms, &err);
    ck_assert_str_eq(err.message, "expected 01 to 12, found 13");
}
END_TEST

START_TEST(parse_reads_no_byte_behind_the_text)
{
    const char *text = "2026-01-15T14:30:00.123+05:30";
    size_t len = strlen(text);

    for (size_t n = 0; n < len; n++) {
        char *exact = malloc(n ? n : 1); /* the address sanitizer guards its end */
        int64_t ts_ms;

        ck_assert_ptr_nonnull(exact);
        memcpy(exact, text, n);
        ck_assert_int_eq(segs_time_parse(exact, n, &ts_ms, NULL), SEGS_ESYNTAX);
        free(exact);
    }
}
END_TEST

START_TEST(parse_refuses_null)
{
    int64_t ts_ms;

    ck_assert_int_eq(segs_time_parse(NULL, 0, &ts_ms, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_time_parse("", 0, NULL, NULL), SEGS_EINVAL);
}
END_TEST

START_TEST(format_writes_utc_milliseconds)
{
    char buf[SEGS_TIME_BYTES];

    ck_assert_int_eq(segs_time_format(1768487400000, buf, sizeof buf), 24);
    ck_assert_str_eq(buf, "2026-01-15T14:30:00.000Z");
    ck_assert_int_eq(segs_time_format(SEGS_TS_MIN_MS, buf, sizeof buf), 24);
    ck_assert_str_eq(buf, "1970-01-01T00:00:00.000Z");
    ck_assert_int_eq(segs_time_format(SEGS_TS_MAX_MS, buf, sizeof buf), 24);
    ck_assert_str_eq(buf, "9999-12-31T23:59:59.999Z");
}
END_TEST

START_TEST(format_leaves_the_buffer_alone_when_it_fails)
{
    char buf[SEGS_TIME_BYTES] = "as before";

    ck_assert_int_eq(segs_time_format(0, buf, SEGS_TIME_BYTES - 1), SEGS_ENOSPC);
    ck_assert_int_eq(segs_time_format(-1, buf, sizeof buf), SEGS_ERANGE);
    ck_assert_int_eq(segs_time_format(SEGS_TS_MAX_MS + 1, buf, sizeof buf), SEGS_ERANGE);
    ck_assert_int_eq(segs_time_format(0, NULL, sizeof buf), SEGS_EINVAL);
    ck_assert_str_eq(buf, "as before");
}
END_TEST

START_TEST(what_format_writes_parse_reads_back)
{
    /* About 130 days and an odd rest, so that every part of date and clock varies. */
    for (int64_t ts_ms = 0; ts_ms <= SEGS_TS_MAX_MS; ts_ms += INT64_C(11216419411)) {
        char buf[SEGS_TIME_BYTES];
        int64_t again = -1;

        ck_assert_int_eq(segs_time_format(ts_ms, buf, sizeof buf), 24);
        ck_assert_int_eq(segs_time_parse(buf, 24, &again, NULL), 0);
        ck_assert_int_eq(again, ts_ms);
    }
}
END_TEST

/* By Python's date.toordinal() and isoweekday(). */
static const struct {
    const char *text;
    struct segs_civil_date date;
    int32_t day;
} dates[] = {
    { "0001-01-01", { 1, 1, 1, 1 }, SEGS_DAY_MIN },
    { "1900-03-01", { 1900, 3, 1, 4 }, -25508 },
    { "1969-12-31", { 1969, 12, 31, 3 }, -1 },
    { "1970-01-01", { 1970, 1, 1, 4 }, 0 },
    { "2000-02-29", { 2000, 2, 29, 2 }, 11016 },
    { "2024-02-29", { 2024, 2, 29, 4 }, 19782 },
    { "2026-01-15", { 2026, 1, 15, 4 }, 20468 },
    { "9999-12-31", { 9999, 12, 31, 5 }, SEGS_DAY_MAX },
};

START_TEST(a_date_and_its_day_convert_into_each_other)
{
    struct segs_civil_date date = { 0, 0, 0, 0 };
    char buf[SEGS_DATE_BYTES];
    int32_t day = 12345;

    ck_assert_int_eq(segs_date_parse(dates[_i].text, 10, &day, NULL), 0);
    ck_assert_int_eq(day, dates[_i].day);
    day = 12345;
    ck_assert_int_eq(
        segs_day_from_civil(dates[_i].date.year, dates[_i].date.month, dates[_i].date.day, &day),
        0);
    ck_assert_int_eq(day, dates[_i].day);
    ck_assert_int_eq(segs_civil_from_day(day, &date), 0);
    ck_assert_mem_eq(&date, &dates[_i].date, sizeof date);
    ck_assert_int_eq(segs_day_weekday(day), dates[_i].date.weekday);
    ck_assert_int_eq(segs_date_format(day, buf, sizeof buf), 10);
    ck_assert_str_eq(buf, dates[_i].text);
}
END_TEST

START_TEST(days_follow_each_other_without_gap)
{
    struct segs_civil_date before;
    int n_month_starts = 0;

    ck_assert_int_eq(segs_civil_from_day(SEGS_DAY_MIN, &before), 0);
    for (int32_t day = SEGS_DAY_MIN + 1; day <= SEGS_DAY_MAX; day++) {
        struct segs_civil_date date;
        int32_t again;

        (void)segs_civil_from_day(day, &date);
        if (date.day == before.day + 1) {
            if (date.month != before.month || date.year != before.year)
                ck_abort_msg("day %d changes the month too early", day);
        } else {
            n_month_starts++;
            if (date.day != 1 || before.day < 28 || date.month != before.month % 12 + 1)
                ck_abort_msg("day %d does not follow", day);
        }
        if (date.weekday != before.weekday % 7 + 1)
            ck_abort_msg("day %d has the wrong weekday", day);
        if (segs_day_from_civil(date.year, date.month, date.day, &again) < 0 || again != day)
            ck_abort_msg("day %d does not convert back", day);
        before = date;
    }
    ck_assert_int_eq(n_month_starts, 9999 * 12 - 1);
}
END_TEST

START_TEST(dates_the_calendar_does_not_have_are_refused)
{
    struct segs_civil_date date;
    char buf[SEGS_DATE_BYTES];
    int32_t day = 5;

    ck_assert_int_eq(segs_day_from_civil(2025, 2, 29, &day), SEGS_ERANGE);
    ck_assert_int_eq(segs_day_from_civil(2025, 0, 1, &day), SEGS_ERANGE);
    ck_assert_int_eq(segs_day_from_civil(2025, 13, 1, &day), SEGS_ERANGE);
    ck_assert_int_eq(segs_day_from_civil(2025, 1, 0, &day), SEGS_ERANGE);
    ck_assert_int_eq(segs_day_from_civil(0, 1, 1, &day), SEGS_ERANGE);
    ck_assert_int_eq(segs_day_from_civil(10000, 1, 1, &day), SEGS_ERANGE);
    ck_assert_int_eq(segs_day_from_civil(2025, 1, 1, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_date_parse("0000-01-01", 10, &day, NULL), SEGS_ERANGE);
    ck_assert_int_eq(segs_date_parse("2025-02-30", 10, &day, NULL), SEGS_ERANGE);
    ck_assert_int_eq(segs_date_parse("2025-02-03T", 11, &day, NULL), SEGS_ESYNTAX);
    ck_assert_int_eq(segs_date_parse("2025-2-3", 8, &day, NULL), SEGS_ESYNTAX);
    ck_assert_int_eq(segs_date_parse(NULL, 0, &day, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_civil_from_day(SEGS_DAY_MIN - 1, &date), SEGS_ERANGE);
    ck_assert_int_eq(segs_civil_from_day(SEGS_DAY_MAX + 1, &date), SEGS_ERANGE);
    ck_assert_int_eq(segs_civil_from_day(0, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_day_weekday(SEGS_DAY_MAX + 1), SEGS_ERANGE);
    ck_assert_int_eq(segs_date_format(SEGS_DAY_MAX + 1, buf, sizeof buf), SEGS_ERANGE);
    ck_assert_int_eq(segs_date_format(0, buf, SEGS_DATE_BYTES - 1), SEGS_ENOSPC);
    ck_assert_int_eq(segs_date_format(0, NULL, sizeof buf), SEGS_EINVAL);
    ck_assert_int_eq(day, 5);
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
    Suite *suite = suite_create("time");
    TCase *tc = tcase_create("time");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, parse_reads_the_instant, 0, N(accepted));
    tcase_add_test(tc, digits_beyond_milliseconds_are_cut_off_toward_the_past);
    tcase_add_loop_test(tc, a_leap_second_reads_as_the_last_millisecond_before_it, 0,
                        N(leap_seconds));
    tcase_add_loop_test(tc, parse_names_what_is_wrong_and_where, 0, N(refused));
    tcase_add_test(tc, a_message_says_expected_and_found);
    tcase_add_test(tc, parse_reads_no_byte_behind_the_text);
    tcase_add_test(tc, parse_refuses_null);
    tcase_add_test(tc, format_writes_utc_milliseconds);
    tcase_add_test(tc, format_leaves_the_buffer_alone_when_it_fails);
    tcase_add_test(tc, what_format_writes_parse_reads_back);
    tcase_add_loop_test(tc, a_date_and_its_day_convert_into_each_other, 0, N(dates));
    tcase_add_test(tc, days_follow_each_other_without_gap);
    tcase_add_test(tc, dates_the_calendar_does_not_have_are_refused);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
