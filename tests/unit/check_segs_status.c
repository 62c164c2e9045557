/* How `segs status` reads what it is told, and what it knows of the process. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "segs/cli.h"
#include "segs/probe.h"
#include "segs/run_file.h"

static const char metrics[] = "# HELP segs_x_total Things.\n"
                              "# TYPE segs_x_total counter\n"
                              "segs_x_total{result=\"accepted\"} 12\n"
                              "segs_x_total{result=\"accepted\",zone=\"b\"} 30\n"
                              "segs_x_total{result=\"rejected\"} 5\n"
                              "segs_x_total_more{result=\"accepted\"} 1000\n"
                              "plain 7";

START_TEST(samples_of_a_family_with_the_label_are_summed)
{
    double value = -1;

    ck_assert(probe_read_counter(metrics, strlen(metrics), "segs_x_total", "result=\"accepted\"",
                                 &value));
    ck_assert_double_eq(value, 42);
    ck_assert(probe_read_counter(metrics, strlen(metrics), "segs_x_total", "", &value));
    ck_assert_double_eq(value, 47);
    ck_assert(probe_read_counter(metrics, strlen(metrics), "plain", "", &value));
    ck_assert_double_eq(value, 7);
}
END_TEST

START_TEST(a_family_that_is_not_there_is_told_from_zero)
{
    double value = -1;

    ck_assert(!probe_read_counter(metrics, strlen(metrics), "segs_x", "", &value));
    ck_assert(!probe_read_counter("", 0, "segs_x_total", "", &value));
    ck_assert_double_eq(value, -1);
}
END_TEST

START_TEST(the_first_failing_check_is_the_error)
{
    static const char text[] =
        "[+]bus ok\n[-]partitions failed: 0 of 4\n[-]other failed\nnot ready\n";
    char line[64];

    ck_assert(probe_read_failure(text, strlen(text), line, sizeof line));
    ck_assert_str_eq(line, "partitions failed: 0 of 4");
    ck_assert(!probe_read_failure("[+]bus ok\nready\n", 16, line, sizeof line));
}
END_TEST

START_TEST(partitions_are_read_with_lag_and_what_holds_them)
{
    static const char text[] =
        "{\"success\":true,\"data\":[{\"partition\":0,\"lag\":3,\"new_member\":1,"
        "\"held_back_by\":null},{\"partition\":1,\"lag\":0,\"held_back_by\":\"no space\"}]}";
    struct probe_partition partitions[4];
    size_t n = 0;

    ck_assert_int_eq(probe_read_partitions(text, strlen(text), partitions, 4, &n), 0);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(partitions[0].lag, 3);
    ck_assert_str_eq(partitions[0].held_back_by, "");
    ck_assert_str_eq(partitions[1].held_back_by, "no space");
}
END_TEST

START_TEST(what_is_no_answer_of_partitions_is_refused)
{
    struct probe_partition partitions[4];
    size_t n = 9;

    ck_assert_int_eq(probe_read_partitions("{}", 2, partitions, 4, &n), SEGS_ESYNTAX);
    ck_assert_int_eq(probe_read_partitions("<html>", 6, partitions, 4, &n), SEGS_ESYNTAX);
    ck_assert_uint_eq(n, 9);
}
END_TEST

static enum probe_state overall(enum probe_state a, enum probe_state b)
{
    struct probes *probes = calloc(1, sizeof *probes);
    enum probe_state state;

    ck_assert_ptr_nonnull(probes);
    probes->n_services = 2;
    probes->services[0].state = a;
    probes->services[1].state = b;
    state = probe_overall(probes);
    free(probes);
    return state;
}

START_TEST(all_is_down_only_when_everything_is)
{
    ck_assert_int_eq(overall(PROBE_UP, PROBE_UP), PROBE_UP);
    ck_assert_int_eq(overall(PROBE_UP, PROBE_DEGRADED), PROBE_DEGRADED);
    ck_assert_int_eq(overall(PROBE_UP, PROBE_DOWN), PROBE_DEGRADED);
    ck_assert_int_eq(overall(PROBE_DOWN, PROBE_DOWN), PROBE_DOWN);
}
END_TEST

/* ---- The run file ---- */

