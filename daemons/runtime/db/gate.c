#include "runtime/db/gate.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "runtime/clock.h"
#include "runtime/errors.h"

struct rt_gate_waiter {
    struct rt_gate_waiter *next;
    pthread_cond_t turn;
    bool granted;
};

void rt_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(cond, &attr);
    (void)pthread_condattr_destroy(&attr);
}

void rt_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_ms)
{
    struct timespec ts = { .tv_sec = (time_t)(deadline_ms / 1000),
                           .tv_nsec = (long)(deadline_ms % 1000) * 1000000 };

    (void)pthread_cond_timedwait(cond, lock, &ts);
}

int64_t rt_deadline_ms(int64_t timeout_ms)
{
    int64_t now_ms = rt_monotonic_ms();

    if (timeout_ms <= 0)
        return now_ms;
    /* A year is "for ever" here, and keeps the sum far from overflow. */
    return now_ms + (timeout_ms < 31536000000 ? timeout_ms : 31536000000);
}

void rt_gate_init(struct rt_gate *gate, int32_t n_permits)
{
    (void)pthread_mutex_init(&gate->lock, NULL);
    gate->first = NULL;
    gate->last = NULL;
    gate->n_free = n_permits;
}

void rt_gate_destroy(struct rt_gate *gate)
{
    (void)pthread_mutex_destroy(&gate->lock);
}

static void forget(struct rt_gate *gate, const struct rt_gate_waiter *waiter)
{
    struct rt_gate_waiter *before = NULL;

    for (struct rt_gate_waiter *w = gate->first; w; before = w, w = w->next) {
        if (w != waiter)
            continue;
        if (before)
            before->next = w->next;
        else
            gate->first = w->next;
        if (gate->last == w)
            gate->last = before;
        return;
    }
}

int rt_gate_enter(struct rt_gate *gate, int64_t timeout_ms)
{
    struct rt_gate_waiter self = { .next = NULL, .granted = false };
    int64_t deadline_ms;
    int r = 0;

    (void)pthread_mutex_lock(&gate->lock);
    if (gate->n_free > 0) {
        gate->n_free--;
        (void)pthread_mutex_unlock(&gate->lock);
        return 0;
    }

    deadline_ms = rt_deadline_ms(timeout_ms);
    rt_cond_init(&self.turn);
    if (gate->last)
        gate->last->next = &self;
    else
        gate->first = &self;
    gate->last = &self;
    while (!self.granted && rt_monotonic_ms() < deadline_ms)
        rt_cond_wait_until(&self.turn, &gate->lock, deadline_ms);
    if (!self.granted) {
        forget(gate, &self);
        r = RT_ETIMEOUT;
    }
    (void)pthread_mutex_unlock(&gate->lock);
    (void)pthread_cond_destroy(&self.turn);
    return r;
}

void rt_gate_leave(struct rt_gate *gate)
{
    struct rt_gate_waiter *next;

    (void)pthread_mutex_lock(&gate->lock);
    next = gate->first;
    if (next) {
        /* The permit goes from hand to hand: n_free stays 0, so nobody can slip in between. */
        gate->first = next->next;
        if (!gate->first)
            gate->last = NULL;
        next->granted = true;
        (void)pthread_cond_signal(&next->turn);
    } else {
        gate->n_free++;
    }
    (void)pthread_mutex_unlock(&gate->lock);
}
