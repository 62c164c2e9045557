#include "runtime/bus/bus.h"

#include <string.h>

#include "runtime/bus/bus_adapter.h"

/* Kafka's own limit on names, so that a topic can move to a deployment. */
enum { MAX_NAME_BYTES = 249, MAX_PARTITIONS = 4096 };

static bool is_name(const char *name)
{
    size_t len = name ? strlen(name) : 0;

    return len > 0 && len <= MAX_NAME_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

int rt_bus_open(const struct rt_bus_options *options, struct rt_bus **ret,
                struct segs_error *reterr)
{
    if (!options || !ret)
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no options or no place for the result");
    if (options->brokers)
        return rt_fail(reterr, SEGS_ENOTSUP, "brokers",
                       "this build has no adapter for a message broker; leave the brokers unset "
                       "for the embedded log");
    if (!options->data_dir)
        return rt_fail(reterr, SEGS_EINVAL, "data_dir", "the embedded log needs a data folder");
    if (options->max_queue_bytes < 0)
        return rt_fail(reterr, SEGS_ERANGE, "max_queue_bytes", "expected 0 or more");
    return rt_bus_embedded_open(options, ret, reterr);
}

void rt_bus_close(struct rt_bus *bus)
{
    if (bus)
        bus->adapter->close(bus);
}

bool rt_bus_is_up(struct rt_bus *bus)
{
    return bus && bus->adapter->is_up(bus);
}

int rt_bus_topic_ensure(struct rt_bus *bus, const struct rt_bus_topic *topic,
                        struct segs_error *reterr)
{
    if (!bus || !topic)
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no bus or no topic");
    if (!is_name(topic->name))
        return rt_fail(reterr, SEGS_EINVAL, "name",
                       "expected 1 to %d letters, digits, dots, underscores or hyphens",
                       MAX_NAME_BYTES);
    if (topic->n_partitions < 1 || topic->n_partitions > MAX_PARTITIONS)
        return rt_fail(reterr, SEGS_ERANGE, "n_partitions", "expected 1 to %d, found %d",
                       MAX_PARTITIONS, (int)topic->n_partitions);
    if (topic->retention_ms < 0 || topic->retention_bytes < 0)
        return rt_fail(reterr, SEGS_ERANGE, "retention", "expected 0 or more");
    return bus->adapter->topic_ensure(bus, topic, reterr);
}

int rt_bus_topic_partitions(struct rt_bus *bus, const char *topic, int32_t *ret_n,
                            struct segs_error *reterr)
{
    if (!bus || !topic || !ret_n)
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no bus, topic or place for the result");
    return bus->adapter->topic_partitions(bus, topic, ret_n, reterr);
}

int rt_bus_produce(struct rt_bus *bus, const char *topic, struct rt_bus_record *records, size_t n,
                   int64_t timeout_ms, struct segs_error *reterr)
{
    if (!bus || !topic || (n && !records))
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no bus, topic or records");
    for (size_t i = 0; i < n; i++)
        records[i].outcome = RT_BUS_NOT_PERSISTED;
    return n ? bus->adapter->produce(bus, topic, records, n, timeout_ms, reterr) : 0;
}

void rt_bus_batch_free(struct rt_bus_batch *batch)
{
    if (!batch || !batch->owner)
        return;
    ((struct rt_bus_batch_owner *)batch->owner)->release(batch->owner);
    *batch = (struct rt_bus_batch)RT_BUS_BATCH_INIT;
}

int rt_bus_consumer_open(struct rt_bus *bus, const struct rt_bus_consumer_options *options,
                         struct rt_bus_consumer **ret, struct segs_error *reterr)
{
    if (!bus || !options || !ret)
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no bus, options or place for the result");
    if (!is_name(options->group))
        return rt_fail(reterr, SEGS_EINVAL, "group",
                       "expected 1 to %d letters, digits, dots, underscores or hyphens",
                       MAX_NAME_BYTES);
    if (!options->topics || options->n_topics == 0)
        return rt_fail(reterr, SEGS_EINVAL, "topics", "expected at least one topic");
    return bus->adapter->consumer_open(bus, options, ret, reterr);
}

void rt_bus_consumer_close(struct rt_bus_consumer *consumer)
{
    if (consumer)
        consumer->bus->adapter->consumer_close(consumer);
}

int rt_bus_consumer_poll(struct rt_bus_consumer *consumer, int64_t timeout_ms,
                         struct segs_error *reterr)
{
    if (!consumer)
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no consumer");
    return consumer->bus->adapter->poll(consumer, timeout_ms, reterr);
}

int rt_bus_fetch(struct rt_bus_consumer *consumer, const char *topic, int32_t partition,
                 size_t max_messages, int64_t timeout_ms, struct rt_bus_batch *batch,
                 struct segs_error *reterr)
{
    if (!consumer || !topic || !batch || max_messages == 0)
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no consumer, topic, batch or messages wanted");
    return consumer->bus->adapter->fetch(consumer, topic, partition, max_messages, timeout_ms,
                                         batch, reterr);
}

int rt_bus_seek(struct rt_bus_consumer *consumer, const char *topic, int32_t partition,
                int64_t offset, struct segs_error *reterr)
{
    if (!consumer || !topic)
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no consumer or topic");
    if (offset < 0)
        return rt_fail(reterr, SEGS_ERANGE, "offset", "expected 0 or more, found %lld",
                       (long long)offset);
    return consumer->bus->adapter->seek(consumer, topic, partition, offset, reterr);
}

void rt_bus_wake(struct rt_bus_consumer *consumer)
{
    if (consumer)
        consumer->bus->adapter->wake(consumer);
}

int rt_bus_commit(struct rt_bus_consumer *consumer, const char *topic, int32_t partition,
                  int64_t next_offset, struct segs_error *reterr)
{
    if (!consumer || !topic)
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no consumer or topic");
    if (next_offset < 0)
        return rt_fail(reterr, SEGS_ERANGE, "next_offset", "expected 0 or more, found %lld",
                       (long long)next_offset);
    return consumer->bus->adapter->commit(consumer, topic, partition, next_offset, reterr);
}

int rt_bus_offsets(struct rt_bus *bus, const char *topic, int32_t partition, int64_t *ret_first,
                   int64_t *ret_end, struct segs_error *reterr)
{
    if (!bus || !topic || !ret_first || !ret_end)
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no bus, topic or place for the result");
    return bus->adapter->offsets(bus, topic, partition, ret_first, ret_end, reterr);
}
