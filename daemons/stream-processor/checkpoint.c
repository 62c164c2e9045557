#include "stream-processor/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/failpoint.h"
#include "runtime/schema/schema.h"
#include "stream-processor/task.h"

/* clang-format off */
static const char enter_sql[] =
    "INSERT INTO stream_offsets (topic, partition, next_offset, updated_at_ms) VALUES ($1, $2, 0, $3)"
    " ON CONFLICT (topic, partition) DO NOTHING";
static const char load_sql[] =
    "SELECT next_offset, watermark_ms, closed_1m_ms, closed_15m_ms, n_read, n_counted, n_duplicate,"
    " n_quarantined, n_skipped FROM stream_offsets WHERE topic = $1 AND partition = $2";
/* The fence: whoever does not find the position he left has lost the partition. */
static const char fence_sql[] =
    "UPDATE stream_offsets SET next_offset = $3, watermark_ms = $4, updated_at_ms = $5"
    " WHERE topic = $1 AND partition = $2 AND next_offset = $6 AND closed_1m_ms IS NOT DISTINCT FROM $7";
static const char progress_sql[] =
    "UPDATE stream_offsets SET closed_1m_ms = $3, closed_15m_ms = $4, n_read = $5, n_counted = $6,"
    " n_duplicate = $7, n_quarantined = $8, n_skipped = $9 WHERE topic = $1 AND partition = $2";
/* clang-format on */

/* clang-format off */
static const char first_row_sql[] =
    "SELECT window_start_ms FROM aggregates_1m WHERE partition = $1 ORDER BY window_start_ms LIMIT 1";
static const char regional_sum_sql[] = "SELECT sum(closed_ms) FROM regional_closed";
/* clang-format on */

static struct rt_db_value or_null(int64_t value, int64_t none)
{
    return value == none ? RT_DB_N : RT_DB_I(value);
}

static int64_t column_or(const struct rt_db_rows *rows, int column, int64_t none)
{
    return rt_db_is_null(rows, column) ? none : rt_db_int(rows, column);
}

static int load(struct rt_db_conn *conn, int32_t partition, struct progress *ret,
                struct segs_error *reterr)
{
    struct rt_db_value params[2] = { rt_db_text(RT_TOPIC_RAW), RT_DB_I(partition) };
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(conn, load_sql, params, 2, &rows, reterr);

    if (r == 0)
        r = rt_db_next(rows, reterr);
    if (r > 0) {
        ret->next_offset = rt_db_int(rows, 0);
        ret->watermark_ms = column_or(rows, 1, SEGS_WINDOW_NO_WATERMARK);
        ret->closed_1m_ms = column_or(rows, 2, NOT_CLOSED);
        ret->closed_15m_ms = column_or(rows, 3, NOT_CLOSED);
        ret->n_read = rt_db_int(rows, 4);
        ret->n_counted = rt_db_int(rows, 5);
        ret->n_duplicate = rt_db_int(rows, 6);
        ret->n_quarantined = rt_db_int(rows, 7);
        ret->n_skipped = rt_db_int(rows, 8);
    } else if (r == 0) {
        r = SEGS_ENOTFOUND;
    }
    rt_db_rows_free(rows);
    return r < 0 ? r : 0;
}

int checkpoint_load(struct rt_db *db, int32_t partition, int64_t now_ms, struct progress *ret,
                    struct segs_error *reterr)
{
    struct rt_db_value params[3] = { rt_db_text(RT_TOPIC_RAW), RT_DB_I(partition),
                                     RT_DB_I(now_ms) };
    struct rt_db_conn *conn = NULL;
    int r = rt_db_acquire(db, RT_DB_WRITE, 30000, &conn, reterr);

    if (r == 0)
        r = rt_db_begin(conn, reterr);
    if (r == 0)
        r = rt_db_exec(conn, enter_sql, params, 3, NULL, reterr);
    if (r == 0)
        r = load(conn, partition, ret, reterr);
    if (r == 0)
        r = rt_db_commit(conn, reterr);
    rt_db_release(conn);
    return r;
}

static int move_fence(const struct task *task, struct checkpoint *ck, struct segs_error *reterr)
{
    struct rt_db_value params[7];
    int64_t changed = 0;
    int r;

    params[0] = rt_db_text(RT_TOPIC_RAW);
    params[1] = RT_DB_I(task->partition);
    params[2] = RT_DB_I(ck->progress.next_offset);
    params[3] = or_null(ck->progress.watermark_ms, SEGS_WINDOW_NO_WATERMARK);
    params[4] = RT_DB_I(ck->now_ms);
    params[5] = RT_DB_I(task->progress.next_offset);
    params[6] = or_null(task->progress.closed_1m_ms, NOT_CLOSED);
    r = rt_db_exec(ck->conn, fence_sql, params, 7, &changed, reterr);
    if (r == 0 && changed != 1)
        r = rt_fail(reterr, RT_EFENCED, NULL,
                    "partition %d is not at offset %lld any more: another owner has moved it",
                    task->partition, (long long)task->progress.next_offset);
    return r;
}

