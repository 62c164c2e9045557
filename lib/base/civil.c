#include <segs/time.h>

#include "base/base_internal.h"

/* The calendar repeats every 400 years. Counting from 1 March puts the leap day at the end of the
 * counted year, so that month lengths follow one linear formula. */
#define DAYS_PER_ERA 146097
#define DAYS_FROM_0000_03_01_TO_1970 719468

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int segs__month_length(int64_t year, int month)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return lengths[month - 1] + (month == 2 && is_leap(year));
}

int64_t segs__days_from_civil(int64_t year, int month, int day_of_month)
{
    int64_t march_year = year - (month <= 2);
    int64_t era = floor_div(march_year, 400);
    int64_t year_of_era = march_year - era * 400;
    int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day_of_month - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * DAYS_PER_ERA + day_of_era - DAYS_FROM_0000_03_01_TO_1970;
}

void segs__civil_from_days(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day_of_month)
{
    int64_t shifted = days + DAYS_FROM_0000_03_01_TO_1970;
    int64_t era = floor_div(shifted, DAYS_PER_ERA);
    int64_t day_of_era = shifted - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;

    *ret_day_of_month = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
    *ret_month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

int segs__weekday(int64_t days)
{
    /* 1970-01-01 was a Thursday, ISO weekday 4. */
    int64_t from_monday = (days + 3) % 7;

    return (int)(from_monday < 0 ? from_monday + 8 : from_monday + 1);
}

static bool is_day(int32_t day)
{
    return day >= SEGS_DAY_MIN && day <= SEGS_DAY_MAX;
}

int segs_day_from_civil(int32_t year, int32_t month, int32_t day_of_month, int32_t *ret_day)
{
    if (!ret_day)
        return SEGS_EINVAL;
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day_of_month < 1 ||
        day_of_month > segs__month_length(year, month))
        return SEGS_ERANGE;
    *ret_day = (int32_t)segs__days_from_civil(year, month, day_of_month);
    return 0;
}

int segs_civil_from_day(int32_t day, struct segs_civil_date *ret)
{
    int64_t year;
    int month;
    int day_of_month;

    if (!ret)
        return SEGS_EINVAL;
    if (!is_day(day))
        return SEGS_ERANGE;
    segs__civil_from_days(day, &year, &month, &day_of_month);
    ret->year = (int32_t)year;
    ret->month = month;
    ret->day = day_of_month;
    ret->weekday = segs__weekday(day);
    return 0;
}

int segs_day_weekday(int32_t day)
{
    return is_day(day) ? segs__weekday(day) : SEGS_ERANGE;
}
