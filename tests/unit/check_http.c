/* The HTTP server as a well-behaved client sees it. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "http_support.h"
#include "runtime/clock.h"

#define END " HTTP/1.1\r\nHost: here\r\n\r\n"

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

static void get(const char *path)
{
    char request[4096];

    (void)snprintf(request, sizeof request, "GET %s" END, path);
    ask(&f, request, &a);
}

static void ck_contains(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in \"%s\"", part, text);
}

/* ---- Answers ---- */

START_TEST(port_zero_is_replaced_by_a_real_one)
{
    ck_assert_int_gt(rt_http_port(f.server), 0);
}
END_TEST

START_TEST(get_reaches_its_handler)
{
    get("/v1/items/latest");
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(a.body, "the latest");
}
END_TEST

START_TEST(parameter_arrives_decoded)
{
    get("/v1/items/caf%C3%A9%20au%2Blait");
    ck_assert_str_eq(a.body, "caf\xc3\xa9 au+lait");
}
END_TEST

START_TEST(answer_has_the_security_headers)
{
    get("/v1/items/latest");
    ck_assert(has_header(&a, "Cache-Control: no-store"));
    ck_assert(has_header(&a, "X-Content-Type-Options: nosniff"));
    ck_assert_ptr_null(strstr(a.head, "Server:"));
    ck_assert_ptr_null(strstr(a.head, "Access-Control"));
}
END_TEST

START_TEST(success_has_the_envelope)
{
    ask(&f,
        "POST /v1/json HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
        "Content-Length: 17\r\n\r\n{\"email\":\"a@b.c\"}",
        &a);
    ck_assert_int_eq(a.status, 201);
    ck_assert_str_eq(a.body, "{\"success\":true,\"message\":\"made\",\"data\":[1]}");
}
END_TEST

START_TEST(problem_has_all_members)
{
    get("/nowhere");
    ck_assert_int_eq(a.status, 404);
    ck_assert(has_header(&a, "Content-Type: application/problem+json"));
    ck_contains(a.body, "\"type\":\"urn:segs:problem:not_found\"");
    ck_contains(a.body, "\"title\":\"Not Found\"");
    ck_contains(a.body, "\"status\":404");
    ck_contains(a.body, "\"detail\":\"There is nothing at this path.\"");
    ck_contains(a.body, "\"instance\":\"/nowhere\"");
    ck_contains(a.body, "\"code\":\"not_found\"");
    ck_contains(a.body, "\"request_id\":\"");
    ck_contains(a.body, "\"errors\":[]");
    ck_contains(a.body, "\"success\":false");
    ck_contains(a.body, "\"message\":\"There is nothing at this path.\"");
    ck_contains(a.body, "\"error\":\"not_found\"");
}
END_TEST

START_TEST(problem_escapes_what_the_client_sent)
{
    get("/v1/list?%22%3Cscript%3E=1");
    ck_assert_int_eq(a.status, 400);
    ck_assert_ptr_null(strstr(a.body, "\"\"<"));
    ck_contains(a.body, "\\\"<script>");
}
END_TEST

START_TEST(handler_without_an_answer_is_500)
{
    get("/v1/silent");
    ck_assert_int_eq(a.status, 500);
    ck_contains(a.body, "\"code\":\"internal\"");
}
END_TEST

START_TEST(header_value_cannot_start_another_header)
{
    get("/v1/split");
    ck_assert(has_header(&a, "X-Good: yes"));
    ck_assert_ptr_null(strstr(a.head, "Set-Cookie"));
}
END_TEST

START_TEST(malformed_head_is_a_problem_too)
{
    ask(&f, "GET /x HTTP/9.9\r\n\r\n", &a);
    ck_assert_int_eq(a.status, 505);
    ck_contains(a.body, "\"code\":");
    ck_assert(has_header(&a, "Connection: close"));
}
END_TEST

/* ---- Methods ---- */

START_TEST(head_has_the_length_and_no_body)
{
    int fd = dial(&f);

    put(fd, "HEAD /v1/items/latest" END "GET /v1/items/seven" END);
    ck_assert(take_head(fd, &a, 5000));
    ck_assert_int_eq(a.status, 200);
    ck_assert(has_header(&a, "Content-Length: 10"));
    ck_assert(take(fd, &a, 5000));
    ck_assert_str_eq(a.body, "seven");
    (void)close(fd);
}
END_TEST

