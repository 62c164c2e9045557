/* Consumer groups of this process. A partition that changes hands is first given back by its owner
 * (in its poll), then taken by the next; what does not change hands is never interrupted. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/bus/embedded_internal.h"

static struct emb_group *group_get(struct emb_bus *bus, const char *name)
{
    struct emb_group *group = bus->groups;

    while (group && strcmp(group->name, name) != 0)
        group = group->next;
    if (group)
        return group;

    group = calloc(1, sizeof *group);
    if (!group)
        return NULL;
    group->name = malloc(strlen(name) + 1);
    if (!group->name) {
        free(group);
        return NULL;
    }
    memcpy(group->name, name, strlen(name) + 1);
    group->next = bus->groups;
    bus->groups = group;
    return group;
}

struct emb_assignment *emb_group_find(struct emb_group *group, const struct emb_topic *topic,
                                      int32_t partition)
{
    struct emb_assignment *a = group->assignments;

    while (a && (a->partition->topic != topic || a->partition->index != partition))
        a = a->next;
    return a;
}

static int track_topic(struct emb_group *group, struct emb_topic *topic)
{
    if (emb_group_find(group, topic, topic->n - 1))
        return 0;
    /* A topic of which memory allowed only a part is completed by the next member. */
    for (int32_t i = 0; i < topic->n; i++) {
        struct emb_assignment *a;
        struct emb_assignment **link = &group->assignments;

        if (emb_group_find(group, topic, i))
            continue;
        a = calloc(1, sizeof *a);
        if (!a)
            return SEGS_ENOMEM;
        a->partition = &topic->partitions[i];
        while (*link)
            link = &(*link)->next;
        *link = a;
    }
    return 0;
}

static bool wants(const struct emb_consumer *consumer, const struct emb_topic *topic)
{
    if (consumer->closing)
        return false;
    for (size_t i = 0; i < consumer->n_topics; i++) {
        if (consumer->topics[i] == topic)
            return true;
    }
    return false;
}

/* Kafka's range assignor: with n partitions and m members, the first n % m members get one more.
 * The order is that of joining. */
static struct emb_consumer *range_target(const struct emb_group *group,
                                         const struct emb_partition *partition)
{
    int32_t n = partition->topic->n;
    int32_t members = 0;
    int32_t start = 0;
    int32_t rank = 0;

    for (struct emb_consumer *c = group->members; c; c = c->next)
        members += wants(c, partition->topic) ? 1 : 0;
    for (struct emb_consumer *c = group->members; c; c = c->next) {
        int32_t share;

        if (!wants(c, partition->topic))
            continue;
        assert(members > 0);
        share = n / members + (rank < n % members ? 1 : 0);
        if (partition->index < start + share)
            return c;
        start += share;
        rank++;
    }
    return NULL;
}

void emb_group_rebalance(struct emb_bus *bus, struct emb_group *group)
{
    for (struct emb_assignment *a = group->assignments; a; a = a->next)
        a->target = range_target(group, a->partition);
    (void)pthread_cond_broadcast(&bus->membership);
}

int emb_group_join(struct emb_bus *bus, struct emb_consumer *consumer, const char *name)
{
    struct emb_group *group = group_get(bus, name);
    struct emb_consumer **link;

    if (!group)
        return SEGS_ENOMEM;
    for (size_t i = 0; i < consumer->n_topics; i++) {
        if (track_topic(group, consumer->topics[i]) < 0)
            return SEGS_ENOMEM;
    }
    for (link = &group->members; *link; link = &(*link)->next) {
    }
    *link = consumer;
    consumer->group = group;
    emb_group_rebalance(bus, group);
    return 0;
}

void emb_group_leave(struct emb_bus *bus, struct emb_consumer *consumer)
{
    struct emb_consumer **link = &consumer->group->members;

    while (*link != consumer)
        link = &(*link)->next;
    *link = consumer->next;
    emb_group_rebalance(bus, consumer->group);
}

void emb_groups_free(struct emb_bus *bus)
{
    while (bus->groups) {
        struct emb_group *group = bus->groups;

        bus->groups = group->next;
        while (group->assignments) {
            struct emb_assignment *a = group->assignments;

            group->assignments = a->next;
            free(a);
        }
        free(group->name);
        free(group);
    }
}
