/* Judge readings: reads newline-delimited JSON (or one JSON array) from standard input and says about each reading whether it
 * is acceptable, and if not, why.
 *
 *     echo '{"meter_id":"MTR-1","timestamp":"2026-01-15T14:00:00Z","power_kw":1.5}' | validate
 *
 * What to change: the limits in make_policy(), what is known of the meters in judge(), and the checks: with SEGS_CHECK_TIME as
 * well, readings that are too old or ahead of the clock are found; then give segs_policy_check() your clock. */
#include <stdio.h>
#include <stdlib.h>

#include <segs/decode.h>
#include <segs/validate.h>

#define MAX_VERDICTS 16 /* Always enough, says segs/validate.h. */

static int make_policy(struct segs_policy **ret, struct segs_error *err)
{
    /* 400 V at most: these meters sit behind a low-voltage transformer. Everything else as the library has it. */
    static const struct segs_value_range ranges[] = { { 0, 400000, SEGS_HAS_VOLTAGE, 0 } };
    struct segs_policy_options options = SEGS_POLICY_OPTIONS_INIT;

    options.ranges = ranges;
    options.n_ranges = 1;
    options.checks = SEGS_CHECK_CONTENT;
    return segs_policy_new(&options, ret, err);
}

/* Returns 1 when the reading must not be counted. */
static int judge(const struct segs_policy *policy, const struct segs_reading *reading,
                 long long number)
{
    struct segs_meter_context meter = SEGS_METER_CONTEXT_INIT;
    struct segs_verdict verdicts[MAX_VERDICTS];
    int refused = 0;
    int n;

    meter.capacity_micro_kw = 20000000; /* A connection of 20 kW; no export, no known interval. */
    n = segs_policy_check(policy, reading, &meter, 0, verdicts, MAX_VERDICTS);
    for (int i = 0; i < n; i++) {
        (void)printf("%lld %s %s %s: %s: expected %s, found %s\n", number, reading->meter_id,
                     segs_severity_name(verdicts[i].severity), segs_rule_name(verdicts[i].rule),
                     verdicts[i].field, verdicts[i].expected, verdicts[i].found);
        refused |= verdicts[i].severity == SEGS_SEVERITY_ERROR;
    }
    if (n == 0)
        (void)printf("%lld %s OK\n", number, reading->meter_id);
    return refused;
}

/* Returns how many elements were refused. One bad element never costs another one. */
static int judge_all(struct segs_decoder *decoder, const struct segs_policy *policy)
{
    struct segs_reading reading;
    struct segs_error err;
    int n_refused = 0;
    int r;

    while ((r = segs_decoder_next(decoder, &reading, &err)) != 0) {
        if (r > 0) {
            n_refused += judge(policy, &reading, (long long)segs_decoder_count(decoder));
            continue;
        }
        (void)printf("%lld - ERROR %s: line %lld%s%s: %s\n", (long long)segs_decoder_count(decoder),
                     segs_decode_reason_name(segs_decoder_reason(decoder)), (long long)err.line,
                     err.field[0] ? ": " : "", err.field, err.message);
        n_refused++;
    }
    return n_refused;
}

static char *read_all(FILE *file, size_t *ret_len)
{
    size_t cap = 65536;
    size_t len = 0;
    char *bytes = malloc(cap);

    while (bytes && (len += fread(bytes + len, 1, cap - len, file)) == cap) {
        char *grown = realloc(bytes, cap * 2);

        if (!grown)
            free(bytes);
        bytes = grown;
        cap *= 2;
    }
    *ret_len = len;
    return bytes;
}

int main(void)
{
    struct segs_decoder *decoder = NULL;
    struct segs_policy *policy = NULL;
    struct segs_error err = { 0 };
    size_t len = 0;
    char *body = read_all(stdin, &len);
    int n_refused = 0;
    int r = body ? segs_decoder_new(NULL, &decoder) : SEGS_ENOMEM;

    if (r == 0)
        r = make_policy(&policy, &err);
    if (r == 0)
        r = segs_decoder_begin(decoder, body, len);
    if (r == 0)
        n_refused = judge_all(decoder, policy);
    else
        (void)fprintf(stderr, "validate: %s %s\n", segs_strerror(r), err.message);
    segs_policy_free(policy);
    segs_decoder_free(decoder);
    free(body);
    return r < 0 ? 2 : n_refused > 0;
}
