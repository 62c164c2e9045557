#include <segs/zone.h>

#include "base/base_internal.h"
#include "base/zone_internal.h"

/* Finding the transitions of a rule around an instant takes several times as long as finding them
 * in a table, so those of the years that meters live in are put into the table once. */
#define UNROLL_FROM INT64_C(-31536000)   /* 1969-01-01 */
#define UNROLL_UNTIL INT64_C(4102444800) /* 2100-01-01 */

/* Two a year, of which those of the neighbouring years may fall inside, and the beginning. */
#define UNROLL_MAX (2 * (2101 - 1968 + 1) + 1)

/* Makes room for the transitions and adds the two types of the rule. */
static int reserve(struct segs_zone *zone)
{
    struct segs__zone_type *types;
    uint16_t *type_of;
    int64_t *times;

    times =
        segs__resize_array(zone->allocator, zone->times, zone->n_times + UNROLL_MAX, sizeof *times);
    if (!times)
        return SEGS_ENOMEM;
    zone->times = times;
    type_of = segs__resize_array(zone->allocator, zone->type_of, zone->n_times + UNROLL_MAX,
                                 sizeof *type_of);
    if (!type_of)
        return SEGS_ENOMEM;
    zone->type_of = type_of;
    types = segs__resize_array(zone->allocator, zone->types, zone->n_types + 2, sizeof *types);
    if (!types)
        return SEGS_ENOMEM;
    zone->types = types;

    types[zone->n_types] = zone->rule.standard;
    types[zone->n_types + 1] = zone->rule.dst;
    zone->n_types += 2;
    return 0;
}

int segs__zone_unroll(struct segs_zone *zone)
{
    int64_t at = UNROLL_FROM;
    size_t n_max = zone->n_times + UNROLL_MAX;
    int r;

    if (!zone->has_rule || !zone->rule.has_dst)
        return 0;
    /* The last transition of the file stays in force until the rule's next event, even where the
     * rule would contradict it, as in some slim files: it was written for its instant, the rule for
     * the years after. */
    if (zone->n_times > 0 && zone->times[zone->n_times - 1] >= at)
        at = segs__zone_span_at(zone, zone->times[zone->n_times - 1]).end;
    if (at >= UNROLL_UNTIL)
        return 0;
    r = reserve(zone);
    if (r < 0)
        return r;

    while (at < UNROLL_UNTIL && zone->n_times < n_max) {
        struct segs__zone_span span = segs__zone_rule_span(&zone->rule, at);
        size_t type = zone->n_types - (span.type == &zone->rule.dst ? 1 : 2);

        zone->times[zone->n_times] = at;
        zone->type_of[zone->n_times] = (uint16_t)type;
        zone->n_times++;
        at = span.end;
    }
    return 0;
}
