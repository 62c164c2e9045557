#include "runtime/service.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <segs/version.h>

#include "runtime/log.h"

#define EXIT_USAGE 2

extern char **environ;

struct arguments {
    const char *config_file;
    const char *data_dir;
    bool help;
    bool version;
    bool check;
};

static bool parse_arguments(int argc, char **argv, struct arguments *ret)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' }, { "data-dir", required_argument, NULL, 'd' },
        { "check-config", no_argument, NULL, 'k' }, { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },      { NULL, 0, NULL, 0 }
    };
    int option;

    while ((option = getopt_long(argc, argv, "c:d:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            ret->config_file = optarg;
            break;
        case 'd':
            ret->data_dir = optarg;
            break;
        case 'k':
            ret->check = true;
            break;
        case 'h':
            ret->help = true;
            break;
        case 'V':
            ret->version = true;
            break;
        default:
            return false;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "%s: expected no argument, found \"%s\"\n", argv[0], argv[optind]);
        return false;
    }
    return true;
}

static int print(const struct rt_buf *text)
{
    if (rt_buf_status(text) < 0 || fwrite(text->data, 1, text->len, stdout) != text->len ||
        fflush(stdout) != 0)
        return EXIT_FAILURE;
    return EXIT_SUCCESS;
}

static int print_help(const struct rt_config *config, const char *service)
{
    struct rt_buf text = RT_BUF_INIT;
    int status;

    rt_buf_printf(
        &text,
        "Usage: segs-%s [OPTION]...\n"
        "\n"
        "  -c, --config FILE    read settings from FILE (lines KEY=value)\n"
        "  -d, --data-dir DIR   the same as DATA_DIR\n"
        "      --check-config   show the settings in force and where they come from\n"
        "  -h, --help           show this text\n"
        "      --version        show the version\n"
        "\n"
        "The environment wins over the file, the command line over both. Each setting is\n"
        "also read under its name with SEGS_ before it, and a secret from the file that\n"
        "NAME_FILE names.\n",
        service);
    rt_config_print_help(config, &text);
    status = print(&text);
    rt_buf_free(&text);
    return status;
}

static int print_values(const struct rt_config *config)
{
    struct rt_buf text = RT_BUF_INIT;
    int status;

    rt_config_print_values(config, &text);
    status = print(&text);
    rt_buf_free(&text);
    return status;
}

/* Before the log is set up, so in plain words. */
static void say_config_failure(const char *service, const char *file, const struct segs_error *err)
{
    (void)fprintf(stderr, "segs-%s: ", service);
    if (file && err->line > 0)
        (void)fprintf(stderr, "%s:%lld: ", file, (long long)err->line);
    if (err->field[0])
        (void)fprintf(stderr, "%s: ", err->field);
    (void)fprintf(stderr, "%s\n", err->message[0] ? err->message : rt_strerror(err->code));
}

static int load(struct rt_config *config, const struct rt_service *service,
                const struct arguments *arguments, struct segs_error *reterr)
{
    int r = rt_config_load(config, arguments->config_file, environ, reterr);

    if (r == 0 && arguments->data_dir)
        r = rt_config_set(config, "DATA_DIR", arguments->data_dir, reterr);
    if (r < 0)
        say_config_failure(service->name, arguments->config_file, reterr);
    return r;
}

static int run(const struct rt_config *config, const struct rt_service *service)
{
    const struct rt_service *const services[] = { service };
    const struct rt_run_options options = { .services = services,
                                            .n_services = 1,
                                            .config = config,
                                            .data_dir = rt_config_string(config, "DATA_DIR") };
    struct segs_error err = { 0 };
    int r = rt_run(&options, &err);

    if (r < 0)
        rt_log_failure(RT_LOG_ERROR, "could not start", r, &err);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int with_config(struct rt_config *config, const struct rt_service *service,
                       const struct arguments *arguments)
{
    struct segs_error err = { 0 };
    int r = rt_config_add_table(config, "common", rt_common_config, rt_n_common_config);

    if (r == 0)
        r = rt_config_add_table(config, service->name, service->config, service->n_config);
    if (r < 0) {
        (void)fprintf(stderr, "segs-%s: table of settings: %s\n", service->name, rt_strerror(r));
        return EXIT_FAILURE;
    }
    if (arguments->help)
        return print_help(config, service->name);
    if (load(config, service, arguments, &err) < 0)
        return EXIT_USAGE;
    return arguments->check ? print_values(config) : run(config, service);
}

int rt_main(const struct rt_service *service, int argc, char **argv)
{
    struct arguments arguments = { 0 };
    struct rt_config *config;
    int status;

    if (!parse_arguments(argc, argv, &arguments)) {
        (void)fprintf(stderr, "Try --help.\n");
        return EXIT_USAGE;
    }
    if (arguments.version) {
        (void)printf("segs-%s %s\n", service->name, segs_version());
        return EXIT_SUCCESS;
    }
    if (rt_config_new(&config) < 0)
        return EXIT_FAILURE;
    status = with_config(config, service, &arguments);
    rt_config_free(config);
    return status;
}
