#include "ingestion/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <segs/encode.h>

#include "runtime/schema/schema.h"

/* Repeats within one request are found by fingerprint; the key needs no secrecy, the table lives as long as the request. */
static const uint8_t fingerprint_key[16];

static size_t table_size(int64_t max_readings)
{
    size_t size = 64;

    while (size < 2 * (size_t)max_readings)
        size *= 2;
    return size;
}

int batch_new(const struct intake *intake, struct batch **ret)
{
    struct segs_decoder_options options = SEGS_DECODER_OPTIONS_INIT;
    struct batch *batch = calloc(1, sizeof *batch);

    if (!batch)
        return SEGS_ENOMEM;
    options.max_readings = intake->max_readings;
    batch->cap = (size_t)intake->max_readings;
    batch->n_seen = table_size(intake->max_readings);
    batch->records = calloc(batch->cap, sizeof *batch->records);
    batch->starts = calloc(batch->cap, 2 * sizeof *batch->starts);
    batch->seen = calloc(batch->n_seen, sizeof *batch->seen);
    if (!batch->records || !batch->starts || !batch->seen ||
        segs_decoder_new(&options, &batch->decoder) < 0) {
        batch_free(batch);
        return SEGS_ENOMEM;
    }
    *ret = batch;
    return 0;
}

void batch_free(struct batch *batch)
{
    if (!batch)
        return;
    segs_decoder_free(batch->decoder);
    rt_buf_free(&batch->bytes);
    rt_buf_free(&batch->errors);
    free(batch->records);
    free(batch->starts);
    free(batch->seen);
    free(batch);
}

static void reset(struct batch *batch)
{
    rt_buf_clear(&batch->bytes);
    rt_buf_clear(&batch->errors);
    rt_json_begin(&batch->errors_out, &batch->errors);
    rt_json_array(&batch->errors_out, NULL);
    memset(batch->seen, 0, batch->n_seen * sizeof *batch->seen);
    batch->n = 0;
    batch->n_duplicates = 0;
    batch->n_rejected = 0;
    batch->has_json_error = false;
}

static void refuse(struct batch *batch, int64_t index, const char *field, const char *code,
                   const char *message)
{
    struct rt_json_out *out = &batch->errors_out;

    batch->n_rejected++;
    rt_json_object(out, NULL);
    rt_json_put_int(out, "index", index);
    rt_json_put_string(out, "field", field);
    rt_json_put_string(out, "code", code);
    rt_json_put_string(out, "message", message);
    rt_json_end_object(out);
}

static void refuse_element(struct batch *batch, const struct segs_error *err)
{
    int reason = segs_decoder_reason(batch->decoder);

    if (reason == SEGS_DECODE_JSON)
        batch->has_json_error = true;
    refuse(batch, err->index, err->field, segs_decode_reason_name(reason), err->message);
}

/* True when the reading was refused. */
static bool refuse_by_policy(struct batch *batch, const struct intake *intake,
                             const struct segs_reading *reading, int64_t index)
{
    struct segs_meter_context context = SEGS_METER_CONTEXT_INIT;
    struct segs_verdict verdicts[16];
    int n;

    if (!registry_find(intake->registry, reading->meter_id, &context))
        context.flags = intake->unregistered_flags;
    n = segs_policy_check(intake->policy, reading, &context, 0, verdicts, 16);
    for (int i = 0; i < n && i < 16; i++) {
        char message[192];

        if (verdicts[i].severity != SEGS_SEVERITY_ERROR)
            continue;
        (void)snprintf(message, sizeof message, "expected %s, found %s", verdicts[i].expected,
                       verdicts[i].found);
        refuse(batch, index, verdicts[i].field, segs_rule_name(verdicts[i].rule), message);
        return true;
    }
    return false;
}

/* True when the same measurement was in this request before. */
static bool is_repeated(struct batch *batch, const struct segs_reading *reading)
{
    static const struct segs_fingerprint none;
    struct segs_fingerprint hash;
    size_t at;

    (void)segs_reading_hash(reading, fingerprint_key, &hash);
    at = (hash.lane[0] ^ (size_t)hash.lane[1] << 32) & (batch->n_seen - 1);
    while (!segs_fingerprint_is_equal(&batch->seen[at], &none)) {
        if (segs_fingerprint_is_equal(&batch->seen[at], &hash))
            return true;
        at = (at + 1) & (batch->n_seen - 1);
    }
    batch->seen[at] = hash;
    return false;
}

static int append(struct batch *batch, const struct segs_reading *reading)
{
    struct rt_bus_record *record = &batch->records[batch->n];
    size_t key_len = strlen(reading->meter_id);
    size_t value_len = 0;
    char *room;

    memset(record, 0, sizeof *record);
    record->partition = -1;
    batch->starts[2 * batch->n] = batch->bytes.len;
    rt_buf_append(&batch->bytes, reading->meter_id, key_len);
    batch->starts[2 * batch->n + 1] = batch->bytes.len;
    room = rt_buf_reserve(&batch->bytes, SEGS_READING_JSON_MAX_BYTES);
    if (!room || segs_reading_encode(reading, room, SEGS_READING_JSON_MAX_BYTES, &value_len) < 0)
        return SEGS_ENOMEM;
    batch->bytes.len += value_len;
    record->key_len = key_len;
    record->value_len = value_len;
    batch->n++;
    return 0;
}

static int take(struct batch *batch, const struct intake *intake,
                const struct segs_reading *reading, const char *meter_prefix)
{
    int64_t index = segs_decoder_count(batch->decoder) - 1;

    if (strncmp(reading->meter_id, meter_prefix, strlen(meter_prefix)) != 0) {
        refuse(batch, index, "meter_id", "FORBIDDEN_METER",
               "the ingest key does not speak for this meter");
        return 0;
    }
    if (refuse_by_policy(batch, intake, reading, index))
        return 0;
    if (is_repeated(batch, reading)) {
        batch->n_duplicates++;
        return 0;
    }
    return append(batch, reading);
}

int batch_read(struct batch *batch, const struct intake *intake, const char *body, size_t len,
               const char *meter_prefix)
{
    struct segs_reading reading;
    struct segs_error err = { 0 };
    int r;

    reset(batch);
    r = segs_decoder_begin(batch->decoder, body, len);
    while (r == 0) {
        int got = segs_decoder_next(batch->decoder, &reading, &err);

        if (got == 0)
            break;
        if (got == SEGS_EINVAL || got == SEGS_ENOMEM)
            r = got;
        else if (got < 0)
            refuse_element(batch, &err);
        else
            r = take(batch, intake, &reading, meter_prefix);
    }
    rt_json_end_array(&batch->errors_out);
    if (r == 0 && (rt_buf_status(&batch->errors) < 0 || rt_buf_status(&batch->bytes) < 0))
        r = SEGS_ENOMEM;
    return r;
}

int batch_send(struct batch *batch, struct rt_bus *bus, const char *traceparent, int64_t timeout_ms,
               struct segs_error *reterr)
{
    if (batch->n == 0)
        return 0;
    for (size_t i = 0; i < batch->n; i++) {
        batch->records[i].key = batch->bytes.data + batch->starts[2 * i];
        batch->records[i].value = batch->bytes.data + batch->starts[2 * i + 1];
        batch->records[i].traceparent = traceparent;
    }
    return rt_bus_produce(bus, RT_TOPIC_RAW, batch->records, batch->n, timeout_ms, reterr);
}
