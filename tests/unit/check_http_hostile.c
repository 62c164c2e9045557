/* The HTTP server against clients that smuggle, stall, flood or leave. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http_support.h"
#include "runtime/clock.h"

static struct fixture f;
static struct answer a;

static void open_server(void)
{
    fixture_open(&f);
}

static void close_server(void)
{
    answer_free(&a);
    fixture_close(&f);
}

/* ---- Requests that two readers could understand differently ---- */

struct hostile {
    const char *text;
    size_t len; /* 0: up to the NUL. */
};

#define SMUGGLED "GET /v1/items/smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
#define POST "POST /v1/echo HTTP/1.1\r\n"
#define H "Host: h\r\n"

static const struct hostile heads[] = {
    { POST H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0 },
    { POST H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 0 },
    { POST H "Content-Length: 0\r\nContent-Length: 5\r\n\r\n", 0 },
    { POST H "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 0 },
    { POST H "Content-Length: 5, 5\r\n\r\nhello", 0 },
    { POST H "Content-Length: +5\r\n\r\nhello", 0 },
    { POST H "Content-Length: -5\r\n\r\nhello", 0 },
    { POST H "Content-Length: 5x\r\n\r\nhello", 0 },
    { POST H "Content-Length: 0x5\r\n\r\nhello", 0 },
    { POST H "Content-Length: 5 5\r\n\r\nhello", 0 },
    { POST H "Content-Length:\r\n\r\n", 0 },
    { POST H "Content-Length: 99999999999999999999\r\n\r\n", 0 },
    { POST H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0 },
    { POST H "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 0 },
    { POST H "Transfer-Encoding: identity\r\n\r\n", 0 },
    { POST H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 0 },
    { POST H "Transfer-Encoding: chunked\x0b\r\n\r\n0\r\n\r\n", 0 },
    { POST H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0 },
    { POST H "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 0 },
    { POST H "Transfer-Encoding:\r\n\r\n", 0 },
    { "POST /v1/echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0 },
    { "GET /v1/items/1 HTTP/1.1\r\n\r\n", 0 },
    { "GET /v1/items/1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 0 },
    { POST H "Content-Length : 5\r\n\r\nhello", 0 },
    { POST H "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 0 },
    { POST "Host : h\r\n\r\n", 0 },
    { POST " Host: h\r\n\r\n", 0 },
    { POST H "X-Fold: a\r\n b\r\nContent-Length: 5\r\n\r\nhello", 0 },
    { POST H "X-Fold: a\r\n\tb\r\nContent-Length: 5\r\n\r\nhello", 0 },
    { POST H "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 0 },
    { POST "Host: h\nContent-Length: 5\r\n\r\nhello", 0 },
    { POST "Host: h\r\nX: y\nContent-Length: 5\n\nhello", 0 },
    { "GET /v1/items/1 HTTP/1.1\nHost: h\r\n\r\n", 0 },
    { "GET /v1/items/1 HTTP/1.1\nHost: h\n\n", 0 },
    { POST H "X: y\n\r\nContent-Length: 5\r\n\r\nhello", 0 },
    { POST H "X: a\rb\r\n\r\n", 0 },
    { POST H "X: a\rTransfer-Encoding: chunked\r\n\r\n", 0 },
    { POST H "X: a\0b\r\n\r\n", sizeof(POST H "X: a\0b\r\n\r\n") - 1 },
    { POST H "X\0: a\r\n\r\n", sizeof(POST H "X\0: a\r\n\r\n") - 1 },
    { POST H "no colon\r\n\r\n", 0 },
    { POST H "nocolon\r\n\r\n", 0 },
    { POST H ": no name\r\n\r\n", 0 },
    { POST H "Content(Length: 5\r\n\r\nhello", 0 },
    { POST H "\"Content-Length\": 5\r\n\r\nhello", 0 },
    { POST H "Content-L\xc3\xa9ngth: 5\r\n\r\nhello", 0 },
    { POST H "X: y\r\n\rContent-Length: 5\r\n\r\nhello", 0 },
    { "GET  /v1/items/1 HTTP/1.1\r\n" H "\r\n", 0 },
    { "GET /v1/items/1  HTTP/1.1\r\n" H "\r\n", 0 },
    { "GET /v1/items/1 HTTP/1.1 \r\n" H "\r\n", 0 },
    { "GET\t/v1/items/1 HTTP/1.1\r\n" H "\r\n", 0 },
    { "GET \r\n/v1/items/1 HTTP/1.1\r\n" H "\r\n", 0 },
    { "GET /v1/items/1\r\n\r\n", 0 },
    { "GET /v1/items/1\r\n" H "\r\n", 0 },
    { "GET /v1/items/1 HTTP/0.9\r\n" H "\r\n", 0 },
    { "GET /v1/items/1 HTTP/2.0\r\n" H "\r\n", 0 },
    { "GET /v1/items/1 HTTP/1.10\r\n" H "\r\n", 0 },
    { "GET /v1/items/1 HTTP/01.1\r\n" H "\r\n", 0 },
    { "GET /v1/items/1 http/1.1\r\n" H "\r\n", 0 },
    { "GET /v1/items/1 XHTTP/1.1\r\n" H "\r\n", 0 },
    { "get /v1/items/1 HTTP/1.1\r\n" H "\r\n", 0 },
    { "GETT /v1/items/1 HTTP/1.1\r\n" H "\r\n", 0 },
    { "HTTP/1.1 200 OK\r\n" H "\r\n", 0 },
    { "\r\nGET /v1/items/1 HTTP/1.1\r\n" H "\r\n", 0 },
    { "\n\nPOST /v1/echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", 0 },
    { "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nGET /v1/items/1 HTTP/1.1\r\n" H "\r\n", 0 },
    { " GET /v1/items/1 HTTP/1.1\r\n" H "\r\n", 0 },
    { "GET /v1/items/\x01 HTTP/1.1\r\n" H "\r\n", 0 },
    { "GET /v1/items/\xe9 HTTP/1.1\r\n" H "\r\n", 0 },
    { "GET v1/items/1 HTTP/1.1\r\n" H "\r\n", 0 },
    { "CONNECT h:80 HTTP/1.1\r\n" H "\r\n", 0 },
    { "\x16\x03\x01\x02", 4 },
};

/* Everything the server sends until it ends the connection; the number of answers in it. */
static int count_answers(int fd, int *first_status)
{
    int n = 0;

    *first_status = 0;
    while (take(fd, &a, 3000)) {
        if (n++ == 0)
            *first_status = a.status;
    }
    ck_assert(is_closed(fd, 3000));
    return n;
}

static void send_hostile(int fd, const struct hostile *h, size_t split)
{
    size_t len = h->len ? h->len : strlen(h->text);

    if (split > 0) {
        (void)try_put(fd, h->text, split);
        rt_sleep_ms(2);
    }
    (void)try_put(fd, h->text + split, len - split);
    (void)try_put(fd, SMUGGLED, sizeof SMUGGLED - 1);
}

START_TEST(hostile_head_is_refused_and_nothing_after_it_runs)
{
    int fd = dial(&f);
    int status;

    send_hostile(fd, &heads[_i], 0);
    ck_assert_int_le(count_answers(fd, &status), 1);
    ck_assert_msg(status == 0 || (status >= 400 && status < 600), "status %d", status);
    ck_assert_int_eq(atomic_load(&f.handled), 0);
    (void)close(fd);
}
END_TEST

static const int split_ones[] = { 0, 3, 19, 23, 27, 30, 34, 46, 62 };

START_TEST(hostile_head_is_refused_wherever_it_is_split)
{
    const struct hostile *h = &heads[split_ones[_i]];
    size_t len = h->len ? h->len : strlen(h->text);

    for (size_t at = 1; at < len; at++) {
        int fd = dial(&f);
        int status;

        send_hostile(fd, h, at);
        ck_assert_int_le(count_answers(fd, &status), 1);
        ck_assert_msg(status == 0 || status >= 400, "status %d at %zu", status, at);
        ck_assert_int_eq(atomic_load(&f.handled), 0);
        (void)close(fd);
    }
}
END_TEST

START_TEST(hostile_head_is_refused_on_a_kept_connection)
{
    int fd = dial(&f);
    int status;

    put(fd, "GET /v1/items/1 HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert(take(fd, &a, 3000));
    ck_assert_int_eq(a.status, 200);
    send_hostile(fd, &heads[_i], 0);
    ck_assert_int_le(count_answers(fd, &status), 1);
    ck_assert_msg(status == 0 || status >= 400, "status %d", status);
    ck_assert_int_eq(atomic_load(&f.handled), 1);
    (void)close(fd);
}
END_TEST

#define CHUNKED POST H "Transfer-Encoding: chunked\r\n\r\n"

static const char *const chunks[] = {
    CHUNKED "5;ext=1\r\nhello\r\n0\r\n\r\n",
    CHUNKED "0x5\r\nhello\r\n0\r\n\r\n",
    CHUNKED "-5\r\nhello\r\n0\r\n\r\n",
    CHUNKED "+5\r\nhello\r\n0\r\n\r\n",
    CHUNKED " 5\r\nhello\r\n0\r\n\r\n",
    CHUNKED "5 \r\nhello\r\n0\r\n\r\n",
    CHUNKED "\r\nhello\r\n0\r\n\r\n",
    CHUNKED "5\nhello\n0\n\n",
    CHUNKED "5\r\nhelloX\r\n0\r\n\r\n",
    CHUNKED "5\r\nhello\n0\r\n\r\n",
    CHUNKED "5\r\nhello0\r\n\r\n",
    CHUNKED "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n",
    CHUNKED "8000000000000000\r\nhello\r\n0\r\n\r\n",
    CHUNKED "7fffffffffffffff\r\nhello\r\n0\r\n\r\n",
    CHUNKED "g\r\nhello\r\n0\r\n\r\n",
    CHUNKED "5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
    CHUNKED "00000000000000000000000000000000000000000000000000000000000000000000005\r\nhello\r\n0"
            "\r\n\r\n",
};

START_TEST(hostile_chunks_never_make_a_second_request)
{
    int fd;
    int status;
    struct rt_http_options options = { .n_threads = 8, .body_timeout_ms = 500 };

    fixture_close(&f);
    fixture_open_with(&f, options);
    fd = dial(&f);
    put(fd, chunks[_i]);
    (void)try_put(fd, SMUGGLED, sizeof SMUGGLED - 1);
    ck_assert_int_eq(count_answers(fd, &status), 1);
    ck_assert_int_le(atomic_load(&f.handled), 1);
    (void)close(fd);
}
END_TEST

/* ---- Paths that reach for something else ---- */

static const char *const traversals[] = {
    "/v1/items/..%2flatest",
    "/v1/items/%2e%2e/latest",
    "/v1/items/../items/latest",
    "/v1/./items/latest",
    "/v1//items/latest",
    "//v1/items/latest",
    "/v1/items/a%00b",
    "/v1/items/%ff",
    "/v1/items/%c0%ae%c0%ae",
    "/v1/items/%zz",
    "/v1/items/a%",
    "/v1/items/a%5c..",
    "/v1/items/latest/",
    "/v1/items/latest;x",
    "/V1/items/latest",
    "/v1/itemslatest",
    "/v1/items/latest/%2e",
    "/etc/passwd",
    "/v1/items%2flatest",
    "/%76%31/items/%2e%2e%2f",
    "/v1/items/%0d%0aX:y",
};

START_TEST(traversal_reaches_nothing)
{
    char request[256];
    int status;

    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", traversals[_i]);
    status = status_of(&f, request);
    ck_assert_msg(status == 400 || status == 404, "status %d", status);
    ck_assert_int_eq(atomic_load(&f.handled), 0);
}
END_TEST

START_TEST(upgrade_to_websocket_is_just_a_request)
{
    ask(&f,
        "GET /v1/items/latest HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        &a);
    ck_assert_int_eq(a.status, 200);
}
END_TEST

/* ---- Too much ---- */

START_TEST(sixty_five_headers_are_431)
{
    char request[8192] = "GET /v1/items/1 HTTP/1.1\r\nHost: h\r\n";

    for (int i = 0; i < 64; i++)
        strcat(request, "X-Many: 1\r\n");
    strcat(request, "\r\n");
    ck_assert_int_eq(status_of(&f, request), 431);
    ck_assert_int_eq(atomic_load(&f.handled), 0);
}
END_TEST

START_TEST(endless_header_is_refused)
{
    char *filler = malloc(20001);
    int fd = dial(&f);

    memset(filler, 'a', 20000);
    filler[20000] = '\0';
    put(fd, "GET /v1/items/1 HTTP/1.1\r\nHost: h\r\nX: ");
    (void)try_put(fd, filler, 20000);
    ck_assert(take(fd, &a, 3000));
    ck_assert(a.status == 431 || a.status == 400);
    free(filler);
    (void)close(fd);
}
END_TEST

START_TEST(long_path_is_414)
{
    char request[4096] = "GET /v1/items/";

    memset(request + strlen(request), 'a', 3000);
    strcat(request, " HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_int_eq(status_of(&f, request), 414);
}
END_TEST

START_TEST(flood_behind_a_refused_length_is_not_read)
{
    char *block = calloc(1, 65536);
    size_t sent = 0;
    int fd = dial(&f);

    put(fd, "POST /v1/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 900000000\r\n\r\n");
    while (sent < 512 * 1024 * 1024 && try_put(fd, block, 65536))
        sent += 65536;
    ck_assert_uint_lt(sent, 64 * 1024 * 1024); /* Socket buffers, not the server. */
    free(block);
    (void)close(fd);
}
END_TEST

/* ---- Too slow ---- */

#define N_STALLED 150

static int64_t slowest_ms(const char *source, int n)
{
    int64_t worst = 0;

    for (int i = 0; i < n; i++) {
        int64_t begun = rt_monotonic_ms();
        int fd = dial_from(&f, source);

        put(fd, "GET /v1/items/latest HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        ck_assert(take(fd, &a, 20000));
        ck_assert_int_eq(a.status, 200);
        (void)close(fd);
        if (rt_monotonic_ms() - begun > worst)
            worst = rt_monotonic_ms() - begun;
    }
    return worst;
}

static void stall(const char *beginning)
{
    int stalled[N_STALLED];
    struct rt_http_options options = { 0 };

    fixture_close(&f);
    fixture_open_with(&f, options);
    for (int i = 0; i < N_STALLED; i++) {
        stalled[i] = dial(&f);
        (void)try_put(stalled[i], beginning, strlen(beginning));
    }
    (void)slowest_ms("127.0.0.2", 1); /* The flood has been sorted out. */
    ck_assert_int_lt(slowest_ms("127.0.0.2", 50), 250);
    ck_assert_int_lt(slowest_ms("127.0.0.1", 50), 250);
    for (int i = 0; i < N_STALLED; i++)
        (void)close(stalled[i]);
}

START_TEST(stalled_connections_do_not_slow_others)
{
    stall("");
}
END_TEST

START_TEST(stalled_heads_do_not_slow_others)
{
    stall("GET /v1/items/1 HTTP/1.1\r\nHost: h\r\nX-Slow: ");
}
END_TEST

START_TEST(stalled_bodies_do_not_slow_others)
{
    stall("POST /v1/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc");
}
END_TEST

START_TEST(flood_is_sorted_out_within_a_second)
{
    int stalled[N_STALLED];
    struct rt_http_options options = { 0 };

    fixture_close(&f);
    fixture_open_with(&f, options);
    for (int i = 0; i < N_STALLED; i++) {
        stalled[i] = dial(&f);
        (void)try_put(stalled[i], "GET / HT", 8);
    }
    ck_assert_int_lt(slowest_ms("127.0.0.2", 1), 1000);
    for (int i = 0; i < N_STALLED; i++)
        (void)close(stalled[i]);
}
END_TEST

static void drip(const char *beginning, const char *rest, int expected)
{
    struct rt_http_options options = { .n_threads = 8,
                                       .head_timeout_ms = 500,
                                       .body_timeout_ms = 500 };
    int64_t begun_ms;
    int fd;

    fixture_close(&f);
    fixture_open_with(&f, options);
    fd = dial(&f);
    begun_ms = rt_monotonic_ms();
    put(fd, beginning);
    for (int i = 0; rt_monotonic_ms() - begun_ms < 3000 && try_put(fd, rest + i % 4, 1); i++)
        rt_sleep_ms(50);
    ck_assert_int_lt(rt_monotonic_ms() - begun_ms, 2000);
    if (take(fd, &a, 1000))
        ck_assert_int_eq(a.status, expected);
    ck_assert_int_eq(a.status, expected);
    (void)close(fd);
}

START_TEST(dripping_head_is_cut)
{
    drip("GET /v1/items/1 HTTP/1.1\r\nHost: h\r\nX: ", "aaaa", 408);
}
END_TEST

START_TEST(dripping_body_is_cut)
{
    drip("POST /v1/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n", "aaaa", 408);
}
END_TEST

START_TEST(dripping_chunks_are_cut)
{
    drip("POST /v1/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n", "aaaa",
         408);
}
END_TEST

START_TEST(silent_connection_is_closed)
{
    struct rt_http_options options = { .n_threads = 8, .head_timeout_ms = 300 };
    int fd;

    fixture_close(&f);
    fixture_open_with(&f, options);
    fd = dial(&f);
    ck_assert(is_closed(fd, 1500));
    (void)close(fd);
}
END_TEST

START_TEST(client_that_does_not_read_is_cut)
{
    struct rt_http_options options = { .n_threads = 8, .head_timeout_ms = 200 };
    int64_t begun_ms;
    int fd;

    fixture_close(&f);
    fixture_open_with(&f, options);
    fd = dial(&f);
    put(fd, "GET /v1/large HTTP/1.1\r\nHost: h\r\n\r\n");
    while (atomic_load(&f.handled) == 0)
        rt_sleep_ms(1);
    begun_ms = rt_monotonic_ms();
    rt_http_stop(f.server); /* Waits for the answer in hand. */
    f.server = NULL;
    ck_assert_int_lt(rt_monotonic_ms() - begun_ms, 2500);
    (void)close(fd);
}
END_TEST

/* ---- Gone ---- */

START_TEST(client_gone_in_the_middle_costs_nothing)
{
    for (int i = 0; i < 30; i++) {
        char some[100];
        int fd = dial(&f);

        put(fd, i % 2 ? "GET /v1/large HTTP/1.1\r\nHost: h\r\n\r\n"
                      : "POST /v1/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nabc");
        if (i % 2)
            ck_assert_int_gt(read(fd, some, sizeof some), 0);
        (void)close(fd);
    }
    ck_assert_int_lt(slowest_ms("127.0.0.1", 20), 500);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
    Suite *suite = suite_create("http_hostile");
    TCase *tc = tcase_create("hostile");
    SRunner *runner;
    int n_failed;

    tcase_add_checked_fixture(tc, open_server, close_server);
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, hostile_head_is_refused_and_nothing_after_it_runs, 0, COUNT(heads));
    tcase_add_loop_test(tc, hostile_head_is_refused_on_a_kept_connection, 0, COUNT(heads));
    tcase_add_loop_test(tc, hostile_head_is_refused_wherever_it_is_split, 0, COUNT(split_ones));
    tcase_add_loop_test(tc, hostile_chunks_never_make_a_second_request, 0, COUNT(chunks));
    tcase_add_loop_test(tc, traversal_reaches_nothing, 0, COUNT(traversals));
    tcase_add_test(tc, upgrade_to_websocket_is_just_a_request);
    tcase_add_test(tc, sixty_five_headers_are_431);
    tcase_add_test(tc, endless_header_is_refused);
    tcase_add_test(tc, long_path_is_414);
    tcase_add_test(tc, flood_behind_a_refused_length_is_not_read);
    tcase_add_test(tc, stalled_connections_do_not_slow_others);
    tcase_add_test(tc, stalled_heads_do_not_slow_others);
    tcase_add_test(tc, stalled_bodies_do_not_slow_others);
    tcase_add_test(tc, flood_is_sorted_out_within_a_second);
    tcase_add_test(tc, dripping_head_is_cut);
    tcase_add_test(tc, dripping_body_is_cut);
    tcase_add_test(tc, dripping_chunks_are_cut);
    tcase_add_test(tc, silent_connection_is_closed);
    tcase_add_test(tc, client_that_does_not_read_is_cut);
    tcase_add_test(tc, client_gone_in_the_middle_costs_nothing);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
