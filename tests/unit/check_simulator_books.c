/* Batches, faults and the books: every reading made is found again under exactly one outcome. */
#include "simulator/generator.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <segs/decode.h>

#include "runtime/errors.h"
#include "runtime/log.h"
#include "simulator/sender.h"
#include "simulator/target.h"

#define START_MS INT64_C(1768458600000) /* 2026-01-15T06:30:00Z */

static struct sim_model *model_of(int64_t n_meters)
{
    const struct sim_model_options options = { .seed = 1,
                                               .n_meters = n_meters,
                                               .interval_ms = 10000,
                                               .utc_offset_min = 330,
                                               .regions = "North,South" };
    struct sim_model *model = NULL;

    ck_assert_int_eq(sim_model_new(&options, &model, NULL), 0);
    return model;
}

static struct sim_generator generator_of(const struct sim_model *model, int64_t iterations,
                                         const struct sim_fault_rates *rates)
{
    const struct sim_plan plan = { .start_ms = START_MS,
                                   .interval_ms = 10000,
                                   .n_meters = model->options.n_meters,
                                   .iterations = iterations,
                                   .spread = true };
    struct sim_generator generator;

    sim_generator_init(&generator, &plan, model, rates);
    return generator;
}

static const struct sim_fault_rates no_faults = { .seed = 1 };
static const struct sim_fault_rates many_faults = {
    .seed = 1, .duplicate = 100000, .late = 50000, .out_of_order = 50000, .corrupt = 50000
};

static struct sim_batch *batch_of_cap(size_t cap)
{
    struct sim_batch *batch = NULL;

    ck_assert_int_eq(sim_batch_new(cap, &batch), 0);
    return batch;
}

/* ---- Plan (D-109) ---- */

START_TEST(d109_slots_are_start_plus_whole_intervals_without_drift)
{
    const struct sim_plan plan = {
        .start_ms = 1003, .interval_ms = 10000, .n_meters = 5, .spread = true
    };

    ck_assert_int_eq(sim_plan_slot_ms(&plan, 0, 0), 1003);
    ck_assert_int_eq(sim_plan_slot_ms(&plan, 0, 2), 5003);
    ck_assert_int_eq(sim_plan_slot_ms(&plan, 3, 4), 39003);
    /* 316 years of cycles later still to the millisecond. */
    ck_assert_int_eq(sim_plan_slot_ms(&plan, INT64_C(1000000000), 0), INT64_C(10000000001003));
}
END_TEST

START_TEST(without_spread_all_meters_report_at_the_beginning)
{
    const struct sim_plan plan = { .start_ms = 1000, .interval_ms = 10000, .n_meters = 5 };

    ck_assert_int_eq(sim_plan_slot_ms(&plan, 2, 0), 21000);
    ck_assert_int_eq(sim_plan_slot_ms(&plan, 2, 4), 21000);
}
END_TEST

/* ---- Faults ---- */

static void assert_rate(int64_t count, int64_t n, double rate)
{
    ck_assert_double_le(fabs((double)count - (double)n * rate),
                        4 * sqrt((double)n * rate * (1 - rate)));
}

START_TEST(faults_come_at_their_rates)
{
    static const struct sim_fault_rates rates = {
        .seed = 42, .duplicate = 10000, .late = 2000, .out_of_order = 5000, .corrupt = 500
    };
    int64_t n = 400000;
    int64_t duplicates = 0, delayed_duplicates = 0, late = 0, out_of_order = 0, corrupt = 0;

    for (int64_t i = 0; i < n; i++) {
        struct sim_faults faults;

        sim_faults_draw(&rates, i % 1000, START_MS + i / 1000 * 10000, &faults);
        duplicates += faults.duplicate;
        delayed_duplicates += faults.duplicate_delay_ms > 0;
        late += faults.late;
        out_of_order += faults.out_of_order;
        corrupt += faults.corrupt;
        if (faults.late) {
            ck_assert_int_ge(faults.delay_ms, 15000);
            ck_assert_int_le(faults.delay_ms, 120000);
        } else if (faults.out_of_order) {
            ck_assert_int_ge(faults.delay_ms, 500);
            ck_assert_int_le(faults.delay_ms, 5000);
        } else {
            ck_assert_int_eq(faults.delay_ms, 0);
        }
    }
    assert_rate(duplicates, n, 0.01);
    assert_rate(delayed_duplicates, duplicates, 0.5);
    assert_rate(late, n, 0.002);
    assert_rate(out_of_order, n, 0.005 * 0.998);
    assert_rate(corrupt, n, 0.0005);
}
END_TEST

