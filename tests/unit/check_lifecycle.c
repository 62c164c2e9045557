/* Runs services that note what happens to them, on ports that only note being opened and closed.
 * What ends the process or depends on signals runs in a child process. */
#include "runtime/service.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/bus/bus.h"
#include "runtime/cache/cache.h"
#include "runtime/db/db.h"
#include "runtime/log.h"

extern char **environ;

static char happened[1024];
static char folder[64];
static struct rt_config *config;
static struct segs_error err;

static void note(const char *what)
{
    size_t len = strlen(happened);

    (void)snprintf(happened + len, sizeof happened - len, "%s%s", len > 0 ? " " : "", what);
}

/* ---- Ports ---- */

static char something;
static int db_fails;

int rt_bus_open(const struct rt_bus_options *options, struct rt_bus **ret,
                struct segs_error *reterr)
{
    (void)reterr;
    ck_assert_ptr_null(options->brokers);
    ck_assert_int_eq(options->data_dir[0], '/');
    note("bus+");
    *ret = (struct rt_bus *)(void *)&something;
    return 0;
}

void rt_bus_close(struct rt_bus *bus)
{
    (void)bus;
    note("bus-");
}

int rt_db_open(const struct rt_db_options *options, struct rt_db **ret, struct segs_error *reterr)
{
    (void)options;
    if (db_fails)
        return rt_fail(reterr, RT_ESTORAGE, "DATA_DIR", "no space");
    note("db+");
    *ret = (struct rt_db *)(void *)&something;
    return 0;
}

void rt_db_close(struct rt_db *db)
{
    (void)db;
    note("db-");
}

int rt_cache_open(const struct rt_cache_options *options, struct rt_cache **ret,
                  struct segs_error *reterr)
{
    (void)reterr;
    ck_assert_uint_eq(options->max_bytes, 67108864);
    note("cache+");
    *ret = (struct rt_cache *)(void *)&something;
    return 0;
}

void rt_cache_close(struct rt_cache *cache)
{
    (void)cache;
    note("cache-");
}

/* ---- Services ---- */

static int a_start(struct rt_app *app, void **ret_state, struct segs_error *reterr)
{
    (void)app;
    (void)reterr;
    *ret_state = happened;
    note("a+");
    return 0;
}

static void a_drain(void *state)
{
    ck_assert_ptr_eq(state, happened);
    note("a~");
}

static void a_stop(void *state)
{
    ck_assert_ptr_eq(state, happened);
    note("a-");
}

static int b_fails;

static int b_start(struct rt_app *app, void **ret_state, struct segs_error *reterr)
{
    (void)app;
    *ret_state = NULL;
    if (b_fails)
        return rt_fail(reterr, RT_EUNAVAILABLE, "B_PORT", "port 1 is taken");
    note("b+");
    return 0;
}

static void b_drain(void *state)
{
    (void)state;
    note("b~");
}

static void b_stop(void *state)
{
    (void)state;
    note("b-");
}

static void hang(void *state)
{
    (void)state;
    for (;;)
        (void)pause();
}

static int no_ports_start(struct rt_app *app, void **ret_state, struct segs_error *reterr)
{
    (void)reterr;
    ck_assert_ptr_null(app->bus);
    ck_assert_ptr_null(app->data_dir);
    ck_assert_ptr_nonnull(app->metrics);
    *ret_state = NULL;
    note("n+");
    return 0;
}

static const struct rt_config_entry a_config[] = {
    { .name = "A_PORT", .alias = "PORT", .type = RT_CONFIG_INT, .fallback = "1", .help = "Port." }
};

static const struct rt_service a = { .name = "a",
                                     .config = a_config,
                                     .n_config = 1,
                                     .start = a_start,
                                     .drain = a_drain,
                                     .stop = a_stop };
