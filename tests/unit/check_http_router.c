/* Targets and routes as pure functions: what matches, what decodes, what is refused. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/http_router.h"
#include "runtime/http_target.h"

static void nothing(struct rt_http_exchange *x, void *user)
{
    (void)x;
    (void)user;
}

#define ROUTE(method_, path_)                                                                      \
    {                                                                                              \
        .method = (method_), .path = (path_), .handler = nothing                                   \
    }

static const struct rt_http_route routes[] = {
    ROUTE("GET", "/"),
    ROUTE("GET", "/alerts/{id}"),
    ROUTE("PUT", "/alerts/{id}/resolve"),
    ROUTE("POST", "/alerts/bulk"),
    ROUTE("GET", "/users/{id}"),
    ROUTE("PUT", "/users/{id}"),
    ROUTE("GET", "/users/me"),
    ROUTE("GET", "/{any}/latest"),
    { .method = NULL },
};

static struct http_router *router;
static struct http_target target;
static const char *why;

static void open_router(void)
{
    ck_assert_int_eq(http_router_new(NULL, routes, &router, NULL), 0);
}

static void close_router(void)
{
    http_router_free(router);
}

static int match(const char *method, const char *path, const char **label)
{
    struct http_route *route;
    int status;

    ck_assert_int_eq(http_target_path(&target, path, &why), 0);
    status = http_router_match(router, method, &target, &route);
    *label = route->label;
    return status;
}

/* ---- Matching ---- */

static const struct {
    const char *method;
    const char *path;
    int status;
    const char *label;
} matches[] = {
    { "GET", "/", 0, "/" },
    { "GET", "/alerts/7", 0, "/alerts/{id}" },
    { "HEAD", "/alerts/7", 0, "/alerts/{id}" },
    { "PUT", "/alerts/7/resolve", 0, "/alerts/{id}/resolve" },
    { "POST", "/alerts/bulk", 0, "/alerts/bulk" },
    { "GET", "/alerts/bulk", 405, "unmatched" }, /* The literal template owns the path. */
    { "DELETE", "/alerts/7", 405, "unmatched" },
    { "GET", "/users/me", 0, "/users/me" },
    { "PUT", "/users/me", 405, "unmatched" },
    { "PUT", "/users/you", 0, "/users/{id}" },
    { "GET", "/users/latest", 0, "/users/{id}" }, /* Literal first segment beats literal second. */
    { "GET", "/else/latest", 0, "/{any}/latest" },
    { "GET", "/alerts", 404, "unmatched" },
    { "GET", "/Alerts/7", 404, "unmatched" },
    { "GET", "/alertsx/7", 404, "unmatched" },
    { "GET", "/alerts/7/8/9", 404, "unmatched" },
};

START_TEST(request_finds_its_route)
{
    const char *label;

    ck_assert_int_eq(match(matches[_i].method, matches[_i].path, &label), matches[_i].status);
    ck_assert_str_eq(label, matches[_i].label);
}
END_TEST

START_TEST(allow_lists_the_methods_of_one_template)
{
    struct rt_buf allow = RT_BUF_INIT;

    ck_assert_int_eq(http_target_path(&target, "/users/7", &why), 0);
    ck_assert(http_router_allow(router, &target, &allow));
    ck_assert_str_eq(allow.data, "GET, HEAD, PUT, OPTIONS");
    rt_buf_free(&allow);
}
END_TEST

START_TEST(same_template_twice_is_refused)
{
    static const struct rt_http_route twice[] = { ROUTE("GET", "/a/{x}"),
                                                  ROUTE("GET", "/a/{y}"),
                                                  { .method = NULL } };
    struct http_router *made = NULL;
    struct segs_error err;

    ck_assert_int_eq(http_router_new(NULL, twice, &made, &err), SEGS_ECONFLICT);
    ck_assert_str_eq(err.field, "/a/{y}");
    ck_assert_ptr_null(made);
}
END_TEST

static const char *const bad_templates[] = { "a", "", "/a//b", "/a/", "/{}", "/{a", "/a/{b" };

START_TEST(broken_template_is_refused)
{
    const struct rt_http_route bad[] = { ROUTE("GET", bad_templates[_i]), { .method = NULL } };
    struct http_router *made = NULL;

    ck_assert_int_eq(http_router_new(NULL, bad, &made, NULL), SEGS_EINVAL);
}
END_TEST

/* ---- Paths ---- */

static const char *const bad_paths[] = {
    "",          "a",          "//",
    "/a//b",     "/a/",        "/.",
    "/..",       "/a/../b",    "/a/./b",
    "/%2e",      "/%2E%2e/b",  "/a/.%2e",
    "/a%2fb",    "/a%2Fb",     "/a%5cb",
    "/a\\b",     "/a%00",      "/%00",
    "/a%",       "/a%2",       "/a%zz",
    "/a%+1",     "/%ff",       "/%c0%af",
    "/%c3",      "/%ed%a0%80", "/%f4%90%80%80",
    "/a%0d%0ab", "/a%0a",      "/a;b=c",
    "/a#b",      "/a%7f",      "/%e0%80%af",
    "/a%09b",
};