START_TEST(a_rate_of_zero_never_hits_and_a_rate_of_one_always)
{
    static const struct sim_fault_rates always = {
        .seed = 1, .duplicate = 1000000, .late = 1000000, .corrupt = 1000000
    };

    for (int64_t i = 0; i < 10000; i++) {
        struct sim_faults none, all;

        sim_faults_draw(&no_faults, i, START_MS, &none);
        ck_assert(!none.duplicate && !none.late && !none.out_of_order && !none.corrupt);
        sim_faults_draw(&always, i, START_MS, &all);
        ck_assert(all.duplicate && all.late && all.corrupt);
    }
}
END_TEST

static int decode_element(const char *text, size_t len, struct segs_reading *ret)
{
    struct segs_decoder_options options = SEGS_DECODER_OPTIONS_INIT;
    struct segs_decoder *decoder = NULL;
    int r;

    ck_assert_int_eq(segs_decoder_new(&options, &decoder), 0);
    r = segs_decoder_begin(decoder, text, len);
    if (r == 0)
        r = segs_decoder_next(decoder, ret, NULL);
    segs_decoder_free(decoder);
    return r;
}

START_TEST(every_corruption_is_json_that_is_no_reading)
{
    struct sim_model *model = model_of(1);
    struct segs_reading reading, decoded;

    ck_assert(sim_model_reading(model, SIM_NORMAL, 0, START_MS, &reading));
    for (uint32_t i = 0; i < SIM_N_CORRUPTIONS; i++) {
        struct rt_buf text = RT_BUF_INIT;
        struct rt_json *json = NULL;

        sim_corrupt_append(&reading, i, &text);
        ck_assert_int_eq(rt_json_parse(text.data, text.len, &json, NULL), 0);
        ck_assert_int_lt(decode_element(text.data, text.len, &decoded), 0);
        rt_json_free(json);
        rt_buf_free(&text);
    }
    sim_model_free(model);
}
END_TEST

/* ---- The generator ---- */

#define N_METERS 400
#define N_CYCLES 20

/* What was seen of each slot of the plan. */
struct seen {
    int firsts[N_CYCLES][N_METERS];
    int copies[N_CYCLES][N_METERS];
    int64_t corrupt;
};

static void see(struct seen *seen, const struct sim_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        const struct sim_element *element = &batch->elements[i];
        struct segs_reading reading;
        int r = decode_element(batch->body.data + element->offset, element->len, &reading);
        char id[SIM_ID_BYTES];
        int64_t cycle;

        if (element->kind == SIM_CORRUPT) {
            ck_assert_int_lt(r, 0);
            seen->corrupt++;
            continue;
        }
        ck_assert_int_eq(r, 1);
        sim_meter_id(element->meter, id);
        ck_assert_str_eq(reading.meter_id, id);
        ck_assert_int_le(reading.ts_ms, batch->due_ms);
        cycle = (reading.ts_ms - START_MS) / 10000;
        if (element->kind == SIM_FIRST)
            seen->firsts[cycle][element->meter]++;
        else
            seen->copies[cycle][element->meter]++;
    }
}

