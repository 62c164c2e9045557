/* Ingestion as a whole: the service on the embedded engines, asked over HTTP. */
#include <arpa/inet.h>
#include <check.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <segs/token.h>

#include "ingestion/service.h"
#include "runtime/bus/bus.h"
#include "runtime/db/db.h"
#include "runtime/httpc.h"
#include "runtime/log.h"
#include "runtime/schema/schema.h"

static struct {
    struct rt_config *config;
    struct rt_app app;
    void *service;
    struct rt_httpc *client;
    struct rt_httpc_response response;
    int port;
    char dir[64];
} rig;

static void must(int r, const struct segs_error *err, const char *what)
{
    if (r < 0)
        ck_abort_msg("%s: %s (%s: %s)", what, rt_strerror(r), err->field, err->message);
}

static int free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

static void set(const char *name, const char *value)
{
    struct segs_error err = { 0 };

    must(rt_config_set(rig.config, name, value, &err), &err, name);
}

static void configure(void)
{
    static char *const no_environment[] = { NULL };
    const struct rt_service *service = &segs_ingestion_service;
    struct segs_error err = { 0 };
    char port[8];

    memset(&rig, 0, sizeof rig);
    (void)snprintf(rig.dir, sizeof rig.dir, "/tmp/segs-ingestion-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(rig.dir));
    rig.port = free_port();
    (void)snprintf(port, sizeof port, "%d", rig.port);
    must(rt_config_new(&rig.config), &err, "config");
    must(rt_config_add_table(rig.config, "common", rt_common_config, rt_n_common_config), &err,
         "config");
    must(rt_config_add_table(rig.config, service->name, service->config, service->n_config), &err,
         "config");
    must(rt_config_load(rig.config, NULL, no_environment, &err), &err, "config");
    set("INGESTION_PORT", port);
    set("RAW_PARTITIONS", "1");
    rt_log_setup(RT_LOG_ERROR, "text", "test");
    rt_log_set_fd(-1); /* Failures are caused on purpose here. */
}

static void open_ports(bool dev)
{
    struct segs_error err = { 0 };

    must(rt_app_open(rig.config, rig.dir, dev, &rig.app, &err), &err, "ports");
}

static int try_start(struct segs_error *reterr)
{
    return segs_ingestion_service.start(&rig.app, &rig.service, reterr);
}

static void start(void)
{
    struct segs_error err = { 0 };

    must(try_start(&err), &err, "ingestion");
    must(rt_httpc_new(&rig.client, &err), &err, "client");
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void teardown(void)
{
    if (rig.service) {
        segs_ingestion_service.drain(rig.service);
        segs_ingestion_service.stop(rig.service);
    }
    rt_httpc_response_free(&rig.response);
    rt_httpc_free(rig.client);
    rt_app_close(&rig.app);
    rt_config_free(rig.config);
    (void)nftw(rig.dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* As in production: not in development mode, with the default authorisation. */
static void setup(void)
{
    configure();
    open_ports(false);
    start();
}

static void run_with(const char *sql, const struct rt_db_value *params, size_t n)
{
    struct rt_db_conn *conn = NULL;
    struct segs_error err = { 0 };

    must(rt_db_acquire(rig.app.db, RT_DB_WRITE, 5000, &conn, &err), &err, "connection");
    must(rt_db_begin(conn, &err), &err, "begin");
    must(rt_db_exec(conn, sql, params, n, NULL, &err), &err, sql);
    must(rt_db_commit(conn, &err), &err, "commit");
    rt_db_release(conn);
}

static void add_key(const char *key, const char *prefix)
{
    uint8_t digest[SEGS_TOKEN_DIGEST_BYTES];
    struct rt_db_value params[2];

    ck_assert_int_eq(segs_token_digest(key, strlen(key), digest), 0);
    params[0] = rt_db_blob(digest, sizeof digest);
    params[1] = rt_db_text(prefix);
    run_with("INSERT INTO ingest_keys (key_hash, name, meter_prefix, created_at_ms)"
             " VALUES ($1, 'test', $2, 0)",
             params, 2);
}

/* The status of an answer whose body stays in rig.response. */
static int ask(const char *path, const char *authorization, const char *body)
{
    struct rt_httpc_request request = { .content_type = "application/json",
                                        .authorization = authorization,
                                        .body = body,
                                        .body_len = body ? strlen(body) : 0,
                                        .timeout_ms = 10000 };
    struct segs_error err = { 0 };
    char url[96];

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d%s", rig.port, path);
    request.url = url;
    must(rt_httpc_send(rig.client, &request, &rig.response, &err), &err, path);
    return rig.response.status;
}

static int post(const char *authorization, const char *body)
{
    return ask("/telemetry/batch", authorization, body);
}

static bool answer_has(const char *text)
{
    char *body =
        strndup(rig.response.body.data ? rig.response.body.data : "", rig.response.body.len);
    bool has;

    ck_assert_ptr_nonnull(body);
    has = strstr(body, text) != NULL;
    free(body);
    return has;
}

static int64_t n_stored(void)
{
    int64_t first = 0;
    int64_t end = 0;

    ck_assert_int_eq(rt_bus_offsets(rig.app.bus, RT_TOPIC_RAW, 0, &first, &end, NULL), 0);
    return end;
}

#define READING(id_)                                                                               \
    "{\"meter_id\":\"" id_ "\",\"timestamp\":\"2026-01-15T14:00:00Z\",\"power_kw\":1}"

START_TEST(D_06_without_a_key_nothing_is_stored)
{
    add_key("secret", "");
    ck_assert_int_eq(post(NULL, "[" READING("A") "]"), 401);
    ck_assert_int_eq(post("Bearer wrong", "[" READING("A") "]"), 401);
    ck_assert_int_eq(ask("/telemetry", NULL, READING("A")), 401);
    ck_assert_int_eq(n_stored(), 0);
    ck_assert_int_eq(post("Bearer secret", "[" READING("A") "]"), 200);
    ck_assert_int_eq(ask("/telemetry", "Bearer secret", READING("B")), 200);
    ck_assert_int_eq(n_stored(), 2);
}
END_TEST

START_TEST(D_06_a_key_stores_readings_of_its_own_meters_alone)
{
    add_key("secret", "NORTH-");
    ck_assert_int_eq(post("Bearer secret", "[" READING("SOUTH-1") "]"), 422);
    ck_assert(answer_has("FORBIDDEN_METER"));
    ck_assert_int_eq(post("Bearer secret", "[" READING("NORTH-1") "," READING("SOUTH-1") "]"), 200);
    ck_assert(answer_has("\"accepted\":1"));
    ck_assert(answer_has("\"rejected\":1"));
    ck_assert_int_eq(n_stored(), 1);
}
END_TEST

START_TEST(D_06_a_revoked_key_is_out_at_once)
{
    add_key("secret", "");
    ck_assert_int_eq(post("Bearer secret", "[" READING("A") "]"), 200);
    run_with("UPDATE ingest_keys SET revoked_at_ms = 1", NULL, 0);
    ck_assert_int_eq(post("Bearer secret", "[" READING("B") "]"), 401);
    ck_assert_int_eq(n_stored(), 1);
}
END_TEST

START_TEST(D_08_no_cache_stands_in_the_way_of_writing)
{
    struct segs_error err = { 0 };
    struct rt_cache *cache;
    struct rt_app *app = &rig.app;

    configure();
    open_ports(false);
    cache = app->cache;
    app->cache = NULL;
    must(try_start(&err), &err, "ingestion");
    must(rt_httpc_new(&rig.client, &err), &err, "client");
    add_key("secret", "");
    ck_assert_int_eq(post("Bearer secret", "[" READING("A") "]"), 200);
    ck_assert_int_eq(ask("/readyz", NULL, NULL), 200);
    ck_assert_int_eq(n_stored(), 1);
    app->cache = cache;
    teardown();
}
END_TEST

static void await_status(const char *path, int want)
{
    int got = 0;

    for (int i = 0; i < 500 && got != want; i++) {
        rt_sleep_ms(20);
        got = ask(path, NULL, NULL);
    }
    ck_assert_int_eq(got, want);
}

START_TEST(D_09_D_30_health_turns_bad_with_the_database_and_good_again)
{
    add_key("secret", "");
    ck_assert_int_eq(ask("/health", NULL, NULL), 200);
    run_with("ALTER TABLE ingest_keys RENAME TO elsewhere", NULL, 0);
    await_status("/health", 503);
    ck_assert(answer_has("keys"));
    ck_assert_int_eq(ask("/readyz", NULL, NULL), 503);
    ck_assert_int_eq(post("Bearer secret", "[" READING("A") "]"), 503);
    ck_assert_int_ge(rig.response.retry_after_s, 1);
    ck_assert(!answer_has("elsewhere"));
    ck_assert(!answer_has("ingest_keys"));
    run_with("ALTER TABLE elsewhere RENAME TO ingest_keys", NULL, 0);
    await_status("/health", 200);
    ck_assert_int_eq(post("Bearer secret", "[" READING("A") "]"), 200);
    ck_assert_int_eq(n_stored(), 1);
}
END_TEST

START_TEST(D_06_an_open_intake_is_refused_outside_development)
{
    struct segs_error err = { 0 };

    configure();
    set("INGEST_AUTH", "none");
    open_ports(false);
    ck_assert_int_eq(try_start(&err), SEGS_EDENIED);
    ck_assert_str_eq(err.field, "INGEST_AUTH");
    ck_assert_ptr_null(rig.service);
    teardown();
}
END_TEST

START_TEST(D_06_an_open_intake_is_refused_beyond_this_machine)
{
    struct segs_error err = { 0 };

    configure();
    set("INGEST_AUTH", "none");
    set("BIND_ADDRESS", "0.0.0.0");
    open_ports(true);
    ck_assert_int_eq(try_start(&err), SEGS_EDENIED);
    ck_assert_str_eq(err.field, "INGEST_AUTH");
    ck_assert_ptr_null(rig.service);
    teardown();
}
END_TEST

START_TEST(in_development_the_intake_may_be_open_to_this_machine)
{
    configure();
    set("INGEST_AUTH", "none");
    open_ports(true);
    start();
    ck_assert_int_eq(post(NULL, "[" READING("A") "]"), 200);
    ck_assert_int_eq(n_stored(), 1);
    teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ingestion");
    TCase *tc = tcase_create("with keys");
    TCase *own = tcase_create("own settings");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 60);
    tcase_set_timeout(own, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, D_06_without_a_key_nothing_is_stored);
    tcase_add_test(tc, D_06_a_key_stores_readings_of_its_own_meters_alone);
    tcase_add_test(tc, D_06_a_revoked_key_is_out_at_once);
    tcase_add_test(tc, D_09_D_30_health_turns_bad_with_the_database_and_good_again);
    tcase_add_test(own, D_06_an_open_intake_is_refused_outside_development);
    tcase_add_test(own, D_06_an_open_intake_is_refused_beyond_this_machine);
    tcase_add_test(own, in_development_the_intake_may_be_open_to_this_machine);
    tcase_add_test(own, D_08_no_cache_stands_in_the_way_of_writing);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, own);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
