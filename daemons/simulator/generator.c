#include "simulator/generator.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/errors.h"

struct sim_held {
    int64_t due_ms;
    int64_t meter;
    struct sim_pair *pair; /* Owned reference, or NULL. */
    struct segs_reading reading;
    enum sim_kind kind;
};

int64_t sim_plan_slot_ms(const struct sim_plan *plan, int64_t cycle, int64_t meter)
{
    int64_t offset_ms = plan->spread ? meter * plan->interval_ms / plan->n_meters : 0;

    return plan->start_ms + cycle * plan->interval_ms + offset_ms;
}

void sim_generator_init(struct sim_generator *generator, const struct sim_plan *plan,
                        const struct sim_model *model, const struct sim_fault_rates *rates)
{
    memset(generator, 0, sizeof *generator);
    generator->plan = *plan;
    generator->model = model;
    generator->rates = *rates;
    generator->now_ms = plan->start_ms;
    generator->scenarios.base =
        (struct sim_scenario){ .mode = SIM_NORMAL, .regions = UINT64_MAX, .until_ms = INT64_MAX };
}

void sim_generator_destroy(struct sim_generator *generator)
{
    for (size_t i = 0; i < generator->n_held; i++)
        sim_pair_unref(generator->held[i].pair);
    free(generator->held);
}

void sim_generator_end(struct sim_generator *generator)
{
    generator->ending = true;
}

/* ---- What is held back: a binary heap by due time, then meter, so that order is certain ---- */

static bool before(const struct sim_held *a, const struct sim_held *b)
{
    if (a->due_ms != b->due_ms)
        return a->due_ms < b->due_ms;
    if (a->meter != b->meter)
        return a->meter < b->meter;
    if (a->reading.ts_ms != b->reading.ts_ms)
        return a->reading.ts_ms < b->reading.ts_ms;
    return a->kind < b->kind;
}

