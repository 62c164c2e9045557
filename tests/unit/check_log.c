#include "runtime/log.h"

#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <segs/error.h>
#include <segs/version.h>

#include "runtime/errors.h"
#include "runtime/json.h"

static int fds[2];
static char text[65536];

static void setup(void)
{
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    rt_log_set_fd(fds[1]);
    rt_log_setup(RT_LOG_INFO, "json", "ingestion");
}

static void teardown(void)
{
    rt_log_set_fd(STDERR_FILENO);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* What was logged so far. */
static const char *logged(void)
{
    ssize_t n = read(fds[0], text, sizeof text - 1);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

static int n_lines(const char *of)
{
    int n = 0;

    for (const char *p = of; *p; p++)
        n += *p == '\n';
    return n;
}

#define TIME_LEN 24 /* 2026-01-15T14:30:00.000Z */

START_TEST(a_line_is_one_json_object_with_the_keys_in_order)
{
    const char *line;
    struct rt_json *json;

    rt_log(RT_LOG_WARN, "queue is filling", RT_STR("queue", "raw"), RT_INT("depth", -7),
           RT_DBL("share", 0.1), RT_BOOL("full", 0), RT_STR("peer", NULL));
    line = logged();
    ck_assert_int_eq(strncmp(line, "{\"time\":\"", 9), 0);
    ck_assert_int_eq(line[9 + TIME_LEN - 1], 'Z');
    ck_assert_str_eq(line + 9 + TIME_LEN,
                     "\",\"level\":\"warn\",\"msg\":\"queue is filling\",\"service\":\"ingestion\","
                     "\"version\":\"" SEGS_VERSION_STRING "\",\"queue\":\"raw\",\"depth\":-7,"
                     "\"share\":0.1,\"full\":false,\"peer\":null}\n");
    ck_assert_int_eq(rt_json_parse(line, strlen(line), &json, NULL), 0);
    rt_json_free(json);
}
END_TEST

START_TEST(the_context_of_the_thread_is_in_each_line_until_cleared)
{
    rt_log_thread_service("tariff");
    rt_log_thread_trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "req-1");
    rt_log_plain(RT_LOG_INFO, "one");
    ck_assert_ptr_nonnull(strstr(logged(),
                                 "\"service\":\"tariff\",\"version\":\"" SEGS_VERSION_STRING
                                 "\",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\","
                                 "\"span_id\":\"00f067aa0ba902b7\","
                                 "\"request_id\":\"req-1\"}\n"));
    rt_log_thread_service(NULL);
    rt_log_thread_trace(NULL, NULL, NULL);
    rt_log_plain(RT_LOG_INFO, "two");
    ck_assert_ptr_null(strstr(logged(), "trace_id"));
    ck_assert_ptr_nonnull(strstr(text, "\"service\":\"ingestion\""));
}
END_TEST

START_TEST(control_characters_and_bytes_that_are_no_utf8_are_escaped)
{
    /* ESC, a forged line, DEL, C1 CSI (U+009B), a lone continuation byte, an overlong slash, a
     * surrogate, and one good character. */
    rt_log(RT_LOG_INFO, "x",
           RT_STR("v", "\x1B[2J\n{\"\\\x7F\xC2\x9B\x80\xC0\xAF\xED\xA0\x80\xE2\x82\xAC"));
    ck_assert_ptr_nonnull(strstr(logged(),
                                 "\"v\":\"\\u001b[2J\\n{\\\"\\\\\\u007f\\u009b\\ufffd\\ufffd\\ufffd"
                                 "\\ufffd\\ufffd\\ufffd\xE2\x82\xAC\"}\n"));
    ck_assert_int_eq(n_lines(text), 1);
}
END_TEST

START_TEST(a_number_that_json_lacks_is_quoted)
{
    rt_log(RT_LOG_INFO, "x", RT_DBL("a", NAN), RT_DBL("b", -HUGE_VAL), RT_DBL("c", -1.5));
    ck_assert_ptr_nonnull(strstr(logged(), "\"a\":\"NaN\",\"b\":\"-Inf\",\"c\":-1.5}"));
}
END_TEST

START_TEST(text_form_quotes_what_would_be_ambiguous)
{
    rt_log_setup(RT_LOG_INFO, "text", "ingestion");
    rt_log_thread_trace(NULL, NULL, "req-1");
    rt_log(RT_LOG_WARN, "slow disk", RT_STR("path", "/a b"), RT_STR("plain", "x"),
           RT_STR("none", ""), RT_STR("esc", "\x1B"), RT_INT("n", 3), RT_BOOL("b", 1));
    rt_log_thread_trace(NULL, NULL, NULL);
    ck_assert_str_eq(logged() + TIME_LEN,
                     " warn  ingestion: slow disk path=\"/a b\" plain=x none=\"\" esc=\"\\u001b\" "
                     "n=3 b=true request_id=req-1\n");
}
END_TEST

START_TEST(levels_below_the_least_are_dropped)
{
    enum rt_log_level level = RT_LOG_ERROR;

    rt_log_plain(RT_LOG_DEBUG, "unseen");
    ck_assert_str_eq(logged(), "");
    ck_assert(rt_log_level_parse("debug", &level));
    rt_log_setup(level, "json", "ingestion");
    rt_log_plain(RT_LOG_DEBUG, "seen");
    ck_assert_ptr_nonnull(strstr(logged(), "\"level\":\"debug\",\"msg\":\"seen\""));
    ck_assert(!rt_log_level_parse("verbose", &level));
    ck_assert_int_eq(level, RT_LOG_DEBUG);
}
END_TEST

START_TEST(a_failure_says_code_message_field_and_line)
{
    struct segs_error err = { 0 };

    (void)rt_fail(&err, SEGS_ERANGE, "power_kw", "expected at most %d", 5);
    err.line = 12;
    rt_log_failure(RT_LOG_ERROR, "cannot load", SEGS_ERANGE, &err);
    ck_assert_ptr_nonnull(strstr(logged(), "\"code\":-3,\"error\":\"expected at most 5\","
                                           "\"field\":\"power_kw\",\"line\":12}"));
    rt_log_failure(RT_LOG_ERROR, "cannot load", RT_EBUSY, NULL);
    ck_assert_ptr_nonnull(strstr(logged(), "\"code\":-103,\"error\":\"busy\"}"));
}
END_TEST

START_TEST(a_flood_is_cut_at_twenty_lines_and_counted)
{
    for (int i = 0; i < 332; i++)
        rt_log_plain(RT_LOG_WARN, "flood");
    ck_assert_int_eq(n_lines(logged()), 20);
    rt_log_flush();
    ck_assert_int_eq(n_lines(logged()), 1);
    ck_assert_ptr_nonnull(
        strstr(text, "\"level\":\"warn\",\"msg\":\"flood ... 312 more in 10 s\""));
    rt_log_flush();
    ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(services_and_messages_are_limited_on_their_own)
{
    for (int i = 0; i < 30; i++)
        rt_log_plain(RT_LOG_WARN, "flood");
    (void)logged();
    rt_log_plain(RT_LOG_WARN, "another message");
    ck_assert_int_eq(n_lines(logged()), 1);
    rt_log_thread_service("tariff");
    rt_log_plain(RT_LOG_WARN, "flood");
    ck_assert_int_eq(n_lines(logged()), 1);
    rt_log_thread_service(NULL);
}
END_TEST

START_TEST(the_journal_of_systemd_gets_its_priority)
{
    struct stat st;
    char stream[64];

    ck_assert_int_eq(fstat(fds[1], &st), 0);
    (void)snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
    rt_log_setup(RT_LOG_INFO, "json", "ingestion");
    rt_log_plain(RT_LOG_WARN, "x");
    ck_assert_int_eq(strncmp(logged(), "<4>{\"time\":", 11), 0);
    ck_assert_int_eq(setenv("JOURNAL_STREAM", "1:1", 1), 0);
    rt_log_setup(RT_LOG_INFO, "json", "ingestion");
    rt_log_plain(RT_LOG_WARN, "x");
    ck_assert_int_eq(logged()[0], '{');
}
END_TEST

static void *write_lines(void *user)
{
    (void)user;
    for (int i = 0; i < 10; i++)
        rt_log(RT_LOG_INFO, "from a thread",
               RT_STR("v", "0123456789012345678901234567890123456789"));
    return NULL;
}

START_TEST(lines_of_threads_do_not_mix)
{
    pthread_t threads[2];
    char *line;
    int n = 0;

    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_lines, NULL), 0);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    (void)logged();
    for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), n++) {
        struct rt_json *json;

        ck_assert_int_eq(rt_json_parse(line, strlen(line), &json, NULL), 0);
        rt_json_free(json);
    }
    ck_assert_int_eq(n, 20);
}
END_TEST

START_TEST(a_log_that_nobody_reads_does_not_stop_the_work)
{
    rt_log_set_fd(-1);
    rt_log_plain(RT_LOG_INFO, "lost");
    ck_assert_str_eq(logged(), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tc = tcase_create("log");
    SRunner *runner;
    int n_failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_line_is_one_json_object_with_the_keys_in_order);
    tcase_add_test(tc, the_context_of_the_thread_is_in_each_line_until_cleared);
    tcase_add_test(tc, control_characters_and_bytes_that_are_no_utf8_are_escaped);
    tcase_add_test(tc, a_number_that_json_lacks_is_quoted);
    tcase_add_test(tc, text_form_quotes_what_would_be_ambiguous);
    tcase_add_test(tc, levels_below_the_least_are_dropped);
    tcase_add_test(tc, a_failure_says_code_message_field_and_line);
    tcase_add_test(tc, a_flood_is_cut_at_twenty_lines_and_counted);
    tcase_add_test(tc, services_and_messages_are_limited_on_their_own);
    tcase_add_test(tc, the_journal_of_systemd_gets_its_priority);
    tcase_add_test(tc, lines_of_threads_do_not_mix);
    tcase_add_test(tc, a_log_that_nobody_reads_does_not_stop_the_work);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
