#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/log.h"
#include "runtime/schema/schema.h"
#include "simulator/simulator.h"
#include "simulator/target.h"

#define BEHIND_MS 1000 /* A cycle whose first batch goes out later than this was behind. */
#define DRAIN_MS 4000
#define REPORT_MS 1000
#define BATCHES_PER_SENDER 4

/* ---- Making readings ---- */

static int64_t late_by_ms(const struct simulator *simulator, int64_t due_ms)
{
    /* Both clocks were read at the start; from there on only the one that never steps counts. */
    int64_t due_mono_ms = simulator->started_mono_ms + (due_ms - simulator->started_ms);

    return rt_monotonic_ms() - due_mono_ms;
}

static void wait_until_due(struct simulator *simulator, int64_t due_ms)
{
    int64_t left_ms;

    while (!atomic_load(&simulator->ending) && (left_ms = -late_by_ms(simulator, due_ms)) > 0)
        rt_sleep_ms(left_ms < 20 ? left_ms : 20);
}

/* The batch was handed over: book what was made for it, and whether that was in time. */
static void book(struct simulator *simulator, int64_t late_ms)
{
    struct sim_generator *generator = &simulator->generator;
    const struct sim_counts nothing = { 0 };

    if (late_ms > BEHIND_MS)
        generator->made.behind += generator->made.cycles;
    sim_account_add(&simulator->account, &generator->made);
    generator->made = nothing;
    atomic_store(&simulator->behind_ms, late_ms > 0 ? late_ms : 0);
}

/* One batch; 0: that was all. */
static int make_one(struct simulator *simulator)
{
    struct sim_generator *generator = &simulator->generator;
    struct sim_batch *batch = sim_queue_take_empty(simulator->queue);
    int64_t due_ms;
    int r;

    if (atomic_load(&simulator->ending))
        sim_generator_end(generator);
    (void)pthread_mutex_lock(&simulator->lock);
    generator->scenarios = simulator->scenarios;
    (void)pthread_mutex_unlock(&simulator->lock);
    r = sim_generator_next(generator, batch);
    due_ms = batch->due_ms;
    if (r > 0)
        wait_until_due(simulator, due_ms);
    if (r > 0 && batch->n > 0)
        sim_queue_put_full(simulator->queue, batch);
    else
        sim_queue_put_empty(simulator->queue, batch);
    if (r != 0)
        book(simulator, late_by_ms(simulator, due_ms));
    return r;
}

static void *generate(void *user)
{
    struct simulator *simulator = user;
    int r;

    rt_log_thread_service("simulator");
    while ((r = make_one(simulator)) != 0) {
        if (r < 0) {
            rt_log_failure(RT_LOG_ERROR, "readings could not be made, the simulator ends", r, NULL);
            atomic_store(&simulator->failed, true);
            break;
        }
    }
    sim_queue_close(simulator->queue);
    if (atomic_load(&simulator->ending))
        return NULL;
    while (!sim_queue_wait_done(simulator->queue, 100) && !atomic_load(&simulator->ending))
        continue;
    if (!simulator->app->dev)
        rt_request_stop();
    return NULL;
}

/* ---- Sending ---- */

static void *send_batches(void *user)
{
    struct sim_sender *sender = user;
    struct simulator *simulator = sender->simulator;
    const struct sim_delivery delivery = { .account = &simulator->account,
                                           .give_up = &simulator->give_up,
                                           .retry_attempts = simulator->settings.retry_attempts,
                                           .retry_delay_ms = simulator->settings.retry_delay_ms };
    struct sim_batch *batch;

    rt_log_thread_service("simulator");
    while ((batch = sim_queue_take_full(simulator->queue)) != NULL) {
        sim_deliver(&delivery, sender->target, batch);
        sim_queue_put_empty(simulator->queue, batch);
    }
    return NULL;
}

static int start_sender(struct simulator *simulator, struct sim_sender *sender,
                        struct segs_error *reterr)
{
    const struct sim_settings *settings = &simulator->settings;
    int r;

    sender->simulator = simulator;
    if (settings->to_bus)
        r = sim_target_bus_new(simulator->has_own_ports ? simulator->own_ports.bus
                                                        : simulator->app->bus,
                               &sender->target, reterr);
    else
        r = sim_target_http_new(settings->url, settings->key, &sender->target, reterr);
    if (r == 0 && pthread_create(&sender->thread, NULL, send_batches, sender) != 0)
        r = rt_fail(reterr, SEGS_ENOMEM, NULL, "cannot start a sending thread");
    sender->is_running = r == 0;
    return r;
}

/* ---- Reporting ---- */

