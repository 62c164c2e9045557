/* Rate limit: a message that one service writes again and again shows RT_LOG_LIMIT_LINES lines per
 * window; the rest is counted. Messages are string constants, so the address is the message's
 * identity. */
#include "runtime/log_internal.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct slot {
    struct rt_log_held held;
    int64_t started_ms;
    int64_t n_shown;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot slots[RT_LOG_LIMIT_SLOTS]; /* Under `lock`. A free one has no message. */
static int64_t swept_ms;                      /* Under `lock`. */

static void end_window(struct slot *slot, struct rt_log_held *ret_held, size_t max, size_t *n)
{
    if (slot->held.n > 0 && *n < max)
        ret_held[(*n)++] = slot->held;
    memset(slot, 0, sizeof *slot);
}

static void sweep(int64_t now_ms, struct rt_log_held *ret_held, size_t max, size_t *n)
{
    if (now_ms - swept_ms < 1000)
        return;
    swept_ms = now_ms;
    for (size_t i = 0; i < RT_LOG_LIMIT_SLOTS && *n < max; i++) {
        if (slots[i].held.message && now_ms - slots[i].started_ms >= RT_LOG_LIMIT_WINDOW_MS)
            end_window(&slots[i], ret_held, max, n);
    }
}

/* The slot of a message: its own, else a free one, else NULL: with so many different messages at
 * once none of them is a flood. */
static struct slot *slot_of(const char *message, const char *service)
{
    struct slot *unused = NULL;

    for (size_t i = 0; i < RT_LOG_LIMIT_SLOTS; i++) {
        struct slot *slot = &slots[i];

        if (slot->held.message == message && strcmp(slot->held.service, service) == 0)
            return slot;
        if (!slot->held.message && !unused)
            unused = slot;
    }
    return unused;
}

bool rt_log_limit(enum rt_log_level level, const char *message, const char *service, int64_t now_ms,
                  struct rt_log_held *ret_held, size_t max, size_t *ret_n)
{
    struct slot *slot;
    size_t n = 0;
    bool show = true;

    (void)pthread_mutex_lock(&lock);
    sweep(now_ms, ret_held, max - 1, &n); /* One place stays for the message's own window. */
    slot = slot_of(message, service);
    if (slot && slot->held.message && now_ms - slot->started_ms >= RT_LOG_LIMIT_WINDOW_MS)
        end_window(slot, ret_held, max, &n);
    if (slot) {
        if (!slot->held.message) {
            slot->held.message = message;
            (void)snprintf(slot->held.service, sizeof slot->held.service, "%s", service);
            slot->started_ms = now_ms;
        }
        slot->held.level = level;
        show = slot->n_shown < RT_LOG_LIMIT_LINES;
        if (show)
            slot->n_shown++;
        else
            slot->held.n++;
    }
    (void)pthread_mutex_unlock(&lock);
    *ret_n = n;
    return show;
}

size_t rt_log_limit_flush(struct rt_log_held *ret_held, size_t max)
{
    size_t n = 0;

    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < RT_LOG_LIMIT_SLOTS; i++)
        end_window(&slots[i], ret_held, max, &n);
    (void)pthread_mutex_unlock(&lock);
    return n;
}
