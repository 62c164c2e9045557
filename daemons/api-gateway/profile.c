/* GET and PUT /users/profile. */
#include <segs/role.h>

#include "api-gateway/routes.h"
#include "api-gateway/gateway.h"
#include "runtime/json.h"

#define NAME_MAX_BYTES 200

static int put_members(struct rt_json_out *out, struct rt_db_conn *conn, const char *user_id,
                       struct segs_error *reterr)
{
    struct rt_db_value id = rt_db_text(user_id);
    struct rt_db_rows *rows = NULL;
    int r = rt_db_query(conn,
                        "SELECT u.user_id, u.email, u.full_name, u.phone, u.role, u.timezone,"
                        " u.created_at_ms, m.meter_id, r.name FROM users u"
                        " LEFT JOIN meters m ON m.user_id = u.user_id"
                        " LEFT JOIN regions r ON r.region_key = m.region_key"
                        " WHERE u.user_id = $1 ORDER BY m.meter_key LIMIT 1",
                        &id, 1, &rows, reterr);

    if (r == 0)
        r = rt_db_next(rows, reterr);
    if (r > 0) {
        rt_json_put_string(out, "user_id", rt_db_str(rows, 0, NULL));
        rt_json_put_string(out, "email", rt_db_str(rows, 1, NULL));
        rt_json_put_string(out, "full_name", rt_db_str(rows, 2, NULL));
        rt_json_put_string(out, "phone", rt_db_str(rows, 3, NULL));
        rt_json_put_string(out, "role", segs_role_name((int32_t)rt_db_int(rows, 4)));
        rt_json_put_string(out, "timezone", rt_db_str(rows, 5, NULL));
        rt_json_put_time(out, "created_at", rt_db_int(rows, 6));
        rt_json_put_string(out, "meter_id", rt_db_str(rows, 7, NULL));
        rt_json_put_string(out, "region", rt_db_str(rows, 8, NULL));
        r = 0;
    } else if (r == 0) {
        r = SEGS_ENOTFOUND;
    }
    rt_db_rows_free(rows);
    return r;
}

static void answer(struct rt_http_exchange *x, struct gateway *gateway, const char *message)
{
    struct rt_db_conn *conn = NULL;
    struct segs_error err = { 0 };
    struct rt_buf data = RT_BUF_INIT;
    struct rt_json_out out;
    int r = rt_db_acquire(gateway->app->db, RT_DB_READ, DB_TIMEOUT_MS, &conn, &err);

    rt_json_begin(&out, &data);
    rt_json_object(&out, NULL);
    if (r == 0)
        r = put_members(&out, conn, gateway_principal(x)->user_id, &err);
    rt_json_end_object(&out);
    rt_db_release(conn);
    if (r < 0) {
        rt_buf_free(&data);
        gateway_fail(x, "a profile could not be read", r, &err);
        return;
    }
    gateway_answer(x, message, &data, NULL);
}

void get_profile(struct rt_http_exchange *x, void *user)
{
    answer(x, user, "Your profile.");
}

/* What is not given stays; the region is the meter's and is not here. */
static int store(struct gateway *gateway, const char *user_id, const char *full_name,
                 const char *phone, struct segs_error *reterr)
{
    struct rt_db_value params[4] = { rt_db_text(user_id), rt_db_text(full_name), rt_db_text(phone),
                                     RT_DB_I(gateway_now_ms(gateway)) };
    struct rt_db_conn *conn = NULL;
    int r = rt_db_acquire(gateway->app->db, RT_DB_WRITE, DB_TIMEOUT_MS, &conn, reterr);

    if (r == 0)
        r = rt_db_exec(conn,
                       "UPDATE users SET full_name = COALESCE($2, full_name),"
                       " phone = COALESCE($3, phone), updated_at_ms = $4 WHERE user_id = $1",
                       params, 4, NULL, reterr);
    rt_db_release(conn);
    return r;
}

static bool is_phone(const char *text)
{
    size_t n = 0;

    if (*text == '+')
        text++;
    for (; *text; text++) {
        if (*text >= '0' && *text <= '9')
            n++;
        else if (*text != ' ' && *text != '-')
            return false;
    }
    return n >= 6 && n <= 15; /* E.164 has at most 15 digits. */
}

void put_profile(struct rt_http_exchange *x, void *user)
{
    static const struct rt_json_member members[] = {
        { .name = "full_name", .type = RT_JSON_STRING, .min_len = 1, .max_len = NAME_MAX_BYTES },
        { .name = "phone", .type = RT_JSON_STRING, .min_len = 6, .max_len = 32 },
        { .name = NULL },
    };
    const struct rt_json *body = NULL;
    struct segs_error err = { 0 };
    const char *phone;
    int r;

    if (rt_http_json_body(x, members, &body) < 0)
        return;
    phone = rt_json_string(body, "phone");
    if (phone && !is_phone(phone)) {
        rt_http_fault(x, "/phone", "format",
                      "expected 6 to 15 digits, with an optional + in front");
        rt_http_problem(x, 422, "validation_failed", "The profile is not valid.");
        return;
    }
    r = store(user, gateway_principal(x)->user_id, rt_json_string(body, "full_name"), phone, &err);
    if (r < 0)
        gateway_fail(x, "a profile could not be stored", r, &err);
    else
        answer(x, user, "The profile is stored.");
}
