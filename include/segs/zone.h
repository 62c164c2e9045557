/**
 * @file
 * Time zones: what the clock on the wall shows at an instant, which instant a wall clock time means,
 * and where civil days, months and their slots begin and end.
 *
 * A zone is made of the bytes of a TZif file (RFC 8536, versions 1 to 4), which the caller reads
 * from wherever it keeps them, or of a fixed offset. It covers instants of 1970..9999.
 *
 * Civil days here are billing days: day D goes from the first instant whose local date is D or
 * later to the first instant whose local date is later than D. So the days of a zone follow each
 * other without gap or overlap, whatever its clocks do: a day may have 23, 23.5, 24, 24.5 or 25
 * hours, may begin at 01:00, and a date the zone skipped is a day of length zero. Where clocks go
 * back across midnight, the hour shown again belongs to the day that had already begun.
 *
 * Thread rule: a zone is immutable once built and may be shared by threads.
 */
#ifndef SEGS_ZONE_H
#define SEGS_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>
#include <segs/export.h>
#include <segs/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Largest TZif input. Limit: ours, ten times the largest file of the 2024 tz database. */
#define SEGS_ZONE_TZIF_MAX_BYTES 65536

/** Bytes of an abbreviation field with its NUL; a longer one is refused (limit: ours). */
#define SEGS_ZONE_ABBREVIATION_BYTES 16

/** How to choose an instant for a wall clock time that was shown twice or never. */
#define SEGS_LOCAL_REJECT 1  /**< Refuse it. */
#define SEGS_LOCAL_EARLIER 2 /**< Repeated: the first time. Skipped: by the offset after the gap. */
#define SEGS_LOCAL_LATER 3   /**< Repeated: the last time. Skipped: by the offset before the gap. */

struct segs_zone;

/** Options for zone constructors. A zero field means its default. Append-only. */
struct segs_zone_options {
    size_t size;                            /**< Set by SEGS_ZONE_OPTIONS_INIT. */
    const struct segs_allocator *allocator; /**< Borrowed, outlives the zone. NULL: malloc. */
};
#define SEGS_ZONE_OPTIONS_INIT                                                                     \
    {                                                                                              \
        sizeof(struct segs_zone_options), NULL                                                     \
    }

/** A stretch of time with one offset. 40 bytes, no padding; the layout is part of the ABI. */
struct segs_zone_period {
    int64_t from_ms;  /**< First instant, not before SEGS_TS_MIN_MS. */
    int64_t until_ms; /**< First instant after it, at most SEGS_TS_MAX_MS + 1. */
    int32_t offset_s; /**< Local time minus UTC, in seconds. */
    int32_t is_dst;   /**< 1 when the zone calls it daylight saving time, else 0. */
    char abbreviation[SEGS_ZONE_ABBREVIATION_BYTES]; /**< "CEST"; NUL-terminated, zero-filled. */
};

/** What calendar and clock of a zone show. 56 bytes, no padding; the layout is part of the ABI. */
struct segs_local_time {
    int32_t year;   /**< 1969..10000: instants at the ends of the range may lie beyond its years. */
    int32_t month;  /**< 1..12 */
    int32_t day;    /**< 1..31 */
    int32_t hour;   /**< 0..23 */
    int32_t minute; /**< 0..59 */
    int32_t second; /**< 0..59 */
    int32_t millisecond;                             /**< 0..999 */
    int32_t weekday;                                 /**< ISO 8601: 1 Monday .. 7 Sunday. */
    int32_t offset_s;                                /**< Local time minus UTC, in seconds. */
    int32_t is_dst;                                  /**< 1 or 0. */
    char abbreviation[SEGS_ZONE_ABBREVIATION_BYTES]; /**< NUL-terminated, zero-filled. */
};

/**
 * Make a zone from the bytes of a TZif file.
 *
 * Of version 2 and later the 64 bit block and the rule in the footer are used; the last transition
 * stays in force until the rule's next change, and for ever in a file without a rule. Footer rules may use the
 * extended hours of version 3 in any version, and must name both dates when they name a daylight
 * saving time.
 *
 * @param tzif  `size` bytes, at most SEGS_ZONE_TZIF_MAX_BYTES. Borrowed for the call.
 * @param options  May be NULL: every default.
 * @param ret  Receives the zone; release with segs_zone_free(). Untouched on failure.
 * @param reterr  May be NULL. offset is the byte of the input that is wrong.
 * @return 0, or
 *         SEGS_EINVAL     tzif or ret is NULL, or options has no believable size;
 *         SEGS_ENOMEM     the allocator returned NULL;
 *         SEGS_EFULL      more bytes than SEGS_ZONE_TZIF_MAX_BYTES;
 *         SEGS_EINCOMPLETE the input ends before the zone does;
 *         SEGS_ESYNTAX    not a TZif file, contradictory counts, transitions out of order, a
 *                         malformed abbreviation or footer, or bytes after the footer;
 *         SEGS_ERANGE     an offset outside -24:59:59..+25:59:59 (RFC 8536 3.2);
 *         SEGS_ENOTSUP    an unknown version, or a zone that counts leap seconds ("right/").
 * @since 0.1
 */
SEGS_API int segs_zone_new(const void *tzif, size_t size, const struct segs_zone_options *options,
                           struct segs_zone **ret, struct segs_error *reterr);

