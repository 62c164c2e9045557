#include "segs/replay_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <segs/fixed.h>

#define MICRO INT64_C(1000000)
#define NANO INT64_C(1000000000)
#define METERS_MAX (UINT32_C(1) << 24)

int replay_rows_init(struct replay_rows *rows, struct segs_error *reterr)
{
    struct segs_intern_options options = SEGS_INTERN_OPTIONS_INIT;

    memset(rows, 0, sizeof *rows);
    options.max_ids = METERS_MAX;
    if (segs_intern_new(&options, &rows->meters) < 0)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the meters of the file");
    return 0;
}

void replay_rows_free(struct replay_rows *rows)
{
    segs_intern_free(rows->meters);
    segs_zone_free(rows->zone);
    free(rows->last_ms);
    memset(rows, 0, sizeof *rows);
}

/* ---- Cells ---- */

/* The cell's text without blanks around it; "" when it holds no value. NULL, with a message, when the record is too short or the cell
 * does not fit. */
static const char *cell_text(const struct replay_rows *rows, const struct csv *csv, size_t index,
                             const char *name, char buf[MAP_TEXT_BYTES * 2],
                             struct segs_error *reterr)
{
    const char *cell = csv_cell(csv, index);
    size_t len;

    if (!cell) {
        (void)rt_fail(reterr, SEGS_ERANGE, name, "expected at least %zu cells, found %zu",
                      index + 1, csv->n_cells);
        return NULL;
    }
    cell += strspn(cell, " \t");
    len = strlen(cell);
    while (len > 0 && (cell[len - 1] == ' ' || cell[len - 1] == '\t'))
        len--;
    if (len >= MAP_TEXT_BYTES) {
        (void)rt_fail(reterr, SEGS_ERANGE, name, "expected at most %d bytes, found %zu",
                      MAP_TEXT_BYTES - 1, len);
        return NULL;
    }
    memcpy(buf, cell, len);
    buf[len] = '\0';
    if (rows->absent && strcmp(buf, rows->absent) == 0)
        buf[0] = '\0';
    return buf;
}

static const char *entry_text(const struct replay_rows *rows, const struct csv *csv,
                              enum map_field field, char buf[MAP_TEXT_BYTES * 2],
                              struct segs_error *reterr)
{
    const struct map_entry *entry = &rows->map.fields[field];

    if (entry->is_constant)
        return entry->column;
    return cell_text(rows, csv, entry->index, entry->column, buf, reterr);
}

/* ---- Texts ---- */

static int read_id(const struct replay_rows *rows, const struct csv *csv, enum map_field field,
                   char ret[SEGS_ID_BYTES], struct segs_error *reterr)
{
    char buf[MAP_TEXT_BYTES * 2];
    const char *text = entry_text(rows, csv, field, buf, reterr);
    struct segs_error err = { 0 };
    size_t len;

    if (!text)
        return SEGS_ERANGE;
    len = strlen(text);
    if (len == 0 && field == MAP_REGION)
        return 0;
    if ((field == MAP_REGION ? segs_region_check(text, len, &err)
                             : segs_id_check(text, len, &err)) < 0)
        return rt_fail(reterr, SEGS_ERANGE, rows->map.fields[field].column,
                       "expected the id of a %s, found \"%s\": %s",
                       field == MAP_REGION ? "region" : "meter", text, err.message);
    memcpy(ret, text, len);
    return 0;
}

static int read_time(struct replay_rows *rows, const struct csv *csv, int64_t last_ms, int64_t *ret,
                     struct segs_error *reterr)
{
    const struct map_entry *entry = &rows->map.fields[MAP_TIMESTAMP];
    char buf[MAP_TEXT_BYTES * 2];
    char more[MAP_TEXT_BYTES * 2];
    const char *text = entry_text(rows, csv, MAP_TIMESTAMP, buf, reterr);
    int r;

    if (!text)
        return SEGS_ERANGE;
    if (entry->more_columns[0]) {
        const char *second =
            cell_text(rows, csv, entry->more_index, entry->more_columns, more, reterr);
        size_t len = strlen(buf);

        if (!second)
            return SEGS_ERANGE;
        (void)snprintf(buf + len, sizeof buf - len, " %s", second);
    }
    r = replay_time_parse(text, entry->format, rows->zone, last_ms, ret, reterr);
    if (r < 0 && reterr)
        (void)snprintf(reterr->field, sizeof reterr->field, "%s", entry->column);
    return r;
}

/* ---- Numbers ---- */

/* The value in millionths; 0 with *ret_has false when the cell is empty. */
static int read_micro(const struct replay_rows *rows, const struct csv *csv, enum map_field field,
                      bool *ret_has, int64_t *ret, struct segs_error *reterr)
{
    const struct map_entry *entry = &rows->map.fields[field];
    char buf[MAP_TEXT_BYTES * 2];
    const char *text = entry->is_set ? entry_text(rows, csv, field, buf, reterr) : "";
    int64_t value = 0;

    *ret_has = false;
    *ret = 0;
    if (!text)
        return SEGS_ERANGE;
    if (text[0] == '\0')
        return 0;
    /* A factor of 1 keeps the widest range; any other one multiplies nanos, so that W become kW without a loss. */
    if (entry->factor_nano == MAP_FACTOR_ONE) {
        if (segs_decimal_parse(text, strlen(text), 6, SEGS_ROUND_HALF_EVEN, ret, NULL) == 0)
            *ret_has = true;
    } else if (segs_decimal_parse(text, strlen(text), 9, SEGS_ROUND_HALF_EVEN, &value, NULL) == 0 &&
               segs_mul_div(value, entry->factor_nano, NANO * (NANO / MICRO), SEGS_ROUND_HALF_EVEN,
                            ret) == 0) {
        *ret_has = true;
    }
    return *ret_has ? 0
                    : rt_fail(reterr, SEGS_ERANGE, entry->column, "expected a number, found \"%s\"",
                              text);
}

