/* Common ground of the tests of bus, database and cache. A contract is a set of tests that every
 * adapter of a port passes: a test program hands it a rig, which knows how to open one adapter on
 * fresh storage and how to open it again on the same storage. */
#ifndef PORTS_RIG_H
#define PORTS_RIG_H

#include <check.h>

#include "runtime/bus/bus.h"
#include "runtime/cache/cache.h"
#include "runtime/db/db.h"

struct bus_rig {
    const char *name;
    void (*setup)(void);    /* Fresh, empty storage. */
    void (*teardown)(void); /* Removes it. */
    struct rt_bus *(*open)(void);
};
void bus_contract_add(Suite *suite, const struct bus_rig *rig);

struct db_rig {
    const char *name;
    void (*setup)(void);
    void (*teardown)(void);
    struct rt_db *(*open)(void);
};
void db_contract_add(Suite *suite, const struct db_rig *rig);

struct cache_rig {
    const char *name;
    struct rt_cache *(*open)(void);
    void (*pass_ms)(int64_t ms); /* Let this much time go by for the cache. */
};
void cache_contract_add(Suite *suite, const struct cache_rig *rig);

/* A folder of its own for each test. */
extern char rig_folder[64];
void rig_folder_make(void);
void rig_folder_remove(void);

/* Fails the test with the message of `err`. */
#define rig_ok(call_)                                                                              \
    do {                                                                                           \
        int rig_r_ = (call_);                                                                      \
        ck_assert_msg(rig_r_ >= 0, "%s: %d %s", #call_, rig_r_, err.message);                      \
    } while (0)

#endif
