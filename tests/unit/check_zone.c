#include <segs/zone.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <segs/time.h>

#include "zone_files.h"

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

static uint8_t tzif[SEGS_ZONE_TZIF_MAX_BYTES + 1];

static struct segs_zone *load(const char *name)
{
    struct segs_zone *zone = NULL;
    struct segs_error err;
    size_t size = read_zone_file(name, tzif);
    int r = segs_zone_new(tzif, size, NULL, &zone, &err);

    ck_assert_msg(r == 0, "%s: %s", name, err.message);
    return zone;
}

static struct segs_zone *load_rule(const char *footer)
{
    struct segs_zone *zone = NULL;
    struct segs_error err;
    int r = segs_zone_new(tzif, make_zone_file(footer, tzif), NULL, &zone, &err);

    ck_assert_msg(r == 0, "%s: %s", footer, err.message);
    return zone;
}

static int64_t at(const char *text)
{
    int64_t ts_ms = -1;

    ck_assert_int_eq(segs_time_parse(text, strlen(text), &ts_ms, NULL), 0);
    return ts_ms;
}

static int32_t day_of_date(const char *text)
{
    int32_t day = 0;

    ck_assert_int_eq(segs_date_parse(text, strlen(text), &day, NULL), 0);
    return day;
}

/* Starts and lengths by an independent implementation of the tz database. */
static const struct {
    const char *zone;
    const char *date;
    const char *start;
    int n_quarters;
} days[] = {
    { "Europe_Berlin", "2025-03-30", "2025-03-29T23:00:00Z", 92 },
    { "Europe_Berlin", "2025-10-26", "2025-10-25T22:00:00Z", 100 },
    { "Europe_Berlin", "2025-06-01", "2025-05-31T22:00:00Z", 96 },
    { "America_New_York", "2025-03-09", "2025-03-09T05:00:00Z", 92 },
    { "America_New_York", "2025-11-02", "2025-11-02T04:00:00Z", 100 },
    { "Australia_Lord_Howe", "2025-04-06", "2025-04-05T13:00:00Z", 98 },
    { "Australia_Lord_Howe", "2025-10-05", "2025-10-04T13:30:00Z", 94 },
    { "Africa_Cairo", "2024-04-26", "2024-04-25T22:00:00Z", 92 }, /* starts at 01:00 */
    { "Africa_Cairo", "2024-10-31", "2024-10-30T21:00:00Z", 100 },
    { "America_Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", 92 },  /* starts at 01:00 */
    { "America_Sao_Paulo", "2019-02-16", "2019-02-16T02:00:00Z", 100 }, /* 23:00 twice */
    { "Pacific_Apia", "2011-12-29", "2011-12-29T10:00:00Z", 96 },
    { "Pacific_Apia", "2011-12-30", "2011-12-30T10:00:00Z", 0 }, /* skipped */
    { "Pacific_Apia", "2011-12-31", "2011-12-30T10:00:00Z", 96 },
    { "Africa_Casablanca", "2025-02-23", "2025-02-22T23:00:00Z", 100 },
    { "Asia_Kolkata", "2025-06-01", "2025-05-31T18:30:00Z", 96 },
    { "Asia_Kathmandu", "2025-06-01", "2025-05-31T18:15:00Z", 96 },
    /* At 00:01 clocks went back to 23:01: the hour shown again belongs to the 7th. */
    { "America_St_Johns", "2010-11-06", "2010-11-06T02:30:00Z", 96 },
    { "America_St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", 100 },
};

START_TEST(a_day_starts_and_ends_where_its_date_does)
{
    struct segs_zone *zone = load(days[_i].zone);
    int32_t day = day_of_date(days[_i].date);
    int64_t start_ms = -1;
    int64_t end_ms = -1;

    ck_assert_int_eq(segs_zone_day(zone, day, &start_ms, &end_ms), 0);
    ck_assert_int_eq(start_ms, at(days[_i].start));
    ck_assert_int_eq(end_ms - start_ms, days[_i].n_quarters * INT64_C(900000));
    ck_assert_int_eq(segs_zone_day_slots(zone, day, 15), days[_i].n_quarters);
    segs_zone_free(zone);
}
END_TEST

START_TEST(every_slot_of_a_day_finds_its_index_back)
{
    struct segs_zone *zone = load(days[_i].zone);
    int32_t day = day_of_date(days[_i].date);
    int64_t start_ms = at(days[_i].start);

    for (int slot = 0; slot < days[_i].n_quarters; slot++) {
        int32_t found_day = -1;
        int32_t found_slot = -1;

        ck_assert_int_eq(segs_zone_slot_of(zone, start_ms + slot * INT64_C(900000) + 899999, 15,
                                           &found_day, &found_slot),
                         0);
        ck_assert_int_eq(found_day, day);
        ck_assert_int_eq(found_slot, slot);
    }
    segs_zone_free(zone);
}
END_TEST

