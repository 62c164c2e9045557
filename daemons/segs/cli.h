/* What the subcommands share: services and their settings, messages, numbers for people. */
#ifndef SEGS_CLI_H
#define SEGS_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/service.h"

#define CLI_SERVICES_MAX 8

/* Services in the order they are started; returns how many. */
size_t cli_services(const struct rt_service *services[CLI_SERVICES_MAX], bool with_simulator);

/* Settings of a command line, kept until the configuration is loaded: they stand above it. */
struct cli_settings {
    struct cli_setting {
        char name[64];
        char value[1024];
    } items[64];
    size_t n;
    const char *config_file;
};
/* False, with a message, when it does not fit or is no KEY=VALUE. */
bool cli_set(struct cli_settings *settings, const char *command, const char *name,
             const char *value);
bool cli_set_assignment(struct cli_settings *settings, const char *command, const char *text);

/* The configuration of some services: file, environment, command line. Says what is wrong and returns NULL. */
struct rt_config *cli_config(const char *command, const struct rt_service *const *services,
                             size_t n, const struct cli_settings *settings);
/* The same without loading anything, for help and reference. */
struct rt_config *cli_config_tables(const struct rt_service *const *services, size_t n);

/* "segs COMMAND: FIELD: MESSAGE" on stderr. */
void cli_complain(const char *command, int code, const struct segs_error *err);
/* getopt_long met an option that does not exist: name the nearest one. */
struct option;
void cli_unknown_option(const char *command, const struct option *options, char *const *argv);
/* False, with a message, when there are arguments left. */
bool cli_no_arguments(const char *command, int argc, char *const *argv);

/* The data folder: --data, else SEGS_DATA_DIR or DATA_DIR of the environment, else ".segs". */
const char *cli_data_dir(const char *option);

/* "1,234,567". */
#define CLI_NUMBER_BYTES 32
const char *cli_number(int64_t value, char buf[CLI_NUMBER_BYTES]);
/* Millionths as a decimal, grouped: "1,234.567". */
#define CLI_DECIMAL_BYTES 48
const char *cli_micro(int64_t micro, char buf[CLI_DECIMAL_BYTES]);

/* Escape sequences for people: only on a terminal, and not when NO_COLOR is set. */
bool cli_has_color(int fd);
/* Ask "QUESTION [y/N]" on the terminal; false without one. */
bool cli_confirm(const char *question);

#endif
