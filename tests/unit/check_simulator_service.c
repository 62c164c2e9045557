/* The simulator as a whole, against an intake of the test's own. */
#include "simulator/service.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <segs/decode.h>

#include "ports_rig.h"
#include "runtime/http.h"
#include "runtime/httpc.h"
#include "runtime/log.h"
#include "runtime/metrics.h"
#include "runtime/schema/schema.h"
#include "simulator/settings.h"

/* ---- An intake that remembers ---- */

#define KEPT_MAX 4096

struct kept {
    char meter_id[16];
    int64_t ts_ms;
};

struct intake {
    struct rt_http_server *server;
    struct rt_metrics *metrics;
    pthread_mutex_t lock;
    struct kept kept[KEPT_MAX];
    int64_t n_kept;
    int64_t n_requests;
    int64_t n_dead;   /* Readings with status ERROR. */
    int64_t n_torn;   /* So many requests are stored and then answered 503. */
    bool refuses_all; /* 401, as without a key. */
    char authorization[64];
    char url[64];
};

static void keep(struct intake *intake, const struct segs_reading *reading)
{
    intake->n_dead += reading->status == SEGS_STATUS_ERROR;
    for (int64_t i = 0; i < intake->n_kept; i++) {
        if (intake->kept[i].ts_ms == reading->ts_ms &&
            strcmp(intake->kept[i].meter_id, reading->meter_id) == 0)
            return;
    }
    ck_assert_int_lt(intake->n_kept, KEPT_MAX);
    (void)snprintf(intake->kept[intake->n_kept].meter_id, 16, "%.15s", reading->meter_id);
    intake->kept[intake->n_kept++].ts_ms = reading->ts_ms;
}

static void keep_all(struct intake *intake, const char *body, size_t len, int64_t *accepted,
                     struct rt_json_out *errors, int64_t *rejected)
{
    struct segs_decoder *decoder = NULL;
    struct segs_reading reading;
    int r;

    ck_assert_int_eq(segs_decoder_new(NULL, &decoder), 0);
    ck_assert_int_eq(segs_decoder_begin(decoder, body, len), 0);
    while ((r = segs_decoder_next(decoder, &reading, NULL)) != 0) {
        if (r > 0) {
            keep(intake, &reading);
            (*accepted)++;
            continue;
        }
        (*rejected)++;
        rt_json_object(errors, NULL);
        rt_json_put_int(errors, "index", segs_decoder_count(decoder) - 1);
        rt_json_end_object(errors);
    }
    segs_decoder_free(decoder);
}

static void answer(struct rt_http_exchange *x, int64_t accepted, int64_t rejected,
                   const struct rt_buf *errors)
{
    struct rt_buf text = RT_BUF_INIT;

    rt_buf_printf(&text, "{\"accepted\":%lld,\"duplicates\":0,\"rejected\":%lld,\"errors\":%s}",
                  (long long)accepted, (long long)rejected, errors->data);
    rt_http_respond(x, 200, "application/json", text.data, text.len);
    rt_buf_free(&text);
}

static void post_batch(struct rt_http_exchange *x, void *user)
{
    struct intake *intake = user;
    const char *authorization = rt_http_header(x, "Authorization");
    struct rt_buf errors = RT_BUF_INIT;
    struct rt_json_out out;
    const char *body = NULL;
    size_t len = 0;
    int64_t accepted = 0;
    int64_t rejected = 0;

    if (rt_http_body(x, &body, &len) < 0)
        return;
    (void)pthread_mutex_lock(&intake->lock);
    intake->n_requests++;
    if (authorization)
        (void)snprintf(intake->authorization, sizeof intake->authorization, "%s", authorization);
    rt_json_begin(&out, &errors);
    rt_json_array(&out, NULL);
    if (!intake->refuses_all)
        keep_all(intake, body, len, &accepted, &out, &rejected);
    rt_json_end_array(&out);
    if (intake->refuses_all)
        rt_http_problem(x, 401, "unauthorized", "A valid ingest key is needed.");
    else if (intake->n_torn-- > 0)
        rt_http_unavailable(x, 1, "log_unavailable", "Send it again.");
    else
        answer(x, accepted, rejected, &errors);
    (void)pthread_mutex_unlock(&intake->lock);
    rt_buf_free(&errors);
}