START_TEST(the_hour_shown_again_after_midnight_belongs_to_the_day_begun)
{
    struct segs_zone *zone = load("America_St_Johns");
    struct segs_local_time local;
    int32_t day = 0;

    /* 02:31Z is the transition from 00:01 back to 23:01 of the 6th. */
    ck_assert_int_eq(segs_zone_to_local(zone, at("2010-11-07T03:00:00Z"), &local), 0);
    ck_assert_int_eq(local.day, 6);
    ck_assert_int_eq(local.hour, 23);
    ck_assert_int_eq(segs_zone_day_of(zone, at("2010-11-07T03:00:00Z"), &day), 0);
    ck_assert_int_eq(day, day_of_date("2010-11-07"));
    segs_zone_free(zone);
}
END_TEST

START_TEST(the_last_slot_of_an_odd_day_is_shorter)
{
    struct segs_zone *zone = load("Australia_Lord_Howe");

    /* 24.5 and 23.5 hours. */
    ck_assert_int_eq(segs_zone_day_slots(zone, day_of_date("2025-04-06"), 60), 25);
    ck_assert_int_eq(segs_zone_day_slots(zone, day_of_date("2025-10-05"), 60), 24);
    ck_assert_int_eq(segs_zone_day_slots(zone, day_of_date("2025-10-05"), 30), 47);
    ck_assert_int_eq(segs_zone_day_slots(zone, day_of_date("2025-06-01"), 1440), 1);
    segs_zone_free(zone);
}
END_TEST

START_TEST(a_month_goes_from_first_day_to_first_day)
{
    struct segs_zone *zone = load("Europe_Berlin");
    int64_t start_ms = 0;
    int64_t end_ms = 0;

    ck_assert_int_eq(segs_zone_month(zone, 2025, 3, &start_ms, &end_ms), 0);
    ck_assert_int_eq(start_ms, at("2025-02-28T23:00:00Z"));
    ck_assert_int_eq(end_ms, at("2025-03-31T22:00:00Z"));
    ck_assert_int_eq(segs_zone_month(zone, 2025, 12, &start_ms, &end_ms), 0);
    ck_assert_int_eq(start_ms, at("2025-11-30T23:00:00Z"));
    ck_assert_int_eq(end_ms, at("2025-12-31T23:00:00Z"));
    segs_zone_free(zone);
}
END_TEST

START_TEST(days_until_2109_follow_each_other)
{
    struct segs_zone *zone = load(days[_i].zone);
    int64_t previous_end_ms = 0;
    int64_t start_ms;
    int64_t end_ms;

    (void)segs_zone_day(zone, 0, &previous_end_ms, &end_ms);
    for (int32_t day = 0; day < 51000; day++) {
        if (segs_zone_day(zone, day, &start_ms, &end_ms) != 0 || start_ms != previous_end_ms ||
            end_ms < start_ms)
            ck_abort_msg("day %d does not follow the one before it", (int)day);
        previous_end_ms = end_ms;
    }
    segs_zone_free(zone);
}
END_TEST

START_TEST(local_time_shows_calendar_clock_and_offset)
{
    struct segs_zone *zone = load("Europe_Berlin");
    struct segs_local_time local;

    ck_assert_int_eq(segs_zone_to_local(zone, at("2025-07-31T22:30:15.123Z"), &local), 0);
    ck_assert_int_eq(local.year, 2025);
    ck_assert_int_eq(local.month, 8);
    ck_assert_int_eq(local.day, 1);
    ck_assert_int_eq(local.hour, 0);
    ck_assert_int_eq(local.minute, 30);
    ck_assert_int_eq(local.second, 15);
    ck_assert_int_eq(local.millisecond, 123);
    ck_assert_int_eq(local.weekday, 5);
    ck_assert_int_eq(local.offset_s, 7200);
    ck_assert_int_eq(local.is_dst, 1);
    ck_assert_str_eq(local.abbreviation, "CEST");
    segs_zone_free(zone);
}
END_TEST

START_TEST(the_ends_of_the_range_have_local_times)
{
    struct segs_zone *new_york = load("America_New_York");
    struct segs_zone *apia = load("Pacific_Apia");
    struct segs_local_time local;
    int32_t day;

    ck_assert_int_eq(segs_zone_to_local(new_york, SEGS_TS_MIN_MS, &local), 0);
    ck_assert_int_eq(local.year, 1969);
    ck_assert_int_eq(local.hour, 19);
    ck_assert_int_eq(segs_zone_day_of(new_york, SEGS_TS_MIN_MS, &day), 0);
    ck_assert_int_eq(day, -1);
    ck_assert_int_eq(segs_zone_to_local(apia, SEGS_TS_MAX_MS, &local), 0);
    ck_assert_int_eq(local.year, 10000);
    ck_assert_int_eq(segs_zone_day_of(apia, SEGS_TS_MAX_MS, &day), 0);
    ck_assert_int_eq(day, SEGS_DAY_MAX + 1);
    segs_zone_free(new_york);
    segs_zone_free(apia);
}
END_TEST

