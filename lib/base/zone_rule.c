#include <segs/zone.h>

#include <string.h>

#include "base/base_internal.h"
#include "base/zone_internal.h"

#define SHORTEST_NAME 3              /* POSIX: at least three characters */
#define MAX_OFFSET_HOURS 24          /* POSIX */
#define MAX_RULE_HOURS 167           /* RFC 8536 3.3.1 */
#define DEFAULT_RULE_TIME (2 * 3600) /* POSIX */

struct cursor {
    const char *text;
    size_t len;
    size_t pos;
    int64_t offset;
    struct segs_error *reterr;
};

static int malformed(const struct cursor *c, const char *expected)
{
    char found[SEGS__FOUND_BYTES];

    return segs__fail(c->reterr, SEGS_ESYNTAX, "footer", c->offset + (int64_t)c->pos,
                      "expected %s, found %s", expected,
                      segs__found(found, c->text, c->len, c->pos));
}

static bool next_is(const struct cursor *c, char wanted)
{
    return c->pos < c->len && c->text[c->pos] == wanted;
}

static bool skip(struct cursor *c, char wanted)
{
    if (!next_is(c, wanted))
        return false;
    c->pos++;
    return true;
}

static int parse_char(struct cursor *c, char wanted, const char *expected)
{
    return skip(c, wanted) ? 0 : malformed(c, expected);
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool segs__is_abbreviation_char(char c)
{
    return is_letter(c) || segs__is_digit(c) || c == '+' || c == '-';
}

static int parse_name(struct cursor *c, struct segs__zone_type *type)
{
    bool quoted = skip(c, '<');
    size_t begin = c->pos;
    size_t n;

    while (c->pos < c->len &&
           (quoted ? segs__is_abbreviation_char(c->text[c->pos]) : is_letter(c->text[c->pos])))
        c->pos++;
    n = c->pos - begin;
    if (n < SHORTEST_NAME)
        return malformed(c, "an abbreviation of three or more characters");
    if (n >= sizeof type->abbreviation) {
        c->pos = begin;
        return malformed(c, "an abbreviation of at most 15 characters");
    }
    memcpy(type->abbreviation, c->text + begin, n);
    return quoted ? parse_char(c, '>', "'>'") : 0;
}

static int parse_number(struct cursor *c, int low, int high, const char *expected, int *ret)
{
    size_t begin = c->pos;
    int value = 0;

    for (; c->pos < c->len && segs__is_digit(c->text[c->pos]) && value <= high; c->pos++)
        value = value * 10 + (c->text[c->pos] - '0');
    if (c->pos == begin || value < low || value > high) {
        c->pos = begin;
        return malformed(c, expected);
    }
    *ret = value;
    return 0;
}

/* [+-]hh[:mm[:ss]] as seconds. */
static int parse_clock(struct cursor *c, int max_hours, const char *expected, int32_t *ret)
{
    bool negative = next_is(c, '-');
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    int r;

    if (!skip(c, '-'))
        (void)skip(c, '+');
    r = parse_number(c, 0, max_hours, expected, &hours);
    if (r == 0 && skip(c, ':')) {
        r = parse_number(c, 0, 59, "minutes of 0 to 59", &minutes);
        if (r == 0 && skip(c, ':'))
            r = parse_number(c, 0, 59, "seconds of 0 to 59", &seconds);
    }
    if (r < 0)
        return r;
    *ret = (hours * 3600 + minutes * 60 + seconds) * (negative ? -1 : 1);
    return 0;
}

/* POSIX counts offsets west of Greenwich as positive. */
static int parse_offset(struct cursor *c, struct segs__zone_type *type)
{
    int32_t west = 0;
    int r = parse_clock(c, MAX_OFFSET_HOURS, "hours of 0 to 24", &west);

    type->offset = -west;
    return r;
}

static int parse_day(struct cursor *c, struct segs__zone_date *date)
{
    int r;

    if (skip(c, 'J')) {
        date->kind = SEGS__DATE_JULIAN_WITHOUT_LEAP_DAY;
        return parse_number(c, 1, 365, "a day of 1 to 365", &date->day);
    }
    if (!skip(c, 'M')) {
        date->kind = SEGS__DATE_DAY_OF_YEAR;
        return parse_number(c, 0, 365, "a date", &date->day);
    }
    date->kind = SEGS__DATE_MONTH_WEEK_DAY;
    if ((r = parse_number(c, 1, 12, "a month of 1 to 12", &date->month)) < 0 ||
        (r = parse_char(c, '.', "'.'")) < 0 ||
        (r = parse_number(c, 1, 5, "a week of 1 to 5", &date->week)) < 0 ||
        (r = parse_char(c, '.', "'.'")) < 0)
        return r;
    return parse_number(c, 0, 6, "a weekday of 0 to 6", &date->day);
}

static int parse_date(struct cursor *c, struct segs__zone_date *date)
{
    int r;

    date->time = DEFAULT_RULE_TIME;
    if ((r = parse_char(c, ',', "','")) < 0 || (r = parse_day(c, date)) < 0)
        return r;
    return skip(c, '/') ? parse_clock(c, MAX_RULE_HOURS, "hours of 0 to 167", &date->time) : 0;
}

static int parse_dst(struct cursor *c, struct segs__zone_rule *rule)
{
    int r;

    rule->has_dst = true;
    rule->dst.is_dst = 1;
    rule->dst.offset = rule->standard.offset + 3600;
    r = parse_name(c, &rule->dst);
    if (r == 0 && !next_is(c, ','))
        r = parse_offset(c, &rule->dst);
    if (r == 0)
        r = parse_date(c, &rule->dst_start);
    return r < 0 ? r : parse_date(c, &rule->dst_end);
}

int segs__zone_rule_parse(const char *text, size_t len, int64_t offset, struct segs__zone_rule *ret,
                          struct segs_error *reterr)
{
    struct cursor c = { text, len, 0, offset, reterr };
    struct segs__zone_rule rule;
    int r;

    memset(&rule, 0, sizeof rule);
    if ((r = parse_name(&c, &rule.standard)) < 0 || (r = parse_offset(&c, &rule.standard)) < 0)
        return r;
    if (c.pos < len && (r = parse_dst(&c, &rule)) < 0)
        return r;
    if (c.pos < len)
        return malformed(&c, "end of footer");
    *ret = rule;
    return 0;
}

/* Days since 1970 of a rule's date in the year that begins on day `new_year`. */
static int64_t day_of_date(const struct segs__zone_date *date, int64_t year, int64_t new_year)
{
    int64_t first;
    int64_t day;
    int length;

    if (date->kind == SEGS__DATE_DAY_OF_YEAR)
        return new_year + date->day;
    if (date->kind == SEGS__DATE_JULIAN_WITHOUT_LEAP_DAY)
        return new_year + date->day - 1 +
               (date->day >= 60 && segs__month_length(year, 2) == 29 ? 1 : 0);

    first = segs__days_from_civil(year, date->month, 1);
    length = segs__month_length(year, date->month);
    /* ISO weekday 7 and POSIX weekday 0 are both Sunday: equal modulo 7. */
    day = first + (date->day - segs__weekday(first) + 7) % 7 + 7 * (date->week - 1);
    return day < first + length ? day : day - 7;
}

/* Takes the yearly event on `date`, at which `type` begins and an offset of `offset_before` ends,
 * into the span around t. Hours of up to a week and offsets move an event at most into the
 * neighbouring year, so the nearest ones on both sides of t are among those of five years. */
static void take_events(struct segs__zone_span *span, int64_t t, const struct segs__zone_date *date,
                        int32_t offset_before, const struct segs__zone_type *type)
{
    int64_t this_year;
    int month;
    int day;

    segs__civil_from_days(segs__floor_div(t, SEGS__SECONDS_PER_DAY), &this_year, &month, &day);
    for (int64_t year = this_year - 2; year <= this_year + 2; year++) {
        int64_t event_day = day_of_date(date, year, segs__days_from_civil(year, 1, 1));
        int64_t at = event_day * SEGS__SECONDS_PER_DAY + date->time - offset_before;

        if (at > t) {
            span->end = at < span->end ? at : span->end;
        } else if (at >= span->begin) {
            span->begin = at;
            span->type = type;
        }
    }
}

struct segs__zone_span segs__zone_rule_span(const struct segs__zone_rule *rule, int64_t t)
{
    struct segs__zone_span span = { INT64_MIN, INT64_MAX, &rule->standard };

    if (!rule->has_dst)
        return span;
    /* Where daylight saving time never ends, its end and the next start coincide (RFC 8536 3.3.1).
     * The start counts, so it is taken last. */
    take_events(&span, t, &rule->dst_end, rule->dst.offset, &rule->standard);
    take_events(&span, t, &rule->dst_start, rule->standard.offset, &rule->dst);
    return span;
}
