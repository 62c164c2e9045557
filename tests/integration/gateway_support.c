#include "gateway_support.h"

#include <arpa/inet.h>
#include <check.h>
#include <ftw.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api-gateway/service.h"
#include "runtime/buf.h"
#include "runtime/bus/bus.h"
#include "runtime/json.h"
#include "runtime/log.h"

const char *const rig_emails[3] = { "user@segs.local", "operator@segs.local", "admin@segs.local" };

static int64_t rig_clock(void *user)
{
    return ((struct rig *)user)->now_ms;
}

static void must(int r, const struct segs_error *err, const char *what)
{
    if (r < 0)
        ck_abort_msg("%s: %s (%s: %s)", what, rt_strerror(r), err->field, err->message);
}

static void configure(struct rig *rig, const char *const *settings)
{
    static char *const no_environment[] = { NULL };
    static const char *const base[] = { "GATEWAY_PORT", "0", "PASSWORD_COST", "1", "LOG_LEVEL",
                                        "error",        NULL };
    const struct rt_service *service = &segs_api_gateway_service;
    struct segs_error err = { 0 };

    must(rt_config_new(&rig->config), &err, "config");
    must(rt_config_add_table(rig->config, "common", rt_common_config, rt_n_common_config), &err,
         "config");
    must(rt_config_add_table(rig->config, service->name, service->config, service->n_config), &err,
         "config");
    must(rt_config_load(rig->config, NULL, no_environment, &err), &err, "config");
    for (size_t i = 0; base[i]; i += 2)
        must(rt_config_set(rig->config, base[i], base[i + 1], &err), &err, base[i]);
    for (size_t i = 0; settings && settings[i]; i += 2)
        must(rt_config_set(rig->config, settings[i], settings[i + 1], &err), &err, settings[i]);
    rt_log_setup(RT_LOG_ERROR, "text", "test");
    rt_log_set_fd(-1); /* Refusals are expected here. */
}

static int start(struct rig *rig, const char *const *settings, bool dev, struct segs_error *reterr)
{
    void *state = NULL;
    int r;

    configure(rig, settings);
    must(rt_app_open(rig->config, rig->dir, dev, &rig->app, reterr), reterr, "ports");
    rig->app.clock.now_ms = rig_clock;
    rig->app.clock.user = rig;
    r = segs_api_gateway_service.start(&rig->app, &state, reterr);
    rig->gateway = state;
    return r;
}

static void stop(struct rig *rig)
{
    if (rig->gateway) {
        segs_api_gateway_service.drain(rig->gateway);
        segs_api_gateway_service.stop(rig->gateway);
    }
    rt_app_close(&rig->app);
    rt_config_free(rig->config);
}

