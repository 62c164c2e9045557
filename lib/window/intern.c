#include <segs/intern.h>

#include <string.h>

#include <segs/hash.h>

#include "base/base_internal.h"
#include "window/intern_internal.h"

_Static_assert(sizeof(void *) != 8 || sizeof(struct segs_intern_options) == 40,
               "the options have no padding");

#define ID_MAX (SEGS_ID_BYTES - 1)
#define PROBE_MAX 256
#define BLOCK 32
#define CHUNK_BYTES 65536u
#define UNIT 8u /* records start at multiples of this */
#define UNITS_PER_CHUNK (CHUNK_BYTES / UNIT)

/* A record in the arena: the slot, the length, the bytes and a NUL. */
struct record {
    uint32_t slot;
    unsigned char len;
    char id[];
};
#define RECORD_HEAD offsetof(struct record, id)

struct segs_intern {
    const struct segs_allocator *allocator;
    uint64_t key[2];
    uint64_t *table; /* high half: hash, low half: 1 + unit of the record; 0 for empty */
    uint32_t *units; /* by slot: unit of the record */
    unsigned char **chunk;
    uint32_t table_cap; /* power of two, at most half full */
    uint32_t units_cap;
    uint32_t n_chunks;
    uint32_t chunks_cap;
    uint32_t next_unit;
    uint32_t n_ids;
    uint32_t max_ids;
    bool is_sip; /* hashes with SipHash since a lookup took too long */
};

static uint64_t load64(const char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof x);
    return x;
}

static uint64_t load32(const char *p)
{
    uint32_t x;

    memcpy(&x, p, sizeof x);
    return x;
}

/* Both halves of a 128-bit product folded: each input bit reaches each output bit. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
    segs__u128 product = (segs__u128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Keyed multiply hash of 1..63 bytes. Its values never leave the process, so the machine's byte
 * order does not matter. Overlapping loads cover every length without a loop over bytes. */
static inline uint64_t hash_fast(const struct segs_intern *intern, const char *id, size_t len)
{
    uint64_t state = intern->key[0] ^ (len * UINT64_C(0x9E3779B97F4A7C15));
    uint64_t a;
    uint64_t b;

    while (len > 16) {
        state = fold(load64(id) ^ state, load64(id + 8) ^ intern->key[1]);
        id += 16;
        len -= 16;
    }
    if (len >= 8) {
        a = load64(id);
        b = load64(id + len - 8);
    } else if (len >= 4) {
        a = load32(id);
        b = load32(id + len - 4);
    } else {
        a = (unsigned char)id[0];
        b = (uint64_t)(unsigned char)id[len / 2] << 8 | (unsigned char)id[len - 1];
    }
    state = fold(a ^ state, b ^ intern->key[1]);
    return fold(state ^ UINT64_C(0xD6E8FEB86659FD93),
                intern->key[1] ^ UINT64_C(0xA0761D6478BD642F));
}

static uint64_t hash_sip(const struct segs_intern *intern, const char *id, size_t len)
{
    uint8_t key[SEGS_HASH_KEY_BYTES];

    memcpy(key, intern->key, sizeof key);
    return segs_hash64(key, id, len);
}

static inline uint64_t hash_id(const struct segs_intern *intern, const char *id, size_t len)
{
    return intern->is_sip ? hash_sip(intern, id, len) : hash_fast(intern, id, len);
}

static inline const struct record *record_at(const struct segs_intern *intern, uint32_t unit)
{
    const void *p = intern->chunk[unit / UNITS_PER_CHUNK] + (unit % UNITS_PER_CHUNK) * UNIT;

    return p;
}

static inline uint32_t home(const struct segs_intern *intern, uint64_t hash)
{
    return (uint32_t)hash & (intern->table_cap - 1);
}

/* memcmp() of 1..63 bytes without a call: overlapping words cover the rest. */
static inline bool same_bytes(const char *a, const char *b, size_t len)
{
    size_t i = 0;

    if (len < 8) {
        while (i < len && a[i] == b[i])
            i++;
        return i == len;
    }
    for (; i + 8 <= len; i += 8) {
        if (load64(a + i) != load64(b + i))
            return false;
    }
    return load64(a + len - 8) == load64(b + len - 8);
}