static const struct rt_http_route intake_routes[] = {
    { .method = "POST", .path = "/telemetry/batch", .handler = post_batch, .max_body = 1 << 24 },
    { .method = NULL },
};

static struct intake *intake_open(void)
{
    struct intake *intake = calloc(1, sizeof *intake);
    struct segs_error err = { 0 };
    struct rt_http_options options = { .service = "intake",
                                       .bind = "127.0.0.1",
                                       .n_threads = 8,
                                       .routes = intake_routes,
                                       .user = intake };

    (void)pthread_mutex_init(&intake->lock, NULL);
    intake->metrics = rt_metrics_new();
    options.metrics = intake->metrics;
    rig_ok(rt_http_start(&options, &intake->server, &err));
    (void)snprintf(intake->url, sizeof intake->url, "http://127.0.0.1:%d/telemetry/batch",
                   (int)rt_http_port(intake->server));
    return intake;
}

static void intake_close(struct intake *intake)
{
    rt_http_stop(intake->server);
    rt_metrics_free(intake->metrics);
    (void)pthread_mutex_destroy(&intake->lock);
    free(intake);
}

/* ---- A run ---- */

static struct rt_config *config_of(const char *url)
{
    static char *const no_environment[] = { NULL };
    static const char *const settings[] = { "METERS",       "50",  "INTERVAL",       "1s",
                                            "SEED",         "3",   "SIMULATOR_PORT", "0",
                                            "LATE_RATE",    "0.1", "DUPLICATE_RATE", "0.2",
                                            "CORRUPT_RATE", "0.1" };
    struct rt_config *config = NULL;
    struct segs_error err = { 0 };

    rig_ok(rt_config_new(&config));
    rig_ok(rt_config_add_table(config, "common", rt_common_config, rt_n_common_config));
    rig_ok(rt_config_add_table(config, "simulator", sim_config, SIM_N_CONFIG));
    rig_ok(rt_config_load(config, NULL, no_environment, &err));
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i += 2)
        rig_ok(rt_config_set(config, settings[i], settings[i + 1], &err));
    rig_ok(rt_config_set(config, "INGESTION_URL", url, &err));
    rig_ok(rt_config_set(config, "LOG_LEVEL", "error", &err));
    return config;
}

static void set(struct rt_config *config, const char *name, const char *value)
{
    struct segs_error err = { 0 };

    rig_ok(rt_config_set(config, name, value, &err));
}

static int run(const struct rt_config *config, bool dev,
               void (*on_up)(struct rt_app *app, void *user), void *user)
{
    static const struct rt_service *const services[] = { &segs_simulator_service };
    const struct rt_run_options options = { .services = services,
                                            .n_services = 1,
                                            .config = config,
                                            .data_dir = rt_config_string(config, "DATA_DIR"),
                                            .dev = dev,
                                            .on_up = on_up,
                                            .user = user };
    struct segs_error err = { 0 };

    rig_ok(rt_run(&options, &err));
    return simulator_exit_status();
}

static int64_t report_number(const char *path, const char *name)
{
    char text[8192] = { 0 };
    char wanted[64];
    const char *found;
    FILE *file = fopen(path, "r");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, file), 0);
    (void)fclose(file);
    (void)snprintf(wanted, sizeof wanted, "\"%s\":", name);
    found = strstr(text, wanted);
    ck_assert_ptr_nonnull(found);
    return strtoll(found + strlen(wanted), NULL, 10);
}

/* ---- Runs with ITERATIONS (D-109) ---- */

START_TEST(d109_a_run_ends_by_itself_with_0_when_everything_was_accepted)
{
    struct intake *intake = intake_open();
    struct rt_config *config = config_of(intake->url);

    set(config, "ITERATIONS", "2");
    set(config, "INGEST_KEY", "k-1");
    ck_assert_int_eq(run(config, false, NULL, NULL), 0);
    ck_assert_int_eq(intake->n_kept, 100);
    ck_assert_str_eq(intake->authorization, "Bearer k-1");
    rt_config_free(config);
    intake_close(intake);
}
END_TEST

