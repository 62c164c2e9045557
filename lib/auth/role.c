#include <segs/role.h>

#include <string.h>

#include <segs/error.h>

#include "base/base_internal.h"

#define USER SEGS_ROLE_BIT(SEGS_ROLE_USER)
#define OPERATOR SEGS_ROLE_BIT(SEGS_ROLE_OPERATOR)
#define ADMIN SEGS_ROLE_BIT(SEGS_ROLE_ADMIN)

#define EVERYONE (USER | OPERATOR | ADMIN)
#define STAFF (OPERATOR | ADMIN)

static const char *const role_names[] = {
    [SEGS_ROLE_USER] = "USER", [SEGS_ROLE_OPERATOR] = "OPERATOR", [SEGS_ROLE_ADMIN] = "ADMIN"
};

static const struct {
    const char *name;
    uint32_t roles;
} permissions[SEGS_PERMISSION_LAST + 1] = {
    [SEGS_PERMISSION_PROFILE_READ_OWN] = { "profile:read:own", EVERYONE },
    [SEGS_PERMISSION_PROFILE_WRITE_OWN] = { "profile:write:own", EVERYONE },
    [SEGS_PERMISSION_SESSIONS_MANAGE_OWN] = { "sessions:manage:own", EVERYONE },
    [SEGS_PERMISSION_TELEMETRY_READ_OWN] = { "telemetry:read:own", EVERYONE },
    [SEGS_PERMISSION_TELEMETRY_READ_ANY] = { "telemetry:read:any", STAFF },
    [SEGS_PERMISSION_TARIFF_READ] = { "tariff:read", EVERYONE },
    [SEGS_PERMISSION_TARIFF_ANALYSE] = { "tariff:analyse", STAFF },
    [SEGS_PERMISSION_TARIFF_OVERRIDE] = { "tariff:override", ADMIN },
    [SEGS_PERMISSION_ALERTS_READ_OWN] = { "alerts:read:own", EVERYONE },
    [SEGS_PERMISSION_ALERTS_READ_ANY] = { "alerts:read:any", STAFF },
    [SEGS_PERMISSION_ALERTS_MANAGE] = { "alerts:manage", STAFF },
    [SEGS_PERMISSION_ALERTS_AUTO_RESOLVE] = { "alerts:auto-resolve", ADMIN },
    [SEGS_PERMISSION_INVOICES_READ_OWN] = { "invoices:read:own", EVERYONE },
    [SEGS_PERMISSION_INVOICES_DISPUTE_OWN] = { "invoices:dispute:own", EVERYONE },
    [SEGS_PERMISSION_INVOICES_READ_ANY] = { "invoices:read:any", STAFF },
    [SEGS_PERMISSION_INVOICES_GENERATE] = { "invoices:generate", STAFF },
    [SEGS_PERMISSION_INVOICES_RECORD_PAYMENT] = { "invoices:record-payment", STAFF },
    [SEGS_PERMISSION_USERS_READ] = { "users:read", STAFF },
    [SEGS_PERMISSION_USERS_MANAGE] = { "users:manage", ADMIN },
    [SEGS_PERMISSION_METERS_READ] = { "meters:read", STAFF },
    [SEGS_PERMISSION_METERS_MANAGE] = { "meters:manage", ADMIN },
    [SEGS_PERMISSION_QUARANTINE_READ] = { "quarantine:read", STAFF },
    [SEGS_PERMISSION_STREAM_READ] = { "stream:read", EVERYONE },
    [SEGS_PERMISSION_PARTITIONS_READ] = { "partitions:read", STAFF },
    [SEGS_PERMISSION_STATS_READ] = { "stats:read", ADMIN },
    [SEGS_PERMISSION_AUDIT_READ] = { "audit:read", ADMIN },
};

const char *segs_role_name(int32_t role)
{
    return role >= SEGS_ROLE_USER && role <= SEGS_ROLE_ADMIN ? role_names[role] : NULL;
}

static bool equals_fold(const char *text, const char *upper, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 'a' + 'A') : text[i];

        if (c != upper[i])
            return false;
    }
    return true;
}

int segs_role_parse(const char *name, size_t len, int32_t *ret)
{
    if (!name || !ret)
        return SEGS_EINVAL;
    for (int32_t role = SEGS_ROLE_USER; role <= SEGS_ROLE_ADMIN; role++) {
        if (strlen(role_names[role]) == len && equals_fold(name, role_names[role], len)) {
            *ret = role;
            return 0;
        }
    }
    return SEGS_ENOTFOUND;
}

static bool is_permission(int32_t permission)
{
    return permission > SEGS_PERMISSION_NONE && permission <= SEGS_PERMISSION_LAST;
}

const char *segs_permission_name(int32_t permission)
{
    return is_permission(permission) ? permissions[permission].name : NULL;
}

int segs_permission_parse(const char *name, size_t len, int32_t *ret)
{
    if (!name || !ret)
        return SEGS_EINVAL;
    for (int32_t i = SEGS_PERMISSION_NONE + 1; i <= SEGS_PERMISSION_LAST; i++) {
        if (strlen(permissions[i].name) == len && memcmp(permissions[i].name, name, len) == 0) {
            *ret = i;
            return 0;
        }
    }
    return SEGS_ENOTFOUND;
}

int segs_role_permits(int32_t role, int32_t permission)
{
    return segs_role_name(role) != NULL && segs_roles_permit(SEGS_ROLE_BIT(role), permission);
}

int segs_roles_permit(uint32_t roles, int32_t permission)
{
    return is_permission(permission) && (permissions[permission].roles & roles) != 0;
}
