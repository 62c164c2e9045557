/* One value: from text to number, and the sentences about it. */
#include "runtime/config_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <segs/fixed.h>

#include "runtime/errors.h"
#include "runtime/text.h"

struct unit {
    const char *name;
    int64_t factor;
};

/* Largest first, for writing. */
static const struct unit durations[] = {
    { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }
};
static const struct unit sizes[] = { { "TiB", INT64_C(1) << 40 },
                                     { "GiB", INT64_C(1) << 30 },
                                     { "MiB", INT64_C(1) << 20 },
                                     { "KiB", INT64_C(1) << 10 },
                                     { "B", 1 } };
#define N_DURATIONS (sizeof durations / sizeof durations[0])
#define N_SIZES (sizeof sizes / sizeof sizes[0])

static bool is_limited(const struct rt_config_entry *entry)
{
    return entry->min != 0 || entry->max != 0;
}

/* The factor of a unit, 0 when there is none of that name. */
static int64_t factor_of(const struct unit *units, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(units[i].name, name) == 0)
            return units[i].factor;
    }
    return 0;
}

/* ---- Sentences ---- */

static void with_unit(const struct unit *units, size_t n, int64_t number, char *buf, size_t size)
{
    size_t i = 0;

    while (i + 1 < n && (number == 0 || number % units[i].factor != 0))
        i++;
    (void)snprintf(buf, size, "%lld%s", (long long)(number / units[i].factor), units[i].name);
}

void rt_config_number_text(const struct rt_config_entry *entry, int64_t number, char *buf,
                           size_t size)
{
    switch (entry->type) {
    case RT_CONFIG_DURATION:
        if (number == 0)
            (void)snprintf(buf, size, "0s");
        else
            with_unit(durations, N_DURATIONS, number, buf, size);
        break;
    case RT_CONFIG_SIZE:
        with_unit(sizes, N_SIZES, number, buf, size);
        break;
    case RT_CONFIG_RATIO:
        if (segs_decimal_format(number, SEGS_MICRO_DIGITS, 0, buf, size) < 0)
            buf[0] = '\0';
        break;
    default:
        (void)snprintf(buf, size, "%lld", (long long)number);
        break;
    }
}

static void append_range(const struct rt_config_entry *entry, char *buf, size_t size)
{
    size_t len = strlen(buf);
    char low[SEGS_DECIMAL_BYTES];
    char high[SEGS_DECIMAL_BYTES];

    if (!is_limited(entry) || entry->type == RT_CONFIG_BOOL || entry->type == RT_CONFIG_CHOICE)
        return;
    rt_config_number_text(entry, entry->min, low, sizeof low);
    rt_config_number_text(entry, entry->max, high, sizeof high);
    if (entry->type == RT_CONFIG_STRING || entry->type == RT_CONFIG_LIST)
        (void)snprintf(buf + len, size - len, " of %s..%s bytes", low, high);
    else
        (void)snprintf(buf + len, size - len, ", %s..%s", low, high);
}

void rt_config_expectation(const struct rt_config_entry *entry, char *buf, size_t size)
{
    switch (entry->type) {
    case RT_CONFIG_STRING:
        (void)snprintf(buf, size, "a text");
        break;
    case RT_CONFIG_INT:
        (void)snprintf(buf, size, "an integer");
        break;
    case RT_CONFIG_DURATION:
        if (entry->unit && factor_of(durations, N_DURATIONS, entry->unit) != 0)
            (void)snprintf(buf, size,
                           "a duration such as 500ms, 10s, 15m, 2h, 7d, or a number of %s",
                           entry->unit);
        else
            (void)snprintf(buf, size, "a duration such as 500ms, 10s, 15m, 2h, 7d");
        break;
    case RT_CONFIG_SIZE:
        (void)snprintf(buf, size, "a size such as 16KiB, 64MiB, 1GiB, or a number of bytes");
        break;
    case RT_CONFIG_BOOL:
        (void)snprintf(buf, size, "true or false");
        break;
    case RT_CONFIG_RATIO:
        (void)snprintf(buf, size, "a number such as 0.01 with at most 6 decimals");
        break;
    case RT_CONFIG_CHOICE:
        (void)snprintf(buf, size, "one of %s", entry->choices);
        break;
    case RT_CONFIG_LIST:
        (void)snprintf(buf, size, "texts separated by commas");
        break;
    }
    append_range(entry, buf, size);
}

/* What was found is said, but never of a secret. */
static int bad(const struct rt_config_entry *entry, int code, const char *text, const char *hint,
               struct segs_error *reterr)
{
    char expected[160];

    rt_config_expectation(entry, expected, sizeof expected);
    if (entry->secret)
        return rt_fail(reterr, code, entry->name, "expected %s, found another value%s", expected,
                       hint);
    return rt_fail(reterr, code, entry->name, "expected %s, found \"%.60s\"%s", expected, text,
                   hint);
}

