/* segs audit: the command around audit_run. */
#include "segs/audit.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <segs/time.h>

#include "runtime/buf.h"
#include "runtime/bus/bus.h"
#include "runtime/db/db.h"
#include "runtime/json.h"
#include "runtime/log.h"
#include "runtime/schema/schema.h"
#include "segs/cli.h"
#include "segs/commands.h"
#include "segs/run_file.h"
#include "stream-processor/service.h"

#define LIMIT_DEFAULT 100

struct output {
    bool is_json;
    int64_t limit;
    int64_t n_shown;
    struct rt_buf json; /* The array of differences. */
    struct rt_json_out out;
};

/* ---- Differences ---- */

static void window_text(int64_t window_start_ms, char buf[SEGS_TIME_BYTES])
{
    buf[0] = '\0';
    if (window_start_ms >= 0)
        (void)segs_time_format(window_start_ms, buf, SEGS_TIME_BYTES);
}

static void print_difference(const struct audit_difference *d)
{
    char window[SEGS_TIME_BYTES];

    window_text(d->window_start_ms, window);
    (void)printf("%s %s%s%s%s%s: expected %" PRId64 ", found %" PRId64, d->what, d->meter,
                 d->meter[0] ? " " : "", window, window[0] ? " " : "", d->field, d->expected,
                 d->found);
    if (d->partition >= 0)
        (void)printf(", partition %" PRId32, d->partition);
    if (d->offset >= 0)
        (void)printf(", message %" PRId64, d->offset);
    (void)printf("\n");
}

static void put_difference(struct rt_json_out *out, const struct audit_difference *d)
{
    rt_json_object(out, NULL);
    rt_json_put_string(out, "in", d->what);
    rt_json_put_string(out, "field", d->field);
    rt_json_put_string(out, "subject", d->meter[0] ? d->meter : NULL);
    if (d->window_start_ms >= 0)
        rt_json_put_time(out, "window_start", d->window_start_ms);
    else
        rt_json_put_null(out, "window_start");
    rt_json_put_int(out, "expected", d->expected);
    rt_json_put_int(out, "found", d->found);
    if (d->partition >= 0)
        rt_json_put_int(out, "partition", d->partition);
    if (d->offset >= 0)
        rt_json_put_int(out, "offset", d->offset);
    rt_json_end_object(out);
}

static void on_difference(const struct audit_difference *difference, void *user)
{
    struct output *output = user;

    if (output->n_shown >= output->limit)
        return;
    output->n_shown++;
    if (output->is_json)
        put_difference(&output->out, difference);
    else
        print_difference(difference);
}

/* ---- Outcome ---- */

static void print_outcome(const struct audit_result *result, const struct output *output)
{
    char a[CLI_NUMBER_BYTES];
    char b[CLI_NUMBER_BYTES];
    char c[CLI_DECIMAL_BYTES];

    if (result->n_differences > output->n_shown)
        (void)printf("... and %s more (--limit shows more)\n",
                     cli_number(result->n_differences - output->n_shown, a));
    if (result->n_differences == 0)
        (void)printf("clean: ");
    else
        (void)printf("%s differences: ", cli_number(result->n_differences, a));
    (void)printf("%s readings, %s rows, %s kWh\n", cli_number(result->n_readings, a),
                 cli_number(result->n_rows, b), cli_micro(result->energy_micro_kwh, c));
    (void)printf("compared with %s messages of the log: %s duplicates, ",
                 cli_number(result->n_messages, a), cli_number(result->n_duplicates, b));
    (void)printf("%s in quarantine; %s rows of 15 minutes", cli_number(result->n_quarantined, a),
                 cli_number(result->n_quarters, b));
    (void)printf(", %s regional rows\n", cli_number(result->n_regional, a));
    if (result->n_dropped > 0)
        (void)printf("retention dropped %s messages: %s rows were compared with raw_readings "
                     "alone\n",
                     cli_number(result->n_dropped, a), cli_number(result->n_left_out, b));
    if (result->n_skipped > 0)
        (void)printf("%s messages were dropped before they were processed\n",
                     cli_number(result->n_skipped, a));
    if (result->n_pending > 0)
        (void)printf("%s messages are not processed yet and were left out\n",
                     cli_number(result->n_pending, a));
}

