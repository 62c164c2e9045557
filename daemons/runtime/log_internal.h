/* Between log.c (who writes) and log_limit.c (what is held back). */
#ifndef RT_LOG_INTERNAL_H
#define RT_LOG_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log.h"

#define RT_LOG_SERVICE_BYTES 48

/* What was held back of one message during the window that ended. */
struct rt_log_held {
    const char *message;
    int64_t n;
    enum rt_log_level level;
    char service[RT_LOG_SERVICE_BYTES];
};

/* Count one message; false: hold it back. *ret_held gets at most `max` windows that ended with
 * something held back; the caller writes a line about each. Thread-safe. */
bool rt_log_limit(enum rt_log_level level, const char *message, const char *service, int64_t now_ms,
                  struct rt_log_held *ret_held, size_t max, size_t *ret_n);
/* End every window now; returns how many held something back. */
size_t rt_log_limit_flush(struct rt_log_held *ret_held, size_t max);

#define RT_LOG_LIMIT_SLOTS 128
#define RT_LOG_LIMIT_WINDOW_MS 10000
#define RT_LOG_LIMIT_LINES 20

#endif
