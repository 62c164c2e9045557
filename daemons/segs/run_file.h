/* <data>/segs.json: where the process that works on a data folder is, for `segs status` and `segs down`. And <data>/intervals: the
 * reporting intervals the folder was filled under, for the audit. */
#ifndef SEGS_RUN_FILE_H
#define SEGS_RUN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/errors.h"

#define RUN_SERVICES_MAX 8

struct run_service {
    char name[32];
    char url[160]; /* "http://127.0.0.1:3001". */
};

struct run_file {
    int64_t pid;
    int64_t
        start_ticks; /* The kernel's start time of the process: tells it from a later one of the same number. */
    int64_t started_at_ms;
    char data_dir[4096];
    struct run_service services[RUN_SERVICES_MAX];
    size_t n_services;
};

int run_file_write(const char *data_dir, const struct run_file *run, struct segs_error *reterr);
/* SEGS_ENOTFOUND: there is none. SEGS_ESYNTAX: it is not one of ours. */
int run_file_read(const char *data_dir, struct run_file *ret, struct segs_error *reterr);
int run_file_parse(const char *text, size_t len, struct run_file *ret, struct segs_error *reterr);
void run_file_remove(const char *data_dir);

/* Start time of a process in the kernel's ticks, -1 when it does not run. */
int64_t run_process_start_ticks(int64_t pid);
/* The process that wrote the file still runs. */
bool run_file_is_alive(const struct run_file *run);

/* Note an interval, once each; list what was noted, at most max. */
void run_interval_note(const char *data_dir, int64_t interval_ms);
size_t run_interval_list(const char *data_dir, int64_t *ret_ms, size_t max);

#endif