START_TEST(ambiguous_path_is_refused)
{
    ck_assert_int_eq(http_target_path(&target, bad_paths[_i], &why), 400);
    ck_assert_ptr_nonnull(why);
}
END_TEST

START_TEST(segment_is_decoded_once)
{
    ck_assert_int_eq(http_target_path(&target, "/a%2541/%e2%82%ac/x+y", &why), 0);
    ck_assert_uint_eq(target.n_segments, 3);
    ck_assert_str_eq(target.segments[0], "a%41");
    ck_assert_str_eq(target.segments[1], "\xe2\x82\xac");
    ck_assert_str_eq(target.segments[2], "x+y");
}
END_TEST

START_TEST(path_beyond_its_limits_is_414)
{
    char path[HTTP_MAX_PATH + 8];

    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[HTTP_MAX_PATH + 1] = '\0';
    ck_assert_int_eq(http_target_path(&target, path, &why), 414);
    path[HTTP_MAX_PATH] = '\0';
    ck_assert_int_eq(http_target_path(&target, path, &why), 0);
    ck_assert_int_eq(http_target_path(&target, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", &why), 0);
    ck_assert_int_eq(http_target_path(&target, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", &why),
                     414);
}
END_TEST

/* ---- Queries ---- */

START_TEST(query_is_split_and_decoded)
{
    ck_assert_int_eq(http_target_query(&target, "a=1&b=x%3Dy%26z&c&d=&e=p+q%2B", &why), 0);
    ck_assert_uint_eq(target.n_pairs, 5);
    ck_assert_str_eq(http_target_get(&target, "a"), "1");
    ck_assert_str_eq(http_target_get(&target, "b"), "x=y&z");
    ck_assert_str_eq(http_target_get(&target, "c"), "");
    ck_assert_str_eq(http_target_get(&target, "d"), "");
    ck_assert_str_eq(http_target_get(&target, "e"), "p q+");
    ck_assert_ptr_null(http_target_get(&target, "f"));
}
END_TEST

static const char *const bad_queries[] = {
    "=1", "&", "a=1&", "a=1&&b=2", "a=%", "a=%0", "a=%00", "%00=a", "a=%ff", "a=%0a", "a=%gg",
};

START_TEST(broken_query_is_refused)
{
    ck_assert_int_eq(http_target_query(&target, bad_queries[_i], &why), 400);
}
END_TEST

START_TEST(query_may_have_32_parameters)
{
    char query[4 * 40] = "";

    for (int i = 0; i < 32; i++)
        strcat(query, i == 0 ? "a=1" : "&a=1");
    ck_assert_int_eq(http_target_query(&target, query, &why), 0);
    strcat(query, "&a=1");
    ck_assert_int_eq(http_target_query(&target, query, &why), 400);
}
END_TEST

START_TEST(query_beyond_its_length_is_414)
{
    char *query = malloc(HTTP_MAX_QUERY + 2);

    memset(query, 'a', HTTP_MAX_QUERY + 1);
    query[HTTP_MAX_QUERY + 1] = '\0';
    ck_assert_int_eq(http_target_query(&target, query, &why), 414);
    free(query);
}
END_TEST

START_TEST(names_are_matched_whole)
{
    ck_assert(http_name_allowed("from,to", "to"));
    ck_assert(!http_name_allowed("from,to", "t"));
    ck_assert(!http_name_allowed("from,to", "from,to"));
    ck_assert(!http_name_allowed(NULL, "from"));
}
END_TEST

START_TEST(nearest_name_is_found)
{
    char nearest[32];

    ck_assert(http_name_nearest("start_time,end_time,limit", "start_tme", nearest, sizeof nearest));
    ck_assert_str_eq(nearest, "start_time");
    ck_assert(!http_name_nearest("start_time,limit", "zzzz", nearest, sizeof nearest));
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
    Suite *suite = suite_create("http_router");
    TCase *tc = tcase_create("router");
    SRunner *runner;
    int n_failed;

    tcase_add_checked_fixture(tc, open_router, close_router);
    tcase_add_loop_test(tc, request_finds_its_route, 0, COUNT(matches));
    tcase_add_test(tc, allow_lists_the_methods_of_one_template);
    tcase_add_test(tc, same_template_twice_is_refused);
    tcase_add_loop_test(tc, broken_template_is_refused, 0, COUNT(bad_templates));
    tcase_add_loop_test(tc, ambiguous_path_is_refused, 0, COUNT(bad_paths));
    tcase_add_test(tc, segment_is_decoded_once);
    tcase_add_test(tc, path_beyond_its_limits_is_414);
    tcase_add_test(tc, query_is_split_and_decoded);
    tcase_add_loop_test(tc, broken_query_is_refused, 0, COUNT(bad_queries));
    tcase_add_test(tc, query_may_have_32_parameters);
    tcase_add_test(tc, query_beyond_its_length_is_414);
    tcase_add_test(tc, names_are_matched_whole);
    tcase_add_test(tc, nearest_name_is_found);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
