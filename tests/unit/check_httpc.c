/* The HTTP client against our server, and against peers that refuse, stall, or break off. */
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

#include "http_support.h"
#include "runtime/clock.h"
#include "runtime/httpc.h"

/* A peer that reads one request and sends one text, whatever was asked. */
struct script {
    int listener;
    int port;
    const char *reply; /* NULL: never answers. */
    bool close_after;
    int breaks_at; /* Number of the request that only breaks the connection; 0: none. */
    atomic_int n_requests;
    pthread_t thread;
};

static struct fixture f;
static struct rt_httpc *client;
static struct rt_httpc_response response;
static struct segs_error err;
static struct script script;

static void open_all(void)
{
    fixture_open(&f);
    ck_assert_int_eq(rt_httpc_new(&client, NULL), 0);
    response = (struct rt_httpc_response){ .status = -1 };
}

static void close_all(void)
{
    rt_httpc_response_free(&response);
    rt_httpc_free(client);
    fixture_close(&f);
}

static const char *url_of(int port, const char *path)
{
    static char url[256];

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
    return url;
}

static int send_to(int port, const char *path, const char *body, int64_t timeout_ms)
{
    struct rt_httpc_request request = { .url = url_of(port, path),
                                        .body = body,
                                        .body_len = body ? strlen(body) : 0,
                                        .timeout_ms = timeout_ms };

    return rt_httpc_send(client, &request, &response, &err);
}

/* One whole request: its head, and as many bytes as its Content-Length says. */
static bool read_request(int fd)
{
    char text[8192];
    size_t len = 0;

    for (;;) {
        ssize_t n = recv(fd, text + len, sizeof text - 1 - len, 0);
        const char *end;
        const char *length;

        if (n <= 0)
            return false;
        len += (size_t)n;
        text[len] = '\0';
        end = strstr(text, "\r\n\r\n");
        if (!end)
            continue;
        length = strstr(text, "Content-Length: ");
        if (!length || strlen(end + 4) >= strtoul(length + 16, NULL, 10))
            return true;
    }
}

static void *play(void *user)
{
    struct script *s = user;

    for (;;) {
        int fd = accept(s->listener, NULL, NULL);

        if (fd < 0)
            return NULL;
        while (read_request(fd)) {
            if (atomic_fetch_add(&s->n_requests, 1) + 1 == s->breaks_at)
                break;
            if (s->reply)
                (void)send(fd, s->reply, strlen(s->reply), MSG_NOSIGNAL);
            if (s->close_after)
                break;
        }
        (void)close(fd);
    }
}

static void run_script(struct script planned)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;

    script = planned;
    script.listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(script.listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(script.listener, 8), 0);
    ck_assert_int_eq(getsockname(script.listener, (struct sockaddr *)&address, &len), 0);
    script.port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&script.thread, NULL, play, &script), 0);
}

static void start_script(const char *reply, bool close_after)
{
    run_script((struct script){ .reply = reply, .close_after = close_after });
}

static void stop_script(void)
{
    rt_httpc_free(client); /* Ends the kept connection, and with it the peer's wait. */
    client = NULL;
    (void)shutdown(script.listener, SHUT_RDWR);
    ck_assert_int_eq(pthread_join(script.thread, NULL), 0);
    (void)close(script.listener);
}

START_TEST(get_returns_status_and_body)
{
    ck_assert_int_eq(send_to(rt_http_port(f.server), "/v1/items/seven", NULL, 0), 0);
    ck_assert_int_eq(response.status, 200);
    ck_assert_str_eq(response.body.data, "seven");
    ck_assert_int_eq(response.retry_after_s, -1);
}
END_TEST

START_TEST(post_sends_the_body)
{
    ck_assert_int_eq(send_to(rt_http_port(f.server), "/v1/echo", "reading", 0), 0);
    ck_assert_int_eq(response.status, 200);
    ck_assert_str_eq(response.body.data, "reading");
}
END_TEST

START_TEST(large_post_does_not_wait_for_a_continue)
{
    char *body = malloc(60001);
    int64_t begun_ms = rt_monotonic_ms();

    memset(body, 'x', 60000);
    body[60000] = '\0';
    ck_assert_int_eq(send_to(rt_http_port(f.server), "/v1/echo", body, 0), 0);
    ck_assert_uint_eq(response.body.len, 60000);
    ck_assert_int_lt(rt_monotonic_ms() - begun_ms, 500);
    free(body);
}
END_TEST

START_TEST(failure_status_is_an_answer_too)
{
    ck_assert_int_eq(send_to(rt_http_port(f.server), "/nowhere", NULL, 0), 0);
    ck_assert_int_eq(response.status, 404);
}
END_TEST

START_TEST(retry_after_is_read)
{
    rt_http_drain(f.server);
    ck_assert_int_eq(send_to(rt_http_port(f.server), "/v1/items/1", NULL, 0), 0);
    ck_assert_int_eq(response.status, 503);
    ck_assert_int_eq(response.retry_after_s, 2);
}
END_TEST

