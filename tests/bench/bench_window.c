/* Readings per second from id text to closed 15-minute rows, for 5,000, 100,000 and 1,000,000
 * meters at a 10 s interval, beside what one would write first: a chained hash map from (id text,
 * minute) to a struct of sums, which de-duplicates nothing, has no fingerprint and no watermark.
 * Both see the same columns in the same run; times are CPU time of the thread. Usage: bench_window [meters ...] */
#include <segs/intern.h>
#include <segs/rollup.h>
#include <segs/window.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INTERVAL_MS 10000
#define MINUTE_MS INT64_C(60000)
#define BATCH 2048
#define START_MS INT64_C(1699999200000)

struct columns {
    int64_t ts_ms[BATCH];
    int64_t power[BATCH];
    int64_t energy[BATCH];
    int32_t voltage[BATCH];
    int32_t current[BATCH];
    struct segs_fingerprint hash[BATCH];
    char id[BATCH][SEGS_ID_BYTES];
    uint32_t slot[BATCH];
    uint8_t state[BATCH];
};

static size_t allocated_bytes;

/* Counts what is asked for; the size stands before each block. */
static void *count_resize(void *ptr, size_t size, void *user)
{
    size_t *block = ptr ? (size_t *)ptr - 2 : NULL;
    size_t before = block ? block[0] : 0;

    (void)user;
    block = realloc(block, size + 2 * sizeof(size_t));
    if (!block)
        return NULL;
    block[0] = size;
    allocated_bytes += size - before;
    return block + 2;
}

static void *count_alloc(size_t size, void *user)
{
    return count_resize(NULL, size, user);
}

static void count_release(void *ptr, void *user)
{
    (void)user;
    if (!ptr)
        return;
    allocated_bytes -= ((size_t *)ptr - 2)[0];
    free((size_t *)ptr - 2);
}

static const struct segs_allocator counting = { count_alloc, count_resize, count_release, NULL };

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_window: %s\n", what);
    exit(EXIT_FAILURE);
}

static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* Readings first .. first + n of a stream in which every meter reports every 10 s; meters come in
 * an order that is scattered over them, the same in each round, as meters of a partition do. */
static void fill(struct columns *c, uint64_t first, size_t n, uint32_t n_meters, uint32_t step)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t round = (first + i) / n_meters;
        uint64_t at = (first + i) % n_meters;
        uint32_t meter = (uint32_t)(at * step % n_meters);
        uint64_t r = mix(first + i);

        c->ts_ms[i] = START_MS + (int64_t)(round * INTERVAL_MS + at * INTERVAL_MS / n_meters);
        c->power[i] = (int64_t)(r % 8000000);
        c->energy[i] = c->power[i] / 360;
        c->voltage[i] = 228000 + (int32_t)(r >> 40 & 4095);
        c->current[i] = (int32_t)(r >> 52);
        memcpy(&c->hash[i].lane[0], &r, sizeof r);
        r = mix(r);
        memcpy(&c->hash[i].lane[2], &r, sizeof r);
        memset(c->id[i], 0, SEGS_ID_BYTES);
        (void)snprintf(c->id[i], SEGS_ID_BYTES, "meter-%07u", (unsigned)meter);
    }
}

struct ours {
    struct segs_intern *intern;
    struct segs_window *window;
    struct segs_rollup_row *rollups; /* by meter slot, of the quarter of an hour being built */
    uint64_t n_counted;
    uint64_t n_rows;
    uint64_t n_rollups;
    double intern_s;
    double window_s;
    double close_s;
};

static void close_rows(struct ours *o)
{
    struct segs_window_row row;

    while (segs_window_next_closed(o->window, &row) == 1) {
        struct segs_rollup_row *rollup = &o->rollups[row.meter_slot];

        if (rollup->count != 0 && row.window_start_ms - rollup->window_start_ms >= 15 * MINUTE_MS) {
            o->n_rollups += segs_rollup_finish(rollup, 15) == 0;
            memset(rollup, 0, sizeof *rollup);
        }
        if (segs_rollup_add(rollup, &row, 15 * MINUTE_MS, MINUTE_MS) != 0)
            die("roll-up failed");
        o->n_rows++;
    }
}

