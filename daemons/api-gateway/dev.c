#include "api-gateway/dev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <segs/password.h>
#include <segs/role.h>

#include "api-gateway/service.h"
#include "runtime/json.h"
#include "runtime/random.h"

#define PATH_BYTES 4200
#define FILE_MAX_BYTES 8192
#define PASSWORD_RANDOM_BYTES 15 /* 120 bits, 20 characters. */

static const struct account {
    const char *email;
    const char *name;
    int32_t role;
} accounts[] = {
    { "user@segs.local", "Demo customer", SEGS_ROLE_USER },
    { "operator@segs.local", "Demo operator", SEGS_ROLE_OPERATOR },
    { "admin@segs.local", "Demo administrator", SEGS_ROLE_ADMIN },
};
#define N_ACCOUNTS (sizeof accounts / sizeof accounts[0])

struct passwords {
    char text[N_ACCOUNTS][RT_RANDOM_TEXT_BYTES];
};

static void logins_path(const char *data_dir, char path[PATH_BYTES])
{
    (void)snprintf(path, PATH_BYTES, "%.4000s/dev-logins.json", data_dir);
}

static int read_file(const char *data_dir, struct rt_buf *ret)
{
    char path[PATH_BYTES];
    char *room = rt_buf_reserve(ret, FILE_MAX_BYTES);
    FILE *file;

    logins_path(data_dir, path);
    file = room ? fopen(path, "re") : NULL;
    if (!file)
        return room ? SEGS_ENOTFOUND : SEGS_ENOMEM;
    ret->len += fread(room, 1, FILE_MAX_BYTES - 1, file);
    ret->data[ret->len] = '\0';
    (void)fclose(file);
    return 0;
}

int gateway_dev_logins(const char *data_dir, struct rt_buf *ret_json)
{
    return read_file(data_dir, ret_json);
}

static int write_file(const char *data_dir, const struct passwords *passwords,
                      struct segs_error *reterr)
{
    struct rt_buf text = RT_BUF_INIT;
    struct rt_json_out out;
    char path[PATH_BYTES];
    char temporary[PATH_BYTES + 8];
    int fd;
    int r = 0;

    rt_json_begin(&out, &text);
    rt_json_array(&out, NULL);
    for (size_t i = 0; i < N_ACCOUNTS; i++) {
        rt_json_object(&out, NULL);
        rt_json_put_string(&out, "role", segs_role_name(accounts[i].role));
        rt_json_put_string(&out, "email", accounts[i].email);
        rt_json_put_string(&out, "password", passwords->text[i]);
        rt_json_end_object(&out);
    }
    rt_json_end_array(&out);
    logins_path(data_dir, path);
    (void)snprintf(temporary, sizeof temporary, "%s.new", path);
    fd = rt_buf_status(&text) == 0
             ? open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR)
             : -1;
    if (fd < 0 || write(fd, text.data, text.len) != (ssize_t)text.len || fsync(fd) != 0 ||
        rename(temporary, path) != 0)
        r = rt_fail(reterr, RT_ESTORAGE, "dev-logins.json", "cannot be written: %s",
                    strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    rt_buf_free(&text);
    return r;
}

/* The passwords of the file, which is ours and so has the accounts in order. */
static bool parse(const struct rt_buf *text, struct passwords *ret)
{
    struct rt_json *json = NULL;
    bool ok = rt_json_parse(text->data, text->len, &json, NULL) == 0 &&
              rt_json_n_elements(json) == N_ACCOUNTS;

    for (size_t i = 0; ok && i < N_ACCOUNTS; i++) {
        size_t len = 0;
        const char *raw = rt_json_raw_at(json, i, &len);
        struct rt_json *entry = NULL;
        const char *password = NULL;

        if (rt_json_parse(raw, len, &entry, NULL) == 0)
            password = rt_json_string(entry, "password");
        ok = password && strlen(password) < sizeof ret->text[i];
        if (ok)
            (void)snprintf(ret->text[i], sizeof ret->text[i], "%s", password);
        rt_json_free(entry);
    }
    rt_json_free(json);
    return ok;
}

static int passwords_get(const char *data_dir, struct passwords *ret, struct segs_error *reterr)
{
    struct rt_buf text = RT_BUF_INIT;
    bool found = read_file(data_dir, &text) == 0 && parse(&text, ret);
    int r = 0;

    rt_buf_free(&text);
    if (found)
        return 0;
    for (size_t i = 0; r == 0 && i < N_ACCOUNTS; i++)
        r = rt_random_base64url(PASSWORD_RANDOM_BYTES, ret->text[i]);
    return r < 0 ? r : write_file(data_dir, ret, reterr);
}

/* ---- Accounts ---- */