START_TEST(each_slot_is_delivered_once_and_copies_come_on_top)
{
    struct sim_model *model = model_of(N_METERS);
    struct sim_generator generator = generator_of(model, N_CYCLES, &many_faults);
    struct sim_batch *batch = batch_of_cap(50);
    struct seen *seen = calloc(1, sizeof *seen);
    int64_t copies = 0;
    int r;

    while ((r = sim_generator_next(&generator, batch)) > 0)
        see(seen, batch);
    ck_assert_int_eq(r, 0);
    for (int c = 0; c < N_CYCLES; c++) {
        for (int m = 0; m < N_METERS; m++) {
            ck_assert_int_eq(seen->firsts[c][m], 1);
            copies += seen->copies[c][m];
        }
    }
    ck_assert_int_eq(generator.made.generated, N_CYCLES * N_METERS);
    ck_assert_int_eq(generator.made.duplicates, copies);
    ck_assert_int_eq(generator.made.corrupt, seen->corrupt);
    ck_assert_int_eq(generator.made.cycles, N_CYCLES);
    ck_assert_int_gt(copies, 0);
    ck_assert_int_gt(generator.made.late, 0);
    free(seen);
    sim_batch_free(batch);
    sim_generator_destroy(&generator);
    sim_model_free(model);
}
END_TEST

START_TEST(two_runs_with_one_seed_give_the_same_batches)
{
    struct sim_model *model = model_of(N_METERS);
    struct sim_generator one = generator_of(model, N_CYCLES, &many_faults);
    struct sim_generator two = generator_of(model, N_CYCLES, &many_faults);
    struct sim_batch *a = batch_of_cap(50);
    struct sim_batch *b = batch_of_cap(50);

    while (sim_generator_next(&one, a) > 0) {
        ck_assert_int_eq(sim_generator_next(&two, b), 1);
        ck_assert_int_eq(a->due_ms, b->due_ms);
        ck_assert_uint_eq(a->body.len, b->body.len);
        ck_assert_mem_eq(a->body.data, b->body.data, a->body.len);
    }
    ck_assert_int_eq(sim_generator_next(&two, b), 0);
    sim_batch_free(a);
    sim_batch_free(b);
    sim_generator_destroy(&one);
    sim_generator_destroy(&two);
    sim_model_free(model);
}
END_TEST

START_TEST(batches_are_in_order_of_time_and_never_wait_long_for_more)
{
    struct sim_model *model = model_of(N_METERS);
    struct sim_generator generator = generator_of(model, 3, &no_faults);
    struct sim_batch *batch = batch_of_cap(500);
    int64_t last_ms = START_MS - 1;

    while (sim_generator_next(&generator, batch) > 0) {
        struct segs_reading first;

        ck_assert_int_eq(decode_element(batch->body.data + batch->elements[0].offset,
                                        batch->elements[0].len, &first),
                         1);
        ck_assert_int_gt(first.ts_ms, last_ms);
        ck_assert_int_lt(batch->due_ms - first.ts_ms, SIM_LINGER_MS);
        last_ms = batch->due_ms;
    }
    sim_batch_free(batch);
    sim_generator_destroy(&generator);
    sim_model_free(model);
}
END_TEST

START_TEST(late_readings_keep_their_time_and_come_15_s_to_2_min_after_it)
{
    static const struct sim_fault_rates all_late = { .seed = 1, .late = 1000000 };
    struct sim_model *model = model_of(N_METERS);
    struct sim_generator generator = generator_of(model, 40, &all_late);
    struct sim_batch *batch = batch_of_cap(50);
    int64_t n = 0;

    while (sim_generator_next(&generator, batch) > 0 && generator.cycle < 40) {
        for (size_t i = 0; i < batch->n; i++) {
            struct segs_reading reading;

            ck_assert_int_eq(decode_element(batch->body.data + batch->elements[i].offset,
                                            batch->elements[i].len, &reading),
                             1);
            ck_assert_int_ge(batch->due_ms - reading.ts_ms, 15000);
            ck_assert_int_le(batch->due_ms - reading.ts_ms, 120000 + SIM_LINGER_MS);
            n++;
        }
    }
    ck_assert_int_gt(n, 10000);
    sim_batch_free(batch);
    sim_generator_destroy(&generator);
    sim_model_free(model);
}
END_TEST

