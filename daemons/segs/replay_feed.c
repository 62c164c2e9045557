#include "segs/replay_feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <segs/encode.h>

#include "runtime/clock.h"
#include "runtime/json.h"
#include "runtime/schema/schema.h"

#define TIMEOUT_MS 60000
#define PATIENCE_MS 120000 /* With an intake that is not available. */
#define PAUSE_MS 500

static int prepare(struct feed *feed, struct segs_error *reterr)
{
    struct segs_policy_options options = SEGS_POLICY_OPTIONS_INIT;

    memset(feed, 0, sizeof *feed);
    feed->max_ts_ms = INT64_MIN;
    feed->records = calloc(FEED_BATCH, sizeof *feed->records);
    feed->starts = calloc(FEED_BATCH, 2 * sizeof *feed->starts);
    feed->lines = calloc(FEED_BATCH, sizeof *feed->lines);
    if (!feed->records || !feed->starts || !feed->lines)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a batch");
    /* As ingestion: time is the stream processor's to judge. */
    options.checks = SEGS_CHECK_CONTENT;
    return segs_policy_new(&options, &feed->policy, reterr);
}

int feed_open_bus(struct feed *feed, struct rt_bus *bus, struct rt_db *db,
                  uint32_t unregistered_flags, struct segs_error *reterr)
{
    int r = prepare(feed, reterr);

    feed->bus = bus;
    feed->unregistered_flags = unregistered_flags;
    return r < 0 ? r : registry_new(db, &feed->registry, reterr);
}

int feed_open_url(struct feed *feed, const char *url, const char *key, struct segs_error *reterr)
{
    size_t len = strlen(url);
    int r = prepare(feed, reterr);

    while (len > 0 && url[len - 1] == '/')
        len--;
    if (r == 0 && (size_t)snprintf(feed->url, sizeof feed->url, "%.*s/telemetry/batch", (int)len,
                                   url) >= sizeof feed->url)
        r = rt_fail(reterr, SEGS_ERANGE, "--url", "expected a shorter URL");
    if (r == 0 && key)
        (void)snprintf(feed->authorization, sizeof feed->authorization, "Bearer %s", key);
    return r < 0 ? r : rt_httpc_new(&feed->http, reterr);
}

void feed_close(struct feed *feed)
{
    registry_free(feed->registry);
    segs_policy_free(feed->policy);
    rt_httpc_response_free(&feed->response);
    rt_httpc_free(feed->http);
    rt_buf_free(&feed->bytes);
    free(feed->records);
    free(feed->starts);
    free(feed->lines);
    memset(feed, 0, sizeof *feed);
}

/* ---- Into the log ---- */

static int send_to_bus(struct feed *feed, struct segs_error *reterr)
{
    int r;

    for (size_t i = 0; i < feed->n; i++) {
        feed->records[i].key = feed->bytes.data + feed->starts[2 * i];
        feed->records[i].value = feed->bytes.data + feed->starts[2 * i + 1];
    }
    r = rt_bus_produce(feed->bus, RT_TOPIC_RAW, feed->records, feed->n, TIMEOUT_MS, reterr);
    if (r == 0)
        feed->n_taken += (int64_t)feed->n;
    return r;
}

/* ---- Over HTTP ---- */

static const struct rt_json_member error_members[] = {
    { .name = "index", .type = RT_JSON_INT, .required = true },
    { .name = "field", .type = RT_JSON_STRING },
    { .name = "code", .type = RT_JSON_STRING },
    { .name = "message", .type = RT_JSON_STRING },
    { .name = NULL }
};

static void report_refusal(struct feed *feed, const char *text, size_t len)
{
    struct rt_json *json = NULL;
    int64_t index = -1;

    if (rt_json_parse(text, len, &json, NULL) == 0 &&
        rt_json_check(json, error_members, NULL, NULL) == 0 && rt_json_int(json, "index", &index) &&
        index >= 0 && (size_t)index < feed->n) {
        const char *field = rt_json_string(json, "field");
        const char *message = rt_json_string(json, "message");

        feed->on_refused(feed->lines[index], field ? field : "", message ? message : "refused",
                         feed->user);
    }
    rt_json_free(json);
}

static void report_refusals(struct feed *feed, const struct rt_json *answer)
{
    struct rt_json *list = NULL;
    size_t len = 0;
    const char *errors = rt_json_raw(answer, "errors", &len);

    if (errors && feed->on_refused && rt_json_parse(errors, len, &list, NULL) == 0) {
        for (size_t i = 0; i < rt_json_n_elements(list); i++) {
            size_t element_len = 0;
            const char *element = rt_json_raw_at(list, i, &element_len);

            report_refusal(feed, element, element_len);
        }
    }
    rt_json_free(list);
}