START_TEST(d109_answers_lost_after_storing_change_no_count)
{
    struct intake *intake = intake_open();
    struct rt_config *config = config_of(intake->url);
    char path[128];

    rig_folder_make();
    (void)snprintf(path, sizeof path, "%s/report.json", rig_folder);
    set(config, "ITERATIONS", "1");
    set(config, "SIMULATOR_REPORT", path);
    intake->n_torn = 3;
    ck_assert_int_eq(run(config, false, NULL, NULL), 0);
    ck_assert_int_eq(intake->n_kept, 50);
    ck_assert_int_eq(report_number(path, "distinct_accepted"), 50);
    ck_assert_int_eq(report_number(path, "ambiguous"), 3);
    ck_assert_int_eq(report_number(path, "retries"), 3);
    ck_assert_int_eq(report_number(path, "rejected"), report_number(path, "corrupt"));
    rig_folder_remove();
    rt_config_free(config);
    intake_close(intake);
}
END_TEST

START_TEST(d109_a_run_that_lost_readings_ends_with_3)
{
    struct intake *intake = intake_open();
    struct rt_config *config = config_of(intake->url);

    set(config, "ITERATIONS", "1");
    intake->refuses_all = true;
    ck_assert_int_eq(run(config, false, NULL, NULL), SIMULATOR_EXIT_INCOMPLETE);
    ck_assert_int_eq(intake->n_kept, 0);
    rt_config_free(config);
    intake_close(intake);
}
END_TEST

static void stop_soon(struct rt_app *app, void *user)
{
    (void)app;
    (void)user;
    rt_sleep_ms(600);
    rt_request_stop();
}

START_TEST(d109_a_stop_without_a_target_accounts_for_every_reading)
{
    struct rt_config *config = config_of("http://127.0.0.1:1/telemetry/batch");
    char path[128];
    int64_t begun_ms = rt_monotonic_ms();

    rig_folder_make();
    (void)snprintf(path, sizeof path, "%s/report.json", rig_folder);
    set(config, "SIMULATOR_REPORT", path);
    ck_assert_int_eq(run(config, false, stop_soon, NULL), 0);
    ck_assert_int_lt(rt_monotonic_ms() - begun_ms, 10000);
    ck_assert_int_gt(report_number(path, "generated"), 20);
    ck_assert_int_eq(report_number(path, "generated") + report_number(path, "duplicates") +
                         report_number(path, "corrupt"),
                     report_number(path, "dropped_stopped"));
    ck_assert_int_eq(report_number(path, "unresolved"), 0);
    rig_folder_remove();
    rt_config_free(config);
}
END_TEST

START_TEST(d109_a_stopped_run_delivers_what_it_held_back)
{
    struct intake *intake = intake_open();
    struct rt_config *config = config_of(intake->url);
    char path[128];

    rig_folder_make();
    (void)snprintf(path, sizeof path, "%s/report.json", rig_folder);
    set(config, "SIMULATOR_REPORT", path);
    ck_assert_int_eq(run(config, false, stop_soon, NULL), 0);
    ck_assert_int_gt(report_number(path, "late"), 0);
    ck_assert_int_eq(report_number(path, "distinct_accepted"), report_number(path, "generated"));
    ck_assert_int_eq(report_number(path, "distinct_accepted"), intake->n_kept);
    rig_folder_remove();
    rt_config_free(config);
    intake_close(intake);
}
END_TEST

