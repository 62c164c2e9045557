#include "runtime/config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/buf.h"

static const struct rt_config_entry common[] = {
    { .name = "LOG_LEVEL",
      .type = RT_CONFIG_CHOICE,
      .choices = "debug|info|warn|error",
      .fallback = "info",
      .help = "Level." },
    { .name = "KAFKA_BROKERS", .type = RT_CONFIG_LIST, .help = "Brokers." },
};

static const struct rt_config_entry service[] = {
    { .name = "INGESTION_PORT",
      .alias = "PORT",
      .type = RT_CONFIG_INT,
      .fallback = "3001",
      .min = 0,
      .max = 65535,
      .help = "Port." },
    { .name = "CHECKPOINT_INTERVAL",
      .type = RT_CONFIG_DURATION,
      .fallback = "1s",
      .unit = "s",
      .min = 100,
      .max = 60000,
      .help = "Interval." },
    { .name = "QUEUE_SIZE",
      .type = RT_CONFIG_SIZE,
      .fallback = "64MiB",
      .min = 4096,
      .max = 1073741824,
      .help = "Queue." },
    { .name = "STRICT", .type = RT_CONFIG_BOOL, .fallback = "false", .help = "Strict." },
    { .name = "LOSS_RATIO",
      .type = RT_CONFIG_RATIO,
      .fallback = "0.01",
      .min = 0,
      .max = 1000000,
      .help = "Share." },
    { .name = "REGION", .type = RT_CONFIG_STRING, .min = 1, .max = 8, .help = "Region." },
    { .name = "JWT_SECRET", .type = RT_CONFIG_STRING, .secret = true, .help = "Key." },
};

static const struct rt_config_entry other[] = {
    { .name = "TARIFF_PORT",
      .alias = "PORT",
      .type = RT_CONFIG_INT,
      .fallback = "3003",
      .help = "Port." },
};

#define N(table) (sizeof(table) / sizeof((table)[0]))

static struct rt_config *config;
static struct segs_error err;
static char folder[64];
static char *const no_environment[] = { NULL };

static void setup(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/check_config.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    memset(&err, 0, sizeof err);
    ck_assert_int_eq(rt_config_new(&config), 0);
    ck_assert_int_eq(rt_config_add_table(config, "common", common, N(common)), 0);
    ck_assert_int_eq(rt_config_add_table(config, "ingestion", service, N(service)), 0);
}

