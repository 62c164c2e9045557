/* Shared inside lib/telemetry and its tests. */
#ifndef SEGS_TELEMETRY_INTERNAL_H
#define SEGS_TELEMETRY_INTERNAL_H

#include <segs/decode.h>
#include <segs/reading.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Members of a reading. The first twelve have the number of their SEGS_HAS_* bit. */
enum segs__member {
    SEGS__POWER,
    SEGS__ENERGY,
    SEGS__REGISTER,
    SEGS__VOLTAGE,
    SEGS__CURRENT,
    SEGS__POWER_FACTOR,
    SEGS__FREQUENCY,
    SEGS__TEMPERATURE,
    SEGS__SEQ,
    SEGS__REGION,
    SEGS__STATUS,
    SEGS__READING_ID,
    SEGS__METER_ID,
    SEGS__TIMESTAMP,
    SEGS__N_MEMBERS
};

/* What the text of a member becomes. */
enum segs__kind {
    SEGS__ID,
    SEGS__REGION_TEXT,
    SEGS__TIME,
    SEGS__DECIMAL,
    SEGS__INTEGER,
    SEGS__WORD
};

struct segs__member_info {
    const char *name;  /* canonical */
    const char *alias; /* equal to name when there is none */
    uint8_t kind;      /* enum segs__kind */
    uint8_t scale;     /* digits after the point of a DECIMAL */
    uint8_t width;     /* bytes of the field: 4 or 8; 64 for texts */
    uint8_t reserved;
    uint32_t offset; /* of the field in struct segs_reading */
};

extern const struct segs__member_info segs__members[SEGS__N_MEMBERS];

/* Look a member name up; -1 when no reading has it. */
int segs__member_find(const char *name, size_t len);

/* The known name that `name` was most likely meant to be, or NULL when none is near. */
const char *segs__member_nearest(const char *name, size_t len);

#define SEGS__NAME_MIN_BYTES 3
#define SEGS__NAME_MAX_BYTES 12
#define SEGS__NAME_SLOTS 32

/* A perfect hash over the first three bytes of a name and its length, which no two names share; nor
 * do any share a slot (a test holds that). The multiplier was found by trying. */
struct segs__name_slot {
    char name[16]; /* with its closing quote, zero-filled */
    uint32_t mask; /* the bytes of it that count */
    uint16_t len;  /* without the quote */
    uint16_t member;
};
extern const struct segs__name_slot segs__name_slots[SEGS__NAME_SLOTS];

static inline unsigned segs__name_hash(uint32_t first_three, unsigned len)
{
    return (uint32_t)((first_three | len << 24) * UINT32_C(0xa55e7a97)) >> 27;
}

/* Whether a byte may stand in an id (bit 0) or a region (bit 1). */
#define SEGS__ID_BYTE 1u
#define SEGS__REGION_BYTE 2u
extern const uint8_t segs__text_classes[256];

static inline unsigned segs__text_class(unsigned char c)
{
    return segs__text_classes[c];
}

/* Where an error can be found by a human, for messages: printable ASCII of at most 40 bytes. */
#define SEGS__SNIPPET_BYTES 48
const char *segs__snippet(char buf[SEGS__SNIPPET_BYTES], const char *text, size_t len);

/* ---- JSON text ---------------------------------------------------------------------------- */

/* A place in JSON text. Functions that fail leave `p` at the offending byte, or at `end`, and what
 * they wanted there in `expected`. */
struct segs__json {
    const char *p;
    const char *end;
    const char *expected;
};

void segs__json_space(struct segs__json *j);

/* Behind an opening quote: decode one character of the string into out. Returns its bytes (1..4), 0
 * at the closing quote, which is consumed, or SEGS_ESYNTAX. */
int segs__json_char(struct segs__json *j, unsigned char out[4]);

/* Behind an opening quote: read to behind the closing one. When `buf` is given it receives the first
 * `size` decoded bytes, and *ret_len the length of all of them. 0 or SEGS_ESYNTAX. */
int segs__json_string(struct segs__json *j, char *buf, size_t size, size_t *ret_len);

/* Read one number, or one of the words true, false, null. 0 or SEGS_ESYNTAX. */
int segs__json_number(struct segs__json *j);
int segs__json_word(struct segs__json *j);

/* Read one whole value of any type. 0, SEGS_ESYNTAX or SEGS_EFULL. */
int segs__json_value(struct segs__json *j, int max_depth);

/* Step over one element of an array by its structure alone: strings and brackets are followed, the
 * rest is not judged. 0, or SEGS_ESYNTAX or SEGS_EFULL when the structure is lost. */
int segs__json_skip(struct segs__json *j, int max_depth);

/* ---- one element -------------------------------------------------------------------------- */

/* The plain decoder of one object: every error is found and named here. */
struct segs__element {
    const char *base; /* of the body: offsets count from here */
    struct segs_error *err;
    int reason; /* enum segs_decode_reason of the failure */
};

/* Decode the object at j->p. 0 and j->p behind it, or a negative code with `err` filled except for
 * index and line. `ret` is untouched on failure. */
int segs__element_decode(struct segs__element *e, struct segs__json *j, struct segs_reading *ret);

/* ---- the quick way ------------------------------------------------------------------------ */

/* Bytes behind the last byte of an element that the quick decoders may read. */
#define SEGS__FAST_PADDING 256

/* What stood before a value of the object decoded last: from the end of the value before it to its
 * own first byte, so including comma, name, colon and whitespace. The same bytes at the same place
 * of the next object mean the same, so one comparison replaces parsing them. */
struct segs__fast_step {
    char literal[32];
    uint32_t mask;   /* bit n: byte n counts */
    uint16_t len;    /* 1..32 */
    uint16_t member; /* enum segs__member, or SEGS__N_MEMBERS for the closing brace */
};

/* Every member once, and the closing brace. */
#define SEGS__FAST_STEPS (SEGS__N_MEMBERS + 1)

struct segs__fast {
    struct segs__fast_step steps[SEGS__FAST_STEPS];
    int64_t date_ms; /* midnight of the date seen last */
    char date[16];   /* "2026-01-15T", zero-filled */
    bool allow_lf;   /* line feeds are whitespace: not in NDJSON */
};

/* Decode the object at `p`, which must start with '{'. Returns the place behind it, or NULL when
 * anything at all is unusual: then segs__element_decode() decides, and `ret` holds nothing useful.
 * Up to SEGS__FAST_PADDING bytes behind `limit` are read, never used for the result unless the
 * element reaches them. */
typedef const char *(segs__fast_fn)(struct segs__fast *f, const char *p, const char *limit,
                                    struct segs_reading *ret);

/* Expect the canonical form, whatever was learned before. `allow_lf` is false in NDJSON. */
void segs__fast_init(struct segs__fast *f, bool allow_lf);

enum segs__fast_level {
    SEGS__FAST_PLAIN = 0,    /* none: always segs__element_decode() */
    SEGS__FAST_PORTABLE = 1, /* ISO C */
    SEGS__FAST_SSE2 = 2,
    SEGS__FAST_AVX2 = 3
};

/* The decoder of a level, or NULL when this machine or build has none. */
segs__fast_fn *segs__fast_get(int level);
segs__fast_fn *segs__fast_best(void);

segs__fast_fn segs__fast_portable;
/* NULL when the build has none. */
segs__fast_fn *segs__fast_sse2(void);
segs__fast_fn *segs__fast_avx2(void);

/* For tests: decode with this level from now on. 0, or SEGS_ENOTSUP. */
int segs__decoder_set_level(struct segs_decoder *decoder, int level);

#endif
