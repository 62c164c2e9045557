#include "runtime/zoneinfo.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 4200

struct entry {
    struct entry *next;
    struct segs_zone *zone;
    char name[RT_ZONE_NAME_BYTES];
};

struct rt_zoneinfo {
    pthread_mutex_t lock;
    struct entry *entries; /* Never removed while it lives, so that zones can be lent. */
    size_t n;
    char *dir;
};

bool rt_zone_name_is_valid(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-";
    size_t len = strlen(name);
    const char *part = name;

    if (len == 0 || len >= RT_ZONE_NAME_BYTES)
        return false;
    for (;;) {
        size_t n = strspn(part, allowed);

        if (n == 0 || (part[n] != '\0' && part[n] != '/'))
            return false;
        if (part[n] == '\0')
            return true;
        part += n + 1;
    }
}

int rt_zoneinfo_new(const char *dir, struct rt_zoneinfo **ret, struct segs_error *reterr)
{
    struct rt_zoneinfo *zones = calloc(1, sizeof *zones);

    if (!zones || !(zones->dir = strdup(dir))) {
        free(zones);
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for time zones");
    }
    (void)pthread_mutex_init(&zones->lock, NULL);
    *ret = zones;
    return 0;
}

void rt_zoneinfo_free(struct rt_zoneinfo *zones)
{
    if (!zones)
        return;
    while (zones->entries) {
        struct entry *entry = zones->entries;

        zones->entries = entry->next;
        segs_zone_free(entry->zone);
        free(entry);
    }
    (void)pthread_mutex_destroy(&zones->lock);
    free(zones->dir);
    free(zones);
}

static int read_zone(const char *dir, const char *name, struct segs_zone **ret,
                     struct segs_error *reterr)
{
    char path[PATH_BYTES];
    unsigned char *bytes = malloc(SEGS_ZONE_TZIF_MAX_BYTES + 1);
    FILE *file;
    size_t len;
    int r;

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    file = bytes ? fopen(path, "rbe") : NULL;
    if (!file) {
        r = bytes ? rt_fail(reterr, SEGS_ENOTFOUND, "timezone", "there is no such time zone")
                  : rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a time zone");
        free(bytes);
        return r;
    }
    len = fread(bytes, 1, SEGS_ZONE_TZIF_MAX_BYTES + 1, file);
    /* A folder opens but cannot be read. */
    r = ferror(file) ? rt_fail(reterr, SEGS_ENOTFOUND, "timezone", "there is no such time zone")
                     : segs_zone_new(bytes, len, NULL, ret, reterr);
    (void)fclose(file);
    free(bytes);
    return r;
}

static int add(struct rt_zoneinfo *zones, const char *name, const struct segs_zone **ret,
               struct segs_error *reterr)
{
    struct entry *entry;
    int r;

    if (zones->n >= RT_ZONES_MAX)
        return rt_fail(reterr, SEGS_EFULL, "timezone", "too many time zones are in use");
    entry = calloc(1, sizeof *entry);
    if (!entry)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a time zone");
    r = read_zone(zones->dir, name, &entry->zone, reterr);
    if (r < 0) {
        free(entry);
        return r;
    }
    (void)snprintf(entry->name, sizeof entry->name, "%s", name);
    entry->next = zones->entries;
    zones->entries = entry;
    zones->n++;
    *ret = entry->zone;
    return 0;
}

int rt_zoneinfo_get(struct rt_zoneinfo *zones, const char *name, const struct segs_zone **ret,
                    struct segs_error *reterr)
{
    struct entry *entry;
    int r = 0;

    if (!rt_zone_name_is_valid(name))
        return rt_fail(reterr, SEGS_ESYNTAX, "timezone", "not the name of a time zone");
    (void)pthread_mutex_lock(&zones->lock);
    for (entry = zones->entries; entry && strcmp(entry->name, name) != 0;)
        entry = entry->next;
    if (entry)
        *ret = entry->zone;
    else
        r = add(zones, name, ret, reterr);
    (void)pthread_mutex_unlock(&zones->lock);
    return r;
}
