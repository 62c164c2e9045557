#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway_support.h"
#include "api-gateway/cleaner.h"
#include "api-gateway/routes.h"

static struct rig rig;

static void open_rig(void)
{
    rig_open(&rig, NULL);
}

static void close_rig(void)
{
    rig_close(&rig);
}

static int login_status(const char *email, const char *password, struct reply *reply)
{
    char body[512];

    (void)snprintf(body, sizeof body, "{\"email\":\"%s\",\"password\":\"%s\"}", email, password);
    call(&rig, "POST", "/api/v1/auth/login", NULL, body, reply);
    return reply->status;
}

static int profile_status(const char *token)
{
    return status_of_call(&rig, "GET", "/api/v1/users/profile", token, NULL);
}

static int refresh_status(const char *token, struct reply *reply)
{
    char body[512];

    (void)snprintf(body, sizeof body, "{\"refresh_token\":\"%s\"}", token);
    call(&rig, "POST", "/api/v1/auth/refresh", NULL, body, reply);
    return reply->status;
}

/* ---- Logging in ---- */

START_TEST(who_logs_in_gets_a_token_that_works)
{
    struct tokens_of tokens;

    rig_login(&rig, 0, &tokens);
    ck_assert_int_eq(profile_status(tokens.access), 200);
    /* 256 random bits are 43 characters of base64url. */
    ck_assert_uint_eq(strlen(tokens.refresh), 43);
}
END_TEST

START_TEST(the_address_is_not_case_sensitive)
{
    struct reply reply = { 0 };

    ck_assert_int_eq(login_status("User@SEGS.local", rig.password[0], &reply), 200);
    reply_free(&reply);
}
END_TEST

/* D-71: nothing tells an account that exists from one that does not, or why it is refused. */
START_TEST(D_71_every_failed_login_looks_the_same)
{
    struct reply wrong = { 0 };
    struct reply unknown = { 0 };
    struct reply disabled = { 0 };
    char *ids[3];

    rig_exec(&rig, "UPDATE users SET status = 'DISABLED' WHERE email = 'admin@segs.local'");
    ck_assert_int_eq(login_status("user@segs.local", "not the password", &wrong), 401);
    ck_assert_int_eq(login_status("nobody@segs.local", "not the password", &unknown), 401);
    ck_assert_int_eq(login_status("admin@segs.local", rig.password[2], &disabled), 401);
    ids[0] = strstr(wrong.body, "\"request_id\":\"");
    ids[1] = strstr(unknown.body, "\"request_id\":\"");
    ids[2] = strstr(disabled.body, "\"request_id\":\"");
    for (int i = 0; i < 3; i++)
        memset(ids[i] + strlen("\"request_id\":\""), 'x', 36);
    ck_assert_str_eq(wrong.body, unknown.body);
    ck_assert_str_eq(wrong.body, disabled.body);
    reply_free(&wrong);
    reply_free(&unknown);
    reply_free(&disabled);
}
END_TEST

/* D-66: there is no code that opens every account; the one of the reference is a wrong password like any other. */
START_TEST(D_66_there_is_no_master_code)
{
    struct reply reply = { 0 };

    ck_assert_int_eq(login_status("admin@segs.local", "123456", &reply), 401);
    call(&rig, "POST", "/api/v1/auth/verify-reset-otp", NULL,
         "{\"email\":\"admin@segs.local\",\"otp\":\"123456\"}", &reply);
    ck_assert_int_eq(reply.status, 404);
    reply_free(&reply);
}
END_TEST

/* D-68: a password is set by nobody but the one who is logged in and knows the old one. */
START_TEST(D_68_a_password_is_not_set_by_address)
{
    const char *body = "{\"email\":\"user@segs.local\",\"password\":\"correct horse battery\"}";

    ck_assert_int_eq(status_of_call(&rig, "POST", "/api/v1/auth/set-password", NULL, body), 404);
    ck_assert_int_eq(status_of_call(&rig, "POST", "/api/v1/auth/change-password", NULL, body), 401);
}
END_TEST

