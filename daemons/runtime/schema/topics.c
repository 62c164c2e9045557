#include "runtime/bus/bus.h"
#include "runtime/schema/schema.h"
#include "runtime/service.h"

int rt_topic_raw_ensure(const struct rt_app *app, struct segs_error *reterr)
{
    struct rt_bus_topic topic = { .name = RT_TOPIC_RAW,
                                  .n_partitions =
                                      (int32_t)rt_config_int(app->config, "RAW_PARTITIONS"),
                                  .retention_ms = rt_config_int(app->config, "RAW_RETENTION"),
                                  .retention_bytes =
                                      rt_config_int(app->config, "RAW_RETENTION_BYTES") };

    return rt_bus_topic_ensure(app->bus, &topic, reterr);
}
