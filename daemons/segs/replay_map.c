#include "segs/replay_map.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <segs/fixed.h>

#include "runtime/text.h"

#define FACTOR_DIGITS 9

static const char *const names[MAP_N_FIELDS] = { "meter",       "timestamp",    "power_kw",
                                                 "energy_kwh",  "register_kwh", "voltage",
                                                 "current",     "power_factor", "frequency",
                                                 "temperature", "region" };

/* Headers that are understood without --map, beside the names above. */
static const struct alias {
    enum map_field field;
    const char *header;
} aliases[] = { { MAP_METER, "meter_id" },
                { MAP_METER, "meterId" },
                { MAP_POWER, "powerKw" },
                { MAP_ENERGY, "energyKwh" } };

const char *map_field_name(enum map_field field)
{
    return names[field];
}

static bool is_number(enum map_field field)
{
    return field != MAP_METER && field != MAP_TIMESTAMP && field != MAP_REGION;
}

/* ---- Parsing ---- */

static int find_field(const char *name, size_t len, enum map_field *ret, struct segs_error *reterr)
{
    struct rt_text_nearest nearest = { NULL, 0 };
    char wanted[MAP_TEXT_BYTES];

    (void)snprintf(wanted, sizeof wanted, "%.*s", (int)len, name);
    for (int i = 0; i < MAP_N_FIELDS; i++) {
        if (strcmp(names[i], wanted) == 0 || (i == MAP_METER && strcmp(wanted, "meter_id") == 0)) {
            *ret = (enum map_field)i;
            return 0;
        }
        rt_text_nearest(&nearest, wanted, names[i]);
    }
    return rt_fail(reterr, SEGS_ENOTFOUND, "--map", "no field is called \"%s\"%s%s%s", wanted,
                   nearest.best ? ", did you mean \"" : "", nearest.best ? nearest.best : "",
                   nearest.best ? "\"?" : "");
}

static int copy(char *to, const char *from, size_t len, enum map_field field,
                struct segs_error *reterr)
{
    if (len == 0)
        return rt_fail(reterr, SEGS_ESYNTAX, "--map", "%s: expected a column, found nothing",
                       names[field]);
    if (len >= MAP_TEXT_BYTES)
        return rt_fail(reterr, SEGS_EFULL, "--map", "%s: expected at most %d bytes", names[field],
                       MAP_TEXT_BYTES - 1);
    memcpy(to, from, len);
    to[len] = '\0';
    return 0;
}

/* COL[+COL2][:FORMAT] */
static int parse_timestamp(const char *text, size_t len, struct map_entry *ret,
                           struct segs_error *reterr)
{
    const char *colon = memchr(text, ':', len);
    size_t columns = colon ? (size_t)(colon - text) : len;
    const char *plus = memchr(text, '+', columns);
    int r = 0;

    if (colon)
        r = copy(ret->format, colon + 1, len - columns - 1, MAP_TIMESTAMP, reterr);
    if (r == 0 && plus)
        r = copy(ret->more_columns, plus + 1, columns - (size_t)(plus - text) - 1, MAP_TIMESTAMP,
                 reterr);
    if (r == 0)
        r = copy(ret->column, text, plus ? (size_t)(plus - text) : columns, MAP_TIMESTAMP, reterr);
    return r;
}

/* COL[*FACTOR] */
static int parse_number(const char *text, size_t len, enum map_field field, struct map_entry *ret,
                        struct segs_error *reterr)
{
    size_t column = len;

    for (size_t i = len; i > 0; i--) {
        if (text[i - 1] == '*') {
            column = i - 1;
            break;
        }
    }
    if (column < len && segs_decimal_parse(text + column + 1, len - column - 1, FACTOR_DIGITS,
                                           SEGS_ROUND_EXACT, &ret->factor_nano, NULL) < 0)
        return rt_fail(reterr, SEGS_ESYNTAX, "--map",
                       "%s: expected a factor of at most %d decimals behind *, found \"%.*s\"",
                       names[field], FACTOR_DIGITS, (int)(len - column - 1), text + column + 1);
    return copy(ret->column, text, column, field, reterr);
}

static int parse_source(const char *text, size_t len, enum map_field field, struct map_entry *ret,
                        struct segs_error *reterr)
{
    if (len > 0 && text[0] == '=') {
        ret->is_constant = true;
        return copy(ret->column, text + 1, len - 1, field, reterr);
    }
    if (field == MAP_TIMESTAMP)
        return parse_timestamp(text, len, ret, reterr);
    if (is_number(field))
        return parse_number(text, len, field, ret, reterr);
    return copy(ret->column, text, len, field, reterr);
}