static int take_answer(struct feed *feed, struct segs_error *reterr)
{
    const struct rt_httpc_response *response = &feed->response;
    struct rt_json *answer = NULL;
    int64_t accepted = 0;
    int64_t duplicates = 0;
    int64_t rejected = 0;
    int r = rt_json_parse(response->body.data ? response->body.data : "", response->body.len,
                          &answer, NULL);

    if (r < 0 || !rt_json_int(answer, "accepted", &accepted) ||
        !rt_json_int(answer, "duplicates", &duplicates) ||
        !rt_json_int(answer, "rejected", &rejected)) {
        rt_json_free(answer);
        return rt_fail(reterr, SEGS_EDENIED, "--url",
                       "expected the answer of SEGS's intake from %s, found status %d", feed->url,
                       response->status);
    }
    feed->n_taken += accepted;
    feed->n_duplicates += duplicates;
    feed->n_refused += rejected;
    report_refusals(feed, answer);
    rt_json_free(answer);
    return 0;
}

/* Sending again after a lost answer is safe: what arrived the first time is a duplicate then. */
static bool is_worth_a_retry(int r, int status)
{
    return r == RT_EUNAVAILABLE || r == RT_EAMBIGUOUS || r == RT_ETIMEOUT ||
           (r == 0 && (status == 429 || status == 502 || status == 503 || status == 504));
}

static int send_over_http(struct feed *feed, struct segs_error *reterr)
{
    struct rt_httpc_request request = { .url = feed->url,
                                        .content_type = "application/x-ndjson",
                                        .authorization =
                                            feed->authorization[0] ? feed->authorization : NULL,
                                        .body = feed->bytes.data,
                                        .body_len = feed->bytes.len,
                                        .timeout_ms = TIMEOUT_MS };
    int64_t began_ms = rt_monotonic_ms();
    int r;

    for (;;) {
        r = rt_httpc_send(feed->http, &request, &feed->response, reterr);
        if (!is_worth_a_retry(r, feed->response.status) ||
            rt_monotonic_ms() - began_ms > PATIENCE_MS)
            break;
        rt_sleep_ms(PAUSE_MS);
    }
    return r < 0 ? r : take_answer(feed, reterr);
}

/* ---- Both ---- */

int feed_flush(struct feed *feed, struct segs_error *reterr)
{
    int r = 0;

    if (feed->n == 0)
        return 0;
    if (rt_buf_status(&feed->bytes) < 0)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a batch");
    r = feed->bus ? send_to_bus(feed, reterr) : send_over_http(feed, reterr);
    rt_buf_clear(&feed->bytes);
    feed->n = 0;
    return r;
}

/* True when the policy refuses the reading. */
static bool is_refused(struct feed *feed, const struct segs_reading *reading,
                       struct segs_error *reterr)
{
    struct segs_meter_context context = SEGS_METER_CONTEXT_INIT;
    struct segs_verdict verdicts[16];
    int n;

    if (!feed->registry)
        return false;
    if (!registry_find(feed->registry, reading->meter_id, &context))
        context.flags = feed->unregistered_flags;
    n = segs_policy_check(feed->policy, reading, &context, 0, verdicts, 16);
    for (int i = 0; i < n && i < 16; i++) {
        if (verdicts[i].severity != SEGS_SEVERITY_ERROR)
            continue;
        (void)rt_fail(reterr, SEGS_ERANGE, verdicts[i].field, "expected %s, found %s (%s)",
                      verdicts[i].expected, verdicts[i].found, segs_rule_name(verdicts[i].rule));
        return true;
    }
    return false;
}

static void append(struct feed *feed, const struct segs_reading *reading, int64_t line)
{
    struct rt_bus_record *record = &feed->records[feed->n];
    size_t value_len = 0;
    char *room;

    memset(record, 0, sizeof *record);
    record->partition = -1;
    record->key_len = strlen(reading->meter_id);
    feed->lines[feed->n] = line;
    feed->starts[2 * feed->n] = feed->bytes.len;
    if (feed->bus)
        rt_buf_append(&feed->bytes, reading->meter_id, record->key_len);
    feed->starts[2 * feed->n + 1] = feed->bytes.len;
    room = rt_buf_reserve(&feed->bytes, SEGS_READING_JSON_MAX_BYTES);
    if (room && segs_reading_encode(reading, room, SEGS_READING_JSON_MAX_BYTES, &value_len) == 0)
        feed->bytes.len += value_len;
    record->value_len = value_len;
    if (!feed->bus)
        rt_buf_append(&feed->bytes, "\n", 1);
    feed->n++;
}

int feed_add(struct feed *feed, const struct segs_reading *reading, int64_t line,
             struct segs_error *reterr)
{
    if (is_refused(feed, reading, reterr)) {
        feed->n_refused++;
        return 1;
    }
    append(feed, reading, line);
    if (reading->ts_ms > feed->max_ts_ms)
        feed->max_ts_ms = reading->ts_ms;
    return feed->n == FEED_BATCH ? feed_flush(feed, reterr) : 0;
}