/* Replaced in one step, so that whoever reads it finds a whole document, also after a kill. */
static int write_report(struct simulator *simulator)
{
    struct rt_buf text = RT_BUF_INIT;
    struct rt_json_out out;
    char temporary[3100];
    FILE *file;
    int r = -1;

    rt_json_begin(&out, &text);
    sim_status_put_json(simulator, &out);
    rt_buf_text(&text, "\n");
    (void)snprintf(temporary, sizeof temporary, "%s.new", simulator->settings.report);
    file = rt_buf_status(&text) == 0 ? fopen(temporary, "w") : NULL;
    if (file) {
        r = fwrite(text.data, 1, text.len, file) == text.len ? 0 : -1;
        if (fclose(file) != 0 || r < 0 || rename(temporary, simulator->settings.report) != 0)
            r = -1;
    }
    rt_buf_free(&text);
    return r;
}

static void report_once(struct simulator *simulator)
{
    if (write_report(simulator) < 0)
        rt_log(RT_LOG_WARN, "the report cannot be written",
               RT_STR("path", simulator->settings.report), RT_STR("reason", strerror(errno)));
}

static void *report(void *user)
{
    struct simulator *simulator = user;
    int64_t next_ms = rt_monotonic_ms();

    rt_log_thread_service("simulator");
    while (!atomic_load(&simulator->closing)) {
        if (rt_monotonic_ms() >= next_ms) {
            report_once(simulator);
            next_ms += REPORT_MS;
        }
        rt_sleep_ms(50);
    }
    return NULL;
}

/* ---- Life ---- */

int sim_run_start(struct simulator *simulator, struct segs_error *reterr)
{
    const struct sim_settings *settings = &simulator->settings;
    struct sim_plan plan = { .interval_ms = settings->model.interval_ms,
                             .n_meters = settings->model.n_meters,
                             .iterations = settings->iterations,
                             .spread = settings->spread };
    int r = sim_queue_new((size_t)(settings->concurrency * BATCHES_PER_SENDER),
                          (size_t)settings->batch_size, &simulator->queue);

    if (r < 0)
        return rt_fail(reterr, r, NULL, "no memory for batches");
    for (int64_t i = 0; r == 0 && i < settings->concurrency; i++)
        r = start_sender(simulator, &simulator->senders[i], reterr);
    if (r < 0)
        return r;
    simulator->started_ms = rt_clock_now_ms(&simulator->app->clock);
    simulator->started_mono_ms = rt_monotonic_ms();
    plan.start_ms = simulator->started_ms;
    sim_generator_init(&simulator->generator, &plan, simulator->model, &settings->rates);
    if (settings->report) {
        report_once(simulator);
        if (pthread_create(&simulator->reporting, NULL, report, simulator) != 0)
            return rt_fail(reterr, SEGS_ENOMEM, NULL, "cannot start the reporting thread");
        simulator->is_reporting = true;
    }
    if (pthread_create(&simulator->generating, NULL, generate, simulator) != 0)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "cannot start the generating thread");
    simulator->is_generating = true;
    return 0;
}

void sim_run_drain(struct simulator *simulator)
{
    atomic_store(&simulator->ending, true);
    if (!sim_queue_wait_done(simulator->queue, DRAIN_MS))
        rt_log_plain(RT_LOG_WARN, "the target does not take what is left, giving it up");
}

static void log_totals(struct simulator *simulator)
{
    struct sim_counts c;

    sim_account_get(&simulator->account, &c);
    rt_log(RT_LOG_INFO, "totals", RT_INT("generated", c.generated),
           RT_INT("duplicates", c.duplicates), RT_INT("corrupt", c.corrupt), RT_INT("sent", c.sent),
           RT_INT("accepted", c.accepted), RT_INT("rejected", c.rejected),
           RT_INT("duplicates_reported", c.duplicates_reported),
           RT_INT("distinct_accepted", c.distinct_accepted), RT_INT("retries", c.retries),
           RT_INT("ambiguous", c.ambiguous), RT_INT("unresolved", c.unresolved),
           RT_INT("dropped", c.dropped_refused + c.dropped_unavailable + c.dropped_stopped),
           RT_INT("behind", c.behind));
}

void sim_run_stop(struct simulator *simulator)
{
    atomic_store(&simulator->ending, true);
    atomic_store(&simulator->give_up, true);
    if (simulator->is_generating)
        (void)pthread_join(simulator->generating, NULL);
    else if (simulator->queue)
        sim_queue_close(simulator->queue);
    for (size_t i = 0; i < SIM_THREADS_MAX; i++) {
        struct sim_sender *sender = &simulator->senders[i];

        if (sender->is_running)
            (void)pthread_join(sender->thread, NULL);
        if (sender->target)
            sender->target->free(sender->target);
    }
    atomic_store(&simulator->closing, true);
    if (simulator->is_reporting) {
        (void)pthread_join(simulator->reporting, NULL);
        report_once(simulator);
    }
    if (simulator->is_generating)
        log_totals(simulator);
    sim_generator_destroy(&simulator->generator);
    sim_queue_free(simulator->queue);
}