/* The target says for three seconds that it cannot; one thread and four batches hold one second. */
START_TEST(d109_what_falls_behind_is_counted_and_keeps_its_time)
{
    struct intake *intake = intake_open();
    struct rt_config *config = config_of(intake->url);
    char path[128];
    int64_t first_ms = INT64_MAX;

    rig_folder_make();
    (void)snprintf(path, sizeof path, "%s/report.json", rig_folder);
    set(config, "SIMULATOR_REPORT", path);
    set(config, "ITERATIONS", "4");
    set(config, "CONCURRENCY", "1");
    intake->n_torn = 3;
    ck_assert_int_eq(run(config, false, NULL, NULL), 0);
    ck_assert_int_gt(report_number(path, "behind"), 0);
    ck_assert_int_eq(report_number(path, "cycles"), 4);
    ck_assert_int_eq(intake->n_kept, 200);
    for (int64_t i = 0; i < intake->n_kept; i++) {
        if (intake->kept[i].ts_ms < first_ms)
            first_ms = intake->kept[i].ts_ms;
    }
    /* 50 meters in a second: one every 20 ms, in each of the four. */
    for (int64_t i = 0; i < intake->n_kept; i++) {
        int64_t offset_ms = intake->kept[i].ts_ms - first_ms;
        long meter = strtol(intake->kept[i].meter_id + 4, NULL, 10);

        ck_assert_int_eq(offset_ms % 1000, 20 * (meter - 1));
        ck_assert_int_lt(offset_ms, 4000);
    }
    rig_folder_remove();
    rt_config_free(config);
    intake_close(intake);
}
END_TEST

/* ---- Into the log ---- */

START_TEST(the_bus_target_writes_every_reading_and_copy_into_the_log)
{
    struct rt_config *config = config_of("http://127.0.0.1:1/");
    struct segs_error err = { 0 };
    struct rt_app app;
    char path[128];
    int64_t n = 0;

    rig_folder_make();
    (void)snprintf(path, sizeof path, "%s/report.json", rig_folder);
    set(config, "DATA_DIR", rig_folder);
    set(config, "TARGET", "bus");
    set(config, "ITERATIONS", "1");
    set(config, "SIMULATOR_REPORT", path);
    ck_assert_int_eq(run(config, false, NULL, NULL), 0);
    rig_ok(rt_app_open(config, rig_folder, false, &app, &err));
    for (int32_t p = 0; p < 4; p++) {
        int64_t first = 0;
        int64_t end = 0;

        rig_ok(rt_bus_offsets(app.bus, RT_TOPIC_RAW, p, &first, &end, &err));
        n += end - first;
    }
    ck_assert_int_eq(n, 50 + report_number(path, "duplicates") + report_number(path, "corrupt"));
    ck_assert_int_eq(report_number(path, "distinct_accepted"), 50);
    rt_app_close(&app);
    rig_folder_remove();
    rt_config_free(config);
}
END_TEST

/* ---- Operations ---- */

static int32_t free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)(void *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)(void *)&address, &size), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

struct asking {
    struct intake *intake;
    struct rt_httpc *client;
    struct rt_httpc_response response;
    int32_t port;
};

static int ask(struct asking *asking, const char *method, const char *path, const char *body)
{
    char url[96];
    struct rt_httpc_request request = {
        .method = method, .url = url, .body = body, .body_len = body ? strlen(body) : 0
    };
    struct segs_error err = { 0 };

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d%s", (int)asking->port, path);
    rig_ok(rt_httpc_send(asking->client, &request, &asking->response, &err));
    return asking->response.status;
}

static void assert_body_has(const struct asking *asking, const char *text)
{
    ck_assert_msg(strstr(asking->response.body.data, text), "expected %s in %s", text,
                  asking->response.body.data);
}

static void change_scenarios(struct rt_app *app, void *user)
{
    struct asking *asking = user;

    (void)app;
    ck_assert_int_eq(ask(asking, "GET", "/status", NULL), 200);
    assert_body_has(asking, "\"scenario\":null");
    ck_assert_int_eq(ask(asking, "PUT", "/scenario", "{\"mode\":\"storm\"}"), 422);
    assert_body_has(asking, "/mode");
    ck_assert_int_eq(ask(asking, "PUT", "/scenario", "{\"mode\":\"peak\",\"regions\":[\"Poona\"]}"),
                     422);
    assert_body_has(asking, "/regions/0");
    ck_assert_int_eq(
        ask(asking, "PUT", "/scenario", "{\"mode\":\"peak\",\"until\":\"2020-01-01T00:00:00Z\"}"),
        422);
    assert_body_has(asking, "/until");
    ck_assert_int_eq(ask(asking, "PUT", "/scenario",
                         "{\"mode\":\"outage\",\"regions\":[\"Pune-West\"],"
                         "\"until\":\"2999-01-01T00:00:00Z\"}"),
                     200);
    assert_body_has(asking, "\"mode\":\"outage\",\"regions\":[\"Pune-West\"]");
    rt_sleep_ms(1600);
    ck_assert_int_eq(ask(asking, "GET", "/status", NULL), 200);
    assert_body_has(asking, "\"until\":\"2999-01-01T00:00:00.000Z\"");
    ck_assert_int_eq(ask(asking, "GET", "/metrics", NULL), 200);
    assert_body_has(asking, "segs_simulator_readings_total{result=\"accepted\"}");
    assert_body_has(asking, "segs_simulator_behind_seconds");
    ck_assert_int_eq(ask(asking, "DELETE", "/scenario", NULL), 200);
    assert_body_has(asking, "\"scenario\":null");
    rt_request_stop();
}

