/* Part of builds with SEGS_FAILPOINTS alone. */
#include "runtime/failpoint.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/clock.h"

#define MAX_POINTS 32

enum action { ACTION_KILL = 1, ACTION_FAIL = 2, ACTION_SLEEP = 3 };

struct point {
    char name[64];
    int64_t sleep_ms;
    int64_t at; /* The visit that acts, counted from 1; 0: every visit. */
    _Atomic int64_t n_visits;
    enum action action;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct point points[MAX_POINTS]; /* Written once, before the first visit returns. */
static size_t n_points;

/* A test whose fail point is misspelt would pass for the wrong reason. */
static void refuse(const char *text)
{
    (void)fprintf(
        stderr, "SEGS_FAILPOINTS: expected name:kill|error|enospc|sleep=MS[@N],..., found \"%s\"\n",
        text);
    abort();
}

static int64_t parse_number(const char *text, const char *whole)
{
    char *end;
    long long number = strtoll(text, &end, 10);

    if (end == text || *end || number < 1)
        refuse(whole);
    return number;
}

static void parse_point(char *text)
{
    struct point *point = &points[n_points];
    char whole[128];
    char *action = strchr(text, ':');
    char *at;

    (void)snprintf(whole, sizeof whole, "%s", text);
    if (!action || action == text || n_points == MAX_POINTS ||
        (size_t)(action - text) >= sizeof point->name)
        refuse(whole);
    *action++ = '\0';
    at = strchr(action, '@');
    if (at) {
        *at++ = '\0';
        point->at = parse_number(at, whole);
    }
    memcpy(point->name, text, strlen(text) + 1);
    if (strcmp(action, "kill") == 0) {
        point->action = ACTION_KILL;
    } else if (strcmp(action, "error") == 0 || strcmp(action, "enospc") == 0) {
        point->action = ACTION_FAIL;
    } else if (strncmp(action, "sleep=", 6) == 0) {
        point->action = ACTION_SLEEP;
        point->sleep_ms = parse_number(action + 6, whole);
    } else {
        refuse(whole);
    }
    n_points++;
}

static void parse_all(void)
{
    const char *text = getenv("SEGS_FAILPOINTS");

    while (text && *text) {
        size_t len = strcspn(text, ",");
        char point[128];

        (void)snprintf(point, sizeof point, "%.*s", (int)len, text);
        parse_point(point);
        text += len + (text[len] == ',');
    }
}

static bool act(const struct point *point)
{
    switch (point->action) {
    case ACTION_KILL:
        (void)kill(getpid(), SIGKILL);
        return true;
    case ACTION_FAIL:
        return true;
    case ACTION_SLEEP:
        rt_sleep_ms(point->sleep_ms);
        break;
    }
    return false;
}

bool rt_failpoint(const char *name)
{
    bool fails = false;

    (void)pthread_once(&once, parse_all);
    for (size_t i = 0; i < n_points; i++) {
        struct point *point = &points[i];

        if (strcmp(point->name, name) != 0)
            continue;
        if (atomic_fetch_add(&point->n_visits, 1) + 1 == point->at || point->at == 0)
            fails = act(point) || fails;
    }
    return fails;
}
