/* A byte string drives one window object: readings one by one and in columns, late, twice and in
 * conflict, the clock, takes that fail and takes that succeed, closes and corrections. All that
 * comes out is compared with a recomputation from a plain list of the readings that were counted.
 *
 * First byte: mode and shape. Then operations of one byte and their operands. */
#include <segs/window.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COUNTED 2000
#define MAX_STORED 2000
#define BASE_MS INT64_C(1699999200000)

struct input {
    const uint8_t *data;
    size_t size;
};

struct counted {
    uint32_t meter;
    int64_t ts_ms;
    int64_t power;
    struct segs_fingerprint hash;
};

struct model {
    struct segs_window *window;
    int64_t width_ms;
    int64_t slot_ms;
    int64_t now_ms;
    int mode;
    size_t n_counted;
    struct counted counted[MAX_COUNTED];
    size_t n_stored;
    struct segs_window_row stored[MAX_STORED]; /* what a store made of deltas, or of closes */
};

static void require(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "fuzz_window: %s\n", what);
        abort();
    }
}

static uint8_t take_byte(struct input *in)
{
    if (in->size == 0)
        return 0;
    in->size--;
    return *in->data++;
}

static struct segs_window_row *stored_row(struct model *m, int64_t start_ms, uint32_t meter)
{
    for (size_t i = 0; i < m->n_stored; i++) {
        if (m->stored[i].window_start_ms == start_ms && m->stored[i].meter_slot == meter)
            return &m->stored[i];
    }
    require(m->n_stored < MAX_STORED, "more rows than readings");
    memset(&m->stored[m->n_stored], 0, sizeof m->stored[0]);
    m->stored[m->n_stored].window_start_ms = start_ms;
    m->stored[m->n_stored].meter_slot = meter;
    return &m->stored[m->n_stored++];
}

/* Whatever comes out holds only readings that did not come out before: slots never overlap. */
static void store(struct model *m, const struct segs_window_row *row)
{
    require(segs_row_merge(stored_row(m, row->window_start_ms, row->meter_slot), row) == 0,
            "a reading came out twice");
}

/* Whether a reading of this meter and slot was counted, and with which hash. */
static const struct counted *find_counted(const struct model *m, uint32_t meter, int64_t ts_ms)
{
    for (size_t i = 0; i < m->n_counted; i++) {
        if (m->counted[i].meter == meter && m->counted[i].ts_ms / m->slot_ms == ts_ms / m->slot_ms)
            return &m->counted[i];
    }
    return NULL;
}

static void check_state(struct model *m, int state, const struct counted *reading)
{
    const struct counted *known = find_counted(m, reading->meter, reading->ts_ms);

    if (state == SEGS_WINDOW_ADDED || state == SEGS_WINDOW_LATE) {
        require(!known, "a slot was counted twice");
        require(m->n_counted < MAX_COUNTED, "the list is full");
        m->counted[m->n_counted++] = *reading;
    } else if (state == SEGS_WINDOW_DUPLICATE || state == SEGS_WINDOW_CONFLICT) {
        bool is_same = known && memcmp(&known->hash, &reading->hash, sizeof known->hash) == 0;

        require(known != NULL, "a slot was refused that nobody had");
        require(is_same == (state == SEGS_WINDOW_DUPLICATE), "duplicate and conflict are mixed up");
    }
}

static struct counted take_reading(struct model *m, struct input *in)
{
    static const uint32_t meters[] = { 0, 1, 2, 3, 63, 64, 70, 1000, 50000 };
    struct counted reading;
    uint8_t where = take_byte(in);

    memset(&reading, 0, sizeof reading);
    reading.meter = meters[where % 9];
    reading.ts_ms = m->now_ms - (int64_t)(take_byte(in) * 256 + take_byte(in)) * 20 +
                    (where >= 250 ? 200000 : 1000);
    reading.power = (int8_t)take_byte(in);
    /* Equal values have equal hashes; some values share all lanes but one. */
    reading.hash.lane[0] = (uint32_t)reading.power * 2654435761u;
    reading.hash.lane[where % 4] += (uint32_t)(reading.ts_ms / 10);
    return reading;
}

