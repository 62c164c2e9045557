#include "segs/run_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <segs/time.h>

#include "runtime/buf.h"
#include "runtime/json.h"

#define FILE_NAME "segs.json"
#define INTERVALS_NAME "intervals"
#define FILE_MAX_BYTES 65536

/* ---- Writing ---- */

static void render(const struct run_file *run, struct rt_buf *text)
{
    struct rt_json_out out;

    rt_json_begin(&out, text);
    rt_json_object(&out, NULL);
    rt_json_put_int(&out, "pid", run->pid);
    rt_json_put_int(&out, "start_ticks", run->start_ticks);
    rt_json_put_time(&out, "started_at", run->started_at_ms);
    rt_json_put_string(&out, "data_dir", run->data_dir);
    rt_json_array(&out, "services");
    for (size_t i = 0; i < run->n_services; i++) {
        rt_json_object(&out, NULL);
        rt_json_put_string(&out, "name", run->services[i].name);
        rt_json_put_string(&out, "url", run->services[i].url);
        rt_json_end_object(&out);
    }
    rt_json_end_array(&out);
    rt_json_end_object(&out);
    rt_buf_text(text, "\n");
}

static int write_whole(const char *path, const struct rt_buf *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool is_written;

    if (fd < 0)
        return -1;
    is_written = write(fd, text->data, text->len) == (ssize_t)text->len;
    return close(fd) == 0 && is_written ? 0 : -1;
}

int run_file_write(const char *data_dir, const struct run_file *run, struct segs_error *reterr)
{
    struct rt_buf text = RT_BUF_INIT;
    char path[4200];
    char temporary[4210];
    int r = 0;

    render(run, &text);
    (void)snprintf(path, sizeof path, "%s/" FILE_NAME, data_dir);
    (void)snprintf(temporary, sizeof temporary, "%s.new", path);
    if (rt_buf_status(&text) < 0)
        r = rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for " FILE_NAME);
    else if (write_whole(temporary, &text) < 0 || rename(temporary, path) != 0)
        r = rt_fail(reterr, RT_ESTORAGE, NULL, "cannot write %s: %s", path, strerror(errno));
    rt_buf_free(&text);
    return r;
}

void run_file_remove(const char *data_dir)
{
    char path[4200];

    (void)snprintf(path, sizeof path, "%s/" FILE_NAME, data_dir);
    (void)unlink(path);
}

/* ---- Reading ---- */

static const struct rt_json_member run_members[] = {
    { .name = "pid", .type = RT_JSON_INT, .required = true, .min = 1, .max = INT32_MAX },
    { .name = "start_ticks", .type = RT_JSON_INT, .required = true },
    { .name = "started_at", .type = RT_JSON_STRING, .required = true, .max_len = 64 },
    { .name = "data_dir", .type = RT_JSON_STRING, .required = true, .max_len = 4095 },
    { .name = "services", .type = RT_JSON_ANY, .required = true },
    { .name = NULL }
};

static const struct rt_json_member service_members[] = {
    { .name = "name", .type = RT_JSON_STRING, .required = true, .max_len = 31 },
    { .name = "url", .type = RT_JSON_STRING, .required = true, .max_len = 159 },
    { .name = NULL }
};

static int parse_service(const char *text, size_t len, struct run_service *ret)
{
    struct rt_json *json = NULL;
    int r = rt_json_parse(text, len, &json, NULL);

    if (r == 0)
        r = rt_json_check(json, service_members, NULL, NULL);
    if (r == 0) {
        (void)snprintf(ret->name, sizeof ret->name, "%s", rt_json_string(json, "name"));
        (void)snprintf(ret->url, sizeof ret->url, "%s", rt_json_string(json, "url"));
    }
    rt_json_free(json);
    return r;
}