static int write_progress(struct checkpoint *ck, struct segs_error *reterr)
{
    struct rt_db_value params[9];

    params[0] = rt_db_text(RT_TOPIC_RAW);
    params[1] = RT_DB_I(ck->partition);
    params[2] = or_null(ck->progress.closed_1m_ms, NOT_CLOSED);
    params[3] = or_null(ck->progress.closed_15m_ms, NOT_CLOSED);
    params[4] = RT_DB_I(ck->progress.n_read);
    params[5] = RT_DB_I(ck->progress.n_counted);
    params[6] = RT_DB_I(ck->progress.n_duplicate);
    params[7] = RT_DB_I(ck->progress.n_quarantined);
    params[8] = RT_DB_I(ck->progress.n_skipped);
    return rt_db_exec(ck->conn, progress_sql, params, 9, NULL, reterr);
}

/* Closing begins at the earliest window there is, or, for a partition that never had a reading, at the watermark. */
static int begin_closing(const struct task *task, struct checkpoint *ck, struct segs_error *reterr)
{
    struct rt_db_value partition = RT_DB_I(ck->partition);
    int64_t first_ms = ck->progress.watermark_ms == SEGS_WINDOW_NO_WATERMARK
                           ? NOT_CLOSED
                           : floor_to(ck->progress.watermark_ms, RT_MINUTE_MS);
    int64_t stored_ms = first_ms;
    int r;

    if (ck->progress.closed_1m_ms != NOT_CLOSED || first_ms == NOT_CLOSED)
        return 0;
    /* Rows of earlier checkpoints are there when windows were held. */
    r = rt_db_query_int(ck->conn, first_row_sql, &partition, 1, &stored_ms, reterr);
    if (r < 0 && r != SEGS_ENOTFOUND)
        return r;
    if (r == 0 && stored_ms < first_ms)
        first_ms = stored_ms;
    for (size_t i = 0; i < task->pending.n; i++) {
        if (task->pending.readings[i].window_start_ms < first_ms)
            first_ms = task->pending.readings[i].window_start_ms;
    }
    ck->progress.closed_1m_ms = first_ms;
    ck->progress.closed_15m_ms = floor_to(first_ms, RT_QUARTER_MS);
    return 0;
}

/* Everything inside the transaction, in the order that the fence must come first. */
static int write_all(struct task *task, struct checkpoint *ck, struct segs_error *reterr)
{
    int r = move_fence(task, ck, reterr);

    (void)rt_failpoint("checkpoint.after_fence");
    if (r == 0)
        r = begin_closing(task, ck, reterr);
    if (r == 0)
        r = merge_deltas(ck, task->window, reterr);
    (void)rt_failpoint("checkpoint.after_merge");
    if (r == 0)
        r = append_readings(ck, reterr);
    if (r == 0)
        r = append_rejects(ck, reterr);
    (void)rt_failpoint("checkpoint.after_append");
    if (r == 0)
        r = correct_regional(ck, reterr);
    if (r == 0 && ck->progress.watermark_ms != SEGS_WINDOW_NO_WATERMARK)
        r = close_windows(ck, ck->progress.watermark_ms, reterr);
    (void)rt_failpoint("checkpoint.after_close");
    if (r == 0)
        r = write_progress(ck, reterr);
    if (r == 0)
        r = close_regional(ck, RT_MINUTE_MS, reterr);
    if (r == 0)
        r = close_regional(ck, RT_QUARTER_MS, reterr);
    (void)rt_failpoint("checkpoint.before_commit");
    return r;
}

/* The reply to the commit was lost: the fence tells on which side of it we are. */
static int resolve_commit(struct task *task, const struct checkpoint *ck, struct segs_error *reterr)
{
    struct progress found;
    struct rt_db_conn *conn = NULL;
    int r = rt_db_acquire(task->app->db, RT_DB_READ, 30000, &conn, reterr);

    if (r == 0)
        r = load(conn, task->partition, &found, reterr);
    rt_db_release(conn);
    if (r < 0)
        return RT_EAMBIGUOUS;
    if (found.next_offset == ck->progress.next_offset &&
        found.closed_1m_ms == ck->progress.closed_1m_ms && found.n_read == ck->progress.n_read)
        return 0;
    if (found.next_offset == task->progress.next_offset &&
        found.closed_1m_ms == task->progress.closed_1m_ms)
        return rt_fail(reterr, RT_EBUSY, NULL, "the commit did not happen");
    return rt_fail(reterr, RT_EFENCED, NULL, "partition %d has been moved by another owner",
                   task->partition);
}