static int hold(struct sim_generator *generator, const struct sim_held *held)
{
    size_t at = generator->n_held;

    if (at == generator->cap_held) {
        size_t cap = at ? 2 * at : 64;
        struct sim_held *grown = realloc(generator->held, cap * sizeof *grown);

        if (!grown)
            return SEGS_ENOMEM;
        generator->held = grown;
        generator->cap_held = cap;
    }
    generator->n_held++;
    while (at > 0 && before(held, &generator->held[(at - 1) / 2])) {
        generator->held[at] = generator->held[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    generator->held[at] = *held;
    (void)sim_pair_ref(held->pair);
    return 0;
}

static void release_first(struct sim_generator *generator)
{
    struct sim_held *heap = generator->held;
    const struct sim_held *last = &heap[--generator->n_held];
    size_t n = generator->n_held;
    size_t at = 0;

    sim_pair_unref(heap[0].pair);
    for (;;) {
        size_t child = 2 * at + 1;

        if (child + 1 < n && before(&heap[child + 1], &heap[child]))
            child++;
        if (child >= n || !before(&heap[child], last))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = *last;
}

/* ---- One slot of the plan ---- */

struct slot {
    struct segs_reading reading;
    struct sim_faults faults;
    struct sim_pair *pair;
    int64_t meter;
};

static int deliver(struct sim_generator *generator, struct sim_batch *batch,
                   const struct slot *slot, enum sim_kind kind, int64_t due_ms)
{
    const struct sim_held held = { .due_ms = due_ms,
                                   .meter = slot->meter,
                                   .pair = slot->pair,
                                   .reading = slot->reading,
                                   .kind = kind };

    if (due_ms <= generator->now_ms)
        return sim_batch_add(batch, kind, slot->meter, &slot->reading, slot->pair);
    return hold(generator, &held);
}

static int deliver_all(struct sim_generator *generator, struct sim_batch *batch,
                       const struct slot *slot)
{
    const struct sim_faults *faults = &slot->faults;
    int64_t due_ms = slot->reading.ts_ms + faults->delay_ms;
    int r = deliver(generator, batch, slot, SIM_FIRST, due_ms);

    if (r == 0 && faults->duplicate)
        r = deliver(generator, batch, slot, SIM_COPY, due_ms + faults->duplicate_delay_ms);
    if (r == 0 && faults->corrupt)
        r = sim_batch_add_corrupt(batch, slot->meter, &slot->reading, faults->corruption);
    return r;
}

static int take_slot(struct sim_generator *generator, struct sim_batch *batch, int64_t ts_ms)
{
    struct slot slot = { .meter = generator->meter };
    size_t region = generator->model->meters[slot.meter].region;
    enum sim_mode mode = sim_scenarios_mode(&generator->scenarios, region, ts_ms);
    int r;

    if (!sim_model_reading(generator->model, mode, slot.meter, ts_ms, &slot.reading)) {
        generator->made.silent++;
        return 0;
    }
    sim_faults_draw(&generator->rates, slot.meter, ts_ms, &slot.faults);
    if (slot.faults.duplicate) {
        slot.pair = sim_pair_new();
        if (!slot.pair)
            return SEGS_ENOMEM;
    }
    r = deliver_all(generator, batch, &slot);
    sim_pair_unref(slot.pair);
    if (r < 0)
        return r;
    generator->made.generated++;
    generator->made.late += slot.faults.late;
    generator->made.out_of_order += slot.faults.out_of_order;
    generator->made.duplicates += slot.faults.duplicate;
    generator->made.corrupt += slot.faults.corrupt;
    return 0;
}

/* ---- Merging the plan with what is held back ---- */

static bool is_planned(const struct sim_generator *generator)
{
    return !generator->ending &&
           (generator->plan.iterations == 0 || generator->cycle < generator->plan.iterations);
}

static int take_planned(struct sim_generator *generator, struct sim_batch *batch, int64_t ts_ms)
{
    int r;

    generator->now_ms = ts_ms;
    r = take_slot(generator, batch, ts_ms);
    if (r < 0)
        return r;
    generator->made.cycles += generator->meter == 0;
    if (++generator->meter == generator->plan.n_meters) {
        generator->meter = 0;
        generator->cycle++;
    }
    return 0;
}

static int take_held(struct sim_generator *generator, struct sim_batch *batch)
{
    const struct sim_held *first = &generator->held[0];
    int r = sim_batch_add(batch, first->kind, first->meter, &first->reading, first->pair);

    if (r < 0)
        return r;
    if (first->due_ms > generator->now_ms && is_planned(generator))
        generator->now_ms = first->due_ms;
    release_first(generator);
    return 0;
}

/* One step: 1 when something was taken, 0 when the batch ends here. */
static int step(struct sim_generator *generator, struct sim_batch *batch, int64_t until_ms)
{
    bool planned = is_planned(generator);
    int64_t slot_ms = planned
                          ? sim_plan_slot_ms(&generator->plan, generator->cycle, generator->meter)
                          : INT64_MAX;
    bool held = generator->n_held > 0 && (!planned || generator->held[0].due_ms <= slot_ms);
    /* After the plan's end what is held goes at once: nobody should wait two minutes for it. */
    int64_t next_ms = !planned ? generator->now_ms : held ? generator->held[0].due_ms : slot_ms;
    int r;

    if ((!planned && !held) || next_ms >= until_ms)
        return 0;
    r = held ? take_held(generator, batch) : take_planned(generator, batch, slot_ms);
    return r < 0 ? r : 1;
}

int sim_generator_next(struct sim_generator *generator, struct sim_batch *batch)
{
    int64_t until_ms = INT64_MAX;
    size_t n_steps = 0;
    int r = 0;

    sim_batch_begin(batch);
    /* One slot adds three elements at most. Silent meters add none, so time ends a batch, too. */
    while (batch->n + 3 <= batch->cap && (r = step(generator, batch, until_ms)) > 0) {
        if (n_steps++ == 0)
            until_ms = generator->now_ms + SIM_LINGER_MS;
    }
    if (n_steps == 0)
        return r;
    batch->due_ms = generator->now_ms;
    r = r < 0 ? r : sim_batch_end(batch);
    return r < 0 ? r : 1;
}