static void teardown(void)
{
    char command[128];

    rt_config_free(config);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static const char *write_file(const char *name, const char *text, mode_t mode)
{
    static char path[128];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
    return path;
}

static int load_text(const char *text, char *const *environment)
{
    return rt_config_load(config, write_file("segs.env", text, 0644), environment, &err);
}

START_TEST(defaults_hold_when_nothing_is_said)
{
    ck_assert_int_eq(rt_config_load(config, NULL, no_environment, &err), 0);
    ck_assert_int_eq(rt_config_int(config, "INGESTION_PORT"), 3001);
    ck_assert_int_eq(rt_config_int(config, "CHECKPOINT_INTERVAL"), 1000);
    ck_assert_int_eq(rt_config_int(config, "QUEUE_SIZE"), 67108864);
    ck_assert_int_eq(rt_config_int(config, "LOSS_RATIO"), 10000);
    ck_assert_str_eq(rt_config_string(config, "LOG_LEVEL"), "info");
    ck_assert(!rt_config_bool(config, "STRICT"));
    ck_assert_ptr_null(rt_config_string(config, "REGION"));
    ck_assert(!rt_config_is_set(config, "INGESTION_PORT"));
    ck_assert_str_eq(rt_config_origin(config, "INGESTION_PORT"), "default");
}
END_TEST

START_TEST(a_file_wins_over_the_default_and_says_its_line)
{
    ck_assert_int_eq(load_text("# ports\n\nINGESTION_PORT=4000\n", no_environment), 0);
    ck_assert_int_eq(rt_config_int(config, "INGESTION_PORT"), 4000);
    ck_assert_str_eq(rt_config_origin(config, "INGESTION_PORT"), "file:3");
    ck_assert(rt_config_is_set(config, "INGESTION_PORT"));
}
END_TEST

START_TEST(the_environment_wins_over_the_file)
{
    char variable[] = "INGESTION_PORT=5000";
    char *environment[] = { variable, NULL };

    ck_assert_int_eq(load_text("INGESTION_PORT=4000\n", environment), 0);
    ck_assert_int_eq(rt_config_int(config, "INGESTION_PORT"), 5000);
    ck_assert_str_eq(rt_config_origin(config, "INGESTION_PORT"), "environment");
}
END_TEST

START_TEST(the_command_line_wins_over_everything_in_any_order)
{
    char variable[] = "INGESTION_PORT=5000";
    char *environment[] = { variable, NULL };

    ck_assert_int_eq(rt_config_set(config, "INGESTION_PORT", "6000", &err), 0);
    ck_assert_int_eq(load_text("INGESTION_PORT=4000\n", environment), 0);
    ck_assert_int_eq(rt_config_int(config, "INGESTION_PORT"), 6000);
    ck_assert_str_eq(rt_config_origin(config, "INGESTION_PORT"), "command line");
}
END_TEST

START_TEST(the_prefixed_name_wins_over_the_bare_name_and_that_over_the_alias)
{
    char prefixed[] = "SEGS_INGESTION_PORT=1";
    char bare[] = "INGESTION_PORT=2";
    char alias[] = "PORT=3";
    char *all[] = { alias, prefixed, bare, NULL };
    char *two[] = { alias, bare, NULL };

    ck_assert_int_eq(rt_config_load(config, NULL, all, &err), 0);
    ck_assert_int_eq(rt_config_int(config, "INGESTION_PORT"), 1);
    teardown();
    setup();
    ck_assert_int_eq(rt_config_load(config, NULL, two, &err), 0);
    ck_assert_int_eq(rt_config_int(config, "INGESTION_PORT"), 2);
}
END_TEST

START_TEST(an_alias_counts_in_a_daemon_of_its_own)
{
    char alias[] = "PORT=3";
    char *environment[] = { alias, NULL };

    ck_assert_int_eq(rt_config_load(config, NULL, environment, &err), 0);
    ck_assert_int_eq(rt_config_int(config, "INGESTION_PORT"), 3);
}
END_TEST

START_TEST(an_alias_does_not_count_beside_a_second_service)
{
    char alias[] = "PORT=3";
    char *environment[] = { alias, NULL };

    ck_assert_int_eq(rt_config_add_table(config, "tariff", other, N(other)), 0);
    ck_assert_int_eq(rt_config_load(config, NULL, environment, &err), 0);
    ck_assert_int_eq(rt_config_int(config, "INGESTION_PORT"), 3001);
    ck_assert_int_eq(rt_config_int(config, "TARIFF_PORT"), 3003);
    ck_assert_int_eq(load_text("PORT=3\n", no_environment), SEGS_ENOTFOUND);
    ck_assert_str_eq(err.message,
                     "is understood by a daemon of its own only; set INGESTION_PORT here");
}
END_TEST

START_TEST(two_tables_may_share_a_setting_that_they_agree_on)
{
    static const struct rt_config_entry differs[] = {
        { .name = "INGESTION_PORT", .type = RT_CONFIG_INT, .fallback = "1", .help = "x" }
    };

    ck_assert_int_eq(rt_config_add_table(config, "again", service, N(service)), 0);
    ck_assert_int_eq(rt_config_add_table(config, "differs", differs, 1), SEGS_ECONFLICT);
}
END_TEST

START_TEST(a_default_that_its_own_entry_refuses_is_a_bug)
{
    static const struct rt_config_entry wrong[] = {
        { .name = "WRONG", .type = RT_CONFIG_INT, .fallback = "12x", .help = "x" }
    };

    ck_assert_int_eq(rt_config_add_table(config, "wrong", wrong, 1), SEGS_EINVAL);
}
END_TEST

/* ---- Values ---- */

static const struct {
    const char *name;
    const char *text;
    int64_t expected;
} good[] = {
    { "CHECKPOINT_INTERVAL", "10s", 10000 },
    { "CHECKPOINT_INTERVAL", "500ms", 500 },
    { "CHECKPOINT_INTERVAL", "1m", 60000 },
    { "CHECKPOINT_INTERVAL", "15", 15000 }, /* Bare: seconds, the entry's unit. */
    { "QUEUE_SIZE", "64KiB", 65536 },
    { "QUEUE_SIZE", "1GiB", 1073741824 },
    { "QUEUE_SIZE", "4096", 4096 },
    { "QUEUE_SIZE", "5000B", 5000 },
    { "LOSS_RATIO", "0", 0 },
    { "LOSS_RATIO", "1", 1000000 },
    { "LOSS_RATIO", "0.000001", 1 },
    { "LOSS_RATIO", "2.5e-1", 250000 },
    { "INGESTION_PORT", "0", 0 },
    { "INGESTION_PORT", "65535", 65535 },
};

START_TEST(a_value_is_read_with_its_unit)
{
    ck_assert_int_eq(rt_config_set(config, good[_i].name, good[_i].text, &err), 0);
    ck_assert_int_eq(rt_config_int(config, good[_i].name), good[_i].expected);
}
END_TEST

static const struct {
    const char *name;
    const char *text;
    int code;
    const char *message;
} bad[] = {
    { "INGESTION_PORT", "12x", SEGS_ESYNTAX, "expected an integer, 0..65535, found \"12x\"" },
    { "INGESTION_PORT", "+1", SEGS_ESYNTAX, "expected an integer, 0..65535, found \"+1\"" },
    { "INGESTION_PORT", " 1", SEGS_ESYNTAX, "expected an integer, 0..65535, found \" 1\"" },
    { "INGESTION_PORT", "010", SEGS_ESYNTAX, "expected an integer, 0..65535, found \"010\"" },
    { "INGESTION_PORT", "", SEGS_ESYNTAX, "expected an integer, 0..65535, found nothing" },
    { "INGESTION_PORT", "65536", SEGS_ERANGE, "expected an integer, 0..65535, found \"65536\"" },
    { "INGESTION_PORT", "-1", SEGS_ERANGE, "expected an integer, 0..65535, found \"-1\"" },
    { "INGESTION_PORT", "99999999999999999999", SEGS_ERANGE,
      "expected an integer, 0..65535, found \"99999999999999999999\"" },
    { "CHECKPOINT_INTERVAL", "10 s", SEGS_ESYNTAX,
      "expected a duration such as 500ms, 10s, 15m, 2h, 7d, or a number of s, 100ms..1m, "
      "found \"10 s\"" },
    { "CHECKPOINT_INTERVAL", "1.5s", SEGS_ESYNTAX,
      "expected a duration such as 500ms, 10s, 15m, 2h, 7d, or a number of s, 100ms..1m, "
      "found \"1.5s\"" },
    { "CHECKPOINT_INTERVAL", "2h", SEGS_ERANGE,
      "expected a duration such as 500ms, 10s, 15m, 2h, 7d, or a number of s, 100ms..1m, "
      "found \"2h\"" },
    { "CHECKPOINT_INTERVAL", "200000000000d", SEGS_ERANGE,
      "expected a duration such as 500ms, 10s, 15m, 2h, 7d, or a number of s, 100ms..1m, "
      "found \"200000000000d\"" },
    { "QUEUE_SIZE", "64MB", SEGS_ESYNTAX,
      "expected a size such as 16KiB, 64MiB, 1GiB, or a number of bytes, 4KiB..1GiB, "
      "found \"64MB\"" },
    { "QUEUE_SIZE", "1", SEGS_ERANGE,
      "expected a size such as 16KiB, 64MiB, 1GiB, or a number of bytes, 4KiB..1GiB, "
      "found \"1\"" },
    { "STRICT", "maybe", SEGS_ESYNTAX, "expected true or false, found \"maybe\"" },
    { "LOSS_RATIO", "5%", SEGS_ESYNTAX,
      "expected a number such as 0.01 with at most 6 decimals, 0..1, found \"5%\"" },
    { "LOSS_RATIO", "0.0000001", SEGS_ERANGE,
      "expected a number such as 0.01 with at most 6 decimals, 0..1, found \"0.0000001\"" },
    { "LOSS_RATIO", "1.000001", SEGS_ERANGE,
      "expected a number such as 0.01 with at most 6 decimals, 0..1, found \"1.000001\"" },
    { "LOG_LEVEL", "warning", SEGS_ESYNTAX,
      "expected one of debug|info|warn|error, found \"warning\"; nearest: warn" },
    { "REGION", "north-west", SEGS_ERANGE, "expected a text of 1..8 bytes, found \"north-west\"" },
    { "KAFKA_BROKERS", "a:1,,b:2", SEGS_ESYNTAX,
      "expected texts separated by commas, found \"a:1,,b:2\"" },
};

START_TEST(a_wrong_value_is_refused_with_key_expectation_and_finding)
{
    ck_assert_int_eq(rt_config_set(config, bad[_i].name, bad[_i].text, &err), bad[_i].code);
    ck_assert_str_eq(err.field, bad[_i].name);
    ck_assert_str_eq(err.message, bad[_i].message);
}
END_TEST

START_TEST(every_spelling_of_a_truth_value_is_read)
{
    static const char *const yes[] = { "true", "1", "yes" };
    static const char *const no[] = { "false", "0", "no" };

    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(rt_config_set(config, "STRICT", yes[i], &err), 0);
        ck_assert(rt_config_bool(config, "STRICT"));
        ck_assert_int_eq(rt_config_set(config, "STRICT", no[i], &err), 0);
        ck_assert(!rt_config_bool(config, "STRICT"));
    }
}
END_TEST

