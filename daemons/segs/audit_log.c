/* The log's side of the audit. */
#include "segs/audit_internal.h"

#include <stdlib.h>
#include <string.h>

#include <segs/decode.h>

#include "runtime/schema/schema.h"

#define FETCH_MAX 8192
#define FETCH_WAIT_MS 2000

/* The same fixed and public key as the stream processor's: fingerprints find accidents. */
static const uint8_t fingerprint_key[16];

static const char quarantine_sql[] = "SELECT msg_offset FROM quarantine WHERE topic = $1"
                                     " AND partition = $2 AND msg_offset >= $3 ORDER BY msg_offset";

/* One partition's log while it is read. */
struct reading {
    struct audit *audit;
    struct audit_partition *partition;
    struct rt_db_rows *quarantine;
    int64_t next_quarantined; /* Offset, or INT64_MAX. */
    int64_t position;
    int32_t number;
    bool is_first_pass;
};

static void report_message(const struct reading *reading, const char *field, int64_t offset,
                           int64_t expected, int64_t found)
{
    struct audit_difference difference = { .what = "log",
                                           .field = field,
                                           .meter = "",
                                           .window_start_ms = -1,
                                           .expected = expected,
                                           .found = found,
                                           .offset = offset,
                                           .partition = reading->number };

    if (reading->is_first_pass)
        audit_difference(reading->audit, &difference);
}

/* ---- Records ---- */

static int by_time(const void *left, const void *right)
{
    const struct audit_record *a = left;
    const struct audit_record *b = right;

    return a->ts_ms < b->ts_ms ? -1 : a->ts_ms > b->ts_ms;
}

/* End the slice earlier, at a quarter of an hour, so that about half of what is in memory stays. A single quarter is never split. */
static void shorten_slice(struct audit *audit)
{
    int64_t middle_ms;
    size_t n;

    qsort(audit->records, audit->n_records, sizeof *audit->records, by_time);
    middle_ms = audit_floor(audit->records[audit->n_records / 2].ts_ms, RT_QUARTER_MS);
    if (middle_ms <= audit->records[0].ts_ms)
        middle_ms = audit_floor(audit->records[0].ts_ms, RT_QUARTER_MS) + RT_QUARTER_MS;
    for (n = audit->n_records; n > 0 && audit->records[n - 1].ts_ms >= middle_ms; n--)
        continue;
    if (n == audit->n_records) {
        audit->max_records *= 2;
        return;
    }
    audit->n_records = n;
    audit->until_ms = middle_ms;
}

static struct audit_record *next_record(struct audit *audit)
{
    if (audit->n_records == audit->max_records)
        shorten_slice(audit);
    if (audit->n_records == audit->cap_records) {
        size_t cap = audit->cap_records ? audit->cap_records * 2 : 65536;
        struct audit_record *grown = realloc(audit->records, cap * sizeof *grown);

        if (!grown)
            return NULL;
        audit->records = grown;
        audit->cap_records = cap;
    }
    return &audit->records[audit->n_records];
}

static int add_record(struct reading *reading, const struct segs_reading *from, int64_t offset)
{
    struct audit *audit = reading->audit;
    struct audit_record *record;
    uint32_t slot = 0;

    if (segs_intern_find(audit->meters, from->meter_id, strlen(from->meter_id), &slot) < 0) {
        report_message(reading, "meter", offset, 1, 0);
        return 0;
    }
    if (from->ts_ms < audit->from_ms || from->ts_ms >= audit->until_ms ||
        from->ts_ms < reading->partition->covered_from_ms)
        return 0;
    record = next_record(audit);
    if (!record)
        return SEGS_ENOMEM;
    if (from->ts_ms >= audit->until_ms) /* The slice was shortened. */
        return 0;
    memset(record, 0, sizeof *record);
    record->ts_ms = from->ts_ms;
    record->offset = offset;
    record->power_micro_kw = from->power_micro_kw;
    record->energy_micro_kwh = from->energy_micro_kwh;
    record->voltage_milli_v = from->voltage_milli_v;
    record->current_milli_a = from->current_milli_a;
    record->meter_key = (uint32_t)audit->keys[slot];
    record->partition = (uint16_t)reading->number;
    record->present = (uint8_t)(from->present & 0xffu);
    record->status = (uint8_t)from->status;
    (void)segs_reading_hash(from, fingerprint_key, &record->hash);
    audit->n_records++;
    return 0;
}