static void add_one(struct model *m, struct input *in)
{
    struct counted c = take_reading(m, in);
    struct segs_reading reading;
    int state;

    memset(&reading, 0, sizeof reading);
    reading.ts_ms = c.ts_ms;
    reading.power_micro_kw = c.power;
    reading.present = SEGS_HAS_POWER;
    state = segs_window_add(m->window, c.meter, &reading, &c.hash, m->now_ms);
    require(state >= 0 || state == SEGS_ERANGE, "an unexpected error");
    check_state(m, state, &c);
}

static void add_columns(struct model *m, struct input *in)
{
    enum { N = 70 };
    struct segs_window_columns columns = SEGS_WINDOW_COLUMNS_INIT;
    struct counted c[N];
    uint32_t meter[N];
    int64_t ts_ms[N];
    int64_t power[N];
    int32_t zero[N] = { 0 };
    int64_t energy[N] = { 0 };
    struct segs_fingerprint hash[N];
    uint8_t state[N];
    size_t n = take_byte(in) % N;
    int n_counted;
    int n_states = 0;

    for (size_t i = 0; i < n; i++) {
        c[i] = take_reading(m, in);
        meter[i] = c[i].meter;
        ts_ms[i] = c[i].ts_ms;
        power[i] = c[i].power;
        hash[i] = c[i].hash;
    }
    columns.meter_slot = meter;
    columns.ts_ms = ts_ms;
    columns.hash = hash;
    columns.power_micro_kw = power;
    if (n % 2) {
        columns.energy_micro_kwh = energy;
        columns.voltage_milli_v = zero;
        columns.current_milli_a = zero;
    }
    n_counted = segs_window_add_columns(m->window, &columns, n, m->now_ms, state);
    for (size_t i = 0; i < n; i++) {
        check_state(m, state[i], &c[i]);
        n_states += state[i] <= SEGS_WINDOW_LATE;
    }
    require(n_counted == n_states, "the number counted is not the number of states");
}

static void assert_order(struct segs_window_row *last, const struct segs_window_row *row)
{
    require(
        last->count == 0 || last->window_start_ms < row->window_start_ms ||
            (last->window_start_ms == row->window_start_ms && last->meter_slot < row->meter_slot),
        "rows are out of order");
    *last = *row;
}

/* In the modes with deltas the store lives on them. A commit hands over everything at once. */
static void take_deltas(struct model *m, bool is_committed, struct input *during)
{
    struct segs_window_row taken[MAX_STORED];
    struct segs_window_row last;
    size_t n = 0;
    int r;

    if (m->mode == SEGS_WINDOW_CLOSES_ONLY)
        return;
    memset(&last, 0, sizeof last);
    require(segs_window_deltas_begin(m->window) >= 0, "a take did not begin");
    while ((r = segs_window_next_delta(m->window, &taken[n])) == 1) {
        assert_order(&last, &taken[n]);
        n++;
        require(n < MAX_STORED, "more deltas than readings");
    }
    require(r == 0, "a delta failed");
    if (during)
        add_one(m, during);
    if (!is_committed) {
        require(segs_window_deltas_abort(m->window) == 0, "a take could not be aborted");
        return;
    }
    require(segs_window_deltas_commit(m->window) == 0, "a take could not be committed");
    for (size_t i = 0; i < n; i++)
        store(m, &taken[i]);
}

