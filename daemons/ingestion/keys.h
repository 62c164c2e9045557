/* Who may send readings: ingest keys, known by their digest, each speaking for the meters whose id begins with its prefix. */
#ifndef INGESTION_KEYS_H
#define INGESTION_KEYS_H

#include <stdbool.h>

#include <segs/reading.h>

#include "runtime/db/db.h"

/* Find what the key in an Authorization header ("Bearer <key>") speaks for. 0: ret_prefix is set. SEGS_EDENIED: no or no live
 * key. Other codes: the database cannot be asked, and nobody is let in. */
int keys_authorise(struct rt_db *db, const char *authorization, char ret_prefix[SEGS_ID_BYTES],
                   struct segs_error *reterr);

/* For readiness: whether the table of keys can be read now. Waits 50 ms for a connection at most. */
bool keys_can_be_asked(struct rt_db *db);

#endif
