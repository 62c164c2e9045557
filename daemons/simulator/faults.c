#include "simulator/faults.h"

#include <segs/time.h>

#include "simulator/model.h"

enum {
    DRAW_DUPLICATE = 100,
    DRAW_LATE,
    DRAW_OUT_OF_ORDER,
    DRAW_CORRUPT,
    DRAW_DELAY,
    DRAW_DUPLICATE_DELAY,
    DRAW_CORRUPTION
};

struct draws {
    const struct sim_fault_rates *rates;
    uint64_t meter;
    uint64_t ts_ms;
};

static uint64_t draw(const struct draws *draws, uint64_t channel)
{
    return sim_hash(draws->rates->seed, draws->meter, draws->ts_ms, channel);
}

static bool hits(const struct draws *draws, uint64_t channel, int64_t rate_micro)
{
    return rate_micro > 0 && (draw(draws, channel) >> 32) * 1000000 >> 32 < (uint64_t)rate_micro;
}

static int64_t between(const struct draws *draws, uint64_t channel, int64_t min, int64_t max)
{
    return min + (int64_t)(draw(draws, channel) % (uint64_t)(max - min + 1));
}

void sim_faults_draw(const struct sim_fault_rates *rates, int64_t meter, int64_t ts_ms,
                     struct sim_faults *ret)
{
    const struct draws draws = { rates, (uint64_t)meter, (uint64_t)ts_ms };
    const struct sim_faults none = { 0 };

    *ret = none;
    ret->duplicate = hits(&draws, DRAW_DUPLICATE, rates->duplicate);
    ret->late = hits(&draws, DRAW_LATE, rates->late);
    ret->out_of_order = !ret->late && hits(&draws, DRAW_OUT_OF_ORDER, rates->out_of_order);
    ret->corrupt = hits(&draws, DRAW_CORRUPT, rates->corrupt);
    if (ret->late)
        ret->delay_ms = between(&draws, DRAW_DELAY, SIM_LATE_MIN_MS, SIM_LATE_MAX_MS);
    else if (ret->out_of_order)
        ret->delay_ms =
            between(&draws, DRAW_DELAY, SIM_OUT_OF_ORDER_MIN_MS, SIM_OUT_OF_ORDER_MAX_MS);
    /* Half of the repeats meet their first in one request, the other half in the log. */
    if (ret->duplicate && (draw(&draws, DRAW_DUPLICATE_DELAY) & 1))
        ret->duplicate_delay_ms =
            between(&draws, DRAW_DUPLICATE_DELAY, SIM_OUT_OF_ORDER_MIN_MS, SIM_OUT_OF_ORDER_MAX_MS);
    ret->corruption = (uint32_t)(draw(&draws, DRAW_CORRUPTION) % SIM_N_CORRUPTIONS);
}

void sim_corrupt_append(const struct segs_reading *reading, uint32_t corruption, struct rt_buf *out)
{
    char time[SEGS_TIME_BYTES];

    (void)segs_time_format(reading->ts_ms, time, sizeof time);
    switch (corruption) {
    case 0:
        rt_buf_printf(out, "{\"meter_id\":\"%s\",\"timestamp\":\"%s\",\"power_kw\":\"n/a\"}",
                      reading->meter_id, time);
        break;
    case 1:
        rt_buf_printf(out, "{\"timestamp\":\"%s\",\"power_kw\":1.5}", time);
        break;
    case 2:
        rt_buf_printf(out, "{\"meter_id\":\"%s?\",\"timestamp\":\"%s\",\"power_kw\":1.5}",
                      reading->meter_id, time);
        break;
    default:
        rt_buf_printf(out, "{\"meter_id\":\"%s\",\"timestamp\":\"%.10s\",\"power_kw\":1.5}",
                      reading->meter_id, time);
        break;
    }
}
