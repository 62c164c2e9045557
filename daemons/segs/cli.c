#include "segs/cli.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <segs/fixed.h>

#include "api-gateway/service.h"
#include "ingestion/service.h"
#include "runtime/text.h"
#include "stream-processor/service.h"
#include "simulator/service.h"

extern char **environ;

size_t cli_services(const struct rt_service *services[CLI_SERVICES_MAX], bool with_simulator)
{
    size_t n = 0;

    /* The simulator first: what drains first must still find working what it feeds. */
    if (with_simulator)
        services[n++] = &segs_simulator_service;
    services[n++] = &segs_stream_processor_service;
    services[n++] = &segs_ingestion_service;
    services[n++] = &segs_api_gateway_service;
    return n;
}

/* ---- Settings ---- */

bool cli_set(struct cli_settings *settings, const char *command, const char *name,
             const char *value)
{
    struct cli_setting *item = &settings->items[settings->n];

    if (settings->n == sizeof settings->items / sizeof settings->items[0] ||
        strlen(name) >= sizeof item->name || strlen(value) >= sizeof item->value) {
        (void)fprintf(stderr, "segs %s: %s: too many or too long settings\n", command, name);
        return false;
    }
    (void)snprintf(item->name, sizeof item->name, "%s", name);
    (void)snprintf(item->value, sizeof item->value, "%s", value);
    settings->n++;
    return true;
}

bool cli_set_assignment(struct cli_settings *settings, const char *command, const char *text)
{
    const char *equals = strchr(text, '=');
    char name[64];

    if (!equals || equals == text || (size_t)(equals - text) >= sizeof name) {
        (void)fprintf(stderr, "segs %s: --set: expected KEY=VALUE, found \"%s\"\n", command, text);
        return false;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    return cli_set(settings, command, name, equals + 1);
}

struct rt_config *cli_config_tables(const struct rt_service *const *services, size_t n)
{
    struct rt_config *config = NULL;
    int r = rt_config_new(&config);

    if (r == 0)
        r = rt_config_add_table(config, "common", rt_common_config, rt_n_common_config);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = rt_config_add_table(config, services[i]->name, services[i]->config,
                                services[i]->n_config);
    if (r < 0) {
        rt_config_free(config);
        return NULL;
    }
    return config;
}

struct rt_config *cli_config(const char *command, const struct rt_service *const *services,
                             size_t n, const struct cli_settings *settings)
{
    struct rt_config *config = cli_config_tables(services, n);
    struct segs_error err = { 0 };
    int r = config ? rt_config_load(config, settings->config_file, environ, &err) : SEGS_ENOMEM;

    for (size_t i = 0; r == 0 && i < settings->n; i++)
        r = rt_config_set(config, settings->items[i].name, settings->items[i].value, &err);
    if (r < 0) {
        cli_complain(command, r, &err);
        rt_config_free(config);
        return NULL;
    }
    return config;
}

/* ---- Messages ---- */

void cli_complain(const char *command, int code, const struct segs_error *err)
{
    (void)fprintf(stderr, "segs %s: %s%s%s\n", command, err->field, err->field[0] ? ": " : "",
                  err->message[0] ? err->message : rt_strerror(code));
}

void cli_unknown_option(const char *command, const struct option *options, char *const *argv)
{
    struct rt_text_nearest nearest = { NULL, 0 };
    const char *given = argv[optind > 0 ? optind - 1 : 0];
    char name[64];

    if (strncmp(given, "--", 2) == 0) {
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(given + 2, "="), given + 2);
        for (const struct option *o = options; o->name; o++) {
            if (strcmp(o->name, name) == 0) { /* It exists, its argument is what is wrong. */
                (void)fprintf(stderr, "segs %s: --%s %s\n", command, name,
                              o->has_arg ? "needs an argument" : "takes no argument");
                return;
            }
            rt_text_nearest(&nearest, name, o->name);
        }
    }
    (void)fprintf(stderr, "segs %s: unknown option \"%s\"", command, given);
    if (nearest.best)
        (void)fprintf(stderr, ", did you mean \"--%s\"?", nearest.best);
    (void)fprintf(stderr, "\nsegs %s --help lists the options.\n", command);
}

bool cli_no_arguments(const char *command, int argc, char *const *argv)
{
    if (optind >= argc)
        return true;
    (void)fprintf(stderr, "segs %s: expected no argument, found \"%s\"\n", command, argv[optind]);
    return false;
}

const char *cli_data_dir(const char *option)
{
    const char *dir = option ? option : getenv("SEGS_DATA_DIR");

    if (!dir)
        dir = getenv("DATA_DIR");
    return dir && *dir ? dir : ".segs";
}

/* ---- Numbers ---- */

static void group(const char *digits, size_t n_whole, char *buf, size_t size)
{
    size_t at = 0;

    for (size_t i = 0; digits[i] && at + 2 < size; i++) {
        bool is_start = i == 0 || (i == 1 && digits[0] == '-');

        if (i < n_whole && !is_start && (n_whole - i) % 3 == 0)
            buf[at++] = ',';
        buf[at++] = digits[i];
    }
    buf[at] = '\0';
}

const char *cli_number(int64_t value, char buf[CLI_NUMBER_BYTES])
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRId64, value);

    group(digits, (size_t)n, buf, CLI_NUMBER_BYTES);
    return buf;
}

const char *cli_micro(int64_t micro, char buf[CLI_DECIMAL_BYTES])
{
    char digits[CLI_DECIMAL_BYTES] = "";

    (void)segs_decimal_format(micro, 6, 0, digits, sizeof digits);
    group(digits, strcspn(digits, "."), buf, CLI_DECIMAL_BYTES);
    return buf;
}

/* ---- Terminal ---- */

bool cli_has_color(int fd)
{
    const char *no_color = getenv("NO_COLOR");

    return (!no_color || !*no_color) && isatty(fd);
}

bool cli_confirm(const char *question)
{
    char answer[16] = "";

    if (!isatty(STDIN_FILENO))
        return false;
    (void)fprintf(stderr, "%s [y/N] ", question);
    (void)fflush(stderr);
    if (!fgets(answer, sizeof answer, stdin))
        return false;
    return answer[0] == 'y' || answer[0] == 'Y';
}