START_TEST(an_empty_text_unsets_a_setting_without_default)
{
    char variable[] = "KAFKA_BROKERS=";
    char *environment[] = { variable, NULL };

    ck_assert_int_eq(load_text("KAFKA_BROKERS=a:9092\n", environment), 0);
    ck_assert_ptr_null(rt_config_string(config, "KAFKA_BROKERS"));
    ck_assert(!rt_config_is_set(config, "KAFKA_BROKERS"));
}
END_TEST

/* ---- Files ---- */

START_TEST(quotes_export_and_line_ends_of_other_systems_are_understood)
{
    ck_assert_int_eq(load_text("export REGION='a #\"b'\r\n"
                               "  KAFKA_BROKERS=\"a:1,\\\"b\\\\\"  \r\n"
                               "LOG_LEVEL=  warn  ",
                               no_environment),
                     0);
    ck_assert_str_eq(rt_config_string(config, "REGION"), "a #\"b");
    ck_assert_str_eq(rt_config_string(config, "KAFKA_BROKERS"), "a:1,\"b\\");
    ck_assert_str_eq(rt_config_string(config, "LOG_LEVEL"), "warn");
}
END_TEST

static const struct {
    const char *text;
    int code;
    int64_t line;
    const char *field;
    const char *message;
} bad_files[] = {
    { "REGION=a\nREGION=b\n", SEGS_ECONFLICT, 2, "REGION",
      "expected REGION once, also found in line 1" },
    { "INGESTION_PORT=1\n\nSEGS_INGESTION_PORT=2\n", SEGS_ECONFLICT, 3, "SEGS_INGESTION_PORT",
      "expected INGESTION_PORT once, also found in line 1" },
    { "CHECKPOINT_INTERVALL=1s\n", SEGS_ENOTFOUND, 1, "CHECKPOINT_INTERVALL",
      "is no known setting; nearest: CHECKPOINT_INTERVAL" },
    { "QQQ=1\n", SEGS_ENOTFOUND, 1, "QQQ", "is no known setting" },
    { "REGION_FILE=/etc/region\n", SEGS_ENOTFOUND, 1, "REGION_FILE", "is no known setting" },
    { "just words\n", SEGS_ESYNTAX, 1, "", "expected KEY=value" },
    { "REGION =a\n", SEGS_ESYNTAX, 1, "", "expected KEY=value" },
    { "=a\n", SEGS_ESYNTAX, 1, "", "expected KEY=value" },
    { "\xEF\xBB\xBFREGION=a\n", SEGS_ESYNTAX, 1, "", "expected KEY=value" },
    { "REGION=\"a\n", SEGS_ESYNTAX, 1, "REGION", "expected a closing \"" },
    { "REGION='a' b\n", SEGS_ESYNTAX, 1, "REGION", "expected nothing after the closing '" },
    { "REGION=\"a\\q\"\n", SEGS_ESYNTAX, 1, "REGION",
      "expected \\\", \\\\, \\$ or \\n after a backslash in \"...\"" },
    { "REGION=a # here\n", SEGS_ESYNTAX, 1, "REGION",
      "expected quotes around a value that holds \" #\"" },
    { "\nINGESTION_PORT=x\n", SEGS_ESYNTAX, 2, "INGESTION_PORT",
      "expected an integer, 0..65535, found \"x\"" },
};

