#include "runtime/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <segs/error.h>
#include <segs/time.h>
#include <segs/version.h>

#include "runtime/buf.h"
#include "runtime/clock.h"
#include "runtime/errors.h"
#include "runtime/log_internal.h"
#include "runtime/text.h"

#define MAX_HELD 8

/* The process has one log. Written by setup before threads start; the level and the descriptor at
 * any time. */
static atomic_int log_level = RT_LOG_INFO;
static atomic_int log_fd = STDERR_FILENO;
static bool log_as_text;
static bool log_for_journal;
static char log_service[RT_LOG_SERVICE_BYTES] = "segs";

/* What the thread works for; empty: nothing. */
struct context {
    char service[RT_LOG_SERVICE_BYTES];
    char trace_id[33];
    char span_id[17];
    char request_id[65];
};
static _Thread_local struct context context;

/* systemd names the device and inode of the journal's stream; another program may have redirected
 * us since. */
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char own[64];

    if (!stream || fstat(fd, &st) != 0)
        return false;
    (void)snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(own, stream) == 0;
}

void rt_log_setup(enum rt_log_level min_level, const char *format, const char *service)
{
    int fd = atomic_load(&log_fd);

    atomic_store(&log_level, (int)min_level);
    log_as_text = strcmp(format, "text") == 0 || (strcmp(format, "json") != 0 && isatty(fd));
    log_for_journal = is_journal(fd);
    (void)snprintf(log_service, sizeof log_service, "%s", service);
}

bool rt_log_level_parse(const char *text, enum rt_log_level *ret)
{
    static const struct {
        const char *name;
        enum rt_log_level level;
    } levels[] = { { "debug", RT_LOG_DEBUG },
                   { "info", RT_LOG_INFO },
                   { "warn", RT_LOG_WARN },
                   { "error", RT_LOG_ERROR } };

    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (strcmp(text, levels[i].name) == 0) {
            *ret = levels[i].level;
            return true;
        }
    }
    return false;
}

void rt_log_set_fd(int fd)
{
    atomic_store(&log_fd, fd);
}

static void set_text(char *to, size_t size, const char *text)
{
    (void)snprintf(to, size, "%s", text ? text : "");
}

void rt_log_thread_service(const char *service)
{
    set_text(context.service, sizeof context.service, service);
}

void rt_log_thread_trace(const char *trace_id, const char *span_id, const char *request_id)
{
    set_text(context.trace_id, sizeof context.trace_id, trace_id);
    set_text(context.span_id, sizeof context.span_id, span_id);
    set_text(context.request_id, sizeof context.request_id, request_id);
}

static const char *level_name(enum rt_log_level level)
{
    if (level >= RT_LOG_ERROR)
        return "error";
    if (level >= RT_LOG_WARN)
        return "warn";
    return level >= RT_LOG_INFO ? "info" : "debug";
}

/* Priorities of syslog, as the journal reads them. */
static const char *level_priority(enum rt_log_level level)
{
    if (level >= RT_LOG_ERROR)
        return "<3>";
    if (level >= RT_LOG_WARN)
        return "<4>";
    return level >= RT_LOG_INFO ? "<6>" : "<7>";
}

static void append_time(struct rt_buf *line)
{
    char text[SEGS_TIME_BYTES];

    if (segs_time_format(rt_clock_now_ms(NULL), text, sizeof text) < 0)
        set_text(text, sizeof text, "?");
    rt_buf_text(line, text);
}

/* ---- JSON ---- */

static void json_text(struct rt_buf *line, const char *name, const char *value)
{
    rt_buf_append(line, ",\"", 2);
    rt_text_escape(line, name, strlen(name));
    rt_buf_append(line, "\":\"", 3);
    rt_text_escape(line, value, strlen(value));
    rt_buf_append(line, "\"", 1);
}

static void json_context(struct rt_buf *line, const char *name, const char *value)
{
    if (value[0])
        json_text(line, name, value);
}

static void json_field(struct rt_buf *line, const struct rt_log_field *field)
{
    char text[RT_TEXT_DOUBLE_BYTES];
    bool is_text = field->kind == RT_FIELD_STR && field->str;

    if (field->kind == RT_FIELD_DOUBLE) {
        rt_text_double(field->d, text);
        is_text = text[0] == 'N' || text[0] == '+' || text[1] == 'I'; /* JSON has no such number. */
    }
    if (is_text) {
        json_text(line, field->name, field->kind == RT_FIELD_STR ? field->str : text);
        return;
    }
    rt_buf_append(line, ",\"", 2);
    rt_text_escape(line, field->name, strlen(field->name));
    rt_buf_append(line, "\":", 2);
    switch (field->kind) {
    case RT_FIELD_STR:
        rt_buf_text(line, "null");
        break;
    case RT_FIELD_INT:
        rt_buf_printf(line, "%lld", (long long)field->i);
        break;
    case RT_FIELD_DOUBLE:
        rt_buf_text(line, text);
        break;
    case RT_FIELD_BOOL:
        rt_buf_text(line, field->i ? "true" : "false");
        break;
    }
}

static void json_line(struct rt_buf *line, enum rt_log_level level, const char *service,
                      const char *message, const struct rt_log_field *fields, size_t n)
{
    rt_buf_text(line, "{\"time\":\"");
    append_time(line);
    rt_buf_append(line, "\"", 1);
    json_text(line, "level", level_name(level));
    json_text(line, "msg", message);
    json_text(line, "service", service);
    json_text(line, "version", SEGS_VERSION_STRING);
    json_context(line, "trace_id", context.trace_id);
    json_context(line, "span_id", context.span_id);
    json_context(line, "request_id", context.request_id);
    for (size_t i = 0; i < n; i++)
        json_field(line, &fields[i]);
    rt_buf_append(line, "}\n", 2);
}

