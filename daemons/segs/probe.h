/* What `segs status` asks a running process, and how it reads the answers. */
#ifndef SEGS_PROBE_H
#define SEGS_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/httpc.h"
#include "segs/run_file.h"

enum probe_state { PROBE_UP = 0, PROBE_DEGRADED = 1, PROBE_DOWN = 2 };

struct probe_partition {
    int64_t partition;
    int64_t lag;
    char held_back_by[128]; /* "" when nothing does. */
};

/* One service. */
struct probe {
    const struct run_service *service;
    enum probe_state state;
    double rate;      /* Per second; negative: not known. */
    const char *unit; /* Of the rate. */
    char error[192];  /* First thing that is not ready, "" when all is. */
    const char *hint; /* What to do, or NULL. */
};

#define PROBE_PARTITIONS_MAX 256

struct probes {
    struct probe services[RUN_SERVICES_MAX];
    size_t n_services;
    struct probe_partition partitions[PROBE_PARTITIONS_MAX];
    size_t n_partitions;
};

/* Ask every service, the counters twice with about `between_ms` in between. 0 or SEGS_ENOMEM; what does not answer is down. */
int probe_all(const struct run_file *run, int64_t between_ms, struct probes *ret);
/* The state of all together. */
enum probe_state probe_overall(const struct probes *probes);
const char *probe_state_name(enum probe_state state);

/* ---- Readers of answers, for tests ---- */

/* Sum of a family's samples in Prometheus text whose labels contain `label` ("" for all); false when there is none. */
bool probe_read_counter(const char *text, size_t len, const char *family, const char *label,
                        double *ret);
/* The first "[-]..." line of /readyz?verbose; false when there is none. */
bool probe_read_failure(const char *text, size_t len, char *ret, size_t size);
/* The answer of /partitions; 0 or SEGS_ESYNTAX. */
int probe_read_partitions(const char *text, size_t len, struct probe_partition *ret, size_t max,
                          size_t *ret_n);

#endif
