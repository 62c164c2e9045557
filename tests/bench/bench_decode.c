/* Readings per second through decoding and validation, beside cJSON doing the same work on the same
 * texts in the same run: arrays of 500 readings with their members in the producer's order, in the
 * order of other producers (shuffled per reading), and NDJSON; then encoding and fingerprints.
 *
 * usage: bench_decode [seconds per line, default 1] */
#include <segs/decode.h>
#include <segs/encode.h>
#include <segs/reading.h>
#include <segs/time.h>
#include <segs/validate.h>

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "telemetry/telemetry_internal.h"

#define N_READINGS 500
#define N_MEMBERS 13
#define BODY_BYTES (N_READINGS * 400)
#define NOW_MS INT64_C(1768487400000) /* 2026-01-15T14:30:00Z */

struct body {
    const char *name;
    char *text;
    size_t len;
    int format;
};

static uint64_t random_state = 88172645463325252u;

static unsigned below(unsigned n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % n;
}

static double now_s(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Thirteen members with values that differ in length as those of meters do. */
static void make_members(char members[N_MEMBERS][80], unsigned i)
{
    static const char *const regions[] = { "Mumbai-North", "Delhi", "Pune-East",
                                           "Bengaluru South" };
    int k = 0;

    (void)snprintf(members[k++], 80, "\"meter_id\":\"MTR-%08u\"", i * 7919u);
    (void)snprintf(members[k++], 80, "\"timestamp\":\"2026-01-15T14:%02u:%02u.%03uZ\"", below(30),
                   below(60), below(1000));
    (void)snprintf(members[k++], 80, "\"power_kw\":%u.%02u", below(12), below(100));
    (void)snprintf(members[k++], 80, "\"energy_kwh\":0.%06u", below(40000));
    (void)snprintf(members[k++], 80, "\"voltage\":%u.%u", 220 + below(25), below(10));
    (void)snprintf(members[k++], 80, "\"current\":%u.%u", below(40), below(10));
    (void)snprintf(members[k++], 80, "\"power_factor\":0.%02u", 80 + below(20));
    (void)snprintf(members[k++], 80, "\"frequency\":%u.%02u", 49 + below(2), below(100));
    (void)snprintf(members[k++], 80, "\"temperature\":%u.%u", 18 + below(20), below(10));
    (void)snprintf(members[k++], 80, "\"region\":\"%s\"", regions[below(4)]);
    (void)snprintf(members[k++], 80, "\"seq\":%u", 1000 + i);
    (void)snprintf(members[k++], 80, "\"status\":\"%s\"", below(50) == 0 ? "ERROR" : "OK");
    (void)snprintf(members[k++], 80, "\"reading_id\":\"%08x-%04x-7%03x-8%03x-%012x\"",
                   below(1u << 31), below(1u << 16), below(1u << 12), below(1u << 12),
                   below(1u << 31));
}

static struct body make_body(const char *name, int format, int shuffled)
{
    struct body body = { name, malloc(BODY_BYTES), 0, format };
    char *p = body.text;

    if (!p)
        abort();
    if (format == SEGS_FORMAT_ARRAY)
        *p++ = '[';
    for (unsigned i = 0; i < N_READINGS; i++) {
        char members[N_MEMBERS][80];
        unsigned order[N_MEMBERS];

        make_members(members, i);
        for (unsigned k = 0; k < N_MEMBERS; k++)
            order[k] = k;
        for (unsigned k = N_MEMBERS - 1; shuffled && k > 0; k--) {
            unsigned other = below(k + 1);
            unsigned swap = order[k];

            order[k] = order[other];
            order[other] = swap;
        }
        if (format == SEGS_FORMAT_ARRAY && i > 0)
            *p++ = ',';
        for (unsigned k = 0; k < N_MEMBERS; k++)
            p += sprintf(p, "%c%s", k == 0 ? '{' : ',', members[order[k]]);
        *p++ = '}';
        if (format == SEGS_FORMAT_NDJSON)
            *p++ = '\n';
    }
    if (format == SEGS_FORMAT_ARRAY)
        *p++ = ']';
    body.len = (size_t)(p - body.text);
    return body;
}

/* ---- cJSON: a tree, then the same checks as far as doubles allow them ----------------------- */

static int cjson_number(const cJSON *object, const char *name, double min, double max, double *ret)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!item)
        return 0;
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= min && item->valuedouble <= max))
        return -1;
    *ret = item->valuedouble;
    return 0;
}