static void print_json(const struct audit_result *result, struct output *output)
{
    struct rt_buf text = RT_BUF_INIT;
    struct rt_json_out out;

    rt_json_end_array(&output->out);
    rt_json_begin(&out, &text);
    rt_json_object(&out, NULL);
    rt_json_put_bool(&out, "clean", result->n_differences == 0);
    rt_json_put_int(&out, "differences_total", result->n_differences);
    rt_json_put_int(&out, "messages", result->n_messages);
    rt_json_put_int(&out, "readings", result->n_readings);
    rt_json_put_int(&out, "duplicates", result->n_duplicates);
    rt_json_put_int(&out, "quarantined", result->n_quarantined);
    rt_json_put_int(&out, "rows", result->n_rows);
    rt_json_put_int(&out, "rows_15m", result->n_quarters);
    rt_json_put_int(&out, "rows_regional", result->n_regional);
    rt_json_put_fixed(&out, "energy_kwh", result->energy_micro_kwh, 6);
    rt_json_put_int(&out, "rows_left_out", result->n_left_out);
    rt_json_put_int(&out, "messages_dropped", result->n_dropped);
    rt_json_put_int(&out, "messages_skipped", result->n_skipped);
    rt_json_put_int(&out, "messages_pending", result->n_pending);
    rt_json_put_raw(&out, "differences", output->json.data, output->json.len);
    rt_json_end_object(&out);
    rt_buf_text(&text, "\n");
    if (rt_buf_status(&text) == 0)
        (void)fwrite(text.data, 1, text.len, stdout);
    rt_buf_free(&text);
}

/* ---- Running ---- */

static int open_ports(const char *dir, struct rt_bus **bus, struct rt_db **db,
                      struct segs_error *reterr)
{
    const struct rt_bus_options bus_options = { .data_dir = dir, .read_only = true };
    const struct rt_db_options db_options = { .data_dir = dir, .read_only = true };
    struct stat st;
    int r;

    if (stat(dir, &st) != 0)
        return rt_fail(reterr, SEGS_ENOTFOUND, "--data", "%s: %s", dir, strerror(errno));
    r = rt_bus_open(&bus_options, bus, reterr);
    if (r == 0)
        r = rt_db_open(&db_options, db, reterr);
    return r < 0 ? r : rt_schema_migrate(*db, reterr);
}

static int audit(const char *dir, const struct audit_options *options, struct output *output)
{
    struct segs_error err = { 0 };
    struct audit_result result;
    struct rt_bus *bus = NULL;
    struct rt_db *db = NULL;
    int r = open_ports(dir, &bus, &db, &err);

    if (r == 0)
        r = audit_run(bus, db, options, on_difference, output, &result, &err);
    if (db)
        rt_db_close(db);
    if (bus)
        rt_bus_close(bus);
    if (r < 0) {
        cli_complain("audit", r, &err);
        return EXIT_UNUSABLE;
    }
    if (output->is_json)
        print_json(&result, output);
    else
        print_outcome(&result, output);
    return result.n_differences == 0 ? EXIT_DONE : EXIT_FOUND;
}

static bool add_interval(struct audit_options *options, int64_t interval_ms)
{
    for (int i = 0; i < options->n_intervals; i++) {
        if (options->intervals_ms[i] == interval_ms)
            return true;
    }
    if (options->n_intervals == AUDIT_INTERVALS_MAX)
        return false;
    options->intervals_ms[options->n_intervals++] = interval_ms;
    return true;
}

/* The intervals the folder was filled under, else the configured one. */
static void choose_intervals(const char *dir, const struct rt_config *config,
                             struct audit_options *options)
{
    int64_t noted[AUDIT_INTERVALS_MAX];
    size_t n = run_interval_list(dir, noted, AUDIT_INTERVALS_MAX);

    if (rt_config_is_set(config, "METER_INTERVAL"))
        (void)add_interval(options, rt_config_int(config, "METER_INTERVAL"));
    for (size_t i = 0; i < n; i++)
        (void)add_interval(options, noted[i]);
    if (options->n_intervals == 0)
        (void)add_interval(options, rt_config_int(config, "METER_INTERVAL"));
}

