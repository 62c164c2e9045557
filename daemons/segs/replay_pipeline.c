#include "segs/replay_pipeline.h"

#include <stdio.h>
#include <string.h>

#include "runtime/db/db.h"
#include "runtime/schema/schema.h"

#define LAG_HIGH 400000
#define LAG_LOW 100000
#define STEP_MS 20
#define STEPS_PER_CALL 5
#define START_MS 10000
/* How long checkpoints may keep failing before a replay gives up. */
#define FAILING_MS 60000

int replay_pipeline_open(struct replay_pipeline *pipeline, const struct rt_config *config,
                         const char *data_dir, struct segs_error *reterr)
{
    struct stream_progress progress = { .n_partitions = 1 };
    int64_t began_ms = rt_monotonic_ms();
    int r;

    memset(pipeline, 0, sizeof *pipeline);
    r = rt_app_open(config, data_dir, false, &pipeline->app, reterr);
    if (r == 0)
        r = segs_stream_processor_service.start(&pipeline->app, &pipeline->stream, reterr);
    while (r == 0 && progress.n_tasks < progress.n_partitions) {
        segs_stream_processor_progress(pipeline->stream, &progress);
        if (rt_monotonic_ms() - began_ms > START_MS)
            r = rt_fail(reterr, RT_ETIMEOUT, NULL,
                        "the stream processor took up %d of %d partitions", progress.n_tasks,
                        progress.n_partitions);
        rt_sleep_ms(1);
    }
    if (r < 0)
        replay_pipeline_close(pipeline);
    return r;
}

void replay_pipeline_close(struct replay_pipeline *pipeline)
{
    if (pipeline->stream) {
        segs_stream_processor_service.drain(pipeline->stream);
        segs_stream_processor_service.stop(pipeline->stream);
    }
    rt_app_close(&pipeline->app);
    pipeline->stream = NULL;
}

int replay_pipeline_totals(struct replay_pipeline *pipeline, struct pipeline_totals *ret,
                           struct segs_error *reterr)
{
    struct stream_progress progress;
    struct rt_db_conn *conn = NULL;
    int r = rt_db_acquire(pipeline->app.db, RT_DB_READ, 30000, &conn, reterr);

    memset(ret, 0, sizeof *ret);
    if (r == 0)
        r = rt_db_query_int(conn, "SELECT count(*) FROM aggregates_1m", NULL, 0, &ret->n_rows,
                            reterr);
    if (r == 0)
        r = rt_db_query_int(conn, "SELECT count(*) FROM aggregates_15m", NULL, 0, &ret->n_quarters,
                            reterr);
    if (r == 0)
        r = rt_db_query_int(conn,
                            "SELECT coalesce(sum(energy_sum_micro_kwh), 0) FROM aggregates_1m",
                            NULL, 0, &ret->energy_micro_kwh, reterr);
    rt_db_release(conn);
    segs_stream_processor_progress(pipeline->stream, &progress);
    ret->n_counted = progress.n_counted;
    ret->n_duplicate = progress.n_duplicate;
    ret->n_quarantined = progress.n_quarantined;
    return r;
}

/* ---- Waiting ---- */

struct patience {
    int64_t failing_since_ms; /* 0: not failing. */
};

static int check_patience(struct patience *patience, const struct stream_progress *progress,
                          struct segs_error *reterr)
{
    int64_t now_ms = rt_monotonic_ms();

    if (progress->failure == 0)
        patience->failing_since_ms = 0;
    else if (patience->failing_since_ms == 0)
        patience->failing_since_ms = now_ms;
    else if (now_ms - patience->failing_since_ms > FAILING_MS)
        return rt_fail(reterr, progress->failure, NULL, "the stream processor cannot write: %s",
                       progress->failure_text);
    return 0;
}

int replay_pipeline_keep_pace(struct replay_pipeline *pipeline, struct segs_error *reterr)
{
    struct patience patience = { 0 };
    struct stream_progress progress;
    int r = 0;

    segs_stream_processor_progress(pipeline->stream, &progress);
    if (progress.lag < LAG_HIGH)
        return 0;
    while (r == 0 && progress.lag > LAG_LOW) {
        rt_sleep_ms(STEP_MS);
        segs_stream_processor_progress(pipeline->stream, &progress);
        r = check_patience(&patience, &progress, reterr);
    }
    return r;
}

/* Until the log is read to its end and, unless until_ms is INT64_MIN, everything before it is closed. */
static int wait_for(struct replay_pipeline *pipeline, int64_t until_ms, replay_waiting_fn *waiting,
                    void *user, struct segs_error *reterr)
{
    struct patience patience = { 0 };
    struct stream_progress progress;
    int r = 0;

    for (int step = 0; r == 0; step++) {
        segs_stream_processor_progress(pipeline->stream, &progress);
        if (progress.lag == 0 && progress.closed_until_ms >= until_ms)
            return 0;
        r = check_patience(&patience, &progress, reterr);
        if (r == 0 && step % STEPS_PER_CALL == 0 && waiting && waiting(&progress, user))
            r = rt_fail(reterr, RT_ESTOPPING, NULL, "interrupted");
        if (r == 0)
            rt_sleep_ms(STEP_MS);
    }
    return r;
}

int replay_pipeline_finish(struct replay_pipeline *pipeline, int64_t last_ts_ms,
                           replay_waiting_fn *waiting, void *user, struct segs_error *reterr)
{
    int64_t until_ms;
    int r = wait_for(pipeline, INT64_MIN, waiting, user, reterr);

    if (r < 0 || last_ts_ms == INT64_MIN)
        return r;
    until_ms = last_ts_ms - last_ts_ms % RT_QUARTER_MS + RT_QUARTER_MS;
    segs_stream_processor_complete(pipeline->stream, until_ms);
    r = wait_for(pipeline, until_ms, waiting, user, reterr);
    return r < 0 ? r : segs_stream_processor_close_regions(pipeline->stream, reterr);
}
