/**
 * @file
 * Instants and civil dates as text: RFC 3339 date-times and ISO 8601 calendar dates.
 *
 * An instant is an int64_t of UTC milliseconds since 1970-01-01T00:00:00Z ("ts_ms"), without leap
 * seconds, as POSIX counts. A civil day is an int32_t number of days since 1970-01-01 in the
 * proleptic Gregorian calendar; it names a date, not an instant: when it begins depends on the zone
 * (segs/zone.h).
 *
 * Thread rule: pure functions, callable from any thread.
 */
#ifndef SEGS_TIME_H
#define SEGS_TIME_H

#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>
#include <segs/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** First and last instant libsegs accepts: 1970-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
 * Lower limit: ours, no meter with a clock is older; upper limit: the four-digit year of RFC 3339.
 */
#define SEGS_TS_MIN_MS INT64_C(0)
#define SEGS_TS_MAX_MS INT64_C(253402300799999)

/** First and last civil day: 0001-01-01 and 9999-12-31. */
#define SEGS_DAY_MIN INT32_C(-719162)
#define SEGS_DAY_MAX INT32_C(2932896)

/** Bytes of a formatted instant and of a formatted date, each with its NUL. */
#define SEGS_TIME_BYTES 25
#define SEGS_DATE_BYTES 11

/** A date of the proleptic Gregorian calendar. */
struct segs_civil_date {
    int32_t year;
    int32_t month;   /**< 1..12 */
    int32_t day;     /**< 1..31 */
    int32_t weekday; /**< ISO 8601: 1 Monday .. 7 Sunday. Written by libsegs, never read. */
};

/**
 * Read an RFC 3339 date-time (section 5.6) as an instant.
 *
 * Accepted is exactly `YYYY-MM-DDThh:mm:ss[.f]zone`, the whole text and nothing around it:
 * - 'T' and 'Z' may be lower case, as RFC 3339 allows; a space instead of 'T' is refused;
 * - the fraction has 1 to 9 digits (limit: ours). Digits beyond milliseconds are cut off, which
 *   moves the instant toward the past, so a reading never enters a later slot than its own;
 * - zone is Z, +hh:mm or -hh:mm with hh 00..23 and mm 00..59. "-00:00", an unknown local offset
 *   (RFC 3339 4.3), is UTC;
 * - second 60 is accepted only where a leap second can stand, at 23:59:60 UTC on 30 June or
 *   31 December, whether or not one was announced. It reads as the last millisecond before it
 *   (:59.999), for the count of milliseconds has no place of its own for it (rule: ours).
 *
 * @param text  `len` bytes, no NUL needed. Borrowed for the call.
 * @param ret_ts_ms  Receives the instant, SEGS_TS_MIN_MS..SEGS_TS_MAX_MS. Untouched on failure.
 * @param reterr  May be NULL. field is the part ("month", "offset", ...), offset its byte.
 * @return 0, or
 *         SEGS_EINVAL  text or ret_ts_ms is NULL;
 *         SEGS_ESYNTAX the text does not follow the grammar, also when it ends early;
 *         SEGS_ERANGE  a part outside its range (month 13, 29 February of a common year), or the
 *                      instant outside 1970..9999 UTC.
 * @since 0.1
 */
SEGS_API int segs_time_parse(const char *text, size_t len, int64_t *ret_ts_ms,
                             struct segs_error *reterr);

/**
 * Write an instant as "2026-01-15T14:30:00.000Z": always UTC, always milliseconds.
 *
 * @param buf  Receives 24 bytes and a NUL. Untouched on failure.
 * @param size  Bytes at buf; SEGS_TIME_BYTES is enough.
 * @return 24, or
 *         SEGS_EINVAL  buf is NULL;
 *         SEGS_ERANGE  ts_ms outside SEGS_TS_MIN_MS..SEGS_TS_MAX_MS;
 *         SEGS_ENOSPC  size is below SEGS_TIME_BYTES.
 * @since 0.1
 */
SEGS_API int segs_time_format(int64_t ts_ms, char *buf, size_t size);

/**
 * Read a calendar date "YYYY-MM-DD", the whole text and nothing around it.
 *
 * @param ret_day  Receives days since 1970-01-01, SEGS_DAY_MIN..SEGS_DAY_MAX. Untouched on failure.
 * @param reterr  May be NULL. field is the part ("year", "month", "day"), offset its byte.
 * @return 0, or
 *         SEGS_EINVAL  text or ret_day is NULL;
 *         SEGS_ESYNTAX the text does not follow the grammar;
 *         SEGS_ERANGE  year 0000, or a month or day that the calendar does not have.
 * @since 0.1
 */
SEGS_API int segs_date_parse(const char *text, size_t len, int32_t *ret_day,
                             struct segs_error *reterr);

/**
 * Write a civil day as "2026-01-15".
 *
 * @return 10, or
 *         SEGS_EINVAL  buf is NULL;
 *         SEGS_ERANGE  day outside SEGS_DAY_MIN..SEGS_DAY_MAX;
 *         SEGS_ENOSPC  size is below SEGS_DATE_BYTES.
 * @since 0.1
 */
SEGS_API int segs_date_format(int32_t day, char *buf, size_t size);

/**
 * Get the civil day of a calendar date.
 *
 * @param year  1..9999.
 * @param month  1..12.
 * @param day_of_month  1..28, 29, 30 or 31, as the month has.
 * @return 0, or
 *         SEGS_EINVAL  ret_day is NULL;
 *         SEGS_ERANGE  the calendar has no such date, or the year is outside 1..9999.
 * @since 0.1
 */
SEGS_API int segs_day_from_civil(int32_t year, int32_t month, int32_t day_of_month,
                                 int32_t *ret_day);

/**
 * Get year, month, day of month and weekday of a civil day.
 *
 * @return 0, or
 *         SEGS_EINVAL  ret is NULL;
 *         SEGS_ERANGE  day outside SEGS_DAY_MIN..SEGS_DAY_MAX.
 * @since 0.1
 */
SEGS_API int segs_civil_from_day(int32_t day, struct segs_civil_date *ret);

/**
 * Get the weekday of a civil day, ISO 8601 numbering.
 *
 * @return 1 (Monday) .. 7 (Sunday), or
 *         SEGS_ERANGE  day outside SEGS_DAY_MIN..SEGS_DAY_MAX.
 * @since 0.1
 */
SEGS_API int segs_day_weekday(int32_t day);

#ifdef __cplusplus
}
#endif

#endif
