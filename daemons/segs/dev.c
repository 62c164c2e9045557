/* segs dev: every service in one process on the embedded engines, for this machine alone. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api-gateway/service.h"
#include "runtime/buf.h"
#include "runtime/json.h"
#include "runtime/log.h"
#include "runtime/service.h"
#include "segs/cli.h"
#include "segs/commands.h"
#include "segs/run_file.h"
#include "simulator/service.h"

#define LOOPBACK "127.0.0.1"

struct dev {
    struct rt_config *config;
    const struct rt_service *services[CLI_SERVICES_MAX];
    size_t n_services;
    struct cli_settings settings;
    char data_dir[4096]; /* Absolute, once it is open. */
    bool without_simulator;
    bool wants_help;
};

/* ---- Command line ---- */

static const struct option long_options[] = {
    { "data", required_argument, NULL, 'd' },   { "config", required_argument, NULL, 'c' },
    { "meters", required_argument, NULL, 'm' }, { "interval", required_argument, NULL, 'i' },
    { "mode", required_argument, NULL, 'o' },   { "port-base", required_argument, NULL, 'p' },
    { "set", required_argument, NULL, 's' },    { "no-simulator", no_argument, NULL, 'n' },
    { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 }
};

/* Ports in a row, in the order in which they are documented. */
static bool set_ports(struct dev *dev, const char *text)
{
    static const char *const names[] = { "GATEWAY_PORT", "INGESTION_PORT", "STREAM_PORT",
                                         "SIMULATOR_PORT" };
    const struct rt_service *all[CLI_SERVICES_MAX];
    size_t n_all = cli_services(all, true);
    char *end = NULL;
    long base = strtol(text, &end, 10);
    char value[16];

    if (*text == '\0' || *end != '\0' || base < 1 || base > 65532) {
        (void)fprintf(stderr, "segs dev: --port-base: expected a port of 1..65532, found \"%s\"\n",
                      text);
        return false;
    }
    for (long i = 0; i < 4; i++) {
        (void)snprintf(value, sizeof value, "%ld", base + i);
        for (size_t k = 0; k < n_all; k++) {
            if (strcmp(all[k]->port_key, names[i]) == 0 &&
                !cli_set(&dev->settings, "dev", names[i], value))
                return false;
        }
    }
    return true;
}

/* The processor expects what the simulated meters send. */
static bool set_interval(struct dev *dev, const char *text)
{
    return cli_set(&dev->settings, "dev", "METER_INTERVAL", text) &&
           cli_set(&dev->settings, "dev", "INTERVAL", text);
}

