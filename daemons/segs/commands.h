/* The subcommands of `segs`. Each has a file of its own and parses its own arguments; argv[0] is its name. They return the exit status:
 * 0 done, 1 found something wrong, 2 the command line or configuration is wrong or the command could not run, 3 not running. */
#ifndef SEGS_COMMANDS_H
#define SEGS_COMMANDS_H

#define EXIT_DONE 0
#define EXIT_FOUND 1
#define EXIT_UNUSABLE 2
#define EXIT_NOT_RUNNING 3

struct command {
    const char *name;
    const char *summary; /* One line of `segs --help`. */
    int (*run)(int argc, char **argv);
};

int command_dev(int argc, char **argv);

#endif