START_TEST(other_method_is_405_with_allow)
{
    ask(&f, "DELETE /v1/items/7" END, &a);
    ck_assert_int_eq(a.status, 405);
    ck_assert(has_header(&a, "Allow: GET, HEAD, OPTIONS"));
}
END_TEST

START_TEST(options_lists_the_methods)
{
    ask(&f, "OPTIONS /v1/echo" END, &a);
    ck_assert_int_eq(a.status, 204);
    ck_assert(has_header(&a, "Allow: POST, OPTIONS"));
}
END_TEST

START_TEST(options_does_not_grant_other_origins_anything)
{
    ask(&f,
        "OPTIONS /v1/echo HTTP/1.1\r\nHost: h\r\nOrigin: http://evil\r\n"
        "Access-Control-Request-Method: POST\r\n\r\n",
        &a);
    ck_assert_ptr_null(strstr(a.head, "Access-Control"));
}
END_TEST

START_TEST(trace_is_refused)
{
    int status = status_of(&f, "TRACE /v1/items/7" END);

    ck_assert(status == 400 || status == 405);
    ck_assert_int_eq(atomic_load(&f.handled), 0);
}
END_TEST

/* ---- Query ---- */

START_TEST(query_parameter_arrives_decoded)
{
    get("/v1/list?from=a%26b+c");
    ck_assert_str_eq(a.body, "a&b c");
}
END_TEST

START_TEST(unknown_query_parameter_is_named_with_the_nearest)
{
    get("/v1/list?form=1");
    ck_assert_int_eq(a.status, 400);
    ck_contains(a.body, "\"code\":\"unknown_parameter\"");
    ck_contains(a.body, "\\\"form\\\"; the nearest known is \\\"from\\\"");
}
END_TEST

START_TEST(repeated_query_parameter_is_400)
{
    get("/v1/list?from=1&to=2&from=3");
    ck_assert_int_eq(a.status, 400);
    ck_contains(a.body, "\"code\":\"repeated_parameter\"");
}
END_TEST

/* ---- Identity ---- */

START_TEST(request_id_is_returned)
{
    ask(&f, "GET /v1/items/1 HTTP/1.1\r\nHost: h\r\nX-Request-Id: abc-1.2_Z\r\n\r\n", &a);
    ck_assert(has_header(&a, "X-Request-Id: abc-1.2_Z"));
}
END_TEST

START_TEST(bad_request_id_is_replaced)
{
    char id[128];

    ask(&f, "GET /v1/items/1 HTTP/1.1\r\nHost: h\r\nX-Request-Id: a b<c>\r\n\r\n", &a);
    ck_assert_ptr_nonnull(header_value(&a, "X-Request-Id", id, sizeof id));
    ck_assert_uint_eq(strlen(id), 32);
}
END_TEST

START_TEST(trace_is_continued_with_a_span_of_our_own)
{
    char parent[128];

    ask(&f,
        "GET /v1/items/1 HTTP/1.1\r\nHost: h\r\n"
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00\r\n\r\n",
        &a);
    ck_assert_ptr_nonnull(header_value(&a, "traceparent", parent, sizeof parent));
    ck_assert_int_eq(strncmp(parent, "00-4bf92f3577b34da6a3ce929d0e0e4736-", 36), 0);
    ck_assert_int_ne(strncmp(parent + 36, "00f067aa0ba902b7", 16), 0);
    ck_assert_str_eq(parent + 52, "-00");
}
END_TEST

START_TEST(invalid_traceparent_starts_a_new_trace)
{
    char parent[128];

    ask(&f,
        "GET /v1/items/1 HTTP/1.1\r\nHost: h\r\n"
        "traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01\r\n\r\n",
        &a);
    ck_assert_ptr_nonnull(header_value(&a, "traceparent", parent, sizeof parent));
    ck_assert_uint_eq(strlen(parent), 55);
    ck_assert_int_ne(strncmp(parent + 3, "0000000000000000", 16), 0);
}
END_TEST

/* ---- Authorisation ---- */

START_TEST(protected_route_asks_the_hook_first)
{
    get("/v1/whoami");
    ck_assert_int_eq(a.status, 401);
    ck_assert_int_eq(atomic_load(&f.handled), 0);
}
END_TEST

START_TEST(hook_hands_the_principal_to_the_handler)
{
    ask(&f, "GET /v1/whoami HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer alice\r\n\r\n", &a);
    ck_assert_str_eq(a.body, "alice");
}
END_TEST

