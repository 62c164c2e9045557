/* Shared by config*.c. */
#ifndef RT_CONFIG_INTERNAL_H
#define RT_CONFIG_INTERNAL_H

#include "config.h"

/* Sources, weakest first: a value is replaced by one of the same or a stronger source. */
enum rt_config_source {
    RT_CONFIG_FROM_DEFAULT = 0,
    RT_CONFIG_FROM_FILE = 1,
    RT_CONFIG_FROM_CREDENTIALS = 2,
    RT_CONFIG_FROM_ENVIRONMENT = 3,
    RT_CONFIG_FROM_COMMAND_LINE = 4
};

struct rt_config_value {
    char *text; /* NULL: unset. */
    int64_t number;
};

/* ---- config_value.c: texts of one entry ---- */

/* Parse `text` as the entry's type wants it. *ret_number is untouched on failure. */
int rt_config_parse(const struct rt_config_entry *entry, const char *text, int64_t *ret_number,
                    struct segs_error *reterr);
/* What values look like, for people: "a duration such as 10s, 15m or 500ms, 1s..10m". */
void rt_config_expectation(const struct rt_config_entry *entry, char *buf, size_t size);
/* A number of the entry's type as people write it ("15m", "64MiB", "0.01"). */
void rt_config_number_text(const struct rt_config_entry *entry, int64_t number, char *buf,
                           size_t size);

/* ---- config_file.c ---- */

typedef int(rt_config_pair_fn)(const char *key, const char *value, int64_t line, void *user,
                               struct segs_error *reterr);
/* Call fn for each KEY=value of the file, in order. */
int rt_config_read_file(const char *path, rt_config_pair_fn *fn, void *user,
                        struct segs_error *reterr);
/* The content of a secret's file, to be released with free. SEGS_ENOTFOUND: there is no such file.
 */
int rt_config_read_secret(const char *name, const char *path, char **ret,
                          struct segs_error *reterr);

#endif