static int parse_services(const char *text, size_t len, struct run_file *ret)
{
    struct rt_json *json = NULL;
    size_t n;
    int r = rt_json_parse(text, len, &json, NULL);

    n = r == 0 ? rt_json_n_elements(json) : 0;
    if (n > RUN_SERVICES_MAX)
        r = SEGS_EFULL;
    for (size_t i = 0; r == 0 && i < n; i++) {
        size_t element_len = 0;
        const char *element = rt_json_raw_at(json, i, &element_len);

        r = parse_service(element, element_len, &ret->services[i]);
    }
    ret->n_services = n;
    rt_json_free(json);
    return r;
}

static int fill(const struct rt_json *json, struct run_file *ret)
{
    const char *started = rt_json_string(json, "started_at");
    size_t len = 0;
    const char *services = rt_json_raw(json, "services", &len);

    (void)rt_json_int(json, "pid", &ret->pid);
    (void)rt_json_int(json, "start_ticks", &ret->start_ticks);
    (void)snprintf(ret->data_dir, sizeof ret->data_dir, "%s", rt_json_string(json, "data_dir"));
    if (segs_time_parse(started, strlen(started), &ret->started_at_ms, NULL) < 0)
        return SEGS_ESYNTAX;
    return parse_services(services, len, ret);
}

int run_file_parse(const char *text, size_t len, struct run_file *ret, struct segs_error *reterr)
{
    struct run_file run;
    struct rt_json *json = NULL;
    int r = rt_json_parse(text, len, &json, NULL);

    memset(&run, 0, sizeof run);
    if (r == 0)
        r = rt_json_check(json, run_members, NULL, NULL);
    if (r == 0)
        r = fill(json, &run);
    rt_json_free(json);
    if (r < 0)
        return rt_fail(reterr, SEGS_ESYNTAX, FILE_NAME, "expected the file that segs dev writes");
    *ret = run;
    return 0;
}

int run_file_read(const char *data_dir, struct run_file *ret, struct segs_error *reterr)
{
    char path[4200];
    char text[FILE_MAX_BYTES];
    FILE *file;
    size_t len;

    (void)snprintf(path, sizeof path, "%s/" FILE_NAME, data_dir);
    file = fopen(path, "re");
    if (!file)
        return rt_fail(reterr, errno == ENOENT || errno == ENOTDIR ? SEGS_ENOTFOUND : SEGS_EDENIED,
                       NULL, "%s: %s", path, strerror(errno));
    len = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    return run_file_parse(text, len, ret, reterr);
}

/* ---- Processes ---- */

/* The name in /proc/PID/stat may hold anything, so fields are counted from its closing parenthesis: the start time is field 22. */
int64_t run_process_start_ticks(int64_t pid)
{
    char path[64];
    char text[1024];
    const char *at;
    FILE *file;
    size_t len;

    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    file = fopen(path, "re");
    if (!file)
        return -1;
    len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    at = strrchr(text, ')');
    if (at && at[1] == ' ' && (at[2] == 'Z' || at[2] == 'X'))
        return -1; /* Dead, only not buried yet. */
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoll(at, NULL, 10) : -1;
}

bool run_file_is_alive(const struct run_file *run)
{
    return run_process_start_ticks(run->pid) == run->start_ticks;
}

/* ---- Intervals ---- */

size_t run_interval_list(const char *data_dir, int64_t *ret_ms, size_t max)
{
    char path[4200];
    char line[64];
    size_t n = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/" INTERVALS_NAME, data_dir);
    file = fopen(path, "re");
    while (file && n < max && fgets(line, sizeof line, file)) {
        int64_t value = strtoll(line, NULL, 10);

        if (value > 0)
            ret_ms[n++] = value;
    }
    if (file)
        (void)fclose(file);
    return n;
}

void run_interval_note(const char *data_dir, int64_t interval_ms)
{
    int64_t noted[64];
    size_t n = run_interval_list(data_dir, noted, 64);
    char path[4200];
    FILE *file;

    for (size_t i = 0; i < n; i++) {
        if (noted[i] == interval_ms)
            return;
    }
    (void)snprintf(path, sizeof path, "%s/" INTERVALS_NAME, data_dir);
    file = n < 64 ? fopen(path, "ae") : NULL;
    if (file) {
        (void)fprintf(file, "%" PRId64 "\n", interval_ms);
        (void)fclose(file);
    }
}
