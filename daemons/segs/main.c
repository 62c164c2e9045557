/* segs: the whole system on one machine, and the tools around it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <segs/version.h>

#include "runtime/text.h"
#include "segs/commands.h"

static const struct command commands[] = {
    { "dev", "run every service in this process on the embedded engines", command_dev },
    { "status", "tell how the services of a data folder are doing", command_status },
    { "down", "stop the services of a data folder", command_down },
    { "replay", "send files of readings through the pipeline, any number of them", command_replay },
    { "audit", "compare log and tables of a data folder, reading by reading", command_audit },
    { "keygen", "make keys for tokens and for sending readings", command_keygen },
    { "config", "show, check or document the settings", command_config },
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

static void print_help(FILE *out)
{
    (void)fprintf(out, "Examples:\n"
                       "  segs dev                      run SEGS here, with a simulated grid\n"
                       "  segs status                   how is it doing?\n"
                       "  segs replay readings.csv      fill the data folder from files instead\n"
                       "  segs audit                    is every reading counted exactly once?\n"
                       "\n"
                       "Usage: segs COMMAND [OPTION]...\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        (void)fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    (void)fprintf(
        out, "\nsegs COMMAND --help tells more.\n"
             "\n"
             "Exit status: 0 done, 1 something is wrong (differences, rows not taken, a service\n"
             "not ready), 2 wrong command line or configuration, or it could not run, 3 not\n"
             "running. Results go to stdout, messages to stderr. NO_COLOR turns colours off.\n");
}

static int unknown(const char *name)
{
    struct rt_text_nearest nearest = { NULL, 0 };

    for (size_t i = 0; i < N_COMMANDS; i++)
        rt_text_nearest(&nearest, name, commands[i].name);
    (void)fprintf(stderr, "segs: unknown command \"%s\"", name);
    if (nearest.best)
        (void)fprintf(stderr, ", did you mean \"%s\"?", nearest.best);
    (void)fprintf(stderr, "\nsegs --help lists the commands.\n");
    return EXIT_UNUSABLE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_UNUSABLE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("segs %s\n", segs_version());
        return EXIT_DONE;
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    return unknown(argv[1]);
}
