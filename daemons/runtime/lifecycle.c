#include "runtime/lifecycle_internal.h"

#include <stdlib.h>

#include "runtime/log.h"

struct running {
    const struct rt_run_options *options;
    void **states; /* Of the first n_started services. */
    size_t n_started;
};

static void set_up_log(const struct rt_run_options *options)
{
    enum rt_log_level level = RT_LOG_INFO;

    (void)rt_log_level_parse(rt_config_string(options->config, "LOG_LEVEL"), &level);
    rt_log_setup(level, rt_config_string(options->config, "LOG_FORMAT"),
                 options->n_services == 1 ? options->services[0]->name : "segs");
}

static bool needs_ports(const struct rt_run_options *options)
{
    for (size_t i = 0; i < options->n_services; i++) {
        if (!options->services[i]->without_ports)
            return true;
    }
    return false;
}

static int start_services(struct running *running, struct rt_app *app, struct segs_error *reterr)
{
    for (size_t i = 0; i < running->options->n_services && !rt_signals_stop_asked(); i++) {
        const struct rt_service *service = running->options->services[i];
        int r;

        rt_log_thread_service(service->name);
        r = service->start(app, &running->states[i], reterr);
        rt_log_thread_service(NULL);
        if (r < 0)
            return r;
        running->n_started++;
    }
    return 0;
}

/* Drain all first: what one of them still hands to another must find it working. */
static void stop_services(struct running *running, struct rt_watch *watch)
{
    const struct rt_service *const *services = running->options->services;

    for (size_t i = 0; i < running->n_started; i++) {
        rt_watch_phase(watch, "drain", services[i]->name);
        rt_log_thread_service(services[i]->name);
        if (services[i]->drain)
            services[i]->drain(running->states[i]);
    }
    for (size_t i = running->n_started; i-- > 0;) {
        rt_watch_phase(watch, "stop", services[i]->name);
        rt_log_thread_service(services[i]->name);
        services[i]->stop(running->states[i]);
    }
    rt_log_thread_service(NULL);
    running->n_started = 0;
}

static void shut_down(struct running *running, struct rt_app *app)
{
    int64_t begun_ms = rt_monotonic_ms();
    struct rt_watch *watch =
        rt_watch_start(rt_config_int(running->options->config, "SHUTDOWN_TIMEOUT"));

    stop_services(running, watch);
    rt_watch_phase(watch, "close", "engines");
    rt_app_close(app);
    rt_watch_end(watch);
    rt_log(RT_LOG_INFO, "drained and stopped",
           RT_DBL("seconds", (double)(rt_monotonic_ms() - begun_ms) / 1000.0));
}

static int run_services(struct running *running, struct rt_app *app, struct segs_error *reterr)
{
    int r = start_services(running, app, reterr);

    if (r < 0)
        return r;
    if (!rt_signals_stop_asked()) {
        rt_log(RT_LOG_INFO, "ready", RT_INT("services", running->n_started));
        if (running->options->on_up)
            running->options->on_up(app, running->options->user);
    }
    rt_signals_wait();
    rt_log_plain(RT_LOG_INFO, "stopping");
    return 0;
}

int rt_run(const struct rt_run_options *options, struct segs_error *reterr)
{
    struct running running = { .options = options };
    struct rt_app app;
    int r;

    set_up_log(options);
    running.states = calloc(options->n_services + 1, sizeof *running.states);
    if (!running.states)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory to start");
    r = rt_signals_take(reterr);
    if (r == 0) {
        r = rt_app_open_ports(options->config, options->data_dir, options->dev,
                              needs_ports(options), &app, reterr);
        if (r == 0) {
            r = run_services(&running, &app, reterr);
            shut_down(&running, &app);
        }
        rt_signals_give_back();
    }
    free(running.states);
    rt_log_flush();
    return r;
}
