#include <stdio.h>
#include <string.h>

#include <segs/time.h>

#include "simulator/service.h"
#include "simulator/simulator.h"

#define ACCESS_INTERNAL 1u
#define SCENARIO_MAX_BYTES 16384

/* ---- Status ---- */

static void put_scenario(const struct simulator *simulator, struct rt_json_out *out,
                         const char *name, const struct sim_scenario *scenario)
{
    rt_json_object(out, name);
    rt_json_put_string(out, "mode", sim_mode_name(scenario->mode));
    rt_json_array(out, "regions");
    for (size_t i = 0; i < simulator->model->n_regions; i++) {
        if (scenario->regions >> i & 1)
            rt_json_put_string(out, NULL, simulator->model->regions[i]);
    }
    rt_json_end_array(out);
    if (scenario->from_ms > 0)
        rt_json_put_time(out, "since", scenario->from_ms);
    if (scenario->until_ms != INT64_MAX)
        rt_json_put_time(out, "until", scenario->until_ms);
    rt_json_end_object(out);
}

/* The scenario that was set ends by time, without anybody clearing it. */
static void put_scenarios(struct simulator *simulator, struct rt_json_out *out)
{
    int64_t now_ms = rt_clock_now_ms(&simulator->app->clock);
    struct sim_scenarios scenarios;

    (void)pthread_mutex_lock(&simulator->lock);
    scenarios = simulator->scenarios;
    (void)pthread_mutex_unlock(&simulator->lock);
    put_scenario(simulator, out, "base", &scenarios.base);
    if (scenarios.has_top && now_ms < scenarios.top.until_ms)
        put_scenario(simulator, out, "scenario", &scenarios.top);
    else
        rt_json_put_null(out, "scenario");
}

void sim_status_put_json(struct simulator *simulator, struct rt_json_out *out)
{
    struct sim_counts counts;

    sim_account_get(&simulator->account, &counts);
    rt_json_object(out, NULL);
    rt_json_put_time(out, "started_at", simulator->started_ms);
    rt_json_put_time(out, "now", rt_clock_now_ms(&simulator->app->clock));
    rt_json_put_int(out, "meters", simulator->settings.model.n_meters);
    rt_json_put_int(out, "interval_ms", simulator->settings.model.interval_ms);
    rt_json_put_int(out, "seed", (int64_t)simulator->settings.model.seed);
    put_scenarios(simulator, out);
    rt_json_put_int(out, "behind_ms", atomic_load(&simulator->behind_ms));
    rt_json_put_bool(out, "complete", sim_counts_is_complete(&counts));
    rt_json_object(out, "counts");
    sim_counts_put_json(out, &counts);
    rt_json_end_object(out);
    rt_json_end_object(out);
}

static void answer_status(struct rt_http_exchange *x, struct simulator *simulator,
                          const char *message)
{
    struct rt_buf data = RT_BUF_INIT;
    struct rt_json_out out;

    rt_json_begin(&out, &data);
    sim_status_put_json(simulator, &out);
    if (rt_buf_status(&data) < 0)
        rt_http_unavailable(x, 1, "out_of_memory", "The service is short of memory.");
    else
        rt_http_success(x, 200, message, &data, NULL);
    rt_buf_free(&data);
}

static void get_status(struct rt_http_exchange *x, void *user)
{
    answer_status(x, user, "Simulator");
}

/* ---- Scenario ---- */

static bool read_regions(struct rt_http_exchange *x, const struct sim_model *model,
                         const struct rt_json *json, uint64_t *ret)
{
    uint64_t bits = 0;

    if (!rt_json_has(json, "regions")) {
        *ret = UINT64_MAX;
        return true;
    }
    for (size_t i = 0; i < rt_json_n_strings(json, "regions"); i++) {
        struct segs_error err = { 0 };
        uint64_t one = 0;

        if (sim_regions_parse(model, rt_json_string_at(json, "regions", i), &one, &err) < 0) {
            char pointer[48];

            (void)snprintf(pointer, sizeof pointer, "/regions/%zu", i);
            rt_http_fault(x, pointer, "unknown", err.message);
            return false;
        }
        bits |= one;
    }
    *ret = bits;
    return true;
}