static const char help[] =
    "Examples:\n"
    "  segs audit                        compare log and tables of .segs\n"
    "  segs audit --data /srv/segs       of another data folder\n"
    "  segs audit --json | jq .clean\n"
    "\n"
    "Usage: segs audit [OPTION]...\n"
    "\n"
    "Reads the whole log of readings again, recomputes every row with code of its own and "
    "compares\n"
    "it with the tables: counted readings, rows of a minute, of a quarter of an hour and of "
    "regions,\n"
    "and the counters. Changes nothing. It looks at one moment of the database, so it also works\n"
    "while `segs dev` runs and after a crash. Windows whose part of the log retention has dropped\n"
    "are compared with the stored readings alone, and counted as such.\n"
    "\n"
    "      --data DIR        the data folder (DATA_DIR), .segs by default\n"
    "      --interval TIME   reporting interval that readings without energy were multiplied "
    "with;\n"
    "                        the folder remembers it otherwise\n"
    "      --limit N         differences that are listed, 100 by default; all are counted\n"
    "      --json            one JSON document instead of text\n"
    "      --set KEY=VALUE   METER_INTERVAL or MAX_FUTURE_SKEW, if the folder was filled under "
    "other ones\n"
    "  -h, --help            show this text\n"
    "\n"
    "Exit status: 0 clean, 1 differences, 2 it could not run.\n";

static const struct option long_options[] = { { "data", required_argument, NULL, 'd' },
                                              { "interval", required_argument, NULL, 'i' },
                                              { "limit", required_argument, NULL, 'l' },
                                              { "json", no_argument, NULL, 'j' },
                                              { "set", required_argument, NULL, 's' },
                                              { "help", no_argument, NULL, 'h' },
                                              { NULL, 0, NULL, 0 } };

struct arguments {
    struct cli_settings settings;
    const char *data;
    int64_t limit;
    bool is_json;
    bool wants_help;
};

static bool parse_limit(const char *text, int64_t *ret)
{
    char *end = NULL;

    errno = 0;
    *ret = strtoll(text, &end, 10);
    if (errno == 0 && *text && *end == '\0' && *ret >= 0)
        return true;
    (void)fprintf(stderr, "segs audit: --limit: expected a number of lines, found \"%s\"\n", text);
    return false;
}

static bool parse(struct arguments *arguments, int argc, char **argv)
{
    int option;
    bool ok = true;

    opterr = 0;
    while (ok && (option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        switch (option) {
        case 'd':
            arguments->data = optarg;
            break;
        case 'i':
            ok = cli_set(&arguments->settings, "audit", "METER_INTERVAL", optarg);
            break;
        case 'l':
            ok = parse_limit(optarg, &arguments->limit);
            break;
        case 'j':
            arguments->is_json = true;
            break;
        case 's':
            ok = cli_set_assignment(&arguments->settings, "audit", optarg);
            break;
        case 'h':
            arguments->wants_help = true;
            break;
        default:
            cli_unknown_option("audit", long_options, argv);
            ok = false;
        }
    }
    return ok && cli_no_arguments("audit", argc, argv);
}

int command_audit(int argc, char **argv)
{
    const struct rt_service *services[] = { &segs_stream_processor_service };
    struct arguments arguments = { .limit = LIMIT_DEFAULT };
    struct audit_options options = { .n_intervals = 0 };
    struct output output = { .is_json = false };
    struct rt_config *config;
    const char *dir;
    int status;

    if (!parse(&arguments, argc, argv))
        return EXIT_UNUSABLE;
    if (arguments.wants_help) {
        (void)fputs(help, stdout);
        return EXIT_DONE;
    }
    config = cli_config("audit", services, 1, &arguments.settings);
    if (!config)
        return EXIT_UNUSABLE;
    rt_log_setup(RT_LOG_ERROR, "text", "segs");
    dir = cli_data_dir(arguments.data);
    options.max_future_skew_ms = rt_config_int(config, "MAX_FUTURE_SKEW");
    choose_intervals(dir, config, &options);
    output.is_json = arguments.is_json;
    output.limit = arguments.limit;
    rt_json_begin(&output.out, &output.json);
    rt_json_array(&output.out, NULL);
    status = audit(dir, &options, &output);
    rt_buf_free(&output.json);
    rt_config_free(config);
    return status;
}
