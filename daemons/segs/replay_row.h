/* Rows of a file into readings. One thread. */
#ifndef SEGS_REPLAY_ROW_H
#define SEGS_REPLAY_ROW_H

#include <segs/intern.h>
#include <segs/reading.h>
#include <segs/zone.h>

#include "segs/csv.h"
#include "segs/replay_map.h"

struct replay_rows {
    struct replay_map map;  /* Bound to the file's header. */
    const char *absent;     /* Cells of this text hold no value, as empty ones do. May be NULL. */
    struct segs_zone *zone; /* Of timestamps without offset; NULL: they are refused. */
    struct segs_intern *meters; /* Slot: last_ms. */
    int64_t *last_ms;
    size_t cap;
};

int replay_rows_init(struct replay_rows *rows, struct segs_error *reterr);
void replay_rows_free(struct replay_rows *rows);

/* Load a zone of the system's database, such as "Europe/Berlin"; "UTC" and "+05:30" work without one. */
int replay_zone_load(const char *name, struct segs_zone **ret, struct segs_error *reterr);

/* The reading of the record that csv holds. A failure says in field which column, in message what was expected and found.
 *
 * A local time that clocks showed twice is the first one, unless the meter has had that or a later time already: then it is the second.
 * So a file in order is read right across the end of daylight saving time. A local time that clocks skipped is refused. */
int replay_row_read(struct replay_rows *rows, const struct csv *csv, struct segs_reading *ret,
                    struct segs_error *reterr);

/* A timestamp as `format` has it: "" (RFC 3339, or YYYY-MM-DD hh:mm[:ss[.f]] local), "unix", "unix_ms", or a pattern of %Y %m %d %H %M %S
 * %y and %% (local; a fraction may follow %S). `last_ms`: the meter's last reading, INT64_MIN when there is none. */
int replay_time_parse(const char *text, const char *format, const struct segs_zone *zone,
                      int64_t last_ms, int64_t *ret, struct segs_error *reterr);

#endif
