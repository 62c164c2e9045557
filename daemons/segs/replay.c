/* segs replay: files of readings through the pipeline. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingestion/service.h"
#include "runtime/buf.h"
#include "runtime/json.h"
#include "runtime/log.h"
#include "segs/cli.h"
#include "segs/commands.h"
#include "segs/replay_files.h"
#include "segs/replay_pipeline.h"
#include "segs/run_file.h"

#define NAME "replay"

struct replay {
    struct cli_settings settings;
    struct replay_options options; /* Of the files. */
    struct replay_files files;
    struct replay_pipeline pipeline;
    struct feed feed;
    struct pipeline_totals before;
    struct pipeline_totals after;
    const char *url;
    const char *tz;
    const char *map;
    bool is_json;
    bool wants_help;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static void catch_signals(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    (void)sigemptyset(&action.sa_mask);
    action.sa_flags = (int)SA_RESETHAND; /* A second one ends at once. */
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

/* ---- Summary ---- */

static void print_line(const char *label, int64_t value)
{
    char number[CLI_NUMBER_BYTES];

    (void)printf("  %-22s %15s\n", label, cli_number(value, number));
}

static void print_text(const struct replay *replay)
{
    const struct pipeline_totals *a = &replay->before;
    const struct pipeline_totals *b = &replay->after;
    char energy[CLI_DECIMAL_BYTES];

    print_line("rows read", replay->files.n_rows);
    print_line("readings taken", replay->feed.n_taken);
    print_line("rows rejected", replay->files.n_bad + replay->feed.n_refused);
    if (replay->url) {
        print_line("duplicates in batches", replay->feed.n_duplicates);
        return;
    }
    print_line("counted", b->n_counted - a->n_counted);
    print_line("duplicates", b->n_duplicate - a->n_duplicate);
    print_line("quarantined", b->n_quarantined - a->n_quarantined);
    print_line("windows of 1 minute", b->n_rows - a->n_rows);
    print_line("windows of 15 minutes", b->n_quarters - a->n_quarters);
    (void)printf("  %-22s %15s kWh\n", "energy",
                 cli_micro(b->energy_micro_kwh - a->energy_micro_kwh, energy));
}

static void print_json(const struct replay *replay)
{
    const struct pipeline_totals *a = &replay->before;
    const struct pipeline_totals *b = &replay->after;
    struct rt_buf text = RT_BUF_INIT;
    struct rt_json_out out;

    rt_json_begin(&out, &text);
    rt_json_object(&out, NULL);
    rt_json_put_int(&out, "rows", replay->files.n_rows);
    rt_json_put_int(&out, "readings", replay->feed.n_taken);
    rt_json_put_int(&out, "rejected", replay->files.n_bad + replay->feed.n_refused);
    if (replay->url) {
        rt_json_put_int(&out, "duplicates", replay->feed.n_duplicates);
    } else {
        rt_json_put_int(&out, "counted", b->n_counted - a->n_counted);
        rt_json_put_int(&out, "duplicates", b->n_duplicate - a->n_duplicate);
        rt_json_put_int(&out, "quarantined", b->n_quarantined - a->n_quarantined);
        rt_json_put_int(&out, "windows_1m", b->n_rows - a->n_rows);
        rt_json_put_int(&out, "windows_15m", b->n_quarters - a->n_quarters);
        rt_json_put_fixed(&out, "energy_kwh", b->energy_micro_kwh - a->energy_micro_kwh, 6);
    }
    rt_json_end_object(&out);
    rt_buf_text(&text, "\n");
    if (rt_buf_status(&text) == 0)
        (void)fwrite(text.data, 1, text.len, stdout);
    rt_buf_free(&text);
}

static int summarise(const struct replay *replay)
{
    bool is_whole = replay->files.n_bad == 0 && replay->feed.n_refused == 0 &&
                    replay->after.n_quarantined == replay->before.n_quarantined;

    if (replay->files.n_bad + replay->feed.n_refused > replay->files.n_shown)
        (void)fprintf(stderr,
                      "segs replay: %" PRId64 " more rows were rejected (--errors shows more)\n",
                      replay->files.n_bad + replay->feed.n_refused - replay->files.n_shown);
    if (replay->is_json)
        print_json(replay);
    else
        print_text(replay);
    return is_whole ? EXIT_DONE : EXIT_FOUND;
}

/* ---- Running ---- */

static int fail(int r, const struct segs_error *err)
{
    if (r == RT_ESTOPPING)
        (void)fprintf(stderr, "segs replay: interrupted; what was sent stays, and running it again "
                              "finds it as duplicates\n");
    else
        cli_complain(NAME, r, err);
    return EXIT_UNUSABLE;
}

static int send_files(struct replay *replay, struct segs_error *reterr)
{
    int r = replay_files_open(&replay->files, &replay->options, &replay->feed,
                              replay->url ? NULL : &replay->pipeline, &interrupted, reterr);

    if (r == 0 && replay->map)
        r = replay_map_parse(replay->map, &replay->files.map, reterr);
    if (r == 0 && replay->tz)
        r = replay_zone_load(replay->tz, &replay->files.rows.zone, reterr);
    return r < 0 ? r : replay_files_send(&replay->files, reterr);
}

static bool waiting(const struct stream_progress *progress, void *user)
{
    replay_files_waiting(user, progress);
    return interrupted != 0;
}

static int through_pipeline(struct replay *replay, const struct rt_config *config,
                            struct segs_error *reterr)
{
    uint32_t flags =
        rt_config_bool(config, "INGEST_UNREGISTERED_EXPORT") ? SEGS_METER_MAY_EXPORT : 0;
    const char *dir = rt_config_string(config, "DATA_DIR");
    int r = replay_pipeline_open(&replay->pipeline, config, dir, reterr);

    if (r < 0)
        return r;
    run_interval_note(dir, rt_config_int(config, "METER_INTERVAL"));
    r = replay_pipeline_totals(&replay->pipeline, &replay->before, reterr);
    if (r == 0)
        r = feed_open_bus(&replay->feed, replay->pipeline.app.bus, replay->pipeline.app.db, flags,
                          reterr);
    if (r == 0)
        r = send_files(replay, reterr);
    if (r == 0)
        r = replay_pipeline_finish(&replay->pipeline, replay->feed.max_ts_ms, waiting,
                                   &replay->files, reterr);
    if (r == 0)
        r = replay_pipeline_totals(&replay->pipeline, &replay->after, reterr);
    replay_files_done(&replay->files);
    replay_pipeline_close(&replay->pipeline);
    return r;
}

static int over_http(struct replay *replay, struct segs_error *reterr)
{
    int r = feed_open_url(&replay->feed, replay->url, getenv("INGEST_KEY"), reterr);

    if (r == 0)
        r = send_files(replay, reterr);
    replay_files_done(&replay->files);
    return r;
}

/* What a replay decides unless the user did. */
static int set_defaults(struct rt_config *config, struct segs_error *reterr)
{
    static const char *const defaults[][2] = { { "MAX_AGE", "0" },      { "IDLE_TIMEOUT", "0" },
                                               { "STREAM_PORT", "0" },  { "HOLD_WINDOWS", "true" },
                                               { "LOG_LEVEL", "warn" }, { "LOG_FORMAT", "text" } };
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof defaults / sizeof defaults[0]; i++) {
        if (!rt_config_is_set(config, defaults[i][0]))
            r = rt_config_set(config, defaults[i][0], defaults[i][1], reterr);
    }
    return r;
}

