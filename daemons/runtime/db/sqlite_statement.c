/* Prepared statements of a connection, found again by the address of their text. An address may
 * have been reused for another text, so the text is compared too. */
#include <stdlib.h>
#include <string.h>

#include "runtime/db/sqlite_internal.h"

void lite_statement_clear(struct lite_statement *statement)
{
    (void)sqlite3_finalize(statement->stmt);
    free(statement->param);
    memset(statement, 0, sizeof *statement);
}

/* "$7" is a name to SQLite, which numbers names in order of appearance. */
static int parameter_number(const char *name)
{
    int number = 0;

    if (!name || name[0] != '$' || name[1] < '1' || name[1] > '9')
        return 0;
    for (const char *c = name + 1; *c; c++) {
        if (*c < '0' || *c > '9' || number > 9999)
            return 0;
        number = number * 10 + (*c - '0');
    }
    return number;
}

static int map_parameters(struct lite_statement *statement, struct segs_error *reterr)
{
    int n = sqlite3_bind_parameter_count(statement->stmt);

    statement->n_bound = n;
    statement->n_params = 0;
    if (n == 0)
        return 0;
    statement->param = malloc((size_t)n * sizeof *statement->param);
    if (!statement->param)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a statement");
    for (int i = 0; i < n; i++) {
        int number = parameter_number(sqlite3_bind_parameter_name(statement->stmt, i + 1));

        if (number == 0)
            return rt_fail(reterr, SEGS_EINTERNAL, NULL, "parameters are written $1 to $9999: %s",
                           sqlite3_sql(statement->stmt));
        statement->param[i] = number - 1;
        if ((size_t)number > statement->n_params)
            statement->n_params = (size_t)number;
    }
    return 0;
}

int lite_statement_prepare(struct lite_conn *conn, const char *sql,
                           struct lite_statement *statement, struct segs_error *reterr)
{
    const char *rest = NULL;
    int rc = sqlite3_prepare_v3(conn->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement->stmt,
                                &rest);
    int r = 0;

    if (rc != SQLITE_OK)
        r = lite_fail(conn->db, conn->handle, rc, sql, reterr);
    else if (!statement->stmt || (rest && rest[strspn(rest, " \t\r\n;")] != '\0'))
        r = rt_fail(reterr, SEGS_EINTERNAL, NULL, "expected exactly one statement: %s", sql);
    else
        r = map_parameters(statement, reterr);
    if (r < 0) {
        lite_statement_clear(statement);
        return r;
    }
    statement->sql = sql;
    return 0;
}

static size_t place_of(const char *sql)
{
    uint64_t mixed = (uint64_t)(uintptr_t)sql * 0x9e3779b97f4a7c15u;

    return (size_t)(mixed >> 32) & (LITE_STATEMENTS - 1);
}

int lite_statement_get(struct lite_conn *conn, const char *sql, struct lite_statement **ret,
                       struct segs_error *reterr)
{
    size_t place = place_of(sql);
    struct lite_statement *oldest = NULL;
    int r;

    for (size_t i = 0; i < LITE_PROBES; i++) {
        struct lite_statement *s = &conn->statements[(place + i) & (LITE_STATEMENTS - 1)];

        if (s->stmt && s->sql == sql) {
            if (strcmp(sqlite3_sql(s->stmt), sql) == 0) {
                s->used = ++conn->clock;
                *ret = s;
                return 0;
            }
        }
        if (!s->busy && (!oldest || s->used < oldest->used))
            oldest = s;
    }
    if (!oldest)
        return rt_fail(reterr, SEGS_EINTERNAL, NULL,
                       "too many statements of one connection are being read at once");
    lite_statement_clear(oldest);
    r = lite_statement_prepare(conn, sql, oldest, reterr);
    if (r < 0)
        return r;
    oldest->used = ++conn->clock;
    *ret = oldest;
    return 0;
}

static int bind_one(sqlite3_stmt *stmt, int at, const struct rt_db_value *value,
                    sqlite3_destructor_type lifetime)
{
    /* A NULL pointer would become SQL NULL: an empty text or blob is not. */
    const void *data = value->data ? value->data : "";

    switch (value->type) {
    case RT_DB_NULL:
        return sqlite3_bind_null(stmt, at);
    case RT_DB_INT:
        return sqlite3_bind_int64(stmt, at, value->i);
    case RT_DB_DOUBLE:
        return sqlite3_bind_double(stmt, at, value->d);
    case RT_DB_TEXT:
        return sqlite3_bind_text64(stmt, at, data, value->len, lifetime, SQLITE_UTF8);
    case RT_DB_BLOB:
        return sqlite3_bind_blob64(stmt, at, data, value->len, lifetime);
    default:
        return SQLITE_MISUSE;
    }
}

int lite_statement_bind(struct lite_conn *conn, const struct lite_statement *statement,
                        const struct rt_db_value *params, bool copy, struct segs_error *reterr)
{
    for (int i = 0; i < statement->n_bound; i++) {
        int rc = bind_one(statement->stmt, i + 1, &params[statement->param[i]],
                          copy ? SQLITE_TRANSIENT : SQLITE_STATIC);

        if (rc != SQLITE_OK)
            return lite_fail(conn->db, conn->handle, rc, "binding a parameter", reterr);
    }
    return 0;
}
