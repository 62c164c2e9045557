#include "runtime/config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/config_internal.h"
#include "runtime/errors.h"
#include "runtime/text.h"

#define PREFIX "SEGS_"
#define PREFIX_LEN 5
#define FILE_SUFFIX "_FILE"
#define FILE_SUFFIX_LEN 5
#define MASK "********"

/* How a key named its entry, weakest first: what the environment says under SEGS_NAME wins over
 * NAME. */
enum rank { RANK_NONE = 0, RANK_ALIAS = 1, RANK_NAME = 2, RANK_PREFIXED = 3 };

struct item {
    const struct rt_config_entry *entry;
    const char *service;
    char *text; /* NULL: unset. */
    int64_t number;
    int64_t line;          /* In the file, 0: not in it. */
    const char *env_value; /* While the environment is read. */
    enum rank env_rank;
    bool env_is_file;
    enum rt_config_source source;
    char origin[48];
};

struct rt_config {
    struct item *items;
    size_t n_items;
    size_t n_services; /* Tables beside the common one. */
};

int rt_config_new(struct rt_config **ret)
{
    struct rt_config *config = calloc(1, sizeof *config);

    if (!config)
        return SEGS_ENOMEM;
    *ret = config;
    return 0;
}

static void forget(char *text, bool secret)
{
    if (text && secret) {
        for (volatile char *p = text; *p; p++)
            *p = '\0';
    }
    free(text);
}

void rt_config_free(struct rt_config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->n_items; i++)
        forget(config->items[i].text, config->items[i].entry->secret);
    free(config->items);
    free(config);
}

static struct item *find(const struct rt_config *config, const char *name)
{
    for (size_t i = 0; i < config->n_items; i++) {
        if (strcmp(config->items[i].entry->name, name) == 0)
            return &config->items[i];
    }
    return NULL;
}

static bool is_text(enum rt_config_type type)
{
    return type == RT_CONFIG_STRING || type == RT_CONFIG_CHOICE || type == RT_CONFIG_LIST;
}

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Give the item a value. `text` is copied. */
static int assign(struct item *item, const char *text, enum rt_config_source source,
                  const char *origin, struct segs_error *reterr)
{
    const struct rt_config_entry *entry = item->entry;
    bool unset = text[0] == '\0' && !entry->fallback &&
                 (entry->type == RT_CONFIG_STRING || entry->type == RT_CONFIG_LIST);
    int64_t number = 0;
    char *copy = NULL;
    int r = 0;

    if (text[0] == '\0' && !unset) {
        char expected[160];

        rt_config_expectation(entry, expected, sizeof expected);
        return rt_fail(reterr, SEGS_ESYNTAX, entry->name, "expected %s, found nothing", expected);
    }
    if (!unset)
        r = rt_config_parse(entry, text, &number, reterr);
    if (r < 0 || source < item->source)
        return r;
    if (!unset) {
        size_t size = strlen(text) + 1;

        copy = malloc(size);
        if (!copy)
            return rt_fail(reterr, SEGS_ENOMEM, entry->name, "no memory for the value");
        memcpy(copy, text, size);
    }
    forget(item->text, entry->secret);
    item->text = copy;
    item->number = number;
    item->source = source;
    (void)snprintf(item->origin, sizeof item->origin, "%s", origin);
    return 0;
}

static int add_item(struct rt_config *config, const char *service,
                    const struct rt_config_entry *entry)
{
    const struct item *same = find(config, entry->name);
    struct item *item;

    if (same)
        return same->entry->type == entry->type && same->entry->secret == entry->secret &&
                       is_same_text(same->entry->fallback, entry->fallback)
                   ? 0
                   : SEGS_ECONFLICT;
    item = &config->items[config->n_items];
    memset(item, 0, sizeof *item);
    item->entry = entry;
    item->service = service;
    (void)snprintf(item->origin, sizeof item->origin, "default");
    if (entry->fallback) {
        int r = assign(item, entry->fallback, RT_CONFIG_FROM_DEFAULT, "default", NULL);

        if (r < 0)
            return r == SEGS_ENOMEM ? r : SEGS_EINVAL;
    }
    config->n_items++;
    return 0;
}

int rt_config_add_table(struct rt_config *config, const char *service,
                        const struct rt_config_entry *table, size_t n)
{
    bool common = !service || strcmp(service, "common") == 0;
    struct item *items = realloc(config->items, (config->n_items + n + 1) * sizeof *items);

    if (!items)
        return SEGS_ENOMEM;
    config->items = items;
    for (size_t i = 0; i < n; i++) {
        int r = add_item(config, common ? "common" : service, &table[i]);

        if (r < 0)
            return r;
    }
    if (!common)
        config->n_services++;
    return 0;
}

/* ---- Keys ---- */