static int run(struct replay *replay)
{
    const struct rt_service *services[] = { &segs_stream_processor_service,
                                            &segs_ingestion_service };
    struct rt_config *config = cli_config(NAME, services, 2, &replay->settings);
    struct segs_error err = { 0 };
    enum rt_log_level level = RT_LOG_WARN;
    int status;
    int r;

    if (!config)
        return EXIT_UNUSABLE;
    r = set_defaults(config, &err);
    if (r == 0) {
        (void)rt_log_level_parse(rt_config_string(config, "LOG_LEVEL"), &level);
        rt_log_setup(level, rt_config_string(config, "LOG_FORMAT"), "segs");
        catch_signals();
        r = replay->url ? over_http(replay, &err) : through_pipeline(replay, config, &err);
    }
    status = r < 0 ? fail(r, &err) : summarise(replay);
    replay_files_close(&replay->files);
    feed_close(&replay->feed);
    rt_config_free(config);
    return status;
}

/* ---- Command line ---- */

static const char help[] =
    "Examples:\n"
    "  segs replay readings.csv\n"
    "  segs replay day1.ndjson day2.ndjson --data history\n"
    "  segs replay --interval 30m --tz Europe/London house.csv \\\n"
    "      --map meter=LCLid,timestamp=DateTime,energy_kwh=KWH,region==London\n"
    "  segs replay --map 'meter==M1,timestamp=Date+Time:%d/%m/%Y %H:%M:%S,power_kw=W*0.001' x.csv\n"
    "\n"
    "Usage: segs replay [OPTION]... FILE...\n"
    "\n"
    "Sends readings from files through the pipeline into a data folder: validated like readings "
    "of\n"
    "the intake, appended to the log, processed into windows. Windows stay open until all files "
    "are\n"
    "read and then close up to the last reading's quarter of an hour, so the result does not "
    "depend\n"
    "on the order of rows or files. A file sent twice adds nothing: its readings are duplicates.\n"
    "FILE - is standard input.\n"
    "\n"
    "      --format FMT      csv or ndjson; by the file's name otherwise (.csv, .ndjson, .jsonl)\n"
    "      --map MAP         FIELD=COLUMN or FIELD==CONSTANT, comma-separated. Fields: meter,\n"
    "                        timestamp, power_kw, energy_kwh, register_kwh, voltage, current,\n"
    "                        power_factor, frequency, temperature, region. COLUMN*FACTOR scales a\n"
    "                        number; COLUMN:FORMAT of a timestamp is unix, unix_ms or a pattern "
    "of\n"
    "                        %Y %m %d %H %M %S; COLUMN+COLUMN joins date and time. Columns that "
    "bear\n"
    "                        a field's name need no mapping\n"
    "      --delimiter CHAR  between cells, a comma by default; \"tab\" is one\n"
    "      --null TEXT       cells of this text are empty\n"
    "      --tz ZONE         zone of timestamps without offset: Europe/Berlin or +05:30. A time "
    "that\n"
    "                        was shown twice is the first one, the second when the meter has had "
    "it\n"
    "      --interval TIME   reporting interval (METER_INTERVAL): energy of readings that have "
    "power\n"
    "                        alone, and how many readings a window should have\n"
    "      --speed N|max     N times as fast as it happened, max by default\n"
    "      --data DIR        the data folder (DATA_DIR), .segs by default; nothing else may run "
    "there\n"
    "      --url URL         send to a running intake instead (http://127.0.0.1:3001); an ingest "
    "key\n"
    "                        comes from INGEST_KEY. Readings older than its MAX_AGE are "
    "quarantined\n"
    "      --errors N        rejected rows that are named, 20 by default; all are counted\n"
    "      --json            the summary as JSON\n"
    "      --set KEY=VALUE   a setting of the stream processor or of ingestion\n"
    "  -h, --help            show this text\n"
    "\n"
    "Exit status: 0 all rows were taken, 1 some were rejected or quarantined, 2 it could not "
    "run.\n";

