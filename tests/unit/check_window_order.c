/* What must hold for every order, split and batch: random streams against a recomputation that
 * knows nothing of windows, deltas or blocks. SEGS_TEST_SEED picks the first seed. */
#include <segs/rollup.h>
#include <segs/window.h>

#include <stdio.h>
#include <stdlib.h>

#include "window_support.h"

#define MAX_READINGS 400
#define MAX_ROWS 64
#define N_METERS 5
#define N_MINUTES 4
#define N_SEEDS 60

struct stream {
    size_t n;
    uint32_t meter[MAX_READINGS];
    int64_t ts_ms[MAX_READINGS];
    int64_t power[MAX_READINGS];
    int64_t energy[MAX_READINGS];
    int32_t voltage[MAX_READINGS];
    int32_t current[MAX_READINGS];
    uint32_t present[MAX_READINGS];
    int32_t status[MAX_READINGS];
    struct segs_fingerprint hash[MAX_READINGS];
};

struct rows {
    size_t n;
    struct segs_window_row row[MAX_ROWS];
};

static uint64_t first_seed(void)
{
    const char *text = getenv("SEGS_TEST_SEED");

    return text ? strtoull(text, NULL, 10) : 20260101;
}

/* Distinct readings, no two in one slot of a meter, then each fourth one a second time. */
static void make_stream(struct stream *s, uint64_t *random)
{
    memset(s, 0, sizeof *s);
    for (uint32_t meter = 0; meter < N_METERS; meter++) {
        for (int64_t slot = 0; slot < N_MINUTES * 60;
             slot += 1 + (int64_t)(next_random(random) % 25)) {
            size_t i = s->n++;

            s->meter[i] = meter * 1000;
            s->ts_ms[i] = MINUTE + slot * 1000 + (int64_t)(next_random(random) % 1000);
            s->present[i] = (uint32_t)next_random(random) & (SEGS_HAS_POWER | SEGS_HAS_ENERGY |
                                                             SEGS_HAS_VOLTAGE | SEGS_HAS_CURRENT);
            s->power[i] = (int64_t)(next_random(random) % 20001) - 10000;
            s->energy[i] = (int64_t)(next_random(random) % 2001) - 1000;
            s->voltage[i] = (int32_t)(next_random(random) % 300000);
            s->current[i] = (int32_t)(next_random(random) % 9000);
            s->status[i] = next_random(random) % 8 == 0;
            s->hash[i] = hash_of(next_random(random));
        }
    }
    for (size_t i = 0, n = s->n; i < n; i += 4) {
        size_t j = s->n++;

        ck_assert_uint_lt(j, MAX_READINGS);
        s->meter[j] = s->meter[i];
        s->ts_ms[j] = s->ts_ms[i];
        s->present[j] = s->present[i];
        s->power[j] = s->power[i];
        s->energy[j] = s->energy[i];
        s->voltage[j] = s->voltage[i];
        s->current[j] = s->current[i];
        s->status[j] = s->status[i];
        s->hash[j] = s->hash[i];
    }
}

#define SWAP(type, a, b)                                                                           \
    do {                                                                                           \
        type swap_keep = (a);                                                                      \
        (a) = (b);                                                                                 \
        (b) = swap_keep;                                                                           \
    } while (0)

static void shuffle(struct stream *s, uint64_t *random)
{
    for (size_t i = s->n; i > 1; i--) {
        size_t j = next_random(random) % i;

        SWAP(uint32_t, s->meter[i - 1], s->meter[j]);
        SWAP(int64_t, s->ts_ms[i - 1], s->ts_ms[j]);
        SWAP(int64_t, s->power[i - 1], s->power[j]);
        SWAP(int64_t, s->energy[i - 1], s->energy[j]);
        SWAP(int32_t, s->voltage[i - 1], s->voltage[j]);
        SWAP(int32_t, s->current[i - 1], s->current[j]);
        SWAP(uint32_t, s->present[i - 1], s->present[j]);
        SWAP(int32_t, s->status[i - 1], s->status[j]);
        SWAP(struct segs_fingerprint, s->hash[i - 1], s->hash[j]);
    }
}

