#include <segs/zone.h>

#include <string.h>

#include "base/base_internal.h"
#include "base/zone_internal.h"

#define HEADER_BYTES 44
#define TYPE_BYTES 6

/* What is left of the input, and the bytes of one instant: 4 in a version 1 block, else 8. */
struct reader {
    const uint8_t *data;
    size_t size;
    size_t pos;
    size_t time_bytes;
    struct segs_error *reterr;
};

/* The counts of a header (RFC 8536 3.1). */
struct header {
    uint8_t version;
    uint32_t n_isut;
    uint32_t n_isstd;
    uint32_t n_leap;
    uint32_t n_times;
    uint32_t n_types;
    uint32_t n_chars;
};

static int malformed(const struct reader *in, size_t pos, const char *field, const char *message)
{
    return segs__fail(in->reterr, SEGS_ESYNTAX, field, (int64_t)pos, "%s", message);
}

static uint32_t load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t load_time(const uint8_t *p, size_t n_bytes)
{
    if (n_bytes == 4)
        return (int32_t)load_be32(p);
    return (int64_t)((uint64_t)load_be32(p) << 32 | load_be32(p + 4));
}

/* Returns the next n bytes and moves behind them; NULL when the input ends before. */
static const uint8_t *take(struct reader *in, uint64_t n, const char *field)
{
    const uint8_t *p = in->data + in->pos;

    if (n > in->size - in->pos) {
        (void)segs__fail(in->reterr, SEGS_EINCOMPLETE, field, (int64_t)in->pos,
                         "expected %llu more bytes, found %zu", (unsigned long long)n,
                         in->size - in->pos);
        return NULL;
    }
    in->pos += (size_t)n;
    return p;
}

static int read_header(struct reader *in, struct header *h)
{
    size_t begin = in->pos;
    const uint8_t *p = take(in, HEADER_BYTES, "header");

    if (!p)
        return SEGS_EINCOMPLETE;
    if (memcmp(p, "TZif", 4) != 0)
        return malformed(in, begin, "magic", "expected TZif");
    h->version = p[4];
    h->n_isut = load_be32(p + 20);
    h->n_isstd = load_be32(p + 24);
    h->n_leap = load_be32(p + 28);
    h->n_times = load_be32(p + 32);
    h->n_types = load_be32(p + 36);
    h->n_chars = load_be32(p + 40);
    if (h->version != 0 && (h->version < '2' || h->version > '4'))
        return segs__fail(in->reterr, SEGS_ENOTSUP, "version", (int64_t)begin + 4,
                          "expected version 1 to 4, found byte 0x%02x", h->version);
    return 0;
}

/* The header of the block that is used stands before the reader. */
static int check_counts(const struct reader *in, const struct header *h)
{
    size_t begin = in->pos - HEADER_BYTES;

    if (h->n_isut > 0 && h->n_isut != h->n_types)
        return malformed(in, begin + 20, "isutcnt", "expected 0 or the number of types");
    if (h->n_isstd > 0 && h->n_isstd != h->n_types)
        return malformed(in, begin + 24, "isstdcnt", "expected 0 or the number of types");
    if (h->n_leap > 0)
        return segs__fail(in->reterr, SEGS_ENOTSUP, "leapcnt", (int64_t)begin + 28,
                          "expected a zone without leap seconds");
    if (h->n_types == 0 || h->n_types > 256)
        return malformed(in, begin + 36, "typecnt", "expected 1 to 256 types");
    if (h->n_chars == 0)
        return malformed(in, begin + 40, "charcnt", "expected abbreviations");
    return 0;
}

/* RFC 8536 3.2: the bytes of the data block behind a header. */
static uint64_t block_bytes(const struct header *h, uint64_t time_bytes)
{
    return h->n_times * (time_bytes + 1) + (uint64_t)h->n_types * TYPE_BYTES + h->n_chars +
           h->n_leap * (time_bytes + 4) + h->n_isstd + h->n_isut;
}

static int read_times(struct segs_zone *zone, struct reader *in, const struct header *h)
{
    size_t begin = in->pos;
    const uint8_t *p = take(in, h->n_times * (uint64_t)in->time_bytes, "transitions");

    if (!p)
        return SEGS_EINCOMPLETE;
    zone->times = segs__alloc_array(zone->allocator, h->n_times, sizeof *zone->times);
    if (!zone->times)
        return segs__fail(in->reterr, SEGS_ENOMEM, NULL, -1, "no memory for transitions");
    for (size_t i = 0; i < h->n_times; i++) {
        zone->times[i] = load_time(p + i * in->time_bytes, in->time_bytes);
        if (i > 0 && zone->times[i] <= zone->times[i - 1])
            return malformed(in, begin + i * in->time_bytes, "transitions",
                             "expected transitions in ascending order");
    }
    zone->n_times = h->n_times;
    return 0;
}

static int read_types_of_times(struct segs_zone *zone, struct reader *in, const struct header *h)
{
    size_t begin = in->pos;
    const uint8_t *p = take(in, h->n_times, "transition types");

    if (!p)
        return SEGS_EINCOMPLETE;
    for (size_t i = 0; i < h->n_times; i++) {
        if (p[i] >= h->n_types)
            return malformed(in, begin + i, "transition types", "expected the index of a type");
    }
    zone->type_of = segs__alloc_array(zone->allocator, h->n_times, sizeof *zone->type_of);
    if (!zone->type_of)
        return segs__fail(in->reterr, SEGS_ENOMEM, NULL, -1, "no memory for transitions");
    for (size_t i = 0; i < h->n_times; i++)
        zone->type_of[i] = p[i];
    return 0;
}

