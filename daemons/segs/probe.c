#include "segs/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/json.h"

#define TIMEOUT_MS 2000

/* What tells how busy a service is. */
static const struct activity {
    const char *service;
    const char *family;
    const char *label;
    const char *unit;
} activities[] = {
    { "ingestion", "segs_ingest_readings_total", "result=\"accepted\"", "readings/s" },
    { "stream-processor", "segs_stream_readings_total", "result=\"counted\"", "readings/s" },
    { "simulator", "segs_simulator_readings_total", "result=\"accepted\"", "readings/s" },
    { "api-gateway", "segs_http_requests_total", "service=\"api-gateway\"", "requests/s" },
};

static const struct activity *activity_of(const char *service)
{
    for (size_t i = 0; i < sizeof activities / sizeof activities[0]; i++) {
        if (strcmp(activities[i].service, service) == 0)
            return &activities[i];
    }
    return NULL;
}

const char *probe_state_name(enum probe_state state)
{
    static const char *const names[] = { "up", "degraded", "down" };

    return names[state];
}

/* ---- Readers ---- */

static bool is_sample_of(const char *line, size_t len, const char *family)
{
    size_t n = strlen(family);

    return len > n && memcmp(line, family, n) == 0 && (line[n] == '{' || line[n] == ' ');
}

static bool contains(const char *line, size_t len, const char *part)
{
    size_t n = strlen(part);

    for (size_t i = 0; i + n <= len; i++) {
        if (memcmp(line + i, part, n) == 0)
            return true;
    }
    return false;
}

bool probe_read_counter(const char *text, size_t len, const char *family, const char *label,
                        double *ret)
{
    const char *end = text + len;
    double sum = 0;
    bool found = false;

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t line_len = newline ? (size_t)(newline - text) : (size_t)(end - text);
        size_t value = line_len;

        while (value > 0 && text[value - 1] != ' ')
            value--;
        if (value > 0 && is_sample_of(text, line_len, family) && contains(text, line_len, label)) {
            char number[48];

            (void)snprintf(number, sizeof number, "%.*s", (int)(line_len - value), text + value);
            sum += strtod(number, NULL);
            found = true;
        }
        text += line_len + 1;
    }
    if (found)
        *ret = sum;
    return found;
}

bool probe_read_failure(const char *text, size_t len, char *ret, size_t size)
{
    const char *end = text + len;

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t line_len = newline ? (size_t)(newline - text) : (size_t)(end - text);

        if (line_len > 3 && memcmp(text, "[-]", 3) == 0) {
            (void)snprintf(ret, size, "%.*s", (int)(line_len - 3), text + 3);
            return true;
        }
        text += line_len + 1;
    }
    return false;
}

/* Members are taken as they come: a newer processor may say more. */
static int read_partition(const char *text, size_t len, struct probe_partition *ret)
{
    struct rt_json *json = NULL;
    const char *held;
    int r = rt_json_parse(text, len, &json, NULL);

    memset(ret, 0, sizeof *ret);
    if (r == 0 &&
        (!rt_json_int(json, "partition", &ret->partition) || !rt_json_int(json, "lag", &ret->lag)))
        r = SEGS_ESYNTAX;
    held = r == 0 ? rt_json_string(json, "held_back_by") : NULL;
    if (held)
        (void)snprintf(ret->held_back_by, sizeof ret->held_back_by, "%s", held);
    rt_json_free(json);
    return r < 0 ? SEGS_ESYNTAX : 0;
}

int probe_read_partitions(const char *text, size_t len, struct probe_partition *ret, size_t max,
                          size_t *ret_n)
{
    struct rt_json *answer = NULL;
    struct rt_json *list = NULL;
    const char *data;
    size_t data_len = 0;
    size_t n = 0;
    int r = rt_json_parse(text, len, &answer, NULL);

    data = r == 0 ? rt_json_raw(answer, "data", &data_len) : NULL;
    r = data ? rt_json_parse(data, data_len, &list, NULL) : SEGS_ESYNTAX;
    for (; r == 0 && n < rt_json_n_elements(list) && n < max; n++) {
        size_t element_len = 0;
        const char *element = rt_json_raw_at(list, n, &element_len);

        r = read_partition(element, element_len, &ret[n]);
    }
    rt_json_free(list);
    rt_json_free(answer);
    if (r < 0)
        return SEGS_ESYNTAX;
    *ret_n = n;
    return 0;
}

/* ---- Asking ---- */

static int get(struct rt_httpc *client, const struct run_service *service, const char *path,
               struct rt_httpc_response *response)
{
    char url[256];
    struct rt_httpc_request request = { .url = url, .timeout_ms = TIMEOUT_MS };