/* ---- Text ---- */

static bool needs_quotes(const char *text)
{
    if (!text[0])
        return true;
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;

        if (c <= 0x20 || c == '"' || c == '=' || c == '\\' || c >= 0x7F)
            return true;
    }
    return false;
}

static void text_value(struct rt_buf *line, const char *value)
{
    bool quote = needs_quotes(value);

    if (quote)
        rt_buf_append(line, "\"", 1);
    rt_text_escape(line, value, strlen(value));
    if (quote)
        rt_buf_append(line, "\"", 1);
}

static void text_field(struct rt_buf *line, const struct rt_log_field *field)
{
    char text[RT_TEXT_DOUBLE_BYTES];

    rt_buf_append(line, " ", 1);
    rt_text_escape(line, field->name, strlen(field->name));
    rt_buf_append(line, "=", 1);
    switch (field->kind) {
    case RT_FIELD_STR:
        text_value(line, field->str ? field->str : "null");
        break;
    case RT_FIELD_INT:
        rt_buf_printf(line, "%lld", (long long)field->i);
        break;
    case RT_FIELD_DOUBLE:
        rt_text_double(field->d, text);
        rt_buf_text(line, text);
        break;
    case RT_FIELD_BOOL:
        rt_buf_text(line, field->i ? "true" : "false");
        break;
    }
}

static void text_line(struct rt_buf *line, enum rt_log_level level, const char *service,
                      const char *message, const struct rt_log_field *fields, size_t n)
{
    append_time(line);
    rt_buf_printf(line, " %-5s %s: ", level_name(level), service);
    rt_text_escape(line, message, strlen(message));
    for (size_t i = 0; i < n; i++)
        text_field(line, &fields[i]);
    if (context.request_id[0])
        text_field(line, &RT_STR("request_id", context.request_id));
    if (context.trace_id[0])
        text_field(line, &RT_STR("trace_id", context.trace_id));
    rt_buf_append(line, "\n", 1);
}

/* ---- Writing ---- */

/* One write, so that lines of threads and processes do not mix; what a full pipe leaves over
 * follows. A log that nobody can read any more must not stop the work, so other failures are
 * dropped. */
static void write_all(const char *data, size_t len)
{
    int fd = atomic_load(&log_fd);

    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        data += n;
        len -= (size_t)n;
    }
}

static void write_line(enum rt_log_level level, const char *service, const char *message,
                       const struct rt_log_field *fields, size_t n)
{
    static const char no_memory[] = "{\"level\":\"error\",\"msg\":\"no memory for a log line\"}\n";
    struct rt_buf line = RT_BUF_INIT;

    if (log_for_journal)
        rt_buf_text(&line, level_priority(level));
    if (log_as_text)
        text_line(&line, level, service, message, fields, n);
    else
        json_line(&line, level, service, message, fields, n);
    if (rt_buf_status(&line) == 0)
        write_all(line.data, line.len);
    else
        write_all(no_memory, sizeof no_memory - 1);
    rt_buf_free(&line);
}

/* The lines held back were of other requests than the one the thread works for now. */
static void write_held(const struct rt_log_held *held, size_t n)
{
    struct context saved = context;

    memset(&context, 0, sizeof context);
    for (size_t i = 0; i < n; i++) {
        struct rt_buf message = RT_BUF_INIT;

        rt_buf_printf(&message, "%s ... %lld more in %d s", held[i].message, (long long)held[i].n,
                      RT_LOG_LIMIT_WINDOW_MS / 1000);
        if (rt_buf_status(&message) == 0)
            write_line(held[i].level, held[i].service, message.data, &RT_INT("held", held[i].n), 1);
        rt_buf_free(&message);
    }
    context = saved;
}

void rt_log_write(enum rt_log_level level, const char *message, const struct rt_log_field *fields,
                  size_t n)
{
    const char *service = context.service[0] ? context.service : log_service;
    struct rt_log_held held[MAX_HELD];
    size_t n_held;
    bool show;
    int saved_errno = errno;

    if ((int)level < atomic_load_explicit(&log_level, memory_order_relaxed))
        return;
    show = rt_log_limit(level, message, service, rt_monotonic_ms(), held, MAX_HELD, &n_held);
    write_held(held, n_held);
    if (show)
        write_line(level, service, message, fields, n);
    errno = saved_errno;
}

void rt_log_flush(void)
{
    struct rt_log_held held[RT_LOG_LIMIT_SLOTS];

    write_held(held, rt_log_limit_flush(held, RT_LOG_LIMIT_SLOTS));
}

void rt_log_failure(enum rt_log_level level, const char *message, int code,
                    const struct segs_error *err)
{
    struct rt_log_field fields[5];
    size_t n = 0;

    fields[n++] = RT_INT("code", code);
    fields[n++] = RT_STR("error", err && err->message[0] ? err->message : rt_strerror(code));
    if (err && err->field[0])
        fields[n++] = RT_STR("field", err->field);
    if (err && err->line > 0)
        fields[n++] = RT_INT("line", err->line);
    if (err && err->index >= 0)
        fields[n++] = RT_INT("index", err->index);
    rt_log_write(level, message, fields, n);
}
