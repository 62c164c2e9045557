#include "runtime/lifecycle_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "runtime/log.h"

struct rt_watch {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended_changed;
    struct timespec deadline; /* CLOCK_MONOTONIC. */
    int64_t timeout_ms;
    const char *phase; /* Under `lock`, like the next two. */
    const char *service;
    bool ended;
};

static void *watch_main(void *user)
{
    struct rt_watch *watch = user;
    int r = 0;

    (void)pthread_mutex_lock(&watch->lock);
    while (!watch->ended && r != ETIMEDOUT)
        r = pthread_cond_timedwait(&watch->ended_changed, &watch->lock, &watch->deadline);
    if (!watch->ended) {
        rt_log(RT_LOG_ERROR, "shutdown takes too long, giving up", RT_STR("phase", watch->phase),
               RT_STR("waiting_for", watch->service), RT_INT("timeout_ms", watch->timeout_ms));
        _exit(EXIT_FAILURE);
    }
    (void)pthread_mutex_unlock(&watch->lock);
    return NULL;
}

static int init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int r = pthread_condattr_init(&attributes);

    if (r != 0)
        return r;
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    r = pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return r;
}

struct rt_watch *rt_watch_start(int64_t timeout_ms)
{
    struct rt_watch *watch = calloc(1, sizeof *watch);

    if (!watch)
        return NULL;
    if (pthread_mutex_init(&watch->lock, NULL) != 0)
        goto no_lock;
    if (init_condition(&watch->ended_changed) != 0)
        goto no_condition;
    watch->timeout_ms = timeout_ms;
    watch->phase = "drain";
    watch->service = "";
    (void)clock_gettime(CLOCK_MONOTONIC, &watch->deadline);
    watch->deadline.tv_sec += (time_t)(timeout_ms / 1000);
    watch->deadline.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (watch->deadline.tv_nsec >= 1000000000) {
        watch->deadline.tv_sec++;
        watch->deadline.tv_nsec -= 1000000000;
    }
    if (pthread_create(&watch->thread, NULL, watch_main, watch) != 0)
        goto no_thread;
    return watch;

no_thread:
    (void)pthread_cond_destroy(&watch->ended_changed);
no_condition:
    (void)pthread_mutex_destroy(&watch->lock);
no_lock:
    free(watch);
    return NULL;
}

void rt_watch_phase(struct rt_watch *watch, const char *phase, const char *service)
{
    if (!watch)
        return;
    (void)pthread_mutex_lock(&watch->lock);
    watch->phase = phase;
    watch->service = service;
    (void)pthread_mutex_unlock(&watch->lock);
}

void rt_watch_end(struct rt_watch *watch)
{
    if (!watch)
        return;
    (void)pthread_mutex_lock(&watch->lock);
    watch->ended = true;
    (void)pthread_cond_signal(&watch->ended_changed);
    (void)pthread_mutex_unlock(&watch->lock);
    (void)pthread_join(watch->thread, NULL);
    (void)pthread_cond_destroy(&watch->ended_changed);
    (void)pthread_mutex_destroy(&watch->lock);
    free(watch);
}
