#include "simulator/settings.h"

#include <string.h>

#define MILLION 1000000

const struct rt_config_entry sim_config[SIM_N_CONFIG] = {
    { .name = "SIMULATOR_PORT",
      .alias = "PORT",
      .fallback = "3007",
      .type = RT_CONFIG_INT,
      .min = 0,
      .max = 65535,
      .help = "Port for health, metrics, /status and /scenario; 0 takes a free one." },
    { .name = "METERS",
      .fallback = "5000",
      .unit = "meters",
      .type = RT_CONFIG_INT,
      .min = 1,
      .max = SIM_METERS_MAX,
      .help =
          "Simulated meters, each reporting once per interval: the load is METERS / INTERVAL." },
    { .name = "INTERVAL",
      .fallback = "10s",
      .unit = "s",
      .type = RT_CONFIG_DURATION,
      .min = 1000,
      .max = 3600000,
      .help = "Reporting interval of each meter." },
    { .name = "MODE",
      .fallback = "normal",
      .choices = "normal|peak|outage|mixed",
      .type = RT_CONFIG_CHOICE,
      .help = "What the meters live through; PUT /scenario changes it on the way." },
    { .name = "MODE_REGIONS",
      .type = RT_CONFIG_LIST,
      .help = "Regions that MODE is about, comma-separated; unset: all. The others are normal." },
    { .name = "REGIONS",
      .fallback = "Mumbai-North,Delhi-North,Bangalore-East,Pune-West",
      .type = RT_CONFIG_LIST,
      .min = 1,
      .max = 4096,
      .help = "Names of the regions the meters are in, comma-separated." },
    { .name = "UTC_OFFSET",
      .fallback = "330",
      .unit = "min",
      .type = RT_CONFIG_INT,
      .min = -1439,
      .max = 1439,
      .help = "Local time of the meters minus UTC: it moves their daily curve." },
    { .name = "SEED",
      .fallback = "1",
      .type = RT_CONFIG_INT,
      .min = 0,
      .max = INT64_MAX,
      .help = "The same seed gives the same meters and the same values at the same times." },
    { .name = "TARGET",
      .fallback = "http",
      .choices = "http|bus",
      .type = RT_CONFIG_CHOICE,
      .help = "Where readings go: the intake (`http`) or past it into the log (`bus`)." },
    { .name = "INGESTION_URL",
      .fallback = "http://127.0.0.1:3001/telemetry/batch",
      .type = RT_CONFIG_STRING,
      .min = 8,
      .max = 2048,
      .help = "Where batches are posted." },
    { .name = "INGEST_KEY",
      .type = RT_CONFIG_STRING,
      .secret = true,
      .help = "Ingest key sent with each batch; unset: none." },
    { .name = "BATCH_SIZE",
      .fallback = "500",
      .unit = "readings",
      .type = RT_CONFIG_INT,
      .min = SIM_BATCH_MIN,
      .max = 10000,
      .help = "Most readings in one batch." },
    { .name = "CONCURRENCY",
      .fallback = "4",
      .unit = "threads",
      .type = RT_CONFIG_INT,
      .min = 1,
      .max = 64,
      .help = "Batches sent at the same time." },
    { .name = "SIMULATOR_SPREAD",
      .fallback = "true",
      .type = RT_CONFIG_BOOL,
      .help = "Spread the meters over the interval; otherwise all report at its beginning." },
    { .name = "ITERATIONS",
      .fallback = "0",
      .unit = "intervals",
      .type = RT_CONFIG_INT,
      .min = 0,
      .max = INT64_C(1000000000),
      .help = "Intervals to simulate before the process ends; 0: until it is stopped." },
    { .name = "DUPLICATE_RATE",
      .fallback = "0.01",
      .type = RT_CONFIG_RATIO,
      .min = 0,
      .max = MILLION,
      .help = "Share of readings that are sent twice." },
    { .name = "LATE_RATE",
      .fallback = "0.002",
      .type = RT_CONFIG_RATIO,
      .min = 0,
      .max = MILLION,
      .help = "Share of readings delivered 15 seconds to 2 minutes after their time." },
    { .name = "OUT_OF_ORDER_RATE",
      .fallback = "0.005",
      .type = RT_CONFIG_RATIO,
      .min = 0,
      .max = MILLION,
      .help = "Share of readings delivered half a second to 5 seconds after their time." },
    { .name = "CORRUPT_RATE",
      .fallback = "0.0005",
      .type = RT_CONFIG_RATIO,
      .min = 0,
      .max = MILLION,
      .help = "Share of readings that a damaged copy goes with." },
    { .name = "RETRY_ATTEMPTS",
      .fallback = "0",
      .unit = "tries",
      .type = RT_CONFIG_INT,
      .min = 0,
      .max = 1000000,
      .help =
          "Repeats of a batch without an answer before it is given up; 0: until there is one." },
    { .name = "RETRY_DELAY",
      .fallback = "200ms",
      .unit = "ms",
      .type = RT_CONFIG_DURATION,
      .min = 1,
      .max = 5000,
      .help = "Wait before the first repeat; doubles up to 5 s." },
    { .name = "SIMULATOR_REPORT",
      .type = RT_CONFIG_STRING,
      .min = 1,
      .max = 3000,
      .help = "File that holds the counts as JSON, replaced every second." },
};

void sim_settings_read(const struct rt_config *config, struct sim_settings *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->model.seed = (uint64_t)rt_config_int(config, "SEED");
    ret->model.n_meters = rt_config_int(config, "METERS");
    ret->model.interval_ms = rt_config_int(config, "INTERVAL");
    ret->model.utc_offset_min = (int32_t)rt_config_int(config, "UTC_OFFSET");
    ret->model.regions = rt_config_string(config, "REGIONS");
    ret->rates.seed = ret->model.seed;
    ret->rates.duplicate = rt_config_int(config, "DUPLICATE_RATE");
    ret->rates.late = rt_config_int(config, "LATE_RATE");
    ret->rates.out_of_order = rt_config_int(config, "OUT_OF_ORDER_RATE");
    ret->rates.corrupt = rt_config_int(config, "CORRUPT_RATE");
    (void)sim_mode_parse(rt_config_string(config, "MODE"), &ret->mode);
    ret->mode_regions = rt_config_string(config, "MODE_REGIONS");
    ret->to_bus = strcmp(rt_config_string(config, "TARGET"), "bus") == 0;
    ret->url = rt_config_string(config, "INGESTION_URL");
    ret->key = rt_config_string(config, "INGEST_KEY");
    ret->report = rt_config_string(config, "SIMULATOR_REPORT");
    ret->spread = rt_config_bool(config, "SIMULATOR_SPREAD");
    ret->batch_size = rt_config_int(config, "BATCH_SIZE");
    ret->concurrency = rt_config_int(config, "CONCURRENCY");
    ret->iterations = rt_config_int(config, "ITERATIONS");
    ret->retry_attempts = rt_config_int(config, "RETRY_ATTEMPTS");
    ret->retry_delay_ms = rt_config_int(config, "RETRY_DELAY");
}