START_TEST(a_period_says_how_long_an_offset_stays_in_force)
{
    struct segs_zone *zone = load("Europe_Berlin");
    struct segs_zone_period period;

    ck_assert_int_eq(segs_zone_period_at(zone, at("2025-07-01T00:00:00Z"), &period), 0);
    ck_assert_int_eq(period.from_ms, at("2025-03-30T01:00:00Z"));
    ck_assert_int_eq(period.until_ms, at("2025-10-26T01:00:00Z"));
    ck_assert_int_eq(period.offset_s, 7200);
    ck_assert_int_eq(period.is_dst, 1);
    ck_assert_str_eq(period.abbreviation, "CEST");
    segs_zone_free(zone);

    zone = load("Asia_Kolkata");
    ck_assert_int_eq(segs_zone_period_at(zone, at("2025-07-01T00:00:00Z"), &period), 0);
    ck_assert_int_eq(period.from_ms, SEGS_TS_MIN_MS);
    ck_assert_int_eq(period.until_ms, SEGS_TS_MAX_MS + 1);
    segs_zone_free(zone);
}
END_TEST

/* {year, month, day, hour, minute} of wall clocks, and the instants they mean. */
static const struct {
    const char *zone;
    int32_t wall[5];
    int reject;
    const char *earlier;
    const char *later;
} walls[] = {
    { "Europe_Berlin", { 2025, 7, 1, 12, 0 }, 0, "2025-07-01T10:00:00Z", "2025-07-01T10:00:00Z" },
    { "Europe_Berlin",
      { 2025, 10, 26, 2, 30 },
      SEGS_ECONFLICT,
      "2025-10-26T00:30:00Z",
      "2025-10-26T01:30:00Z" },
    { "Europe_Berlin", { 2025, 10, 26, 3, 0 }, 0, "2025-10-26T02:00:00Z", "2025-10-26T02:00:00Z" },
    { "Europe_Berlin",
      { 2025, 3, 30, 2, 30 },
      SEGS_ENOTFOUND,
      "2025-03-30T00:30:00Z",
      "2025-03-30T01:30:00Z" },
    { "Europe_Berlin", { 2025, 3, 30, 3, 0 }, 0, "2025-03-30T01:00:00Z", "2025-03-30T01:00:00Z" },
    { "Pacific_Apia",
      { 2011, 12, 30, 12, 0 },
      SEGS_ENOTFOUND,
      "2011-12-29T22:00:00Z",
      "2011-12-30T22:00:00Z" },
    { "Australia_Lord_Howe",
      { 2025, 4, 6, 1, 45 },
      SEGS_ECONFLICT,
      "2025-04-05T14:45:00Z",
      "2025-04-05T15:15:00Z" },
};

static struct segs_local_time wall_time(const int32_t wall[5])
{
    struct segs_local_time local;

    memset(&local, 0, sizeof local);
    local.year = wall[0];
    local.month = wall[1];
    local.day = wall[2];
    local.hour = wall[3];
    local.minute = wall[4];
    return local;
}

START_TEST(a_wall_clock_time_means_the_instant_asked_for)
{
    struct segs_zone *zone = load(walls[_i].zone);
    struct segs_local_time local = wall_time(walls[_i].wall);
    int64_t ts_ms = -1;

    ck_assert_int_eq(segs_zone_from_local(zone, &local, SEGS_LOCAL_REJECT, &ts_ms, NULL),
                     walls[_i].reject);
    ck_assert_int_eq(ts_ms, walls[_i].reject < 0 ? -1 : at(walls[_i].earlier));
    ck_assert_int_eq(segs_zone_from_local(zone, &local, SEGS_LOCAL_EARLIER, &ts_ms, NULL), 0);
    ck_assert_int_eq(ts_ms, at(walls[_i].earlier));
    ck_assert_int_eq(segs_zone_from_local(zone, &local, SEGS_LOCAL_LATER, &ts_ms, NULL), 0);
    ck_assert_int_eq(ts_ms, at(walls[_i].later));
    segs_zone_free(zone);
}
END_TEST

static const struct {
    int32_t wall[5];
    int32_t second;
    int32_t millisecond;
    const char *field;
} impossible_walls[] = {
    { { 1968, 1, 1, 0, 0 }, 0, 0, "year" },
    { { 10001, 1, 1, 0, 0 }, 0, 0, "year" },
    { { 2025, 0, 1, 0, 0 }, 0, 0, "month" },
    { { 2025, 13, 1, 0, 0 }, 0, 0, "month" },
    { { 2025, 2, 29, 0, 0 }, 0, 0, "day" },
    { { 2025, 1, 0, 0, 0 }, 0, 0, "day" },
    { { 2025, 1, 1, 24, 0 }, 0, 0, "hour" },
    { { 2025, 1, 1, 0, 60 }, 0, 0, "minute" },
    { { 2025, 1, 1, 0, 0 }, 60, 0, "second" },
    { { 2025, 1, 1, 0, 0 }, 0, 1000, "millisecond" },
    { { 1970, 1, 1, 0, 30 }, 0, 0, "year" },
    { { 2025, 1, 1, -1, 0 }, 0, 0, "hour" },
    { { 2025, 1, 1, 0, -1 }, 0, 0, "minute" },
    { { 2025, 1, 1, 0, 0 }, -1, 0, "second" },
    { { 2025, 1, 1, 0, 0 }, 0, -1, "millisecond" },
};