static bool parse(struct dev *dev, int argc, char **argv)
{
    const char *interval = NULL;
    int option;
    bool ok = true;

    opterr = 0;
    while (ok && (option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        switch (option) {
        case 'd':
            ok = cli_set(&dev->settings, "dev", "DATA_DIR", optarg);
            break;
        case 'c':
            dev->settings.config_file = optarg;
            break;
        case 'm':
            ok = cli_set(&dev->settings, "dev", "METERS", optarg);
            break;
        case 'i':
            interval = optarg;
            break;
        case 'o':
            ok = cli_set(&dev->settings, "dev", "MODE", optarg);
            break;
        case 'p':
            ok = set_ports(dev, optarg);
            break;
        case 's':
            ok = cli_set_assignment(&dev->settings, "dev", optarg);
            break;
        case 'n':
            dev->without_simulator = true;
            break;
        case 'h':
            dev->wants_help = true;
            break;
        default:
            cli_unknown_option("dev", long_options, argv);
            ok = false;
        }
    }
    if (ok && interval)
        ok = set_interval(dev, interval);
    return ok && cli_no_arguments("dev", argc, argv);
}

static const char help[] =
    "Examples:\n"
    "  segs dev                              run SEGS here with a simulated grid\n"
    "  segs dev --meters 100 --interval 1s   few meters, often\n"
    "  segs dev --no-simulator               wait for your own readings\n"
    "  segs dev --set ALLOWED_LATENESS=1m    any setting below\n"
    "\n"
    "Usage: segs dev [OPTION]...\n"
    "\n"
    "Runs every service in this process on embedded engines, reachable from this machine alone "
    "and\n"
    "without passwords for the intake: for trying out and developing, not for production. Ends on\n"
    "Ctrl-C or `segs down`; the data folder stays.\n"
    "\n"
    "      --data DIR        the data folder (DATA_DIR), .segs by default\n"
    "      --config FILE     read settings from FILE (lines KEY=value)\n"
    "      --meters N        simulated meters (METERS)\n"
    "      --interval TIME   reporting interval of the meters (INTERVAL and METER_INTERVAL)\n"
    "      --mode MODE       normal, peak, outage or mixed (MODE)\n"
    "      --no-simulator    start no simulator\n"
    "      --port-base N     ports N (gateway), N+1 (intake), N+2 (stream processor), N+3 "
    "(simulator)\n"
    "      --set KEY=VALUE   any setting below\n"
    "  -h, --help            show this text\n"
    "\n"
    "Exit status: 0 stopped on request, 2 it could not start.\n";

static int print_help(void)
{
    const struct rt_service *all[CLI_SERVICES_MAX];
    size_t n_all = cli_services(all, true);
    struct rt_config *config = cli_config_tables(all, n_all);
    struct rt_buf text = RT_BUF_INIT;

    if (!config)
        return EXIT_UNUSABLE;
    rt_buf_text(&text, help);
    rt_config_print_help(config, &text);
    if (rt_buf_status(&text) == 0)
        (void)fwrite(text.data, 1, text.len, stdout);
    rt_buf_free(&text);
    rt_config_free(config);
    return EXIT_DONE;
}

/* ---- What `segs dev` decides unless the user did ---- */

static int set_default(struct dev *dev, const char *name, const char *value,
                       struct segs_error *reterr)
{
    return rt_config_is_set(dev->config, name) ? 0
                                               : rt_config_set(dev->config, name, value, reterr);
}

static int set_simulator_defaults(struct dev *dev, struct segs_error *reterr)
{
    struct rt_buf capacities = RT_BUF_INIT;
    char url[128];
    int r;

    (void)snprintf(url, sizeof url, "http://" LOOPBACK ":%" PRId64 "/telemetry/batch",
                   rt_config_int(dev->config, "INGESTION_PORT"));
    r = set_default(dev, "INGESTION_URL", url, reterr);
    simulator_region_capacities(dev->config, &capacities);
    if (r == 0 && capacities.len > 0 && rt_buf_status(&capacities) == 0)
        r = set_default(dev, "REGION_CAPACITIES", capacities.data, reterr);
    rt_buf_free(&capacities);
    return r;
}

static int set_defaults(struct dev *dev, struct segs_error *reterr)
{
    const char *bind = rt_config_string(dev->config, "BIND_ADDRESS");
    int r = set_default(dev, "INGEST_AUTH", "none", reterr);

    if (strcmp(bind, LOOPBACK) != 0)
        return rt_fail(reterr, SEGS_EDENIED, "BIND_ADDRESS",
                       "expected " LOOPBACK ", found %s: `segs dev` is open to everyone who can "
                       "reach it, so that is this machine alone",
                       bind);
    if (r == 0 && !dev->without_simulator)
        r = set_simulator_defaults(dev, reterr);
    return r;
}

/* ---- Running ---- */

static void describe(const struct dev *dev, struct run_file *run)
{
    memset(run, 0, sizeof *run);
    run->pid = getpid();
    run->start_ticks = run_process_start_ticks(run->pid);
    run->started_at_ms = rt_clock_now_ms(NULL);
    (void)snprintf(run->data_dir, sizeof run->data_dir, "%s", dev->data_dir);
    for (size_t i = 0; i < dev->n_services; i++) {
        struct run_service *service = &run->services[run->n_services++];

        (void)snprintf(service->name, sizeof service->name, "%s", dev->services[i]->name);
        (void)snprintf(service->url, sizeof service->url, "http://" LOOPBACK ":%" PRId64,
                       rt_config_int(dev->config, dev->services[i]->port_key));
    }
}

static const char *url_of(const struct run_file *run, const char *name)
{
    for (size_t i = 0; i < run->n_services; i++) {
        if (strcmp(run->services[i].name, name) == 0)
            return run->services[i].url;
    }
    return NULL;
}

static void print_line(const char *label, const char *url, const char *path)
{
    if (url)
        (void)printf("  %-18s %s%s\n", label, url, path);
}

static const struct rt_json_member login_members[] = {
    { .name = "email", .type = RT_JSON_STRING, .required = true },
    { .name = "password", .type = RT_JSON_STRING, .required = true },
    { .name = "role", .type = RT_JSON_STRING, .required = true },
    { .name = NULL }
};

static void print_login(const char *text, size_t len)
{
    struct rt_json *json = NULL;

    if (rt_json_parse(text, len, &json, NULL) == 0 &&
        rt_json_check(json, login_members, NULL, NULL) == 0)
        (void)printf("  %-18s %-22s password %s\n", rt_json_string(json, "role"),
                     rt_json_string(json, "email"), rt_json_string(json, "password"));
    rt_json_free(json);
}

static void print_logins(const char *data_dir)
{
    struct rt_buf text = RT_BUF_INIT;
    struct rt_json *json = NULL;

    if (gateway_dev_logins(data_dir, &text) == 0 && rt_buf_status(&text) == 0 &&
        rt_json_parse(text.data, text.len, &json, NULL) == 0) {
        (void)printf("\n  Demo logins, made for this data folder:\n");
        for (size_t i = 0; i < rt_json_n_elements(json); i++) {
            size_t len = 0;
            const char *login = rt_json_raw_at(json, i, &len);

            print_login(login, len);
        }
    }
    rt_json_free(json);
    rt_buf_free(&text);
}

static void print_summary(const struct run_file *run, bool has_simulator)
{
    bool color = cli_has_color(STDOUT_FILENO);
    const char *gateway = url_of(run, "api-gateway");
    const char *ingestion = url_of(run, "ingestion");

    (void)printf("\n%sSEGS is up%s (process %" PRId64 ")\n", color ? "\033[1m" : "",
                 color ? "\033[0m" : "", run->pid);
    (void)printf("%sFor development on this machine: not for production.%s\n\n",
                 color ? "\033[33m" : "", color ? "\033[0m" : "");
    print_line("API", gateway, "/api/v1");
    print_line("Send readings to", ingestion, "/telemetry");
    print_line("  in batches", ingestion, "/telemetry/batch");
    print_line("Metrics", ingestion, "/metrics");
    print_line("Partitions", url_of(run, "stream-processor"), "/partitions");
    if (has_simulator)
        print_line("Simulator", url_of(run, "simulator"), "/health");
    (void)printf("  %-18s %s\n", "Data folder", run->data_dir);
    print_logins(run->data_dir);
    (void)printf("\n  segs status --data %s    how it is doing\n"
                 "  segs down --data %s      stop it\n\n",
                 run->data_dir, run->data_dir);
    (void)fflush(stdout);
}

static void on_up(struct rt_app *app, void *user)
{
    struct dev *dev = user;
    struct segs_error err = { 0 };
    struct run_file run;
    int r;

    (void)snprintf(dev->data_dir, sizeof dev->data_dir, "%s", app->data_dir);
    describe(dev, &run);
    run_interval_note(dev->data_dir, rt_config_int(dev->config, "METER_INTERVAL"));
    r = run_file_write(dev->data_dir, &run, &err);
    if (r < 0)
        rt_log_failure(RT_LOG_WARN, "`segs status` and `segs down` will not find this process", r,
                       &err);
    print_summary(&run, !dev->without_simulator);
}

static int run(struct dev *dev)
{
    struct segs_error err = { 0 };
    struct rt_run_options options = { .services = dev->services,
                                      .n_services = dev->n_services,
                                      .config = dev->config,
                                      .data_dir = rt_config_string(dev->config, "DATA_DIR"),
                                      .dev = true,
                                      .on_up = on_up,
                                      .user = dev };
    int r = rt_run(&options, &err);

    if (dev->data_dir[0])
        run_file_remove(dev->data_dir);
    if (r < 0)
        cli_complain("dev", r, &err);
    return r < 0 ? EXIT_UNUSABLE : EXIT_DONE;
}

static int start(struct dev *dev)
{
    /* Settings of a service that is left out are settings all the same. */
    const struct rt_service *all[CLI_SERVICES_MAX];
    size_t n_all = cli_services(all, true);
    struct segs_error err = { 0 };
    int r;

    dev->config = cli_config("dev", all, n_all, &dev->settings);
    if (!dev->config)
        return EXIT_UNUSABLE;
    r = set_defaults(dev, &err);
    if (r < 0) {
        cli_complain("dev", r, &err);
        return EXIT_UNUSABLE;
    }
    return run(dev);
}

int command_dev(int argc, char **argv)
{
    struct dev *dev = calloc(1, sizeof *dev);
    int status = EXIT_UNUSABLE;

    if (!dev)
        return EXIT_UNUSABLE;
    if (parse(dev, argc, argv)) {
        dev->n_services = cli_services(dev->services, !dev->without_simulator);
        status = dev->wants_help ? print_help() : start(dev);
    }
    rt_config_free(dev->config);
    free(dev);
    return status;
}