START_TEST(at_the_end_what_is_held_back_is_handed_out_at_once)
{
    static const struct sim_fault_rates all_late = { .seed = 1, .late = 1000000 };
    struct sim_model *model = model_of(100);
    struct sim_generator generator = generator_of(model, 0, &all_late);
    struct sim_batch *batch = batch_of_cap(40);
    int64_t n = 0;
    int64_t reached_ms;

    while (generator.cycle < 1)
        ck_assert_int_eq(sim_generator_next(&generator, batch), 1);
    reached_ms = generator.now_ms;
    sim_generator_end(&generator);
    while (sim_generator_next(&generator, batch) > 0) {
        n += (int64_t)batch->n;
        ck_assert_int_eq(batch->due_ms, reached_ms);
    }
    ck_assert_int_eq(n, generator.made.generated);
    sim_batch_free(batch);
    sim_generator_destroy(&generator);
    sim_model_free(model);
}
END_TEST

START_TEST(silent_meters_are_counted_and_not_sent)
{
    struct sim_model *model = model_of(1000);
    struct sim_generator generator = generator_of(model, 1, &no_faults);
    struct sim_batch *batch = batch_of_cap(100);
    int64_t n = 0;

    generator.scenarios.base.mode = SIM_OUTAGE;
    while (sim_generator_next(&generator, batch) > 0)
        n += (int64_t)batch->n;
    ck_assert_int_eq(n, generator.made.generated);
    ck_assert_int_eq(generator.made.generated + generator.made.silent, 1000);
    ck_assert_int_gt(generator.made.silent, 60);
    ck_assert_int_lt(generator.made.silent, 140);
    sim_batch_free(batch);
    sim_generator_destroy(&generator);
    sim_model_free(model);
}
END_TEST

/* ---- A target whose answers are written down beforehand ---- */

struct script {
    enum sim_outcome outcome;
    int64_t accepted; /* Of SIM_ANSWERED; -1: what is left of the batch. */
    int64_t duplicates;
    int64_t rejected; /* The first so many elements are named as bad. */
};

struct fake {
    struct sim_target base;
    const struct script *script;
    size_t next;
};

static void play(struct sim_target *base, struct sim_batch *batch, struct sim_answer *ret,
                 struct segs_error *reterr)
{
    struct fake *fake = (struct fake *)(void *)base;
    const struct script *line = &fake->script[fake->next++];

    (void)reterr;
    ret->outcome = line->outcome;
    ret->duplicates = line->duplicates;
    ret->rejected = line->rejected;
    ret->accepted = line->accepted >= 0 ? line->accepted
                                        : (int64_t)batch->n - line->duplicates - line->rejected;
    for (int64_t i = 0; i < line->rejected; i++)
        batch->elements[i].rejected = true;
}

static struct sim_counts deliver_with(struct sim_batch *batch, const struct script *script,
                                      int64_t retry_attempts)
{
    struct fake fake = { .base = { .send = play }, .script = script };
    struct sim_account account;
    atomic_bool give_up = false;
    const struct sim_delivery delivery = { .account = &account,
                                           .give_up = &give_up,
                                           .retry_attempts = retry_attempts,
                                           .retry_delay_ms = 1 };
    struct sim_counts counts;

    sim_account_init(&account);
    sim_deliver(&delivery, &fake.base, batch);
    sim_account_get(&account, &counts);
    sim_account_destroy(&account);
    return counts;
}

/* Ten plain readings; with_corrupt: a damaged one before them. */
static struct sim_batch *ten_readings(bool with_corrupt)
{
    struct sim_model *model = model_of(10);
    struct sim_batch *batch = batch_of_cap(20);

    sim_batch_begin(batch);
    for (int64_t i = 0; i < 10; i++) {
        struct segs_reading reading;

        ck_assert(sim_model_reading(model, SIM_NORMAL, i, START_MS, &reading));
        if (with_corrupt && i == 0)
            ck_assert_int_eq(sim_batch_add_corrupt(batch, i, &reading, 0), 0);
        ck_assert_int_eq(sim_batch_add(batch, SIM_FIRST, i, &reading, NULL), 0);
    }
    ck_assert_int_eq(sim_batch_end(batch), 0);
    sim_model_free(model);
    return batch;
}

