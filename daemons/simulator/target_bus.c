#include <stdlib.h>

#include "runtime/schema/schema.h"
#include "simulator/model.h"
#include "simulator/target.h"

#define TIMEOUT_MS 10000

struct bus_target {
    struct sim_target base;
    struct rt_bus *bus;
    struct rt_bus_record *records;
    size_t *elements; /* Which element of the batch each record is. */
    char (*keys)[SIM_ID_BYTES];
    size_t cap;
};

static bool make_room(struct bus_target *target, size_t n)
{
    if (n <= target->cap)
        return true;
    free(target->records);
    free(target->elements);
    free(target->keys);
    target->records = calloc(n, sizeof *target->records);
    target->elements = calloc(n, sizeof *target->elements);
    target->keys = calloc(n, sizeof *target->keys);
    target->cap = target->records && target->elements && target->keys ? n : 0;
    return target->cap > 0;
}

/* Damaged readings have a key, too: a meter's partition gets to see what its meter sent. */
static size_t fill_records(struct bus_target *target, const struct sim_batch *batch)
{
    size_t n = 0;

    for (size_t i = 0; i < batch->n; i++) {
        const struct sim_element *element = &batch->elements[i];

        if (element->stored)
            continue;
        sim_meter_id(element->meter, target->keys[n]);
        target->elements[n] = i;
        target->records[n] = (struct rt_bus_record){ .key = target->keys[n],
                                                     .key_len = SIM_ID_BYTES - 1,
                                                     .value = batch->body.data + element->offset,
                                                     .value_len = element->len,
                                                     .partition = -1 };
        n++;
    }
    return n;
}

static enum sim_outcome read_outcomes(const struct bus_target *target, size_t n,
                                      struct sim_batch *batch)
{
    enum sim_outcome outcome = SIM_ANSWERED;

    for (size_t i = 0; i < n; i++) {
        enum rt_bus_outcome one = target->records[i].outcome;

        if (one == RT_BUS_DURABLE)
            batch->elements[target->elements[i]].stored = true;
        else if (one == RT_BUS_UNKNOWN)
            outcome = SIM_AMBIGUOUS;
        else if (outcome == SIM_ANSWERED)
            outcome = SIM_UNAVAILABLE;
    }
    return outcome;
}

static void send_bus(struct sim_target *base, struct sim_batch *batch, struct sim_answer *ret,
                     struct segs_error *reterr)
{
    struct bus_target *target = (struct bus_target *)(void *)base;
    size_t n;
    int r;

    if (!make_room(target, batch->n)) {
        ret->status = rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for records");
        return;
    }
    n = fill_records(target, batch);
    r = rt_bus_produce(target->bus, RT_TOPIC_RAW, target->records, n, TIMEOUT_MS, reterr);
    ret->status = r;
    if (r == SEGS_ENOTFOUND || r == SEGS_ERANGE) {
        ret->outcome = SIM_REFUSED;
        return;
    }
    ret->outcome = read_outcomes(target, n, batch);
    /* The log judges nothing: what is damaged goes to quarantine later, where this cannot see it. */
    if (ret->outcome == SIM_ANSWERED) {
        for (size_t i = 0; i < batch->n; i++) {
            batch->elements[i].rejected = batch->elements[i].kind == SIM_CORRUPT;
            ret->rejected += batch->elements[i].rejected;
        }
        ret->accepted = (int64_t)batch->n - ret->rejected;
    }
}

static void free_bus(struct sim_target *base)
{
    struct bus_target *target = (struct bus_target *)(void *)base;

    free(target->records);
    free(target->elements);
    free(target->keys);
    free(target);
}

int sim_target_bus_new(struct rt_bus *bus, struct sim_target **ret, struct segs_error *reterr)
{
    struct bus_target *target = calloc(1, sizeof *target);

    if (!target)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a target");
    target->base.send = send_bus;
    target->base.free = free_bus;
    target->bus = bus;
    *ret = &target->base;
    return 0;
}