START_TEST(D_70_an_account_is_locked_after_ten_failures)
{
    struct reply reply = { 0 };

    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(login_status("user@segs.local", "not the password", &reply), 401);
    /* Even the right password waits now. */
    ck_assert_int_eq(login_status("user@segs.local", rig.password[0], &reply), 429);
    ck_assert_ptr_nonnull(strstr(reply.head, "Retry-After: 30"));
    ck_assert_ptr_nonnull(strstr(reply.head, "RateLimit: \"login\";r=0;t=30"));
    /* Another account is not concerned. */
    ck_assert_int_eq(login_status("operator@segs.local", rig.password[1], &reply), 200);
    rig.now_ms += 30000;
    ck_assert_int_eq(login_status("user@segs.local", rig.password[0], &reply), 200);
    ck_assert_int_eq(rig_int(&rig, "SELECT COUNT(*) FROM login_failures WHERE subject ="
                                   " 'account:user@segs.local'"),
                     0);
    reply_free(&reply);
}
END_TEST

START_TEST(each_failure_beyond_the_limit_doubles_the_wait)
{
    struct reply reply = { 0 };

    for (int i = 0; i < 10; i++)
        (void)login_status("user@segs.local", "not the password", &reply);
    rig.now_ms += 30000;
    ck_assert_int_eq(login_status("user@segs.local", "not the password", &reply), 401);
    ck_assert_int_eq(login_status("user@segs.local", "not the password", &reply), 429);
    ck_assert_ptr_nonnull(strstr(reply.head, "Retry-After: 60"));
    reply_free(&reply);
}
END_TEST

START_TEST(an_address_that_fails_too_often_waits_for_every_account)
{
    static const char *const settings[] = { "LOGIN_PEER_ATTEMPTS", "3", NULL };
    struct reply reply = { 0 };

    rig_restart(&rig, settings);
    (void)login_status("a@segs.local", "not the password", &reply);
    (void)login_status("b@segs.local", "not the password", &reply);
    (void)login_status("c@segs.local", "not the password", &reply);
    ck_assert_int_eq(login_status("user@segs.local", rig.password[0], &reply), 429);
    reply_free(&reply);
}
END_TEST

START_TEST(what_happens_to_logins_is_audited)
{
    struct tokens_of tokens;
    struct reply reply = { 0 };

    rig_login(&rig, 0, &tokens);
    (void)login_status("user@segs.local", "not the password", &reply);
    ck_assert_int_eq(rig_int(&rig, "SELECT COUNT(*) FROM audit_log WHERE action = 'login'"
                                   " AND peer = '127.0.0.1' AND actor IS NOT NULL"),
                     1);
    ck_assert_int_eq(rig_int(&rig, "SELECT COUNT(*) FROM audit_log WHERE action = 'login_failed'"
                                   " AND actor IS NULL AND subject = 'user@segs.local'"),
                     1);
    reply_free(&reply);
}
END_TEST

START_TEST(an_old_hash_is_replaced_at_the_next_login)
{
    static const char *const settings[] = { "PASSWORD_COST", "2", NULL };
    struct tokens_of tokens;
    int64_t same;

    rig_exec(&rig, "UPDATE users SET phone = password_hash");
    rig_restart(&rig, settings);
    rig_login(&rig, 0, &tokens);
    same = rig_int(&rig, "SELECT COUNT(*) FROM users WHERE phone = password_hash");
    ck_assert_int_eq(same, 2);
    rig_login(&rig, 0, &tokens);
}
END_TEST

/* ---- Tokens ---- */

