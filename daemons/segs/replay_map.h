/* Which column of a file is what: the text of --map, bound to a header. */
#ifndef SEGS_REPLAY_MAP_H
#define SEGS_REPLAY_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/errors.h"

enum map_field {
    MAP_METER,
    MAP_TIMESTAMP,
    MAP_POWER,
    MAP_ENERGY,
    MAP_REGISTER,
    MAP_VOLTAGE,
    MAP_CURRENT,
    MAP_POWER_FACTOR,
    MAP_FREQUENCY,
    MAP_TEMPERATURE,
    MAP_REGION,
    MAP_N_FIELDS
};

#define MAP_TEXT_BYTES 96
#define MAP_NO_COLUMN SIZE_MAX
/* A factor of 1. */
#define MAP_FACTOR_ONE INT64_C(1000000000)

struct map_entry {
    bool is_set;
    bool is_constant;
    char column[MAP_TEXT_BYTES]; /* Name, or the constant. */
    char
        more_columns[MAP_TEXT_BYTES]; /* Of a timestamp in two columns: the second; "" otherwise. */
    char format[MAP_TEXT_BYTES];      /* Of a timestamp; "" is found out. */
    int64_t factor_nano;
    size_t index; /* Bound: number of the column, MAP_NO_COLUMN for none. */
    size_t more_index;
};

struct replay_map {
    struct map_entry fields[MAP_N_FIELDS];
};

/* Name of a field in --map and as the canonical header. */
const char *map_field_name(enum map_field field);

/* "meter=COL,timestamp=COL[+COL2][:FORMAT],power_kw=COL[*FACTOR],region==CONSTANT"; an empty text maps nothing. SEGS_ESYNTAX,
 * SEGS_ENOTFOUND (no such field, the nearest is named), SEGS_ECONFLICT (a field twice), SEGS_EFULL. */
int replay_map_parse(const char *text, struct replay_map *ret, struct segs_error *reterr);

/* Find the columns in a header. Fields that the map leaves out are taken from columns that bear their canonical name. SEGS_ENOTFOUND: a
 * column that is not there (the nearest is named), or nothing to tell meter, time or a measurement from. */
int replay_map_bind(struct replay_map *map, const char *const *header, size_t n,
                    struct segs_error *reterr);

#endif
