/* Shared by the files of zone.h. Instants here are seconds since 1970, UTC. */
#ifndef SEGS_ZONE_INTERNAL_H
#define SEGS_ZONE_INTERNAL_H

#include <segs/zone.h>

#include "base/base_internal.h"

#define SEGS__SECONDS_PER_DAY INT64_C(86400)

/* RFC 8536 3.2: no offset lies outside these. So a local time and its instant are always less than
 * SEGS__OFFSET_BOUND seconds apart. */
#define SEGS__OFFSET_MIN (-89999)
#define SEGS__OFFSET_MAX 93599
#define SEGS__OFFSET_BOUND 93600

struct segs__zone_type {
    int32_t offset;
    int32_t is_dst;
    char abbreviation[SEGS_ZONE_ABBREVIATION_BYTES];
};

enum segs__zone_date_kind {
    SEGS__DATE_JULIAN_WITHOUT_LEAP_DAY, /* Jn: day 1..365 */
    SEGS__DATE_DAY_OF_YEAR,             /* n: day 0..365 */
    SEGS__DATE_MONTH_WEEK_DAY,          /* Mm.w.d: week 5 is the last, day 0 is Sunday */
};

struct segs__zone_date {
    enum segs__zone_date_kind kind;
    int month;
    int week;
    int day;
    int32_t time; /* seconds after midnight of the local time that ends there */
};

/* The POSIX TZ rule of a footer. */
struct segs__zone_rule {
    bool has_dst;
    struct segs__zone_type standard;
    struct segs__zone_type dst;
    struct segs__zone_date dst_start;
    struct segs__zone_date dst_end;
};

/* Transition i makes types[type_of[i]] begin at times[i]; the times ascend strictly. Before the
 * first one types[0] is in force. After the last one the rule is, when there is one. */
struct segs_zone {
    const struct segs_allocator *allocator;
    size_t n_times;
    size_t n_types;
    int64_t *times;
    uint16_t *type_of;
    struct segs__zone_type *types;
    bool has_rule;
    struct segs__zone_rule rule;
};

/* [begin, end) with one type; INT64_MIN and INT64_MAX mean for ever. */
struct segs__zone_span {
    int64_t begin;
    int64_t end;
    const struct segs__zone_type *type;
};

/* Fill the tables of `zone`, which is zeroed but for its allocator. What was allocated when this
 * fails hangs on the zone. */
int segs__tzif_load(struct segs_zone *zone, const uint8_t *data, size_t size,
                    struct segs_error *reterr);

/* Read a POSIX TZ text. `offset` is where it stands in the caller's input, for errors. */
int segs__zone_rule_parse(const char *text, size_t len, int64_t offset, struct segs__zone_rule *ret,
                          struct segs_error *reterr);

/* What a rule says for second `t` when it always was in force. */
struct segs__zone_span segs__zone_rule_span(const struct segs__zone_rule *rule, int64_t t);

/* Put the transitions that the rule gives for 1969 to 2099 into the table. The zone is unchanged in
 * meaning, also when this fails with SEGS_ENOMEM. */
int segs__zone_unroll(struct segs_zone *zone);

bool segs__is_abbreviation_char(char c);

struct segs__zone_span segs__zone_span_at(const struct segs_zone *zone, int64_t t);

static inline int64_t segs__floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

#endif
