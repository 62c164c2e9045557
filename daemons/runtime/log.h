/* Structured logs: one JSON object per line on stderr, readable text on a terminal
 * (LOG_FORMAT=json|text|auto). Only daemons log, each failure once, where it is handled. Never pass
 * secrets, tokens or whole e-mail addresses. Control characters are escaped; the same message from
 * the same place is rate-limited and the rest counted. Thread-safe. */
#ifndef RT_LOG_H
#define RT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct segs_error;

enum rt_log_level { RT_LOG_DEBUG = 10, RT_LOG_INFO = 20, RT_LOG_WARN = 30, RT_LOG_ERROR = 40 };

enum rt_log_kind { RT_FIELD_STR = 1, RT_FIELD_INT = 2, RT_FIELD_DOUBLE = 3, RT_FIELD_BOOL = 4 };

struct rt_log_field {
    const char *name;
    const char *str;
    int64_t i;
    double d;
    enum rt_log_kind kind;
};

#define RT_STR(name_, value_)                                                                      \
    ((struct rt_log_field){ .name = (name_), .str = (value_), .kind = RT_FIELD_STR })
#define RT_INT(name_, value_)                                                                      \
    ((struct rt_log_field){ .name = (name_), .i = (int64_t)(value_), .kind = RT_FIELD_INT })
#define RT_DBL(name_, value_)                                                                      \
    ((struct rt_log_field){ .name = (name_), .d = (value_), .kind = RT_FIELD_DOUBLE })
#define RT_BOOL(name_, value_)                                                                     \
    ((struct rt_log_field){ .name = (name_), .i = (value_) ? 1 : 0, .kind = RT_FIELD_BOOL })

/* Set once by the lifecycle before threads start. `format` is "json", "text" or "auto" (text on a
 * terminal); `service` is the default of threads that set none. Under systemd, whose journal then
 * reads our output, lines begin with its priority ("<6>"). */
void rt_log_setup(enum rt_log_level min_level, const char *format, const char *service);

/* "debug", "info", "warn", "error"; false: none of them, *ret untouched. */
bool rt_log_level_parse(const char *text, enum rt_log_level *ret);
/* Where lines go; 2 (stderr) unless set. */
void rt_log_set_fd(int fd);
/* Say what the rate limit still holds back; before the process ends. */
void rt_log_flush(void);

/* Name and trace context of what the calling thread works for, added to each of its lines; NULL
 * clears. */
void rt_log_thread_service(const char *service);
void rt_log_thread_trace(const char *trace_id, const char *span_id, const char *request_id);

/* `message` and the names of fields are string constants; at most 20 lines of one message and
 * service are written in 10 s, then one that counts the rest. */
void rt_log_write(enum rt_log_level level, const char *message, const struct rt_log_field *fields,
                  size_t n);

/* The detail of a failure as fields code, error, field. */
void rt_log_failure(enum rt_log_level level, const char *message, int code,
                    const struct segs_error *err);

/* rt_log(RT_LOG_INFO, "started", RT_STR("url", url), RT_INT("port", port)); at least one field. */
#define rt_log(level_, message_, ...)                                                              \
    rt_log_write((level_), (message_), (struct rt_log_field[]){ __VA_ARGS__ },                     \
                 sizeof((struct rt_log_field[]){ __VA_ARGS__ }) / sizeof(struct rt_log_field))
#define rt_log_plain(level_, message_) rt_log_write((level_), (message_), NULL, 0)

#endif
