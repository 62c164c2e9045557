#include <segs/decode.h>

#include <string.h>

#include "base/base_internal.h"
#include "telemetry/telemetry_internal.h"

#define DEFAULT_MAX_READINGS 10000
#define DEFAULT_MAX_ELEMENT_BYTES 16384
#define DEFAULT_MAX_DEPTH 64
#define OPTION_MAX (INT64_C(1) << 31)

_Static_assert(sizeof(struct segs_decoder_options) ==
                   sizeof(size_t) + sizeof(void *) + 2 * sizeof(int64_t) + 2 * sizeof(int32_t),
               "segs_decoder_options has no padding");

/* The end of a body is copied where the quick decoder may read beyond it. */
#define TAIL_BYTES 1024

enum state {
    AT_START,   /* nothing read */
    AT_ELEMENT, /* array: behind the opening bracket */
    AT_COMMA,   /* array: behind an element */
    AT_LINE,    /* NDJSON */
    AT_END
};

struct segs_decoder {
    const struct segs_allocator *allocator;
    int64_t max_readings;
    int64_t max_element_bytes;
    int max_depth;
    int format_option;
    segs__fast_fn *fast; /* NULL: always the plain way */

    /* The body. */
    const char *data;
    const char *end;
    const char *p;
    int format;
    enum state state;
    int reason;
    bool is_lost;
    int64_t count;
    const char *element; /* NULL: none yet */
    const char *element_end;

    /* Lines are counted on from the last error, so that many errors cost one pass. */
    const char *line_from;
    int64_t line;

    struct segs__fast quick;
    struct segs_reading scratch;
    const char *tail_from; /* place in the body that `tail` copies from; NULL: not copied */
    char tail[TAIL_BYTES + SEGS__FAST_PADDING];
};

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value == 0 ? otherwise : value;
}

int segs_decoder_new(const struct segs_decoder_options *options, struct segs_decoder **ret)
{
    struct segs_decoder_options o;
    const struct segs_allocator *allocator;
    struct segs_decoder *d;
    int r;

    if (!ret)
        return SEGS_EINVAL;
    r = segs__options_copy(&o, sizeof o, options);
    if (r < 0)
        return r;
    o.max_readings = or_default(o.max_readings, DEFAULT_MAX_READINGS);
    o.max_element_bytes = or_default(o.max_element_bytes, DEFAULT_MAX_ELEMENT_BYTES);
    o.max_depth = (int32_t)or_default(o.max_depth, DEFAULT_MAX_DEPTH);
    if (o.max_readings < 1 || o.max_readings > OPTION_MAX || o.max_element_bytes < 1 ||
        o.max_element_bytes > OPTION_MAX || o.max_depth < 1 || o.max_depth > SEGS_JSON_MAX_DEPTH ||
        o.format < SEGS_FORMAT_AUTO || o.format > SEGS_FORMAT_SINGLE)
        return SEGS_ERANGE;

    allocator = segs__allocator(o.allocator);
    d = segs__alloc_zero(allocator, sizeof *d);
    if (!d)
        return SEGS_ENOMEM;
    d->allocator = allocator;
    d->max_readings = o.max_readings;
    d->max_element_bytes = o.max_element_bytes;
    d->max_depth = o.max_depth;
    d->format_option = o.format;
    d->fast = segs__fast_best();
    segs__fast_init(&d->quick, true);
    d->state = AT_END;
    *ret = d;
    return 0;
}

void segs_decoder_free(struct segs_decoder *decoder)
{
    if (decoder)
        segs__release(decoder->allocator, decoder);
}

int segs__decoder_set_level(struct segs_decoder *decoder, int level)
{
    segs__fast_fn *fast = segs__fast_get(level);

    if (level != SEGS__FAST_PLAIN && !fast)
        return SEGS_ENOTSUP;
    decoder->fast = fast;
    return 0;
}

/* Whether j holds one value, judged by its structure, and whitespace. */
static bool holds_one_value(struct segs__json j, int max_depth)
{
    if (segs__json_skip(&j, max_depth) < 0)
        return false;
    segs__json_space(&j);
    return j.p == j.end;
}