START_TEST(d109_an_answered_batch_is_booked_as_the_target_counted_it)
{
    static const struct script script[] = { { SIM_ANSWERED, -1, 0, 1 } };
    struct sim_batch *batch = ten_readings(true);
    struct sim_counts c = deliver_with(batch, script, 0);

    ck_assert_int_eq(c.sent, 11);
    ck_assert_int_eq(c.answered, 11);
    ck_assert_int_eq(c.accepted, 10);
    ck_assert_int_eq(c.rejected, 1);
    ck_assert_int_eq(c.distinct_accepted, 10);
    ck_assert_int_eq(c.valid_rejected + c.corrupt_accepted + c.miscounted + c.retries, 0);
    sim_batch_free(batch);
}
END_TEST

START_TEST(d109_a_torn_answer_is_repeated_and_counted_once)
{
    static const struct script script[] = { { SIM_AMBIGUOUS, 0, 0, 0 },
                                            { SIM_UNAVAILABLE, 0, 0, 0 },
                                            { SIM_AMBIGUOUS, 0, 0, 0 },
                                            { SIM_ANSWERED, 3, 7, 0 } };
    struct sim_batch *batch = ten_readings(false);
    struct sim_counts c = deliver_with(batch, script, 0);

    ck_assert_int_eq(c.sent, 10);
    ck_assert_int_eq(c.retries, 3);
    ck_assert_int_eq(c.ambiguous, 2);
    ck_assert_int_eq(c.accepted, 3);
    ck_assert_int_eq(c.duplicates_reported, 7);
    ck_assert_int_eq(c.distinct_accepted, 10);
    ck_assert_int_eq(c.unresolved, 0);
    sim_batch_free(batch);
}
END_TEST

START_TEST(d109_a_whole_reading_that_is_rejected_is_not_accepted)
{
    static const struct script script[] = { { SIM_ANSWERED, -1, 0, 2 } };
    struct sim_batch *batch = ten_readings(false);
    struct sim_counts c = deliver_with(batch, script, 0);

    c.generated = 10;
    ck_assert_int_eq(c.valid_rejected, 2);
    ck_assert_int_eq(c.distinct_accepted, 8);
    ck_assert(!sim_counts_is_complete(&c));
    sim_batch_free(batch);
}
END_TEST

START_TEST(d109_an_answer_that_does_not_add_up_is_noted)
{
    static const struct script script[] = { { SIM_ANSWERED, 9, 0, 0 } };
    struct sim_batch *batch = ten_readings(false);
    struct sim_counts c = deliver_with(batch, script, 0);

    c.generated = c.distinct_accepted;
    ck_assert_int_eq(c.miscounted, 1);
    ck_assert(!sim_counts_is_complete(&c));
    sim_batch_free(batch);
}
END_TEST

START_TEST(d109_what_is_given_up_is_dropped_by_reason)
{
    static const struct script away[] = { { SIM_UNAVAILABLE, 0, 0, 0 },
                                          { SIM_UNAVAILABLE, 0, 0, 0 },
                                          { SIM_UNAVAILABLE, 0, 0, 0 } };
    static const struct script torn[] = { { SIM_AMBIGUOUS, 0, 0, 0 },
                                          { SIM_UNAVAILABLE, 0, 0, 0 },
                                          { SIM_UNAVAILABLE, 0, 0, 0 } };
    static const struct script refused[] = { { SIM_REFUSED, 0, 0, 0 } };
    struct sim_batch *batch = ten_readings(false);
    struct sim_counts c = deliver_with(batch, away, 2);

    ck_assert_int_eq(c.dropped_unavailable, 10);
    ck_assert_int_eq(c.retries, 2);
    ck_assert_int_eq(c.unresolved, 0);
    c = deliver_with(batch, torn, 2);
    ck_assert_int_eq(c.dropped_unavailable, 10);
    ck_assert_int_eq(c.unresolved, 10);
    c = deliver_with(batch, refused, 2);
    ck_assert_int_eq(c.dropped_refused, 10);
    ck_assert_int_eq(c.answered + c.distinct_accepted + c.retries, 0);
    sim_batch_free(batch);
}
END_TEST

