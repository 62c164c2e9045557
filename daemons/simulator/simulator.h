/* The running simulator, shared by service.c, run.c and http.c. */
#ifndef SIMULATOR_SIMULATOR_H
#define SIMULATOR_SIMULATOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "runtime/http.h"
#include "runtime/service.h"
#include "simulator/account.h"
#include "simulator/generator.h"
#include "simulator/queue.h"
#include "simulator/sender.h"
#include "simulator/settings.h"

#define SIM_THREADS_MAX 64

struct simulator;

struct sim_sender {
    struct simulator *simulator;
    struct sim_target *target;
    pthread_t thread;
    bool is_running;
};

struct simulator {
    struct rt_app *app;
    struct rt_app own_ports; /* Opened here for TARGET=bus in a process without ports. */
    struct sim_settings settings;
    struct sim_model *model;
    struct sim_account account;
    struct sim_queue *queue;
    struct sim_generator generator; /* The generating thread's. */
    struct rt_http_server *http;
    struct sim_sender senders[SIM_THREADS_MAX];
    pthread_t generating;
    pthread_t reporting;
    pthread_mutex_t lock;           /* Guards scenarios. */
    struct sim_scenarios scenarios; /* As last set. */
    int64_t started_ms;             /* By the wall clock ... */
    int64_t started_mono_ms;        /* ... and the monotonic one, at the same time. */
    atomic_bool ending;             /* Make nothing new. */
    atomic_bool give_up;            /* Send nothing any more. */
    atomic_bool failed;             /* Out of memory: the books are not complete. */
    atomic_bool closing;            /* The reporting thread ends. */
    _Atomic(int64_t) behind_ms;     /* Of the last batch that was handed over. */
    bool has_own_ports;
    bool is_generating;
    bool is_reporting;
};

/* ---- run.c: threads that make, send and report ---- */
int sim_run_start(struct simulator *simulator, struct segs_error *reterr);
void sim_run_drain(struct simulator *simulator);
void sim_run_stop(struct simulator *simulator);

/* ---- http.c ---- */
int sim_http_start(struct simulator *simulator, struct segs_error *reterr);
/* Totals as one JSON object, for /status and SIMULATOR_REPORT. */
void sim_status_put_json(struct simulator *simulator, struct rt_json_out *out);

#endif
