#include "simulator/queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "runtime/clock.h"
#include "runtime/errors.h"

struct sim_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct sim_batch **all;
    struct sim_batch **empty; /* A stack. */
    struct sim_batch **full;  /* A ring: first in, first out. */
    size_t n;
    size_t n_empty;
    size_t n_full;
    size_t first_full;
    bool closed;
};

int sim_queue_new(size_t n_batches, size_t batch_cap, struct sim_queue **ret)
{
    struct sim_queue *queue = calloc(1, sizeof *queue);
    int r = SEGS_ENOMEM;

    if (!queue)
        return SEGS_ENOMEM;
    (void)pthread_mutex_init(&queue->lock, NULL);
    (void)pthread_cond_init(&queue->changed, NULL);
    queue->n = n_batches;
    queue->all = calloc(n_batches, sizeof(struct sim_batch *));
    queue->empty = calloc(n_batches, sizeof(struct sim_batch *));
    queue->full = calloc(n_batches, sizeof(struct sim_batch *));
    if (queue->all && queue->empty && queue->full)
        r = 0;
    for (size_t i = 0; r == 0 && i < n_batches; i++) {
        r = sim_batch_new(batch_cap, &queue->all[i]);
        if (r == 0)
            queue->empty[queue->n_empty++] = queue->all[i];
    }
    if (r < 0) {
        sim_queue_free(queue);
        return r;
    }
    *ret = queue;
    return 0;
}

void sim_queue_free(struct sim_queue *queue)
{
    if (!queue)
        return;
    for (size_t i = 0; queue->all && i < queue->n; i++)
        sim_batch_free(queue->all[i]);
    free(queue->all);
    free(queue->empty);
    free(queue->full);
    (void)pthread_cond_destroy(&queue->changed);
    (void)pthread_mutex_destroy(&queue->lock);
    free(queue);
}

struct sim_batch *sim_queue_take_empty(struct sim_queue *queue)
{
    struct sim_batch *batch;

    (void)pthread_mutex_lock(&queue->lock);
    while (queue->n_empty == 0)
        (void)pthread_cond_wait(&queue->changed, &queue->lock);
    batch = queue->empty[--queue->n_empty];
    (void)pthread_mutex_unlock(&queue->lock);
    return batch;
}

void sim_queue_put_full(struct sim_queue *queue, struct sim_batch *batch)
{
    (void)pthread_mutex_lock(&queue->lock);
    queue->full[(queue->first_full + queue->n_full++) % queue->n] = batch;
    (void)pthread_cond_broadcast(&queue->changed);
    (void)pthread_mutex_unlock(&queue->lock);
}

struct sim_batch *sim_queue_take_full(struct sim_queue *queue)
{
    struct sim_batch *batch = NULL;

    (void)pthread_mutex_lock(&queue->lock);
    while (queue->n_full == 0 && !queue->closed)
        (void)pthread_cond_wait(&queue->changed, &queue->lock);
    if (queue->n_full > 0) {
        batch = queue->full[queue->first_full];
        queue->first_full = (queue->first_full + 1) % queue->n;
        queue->n_full--;
    }
    (void)pthread_mutex_unlock(&queue->lock);
    return batch;
}

void sim_queue_put_empty(struct sim_queue *queue, struct sim_batch *batch)
{
    (void)pthread_mutex_lock(&queue->lock);
    queue->empty[queue->n_empty++] = batch;
    (void)pthread_cond_broadcast(&queue->changed);
    (void)pthread_mutex_unlock(&queue->lock);
}

void sim_queue_close(struct sim_queue *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    (void)pthread_cond_broadcast(&queue->changed);
    (void)pthread_mutex_unlock(&queue->lock);
}

bool sim_queue_wait_done(struct sim_queue *queue, int64_t timeout_ms)
{
    int64_t deadline_ms = rt_monotonic_ms() + timeout_ms;
    bool done = false;

    for (;;) {
        (void)pthread_mutex_lock(&queue->lock);
        done = queue->closed && queue->n_empty == queue->n;
        (void)pthread_mutex_unlock(&queue->lock);
        if (done || rt_monotonic_ms() >= deadline_ms)
            return done;
        rt_sleep_ms(10);
    }
}