START_TEST(d109_a_stopped_simulator_sends_nothing_and_says_so)
{
    struct fake fake = { .base = { .send = play } };
    struct sim_batch *batch = ten_readings(false);
    struct sim_account account;
    atomic_bool give_up = true;
    const struct sim_delivery delivery = { .account = &account, .give_up = &give_up };
    struct sim_counts c;

    sim_account_init(&account);
    sim_deliver(&delivery, &fake.base, batch);
    sim_account_get(&account, &c);
    ck_assert_uint_eq(fake.next, 0);
    ck_assert_int_eq(c.dropped_stopped, 10);
    ck_assert_int_eq(c.sent, 0);
    sim_account_destroy(&account);
    sim_batch_free(batch);
}
END_TEST

/* A reading and its copy in batches of their own. */
static void deliver_pair(const struct script *first, const struct script *copy,
                         struct sim_counts *ret)
{
    struct sim_model *model = model_of(1);
    struct sim_pair *pair = sim_pair_new();
    struct sim_batch *batches[2] = { batch_of_cap(4), batch_of_cap(4) };
    struct segs_reading reading;
    struct sim_counts one, two;

    ck_assert(sim_model_reading(model, SIM_NORMAL, 0, START_MS, &reading));
    for (int i = 0; i < 2; i++) {
        sim_batch_begin(batches[i]);
        ck_assert_int_eq(sim_batch_add(batches[i], i ? SIM_COPY : SIM_FIRST, 0, &reading, pair), 0);
        ck_assert_int_eq(sim_batch_end(batches[i]), 0);
    }
    sim_pair_unref(pair);
    one = deliver_with(batches[0], first, 1);
    two = deliver_with(batches[1], copy, 1);
    *ret = one;
    ret->distinct_accepted += two.distinct_accepted;
    sim_batch_free(batches[0]);
    sim_batch_free(batches[1]);
    sim_model_free(model);
}

START_TEST(d109_a_reading_and_its_copy_count_once_whichever_arrives)
{
    static const struct script arrives[] = { { SIM_ANSWERED, -1, 0, 0 } };
    static const struct script lost[] = { { SIM_UNAVAILABLE, 0, 0, 0 },
                                          { SIM_UNAVAILABLE, 0, 0, 0 } };
    struct sim_counts c;

    deliver_pair(arrives, arrives, &c);
    ck_assert_int_eq(c.distinct_accepted, 1);
    deliver_pair(lost, arrives, &c);
    ck_assert_int_eq(c.distinct_accepted, 1);
    deliver_pair(arrives, lost, &c);
    ck_assert_int_eq(c.distinct_accepted, 1);
    deliver_pair(lost, lost, &c);
    ck_assert_int_eq(c.distinct_accepted, 0);
}
END_TEST

START_TEST(what_a_given_up_batch_got_stored_is_counted)
{
    static const struct script torn[] = { { SIM_AMBIGUOUS, 0, 0, 0 }, { SIM_AMBIGUOUS, 0, 0, 0 } };
    struct sim_batch *batch = ten_readings(false);
    struct sim_counts c;

    for (int i = 0; i < 4; i++)
        batch->elements[i].stored = true;
    c = deliver_with(batch, torn, 1);
    ck_assert_int_eq(c.answered, 4);
    ck_assert_int_eq(c.distinct_accepted, 4);
    ck_assert_int_eq(c.dropped_unavailable, 6);
    ck_assert_int_eq(c.unresolved, 6);
    sim_batch_free(batch);
}
END_TEST

/* ---- A target with a store, on a network that loses requests and answers ---- */

struct store {
    struct sim_target base;
    uint64_t random;
    bool has[N_CYCLES][N_METERS];
    int64_t n;
};

/* Each try: lost before it arrives, half stored with a 503, stored with its answer lost, or
 * answered. */
static void store_or_lose(struct sim_target *base, struct sim_batch *batch, struct sim_answer *ret,
                          struct segs_error *reterr)
{
    struct store *store = (struct store *)(void *)base;
    uint64_t fate = sim_hash(99, store->random++, 0, 0) % 8;
    size_t n = fate == 0 ? 0 : fate == 1 ? batch->n / 2 : batch->n;

