#include "runtime/metrics.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <segs/error.h>
#include <segs/version.h>

#include "runtime/buf.h"
#include "runtime/metrics_internal.h"
#include "runtime/text.h"

#define MAX_CHILDREN 2000 /* 60 routes, each with every status it answers, leave room. */
#define OVERFLOW_LABELS "{overflow=\"true\"}"

enum kind { KIND_COUNTER = 1, KIND_GAUGE = 2, KIND_HISTOGRAM = 3 };

struct rt_counter {
    _Atomic uint64_t value;
};

struct rt_gauge {
    _Atomic double value;
};

struct rt_histogram {
    const double *bounds; /* Of the family. */
    size_t n_bounds;
    _Atomic double sum;
    _Atomic uint64_t
        *buckets; /* n_bounds + 1, each counting its own range alone; the last is +Inf. */
};

struct child {
    struct child *next;
    char *labels; /* As rendered, "" when there are none. */
    union {
        struct rt_counter counter;
        struct rt_gauge gauge;
        struct rt_histogram histogram;
    } u;
};

struct family {
    struct family *next;
    char *name;
    char *help;
    double *bounds;
    size_t n_bounds;
    size_t n_children;
    struct child *children; /* In order of creation. */
    struct child **tail;
    struct child *overflow; /* Made with the family, so that it is there when memory is not. */
    bool overflow_used;
    enum kind kind;
};

struct collector {
    struct collector *next;
    rt_metrics_collect_fn *fn;
    void *user;
};

struct rt_metrics {
    pthread_mutex_t lock;        /* Families and children. */
    pthread_mutex_t render_lock; /* Collectors, and held while they run; taken before `lock`. */
    struct family *families;
    struct family **tail;
    struct collector *collectors;
    /* What callers get when not even a family could be made; never rendered. */
    struct rt_counter no_counter;
    struct rt_gauge no_gauge;
    struct rt_histogram no_histogram;
    _Atomic uint64_t no_bucket[1];
};

struct rt_metrics *rt_metrics_new(void)
{
    struct rt_metrics *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    if (pthread_mutex_init(&m->lock, NULL) != 0) {
        free(m);
        return NULL;
    }
    if (pthread_mutex_init(&m->render_lock, NULL) != 0) {
        (void)pthread_mutex_destroy(&m->lock);
        free(m);
        return NULL;
    }
    m->tail = &m->families;
    m->no_histogram.buckets = m->no_bucket;
    return m;
}

static void child_free(struct child *child, enum kind kind)
{
    if (!child)
        return;
    if (kind == KIND_HISTOGRAM)
        free((void *)child->u.histogram.buckets);
    free(child->labels);
    free(child);
}

static void family_free(struct family *family)
{
    struct child *child = family->children;

    while (child) {
        struct child *next = child->next;

        child_free(child, family->kind);
        child = next;
    }
    child_free(family->overflow, family->kind);
    free(family->bounds);
    free(family->help);
    free(family->name);
    free(family);
}

void rt_metrics_free(struct rt_metrics *metrics)
{
    struct family *family;
    struct collector *collector;

    if (!metrics)
        return;
    family = metrics->families;
    while (family) {
        struct family *next = family->next;

        family_free(family);
        family = next;
    }
    collector = metrics->collectors;
    while (collector) {
        struct collector *next = collector->next;

        free(collector);
        collector = next;
    }
    (void)pthread_mutex_destroy(&metrics->render_lock);
    (void)pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

/* ---- Labels ---- */

static void escape(struct rt_buf *buf, const char *text, bool quotes)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\\')
            rt_buf_append(buf, "\\\\", 2);
        else if (*p == '\n')
            rt_buf_append(buf, "\\n", 2);
        else if (*p == '"' && quotes)
            rt_buf_append(buf, "\\\"", 2);
        else
            rt_buf_append(buf, p, 1);
    }
}

#ifndef NDEBUG
static bool is_name(const char *name, bool colons)
{
    for (const char *p = name; *p; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_' ||
                      (colons && *p == ':');

        if (!letter && (p == name || *p < '0' || *p > '9'))
            return false;
    }
    return name[0] != '\0';
}
#endif

/* {name="value",...}; NULL when there is no memory. */
static char *labels_text(const char *const *labels)
{
    struct rt_buf buf = RT_BUF_INIT;

    rt_buf_text(&buf, "");
    for (size_t i = 0; labels && labels[i]; i += 2) {
        assert(is_name(labels[i], false) && labels[i + 1]);
        rt_buf_text(&buf, i == 0 ? "{" : ",");
        rt_buf_text(&buf, labels[i]);
        rt_buf_text(&buf, "=\"");
        escape(&buf, labels[i + 1], true);
        rt_buf_text(&buf, "\"");
    }
    if (buf.len > 0)
        rt_buf_text(&buf, "}");
    if (rt_buf_status(&buf) != 0) {
        rt_buf_free(&buf);
        return NULL;
    }
    return buf.data;
}

/* ---- Families and children ---- */

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);

    if (copy)
        memcpy(copy, text, size);
    return copy;
}