START_TEST(an_impossible_wall_clock_time_is_named)
{
    struct segs_zone *zone = load("Europe_Berlin");
    struct segs_local_time local = wall_time(impossible_walls[_i].wall);
    struct segs_error err;
    int64_t ts_ms = -1;

    local.second = impossible_walls[_i].second;
    local.millisecond = impossible_walls[_i].millisecond;
    ck_assert_int_eq(segs_zone_from_local(zone, &local, SEGS_LOCAL_EARLIER, &ts_ms, &err),
                     SEGS_ERANGE);
    ck_assert_str_eq(err.field, impossible_walls[_i].field);
    ck_assert_int_eq(ts_ms, -1);
    segs_zone_free(zone);
}
END_TEST

/* Rules worked out by hand: at `instant` the zone shows the offset and abbreviation. */
static const struct {
    const char *footer;
    const char *instant;
    int32_t offset_s;
    int is_dst;
    const char *abbreviation;
} rules[] = {
    { "UTC0", "2025-07-01T00:00:00Z", 0, 0, "UTC" },
    { "<+03>-3", "2025-07-01T00:00:00Z", 10800, 0, "+03" },
    { "<-0330>3:30", "2025-07-01T00:00:00Z", -12600, 0, "-0330" },
    { "ABC+1:02:03", "2025-07-01T00:00:00Z", -3723, 0, "ABC" },
    /* Last Sunday of March 2025 is the 30th; 01:00 UTC. */
    { "CET-1CEST,M3.5.0,M10.5.0/3", "2025-03-30T00:59:59Z", 3600, 0, "CET" },
    { "CET-1CEST,M3.5.0,M10.5.0/3", "2025-03-30T01:00:00Z", 7200, 1, "CEST" },
    { "CET-1CEST,M3.5.0,M10.5.0/3", "2025-10-26T00:59:59Z", 7200, 1, "CEST" },
    { "CET-1CEST,M3.5.0,M10.5.0/3", "2025-10-26T01:00:00Z", 3600, 0, "CET" },
    /* Southern hemisphere: first Sunday of April 2025 is the 6th, of October the 5th. */
    { "AEST-10AEDT,M10.1.0,M4.1.0/3", "2025-01-01T00:00:00Z", 39600, 1, "AEDT" },
    { "AEST-10AEDT,M10.1.0,M4.1.0/3", "2025-04-05T15:59:59Z", 39600, 1, "AEDT" },
    { "AEST-10AEDT,M10.1.0,M4.1.0/3", "2025-04-05T16:00:00Z", 36000, 0, "AEST" },
    { "AEST-10AEDT,M10.1.0,M4.1.0/3", "2025-10-04T16:00:00Z", 39600, 1, "AEDT" },
    /* J60 is 1 March in every year; day 59 is 29 February of a leap year. */
    { "AAA0BBB,J60/0,J300/0", "2024-02-29T23:59:59Z", 0, 0, "AAA" },
    { "AAA0BBB,J60/0,J300/0", "2024-03-01T00:00:00Z", 3600, 1, "BBB" },
    { "AAA0BBB,J60/0,J300/0", "2025-03-01T00:00:00Z", 3600, 1, "BBB" },
    { "AAA0BBB,59/0,300/0", "2024-02-28T23:59:59Z", 0, 0, "AAA" },
    { "AAA0BBB,59/0,300/0", "2024-02-29T00:00:00Z", 3600, 1, "BBB" },
    /* Negative and over-long hours (version 3): 22:00 of the Saturday before 30 March; 02:00 of the
     * Friday after Thursday 25 September, the last of the month. */
    { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2025-03-30T00:59:59Z", -7200, 0, "-02" },
    { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2025-03-30T01:00:00Z", -3600, 1, "-01" },
    { "EET-2EEST,M4.5.5/0,M9.5.4/26", "2025-09-25T22:59:59Z", 10800, 1, "EEST" },
    { "EET-2EEST,M4.5.5/0,M9.5.4/26", "2025-09-25T23:00:00Z", 7200, 0, "EET" },
    /* Winter time as the one that is put on. */
    { "IST-1GMT0,M10.5.0,M3.5.0/1", "2025-01-01T00:00:00Z", 0, 1, "GMT" },
    { "IST-1GMT0,M10.5.0,M3.5.0/1", "2025-07-01T00:00:00Z", 3600, 0, "IST" },
    /* Daylight saving time all year (RFC 8536 3.3.1). */
    { "EST5EDT,0/0,J365/25", "2025-01-01T04:59:59Z", -14400, 1, "EDT" },
    { "EST5EDT,0/0,J365/25", "2025-01-01T05:00:00Z", -14400, 1, "EDT" },
    { "EST5EDT,0/0,J365/25", "2025-07-01T00:00:00Z", -14400, 1, "EDT" },
    { "XXX3EDT4,0/0,J365/23", "2024-12-31T23:59:59Z", -14400, 1, "EDT" },
    { "AAA0BBB-2,M3.2.0/1:30:15,M11.1.0", "2025-03-09T01:30:14Z", 0, 0, "AAA" },
    { "AAA0BBB-2,M3.2.0/1:30:15,M11.1.0", "2025-03-09T01:30:15Z", 7200, 1, "BBB" },
};

START_TEST(a_footer_rule_is_followed)
{
    struct segs_zone *zone = load_rule(rules[_i].footer);
    struct segs_zone_period period;

    ck_assert_int_eq(segs_zone_period_at(zone, at(rules[_i].instant), &period), 0);
    ck_assert_int_eq(period.offset_s, rules[_i].offset_s);
    ck_assert_int_eq(period.is_dst, rules[_i].is_dst);
    ck_assert_str_eq(period.abbreviation, rules[_i].abbreviation);
    segs_zone_free(zone);
}
END_TEST

/* `offset` counts from the first byte of the footer's text. */
static const struct {
    const char *footer;
    int64_t offset;
} bad_rules[] = {
    { "UT0", 2 },
    { "UTC", 3 },
    { "<+3>-3", 3 },
    { "<+03-3", 6 },
    { "<+03", 4 },
    { "ABCDEFGHIJKLMNOP0", 0 },
    { "UTC25", 3 },
    { "UTC1:60", 5 },
    { "UTC1:00:60", 8 },
    { "UTC--1", 4 },
    { "CET-1CE", 7 },
    { "CET-1CEST", 9 },
    { "CET-1CEST,M3.5.0", 16 },
    { "CET-1CEST,M13.5.0,M10.5.0", 11 },
    { "CET-1CEST,M0.5.0,M10.5.0", 11 },
    { "CET-1CEST,M3.6.0,M10.5.0", 13 },
    { "CET-1CEST,M3.5.7,M10.5.0", 15 },
    { "CET-1CEST,M3-5.0,M10.5.0", 12 },
    { "CET-1CEST,J0,J365", 11 },
    { "CET-1CEST,J366,J365", 11 },
    { "CET-1CEST,366,J365", 10 },
    { "CET-1CEST,99999999999999999999,J365", 10 },
    { "CET-1CEST,M3.5.0/168,M10.5.0", 17 },
    { "CET-1CEST,M3.5.0/,M10.5.0", 17 },
    { "CET-1CEST,M3.5.0,M10.5.0/3 ", 26 },
    { "CET-1CEST,M3.5.0,M10.5.0/3,M1.1.0", 26 },
};

/* Last Sundays of March and October 2500 by Python's datetime. */
START_TEST(a_rule_holds_for_ever)
{
    struct segs_zone *zone = load("Europe_Berlin");
    struct segs_zone_period period;

    ck_assert_int_eq(segs_zone_period_at(zone, at("2500-07-01T00:00:00Z"), &period), 0);
    ck_assert_int_eq(period.from_ms, at("2500-03-28T01:00:00Z"));
    ck_assert_int_eq(period.until_ms, at("2500-10-31T01:00:00Z"));
    ck_assert_int_eq(period.offset_s, 7200);
    segs_zone_free(zone);
}
END_TEST

/* In October 2022 Ojinaga stayed on the offset of its summer time as its new standard time, a week
 * before its new rule would have ended summer time (tz database). */
START_TEST(the_last_transition_holds_until_the_rule_changes)
{
    struct segs_zone *zone = load("America_Ojinaga");
    struct segs_zone_period period;

    ck_assert_int_eq(segs_zone_period_at(zone, at("2022-11-01T00:00:00Z"), &period), 0);
    ck_assert_int_eq(period.from_ms, at("2022-10-30T08:00:00Z"));
    ck_assert_int_eq(period.offset_s, -21600);
    ck_assert_int_eq(period.is_dst, 0);
    ck_assert_str_eq(period.abbreviation, "CST");
    ck_assert_int_eq(segs_zone_period_at(zone, at("2023-03-12T08:00:00Z"), &period), 0);
    ck_assert_str_eq(period.abbreviation, "CDT");
    segs_zone_free(zone);
}
END_TEST

START_TEST(a_malformed_footer_is_refused_with_its_place)
{
    struct segs_zone *zone = NULL;
    struct segs_error err;
    size_t size = make_zone_file(bad_rules[_i].footer, tzif);

    ck_assert_int_eq(segs_zone_new(tzif, size, NULL, &zone, &err), SEGS_ESYNTAX);
    ck_assert_str_eq(err.field, "footer");
    ck_assert_int_eq(err.offset, MINIMAL_FOOTER_AT + 1 + bad_rules[_i].offset);
    ck_assert_ptr_null(zone);
}
END_TEST

/* One byte of the minimal zone with footer UTC0 changed. */
static const struct {
    size_t at;
    uint8_t byte;
    int code;
    const char *field;
} damages[] = {
    { 0, 'X', SEGS_ESYNTAX, "magic" },
    { 4, '5', SEGS_ENOTSUP, "version" },
    { 4, 1, SEGS_ENOTSUP, "version" },
    { 32, 0x7f, SEGS_EINCOMPLETE, "version 1 block" },
    { MINIMAL_SECOND_HEADER_AT, 'X', SEGS_ESYNTAX, "magic" },
    { MINIMAL_SECOND_HEADER_AT + 4, '2', SEGS_ESYNTAX, "version" },
    { MINIMAL_SECOND_HEADER_AT + 4, '9', SEGS_ENOTSUP, "version" },
    { MINIMAL_SECOND_HEADER_AT + 23, 2, SEGS_ESYNTAX, "isutcnt" },
    { MINIMAL_SECOND_HEADER_AT + 27, 2, SEGS_ESYNTAX, "isstdcnt" },
    { MINIMAL_SECOND_HEADER_AT + 31, 1, SEGS_ENOTSUP, "leapcnt" },
    { MINIMAL_SECOND_HEADER_AT + 32, 0xff, SEGS_EINCOMPLETE, "transitions" },
    { MINIMAL_SECOND_HEADER_AT + 39, 0, SEGS_ESYNTAX, "typecnt" },
    { MINIMAL_SECOND_HEADER_AT + 38, 2, SEGS_ESYNTAX, "typecnt" },
    { MINIMAL_SECOND_HEADER_AT + 43, 0, SEGS_ESYNTAX, "charcnt" },
    { MINIMAL_SECOND_HEADER_AT + 43, 200, SEGS_EINCOMPLETE, "abbreviations" },
    { MINIMAL_SECOND_BLOCK_AT, 1, SEGS_ERANGE, "types" },
    { MINIMAL_SECOND_BLOCK_AT, 0x80, SEGS_ERANGE, "types" },
    { MINIMAL_SECOND_BLOCK_AT + 4, 2, SEGS_ESYNTAX, "types" },
    { MINIMAL_SECOND_BLOCK_AT + 5, 4, SEGS_ESYNTAX, "abbreviations" },
    { MINIMAL_SECOND_BLOCK_AT + 5, 3, SEGS_ESYNTAX, "abbreviations" }, /* empty */
    { MINIMAL_SECOND_BLOCK_AT + 6, ' ', SEGS_ESYNTAX, "abbreviations" },
    { MINIMAL_SECOND_BLOCK_AT + 9, 'X', SEGS_ESYNTAX, "abbreviations" }, /* no NUL */
    { MINIMAL_FOOTER_AT, ' ', SEGS_ESYNTAX, "footer" },
    { MINIMAL_FOOTER_AT + 5, ' ', SEGS_EINCOMPLETE, "footer" },
    { MINIMAL_FOOTER_AT + 1, '\n', SEGS_ESYNTAX, "" }, /* bytes behind an empty footer */
};

START_TEST(a_damaged_zone_is_refused)
{
    struct segs_zone *zone = NULL;
    struct segs_error err;
    size_t size = make_zone_file("UTC0", tzif);

    tzif[damages[_i].at] = damages[_i].byte;
    ck_assert_int_eq(segs_zone_new(tzif, size, NULL, &zone, &err), damages[_i].code);
    ck_assert_str_eq(err.field, damages[_i].field);
    ck_assert_ptr_null(zone);
}
END_TEST

START_TEST(no_beginning_of_a_zone_is_a_zone)
{
    size_t size = read_zone_file("Europe_Berlin", tzif);

    for (size_t n = 0; n < size; n++) {
        struct segs_zone *zone = NULL;
        uint8_t *exact = malloc(n ? n : 1); /* the address sanitizer guards its end */

        ck_assert_ptr_nonnull(exact);
        memcpy(exact, tzif, n);
        ck_assert_int_eq(segs_zone_new(exact, n, NULL, &zone, NULL), SEGS_EINCOMPLETE);
        free(exact);
    }
}
END_TEST

START_TEST(transitions_have_to_ascend)
{
    struct segs_zone *zone = NULL;
    struct segs_error err;
    size_t size = read_zone_file("Asia_Kolkata", tzif);
    size_t second_header = 0;

    for (size_t i = 1; i + 4 < size && second_header == 0; i++) {
        if (memcmp(tzif + i, "TZif", 4) == 0)
            second_header = i;
    }
    ck_assert_uint_ne(second_header, 0);
    memcpy(tzif + second_header + 44 + 8, tzif + second_header + 44, 8);
    ck_assert_int_eq(segs_zone_new(tzif, size, NULL, &zone, &err), SEGS_ESYNTAX);
    ck_assert_str_eq(err.field, "transitions");
    ck_assert_int_eq(err.offset, (int64_t)second_header + 44 + 8);
}
END_TEST

/* RFC 8536 has no footer in version 1: 2000-01-01T00:00:00Z is the only transition, to one hour of
 * daylight saving time, and there it stays. */
static const uint8_t version1[] = {
    'T', 'Z', 'i',  'f',  0,    0,    0, 0, 0,    0,    0, 0, 0,   0,   0,   0, 0,   0,   0,   0, 0,
    0,   0,   0,    0,    0,    0,    0, 0, 0,    0,    0, 0, 0,   0,   1,   0, 0,   0,   2,   0, 0,
    0,   8,   0x38, 0x6d, 0x43, 0x80, 1, /* 946684800 -> type 1 */
    0,   0,   0,    0,    0,    0,    0, 0, 0x0e, 0x10, 1, 4, 'S', 'T', 'D', 0, 'D', 'S', 'T', 0,
};

START_TEST(a_version_1_zone_keeps_its_last_offset)
{
    struct segs_zone *zone = NULL;
    struct segs_zone_period period;

    ck_assert_int_eq(segs_zone_new(version1, sizeof version1, NULL, &zone, NULL), 0);
    ck_assert_int_eq(segs_zone_period_at(zone, at("1999-12-31T23:59:59Z"), &period), 0);
    ck_assert_str_eq(period.abbreviation, "STD");
    ck_assert_int_eq(segs_zone_period_at(zone, at("9999-01-01T00:00:00Z"), &period), 0);
    ck_assert_str_eq(period.abbreviation, "DST");
    ck_assert_int_eq(period.offset_s, 3600);
    ck_assert_int_eq(period.from_ms, at("2000-01-01T00:00:00Z"));
    segs_zone_free(zone);
}
END_TEST

static const struct {
    int32_t offset_minutes;
    const char *abbreviation;
} fixed_zones[] = {
    { 0, "UTC" },     { 600, "+10" },    { -210, "-0330" },
    { 345, "+0545" }, { 1439, "+2359" }, { -1439, "-2359" },
};

START_TEST(a_fixed_zone_never_changes)
{
    struct segs_zone *zone = NULL;
    struct segs_zone_period period;

    ck_assert_int_eq(segs_zone_new_fixed(fixed_zones[_i].offset_minutes, NULL, &zone, NULL), 0);
    ck_assert_int_eq(segs_zone_period_at(zone, at("2025-07-01T00:00:00Z"), &period), 0);
    ck_assert_int_eq(period.from_ms, SEGS_TS_MIN_MS);
    ck_assert_int_eq(period.until_ms, SEGS_TS_MAX_MS + 1);
    ck_assert_int_eq(period.offset_s, fixed_zones[_i].offset_minutes * 60);
    ck_assert_str_eq(period.abbreviation, fixed_zones[_i].abbreviation);
    segs_zone_free(zone);
}
END_TEST

START_TEST(constructors_refuse_what_they_cannot_do)
{
    struct segs_zone_options wrong = { 1, NULL };
    struct segs_zone *zone = NULL;
    size_t size = make_zone_file("UTC0", tzif);

    ck_assert_int_eq(segs_zone_new(NULL, 0, NULL, &zone, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_new(tzif, size, NULL, NULL, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_new(tzif, size, &wrong, &zone, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_new(tzif, sizeof tzif, NULL, &zone, NULL), SEGS_EFULL);
    ck_assert_int_eq(segs_zone_new_fixed(0, NULL, NULL, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_new_fixed(0, &wrong, &zone, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_new_fixed(1440, NULL, &zone, NULL), SEGS_ERANGE);
    ck_assert_int_eq(segs_zone_new_fixed(-1440, NULL, &zone, NULL), SEGS_ERANGE);
    ck_assert_ptr_null(zone);
    segs_zone_free(NULL);
}
END_TEST

START_TEST(questions_outside_the_range_are_refused)
{
    struct segs_zone *zone = load("Europe_Berlin");
    struct segs_zone_period period;
    struct segs_local_time local;
    int64_t start_ms = 7;
    int64_t end_ms = 7;
    int32_t day = 7;
    int32_t slot = 7;

    memset(&local, 0, sizeof local);
    ck_assert_int_eq(segs_zone_period_at(zone, -1, &period), SEGS_ERANGE);
    ck_assert_int_eq(segs_zone_to_local(zone, SEGS_TS_MAX_MS + 1, &local), SEGS_ERANGE);
    ck_assert_int_eq(segs_zone_day(zone, -1, &start_ms, &end_ms), SEGS_ERANGE);
    ck_assert_int_eq(segs_zone_day(zone, SEGS_DAY_MAX + 1, &start_ms, &end_ms), SEGS_ERANGE);
    ck_assert_int_eq(segs_zone_month(zone, 1969, 1, &start_ms, &end_ms), SEGS_ERANGE);
    ck_assert_int_eq(segs_zone_month(zone, 2025, 13, &start_ms, &end_ms), SEGS_ERANGE);
    ck_assert_int_eq(segs_zone_day_of(zone, -1, &day), SEGS_ERANGE);
    ck_assert_int_eq(segs_zone_day_slots(zone, 0, 7), SEGS_ERANGE);
    ck_assert_int_eq(segs_zone_day_slots(zone, 0, 0), SEGS_ERANGE);
    ck_assert_int_eq(segs_zone_day_slots(zone, -1, 15), SEGS_ERANGE);
    ck_assert_int_eq(segs_zone_slot_of(zone, -1, 15, &day, &slot), SEGS_ERANGE);
    ck_assert_int_eq(segs_zone_slot_of(zone, 0, 2880, &day, &slot), SEGS_ERANGE);
    ck_assert_int_eq(segs_zone_from_local(zone, &local, 0, &start_ms, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_from_local(zone, &local, 4, &start_ms, NULL), SEGS_EINVAL);
    ck_assert_int_eq(start_ms, 7);
    ck_assert_int_eq(end_ms, 7);
    ck_assert_int_eq(day, 7);
    ck_assert_int_eq(slot, 7);
    segs_zone_free(zone);
}
END_TEST

START_TEST(null_is_refused)
{
    struct segs_zone *zone = load("Europe_Berlin");
    struct segs_zone_period period;
    struct segs_local_time local = wall_time((int32_t[5]){ 2025, 1, 1, 0, 0 });
    int64_t ms;
    int32_t day;

    ck_assert_int_eq(segs_zone_period_at(NULL, 0, &period), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_period_at(zone, 0, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_to_local(NULL, 0, &local), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_to_local(zone, 0, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_from_local(NULL, &local, 1, &ms, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_from_local(zone, NULL, 1, &ms, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_from_local(zone, &local, 1, NULL, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_day(NULL, 0, &ms, &ms), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_day(zone, 0, NULL, &ms), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_day(zone, 0, &ms, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_month(NULL, 2025, 1, &ms, &ms), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_day_of(NULL, 0, &day), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_day_of(zone, 0, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_day_slots(NULL, 0, 15), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_slot_of(NULL, 0, 15, &day, &day), SEGS_EINVAL);
    ck_assert_int_eq(segs_zone_slot_of(zone, 0, 15, NULL, &day), SEGS_EINVAL);
    segs_zone_free(zone);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zone");
    TCase *tc = tcase_create("zone");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_day_starts_and_ends_where_its_date_does, 0, N(days));
    tcase_add_loop_test(tc, every_slot_of_a_day_finds_its_index_back, 0, N(days));
    tcase_add_test(tc, the_hour_shown_again_after_midnight_belongs_to_the_day_begun);
    tcase_add_test(tc, the_last_slot_of_an_odd_day_is_shorter);
    tcase_add_test(tc, a_month_goes_from_first_day_to_first_day);
    tcase_add_loop_test(tc, days_until_2109_follow_each_other, 0, N(days));
    tcase_add_test(tc, local_time_shows_calendar_clock_and_offset);
    tcase_add_test(tc, the_ends_of_the_range_have_local_times);
    tcase_add_test(tc, a_period_says_how_long_an_offset_stays_in_force);
    tcase_add_loop_test(tc, a_wall_clock_time_means_the_instant_asked_for, 0, N(walls));
    tcase_add_loop_test(tc, an_impossible_wall_clock_time_is_named, 0, N(impossible_walls));
    tcase_add_loop_test(tc, a_footer_rule_is_followed, 0, N(rules));
    tcase_add_test(tc, a_rule_holds_for_ever);
    tcase_add_test(tc, the_last_transition_holds_until_the_rule_changes);
    tcase_add_loop_test(tc, a_malformed_footer_is_refused_with_its_place, 0, N(bad_rules));
    tcase_add_loop_test(tc, a_damaged_zone_is_refused, 0, N(damages));
    tcase_add_test(tc, no_beginning_of_a_zone_is_a_zone);
    tcase_add_test(tc, transitions_have_to_ascend);
    tcase_add_test(tc, a_version_1_zone_keeps_its_last_offset);
    tcase_add_loop_test(tc, a_fixed_zone_never_changes, 0, N(fixed_zones));
    tcase_add_test(tc, constructors_refuse_what_they_cannot_do);
    tcase_add_test(tc, questions_outside_the_range_are_refused);
    tcase_add_test(tc, null_is_refused);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