START_TEST(a_fault_in_a_file_is_named_with_its_line)
{
    ck_assert_int_eq(load_text(bad_files[_i].text, no_environment), bad_files[_i].code);
    ck_assert_int_eq(err.line, bad_files[_i].line);
    ck_assert_str_eq(err.field, bad_files[_i].field);
    ck_assert_str_eq(err.message, bad_files[_i].message);
}
END_TEST

START_TEST(a_missing_file_is_an_error)
{
    ck_assert_int_eq(rt_config_load(config, "/nonexistent/segs.env", no_environment, &err),
                     SEGS_ENOTFOUND);
    ck_assert_str_eq(err.message, "cannot open /nonexistent/segs.env: No such file or directory");
}
END_TEST

START_TEST(only_unknown_variables_of_ours_are_refused)
{
    char path[] = "PATH=/bin";
    char ingestion_prt[] = "INGESTION_PRT=1";
    char failpoints[] = "SEGS_FAILPOINTS=a:error";
    char ours[] = "SEGS_INGESTION_PRT=1";
    char *fine[] = { path, ingestion_prt, failpoints, NULL };
    char *refused[] = { path, ours, NULL };

    ck_assert_int_eq(rt_config_load(config, NULL, fine, &err), 0);
    ck_assert_int_eq(rt_config_load(config, NULL, refused, &err), SEGS_ENOTFOUND);
    ck_assert_str_eq(err.field, "SEGS_INGESTION_PRT");
    ck_assert_str_eq(err.message, "is no known setting; nearest: INGESTION_PORT");
}
END_TEST