/* A password that the file no longer has is replaced; one that it has stays as it is. */
static int ensure_account(struct rt_db_conn *conn, struct gateway *gateway,
                          const struct account *account, const char *hash,
                          struct segs_error *reterr)
{
    int64_t now_ms = gateway_now_ms(gateway);
    char user_id[RT_UUID_BYTES];
    struct rt_db_value params[6];
    int r = rt_uuid7(now_ms, user_id);

    if (r < 0)
        return rt_fail(reterr, r, NULL, "no randomness for an account");
    params[0] = rt_db_text(user_id);
    params[1] = rt_db_text(account->email);
    params[2] = rt_db_text(hash);
    params[3] = rt_db_text(account->name);
    params[4] = RT_DB_I(account->role);
    params[5] = RT_DB_I(now_ms);
    return rt_db_exec(conn,
                      "INSERT INTO users (user_id, email, password_hash, full_name, role,"
                      " email_verified, created_at_ms, updated_at_ms)"
                      " VALUES ($1, $2, $3, $4, $5, 1, $6, $6)"
                      " ON CONFLICT (email) DO UPDATE SET password_hash = $3",
                      params, 6, NULL, reterr);
}

/* The meter may not have sent anything yet: it is registered, and the stream then finds it there. */
static int ensure_meter(struct rt_db_conn *conn, struct gateway *gateway, struct segs_error *reterr)
{
    struct rt_db_value params[4] = { rt_db_text(DEV_METER), rt_db_text(DEV_REGION),
                                     rt_db_text(accounts[0].email),
                                     RT_DB_I(gateway_now_ms(gateway)) };
    int r = rt_db_exec(conn, "INSERT INTO regions (name) VALUES ($1) ON CONFLICT (name) DO NOTHING",
                       params + 1, 1, NULL, reterr);

    if (r == 0)
        r = rt_db_exec(
            conn,
            "INSERT INTO meters (meter_id, region_key, registered, user_id, created_at_ms)"
            " SELECT $1, r.region_key, 1, u.user_id, $4 FROM regions r, users u"
            " WHERE r.name = $2 AND u.email = $3"
            " ON CONFLICT (meter_id) DO UPDATE SET user_id = excluded.user_id"
            " WHERE meters.user_id IS NULL",
            params, 4, NULL, reterr);
    return r;
}

static int store(struct gateway *gateway, char hashes[N_ACCOUNTS][SEGS_PASSWORD_HASH_BYTES],
                 struct segs_error *reterr)
{
    struct rt_db_conn *conn = NULL;
    int r = rt_db_acquire(gateway->app->db, RT_DB_WRITE, DB_TIMEOUT_MS, &conn, reterr);

    if (r == 0)
        r = rt_db_begin(conn, reterr);
    for (size_t i = 0; r == 0 && i < N_ACCOUNTS; i++)
        if (hashes[i][0] != '\0')
            r = ensure_account(conn, gateway, &accounts[i], hashes[i], reterr);
    if (r == 0)
        r = ensure_meter(conn, gateway, reterr);
    if (r == 0)
        r = rt_db_commit(conn, reterr);
    rt_db_release(conn);
    return r;
}

/* Whether the account is there with the password of the file; hashing three passwords at each start would be slow. */
static int has_account(struct gateway *gateway, const struct account *account, const char *password,
                       bool *ret, struct segs_error *reterr)
{
    struct rt_db_value email = rt_db_text(account->email);
    struct rt_db_conn *conn = NULL;
    struct rt_db_rows *rows = NULL;
    char hash[SEGS_PASSWORD_HASH_BYTES] = "";
    int r = rt_db_acquire(gateway->app->db, RT_DB_READ, DB_TIMEOUT_MS, &conn, reterr);

    if (r == 0)
        r = rt_db_query(conn, "SELECT password_hash FROM users WHERE email = $1", &email, 1, &rows,
                        reterr);
    if (r == 0)
        r = rt_db_next(rows, reterr);
    if (r > 0)
        (void)snprintf(hash, sizeof hash, "%s", rt_db_str(rows, 0, NULL));
    rt_db_rows_free(rows);
    rt_db_release(conn);
    *ret = hash[0] != '\0' && hashing_verify(gateway->hashing, password, hash) == 0;
    return r < 0 ? r : 0;
}

int dev_accounts(struct gateway *gateway, struct segs_error *reterr)
{
    char hashes[N_ACCOUNTS][SEGS_PASSWORD_HASH_BYTES] = { { 0 } };
    struct passwords passwords = { 0 };
    int r = passwords_get(gateway->app->data_dir, &passwords, reterr);

    for (size_t i = 0; r == 0 && i < N_ACCOUNTS; i++) {
        bool there = false;

        r = has_account(gateway, &accounts[i], passwords.text[i], &there, reterr);
        if (r == 0 && !there)
            r = hashing_make(gateway->hashing, passwords.text[i], hashes[i], sizeof hashes[i]);
    }
    return r < 0 ? r : store(gateway, hashes, reterr);
}
