/* The subcommands of `segs`. Each has a file of its own and parses its own arguments; argv[0] is its name. They return the exit status. */
#ifndef SEGS_COMMANDS_H
#define SEGS_COMMANDS_H

#define EXIT_DONE 0     /* Done; all is well. */
#define EXIT_FOUND 1    /* Done, and something is wrong: degraded, differences, rows not taken. */
#define EXIT_UNUSABLE 2 /* Command line, configuration or data folder: it could not run. */
#define EXIT_NOT_RUNNING 3 /* There is no such process. */

struct command {
    const char *name;
    const char *summary; /* One line of `segs --help`. */
    int (*run)(int argc, char **argv);
};

int command_audit(int argc, char **argv);
int command_config(int argc, char **argv);
int command_dev(int argc, char **argv);
int command_down(int argc, char **argv);
int command_keygen(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_status(int argc, char **argv);

#endif
