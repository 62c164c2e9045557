/* The tables of SEGS, one numbered migration after the other. Every service that needs tables calls rt_schema_migrate() when it
 * starts; the first to come applies what is missing. What each table promises stands beside it in schema.c. */
#ifndef RT_SCHEMA_H
#define RT_SCHEMA_H

#include "../db/db.h"

struct rt_app;

int rt_schema_migrate(struct rt_db *db, struct segs_error *reterr);

/* Create the topic of readings as configured (RAW_PARTITIONS, RAW_RETENTION, RAW_RETENTION_BYTES), unless it is there. */
int rt_topic_raw_ensure(const struct rt_app *app, struct segs_error *reterr);

/* Topics of the bus, and the width of their windows. */
#define RT_TOPIC_RAW "raw_readings"
#define RT_TOPIC_1M "aggregates_1m"
#define RT_TOPIC_15M "aggregates_15m"
#define RT_TOPIC_REGIONAL "regional_aggregates"

#define RT_MINUTE_MS 60000
#define RT_QUARTER_MS 900000
#define RT_SLOT_MS 1000

/* Region of meters that name none and that the registry does not know. */
#define RT_REGION_UNASSIGNED "unassigned"

#endif