START_TEST(a_refresh_token_is_good_once_and_its_reuse_ends_the_login)
{
    struct tokens_of tokens;
    struct reply reply = { 0 };
    char access[4096];
    char next[256];

    rig_login(&rig, 0, &tokens);
    ck_assert_int_eq(refresh_status(tokens.refresh, &reply), 200);
    reply_text(&reply, "access_token", access, sizeof access);
    reply_text(&reply, "refresh_token", next, sizeof next);
    ck_assert_int_eq(profile_status(access), 200);
    ck_assert_int_eq(refresh_status(tokens.refresh, &reply), 401);
    ck_assert_int_eq(profile_status(access), 401);
    ck_assert_int_eq(refresh_status(next, &reply), 401);
    ck_assert_int_eq(rig_int(&rig, "SELECT COUNT(*) FROM audit_log WHERE action = 'refresh_reuse'"),
                     1);
    reply_free(&reply);
}
END_TEST

START_TEST(D_75_refresh_tokens_are_not_stored_as_they_are)
{
    struct tokens_of tokens;
    char sql[400];

    rig_login(&rig, 0, &tokens);
    (void)snprintf(sql, sizeof sql,
                   "SELECT COUNT(*) FROM refresh_tokens WHERE CAST(token_hash AS TEXT) = '%s'",
                   tokens.refresh);
    ck_assert_int_eq(rig_int(&rig, sql), 0);
    ck_assert_int_eq(
        rig_int(&rig, "SELECT COUNT(*) FROM refresh_tokens WHERE length(token_hash) = 32"), 1);
}
END_TEST

START_TEST(a_refresh_token_expires_when_it_is_not_used)
{
    struct tokens_of tokens;
    struct reply reply = { 0 };

    rig_login(&rig, 0, &tokens);
    rig.now_ms += INT64_C(7) * 86400000;
    ck_assert_int_eq(refresh_status(tokens.refresh, &reply), 401);
    reply_free(&reply);
}
END_TEST

START_TEST(a_login_ends_after_thirty_days_however_often_it_is_refreshed)
{
    struct tokens_of tokens;
    struct reply reply = { 0 };

    rig_login(&rig, 0, &tokens);
    for (int day = 0; day < 30; day += 6) {
        rig.now_ms += INT64_C(6) * 86400000;
        ck_assert_int_eq(refresh_status(tokens.refresh, &reply), day < 24 ? 200 : 401);
        reply_text(&reply, "refresh_token", tokens.refresh, sizeof tokens.refresh);
    }
    reply_free(&reply);
}
END_TEST

START_TEST(an_access_token_expires)
{
    struct tokens_of tokens;

    rig_login(&rig, 0, &tokens);
    rig.now_ms += 15 * 60000 - 1000;
    ck_assert_int_eq(profile_status(tokens.access), 200);
    rig.now_ms += 1000;
    ck_assert_int_eq(profile_status(tokens.access), 401);
}
END_TEST

START_TEST(logout_ends_both_tokens_at_once)
{
    struct tokens_of tokens;
    struct reply reply = { 0 };

    rig_login(&rig, 0, &tokens);
    ck_assert_int_eq(profile_status(tokens.access), 200);
    ck_assert_int_eq(status_of_call(&rig, "POST", "/api/v1/auth/logout", tokens.access, "{}"), 200);
    ck_assert_int_eq(profile_status(tokens.access), 401);
    ck_assert_int_eq(refresh_status(tokens.refresh, &reply), 401);
    reply_free(&reply);
}
END_TEST

START_TEST(logout_of_all_ends_every_login_of_the_user_and_no_other)
{
    struct tokens_of one;
    struct tokens_of two;
    struct tokens_of other;
    struct reply reply = { 0 };

    rig_login(&rig, 0, &one);
    rig_login(&rig, 0, &two);
    rig_login(&rig, 1, &other);
    ck_assert_int_eq(profile_status(two.access), 200);
    call(&rig, "POST", "/api/v1/auth/logout-all", one.access, NULL, &reply);
    ck_assert_int_eq(reply.status, 200);
    ck_assert(reply_has(&reply, "\"revoked\":2"));
    ck_assert_int_eq(profile_status(one.access), 401);
    ck_assert_int_eq(profile_status(two.access), 401);
    ck_assert_int_eq(profile_status(other.access), 200);
    reply_free(&reply);
}
END_TEST