/* Takes `labels`, also when it fails. */
static struct child *child_new(const struct family *family, char *labels)
{
    struct child *child = labels ? calloc(1, sizeof *child) : NULL;

    if (!child) {
        free(labels);
        return NULL;
    }
    child->labels = labels;
    if (family->kind == KIND_HISTOGRAM) {
        struct rt_histogram *h = &child->u.histogram;

        h->bounds = family->bounds;
        h->n_bounds = family->n_bounds;
        h->buckets = calloc(family->n_bounds + 1, sizeof *h->buckets);
        if (!h->buckets) {
            child_free(child, family->kind);
            return NULL;
        }
    }
    return child;
}

static struct family *family_new(const char *name, const char *help, enum kind kind,
                                 const double *bounds, size_t n_bounds)
{
    struct family *family = calloc(1, sizeof *family);

    assert(is_name(name, true) && help[0]);
    if (!family)
        return NULL;
    family->kind = kind;
    family->tail = &family->children;
    family->name = copy_text(name);
    family->help = copy_text(help);
    family->n_bounds = n_bounds;
    family->bounds = calloc(n_bounds + 1, sizeof *family->bounds);
    if (family->bounds) {
        for (size_t i = 0; i < n_bounds; i++) {
            assert(isfinite(bounds[i]) && (i == 0 || bounds[i] > bounds[i - 1]));
            family->bounds[i] = bounds[i];
        }
        family->overflow = child_new(family, copy_text(OVERFLOW_LABELS));
    }
    if (!family->name || !family->help || !family->overflow) {
        family_free(family);
        return NULL;
    }
    return family;
}

static struct family *find_family(const struct rt_metrics *m, const char *name)
{
    for (struct family *family = m->families; family; family = family->next) {
        if (strcmp(family->name, name) == 0)
            return family;
    }
    return NULL;
}

static struct child *find_child(const struct family *family, const char *labels)
{
    for (struct child *child = family->children; child; child = child->next) {
        if (strcmp(child->labels, labels) == 0)
            return child;
    }
    return NULL;
}

/* Never NULL. Takes `labels`. */
static struct child *find_or_add_child(struct family *family, char *labels)
{
    struct child *child = labels ? find_child(family, labels) : NULL;

    if (child) {
        free(labels);
        return child;
    }
    if (family->n_children < MAX_CHILDREN)
        child = child_new(family, labels);
    else
        free(labels);
    if (!child) {
        family->overflow_used = true;
        return family->overflow;
    }
    *family->tail = child;
    family->tail = &child->next;
    family->n_children++;
    return child;
}

/* NULL when not even the family could be made, or exists as another kind. */
static struct child *get_child(struct rt_metrics *m, const char *name, const char *help,
                               enum kind kind, const char *const *labels, const double *bounds,
                               size_t n_bounds)
{
    char *text = labels_text(labels);
    struct family *family;
    struct child *child = NULL;

    (void)pthread_mutex_lock(&m->lock);
    family = find_family(m, name);
    if (!family) {
        family = family_new(name, help, kind, bounds, n_bounds);
        if (family) {
            *m->tail = family;
            m->tail = &family->next;
        }
    }
    assert(!family || family->kind == kind);
    if (family && family->kind == kind)
        child = find_or_add_child(family, text);
    else
        free(text);
    (void)pthread_mutex_unlock(&m->lock);
    return child;
}

struct rt_counter *rt_counter(struct rt_metrics *m, const char *name, const char *help,
                              const char *const *labels)
{
    struct child *child = get_child(m, name, help, KIND_COUNTER, labels, NULL, 0);

    return child ? &child->u.counter : &m->no_counter;
}

struct rt_gauge *rt_gauge(struct rt_metrics *m, const char *name, const char *help,
                          const char *const *labels)
{
    struct child *child = get_child(m, name, help, KIND_GAUGE, labels, NULL, 0);

    return child ? &child->u.gauge : &m->no_gauge;
}

struct rt_histogram *rt_histogram(struct rt_metrics *m, const char *name, const char *help,
                                  const char *const *labels, const double *upper_bounds,
                                  size_t n_bounds)
{
    struct child *child = get_child(m, name, help, KIND_HISTOGRAM, labels, upper_bounds, n_bounds);

    return child ? &child->u.histogram : &m->no_histogram;
}

/* ---- Updates: no order between metrics is promised, so relaxed everywhere ---- */

void rt_counter_add(struct rt_counter *counter, uint64_t n)
{
    atomic_fetch_add_explicit(&counter->value, n, memory_order_relaxed);
}

