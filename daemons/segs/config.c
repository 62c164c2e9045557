/* segs config: every setting, where it comes from, and what it means. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "runtime/buf.h"
#include "runtime/text.h"
#include "segs/cli.h"
#include "segs/commands.h"

#define NAME "config"

struct arguments {
    struct cli_settings settings;
    const char *action;
    const char *service; /* NULL: all. */
    bool wants_help;
};

static const char help[] =
    "Examples:\n"
    "  segs config show                           every setting and where it comes from\n"
    "  segs config check --config /etc/segs.env   is the file right?\n"
    "  segs config reference > settings.md        the reference page\n"
    "\n"
    "Usage: segs config show|check|reference [OPTION]...\n"
    "\n"
    "      --service NAME    of one service: common settings and its own\n"
    "      --config FILE     read settings from FILE (lines KEY=value)\n"
    "      --set KEY=VALUE   a setting as of a command line\n"
    "  -h, --help            show this text\n"
    "\n"
    "Secrets are masked. Exit status: 0 all is right, 2 something is not, and which.\n";

static const struct option long_options[] = { { "service", required_argument, NULL, 's' },
                                              { "config", required_argument, NULL, 'c' },
                                              { "set", required_argument, NULL, 'S' },
                                              { "help", no_argument, NULL, 'h' },
                                              { NULL, 0, NULL, 0 } };

static bool is_action(const char *text)
{
    static const char *const actions[] = { "show", "check", "reference" };
    struct rt_text_nearest nearest = { NULL, 0 };

    for (size_t i = 0; i < 3; i++) {
        if (strcmp(text, actions[i]) == 0)
            return true;
        rt_text_nearest(&nearest, text, actions[i]);
    }
    (void)fprintf(stderr, "segs config: expected show, check or reference, found \"%s\"", text);
    if (nearest.best)
        (void)fprintf(stderr, "; did you mean \"%s\"?", nearest.best);
    (void)fprintf(stderr, "\n");
    return false;
}

static bool parse(struct arguments *arguments, int argc, char **argv)
{
    int option;
    bool ok = true;

    opterr = 0;
    while (ok && (option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        switch (option) {
        case 's':
            arguments->service = optarg;
            break;
        case 'c':
            arguments->settings.config_file = optarg;
            break;
        case 'S':
            ok = cli_set_assignment(&arguments->settings, NAME, optarg);
            break;
        case 'h':
            arguments->wants_help = true;
            return true;
        default:
            cli_unknown_option(NAME, long_options, argv);
            ok = false;
        }
    }
    if (!ok)
        return false;
    if (optind >= argc) {
        (void)fprintf(stderr, "segs config: expected show, check or reference\n");
        return false;
    }
    arguments->action = argv[optind++];
    return is_action(arguments->action) && cli_no_arguments(NAME, argc, argv);
}

/* The wanted service alone, or all of them. */
static size_t choose(const char *name, const struct rt_service *services[CLI_SERVICES_MAX])
{
    struct rt_text_nearest nearest = { NULL, 0 };
    size_t n = cli_services(services, true);

    if (!name)
        return n;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(services[i]->name, name) == 0) {
            services[0] = services[i];
            return 1;
        }
        rt_text_nearest(&nearest, name, services[i]->name);
    }
    (void)fprintf(stderr, "segs config: --service: there is no \"%s\"", name);
    if (nearest.best)
        (void)fprintf(stderr, ", did you mean \"%s\"?", nearest.best);
    (void)fprintf(stderr, "\n");
    return 0;
}

static int print(const struct rt_config *config,
                 void (*render)(const struct rt_config *, struct rt_buf *))
{
    struct rt_buf text = RT_BUF_INIT;
    int status = EXIT_UNUSABLE;

    render(config, &text);
    if (rt_buf_status(&text) == 0 && fwrite(text.data, 1, text.len, stdout) == text.len)
        status = EXIT_DONE;
    rt_buf_free(&text);
    return status;
}

static int act(const struct arguments *arguments, const struct rt_service *const *services,
               size_t n)
{
    bool is_reference = strcmp(arguments->action, "reference") == 0;
    struct rt_config *config = is_reference ? cli_config_tables(services, n)
                                            : cli_config(NAME, services, n, &arguments->settings);
    int status = EXIT_DONE;

    if (!config)
        return EXIT_UNUSABLE;
    if (is_reference)
        status = print(config, rt_config_print_markdown);
    else if (strcmp(arguments->action, "show") == 0)
        status = print(config, rt_config_print_values);
    else
        (void)printf("the settings are right\n");
    rt_config_free(config);
    return status;
}

int command_config(int argc, char **argv)
{
    const struct rt_service *services[CLI_SERVICES_MAX];
    static struct arguments arguments;
    size_t n;

    memset(&arguments, 0, sizeof arguments);
    if (!parse(&arguments, argc, argv))
        return EXIT_UNUSABLE;
    if (arguments.wants_help) {
        (void)fputs(help, stdout);
        return EXIT_DONE;
    }
    n = choose(arguments.service, services);
    return n == 0 ? EXIT_UNUSABLE : act(&arguments, services, n);
}
