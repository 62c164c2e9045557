#include "simulator/batch.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <segs/encode.h>

#include "runtime/errors.h"
#include "simulator/faults.h"

struct sim_pair {
    atomic_int references;
    atomic_bool counted;
};

struct sim_pair *sim_pair_new(void)
{
    struct sim_pair *pair = malloc(sizeof *pair);

    if (pair) {
        atomic_init(&pair->references, 1);
        atomic_init(&pair->counted, false);
    }
    return pair;
}

struct sim_pair *sim_pair_ref(struct sim_pair *pair)
{
    if (pair)
        (void)atomic_fetch_add(&pair->references, 1);
    return pair;
}

void sim_pair_unref(struct sim_pair *pair)
{
    if (pair && atomic_fetch_sub(&pair->references, 1) == 1)
        free(pair);
}

int sim_batch_new(size_t cap, struct sim_batch **ret)
{
    struct sim_batch *batch = calloc(1, sizeof *batch);

    if (!batch)
        return SEGS_ENOMEM;
    batch->cap = cap;
    batch->elements = calloc(cap, sizeof *batch->elements);
    if (!batch->elements) {
        free(batch);
        return SEGS_ENOMEM;
    }
    *ret = batch;
    return 0;
}

void sim_batch_free(struct sim_batch *batch)
{
    if (!batch)
        return;
    sim_batch_begin(batch);
    rt_buf_free(&batch->body);
    free(batch->elements);
    free(batch);
}

void sim_batch_begin(struct sim_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++)
        sim_pair_unref(batch->elements[i].pair);
    batch->n = 0;
    batch->due_ms = 0;
    rt_buf_clear(&batch->body);
}

/* The bracket or comma before an element, and its entry; NULL when the batch is full. */
static struct sim_element *open_element(struct sim_batch *batch, enum sim_kind kind, int64_t meter)
{
    struct sim_element *element;

    if (batch->n == batch->cap)
        return NULL;
    rt_buf_append(&batch->body, batch->n == 0 ? "[" : ",", 1);
    element = &batch->elements[batch->n];
    *element = (struct sim_element){ .meter = meter,
                                     .offset = (uint32_t)batch->body.len,
                                     .kind = (uint8_t)kind };
    return element;
}

static void close_element(struct sim_batch *batch, struct sim_element *element)
{
    element->len = (uint32_t)(batch->body.len - element->offset);
    batch->n++;
}

int sim_batch_add(struct sim_batch *batch, enum sim_kind kind, int64_t meter,
                  const struct segs_reading *reading, struct sim_pair *pair)
{
    struct sim_element *element = open_element(batch, kind, meter);
    size_t len = 0;
    char *room;
    int r;

    if (!element)
        return SEGS_EFULL;
    room = rt_buf_reserve(&batch->body, SEGS_READING_JSON_MAX_BYTES);
    if (!room)
        return SEGS_ENOMEM;
    r = segs_reading_encode(reading, room, SEGS_READING_JSON_MAX_BYTES, &len);
    if (r < 0)
        return r;
    batch->body.len += len;
    element->pair = sim_pair_ref(pair);
    close_element(batch, element);
    return 0;
}

int sim_batch_add_corrupt(struct sim_batch *batch, int64_t meter,
                          const struct segs_reading *reading, uint32_t corruption)
{
    struct sim_element *element = open_element(batch, SIM_CORRUPT, meter);

    if (!element)
        return SEGS_EFULL;
    sim_corrupt_append(reading, corruption, &batch->body);
    close_element(batch, element);
    return rt_buf_status(&batch->body);
}

int sim_batch_end(struct sim_batch *batch)
{
    rt_buf_text(&batch->body, batch->n == 0 ? "[]" : "]");
    return rt_buf_status(&batch->body);
}

static bool counts_now(const struct sim_element *element)
{
    if (element->pair)
        return !atomic_exchange(&element->pair->counted, true);
    return element->kind == SIM_FIRST;
}

void sim_batch_settle(struct sim_batch *batch, struct sim_counts *counts)
{
    for (size_t i = 0; i < batch->n; i++) {
        const struct sim_element *element = &batch->elements[i];

        if (element->kind == SIM_CORRUPT)
            counts->corrupt_accepted += !element->rejected;
        else if (element->rejected)
            counts->valid_rejected++;
        else
            counts->distinct_accepted += counts_now(element);
    }
}

int64_t sim_batch_settle_stored(struct sim_batch *batch, struct sim_counts *counts)
{
    int64_t n = 0;

    for (size_t i = 0; i < batch->n; i++) {
        const struct sim_element *element = &batch->elements[i];

        if (!element->stored)
            continue;
        n++;
        if (element->kind == SIM_CORRUPT) {
            counts->rejected++;
        } else {
            counts->accepted++;
            counts->distinct_accepted += counts_now(element);
        }
    }
    counts->answered += n;
    return n;
}
