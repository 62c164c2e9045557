#include "simulator/scenario.h"

#include <string.h>

#include "runtime/errors.h"

#define MIXED_BLOCK_MS 600000

static const char *const mode_names[] = { "normal", "peak", "outage", "mixed" };

bool sim_mode_parse(const char *text, enum sim_mode *ret)
{
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, mode_names[i]) == 0) {
            *ret = (enum sim_mode)i;
            return true;
        }
    }
    return false;
}

const char *sim_mode_name(enum sim_mode mode)
{
    return mode_names[mode];
}

static enum sim_mode mixed_mode(size_t region, int64_t ts_ms)
{
    static const enum sim_mode turns[] = { SIM_NORMAL, SIM_PEAK, SIM_NORMAL, SIM_OUTAGE };

    return turns[((uint64_t)ts_ms / MIXED_BLOCK_MS + region) % 4];
}

static bool covers(const struct sim_scenario *scenario, size_t region, int64_t ts_ms)
{
    return (scenario->regions >> region & 1) && ts_ms >= scenario->from_ms &&
           ts_ms < scenario->until_ms;
}

enum sim_mode sim_scenarios_mode(const struct sim_scenarios *scenarios, size_t region,
                                 int64_t ts_ms)
{
    enum sim_mode mode = SIM_NORMAL;

    if (scenarios->has_top && covers(&scenarios->top, region, ts_ms))
        mode = scenarios->top.mode;
    else if (covers(&scenarios->base, region, ts_ms))
        mode = scenarios->base.mode;
    return mode == SIM_MIXED ? mixed_mode(region, ts_ms) : mode;
}

static bool find_region(const struct sim_model *model, const char *name, size_t len, uint64_t *bits)
{
    for (size_t i = 0; i < model->n_regions; i++) {
        if (strlen(model->regions[i]) == len && memcmp(model->regions[i], name, len) == 0) {
            *bits |= UINT64_C(1) << i;
            return true;
        }
    }
    return false;
}

int sim_regions_parse(const struct sim_model *model, const char *list, uint64_t *ret,
                      struct segs_error *reterr)
{
    uint64_t bits = 0;

    if (!list) {
        *ret = UINT64_MAX;
        return 0;
    }
    for (;;) {
        size_t len;

        list += strspn(list, " ");
        len = strcspn(list, ",");
        while (len > 0 && list[len - 1] == ' ')
            len--;
        if (!find_region(model, list, len, &bits))
            return rt_fail(reterr, SEGS_ENOTFOUND, "regions", "no such region: \"%.*s\"", (int)len,
                           list);
        list += strcspn(list, ",");
        if (*list++ == '\0')
            break;
    }
    *ret = bits;
    return 0;
}