static int by_row_and_slot(const void *left, const void *right)
{
    const struct audit_record *a = left;
    const struct audit_record *b = right;
    int64_t minute_a = a->ts_ms / RT_MINUTE_MS;
    int64_t minute_b = b->ts_ms / RT_MINUTE_MS;
    int64_t slot_a = a->ts_ms / RT_SLOT_MS;
    int64_t slot_b = b->ts_ms / RT_SLOT_MS;

    if (minute_a != minute_b)
        return minute_a < minute_b ? -1 : 1;
    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    if (a->meter_key != b->meter_key)
        return a->meter_key < b->meter_key ? -1 : 1;
    if (slot_a != slot_b)
        return slot_a < slot_b ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* ---- One partition ---- */

static int next_quarantined(struct reading *reading, struct segs_error *reterr)
{
    int r = rt_db_next(reading->quarantine, reterr);

    reading->next_quarantined = r > 0 ? rt_db_int(reading->quarantine, 0) : INT64_MAX;
    return r < 0 ? r : 0;
}

static int open_quarantine(struct reading *reading, struct segs_error *reterr)
{
    struct rt_db_value params[3] = { rt_db_text(RT_TOPIC_RAW), RT_DB_I(reading->number),
                                     RT_DB_I(reading->position) };
    int r =
        rt_db_query(reading->audit->conn, quarantine_sql, params, 3, &reading->quarantine, reterr);

    return r < 0 ? r : next_quarantined(reading, reterr);
}

static int take_message(struct reading *reading, const struct rt_bus_message *message,
                        struct segs_error *reterr)
{
    struct segs_reading decoded;
    int r;

    if (message->offset != reading->position)
        report_message(reading, "missing messages before", message->offset, reading->position,
                       message->offset);
    reading->position = message->offset + 1;
    reading->audit->result->n_messages += reading->is_first_pass;
    while (reading->next_quarantined < message->offset) {
        report_message(reading, "quarantined message", reading->next_quarantined, 1, 0);
        r = next_quarantined(reading, reterr);
        if (r < 0)
            return r;
    }
    if (reading->next_quarantined == message->offset) {
        reading->partition->found_quarantined += reading->is_first_pass;
        return next_quarantined(reading, reterr);
    }
    r = segs_reading_decode(message->value, message->value_len, &decoded, NULL);
    if (r < 0) {
        report_message(reading, "undecodable message that is not in quarantine", message->offset, 0,
                       1);
        return 0;
    }
    r = add_record(reading, &decoded, message->offset);
    return r < 0 ? rt_fail(reterr, r, NULL, "no memory for the readings of the log") : 0;
}

/* What retention has dropped is unknown, but its messages were older than the first one left, and none of them can have been about a
 * time further ahead than the limit at its arrival. */
static void note_first_message(struct reading *reading, int64_t first_ts_ms)
{
    struct audit_partition *partition = reading->partition;

    if (reading->position > 0 && reading->is_first_pass)
        partition->covered_from_ms =
            audit_floor(first_ts_ms + reading->audit->options->max_future_skew_ms, RT_MINUTE_MS) +
            RT_MINUTE_MS;
}

static int seek_to_first(struct reading *reading, struct segs_error *reterr)
{
    struct audit *audit = reading->audit;
    struct audit_partition *partition = reading->partition;
    int r = rt_bus_offsets(audit->bus, RT_TOPIC_RAW, reading->number, &partition->log_first,
                           &partition->log_end, reterr);

    if (r < 0)
        return r;
    reading->position = partition->log_first;
    if (partition->log_first >= partition->fence && partition->log_first > 0)
        partition->covered_from_ms = AUDIT_END; /* Nothing of what was processed is left. */
    return rt_bus_seek(audit->consumer, RT_TOPIC_RAW, reading->number, reading->position, reterr);
}

static int read_messages(struct reading *reading, struct rt_bus_batch *batch,
                         struct segs_error *reterr)
{
    int64_t fence = reading->partition->fence;
    bool is_first = true;
    int r = 0;

    while (r == 0 && reading->position < fence) {
        r = rt_bus_fetch(reading->audit->consumer, RT_TOPIC_RAW, reading->number, FETCH_MAX,
                         FETCH_WAIT_MS, batch, reterr);
        if (r == SEGS_ERANGE && is_first) { /* Retention was quicker. */
            r = seek_to_first(reading, reterr);
            continue;
        }
        if (r == 0 && batch->n == 0) {
            report_message(reading, "end of the log", reading->position, fence, reading->position);
            break;
        }
        if (r == 0 && is_first)
            note_first_message(reading, batch->messages[0].ts_ms);
        is_first = false;
        for (size_t i = 0; r == 0 && i < batch->n && batch->messages[i].offset < fence; i++)
            r = take_message(reading, &batch->messages[i], reterr);
    }
    return r;
}

static int read_partition(struct audit *audit, int32_t number, struct rt_bus_batch *batch,
                          struct segs_error *reterr)
{
    struct reading reading = { .audit = audit,
                               .partition = &audit->partitions[number],
                               .number = number,
                               .next_quarantined = INT64_MAX,
                               .is_first_pass = audit->from_ms == AUDIT_BEGINNING };
    int r = seek_to_first(&reading, reterr);

    if (r == 0)
        r = open_quarantine(&reading, reterr);
    if (r == 0)
        r = read_messages(&reading, batch, reterr);
    rt_db_rows_free(reading.quarantine);
    return r;
}

int audit_read_slice(struct audit *audit, struct segs_error *reterr)
{
    struct rt_bus_batch batch = RT_BUS_BATCH_INIT;
    int r = 0;

    audit->n_records = 0;
    audit->until_ms = AUDIT_END;
    for (int32_t i = 0; r == 0 && i < audit->n_partitions; i++)
        r = read_partition(audit, i, &batch, reterr);
    rt_bus_batch_free(&batch);
    if (r == 0 && audit->n_records > 0)
        qsort(audit->records, audit->n_records, sizeof *audit->records, by_row_and_slot);
    return r;
}