static void make_run(struct run_file *run)
{
    memset(run, 0, sizeof *run);
    run->pid = getpid();
    run->start_ticks = run_process_start_ticks(run->pid);
    run->started_at_ms = INT64_C(1768487400000);
    (void)snprintf(run->data_dir, sizeof run->data_dir, "/srv/it's \"here\"");
    run->n_services = 1;
    (void)snprintf(run->services[0].name, sizeof run->services[0].name, "ingestion");
    (void)snprintf(run->services[0].url, sizeof run->services[0].url, "http://127.0.0.1:3001");
}

START_TEST(a_run_file_says_what_was_written)
{
    char dir[] = "/tmp/segs-run-XXXXXX";
    struct run_file written;
    struct run_file read;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    make_run(&written);
    ck_assert_int_eq(run_file_write(dir, &written, NULL), 0);
    memset(&read, 1, sizeof read);
    ck_assert_int_eq(run_file_read(dir, &read, NULL), 0);
    ck_assert_int_eq(read.pid, written.pid);
    ck_assert_int_eq(read.started_at_ms, written.started_at_ms);
    ck_assert_str_eq(read.data_dir, written.data_dir);
    ck_assert_uint_eq(read.n_services, 1);
    ck_assert_str_eq(read.services[0].url, "http://127.0.0.1:3001");
    run_file_remove(dir);
    ck_assert_int_eq(run_file_read(dir, &read, NULL), SEGS_ENOTFOUND);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(a_process_of_the_same_number_but_another_start_is_not_it)
{
    struct run_file run;

    make_run(&run);
    ck_assert(run_file_is_alive(&run));
    run.start_ticks--;
    ck_assert(!run_file_is_alive(&run));
}
END_TEST

START_TEST(what_is_no_run_file_is_refused)
{
    static const char *const texts[] = { "", "{}", "{\"pid\":1}", "{\"pid\":-5}", "[1]" };
    struct run_file run;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ck_assert_int_eq(run_file_parse(texts[i], strlen(texts[i]), &run, NULL), SEGS_ESYNTAX);
}
END_TEST

START_TEST(an_interval_is_noted_once)
{
    char dir[] = "/tmp/segs-run-XXXXXX";
    char path[64];
    int64_t noted[4];

    ck_assert_ptr_nonnull(mkdtemp(dir));
    run_interval_note(dir, 10000);
    run_interval_note(dir, 1000);
    run_interval_note(dir, 10000);
    ck_assert_uint_eq(run_interval_list(dir, noted, 4), 2);
    ck_assert_int_eq(noted[0], 10000);
    ck_assert_int_eq(noted[1], 1000);
    (void)snprintf(path, sizeof path, "%s/intervals", dir);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(numbers_are_grouped_for_people)
{
    char number[CLI_NUMBER_BYTES];
    char decimal[CLI_DECIMAL_BYTES];

    ck_assert_str_eq(cli_number(0, number), "0");
    ck_assert_str_eq(cli_number(999, number), "999");
    ck_assert_str_eq(cli_number(1000, number), "1,000");
    ck_assert_str_eq(cli_number(-123456, number), "-123,456");
    ck_assert_str_eq(cli_number(INT64_MIN, number), "-9,223,372,036,854,775,808");
    ck_assert_str_eq(cli_micro(INT64_C(1234567890), decimal), "1,234.56789");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("segs status");
    TCase *answers = tcase_create("answers");
    TCase *files = tcase_create("run file");
    SRunner *runner;
    int failed;

    tcase_add_test(answers, samples_of_a_family_with_the_label_are_summed);
    tcase_add_test(answers, a_family_that_is_not_there_is_told_from_zero);
    tcase_add_test(answers, the_first_failing_check_is_the_error);
    tcase_add_test(answers, partitions_are_read_with_lag_and_what_holds_them);
    tcase_add_test(answers, what_is_no_answer_of_partitions_is_refused);
    tcase_add_test(answers, all_is_down_only_when_everything_is);
    tcase_add_test(files, a_run_file_says_what_was_written);
    tcase_add_test(files, a_process_of_the_same_number_but_another_start_is_not_it);
    tcase_add_test(files, what_is_no_run_file_is_refused);
    tcase_add_test(files, an_interval_is_noted_once);
    tcase_add_test(files, numbers_are_grouped_for_people);
    suite_add_tcase(suite, answers);
    suite_add_tcase(suite, files);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
