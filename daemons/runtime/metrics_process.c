/* What Prometheus expects of every process, read from /proc at each render. */
#include "runtime/metrics_internal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/text.h"

struct process {
    double cpu_s;
    double start_s; /* After boot. */
    long long n_threads;
    long long resident_bytes;
};

static void append(struct rt_buf *out, const char *name, const char *type, const char *help,
                   double value)
{
    char text[RT_TEXT_DOUBLE_BYTES];

    rt_text_double(value, text);
    rt_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %s\n", name, help, name, type, name, text);
}

static int read_text(const char *path, char *buf, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t n;

    if (!file)
        return -1;
    n = fread(buf, 1, size - 1, file);
    buf[n] = '\0';
    (void)fclose(file);
    return n > 0 ? 0 : -1;
}

/* proc(5) numbers the fields of stat from 1; those behind the command name are numbers but for the
 * state. The name is in parentheses and may itself hold blanks and parentheses. */
enum { STATE = 3, USER_TIME = 14, SYSTEM_TIME = 15, N_THREADS = 20, START = 22, RESIDENT = 24 };

static int read_process(struct process *ret)
{
    char text[1024];
    long long fields[RESIDENT + 1] = { 0 };
    double ticks = (double)sysconf(_SC_CLK_TCK);
    char *p;

    if (read_text("/proc/self/stat", text, sizeof text) != 0)
        return -1;
    p = strrchr(text, ')');
    if (!p || p[1] != ' ' || !p[2])
        return -1;
    p += 3;
    for (int field = STATE + 1; field <= RESIDENT; field++) {
        char *end;

        fields[field] = strtoll(p, &end, 10);
        if (end == p)
            return -1;
        p = end;
    }
    ret->cpu_s = (double)(fields[USER_TIME] + fields[SYSTEM_TIME]) / ticks;
    ret->start_s = (double)fields[START] / ticks;
    ret->n_threads = fields[N_THREADS];
    ret->resident_bytes = fields[RESIDENT] * (long long)sysconf(_SC_PAGESIZE);
    return 0;
}

/* Epoch seconds of boot, 0 when unknown. */
static double boot_s(void)
{
    FILE *file = fopen("/proc/stat", "re");
    char line[4096];
    long long value = 0;

    if (!file)
        return 0;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "btime ", 6) == 0) {
            value = strtoll(line + 6, NULL, 10);
            break;
        }
    }
    (void)fclose(file);
    return (double)value;
}

static long count_open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    long n = 0;

    if (!dir)
        return -1;
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n - 3; /* ".", ".." and the directory itself. */
}

void rt_metrics_append_process(struct rt_buf *out)
{
    struct process process;
    struct rlimit limit;
    double boot = boot_s();
    long n_fds = count_open_fds();

    if (read_process(&process) == 0) {
        append(out, "process_cpu_seconds_total", "counter",
               "Total user and system CPU time spent in seconds.", process.cpu_s);
        append(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
               (double)process.resident_bytes);
        append(out, "process_threads", "gauge", "Number of threads.", (double)process.n_threads);
        if (boot > 0)
            append(out, "process_start_time_seconds", "gauge",
                   "Start time of the process since unix epoch in seconds.",
                   boot + process.start_s);
    }
    if (n_fds >= 0)
        append(out, "process_open_fds", "gauge", "Number of open file descriptors.", (double)n_fds);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        append(out, "process_max_fds", "gauge", "Maximum number of open file descriptors.",
               (double)limit.rlim_cur);
}