enum { OPTION_DELIMITER = 256, OPTION_NULL, OPTION_TZ, OPTION_URL, OPTION_ERRORS };

static const struct option long_options[] = { { "format", required_argument, NULL, 'f' },
                                              { "map", required_argument, NULL, 'm' },
                                              { "delimiter", required_argument, NULL,
                                                OPTION_DELIMITER },
                                              { "null", required_argument, NULL, OPTION_NULL },
                                              { "tz", required_argument, NULL, OPTION_TZ },
                                              { "interval", required_argument, NULL, 'i' },
                                              { "speed", required_argument, NULL, 'v' },
                                              { "data", required_argument, NULL, 'd' },
                                              { "url", required_argument, NULL, OPTION_URL },
                                              { "errors", required_argument, NULL, OPTION_ERRORS },
                                              { "json", no_argument, NULL, 'j' },
                                              { "set", required_argument, NULL, 's' },
                                              { "help", no_argument, NULL, 'h' },
                                              { NULL, 0, NULL, 0 } };

static bool refuse(const char *option, const char *expected, const char *found)
{
    (void)fprintf(stderr, "segs replay: --%s: expected %s, found \"%s\"\n", option, expected,
                  found);
    return false;
}

static bool set_format(struct replay *replay, const char *text)
{
    if (strcmp(text, "csv") == 0)
        replay->options.format = REPLAY_CSV;
    else if (strcmp(text, "ndjson") == 0)
        replay->options.format = REPLAY_NDJSON;
    else
        return refuse("format", "csv or ndjson", text);
    return true;
}