static void naive_add(struct segs_window_row *row, const struct stream *s, size_t i)
{
    row->slots[0] |= UINT64_C(1) << (s->ts_ms[i] - row->window_start_ms) / 1000;
    if (row->count == 0 || s->ts_ms[i] < row->first_ts_ms)
        row->first_ts_ms = s->ts_ms[i];
    if (row->count == 0 || s->ts_ms[i] > row->last_ts_ms)
        row->last_ts_ms = s->ts_ms[i];
    row->count++;
    if (s->present[i] & SEGS_HAS_POWER) {
        if (row->power_count == 0 || s->power[i] < row->power_min_micro_kw)
            row->power_min_micro_kw = s->power[i];
        if (row->power_count == 0 || s->power[i] > row->power_max_micro_kw)
            row->power_max_micro_kw = s->power[i];
        row->power_sum_micro_kw += s->power[i];
        row->power_count++;
    } else {
        row->quality |= SEGS_QUALITY_NO_POWER;
    }
    if (s->present[i] & SEGS_HAS_ENERGY) {
        row->energy_sum_micro_kwh += s->energy[i];
        row->energy_count++;
    } else {
        row->quality |= SEGS_QUALITY_NO_ENERGY;
    }
    if (s->present[i] & SEGS_HAS_VOLTAGE) {
        row->voltage_sum_milli_v += s->voltage[i];
        row->voltage_count++;
    }
    if (s->present[i] & SEGS_HAS_CURRENT) {
        row->current_sum_milli_a += s->current[i];
        row->current_count++;
    }
    if (s->status[i] == SEGS_STATUS_ERROR)
        row->quality |= SEGS_QUALITY_STATUS_ERROR;
    for (int lane = 0; lane < 4; lane++)
        row->fingerprint.lane[lane] += s->hash[i].lane[lane];
}

/* Rows in order of window and meter, quality without SEGS_QUALITY_LATE, revision 0. */
static void naive_rows(struct rows *rows, const struct stream *s)
{
    memset(rows, 0, sizeof *rows);
    for (int minute = 0; minute < N_MINUTES; minute++) {
        for (uint32_t meter = 0; meter < N_METERS * 1000; meter += 1000) {
            struct segs_window_row *row = &rows->row[rows->n];

            row->window_start_ms = MINUTE + minute * INT64_C(60000);
            row->meter_slot = meter;
            for (size_t i = 0; i < s->n; i++) {
                int64_t slot = (s->ts_ms[i] - row->window_start_ms) / 1000;

                if (s->meter[i] == meter && s->ts_ms[i] >= row->window_start_ms && slot < 60 &&
                    !(row->slots[0] >> slot & 1))
                    naive_add(row, s, i);
            }
            rows->n += row->count != 0;
            if (row->count == 0)
                memset(row, 0, sizeof *row);
        }
    }
}

static void assert_same_rows(const struct rows *a, const struct rows *b, uint64_t seed)
{
    ck_assert_msg(a->n == b->n, "seed %llu: %zu rows, expected %zu", (unsigned long long)seed, a->n,
                  b->n);
    for (size_t i = 0; i < a->n; i++)
        ck_assert_msg(memcmp(&a->row[i], &b->row[i], sizeof a->row[i]) == 0,
                      "seed %llu: row %zu differs", (unsigned long long)seed, i);
}

static int add_range(struct segs_window *window, const struct stream *s, size_t first, size_t n,
                     int64_t now_ms, uint8_t *ret_state)
{
    struct segs_window_columns columns = SEGS_WINDOW_COLUMNS_INIT;

    columns.meter_slot = s->meter + first;
    columns.ts_ms = s->ts_ms + first;
    columns.hash = s->hash + first;
    columns.power_micro_kw = s->power + first;
    columns.energy_micro_kwh = s->energy + first;
    columns.voltage_milli_v = s->voltage + first;
    columns.current_milli_a = s->current + first;
    columns.present = s->present + first;
    columns.status = s->status + first;
    return segs_window_add_columns(window, &columns, n, now_ms, ret_state);
}

