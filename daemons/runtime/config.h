/* Configuration: one table per service drives parsing, ranges, --help, `segs config` and the
 * reference page. Environment > --config/.env file (KEY=value) > default. Unknown keys of a file
 * are refused with the nearest known name; unknown environment variables are not ours to judge
 * except those starting with SEGS_. Secrets may also come from NAME_FILE (and
 * $CREDENTIALS_DIRECTORY/NAME); they are masked wherever values are shown.
 *
 * Thread rule: filled by one thread, then read by any. */
#ifndef RT_CONFIG_H
#define RT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>

enum rt_config_type {
    RT_CONFIG_STRING = 1,
    RT_CONFIG_INT = 2, /* Plain integer. */
    RT_CONFIG_DURATION =
        3, /* "10s", "15m", "500ms", "7d"; a bare number counts in the entry's unit; value in ms. */
    RT_CONFIG_SIZE = 4,   /* "64MiB", "16KiB"; bytes. */
    RT_CONFIG_BOOL = 5,   /* true/false/1/0/yes/no. */
    RT_CONFIG_RATIO = 6,  /* "0.01": value in millionths. */
    RT_CONFIG_CHOICE = 7, /* One of `choices`, separated by '|'. */
    RT_CONFIG_LIST = 8    /* Comma-separated strings, kept as text. */
};

struct rt_config_entry {
    const char *name;     /* "INGESTION_PORT". */
    const char *alias;    /* Also accepted in a daemon of its own ("PORT"), or NULL. */
    const char *fallback; /* Default as text; NULL: unset. */
    const char *choices;  /* RT_CONFIG_CHOICE. */
    const char *unit; /* Of a bare duration ("s", "ms") or what the number counts, for people. */
    const char *help;
    int64_t min; /* Inclusive, in the value's unit: ms, bytes, millionths, bytes of a string. */
    int64_t max; /* min and max 0: unlimited. */
    enum rt_config_type type;
    bool secret;
};

struct rt_buf;
struct rt_config;

/* Tables are borrowed and must outlive the config. */
int rt_config_new(struct rt_config **ret);
void rt_config_free(struct rt_config *config);
/* service NULL or "common": the table of what every process understands. Aliases count only while
 * exactly one other table is there. The same name may stand in several tables if type and default
 * agree (else SEGS_ECONFLICT). SEGS_EINVAL: a default that its own entry would refuse. */
int rt_config_add_table(struct rt_config *config, const char *service,
                        const struct rt_config_entry *table, size_t n);

/* Load file (NULL: none), then the environment. The first fault is in reterr: key in field,
 * expected and found in message, line in a file; the config is then not to be used.
 *
 * File: lines KEY=value, blank lines, lines that begin with #, an optional "export " before the
 * key. A value may stand in '...' (as it is) or in "..." (with \" \\ \$ \n); without quotes it is
 * the rest of the line without the blanks around it, and " #" in it is refused, because other
 * readers of such files begin a comment there.
 *
 * Every name is also accepted with SEGS_ before it, which then wins over the bare name. An empty
 * text unsets a string, list or secret that has no default; elsewhere it is refused. A secret NAME
 * may come from the file that NAME_FILE names, or from $CREDENTIALS_DIRECTORY/NAME: one line end
 * is cut off, and a file that everybody may read is refused. Within one source, NAME together with
 * NAME_FILE is refused. */
int rt_config_load(struct rt_config *config, const char *file, char *const *environment,
                   struct segs_error *reterr);
/* Set one value as if it came from the command line, above everything else. */
int rt_config_set(struct rt_config *config, const char *name, const char *value,
                  struct segs_error *reterr);

/* Values of declared entries, before loading their defaults; asking for an undeclared name or the
 * wrong type is a bug and asserts. */
const char *rt_config_string(const struct rt_config *config,
                             const char *name); /* NULL when unset. */
int64_t rt_config_int(const struct rt_config *config,
                      const char *name); /* INT, DURATION ms, SIZE bytes, RATIO millionths. */
bool rt_config_bool(const struct rt_config *config, const char *name);
bool rt_config_is_set(const struct rt_config *config,
                      const char *name); /* By anything but the default. */
const char *rt_config_origin(const struct rt_config *config,
                             const char *name); /* "default", "file:12", "environment", ... */

/* For --help: every setting with default, unit or choices, and text. */
void rt_config_print_help(const struct rt_config *config, struct rt_buf *out);
/* The same as Markdown tables, one per service, for the reference page. */
void rt_config_print_markdown(const struct rt_config *config, struct rt_buf *out);
/* "NAME=value  # origin" for every setting, secrets masked. */
void rt_config_print_values(const struct rt_config *config, struct rt_buf *out);

/* Every entry in order, for --help, `segs config` and docs. Return non-zero to stop. */
typedef int(rt_config_visit_fn)(const char *service, const struct rt_config_entry *entry,
                                const char *shown_value, const char *origin, void *user);
int rt_config_visit(const struct rt_config *config, rt_config_visit_fn *fn, void *user);

#endif