START_TEST(D_75_a_disabled_user_is_out_without_waiting_for_the_token_to_expire)
{
    static const char *const settings[] = { "AUTH_CACHE_TTL", "0", NULL };
    struct tokens_of tokens;

    rig_restart(&rig, settings);
    rig_login(&rig, 0, &tokens);
    ck_assert_int_eq(profile_status(tokens.access), 200);
    rig_exec(&rig, "UPDATE users SET status = 'DISABLED' WHERE email = 'user@segs.local'");
    ck_assert_int_eq(profile_status(tokens.access), 401);
}
END_TEST

START_TEST(D_75_a_changed_role_counts_and_a_raised_version_ends_older_tokens)
{
    static const char *const settings[] = { "AUTH_CACHE_TTL", "0", NULL };
    struct tokens_of tokens;
    const char *path = "/api/v1/telemetry/operator/region-stats";

    rig_restart(&rig, settings);
    rig_login(&rig, 1, &tokens);
    ck_assert_int_eq(status_of_call(&rig, "GET", path, tokens.access, NULL), 200);
    rig_exec(&rig, "UPDATE users SET role = 1 WHERE email = 'operator@segs.local'");
    ck_assert_int_eq(status_of_call(&rig, "GET", path, tokens.access, NULL), 403);
    rig_exec(&rig, "UPDATE users SET token_version = 2 WHERE email = 'operator@segs.local'");
    ck_assert_int_eq(status_of_call(&rig, "GET", path, tokens.access, NULL), 401);
}
END_TEST

/* A8: no decision, no access. */
START_TEST(nobody_passes_while_the_database_cannot_be_asked)
{
    static const char *const settings[] = { "AUTH_CACHE_TTL", "0", NULL };
    struct rt_db_conn *held[64];
    struct tokens_of tokens;
    size_t n = 0;

    rig_restart(&rig, settings);
    rig_login(&rig, 2, &tokens);
    while (n < 64 && rt_db_acquire(rig.app.db, RT_DB_READ, 10, &held[n], NULL) == 0)
        n++;
    ck_assert_int_eq(profile_status(tokens.access), 503);
    while (n > 0)
        rt_db_release(held[--n]);
    ck_assert_int_eq(profile_status(tokens.access), 200);
}
END_TEST

START_TEST(D_79_a_token_of_another_issuer_key_or_kind_is_refused)
{
    /* {"alg":"none"} and an HS256 token signed with the text "secret". */
    ck_assert_int_eq(profile_status("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.eyJzdWIiOiJ4In0."),
                     401);
    ck_assert_int_eq(profile_status("garbage"), 401);
    ck_assert_int_eq(profile_status(""), 401);
}
END_TEST

START_TEST(logins_are_listed_and_one_can_be_ended)
{
    struct tokens_of one;
    struct tokens_of two;
    struct tokens_of stranger;
    struct reply reply = { 0 };
    char path[128];
    char id[64];

    rig_login(&rig, 0, &one);
    rig_login(&rig, 1, &stranger);
    call(&rig, "GET", "/api/v1/auth/logins", one.access, NULL, &reply);
    reply_text(&reply, "login_id", id, sizeof id);
    (void)snprintf(path, sizeof path, "/api/v1/auth/logins/%s", id);
    rig_login(&rig, 0, &two);
    /* Another user's login is not there. */
    ck_assert_int_eq(status_of_call(&rig, "DELETE", path, stranger.access, NULL), 404);
    ck_assert_int_eq(status_of_call(&rig, "DELETE", path, two.access, NULL), 200);
    ck_assert_int_eq(status_of_call(&rig, "DELETE", path, two.access, NULL), 404);
    ck_assert_int_eq(profile_status(one.access), 401);
    ck_assert_int_eq(profile_status(two.access), 200);
    reply_free(&reply);
}
END_TEST