static void take_closes(struct model *m, size_t max)
{
    struct segs_window_row row;
    struct segs_window_row difference;

    if (m->mode == SEGS_WINDOW_DELTAS_ONLY)
        return;
    for (size_t i = 0; i < max && segs_window_next_closed(m->window, &row) == 1; i++) {
        require(row.revision == 1, "a closed row is not the first revision");
        require(row.window_start_ms + m->width_ms <= segs_window_watermark(m->window),
                "an open row was handed out");
        row.revision = 0;
        if (m->mode == SEGS_WINDOW_CLOSES_ONLY)
            store(m, &row);
    }
    for (size_t i = 0; i < max && segs_window_next_correction(m->window, &row, &difference) == 1;
         i++) {
        require(row.revision >= 2 && difference.count > 0, "an empty correction");
        if (m->mode != SEGS_WINDOW_CLOSES_ONLY)
            continue;
        store(m, &difference);
        row.revision = 0;
        require(memcmp(stored_row(m, row.window_start_ms, row.meter_slot), &row, sizeof row) == 0,
                "differences do not add up to the row");
    }
}

static void compare_all(struct model *m)
{
    size_t n = 0;

    for (size_t r = 0; r < m->n_stored; r++) {
        const struct segs_window_row *row = &m->stored[r];
        struct segs_fingerprint sum = { { 0, 0, 0, 0 } };
        int64_t power = 0;
        int64_t min = INT64_MAX;
        int64_t max = INT64_MIN;
        uint32_t count = 0;

        for (size_t i = 0; i < m->n_counted; i++) {
            const struct counted *c = &m->counted[i];

            if (c->meter != row->meter_slot ||
                c->ts_ms / m->width_ms * m->width_ms != row->window_start_ms)
                continue;
            count++;
            power += c->power;
            min = c->power < min ? c->power : min;
            max = c->power > max ? c->power : max;
            for (int lane = 0; lane < 4; lane++)
                sum.lane[lane] += c->hash.lane[lane];
        }
        require(count == row->count && power == row->power_sum_micro_kw, "a sum is wrong");
        require(min == row->power_min_micro_kw && max == row->power_max_micro_kw,
                "a bound is wrong");
        require(memcmp(&sum, &row->fingerprint, sizeof sum) == 0, "a fingerprint is wrong");
        n += count;
    }
    require(n == m->n_counted, "a reading is in no row");
}

static void finish(struct model *m)
{
    require(segs_window_advance(m->window, m->now_ms + 40000000) == 0, "no advance");
    take_deltas(m, true, NULL);
    take_closes(m, SIZE_MAX);
    compare_all(m);
}

static void start(struct model *m, uint8_t shape)
{
    static const int64_t widths[] = { 60000, 60000, 900000, 10000 };
    static const int64_t slots[] = { 1000, 10000, 1000, 10000 };
    struct segs_window_options options = SEGS_WINDOW_OPTIONS_INIT;

    memset(m, 0, sizeof *m);
    m->mode = shape % 3;
    m->width_ms = widths[shape / 3 % 4];
    m->slot_ms = slots[shape / 3 % 4];
    m->now_ms = BASE_MS + 2000000;
    options.mode = m->mode;
    options.width_ms = m->width_ms;
    options.slot_ms = m->slot_ms;
    options.allowed_lateness_ms = shape & 64 ? 60000 : -1;
    options.retain_ms = shape & 128 ? 3600000 : 86400000;
    options.max_future_ms = 100000;
    require(segs_window_new(&options, &m->window, NULL) == 0, "no window");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model model;
    struct input in = { data, size };

    start(&model, take_byte(&in));
    while (in.size > 0 && model.n_counted < MAX_COUNTED - 100) {
        switch (take_byte(&in) % 8) {
        case 0:
        case 1:
            add_one(&model, &in);
            break;
        case 2:
            add_columns(&model, &in);
            break;
        case 3:
            model.now_ms += take_byte(&in) * 1000;
            break;
        case 4:
            require(segs_window_advance(model.window, model.now_ms) == 0, "no advance");
            break;
        case 5:
            /* De-duplication in DELTAS_ONLY ends with a commit; the list knows more than it. */
            take_deltas(&model, model.mode == SEGS_WINDOW_FULL, NULL);
            break;
        case 6:
            take_deltas(&model, false, &in);
            break;
        default:
            take_closes(&model, take_byte(&in) % 16);
            break;
        }
    }
    finish(&model);
    segs_window_free(model.window);
    return 0;
}
