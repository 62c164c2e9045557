#include "api-gateway/service.h"

#include <stdlib.h>

#include "api-gateway/cleaner.h"
#include "api-gateway/dev.h"
#include "api-gateway/gateway.h"
#include "api-gateway/routes.h"
#include "runtime/schema/schema.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS INT64_C(86400000)

static const struct rt_config_entry config_table[] = {
    { .name = "GATEWAY_PORT",
      .alias = "PORT",
      .fallback = "3000",
      .type = RT_CONFIG_INT,
      .min = 0,
      .max = 65535,
      .help = "Port of the API; 0 takes a free one." },
    RT_AUTHZ_CONFIG,
    { .name = "JWT_EXPIRES_IN",
      .fallback = "15m",
      .unit = "s",
      .type = RT_CONFIG_DURATION,
      .min = 1000,
      .max = 15 * MINUTE_MS,
      .help = "Life of an access token." },
    { .name = "REFRESH_TOKEN_EXPIRES_IN",
      .fallback = "7d",
      .unit = "s",
      .type = RT_CONFIG_DURATION,
      .min = MINUTE_MS,
      .max = 30 * DAY_MS,
      .help = "Life of a refresh token that is not used." },
    { .name = "LOGIN_EXPIRES_IN",
      .fallback = "30d",
      .unit = "s",
      .type = RT_CONFIG_DURATION,
      .min = MINUTE_MS,
      .max = 365 * DAY_MS,
      .help = "Life of a login, however often it is refreshed." },
    { .name = "LOGIN_ATTEMPTS",
      .fallback = "10",
      .unit = "failures",
      .type = RT_CONFIG_INT,
      .min = 1,
      .max = 50,
      .help = "Failed logins in a row after which an account waits, ever longer." },
    { .name = "LOGIN_PEER_ATTEMPTS",
      .fallback = "100",
      .unit = "failures",
      .type = RT_CONFIG_INT,
      .min = 1,
      .max = 1000000,
      .help = "Failed logins of one address after which it waits." },
    { .name = "PASSWORD_COST",
      .fallback = "7",
      .type = RT_CONFIG_INT,
      .min = 1,
      .max = 11,
      .help = "Cost of password hashes; each step doubles time and memory." },
    { .name = "PASSWORD_PARALLEL",
      .fallback = "0",
      .unit = "hashes",
      .type = RT_CONFIG_INT,
      .min = 0,
      .max = 1024,
      .help = "Password hashes computed at once; 0: as many as there are cores." },
    { .name = "METER_INTERVAL",
      .fallback = "10s",
      .unit = "s",
      .type = RT_CONFIG_DURATION,
      .min = 1000,
      .max = 3600000,
      .help = "Reporting interval of the meters: expected readings, and energy of readings that "
              "carry power alone." },
    { .name = "ZONEINFO_DIR",
      .fallback = "/usr/share/zoneinfo",
      .type = RT_CONFIG_STRING,
      .min = 1,
      .max = 3000,
      .help = "Folder of the time zones." },
};

static int authorise(struct rt_http_exchange *x, const struct rt_http_route *route, void *user)
{
    struct gateway *gateway = user;

    return rt_authz_admit(gateway->authz, x, (int32_t)route->access);
}

static void read_settings(struct gateway *gateway)
{
    const struct rt_config *config = gateway->app->config;

    gateway->access_ms = rt_config_int(config, "JWT_EXPIRES_IN");
    gateway->refresh_ms = rt_config_int(config, "REFRESH_TOKEN_EXPIRES_IN");
    gateway->login_ms = rt_config_int(config, "LOGIN_EXPIRES_IN");
    gateway->account_attempts = rt_config_int(config, "LOGIN_ATTEMPTS");
    gateway->peer_attempts = rt_config_int(config, "LOGIN_PEER_ATTEMPTS");
    gateway->password_cost = rt_config_int(config, "PASSWORD_COST");
    gateway->interval_ms = rt_config_int(config, "METER_INTERVAL");
    gateway->n_partitions = (int32_t)rt_config_int(config, "RAW_PARTITIONS");
}

static int prepare(struct gateway *gateway, struct segs_error *reterr)
{
    const struct rt_config *config = gateway->app->config;
    int r = rt_schema_migrate(gateway->app->db, reterr);

    if (r == 0)
        r = rt_authz_new(gateway->app, &gateway->authz, reterr);
    if (r == 0)
        r = rt_zoneinfo_new(rt_config_string(config, "ZONEINFO_DIR"), &gateway->zones, reterr);
    if (r == 0)
        r = hashing_new(rt_config_int(config, "PASSWORD_PARALLEL"), gateway->password_cost,
                        &gateway->hashing);
    if (r == 0 && gateway->app->dev && gateway->app->data_dir)
        r = dev_accounts(gateway, reterr);
    if (r == 0)
        r = cleaner_new(gateway, &gateway->cleaner, reterr);
    return r;
}

static int start_http(struct gateway *gateway, struct segs_error *reterr)
{
    struct rt_http_options options = {
        .service = "api-gateway",
        .bind = rt_config_string(gateway->app->config, "BIND_ADDRESS"),
        .port = (int32_t)rt_config_int(gateway->app->config, "GATEWAY_PORT"),
        .routes = gateway_routes,
        .authorise = authorise,
        .user = gateway,
        .metrics = gateway->app->metrics,
        .readiness_of = &segs_api_gateway_service,
        .readiness_state = gateway,
    };

    return rt_http_start(&options, &gateway->http, reterr);
}

static void stop(void *state)
{
    struct gateway *gateway = state;

    if (!gateway)
        return;
    rt_http_stop(gateway->http);
    cleaner_free(gateway->cleaner);
    hashing_free(gateway->hashing);
    rt_zoneinfo_free(gateway->zones);
    rt_authz_free(gateway->authz);
    free(gateway);
}

static int start(struct rt_app *app, void **ret_state, struct segs_error *reterr)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    int r;

    if (!gateway)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the gateway");
    gateway->app = app;
    read_settings(gateway);
    r = prepare(gateway, reterr);
    if (r == 0)
        r = start_http(gateway, reterr);
    if (r < 0) {
        stop(gateway);
        return r;
    }
    *ret_state = gateway;
    return 0;
}

static void ready(void *state, rt_ready_fn *report, void *user)
{
    struct gateway *gateway = state;
    struct rt_db_conn *conn = NULL;
    bool is_up = rt_db_acquire(gateway->app->db, RT_DB_READ, 50, &conn, NULL) == 0;

    rt_db_release(conn);
    report("database", is_up, is_up ? "answers" : "no connection is free", user);
}

static void drain(void *state)
{
    struct gateway *gateway = state;

    rt_http_drain(gateway->http);
}

const struct rt_service segs_api_gateway_service = {
    .name = "api-gateway",
    .config = config_table,
    .n_config = sizeof config_table / sizeof config_table[0],
    .port_key = "GATEWAY_PORT",
    .start = start,
    .ready = ready,
    .drain = drain,
    .stop = stop,
};
