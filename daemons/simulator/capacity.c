#include <math.h>

#include "simulator/service.h"
#include "simulator/settings.h"

void simulator_region_capacities(const struct rt_config *config, struct rt_buf *ret)
{
    struct sim_settings settings;
    struct sim_model *model = NULL;

    sim_settings_read(config, &settings);
    if (sim_model_new(&settings.model, &model, NULL) < 0)
        return;
    for (size_t i = 0; i < model->n_regions; i++) {
        long long watts = llrint(sim_model_region_capacity_kw(model, i) * 1000);

        rt_buf_printf(ret, "%s%s=%lld.%03lld", i > 0 ? "," : "", model->regions[i], watts / 1000,
                      watts % 1000);
    }
    sim_model_free(model);
}