/* Slot of the id, SEGS_INTERN_NONE when it is not there. *ret_steps: places looked at. */
static inline uint32_t lookup(const struct segs_intern *intern, const char *id, size_t len,
                              uint64_t hash, uint32_t *ret_steps)
{
    uint32_t mask = intern->table_cap - 1;
    uint32_t steps = 1;

    for (uint32_t i = home(intern, hash);; i = (i + 1) & mask, steps++) {
        uint64_t entry = intern->table[i];

        *ret_steps = steps;
        if (entry == 0)
            return SEGS_INTERN_NONE;
        if (entry >> 32 == hash >> 32) {
            const struct record *record = record_at(intern, (uint32_t)entry - 1);

            if (record->len == len && same_bytes(record->id, id, len))
                return record->slot;
        }
    }
}

static void table_insert(uint64_t *table, uint32_t cap, uint64_t hash, uint32_t unit)
{
    uint32_t i = (uint32_t)hash & (cap - 1);

    while (table[i] != 0)
        i = (i + 1) & (cap - 1);
    table[i] = (hash >> 32) << 32 | (unit + 1);
}

/* A table of `cap` places with every id in it, hashed as `is_sip` says. */
static int rebuild(struct segs_intern *intern, uint32_t cap, bool is_sip)
{
    uint64_t *table = segs__alloc_array(intern->allocator, cap, sizeof *table);

    if (!table)
        return SEGS_ENOMEM;
    memset(table, 0, cap * sizeof *table);
    intern->is_sip = is_sip;
    for (uint32_t slot = 0; slot < intern->n_ids; slot++) {
        const struct record *record = record_at(intern, intern->units[slot]);

        table_insert(table, cap, hash_id(intern, record->id, record->len), intern->units[slot]);
    }
    segs__release(intern->allocator, intern->table);
    intern->table = table;
    intern->table_cap = cap;
    return 0;
}

int segs_intern_new(const struct segs_intern_options *options, struct segs_intern **ret)
{
    struct segs_intern_options o;
    struct segs_intern *intern;
    int r;

    if (!ret)
        return SEGS_EINVAL;
    r = segs__options_copy(&o, sizeof o, options);
    if (r < 0)
        return r;
    if (o.max_ids > 1u << 26)
        return SEGS_ERANGE;
    if (o.reserved != 0)
        return SEGS_ENOTSUP;

    intern = segs__alloc_zero(segs__allocator(o.allocator), sizeof *intern);
    if (!intern)
        return SEGS_ENOMEM;
    intern->allocator = segs__allocator(o.allocator);
    /* A zero factor would swallow its partner; these constants keep a zero key usable. */
    intern->key[0] = o.key[0] ^ UINT64_C(0x2D358DCCAA6C78A5);
    intern->key[1] = o.key[1] ^ UINT64_C(0x8BB84B93962EACC9);
    intern->max_ids = o.max_ids == 0 ? 1u << 20 : o.max_ids;
    if (rebuild(intern, 16, false) < 0) {
        segs_intern_free(intern);
        return SEGS_ENOMEM;
    }
    *ret = intern;
    return 0;
}

void segs_intern_free(struct segs_intern *intern)
{
    const struct segs_allocator *allocator;

    if (!intern)
        return;
    allocator = intern->allocator;
    for (uint32_t i = 0; i < intern->n_chunks; i++)
        segs__release(allocator, intern->chunk[i]);
    segs__release(allocator, intern->chunk);
    segs__release(allocator, intern->units);
    segs__release(allocator, intern->table);
    segs__release(allocator, intern);
}

static int add_chunk(struct segs_intern *intern)
{
    unsigned char *chunk;

    if (intern->n_chunks == intern->chunks_cap) {
        uint32_t cap = intern->chunks_cap == 0 ? 4 : intern->chunks_cap * 2;
        unsigned char **table =
            segs__resize_array(intern->allocator, intern->chunk, cap, sizeof(*table));

        if (!table)
            return SEGS_ENOMEM;
        intern->chunk = table;
        intern->chunks_cap = cap;
    }
    chunk = segs__alloc(intern->allocator, CHUNK_BYTES);
    if (!chunk)
        return SEGS_ENOMEM;
    intern->chunk[intern->n_chunks++] = chunk;
    intern->next_unit = (intern->n_chunks - 1) * UNITS_PER_CHUNK;
    return 0;
}

