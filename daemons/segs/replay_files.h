/* The files of a replay, one after the other, and how far it is. One thread. */
#ifndef SEGS_REPLAY_FILES_H
#define SEGS_REPLAY_FILES_H

#include <signal.h>
#include <stdio.h>

#include "segs/replay_feed.h"
#include "segs/replay_pipeline.h"
#include "segs/replay_row.h"

enum replay_format { REPLAY_BY_NAME, REPLAY_CSV, REPLAY_NDJSON };

struct replay_options {
    const char *const *paths;
    size_t n_paths;
    enum replay_format format;
    char delimiter;
    const char *absent;
    int64_t speed; /* Times as fast as it happened; 0: as fast as possible. */
    int64_t max_shown;
};

struct replay_files {
    const struct replay_options *options;
    struct feed *feed;
    struct replay_pipeline *pipeline; /* NULL over HTTP. */
    const volatile sig_atomic_t *interrupted;
    struct replay_map map; /* As given; bound anew to each file's header. */
    struct replay_rows rows;
    const char *path; /* File at work. */
    int64_t n_rows;
    int64_t n_bad;
    int64_t n_shown;
    /* Progress. */
    int64_t bytes_total; /* 0: not known. */
    int64_t bytes_done;  /* Of the files before this one. */
    int64_t bytes_here;
    int64_t began_ms;
    int64_t shown_ms;
    int64_t first_ts_ms; /* INT64_MIN: none yet. */
    bool is_terminal;
    bool has_line; /* A progress line stands on the terminal. */
};

int replay_files_open(struct replay_files *files, const struct replay_options *options,
                      struct feed *feed, struct replay_pipeline *pipeline,
                      const volatile sig_atomic_t *interrupted, struct segs_error *reterr);
void replay_files_close(struct replay_files *files);

/* Send all files. Rows that cannot be taken are named on stderr and counted. RT_ESTOPPING: interrupted. */
int replay_files_send(struct replay_files *files, struct segs_error *reterr);

/* While the pipeline finishes. */
void replay_files_waiting(struct replay_files *files, const struct stream_progress *progress);
/* Clear the progress line. */
void replay_files_done(struct replay_files *files);

#endif