static const struct rt_service b = {
    .name = "b", .start = b_start, .drain = b_drain, .stop = b_stop
};
static const struct rt_service hanging = { .name = "hanging", .start = b_start, .stop = hang };
static const struct rt_service no_ports = {
    .name = "n", .start = no_ports_start, .stop = b_stop, .without_ports = true
};

static char *no_environment[] = { NULL };

static void setup(void)
{
    environ = no_environment; /* Settings of whoever runs the tests are not theirs. */
    happened[0] = '\0';
    db_fails = 0;
    b_fails = 0;
    memset(&err, 0, sizeof err);
    (void)snprintf(folder, sizeof folder, "/tmp/check_lifecycle.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    rt_log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    ck_assert_int_eq(rt_config_new(&config), 0);
    ck_assert_int_eq(rt_config_add_table(config, "common", rt_common_config, rt_n_common_config),
                     0);
}

static void teardown(void)
{
    char command[128];

    rt_config_free(config);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static void stop_at_once(struct rt_app *app, void *user)
{
    (void)app;
    (void)user;
    note("up");
    rt_request_stop();
}

static int run(const struct rt_service *first, const struct rt_service *second,
               void (*on_up)(struct rt_app *, void *))
{
    const struct rt_service *services[] = { first, second };
    char dir[96];
    struct rt_run_options options = { .services = services,
                                      .n_services = second ? 2 : 1,
                                      .config = config,
                                      .data_dir = dir,
                                      .on_up = on_up };

    (void)snprintf(dir, sizeof dir, "%s/deep/data", folder);
    return rt_run(&options, &err);
}

START_TEST(services_start_in_order_drain_first_and_stop_in_reverse)
{
    ck_assert_int_eq(run(&a, &b, stop_at_once), 0);
    ck_assert_str_eq(happened, "bus+ db+ cache+ a+ b+ up a~ b~ b- a- cache- db- bus-");
}
END_TEST

START_TEST(a_failing_start_stops_what_had_started)
{
    b_fails = 1;
    ck_assert_int_eq(run(&a, &b, stop_at_once), RT_EUNAVAILABLE);
    ck_assert_str_eq(happened, "bus+ db+ cache+ a+ a~ a- cache- db- bus-");
    ck_assert_str_eq(err.field, "B_PORT");
    ck_assert_str_eq(err.message, "port 1 is taken");
}
END_TEST

START_TEST(a_failing_port_closes_what_was_open)
{
    db_fails = 1;
    ck_assert_int_eq(run(&a, &b, stop_at_once), RT_ESTORAGE);
    ck_assert_str_eq(happened, "bus+ bus-");
}
END_TEST

START_TEST(a_process_without_ports_touches_no_data_folder)
{
    char path[96];

    ck_assert_int_eq(run(&no_ports, NULL, stop_at_once), 0);
    ck_assert_str_eq(happened, "n+ up b-");
    (void)snprintf(path, sizeof path, "%s/deep", folder);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(the_process_can_run_again_after_it_stopped)
{
    ck_assert_int_eq(run(&b, NULL, stop_at_once), 0);
    happened[0] = '\0';
    ck_assert_int_eq(run(&b, NULL, stop_at_once), 0);
    ck_assert_str_eq(happened, "bus+ db+ cache+ b+ up b~ b- cache- db- bus-");
}
END_TEST

/* ---- The data folder ---- */

START_TEST(the_data_folder_is_its_owners_alone)
{
    struct rt_app app;
    struct stat st;
    char dir[96];
    char path[128];
    char text[32] = "";
    FILE *file;

    (void)snprintf(dir, sizeof dir, "%s/deep/data", folder);
    ck_assert_int_eq(rt_app_open(config, dir, true, &app, &err), 0);
    ck_assert_str_eq(app.data_dir, dir);
    ck_assert(app.dev);
    ck_assert_int_eq(stat(dir, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);
    (void)snprintf(path, sizeof path, "%s/lock", dir);
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
    ck_assert_int_eq(atol(text), getpid());
    rt_app_close(&app);
    rt_app_close(&app);
    (void)fclose(file);
}
END_TEST

START_TEST(a_second_process_is_kept_out_of_the_data_folder)
{
    struct rt_app app;
    char expected[256];
    pid_t parent = getpid();
    pid_t child;
    int status;

    ck_assert_int_eq(rt_app_open(config, folder, false, &app, &err), 0);
    (void)snprintf(expected, sizeof expected,
                   "expected a data folder of its own, process %ld works on %s", (long)parent,
                   folder);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct rt_app other;
        int r = rt_app_open(config, folder, false, &other, &err);

        _exit(r == SEGS_ECONFLICT && strcmp(err.message, expected) == 0 ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    rt_app_close(&app);
}
END_TEST

static const char *const engines[] = { "KAFKA_BROKERS", "DATABASE_URL", "TIMESCALE_URL",
                                       "REDIS_URL" };

START_TEST(an_engine_that_this_build_lacks_is_refused_by_name)
{
    struct rt_app app;

    ck_assert_int_eq(rt_config_set(config, engines[_i], "somewhere:1", &err), 0);
    ck_assert_int_eq(rt_app_open(config, folder, false, &app, &err), SEGS_ENOTSUP);
    ck_assert_str_eq(err.field, engines[_i]);
    ck_assert_str_eq(
        err.message,
        "is set (command line), but this build has the embedded engines only; unset it");
    ck_assert_str_eq(happened, "");
    rt_app_close(&app);
}
END_TEST

/* ---- Signals, in a child ---- */

static int ready_pipe[2];

static void tell_ready(struct rt_app *app, void *user)
{
    (void)app;
    (void)user;
    (void)!write(ready_pipe[1], "", 1);
}

/* The exit status of a child that runs the service and is sent SIGTERM n times once it is up. */
static int status_after_signals(const struct rt_service *service, int n)
{
    char byte;
    pid_t child;
    int status;

    ck_assert_int_eq(pipe(ready_pipe), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        int r = run(service, NULL, tell_ready);

        _exit(r == 0 && strstr(happened, "b~ b-") ? 0 : 70);
    }
    ck_assert_int_eq(read(ready_pipe[0], &byte, 1), 1);
    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(kill(child, SIGTERM), 0);
        rt_sleep_ms(100); /* Else the two would be one signal. */
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(sigterm_drains_and_stops)
{
    ck_assert_int_eq(status_after_signals(&b, 1), 0);
}
END_TEST

START_TEST(a_second_signal_ends_the_process_at_once)
{
    ck_assert_int_eq(status_after_signals(&hanging, 2), 128 + SIGTERM);
}
END_TEST

START_TEST(a_stop_that_hangs_is_given_up_after_the_timeout)
{
    ck_assert_int_eq(rt_config_set(config, "SHUTDOWN_TIMEOUT", "200ms", &err), 0);
    ck_assert_int_eq(status_after_signals(&hanging, 1), 1);
}
END_TEST

/* ---- rt_main, in a child whose output is read ---- */

static char output[16384];

static int status_of_main(char **argv)
{
    int argc = 0;
    size_t len = 0;
    ssize_t n;
    int fds[2];
    pid_t child;
    int status;

    while (argv[argc])
        argc++;
    ck_assert_int_eq(pipe(fds), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        int r;

        (void)dup2(fds[1], STDOUT_FILENO);
        (void)dup2(fds[1], STDERR_FILENO);
        rt_log_set_fd(STDERR_FILENO);
        r = rt_main(&a, argc, argv);
        (void)fflush(NULL);
        _exit(r);
    }
    (void)close(fds[1]);
    while ((n = read(fds[0], output + len, sizeof output - 1 - len)) > 0)
        len += (size_t)n;
    output[len] = '\0';
    (void)close(fds[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char program[] = "segs-a";

START_TEST(help_shows_options_and_settings)
{
    char help[] = "--help";
    char *argv[] = { program, help, NULL };

    ck_assert_int_eq(status_of_main(argv), 0);
    ck_assert_ptr_nonnull(strstr(output, "Usage: segs-a [OPTION]..."));
    ck_assert_ptr_nonnull(strstr(output, "Settings of every process:\n  LOG_LEVEL\n"));
    ck_assert_ptr_nonnull(strstr(output, "Settings of a:\n  A_PORT (also PORT)\n"));
}
END_TEST

START_TEST(check_config_shows_values_and_where_they_come_from)
{
    char check[] = "--check-config";
    char dir[] = "--data-dir=/srv/segs";
    char *argv[] = { program, check, dir, NULL };

    ck_assert_int_eq(status_of_main(argv), 0);
    ck_assert_ptr_nonnull(strstr(output, "DATA_DIR=/srv/segs  # command line\n"));
    ck_assert_ptr_nonnull(strstr(output, "A_PORT=1  # default\n"));
}
END_TEST

START_TEST(a_wrong_config_file_is_named_with_line_and_key)
{
    char option[128];
    char path[96];
    char expected[256];
    char check[] = "--check-config";
    char *argv[] = { program, check, option, NULL };
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/segs.env", folder);
    (void)snprintf(option, sizeof option, "--config=%s", path);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs("# ours\nA_PRT=1\n", file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(status_of_main(argv), 2);
    (void)snprintf(expected, sizeof expected,
                   "segs-a: %s:2: A_PRT: is no known setting; nearest: A_PORT\n", path);
    ck_assert_str_eq(output, expected);
}
END_TEST

START_TEST(a_wrong_command_line_is_refused)
{
    char wrong[] = "--verbose";
    char stray[] = "stray";
    char *option[] = { program, wrong, NULL };
    char *argument[] = { program, stray, NULL };

    ck_assert_int_eq(status_of_main(option), 2);
    ck_assert_int_eq(status_of_main(argument), 2);
    ck_assert_ptr_nonnull(strstr(output, "expected no argument, found \"stray\""));
}
END_TEST

START_TEST(a_failed_start_is_logged_once)
{
    char dir[] = "--data-dir=/proc/nowhere";
    char *argv[] = { program, dir, NULL };

    ck_assert_int_eq(status_of_main(argv), 1);
    ck_assert_ptr_nonnull(strstr(output, "\"msg\":\"could not start\""));
    ck_assert_ptr_nonnull(strstr(output, "\"field\":\"DATA_DIR\""));
    ck_assert_ptr_eq(strchr(output, '\n'), output + strlen(output) - 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifecycle");
    TCase *tc = tcase_create("lifecycle");
    SRunner *runner;
    int n_failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, services_start_in_order_drain_first_and_stop_in_reverse);
    tcase_add_test(tc, a_failing_start_stops_what_had_started);
    tcase_add_test(tc, a_failing_port_closes_what_was_open);
    tcase_add_test(tc, a_process_without_ports_touches_no_data_folder);
    tcase_add_test(tc, the_process_can_run_again_after_it_stopped);
    tcase_add_test(tc, the_data_folder_is_its_owners_alone);
    tcase_add_test(tc, a_second_process_is_kept_out_of_the_data_folder);
    tcase_add_loop_test(tc, an_engine_that_this_build_lacks_is_refused_by_name, 0,
                        (int)(sizeof engines / sizeof engines[0]));
    tcase_add_test(tc, sigterm_drains_and_stops);
    tcase_add_test(tc, a_second_signal_ends_the_process_at_once);
    tcase_add_test(tc, a_stop_that_hangs_is_given_up_after_the_timeout);
    tcase_add_test(tc, help_shows_options_and_settings);
    tcase_add_test(tc, check_config_shows_values_and_where_they_come_from);
    tcase_add_test(tc, a_wrong_config_file_is_named_with_line_and_key);
    tcase_add_test(tc, a_wrong_command_line_is_refused);
    tcase_add_test(tc, a_failed_start_is_logged_once);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