/* Merge a delta into the row of its key, as a store does; new keys go to their place in order. */
static void store_delta(struct rows *rows, const struct segs_window_row *delta)
{
    size_t i = 0;

    while (i < rows->n && (rows->row[i].window_start_ms < delta->window_start_ms ||
                           (rows->row[i].window_start_ms == delta->window_start_ms &&
                            rows->row[i].meter_slot < delta->meter_slot)))
        i++;
    if (i == rows->n || rows->row[i].window_start_ms != delta->window_start_ms ||
        rows->row[i].meter_slot != delta->meter_slot) {
        memmove(rows->row + i + 1, rows->row + i, (rows->n - i) * sizeof rows->row[0]);
        memset(&rows->row[i], 0, sizeof rows->row[i]);
        rows->n++;
    }
    ck_assert_int_eq(segs_row_merge(&rows->row[i], delta), 0);
    rows->row[i].quality &= ~SEGS_QUALITY_LATE;
}

static void take_into(struct segs_window *window, struct rows *rows, uint64_t *random)
{
    struct segs_window_row taken[MAX_ROWS];
    size_t n = 0;

    ck_assert_int_ge(segs_window_deltas_begin(window), 0);
    while (segs_window_next_delta(window, &taken[n]) == 1)
        n++;
    if (next_random(random) % 3 == 0) {
        ck_assert_int_eq(segs_window_deltas_abort(window), 0);
        return;
    }
    ck_assert_int_eq(segs_window_deltas_commit(window), 0);
    for (size_t i = 0; i < n; i++)
        store_delta(rows, &taken[i]);
}

/* Late readings reach back to the first minute, and duplicates come long after the take. */
static struct segs_window *patient_window(int mode)
{
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;

    options.mode = mode;
    options.max_future_ms = 3600000;
    return window_with(options);
}

START_TEST(deltas_of_any_split_and_order_add_up_to_the_rows)
{
    uint64_t seed = first_seed() + (uint64_t)_i;
    uint64_t random = seed;
    struct segs_window *window = patient_window(SEGS_WINDOW_FULL);
    struct stream stream;
    struct rows expected;
    struct rows stored;
    uint8_t state[MAX_READINGS];
    size_t n_counted = 0;
    size_t n_expected = 0;

    make_stream(&stream, &random);
    naive_rows(&expected, &stream);
    for (size_t i = 0; i < expected.n; i++)
        n_expected += expected.row[i].count;
    shuffle(&stream, &random);
    memset(&stored, 0, sizeof stored);
    for (size_t first = 0; first < stream.n;) {
        size_t n = 1 + next_random(&random) % (next_random(&random) % 2 ? 3 : 100);
        int r;

        if (n > stream.n - first)
            n = stream.n - first;
        r = add_range(window, &stream, first, n, MINUTE + 240000, state);
        ck_assert_int_ge(r, 0);
        n_counted += (size_t)r;
        for (size_t i = 0; i < n; i++)
            ck_assert_int_le(state[i], SEGS_WINDOW_DUPLICATE);
        first += n;
        if (next_random(&random) % 2)
            take_into(window, &stored, &random);
    }
    while (segs_window_delta_count(window) > 0)
        take_into(window, &stored, &random);
    ck_assert_uint_eq(n_counted, n_expected);
    assert_same_rows(&stored, &expected, seed);
    segs_window_free(window);
}
END_TEST

