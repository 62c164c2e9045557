/* Waiting in turn: permits handed out in the order of asking, with a deadline. A plain mutex lets
 * the thread that just left come back first, and a busy writer then starves everybody else.
 * Thread-safe. */
#ifndef RT_GATE_H
#define RT_GATE_H

#include <stdint.h>

#include <pthread.h>

struct rt_gate_waiter;

struct rt_gate {
    pthread_mutex_t lock;
    struct rt_gate_waiter *first;
    struct rt_gate_waiter *last;
    int32_t n_free;
};

void rt_gate_init(struct rt_gate *gate, int32_t n_permits);
void rt_gate_destroy(struct rt_gate *gate);
int rt_gate_enter(struct rt_gate *gate, int64_t timeout_ms); /* 0 or RT_ETIMEOUT. */
void rt_gate_leave(struct rt_gate *gate);

/* Condition variables whose deadlines a step of the wall clock cannot move. */
void rt_cond_init(pthread_cond_t *cond);
/* Wait until `deadline_ms` of rt_monotonic_ms(); returns after any wake-up, like pthread's. */
void rt_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_ms);
/* now + timeout_ms without overflow; a negative timeout counts as 0. */
int64_t rt_deadline_ms(int64_t timeout_ms);

#endif
