/* A service is a value; the runtime starts it alone in a daemon or beside the others in `segs dev`.
 */
#ifndef RT_SERVICE_H
#define RT_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "config.h"
#include "errors.h"

struct rt_bus;
struct rt_cache;
struct rt_db;
struct rt_metrics;

/* What every service of the process shares. Opened before and closed after all services. */
struct rt_app {
    const struct rt_config *config;
    struct rt_bus *bus; /* This and the next two: NULL in a process without ports. */
    struct rt_db *db;   /* Relational and time series tables. */
    struct rt_cache *cache;
    struct rt_metrics *metrics;
    struct rt_clock clock;
    const char *data_dir;       /* Embedded mode: absolute path of the data folder. */
    bool dev;                   /* `segs dev`: loopback only, demo accounts, generated secrets. */
    struct rt_app_private *own; /* The lifecycle's. */
};

/* One line of /readyz?verbose. */
typedef void(rt_ready_fn)(const char *what, bool ok, const char *detail, void *user);

struct rt_service {
    const char *name; /* "ingestion": also the folder, the metric label and the log's service. */
    const struct rt_config_entry *config;
    size_t n_config;
    const char *port_key; /* Config entry of its port, e.g. "INGESTION_PORT". */

    /* Start everything and return once the service can work. State is owned by the service. */
    int (*start)(struct rt_app *app, void **ret_state, struct segs_error *reterr);
    /* Report each thing readiness depends on. Must not block more than 100 ms. */
    void (*ready)(void *state, rt_ready_fn *report, void *user);
    /* Stop taking new work and finish what was taken; called before any service of the process is
     * stopped. */
    void (*drain)(void *state);
    /* Release everything. */
    void (*stop)(void *state);

    /* Needs neither bus, database, cache nor data folder (the simulator that speaks HTTP). A
     * process whose services all say so opens none of them: app->bus, db, cache and data_dir are
     * NULL, and it runs beside `segs dev`. */
    bool without_ports;
};

/* ---- Lifecycle (lifecycle.c) ---- */

struct rt_runtime;

/* Opens the ports named by the configuration, starts the services in order, serves until
 * SIGTERM/SIGINT (a second signal ends at once), drains and stops in reverse order. Returns 0 or
 * the failure that kept it from starting; services that had started are then stopped again.
 * `on_up` (may be NULL) is called once everything is ready, with the process's app. Sets up the
 * log as configured. Drain and stop together may take SHUTDOWN_TIMEOUT; then the process ends with
 * exit status 1. One call at a time per process. */
struct rt_run_options {
    const struct rt_service *const *services;
    size_t n_services;
    const struct rt_config *config;
    const char *data_dir; /* NULL: DATA_DIR. Made with mode 0700, locked against other processes. */
    bool dev;
    void (*on_up)(struct rt_app *app, void *user);
    void *user;
};
int rt_run(const struct rt_run_options *options, struct segs_error *reterr);
/* As the first SIGTERM does; async-signal-safe, from any thread; more calls change nothing. */
void rt_request_stop(void);

/* The pieces of rt_run for programs that need the ports without its main loop (replay, audit,
 * tests). */
/* SEGS_ENOTSUP: the configuration names an engine that this build does not have; SEGS_ECONFLICT:
 * another process works on the data folder; otherwise as the ports fail. *ret is then empty, which
 * rt_app_close takes, too. */
int rt_app_open(const struct rt_config *config, const char *data_dir, bool dev, struct rt_app *ret,
                struct segs_error *reterr);
void rt_app_close(struct rt_app *app);

/* Entries every process understands: LOG_LEVEL, LOG_FORMAT, KAFKA_BROKERS, DATABASE_URL,
 * TIMESCALE_URL, REDIS_URL, DATA_DIR, BIND_ADDRESS, RAW_PARTITIONS, ... */
extern const struct rt_config_entry rt_common_config[];
extern const size_t rt_n_common_config;

/* Body of a daemon's main.c: parse --config FILE, --data-dir DIR, --check-config, --help,
 * --version, then rt_run with the one service. Returns the exit status: 0; 1 when it could not
 * start; 2 when the command line or the configuration is wrong, so that starting again would not
 * help. */
int rt_main(const struct rt_service *service, int argc, char **argv);

#endif
