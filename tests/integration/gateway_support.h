/* The gateway alone on the embedded engines in a folder of its own, with the demo accounts; tables are filled by the test. The clock is
 * the test's. */
#ifndef GATEWAY_SUPPORT_H
#define GATEWAY_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api-gateway/gateway.h"
#include "runtime/service.h"

#define RIG_NOW_MS INT64_C(1773570600000) /* 2026-03-15T10:30:00Z, 16:00 in Kolkata. */

struct rig {
    struct rt_config *config;
    struct rt_app app;
    struct gateway *gateway;
    int64_t now_ms;
    char dir[64];
    char password[3][64]; /* Of user, operator, admin. */
};

struct reply {
    int status;
    char head[8192];
    char *body; /* NUL-terminated; freed by reply_free and by the next call with it. */
};

/* `settings`: name, value, ..., NULL. Fails the test when it cannot. */
void rig_open(struct rig *rig, const char *const *settings);
void rig_close(struct rig *rig);
void rig_restart(struct rig *rig, const char *const *settings);
/* What the start fails with under these settings, outside of `segs dev`. */
int rig_start_fails(const char *const *settings, struct segs_error *reterr);

/* token, body: may be NULL. */
void call(const struct rig *rig, const char *method, const char *path, const char *token,
          const char *body, struct reply *reply);
int status_of_call(const struct rig *rig, const char *method, const char *path, const char *token,
                   const char *body);
void reply_free(struct reply *reply);
/* The first text member of that name; "" when there is none. */
void reply_text(const struct reply *reply, const char *name, char *buf, size_t cap);
bool reply_has(const struct reply *reply, const char *text);

struct tokens_of {
    char access[4096];
    char refresh[256];
};
/* 0 user, 1 operator, 2 administrator. */
void rig_login(const struct rig *rig, int who, struct tokens_of *ret);
extern const char *const rig_emails[3];

void rig_exec(const struct rig *rig, const char *sql);
int64_t rig_int(const struct rig *rig, const char *sql); /* NULL and no row: INT64_MIN. */
/* A row of aggregates_1m or _15m of the meter: `count` readings of this power and energy in all. */
void rig_window(const struct rig *rig, const char *meter_id, int64_t width_ms, int64_t start_ms,
                int64_t count, int64_t power_micro_kw, int64_t energy_micro_kwh);
void rig_reading(const struct rig *rig, const char *meter_id, int64_t ts_ms,
                 int64_t power_micro_kw);

#endif