START_TEST(deltas_only_adds_up_too_when_duplicates_come_before_the_commit)
{
    /* Everything is added under takes that fail, so de-duplication spans them all. */
    uint64_t seed = first_seed() + (uint64_t)_i;
    uint64_t random = seed;
    struct segs_window *window = patient_window(SEGS_WINDOW_DELTAS_ONLY);
    struct stream stream;
    struct rows expected;
    struct rows stored;
    struct segs_window_row row;
    uint8_t state[MAX_READINGS];

    make_stream(&stream, &random);
    naive_rows(&expected, &stream);
    shuffle(&stream, &random);
    memset(&stored, 0, sizeof stored);
    for (size_t first = 0; first < stream.n;) {
        size_t n = 1 + next_random(&random) % 60;

        if (n > stream.n - first)
            n = stream.n - first;
        ck_assert_int_ge(add_range(window, &stream, first, n, MINUTE + 240000, state), 0);
        for (size_t i = 0; i < n; i++)
            ck_assert_int_le(state[i], SEGS_WINDOW_DUPLICATE);
        first += n;
        ck_assert_int_ge(segs_window_deltas_begin(window), 0);
        if (first < stream.n && next_random(&random) % 2) {
            ck_assert_int_ge(add_range(window, &stream, first, 1, MINUTE + 240000, state), 0);
            first++;
        }
        ck_assert_int_eq(segs_window_deltas_abort(window), 0);
    }
    ck_assert_int_eq(segs_window_deltas_begin(window), 1);
    while (segs_window_next_delta(window, &row) == 1)
        store_delta(&stored, &row);
    assert_same_rows(&stored, &expected, seed);
    segs_window_free(window);
}
END_TEST

/* The last revision of each row, and the sum of everything handed out about it. */
static void drain_closes(struct segs_window *window, struct rows *last, struct rows *summed,
                         uint64_t *random)
{
    struct segs_window_row row;
    struct segs_window_row difference;

    while (next_random(random) % 8 != 0 && segs_window_next_closed(window, &row) == 1) {
        ck_assert_uint_eq(row.revision, 1);
        row.revision = 0;
        store_delta(last, &row);
        store_delta(summed, &row);
    }
    while (next_random(random) % 8 != 0 &&
           segs_window_next_correction(window, &row, &difference) == 1) {
        ck_assert_uint_ge(row.revision, 2);
        row.revision = 0;
        store_delta(summed, &difference);
        for (size_t i = 0; i < last->n; i++) {
            if (last->row[i].window_start_ms == row.window_start_ms &&
                last->row[i].meter_slot == row.meter_slot)
                last->row[i] = row;
        }
        for (size_t i = 0; i < last->n; i++)
            last->row[i].quality &= ~SEGS_QUALITY_LATE;
    }
}

START_TEST(closed_rows_and_corrections_add_up_to_the_rows)
{
    uint64_t seed = first_seed() + (uint64_t)_i;
    uint64_t random = seed;
    struct segs_window *window = patient_window(SEGS_WINDOW_CLOSES_ONLY);
    struct stream stream;
    struct rows expected;
    struct rows last;
    struct rows summed;
    uint8_t state[MAX_READINGS];

    make_stream(&stream, &random);
    naive_rows(&expected, &stream);
    shuffle(&stream, &random);
    memset(&last, 0, sizeof last);
    memset(&summed, 0, sizeof summed);
    for (size_t first = 0; first < stream.n;) {
        size_t n = 1 + next_random(&random) % 40;

        if (n > stream.n - first)
            n = stream.n - first;
        ck_assert_int_ge(add_range(window, &stream, first, n, MINUTE + 240000, state), 0);
        first += n;
        drain_closes(window, &last, &summed, &random);
    }
    ck_assert_int_eq(segs_window_advance(window, MINUTE + 250000), 0);
    for (int i = 0; i < 200; i++)
        drain_closes(window, &last, &summed, &random);
    assert_same_rows(&last, &expected, seed);
    assert_same_rows(&summed, &expected, seed);
    segs_window_free(window);
}
END_TEST