/* ---- Secrets ---- */

static int keep_shown(const char *of, const struct rt_config_entry *entry, const char *shown,
                      const char *origin, void *user)
{
    (void)of;
    (void)origin;
    if (strcmp(entry->name, "JWT_SECRET") == 0)
        *(const char **)user = shown;
    return 0;
}

START_TEST(a_secret_is_never_shown)
{
    struct rt_buf out = RT_BUF_INIT;
    const char *shown = NULL;

    ck_assert_int_eq(rt_config_set(config, "JWT_SECRET", "hunter2", &err), 0);
    ck_assert_str_eq(rt_config_string(config, "JWT_SECRET"), "hunter2");
    ck_assert_int_eq(rt_config_visit(config, keep_shown, &shown), 0);
    ck_assert_str_eq(shown, "********");
    rt_config_print_values(config, &out);
    rt_config_print_help(config, &out);
    rt_config_print_markdown(config, &out);
    ck_assert_ptr_null(strstr(out.data, "hunter2"));
    rt_buf_free(&out);
}
END_TEST

START_TEST(a_wrong_secret_is_not_quoted)
{
    static const struct rt_config_entry pin[] = { { .name = "PIN",
                                                    .type = RT_CONFIG_STRING,
                                                    .secret = true,
                                                    .min = 8,
                                                    .max = 16,
                                                    .help = "x" } };

    ck_assert_int_eq(rt_config_add_table(config, "pin", pin, 1), 0);
    ck_assert_int_eq(rt_config_set(config, "PIN", "1234", &err), SEGS_ERANGE);
    ck_assert_str_eq(err.message, "expected a text of 8..16 bytes, found another value");
}
END_TEST