/**
 * Make a zone that never changes its offset. Its abbreviation is "UTC", or "+10", "-0330" and so on.
 *
 * @param offset_minutes  Local time minus UTC, -1439..1439.
 * @param options  May be NULL: every default.
 * @param ret  Receives the zone; release with segs_zone_free(). Untouched on failure.
 * @param reterr  May be NULL.
 * @return 0, or
 *         SEGS_EINVAL  ret is NULL, or options has no believable size;
 *         SEGS_ENOMEM  the allocator returned NULL;
 *         SEGS_ENOTSUP options asks for something unknown;
 *         SEGS_ERANGE  offset_minutes outside its range.
 * @since 0.1
 */
SEGS_API int segs_zone_new_fixed(int32_t offset_minutes, const struct segs_zone_options *options,
                                 struct segs_zone **ret, struct segs_error *reterr);

/** Release a zone; NULL is fine. @since 0.1 */
SEGS_API void segs_zone_free(struct segs_zone *zone);

/**
 * Get the offset in force at an instant, and for how long it was and stays in force. Two periods
 * that follow each other may be alike.
 *
 * @return 0, or
 *         SEGS_EINVAL  a NULL;
 *         SEGS_ERANGE  ts_ms outside SEGS_TS_MIN_MS..SEGS_TS_MAX_MS.
 * @since 0.1
 */
SEGS_API int segs_zone_period_at(const struct segs_zone *zone, int64_t ts_ms,
                                 struct segs_zone_period *ret);

/**
 * Get what calendar and clock show at an instant.
 *
 * @return 0, or
 *         SEGS_EINVAL  a NULL;
 *         SEGS_ERANGE  ts_ms outside SEGS_TS_MIN_MS..SEGS_TS_MAX_MS.
 * @since 0.1
 */
SEGS_API int segs_zone_to_local(const struct segs_zone *zone, int64_t ts_ms,
                                struct segs_local_time *ret);

/**
 * Get the instant at which calendar and clock show a local time.
 *
 * @param local  year to millisecond are read, the rest is not. Borrowed for the call.
 * @param disambiguation  SEGS_LOCAL_*, for times shown twice or never.
 * @param ret_ts_ms  Receives the instant. Untouched on failure.
 * @param reterr  May be NULL. field is the member that is out of range.
 * @return 0, or
 *         SEGS_EINVAL    a NULL, or disambiguation unknown;
 *         SEGS_ERANGE    a member outside its range, no such calendar date, or the instant outside
 *                        SEGS_TS_MIN_MS..SEGS_TS_MAX_MS;
 *         SEGS_ENOTFOUND SEGS_LOCAL_REJECT, and the time was skipped;
 *         SEGS_ECONFLICT SEGS_LOCAL_REJECT, and the time was shown more than once.
 * @since 0.1
 */
SEGS_API int segs_zone_from_local(const struct segs_zone *zone, const struct segs_local_time *local,
                                  int disambiguation, int64_t *ret_ts_ms,
                                  struct segs_error *reterr);

/**
 * Get beginning and end of a civil day.
 *
 * @param day  Days since 1970-01-01, 0..SEGS_DAY_MAX (segs/time.h).
 * @param ret_start_ms  Receives the first instant; of the first day it may be negative.
 * @param ret_end_ms  Receives the first instant after it; equal to the start when the zone skipped
 *                    the date.
 * @return 0, or
 *         SEGS_EINVAL  a NULL;
 *         SEGS_ERANGE  day outside its range.
 * @since 0.1
 */
SEGS_API int segs_zone_day(const struct segs_zone *zone, int32_t day, int64_t *ret_start_ms,
                           int64_t *ret_end_ms);

/**
 * Get beginning and end of a civil month: from the start of its first day to that of the next.
 *
 * @param year  1970..9999.
 * @param month  1..12.
 * @return 0, or
 *         SEGS_EINVAL  a NULL;
 *         SEGS_ERANGE  year or month outside its range.
 * @since 0.1
 */
SEGS_API int segs_zone_month(const struct segs_zone *zone, int32_t year, int32_t month,
                             int64_t *ret_start_ms, int64_t *ret_end_ms);

/**
 * Get the civil day that contains an instant. Where clocks went back across midnight this is the
 * day after the local date.
 *
 * @param ret_day  Receives days since 1970-01-01, -1..SEGS_DAY_MAX + 1.
 * @return 0, or
 *         SEGS_EINVAL  a NULL;
 *         SEGS_ERANGE  ts_ms outside SEGS_TS_MIN_MS..SEGS_TS_MAX_MS.
 * @since 0.1
 */
SEGS_API int segs_zone_day_of(const struct segs_zone *zone, int64_t ts_ms, int32_t *ret_day);

/**
 * Count the slots of a civil day. Slots are counted from the start of the day; when the day is not
 * a multiple of the width, the last slot is shorter.
 *
 * @param width_minutes  A divisor of 1440.
 * @return the number of slots, 0 for a date the zone skipped, or
 *         SEGS_EINVAL  zone is NULL;
 *         SEGS_ERANGE  day or width_minutes outside its range.
 * @since 0.1
 */
SEGS_API int segs_zone_day_slots(const struct segs_zone *zone, int32_t day, int32_t width_minutes);

/**
 * Get the civil day and the slot in it that contain an instant.
 *
 * @param width_minutes  A divisor of 1440.
 * @param ret_day  Receives the day as segs_zone_day_of() gives it.
 * @param ret_slot  Receives the index of the slot, from 0.
 * @return 0, or
 *         SEGS_EINVAL  a NULL;
 *         SEGS_ERANGE  ts_ms or width_minutes outside its range.
 * @since 0.1
 */
SEGS_API int segs_zone_slot_of(const struct segs_zone *zone, int64_t ts_ms, int32_t width_minutes,
                               int32_t *ret_day, int32_t *ret_slot);

#ifdef __cplusplus
}
#endif

#endif
