#include "segs/replay_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <segs/decode.h>

#include "segs/cli.h"

#define SHOW_TERMINAL_MS 200
#define SHOW_PIPE_MS 5000
#define LOOK_EVERY_ROWS 256
#define PACE_STEP_MS 50

/* ---- Progress ---- */

static int64_t percent_of(const struct replay_files *files)
{
    int64_t done = files->bytes_done + files->bytes_here;

    return files->bytes_total > 0
               ? (done < files->bytes_total ? done * 100 / files->bytes_total : 100)
               : -1;
}

static void show_text(struct replay_files *files, const char *text)
{
    if (files->is_terminal)
        (void)fprintf(stderr, "\r\033[K%s", text);
    else
        (void)fprintf(stderr, "%s\n", text);
    files->has_line = files->is_terminal;
    (void)fflush(stderr);
}

static bool is_time_to_show(struct replay_files *files, int64_t now_ms)
{
    int64_t every_ms = files->is_terminal ? SHOW_TERMINAL_MS : SHOW_PIPE_MS;

    if (now_ms - files->shown_ms < every_ms)
        return false;
    files->shown_ms = now_ms;
    return true;
}

static void show_progress(struct replay_files *files)
{
    int64_t now_ms = rt_monotonic_ms();
    int64_t took_ms = now_ms - files->began_ms;
    int64_t percent = percent_of(files);
    int64_t done = files->bytes_done + files->bytes_here;
    char rows[CLI_NUMBER_BYTES];
    char rate[CLI_NUMBER_BYTES];
    char text[256];
    int n;

    if (took_ms <= 0 || !is_time_to_show(files, now_ms))
        return;
    n = snprintf(text, sizeof text, "%s rows, %s rows/s", cli_number(files->n_rows, rows),
                 cli_number(files->n_rows * 1000 / took_ms, rate));
    if (percent >= 0 && done > 0)
        (void)snprintf(text + n, sizeof text - (size_t)n, ", %" PRId64 " %%, %" PRId64 " s left",
                       percent, (files->bytes_total - done) * took_ms / done / 1000);
    show_text(files, text);
}

void replay_files_waiting(struct replay_files *files, const struct stream_progress *progress)
{
    char number[CLI_NUMBER_BYTES];
    char text[128];

    if (!is_time_to_show(files, rt_monotonic_ms()))
        return;
    if (progress->lag > 0)
        (void)snprintf(text, sizeof text, "processing: %s readings to go",
                       cli_number(progress->lag, number));
    else
        (void)snprintf(text, sizeof text, "closing windows");
    show_text(files, text);
}

void replay_files_done(struct replay_files *files)
{
    if (files->has_line)
        (void)fprintf(stderr, "\r\033[K");
    files->has_line = false;
}

/* ---- Rejected rows ---- */

static void show_bad(struct replay_files *files, int64_t line, const char *field,
                     const char *message)
{
    if (files->n_shown >= files->options->max_shown)
        return;
    files->n_shown++;
    replay_files_done(files);
    (void)fprintf(stderr, "%s:%" PRId64 ": %s%s%s\n", files->path, line, field,
                  field[0] ? ": " : "", message);
}

static void on_refused(int64_t line, const char *field, const char *message, void *user)
{
    show_bad(user, line, field, message);
}

/* ---- One row ---- */

/* So fast as it happened, times N: wait until the reading's time has come. */
static int keep_time(struct replay_files *files, const struct segs_reading *reading,
                     struct segs_error *reterr)
{
    int64_t due_ms;
    int r = 0;

    if (files->options->speed == 0)
        return 0;
    if (files->first_ts_ms == INT64_MIN)
        files->first_ts_ms = reading->ts_ms;
    due_ms = files->began_ms + (reading->ts_ms - files->first_ts_ms) / files->options->speed;
    if (rt_monotonic_ms() < due_ms)
        r = feed_flush(files->feed, reterr);
    while (r == 0 && rt_monotonic_ms() < due_ms && !*files->interrupted) {
        show_progress(files);
        rt_sleep_ms(due_ms - rt_monotonic_ms() < PACE_STEP_MS ? due_ms - rt_monotonic_ms()
                                                              : PACE_STEP_MS);
    }
    return r;
}