static void ask_from_outside_dev(struct rt_app *app, void *user)
{
    struct asking *asking = user;

    (void)app;
    ck_assert_int_eq(ask(asking, "GET", "/status", NULL), 403);
    ck_assert_int_eq(ask(asking, "PUT", "/scenario", "{\"mode\":\"peak\"}"), 403);
    ck_assert_int_eq(ask(asking, "DELETE", "/scenario", NULL), 403);
    ck_assert_int_eq(ask(asking, "GET", "/readyz", NULL), 200);
    rt_request_stop();
}

static void run_and_ask(bool dev, void (*on_up)(struct rt_app *app, void *user),
                        struct intake *intake)
{
    struct asking asking = { .intake = intake, .port = free_port() };
    struct rt_config *config = config_of(intake->url);
    struct segs_error err = { 0 };
    char port[16];

    (void)snprintf(port, sizeof port, "%d", (int)asking.port);
    set(config, "SIMULATOR_PORT", port);
    rig_ok(rt_httpc_new(&asking.client, &err));
    ck_assert_int_eq(run(config, dev, on_up, &asking), 0);
    rt_httpc_response_free(&asking.response);
    rt_httpc_free(asking.client);
    rt_config_free(config);
}

START_TEST(a_scenario_can_be_set_while_the_simulator_runs)
{
    struct intake *intake = intake_open();

    run_and_ask(true, change_scenarios, intake);
    ck_assert_int_gt(intake->n_dead, 0);
    intake_close(intake);
}
END_TEST

START_TEST(outside_dev_nobody_may_set_a_scenario)
{
    struct intake *intake = intake_open();

    run_and_ask(false, ask_from_outside_dev, intake);
    intake_close(intake);
}
END_TEST

START_TEST(an_unknown_region_of_mode_keeps_it_from_starting)
{
    static const struct rt_service *const services[] = { &segs_simulator_service };
    struct rt_config *config = config_of("http://127.0.0.1:1/");
    const struct rt_run_options options = { .services = services,
                                            .n_services = 1,
                                            .config = config };
    struct segs_error err = { 0 };

    set(config, "MODE", "outage");
    set(config, "MODE_REGIONS", "Poona");
    ck_assert_int_eq(rt_run(&options, &err), SEGS_ENOTFOUND);
    ck_assert_ptr_nonnull(strstr(err.message, "Poona"));
    rt_config_free(config);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulator service");
    TCase *tc = tcase_create("service");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, d109_a_run_ends_by_itself_with_0_when_everything_was_accepted);
    tcase_add_test(tc, d109_answers_lost_after_storing_change_no_count);
    tcase_add_test(tc, d109_a_run_that_lost_readings_ends_with_3);
    tcase_add_test(tc, d109_a_stop_without_a_target_accounts_for_every_reading);
    tcase_add_test(tc, d109_a_stopped_run_delivers_what_it_held_back);
    tcase_add_test(tc, d109_what_falls_behind_is_counted_and_keeps_its_time);
    tcase_add_test(tc, the_bus_target_writes_every_reading_and_copy_into_the_log);
    tcase_add_test(tc, a_scenario_can_be_set_while_the_simulator_runs);
    tcase_add_test(tc, outside_dev_nobody_may_set_a_scenario);
    tcase_add_test(tc, an_unknown_region_of_mode_keeps_it_from_starting);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