static void unused(struct rt_http_exchange *x, void *user)
{
    (void)x;
    (void)user;
}

START_TEST(protected_route_without_a_hook_does_not_start)
{
    static const struct rt_http_route guarded[] = {
        { .method = "GET", .path = "/x", .handler = unused, .access = 1 },
        { .method = NULL },
    };
    struct rt_http_options options = { .service = "s", .bind = "127.0.0.1", .routes = guarded };
    struct rt_http_server *server = NULL;
    struct segs_error err;

    ck_assert_int_eq(rt_http_start(&options, &server, &err), SEGS_EINVAL);
    ck_assert_ptr_null(server);
}
END_TEST

START_TEST(port_in_use_is_reported)
{
    struct rt_http_options options = { .service = "s",
                                       .bind = "127.0.0.1",
                                       .port = rt_http_port(f.server) };
    struct rt_http_server *server = NULL;
    struct segs_error err;

    ck_assert_int_eq(rt_http_start(&options, &server, &err), RT_EUNAVAILABLE);
    ck_contains(err.message, "cannot listen on 127.0.0.1:");
}
END_TEST

/* ---- Bodies ---- */

static void post_echo(const char *headers, const void *body, size_t len)
{
    char head[512];
    int fd = dial(&f);

    (void)snprintf(head, sizeof head,
                   "POST /v1/echo HTTP/1.1\r\nHost: h\r\n%sContent-Length: %zu\r\n\r\n", headers,
                   len);
    put(fd, head);
    (void)try_put(fd, body, len);
    ck_assert(take(fd, &a, 5000));
    (void)close(fd);
}

START_TEST(body_of_exactly_the_limit_is_accepted)
{
    char *body = calloc(1, ECHO_LIMIT);

    post_echo("", body, ECHO_LIMIT);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.len, ECHO_LIMIT);
    free(body);
}
END_TEST

START_TEST(body_over_the_limit_is_413_before_it_is_sent)
{
    int fd = dial(&f);

    put(fd, "POST /v1/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n");
    ck_assert(take(fd, &a, 1000));
    ck_assert_int_eq(a.status, 413);
    ck_assert(has_header(&a, "Connection: close"));
    ck_assert_int_eq(atomic_load(&f.handled), 0);
    (void)close(fd);
}
END_TEST

START_TEST(chunked_body_is_put_together)
{
    ask(&f,
        "POST /v1/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n",
        &a);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(a.body, "hello, world");
}
END_TEST

START_TEST(chunked_body_over_the_limit_is_413)
{
    char *chunk = calloc(1, ECHO_LIMIT + 2);
    int fd = dial(&f);

    put(fd, "POST /v1/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10002\r\n");
    put_bytes(fd, chunk, ECHO_LIMIT + 2);
    ck_assert(take(fd, &a, 5000));
    ck_assert_int_eq(a.status, 413);
    free(chunk);
    (void)close(fd);
}
END_TEST

static size_t gzip(const void *in, size_t len, unsigned char *out, size_t cap)
{
    z_stream z = { 0 };
    size_t n;

    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)in;
    z.avail_in = (unsigned)len;
    z.next_out = out;
    z.avail_out = (unsigned)cap;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    n = z.total_out;
    ck_assert_int_eq(deflateEnd(&z), Z_OK);
    return n;
}

START_TEST(gzip_body_arrives_inflated)
{
    unsigned char packed[256];
    size_t n = gzip("forty-two readings", 18, packed, sizeof packed);

    post_echo("Content-Encoding: gzip\r\n", packed, n);
    ck_assert_str_eq(a.body, "forty-two readings");
}
END_TEST

START_TEST(gzip_members_may_follow_each_other)
{
    unsigned char packed[256];
    size_t n = gzip("one,", 4, packed, sizeof packed);

    n += gzip("two", 3, packed + n, sizeof packed - n);
    post_echo("Content-Encoding: gzip\r\n", packed, n);
    ck_assert_str_eq(a.body, "one,two");
}
END_TEST

START_TEST(gzip_bomb_is_413)
{
    size_t len = 8 * 1024 * 1024;
    char *zeroes = calloc(1, len);
    unsigned char *packed = malloc(64 * 1024);
    size_t n = gzip(zeroes, len, packed, 64 * 1024);

    post_echo("Content-Encoding: gzip\r\n", packed, n);
    ck_assert_int_eq(a.status, 413);
    free(packed);
    free(zeroes);
}
END_TEST