static int take_reading(struct replay_files *files, const struct segs_reading *reading,
                        int64_t line, struct segs_error *reterr)
{
    int r = keep_time(files, reading, reterr);

    if (r == 0)
        r = feed_add(files->feed, reading, line, reterr);
    if (r > 0) {
        show_bad(files, line, reterr->field, reterr->message);
        r = 0;
    }
    return r;
}

static int after_row(struct replay_files *files, int64_t bytes_here, struct segs_error *reterr)
{
    files->n_rows++;
    if (files->n_rows % LOOK_EVERY_ROWS != 0)
        return 0;
    files->bytes_here = bytes_here;
    show_progress(files);
    if (*files->interrupted)
        return rt_fail(reterr, RT_ESTOPPING, NULL, "interrupted");
    return files->pipeline ? replay_pipeline_keep_pace(files->pipeline, reterr) : 0;
}

/* ---- CSV ---- */

static int read_header(struct replay_files *files, struct csv *csv, struct segs_error *reterr)
{
    const char *header[CSV_CELLS_MAX];
    struct segs_error err = { 0 };
    int r = csv_next(csv, &err);

    if (r == 0)
        return rt_fail(reterr, SEGS_ESYNTAX, files->path,
                       "expected a line with the columns' names, "
                       "found nothing");
    if (r < 0)
        return rt_fail(reterr, r, files->path, "line %" PRId64 ": %s", csv->record_line,
                       err.message);
    for (size_t i = 0; i < csv->n_cells; i++)
        header[i] = csv_cell(csv, i);
    files->rows.map = files->map;
    r = replay_map_bind(&files->rows.map, header, csv->n_cells, &err);
    return r < 0 ? rt_fail(reterr, r, files->path, "%s: %s", err.field, err.message) : 0;
}

static bool is_row_unusable(int r)
{
    return r == SEGS_ESYNTAX || r == SEGS_EFULL || r == SEGS_ERANGE || r == SEGS_ENOTFOUND;
}

static int take_record(struct replay_files *files, struct csv *csv, struct segs_error *reterr)
{
    struct segs_reading reading;
    struct segs_error err = { 0 };
    int r = replay_row_read(&files->rows, csv, &reading, &err);

    if (is_row_unusable(r)) {
        files->n_bad++;
        show_bad(files, csv->record_line, err.field, err.message);
        return 0;
    }
    return r < 0 ? rt_fail(reterr, r, files->path, "%s", err.message)
                 : take_reading(files, &reading, csv->record_line, reterr);
}

static int send_csv(struct replay_files *files, FILE *file, struct segs_error *reterr)
{
    struct csv csv;
    struct segs_error err = { 0 };
    int got = 0;
    int r;

    csv_init(&csv, file, files->options->delimiter);
    r = read_header(files, &csv, reterr);
    while (r == 0 && (got = csv_next(&csv, &err)) != 0) {
        if (is_row_unusable(got)) {
            files->n_bad++;
            show_bad(files, csv.record_line, "", err.message);
        } else if (got < 0) {
            r = rt_fail(reterr, got, files->path, "%s", err.message);
        } else {
            r = take_record(files, &csv, reterr);
        }
        if (r == 0)
            r = after_row(files, csv.n_bytes, reterr);
    }
    csv_free(&csv);
    return r;
}

/* ---- NDJSON ---- */

static int take_line(struct replay_files *files, const char *text, size_t len, int64_t line,
                     struct segs_error *reterr)
{
    struct segs_reading reading;
    struct segs_error err = { 0 };
    int r = segs_reading_decode(text, len, &reading, &err);

    if (r == SEGS_ENOMEM)
        return rt_fail(reterr, r, files->path, "no memory for a line");
    if (r < 0) {
        files->n_bad++;
        show_bad(files, line, err.field, err.message);
        return 0;
    }
    return take_reading(files, &reading, line, reterr);
}

