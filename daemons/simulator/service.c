#include "simulator/service.h"

#include <stdlib.h>

#include "runtime/log.h"
#include "runtime/metrics.h"
#include "runtime/schema/schema.h"
#include "simulator/settings.h"
#include "simulator/simulator.h"

static atomic_int exit_status;

int simulator_exit_status(void)
{
    return atomic_load(&exit_status);
}

/* ---- Metrics: the account is the truth, counters are brought up to it when somebody looks ---- */

static void raise_to(struct rt_metrics *metrics, const char *result, int64_t value)
{
    struct rt_counter *counter = rt_counter(
        metrics, "segs_simulator_readings_total",
        "Simulated readings and copies, by what became of them.", RT_LABELS("result", result));
    uint64_t shown = rt_counter_value(counter);

    if ((uint64_t)value > shown)
        rt_counter_add(counter, (uint64_t)value - shown);
}

static void collect(struct rt_metrics *metrics, void *user)
{
    static pthread_mutex_t once_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    struct simulator *simulator = user;
    struct sim_counts c;

    (void)pthread_mutex_lock(&once_at_a_time);
    sim_account_get(&simulator->account, &c);
    raise_to(metrics, "generated", c.generated);
    raise_to(metrics, "duplicated", c.duplicates);
    raise_to(metrics, "corrupted", c.corrupt);
    raise_to(metrics, "sent", c.sent);
    raise_to(metrics, "accepted", c.accepted);
    raise_to(metrics, "rejected", c.rejected);
    raise_to(metrics, "duplicate", c.duplicates_reported);
    raise_to(metrics, "dropped", c.dropped_refused + c.dropped_unavailable + c.dropped_stopped);
    rt_gauge_set(rt_gauge(metrics, "segs_simulator_behind_seconds",
                          "How late the last batch was handed over for sending.", NULL),
                 (double)atomic_load(&simulator->behind_ms) / 1000.0);
    (void)pthread_mutex_unlock(&once_at_a_time);
}

/* ---- Life ---- */

static int set_scenarios(struct simulator *simulator, struct segs_error *reterr)
{
    struct sim_scenario *base = &simulator->scenarios.base;
    int r = sim_regions_parse(simulator->model, simulator->settings.mode_regions, &base->regions,
                              reterr);

    base->mode = simulator->settings.mode;
    base->until_ms = INT64_MAX;
    return r;
}

/* The topic may not be there yet when nothing but the simulator runs. */
static int open_bus(struct simulator *simulator, struct segs_error *reterr)
{
    struct rt_app *app = simulator->app;
    int r = 0;

    if (!simulator->settings.to_bus)
        return 0;
    if (!app->bus) {
        r = rt_app_open(app->config, NULL, app->dev, &simulator->own_ports, reterr);
        simulator->has_own_ports = true;
        app = &simulator->own_ports;
    }
    return r < 0 ? r : rt_topic_raw_ensure(app, reterr);
}

/* With ITERATIONS the run is a test of the system, and its result the exit status. */
static void conclude(struct simulator *simulator)
{
    struct sim_counts counts;

    sim_account_get(&simulator->account, &counts);
    if (atomic_load(&simulator->failed) ||
        (simulator->settings.iterations > 0 && !sim_counts_is_complete(&counts)))
        atomic_store(&exit_status, SIMULATOR_EXIT_INCOMPLETE);
}

static void stop(void *state)
{
    struct simulator *simulator = state;

    if (!simulator)
        return;
    rt_metrics_off_render(simulator->app->metrics, collect, simulator);
    rt_http_stop(simulator->http);
    sim_run_stop(simulator);
    conclude(simulator);
    if (simulator->has_own_ports)
        rt_app_close(&simulator->own_ports);
    sim_model_free(simulator->model);
    sim_account_destroy(&simulator->account);
    (void)pthread_mutex_destroy(&simulator->lock);
    free(simulator);
}

static int start(struct rt_app *app, void **ret_state, struct segs_error *reterr)
{
    struct simulator *simulator = calloc(1, sizeof *simulator);
    int r;

    if (!simulator)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the simulator");
    simulator->app = app;
    (void)pthread_mutex_init(&simulator->lock, NULL);
    sim_account_init(&simulator->account);
    sim_settings_read(app->config, &simulator->settings);
    r = sim_model_new(&simulator->settings.model, &simulator->model, reterr);
    if (r == 0)
        r = set_scenarios(simulator, reterr);
    if (r == 0)
        r = open_bus(simulator, reterr);
    if (r == 0)
        r = rt_metrics_on_render(app->metrics, collect, simulator);
    if (r == 0)
        r = sim_http_start(simulator, reterr);
    if (r == 0)
        r = sim_run_start(simulator, reterr);
    if (r < 0) {
        stop(simulator);
        return r;
    }
    *ret_state = simulator;
    return 0;
}

/* A target that is away makes batches wait; the simulator itself works on. */
static void ready(void *state, rt_ready_fn *report, void *user)
{
    (void)state;
    report("generator", true, "running", user);
}

static void drain(void *state)
{
    struct simulator *simulator = state;

    rt_http_drain(simulator->http);
    sim_run_drain(simulator);
}

const struct rt_service segs_simulator_service = {
    .name = "simulator",
    .config = sim_config,
    .n_config = SIM_N_CONFIG,
    .port_key = "SIMULATOR_PORT",
    .start = start,
    .ready = ready,
    .drain = drain,
    .stop = stop,
    .without_ports = true,
};