/* See segs_decoder_begin(). */
static int find_format(const struct segs_decoder *d)
{
    struct segs__json j = { d->data, d->end, NULL };
    const char *line_end;

    segs__json_space(&j);
    if (j.p == j.end)
        return SEGS_FORMAT_SINGLE;
    if (*j.p == '[')
        return SEGS_FORMAT_ARRAY;
    line_end = memchr(j.p, '\n', (size_t)(j.end - j.p));
    if (!line_end)
        return SEGS_FORMAT_NDJSON;
    j.end = line_end;
    if (holds_one_value(j, d->max_depth))
        return SEGS_FORMAT_NDJSON;
    j.end = d->end;
    return holds_one_value(j, d->max_depth) ? SEGS_FORMAT_SINGLE : SEGS_FORMAT_NDJSON;
}

int segs_decoder_begin(struct segs_decoder *decoder, const char *data, size_t len)
{
    struct segs_decoder *d = decoder;
    bool allow_lf;

    if (!d || (!data && len > 0))
        return SEGS_EINVAL;

    d->data = data ? data : "";
    d->end = d->data + len;
    d->p = d->data;
    d->format = d->format_option == SEGS_FORMAT_AUTO ? find_format(d) : d->format_option;
    d->state = d->format == SEGS_FORMAT_NDJSON ? AT_LINE : AT_START;
    d->reason = SEGS_DECODE_OK;
    d->is_lost = false;
    d->count = 0;
    d->element = NULL;
    d->line_from = d->data;
    d->line = 1;
    d->tail_from = NULL;

    allow_lf = d->format != SEGS_FORMAT_NDJSON;
    if (allow_lf != d->quick.allow_lf)
        segs__fast_init(&d->quick, allow_lf);
    return 0;
}

static int64_t line_at(struct segs_decoder *d, const char *at)
{
    const char *p = d->line_from;

    if (at < p) {
        p = d->data;
        d->line = 1;
    }
    while (p < at && (p = memchr(p, '\n', (size_t)(at - p))) != NULL) {
        d->line++;
        p++;
    }
    d->line_from = at;
    return d->line;
}

/* Complete the error of the element being read. */
static int report(struct segs_decoder *d, struct segs_error *err, int reason)
{
    err->index = d->count - 1;
    err->line = line_at(d, d->data + err->offset);
    d->reason = reason;
    return err->code;
}

static void lose(struct segs_decoder *d)
{
    d->is_lost = true;
    d->state = AT_END;
    d->element_end = d->end;
}

/* The structure breaks at d->p, where no element is being read: the error counts as one. */
static int lose_here(struct segs_decoder *d, struct segs_error *err, const char *expected)
{
    char found[SEGS__FOUND_BYTES];

    (void)segs__fail(err, SEGS_ESYNTAX, NULL, d->p - d->data, "expected %s, found %s", expected,
                     segs__found(found, d->p, (size_t)(d->end - d->p), 0));
    d->element = d->p;
    d->count++;
    lose(d);
    return report(d, err, SEGS_DECODE_JSON);
}

static void skip_space(struct segs_decoder *d)
{
    struct segs__json j = { d->p, d->end, NULL };

    segs__json_space(&j);
    d->p = j.p;
}

/* Go to the next element of the array: 1 at one, 0 the array ends, or a negative code. */
static int enter_array_element(struct segs_decoder *d, struct segs_error *err)
{
    skip_space(d);
    if (d->state == AT_START) {
        if (d->p == d->end || *d->p != '[')
            return lose_here(d, err, "'['");
        d->p++;
        d->state = AT_ELEMENT;
        skip_space(d);
        if (d->p == d->end || *d->p != ']')
            return 1;
    } else if (d->p < d->end && *d->p == ',') {
        d->p++;
        skip_space(d);
        return 1;
    } else if (d->p == d->end || *d->p != ']') {
        return lose_here(d, err, "',' or ']'");
    }

    d->p++;
    skip_space(d);
    if (d->p < d->end)
        return lose_here(d, err, "nothing behind the array");
    d->state = AT_END;
    return 0;
}

