/* Timestamps of files: with an offset, counted, or as a wall clock showed them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <segs/fixed.h>
#include <segs/time.h>

#include "segs/replay_row.h"

#define TZIF_MAX_BYTES SEGS_ZONE_TZIF_MAX_BYTES
#define LOCAL_DATE "%Y-%m-%d"

/* ---- Zones ---- */

/* "+05:30" or "-0800" in minutes; false when it is something else. */
static bool parse_offset(const char *text, int32_t *ret_minutes)
{
    bool has_colon = strlen(text) == 6 && text[3] == ':';
    char digits[4];
    int hours;
    int minutes;

    if ((text[0] != '+' && text[0] != '-') || (!has_colon && strlen(text) != 5))
        return false;
    memcpy(digits, text + 1, 2);
    memcpy(digits + 2, text + (has_colon ? 4 : 3), 2);
    for (size_t i = 0; i < sizeof digits; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return false;
    }
    hours = 10 * (digits[0] - '0') + digits[1] - '0';
    minutes = 10 * (digits[2] - '0') + digits[3] - '0';
    if (hours > 23 || minutes > 59)
        return false;
    *ret_minutes = (text[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

static int load_file(const char *name, struct segs_zone **ret, struct segs_error *reterr)
{
    char path[256];
    char *bytes;
    size_t size;
    FILE *file;
    int r;

    if (name[0] == '/' || strstr(name, "..") || strlen(name) > 128)
        return rt_fail(reterr, SEGS_ERANGE, "--tz",
                       "expected a zone such as Europe/Berlin or +05:30, found \"%s\"", name);
    (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    file = fopen(path, "re");
    if (!file)
        return rt_fail(reterr, SEGS_ENOTFOUND, "--tz",
                       "expected a zone such as Europe/Berlin or +05:30, found \"%s\"", name);
    bytes = malloc(TZIF_MAX_BYTES + 1);
    size = bytes ? fread(bytes, 1, TZIF_MAX_BYTES + 1, file) : 0;
    (void)fclose(file);
    r = bytes ? segs_zone_new(bytes, size, NULL, ret, reterr) : SEGS_ENOMEM;
    free(bytes);
    return r < 0 ? rt_fail(reterr, r, "--tz", "%s is no zone file", path) : 0;
}

int replay_zone_load(const char *name, struct segs_zone **ret, struct segs_error *reterr)
{
    int32_t minutes = 0;

    if (strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0 || parse_offset(name, &minutes))
        return segs_zone_new_fixed(minutes, NULL, ret, reterr);
    return load_file(name, ret, reterr);
}

/* ---- Local times ---- */

/* Up to `max` digits; NULL when there is none. */
static const char *read_digits(const char *text, int max, int32_t *ret)
{
    int32_t value = 0;
    int n = 0;

    for (; n < max && text[n] >= '0' && text[n] <= '9'; n++)
        value = value * 10 + (text[n] - '0');
    *ret = value;
    return n > 0 ? text + n : NULL;
}

/* ".25" is 250 ms; further digits are cut off. */
static const char *read_fraction(const char *text, int32_t *ret_ms)
{
    int32_t unit = 100;

    if (text[0] != '.' || text[1] < '0' || text[1] > '9')
        return text;
    for (text++; *text >= '0' && *text <= '9'; text++) {
        *ret_ms += (*text - '0') * unit;
        unit /= 10;
    }
    return text;
}

static const char *read_part(const char *text, char part, struct segs_local_time *ret)
{
    switch (part) {
    case 'Y':
        return read_digits(text, 4, &ret->year);
    case 'y':
        text = read_digits(text, 2, &ret->year);
        ret->year += ret->year < 70 ? 2000 : 1900;
        return text;
    case 'm':
        return read_digits(text, 2, &ret->month);
    case 'd':
        return read_digits(text, 2, &ret->day);
    case 'H':
        return read_digits(text, 2, &ret->hour);
    case 'M':
        return read_digits(text, 2, &ret->minute);
    case 'S':
        text = read_digits(text, 2, &ret->second);
        return text ? read_fraction(text, &ret->millisecond) : NULL;
    case '%':
        return *text == '%' ? text + 1 : NULL;
    default:
        return NULL;
    }
}

/* True when the whole text follows the pattern. */
static bool read_local(const char *text, const char *pattern, struct segs_local_time *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->month = 1;
    ret->day = 1;
    for (; text && *pattern; pattern++) {
        if (*pattern == '%' && pattern[1])
            text = read_part(text, *++pattern, ret);
        else
            text = *text == *pattern ? text + 1 : NULL;
    }
    return text && *text == '\0';
}

static int from_local(const struct segs_local_time *local, const char *text,
                      const struct segs_zone *zone, int64_t last_ms, int64_t *ret,
                      struct segs_error *reterr)
{
    int64_t ts_ms = 0;
    int r;

    if (!zone)
        return rt_fail(
            reterr, SEGS_ERANGE, NULL,
            "expected a time with an offset, found \"%s\"; --tz says which zone it is in", text);
    r = segs_zone_from_local(zone, local, SEGS_LOCAL_REJECT, &ts_ms, NULL);
    if (r == SEGS_ECONFLICT) {
        r = segs_zone_from_local(zone, local, SEGS_LOCAL_EARLIER, &ts_ms, NULL);
        if (r == 0 && last_ms >= ts_ms)
            r = segs_zone_from_local(zone, local, SEGS_LOCAL_LATER, &ts_ms, NULL);
    }
    if (r == SEGS_ENOTFOUND)
        return rt_fail(reterr, r, NULL,
                       "expected a time that clocks showed, found \"%s\", which "
                       "they skipped",
                       text);
    if (r < 0)
        return rt_fail(reterr, r, NULL, "expected a date and time of 1970..9999, found \"%s\"",
                       text);
    *ret = ts_ms;
    return 0;
}

/* ---- All kinds ---- */

static int from_count(const char *text, unsigned digits, int64_t *ret, struct segs_error *reterr)
{
    int64_t ts_ms = 0;

    if (segs_decimal_parse(text, strlen(text), digits, SEGS_ROUND_FLOOR, &ts_ms, NULL) < 0 ||
        ts_ms < SEGS_TS_MIN_MS || ts_ms > SEGS_TS_MAX_MS)
        return rt_fail(reterr, SEGS_ERANGE, NULL,
                       "expected a number of %s since 1970, found \"%s\"",
                       digits ? "seconds" : "milliseconds", text);
    *ret = ts_ms;
    return 0;
}

int replay_time_parse(const char *text, const char *format, const struct segs_zone *zone,
                      int64_t last_ms, int64_t *ret, struct segs_error *reterr)
{
    struct segs_local_time local;

    if (strcmp(format, "unix") == 0)
        return from_count(text, 3, ret, reterr);
    if (strcmp(format, "unix_ms") == 0)
        return from_count(text, 0, ret, reterr);
    if (format[0]) {
        if (!read_local(text, format, &local))
            return rt_fail(reterr, SEGS_ESYNTAX, NULL, "expected a time like %s, found \"%s\"",
                           format, text);
        return from_local(&local, text, zone, last_ms, ret, reterr);
    }
    if (segs_time_parse(text, strlen(text), ret, NULL) == 0)
        return 0;
    if (read_local(text, LOCAL_DATE " %H:%M:%S", &local) ||
        read_local(text, LOCAL_DATE "T%H:%M:%S", &local) ||
        read_local(text, LOCAL_DATE " %H:%M", &local) ||
        read_local(text, LOCAL_DATE "T%H:%M", &local))
        return from_local(&local, text, zone, last_ms, ret, reterr);
    return rt_fail(reterr, SEGS_ESYNTAX, NULL,
                   "expected a time such as 2026-01-15T14:30:00Z or 2026-01-15 14:30:00, found "
                   "\"%s\"",
                   text);
}