static int cjson_text(const cJSON *object, const char *name, char *ret, size_t size)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    size_t len;

    if (!cJSON_IsString(item))
        return -1;
    len = strlen(item->valuestring);
    if (len == 0 || len >= size)
        return -1;
    memcpy(ret, item->valuestring, len + 1);
    return 0;
}

static int cjson_reading(const cJSON *object, struct segs_reading *ret)
{
    double v[9] = { 0 };
    char time[40];
    char status[8];

    if (!cJSON_IsObject(object) || cjson_text(object, "meter_id", ret->meter_id, 64) < 0 ||
        cjson_text(object, "region", ret->region, 64) < 0 ||
        cjson_text(object, "reading_id", ret->reading_id, 64) < 0 ||
        cjson_text(object, "status", status, sizeof status) < 0 ||
        cjson_text(object, "timestamp", time, sizeof time) < 0 ||
        segs_time_parse(time, strlen(time), &ret->ts_ms, NULL) < 0 ||
        cjson_number(object, "power_kw", -1e6, 1e6, &v[0]) < 0 ||
        cjson_number(object, "energy_kwh", -1e6, 1e6, &v[1]) < 0 ||
        cjson_number(object, "register_kwh", 0, 1e10, &v[2]) < 0 ||
        cjson_number(object, "voltage", 0, 1e6, &v[3]) < 0 ||
        cjson_number(object, "current", -1e5, 1e5, &v[4]) < 0 ||
        cjson_number(object, "power_factor", -1, 1, &v[5]) < 0 ||
        cjson_number(object, "frequency", 0, 70, &v[6]) < 0 ||
        cjson_number(object, "temperature", -90, 90, &v[7]) < 0 ||
        cjson_number(object, "seq", 0, 9007199254740992.0, &v[8]) < 0)
        return -1;
    ret->power_micro_kw = llrint(v[0] * 1e6);
    ret->energy_micro_kwh = llrint(v[1] * 1e6);
    ret->register_micro_kwh = llrint(v[2] * 1e6);
    ret->seq = (int64_t)v[8];
    return 0;
}

static unsigned long cjson_pass(const struct body *body, struct segs_reading *readings)
{
    unsigned long n = 0;
    const char *p = body->text;
    const char *end = p + body->len;

    if (body->format == SEGS_FORMAT_ARRAY) {
        cJSON *tree = cJSON_ParseWithLength(p, body->len);
        const cJSON *item;

        cJSON_ArrayForEach(item, tree)
        {
            n += cjson_reading(item, &readings[n]) == 0;
        }
        cJSON_Delete(tree);
        return n;
    }
    while (p < end) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        cJSON *tree = cJSON_ParseWithLength(p, (size_t)(line_end - p));

        n += cjson_reading(tree, &readings[n]) == 0;
        cJSON_Delete(tree);
        p = line_end + 1;
    }
    return n;
}

/* ---- ours ----------------------------------------------------------------------------------- */

struct ours {
    struct segs_decoder *decoder;
    struct segs_policy *policy;
};

static unsigned long our_pass(const struct ours *ours, const struct body *body,
                              struct segs_reading *readings)
{
    struct segs_error err;
    unsigned long good = 0;
    size_t n = 0;

    if (segs_decoder_begin(ours->decoder, body->text, body->len) < 0 ||
        segs_decoder_next_many(ours->decoder, readings, N_READINGS, &n, &err) < 0) {
        (void)fprintf(stderr, "%s: %s\n", err.field, err.message);
        exit(EXIT_FAILURE);
    }
    for (size_t i = 0; i < n; i++)
        good += segs_policy_check(ours->policy, &readings[i], NULL, NOW_MS, NULL, 0) == 0;
    return good;
}

/* The rate of the fastest of many passes: a busy machine slows most of them, hardly all. */
static double best_rate(const struct ours *ours, const struct body *body, double seconds,
                        struct segs_reading *readings)
{
    double start = now_s();
    double best = 0;

    while (now_s() - start < seconds) {
        double pass_start = now_s();
        unsigned long done = ours ? our_pass(ours, body, readings) : cjson_pass(body, readings);

        if (done != N_READINGS) {
            (void)fprintf(stderr, "%lu of %d readings passed\n", done, N_READINGS);
            exit(EXIT_FAILURE);
        }
        best = fmax(best, (double)done / (now_s() - pass_start));
    }
    return best;
}

