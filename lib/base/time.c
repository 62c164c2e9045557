#include <segs/time.h>

#include "base/base_internal.h"

#define MS_PER_SECOND 1000
#define SECONDS_PER_DAY 86400
#define MS_PER_DAY (INT64_C(1000) * SECONDS_PER_DAY)

/* The text being read. Every scan_* function takes the byte where its part starts. */
struct scan {
    const char *text;
    size_t len;
    struct segs_error *reterr;
};

struct date_time {
    int year, month, day, hour, minute, second, ms;
    int offset_minutes; /* local = UTC + offset */
};

static int malformed(const struct scan *s, size_t pos, const char *field, const char *expected)
{
    char found[SEGS__FOUND_BYTES];

    return segs__fail(s->reterr, SEGS_ESYNTAX, field, (int64_t)pos, "expected %s, found %s",
                      expected, segs__found(found, s->text, s->len, pos));
}

static int scan_number(const struct scan *s, size_t pos, int n_digits, const char *field, int *ret)
{
    int value = 0;

    for (size_t end = pos + (size_t)n_digits; pos < end; pos++) {
        if (pos >= s->len || !segs__is_digit(s->text[pos]))
            return malformed(s, pos, field, "a digit");
        value = value * 10 + (s->text[pos] - '0');
    }
    *ret = value;
    return 0;
}

static int scan_two_digits(const struct scan *s, size_t pos, const char *field, int low, int high,
                           int *ret)
{
    int r = scan_number(s, pos, 2, field, ret);

    if (r < 0)
        return r;
    if (*ret < low || *ret > high)
        return segs__fail(s->reterr, SEGS_ERANGE, field, (int64_t)pos,
                          "expected %02d to %02d, found %02d", low, high, *ret);
    return 0;
}

static int scan_char(const struct scan *s, size_t pos, char c, const char *field,
                     const char *expected)
{
    if (pos >= s->len || s->text[pos] != c)
        return malformed(s, pos, field, expected);
    return 0;
}

static int scan_date(const struct scan *s, struct date_time *dt)
{
    int r;

    if ((r = scan_number(s, 0, 4, "year", &dt->year)) < 0 ||
        (r = scan_char(s, 4, '-', "date", "'-'")) < 0 ||
        (r = scan_two_digits(s, 5, "month", 1, 12, &dt->month)) < 0 ||
        (r = scan_char(s, 7, '-', "date", "'-'")) < 0)
        return r;
    return scan_two_digits(s, 8, "day", 1, segs__month_length(dt->year, dt->month), &dt->day);
}

static int scan_clock(const struct scan *s, struct date_time *dt)
{
    int r;

    if (s->len <= 10 || (s->text[10] != 'T' && s->text[10] != 't'))
        return malformed(s, 10, "time", "'T'");
    if ((r = scan_two_digits(s, 11, "hour", 0, 23, &dt->hour)) < 0 ||
        (r = scan_char(s, 13, ':', "time", "':'")) < 0 ||
        (r = scan_two_digits(s, 14, "minute", 0, 59, &dt->minute)) < 0 ||
        (r = scan_char(s, 16, ':', "time", "':'")) < 0)
        return r;
    return scan_two_digits(s, 17, "second", 0, 60, &dt->second);
}

/* Reads the optional fraction at *pos and moves *pos behind it. */
static int scan_fraction(const struct scan *s, size_t *pos, struct date_time *dt)
{
    size_t start = *pos + 1;
    size_t p = start;
    int weight = 100;

    dt->ms = 0;
    if (*pos >= s->len || s->text[*pos] != '.')
        return 0;
    for (; p < s->len && segs__is_digit(s->text[p]); p++, weight /= 10)
        dt->ms += (s->text[p] - '0') * weight;
    if (p == start)
        return malformed(s, p, "fraction", "a digit");
    if (p - start > 9)
        return segs__fail(s->reterr, SEGS_ESYNTAX, "fraction", (int64_t)start,
                          "expected 1 to 9 digits, found %zu", p - start);
    *pos = p;
    return 0;
}

/* Reads Z or +hh:mm at *pos and moves *pos behind it. */
static int scan_offset(const struct scan *s, size_t *pos, struct date_time *dt)
{
    size_t p = *pos;
    int hours;
    int minutes;
    int r;

    if (p < s->len && (s->text[p] == 'Z' || s->text[p] == 'z')) {
        dt->offset_minutes = 0;
        *pos = p + 1;
        return 0;
    }
    if (p >= s->len || (s->text[p] != '+' && s->text[p] != '-'))
        return malformed(s, p, "offset", "'Z', '+' or '-'");
    if ((r = scan_two_digits(s, p + 1, "offset", 0, 23, &hours)) < 0 ||
        (r = scan_char(s, p + 3, ':', "offset", "':'")) < 0 ||
        (r = scan_two_digits(s, p + 4, "offset", 0, 59, &minutes)) < 0)
        return r;
    dt->offset_minutes = (hours * 60 + minutes) * (s->text[p] == '-' ? -1 : 1);
    *pos = p + 6;
    return 0;
}