START_TEST(a_secret_comes_from_the_file_that_is_named)
{
    char variable[160];
    char *environment[] = { variable, NULL };

    (void)snprintf(variable, sizeof variable, "JWT_SECRET_FILE=%s",
                   write_file("key", "from the file\n", 0600));
    ck_assert_int_eq(rt_config_load(config, NULL, environment, &err), 0);
    ck_assert_str_eq(rt_config_string(config, "JWT_SECRET"), "from the file");
    ck_assert_str_eq(rt_config_origin(config, "JWT_SECRET"), "JWT_SECRET_FILE");
}
END_TEST

START_TEST(a_secret_that_everybody_may_read_is_refused)
{
    char variable[160];
    char *environment[] = { variable, NULL };

    (void)snprintf(variable, sizeof variable, "JWT_SECRET_FILE=%s",
                   write_file("key", "known to all\n", 0644));
    ck_assert_int_eq(rt_config_load(config, NULL, environment, &err), SEGS_EDENIED);
    ck_assert_str_eq(err.field, "JWT_SECRET");
    ck_assert_ptr_nonnull(strstr(err.message, "found mode 0644"));
}
END_TEST

START_TEST(a_secret_and_its_file_together_are_refused)
{
    char file[] = "JWT_SECRET_FILE=/nowhere";
    char text[] = "JWT_SECRET=x";
    char *environment[] = { file, text, NULL };

    ck_assert_int_eq(rt_config_load(config, NULL, environment, &err), SEGS_ECONFLICT);
    ck_assert_str_eq(err.field, "JWT_SECRET");
}
END_TEST

START_TEST(a_secret_file_that_is_missing_is_an_error)
{
    char file[] = "JWT_SECRET_FILE=/nonexistent/key";
    char *environment[] = { file, NULL };

    ck_assert_int_eq(rt_config_load(config, NULL, environment, &err), SEGS_ENOTFOUND);
    ck_assert_str_eq(err.field, "JWT_SECRET");
}
END_TEST

START_TEST(credentials_of_the_service_manager_win_over_the_file)
{
    char variable[160];
    char *environment[] = { variable, NULL };

    (void)write_file("JWT_SECRET", "credential\n", 0400);
    (void)snprintf(variable, sizeof variable, "CREDENTIALS_DIRECTORY=%s", folder);
    ck_assert_int_eq(load_text("JWT_SECRET=file\n", environment), 0);
    ck_assert_str_eq(rt_config_string(config, "JWT_SECRET"), "credential");
    ck_assert_str_eq(rt_config_origin(config, "JWT_SECRET"), "credentials");
}
END_TEST

/* ---- Printing ---- */