static bool set_delimiter(struct replay *replay, const char *text)
{
    if (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0)
        replay->options.delimiter = '\t';
    else if (text[0] && !text[1] && text[0] != '"' && text[0] != '\n' && text[0] != '\r')
        replay->options.delimiter = text[0];
    else
        return refuse("delimiter", "one character", text);
    return true;
}

static bool set_speed(struct replay *replay, const char *text)
{
    char *end = NULL;

    if (strcmp(text, "max") == 0)
        return true;
    replay->options.speed = strtol(text, &end, 10);
    return (*end == '\0' && replay->options.speed > 0) ||
           refuse("speed", "a whole number or max", text);
}

static bool set_errors(struct replay *replay, const char *text)
{
    char *end = NULL;

    replay->options.max_shown = strtoll(text, &end, 10);
    return (*text && *end == '\0' && replay->options.max_shown >= 0) ||
           refuse("errors", "a number of rows", text);
}

static bool take_option(struct replay *replay, int option, char **argv)
{
    switch (option) {
    case 'f':
        return set_format(replay, optarg);
    case 'm':
        replay->map = optarg;
        return true;
    case OPTION_DELIMITER:
        return set_delimiter(replay, optarg);
    case OPTION_NULL:
        replay->options.absent = optarg;
        return true;
    case OPTION_TZ:
        replay->tz = optarg;
        return true;
    case 'i':
        return cli_set(&replay->settings, NAME, "METER_INTERVAL", optarg);
    case 'v':
        return set_speed(replay, optarg);
    case 'd':
        return cli_set(&replay->settings, NAME, "DATA_DIR", optarg);
    case OPTION_URL:
        replay->url = optarg;
        return true;
    case OPTION_ERRORS:
        return set_errors(replay, optarg);
    case 'j':
        replay->is_json = true;
        return true;
    case 's':
        return cli_set_assignment(&replay->settings, NAME, optarg);
    case 'h':
        replay->wants_help = true;
        return true;
    default:
        cli_unknown_option(NAME, long_options, argv);
        return false;
    }
}

static bool parse(struct replay *replay, int argc, char **argv)
{
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (!take_option(replay, option, argv))
            return false;
    }
    replay->options.paths = (const char *const *)(argv + optind);
    replay->options.n_paths = (size_t)(argc - optind);
    if (replay->options.n_paths > 0 || replay->wants_help)
        return true;
    (void)fprintf(stderr,
                  "segs replay: expected at least one file\nsegs replay --help tells more.\n");
    return false;
}

int command_replay(int argc, char **argv)
{
    struct replay *replay = calloc(1, sizeof *replay);
    int status = EXIT_UNUSABLE;

    if (!replay)
        return EXIT_UNUSABLE;
    replay->options.delimiter = ',';
    replay->options.max_shown = 20;
    if (parse(replay, argc, argv)) {
        if (replay->wants_help) {
            (void)fputs(help, stdout);
            status = EXIT_DONE;
        } else {
            status = run(replay);
        }
    }
    free(replay);
    return status;
}