static void drop_rejects_after(struct pending *pending, size_t n)
{
    while (pending->n_rejects > n)
        free(pending->rejects[--pending->n_rejects].payload);
}

static int write_transaction(struct task *task, struct checkpoint *ck, struct segs_error *reterr)
{
    int r = rt_db_begin(ck->conn, reterr);

    if (r == 0)
        r = write_all(task, ck, reterr);
    if (r == 0) {
        r = rt_db_commit(ck->conn, reterr);
        (void)rt_failpoint("checkpoint.after_commit");
        if (r == RT_EAMBIGUOUS)
            r = resolve_commit(task, ck, reterr);
    } else {
        rt_db_rollback(ck->conn);
    }
    return r;
}

static void begin_progress(const struct task *task, struct checkpoint *ck)
{
    int64_t watermark_ms = segs_window_watermark(task->window);

    ck->progress = task->progress;
    ck->progress.next_offset = task->next_offset;
    ck->progress.n_read += task->next_offset - task->progress.next_offset - task->pending.n_skipped;
    ck->progress.n_skipped += task->pending.n_skipped;
    ck->progress.n_duplicate += task->pending.n_duplicates;
    if (watermark_ms > ck->progress.watermark_ms && !task_is_held(task))
        ck->progress.watermark_ms = watermark_ms;
}

int checkpoint_write(struct task *task, struct segs_error *reterr)
{
    struct checkpoint ck;
    size_t n_rejects = task->pending.n_rejects;
    int r;

    memset(&ck, 0, sizeof ck);
    ck.meters = &task->meters;
    ck.pending = &task->pending;
    ck.scratch = task->scratch;
    ck.partition = task->partition;
    ck.n_partitions = task->settings->n_partitions;
    ck.interval_ms = task->settings->interval_ms;
    ck.now_ms = rt_clock_now_ms(&task->app->clock);
    begin_progress(task, &ck);

    r = rt_db_acquire(task->app->db, RT_DB_WRITE, 30000, &ck.conn, reterr);
    if (r == 0)
        r = meters_resolve(&task->meters, ck.conn, ck.now_ms, reterr);
    if (r == 0)
        r = segs_window_deltas_begin(task->window);
    if (r >= 0) {
        r = write_transaction(task, &ck, reterr);
        (void)(r == 0 ? segs_window_deltas_commit(task->window)
                      : segs_window_deltas_abort(task->window));
    }
    rt_db_release(ck.conn);
    free(ck.dirty);
    if (r < 0) {
        drop_rejects_after(&task->pending, n_rejects);
        return r;
    }
    task_committed(task, &ck);
    return 0;
}

/* ---- Regions without a partition's news ---- */

/* One transaction's worth; *ret_moved tells whether there may be more. */
static int close_regions_once(struct checkpoint *ck, bool *ret_moved, struct segs_error *reterr)
{
    int64_t before = 0;
    int64_t after = 0;
    int r = rt_db_begin(ck->conn, reterr);

    if (r == 0)
        r = rt_db_query_int(ck->conn, regional_sum_sql, NULL, 0, &before, reterr);
    if (r == 0 || r == SEGS_ENOTFOUND)
        r = close_regional(ck, RT_MINUTE_MS, reterr);
    if (r == 0)
        r = close_regional(ck, RT_QUARTER_MS, reterr);
    if (r == 0)
        r = rt_db_query_int(ck->conn, regional_sum_sql, NULL, 0, &after, reterr);
    if (r == SEGS_ENOTFOUND)
        r = 0;
    if (r == 0)
        r = rt_db_commit(ck->conn, reterr);
    else
        rt_db_rollback(ck->conn);
    *ret_moved = before != after;
    return r;
}

int checkpoint_close_regions(const struct rt_app *app, const struct stream_settings *settings,
                             struct segs_error *reterr)
{
    struct checkpoint ck;
    bool has_moved = true;
    int r = 0;

    memset(&ck, 0, sizeof ck);
    ck.n_partitions = settings->n_partitions;
    ck.interval_ms = settings->interval_ms;
    ck.now_ms = rt_clock_now_ms(&app->clock);
    while (r == 0 && has_moved) {
        r = rt_db_acquire(app->db, RT_DB_WRITE, 30000, &ck.conn, reterr);
        if (r == 0)
            r = close_regions_once(&ck, &has_moved, reterr);
        rt_db_release(ck.conn);
        ck.conn = NULL;
    }
    return r;
}