    (void)snprintf(url, sizeof url, "%s%s", service->url, path);
    return rt_httpc_send(client, &request, response, NULL);
}

static double counter_of(struct rt_httpc *client, const struct run_service *service,
                         struct rt_httpc_response *response)
{
    const struct activity *activity = activity_of(service->name);
    double value = -1;

    if (activity && get(client, service, "/metrics", response) == 0 && response->status == 200 &&
        !probe_read_counter(response->body.data, response->body.len, activity->family,
                            activity->label, &value))
        value = 0; /* A counter that never counted is not listed. */
    return value;
}

static void ask_readiness(struct rt_httpc *client, struct probe *probe,
                          struct rt_httpc_response *response)
{
    if (get(client, probe->service, "/readyz?verbose", response) < 0) {
        probe->state = PROBE_DOWN;
        (void)snprintf(probe->error, sizeof probe->error, "does not answer at %s",
                       probe->service->url);
        probe->hint = "the process is there but not reachable: look at its log";
        return;
    }
    probe->state = response->status == 200 ? PROBE_UP : PROBE_DEGRADED;
    if (probe->state == PROBE_UP)
        return;
    if (!probe_read_failure(response->body.data, response->body.len, probe->error,
                            sizeof probe->error))
        (void)snprintf(probe->error, sizeof probe->error, "not ready (status %d)",
                       response->status);
    probe->hint = contains(probe->error, strlen(probe->error), "draining")
                      ? "it is shutting down"
                      : "look at its log; a full disk is the usual cause";
}

static void ask_partitions(struct rt_httpc *client, struct probe *probe, struct probes *ret,
                           struct rt_httpc_response *response)
{
    if (strcmp(probe->service->name, "stream-processor") != 0 || probe->state == PROBE_DOWN)
        return;
    if (get(client, probe->service, "/partitions", response) < 0 || response->status != 200 ||
        probe_read_partitions(response->body.data, response->body.len, ret->partitions,
                              PROBE_PARTITIONS_MAX, &ret->n_partitions) < 0)
        return;
    for (size_t i = 0; i < ret->n_partitions; i++) {
        const struct probe_partition *partition = &ret->partitions[i];

        if (partition->held_back_by[0] && !probe->error[0])
            (void)snprintf(probe->error, sizeof probe->error, "partition %lld: %s",
                           (long long)partition->partition, partition->held_back_by);
    }
}

static void ask_all(struct rt_httpc *client, const struct run_file *run, int64_t between_ms,
                    struct probes *ret, struct rt_httpc_response *response)
{
    double before[RUN_SERVICES_MAX];
    int64_t began_ms[RUN_SERVICES_MAX];

    for (size_t i = 0; i < run->n_services; i++) {
        struct probe *probe = &ret->services[i];

        probe->service = &run->services[i];
        ask_readiness(client, probe, response);
        began_ms[i] = rt_monotonic_ms();
        before[i] = probe->state == PROBE_DOWN ? -1 : counter_of(client, probe->service, response);
    }
    rt_sleep_ms(between_ms);
    for (size_t i = 0; i < run->n_services; i++) {
        struct probe *probe = &ret->services[i];
        double after =
            probe->state == PROBE_DOWN ? -1 : counter_of(client, probe->service, response);
        int64_t took_ms = rt_monotonic_ms() - began_ms[i];
        const struct activity *activity = activity_of(probe->service->name);

        probe->rate = before[i] >= 0 && after >= before[i] && took_ms > 0
                          ? (after - before[i]) * 1000.0 / (double)took_ms
                          : -1;
        probe->unit = activity ? activity->unit : "";
        ask_partitions(client, probe, ret, response);
    }
    ret->n_services = run->n_services;
}

int probe_all(const struct run_file *run, int64_t between_ms, struct probes *ret)
{
    struct rt_httpc_response response;
    struct rt_httpc *client = NULL;
    int r = rt_httpc_new(&client, NULL);

    memset(ret, 0, sizeof *ret);
    memset(&response, 0, sizeof response);
    if (r < 0)
        return r;
    ask_all(client, run, between_ms, ret, &response);
    rt_httpc_response_free(&response);
    rt_httpc_free(client);
    return 0;
}

enum probe_state probe_overall(const struct probes *probes)
{
    enum probe_state worst = PROBE_UP;
    size_t n_down = 0;

    for (size_t i = 0; i < probes->n_services; i++) {
        if (probes->services[i].state > worst)
            worst = probes->services[i].state;
        n_down += probes->services[i].state == PROBE_DOWN;
    }
    return worst == PROBE_DOWN && n_down < probes->n_services ? PROBE_DEGRADED : worst;
}