START_TEST(columns_and_single_readings_have_the_same_outcome)
{
    uint64_t seed = first_seed() + (uint64_t)_i;
    uint64_t random = seed;
    struct segs_window *columns = patient_window(_i % 3);
    struct segs_window *single = patient_window(_i % 3);
    struct stream stream;
    uint8_t state[MAX_READINGS];

    make_stream(&stream, &random);
    shuffle(&stream, &random);
    for (size_t i = 0; i < stream.n; i++) {
        uint64_t kind = next_random(&random) % 40;

        if (kind == 0)
            stream.hash[i].lane[2]++; /* a conflict, or a reading with another hash */
        if (kind == 1)
            stream.ts_ms[i] += 7200000; /* too far ahead */
        if (kind == 2)
            stream.power[i] = INT64_MAX; /* refused where present */
    }
    ck_assert_int_ge(add_range(columns, &stream, 0, stream.n, MINUTE + 120000, state), 0);
    for (size_t i = 0; i < stream.n; i++) {
        struct segs_reading reading = power_at(stream.ts_ms[i], stream.power[i]);
        int r;

        reading.energy_micro_kwh = stream.energy[i];
        reading.voltage_milli_v = stream.voltage[i];
        reading.current_milli_a = stream.current[i];
        reading.status = stream.status[i];
        reading.present = stream.present[i] | SEGS_HAS_STATUS;
        r = segs_window_add(single, stream.meter[i], &reading, &stream.hash[i], MINUTE + 120000);
        if (r == SEGS_ERANGE)
            ck_assert_int_ge(state[i], SEGS_WINDOW_FUTURE);
        else
            ck_assert_msg(state[i] == r, "seed %llu: reading %zu", (unsigned long long)seed, i);
    }
    ck_assert_int_eq(segs_window_watermark(columns), segs_window_watermark(single));
    ck_assert_int_eq(segs_window_row_count(columns), segs_window_row_count(single));
    segs_window_free(columns);
    segs_window_free(single);
}
END_TEST

START_TEST(absent_columns_are_absent_values)
{
    struct segs_window *window = window_in_mode(SEGS_WINDOW_DELTAS_ONLY);
    struct segs_window_columns columns = SEGS_WINDOW_COLUMNS_INIT;
    const uint32_t meter[2] = { 1, 1 };
    const int64_t ts_ms[2] = { MINUTE, MINUTE + 1000 };
    const int64_t power[2] = { 5, -9 };
    const struct segs_fingerprint hash[2] = { { { 1, 1, 1, 1 } }, { { 2, 2, 2, 2 } } };
    struct segs_window_row row;
    uint8_t state[2];

    columns.meter_slot = meter;
    columns.ts_ms = ts_ms;
    columns.hash = hash;
    columns.power_micro_kw = power;
    ck_assert_int_eq(segs_window_add_columns(window, &columns, 2, MINUTE, state), 2);
    ck_assert_uint_eq(take_deltas(window, &row, 1), 1);
    ck_assert_uint_eq(row.count, 2);
    ck_assert_uint_eq(row.power_count, 2);
    ck_assert_int_eq(row.power_sum_micro_kw, -4);
    ck_assert_uint_eq(row.energy_count, 0);
    ck_assert_uint_eq(row.voltage_count, 0);
    ck_assert_uint_eq(row.quality, SEGS_QUALITY_NO_ENERGY);
    segs_window_free(window);
}
END_TEST

