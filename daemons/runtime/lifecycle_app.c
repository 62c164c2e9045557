/* What the services of a process share: data folder, bus, database, cache, metrics. */
#include "runtime/lifecycle_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/bus/bus.h"
#include "runtime/cache/cache.h"
#include "runtime/db/db.h"
#include "runtime/metrics.h"

#define LOCK_NAME "lock"

struct rt_app_private {
    char *data_dir; /* Absolute. */
    int lock_fd;
};

/* ---- Data folder ---- */

/* Make the folder and those above it. */
static int make_folders(const char *path, struct segs_error *reterr)
{
    char part[4096];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof part)
        return rt_fail(reterr, SEGS_ERANGE, "DATA_DIR", "expected a path of 1..%zu bytes",
                       sizeof part - 1);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return rt_fail(reterr, errno == ENOSPC ? RT_ESTORAGE : SEGS_EDENIED, "DATA_DIR",
                           "cannot make %s: %s", part, strerror(errno));
    }
    return 0;
}

static int fail_locked(int fd, const char *dir, struct segs_error *reterr)
{
    char text[32] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;

    if (pid > 0)
        return rt_fail(reterr, SEGS_ECONFLICT, "DATA_DIR",
                       "expected a data folder of its own, process %ld works on %s", pid, dir);
    return rt_fail(reterr, SEGS_ECONFLICT, "DATA_DIR",
                   "expected a data folder of its own, another process works on %s", dir);
}

/* A record lock goes away with the process however it ends, so that kill -9 leaves no stale one. */
static int lock_folder(const char *dir, int *ret_fd, struct segs_error *reterr)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char path[4200];
    char pid[32];
    int len;
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", dir, LOCK_NAME);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return rt_fail(reterr, errno == ENOSPC ? RT_ESTORAGE : SEGS_EDENIED, "DATA_DIR",
                       "cannot open %s: %s", path, strerror(errno));
    if (fcntl(fd, F_SETLK, &lock) != 0) {
        int r = fail_locked(fd, dir, reterr);

        (void)close(fd);
        return r;
    }
    len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len) {
        int r =
            rt_fail(reterr, RT_ESTORAGE, "DATA_DIR", "cannot write %s: %s", path, strerror(errno));

        (void)close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

/* The same path, independent of the working directory. NULL: no memory, or the working directory
 * has gone. */
static char *absolute(const char *path)
{
    char cwd[4096] = "";
    char *text;
    size_t size;

    if (path[0] != '/' && !getcwd(cwd, sizeof cwd))
        return NULL;
    size = strlen(cwd) + strlen(path) + 2;
    text = malloc(size);
    if (text)
        (void)snprintf(text, size, "%s%s%s", cwd, cwd[0] ? "/" : "", path);
    return text;
}

static int open_folder(struct rt_app *app, const char *data_dir, struct segs_error *reterr)
{
    int r = make_folders(data_dir, reterr);

    if (r < 0)
        return r;
    app->own->data_dir = absolute(data_dir);
    if (!app->own->data_dir)
        return rt_fail(reterr, SEGS_EDENIED, "DATA_DIR", "cannot find %s: %s", data_dir,
                       strerror(errno));
    app->data_dir = app->own->data_dir;
    return lock_folder(app->data_dir, &app->own->lock_fd, reterr);
}

/* ---- Ports ---- */

/* The embedded engines are the only ones of this build; working on them although another one was
 * asked for would store data where nobody looks for it. */
static int check_engines(const struct rt_config *config, struct segs_error *reterr)
{
    static const char *const names[] = { "KAFKA_BROKERS", "DATABASE_URL", "TIMESCALE_URL",
                                         "REDIS_URL" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (rt_config_string(config, names[i]))
            return rt_fail(reterr, SEGS_ENOTSUP, names[i],
                           "is set (%s), but this build has the embedded engines only; unset it",
                           rt_config_origin(config, names[i]));
    }
    return 0;
}

static int open_ports(struct rt_app *app, struct segs_error *reterr)
{
    const struct rt_bus_options bus = { .data_dir = app->data_dir, .metrics = app->metrics };
    const struct rt_db_options db = { .data_dir = app->data_dir, .metrics = app->metrics };
    const struct rt_cache_options cache = { .max_bytes =
                                                (size_t)rt_config_int(app->config, "CACHE_SIZE"),
                                            .metrics = app->metrics };
    int r = rt_bus_open(&bus, &app->bus, reterr);

    if (r == 0)
        r = rt_db_open(&db, &app->db, reterr);
    if (r == 0) {
        r = rt_cache_open(&cache, &app->cache, reterr);
        if (r < 0)
            (void)rt_fail(reterr, r, "CACHE_SIZE", "cannot make the cache: %s", rt_strerror(r));
    }
    return r;
}

int rt_app_open_ports(const struct rt_config *config, const char *data_dir, bool dev,
                      bool with_ports, struct rt_app *ret, struct segs_error *reterr)
{
    struct rt_app app = { .config = config, .dev = dev };
    int r = 0;

    memset(ret, 0, sizeof *ret);
    app.metrics = rt_metrics_new();
    app.own = calloc(1, sizeof *app.own);
    if (app.own)
        app.own->lock_fd = -1;
    if (!app.metrics || !app.own)
        r = rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory to start");
    if (r == 0 && with_ports) {
        r = check_engines(config, reterr);
        if (r == 0)
            r = open_folder(&app, data_dir ? data_dir : rt_config_string(config, "DATA_DIR"),
                            reterr);
        if (r == 0)
            r = open_ports(&app, reterr);
    }
    if (r < 0) {
        rt_app_close(&app);
        return r;
    }
    *ret = app;
    return 0;
}

int rt_app_open(const struct rt_config *config, const char *data_dir, bool dev, struct rt_app *ret,
                struct segs_error *reterr)
{
    return rt_app_open_ports(config, data_dir, dev, true, ret, reterr);
}

void rt_app_close(struct rt_app *app)
{
    if (app->cache)
        rt_cache_close(app->cache);
    if (app->db)
        rt_db_close(app->db);
    if (app->bus)
        rt_bus_close(app->bus);
    rt_metrics_free(app->metrics);
    if (app->own) {
        if (app->own->lock_fd >= 0)
            (void)close(app->own->lock_fd);
        free(app->own->data_dir);
        free(app->own);
    }
    memset(app, 0, sizeof *app);
}