static void ours_batch(struct ours *o, struct columns *c, size_t n)
{
    struct segs_window_columns columns = SEGS_WINDOW_COLUMNS_INIT;
    double t0 = now_s();
    double t1;
    double t2;
    int r;

    columns.meter_slot = c->slot;
    columns.ts_ms = c->ts_ms;
    columns.hash = c->hash;
    columns.power_micro_kw = c->power;
    columns.energy_micro_kwh = c->energy;
    columns.voltage_milli_v = c->voltage;
    columns.current_milli_a = c->current;
    if (segs_intern_many(o->intern, c->id[0], SEGS_ID_BYTES, SEGS_ID_BYTES, n, c->slot) != 0)
        die("interning failed");
    t1 = now_s();
    r = segs_window_add_columns(o->window, &columns, n, c->ts_ms[n - 1], c->state);
    if (r < 0)
        die("adding failed");
    o->n_counted += (uint64_t)r;
    t2 = now_s();
    close_rows(o);
    o->intern_s += t1 - t0;
    o->window_s += t2 - t1;
    o->close_s += now_s() - t2;
}

/* The baseline. */
struct plain_row {
    struct plain_row *next;
    char id[24];
    int64_t minute;
    int64_t power_sum, power_min, power_max, energy_sum, voltage_sum, current_sum;
    uint32_t count;
};

struct plain {
    struct plain_row **bucket;
    size_t n_buckets; /* power of two */
    size_t n_rows;
};

static uint64_t plain_hash(const char *id, int64_t minute)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)minute;

    for (; *id; id++)
        h = (h ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
    return h ^ h >> 32;
}

static void plain_grow(struct plain *p)
{
    size_t n = p->n_buckets == 0 ? 1024 : p->n_buckets * 2;
    struct plain_row **bucket = calloc(n, sizeof(*bucket));

    if (!bucket)
        die("out of memory");
    for (size_t i = 0; i < p->n_buckets; i++) {
        while (p->bucket[i]) {
            struct plain_row *row = p->bucket[i];
            size_t at = plain_hash(row->id, row->minute) & (n - 1);

            p->bucket[i] = row->next;
            row->next = bucket[at];
            bucket[at] = row;
        }
    }
    free(p->bucket);
    p->bucket = bucket;
    p->n_buckets = n;
}

static void plain_add(struct plain *p, const struct columns *c, size_t i)
{
    int64_t minute = c->ts_ms[i] / MINUTE_MS;
    struct plain_row *row;
    size_t at;

    if (p->n_rows >= p->n_buckets)
        plain_grow(p);
    at = plain_hash(c->id[i], minute) & (p->n_buckets - 1);
    for (row = p->bucket[at]; row; row = row->next) {
        if (row->minute == minute && strcmp(row->id, c->id[i]) == 0)
            break;
    }
    if (!row) {
        row = calloc(1, sizeof *row);
        if (!row)
            die("out of memory");
        memcpy(row->id, c->id[i], sizeof row->id);
        row->minute = minute;
        row->power_min = INT64_MAX;
        row->power_max = INT64_MIN;
        row->next = p->bucket[at];
        p->bucket[at] = row;
        p->n_rows++;
    }
    row->power_sum += c->power[i];
    row->power_min = c->power[i] < row->power_min ? c->power[i] : row->power_min;
    row->power_max = c->power[i] > row->power_max ? c->power[i] : row->power_max;
    row->energy_sum += c->energy[i];
    row->voltage_sum += c->voltage[i];
    row->current_sum += c->current[i];
    row->count++;
}

/* What became of closed minutes does not matter to the baseline: it drops them all. */
static void plain_drop_before(struct plain *p, int64_t minute)
{
    for (size_t i = 0; i < p->n_buckets; i++) {
        struct plain_row **link = &p->bucket[i];

        while (*link) {
            struct plain_row *row = *link;

            if (row->minute >= minute) {
                link = &row->next;
                continue;
            }
            *link = row->next;
            free(row);
            p->n_rows--;
        }
    }
}

