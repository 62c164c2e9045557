/* Scenarios: which mode a region is in at an instant. A base from the configuration, and one on top
 * that an operator may set while the simulator runs.
 *
 * Thread rule: plain data and pure functions. */
#ifndef SIMULATOR_SCENARIO_H
#define SIMULATOR_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "simulator/model.h"

struct sim_scenario {
    enum sim_mode mode;
    uint64_t regions; /* Bit per region of the model. */
    int64_t from_ms;
    int64_t until_ms; /* First instant after it; INT64_MAX: endless. */
};

struct sim_scenarios {
    struct sim_scenario base;
    struct sim_scenario top;
    bool has_top;
};

/* The first that covers region and time decides, from the top; elsewhere it is normal. Mixed means
 * that each region goes through normal, peak, normal and outage, ten minutes each, and neighbours
 * in the list are ten minutes apart. Never SIM_MIXED. */
enum sim_mode sim_scenarios_mode(const struct sim_scenarios *scenarios, size_t region,
                                 int64_t ts_ms);

/* "normal", "peak", "outage", "mixed"; false: none of them. */
bool sim_mode_parse(const char *text, enum sim_mode *ret);
const char *sim_mode_name(enum sim_mode mode);

/* Bits of the regions named in a comma-separated list; NULL: all of them. SEGS_ENOTFOUND names the
 * first that the model does not have. */
int sim_regions_parse(const struct sim_model *model, const char *list, uint64_t *ret,
                      struct segs_error *reterr);

#endif
