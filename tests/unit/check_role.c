#include <segs/role.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <segs/error.h>

START_TEST(roles_have_stable_values_and_names)
{
    ck_assert_int_eq(SEGS_ROLE_USER, 1);
    ck_assert_int_eq(SEGS_ROLE_OPERATOR, 2);
    ck_assert_int_eq(SEGS_ROLE_ADMIN, 3);
    ck_assert_str_eq(segs_role_name(1), "USER");
    ck_assert_str_eq(segs_role_name(2), "OPERATOR");
    ck_assert_str_eq(segs_role_name(3), "ADMIN");
    ck_assert_ptr_null(segs_role_name(0));
    ck_assert_ptr_null(segs_role_name(4));
    ck_assert_ptr_null(segs_role_name(-1));
    ck_assert_ptr_null(segs_role_name(INT32_MIN));
}
END_TEST

START_TEST(role_names_are_read_in_any_case)
{
    int32_t role = 77;

    ck_assert_int_eq(segs_role_parse("admin", 5, &role), 0);
    ck_assert_int_eq(role, SEGS_ROLE_ADMIN);
    ck_assert_int_eq(segs_role_parse("Operator!", 8, &role), 0);
    ck_assert_int_eq(role, SEGS_ROLE_OPERATOR);
    role = 77;
    ck_assert_int_eq(segs_role_parse("ADMI", 4, &role), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_role_parse("ADMIN ", 6, &role), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_role_parse("", 0, &role), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_role_parse("root", 4, &role), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_role_parse(NULL, 0, &role), SEGS_EINVAL);
    ck_assert_int_eq(segs_role_parse("USER", 4, NULL), SEGS_EINVAL);
    ck_assert_int_eq(role, 77);
}
END_TEST

START_TEST(every_permission_has_a_name_that_finds_it)
{
    for (int32_t i = 1; i <= SEGS_PERMISSION_LAST; i++) {
        const char *name = segs_permission_name(i);
        int32_t found = 0;

        ck_assert_ptr_nonnull(name);
        ck_assert_int_eq(segs_permission_parse(name, strlen(name), &found), 0);
        ck_assert_int_eq(found, i);
    }
    ck_assert_ptr_null(segs_permission_name(0));
    ck_assert_ptr_null(segs_permission_name(SEGS_PERMISSION_LAST + 1));
    ck_assert_ptr_null(segs_permission_name(-1));
}
END_TEST

START_TEST(unknown_permission_names_are_not_found)
{
    int32_t found = 77;

    ck_assert_int_eq(segs_permission_parse("telemetry:read:Own", 18, &found), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_permission_parse("telemetry:read", 14, &found), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_permission_parse(NULL, 0, &found), SEGS_EINVAL);
    ck_assert_int_eq(found, 77);
}
END_TEST

/* The table once more, from the contract of the HTTP interface: u any user, o staff, a administrators
 * only. */
static const struct {
    const char *name;
    char who;
} contract[] = {
    { "profile:read:own", 'u' },
    { "profile:write:own", 'u' },
    { "sessions:manage:own", 'u' },
    { "telemetry:read:own", 'u' },
    { "telemetry:read:any", 'o' },
    { "tariff:read", 'u' },
    { "tariff:analyse", 'o' },
    { "tariff:override", 'a' },
    { "alerts:read:own", 'u' },
    { "alerts:read:any", 'o' },
    { "alerts:manage", 'o' },
    { "alerts:auto-resolve", 'a' },
    { "invoices:read:own", 'u' },
    { "invoices:dispute:own", 'u' },
    { "invoices:read:any", 'o' },
    { "invoices:generate", 'o' },
    { "invoices:record-payment", 'o' },
    { "users:read", 'o' },
    { "users:manage", 'a' },
    { "meters:read", 'o' },
    { "meters:manage", 'a' },
    { "quarantine:read", 'o' },
    { "stream:read", 'u' },
    { "partitions:read", 'o' },
    { "stats:read", 'a' },
    { "audit:read", 'a' },
};

START_TEST(the_table_is_the_contract)
{
    ck_assert_uint_eq(sizeof contract / sizeof contract[0], SEGS_PERMISSION_LAST);
    for (size_t i = 0; i < sizeof contract / sizeof contract[0]; i++) {
        int32_t p = 0;

        ck_assert_int_eq(segs_permission_parse(contract[i].name, strlen(contract[i].name), &p), 0);
        ck_assert_int_eq(segs_role_permits(SEGS_ROLE_USER, p), contract[i].who == 'u');
        ck_assert_int_eq(segs_role_permits(SEGS_ROLE_OPERATOR, p), contract[i].who != 'a');
        ck_assert_int_eq(segs_role_permits(SEGS_ROLE_ADMIN, p), 1);
    }
}
END_TEST

START_TEST(what_is_unknown_is_denied)
{
    static const int32_t roles[] = { 0, 4, 31, 32, 33, -1, -31, INT32_MAX, INT32_MIN };
    static const int32_t permissions[] = { 0, SEGS_PERMISSION_LAST + 1, -1, INT32_MAX, INT32_MIN };

    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        for (int32_t p = 0; p <= SEGS_PERMISSION_LAST; p++)
            ck_assert_int_eq(segs_role_permits(roles[i], p), 0);
    }
    for (size_t i = 0; i < sizeof permissions / sizeof permissions[0]; i++) {
        ck_assert_int_eq(segs_role_permits(SEGS_ROLE_ADMIN, permissions[i]), 0);
        ck_assert_int_eq(segs_roles_permit(UINT32_MAX, permissions[i]), 0);
    }
    for (int32_t p = 1; p <= SEGS_PERMISSION_LAST; p++)
        ck_assert_int_eq(segs_roles_permit(~UINT32_C(14), p), 0);
}
END_TEST

START_TEST(a_set_of_roles_permits_what_any_of_them_does)
{
    ck_assert_int_eq(
        segs_roles_permit(SEGS_ROLE_BIT(SEGS_ROLE_USER) | SEGS_ROLE_BIT(SEGS_ROLE_OPERATOR),
                          SEGS_PERMISSION_ALERTS_MANAGE),
        1);
    ck_assert_int_eq(
        segs_roles_permit(SEGS_ROLE_BIT(SEGS_ROLE_USER), SEGS_PERMISSION_ALERTS_MANAGE), 0);
    ck_assert_int_eq(segs_roles_permit(0, SEGS_PERMISSION_TARIFF_READ), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("role");
    TCase *tc = tcase_create("role");
    SRunner *runner;
    int n_failed;

    tcase_add_test(tc, roles_have_stable_values_and_names);
    tcase_add_test(tc, role_names_are_read_in_any_case);
    tcase_add_test(tc, every_permission_has_a_name_that_finds_it);
    tcase_add_test(tc, unknown_permission_names_are_not_found);
    tcase_add_test(tc, the_table_is_the_contract);
    tcase_add_test(tc, what_is_unknown_is_denied);
    tcase_add_test(tc, a_set_of_roles_permits_what_any_of_them_does);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