/* ---- Password ---- */

static int change_status(const char *token, const char *current, const char *wanted,
                         struct reply *reply)
{
    char body[512];

    (void)snprintf(body, sizeof body, "{\"current_password\":\"%s\",\"new_password\":\"%s\"}",
                   current, wanted);
    call(&rig, "POST", "/api/v1/auth/change-password", token, body, reply);
    return reply->status;
}

START_TEST(a_changed_password_ends_the_other_logins)
{
    struct tokens_of here;
    struct tokens_of there;
    struct reply reply = { 0 };
    char access[4096];

    rig_login(&rig, 0, &here);
    rig_login(&rig, 0, &there);
    ck_assert_int_eq(change_status(here.access, rig.password[0], "violet tractor 19 hums", &reply),
                     200);
    reply_text(&reply, "access_token", access, sizeof access);
    ck_assert_int_eq(profile_status(access), 200);
    ck_assert_int_eq(profile_status(there.access), 401);
    ck_assert_int_eq(profile_status(here.access), 401);
    ck_assert_int_eq(refresh_status(there.refresh, &reply), 401);
    ck_assert_int_eq(refresh_status(here.refresh, &reply), 200);
    ck_assert_int_eq(login_status("user@segs.local", rig.password[0], &reply), 401);
    ck_assert_int_eq(login_status("user@segs.local", "violet tractor 19 hums", &reply), 200);
    reply_free(&reply);
}
END_TEST

START_TEST(the_current_password_must_be_right_and_the_new_one_strong)
{
    struct tokens_of tokens;
    struct reply reply = { 0 };

    rig_login(&rig, 0, &tokens);
    ck_assert_int_eq(change_status(tokens.access, "not it", "violet tractor 19 hums", &reply), 403);
    ck_assert_int_eq(change_status(tokens.access, rig.password[0], "Password123!", &reply), 422);
    ck_assert_int_eq(profile_status(tokens.access), 200);
    reply_free(&reply);
}
END_TEST

/* ---- Profile ---- */

START_TEST(a_profile_is_changed_and_shown)
{
    struct tokens_of tokens;
    struct reply reply = { 0 };

    rig_login(&rig, 0, &tokens);
    call(&rig, "PUT", "/api/v1/users/profile", tokens.access,
         "{\"full_name\":\"Asha Rao\",\"phone\":\"+91 98 7654 3210\"}", &reply);
    ck_assert_int_eq(reply.status, 200);
    ck_assert(reply_has(&reply, "\"full_name\":\"Asha Rao\""));
    ck_assert(reply_has(&reply, "\"meter_id\":\"MTR-00000001\""));
    call(&rig, "PUT", "/api/v1/users/profile", tokens.access, "{\"phone\":\"call me\"}", &reply);
    ck_assert_int_eq(reply.status, 422);
    reply_free(&reply);
}
END_TEST

START_TEST(D_73_nobody_chooses_the_own_region_or_role)
{
    struct tokens_of tokens;
    const char *path = "/api/v1/users/profile";

    rig_login(&rig, 0, &tokens);
    ck_assert_int_eq(status_of_call(&rig, "PUT", path, tokens.access, "{\"region\":\"Delhi\"}"),
                     422);
    ck_assert_int_eq(status_of_call(&rig, "PUT", path, tokens.access, "{\"role\":\"ADMIN\"}"), 422);
    ck_assert_int_eq(status_of_call(&rig, "PUT", path, tokens.access, "{\"user_id\":\"x\"}"), 422);
}
END_TEST

