/* The simulator's settings. */
#ifndef SIMULATOR_SETTINGS_H
#define SIMULATOR_SETTINGS_H

#include "runtime/config.h"
#include "simulator/generator.h"

#define SIM_N_CONFIG 22
extern const struct rt_config_entry sim_config[SIM_N_CONFIG];

/* Texts are the configuration's. */
struct sim_settings {
    struct sim_model_options model;
    struct sim_fault_rates rates;
    enum sim_mode mode;
    bool to_bus;
    bool spread;
    const char *mode_regions; /* NULL: all. */
    const char *url;
    const char *key; /* NULL: none. */
    const char *report;
    int64_t batch_size;
    int64_t concurrency;
    int64_t iterations;
    int64_t retry_attempts;
    int64_t retry_delay_ms;
};
void sim_settings_read(const struct rt_config *config, struct sim_settings *ret);

#endif