START_TEST(a_quarter_equals_the_merge_of_its_minutes_in_any_order)
{
    uint64_t seed = first_seed() + (uint64_t)_i;
    uint64_t random = seed;
    struct segs_rollup_row part[3];
    struct segs_rollup_row whole;
    struct segs_rollup_row united;
    struct stream stream;
    struct rows rows;

    make_stream(&stream, &random);
    naive_rows(&rows, &stream);
    memset(part, 0, sizeof part);
    memset(&whole, 0, sizeof whole);
    memset(&united, 0, sizeof united);
    for (size_t i = 0; i < rows.n; i++) {
        const struct segs_window_row *row = &rows.row[i];

        /* The stream's minutes straddle a quarter; one meter of one quarter is enough. */
        if (row->meter_slot != 1000 || row->window_start_ms / 900000 != MINUTE / 900000)
            continue;
        ck_assert_int_eq(segs_rollup_add(&whole, row, 900000, 60000), 0);
        ck_assert_int_eq(segs_rollup_add(&part[next_random(&random) % 3], row, 900000, 60000), 0);
    }
    for (size_t i = 3; i > 0; i--)
        ck_assert_int_eq(segs_rollup_merge(&united, &part[i - 1]), 0);
    ck_assert_msg(memcmp(&united, &whole, sizeof whole) == 0, "seed %llu",
                  (unsigned long long)seed);
}
END_TEST

/* ---- memory ---- */

static size_t live_bytes;

static void *counting_resize(void *ptr, size_t size, void *user)
{
    size_t *block = ptr ? (size_t *)ptr - 2 : NULL;
    size_t before = block ? block[0] : 0;

    (void)user;
    block = realloc(block, size + 2 * sizeof(size_t));
    ck_assert_ptr_nonnull(block);
    block[0] = size;
    live_bytes += size - before;
    return block + 2;
}

static void *counting_alloc(size_t size, void *user)
{
    return counting_resize(NULL, size, user);
}

static void counting_release(void *ptr, void *user)
{
    (void)user;
    if (!ptr)
        return;
    live_bytes -= ((size_t *)ptr - 2)[0];
    free((size_t *)ptr - 2);
}

static double bytes_per_meter(int mode)
{
    enum { N = 100000 };
    static const struct segs_allocator counting = { counting_alloc, counting_resize,
                                                    counting_release, NULL };
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;
    struct segs_window *window;
    double bytes;

    live_bytes = 0;
    options.mode = mode;
    options.allocator = &counting;
    window = window_with(options);
    for (int round = 0; round < 6; round++) {
        for (uint32_t i = 0; i < N; i++) {
            uint32_t meter = (uint32_t)((uint64_t)i * 61803 % N);
            int r = add_power(window, meter, MINUTE + round * 10000, 1, MINUTE + round * 10000);

            if (r != SEGS_WINDOW_ADDED)
                ck_abort_msg("reading %u of round %d: %d", i, round, r);
        }
    }
    bytes = (double)live_bytes / N;
    segs_window_free(window);
    ck_assert_uint_eq(live_bytes, 0);
    (void)printf("bytes per meter in mode %d: %.1f\n", mode, bytes);
    return bytes;
}

START_TEST(a_meter_costs_at_most_256_bytes)
{
    ck_assert(bytes_per_meter(SEGS_WINDOW_DELTAS_ONLY) <= 256);
    ck_assert(bytes_per_meter(SEGS_WINDOW_CLOSES_ONLY) <= 256);
    ck_assert(bytes_per_meter(SEGS_WINDOW_FULL) <= 256 + 132);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("window order");
    TCase *tc = tcase_create("order");
    SRunner *runner;
    int n_failed;

    (void)printf("seeds %llu .. %llu\n", (unsigned long long)first_seed(),
                 (unsigned long long)first_seed() + N_SEEDS - 1);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, deltas_of_any_split_and_order_add_up_to_the_rows, 0, N_SEEDS);
    tcase_add_loop_test(tc, deltas_only_adds_up_too_when_duplicates_come_before_the_commit, 0,
                        N_SEEDS);
    tcase_add_loop_test(tc, closed_rows_and_corrections_add_up_to_the_rows, 0, N_SEEDS);
    tcase_add_loop_test(tc, columns_and_single_readings_have_the_same_outcome, 0, N_SEEDS);
    tcase_add_test(tc, absent_columns_are_absent_values);
    tcase_add_loop_test(tc, a_quarter_equals_the_merge_of_its_minutes_in_any_order, 0, N_SEEDS);
    tcase_add_test(tc, a_meter_costs_at_most_256_bytes);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
