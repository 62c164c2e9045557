/**
 * @file
 * Roles of users and what each may do: one closed table, deny by default.
 *
 * A role or permission that this version does not know permits nothing, so a new value in a
 * database or token never grants access by accident. "own" means the caller's own data: that an
 * object is the caller's own is for the caller to establish, the table only says that own data may
 * be used at all.
 *
 * Thread rule: pure functions of their arguments.
 */
#ifndef SEGS_ROLE_H
#define SEGS_ROLE_H

#include <stddef.h>
#include <stdint.h>

#include <segs/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Roles. Values are stable and may be stored; 0 is no role. */
#define SEGS_ROLE_NONE 0
#define SEGS_ROLE_USER 1     /**< A customer: own meter, own bills, own alerts. */
#define SEGS_ROLE_OPERATOR 2 /**< Utility staff: everything of customers, and running the grid. */
#define SEGS_ROLE_ADMIN 3    /**< Everything an operator may, and prices, users and meters. */

/** The bit of a role in a set of roles, as in segs_jwt_claims_roles(). */
#define SEGS_ROLE_BIT(role) (UINT32_C(1) << (role))

/** Permissions. Values are stable; 0 is no permission and is never granted. */
#define SEGS_PERMISSION_NONE 0
#define SEGS_PERMISSION_PROFILE_READ_OWN 1         /**< profile:read:own */
#define SEGS_PERMISSION_PROFILE_WRITE_OWN 2        /**< profile:write:own */
#define SEGS_PERMISSION_SESSIONS_MANAGE_OWN 3      /**< sessions:manage:own */
#define SEGS_PERMISSION_TELEMETRY_READ_OWN 4       /**< telemetry:read:own */
#define SEGS_PERMISSION_TELEMETRY_READ_ANY 5       /**< telemetry:read:any */
#define SEGS_PERMISSION_TARIFF_READ 6              /**< tariff:read */
#define SEGS_PERMISSION_TARIFF_ANALYSE 7           /**< tariff:analyse */
#define SEGS_PERMISSION_TARIFF_OVERRIDE 8          /**< tariff:override */
#define SEGS_PERMISSION_ALERTS_READ_OWN 9          /**< alerts:read:own */
#define SEGS_PERMISSION_ALERTS_READ_ANY 10         /**< alerts:read:any */
#define SEGS_PERMISSION_ALERTS_MANAGE 11           /**< alerts:manage: acknowledge, resolve */
#define SEGS_PERMISSION_ALERTS_AUTO_RESOLVE 12     /**< alerts:auto-resolve */
#define SEGS_PERMISSION_INVOICES_READ_OWN 13       /**< invoices:read:own */
#define SEGS_PERMISSION_INVOICES_DISPUTE_OWN 14    /**< invoices:dispute:own */
#define SEGS_PERMISSION_INVOICES_READ_ANY 15       /**< invoices:read:any */
#define SEGS_PERMISSION_INVOICES_GENERATE 16       /**< invoices:generate */
#define SEGS_PERMISSION_INVOICES_RECORD_PAYMENT 17 /**< invoices:record-payment */
#define SEGS_PERMISSION_USERS_READ 18              /**< users:read */
#define SEGS_PERMISSION_USERS_MANAGE 19            /**< users:manage: role, status */
#define SEGS_PERMISSION_METERS_READ 20             /**< meters:read */
#define SEGS_PERMISSION_METERS_MANAGE 21           /**< meters:manage: register, assign */
#define SEGS_PERMISSION_QUARANTINE_READ 22         /**< quarantine:read */
#define SEGS_PERMISSION_STREAM_READ 23             /**< stream:read: live events */
#define SEGS_PERMISSION_PARTITIONS_READ 24         /**< partitions:read: state of the processor */
#define SEGS_PERMISSION_STATS_READ 25              /**< stats:read: system statistics */
#define SEGS_PERMISSION_AUDIT_READ 26              /**< audit:read: the audit log */
#define SEGS_PERMISSION_LAST 26                    /**< Highest value this version knows. */

/**
 * Get the name of a role as stored and sent ("OPERATOR").
 *
 * @return a static string, or NULL for SEGS_ROLE_NONE and values this version does not know.
 * @since 0.1
 */
SEGS_API const char *segs_role_name(int32_t role);

/**
 * Get the role of a name; upper and lower case ASCII letters are the same.
 *
 * @param name  Borrowed; `len` bytes, need not be NUL-terminated.
 * @param ret   Receives SEGS_ROLE_USER, SEGS_ROLE_OPERATOR or SEGS_ROLE_ADMIN. Untouched on
 * failure.
 * @return 0, or
 *         SEGS_EINVAL     name or ret is NULL;
 *         SEGS_ENOTFOUND  no role has that name.
 * @since 0.1
 */
SEGS_API int segs_role_parse(const char *name, size_t len, int32_t *ret);

/**
 * Get the name of a permission ("telemetry:read:own").
 *
 * @return a static string, or NULL for values this version does not know.
 * @since 0.1
 */
SEGS_API const char *segs_permission_name(int32_t permission);

/**
 * Get the permission of a name; the name must match exactly.
 *
 * @param name  Borrowed; `len` bytes, need not be NUL-terminated.
 * @param ret   Receives the SEGS_PERMISSION_* value. Untouched on failure.
 * @return 0, or
 *         SEGS_EINVAL     name or ret is NULL;
 *         SEGS_ENOTFOUND  no permission has that name.
 * @since 0.1
 */
SEGS_API int segs_permission_parse(const char *name, size_t len, int32_t *ret);

/**
 * Tell whether a role holds a permission.
 *
 * @return 1 if it does; 0 if not, also for every unknown role and permission.
 * @since 0.1
 */
SEGS_API int segs_role_permits(int32_t role, int32_t permission);

/**
 * Tell whether any role of a set holds a permission.
 *
 * @param roles  SEGS_ROLE_BIT() of each role; bits of unknown roles permit nothing.
 * @return 1 or 0.
 * @since 0.1
 */
SEGS_API int segs_roles_permit(uint32_t roles, int32_t permission);

#ifdef __cplusplus
}
#endif

#endif