/* ---- Parsing ---- */

/* Digits at the start of `text`, without a sign and without needless zeros; *ret_end is behind
 * them. */
static int parse_digits(const char *text, int64_t *ret, const char **ret_end)
{
    size_t len = strspn(text, "0123456789");

    if (len == 0)
        return SEGS_ESYNTAX;
    *ret_end = text + len;
    return segs_decimal_parse(text, len, 0, SEGS_ROUND_EXACT, ret, NULL);
}

/* A number and one of the units; without one, `bare` is the factor (0: a unit is needed, except
 * for 0). */
static int parse_with_unit(const char *text, const struct unit *units, size_t n, int64_t bare,
                           int64_t *ret)
{
    const char *end;
    int64_t number;
    int64_t factor;
    int r = parse_digits(text, &number, &end);

    if (r < 0)
        return r;
    factor = *end ? factor_of(units, n, end) : bare;
    if (factor == 0 && (*end || number != 0))
        return SEGS_ESYNTAX;
    return segs_fixed_mul(number, factor, ret);
}

static int parse_int(const char *text, int64_t *ret)
{
    bool negative = text[0] == '-';
    const char *end;
    int64_t number;
    int r = parse_digits(text + negative, &number, &end);

    if (r < 0)
        return r;
    if (*end)
        return SEGS_ESYNTAX;
    *ret = negative ? -number : number;
    return 0;
}

static int parse_bool(const char *text, int64_t *ret)
{
    static const char *const yes[] = { "true", "1", "yes" };
    static const char *const no[] = { "false", "0", "no" };

    for (size_t i = 0; i < 3; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *ret = strcmp(text, yes[i]) == 0;
            return 0;
        }
    }
    return SEGS_ESYNTAX;
}

static int parse_choice(const struct rt_config_entry *entry, const char *text,
                        struct segs_error *reterr)
{
    struct rt_text_nearest nearest = { NULL, 0 };
    char hint[96] = "";
    char best[64] = "";
    const char *p = entry->choices;

    while (*p) {
        size_t len = strcspn(p, "|");
        char choice[64];

        (void)snprintf(choice, sizeof choice, "%.*s", (int)len, p);
        if (strcmp(choice, text) == 0)
            return 0;
        rt_text_nearest(&nearest, text, choice);
        if (nearest.best == choice) {
            (void)snprintf(best, sizeof best, "%s", choice);
            nearest.best = best;
        }
        p += len + (p[len] == '|');
    }
    if (best[0])
        (void)snprintf(hint, sizeof hint, "; nearest: %s", best);
    return bad(entry, SEGS_ESYNTAX, text, hint, reterr);
}

/* Commas separate; none at an end, no two together. */
static int parse_list(const char *text)
{
    size_t len = strlen(text);

    if (len > 0 && (text[0] == ',' || text[len - 1] == ',' || strstr(text, ",,")))
        return SEGS_ESYNTAX;
    return 0;
}

int rt_config_parse(const struct rt_config_entry *entry, const char *text, int64_t *ret_number,
                    struct segs_error *reterr)
{
    int64_t number = 0;
    int r = 0;

    switch (entry->type) {
    case RT_CONFIG_STRING:
        number = (int64_t)strlen(text);
        break;
    case RT_CONFIG_INT:
        r = parse_int(text, &number);
        break;
    case RT_CONFIG_DURATION:
        r = parse_with_unit(text, durations, N_DURATIONS,
                            entry->unit ? factor_of(durations, N_DURATIONS, entry->unit) : 0,
                            &number);
        break;
    case RT_CONFIG_SIZE:
        r = parse_with_unit(text, sizes, N_SIZES, 1, &number);
        break;
    case RT_CONFIG_BOOL:
        r = parse_bool(text, &number);
        break;
    case RT_CONFIG_RATIO:
        r = segs_decimal_parse(text, strlen(text), SEGS_MICRO_DIGITS, SEGS_ROUND_EXACT, &number,
                               NULL);
        break;
    case RT_CONFIG_CHOICE:
        r = parse_choice(entry, text, reterr);
        if (r < 0)
            return r;
        break;
    case RT_CONFIG_LIST:
        r = parse_list(text);
        number = (int64_t)strlen(text);
        break;
    }
    if (r < 0)
        return bad(entry, r == SEGS_ESYNTAX ? SEGS_ESYNTAX : SEGS_ERANGE, text, "", reterr);
    if (is_limited(entry) && entry->type != RT_CONFIG_BOOL && entry->type != RT_CONFIG_CHOICE &&
        (number < entry->min || number > entry->max))
        return bad(entry, SEGS_ERANGE, text, "", reterr);
    *ret_number = number;
    return 0;
}
