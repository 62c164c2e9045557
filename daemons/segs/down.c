/* segs down: end the process of a data folder, by its number and only if it is still the one. */
#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "segs/cli.h"
#include "segs/commands.h"
#include "segs/run_file.h"

#define WAIT_MS 45000

struct arguments {
    const char *data;
    bool purges;
    bool is_sure;
    bool wants_help;
};

/* ---- Stopping ---- */

static int stop_process(const struct run_file *run)
{
    int64_t began_ms = rt_monotonic_ms();

    if (kill((pid_t)run->pid, SIGTERM) != 0 && errno != ESRCH) {
        (void)fprintf(stderr, "segs down: cannot stop process %" PRId64 ": %s\n", run->pid,
                      strerror(errno));
        return EXIT_UNUSABLE;
    }
    while (run_file_is_alive(run)) {
        if (rt_monotonic_ms() - began_ms > WAIT_MS) {
            (void)fprintf(stderr,
                          "segs down: process %" PRId64 " has not ended in %d s and was left "
                          "alone; look at its log\n",
                          run->pid, WAIT_MS / 1000);
            return EXIT_FOUND;
        }
        rt_sleep_ms(20);
    }
    (void)printf("stopped process %" PRId64 " after %.1f s; the data stays in %s\n", run->pid,
                 (double)(rt_monotonic_ms() - began_ms) / 1000.0, run->data_dir);
    return EXIT_DONE;
}

static int stop(const char *dir)
{
    struct segs_error err = { 0 };
    struct run_file run;
    int r = run_file_read(dir, &run, &err);

    if (r < 0 && r != SEGS_ENOTFOUND) {
        cli_complain("down", r, &err);
        return EXIT_UNUSABLE;
    }
    if (r == 0 && run_file_is_alive(&run))
        return stop_process(&run);
    if (r == 0)
        run_file_remove(dir);
    (void)printf("not running in %s\n", dir);
    return EXIT_NOT_RUNNING;
}

/* ---- Purging ---- */

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

/* Only what SEGS made may be deleted: a folder with its log and its database. */
static bool is_data_folder(const char *dir)
{
    char path[4200];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/bus.db", dir);
    if (stat(path, &st) != 0)
        return false;
    (void)snprintf(path, sizeof path, "%s/segs.db", dir);
    return stat(path, &st) == 0;
}

static int purge(const char *dir, bool is_sure)
{
    char question[4300];
    struct stat st;

    if (stat(dir, &st) != 0) {
        (void)printf("there is no data in %s\n", dir);
        return EXIT_DONE;
    }
    if (!is_data_folder(dir)) {
        (void)fprintf(stderr,
                      "segs down: --purge: %s is not a data folder of SEGS, nothing was deleted\n",
                      dir);
        return EXIT_UNUSABLE;
    }
    (void)snprintf(question, sizeof question, "Delete %s with all readings, rows and accounts?",
                   dir);
    if (!is_sure && !cli_confirm(question)) {
        (void)fprintf(stderr, "segs down: nothing was deleted%s\n",
                      isatty(STDIN_FILENO) ? "" : "; --yes says that you mean it");
        return EXIT_FOUND;
    }
    if (nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0) {
        (void)fprintf(stderr, "segs down: cannot delete %s: %s\n", dir, strerror(errno));
        return EXIT_UNUSABLE;
    }
    (void)printf("deleted %s\n", dir);
    return EXIT_DONE;
}

/* ---- Command ---- */

static const char help[] =
    "Examples:\n"
    "  segs down                 stop what runs in .segs; its data stays\n"
    "  segs down --purge         the same, and delete the data after asking\n"
    "\n"
    "Usage: segs down [OPTION]...\n"
    "\n"
    "Sends SIGTERM to the process that wrote segs.json in the data folder, after checking that it "
    "is\n"
    "still that process, and waits until it has finished what it had accepted.\n"
    "\n"
    "      --data DIR    the data folder (DATA_DIR), .segs by default\n"
    "      --purge       delete the data folder afterwards; asks first\n"
    "      --yes         do not ask\n"
    "  -h, --help        show this text\n"
    "\n"
    "Exit status: 0 stopped (or purged), 1 it did not end or you said no, 2 it could not try,\n"
    "3 nothing was running.\n";

static const struct option long_options[] = { { "data", required_argument, NULL, 'd' },
                                              { "purge", no_argument, NULL, 'p' },
                                              { "yes", no_argument, NULL, 'y' },
                                              { "help", no_argument, NULL, 'h' },
                                              { NULL, 0, NULL, 0 } };

static bool parse(struct arguments *arguments, int argc, char **argv)
{
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        switch (option) {
        case 'd':
            arguments->data = optarg;
            break;
        case 'p':
            arguments->purges = true;
            break;
        case 'y':
            arguments->is_sure = true;
            break;
        case 'h':
            arguments->wants_help = true;
            break;
        default:
            cli_unknown_option("down", long_options, argv);
            return false;
        }
    }
    return cli_no_arguments("down", argc, argv);
}

int command_down(int argc, char **argv)
{
    struct arguments arguments = { .data = NULL };
    const char *dir;
    int status;

    if (!parse(&arguments, argc, argv))
        return EXIT_UNUSABLE;
    if (arguments.wants_help) {
        (void)fputs(help, stdout);
        return EXIT_DONE;
    }
    dir = cli_data_dir(arguments.data);
    status = stop(dir);
    if (arguments.purges && (status == EXIT_DONE || status == EXIT_NOT_RUNNING))
        status = purge(dir, arguments.is_sure);
    return status;
}