static void make_folder(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    rig->now_ms = RIG_NOW_MS;
    (void)snprintf(rig->dir, sizeof rig->dir, "/tmp/segs-gateway-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(rig->dir));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void read_passwords(struct rig *rig)
{
    struct rt_buf text = RT_BUF_INIT;
    const char *at;

    ck_assert_int_eq(gateway_dev_logins(rig->dir, &text), 0);
    at = text.data;
    for (int i = 0; i < 3; i++) {
        at = strstr(at, "\"password\":\"");
        ck_assert_ptr_nonnull(at);
        at += strlen("\"password\":\"");
        (void)snprintf(rig->password[i], sizeof rig->password[i], "%.*s", (int)strcspn(at, "\""),
                       at);
    }
    rt_buf_free(&text);
}

void rig_open(struct rig *rig, const char *const *settings)
{
    struct segs_error err = { 0 };

    make_folder(rig);
    must(start(rig, settings, true, &err), &err, "gateway");
    read_passwords(rig);
}

void rig_close(struct rig *rig)
{
    stop(rig);
    (void)nftw(rig->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void rig_restart(struct rig *rig, const char *const *settings)
{
    struct segs_error err = { 0 };

    stop(rig);
    must(start(rig, settings, true, &err), &err, "gateway");
}

int rig_start_fails(const char *const *settings, struct segs_error *reterr)
{
    struct rig rig;
    int r;

    make_folder(&rig);
    r = start(&rig, settings, false, reterr);
    rig_close(&rig);
    return r;
}

/* ---- Client ---- */

static int dial(const struct rig *rig)
{
    struct sockaddr_in to = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_port = htons((uint16_t)rt_http_port(rig->gateway->http));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

void call(const struct rig *rig, const char *method, const char *path, const char *token,
          const char *body, struct reply *reply)
{
    struct rt_buf text = RT_BUF_INIT;
    const char *end;
    ssize_t n;
    int fd = dial(rig);

    rt_buf_printf(&text, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", method, path);
    if (token)
        rt_buf_printf(&text, "Authorization: Bearer %s\r\n", token);
    if (body)
        rt_buf_printf(&text, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                      strlen(body));
    rt_buf_printf(&text, "\r\n%s", body ? body : "");
    ck_assert_int_eq(send(fd, text.data, text.len, MSG_NOSIGNAL), (ssize_t)text.len);
    rt_buf_clear(&text);
    while ((n = recv(fd, rt_buf_reserve(&text, 65536), 65535, 0)) > 0)
        text.len += (size_t)n;
    (void)close(fd);
    rt_buf_append(&text, "", 1);
    reply_free(reply);
    end = strstr(text.data, "\r\n\r\n");
    ck_assert_msg(end != NULL, "%s %s: no answer", method, path);
    reply->status = (int)strtol(text.data + strlen("HTTP/1.1 "), NULL, 10);
    (void)snprintf(reply->head, sizeof reply->head, "%.*s", (int)(end - text.data), text.data);
    reply->body = strdup(end + 4);
    rt_buf_free(&text);
}

int status_of_call(const struct rig *rig, const char *method, const char *path, const char *token,
                   const char *body)
{
    struct reply reply = { 0 };
    int status;

    call(rig, method, path, token, body, &reply);
    status = reply.status;
    reply_free(&reply);
    return status;
}

void reply_free(struct reply *reply)
{
    free(reply->body);
    reply->body = NULL;
}

void reply_text(const struct reply *reply, const char *name, char *buf, size_t cap)
{
    char want[80];
    const char *at;

    (void)snprintf(want, sizeof want, "\"%s\":\"", name);
    at = strstr(reply->body, want);
    buf[0] = '\0';
    if (at) {
        at += strlen(want);
        (void)snprintf(buf, cap, "%.*s", (int)strcspn(at, "\""), at);
    }
}

bool reply_has(const struct reply *reply, const char *text)
{
    return strstr(reply->body, text) != NULL;
}

void rig_login(const struct rig *rig, int who, struct tokens_of *ret)
{
    struct reply reply = { 0 };
    char body[256];

    (void)snprintf(body, sizeof body, "{\"email\":\"%s\",\"password\":\"%s\"}", rig_emails[who],
                   rig->password[who]);
    call(rig, "POST", "/api/v1/auth/login", NULL, body, &reply);
    ck_assert_msg(reply.status == 200, "login: %d %s", reply.status, reply.body);
    reply_text(&reply, "access_token", ret->access, sizeof ret->access);
    reply_text(&reply, "refresh_token", ret->refresh, sizeof ret->refresh);
    reply_free(&reply);
}

/* ---- Tables ---- */

void rig_exec(const struct rig *rig, const char *sql)
{
    struct rt_db_conn *conn = NULL;
    struct segs_error err = { 0 };

    must(rt_db_acquire(rig->app.db, RT_DB_WRITE, 5000, &conn, &err), &err, sql);
    must(rt_db_exec(conn, sql, NULL, 0, NULL, &err), &err, sql);
    rt_db_release(conn);
}

int64_t rig_int(const struct rig *rig, const char *sql)
{
    struct rt_db_conn *conn = NULL;
    struct segs_error err = { 0 };
    int64_t value = INT64_MIN;
    int r;

    must(rt_db_acquire(rig->app.db, RT_DB_READ, 5000, &conn, &err), &err, sql);
    r = rt_db_query_int(conn, sql, NULL, 0, &value, &err);
    if (r != SEGS_ENOTFOUND)
        must(r, &err, sql);
    rt_db_release(conn);
    return value;
}

static void exec_params(const struct rig *rig, const char *sql, const struct rt_db_value *params,
                        size_t n)
{
    struct rt_db_conn *conn = NULL;
    struct segs_error err = { 0 };
    int64_t changed = 0;

    must(rt_db_acquire(rig->app.db, RT_DB_WRITE, 5000, &conn, &err), &err, sql);
    must(rt_db_exec(conn, sql, params, n, &changed, &err), &err, sql);
    ck_assert_int_eq(changed, 1);
    rt_db_release(conn);
}

void rig_window(const struct rig *rig, const char *meter_id, int64_t width_ms, int64_t start_ms,
                int64_t count, int64_t power_micro_kw, int64_t energy_micro_kwh)
{
    int32_t partition = rt_bus_partition_of(meter_id, strlen(meter_id), rig->gateway->n_partitions);
    struct rt_db_value params[8] = { RT_DB_I(start_ms),       RT_DB_I(partition),
                                     rt_db_text(meter_id),    RT_DB_I(count),
                                     RT_DB_I(power_micro_kw), RT_DB_I(energy_micro_kwh),
                                     RT_DB_I(width_ms),       RT_DB_N };
#define COLUMNS                                                                                    \
    " (window_start_ms, partition, meter_key, region_key, count, power_count, power_sum_micro_kw," \
    " power_min_micro_kw, power_max_micro_kw, energy_count, energy_sum_micro_kwh, voltage_count,"  \
    " voltage_sum_milli_v, current_count, current_sum_milli_a, first_ts_ms, last_ts_ms, slots,"    \
    " fp0, fp1, fp2, fp3, quality)"                                                                \
    " SELECT $1, $2, meter_key, region_key, $4, $4, $4 * $5, $5, $5, $4, $6, 0, 0, 0, 0, $1,"      \
    " $1 + $7 - 1000, 1, 0, 0, 0, 0, 0 FROM meters WHERE meter_id = $3"

    exec_params(rig,
                width_ms == 60000 ? "INSERT INTO aggregates_1m" COLUMNS
                                  : "INSERT INTO aggregates_15m" COLUMNS,
                params, 7);
}

void rig_reading(const struct rig *rig, const char *meter_id, int64_t ts_ms, int64_t power_micro_kw)
{
    int32_t partition = rt_bus_partition_of(meter_id, strlen(meter_id), rig->gateway->n_partitions);
    struct rt_db_value params[6] = {
        RT_DB_I(ts_ms - ts_ms % 60000), RT_DB_I(partition), rt_db_text(meter_id),
        RT_DB_I(ts_ms / 1000 % 60),     RT_DB_I(ts_ms),     RT_DB_I(power_micro_kw)
    };

    exec_params(rig,
                "INSERT INTO raw_readings (window_start_ms, partition, meter_key, slot, ts_ms,"
                " present, power_micro_kw, status, hash_hi, hash_lo)"
                " SELECT $1, $2, meter_key, $4, $5, 1, $6, 0, 0, 0 FROM meters WHERE meter_id = $3",
                params, 6);
}
