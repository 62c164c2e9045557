/* The table as text: for --help, for the reference page, for whoever asks what is in force. */
#include "runtime/config_internal.h"

#include <string.h>

#include "runtime/buf.h"

struct printer {
    struct rt_buf *out;
    const char *service;
};

static bool begins_service(struct printer *printer, const char *service)
{
    bool begins = !printer->service || strcmp(printer->service, service) != 0;

    printer->service = service;
    return begins;
}

static const char *default_text(const struct rt_config_entry *entry)
{
    return entry->fallback ? entry->fallback : "unset";
}

static int help_entry(const char *service, const struct rt_config_entry *entry, const char *shown,
                      const char *origin, void *user)
{
    struct printer *printer = user;
    char expected[160];

    (void)shown;
    (void)origin;
    if (begins_service(printer, service))
        rt_buf_printf(printer->out, "\nSettings of %s:\n",
                      strcmp(service, "common") == 0 ? "every process" : service);
    rt_config_expectation(entry, expected, sizeof expected);
    rt_buf_printf(printer->out, "  %s", entry->name);
    if (entry->alias)
        rt_buf_printf(printer->out, " (also %s)", entry->alias);
    rt_buf_printf(printer->out, "\n      %s\n      %s%s; default %s\n", entry->help, expected,
                  entry->secret ? ", secret" : "", default_text(entry));
    return 0;
}

void rt_config_print_help(const struct rt_config *config, struct rt_buf *out)
{
    struct printer printer = { out, NULL };

    (void)rt_config_visit(config, help_entry, &printer);
}

/* A cell must not hold the character that ends it. */
static void cell(struct rt_buf *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '|')
            rt_buf_append(out, "\\", 1);
        rt_buf_append(out, *p == '\n' ? " " : p, 1);
    }
}

static int markdown_entry(const char *service, const struct rt_config_entry *entry,
                          const char *shown, const char *origin, void *user)
{
    struct printer *printer = user;
    char expected[160];

    (void)shown;
    (void)origin;
    if (begins_service(printer, service))
        rt_buf_printf(
            printer->out,
            "\n## %s\n\n| Setting | Value | Default | Meaning |\n| --- | --- | --- | --- |\n",
            service);
    rt_config_expectation(entry, expected, sizeof expected);
    rt_buf_printf(printer->out, "| `%s`", entry->name);
    if (entry->alias)
        rt_buf_printf(printer->out, ", `%s`", entry->alias);
    if (entry->secret)
        rt_buf_printf(printer->out, ", `%s_FILE`", entry->name);
    rt_buf_text(printer->out, " | ");
    cell(printer->out, expected);
    rt_buf_text(printer->out, entry->secret ? ", secret | " : " | ");
    if (entry->fallback) {
        rt_buf_text(printer->out, "`");
        cell(printer->out, entry->fallback);
        rt_buf_text(printer->out, "`");
    }
    rt_buf_text(printer->out, entry->fallback ? " | " : "unset | ");
    cell(printer->out, entry->help);
    rt_buf_text(printer->out, " |\n");
    return 0;
}

void rt_config_print_markdown(const struct rt_config *config, struct rt_buf *out)
{
    struct printer printer = { out, NULL };

    (void)rt_config_visit(config, markdown_entry, &printer);
}

static int value_entry(const char *service, const struct rt_config_entry *entry, const char *shown,
                       const char *origin, void *user)
{
    struct rt_buf *out = user;

    (void)service;
    rt_buf_printf(out, "%s=%s  # %s\n", entry->name, shown ? shown : "", origin);
    return 0;
}

void rt_config_print_values(const struct rt_config *config, struct rt_buf *out)
{
    (void)rt_config_visit(config, value_entry, out);
}