static struct item *find_alias(const struct rt_config *config, const char *name)
{
    for (size_t i = 0; i < config->n_items; i++) {
        const char *alias = config->items[i].entry->alias;

        if (alias && strcmp(alias, name) == 0)
            return &config->items[i];
    }
    return NULL;
}

/* The entry a key means. *ret_is_file: the key names a file that holds the secret. */
static struct item *resolve_bare(const struct rt_config *config, const char *key,
                                 enum rank *ret_rank, bool *ret_is_file)
{
    struct item *item = find(config, key);
    size_t len = strlen(key);
    char name[96];

    *ret_is_file = false;
    *ret_rank = RANK_NAME;
    if (item)
        return item;
    if (config->n_services == 1) {
        item = find_alias(config, key);
        *ret_rank = RANK_ALIAS;
        if (item)
            return item;
    }
    if (len <= FILE_SUFFIX_LEN || len >= sizeof name ||
        strcmp(key + len - FILE_SUFFIX_LEN, FILE_SUFFIX) != 0)
        return NULL;
    (void)snprintf(name, sizeof name, "%.*s", (int)(len - FILE_SUFFIX_LEN), key);
    item = find(config, name);
    *ret_rank = RANK_NAME;
    *ret_is_file = true;
    return item && item->entry->secret ? item : NULL;
}

static struct item *resolve(const struct rt_config *config, const char *key, enum rank *ret_rank,
                            bool *ret_is_file)
{
    struct item *item = resolve_bare(config, key, ret_rank, ret_is_file);

    if (item || strncmp(key, PREFIX, PREFIX_LEN) != 0)
        return item;
    item = resolve_bare(config, key + PREFIX_LEN, ret_rank, ret_is_file);
    if (*ret_rank == RANK_NAME)
        *ret_rank = RANK_PREFIXED;
    return item;
}

static int fail_unknown(const struct rt_config *config, const char *key, struct segs_error *reterr)
{
    struct rt_text_nearest nearest = { NULL, 0 };
    const char *bare = strncmp(key, PREFIX, PREFIX_LEN) == 0 ? key + PREFIX_LEN : key;
    const struct item *item = find_alias(config, bare);

    if (item)
        return rt_fail(reterr, SEGS_ENOTFOUND, key,
                       "is understood by a daemon of its own only; set %s here", item->entry->name);
    for (size_t i = 0; i < config->n_items; i++) {
        rt_text_nearest(&nearest, bare, config->items[i].entry->name);
        if (config->items[i].entry->alias && config->n_services == 1)
            rt_text_nearest(&nearest, bare, config->items[i].entry->alias);
    }
    if (nearest.best)
        return rt_fail(reterr, SEGS_ENOTFOUND, key, "is no known setting; nearest: %s",
                       nearest.best);
    return rt_fail(reterr, SEGS_ENOTFOUND, key, "is no known setting");
}

/* ---- Sources ---- */

static int assign_from_file(struct item *item, const char *path, enum rt_config_source source,
                            const char *origin, struct segs_error *reterr)
{
    char *text;
    int r = rt_config_read_secret(item->entry->name, path, &text, reterr);

    if (r < 0)
        return r;
    r = assign(item, text, source, origin, reterr);
    forget(text, true);
    return r;
}

static int on_pair(const char *key, const char *value, int64_t line, void *user,
                   struct segs_error *reterr)
{
    const struct rt_config *config = user;
    enum rank rank;
    bool is_file;
    struct item *item = resolve(config, key, &rank, &is_file);
    char origin[32];

    if (!item)
        return fail_unknown(config, key, reterr);
    if (item->line != 0)
        return rt_fail(reterr, SEGS_ECONFLICT, key, "expected %s once, also found in line %lld",
                       item->entry->name, (long long)item->line);
    item->line = line;
    (void)snprintf(origin, sizeof origin, "file:%lld", (long long)line);
    if (is_file)
        return assign_from_file(item, value, RT_CONFIG_FROM_FILE, origin, reterr);
    return assign(item, value, RT_CONFIG_FROM_FILE, origin, reterr);
}

static int load_credentials(struct rt_config *config, const char *folder, struct segs_error *reterr)
{
    for (size_t i = 0; i < config->n_items; i++) {
        struct item *item = &config->items[i];
        char path[4096];
        int len;
        int r;

        if (!item->entry->secret)
            continue;
        len = snprintf(path, sizeof path, "%s/%s", folder, item->entry->name);
        if (len < 0 || (size_t)len >= sizeof path)
            return rt_fail(reterr, SEGS_ERANGE, "CREDENTIALS_DIRECTORY",
                           "expected a path below 4096 bytes");
        r = assign_from_file(item, path, RT_CONFIG_FROM_CREDENTIALS, "credentials", reterr);
        if (r < 0 && r != SEGS_ENOTFOUND)
            return r;
    }
    return 0;
}