START_TEST(D_76_faults_of_the_client_are_named_and_nothing_inside_is_shown)
{
    struct tokens_of tokens;
    struct reply reply = { 0 };

    call(&rig, "POST", "/api/v1/auth/login", NULL, "{\"email\":", &reply);
    ck_assert_int_eq(reply.status, 400);
    call(&rig, "POST", "/api/v1/auth/login", NULL, "{\"email\":1}", &reply);
    ck_assert_int_eq(reply.status, 422);
    ck_assert(reply_has(&reply, "/email"));
    rig_login(&rig, 0, &tokens);
    call(&rig, "GET", "/api/v1/telemetry/user/history?limit=abc", tokens.access, NULL, &reply);
    ck_assert_int_eq(reply.status, 400);
    ck_assert(reply_has(&reply, "limit"));
    rig_exec(&rig, "ALTER TABLE aggregates_15m RENAME TO gone");
    call(&rig, "GET", "/api/v1/telemetry/user/history", tokens.access, NULL, &reply);
    ck_assert_int_eq(reply.status, 500);
    ck_assert(!reply_has(&reply, "aggregates") && !reply_has(&reply, "SQL"));
    reply_free(&reply);
}
END_TEST

START_TEST(D_80_answers_carry_a_request_id_and_open_to_no_origin)
{
    struct tokens_of tokens;
    struct reply reply = { 0 };

    rig_login(&rig, 0, &tokens);
    call(&rig, "GET", "/api/v1/users/profile", tokens.access, NULL, &reply);
    ck_assert_ptr_nonnull(strstr(reply.head, "X-Request-Id: "));
    ck_assert_ptr_null(strstr(reply.head, "Access-Control-Allow-Origin"));
    ck_assert_ptr_nonnull(strstr(reply.head, "Cache-Control: no-store"));
    reply_free(&reply);
}
END_TEST

START_TEST(D_81_what_has_expired_is_deleted)
{
    struct tokens_of tokens;
    struct reply reply = { 0 };
    struct segs_error err = { 0 };

    rig_login(&rig, 0, &tokens);
    (void)login_status("user@segs.local", "not the password", &reply);
    rig.now_ms += INT64_C(31) * 86400000;
    ck_assert_int_eq(cleaner_run(rig.gateway, &err), 0);
    ck_assert_int_eq(rig_int(&rig, "SELECT COUNT(*) FROM logins"), 0);
    ck_assert_int_eq(rig_int(&rig, "SELECT COUNT(*) FROM refresh_tokens"), 0);
    ck_assert_int_eq(rig_int(&rig, "SELECT COUNT(*) FROM login_failures"), 0);
    reply_free(&reply);
}
END_TEST

/* ---- Start ---- */

START_TEST(a_weak_or_missing_secret_keeps_it_from_starting)
{
    static const char *const weak[] = { "JWT_SECRET", "your-secret-key-change-in-production",
                                        NULL };
    static const char *const few[] = { "JWT_SECRET", "short", NULL };
    struct segs_error err = { 0 };

    ck_assert_int_eq(rig_start_fails(NULL, &err), SEGS_EDENIED);
    ck_assert_str_eq(err.field, "JWT_KEY_FILE");
    ck_assert_int_eq(rig_start_fails(weak, &err), SEGS_EDENIED);
    ck_assert_str_eq(err.field, "JWT_SECRET");
    ck_assert_ptr_nonnull(strstr(err.message, "segs keygen"));
    ck_assert_int_eq(rig_start_fails(few, &err), SEGS_EDENIED);
}
END_TEST

START_TEST(a_key_file_that_others_may_read_is_refused)
{
    char path[] = "/tmp/segs-key-XXXXXX";
    const char *settings[] = { "JWT_KEY_FILE", path, NULL };
    struct segs_error err = { 0 };
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fchmod(fd, 0644), 0);
    (void)close(fd);
    ck_assert_int_eq(rig_start_fails(settings, &err), SEGS_EDENIED);
    (void)unlink(path);
}
END_TEST