static int parse_entry(const char *text, size_t len, struct replay_map *map,
                       struct segs_error *reterr)
{
    const char *equals = memchr(text, '=', len);
    enum map_field field = MAP_METER;
    struct map_entry *entry;
    int r;

    if (!equals)
        return rt_fail(reterr, SEGS_ESYNTAX, "--map",
                       "expected FIELD=COLUMN or FIELD==CONSTANT, found \"%.*s\"", (int)len, text);
    r = find_field(text, (size_t)(equals - text), &field, reterr);
    if (r < 0)
        return r;
    entry = &map->fields[field];
    if (entry->is_set)
        return rt_fail(reterr, SEGS_ECONFLICT, "--map", "%s is mapped twice", names[field]);
    entry->is_set = true;
    return parse_source(equals + 1, len - (size_t)(equals - text) - 1, field, entry, reterr);
}

int replay_map_parse(const char *text, struct replay_map *ret, struct segs_error *reterr)
{
    struct replay_map map;
    int r = 0;

    memset(&map, 0, sizeof map);
    for (int i = 0; i < MAP_N_FIELDS; i++) {
        map.fields[i].factor_nano = MAP_FACTOR_ONE;
        map.fields[i].index = MAP_NO_COLUMN;
        map.fields[i].more_index = MAP_NO_COLUMN;
    }
    while (r == 0 && *text) {
        size_t len = strcspn(text, ",");

        r = parse_entry(text, len, &map, reterr);
        text += len + (text[len] == ',');
    }
    if (r == 0)
        *ret = map;
    return r;
}

/* ---- Binding ---- */

static size_t column_of(const char *name, const char *const *header, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(header[i], name) == 0)
            return i;
    }
    return MAP_NO_COLUMN;
}

static int bind_column(const char *name, enum map_field field, const char *const *header, size_t n,
                       size_t *ret, struct segs_error *reterr)
{
    struct rt_text_nearest nearest = { NULL, 0 };

    *ret = column_of(name, header, n);
    if (*ret != MAP_NO_COLUMN)
        return 0;
    for (size_t i = 0; i < n; i++)
        rt_text_nearest(&nearest, name, header[i]);
    return rt_fail(reterr, SEGS_ENOTFOUND, names[field], "there is no column \"%s\"%s%s%s", name,
                   nearest.best ? ", did you mean \"" : "", nearest.best ? nearest.best : "",
                   nearest.best ? "\"?" : "");
}

static void bind_by_name(struct map_entry *entry, enum map_field field, const char *const *header,
                         size_t n)
{
    entry->index = column_of(names[field], header, n);
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (entry->index == MAP_NO_COLUMN && aliases[i].field == field)
            entry->index = column_of(aliases[i].header, header, n);
    }
    entry->is_set = entry->index != MAP_NO_COLUMN;
    if (entry->is_set)
        (void)snprintf(entry->column, sizeof entry->column, "%s", header[entry->index]);
}

static int check_enough(const struct replay_map *map, struct segs_error *reterr)
{
    static const enum map_field needed[] = { MAP_METER, MAP_TIMESTAMP };

    for (size_t i = 0; i < 2; i++) {
        if (!map->fields[needed[i]].is_set)
            return rt_fail(reterr, SEGS_ENOTFOUND, names[needed[i]],
                           "no column of this name; say --map %s=COLUMN", names[needed[i]]);
    }
    if (!map->fields[MAP_POWER].is_set && !map->fields[MAP_ENERGY].is_set &&
        !map->fields[MAP_REGISTER].is_set)
        return rt_fail(reterr, SEGS_ENOTFOUND, "power_kw",
                       "no column power_kw, energy_kwh or register_kwh; say --map power_kw=COLUMN");
    return 0;
}

int replay_map_bind(struct replay_map *map, const char *const *header, size_t n,
                    struct segs_error *reterr)
{
    int r = 0;

    for (int i = 0; r == 0 && i < MAP_N_FIELDS; i++) {
        struct map_entry *entry = &map->fields[i];

        if (!entry->is_set)
            bind_by_name(entry, (enum map_field)i, header, n);
        else if (!entry->is_constant)
            r = bind_column(entry->column, (enum map_field)i, header, n, &entry->index, reterr);
        if (r == 0 && entry->more_columns[0])
            r = bind_column(entry->more_columns, (enum map_field)i, header, n, &entry->more_index,
                            reterr);
    }
    return r < 0 ? r : check_enough(map, reterr);
}