START_TEST(cut_gzip_is_400)
{
    unsigned char packed[256];
    size_t n = gzip("forty-two readings", 18, packed, sizeof packed);

    post_echo("Content-Encoding: gzip\r\n", packed, n - 4);
    ck_assert_int_eq(a.status, 400);
}
END_TEST

START_TEST(other_encodings_are_415)
{
    post_echo("Content-Encoding: br\r\n", "x", 1);
    ck_assert_int_eq(a.status, 415);
    ck_assert(has_header(&a, "Accept-Encoding: gzip"));
}
END_TEST

START_TEST(body_where_none_is_taken_is_400)
{
    ask(&f, "GET /v1/items/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}", &a);
    ck_assert_int_eq(a.status, 400);
    ck_contains(a.body, "\"code\":\"body_not_expected\"");
}
END_TEST

START_TEST(json_faults_are_listed)
{
    ask(&f,
        "POST /v1/json HTTP/1.1\r\nHost: h\r\nContent-Type: application/json; charset=utf-8\r\n"
        "Content-Length: 25\r\n\r\n{\"days\":31,\"emial\":\"a@b\"}",
        &a);
    ck_assert_int_eq(a.status, 422);
    ck_contains(a.body, "\"pointer\":\"/days\"");
    ck_contains(a.body, "\"pointer\":\"/emial\"");
    ck_contains(a.body, "\"pointer\":\"/email\"");
}
END_TEST

START_TEST(broken_json_is_400)
{
    ask(&f,
        "POST /v1/json HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
        "Content-Length: 8\r\n\r\n{\"email\"",
        &a);
    ck_assert_int_eq(a.status, 400);
}
END_TEST

START_TEST(json_route_refuses_other_types)
{
    ask(&f,
        "POST /v1/json HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n"
        "Content-Length: 2\r\n\r\n{}",
        &a);
    ck_assert_int_eq(a.status, 415);
}
END_TEST