START_TEST(the_public_key_is_published_and_nothing_private)
{
    struct reply reply = { 0 };

    call(&rig, "GET", "/.well-known/jwks.json", NULL, NULL, &reply);
    ck_assert_int_eq(reply.status, 200);
    ck_assert(reply_has(&reply, "\"keys\":[{"));
    ck_assert(reply_has(&reply, "Ed25519"));
    ck_assert(!reply_has(&reply, "\"d\""));
    reply_free(&reply);
}
END_TEST

START_TEST(demo_accounts_keep_their_passwords)
{
    struct tokens_of tokens;

    rig_restart(&rig, NULL);
    rig_login(&rig, 0, &tokens);
    rig_login(&rig, 1, &tokens);
    rig_login(&rig, 2, &tokens);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("gateway");
    TCase *login = tcase_create("login");
    TCase *start = tcase_create("start");

    tcase_add_checked_fixture(login, open_rig, close_rig);
    tcase_set_timeout(login, 60);
    tcase_add_test(login, who_logs_in_gets_a_token_that_works);
    tcase_add_test(login, the_address_is_not_case_sensitive);
    tcase_add_test(login, D_71_every_failed_login_looks_the_same);
    tcase_add_test(login, D_66_there_is_no_master_code);
    tcase_add_test(login, D_68_a_password_is_not_set_by_address);
    tcase_add_test(login, D_70_an_account_is_locked_after_ten_failures);
    tcase_add_test(login, each_failure_beyond_the_limit_doubles_the_wait);
    tcase_add_test(login, an_address_that_fails_too_often_waits_for_every_account);
    tcase_add_test(login, what_happens_to_logins_is_audited);
    tcase_add_test(login, an_old_hash_is_replaced_at_the_next_login);
    tcase_add_test(login, a_refresh_token_is_good_once_and_its_reuse_ends_the_login);
    tcase_add_test(login, D_75_refresh_tokens_are_not_stored_as_they_are);
    tcase_add_test(login, a_refresh_token_expires_when_it_is_not_used);
    tcase_add_test(login, a_login_ends_after_thirty_days_however_often_it_is_refreshed);
    tcase_add_test(login, an_access_token_expires);
    tcase_add_test(login, logout_ends_both_tokens_at_once);
    tcase_add_test(login, logout_of_all_ends_every_login_of_the_user_and_no_other);
    tcase_add_test(login, D_75_a_disabled_user_is_out_without_waiting_for_the_token_to_expire);
    tcase_add_test(login, D_75_a_changed_role_counts_and_a_raised_version_ends_older_tokens);
    tcase_add_test(login, nobody_passes_while_the_database_cannot_be_asked);
    tcase_add_test(login, D_79_a_token_of_another_issuer_key_or_kind_is_refused);
    tcase_add_test(login, logins_are_listed_and_one_can_be_ended);
    tcase_add_test(login, a_changed_password_ends_the_other_logins);
    tcase_add_test(login, the_current_password_must_be_right_and_the_new_one_strong);
    tcase_add_test(login, a_profile_is_changed_and_shown);
    tcase_add_test(login, D_73_nobody_chooses_the_own_region_or_role);
    tcase_add_test(login, D_76_faults_of_the_client_are_named_and_nothing_inside_is_shown);
    tcase_add_test(login, D_80_answers_carry_a_request_id_and_open_to_no_origin);
    tcase_add_test(login, D_81_what_has_expired_is_deleted);
    tcase_add_test(login, the_public_key_is_published_and_nothing_private);
    tcase_add_test(login, demo_accounts_keep_their_passwords);
    suite_add_tcase(s, login);
    tcase_add_test(start, a_weak_or_missing_secret_keeps_it_from_starting);
    tcase_add_test(start, a_key_file_that_others_may_read_is_refused);
    suite_add_tcase(s, start);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    int n_failed;

    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
