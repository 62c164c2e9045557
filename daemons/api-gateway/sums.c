#include "api-gateway/sums.h"

#include <segs/fixed.h>

#include "runtime/schema/schema.h"

#define TAIL_MAX_MS (INT64_C(2) * 86400000)

struct part {
    int64_t power_sum;
    int64_t power_min;
    int64_t power_max;
    int64_t energy_sum;
    uint32_t count;
    uint32_t power_count;
    uint32_t energy_count;
    uint32_t quality;
};

static int add(struct sums *sums, const struct part *part)
{
    int64_t power = 0;
    int64_t energy = 0;

    if (segs_fixed_add(sums->power_sum_micro_kw, part->power_sum, &power) < 0 ||
        segs_fixed_add(sums->energy_sum_micro_kwh, part->energy_sum, &energy) < 0)
        return SEGS_EOVERFLOW;
    if (part->power_count > 0) {
        if (sums->power_count == 0 || part->power_min < sums->power_min_micro_kw)
            sums->power_min_micro_kw = part->power_min;
        if (sums->power_count == 0 || part->power_max > sums->power_max_micro_kw)
            sums->power_max_micro_kw = part->power_max;
    }
    sums->power_sum_micro_kw = power;
    sums->energy_sum_micro_kwh = energy;
    sums->count += part->count;
    sums->power_count += part->power_count;
    sums->energy_count += part->energy_count;
    sums->quality |= part->quality;
    return 0;
}

int sums_add_quarter(struct sums *sums, const struct segs_rollup_row *row)
{
    const struct part part = { row->power_sum_micro_kw,
                               row->power_min_micro_kw,
                               row->power_max_micro_kw,
                               row->energy_sum_micro_kwh,
                               row->count,
                               row->power_count,
                               row->energy_count,
                               row->quality };
    int64_t demand = 0;

    if (segs_rollup_average_power(row, &demand) == 0) {
        if (sums->n_demand == 0 || demand > sums->demand_micro_kw)
            sums->demand_micro_kw = demand;
        sums->n_demand++;
    }
    return add(sums, &part);
}

int sums_add_minute(struct sums *sums, const struct segs_window_row *row)
{
    const struct part part = { row->power_sum_micro_kw,
                               row->power_min_micro_kw,
                               row->power_max_micro_kw,
                               row->energy_sum_micro_kwh,
                               row->count,
                               row->power_count,
                               row->energy_count,
                               row->quality };

    return add(sums, &part);
}

static int quarter(const struct segs_rollup_row *row, void *user)
{
    return sums_add_quarter(user, row);
}

static int minute(const struct segs_window_row *row, void *user)
{
    return sums_add_minute(user, row);
}

int sums_closed_ms(struct rt_db_conn *conn, const struct meter *meter, int64_t *ret_ms,
                   struct segs_error *reterr)
{
    struct rt_db_value params[2] = { rt_db_text(RT_TOPIC_RAW), RT_DB_I(meter->partition) };
    int r = rt_db_query_int(
        conn, "SELECT closed_15m_ms FROM stream_offsets WHERE topic = $1 AND partition = $2",
        params, 2, ret_ms, reterr);

    if (r == SEGS_ENOTFOUND) {
        *ret_ms = 0;
        r = 0;
    }
    return r;
}

int sums_of_range(struct rt_db_conn *conn, const struct meter *meter, int64_t from_ms,
                  int64_t to_ms, struct sums *ret, struct segs_error *reterr)
{
    int64_t closed_ms = 0;
    int64_t tail_ms;
    int r = sums_closed_ms(conn, meter, &closed_ms, reterr);

    if (r == 0)
        r = series_quarters(conn, meter, from_ms, to_ms < closed_ms ? to_ms : closed_ms, quarter,
                            ret, reterr);
    tail_ms = closed_ms > from_ms ? closed_ms : from_ms;
    /* Nothing closed for days means nothing arrived for days, except in a log that is far behind. */
    if (tail_ms < to_ms - TAIL_MAX_MS)
        tail_ms = to_ms - TAIL_MAX_MS;
    if (r == 0 && tail_ms < to_ms)
        r = series_minutes(conn, meter, tail_ms, to_ms, minute, ret, reterr);
    return r;
}

int64_t sums_expected(const struct meter *meter, int64_t from_ms, int64_t to_ms, int64_t now_ms)
{
    int64_t until_ms = to_ms < now_ms ? to_ms : now_ms;

    return until_ms > from_ms ? (until_ms - from_ms) / meter->interval_ms : 0;
}

int64_t sums_completeness(const struct sums *sums, int64_t expected)
{
    if (expected <= 0)
        return 0;
    return sums->count >= expected ? 1000000 : sums->count * 1000000 / expected;
}

void sums_put(struct rt_json_out *out, const char *name, bool there, int64_t value)
{
    if (there)
        rt_json_put_fixed(out, name, value, 6);
    else
        rt_json_put_null(out, name);
}

int64_t sums_average_power(const struct sums *sums)
{
    int64_t average = 0;

    if (sums->power_count > 0)
        (void)segs_mul_div(sums->power_sum_micro_kw, 1, sums->power_count, SEGS_ROUND_HALF_EVEN,
                           &average);
    return average;
}