/* Room in every array for one more id of this length. What is made here does no harm when a later
 * step fails. */
static int make_room(struct segs_intern *intern, uint32_t n_units)
{
    if (intern->n_ids == intern->units_cap) {
        uint32_t cap = intern->units_cap == 0 ? 16 : intern->units_cap + intern->units_cap / 2;
        uint32_t *units = segs__resize_array(intern->allocator, intern->units, cap, sizeof *units);

        if (!units)
            return SEGS_ENOMEM;
        intern->units = units;
        intern->units_cap = cap;
    }
    if ((intern->n_chunks == 0 ||
         intern->next_unit + n_units > intern->n_chunks * UNITS_PER_CHUNK) &&
        add_chunk(intern) < 0)
        return SEGS_ENOMEM;
    if (((uint64_t)intern->n_ids + 1) * 2 > intern->table_cap &&
        rebuild(intern, intern->table_cap * 2, intern->is_sip) < 0)
        return SEGS_ENOMEM;
    return 0;
}

static int add_new(struct segs_intern *intern, const char *id, size_t len, uint64_t hash,
                   uint32_t *ret_slot)
{
    uint32_t n_units = (uint32_t)((RECORD_HEAD + len + 1 + UNIT - 1) / UNIT);
    struct record *record;

    if (intern->n_ids >= intern->max_ids)
        return SEGS_EFULL;
    if (make_room(intern, n_units) < 0)
        return SEGS_ENOMEM;

    record = (void *)(intern->chunk[intern->next_unit / UNITS_PER_CHUNK] +
                      (size_t)(intern->next_unit % UNITS_PER_CHUNK) * UNIT);
    record->slot = intern->n_ids;
    record->len = (unsigned char)len;
    memcpy(record->id, id, len);
    record->id[len] = '\0';
    table_insert(intern->table, intern->table_cap, hash, intern->next_unit);
    intern->units[intern->n_ids] = intern->next_unit;
    intern->next_unit += n_units;
    *ret_slot = intern->n_ids++;
    return 1;
}

/* The id is good. 0, 1 or an error. */
static int take(struct segs_intern *intern, const char *id, size_t len, uint64_t hash,
                uint32_t *ret_slot)
{
    uint32_t steps;
    uint32_t slot = lookup(intern, id, len, hash, &steps);

    if (steps > PROBE_MAX && !intern->is_sip) {
        if (rebuild(intern, intern->table_cap, true) < 0)
            return SEGS_ENOMEM;
        hash = hash_id(intern, id, len);
    }
    if (slot != SEGS_INTERN_NONE) {
        *ret_slot = slot;
        return 0;
    }
    return add_new(intern, id, len, hash, ret_slot);
}

int segs_intern_add(struct segs_intern *intern, const char *id, size_t len, uint32_t *ret_slot)
{
    if (!intern || !id || !ret_slot)
        return SEGS_EINVAL;
    if (len == 0 || len > ID_MAX || memchr(id, '\0', len))
        return SEGS_ERANGE;
    return take(intern, id, len, hash_id(intern, id, len), ret_slot);
}

int segs_intern_find(const struct segs_intern *intern, const char *id, size_t len,
                     uint32_t *ret_slot)
{
    uint32_t steps;
    uint32_t slot;

    if (!intern || !id || !ret_slot)
        return SEGS_EINVAL;
    if (len == 0 || len > ID_MAX)
        return SEGS_ENOTFOUND;
    slot = lookup(intern, id, len, hash_id(intern, id, len), &steps);
    if (slot == SEGS_INTERN_NONE)
        return SEGS_ENOTFOUND;
    *ret_slot = slot;
    return 0;
}

/* Length up to the NUL or the end of the field; 0 also when it is too long. Eight bytes at a time:
 * the lowest bit of `zeros` marks the first zero byte of a little-endian word. */