static void ours_init(struct ours *o, uint32_t n_meters)
{
    struct segs_window_options wo = SEGS_WINDOW_OPTIONS_INIT;
    struct segs_intern_options io = SEGS_INTERN_OPTIONS_INIT;

    memset(o, 0, sizeof *o);
    wo.allocator = &counting;
    wo.mode = SEGS_WINDOW_CLOSES_ONLY;
    wo.retain_ms = -1;
    wo.max_rows = (int64_t)n_meters * 4;
    io.allocator = &counting;
    io.key[0] = 1;
    if (segs_window_new(&wo, &o->window, NULL) != 0 || segs_intern_new(&io, &o->intern) != 0)
        die("cannot start");
    o->rollups = calloc(n_meters, sizeof *o->rollups);
    if (!o->rollups)
        die("out of memory");
}

/* Each on its own pass over the same stream, so that neither works on the other's heap. */
static double run_plain(struct columns *c, uint64_t n_total, uint32_t n_meters, uint32_t step)
{
    struct plain plain = { NULL, 0, 0 };
    int64_t last_minute = 0;
    double total_s = 0;

    for (uint64_t first = 0; first < n_total; first += BATCH) {
        size_t n = n_total - first < BATCH ? (size_t)(n_total - first) : BATCH;
        int64_t minute;
        double t0;

        fill(c, first, n, n_meters, step);
        t0 = now_s();
        for (size_t i = 0; i < n; i++)
            plain_add(&plain, c, i);
        minute = c->ts_ms[n - 1] / MINUTE_MS;
        if (minute != last_minute && c->ts_ms[n - 1] % MINUTE_MS > 10000) {
            last_minute = minute;
            plain_drop_before(&plain, minute);
        }
        total_s += now_s() - t0;
    }
    plain_drop_before(&plain, INT64_MAX);
    free(plain.bucket);
    return total_s;
}

static size_t run_ours(struct ours *ours, struct columns *c, uint64_t n_total, uint32_t n_meters,
                       uint32_t step)
{
    size_t one_minute_bytes = 0;

    for (uint64_t first = 0; first < n_total; first += BATCH) {
        size_t n = n_total - first < BATCH ? (size_t)(n_total - first) : BATCH;

        fill(c, first, n, n_meters, step);
        ours_batch(ours, c, n);
        if (first < (uint64_t)n_meters * 6)
            one_minute_bytes = allocated_bytes;
    }
    if (ours->n_counted != n_total)
        die("readings were lost");
    return one_minute_bytes;
}

static void bench(uint32_t n_meters)
{
    const uint64_t n_minutes = n_meters >= 1000000 ? 5 : n_meters >= 100000 ? 17 : 152;
    const uint64_t n_total = n_minutes * 6 * n_meters;
    struct columns *c = malloc(sizeof *c);
    struct ours ours;
    uint32_t step = (uint32_t)(n_meters * 0.618) | 1u;
    size_t one_minute_bytes;
    size_t intern_bytes;
    double plain_s;
    double total_s;

    if (!c)
        die("out of memory");
    while (n_meters % step == 0 || step % 5 == 0)
        step += 2;
    allocated_bytes = 0;
    ours_init(&ours, n_meters);
    one_minute_bytes = run_ours(&ours, c, n_total, n_meters, step);
    segs_window_free(ours.window);
    intern_bytes = allocated_bytes;
    segs_intern_free(ours.intern);
    free(ours.rollups);
    plain_s = run_plain(c, n_total, n_meters, step);
    free(c);

    total_s = ours.intern_s + ours.window_s + ours.close_s;
    (void)printf("%8u meters, %9llu readings: %6.1f M/s (intern %6.1f, windows %6.1f, close and "
                 "roll up %6.1f); plain map %5.1f M/s; ratio %4.1f; bytes per meter: window %.0f, "
                 "intern %.0f; %llu rows, %llu full quarters\n",
                 (unsigned)n_meters, (unsigned long long)n_total, (double)n_total / total_s * 1e-6,
                 (double)n_total / ours.intern_s * 1e-6, (double)n_total / ours.window_s * 1e-6,
                 (double)n_total / ours.close_s * 1e-6, (double)n_total / plain_s * 1e-6,
                 plain_s / total_s, (double)(one_minute_bytes - intern_bytes) / n_meters,
                 (double)intern_bytes / n_meters, (unsigned long long)ours.n_rows,
                 (unsigned long long)ours.n_rollups);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        bench(5000);
        bench(100000);
        bench(1000000);
    }
    for (int i = 1; i < argc; i++)
        bench((uint32_t)strtoul(argv[i], NULL, 10));
    return EXIT_SUCCESS;
}