/* Note what one variable says; which of several names of an entry wins is known only after all. */
static int note_variable(const struct rt_config *config, const char *variable,
                         struct segs_error *reterr)
{
    size_t len = strcspn(variable, "=");
    char key[96];
    enum rank rank;
    bool is_file;
    struct item *item;

    if (variable[len] != '=' || len >= sizeof key)
        return 0;
    (void)snprintf(key, sizeof key, "%.*s", (int)len, variable);
    item = resolve(config, key, &rank, &is_file);
    if (!item) {
        /* Test builds' fail points are no setting. */
        bool ours = strncmp(key, PREFIX, PREFIX_LEN) == 0 && strcmp(key, "SEGS_FAILPOINTS") != 0;

        return ours ? fail_unknown(config, key, reterr) : 0;
    }
    if (item->env_value && item->env_is_file != is_file)
        return rt_fail(reterr, SEGS_ECONFLICT, item->entry->name,
                       "expected either %s or %s%s in the environment, found both",
                       item->entry->name, item->entry->name, FILE_SUFFIX);
    if (rank > item->env_rank) {
        item->env_value = variable + len + 1;
        item->env_rank = rank;
        item->env_is_file = is_file;
    }
    return 0;
}

static int load_environment(struct rt_config *config, char *const *environment,
                            struct segs_error *reterr)
{
    int r = 0;

    for (size_t i = 0; environment[i] && r == 0; i++)
        r = note_variable(config, environment[i], reterr);
    for (size_t i = 0; i < config->n_items && r == 0; i++) {
        struct item *item = &config->items[i];
        char origin[48];

        if (!item->env_value)
            continue;
        (void)snprintf(origin, sizeof origin, "%.40s%s", item->entry->name, FILE_SUFFIX);
        if (item->env_is_file)
            r = assign_from_file(item, item->env_value, RT_CONFIG_FROM_ENVIRONMENT, origin, reterr);
        else
            r = assign(item, item->env_value, RT_CONFIG_FROM_ENVIRONMENT, "environment", reterr);
        item->env_value = NULL; /* Borrowed for the call. */
    }
    return r;
}

static const char *variable(char *const *environment, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; environment[i]; i++) {
        if (strncmp(environment[i], name, len) == 0 && environment[i][len] == '=')
            return environment[i] + len + 1;
    }
    return NULL;
}

int rt_config_load(struct rt_config *config, const char *file, char *const *environment,
                   struct segs_error *reterr)
{
    const char *credentials = environment ? variable(environment, "CREDENTIALS_DIRECTORY") : NULL;
    int r = 0;

    if (file)
        r = rt_config_read_file(file, on_pair, config, reterr);
    if (r == 0 && credentials && credentials[0])
        r = load_credentials(config, credentials, reterr);
    if (r == 0 && environment)
        r = load_environment(config, environment, reterr);
    return r;
}

int rt_config_set(struct rt_config *config, const char *name, const char *value,
                  struct segs_error *reterr)
{
    enum rank rank;
    bool is_file;
    struct item *item = resolve(config, name, &rank, &is_file);

    if (!item || is_file)
        return fail_unknown(config, name, reterr);
    return assign(item, value, RT_CONFIG_FROM_COMMAND_LINE, "command line", reterr);
}

/* ---- Values ---- */

const char *rt_config_string(const struct rt_config *config, const char *name)
{
    const struct item *item = find(config, name);

    assert(item && is_text(item->entry->type));
    return item && is_text(item->entry->type) ? item->text : NULL;
}

int64_t rt_config_int(const struct rt_config *config, const char *name)
{
    const struct item *item = find(config, name);

    assert(item && !is_text(item->entry->type) && item->entry->type != RT_CONFIG_BOOL);
    return item ? item->number : 0;
}

bool rt_config_bool(const struct rt_config *config, const char *name)
{
    const struct item *item = find(config, name);

    assert(item && item->entry->type == RT_CONFIG_BOOL);
    return item && item->number != 0;
}

bool rt_config_is_set(const struct rt_config *config, const char *name)
{
    const struct item *item = find(config, name);

    assert(item);
    return item && item->source != RT_CONFIG_FROM_DEFAULT && item->text;
}

const char *rt_config_origin(const struct rt_config *config, const char *name)
{
    const struct item *item = find(config, name);

    assert(item);
    return item ? item->origin : "";
}

int rt_config_visit(const struct rt_config *config, rt_config_visit_fn *fn, void *user)
{
    for (size_t i = 0; i < config->n_items; i++) {
        const struct item *item = &config->items[i];
        const char *shown = item->text && item->entry->secret ? MASK : item->text;
        int r = fn(item->service, item->entry, shown, item->origin, user);

        if (r != 0)
            return r;
    }
    return 0;
}