static inline size_t field_length(const char *id, size_t field_bytes)
{
    size_t len = 0;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; len + 8 <= field_bytes; len += 8) {
        uint64_t word = load64(id + len);
        uint64_t zeros =
            (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);

        if (zeros != 0)
            return len + (size_t)__builtin_ctzll(zeros) / 8;
    }
#endif
    while (len < field_bytes && id[len] != '\0')
        len++;
    return len <= ID_MAX ? len : 0;
}

static inline bool is_at_home(const struct segs_intern *intern, const char *id, size_t len,
                              uint64_t hash, uint32_t *ret_slot)
{
    uint64_t entry = intern->table[home(intern, hash)];
    const struct record *record;

    if (entry == 0 || entry >> 32 != hash >> 32)
        return false;
    record = record_at(intern, (uint32_t)entry - 1);
    if (record->len != len || !same_bytes(record->id, id, len))
        return false;
    *ret_slot = record->slot;
    return true;
}

static int take_block(struct segs_intern *intern, const char *ids, size_t field_bytes,
                      size_t stride, size_t n, uint32_t *ret_slots)
{
    const bool was_sip = intern->is_sip;
    uint64_t hash[BLOCK];
    size_t len[BLOCK];
    int first_error = 0;

    for (size_t i = 0; i < n; i++) {
        const char *id = ids + i * stride;

        len[i] = field_length(id, field_bytes);
        hash[i] = len[i] == 0 ? 0 : hash_id(intern, id, len[i]);
        __builtin_prefetch(&intern->table[home(intern, hash[i])], 0);
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t entry = intern->table[home(intern, hash[i])];

        if (entry != 0)
            __builtin_prefetch(record_at(intern, (uint32_t)entry - 1), 0);
    }
    for (size_t i = 0; i < n; i++) {
        const char *id = ids + i * stride;
        int r = SEGS_ERANGE;

        /* Nearly every id is known and stands at home. */
        if (len[i] != 0 && intern->is_sip == was_sip &&
            is_at_home(intern, id, len[i], hash[i], &ret_slots[i]))
            continue;
        ret_slots[i] = SEGS_INTERN_NONE;
        if (len[i] != 0) {
            if (intern->is_sip != was_sip)
                hash[i] = hash_id(intern, id, len[i]);
            r = take(intern, id, len[i], hash[i], &ret_slots[i]);
        }
        if (r < 0 && first_error == 0)
            first_error = r;
        if (r == SEGS_ENOMEM) {
            memset(ret_slots + i, 0xFF, (n - i) * sizeof *ret_slots);
            return r;
        }
    }
    return first_error;
}

int segs_intern_many(struct segs_intern *intern, const char *ids, size_t field_bytes, size_t stride,
                     size_t n, uint32_t *ret_slots)
{
    int first_error = 0;

    if (!intern || field_bytes < 1 || field_bytes > SEGS_ID_BYTES || stride < field_bytes)
        return SEGS_EINVAL;
    if (n > 0 && (!ids || !ret_slots))
        return SEGS_EINVAL;

    for (size_t first = 0; first < n; first += BLOCK) {
        size_t n_block = n - first < BLOCK ? n - first : BLOCK;
        int r = take_block(intern, ids + first * stride, field_bytes, stride, n_block,
                           ret_slots + first);

        if (r < 0 && first_error == 0)
            first_error = r;
        if (r == SEGS_ENOMEM) {
            memset(ret_slots + first + n_block, 0xFF, (n - first - n_block) * sizeof *ret_slots);
            return first_error;
        }
    }
    return first_error;
}

const char *segs_intern_id(const struct segs_intern *intern, uint32_t slot, size_t *ret_len)
{
    const struct record *record;

    if (!intern || slot >= intern->n_ids)
        return NULL;
    record = record_at(intern, intern->units[slot]);
    if (ret_len)
        *ret_len = record->len;
    return record->id;
}

uint32_t segs_intern_count(const struct segs_intern *intern)
{
    return intern ? intern->n_ids : 0;
}

uint64_t segs__intern_hash(const struct segs_intern *intern, const char *id, size_t len)
{
    return hash_id(intern, id, len);
}

bool segs__intern_is_sip(const struct segs_intern *intern)
{
    return intern->is_sip;
}