static int enter_element(struct segs_decoder *d, struct segs_error *err)
{
    if (d->format == SEGS_FORMAT_ARRAY)
        return enter_array_element(d, err);
    skip_space(d);
    if (d->format == SEGS_FORMAT_SINGLE || d->p < d->end)
        return 1;
    d->state = AT_END;
    return 0;
}

/* Behind a good element: the body goes on at `p`. False when the element is not alone on its line or
 * in its body, as it must be outside an array. */
static bool leave_element(struct segs_decoder *d, const char *p)
{
    if (d->format == SEGS_FORMAT_NDJSON) {
        while (p < d->end && (*p == ' ' || *p == '\t' || *p == '\r'))
            p++;
        if (p < d->end && *p++ != '\n')
            return false;
    } else if (d->format == SEGS_FORMAT_SINGLE) {
        struct segs__json j = { p, d->end, NULL };

        segs__json_space(&j);
        if (j.p < j.end)
            return false;
        d->state = AT_END;
    } else {
        d->state = AT_COMMA;
    }
    d->p = p;
    return true;
}

/* The quick way; NULL when it does not know. */
static const char *try_fast(struct segs_decoder *d, struct segs_reading *ret)
{
    size_t left = (size_t)(d->end - d->p);
    const char *base;
    const char *p;

    if (!d->fast || left == 0 || *d->p != '{')
        return NULL;
    if (left >= TAIL_BYTES)
        return d->fast(&d->quick, d->p, d->end - SEGS__FAST_PADDING, ret);

    if (!d->tail_from) {
        memcpy(d->tail, d->p, left);
        memset(d->tail + left, 0, SEGS__FAST_PADDING);
        d->tail_from = d->p;
    }
    base = d->tail + (d->p - d->tail_from);
    p = d->fast(&d->quick, base, base + left, ret);
    return p ? d->p + (p - base) : NULL;
}

/* The line feed that ends the line of `p`, or the end of the body. */
static const char *line_end(const struct segs_decoder *d, const char *p)
{
    const char *lf = p && p < d->end ? memchr(p, '\n', (size_t)(d->end - p)) : NULL;

    return lf ? lf : d->end;
}

/* Skip the refused element. */
static void recover(struct segs_decoder *d)
{
    struct segs__json j = { d->element, d->end, NULL };

    if (d->format == SEGS_FORMAT_ARRAY) {
        if (segs__json_skip(&j, d->max_depth) < 0) {
            lose(d);
            return;
        }
        d->p = j.p;
        d->state = AT_COMMA;
    } else if (d->format == SEGS_FORMAT_NDJSON) {
        d->p = line_end(d, d->element);
    } else {
        d->p = d->end;
        d->state = AT_END;
    }
    d->element_end = d->p;
}

static int refuse_size(struct segs_decoder *d, struct segs_error *err)
{
    (void)segs__fail(err, SEGS_EFULL, NULL, d->element - d->data,
                     "expected an element of at most %lld bytes, found %lld",
                     (long long)d->max_element_bytes, (long long)(d->element_end - d->element));
    return report(d, err, SEGS_DECODE_LIMIT);
}

/* The plain way: decides about every element that the quick one leaves. */
static int decode_plain(struct segs_decoder *d, struct segs_reading *ret, struct segs_error *err)
{
    struct segs__element e = { d->data, err, SEGS_DECODE_OK };
    struct segs__json j = { d->p, d->end, NULL };
    char found[SEGS__FOUND_BYTES];

    if (d->format == SEGS_FORMAT_NDJSON)
        j.end = line_end(d, j.p);
    if (segs__element_decode(&e, &j, ret) == 0) {
        d->element_end = j.p;
        if (j.p - d->element > d->max_element_bytes) {
            recover(d);
            return refuse_size(d, err);
        }
        if (leave_element(d, j.p))
            return 1;
        segs__json_space(&j);
        (void)segs__fail(err, SEGS_ESYNTAX, NULL, j.p - d->data,
                         "expected nothing behind the reading, found %s",
                         segs__found(found, j.p, (size_t)(j.end - j.p), 0));
        e.reason = SEGS_DECODE_JSON;
    }
    recover(d);
    if (d->element_end - d->element > d->max_element_bytes)
        return refuse_size(d, err);
    return report(d, err, e.reason);
}

