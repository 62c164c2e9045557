#include "api-gateway/routes.h"

#include <segs/role.h>

#include "api-gateway/gateway.h"

#define SMALL_BODY 8192
#define HISTORY_QUERY "start_time,end_time,resolution,limit,cursor"

/* clang-format off */
const struct rt_http_route gateway_routes[] = {
    { "GET",    "/.well-known/jwks.json", get_jwks, NULL, 0, 0 },
    { "POST",   API "/auth/login", post_login, NULL, SMALL_BODY, 0 },
    { "POST",   API "/auth/refresh", post_refresh, NULL, SMALL_BODY, 0 },
    { "POST",   API "/auth/logout", post_logout, NULL, SMALL_BODY, SEGS_PERMISSION_SESSIONS_MANAGE_OWN },
    { "POST",   API "/auth/logout-all", post_logout_all, NULL, 0, SEGS_PERMISSION_SESSIONS_MANAGE_OWN },
    { "POST",   API "/auth/change-password", post_change_password, NULL, SMALL_BODY, SEGS_PERMISSION_SESSIONS_MANAGE_OWN },
    { "GET",    API "/auth/logins", get_logins, NULL, 0, SEGS_PERMISSION_SESSIONS_MANAGE_OWN },
    { "DELETE", API "/auth/logins/{login_id}", delete_login, NULL, 0, SEGS_PERMISSION_SESSIONS_MANAGE_OWN },
    { "GET",    API "/users/profile", get_profile, NULL, 0, SEGS_PERMISSION_PROFILE_READ_OWN },
    { "PUT",    API "/users/profile", put_profile, NULL, SMALL_BODY, SEGS_PERMISSION_PROFILE_WRITE_OWN },
    { "GET",    API "/telemetry/user/my-meter", get_my_meter, NULL, 0, SEGS_PERMISSION_TELEMETRY_READ_OWN },
    { "GET",    API "/telemetry/user/history", get_my_history, HISTORY_QUERY, 0, SEGS_PERMISSION_TELEMETRY_READ_OWN },
    { "GET",    API "/telemetry/operator/meter/{meter_id}", get_any_meter, NULL, 0, SEGS_PERMISSION_TELEMETRY_READ_ANY },
    { "GET",    API "/telemetry/operator/meter/{meter_id}/history", get_any_history, HISTORY_QUERY, 0, SEGS_PERMISSION_TELEMETRY_READ_ANY },
    { "GET",    API "/telemetry/operator/region-stats", get_region_stats, "region,period", 0, SEGS_PERMISSION_TELEMETRY_READ_ANY },
    { .method = NULL },
};
/* clang-format on */