START_TEST(the_table_prints_as_help)
{
    struct rt_buf out = RT_BUF_INIT;

    rt_config_print_help(config, &out);
    ck_assert_int_eq(rt_buf_status(&out), 0);
    ck_assert_ptr_nonnull(strstr(out.data, "\nSettings of every process:\n"
                                           "  LOG_LEVEL\n"
                                           "      Level.\n"
                                           "      one of debug|info|warn|error; default info\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "\nSettings of ingestion:\n"
                                           "  INGESTION_PORT (also PORT)\n"
                                           "      Port.\n"
                                           "      an integer, 0..65535; default 3001\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "  JWT_SECRET\n      Key.\n      a text, secret; "
                                           "default unset\n"));
    rt_buf_free(&out);
}
END_TEST

START_TEST(the_table_prints_as_markdown_whose_cells_hold)
{
    struct rt_buf out = RT_BUF_INIT;

    rt_config_print_markdown(config, &out);
    ck_assert_ptr_nonnull(
        strstr(out.data, "\n## common\n\n| Setting | Value | Default | Meaning |\n"
                         "| --- | --- | --- | --- |\n"
                         "| `LOG_LEVEL` | one of debug\\|info\\|warn\\|error | `info` | Level. |\n"
                         "| `KAFKA_BROKERS` | texts separated by commas | unset | Brokers. |\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "| `JWT_SECRET`, `JWT_SECRET_FILE` | a text, secret | "
                                           "unset | Key. |\n"));
    rt_buf_free(&out);
}
END_TEST

START_TEST(the_values_in_force_print_with_their_origin)
{
    struct rt_buf out = RT_BUF_INIT;

    ck_assert_int_eq(load_text("REGION=north\n", no_environment), 0);
    rt_config_print_values(config, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "INGESTION_PORT=3001  # default\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "REGION=north  # file:1\n"));
    rt_buf_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *tc = tcase_create("config");
    SRunner *runner;
    int n_failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, defaults_hold_when_nothing_is_said);
    tcase_add_test(tc, a_file_wins_over_the_default_and_says_its_line);
    tcase_add_test(tc, the_environment_wins_over_the_file);
    tcase_add_test(tc, the_command_line_wins_over_everything_in_any_order);
    tcase_add_test(tc, the_prefixed_name_wins_over_the_bare_name_and_that_over_the_alias);
    tcase_add_test(tc, an_alias_counts_in_a_daemon_of_its_own);
    tcase_add_test(tc, an_alias_does_not_count_beside_a_second_service);
    tcase_add_test(tc, two_tables_may_share_a_setting_that_they_agree_on);
    tcase_add_test(tc, a_default_that_its_own_entry_refuses_is_a_bug);
    tcase_add_loop_test(tc, a_value_is_read_with_its_unit, 0, (int)N(good));
    tcase_add_loop_test(tc, a_wrong_value_is_refused_with_key_expectation_and_finding, 0,
                        (int)N(bad));
    tcase_add_test(tc, every_spelling_of_a_truth_value_is_read);
    tcase_add_test(tc, an_empty_text_unsets_a_setting_without_default);
    tcase_add_test(tc, quotes_export_and_line_ends_of_other_systems_are_understood);
    tcase_add_loop_test(tc, a_fault_in_a_file_is_named_with_its_line, 0, (int)N(bad_files));
    tcase_add_test(tc, a_missing_file_is_an_error);
    tcase_add_test(tc, only_unknown_variables_of_ours_are_refused);
    tcase_add_test(tc, a_secret_is_never_shown);
    tcase_add_test(tc, a_wrong_secret_is_not_quoted);
    tcase_add_test(tc, a_secret_comes_from_the_file_that_is_named);
    tcase_add_test(tc, a_secret_that_everybody_may_read_is_refused);
    tcase_add_test(tc, a_secret_and_its_file_together_are_refused);
    tcase_add_test(tc, a_secret_file_that_is_missing_is_an_error);
    tcase_add_test(tc, credentials_of_the_service_manager_win_over_the_file);
    tcase_add_test(tc, the_table_prints_as_help);
    tcase_add_test(tc, the_table_prints_as_markdown_whose_cells_hold);
    tcase_add_test(tc, the_values_in_force_print_with_their_origin);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