uint64_t rt_counter_value(const struct rt_counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

void rt_gauge_set(struct rt_gauge *gauge, double value)
{
    atomic_store_explicit(&gauge->value, value, memory_order_relaxed);
}

double rt_gauge_value(const struct rt_gauge *gauge)
{
    return atomic_load_explicit(&gauge->value, memory_order_relaxed);
}

void rt_histogram_observe(struct rt_histogram *histogram, double value)
{
    double sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
    size_t i = 0;

    if (isnan(value))
        return; /* It belongs into no bucket and would spoil the sum for ever. */
    while (i < histogram->n_bounds && value > histogram->bounds[i])
        i++;
    atomic_fetch_add_explicit(&histogram->buckets[i], 1, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&histogram->sum, &sum, sum + value,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

uint64_t rt_histogram_count(const struct rt_histogram *histogram)
{
    uint64_t n = 0;

    for (size_t i = 0; i <= histogram->n_bounds; i++)
        n += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
    return n;
}

/* ---- Rendering ---- */

int rt_metrics_on_render(struct rt_metrics *metrics, rt_metrics_collect_fn *fn, void *user)
{
    struct collector *collector = calloc(1, sizeof *collector);

    if (!collector)
        return SEGS_ENOMEM;
    collector->fn = fn;
    collector->user = user;
    (void)pthread_mutex_lock(&metrics->render_lock);
    collector->next = metrics->collectors;
    metrics->collectors = collector;
    (void)pthread_mutex_unlock(&metrics->render_lock);
    return 0;
}

void rt_metrics_off_render(struct rt_metrics *metrics, rt_metrics_collect_fn *fn, void *user)
{
    struct collector **at;

    (void)pthread_mutex_lock(&metrics->render_lock);
    at = &metrics->collectors;
    while (*at) {
        struct collector *collector = *at;

        if (collector->fn == fn && collector->user == user) {
            *at = collector->next;
            free(collector);
        } else {
            at = &collector->next;
        }
    }
    (void)pthread_mutex_unlock(&metrics->render_lock);
}

static void render_number(struct rt_buf *out, double value)
{
    char text[RT_TEXT_DOUBLE_BYTES];

    rt_text_double(value, text);
    rt_buf_text(out, text);
}

/* The child's labels with le="bound" as the last one. */
static void render_bucket(struct rt_buf *out, const char *name, const char *labels, double bound,
                          uint64_t n)
{
    size_t len = strlen(labels);

    rt_buf_printf(out, "%s_bucket", name);
    if (len == 0)
        rt_buf_text(out, "{");
    else
        rt_buf_append(out, labels, len - 1);
    rt_buf_text(out, len == 0 ? "le=\"" : ",le=\"");
    render_number(out, bound);
    rt_buf_printf(out, "\"} %llu\n", (unsigned long long)n);
}

/* The count is the sum of the buckets as read here, so that +Inf and _count agree whatever other
 * threads do. */
static void render_histogram(struct rt_buf *out, const char *name, const struct child *child)
{
    const struct rt_histogram *h = &child->u.histogram;
    uint64_t n = 0;

    for (size_t i = 0; i <= h->n_bounds; i++) {
        n += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        render_bucket(out, name, child->labels, i < h->n_bounds ? h->bounds[i] : HUGE_VAL, n);
    }
    rt_buf_printf(out, "%s_sum%s ", name, child->labels);
    render_number(out, atomic_load_explicit(&h->sum, memory_order_relaxed));
    rt_buf_printf(out, "\n%s_count%s %llu\n", name, child->labels, (unsigned long long)n);
}

static void render_child(struct rt_buf *out, const struct family *family, const struct child *child)
{
    switch (family->kind) {
    case KIND_COUNTER:
        rt_buf_printf(out, "%s%s %llu\n", family->name, child->labels,
                      (unsigned long long)rt_counter_value(&child->u.counter));
        break;
    case KIND_GAUGE:
        rt_buf_printf(out, "%s%s ", family->name, child->labels);
        render_number(out, rt_gauge_value(&child->u.gauge));
        rt_buf_text(out, "\n");
        break;
    case KIND_HISTOGRAM:
        render_histogram(out, family->name, child);
        break;
    }
}

static void render_family(struct rt_buf *out, const struct family *family)
{
    static const char *const kinds[] = { "", "counter", "gauge", "histogram" };

    rt_buf_printf(out, "# HELP %s ", family->name);
    escape(out, family->help, false);
    rt_buf_printf(out, "\n# TYPE %s %s\n", family->name, kinds[family->kind]);
    for (const struct child *child = family->children; child; child = child->next)
        render_child(out, family, child);
    if (family->overflow_used)
        render_child(out, family, family->overflow);
}

int rt_metrics_render(struct rt_metrics *metrics, struct rt_buf *out)
{
    (void)pthread_mutex_lock(&metrics->render_lock);
    for (const struct collector *c = metrics->collectors; c; c = c->next)
        c->fn(metrics, c->user);
    (void)pthread_mutex_lock(&metrics->lock);
    for (const struct family *family = metrics->families; family; family = family->next)
        render_family(out, family);
    (void)pthread_mutex_unlock(&metrics->lock);
    (void)pthread_mutex_unlock(&metrics->render_lock);
    rt_metrics_append_process(out);
    rt_buf_text(out, "# HELP segs_build_info Version of the running program; always 1.\n"
                     "# TYPE segs_build_info gauge\n"
                     "segs_build_info{version=\"" SEGS_VERSION_STRING "\"} 1\n");
    return rt_buf_status(out);
}
