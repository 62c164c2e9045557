/* segs status: one line a service. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/buf.h"
#include "runtime/clock.h"
#include "runtime/json.h"
#include "segs/cli.h"
#include "segs/commands.h"
#include "segs/probe.h"
#include "segs/run_file.h"

#define BETWEEN_MS 1000

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_ENV };

struct arguments {
    const char *data;
    enum format format;
    bool watches;
    bool wants_help;
};

/* ---- Text ---- */

static void uptime_text(int64_t ms, char buf[32])
{
    int64_t s = ms / 1000;

    if (s < 60)
        (void)snprintf(buf, 32, "%" PRId64 "s", s);
    else if (s < 3600)
        (void)snprintf(buf, 32, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
    else if (s < 86400)
        (void)snprintf(buf, 32, "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
    else
        (void)snprintf(buf, 32, "%" PRId64 "d%02" PRId64 "h", s / 86400, s / 3600 % 24);
}

static int64_t total_lag(const struct probes *probes)
{
    int64_t lag = 0;

    for (size_t i = 0; i < probes->n_partitions; i++)
        lag += probes->partitions[i].lag;
    return lag;
}

static void rate_text(const struct probe *probe, char *buf, size_t size)
{
    char number[CLI_NUMBER_BYTES];

    if (probe->rate < 0)
        (void)snprintf(buf, size, "-");
    else
        (void)snprintf(buf, size, "%s %s", cli_number((int64_t)(probe->rate + 0.5), number),
                       probe->unit);
}

static void print_service(const struct probe *probe, const struct probes *probes,
                          const char *uptime, bool color)
{
    static const char *const colors[] = { "\033[32m", "\033[33m", "\033[31m" };
    char rate[64];
    char lag[64] = "";
    char number[CLI_NUMBER_BYTES];

    rate_text(probe, rate, sizeof rate);
    if (strcmp(probe->service->name, "stream-processor") == 0 && probes->n_partitions > 0)
        (void)snprintf(lag, sizeof lag, "lag %s", cli_number(total_lag(probes), number));
    (void)printf("%-17s %s%-9s%s %-8s %-20s %-24s %s", probe->service->name,
                 color ? colors[probe->state] : "", probe_state_name(probe->state),
                 color ? "\033[0m" : "", probe->state == PROBE_DOWN ? "-" : uptime, rate,
                 probe->service->url, lag);
    if (probe->error[0])
        (void)printf("  %s", probe->error);
    (void)printf("\n");
    if (probe->hint)
        (void)printf("%-17s   hint: %s\n", "", probe->hint);
}

static void print_lags(const struct probes *probes)
{
    if (probes->n_partitions == 0)
        return;
    (void)printf("lag by partition ");
    for (size_t i = 0; i < probes->n_partitions; i++)
        (void)printf("%s%" PRId64 ":%" PRId64, i ? "  " : " ", probes->partitions[i].partition,
                     probes->partitions[i].lag);
    (void)printf("\n");
}

static void print_text(const struct run_file *run, const struct probes *probes)
{
    bool color = cli_has_color(STDOUT_FILENO);
    char uptime[32];

    uptime_text(rt_clock_now_ms(NULL) - run->started_at_ms, uptime);
    for (size_t i = 0; i < probes->n_services; i++)
        print_service(&probes->services[i], probes, uptime, color);
    print_lags(probes);
    (void)printf("data folder       %s, process %" PRId64 "\n", run->data_dir, run->pid);
}

/* ---- JSON ---- */

static void put_service(struct rt_json_out *out, const struct probe *probe)
{
    rt_json_object(out, NULL);
    rt_json_put_string(out, "name", probe->service->name);
    rt_json_put_string(out, "url", probe->service->url);
    rt_json_put_string(out, "state", probe_state_name(probe->state));
    if (probe->rate >= 0)
        rt_json_put_double(out, "rate", (double)(int64_t)(probe->rate * 10 + 0.5) / 10);
    else
        rt_json_put_null(out, "rate");
    rt_json_put_string(out, "rate_unit", probe->unit);
    rt_json_put_string(out, "error", probe->error[0] ? probe->error : NULL);
    rt_json_put_string(out, "hint", probe->hint);
    rt_json_end_object(out);
}

static void print_json(const struct run_file *run, const struct probes *probes)
{
    struct rt_buf text = RT_BUF_INIT;
    struct rt_json_out out;

    rt_json_begin(&out, &text);
    rt_json_object(&out, NULL);
    rt_json_put_string(&out, "state", probe_state_name(probe_overall(probes)));
    rt_json_put_int(&out, "pid", run->pid);
    rt_json_put_time(&out, "started_at", run->started_at_ms);
    rt_json_put_int(&out, "uptime_seconds", (rt_clock_now_ms(NULL) - run->started_at_ms) / 1000);
    rt_json_put_string(&out, "data_dir", run->data_dir);
    rt_json_put_int(&out, "lag", total_lag(probes));
    rt_json_array(&out, "services");
    for (size_t i = 0; i < probes->n_services; i++)
        put_service(&out, &probes->services[i]);
    rt_json_end_array(&out);
    rt_json_array(&out, "partitions");
    for (size_t i = 0; i < probes->n_partitions; i++) {
        rt_json_object(&out, NULL);
        rt_json_put_int(&out, "partition", probes->partitions[i].partition);
        rt_json_put_int(&out, "lag", probes->partitions[i].lag);
        rt_json_put_string(
            &out, "held_back_by",
            probes->partitions[i].held_back_by[0] ? probes->partitions[i].held_back_by : NULL);
        rt_json_end_object(&out);
    }
    rt_json_end_array(&out);
    rt_json_end_object(&out);
    rt_buf_text(&text, "\n");
    if (rt_buf_status(&text) == 0)
        (void)fwrite(text.data, 1, text.len, stdout);
    rt_buf_free(&text);
}

/* ---- Environment: for eval "$(segs status -o env)" ---- */

static void print_quoted(const char *name, const char *value)
{
    (void)printf("%s='", name);
    for (const char *p = value; *p; p++) {
        if (*p == '\'')
            (void)fputs("'\\''", stdout);
        else
            (void)putchar(*p);
    }
    (void)printf("'\n");
}

static void print_env(const struct run_file *run)
{
    char number[24];

    (void)snprintf(number, sizeof number, "%" PRId64, run->pid);
    print_quoted("SEGS_PID", number);
    print_quoted("SEGS_DATA_DIR", run->data_dir);
    for (size_t i = 0; i < run->n_services; i++) {
        char name[64];
        size_t n = (size_t)snprintf(name, sizeof name, "SEGS_%s_URL", run->services[i].name);

        for (size_t k = 0; k < n && k < sizeof name; k++) {
            if (name[k] >= 'a' && name[k] <= 'z')
                name[k] = (char)(name[k] - 'a' + 'A');
            else if (name[k] == '-')
                name[k] = '_';
        }
        print_quoted(name, run->services[i].url);
    }
}

/* ---- Running ---- */

static int not_running(const char *dir, const char *reason, enum format format)
{
    if (format == FORMAT_JSON)
        (void)printf("{\"state\":\"down\",\"services\":[]}\n");
    else if (format == FORMAT_TEXT)
        (void)printf("not running in %s%s\nhint: segs dev --data %s starts it\n", dir, reason, dir);
    return EXIT_NOT_RUNNING;
}

static int show(const struct run_file *run, enum format format)
{
    static struct probes probes;
    enum probe_state state;

    if (format == FORMAT_ENV) {
        print_env(run);
        return EXIT_DONE;
    }
    if (probe_all(run, BETWEEN_MS, &probes) < 0) {
        (void)fprintf(stderr, "segs status: cannot make an HTTP client\n");
        return EXIT_UNUSABLE;
    }
    if (format == FORMAT_JSON)
        print_json(run, &probes);
    else
        print_text(run, &probes);
    (void)fflush(stdout);
    state = probe_overall(&probes);
    return state == PROBE_UP ? EXIT_DONE : state == PROBE_DEGRADED ? EXIT_FOUND : EXIT_NOT_RUNNING;
}

static int look(const char *dir, enum format format)
{
    struct segs_error err = { 0 };
    struct run_file run;
    int r = run_file_read(dir, &run, &err);

    if (r == SEGS_ENOTFOUND)
        return not_running(dir, "", format);
    if (r < 0) {
        cli_complain("status", r, &err);
        return EXIT_UNUSABLE;
    }
    if (!run_file_is_alive(&run))
        return not_running(dir, ": the process that last worked there ended without saying so",
                           format);
    return show(&run, format);
}

static const char help[] =
    "Examples:\n"
    "  segs status                       how is what runs in .segs doing?\n"
    "  segs status --watch               the same, again and again\n"
    "  eval \"$(segs status -o env)\"      URLs for scripts: SEGS_INGESTION_URL, ...\n"
    "\n"
    "Usage: segs status [OPTION]...\n"
    "\n"
    "One line a service: state, uptime, rate over one second, address, lag, and what is wrong.\n"
    "\n"
    "      --data DIR    the data folder (DATA_DIR), .segs by default\n"
    "      --json        one JSON document; the same as -o json\n"
    "  -o, --output FMT  text, json or env\n"
    "      --watch       show it every two seconds until interrupted\n"
    "  -h, --help        show this text\n"
    "\n"
    "Exit status: 0 all up, 1 something is degraded, 2 it could not look, 3 not running.\n";

static const struct option long_options[] = {
    { "data", required_argument, NULL, 'd' },   { "json", no_argument, NULL, 'j' },
    { "output", required_argument, NULL, 'o' }, { "watch", no_argument, NULL, 'w' },
    { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 }
};

static bool set_format(struct arguments *arguments, const char *text)
{
    static const char *const names[] = { "text", "json", "env" };

    for (int i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            arguments->format = (enum format)i;
            return true;
        }
    }
    (void)fprintf(stderr, "segs status: --output: expected text, json or env, found \"%s\"\n",
                  text);
    return false;
}

static bool parse(struct arguments *arguments, int argc, char **argv)
{
    int option;
    bool ok = true;

    opterr = 0;
    while (ok && (option = getopt_long(argc, argv, "ho:", long_options, NULL)) != -1) {
        switch (option) {
        case 'd':
            arguments->data = optarg;
            break;
        case 'j':
            arguments->format = FORMAT_JSON;
            break;
        case 'o':
            ok = set_format(arguments, optarg);
            break;
        case 'w':
            arguments->watches = true;
            break;
        case 'h':
            arguments->wants_help = true;
            break;
        default:
            cli_unknown_option("status", long_options, argv);
            ok = false;
        }
    }
    return ok && cli_no_arguments("status", argc, argv);
}

int command_status(int argc, char **argv)
{
    struct arguments arguments = { .format = FORMAT_TEXT };
    const char *dir;
    int status;

    if (!parse(&arguments, argc, argv))
        return EXIT_UNUSABLE;
    if (arguments.wants_help) {
        (void)fputs(help, stdout);
        return EXIT_DONE;
    }
    dir = cli_data_dir(arguments.data);
    status = look(dir, arguments.format);
    while (arguments.watches && status != EXIT_UNUSABLE) {
        rt_sleep_ms(BETWEEN_MS);
        if (arguments.format == FORMAT_TEXT && isatty(STDOUT_FILENO))
            (void)fputs("\033[H\033[2J", stdout);
        status = look(dir, arguments.format);
        (void)fflush(stdout);
    }
    return status;
}
