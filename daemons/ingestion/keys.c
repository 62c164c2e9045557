#include "ingestion/keys.h"

#include <string.h>
#include <strings.h>

#include <segs/token.h>

#define SCHEME "Bearer "
#define KEY_MAX_BYTES 256

static int find(struct rt_db_conn *conn, const uint8_t digest[SEGS_TOKEN_DIGEST_BYTES],
                char ret_prefix[SEGS_ID_BYTES], struct segs_error *reterr)
{
    struct rt_db_value key = rt_db_blob(digest, SEGS_TOKEN_DIGEST_BYTES);
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(
        conn, "SELECT meter_prefix FROM ingest_keys WHERE key_hash = $1 AND revoked_at_ms IS NULL",
        &key, 1, &rows, reterr);

    if (r == 0)
        r = rt_db_next(rows, reterr);
    if (r > 0) {
        size_t len = 0;
        const char *prefix = rt_db_str(rows, 0, &len);

        if (len < SEGS_ID_BYTES) {
            memset(ret_prefix, 0, SEGS_ID_BYTES);
            memcpy(ret_prefix, prefix, len);
            r = 0;
        } else {
            r = SEGS_EDENIED;
        }
    } else if (r == 0) {
        r = SEGS_EDENIED;
    }
    rt_db_rows_free(rows);
    return r;
}

int keys_authorise(struct rt_db *db, const char *authorization, char ret_prefix[SEGS_ID_BYTES],
                   struct segs_error *reterr)
{
    uint8_t digest[SEGS_TOKEN_DIGEST_BYTES];
    struct rt_db_conn *conn = NULL;
    const char *key;
    int r;

    if (!authorization || strncasecmp(authorization, SCHEME, strlen(SCHEME)) != 0)
        return SEGS_EDENIED;
    key = authorization + strlen(SCHEME);
    if (*key == '\0' || strlen(key) > KEY_MAX_BYTES)
        return SEGS_EDENIED;
    r = segs_token_digest(key, strlen(key), digest);
    if (r == 0)
        r = rt_db_acquire(db, RT_DB_READ, 2000, &conn, reterr);
    if (r == 0)
        r = find(conn, digest, ret_prefix, reterr);
    rt_db_release(conn);
    return r;
}

bool keys_can_be_asked(struct rt_db *db)
{
    struct rt_db_conn *conn = NULL;
    int64_t n = 0;
    int r = rt_db_acquire(db, RT_DB_READ, 50, &conn, NULL);

    if (r == 0)
        r = rt_db_query_int(conn, "SELECT count(*) FROM ingest_keys WHERE key_hash = ''", NULL, 0,
                            &n, NULL);
    rt_db_release(conn);
    return r == 0;
}