static bool read_until(struct rt_http_exchange *x, const struct rt_json *json, int64_t now_ms,
                       int64_t *ret)
{
    const char *text = rt_json_string(json, "until");
    struct segs_error err = { 0 };

    *ret = INT64_MAX;
    if (!text)
        return true;
    if (segs_time_parse(text, strlen(text), ret, &err) < 0) {
        rt_http_fault(x, "/until", "range", err.message);
        return false;
    }
    if (*ret <= now_ms) {
        rt_http_fault(x, "/until", "range", "expected a time in the future");
        return false;
    }
    return true;
}

static bool read_scenario(struct rt_http_exchange *x, const struct simulator *simulator,
                          const struct rt_json *json, struct sim_scenario *ret)
{
    bool ok = true;

    ret->from_ms = rt_clock_now_ms(&simulator->app->clock);
    if (!sim_mode_parse(rt_json_string(json, "mode"), &ret->mode)) {
        rt_http_fault(x, "/mode", "range", "expected normal, peak, outage or mixed");
        ok = false;
    }
    ok = read_regions(x, simulator->model, json, &ret->regions) && ok;
    return read_until(x, json, ret->from_ms, &ret->until_ms) && ok;
}

static void put_scenario_request(struct rt_http_exchange *x, void *user)
{
    static const struct rt_json_member members[] = {
        { .name = "mode", .type = RT_JSON_STRING, .required = true, .min_len = 1, .max_len = 16 },
        { .name = "regions",
          .type = RT_JSON_STRINGS,
          .min_len = 1,
          .max_len = SEGS_ID_BYTES,
          .min = 1,
          .max = SIM_REGIONS_MAX },
        { .name = "until", .type = RT_JSON_STRING, .min_len = 1, .max_len = 40 },
        { .name = NULL },
    };
    struct simulator *simulator = user;
    const struct rt_json *json = NULL;
    struct sim_scenario scenario = { .mode = SIM_NORMAL };

    if (rt_http_json_body(x, members, &json) < 0)
        return;
    if (!read_scenario(x, simulator, json, &scenario)) {
        rt_http_problem(x, 422, "invalid_scenario", "The scenario cannot be set; errors says why.");
        return;
    }
    (void)pthread_mutex_lock(&simulator->lock);
    simulator->scenarios.top = scenario;
    simulator->scenarios.has_top = true;
    (void)pthread_mutex_unlock(&simulator->lock);
    answer_status(x, simulator, "Scenario set");
}

/* Back to what the configuration says. */
static void delete_scenario(struct rt_http_exchange *x, void *user)
{
    struct simulator *simulator = user;

    (void)pthread_mutex_lock(&simulator->lock);
    simulator->scenarios.has_top = false;
    (void)pthread_mutex_unlock(&simulator->lock);
    answer_status(x, simulator, "Scenario ended");
}

/* ---- Server ---- */

static const struct rt_http_route routes[] = {
    { .method = "GET", .path = "/status", .handler = get_status, .access = ACCESS_INTERNAL },
    { .method = "PUT",
      .path = "/scenario",
      .handler = put_scenario_request,
      .max_body = SCENARIO_MAX_BYTES,
      .access = ACCESS_INTERNAL },
    { .method = "DELETE",
      .path = "/scenario",
      .handler = delete_scenario,
      .access = ACCESS_INTERNAL },
    { .method = NULL },
};

/* Open to this machine in `segs dev`, to nobody otherwise. */
static int authorise(struct rt_http_exchange *x, const struct rt_http_route *route, void *user)
{
    const struct simulator *simulator = user;
    const char *peer = rt_http_peer(x);

    (void)route;
    if (simulator->app->dev && (strcmp(peer, "127.0.0.1") == 0 || strcmp(peer, "::1") == 0))
        return 0;
    rt_http_problem(x, 403, "forbidden",
                    "This operation is for the machine SEGS runs on in development mode.");
    return SEGS_EDENIED;
}

int sim_http_start(struct simulator *simulator, struct segs_error *reterr)
{
    struct rt_http_options options = {
        .service = "simulator",
        .bind = rt_config_string(simulator->app->config, "BIND_ADDRESS"),
        .port = (int32_t)rt_config_int(simulator->app->config, "SIMULATOR_PORT"),
        .n_threads = 4,
        .routes = routes,
        .authorise = authorise,
        .user = simulator,
        .metrics = simulator->app->metrics,
        .readiness_of = &segs_simulator_service,
        .readiness_state = simulator,
    };

    return rt_http_start(&options, &simulator->http, reterr);
}