/* One element into `ret`, whose content is undefined unless 1 is returned. */
static int step(struct segs_decoder *d, struct segs_reading *ret, struct segs_error *err)
{
    const char *p;
    int r;

    if (d->state == AT_END)
        return 0;
    r = enter_element(d, err);
    if (r <= 0)
        return r;
    d->element = d->p;
    if (d->count == d->max_readings) {
        (void)segs__fail(err, SEGS_EFULL, NULL, d->p - d->data,
                         "expected at most %lld readings, found more", (long long)d->count);
        d->count++;
        lose(d);
        return report(d, err, SEGS_DECODE_LIMIT);
    }
    d->count++;
    d->reason = SEGS_DECODE_OK;

    p = try_fast(d, ret);
    if (p && p - d->p <= d->max_element_bytes) {
        d->element_end = p;
        if (leave_element(d, p))
            return 1;
    }
    return decode_plain(d, ret, err);
}

int segs_decoder_next(struct segs_decoder *decoder, struct segs_reading *ret,
                      struct segs_error *reterr)
{
    struct segs_error err;
    int r;

    if (!decoder || !ret)
        return SEGS_EINVAL;
    r = step(decoder, &decoder->scratch, &err);
    if (r > 0)
        *ret = decoder->scratch;
    else if (r < 0 && reterr)
        *reterr = err;
    return r;
}

int segs_decoder_next_many(struct segs_decoder *decoder, struct segs_reading *ret, size_t n,
                           size_t *ret_n, struct segs_error *reterr)
{
    struct segs_error err;
    size_t done = 0;
    int r = 1;

    if (!decoder || !ret || !ret_n || n == 0)
        return SEGS_EINVAL;
    while (done < n && (r = step(decoder, &ret[done], &err)) > 0)
        done++;
    *ret_n = done;
    if (r < 0 && reterr)
        *reterr = err;
    return r;
}

int segs_decoder_is_lost(const struct segs_decoder *decoder)
{
    return decoder && decoder->is_lost ? 1 : 0;
}

int segs_decoder_reason(const struct segs_decoder *decoder)
{
    return decoder ? decoder->reason : SEGS_DECODE_OK;
}

int64_t segs_decoder_count(const struct segs_decoder *decoder)
{
    return decoder ? decoder->count : 0;
}

int segs_decoder_element(const struct segs_decoder *decoder, const char **ret, size_t *ret_len)
{
    if (!decoder || !ret || !ret_len)
        return SEGS_EINVAL;
    if (!decoder->element)
        return SEGS_ENOTFOUND;
    *ret = decoder->element;
    *ret_len = (size_t)(decoder->element_end - decoder->element);
    return 0;
}

const char *segs_decode_reason_name(int reason)
{
    static const char *const names[] = {
        "OK",        "JSON",   "TYPE", "UNKNOWN_MEMBER", "DUPLICATE_MEMBER", "MISSING_MEMBER",
        "TIMESTAMP", "NUMBER", "TEXT", "LIMIT"
    };

    if (reason < 0 || reason >= (int)(sizeof names / sizeof names[0]))
        return "?";
    return names[reason];
}

int segs_reading_decode(const char *data, size_t len, struct segs_reading *ret,
                        struct segs_error *reterr)
{
    struct segs_decoder d;
    struct segs_error err;
    int r;

    if (!ret || (!data && len > 0))
        return SEGS_EINVAL;
    memset(&d, 0, offsetof(struct segs_decoder, quick));
    segs__fast_init(&d.quick, true);
    d.max_readings = 1;
    d.max_element_bytes = DEFAULT_MAX_ELEMENT_BYTES;
    d.max_depth = DEFAULT_MAX_DEPTH;
    d.format_option = SEGS_FORMAT_SINGLE;
    d.fast = segs__fast_best();
    (void)segs_decoder_begin(&d, data, len);

    r = step(&d, &d.scratch, &err);
    if (r > 0) {
        *ret = d.scratch;
        return 0;
    }
    err.index = -1;
    if (reterr)
        *reterr = err;
    return r;
}