static int send_ndjson(struct replay_files *files, FILE *file, struct segs_error *reterr)
{
    char *text = NULL;
    size_t cap = 0;
    int64_t line = 0;
    int64_t bytes = 0;
    ssize_t len;
    int r = 0;

    while (r == 0 && (len = getline(&text, &cap, file)) > 0) {
        size_t n = (size_t)len;

        line++;
        bytes += len;
        while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
            n--;
        if (strspn(text, " \t") >= n)
            continue;
        r = take_line(files, text, n, line, reterr);
        if (r == 0)
            r = after_row(files, bytes, reterr);
    }
    if (r == 0 && ferror(file))
        r = rt_fail(reterr, RT_ESTORAGE, files->path, "cannot read: %s", strerror(errno));
    free(text);
    return r;
}

/* ---- Files ---- */

static enum replay_format format_of(const struct replay_files *files, const char *path)
{
    static const struct {
        const char *ending;
        enum replay_format format;
    } endings[] = { { ".csv", REPLAY_CSV },      { ".tsv", REPLAY_CSV },
                    { ".txt", REPLAY_CSV },      { ".ndjson", REPLAY_NDJSON },
                    { ".jsonl", REPLAY_NDJSON }, { ".json", REPLAY_NDJSON } };
    size_t len = strlen(path);

    if (files->options->format != REPLAY_BY_NAME)
        return files->options->format;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t n = strlen(endings[i].ending);

        if (len > n && strcmp(path + len - n, endings[i].ending) == 0)
            return endings[i].format;
    }
    return REPLAY_BY_NAME;
}

static int send_file(struct replay_files *files, const char *path, struct segs_error *reterr)
{
    enum replay_format format = format_of(files, path);
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file;
    int r;

    files->path = is_stdin ? "stdin" : path;
    if (format == REPLAY_BY_NAME)
        return rt_fail(reterr, SEGS_ERANGE, files->path,
                       "its name does not tell the format; say --format csv or ndjson");
    file = is_stdin ? stdin : fopen(path, "re");
    if (!file)
        return rt_fail(reterr, SEGS_ENOTFOUND, path, "%s", strerror(errno));
    r = format == REPLAY_CSV ? send_csv(files, file, reterr) : send_ndjson(files, file, reterr);
    /* Refusals of a running SEGS name lines of this file, so nothing of it may be left. */
    if (r == 0)
        r = feed_flush(files->feed, reterr);
    if (!is_stdin)
        (void)fclose(file);
    return r;
}

/* A file that is not there is found before anything is sent. */
static int measure(struct replay_files *files, struct segs_error *reterr)
{
    struct stat st;

    for (size_t i = 0; i < files->options->n_paths; i++) {
        const char *path = files->options->paths[i];

        if (strcmp(path, "-") == 0) {
            files->bytes_total = INT64_MIN / 2;
            continue;
        }
        if (stat(path, &st) != 0)
            return rt_fail(reterr, SEGS_ENOTFOUND, path, "%s", strerror(errno));
        files->bytes_total += st.st_size;
    }
    if (files->bytes_total < 0)
        files->bytes_total = 0;
    return 0;
}

int replay_files_open(struct replay_files *files, const struct replay_options *options,
                      struct feed *feed, struct replay_pipeline *pipeline,
                      const volatile sig_atomic_t *interrupted, struct segs_error *reterr)
{
    int r;

    memset(files, 0, sizeof *files);
    files->options = options;
    files->feed = feed;
    files->pipeline = pipeline;
    files->interrupted = interrupted;
    files->first_ts_ms = INT64_MIN;
    files->is_terminal = isatty(STDERR_FILENO) != 0;
    feed->on_refused = on_refused;
    feed->user = files;
    r = replay_rows_init(&files->rows, reterr);
    files->rows.absent = options->absent;
    if (r == 0)
        r = replay_map_parse("", &files->map, reterr);
    return r < 0 ? r : measure(files, reterr);
}

void replay_files_close(struct replay_files *files)
{
    replay_rows_free(&files->rows);
}

int replay_files_send(struct replay_files *files, struct segs_error *reterr)
{
    int r = 0;

    files->began_ms = rt_monotonic_ms();
    files->shown_ms = files->began_ms;
    for (size_t i = 0; r == 0 && i < files->options->n_paths; i++) {
        r = send_file(files, files->options->paths[i], reterr);
        files->bytes_done += files->bytes_here;
        files->bytes_here = 0;
    }
    return r;
}