START_TEST(headers_and_authorization_are_sent)
{
    struct rt_httpc_request request = { .url = url_of(rt_http_port(f.server), "/v1/whoami"),
                                        .authorization = "Bearer alice",
                                        .headers =
                                            (const char *const[]){ "X-Request-Id: r1", NULL } };

    ck_assert_int_eq(rt_httpc_send(client, &request, &response, &err), 0);
    ck_assert_str_eq(response.body.data, "alice");
}
END_TEST

START_TEST(line_break_in_a_header_is_refused)
{
    struct rt_httpc_request request = { .url = url_of(rt_http_port(f.server), "/v1/whoami"),
                                        .authorization = "Bearer x\r\nX-Evil: 1" };

    ck_assert_int_eq(rt_httpc_send(client, &request, &response, &err), SEGS_EINVAL);
    ck_assert_int_eq(atomic_load(&f.handled), 0);
}
END_TEST

START_TEST(refused_port_is_unavailable)
{
    int port = rt_http_port(f.server);

    rt_http_stop(f.server);
    f.server = NULL;
    ck_assert_int_eq(send_to(port, "/v1/echo", "x", 1000), RT_EUNAVAILABLE);
}
END_TEST

static const char *const bad_urls[] = { "file:///etc/passwd", "gopher://127.0.0.1:1/", "not a url",
                                        "ftp://127.0.0.1/x" };

START_TEST(only_http_urls_are_taken)
{
    struct rt_httpc_request request = { .url = bad_urls[_i], .timeout_ms = 1000 };

    ck_assert_int_eq(rt_httpc_send(client, &request, &response, &err), SEGS_EINVAL);
}
END_TEST

START_TEST(silence_ends_at_the_deadline)
{
    int64_t begun_ms = rt_monotonic_ms();

    start_script(NULL, false);
    ck_assert_int_eq(send_to(script.port, "/", "x", 300), RT_ETIMEOUT);
    ck_assert_int_lt(rt_monotonic_ms() - begun_ms, 1500);
    stop_script();
}
END_TEST

START_TEST(torn_answer_is_ambiguous)
{
    start_script("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", true);
    ck_assert_int_eq(send_to(script.port, "/", "x", 2000), RT_EAMBIGUOUS);
    stop_script();
}
END_TEST

START_TEST(no_answer_at_all_is_ambiguous)
{
    start_script("", true);
    ck_assert_int_eq(send_to(script.port, "/", "x", 2000), RT_EAMBIGUOUS);
    stop_script();
}
END_TEST

START_TEST(post_is_not_sent_again_behind_our_back)
{
    run_script((struct script){ .reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                                .breaks_at = 2 });
    ck_assert_int_eq(send_to(script.port, "/", "first", 2000), 0);
    /* The kept connection takes the next one and breaks. */
    ck_assert_int_eq(send_to(script.port, "/", "second", 2000), RT_EAMBIGUOUS);
    ck_assert_int_eq(atomic_load(&script.n_requests), 2);
    stop_script();
}
END_TEST

START_TEST(redirect_is_not_followed)
{
    start_script("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
                 false);
    ck_assert_int_eq(send_to(script.port, "/", NULL, 2000), 0);
    ck_assert_int_eq(response.status, 302);
    stop_script();
}
END_TEST

START_TEST(answer_over_the_cap_is_refused)
{
    struct rt_httpc_request request = { .url = url_of(rt_http_port(f.server), "/v1/large"),
                                        .max_response_bytes = 100000 };

    ck_assert_int_eq(rt_httpc_send(client, &request, &response, &err), SEGS_EFULL);
    ck_assert_uint_le(response.body.len, 100000);
}
END_TEST

START_TEST(proxy_of_the_environment_is_not_used_for_loopback)
{
    ck_assert_int_eq(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    ck_assert_int_eq(send_to(rt_http_port(f.server), "/v1/items/1", NULL, 1000), 0);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
    Suite *suite = suite_create("httpc");
    TCase *tc = tcase_create("httpc");
    SRunner *runner;
    int n_failed;

    tcase_add_checked_fixture(tc, open_all, close_all);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, get_returns_status_and_body);
    tcase_add_test(tc, post_sends_the_body);
    tcase_add_test(tc, large_post_does_not_wait_for_a_continue);
    tcase_add_test(tc, failure_status_is_an_answer_too);
    tcase_add_test(tc, retry_after_is_read);
    tcase_add_test(tc, headers_and_authorization_are_sent);
    tcase_add_test(tc, line_break_in_a_header_is_refused);
    tcase_add_test(tc, refused_port_is_unavailable);
    tcase_add_loop_test(tc, only_http_urls_are_taken, 0, COUNT(bad_urls));
    tcase_add_test(tc, silence_ends_at_the_deadline);
    tcase_add_test(tc, torn_answer_is_ambiguous);
    tcase_add_test(tc, no_answer_at_all_is_ambiguous);
    tcase_add_test(tc, post_is_not_sent_again_behind_our_back);
    tcase_add_test(tc, redirect_is_not_followed);
    tcase_add_test(tc, answer_over_the_cap_is_refused);
    tcase_add_test(tc, proxy_of_the_environment_is_not_used_for_loopback);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