    (void)reterr;
    for (size_t i = 0; i < n; i++) {
        struct segs_reading reading;
        const struct sim_element *element = &batch->elements[i];
        int64_t cycle;

        if (decode_element(batch->body.data + element->offset, element->len, &reading) < 0) {
            ret->rejected++;
            batch->elements[i].rejected = true;
            continue;
        }
        cycle = (reading.ts_ms - START_MS) / 10000;
        ret->accepted++;
        store->n += !store->has[cycle][element->meter];
        store->has[cycle][element->meter] = true;
    }
    ret->outcome = fate == 0 ? SIM_UNAVAILABLE : fate >= 3 ? SIM_ANSWERED : SIM_AMBIGUOUS;
}

static void run_against(struct store *store, int64_t retry_attempts, struct sim_counts *ret)
{
    struct sim_model *model = model_of(N_METERS);
    struct sim_generator generator = generator_of(model, N_CYCLES, &many_faults);
    struct sim_batch *batch = batch_of_cap(60);
    struct sim_account account;
    atomic_bool give_up = false;
    const struct sim_delivery delivery = { .account = &account,
                                           .give_up = &give_up,
                                           .retry_attempts = retry_attempts,
                                           .retry_delay_ms = 1 };

    store->base.send = store_or_lose;
    sim_account_init(&account);
    while (sim_generator_next(&generator, batch) > 0) {
        sim_deliver(&delivery, &store->base, batch);
        sim_account_add(&account, &generator.made);
        memset(&generator.made, 0, sizeof generator.made);
    }
    sim_account_get(&account, ret);
    sim_account_destroy(&account);
    sim_batch_free(batch);
    sim_generator_destroy(&generator);
    sim_model_free(model);
}

static void assert_identities(const struct sim_counts *c)
{
    ck_assert_int_eq(c->generated + c->duplicates + c->corrupt, c->answered + c->dropped_refused +
                                                                    c->dropped_unavailable +
                                                                    c->dropped_stopped);
    ck_assert_int_eq(c->answered, c->accepted + c->rejected + c->duplicates_reported);
    ck_assert_int_eq(c->sent, c->generated + c->duplicates + c->corrupt);
    ck_assert_int_eq(c->miscounted + c->valid_rejected + c->corrupt_accepted, 0);
}

START_TEST(d109_with_endless_retries_the_books_equal_the_store)
{
    struct store *store = calloc(1, sizeof *store);
    struct sim_counts c;

    run_against(store, 0, &c);
    assert_identities(&c);
    ck_assert_int_eq(c.generated, N_CYCLES * N_METERS);
    ck_assert_int_eq(c.distinct_accepted, N_CYCLES * N_METERS);
    ck_assert_int_eq(c.distinct_accepted, store->n);
    ck_assert_int_eq(c.rejected, c.corrupt);
    ck_assert_int_gt(c.ambiguous, 0);
    ck_assert(sim_counts_is_complete(&c));
    free(store);
}
END_TEST

START_TEST(d109_with_few_retries_the_store_lies_within_what_is_unresolved)
{
    struct store *store = calloc(1, sizeof *store);
    struct sim_counts c;

    run_against(store, 1, &c);
    assert_identities(&c);
    ck_assert_int_gt(c.dropped_unavailable, 0);
    ck_assert_int_lt(c.distinct_accepted, c.generated);
    ck_assert_int_ge(store->n, c.distinct_accepted);
    ck_assert_int_le(store->n, c.distinct_accepted + c.unresolved);
    ck_assert(!sim_counts_is_complete(&c));
    free(store);
}
END_TEST

/* ---- Waiting and reading answers ---- */

START_TEST(retries_wait_longer_each_time_up_to_5_s_with_jitter)
{
    for (uint64_t random = 0; random < 2000; random++) {
        int64_t first = sim_retry_delay_ms(200, 1, -1, random * 7919);
        int64_t third = sim_retry_delay_ms(200, 3, -1, random * 7919);
        int64_t later = sim_retry_delay_ms(200, 1000000, -1, random * 7919);

        ck_assert(first >= 100 && first <= 200);
        ck_assert(third >= 400 && third <= 800);
        ck_assert(later >= 2500 && later <= 5000);
    }
    ck_assert_int_eq(sim_retry_delay_ms(200, 1, 7000, 0), 7000);
}
END_TEST

