/* segs dev: every service in one process on the embedded engines, for this machine alone. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingestion/service.h"
#include "runtime/buf.h"
#include "runtime/json.h"
#include "runtime/log.h"
#include "runtime/service.h"
#include "segs/commands.h"
#include "stream-processor/service.h"

extern char **environ;

#define SERVICES_MAX 8
#define SETTINGS_MAX 64

struct dev {
    struct rt_config *config;
    const struct rt_service *services[SERVICES_MAX];
    size_t n_services;
    const char *config_file;
    char *settings[SETTINGS_MAX]; /* KEY=VALUE of the command line. */
    size_t n_settings;
    bool without_simulator;
    bool help;
};

/* ---- Command line ---- */

static bool add_setting(struct dev *dev, const char *name, const char *value)
{
    size_t size = strlen(name) + strlen(value) + 2;
    char *text = dev->n_settings < SETTINGS_MAX ? malloc(size) : NULL;

    if (!text)
        return false;
    (void)snprintf(text, size, "%s=%s", name, value);
    dev->settings[dev->n_settings++] = text;
    return true;
}

static bool add_assignment(struct dev *dev, const char *text)
{
    const char *equals = strchr(text, '=');
    char name[128];

    if (!equals || equals == text || (size_t)(equals - text) >= sizeof name) {
        (void)fprintf(stderr, "segs dev: --set: expected KEY=VALUE, found \"%s\"\n", text);
        return false;
    }
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = '\0';
    return add_setting(dev, name, equals + 1);
}

static bool parse(struct dev *dev, int argc, char **argv)
{
    static const struct option options[] = { { "data", required_argument, NULL, 'd' },
                                             { "config", required_argument, NULL, 'c' },
                                             { "meters", required_argument, NULL, 'm' },
                                             { "interval", required_argument, NULL, 'i' },
                                             { "mode", required_argument, NULL, 'o' },
                                             { "set", required_argument, NULL, 's' },
                                             { "no-simulator", no_argument, NULL, 'n' },
                                             { "help", no_argument, NULL, 'h' },
                                             { NULL, 0, NULL, 0 } };
    int option;
    bool ok = true;

    while (ok && (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'd':
            ok = add_setting(dev, "DATA_DIR", optarg);
            break;
        case 'c':
            dev->config_file = optarg;
            break;
        case 'm':
            ok = add_setting(dev, "METERS", optarg);
            break;
        case 'i':
            ok = add_setting(dev, "INTERVAL", optarg);
            break;
        case 'o':
            ok = add_setting(dev, "MODE", optarg);
            break;
        case 's':
            ok = add_assignment(dev, optarg);
            break;
        case 'n':
            dev->without_simulator = true;
            break;
        case 'h':
            dev->help = true;
            break;
        default:
            ok = false;
        }
    }
    if (ok && optind < argc) {
        (void)fprintf(stderr, "segs dev: expected no argument, found \"%s\"\n", argv[optind]);
        ok = false;
    }
    return ok;
}

static void print_help(const struct rt_config *config)
{
    struct rt_buf text = RT_BUF_INIT;

    rt_buf_text(&text,
                "Examples:\n"
                "  segs dev                              5000 simulated meters\n"
                "  segs dev --meters 100 --interval 1s   few meters, often\n"
                "  segs dev --no-simulator               wait for your own readings\n"
                "\n"
                "Usage: segs dev [OPTION]...\n\n"
                "      --data DIR        the data folder (DATA_DIR), .segs by default\n"
                "      --config FILE     read settings from FILE (lines KEY=value)\n"
                "      --meters N        simulated meters (METERS)\n"
                "      --interval TIME   reporting interval of the simulated meters (INTERVAL)\n"
                "      --mode MODE       normal, peak, outage or mixed (MODE)\n"
                "      --no-simulator    start no simulator\n"
                "      --set KEY=VALUE   any setting below\n"
                "  -h, --help            show this text\n"
                "\n");
    rt_config_print_help(config, &text);
    if (rt_buf_status(&text) == 0)
        (void)fwrite(text.data, 1, text.len, stdout);
    rt_buf_free(&text);
}

/* ---- Configuration ---- */

static int add_services(struct dev *dev)
{
    int r = rt_config_add_table(dev->config, "common", rt_common_config, rt_n_common_config);

    dev->services[dev->n_services++] = &segs_stream_processor_service;
    dev->services[dev->n_services++] = &segs_ingestion_service;
    for (size_t i = 0; r == 0 && i < dev->n_services; i++)
        r = rt_config_add_table(dev->config, dev->services[i]->name, dev->services[i]->config,
                                dev->services[i]->n_config);
    return r;
}