START_TEST(expected_continue_comes_at_once)
{
    int64_t begun_ms = rt_monotonic_ms();
    int fd = dial(&f);

    put(fd,
        "POST /v1/echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    ck_assert(take_head(fd, &a, 1000));
    ck_assert_int_eq(a.status, 100);
    ck_assert_int_lt(rt_monotonic_ms() - begun_ms, 200);
    put(fd, "hello");
    ck_assert(take(fd, &a, 1000));
    ck_assert_str_eq(a.body, "hello");
    (void)close(fd);
}
END_TEST

START_TEST(refused_body_gets_no_continue)
{
    int fd = dial(&f);

    put(fd, "POST /v1/echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
            "Content-Length: 999999\r\n\r\n");
    ck_assert(take(fd, &a, 1000));
    ck_assert_int_eq(a.status, 413);
    (void)close(fd);
}
END_TEST

/* ---- Connections ---- */

START_TEST(connection_is_kept)
{
    int fd = dial(&f);

    for (int i = 0; i < 5; i++) {
        put(fd, "GET /v1/items/latest" END);
        ck_assert(take(fd, &a, 1000));
        ck_assert(has_header(&a, "Connection: keep-alive"));
    }
    (void)close(fd);
}
END_TEST

START_TEST(connection_is_kept_after_a_problem)
{
    int fd = dial(&f);

    put(fd, "POST /v1/ignore HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    ck_assert(take(fd, &a, 1000));
    ck_assert_int_eq(a.status, 409);
    put(fd, "GET /v1/items/seven" END);
    ck_assert(take(fd, &a, 1000));
    ck_assert_str_eq(a.body, "seven");
    (void)close(fd);
}
END_TEST

START_TEST(connection_ends_when_the_client_asks)
{
    int fd = dial(&f);

    put(fd, "GET /v1/items/1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    ck_assert(take(fd, &a, 1000));
    ck_assert(has_header(&a, "Connection: close"));
    ck_assert(is_closed(fd, 300));
    (void)close(fd);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
    char one[128];
    int fd = dial(&f);

    for (int i = 0; i < 200; i++) {
        (void)snprintf(one, sizeof one, "GET /v1/items/n%d" END, i);
        put(fd, one);
    }
    for (int i = 0; i < 200; i++) {
        (void)snprintf(one, sizeof one, "n%d", i);
        ck_assert(take(fd, &a, 5000));
        ck_assert_str_eq(a.body, one);
    }
    (void)close(fd);
}
END_TEST

START_TEST(sixty_four_requests_are_handled_at_once)
{
    struct rt_http_options options = { .n_threads = 88 }; /* One peer's share of it is 66. */
    int64_t until_ms = rt_monotonic_ms() + 10000;
    int fds[64];

    fixture_close(&f);
    fixture_open_with(&f, options);
    atomic_store(&f.hold, true);
    for (int i = 0; i < 64; i++) {
        fds[i] = dial(&f);
        put(fds[i], "GET /v1/hold" END);
    }
    while (atomic_load(&f.handled) < 64 && rt_monotonic_ms() < until_ms)
        rt_sleep_ms(1);
    ck_assert_int_eq(atomic_load(&f.handled), 64);
    ck_assert_int_eq(atomic_load(&f.completed), 0);
    atomic_store(&f.hold, false);
    for (int i = 0; i < 64; i++) {
        ck_assert(take(fds[i], &a, 5000));
        ck_assert_str_eq(a.body, "released");
        (void)close(fds[i]);
    }
}
END_TEST

/* ---- Streams ---- */

static void ck_completes(void)
{
    int64_t until_ms = rt_monotonic_ms() + 2000;

    while (atomic_load(&f.completed) == 0 && rt_monotonic_ms() < until_ms)
        rt_sleep_ms(1);
    ck_assert_int_eq(atomic_load(&f.completed), 1);
}

START_TEST(stream_arrives_in_chunks_and_ends)
{
    static const char expected[] = "9\r\ndata: 1\n\n\r\n9\r\ndata: 1\n\n\r\n"
                                   "9\r\ndata: 1\n\n\r\n0\r\n\r\n";
    char got[sizeof expected] = "";
    size_t n = 0;
    int fd = dial(&f);

    put(fd, "GET /v1/stream" END);
    ck_assert(take_head(fd, &a, 2000));
    ck_assert(has_header(&a, "Content-Type: text/event-stream"));
    ck_assert(has_header(&a, "Transfer-Encoding: chunked"));
    ck_assert(has_header(&a, "X-Accel-Buffering: no"));
    while (n < sizeof expected - 1) {
        ssize_t some = read(fd, got + n, sizeof expected - 1 - n);

        ck_assert_int_gt(some, 0);
        n += (size_t)some;
    }
    ck_assert_str_eq(got, expected);
    ck_assert(is_closed(fd, 1000));
    (void)close(fd);
}
END_TEST

START_TEST(failed_stream_has_no_end)
{
    char got[256] = "";
    size_t n = 0;
    ssize_t some;
    int fd = dial(&f);

    put(fd, "GET /v1/stream?fail" END);
    ck_assert(take_head(fd, &a, 2000));
    while ((some = read(fd, got + n, sizeof got - 1 - n)) > 0)
        n += (size_t)some;
    ck_contains(got, "data: 1");
    ck_assert_ptr_null(strstr(got, "\r\n0\r\n"));
    (void)close(fd);
}
END_TEST

START_TEST(stream_notices_that_its_reader_left)
{
    int fd = dial(&f);

    atomic_store(&f.hold, true);
    put(fd, "GET /v1/stream" END);
    ck_assert(take_head(fd, &a, 2000));
    ck_assert_int_eq(atomic_load(&f.completed), 0);
    (void)close(fd);
    ck_completes();
}
END_TEST

START_TEST(stream_ends_when_the_server_drains)
{
    int fd = dial(&f);

    atomic_store(&f.hold, true);
    put(fd, "GET /v1/stream" END);
    ck_assert(take_head(fd, &a, 2000));
    rt_http_drain(f.server);
    ck_completes();
    (void)close(fd);
}
END_TEST

/* ---- Health and metrics ---- */

START_TEST(D_09_D_30_health_turns_when_the_service_says_so)
{
    get("/health");
    ck_assert_int_eq(a.status, 200);
    ck_contains(a.body, "\"status\":\"ok\"");
    atomic_store(&f.sick, true);
    rt_sleep_ms(1100); /* The state is kept for a second. */
    get("/health");
    ck_assert_int_eq(a.status, 503);
    ck_contains(a.body, "{\"name\":\"bus\",\"ok\":false,\"detail\":\"no broker answers\"}");
    get("/readyz");
    ck_assert_int_eq(a.status, 503);
    get("/livez");
    ck_assert_int_eq(a.status, 200);
    atomic_store(&f.sick, false);
    rt_sleep_ms(1100);
    get("/readyz");
    ck_assert_int_eq(a.status, 200);
}
END_TEST

START_TEST(verbose_readiness_names_each_thing)
{
    get("/readyz?verbose");
    ck_assert_str_eq(a.body, "[+]db ok\n[+]bus ok\nready\n");
}
END_TEST

static int count(const char *text, const char *part)
{
    int n = 0;

    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        n++;
    return n;
}

START_TEST(D_10_random_paths_do_not_make_metric_series)
{
    char path[64];
    int before;

    get("/random/first");
    get("/metrics");
    before = count(a.body, "segs_http_requests_total{");
    for (int i = 0; i < 50; i++) {
        (void)snprintf(path, sizeof path, "/random/%08x", (unsigned)i * 2654435761U);
        get(path);
    }
    get("/metrics");
    ck_assert_int_le(count(a.body, "segs_http_requests_total{"), before + 1);
    ck_assert_ptr_null(strstr(a.body, "/random"));
    ck_contains(a.body, "route=\"unmatched\"");
}
END_TEST

START_TEST(request_is_counted_under_its_template)
{
    get("/v1/items/private-7");
    get("/metrics");
    ck_contains(a.body, "segs_http_requests_total{service=\"sample\",route=\"/v1/items/{id}\","
                        "method=\"GET\",status=\"200\"} 1\n");
    ck_assert_ptr_null(strstr(a.body, "private-7"));
    ck_contains(a.body, "segs_http_request_duration_seconds_count{service=\"sample\","
                        "route=\"/v1/items/{id}\"} 1\n");
    ck_contains(a.body, "segs_http_requests_in_flight{service=\"sample\"} 1\n");
}
END_TEST

/* ---- Drain and stop ---- */

static void *drain_and_stop(void *user)
{
    (void)user;
    rt_http_stop(f.server);
    f.server = NULL;
    return NULL;
}

START_TEST(draining_server_refuses_work_but_finishes_what_it_has)
{
    int held = dial(&f);

    atomic_store(&f.hold, true);
    put(held, "GET /v1/hold" END);
    while (atomic_load(&f.handled) == 0)
        rt_sleep_ms(1);
    rt_http_drain(f.server);
    get("/v1/items/1");
    ck_assert_int_eq(a.status, 503);
    ck_assert(has_header(&a, "Connection: close"));
    ck_assert(has_header(&a, "Retry-After: 2"));
    get("/readyz?verbose");
    ck_assert_int_eq(a.status, 503);
    ck_contains(a.body, "[-]shutdown failed: draining\n");
    get("/livez");
    ck_assert_int_eq(a.status, 200);
    atomic_store(&f.hold, false);
    ck_assert(take(held, &a, 1000));
    ck_assert_str_eq(a.body, "released");
    (void)close(held);
}
END_TEST

START_TEST(stop_waits_for_the_handler_and_its_answer)
{
    pthread_t stopper;
    int held = dial(&f);

    atomic_store(&f.hold, true);
    put(held, "GET /v1/hold" END);
    while (atomic_load(&f.handled) == 0)
        rt_sleep_ms(1);
    ck_assert_int_eq(pthread_create(&stopper, NULL, drain_and_stop, NULL), 0);
    rt_sleep_ms(100);
    ck_assert_int_eq(atomic_load(&f.completed), 0);
    atomic_store(&f.hold, false);
    ck_assert_int_eq(pthread_join(stopper, NULL), 0);
    ck_assert_int_eq(atomic_load(&f.completed), 1);
    ck_assert(take(held, &a, 1000));
    ck_assert_str_eq(a.body, "released");
    (void)close(held);
}
END_TEST

START_TEST(stop_does_not_wait_for_idle_connections)
{
    int idle = dial(&f);
    int half = dial(&f);
    int64_t begun_ms;

    put(half, "GET /v1/items/1 HT");
    rt_sleep_ms(50);
    begun_ms = rt_monotonic_ms();
    rt_http_stop(f.server);
    f.server = NULL;
    ck_assert_int_lt(rt_monotonic_ms() - begun_ms, 1000);
    (void)close(idle);
    (void)close(half);
}
END_TEST

static TCase *group(Suite *suite, const char *name)
{
    TCase *tc = tcase_create(name);

    tcase_add_checked_fixture(tc, open_server, close_server);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    return tc;
}

static void add_answers(Suite *suite)
{
    TCase *tc = group(suite, "answers");

    tcase_add_test(tc, port_zero_is_replaced_by_a_real_one);
    tcase_add_test(tc, get_reaches_its_handler);
    tcase_add_test(tc, parameter_arrives_decoded);
    tcase_add_test(tc, answer_has_the_security_headers);
    tcase_add_test(tc, success_has_the_envelope);
    tcase_add_test(tc, problem_has_all_members);
    tcase_add_test(tc, problem_escapes_what_the_client_sent);
    tcase_add_test(tc, handler_without_an_answer_is_500);
    tcase_add_test(tc, header_value_cannot_start_another_header);
    tcase_add_test(tc, malformed_head_is_a_problem_too);
    tcase_add_test(tc, head_has_the_length_and_no_body);
    tcase_add_test(tc, other_method_is_405_with_allow);
    tcase_add_test(tc, options_lists_the_methods);
    tcase_add_test(tc, options_does_not_grant_other_origins_anything);
    tcase_add_test(tc, trace_is_refused);
    tcase_add_test(tc, query_parameter_arrives_decoded);
    tcase_add_test(tc, unknown_query_parameter_is_named_with_the_nearest);
    tcase_add_test(tc, repeated_query_parameter_is_400);
    tcase_add_test(tc, request_id_is_returned);
    tcase_add_test(tc, bad_request_id_is_replaced);
    tcase_add_test(tc, trace_is_continued_with_a_span_of_our_own);
    tcase_add_test(tc, invalid_traceparent_starts_a_new_trace);
    tcase_add_test(tc, protected_route_asks_the_hook_first);
    tcase_add_test(tc, hook_hands_the_principal_to_the_handler);
    tcase_add_test(tc, protected_route_without_a_hook_does_not_start);
    tcase_add_test(tc, port_in_use_is_reported);
}

static void add_bodies(Suite *suite)
{
    TCase *tc = group(suite, "bodies");

    tcase_add_test(tc, body_of_exactly_the_limit_is_accepted);
    tcase_add_test(tc, body_over_the_limit_is_413_before_it_is_sent);
    tcase_add_test(tc, chunked_body_is_put_together);
    tcase_add_test(tc, chunked_body_over_the_limit_is_413);
    tcase_add_test(tc, gzip_body_arrives_inflated);
    tcase_add_test(tc, gzip_members_may_follow_each_other);
    tcase_add_test(tc, gzip_bomb_is_413);
    tcase_add_test(tc, cut_gzip_is_400);
    tcase_add_test(tc, other_encodings_are_415);
    tcase_add_test(tc, body_where_none_is_taken_is_400);
    tcase_add_test(tc, json_faults_are_listed);
    tcase_add_test(tc, broken_json_is_400);
    tcase_add_test(tc, json_route_refuses_other_types);
    tcase_add_test(tc, expected_continue_comes_at_once);
    tcase_add_test(tc, refused_body_gets_no_continue);
}

static void add_connections(Suite *suite)
{
    TCase *tc = group(suite, "connections");

    tcase_add_test(tc, connection_is_kept);
    tcase_add_test(tc, connection_is_kept_after_a_problem);
    tcase_add_test(tc, connection_ends_when_the_client_asks);
    tcase_add_test(tc, pipelined_requests_are_answered_in_order);
    tcase_add_test(tc, sixty_four_requests_are_handled_at_once);
    tcase_add_test(tc, stream_arrives_in_chunks_and_ends);
    tcase_add_test(tc, failed_stream_has_no_end);
    tcase_add_test(tc, stream_notices_that_its_reader_left);
    tcase_add_test(tc, stream_ends_when_the_server_drains);
    tcase_add_test(tc, D_09_D_30_health_turns_when_the_service_says_so);
    tcase_add_test(tc, verbose_readiness_names_each_thing);
    tcase_add_test(tc, D_10_random_paths_do_not_make_metric_series);
    tcase_add_test(tc, request_is_counted_under_its_template);
    tcase_add_test(tc, draining_server_refuses_work_but_finishes_what_it_has);
    tcase_add_test(tc, stop_waits_for_the_handler_and_its_answer);
    tcase_add_test(tc, stop_does_not_wait_for_idle_connections);
}

int main(void)
{
    Suite *suite = suite_create("http");
    SRunner *runner;
    int failed;

    add_answers(suite);
    add_bodies(suite);
    add_connections(suite);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