/* Whether a second that starts at `seconds` since 1970 could have been a leap second, which are
 * inserted before midnight UTC of 1 July and 1 January. */
static bool may_follow_leap_second(int64_t seconds)
{
    int64_t year;
    int month;
    int day;

    if (seconds % SECONDS_PER_DAY != 0)
        return false;
    segs__civil_from_days(seconds / SECONDS_PER_DAY, &year, &month, &day);
    return day == 1 && (month == 1 || month == 7);
}

static int to_ts_ms(const struct scan *s, const struct date_time *dt, int64_t *ret_ts_ms)
{
    int64_t days = segs__days_from_civil(dt->year, dt->month, dt->day);
    int64_t seconds = days * SECONDS_PER_DAY + dt->hour * 3600 + dt->minute * 60 + dt->second -
                      (int64_t)dt->offset_minutes * 60;
    int64_t ts_ms = seconds * MS_PER_SECOND + dt->ms;

    if (dt->second == 60) {
        if (!may_follow_leap_second(seconds))
            return segs__fail(s->reterr, SEGS_ERANGE, "second", 17,
                              "expected 00 to 59, found 60 where no leap second can be");
        ts_ms = seconds * MS_PER_SECOND - 1;
    }
    if (ts_ms < SEGS_TS_MIN_MS || ts_ms > SEGS_TS_MAX_MS)
        return segs__fail(s->reterr, SEGS_ERANGE, "year", 0,
                          "expected an instant in 1970 to 9999 UTC, found year %04d", dt->year);
    *ret_ts_ms = ts_ms;
    return 0;
}

int segs_time_parse(const char *text, size_t len, int64_t *ret_ts_ms, struct segs_error *reterr)
{
    struct scan s = { text, len, reterr };
    struct date_time dt = { 0 };
    size_t pos = 19;
    int r;

    if (!text || !ret_ts_ms)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "text or result is NULL");
    if ((r = scan_date(&s, &dt)) < 0 || (r = scan_clock(&s, &dt)) < 0 ||
        (r = scan_fraction(&s, &pos, &dt)) < 0 || (r = scan_offset(&s, &pos, &dt)) < 0)
        return r;
    if (pos != len)
        return malformed(&s, pos, "", "end of text");
    return to_ts_ms(&s, &dt, ret_ts_ms);
}

int segs_date_parse(const char *text, size_t len, int32_t *ret_day, struct segs_error *reterr)
{
    struct scan s = { text, len, reterr };
    struct date_time dt = { 0 };
    int r;

    if (!text || !ret_day)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "text or result is NULL");
    r = scan_date(&s, &dt);
    if (r < 0)
        return r;
    if (len != 10)
        return malformed(&s, 10, "", "end of text");
    if (dt.year == 0)
        return segs__fail(reterr, SEGS_ERANGE, "year", 0, "expected 0001 to 9999, found 0000");
    *ret_day = (int32_t)segs__days_from_civil(dt.year, dt.month, dt.day);
    return 0;
}

static void put_digits(char *buf, int value, int n_digits)
{
    for (int i = n_digits - 1; i >= 0; i--, value /= 10)
        buf[i] = (char)('0' + value % 10);
}

static void put_date(char *buf, int64_t days)
{
    int64_t year;
    int month;
    int day;

    segs__civil_from_days(days, &year, &month, &day);
    put_digits(buf, (int)year, 4);
    buf[4] = '-';
    put_digits(buf + 5, month, 2);
    buf[7] = '-';
    put_digits(buf + 8, day, 2);
}

int segs_time_format(int64_t ts_ms, char *buf, size_t size)
{
    int ms_of_day;

    if (!buf)
        return SEGS_EINVAL;
    if (ts_ms < SEGS_TS_MIN_MS || ts_ms > SEGS_TS_MAX_MS)
        return SEGS_ERANGE;
    if (size < SEGS_TIME_BYTES)
        return SEGS_ENOSPC;

    ms_of_day = (int)(ts_ms % MS_PER_DAY);
    put_date(buf, ts_ms / MS_PER_DAY);
    buf[10] = 'T';
    put_digits(buf + 11, ms_of_day / 3600000, 2);
    buf[13] = ':';
    put_digits(buf + 14, ms_of_day / 60000 % 60, 2);
    buf[16] = ':';
    put_digits(buf + 17, ms_of_day / 1000 % 60, 2);
    buf[19] = '.';
    put_digits(buf + 20, ms_of_day % 1000, 3);
    buf[23] = 'Z';
    buf[24] = '\0';
    return SEGS_TIME_BYTES - 1;
}

int segs_date_format(int32_t day, char *buf, size_t size)
{
    if (!buf)
        return SEGS_EINVAL;
    if (day < SEGS_DAY_MIN || day > SEGS_DAY_MAX)
        return SEGS_ERANGE;
    if (size < SEGS_DATE_BYTES)
        return SEGS_ENOSPC;
    put_date(buf, day);
    buf[10] = '\0';
    return SEGS_DATE_BYTES - 1;
}