/* As a 32-bit number of thousandths, or of millionths for the power factor. */
static int read_small(const struct replay_rows *rows, const struct csv *csv, enum map_field field,
                      uint32_t bit, int32_t *ret, struct segs_reading *reading,
                      struct segs_error *reterr)
{
    int64_t micro = 0;
    int64_t value = 0;
    bool has = false;
    int r = read_micro(rows, csv, field, &has, &micro, reterr);

    if (r < 0 || !has)
        return r;
    if (field == MAP_POWER_FACTOR)
        value = micro;
    else
        r = segs_mul_div(micro, 1, 1000, SEGS_ROUND_HALF_EVEN, &value);
    if (r < 0 || value < INT32_MIN || value > INT32_MAX)
        return rt_fail(reterr, SEGS_ERANGE, rows->map.fields[field].column,
                       "expected a %s that fits, found %lld millionths", map_field_name(field),
                       (long long)micro);
    *ret = (int32_t)value;
    reading->present |= bit;
    return 0;
}

static int read_large(const struct replay_rows *rows, const struct csv *csv, enum map_field field,
                      uint32_t bit, int64_t *ret, struct segs_reading *reading,
                      struct segs_error *reterr)
{
    bool has = false;
    int r = read_micro(rows, csv, field, &has, ret, reterr);

    if (r == 0 && has)
        reading->present |= bit;
    return r;
}

static int read_values(const struct replay_rows *rows, const struct csv *csv,
                       struct segs_reading *ret, struct segs_error *reterr)
{
    int r = read_large(rows, csv, MAP_POWER, SEGS_HAS_POWER, &ret->power_micro_kw, ret, reterr);

    if (r == 0)
        r = read_large(rows, csv, MAP_ENERGY, SEGS_HAS_ENERGY, &ret->energy_micro_kwh, ret, reterr);
    if (r == 0)
        r = read_large(rows, csv, MAP_REGISTER, SEGS_HAS_REGISTER, &ret->register_micro_kwh, ret,
                       reterr);
    if (r == 0)
        r = read_small(rows, csv, MAP_VOLTAGE, SEGS_HAS_VOLTAGE, &ret->voltage_milli_v, ret,
                       reterr);
    if (r == 0)
        r = read_small(rows, csv, MAP_CURRENT, SEGS_HAS_CURRENT, &ret->current_milli_a, ret,
                       reterr);
    if (r == 0)
        r = read_small(rows, csv, MAP_POWER_FACTOR, SEGS_HAS_POWER_FACTOR, &ret->power_factor_micro,
                       ret, reterr);
    if (r == 0)
        r = read_small(rows, csv, MAP_FREQUENCY, SEGS_HAS_FREQUENCY, &ret->frequency_milli_hz, ret,
                       reterr);
    if (r == 0)
        r = read_small(rows, csv, MAP_TEMPERATURE, SEGS_HAS_TEMPERATURE,
                       &ret->temperature_milli_degc, ret, reterr);
    if (r == 0 && !(ret->present & SEGS_HAS_MEASUREMENT))
        r = rt_fail(reterr, SEGS_ERANGE, "",
                    "expected power, energy or a register's standing, found none of them");
    return r;
}

/* ---- Rows ---- */

static int slot_of(struct replay_rows *rows, const char *meter_id, uint32_t *ret,
                   struct segs_error *reterr)
{
    int r = segs_intern_add(rows->meters, meter_id, strlen(meter_id), ret);

    if (r < 0)
        return rt_fail(reterr, r, "meter", "too many meters");
    if (*ret >= rows->cap) {
        size_t cap = rows->cap ? rows->cap * 2 : 1024;
        int64_t *grown = realloc(rows->last_ms, cap * sizeof *grown);

        if (!grown)
            return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the meters of the file");
        rows->last_ms = grown;
        rows->cap = cap;
    }
    if (r > 0)
        rows->last_ms[*ret] = INT64_MIN;
    return 0;
}

int replay_row_read(struct replay_rows *rows, const struct csv *csv, struct segs_reading *ret,
                    struct segs_error *reterr)
{
    struct segs_reading reading;
    uint32_t slot = 0;
    int r;

    memset(&reading, 0, sizeof reading);
    r = read_id(rows, csv, MAP_METER, reading.meter_id, reterr);
    if (r == 0 && rows->map.fields[MAP_REGION].is_set)
        r = read_id(rows, csv, MAP_REGION, reading.region, reterr);
    if (r == 0 && reading.region[0])
        reading.present |= SEGS_HAS_REGION;
    if (r == 0)
        r = slot_of(rows, reading.meter_id, &slot, reterr);
    if (r == 0)
        r = read_time(rows, csv, rows->last_ms[slot], &reading.ts_ms, reterr);
    if (r == 0)
        r = read_values(rows, csv, &reading, reterr);
    if (r == 0)
        r = segs_reading_check(&reading, reterr);
    if (r < 0)
        return r;
    if (reading.ts_ms > rows->last_ms[slot])
        rows->last_ms[slot] = reading.ts_ms;
    *ret = reading;
    return 0;
}