/* Copies the NUL-terminated abbreviation at `index` of the n_chars bytes at `chars`. */
static int copy_abbreviation(const struct reader *in, const uint8_t *chars, size_t n_chars,
                             size_t index, struct segs__zone_type *type)
{
    size_t pos = (size_t)(chars - in->data) + index;
    const uint8_t *end;
    size_t n;

    if (index >= n_chars)
        return malformed(in, pos, "abbreviations", "expected an index within the abbreviations");
    end = memchr(chars + index, '\0', n_chars - index);
    if (!end)
        return malformed(in, pos, "abbreviations", "expected a NUL behind the abbreviation");
    n = (size_t)(end - (chars + index));
    if (n == 0 || n >= sizeof type->abbreviation)
        return malformed(in, pos, "abbreviations", "expected 1 to 15 characters");
    for (size_t i = 0; i < n; i++) {
        if (!segs__is_abbreviation_char((char)chars[index + i]))
            return malformed(in, pos + i, "abbreviations", "expected letters, digits, '+' or '-'");
    }
    memcpy(type->abbreviation, chars + index, n);
    return 0;
}

static int read_types(struct segs_zone *zone, struct reader *in, const struct header *h)
{
    size_t begin = in->pos;
    const uint8_t *p = take(in, (uint64_t)h->n_types * TYPE_BYTES, "types");
    const uint8_t *chars = p ? take(in, h->n_chars, "abbreviations") : NULL;

    if (!chars)
        return SEGS_EINCOMPLETE;
    zone->types = segs__alloc_zero(zone->allocator, h->n_types * sizeof *zone->types);
    if (!zone->types)
        return segs__fail(in->reterr, SEGS_ENOMEM, NULL, -1, "no memory for types");
    zone->n_types = h->n_types;

    for (size_t i = 0; i < h->n_types; i++, p += TYPE_BYTES) {
        struct segs__zone_type *type = &zone->types[i];
        int64_t pos = (int64_t)(begin + i * TYPE_BYTES);
        int r;

        type->offset = (int32_t)load_be32(p);
        type->is_dst = p[4];
        if (type->offset < SEGS__OFFSET_MIN || type->offset > SEGS__OFFSET_MAX)
            return segs__fail(in->reterr, SEGS_ERANGE, "types", pos,
                              "expected an offset of %d to %d s, found %d", SEGS__OFFSET_MIN,
                              SEGS__OFFSET_MAX, (int)type->offset);
        if (p[4] > 1)
            return malformed(in, (size_t)pos + 4, "types", "expected 0 or 1");
        r = copy_abbreviation(in, chars, h->n_chars, p[5], type);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_block(struct segs_zone *zone, struct reader *in, const struct header *h)
{
    int r;

    if ((r = check_counts(in, h)) < 0 || (r = read_times(zone, in, h)) < 0 ||
        (r = read_types_of_times(zone, in, h)) < 0 || (r = read_types(zone, in, h)) < 0)
        return r;
    /* Standard/wall and UT/local indicators only matter to rules without dates, which are refused. */
    return take(in, (uint64_t)h->n_isstd + h->n_isut, "indicators") ? 0 : SEGS_EINCOMPLETE;
}

static int read_footer(struct segs_zone *zone, struct reader *in)
{
    const uint8_t *newline = take(in, 1, "footer");
    const uint8_t *end;
    size_t begin = in->pos;
    size_t len;

    if (!newline)
        return SEGS_EINCOMPLETE;
    if (*newline != '\n')
        return malformed(in, begin - 1, "footer", "expected a newline before the footer");
    end = memchr(in->data + begin, '\n', in->size - begin);
    if (!end)
        return segs__fail(in->reterr, SEGS_EINCOMPLETE, "footer", (int64_t)in->size,
                          "expected a newline behind the footer");
    len = (size_t)(end - (in->data + begin));
    in->pos = begin + len + 1;
    if (len == 0)
        return 0;
    zone->has_rule = true;
    return segs__zone_rule_parse((const char *)in->data + begin, len, (int64_t)begin, &zone->rule,
                                 in->reterr);
}

/* Version 2 and later repeat everything with 64 bit instants behind the version 1 block, which is
 * for readers of old and skipped unread. */
static int read_wide(struct segs_zone *zone, struct reader *in, const struct header *old)
{
    struct header h = { 0 };
    int r;

    if (!take(in, block_bytes(old, in->time_bytes), "version 1 block"))
        return SEGS_EINCOMPLETE;
    in->time_bytes = 8;
    if ((r = read_header(in, &h)) < 0)
        return r;
    if (h.version != old->version)
        return malformed(in, in->pos - HEADER_BYTES + 4, "version",
                         "expected the version of the first header");
    if ((r = read_block(zone, in, &h)) < 0)
        return r;
    return read_footer(zone, in);
}

int segs__tzif_load(struct segs_zone *zone, const uint8_t *data, size_t size,
                    struct segs_error *reterr)
{
    struct reader in = { data, size, 0, 4, reterr };
    struct header h = { 0 };
    int r = read_header(&in, &h);

    if (r < 0)
        return r;
    r = h.version == 0 ? read_block(zone, &in, &h) : read_wide(zone, &in, &h);
    if (r < 0)
        return r;
    return in.pos == size ? 0 : malformed(&in, in.pos, "", "expected no bytes behind the zone");
}