START_TEST(the_intakes_answer_names_the_rejected_elements)
{
    static const char body[] = "{\"success\":true,\"accepted\":7,\"duplicates\":1,\"rejected\":2,"
                               "\"errors\":[{\"index\":0,\"field\":\"power_kw\"},{\"index\":9}]}";
    struct sim_batch *batch = ten_readings(false);
    struct sim_answer answer = { .outcome = SIM_UNAVAILABLE };

    batch->elements[4].rejected = true; /* Of an earlier try. */
    ck_assert(sim_answer_read(body, sizeof body - 1, batch, &answer));
    ck_assert_int_eq(answer.outcome, SIM_ANSWERED);
    ck_assert_int_eq(answer.accepted, 7);
    ck_assert_int_eq(answer.duplicates, 1);
    ck_assert_int_eq(answer.rejected, 2);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(batch->elements[i].rejected, i == 0 || i == 9);
    sim_batch_free(batch);
}
END_TEST

START_TEST(anything_else_is_no_answer)
{
    static const char *const bodies[] = { "",
                                          "ok",
                                          "{}",
                                          "[]",
                                          "{\"accepted\":1,\"rejected\":0}",
                                          "{\"accepted\":\"1\",\"duplicates\":0,\"rejected\":0}" };
    struct sim_batch *batch = ten_readings(false);

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct sim_answer answer = { .outcome = SIM_UNAVAILABLE, .accepted = -5 };

        ck_assert(!sim_answer_read(bodies[i], strlen(bodies[i]), batch, &answer));
        ck_assert_int_eq(answer.outcome, SIM_UNAVAILABLE);
        ck_assert_int_eq(answer.accepted, -5);
    }
    sim_batch_free(batch);
}
END_TEST

static TCase *generating(void)
{
    TCase *tc = tcase_create("generating");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, d109_slots_are_start_plus_whole_intervals_without_drift);
    tcase_add_test(tc, without_spread_all_meters_report_at_the_beginning);
    tcase_add_test(tc, faults_come_at_their_rates);
    tcase_add_test(tc, a_rate_of_zero_never_hits_and_a_rate_of_one_always);
    tcase_add_test(tc, every_corruption_is_json_that_is_no_reading);
    tcase_add_test(tc, each_slot_is_delivered_once_and_copies_come_on_top);
    tcase_add_test(tc, two_runs_with_one_seed_give_the_same_batches);
    tcase_add_test(tc, batches_are_in_order_of_time_and_never_wait_long_for_more);
    tcase_add_test(tc, late_readings_keep_their_time_and_come_15_s_to_2_min_after_it);
    tcase_add_test(tc, at_the_end_what_is_held_back_is_handed_out_at_once);
    tcase_add_test(tc, silent_meters_are_counted_and_not_sent);
    return tc;
}

static TCase *booking(void)
{
    TCase *tc = tcase_create("booking");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, d109_an_answered_batch_is_booked_as_the_target_counted_it);
    tcase_add_test(tc, d109_a_torn_answer_is_repeated_and_counted_once);
    tcase_add_test(tc, d109_a_whole_reading_that_is_rejected_is_not_accepted);
    tcase_add_test(tc, d109_an_answer_that_does_not_add_up_is_noted);
    tcase_add_test(tc, d109_what_is_given_up_is_dropped_by_reason);
    tcase_add_test(tc, d109_a_stopped_simulator_sends_nothing_and_says_so);
    tcase_add_test(tc, d109_a_reading_and_its_copy_count_once_whichever_arrives);
    tcase_add_test(tc, what_a_given_up_batch_got_stored_is_counted);
    tcase_add_test(tc, d109_with_endless_retries_the_books_equal_the_store);
    tcase_add_test(tc, d109_with_few_retries_the_store_lies_within_what_is_unresolved);
    tcase_add_test(tc, retries_wait_longer_each_time_up_to_5_s_with_jitter);
    tcase_add_test(tc, the_intakes_answer_names_the_rejected_elements);
    tcase_add_test(tc, anything_else_is_no_answer);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("simulator books");
    SRunner *runner;
    int n_failed;

    rt_log_setup(RT_LOG_ERROR, "text", "check");
    suite_add_tcase(suite, generating());
    suite_add_tcase(suite, booking());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