/* What `segs dev` decides unless the user did. */
static int set_dev_defaults(struct dev *dev, struct segs_error *reterr)
{
    int r = 0;

    if (!rt_config_is_set(dev->config, "INGEST_AUTH"))
        r = rt_config_set(dev->config, "INGEST_AUTH", "none", reterr);
    return r;
}

static int configure(struct dev *dev, struct segs_error *reterr)
{
    int r = rt_config_load(dev->config, dev->config_file, environ, reterr);

    for (size_t i = 0; r == 0 && i < dev->n_settings; i++) {
        char *equals = strchr(dev->settings[i], '=');

        *equals = '\0';
        r = rt_config_set(dev->config, dev->settings[i], equals + 1, reterr);
        *equals = '=';
    }
    return r < 0 ? r : set_dev_defaults(dev, reterr);
}

/* ---- Running ---- */

/* <data>/segs.json tells `segs status` and `segs down` where this process is. */
static int write_run_file(const struct rt_app *app, const struct dev *dev)
{
    struct rt_buf text = RT_BUF_INIT;
    struct rt_json_out out;
    char path[4200];
    char temporary[4210];
    FILE *file;
    int r = -1;

    rt_json_begin(&out, &text);
    rt_json_object(&out, NULL);
    rt_json_put_int(&out, "pid", getpid());
    rt_json_put_time(&out, "started_at", rt_clock_now_ms(NULL));
    rt_json_put_string(&out, "bind", rt_config_string(dev->config, "BIND_ADDRESS"));
    rt_json_object(&out, "ports");
    for (size_t i = 0; i < dev->n_services; i++)
        rt_json_put_int(&out, dev->services[i]->name,
                        rt_config_int(dev->config, dev->services[i]->port_key));
    rt_json_end_object(&out);
    rt_json_end_object(&out);
    rt_buf_text(&text, "\n");

    (void)snprintf(path, sizeof path, "%s/segs.json", app->data_dir);
    (void)snprintf(temporary, sizeof temporary, "%s.new", path);
    file = rt_buf_status(&text) == 0 ? fopen(temporary, "w") : NULL;
    if (file) {
        r = fwrite(text.data, 1, text.len, file) == text.len ? 0 : -1;
        if (fclose(file) != 0 || r < 0 || rename(temporary, path) != 0)
            r = -1;
    }
    rt_buf_free(&text);
    return r;
}

static void on_up(struct rt_app *app, void *user)
{
    const struct dev *dev = user;
    const char *bind = rt_config_string(dev->config, "BIND_ADDRESS");

    if (write_run_file(app, dev) < 0)
        rt_log(RT_LOG_WARN, "cannot write segs.json: `segs status` will not find this process",
               RT_STR("reason", strerror(errno)));
    (void)printf("SEGS is up (process %ld). For development: not for production.\n\n",
                 (long)getpid());
    for (size_t i = 0; i < dev->n_services; i++)
        (void)printf("  %-18s http://%s:%" PRId64 "\n", dev->services[i]->name, bind,
                     rt_config_int(dev->config, dev->services[i]->port_key));
    (void)printf("  %-18s %s\n\n", "data", app->data_dir);
    (void)fflush(stdout);
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

    if (r < 0)
        (void)fprintf(stderr, "segs dev: %s%s%s\n", err.field, err.field[0] ? ": " : "",
                      err.message[0] ? err.message : rt_strerror(r));
    return r < 0 ? EXIT_UNUSABLE : EXIT_DONE;
}

static int with_config(struct dev *dev, int argc, char **argv)
{
    struct segs_error err = { 0 };

    if (add_services(dev) < 0 || !parse(dev, argc, argv))
        return EXIT_UNUSABLE;
    if (dev->help) {
        print_help(dev->config);
        return EXIT_DONE;
    }
    if (configure(dev, &err) < 0) {
        (void)fprintf(stderr, "segs dev: %s: %s\n", err.field, err.message);
        return EXIT_UNUSABLE;
    }
    return run(dev);
}

int command_dev(int argc, char **argv)
{
    struct dev dev = { 0 };
    int status;

    if (rt_config_new(&dev.config) < 0)
        return EXIT_UNUSABLE;
    status = with_config(&dev, argc, argv);
    for (size_t i = 0; i < dev.n_settings; i++)
        free(dev.settings[i]);
    rt_config_free(dev.config);
    return status;
}
