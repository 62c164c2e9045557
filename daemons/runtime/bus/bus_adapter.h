/* What an adapter of the bus provides. The facade (bus.c) has checked pointers and ranges. */
#ifndef RT_BUS_ADAPTER_H
#define RT_BUS_ADAPTER_H

#include "bus.h"

struct rt_bus_adapter {
    void (*close)(struct rt_bus *bus);
    bool (*is_up)(struct rt_bus *bus);
    int (*topic_ensure)(struct rt_bus *bus, const struct rt_bus_topic *topic,
                        struct segs_error *reterr);
    int (*topic_partitions)(struct rt_bus *bus, const char *topic, int32_t *ret_n,
                            struct segs_error *reterr);
    /* Every record's outcome is RT_BUS_NOT_PERSISTED on entry. */
    int (*produce)(struct rt_bus *bus, const char *topic, struct rt_bus_record *records, size_t n,
                   int64_t timeout_ms, struct segs_error *reterr);
    int (*offsets)(struct rt_bus *bus, const char *topic, int32_t partition, int64_t *ret_first,
                   int64_t *ret_end, struct segs_error *reterr);
    int (*consumer_open)(struct rt_bus *bus, const struct rt_bus_consumer_options *options,
                         struct rt_bus_consumer **ret, struct segs_error *reterr);
    void (*consumer_close)(struct rt_bus_consumer *consumer);
    int (*poll)(struct rt_bus_consumer *consumer, int64_t timeout_ms, struct segs_error *reterr);
    int (*fetch)(struct rt_bus_consumer *consumer, const char *topic, int32_t partition,
                 size_t max_messages, int64_t timeout_ms, struct rt_bus_batch *batch,
                 struct segs_error *reterr);
    int (*seek)(struct rt_bus_consumer *consumer, const char *topic, int32_t partition,
                int64_t offset, struct segs_error *reterr);
    void (*wake)(struct rt_bus_consumer *consumer);
    int (*commit)(struct rt_bus_consumer *consumer, const char *topic, int32_t partition,
                  int64_t next_offset, struct segs_error *reterr);
};

/* First members of the adapters' own structs. */
struct rt_bus {
    const struct rt_bus_adapter *adapter;
};
struct rt_bus_consumer {
    struct rt_bus *bus;
};
/* What rt_bus_batch.owner points to. */
struct rt_bus_batch_owner {
    void (*release)(struct rt_bus_batch_owner *owner);
};

int rt_bus_embedded_open(const struct rt_bus_options *options, struct rt_bus **ret,
                         struct segs_error *reterr);

#endif