/* Each line is measured in slices by turns: what disturbs one line disturbs the others as well. */
#define N_SLICES 5

static void bench_body(const struct ours *ours, const struct body *body, double seconds,
                       struct segs_reading *readings)
{
    static const char *const levels[] = { "plain", "portable", "SSE2", "AVX2" };
    double best[SEGS__FAST_AVX2 + 1] = { 0 };
    double reference = 0;

    for (int slice = 0; slice < N_SLICES; slice++) {
        reference = fmax(reference, best_rate(NULL, body, seconds / N_SLICES, readings));
        for (int level = SEGS__FAST_PLAIN; level <= SEGS__FAST_AVX2; level++) {
            if (segs__decoder_set_level(ours->decoder, level) == 0)
                best[level] =
                    fmax(best[level], best_rate(ours, body, seconds / N_SLICES, readings));
        }
    }

    (void)printf("%-18s %4.0f bytes each  cJSON     %8.3f M/s\n", body->name,
                 (double)body->len / N_READINGS, reference / 1e6);
    for (int level = SEGS__FAST_PLAIN; level <= SEGS__FAST_AVX2; level++) {
        if (best[level] > 0)
            (void)printf("%-18s                  %-9s %8.3f M/s  %5.1f x cJSON\n", body->name,
                         levels[level], best[level] / 1e6, best[level] / reference);
    }
}

/* One message is one reading: what a consumer of the bus does. */
static void pass_single(const struct body *lines, struct segs_reading *readings)
{
    const char *p = lines->text;
    const char *end = p + lines->len;

    while (p < end) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));

        if (segs_reading_decode(p, (size_t)(line_end - p), &readings[0], NULL) < 0)
            exit(EXIT_FAILURE);
        p = line_end + 1;
    }
}

static void pass_encode(const struct body *lines, struct segs_reading *readings)
{
    static char buf[N_READINGS * (SEGS_READING_JSON_MAX_BYTES + 1) + 2];
    size_t len;

    (void)lines;
    if (segs_readings_encode(readings, N_READINGS, SEGS_FORMAT_NDJSON, buf, sizeof buf, &len,
                             NULL) < 0)
        exit(EXIT_FAILURE);
}

static void pass_hash(const struct body *lines, struct segs_reading *readings)
{
    static const uint8_t key[16] = { 1 };
    static struct segs_fingerprint sum;

    (void)lines;
    for (size_t i = 0; i < N_READINGS; i++) {
        struct segs_fingerprint one;

        (void)segs_reading_hash(&readings[i], key, &one);
        segs_fingerprint_add(&sum, &one);
    }
}

static void bench_pass(const char *name, void (*pass)(const struct body *, struct segs_reading *),
                       const struct body *lines, double seconds, struct segs_reading *readings)
{
    double start = now_s();
    double best = 0;

    while (now_s() - start < seconds) {
        double pass_start = now_s();

        pass(lines, readings);
        best = fmax(best, N_READINGS / (now_s() - pass_start));
    }
    (void)printf("%-46s%8.3f M/s\n", name, best / 1e6);
}

int main(int argc, char **argv)
{
    struct body bodies[] = {
        make_body("array, in order", SEGS_FORMAT_ARRAY, 0),
        make_body("array, shuffled", SEGS_FORMAT_ARRAY, 1),
        make_body("NDJSON, in order", SEGS_FORMAT_NDJSON, 0),
    };
    static struct segs_reading readings[N_READINGS];
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 1.0;
    struct ours ours = { NULL, NULL };

    if (segs_decoder_new(NULL, &ours.decoder) < 0 || segs_policy_new(NULL, &ours.policy, NULL) < 0)
        return EXIT_FAILURE;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        bench_body(&ours, &bodies[i], seconds, readings);
    bench_pass("one reading a call", pass_single, &bodies[2], seconds, readings);
    (void)our_pass(&ours, &bodies[0], readings);
    bench_pass("encode", pass_encode, NULL, seconds, readings);
    bench_pass("fingerprint", pass_hash, NULL, seconds, readings);

    segs_policy_free(ours.policy);
    segs_decoder_free(ours.decoder);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        free(bodies[i].text);
    return EXIT_SUCCESS;
}
